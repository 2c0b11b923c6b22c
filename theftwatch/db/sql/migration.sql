-- lock_migrations --
-- Lets one process at a time migrate, until its transaction ends.
select pg_advisory_xact_lock(hashtext('theftwatch migrations'));

-- has_migrations --
select to_regclass('schema_migration') is not null;

-- find_migrations --
select version, name, sha256, applied_at from schema_migration order by version;

-- insert_migration --
insert into schema_migration (version, name, sha256, applied_at)
values (%(version)s::int, %(name)s::text, %(sha256)s::bytea, %(now)s::timestamptz);

-- find_databases --
-- Lists the server's databases with their sizes; those that others may not connect to have none.
select datname, case when has_database_privilege(datname, 'connect') then pg_database_size(datname) end as size_bytes
from pg_database
where not datistemplate and datname <> 'postgres'
order by datname;

-- find_vector --
-- Says which version of the extension vector could be used, and which one is in use in this database.
select
    (select default_version from pg_available_extensions where name = 'vector') as available_version,
    (select extversion from pg_extension where extname = 'vector') as used_version;
