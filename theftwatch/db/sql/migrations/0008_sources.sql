-- Dates from elsewhere, and what a host allows.

-- Where the artisan has published a file, such as a photo page of Flickr, which may date it.
alter table original_file add column published_url text;

-- What an archive or a photo host was asked, so that "it has nothing" can be told from "nobody asked".
create table date_inquiry (
    source text not null,
    -- what was asked about: the address of a listing, of a photo in one, or of a page that an artisan names
    url text not null,
    -- of a photo the image that had to be the same; null for a listing's own page
    listing bigint references listing on delete cascade,
    image bigint references image on delete cascade,
    answer text not null check (answer in (
        'claim', -- a date claim came of it
        'nothing', -- it knows nothing of the address
        'other' -- it has something there that is not this photo
    )),
    asked_at timestamptz not null,
    primary key (source, url),
    check (listing is not null or image is not null)
);
create index date_inquiry_listing on date_inquiry (listing);
create index date_inquiry_image on date_inquiry (image);
comment on table date_inquiry is
    'What an archive or a photo host was asked about the age of a listing or a photo, and whether it knew.';

-- Of a host that grants so many calls a day.
alter table host_budget
    add column calls_per_day int,
    -- by the host's own word, less the turns promised since; null where it has not said
    add column calls_left int check (calls_left >= 0),
    -- until when nothing is asked, once none is left
    add column spent_until timestamptz;

create view analysis.date_inquiry as
select
    q.source, q.url, q.answer, q.asked_at, l.listing_id, l.marketplace, l.listing_ref,
    encode(i.sha256, 'hex') as image_sha256
from date_inquiry q
left join analysis.listing l on l.listing_id = q.listing
left join image i on i.id = q.image
where l.listing_id is not null
    or (q.listing is null and exists (
        select from original_file f join artisan a on a.id = f.artisan
        where f.image = q.image and a.opted_out_at is null
    ));

comment on view analysis.date_inquiry is
    'What archives and photo hosts were asked about the age of listings and photos; what they knew is in date_claim.';
comment on column analysis.date_inquiry.source is 'Who was asked';
comment on column analysis.date_inquiry.url is 'The address that was asked about';
comment on column analysis.date_inquiry.answer is
    'claim (a date came of it), nothing (it knows nothing of the address), or other (it shows another picture there)';
comment on column analysis.date_inquiry.asked_at is 'When it was asked last';
comment on column analysis.date_inquiry.listing_id is 'Key of the listing; null for a file that an artisan gave';
comment on column analysis.date_inquiry.marketplace is 'The site that shows the listing';
comment on column analysis.date_inquiry.listing_ref is 'The marketplace’s own key of the listing';
comment on column analysis.date_inquiry.image_sha256 is
    'SHA-256 of the exact bytes of the photo, in hex; null where it was about the listing’s own page';

-- How each target went in each run, so that "nothing found" can be told from "not looked".
create table visit (
    target bigint not null references target on delete cascade,
    run bigint not null references run on delete cascade,
    outcome text not null check (outcome in ('ok', 'partial', 'blocked', 'refused', 'gone', 'failed')),
    finished_at timestamptz not null,
    requests int not null,
    -- shown to us, unchanged ones among them
    pages int not null,
    listings_seen int not null,
    -- how many there are by the list's own word; null where it does not say
    listings_expected int,
    primary key (target, run)
);
create index visit_target on visit (target, finished_at desc);
create index visit_run on visit (run);
comment on table visit is 'How a target went in a run: pages shown, listings seen and expected.';

alter table page_problem
    add column target bigint references target on delete set null,
    drop constraint page_problem_kind_check,
    add constraint page_problem_kind_check check (
        kind in ('blocked', 'changed', 'unknown', 'gone', 'failed', 'refused_by_robots')
    );
create index page_problem_target on page_problem (target);

create or replace view analysis.page_trouble as
select
    p.run as run_id, r.spider, p.kind, p.url, p.detail, p.http_status, encode(p.page_sha256, 'hex') as page_sha256,
    p.seen_at, p.target as target_id
from page_problem p
join run r on r.id = p.run;
comment on column analysis.page_trouble.kind is
    'blocked, changed, unknown, gone, failed, or refused_by_robots: robots.txt bars it, so it was not asked for';
comment on column analysis.page_trouble.target_id is 'Key of the target that it is of; null where it is of none';

create or replace view analysis.run as
select
    r.id as run_id, r.spider, r.arguments, r.outcome, r.finish_reason, r.started_at, r.finished_at, r.heartbeat_at,
    extract(epoch from coalesce(r.finished_at, r.heartbeat_at) - r.started_at)::numeric(12, 1) as duration_s,
    counted.*, r.jobid, r.host, r.version, by_status.answers as answers_by_status, visits.targets,
    visits.targets_ok, visits.listings_seen, visits.listings_expected
