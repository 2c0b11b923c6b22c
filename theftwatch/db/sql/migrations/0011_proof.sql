-- What is kept as proof, and when it was timestamped.

-- Who was asked for timestamps, and what they are verified against; kept, so that old ones verify when another is asked.
create table timestamp_authority (
    id bigint generated always as identity primary key,
    url text not null,
    -- the authority's root, and what may stand between it and the signer, in PEM
    certificates text not null,
    certificates_sha256 bytea not null check (octet_length(certificates_sha256) = 32),
    unique (url, certificates_sha256)
);
comment on table timestamp_authority is 'An authority that was asked for timestamps, with the certificates to verify them by.';

create table timestamp_token (
    id bigint generated always as identity primary key,
    -- of the file that it dates
    sha256 bytea not null check (octet_length(sha256) = 32),
    -- an older token of the same file: this one was made over its bytes, before its certificate ran out
    renews bigint unique references timestamp_token,
    authority bigint not null references timestamp_authority,
    -- the whole reply (RFC 3161, TimeStampResp in DER), as `openssl ts` reads it
    token bytea not null,
    stamped_at timestamptz not null,
    -- when the first of its certificates runs out
    expires_at timestamptz not null
);
create index timestamp_token_sha256 on timestamp_token (sha256, stamped_at);
comment on table timestamp_token is 'A trusted timestamp of a file, by its SHA-256, or of an older timestamp that it renews.';
alter table timestamp_token alter column token set storage external; -- signatures do not compress

-- Written with what is to be stamped, so that an authority that is down, or a kill, leaves the work to be done.
create table timestamp_due (
    sha256 bytea primary key check (octet_length(sha256) = 32),
    wanted_at timestamptz not null,
    -- the last attempt that failed, and why; null: none did
    tried_at timestamptz,
    failure text,
    check ((tried_at is null) = (failure is null))
);
comment on table timestamp_due is 'Files that wait for a timestamp, or for a newer one before theirs runs out.';

insert into timestamp_due (sha256, wanted_at)
select i.sha256, min(f.first_seen_at) from original_file f join image i on i.id = f.image group by i.sha256;

create view analysis.original_file as
select
    f.id as original_file_id, a.name as artisan, f.kind, f.name as file_name, encode(i.sha256, 'hex') as sha256,
    i.format, i.width_px, i.height_px, i.byte_count, f.dated_at, f.first_seen_at, stamped.first_at as timestamped_at,
    stamped.authority as timestamp_authority, stamped.expires_at as timestamp_expires_at,
    d.sha256 is not null as timestamp_waits, d.failure as timestamp_failure
from original_file f
join artisan a on a.id = f.artisan
join image i on i.id = f.image
left join timestamp_due d on d.sha256 = i.sha256
left join lateral (
    select
        min(t.stamped_at) as first_at, max(t.expires_at) as expires_at,
        (array_agg(u.url order by t.stamped_at, t.id))[1] as authority
    from timestamp_token t
    join timestamp_authority u on u.id = t.authority
    where t.sha256 = i.sha256
) as stamped on true
where a.opted_out_at is null;

comment on view analysis.original_file is 'Every photo that an artisan gave, with its trusted timestamp.';
comment on column analysis.original_file.original_file_id is 'Key of the file in this database';
comment on column analysis.original_file.artisan is 'Name of the artisan who gave it';
comment on column analysis.original_file.kind is 'original, or outtake: of the same shoot, never shown';
comment on column analysis.original_file.file_name is 'How the artisan calls the file';
comment on column analysis.original_file.sha256 is 'SHA-256 of the exact bytes, in hex';
comment on column analysis.original_file.format is 'Format of the file; null where it could not be told';
comment on column analysis.original_file.width_px is 'Width; null where it could not be told';
comment on column analysis.original_file.height_px is 'Height; null where it could not be told';
comment on column analysis.original_file.byte_count is 'Size of the file in bytes';
comment on column analysis.original_file.dated_at is 'When it was made, by the word of the artisan';
comment on column analysis.original_file.first_seen_at is 'When it was given';
comment on column analysis.original_file.timestamped_at is
    'By when it existed, by the word of the authority; null where no timestamp has been had';
comment on column analysis.original_file.timestamp_authority is 'Address of the authority that said so first';
comment on column analysis.original_file.timestamp_expires_at is 'Until when the newest timestamp can be verified by itself';
comment on column analysis.original_file.timestamp_waits is 'Whether a timestamp, or a newer one, is still to be had';
comment on column analysis.original_file.timestamp_failure is 'Why the last attempt to get it failed; null where none did';

