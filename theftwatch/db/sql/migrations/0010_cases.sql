-- What was asked of a vendor or a portal, and what came of it.

create table portal (
    code text primary key,
    name text not null,
    url text not null,
    -- the sites whose listings it takes; not all of them are crawled
    marketplaces text[] not null,
    time_zone text not null,
    -- whose holidays count, by its ISO 3166 code; null: Saturdays and Sundays alone
    calendar text,
    languages text[] not null,
    -- what a complaint may hold: addresses a request, with an account and without; the largest file
    links_max int not null check (links_max > 0),
    links_without_account_max int not null check (links_without_account_max > 0),
    file_bytes_max bigint not null check (file_bytes_max > 0),
    -- the clocks: checking who files, the seller's answer, and what follows
    check_business_days int not null,
    answer_business_days int not null,
    removal_hours int not null,
    -- what has to be in a complaint
    needs text[] not null
);
comment on table portal is 'Where complaints go, for which marketplaces, with its calendar, its clocks and its limits.';

insert into portal values (
    'ipp', 'Alibaba Group IP Protection Platform', 'https://ipp.alibabagroup.com',
    '{alibaba,aliexpress,1688,taobao,tmall}', 'Asia/Shanghai', 'CN', '{en,zh}', 300, 10, 20000000, 5, 3, 24,
    '{"identity (identity card, passport, driving licence or business registration)",
    "copyright certificate, or a signed copyright claim statement for unregistered work (no Word file)",
    "letter of authority where the filer is not the owner",
    "the address of each listing, beside the work that it copies",
    "the original file of each photo and out-takes of the same shoot"}'
);

create table takedown_case (
    id bigint generated always as identity primary key,
    artisan bigint not null references artisan,
    seller bigint not null references seller,
    -- null: the marketplace has no portal that is known
    portal text references portal,
    opened_at timestamptz not null,
    -- null while it is open
    closed_at timestamptz,
    outcome text check (outcome in (
        'removed',
        'withdrawn', -- the artisan takes the complaint back: it is not taken up again by what the watch sees
        'given_up'
    )),
    check ((closed_at is null) = (outcome is null))
);
-- Not unique: a vendor that was known under two keys may turn out to be one.
create index takedown_case_seller on takedown_case (seller, artisan);
comment on table takedown_case is 'The matter of one artisan with one vendor, with any number of listings.';

create table case_listing (
    id bigint generated always as identity primary key,
    takedown_case bigint not null references takedown_case,
    listing bigint not null references listing,
    -- why it is in the case although a relation covers it, or the original is not known to have been first
    override_reason text,
    added_by text not null,
    added_at timestamptz not null,
    unique (takedown_case, listing)
);
create index case_listing_listing on case_listing (listing);
comment on table case_listing is 'A suspect listing in a case.';

create table case_ground (
    case_listing bigint not null references case_listing,
    match_decision bigint not null references match_decision,
    finding bigint not null references finding,
    verdict bigint not null references verdict,
    cited_at timestamptz not null,
    primary key (case_listing, match_decision, finding)
);
create index case_ground_finding on case_ground (finding);
comment on table case_ground is
    'A decision of the program that a listing''s place in a case rests on, and the verdict by which a person confirmed it.';

create table case_event (
    id bigint generated always as identity primary key,
    takedown_case bigint not null references takedown_case,
    kind text not null check (kind in (
        'opened', -- listings were added
        'asked', -- a person sent a letter
        'filed', -- a person filed a complaint
        'accepted', -- the vendor or the portal will take it down
        'countered', -- the vendor disputes it
        'refused', -- the portal does not act on it, or wants more
        'note',
        'closed'
    )),
    route text check (route in (
        'letter', -- to the vendor
        'report', -- the listing's own report button
        'portal'
    )),
    -- the portal's number, as a person entered it
    reference text,
    note text,
    happened_at timestamptz not null,
    -- until when the answer is due, and the removal, by the portal's calendar as it was known then
    answer_due_at timestamptz,
    removal_due_at timestamptz,
    made_by text not null,
    made_at timestamptz not null,
    check ((kind = 'asked') = (route is not distinct from 'letter')),
    check (kind in ('asked', 'filed') or route is null),
    check (kind <> 'filed' or (route is not null and reference is not null)),
    check (kind <> 'note' or note is not null)
);
create index case_event_case on case_event (takedown_case, id);
comment on table case_event is 'What happened in a case, as a person did or entered it; rows are only added.';

