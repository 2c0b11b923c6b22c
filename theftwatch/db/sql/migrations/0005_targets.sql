-- What is crawled again and again, and who is at it just now.

create table target (
    id bigint generated always as identity primary key,
    marketplace text not null references marketplace,
    -- as the spiders' arguments have it; a listing is what a list led to, or an address that is one
    kind text not null check (kind in ('shop', 'vendor', 'archive', 'search', 'url', 'listing')),
    -- the shop's name, the words, the listing's key; for a url the address
    ref text not null,
    -- where it begins, for listings alone: the spiders make the others' addresses of their ref
    url text check ((url is not null) = (kind = 'listing')),
    every interval not null check (every > interval '0'),
    -- 0 to 9, the higher first
    priority smallint not null default 5 check (priority between 0 and 9),
    reason text not null,
    -- the target on whose pages it was found
    found_on bigint references target on delete set null,
    -- the match that led to it; null where a person added it, or a list led there
    match bigint references match on delete set null,
    added_at timestamptz not null,
    -- while a job is at it: when its lease runs out, and it is due again
    due_at timestamptz not null,
    paused_at timestamptz,
    -- who is at it; a job that comes too late with another token changes nothing
    lease_token uuid,
    -- leases since it was last finished: more than one, and a job broke off
    leases int not null default 0,
    run bigint references run on delete set null,
    finished_at timestamptz,
    -- as of a run; refused: robots.txt bars it; gone: its address says that there is nothing
    outcome text check (outcome in ('ok', 'partial', 'blocked', 'refused', 'gone', 'failed')),
    -- times in a row that it was not ok
    failures int not null default 0,
    unique (marketplace, kind, ref)
);
comment on table target is 'What is crawled again and again: shops, vendors, listings, searches, pages.';
-- Each priority is a list of its own in it, the longest due first.
create index target_due on target (marketplace, priority, due_at, id) where paused_at is null;
create index target_found_on on target (found_on);

-- Vendors whose listings have come to match, until it is seen whether their whole shop is to be watched.
create table trail_due (
    seller bigint primary key references seller on delete cascade,
    match bigint not null references match on delete cascade
);
comment on table trail_due is 'Vendors with a new match, who may have to be watched.';

create view analysis.target as
select
    t.id as target_id, t.marketplace, t.kind, t.ref, t.url, t.every, t.priority, t.reason, found.id as found_on_target_id,
    found.kind || '=' || found.ref as found_on, t.match as match_id, t.added_at, t.due_at, t.paused_at, t.lease_token is not null as leased,
    t.run as run_id, t.outcome, t.finished_at, t.failures
from target t
left join target found on found.id = t.found_on;

comment on view analysis.target is 'One row per target: what is crawled again and again, why, and how it went last.';
comment on column analysis.target.target_id is 'Key of the target';
comment on column analysis.target.marketplace is 'Where it is';
comment on column analysis.target.kind is 'shop, vendor, archive, search, url or listing';
comment on column analysis.target.ref is 'Name of the shop or vendor, words, address, or the marketplace''s key of the listing';
comment on column analysis.target.url is 'Address of a listing; null for the other kinds';
comment on column analysis.target.every is 'How often it is wanted';
comment on column analysis.target.priority is '0 to 9, the higher crawled first';
comment on column analysis.target.reason is 'Why it is watched, as a person or the program put it';
comment on column analysis.target.found_on_target_id is 'Key of the target on whose pages it was found; null where a person added it';
comment on column analysis.target.found_on is 'That target, as kind=ref';
comment on column analysis.target.match_id is 'Key of the match that led to it; null where none did';
comment on column analysis.target.added_at is 'When it was added';
comment on column analysis.target.due_at is 'From when it is crawled next; while a job is at it, when its lease runs out';
comment on column analysis.target.paused_at is 'Since when it is not crawled; null where it is';
comment on column analysis.target.leased is 'Whether a job has taken it and not finished it';
comment on column analysis.target.run_id is 'Key of the run that took it last';
comment on column analysis.target.outcome is 'How it went last: ok, partial, blocked, refused (by robots.txt), gone or failed';
comment on column analysis.target.finished_at is 'When that was';
comment on column analysis.target.failures is 'Times in a row that it did not go well';

-- Which listing the address is of, so that what its own page says of it can be told from what others say.
alter table page_problem
    add column marketplace text references marketplace,
    add column listing_ref text,
    add check ((marketplace is null) = (listing_ref is null));
create index page_problem_gone on page_problem (marketplace, listing_ref) where kind = 'gone';

-- How politely a host is asked, by all jobs on all machines together.
create table host_budget (
    -- or the name under which several hosts are asked as one
    host text primary key,
    -- when the next request may go out, after all that have been promised their turn
    next_at timestamptz not null,
    -- after it refused us again and again: until when it is left alone, and how often in a row that happened
    rests_until timestamptz,
    rests int not null default 0
);
comment on table host_budget is 'When each host may be asked next, by whatever job.';

-- The past of listings. What changed after a moment had its earlier value then; the rest was as it is now.
create function analysis.listing_at(moment timestamptz) returns table (
    listing_id bigint, marketplace text, listing_ref text, url text, title text, price_min numeric, price_max numeric,
    currency text, state text, image_keys jsonb
)
language sql stable parallel safe as $$
    select
        l.id, l.marketplace, l.listing_ref, l.url,
        case when past.had ? 'title' then past.had ->> 'title' else l.title end,
        case when past.had ? 'price' then (past.had #>> '{price,0}')::numeric else l.price_min end,
        case when past.had ? 'price' then (past.had #>> '{price,1}')::numeric else l.price_max end,
        case when past.had ? 'price' then past.had #>> '{price,2}' else l.currency end,
        case when past.had ? 'state' then past.had ->> 'state' else l.state end,
        case when past.had ? 'images' then past.had -> 'images' else shown.keys end
    from listing l
    cross join lateral (
        -- of each kind of change what was there before the first one since
        select jsonb_object_agg(kind, before) as had
        from (
            select distinct on (e.kind) e.kind, e.before
            from listing_event e
            where e.listing = l.id and e.kind <> 'first_seen' and e.seen_at > moment
            order by e.kind, e.seen_at, e.id
        ) as first
    ) as past
    cross join lateral (
        select coalesce(jsonb_agg(li.image_key order by li.image_key), '[]') as keys
        from listing_image li where li.listing = l.id and li.shown
    ) as shown
    where l.first_seen_at <= moment
$$;
comment on function analysis.listing_at is 'Every listing known at a moment, with title, price, state and images as they were seen then.';
