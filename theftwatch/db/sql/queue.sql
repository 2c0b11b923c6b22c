-- find_queue_edits --
-- Lists how the pairs of given findings that count were found, and what was done to their photos.
select p.finding, jsonb_agg(distinct jsonb_build_object('method', p.method, 'transform', p.transform)) as done
from finding_pair p
where p.finding = any(%(findings)s::bigint[]) and not p.suppressed
group by p.finding;

-- upsert_queue --
-- Keeps what is worked out of findings, and takes those out that are none any more.
with edited as (
    select * from unnest(%(edited)s::bigint[], %(edits)s::text[]) as row (finding, edits)
), found as (
    select
        s.*, f.first_found_at, coalesce(edited.edits, '{}')::text[] as edits, b.place,
        b.finding is not null and s.verdict is null as blind
    from finding_state s
    join finding f on f.id = s.finding
    left join blind_sample b on b.finding = f.id
    left join edited on edited.finding = s.finding
    where s.finding = any(%(findings)s::bigint[])
), gone as (
    delete from review_queue where finding = any(%(findings)s::bigint[]) and finding not in (select finding from found)
)
insert into review_queue (
    finding, urgent, score, matched_at, because, verdict, direction, marketplace, vendor, shop, artisan, edits, matched,
    possible, suppressed, rejected, best_score, original_first_seen_at, suspect_first_seen_at, first_matched_at,
    last_matched_at, relation, verdict_id, new_pairs, not_proposable_because, decision, blind, best_pair
)
select
    finding, coalesce(because in ('dropped', 'suppressed'), false),
    case when blind then place else coalesce(best_score, 0) end,
    coalesce(last_matched_at, first_found_at), because, verdict, direction, marketplace, vendor, shop, artisan, edits,
    matched, possible, suppressed, rejected, best_score, original_first_seen_at, suspect_first_seen_at, first_matched_at,
    last_matched_at, relation, verdict_id, new_pairs, not_proposable_because,
    case when matched <> '{}' then 'match' when possible <> '{}' then 'possible' end, blind,
    best_pair
from found
on conflict (finding) do update set
    urgent = excluded.urgent,
    score = excluded.score,
    matched_at = excluded.matched_at,
    because = excluded.because,
    verdict = excluded.verdict,
    direction = excluded.direction,
    marketplace = excluded.marketplace,
    vendor = excluded.vendor,
    shop = excluded.shop,
    artisan = excluded.artisan,
    edits = excluded.edits,
    matched = excluded.matched,
    possible = excluded.possible,
    suppressed = excluded.suppressed,
    rejected = excluded.rejected,
    best_score = excluded.best_score,
    original_first_seen_at = excluded.original_first_seen_at,
    suspect_first_seen_at = excluded.suspect_first_seen_at,
    first_matched_at = excluded.first_matched_at,
    last_matched_at = excluded.last_matched_at,
    relation = excluded.relation,
    verdict_id = excluded.verdict_id,
    new_pairs = excluded.new_pairs,
    not_proposable_because = excluded.not_proposable_because,
    decision = excluded.decision,
    blind = excluded.blind,
    best_pair = excluded.best_pair;

-- insert_due_queue --
-- Notes findings whose row in the queue has to be worked out anew.
insert into context_due (kind, id) select 'queue', unnest(%(findings)s::bigint[]) on conflict do nothing;

-- find_queue_page --
-- Lists findings in the order of the queue. Pages follow each other by the last finding of the one before.
select q.finding
from review_queue q
where (%(verdict)s::text is not null or q.because is not null)
    and (%(verdict)s::text is null or %(verdict)s::text = 'any' or coalesce(q.verdict, 'none') = %(verdict)s::text)
    and (%(vendors)s::bigint[] is null or q.vendor = any(%(vendors)s::bigint[]))
    and (
        %(artisans)s::bigint[] is null
        or q.artisan = any(%(artisans)s::bigint[]) or q.shop = any(%(shops)s::bigint[])
    )
    and (%(marketplace)s::text is null or q.marketplace = %(marketplace)s::text)
    and (%(score)s::real is null or q.score >= %(score)s::real)
    and (%(edit)s::text is null or q.edits @> array[%(edit)s::text])
    and (%(direction)s::text is null or coalesce(q.direction, 'not_looked') = %(direction)s::text)
    and (
        %(after)s::bigint is null
        or (q.urgent, q.score, q.matched_at, q.finding) < (
            select a.urgent, a.score, a.matched_at, a.finding from review_queue a where a.finding = %(after)s::bigint
        )
    )
order by q.urgent desc, q.score desc, q.matched_at desc, q.finding desc
limit %(most)s;

-- insert_due_queue_all --
insert into context_due (kind, id) select 'queue', id from finding on conflict do nothing;
