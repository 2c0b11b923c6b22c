-- Makes what the accounts of analysts have in common. Can be repeated.
do $$
begin
    if not exists (select from pg_roles where rolname = 'theftwatch_analyst') then
        create role theftwatch_analyst nologin;
    end if;
end
$$
