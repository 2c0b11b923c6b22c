-- find_direction_rows --
-- Lists what is known of the pairs of given findings, and of all findings of the same suspect listings, since an artisan's
-- file may date the photo of a listing. Pairs that prove nothing are left out. Of a photo that stands twice in a listing
-- the first sight counts.
with wanted as (
    select distinct suspect_listing from finding where id = any(%(findings)s::bigint[])
)
select
    f.id as finding, f.suspect_listing, m.suspect_image, m.original_image,
    coalesce(os.artisan, file.artisan) as artisan,
    m.method, m.transform, orr.jpeg_quality as original_jpeg_quality, srr.jpeg_quality as suspect_jpeg_quality,
    f.original_listing,
    ol.marketplace as original_marketplace, ol.listed_at as original_listed_at,
    coalesce(o.first_seen_at, file.first_seen_at) as original_first_seen_at, o.published_at as original_published_at,
    coalesce(o.joined_later, false) as original_joined_later, file.dated_at,
    sl.marketplace as suspect_marketplace, sl.listed_at as suspect_listed_at,
    s.first_seen_at as suspect_first_seen_at, s.published_at as suspect_published_at,
    s.joined_later as suspect_joined_later
from wanted
join finding f using (suspect_listing)
join listing sl on sl.id = f.suspect_listing
left join listing ol on ol.id = f.original_listing
left join seller os on os.id = ol.seller
left join original_file file on file.id = f.original_file
join listing_image sli on sli.listing = f.suspect_listing
join match m on m.suspect_image = sli.image and m.decision <> 'no_match'
left join image_reading orr on orr.image = m.original_image
left join image_reading srr on srr.image = m.suspect_image
cross join lateral (
    select
        min(li.first_seen_at) as first_seen_at, min(li.published_at) as published_at,
        bool_and(joined_later(li)) as joined_later
    from listing_image li
    where li.listing = f.suspect_listing and li.image = m.suspect_image
) as s
left join lateral (
    select
        min(li.first_seen_at) as first_seen_at, min(li.published_at) as published_at,
        bool_and(joined_later(li)) as joined_later
    from listing_image li
    where li.listing = f.original_listing and li.image = m.original_image
) as o on true
where (o.first_seen_at is not null or file.image = m.original_image)
    and not exists (
        select from listing_image twin
        where twin.listing = sli.listing and twin.image = sli.image
            and (twin.position, twin.image_key) < (sli.position, sli.image_key)
    )
    and not exists (
        select from suppression p
        where p.image in (m.original_image, m.suspect_image) and p.active and (p.seller is null or p.seller = sl.seller)
    )
    and not exists (select from look_alike where look_alike.match = m.id)
order by f.id, m.original_image, m.suspect_image;

-- find_claims --
-- Lists what is claimed of given listings and images.
select c.listing, c.image, c.kind, c.earliest_at, c.latest_at, c.source, c.strength
from date_claim c
where c.listing = any(%(listings)s::bigint[]) or (c.listing is null and c.image = any(%(images)s::bigint[]))
order by c.listing, c.image, c.kind, c.source;

-- upsert_directions --
-- Writes the directions of findings; a finding none of whose pairs counts has none.
with answered as (
    select *
    from unnest(
        %(findings)s::bigint[], %(directions)s::text[], %(margins_days)s::int[], %(original_claims)s::jsonb[],
        %(suspect_claims)s::jsonb[], %(weakest_links)s::text[], %(missing_proofs)s::text[], %(likelier_sources)s::text[],
        %(pixel_reasons)s::jsonb[]
    ) as d (
        finding, direction, margin_days, original_claim, suspect_claim, weakest_link, missing_proof, likelier_source,
        pixel_reasons
    )
), gone as (
    delete from direction
    where finding = any(%(asked)s::bigint[]) and finding not in (select finding from answered)
)
insert into direction (
    finding, direction, margin_days, original_claim, suspect_claim, weakest_link, missing_proof, likelier_source,
    pixel_reasons, decided_at
)
select
    finding, direction, margin_days, original_claim, suspect_claim, weakest_link, missing_proof, likelier_source,
    array(select jsonb_array_elements_text(pixel_reasons)), %(now)s
from answered
on conflict (finding) do update set
    direction = excluded.direction,
    margin_days = excluded.margin_days,
    original_claim = excluded.original_claim,
    suspect_claim = excluded.suspect_claim,
    weakest_link = excluded.weakest_link,
    missing_proof = excluded.missing_proof,
    likelier_source = excluded.likelier_source,
    pixel_reasons = excluded.pixel_reasons,
    decided_at = excluded.decided_at;

-- find_listing --
-- Finds listings by address, by marketplace/key, or by the key alone.
select l.id, l.marketplace, l.listing_ref, l.url, l.title, coalesce(s.name, s.seller_ref) as seller, l.listed_at,
    l.first_seen_at, l.complete
from listing l
left join seller s on s.id = l.seller
left join artisan a on a.id = s.artisan
where (l.url = %(name)s or l.marketplace || '/' || l.listing_ref = %(name)s or l.listing_ref = %(name)s)
    and a.opted_out_at is null
order by l.marketplace, l.listing_ref
limit 3;

-- count_looked_up --
-- Counts the images of a listing that were compared with those of the other side, while there are any.
select count(*)
from listing_image li
join lookup u on u.image = li.image and u.looked_up_at is not null
where li.listing = %(listing)s
    and exists (select from lookup where side = 'original') and exists (select from lookup where side = 'suspect');

-- find_listing_places --
-- Lists the photos of a listing, with what is known of when each stood there.
select
    li.image, li.position, encode(i.sha256, 'hex') as sha256, li.source_url, li.image_key, li.first_seen_at,
    li.published_at, li.shown, li.missing_reason,
    joined_later(li) as joined_later
from listing_image li
left join image i on i.id = li.image
where li.listing = %(listing)s
order by li.shown desc, li.position, li.image_key;

-- find_listing_directions --
-- Lists the findings that a listing belongs to, on either side, with the claims that say who was first, and what became of
-- the copies.
select
    f.id as finding, case when f.suspect_listing = %(listing)s then 'suspect' else 'original' end as side,
    v.removed_at, v.removed_how, v.relistings, d.original_claim, d.suspect_claim
from finding f
-- one by one, by their keys: the planner would read all findings for a few
cross join lateral (select * from analysis.finding where finding_id = f.id offset 0) as v
left join direction d on d.finding = f.id
where f.suspect_listing = %(listing)s or f.original_listing = %(listing)s
order by f.id;

-- insert_due_findings --
insert into context_due (kind, id) select 'finding', unnest(%(findings)s::bigint[]) on conflict do nothing;
