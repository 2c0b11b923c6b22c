"""What is held of the listings of a case as proof, and what is still to be captured before a complaint is filed."""

from dataclasses import dataclass
from datetime import datetime

from theftwatch.db.queries import Connection, fetch_as
from theftwatch.reports.words import capture_occasion, capture_state, captured_file, day, one_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Captured:
    """A capture of a listing in a case; fields as in the query `find_case_captures`."""

    #: Key of the listing in the case
    case_listing: int
    why: str
    state: str
    detail: str | None
    taken_at: datetime
    #: Kinds of the files that are held of it
    held: list[str]

    @property
    def in_words(self) -> str:
        """When it was taken, what came of it, and what is held."""
        what = capture_state(self.state) if self.detail is None else one_line(self.detail)
        held = ", ".join(map(captured_file, self.held)) or "nothing"
        return f"captured {day(self.taken_at)} {capture_occasion(self.why)}: {what}; held: {held}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ToCapture:
    """A listing in a case that has no capture for filing, or an old one."""

    #: Key of the listing in the case
    case_listing: int
    url: str
    #: When it was last captured for filing; None where it never was
    captured_at: datetime | None

    @property
    def in_words(self) -> str:
        """What is missing, with the command that takes it."""
        url = one_line(self.url)
        last = "never captured" if self.captured_at is None else f"last captured {day(self.captured_at)}"
        return f"{url}, {last} for filing; `theftwatch crawl capture -a listing={url} -a why=filing`"


async def find_captured(connection: Connection, case: int) -> list[Captured]:
    """Return what was captured of the listings of a case: of each occasion the last that shows the page."""
    return await fetch_as(connection, Captured, "find_case_captures", case=case)


async def find_to_capture(connection: Connection, case: int, *, now: datetime) -> list[ToCapture]:
    """Return the listings of a case that are to be captured before a complaint on them is filed, or soon after."""
    return await fetch_as(connection, ToCapture, "find_to_capture", case=case, now=now)
