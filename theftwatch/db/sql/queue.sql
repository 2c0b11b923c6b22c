-- find_queue_rows --
-- Finds what given findings are sorted and filtered by. One that no pair matches and nobody confirmed has no row.
select
    f.id as finding,
    coalesce(v.needs_look_because in ('dropped', 'suppressed'), false) as urgent,
    case when b.finding is null or v.verdict is not null then coalesce(v.best_score, 0)::real else b.place end as score,
    b.finding is not null and v.verdict is null as blind,
    case when v.matches > 0 then 'match' when v.possible > 0 then 'possible' end as decision,
    coalesce(v.last_matched_at, f.first_found_at) as matched_at,
    v.needs_look_because as because, v.verdict, v.direction, l.marketplace, l.seller as vendor, o.seller as shop,
    coalesce(file.artisan, os.artisan) as artisan,
    coalesce(
        (
            select jsonb_agg(distinct jsonb_build_object('method', m.method, 'transform', m.transform))
            from analysis.match m
            where m.suspect_listing_id = l.id and m.finding_id = f.id and m.suppressed_by is null
        ),
        '[]'
    ) as done
from finding f
join listing l on l.id = f.suspect_listing
left join listing o on o.id = f.original_listing
left join seller os on os.id = o.seller
left join original_file file on file.id = f.original_file
left join blind_sample b on b.finding = f.id
-- The offset keeps it a query for each finding, whose listing then narrows what the view sums up.
cross join lateral (
    select *
    from analysis.finding of_listing
    where of_listing.finding_id = f.id and of_listing.suspect_marketplace = l.marketplace
        and of_listing.suspect_listing_ref = l.listing_ref
    offset 0
) as v
where f.id = any(%(findings)s::bigint[]);

-- upsert_queue --
-- Writes what findings are sorted and filtered by, and takes those out that are none any more.
with found as (
    select *
    from unnest(
        %(findings)s::bigint[], %(urgent)s::bool[], %(scores)s::real[], %(matched_at)s::timestamptz[],
        %(because)s::text[], %(verdicts)s::text[], %(directions)s::text[], %(marketplaces)s::text[],
        %(vendors)s::bigint[], %(shops)s::bigint[], %(artisans)s::bigint[], %(edits)s::text[], %(decisions)s::text[],
        %(blind)s::bool[]
    ) as row (
        finding, urgent, score, matched_at, because, verdict, direction, marketplace, vendor, shop, artisan, edits,
        decision, blind
    )
), gone as (
    delete from review_queue where finding = any(%(asked)s::bigint[]) and finding not in (select finding from found)
)
insert into review_queue (
    finding, urgent, score, matched_at, because, verdict, direction, marketplace, vendor, shop, artisan, edits, decision,
    blind
)
select
    finding, urgent, score, matched_at, because, verdict, direction, marketplace, vendor, shop, artisan, edits::text[],
    decision, blind
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
    decision = excluded.decision,
    blind = excluded.blind;

-- insert_due_queue --
-- Notes findings whose row in the queue has to be worked out anew.
insert into context_due (kind, id) select 'queue', unnest(%(findings)s::bigint[]) on conflict do nothing;

-- find_queue_page --
-- Lists findings in the order of the queue. Pages follow each other by the last finding of the one before.
select q.finding
from review_queue q
where (%(verdict)s::text is not null or q.because is not null)
    and (%(verdict)s::text is null or %(verdict)s::text = 'any' or q.verdict = %(verdict)s::text)
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
