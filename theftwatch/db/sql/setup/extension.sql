-- Installs the extension vector where the server has it. Can be repeated.
do $$
begin
    if exists (select from pg_available_extensions where name = 'vector') then
        create extension if not exists vector;
    end if;
end
$$
