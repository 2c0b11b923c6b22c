-- What a match means: which photos prove nothing, who was first, and who may use whose photos.

-- A key that several sellers may share because one company stands behind them; those sellers are siblings. What names one
-- seller alone is in seller_alias.
create table company_alias (
    marketplace text not null references marketplace,
    kind text not null,
    value text not null,
    seller bigint not null references seller on delete cascade,
    first_seen_at timestamptz not null,
    primary key (marketplace, kind, value, seller)
);
create index company_alias_seller on company_alias (seller);
comment on table company_alias is 'A key of the company behind a seller; sellers that share one are siblings.';

-- What verification does not need of an image, and suppression and direction do; read once an image has matched.
create table image_reading (
    image bigint primary key references image on delete cascade,
    reader_version int not null,
    -- estimated from the quantisation tables; null where the file is no JPEG
    jpeg_quality int check (jpeg_quality between 1 and 100),
    -- null while the image has never been an original in a match
    text_panel boolean,
    -- what the answer rests on: lines, rulings and their shares of the picture
    panel jsonb,
    read_at timestamptz not null
);
comment on table image_reading is
    'What was read off an image that matched: how strongly it was compressed, and whether it is a panel of text.';

create table suppression (
    id bigint generated always as identity primary key,
    image bigint not null references image on delete cascade,
    rule text not null check (rule in (
        'placeholder', -- a marketplace's stand-in for a photo, or an icon
        'common', -- many unrelated vendors and several artisans show it: a supplier's or a stock photo
        'banner', -- one vendor shows it beside many of its goods
        'text_panel' -- a size chart, a certificate, a panel of text
    )),
    -- of a banner, whose: with other vendors the image counts; null: whoever shows it
    seller bigint references seller on delete cascade,
    -- sellers that show the image or one like it, siblings and an artisan's own shops once; of a banner, the goods it stands with
    document_frequency int,
    measured_on jsonb not null default '{}',
    -- null: the rule itself, which lifts the suppression again when it no longer holds
    made_by text,
    made_at timestamptz not null,
    lifted_at timestamptz,
    undone_at timestamptz,
    undone_by text,
    undone_reason text,
    active boolean not null generated always as (lifted_at is null and undone_at is null) stored,
    check ((undone_at is null) = (undone_by is null)),
    unique nulls not distinct (image, rule, seller)
);
create index suppression_seller on suppression (seller) where seller is not null;
comment on table suppression is
    'A rule by which matches of an image prove nothing, with its figure. Matches stay; a person can undo it for good.';

create table relation (
    id bigint generated always as identity primary key,
    artisan bigint not null references artisan,
    seller bigint not null references seller,
    kind text not null check (kind in ('own_shop', 'licensee', 'reseller', 'common_supplier')),
    -- what it covers: one of the artisan's listings or files; both null: all
    original_listing bigint references listing on delete cascade,
    original_file bigint references original_file on delete cascade,
    starts_at timestamptz,
    expires_at timestamptz,
    note text,
    made_by text not null,
    made_at timestamptz not null,
    ended_at timestamptz,
    ended_by text,
    -- whether it held when that was last worked out; SQL knows no present moment
    active boolean not null,
    check (original_listing is null or original_file is null),
    check (expires_at > starts_at)
);
create index relation_artisan on relation (artisan, seller);
create index relation_seller on relation (seller);
comment on table relation is
    'By which right a vendor may show an artisan’s photos, for how long and for which; such matches are never proposed.';

create table direction (
    finding bigint primary key references finding on delete cascade,
    direction text not null check (direction in (
        'original_first', 'suspect_first', -- on known evidence
        'undecided'
    )),
    margin_days int,
    -- the two bounds that were compared, as {side, kind, earliest_at, latest_at, source, strength, about}
    original_claim jsonb,
    suspect_claim jsonb,
    weakest_link text,
    -- the cheapest proof that would settle it; null where it is settled
    missing_proof text,
    -- from the pixels: which side is the likelier source
    likelier_source text not null check (likelier_source in ('original', 'suspect', 'undecided')),
    pixel_reasons text[] not null default '{}',
    decided_at timestamptz not null
);
comment on table direction is
    'Who was first, by the dates known and, apart from them, by the pixels: one row for each finding.';

-- What changed since suppressions and directions were last worked out.
create table context_due (
    kind text not null check (kind in ('image', 'seller', 'finding')),
    id bigint not null,
    primary key (kind, id)
);
comment on table context_due is 'What has to be looked at anew before suppressions and directions are right again.';

insert into context_due (kind, id)
select 'image', original_image from match
union select 'image', suspect_image from match
union select 'seller', l.seller
from finding f
join listing l on l.id = f.suspect_listing
where l.seller is not null
union select 'finding', id from finding;

