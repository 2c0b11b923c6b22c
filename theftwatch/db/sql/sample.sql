-- draw_sample --
-- Draws findings that nobody judged for a week, where none were drawn for it yet: of those only possible and of matches, as
-- many, one in ten at most, in an order that depends on the week and on what the findings are about. Each gets the place of
-- one of those that are looked at first.
with waiting as materialized (
    select q.finding, q.decision, count(*) over (partition by q.decision) as drawn_from
    from review_queue q
    where q.because = 'not judged' and q.decision is not null
        and not exists (select from blind_sample b where b.week = %(week)s)
), shuffled as (
    select
        w.*, md5(concat_ws(' ', %(week)s::text, s.marketplace, s.listing_ref, o.listing_ref, i.sha256)) as lot
    from waiting w
    join finding f on f.id = w.finding
    join listing s on s.id = f.suspect_listing
    left join listing o on o.id = f.original_listing
    left join original_file file on file.id = f.original_file
    left join image i on i.id = file.image
    where not exists (select from blind_sample b where b.finding = w.finding)
), drawn as (
    select *, row_number() over (partition by decision order by lot) as nth from shuffled
), top as (
    select score, row_number() over (order by score desc, matched_at desc, finding desc) as rank, count(*) over () as of_all
    from (
        select score, matched_at, finding from review_queue
        where because is not null and not urgent
        order by score desc, matched_at desc, finding desc
        limit %(among)s
    ) as first
)
insert into blind_sample (finding, week, decision, drawn_from, place, drawn_at)
select drawn.finding, %(week)s, drawn.decision, drawn.drawn_from, top.score, %(now)s
from drawn
join top on top.rank = 1 + ('x' || left(drawn.lot, 8))::bit(32)::bigint %% top.of_all
where drawn.nth <= least(%(most)s, (select count(*) / 10 from waiting where decision = 'possible'), drawn.drawn_from / 10)
returning finding;

-- sum_up_missed --
-- Sums up what was judged blind since a week among the findings that are only possible, with how many there were last.
select
    (array_agg(findings order by week desc))[1] as findings, sum(drawn)::bigint as drawn, sum(judged)::bigint as judged,
    sum(confirmed)::bigint as confirmed, sum(rejected)::bigint as rejected,
    sum(confirmed) / nullif(sum(confirmed + rejected), 0)::float as share,
    (share_interval(sum(confirmed)::bigint, sum(confirmed + rejected)::bigint)).low as share_low,
    (share_interval(sum(confirmed)::bigint, sum(confirmed + rejected)::bigint)).high as share_high
from analysis.missed
where decision = 'possible' and week >= %(since)s
having count(*) > 0;

-- find_blind --
-- Finds whether a finding is to be judged without its score.
select blind from review_queue where finding = %(finding)s;
