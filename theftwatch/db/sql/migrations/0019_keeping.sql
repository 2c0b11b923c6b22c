-- Which image store belongs to the record, and what went by its age.
-- fits: 0017

create table image_store (
    -- a record has one
    one boolean primary key default true check (one),
    -- what the store says of itself too
    id uuid not null default gen_random_uuid(),
    -- when the store was first told; null: it is told when it is first used
    named_at timestamptz
);
insert into image_store default values;
comment on table image_store is 'The image store that belongs to the record; no program uses another for it.';

-- kept pages that could not be read; those of who was erased are not counted
alter table erasure add column pages int not null default 0;
