-- The accounts of the embedded server, made before it first starts. A statement ends with an empty line here, because
-- single-user mode reads it so.

alter role postgres password '{postgres}';

-- Owns our databases, and is no superuser: what it cannot do on another server it cannot do here.
create role theftwatch login createdb password '{theftwatch}';

grant pg_monitor, pg_signal_backend to theftwatch;

create role theftwatch_reader login password '{theftwatch_reader}';

alter role theftwatch_reader set default_transaction_read_only = on;

revoke all on database postgres, template1 from public;

grant connect on database postgres to theftwatch;
