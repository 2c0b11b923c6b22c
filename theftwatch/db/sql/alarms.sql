-- lock_alarms --
-- Lets one at a time compare runs, until its transaction ends.
select pg_advisory_xact_lock(hashtext('theftwatch alarms'));

-- find_unexamined --
-- Lists runs that have ended and were not compared with those before them. Their arguments are null where they crawled what
-- was due.
select
    id, spider, case when arguments - '{limit,minutes}'::text[] <> '{}' then arguments end as arguments, finished_at,
    coalesce(stats, '{}') as stats
from run
where finished_at is not null and examined_at is null
order by finished_at, id;

-- note_examined --
update run set examined_at = %(now)s where id = any(%(ids)s::bigint[]);

-- sum_up_days --
-- Sums up the counters of the crawls of what is due, up to a moment, by the days that end with it: 0 is the last one.
select age, jsonb_object_agg(name, total) as counters
from (
    select
        floor(extract(epoch from %(until)s::timestamptz - r.finished_at) / 86400)::int as age, key as name,
        sum(value::text::numeric)::bigint as total
    from run r
    cross join lateral jsonb_each(r.stats)
    where r.spider = %(spider)s and r.arguments - '{limit,minutes}'::text[] = '{}'
        and r.finished_at <= %(until)s and r.finished_at > %(until)s::timestamptz - %(days)s * interval '1 day'
        and starts_with(key, 'theftwatch/') and jsonb_typeof(value) = 'number'
    group by 1, 2
) as counted
group by age
order by age;

-- find_earlier_runs --
-- Lists the counters of the runs of the same arguments before a given one, the newest first.
select coalesce(r.stats, '{}') as counters
from run r
where r.spider = %(spider)s and r.arguments = %(arguments)s::jsonb and r.id <> %(run)s and r.finished_at <= %(until)s
order by r.finished_at desc, r.id desc
limit %(most)s;

-- find_list_figures --
-- Finds how many listings the lists that a run read showed: now, the good visit before, and as the median of good visits before
-- that. Where an alarm stands that nobody has acknowledged, what is usual is what was usual when it was raised.
select
    t.id as target, now.listings_seen as seen, now.listings_expected as expected, past.before,
    coalesce(a.usual, past.usual) as usual, past.visits
from visit now
join target t on t.id = now.target and t.kind <> 'listing'
left join alarm a on a.kind = 'fewer_listings' and a.target = t.id and a.closed_at is null and a.acknowledged_at is null
cross join lateral (
    select
        max(v.listings_seen) filter (where v.nth = 1) as before,
        percentile_cont(0.5) within group (order by v.listings_seen) filter (where v.nth > 1) as usual,
        count(*) filter (where v.nth > 1) as visits
    from (
        select listings_seen, row_number() over (order by finished_at desc) as nth
        from visit
        where target = t.id and outcome = 'ok' and run <> now.run and finished_at <= now.finished_at
        order by finished_at desc
        limit %(most)s
    ) as v
) as past
where now.run = %(run)s and now.outcome = 'ok';

-- find_pauses --
-- Finds since how many days no crawl of what is due has found a new listing, the longest pause between two that had, on how
-- many days that was, and on how many days pages were shown since.
with looked as (
    select
        r.finished_at, coalesce((r.stats ->> 'theftwatch/listing/new')::bigint, 0) > 0 as has_new
    from run r
    where r.spider = %(spider)s and r.arguments - '{limit,minutes}'::text[] = '{}' and r.outcome in ('ok', 'partial')
        and r.finished_at <= %(until)s and r.finished_at > %(until)s::timestamptz - %(days)s * interval '1 day'
), new as (
    select finished_at, finished_at - lag(finished_at) over (order by finished_at) as pause from looked where has_new
), summed as (
    select max(finished_at) as last_at, max(pause) as longest, count(distinct finished_at::date) as days from new
)
select
    null::bigint as target, extract(epoch from %(until)s - last_at)::float / 86400 as quiet_days,
    extract(epoch from longest)::float / 86400 as longest_days, days,
    (select count(distinct finished_at::date) from looked where finished_at > last_at) as looked_days
from summed
where last_at is not null;

-- find_list_pauses --
-- Finds the same of each list that a run read.
select
    t.id as target, extract(epoch from %(until)s - new.last_at)::float / 86400 as quiet_days,
    extract(epoch from new.longest)::float / 86400 as longest_days, new.days,
    (
        select count(distinct v.finished_at::date) from visit v
        where v.target = t.id and v.outcome = 'ok' and v.finished_at > new.last_at
    ) as looked_days
from visit now
join target t on t.id = now.target and t.kind <> 'listing'
cross join lateral (
    select max(added_at) as last_at, max(pause) as longest, count(distinct added_at::date) as days
    from (
        select found.added_at, found.added_at - lag(found.added_at) over (order by found.added_at) as pause
        from target found
        where found.found_on = t.id and found.added_at > %(until)s::timestamptz - %(days)s * interval '1 day'
    ) as each
) as new
where now.run = %(run)s and now.outcome = 'ok' and new.last_at is not null;

