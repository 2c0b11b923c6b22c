-- What a person says of a finding.

create table verdict (
    id bigint generated always as identity primary key,
    finding bigint not null references finding on delete cascade,
    verdict text not null check (verdict in (
        'confirmed', 'rejected',
        'unsure', -- looked at, and not decided
        'undone' -- takes an earlier one back; what stood before that stands again
    )),
    -- of an undone: the row that it takes back
    undoes bigint unique references verdict on delete cascade,
    reason text check (reason in (
        'look_alike', -- two things, and no copy: the pairs it judged count nowhere any more
        'stock_photo', 'own_shop', 'licensed',
        'other' -- as the note says
    )),
    note text,
    judged_by text not null,
    judged_at timestamptz not null,
    check ((verdict = 'undone') = (undoes is not null)),
    check ((verdict = 'rejected') = (reason is not null)),
    check (reason <> 'other' or note is not null)
);
create index verdict_finding on verdict (finding, id);
comment on table verdict is 'What a person said of a finding; rows are only added, and the last that is not undone stands.';

create table judged_match (
    verdict bigint not null references verdict on delete cascade,
    match bigint not null references match on delete cascade,
    -- what the person saw of it
    match_decision bigint not null references match_decision on delete cascade,
    primary key (verdict, match)
);
create index judged_match_match on judged_match (match);
comment on table judged_match is
    'A pair of photos that a verdict judged, with the decision of the program that it rested on.';

create view standing_verdict as
select v.*
from verdict v
where v.verdict <> 'undone'
    and not exists (select from verdict undo where undo.undoes = v.id)
    and not exists (
        select from verdict later
        where later.finding = v.finding and later.id > v.id and later.verdict <> 'undone'
            and not exists (select from verdict undo where undo.undoes = later.id)
    );
comment on view standing_verdict is 'The verdict that stands, for each finding that has one.';

create view look_alike as
select j.match
from standing_verdict v
join judged_match j on j.verdict = v.id
where v.reason = 'look_alike';
comment on view look_alike is 'Pairs of photos that a person called look-alikes; they count in no finding.';

create or replace view matched_photo as
select
    f.id as finding, m.original_image, li.listing, li.image_key, li.image, li.shown, li.first_seen_at, li.last_seen_at
from finding f
join listing_image li on li.listing = f.suspect_listing
join listing l on l.id = li.listing
join match m on m.suspect_image = li.image and m.decision <> 'no_match'
-- in one, as of two the planner would read the whole tables
where exists (
        select from listing_image o where o.listing = f.original_listing and o.image = m.original_image
        union all
        select from original_file o where o.id = f.original_file and o.image = m.original_image
    )
    and not exists (
        select from suppression p
        where p.image in (m.original_image, m.suspect_image) and p.active and (p.seller is null or p.seller = l.seller)
    )
    and not exists (select from look_alike where look_alike.match = m.id);

create or replace view analysis.match as
select
    m.id as match_id, f.id as finding_id, m.decision, m.score, m.method, m.transform, m.explanation,
    d.distance_bits, d.similarity, d.inliers, m.algorithm_version,
    o.kind as original_kind, o.artisan, o.marketplace as original_marketplace,
    o.seller_id as original_seller_id, o.seller_ref as original_seller_ref, o.seller as original_seller,
    o.seller_url as original_seller_url, o.listing_id as original_listing_id, o.listing_ref as original_listing_ref,
    o.title as original_title, o.url as original_url, o.file_name as original_file_name,
    encode(oi.sha256, 'hex') as original_sha256, o.source_url as original_image_url,
    o.first_seen_at as original_first_seen_at, o.published_at as original_published_at,
    s.marketplace as suspect_marketplace, ss.id as suspect_seller_id, ss.seller_ref as suspect_seller_ref,
    ss.name as suspect_seller, ss.url as suspect_seller_url,
    s.id as suspect_listing_id, s.listing_ref as suspect_listing_ref,
    s.title as suspect_title, s.url as suspect_url, s.price_min as suspect_price_min,
    s.price_max as suspect_price_max, s.currency as suspect_currency, s.state as suspect_state,
    encode(si.sha256, 'hex') as suspect_sha256, sli.source_url as suspect_image_url, sli.shown as suspect_shown,
    sli.first_seen_at as suspect_first_seen_at, sli.published_at as suspect_published_at,
    m.first_matched_at, m.decided_at,
    case when kept_apart.rules <> '{}' then kept_apart.rules end as suppressed_by,
    case
        when sa.id = o.artisan_id then 'own_shop'
        else (
            select r.kind
            from relation r
            where r.active and r.artisan = o.artisan_id
                and (r.original_listing is null or r.original_listing = o.listing_id)
                and (r.original_file is null or r.original_file = o.file_id)
                and (
                    r.seller = ss.id
                    or exists (
                        select from company_alias own
                        join company_alias sibling using (marketplace, kind, value)
                        where own.seller = r.seller and sibling.seller = ss.id
                    )
                )
            order by r.kind
            limit 1
        )
    end as relation,
    v.id as verdict_id, v.verdict