create table case_event_listing (
    case_event bigint not null references case_event,
    case_listing bigint not null references case_listing,
    primary key (case_event, case_listing)
);
create index case_event_listing_listing on case_event_listing (case_listing);
comment on table case_event_listing is 'The listings of a case that an event is about.';

create view analysis.portal as
select
    code as portal, name, url, marketplaces, time_zone, calendar, languages, links_max, links_without_account_max,
    file_bytes_max, check_business_days, answer_business_days, removal_hours, needs
from portal;

comment on view analysis.portal is 'One row for each place where complaints go.';
comment on column analysis.portal.portal is 'Key of the portal';
comment on column analysis.portal.name is 'What it is called';
comment on column analysis.portal.url is 'Its address';
comment on column analysis.portal.marketplaces is 'Sites whose listings it takes complaints on';
comment on column analysis.portal.time_zone is 'Time zone in which its days are counted';
comment on column analysis.portal.calendar is
    'Country whose holidays are no business days, and whose make-up days are; null: Saturdays and Sundays alone';
comment on column analysis.portal.languages is 'Languages in which it takes complaints';
comment on column analysis.portal.links_max is 'Addresses that one request may hold, with an account';
comment on column analysis.portal.links_without_account_max is 'Addresses that one request may hold, without one';
comment on column analysis.portal.file_bytes_max is 'Bytes that one file may have';
comment on column analysis.portal.check_business_days is
    'Business days that it may take to check who files, and by what right';
comment on column analysis.portal.answer_business_days is 'Business days that the seller has to answer';
comment on column analysis.portal.removal_hours is 'Hours after that in which a listing comes down';
comment on column analysis.portal.needs is 'What a complaint has to hold';

create view analysis.case_listing as
with ground as (
    select
        g.case_listing, array_agg(distinct g.finding order by g.finding) as findings,
        array_agg(distinct g.match_decision order by g.match_decision) as decisions,
        min(f.first_found_at) as found_at,
        -- and its photos count; where they no longer match, a person may have confirmed it all the same
        bool_or(v.id is not null and (
            exists (select from matched_photo p where p.finding = g.finding)
            or not exists (
                select from judged_match j
                join match_decision seen on seen.id = j.match_decision
                where j.verdict = v.id and seen.decision <> 'no_match'
            )
        )) as still_confirmed
    from case_ground g
    join finding f on f.id = g.finding
    left join standing_verdict v on v.finding = g.finding and v.verdict = 'confirmed'
    group by g.case_listing
)
select
    cl.id as case_listing_id, c.id as case_id, a.id as artisan_id, a.name as artisan, s.id as vendor_id,
    coalesce(s.name, s.seller_ref) as vendor, c.portal, l.id as listing_id, l.marketplace, l.listing_ref, l.url, l.title,
    l.state as listing_state,
    case
        when c.outcome = 'withdrawn' then 'withdrawn'
        when gone.removed_at is not null then 'removed'
        when again.relisted_at > greatest(last.happened_at, c.closed_at) then 'relisted'
        when c.closed_at is not null then 'closed'
        else last.kind
    end as state,
    ground.findings as finding_ids, ground.decisions as match_decision_ids, ground.still_confirmed, cl.override_reason,
    ground.found_at, cl.added_at, asked.happened_at as asked_at, filed.first_at as filed_at, filed.last_at as last_filed_at,
    filed.route, filed.reference, countered.happened_at as countered_at, last.id as last_event_id,
    last.happened_at as last_event_at, last.answer_due_at, last.removal_due_at,
    gone.removed_at, taken_down.missed_at as taken_down_at, again.relisted_at, coalesce(again.times, 0) as relistings
