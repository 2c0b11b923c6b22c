-- Takes away all that migrations make, in a database that a backup is brought back to. What extensions put there stays;
-- sequences go with their tables.
do $$
declare
    statement text;
begin
    drop schema if exists analysis, access, workspace cascade;
    -- Each list is made before anything on it is dropped, as much goes with something else.
    foreach statement in array array(
        select
            format(
                'drop %s if exists public.%I cascade',
                case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
                c.relname
            )
        from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')
            and not exists (
                select from pg_depend d
                where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('e', 'a', 'i')
            )
    ) loop
        execute statement;
    end loop;
    foreach statement in array array(
        select format('drop routine if exists %s cascade', p.oid::regprocedure)
        from pg_proc p
        where p.pronamespace = 'public'::regnamespace
            and not exists (
                select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
            )
    ) loop
        execute statement;
    end loop;
    foreach statement in array array(
        select format('drop type if exists %s cascade', t.oid::regtype)
        from pg_type t
        where t.typnamespace = 'public'::regnamespace
            -- rows of tables and views have a type each, which has gone with them
            and (
                t.typtype in ('d', 'e')
                or exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c')
            )
            and not exists (
                select from pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e'
            )
    ) loop
        execute statement;
    end loop;
end
$$;
