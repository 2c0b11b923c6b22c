-- try_lock_timestamps --
-- Says whether no other session is getting timestamps, and from now on no other may.
select pg_try_advisory_lock(hashtext('theftwatch timestamps'));

-- unlock_timestamps --
select pg_advisory_unlock(hashtext('theftwatch timestamps'));

-- want_timestamps --
-- Puts files down for a timestamp that have none.
insert into timestamp_due (sha256, wanted_at)
select wanted.sha256, %(now)s
from unnest(%(sha256s)s::bytea[]) as wanted (sha256)
where not exists (select from timestamp_token t where t.sha256 = wanted.sha256)
on conflict do nothing;

-- want_renewals --
-- Puts files down for another timestamp whose newest one runs out before a moment.
insert into timestamp_due (sha256, wanted_at)
select sha256, %(now)s
from timestamp_token
group by sha256
having max(expires_at) < %(before)s
on conflict do nothing;

-- find_timestamps_due --
-- Lists what waits for a timestamp and was not tried since a moment, with its newest token while that is valid.
select d.sha256, newest.id, newest.token
from timestamp_due d
left join lateral (
    select t.id, t.token from timestamp_token t
    where t.sha256 = d.sha256 and t.expires_at > %(now)s
    order by t.expires_at desc, t.id desc
    limit 1
) as newest on true
where d.tried_at is null or d.tried_at < %(since)s
order by d.wanted_at, d.sha256
limit %(most)s;

-- count_timestamps_due --
select count(*) from timestamp_due;

-- upsert_timestamp_authority --
insert into timestamp_authority (url, certificates, certificates_sha256)
values (%(url)s, %(certificates)s, %(certificates_sha256)s)
on conflict (url, certificates_sha256) do update set url = excluded.url
returning id;

-- insert_timestamps --
-- Writes tokens, and of files of artisans what they prove; returns the images concerned.
with got as (
    select * from unnest(
        %(sha256s)s::bytea[], %(renews)s::bigint[], %(tokens)s::bytea[], %(stamped_at)s::timestamptz[],
        %(expires_at)s::timestamptz[]
    ) as t (sha256, renews, token, stamped_at, expires_at)
), saved as (
    insert into timestamp_token (sha256, renews, authority, token, stamped_at, expires_at)
    select sha256, renews, %(authority)s, token, stamped_at, expires_at from got
    on conflict (renews) do nothing
), done as (
    delete from timestamp_due where sha256 = any(%(sha256s)s::bytea[])
)
insert into date_claim (image, kind, latest_at, source, strength, claimed_at)
select i.id, 'timestamped', got.stamped_at, %(source)s, 'strong', %(now)s
from got
join image i using (sha256)
-- a renewal dates nothing by itself
where got.renews is null and exists (select from original_file f where f.image = i.id)
on conflict (listing, image, kind, source) do update set
    latest_at = least(excluded.latest_at, date_claim.latest_at)
returning image;

-- note_timestamp_failures --
-- Notes why timestamps could not be had: of given files, or of all that wait and were not tried since a moment.
update timestamp_due
set tried_at = %(now)s, failure = %(failure)s
where case
    when %(sha256s)s::bytea[] is null then tried_at is null or tried_at < %(since)s
    else sha256 = any(%(sha256s)s::bytea[])
end;

-- find_timestamps --
-- Lists the tokens of files, the oldest first, with what to verify them by.
select t.sha256, t.id, t.renews, t.token, t.stamped_at, t.expires_at, a.url as authority, a.certificates
from timestamp_token t
join timestamp_authority a on a.id = t.authority
where t.sha256 = any(%(sha256s)s::bytea[])
order by t.sha256, t.stamped_at, t.id;

-- find_artisan_files --
-- Lists the files that an artisan gave, those of one shoot beside each other.
select f.name, f.kind, i.sha256, i.byte_count, i.format, i.width_px, i.height_px, f.dated_at, f.first_seen_at, d.failure
from original_file f
join image i on i.id = f.image
left join timestamp_due d on d.sha256 = i.sha256
where f.artisan = %(artisan)s
order by f.name, f.kind, i.sha256;
