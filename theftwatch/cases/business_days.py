"""Business days by a country's calendar: holidays are none, and the days on which they are made up for are some.

In China a holiday of a week is made up for on Saturdays and Sundays around it, which the State Council announces each
November for the year after. For a year that is not announced yet, the holidays stand where the law has them and no
make-up day is known.
"""

from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from holidays import HolidayBase

_SATURDAY = 5


def business_days_end(at: datetime, days: int, *, time_zone: str, calendar: str | None) -> datetime:
    """Return when the last of so many business days is over, in UTC; the day of `at` itself is not counted.

    `calendar` is a country by its ISO 3166 code, or None for weekdays alone.
    """
    zone = ZoneInfo(time_zone)
    day = at.astimezone(zone).date()
    left = days
    while left:
        day += timedelta(days=1)
        left -= is_business_day(day, calendar)
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(at.tzinfo)


def is_business_day(day: date, calendar: str | None) -> bool:
    """Return whether people work on a day."""
    if calendar is None:
        return day.weekday() < _SATURDAY
    return _holidays(calendar).is_working_day(day)


def is_announced(year: int, calendar: str | None) -> bool:
    """Return whether the make-up days of a year are known; true where the calendar has had none for years."""
    if calendar is None or _make_up_days(year, calendar):
        return True
    return not any(_make_up_days(before, calendar) for before in range(year - 5, year))


def _make_up_days(year: int, calendar: str) -> list[date]:
    holidays = _holidays(calendar)
    _ = date(year, 1, 1) in holidays  # makes it work out the year
    return [day for day in holidays.weekend_workdays if day.year == year]


@cache
def _holidays(calendar: str) -> "HolidayBase":
    # Takes half a second, and most commands count no days.
    from holidays import country_holidays

    return country_holidays(calendar)
