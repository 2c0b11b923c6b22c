-- create_given --
create temporary table given (number bigint primary key, hash bigint not null);

-- insert_images --
-- Stores images in one role, each with a hash; their SHA-256 is that of their number.
with numbered as (
    select number, hash, sha256(convert_to(%(side)s || ' ' || number, 'UTF8')) as sha256 from given
), saved as (
    insert into image (sha256, byte_count, format, width_px, height_px, first_seen_at)
    select sha256, 1, 'JPEG', 1, 1, %(now)s from numbered
    returning id, sha256
), shared as (
    insert into phash (hash) select distinct hash from numbered on conflict do nothing
), role as (
    insert into lookup (image, side) select id, %(side)s from saved
)
insert into image_phash (image, variant, hash, hash_256)
select id, 'plain', hash, sha256 from saved join numbered using (sha256);

-- insert_mirrors --
-- Gives images of one role a second hash.
with numbered as (
    select hash, sha256(convert_to(%(side)s || ' ' || number, 'UTF8')) as sha256 from given
), shared as (
    insert into phash (hash) select distinct hash from numbered on conflict do nothing
)
insert into image_phash (image, variant, hash, hash_256)
select id, 'mirror', hash, sha256 from image join numbered using (sha256);

-- create_scan --
-- The same search without an index.
create function near_phash_scan(query bigint, radius_bits int) returns table (hash bigint, distance_bits int)
language sql stable parallel safe as $$
    select p.hash, bit_count((p.hash # query)::bit(64))::int
    from phash p
    where bit_count((p.hash # query)::bit(64)) <= radius_bits
$$;
