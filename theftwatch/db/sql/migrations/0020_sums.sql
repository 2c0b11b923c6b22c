-- What analysts sum up over all findings, kept by vendor and summed up anew where something changed, so that no view
-- costs what the whole record costs.

create index listing_image_missing on listing_image (listing) where image is null;
create index image_unusable on image (id) where unusable_reason is not null;
create index finding_found on finding (first_found_at);

create table vendor_sum (
    -- as in seller_coverage: seller N, or unknown on MARKETPLACE
    key text primary key,
    vendor bigint,
    marketplace text not null,
    -- pairs that match, whether or not they count
    matched bigint not null,
    -- of pairs that count; of each once, however many findings it stands in
    matches bigint not null,
    possible bigint not null,
    findings bigint not null,
    listings_with_matches bigint not null,
    originals bigint[] not null,
    shops_concerned bigint not null,
    artisans_concerned bigint not null,
    best_score real,
    first_matched_at timestamptz,
    last_matched_at timestamptz,
    -- of pairs that do not
    suppressed bigint not null,
    related bigint not null,
    -- of findings
    artisans_confirmed bigint not null,
    artisans_not_judged bigint not null,
    artisans_rejected bigint not null,
    findings_confirmed bigint not null,
    findings_not_judged bigint not null,
    findings_unsure bigint not null,
    findings_rejected bigint not null,
    findings_not_counted bigint not null,
    findings_removed bigint not null,
    best_finding_score real,
    first_found_at timestamptz,
    last_found_at timestamptz
);
comment on table vendor_sum is 'What the findings of each vendor come to, and of listings whose vendor is not known, summed up once.';

create table vendor_month (
    key text not null,
    month date not null,
    vendor bigint,
    marketplace text not null,
    shop bigint,
    -- of a file or a case; that of a shop may be entered later, and stands with the shop
    artisan bigint,
    found bigint not null,
    confirmed bigint not null,
    rejected bigint not null,
    unsure bigint not null,
    undone bigint not null,
    told bigint not null,
    opened bigint not null,
    asked bigint not null,
    filed bigint not null,
    removed bigint not null,
    shown_again bigint not null,
    unique nulls not distinct (key, month, shop, artisan)
);
comment on table vendor_month is 'How often something was entered in a month about a vendor and whose photos it shows, counted once.';

create table sum_due (
    key text primary key
);
comment on table sum_due is 'Of which vendors vendor_sum and vendor_month have to be worked out anew.';

-- The one place that says what happened, and when that came into the record.
create view happened as
select first_found_at as at, first_found_at as entered_at, 'found' as what, id as finding, null::bigint as takedown_case, null as by
from finding
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
from notice_finding nf
join notice n on n.id = nf.notice
where nf.told and n.sent_at is not null;
comment on view happened is 'One row for each thing that happened to a finding or in a case.';

-- The one place that says whose a finding is.
create view finding_party as
select
    f.id as finding, f.first_found_at, l.seller as vendor, l.marketplace, coalesce(os.artisan, file.artisan) as artisan,
    o.seller as shop
from finding f
join listing l on l.id = f.suspect_listing
left join listing o on o.id = f.original_listing
left join seller os on os.id = o.seller
left join original_file file on file.id = f.original_file;
comment on view finding_party is
    'One row for each finding, whatever became of it: the vendor, the artisan, and the shop whose original it is.';

create or replace view analysis.event as
select
    h.at, h.entered_at, h.what, h.finding as finding_id, h.takedown_case as case_id, a.id as artisan_id, a.name as artisan,
    os.id as shop_id, coalesce(os.name, os.seller_ref) as shop, s.id as vendor_id, coalesce(s.name, s.seller_ref) as vendor,
    coalesce(f.marketplace, s.marketplace) as marketplace, h.by
from happened h
left join finding_party f on f.finding = h.finding
left join takedown_case c on c.id = h.takedown_case
left join artisan a on a.id = coalesce(f.artisan, c.artisan)
left join seller os on os.id = f.shop
left join seller s on s.id = coalesce(f.vendor, c.seller)
left join artisan sa on sa.id = s.artisan
where a.opted_out_at is null and sa.opted_out_at is null;

