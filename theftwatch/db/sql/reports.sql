-- report_vendors --
-- Lists vendors, the most serious first: those with matches, by how many artisans they concern, then by how many matches.
-- Only pairs that count and are chosen are counted.
with counted as (
    select
        suspect_seller_id, suspect_marketplace,
        count(distinct match_id) filter (where decision = 'match') as matches,
        count(distinct match_id) filter (where decision = 'possible') as possible,
        count(distinct suspect_listing_id) as listings_with_matches,
        count(distinct coalesce('artisan ' || artisan, 'shop ' || original_seller_id)) as artisans_concerned,
        count(distinct finding_id) filter (where verdict = 'confirmed') as findings_confirmed,
        max(score) as best_score
    from analysis.match
    where counts(suppressed_by, relation, verdict)
        and (%(vendors)s::bigint[] is null or suspect_seller_id = any(%(vendors)s::bigint[]))
        and (
            %(artisans)s::bigint[] is null
            or original_seller_id = any(%(shops)s::bigint[])
            or artisan in (select a.name from artisan a where a.id = any(%(artisans)s::bigint[]))
        )
        and (%(since)s::timestamptz is null or first_matched_at >= %(since)s::timestamptz)
        and (%(before)s::timestamptz is null or first_matched_at < %(before)s::timestamptz)
    group by suspect_seller_id, suspect_marketplace
)
select
    v.vendor_id, v.marketplace, v.vendor_ref, v.vendor, v.url, v.country,
    coalesce(c.matches, 0) as matches,
    coalesce(c.possible, 0) as possible,
    coalesce(c.listings_with_matches, 0) as listings_with_matches,
    coalesce(c.artisans_concerned, 0) as artisans_concerned,
    coalesce(c.findings_confirmed, 0) as findings_confirmed,
    c.best_score, v.listings, v.images_held, v.images_compared, v.looked, v.last_good_look_at
from analysis.vendor v
left join counted c
    on c.suspect_marketplace = v.marketplace and c.suspect_seller_id is not distinct from v.vendor_id
where %(vendors)s::bigint[] is null or v.vendor_id = any(%(vendors)s::bigint[])
order by
    c.matches > 0 desc nulls last, c.artisans_concerned desc nulls last, c.matches desc nulls last, c.possible desc nulls last,
    v.looked = 'not looked', v.marketplace, v.vendor, v.vendor_ref;

