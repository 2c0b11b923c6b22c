-- hold_files --
-- Keeps files from being deleted until this session ends or lets go: a backup may be about to copy them.
select pg_advisory_lock_shared(hashtext('theftwatch files'));

-- may_delete_files --
-- Keeps a backup from beginning until this transaction ends; false where one is under way.
select pg_try_advisory_xact_lock(hashtext('theftwatch files'));

-- export_snapshot --
-- Names what this transaction sees, so that another program can see the same.
select pg_export_snapshot();

-- find_our_tables --
-- Lists the tables of the schemas that are backed up.
select n.nspname, c.relname
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('public', 'access', 'workspace') and c.relkind in ('r', 'p')
    and not exists (
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    )
order by 1, 2;
