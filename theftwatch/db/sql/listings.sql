-- lock_writes --
-- Lets one writer at a time into the record until its transaction ends: batches are short, and one at a time they
-- need no care for each other's sellers, hashes and findings.
select pg_advisory_xact_lock(hashtext('theftwatch writes'));

-- find_sellers --
-- Finds the sellers that go under given firm keys or aliases, and whether their firm key has been seen.
select
    wanted.marketplace, wanted.kind, wanted.value, a.seller,
    exists (select from seller_alias ref where ref.seller = a.seller and ref.kind = 'ref')
from unnest(%(marketplaces)s::text[], %(kinds)s::text[], %(values)s::text[]) as wanted (marketplace, kind, value)
join seller_alias a using (marketplace, kind, value);

-- insert_seller --
insert into seller (marketplace, seller_ref, side, first_seen_at, last_seen_at)
values (%(marketplace)s, %(seller_ref)s, %(side)s, %(now)s, %(now)s)
on conflict (marketplace, seller_ref) do update set last_seen_at = excluded.last_seen_at
returning id;

-- rename_seller --
-- Gives a seller the firm key that was seen for it.
update seller set seller_ref = %(seller_ref)s where id = %(id)s;

-- merge_sellers --
-- Moves all that hangs on a provisional seller to the firm one.
with moved_listings as (
    update listing set seller = %(into)s where seller = %(provisional)s
), moved_aliases as (
    update seller_alias set seller = %(into)s where seller = %(provisional)s
)
update seller as firm
set name = coalesce(firm.name, provisional.name),
    url = coalesce(firm.url, provisional.url),
    country = coalesce(firm.country, provisional.country),
    side = coalesce(firm.side, provisional.side),
    artisan = coalesce(firm.artisan, provisional.artisan),
    first_seen_at = least(firm.first_seen_at, provisional.first_seen_at)
from seller as provisional
where firm.id = %(into)s and provisional.id = %(provisional)s;

-- delete_seller --
delete from seller where id = %(id)s;

-- find_company --
-- Lists a seller and its siblings.
select company(%(seller)s);

-- update_sellers --
-- Writes what the pages said of sellers; what a page does not say stays as it was.
update seller as s
set name = coalesce(seen.name, s.name),
    url = coalesce(seen.url, s.url),
    country = coalesce(seen.country, s.country),
    side = coalesce(seen.side, s.side),
    last_seen_at = greatest(s.last_seen_at, %(now)s)
from unnest(%(ids)s::bigint[], %(names)s::text[], %(urls)s::text[], %(countries)s::text[], %(sides)s::text[])
    as seen (id, name, url, country, side)
where s.id = seen.id;

-- insert_aliases --
insert into seller_alias (marketplace, kind, value, seller, first_seen_at)
select *, %(now)s
from unnest(%(marketplaces)s::text[], %(kinds)s::text[], %(values)s::text[], %(sellers)s::bigint[])
on conflict do nothing
returning seller;

-- insert_company_aliases --
insert into company_alias (marketplace, kind, value, seller, first_seen_at)
select *, %(now)s
from unnest(%(marketplaces)s::text[], %(kinds)s::text[], %(values)s::text[], %(sellers)s::bigint[])
on conflict do nothing
returning seller;

-- find_siblings --
-- Lists those of given sellers that have siblings, and these.
select seller from sibling where seller = any(%(sellers)s::bigint[])
union
select sibling from sibling where seller = any(%(sellers)s::bigint[]);

