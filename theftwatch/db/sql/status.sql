-- status_running --
-- Lists the runs that are under way; those that were killed have been closed before.
select run_id, spider, host, jobid, started_at, heartbeat_at, responses, listings_stored
from analysis.run
where finished_at is null
order by run_id;

-- status_last_runs --
-- Lists the newest run of each spider that has ended.
select distinct on (spider)
    run_id, spider, host, outcome, finish_reason, started_at, finished_at, listings_stored, pages_blocked,
    pages_refused_by_robots, pages_changed
from analysis.run
where finished_at is not null
order by spider, run_id desc;

-- find_last_starts --
-- Finds when spiders last began to crawl what is due, whatever became of it.
select spider, max(started_at)
from run
where spider = any(%(spiders)s::text[]) and arguments - '{limit,minutes}'::text[] = '{}'
    and finish_reason is distinct from 'wrong_release'
group by spider;

-- status_targets --
-- Sums up what is watched on each marketplace, and what of it is due, or overdue by more than twice its interval.
select
    t.marketplace,
    count(*) filter (where t.paused_at is null) as watched,
    count(*) filter (where t.paused_at is not null) as paused,
    count(*) filter (where t.paused_at is null and t.lease_token is not null and t.due_at > %(now)s) as under_way,
    count(*) filter (where t.paused_at is null and t.due_at <= %(now)s) as due,
    min(t.due_at) filter (where t.paused_at is null and t.due_at <= %(now)s) as oldest_due_at,
    count(*) filter (where t.paused_at is null and t.due_at + 2 * target_interval(t) < %(now)s) as overdue,
    min(t.due_at) filter (where t.paused_at is null and t.lease_token is null and t.due_at > %(now)s) as next_due_at
from target t
group by t.marketplace
order by t.marketplace;

-- status_hosts --
-- Lists the hosts that are left alone, and those that grant so many calls a day.
select
    host, rests_until, rests, calls_per_day, calls_left,
    case when calls_left = 0 and spent_until > %(now)s then spent_until end as spent_until
from host_budget
where rests_until > %(now)s or calls_per_day is not null
order by host;
