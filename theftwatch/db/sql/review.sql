-- find_queue_cards --
-- Lists findings with what a card of the queue shows: the listings, and the surest pair of photos that counts.
select
    q.finding, q.because, q.verdict, q.direction, q.urgent, q.blind, q.vendor as vendor_id, m.decision, m.score, m.method,
    m.transform, m.original_sha256, m.suspect_sha256,
    m.artisan, m.original_seller, coalesce(m.original_title, m.original_file_name) as original_title,
    m.suspect_seller, m.suspect_title, m.suspect_marketplace
from unnest(%(findings)s::bigint[]) with ordinality as asked (finding, nth)
join review_queue q using (finding)
join finding f on f.id = q.finding
left join lateral (
    select * from analysis.match m
    where m.suspect_listing_id = f.suspect_listing and m.finding_id = f.id
    order by m.suppressed_by is not null, m.score desc, m.match_id
    limit 1
) as m on true
order by asked.nth;

-- count_queue --
-- Counts what waits to be looked at, up to a bound.
select count(*) from (select from review_queue where because is not null limit %(most)s) as waiting;

-- find_finding_sides --
-- Finds the two sides of a finding, the original first: listings, or the file that an artisan gave.
select
    1 as nth, 'original' as side, l.listing_id, l.marketplace, l.seller_id,
    coalesce(l.artisan_id, a.id) as artisan_id, coalesce(l.artisan, a.name) as artisan,
    coalesce(l.seller, l.seller_ref) as seller, l.seller_url, coalesce(l.title, file.name) as title, l.url,
    l.price_min, l.price_max, l.currency, l.listed_at, coalesce(l.first_seen_at, file.first_seen_at) as first_seen_at,
    l.last_seen_at, l.state, coalesce(file.kind, 'listing') as kind, file.dated_at
from finding f
left join analysis.listing l on l.listing_id = f.original_listing
left join original_file file on file.id = f.original_file
left join artisan a on a.id = file.artisan
where f.id = %(finding)s
union all
select
    2, 'suspect', l.listing_id, l.marketplace, l.seller_id, l.artisan_id, l.artisan,
    coalesce(l.seller, l.seller_ref), l.seller_url, l.title, l.url,
    l.price_min, l.price_max, l.currency, l.listed_at, l.first_seen_at, l.last_seen_at, l.state, 'listing', null
from finding f
join analysis.listing l on l.listing_id = f.suspect_listing
where f.id = %(finding)s
order by nth;

-- find_finding_claims --
-- Lists what is known of when the listings of a finding and the photos of one of its pairs existed.
with side as (
    select 1 as nth, 'original' as side, f.original_listing as listing, m.original_image as image
    from finding f, match m where f.id = %(finding)s and m.id = %(match)s
    union all
    select 2, 'suspect', f.suspect_listing, m.suspect_image
    from finding f, match m where f.id = %(finding)s and m.id = %(match)s
)
select side, about, kind, earliest_at, latest_at, source, strength
from (
    select side.nth, side.side, 'listing' as about, c.kind, c.earliest_at, c.latest_at, c.source, c.strength
    from side join date_claim c on c.listing = side.listing
    union
    select side.nth, side.side, 'photo', c.kind, c.earliest_at, c.latest_at, c.source, c.strength
    from side join date_claim c on c.image = side.image and c.listing is null
    union
    select side.nth, side.side, 'photo', 'first seen here', null, min(li.first_seen_at), 'theftwatch', 'strong'
    from side join listing_image li on li.listing = side.listing and li.image = side.image
    group by side.nth, side.side
) as claim
order by nth, coalesce(latest_at, earliest_at), kind, source;

-- find_other_places --
-- Lists other listings that show a photo of a pair, or a photo that the same original matches; with how many there are.
with pair as (
    select m.id, m.original_image, m.suspect_image from match m where m.id = %(match)s
), place as (
    select li.listing, 'the original' as shows, li.image, li.first_seen_at
    from pair join listing_image li on li.image = pair.original_image
    union all
    select li.listing, 'a copy', li.image, li.first_seen_at
    from pair
    join match m on m.original_image = pair.original_image and m.decision <> 'no_match'
    join listing_image li on li.image = m.suspect_image
)
select
    l.side, l.marketplace, coalesce(l.seller, l.seller_ref) as seller, l.seller_id, l.title, l.url, l.state,
    encode(i.sha256, 'hex') as sha256, min(place.shows) as shows, min(place.first_seen_at) as first_seen_at,
    count(*) over () as of_all
