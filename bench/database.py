"""A Postgres for one benchmark: the embedded one, in a folder of its own that is deleted at the end."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from theftwatch.config import Settings
from theftwatch.db import cluster, server

_TEMPLATE = "bench"


@dataclass(frozen=True, kw_only=True, slots=True)
class Postgres:
    """A running server and the ways to its first database, which has the schema of the program and no rows."""

    dsn: str
    superuser_dsn: str
    #: The server, whose sessions are its children
    process: psutil.Process

    def clone(self, name: str) -> str:
        """Make another database as empty as the first one was, and return its DSN.

        Nobody may be connected to the first one.
        """
        with psycopg.connect(
            make_conninfo(self.dsn, dbname=server.MAINTENANCE_DATABASE), autocommit=True
        ) as connection:
            make = sql.SQL("create database {} template {}")
            connection.execute(make.format(sql.Identifier(name), sql.Identifier(_TEMPLATE)))
        return make_conninfo(self.dsn, dbname=name)


@contextmanager
def temporary_postgres() -> Iterator[Postgres]:
    """Start a server that holds nothing and delete it in the end; the user's own data stays out of it."""
    with tempfile.TemporaryDirectory(prefix="theftwatch-bench-") as folder:
        own = Settings(data_dir=Path(folder), dsn=None, database=_TEMPLATE)
        data = server.data_folder(own)
        try:
            dsn = server.connect_dsn(own)
            password = cluster.read_passwords(data)[server.SUPERUSER]
            first_line, *_ = (data / "postmaster.pid").read_text().splitlines()
            yield Postgres(
                dsn=dsn,
                superuser_dsn=make_conninfo(dsn, user=server.SUPERUSER, password=password),
                process=psutil.Process(int(first_line)),
            )
        finally:
            server.stop(own)
            # below the system's folder where Postgres could not have reached a temporary one
            shutil.rmtree(data.parent, ignore_errors=True)
