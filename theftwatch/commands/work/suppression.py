"""The work of `theftwatch suppression`."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from theftwatch.clock import system_clock
from theftwatch.commands.work.names import person
from theftwatch.commands.work.record import bring_up_to_date, opened
from theftwatch.db.queries import Connection, execute, fetch, fetch_as
from theftwatch.errors import UsageError
from theftwatch.match.suppress import suppress
from theftwatch.reports.words import count, day, one_line, suppression_rule

#: Pairs of a suppression that are named one by one
_PAIRS_SHOWN = 40
_PREFIX_MIN = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """A suppression with what it keeps apart."""

    suppression_id: int
    rule: str
    state: str
    image_sha256: str
    seller: str | None
    document_frequency: int | None
    measured_on: dict[str, Any]
    made_by: str | None
    made_at: datetime
    lifted_at: datetime | None
    undone_at: datetime | None
    undone_by: str | None
    undone_reason: str | None
    matches: int
    findings: int
    originals: int
    vendors: int


async def list_suppressions(*, rule: str | None, every: bool, as_json: bool) -> None:
    """Print suppressions, one a line."""
    async with opened() as connection:
        found = await _find(connection, rule=rule, state=None if every else "active")
        [(pairs, looked_up)] = await fetch(connection, "count_matched")
    if as_json:
        for each in found:
            print(json.dumps(asdict(each), default=str))
        return
    for each in found:
        figure = "" if each.document_frequency is None else f", frequency {each.document_frequency}"
        whose = f" of {one_line(each.seller)}" if each.seller else ""
        print(
            f"{each.suppression_id}  {each.state}  {suppression_rule(each.rule)}{whose}{figure}: "
            f"{count(each.matches, 'pair')} of {count(each.vendors, 'vendor')}  {each.image_sha256[:16]}"
        )
    if not looked_up:
        print("Not looked: no photo has been compared, so no rule had anything to look at.")
    elif not found:
        print(f"No photo is suppressed; {count(pairs, 'pair')} of photos matched.")


async def show_suppression(suppression: int, *, as_json: bool) -> None:
    """Print one suppression and its pairs."""
    async with opened() as connection:
        found = await _find(connection, suppression=suppression)
        if not found:
            raise _unknown(suppression)
        [each] = found
        rows = await fetch(connection, "find_suppressed_pairs", id=suppression, most=_PAIRS_SHOWN)
    names = ("decision", "score", "original_seller", "original", "suspect_seller", "suspect", "suppressed_by")
    pairs = [dict(zip(names, row, strict=True)) for row in rows]
    if as_json:
        print(json.dumps(asdict(each) | {"pairs": pairs}, default=str))
        return
    print(f"{suppression_rule(each.rule).capitalize()}, {each.state}")
    print(f"photo       {each.image_sha256}")
    if each.seller:
        print(f"only at     {one_line(each.seller)}")
    if each.document_frequency is not None:
        print(f"frequency   {each.document_frequency}")
    if each.measured_on:
        print("measured on " + ", ".join(f"{name} {value}" for name, value in each.measured_on.items()))
    print(f"made        {day(each.made_at)}, by {one_line(each.made_by) if each.made_by else 'the rule'}")
    if each.lifted_at:
        print(f"lifted      {day(each.lifted_at)}: the rule no longer holds")
    if each.undone_at:
        why = one_line(each.undone_reason or "")
        print(f"undone      {day(each.undone_at)}, by {one_line(each.undone_by or '')}: {why}")
    verb = "keeps" if each.state == "active" else "would keep"
    print(f"{verb} apart {count(each.matches, 'pair')} in {count(each.findings, 'finding')}:")
    for pair in pairs:
        ends = (f"{one_line(pair[who] or '')} {one_line(pair[what] or '')}".strip() for who, what in _ENDS)
        print(f"  {pair['score']:.2f} {pair['decision']}  " + "  ->  ".join(ends))
    if each.matches > len(pairs):
        print("  and more, in analysis.match")


_ENDS = (("original_seller", "original"), ("suspect_seller", "suspect"))


async def add_suppression(image: str, *, rule: str, by: str | None) -> None:
    """Suppress a photo by a person's word, and print what that keeps apart."""
    who = person(by)
    async with opened() as connection:
        key, sha256, hash_256 = await _find_image(connection, image)
        async with connection.transaction():
            suppression = await suppress(connection, key, rule, by=who, now=system_clock())
        await bring_up_to_date(connection)
        found = await _find(connection, suppression=suppression)
    # none where the photo is an opted-out artisan's alone
    matches = found[0].matches if found else 0
    print(f"{suppression}: {suppression_rule(rule)}; it keeps {count(matches, 'pair')} apart.")
    if rule == "placeholder":
        print("To make it known to every installation, add this line to theftwatch/match/placeholders.tsv:")
        print(f"{sha256.hex()}\t{hash_256 or ''}\tseen on …")


async def undo_suppression(suppression: int, *, reason: str, by: str | None) -> None:
    """Undo a suppression, and print what counts again."""
    who = person(by)
    if not reason.strip():
        raise UsageError("--reason is empty; say why, for whoever meets the photo again")
    async with opened() as connection:
        found = await _find(connection, suppression=suppression)
        if not found:
            raise _unknown(suppression)
        async with connection.transaction():
            await execute(connection, "lock_writes")
            rows = await fetch(
                connection, "undo_suppression", id=suppression, by=who, reason=reason.strip(), now=system_clock()
            )
            images = [image for (image,) in rows]
            await execute(connection, "insert_due_near", images=images)
        if not images:
            raise UsageError(f"suppression {suppression} is undone already; `theftwatch suppression show` says by whom")
        await bring_up_to_date(connection)
    print(f"{suppression} is undone: {count(found[0].matches, 'pair')} count again, unless another rule holds.")


async def _find(
    connection: Connection, *, rule: str | None = None, state: str | None = None, suppression: int | None = None
) -> list[Suppression]:
    return await fetch_as(
        connection, Suppression, "find_suppressions", rule=rule, state=state, image=None, id=suppression
    )


async def _find_image(connection: Connection, image: str) -> tuple[int, bytes, str | None]:
    name = image.strip()
    if name.startswith(("http://", "https://")):
        rows = await fetch(connection, "find_image_by_url", url=name)
    elif len(name) >= _PREFIX_MIN and not set(name.lower()) - set("0123456789abcdef"):
        rows = await fetch(connection, "find_image", prefix=name.lower())
    else:
        raise UsageError(f"{name}: give the SHA-256 of a photo, {_PREFIX_MIN} letters of it at least, or its address")
    if not rows:
        raise UsageError(f"{name}: no such photo in the record; `theftwatch report --html` shows digests and addresses")
    if len(rows) > 1:
        raise UsageError(f"{name}: several photos go by this; give more of the SHA-256")
    return rows[0][0], rows[0][1], rows[0][2]


def _unknown(suppression: int) -> UsageError:
    return UsageError(f"{suppression}: no such suppression; `theftwatch suppression list --all` shows their numbers")
