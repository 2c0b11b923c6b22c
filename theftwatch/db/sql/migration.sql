-- lock_migrations --
-- Lets one process at a time migrate, until its transaction ends.
select pg_advisory_xact_lock(hashtext('theftwatch migrations'));

-- has_migrations --
select to_regclass('schema_migration') is not null;

-- find_migrations --
-- Lists what was applied, with the oldest migration that a program has to know; a database that no release has migrated
-- since that is noted has no such column.
select m.version, m.name, m.sha256, coalesce((to_jsonb(m) ->> 'fits')::int, m.version) as fits
from schema_migration m
order by m.version;

-- insert_migration --
insert into schema_migration (version, name, sha256, fits, applied_at)
values (%(version)s::int, %(name)s::text, %(sha256)s::bytea, %(fits)s::int, %(now)s::timestamptz);

-- find_databases --
-- Lists the server's databases with their sizes; those that others may not connect to have none.
select datname, case when has_database_privilege(datname, 'connect') then pg_database_size(datname) end as size_bytes
from pg_database
where not datistemplate and datname <> 'postgres'
order by datname;

-- read_clock --
-- Tells what time it is by the server's clock, to be compared with our own.
select clock_timestamp();

-- find_vector --
-- Says which version of the extension vector could be used, which one is in use in this database, and where that would be
-- mended.
select
    (select default_version from pg_available_extensions where name = 'vector') as available_version,
    (select extversion from pg_extension where extname = 'vector') as used_version,
    current_setting('server_version_num')::int / 10000 as postgres, current_database() as database;

-- find_account --
select rolname from pg_roles where rolname = %(name)s;

-- find_analysts --
-- Lists the accounts of analysts that may sign in.
select r.rolname
from pg_auth_members m
join pg_roles r on r.oid = m.member and r.rolcanlogin
join pg_roles g on g.oid = m.roleid and g.rolname = 'theftwatch_analyst'
order by r.rolname;

-- end_sessions --
-- Ends the sessions of an account, where we are a superuser.
select pg_terminate_backend(pid)
from pg_stat_activity
where usename = %(name)s and (select rolsuper from pg_roles where rolname = current_user);
