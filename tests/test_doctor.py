"""`theftwatch doctor`: what works is ok, what is missing is off or failed, and each with the command that mends it."""

import json
import os
import re
import shutil
from collections import namedtuple
from datetime import timedelta

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr
from typer.testing import CliRunner

from tests.nodes import running_scrapyd
from theftwatch import chromium
from theftwatch.cli import app
from theftwatch.clock import clock_ahead
from theftwatch.config import Settings, settings
from theftwatch.db import cluster, migrate, server
from theftwatch.doctor.authority import check_timestamps
from theftwatch.doctor.browser import check_chromium
from theftwatch.doctor.database import _check_clock
from theftwatch.doctor.mail import check_mail, check_operator
from theftwatch.doctor.nodes import check_nodes
from theftwatch.doctor.storage import DISK_FREE_MIN_BYTES
from theftwatch.image_store import MARKER
from theftwatch.images import descriptor

NAMES = [
    *("database", "clock", "schema", "index", "descriptor", "files", "disk", "chromium", "nodes", "timestamps"),
    *("mail", "operator"),
]


@pytest.fixture(autouse=True)
def loaded_anew():
    descriptor._load.cache_clear()
    yield
    descriptor._load.cache_clear()


@pytest.fixture
def external(monkeypatch, dsn):
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)


@pytest.fixture(autouse=True)
def no_chromium(monkeypatch, request):
    """Have none found but by the tests that are about one, as it takes a second to start."""
    if "chromium" in request.fixturenames:
        return
    monkeypatch.setattr(chromium, "_COMMANDS", ())
    monkeypatch.setattr(chromium, "_playwright_folders", list)


def examined() -> tuple[int, dict[str, dict[str, str | None]]]:
    settings.cache_clear()
    result = CliRunner().invoke(app, ["doctor", "--json"])
    answer = json.loads(result.stdout)
    assert answer["ok"] is (result.exit_code == 0)
    for check in answer["checks"]:
        assert check["state"] in ("ok", "off", "failed")
        assert "\n" not in check["detail"]
        assert (check["remedy"] is None) is (check["state"] == "ok")
    return result.exit_code, {check["name"]: check for check in answer["checks"]}


def test_where_all_is_well(external, chromium, authority, mail_server, monkeypatch, tmp_path):
    login = {"SCRAPYD_USERNAME": "night", "SCRAPYD_PASSWORD": "watch"}
    with running_scrapyd(tmp_path, dict(os.environ) | login) as scrapyd:
        nodes = {
            "THEFTWATCH_NODES": scrapyd.url,
            "THEFTWATCH_NODE_USERNAME": "night",
            "THEFTWATCH_NODE_PASSWORD": "watch",
            "THEFTWATCH_OPERATOR_URL": "mailtos://user:hidden@example.org?to=op@example.org",
        }
        for name, value in (authority.environment | mail_server.environment | nodes).items():
            monkeypatch.setenv(name, value)
        code, checks = examined()
        assert code == 0
        assert list(checks) == NAMES
        assert {check["state"] for name, check in checks.items() if name != "index"} == {"ok"}
        assert re.match(rf"\d+\.[\d.]+, {chromium}, a picture in \d+ ms", str(checks["chromium"]["detail"]))
        assert str(checks["nodes"]["detail"]).startswith(f"scrapyd answers at {scrapyd.url}")
        assert "hidden" not in json.dumps(checks)
        lines = CliRunner().invoke(app, ["doctor"]).stdout.splitlines()
        assert [line.split()[:2] for line in lines] == [[check["state"], name] for name, check in checks.items()]
        wrong = settings().model_copy(update={"node_password": SecretStr("guessed")})
        [check] = check_nodes(wrong)
        assert (check.state, check.detail) == ("failed", f"{scrapyd.url}: it does not know us")
        assert "SCRAPYD_PASSWORD" in str(check.remedy)


def test_a_node_that_is_down_is_a_failure():
    [check] = check_nodes(Settings(nodes=("http://127.0.0.1:9",)))
    assert (check.state, check.remedy) == (
        "failed",
        "start scrapyd there, as by `systemctl start theftwatch-scrapyd`, or take it out of THEFTWATCH_NODES",
    )


def test_a_browser_that_does_not_start_is_a_failure(tmp_path):
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    check = check_chromium(Settings(chromium=program))
    assert (check.state, check.remedy) == ("failed", "unset THEFTWATCH_CHROMIUM")
    assert check.detail.startswith(f"{program} does not start: ")
    assert "\n" not in check.detail


