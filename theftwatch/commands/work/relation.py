"""The work of `theftwatch relation`."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from theftwatch.clock import system_clock
from theftwatch.commands.work.names import find_or_make_artisan, find_vendor, person
from theftwatch.commands.work.record import bring_up_to_date, opened
from theftwatch.db.queries import Connection, execute, fetch, fetch_as
from theftwatch.errors import UsageError
from theftwatch.reports.words import count, day, marketplace_name, one_line, relation_kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """A relation with what it covers."""

    relation_id: int
    artisan: str
    marketplace: str
    seller_ref: str
    seller: str | None
    kind: str
    active: bool
    original_url: str | None
    original_file_name: str | None
    starts_at: datetime | None
    expires_at: datetime | None
    note: str | None
    made_by: str
    made_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    findings: int


async def add_relation(
    artisan: str,
    vendor: str,
    *,
    kind: str,
    original: str | None,
    starts: datetime | None,
    expires: datetime | None,
    note: str | None,
    by: str | None,
) -> None:
    """Enter a relation, and print what it covers."""
    who = person(by)
    starts_at = starts.replace(tzinfo=UTC) if starts else None
    expires_at = expires.replace(tzinfo=UTC) if expires else None
    if starts_at and expires_at and expires_at <= starts_at:
        raise UsageError(f"--expires {day(expires_at)} is not after --starts {day(starts_at)}; give a later day")
    async with opened() as connection:
        async with connection.transaction():
            await execute(connection, "lock_writes")
            artisan_id, name = await find_or_make_artisan(connection, artisan)
            seller, seller_name = await find_vendor(connection, vendor)
            listing, file = await _find_original(connection, artisan_id, original) if original else (None, None)
            [(relation,)] = await fetch(
                connection,
                "insert_relation",
                artisan=artisan_id,
                seller=seller,
                kind=kind,
                original_listing=listing,
                original_file=file,
                starts_at=starts_at,
                expires_at=expires_at,
                note=note,
                by=who,
                now=system_clock(),
            )
        await bring_up_to_date(connection)
        found = await fetch_as(connection, Relation, "find_relations", all=True)
    findings = next((each.findings for each in found if each.relation_id == relation), 0)
    print(
        f"{relation}: {relation_kind(kind)}, {one_line(name)} and {one_line(seller_name)}; "
        f"{count(findings, 'finding')} with that vendor will not be proposed."
    )


async def list_relations(*, every: bool, as_json: bool) -> None:
    """Print relations, one a line, as of now."""
    async with opened() as connection:
        await bring_up_to_date(connection)  # one may have run out since
        found = await fetch_as(connection, Relation, "find_relations", all=every)
    for each in found:
        if as_json:
            print(json.dumps(asdict(each), default=str))
            continue
        span = [f"from {day(each.starts_at)}"] if each.starts_at else []
        span += [f"until {day(each.expires_at)}"] if each.expires_at else []
        span += [f"ended {day(each.ended_at)} by {one_line(each.ended_by or '')}"] if each.ended_at else []
        scope = each.original_url or each.original_file_name
        print(
            f"{each.relation_id}  {'holds' if each.active else 'does not hold'}  {relation_kind(each.kind)}: "
            f"{one_line(each.artisan)} and {one_line(each.seller or each.seller_ref)} "
            f"({marketplace_name(each.marketplace)})"
            f"{', for ' + one_line(scope) if scope else ''}{''.join(', ' + part for part in span)}: "
            f"{count(each.findings, 'finding')}{'; ' + one_line(each.note) if each.note else ''}"
        )
    if not found and not as_json:
        print("No relation holds." if not every else "No relation was entered.")


async def end_relation(relation: int, *, by: str | None) -> None:
    """End a relation."""
    who = person(by)
    async with opened() as connection:
        async with connection.transaction():
            await execute(connection, "lock_writes")
            ended = await fetch(connection, "end_relation", id=relation, by=who, now=system_clock())
        if not ended:
            raise UsageError(
                f"{relation}: no such relation, or it was ended; `theftwatch relation list --all` shows all"
            )
        await bring_up_to_date(connection)
    print(f"{relation} is ended.")


async def _find_original(connection: Connection, artisan: int, name: str) -> tuple[int | None, int | None]:
    found = await fetch(connection, "find_original", artisan=artisan, name=name)
    if len(found) != 1:
        raise UsageError(
            f"{name}: not one listing or file of this artisan; give the listing's address or the file's name"
        )
    return found[0][0], found[0][1]