from run r
cross join lateral (
    select
        coalesce((r.stats ->> 'downloader/response_count')::bigint, 0) as responses,
        coalesce((r.stats ->> 'downloader/response_bytes')::bigint, 0) as response_bytes,
        coalesce((r.stats ->> 'theftwatch/listing/stored')::bigint, 0) as listings_stored,
        coalesce((r.stats ->> 'theftwatch/listing/failed')::bigint, 0) as listings_failed,
        coalesce((r.stats ->> 'theftwatch/image/fetched')::bigint, 0) as images_fetched,
        coalesce((r.stats ->> 'theftwatch/image/known')::bigint, 0) as images_known,
        coalesce((r.stats ->> 'theftwatch/image/missing')::bigint, 0) as images_missing,
        coalesce((r.stats ->> 'theftwatch/image/unusable')::bigint, 0) as images_unusable,
        coalesce((r.stats ->> 'theftwatch/image/looked_up')::bigint, 0) as images_looked_up,
        coalesce((r.stats ->> 'theftwatch/match/match')::bigint, 0) as matches,
        coalesce((r.stats ->> 'theftwatch/match/possible')::bigint, 0) as possible,
        coalesce((r.stats ->> 'theftwatch/page/blocked')::bigint, 0) as pages_blocked,
        coalesce((r.stats ->> 'theftwatch/page/refused_by_robots')::bigint, 0) as pages_refused_by_robots,
        coalesce((r.stats ->> 'theftwatch/page/gone')::bigint, 0) as pages_gone,
        coalesce((r.stats ->> 'theftwatch/page/changed')::bigint, 0) as pages_changed,
        coalesce((r.stats ->> 'theftwatch/page/unknown')::bigint, 0) as pages_unknown,
        coalesce((r.stats ->> 'theftwatch/page/failed')::bigint, 0) as pages_failed
) as counted
cross join lateral (
    select jsonb_object_agg(split_part(key, '/', 3), value) as answers
    from jsonb_each(r.stats)
    where key like 'downloader/response\_status\_count/%'
) as by_status
cross join lateral (
    select
        count(*) as targets, count(*) filter (where outcome = 'ok') as targets_ok,
        coalesce(sum(v.listings_seen), 0) as listings_seen, sum(v.listings_expected) as listings_expected
    from visit v
    where v.run = r.id
) as visits;
comment on column analysis.run.answers_by_status is 'How many answers came with which HTTP status, images among them';
comment on column analysis.run.targets is 'Targets that it visited; 0 where it was told what to crawl';
comment on column analysis.run.targets_ok is 'Those of them that went well';
comment on column analysis.run.listings_seen is 'Listings that pages of its targets showed';
comment on column analysis.run.listings_expected is
    'Listings that the lists of its targets hold by their own word; null where none says';

create view analysis.visit as
select
    v.target as target_id, t.marketplace, t.kind, t.ref, v.run as run_id, v.outcome, v.finished_at, v.requests, v.pages,
    v.listings_seen, v.listings_expected, trouble.pages_blocked, trouble.pages_refused_by_robots, trouble.pages_gone,
    trouble.pages_changed, trouble.pages_unknown, trouble.pages_failed
from visit v
join target t on t.id = v.target
cross join lateral (
    select
        count(*) filter (where p.kind = 'blocked') as pages_blocked,
        count(*) filter (where p.kind = 'refused_by_robots') as pages_refused_by_robots,
        count(*) filter (where p.kind = 'gone') as pages_gone,
        count(*) filter (where p.kind = 'changed') as pages_changed,
        count(*) filter (where p.kind = 'unknown') as pages_unknown,
        count(*) filter (where p.kind = 'failed') as pages_failed
    from page_problem p
    where p.target = v.target and p.run = v.run
) as trouble;

comment on view analysis.visit is 'One row for each target and run that finished it: what was shown, and what was in the way.';
comment on column analysis.visit.target_id is 'Key of the target';
comment on column analysis.visit.marketplace is 'Where it is';
comment on column analysis.visit.kind is 'shop, vendor, archive, search, showroom, url or listing';
comment on column analysis.visit.ref is 'Name of the shop or vendor, words, address, or key of the listing';
comment on column analysis.visit.run_id is 'Key of the run';
comment on column analysis.visit.outcome is 'ok, partial, blocked, refused (by robots.txt), gone or failed';
comment on column analysis.visit.finished_at is 'When it was done';
comment on column analysis.visit.requests is 'Pages that were asked for';
comment on column analysis.visit.pages is 'Pages that were shown to us, unchanged ones among them';
comment on column analysis.visit.listings_seen is 'Different listings that these showed';
comment on column analysis.visit.listings_expected is
    'How many listings there are by the list’s own word; null where it does not say';
