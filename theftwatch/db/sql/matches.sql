-- lock_drain --
-- Waits until no other session works lookups off.
select pg_advisory_lock(hashtext('theftwatch drain'));

-- try_lock_drain --
select pg_try_advisory_lock(hashtext('theftwatch drain'));

-- unlock_session --
select pg_advisory_unlock_all();

-- find_pending_lookups --
-- Lists images of a span that have not yet been looked up in a role; equal order on every machine.
select i.sha256
from lookup l
join image i on i.id = l.image
where l.looked_up_at is null and l.side = %(side)s and l.image between %(first)s and %(last)s
order by l.image
limit %(most)s;

-- find_pending_span --
-- Says from which image to which lookups are pending, in some roles.
select min(image), max(image) from lookup where looked_up_at is null and side = any(%(sides)s::text[]);

-- lock_span --
-- Leases a span of images to this session; waits for who had it before, whose lease ends with its connection. That of
-- a machine that is gone ends after a minute.
select
    set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
    set_config('tcp_keepalives_count', '3', false),
    pg_advisory_lock(hashtext('theftwatch span'), hashtext(%(first)s::bigint || ' to ' || %(last)s::bigint));

-- find_stale_fingerprints --
-- Lists images of a span that wait to be looked up and were fingerprinted by another version, or not described by the
-- network in use.
select distinct on (l.image) l.image, i.sha256
from lookup l
join image i on i.id = l.image
where l.looked_up_at is null
    and l.image between %(first)s and %(last)s
    and (
        i.fingerprint_version <> %(fingerprint_version)s
        -- by its key, whatever the planner believes of a network's share
        or %(model)s::text is not null
            and (select d.model from descriptor d where d.image = l.image and d.part = 0) is distinct from %(model)s
    )
order by l.image
limit %(most)s;

-- update_images --
-- Writes what was found of images when they were fingerprinted anew.
update image i
set
    format = g.format, width_px = g.width_px, height_px = g.height_px, unusable_reason = g.unusable_reason,
    fingerprint_version = %(fingerprint_version)s
from unnest(
    %(sha256s)s::bytea[], %(formats)s::text[], %(widths_px)s::int[], %(heights_px)s::int[], %(unusable_reasons)s::text[]
) as g (sha256, format, width_px, height_px, unusable_reason)
where i.sha256 = g.sha256;

-- delete_other_image_phashes --
-- Forgets the hashes of images but for those given; returns them.
with given as (
    select * from unnest(%(sha256s)s::bytea[], %(variants)s::text[], %(hashes)s::bigint[], %(hashes_256)s::bytea[])
        as g (sha256, variant, hash, hash_256)
)
delete from image_phash p
using image i
where i.id = p.image
    and i.sha256 = any(%(images)s::bytea[])
    and (i.sha256, p.variant, p.hash, p.hash_256) not in (select sha256, variant, hash, hash_256 from given)
returning p.hash;

-- delete_unused_phashes --
-- Forgets those hashes that no image has any more.
delete from phash p
where hash = any(%(hashes)s::bigint[]) and not exists (select from image_phash i where i.hash = p.hash);

-- delete_unusable_lookups --
-- Puts images that cannot be compared after all down for comparison no more, and forgets their descriptors.
with unusable as (
    select id from image where sha256 = any(%(sha256s)s::bytea[]) and unusable_reason is not null
), described as (
    delete from descriptor where image in (select id from unusable)
)
delete from lookup where image in (select id from unusable);

-- has_pending --
-- Says whether anything waits to be compared, or what matches mean to be brought up to date.
select
    exists (select from lookup where looked_up_at is null) or exists (select from context_due)
    or exists (select from trail_due);

-- count_pending_lookups --
select count(*) from lookup where looked_up_at is null;

-- find_exact --
-- Finds images that play the other role too: the same bytes on both sides.
select i.sha256
from image i
join lookup other on other.image = i.id and other.side = %(other_side)s
where i.sha256 = any(%(sha256s)s::bytea[]);

-- find_near --
-- Finds images in the other role with a perceptual hash within a distance; of several variants the nearest counts.
-- Hashes are searched for by themselves first: on tables that were never analysed the planner else pairs all images with
-- all others, and searches once for each pair.
with near as materialized (
    select asked.id, asked.sha256, q.variant, near.hash, near.distance_bits
    from image asked
    join image_phash q on q.image = asked.id and q.variant = any(%(asked_variants)s::text[])
    cross join lateral near_phash(q.hash, %(radius_bits)s::int) as near
    where asked.sha256 = any(%(sha256s)s::bytea[])
)
select distinct on (near.sha256, found.sha256)
    near.sha256 as asked, found.sha256 as found, near.distance_bits,
    near.variant as asked_variant, p.variant as found_variant
from near
join image_phash p on p.hash = near.hash and p.variant = any(%(found_variants)s::text[])
join lookup other on other.image = p.image and other.side = %(other_side)s
join image found on found.id = p.image
where found.id <> near.id
order by near.sha256, found.sha256, near.distance_bits, near.variant, p.variant;

-- find_indexed --
-- Lists all images in a role, with their hashes and with what a network says of them.
select
    i.sha256, array(select p.hash from image_phash p where p.image = l.image and p.variant = any(%(variants)s::text[])),
    d.embedding
from lookup l
join image i on i.id = l.image
left join descriptor d on d.image = l.image and d.part = 0 and d.model = %(model)s::text
where l.side = %(side)s;

-- find_decided --
-- Finds what this version of the algorithm has decided on pairs already, and what was then around the original.
select o.sha256, s.sha256, m.decision, m.transform ->> 'around'
from unnest(%(originals)s::bytea[], %(suspects)s::bytea[]) as pair (original, suspect)
join image o on o.sha256 = pair.original
join image s on s.sha256 = pair.suspect
join match m on m.original_image = o.id and m.suspect_image = s.id
where m.algorithm_version = %(algorithm_version)s;

