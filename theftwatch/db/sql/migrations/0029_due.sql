-- What cases wait for, and what an artisan comes to, is worked out in one go, and only what is asked for.
-- fits: 0021

create or replace view analysis.case_listing as
select
    cl.id as case_listing_id, c.id as case_id, a.id as artisan_id, a.name as artisan, s.id as vendor_id,
    coalesce(s.name, s.seller_ref) as vendor, c.portal, l.id as listing_id, l.marketplace, l.listing_ref, l.url, l.title,
    l.state as listing_state,
    case
        when c.outcome = 'withdrawn' then 'withdrawn'
        when watched.removed_at is not null then 'removed'
        when watched.relisted_at > greatest(last.happened_at, c.closed_at) then 'relisted'
        when c.closed_at is not null then 'closed'
        else last.kind
    end as state,
    ground.findings as finding_ids, ground.decisions as match_decision_ids,
    -- a confirmation stands and its photos count; where they no longer match, a person may have confirmed it all the same
    exists (
        select from case_ground g
        join standing_verdict v on v.finding = g.finding and v.verdict = 'confirmed'
        where g.case_listing = cl.id
            and (
                exists (select from matched_photo p where p.finding = g.finding offset 0)
                or not exists (
                    select from judged_match j
                    join match_decision seen on seen.id = j.match_decision
                    where j.verdict = v.id and seen.decision <> 'no_match'
                    offset 0
                )
            )
        offset 0
    ) as still_confirmed,
    cl.override_reason, ground.found_at, cl.added_at, said.asked_at, said.filed_at, said.last_filed_at,
    filed.route, filed.reference, said.countered_at, last.id as last_event_id,
    last.happened_at as last_event_at, last.answer_due_at, last.removal_due_at,
    watched.removed_at, taken_down.missed_at as taken_down_at, watched.relisted_at, watched.times as relistings
from case_listing cl
join takedown_case c on c.id = cl.takedown_case
join artisan a on a.id = c.artisan and a.opted_out_at is null
-- there are always both; so joined, nothing is read of them where nothing of them is asked
left join seller s on s.id = c.seller
left join listing l on l.id = cl.listing
-- by listing, so that one case costs what its own listings cost; and what is not asked for is not worked out
join lateral (
    select
        -- a note or the end of the case says nothing of a listing
        max(e.id) filter (where e.kind not in ('note', 'closed')) as last_id,
        max(e.id) filter (where e.kind = 'filed') as filed_id,
        max(e.happened_at) filter (where e.kind = 'asked') as asked_at,
        min(e.happened_at) filter (where e.kind = 'filed') as filed_at,
        max(e.happened_at) filter (where e.kind = 'filed') as last_filed_at,
        min(e.happened_at) filter (where e.kind = 'countered') as countered_at
    from case_event_listing el
    cross join lateral (select * from case_event where case_event.id = el.case_event offset 0) as e
    where el.case_listing = cl.id
) as said on true
cross join lateral (select * from case_event where case_event.id = said.last_id offset 0) as last
left join case_event filed on filed.id = said.filed_id
-- removed is what the watch says of every finding in it
join lateral (
    select
        case when bool_and(w.removed_at is not null) then max(w.removed_at) end as removed_at,
        max(w.relisted_at) as relisted_at, coalesce(sum(w.times), 0)::bigint as times
    from (select distinct g.finding from case_ground g where g.case_listing = cl.id) as g
    cross join lateral (
        select
            max(r.removed_at) filter (where r.shown_again_at is null) as removed_at,
            max(r.shown_again_at) as relisted_at, count(r.shown_again_at) as times
        from removal r
        where r.finding = g.finding
    ) as w
    having count(*) > 0
) as watched on true
left join lateral (
    select
        array_agg(distinct g.finding order by g.finding) as findings,
        array_agg(distinct g.match_decision order by g.match_decision) as decisions,
        min(f.first_found_at) as found_at
    from case_ground g
    join finding f on f.id = g.finding
    where g.case_listing = cl.id
) as ground on true
-- what comes down after it was filed came down, whatever happened since
left join lateral (
    select case when bool_and(first.missed_at is not null) then max(first.missed_at) end as missed_at
    from case_ground g
    cross join lateral (
        select min(r.missed_at) as missed_at from removal r where r.finding = g.finding and r.missed_at >= said.filed_at
    ) as first
    where g.case_listing = cl.id
) as taken_down on true;

create or replace view relisting as
select
    r.id as removal, r.finding, f.suspect_listing as listing, r.finding as relisted_finding, 'same_listing' as place,
    r.shown_again_at as relisted_at
