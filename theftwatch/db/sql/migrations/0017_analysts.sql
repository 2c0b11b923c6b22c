-- What analysts need: findings that are summed up once and not with every question, accounts, addresses of photos.

-- Who may show whose photos, in one place: whom a relation names, and the others of the same company.
create view covered as
select r.artisan, r.seller, r.kind, r.original_listing, r.original_file
from relation r
where r.active
union all
select r.artisan, sibling.sibling, r.kind, r.original_listing, r.original_file
from relation r
join sibling on sibling.seller = r.seller
where r.active;
comment on view covered is 'One row for each relation that holds and each seller that it covers; a null original covers all.';

-- The one place that says which pairs a finding is made of.
create view finding_pair as
select
    f.id as finding, m.id as match, m.decision, m.score, m.method, m.transform, m.first_matched_at,
    o.first_seen_at as original_first_seen_at, sli.first_seen_at as suspect_first_seen_at,
    exists (
        select from suppression p
        where p.image in (m.original_image, m.suspect_image) and p.active and (p.seller is null or p.seller = l.seller)
    )
    or exists (select from look_alike where look_alike.match = m.id) as suppressed
from finding f
join listing l on l.id = f.suspect_listing
join listing_image sli on sli.listing = l.id
join match m on m.suspect_image = sli.image and m.decision <> 'no_match'
cross join lateral (
    (
        select li.first_seen_at
        from listing_image li
        where li.listing = f.original_listing and li.image = m.original_image
        order by li.position, li.image_key
        limit 1
    )
    union all
    select file.first_seen_at from original_file file where file.id = f.original_file and file.image = m.original_image
) as o
-- a page may show the same bytes under two addresses
where not exists (
    select from listing_image twin
    where twin.listing = sli.listing and twin.image = sli.image
        and (twin.position, twin.image_key) < (sli.position, sli.image_key)
);
comment on view finding_pair is 'One row for each finding and pair of photos that matched in it, whether or not the pair counts.';

-- Worked out finding by finding, so that one costs what its own pairs cost. What it says of all is kept in review_queue.
create view finding_state as
select
    f.id as finding, s.marketplace, s.seller as vendor, o.seller as shop, a.id as artisan,
    pairs.matched, pairs.possible, pairs.suppressed, pairs.rejected, pairs.best_score, pairs.best_pair,
    pairs.original_first_seen_at,
    pairs.suspect_first_seen_at, pairs.first_matched_at, pairs.last_matched_at, rights.relation, d.direction,
    v.id as verdict_id, v.verdict,
    case when v.id is null then 0 else pairs.not_judged end as new_pairs,
    look.because,
    case
        when v.verdict = 'rejected' then 'rejected'
        when look.because = 'dropped' then 'dropped'
        when pairs.matched = '{}' and pairs.possible = '{}' and pairs.suppressed <> '{}' then 'suppressed'
        when rights.relation is not null then 'relation'
        when d.direction is null then 'direction: not looked'
        when d.direction <> 'original_first' then 'direction: ' || d.direction
    end as not_proposable_because
from finding f
join listing s on s.id = f.suspect_listing
join marketplace sm on sm.code = s.marketplace
left join seller ss on ss.id = s.seller
left join artisan sa on sa.id = ss.artisan
left join listing o on o.id = f.original_listing
left join seller os on os.id = o.seller
left join original_file file on file.id = f.original_file
left join artisan a on a.id = coalesce(os.artisan, file.artisan)
left join direction d on d.finding = f.id
left join lateral (
    select standing.id, standing.verdict from standing_verdict standing where standing.finding = f.id limit 1
) as v on true
cross join lateral (
    select
        count(*) as pairs,
        coalesce(array_agg(p.match order by p.match) filter (where p.decision = 'match' and not p.suppressed), '{}')
            as matched,
        coalesce(array_agg(p.match order by p.match) filter (where p.decision = 'possible' and not p.suppressed), '{}')
            as possible,
        coalesce(array_agg(p.match order by p.match) filter (where p.suppressed), '{}') as suppressed,
        coalesce(
            array_agg(p.match order by p.match)
                filter (where v.verdict = 'rejected' and j.match is not null and not p.suppressed),
            '{}'
        ) as rejected,
        max(p.score) as best_score,
        (array_agg(p.match order by p.suppressed, p.score desc, p.match))[1] as best_pair,
        min(p.original_first_seen_at) as original_first_seen_at,
        min(p.suspect_first_seen_at) as suspect_first_seen_at,
        min(p.first_matched_at) as first_matched_at,
        max(p.first_matched_at) as last_matched_at,
        count(*) filter (where not p.suppressed and j.match is null) as not_judged,
        count(*) filter (where not p.suppressed and j.match is not null) as judged_that_count,
        count(j.match) as judged_that_match
    from finding_pair p
    left join judged_match j on j.verdict = v.id and j.match = p.match
    where p.finding = f.id
) as pairs
cross join lateral (
    select case
        when sa.id = a.id then 'own_shop'
        else (
            select min(c.kind)
            from covered c
            where c.artisan = a.id and c.seller = s.seller
                and (c.original_listing is null or c.original_listing = f.original_listing)
                and (c.original_file is null or c.original_file = f.original_file)
        )
    end as relation
) as rights
cross join lateral (
    select case
        when v.verdict = 'confirmed' and pairs.judged_that_count = 0 and pairs.judged_that_match > 0 then 'suppressed'
        when v.verdict = 'confirmed' and pairs.judged_that_count = 0 and exists (
            -- the verdict rested on a match that is none by now; one who confirms it again knows that
            select from judged_match j
            join match m on m.id = j.match
            join match_decision seen on seen.id = j.match_decision
            where j.verdict = v.id and m.decision = 'no_match' and seen.decision <> 'no_match'
        ) then 'dropped'
        when rights.relation is not null or pairs.not_judged = 0 then null
        when v.id is null then 'not judged'
        when v.verdict <> 'confirmed' then 'new match'
    end as because
) as look
where coalesce(ss.side, sm.default_side) = 'suspect'
    and sa.opted_out_at is null and a.opted_out_at is null
    and (
        o.id is null
        or 'original' = coalesce(os.side, (select om.default_side from marketplace om where om.code = o.marketplace))
    )
    -- a person confirmed it, and no pair is left that matches: it is not lost
    and (pairs.pairs > 0 or v.verdict = 'confirmed');
comment on view finding_state is
    'One row for each finding, with all that is worked out of its pairs, as of now; review_queue keeps it for all.';

alter table review_queue
    -- pairs of photos that count, by the program's decision; pairs that prove nothing; of those that count, the ones that a
    -- person rejected
    add column matched bigint[] not null default '{}',
    add column possible bigint[] not null default '{}',
    add column suppressed bigint[] not null default '{}',
    add column rejected bigint[] not null default '{}',
    add column best_score real,
    -- the surest, of those that count where any does
    add column best_pair bigint,
    add column original_first_seen_at timestamptz,
    add column suspect_first_seen_at timestamptz,
    add column first_matched_at timestamptz,
    add column last_matched_at timestamptz,
    add column relation text,
    add column verdict_id bigint,
    add column new_pairs int not null default 0,
    -- null: it is proposable
    add column not_proposable_because text;
comment on table review_queue is
    'What finding_state says of each finding, kept: what findings are shown, sorted and filtered by, without summing up anew.';
