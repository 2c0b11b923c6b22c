-- What pages show is read by what it belongs to, and not looked for among all there is.
-- fits: 0021

-- the newest listings of a seller, in order
create index listing_of_seller on listing (seller, id);
drop index listing_seller;
-- what is counted of artisans, without the findings
create index review_queue_counted on review_queue (artisan, because, verdict) where artisan is not null;

-- What people said of each decision that they judged, kept with each verdict, as sums over all that was ever judged take ever
-- longer.

create function score_edges() returns real[]
language sql immutable parallel safe as $$
    -- as single as the scores are, lest a score on an edge fall below it
    select '{0,0.5,0.7,0.9,0.98,0.99,0.995}'::real[]
$$;
comment on function score_edges is 'The lowest scores of the ranges by which analysis.precision counts.';

create table judged_decision (
    match_decision bigint primary key references match_decision on delete cascade,
    algorithm_version int not null,
    method text not null,
    -- of score_edges, from 1
    score_range int not null,
    said text not null check (said in ('confirmed', 'rejected', 'look_alike', 'unsure'))
);
create index judged_decision_like on judged_decision (algorithm_version, method, score_range, said);
comment on table judged_decision is
    'What people said of each decision on a pair that they judged, by the verdicts that stand, kept by triggers.';

create function judged_decisions(decisions bigint[]) returns setof judged_decision
language sql stable as $$
    select d.id, d.algorithm_version, d.method, width_bucket(d.score, score_edges()), v.said
    from unnest(decisions) as asked (id)
    join match_decision d on d.id = asked.id and d.decision <> 'no_match'
    -- each decision once, however many findings it stands in: called a look-alike anywhere, it was wrong
    cross join lateral (
        select case
            when bool_or(v.reason = 'look_alike') then 'look_alike'
            when bool_or(v.verdict = 'confirmed') then 'confirmed'
            when bool_or(v.verdict = 'rejected') then 'rejected'
            else 'unsure'
        end as said
        from judged_match j
        join standing_verdict v on v.id = j.verdict
        where j.match = d.match and j.match_decision = d.id
        having count(*) > 0
    ) as v
$$;
comment on function judged_decisions is 'Works out what people said of given decisions; of one that nobody judged there is no row.';

create function keep_judged(decisions bigint[]) returns void
language sql as $$
    delete from judged_decision where match_decision = any(decisions);
    insert into judged_decision select * from judged_decisions(decisions)
$$;
comment on function keep_judged is 'Works out anew, and keeps, what people said of given decisions.';

create function note_judged() returns trigger
language plpgsql as $$
begin
    perform keep_judged(array(select distinct match_decision from changed));
    return null;
end
$$;
comment on function note_judged is 'Keeps what verdicts say of the decisions that they judge.';
create trigger judged_by_new after insert on judged_match
    referencing new table as changed for each statement execute function note_judged();
create trigger judged_by_gone after delete on judged_match
    referencing old table as changed for each statement execute function note_judged();

create function note_judged_before() returns trigger
language plpgsql as $$
begin
    perform keep_judged(array(
        select distinct j.match_decision
        from changed
        join verdict earlier on earlier.finding = changed.finding and earlier.id < changed.id
        join judged_match j on j.verdict = earlier.id
    ));
    return null;
end
$$;
comment on function note_judged_before is
    'Keeps what people say of the decisions that earlier verdicts judged: with a new one these stand no more, or again.';
create trigger judged_by_earlier after insert on verdict
    referencing new table as changed for each statement execute function note_judged_before();

insert into judged_decision select * from judged_decisions(array(select distinct match_decision from judged_match));

create or replace view analysis.precision as
select
    algorithm_version, method, (score_edges())[score_range]::numeric(4, 3) as score_from,
    coalesce((score_edges())[score_range + 1], 1)::numeric(4, 3) as score_to,
    judged, confirmed, rejected, look_alikes, judged - confirmed - rejected as unsure,
    confirmed / nullif(confirmed + rejected, 0)::float as precision,
    (share_interval(confirmed, confirmed + rejected)).low as precision_low,
    (share_interval(confirmed, confirmed + rejected)).high as precision_high
from (
    select
        algorithm_version, method, score_range, count(*) as judged,
        count(*) filter (where said = 'confirmed') as confirmed,
        count(*) filter (where said in ('rejected', 'look_alike')) as rejected,
        count(*) filter (where said = 'look_alike') as look_alikes
    from judged_decision
    group by algorithm_version, method, score_range
) as counted;

create or replace view analysis.case as
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
    -- one by one: the planner would look for what became of every removal
    cross join lateral (
        select * from analysis.relisting where finding_id = g.finding and place <> 'same_listing' offset 0
    ) as again
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

-- A photo that was found usable after all, or for another reason not, is counted anew even where it was never looked up.
create or replace function note_bytes_coverage() returns trigger
language plpgsql as $$
begin
    insert into coverage_due
    with other as (
        select changed.id
        from changed
        join before on before.id = changed.id
        where before.bytes_state <> changed.bytes_state or before.unusable_reason is distinct from changed.unusable_reason
    )
    select coverage_key(l)
    from other
    join listing_image li on li.image = other.id
    join listing l on l.id = li.listing
    union
    select 'files of ' || f.artisan
    from other
    join original_file f on f.image = other.id
    order by 1
    on conflict do nothing;
    return null;
end
$$;
comment on function note_bytes_coverage is
    'Notes whose photos were dropped, erased or fetched again, or are usable by now, or not.';

alter table public_address
    -- by the settings; else it is where a page listens on its own machine
    add column told boolean not null default false;
update public_address set told = url !~ '^http://(127\.0\.0\.1|localhost):';
