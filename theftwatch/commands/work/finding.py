"""The work of `theftwatch finding`."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from theftwatch.clock import system_clock
from theftwatch.commands.work.names import person
from theftwatch.commands.work.record import bring_up_to_date, opened
from theftwatch.db.queries import fetch_as
from theftwatch.errors import UsageError
from theftwatch.match.verdict import (
    Reason,
    Seen,
    Verdict,
    give_verdict,
    relate_judged,
    suppress_judged,
    undo_verdict,
)
from theftwatch.reports.findings import LOOKS, Finding, FindingPair, Said, find_findings, find_queued
from theftwatch.reports.words import (
    count,
    done_to_the_photo,
    marketplace_name,
    moment,
    one_line,
    rejection,
    relation_kind,
    suppression_rule,
)


async def list_findings(
    *, verdict: str | None, every: bool, artisan: str | None, vendor: str | None, limit: int, as_json: bool
) -> None:
    """Print findings, one a line: those that need a look, or those with a verdict, or all."""
    async with opened() as connection:
        await bring_up_to_date(connection)  # a crawl that was killed may have left something
        queued = await find_queued(
            connection, verdict="any" if every else verdict, artisan=artisan, vendor=vendor, most=limit
        )
        found = await find_findings(connection, queued)
    for each in found:
        print(json.dumps(asdict(each), default=str) if as_json else _line(each))
    if not found and not as_json:
        print("No such finding." if every or verdict else "No finding needs a look.")


async def show_finding(finding: int, *, as_json: bool) -> None:
    """Print one finding, its pairs and its verdicts."""
    async with opened() as connection:
        found = await find_findings(connection, [finding])
        if not found:
            raise UsageError(f"{finding}: no such finding; `theftwatch finding list --all` shows their numbers")
        pairs = await fetch_as(connection, FindingPair, "find_finding_pairs", finding=finding)
        said = await fetch_as(connection, Said, "find_verdicts", finding=finding)
    [each] = found
    if as_json:
        lists = {"pairs": [asdict(pair) for pair in pairs], "verdicts": [asdict(row) for row in said]}
        print(json.dumps(asdict(each) | lists, default=str))
        return
    print("\n".join([*_facts(each), *(_pair_line(pair) for pair in pairs), *(_said_line(row) for row in said)]))


async def judge(
    findings: Sequence[int],
    verdict: Verdict,
    *,
    by: str | None,
    after: int | None,
    note: str | None,
    reason: Reason | None = None,
    suppress: str | None = None,
    relation: str | None = None,
) -> None:
    """Judge findings, all or none, and print what was judged and what follows."""
    who, now = person(by), system_clock()
    if after is not None and len(findings) > 1:
        raise UsageError("--after names the verdict on one finding; judge the others by themselves")
    seen = [Seen(finding=finding, verdict=after) for finding in dict.fromkeys(findings)]
    note = (note or "").strip() or None
    async with opened() as connection:
        async with connection.transaction():
            given = await give_verdict(connection, seen, verdict, by=who, now=now, reason=reason, note=note)
            verdicts = [each.verdict for each in given]
            suppressions = await suppress_judged(connection, verdicts, suppress, by=who, now=now) if suppress else []
            relations = await relate_judged(connection, verdicts, relation, by=who, now=now) if relation else []
        await bring_up_to_date(connection)
    why = f", {rejection(reason)}" if reason else ""
    for each in given:
        print(f"{each.finding}: {verdict}{why}, {count(each.pairs, 'pair')} of photos.")
    for made, name in ((suppressions, "suppression"), (relations, "relation")):
        if made:
            print(f"With it: {name} {', '.join(map(str, made))}; `theftwatch {name} list` shows what it covers.")


async def undo(finding: int, *, note: str | None, by: str | None) -> None:
    """Take back the verdict that stands on a finding, and print what stands now."""
    who = person(by)
    async with opened() as connection:
        async with connection.transaction():
            verdict, judged_by = await undo_verdict(
                connection, Seen(finding=finding), by=who, now=system_clock(), note=(note or "").strip() or None
            )
        await bring_up_to_date(connection)
        found = await find_findings(connection, [finding])
    stands = found[0].verdict if found else None
    print(
        f"{finding}: {verdict}, by {one_line(judged_by or '')}, is undone; "
        f"{f'{stands} stands again' if stands else 'no verdict stands'}."
    )
    if verdict == "rejected":
        print("A suppression or relation made with it stays, and is undone by itself.")


def _line(each: Finding) -> str:
    score = "    " if each.best_score is None else f"{each.best_score:.2f}"
    whose = each.artisan or each.original_seller or "an artisan not named"
    vendor = each.suspect_seller or "vendor not known"
    return (
        f"{each.finding_id}  {score}  {_state(each)}: {one_line(whose)}, "
        f"{one_line(each.original or each.original_title or '')} -> {one_line(vendor)} "
        f"({marketplace_name(each.suspect_marketplace)}), {one_line(each.suspect_url)}"
    )


def _state(each: Finding) -> str:
    said = f"{each.verdict} by {one_line(each.judged_by or '')}" if each.verdict else "not judged"
    because = each.needs_look_because
    if because in (None, "not judged"):
        new = f", {count(each.new_pairs, 'new pair')} since" if each.new_pairs and each.verdict == "confirmed" else ""
        return said + new
    return f"{said}, needs a look: {LOOKS[because]}"


def _facts(each: Finding) -> list[str]:
    whose = " of ".join(one_line(text) for text in (each.original_seller, each.artisan) if text)
    lines = [
        f"finding {each.finding_id}: {_state(each)}",
        f"original  {whose or 'not named'}: {one_line(each.original_title or '')} {one_line(each.original or '')}",
        f"suspect   {one_line(each.suspect_seller or 'vendor not known')} "
        f"({marketplace_name(each.suspect_marketplace)}), {each.suspect_state}: "
        f"{one_line(each.suspect_title or '')} {one_line(each.suspect_url)}",
    ]
    if each.direction is None:
        lines.append("dates     not looked at")
    elif each.margin_days is None:
        lines.append(f"dates     undecided; would settle it: {one_line(each.missing_proof or '')}")
    else:
        first = each.direction.replace("_", " ")
        lines.append(
            f"dates     on known evidence {first}, by {count(each.margin_days, 'day')}; "
            f"weakest link: {one_line(each.weakest_link or '')}"
        )
    if each.pixel_reasons:
        lines.append(f"pixels    likelier source {each.likelier_source}: {'; '.join(each.pixel_reasons)}")
    if each.dates_and_pixels_agree is False:
        lines.append("          dates and pixels disagree")
    if each.relation:
        lines.append(f"relation  {relation_kind(each.relation)}")
    if not each.proposable:
        lines.append(f"no case   {each.not_proposable_because}")
    return lines


def _pair_line(pair: FindingPair) -> str:
    apart = [suppression_rule(rule) for rule in pair.suppressed_by or ()]
    judged = f"  {pair.verdict}" if pair.verdict else "  not judged"
    return (
        f"  {pair.score:.2f} {pair.decision}{'' if apart else judged}  {done_to_the_photo(pair.method, pair.transform)}"
        f"{'; does not count: ' + ', '.join(apart) if apart else ''}: "
        f"{one_line(pair.original_image_url or 'a file')} -> {one_line(pair.suspect_image_url)}"
        f"{'' if pair.suspect_shown else ', no longer shown'}"
    )


def _said_line(row: Said) -> str:
    what = f"takes back {row.undoes_verdict_id}" if row.undoes_verdict_id else row.verdict
    why = f", {rejection(row.reason)}" if row.reason else ""
    stands = ", stands" if row.stands else ""
    note = f": {one_line(row.note)}" if row.note else ""
    return f"verdict {row.verdict_id}  {moment(row.judged_at)}  {one_line(row.judged_by)}  {what}{why}{stands}{note}"
