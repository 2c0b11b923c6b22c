-- sum_up_last_day --
-- Sums up the counters of these spiders' runs that were at work in the last 24 hours, by spider and name.
select r.spider, substring(key from '^theftwatch/(.*)$') as name, sum(value::text::numeric)::bigint as total
from run r
cross join lateral jsonb_each(r.stats)
where r.spider = any(%(spiders)s::text[])
    and (
        r.finished_at > %(now)s::timestamptz - interval '1 day'
        or r.finished_at is null and r.heartbeat_at > %(now)s::timestamptz - interval '1 day'
    )
    and key ~ '^theftwatch/(page|listing|image|match)/' and jsonb_typeof(value) = 'number'
group by 1, 2
order by 1, 2;

-- count_runs_of_last_day --
-- Counts these spiders' runs that ended in the last 24 hours, by spider and outcome.
select spider, outcome, count(*)
from run
where spider = any(%(spiders)s::text[]) and finished_at > %(now)s::timestamptz - interval '1 day'
group by 1, 2
order by 1, 2;

-- find_last_good_runs --
-- Finds when a run of each of these spiders last went well.
select s.spider, good.finished_at
from unnest(%(spiders)s::text[]) as s (spider)
cross join lateral (
    select r.finished_at
    from run r
    where r.spider = s.spider and r.outcome = 'ok'
    order by r.finished_at desc
    limit 1
) as good
order by s.spider;

-- measure_store --
-- Measures what is stored. Large tables are not counted: the server's own estimate is good to some percent.
select
    name,
    case
        when reltuples > 100000 then reltuples::bigint
        when name = 'listing' then (select count(*) from listing)
        when name = 'image' then (select count(*) from image)
        when name = 'match' then (select count(*) from match)
        when name = 'finding' then (select count(*) from finding)
        when name = 'original_file' then (select count(*) from original_file)
        when name = 'seller' then (select count(*) from seller)
    end as rows
from unnest('{listing,image,match,finding,original_file,seller}'::text[]) as name
join pg_class on oid = name::regclass;

-- measure_database --
select pg_database_size(current_database());
