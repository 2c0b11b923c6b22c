create table if not exists schema_migration (
    version int primary key,
    name text not null unique,
    -- of the file, to tell when it was changed after it had been applied
    sha256 bytea not null check (octet_length(sha256) = 32),
    applied_at timestamptz not null
)
