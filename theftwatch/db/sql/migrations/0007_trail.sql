-- From a match to the vendor's other shops, and what became of a copied photo.

-- The one place that says which sellers are siblings: those that share a key of one company. A name is none.
create view sibling as
select distinct own.seller, other.seller as sibling
from company_alias own
join company_alias other using (marketplace, kind, value)
where other.seller <> own.seller;
comment on view sibling is 'One row for each seller and another one of the same company.';

create function company_name_key(name text) returns text
language sql immutable parallel safe as $$
    select nullif(regexp_replace(lower(name), '[^[:alnum:]]', '', 'g'), '')
$$;
comment on function company_name_key is 'A company’s name in the one form by which names are compared.';
create index seller_name on seller (marketplace, company_name_key(name));

-- What was a vendor whose shop is to be watched is a finding now: each has words of its own to go on with.
drop table trail_due;
create table trail_due (
    finding bigint primary key references finding on delete cascade
);
comment on table trail_due is 'Findings from which the trail may lead on: with a new match, or with a vendor of whom more is known.';
-- null: the trail has not been followed from here
alter table finding add column followed_at timestamptz;
insert into trail_due (finding) select id from finding;

alter table target
    drop constraint target_kind_check,
    add check (kind in ('shop', 'vendor', 'archive', 'search', 'showroom', 'url', 'listing')),
    -- how far from the match that led to it: 1 the vendor's shop, 2 a shop of a sibling, 3 a showroom of its listing's words;
    -- a listing that one of them led to has that one's
    add column step smallint check (step between 1 and 3);
update target set step = 1 where match is not null;
create index target_match on target (match) where match is not null;

comment on column analysis.target.kind is 'shop, vendor, archive, search, showroom, url or listing';
comment on column analysis.target.ref is 'Name of the shop or vendor, words, address, or the marketplace''s key of the listing';

create view analysis.trail as
select
    t.match as match_id, t.step, (array['shop', 'sibling', 'showroom'])[t.step] as leads_to, t.id as target_id, t.marketplace,
    t.kind, t.ref, t.reason, t.found_on as found_on_target_id, t.added_at, t.paused_at, t.outcome, t.finished_at
from target t
where t.match is not null;

comment on view analysis.trail is 'One row for each target that a match led to, with how far from it that is.';
comment on column analysis.trail.match_id is 'Key of the match';
comment on column analysis.trail.step is '1 to 3: steps from the match';
comment on column analysis.trail.leads_to is
    'What the step leads to: the vendor’s own shop, a sibling’s, or a showroom with the words of the matched listing';
comment on column analysis.trail.target_id is 'Key of the target';
comment on column analysis.trail.marketplace is 'Where it is';
comment on column analysis.trail.kind is 'shop, vendor, showroom, or listing: one that such a page led to';
comment on column analysis.trail.ref is 'Name of the shop or vendor, words, or the marketplace’s key of the listing';
comment on column analysis.trail.reason is 'Why it is watched';
comment on column analysis.trail.found_on_target_id is 'Key of the target on whose pages it was found; null where the match led to it itself';
comment on column analysis.trail.added_at is 'When it was added';
comment on column analysis.trail.paused_at is 'Since when it is not crawled; null where it is';
comment on column analysis.trail.outcome is 'How it went last: ok, partial, blocked, refused (by robots.txt), gone or failed';
comment on column analysis.trail.finished_at is 'When that was';

-- A row for each photo that ever stood under a key, so that one which another took the place of is not forgotten.
alter table listing_image
    drop constraint listing_image_pkey,
    add constraint listing_image_one_row_a_photo unique nulls not distinct (listing, image_key, image);

alter table listing_event
    drop constraint listing_event_kind_check,
    add check (kind in (
        'first_seen', 'title', 'price', 'images', 'state',
        'photo' -- another photo under the same key
    ));

create function joined_later(place listing_image) returns boolean
language sql stable parallel safe as $$
    select exists (
        select from listing_event e
        where e.listing = place.listing and e.seen_at = place.first_seen_at
            and (
                (e.kind = 'images' and e.after ? place.image_key and not e.before ? place.image_key)
                or (e.kind = 'photo' and e.after ->> 'key' = place.image_key)
            )
    )
$$;
comment on function joined_later is 'Whether a photo came into a listing that had been read in full without it.';

-- The one place that says which photos of a suspect listing a finding rests on: those that match and count.
create view matched_photo as
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
    );
comment on view matched_photo is 'One row for each photo of a suspect listing, and each original it matches, that a finding rests on.';

create table absence (
    listing bigint not null references listing on delete cascade,
    run bigint not null references run on delete cascade,
    seen_at timestamptz not null,
    primary key (listing, run)
);
create index absence_run on absence (run);
comment on table absence is
    'A run that read a listing in full and missed matched photos that it once showed; until they count as removed.';

create table removal (
    id bigint generated always as identity primary key,
    finding bigint not null references finding on delete cascade,
    how text not null check (how in (
        'gone', -- the listing is
        'photo' -- the listing is there without any matched photo
    )),
    -- the matched photos were there at the first moment and not at the second, as runs saw it; the third confirmed it
    last_shown_at timestamptz not null,
    missed_at timestamptz not null,
    removed_at timestamptz not null,
    -- that missed them first
    run bigint not null references run,
    -- since when the same listing shows one of them again
    shown_again_at timestamptz
);
create unique index removal_open on removal (finding) where shown_again_at is null;
create index removal_finding on removal (finding);
comment on table removal is
    'A time in which the matched photos of a finding were not to be seen in its listing, as two good runs hours apart say.';

