"""The rules of alarms: what is measured of a run, from when on it is too much, and on how little nothing is said.

A rule returns None where it has nothing to say, as too little was seen: then an alarm is neither raised nor closed.
All thresholds stand here and nowhere else. They are set so that chance does not reach them: each asks for a share, for
a number of cases beyond it, and, where it compares, for several earlier days.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Kind = Literal["fewer_listings", "errors", "blocked", "missing_data", "unread_pages", "nothing_new", "hanging"]
#: Counters of runs, by their names without the prefix of the program
type Counters = Mapping[str, int]
#: A part of what was counted, and the whole
type Parts = Callable[[Counters], tuple[int, int]]

#: Days, or runs of the same arguments, that are compared: two weeks hold each day of the week twice, and are soon past
DAYS = 14
#: With fewer earlier ones nothing is usual: of two nobody knows which one is
EARLIER_MIN = 3
#: More than three of twenty is no hiccup. Of some hosts one page in ten fails on a bad day and comes with the next try.
ERRORS_ABOVE, ERRORS_MIN, ERRORS_OF_MIN = 0.15, 5, 20
#: Where one page in ten is refused the host is about to shut us out; three refusals in a row end a run, so three count
BLOCKED_ABOVE, BLOCKED_MIN = 0.10, 3
#: A page that is not understood is a fault of ours, and worth mending early; but any site has some odd pages
UNREAD_ABOVE, UNREAD_MIN = 0.05, 3
#: How far the share of listings with a field may fall below what is usual, and how many at least lack it then: one
#: seller may leave out prices, but not all at once
FIELDS_BELOW, FIELDS_MIN, FIELDS_OF_MIN = 0.20, 20, 30
#: Photos of a listing, as a share of what is usual. Most listings stay as they are, but some have one and some have ten
PHOTOS_BELOW, PHOTOS_OF_MIN = 0.7, 50
#: Listings of one list, as a share of what is usual. A vendor may take down half of the goods: so twice in a row, and
#: not where the list itself says that it holds no more. Short lists shrink for any reason
LIST_BELOW, LIST_USUAL_MIN, LIST_VISITS_MIN, LIST_VISITS_MOST = 0.6, 10, 3, 7
#: What of its own count a list has to show to be believed
LIST_SHOWN = 0.9
#: All lists of a run together: less noisy than one, so at once, but not by the doing of one or two vendors
LISTS_BELOW, LISTS_MIN, LISTS_MISSING_MIN = 0.7, 3, 30
#: Pauses are compared over a quarter of a year with ten days that had something new, and a week is never too long
PAUSE_DAYS, PAUSE_TIMES, PAUSE_MIN_DAYS, PAUSE_OF_MIN, PAUSE_LOOKED_MIN = 90, 2, 7, 10, 3
#: A run waits for two minutes between two pages at most, and each batch that it compares counts as progress
HANGING_MINUTES = 30

FIELDS = ("title", "price", "seller", "images")
_SHOWN = ("listing", "shop", "search", "supplier_search", "profile", "sold", "unchanged")
_UNREAD = ("changed", "unknown")
_ASKED = (*_SHOWN, *_UNREAD, "gone", "failed", "blocked")


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """What was measured, and whether it is too much."""

    kind: Kind
    detail: str = ""
    #: The target that it is about; None where it is about all that was crawled
    target: int | None = None
    value: float
    usual: float | None = None
    #: On how much the value rests
    size: int
    fires: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a run counted, and what there is to compare it with."""

    run: Counters
    #: The run with the others of its last 24 hours
    day: Counters
    #: Days before that, or earlier runs of the same arguments
    earlier: Sequence[Counters]
    #: What was usual when alarms were raised that stand, by kind and detail
    usual: Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class ListFigure:
    """How many listings a list showed: now, the good visit before, and usually before that; as the list says itself."""

    target: int
    seen: int
    expected: int | None
    before: int | None
    usual: float | None
    #: Visits that `usual` rests on
    visits: int

    @property
    def is_believed(self) -> bool:
        """Whether the list shows what it says that it holds, so that fewer listings are no fault of ours."""
        return self.expected is not None and self.seen >= LIST_SHOWN * self.expected

    @property
    def is_comparable(self) -> bool:
        """Whether enough is known of what is usual."""
        return self.usual is not None and self.visits >= LIST_VISITS_MIN and self.usual >= LIST_USUAL_MIN


@dataclass(frozen=True, slots=True)
class Pause:
    """Since when nothing new was found, and how long that took at most before."""

    target: int | None
    quiet_days: float
    longest_days: float | None
    #: Days with something new, and days since then on which somebody looked
    days: int
    looked_days: int


def judge_counters(seen: Seen) -> list[Figure]:
    """Return what the counters of a run say."""
    figures = [
        _share("errors", "pages", seen, _errors_of_pages, above=ERRORS_ABOVE, at_least=ERRORS_MIN, of=ERRORS_OF_MIN),
        _share("errors", "photos", seen, _errors_of_photos, above=ERRORS_ABOVE, at_least=ERRORS_MIN, of=ERRORS_OF_MIN),
        _share("blocked", "", seen, _blocked, above=BLOCKED_ABOVE, at_least=BLOCKED_MIN, of=BLOCKED_MIN),
        _share("unread_pages", "", seen, _unread, above=UNREAD_ABOVE, at_least=UNREAD_MIN, of=UNREAD_MIN),
        *(_field(seen, page, field) for page in ("page", "card") for field in FIELDS),
        _photos(seen),
    ]
    return [figure for figure in figures if figure]


