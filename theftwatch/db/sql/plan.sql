-- plan_night --
-- Sums up by host what is due until a moment, and what of it fits in until then, as it is taken up: by priority, then those
-- that are due the longest. A target counts what it asked for last time, as often as it becomes due; one that was never
-- crawled the mean of its kind on its marketplace, of the host that its address has, or that its kind is asked of first.
with known as (
    select marketplace, kind, avg(requests) as requests
    from target
    where requests is not null
    group by marketplace, kind
), due as (
    select
        t.id, t.marketplace, t.kind, t.ref, t.priority, t.due_at, t.requests is null as is_estimated,
        coalesce(
            t.host, lower(substring(coalesce(t.url, t.ref) from '^https?://([^/:?#]+)')),
            replace(%(first_hosts)s::jsonb -> t.marketplace ->> t.kind, '{}', lower(t.ref)), t.marketplace
        ) as host,
        ceil(coalesce(t.requests, known.requests, 1)) * (1 + floor(
            extract(epoch from %(until)s::timestamptz - greatest(t.due_at, %(now)s::timestamptz))
            / extract(epoch from target_interval(t))
        )) as requests
    from target t
    left join known using (marketplace, kind)
    where t.paused_at is null and t.due_at <= %(until)s::timestamptz
        and (%(marketplace)s::text is null or t.marketplace = %(marketplace)s::text)
), paced as (
    select
        due.*, b.delay is null as is_pace_estimated, b.rests_until,
        extract(epoch from coalesce(b.delay, %(delay)s::interval)) as delay_s,
        sum(due.requests) over (partition by due.host order by due.priority desc, due.due_at, due.id) as requests_so_far
    from due
    left join host_budget b on b.host = due.host
), planned as (
    select
        paced.*,
        requests_so_far * delay_s
            <= extract(epoch from %(until)s::timestamptz - greatest(%(now)s::timestamptz, rests_until)) as fits
    from paced
)
select
    host,
    count(*) as targets,
    sum(requests)::bigint as requests,
    max(delay_s)::float8 as delay_s,
    bool_or(is_pace_estimated) as is_pace_estimated,
    nullif(greatest(max(rests_until), %(now)s::timestamptz), %(now)s::timestamptz) as rests_until,
    count(*) filter (where is_estimated) as estimated_targets,
    count(*) filter (where not fits) as left_targets,
    coalesce(sum(requests) filter (where not fits), 0)::bigint as left_requests,
    (
        array_agg(id || ' ' || marketplace || ' ' || kind || '=' || ref order by due_at, id) filter (where not fits)
    )[1] as oldest_left,
    min(due_at) filter (where not fits) as oldest_left_due_at
from planned
group by host
order by sum(requests) * max(delay_s) desc, host;