from case_listing cl
join takedown_case c on c.id = cl.takedown_case
join artisan a on a.id = c.artisan and a.opted_out_at is null
join seller s on s.id = c.seller
join listing l on l.id = cl.listing
join ground on ground.case_listing = cl.id
-- what was said last of the listing; a note or the end of the case says nothing of it
join lateral (
    select e.*
    from case_event_listing el
    join case_event e on e.id = el.case_event
    where el.case_listing = cl.id and e.kind not in ('note', 'closed')
    order by e.id desc
    limit 1
) as last on true
left join lateral (
    select max(e.happened_at) as happened_at
    from case_event_listing el
    join case_event e on e.id = el.case_event
    where el.case_listing = cl.id and e.kind = 'asked'
) as asked on true
left join lateral (
    select
        min(e.happened_at) as first_at, max(e.happened_at) as last_at, (array_agg(e.route order by e.id desc))[1] as route,
        (array_agg(e.reference order by e.id desc))[1] as reference
    from case_event_listing el
    join case_event e on e.id = el.case_event
    where el.case_listing = cl.id and e.kind = 'filed'
) as filed on true
left join lateral (
    select min(e.happened_at) as happened_at
    from case_event_listing el
    join case_event e on e.id = el.case_event
    where el.case_listing = cl.id and e.kind = 'countered'
) as countered on true
-- removed is what the watch says of every finding in it
left join lateral (
    select case when bool_and(r.id is not null) then max(r.removed_at) end as removed_at
    from unnest(ground.findings) as g (finding)
    left join removal r on r.finding = g.finding and r.shown_again_at is null
) as gone on true
-- and what comes down after it was filed came down, whatever happened since
left join lateral (
    select case when bool_and(first.missed_at is not null) then max(first.missed_at) end as missed_at
    from unnest(ground.findings) as g (finding)
    cross join lateral (
        select min(r.missed_at) as missed_at from removal r where r.finding = g.finding and r.missed_at >= filed.first_at
    ) as first
) as taken_down on true
left join lateral (
    select max(r.shown_again_at) as relisted_at, count(*) as times
    from removal r
    where r.finding = any(ground.findings) and r.shown_again_at is not null
) as again on true;

comment on view analysis.case_listing is 'One row for each suspect listing in a case, with where it stands and its clock.';
comment on column analysis.case_listing.case_listing_id is 'Key of the listing in the case';
comment on column analysis.case_listing.case_id is 'Key of the case';
comment on column analysis.case_listing.artisan_id is 'Key of the artisan';
comment on column analysis.case_listing.artisan is 'Name of the artisan';
comment on column analysis.case_listing.vendor_id is 'Key of the vendor';
comment on column analysis.case_listing.vendor is 'Name of the vendor, or its key where no page has named it';
comment on column analysis.case_listing.portal is 'Key of the portal; null where none is known for the marketplace';
comment on column analysis.case_listing.listing_id is 'Key of the listing';
comment on column analysis.case_listing.marketplace is 'The site that shows the listing';
comment on column analysis.case_listing.listing_ref is 'The marketplace’s own key of the listing';
comment on column analysis.case_listing.url is 'Address of the listing';
comment on column analysis.case_listing.title is 'Title of the listing, as last read';
comment on column analysis.case_listing.listing_state is 'live, gone, or unknown where that could not be told';
comment on column analysis.case_listing.state is
    'opened (nothing was asked yet), asked (by letter), filed, accepted (it will be taken down), countered, refused, '
    'removed, relisted (it shows the photos again after it was removed), withdrawn or closed';
comment on column analysis.case_listing.finding_ids is 'Keys of the findings that put it into the case';
comment on column analysis.case_listing.match_decision_ids is 'Keys of the decisions of the program that it rests on';
comment on column analysis.case_listing.still_confirmed is
    'Whether a person’s confirmation stands for one of these findings at least, and its photos count; else a person has to '
    'look before more is asked or filed';
comment on column analysis.case_listing.override_reason is
    'Why it is in the case although a relation covers it or the original is not known to have been first; null where '
    'there was no need of one';
comment on column analysis.case_listing.found_at is 'When the first of the findings was found';
comment on column analysis.case_listing.added_at is 'When it came into the case';
comment on column analysis.case_listing.asked_at is 'When a letter on it was last sent; null where none was';
comment on column analysis.case_listing.filed_at is 'When a complaint on it was first filed; null where none was';
comment on column analysis.case_listing.last_filed_at is 'When a complaint on it was last filed';
comment on column analysis.case_listing.route is 'By which way that was: report (the listing’s own button) or portal';
comment on column analysis.case_listing.reference is 'The number of the last complaint, as a person entered it';
comment on column analysis.case_listing.countered_at is 'When the vendor first disputed it; null where it never did';
comment on column analysis.case_listing.last_event_id is 'Key of the last event that says where it stands';
comment on column analysis.case_listing.last_event_at is 'When that happened';
comment on column analysis.case_listing.answer_due_at is 'Until when an answer to it is due; null where none is';
comment on column analysis.case_listing.removal_due_at is 'Until when it is to be down; null where that is not known';
comment on column analysis.case_listing.removed_at is
    'Since when its photos count as removed, as the watch saw it; null where they are there, or that is not certain';
