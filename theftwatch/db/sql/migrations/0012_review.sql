-- What people who look need: findings in the order in which they are looked at, and accounts.

alter table context_due
    drop constraint context_due_kind_check,
    add check (kind in ('image', 'seller', 'finding', 'queue'));

create table review_queue (
    finding bigint primary key references finding on delete cascade,
    -- confirmed, and no longer matched or counted: these come first
    urgent boolean not null,
    score real not null,
    matched_at timestamptz not null,
    -- null: nobody has to look
    because text,
    verdict text,
    direction text,
    marketplace text not null,
    vendor bigint,
    shop bigint,
    artisan bigint,
    -- what was done to the photos that count
    edits text[] not null
);
comment on table review_queue is
    'Findings with what they are sorted and filtered by; worked out from analysis.finding wherever that changes.';
-- Each with the columns of the order, so that a page is read off it from any finding on.
create index review_queue_looks on review_queue (urgent, score, matched_at, finding) where because is not null;
create index review_queue_all on review_queue (urgent, score, matched_at, finding);
create index review_queue_vendor on review_queue (vendor, urgent, score, matched_at, finding);
create index review_queue_shop on review_queue (shop, urgent, score, matched_at, finding) where shop is not null;
create index review_queue_artisan on review_queue (artisan, urgent, score, matched_at, finding) where artisan is not null;
create index review_queue_verdict on review_queue (verdict, urgent, score, matched_at, finding) where verdict is not null;
create index review_queue_edits on review_queue using gin (edits);

insert into context_due (kind, id) select 'queue', id from finding;

create view artisan_finding as
select s.artisan, f.id as finding
from seller s
join listing l on l.seller = s.id
join finding f on f.original_listing = l.id
where s.artisan is not null
union all
select file.artisan, f.id
from original_file file
join finding f on f.original_listing is null and f.original_file = file.id;
comment on view artisan_finding is 'The findings on each artisan''s originals.';

-- A schema of its own, which the accounts that read the record do not reach.
create schema access;
comment on schema access is 'Who may sign in to the review page.';

create table access.account (
    name text primary key,
    role text not null check (role in ('reviewer', 'viewer')),
    -- Argon2id, with its salt and parameters
    password_hash text not null,
    made_at timestamptz not null,
    removed_at timestamptz
);
comment on table access.account is 'A person who may sign in to the review page; a removed one stays as the name of verdicts.';

create table access.web_session (
    -- SHA-256 of the token that the browser holds
    token_sha256 bytea primary key check (octet_length(token_sha256) = 32),
    account text not null references access.account on delete cascade,
    expires_at timestamptz not null
);
create index web_session_account on access.web_session (account);
comment on table access.web_session is 'A browser that signed in.';
