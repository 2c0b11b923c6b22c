-- insert_run --
insert into run (spider, arguments, jobid, host, version, started_at, heartbeat_at, progressed_at)
values (%(spider)s, %(arguments)s::jsonb, %(jobid)s, %(host)s, %(version)s, %(now)s, %(now)s, %(now)s)
returning id;

-- insert_refused_run --
-- Notes a run that could not begin; by the columns that each schema has.
insert into run (
    spider, arguments, jobid, host, version, started_at, heartbeat_at, finished_at, finish_reason, outcome
)
values (
    %(spider)s, %(arguments)s::jsonb, %(jobid)s, %(host)s, %(version)s, %(now)s, %(now)s, %(now)s, %(finish_reason)s,
    'failed'
);

-- notice_death --
-- Has the server notice within two minutes that the machine of this session is gone.
select
    set_config('tcp_keepalives_idle', '60', false), set_config('tcp_keepalives_interval', '15', false),
    set_config('tcp_keepalives_count', '4', false);

-- lock_job --
-- Says whether this session holds the lock of a job now; it does so to its end.
select pg_try_advisory_lock(hashtextextended(format('theftwatch job %%s %%s', %(spider)s::text, %(arguments)s::text), 0));

-- find_same_run --
-- Finds the newest run under way of a job.
select id, host, started_at at time zone 'UTC'
from run
where spider = %(spider)s and arguments = %(arguments)s::jsonb and finished_at is null
order by id desc
limit 1;

-- beat_run --
update run
set heartbeat_at = %(now)s, stats = %(stats)s::jsonb,
    progressed_at = case when %(progressed)s then %(now)s else progressed_at end
where id = %(id)s;

-- close_lost_runs --
-- Closes runs that were killed: their hearts beat no more. Whatever they had begun says nothing of what they did not see.
update run
set finished_at = heartbeat_at, finish_reason = 'killed', outcome = 'failed'
where finished_at is null and heartbeat_at < %(now)s::timestamptz - %(silent)s::interval
returning id;

-- ask_again --
-- Makes listings due of which runs that broke off had something to say that does not count: that their addresses know
-- nothing of them, or that they show none of the photos that matched.
with said as (
    select marketplace, listing_ref from page_problem where run = any(%(runs)s::bigint[]) and kind = 'gone'
    union
    select l.marketplace, l.listing_ref
    from absence a join listing l on l.id = a.listing
    where a.run = any(%(runs)s::bigint[])
)
update target t
set due_at = least(t.due_at, %(now)s)
from said
where t.marketplace = said.marketplace and t.kind = 'listing' and t.ref = said.listing_ref and t.lease_token is null;

-- finish_run --
update run
set finished_at = %(now)s, heartbeat_at = %(now)s, finish_reason = %(finish_reason)s, outcome = %(outcome)s,
    stats = %(stats)s::jsonb
where id = %(id)s;

-- insert_page_problem --
-- Notes a page that gave no data; with the listing whose own address it is, where it is one's.
insert into page_problem (run, target, url, kind, detail, http_status, page_sha256, seen_at, marketplace, listing_ref)
values (
    %(run)s, (select id from target where id = %(target)s::bigint), %(url)s, %(kind)s, %(detail)s, %(http_status)s, %(page_sha256)s, %(now)s, %(marketplace)s,
    %(listing_ref)s
)
on conflict (run, url) do nothing;

-- note_gone --
-- Takes listings of a run for gone whose own address has said so since they were last seen, in runs that saw all they were
-- to see, for as long as a marketplace's hiccup does not last; and notes that. Nothing else makes a listing gone.
with said as (
    select l.id, l.state as before, max(p.seen_at) - min(p.seen_at) as since, count(distinct p.run) as runs
    from page_problem here
    join listing l on l.marketplace = here.marketplace and l.listing_ref = here.listing_ref and l.state <> 'gone'
    join page_problem p on p.marketplace = l.marketplace and p.listing_ref = l.listing_ref
        and p.kind = 'gone' and p.seen_at > l.last_seen_at
    join run r on r.id = p.run and r.outcome = 'ok'
    where here.run = %(run)s and here.kind = 'gone'
    group by l.id
), gone as (
    update listing l set state = 'gone'
    from said
    where l.id = said.id and said.since >= %(at_least)s and said.runs > 1
    returning l.id, said.before
)
insert into listing_event (listing, run, kind, before, after, seen_at)
select id, %(run)s, 'state', to_jsonb(before), to_jsonb('gone'::text), %(now)s
from gone
returning listing;