-- upsert_listings --
-- Writes listings and the events of their changes. A card in a list never overwrites what the listing's own page said.
with seen as (
    select * from unnest(
        %(marketplaces)s::text[], %(listing_refs)s::text[], %(sellers)s::bigint[], %(urls)s::text[], %(titles)s::text[],
        %(prices_min)s::numeric[], %(prices_max)s::numeric[], %(currencies)s::text[], %(listed_at)s::timestamptz[],
        %(complete)s::bool[], %(contents)s::bytea[]
    ) as seen (
        marketplace, listing_ref, seller, url, title, price_min, price_max, currency, listed_at, complete, content
    )
), before as (
    select l.* from listing l join seen using (marketplace, listing_ref)
), saved as (
    insert into listing as l (
        marketplace, listing_ref, seller, url, title, price_min, price_max, currency, listed_at,
        first_seen_at, last_seen_at, complete, content
    )
    select
        marketplace, listing_ref, seller, url, title, price_min, price_max, currency, listed_at,
        %(now)s, %(now)s, complete, content
    from seen
    on conflict (marketplace, listing_ref) do update set
        seller = coalesce(excluded.seller, l.seller),
        url = case when excluded.complete or not l.complete then excluded.url else l.url end,
        title = case when excluded.complete or not l.complete then coalesce(excluded.title, l.title) else l.title end,
        price_min = case when (excluded.complete or not l.complete) and excluded.price_min is not null
            then excluded.price_min else l.price_min end,
        price_max = case
            when excluded.price_min is null or l.complete and not excluded.complete then l.price_max
            -- a card may say no more than from what price on
            when not excluded.complete and excluded.price_min = l.price_min
                and coalesce(excluded.currency, l.currency) = l.currency
            then coalesce(excluded.price_max, l.price_max)
            else excluded.price_max end,
        currency = case when (excluded.complete or not l.complete) and excluded.price_min is not null
            then coalesce(excluded.currency, l.currency) else l.currency end,
        listed_at = coalesce(excluded.listed_at, l.listed_at),
        last_seen_at = greatest(l.last_seen_at, excluded.last_seen_at),
        complete = l.complete or excluded.complete,
        content = case when excluded.complete then excluded.content else l.content end,
        state = 'live'
    returning *
), event as (
    insert into listing_event (listing, run, kind, before, after, seen_at)
    select saved.id, %(run)s, change.kind, change.before, change.after, %(now)s
    from saved
    left join before using (id)
    cross join lateral (
        values
            ('first_seen', before.id is null, null, null),
            -- what a listing's own page says beyond its card is no change, nor is what one card says beyond another
            (
                'title', before.title <> saved.title and before.complete = saved.complete,
                to_jsonb(before.title), to_jsonb(saved.title)
            ),
            (
                'price',
                (before.price_min, before.price_max, before.currency)
                    is distinct from (saved.price_min, saved.price_max, saved.currency)
                    and before.price_min is not null and before.complete = saved.complete
                    and (
                        saved.complete or before.price_max is not null
                        or (before.price_min, before.currency) is distinct from (saved.price_min, saved.currency)
                    ),
                jsonb_build_array(before.price_min, before.price_max, before.currency),
                jsonb_build_array(saved.price_min, saved.price_max, saved.currency)
            ),
            ('state', before.state <> saved.state, to_jsonb(before.state), to_jsonb(saved.state))
    ) as change (kind, happened, before, after)
    where change.happened
)
select
    saved.id, saved.marketplace, saved.listing_ref, coalesce(before.complete, false) as was_complete,
    before.id is null as is_new
from saved left join before using (id);

-- find_known_images --
-- Finds which images of a marketplace are stored already, by the marketplace's own keys: those that are whole before others, and
-- those that the listing itself shows. And whether they are to be had anew: as they are damaged, and have not been for too
-- long; or as they are copies, in an open case, whose addresses may come to show something else.
with watched as materialized (
    select photo.image_key
    from listing own
    join open_case_listing o on o.listing = own.id
    cross join lateral (select p.image_key from matched_photo p where p.listing = own.id offset 0) as photo
    where own.marketplace = %(marketplace)s and own.listing_ref = %(listing_ref)s
), stored as (
    select
        li.image_key, i.id, i.sha256, coalesce(i.unusable_reason = any(%(damaged)s::text[]), false) as is_damaged,
        i.first_seen_at, l.listing_ref = %(listing_ref)s as is_own, li.shown, li.last_seen_at
    from listing_image li
    join listing l on l.id = li.listing
    join image i on i.id = li.image
    where li.image_key = any(%(image_keys)s::text[]) and l.marketplace = %(marketplace)s and i.bytes_state = 'held'
)
select distinct on (image_key)
    image_key, sha256, is_damaged and first_seen_at > %(since)s as is_damaged,
    image_key in (select image_key from watched) as is_watched
from stored
order by image_key, stored.is_damaged, is_own and shown desc, last_seen_at desc, id;

