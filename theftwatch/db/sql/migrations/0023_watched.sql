-- What people asked to be watched is listed without reading the listings that it led to.
-- fits: 0021

create index target_asked_for on target (id) where found_on is null and match is null;

comment on table review_queue is
    'What finding_state says of each finding, kept, for the page and for analysis.finding alike: all findings, also those that need no look (because is null).';
