-- find_image_store --
-- Says which image store belongs to the record, and whether that was told yet.
select id::text, named_at is not null as is_named from image_store;

-- name_image_store --
update image_store set named_at = %(now)s where named_at is null;

-- find_some_files --
-- Lists a few of the files that the record stands for.
select sha256 from needed_file limit %(most)s;

-- find_files --
-- Lists the files that the record stands for, and those that wait to be deleted, in order; of several kinds the first counts.
select distinct on (sha256) sha256, kind
from (
    select sha256, 1 as rank, 'photo' as kind from image where bytes_state = 'held'
    union all
    select f.sha256, 2, 'capture' from capture_file f join capture c on c.id = f.capture where c.erased_at is null
    union all
    select manifest_sha256, 2, 'capture' from capture where erased_at is null
    union all
    select page_sha256, 3, 'page' from page_problem where page_sha256 is not null
    union all
    select sha256, 4, null from unneeded_file
) as file
order by sha256, rank;

-- insert_unneeded_files --
-- Notes files to be deleted; none that something needs by then is.
insert into unneeded_file (sha256) select unnest(%(sha256s)s::bytea[]) on conflict do nothing;

-- find_needed_again --
-- Lists those of some files that the record stands for.
select sha256 from needed_file where sha256 = any(%(sha256s)s::bytea[]);
