-- Alarms: what went wrong with the watch, noticed by comparing each run with those before it.

create table alarm (
    id bigint generated always as identity primary key,
    kind text not null check (kind in (
        'fewer_listings', -- lists show fewer listings than is usual
        'errors', -- pages or photos could not be fetched
        'blocked', -- the marketplace refused pages
        'missing_data', -- listings lack prices, titles, sellers or photos that they usually have
        'unread_pages', -- pages were shown and not understood
        'nothing_new', -- no new listing for longer than is usual
        'hanging' -- a run is alive and does nothing
    )),
    -- whose runs are compared, and of what: one target; runs of the same arguments; else all crawls of targets that are due
    spider text not null,
    target bigint references target on delete cascade,
    arguments jsonb,
    -- which of several things of one kind
    detail text not null default '',
    -- as the last run that showed it has it: what was measured, what is usual where that counts, and on how much it rests
    value double precision not null,
    usual double precision,
    size int not null,
    run bigint not null references run on delete cascade,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    -- runs that showed it
    times int not null default 1,
    -- when a good run showed that it is over
    closed_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    -- outlives the alarm: a later one of the same thing is silent too
    silenced_until timestamptz,
    silenced_by text,
    silence_reason text,
    check (target is null or arguments is null),
    check ((acknowledged_at is null) = (acknowledged_by is null)),
    check (num_nonnulls(silenced_until, silenced_by, silence_reason) in (0, 3))
);
comment on table alarm is 'Something that went wrong with the watch, for as long as it lasts; closed by itself.';
create unique index alarm_open on alarm (kind, spider, target, arguments, detail) nulls not distinct where closed_at is null;
create index alarm_silenced on alarm (silenced_until) where silenced_until is not null;
create index alarm_target on alarm (target) where target is not null;
create index alarm_run on alarm (run);

alter table run
    -- when anything of it last moved on; its heart beats also while nothing does. Null: a program that does not tell
    add column progressed_at timestamptz,
    -- when it was compared with those before it; null: it is to be
    add column examined_at timestamptz;
-- What is history by now is no news.
update run set examined_at = finished_at;
create index run_to_be_examined on run (finished_at) where examined_at is null;
create index run_finished on run (spider, finished_at);

create function misses_photos(r run) returns boolean
language sql stable parallel safe as $$
    select exists (
        select from alarm a
        where a.kind = 'missing_data' and a.detail in ('photos', 'page/images') and a.spider = r.spider
            and a.first_seen_at <= r.finished_at and (a.closed_at is null or a.closed_at > r.finished_at)
    )
$$;
comment on function misses_photos is
    'Whether a run ended while listings had fewer photos than is usual, so that what it missed says nothing.';

-- The one place that says of which host a target is asked for, before it ever was.
create function target_host(t target) returns text
language sql immutable parallel safe as $$
    select coalesce(t.host, substring(t.url from '^https?://([^/:?#]+)'), '')
$$;
comment on function target_host is 'The host that a target is on, as far as that is known; empty where it is not.';

create view analysis.alarm as
select
    a.id as alarm_id, a.kind, a.spider, a.target as target_id, t.kind as target_kind, t.ref as target_ref, a.arguments, nullif(a.detail, '') as detail,
    a.value, a.usual, a.size, a.run as run_id, a.first_seen_at, a.last_seen_at, a.times, a.closed_at,
    a.acknowledged_at, a.acknowledged_by, a.silenced_until, a.silenced_by, a.silence_reason
from alarm a
left join target t on t.id = a.target;

comment on view analysis.alarm is 'One row for each time that something was wrong with the watch, for as long as it lasted.';
comment on column analysis.alarm.alarm_id is 'Key of the alarm';
comment on column analysis.alarm.kind is
    'fewer_listings, errors, blocked, missing_data, unread_pages, nothing_new or hanging; docs/alarms.md has the rule of each';
comment on column analysis.alarm.spider is 'Whose runs showed it; for a marketplace that is the marketplace';
comment on column analysis.alarm.target_id is 'Key of the target that it is about; null where it is about all that is crawled';
comment on column analysis.alarm.target_kind is 'shop, vendor, archive, search, showroom or url; null where it is about no single target';
comment on column analysis.alarm.target_ref is 'Name of that shop or vendor, words, or address';
comment on column analysis.alarm.arguments is 'Arguments of the runs that it is about; null for those that crawl what is due';
comment on column analysis.alarm.detail is 'Which thing: pages or photos; the field that is missing; the key of a run that hangs';
comment on column analysis.alarm.value is
    'What was measured when it was last seen: a share of 1, a number of listings or photos, days or minutes';
comment on column analysis.alarm.usual is 'What is usual, in the same measure; null where the rule does not compare';
comment on column analysis.alarm.size is 'On how many pages, listings, photos, lists or days the measure rests';
comment on column analysis.alarm.run_id is 'Key of the run that showed it last';
comment on column analysis.alarm.first_seen_at is 'When a run first showed it';
comment on column analysis.alarm.last_seen_at is 'When a run last showed it';
comment on column analysis.alarm.times is 'Runs that showed it';
comment on column analysis.alarm.closed_at is 'When a good run showed that it is over; null while it lasts';
comment on column analysis.alarm.acknowledged_at is 'Since when somebody knows of it; nobody is told any more';
comment on column analysis.alarm.acknowledged_by is 'Who that is';
comment on column analysis.alarm.silenced_until is 'Until when nobody is told of it, nor of a later one of the same thing';
comment on column analysis.alarm.silenced_by is 'Who had it silenced';
comment on column analysis.alarm.silence_reason is 'Why';
