"""What keeps a job from starting: the same one elsewhere, and a database that its version does not fit."""

import psycopg
import pytest

from spiders.alibaba import AlibabaSpider
from spiders.capture import CaptureSpider
from spiders.dates import DatesSpider
from spiders.saved import SavedSpider
from tests.crawling import World
from theftwatch.clock import system_clock
from theftwatch.db import migrate
from theftwatch.db.job_lock import lock_job
from theftwatch.demo.replica import running_replica
from theftwatch.errors import OverlapError, SchemaError


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica() as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


def test_a_job_is_locked_until_it_ends_and_names_its_run_to_others(dsn, connection):
    first = lock_job(dsn, "etsy", {"shop": "x", "limit": "2"})
    with pytest.raises(OverlapError, match=r"etsy is at the same already: one that begins just now; wait for its end"):
        lock_job(dsn, "etsy", {"limit": "2", "shop": "x"})
    connection.execute(
        "insert into run (spider, arguments, host, version, started_at, heartbeat_at)"
        """ values ('etsy', '{"shop": "x", "limit": "2"}', 'harbour', '1', '2026-11-01 12:00Z', '2026-11-01 12:00Z')"""
    )
    with pytest.raises(OverlapError, match=r"run 1 on harbour, which began at 2026-11-01 12:00 UTC"):
        lock_job(dsn, "etsy", {"limit": "2", "shop": "x"})
    lock_job(dsn, "artfire", {"shop": "x", "limit": "2"}).close()
    lock_job(dsn, "etsy", {"shop": "x"}).close()
    first.close()
    lock_job(dsn, "etsy", {"shop": "x", "limit": "2"}).close()


@pytest.mark.parametrize(
    ("spider", "given", "shared"),
    [
        (AlibabaSpider, {}, True),
        (AlibabaSpider, {"minutes": "300", "_job": "1"}, True),
        (AlibabaSpider, {"vendor": "hkduotts"}, False),
        (CaptureSpider, {}, False),
        (DatesSpider, {}, False),
        (SavedSpider, {"path": "/page.html"}, True),
    ],
)
def test_jobs_that_share_targets_need_no_lock(spider, given, shared):
    assert spider.is_shared(given) is shared


def test_a_job_that_does_not_fit_the_schema_says_so_in_the_record(world):
    world.execute("insert into schema_migration values (999, '0999_later', sha256('x'), '2026-11-01 12:00Z')")
    process = world.start("etsy", "shop=x", "_job=etsy-20261126T0130")
    output, _ = process.communicate(timeout=300)
    assert (process.returncode, len(output.splitlines())) == (1, 1), output
    assert "the database is at schema 999, this program knows" in output
    assert world.rows("select spider, arguments, jobid, outcome, finish_reason, finished_at = started_at from run") == [
        ("etsy", {"shop": "x"}, "etsy-20261126T0130", "failed", migrate.WRONG_RELEASE, True)
    ]


def test_a_release_works_on_with_a_schema_that_says_so(dsn):
    known = migrate.known_migrations()
    fits = migrate.Migration(
        version=len(known) + 1, name="later", sql=f"-- Adds a table.\n-- fits: {len(known):04}\ncreate table later ()"
    )
    breaks = migrate.Migration(version=len(known) + 2, name="breaks", sql="create table breaks ()")
    with psycopg.connect(dsn, autocommit=True) as connection:
        migrate.apply(connection, clock=system_clock, known=[*known, fits])
        assert migrate.pending(connection) == ()
        migrate.apply(connection, clock=system_clock, known=[*known, fits, breaks])
        with pytest.raises(SchemaError, match=f"at schema {breaks.version}, this program knows {len(known)}"):
            migrate.pending(connection)
        assert migrate.pending(connection, [*known, fits, breaks]) == []