comment on column analysis.case_listing.taken_down_at is
    'When a good run first did not see them after it was filed; stays where they are shown again';
comment on column analysis.case_listing.relisted_at is 'When it last showed photos again that had been removed';
comment on column analysis.case_listing.relistings is 'How often it did';

create view analysis.case as
with summed as (
    select
        case_id,
        count(*) as listings,
        count(*) filter (where asked_at is not null) as listings_asked,
        count(*) filter (where filed_at is not null) as listings_filed,
        count(*) filter (where countered_at is not null) as listings_countered,
        count(*) filter (where state = 'removed') as listings_removed,
        count(*) filter (where state = 'relisted') as listings_relisted,
        count(*) filter (where not still_confirmed) as listings_in_doubt,
        sum(relistings)::bigint as relistings,
        min(found_at) as found_at, min(filed_at) as filed_at, max(last_event_at) as last_event_at,
        min(array_position(
            '{relisted,countered,refused,opened,asked,filed,accepted,removed,closed,withdrawn}', state
        )) as worst
    from analysis.case_listing
    group by case_id
), elsewhere as (
    -- the photos of the case again, at another address of the vendor or of a sibling
    select
        cl.takedown_case as case_id, count(distinct again.relisted_finding_id) as times,
        count(distinct again.relisted_finding_id) filter (where not exists (
            select from finding f
            join case_listing known on known.listing = f.suspect_listing
            join takedown_case k on k.id = known.takedown_case
            where f.id = again.relisted_finding_id and k.artisan = c.artisan
        ) and not exists (
            select from standing_verdict v where v.finding = again.relisted_finding_id and v.verdict = 'rejected'
        )) as not_in_case,
        max(again.relisted_at) as last_at
    from case_listing cl
    join takedown_case c on c.id = cl.takedown_case
    join (select distinct case_listing, finding from case_ground) as g on g.case_listing = cl.id
    join analysis.relisting again on again.finding_id = g.finding and again.place <> 'same_listing'
    group by cl.takedown_case
)
select
    c.id as case_id, a.id as artisan_id, a.name as artisan, s.id as vendor_id, coalesce(s.name, s.seller_ref) as vendor,
    s.marketplace, c.portal, c.opened_at, c.closed_at, c.outcome,
    now_open.it as is_open,
    case
        when c.outcome = 'withdrawn' then 'withdrawn'
        when elsewhere.not_in_case > 0 then 'relisted'
        else ('{relisted,countered,refused,opened,asked,filed,accepted,removed,closed,withdrawn}'::text[])[summed.worst]
    end as state,
    summed.listings, summed.listings_asked, summed.listings_filed, summed.listings_countered, summed.listings_removed,
    summed.listings_relisted, summed.listings_in_doubt,
    coalesce(elsewhere.not_in_case, 0) as relisted_elsewhere,
    summed.relistings + coalesce(elsewhere.times, 0) as relistings,
    summed.found_at, summed.filed_at, summed.last_event_at, elsewhere.last_at as relisted_elsewhere_at
from takedown_case c
join artisan a on a.id = c.artisan and a.opted_out_at is null
join seller s on s.id = c.seller
join summed on summed.case_id = c.id
left join elsewhere on elsewhere.case_id = c.id
cross join lateral (
    select c.closed_at is null or (
        c.outcome <> 'withdrawn' and (summed.listings_relisted > 0 or coalesce(elsewhere.not_in_case, 0) > 0)
    ) as it
) as now_open;

comment on view analysis.case is
    'One row for each case: what an artisan asked of a vendor or a portal, and where that stands.';
comment on column analysis.case.case_id is 'Key of the case';
comment on column analysis.case.artisan_id is 'Key of the artisan';
comment on column analysis.case.artisan is 'Name of the artisan';
comment on column analysis.case.vendor_id is 'Key of the vendor';
comment on column analysis.case.vendor is 'Name of the vendor, or its key where no page has named it';
comment on column analysis.case.marketplace is 'The site of the vendor';
comment on column analysis.case.portal is 'Key of the portal; null where none is known for the marketplace';
comment on column analysis.case.opened_at is 'When the case was opened first';
comment on column analysis.case.closed_at is 'When a person closed it; null where it is not closed';
comment on column analysis.case.outcome is 'As what it was closed: removed, withdrawn or given_up';
comment on column analysis.case.is_open is
    'Whether it is open: not closed, or closed and, unless it was withdrawn, relisted since';