from removal r
join finding f on f.id = r.finding
where r.shown_again_at is not null
union all
select
    r.id, r.finding, g.suspect_listing, g.id, case when fresh.seller = old.seller then 'same_vendor' else 'sibling' end,
    photo.seen_at
from removal r
cross join lateral (select started_at from run where run.id = r.run offset 0) as run
join finding f on f.id = r.finding
join listing old on old.id = f.suspect_listing
-- each by an index of its own, and at first glance, since most others show nothing new
cross join lateral (
    select other.id, other.suspect_listing
    from (
        select same.id, same.suspect_listing from finding same where same.original_listing = f.original_listing
        union all
        select same.id, same.suspect_listing
        from finding same
        where same.original_listing is null and same.original_file = f.original_file
    ) as other
    where other.suspect_listing <> f.suspect_listing
        and exists (
            select from listing_image new
            where new.listing = other.suspect_listing and new.first_seen_at >= least(run.started_at, r.missed_at)
            offset 0
        )
    offset 0
) as g
join listing fresh on fresh.id = g.suspect_listing
cross join lateral (
    select min(p.first_seen_at) as seen_at
    from matched_photo p
    join matched_photo before on before.finding = f.id and before.original_image = p.original_image
    where p.finding = g.id
) as photo
where (
        fresh.seller = old.seller
        or exists (select from sibling where sibling.seller = old.seller and sibling.sibling = fresh.seller)
    )
    and photo.seen_at >= least(run.started_at, r.missed_at)
    and (r.shown_again_at is null or photo.seen_at < r.shown_again_at);

create type case_wait as (
    state text, reference text, answer_due_at timestamptz, removal_due_at timestamptz, last_event_at timestamptz,
    relisted_at timestamptz, is_in_doubt boolean
);
comment on type case_wait is 'What a case may wait for at one of its listings; columns as in analysis.case_listing.';

create view case_standing as
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
        )) as worst,
        array_agg((
            state, reference, answer_due_at, removal_due_at, last_event_at, relisted_at,
            -- whoever is down needs no confirmation
            case when state in ('removed', 'closed') then false else not still_confirmed end
        )::case_wait) as waits
    from analysis.case_listing
    group by case_id
), elsewhere as (
    -- the photos of the case again, at another address of the vendor or of a sibling
    select
        cl.takedown_case as case_id, count(distinct again.relisted_finding) as times,
        count(distinct again.relisted_finding) filter (where not exists (
            select from finding f
            join case_listing known on known.listing = f.suspect_listing
            join takedown_case k on k.id = known.takedown_case
            where f.id = again.relisted_finding and k.artisan = c.artisan
        ) and not exists (
            select from standing_verdict v where v.finding = again.relisted_finding and v.verdict = 'rejected'
        )) as not_in_case,
        max(again.relisted_at) as last_at
    from case_listing cl
    join takedown_case c on c.id = cl.takedown_case
    join (select distinct case_listing, finding from case_ground) as g on g.case_listing = cl.id
    -- one by one: the planner would look for what became of every removal
    cross join lateral (
        select r.relisted_finding, r.relisted_at
        from relisting r
        where r.finding = g.finding and r.place <> 'same_listing'
            -- nobody who opted out
            and exists (select from analysis.listing where listing_id = r.listing)
        offset 0
    ) as again
    group by cl.takedown_case
)
select
    c.id as case_id, a.id as artisan_id, a.name as artisan, s.id as vendor_id, coalesce(s.name, s.seller_ref) as vendor,
    s.marketplace, c.portal, c.opened_at, c.closed_at, c.outcome,
    c.closed_at is null or (
        c.outcome <> 'withdrawn' and (summed.listings_relisted > 0 or coalesce(elsewhere.not_in_case, 0) > 0)
    ) as is_open,
    case
        when c.outcome = 'withdrawn' then 'withdrawn'
        when elsewhere.not_in_case > 0 then 'relisted'
        else ('{relisted,countered,refused,opened,asked,filed,accepted,removed,closed,withdrawn}'::text[])[summed.worst]
    end as state,
    summed.listings, summed.listings_asked, summed.listings_filed, summed.listings_countered, summed.listings_removed,
    summed.listings_relisted, summed.listings_in_doubt,
    coalesce(elsewhere.not_in_case, 0) as relisted_elsewhere,
    summed.relistings + coalesce(elsewhere.times, 0) as relistings,
    summed.found_at, summed.filed_at, summed.last_event_at, elsewhere.last_at as relisted_elsewhere_at, summed.waits
