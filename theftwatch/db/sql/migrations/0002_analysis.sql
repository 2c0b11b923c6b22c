-- What analysts read: views in words, over the tables that the program writes. Artisans who opted out are left out.

create schema analysis;
comment on schema analysis is
    'Views for analysts. Artisans who opted out, and their sellers, are left out. All times are moments in UTC.';

create view analysis.seller as
select
    s.id as seller_id, s.marketplace, s.seller_ref, s.name as seller, s.url, s.country,
    coalesce(s.side, m.default_side) as side, a.id as artisan_id, a.name as artisan, s.first_seen_at, s.last_seen_at
from seller s
join marketplace m on m.code = s.marketplace
left join artisan a on a.id = s.artisan
where a.opted_out_at is null;

comment on view analysis.seller is 'Every account that offers goods, with the side on which it stands.';
comment on column analysis.seller.seller_id is 'Key of the seller in this database';
comment on column analysis.seller.marketplace is 'The site where the seller offers goods, such as etsy';
comment on column analysis.seller.seller_ref is
    'The marketplace’s own firm key of the seller; kind:value of another key while the firm one is not known';
comment on column analysis.seller.seller is 'The name of the seller as its pages give it; null until a page named it';
comment on column analysis.seller.url is 'Address of the seller’s own page';
comment on column analysis.seller.country is 'Country as the marketplace names it';
comment on column analysis.seller.side is
    'original or suspect: the role in comparison; that of the marketplace where the seller has none of its own';
comment on column analysis.seller.artisan_id is 'Key of the artisan who owns the seller; null where nobody entered one';
comment on column analysis.seller.artisan is 'Name of the artisan who owns the seller';
comment on column analysis.seller.first_seen_at is 'When a page first showed the seller';
comment on column analysis.seller.last_seen_at is 'When a page last showed the seller';

create view analysis.listing as
select
    l.id as listing_id, l.marketplace, l.listing_ref, coalesce(s.side, m.default_side) as side,
    s.id as seller_id, s.seller_ref, s.name as seller, s.url as seller_url, a.id as artisan_id, a.name as artisan,
    l.url, l.title, l.price_min, l.price_max, l.currency, l.listed_at, l.state, l.complete,
    l.first_seen_at, l.last_seen_at
from listing l
join marketplace m on m.code = l.marketplace
left join seller s on s.id = l.seller
left join artisan a on a.id = s.artisan
where a.opted_out_at is null;

comment on view analysis.listing is 'Every offer page, with its seller and what it said when it was last read.';
comment on column analysis.listing.listing_id is 'Key of the listing in this database';
comment on column analysis.listing.marketplace is 'The site that shows the listing';
comment on column analysis.listing.listing_ref is 'The marketplace’s own key of the listing';
comment on column analysis.listing.side is 'original or suspect: that of its seller';
comment on column analysis.listing.seller_id is 'Key of the seller; null while no page that names the seller was read';
comment on column analysis.listing.seller_ref is 'The marketplace’s own key of the seller';
comment on column analysis.listing.seller is 'The name of the seller as its pages give it; null until a page named it';
comment on column analysis.listing.seller_url is 'Address of the seller’s own page';
comment on column analysis.listing.artisan_id is 'Key of the artisan who owns the seller';
comment on column analysis.listing.artisan is 'Name of the artisan who owns the seller';
comment on column analysis.listing.url is 'Address of the listing';
comment on column analysis.listing.title is 'Title as last read';
comment on column analysis.listing.price_min is 'Lowest price as last read';
comment on column analysis.listing.price_max is 'Highest price as last read';
comment on column analysis.listing.currency is 'Currency of both prices, by its ISO 4217 code';
comment on column analysis.listing.listed_at is 'When the listing was put up, by what its page says';
comment on column analysis.listing.state is 'live, gone, or unknown where that could not be told';
comment on column analysis.listing.complete is
    'Whether the listing’s own page was read; else only cards in lists, which show some of the images';
comment on column analysis.listing.first_seen_at is 'When a page first showed the listing';
comment on column analysis.listing.last_seen_at is 'When a page last showed the listing';

