"""Accounts of the review page: passwords, and the browsers that signed in."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from theftwatch.db.queries import Connection, execute, fetch, fetch_as
from theftwatch.errors import UsageError

Role = Literal["reviewer", "viewer"]

#: A working day; who comes back the next one signs in again
SESSION = timedelta(hours=12)
PASSWORD_MIN = 12
_SALT_BYTES = 16
#: Passwords that are tried at once, since each takes that memory
_TRIED_AT_ONCE = asyncio.Semaphore(2)
#: How long one who gave a wrong password waits for the answer
_WRONG_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account that was not removed."""

    name: str
    role: Role
    made_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Who a request comes from, by the session that it names."""

    #: Whether there are accounts, so that one has to sign in
    guarded: bool
    name: str | None
    role: Role | None


async def add_account(connection: Connection, name: str, password: str, role: Role, *, now: datetime) -> None:
    """Make an account, or give one another password or role.

    Raises UsageError for a password that is too short.
    """
    if len(password) < PASSWORD_MIN:
        raise UsageError(f"a password of {len(password)} letters is too short; give {PASSWORD_MIN} or more")
    password_hash = await asyncio.to_thread(_hash, password)
    await execute(connection, "upsert_account", name=name, role=role, password_hash=password_hash, now=now)


async def remove_account(connection: Connection, name: str, *, now: datetime) -> None:
    """Remove an account, and sign it out everywhere; its verdicts keep its name.

    Raises UsageError where there is none.
    """
    if not await fetch(connection, "remove_account", name=name, now=now):
        raise UsageError(f"{name}: no such account; `theftwatch account list` shows all")


async def find_accounts(connection: Connection) -> list[Account]:
    """Return all accounts, by name."""
    return await fetch_as(connection, Account, "find_accounts")


async def sign_in(connection: Connection, name: str, password: str, *, now: datetime) -> str | None:
    """Return the token of a new session; None where name and password do not go together."""
    known = await fetch(connection, "find_password", name=name)
    async with _TRIED_AT_ONCE:
        # A name that does not exist takes as long as one that does.
        right = await asyncio.to_thread(_verify, password, known[0][0] if known else _nobodys())
    if not (known and right):
        await asyncio.sleep(_WRONG_S)
        return None
    token = secrets.token_urlsafe(32)
    await execute(
        connection, "insert_session", token_sha256=_digest(token), name=name, expires_at=now + SESSION, now=now
    )
    return token


async def sign_out(connection: Connection, token: str) -> None:
    """End a session."""
    await execute(connection, "delete_session", token_sha256=_digest(token))


async def find_visitor(connection: Connection, token: str, *, now: datetime) -> Visitor:
    """Return who a token stands for."""
    [visitor] = await fetch_as(connection, Visitor, "find_session", token_sha256=_digest(token), now=now)
    return visitor


def _hash(password: str) -> str:
    # What RFC 9106 recommends where memory is short: three passes, four lanes, 64 MiB.
    derivation = Argon2id(
        salt=secrets.token_bytes(_SALT_BYTES), length=32, iterations=3, lanes=4, memory_cost=64 * 1024
    )
    return derivation.derive_phc_encoded(password.encode())


def _verify(password: str, password_hash: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), password_hash)
    except InvalidKey:
        return False
    return True


@cache
def _nobodys() -> str:
    return _hash(secrets.token_urlsafe(32))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
