-- What was asked of a vendor or a portal, and what came of it.

create table portal (
    code text primary key,
    name text not null,
    url text not null,
    -- the sites whose listings it takes; not all of them are crawled
    marketplaces text[] not null,
    time_zone text not null,
    -- whose holidays count, by its ISO 3166 code; null: Saturdays and Sundays alone
    calendar text,
    languages text[] not null,
    -- what a complaint may hold: addresses a request, with an account and without; the largest file
    links_max int not null check (links_max > 0),
    links_without_account_max int not null check (links_without_account_max > 0),
    file_bytes_max bigint not null check (file_bytes_max > 0),
    -- the clocks: checking who files, the seller's answer, and what follows
    check_business_days int not null,
    answer_business_days int not null,
    removal_hours int not null,
    -- what has to be in a complaint
    needs text[] not null
);
comment on table portal is 'Where complaints go, for which marketplaces, with its calendar, its clocks and its limits.';

insert into portal values (
    'ipp', 'Alibaba Group IP Protection Platform', 'https://ipp.alibabagroup.com',
    '{alibaba,aliexpress,1688,taobao,tmall}', 'Asia/Shanghai', 'CN', '{en,zh}', 300, 10, 20000000, 5, 3, 24,
    '{"identity (identity card, passport, driving licence or business registration)",
    "copyright certificate, or a signed copyright claim statement for unregistered work (no Word file)",
    "letter of authority where the filer is not the owner",
    "the address of each listing, beside the work that it copies",
    "the original file of each photo and out-takes of the same shoot"}'
);

create table takedown_case (
    id bigint generated always as identity primary key,
    artisan bigint not null references artisan,
    seller bigint not null references seller,
    -- null: the marketplace has no portal that is known
    portal text references portal,
    opened_at timestamptz not null,
    -- null while it is open
    closed_at timestamptz,
    outcome text check (outcome in (
        'removed',
        'withdrawn', -- the artisan takes the complaint back: it is not taken up again by what the watch sees
        'given_up'
    )),
    check ((closed_at is null) = (outcome is null)),
    unique (artisan, seller)
);
create index takedown_case_seller on takedown_case (seller);
comment on table takedown_case is 'The matter of one artisan with one vendor, with any number of listings.';

create table case_listing (
    id bigint generated always as identity primary key,
    takedown_case bigint not null references takedown_case,
    listing bigint not null references listing,
    -- why it is in the case although a relation covers it, or the original is not known to have been first
    override_reason text,
    added_by text not null,
    added_at timestamptz not null,
    unique (takedown_case, listing)
);
create index case_listing_listing on case_listing (listing);
comment on table case_listing is 'A suspect listing in a case.';

create table case_ground (
    case_listing bigint not null references case_listing,
    match_decision bigint not null references match_decision,
    finding bigint not null references finding,
    verdict bigint not null references verdict,
    cited_at timestamptz not null,
    primary key (case_listing, match_decision, finding)
);
create index case_ground_finding on case_ground (finding);
comment on table case_ground is
    'A decision of the program that a listing''s place in a case rests on, and the verdict by which a person confirmed it.';

create table case_event (
    id bigint generated always as identity primary key,
    takedown_case bigint not null references takedown_case,
    kind text not null check (kind in (
        'opened', -- listings were added
        'asked', -- a person sent a letter
        'filed', -- a person filed a complaint
        'accepted', -- the vendor or the portal will take it down
        'countered', -- the vendor disputes it
        'refused', -- the portal does not act on it, or wants more
        'note',
        'closed'
    )),
    route text check (route in (
        'letter', -- to the vendor
        'report', -- the listing's own report button
        'portal'
    )),
    -- the portal's number, as a person entered it
    reference text,
    note text,
    happened_at timestamptz not null,
    -- until when the answer is due, and the removal, by the portal's calendar as it was known then
    answer_due_at timestamptz,
    removal_due_at timestamptz,
    made_by text not null,
    made_at timestamptz not null,
    check ((kind = 'asked') = (route is not distinct from 'letter')),
    check (kind in ('asked', 'filed') or route is null),
    check (kind <> 'filed' or (route is not null and reference is not null)),
    check (kind <> 'note' or note is not null)
);
create index case_event_case on case_event (takedown_case, id);
comment on table case_event is 'What happened in a case, as a person did or entered it; rows are only added.';

create table case_event_listing (
    case_event bigint not null references case_event,
    case_listing bigint not null references case_listing,
    primary key (case_event, case_listing)
);
create index case_event_listing_listing on case_event_listing (case_listing);
comment on table case_event_listing is 'The listings of a case that an event is about.';
