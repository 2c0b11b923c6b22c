-- Lets the account theftwatch_reader, where there is one, read all tables and views of the schemas public and analysis,
-- those that the present account makes later too. Can be repeated.
do $$
declare
    schema_name name;
begin
    if not exists (select from pg_roles where rolname = 'theftwatch_reader') then
        return;
    end if;
    for schema_name in select nspname from pg_namespace where nspname in ('public', 'analysis') loop
        execute format('grant usage on schema %I to theftwatch_reader', schema_name);
        execute format('grant select on all tables in schema %I to theftwatch_reader', schema_name);
        execute format('alter default privileges in schema %I grant select on tables to theftwatch_reader', schema_name);
    end loop;
end
$$
