"""`theftwatch demo`, as a newcomer types it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from theftwatch.db import cluster


def theftwatch(folder: Path, *arguments: str) -> str:
    environment = os.environ | {"THEFTWATCH_DATA_DIR": str(folder), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "theftwatch", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    yield folder
    theftwatch(folder, "db", "stop")


@pytest.fixture(scope="module")
def shown(folder, postgres_bin):
    return theftwatch(folder, "demo")


def counts(shown: str, edit: str) -> tuple[int, int]:
    found = re.search(rf"^{edit} +([0-9]+) +([0-9]+) *$", shown, re.MULTILINE)
    assert found, shown
    return int(found[1]), int(found[2])


def test_every_plain_copy_is_found_and_the_others_are_owned_up_to(shown):
    for edit in ("exact", "recompressed", "resized", "mirrored", "padded"):
        found, missed = counts(shown, edit)
        assert (found >= 6, missed) == (True, 0), edit
    assert re.search(r"^matches that are none +0 *$", shown, re.MULTILINE)
    for edit in ("cropped", "banner", "collage"):
        assert sum(counts(shown, edit)) >= 4, edit


def test_the_report_stands_where_it_says(shown):
    path = re.search(r"^Each pair side by side: +(\S+)$", shown, re.MULTILINE)
    assert path
    assert Path(path[1]).read_text().count("data:image/jpeg") >= 80


def test_the_dsn_reads_and_does_not_write(shown, folder):
    dsn = re.search(r"psql '(\S+)'", shown)
    assert dsn
    assert theftwatch(folder, "db", "url", "--demo").strip() == dsn[1]
    with psycopg.connect(dsn[1], autocommit=True) as connection:
        [(matches,)] = connection.execute("select count(*) from analysis.match").fetchall()
        assert matches >= 40
        connection.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from match")


QUESTIONS = re.findall(
    r"^### (\d+)\. .*?^```sql\n(.*?)^```\n\n```text\n(.*?)^```",
    (Path(__file__).parents[1] / "docs/analysis.md").read_text(),
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture(scope="module")
def analyst_dsn(shown, folder):
    return theftwatch(folder, "db", "grant", "ana", "--demo").strip()


def test_there_are_fifteen_questions():
    assert [int(number) for number, *_ in QUESTIONS] == list(range(1, 16))


@pytest.mark.parametrize(("query", "answer"), [row[1:] for row in QUESTIONS], ids=[row[0] for row in QUESTIONS])
def test_the_questions_of_the_document_are_answered_as_it_says(query, answer, analyst_dsn, postgres_bin):
    psql = cluster.find_programs(postgres_bin) / "psql"
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    asked = subprocess.run([psql, "-X", analyst_dsn, "-c", query], capture_output=True, text=True, env=environment)
    assert asked.returncode == 0, asked.stderr
    assert [line.rstrip() for line in asked.stdout.rstrip().splitlines()] == answer.splitlines()


def test_a_second_demo_fetches_anew_what_came_damaged_and_says_the_same(shown, folder):
    again = theftwatch(folder, "demo")
    assert [counts(again, edit) for edit in ("exact", "padded")] == [
        counts(shown, edit) for edit in ("exact", "padded")
    ]
    dsn = theftwatch(folder, "db", "url", "--demo").strip()
    with psycopg.connect(dsn) as connection:
        fetched = connection.execute(
            "select spider, stats ->> 'theftwatch/image/fetched' from run order by id desc limit 3"
        )
        assert dict(fetched.fetchall()) == {"etsy": None, "artfire": None, "alibaba": "1"}


def test_deleting_it_leaves_nothing_of_it(shown, folder):
    theftwatch(folder, "demo", "--delete")
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["postgres"]
