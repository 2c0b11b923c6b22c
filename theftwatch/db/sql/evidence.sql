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
    f.id as finding, v.verdict, v.judged_by, v.judged_at, now.not_proposable_because is null as proposable,
    now.not_proposable_because, v.direction, v.margin_days,
    v.weakest_link, v.missing_proof, v.likelier_source, v.pixel_reasons, v.original_kind,
    coalesce(v.original_title, v.original_file_name) as original, v.original_url, v.original_marketplace,
    v.suspect_title, v.suspect_url, v.suspect_state, l.id as listing, l.marketplace, l.listing_ref, l.seller as vendor_id,
    af.artisan as artisan_id
from finding f
join analysis.finding v on v.finding_id = f.id
-- not as it is kept: a complaint rests on what is so now
join finding_state now on now.finding = f.id
join listing l on l.id = f.suspect_listing
left join artisan_finding af on af.finding = f.id
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

-- find_vendors_by_id --
select id, marketplace, seller_ref, name, url, country
from seller
where id = any(%(vendors)s::bigint[])
order by marketplace, seller_ref;

-- find_defence_findings --
-- Lists the confirmed findings of a listing's photos: of the listing, and of the artisan's files that are the same photos.
select f.id
from finding f
join standing_verdict v on v.finding = f.id and v.verdict = 'confirmed'
left join original_file o on o.id = f.original_file
where f.original_listing = %(listing)s
    or o.image in (select li.image from listing_image li where li.listing = %(listing)s);

-- find_evidence_files --
-- Lists the files that an artisan gave which are given images, and the out-takes of the same folders; where none is, all
-- out-takes. Other originals are other works.
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
    or (kind = 'outtake' and (folder in (select folder from concerned) or not exists (select from concerned)))
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

-- insert_dossier_consent --
insert into dossier_consent (artisan, seller, note, entered_by, entered_at)
values (%(artisan)s, %(seller)s, %(note)s, %(by)s, %(now)s);

-- withdraw_dossier_consent --
-- Withdraws an artisan's leave: on a vendor, or with null on all.
update dossier_consent
set withdrawn_at = %(now)s, withdrawn_by = %(by)s
where artisan = %(artisan)s and withdrawn_at is null and (%(seller)s::bigint is null or seller = %(seller)s)
returning id;

-- find_dossier_grounds --
-- Lists what a dossier on a vendor may rest on: confirmed findings that are proposable or stand in a case, of all artisans; with
-- whether the artisan agreed, and whether the photos are down.
select
    a.id as artisan, a.name, v.finding_id as finding, v.removed_at is not null as is_down, max(cl.override_reason) as override_reason,
    exists (
        select from dossier_consent d
        where d.artisan = a.id and d.withdrawn_at is null and (d.seller is null or d.seller = %(vendor)s)
    ) as agreed
from analysis.finding v
join finding f on f.id = v.finding_id
join artisan_finding af on af.finding = f.id
join artisan a on a.id = af.artisan
left join (
    select k.artisan, cl.listing, cl.override_reason from takedown_case k join case_listing cl on cl.takedown_case = k.id
) as cl on cl.artisan = a.id and cl.listing = f.suspect_listing
where v.suspect_seller_id = %(vendor)s and v.verdict = 'confirmed'
group by a.id, a.name, v.finding_id, v.removed_at, v.proposable
having v.proposable or max(cl.override_reason) is not null
order by a.name, v.finding_id;

-- find_dossier_events --
-- Lists what happened between a vendor and given artisans, the earliest first.
with concerned as (
    select v.finding_id as finding, a.name as artisan, v.suspect_url as url, f.first_found_at, v.judged_at
    from analysis.finding v
    join finding f on f.id = v.finding_id
    join artisan_finding af on af.finding = f.id
    join artisan a on a.id = af.artisan
    where v.suspect_seller_id = %(vendor)s and v.verdict = 'confirmed' and a.id = any(%(artisans)s::bigint[])
)
select min(first_found_at) as at, artisan, 'found' as what, url, null as note from concerned group by artisan, url
union all
select min(judged_at), artisan, 'confirmed', url, null from concerned group by artisan, url
union all
select e.happened_at, a.name, e.kind, null, e.reference
from case_event e
join takedown_case c on c.id = e.takedown_case
join artisan a on a.id = c.artisan
where c.seller in (select company(%(vendor)s)) and c.artisan = any(%(artisans)s::bigint[]) and e.kind <> 'note'
    and exists (
        select from case_event_listing el
        join case_listing cl on cl.id = el.case_listing
        join listing l on l.id = cl.listing
        where el.case_event = e.id and l.seller = %(vendor)s
    )
union all
select distinct r.removed_at, concerned.artisan, 'removed', concerned.url, null
from removal r join concerned on concerned.finding = r.finding
union all
select distinct again.relisted_at, concerned.artisan, 'relisted', again.url, again.place
from analysis.relisting again join concerned on concerned.finding = again.finding_id
order by at, artisan, what, url;