from match m
-- Joined in an order that holds whatever is asked: the planner reorders no more than eight tables.
join listing_image sli on sli.image = m.suspect_image
join listing s on s.id = sli.listing
join marketplace sm on sm.code = s.marketplace
left join seller ss on ss.id = s.seller
left join artisan sa on sa.id = ss.artisan
join image oi on oi.id = m.original_image
join image si on si.id = m.suspect_image
left join match_decision d on d.match = m.id and d.algorithm_version = m.algorithm_version
cross join lateral (
    select
        'listing' as kind, l.artisan_id, l.artisan, l.marketplace, l.seller_id, l.seller_ref, l.seller, l.seller_url,
        l.listing_id, l.listing_ref, l.title, l.url, null::bigint as file_id, null as file_name, li.source_url,
        li.first_seen_at, li.published_at
    from listing_image li
    join analysis.listing l on l.listing_id = li.listing and l.side = 'original'
    where li.image = m.original_image
        -- a page may show the same bytes under two addresses
        and not exists (
            select from listing_image twin
            where twin.listing = li.listing and twin.image = li.image
                and (twin.position, twin.image_key) < (li.position, li.image_key)
        )
    union all
    select
        file.kind, a.id, a.name, null, null, null, null, null, null,
        null, null, null, file.id, file.name, null, file.first_seen_at,
        file.dated_at
    from original_file file
    join artisan a on a.id = file.artisan
    where file.image = m.original_image and a.opted_out_at is null
) as o
left join lateral (
    select finding.id
    from finding
    where finding.suspect_listing = s.id
        and (finding.original_listing = o.listing_id or finding.original_file = o.file_id)
    limit 1
) as f on true
cross join lateral (
    select array(
        select p.rule
        from suppression p
        where p.image in (m.original_image, m.suspect_image) and p.active and (p.seller is null or p.seller = ss.id)
        union
        select 'look_alike' where exists (select from look_alike where look_alike.match = m.id)
        order by 1
    ) as rules
) as kept_apart
left join lateral (
    select standing.id, standing.verdict
    from standing_verdict standing
    join judged_match j on j.verdict = standing.id and j.match = m.id
    where standing.finding = f.id
    limit 1
) as v on true
where m.decision <> 'no_match'
    -- as in analysis.listing, but in a form whose share of the rows the planner can tell
    and (ss.side = 'suspect' or (ss.side is null and sm.default_side = 'suspect'))
    and sa.opted_out_at is null
    and not exists (
        select from listing_image twin
        where twin.listing = sli.listing and twin.image = sli.image
            and (twin.position, twin.image_key) < (sli.position, sli.image_key)
    );

comment on column analysis.match.suppressed_by is
    'Rules by which the match proves nothing (placeholder, common, banner, text_panel, or look_alike where a person said '
    'so of the pair, in this finding or another); null where it counts';
comment on column analysis.match.verdict_id is
    'Key of the standing verdict on the finding, where it judged this pair; null where it did not or none stands';
