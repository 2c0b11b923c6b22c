-- find_coverage_due --
select key from coverage_due order by key limit %(most)s;

-- update_coverage --
-- Counts anew what is known of sellers and of artisans' files.
with taken as (
    delete from coverage_due where key = any(%(keys)s::text[])
)
insert into seller_coverage
select * from coverage_of(%(keys)s::text[])
on conflict (key) do update set
    listings = excluded.listings,
    listings_read_in_full = excluded.listings_read_in_full,
    listings_gone = excluded.listings_gone,
    images_held = excluded.images_held,
    images_looked_up = excluded.images_looked_up,
    images_unusable = excluded.images_unusable,
    unusable_reasons = excluded.unusable_reasons,
    images_missing = excluded.images_missing,
    missing_reasons = excluded.missing_reasons,
    last_seen_at = excluded.last_seen_at,
    last_looked_up_at = excluded.last_looked_up_at;
