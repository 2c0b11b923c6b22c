-- insert_descriptors --
-- Writes descriptors; those of another network or version are replaced.
insert into descriptor as d (image, part, place, model, embedding, code)
select i.id, g.part, g.place::real[], g.model, g.embedding, g.code::bit(512)
from unnest(
    %(sha256s)s::bytea[], %(parts)s::smallint[], %(places)s::text[], %(models)s::text[], %(embeddings)s::bytea[],
    %(codes)s::text[]
) as g (sha256, part, place, model, embedding, code)
join image i using (sha256)
on conflict (image, part) do update set
    place = excluded.place, model = excluded.model, embedding = excluded.embedding, code = excluded.code
where (d.model, d.embedding) <> (excluded.model, excluded.embedding);

-- insert_descriptor_codes --
-- Makes descriptors found in the roles that their images play by now; parts are of suspects alone.
insert into descriptor_code as c (image, side, part, code)
select d.image, l.side, d.part, d.code
from image i
join descriptor d on d.image = i.id
join lookup l on l.image = i.id
where i.sha256 = any(%(sha256s)s::bytea[]) and (d.part = 0 or l.side = 'suspect')
on conflict (image, side, part) do update set code = excluded.code where c.code <> excluded.code;

-- refresh_descriptor_codes --
-- Makes all descriptors found in the roles that their images play by now, and in no other.
with stale as (
    delete from descriptor_code c
    where not exists (select from lookup l where l.image = c.image and l.side = c.side)
)
insert into descriptor_code (image, side, part, code)
select d.image, l.side, d.part, d.code
from descriptor d join lookup l on l.image = d.image
where d.part = 0 or l.side = 'suspect'
on conflict do nothing;

-- delete_stale_descriptors --
-- Forgets what another network said, where one is in use, and all parts: which of them are asked about shows anew.
delete from descriptor where part > 0 or model <> %(model)s::text;

-- find_descriptors --
-- Finds the descriptors of whole images, by a network.
select i.sha256, d.embedding
from image i join descriptor d on d.image = i.id
where i.sha256 = any(%(sha256s)s::bytea[]) and d.part = 0 and d.model = %(model)s;

-- prepare_search --
-- Says whether there is an index of descriptors, and until the transaction ends has it look at so many neighbours; what is
-- asked for beyond that it looks up anew.
select
    indexed,
    set_config('hnsw.ef_search', %(width)s::text, true),
    set_config('hnsw.iterative_scan', 'relaxed_order', true),
    set_config('enable_seqscan', case when indexed then 'off' else 'on' end, true)
from (select to_regclass('descriptor_code_original_near') is not null) as found (indexed);

-- has_descriptor_index --
select to_regclass('descriptor_code_original_near') is not null;

-- find_alike_by_index --
-- Finds the nearest descriptors of the other role by their signs, with the index.
select asked.n, i.sha256, d.embedding
from unnest(%(codes)s::text[]) with ordinality as asked (code, n)
cross join lateral (
    select c.image, c.part
    from descriptor_code c
    where c.side = %(side)s
    order by c.code <~> asked.code::bit(512)
    limit %(most)s
) as near
join descriptor d on d.image = near.image and d.part = near.part and d.model = %(model)s
join image i on i.id = near.image;

-- find_alike_by_scan --
-- Finds the nearest descriptors of the other role by their signs, by reading them all.
select asked.n, i.sha256, d.embedding
from unnest(%(codes)s::text[]) with ordinality as asked (code, n)
cross join lateral (
    select c.image, c.part
    from descriptor_code c
    where c.side = %(side)s
    order by bit_count(c.code # asked.code::bit(512)), c.image, c.part
    limit %(most)s
) as near
join descriptor d on d.image = near.image and d.part = near.part and d.model = %(model)s
join image i on i.id = near.image;

-- insert_local_features --
-- Fewer looks never take the place of more by the same version, which the first bytes tell.
insert into local_features (image, packed)
select i.id, f.packed
from unnest(%(sha256s)s::bytea[], %(packed)s::bytea[]) as f (sha256, packed)
join image i using (sha256)
on conflict (image) do update set packed = excluded.packed
where substr(local_features.packed, 1, 2) <> substr(excluded.packed, 1, 2)
    or octet_length(local_features.packed) < octet_length(excluded.packed);

-- find_local_features --
select i.sha256, f.packed
from image i join local_features f on f.image = i.id
where i.sha256 = any(%(sha256s)s::bytea[]);

-- find_fingerprints --
-- Finds the hashes of images and what a network says of them, with what is known of their size.
select
    i.sha256, i.format, i.width_px, i.height_px,
    array_agg(p.variant order by p.variant), array_agg(p.hash order by p.variant),
    array_agg(p.hash_256 order by p.variant), d.embedding
from image i
join image_phash p on p.image = i.id
left join descriptor d on d.image = i.id and d.part = 0 and d.model = %(model)s::text
where i.sha256 = any(%(sha256s)s::bytea[])
group by i.id, d.embedding;