-- find_unlisted --
-- Lists the listings of a seller that are not known to be gone and are none of those listed, those first that were seen the
-- longest ago.
select l.listing_ref
from listing l
join seller s on s.id = l.seller
where s.marketplace = %(marketplace)s and s.seller_ref = %(seller_ref)s and l.state <> 'gone'
    and l.listing_ref <> all(%(listed)s::text[])
order by l.last_seen_at, l.id
limit %(most)s;

-- find_stored_images --
-- Finds which bytes are stored already.
select sha256 from image where sha256 = any(%(sha256s)s::bytea[]);

-- insert_images --
-- Writes images; one whose bytes had been dropped or erased is held again.
insert into image (
    sha256, byte_count, format, width_px, height_px, unusable_reason, first_seen_at, fingerprint_version
)
select *, %(now)s, %(fingerprint_version)s
from unnest(
    %(sha256s)b::bytea[], %(byte_counts)s::bigint[], %(formats)s::text[], %(widths_px)s::int[], %(heights_px)s::int[],
    %(unusable_reasons)s::text[]
)
on conflict (sha256) do update set bytes_state = 'held' where image.bytes_state <> 'held';

-- insert_phashes --
insert into phash (hash) select distinct unnest(%(hashes)s::bigint[]) on conflict do nothing;

-- insert_image_phashes --
insert into image_phash (image, variant, hash, hash_256)
select i.id, p.variant, p.hash, p.hash_256
from unnest(%(sha256s)b::bytea[], %(variants)s::text[], %(hashes)s::bigint[], %(hashes_256)b::bytea[])
    as p (sha256, variant, hash, hash_256)
join image i using (sha256)
on conflict do nothing;

-- upsert_listing_images --
-- Writes the images that pages show, marks those that a full page, or another photo under their key, shows to be there no
-- longer, and notes a changed set. A photo keeps its row, and so when it was first and last seen, when it comes back. A card
-- adds photos to a listing that was read in full, and has no say in which of them it shows. A damaged file takes the place of
-- nothing, and the first whole one takes its place.
with damaged as materialized (
    select li.listing, li.image_key, li.image
    from listing_image li
    join image i on i.id = li.image
    where li.listing = any(%(listings)s::bigint[]) and i.unusable_reason = any(%(damaged)s::text[])
), seen as (
    select s.*, i.id as image
    from unnest(
        %(listings)s::bigint[], %(positions)s::int[], %(sha256s)s::bytea[], %(source_urls)s::text[],
        %(image_keys)s::text[], %(published_at)s::timestamptz[], %(missing_reasons)s::text[]
    ) as s (listing, position, sha256, source_url, image_key, published_at, missing_reason)
    left join image i on i.sha256 = s.sha256 and not (
        coalesce(i.unusable_reason = any(%(damaged)s::text[]), false)
        and exists (
            select from listing_image li
            where li.listing = s.listing and li.image_key = s.image_key and li.image is not null
        )
    )
), read_in_full as (
    select unnest(%(complete_listings)s::bigint[]) as listing
), card as (
    select id as listing from listing
    where id = any(%(listings)s::bigint[]) and complete and not id = any(%(complete_listings)s::bigint[])
), before as (
    select li.listing, array_agg(li.image_key order by li.image_key) as keys
    from listing_image li
    join read_in_full using (listing)
    where li.shown
    group by li.listing
), after as (
    select listing, array_agg(image_key order by image_key) as keys
    from seen join read_in_full using (listing)
    group by listing
), hidden as (
    update listing_image li set shown = false
    from read_in_full
    where li.listing = read_in_full.listing and li.shown
        and not exists (select from seen where seen.listing = li.listing and seen.image_key = li.image_key)
), replaced as (
    update listing_image li set shown = false
    from seen
    where li.listing = seen.listing and li.image_key = seen.image_key and li.shown and li.image <> seen.image
        and seen.listing not in (select listing from card)
        and (li.listing, li.image_key, li.image) not in (select listing, image_key, image from damaged)
    returning li.listing, li.image_key, li.image, seen.sha256
), fetched_at_last as (
    delete from listing_image li
    using seen
    where li.listing = seen.listing and li.image_key = seen.image_key and seen.image is not null
        and (
            li.image is null
            or (
                li.image <> seen.image
                and (li.listing, li.image_key, li.image) in (select listing, image_key, image from damaged)
            )
        )
    returning li.listing, li.image_key, li.published_at, li.first_seen_at, li.shown
), event as (
    insert into listing_event (listing, run, kind, before, after, seen_at)
    select
        listing, %(run)s::bigint, 'images', to_jsonb(before.keys), to_jsonb(coalesce(after.keys, '{}')),
        %(now)s::timestamptz
    from before left join after using (listing)
    where before.keys is distinct from coalesce(after.keys, '{}') and listing = any(%(once_complete)s::bigint[])
    union all
    select
        replaced.listing, %(run)s::bigint, 'photo',
        jsonb_build_object('key', replaced.image_key, 'sha256', encode(i.sha256, 'hex')),
        jsonb_build_object('key', replaced.image_key, 'sha256', encode(replaced.sha256, 'hex')),
        %(now)s::timestamptz
    from replaced join image i on i.id = replaced.image
), resolved as (
    -- bytes that could not be had this time are taken for those that were there
    select seen.*, coalesce(seen.image, stored.image) as stands_for
    from seen
    left join lateral (
        select li.image
        from listing_image li
        where li.listing = seen.listing and li.image_key = seen.image_key and li.image is not null
        order by li.shown desc, li.last_seen_at desc, li.image
        limit 1
    ) as stored on seen.image is null
)
insert into listing_image as li (
    listing, position, image, source_url, image_key, published_at, missing_reason, shown, first_seen_at, last_seen_at
)
select
    s.listing, s.position, s.stands_for, s.source_url, s.image_key, coalesce(s.published_at, f.published_at),
    case when s.stands_for is null then s.missing_reason end,
    coalesce(f.shown, false) or s.listing not in (select listing from card),
    coalesce(f.first_seen_at, %(now)s::timestamptz), %(now)s::timestamptz
