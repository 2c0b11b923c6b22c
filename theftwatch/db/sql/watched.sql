-- find_watched --
-- Finds one target, with the shop, vendor or listing that it stands for where that was seen.
select
    t.id as target_id, t.marketplace, t.kind, t.ref, t.url, t.every, t.reason, t.added_at, t.due_at, t.paused_at,
    t.lease_token is not null as leased, t.finished_at, t.outcome, l.id as listing_id,
    case when t.kind = 'listing' then l.seller else s.id end as seller_id
from target t
left join listing l on t.kind = 'listing' and l.marketplace = t.marketplace and l.listing_ref = t.ref
left join lateral (
    select seller.id
    from seller
    where t.kind in ('shop', 'vendor') and seller.marketplace = t.marketplace
        and (
            seller.seller_ref = t.ref
            or exists (
                select from seller_alias a
                where a.seller = seller.id and a.marketplace = t.marketplace and a.kind in ('subdomain', 'shop_name')
                    and a.value in (t.ref, lower(t.ref))
            )
        )
    limit 1
) as s on true
where t.id = %(target)s;

-- find_seller_of --
-- Finds who offers goods, and on which side, unless its artisan opted out.
select seller_id, marketplace, seller_ref, coalesce(seller, seller_ref) as name, url, side, artisan_id
from analysis.seller
where seller_id = %(seller)s;

-- sum_up_looked --
-- Sums up what was seen of a listing, or else of a seller, and what of that was compared as one side.
select
    count(distinct l.id) as listings, count(distinct li.image) as photos,
    count(distinct li.image) filter (where k.looked_up_at is not null) as compared,
    count(*) filter (where li.missing_reason is not null) as missing
from listing l
left join listing_image li on li.listing = l.id
left join lookup k on k.image = li.image and k.side = %(side)s
where (%(listing)s::bigint is not null and l.id = %(listing)s::bigint)
    or (%(listing)s::bigint is null and l.seller = %(seller)s::bigint);

-- find_findings_of --
-- Lists the findings of a listing, or else of a seller, on either side, in the order of the queue; with how many there are.
select q.finding, count(*) over () as of_all
from review_queue q
where q.finding in (
    select id from finding where suspect_listing = %(listing)s::bigint
    union all
    select id from finding where original_listing = %(listing)s::bigint
    union all
    select finding from review_queue where %(listing)s::bigint is null and vendor = %(seller)s::bigint
    union all
    select finding from review_queue where %(listing)s::bigint is null and shop = %(seller)s::bigint
)
order by q.urgent desc, q.score desc, q.matched_at desc, q.finding desc
limit %(most)s;

-- find_target_problems --
-- Lists what was in the way of a target, the newest first.
select p.kind, p.detail, p.seen_at
from page_problem p
where p.target = %(target)s
order by p.seen_at desc, p.url
limit %(most)s;

-- find_photos_of --
-- Lists the photos that a listing shows, in order; or else the first ones of a seller's listings, the newest listing first.
(
    select encode(i.sha256, 'hex') as sha256, li.source_url, li.missing_reason
    from listing_image li
    left join image i on i.id = li.image
    where li.listing = %(listing)s::bigint and li.shown
    order by li.position, li.image_key
    limit %(most)s
)
union all
(
    select encode(i.sha256, 'hex'), first.source_url, first.missing_reason
    from listing l
    cross join lateral (
        select li.image, li.source_url, li.missing_reason
        from listing_image li
        where li.listing = l.id and li.shown
        order by li.position, li.image_key
        limit 1
    ) as first
    left join image i on i.id = first.image
    where %(listing)s::bigint is null and l.seller = %(seller)s::bigint and l.state <> 'gone'
    order by l.id desc
    limit %(most)s
);

-- find_last_run_of --
-- Finds when a spider last ended, how, and when that run began.
select outcome, finished_at, started_at from run where spider = %(spider)s and outcome is not null order by id desc limit 1;

-- find_crawl --
-- Finds the newest run under way, and not killed, that crawls what is due on a marketplace.
select run_id, started_at, heartbeat_at, responses as pages, listings_stored as listings
from analysis.run
where spider = %(spider)s and finished_at is null and heartbeat_at > %(since)s
    and arguments - '{limit,minutes}'::text[] = '{}'
order by run_id desc
limit 1;

-- count_led --
-- Counts the listings that a target led to, and those of them that were read.
select count(*) as listings, count(finished_at) as read from target where found_on = %(target)s;

-- find_all_watched --
-- Lists what people asked to be watched, the newest first. Pages follow each other by the last target of the one before.
select id as target_id, marketplace, kind, ref, due_at, paused_at, finished_at, outcome
from target
where found_on is null and match is null and (%(before)s::bigint is null or id < %(before)s::bigint)
order by id desc
limit %(most)s;

-- find_listing_key --
select id from listing where marketplace = %(marketplace)s and listing_ref = %(ref)s;

-- find_listing_title --
select title from listing where id = %(listing)s;
