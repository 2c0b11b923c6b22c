-- find_validator --
-- Finds with what a page can be asked for again, where this program read it not too long ago. The page of a listing in an open
-- case is read, as that has its photos asked for.
select url, etag, last_modified, listing_refs, leads_to
from page_validator
where url = %(url)s and version = %(version)s and read_at > %(since)s
    and not exists (
        select from target t
        join listing l on l.marketplace = t.marketplace and l.listing_ref = t.ref
        join open_case_listing o on o.listing = l.id
        where t.id = %(target)s and t.kind = 'listing'
    );

-- upsert_validator --
insert into page_validator (url, etag, last_modified, listing_refs, leads_to, version, read_at)
values (%(url)s, %(etag)s, %(last_modified)s, %(listing_refs)s, %(leads_to)s, %(version)s, %(now)s)
on conflict (url) do update set
    etag = excluded.etag,
    last_modified = excluded.last_modified,
    listing_refs = excluded.listing_refs,
    leads_to = excluded.leads_to,
    version = excluded.version,
    read_at = excluded.read_at;

-- delete_old_validators --
-- Forgets pages that have to be read anew whatever their hosts say.
delete from page_validator where read_at <= %(since)s;

-- find_image_validator --
-- Finds with what an image can be asked for again, and which bytes it was.
select i.sha256, v.etag, v.last_modified
from image_validator v
join image i on i.id = v.image
where v.url = %(url)s and i.bytes_state = 'held';

-- upsert_image_validators --
-- Keeps with what images can be asked for again; not those that are damaged.
insert into image_validator (url, image, etag, last_modified)
select v.url, i.id, v.etag, v.last_modified
from unnest(%(urls)s::text[], %(sha256s)b::bytea[], %(etags)s::text[], %(last_modified)s::text[])
    as v (url, sha256, etag, last_modified)
join image i using (sha256)
where i.unusable_reason is null or not i.unusable_reason = any(%(damaged)s::text[])
on conflict (url) do update set
    image = excluded.image, etag = excluded.etag, last_modified = excluded.last_modified;
