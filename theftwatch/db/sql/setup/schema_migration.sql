create table if not exists schema_migration (
    version int primary key,
    name text not null unique,
    -- of the file, to tell when it was changed after it had been applied
    sha256 bytea not null check (octet_length(sha256) = 32),
    applied_at timestamptz not null
);
-- the oldest migration that a program has to know to work on with what this one makes; null: this one
alter table schema_migration add column if not exists fits int
