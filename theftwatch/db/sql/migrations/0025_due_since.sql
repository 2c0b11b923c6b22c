-- Since when a target that is leased was due, so that one that is given back, or whose job was killed, is not due anew.
-- fits: 0024

alter table target add column due_since timestamptz;
comment on column target.due_since is 'Since when it was due when it was leased; null while it is not.';
