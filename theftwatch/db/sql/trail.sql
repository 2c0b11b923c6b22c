-- insert_trail_due --
-- Puts findings down from which the trail has not been followed: those of given images that match.
insert into trail_due (finding)
select distinct f.id
from match m
join listing_image li on li.image = m.suspect_image
join finding f on f.suspect_listing = li.listing
where (m.suspect_image = any(%(images)s::bigint[]) or m.original_image = any(%(images)s::bigint[]))
    and m.decision = 'match' and f.followed_at is null
on conflict do nothing;

-- reopen_trail --
-- Puts findings down from which the trail was followed and may lead on, as more is known of these sellers: those of their
-- own listings, and those of the listings of sellers of the same company or of the same name.
with known as (
    select s.id, s.marketplace, s.name from seller s where s.id = any(%(sellers)s::bigint[])
), concerned as (
    select id from known
    union
    select sibling.sibling from known join sibling on sibling.seller = known.id
    union
    select s.id
    from known
    join seller s on s.marketplace = known.marketplace and company_name_key(s.name) = company_name_key(known.name)
)
insert into trail_due (finding)
select f.id
from concerned
join listing l on l.seller = concerned.id
join finding f on f.suspect_listing = l.id and f.followed_at is not null
on conflict do nothing;

-- take_trail --
-- Takes up the findings that are due and have a match that counts, that no relation covers and that nobody rejected: from
-- these the trail leads on, by the best of their matches. One whose vendor is not known yet is taken up again when its listing is.
with due as (
    delete from trail_due returning finding
), led as (
    select
        f.id as finding, best.match_id, best.suspect_marketplace, best.suspect_seller_id, best.suspect_seller,
        best.suspect_url, best.suspect_title, coalesce(best.artisan, best.original_seller, 'an artisan') as whose
    from due
    join finding f on f.id = due.finding
    cross join lateral (
        select m.*
        from analysis.match m
        where m.suspect_listing_id = f.suspect_listing and m.finding_id = f.id
            and m.decision = 'match' and counts(m.suppressed_by, m.relation, m.verdict)
        order by m.score desc, m.match_id
        limit 1
    ) as best
), followed as (
    update finding set followed_at = %(now)s
    from led
    where finding.id = led.finding and led.suspect_seller_id is not null
)
select
    match_id, suspect_marketplace as marketplace, suspect_seller_id as seller, suspect_seller as seller_name,
    suspect_url as url, suspect_title as title, whose
from led
order by finding;

-- find_trail_shops --
-- Lists the shops of sellers, and those of others of the same company, or of the same name alone, on the suspect side that
-- belong to no artisan.
with asked as (
    select unnest(%(sellers)s::bigint[]) as seller
), concerned as (
    select asked.seller, asked.seller as owner, 'own' as tie from asked
    union all
    select asked.seller, sibling.sibling, 'company' from asked join sibling using (seller)
    union all
    select asked.seller, namesake.id, 'name'
    from asked
    join seller s on s.id = asked.seller
    join seller namesake on namesake.marketplace = s.marketplace and namesake.id <> s.id
        and company_name_key(namesake.name) = company_name_key(s.name)
    where not exists (select from sibling where sibling.seller = s.id and sibling.sibling = namesake.id)
)
select
    concerned.seller, concerned.tie, a.marketplace, case a.kind when 'subdomain' then 'vendor' else 'shop' end as kind,
    a.value as ref
from concerned
join seller owner on owner.id = concerned.owner
join marketplace m on m.code = owner.marketplace
join seller_alias a on a.seller = owner.id and a.kind in ('subdomain', 'shop_name')
where concerned.tie = 'own'
    or (coalesce(owner.side, m.default_side) = 'suspect' and owner.artisan is null)
order by concerned.seller, concerned.tie desc, a.marketplace, a.value;

-- insert_trail_targets --
-- Adds targets that matches lead to, the nearest first and as many as a match may lead to; those that are there stay as
-- they are.
insert into target (marketplace, kind, ref, every, priority, reason, match, step, added_at, due_at)
select marketplace, kind, ref, every, priority, reason, match, step, %(now)s, %(now)s
from (
    select g.*, row_number() over (partition by g.match order by g.step, g.place) as in_turn
    from unnest(
        %(marketplaces)s::text[], %(kinds)s::text[], %(refs)s::text[], %(everys)s::interval[], %(priorities)s::smallint[],
        %(reasons)s::text[], %(matches)s::bigint[], %(steps)s::smallint[]
    ) with ordinality as g (marketplace, kind, ref, every, priority, reason, match, step, place)
    where not exists (
        select from target t where t.marketplace = g.marketplace and t.kind = g.kind and t.ref = g.ref
    )
) as led
where in_turn <= %(most)s - (
    select count(*) from target t where t.match = led.match and (t.found_on is null or t.step = 3)
)
on conflict do nothing
returning ref;