comment on column analysis.visit.pages_blocked is 'Pages that the marketplace refused to show';
comment on column analysis.visit.pages_refused_by_robots is 'Pages that robots.txt bars';
comment on column analysis.visit.pages_gone is 'Pages that no longer exist';
comment on column analysis.visit.pages_changed is 'Pages of a known kind whose data was missing';
comment on column analysis.visit.pages_unknown is 'Pages of no known kind';
comment on column analysis.visit.pages_failed is 'Pages that could not be fetched';

create view analysis.target_coverage as
with matched as (
    select suspect_seller_id as seller_id, count(distinct match_id) as matches
    from analysis.match
    where decision = 'match'
    group by suspect_seller_id
), known as (
    select
        t.id as target_id, t.marketplace, t.kind, t.ref, t.paused_at is not null as paused, seller.id as seller_id, c.side,
        last.outcome as last_outcome, last.finished_at as last_visit_at, good.finished_at as last_good_visit_at,
        good.listings_seen, good.listings_expected, c.images_held, c.images_compared, c.looked as compared,
        m.matches
    from target t
    left join lateral (
        select v.outcome, v.finished_at from visit v where v.target = t.id order by v.finished_at desc limit 1
    ) as last on true
    left join lateral (
        select v.finished_at, v.listings_seen, v.listings_expected
        from visit v
        where v.target = t.id and v.outcome = 'ok'
        order by v.finished_at desc
        limit 1
    ) as good on true
    left join lateral (
        select a.seller as id
        from seller_alias a
        where a.marketplace = t.marketplace and a.value = t.ref and a.kind in ('subdomain', 'shop_name')
        limit 1
    ) as seller on true
    left join analysis.coverage c on c.seller_id = seller.id
    left join matched m on m.seller_id = seller.id
    where t.kind <> 'listing'
)
select
    target_id, marketplace, kind, ref, paused, seller_id, side, last_outcome, last_visit_at, last_good_visit_at,
    listings_seen, listings_expected, images_held, images_compared,
    case
        when last_good_visit_at is null or (seller_id is not null and compared = 'not looked') then 'not looked'
        when last_outcome <> 'ok' or listings_seen < listings_expected or compared = 'in part' then 'in part'
        else 'in full'
    end as looked,
    case
        when last_visit_at is null then 'never visited'
        when last_outcome <> 'ok' then last_outcome
        when listings_seen < listings_expected then 'fewer listings than its list holds'
        when seller_id is not null and compared <> 'in full' then 'photos not compared'
    end as because,
    case when seller_id is not null then coalesce(matches, 0) end as matches
from known;

comment on view analysis.target_coverage is
    'One row for each shop, vendor, search or page that is watched: whether it was looked at, and what came of it. Only '
    '“in full” with no match says that there was none to find.';
comment on column analysis.target_coverage.target_id is 'Key of the target';
comment on column analysis.target_coverage.marketplace is 'Where it is';
comment on column analysis.target_coverage.kind is 'shop, vendor, archive, search, showroom or url';
comment on column analysis.target_coverage.ref is 'Name of the shop or vendor, words, or address';
comment on column analysis.target_coverage.paused is 'Whether it is not crawled for now';
comment on column analysis.target_coverage.seller_id is 'Key of the shop or vendor; null for searches and pages, and while it was never seen';
comment on column analysis.target_coverage.side is 'original or suspect: that of the seller';
comment on column analysis.target_coverage.last_outcome is 'How the last visit went; null before the first';
comment on column analysis.target_coverage.last_visit_at is 'When that was';
comment on column analysis.target_coverage.last_good_visit_at is 'When a visit last went well';
comment on column analysis.target_coverage.listings_seen is 'Listings that its pages showed in that visit';
comment on column analysis.target_coverage.listings_expected is 'How many there are by the list’s own word; null where it does not say';
comment on column analysis.target_coverage.images_held is 'Different photos of the seller whose exact bytes are kept';
comment on column analysis.target_coverage.images_compared is 'Those that were searched for among the other side’s';
comment on column analysis.target_coverage.looked is 'not looked, in part, or in full';
comment on column analysis.target_coverage.because is
    'Why not in full: never visited; how the last visit went; fewer listings than its list holds; photos not compared';
comment on column analysis.target_coverage.matches is 'Pairs of photos of the seller with the decision match; null where the seller is not known';