comment on column analysis.case.state is
    'That of the listing in it that needs a person most, in the words of analysis.case_listing; relisted also where the '
    'photos are seen at another address of the vendor or a sibling that is in no case yet';
comment on column analysis.case.listings is 'Listings in it';
comment on column analysis.case.listings_asked is 'Listings that a letter was sent on';
comment on column analysis.case.listings_filed is 'Listings that a complaint was filed on';
comment on column analysis.case.listings_countered is 'Listings that the vendor disputed';
comment on column analysis.case.listings_removed is 'Listings whose photos count as removed now';
comment on column analysis.case.listings_relisted is 'Listings that show the photos again after they were removed';
comment on column analysis.case.listings_in_doubt is
    'Listings for which no confirmation by a person stands any more, or whose photos no longer count';
comment on column analysis.case.relisted_elsewhere is
    'Findings with the same photos at other addresses after a removal, whose listings are in no case of the artisan and '
    'that nobody rejected';
comment on column analysis.case.relistings is 'How often photos of the case were seen again after a removal, anywhere';
comment on column analysis.case.found_at is 'When the first of its findings was found';
comment on column analysis.case.filed_at is 'When the first complaint was filed; null where none was';
comment on column analysis.case.last_event_at is 'When a person last did or entered something about its listings';
comment on column analysis.case.relisted_elsewhere_at is 'When such photos were last first seen at another address';

create view analysis.case_due as
select
    c.case_id, c.artisan, c.vendor, c.portal, due.what, due.due_at, due.listings, due.complaints
from analysis.case c
cross join lateral (
    select
        due.what, due.due_at, count(*) as listings,
        array_agg(distinct l.reference) filter (where l.reference is not null) as complaints
    from analysis.case_listing l
    cross join lateral (
        select 'answer', l.answer_due_at where l.state in ('asked', 'filed')
        union all
        select 'removal', l.removal_due_at where l.state in ('filed', 'accepted')
        union all
        select 'reply', l.last_event_at where l.state in ('countered', 'refused')
        union all
        select 'relisted', l.relisted_at where l.state = 'relisted'
        union all
        select 'file', l.last_event_at where l.state = 'opened'
        union all
        select 'look', l.last_event_at where not l.still_confirmed and l.state not in ('removed', 'closed')
    ) as due (what, due_at)
    where l.case_id = c.case_id and due.due_at is not null
    group by due.what, due.due_at
    union all
    select 'relisted', c.relisted_elsewhere_at, c.relisted_elsewhere, null where c.relisted_elsewhere > 0
    union all
    select 'close', c.last_event_at, c.listings, null where c.state = 'removed' and c.closed_at is null
) as due
where c.is_open;

comment on view analysis.case_due is
    'One row for each thing that an open case waits for, and when it falls due. What a person has to do is due since it '
    'came up; compare due_at with the present moment to see what is due or overdue.';
comment on column analysis.case_due.case_id is 'Key of the case';
comment on column analysis.case_due.artisan is 'Name of the artisan';
comment on column analysis.case_due.vendor is 'Name of the vendor';
comment on column analysis.case_due.portal is 'Key of the portal; null where none is known for the marketplace';
comment on column analysis.case_due.what is
    'answer (the vendor’s or the portal’s), removal (the listing is to be down), and for a person: file, reply (to a '
    'counter-notice or a refusal), relisted (take it up again), look (no confirmation stands any more, or the photos no '
    'longer count), close (all is removed)';
comment on column analysis.case_due.due_at is
    'When it falls due, by the portal’s calendar; or since when it waits for a person';
comment on column analysis.case_due.listings is 'How many listings it is about';
comment on column analysis.case_due.complaints is 'Numbers of the complaints that it is about';