def test_a_clock_that_is_off_is_a_failure(connection, authority, monkeypatch):
    for ahead_s, said in ((90, "90 s behind"), (-90, "90 s ahead of")):
        check = _check_clock(connection, clock_ahead(timedelta(seconds=ahead_s)))
        assert (check.state, check.remedy) == ("failed", "timedatectl set-ntp true")
        assert check.detail == f"the database's clock is {said} this machine's; one of them is wrong"
    for name, value in authority.environment.items():
        monkeypatch.setenv(name, value)
    check = check_timestamps(Settings(), clock_ahead(timedelta(seconds=90)))
    assert check.state == "failed"
    assert check.detail.startswith("the authority's clock is ")


def test_an_operator_s_address_that_nobody_knows_is_a_failure():
    check = check_operator(Settings(operator_url=SecretStr("smoke://signal")))
    assert (check.state, "Apprise" in check.detail) == ("failed", True)


def test_the_embedded_server_is_started_and_its_index_tried(postgres_bin):
    code, checks = examined()
    assert code == 0
    assert str(checks["database"]["detail"]).startswith("Postgres ")
    if postgres_bin is None:
        assert checks["index"]["state"] == "ok"
    folder = settings().files_dir
    # what it wrote it took away, but for what makes it the store of this database
    assert [each.name for each in folder.iterdir()] == [MARKER]


def test_what_is_off_is_no_failure_and_says_what_switches_it_on(external, monkeypatch, no_chromium):
    monkeypatch.setenv("THEFTWATCH_DESCRIPTOR", "off")
    code, checks = examined()
    assert code == 0
    assert (checks["descriptor"]["state"], checks["descriptor"]["remedy"]) == ("off", "unset THEFTWATCH_DESCRIPTOR")
    assert (checks["chromium"]["state"], checks["chromium"]["remedy"]) == ("off", "make chromium")
    assert (checks["mail"]["state"], checks["mail"]["remedy"]) == ("off", "export THEFTWATCH_SMTP_URL=smtps://…")
    line = next(each for each in CliRunner().invoke(app, ["doctor"]).stdout.splitlines() if "chromium" in each)
    assert line.startswith("off     chromium   none is found")
    assert line.endswith("; to have it: make chromium")


def test_a_mail_server_that_cannot_be_signed_in_to_is_a_failure():
    check = check_mail(Settings(smtp_url=SecretStr("smtp://127.0.0.1:9"), mail_from="watch@example.org"))
    assert check.state == "failed"
    assert check.detail.endswith("Connection refused")
    assert check.remedy == "export THEFTWATCH_SMTP_URL=smtps://USER:PASSWORD@HOST:465"
    unsigned = check_mail(Settings(smtp_url=SecretStr("smtp://127.0.0.1:9")))
    assert unsigned.detail.startswith("THEFTWATCH_MAIL_FROM")
    assert unsigned.remedy == "export THEFTWATCH_MAIL_FROM='NAME <ADDRESS>'"


def test_packages_that_are_not_installed(external, monkeypatch):
    monkeypatch.setattr(descriptor, "find_spec", lambda _: None)
    code, checks = examined()
    assert (code, checks["descriptor"]["state"], checks["descriptor"]["remedy"]) == (0, "off", "make setup")


def test_the_index_that_was_dropped_is_made_again_by_its_remedy(postgres_bin):
    code, checks = examined()
    if checks["index"]["state"] == "off":
        pytest.skip("this Postgres has no vector")
    running = server.start(settings())
    password = cluster.read_passwords(running.data)[server.SUPERUSER]
    dsn = server.owner_dsn(running, settings().database)
    superuser = make_conninfo(dsn, user=server.SUPERUSER, password=password)
    for statement in ("drop index descriptor_code_original_near", "drop extension vector cascade"):
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute(statement)
        code, checks = examined()
        assert (code, checks["index"]["state"]) == (0, "off")
        assert checks["index"]["remedy"] == "theftwatch db migrate"
        assert CliRunner().invoke(app, ["db", "migrate"]).exit_code == 0
        assert examined()[1]["index"]["state"] == "ok"


def test_an_external_server_without_the_extension(external, without_vector):
    code, checks = examined()
    assert (code, checks["index"]["state"]) == (0, "off")
    assert "create extension vector" in str(checks["index"]["remedy"])


