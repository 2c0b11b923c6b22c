-- Gives the search by descriptor its index where the extension vector is installed in this database; without it the
-- search reads all codes. Can be repeated.
do $$
begin
    if not exists (select from pg_extension where extname = 'vector') or to_regclass('descriptor_code') is null then
        return;
    end if;
    -- An index for each role: those of the other role would be in the way of the nearest.
    create index if not exists descriptor_code_original_near on descriptor_code
        using hnsw (code bit_hamming_ops) where side = 'original';
    create index if not exists descriptor_code_suspect_near on descriptor_code
        using hnsw (code bit_hamming_ops) where side = 'suspect';
end
$$