comment on column analysis.match.verdict is
    'confirmed, rejected or unsure: what a person said of this pair in this finding; null where nobody did';

create or replace view analysis.finding as
with summed as (
    select
        finding_id,
        original_kind, artisan, original_marketplace, original_seller, original_listing_ref, original_title,
        original_url, original_file_name,
        suspect_marketplace, suspect_seller_id, suspect_seller, suspect_listing_ref, suspect_title, suspect_url,
        suspect_state,
        count(*) filter (where decision = 'match' and suppressed_by is null) as matches,
        count(*) filter (where decision = 'possible' and suppressed_by is null) as possible,
        max(score) as best_score,
        min(original_first_seen_at) as original_first_seen_at,
        min(suspect_first_seen_at) as suspect_first_seen_at,
        min(first_matched_at) as first_matched_at,
        max(first_matched_at) as last_matched_at,
        count(*) filter (where suppressed_by is not null) as suppressed,
        min(relation) as relation,
        count(*) filter (where verdict is null and suppressed_by is null) as pairs_not_judged,
        count(*) filter (where verdict is not null and suppressed_by is null) as judged_that_count,
        count(*) filter (where verdict is not null) as judged_that_match
    from analysis.match
    where finding_id is not null
    group by
        finding_id, original_kind, artisan, original_marketplace, original_seller, original_listing_ref,
        original_title, original_url, original_file_name, suspect_marketplace, suspect_seller_id, suspect_seller,
        suspect_listing_ref, suspect_title, suspect_url, suspect_state
    union all
    -- A person confirmed it, and no pair is left that matches: it is not lost.
    select
        f.id,
        coalesce(file.kind, 'listing'), coalesce(o.artisan, a.name), o.marketplace, o.seller, o.listing_ref, o.title,
        o.url, file.name,
        s.marketplace, s.seller_id, s.seller, s.listing_ref, s.title, s.url,
        s.state,
        0, 0, null, null, null, null, null, 0, null, 0, 0, 0
    from standing_verdict v
    join finding f on f.id = v.finding
    join analysis.listing s on s.listing_id = f.suspect_listing and s.side = 'suspect'
    left join analysis.listing o on o.listing_id = f.original_listing and o.side = 'original'
    left join original_file file on file.id = f.original_file
    left join artisan a on a.id = file.artisan and a.opted_out_at is null
    where v.verdict = 'confirmed' and (o.listing_id is not null or a.id is not null)
        and not exists (
            select from listing_image sli
            join match m on m.suspect_image = sli.image and m.decision <> 'no_match'
            where sli.listing = f.suspect_listing
                and (
                    m.original_image = file.image
                    or exists (
                        select from listing_image oli
                        where oli.listing = f.original_listing and oli.image = m.original_image
                    )
                )
        )
)
select
    summed.finding_id,
    summed.original_kind, summed.artisan, summed.original_marketplace, summed.original_seller,
    summed.original_listing_ref, summed.original_title, summed.original_url, summed.original_file_name,
    summed.suspect_marketplace, summed.suspect_seller_id, summed.suspect_seller, summed.suspect_listing_ref,
    summed.suspect_title, summed.suspect_url, summed.suspect_state,
    summed.matches, summed.possible, summed.best_score, summed.original_first_seen_at, summed.suspect_first_seen_at,
    summed.first_matched_at, summed.last_matched_at, summed.suppressed, summed.relation,
    d.direction, d.margin_days, d.weakest_link, d.missing_proof, d.likelier_source, d.pixel_reasons,
    case
        when d.direction = 'undecided' or d.likelier_source = 'undecided' then null
        else (d.direction = 'original_first') = (d.likelier_source = 'original')
    end as dates_and_pixels_agree,
    reason.text is null as proposable,
    reason.text as not_proposable_because,
    gone.removed_at, gone.how as removed_how,
    (select count(*) from relisting again where again.finding = summed.finding_id) as relistings,
    v.verdict, v.reason as verdict_reason, v.note as verdict_note, v.judged_by, v.judged_at, v.id as verdict_id,
    case when v.id is null then 0 else summed.pairs_not_judged end as new_pairs,
    look.because is not null as needs_look,
    look.because as needs_look_because
