-- The record: who offers what with which images, what was compared, and what matched.

create table marketplace (
    code text primary key,
    default_side text not null check (default_side in ('original', 'suspect'))
);

insert into marketplace (code, default_side) values ('etsy', 'original'), ('artfire', 'original'), ('alibaba', 'suspect');

create table artisan (
    id bigint generated always as identity primary key,
    name text not null unique,
    contact text,
    opted_out_at timestamptz
);

create table seller (
    id bigint generated always as identity primary key,
    marketplace text not null references marketplace,
    -- the marketplace's own firm key; 'kind:value' of an alias while the firm one has not been seen
    seller_ref text not null,
    name text,
    url text,
    country text,
    -- null: the marketplace's default
    side text check (side in ('original', 'suspect')),
    artisan bigint references artisan,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    unique (marketplace, seller_ref)
);

create table seller_alias (
    marketplace text not null references marketplace,
    kind text not null,
    value text not null,
    seller bigint not null references seller on delete cascade,
    first_seen_at timestamptz not null,
    primary key (marketplace, kind, value)
);
create index seller_alias_seller on seller_alias (seller);

create table run (
    id bigint generated always as identity primary key,
    spider text not null,
    arguments jsonb not null,
    jobid text,
    host text not null,
    version text not null,
    started_at timestamptz not null,
    heartbeat_at timestamptz not null,
    finished_at timestamptz,
    finish_reason text,
    outcome text check (outcome in (
        'ok', -- everything asked for was seen
        'partial', -- some pages or images failed
        'blocked', -- the marketplace refused us; says nothing about any listing
        'failed' -- the run broke off
    )),
    stats jsonb
);

-- A page that gave no data, kept for the person who mends the page module.
create table page_problem (
    run bigint not null references run on delete cascade,
    url text not null,
    kind text not null check (kind in ('blocked', 'changed', 'unknown', 'gone', 'failed')),
    detail text not null,
    http_status int,
    page_sha256 bytea check (octet_length(page_sha256) = 32),
    seen_at timestamptz not null,
    primary key (run, url)
);

create table listing (
    id bigint generated always as identity primary key,
    marketplace text not null references marketplace,
    listing_ref text not null,
    -- null: no page that names the seller has been read
    seller bigint references seller,
    url text not null,
    title text,
    price_min numeric,
    price_max numeric,
    currency text,
    listed_at timestamptz,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    -- false: only cards in lists have been read, which show some of the images
    complete boolean not null,
    state text not null default 'live' check (state in ('live', 'gone', 'unknown')),
    unique (marketplace, listing_ref)
);
create index listing_seller on listing (seller);

create table listing_event (
    id bigint generated always as identity primary key,
    listing bigint not null references listing on delete cascade,
    run bigint references run,
    kind text not null check (kind in ('first_seen', 'title', 'price', 'images', 'state')),
    before jsonb,
    after jsonb,
    seen_at timestamptz not null
);
create index listing_event_listing on listing_event (listing);

create table image (
    id bigint generated always as identity primary key,
    sha256 bytea not null unique check (octet_length(sha256) = 32),
    byte_count bigint not null,
    -- null with unusable_reason where the bytes are no image that we decode
    format text,
    width_px int,
    height_px int,
    bytes_state text not null default 'held' check (bytes_state in ('held', 'dropped', 'erased')),
    first_seen_at timestamptz not null,
    -- null: can be compared
    unusable_reason text
);

create table listing_image (
    listing bigint not null references listing on delete cascade,
    position int not null,
    -- null with missing_reason where the bytes could not be had
    image bigint references image,
    source_url text not null,
    image_key text not null,
    published_at timestamptz,
    missing_reason text,
    -- whether the page last read in full shows it
    shown boolean not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    primary key (listing, image_key)
);
create index listing_image_image on listing_image (image);
create index listing_image_key on listing_image (image_key);

create table original_file (
    id bigint generated always as identity primary key,
    artisan bigint not null references artisan,
    image bigint not null references image,
    kind text not null check (kind in ('original', 'outtake')),
    name text not null,
    dated_at timestamptz,
    first_seen_at timestamptz not null,
    unique (artisan, image, kind)
);
create index original_file_image on original_file (image);

create table date_claim (
    id bigint generated always as identity primary key,
    listing bigint references listing on delete cascade,
    image bigint references image on delete cascade,
    kind text not null,
    -- bounds, not a moment: existed not before, existed by
    earliest_at timestamptz,
    latest_at timestamptz,
    source text not null,
    strength text not null check (strength in ('strong', 'medium', 'weak')),
    claimed_at timestamptz not null,
    check (listing is not null or image is not null),
    check (earliest_at is not null or latest_at is not null),
    unique nulls not distinct (listing, image, kind, source)
);

