-- create_given --
create table bench_given (
    number bigint primary key, plain bigint not null, mirror bigint not null, embedding bytea not null,
    code bit(512) not null
);

-- copy_given --
copy bench_given (number, plain, mirror, embedding, code) from stdin (format binary);

-- insert_given --
-- Stores originals; their SHA-256 is that of their number.
with numbered as (
    select *, sha256(convert_to('drawn ' || number, 'UTF8')) as sha256 from bench_given
), saved as (
    insert into image (sha256, byte_count, format, width_px, height_px, first_seen_at)
    select sha256, 1, 'JPEG', 800, 800, %(now)s from numbered
    returning id, sha256
), shared as (
    insert into phash (hash) select plain from numbered union select mirror from numbered on conflict do nothing
), role as (
    insert into lookup (image, side, looked_up_at) select id, 'original', %(now)s from saved
), described as (
    insert into descriptor (image, part, place, model, embedding, code)
    select id, 0, '{0,0,1,1}', %(model)s, embedding, code from saved join numbered using (sha256)
), coded as (
    insert into descriptor_code (image, side, part, code)
    select id, 'original', 0, code from saved join numbered using (sha256)
), drawn as (
    insert into bench_drawn (image, features)
    select id, real.image from saved join numbered using (sha256) join bench_real real on real.number = numbered.number %% %(real)s
)
insert into image_phash (image, variant, hash, hash_256)
select id, variant, hash, sha256
from saved join numbered using (sha256)
cross join lateral (values ('plain', plain), ('mirror', mirror)) as each (variant, hash);

-- lend_features --
-- Gives every drawn image the local features of a real photo, which are fetched and read as its own would be.
create table bench_real as
select row_number() over (order by image) - 1 as number, image from local_features;

-- create_drawn --
create table bench_drawn (image bigint primary key, features bigint not null);

-- rename_features --
alter table local_features rename to bench_features;

-- note_real --
insert into bench_drawn (image, features) select image, image from bench_features;

-- create_view --
-- A subquery, since a join would be planned as one over all images, which the table is not.
create view local_features as
select image, (select f.packed from bench_features f where f.image = d.features) as packed from bench_drawn d;

-- drop_indexes --
drop index if exists descriptor_code_original_near, descriptor_code_suspect_near;

-- index_bytes --
select pg_relation_size('descriptor_code_original_near');