-- What is kept of a suspect listing at a moment: its page, how it looked, its photos.
create table capture (
    id bigint generated always as identity primary key,
    listing bigint not null references listing on delete cascade,
    why text not null check (why in (
        'found', -- a finding counts
        'filing', -- a complaint is about to be filed
        'removal' -- it is said to be removed
    )),
    state text not null check (state in (
        'taken', -- the page, and pictures of it
        'page_only', -- the page without pictures of it
        'gone', -- its address says that there is nothing
        'blocked', -- the marketplace refused to show it
        'refused', -- robots.txt does not allow it
        'failed'
    )),
    -- what was out of the ordinary, in words
    detail text,
    url text not null,
    http_status int,
    taken_at timestamptz not null,
    run bigint references run on delete set null,
    -- the list of its files, a file itself; dated by a timestamp
    manifest_sha256 bytea not null unique check (octet_length(manifest_sha256) = 32)
);
create index capture_listing on capture (listing, why);
comment on table capture is 'A suspect listing kept as proof at a moment: its page, pictures of it, its photos, their digests.';

create table capture_file (
    capture bigint not null references capture on delete cascade,
    name text not null,
    role text not null check (role in (
        'page', 'warc', 'screenshot', 'place',
        'photo', -- fetched for the capture
        'recorded' -- as it was when the listing was last crawled, where it could not be fetched, or is another one by now
    )),
    sha256 bytea not null check (octet_length(sha256) = 32),
    byte_count bigint not null,
    media_type text not null,
    primary key (capture, name)
);
create index capture_file_sha256 on capture_file (sha256);
comment on table capture_file is 'A file of a capture, by its SHA-256, under the name that the manifest gives it.';

-- One capture of a listing serves all its findings.
create table capture_finding (
    capture bigint not null references capture on delete cascade,
    finding bigint not null references finding on delete cascade,
    primary key (capture, finding)
);
create index capture_finding_finding on capture_finding (finding);
comment on table capture_finding is 'Which findings a capture is proof for.';

create view analysis.capture as
select
    c.id as capture_id, l.marketplace, l.listing_id, l.listing_ref, l.seller_id, l.seller, l.title, c.url, c.why, c.state,
    c.detail, c.http_status, c.taken_at, c.run as run_id, held.files, held.byte_count, held.screenshots,
    encode(c.manifest_sha256, 'hex') as manifest_sha256, stamped.first_at as timestamped_at,
    d.sha256 is not null as timestamp_waits, d.failure as timestamp_failure
from capture c
join analysis.listing l on l.listing_id = c.listing
cross join lateral (
    select
        count(*) as files, coalesce(sum(f.byte_count), 0)::bigint as byte_count,
        count(*) filter (where f.role in ('screenshot', 'place')) as screenshots
    from capture_file f where f.capture = c.id
) as held
left join timestamp_due d on d.sha256 = c.manifest_sha256
left join lateral (
    select min(t.stamped_at) as first_at from timestamp_token t where t.sha256 = c.manifest_sha256
) as stamped on true;

comment on view analysis.capture is
    'Every time a suspect listing was to be kept as proof, and what came of it; one that was gone or barred has a row too.';
comment on column analysis.capture.capture_id is 'Key of the capture';
comment on column analysis.capture.marketplace is 'The site that shows the listing';
comment on column analysis.capture.listing_id is 'Key of the listing';
comment on column analysis.capture.listing_ref is 'The marketplace’s own key of the listing';
comment on column analysis.capture.seller_id is 'Key of the vendor; null where it is not known';
comment on column analysis.capture.seller is 'Name of the vendor';
comment on column analysis.capture.title is 'Title of the listing, as last read';
comment on column analysis.capture.url is 'Address that was asked for, or that it led to';
comment on column analysis.capture.why is 'found, filing or removal';
comment on column analysis.capture.state is 'taken, page_only (no picture of it), gone, blocked, refused (by robots.txt) or failed';
comment on column analysis.capture.detail is 'What was out of the ordinary, in words; null where nothing was';
comment on column analysis.capture.http_status is 'Status of the answer; null where none came';
comment on column analysis.capture.taken_at is 'When it was';
comment on column analysis.capture.run_id is 'Key of the run that took it';
comment on column analysis.capture.files is 'Files that are kept of it';
comment on column analysis.capture.byte_count is 'Their size in bytes';
comment on column analysis.capture.screenshots is 'Pictures of the page among them';
comment on column analysis.capture.manifest_sha256 is 'SHA-256 of the list of these files, in hex';
comment on column analysis.capture.timestamped_at is
    'By when that list existed, by the word of a timestamp authority; null where no timestamp has been had';
comment on column analysis.capture.timestamp_waits is 'Whether a timestamp is still to be had';
comment on column analysis.capture.timestamp_failure is 'Why the last attempt to get it failed; null where none did';

-- An artisan's leave to be named beside others in a dossier on a vendor.
create table dossier_consent (
    id bigint generated always as identity primary key,
    artisan bigint not null references artisan,
    -- null: on whatever vendor
    seller bigint references seller,
    -- how the artisan gave it, in a person's words
    note text not null,
    entered_by text not null,
    entered_at timestamptz not null,
    withdrawn_at timestamptz,
    withdrawn_by text,
    check ((withdrawn_at is null) = (withdrawn_by is null))
);
create index dossier_consent_artisan on dossier_consent (artisan);
comment on table dossier_consent is 'That an artisan agreed to be named beside others in a dossier on a vendor.';
