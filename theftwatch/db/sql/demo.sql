-- find_progress --
-- Counts what a marketplace's part of the record holds by now.
select
    m.code,
    (select count(*) from listing l where l.marketplace = m.code),
    (
        select count(distinct li.image)
        from listing_image li join listing l on l.id = li.listing
        where l.marketplace = m.code
    ),
    (
        select count(distinct li.image)
        from listing_image li
        join listing l on l.id = li.listing
        join lookup k on k.image = li.image
        where l.marketplace = m.code and k.side = m.default_side and k.looked_up_at is not null
    )
from marketplace m;

-- count_matches --
select count(*) from match where decision = 'match';

-- find_matched_places --
-- Lists, for every match, where the original and the suspect image stand, by the names that the marketplaces give them.
select
    ol.marketplace, ol.listing_ref, o.image_key,
    sl.marketplace, sl.listing_ref, s.image_key,
    m.decision
from match m
join listing_image o on o.image = m.original_image
join listing ol on ol.id = o.listing
join listing_image s on s.image = m.suspect_image
join listing sl on sl.id = s.listing
join finding f on f.original_listing = ol.id and f.suspect_listing = sl.id
where m.decision <> 'no_match';

-- find_last_runs --
-- Lists the newest run of each spider with what became of it.
select distinct on (spider) spider, outcome, stats, started_at, finished_at from run order by spider, id desc;

-- find_vendor_matches --
-- Sums the matches up by vendor and by the shop whose photos they are.
select
    coalesce(vs.name, vs.seller_ref) as vendor, coalesce(os.name, os.seller_ref) || ' (' || ol.marketplace || ')' as shop,
    count(distinct sl.id), count(distinct m.suspect_image), max(m.score)
from match m
join listing_image o on o.image = m.original_image
join listing ol on ol.id = o.listing
join seller os on os.id = ol.seller
join listing_image s on s.image = m.suspect_image
join listing sl on sl.id = s.listing
join seller vs on vs.id = sl.seller
join finding f on f.original_listing = ol.id and f.suspect_listing = sl.id
where m.decision = 'match'
group by vs.id, os.id, ol.marketplace
order by sum(count(distinct m.suspect_image)) over (partition by vs.id) desc, 1, count(distinct m.suspect_image) desc, 2;