-- report_pairs --
-- Lists matched pairs of photos that count, each with all places where the two stand: of one vendor, of the listings of a
-- marketplace whose vendor is not known, or of all. The surest first, and copies of one original beside each other.
with shown as (
    select *, max(score) over (partition by suspect_marketplace, suspect_seller_id, decision, original_sha256) as best_of
    from analysis.match
    where counts(suppressed_by, relation, verdict)
        and (%(vendors)s::bigint[] is null or suspect_seller_id = any(%(vendors)s::bigint[]))
        and (
            %(unknown_on)s::text is null
            or (suspect_seller_id is null and suspect_marketplace = %(unknown_on)s::text)
        )
        and (
            %(artisans)s::bigint[] is null
            or original_seller_id = any(%(shops)s::bigint[])
            or artisan in (select a.name from artisan a where a.id = any(%(artisans)s::bigint[]))
        )
        and (%(since)s::timestamptz is null or first_matched_at >= %(since)s::timestamptz)
        and (%(before)s::timestamptz is null or first_matched_at < %(before)s::timestamptz)
), pair as (
    select
        suspect_seller_id as vendor_id, suspect_marketplace as marketplace, match_id, decision, score, best_of, method,
        transform, explanation, first_matched_at,
        jsonb_agg(distinct jsonb_build_object(
            'kind', original_kind,
            'marketplace', original_marketplace,
            'seller', coalesce(original_seller, original_seller_ref, artisan),
            'seller_url', original_seller_url,
            'listing_id', original_listing_id,
            'listing_ref', original_listing_ref,
            'title', coalesce(original_title, original_file_name),
            'url', original_url,
            'image_url', original_image_url,
            'first_seen_at', original_first_seen_at,
            'published_at', original_published_at
        )) as originals,
        jsonb_agg(distinct jsonb_build_object(
            'kind', 'listing',
            'marketplace', suspect_marketplace,
            'seller', coalesce(suspect_seller, suspect_seller_ref),
            'seller_url', suspect_seller_url,
            'listing_id', suspect_listing_id,
            'listing_ref', suspect_listing_ref,
            'title', suspect_title,
            'url', suspect_url,
            'image_url', suspect_image_url,
            'first_seen_at', suspect_first_seen_at,
            'published_at', suspect_published_at,
            'state', suspect_state,
            'shown', suspect_shown
        )) as suspects,
        coalesce(
            jsonb_agg(distinct jsonb_build_object(
                'direction', d.direction,
                'margin_days', d.margin_days,
                'weakest_link', d.weakest_link,
                'missing_proof', d.missing_proof,
                'likelier_source', d.likelier_source,
                'pixel_reasons', d.pixel_reasons
            )) filter (where d.finding is not null),
            '[]'
        ) as directions,
        coalesce(
            jsonb_agg(distinct jsonb_build_object(
                'url', suspect_url,
                'how', gone.how,
                'removed_at', gone.removed_at,
                'shown_again_at', gone.shown_again_at,
                'elsewhere', (
                    select coalesce(jsonb_agg(again.url order by again.relisted_at, again.url), '[]')
                    from analysis.relisting again
                    where again.removal_id = gone.id and again.place <> 'same_listing'
                )
            )) filter (where gone.id is not null),
            '[]'
        ) as removals,
        coalesce(
            jsonb_agg(distinct jsonb_build_object(
                'finding', v.finding,
                'verdict', v.verdict,
                'judged_by', v.judged_by,
                'judged_at', v.judged_at
            )) filter (where v.id is not null),
            '[]'
        ) as verdicts
    from shown
    left join direction d on d.finding = shown.finding_id
    left join removal gone on gone.finding = shown.finding_id
    left join verdict v on v.id = shown.verdict_id
    group by
        suspect_seller_id, suspect_marketplace, match_id, decision, score, best_of, method, transform, explanation,
        first_matched_at
)
select
    pair.vendor_id, pair.marketplace, pair.match_id, pair.decision, pair.score, pair.method, pair.transform,
    pair.explanation, pair.first_matched_at, pair.originals, pair.suspects,
    pair.directions, pair.removals, pair.verdicts, o.sha256 as original_sha256, o.width_px as original_width_px,
    o.height_px as original_height_px,
    s.sha256 as suspect_sha256, s.width_px as suspect_width_px, s.height_px as suspect_height_px
from pair
join match m on m.id = pair.match_id
join image o on o.id = m.original_image
join image s on s.id = m.suspect_image
order by pair.decision, pair.best_of desc, o.sha256, pair.score desc, s.sha256;

-- report_not_counted --
-- Lists pairs that matched and do not count, or that a person rejected, with the reason: of given vendors, or of all.
select
    suspect_marketplace as marketplace, coalesce(suspect_seller, suspect_seller_ref) as vendor,
    coalesce(original_seller, original_seller_ref, artisan) as shop,
    min(coalesce(original_title, original_file_name)) as original, min(original_url) as original_url,
    min(suspect_title) as suspect, min(suspect_url) as suspect_url, suppressed_by, relation,
    case when m.verdict = 'rejected' then v.reason end as rejected_as, max(score) as score,
    count(*) over () as of_all
from analysis.match m
left join verdict v on v.id = m.verdict_id
where not counts(suppressed_by, relation, m.verdict)
    and (%(vendors)s::bigint[] is null or suspect_seller_id = any(%(vendors)s::bigint[]))
    and (
        %(artisans)s::bigint[] is null
        or m.original_seller_id = any(%(shops)s::bigint[])
        or m.artisan in (select a.name from artisan a where a.id = any(%(artisans)s::bigint[]))
    )
    and (%(since)s::timestamptz is null or m.first_matched_at >= %(since)s::timestamptz)
    and (%(before)s::timestamptz is null or m.first_matched_at < %(before)s::timestamptz)
group by
    match_id, suspect_marketplace, coalesce(suspect_seller, suspect_seller_ref),
    coalesce(original_seller, original_seller_ref, artisan), suppressed_by, relation, rejected_as
order by suppressed_by nulls last, relation, rejected_as, vendor, score desc, match_id
limit %(most)s::int;

