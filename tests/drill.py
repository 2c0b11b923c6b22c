"""The table of `make drill`: what was broken how often, and what the record lost by it.

A drill adds its row also where it fails.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.crawling import World

#: How often things are broken: twice in the tests
TIMES = int(os.environ.get("THEFTWATCH_DRILLS", "2"))

_COLUMNS = ("drill", "times", "lost", "doubled", "false `gone`", "the same in the end")


@dataclass(kw_only=True, slots=True)
class Drill:
    """How often something was broken, and what records lost by it."""

    what: str
    #: What is the same in the end
    same: str = "digest"
    times: int = 0
    lost: int = 0
    doubled: int = 0
    #: Listings that the record took for gone, and that were there
    false_gone: int = 0
    #: Where records are unlike what they have to be; None while none was compared
    unlike: list[str] | None = None

    def compare(self, expected: Mapping[str, str], world: World) -> None:
        """Add a record that has to have the digests of an undisturbed one's tables, of things that were all there."""
        found = world.digest_tables()
        lost, doubled = compare(expected, found)
        self.lost, self.doubled = self.lost + lost, self.doubled + doubled
        [(gone,)] = world.rows("select count(*) from listing_event where kind = 'state' and after = '\"gone\"'")
        self.false_gone += gone
        tables = sorted(expected.keys() | found.keys())
        self.unlike = [*(self.unlike or []), *(each for each in tables if expected.get(each) != found.get(each))]

    def row(self) -> tuple[str, ...]:
        """Return the row of the table."""
        counts = (self.times, self.lost, self.doubled, self.false_gone)
        return (self.what, *map(str, counts), self.same if self.unlike == [] else "no")


@contextmanager
def drilling(record_property: Callable[[str, object], None], what: str, *, same: str = "digest") -> Iterator[Drill]:
    """Add a row to the table, of what is broken in the context; at its end nothing may have been lost."""
    drill = Drill(what=what, same=same)
    try:
        yield drill
    finally:
        record_property("drill", drill.row())
    assert (drill.lost, drill.doubled, drill.false_gone, drill.unlike) == (0, 0, 0, [])
    assert drill.times


def compare(expected: Mapping[str, str], found: Mapping[str, str]) -> tuple[int, int]:
    """Return how many rows are missing, and how many are too many, by the digests of an undisturbed record's tables."""
    tables = expected.keys() | found.keys()
    more = [_rows(found, table) - _rows(expected, table) for table in tables]
    return -sum(each for each in more if each < 0), sum(each for each in more if each > 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the rows of all drills of this session, and what they tell besides."""
    rows = sorted(_recorded(terminalreporter, "drill"))
    if not rows:
        return
    terminalreporter.section("drills")
    lines = [_COLUMNS, ("---",) * len(_COLUMNS), *rows]
    for line in lines:
        terminalreporter.write_line(f"| {' | '.join(line)} |")
    for line in _recorded(terminalreporter, "told"):
        terminalreporter.write_line(line)


def _recorded(reporter: pytest.TerminalReporter, what: str) -> Iterator[Any]:
    for outcome in ("passed", "failed"):
        for report in reporter.getreports(outcome):
            yield from (value for name, value in report.user_properties if name == what)


def _rows(tables: Mapping[str, str], table: str) -> int:
    """Return the rows of a table, of `rows:sum`."""
    return int(tables.get(table, "0:").partition(":")[0])
