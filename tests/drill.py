"""The table of `make drill`: what was broken how often, and what the record lost by it.

A drill adds its row with `record_property("drill", row(...))`, before it asserts anything.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

_COLUMNS = ("drill", "times", "lost", "doubled", "the same in the end")


def row(what: str, *, times: int, lost: int, doubled: int, same: str) -> dict[str, str]:
    """Return a row: how many facts are missing, how many are there too often, and what is the same, if it is."""
    return dict(zip(_COLUMNS, (what, str(times), str(lost), str(doubled), same or "no"), strict=True))


def compare(expected: Mapping[str, str], found: Mapping[str, str]) -> tuple[int, int]:
    """Return how many rows are missing, and how many are too many, by the digests of an undisturbed record's tables."""
    tables = expected.keys() | found.keys()
    more = [_rows(found, table) - _rows(expected, table) for table in tables]
    return -sum(each for each in more if each < 0), sum(each for each in more if each > 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the rows of all drills of this session."""
    rows = list(_recorded(terminalreporter))
    if not rows:
        return
    terminalreporter.section("drills")
    lines = [_COLUMNS, ("---",) * len(_COLUMNS), *(tuple(each.values()) for each in rows)]
    for line in lines:
        terminalreporter.write_line(f"| {' | '.join(line)} |")


def _recorded(reporter: pytest.TerminalReporter) -> Iterator[dict[str, Any]]:
    for outcome in ("passed", "failed"):
        for report in reporter.getreports(outcome):
            yield from (value for name, value in report.user_properties if name == "drill")


def _rows(tables: Mapping[str, str], table: str) -> int:
    """Return the rows of a table, of `rows:sum`."""
    return int(tables.get(table, "0:").partition(":")[0])
