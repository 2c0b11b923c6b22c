-- refresh_relations --
-- Works out which relations hold at a moment, and notes the findings that another one covers now.
with changed as (
    update relation
    set active = holds
    from (
        select
            id,
            ended_at is null and coalesce(starts_at <= %(now)s, true) and coalesce(expires_at > %(now)s, true) as holds
        from relation
    ) as known
    where relation.id = known.id and relation.active <> known.holds
    returning relation.artisan
)
insert into context_due (kind, id)
select distinct 'queue', finding from changed join artisan_finding using (artisan)
on conflict do nothing;

-- find_artisan --
-- Finds an artisan by name, or by a shop's name, key or address.
select distinct a.id, a.name
from artisan a
left join seller s on s.artisan = a.id
where a.name = %(name)s or lower(s.name) = lower(%(name)s) or s.seller_ref = %(name)s
    or s.marketplace || '/' || s.seller_ref = %(name)s or s.url = %(name)s
order by a.name
limit 3;

-- find_artisans_named --
-- Finds the artisans of a name who did not opt out.
select id from artisan where lower(name) = lower(%(name)s) and opted_out_at is null;

-- find_sellers_named --
-- Finds sellers of a side, or with null of both, by name, key, address or alias.
select s.id, s.marketplace, s.seller_ref, coalesce(s.name, s.seller_ref), s.artisan
from seller s
join marketplace m on m.code = s.marketplace
where (%(side)s::text is null or coalesce(s.side, m.default_side) = %(side)s::text)
    and (
        lower(s.name) = lower(%(name)s) or s.seller_ref = %(name)s or s.marketplace || '/' || s.seller_ref = %(name)s
        or s.url = %(name)s
        or exists (select from seller_alias a where a.seller = s.id and lower(a.value) = lower(%(name)s))
    )
order by s.marketplace, s.seller_ref
limit %(most)s::bigint;

-- find_names_like --
-- Finds names and keys of artisans and sellers that are about as long as a name and begin or end like it.
select distinct called
from (
    select a.name from artisan a where %(side)s::text is distinct from 'suspect'
    union all
    select names.name
    from seller s
    join marketplace m on m.code = s.marketplace
    cross join lateral unnest(array[s.name, s.seller_ref, s.marketplace || '/' || s.seller_ref]) as names (name)
    where %(side)s::text is null or coalesce(s.side, m.default_side) = %(side)s::text
) as named (called)
where abs(length(called) - length(%(name)s::text)) <= 3
    and (
        lower(left(called, 2)) = lower(left(%(name)s::text, 2)) or lower(right(called, 2)) = lower(right(%(name)s::text, 2))
    )
limit %(most)s::bigint;

-- find_owner --
-- Finds what a seller is called, and its artisan.
select s.marketplace, s.seller_ref, coalesce(s.name, s.seller_ref), a.id, a.name
from seller s
left join artisan a on a.id = s.artisan
where s.id = %(seller)s;

-- own_seller --
-- Gives a seller its artisan, or takes it away.
update seller set artisan = %(artisan)s::bigint where id = %(seller)s;

-- find_original --
-- Finds a listing of an artisan's by address or marketplace/key, or a file of the artisan's by name.
select l.id as listing, null::bigint as file
from listing l
join seller s on s.id = l.seller
where s.artisan = %(artisan)s and (l.url = %(name)s or l.marketplace || '/' || l.listing_ref = %(name)s)
union all
select null, id from original_file where artisan = %(artisan)s and name = %(name)s
limit 2;

-- insert_relation --
with made as (
    insert into relation (
        artisan, seller, kind, original_listing, original_file, starts_at, expires_at, note, made_by, made_at, active
    )
    values (
        %(artisan)s, %(seller)s, %(kind)s, %(original_listing)s, %(original_file)s, %(starts_at)s, %(expires_at)s,
        %(note)s, %(by)s, %(now)s,
        coalesce(%(starts_at)s::timestamptz <= %(now)s, true) and coalesce(%(expires_at)s::timestamptz > %(now)s, true)
    )
    returning id, artisan
), noted as (
    insert into context_due (kind, id)
    select 'queue', finding from made join artisan_finding using (artisan)
    on conflict do nothing
)
select id from made;

-- find_whole_relation --
-- Finds the relation that covers all of an artisan's photos with a vendor and that nobody ended.
select id from relation
where artisan = %(artisan)s and seller = %(seller)s and kind = %(kind)s and original_listing is null
    and original_file is null and starts_at is null and expires_at is null and ended_at is null
order by id
limit 1;

-- end_relation --
with ended as (
    update relation set ended_at = %(now)s, ended_by = %(by)s, active = false
    where id = %(id)s and ended_at is null
    returning id, artisan
), noted as (
    insert into context_due (kind, id)
    select 'queue', finding from ended join artisan_finding using (artisan)
    on conflict do nothing
)
select id from ended;

-- find_relations --
-- Lists relations, those that hold first, with how many findings each covers; those that ended too, if asked.
select
    r.relation_id, r.artisan, r.marketplace, r.seller_ref, r.seller, r.kind, r.active, r.original_url,
    r.original_file_name, r.starts_at, r.expires_at, r.note, r.made_by, r.made_at, r.ended_at, r.ended_by,
    (
        select count(*) from analysis.finding f
        where f.artisan = r.artisan and f.suspect_seller_id = r.seller_id and f.relation is not null
    ) as findings
from analysis.relation r
where %(all)s or r.active
order by r.active desc, r.artisan, r.relation_id;

-- count_shops --
select count(*) from seller where artisan = %(artisan)s;
