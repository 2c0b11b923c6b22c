-- create_table --
create table phash_vector (hash bigint primary key, bits bit(64) not null);

-- fill_table --
insert into phash_vector (hash, bits) select hash, hash::bit(64) from phash;

-- create_index --
create index phash_vector_bits on phash_vector using hnsw (bits bit_hamming_ops);

-- index_size_bytes --
select pg_relation_size('phash_vector_bits');

-- create_search --
-- The nearest so many, of which those within the distance; an HNSW index knows no search by distance alone.
create or replace function near_phash_hnsw(query bigint, radius_bits int)
returns table (hash bigint, distance_bits int)
language sql stable parallel safe as $$
    select nearest.hash, nearest.distance_bits
    from (
        select v.hash, (v.bits <~> query::bit(64))::int as distance_bits
        from phash_vector v
        order by v.bits <~> query::bit(64)
        limit {most}
    ) as nearest
    where nearest.distance_bits <= radius_bits
$$;
