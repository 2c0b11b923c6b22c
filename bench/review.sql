-- artisans --
-- An artisan for every other shop.
insert into artisan (name) select 'Artisan ' || n from generate_series(0, %(size)s / 5000, 2) as n;

-- sellers --
-- A vendor for every 200 matches, and a shop for every 5,000.
insert into seller (marketplace, seller_ref, name, artisan, first_seen_at, last_seen_at)
select 'alibaba', 'v' || n, 'Vendor ' || n, null, '2026-11-01'::timestamptz, '2026-11-01'::timestamptz from generate_series(0, %(size)s / 200) as n
union all
select 'etsy', 's' || n, 'Shop ' || n, (select id from artisan where name = 'Artisan ' || n), '2026-11-01'::timestamptz, '2026-11-01'::timestamptz from generate_series(0, %(size)s / 5000) as n;

-- originals --
-- An original for every ten matches.
insert into listing (marketplace, listing_ref, seller, url, title, first_seen_at, last_seen_at, complete)
select 'etsy', 'o' || n, s.id, 'https://www.etsy.com/listing/' || n, 'Original ' || n, '2026-11-01'::timestamptz, '2026-11-01'::timestamptz, true
from generate_series(0, %(size)s / 10) as n
join seller s on s.marketplace = 'etsy' and s.seller_ref = 's' || n / 500;

-- suspects --
insert into listing (marketplace, listing_ref, seller, url, title, first_seen_at, last_seen_at, complete)
select 'alibaba', 'c' || n, s.id, 'https://www.alibaba.com/product-detail/_' || n || '.html', 'Copy ' || n,
    '2026-11-01'::timestamptz, '2026-11-01'::timestamptz, true
from generate_series(1, %(size)s) as n
join seller s on s.marketplace = 'alibaba' and s.seller_ref = 'v' || n / 200;

-- images --
insert into image (sha256, byte_count, format, width_px, height_px, first_seen_at)
select sha256(convert_to(l.listing_ref, 'utf8')), 200000, 'JPEG', 800, 600, '2026-11-01'::timestamptz from listing l;

-- places --
insert into listing_image (listing, position, image, source_url, image_key, shown, first_seen_at, last_seen_at)
select l.id, 0, i.id, 'https://images.example/' || l.listing_ref, l.listing_ref, true, '2026-11-01'::timestamptz, '2026-11-01'::timestamptz
from listing l
join image i on i.sha256 = sha256(convert_to(l.listing_ref, 'utf8'));

-- matches --
-- One of ten is only possible.
insert into match (
    original_image, suspect_image, decision, score, method, transform, explanation, algorithm_version, first_matched_at,
    decided_at
)
select
    o.id, s.id, case when n %% 10 = 3 then 'possible' else 'match' end,
    case when n %% 10 = 3 then 0.5 + 0.48 * (n %% 997) / 997 else 0.98 + 0.02 * (n %% 997) / 997 end, 'phash', '{"scale": 0.6}'::jsonb, 'alike', 1,
    -- over some ten months
    '2026-11-01'::timestamptz - interval '300 days' + n * (interval '301 days' / %(size)s), '2026-11-02'::timestamptz
from generate_series(1, %(size)s) as n
join image s on s.sha256 = sha256(convert_to('c' || n, 'utf8'))
join image o on o.sha256 = sha256(convert_to('o' || n / 10, 'utf8'));

-- decisions --
insert into match_decision (match, algorithm_version, method, score, decision, decided_at)
select id, algorithm_version, method, score, decision, decided_at from match where %(size)s > 0;

-- findings --
insert into finding (original_listing, suspect_listing, first_found_at)
select o.listing, s.listing, m.first_matched_at
from match m
join listing_image o on o.image = m.original_image
join listing_image s on s.image = m.suspect_image;

-- queue --
-- One of a hundred was judged, and one of a thousand photos was turned.
insert into review_queue (
    finding, urgent, score, matched_at, because, verdict, direction, marketplace, vendor, shop, artisan, decision, edits,
    matched, possible, best_score, best_pair, original_first_seen_at, suspect_first_seen_at, first_matched_at, last_matched_at
)
select
    f.id, false, m.score, m.first_matched_at, case when f.id %% 100 > 0 then 'not judged' end,
    case when f.id %% 100 = 0 then 'confirmed' end, 'original_first', l.marketplace, l.seller, o.seller, os.artisan, m.decision,
    case when f.id %% 1000 = 7 then '{resized,turned}'::text[] else '{resized}' end,
    case when m.decision = 'match' then array[m.id] else '{}' end,
    case when m.decision = 'possible' then array[m.id] else '{}' end,
    m.score, m.id, o.first_seen_at, l.first_seen_at, m.first_matched_at, m.first_matched_at
from finding f
join listing l on l.id = f.suspect_listing
join listing o on o.id = f.original_listing
join seller os on os.id = o.seller
join listing_image li on li.listing = l.id
join match m on m.suspect_image = li.image;
