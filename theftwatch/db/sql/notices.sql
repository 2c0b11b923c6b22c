-- find_untold --
-- Lists what artisans were not told of, or one of them: vendor by vendor and listing by listing.
select
    u.finding_id as finding, u.verdict_id as verdict, u.artisan_id, u.artisan, a.contact, u.shop, u.original_marketplace,
    u.original, u.original_url, coalesce(u.vendor, 'a vendor that is not named') as vendor, u.marketplace, u.url, u.title,
    u.direction, u.margin_days, u.missing_proof
from analysis.untold u
join artisan a on a.id = u.artisan_id
where %(artisan)s::bigint is null or u.artisan_id = %(artisan)s::bigint
order by u.artisan, u.artisan_id, u.marketplace, u.vendor, u.url, u.finding_id;

-- find_shops_untold --
-- Lists shops without an artisan that there is something to tell.
select distinct shop_id from analysis.untold where artisan_id is null and shop_id is not null order by shop_id;

-- find_same_draft --
-- Finds the draft for an artisan that says the same: the same findings, to the same address.
select n.id
from notice n
where n.artisan = %(artisan)s and n.state = 'drafted' and n.recipient is not distinct from %(recipient)s::text
    and array(select nf.finding from notice_finding nf where nf.notice = n.id order by nf.finding) = %(findings)s::bigint[]
    and array(select nf.verdict from notice_finding nf where nf.notice = n.id order by nf.finding) = %(verdicts)s::bigint[]
order by n.id desc
limit 1;

-- replace_drafts --
-- Notes of the drafts for an artisan that there is a newer one.
update notice set state = 'replaced' where artisan = %(artisan)s and state = 'drafted';

-- insert_notice --
with draft as (
    insert into notice (artisan, state, recipient, subject, body, drafted_at)
    values (%(artisan)s, 'drafted', %(recipient)s, %(subject)s, %(body)s, %(now)s)
    returning id
), about as (
    insert into notice_finding (notice, finding, verdict)
    select draft.id, finding, verdict
    from draft, unnest(%(findings)s::bigint[], %(verdicts)s::bigint[]) as f (finding, verdict)
)
select id from draft;

-- update_notice --
-- Gives a draft the text of this run.
update notice set subject = %(subject)s, body = %(body)s, drafted_at = %(now)s where id = %(notice)s;

-- begin_sending --
-- Takes a draft for one that may have gone out, unless something changed since it was written: its artisan opted out or has
-- another address, a confirmation stands no more, or one of its findings was told.
with begun as (
    update notice n
    set state = 'sending', sent_at = %(now)s, message_id = %(message_id)s
    from artisan a
    where n.id = %(notice)s and n.state = 'drafted'
        and a.id = n.artisan and a.opted_out_at is null and a.contact = n.recipient
        and not exists (
            select from notice_finding nf
            where nf.notice = n.id and (
                not exists (select from standing_verdict v where v.id = nf.verdict and v.verdict = 'confirmed')
                or exists (select from notice_finding other where other.finding = nf.finding and other.told)
            )
        )
    returning n.id
)
update notice_finding nf set told = true from begun where nf.notice = begun.id
returning nf.finding;

-- settle_notice --
-- Notes what became of a notice that was handed to the mail server; what did not go out is not told.
with settled as (
    update notice
    set
        state = %(state)s,
        sent_at = case when %(state)s in ('sending', 'sent') then sent_at end,
        failure = %(failure)s
    where id = %(notice)s and state = 'sending'
    returning id, state
), untold as (
    update notice_finding nf set told = false from settled where nf.notice = settled.id and settled.state = 'failed'
)
select id from settled;

-- mark_sent --
-- Notes that a person sent a notice, or that one of which this was not known went out.
with marked as (
    update notice n
    set state = 'sent', sent_at = coalesce(n.sent_at, %(at)s), sent_by = coalesce(n.sent_by, %(by)s)
    where n.id = %(notice)s and n.state in ('drafted', 'replaced', 'sending')
        and not exists (
            select from notice_finding nf
            join notice_finding other on other.finding = nf.finding and other.told and other.notice <> nf.notice
            where nf.notice = n.id
        )
    returning n.id, n.artisan
), told as (
    update notice_finding nf set told = true from marked where nf.notice = marked.id
), others as (
    -- drafts that say some of it too
    update notice n
    set state = 'replaced'
    from marked
    where n.artisan = marked.artisan and n.id <> marked.id and n.state = 'drafted'
)
select id from marked;