def test_a_server_that_does_not_answer(monkeypatch):
    monkeypatch.setenv("THEFTWATCH_DSN", "postgresql://me:secret@127.0.0.1:1/theftwatch")
    code, checks = examined()
    assert (code, checks["database"]["state"]) == (1, "failed")
    assert "secret" not in json.dumps(checks)
    assert list(checks) == ["database", *NAMES[4:]]  # the others are tried all the same


def test_a_schema_that_lags_behind(monkeypatch, empty_dsn):
    monkeypatch.setenv("THEFTWATCH_DSN", empty_dsn)
    code, checks = examined()
    assert (code, checks["database"]["state"], checks["schema"]["state"]) == (1, "ok", "failed")
    assert checks["schema"]["remedy"] == "theftwatch db migrate"
    assert "index" not in checks
    assert CliRunner().invoke(app, ["db", "migrate"]).exit_code == 0
    assert examined()[0] == 0


def test_a_database_newer_than_the_program(monkeypatch, dsn, connection):
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    version = len(migrate.known_migrations()) + 1
    connection.execute("insert into schema_migration values (%s, 'later', sha256(''), now())", [version])
    code, checks = examined()
    assert (code, checks["schema"]["state"]) == (1, "failed")
    assert checks["schema"]["remedy"] == "git pull && make setup"


def test_a_network_that_cannot_be_used(external, monkeypatch, tmp_path):
    (tmp_path / "none.onnx").write_text("no network")
    monkeypatch.setenv("THEFTWATCH_DESCRIPTOR", str(tmp_path / "none.onnx"))
    code, checks = examined()
    assert (code, checks["descriptor"]["state"]) == (1, "failed")
    assert checks["descriptor"]["remedy"] == "unset THEFTWATCH_DESCRIPTOR"


def test_a_folder_that_cannot_be_written(external, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("THEFTWATCH_DATA_DIR", str(tmp_path / "file"))
    code, checks = examined()
    assert (code, checks["files"]["state"]) == (1, "failed")
    assert "THEFTWATCH_DATA_DIR" in str(checks["files"]["remedy"])


def test_the_store_of_another_database_is_told_with_the_command_that_adopts_it(external, monkeypatch, tmp_path):
    assert examined()[1]["files"]["state"] == "ok"
    monkeypatch.setenv("THEFTWATCH_FILES", str(tmp_path / "other"))
    check = examined()[1]["files"]
    assert (check["state"], "`theftwatch files adopt`" in str(check["remedy"])) == ("failed", True)


def test_an_embedded_server_that_cannot_be_had_is_told_with_the_setting_that_mends_it(monkeypatch, tmp_path):
    monkeypatch.setenv("THEFTWATCH_POSTGRES_BIN", str(tmp_path))
    check = examined()[1]["database"]
    assert (check["detail"], check["remedy"]) == (
        f"{tmp_path} holds no initdb",
        "set THEFTWATCH_POSTGRES_BIN to a folder of Postgres' own",
    )


def test_a_disk_that_is_full(external, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 99, DISK_FREE_MIN_BYTES - 1))
    code, checks = examined()
    assert (code, checks["disk"]["state"]) == (1, "failed")


def test_a_browser_that_is_asked_for_and_not_there(external, monkeypatch, no_chromium):
    monkeypatch.setenv("THEFTWATCH_BROWSER", "true")
    code, checks = examined()
    assert (code, checks["chromium"]["state"], checks["chromium"]["remedy"]) == (1, "failed", "make chromium")
    monkeypatch.setenv("THEFTWATCH_CHROMIUM", "/nowhere/chromium")
    assert examined()[1]["chromium"]["remedy"] == "unset THEFTWATCH_CHROMIUM"


def test_an_authority_that_gives_no_timestamp_is_a_failure(external, authority, monkeypatch):
    assert examined()[1]["timestamps"]["state"] == "off"
    monkeypatch.setenv("THEFTWATCH_TIMESTAMP_URL", authority.url)
    check = examined()[1]["timestamps"]
    assert (check["state"], "root certificate" in str(check["remedy"])) == ("failed", True)
    monkeypatch.setenv("THEFTWATCH_TIMESTAMP_CERTIFICATE", str(authority.certificate))
    authority.down = True
    check = examined()[1]["timestamps"]
    assert (check["state"], "answers 503" in str(check["detail"])) == ("failed", True)