create view analysis.success as
with filed as (
    select
        l.artisan, coalesce(l.portal, 'none') as portal, l.vendor,
        date_trunc('month', l.filed_at at time zone 'UTC')::date as month, l.taken_down_at, l.countered_at,
        extract(epoch from l.filed_at - l.found_at) / 86400 as days_to_file,
        extract(epoch from l.taken_down_at - l.filed_at) / 86400 as days_to_removal,
        extract(epoch from l.taken_down_at - l.found_at) / 86400 as days_in_all
    from analysis.case_listing l
    where l.filed_at is not null
)
select
    case
        when grouping(artisan, portal, vendor, month) = 0 then 'each'
        when grouping(artisan) = 0 then 'artisan'
        when grouping(portal) = 0 then 'portal'
        when grouping(vendor) = 0 then 'vendor'
        when grouping(month) = 0 then 'month'
        else 'all'
    end as per,
    artisan, portal, vendor, month,
    count(*) as listings_filed, count(taken_down_at) as listings_removed, count(countered_at) as listings_countered,
    (count(taken_down_at) / nullif(count(*), 0)::numeric)::numeric(4, 3) as share_removed,
    (count(countered_at) / nullif(count(*), 0)::numeric)::numeric(4, 3) as share_countered,
    (percentile_cont(0.5) within group (order by days_to_file))::numeric(8, 1) as median_days_found_to_filed,
    (percentile_cont(0.9) within group (order by days_to_file))::numeric(8, 1) as p90_days_found_to_filed,
    (percentile_cont(0.5) within group (order by days_to_removal))::numeric(8, 1) as median_days_filed_to_removed,
    (percentile_cont(0.9) within group (order by days_to_removal))::numeric(8, 1) as p90_days_filed_to_removed,
    (percentile_cont(0.5) within group (order by days_in_all))::numeric(8, 1) as median_days_found_to_removed,
    (percentile_cont(0.9) within group (order by days_in_all))::numeric(8, 1) as p90_days_found_to_removed
from filed
group by grouping sets ((artisan, portal, vendor, month), (artisan), (portal), (vendor), (month), ())
having count(*) > 0;

comment on view analysis.success is
    'One row for each artisan, portal, vendor and month (per = each), one for each of them alone (per = artisan, portal, '
    'vendor, month), and one for all: how complaints went, the figures by which portals rate who files. Ask with a '
    'condition on per, as the rows of one kind hold those of the others.';
comment on column analysis.success.per is 'each, artisan, portal, vendor, month or all: what the row sums up';
comment on column analysis.success.artisan is 'Name of the artisan; null where the row is of all';
comment on column analysis.success.portal is 'Key of the portal, or none; null where the row is of all';
comment on column analysis.success.vendor is 'Name of the vendor; null where the row is of all';
comment on column analysis.success.month is
    'First day of the month of the first complaint, in UTC; null where the row is of all';
comment on column analysis.success.listings_filed is 'Listings that a complaint was filed on';
comment on column analysis.success.listings_removed is
    'Listings among them whose photos came down after that, as the watch saw it, whatever happened since';
comment on column analysis.success.listings_countered is 'Listings among them that the vendor disputed';
comment on column analysis.success.share_removed is 'Share of those filed that came down, from 0 to 1';
comment on column analysis.success.share_countered is 'Share of those filed that were disputed, from 0 to 1';
comment on column analysis.success.median_days_found_to_filed is
    'Days from the first finding to the first complaint, half of them less';
comment on column analysis.success.p90_days_found_to_filed is 'The same, nine in ten of them less';
comment on column analysis.success.median_days_filed_to_removed is
    'Days from the first complaint until a run first did not see the photos, half of them less; null where none came down';
comment on column analysis.success.p90_days_filed_to_removed is 'The same, nine in ten of them less';
comment on column analysis.success.median_days_found_to_removed is
    'Days from the first finding until then, half of them less';
comment on column analysis.success.p90_days_found_to_removed is 'The same, nine in ten of them less';

create or replace function target_interval(t target) returns interval
language sql stable parallel safe as $$
    select case
        -- A listing in an open case: whether it came down is asked at least daily.
        when t.kind = 'listing' and exists (
            select from listing l
            join case_listing cl on cl.listing = l.id
            join takedown_case c on c.id = cl.takedown_case and c.closed_at is null
            where l.marketplace = t.marketplace and l.listing_ref = t.ref
        ) then least(t.every, interval '1 day')
        -- Nobody asked for this listing by itself, and it stays as it is: half as often, then a quarter.
        when t.kind = 'listing' and t.found_on is not null then t.every * power(2, least(t.unchanged, 2))
        else t.every
    end
$$;