-- As its owner, since it reads tables for those who may read views alone.
create function vendor_sums(keys text[]) returns setof vendor_sum
language sql stable security definer set search_path = public, pg_temp as $$
    with subject as (
        select
            key,
            case when key like 'seller %' then substr(key, 8)::bigint end as vendor,
            case when key like 'unknown on %' then substr(key, 12) end as marketplace
        from unnest(keys) as key
    ), due as (
        select subject.key, q.* from subject join review_queue q on q.vendor = subject.vendor
        union all
        select subject.key, q.*
        from subject
        join review_queue q on q.vendor is null and q.marketplace = subject.marketplace
    ), standing as (
        select
            due.*, coalesce('artisan ' || artisan, 'shop ' || shop) as party,
            case
                when verdict in ('confirmed', 'rejected') then verdict
                when relation is not null or (matched = '{}' and possible = '{}') then 'not counted'
                else coalesce(verdict, 'not judged')
            end as standing
        from due
        left join artisan a on a.id = due.artisan
        where a.opted_out_at is null
    ), judged as (
        select
            key, vendor, marketplace,
            count(distinct party) filter (where standing = 'confirmed') as artisans_confirmed,
            count(distinct party) filter (where standing in ('not judged', 'unsure')) as artisans_not_judged,
            count(distinct party) filter (where standing = 'rejected') as artisans_rejected,
            count(*) filter (where standing = 'confirmed') as findings_confirmed,
            count(*) filter (where standing = 'not judged') as findings_not_judged,
            count(*) filter (where standing = 'unsure') as findings_unsure,
            count(*) filter (where standing = 'rejected') as findings_rejected,
            count(*) filter (where standing = 'not counted') as findings_not_counted,
            count(gone.id) filter (where standing = 'confirmed') as findings_removed,
            max(best_score) filter (where standing <> 'not counted') as best_finding_score,
            min(first_matched_at) as first_found_at, max(last_matched_at) as last_found_at
        from standing
        left join removal gone on gone.finding = standing.finding and gone.shown_again_at is null
        group by key, vendor, marketplace
    ), paired as (
        select
            key,
            count(distinct p.match) filter (where kind = 'match') as matched,
            count(distinct p.match) filter (where counts and kind = 'match') as matches,
            count(distinct p.match) filter (where counts and kind = 'possible') as possible,
            count(distinct finding) filter (where counts) as findings,
            count(distinct f.suspect_listing) filter (where counts) as listings_with_matches,
            coalesce(array_agg(distinct m.original_image) filter (where counts), '{}') as originals,
            count(distinct shop) filter (where counts) as shops_concerned,
            count(distinct party) filter (where counts) as artisans_concerned,
            max(m.score) filter (where counts) as best_score,
            min(m.first_matched_at) filter (where counts) as first_matched_at,
            max(m.first_matched_at) filter (where counts) as last_matched_at,
            count(distinct p.match) filter (where kind = 'suppressed') as suppressed,
            count(distinct p.match) filter (where related) as related
        from (
            select
                key, finding, shop, party, each.match, each.kind,
                each.kind <> 'suppressed' and relation is null and each.match <> all(rejected) as counts,
                each.kind <> 'suppressed' and relation is not null as related
            from standing
            cross join lateral (
                select unnest(matched) as match, 'match' as kind
                union all
                select unnest(possible), 'possible'
                union all
                select unnest(suppressed), 'suppressed'
            ) as each
        ) as p
        join match m on m.id = p.match
        join finding f on f.id = p.finding
        group by key
    )
    select
        key, vendor, marketplace, coalesce(matched, 0), coalesce(matches, 0), coalesce(possible, 0), coalesce(findings, 0),
        coalesce(listings_with_matches, 0), coalesce(originals, '{}'), coalesce(shops_concerned, 0),
        coalesce(artisans_concerned, 0), best_score, first_matched_at, last_matched_at, coalesce(suppressed, 0),
        coalesce(related, 0), artisans_confirmed, artisans_not_judged, artisans_rejected, findings_confirmed,
        findings_not_judged, findings_unsure, findings_rejected, findings_not_counted, findings_removed,
        best_finding_score, first_found_at, last_found_at
    from judged
    left join paired using (key)
$$;
comment on function vendor_sums is 'Sums up the findings of vendors, by their keys in vendor_sum; of one without a finding there is no row.';

