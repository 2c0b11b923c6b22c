-- find_sellers_of --
-- Lists the shops of an artisan.
select id from seller where artisan = %(artisan)s order by id;

-- find_open_case --
-- Finds a case of an artisan or a vendor that is open, or comes back by itself.
select c.id
from takedown_case c
left join analysis.case v on v.case_id = c.id
where (c.artisan = %(artisan)s::bigint or c.seller = any(%(sellers)s::bigint[])) and (c.closed_at is null or v.is_open)
order by c.id
limit 1;

-- find_photos_to_erase --
-- Lists the photos of sellers and of an artisan's files whose bytes are held, each with whether others show it too.
with own as (
    select li.image
    from listing l
    join listing_image li on li.listing = l.id
    where l.seller = any(%(sellers)s::bigint[]) and li.image is not null
    union
    select image from original_file where artisan = %(artisan)s::bigint
)
select
    i.id, i.byte_count,
    exists (
        select from listing_image li
        join listing l on l.id = li.listing
        where li.image = i.id and (l.seller is null or l.seller <> all(%(sellers)s::bigint[]))
    ) or exists (
        select from original_file f where f.image = i.id and f.artisan is distinct from %(artisan)s::bigint
    ) as others_show
from own
join image i on i.id = own.image
where i.bytes_state = 'held'
order by i.id;

-- find_captures_to_erase --
-- Lists the captures of sellers' listings, and those that are proof for an artisan's findings and for no others.
select c.id, held.files, held.byte_count
from capture c
join listing l on l.id = c.listing
cross join lateral (
    select count(*) as files, coalesce(sum(f.byte_count), 0)::bigint as byte_count from capture_file f where f.capture = c.id
) as held
where c.erased_at is null
    and (
        l.seller = any(%(sellers)s::bigint[])
        or (
            exists (select from capture_finding cf where cf.capture = c.id)
            and not exists (
                select from capture_finding cf
                where cf.capture = c.id
                    and not exists (
                        select from artisan_finding af where af.finding = cf.finding and af.artisan = %(artisan)s::bigint
                    )
            )
        )
    )
order by c.id;

-- find_old_photos --
-- Lists photos of vendors that nothing rests on: never in a match, in no file of an artisan's, and shown by no listing since a
-- moment. Of some photos, or of all where these are null; so with the next two.
select i.id, i.byte_count
from image i
where i.bytes_state = 'held' and i.first_seen_at < %(before)s
    and (%(only)s::bigint[] is null or i.id = any(%(only)s))
    and not exists (select from original_file f where f.image = i.id)
    and not exists (select from match m where m.original_image = i.id or m.suspect_image = i.id)
    and exists (select from listing_image li where li.image = i.id)
    and not exists (
        select from listing_image li
        join listing l on l.id = li.listing
        join marketplace k on k.code = l.marketplace
        left join seller s on s.id = l.seller
        where li.image = i.id
            and (
                coalesce(s.side, k.default_side) = 'original' or (li.shown and l.state <> 'gone')
                or li.last_seen_at >= %(before)s
            )
    )
order by i.id;

-- find_old_captures --
-- Lists captures that were taken before a moment and that no case needs: none with the vendor is open, or opens again by itself, and
-- none was closed since then; and no person confirmed what they show without a case that came of it.
select c.id, held.byte_count
from capture c
join listing l on l.id = c.listing
cross join lateral (
    select coalesce(sum(f.byte_count), 0)::bigint as byte_count from capture_file f where f.capture = c.id
) as held
where c.erased_at is null and c.taken_at < %(before)s
    and (%(only)s::bigint[] is null or c.id = any(%(only)s))
    and not exists (
        select from takedown_case k
        left join analysis.case v on v.case_id = k.id
        where (k.closed_at is null or k.closed_at >= %(before)s or v.is_open)
            and (
                k.seller = l.seller
                or exists (select from case_listing cl where cl.takedown_case = k.id and cl.listing = c.listing)
            )
    )
    and not exists (
        select from capture_finding cf
        join standing_verdict v on v.finding = cf.finding and v.verdict = 'confirmed'
        where cf.capture = c.id and not exists (select from case_ground g where g.finding = cf.finding)
    )
order by c.id;

-- find_old_pages --
-- Lists kept pages that could not be read, seen before a moment, by their run.
select run, count(*)
from page_problem
where page_sha256 is not null and seen_at < %(before)s and (%(only)s::bigint[] is null or run = any(%(only)s))
group by run
order by run;

-- drop_pages --
-- Lets the pages go that some runs kept before a moment.
with kept as materialized (
    select run, url, page_sha256 from page_problem
    where page_sha256 is not null and seen_at < %(before)s and run = any(%(runs)s::bigint[])
), dropped as (
    update page_problem p set page_sha256 = null from kept where (p.run, p.url) = (kept.run, kept.url)
)
insert into unneeded_file (sha256) select page_sha256 from kept on conflict do nothing;

-- count_what_stays --
-- Counts what stays of an artisan or a vendor: findings, verdicts and cases.
with concerned as (
    select f.id from finding f join listing l on l.id = f.suspect_listing where l.seller = any(%(sellers)s::bigint[])
    union
    select finding from artisan_finding where artisan = %(artisan)s::bigint
)
select
    (select count(*) from concerned) as findings,
    (select count(*) from verdict v join concerned c on c.id = v.finding) as verdicts,
    (
        select count(*) from takedown_case k
        where k.artisan = %(artisan)s::bigint or k.seller = any(%(sellers)s::bigint[])
    ) as cases;

