"""Routes to candidates that are off: said in the run, with what switches them on; and both places find the same."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest
from PIL import Image

from tests.edits import EDITS, jpeg, photo_paths
from tests.record import SHOP, VENDOR, Record, path_of
from theftwatch.config import settings
from theftwatch.files import Files
from theftwatch.match.routes import Routes, index_off, warn_of_routes
from theftwatch.match.scan import read_folder, scan
from theftwatch.match.workers import Processes

ORIGINALS = [photo_paths()[index].read_bytes() for index in (0, 44, 53, 99)]
SUSPECTS = [
    *(edit(Image.open(photo_paths()[0])) for edit in EDITS.values()),
    jpeg(Image.open(photo_paths()[44]).crop((90, 60, 400, 480))),
    ORIGINALS[3],
    *(photo_paths()[index].read_bytes() for index in range(110, 116)),
]


def routes(dsn: str) -> Routes:
    async def main() -> Routes:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            return await warn_of_routes(connection)

    return asyncio.run(main())


def test_where_all_are_on_nothing_is_said(dsn, connection, caplog):
    found = routes(dsn)
    assert found.descriptor.startswith("sscd_distilled-")
    [by_index] = connection.execute("select to_regclass('descriptor_code_original_near') is not null").fetchone()
    assert found.index == ("vector" if by_index else "scan")
    assert len(caplog.records) == (0 if by_index else 1)


def test_without_vector_one_line_says_so(without_vector, monkeypatch, caplog):
    monkeypatch.setenv("THEFTWATCH_DSN", without_vector)
    settings.cache_clear()
    assert routes(without_vector).index == "scan"
    [record] = caplog.records
    assert "reads all descriptors" in record.message
    assert "theftwatch db migrate" in record.message


def test_without_a_network_its_index_does_not_matter(without_vector, monkeypatch, caplog):
    monkeypatch.setenv("THEFTWATCH_DESCRIPTOR", "off")
    settings.cache_clear()
    assert routes(without_vector) == Routes(descriptor="off", index="scan")
    [record] = caplog.records
    assert record.message.endswith("; `unset THEFTWATCH_DESCRIPTOR` mends that")


@pytest.mark.parametrize("embedded", [True, False])
def test_the_remedy_is_what_is_missing(embedded):
    installed = index_off("0.8.0", "0.8.0", 17, "theftwatch", embedded=embedded)
    assert installed.remedy == "theftwatch db migrate"
    unused = index_off("0.8.0", None, 17, "our watch", embedded=embedded)
    assert ("psql -d 'our watch' -c \"create extension" in unused.remedy) is not embedded
    missing = index_off(None, None, 17, "theftwatch", embedded=embedded)
    assert "apt-get install postgresql-17-pgvector" in missing.remedy


@pytest.mark.parametrize(
    "command", [["rematch"], ["rematch", "--pending"], ["originals", "add", "photos", "--artisan", "Ana"]]
)
def test_the_commands_say_it_in_one_line(dsn, tmp_path, command):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/one.jpg").write_bytes(ORIGINALS[0])
    environment = {
        "PATH": "/usr/bin:/bin",
        "THEFTWATCH_DSN": dsn,
        "THEFTWATCH_DATA_DIR": str(tmp_path / "data"),
        "THEFTWATCH_DESCRIPTOR": "off",
    }
    done = subprocess.run(
        [sys.executable, "-m", "theftwatch", *command], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    [line] = (line for line in done.stderr.splitlines() if "THEFTWATCH_DESCRIPTOR" in line)
    assert line.startswith("the network is off, by THEFTWATCH_DESCRIPTOR: ")


def test_folders_and_the_record_give_the_same_matches(dsn, tmp_path):
    record = Record(dsn, Files(tmp_path / "files"))
    record.save(SHOP, ORIGINALS)
    record.save(VENDOR, SUSPECTS)
    record.compare()
    from_record = record.rows(
        "select encode(o.sha256, 'hex'), encode(s.sha256, 'hex'), m.decision, round(m.score::numeric, 4)::float8,"
        " m.method, m.transform from match m join image o on o.id = m.original_image"
        " join image s on s.id = m.suspect_image where decision <> 'no_match'"
    )
    from_folders = asyncio.run(scanned(tmp_path))
    assert len(from_record) == len(EDITS) + 2
    assert written(from_record) == written(from_folders)


def written(rows: Sequence[tuple[object, ...]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


async def scanned(root: Path) -> list[tuple[object, ...]]:
    for name, photos in (("originals", ORIGINALS), ("suspects", SUSPECTS)):
        files = Files(root / name)
        for data in photos:
            path = path_of(files, files.put(data))
            path.rename(path.with_suffix(".jpg"))
    with Processes(2) as workers:
        originals, suspects = [await read_folder(root / name, workers) for name in ("originals", "suspects")]
        return [
            (
                Path(pair.original).stem,
                Path(pair.suspect).stem,
                pair.decision.decision,
                pair.decision.score,
                pair.decision.method,
                pair.decision.transform.as_json() if pair.decision.transform else None,
            )
            async for pair in scan(originals, suspects, workers)
            if pair.decision.decision in ("match", "possible")
        ]