create function vendor_months(keys text[]) returns setof vendor_month
language sql stable security definer set search_path = public, pg_temp as $$
    with subject as (
        select
            key,
            case when key like 'seller %' then substr(key, 8)::bigint end as vendor,
            case when key like 'unknown on %' then substr(key, 12) end as marketplace
        from unnest(keys) as key
    ), offer as (
        select subject.key, l.id, l.seller, l.marketplace from subject join listing l on l.seller = subject.vendor
        union all
        select subject.key, l.id, null, l.marketplace
        from subject
        join listing l on l.marketplace = subject.marketplace and l.seller is null
    ), entry as (
        select offer.key, offer.seller as vendor, offer.marketplace, o.seller as shop, file.artisan, h.entered_at, h.what
        from offer
        join finding f on f.suspect_listing = offer.id
        left join listing o on o.id = f.original_listing
        left join original_file file on file.id = f.original_file
        cross join lateral (select entered_at, what from happened where happened.finding = f.id) as h
        union all
        select subject.key, s.id, s.marketplace, null, c.artisan, h.entered_at, h.what
        from subject
        join seller s on s.id = subject.vendor
        join takedown_case c on c.seller = s.id
        cross join lateral (select entered_at, what from happened where happened.takedown_case = c.id) as h
    )
    select
        key, date_trunc('month', entered_at at time zone 'UTC')::date as month, vendor, marketplace, shop, artisan,
        count(*) filter (where what = 'found'),
        count(*) filter (where what = 'confirmed'),
        count(*) filter (where what = 'rejected'),
        count(*) filter (where what = 'unsure'),
        count(*) filter (where what = 'undone'),
        count(*) filter (where what = 'told'),
        count(*) filter (where what = 'opened'),
        count(*) filter (where what = 'asked'),
        count(*) filter (where what = 'filed'),
        count(*) filter (where what = 'removed'),
        count(*) filter (where what = 'shown again')
    from entry
    group by key, month, vendor, marketplace, shop, artisan
$$;
comment on function vendor_months is 'Counts by month what was entered about vendors, by their keys in vendor_month.';

-- By triggers, so that no way to write can forget it. Ordered, so that no two wait for each other.

create function note_queue_sums() returns trigger
language plpgsql as $$
begin
    insert into sum_due
    select distinct coalesce('seller ' || vendor, 'unknown on ' || marketplace) from changed order by 1
    on conflict do nothing;
    return null;
end
$$;
comment on function note_queue_sums is 'Notes whose findings stand in the queue as they did not before.';
create trigger sums_of_new after insert on review_queue
    referencing new table as changed for each statement execute function note_queue_sums();
create trigger sums_of_changed after update on review_queue
    referencing new table as changed for each statement execute function note_queue_sums();
create trigger sums_of_before after update on review_queue
    referencing old table as changed for each statement execute function note_queue_sums();
create trigger sums_of_gone after delete on review_queue
    referencing old table as changed for each statement execute function note_queue_sums();

create function note_finding_sums() returns trigger
language plpgsql as $$
begin
    insert into sum_due
    select distinct coverage_key(l)
    from changed
    join finding f on f.id = changed.finding
    join listing l on l.id = f.suspect_listing
    order by 1
    on conflict do nothing;
    return null;
end
$$;
comment on function note_finding_sums is 'Notes of whose findings something was entered.';
create trigger sums_of_new after insert on verdict
    referencing new table as changed for each statement execute function note_finding_sums();
create trigger sums_of_new after insert on removal
    referencing new table as changed for each statement execute function note_finding_sums();
create trigger sums_of_changed after update on removal
    referencing new table as changed for each statement execute function note_finding_sums();
create trigger sums_of_gone after delete on removal
    referencing old table as changed for each statement execute function note_finding_sums();
create trigger sums_of_new after insert on notice_finding
    referencing new table as changed for each statement execute function note_finding_sums();
create trigger sums_of_changed after update on notice_finding
    referencing new table as changed for each statement execute function note_finding_sums();
create trigger sums_of_gone after delete on notice_finding
    referencing old table as changed for each statement execute function note_finding_sums();

create function note_found_sums() returns trigger
language plpgsql as $$
begin
    insert into sum_due
    select distinct coverage_key(l) from changed join listing l on l.id = changed.suspect_listing order by 1
    on conflict do nothing;
    return null;
