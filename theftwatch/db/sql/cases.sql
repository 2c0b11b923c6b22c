-- find_portal --
-- Finds where complaints on a marketplace go.
select
    code, name, url, time_zone, calendar, links_max, links_without_account_max, file_bytes_max, answer_business_days,
    removal_hours, needs
from portal
where %(marketplace)s = any(marketplaces)
order by code
limit 1;

-- find_case_findings --
-- Lists the findings between an artisan and a vendor's shops, with what a case may be built on, and those in their case already.
select
    v.finding, f.suspect_listing as listing, l.marketplace, l.url, v.verdict, v.because as needs_look_because,
    v.relation, v.direction, v.not_proposable_because, gone.removed_at,
    cl.id as case_listing, cl.override_reason,
    exists (
        select from case_ground g where g.case_listing = cl.id and g.finding = v.finding
    ) as is_ground
from review_queue q
-- not as it is kept: a case rests on what is so now
join finding_state v on v.finding = q.finding
join finding f on f.id = q.finding
join listing l on l.id = f.suspect_listing
left join removal gone on gone.finding = q.finding and gone.shown_again_at is null
left join case_listing cl on cl.takedown_case = %(case)s and cl.listing = f.suspect_listing
where q.vendor = any(%(sellers)s::bigint[]) and q.artisan = %(artisan)s
order by q.finding;

-- find_case_key --
-- Finds whose case it is, and where complaints in it go.
select c.id, c.artisan, c.seller, s.marketplace, c.closed_at, c.outcome
from takedown_case c
join seller s on s.id = c.seller
where c.id = %(case)s;

-- find_case_of --
-- Finds the case of an artisan with a vendor, by any of its shops.
select id, closed_at is null as is_open
from takedown_case
where artisan = %(artisan)s and seller = any(%(sellers)s::bigint[]);

-- join_cases --
-- Joins the cases of each artisan with sellers who turn out to be one, and with their siblings.
select join_cases(array(select company(seller) from unnest(%(sellers)s::bigint[]) as seller), %(now)s);

-- insert_case --
insert into takedown_case (artisan, seller, portal, opened_at)
values (%(artisan)s, %(seller)s, %(portal)s, %(now)s)
returning id;

-- reopen_case --
update takedown_case set closed_at = null, outcome = null where id = %(case)s;

-- insert_case_listings --
-- Puts listings into a case, and gives those that were there a reason to be there where they had none.
insert into case_listing as cl (takedown_case, listing, override_reason, added_by, added_at)
select %(case)s, listing, override_reason, %(by)s, %(now)s
from unnest(%(listings)s::bigint[], %(override_reasons)s::text[]) as given (listing, override_reason)
on conflict (takedown_case, listing) do update set override_reason = coalesce(excluded.override_reason, cl.override_reason)
returning id, listing;

-- insert_case_grounds --
-- Cites the decisions that the standing verdicts on findings judged.
insert into case_ground (case_listing, match_decision, finding, verdict, cited_at)
select cl.id, j.match_decision, v.finding, v.id, %(now)s
from standing_verdict v
join judged_match j on j.verdict = v.id
join finding f on f.id = v.finding
join case_listing cl on cl.takedown_case = %(case)s and cl.listing = f.suspect_listing
where v.finding = any(%(findings)s::bigint[]) and v.verdict = 'confirmed'
on conflict do nothing;

-- insert_case_targets --
-- Has the listings of a case crawled by themselves, and soon, be they watched or not.
insert into target as t (marketplace, kind, ref, url, every, priority, reason, added_at, due_at)
select l.marketplace, 'listing', l.listing_ref, l.url, interval '1 day', 7, 'it is in a case', %(now)s, %(now)s
from listing l
where l.id = any(%(listings)s::bigint[])
on conflict (marketplace, kind, ref) do update set
    paused_at = null,
    priority = greatest(t.priority, excluded.priority),
    due_at = case when t.lease_token is null then least(t.due_at, excluded.due_at) else t.due_at end;

-- insert_case_event --
-- Adds an event to a case, with the listings that it is about.
with event as (
    insert into case_event (
        takedown_case, kind, route, reference, note, happened_at, answer_due_at, removal_due_at, made_by, made_at
    )
    values (
        %(case)s, %(kind)s, %(route)s, %(reference)s, %(note)s, %(at)s, %(answer_due_at)s, %(removal_due_at)s, %(by)s,
        %(now)s
    )
    returning id
), about as (
    insert into case_event_listing (case_event, case_listing)
    select event.id, case_listing from event, unnest(%(case_listings)s::bigint[]) as case_listing
)
select id from event;

-- close_case --
update takedown_case set closed_at = %(now)s, outcome = %(outcome)s where id = %(case)s;

-- find_cases --
-- Lists cases: the open ones, or all; of an artisan or a vendor, or one alone. A page holds the newest of them, and pages follow
-- each other by the oldest case of the one before.
select page.*
from (
    select
        c.case_id, c.artisan_id, c.artisan, c.vendor_id, c.vendor, c.marketplace, c.portal, c.opened_at, c.closed_at,
        c.outcome, c.is_open, c.state, c.listings, c.listings_asked, c.listings_filed, c.listings_countered,
        c.listings_removed, c.listings_relisted, c.listings_in_doubt, c.relisted_elsewhere, c.relistings, c.found_at,
        c.filed_at, c.last_event_at
    from (
        select id from takedown_case
        where (%(case)s::bigint is null or id = %(case)s) and (%(before)s::bigint is null or id < %(before)s)
    ) as newest
    -- one by one, so that a page costs what its own cases cost
    cross join lateral (select * from analysis.case where case_id = newest.id offset 0) as c
    where (%(all)s or c.is_open)
        and (%(artisan)s::text is null or lower(c.artisan) = lower(%(artisan)s::text))
        and (%(vendor)s::text is null or lower(c.vendor) = lower(%(vendor)s::text))
    order by newest.id desc
    limit %(most)s
) as page
order by is_open desc, last_event_at desc, case_id;