-- look_again --
-- Makes listings due as soon as a second look can confirm what a run missed for the first time: a listing whose own address
-- says that it is gone, or one that shows no photo any more on which a finding rests. Not before, as it could confirm nothing.
with missed as (
    select p.marketplace, p.listing_ref, p.target, p.seen_at
    from page_problem p
    join listing l on l.marketplace = p.marketplace and l.listing_ref = p.listing_ref
        and l.state <> 'gone' and p.seen_at > l.last_seen_at
    where p.run = %(run)s and p.kind = 'gone'
    union all
    select l.marketplace, l.listing_ref, null, a.seen_at
    from absence a
    join listing l on l.id = a.listing
    where a.run = %(run)s and exists (
            select from matched_photo p
            where p.listing = a.listing
                and not exists (select from removal r where r.finding = p.finding and r.shown_again_at is null)
            group by p.finding
            having not bool_or(p.shown)
        )
), of as (
    select t.id, missed.seen_at
    from missed
    join target t on t.marketplace = missed.marketplace and t.kind = 'listing' and t.ref = missed.listing_ref
    union all
    -- one that is asked for together with the rest of its shop
    select target, seen_at from missed where target is not null
)
update target t
set due_at = least(t.due_at, of.seen_at + %(at_least)s)
from of
where t.id = of.id and t.lease_token is null;

-- find_import --
-- Sums up the newest run that took in a saved page.
select
    outcome, listings_stored, images_fetched, images_known, images_missing, matches, possible
from analysis.run
where spider = 'saved' and arguments ->> 'path' = %(path)s
order by run_id desc
limit 1;

-- note_removed --
-- Takes findings for removed whose photos a run did not see, as their listing is gone or shows none of them, where an
-- earlier run did not see them either, and both saw all they were to see. A run that met listings with fewer photos than is
-- usual has not seen that photos are gone. Nothing else removes a finding.
with touched as (
    select l.id as listing
    from page_problem p
    join listing l on l.marketplace = p.marketplace and l.listing_ref = p.listing_ref
    where p.run = %(run)s and p.kind = 'gone'
    union
    select listing from absence where run = %(run)s
), standing as (
    select p.finding, p.listing, bool_or(p.shown) as shown, max(p.last_seen_at) as last_shown_at
    from touched
    join matched_photo p using (listing)
    where not exists (select from removal r where r.finding = p.finding and r.shown_again_at is null)
    group by p.finding, p.listing
), missed as (
    select standing.finding, standing.last_shown_at, 'photo' as how, a.run, a.seen_at
    from standing
    join absence a on a.listing = standing.listing and a.seen_at > standing.last_shown_at
    where not standing.shown
    union all
    select standing.finding, standing.last_shown_at, 'gone', p.run, p.seen_at
    from standing
    join listing l on l.id = standing.listing
    join page_problem p on p.marketplace = l.marketplace and p.listing_ref = l.listing_ref
        and p.kind = 'gone' and p.seen_at > l.last_seen_at
)
insert into removal (finding, how, last_shown_at, missed_at, removed_at, run)
select
    finding, (array_agg(how order by seen_at desc, how))[1], last_shown_at, min(seen_at), max(seen_at),
    (array_agg(missed.run order by seen_at, missed.run))[1]
from missed
join run r on r.id = missed.run and r.outcome = 'ok' and (missed.how = 'gone' or not misses_photos(r))
group by finding, last_shown_at
having max(seen_at) - min(seen_at) >= %(at_least)s and count(distinct missed.run) > 1
returning finding;

-- sum_up_given --
-- Sums up what came of photos that an artisan gave.
with given as (
    select id, unusable_reason from image where sha256 = any(%(sha256s)s::bytea[])
)
select
    (select count(*) from given), (select count(unusable_reason) from given),
    (
        select count(looked_up_at) from given join lookup on image = id and side = 'original'
        where unusable_reason is null
    ),
    (select count(*) from given join match on original_image = given.id and decision = 'match'),
    (select count(*) from given join match on original_image = given.id and decision = 'possible');
