-- find_captures_due --
-- Lists suspect listings to be captured, each with why and the findings concerned: where a match counts and none was taken, where
-- a complaint is to be filed (to_be_captured), and where photos were removed. What the marketplace or its robots.txt refused is
-- tried again after a day, then two, then four, up to 32. Where there was no answer, or the server's error, nobody has told us to
-- wait: two such are followed by a try after a quarter of an hour and after an hour, and count for nothing beside.
-- Each listing once, as one capture serves all; none of a vendor who was erased.
with due as (
    select m.finding_id as finding, 'found' as why, timestamptz '-infinity' as since
    from analysis.match m
    where (m.decision = 'match' or m.verdict = 'confirmed') and counts(m.suppressed_by, m.relation, m.verdict)
    union
    select finding, 'filing', c.since
    from to_be_captured(%(now)s) c
    cross join unnest(c.findings) as finding
    union
    select r.finding, 'removal', r.removed_at
    from removal r
    where r.shown_again_at is null
        and (
            exists (
                select from capture_finding f
                join capture c on c.id = f.capture
                where f.finding = r.finding and c.state in ('taken', 'page_only')
            )
            or exists (select from case_ground g where g.finding = r.finding)
        )
)
select
    f.suspect_listing, (array_agg(due.why order by array_position('{filing,removal,found}', due.why)))[1],
    array_agg(distinct f.id order by f.id)
from due
join finding f on f.id = due.finding
join listing l on l.id = f.suspect_listing
left join seller s on s.id = l.seller
cross join lateral (
    select
        count(*) as times,
        count(*) filter (where c.state in ('taken', 'page_only', 'gone')) as captured,
        count(*) filter (where c.state = 'failed') as failed,
        (array_agg(c.state order by c.taken_at desc))[1] as state,
        max(c.taken_at) as last_at
    from capture_finding cf
    join capture c on c.id = cf.capture
    where cf.finding = f.id and c.taken_at >= due.since and (c.why = 'filing' or due.why <> 'filing')
) as tried
cross join lateral (
    select tried.last_at + case
        when tried.state = 'failed' and tried.failed <= 2
            then (array[interval '15 minutes', interval '1 hour'])[tried.failed]
        else interval '1 day' * power(2, least(tried.times - least(tried.failed, 2) - 1, 5))
    end as at
) as again
where tried.captured = 0 and coalesce(again.at <= %(now)s, true) and s.erased_at is null
group by f.suspect_listing
-- what somebody waits for comes first
order by bool_or(due.why = 'filing') desc, f.suspect_listing
limit %(most)s;

-- find_captures_named --
-- Lists suspect listings that go by a name (their address, or marketplace/key, or the key alone) or belong to a finding, each
-- with all its findings that count, or that are in a case all the same, as their confirmation stands.
select suspect_listing_id, array_agg(distinct finding_id order by finding_id)
from analysis.match
where finding_id is not null
    and (
        counts(suppressed_by, relation, verdict)
        or (verdict = 'confirmed' and exists (select from case_ground g where g.finding = finding_id))
    )
    and suspect_listing_id in (
        select l.id from listing l
        where l.url = %(name)s or l.listing_ref = %(name)s or l.marketplace || '/' || l.listing_ref = %(name)s
        union
        select f.suspect_listing from finding f where f.id = %(finding)s
    )
group by suspect_listing_id
order by suspect_listing_id
limit 2;

-- find_capture_photos --
-- Lists the photos of a suspect listing that matched in given findings, as they were last crawled.
select distinct
    li.position, li.image_key, li.source_url, i.sha256, i.format, li.first_seen_at, li.last_seen_at
from matched_photo p
join listing_image li on li.listing = p.listing and li.image_key = p.image_key and li.image = p.image
join image i on i.id = li.image
where p.finding = any(%(findings)s::bigint[])
order by li.position, li.image_key, i.sha256;

-- find_capture_listing --
select l.id, l.marketplace, l.listing_ref, l.url, l.title, coalesce(s.name, s.seller_ref) as seller
from listing l
left join seller s on s.id = l.seller
where l.id = %(listing)s;

-- insert_capture --
insert into capture (listing, why, state, detail, url, http_status, taken_at, run, manifest_sha256)
values (
    %(listing)s, %(why)s, %(state)s, %(detail)s, %(url)s, %(http_status)s, %(taken_at)s, %(run)s, %(manifest_sha256)s
)
on conflict (manifest_sha256) do nothing
returning id;

-- insert_capture_files --
insert into capture_file (capture, name, role, sha256, byte_count, media_type)
select %(capture)s, f.*
from unnest(
    %(names)s::text[], %(roles)s::text[], %(sha256s)s::bytea[], %(byte_counts)s::bigint[], %(media_types)s::text[]
) as f (name, role, sha256, byte_count, media_type);

-- insert_capture_findings --
insert into capture_finding (capture, finding)
select %(capture)s, f.id from finding f where f.id = any(%(findings)s::bigint[]);
