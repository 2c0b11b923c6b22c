"""Views of the record as files: row by row, so that memory does not grow with the record."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Literal, Protocol

import psycopg
from psycopg import sql

from theftwatch.errors import UsageError
from theftwatch.files import replacing

Format = Literal["csv", "jsonl", "parquet", "xlsx"]
Subject = Literal["findings", "matches", "listings", "cases", "runs"]

#: The view, and by what its rows are in order
VIEWS: dict[Subject, tuple[str, tuple[str, ...]]] = {
    "findings": ("finding", ("finding_id",)),
    "matches": ("match", ("match_id", "original_listing_id", "suspect_listing_id")),
    "listings": ("listing", ("listing_id",)),
    "cases": ("case", ("case_id",)),
    "runs": ("run", ("run_id",)),
}
#: Rows held at once
_BATCH = 2_000
#: What a sheet of Excel can hold beside its heading, and a cell of it
_SHEET_ROWS, _CELL_LETTERS = 1_048_575, 32_767
#: Beginning so, a text is a formula to a spreadsheet (OWASP, "CSV injection"); those of full width too
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
#: Rows that a Parquet file holds together
_GROUP = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of a view."""

    name: str
    #: Number of its type in Postgres
    type_oid: int


class Writer(Protocol):
    """Takes rows of a view."""

    def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write some rows."""


def export(
    dsn: str, subject: Subject, fmt: Format, path: Path, *, advance: Callable[[int, int], None] | None = None
) -> int:
    """Write a view to a file, which appears when it is whole, and return how many rows it has.

    All rows are of one moment. `advance` is told after each batch how many are written, and of how many by the
    planner's guess. Raises UsageError for a file that cannot be written, and for more rows than the format takes.
    """
    view, keys = VIEWS[subject]
    query = sql.SQL("select * from analysis.{} order by {}").format(
        sql.Identifier(view), sql.SQL(", ").join(map(sql.Identifier, keys))
    )
    with psycopg.connect(dsn, options="-c timezone=UTC -c jit=off") as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        if fmt == "xlsx":
            _refuse_more_than_a_sheet_holds(connection, view)
        [[plan]] = connection.execute(sql.SQL("explain (format json) {}").format(query)).fetchall()
        guess = int(plan[0]["Plan"]["Plan Rows"])
        written = 0
        with connection.cursor("export") as cursor, replacing(path) as file:
            cursor.execute(query)
            columns = [Column(name=each.name, type_oid=each.type_code) for each in cursor.description or ()]
            with _WRITERS[fmt](file, columns) as writer:
                while rows := cursor.fetchmany(_BATCH):
                    writer.write(rows)
                    written += len(rows)
                    if advance:
                        advance(written, max(guess, written))
    return written


def _refuse_more_than_a_sheet_holds(connection: psycopg.Connection, view: str) -> None:
    """Raise UsageError before a million rows are written for nothing."""
    count = sql.SQL("select count(*) from (select from analysis.{} limit {}) as row")
    [[rows]] = connection.execute(count.format(sql.Identifier(view), _SHEET_ROWS + 1)).fetchall()
    if rows > _SHEET_ROWS:
        raise UsageError(f"a sheet of Excel holds {_SHEET_ROWS:,} rows, and there are more; take csv or parquet")


class _Csv:
    def __init__(self, file: IO[str], columns: Sequence[Column]) -> None:
        self._writer = csv.writer(file, lineterminator="\r\n")
        self._writer.writerow([column.name for column in columns])

    def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._writer.writerows([_cell(value) for value in row] for row in rows)


@contextmanager
def _csv(file: IO[bytes], columns: Sequence[Column]) -> Iterator[Writer]:
    # with a mark at the beginning, by which Excel knows the encoding
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    yield _Csv(text, columns)
    text.detach()  # writes what is left, and leaves the file open


class _Jsonl:
    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        self._file, self._names = file, [column.name for column in columns]

    def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        for row in rows:
            line = json.dumps(dict(zip(self._names, row, strict=True)), default=_text, ensure_ascii=False)
            self._file.write(line.encode() + b"\n")


@contextmanager
def _jsonl(file: IO[bytes], columns: Sequence[Column]) -> Iterator[Writer]:
    yield _Jsonl(file, columns)


class _Xlsx:
    def __init__(self, workbook: Any, columns: Sequence[Column]) -> None:
        self._sheet = workbook.add_worksheet()
        self._moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        self._row = 0
        for place, column in enumerate(columns):
            self._sheet.write_string(0, place, column.name)

    def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        for row in rows:
            self._row += 1
            for place, value in enumerate(row):
                self._write(place, value)

    def _write(self, place: int, value: Any) -> None:
        match value:
            case None:
                pass
            case bool():
                self._sheet.write_boolean(self._row, place, value)
            case int() | float() | Decimal():
                self._sheet.write_number(self._row, place, value)
            case datetime():  # Excel knows no time zones
                self._sheet.write_datetime(self._row, place, value.astimezone(UTC).replace(tzinfo=None), self._moment)
            case date():
                self._sheet.write_datetime(self._row, place, value, self._day)
            case _:  # as a text whatever it looks like
                self._sheet.write_string(self._row, place, _text(value)[:_CELL_LETTERS])


@contextmanager
def _xlsx(file: IO[bytes], columns: Sequence[Column]) -> Iterator[Writer]:
    import xlsxwriter

    with xlsxwriter.Workbook(file, {"constant_memory": True}) as workbook:
        yield _Xlsx(workbook, columns)


class _Parquet:
    def __init__(self, writer: Any, schema: Any, columns: Sequence[Column]) -> None:
        self._writer, self._schema = writer, schema
        self._as_text = [column.type_oid not in _ARROW for column in columns]
        self._rows: list[tuple[Any, ...]] = []

    def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._rows += rows
        if len(self._rows) >= _GROUP:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        import pyarrow

        held, self._rows = self._rows, []
        if not held:
            return
        arrays = [
            pyarrow.array([value if value is None or not text else _text(value) for value in values], field.type)
            for values, text, field in zip(zip(*held, strict=True), self._as_text, self._schema, strict=True)
        ]
        self._writer.write_batch(pyarrow.record_batch(arrays, schema=self._schema))


@contextmanager
def _parquet(file: IO[bytes], columns: Sequence[Column]) -> Iterator[Writer]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as exc:
        raise UsageError(
            "parquet: the package pyarrow is missing; install theftwatch with the extra `export`, or take csv"
        ) from exc
    schema = pyarrow.schema([(column.name, _arrow_type(column.type_oid)) for column in columns])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        held = _Parquet(writer, schema, columns)
        yield held
        held.flush()


#: Types of Postgres, by their numbers, and what they are in Arrow; all others are written as text
_ARROW = {
    16: "bool",
    20: "int64",
    23: "int32",
    700: "float32",
    701: "float64",
    1009: "list<text>",
    1016: "list<int64>",
    1082: "date32",
    1184: "timestamp",
}


def _arrow_type(type_oid: int) -> Any:
    import pyarrow

    match _ARROW.get(type_oid, "string"):
        case "timestamp":
            return pyarrow.timestamp("us", tz="UTC")
        case "list<text>":
            return pyarrow.list_(pyarrow.string())
        case "list<int64>":
            return pyarrow.list_(pyarrow.int64())
        case name:
            return pyarrow.type_for_alias(name)


_WRITERS: dict[Format, Callable[[IO[bytes], Sequence[Column]], AbstractContextManager[Writer]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "xlsx": _xlsx,
}


def _cell(value: Any) -> Any:
    """Return a value as a CSV file has it; an apostrophe keeps a text from being a formula."""
    if value is None or isinstance(value, int | float | Decimal):
        return value
    text = _text(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return f"{value.total_seconds():g} s"
        case list() | dict():
            return json.dumps(value, default=_text, ensure_ascii=False)
        case _:
            return str(value)
