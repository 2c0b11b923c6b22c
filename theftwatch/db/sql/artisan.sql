-- find_artisans_listed --
-- Lists artisans by name, with how many findings on their photos have which verdict. Pages follow each other by name.
select a.id as artisan_id, a.name, of_theirs.findings, of_theirs.waiting, of_theirs.confirmed
from (
    select * from artisan
    where opted_out_at is null and (%(after)s::text is null or name > %(after)s::text)
    order by name
    limit %(most)s
) as a
-- one by one, by the index that holds all that is counted
cross join lateral (
    select
        count(*) as findings, count(*) filter (where because is not null) as waiting,
        count(*) filter (where verdict = 'confirmed') as confirmed
    from review_queue
    where artisan = a.id
) as of_theirs
order by a.name;

-- find_artisan_facts --
-- Finds an artisan who did not opt out, with what the record holds of what the artisan gave.
select
    a.id as artisan_id, a.name, a.contact, count(f.id) filter (where f.kind = 'original') as originals,
    count(f.id) filter (where f.kind = 'outtake') as outtakes,
    count(f.id) filter (where exists (select from timestamp_token t where t.sha256 = i.sha256)) as stamped,
    max(f.first_seen_at) as last_given_at
from artisan a
left join original_file f on f.artisan = a.id
left join image i on i.id = f.image
where a.id = %(artisan)s and a.opted_out_at is null
group by a.id, a.name, a.contact;

-- find_artisan_shops --
-- Lists the shops of an artisan, with how many of their listings are there.
select
    s.seller_id, s.marketplace, s.seller_ref, coalesce(s.seller, s.seller_ref) as name, s.url, s.last_seen_at,
    (select count(*) from listing l where l.seller = s.seller_id and l.state <> 'gone') as listings,
    (select count(*) from listing l where l.seller = s.seller_id and l.state = 'gone') as listings_gone
from analysis.seller s
where s.artisan_id = %(artisan)s
order by s.marketplace, name;

-- find_artisan_exposure --
-- Counts the findings on an artisan's photos, of all vendors in the first row and then of each, by what people said, and of
-- the listings that were confirmed how many are up, and how many are down: gone, or there without the photos.
with judged as (
    select
        q.finding, q.vendor, q.marketplace, q.because, q.verdict, f.suspect_listing,
        l.state = 'gone' or exists (
            select from removal r where r.finding = q.finding and r.shown_again_at is null
        ) as is_down
    from review_queue q
    join finding f on f.id = q.finding
    join listing l on l.id = f.suspect_listing
    where q.artisan = %(artisan)s
)
select
    grouping(j.marketplace) = 1 as of_all, j.vendor as vendor_id, j.marketplace, s.seller_ref,
    coalesce(s.name, s.seller_ref) as name, count(*) as findings,
    count(*) filter (where j.because is not null) as waiting,
    count(*) filter (where j.verdict = 'confirmed') as confirmed,
    count(*) filter (where j.verdict = 'rejected') as rejected,
    count(*) filter (where j.verdict = 'unsure') as unsure,
    count(distinct j.suspect_listing) filter (where j.verdict = 'confirmed' and not j.is_down) as listings_up,
    count(distinct j.suspect_listing) filter (where j.verdict = 'confirmed' and j.is_down) as listings_down
from judged j
left join seller s on s.id = j.vendor
group by grouping sets ((), (j.vendor, j.marketplace, s.seller_ref, s.name))
order by of_all desc, confirmed desc, findings desc, name
limit 1 + %(most)s;

-- find_artisan_cases --
-- Lists the newest cases of an artisan, one by one, so that they cost what they are.
select c.case_id, c.vendor_id, c.vendor, c.state, c.listings, c.listings_removed, c.opened_at, c.filed_at
from (select id from takedown_case where artisan = %(artisan)s order by id desc limit %(most)s) as newest
cross join lateral (select * from analysis.case where case_id = newest.id offset 0) as c
order by c.is_open desc, c.opened_at desc;