create index review_queue_score on review_queue (best_score);
create index review_queue_matched on review_queue (last_matched_at);
insert into context_due (kind, id) select 'queue', id from finding on conflict do nothing;

-- Where people reach the review page; views lead there.
create table public_address (
    only_row boolean primary key default true check (only_row),
    url text not null
);
insert into public_address (url) values ('http://127.0.0.1:8478');
comment on table public_address is 'The address under which people reach the review page, as the program was last told.';

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
            select min(c.kind)
            from covered c
            where c.artisan = o.artisan_id and c.seller = ss.id
                and (c.original_listing is null or c.original_listing = o.listing_id)
                and (c.original_file is null or c.original_file = o.file_id)
        )
    end as relation,
    v.id as verdict_id, v.verdict,
    (select url from public_address) || '/previews/' || encode(oi.sha256, 'hex') as original_thumb_url,
    (select url from public_address) || '/previews/' || encode(si.sha256, 'hex') as suspect_thumb_url,
    (select url from public_address) || '/findings/' || f.id as review_url
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

comment on view analysis.match is
    'One row for each matched pair of photos and two listings that show them; a file that an artisan gave stands in the '
    'place of a listing. A pair has several rows where a photo stands in several listings: count(distinct match_id) counts '
    'pairs, count(distinct finding_id) findings.';
comment on column analysis.match.original_thumb_url is 'Address of a small copy of the original photo, on the review page';
comment on column analysis.match.suspect_thumb_url is 'Address of a small copy of the suspect photo, on the review page';
comment on column analysis.match.review_url is
    'Address of the finding on the review page; null where the pair is in no finding yet';

create or replace view analysis.finding as
select
    q.finding as finding_id, coalesce(file.kind, 'listing') as original_kind, a.name as artisan,
    o.marketplace as original_marketplace, os.name as original_seller, o.listing_ref as original_listing_ref,
    o.title as original_title, o.url as original_url, file.name as original_file_name,
    q.marketplace as suspect_marketplace, q.vendor as suspect_seller_id, ss.name as suspect_seller,
    s.listing_ref as suspect_listing_ref, s.title as suspect_title, s.url as suspect_url, s.state as suspect_state,
    cardinality(q.matched)::bigint as matches, cardinality(q.possible)::bigint as possible, q.best_score, q.original_first_seen_at,
    q.suspect_first_seen_at, q.first_matched_at, q.last_matched_at, cardinality(q.suppressed)::bigint as suppressed, q.relation,
    q.direction, d.margin_days, d.weakest_link, d.missing_proof, d.likelier_source, d.pixel_reasons,
    case
        when q.direction = 'undecided' or d.likelier_source = 'undecided' then null
        else (q.direction = 'original_first') = (d.likelier_source = 'original')
    end as dates_and_pixels_agree,
    q.not_proposable_because is null as proposable,
    q.not_proposable_because,
    gone.removed_at, gone.how as removed_how,
    (select count(*) from relisting again where again.finding = q.finding) as relistings,
    q.verdict, v.reason as verdict_reason, v.note as verdict_note, v.judged_by, v.judged_at, q.verdict_id,
    q.new_pairs::bigint as new_pairs,
    q.because is not null as needs_look,
    q.because as needs_look_because,
    q.artisan as artisan_id, q.shop as original_seller_id, f.original_listing as original_listing_id,
    f.suspect_listing as suspect_listing_id, f.first_found_at, q.edits, d.original_claim, d.suspect_claim,
    (select url from public_address) || '/previews/' || encode(bo.sha256, 'hex') as original_thumb_url,
    (select url from public_address) || '/previews/' || encode(bs.sha256, 'hex') as suspect_thumb_url,
    (select url from public_address) || '/findings/' || q.finding as review_url
from review_queue q
-- All to the left and by unique keys: what a query does not ask for is not joined.
left join artisan a on a.id = q.artisan
left join seller ss on ss.id = q.vendor
left join artisan sa on sa.id = ss.artisan
left join finding f on f.id = q.finding
left join listing s on s.id = f.suspect_listing
left join listing o on o.id = f.original_listing
left join seller os on os.id = q.shop
left join original_file file on file.id = f.original_file
left join direction d on d.finding = q.finding
left join removal gone on gone.finding = q.finding and gone.shown_again_at is null
left join verdict v on v.id = q.verdict_id
left join match best on best.id = q.best_pair
left join image bo on bo.id = best.original_image
left join image bs on bs.id = best.suspect_image
where a.opted_out_at is null and sa.opted_out_at is null;

comment on view analysis.finding is
    'One row for each original and suspect listing that share matched photos: what a person judges. One that a person '
    'confirmed has a row even where no photo of it matches any more. Its figures are kept, and renewed at the end of each '
    'run and with each verdict; analysis.freshness says whether some wait.';
comment on column analysis.finding.artisan_id is 'Key of the artisan; null where nobody entered one';
comment on column analysis.finding.original_seller_id is 'Key of the original’s seller; null for a file';
comment on column analysis.finding.original_listing_id is 'Key of the original listing; null for a file';
comment on column analysis.finding.suspect_listing_id is 'Key of the suspect listing';
comment on column analysis.finding.first_found_at is 'When the two were first found to share a photo';
comment on column analysis.finding.edits is
    'What was done to the photos that count, such as resized, mirrored or cropped; same_file: the very bytes';
comment on column analysis.finding.original_claim is
    'What dates the original: kind, earliest_at, latest_at, source, strength and what it is about; null where nothing does';
comment on column analysis.finding.suspect_claim is 'What dates the suspect, in the same form';
comment on column analysis.finding.original_thumb_url is
    'Address of a small copy of the original photo of the surest pair, on the review page';
comment on column analysis.finding.suspect_thumb_url is
    'Address of a small copy of the suspect photo of the surest pair, on the review page';
comment on column analysis.finding.review_url is 'Address of the finding on the review page';

create view analysis.freshness as
select
    (select count(*) from context_due) as waiting,
    (select count(*) from lookup where looked_up_at is null) as lookups_waiting,
    (select max(decided_at) from match) as last_decided_at,
    (select max(judged_at) from verdict) as last_judged_at;

comment on view analysis.freshness is
    'One row: whether something changed that the kept figures do not hold yet. It is worked in at the end of each run, and '
    'by `theftwatch rematch --pending`.';
comment on column analysis.freshness.waiting is
    'What changed and was not worked into findings, suppressions and directions yet; 0: they are as of now';
comment on column analysis.freshness.lookups_waiting is 'Photos that were not compared yet';
comment on column analysis.freshness.last_decided_at is 'When the program last decided on a pair of photos';
comment on column analysis.freshness.last_judged_at is 'When a person last judged a finding';

create schema workspace;
comment on schema workspace is
    'What analysts keep for themselves; the program neither reads nor writes it. Others who are analysts may read it.';

-- How far each seller was looked at, kept, and worked out anew where something changed since.

