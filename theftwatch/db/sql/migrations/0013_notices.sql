-- What artisans are told, by which way, and whether they want to hear it; and what was erased.

alter table artisan
    -- who entered the contact and the opt-out, and when
    add column contact_entered_by text,
    add column contact_entered_at timestamptz,
    add column opted_out_by text,
    add column erased_at timestamptz;

-- Nothing of such a seller is taken in any more; its keys stay, so that it is recognised.
alter table seller add column erased_at timestamptz;
create index seller_erased on seller (marketplace) where erased_at is not null;

-- The files of such a capture are gone; its row and their digests stay.
alter table capture add column erased_at timestamptz;

create table erasure (
    id bigint generated always as identity primary key,
    -- what was erased; all null: photos that nothing rests on, by their age
    artisan bigint references artisan,
    seller bigint references seller,
    photos int not null,
    captures int not null,
    byte_count bigint not null,
    made_by text not null,
    made_at timestamptz not null,
    check (artisan is null or seller is null)
);
comment on table erasure is 'What was erased at the wish of an artisan or a vendor, or by age, by whom and when; rows are only added.';

-- Written with what makes them so, so that a kill before they are deleted leaves the work to be done.
create table unneeded_file (
    sha256 bytea primary key check (octet_length(sha256) = 32)
);
comment on table unneeded_file is 'Files that are to be deleted from the folder, unless something needs them again by then.';

create view needed_file as
select sha256 from image where bytes_state = 'held'
union
select f.sha256 from capture_file f join capture c on c.id = f.capture where c.erased_at is null
union
select manifest_sha256 from capture where erased_at is null
union
select page_sha256 from page_problem where page_sha256 is not null;
comment on view needed_file is 'Files that something in the record stands for, by SHA-256.';

create table notice (
    id bigint generated always as identity primary key,
    artisan bigint not null references artisan,
    state text not null check (state in (
        'drafted', -- written for a person; nothing went out
        'replaced', -- a draft, and there is a newer one; a person may have sent it all the same
        'sending', -- handed to the mail server, whose answer is not known: after a kill nobody can tell
        'sent', -- the server took it, or a person says that they sent it
        'failed' -- it did not go out; what it says is told by the next one
    )),
    -- the mail address that it goes to; null: the message form of a marketplace
    recipient text,
    subject text not null,
    body text not null,
    message_id text,
    drafted_at timestamptz not null,
    -- when it went out, or was about to
    sent_at timestamptz,
    -- null: by the program
    sent_by text,
    failure text,
    check ((state in ('sending', 'sent')) = (sent_at is not null)),
    check ((state = 'failed') <= (failure is not null))
);
create index notice_artisan on notice (artisan, id);
comment on table notice is 'A message to an artisan about findings that a person confirmed, from its draft on.';

create table notice_finding (
    notice bigint not null references notice on delete cascade,
    finding bigint not null references finding on delete cascade,
    -- the confirmation that it rests on
    verdict bigint not null references verdict on delete cascade,
    -- whether the artisan was told by this notice, or may have been
    told boolean not null default false,
    primary key (notice, finding)
);
create unique index notice_finding_told on notice_finding (finding) where told;
comment on table notice_finding is 'What a notice tells an artisan of; a finding is told once.';

create view analysis.notice as
select
    n.id as notice_id, a.id as artisan_id, a.name as artisan, n.state, n.recipient, n.subject, n.body, n.message_id,
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

comment on view analysis.notice is 'One row for each message to an artisan, those that never went out among them.';
comment on column analysis.notice.notice_id is 'Key of the notice';
comment on column analysis.notice.artisan_id is 'Key of the artisan';
comment on column analysis.notice.artisan is 'Name of the artisan';
comment on column analysis.notice.state is
    'drafted, replaced (by a newer draft), sending (it is not known whether it went out, unless it is just under way), sent or '
    'failed (it did not go out)';
