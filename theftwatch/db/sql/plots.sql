-- count_crawled --
-- Sums up runs by the day on which they began, in UTC: how they ended, what they read, and what refused them. One that has been
-- silent for too long failed; one under way has not ended.
select
    (started_at at time zone 'UTC')::date as day, count(*) filter (where outcome = 'ok') as ok,
    count(*) filter (where outcome = 'partial') as partial, count(*) filter (where outcome = 'blocked') as blocked,
    count(*) filter (
        where outcome = 'failed' or (outcome is null and heartbeat_at < %(now)s::timestamptz - %(silent)s::interval)
    ) as failed,
    coalesce(sum((stats ->> 'theftwatch/listing/stored')::bigint), 0)::bigint as listings,
    coalesce(sum((stats ->> 'theftwatch/image/fetched')::bigint), 0)::bigint as photos,
    coalesce(sum(
        coalesce((stats ->> 'theftwatch/page/blocked')::bigint, 0)
        + coalesce((stats ->> 'theftwatch/page/refused_by_robots')::bigint, 0)
    ), 0)::bigint as pages_refused,
    (extract(epoch from sum(coalesce(finished_at, heartbeat_at) - started_at)) / 3600)::float as hours
from run
where started_at >= %(since)s
group by day
order by day;

-- count_vendor_events --
-- Counts what happened with a vendor by the week, in UTC, from the moment `since`.
with event (kind, at) as (
    select 'found', q.matched_at from review_queue q where q.vendor = %(vendor)s
    union all
    select v.verdict, v.judged_at
    from review_queue q
    join standing_verdict v on v.finding = q.finding
    where q.vendor = %(vendor)s and v.verdict in ('confirmed', 'rejected')
    union all
    select e.kind, e.happened_at
    from takedown_case c
    join case_event e on e.takedown_case = c.id
    join case_event_listing on case_event = e.id
    where c.seller = %(vendor)s and e.kind in ('asked', 'filed')
    union all
    select 'removed', r.removed_at
    from review_queue q
    join removal r on r.finding = q.finding
    where q.vendor = %(vendor)s
    union all
    select 'seen again', r.shown_again_at
    from review_queue q
    join removal r on r.finding = q.finding
    where q.vendor = %(vendor)s and r.shown_again_at is not null
)
select kind, date_trunc('week', at at time zone 'UTC')::date as week, count(*) as times
from event
where at >= %(since)s
group by kind, week
order by week, kind;

-- count_shared --
-- Counts by vendor and artisan, or shop, the findings that nobody rejected: of a vendor and of those who share most artisans
-- with it. The artisans with the most findings come first, and so do the vendors.
with own as (
    select artisan, case when artisan is null then shop end as shop, count(*) as findings
    from review_queue
    where vendor = %(vendor)s and verdict is distinct from 'rejected' and (artisan is not null or shop is not null)
    group by 1, 2
    order by findings desc, 1, 2
    limit %(artisans)s
), counted as (
    select q.vendor, own.artisan, own.shop, count(*) as findings
    from own
    join review_queue q on (own.artisan is not null and q.artisan = own.artisan)
        or (own.artisan is null and q.artisan is null and q.shop = own.shop)
    where q.vendor is not null and q.verdict is distinct from 'rejected'
    group by q.vendor, own.artisan, own.shop
), chosen as (
    select vendor, sum(findings) as of_all
    from counted
    group by vendor
    order by vendor = %(vendor)s desc, count(*) desc, of_all desc, vendor
    limit %(vendors)s
)
select
    s.id as vendor_id, coalesce(s.name, s.seller_ref) as vendor, coalesce(a.name, shop.name, shop.seller_ref) as artisan,
    counted.findings
from chosen
join counted using (vendor)
join seller s on s.id = counted.vendor
left join artisan a on a.id = counted.artisan
left join seller shop on shop.id = counted.shop
where a.opted_out_at is null
order by counted.vendor = %(vendor)s desc, chosen.of_all desc, s.id, counted.findings desc, artisan;
