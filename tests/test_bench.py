"""The benchmarks run, each at a size that takes seconds; how fast anything is, no test judges."""

import tempfile
from importlib import import_module
from math import isfinite
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from bench.__main__ import BENCHMARKS
from bench.billion import ASSUMED, MEASURED, tables
from bench.hashes import asked_hashes, near, stored_hashes
from bench.process import run_python
from bench.result import result_lines

SIZES = {
    "fingerprint": 1,
    "images": 6,
    "candidates": 2000,
    "lookup": 1000,
    "scan": 8,
    "store": 20,
    "vacuum": 2000,
    "index": 1000,
    "leases": 2000,
    "bytes": 20,
    "partitions": 2000,
    "context": 200,
    "review": 2000,
    "views": 200,
    "export": 200,
    "backup": 4,
    "crawl": 1,
    "shop": 4,
    "processes": 6,
}
#: Goals that are about what was done, and not about how long it took
EXACT = {
    "images": ["photos hashed by theftwatch, of all", "photos kept byte for byte, of all"],
    "candidates": ["share of what is near that is found", "found and not near"],
    "index": ["hashes that are near and not found"],
    "leases": ["targets leased twice", "of those that were due, leased"],
    "crawl": ["images fetched again that had come whole"],
    "shop": ["images fetched by the first crawl, of all", "images fetched again"],
    "processes": ["pages asked for twice", "pages asked for, of all that were due"],
}

#: It starts two clusters, which takes longer than all others; what it measures tests/test_share.py does
ELSEWHERE = {"rematch"}


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name not in ELSEWHERE])
def test_a_benchmark_runs(name, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # each makes a server, and with that many files
    result = import_module(f"bench.{name}").measure(SIZES[name])
    # A difference of two crawls may come out below zero at this size.
    assert all(measure.values and all(map(isfinite, measure.values)) for measure in result.measures)
    met = {goal.text: goal.met for goal in result.goals}
    assert all(met[text] for text in EXACT.get(name, []))
    lines = result_lines(result)
    assert lines[0] == result.title
    assert len(lines) == 1 + len(result.notes) + len(result.measures) + len(result.goals)


def test_a_program_that_fails_tells_why() -> None:
    with pytest.raises(CalledProcessError) as raised:
        run_python(["-c", "raise SystemExit('no disk')"])
    assert raised.value.__notes__ == ["no disk\n"]


def test_what_is_asked_is_near_what_is_stored_half_the_time():
    stored = stored_hashes(3000)
    assert len(set(stored.tolist())) == 3000
    asked = asked_hashes(stored, 40).tolist()
    # Every other one is a stored hash with up to twelve bits changed.
    assert all(near(stored, query, 12) for query in asked[1::2])


def test_the_page_on_scaling_shows_the_arithmetic_of_its_figures():
    page = (Path(__file__).parents[1] / "docs/scaling.md").read_text().splitlines()
    printed = list(tables())
    start = page.index(printed[0])
    assert page[start : start + len(printed)] == printed


def test_the_figures_of_the_arithmetic_are_of_benchmarks_that_there_are():
    assert {figure.bench for figure in MEASURED} <= set(BENCHMARKS)
    assert all(figure.value > 0 for figure in (*MEASURED, *ASSUMED))
    assert not any(figure.bench for figure in ASSUMED)
