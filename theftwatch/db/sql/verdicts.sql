-- find_verdict_state --
-- Finds what stands on given findings, which of their pairs count, and which the verdict judged, in what the program says of
-- them by now: all of these, and those that this version no longer matches.
with asked as materialized (
    select f.id, f.suspect_listing from finding f where f.id = any(%(findings)s::bigint[])
)
select
    asked.id as finding, v.id as verdict_id, v.verdict, v.reason, v.judged_by, v.judged_at,
    array(
        select d.id
        from analysis.match m
        join match_decision d on d.match = m.match_id and d.algorithm_version = m.algorithm_version
        where m.suspect_listing_id = asked.suspect_listing and m.finding_id = asked.id and m.suppressed_by is null
        order by d.id
    ) as counting,
    array(
        select d.id
        from judged_match j
        join match m on m.id = j.match
        join match_decision d on d.match = m.id and d.algorithm_version = m.algorithm_version
        where j.verdict = v.id
        order by d.id
    ) as judged,
    array(
        select d.id
        from judged_match j
        join match m on m.id = j.match
        join match_decision d on d.match = m.id and d.algorithm_version = m.algorithm_version
        where j.verdict = v.id and m.decision = 'no_match'
        order by d.id
    ) as dropped
from asked
left join standing_verdict v on v.finding = asked.id
order by asked.id;

-- insert_verdicts --
-- Adds a verdict on findings, with the pairs that it judged.
with given as (
    insert into verdict (finding, verdict, reason, note, judged_by, judged_at)
    select finding, %(verdict)s, %(reason)s, %(note)s, %(by)s, %(now)s
    from unnest(%(findings)s::bigint[]) as finding
    returning id, finding
), judged as (
    insert into judged_match (verdict, match, match_decision)
    select given.id, d.match, d.id
    from unnest(%(of_findings)s::bigint[], %(decisions)s::bigint[]) as pair (finding, decision)
    join given using (finding)
    join match_decision d on d.id = pair.decision
)
select finding, id from given;

-- undo_verdict --
insert into verdict (finding, verdict, undoes, note, judged_by, judged_at)
select finding, 'undone', id, %(note)s, %(by)s, %(now)s from standing_verdict where id = %(id)s
returning id;

-- insert_due_judged --
-- Notes what follows where pairs begin or cease to count because of verdicts, and lists the findings that are concerned.
with pair as (
    select distinct m.original_image, m.suspect_image
    from judged_match j
    join match m on m.id = j.match
    where j.verdict = any(%(verdicts)s::bigint[])
), concerned as (
    select distinct f.id
    from pair
    join listing_image li on li.image = pair.suspect_image
    join finding f on f.suspect_listing = li.listing
), noted as (
    insert into context_due (kind, id)
    select 'finding', id from concerned
    on conflict do nothing
)
select id from concerned;

-- find_judged_photos --
-- Lists the photos that verdicts judged, and who shows them: the original's image and owner, the suspect's image and vendor.
select distinct
    f.id as finding, m.original_image, m.suspect_image, coalesce(file.artisan, os.artisan) as artisan,
    ol.seller as original_seller, sl.seller as vendor
from verdict v
join finding f on f.id = v.finding
join judged_match j on j.verdict = v.id
join match m on m.id = j.match
join listing sl on sl.id = f.suspect_listing
left join listing ol on ol.id = f.original_listing
left join seller os on os.id = ol.seller
left join original_file file on file.id = f.original_file
where v.id = any(%(verdicts)s::bigint[])
order by f.id, m.original_image, m.suspect_image;

-- find_findings --
-- Finds given findings with what a person said of them, in their order.
select
    v.finding_id, v.original_kind, v.artisan, v.original_seller, v.original_marketplace,
    coalesce(v.original_url, v.original_file_name) as original,
    v.original_title, v.suspect_marketplace, v.suspect_seller, v.suspect_url, v.suspect_title, v.suspect_state, v.matches,
    v.possible, v.best_score, v.suppressed, v.relation, v.direction, v.margin_days, v.weakest_link, v.missing_proof,
    v.likelier_source, v.pixel_reasons, v.dates_and_pixels_agree, v.proposable, v.not_proposable_because, v.verdict,
    v.verdict_id, v.verdict_reason, v.verdict_note, v.judged_by, v.judged_at, v.new_pairs, v.needs_look,
    v.needs_look_because, v.first_matched_at, v.last_matched_at
from unnest(%(findings)s::bigint[]) with ordinality as asked (finding, nth)
-- one by one, by their keys: the planner would read all findings for a few
cross join lateral (select * from analysis.finding where finding_id = asked.finding offset 0) as v
order by asked.nth;

-- find_finding_pairs --
-- Lists the pairs of photos of a finding: those that count first, the surest first.
select
    m.match_id, d.id as decision_id, m.decision, m.score, m.method, m.transform, m.explanation, m.suppressed_by,
    m.verdict, m.original_image_url, m.suspect_image_url, m.suspect_shown, m.first_matched_at, m.algorithm_version,
    m.original_sha256, o.width_px as original_width_px, o.height_px as original_height_px,
    o.bytes_state = 'held' as original_bytes_held,
    m.suspect_sha256, s.width_px as suspect_width_px, s.height_px as suspect_height_px,
    s.bytes_state = 'held' as suspect_bytes_held
from analysis.match m
join match pair on pair.id = m.match_id
join match_decision d on d.match = m.match_id and d.algorithm_version = m.algorithm_version
join image o on o.id = pair.original_image
join image s on s.id = pair.suspect_image
where m.finding_id = %(finding)s
    and m.suspect_listing_id = (select f.suspect_listing from finding f where f.id = %(finding)s)
order by m.suppressed_by is not null, m.score desc, m.match_id;

-- find_verdicts --
-- Lists what people said of a finding, in order.
select verdict_id, verdict, reason, note, judged_by, judged_at, undoes_verdict_id, stands, matches
from analysis.verdict
where finding_id = %(finding)s
order by verdict_id;

-- find_dropped_findings --
-- Lists the findings that were confirmed and that this version of the algorithm no longer matches.
select finding from review_queue where because = 'dropped' order by finding;