-- find_case_listings --
-- Lists the listings of a case, those that need a person most first.
select
    case_listing_id, listing_id, marketplace, listing_ref, url, title, listing_state, state, finding_ids, match_decision_ids,
    still_confirmed, override_reason, found_at, added_at, asked_at, filed_at, route, reference, countered_at,
    last_event_at, answer_due_at, removal_due_at, removed_at, taken_down_at, relisted_at, relistings
from analysis.case_listing
where case_id = %(case)s
order by case_listing_id;

-- find_case_events --
-- Lists what happened in a case, in order.
select
    e.id as event, e.kind, e.route, e.reference, e.note, e.happened_at, e.answer_due_at, e.removal_due_at, e.made_by,
    e.made_at,
    (select count(*) from case_event_listing el where el.case_event = e.id) as listings
from case_event e
where e.takedown_case = %(case)s
order by e.id;

-- find_case_relistings --
-- Lists where the photos of a case were seen again after a removal.
select distinct
    again.place, again.relisted_finding_id as finding, again.suspect_seller as vendor, again.url, again.relisted_at
from case_listing cl
join case_ground g on g.case_listing = cl.id
-- one by one: the planner would look for what became of every removal
cross join lateral (select * from analysis.relisting where finding_id = g.finding offset 0) as again
where cl.takedown_case = %(case)s
order by again.relisted_at, again.url;

-- find_due_in_cases --
-- Lists what is due by the end of the day in the portal's time zone, or has been since; an answer that did not come in time
-- is not waited for any more once the removal is due. With a limit the first, each with how many there are in all.
with day as (
    select
        d.*,
        (date_trunc('day', %(now)s::timestamptz at time zone zone.name) + interval '1 day') at time zone zone.name
            as ends_at
    from analysis.case_due d
    left join portal p on p.code = d.portal
    cross join lateral (select coalesce(p.time_zone, 'UTC') as name) as zone
    where %(case)s::bigint is null or d.case_id = %(case)s
), today as (
    select
        *, max(due_at) filter (where what = 'removal') over (partition by case_id, complaints) as removal_due_at
    from day
    where due_at <= ends_at
)
select
    case_id, artisan, vendor, portal, what, due_at, listings, complaints, due_at <= %(now)s as is_overdue,
    case when %(to_capture)s and what in ('file', 'relisted') then (
        select count(*) from to_be_captured(%(now)s) c where c.takedown_case = today.case_id
    ) else 0 end as to_capture,
    count(*) over () as of_all
from today
where (%(artisan)s::text is null or lower(artisan) = lower(%(artisan)s::text))
    and (%(vendor)s::text is null or lower(vendor) = lower(%(vendor)s::text))
    and not (what = 'answer' and coalesce(removal_due_at > due_at, false))
order by due_at, case_id, what
limit %(most)s::bigint;

-- find_case_captures --
-- Lists what was captured of the listings of a case, of each occasion the newest that shows the page, else the newest; with the
-- kinds of files that are held of it.
select distinct on (cl.id, array_position('{found,filing,removal}', c.why))
    cl.id as case_listing, c.why, c.state, c.detail, c.taken_at,
    array(select distinct f.role from capture_file f where f.capture = c.id order by 1) as held
from case_listing cl
join capture c on c.listing = cl.listing and c.erased_at is null
where cl.takedown_case = %(case)s
order by
    cl.id, array_position('{found,filing,removal}', c.why), c.state in ('taken', 'page_only') desc, c.taken_at desc, c.id;

-- find_to_capture --
-- Lists the listings of a case that are to be captured for filing, with when they last were.
select case_listing, url, captured_at
from to_be_captured(%(now)s)
where takedown_case = %(case)s
order by case_listing;

-- find_parties --
-- Finds who writes, with the contact that a person entered, and to whom: the shops whose listings it is about.
select a.name, a.contact, string_agg(distinct coalesce(s.name, s.seller_ref), ' and ')
from takedown_case c
join artisan a on a.id = c.artisan
join case_listing cl on cl.takedown_case = c.id and cl.id = any(%(case_listings)s::bigint[])
join listing l on l.id = cl.listing
join seller s on s.id = coalesce(l.seller, c.seller)
where c.id = %(case)s
group by a.id;

-- find_letter --
-- Lists what a letter on listings of a case says: each with the originals that it copies and since when they are known.
select
    l.id as listing, l.url, l.title, coalesce(ol.url, file.name) as original, ol.title as original_title,
    ol.marketplace as original_marketplace, d.original_claim, count(distinct j.match) as pairs
from case_listing cl
join listing l on l.id = cl.listing
join (select distinct case_listing, finding, verdict from case_ground) as g on g.case_listing = cl.id
join finding f on f.id = g.finding
left join listing ol on ol.id = f.original_listing
left join original_file file on file.id = f.original_file
left join direction d on d.finding = f.id
join judged_match j on j.verdict = g.verdict
where cl.id = any(%(case_listings)s::bigint[])
group by l.id, l.url, l.title, ol.url, file.name, ol.title, ol.marketplace, d.original_claim
order by l.url, original;
