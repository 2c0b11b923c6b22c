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
    -- asked for by itself, it no longer goes when the list goes, nor is it seen less often while it stays as it is
    found_on = null,
    -- one that a job is at keeps its lease
    due_at = case when t.lease_token is null then excluded.due_at else t.due_at end
returning t.id, t.added_at = %(now)s;

-- insert_found_targets --
-- Adds the listings that a target's page led to, due at once, for the match that led to the target; of a showroom, which has
-- goods of vendors without a match, no more than a match may lead to. Of those that are known it makes those due whose card in the
-- list has changed, that were taken for gone, or that did not go well while the list did not show them. Returns each listing,
-- whether it is new, and whether its card is to be stored, as the record lacks the listing or a photo on the card.
with shown as materialized (
    select s.ref, s.url, s.card, s.place, p.id as parent, p.marketplace, p.every, p.priority, p.match, p.step
    from unnest(%(refs)s::text[], %(urls)s::text[], %(cards)s::bytea[]) with ordinality as s (ref, url, card, place)
    join target p on p.id = %(found_on)s
), known as materialized (
    select
        t.id, shown.card,
        coalesce(t.card <> shown.card, false) or coalesce(l.state = 'gone', false)
            or (t.unlisted_at is not null and t.outcome is distinct from 'ok') as is_due
    from shown
    join target t on t.marketplace = shown.marketplace and t.kind = 'listing' and t.ref = shown.ref
    left join listing l on l.marketplace = shown.marketplace and l.listing_ref = shown.ref
    -- one that a job is at may have been read before the change: its card stays as it was, and the next list tells
    where shown.card is not null and t.lease_token is null
        and (t.card is distinct from shown.card or t.unlisted_at is not null or l.state = 'gone')
), compared as (
    update target t
    set card = known.card,
        unlisted_at = null,
        unchanged = case when known.is_due then 0 else t.unchanged end,
        due_at = case when known.is_due then least(t.due_at, %(now)s) else t.due_at end
    from known
    where t.id = known.id
), added as (
    insert into target (
        marketplace, kind, ref, url, every, priority, reason, found_on, match, step, added_at, due_at, card
    )
    select
        marketplace, 'listing', ref, url, greatest(every, %(every)s), priority, %(reason)s, parent, match, step, %(now)s,
        %(now)s, card
    from shown
    where step is distinct from 3 or place <= %(trail_most)s - (
        select count(*) from target led where led.match = shown.match and (led.found_on is null or led.step = 3)
    )
    on conflict (marketplace, kind, ref) do nothing
    returning ref
)
select
    shown.ref, added.ref is not null as is_new,
    l.id is null or exists (
        select from unnest(%(photo_refs)s::text[], %(photo_keys)s::text[]) as photo (ref, key)
        where photo.ref = shown.ref
            and not exists (select from listing_image li where li.listing = l.id and li.image_key = photo.key)
    ) as is_to_be_stored
from shown
left join added using (ref)
left join listing l on l.marketplace = shown.marketplace and l.listing_ref = shown.ref
where shown.card is not null;

-- hurry_unlisted --
-- Makes listings due once that a list no longer shows which was read to its end, as their own addresses know whether they are
-- gone. A list that shows none of its listings says nothing, nor does one whose goods change with each look, as a search.
with list as (
    select p.id, p.leased_at
    from target p
    where p.id = any(%(ids)s::bigint[]) and p.kind in ('shop', 'vendor')
), shown as (
    select
        t.id, list.id as list, t.lease_token is null and t.unlisted_at is null as is_free,
        l.last_seen_at >= list.leased_at as is_shown
    from list
    join target t on t.found_on = list.id and t.kind = 'listing' and t.card is not null
    join listing l on l.marketplace = t.marketplace and l.listing_ref = t.ref
)
update target t
set unlisted_at = %(now)s, due_at = least(t.due_at, %(now)s)
from shown
where t.id = shown.id and not shown.is_shown and shown.is_free
    and shown.list in (select list from shown where is_shown);

-- lease_targets --
-- Gives a job the targets that are due, by priority and then those that are the longest; a target is due again when the
-- lease runs out. Priorities are asked one by one, as each is a list of its own in the index. What a host has that is left
-- alone stays due, as nothing would come of it; a listing that was never asked for is thought to be on its own page's host.
with due as materialized (
    select chosen.id, rank.priority, chosen.due_at
    from generate_series(9, 0, -1) as rank (priority)
    cross join lateral (
        select t.id, t.due_at
        from target t
        where t.marketplace = %(marketplace)s and t.priority = rank.priority and t.paused_at is null
            and t.due_at <= %(now)s and target_host(t) <> all(array(
                select host from host_budget where rests_until > %(now)s
            ))
        order by t.due_at, t.id
        limit %(most)s
        for update skip locked
    ) as chosen
    limit %(most)s
), leased as (
    update target t
    set lease_token = %(token)s, leased_at = %(now)s, due_since = coalesce(t.due_since, t.due_at), due_at = %(until)s,
        leases = t.leases + 1, run = %(run)s
    from due
    where t.id = due.id
    returning t.id, t.kind, t.ref, t.url, due.priority, due.due_at as since
)
select id, kind, ref, url from leased order by priority desc, since, id;

