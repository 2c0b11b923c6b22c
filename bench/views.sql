-- others --
-- Listings that copy nothing, nine for each that does, each with a photo of its own.
insert into listing (marketplace, listing_ref, seller, url, title, first_seen_at, last_seen_at, complete)
select 'alibaba', 'x' || n, s.id, 'https://www.alibaba.com/product-detail/_x' || n || '.html', 'Thing ' || n,
    '2026-11-01'::timestamptz, '2026-11-01'::timestamptz, true
from generate_series(1, 9 * %(size)s) as n
join seller s on s.marketplace = 'alibaba' and s.seller_ref = 'v' || n / 1800;

-- other_images --
insert into image (sha256, byte_count, format, width_px, height_px, first_seen_at)
select sha256(convert_to(l.listing_ref, 'utf8')), 200000, 'JPEG', 800, 600, '2026-11-01'::timestamptz
from listing l
where l.listing_ref like 'x%%' and %(size)s > 0;

-- other_places --
insert into listing_image (listing, position, image, source_url, image_key, shown, first_seen_at, last_seen_at)
select l.id, 0, i.id, 'https://images.example/' || l.listing_ref, l.listing_ref, true, '2026-11-01'::timestamptz, '2026-11-01'::timestamptz
from listing l
join image i on i.sha256 = sha256(convert_to(l.listing_ref, 'utf8'))
where l.listing_ref like 'x%%' and %(size)s > 0;

-- lookups --
insert into lookup (image, side, algorithm_version, looked_up_at)
select i.image, coalesce(s.side, m.default_side), 4, '2026-11-02'::timestamptz
from listing_image i
join listing l on l.id = i.listing
join seller s on s.id = l.seller
join marketplace m on m.code = l.marketplace
where %(size)s > 0
on conflict do nothing;

-- directions --
insert into direction (finding, direction, margin_days, likelier_source, decided_at)
select id, case when id %% 10 = 0 then 'undecided' else 'original_first' end, 10, 'original', '2026-11-02'::timestamptz
from finding
where %(size)s > 0;

-- verdicts --
insert into verdict (finding, verdict, judged_by, judged_at)
select id, 'confirmed', 'Eva', '2026-11-03'::timestamptz from finding where id %% 100 = 0 and %(size)s > 0;

-- judged --
insert into judged_match (verdict, match, match_decision)
select v.id, p.match, d.id
from verdict v
join finding_pair p on p.finding = v.finding
join match_decision d on d.match = p.match
where %(size)s > 0;

-- first_sights --
insert into listing_event (listing, kind, seen_at)
select id, 'first_seen', first_seen_at from listing where %(size)s > 0;
