-- take_turn --
-- Promises a request its turn: after all turns promised before, each with its delay. None while the host is left alone.
insert into host_budget as b (host, next_at, delay)
values (%(host)s, %(now)s::timestamptz + %(delay)s::interval, %(delay)s)
on conflict (host) do update set next_at = greatest(b.next_at, %(now)s) + excluded.delay, delay = excluded.delay
where b.rests_until is null or b.rests_until <= %(now)s
returning next_at - %(delay)s::interval;

-- find_rest --
select rests_until from host_budget where host = %(host)s;

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
