-- Lets the account theftwatch_reader, where there is one, read all our tables and views of the schemas public and
-- analysis, those that the present account makes later too. Can be repeated.
do $$
declare
    part record;
begin
    if not exists (select from pg_roles where rolname = 'theftwatch_reader') then
        return;
    end if;
    for part in select nspname as name from pg_namespace where nspname in ('public', 'analysis') loop
        execute format('grant usage on schema %I to theftwatch_reader', part.name);
        execute format('alter default privileges in schema %I grant select on tables to theftwatch_reader', part.name);
    end loop;
    for part in
        select c.oid::regclass as name
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in ('public', 'analysis') and c.relkind in ('r', 'p', 'v', 'm', 'f')
            and pg_has_role(c.relowner, 'usage') -- not what extensions or others put there
            and not has_table_privilege('theftwatch_reader', c.oid, 'select')
    loop
        execute format('grant select on %s to theftwatch_reader', part.name);
    end loop;
end
$$
