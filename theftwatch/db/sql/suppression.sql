-- insert_due_listings --
-- Notes what saving listings changes: their images that have matched, their sellers, and the findings they belong to.
with saved as (
    select id, seller from listing where id = any(%(listings)s::bigint[])
), shown as materialized (
    select distinct li.image from listing_image li where li.listing = any(%(listings)s::bigint[])
)
insert into context_due (kind, id)
select 'image', image from shown where exists (select from match where original_image = image)
union select 'image', image from shown where exists (select from match where suspect_image = image)
union select 'seller', seller from saved where seller is not null
union select 'finding', f.id from finding f where f.suspect_listing = any(%(listings)s::bigint[])
union select 'finding', f.id from finding f where f.original_listing = any(%(listings)s::bigint[])
on conflict do nothing;

-- insert_due_images --
-- Notes what a decision on images changes: they, the images they match, the sellers that show these, and the findings.
with pair as (
    select original_image, suspect_image from match where original_image = any(%(images)s::bigint[])
    union
    select original_image, suspect_image from match where suspect_image = any(%(images)s::bigint[])
), place as (
    select distinct li.listing, l.seller
    from listing_image li
    join listing l on l.id = li.listing
    where li.image in (select suspect_image from pair)
)
insert into context_due (kind, id)
select 'image', original_image from pair
union select 'image', suspect_image from pair
union select 'seller', seller from place where seller is not null
union select 'finding', f.id from finding f join place on place.listing = f.suspect_listing
on conflict do nothing;

-- move_context --
-- Moves what people and rules said of a provisional seller to the firm one, which keeps what it has of its own.
with moved_relations as (
    update relation set seller = %(into)s where seller = %(provisional)s
), moved_cases as (
    update takedown_case set seller = %(into)s where seller = %(provisional)s
), moved_aliases as (
    insert into company_alias (marketplace, kind, value, seller, first_seen_at)
    select marketplace, kind, value, %(into)s, first_seen_at from company_alias where seller = %(provisional)s
    on conflict do nothing
)
update suppression p set seller = %(into)s
where p.seller = %(provisional)s and not exists (
    select from suppression own where own.image = p.image and own.rule = p.rule and own.seller = %(into)s
);

-- insert_due_renamed --
-- Notes what follows where sellers get other names or sides: which of them count as one, and which are vendors.
with changed as materialized (
    select s.id
    from unnest(%(ids)s::bigint[], %(names)s::text[], %(sides)s::text[]) as seen (id, name, side)
    join seller s on s.id = seen.id
    where s.name is distinct from coalesce(seen.name, s.name) or s.side is distinct from coalesce(seen.side, s.side)
)
insert into context_due (kind, id)
select 'image', li.image
from changed
join listing l on l.seller = changed.id
join listing_image li on li.listing = l.id
where exists (select from match where original_image = li.image)
    or exists (select from match where suspect_image = li.image)
on conflict do nothing;

-- insert_due_moved --
-- Notes what giving a seller the listings of another changes.
insert into context_due (kind, id)
select 'seller', %(seller)s::bigint
union
select 'image', li.image
from listing l
join listing_image li on li.listing = l.id
where l.seller = %(seller)s::bigint
    and (exists (select from match where original_image = li.image)
        or exists (select from match where suspect_image = li.image))
union
select 'queue', f.id
from listing l
join finding f on f.suspect_listing = l.id
where l.seller = %(seller)s::bigint
union
select 'queue', f.id
from listing l
join finding f on f.original_listing = l.id
where l.seller = %(seller)s::bigint
on conflict do nothing;

-- insert_due_everything --
insert into context_due (kind, id)
select 'image', original_image from match
union select 'image', suspect_image from match
union select 'image', image from suppression
union select 'seller', seller from suppression where seller is not null
union select 'seller', l.seller
from finding f
join listing l on l.id = f.suspect_listing
where l.seller is not null
union select 'finding', id from finding
on conflict do nothing;

-- find_due --
-- Lists what is due of a kind, in portions.
select id from context_due where kind = %(kind)s order by id limit %(most)s;

-- delete_due --
delete from context_due where kind = %(kind)s and id = any(%(ids)s::bigint[]);

