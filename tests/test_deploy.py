"""The samples in `deploy/`: all that they name exists, and the programs that read them take them."""

import configparser
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import scrapyd
import typer
import yaml

from theftwatch.cli import app
from theftwatch.config import Settings

CHECKOUT = Path(__file__).parents[1]
DEPLOY = CHECKOUT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
PAGES = [CHECKOUT / "docs" / f"{name}.md" for name in ("operations", "scrapyd", "upgrade")]
#: What Docker and systemd take for spiders; theftwatch itself cannot tell, as it knows no Scrapy
SPIDERS = {"alibaba", "artfire", "capture", "dates", "etsy"}


# In a shell, a unit, a crontab (after its user), a compose file, or a container.
CALL = re.compile(r"(?:^|bin/|command: |theftwatch  |(?:\*  )|(?:scrapyd|review) )theftwatch (?P<words>[a-z].*)$")


def called(text: str) -> list[list[str]]:
    """Return with which arguments `theftwatch` is called in a sample, or in the fenced blocks of a page."""
    if "```" in text:
        text = "\n".join(re.findall(r"^ *```(?:sh|text)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL))
    parts = (part.strip() for line in text.splitlines() for part in line.split("&&"))
    found = (CALL.search(part) for part in parts if not part.startswith("#"))
    return [shlex.split(match["words"], comments=True) for match in found if match]


def check_call(words: list[str]) -> None:
    """Check that a command exists and takes its arguments, without running it."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while hasattr(command, "commands"):
        assert rest, words
        name = rest.pop(0)
        assert name in command.commands, words
        command = command.commands[name]
    context = command.make_context("theftwatch", rest)
    if spider := context.params.get("spider"):
        assert spider in SPIDERS, words


CALLERS = [unit for unit in UNITS if "bin/theftwatch" in unit.read_text()]
CALLERS += [DEPLOY / "crontab", DEPLOY / "compose.yaml"]


@pytest.mark.parametrize("sample", [*CALLERS, *PAGES], ids=lambda path: path.name)
def test_every_command_exists(sample):
    calls = called(sample.read_text())
    assert calls
    for words in calls:
        check_call(words)


def test_the_schedules_of_cron_and_systemd_agree():
    cron, timers = (
        {tuple(words[1:]) for words in called((DEPLOY / name).read_text()) if words[0] == "schedule"}
        for name in ("crontab", "systemd/theftwatch-schedule.service")
    )
    assert cron == timers
    assert len(cron) == 5


@pytest.mark.parametrize(
    "sample",
    [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".json"],
    ids=lambda path: path.name,
)
def test_every_setting_exists(sample):
    known = {f"THEFTWATCH_{name.upper()}" for name in Settings.model_fields}
    own = set(re.findall(r"\bTHEFTWATCH_[A-Z_]+\b", sample.read_text()))
    assert own <= known
    source = "".join(path.read_text() for path in Path(inspect.getfile(scrapyd)).parent.glob("*.py"))
    for name in re.findall(r"\bSCRAPYD_[A-Z_]+\b", sample.read_text()):
        assert f'"{name}"' in source or f"'{name}'" in source, name


def test_the_settings_of_a_machine_can_be_used(tmp_path):
    """Those that are commented out among them."""
    sample = (DEPLOY / "theftwatch.env").read_text()
    everything = re.sub(r"^#(?=[A-Z_]+=)", "", sample, flags=re.MULTILINE)
    (tmp_path / "env").write_text(everything)
    shown = subprocess.run(
        ["sh", "-euc", f"set -a; . {tmp_path}/env; env"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    values = dict(line.split("=", 1) for line in shown.stdout.splitlines())
    named = re.findall(r"^([A-Z_]+)=", everything, re.MULTILINE)
    assert set(named) <= set(values), shown.stderr
    own = {name.removeprefix("THEFTWATCH_").lower(): values[name] for name in named if name.startswith("THEFTWATCH_")}
    settings = Settings.model_validate(own)
    assert settings.mail_from == "The Watch <watch@example.org>"
    assert list(settings.expected) == ["alibaba", "etsy"]


def test_scrapyd_knows_its_settings_and_they_are_those_of_the_checkout():
    known, node, checkout = (configparser.ConfigParser(interpolation=None) for _ in range(3))
    known.read(Path(inspect.getfile(scrapyd)).with_name("default_scrapyd.conf"))
    node.read(DEPLOY / "scrapyd.conf")
    checkout.read(CHECKOUT / "scrapy.cfg")
    assert set(node["scrapyd"]) <= set(known["scrapyd"])
    assert set(checkout["scrapyd"]) <= set(known["scrapyd"])
    for name in ("bind_address", "max_proc", "jobstorage", "jobs_to_keep", "items_dir"):
        assert node["scrapyd"][name] == checkout["scrapyd"][name]
    assert all(Path(node["scrapyd"][name]).is_absolute() for name in ("eggs_dir", "logs_dir", "dbs_dir"))


def test_the_crontab_can_be_read_by_cron():
    lines = [line for line in (DEPLOY / "crontab").read_text().splitlines() if line and not line.startswith("#")]
    jobs = [line for line in lines if not re.match(r"[A-Z]+=", line)]
    bounds = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    for line in jobs:
        *fields, user, command = line.split(None, 6)
        assert (user, command.split()[0]) == ("theftwatch", "theftwatch")
        assert "%" not in command, "cron takes it for the end of a line"
        for field, (low, high) in zip(fields, bounds, strict=True):
            assert field == "*" or all(low <= int(part) <= high for part in field.split(",")), line
    assert (DEPLOY / "crontab").read_text().endswith("\n"), "cron leaves a line out that does not end"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_takes_the_units(tmp_path):
    for unit in UNITS:
        # Programs have to be there.
        text = unit.read_text().replace("/srv/theftwatch/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir())], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def read_unit(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "systemd" / name)
    return unit


def test_what_needs_the_embedded_postgres_asks_for_it_only_where_it_is_enabled():
    needing = {
        unit.name
        for unit in UNITS
        if "theftwatch-postgres.service" in read_unit(unit.name)["Unit"].get("After", "").split()
    }
    assert {"theftwatch-scrapyd.service", "theftwatch-review.service"} < needing
    wanted = re.findall(r"^WantedBy=(.*)$", (DEPLOY / "systemd/theftwatch-postgres.service").read_text(), re.MULTILINE)
    assert {unit for line in wanted for unit in line.split()} == {"multi-user.target", *needing}
    assert not any("theftwatch-postgres.service" in read_unit(name)["Unit"].get("Wants", "") for name in needing)


def test_jobs_end_with_their_scrapyd():
    unit = read_unit("theftwatch-scrapyd.service")
    assert unit["Service"]["KillMode"] == "control-group"
    assert int(unit["Service"]["TimeoutStopSec"]) >= 180


def test_the_wrapper_is_a_shell_script_that_can_be_run():
    assert os.access(DEPLOY / "theftwatch", os.X_OK)
    assert subprocess.run(["sh", "-n", DEPLOY / "theftwatch"], capture_output=True).returncode == 0


def test_the_linter_has_nothing_against_the_dockerfile():
    done = subprocess.run([Path(sys.executable).with_name("hadolint"), DEPLOY / "Dockerfile"], capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")


def test_the_compose_file_hangs_together():
    text = (DEPLOY / "compose.yaml").read_text()
    compose = yaml.safe_load(text)
    services = compose["services"]
    assert set(services) == {"postgres", "migrate", "scrapyd", "review"}
    for name, service in services.items():
        assert service.get("image"), name
        assert set(service.get("depends_on", {})) <= set(services)
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(compose["volumes"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), "for this machine alone"
    dsn = services["scrapyd"]["environment"]["THEFTWATCH_DSN"]
    database = services["postgres"]["environment"]
    assert dsn.endswith(f"@postgres:5432/{database['POSTGRES_DB']}")
    assert f"//{database['POSTGRES_USER']}:" in dsn
    example = dict(re.findall(r"^([A-Z_]+)=(.*)$", (DEPLOY / "env.example").read_text(), re.MULTILINE))
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) <= set(example)
    assert services["scrapyd"]["environment"]["SCRAPYD_USERNAME"] == "theftwatch"
    own = {name.removeprefix("THEFTWATCH_").lower(): value for name, value in example.items() if "THEFTWATCH" in name}
    [secret] = services["postgres"]["secrets"]
    assert database["POSTGRES_PASSWORD_FILE"] == f"/run/secrets/{secret}"
    assert compose["secrets"][secret]["environment"] in example
    given = services["scrapyd"]["environment"]
    own |= {
        name.removeprefix("THEFTWATCH_").lower(): value
        for name, value in given.items()
        if name.startswith("THEFTWATCH_")
    }
    assert Settings.model_validate(own).nodes == ("http://scrapyd:6800",)
    assert (DEPLOY / compose["x-program"]["build"]["context"] / compose["x-program"]["build"]["dockerfile"]).is_file()
    *_, seccomp = compose["x-program"]["security_opt"]
    rules = json.loads((DEPLOY / seccomp.removeprefix("seccomp:")).read_text())["syscalls"]
    # what Chromium's sandbox needs is not among what is forbidden
    assert not {"clone", "clone3", "unshare", "chroot"} & {name for rule in rules for name in rule["names"]}
