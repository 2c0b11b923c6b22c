-- What of a case is to be captured before a complaint is filed, and one case for an artisan and a company.

-- The one place that says when a listing is captured for filing: from when it is in a case, anew where the last capture is older
-- than a week or than its return, and later too where it was filed without one.
create function to_be_captured(at timestamptz)
returns table (
    takedown_case bigint, case_listing bigint, listing bigint, url text, findings bigint[], since timestamptz,
    captured_at timestamptz
)
language sql stable as $$
    select l.case_id, l.case_listing_id, l.listing_id, l.url, l.finding_ids, wanted.since, last.captured_at
    from analysis.case_listing l
    cross join lateral (
        select greatest(
            coalesce(case when l.state in ('filed', 'accepted', 'countered') then l.last_filed_at end, at)
                - interval '7 days',
            l.relisted_at
        ) as since
    ) as wanted
    cross join lateral (
        select max(c.taken_at) as captured_at
        from capture c
        where c.listing = l.listing_id and c.why = 'filing' and c.state in ('taken', 'page_only', 'gone')
    ) as last
    where l.state in ('opened', 'asked', 'filed', 'accepted', 'countered', 'refused', 'relisted') and l.still_confirmed
        and (last.captured_at is null or last.captured_at < wanted.since)
$$;
comment on function to_be_captured is
    'The listings in cases that have no capture for filing, or an old one, at a moment; with when they were last captured so.';

create function company(of_seller bigint) returns setof bigint
language sql stable as $$
    with recursive own (seller) as (
        select of_seller
        union
        select s.sibling from own join sibling s on s.seller = own.seller
    )
    select seller from own
$$;
comment on function company is 'A seller and all its siblings, and theirs.';

-- A vendor that was known under two keys, or by two shops, may turn out to be one: the oldest case of the artisan takes the others in.
create function join_cases(sellers bigint[], at timestamptz) returns void
language plpgsql as $$
declare
    pair record;
begin
    for pair in
        select kept, id as joined
        from (
            select c.id, min(c.id) over (partition by c.artisan) as kept from takedown_case c where c.seller = any(sellers)
        ) as of_artisan
        where kept <> id
        order by id
    loop
        -- a listing that is in both stays in the older one, with what it rests on and what happened to it
        insert into case_ground
        select own.id, g.match_decision, g.finding, g.verdict, g.cited_at
        from case_listing own
        join case_listing other on other.listing = own.listing and other.takedown_case = pair.joined
        join case_ground g on g.case_listing = other.id
        where own.takedown_case = pair.kept
        on conflict do nothing;
        insert into case_event_listing
        select el.case_event, own.id
        from case_listing own
        join case_listing other on other.listing = own.listing and other.takedown_case = pair.joined
        join case_event_listing el on el.case_listing = other.id
        where own.takedown_case = pair.kept;
        delete from case_ground g using case_listing other, case_listing own
        where g.case_listing = other.id and other.takedown_case = pair.joined and own.takedown_case = pair.kept
            and own.listing = other.listing;
        delete from case_event_listing el using case_listing other, case_listing own
        where el.case_listing = other.id and other.takedown_case = pair.joined and own.takedown_case = pair.kept
            and own.listing = other.listing;
        delete from case_listing other using case_listing own
        where other.takedown_case = pair.joined and own.takedown_case = pair.kept and own.listing = other.listing;

        update case_listing set takedown_case = pair.kept where takedown_case = pair.joined;
        update case_event set takedown_case = pair.kept where takedown_case = pair.joined;
        -- open where one of them is, else closed as the one was that was closed last
        update takedown_case kept
        set closed_at = last.closed_at, outcome = last.outcome, opened_at = least(kept.opened_at, joined.opened_at)
        from takedown_case joined
        cross join lateral (
            select c.closed_at, c.outcome
            from takedown_case c
            where c.id in (pair.kept, pair.joined)
            order by c.closed_at desc nulls first
            limit 1
        ) as last
        where kept.id = pair.kept and joined.id = pair.joined;
        delete from takedown_case where id = pair.joined;
        insert into case_event (takedown_case, kind, note, happened_at, made_by, made_at)
        values (
            pair.kept, 'note', 'case ' || pair.joined || ' was joined with this one, as their vendors turned out to be one',
            at, 'theftwatch', at
        );
    end loop;
end
$$;
comment on function join_cases is 'Joins the cases of each artisan with given sellers, who are one vendor.';

select join_cases(array(select company(c.seller)), max(c.opened_at)) from takedown_case c group by c.seller;
drop index takedown_case_seller;
create unique index takedown_case_seller on takedown_case (seller, artisan);
comment on table takedown_case is
    'The matter of one artisan with one vendor, with any number of listings, also of its siblings: one for each artisan and company.';