-- upsert_matches --
-- Writes the decisions on pairs, each at its newest, and appends them to the history.
with decided as (
    select o.id as original_image, s.id as suspect_image, d.*
    from unnest(
        %(originals)s::bytea[], %(suspects)s::bytea[], %(decisions)s::text[], %(scores)s::real[], %(methods)s::text[],
        %(transforms)s::jsonb[], %(explanations)s::text[], %(distances_bits)s::int[], %(similarities)s::real[],
        %(inliers)s::int[]
    ) as d (
        original, suspect, decision, score, method, transform, explanation, distance_bits, similarity, inliers
    )
    join image o on o.sha256 = d.original
    join image s on s.sha256 = d.suspect
), saved as (
    insert into match as m (
        original_image, suspect_image, decision, score, method, transform, explanation,
        algorithm_version, first_matched_at, decided_at
    )
    select
        original_image, suspect_image, decision, score, method, transform, explanation,
        %(algorithm_version)s, %(now)s, %(now)s
    from decided
    -- a pair that never matched is no row; one that did keeps it
    where decision <> 'no_match' or exists (
        select from match known
        where known.original_image = decided.original_image and known.suspect_image = decided.suspect_image
    )
    on conflict (original_image, suspect_image) do update set
        decision = excluded.decision,
        score = excluded.score,
        method = excluded.method,
        transform = excluded.transform,
        explanation = excluded.explanation,
        algorithm_version = excluded.algorithm_version,
        decided_at = excluded.decided_at
    returning id, original_image, suspect_image
)
insert into match_decision (
    match, algorithm_version, method, distance_bits, similarity, inliers, transform, score, decision, decided_at
)
select
    saved.id, %(algorithm_version)s, decided.method, decided.distance_bits, decided.similarity, decided.inliers,
    decided.transform, decided.score, decided.decision, %(now)s
from saved join decided using (original_image, suspect_image)
on conflict (match, algorithm_version) do nothing
returning match;

-- finish_lookups --
-- Notes that images were looked up.
update lookup l
set looked_up_at = %(now)s, algorithm_version = %(algorithm_version)s
from unnest(%(sha256s)s::bytea[], %(sides)s::text[]) as done (sha256, side)
join image i on i.sha256 = done.sha256
where l.image = i.id and l.side = done.side;

-- find_image_ids --
select id from image where sha256 = any(%(sha256s)s::bytea[]);

-- reset_lookups --
-- Puts all images down for comparison again, in all their roles: what the one asks for nearest, the other may not.
update lookup set looked_up_at = null, algorithm_version = null;

-- refresh_lookups --
-- Gives every image the roles that its sellers and files have by now, and takes those away that none has any more. One
-- that another version could not use is tried again.
with role as (
    select li.image, coalesce(s.side, m.default_side) as side
    from listing_image li
    join listing l on l.id = li.listing
    join marketplace m on m.code = l.marketplace
    left join seller s on s.id = l.seller
    where li.image is not null
    union
    select image, 'original' from original_file
), stale as (
    delete from lookup where (image, side) not in (select image, side from role)
)
insert into lookup (image, side)
select role.image, role.side
from role join image i on i.id = role.image
where (i.unusable_reason is null or i.fingerprint_version <> %(fingerprint_version)s) and i.bytes_state = 'held'
on conflict do nothing;

-- withdraw_matches --
-- Withdraws matches of an older version whose images this one looked up again without meeting the pair, and appends
-- that to the history; returns the images. A pair with an image still to be looked up again stays as it is, and so does one
-- that cannot be looked at again, as bytes of it are gone.
with withdrawn as (
    update match m
    set
        decision = 'no_match', score = 0, method = 'not_met', transform = null,
        explanation = 'The search of this version does not meet the pair.',
        algorithm_version = %(algorithm_version)s, decided_at = %(now)s
    where m.algorithm_version < %(algorithm_version)s
        and m.decision <> 'no_match'
        and not exists (
            select from lookup l
            where (l.image, l.side) in ((m.original_image, 'original'), (m.suspect_image, 'suspect'))
                and l.algorithm_version is distinct from %(algorithm_version)s
        )
        and not exists (
            select from image i where i.id in (m.original_image, m.suspect_image) and i.bytes_state <> 'held'
        )
    returning id, original_image, suspect_image
), appended as (
    insert into match_decision (match, algorithm_version, method, score, decision, decided_at)
    select id, %(algorithm_version)s, 'not_met', 0, 'no_match', %(now)s from withdrawn
)
select original_image from withdrawn
union
select suspect_image from withdrawn;

-- insert_artisan --
insert into artisan (name) values (%(name)s) on conflict (name) do update set name = excluded.name returning id;

-- insert_original_files --
insert into original_file (artisan, image, kind, name, dated_at, published_url, first_seen_at)
select %(artisan)s, i.id, f.kind, f.name, f.dated_at, f.published_url, %(now)s
from unnest(
    %(sha256s)s::bytea[], %(kinds)s::text[], %(names)s::text[], %(dated_at)s::timestamptz[], %(published_urls)s::text[]
) as f (sha256, kind, name, dated_at, published_url)
join image i using (sha256)
on conflict (artisan, image, kind) do update set
    dated_at = coalesce(excluded.dated_at, original_file.dated_at),
    published_url = coalesce(excluded.published_url, original_file.published_url);

-- insert_original_lookups --
insert into lookup (image, side)
select id, 'original' from image where sha256 = any(%(sha256s)s::bytea[]) and unusable_reason is null
on conflict do nothing;