-- report_figures --
-- Counts what was entered in a time, by month, artisan or vendor, and tells how far that was looked at: a month by its crawls, the
-- others by now.
with entry as (
    select
        e.entered_at, e.what, e.finding_id, e.artisan_id, e.artisan, e.shop_id, e.shop, e.vendor_id, e.vendor, e.marketplace
    from analysis.event e
    where e.what <> 'shown again'
    union all
    select
        r.relisted_at, 'relisted', r.finding, a.id, a.name, os.id, coalesce(os.name, os.seller_ref), s.id,
        coalesce(s.name, s.seller_ref), p.marketplace
    from relisting r
    join finding_party p on p.finding = r.finding
    left join artisan a on a.id = p.artisan
    left join seller os on os.id = p.shop
    left join seller s on s.id = p.vendor
    left join artisan own on own.id = s.artisan
    where a.opted_out_at is null and own.opted_out_at is null
), counted as (
    select
        case %(by)s::text
            when 'month' then to_char(entered_at at time zone 'UTC', 'YYYY-MM')
            when 'artisan' then coalesce('artisan ' || artisan, 'shop ' || shop_id)
            else coalesce('seller ' || vendor_id, 'unknown on ' || marketplace)
        end as key,
        case %(by)s::text when 'artisan' then min(coalesce(artisan, shop)) when 'vendor' then min(vendor) end as name,
        case when %(by)s::text = 'vendor' then min(marketplace) end as marketplace,
        count(*) filter (where what = 'found') as found,
        count(*) filter (where what = 'confirmed') as confirmed,
        count(*) filter (where what = 'rejected') as rejected,
        count(*) filter (where what = 'told') as told,
        count(*) filter (where what = 'asked') as asked,
        count(*) filter (where what = 'filed') as filed,
        count(*) filter (where what = 'removed') as removed,
        count(*) filter (where what = 'relisted') as relisted,
        percentile_cont(0.5) within group (order by extract(epoch from entered_at - f.first_found_at)::float / 86400)
            filter (where what = 'removed') as median_days_to_removal
    from entry
    left join finding f on f.id = entry.finding_id and entry.what = 'removed'
    where (%(vendors)s::bigint[] is null or vendor_id = any(%(vendors)s::bigint[]))
        and (
            %(artisans)s::bigint[] is null
            or shop_id = any(%(shops)s::bigint[]) or artisan_id = any(%(artisans)s::bigint[])
        )
        and (%(since)s::timestamptz is null or entered_at >= %(since)s::timestamptz)
        and (%(before)s::timestamptz is null or entered_at < %(before)s::timestamptz)
    group by 1
), crawled as (
    select
        to_char(r.started_at at time zone 'UTC', 'YYYY-MM') as key,
        case when bool_and(r.outcome is not distinct from 'ok') then 'in full' else 'in part' end as looked
    from run r
    join marketplace m on m.code = r.spider
    where %(by)s::text = 'month'
        and (%(since)s::timestamptz is null or r.started_at >= %(since)s::timestamptz)
        and (%(before)s::timestamptz is null or r.started_at < %(before)s::timestamptz)
    group by 1
), covered as (
    select
        key,
        case
            when bool_and(looked = 'in full') then 'in full'
            when bool_and(looked = 'not looked') then 'not looked'
            else 'in part'
        end as looked
    from (
        select
            case
                when side = 'suspect' then coalesce('seller ' || seller_id, 'unknown on ' || marketplace)
                else coalesce('artisan ' || artisan, 'shop ' || seller_id)
            end as key,
            looked
        from analysis.coverage
        where side = case %(by)s::text when 'vendor' then 'suspect' when 'artisan' then 'original' end
    ) as each
    group by key
)
select
    coalesce(c.name, case when %(by)s::text = 'month' then key end) as name, c.marketplace,
    coalesce(crawled.looked, covered.looked, 'not looked') as looked,
    coalesce(c.found, 0) as found,
    coalesce(c.confirmed, 0) as confirmed,
    coalesce(c.rejected, 0) as rejected,
    coalesce(c.told, 0) as told,
    coalesce(c.asked, 0) as asked,
    coalesce(c.filed, 0) as filed,
    coalesce(c.removed, 0) as removed,
    coalesce(c.relisted, 0) as relisted,
    c.median_days_to_removal
from counted c
full join crawled using (key)
left join covered using (key)
order by case when %(by)s::text = 'month' then key end, found desc, confirmed desc, name;

-- report_date_claims --
-- Lists what is known of when given listings existed.
select listing_id, kind, earliest_at, latest_at, source
from analysis.date_claim
where listing_id = any(%(listings)s::bigint[])
order by listing_id, latest_at, kind;

