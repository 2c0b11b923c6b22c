"""The work of `theftwatch notify` and `theftwatch notice`."""

import asyncio
import json
import sys
from dataclasses import asdict
from email.headerregistry import Address
from email.utils import make_msgid
from pathlib import Path

from theftwatch.clock import system_clock
from theftwatch.commands.work.names import find_artisan, find_or_make_artisan, person
from theftwatch.commands.work.record import bring_up_to_date, opened
from theftwatch.config import settings
from theftwatch.db.queries import Connection, fetch
from theftwatch.errors import DeliveryError, UsageError
from theftwatch.files import replacing
from theftwatch.image_store import open_files
from theftwatch.jobs.look import look
from theftwatch.notices import log
from theftwatch.notices.digest import find_digest, send_digest
from theftwatch.notices.log import Notice, find_notice, find_notices
from theftwatch.notices.message import Message, as_mail, compose, draft_files, draft_name
from theftwatch.notices.smtp import MailServer, mail_server_of, send
from theftwatch.notices.untold import Affected, find_affected
from theftwatch.reports.words import count, marketplace_name, moment, one_line


async def notify(artisan: str | None, *, folder: Path, by_mail: bool) -> None:
    """Draft a notice to each artisan who was not told, and with `by_mail` send those that can go by mail.

    Raises DeliveryError where one did not go out, or is not known to have, once all have been tried.
    """
    own = settings()
    server = mail_server_of(own) if by_mail else None
    failures: list[str] = []
    async with opened() as connection:
        await bring_up_to_date(connection)  # a relation may have begun or run out since
        files = await open_files(connection, own)
        async with connection.transaction():
            only = (await find_or_make_artisan(connection, artisan))[0] if artisan else None
            affected = await find_affected(connection, only)
        for each in affected:
            now = system_clock()
            message = await compose(connection, each, files, settings=own, now=now)
            async with connection.transaction():
                notice = await log.keep_draft(connection, each, message, now=now)
            about = f"{notice}  {one_line(each.name)}: {count(each.listings, 'listing')}"
            if server and (address := each.address):
                failure = await _send(connection, server, notice, message, address)
                failures += [failure] if failure else []
                print(f"{about}, {failure or f'sent to {address.addr_spec}'}")
            else:
                path = await asyncio.to_thread(_write_draft, folder, notice, each, message)
                print(f"{about}, {path}: {_next_step(notice, each)}")
        if not affected:
            [(confirmed,)] = await fetch(connection, "count_confirmed")
            print(f"Nobody is to be told anything: {_nothing_to_tell(confirmed)}.")
    if failures:
        raise DeliveryError(f"{count(len(failures), 'notice')} of {len(affected)} did not go out: {failures[0]}")


async def tell_operator() -> None:
    """Send the operator's digest, or print it where no address is set; nothing where there is nothing to tell."""
    own = settings()
    nodes = await asyncio.to_thread(look, own)
    async with opened() as connection:
        now = system_clock()
        digest = await find_digest(connection, settings=own, now=now, nodes=nodes)
        if digest.is_empty:
            print(f"Nothing to tell{f' since {moment(digest.since)}' if digest.since else ''}.")
        elif own.operator_url is None:
            print(f"{digest.subject}\n\n{digest.body}")
            print("THEFTWATCH_OPERATOR_URL is not set, so this was printed and not sent", file=sys.stderr)
        else:
            await send_digest(connection, digest, settings=own, now=now)
            print(f"Sent: {digest.subject}")


async def list_notices(artisan: str | None, *, every: bool, as_json: bool) -> None:
    """Print notices, one a line."""
    async with opened() as connection:
        only = (await find_artisan(connection, artisan))[0] if artisan else None
        found = await find_notices(connection, artisan=only, every=every)
    for each in found:
        print(json.dumps(asdict(each), default=str) if as_json else _line(each))
    if not found and not as_json:
        print("No notice was written." if every else "No notice needs a person.")


async def show_notice(notice: int) -> None:
    """Print one notice with its text."""
    async with opened() as connection:
        each = await find_notice(connection, notice)
    print(_line(each))
    print(f"Subject: {each.subject}\n\n{each.body}", end="")


async def enter_sent(notice: int, *, by: str | None) -> None:
    """Enter that a notice was sent."""
    async with opened() as connection, connection.transaction():
        await log.mark_sent(connection, notice, by=person(by), at=system_clock())
    print(f"Notice {notice} is sent; what it tells is not told again.")


async def enter_unsent(notice: int, *, by: str | None) -> None:
    """Enter that a notice did not arrive."""
    async with opened() as connection, connection.transaction():
        await log.mark_unsent(connection, notice, by=person(by))
    print(f"Notice {notice} did not arrive; the next `theftwatch notify` tells what it said.")


async def _send(
    connection: Connection, server: MailServer, notice: int, message: Message, recipient: Address
) -> str | None:
    """Send a notice, and return why it did not go out, or is not known to have."""
    now, message_id = system_clock(), make_msgid(domain=server.sender.domain)
    async with connection.transaction():
        if not await log.begin_sending(connection, notice, message_id=message_id, now=now):
            return "not sent, as something changed since it was written; run it again"
    mail = as_mail(message, sender=server.sender, recipient=recipient, now=now, message_id=message_id)
    state, failure = "sent", None
    try:
        await asyncio.to_thread(send, server, mail, recipient)
    except DeliveryError as exc:
        state, failure = "sending" if exc.may_have_gone else "failed", str(exc)
    async with connection.transaction():
        await log.settle(connection, notice, state, failure)
    if state == "sending":
        return f"unsure: {failure}; ask the artisan, then `theftwatch notice sent {notice}` or `unsent {notice}`"
    return failure


def _write_draft(folder: Path, notice: int, affected: Affected, message: Message) -> Path:
    """Write a draft into a folder of its own: the text, its pictures, and a mail where there is an address."""
    path = folder / draft_name(notice, affected)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror}; name a folder that can be written with --out") from exc
    files = draft_files(message, affected, settings=settings(), now=system_clock())
    for name, data in files.items():
        with replacing(path / name) as file:
            file.write(data)
    return path


def _nothing_to_tell(confirmed: int) -> str:
    if not confirmed:
        return "no finding is confirmed; `theftwatch finding list` shows those that wait to be judged"
    return (
        f"of {count(confirmed, 'confirmed finding')} each was told, or is not to be, as docs/notices.md says; "
        "`theftwatch notice list` shows notices that may not have gone out"
    )


def _next_step(notice: int, affected: Affected) -> str:
    if affected.address:
        return f"read it, send notice.eml, then `theftwatch notice sent {notice}`; or `theftwatch notify --send`"
    shops = ", ".join(f"{one_line(shop)} on {marketplace_name(marketplace)}" for marketplace, shop in affected.shops)
    where = f"the message form of {shops}" if shops else "whatever way reaches the artisan"
    return f"read it, paste notice.txt into {where}, then `theftwatch notice sent {notice}`"


def _line(each: Notice) -> str:
    when = each.sent_at or each.drafted_at
    state = "unsure, may have gone out" if each.state == "sending" else each.state
    by = f" by {one_line(each.sent_by)}" if each.sent_by else ""
    to = one_line(each.recipient) if each.recipient else "by a message form"
    why = f"; {one_line(each.failure)}" if each.failure else ""
    return (
        f"{each.notice}  {state}{by} {moment(when)}  {one_line(each.artisan)}"
        f"{' (opted out)' if each.opted_out else ''}, {to}: {count(each.findings, 'finding')}{why}"
    )