create view analysis.match as
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
    m.first_matched_at, m.decided_at
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
        'listing' as kind, l.artisan, l.marketplace, l.seller_id, l.seller_ref, l.seller, l.seller_url, l.listing_id,
        l.listing_ref, l.title, l.url, null::bigint as file_id, null as file_name, li.source_url, li.first_seen_at,
        li.published_at
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
        file.kind, a.name, null, null, null, null, null, null,
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
    'One row for each matched pair of photos and each two listings that show them: an original (a listing’s photo '
    'or an artisan’s own file) and a suspect listing. Pairs that stopped matching are left out.';
comment on column analysis.match.match_id is 'Key of the pair of images; the same in all rows of the pair';
comment on column analysis.match.finding_id is
    'Key of the finding: the original and the suspect listing together, which a person judges';
comment on column analysis.match.decision is 'match, or possible: worth a look. The program’s decision, not a person’s';
comment on column analysis.match.score is
    'How sure the program is, from 0 to 1; comparable within one algorithm_version';
comment on column analysis.match.method is 'How the pair was found and verified';
comment on column analysis.match.transform is
    'What was done to the original to make the suspect photo, as far as it could be told';
comment on column analysis.match.explanation is 'What the decision rests on, in words';
comment on column analysis.match.distance_bits is
    'Distance of the nearest perceptual hashes, of 64 bits; null where the method has none';
comment on column analysis.match.similarity is 'Similarity after alignment; null where the method has none';
comment on column analysis.match.inliers is
    'Local features that agree on one alignment; null where the method has none';
comment on column analysis.match.algorithm_version is 'Version of the algorithm that decided';
comment on column analysis.match.original_kind is 'listing, or for a file that an artisan gave: original or outtake';
comment on column analysis.match.artisan is 'Name of the artisan who owns the original; null where nobody entered one';
comment on column analysis.match.original_marketplace is 'The site that shows the original; null for a file';
comment on column analysis.match.original_seller_id is 'Key of the seller of the original; null for a file';
comment on column analysis.match.original_seller_ref is 'The marketplace’s own key of the seller of the original';
comment on column analysis.match.original_seller is 'Name of the seller of the original';
comment on column analysis.match.original_seller_url is 'Address of the seller of the original';
comment on column analysis.match.original_listing_id is 'Key of the original’s listing; null for a file';
comment on column analysis.match.original_listing_ref is 'The marketplace’s own key of the original’s listing';
comment on column analysis.match.original_title is 'Title of the original’s listing';
comment on column analysis.match.original_url is 'Address of the original’s listing';
comment on column analysis.match.original_file_name is 'Name of the file that the artisan gave; null for a listing';
comment on column analysis.match.original_sha256 is 'SHA-256 of the original’s exact bytes, in hex';
comment on column analysis.match.original_image_url is
    'Address of the original photo, at its full size; null for a file';
comment on column analysis.match.original_first_seen_at is
    'When the photo was first seen in this listing, or the file was first given';
comment on column analysis.match.original_published_at is
    'When the photo was put up, by what the marketplace says; for a file, when it was made, by what the artisan says';
comment on column analysis.match.suspect_marketplace is 'The site that shows the suspect listing';
comment on column analysis.match.suspect_seller_id is
    'Key of the vendor; null while no page that names the vendor was read';
comment on column analysis.match.suspect_seller_ref is 'The marketplace’s own key of the vendor';
comment on column analysis.match.suspect_seller is 'Name of the vendor';
comment on column analysis.match.suspect_seller_url is 'Address of the vendor';
comment on column analysis.match.suspect_listing_id is 'Key of the suspect listing';
comment on column analysis.match.suspect_listing_ref is 'The marketplace’s own key of the suspect listing';
comment on column analysis.match.suspect_title is 'Title of the suspect listing';
comment on column analysis.match.suspect_url is 'Address of the suspect listing';
comment on column analysis.match.suspect_price_min is 'Lowest price of the suspect listing, as last read';
comment on column analysis.match.suspect_price_max is 'Highest price of the suspect listing, as last read';
comment on column analysis.match.suspect_currency is 'Currency of both prices, by its ISO 4217 code';
comment on column analysis.match.suspect_state is 'live, gone, or unknown where that could not be told';
comment on column analysis.match.suspect_sha256 is
    'SHA-256 of the suspect photo’s exact bytes, in hex; equal to original_sha256 where the file is the same';
