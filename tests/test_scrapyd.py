"""Nodes: scrapyd in a checkout and with a release, jobs on one or all of them, and what goes wrong with them."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from bench.ports import kept_port
from tests.crawling import World
from tests.nodes import ANSWER_MAX_S, python_without_theftwatch, running_scrapyd
from tests.waiting import wait_until
from theftwatch.cli import app
from theftwatch.config import Settings, settings
from theftwatch.db.targets import Target, save_targets
from theftwatch.demo.catalogue import load_catalogue
from theftwatch.demo.replica import running_replica
from theftwatch.jobs.node import nodes_of
from theftwatch.jobs.release import Release, deploy
from theftwatch.jobs.schedule import job_id

CHECKOUT = Path(__file__).parents[1]
LOGIN = {"USERNAME": "night", "PASSWORD": "watch: ü%"}
NOW = datetime(2026, 11, 26, 1, 30, 15, tzinfo=UTC)


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


@pytest.fixture
def run(monkeypatch, dsn):
    """Run a command in this process, with the settings given, and return its result."""

    def run(*arguments, **environment):
        with monkeypatch.context() as patch:
            for name, value in ({"DSN": dsn} | environment).items():
                patch.setenv(f"THEFTWATCH_{name}", value)
            settings.cache_clear()
            return CliRunner().invoke(app, list(arguments))

    return run


def test_a_scrapyd_in_the_checkout_schedules_the_spiders_at_once(world, tmp_path, run):
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copy(CHECKOUT / "scrapy.cfg", folder)
    with running_scrapyd(folder, world.environment()) as scrapyd:
        spiders = scrapyd.get("listspiders", project="theftwatch")["spiders"]
        assert spiders == ["alibaba", "artfire", "capture", "dates", "etsy", "saved"]

        job = scrapyd.crawl("alibaba", file=str(world.starts("alibaba", hurdles=False)), limit="4")
        arguments = {"file": str(tmp_path / "alibaba.txt"), "limit": "4"}
        found = world.rows("select spider, jobid, arguments, finish_reason, outcome from run")
        assert found == [("alibaba", job, arguments, "finished", "ok")], scrapyd.log("alibaba", job)
        assert world.rows("select count(*) from listing join listing_event e on e.listing = listing.id") == [(4,)]
        [(images, looked_up)] = world.rows("select count(*), count(looked_up_at) from lookup")
        assert images == looked_up > 0

        job = scrapyd.crawl("alibaba", vendr="x")
        assert scrapyd.log("alibaba", job).startswith("theftwatch: -a vendr=x: spider alibaba takes vendor,")
        assert world.rows("select count(*) from run") == [(1,)], "a job that is refused is no run"

        # a node that is none any more, as scrapyd calls the others what their runs call them
        world.execute(
            "insert into run (spider, jobid, arguments, host, version, started_at, heartbeat_at, finished_at,"
            " finish_reason, outcome) select 'etsy', 'etsy-1', '{}', 'given up', version, t, t, t, 'killed', 'failed'"
            " from run, (values (now() - interval '3 days')) as of (t)"
        )
        told = run("status", NODES=scrapyd.url).stdout
        assert "etsy: failed (killed)" in told
        assert "on given up, which is no node any more\n" in told
        assert told.endswith("Nothing is wrong.\n")
        assert "run 2 on given up was killed" in run("status").stdout

        done = run("deploy", NODES=scrapyd.url)
        assert done.exit_code == 0, done.output
        assert "scrapyd was started in a checkout, and runs that" in done.stdout
        assert scrapyd.get("listversions", project="theftwatch")["versions"] == []
        done = run("schedule", "nobody", NODES=scrapyd.url)
        assert (done.exit_code, done.stdout) == (1, "")
        assert (
            done.stderr == f"failed at {scrapyd.url}: spider 'nobody' not found; the log of scrapyd there says more\n"
        )
    # All that it leaves lies in one folder that git does not see.
    assert {path.name for path in folder.iterdir()} == {"scrapy.cfg", "scrapyd.log", ".data"}


def test_two_nodes_share_the_targets_and_the_pace_of_a_site(world, tmp_path):
    """Each takes half of the listings, and together they ask the hosts of a site no oftener than a single job may."""
    delay_s, each_takes = 0.5, 5
    names = ("www.alibaba.com", "demoharbour.en.alibaba.com", "spanish.alibaba.com")
    watched = [offer.listing for offer in load_catalogue().offers if offer.listing.marketplace == "alibaba"]
    save_listing_targets(
        world,
        [
            replace(listing, url=listing.url.replace(names[0], names[number % len(names)]))
            for number, listing in enumerate(watched[: 2 * each_takes])
        ],
    )
    environment = world.environment(THEFTWATCH_DELAY_S=str(delay_s))
    folders = [tmp_path / "here", tmp_path / "there"]
    for folder in folders:
        folder.mkdir()
        shutil.copy(CHECKOUT / "scrapy.cfg", folder)
    with running_scrapyd(folders[0], environment) as here, running_scrapyd(folders[1], environment) as there:
        asked = {"project": "theftwatch", "spider": "alibaba", "limit": str(each_takes)}
        jobs = [(node, str(node.post("schedule", **asked)["jobid"])) for node in (here, there)]
        for node, job in jobs:
            node.wait(job)
        logs = [node.log("alibaba", job) for node, job in jobs]
    assert world.rows("select jobid, outcome from run order by jobid") == sorted((job, "ok") for _, job in jobs), logs
    shares = world.rows("select count(*), count(*) filter (where outcome = 'ok') from target group by run")
    assert shares == [(each_takes, each_takes)] * 2
    lines = map(json.loads, (tmp_path / "requests.jsonl").read_text().splitlines())
    requests = [each for each in lines if each["host"] in names]
    assert {each["host"] for each in requests} == set(names)
    # Each job asks each host for robots.txt too. Scrapy's own jitter moves single requests, but not the pace.
    assert len(requests) == 2 * each_takes + 2 * len(names)
    assert len({each["path"] for each in requests}) == 2 * each_takes + 1
    # From the start of the jobs, as the first request may come late.
    [(started_at,)] = world.rows("select min(started_at) from run")
    last_at = max(datetime.fromisoformat(each["at"]) for each in requests)
    assert last_at - started_at >= 0.9 * timedelta(seconds=delay_s) * (len(requests) - 1)


def save_listing_targets(world, listings):
    targets = [
        Target(
            marketplace=each.marketplace,
            kind="listing",
            ref=each.listing_ref,
            url=each.url,
            every=timedelta(days=1),
            reason="asked for",
        )
        for each in listings
    ]

    async def main():
        async with await psycopg.AsyncConnection.connect(world.dsn) as connection:
            await save_targets(connection, targets, now=NOW)

    asyncio.run(main())


@pytest.fixture
def down():
    """Return the address of a node that is down."""
    with kept_port() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def two_nodes(world, tmp_path):
    """Two nodes without a checkout, which ask for a password."""
    environment = world.environment(**{f"SCRAPYD_{name}": value for name, value in LOGIN.items()})
    folders = [tmp_path / "here", tmp_path / "there"]
    for folder in folders:
        folder.mkdir()
    python = python_without_theftwatch(tmp_path / "python")
    config = "poll_interval = 0.5\nmax_proc = 1"
    # The other one only takes jobs, and leaves them waiting.
    with (
        running_scrapyd(folders[0], environment, config=config, python=python) as here,
        running_scrapyd(folders[1], environment, config="poll_interval = 3600", python=python) as there,
    ):
        yield here, there


def test_a_release_and_its_jobs_go_to_the_nodes_and_one_that_is_down_stops_no_other(
    world, tmp_path, two_nodes, down, run, monkeypatch
):
    here, there = two_nodes
    nodes = f"{here.url}, {down}/, {there.url}"
    login = {f"NODE_{name}": value for name, value in LOGIN.items()}

    done = run("schedule", "alibaba", NODES=nodes, NODE_USERNAME="night", NODE_PASSWORD="guess")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("it does not know us; give THEFTWATCH_NODE_USERNAME and THEFTWATCH_NODE_PASSWORD") == 2
    assert f"failed at {down}: no answer (Connection refused); start scrapyd there" in done.stderr
    assert "guess" not in done.stderr
    done = run("schedule", "alibaba", NODES=here.url, **login)
    assert "no release of TheftWatch is there; `theftwatch deploy` sends one" in done.stderr

    release = _deploy_with_another_spider(world, tmp_path, {"NODES": nodes} | login)
    assert here.versions() == there.versions() == [release]

    monkeypatch.setattr("theftwatch.jobs.look._TIMEOUT_S", ANSWER_MAX_S)
    with world.unending():
        asked = ("schedule", "delivered", "-a", f"file={world.starts('alibaba', hurdles=False)}", "-a", "limit=2")
        done = run(*asked, NODES=nodes, **login)
        assert done.exit_code == 0, done.output
        assert f"failed at {down}: " in done.stderr
        [(node, job)] = re.findall(r"^scheduled at (\S+): (delivered-\d{8}T\d{4}-[0-9a-f]{6}); its log: ", done.stdout)
        assert node == here.url, "both have nothing to do"
        here.wait(job, "running")
        done = run(*asked, NODES=nodes, **login)
        skipped = f"skipped at {here.url}: the same job runs there as {job}, so none is added\n"
        assert (done.exit_code, done.stdout) == (0, skipped)

        to_all = ("schedule", "delivered", "-a", "limit=3")
        done = run(*to_all, "--all", NODES=nodes, **login)
        assert done.exit_code == 1, "one of all is down"
        assert re.findall(r"^(\w+) at (\S+): delivered-", done.stdout, re.MULTILINE) == [
            ("scheduled", here.url),
            ("scheduled", there.url),
        ]
        assert f"skipped at {here.url}: the same job waits there" in run(*to_all, NODES=nodes, **login).stdout
        done = run("schedule", "delivered", "-a", "limit=4", NODES=nodes, **login)
        assert done.stdout.startswith(f"scheduled at {there.url}: delivered-"), "it has less to do"

        status = run("status", "--json", NODES=nodes, **login).stdout
        assert [(each["url"], each["release"]) for each in json.loads(status)["nodes"]] == [
            (here.url, release),
            (down, None),
            (there.url, release),
        ]
        assert job in status
        assert f"node {down}: no answer (Connection refused)" in status

    here.wait(job)
    found = world.rows(f"select spider, outcome, finish_reason from run where jobid = '{job}'")
    assert found == [("delivered", "ok", "finished")]
    assert world.rows("select count(*) from listing") == [(2,)]

    eggs = tmp_path / "there/eggs/theftwatch"
    shutil.copy(eggs / f"{release}.egg", eggs / "zebra.egg")
    [node] = nodes_of(Settings(nodes=(there.url,), node_username="night", node_password=LOGIN["PASSWORD"]))
    [deployed] = deploy([node], Release(name="20261126T013000-1", egg=(eggs / "zebra.egg").read_bytes()))
    assert not deployed.is_well
    assert deployed.detail.startswith("it takes zebra for newer and runs that; delete it: curl ")


def _deploy_with_another_spider(world, tmp_path, environment):
    """Deploy from a checkout with a spider that is nowhere but in its egg, delete it, and return the release's name."""
    copy = tmp_path / "copy"
    unwanted = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "tests", "photos", "captured")
    shutil.copytree(CHECKOUT, copy, ignore=unwanted)
    (copy / "spiders/delivered.py").write_text(
        '"""A spider."""\n\nfrom spiders.alibaba import AlibabaSpider\n\n\n'
        'class DeliveredSpider(AlibabaSpider):\n    """Crawls like another."""\n\n    name = "delivered"\n'
    )
    program = copy / "theftwatch/settings.py"
    program.write_text(program.read_text().replace('"spiders.saved",', '"spiders.saved", "spiders.delivered",'))
    before = {path.relative_to(copy) for path in copy.rglob("*") if "__pycache__" not in path.parts}
    done = subprocess.run(
        [sys.executable, "-m", "theftwatch", "deploy"],
        cwd=copy,
        env=world.environment(**{f"THEFTWATCH_{name}": value for name, value in environment.items()}),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, "one of the nodes is down"
    here, down, there = environment["NODES"].split(", ")
    assert done.stderr.startswith(f"{down.rstrip('/')}: no answer"), done.stderr
    lines = re.findall(r"^(\S+): (\d{8}T\d{6}-\w+) with 7 spiders; the next job runs it$", done.stdout, re.MULTILINE)
    assert [url for url, _ in lines] == [here, there], done.stdout
    assert {path.relative_to(copy) for path in copy.rglob("*") if "__pycache__" not in path.parts} == before
    shutil.rmtree(copy)
    return lines[0][1]


def test_the_id_of_a_job_says_what_when_and_with_which_arguments():
    assert job_id("alibaba", {}, now=NOW) == "alibaba-20261126T0130"
    assert job_id("alibaba", {}, now=NOW, taken=["alibaba-20261126T0130"]) == "alibaba-20261126T013015"
    ids = {job_id("alibaba", given, now=NOW) for given in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, {"a": "1"})}
    assert len(ids) == 2
    assert all(re.fullmatch(r"alibaba-20261126T0130-[0-9a-f]{6}", each) for each in ids)


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["alibaba", "-a", "project=other"], {}, "-a project=other: no spider takes it"),
        (["alibaba", "-a", "vendor"], {}, "-a vendor: write -a NAME=VALUE"),
        (["alibaba"], {"NODES": "10.0.0.5:6800"}, "THEFTWATCH_NODES: '10.0.0.5:6800' is no address of scrapyd"),
        (["alibaba"], {"NODES": "http://me:secret@a:1"}, "an address names a user; give THEFTWATCH_NODE_USERNAME"),
    ],
)
def test_a_mistake_is_told_before_anyone_is_asked(run, arguments, environment, said):
    done = run("schedule", *arguments, **environment)
    assert said in str(done.exception)
    assert "secret" not in str(done.exception)


