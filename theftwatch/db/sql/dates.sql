-- find_inquiries_due --
-- Lists what the archive was not asked about since a moment: the pages of listings and the photos in them; of given
-- listings, else of those in findings, with the photos that matched. The undecided come first.
with finding_listing as (
    select v.listing, bool_or(d.direction is distinct from 'undecided' and d.direction is not null) as settled
    from finding f
    left join direction d on d.finding = f.id
    cross join lateral (values (f.original_listing), (f.suspect_listing)) as v (listing)
    where v.listing is not null
    group by v.listing
), chosen as (
    select unnest(%(listings)s::bigint[]) as listing, false as settled
    union all
    select listing, settled from finding_listing where %(listings)s::bigint[] is null
), question as (
    select c.settled, l.listing_id as listing, null::bigint as image, l.url, l.listing_ref as key, null::bytea as sha256
    from chosen c
    join analysis.listing l on l.listing_id = c.listing
    union all
    select c.settled, l.listing_id, i.id, li.source_url, li.image_key, i.sha256
    from chosen c
    join analysis.listing l on l.listing_id = c.listing
    join listing_image li on li.listing = c.listing
    join image i on i.id = li.image and i.bytes_state = 'held' and i.unusable_reason is null
    where %(listings)s::bigint[] is not null
        or exists (select from match m where m.original_image = i.id and m.decision <> 'no_match')
        or exists (select from match m where m.suspect_image = i.id and m.decision <> 'no_match')
)
select q.listing, q.image, q.url, q.key, q.sha256
from question q
where not exists (
    select from date_inquiry a where a.source = %(source)s and a.url = q.url and a.asked_at >= %(since)s::timestamptz
)
order by q.settled, q.listing, q.image nulls first, q.url;

-- find_publications_due --
-- Lists the addresses at which artisans have published files, and which were not asked about since a moment.
select f.image, f.published_url, i.sha256
from original_file f
join artisan a on a.id = f.artisan
join image i on i.id = f.image and i.bytes_state = 'held' and i.unusable_reason is null
where a.opted_out_at is null and f.published_url like any(%(like)s::text[])
    and not exists (
        select from date_inquiry q
        where q.source = %(source)s and q.url = f.published_url and q.asked_at >= %(since)s::timestamptz
    )
order by f.id;

-- upsert_inquiry --
insert into date_inquiry (source, url, listing, image, answer, asked_at)
values (%(source)s, %(url)s, %(listing)s, %(image)s, %(answer)s, %(now)s)
on conflict (source, url) do update set
    listing = excluded.listing,
    image = excluded.image,
    answer = excluded.answer,
    asked_at = excluded.asked_at;

-- find_inquiries --
-- Lists what was asked about a listing and its photos, and what the answer was.
select q.source, q.url, q.image, q.answer, q.asked_at
from date_inquiry q
where q.listing = %(listing)s or (q.listing is null and q.image = any(%(images)s::bigint[]))
order by q.asked_at, q.url;

-- insert_due_dated --
-- Notes the findings that a new claim on listings or images may decide otherwise.
insert into context_due (kind, id)
select 'finding', f.id
from finding f
where f.original_listing = any(%(listings)s::bigint[]) or f.suspect_listing = any(%(listings)s::bigint[])
union
select 'finding', f.id
from match m
join listing_image li on li.image = m.suspect_image
join finding f on f.suspect_listing = li.listing
where m.original_image = any(%(images)s::bigint[]) or m.suspect_image = any(%(images)s::bigint[])
on conflict do nothing;