from summed
left join direction d on d.finding = summed.finding_id
left join removal gone on gone.finding = summed.finding_id and gone.shown_again_at is null
left join lateral (
    select * from standing_verdict standing where standing.finding = summed.finding_id limit 1
) as v on true
cross join lateral (
    select case
        when v.verdict = 'confirmed' and summed.judged_that_count = 0 and summed.judged_that_match > 0 then 'suppressed'
        when v.verdict = 'confirmed' and summed.judged_that_count = 0 and exists (
            -- the verdict rested on a match that is none by now; one who confirms it again knows that
            select from judged_match j
            join match m on m.id = j.match
            join match_decision seen on seen.id = j.match_decision
            where j.verdict = v.id and m.decision = 'no_match' and seen.decision <> 'no_match'
        ) then 'dropped'
        when summed.relation is not null or summed.pairs_not_judged = 0 then null
        when v.id is null then 'not judged'
        when v.verdict <> 'confirmed' then 'new match'
    end as because
) as look
cross join lateral (
    select case
        when v.verdict = 'rejected' then 'rejected'
        when look.because = 'dropped' then 'dropped'
        when summed.matches + summed.possible = 0 and summed.suppressed > 0 then 'suppressed'
        when summed.relation is not null then 'relation'
        when d.direction is null then 'direction: not looked'
        when d.direction <> 'original_first' then 'direction: ' || d.direction
    end as text
) as reason;

comment on view analysis.finding is
    'One row for each original and suspect listing that share matched photos: what a person judges. One that a person '
    'confirmed has a row even where no photo of it matches any more.';
comment on column analysis.finding.best_score is 'Highest score among all the pairs; null where none matches any more';
comment on column analysis.finding.not_proposable_because is
    'rejected (by a person), dropped (confirmed, and no longer matched), suppressed, relation, or direction with its '
    'answer; null where it is proposable';
comment on column analysis.finding.verdict is
    'confirmed, rejected or unsure: the last word of a person on it that was not undone; null where there is none';
comment on column analysis.finding.verdict_reason is
    'Why it was rejected: look_alike, stock_photo, own_shop, licensed or other; null where it was not';
comment on column analysis.finding.verdict_note is 'What the person wrote beside the verdict';
comment on column analysis.finding.judged_by is 'Who gave the verdict';
comment on column analysis.finding.judged_at is 'When that was';
comment on column analysis.finding.verdict_id is 'Key of the verdict';
comment on column analysis.finding.new_pairs is
    'Pairs that count and that the verdict did not judge, since they joined after it; 0 without a verdict';
comment on column analysis.finding.needs_look is 'Whether a person has to look at it';
comment on column analysis.finding.needs_look_because is
    'not judged; new match (joined after it was rejected or left unsure); dropped or suppressed (confirmed, and no pair '
    'that was judged matches any more, or counts); null where it needs none';

