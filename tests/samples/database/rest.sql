-- Rows of the tables that the record of tests/released.py leaves empty: made up, of the right shapes.
insert into run (spider, arguments, jobid, host, version, started_at, heartbeat_at, finished_at, finish_reason, outcome, stats)
values (
    'alibaba', '{"vendor": "harbour"}', 'alibaba-1', 'node-1', '0.1.0', '2026-11-01 02:00Z', '2026-11-01 02:10Z',
    '2026-11-01 02:11Z', 'finished', 'ok', '{"theftwatch/listing/stored": 3}'
);
insert into visit (target, run, outcome, finished_at, requests, pages, listings_seen, listings_expected)
select min(t.id), max(r.id), 'ok', '2026-11-01 02:10Z', 4, 4, 3, 3 from target t cross join run r;
insert into page_problem (run, url, kind, detail, http_status, seen_at)
select max(id), 'https://www.alibaba.com/product-detail/x', 'blocked', 'a slider', 200, '2026-11-01 02:05Z' from run
on conflict do nothing;
insert into host_budget (host, next_at, delay) values ('www.alibaba.com', '2026-11-01 02:10:03Z', '3 s');
insert into page_validator (url, etag, listing_refs, leads_to, version, read_at)
values ('https://harbour.en.alibaba.com/productlist.html', '"1"', '{201}', '{}', '1', '2026-11-01 02:10Z');
insert into image_validator (url, image, etag) select 'https://images.example/1.jpg', min(id), '"2"' from image;
insert into absence (listing, run, seen_at) select max(l.id), max(r.id), '2026-11-01 02:10Z' from listing l cross join run r;
insert into removal (finding, how, last_shown_at, missed_at, removed_at, run)
select max(f.id), 'gone', '2026-11-01 02:00Z', '2026-11-01 08:00Z', '2026-11-01 14:00Z', max(r.id)
from finding f cross join run r;
insert into trail_due (finding) select max(id) from finding on conflict do nothing;
insert into phash (hash) values (81985529216486895) on conflict do nothing;
insert into image_phash (image, variant, hash, hash_256)
select min(id), 'plain', 81985529216486895, sha256('a hash') from image
on conflict do nothing;
insert into descriptor (image, part, place, model, embedding, code)
select min(id), 0, '{0,0,1,1}', 'distilled', convert_to(repeat('ab', 512), 'UTF8'), repeat('10', 256)::bit(512) from image;
insert into descriptor_code (image, side, part, code)
select min(id), 'original', 0, repeat('10', 256)::bit(512) from image;
insert into local_features (image, packed) select min(id), 'packed' from image;
insert into date_inquiry (source, url, listing, answer, asked_at)
select 'wayback', min(url), min(id), 'nothing', '2026-11-01 03:00Z' from listing;
insert into capture (listing, why, state, url, http_status, taken_at, manifest_sha256)
select min(suspect_listing), 'found', 'taken', 'https://www.alibaba.com/listing/201', 200, '2026-11-01 04:00Z', sha256('manifest')
from finding;
insert into capture_file (capture, name, role, sha256, byte_count, media_type)
select id, 'page.html', 'page', sha256('page'), 4, 'text/html' from capture;
insert into capture_finding (capture, finding)
select c.id, f.id from capture c join finding f on f.suspect_listing = c.listing;
insert into timestamp_authority (url, certificates, certificates_sha256)
values ('https://tsa.example', 'PEM', sha256('PEM'));
insert into timestamp_token (sha256, authority, token, stamped_at, expires_at)
select i.sha256, a.id, 'token', '2026-11-01 05:00Z', '2036-11-01Z'
from timestamp_authority a cross join (select sha256 from image order by id limit 1) as i;
insert into company_alias (marketplace, kind, value, seller, first_seen_at)
select 'alibaba', 'company_id', '4711', min(id), '2026-11-01Z' from seller where marketplace = 'alibaba';
insert into relation (artisan, seller, kind, note, active, made_by, made_at)
select min(a.id), max(s.id), 'licensee', 'a contract', true, 'Eva', '2026-11-01Z' from artisan a cross join seller s;
insert into dossier_consent (artisan, note, entered_by, entered_at)
select min(id), 'by mail', 'Eva', '2026-11-01Z' from artisan;
insert into access.account values ('Eva', 'reviewer', 'argon2id of a password', '2026-11-01Z');
insert into access.web_session values (sha256('token'), 'Eva', '2026-12-01Z');
insert into erasure (photos, captures, byte_count, made_by, made_at) values (1, 0, 1000, 'Eva', '2026-11-01Z');
insert into unneeded_file values (sha256('of no use'));
insert into operator_digest (subject, body, sent_at) values ('1 new finding', 'At Harbour.', '2026-11-01 07:30Z');
insert into blind_sample (finding, week, decision, drawn_from, place, drawn_at)
select min(id), '2026-10-26', 'possible', 10, 0.5, '2026-11-01Z' from finding;
insert into context_due (kind, id) select 'queue', min(id) from finding on conflict do nothing;
insert into coverage_due (key) values ('alibaba') on conflict do nothing;
insert into alarm (kind, spider, value, usual, size, run, first_seen_at, last_seen_at)
select 'fewer_listings', 'alibaba', 3, 30, 30, max(id), '2026-11-01 02:11Z', '2026-11-01 02:11Z' from run;
