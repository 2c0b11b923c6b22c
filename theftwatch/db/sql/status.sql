-- status_running --
-- Lists the runs that are under way; those that were killed have been closed before.
select run_id, spider, host, jobid, started_at, heartbeat_at, responses, listings_stored
from analysis.run
where finished_at is null
order by run_id;

-- status_last_runs --
-- Lists the newest run of each spider that has ended and counts. What failed on a node that is none any more, some time ago,
-- counts where the spider has nothing else. From one spider to the next it goes by the index: there are few, and many runs.
with recursive newest (spider, id) as (
    (select r.spider, r.id from run r where r.finished_at is not null order by r.spider, r.id desc limit 1)
    union all
    select next.spider, next.id
    from newest
    cross join lateral (
        select r.spider, r.id
        from run r
        where r.spider > newest.spider and r.finished_at is not null
        order by r.spider, r.id desc
        limit 1
    ) as next
)
select
    e.run_id, e.spider, e.host, e.outcome, e.finish_reason, e.started_at, e.finished_at, e.listings_stored,
    e.pages_blocked, e.pages_refused_by_robots, e.pages_changed, counts.id is null as is_given_up
from newest
left join lateral (
    select r.id
    from run r
    where r.spider = newest.spider and r.finished_at is not null
        and (
            r.outcome = 'failed' and r.jobid is not null and r.finished_at < %(told_since)s
            and r.host <> all (%(machines)s::text[])
        ) is not true
    order by r.id desc
    limit 1
) as counts on true
join analysis.run e on e.run_id = coalesce(counts.id, newest.id)
order by e.spider;

-- status_refused --
-- Lists the machines whose newest run was refused before it began, by reasons such as a release that does not fit.
select run_id, spider, host, finish_reason, finished_at
from (
    select distinct on (r.host) r.id as run_id, r.spider, r.host, r.finish_reason, r.finished_at
    from run r
    where r.started_at > %(since)s
    order by r.host, r.id desc
) as newest
where finish_reason = any(%(reasons)s::text[])
order by host;

-- find_machines --
-- Finds those of some names of machines by which runs go.
select name from unnest(%(names)s::text[]) as name where exists (select from run r where r.host = name);

-- find_last_starts --
-- Finds when spiders last began to crawl what is due, whatever became of it.
select s.spider, last.started_at
from unnest(%(spiders)s::text[]) as s (spider)
cross join lateral (
    select r.started_at
    from run r
    where r.spider = s.spider and r.arguments - '{limit,minutes}'::text[] = '{}'
        and coalesce(r.finish_reason, '') <> all (%(refused)s::text[])
    order by r.id desc
    limit 1
) as last;

-- status_targets --
-- Sums up what is watched on each marketplace, and what of it is due, or overdue by more than twice its interval.
select
    t.marketplace,
    count(*) filter (where t.paused_at is null) as watched,
    count(*) filter (where t.paused_at is not null) as paused,
    count(*) filter (where t.paused_at is null and t.lease_token is not null and t.due_at > %(now)s) as under_way,
    count(*) filter (where t.paused_at is null and t.due_at <= %(now)s) as due,
    min(coalesce(t.due_since, t.due_at)) filter (where t.paused_at is null and t.due_at <= %(now)s) as oldest_due_at,
    count(*) filter (
        where t.paused_at is null and t.due_at <= %(now)s
            and coalesce(t.due_since, t.due_at) + 2 * target_interval(t) < %(now)s
    ) as overdue,
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