comment on column analysis.notice.recipient is 'The mail address; null where a person pastes it into a marketplace’s form';
comment on column analysis.notice.subject is 'Its subject';
comment on column analysis.notice.body is 'Its text';
comment on column analysis.notice.message_id is 'The Message-ID of the mail; null where there was none';
comment on column analysis.notice.drafted_at is 'When it was written';
comment on column analysis.notice.sent_at is 'When it went out, or was about to; null where it did not';
comment on column analysis.notice.sent_by is 'Who sent it; null where the program did, or nobody';
comment on column analysis.notice.failure is 'Why it did not go out, or is not known to have';
comment on column analysis.notice.findings is 'Findings that it tells of';
comment on column analysis.notice.vendors is 'Vendors that it tells of';

create view analysis.untold as
select
    f.id as finding_id, v.id as verdict_id, a.id as artisan_id, a.name as artisan, os.id as shop_id,
    coalesce(os.name, os.seller_ref) as shop, o.marketplace as original_marketplace,
    coalesce(o.title, file.name) as original, o.url as original_url,
    s.id as vendor_id, coalesce(s.name, s.seller_ref) as vendor, l.marketplace, l.url, l.title,
    w.direction, w.margin_days, w.missing_proof, v.judged_by, v.judged_at
from standing_verdict v
join finding f on f.id = v.finding
join listing l on l.id = f.suspect_listing
left join seller s on s.id = l.seller
left join listing o on o.id = f.original_listing
left join seller os on os.id = o.seller
left join original_file file on file.id = f.original_file
left join artisan a on a.id = coalesce(file.artisan, os.artisan)
-- The offset keeps it a query for each finding, whose listing then narrows what the view sums up.
cross join lateral (
    select *
    from analysis.finding of_listing
    where of_listing.finding_id = f.id and of_listing.suspect_marketplace = l.marketplace
        and of_listing.suspect_listing_ref = l.listing_ref
    offset 0
) as w
where v.verdict = 'confirmed'
    -- it still matches and counts, is there, and nobody knows that it is the vendor's own or allowed
    and w.needs_look_because is null and w.removed_at is null and w.relation is null
    and w.direction is distinct from 'suspect_first'
    and not exists (select from notice_finding nf where nf.finding = f.id and nf.told);

comment on view analysis.untold is
    'One row for each finding that a person confirmed and that its artisan was not told of. What a relation covers, what was '
    'removed, and what the vendor was first with is left out.';
comment on column analysis.untold.finding_id is 'Key of the finding';
comment on column analysis.untold.verdict_id is 'Key of the confirmation';
comment on column analysis.untold.artisan_id is 'Key of the artisan; null where nobody named one for the shop';
comment on column analysis.untold.artisan is 'Name of the artisan';
comment on column analysis.untold.shop_id is 'Key of the seller of the original; null for a file that the artisan gave';
comment on column analysis.untold.shop is 'Name of that seller, or its key where no page has named it';
comment on column analysis.untold.original_marketplace is 'The site that shows the original; null for a file';
comment on column analysis.untold.original is 'Title of the original’s listing, or name of the artisan’s file';
comment on column analysis.untold.original_url is 'Address of the original’s listing; null for a file';
comment on column analysis.untold.vendor_id is 'Key of the vendor; null while no page that names the vendor was read';
comment on column analysis.untold.vendor is 'Name of the vendor, or its key where no page has named it';
comment on column analysis.untold.marketplace is 'The site of the suspect listing';
comment on column analysis.untold.url is 'Address of the suspect listing';
comment on column analysis.untold.title is 'Title of the suspect listing, as last read';
comment on column analysis.untold.direction is 'original_first, undecided, or null while that was not looked at';
comment on column analysis.untold.margin_days is 'Days between the two bounds that decide; null where undecided';
comment on column analysis.untold.missing_proof is 'The proof that would settle who was first; null where it is settled';
comment on column analysis.untold.judged_by is 'Who confirmed it';
comment on column analysis.untold.judged_at is 'When that was';

-- When the operator was told, so that the next digest begins there.
create table operator_digest (
    id bigint generated always as identity primary key,
    subject text not null,
    body text not null,
    sent_at timestamptz not null
);
comment on table operator_digest is 'A digest that went out to whoever runs the program.';
