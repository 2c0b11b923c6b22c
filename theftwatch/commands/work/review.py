"""The work of `theftwatch review` and `theftwatch account`."""

import asyncio
import getpass
import ipaddress
import sys
from urllib.parse import urlsplit

from theftwatch.clock import system_clock
from theftwatch.commands.work.names import person
from theftwatch.commands.work.record import opened
from theftwatch.config import Settings, settings
from theftwatch.db.pool import connection_pool, reading
from theftwatch.db.queries import execute
from theftwatch.db.server import connect_dsn
from theftwatch.errors import UsageError
from theftwatch.image_store import open_files
from theftwatch.reports.words import day, one_line
from theftwatch.web import accounts
from theftwatch.web.accounts import Role
from theftwatch.web.command import run_command
from theftwatch.web.crawling import Crawling
from theftwatch.web.inbox import Inbox
from theftwatch.web.pages import Context
from theftwatch.web.review import review as application
from theftwatch.web.serve import listen, serve

#: Names under which a browser on this machine reaches it
_OWN_NAMES = ["127.0.0.1", "localhost"]
#: Connections to the database; one is for what follows from verdicts
_CONNECTIONS = 5


async def review(*, address: str, port: int, by: str | None) -> None:
    """Serve the page until interrupted.

    Raises UsageError for an address beyond this machine while there are no accounts, or no public address.
    """
    own, who = settings(), person(by)
    public = urlsplit(own.public_url or "")
    # A proxy on this machine lets others in as well.
    alone = _is_loopback(address) and public.hostname in (None, *_OWN_NAMES)
    async with connection_pool(await asyncio.to_thread(connect_dsn, own), max_size=_CONNECTIONS) as pool:
        async with reading(pool) as connection:
            known = await accounts.find_accounts(connection)
            files = await open_files(connection, own)
        if not alone:
            _check_public(own, address, accounts=len(known))
        context = Context(
            pool=pool,
            files=files,
            inbox=Inbox(own.files_dir / "sent", pool, run_command),
            crawling=Crawling(run_command, on_nodes=bool(own.nodes), logs=own.files_dir / "crawls", clock=system_clock),
            clock=system_clock,
            by=who if alone else None,
            secure_host=public.netloc if public.scheme == "https" else None,
        )
        app = application(context, hosts=[*_OWN_NAMES, *([public.hostname] if public.hostname else [])])
        listening = listen(address, port)
        url = own.public_url or f"http://{address}:{port}"
        async with pool.connection() as connection:
            await execute(connection, "save_public_address", url=url.rstrip("/"), told=own.public_url is not None)
        print(_greeting(own, address, port, who=who if alone and not known else None), flush=True)
        await serve(app, listening)


async def add_account(name: str, role: Role) -> None:
    """Make an account, with a password asked for or read."""
    name = name.strip()
    if not name or not name.isprintable():
        raise UsageError(f"{name!r} is no name; give the one under which the record shall keep verdicts")
    async with opened() as connection:
        password = await asyncio.to_thread(_password)
        await accounts.add_account(connection, name, password, role, now=system_clock())
    print(f"{one_line(name)} may sign in as a {role}.")


async def list_accounts() -> None:
    """Print the accounts, one a line."""
    async with opened() as connection:
        known = await accounts.find_accounts(connection)
    for each in known:
        print(f"{one_line(each.name)}  {each.role}  since {day(each.made_at)}")
    if not known:
        print("No account; the review page is for this machine alone, without signing in.")


async def remove_account(name: str) -> None:
    """Remove an account."""
    async with opened() as connection:
        await accounts.remove_account(connection, name, now=system_clock())
    print(f"{one_line(name)} may not sign in any more.")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError as exc:
        raise UsageError(
            f"--address {address}: no address of a machine; give one such as 127.0.0.1 or 0.0.0.0"
        ) from exc


def _check_public(own: Settings, address: str, *, accounts: int) -> None:
    where = f"--address {address}" if own.public_url is None else f"THEFTWATCH_PUBLIC_URL={own.public_url}"
    if not accounts:
        raise UsageError(
            f"{where}: others could reach the page, and there are no accounts; make one with "
            "`theftwatch account add NAME`, and put TLS in front as docs/review.md shows"
        )
    if not own.public_url:
        raise UsageError(
            f"{where}: others could reach the page, and THEFTWATCH_PUBLIC_URL does not say under which name; "
            "set it, such as https://review.example.org, and put TLS in front as docs/review.md shows"
        )


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise UsageError("the two passwords differ; run it again")
    return password


def _greeting(own: Settings, address: str, port: int, *, who: str | None) -> str:
    where = f"http://{f'[{address}]' if ':' in address else address}:{port}/"
    if who is not None:
        return f"Open {where} on this machine. Verdicts are kept under {one_line(who)} (--by NAME). Ctrl-C ends it."
    lines = [f"Listening at {where}; people sign in, at {own.public_url or where}. Ctrl-C ends it."]
    if own.public_url and urlsplit(own.public_url).scheme != "https":
        lines.append("Passwords go over the line as they are: put TLS in front, as docs/review.md shows.")
    return "\n".join(lines)
