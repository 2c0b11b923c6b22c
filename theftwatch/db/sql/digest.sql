-- digest --
-- Sums up the content by natural keys and facts, table by table; not times of sight, ids, runs or leases. A sum over row
-- digests does not depend on the order of rows, and needs no sort.
with seller_key as (
    select id, marketplace || '/' || seller_ref as key from seller
), listing_key as (
    select id, marketplace || '/' || listing_ref as key from listing
), image_key as (
    select id, encode(sha256, 'hex') as key from image
), finding_key as (
    select f.id, jsonb_build_array(o.key, a.name, i.key, s.key) as key
    from finding f
    left join listing_key o on o.id = f.original_listing
    left join original_file file on file.id = f.original_file
    left join artisan a on a.id = file.artisan
    left join image_key i on i.id = file.image
    join listing_key s on s.id = f.suspect_listing
), verdict_key as (
    -- in which order a person said what: times are left out
    select id, finding, row_number() over (partition by finding order by id) as nth from verdict
), case_key as (
    select c.id, jsonb_build_array(a.name, s.key) as key
    from takedown_case c join artisan a on a.id = c.artisan join seller_key s on s.id = c.seller
), case_event_key as (
    select id, takedown_case, row_number() over (partition by takedown_case order by id) as nth from case_event
), fact (name, content) as (
    select 'artisan', jsonb_build_array(name, contact) from artisan
    union all
    select 'seller', jsonb_build_array(marketplace, seller_ref, name, url, country, side) from seller
    union all
    select 'seller_alias', jsonb_build_array(a.marketplace, a.kind, a.value, s.key)
    from seller_alias a join seller_key s on s.id = a.seller
    union all
    select 'listing', jsonb_build_array(
        l.marketplace, l.listing_ref, s.key, l.url, l.title, l.price_min, l.price_max, l.currency,
        extract(epoch from l.listed_at), l.complete, l.state
    )
    from listing l left join seller_key s on s.id = l.seller
    union all
    select 'listing_event', jsonb_build_array(l.key, e.kind, e.before, e.after)
    from listing_event e join listing_key l on l.id = e.listing
    union all
    select 'target', jsonb_build_array(
        -- which of several matches led to a vendor depends on when it was looked
        marketplace, kind, ref, url, every, priority, case when match is null then reason end, paused_at is null, outcome
    )
    from target
    union all
    select 'image', jsonb_build_array(
        encode(sha256, 'hex'), byte_count, format, width_px, height_px, bytes_state, unusable_reason
    )
    from image
    union all
    select 'listing_image', jsonb_build_array(
        l.key, li.image_key, li.position, i.key, li.source_url, extract(epoch from li.published_at), li.missing_reason,
        li.shown
    )
    from listing_image li join listing_key l on l.id = li.listing left join image_key i on i.id = li.image
    union all
    select 'image_phash', jsonb_build_array(i.key, p.variant, p.hash, encode(p.hash_256, 'hex'))
    from image_phash p join image_key i on i.id = p.image
    union all
    select 'original_file', jsonb_build_array(a.name, i.key, f.kind, f.name, extract(epoch from f.dated_at), f.published_url)
    from original_file f join artisan a on a.id = f.artisan join image_key i on i.id = f.image
    union all
    -- when an authority was asked is a time of sight
    select 'date_claim', jsonb_build_array(
        l.key, i.key, c.kind, extract(epoch from c.earliest_at),
        case when c.kind <> 'timestamped' then extract(epoch from c.latest_at) end, c.source, c.strength
    )
    from date_claim c left join listing_key l on l.id = c.listing left join image_key i on i.id = c.image
    union all
    select 'date_inquiry', jsonb_build_array(q.source, q.url, l.key, i.key, q.answer)
    from date_inquiry q left join listing_key l on l.id = q.listing left join image_key i on i.id = q.image
    union all
    select 'lookup', jsonb_build_array(i.key, l.side, l.algorithm_version, l.looked_up_at is null)
    from lookup l join image_key i on i.id = l.image
    union all
    select 'match', jsonb_build_array(o.key, s.key, m.decision, round(m.score::numeric, 4), m.method, m.algorithm_version)
    from match m join image_key o on o.id = m.original_image join image_key s on s.id = m.suspect_image
    union all
    select 'match_decision', jsonb_build_array(
        o.key, s.key, d.algorithm_version, d.method, d.distance_bits, d.inliers, round(d.score::numeric, 4), d.decision
    )
    from match_decision d
    join match m on m.id = d.match
    join image_key o on o.id = m.original_image
    join image_key s on s.id = m.suspect_image
    union all
    select 'finding', key from finding_key
    union all
    select 'verdict', jsonb_build_array(f.key, k.nth, v.verdict, undone.nth, v.reason, v.note, v.judged_by)
    from verdict v
    join verdict_key k on k.id = v.id
    join finding_key f on f.id = v.finding
    left join verdict_key undone on undone.id = v.undoes
    union all
    select 'blind_sample', jsonb_build_array(f.key, b.decision) from blind_sample b join finding_key f on f.id = b.finding
    union all
    select 'judged_match', jsonb_build_array(f.key, k.nth, o.key, s.key, d.algorithm_version)
    from judged_match j
    join verdict_key k on k.id = j.verdict
    join finding_key f on f.id = k.finding
    join match m on m.id = j.match
    join match_decision d on d.id = j.match_decision
    join image_key o on o.id = m.original_image
    join image_key s on s.id = m.suspect_image
    union all
    select 'removal', jsonb_build_array(f.key, r.how, r.shown_again_at is not null)
    from removal r
    join finding_key f on f.id = r.finding
    union all
    select 'takedown_case', jsonb_build_array(k.key, c.portal, c.outcome)
    from takedown_case c join case_key k on k.id = c.id
    union all
    select 'case_listing', jsonb_build_array(k.key, l.key, cl.override_reason, cl.added_by)
    from case_listing cl join case_key k on k.id = cl.takedown_case join listing_key l on l.id = cl.listing
    union all
    select 'case_ground', jsonb_build_array(k.key, f.key, v.nth, o.key, s.key, d.algorithm_version)
    from case_ground g
    join case_listing cl on cl.id = g.case_listing
    join case_key k on k.id = cl.takedown_case
    join finding_key f on f.id = g.finding
    join verdict_key v on v.id = g.verdict
    join match_decision d on d.id = g.match_decision
    join match m on m.id = d.match
    join image_key o on o.id = m.original_image
    join image_key s on s.id = m.suspect_image
    union all
    -- what the program notes names cases by their numbers
    select 'case_event', jsonb_build_array(
        k.key, n.nth, e.kind, e.route, e.reference, case when e.made_by <> 'theftwatch' then e.note end, e.made_by
    )
    from case_event e join case_event_key n on n.id = e.id join case_key k on k.id = e.takedown_case
    union all
    select 'case_event_listing', jsonb_build_array(k.key, n.nth, l.key)
    from case_event_listing el
    join case_event_key n on n.id = el.case_event
    join case_listing cl on cl.id = el.case_listing
    join case_key k on k.id = cl.takedown_case
    join listing_key l on l.id = cl.listing
    union all
    select 'company_alias', jsonb_build_array(a.marketplace, a.kind, a.value, s.key)
    from company_alias a join seller_key s on s.id = a.seller
    union all
    -- one that was lifted says the same as none: whether it ever held depends on what was seen in between
    select 'suppression', jsonb_build_array(i.key, p.rule, s.key, p.made_by, p.undone_at is not null, p.undone_reason)
    from suppression p join image_key i on i.id = p.image left join seller_key s on s.id = p.seller
    where p.lifted_at is null or p.undone_at is not null
    union all
    select 'relation', jsonb_build_array(
        a.name, s.key, r.kind, o.key, i.key, extract(epoch from r.starts_at), extract(epoch from r.expires_at), r.note,
        r.ended_at is null
    )
    from relation r
    join artisan a on a.id = r.artisan
    join seller_key s on s.id = r.seller
    left join listing_key o on o.id = r.original_listing
    left join original_file file on file.id = r.original_file
    left join image_key i on i.id = file.image
    union all
    select distinct 'timestamp', jsonb_build_array(i.key)
    from timestamp_token t join image_key i on i.key = encode(t.sha256, 'hex')
    union all
    select 'dossier_consent', jsonb_build_array(a.name, s.key, d.note, d.withdrawn_at is null)
    from dossier_consent d join artisan a on a.id = d.artisan left join seller_key s on s.id = d.seller
    union all
    -- what artisans were told; drafts are no facts
    select 'notice', jsonb_build_array(a.name, n.recipient, f.key)
    from notice_finding nf
    join notice n on n.id = nf.notice
    join artisan a on a.id = n.artisan
    join finding_key f on f.id = nf.finding
    where nf.told
    union all
    select 'capture', jsonb_build_array(
        l.key, c.why, c.state,
        (select jsonb_agg(distinct f.role order by f.role) from capture_file f where f.capture = c.id)
    )
    from capture c join listing_key l on l.id = c.listing
)
select name, count(*) as rows, sum(('x' || left(md5(content::text), 16))::bit(64)::bigint::numeric)::text as sum
from fact
group by name
order by name;