comment on column analysis.match.suspect_image_url is 'Address of the suspect photo, at its full size';
comment on column analysis.match.suspect_shown is
    'Whether the suspect listing still showed the photo when it was last read in full';
comment on column analysis.match.suspect_first_seen_at is
    'When the photo was first seen in the suspect listing; it may have been there long before';
comment on column analysis.match.suspect_published_at is
    'When the photo was put up in the suspect listing, by what the marketplace says';
comment on column analysis.match.first_matched_at is 'When the pair was first found to match';
comment on column analysis.match.decided_at is 'When the pair was last decided';

create view analysis.finding as
select
    finding_id,
    original_kind, artisan, original_marketplace, original_seller, original_listing_ref, original_title, original_url,
    original_file_name,
    suspect_marketplace, suspect_seller_id, suspect_seller, suspect_listing_ref, suspect_title, suspect_url,
    suspect_state,
    count(*) filter (where decision = 'match') as matches,
    count(*) filter (where decision = 'possible') as possible,
    max(score) as best_score,
    min(original_first_seen_at) as original_first_seen_at,
    min(suspect_first_seen_at) as suspect_first_seen_at,
    min(first_matched_at) as first_matched_at,
    max(first_matched_at) as last_matched_at
from analysis.match
where finding_id is not null
group by
    finding_id, original_kind, artisan, original_marketplace, original_seller, original_listing_ref, original_title,
    original_url, original_file_name, suspect_marketplace, suspect_seller_id, suspect_seller, suspect_listing_ref,
    suspect_title, suspect_url, suspect_state;

comment on view analysis.finding is
    'One row for each original and suspect listing that share matched photos: what a person judges.';
comment on column analysis.finding.finding_id is 'Key of the finding';
comment on column analysis.finding.original_kind is 'listing, or for a file that an artisan gave: original or outtake';
comment on column analysis.finding.artisan is
    'Name of the artisan who owns the original; null where nobody entered one';
comment on column analysis.finding.original_marketplace is 'The site that shows the original; null for a file';
comment on column analysis.finding.original_seller is 'Name of the seller of the original';
comment on column analysis.finding.original_listing_ref is 'The marketplace’s own key of the original’s listing';
comment on column analysis.finding.original_title is 'Title of the original’s listing';
comment on column analysis.finding.original_url is 'Address of the original’s listing';
comment on column analysis.finding.original_file_name is 'Name of the file that the artisan gave; null for a listing';
comment on column analysis.finding.suspect_marketplace is 'The site that shows the suspect listing';
comment on column analysis.finding.suspect_seller_id is
    'Key of the vendor; null while no page that names the vendor was read';
comment on column analysis.finding.suspect_seller is 'Name of the vendor';
comment on column analysis.finding.suspect_listing_ref is 'The marketplace’s own key of the suspect listing';
comment on column analysis.finding.suspect_title is 'Title of the suspect listing';
comment on column analysis.finding.suspect_url is 'Address of the suspect listing';
comment on column analysis.finding.suspect_state is 'live, gone, or unknown where that could not be told';
comment on column analysis.finding.matches is 'Pairs of photos with the decision match';
comment on column analysis.finding.possible is 'Pairs of photos with the decision possible';
comment on column analysis.finding.best_score is 'Highest score among the pairs';
comment on column analysis.finding.original_first_seen_at is
    'When one of the matched photos was first seen on the original’s side';
comment on column analysis.finding.suspect_first_seen_at is
    'When one of the matched photos was first seen in the suspect listing';
comment on column analysis.finding.first_matched_at is 'When the first of the pairs was found to match';
comment on column analysis.finding.last_matched_at is 'When the latest of the pairs was found to match';

