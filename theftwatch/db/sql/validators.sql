-- find_validator --
-- Finds with what a page can be asked for again, where this program read it not too long ago.
select url, etag, last_modified, listing_refs, leads_to
from page_validator
where url = %(url)s and version = %(version)s and read_at > %(since)s;

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
