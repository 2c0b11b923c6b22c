"""The record of notices: what was drafted, what went out, and of what that is not known.

A finding is told once. A notice counts as told from before it is handed to the mail server: a kill in between leaves
one of which nobody knows whether it went out, and which a person settles. Functions write within the caller's
transaction.
"""

from dataclasses import dataclass
from datetime import datetime

from theftwatch.db.queries import Connection, execute, fetch, fetch_as
from theftwatch.errors import UsageError
from theftwatch.notices.message import Message
from theftwatch.notices.untold import Affected


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A notice as the record has it; fields as in the query `find_notices`."""

    notice: int
    artisan_id: int
    artisan: str
    state: str
    recipient: str | None
    subject: str
    body: str
    drafted_at: datetime
    sent_at: datetime | None
    sent_by: str | None
    failure: str | None
    opted_out: bool
    findings: int


async def keep_draft(connection: Connection, affected: Affected, message: Message, *, now: datetime) -> int:
    """Write down a draft and return its number; one that says the same keeps its number, others are replaced."""
    await execute(connection, "lock_writes")
    recipient = affected.contact if affected.address else None
    about = sorted((each.finding, each.verdict) for each in affected.findings)
    of = {"findings": [finding for finding, _ in about], "verdicts": [verdict for _, verdict in about]}
    said = {"subject": message.subject, "body": message.text, "now": now}
    same = await fetch(connection, "find_same_draft", artisan=affected.id, recipient=recipient, **of)
    if same:
        await execute(connection, "update_notice", notice=same[0][0], **said)
        return int(same[0][0])
    await execute(connection, "replace_drafts", artisan=affected.id)
    [(notice,)] = await fetch(connection, "insert_notice", artisan=affected.id, recipient=recipient, **of, **said)
    return int(notice)


async def begin_sending(connection: Connection, notice: int, *, message_id: str, now: datetime) -> bool:
    """Take a draft for told; return whether it may be sent, as nothing changed since it was written."""
    await execute(connection, "lock_writes")
    return bool(await fetch(connection, "begin_sending", notice=notice, message_id=message_id, now=now))


async def settle(connection: Connection, notice: int, state: str, failure: str | None = None) -> bool:
    """Note what became of a notice that was being sent: sent, failed, or sending where nobody can tell.

    Return whether it was being sent.
    """
    await execute(connection, "lock_writes")
    return bool(await fetch(connection, "settle_notice", notice=notice, state=state, failure=failure))


async def mark_sent(connection: Connection, notice: int, *, by: str, at: datetime) -> None:
    """Note that a person sent a draft, or knows that a notice went out.

    Raises UsageError for a notice that went out or failed, and where another one told some of it already.
    """
    await execute(connection, "lock_writes")
    if not await fetch(connection, "mark_sent", notice=notice, by=by, at=at):
        known = await find_notice(connection, notice)
        why = f"it is {known.state}" if known.state in ("sent", "failed") else "another notice told some of it"
        raise UsageError(f"notice {notice}: not to be marked as sent, {why}; see `theftwatch notice list --all`")


async def mark_unsent(connection: Connection, notice: int, *, by: str) -> None:
    """Note that a person knows that a notice did not go out, so that the next one tells what it said.

    Raises UsageError for one of which it is known what became of it.
    """
    if not await settle(connection, notice, "failed", f"did not arrive, says {by}"):
        known = await find_notice(connection, notice)
        raise UsageError(f"notice {notice}: it is {known.state}; only one that is sending can be marked as unsent")


async def find_notices(connection: Connection, *, artisan: int | None = None, every: bool = False) -> list[Notice]:
    """Return the notices that need a person, or all."""
    return await fetch_as(connection, Notice, "find_notices", notice=None, artisan=artisan, all=every)


async def find_notice(connection: Connection, notice: int) -> Notice:
    """Return one notice.

    Raises UsageError where there is none of this number.
    """
    found = await fetch_as(connection, Notice, "find_notices", notice=notice, artisan=None, all=True)
    if not found:
        raise UsageError(f"{notice}: no such notice; `theftwatch notice list --all` shows their numbers")
    return found[0]