create view analysis.coverage as
with subject as (
    select
        'seller ' || seller_id as key, marketplace, side, seller_id, seller_ref, seller, artisan
    from analysis.seller
    union all
    select distinct 'unknown on ' || marketplace, marketplace, side, seller_id, seller_ref, seller, artisan
    from analysis.listing
    where seller_id is null
    union all
    select distinct 'files of ' || a.id, null, 'original', null::bigint, null, null, a.name
    from artisan a
    join original_file f on f.artisan = a.id
    where a.opted_out_at is null
), offer as (
    select coalesce('seller ' || seller_id, 'unknown on ' || marketplace) as key, *
    from analysis.listing
), offers as (
    select
        key,
        count(*) as listings,
        count(*) filter (where complete) as listings_read_in_full,
        count(*) filter (where state = 'gone') as listings_gone,
        max(last_seen_at) as last_good_look_at
    from offer
    group by key
), photo as (
    select offer.key, offer.side, li.image
    from offer
    join listing_image li on li.listing = offer.listing_id
    where li.image is not null
    union
    select 'files of ' || artisan, 'original', image from original_file
), photos as (
    select
        photo.key,
        count(*) filter (where i.bytes_state = 'held') as images_held,
        count(u.looked_up_at) as images_looked_up,
        max(u.looked_up_at) as last_compared_at
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
        join listing_image li on li.listing = offer.listing_id
        where li.image is null
        group by offer.key, coalesce(li.missing_reason, 'unknown')
    ) as counted
    group by key
), compared as (
    -- while one side has no photo nothing is compared, whatever was looked up
    select key, images_looked_up as images, last_compared_at
    from photos
    where exists (select from lookup where side = 'original') and exists (select from lookup where side = 'suspect')
)
select
    subject.marketplace, subject.side, subject.seller_id, subject.seller_ref, subject.seller, subject.artisan,
    coalesce(offers.listings, 0) as listings,
    coalesce(offers.listings_read_in_full, 0) as listings_read_in_full,
    coalesce(offers.listings_gone, 0) as listings_gone,
    coalesce(photos.images_held, 0) as images_held,
    coalesce(compared.images, 0) as images_compared,
    coalesce(unusable.images, 0) as images_unusable,
    coalesce(unusable.reasons, '{}') as unusable_reasons,
    coalesce(missing.images, 0) as images_missing,
    coalesce(missing.reasons, '{}') as missing_reasons,
    case
        when coalesce(compared.images, 0) = 0 then 'not looked'
        when compared.images < photos.images_held + coalesce(missing.images, 0) then 'in part'
        else 'in full'
    end as looked,
    offers.last_good_look_at,
    compared.last_compared_at
from subject
left join offers using (key)
left join photos using (key)
left join unusable using (key)
left join missing using (key)
left join compared using (key);

comment on view analysis.coverage is
    'What was looked at, one row for each seller, for the listings of each marketplace whose seller is not known, '
    'and for the files of each artisan: with it “not looked” can be told from “no match”.';
comment on column analysis.coverage.marketplace is
    'The site where the seller offers goods; null for the files of an artisan';
comment on column analysis.coverage.side is 'original or suspect';
comment on column analysis.coverage.seller_id is
    'Key of the seller; null for listings whose seller is not known, and for files';
comment on column analysis.coverage.seller_ref is 'The marketplace’s own key of the seller';
comment on column analysis.coverage.seller is 'The name of the seller as its pages give it; null until a page named it';
comment on column analysis.coverage.artisan is 'Name of the artisan who owns the seller or gave the files';
comment on column analysis.coverage.listings is 'Listings known';
comment on column analysis.coverage.listings_read_in_full is 'Listings whose own page was read, with all their images';
comment on column analysis.coverage.listings_gone is 'Listings that were found to be gone';
comment on column analysis.coverage.images_held is 'Different photos whose exact bytes are kept';
comment on column analysis.coverage.images_compared is
    'Different photos that were searched for among those of the other side; 0 while the other side has none';
comment on column analysis.coverage.images_unusable is 'Different photos that cannot be compared';
comment on column analysis.coverage.unusable_reasons is 'How many photos cannot be compared, by reason';
comment on column analysis.coverage.images_missing is 'Photos whose bytes could not be had';
comment on column analysis.coverage.missing_reasons is 'How many photos could not be had, by reason';
comment on column analysis.coverage.looked is
    'not looked, in part or in full: whether photos were compared, some, or all that the pages show';
