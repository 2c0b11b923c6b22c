-- What a night has time for: lists are read often, a listing's own page only when something is to be learned there.

-- Digest of what its own page said when it was last stored with all its images; null while that is not so.
alter table listing add column content bytea check (octet_length(content) = 32);

-- What a host gave with a page to tell later whether it has changed, and what the page led to. It may be asked with that
-- again, as long as the same program would read the same of it.
create table page_validator (
    url text primary key,
    etag text,
    last_modified text,
    -- the listings that it shows, by the marketplace's keys, and the pages that it leads to
    listing_refs text[] not null,
    leads_to text[] not null,
    -- the program that read it, and when it was last read and not only asked for
    version text not null,
    read_at timestamptz not null,
    check (etag is not null or last_modified is not null)
);
comment on table page_validator is 'Pages that can be asked for with the condition that they have changed.';
create index page_validator_read_at on page_validator (read_at);

alter table target
    -- of a listing: digest of the card that stands for it in the list through which it was found
    add column card bytea check (octet_length(card) = 32),
    -- of a listing: since when that list, read to its end, shows it no longer
    add column unlisted_at timestamptz,
    -- when the job that is at it, or was last, began
    add column leased_at timestamptz,
    -- visits in a row in which its page said what it had said before
    add column unchanged int not null default 0,
    -- pages that the last visit asked for, and of which host; null before the first
    add column requests int,
    add column host text;

-- How long after a visit a target comes again. Every condition that keeps a listing close stands here and nowhere else:
-- the first that applies counts.
create function target_interval(t target) returns interval
language sql stable parallel safe as $$
    select case
        -- Nobody asked for this listing by itself, and it stays as it is: half as often, then a quarter.
        when t.kind = 'listing' and t.found_on is not null then t.every * power(2, least(t.unchanged, 2))
        else t.every
    end
$$;
comment on function target_interval is 'How long after a visit a target comes again.';

-- What was last kept between two requests to the host, by which a night is planned; null before the first
alter table host_budget add column delay interval;

create or replace view analysis.target as
select
    t.id as target_id, t.marketplace, t.kind, t.ref, t.url, t.every, t.priority, t.reason, found.id as found_on_target_id,
    found.kind || '=' || found.ref as found_on, t.match as match_id, t.added_at, t.due_at, t.paused_at, t.lease_token is not null as leased,
    t.run as run_id, t.outcome, t.finished_at, t.failures,
    t.unchanged as unchanged_visits, target_interval(t) as comes_again_after, t.unlisted_at, t.requests, t.host
from target t
left join target found on found.id = t.found_on;

comment on column analysis.target.unchanged_visits is 'Visits in a row in which its page said what it had said before';
comment on column analysis.target.comes_again_after is
    'How often it is crawled: as wanted, or up to four times as rarely where a listing that nobody asked for by itself stays as it is';
comment on column analysis.target.unlisted_at is
    'Since when the list through which it was found shows it no longer; says nothing of whether it is gone';
comment on column analysis.target.requests is 'Pages that its last visit asked for; null before the first';
comment on column analysis.target.host is 'Of which host they were asked';
