"""Business days by the calendar of China, where weeks of holidays are made up for at weekends."""

from datetime import UTC, date, datetime

import pytest

from theftwatch.cases.business_days import business_days_end, is_announced, is_business_day
from theftwatch.cases.clock import NO_PORTAL


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 9, 18), True),  # a Friday
        (date(2026, 9, 19), False),  # a Saturday
        (date(2026, 9, 20), True),  # a Sunday that makes up for the holiday in October
        (date(2026, 10, 1), False),  # the National Day
        (date(2026, 10, 7), False),  # a Wednesday of that week
        (date(2026, 10, 8), True),
        (date(2026, 10, 10), True),  # a Saturday that makes up for it too
        (date(2026, 10, 11), False),
    ],
)
def test_make_up_days_are_business_days_and_holidays_are_none(day, works):
    assert is_business_day(day, "CN") is works


@pytest.mark.parametrize(
    ("filed", "over"),
    [
        # Tuesday afternoon: Wednesday, Thursday, Friday
        (datetime(2026, 11, 24, 7, tzinfo=UTC), datetime(2026, 11, 27, 16, tzinfo=UTC)),
        # Thursday over a weekend: Friday, Monday, Tuesday
        (datetime(2026, 11, 26, 7, tzinfo=UTC), datetime(2026, 12, 1, 16, tzinfo=UTC)),
        # late on Thursday in London is Friday in Shanghai: Monday, Tuesday, Wednesday
        (datetime(2026, 11, 26, 17, tzinfo=UTC), datetime(2026, 12, 2, 16, tzinfo=UTC)),
        # before the week of the National Day: Wednesday, 8 October, 9 October
        (datetime(2026, 9, 29, 2, tzinfo=UTC), datetime(2026, 10, 9, 16, tzinfo=UTC)),
        # in that week: Thursday, Friday and the Saturday that makes up for it
        (datetime(2026, 10, 3, 2, tzinfo=UTC), datetime(2026, 10, 10, 16, tzinfo=UTC)),
    ],
)
def test_three_business_days_leave_out_weekends_and_holidays(filed, over):
    assert business_days_end(filed, 3, time_zone="Asia/Shanghai", calendar="CN") == over


def test_without_a_calendar_weekdays_alone_count():
    friday = datetime(2026, 10, 2, 9, tzinfo=UTC)
    assert business_days_end(friday, 3, time_zone="UTC", calendar=None) == datetime(2026, 10, 8, tzinfo=UTC)
    assert NO_PORTAL.last_day_to_answer(friday) == date(2026, 10, 7)
    assert NO_PORTAL.removal_due(NO_PORTAL.answer_due(friday)) == datetime(2026, 10, 9, tzinfo=UTC)


def test_where_clocks_change_a_day_ends_at_its_midnight():
    over = business_days_end(datetime(2026, 10, 23, 9, tzinfo=UTC), 1, time_zone="Europe/Berlin", calendar=None)
    assert over == datetime(2026, 10, 26, 23, tzinfo=UTC)


def test_a_year_is_announced_when_its_make_up_days_are_known():
    assert is_announced(2026, "CN")
    assert is_announced(2090, None)
    assert is_announced(2026, "US")  # has none in any year
    assert not all(is_announced(year, "CN") for year in range(2026, 2060))
