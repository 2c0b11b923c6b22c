"""Whether everything that the program needs works on this machine: each thing is really tried.

What is off by choice, or because a part that is not needed is not installed, is no failure.
"""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
import psycopg
from PIL import Image

from theftwatch.chromium import find_chromium, try_chromium
from theftwatch.clock import Clock, system_clock
from theftwatch.config import Settings
from theftwatch.db import migrate, server
from theftwatch.db.connect import connect, describe
from theftwatch.db.queries import queries
from theftwatch.errors import DatabaseError, TheftWatchError, TimestampError, UsageError
from theftwatch.evidence.timestamp import ask, authority_of
from theftwatch.image_store import look_for_store, place_of
from theftwatch.images import descriptor
from theftwatch.jobs.look import look
from theftwatch.match.routes import descriptor_off, index_off
from theftwatch.notices.digest import operator_of
from theftwatch.notices.smtp import mail_server_of, sign_in

type State = Literal["ok", "off", "failed"]

#: With less than this a night's photos may not fit
DISK_FREE_MIN_BYTES = 1_000_000_000
#: Leases of targets allow for a minute or so between the clocks of machines
CLOCK_OFF_MAX_S = 60

_SET_CLOCK = "timedatectl set-ntp true"
_OTHER_FOLDER = "export THEFTWATCH_DATA_DIR=FOLDER, of a folder that you may write to"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What came of trying one thing."""

    name: str
    state: State
    #: One line
    detail: str
    #: The command that mends it; None where it is ok
    remedy: str | None = None


def examine(settings: Settings, *, clock: Clock = system_clock) -> Iterator[Check]:
    """Try everything and yield what came of each.

    The embedded Postgres is started, and its database made, where that has not been done.
    """
    yield from _check_database(settings, clock)
    yield _check_descriptor()
    yield _check_files(settings, clock)
    yield _check_disk(settings.data_dir)
    yield _check_chromium(settings)
    yield from _check_nodes(settings)
    yield _check_timestamps(settings, clock)
    yield _check_mail(settings)
    yield _check_operator(settings)


def _check_database(settings: Settings, clock: Clock) -> Iterator[Check]:
    """Try to connect, then the schema, and the search by descriptor."""
    external = settings.dsn is not None
    try:
        dsn = settings.dsn.get_secret_value() if settings.dsn else server.connect_dsn(settings, clock=clock)
        with connect(dsn, remedy="see `theftwatch db status`") as connection:
            version = connection.info.parameter_status("server_version")
            where = f"{describe(dsn)} (THEFTWATCH_DSN)" if external else f"embedded, {describe(dsn)}"
            yield Check(name="database", state="ok", detail=f"Postgres {version}, {where}")
            yield _check_clock(connection, clock)
            schema = _check_schema(connection)
            yield schema
            if schema.state == "ok":
                yield _check_index(connection, embedded=not external)
    except TheftWatchError as exc:
        remedy = "export THEFTWATCH_DSN=…, naming a server that runs" if external else "theftwatch db start"
        yield Check(name="database", state="failed", detail=str(exc), remedy=remedy)
    except psycopg.Error as exc:
        yield Check(name="database", state="failed", detail=_line(exc), remedy="theftwatch db status")


def _check_clock(connection: psycopg.Connection, clock: Clock) -> Check:
    """Compare this machine's clock with the database's."""
    [(theirs,)] = connection.execute(queries()["read_clock"]).fetchall()
    off = _off(theirs, clock)
    if off:
        return Check(name="clock", state="failed", detail=f"the database's clock is {off}", remedy=_SET_CLOCK)
    return Check(name="clock", state="ok", detail="this machine and the database agree")


def _off(theirs: datetime, clock: Clock) -> str | None:
    """Return how far another clock is off from this machine's; None where they agree."""
    ahead_s = (theirs - clock()).total_seconds()
    if abs(ahead_s) <= CLOCK_OFF_MAX_S:
        return None
    return f"{abs(ahead_s):,.0f} s {'ahead of' if ahead_s > 0 else 'behind'} this machine's; one of them is wrong"


def _check_schema(connection: psycopg.Connection) -> Check:
    try:
        todo = migrate.pending(connection)
    except TheftWatchError as exc:
        return Check(name="schema", state="failed", detail=str(exc), remedy="git pull && make setup")
    newest = migrate.known_migrations()[-1].name
    if todo:
        lacks = f"the database lacks {len(todo)} of {len(migrate.known_migrations())} migrations, up to {newest}"
        return Check(name="schema", state="failed", detail=lacks, remedy="theftwatch db migrate")
    return Check(name="schema", state="ok", detail=newest)


