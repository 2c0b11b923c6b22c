-- What the pages of the review ask for: which photos they may show, and a weekly sample that people judge without seeing
-- the score, from which it is estimated what is missed.

create function may_be_shown(photo bigint) returns boolean
language sql stable parallel safe as $$
    select
        exists (
            select from listing_image li join analysis.listing l on l.listing_id = li.listing where li.image = photo
        )
        or exists (
            select from original_file f
            join artisan a on a.id = f.artisan
            where f.image = photo and a.opted_out_at is null
        )
$$;
comment on function may_be_shown is
    'Whether a listing shows an image or an artisan gave it, without those of artisans who opted out.';

create table blind_sample (
    finding bigint primary key references finding on delete cascade,
    -- a Monday
    week date not null check (extract(isodow from week) = 1),
    -- what the program said of the finding when it was drawn
    decision text not null check (decision in ('possible', 'match')),
    -- the findings of that decision that nobody had judged, from which it was drawn
    drawn_from bigint not null,
    -- the score that it has in the order of the queue: that of another finding
    place real not null,
    drawn_at timestamptz not null
);
create index blind_sample_week on blind_sample (week);
comment on table blind_sample is
    'Findings drawn at random to be judged blind: some that are only possible, to tell how many copies are among them, and '
    'some matches, so that a hidden score does not tell which of the two it is.';

alter table review_queue
    -- the surest of the pairs that count; null where none does
    add column decision text check (decision in ('match', 'possible')),
    -- to be judged without seeing the score
    add column blind boolean not null default false;
insert into context_due (kind, id) select 'queue', id from finding on conflict do nothing;

create function share_interval(part bigint, of_all bigint, out low float, out high float)
language sql immutable parallel safe as $$
    -- least and greatest take a null for nothing
    select
        case when n is not null then greatest(0, centre - half_width) end,
        case when n is not null then least(1, centre + half_width) end
    from (select part / nullif(of_all, 0)::float as p, nullif(of_all, 0) as n) as share
    cross join lateral (
        select
            (p + 3.8415 / (2 * n)) / (1 + 3.8415 / n) as centre,
            sqrt(3.8415 * (p * (1 - p) / n + 3.8415 / (4.0 * n * n))) / (1 + 3.8415 / n) as half_width
    ) as wilson
$$;
comment on function share_interval is
    'The 95 % interval of a share (Wilson); 3.8415 is the square of 1.96. Nulls where there is nothing to share.';

create view analysis.missed as
select
    b.week, b.decision, max(b.drawn_from) as findings, count(*) as drawn, count(v.id) as judged,
    count(*) filter (where v.verdict = 'confirmed') as confirmed,
    count(*) filter (where v.verdict = 'rejected') as rejected,
    count(*) filter (where v.verdict = 'unsure') as unsure,
    count(*) filter (where v.verdict = 'confirmed')
        / nullif(count(*) filter (where v.verdict in ('confirmed', 'rejected')), 0)::float as share,
    (share_interval(
        count(*) filter (where v.verdict = 'confirmed'), count(*) filter (where v.verdict in ('confirmed', 'rejected'))
    )).low as share_low,
    (share_interval(
        count(*) filter (where v.verdict = 'confirmed'), count(*) filter (where v.verdict in ('confirmed', 'rejected'))
    )).high as share_high
from blind_sample b
left join standing_verdict v on v.finding = b.finding
group by b.week, b.decision;

comment on view analysis.missed is
    'One row for each week and decision: the findings that were drawn at random and judged without their score. The share '
    'confirmed of those that are possible, times how many there were, is what would be missed if only matches were looked at.';
comment on column analysis.missed.week is 'The Monday of the week, in UTC';
comment on column analysis.missed.decision is 'possible (below the threshold of a match) or match';
comment on column analysis.missed.findings is 'Findings of that decision that nobody had judged, from which was drawn';
comment on column analysis.missed.drawn is 'Findings drawn';
comment on column analysis.missed.judged is 'Those on which a verdict stands';
comment on column analysis.missed.confirmed is 'Those that were confirmed';
comment on column analysis.missed.rejected is 'Those that were rejected, for whatever reason';
comment on column analysis.missed.unsure is 'Those that nobody could decide';
comment on column analysis.missed.share is 'Share confirmed of those confirmed or rejected, from 0 to 1; null where there are none';
comment on column analysis.missed.share_low is 'Lower end of the 95 % interval of that share (Wilson)';
comment on column analysis.missed.share_high is 'Upper end of it';
