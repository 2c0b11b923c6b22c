"""Accounts of analysts: they read the schema `analysis`, write in the schema `workspace`, and reach nothing else."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from theftwatch.config import Settings
from theftwatch.db import migrate, server
from theftwatch.db.connect import connect
from theftwatch.db.queries import queries
from theftwatch.errors import DatabaseError, UsageError

#: What all accounts of analysts are members of
ANALYST = "theftwatch_analyst"

_NAME = re.compile(r"(?!pg_|postgres$|theftwatch)[a-z][a-z0-9_]{0,62}")
_CONNECTIONS = 10
#: Set for each account, as none of these is inherited. An account may change them; they are against accidents.
_SESSION = {
    "statement_timeout": "60s",
    # one that is left open keeps the server from clearing up
    "idle_in_transaction_session_timeout": "10min",
    "search_path": "workspace, analysis",
    "timezone": "UTC",
    # compiling the plan of a wide view takes longer than running it
    "jit": "off",
}
_REMEDY = "check that the server runs"


def grant(settings: Settings, name: str) -> str:
    """Make the account of an analyst, or give it another password, and return its DSN, which is kept nowhere.

    Raises UsageError for a name that cannot be one or is taken, DatabaseError where we may not make accounts.
    """
    _check_name(name)
    owner = server.connect_dsn(settings)
    with connect(server.admin_dsn(settings), remedy=_REMEDY) as admin, _explained(admin):
        admin.execute(migrate.setup_sql("analyst"))
        with connect(owner, remedy=_REMEDY) as connection:
            connection.execute(migrate.setup_sql("reader"))
        password = secrets.token_urlsafe(24)
        _make_account(admin, name, password)
    dsn = _dsn_of(owner, name, password)
    with connect(dsn, remedy=_REMEDY) as connection:
        # by its own word, as only that counts: what one analyst keeps the others may read, and a backup too
        for what in ("tables", "sequences"):
            connection.execute(
                sql.SQL("alter default privileges in schema workspace grant select on {} to {}, {}").format(
                    sql.SQL(what), sql.Identifier(ANALYST), sql.Identifier(str(conninfo_to_dict(owner)["user"]))
                )
            )
    return dsn


def revoke(settings: Settings, name: str) -> None:
    """Let the account of an analyst sign in no more, and end its sessions; what it keeps in `workspace` stays.

    Raises UsageError where there is no such account.
    """
    server.connect_dsn(settings)
    with connect(server.admin_dsn(settings), remedy=_REMEDY) as admin, _explained(admin):
        if not _is_analyst(admin, name):
            raise UsageError(f"{name}: no analyst has this account; `theftwatch db status` lists them")
        admin.execute(sql.SQL("alter role {} nologin password null").format(sql.Identifier(name)))
        admin.execute(queries()["end_sessions"], {"name": name})


def _make_account(admin: psycopg.Connection, name: str, password: str) -> None:
    account = sql.Identifier(name)
    if not admin.execute(queries()["find_account"], {"name": name}).fetchone():
        admin.execute(sql.SQL("create role {} in role {}").format(account, sql.Identifier(ANALYST)))
    elif not _is_analyst(admin, name):
        raise UsageError(f"{name}: an account of this name is there, and is no analyst's; give another name")
    # hashed here, so that no log of the server can hold the password
    verifier = admin.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    admin.execute(
        sql.SQL("alter role {} login password {} connection limit {}").format(
            account, sql.Literal(verifier), sql.Literal(_CONNECTIONS)
        )
    )
    for setting, value in _SESSION.items():
        parts = sql.SQL(", ").join(sql.Literal(part) for part in value.split(", "))
        admin.execute(sql.SQL("alter role {} set {} = {}").format(account, sql.Identifier(setting), parts))


def _is_analyst(admin: psycopg.Connection, name: str) -> bool:
    return (name,) in admin.execute(queries()["find_analysts"]).fetchall()


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name}: a name starts with a letter and has small letters, digits and _ alone; those that start with "
            "theftwatch or pg_, and postgres, are taken"
        )


def _dsn_of(owner: str, name: str, password: str) -> str:
    """Return the DSN of an account, as an address where that can say all of it."""
    parts = conninfo_to_dict(owner) | {"user": name, "password": password}
    if set(parts) == {"user", "password", "host", "port", "dbname"}:
        return f"postgresql://{name}:{password}@{parts['host']}:{parts['port']}/{parts['dbname']}"
    return make_conninfo(owner, user=name, password=password)


@contextmanager
def _explained(admin: psycopg.Connection) -> Iterator[None]:
    """Say what to do where the account in use may not make others."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as exc:
        raise DatabaseError(
            f"{admin.info.user} may not make accounts: {exc.diag.message_primary}; have a superuser run "
            f"`alter role {admin.info.user} createrole`"
        ) from exc
