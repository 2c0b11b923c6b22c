-- indexes_of --
-- Says how the program's own schema indexes a table.
select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename = %(table)s order by indexname;

-- function_of --
select pg_get_functiondef('near_phash'::regproc);

-- insert_phash --
insert into {table} (hash) select unnest(%(hashes)s::bigint[]) on conflict do nothing;

-- load_listing_image --
-- Photos of listings, two each; the hash spreads which images they show, one in five in several listings.
insert into {table} (
    listing, position, image, source_url, image_key, shown, first_seen_at, last_seen_at
)
select
    n / 2, n %% 2, (hashint8(n) & 2147483647) %% (%(size)s::bigint * 4 / 5 + 1),
    'https://s.alicdn.com/@sc04/kf/H' || md5(n::text) || '.jpg', left(md5(n::text), 20), true, %(now)s, %(now)s
from generate_series(0, %(size)s::bigint - 1) as n;

-- insert_listing_image --
insert into {table} as li (
    listing, position, image, source_url, image_key, shown, first_seen_at, last_seen_at
)
select
    n / 2, n %% 2, (hashint8(n) & 2147483647) %% (%(first)s::bigint * 4 / 5 + 1),
    'https://s.alicdn.com/@sc04/kf/H' || md5(n::text) || '.jpg', left(md5(n::text), 20), true, %(now)s, %(now)s
from generate_series(%(first)s::bigint, %(first)s::bigint + %(rows)s - 1) as n
on conflict (listing, image_key, image) do update set last_seen_at = excluded.last_seen_at;

-- find_by_listing --
select image from {table} where listing = any(%(ids)s::bigint[]);

-- find_by_image --
select listing from {table} where image = any(%(ids)s::bigint[]);

-- see_again --
-- The newest listings are visited again, as those that are watched most.
update {table} set last_seen_at = %(now)s where listing >= %(first)s;

-- leaves --
-- Lists the partitions of a table; of a plain one itself.
select oid::regclass::text from pg_class where oid = %(table)s::regclass and relkind = 'r'
union all
select inhrelid::regclass::text from pg_inherits where inhparent = %(table)s::regclass;

-- sizes --
-- Says what tables take, and what their indexes do.
select sum(pg_table_size(leaf::regclass)), sum(pg_indexes_size(leaf::regclass)) from unnest(%(leaves)s::text[]) as leaf;
