"""What is secret stands in the environment and nowhere else: in no output, log, file or row of the record."""

import subprocess
import sys

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.crawling import World
from theftwatch import cli
from theftwatch.config import settings
from theftwatch.demo.replica import running_replica

MARK = "s3cr3t"
#: Nobody listens there
NOWHERE = "127.0.0.1:1"
SECRETS = {
    "ETSY_API_KEY": f"keystring:{MARK}-etsy",
    "FLICKR_API_KEY": f"{MARK}-flickr",
    "SMTP_URL": f"smtp://watch:{MARK}-mail@{NOWHERE}",
    "OPERATOR_URL": f"mailto://watch:{MARK}-operator@{NOWHERE}?from=a@example.org&to=b@example.org",
    "NODE_PASSWORD": f"{MARK}-node",
    "HEARTBEAT_URL": f"http://{NOWHERE}/{MARK}-beat",
}
PLAIN = {"NODES": f"http://{NOWHERE}", "NODE_USERNAME": "watch", "MAIL_FROM": "watch@example.org"}
#: What takes long and knows no secret
PLAIN |= {"DESCRIPTOR": "off", "CHROMIUM": "/bin/false"}
AWAY = {
    "DSN": f"postgresql://ana:{MARK}-dsn@{NOWHERE}/none",
    "READER_DSN": f"postgresql://eva:{MARK}-reader@{NOWHERE}/none",
}
COMMANDS = (
    ("doctor", "--json"),
    ("status",),
    ("status", "--json", "--check"),
    ("db", "status"),
    ("db", "migrate"),
    ("finding", "list"),
    ("notify", "--operator"),
    ("schedule", "etsy"),
)
CRAWL = ("-s", "LOG_LEVEL=DEBUG", "-a", "shop=DemoStudioNorth", "-a", "limit=1")
#: What somebody may set by mistake
WRONG = (
    ("DSN", f"postgresql://ana:{MARK}@[127.0.0.1/none"),
    ("DSN", f"postgresql://ana:{MARK}/x@127.0.0.1/none"),
    ("DSN", f"postgresql://ana:x@{MARK}@127.0.0.1/none"),
    ("DSN", f"host=127.0.0.1 password={MARK} oops"),
    ("DSN", f"host=127.0.0.1 password='{MARK}"),
    ("READER_DSN", f"postgresql://eva:{MARK}@{NOWHERE}:x/none"),
    ("SMTP_URL", f"smtp://watch:{MARK}@127.0.0.1:port"),
    ("SMTP_URL", f"{MARK}"),
    ("OPERATOR_URL", f"nosuch://{MARK}@host"),
    ("HEARTBEAT_URL", f"ftp://{MARK}"),
    ("NODES", f"http://watch:{MARK}@{NOWHERE}"),
    ("NODES", f"watch:{MARK}@{NOWHERE}"),
    ("NODES", f"http://watch:{MARK}@[{NOWHERE}"),
    ("TIMESTAMP_URL", f"http://watch:{MARK}@{NOWHERE}/tsr"),
)


@pytest.fixture
def told(monkeypatch, capfd, caplog):
    """Return what runs a command as the program does, and returns all that it says."""

    def run(*arguments: str) -> str:
        settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["theftwatch", *arguments])
        caplog.clear()
        with caplog.at_level("DEBUG"), pytest.raises(SystemExit):
            cli.main()
        out, err = capfd.readouterr()
        return f"{out}{err}{caplog.text}"

    return run


def set_all(monkeypatch, *values: dict[str, str]) -> None:
    for name, value in [pair for each in values for pair in each.items()]:
        monkeypatch.setenv(f"THEFTWATCH_{name}", value)


@pytest.mark.parametrize("dsn_of", ["away", "there"])
def test_no_command_says_a_secret(told, monkeypatch, request, dsn_of):
    own = AWAY if dsn_of == "away" else {"DSN": request.getfixturevalue("dsn")}
    set_all(monkeypatch, SECRETS, PLAIN, own)
    marks = {MARK, str(conninfo_to_dict(own["DSN"])["password"])}
    for arguments in COMMANDS:
        said = told(*arguments)
        assert said, arguments
        assert not {mark for mark in marks if mark in said}, (arguments, said)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_no_complaint_of_a_setting_quotes_a_secret(told, monkeypatch, name, value):
    set_all(monkeypatch, SECRETS, PLAIN, AWAY, {name: value})
    for arguments in (("--debug", "status"), ("notify", "--operator"), ("schedule", "etsy")):
        assert MARK not in told(*arguments), arguments


def test_no_crawl_writes_a_secret_down(dsn, tmp_path):
    secrets = {f"THEFTWATCH_{name}": value for name, value in (SECRETS | PLAIN).items()}
    with running_replica() as replica:
        world = World(replica=replica, dsn=dsn, folder=tmp_path)
        done = subprocess.run(
            [sys.executable, "-m", "scrapy", "crawl", "etsy", *CRAWL],
            env=world.environment(**secrets),
            capture_output=True,
            text=True,
            timeout=200,
        )
    assert world.rows("select count(*) from listing") == [(1,)], done.stderr
    marks = (MARK.encode(), str(conninfo_to_dict(dsn)["password"]).encode())
    assert not [mark for mark in marks if mark in (done.stdout + done.stderr).encode()]
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files for mark in marks if mark in path.read_bytes()]
    with psycopg.connect(dsn) as connection:
        tables = connection.execute(
            "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        dump = "\n".join(
            str(connection.execute(f"select string_agg(t::text, ' ') from {table} t").fetchone()) for (table,) in tables
        )
    assert "DemoStudioNorth" in dump
    assert not [mark for mark in marks if mark.decode() in dump]