def test_a_job_outlives_its_scrapyd_and_the_record_is_that_of_an_undisturbed_night(world, tmp_path, other_dsn):
    folder = tmp_path / "node"
    folder.mkdir()
    project = "[settings]\ndefault = theftwatch.settings\ntheftwatch = theftwatch.settings\n"
    (folder / "scrapy.cfg").write_text(project)
    asked = {"project": "theftwatch", "spider": "alibaba", "vendor": "demoorchid"}
    environment, config = world.environment(THEFTWATCH_DELAY_S="0.2"), "max_proc = 1\npoll_interval = 0.5"
    with running_scrapyd(folder, environment, config=config) as killed:
        # The first job goes on without its scrapyd, and only for this test waits for what comes next.
        with world.unending():
            killed.post("schedule", **asked, jobid="first")
            killed.post("schedule", **asked, jobid="second")
            wait_until(lambda: world.rows("select 1 from listing"))
            killed.process.kill()
            killed.process.wait()
            with running_scrapyd(folder, environment, config=config) as scrapyd:
                scrapyd.wait("second")
                said = scrapyd.log("alibaba", "second")
        wait_until(lambda: world.rows("select 1 from run where finished_at is not null"))
    assert re.match(r"theftwatch: alibaba is at the same already: run 1 on ", said), said
    assert world.rows("select jobid, outcome, finish_reason from run") == [("first", "ok", "finished")]

    undisturbed = World(replica=world.replica, dsn=other_dsn, folder=tmp_path / "other")
    undisturbed.crawl("alibaba", "vendor=demoorchid")
    assert world.digest_tables() == undisturbed.digest_tables()
