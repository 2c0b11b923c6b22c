-- take_turn --
-- Promises a request its turn: after all turns promised before at the same pace, each with its delay. None while the host is
-- left alone, and while the day's calls are spent. The last of them may be lost with the job that got it, so how long that
-- holds is set here. A turn further off than jobs can have promised was promised by a clock that went back since, and counts
-- for nothing.
insert into host_budget as b (host, next_at, delay)
select %(pace)s, %(now)s::timestamptz + %(delay)s::interval, %(asked_for)s::interval
where not exists (
    select from host_budget resting where resting.host = %(host)s and resting.rests_until > %(now)s::timestamptz
)
on conflict (host) do update set
    next_at = %(delay)s::interval + case
        when b.next_at < %(now)s::timestamptz + interval '10 minutes' + 20 * %(delay)s::interval
            then greatest(b.next_at, %(now)s)
        else %(now)s
    end,
    delay = excluded.delay,
    calls_left = case when b.calls_left > 0 then b.calls_left - 1 end,
    spent_until = case when b.calls_left = 1 then %(now)s::timestamptz + %(again)s::interval end
where b.calls_left is distinct from 0 or b.spent_until <= %(now)s
returning next_at - %(delay)s::interval;

-- give_turn_back --
-- Gives back a turn at which nothing is asked, where it is the last that was promised at its pace.
update host_budget set next_at = %(turn_at)s
where host = %(pace)s and next_at = %(turn_at)s::timestamptz + %(delay)s::interval;

-- find_rest --
-- Says until when a host is not asked, and whether that is because the day's calls are spent.
select
    greatest(rests_until, case when calls_left = 0 then spent_until end),
    coalesce(calls_left = 0 and spent_until > coalesce(rests_until, '-infinity'), false)
from host_budget
where host = %(host)s;

-- note_limits --
-- Notes what a host says of its limits: not before when it may be asked again, and how many calls are left today.
insert into host_budget as b (host, next_at, rests_until, calls_per_day, calls_left, spent_until)
values (
    %(name)s, %(next_at)s, %(rests_until)s, %(per_day)s, %(left)s,
    case when %(left)s::int = 0 then %(spent_until)s::timestamptz end
)
on conflict (host) do update set
    next_at = greatest(b.next_at, excluded.next_at),
    rests_until = greatest(b.rests_until, excluded.rests_until),
    calls_per_day = coalesce(excluded.calls_per_day, b.calls_per_day),
    calls_left = coalesce(excluded.calls_left, b.calls_left),
    spent_until = case when excluded.calls_left is null then b.spent_until else excluded.spent_until end;

-- leave_alone --
-- Leaves a host alone, twice as long each time that it goes on refusing us.
insert into host_budget as b (host, next_at, rests_until, rests)
values (%(host)s, %(now)s, %(now)s::timestamptz + %(first)s::interval, 1)
on conflict (host) do update set
    rests = b.rests + 1,
    rests_until = %(now)s::timestamptz + least(%(longest)s::interval, %(first)s::interval * power(2, least(b.rests, 16)))
where b.rests_until is null or b.rests_until <= %(now)s
returning rests_until;

-- end_rests --
-- Notes that a host shows us pages again.
update host_budget set rests = 0, rests_until = null where host = %(host)s and rests > 0;