create table seller_coverage (
    -- seller N, unknown on MARKETPLACE (its listings whose seller is not known), or files of N (an artisan's)
    key text primary key,
    listings bigint not null,
    listings_read_in_full bigint not null,
    listings_gone bigint not null,
    images_held bigint not null,
    images_looked_up bigint not null,
    images_unusable bigint not null,
    unusable_reasons jsonb not null,
    images_missing bigint not null,
    missing_reasons jsonb not null,
    last_seen_at timestamptz,
    last_looked_up_at timestamptz
);
comment on table seller_coverage is 'What is known of each seller''s listings and photos, and of artisans'' files, counted once.';

create table coverage_due (
    key text primary key
);
comment on table coverage_due is 'What of seller_coverage has to be counted anew.';

create index listing_without_seller on listing (marketplace) where seller is null;

-- As its owner, since it reads tables for those who may read views alone.
create function coverage_of(keys text[]) returns setof seller_coverage
language sql stable security definer set search_path = public, pg_temp as $$
    with subject as (
        select
            key,
            case when key like 'seller %' then substr(key, 8)::bigint end as seller,
            case when key like 'unknown on %' then substr(key, 12) end as marketplace,
            case when key like 'files of %' then substr(key, 10)::bigint end as artisan
        from unnest(keys) as key
    ), offer as (
        select subject.key, coalesce(s.side, m.default_side) as side, l.id, l.complete, l.state, l.last_seen_at
        from subject
        join seller s on s.id = subject.seller
        join marketplace m on m.code = s.marketplace
        join listing l on l.seller = s.id
        union all
        select subject.key, m.default_side, l.id, l.complete, l.state, l.last_seen_at
        from subject
        join marketplace m on m.code = subject.marketplace
        join listing l on l.marketplace = m.code and l.seller is null
    ), offers as (
        select
            key, count(*) as listings, count(*) filter (where complete) as listings_read_in_full,
            count(*) filter (where state = 'gone') as listings_gone, max(last_seen_at) as last_seen_at
        from offer
        group by key
    ), photo as (
        select offer.key, offer.side, li.image
        from offer
        join listing_image li on li.listing = offer.id
        where li.image is not null
        union
        select subject.key, 'original', f.image
        from subject
        join original_file f on f.artisan = subject.artisan
    ), photos as (
        select
            photo.key, count(*) filter (where i.bytes_state = 'held') as images_held,
            count(u.looked_up_at) as images_looked_up, max(u.looked_up_at) as last_looked_up_at
        from photo
        join image i on i.id = photo.image
        left join lookup u on u.image = photo.image and u.side = photo.side
        group by photo.key
    ), unusable as (
        select key, sum(images)::bigint as images, jsonb_object_agg(reason, images) as reasons
        from (
            select photo.key, i.unusable_reason as reason, count(*) as images
            from photo
            join image i on i.id = photo.image
            where i.unusable_reason is not null
            group by photo.key, i.unusable_reason
        ) as counted
        group by key
    ), missing as (
        select key, sum(images)::bigint as images, jsonb_object_agg(reason, images) as reasons
        from (
            select offer.key, coalesce(li.missing_reason, 'unknown') as reason, count(distinct li.image_key) as images
            from offer
            join listing_image li on li.listing = offer.id
            where li.image is null
            group by offer.key, coalesce(li.missing_reason, 'unknown')
        ) as counted
        group by key
    )
    select
        subject.key, coalesce(offers.listings, 0), coalesce(offers.listings_read_in_full, 0),
        coalesce(offers.listings_gone, 0), coalesce(photos.images_held, 0), coalesce(photos.images_looked_up, 0),
        coalesce(unusable.images, 0), coalesce(unusable.reasons, '{}'), coalesce(missing.images, 0),
        coalesce(missing.reasons, '{}'), offers.last_seen_at, photos.last_looked_up_at
    from subject
    left join offers using (key)
    left join photos using (key)
    left join unusable using (key)
    left join missing using (key)
$$;
comment on function coverage_of is 'Counts what is known of sellers, and of artisans'' files, by their keys in seller_coverage.';

create function coverage_key(listing listing) returns text
language sql immutable parallel safe as $$
    select coalesce('seller ' || listing.seller, 'unknown on ' || listing.marketplace)
$$;
comment on function coverage_key is 'The key under which seller_coverage counts a listing.';

-- By triggers, so that no way to write a listing, a lookup or a file can forget it. Ordered, so that no two wait for each other.

create function note_listing_coverage() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into coverage_due select distinct coverage_key(l) from added l order by 1 on conflict do nothing;
    elsif tg_op = 'UPDATE' then
        insert into coverage_due
        select coverage_key(l) from added l union select coverage_key(l) from taken l order by 1
        on conflict do nothing;
    else
        insert into coverage_due select distinct coverage_key(l) from taken l order by 1 on conflict do nothing;
    end if;
    return null;
end
$$;
comment on function note_listing_coverage is 'Notes whose listings were written.';
create trigger coverage_of_new after insert on listing
    referencing new table as added for each statement execute function note_listing_coverage();
create trigger coverage_of_changed after update on listing
    referencing old table as taken new table as added for each statement execute function note_listing_coverage();
create trigger coverage_of_gone after delete on listing
    referencing old table as taken for each statement execute function note_listing_coverage();

create function note_image_coverage() returns trigger
language plpgsql as $$
begin
    insert into coverage_due
    select coverage_key(l)
    from changed
    join listing_image li on li.image = changed.image
    join listing l on l.id = li.listing
    union
    select 'files of ' || f.artisan
    from changed
    join original_file f on f.image = changed.image
    order by 1
    on conflict do nothing;
    return null;
end
$$;
comment on function note_image_coverage is 'Notes whose photos were looked up, or given.';
create trigger coverage_of_new after insert on lookup
    referencing new table as changed for each statement execute function note_image_coverage();
create trigger coverage_of_changed after update on lookup
    referencing new table as changed for each statement execute function note_image_coverage();
create trigger coverage_of_gone after delete on lookup
    referencing old table as changed for each statement execute function note_image_coverage();
create trigger coverage_of_new after insert on original_file
    referencing new table as changed for each statement execute function note_image_coverage();

create function note_bytes_coverage() returns trigger
language plpgsql as $$
begin
    insert into coverage_due
    select coverage_key(l)
    from changed
    join before on before.id = changed.id and before.bytes_state <> changed.bytes_state
    join listing_image li on li.image = changed.id
    join listing l on l.id = li.listing
    union
    select 'files of ' || f.artisan
    from changed
    join before on before.id = changed.id and before.bytes_state <> changed.bytes_state
    join original_file f on f.image = changed.id
    order by 1
    on conflict do nothing;
    return null;
end
$$;
comment on function note_bytes_coverage is 'Notes whose photos were dropped, erased or fetched again.';
create trigger coverage_of_changed after update on image
    referencing old table as before new table as changed for each statement execute function note_bytes_coverage();

insert into coverage_due
select 'seller ' || id from seller
union select 'unknown on ' || marketplace from listing where seller is null
union select 'files of ' || artisan from original_file;

create or replace view analysis.coverage as
with subject as (
    select 'seller ' || seller_id as key, marketplace, side, seller_id, seller_ref, seller, artisan
    from analysis.seller
    union all
    select 'unknown on ' || code, code, default_side, null, null, null, null
    from marketplace
    where exists (select from listing l where l.marketplace = marketplace.code and l.seller is null)
    union all
    select 'files of ' || a.id, null, 'original', null, null, null, a.name
    from artisan a
    where a.opted_out_at is null and exists (select from original_file f where f.artisan = a.id)
), counted as (
    select * from seller_coverage k where not exists (select from coverage_due d where d.key = k.key)
    union all
    select * from coverage_of(array(select key from coverage_due))
), compared as (
    -- while one side has no photo nothing is compared, whatever was looked up
    select
        exists (select from lookup where side = 'original') and exists (select from lookup where side = 'suspect') as at_all
)
select
    subject.marketplace, subject.side, subject.seller_id, subject.seller_ref, subject.seller, subject.artisan,
    coalesce(c.listings, 0) as listings,
    coalesce(c.listings_read_in_full, 0) as listings_read_in_full,
    coalesce(c.listings_gone, 0) as listings_gone,
    coalesce(c.images_held, 0) as images_held,
    case when compared.at_all then coalesce(c.images_looked_up, 0) else 0 end as images_compared,
    coalesce(c.images_unusable, 0) as images_unusable,
    coalesce(c.unusable_reasons, '{}') as unusable_reasons,
    coalesce(c.images_missing, 0) as images_missing,
    coalesce(c.missing_reasons, '{}') as missing_reasons,
    case
        when not compared.at_all or coalesce(c.images_looked_up, 0) = 0 then 'not looked'
        when c.images_looked_up < c.images_held + c.images_missing then 'in part'
        else 'in full'
    end as looked,
    c.last_seen_at as last_good_look_at,
    case when compared.at_all then c.last_looked_up_at end as last_compared_at
from subject
cross join compared
left join counted c using (key);

comment on view analysis.coverage is
    'One row for each seller, for the listings of each marketplace whose seller is not known, and for the files of each '
    'artisan: how far it was looked at. With it “not looked” can be told from “no match”.';

-- Pairs by vendor, from what is kept of findings. A pair that stands in several findings is counted once.
create view vendor_pair as
select
    q.vendor, q.marketplace, q.finding, q.artisan, q.shop, q.verdict, p.match, p.kind,
    p.kind <> 'suppressed' and q.relation is null and p.match <> all(q.rejected) as counts,
    p.kind <> 'suppressed' and q.relation is not null as related
from review_queue q
left join artisan a on a.id = q.artisan
cross join lateral (
    select unnest(q.matched) as match, 'match' as kind
    union all
    select unnest(q.possible), 'possible'
    union all
    select unnest(q.suppressed), 'suppressed'
) as p
where a.opted_out_at is null;
comment on view vendor_pair is 'One row for each finding and pair of photos in it, with whether it counts and whose it is.';

create or replace view analysis.vendor as
with summed as (
    select
        coalesce('seller ' || p.vendor, 'unknown on ' || p.marketplace) as key,
        count(distinct p.match) filter (where counts and kind = 'match') as matches,
        count(distinct p.match) filter (where counts and kind = 'possible') as possible,
        count(distinct p.finding) filter (where counts) as findings,
        count(distinct f.suspect_listing) filter (where counts) as listings_with_matches,
        count(distinct m.original_image) filter (where counts) as originals_matched,
        count(distinct p.shop) filter (where counts) as shops_concerned,
        count(distinct coalesce('artisan ' || p.artisan, 'shop ' || p.shop)) filter (where counts) as artisans_concerned,
        max(m.score) filter (where counts) as best_score,
        min(m.first_matched_at) filter (where counts) as first_matched_at,
        max(m.first_matched_at) filter (where counts) as last_matched_at,
        count(distinct p.match) filter (where kind = 'suppressed') as suppressed,
        count(distinct p.match) filter (where related) as related,
        count(distinct p.finding) filter (where p.verdict = 'confirmed') as findings_confirmed,
        count(distinct p.finding) filter (where p.verdict = 'rejected') as findings_rejected
    from vendor_pair p
    join match m on m.id = p.match
    join finding f on f.id = p.finding
    group by p.vendor, p.marketplace
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
left join summed as matched using (key)
left join seller s on s.id = vendor.seller_id;

create or replace view analysis.target_coverage as
with matched as (
    select vendor as seller_id, count(distinct match) as matches
    from vendor_pair
    where kind = 'match'
    group by vendor
), known as (
    select
        t.id as target_id, t.marketplace, t.kind, t.ref, t.paused_at is not null as paused, seller.id as seller_id, c.side,
        last.outcome as last_outcome, last.finished_at as last_visit_at, good.finished_at as last_good_visit_at,
        good.listings_seen, good.listings_expected, c.images_held, c.images_compared, c.looked as compared,
        m.matches
    from target t
    left join lateral (
        select v.outcome, v.finished_at from visit v where v.target = t.id order by v.finished_at desc limit 1
    ) as last on true
    left join lateral (
        select v.finished_at, v.listings_seen, v.listings_expected
        from visit v
        where v.target = t.id and v.outcome = 'ok'
        order by v.finished_at desc
        limit 1
    ) as good on true
    left join lateral (
        select a.seller as id
        from seller_alias a
        where a.marketplace = t.marketplace and a.value = t.ref and a.kind in ('subdomain', 'shop_name')
        limit 1
    ) as seller on true
    left join analysis.coverage c on c.seller_id = seller.id
    left join matched m on m.seller_id = seller.id
    where t.kind <> 'listing'
)
select
    target_id, marketplace, kind, ref, paused, seller_id, side, last_outcome, last_visit_at, last_good_visit_at,
    listings_seen, listings_expected, images_held, images_compared,
    case
        when last_good_visit_at is null or (seller_id is not null and compared = 'not looked') then 'not looked'
        when last_outcome <> 'ok' or listings_seen < listings_expected or compared = 'in part' then 'in part'
        else 'in full'
    end as looked,
    case
        when last_visit_at is null then 'never visited'
        when last_outcome <> 'ok' then last_outcome
        when listings_seen < listings_expected then 'fewer listings than its list holds'
        when seller_id is not null and compared <> 'in full' then 'photos not compared'
    end as because,
    case when seller_id is not null then coalesce(matches, 0) end as matches
from known;

alter function target_interval(target) security definer;
alter function target_interval(target) set search_path = public, pg_temp;

-- More of the record in words.

create table algorithm (
    version int primary key,
    -- scores from here on are a match, and worth a look
    match_score real not null,
    possible_score real not null
);
insert into algorithm (version, match_score, possible_score) values (1, 0.98, 0.5), (2, 0.98, 0.5), (3, 0.98, 0.5), (4, 0.98, 0.5);
comment on table algorithm is 'The thresholds by which each version of the algorithm decides.';

create view analysis.decision as
select
    d.id as match_decision_id, d.match as match_id, encode(o.sha256, 'hex') as original_sha256,
    encode(s.sha256, 'hex') as suspect_sha256, d.algorithm_version, d.decision, d.method, d.score, a.match_score,
    a.possible_score, d.distance_bits, d.similarity, d.inliers, d.transform, d.decided_at,
    d.algorithm_version = m.algorithm_version as is_newest
from match_decision d
join match m on m.id = d.match
join image o on o.id = m.original_image
join image s on s.id = m.suspect_image
left join algorithm a on a.version = d.algorithm_version;

comment on view analysis.decision is
    'One row for each pair of photos and version of the algorithm that decided on it, with all that it rests on.';
comment on column analysis.decision.match_decision_id is 'Key of the decision, as cases cite it';
comment on column analysis.decision.match_id is 'Key of the pair';
comment on column analysis.decision.original_sha256 is 'SHA-256 of the original’s exact bytes, in hex';
comment on column analysis.decision.suspect_sha256 is 'SHA-256 of the suspect’s exact bytes, in hex';
comment on column analysis.decision.algorithm_version is 'Version of the algorithm, which goes with its hashes';
comment on column analysis.decision.decision is 'match, possible, or no_match where a later version took an earlier one back';
comment on column analysis.decision.method is 'By which way they were found: exact, phash, features or descriptor; not_met: by none';
comment on column analysis.decision.score is 'How sure it was, 0 to 1';
comment on column analysis.decision.match_score is 'Scores from here on are a match; null for a version that is not known';
comment on column analysis.decision.possible_score is 'Scores from here on are possible';
comment on column analysis.decision.distance_bits is 'Distance of the nearest 64-bit hashes; null where none were near';
comment on column analysis.decision.similarity is 'How alike the pictures are once aligned, 0 to 1; null where that was not needed';
comment on column analysis.decision.inliers is 'Local features that agree on the alignment; null where they were not needed';
comment on column analysis.decision.transform is 'What was done to the original';
comment on column analysis.decision.decided_at is 'When it was decided';
comment on column analysis.decision.is_newest is 'Whether it is what the program says now';

create view analysis.judged_pair as
with judged as (
    -- each pair once, however many findings it stands in: called a look-alike anywhere, it was wrong
    select
        j.match_decision,
        bool_or(v.reason = 'look_alike') as look_alike,
        bool_or(v.verdict = 'confirmed') as confirmed,
        bool_or(v.verdict = 'rejected') as rejected,
        max(v.judged_at) as judged_at
    from standing_verdict v
    join judged_match j on j.verdict = v.id
    group by j.match_decision
)
select
    d.match as match_id, d.id as match_decision_id, d.algorithm_version, d.method, d.decision, d.score, d.distance_bits,
    d.similarity, d.inliers,
    case
        when look_alike then 'rejected'
        when confirmed then 'confirmed'
        when rejected then 'rejected'
        else 'unsure'
    end as verdict,
    coalesce(look_alike, false) as look_alike, judged_at
from judged
join match_decision d on d.id = judged.match_decision;

comment on view analysis.judged_pair is
    'One row for each pair of photos and decision of the program that a standing verdict judged: what precision is measured on.';
comment on column analysis.judged_pair.match_id is 'Key of the pair';
comment on column analysis.judged_pair.match_decision_id is 'Key of the decision that the person saw';
comment on column analysis.judged_pair.algorithm_version is 'Version of the algorithm';
comment on column analysis.judged_pair.method is 'By which way the pair was found';
comment on column analysis.judged_pair.decision is 'match or possible; no_match where a person confirmed it against the program';
comment on column analysis.judged_pair.score is 'How sure the program was, 0 to 1';
comment on column analysis.judged_pair.distance_bits is 'Distance of the nearest 64-bit hashes; null where none were near';
comment on column analysis.judged_pair.similarity is 'How alike the pictures are once aligned; null where that was not needed';
comment on column analysis.judged_pair.inliers is 'Local features that agree on the alignment; null where they were not needed';
comment on column analysis.judged_pair.verdict is
    'confirmed, rejected or unsure; of a pair in several findings confirmed counts before rejected, unless it is a look-alike';
comment on column analysis.judged_pair.look_alike is 'Whether a person said that they are two things and no copy';
comment on column analysis.judged_pair.judged_at is 'When it was last judged';

create view analysis.listing_photo as
select
    l.listing_id, l.marketplace, l.listing_ref, l.side, l.seller_id, l.seller, l.artisan, l.title, l.url, l.state, li.position,
    li.image_key, encode(i.sha256, 'hex') as sha256, li.source_url, li.shown, li.missing_reason, i.width_px, i.height_px,
    i.unusable_reason, li.first_seen_at, li.last_seen_at, li.published_at, li.image as image_id,
    (select url from public_address) || '/previews/' || encode(i.sha256, 'hex') as thumb_url
from analysis.listing l
join listing_image li on li.listing = l.listing_id
left join image i on i.id = li.image;

comment on view analysis.listing_photo is
    'One row for each photo that a listing shows or once showed; the same bytes under two addresses of a page are two.';
comment on column analysis.listing_photo.listing_id is 'Key of the listing';
comment on column analysis.listing_photo.marketplace is 'The site that shows the listing';
comment on column analysis.listing_photo.listing_ref is 'The marketplace’s own key of the listing';
comment on column analysis.listing_photo.side is 'original or suspect: that of its seller';
comment on column analysis.listing_photo.seller_id is 'Key of the seller; null while it is not known';
comment on column analysis.listing_photo.seller is 'The name of the seller';
comment on column analysis.listing_photo.artisan is 'Name of the artisan who owns the seller';
comment on column analysis.listing_photo.title is 'Title of the listing';
comment on column analysis.listing_photo.url is 'Address of the listing';
comment on column analysis.listing_photo.state is 'live, gone or unknown: that of the listing';
comment on column analysis.listing_photo.position is 'Place of the photo in the listing, from 0';
comment on column analysis.listing_photo.image_key is 'The marketplace’s own key of the photo';
comment on column analysis.listing_photo.sha256 is 'SHA-256 of the exact bytes, in hex; null where they could not be had';
comment on column analysis.listing_photo.source_url is 'Address of the photo';
comment on column analysis.listing_photo.shown is 'Whether the page last read in full shows it';
comment on column analysis.listing_photo.missing_reason is 'Why its bytes could not be had; null where they were';
comment on column analysis.listing_photo.width_px is 'Width; null where it is not known';
comment on column analysis.listing_photo.height_px is 'Height; null where it is not known';
comment on column analysis.listing_photo.unusable_reason is 'Why it cannot be compared; null where it can';
comment on column analysis.listing_photo.first_seen_at is 'When it was first seen there';
comment on column analysis.listing_photo.last_seen_at is 'When it was last seen there';
comment on column analysis.listing_photo.published_at is 'When it was published, by the marketplace’s own word; null where it says nothing';
comment on column analysis.listing_photo.image_id is 'Key of the bytes in this database; the same bytes have one, wherever they stand';
comment on column analysis.listing_photo.thumb_url is 'Address of a small copy, on the review page';

create view analysis.listing_event as
select
    e.id as listing_event_id, l.listing_id, l.marketplace, l.listing_ref, l.side, l.seller_id, l.seller, l.artisan, l.url,
    e.kind, e.before, e.after, e.seen_at, e.run as run_id
from listing_event e
join analysis.listing l on l.listing_id = e.listing;

comment on view analysis.listing_event is
    'One row for each change of a listing that a run saw: what became of it, and when that was noticed.';
comment on column analysis.listing_event.listing_event_id is 'Key of the change';
comment on column analysis.listing_event.listing_id is 'Key of the listing';
comment on column analysis.listing_event.marketplace is 'The site that shows the listing';
comment on column analysis.listing_event.listing_ref is 'The marketplace’s own key of the listing';
comment on column analysis.listing_event.side is 'original or suspect: that of its seller';
comment on column analysis.listing_event.seller_id is 'Key of the seller; null while it is not known';
comment on column analysis.listing_event.seller is 'The name of the seller';
comment on column analysis.listing_event.artisan is 'Name of the artisan who owns the seller';
comment on column analysis.listing_event.url is 'Address of the listing';
comment on column analysis.listing_event.kind is
    'first_seen, title, price, images (which of them it shows), photo (another one under the same key) or state';
comment on column analysis.listing_event.before is 'What it was before; null at the first sight';
comment on column analysis.listing_event.after is 'What it was then; null at the first sight';
comment on column analysis.listing_event.seen_at is 'When a run saw it; it happened between that and the sight before';
comment on column analysis.listing_event.run_id is 'Key of the run; null for pages that a person saved';

-- The past of listings, for those who may read views alone: over these, and without artisans who opted out.
create or replace function analysis.listing_at(moment timestamptz) returns table (
    listing_id bigint, marketplace text, listing_ref text, url text, title text, price_min numeric, price_max numeric,
    currency text, state text, image_keys jsonb
)
language sql stable parallel safe as $$
    select
        l.listing_id, l.marketplace, l.listing_ref, l.url,
        case when past.had ? 'title' then past.had ->> 'title' else l.title end,
        case when past.had ? 'price' then (past.had #>> '{price,0}')::numeric else l.price_min end,
        case when past.had ? 'price' then (past.had #>> '{price,1}')::numeric else l.price_max end,
        case when past.had ? 'price' then past.had #>> '{price,2}' else l.currency end,
        case when past.had ? 'state' then past.had ->> 'state' else l.state end,
        case when past.had ? 'images' then past.had -> 'images' else shown.keys end
    from analysis.listing l
    cross join lateral (
        -- of each kind of change what was there before the first one since
        select jsonb_object_agg(kind, before) as had
        from (
            select distinct on (e.kind) e.kind, e.before
            from analysis.listing_event e
            where e.listing_id = l.listing_id and e.kind <> 'first_seen' and e.seen_at > moment
            order by e.kind, e.seen_at, e.listing_event_id
        ) as first
    ) as past
    cross join lateral (
        select coalesce(jsonb_agg(p.image_key order by p.image_key), '[]') as keys
        from analysis.listing_photo p where p.listing_id = l.listing_id and p.shown
    ) as shown
    where l.first_seen_at <= moment
$$;

create view analysis.copy as
select m.id as match_id, m.original_image as image_id, m.suspect_image as copy_image_id, m.decision, m.score
from match m
where m.decision <> 'no_match'
union all
select m.id, m.suspect_image, m.original_image, m.decision, m.score
from match m
where m.decision <> 'no_match' and m.original_image <> m.suspect_image;

comment on view analysis.copy is
    'One row for each matched pair of photos and way to read it: from the original to the suspect and back.';
comment on column analysis.copy.match_id is 'Key of the pair';
comment on column analysis.copy.image_id is 'Key of the one photo’s bytes, as in analysis.listing_photo';
comment on column analysis.copy.copy_image_id is 'Key of the other photo’s bytes';
comment on column analysis.copy.decision is 'match or possible';
comment on column analysis.copy.score is 'How sure the program is, 0 to 1';

create function analysis.copies_of(photo_sha256 text, sure boolean default true) returns table (
    steps int, listing_id bigint, marketplace text, side text, seller text, artisan text, title text, url text, state text,
    shown boolean, first_seen_at timestamptz, sha256 text, thumb_url text
)
language sql stable as $$
    with recursive cluster as (
        select p.image_id, 0 as steps from analysis.listing_photo p where p.sha256 = photo_sha256
        union
        select c.copy_image_id, cluster.steps + 1
        from cluster
        join analysis.copy c on c.image_id = cluster.image_id and (c.decision = 'match' or not sure)
        where cluster.steps < 6
    ), nearest as (
        select image_id, min(steps) as steps from cluster group by image_id
    )
    select
        n.steps, p.listing_id, p.marketplace, p.side, p.seller, p.artisan, p.title, p.url, p.state, p.shown,
        p.first_seen_at, p.sha256, p.thumb_url
    from nearest n
    join analysis.listing_photo p on p.image_id = n.image_id
    order by n.steps, p.first_seen_at, p.listing_id, p.position
$$;
comment on function analysis.copies_of is
    'Every listing that shows a photo, a copy of it, or a copy of a copy, up to six steps away; not sure: through possible '
    'matches too.';

-- Views name photos by their SHA-256 in hex.
create index image_hex on image using hash (encode(sha256, 'hex'));

create view analysis.vendor_ranking as
with judged as (
    select
        q.*, coalesce('artisan ' || q.artisan, 'shop ' || q.shop) as party,
        case
            when q.verdict in ('confirmed', 'rejected') then q.verdict
            when q.relation is not null or (q.matched = '{}' and q.possible = '{}') then 'not counted'
            else coalesce(q.verdict, 'not judged')
        end as standing
    from review_queue q
    left join artisan a on a.id = q.artisan
    where a.opted_out_at is null
), summed as (
    select
        vendor, marketplace,
        count(distinct party) filter (where standing = 'confirmed') as artisans_confirmed,
        count(distinct party) filter (where standing in ('not judged', 'unsure')) as artisans_not_judged,
        count(distinct party) filter (where standing = 'rejected') as artisans_rejected,
        count(*) filter (where standing = 'confirmed') as findings_confirmed,
        count(*) filter (where standing = 'not judged') as findings_not_judged,
        count(*) filter (where standing = 'unsure') as findings_unsure,
        count(*) filter (where standing = 'rejected') as findings_rejected,
        count(*) filter (where standing = 'not counted') as findings_not_counted,
        count(*) filter (where standing = 'confirmed' and gone.id is not null) as findings_removed,
        max(best_score) filter (where standing <> 'not counted') as best_score,
        min(first_matched_at) as first_matched_at, max(last_matched_at) as last_matched_at
    from judged
    left join removal gone on gone.finding = judged.finding and gone.shown_again_at is null
    group by vendor, marketplace
)
select
    s.id as vendor_id, summed.marketplace, s.seller_ref as vendor_ref, s.name as vendor, s.url, s.country,
    artisans_confirmed, artisans_not_judged, artisans_rejected, findings_confirmed, findings_not_judged, findings_unsure,
    findings_rejected, findings_not_counted, findings_removed, best_score, summed.first_matched_at,
    summed.last_matched_at,
    (select count(*) from takedown_case c where c.seller = s.id) as cases,
    (select url from public_address) || '/vendors/' || s.id as review_url
from summed
left join seller s on s.id = summed.vendor
left join artisan own on own.id = s.artisan
where own.opted_out_at is null;

comment on view analysis.vendor_ranking is
    'One row for each vendor with a finding, and for the listings of each marketplace whose vendor is not known: what people '
    'said of the findings, side by side. Sort by artisans_confirmed; what is not judged accuses nobody.';
comment on column analysis.vendor_ranking.vendor_id is 'Key of the vendor; null where it is not known';
comment on column analysis.vendor_ranking.marketplace is 'The site where the vendor offers goods';
comment on column analysis.vendor_ranking.vendor_ref is 'The marketplace’s own key of the vendor';
comment on column analysis.vendor_ranking.vendor is 'The name of the vendor as its pages give it';
comment on column analysis.vendor_ranking.url is 'Address of the vendor’s own page';
comment on column analysis.vendor_ranking.country is 'Country as the marketplace names it';
comment on column analysis.vendor_ranking.artisans_confirmed is
    'Artisans of whom a person confirmed a copy; a shop without an artisan entered counts as one';
comment on column analysis.vendor_ranking.artisans_not_judged is 'Artisans with a finding that nobody has decided yet';
comment on column analysis.vendor_ranking.artisans_rejected is 'Artisans with a finding that a person rejected';
comment on column analysis.vendor_ranking.findings_confirmed is 'Findings that a person confirmed';
comment on column analysis.vendor_ranking.findings_not_judged is 'Findings that count and that nobody has judged';
comment on column analysis.vendor_ranking.findings_unsure is 'Findings that a person could not decide';
comment on column analysis.vendor_ranking.findings_rejected is 'Findings that a person rejected';
comment on column analysis.vendor_ranking.findings_not_counted is
    'Findings that nobody has to judge: a relation covers them, or all their pairs are suppressed';
comment on column analysis.vendor_ranking.findings_removed is 'Confirmed findings whose photos are down now';
comment on column analysis.vendor_ranking.best_score is 'Highest score among the findings that count';
comment on column analysis.vendor_ranking.first_matched_at is 'When the first pair was found to match';
comment on column analysis.vendor_ranking.last_matched_at is 'When the latest pair was found to match';
comment on column analysis.vendor_ranking.cases is 'Cases with the vendor, open and closed';
comment on column analysis.vendor_ranking.review_url is 'Address of the vendor on the review page';

create view analysis.vendor_link as
with shown as materialized (
    select distinct p.vendor, m.original_image
    from vendor_pair p
    join match m on m.id = p.match
    where p.counts and p.vendor is not null
), shared as (
    select a.vendor, b.vendor as other, count(*) as photos
    from shown a
    join shown b on b.original_image = a.original_image and a.vendor < b.vendor
    group by a.vendor, b.vendor
)
select
    v.id as vendor_id, v.marketplace, v.name as vendor, o.id as other_vendor_id, o.marketplace as other_marketplace,
    o.name as other_vendor, shared.photos,
    exists (select from sibling where sibling.seller = v.id and sibling.sibling = o.id) as siblings
from shared
join seller v on v.id = shared.vendor
join seller o on o.id = shared.other
where not exists (select from artisan a where a.id in (v.artisan, o.artisan) and a.opted_out_at is not null);

comment on view analysis.vendor_link is
    'One row for each two vendors that show copies of the same originals, once, the one with the lower key first.';
comment on column analysis.vendor_link.vendor_id is 'Key of the one vendor';
comment on column analysis.vendor_link.marketplace is 'The site where it offers goods';
comment on column analysis.vendor_link.vendor is 'Its name';
comment on column analysis.vendor_link.other_vendor_id is 'Key of the other vendor';
comment on column analysis.vendor_link.other_marketplace is 'The site where that one offers goods';
comment on column analysis.vendor_link.other_vendor is 'Its name';
comment on column analysis.vendor_link.photos is 'Originals that both show copies of';
comment on column analysis.vendor_link.siblings is 'Whether they are known to be shops of one company';

create view analysis.artisan as
select
    a.id as artisan_id, a.name as artisan,
    (select count(*) from seller s where s.artisan = a.id) as shops,
    (select count(*) from original_file f where f.artisan = a.id) as files,
    found.*,
    matter.cases, matter.open_cases, told.findings_told, told.last_told_at
from artisan a
cross join lateral (
    select
        count(distinct q.vendor) filter (where q.verdict = 'confirmed') as vendors_confirmed,
        count(*) filter (where q.verdict = 'confirmed') as findings_confirmed,
        count(*) filter (where q.because is not null) as findings_waiting,
        count(*) filter (where q.verdict = 'rejected') as findings_rejected,
        count(*) filter (where q.verdict = 'confirmed' and gone.id is not null) as findings_removed,
        min(v.judged_at) filter (where q.verdict = 'confirmed') as first_confirmed_at,
        max(v.judged_at) filter (where q.verdict = 'confirmed') as last_confirmed_at
    from review_queue q
    left join verdict v on v.id = q.verdict_id
    left join removal gone on gone.finding = q.finding and gone.shown_again_at is null
    where q.artisan = a.id
) as found
cross join lateral (
    select
        count(*) as cases, count(*) filter (where c.closed_at is null) as open_cases
    from takedown_case c
    where c.artisan = a.id
) as matter
cross join lateral (
    select count(*) as findings_told, max(n.sent_at) as last_told_at
    from notice n
    join notice_finding nf on nf.notice = n.id and nf.told
    where n.artisan = a.id
) as told
where a.opted_out_at is null;

comment on view analysis.artisan is 'One row for each artisan: what was found of their photos, and what was done about it.';
comment on column analysis.artisan.artisan_id is 'Key of the artisan';
comment on column analysis.artisan.artisan is 'Name of the artisan';
comment on column analysis.artisan.shops is 'Shops of the artisan that are known';
comment on column analysis.artisan.files is 'Photos that the artisan gave';
comment on column analysis.artisan.vendors_confirmed is 'Vendors with a finding that a person confirmed';
comment on column analysis.artisan.findings_confirmed is 'Findings that a person confirmed';
comment on column analysis.artisan.findings_waiting is 'Findings that need a look';
comment on column analysis.artisan.findings_rejected is 'Findings that a person rejected';
comment on column analysis.artisan.findings_removed is 'Confirmed findings whose photos are down now';
comment on column analysis.artisan.first_confirmed_at is 'When the first of the verdicts that stand was given';
comment on column analysis.artisan.last_confirmed_at is 'When the latest of them was';
comment on column analysis.artisan.cases is 'Cases of the artisan';
comment on column analysis.artisan.open_cases is 'Cases that are not closed';
comment on column analysis.artisan.findings_told is 'Findings that the artisan was told of';
comment on column analysis.artisan.last_told_at is 'When the artisan was last told of one; null: never';

create view analysis.event as
with finding_of as (
    select
        f.id, f.first_found_at, l.seller as vendor, l.marketplace, coalesce(os.artisan, file.artisan) as artisan,
        o.seller as shop
    from finding f
    join listing l on l.id = f.suspect_listing
    left join listing o on o.id = f.original_listing
    left join seller os on os.id = o.seller
    left join original_file file on file.id = f.original_file
), happened as (
    select first_found_at as at, first_found_at as entered_at, 'found' as what, id as finding, null::bigint as takedown_case, null as by
    from finding_of
    union all
    select judged_at, judged_at, verdict, finding, null, judged_by from verdict
    union all
    select removed_at, removed_at, 'removed', finding, null, null from removal
    union all
    select shown_again_at, shown_again_at, 'shown again', finding, null, null from removal where shown_again_at is not null
    union all
    select happened_at, made_at, kind, null, takedown_case, made_by from case_event where kind <> 'note'
    union all
    select n.sent_at, n.sent_at, 'told', nf.finding, null, n.sent_by
    from notice n
    join notice_finding nf on nf.notice = n.id and nf.told
    where n.sent_at is not null
)
select
    h.at, h.entered_at, h.what, h.finding as finding_id, h.takedown_case as case_id, a.id as artisan_id, a.name as artisan,
    os.id as shop_id, coalesce(os.name, os.seller_ref) as shop, s.id as vendor_id, coalesce(s.name, s.seller_ref) as vendor,
    coalesce(f.marketplace, s.marketplace) as marketplace, h.by
from happened h
left join finding_of f on f.id = h.finding
left join takedown_case c on c.id = h.takedown_case
left join artisan a on a.id = coalesce(f.artisan, c.artisan)
left join seller os on os.id = f.shop
left join seller s on s.id = coalesce(f.vendor, c.seller)
left join artisan sa on sa.id = s.artisan
where a.opted_out_at is null and sa.opted_out_at is null;

comment on view analysis.event is
    'One row for each thing that happened: a finding was found, judged, removed or shown again, or something was done in a '
    'case. Rows are only added, with the moment they were entered: what is counted by entered_at for a past month stays.';
comment on column analysis.event.at is 'When it happened';
comment on column analysis.event.entered_at is 'When it came into the record; later than at where a person entered it afterwards';
comment on column analysis.event.what is
    'found, confirmed, rejected, unsure, undone (a verdict was taken back), told (the artisan was), removed, shown again; of a case: opened, asked, '
    'filed, accepted, countered, refused, closed';
comment on column analysis.event.finding_id is 'Key of the finding; null for what was done in a case';
comment on column analysis.event.case_id is 'Key of the case; null for what became of a finding';
comment on column analysis.event.artisan_id is 'Key of the artisan; null where nobody entered one';
comment on column analysis.event.artisan is 'Name of the artisan';
comment on column analysis.event.shop_id is 'Key of the original’s seller; null for a file, and of a case';
comment on column analysis.event.shop is 'Name of the original’s seller';
comment on column analysis.event.vendor_id is 'Key of the vendor; null where it is not known';
comment on column analysis.event.vendor is 'Name of the vendor';
comment on column analysis.event.marketplace is 'The site of the vendor';
comment on column analysis.event.by is 'Who judged or entered it; null where the program saw it';

create view analysis.month as
select
    date_trunc('month', entered_at at time zone 'UTC')::date as month, artisan_id, coalesce(artisan, shop) as artisan, vendor_id,
    vendor, marketplace,
    count(*) filter (where what = 'found') as found,
    count(*) filter (where what = 'confirmed') as confirmed,
    count(*) filter (where what = 'rejected') as rejected,
    count(*) filter (where what = 'unsure') as unsure,
    count(*) filter (where what = 'undone') as undone,
    count(*) filter (where what = 'told') as told,
    count(*) filter (where what = 'opened') as opened,
    count(*) filter (where what = 'asked') as asked,
    count(*) filter (where what = 'filed') as filed,
    count(*) filter (where what = 'removed') as removed,
    count(*) filter (where what = 'shown again') as shown_again
from analysis.event
group by 1, artisan_id, coalesce(artisan, shop), vendor_id, vendor, marketplace;

comment on view analysis.month is
    'One row for each month, artisan (or shop without one) and vendor: what was entered then. A past month keeps its numbers, '
    'whatever is judged, suppressed or removed later.';
comment on column analysis.month.month is 'First day of the month, in UTC';
comment on column analysis.month.artisan_id is 'Key of the artisan; null where nobody entered one';
comment on column analysis.month.artisan is 'Name of the artisan, or of the shop where nobody entered one';
comment on column analysis.month.vendor_id is 'Key of the vendor; null where it is not known';
comment on column analysis.month.vendor is 'Name of the vendor';
comment on column analysis.month.marketplace is 'The site of the vendor';
comment on column analysis.month.found is 'Findings found first';
comment on column analysis.month.confirmed is 'Verdicts that confirmed';
comment on column analysis.month.rejected is 'Verdicts that rejected';
comment on column analysis.month.unsure is 'Verdicts that left it open';
comment on column analysis.month.undone is 'Verdicts that were taken back, of whatever month';
comment on column analysis.month.told is 'Findings that artisans were told of';
comment on column analysis.month.opened is 'Times that listings were put into a case';
comment on column analysis.month.asked is 'Letters sent';
comment on column analysis.month.filed is 'Complaints filed';
comment on column analysis.month.removed is 'Findings whose photos came to count as removed';
comment on column analysis.month.shown_again is 'Findings whose photos were seen again in the same listing';

-- Each comment begins with what a row is.

comment on view analysis.seller is 'One row for each account that offers goods, with the side on which it stands.';
comment on view analysis.listing is 'One row for each offer page, with its seller and what it said when it was last read.';
comment on view analysis.image_trouble is
    'One row for each photo in a listing, and each file of an artisan, that could not be compared, with the reason.';
comment on view analysis.target is
    'One row for each target: what is crawled again and again, why, and how it went last.';
comment on view analysis.date_claim is
    'One row for each bound on when a listing or the exact bytes of an image existed. A claim bounds a moment, it does not '
    'give it: archived in May 2014 says that it existed by then.';
comment on view analysis.page_trouble is 'One row for each page that gave no data in a run.';
comment on view analysis.date_inquiry is
    'One row for each question to an archive or a photo host about the age of a listing or a photo; what they knew is in '
    'date_claim.';
comment on view analysis.original_file is 'One row for each photo that an artisan gave, with its trusted timestamp.';
comment on view analysis.capture is
    'One row for each time that a suspect listing was to be kept as proof, and what came of it; one that was gone or barred '
    'has a row too.';

-- A message to an artisan is told without its address: accounts of analysts see no contact.
drop view analysis.notice;
create view analysis.notice as
select
    n.id as notice_id, a.id as artisan_id, a.name as artisan, n.state, n.recipient is not null as by_mail, n.subject,
    n.drafted_at, n.sent_at, n.sent_by, n.failure, about.findings, about.vendors
from notice n
join artisan a on a.id = n.artisan and a.opted_out_at is null
cross join lateral (
    select count(*) as findings, count(distinct l.seller) as vendors
    from notice_finding nf
    join finding f on f.id = nf.finding
    join listing l on l.id = f.suspect_listing
    where nf.notice = n.id
) as about;

comment on view analysis.notice is
    'One row for each message to an artisan, those that never went out among them; without its text and its address.';
comment on column analysis.notice.notice_id is 'Key of the notice';
comment on column analysis.notice.artisan_id is 'Key of the artisan';
comment on column analysis.notice.artisan is 'Name of the artisan';
comment on column analysis.notice.state is
    'drafted, replaced (by a newer draft), sending (it is not known whether it went out, unless it is just under way), sent or '
    'failed (it did not go out)';
comment on column analysis.notice.subject is 'Its subject';
comment on column analysis.notice.drafted_at is 'When it was written';
comment on column analysis.notice.sent_at is 'When it went out, or was about to; null where it did not';
comment on column analysis.notice.sent_by is 'Who sent it; null where the program did, or nobody';
comment on column analysis.notice.failure is 'Why it did not go out, or is not known to have';
comment on column analysis.notice.findings is 'Findings that it tells of';
comment on column analysis.notice.vendors is 'Vendors that it tells of';
comment on column analysis.notice.by_mail is 'Whether it went by mail; else by the message form of a marketplace';

create or replace view analysis.untold as
select
    f.id as finding_id, v.id as verdict_id, a.id as artisan_id, a.name as artisan, os.id as shop_id,
    coalesce(os.name, os.seller_ref) as shop, o.marketplace as original_marketplace,
    coalesce(o.title, file.name) as original, o.url as original_url,
    s.id as vendor_id, coalesce(s.name, s.seller_ref) as vendor, l.marketplace, l.url, l.title,
    d.direction, d.margin_days, d.missing_proof, v.judged_by, v.judged_at
-- from the queue, which a command brings up to date before it writes to anybody
from review_queue q
join verdict v on v.id = q.verdict_id
join finding f on f.id = q.finding
join listing l on l.id = f.suspect_listing
left join seller s on s.id = l.seller
left join listing o on o.id = f.original_listing
left join seller os on os.id = o.seller
left join original_file file on file.id = f.original_file
left join artisan a on a.id = coalesce(file.artisan, os.artisan)
left join direction d on d.finding = f.id
left join removal gone on gone.finding = f.id and gone.shown_again_at is null
where q.verdict = 'confirmed' and a.opted_out_at is null
    -- it still matches and counts, is there, and nobody knows that it is the vendor's own or allowed
    and q.because is null and gone.id is null and q.relation is null
    and d.direction is distinct from 'suspect_first'
    and not exists (select from notice_finding nf where nf.finding = f.id and nf.told);