create function hash_distance_bits(one bytea, other bytea) returns int
language sql immutable parallel safe as $$
    select bit_count(('x' || encode(one, 'hex'))::bit(256) # ('x' || encode(other, 'hex'))::bit(256))::int
$$;
comment on function hash_distance_bits is 'How many of the 256 bits of two perceptual hashes differ.';

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
    end as relation
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
        select distinct p.rule
        from suppression p
        where p.image in (m.original_image, m.suspect_image) and p.active and (p.seller is null or p.seller = ss.id)
        order by p.rule
    ) as rules
) as kept_apart
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
    'Rules by which the match proves nothing (placeholder, common, banner, text_panel); null where it counts';
comment on column analysis.match.relation is
    'By which right the vendor may show the original (own_shop, licensee, reseller, common_supplier); null where none '
    'is known or it has ended';

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
        min(relation) as relation
    from analysis.match
    where finding_id is not null
    group by
        finding_id, original_kind, artisan, original_marketplace, original_seller, original_listing_ref,
        original_title, original_url, original_file_name, suspect_marketplace, suspect_seller_id, suspect_seller,
        suspect_listing_ref, suspect_title, suspect_url, suspect_state
)
select
    summed.*,
    d.direction, d.margin_days, d.weakest_link, d.missing_proof, d.likelier_source, d.pixel_reasons,
    case
        when d.direction = 'undecided' or d.likelier_source = 'undecided' then null
        else (d.direction = 'original_first') = (d.likelier_source = 'original')
    end as dates_and_pixels_agree,
    reason.text is null as proposable,
    reason.text as not_proposable_because
from summed
left join direction d on d.finding = summed.finding_id
cross join lateral (
    select case
        when summed.matches + summed.possible = 0 then 'suppressed'
        when summed.relation is not null then 'relation'
        when d.direction is null then 'direction: not looked'
        when d.direction <> 'original_first' then 'direction: ' || d.direction
    end as text
) as reason;

comment on column analysis.finding.matches is 'Pairs of photos with the decision match, those suppressed left out';
comment on column analysis.finding.possible is 'Pairs of photos with the decision possible, those suppressed left out';
comment on column analysis.finding.best_score is 'Highest score among all the pairs';
comment on column analysis.finding.suppressed is 'Pairs that prove nothing, by a rule of analysis.suppression';
comment on column analysis.finding.relation is
    'By which right the vendor may show the original, such as licensee; null where none is known';
comment on column analysis.finding.direction is
    'Who was first by the dates known: original_first, suspect_first or undecided; null while that was not looked at';
comment on column analysis.finding.margin_days is 'Days between the two bounds that decide; null where undecided';
comment on column analysis.finding.weakest_link is 'The claim among them that is the easiest to doubt, in words';
comment on column analysis.finding.missing_proof is
    'The cheapest proof that would settle who was first; null where it is settled';
comment on column analysis.finding.likelier_source is
    'Which side’s photo is the likelier source by the pixels alone: original, suspect or undecided';
comment on column analysis.finding.pixel_reasons is 'Why, one for each thing seen';
comment on column analysis.finding.dates_and_pixels_agree is
    'Whether dates and pixels point to the same side; null where one of them is undecided';
comment on column analysis.finding.proposable is
    'Whether a case may be built on it: it counts, no relation covers it, and the original was first';
comment on column analysis.finding.not_proposable_because is
    'suppressed, relation, or direction with its answer; null where it is proposable';

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
        count(distinct match_id) filter (where suppressed_by is null and relation is not null) as related
    -- an offset, so that whether a pair counts is worked out once and not for each figure
    from (select *, suppressed_by is null and relation is null as counts from analysis.match offset 0) as m
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
    coalesce(matched.related, 0) as related
from vendor
left join matched using (key)
left join analysis.seller s on s.seller_id = vendor.seller_id;

comment on view analysis.vendor is
    'One row for each seller on the suspect side, with its matches and what they rest on; a vendor without a match '
    'has a row too. Pairs that are suppressed or covered by a relation are counted in columns of their own alone.';
comment on column analysis.vendor.suppressed is 'Pairs of photos that prove nothing, by a rule of analysis.suppression';
comment on column analysis.vendor.related is 'Pairs of photos that a relation covers, such as licensee';

create view analysis.suppression as
select
    p.id as suppression_id, p.rule, p.active,
    case
        when p.undone_at is not null then 'undone'
        when p.lifted_at is not null then 'lifted'
        else 'active'
    end as state,
    encode(i.sha256, 'hex') as image_sha256, s.id as seller_id, s.name as seller,
    p.document_frequency, p.measured_on, p.made_by, p.made_at, p.lifted_at, p.undone_at, p.undone_by, p.undone_reason,
    held.matches, held.findings, held.originals, held.vendors