create or replace view analysis.vendor as
-- Materialized: else the planner, who takes vendors for few, sums up anew for each of them.
with matched as materialized (
    select
        coalesce('seller ' || suspect_seller_id, 'unknown on ' || suspect_marketplace) as key,
        count(distinct match_id) filter (where counts and decision = 'match') as matches,
        count(distinct match_id) filter (where counts and decision = 'possible') as possible,
        count(distinct finding_id) filter (where counts) as findings,
        count(distinct suspect_listing_id) filter (where counts) as listings_with_matches,
        count(distinct original_sha256) filter (where counts) as originals_matched,
        count(distinct original_seller_id) filter (where counts) as shops_concerned,
        count(distinct coalesce(artisan, original_marketplace || ' ' || original_seller_id))
            filter (where counts) as artisans_concerned,
        max(score) filter (where counts) as best_score,
        min(first_matched_at) filter (where counts) as first_matched_at,
        max(first_matched_at) filter (where counts) as last_matched_at,
        count(distinct match_id) filter (where suppressed_by is not null) as suppressed,
        count(distinct match_id) filter (where suppressed_by is null and relation is not null) as related,
        count(distinct finding_id) filter (where verdict = 'confirmed') as findings_confirmed,
        count(distinct finding_id) filter (where verdict = 'rejected') as findings_rejected
    -- an offset, so that whether a pair counts is worked out once and not for each figure
    from (
        select
            *, suppressed_by is null and relation is null and verdict is distinct from 'rejected' as counts
        from analysis.match
        offset 0
    ) as m
    group by key
), vendor as (
    select coalesce('seller ' || seller_id, 'unknown on ' || marketplace) as key, *
    from analysis.coverage
    where side = 'suspect'
)
select
    vendor.seller_id as vendor_id, vendor.marketplace, vendor.seller_ref as vendor_ref, vendor.seller as vendor,
    s.url, s.country,
    coalesce(matched.matches, 0) as matches,
    coalesce(matched.possible, 0) as possible,
    coalesce(matched.findings, 0) as findings,
    coalesce(matched.listings_with_matches, 0) as listings_with_matches,
    coalesce(matched.originals_matched, 0) as originals_matched,
    coalesce(matched.shops_concerned, 0) as shops_concerned,
    coalesce(matched.artisans_concerned, 0) as artisans_concerned,
    matched.best_score, matched.first_matched_at, matched.last_matched_at,
    vendor.listings, vendor.images_held, vendor.images_compared, vendor.looked,
    s.first_seen_at, s.last_seen_at, vendor.last_good_look_at,
    coalesce(matched.suppressed, 0) as suppressed,
    coalesce(matched.related, 0) as related,
    coalesce(matched.findings_confirmed, 0) as findings_confirmed,
    coalesce(matched.findings_rejected, 0) as findings_rejected
from vendor
left join matched using (key)
left join analysis.seller s on s.seller_id = vendor.seller_id;

comment on view analysis.vendor is
    'One row for each seller on the suspect side, with its matches and what they rest on; a vendor without a match '
    'has a row too. Pairs that are suppressed, covered by a relation or rejected are left out of all counts but those '
    'that name them.';
comment on column analysis.vendor.findings_confirmed is 'Findings with the vendor that a person confirmed';
comment on column analysis.vendor.findings_rejected is 'Findings with the vendor that a person rejected';

create view analysis.verdict as
select
    v.id as verdict_id, v.finding as finding_id, v.verdict, v.reason, v.note, v.judged_by, v.judged_at,
    v.undoes as undoes_verdict_id,
    standing.id is not null as stands,
    (select count(*) from judged_match j where j.verdict = v.id) as matches,
    coalesce(o.artisan, a.name) as artisan, coalesce(o.url, file.name) as original, s.seller_id as vendor_id,
    s.seller as vendor, s.url as suspect_url
from verdict v
left join standing_verdict standing on standing.id = v.id
join finding f on f.id = v.finding
join analysis.listing s on s.listing_id = f.suspect_listing
left join analysis.listing o on o.listing_id = f.original_listing
left join original_file file on file.id = f.original_file
left join artisan a on a.id = file.artisan and a.opted_out_at is null
where o.listing_id is not null or a.id is not null;

comment on view analysis.verdict is
    'One row for each time that a person judged a finding or took that back; rows are only added.';
comment on column analysis.verdict.verdict_id is 'Key of the verdict; later ones are higher';
comment on column analysis.verdict.finding_id is 'Key of the finding';
comment on column analysis.verdict.verdict is
    'confirmed, rejected, unsure, or undone: an earlier one was taken back, and what stood before that stands again';
comment on column analysis.verdict.reason is
    'Why it was rejected: look_alike, stock_photo, own_shop, licensed or other; null where it was not';
