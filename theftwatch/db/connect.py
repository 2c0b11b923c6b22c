"""Connecting to Postgres for a moment, with errors that a user can act on and that never show a password."""

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from theftwatch.errors import DatabaseError, UsageError

OLDEST_POSTGRES = 15

_CONNECT_TIMEOUT_S = 10
#: A server that was set up without a locale makes databases in SQL_ASCII
_ENCODING = "UTF8"


def connect(dsn: str, *, remedy: str) -> psycopg.Connection:
    """Return a connection in autocommit mode; a `with` block closes it.

    Raises UsageError for a DSN that cannot be read, DatabaseError with `remedy` where no server answers, and for one
    that is too old, or a database that cannot hold all letters.
    """
    place = describe(dsn)
    try:
        connection = psycopg.connect(
            make_conninfo(dsn, connect_timeout=conninfo_to_dict(dsn).get("connect_timeout") or _CONNECT_TIMEOUT_S),
            autocommit=True,
        )
    except psycopg.OperationalError as exc:
        raise DatabaseError(f"{place}: {_reason(exc)}; {remedy}") from exc
    if connection.info.server_version < OLDEST_POSTGRES * 10_000:
        version = connection.info.parameter_status("server_version")
        connection.close()
        raise DatabaseError(f"{place} runs Postgres {version}; name a server of {OLDEST_POSTGRES} or newer")
    if (encoding := connection.info.parameter_status("server_encoding")) != _ENCODING:
        connection.close()
        raise DatabaseError(
            f"{place} is in {encoding}, which cannot hold all letters; make it anew by "
            f"`create database … encoding '{_ENCODING}' template template0`"
        )
    return connection


def describe(dsn: str) -> str:
    """Return which database on which server a DSN names, without its password.

    Raises UsageError for a DSN that cannot be read.
    """
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise _unreadable() from None  # its text quotes what it could not read, which may be the password
    if "@" in str(parts.get("host", "")) or not re.fullmatch("[0-9,]*", str(parts.get("port", ""))):
        raise _unreadable()  # a password with a special character has come apart
    host = parts.get("host") or parts.get("hostaddr") or "the local socket"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"database {parts.get('dbname') or parts.get('user') or 'of the user'} at {host}{port}"


def _unreadable() -> UsageError:
    return UsageError(
        "THEFTWATCH_DSN is no connection string; write postgresql://user:password@host:port/database, "
        "with %-codes for special characters in the password"
    )


def _reason(exc: psycopg.OperationalError) -> str:
    """Return the server's or the system's own words, from among libpq's."""
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return (lines[0].rpartition("failed: ")[2] if lines else "no answer").removeprefix("FATAL:").strip()