from suppression p
join image i on i.id = p.image
left join seller s on s.id = p.seller
cross join lateral (
    select
        count(distinct m.match_id) as matches, count(distinct m.finding_id) as findings,
        count(distinct m.original_sha256) as originals, count(distinct m.suspect_seller_id) as vendors
    from match pair
    join analysis.match m on m.match_id = pair.id
    where p.image in (pair.original_image, pair.suspect_image) and (p.seller is null or p.seller = m.suspect_seller_id)
) as held
where exists (
        select from listing_image li join analysis.listing l on l.listing_id = li.listing where li.image = p.image
    )
    or exists (
        select from original_file f
        join artisan a on a.id = f.artisan
        where f.image = p.image and a.opted_out_at is null
    );

comment on view analysis.suppression is
    'One row for each image and rule by which its matches prove nothing, with the figure, what it was measured on, and '
    'what the image matches.';
comment on column analysis.suppression.suppression_id is 'Key of the suppression';
comment on column analysis.suppression.rule is 'placeholder, common, banner or text_panel';
comment on column analysis.suppression.active is 'Whether matches of the image are kept apart by it';
comment on column analysis.suppression.state is
    'active, lifted (the rule no longer holds) or undone (a person said so, for good)';
comment on column analysis.suppression.image_sha256 is 'SHA-256 of the exact bytes of the image, in hex';
comment on column analysis.suppression.seller_id is
    'Key of the vendor whose banner it is; null: it holds whoever shows the image';
comment on column analysis.suppression.seller is 'Name of that vendor';
comment on column analysis.suppression.document_frequency is
    'Sellers that show the image or one like it, siblings and an artisan’s own shops once; of a banner, goods beside it';
comment on column analysis.suppression.measured_on is 'What the figure was measured on, as an object';
comment on column analysis.suppression.made_by is 'The person who made it; null where the rule did';
comment on column analysis.suppression.made_at is 'When it was made';
comment on column analysis.suppression.lifted_at is 'Since when the rule no longer holds; null where it does';
comment on column analysis.suppression.undone_at is 'When a person undid it; null where nobody did';
comment on column analysis.suppression.undone_by is 'Who undid it';
comment on column analysis.suppression.undone_reason is 'Why';
comment on column analysis.suppression.matches is 'Pairs of photos that it keeps apart, or would if it were active';
comment on column analysis.suppression.findings is 'Findings that these pairs belong to';
comment on column analysis.suppression.originals is 'Different originals among these pairs';
comment on column analysis.suppression.vendors is 'Vendors among these pairs';

create view analysis.relation as
select
    r.id as relation_id, a.name as artisan, s.marketplace, s.id as seller_id, s.seller_ref, s.name as seller, r.kind,
    r.active, l.url as original_url, f.name as original_file_name, r.starts_at, r.expires_at, r.note, r.made_by,
    r.made_at, r.ended_at, r.ended_by
from relation r
join artisan a on a.id = r.artisan
join seller s on s.id = r.seller
left join listing l on l.id = r.original_listing
left join original_file f on f.id = r.original_file
where a.opted_out_at is null;

comment on view analysis.relation is
    'One row for each right by which a vendor may show an artisan’s photos. Siblings of the vendor are covered too.';
comment on column analysis.relation.relation_id is 'Key of the relation';
comment on column analysis.relation.artisan is 'Name of the artisan';
comment on column analysis.relation.marketplace is 'The site where the vendor offers goods';
comment on column analysis.relation.seller_id is 'Key of the vendor';
comment on column analysis.relation.seller_ref is 'The marketplace’s own key of the vendor';
comment on column analysis.relation.seller is 'Name of the vendor';
comment on column analysis.relation.kind is 'own_shop, licensee, reseller or common_supplier';
comment on column analysis.relation.active is 'Whether it held when that was last worked out';
comment on column analysis.relation.original_url is 'The one listing that it covers; null where it covers more';
comment on column analysis.relation.original_file_name is 'The one file that it covers; null where it covers more';
comment on column analysis.relation.starts_at is 'Since when it holds; null: always';
comment on column analysis.relation.expires_at is 'Until when it holds; null: without an end';
comment on column analysis.relation.note is 'What it rests on, in a person’s words';
comment on column analysis.relation.made_by is 'Who entered it';
comment on column analysis.relation.made_at is 'When it was entered';
comment on column analysis.relation.ended_at is 'When a person ended it; null where nobody did';
comment on column analysis.relation.ended_by is 'Who ended it';