-- report_coverage --
-- Sums up what was looked at, by marketplace and side; without a marketplace, the files of artisans.
select
    marketplace, side,
    count(*) filter (where seller_id is not null or marketplace is null) as sellers,
    count(*) filter (
        where looked <> 'not looked' and (seller_id is not null or marketplace is null)
    ) as sellers_compared,
    sum(listings)::bigint as listings,
    sum(images_held)::bigint as images_held,
    sum(images_compared)::bigint as images_compared,
    sum(images_unusable)::bigint as images_unusable,
    sum(images_missing)::bigint as images_missing,
    max(last_good_look_at) as last_good_look_at,
    max(last_compared_at) as last_compared_at
from analysis.coverage
group by marketplace, side
order by side, marketplace nulls last;

-- report_watched --
-- Counts what is watched, by marketplace, how far it was looked at, and why no further.
select marketplace, looked, because, count(*) as targets, sum(matches)::bigint as matches, max(last_good_visit_at) as last_good_visit_at
from analysis.target_coverage
where not paused
group by marketplace, looked, because
order by marketplace, array_position('{in full,in part,not looked}', looked), targets desc, because;

-- report_image_troubles --
-- Counts the photos that could not be compared, by marketplace and reason; of each seller each photo once.
select marketplace, side, trouble, reason, sum(photos::bigint)::bigint as photos
from analysis.coverage
cross join lateral (
    select 'unusable' as trouble, key as reason, value as photos from jsonb_each(unusable_reasons)
    union all
    select 'missing', key, value from jsonb_each(missing_reasons)
) as each
group by marketplace, side, trouble, reason
order by photos desc, marketplace, reason;

-- report_runs --
-- Counts runs by outcome; null stands for those that never ended.
select outcome, count(*) from analysis.run group by outcome;

-- report_troubled_runs --
-- Lists the newest runs that were not ok, with what they met.
select
    run_id, spider, arguments, outcome, finish_reason, started_at, heartbeat_at, pages_blocked, pages_refused_by_robots,
    pages_gone, pages_changed, pages_unknown, pages_failed, images_missing, listings_failed
from analysis.run
where outcome is distinct from 'ok'
order by started_at desc, run_id desc
limit %(most)s::int;

-- report_troubled_pages --
-- Lists the newest pages that gave no data.
select kind, url, detail, http_status, spider, seen_at
from analysis.page_trouble
order by seen_at desc, url
limit %(most)s::int;

-- report_gallery --
-- Lists the pairs of photos of an artisan's that a person confirmed and that a complaint may rest on, those whose photos are down
-- too, each with the file of the artisan's that shows the same photo as the suspect; out-takes are never shown.
select
    m.match_id, v.finding_id as finding, v.original_kind, v.original_marketplace, v.original_url,
    decode(m.original_sha256, 'hex') as original_sha256, given.sha256 as given_sha256, v.suspect_marketplace,
    coalesce(v.suspect_seller, 'a vendor that is not named') as vendor, v.suspect_url, v.suspect_title,
    decode(m.suspect_sha256, 'hex') as suspect_sha256, m.method, m.transform, m.score, v.margin_days, m.suspect_first_seen_at,
    v.removed_at
from artisan_finding af
join finding f on f.id = af.finding
join listing l on l.id = f.suspect_listing
-- The offset keeps it a query for each finding, whose listing then narrows what the view sums up.
cross join lateral (
    select *
    from analysis.finding of_listing
    where of_listing.finding_id = f.id and of_listing.suspect_marketplace = l.marketplace
        and of_listing.suspect_listing_ref = l.listing_ref
    offset 0
) as v
join analysis.match m
    on m.finding_id = f.id and m.suspect_listing_id = l.id and m.suppressed_by is null and m.verdict = 'confirmed'
left join lateral (
    select i.sha256
    from match pair
    join match same on same.suspect_image = pair.suspect_image and same.decision = 'match'
    join original_file file on file.image = same.original_image and file.artisan = af.artisan and file.kind = 'original'
    join image i on i.id = file.image and i.bytes_state = 'held'
    where pair.id = m.match_id
    order by same.score desc, i.sha256
    limit 1
) as given on true
where af.artisan = %(artisan)s and v.verdict = 'confirmed'
    and (
        v.proposable
        or exists (
            select from case_listing cl
            join takedown_case c on c.id = cl.takedown_case and c.artisan = af.artisan
            where cl.listing = l.id and cl.override_reason is not null
        )
    )
order by vendor, v.suspect_marketplace, v.suspect_url, m.score desc, m.match_id;

-- has_opted_out --
select 1 from artisan where id = %(artisan)s and opted_out_at is not null;