-- find_unread_images --
-- Lists images due that have matched and were not read yet: all for their compression, originals for text as well.
select i.id, i.sha256, original.is_one
from context_due due
join image i on i.id = due.id
left join image_reading r on r.image = i.id
cross join lateral (select exists (select from match where original_image = i.id) as is_one) as original
where due.kind = 'image' and i.id > %(after)s and i.bytes_state = 'held' and i.unusable_reason is null
    and (original.is_one or exists (select from match where suspect_image = i.id))
    and (
        r.image is null or r.reader_version < %(reader_version)s
        or (original.is_one and r.text_panel is null)
    )
order by i.id
limit %(most)s;

-- upsert_image_readings --
insert into image_reading (image, reader_version, jpeg_quality, text_panel, panel, read_at)
select *, %(now)s
from unnest(
    %(images)s::bigint[], %(reader_versions)s::int[], %(jpeg_qualities)s::int[], %(text_panels)s::bool[],
    %(panels)s::jsonb[]
)
on conflict (image) do update set
    reader_version = excluded.reader_version,
    jpeg_quality = excluded.jpeg_quality,
    text_panel = excluded.text_panel,
    panel = excluded.panel,
    read_at = excluded.read_at;

-- find_near_matched --
-- Lists images and every one of those that have matched whose 256-bit hash is near, themselves included. A relation of
-- two images by themselves, both ways the same and with no chain of them, so that it does not depend on who came first.
-- Hashes are searched for by themselves first, as `find_near` does.
with near as materialized (
    select q.image, q.hash_256, near.hash
    from image_phash q
    cross join lateral near_phash(q.hash, 8) as near
    where q.image = any(%(images)s::bigint[]) and q.variant in ('plain', 'trimmed')
)
select image, image as near from unnest(%(images)s::bigint[]) as asked (image)
union
select near.image, p.image
from near
join image_phash p on p.hash = near.hash and p.variant in ('plain', 'trimmed')
where hash_distance_bits(near.hash_256, p.hash_256) <= %(near_bits)s
    and (exists (select from match where original_image = p.image and decision <> 'no_match')
        or exists (select from match where suspect_image = p.image and decision <> 'no_match'));

-- apply_common --
-- Suppresses the images that, with those near them, many unrelated vendors and several artisans show, and lifts that
-- where it no longer holds. Sellers of one artisan, of one company or of one name on a marketplace count once.
with asked as materialized (
    select unnest(%(images)s::bigint[]) as image
), near as materialized (
    select * from unnest(%(owners)s::bigint[], %(nears)s::bigint[]) as n (image, near)
), place as (
    select near.image, l.seller, coalesce(s.side, m.default_side) as side,
        coalesce(
            'artisan ' || s.artisan,
            'company ' || (
                select min(jsonb_build_array(c.marketplace, c.kind, c.value)::text)
                from company_alias c
                where c.seller = s.id
            ),
            'name ' || l.marketplace || ' '
                || company_name_key(s.name),
            'seller ' || s.id
        ) as party
    from near
    join listing_image li on li.image = near.near
    join listing l on l.id = li.listing
    join seller s on s.id = l.seller
    join marketplace m on m.code = l.marketplace
    union all
    select near.image, null, 'original', 'artisan ' || f.artisan
    from near
    join original_file f on f.image = near.near
), counted as (
    select asked.image,
        -- an artisan's own shop elsewhere is no vendor
        count(distinct place.party) filter (
            where side = 'suspect' and not exists (
                select from place as own
                where own.image = place.image and own.party = place.party and own.side = 'original'
            )
        ) as vendors,
        count(distinct place.party) filter (where side = 'original') as artisans,
        count(distinct place.party) as parties
    from asked
    left join place using (image)
    group by asked.image
), sized as (
    select image, count(*) as images from near group by image
), held as (
    select counted.*, sized.images
    from counted
    join sized using (image)
    where vendors >= %(vendors_min)s and artisans >= %(artisans_min)s
        and (exists (select from match where original_image = counted.image and decision <> 'no_match')
            or exists (select from match where suspect_image = counted.image and decision <> 'no_match'))
), lifted as (
    update suppression p set lifted_at = %(now)s
    from asked
    where p.image = asked.image and p.rule = 'common' and p.made_by is null and p.lifted_at is null
        and not exists (select from held where held.image = p.image)
)
insert into suppression as p (image, rule, document_frequency, measured_on, made_at)
select
    image, 'common', parties,
    jsonb_build_object('vendors', vendors, 'artisans', artisans, 'images', images),
    %(now)s
