"""The clocks of a case: until when an answer is due, and until when a listing is to be down."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from theftwatch.cases.business_days import business_days_end
from theftwatch.db.queries import Connection, fetch_as


@dataclass(frozen=True, kw_only=True, slots=True)
class Portal:
    """Where complaints on a marketplace go; fields as in the table `portal`."""

    code: str | None
    name: str
    url: str | None
    time_zone: str
    calendar: str | None
    links_max: int
    links_without_account_max: int
    file_bytes_max: int
    answer_business_days: int
    removal_hours: int
    needs: list[str]

    def answer_due(self, at: datetime) -> datetime:
        """Return when the time to answer is over for what was sent or filed at a moment."""
        return business_days_end(at, self.answer_business_days, time_zone=self.time_zone, calendar=self.calendar)

    def last_day_to_answer(self, at: datetime) -> date:
        """Return the last of these business days, where the portal is."""
        return (self.answer_due(at) - timedelta(microseconds=1)).astimezone(ZoneInfo(self.time_zone)).date()

    def removal_due(self, decided_at: datetime) -> datetime:
        """Return until when a listing is to be down, from when that was decided or the time to answer was over."""
        return decided_at + timedelta(hours=self.removal_hours)

    def there(self, at: datetime) -> str:
        """Return a moment in words, where the portal is; the end of a day is told as that day's."""
        local = at.astimezone(ZoneInfo(self.time_zone))
        if local.hour == local.minute == 0:
            return f"the end of {local - timedelta(minutes=1):%a %Y-%m-%d} ({self.time_zone})"
        return f"{local:%a %Y-%m-%d %H:%M} ({self.time_zone})"


#: For marketplaces whose portal is not known: the same patience, on weekdays
NO_PORTAL = Portal(
    code=None,
    name="no portal that is known",
    url=None,
    time_zone="UTC",
    calendar=None,
    links_max=10,
    links_without_account_max=10,
    file_bytes_max=20_000_000,
    answer_business_days=3,
    removal_hours=24,
    needs=[],
)


async def find_portal(connection: Connection, marketplace: str) -> Portal:
    """Return where complaints on a marketplace go, or `NO_PORTAL`."""
    found = await fetch_as(connection, Portal, "find_portal", marketplace=marketplace)
    return found[0] if found else NO_PORTAL
