"""Verdicts: what a person says of a finding, kept for good.

Rows are only added, an undoing too, and the last that is not undone stands. A verdict names the pairs of photos that it
judged, each with the program's decision of that time: so a pair that joins later is known to be new, and one that a
later version of the algorithm drops is known to have been there.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Literal

from theftwatch.db.queries import Connection, columns, execute, fetch, fetch_as
from theftwatch.errors import ConflictError, UsageError
from theftwatch.match.queue import queue
from theftwatch.match.relation import artisan_of, relate
from theftwatch.match.suppress import suppress

Verdict = Literal["confirmed", "rejected", "unsure"]
Reason = Literal["look_alike", "stock_photo", "own_shop", "licensed", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a person saw of a finding before judging it."""

    finding: int
    #: The verdict that stood; None where none did
    verdict: int | None = None
    #: The program's decisions on the pairs shown, by their ids; None for all that count by now
    decisions: frozenset[int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """A verdict that was written."""

    finding: int
    verdict: int
    #: Pairs of photos that it judged
    pairs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """What stands on a finding; fields as in the query `find_verdict_state`."""

    finding: int
    verdict_id: int | None
    verdict: str | None
    reason: str | None
    judged_by: str | None
    judged_at: datetime | None
    counting: list[int]
    judged: list[int]
    dropped: list[int]


async def give_verdict(
    connection: Connection,
    seen: Sequence[Seen],
    verdict: Verdict,
    *,
    by: str,
    now: datetime,
    reason: Reason | None = None,
    note: str | None = None,
) -> list[Given]:
    """Judge findings, all of them or none, in the caller's transaction; what follows is worked out by `update_context`.

    Raises UsageError for a finding that is not there, that has no pair to be judged, or a rejection without its reason;
    ConflictError where another verdict stands than the one seen.
    """
    if (verdict == "rejected") != (reason is not None):
        raise UsageError(f"{verdict}: a rejection takes a reason, and no other verdict does; give it with the verdict")
    if reason == "other" and not note:
        raise UsageError("other: say in words why it is rejected, for whoever meets the finding again")
    states = await _states(connection, [each.finding for each in seen])
    pairs = [(each.finding, decision) for each in seen for decision in _to_judge(each, states[each.finding], verdict)]
    rows = await fetch(
        connection,
        "insert_verdicts",
        findings=list(states),
        verdict=verdict,
        reason=reason,
        note=note,
        by=by,
        now=now,
        **columns(({"of_findings": finding, "decisions": decision} for finding, decision in pairs)),
    )
    changed = [row for _, row in rows]
    changed += [state.verdict_id for state in states.values() if state.verdict_id and state.reason == "look_alike"]
    look_alikes = reason == "look_alike" or len(changed) > len(rows)
    await _requeue(connection, list(states), changed if look_alikes else ())
    given = dict(rows)
    judged = Counter(finding for finding, _ in pairs)
    return [Given(finding=each.finding, verdict=given[each.finding], pairs=judged[each.finding]) for each in seen]


async def undo_verdict(
    connection: Connection, seen: Seen, *, by: str, now: datetime, note: str | None = None
) -> tuple[str, str | None]:
    """Take back the verdict that stands on a finding; return what it was, and who had given it.

    What stood before it stands again. Suppressions and relations made with it stay, as they are undone by themselves.
    Raises UsageError where none stands, ConflictError where it is not the one seen; without one seen it may be any.
    """
    state = (await _states(connection, [seen.finding]))[seen.finding]
    if state.verdict_id is None or state.verdict is None:
        raise UsageError(
            f"finding {seen.finding}: no verdict stands; `theftwatch finding show` tells what was said of it"
        )
    if seen.verdict not in (None, state.verdict_id):
        raise _conflict(state)
    await fetch(connection, "undo_verdict", id=state.verdict_id, by=by, note=note, now=now)
    again = (await _states(connection, [seen.finding]))[seen.finding]
    look_alikes = [each.verdict_id for each in (state, again) if each.verdict_id and each.reason == "look_alike"]
    await _requeue(connection, [seen.finding], look_alikes)
    return state.verdict, state.judged_by


async def suppress_judged(
    connection: Connection, verdicts: Sequence[int], rule: str, *, by: str, now: datetime
) -> list[int]:
    """Suppress the photos that verdicts judged, and return the suppressions.

    The originals' photos, whoever shows them; of a banner the vendor's, with that vendor alone.
    """
    rows = await fetch(connection, "find_judged_photos", verdicts=list(verdicts))
    banner = rule == "banner"
    photos = {(suspect, vendor) if banner else (original, None) for _, original, suspect, _, _, vendor in rows}
    return [
        await suppress(connection, image, rule, seller=seller, by=by, now=now)
        for image, seller in sorted(photos, key=lambda photo: (photo[0], photo[1] or 0))
    ]


async def relate_judged(
    connection: Connection, verdicts: Sequence[int], kind: str, *, by: str, now: datetime
) -> list[int]:
    """Enter that the vendors of the findings judged may show the artisans' photos, and return the relations.

    Raises UsageError for a finding whose vendor is not known.
    """
    rows = await fetch(connection, "find_judged_photos", verdicts=list(verdicts))
    made = []
    for finding, artisan, seller, vendor in sorted({(row[0], *row[3:]) for row in rows}, key=itemgetter(0)):
        if vendor is None:
            raise UsageError(f"finding {finding}: its vendor is not known yet; judge it without `--relation`")
        owner = artisan if artisan is not None else (await artisan_of(connection, seller))[0]
        note = f"with the verdict on finding {finding}"
        made.append(await relate(connection, owner, vendor, kind, note=note, by=by, now=now))
    return sorted(set(made))


async def _states(connection: Connection, findings: Sequence[int]) -> dict[int, _State]:
    """Return what stands on findings; nobody else judges until the transaction ends."""
    await execute(connection, "lock_writes")
    rows = await fetch_as(connection, _State, "find_verdict_state", findings=list(findings))
    states = {row.finding: row for row in rows}
    if missing := [finding for finding in findings if finding not in states]:
        raise UsageError(f"{missing[0]}: no such finding; `theftwatch finding list --all` shows their numbers")
    return states


async def _requeue(connection: Connection, findings: Sequence[int], look_alikes: Sequence[int]) -> None:
    """Put findings in their place in the queue, with all those that verdicts on look-alikes concern."""
    concerned = set(findings)
    if look_alikes:
        concerned.update(
            finding for (finding,) in await fetch(connection, "insert_due_judged", verdicts=list(look_alikes))
        )
    await queue(connection, sorted(concerned))


def _to_judge(seen: Seen, state: _State, verdict: Verdict) -> list[int]:
    """Return the decisions that a verdict judges.

    Those that count, and with a change of mind those that do not because of what was said before. A copy that is
    confirmed again although no search finds it any more stays confirmed by a person's word.
    """
    if state.verdict_id != seen.verdict:
        raise _conflict(state)
    known = set(state.counting)
    if state.verdict == "confirmed":
        known.update(state.dropped if verdict == "confirmed" else state.judged)
    elif state.reason == "look_alike":
        known.update(state.judged)
    if not known:
        raise UsageError(
            f"finding {seen.finding}: none of its photos counts, so there is nothing to judge; "
            f"`theftwatch finding show {seen.finding}` says what suppresses them"
        )
    judged = known if seen.decisions is None else known.intersection(seen.decisions)
    if not judged:
        raise ConflictError(f"finding {seen.finding}: its photos were compared anew meanwhile; look at it again")
    return sorted(judged)


def _conflict(state: _State) -> ConflictError:
    if state.judged_at is None:
        stands = "its verdict was undone meanwhile"
        again = "look at it again, and judge it as one without a verdict"
    else:
        stands = f"{state.judged_by} judged it {state.verdict} on {state.judged_at:%Y-%m-%d %H:%M} UTC"
        again = f"look at it again, and give `--after {state.verdict_id}` to judge it all the same"
    return ConflictError(f"finding {state.finding}: {stands}; {again}")
