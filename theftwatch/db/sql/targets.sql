-- upsert_targets --
-- Adds targets as a person wants them, due at once; one that is there already gets the new interval, priority and reason.
insert into target as t (marketplace, kind, ref, url, every, priority, reason, added_at, due_at)
select marketplace, kind, ref, url, every, priority, reason, %(now)s, %(now)s
from unnest(
    %(marketplaces)s::text[], %(kinds)s::text[], %(refs)s::text[], %(urls)s::text[], %(everys)s::interval[],
    %(priorities)s::smallint[], %(reasons)s::text[]
) as g (marketplace, kind, ref, url, every, priority, reason)
on conflict (marketplace, kind, ref) do update set
    every = excluded.every,
    priority = excluded.priority,
    reason = excluded.reason,
    paused_at = null,
    -- one that a job is at keeps its lease
    due_at = case when t.lease_token is null then excluded.due_at else t.due_at end
returning t.id, t.added_at = %(now)s;

-- insert_found_targets --
-- Adds the listings that a target's page led to, due at once; those that are known stay as they are.
insert into target (marketplace, kind, ref, url, every, priority, reason, found_on, added_at, due_at)
select t.marketplace, 'listing', g.ref, g.url, greatest(t.every, %(every)s), t.priority, %(reason)s, t.id, %(now)s, %(now)s
from unnest(%(refs)s::text[], %(urls)s::text[]) as g (ref, url)
join target t on t.id = %(found_on)s
on conflict (marketplace, kind, ref) do nothing
returning id;

-- lease_targets --
-- Gives a job the targets that are due, by priority and then those that are the longest; a target is due again when the
-- lease runs out. Priorities are asked one by one, as each is a list of its own in the index.
with due as materialized (
    select chosen.id, rank.priority, chosen.due_at
    from generate_series(9, 0, -1) as rank (priority)
    cross join lateral (
        select t.id, t.due_at
        from target t
        where t.marketplace = %(marketplace)s and t.priority = rank.priority and t.paused_at is null
            and t.due_at <= %(now)s
        order by t.due_at, t.id
        limit %(most)s
        for update skip locked
    ) as chosen
    limit %(most)s
), leased as (
    update target t
    set lease_token = %(token)s, due_at = %(until)s, leases = t.leases + 1, run = %(run)s
    from due
    where t.id = due.id
    returning t.id, t.kind, t.ref, t.url, due.priority, due.due_at as since
)
select id, kind, ref, url from leased order by priority desc, since, id;

-- renew_leases --
-- Puts off the end of a job's leases.
update target set due_at = %(until)s where id = any(%(ids)s::bigint[]) and lease_token = %(token)s returning id;

-- finish_targets --
-- Notes how leased targets went, where the lease still holds. What was not well comes again sooner at first, and ever
-- later while it stays so.
update target t
set lease_token = null,
    leases = 0,
    finished_at = %(now)s::timestamptz,
    outcome = g.outcome,
    failures = case when g.outcome = 'ok' then 0 else t.failures + 1 end,
    due_at = %(now)s::timestamptz + case
        when g.outcome in ('ok', 'refused', 'gone') then t.every
        else least(t.every, %(retry)s::interval * power(2, least(t.failures, 16)))
    end
from unnest(%(ids)s::bigint[], %(outcomes)s::text[]) as g (id, outcome)
where t.id = g.id and t.lease_token = %(token)s
returning t.id;

-- release_targets --
-- Gives back leases of which nothing was done.
update target t
set lease_token = null, leases = t.leases - 1, due_at = %(now)s
where t.id = any(%(ids)s::bigint[]) and t.lease_token = %(token)s;

-- list_targets --
-- Lists targets, those that are due first.
select
    t.id as target_id, t.marketplace, t.kind, t.ref, t.url, t.every, t.priority, t.reason, t.added_at, t.due_at,
    t.paused_at, t.lease_token is not null as leased, t.leases, t.finished_at, t.outcome, t.failures, t.run,
    found.kind as found_on_kind, found.ref as found_on_ref
from target t
left join target found on found.id = t.found_on
where (%(marketplace)s::text is null or t.marketplace = %(marketplace)s::text)
    and (%(due)s::timestamptz is null or (t.paused_at is null and t.due_at <= %(due)s::timestamptz))
order by t.paused_at is not null, t.due_at, t.id
limit %(most)s;

-- find_targets --
-- Finds targets by their numbers, or by marketplace, kind and ref.
select id from target
where id::text = any(%(words)s::text[]) or marketplace || ' ' || kind || '=' || ref = any(%(words)s::text[]);

-- pause_targets --
update target set paused_at = %(now)s where id = any(%(ids)s::bigint[]) and paused_at is null returning id;

-- resume_targets --
update target
set paused_at = null, due_at = case when lease_token is null then least(due_at, %(now)s) else due_at end
where id = any(%(ids)s::bigint[]) and paused_at is not null
returning id;

-- remove_targets --
-- Removes targets, and the listings that were found through them alone.
with recursive chosen as (
    select id from target where id = any(%(ids)s::bigint[])
    union
    select t.id from target t join chosen on t.found_on = chosen.id
)
delete from target t using chosen where t.id = chosen.id returning t.id;

-- insert_trail_due --
-- Puts vendors down whose listings show images that match, and who are not watched.
insert into trail_due (seller, match)
select distinct on (l.seller) l.seller, m.id
from match m
join listing_image li on li.image = m.suspect_image
join listing l on l.id = li.listing
join marketplace on marketplace.code = l.marketplace
join seller s on s.id = l.seller
where m.suspect_image = any(%(images)s::bigint[]) and m.decision = 'match'
    and coalesce(s.side, marketplace.default_side) = 'suspect'
    and not exists (
        select from seller_alias a
        join target t on t.marketplace = a.marketplace and t.kind in ('vendor', 'shop') and t.ref = a.value
        where a.seller = l.seller
    )
order by l.seller, m.id
on conflict do nothing;

-- follow_trail --
-- Has the shops watched of vendors with a match that counts and that no relation covers.
with due as (
    delete from trail_due returning seller, match
)
insert into target (marketplace, kind, ref, every, priority, reason, match, added_at, due_at)
select
    a.marketplace, case a.kind when 'subdomain' then 'vendor' else 'shop' end, a.value, %(every)s, %(priority)s,
    'its listing ' || f.suspect_url || ' shows a photo of ' || coalesce(f.artisan, f.original_seller, 'an artisan'),
    due.match, %(now)s, %(now)s
from due
cross join lateral (
    select f.suspect_url, f.artisan, f.original_seller
    from analysis.finding f
    where f.suspect_seller_id = due.seller and f.matches > 0 and f.relation is null
    order by f.best_score desc, f.finding_id
    limit 1
) as f
join seller_alias a on a.seller = due.seller and a.kind in ('subdomain', 'shop_name')
on conflict do nothing
returning ref;