from place
join analysis.listing l on l.listing_id = place.listing
join image i on i.id = place.image
where not exists (
    select from finding f where f.id = %(finding)s and place.listing in (f.original_listing, f.suspect_listing)
)
group by l.listing_id, l.side, l.marketplace, l.seller, l.seller_ref, l.seller_id, l.title, l.url, l.state, i.sha256
order by first_seen_at, l.url
limit %(most)s;

-- find_finding_cases --
-- Lists the cases that rest on a finding.
select distinct cl.takedown_case
from case_ground g
join case_listing cl on cl.id = g.case_listing
where g.finding = %(finding)s
order by cl.takedown_case;

-- find_likeness --
-- Finds how often people confirmed pairs that were found alike and scored alike.
select score_from, score_to, judged, confirmed, rejected, precision, precision_low, precision_high
from analysis.precision
where algorithm_version = %(algorithm_version)s and method = %(method)s
    and %(score)s::real >= score_from::real and (%(score)s::real < score_to::real or score_to = 1);

-- find_image_file --
-- Finds in which format an image that may be shown is kept.
select i.format
from image i
where i.sha256 = %(sha256)s and i.bytes_state = 'held' and i.format is not null and may_be_shown(i.id);

-- find_seen --
-- Finds what a person is shown of findings: the verdict that stands, and the program's decisions on the pairs that count.
select
    f.id as finding, v.id as verdict,
    array(
        select d.id
        from analysis.match m
        join match_decision d on d.match = m.match_id and d.algorithm_version = m.algorithm_version
        where m.suspect_listing_id = f.suspect_listing and m.finding_id = f.id and m.suppressed_by is null
        order by d.id
    ) as decisions
from finding f
left join standing_verdict v on v.finding = f.id
where f.id = any(%(findings)s::bigint[]);

-- find_vendor_name --
select coalesce(seller, seller_ref), marketplace, seller_ref from analysis.seller where seller_id = %(vendor)s;

-- find_of_vendor --
-- Lists the findings with a vendor that need a look, in the order of the queue.
select finding
from review_queue
where vendor = %(vendor)s and because is not null
order by urgent desc, score desc, matched_at desc, finding desc
limit %(most)s;

-- find_vendor --
select
    s.seller_id, s.marketplace, s.seller_ref, coalesce(s.seller, s.seller_ref) as name, s.url, s.country, s.first_seen_at,
    s.last_seen_at,
    (select count(*) from listing l where l.seller = s.seller_id) as listings,
    (select count(*) from listing l where l.seller = s.seller_id and l.state = 'gone') as listings_gone
from analysis.seller s
where s.seller_id = %(vendor)s;

-- find_vendor_artisans --
-- Counts the findings with a vendor by whose originals they are on, and by what people said of them.
select
    a.id as artisan_id, s.id as shop_id, coalesce(a.name, s.name, s.seller_ref) as name,
    coalesce(a.name, s.marketplace || '/' || s.seller_ref) as narrow,
    count(*) as findings, count(*) filter (where q.because is not null) as waiting,
    count(*) filter (where q.verdict = 'confirmed') as confirmed,
    count(*) filter (where q.verdict = 'rejected') as rejected, count(*) filter (where q.verdict = 'unsure') as unsure
from review_queue q
left join artisan a on a.id = q.artisan
left join seller s on s.id = q.shop and a.id is null
where q.vendor = %(vendor)s and a.opted_out_at is null
group by a.id, a.name, s.id, s.name, s.marketplace, s.seller_ref
order by confirmed desc, findings desc, name
limit %(most)s;

-- find_vendor_siblings --
-- Lists the shops of the same company, with what stands on each.
select
    s.seller_id, s.marketplace, coalesce(s.seller, s.seller_ref) as name,
    (select count(*) from review_queue q where q.vendor = s.seller_id) as findings
from analysis.seller s
where s.seller_id <> %(vendor)s and s.seller_id in (select company(%(vendor)s))
order by findings desc, name
limit %(most)s;

-- find_vendor_cases --
-- Lists the newest cases with a vendor, one by one, so that they cost what they are.
select c.case_id, c.artisan, c.state, c.listings, c.opened_at, c.filed_at
from (select id from takedown_case where seller = %(vendor)s order by id desc limit %(most)s) as newest
cross join lateral (select * from analysis.case where case_id = newest.id offset 0) as c
order by c.is_open desc, c.opened_at desc;
