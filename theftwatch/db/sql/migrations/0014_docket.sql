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
