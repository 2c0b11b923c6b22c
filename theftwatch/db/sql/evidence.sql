-- find_case_grounds --
-- Lists the findings that a case rests on, each with whether a person still confirms it, and the reason of an override.
select g.finding, coalesce(v.verdict = 'confirmed', false), min(cl.override_reason)
from case_listing cl
join case_ground g on g.case_listing = cl.id
left join standing_verdict v on v.finding = g.finding
where cl.takedown_case = %(case)s
group by g.finding, v.verdict
order by g.finding;

-- find_evidence_findings --
-- Lists findings with what decides whether a complaint may rest on them.
select
    f.id as finding, v.verdict, v.judged_by, v.judged_at, v.proposable, v.not_proposable_because, v.direction, v.margin_days,
    v.weakest_link, v.missing_proof, v.likelier_source, v.pixel_reasons, v.original_kind,
    coalesce(v.original_title, v.original_file_name) as original, v.original_url, v.original_marketplace,
    v.suspect_title, v.suspect_url, v.suspect_state, l.id as listing, l.marketplace, l.listing_ref, l.seller as vendor_id,
    coalesce(o.artisan, s.artisan) as artisan_id
from finding f
join analysis.finding v on v.finding_id = f.id
join listing l on l.id = f.suspect_listing
left join original_file o on o.id = f.original_file
left join listing ol on ol.id = f.original_listing
left join seller s on s.id = ol.seller
where f.id = any(%(findings)s::bigint[])
order by l.marketplace, l.listing_ref, f.id;

-- find_evidence_pairs --
-- Lists the pairs of photos of findings that count, the surest first.
select
    m.finding_id as finding, m.decision, m.score, m.method, m.transform, m.explanation, m.algorithm_version, m.decided_at,
    decode(m.original_sha256, 'hex') as original_sha256, m.original_kind,
    coalesce(m.original_title, m.original_file_name) as original, m.original_url, m.original_image_url,
    decode(m.suspect_sha256, 'hex') as suspect_sha256, m.suspect_title as suspect, m.suspect_url, m.suspect_image_url
from finding f
join analysis.match m on m.finding_id = f.id and m.suspect_listing_id = f.suspect_listing
where f.id = any(%(findings)s::bigint[]) and m.suppressed_by is null
order by f.suspect_listing, m.score desc, m.original_sha256, m.suspect_sha256;

-- find_artisan_by_id --
select id, name, contact from artisan where id = %(artisan)s and opted_out_at is null;

-- find_vendor_by_id --
select id, marketplace, seller_ref, name, url, country from seller where id = %(vendor)s;

-- find_evidence_files --
-- Lists the files that an artisan gave which are originals of given images, and the others of the same folders; where none is,
-- all of them.
with own as (
    select f.*, i.sha256, i.byte_count, i.format, i.width_px, i.height_px, d.failure,
        regexp_replace(f.name, '[^/]*$', '') as folder
    from original_file f
    join image i on i.id = f.image
    left join timestamp_due d on d.sha256 = i.sha256
    where f.artisan = %(artisan)s
), concerned as (
    select folder from own where sha256 = any(%(sha256s)s::bytea[])
)
select name, kind, sha256, byte_count, format, width_px, height_px, dated_at, first_seen_at, failure
from own
where sha256 = any(%(sha256s)s::bytea[])
    or not exists (select from concerned)
    or (kind = 'outtake' and folder in (select folder from concerned))
order by name, kind, sha256
limit %(most)s;

-- find_evidence_captures --
-- Lists the captures of suspect listings, the oldest first.
select
    c.id, c.listing, c.why, c.state, c.detail, c.url, c.http_status, c.taken_at, c.manifest_sha256, l.marketplace,
    l.listing_ref
from capture c
join listing l on l.id = c.listing
where c.listing = any(%(listings)s::bigint[])
order by c.listing, c.taken_at, c.id;

-- find_capture_files --
select capture, name, role, sha256, byte_count, media_type
from capture_file
where capture = any(%(captures)s::bigint[])
order by capture, name;