-- find_notices --
-- Lists notices, those first that need a person: of which it is not known whether they went out, and drafts.
select
    n.id as notice, a.id as artisan_id, a.name as artisan, n.state, n.recipient, n.subject, n.body, n.drafted_at, n.sent_at, n.sent_by, n.failure,
    a.opted_out_at is not null as opted_out,
    (select count(*) from notice_finding nf where nf.notice = n.id) as findings
from notice n
join artisan a on a.id = n.artisan
where (%(notice)s::bigint is null or n.id = %(notice)s::bigint)
    and (%(all)s or n.state in ('drafted', 'sending'))
    and (%(artisan)s::bigint is null or n.artisan = %(artisan)s::bigint)
order by n.state <> 'sending', n.state <> 'drafted', n.id desc;

-- find_artisans_told --
-- Lists artisans, with what they were told and not yet told.
select
    a.id as artisan_id, a.name, a.contact, a.contact_entered_by, a.contact_entered_at, a.opted_out_at, a.opted_out_by,
    array(
        select s.marketplace || '/' || coalesce(s.name, s.seller_ref) from seller s where s.artisan = a.id order by 1
    ) as shops,
    (select count(*) from original_file f where f.artisan = a.id) as files,
    (
        select count(*) from notice_finding nf join notice n on n.id = nf.notice where n.artisan = a.id and nf.told
    ) as findings_told,
    coalesce(untold.findings, 0) as findings_untold
from artisan a
left join (
    select artisan_id, count(*) as findings from analysis.untold group by artisan_id
) as untold on untold.artisan_id = a.id
order by a.name;

-- enter_contact --
update artisan
set contact = %(contact)s, contact_entered_by = %(by)s, contact_entered_at = %(now)s
where id = %(artisan)s;

-- opt_out --
-- Notes that an artisan wants to be left alone, or with no moment that this is over; and has the queue worked out anew.
with changed as (
    update artisan
    set opted_out_at = %(at)s, opted_out_by = %(by)s
    where id = %(artisan)s and (opted_out_at is null) <> (%(at)s::timestamptz is null)
    returning id
), noted as (
    insert into context_due (kind, id)
    select distinct 'queue', f.finding from changed join artisan_finding f on f.artisan = changed.id
    on conflict do nothing
)
select id from changed;

-- find_last_digest --
-- Finds when the operator was last told.
select max(sent_at) from operator_digest;

-- insert_operator_digest --
insert into operator_digest (subject, body, sent_at) values (%(subject)s, %(body)s, %(now)s);

-- find_new_findings --
-- Counts the findings that a person has to look at and that are new since a moment, by vendor and by whose originals they are;
-- those with the most findings first.
select
    coalesce(s.name, s.seller_ref, 'a vendor that is not named') as vendor, q.marketplace,
    coalesce(a.name, shop.name, shop.seller_ref) as whose, count(*) as findings
from review_queue q
join finding f on f.id = q.finding
left join seller s on s.id = q.vendor
left join seller shop on shop.id = q.shop
left join artisan a on a.id = q.artisan
where q.because is not null and (%(since)s::timestamptz is null or f.first_found_at > %(since)s::timestamptz)
group by 1, 2, 3
order by findings desc, vendor, whose;

-- count_untold --
-- Counts the artisans, or shops of nobody known, that there is something to tell, and the notices of which it is not known
-- whether they went out.
select
    (select count(distinct coalesce('artisan ' || artisan_id, 'shop ' || shop_id)) from analysis.untold) as untold,
    (select count(*) from notice where state = 'sending') as unsure;

-- count_confirmed --
select count(*) from review_queue where verdict = 'confirmed';