end
$$;
comment on function note_found_sums is 'Notes whose findings are new or gone.';
create trigger sums_of_new after insert on finding
    referencing new table as changed for each statement execute function note_found_sums();
create trigger sums_of_gone after delete on finding
    referencing old table as changed for each statement execute function note_found_sums();

create function note_case_sums() returns trigger
language plpgsql as $$
begin
    insert into sum_due
    select distinct 'seller ' || c.seller from changed join takedown_case c on c.id = changed.takedown_case order by 1
    on conflict do nothing;
    return null;
end
$$;
comment on function note_case_sums is 'Notes in whose cases something was entered.';
create trigger sums_of_new after insert on case_event
    referencing new table as changed for each statement execute function note_case_sums();

create function note_notice_sums() returns trigger
language plpgsql as $$
begin
    insert into sum_due
    select distinct coverage_key(l)
    from changed
    join notice_finding nf on nf.notice = changed.id and nf.told
    join finding f on f.id = nf.finding
    join listing l on l.id = f.suspect_listing
    order by 1
    on conflict do nothing;
    return null;
end
$$;
comment on function note_notice_sums is 'Notes of whose findings a message went out, or did not after all.';
create trigger sums_of_changed after update on notice
    referencing new table as changed for each statement execute function note_notice_sums();

-- Of two sellers that turn out to be one, both.
create function note_merged_sums() returns trigger
language plpgsql as $$
begin
    insert into sum_due
    select 'seller ' || seller from changed
    union
    select 'seller ' || seller from before
    order by 1
    on conflict do nothing;
    return null;
end
$$;
comment on function note_merged_sums is 'Notes whose cases became another seller''s.';
create trigger sums_of_changed after update on takedown_case
    referencing old table as before new table as changed for each statement execute function note_merged_sums();

create function note_moved_sums() returns trigger
language plpgsql as $$
begin
    insert into sum_due
    select coverage_key(b) from before b join changed c on c.id = b.id and c.seller is distinct from b.seller
    union
    select coverage_key(c) from before b join changed c on c.id = b.id and c.seller is distinct from b.seller
    union
    -- whose original it is has changed for each vendor who copied it
    select coverage_key(l)
    from before b
    join changed c on c.id = b.id and c.seller is distinct from b.seller
    join finding f on f.original_listing = c.id
    join listing l on l.id = f.suspect_listing
    order by 1
    on conflict do nothing;
    return null;
end
$$;
comment on function note_moved_sums is 'Notes whose listings became another seller''s.';
create trigger sums_of_changed after update on listing
    referencing old table as before new table as changed for each statement execute function note_moved_sums();

create function note_opted_sums() returns trigger
language plpgsql as $$
begin
    insert into sum_due
    select distinct coalesce('seller ' || q.vendor, 'unknown on ' || q.marketplace)
    from before
    join changed on changed.id = before.id and changed.opted_out_at is distinct from before.opted_out_at
    join review_queue q on q.artisan = changed.id
    order by 1
    on conflict do nothing;
    return null;
end
$$;
comment on function note_opted_sums is 'Notes who copied from artisans who opted out.';
create trigger sums_of_changed after update on artisan
    referencing old table as before new table as changed for each statement execute function note_opted_sums();

insert into sum_due
select distinct coverage_key(l) from finding f join listing l on l.id = f.suspect_listing
union
select 'seller ' || seller from takedown_case;

-- Kept, and worked out at once where it is due.
create view vendor_summed as
select * from vendor_sum k where not exists (select from sum_due d where d.key = k.key)
union all
select * from vendor_sums(array(select key from sum_due));
comment on view vendor_summed is 'One row for each vendor with a finding: what they come to, as of now.';

create or replace view analysis.vendor as
select
    c.seller_id as vendor_id, c.marketplace, c.seller_ref as vendor_ref, c.seller as vendor,
    s.url, s.country,
    coalesce(k.matches, 0) as matches,
    coalesce(k.possible, 0) as possible,
    coalesce(k.findings, 0) as findings,
    coalesce(k.listings_with_matches, 0) as listings_with_matches,
    coalesce(cardinality(k.originals), 0)::bigint as originals_matched,
    coalesce(k.shops_concerned, 0) as shops_concerned,
    coalesce(k.artisans_concerned, 0) as artisans_concerned,
    k.best_score, k.first_matched_at, k.last_matched_at,
    c.listings, c.images_held, c.images_compared, c.looked,
    s.first_seen_at, s.last_seen_at, c.last_good_look_at,
    coalesce(k.suppressed, 0) as suppressed,
    coalesce(k.related, 0) as related,
    coalesce(k.findings_confirmed, 0) as findings_confirmed,
    coalesce(k.findings_rejected, 0) as findings_rejected
