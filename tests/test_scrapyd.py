"""scrapyd runs the spiders: from the folder of the checkout, and from an egg that was deployed."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crawling import World
from theftwatch.demo.replica import running_replica

CHECKOUT = Path(__file__).parents[1]
START_MAX_S = 30
JOB_MAX_S = 120
PAUSE_S = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Scrapyd:
    """A running scrapyd, by its HTTP API."""

    url: str

    def get(self, call: str, **parameters: str) -> dict[str, object]:
        return self._ask(f"{self.url}/{call}.json?{urllib.parse.urlencode(parameters)}")

    def post(self, call: str, **parameters: str) -> dict[str, object]:
        return self._ask(f"{self.url}/{call}.json", urllib.parse.urlencode(parameters).encode())

    def crawl(self, spider: str, **arguments: str) -> str:
        """Schedule a job, wait for its end and return its id."""
        job = str(self.post("schedule", project="theftwatch", spider=spider, **arguments)["jobid"])
        deadline = time.monotonic() + JOB_MAX_S
        while self.get("status", job=job)["currstate"] != "finished":
            assert time.monotonic() < deadline, self.get("listjobs")
            time.sleep(PAUSE_S)
        return job

    def log(self, spider: str, job: str) -> str:
        with urllib.request.urlopen(f"{self.url}/logs/theftwatch/{spider}/{job}.log") as answer:
            return str(answer.read().decode())

    def _ask(self, url: str, data: bytes | None = None) -> dict[str, object]:
        with urllib.request.urlopen(url, data, timeout=30) as answer:
            said: dict[str, object] = json.load(answer)
        assert said["status"] == "ok", said
        return said


@contextmanager
def running_scrapyd(folder: Path, port: int, environment: dict[str, str]) -> Iterator[Scrapyd]:
    scrapyd = Scrapyd(url=f"http://127.0.0.1:{port}")
    log = folder / "scrapyd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("scrapyd")],
            cwd=folder,
            env=environment | {"SCRAPYD_HTTP_PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        deadline = time.monotonic() + START_MAX_S
        while True:
            try:
                scrapyd.get("daemonstatus")
                break
            except urllib.error.URLError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(PAUSE_S)
        yield scrapyd
    finally:
        # The whole group, since scrapyd leaves its jobs behind.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica() as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


@pytest.fixture
def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_a_scrapyd_in_the_checkout_schedules_the_spiders_at_once(world, tmp_path, free_port):
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copy(CHECKOUT / "scrapy.cfg", folder)
    with running_scrapyd(folder, free_port, world.environment()) as scrapyd:
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
    # All that it leaves lies in one folder that git does not see.
    assert {path.name for path in folder.iterdir()} == {"scrapy.cfg", "scrapyd.log", ".data"}


def test_a_deployed_egg_runs_without_the_checkout(world, tmp_path, free_port):
    copy = tmp_path / "copy"
    unwanted = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "tests", "photos", "captured")
    shutil.copytree(CHECKOUT, copy, ignore=unwanted)
    # Nowhere but in the egg.
    (copy / "spiders/delivered.py").write_text(
        '"""A spider."""\n\nfrom spiders.alibaba import AlibabaSpider\n\n\n'
        'class DeliveredSpider(AlibabaSpider):\n    """Crawls like another."""\n\n    name = "delivered"\n'
    )
    program = copy / "theftwatch/settings.py"
    program.write_text(program.read_text().replace('"spiders.saved",', '"spiders.saved", "spiders.delivered",'))
    own = copy / "scrapy.cfg"
    own.write_text(own.read_text().replace("http://127.0.0.1:6800", f"http://127.0.0.1:{free_port}"))
    server = tmp_path / "server"
    server.mkdir()
    (server / "scrapyd.conf").write_text("[scrapyd]\npoll_interval = 0.5\nmax_proc = 1\n")
    with running_scrapyd(server, free_port, world.environment()) as scrapyd:
        deploy: list[str | Path] = [Path(sys.executable).with_name("scrapyd-deploy"), "local", "--version", "7"]
        ran = subprocess.run(deploy, cwd=copy, env=world.environment(), capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr
        assert '"status": "ok"' in ran.stdout, ran.stdout
        assert scrapyd.get("listversions", project="theftwatch")["versions"] == ["7"]
        shutil.rmtree(copy)

        job = scrapyd.crawl("delivered", file=str(world.starts("alibaba", hurdles=False)), limit="2")
        found = world.rows("select spider, jobid, outcome from run")
        assert found == [("delivered", job, "ok")], scrapyd.log("delivered", job)
        assert world.rows("select count(*) from listing") == [(2,)]