from resolved s
left join fetched_at_last f on f.listing = s.listing and f.image_key = s.image_key
on conflict (listing, image_key, image) do update set
    position = case when excluded.shown then excluded.position else li.position end,
    source_url = case when excluded.shown then excluded.source_url else li.source_url end,
    published_at = coalesce(excluded.published_at, li.published_at),
    missing_reason = excluded.missing_reason,
    shown = li.shown or excluded.shown,
    last_seen_at = greatest(li.last_seen_at, excluded.last_seen_at);

-- insert_absences --
-- Notes listings that a run has read in full and that do not show a single photo any more on which a finding rests, until
-- the finding counts as removed. What waits to be compared may prove to have been such a photo.
insert into absence (listing, run, seen_at)
select distinct li.listing, %(run)s::bigint, %(now)s::timestamptz
from listing_image li
where li.listing = any(%(listings)s::bigint[]) and not li.shown
    and (
        exists (
            select from lookup u where u.image = li.image and u.side = 'suspect' and u.looked_up_at is null
        )
        or exists (
            select from matched_photo p
            where p.listing = li.listing and p.image = li.image
                and not exists (select from matched_photo other where other.finding = p.finding and other.shown)
                and not exists (select from removal r where r.finding = p.finding and r.shown_again_at is null)
        )
    )
on conflict do nothing;

-- end_removals --
-- Notes that listings show photos again on which findings rest whose photos counted as removed: through given images.
with touched as materialized (
    select r.id, r.finding, r.last_shown_at
    from (select distinct listing from listing_image where image = any(%(images)s::bigint[]) and shown) as shows
    join finding f on f.suspect_listing = shows.listing
    join removal r on r.finding = f.id and r.shown_again_at is null
)
update removal r
set shown_again_at = again.seen_at
from touched
cross join lateral (
    select min(case when p.first_seen_at > touched.last_shown_at then p.first_seen_at else p.last_seen_at end) as seen_at
    from matched_photo p
    where p.finding = touched.finding and p.shown and p.last_seen_at > touched.last_shown_at
) as again
where r.id = touched.id and again.seen_at is not null;

-- insert_lookups --
-- Puts every usable image of given listings down for comparison, in the role of its seller. The listings' images come
-- first and apart: a planner without statistics, as in a new database, takes usable images for rare and begins with all.
with shown as materialized (
    select li.image, l.seller, l.marketplace
    from unnest(%(listings)s::bigint[]) as asked (id)
    join listing l on l.id = asked.id
    join listing_image li on li.listing = asked.id
)
insert into lookup (image, side)
select distinct shown.image, coalesce(s.side, m.default_side)
from shown
join image i on i.id = shown.image
join marketplace m on m.code = shown.marketplace
left join seller s on s.id = shown.seller
where i.unusable_reason is null
on conflict do nothing;