def _check_index(connection: psycopg.Connection, *, embedded: bool) -> Check:
    """Look something up by its descriptor, with the index where there is one."""
    [(available, used)] = connection.execute(queries()["find_vector"]).fetchall()
    [(by_index,)] = connection.execute(queries()["has_descriptor_index"]).fetchall()
    if not by_index:
        off = index_off(available=bool(available), used=bool(used), embedded=embedded)
        return Check(name="index", state="off", detail=off.why, remedy=off.remedy)
    started = time.perf_counter()
    try:
        with connection.transaction():
            connection.execute(queries()["prepare_search"], {"width": "40"})
            connection.execute(
                queries()["find_alike_by_index"],
                {"codes": ["10" * (descriptor.LENGTH // 2)], "side": "original", "model": "none", "most": 40},
            )
    except psycopg.Error as exc:
        rebuild = (
            'psql "$(theftwatch db url --owner)" -c "reindex table descriptor_code"'
            if used
            else 'psql "$(theftwatch db url --owner)" -c "create extension vector" && theftwatch db migrate'
        )
        return Check(name="index", state="failed", detail=f"the search failed: {_line(exc)}", remedy=rebuild)
    return Check(name="index", state="ok", detail=f"vector {used}, a search in {_ms(started)}")


def _check_descriptor() -> Check:
    """Load the network and have it describe a picture."""
    try:
        off = descriptor_off()
        if off:
            return Check(name="descriptor", state="off", detail=off.why, remedy=off.remedy)
        picture = Image.fromarray(np.linspace(0, 255, 288 * 288, dtype=np.uint8).reshape(288, 288))
        started = time.perf_counter()
        found = descriptor.describe(picture, side_px=descriptor.SIDE_PX)
    except UsageError as exc:
        return Check(name="descriptor", state="failed", detail=str(exc), remedy="unset THEFTWATCH_DESCRIPTOR")
    except Exception as exc:  # the library raises what it likes
        return Check(name="descriptor", state="failed", detail=_line(exc), remedy="make setup")
    assert found is not None
    return Check(name="descriptor", state="ok", detail=f"{found.model}, a picture in {_ms(started)}")


def _check_files(settings: Settings, clock: Clock) -> Check:
    """See whether the image store is that of the database; write a file to it as photos are, read and delete it."""
    remedy = "export THEFTWATCH_FILES=…, as docs/settings.md has it" if settings.files else _OTHER_FOLDER
    name, data = f"check-{secrets.token_hex(8)}", os.urandom(1024)
    try:
        place = place_of(settings).place
        try:
            place.write(name, data)
            same = place.read(name) == data
        finally:
            place.delete(name)
        look_for_store(server.connect_dsn(settings, clock=clock), settings, clock=clock)
    except OSError as exc:
        detail = f"{exc.filename or settings.files_dir}: {exc.strerror or exc}"
        return Check(name="files", state="failed", detail=detail, remedy=remedy)
    except (DatabaseError, psycopg.Error):
        pass  # told by the check of the database
    except TheftWatchError as exc:
        return Check(name="files", state="failed", detail=str(exc), remedy=remedy)
    if not same:
        detail = f"{place}: what was read is not what was written"
        return Check(name="files", state="failed", detail=detail, remedy=remedy)
    return Check(name="files", state="ok", detail=f"written, read and deleted in {place}")


def _check_disk(folder: Path) -> Check:
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    free = shutil.disk_usage(there).free
    detail = f"{free / 1_000_000_000:.1f} GB free for {folder}"
    if free < DISK_FREE_MIN_BYTES:
        remedy = "export THEFTWATCH_DATA_DIR=FOLDER, of a folder on a larger disk"
        return Check(name="disk", state="failed", detail=f"only {detail}", remedy=remedy)
    return Check(name="disk", state="ok", detail=detail)


def _check_chromium(settings: Settings) -> Check:
    """Start a Chromium and have it take a picture."""
    try:
        found = find_chromium(settings)
    except UsageError as exc:
        return Check(name="chromium", state="failed", detail=str(exc), remedy="unset THEFTWATCH_CHROMIUM")
    if found:
        started = time.perf_counter()
        try:
            version = try_chromium(found)
        except UsageError as exc:
            again = "unset THEFTWATCH_CHROMIUM" if settings.chromium else "sudo apt-get install --reinstall chromium"
            return Check(name="chromium", state="failed", detail=str(exc), remedy=again)
        # captures use it all the same
        used = "" if settings.browser else "; crawls do not use it while THEFTWATCH_BROWSER is unset"
        return Check(name="chromium", state="ok", detail=f"{version}, {found}, a picture in {_ms(started)}{used}")
    needed = "THEFTWATCH_BROWSER is set and none is found" if settings.browser else "none is found"
    return Check(
        name="chromium",
        state="failed" if settings.browser else "off",
        detail=f"{needed}: pages that need scripts cannot be read",
        remedy="make chromium",
    )


def _check_nodes(settings: Settings) -> Iterator[Check]:
    """Ask each node what it lists."""
    if not settings.nodes:
        detail = "THEFTWATCH_NODES is not set: crawls are started on this machine, by hand or by cron"
        yield Check(name="nodes", state="off", detail=detail, remedy="export THEFTWATCH_NODES=http://127.0.0.1:6800")
        return
    found = look(settings)
    for node in found:
        if node.trouble:
            yield Check(name="nodes", state="failed", detail=f"{node.url}: {node.trouble}", remedy=node.remedy)
    if well := [f"{node.url} ({node.release or 'no release'})" for node in found if not node.trouble]:
        yield Check(name="nodes", state="ok", detail=f"scrapyd answers at {', '.join(well)}")


def _check_timestamps(settings: Settings, clock: Clock) -> Check:
    """Get a timestamp and verify it, and compare this machine's clock with the authority's."""
    try:
        authority = authority_of(settings)
        if authority is None:
            detail = "THEFTWATCH_TIMESTAMP_URL is not set: nothing proves when photos and captures existed"
            return Check(name="timestamps", state="off", detail=detail, remedy="export THEFTWATCH_TIMESTAMP_URL=…")
        started = time.perf_counter()
        timestamp = ask(authority, os.urandom(32))
    except UsageError as exc:
        remedy = "export THEFTWATCH_TIMESTAMP_CERTIFICATE=FILE, of the authority's root certificate"
        return Check(name="timestamps", state="failed", detail=str(exc), remedy=remedy)
    except TimestampError as exc:
        remedy = "export THEFTWATCH_TIMESTAMP_URL=…, of another authority, or try again later"
        return Check(name="timestamps", state="failed", detail=str(exc), remedy=remedy)
    if off := _off(timestamp.at, clock):
        return Check(name="timestamps", state="failed", detail=f"the authority's clock is {off}", remedy=_SET_CLOCK)
    return Check(name="timestamps", state="ok", detail=f"one by {authority.url}, verified, in {_ms(started)}")


def _check_mail(settings: Settings) -> Check:
    """Sign in to the mail server; nothing is sent."""
    if settings.smtp_url is None:
        detail = "THEFTWATCH_SMTP_URL is not set: notices are drafts, which a person sends"
        return Check(name="mail", state="off", detail=detail, remedy="export THEFTWATCH_SMTP_URL=smtps://…")
    started = time.perf_counter()
    try:
        server = mail_server_of(settings)
        sign_in(server)
    except TheftWatchError as exc:
        remedy = "export THEFTWATCH_SMTP_URL=… and THEFTWATCH_MAIL_FROM=…, as docs/settings.md has them"
        return Check(name="mail", state="failed", detail=str(exc), remedy=remedy)
    return Check(name="mail", state="ok", detail=f"signed in to {server.called} in {_ms(started)}")


def _check_operator(settings: Settings) -> Check:
    """See whether the operator's address is one that is known; nothing is sent."""
    if settings.operator_url is None:
        detail = "THEFTWATCH_OPERATOR_URL is not set: nobody is told of alarms unless they look"
        return Check(name="operator", state="off", detail=detail, remedy="export THEFTWATCH_OPERATOR_URL=mailtos://…")
    try:
        services = operator_of(settings)
    except UsageError as exc:
        remedy = "export THEFTWATCH_OPERATOR_URL=…, as docs/notices.md has it"
        return Check(name="operator", state="failed", detail=str(exc), remedy=remedy)
    # The address holds a password, so the service alone is named.
    named = ", ".join(str(service.service_name) for service in services)
    return Check(name="operator", state="ok", detail=f"told by {named}; `theftwatch notify --operator` tries it")


def _ms(started: float) -> str:
    return f"{1000 * (time.perf_counter() - started):.0f} ms"


def _line(exc: Exception) -> str:
    return " ".join(str(exc).split()) or type(exc).__name__
