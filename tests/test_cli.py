"""The command line as a person meets it: help, mistakes, Ctrl-C, pipes, and how fast it starts."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from tests.crawling import World, listings_held
from tests.test_docs import ALL
from tests.waiting import wait_until
from theftwatch.cli import app, main
from theftwatch.demo.replica import running_replica

CHECKOUT = Path(__file__).parents[1]
SAMPLES = CHECKOUT / "tests/samples"
PAGE = SAMPLES / "alibaba/detail_raw_arabic_2026/page.html"
ADDRESS = json.loads((PAGE.parent / "meta.json").read_text())["url"]
PROGRAM = Path(sys.executable).with_name("theftwatch")
WAIT_MAX_S = 120

# With what the name stands for in a terminal, and the modules loaded at the end as its last line.
START = "import sys; from theftwatch import cli\ntry: cli.main()\nfinally: print(*sys.modules, file=sys.stderr)"
# A command that fails as its argument says, beside the real ones.
FAIL = """
import psycopg
from theftwatch import cli

@cli.app.command()
def fail(how: str) -> None:
    raise {"bug": KeyError("colour"), "disk": OSError(28, "No space left on device", "/photos/1.jpg"),
           "database": psycopg.OperationalError("server closed\\n\\tthe connection")}[how]

cli.main()
"""


def run(*arguments, code=None, env=None):
    """Run the command line in a process of its own; with `code`, what that makes of it."""
    program = [sys.executable, "-c", code] if code else [PROGRAM]
    command = [*program, *map(str, arguments)]
    return subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=WAIT_MAX_S)


@pytest.mark.parametrize(
    "words", ["", *sorted({name.removeprefix("theftwatch ").rpartition(" ")[0] for name, _ in ALL})]
)
def test_a_group_lists_its_commands_by_whole_sentences(words):
    shown = CliRunner().invoke(app, [*words.split(), "--help"]).stdout
    lines = re.findall(r"^  ([a-z][a-z-]*)  +(.*)$", shown, re.MULTILINE)
    assert {name for name, _ in lines} == {
        name.removeprefix("theftwatch ").removeprefix(words).split()[0]
        for name, _ in ALL
        if name.startswith(f"theftwatch {words}")
    }
    assert [line for _, line in lines if not re.fullmatch(r"[A-Z].*[^.]\.", line)] == [], "longer than a line holds"


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_a_command_explains_its_arguments(name, command):
    shown = CliRunner().invoke(app, [*name.split()[1:], "--help"])
    assert shown.exit_code == 0
    for parameter in command.params:
        assert parameter.help, parameter.name
        assert max(parameter.opts, key=len) in shown.stdout or parameter.metavar in shown.stdout
    # in words and not by its type, such as <str>; a choice of words may stand in such brackets
    assert not re.findall(r"^ +-.*<(?:str|int|float|path|list|%).*", shown.stdout, re.MULTILINE)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["extract", PAGE, "--url", ADDRESS]])
def test_it_starts_without_what_it_does_not_need(arguments):
    done = run(*arguments, code=START)
    loaded = {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}
    assert {"theftwatch", "typer"} < loaded
    heavy = {"cv2", "imagehash", "numpy", "PIL", "psycopg", "pydantic_settings", "rich", "scipy", "scrapy", "twisted"}
    assert loaded & heavy == set()


def test_a_crawl_and_the_daily_commands_start_without_what_only_pictures_need():
    shell = (
        path.relative_to(CHECKOUT) for folder in ("spiders", "pipelines") for path in (CHECKOUT / folder).glob("*.py")
    )
    daily = [f"theftwatch.commands.work.{name}" for name in ("alarm", "case", "finding", "seller", "status")]
    crawl = ["theftwatch.commands.work.target", *(".".join(path.with_suffix("").parts) for path in shell)]
    code = "import sys; from importlib import import_module\n"
    code += "".join(f"for each in {modules}: import_module(each)\nprint(*sys.modules)\n" for modules in (daily, crawl))
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    by_commands, by_all = map(set, map(str.split, done.stdout.splitlines()))
    assert set(daily) <= by_commands
    assert set(crawl) <= by_all
    assert by_commands & {"lxml", "parsel", "scrapy"} == set()
    assert by_all & {"cv2", "imagehash", "numpy", "onnxruntime", "scipy"} == set()


def test_without_a_command_it_shows_its_help():
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "demo " in done.stderr
    assert "Did you mean 'demo'" in run("demoo").stderr


def test_the_version_is_printed():
    done = run("--version")
    assert re.fullmatch(r"TheftWatch \d+\.\d+\.\d+\n", done.stdout)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["crawl"], "Missing argument 'SPIDER'; see `theftwatch crawl --help`"),
        (["crawl", "--limit", "5"], "No such option: --limit; see `theftwatch crawl --help`"),
        (["crawl", "etsy", "-a", "DemoShop"], "-a DemoShop: write -a NAME=VALUE"),
        (["crawl", "etsy", "-s", "LOG_LEVEL"], "-s LOG_LEVEL: write -s NAME=VALUE"),
        (["db", "strat"], "No such command 'strat'"),
        (["import"], "Missing argument 'PATH'"),
        (["import", "no/page.html"], "no/page.html: no such file or folder; give pages saved from a browser"),
        (["import", PAGE, PAGE, "--url", "x"], "--url tells the address of one page"),
        (["import", PAGE, "--side", "left"], "'left' is not one of 'original', 'suspect'"),
        (["extract", "no.html"], "no.html: No such file or directory; give the path of a saved page"),
        (["extract", SAMPLES], "Is a directory; give the path of a saved page"),
        (["originals", "add", "no", "--artisan", "Ana"], "no: no such file or folder; give a folder of photos"),
        (["originals", "add", SAMPLES, "--artisan", " "], "--artisan is empty"),
        (["originals", "add", SAMPLES, "--artisan", "Ana"], "no photos in it; give a folder of JPEG"),
        (["originals", "add", PAGE, "--artisan", "Ana"], "give a folder of photos, or a CSV file with the columns"),
        (["compare", PAGE], "Missing argument 'B'"),
        (["compare", "no.jpg", PAGE], "no.jpg: No such file or directory; give the path of a photo"),
        (["rematch", "--ray", "auto"], "--ray auto: give the head's address and port, such as 10.0.0.5:6379"),
        (["scan", SAMPLES, "no", "--out", "x"], "no: no such folder; give two folders of photos"),
    ],
    ids=lambda each: " ".join(Path(word).name for word in each) if isinstance(each, list) else "",
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, said, monkeypatch, capsys):
    # In this process, as it is the quicker way to meet many.
    monkeypatch.setattr(sys, "argv", ["theftwatch", *map(str, arguments)])
    with pytest.raises(SystemExit, match=r"^2$"):
        main()
    output, told = capsys.readouterr()
    assert output == ""
    [line] = told.splitlines()
    assert line.startswith("theftwatch: ")
    assert said in line


def test_a_wrong_setting_is_one_line_and_exit_code_2():
    done = run("db", "status", env=os.environ | {"THEFTWATCH_DATABASE": "postgres"})
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("theftwatch: THEFTWATCH_DATABASE: 'postgres' is a database")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("bug", "a fault of the program, KeyError: 'colour'; run it again as `theftwatch --debug …` and report"),
        ("disk", "/photos/1.jpg: No space left on device"),
        ("database", "the database failed: server closed the connection; `theftwatch db status` shows its state"),
    ],
)
def test_what_nobody_foresaw_is_one_line_and_with_debug_a_traceback(how, said):
    done = run("fail", how, code=FAIL)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"theftwatch: {said}")
    done = run("--debug", "fail", how, code=FAIL)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1] == line


@pytest.mark.parametrize("arguments", [["extract", PAGE, "--url", ADDRESS], ["--help"]])
def test_a_reader_that_has_seen_enough_is_no_error(arguments):
    with subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_ctrl_c_is_one_line_and_exit_code_130(dsn):
    with psycopg.connect(dsn, autocommit=True) as other:
        # So the command waits, as beside a crawl that compares.
        other.execute("select pg_advisory_lock(hashtext('theftwatch drain'))")
        process = subprocess.Popen(
            [PROGRAM, "rematch", "--pending"],
            env=os.environ | {"THEFTWATCH_DSN": dsn},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event = 'advisory'"
        wait_until(lambda: other.execute(waiting).fetchone(), process)
        process.send_signal(signal.SIGINT)
        output, said = process.communicate(timeout=WAIT_MAX_S)
    # A server without the extension vector is told of before.
    *_, last = said.splitlines()
    assert (process.returncode, output, last) == (130, "", "theftwatch: interrupted")
    assert "Traceback" not in said


def test_ctrl_c_ends_a_crawl_in_order(dsn, tmp_path):
    with running_replica() as replica:
        world = World(replica=replica, dsn=dsn, folder=tmp_path)
        command: list[str | Path] = [PROGRAM, "crawl", "alibaba", "-a", "vendor=demoharbour"]
        with listings_held(2):
            process = subprocess.Popen(command, env=world.environment(), stderr=subprocess.PIPE, text=True)
            wait_until(lambda: world.rows("select 1 from listing where complete"), process)
            process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=WAIT_MAX_S)
    assert process.returncode == 130, log
    assert "Traceback" not in log
    assert world.rows("select finish_reason, outcome from run") == [("shutdown", "failed")]
    assert world.rows("select count(*) from lookup where looked_up_at is null") == [(0,)]


def test_json_is_ascii_on_every_terminal():
    told = run("extract", PAGE, "--url", ADDRESS).stdout
    assert told.isascii()
    assert not json.dumps(json.loads(told), ensure_ascii=False).isascii()


def test_the_address_may_stand_in_the_page(tmp_path):
    saved = tmp_path / "page.html"
    saved.write_bytes(f"<!-- saved from url=(0001){ADDRESS} -->\n".encode() + PAGE.read_bytes())
    assert run("extract", saved).stdout == run("extract", PAGE, "--url", ADDRESS).stdout