-- upsert_date_claims --
-- Writes bounds on when something existed; of two claims of one source the tighter bounds and the greater strength stay.
insert into date_claim as c (listing, image, kind, earliest_at, latest_at, source, strength, claimed_at)
select
    s.listing, i.id, s.kind, max(s.earliest_at), min(s.latest_at), s.source,
    (array_agg(s.strength order by array_position('{strong,medium,weak}', s.strength)))[1], %(now)s
from unnest(
    %(listings)s::bigint[], %(sha256s)s::bytea[], %(kinds)s::text[], %(earliest_at)s::timestamptz[],
    %(latest_at)s::timestamptz[], %(sources)s::text[], %(strengths)s::text[]
) as s (listing, sha256, kind, earliest_at, latest_at, source, strength)
left join image i using (sha256)
group by s.listing, i.id, s.kind, s.source
on conflict (listing, image, kind, source) do update set
    earliest_at = greatest(c.earliest_at, excluded.earliest_at),
    latest_at = least(c.latest_at, excluded.latest_at);

-- insert_findings --
-- Pairs originals with suspect listings through the matches of given images.
with pair as (
    select original_image, suspect_image from match
    where original_image = any(%(images)s::bigint[]) and decision <> 'no_match'
    union
    select original_image, suspect_image from match
    where suspect_image = any(%(images)s::bigint[]) and decision <> 'no_match'
), role as (
    select l.id as listing, coalesce(s.side, m.default_side) as side, li.image, l.seller
    from listing_image li
    join listing l on l.id = li.listing
    join marketplace m on m.code = l.marketplace
    left join seller s on s.id = l.seller
    where li.image in (select original_image from pair union select suspect_image from pair)
), original as (
    select image, listing, null::bigint as original_file, seller from role where side = 'original'
    union all
    select image, null, id, null from original_file where image in (select original_image from pair)
)
insert into finding (original_listing, original_file, suspect_listing, first_found_at)
select distinct original.listing, original.original_file, suspect.listing, %(now)s::timestamptz
from pair
join original on original.image = pair.original_image
join role as suspect on suspect.image = pair.suspect_image and suspect.side = 'suspect'
on conflict do nothing;

-- find_listing_images --
-- Lists the stored images of given listings.
select distinct image from listing_image where listing = any(%(listings)s::bigint[]) and image is not null;

-- find_contents --
-- Finds what listings' own pages said when they were last stored. One in an open case is stored each time, as that has its
-- photos asked for.
select listing_ref, content from listing
where marketplace = %(marketplace)s and listing_ref = any(%(listing_refs)s::text[]) and content is not null
    and not exists (select from open_case_listing o where o.listing = listing.id);

-- see_listings --
-- Notes that listings were seen as they were before: they are live, whatever was thought of them. Where their own pages said
-- so, their images were seen too; returns those listings.
with sight as (
    select l.id, l.seller, l.state as before, seen.in_full, seen.at
    from unnest(%(marketplaces)s::text[], %(listing_refs)s::text[], %(in_full)s::bool[], %(seen_at)s::timestamptz[])
        as seen (marketplace, listing_ref, in_full, at)
    join listing l using (marketplace, listing_ref)
), listing_seen as (
    update listing l set last_seen_at = greatest(l.last_seen_at, sight.at), state = 'live'
    from sight
    where l.id = sight.id
), image_seen as (
    update listing_image li set last_seen_at = greatest(li.last_seen_at, sight.at)
    from sight
    where li.listing = sight.id and li.shown and sight.in_full
), seller_seen as (
    update seller s set last_seen_at = greatest(s.last_seen_at, of.at)
    from (select seller, max(at) as at from sight group by seller) as of
    where s.id = of.seller
), event as (
    insert into listing_event (listing, run, kind, before, after, seen_at)
    select id, %(run)s, 'state', to_jsonb(before), to_jsonb('live'::text), at
    from sight
    where before <> 'live'
)
select id from sight where in_full;