from held
on conflict (image, rule, seller) do update set
    document_frequency = excluded.document_frequency,
    measured_on = excluded.measured_on,
    lifted_at = null;

-- apply_placeholder --
-- Suppresses the images that are, or lie within a few bits of, a known placeholder: of the list that comes with the
-- program, or one that a person named.
with asked as materialized (
    select unnest(%(images)s::bigint[]) as image
), known as materialized (
    select k.sha256, k.hash_256, 'list' as source
    from unnest(%(sha256s)s::bytea[], %(hashes_256)s::bytea[]) as k (sha256, hash_256)
    union all
    select i.sha256, p.hash_256, 'person'
    from suppression s
    join image i on i.id = s.image
    left join image_phash p on p.image = s.image and p.variant = 'plain'
    where s.rule = 'placeholder' and s.made_by is not null and s.active
), held as (
    select asked.image, min(coalesce(distance.bits, 0)) as distance_bits, count(distinct known.sha256) as entries
    from asked
    join image i on i.id = asked.image
    left join image_phash p on p.image = asked.image and p.variant = 'plain'
    cross join known
    cross join lateral (select hash_distance_bits(p.hash_256, known.hash_256) as bits) as distance
    where known.sha256 = i.sha256 or distance.bits <= %(near_bits)s
    group by asked.image
), lifted as (
    update suppression p set lifted_at = %(now)s
    from asked
    where p.image = asked.image and p.rule = 'placeholder' and p.made_by is null and p.lifted_at is null
        and not exists (select from held where held.image = p.image)
)
insert into suppression as p (image, rule, measured_on, made_at)
select image, 'placeholder', jsonb_build_object('distance_bits', distance_bits), %(now)s
from held
on conflict (image, rule, seller) do update set
    measured_on = case when p.made_by is null then excluded.measured_on else p.measured_on end,
    lifted_at = null;

-- apply_text_panel --
-- Suppresses the originals that were read as a panel of text, and lifts that where they were read otherwise.
with asked as materialized (
    select unnest(%(images)s::bigint[]) as image
), held as (
    select r.image, r.panel
    from asked
    join image_reading r on r.image = asked.image
    where r.text_panel and exists (select from match where original_image = r.image and decision <> 'no_match')
), lifted as (
    update suppression p set lifted_at = %(now)s
    from asked
    where p.image = asked.image and p.rule = 'text_panel' and p.made_by is null and p.lifted_at is null
        and not exists (select from held where held.image = p.image)
)
insert into suppression as p (image, rule, measured_on, made_at)
select image, 'text_panel', coalesce(panel, '{}'), %(now)s
from held
on conflict (image, rule, seller) do update set
    measured_on = case when p.made_by is null then excluded.measured_on else p.measured_on end,
    lifted_at = null;

-- apply_banner --
-- Suppresses, for the vendor alone, the images that it shows beside many of its goods: in a large share of its listings
-- read in full, never as their first photo, and with many different first photos. Lifts that where it no longer holds.
with asked as materialized (
    select unnest(%(sellers)s::bigint[]) as seller
), offer as materialized (
    select l.id as listing, l.seller
    from asked
    join listing l on l.seller = asked.seller
    where l.complete
), total as (
    select seller, count(*) as listings from offer group by seller
), shown as materialized (
    select distinct offer.seller, offer.listing, li.image
    from offer
    join listing_image li on li.listing = offer.listing
    where li.image is not null and exists (
        select from match where suspect_image = li.image and decision <> 'no_match'
    )
), often as (
    select seller, image from shown group by seller, image having count(*) >= %(goods_min)s
), counted as (
    select shown.seller, shown.image, count(*) as listings, count(distinct first.image) as goods
    from often
    join shown using (seller, image)
    join lateral (
        select li.image
        from listing_image li
        where li.listing = shown.listing and li.image is not null
        order by li.position, li.image_key
        limit 1
    ) as first on first.image <> shown.image
    group by shown.seller, shown.image
), held as (
    select counted.*, total.listings as of_listings
    from counted
    join total using (seller)
    join seller s on s.id = counted.seller
    join marketplace m on m.code = s.marketplace
    where goods >= %(goods_min)s and counted.listings >= %(share_min)s * total.listings
        and coalesce(s.side, m.default_side) = 'suspect'
), lifted as (
    update suppression p set lifted_at = %(now)s
    from asked
    where p.seller = asked.seller and p.rule = 'banner' and p.made_by is null and p.lifted_at is null
        and not exists (select from held where held.image = p.image and held.seller = p.seller)
)
insert into suppression as p (image, rule, seller, document_frequency, measured_on, made_at)
select
    image, 'banner', seller, goods, jsonb_build_object('listings', listings, 'of_listings', of_listings), %(now)s