def judge_lists(lists: Sequence[ListFigure]) -> list[Figure]:
    """Return what the lists that a run read say: each one, and all together."""
    figures = []
    for each in lists:
        if each.usual is None or not each.is_comparable:
            continue
        is_down = each.seen < LIST_BELOW * each.usual and not each.is_believed
        was_down = each.before is not None and each.before < LIST_BELOW * each.usual
        # one visit that is down says nothing yet
        if not is_down or was_down:
            figures.append(
                Figure(
                    kind="fewer_listings",
                    target=each.target,
                    value=each.seen,
                    usual=each.usual,
                    size=each.visits,
                    fires=is_down,
                )
            )
    compared = [each for each in lists if each.is_comparable]
    if len(compared) >= LISTS_MIN:
        seen = sum(each.seen for each in compared)
        usual = sum(each.seen if each.is_believed else each.usual or 0 for each in compared)
        fires = seen < LISTS_BELOW * usual and usual - seen >= LISTS_MISSING_MIN
        figures.append(Figure(kind="fewer_listings", value=seen, usual=usual, size=len(compared), fires=fires))
    return figures


def judge_pause(pause: Pause) -> Figure | None:
    """Return whether nothing new was found for too long."""
    if pause.longest_days is None or pause.days < PAUSE_OF_MIN:
        return None
    too_long = pause.quiet_days > max(PAUSE_MIN_DAYS, PAUSE_TIMES * pause.longest_days)
    return Figure(
        kind="nothing_new",
        target=pause.target,
        value=pause.quiet_days,
        usual=pause.longest_days,
        size=pause.days,
        fires=too_long and pause.looked_days >= PAUSE_LOOKED_MIN,
    )


def _share(kind: Kind, detail: str, seen: Seen, parts: Parts, *, above: float, at_least: int, of: int) -> Figure | None:
    """Return a share that is not to be above a threshold, nor to rest on less than so much.

    All or none of a few say it too: a small watch of a marketplace that is down.
    """
    part, whole = parts(seen.run)
    if whole < at_least or part not in {0, whole}:
        part, whole = _large_enough(seen, parts, of)
    if not whole:
        return None
    share = part / whole
    return Figure(kind=kind, detail=detail, value=share, size=whole, fires=part >= at_least and share > above)


def _field(seen: Seen, page: str, field: str) -> Figure | None:
    """Return the share of listings that have a field, by their own pages or by their cards in lists."""

    def parts(counters: Counters) -> tuple[int, int]:
        return counters.get(f"read/{page}/{field}", 0), counters.get(f"read/{page}", 0)

    part, whole = _large_enough(seen, parts, FIELDS_OF_MIN)
    detail = f"{page}/{field}"
    usual = _usual(seen, "missing_data", detail, parts)
    if not whole or usual is None:
        return None
    share = part / whole
    fires = usual - share > FIELDS_BELOW and usual * whole - part >= FIELDS_MIN
    return Figure(kind="missing_data", detail=detail, value=share, usual=usual, size=whole, fires=fires)


def _photos(seen: Seen) -> Figure | None:
    """Return how many photos a listing has on its own page."""

    def parts(counters: Counters) -> tuple[int, int]:
        return counters.get("read/page/photos", 0), counters.get("read/page", 0)

    photos, listings = _large_enough(seen, parts, PHOTOS_OF_MIN)
    usual = _usual(seen, "missing_data", "photos", parts)
    if not listings or not usual:
        return None
    value = photos / listings
    fires = value < PHOTOS_BELOW * usual
    return Figure(kind="missing_data", detail="photos", value=value, usual=usual, size=listings, fires=fires)


def _large_enough(seen: Seen, parts: Parts, of: int) -> tuple[int, int]:
    """Return part and whole of the run; where that is too small to say, of its day.

    Zeros where that is too small too, and of a run that saw nothing: the others of its day alone say nothing new.
    """
    own = parts(seen.run)
    return next((found for found in (own, parts(seen.day)) if own[1] and found[1] >= of), (0, 0))


def _usual(seen: Seen, kind: Kind, detail: str, parts: Parts) -> float | None:
    """Return the median of earlier days, or what it was when the alarm that stands was raised.

    None where too few days are known.
    """
    if (kind, detail) in seen.usual:
        return seen.usual[kind, detail]
    shares = [part / whole for part, whole in map(parts, seen.earlier) if whole >= FIELDS_OF_MIN]
    return median(shares) if len(shares) >= EARLIER_MIN else None


def _errors_of_pages(counters: Counters) -> tuple[int, int]:
    failed = counters.get("page/failed", 0) + counters.get("listing/failed", 0)
    return failed, _pages(counters, _ASKED) + counters.get("listing/failed", 0)


def _errors_of_photos(counters: Counters) -> tuple[int, int]:
    failed = counters.get("image/failed", 0)
    return failed, failed + counters.get("image/fetched", 0)


def _blocked(counters: Counters) -> tuple[int, int]:
    return counters.get("page/blocked", 0), _pages(counters, _ASKED)


def _unread(counters: Counters) -> tuple[int, int]:
    return _pages(counters, _UNREAD), _pages(counters, (*_SHOWN, *_UNREAD))


def _pages(counters: Counters, kinds: Sequence[str]) -> int:
    return sum(counters.get(f"page/{kind}", 0) for kind in kinds)