comment on column analysis.coverage.last_good_look_at is
    'When a page last showed one of the listings; a blocked page shows none';
comment on column analysis.coverage.last_compared_at is
    'When a photo was last searched for among those of the other side';

create view analysis.vendor as
with matched as (
    select
        coalesce('seller ' || suspect_seller_id, 'unknown on ' || suspect_marketplace) as key,
        count(distinct match_id) filter (where decision = 'match') as matches,
        count(distinct match_id) filter (where decision = 'possible') as possible,
        count(distinct finding_id) as findings,
        count(distinct suspect_listing_id) as listings_with_matches,
        count(distinct original_sha256) as originals_matched,
        count(distinct original_seller_id) as shops_concerned,
        count(distinct coalesce(artisan, original_marketplace || ' ' || original_seller_id)) as artisans_concerned,
        max(score) as best_score,
        min(first_matched_at) as first_matched_at,
        max(first_matched_at) as last_matched_at
    from analysis.match
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
    s.first_seen_at, s.last_seen_at, vendor.last_good_look_at
from vendor
left join matched using (key)
left join analysis.seller s on s.seller_id = vendor.seller_id;

comment on view analysis.vendor is
    'One row for each seller on the suspect side, with its matches and what they rest on; a vendor without a match '
    'has a row too.';
comment on column analysis.vendor.vendor_id is
    'Key of the seller; null in the row of a marketplace’s listings whose seller is not known';
comment on column analysis.vendor.marketplace is 'The site where the vendor offers goods';
comment on column analysis.vendor.vendor_ref is 'The marketplace’s own firm key of the vendor';
comment on column analysis.vendor.vendor is 'Name of the vendor';
comment on column analysis.vendor.url is 'Address of the vendor’s own page';
comment on column analysis.vendor.country is 'Country as the marketplace names it';
comment on column analysis.vendor.matches is 'Pairs of photos with the decision match';
comment on column analysis.vendor.possible is 'Pairs of photos with the decision possible: worth a look';
comment on column analysis.vendor.findings is 'Pairs of an original and a listing of the vendor that share such photos';
comment on column analysis.vendor.listings_with_matches is 'Listings of the vendor that show such photos';
comment on column analysis.vendor.originals_matched is 'Different original photos among the pairs';
comment on column analysis.vendor.shops_concerned is 'Sellers on the original side whose photos are among the pairs';
comment on column analysis.vendor.artisans_concerned is
    'Artisans whose photos are among the pairs; a shop without an artisan entered counts as one';
comment on column analysis.vendor.best_score is 'Highest score among the pairs; null without a pair';
comment on column analysis.vendor.first_matched_at is 'When the first pair was found to match';
comment on column analysis.vendor.last_matched_at is 'When the latest pair was found to match';
comment on column analysis.vendor.listings is 'Listings of the vendor that are known';
comment on column analysis.vendor.images_held is 'Different photos of the vendor whose exact bytes are kept';
comment on column analysis.vendor.images_compared is 'Different photos of the vendor that were compared';
comment on column analysis.vendor.looked is
    'not looked, in part or in full; without a match, only the last says that there was none to find';
comment on column analysis.vendor.first_seen_at is 'When a page first showed the vendor';
comment on column analysis.vendor.last_seen_at is 'When a page last showed the vendor';
comment on column analysis.vendor.last_good_look_at is 'When a page last showed one of the vendor’s listings';

create view analysis.image_trouble as
select
    case when li.image is null then 'missing' else 'unusable' end as trouble,
    case when li.image is null then coalesce(li.missing_reason, 'unknown') else i.unusable_reason end as reason,
    l.side, l.marketplace, l.seller_id, l.seller, l.artisan, l.listing_ref, l.url, null as file_name,
    li.position, li.source_url, encode(i.sha256, 'hex') as sha256, i.format, i.width_px, i.height_px, i.byte_count,
    li.first_seen_at, li.last_seen_at
from analysis.listing l
join listing_image li on li.listing = l.listing_id
left join image i on i.id = li.image
where li.image is null or i.unusable_reason is not null
union all
select
    'unusable', i.unusable_reason, 'original', null, null, null, a.name, null, null, f.name,
    null, null, encode(i.sha256, 'hex'), i.format, i.width_px, i.height_px, i.byte_count,
    f.first_seen_at, null
from original_file f
join image i on i.id = f.image
join artisan a on a.id = f.artisan
where i.unusable_reason is not null and a.opted_out_at is null;

comment on view analysis.image_trouble is
    'Every photo in a listing, and every file of an artisan, that could not be compared, with the reason.';
comment on column analysis.image_trouble.trouble is
    'missing: its bytes could not be had; unusable: they are no photo that can be compared';
comment on column analysis.image_trouble.reason is 'Why, in one word, such as flat, truncated or http_404';
comment on column analysis.image_trouble.side is 'original or suspect';
comment on column analysis.image_trouble.marketplace is 'The site that shows the listing; null for a file';
comment on column analysis.image_trouble.seller_id is 'Key of the seller';
comment on column analysis.image_trouble.seller is
    'The name of the seller as its pages give it; null until a page named it';
comment on column analysis.image_trouble.artisan is 'Name of the artisan who owns the seller or gave the file';
comment on column analysis.image_trouble.listing_ref is 'The marketplace’s own key of the listing';
comment on column analysis.image_trouble.url is 'Address of the listing';
comment on column analysis.image_trouble.file_name is 'Name of the file that the artisan gave; null for a listing';
comment on column analysis.image_trouble.position is 'Place of the photo in the listing, from 0';
comment on column analysis.image_trouble.source_url is 'Address of the photo';
comment on column analysis.image_trouble.sha256 is 'SHA-256 of the exact bytes, in hex; null where they are missing';
comment on column analysis.image_trouble.format is 'Format of the file; null where it could not be told';
comment on column analysis.image_trouble.width_px is 'Width; null where it could not be told';
comment on column analysis.image_trouble.height_px is 'Height; null where it could not be told';
comment on column analysis.image_trouble.byte_count is 'Size of the file in bytes';
comment on column analysis.image_trouble.first_seen_at is
    'When the photo was first seen there, or the file was first given';
comment on column analysis.image_trouble.last_seen_at is 'When the photo was last seen there';

create view analysis.date_claim as
select
    c.id as date_claim_id, l.marketplace, l.seller, l.artisan, l.side, l.listing_id, l.listing_ref, l.title, l.url,
    null as image_sha256, c.kind, c.earliest_at, c.latest_at, c.source, c.strength, c.claimed_at
from date_claim c
join analysis.listing l on l.listing_id = c.listing
where c.image is null
union all
select
    c.id, null, null, null, null, null, null, null, null,
    encode(i.sha256, 'hex'), c.kind, c.earliest_at, c.latest_at, c.source, c.strength, c.claimed_at
from date_claim c
join image i on i.id = c.image
where exists (
        select from listing_image li join analysis.listing l on l.listing_id = li.listing where li.image = c.image
    )
    or exists (
        select from original_file f
        join artisan a on a.id = f.artisan
        where f.image = c.image and a.opted_out_at is null
    );

comment on view analysis.date_claim is
    'Every bound on when a listing or the exact bytes of an image existed. A claim bounds a moment, it does not '
    'give it: archived in May 2014 says that it existed by then.';
comment on column analysis.date_claim.date_claim_id is 'Key of the claim';
comment on column analysis.date_claim.marketplace is 'The site that shows the listing; null for a claim on an image';
comment on column analysis.date_claim.seller is 'Name of the seller of the listing';
comment on column analysis.date_claim.artisan is 'Name of the artisan who owns the seller';
comment on column analysis.date_claim.side is
    'original or suspect: that of the listing; null for a claim on an image, which may stand on both sides';
comment on column analysis.date_claim.listing_id is 'Key of the listing; null for a claim on an image';
comment on column analysis.date_claim.listing_ref is 'The marketplace’s own key of the listing';
comment on column analysis.date_claim.title is 'Title of the listing';
comment on column analysis.date_claim.url is 'Address of the listing';
comment on column analysis.date_claim.image_sha256 is
    'SHA-256 of the exact bytes of the image, in hex; null for a claim on a listing';
comment on column analysis.date_claim.kind is 'What happened by then: listed, published, archived, review, …';
comment on column analysis.date_claim.earliest_at is
    'It did not exist before; null where the claim says nothing of that';
comment on column analysis.date_claim.latest_at is 'It existed by then; null where the claim says nothing of that';
comment on column analysis.date_claim.source is 'Who says so';
comment on column analysis.date_claim.strength is 'strong, medium or weak: how hard it would be to forge';
comment on column analysis.date_claim.claimed_at is 'When the claim was read';

create view analysis.run as
select
    r.id as run_id, r.spider, r.arguments, r.outcome, r.finish_reason, r.started_at, r.finished_at, r.heartbeat_at,
    extract(epoch from coalesce(r.finished_at, r.heartbeat_at) - r.started_at)::numeric(12, 1) as duration_s,
    counted.*, r.jobid, r.host, r.version
from run r
cross join lateral (
    select
        coalesce((r.stats ->> 'downloader/response_count')::bigint, 0) as responses,
        coalesce((r.stats ->> 'downloader/response_bytes')::bigint, 0) as response_bytes,
        coalesce((r.stats ->> 'theftwatch/listing/stored')::bigint, 0) as listings_stored,
        coalesce((r.stats ->> 'theftwatch/listing/failed')::bigint, 0) as listings_failed,
        coalesce((r.stats ->> 'theftwatch/image/fetched')::bigint, 0) as images_fetched,
        coalesce((r.stats ->> 'theftwatch/image/known')::bigint, 0) as images_known,
        coalesce((r.stats ->> 'theftwatch/image/missing')::bigint, 0) as images_missing,
        coalesce((r.stats ->> 'theftwatch/image/unusable')::bigint, 0) as images_unusable,
        coalesce((r.stats ->> 'theftwatch/image/looked_up')::bigint, 0) as images_looked_up,
        coalesce((r.stats ->> 'theftwatch/match/match')::bigint, 0) as matches,
        coalesce((r.stats ->> 'theftwatch/match/possible')::bigint, 0) as possible,
        coalesce((r.stats ->> 'theftwatch/page/blocked')::bigint, 0) as pages_blocked,
        coalesce((r.stats ->> 'theftwatch/page/refused_by_robots')::bigint, 0) as pages_refused_by_robots,
        coalesce((r.stats ->> 'theftwatch/page/gone')::bigint, 0) as pages_gone,
        coalesce((r.stats ->> 'theftwatch/page/changed')::bigint, 0) as pages_changed,
        coalesce((r.stats ->> 'theftwatch/page/unknown')::bigint, 0) as pages_unknown,
        coalesce((r.stats ->> 'theftwatch/page/failed')::bigint, 0) as pages_failed
) as counted;

comment on view analysis.run is 'One row for each execution of a spider, with its outcome and its counts.';
comment on column analysis.run.run_id is 'Key of the run';
comment on column analysis.run.spider is 'Name of the spider';
comment on column analysis.run.arguments is 'What it was asked to crawl';
comment on column analysis.run.outcome is
    'ok, partial (some pages or images failed), blocked (the marketplace or its robots.txt refused, which says '
    'nothing about any listing) or failed (it broke off); null while it runs, and for ever where it was killed';
comment on column analysis.run.finish_reason is 'Why the crawler stopped';
comment on column analysis.run.started_at is 'When it started';
comment on column analysis.run.finished_at is 'When it ended; null while it runs, and for ever where it was killed';
comment on column analysis.run.heartbeat_at is 'When it last gave a sign of life';
comment on column analysis.run.duration_s is 'Seconds from its start to its end or its last sign of life';
comment on column analysis.run.responses is 'Answers received, images among them';
comment on column analysis.run.response_bytes is 'Bytes received';
comment on column analysis.run.listings_stored is 'Listings written';
comment on column analysis.run.listings_failed is 'Listings that could not be written';
comment on column analysis.run.images_fetched is 'Images fetched';
comment on column analysis.run.images_known is 'Images not fetched because they were held already';
comment on column analysis.run.images_missing is 'Images that could not be had';
comment on column analysis.run.images_unusable is 'Images that cannot be compared';
comment on column analysis.run.images_looked_up is 'Images searched for among those of the other side';
comment on column analysis.run.matches is 'Pairs of images decided as match';
comment on column analysis.run.possible is 'Pairs of images decided as possible';
comment on column analysis.run.pages_blocked is 'Pages that the marketplace refused to show';
comment on column analysis.run.pages_refused_by_robots is
    'Pages that robots.txt does not allow and that were not asked for';
comment on column analysis.run.pages_gone is 'Pages that no longer exist';
comment on column analysis.run.pages_changed is
    'Pages of a known kind whose data was missing: the page module needs mending';
comment on column analysis.run.pages_unknown is 'Pages of no known kind';
comment on column analysis.run.pages_failed is 'Pages that could not be fetched';
comment on column analysis.run.jobid is 'scrapyd’s name of the run; null where scrapyd did not start it';
comment on column analysis.run.host is 'Machine that it ran on';
comment on column analysis.run.version is 'Version of the program';

create view analysis.page_trouble as
select
    p.run as run_id, r.spider, p.kind, p.url, p.detail, p.http_status, encode(p.page_sha256, 'hex') as page_sha256,
    p.seen_at
from page_problem p
join run r on r.id = p.run;

comment on view analysis.page_trouble is 'Every page that gave no data, by run.';
comment on column analysis.page_trouble.run_id is 'Key of the run';
comment on column analysis.page_trouble.spider is 'Name of the spider';
comment on column analysis.page_trouble.kind is 'blocked, changed, unknown, gone or failed';
comment on column analysis.page_trouble.url is 'Address of the page';
comment on column analysis.page_trouble.detail is 'What was wrong, in words';
comment on column analysis.page_trouble.http_status is 'Status of the answer; null where there was none';
comment on column analysis.page_trouble.page_sha256 is
    'SHA-256 of the page as it was kept, in hex; null where nothing came';
comment on column analysis.page_trouble.seen_at is 'When it happened';

-- The tables, for those who read them too.

comment on table marketplace is 'A site where goods are offered, with the side on which its sellers stand by default.';
comment on table artisan is
    'The person who made originals; owns one or more sellers, original files, a contact that a person entered, an '
    'opt-out.';
comment on table seller is 'The account behind a listing, on any marketplace.';
comment on table seller_alias is
    'Another key under which a seller is known; through it a provisional seller is merged into the firm one.';
comment on table run is 'One execution of a spider, with its outcome.';
comment on table page_problem is 'A page that gave no data in a run, and why.';
comment on table listing is 'One offer page, by its marketplace and the marketplace’s own key.';
comment on table listing_event is
    'A change of a listing: first sight, title, price, images or state, with the run that saw it.';
comment on table image is
    'The exact bytes of an image, by their SHA-256, never re-encoded; the same bytes on both sides are one image.';
comment on table listing_image is 'An image at a position in a listing, or the reason why its bytes could not be had.';
comment on table original_file is 'An image that an artisan gave, original or out-take, with no listing.';
comment on table date_claim is
    'A bound on when a listing or an image existed: not before, or by; never the moment itself.';
comment on table phash is
    'A 64-bit perceptual hash, stored once however many images share it, cut into three bands for the search.';
comment on table phash_flip is 'The ways to flip up to two bits of a band, by which near hashes are found.';
comment on table image_phash is 'A perceptual hash of an image, of its mirror, or of either without its plain border.';
comment on table lookup is
    'An image in one of the two roles, and when it was last searched for among the images in the other.';
comment on table match is
    'A verified pair of an original image and a suspect image, with the program’s decision at its newest.';
comment on table match_decision is 'What each version of the algorithm decided on a pair; rows are only added.';
comment on table schema_migration is 'A migration that was applied to this database.';
comment on table finding is
    'All matches between one original, a listing or a file, and one suspect listing: what a person judges.';