from held
on conflict (image, rule, seller) do update set
    document_frequency = excluded.document_frequency,
    measured_on = excluded.measured_on,
    lifted_at = null;

-- insert_due_findings_of_images --
-- Notes the findings whose pairs may count otherwise now.
insert into context_due (kind, id)
select 'finding', f.id
from match m
join listing_image li on li.image = m.suspect_image
join finding f on f.suspect_listing = li.listing
where m.original_image = any(%(images)s::bigint[]) or m.suspect_image = any(%(images)s::bigint[])
on conflict do nothing;

-- find_image --
-- Finds an image by its SHA-256, in hex and cut short as a person may give it.
select i.id, i.sha256, encode(p.hash_256, 'hex')
from image i
left join image_phash p on p.image = i.id and p.variant = 'plain'
where encode(i.sha256, 'hex') like %(prefix)s || '%%'
order by i.sha256
limit 2;

-- find_image_by_url --
select distinct i.id, i.sha256, encode(p.hash_256, 'hex')
from listing_image li
join image i on i.id = li.image
left join image_phash p on p.image = i.id and p.variant = 'plain'
where li.source_url = %(url)s
limit 2;

-- upsert_suppression --
-- Writes a suppression that a person makes; it holds until a person undoes it.
insert into suppression as p (image, rule, seller, made_by, made_at)
values (%(image)s, %(rule)s, %(seller)s, %(by)s, %(now)s)
on conflict (image, rule, seller) do update set
    made_by = excluded.made_by, made_at = excluded.made_at, lifted_at = null, undone_at = null, undone_by = null,
    undone_reason = null
returning id;

-- undo_suppression --
-- Undoes a suppression for good: the rule does not make it again.
update suppression
set undone_at = %(now)s, undone_by = %(by)s, undone_reason = %(reason)s
where id = %(id)s and undone_at is null
returning image;

-- find_suppressions --
-- Lists suppressions with what they keep apart, the newest first; those of one rule, one state or one image alone.
select
    suppression_id, rule, state, image_sha256, seller, document_frequency, measured_on, made_by, made_at, lifted_at,
    undone_at, undone_by, undone_reason, matches, findings, originals, vendors
from analysis.suppression
where (%(rule)s::text is null or rule = %(rule)s::text)
    and (%(state)s::text is null or state = %(state)s::text)
    and (%(image)s::text is null or image_sha256 = %(image)s::text)
    and (%(id)s::bigint is null or suppression_id = %(id)s::bigint)
order by made_at desc, suppression_id desc;

-- find_suppressed_pairs --
-- Lists the pairs that a suppression keeps apart, or would if it were active.
select distinct
    m.decision, m.score, coalesce(m.original_seller, m.artisan) as original_seller,
    coalesce(m.original_url, m.original_file_name) as original, m.suspect_seller, m.suspect_url as suspect,
    m.suppressed_by
from suppression p
join match pair on p.image in (pair.original_image, pair.suspect_image)
join analysis.match m on m.match_id = pair.id
where p.id = %(id)s and (p.seller is null or p.seller = m.suspect_seller_id)
order by m.score desc, original, suspect
limit %(most)s;

-- count_matched --
-- Counts pairs that matched, and images of either side that were compared: with none, a rule had nothing to look at.
select
    (select count(*) from match where decision <> 'no_match'),
    (select count(*) from lookup where looked_up_at is not null);

-- insert_due_near --
-- Notes that a person changed what holds of images: those like them may have followed from it.
insert into context_due (kind, id)
select 'image', unnest(%(images)s::bigint[])
union
select 'image', p.image
from suppression p
where p.rule = 'placeholder' and p.made_by is null
on conflict do nothing;
