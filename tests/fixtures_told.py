"""A record with findings on photos of Ana and of others, which a person may confirm: for tests of what follows."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from tests import reviewing
from tests.conftest import new_database
from tests.matched import MATCHED_AT
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.db.digest import digest_tables
from theftwatch.files import Files
from theftwatch.match.verdict import Seen, give_verdict

#: By the keys of the suspect listings: Ana's photos at three vendors, and at one that nobody confirmed
HARBOUR, MEADOW, HOSTILE, OWN_FILE, BENS = "201", "207", "666", "206", "203"


def do(dsn, work):
    async def main():
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, options="-c timezone=UTC") as connection:
            return await work(connection)

    return asyncio.run(main())


class Told:
    """A record with findings that a person may confirm, and the commands on it."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn, self.folder = dsn, folder

    def do(self, work):
        return do(self.dsn, work)

    def rows(self, query):
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query).fetchall()

    def findings(self, *refs):
        return [
            finding
            for (finding,) in self.rows(
                "select f.id from finding f join listing l on l.id = f.suspect_listing"
                f" where l.listing_ref in ({', '.join(repr(ref) for ref in refs)}) order by 1"
            )
        ]

    def confirm(self, *refs):
        seen = [Seen(finding=finding) for finding in self.findings(*refs)]
        self.do(lambda connection: give_verdict(connection, seen, "confirmed", by="Eva", now=MATCHED_AT))

    def run(self, *arguments, code=0):
        """Run a command, and return what it printed and what it raised."""
        result = CliRunner().invoke(app, list(map(str, arguments)), standalone_mode=False)
        if code == 0 and result.exception:
            raise result.exception
        return result.exception if code else result.stdout

    def notify(self, *arguments, code=0):
        return self.run("notify", "-o", self.folder / "drafts", *arguments, code=code)

    def draft(self, notice):
        [folder] = (self.folder / "drafts").glob(f"{notice:04}-*")
        return folder

    @property
    def digest(self):
        return self.do(digest_tables)


@pytest.fixture(scope="session")
def filled(admin_dsn, template, tmp_path_factory):
    """Yield the name of a database with findings, and the folder of its data."""
    folder = tmp_path_factory.mktemp("filled")
    with new_database(admin_dsn, template) as name:
        dsn = make_conninfo(admin_dsn, dbname=name)
        do(dsn, lambda connection: reviewing.fill(connection, Files(folder / "theftwatch")))
        yield name, folder


@pytest.fixture
def told(admin_dsn, filled, tmp_path, monkeypatch) -> Iterator[Told]:
    database, folder = filled
    with new_database(admin_dsn, database) as name:
        dsn = make_conninfo(admin_dsn, dbname=name)
        monkeypatch.setenv("THEFTWATCH_DSN", dsn)
        monkeypatch.setenv("THEFTWATCH_DATA_DIR", str(shutil.copytree(folder, tmp_path / "data")))
        monkeypatch.setenv("THEFTWATCH_CONTACT", "watch@example.org")
        settings.cache_clear()
        yield Told(dsn, tmp_path)


@pytest.fixture
def mailing(told, mail_server, monkeypatch):
    for name, value in mail_server.environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    told.run("artisan", "contact", "Ana", "ana@example.org", "--by", "Eva")
    return mail_server