comment on column analysis.verdict.note is 'What the person wrote beside it';
comment on column analysis.verdict.judged_by is 'Who judged';
comment on column analysis.verdict.judged_at is 'When that was';
comment on column analysis.verdict.undoes_verdict_id is 'Key of the verdict that an undone takes back; null for the others';
comment on column analysis.verdict.stands is 'Whether it is what holds of the finding now';
comment on column analysis.verdict.matches is 'Pairs of photos that the person judged; 0 for an undone';
comment on column analysis.verdict.artisan is 'Name of the artisan who owns the original; null where nobody entered one';
comment on column analysis.verdict.original is 'Address of the original’s listing, or name of the artisan’s file';
comment on column analysis.verdict.vendor_id is 'Key of the vendor; null while no page that names the vendor was read';
comment on column analysis.verdict.vendor is 'Name of the vendor';
comment on column analysis.verdict.suspect_url is 'Address of the suspect listing';

create view analysis.precision as
with judged as (
    -- each decision once, however many findings it stands in: called a look-alike anywhere, it was wrong
    select
        j.match_decision,
        bool_or(v.reason = 'look_alike') as look_alike,
        bool_or(v.verdict = 'confirmed') as confirmed,
        bool_or(v.verdict = 'rejected') as rejected
    from standing_verdict v
    join judged_match j on j.verdict = v.id
    group by j.match_decision
), counted as (
    select
        d.algorithm_version, d.method, width_bucket(d.score, bins.edges) as bin, bins.edges,
        count(*) as judged,
        count(*) filter (where confirmed and look_alike is not true) as confirmed,
        count(*) filter (where look_alike or (rejected and not confirmed)) as rejected,
        count(*) filter (where look_alike) as look_alikes
    from judged
    join match_decision d on d.id = judged.match_decision
    -- as single as the scores are, lest a score on an edge fall below it
    cross join (values ('{0,0.5,0.7,0.9,0.98,0.99,0.995}'::real[])) as bins (edges)
    where d.decision <> 'no_match'
    group by d.algorithm_version, d.method, bin, bins.edges
)
select
    algorithm_version, method, edges[bin]::numeric(4, 3) as score_from,
    coalesce(edges[bin + 1], 1)::numeric(4, 3) as score_to,
    judged, confirmed, rejected, look_alikes, judged - confirmed - rejected as unsure,
    share.of_all as precision,
    greatest(0, share.centre - share.half_width) as precision_low,
    least(1, share.centre + share.half_width) as precision_high
from counted
cross join lateral (
    select confirmed + rejected as n, confirmed / nullif(confirmed + rejected, 0)::float as p
) as decided
-- Wilson's interval, at 95 %: 3.8415 is the square of 1.96
cross join lateral (
    select
        p as of_all,
        (p + 3.8415 / (2 * n)) / (1 + 3.8415 / n) as centre,
        sqrt(3.8415 * (p * (1 - p) / n + 3.8415 / (4 * n * n))) / (1 + 3.8415 / n) as half_width
    where n > 0
    union all
    select null, null, null where n = 0
) as share;

comment on view analysis.precision is
    'One row for each version of the algorithm, method and range of scores: how often people confirmed what the program '
    'took for a match. Each pair of photos counts once.';
comment on column analysis.precision.algorithm_version is 'Version of the algorithm; scores of two cannot be compared';
comment on column analysis.precision.method is 'How the pair was found and verified';
comment on column analysis.precision.score_from is 'The lowest score of the range, included';
comment on column analysis.precision.score_to is 'The highest score of the range, excluded but for 1';
comment on column analysis.precision.judged is 'Pairs in the range that people judged, by verdicts that stand';
comment on column analysis.precision.confirmed is 'Pairs among them in findings that were confirmed';
comment on column analysis.precision.rejected is 'Pairs among them that were rejected, for whatever reason';
comment on column analysis.precision.look_alikes is
    'Pairs among those rejected that are no copies: the mistakes of the program, as the others are copies by right';
comment on column analysis.precision.unsure is 'Pairs among them that nobody could decide';
comment on column analysis.precision.precision is
    'Share confirmed of those confirmed or rejected, from 0 to 1; null where there are none';
comment on column analysis.precision.precision_low is 'Lower end of the 95 % interval of that share (Wilson)';
comment on column analysis.precision.precision_high is 'Upper end of it';