from takedown_case c
join artisan a on a.id = c.artisan and a.opted_out_at is null
join seller s on s.id = c.seller
join summed on summed.case_id = c.id
left join elsewhere on elsewhere.case_id = c.id;
comment on view case_standing is 'analysis.case, and what each case may wait for: the state of its listings is worked out once for both.';

create or replace view analysis.case as
select
    case_id, artisan_id, artisan, vendor_id, vendor, marketplace, portal, opened_at, closed_at, outcome, is_open, state,
    listings, listings_asked, listings_filed, listings_countered, listings_removed, listings_relisted, listings_in_doubt,
    relisted_elsewhere, relistings, found_at, filed_at, last_event_at, relisted_elsewhere_at
from case_standing;

create or replace view analysis.case_due as
select
    c.case_id, c.artisan, c.vendor, c.portal, due.what, due.due_at, due.listings, due.complaints
from case_standing c
cross join lateral (
    select
        due.what, due.due_at, count(*) as listings,
        array_agg(distinct l.reference) filter (where l.reference is not null) as complaints
    from unnest(c.waits) as l
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
        select 'look', l.last_event_at where l.is_in_doubt
    ) as due (what, due_at)
    where due.due_at is not null
    group by due.what, due.due_at
    union all
    select 'relisted', c.relisted_elsewhere_at, c.relisted_elsewhere, null where c.relisted_elsewhere > 0
    union all
    select 'close', c.last_event_at, c.listings, null where c.state = 'removed' and c.closed_at is null
) as due
where c.is_open;

-- Who was not told, and what an artisan comes to: by what people confirmed, which is little of what there is. Tables that are there
-- for a column alone are joined so that nothing is read of them where it is not asked for.
create or replace view analysis.untold as
select
    f.id as finding_id, q.verdict_id, a.id as artisan_id, a.name as artisan, os.id as shop_id,
    coalesce(os.name, os.seller_ref) as shop, o.marketplace as original_marketplace,
    coalesce(o.title, file.name) as original, o.url as original_url,
    s.id as vendor_id, coalesce(s.name, s.seller_ref) as vendor, l.marketplace, l.url, l.title,
    d.direction, d.margin_days, d.missing_proof, v.judged_by, v.judged_at
-- from the queue, which a command brings up to date before it writes to anybody
from review_queue q
join finding f on f.id = q.finding
left join verdict v on v.id = q.verdict_id
left join listing l on l.id = f.suspect_listing
left join seller s on s.id = l.seller
left join listing o on o.id = f.original_listing
left join seller os on os.id = o.seller
left join original_file file on file.id = f.original_file
left join artisan a on a.id = coalesce(file.artisan, os.artisan)
left join direction d on d.finding = f.id
where q.verdict = 'confirmed' and a.opted_out_at is null
    -- it still matches and counts, is there, and nobody knows that it is the vendor's own or allowed
    and q.because is null and q.relation is null
    and not exists (select from removal r where r.finding = f.id and r.shown_again_at is null offset 0)
    and d.direction is distinct from 'suspect_first'
    and not exists (select from notice_finding nf where nf.finding = f.id and nf.told);

create or replace view analysis.artisan as
select
    a.id as artisan_id, a.name as artisan,
    (select count(*) from seller s where s.artisan = a.id) as shops,
    (select count(*) from original_file f where f.artisan = a.id) as files,
    confirmed.vendors as vendors_confirmed, confirmed.findings as findings_confirmed,
    (select count(*) from review_queue q where q.artisan = a.id and q.because is not null) as findings_waiting,
    (select count(*) from review_queue q where q.artisan = a.id and q.verdict = 'rejected') as findings_rejected,
    confirmed.removed as findings_removed, confirmed.first_at as first_confirmed_at, confirmed.last_at as last_confirmed_at,
    matter.cases, matter.open_cases, told.findings_told, told.last_told_at
from artisan a
cross join lateral (
    select
        count(distinct q.vendor) as vendors, count(*) as findings, min(v.judged_at) as first_at, max(v.judged_at) as last_at,
        count(*) filter (where exists (
            select from removal r where r.finding = q.finding and r.shown_again_at is null offset 0
        )) as removed
    from review_queue q
    left join verdict v on v.id = q.verdict_id
    where q.artisan = a.id and q.verdict = 'confirmed'
) as confirmed
cross join lateral (
    select
        count(*) as cases, count(*) filter (where c.closed_at is null) as open_cases
    from takedown_case c
    where c.artisan = a.id
) as matter
cross join lateral (
    select count(*) as findings_told, max(n.sent_at) as last_told_at
    from notice n
    join notice_finding nf on nf.notice = n.id and nf.told
    where n.artisan = a.id
) as told
where a.opted_out_at is null;
