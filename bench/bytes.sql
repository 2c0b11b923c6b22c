-- table_bytes --
-- Says how many rows each table has, and what they and their indexes take.
select
    c.relname, c.reltuples::bigint, pg_table_size(c.oid), pg_indexes_size(c.oid)
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.reltuples >= %(least)s
order by c.relname;