-- 64-bit perceptual hashes, once each however many images share one. Bit i of the hash stands in band i mod 3, because
-- neighbouring bits of a DCT hash are correlated; a distance does not change under a permutation of the bits.
create table phash (
    hash bigint primary key,
    band_0 int not null generated always as ((hash >> 42) & 4194303) stored,
    band_1 int not null generated always as ((hash >> 21) & 2097151) stored,
    band_2 int not null generated always as (hash & 2097151) stored
);
create index phash_band_0 on phash (band_0) include (hash);
create index phash_band_1 on phash (band_1) include (hash);
create index phash_band_2 on phash (band_2) include (hash);
-- Index-only scans need the visibility map, and this table is only ever inserted into.
alter table phash set (autovacuum_vacuum_insert_scale_factor = 0.02);

-- The ways to flip up to two bits of a band. Radii that sum up, each plus one, to the distance plus one miss nothing
-- (multi-index hashing, Norouzi et al. 2012): 2, 2 and 2 serve distances up to 8.
create table phash_flip (
    band int not null,
    mask int not null,
    primary key (band, mask)
);
insert into phash_flip (band, mask)
with bit as (
    select band, 1 << position as flag
    from (values (0, 22), (1, 21), (2, 21)) as band (band, width_bits), generate_series(0, width_bits - 1) as position
)
select band, 0 from generate_series(0, 2) as band
union all
select band, flag from bit
union all
select a.band, a.flag | b.flag from bit as a join bit as b on a.band = b.band and a.flag < b.flag;

-- The flipped bands are arrays and no joined tables, because over a join the planner may put a cache whose key is the
-- probed value of the band alone, and so give what one query was told to another that probes the same value.
create function near_phash(query bigint, radius_bits int) returns table (hash bigint, distance_bits int)
language sql stable parallel safe rows 10 as $$
    with near as (
        select p.hash from phash p
        where p.band_0 = any (array(select ((query >> 42) & 4194303)::int # mask from phash_flip where band = 0))
        union
        select p.hash from phash p
        where p.band_1 = any (array(select ((query >> 21) & 2097151)::int # mask from phash_flip where band = 1))
        union
        select p.hash from phash p
        where p.band_2 = any (array(select (query & 2097151)::int # mask from phash_flip where band = 2))
    )
    select near.hash, bit_count((near.hash # query)::bit(64))::int
    from near
    where bit_count((near.hash # query)::bit(64)) <= least(radius_bits, 8)
$$;
comment on function near_phash is 'Finds every stored hash within a distance, 8 bits at most.';

create table image_phash (
    image bigint not null references image on delete cascade,
    variant text not null check (variant in ('plain', 'mirror', 'trimmed', 'trimmed_mirror')),
    hash bigint not null references phash,
    hash_256 bytea not null check (octet_length(hash_256) = 32),
    primary key (image, variant)
);
create index image_phash_hash on image_phash (hash);

-- An image in one of the two roles, and when it was last searched for among the images in the other. Written with the
-- listing, so that a crawl killed before the search leaves the work to be done and not a gap.
create table lookup (
    image bigint not null references image on delete cascade,
    side text not null check (side in ('original', 'suspect')),
    algorithm_version int,
    looked_up_at timestamptz,
    primary key (image, side)
);
create index lookup_pending on lookup (image) where looked_up_at is null;

create table match (
    id bigint generated always as identity primary key,
    original_image bigint not null references image,
    suspect_image bigint not null references image,
    decision text not null check (decision in (
        'match',
        'possible', -- worth a look
        'no_match' -- was one of the others under an earlier version of the algorithm
    )),
    score real not null check (score between 0 and 1),
    method text not null,
    transform jsonb,
    explanation text not null,
    algorithm_version int not null,
    first_matched_at timestamptz not null,
    decided_at timestamptz not null,
    unique (original_image, suspect_image)
);
create index match_suspect_image on match (suspect_image);

create table match_decision (
    id bigint generated always as identity primary key,
    match bigint not null references match on delete cascade,
    algorithm_version int not null,
    method text not null,
    distance_bits int,
    similarity real,
    inliers int,
    transform jsonb,
    score real not null,
    decision text not null check (decision in ('match', 'possible', 'no_match')),
    decided_at timestamptz not null,
    unique (match, algorithm_version)
);

create table finding (
    id bigint generated always as identity primary key,
    original_listing bigint references listing on delete cascade,
    original_file bigint references original_file on delete cascade,
    suspect_listing bigint not null references listing on delete cascade,
    first_found_at timestamptz not null,
    check ((original_listing is null) <> (original_file is null)),
    unique nulls not distinct (original_listing, original_file, suspect_listing)
);
create index finding_suspect_listing on finding (suspect_listing);