from analysis.coverage c
left join vendor_summed k on k.key = coalesce('seller ' || c.seller_id, 'unknown on ' || c.marketplace)
left join seller s on s.id = c.seller_id
where c.side = 'suspect';

create or replace view analysis.vendor_ranking as
select
    s.id as vendor_id, k.marketplace, s.seller_ref as vendor_ref, s.name as vendor, s.url, s.country,
    k.artisans_confirmed, k.artisans_not_judged, k.artisans_rejected, k.findings_confirmed, k.findings_not_judged,
    k.findings_unsure, k.findings_rejected, k.findings_not_counted, k.findings_removed,
    k.best_finding_score as best_score, k.first_found_at as first_matched_at, k.last_found_at as last_matched_at,
    (select count(*) from takedown_case c where c.seller = s.id) as cases,
    (select url from public_address) || '/vendors/' || s.id as review_url
from vendor_summed k
left join seller s on s.id = k.vendor
left join artisan own on own.id = s.artisan
where own.opted_out_at is null;

create or replace view analysis.vendor_link as
with shown as materialized (
    select k.vendor, unnest(k.originals) as original from vendor_summed k where k.vendor is not null
), shared as (
    select a.vendor, b.vendor as other, count(*) as photos
    from shown a
    join shown b on b.original = a.original and a.vendor < b.vendor
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

create or replace view analysis.target_coverage as
with known as (
    select
        t.id as target_id, t.marketplace, t.kind, t.ref, t.paused_at is not null as paused, seller.id as seller_id, c.side,
        last.outcome as last_outcome, last.finished_at as last_visit_at, good.finished_at as last_good_visit_at,
        good.listings_seen, good.listings_expected, c.images_held, c.images_compared, c.looked as compared,
        k.matched as matches
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
    left join vendor_summed k on k.vendor = seller.id
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

drop view vendor_pair;

create or replace view analysis.month as
with counted as (
    select * from vendor_month k where not exists (select from sum_due d where d.key = k.key)
    union all
    select * from vendor_months(array(select key from sum_due))
)
select
    k.month, a.id as artisan_id, coalesce(a.name, os.name, os.seller_ref) as artisan, s.id as vendor_id,
    coalesce(s.name, s.seller_ref) as vendor, k.marketplace,
    sum(k.found)::bigint as found,
    sum(k.confirmed)::bigint as confirmed,
    sum(k.rejected)::bigint as rejected,
    sum(k.unsure)::bigint as unsure,
    sum(k.undone)::bigint as undone,
    sum(k.told)::bigint as told,
    sum(k.opened)::bigint as opened,
    sum(k.asked)::bigint as asked,
    sum(k.filed)::bigint as filed,
    sum(k.removed)::bigint as removed,
    sum(k.shown_again)::bigint as shown_again
from counted k
left join seller os on os.id = k.shop
left join artisan a on a.id = coalesce(os.artisan, k.artisan)
left join seller s on s.id = k.vendor
left join artisan sa on sa.id = s.artisan
where a.opted_out_at is null and sa.opted_out_at is null
group by k.month, a.id, coalesce(a.name, os.name, os.seller_ref), s.id, coalesce(s.name, s.seller_ref), k.marketplace;

create or replace view analysis.image_trouble as
with trouble as (
    select li.listing, 'missing' as trouble, coalesce(li.missing_reason, 'unknown') as reason, li.position, li.source_url,
        null::bigint as image, li.first_seen_at, li.last_seen_at
    from listing_image li
    where li.image is null
    union all
    select li.listing, 'unusable', i.unusable_reason, li.position, li.source_url, i.id, li.first_seen_at, li.last_seen_at
    from image i
    join listing_image li on li.image = i.id
    where i.unusable_reason is not null
)
select
    t.trouble, t.reason, l.side, l.marketplace, l.seller_id, l.seller, l.artisan, l.listing_ref, l.url, null as file_name,
    t.position, t.source_url, encode(i.sha256, 'hex') as sha256, i.format, i.width_px, i.height_px, i.byte_count,
    t.first_seen_at, t.last_seen_at
from trouble t
join analysis.listing l on l.listing_id = t.listing
left join image i on i.id = t.image
union all
select
    'unusable', i.unusable_reason, 'original', null, null, null, a.name, null, null, f.name,
    null, null, encode(i.sha256, 'hex'), i.format, i.width_px, i.height_px, i.byte_count,
    f.first_seen_at, null
from image i
join original_file f on f.image = i.id
join artisan a on a.id = f.artisan
where i.unusable_reason is not null and a.opted_out_at is null;

create or replace view analysis.verdict as
select
    v.id as verdict_id, v.finding as finding_id, v.verdict, v.reason, v.note, v.judged_by, v.judged_at,
    v.undoes as undoes_verdict_id, standing.id is not null as stands,
    (select count(*) from judged_match j where j.verdict = v.id) as matches,
    coalesce(o.artisan, a.name) as artisan, coalesce(o.url, file.name) as original, s.seller_id as vendor_id,
    s.seller as vendor, s.url as suspect_url
from verdict v
left join standing_verdict standing on standing.id = v.id
-- one by one, by their keys: the planner would read all listings for a few
cross join lateral (select * from finding where finding.id = v.finding offset 0) as f
cross join lateral (select * from analysis.listing where listing_id = f.suspect_listing offset 0) as s
left join lateral (select * from analysis.listing where listing_id = f.original_listing offset 0) as o on true
left join original_file file on file.id = f.original_file
left join artisan a on a.id = file.artisan and a.opted_out_at is null
where o.listing_id is not null or a.id is not null;

create or replace view analysis.case_listing as
select
    cl.id as case_listing_id, c.id as case_id, a.id as artisan_id, a.name as artisan, s.id as vendor_id,
    coalesce(s.name, s.seller_ref) as vendor, c.portal, l.id as listing_id, l.marketplace, l.listing_ref, l.url, l.title,
    l.state as listing_state,
    case
        when c.outcome = 'withdrawn' then 'withdrawn'
        when gone.removed_at is not null then 'removed'
        when again.relisted_at > greatest(last.happened_at, c.closed_at) then 'relisted'
        when c.closed_at is not null then 'closed'
        else last.kind
    end as state,
    ground.findings as finding_ids, ground.decisions as match_decision_ids, ground.still_confirmed, cl.override_reason,
    ground.found_at, cl.added_at, asked.happened_at as asked_at, filed.first_at as filed_at, filed.last_at as last_filed_at,
    filed.route, filed.reference, countered.happened_at as countered_at, last.id as last_event_id,
    last.happened_at as last_event_at, last.answer_due_at, last.removal_due_at,
    gone.removed_at, taken_down.missed_at as taken_down_at, again.relisted_at, coalesce(again.times, 0) as relistings
from case_listing cl
join takedown_case c on c.id = cl.takedown_case
join artisan a on a.id = c.artisan and a.opted_out_at is null
join seller s on s.id = c.seller
join listing l on l.id = cl.listing
-- by listing, so that one case costs what its own listings cost
join lateral (
    select
        array_agg(distinct g.finding order by g.finding) as findings,
        array_agg(distinct g.match_decision order by g.match_decision) as decisions,
        min(f.first_found_at) as found_at,
        -- and its photos count; where they no longer match, a person may have confirmed it all the same
        bool_or(v.id is not null and (
            exists (select from matched_photo p where p.finding = g.finding)
            or not exists (
                select from judged_match j
                join match_decision seen on seen.id = j.match_decision
                where j.verdict = v.id and seen.decision <> 'no_match'
            )
        )) as still_confirmed
    from case_ground g
    join finding f on f.id = g.finding
    left join lateral (
        select s.id from standing_verdict s where s.finding = g.finding and s.verdict = 'confirmed' limit 1
    ) as v on true
    where g.case_listing = cl.id
    having count(*) > 0
) as ground on true
-- what was said last of the listing; a note or the end of the case says nothing of it
join lateral (
    select e.*
    from case_event_listing el
    cross join lateral (select * from case_event where case_event.id = el.case_event offset 0) as e
    where el.case_listing = cl.id and e.kind not in ('note', 'closed')
    order by e.id desc
    limit 1
) as last on true
left join lateral (
    select max(e.happened_at) as happened_at
    from case_event_listing el
    cross join lateral (select * from case_event where case_event.id = el.case_event offset 0) as e
    where el.case_listing = cl.id and e.kind = 'asked'
) as asked on true
left join lateral (
    select
        min(e.happened_at) as first_at, max(e.happened_at) as last_at, (array_agg(e.route order by e.id desc))[1] as route,
        (array_agg(e.reference order by e.id desc))[1] as reference
    from case_event_listing el
    cross join lateral (select * from case_event where case_event.id = el.case_event offset 0) as e
    where el.case_listing = cl.id and e.kind = 'filed'
) as filed on true
left join lateral (
    select min(e.happened_at) as happened_at
    from case_event_listing el
    cross join lateral (select * from case_event where case_event.id = el.case_event offset 0) as e
    where el.case_listing = cl.id and e.kind = 'countered'
) as countered on true
-- removed is what the watch says of every finding in it
left join lateral (
    select case when bool_and(r.id is not null) then max(r.removed_at) end as removed_at
    from unnest(ground.findings) as g (finding)
    left join lateral (
        select * from removal where removal.finding = g.finding and removal.shown_again_at is null offset 0
    ) as r on true
) as gone on true
-- and what comes down after it was filed came down, whatever happened since
left join lateral (
    select case when bool_and(first.missed_at is not null) then max(first.missed_at) end as missed_at
    from unnest(ground.findings) as g (finding)
    cross join lateral (
        select min(r.missed_at) as missed_at from removal r where r.finding = g.finding and r.missed_at >= filed.first_at
    ) as first
) as taken_down on true
left join lateral (
    select max(r.shown_again_at) as relisted_at, count(*) as times
    from removal r
    where r.finding = any(ground.findings) and r.shown_again_at is not null
) as again on true;

create or replace view relisting as
select
    r.id as removal, r.finding, f.suspect_listing as listing, r.finding as relisted_finding, 'same_listing' as place,
    r.shown_again_at as relisted_at
from removal r
join finding f on f.id = r.finding
where r.shown_again_at is not null
union all
select
    r.id, r.finding, g.suspect_listing, g.id, case when fresh.seller = old.seller then 'same_vendor' else 'sibling' end,
    photo.seen_at
from removal r
join run on run.id = r.run
join finding f on f.id = r.finding
join listing old on old.id = f.suspect_listing
-- each by an index of its own
cross join lateral (
    select same.id, same.suspect_listing from finding same where same.original_listing = f.original_listing
    union all
    select same.id, same.suspect_listing
    from finding same
    where same.original_listing is null and same.original_file = f.original_file
) as g
join listing fresh on fresh.id = g.suspect_listing
cross join lateral (
    select min(p.first_seen_at) as seen_at
    from matched_photo p
    join matched_photo before on before.finding = f.id and before.original_image = p.original_image
    where p.finding = g.id
        -- at first glance, since most others show nothing new
        and exists (
            select from listing_image new
            where new.listing = g.suspect_listing and new.first_seen_at >= least(run.started_at, r.missed_at)
        )
) as photo
where g.suspect_listing <> f.suspect_listing
    and (
        fresh.seller = old.seller
        or exists (select from sibling where sibling.seller = old.seller and sibling.sibling = fresh.seller)
    )
    and photo.seen_at >= least(run.started_at, r.missed_at)
    and (r.shown_again_at is null or photo.seen_at < r.shown_again_at);

create or replace function analysis.copies_of(photo_sha256 text, sure boolean default true) returns table (
    steps int, listing_id bigint, marketplace text, side text, seller text, artisan text, title text, url text, state text,
    shown boolean, first_seen_at timestamptz, sha256 text, thumb_url text
)
language sql stable as $$
    with recursive cluster as (
        select p.image_id, 0 as steps from analysis.listing_photo p where p.sha256 = photo_sha256
        union
        select c.copy_image_id, cluster.steps + 1
        from cluster
        -- one by one, by their keys: the planner would read all matches for a few
        cross join lateral (
            select * from analysis.copy
            where copy.image_id = cluster.image_id and (copy.decision = 'match' or not sure)
            offset 0
        ) as c
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
