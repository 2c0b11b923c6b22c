"""The work of `theftwatch artisan`."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from theftwatch.clock import system_clock
from theftwatch.commands.work.names import find_or_make_artisan, person
from theftwatch.commands.work.record import bring_up_to_date, opened
from theftwatch.db.queries import execute, fetch, fetch_as
from theftwatch.errors import UsageError
from theftwatch.notices import contact as contacts
from theftwatch.notices.smtp import mail_address
from theftwatch.reports.words import count, day, one_line


@dataclass(frozen=True, kw_only=True, slots=True)
class _Artisan:
    """An artisan; fields as in the query `find_artisans_told`."""

    artisan_id: int
    name: str
    contact: str | None
    contact_entered_by: str | None
    contact_entered_at: datetime | None
    opted_out_at: datetime | None
    opted_out_by: str | None
    shops: list[str]
    files: int
    findings_told: int
    findings_untold: int


async def list_artisans(*, as_json: bool) -> None:
    """Print artisans, one a line."""
    async with opened() as connection:
        found = await fetch_as(connection, _Artisan, "find_artisans_told")
    for each in found:
        print(json.dumps(asdict(each), default=str) if as_json else _line(each))
    if not found and not as_json:
        print("No artisan is known: `theftwatch originals add` takes in the photos of one.")


async def enter_contact(artisan: str, address: str, *, by: str | None) -> None:
    """Enter how an artisan is reached."""
    who = person(by)
    async with opened() as connection, connection.transaction():
        await execute(connection, "lock_writes")
        key, name = await find_or_make_artisan(connection, artisan)
        contact = await contacts.enter_contact(connection, key, address, by=who, now=system_clock())
    if contact is None:
        print(f"{one_line(name)} has no contact any more; notices are texts for a message form.")
    else:
        how = (
            "notices may go there by mail"
            if mail_address(contact)
            else "no mail address, so notices are texts for a message form"
        )
        print(f"{one_line(name)}: {contact}; {how}.")


async def opt_out(artisan: str, *, undo: bool, by: str | None) -> None:
    """Enter that an artisan wants to be left alone, or no longer."""
    who = person(by)
    async with opened() as connection:
        async with connection.transaction():
            await execute(connection, "lock_writes")
            key, name = await find_or_make_artisan(connection, artisan)
            at, entered_by = (None, None) if undo else (system_clock(), who)
            if not await fetch(connection, "opt_out", artisan=key, at=at, by=entered_by):
                # and a shop gets no artisan by that
                raise UsageError(f"{one_line(name)}: {'had not opted out' if undo else 'opted out already'}")
        await bring_up_to_date(connection)
    print(f"{one_line(name)} {'takes part again' if undo else 'is left alone from now on'}.")


def _line(each: _Artisan) -> str:
    facts = [count(each.findings_told, "finding") + " told"]
    facts += [f"{each.findings_untold} to be told"] if each.findings_untold else []
    facts += [f"opted out {day(each.opted_out_at)}"] if each.opted_out_at else []
    contact = one_line(each.contact) if each.contact else "no contact"
    shops = ", ".join(one_line(shop) for shop in each.shops) or "no shop"
    return f"{one_line(each.name)}  {contact}; {shops}; {count(each.files, 'file')}; {', '.join(facts)}"
