"""The operator's digest: what is new since the last one, what is due, and what went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apprise import Apprise, NotifyFormat, NotifyType

from theftwatch.cases.docket import Due, find_due
from theftwatch.config import Settings
from theftwatch.db.queries import Connection, execute, fetch, fetch_as
from theftwatch.errors import DeliveryError, UsageError
from theftwatch.jobs.look import NodeState
from theftwatch.reports.status import find_status
from theftwatch.reports.text import environment
from theftwatch.reports.trouble import Trouble
from theftwatch.reports.words import count, one_line

#: Vendors and cases that are named one by one
_SHOWN = 20
#: What chat services read as a call to everybody, or as a link
_QUIET = str.maketrans({"@": "＠", "<": "‹", ">": "›"})


@dataclass(frozen=True, kw_only=True, slots=True)
class NewFindings:
    """Findings that are new since the last digest, of one vendor and of one artisan's photos."""

    vendor: str
    marketplace: str
    whose: str | None
    findings: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """What the operator is told."""

    #: When the last digest was; None before the first
    since: datetime | None
    new: Sequence[NewFindings]
    due: Sequence[Due]
    troubles: Sequence[Trouble]
    #: Artisans who are to be told something, and notices that may not have gone out
    untold: int
    unsure: int

    @property
    def findings(self) -> int:
        """How many findings are new."""
        return sum(each.findings for each in self.new)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.new or self.due or self.troubles or self.untold or self.unsure)

    @property
    def subject(self) -> str:
        """What it comes to."""
        parts = [count(self.findings, "new finding")] if self.findings else []
        parts += [f"{len(self.due)} due in cases"] if self.due else []
        parts += [f"{wrong} wrong"] if (wrong := sum(each.wrong for each in self.troubles)) else []
        return f"TheftWatch: {', '.join(parts) or 'something to look at'}"

    @property
    def body(self) -> str:
        """The text of it."""
        return (
            environment("theftwatch.notices")
            .get_template("digest.txt.j2")
            .render(digest=self, shown=_SHOWN)
            .translate(_QUIET)
        )


async def find_digest(
    connection: Connection, *, settings: Settings, now: datetime, nodes: Sequence[NodeState] = ()
) -> Digest:
    """Return what the operator is to be told now; runs that were killed are closed.

    `nodes` says what was listed just before.
    """
    [(since,)] = await fetch(connection, "find_last_digest")
    [(untold, unsure)] = await fetch(connection, "count_untold")
    status = await find_status(connection, now=now, expected=settings.expected, nodes=nodes)
    return Digest(
        since=since,
        new=await fetch_as(connection, NewFindings, "find_new_findings", since=since),
        due=await find_due(connection, now=now),
        troubles=status.troubles,
        untold=untold,
        unsure=unsure,
    )


def operator_of(settings: Settings) -> Apprise:
    """Return the services through which the operator of the settings is told.

    Raises UsageError for an address that Apprise does not know.
    """
    assert settings.operator_url is not None
    apprise = Apprise()
    if not apprise.add(settings.operator_url.get_secret_value()):
        raise UsageError("THEFTWATCH_OPERATOR_URL: not an address that Apprise knows; docs/notices.md names some")
    return apprise


async def send_digest(connection: Connection, digest: Digest, *, settings: Settings, now: datetime) -> None:
    """Send a digest where THEFTWATCH_OPERATOR_URL says, and note that it went out.

    After a kill in between it goes out again: the operator loses less by hearing twice than by not hearing. Raises
    UsageError for an address that Apprise does not know, and DeliveryError where it did not go out.
    """
    apprise = operator_of(settings)
    is_wrong = any(each.wrong for each in digest.troubles)
    gone = await apprise.async_notify(
        title=one_line(digest.subject),
        body=digest.body,
        body_format=NotifyFormat.TEXT,
        notify_type=NotifyType.WARNING if is_wrong else NotifyType.INFO,
    )
    if not gone:
        raise DeliveryError(
            "the digest did not go out to every address of THEFTWATCH_OPERATOR_URL; "
            "`theftwatch --debug notify --operator` shows what they answered"
        )
    await execute(connection, "insert_operator_digest", subject=digest.subject, body=digest.body, now=now)
