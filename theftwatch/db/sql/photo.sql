-- find_photo --
-- Finds a photo that people may look at.
select
    i.id as image, encode(i.sha256, 'hex') as sha256, i.format, i.width_px, i.height_px, i.byte_count,
    i.bytes_state = 'held' and i.format is not null as held, i.first_seen_at, i.unusable_reason
from image i
where i.sha256 = %(sha256)s and may_be_shown(i.id);

-- find_photo_places --
-- Lists the listings that show or showed a photo, in the order in which they came into the record.
select
    l.listing_id, l.side, l.marketplace, l.seller_id, coalesce(l.seller, l.seller_ref) as seller, l.artisan_id,
    l.artisan, l.title, l.url, l.state, min(li.first_seen_at) as first_seen_at, max(li.last_seen_at) as last_seen_at,
    bool_or(li.shown) as shown
from listing_image li
join analysis.listing l on l.listing_id = li.listing
where li.image = %(image)s and (%(after)s::bigint is null or li.listing > %(after)s::bigint)
group by
    l.listing_id, l.side, l.marketplace, l.seller_id, l.seller, l.seller_ref, l.artisan_id, l.artisan, l.title, l.url,
    l.state
order by l.listing_id
limit %(most)s;

-- find_photo_files --
-- Lists as what artisans gave a photo.
select a.id as artisan_id, a.name as artisan, f.kind, f.name, f.dated_at, f.first_seen_at
from original_file f
join artisan a on a.id = f.artisan
where f.image = %(image)s and a.opted_out_at is null
order by a.name, f.kind;

-- find_photo_matches --
-- Lists the photos that a photo matches, on either side of it, the surest first; with how many there are.
select
    case when m.original_image = %(image)s then 'copy' else 'original' end as other_is,
    encode(other.sha256, 'hex') as sha256, m.method, m.transform, m.first_matched_at, count(*) over () as of_all
from match m
join image other on other.id = case when m.original_image = %(image)s then m.suspect_image else m.original_image end
where %(image)s in (m.original_image, m.suspect_image) and m.decision <> 'no_match'
    and m.original_image <> m.suspect_image and may_be_shown(other.id)
order by m.score desc, m.id
limit %(most)s;

-- find_photo_findings --
-- Lists the findings in which a photo matches, on either side, in the order of the queue; with how many there are.
select q.finding, count(*) over () as of_all
from review_queue q
where q.finding in (
    select f.id
    from match m
    join listing_image li on li.image = m.suspect_image
    join finding f on f.suspect_listing = li.listing
    where %(image)s in (m.original_image, m.suspect_image) and m.decision <> 'no_match'
        and exists (
            select from listing_image o where o.listing = f.original_listing and o.image = m.original_image
            union all
            select from original_file o where o.id = f.original_file and o.image = m.original_image
        )
)
order by q.urgent desc, q.score desc, q.matched_at desc, q.finding desc
limit %(most)s;
