"""Views as files: all of them, each value as it is, and no formulas."""

import asyncio
import csv
import json
import zipfile
from datetime import timedelta
from xml.etree import ElementTree

import psycopg
import pytest
from psycopg.rows import dict_row
from pyarrow import parquet
from typer.testing import CliRunner

from tests import matched
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.errors import TheftWatchError, UsageError
from theftwatch.files import Files
from theftwatch.match.context import update_context
from theftwatch.match.verdict import Seen, give_verdict
from theftwatch.reports import export as exporting
from theftwatch.reports.export import VIEWS, export

ATTACK = '=HYPERLINK("http://evil.example","prize")'


@pytest.fixture
def filled(dsn, tmp_path, monkeypatch):
    async def fill():
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            files = Files(tmp_path / "files")
            await matched.fill(connection, files)
            await connection.execute("update listing set title = %s where listing_ref = '201'", [ATTACK])
            await update_context(connection, load=files.get, now=matched.MATCHED_AT)
            await give_verdict(connection, [Seen(finding=1)], "confirmed", by="Eva", now=matched.MATCHED_AT)

    asyncio.run(fill())
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    monkeypatch.setenv("THEFTWATCH_FILES", str(tmp_path / "files"))
    settings.cache_clear()
    monkeypatch.chdir(tmp_path)
    return dsn


def rows(dsn, query):
    with psycopg.connect(dsn, row_factory=dict_row, options="-c timezone=UTC") as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("subject", VIEWS)
def test_a_file_has_the_rows_and_columns_of_the_view(filled, subject, tmp_path):
    view, keys = VIEWS[subject]
    expected = rows(filled, f"select * from analysis.{view} order by {', '.join(keys)}")
    for fmt in ("csv", "jsonl", "parquet", "xlsx"):
        path = tmp_path / f"{subject}.{fmt}"
        assert export(filled, subject, fmt, path) == len(expected)
    with (tmp_path / f"{subject}.csv").open(encoding="utf-8-sig", newline="") as file:
        of_csv = list(csv.DictReader(file))
    of_jsonl = [json.loads(line) for line in (tmp_path / f"{subject}.jsonl").read_text().splitlines()]
    of_parquet = parquet.read_table(tmp_path / f"{subject}.parquet")
    assert len(of_csv) == len(of_jsonl) == of_parquet.num_rows == len(sheet(tmp_path / f"{subject}.xlsx")) - 1
    assert sheet(tmp_path / f"{subject}.xlsx")[0] == of_parquet.column_names
    for row, line in zip(expected, of_jsonl, strict=True):
        assert list(row) == list(line) == of_parquet.column_names
    if expected:
        assert list(of_csv[0]) == of_parquet.column_names


def sheet(path):
    """Return the texts and numbers of a sheet's cells, as Excel's file has them."""
    space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as file:
        tree = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))
    assert tree.findall(".//x:f", space) == []  # formulas
    assert tree.findall(".//x:hyperlink", space) == []
    return [
        [("".join(cell.itertext())) for cell in row.findall("x:c", space)] for row in tree.findall(".//x:row", space)
    ]


def test_values_keep_their_types(filled, tmp_path):
    export(filled, "findings", "parquet", tmp_path / "f.parquet")
    [row] = [each for each in parquet.read_table(tmp_path / "f.parquet").to_pylist() if each["finding_id"] == 1]
    [expected] = rows(filled, "select * from analysis.finding where finding_id = 1")
    for name in (
        "matches",
        "proposable",
        "margin_days",
        "edits",
        "pixel_reasons",
        "judged_at",
        "removed_at",
        "verdict",
    ):
        assert row[name] == expected[name], name
    assert row["best_score"] == pytest.approx(expected["best_score"])
    assert json.loads(row["original_claim"]) == expected["original_claim"]
    export(filled, "listings", "jsonl", tmp_path / "l.jsonl")
    assert json.loads((tmp_path / "l.jsonl").read_text().splitlines()[0])["price_min"] == "4.50"


def test_no_text_becomes_a_formula(filled, tmp_path):
    for fmt in ("csv", "xlsx"):
        export(filled, "listings", fmt, tmp_path / f"l.{fmt}")
    with (tmp_path / "l.csv").open(encoding="utf-8-sig", newline="") as file:
        titles = [row["title"] for row in csv.DictReader(file)]
    assert f"'{ATTACK}" in titles
    assert not [title for title in titles if title[:1] in "=+-@"]
    assert any(ATTACK in row for row in sheet(tmp_path / "l.xlsx"))
    for text in ("=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"):
        assert exporting._cell(text) == f"'{text}"
    assert exporting._cell(-1.5) == -1.5
    assert exporting._cell(timedelta(hours=2)) == "7200 s"


def test_the_command_writes_a_file_of_the_subject_s_name(filled, tmp_path):
    shown = CliRunner().invoke(app, ["export", "findings"], catch_exceptions=False).stdout
    assert shown == "8 findings: findings.csv\n"
    assert len((tmp_path / "findings.csv").read_text().splitlines()) == 9


def test_a_file_appears_when_it_is_whole(filled, tmp_path, monkeypatch):
    path = tmp_path / "out/findings.csv"
    with pytest.raises(TheftWatchError, match="does not exist"):
        export(filled, "findings", "csv", path)
    path.parent.mkdir()
    path.write_text("an older one")

    def breaks_off(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(filled, "findings", "csv", path, advance=breaks_off)
    assert [(each.name, each.read_text()) for each in path.parent.iterdir()] == [("findings.csv", "an older one")]


def test_more_rows_than_a_sheet_holds_are_refused(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "_SHEET_ROWS", 3)
    told: list[int] = []
    with pytest.raises(UsageError, match="take csv or parquet"):
        export(filled, "findings", "xlsx", tmp_path / "f.xlsx", advance=lambda done, _: told.append(done))
    assert told == []  # before any row was written
    assert list(tmp_path.glob("*.xlsx")) == []


def test_progress_is_told_in_batches(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "_BATCH", 3)
    told: list[tuple[int, int]] = []
    export(filled, "findings", "jsonl", tmp_path / "f.jsonl", advance=lambda done, of: told.append((done, of)))
    assert [done for done, _ in told] == [3, 6, 8]
    assert all(of >= done for done, of in told)
