"""Alarms in words: what is wrong, and what to do."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from theftwatch.alarms.record import Alarm
from theftwatch.reports.words import count, marketplace_name, moment, one_line

#: Targets with the same alarm that are named one by one
_TARGETS_NAMED = 3

_FIELDS = {"title": "a title", "price": "a price", "seller": "a seller", "images": "a photo"}
_PAGES = {"page": "listing read in full", "card": "card in lists"}


def grouped(alarms: Iterable[Alarm]) -> Iterator[list[Alarm]]:
    """Yield alarms that are told as one: those of many targets of a marketplace with the same trouble."""

    def alike(alarm: Alarm) -> tuple[str, str, bool]:
        return alarm.spider, alarm.kind, alarm.target_id is not None

    for (_, _, is_of_target), same in groupby(sorted(alarms, key=alike), key=alike):
        group = list(same)
        if is_of_target and len(group) > _TARGETS_NAMED:
            yield group
        else:
            yield from ([alarm] for alarm in group)


def what_of_group(group: list[Alarm]) -> str:
    """Return what is wrong with alarms that are told as one, and since when."""
    if len(group) == 1:
        [alarm] = group
        since = f" (since {moment(alarm.first_seen_at)}, {count(alarm.times, 'run')})" if alarm.times > 1 else ""
        return what_of(alarm) + since
    first, *_ = group
    named = "; ".join(f"{alarm.target_kind}={alarm.target_ref}: {_measured(alarm)}" for alarm in group[:_TARGETS_NAMED])
    targets = count(len(group), "target")
    return f"{marketplace_name(first.spider)}: {targets} with the same alarm, such as {named}"


def remedy_of_group(group: list[Alarm]) -> str:
    """Return what to do about alarms that are told as one."""
    return remedy_of(group[0]) if len(group) == 1 else "`theftwatch alarm list` names each with its remedy"


def subject_of(alarm: Alarm) -> str:
    """Return what an alarm is about."""
    name = marketplace_name(alarm.spider)
    if alarm.target_id is not None:
        return one_line(f"{name} {alarm.target_kind}={alarm.target_ref}")
    if alarm.arguments is not None:
        return one_line(f"{name} {' '.join(f'{key}={value}' for key, value in sorted(alarm.arguments.items()))}")
    return name


def what_of(alarm: Alarm) -> str:
    """Return what is wrong."""
    return f"{subject_of(alarm)}: {_measured(alarm)}"


def remedy_of(alarm: Alarm) -> str:
    """Return what to do."""
    match alarm.kind:
        case "errors" if alarm.detail == "photos":
            return f"the log of run {alarm.run_id} says why; a host that is down comes back, a network has to be mended"
        case "errors":
            return (
                f"analysis.page_trouble says why (run_id {alarm.run_id}, failed); a host that is down comes back, "
                "a network has to be mended"
            )
        case "blocked":
            return "wait, and crawl more slowly (THEFTWATCH_DELAY_S), or send the pages with `theftwatch receive`"
        case "unread_pages":
            return f"mend the page module; the pages are kept, see analysis.page_trouble (run_id {alarm.run_id})"
        case "missing_data":
            return "look at a listing in a browser; where it has them, mend the page module"
        case "fewer_listings":
            return (
                "look in a browser; where there are more, mend the page module, "
                f"else `theftwatch alarm acknowledge {alarm.alarm_id}`"
            )
        case "nothing_new":
            return (
                "look in a browser; where there are new ones, mend the page module, "
                f"else `theftwatch alarm acknowledge {alarm.alarm_id}`"
            )
        case "hanging":
            job = f"job {alarm.jobid} of scrapyd" if alarm.jobid else "its process"
            return f"end {job} on {alarm.host}; what was under way comes again with the next run"


def _measured(alarm: Alarm) -> str:
    part, value, usual = round(alarm.value * alarm.size), alarm.value, alarm.usual or 0
    match alarm.kind:
        case "errors":
            return f"{part:,} of {count(alarm.size, alarm.detail.removesuffix('s'))} could not be had ({value:.0%})"
        case "blocked":
            ended = ", and the run ended with that" if alarm.finish_reason == "blocked" else ""
            return f"{part:,} of {count(alarm.size, 'page')} were refused ({value:.0%}){ended}"
        case "unread_pages":
            return f"{part:,} of {count(alarm.size, 'page')} were not understood ({value:.0%})"
        case "missing_data" if alarm.detail == "photos":
            return f"{value:.1f} photos a listing, where {usual:.1f} are usual ({count(alarm.size, 'listing')} read)"
        case "missing_data":
            page, _, field = alarm.detail.partition("/")
            of = count(alarm.size, _PAGES[page], f"{_PAGES[page].replace(' ', 's ', 1)}")
            return f"{value:.0%} of {of} have {_FIELDS[field]}, where {usual:.0%} is usual"
        case "fewer_listings":
            on = "" if alarm.target_id is not None else f" on {count(alarm.size, 'list')}"
            return f"{count(round(value), 'listing')}{on}, where {usual:,.0f} are usual"
        case "nothing_new":
            return f"no new listing for {count(round(value), 'day')}, where {usual:.0f} is the longest pause"
        case "hanging":
            return (
                f"run {alarm.run_id} on {alarm.host} is alive and has done nothing for {count(round(value), 'minute')}"
            )