create view analysis.removal as
select
    r.id as removal_id, r.finding as finding_id, r.how, r.last_shown_at, r.missed_at, r.removed_at, r.shown_again_at,
    coalesce(o.url, file.name) as original, l.marketplace as suspect_marketplace, l.seller_id as suspect_seller_id,
    l.seller as suspect_seller, l.listing_ref as suspect_listing_ref, l.url as suspect_url, l.state as suspect_state
from removal r
join finding f on f.id = r.finding
join analysis.listing l on l.listing_id = f.suspect_listing
left join analysis.listing o on o.listing_id = f.original_listing
left join original_file file on file.id = f.original_file
left join artisan a on a.id = file.artisan
where o.listing_id is not null or (file.id is not null and a.opted_out_at is null);

comment on view analysis.removal is
    'One row for each time that the matched photos of a finding were taken away, be it with their listing or out of it.';
comment on column analysis.removal.removal_id is 'Key of the removal';
comment on column analysis.removal.finding_id is 'Key of the finding';
comment on column analysis.removal.how is
    'gone: the listing is; photo: it is there without any matched photo; as it was when the removal was confirmed';
comment on column analysis.removal.last_shown_at is 'When a matched photo was last seen in the listing';
comment on column analysis.removal.missed_at is 'When the first good run did not see any; it was taken away between the two';
comment on column analysis.removal.removed_at is
    'When another good run, six hours later or more, did not see any either: since when it counts';
comment on column analysis.removal.shown_again_at is 'When the same listing showed one of them again; null where it does not';
comment on column analysis.removal.original is 'Address of the original’s listing, or name of the artisan’s file';
comment on column analysis.removal.suspect_marketplace is 'The site of the suspect listing';
comment on column analysis.removal.suspect_seller_id is 'Key of the vendor';
comment on column analysis.removal.suspect_seller is 'Name of the vendor';
comment on column analysis.removal.suspect_listing_ref is 'The marketplace’s own key of the suspect listing';
comment on column analysis.removal.suspect_url is 'Address of the suspect listing';
comment on column analysis.removal.suspect_state is 'What the suspect listing is now: live, gone or unknown';

-- Worked out from removals, findings and sights, so that it does not depend on which of them was known first. What was
-- there while the photos were still shown elsewhere is a copy of its own: so the run that first missed them is the bound.
create view relisting as
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
) as photo
where g.suspect_listing <> f.suspect_listing
    and (
        fresh.seller = old.seller
        or exists (select from sibling where sibling.seller = old.seller and sibling.sibling = fresh.seller)
    )
    and photo.seen_at >= least(run.started_at, r.missed_at)
    and (r.shown_again_at is null or photo.seen_at < r.shown_again_at);
comment on view relisting is 'One row for each place where photos that had been removed were seen again; analysis.relisting says it in words.';

create view analysis.relisting as
select
    again.removal as removal_id, again.finding as finding_id, again.place, again.relisted_finding as relisted_finding_id,
    l.seller_id as suspect_seller_id, l.seller as suspect_seller, l.listing_ref, l.url, r.removed_at, again.relisted_at,
    greatest(again.relisted_at - r.missed_at, interval '0') as gap
from relisting again
-- one by one, by their keys: the planner would read all listings for a few
cross join lateral (select * from analysis.removal where removal_id = again.removal offset 0) as r
cross join lateral (select * from analysis.listing where listing_id = again.listing offset 0) as l;

comment on view analysis.relisting is
    'One row for each place where photos that had been removed were seen again, verified: in the same listing, or in '
    'another of the vendor or of a sibling, where they were not while the old one still showed them.';
comment on column analysis.relisting.removal_id is 'Key of the removal that it undoes';
comment on column analysis.relisting.finding_id is 'Key of the finding whose photos had been removed';
comment on column analysis.relisting.place is
    'same_listing, same_vendor (another listing of the vendor) or sibling (one of a shop of the same company)';
comment on column analysis.relisting.relisted_finding_id is 'Key of the finding with the listing that shows them now';
comment on column analysis.relisting.suspect_seller_id is 'Key of the vendor of that listing';
comment on column analysis.relisting.suspect_seller is 'Name of the vendor of that listing';
comment on column analysis.relisting.listing_ref is 'The marketplace’s own key of that listing';
comment on column analysis.relisting.url is 'Address of that listing';
comment on column analysis.relisting.removed_at is 'Since when the removal counted';
comment on column analysis.relisting.relisted_at is 'When one of the photos was first seen there, or seen again';
comment on column analysis.relisting.gap is
    'How long they had been missed by then; zero where the run that missed them saw them elsewhere';

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
    reason.text as not_proposable_because,
    gone.removed_at, gone.how as removed_how,
    (select count(*) from relisting again where again.finding = summed.finding_id) as relistings
from summed
left join direction d on d.finding = summed.finding_id
left join removal gone on gone.finding = summed.finding_id and gone.shown_again_at is null
cross join lateral (
    select case
        when summed.matches + summed.possible = 0 then 'suppressed'
        when summed.relation is not null then 'relation'
        when d.direction is null then 'direction: not looked'
        when d.direction <> 'original_first' then 'direction: ' || d.direction
    end as text
) as reason;

comment on column analysis.finding.removed_at is
    'Since when its photos count as removed from the suspect listing; null where they are there, or that is not certain';
comment on column analysis.finding.removed_how is 'gone: the listing is; photo: it is there without any matched photo';
comment on column analysis.finding.relistings is
    'How often its photos, once removed, were seen again, there or in another listing of the vendor or a sibling';
