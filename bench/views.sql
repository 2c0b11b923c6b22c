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
where l.listing_ref like 'x%%';

-- other_places --
insert into listing_image (listing, position, image, source_url, image_key, shown, first_seen_at, last_seen_at)
select l.id, 0, i.id, 'https://images.example/' || l.listing_ref, l.listing_ref, true, '2026-11-01'::timestamptz, '2026-11-01'::timestamptz
from listing l
join image i on i.sha256 = sha256(convert_to(l.listing_ref, 'utf8'))
where l.listing_ref like 'x%%';

-- lookups --
insert into lookup (image, side, algorithm_version, looked_up_at)
select i.image, coalesce(s.side, m.default_side), 4, '2026-11-02'::timestamptz
from listing_image i
join listing l on l.id = i.listing
join seller s on s.id = l.seller
join marketplace m on m.code = l.marketplace;

-- directions --
insert into direction (finding, direction, margin_days, likelier_source, decided_at)
select id, case when id %% 10 = 0 then 'undecided' else 'original_first' end, 10, 'original', '2026-11-02'::timestamptz
from finding;

-- verdicts --
insert into verdict (finding, verdict, judged_by, judged_at)
select id, 'confirmed', 'Eva', '2026-11-03'::timestamptz from finding where id %% 100 = 0;

-- judged --
insert into judged_match (verdict, match, match_decision)
select v.id, d.match, d.id
from verdict v
join finding f on f.id = v.finding
join listing_image li on li.listing = f.suspect_listing
join match m on m.suspect_image = li.image
join match_decision d on d.match = m.id;

-- queued --
update review_queue q set verdict_id = v.id from verdict v where v.finding = q.finding;

-- kept --
select keep_judged(array(select match_decision from judged_match));

-- first_sights --
insert into listing_event (listing, kind, seen_at)
select id, 'first_seen', first_seen_at from listing where %(size)s > 0;

-- troubles --
-- One photo in a hundred cannot be compared, and as many could not be had.
update image set unusable_reason = 'flat' where id %% 100 = 1;

-- missing --
insert into listing_image (listing, position, image_key, source_url, missing_reason, shown, first_seen_at, last_seen_at)
select l.id, 1, l.listing_ref || '-1', 'https://images.example/' || l.listing_ref || '/1', 'http_404', true,
    '2026-11-01'::timestamptz, '2026-11-01'::timestamptz
from listing l
where l.id %% 100 = 2;

-- aliases --
insert into seller_alias (marketplace, kind, value, seller, first_seen_at)
select marketplace, 'subdomain', seller_ref, id, first_seen_at from seller where marketplace = 'alibaba';

-- targets --
insert into target (marketplace, kind, ref, every, due_at, reason, added_at)
select marketplace, 'vendor', seller_ref, interval '1 day', '2026-11-03'::timestamptz, 'watched', '2026-11-01'::timestamptz
from seller
where marketplace = 'alibaba';

-- runs --
insert into run (spider, arguments, host, version, started_at, heartbeat_at, finished_at, finish_reason, outcome, stats)
select 'alibaba', '{}', 'bench', '0', moment, moment, moment, 'finished', 'ok', '{}'
from generate_series('2026-10-01'::timestamptz, '2026-11-02'::timestamptz, interval '1 day') as moment;

-- visits --
insert into visit (target, run, outcome, finished_at, requests, pages, listings_seen, listings_expected)
select t.id, r.id, 'ok', r.finished_at, 5, 5, 200, 200 from target t cross join run r where %(size)s > 0;

-- removals --
insert into removal (finding, how, last_shown_at, missed_at, removed_at, run, shown_again_at)
select
    id, 'photo', '2026-11-04'::timestamptz, '2026-11-05'::timestamptz, '2026-11-06'::timestamptz,
    (select max(r.id) from run r), case when id %% 1000 = 0 then '2026-11-09'::timestamptz end
from finding
where id %% 200 = 0;

-- cases --
insert into takedown_case (artisan, seller, opened_at)
select distinct os.artisan, l.seller, '2026-11-04'::timestamptz
from verdict v
join finding f on f.id = v.finding
join listing l on l.id = f.suspect_listing
join listing o on o.id = f.original_listing
join seller os on os.id = o.seller
where os.artisan is not null;

-- case_listings --
insert into case_listing (takedown_case, listing, added_by, added_at)
select c.id, l.id, 'Eva', c.opened_at
from takedown_case c
join listing l on l.seller = c.seller
join finding f on f.suspect_listing = l.id
join verdict v on v.finding = f.id;

-- case_grounds --
insert into case_ground (case_listing, match_decision, finding, verdict, cited_at)
select cl.id, j.match_decision, v.finding, v.id, cl.added_at
from case_listing cl
join finding f on f.suspect_listing = cl.listing
join verdict v on v.finding = f.id
join judged_match j on j.verdict = v.id;

-- case_events --
insert into case_event (takedown_case, kind, route, reference, happened_at, answer_due_at, removal_due_at, made_by, made_at)
select c.id, e.kind, e.route, e.reference, c.opened_at, c.opened_at + e.answer, c.opened_at + e.removal, 'Eva', c.opened_at
from takedown_case c
cross join (
    values ('opened', null, null, null::interval, null::interval), ('filed', 'portal', 'IPP-1', '3 days', '4 days')
) as e (kind, route, reference, answer, removal);

-- case_event_listings --
insert into case_event_listing (case_event, case_listing)
select e.id, cl.id from case_event e join case_listing cl using (takedown_case) where %(size)s > 0;

-- coverage_due --
insert into coverage_due select 'seller ' || id from seller on conflict do nothing;

-- sums_due --
insert into sum_due select distinct 'seller ' || vendor from review_queue on conflict do nothing;
