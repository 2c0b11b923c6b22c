-- Lets the accounts that read, where they are there, read our tables and views, those that the present account makes later
-- too: theftwatch_reader the schemas public and analysis; theftwatch_analyst analysis alone, beside what analysts keep for
-- themselves in workspace. Can be repeated.
do $$
declare
    reader record;
    part record;
begin
    for reader in
        select a.name, a.schemas
        from (values
            ('theftwatch_reader', '{public,analysis}'::text[]), ('theftwatch_analyst', '{analysis}')
        ) as a (name, schemas)
        join pg_roles r on r.rolname = a.name
    loop
        for part in select nspname as name from pg_namespace where nspname = any(reader.schemas) loop
            execute format('grant usage on schema %I to %I', part.name, reader.name);
            execute format(
                'alter default privileges in schema %I grant select on tables to %I', part.name, reader.name
            );
        end loop;
        for part in
            select c.oid::regclass as name
            from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
            where n.nspname = any(reader.schemas) and c.relkind in ('r', 'p', 'v', 'm', 'f')
                and pg_has_role(c.relowner, 'usage') -- not what extensions or others put there
                and not has_table_privilege(reader.name, c.oid, 'select')
        loop
            execute format('grant select on %s to %I', part.name, reader.name);
        end loop;
    end loop;
    if exists (select from pg_roles where rolname = 'theftwatch_analyst') then
        execute format('grant connect on database %I to theftwatch_analyst', current_database());
        if exists (select from pg_namespace where nspname = 'workspace') then
            grant usage, create on schema workspace to theftwatch_analyst;
        end if;
    end if;
end
$$