-- find_usual --
-- Finds what was usual when alarms were raised that stand and that nobody has acknowledged.
select kind, detail, usual
from alarm
where spider = %(spider)s and target is null and arguments is not distinct from %(arguments)s::jsonb
    and closed_at is null and acknowledged_at is null and usual is not null;

-- raise_alarms --
-- Raises alarms, or notes that a run has shown again what stands. One that was silenced stays so, also where it had closed.
insert into alarm as a (
    kind, spider, target, arguments, detail, value, usual, size, run, first_seen_at, last_seen_at, silenced_until,
    silenced_by, silence_reason
)
select
    s.kind, s.spider, s.target, s.arguments, s.detail, s.value, s.usual, s.size, s.run, %(now)s, %(now)s,
    past.silenced_until, past.silenced_by, past.silence_reason
from unnest(
    %(kinds)s::text[], %(spiders)s::text[], %(targets)s::bigint[], %(arguments)s::jsonb[], %(details)s::text[],
    %(values)s::float[], %(usuals)s::float[], %(sizes)s::int[], %(runs)s::bigint[]
) as s (kind, spider, target, arguments, detail, value, usual, size, run)
left join lateral (
    select p.silenced_until, p.silenced_by, p.silence_reason
    from alarm p
    where p.silenced_until > %(now)s and p.kind = s.kind and p.spider = s.spider and p.detail = s.detail
        and p.target is not distinct from s.target and p.arguments is not distinct from s.arguments
    order by p.id desc
    limit 1
) as past on true
on conflict (kind, spider, target, arguments, detail) where closed_at is null do update set
    value = excluded.value,
    usual = excluded.usual,
    size = excluded.size,
    times = a.times + case when a.run = excluded.run then 0 else 1 end,
    run = excluded.run,
    last_seen_at = greatest(a.last_seen_at, excluded.last_seen_at)
returning id;

-- close_alarms --
-- Closes alarms of which a run shows that they are over.
update alarm a
set closed_at = %(now)s
from unnest(%(kinds)s::text[], %(spiders)s::text[], %(targets)s::bigint[], %(arguments)s::jsonb[], %(details)s::text[])
    as s (kind, spider, target, arguments, detail)
where a.closed_at is null and a.kind = s.kind and a.spider = s.spider and a.detail = s.detail
    and a.target is not distinct from s.target and a.arguments is not distinct from s.arguments
returning a.id;

-- find_hanging --
-- Lists runs that are alive and have done nothing for so long. Not while one waits for another to compare photos, and these
-- are being compared.
select id, spider, extract(epoch from %(now)s - progressed_at)::float / 60 as minutes
from run
where finished_at is null and progressed_at < %(now)s::timestamptz - %(at_least)s::interval
    and not (
        exists (
            select from pg_locks
            where locktype = 'advisory' and not granted
                and database = (select oid from pg_database where datname = current_database())
                and objid::bigint = hashtext('theftwatch drain')::bigint & 4294967295
        )
        and exists (select from lookup where looked_up_at > %(now)s::timestamptz - %(at_least)s::interval)
    );

-- close_hanging --
-- Closes the alarms of runs that hang no more: they have ended, or something moved on.
update alarm a
set closed_at = %(now)s
from run r
where a.kind = 'hanging' and a.closed_at is null and r.id = a.run
    and (r.finished_at is not null or r.progressed_at >= %(now)s::timestamptz - %(at_least)s::interval)
returning a.id;

-- find_alarms --
-- Lists alarms, the newest first; those that stand, or given ones. Pages follow each other by the last alarm of the one before.
select
    a.id as alarm_id, a.kind, a.spider, a.target as target_id, t.kind as target_kind, t.ref as target_ref, a.arguments,
    a.detail, a.value, a.usual, a.size, a.run as run_id, r.host, r.jobid, r.finish_reason, a.first_seen_at,
    a.last_seen_at, a.times, a.closed_at, a.acknowledged_at, a.acknowledged_by, a.silenced_until, a.silenced_by,
    a.silence_reason
from alarm a
join run r on r.id = a.run
left join target t on t.id = a.target
where case
    when %(ids)s::bigint[] is not null then a.id = any(%(ids)s::bigint[])
    when %(all)s then true
    else a.closed_at is null
end
    and (%(before)s::bigint is null or a.id < %(before)s::bigint)
order by a.closed_at is not null, a.id desc
limit %(most)s;

-- acknowledge_alarms --
update alarm
set acknowledged_at = %(now)s, acknowledged_by = %(by)s
where id = any(%(ids)s::bigint[]) and closed_at is null and acknowledged_at is null
returning id;

-- silence_alarms --
update alarm
set silenced_until = %(until)s, silenced_by = %(by)s, silence_reason = %(reason)s
where id = any(%(ids)s::bigint[])
returning id;