-- count_resting --
-- Counts targets that are due on hosts that are left alone, and says until when.
select count(*), max(b.rests_until)
from target t
join host_budget b on b.host = target_host(t) and b.rests_until > %(now)s
where t.marketplace = %(marketplace)s and t.paused_at is null and t.due_at <= %(now)s;

-- renew_leases --
-- Puts off the end of a job's leases.
update target set due_at = %(until)s where id = any(%(ids)s::bigint[]) and lease_token = %(token)s returning id;

-- finish_targets --
-- Notes how leased targets went, where the lease still holds.
update target t
set lease_token = null,
    leases = 0,
    due_since = null,
    finished_at = %(now)s::timestamptz,
    outcome = went.outcome,
    failures = case when went.outcome = 'ok' then 0 else t.failures + 1 end,
    unchanged = case when went.changed then 0 when went.outcome = 'ok' then t.unchanged + 1 else t.unchanged end,
    requests = went.requests,
    host = coalesce(went.host, t.host)
from unnest(%(ids)s::bigint[], %(outcomes)s::text[], %(changed)s::bool[], %(requests)s::int[], %(hosts)s::text[])
    as went (id, outcome, changed, requests, host)
where t.id = went.id and t.lease_token = %(token)s
returning t.id;

-- insert_visits --
-- Keeps how finished targets went in their run. A list whose pages had not changed says again what it said of its length.
insert into visit as v (target, run, outcome, finished_at, requests, pages, listings_seen, listings_expected)
select
    t.id, t.run, t.outcome, t.finished_at, t.requests, went.pages, went.listings_seen,
    coalesce(went.listings_expected, before.listings_expected)
from unnest(%(ids)s::bigint[], %(pages)s::int[], %(listings_seen)s::int[], %(listings_expected)s::int[])
    as went (id, pages, listings_seen, listings_expected)
join target t on t.id = went.id and t.run is not null
left join lateral (
    select b.listings_expected from visit b
    where b.target = t.id and t.outcome = 'ok'
    order by b.finished_at desc
    limit 1
) as before on true
on conflict (target, run) do update set
    outcome = excluded.outcome,
    finished_at = excluded.finished_at,
    requests = v.requests + excluded.requests,
    pages = v.pages + excluded.pages,
    listings_seen = excluded.listings_seen,
    listings_expected = excluded.listings_expected;

-- set_next_visits --
-- Sets when finished targets are due again. What was not well, or is gone by its own word, comes again sooner at first, and
-- ever later while it stays so. An interval counts from the beginning of the run, less a tenth or an hour, where that was not
-- long ago by the interval's measure: else a schedule that keeps the same interval would come just too early each second time.
update target t
set due_at = case when t.outcome in ('ok', 'refused') then next.visit_at else least(next.visit_at, next.attempt_at) end
from (
    select
        f.id,
        coalesce(
            (
                select r.started_at - least(target_interval(f) / 10, interval '1 hour')
                from run r
                where r.id = f.run and r.started_at >= %(now)s::timestamptz - target_interval(f) / 4
            ),
            %(now)s::timestamptz
        ) + target_interval(f) as visit_at,
        %(now)s::timestamptz + power(2, least(f.failures - 1, 16))
            * case f.outcome when 'gone' then %(gone)s::interval else %(retry)s::interval end as attempt_at
    from target f
    where f.id = any(%(ids)s::bigint[])
) as next
where t.id = next.id;

-- release_targets --
-- Gives back leases of which nothing was done, due since when they were, with the host that was to be asked, where that is
-- known by now.
update target t
set lease_token = null, leases = t.leases - 1, due_at = coalesce(t.due_since, %(now)s), due_since = null,
    host = coalesce(given.host, t.host)
from unnest(%(ids)s::bigint[], %(hosts)s::text[]) as given (id, host)
where t.id = given.id and t.lease_token = %(token)s;

-- list_targets --
-- Lists targets, those that are due first.
select
    t.id as target_id, t.marketplace, t.kind, t.ref, t.url, t.every, t.priority, t.reason, t.added_at, t.due_at,
    t.paused_at, t.lease_token is not null as leased, t.leases, t.finished_at, t.outcome, t.failures, t.run,
    target_interval(t) as comes_again_after, t.unchanged, t.unlisted_at, t.requests, t.host,
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