-- erase_photos --
-- Takes photos for erased or dropped, with all that was computed from them.
with erased as (
    update image set bytes_state = %(state)s where id = any(%(images)s::bigint[])
    returning id, sha256
), unneeded as (
    insert into unneeded_file (sha256) select sha256 from erased on conflict do nothing
), hashes as (
    delete from image_phash where image = any(%(images)s::bigint[])
), descriptors as (
    delete from descriptor where image = any(%(images)s::bigint[])
), features as (
    delete from local_features where image = any(%(images)s::bigint[])
), readings as (
    delete from image_reading where image = any(%(images)s::bigint[])
), validators as (
    delete from image_validator where image = any(%(images)s::bigint[])
), lookups as (
    delete from lookup where image = any(%(images)s::bigint[])
)
delete from timestamp_due where sha256 in (select sha256 from erased);

-- erase_captures --
with erased as (
    update capture set erased_at = %(now)s where id = any(%(captures)s::bigint[])
    returning id, manifest_sha256
), files as (
    insert into unneeded_file (sha256)
    select manifest_sha256 from erased
    union
    select sha256 from capture_file where capture = any(%(captures)s::bigint[])
    on conflict do nothing
)
delete from timestamp_due where sha256 in (select manifest_sha256 from erased);

-- erase_sellers --
-- Takes from sellers and their listings what they said of themselves, and has them crawled no more. Keys and addresses stay.
with erased as (
    update seller set name = null, url = null, country = null, erased_at = coalesce(erased_at, %(now)s)
    where id = any(%(sellers)s::bigint[])
), own as materialized (
    select id, marketplace, listing_ref, url from listing where seller = any(%(sellers)s::bigint[])
), listings as (
    update listing set title = null, price_min = null, price_max = null, currency = null, content = null
    where id in (select id from own)
), events as (
    update listing_event set before = null, after = null
    where listing in (select id from own) and kind in ('title', 'price')
), kept as materialized (
    select p.run, p.url, p.page_sha256
    from page_problem p
    join own on p.url = own.url or (p.marketplace, p.listing_ref) = (own.marketplace, own.listing_ref)
    where p.page_sha256 is not null
), pages as (
    update page_problem p set page_sha256 = null from kept where (p.run, p.url) = (kept.run, kept.url)
), unneeded as (
    insert into unneeded_file (sha256) select page_sha256 from kept on conflict do nothing
), trails as (
    delete from trail_due d
    using finding f, own
    where f.id = d.finding and own.id = f.suspect_listing
), targets as (
    delete from target t
    where (
            t.kind = 'listing' and exists (
                select from own where own.marketplace = t.marketplace and own.listing_ref = t.ref
            )
        ) or exists (
            select from seller_alias a
            where a.seller = any(%(sellers)s::bigint[]) and a.marketplace = t.marketplace and a.value = t.ref
                and t.kind in ('shop', 'vendor', 'archive')
        )
)
insert into context_due (kind, id)
select 'queue', f.id from finding f join own on own.id = f.suspect_listing
on conflict do nothing;

-- erase_artisan --
-- Takes from an artisan the name, the contact and what was written to it, and lets the artisan count as one who opted out.
with erased as (
    update artisan
    set
        name = 'erased artisan ' || id, contact = null, contact_entered_by = null, contact_entered_at = null,
        opted_out_at = coalesce(opted_out_at, %(now)s), opted_out_by = coalesce(opted_out_by, %(by)s),
        erased_at = coalesce(erased_at, %(now)s)
    where id = %(artisan)s
), files as (
    update original_file set name = 'erased file ' || id, published_url = null where artisan = %(artisan)s
), notices as (
    update notice set recipient = null, subject = 'erased', body = 'erased', message_id = null where artisan = %(artisan)s
), consents as (
    update dossier_consent
    set
        note = 'erased', withdrawn_at = coalesce(withdrawn_at, %(now)s), withdrawn_by = coalesce(withdrawn_by, %(by)s)
    where artisan = %(artisan)s
)
insert into context_due (kind, id)
select 'queue', finding from artisan_finding where artisan = %(artisan)s
on conflict do nothing;

-- insert_erasure --
insert into erasure (artisan, seller, photos, captures, pages, byte_count, made_by, made_at)
values (%(artisan)s, %(seller)s, %(photos)s, %(captures)s, %(pages)s, %(byte_count)s, %(by)s, %(now)s);

-- find_unneeded_files --
-- Lists files that are to be deleted, and forgets those that something needs again.
with needed_again as (
    delete from unneeded_file where sha256 in (select sha256 from needed_file)
)
select sha256 from unneeded_file
except
select sha256 from needed_file
order by 1
limit %(most)s;

-- delete_unneeded_files --
delete from unneeded_file where sha256 = any(%(sha256s)s::bytea[]);

-- find_erased_seller --
-- Finds a seller that was erased, by the keys that a page gives or by its listing.
select s.id
from seller s
where s.erased_at is not null and s.marketplace = %(marketplace)s
    and (
        exists (
            select from seller_alias a
            join unnest(%(kinds)s::text[], %(values)s::text[]) as given (kind, value) using (kind, value)
            where a.seller = s.id and a.marketplace = s.marketplace
        )
        or exists (
            select from listing l
            where l.seller = s.id and l.marketplace = s.marketplace and l.listing_ref = %(listing_ref)s
        )
    )
limit 1;
