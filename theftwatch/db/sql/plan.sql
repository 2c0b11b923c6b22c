-- plan_night --
-- Sums up by site, whose hosts are asked at one pace, what is due until a moment, and what of it fits in until then, as it is
-- taken up: by priority, then those that are due the longest; what is on a host that is left alone comes after the rest. A site
-- keeps the usual delay, or what it asked for where that is longer; an API what its limits allow. A target counts what it asked for last time, as often as it becomes due; one that was never
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
), of_site as (
    select
        due.*,
        coalesce((
            select name from unnest(%(paces)s::text[]) with ordinality as pace (name, place)
            where due.host = name or right(due.host, length(name) + 1) = '.' || name
            order by place
            limit 1
        ), due.host) as site,
        b.rests_until,
        greatest(b.rests_until, %(now)s::timestamptz) as begins_at
    from due
    left join host_budget b on b.host = due.host
), paced as (
    select
        of_site.*, b.host is null as is_pace_estimated,
        extract(epoch from case
            when b.calls_per_day is null then greatest(b.delay, %(delay)s::interval)
            else coalesce(b.delay, %(delay)s::interval)
        end) as delay_s,
        sum(requests) over (partition by site order by begins_at, priority desc, due_at, id) as of_site_so_far,
        sum(requests) over (partition by of_site.host order by priority desc, due_at, id) as of_host_so_far
    from of_site
    left join host_budget b on b.host = of_site.site
), planned as (
    select
        paced.*,
        of_site_so_far * delay_s <= extract(epoch from %(until)s::timestamptz - %(now)s::timestamptz)
            and of_host_so_far * delay_s <= extract(epoch from %(until)s::timestamptz - begins_at) as fits
    from paced
)
select
    site,
    count(*) as targets,
    sum(requests)::bigint as requests,
    max(delay_s)::float8 as delay_s,
    bool_or(is_pace_estimated) as is_pace_estimated,
    count(distinct host) filter (where rests_until > %(now)s::timestamptz) as resting_hosts,
    max(rests_until) filter (where rests_until > %(now)s::timestamptz) as rests_until,
    count(*) filter (where is_estimated) as estimated_targets,
    count(*) filter (where not fits) as left_targets,
    coalesce(sum(requests) filter (where not fits), 0)::bigint as left_requests,
    (
        array_agg(id || ' ' || marketplace || ' ' || kind || '=' || ref order by due_at, id) filter (where not fits)
    )[1] as oldest_left,
    min(due_at) filter (where not fits) as oldest_left_due_at
from planned
group by site
order by sum(requests) * max(delay_s) desc, site;
