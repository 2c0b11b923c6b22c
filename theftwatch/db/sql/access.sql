-- upsert_account --
-- Makes an account, or gives one another password or role, and signs it out everywhere.
with signed_out as (
    delete from access.web_session where account = %(name)s
)
insert into access.account (name, role, password_hash, made_at)
values (%(name)s, %(role)s, %(password_hash)s, %(now)s)
on conflict (name) do update set
    role = excluded.role,
    password_hash = excluded.password_hash,
    removed_at = null;

-- remove_account --
with signed_out as (
    delete from access.web_session where account = %(name)s
)
update access.account set removed_at = %(now)s where name = %(name)s and removed_at is null
returning name;

-- find_accounts --
select name, role, made_at from access.account where removed_at is null order by name;

-- find_password --
select password_hash from access.account where name = %(name)s and removed_at is null;

-- insert_session --
-- Writes that a browser signed in, and forgets those whose time is over.
with over as (
    delete from access.web_session where expires_at <= %(now)s
)
insert into access.web_session (token_sha256, account, expires_at)
values (%(token_sha256)s, %(name)s, %(expires_at)s);

-- delete_session --
delete from access.web_session where token_sha256 = %(token_sha256)s;

-- find_session --
-- Finds whether there are accounts at all, and whose session a token opens.
select
    exists (select from access.account where removed_at is null) as guarded, a.name, a.role
from (values (%(token_sha256)s::bytea)) as asked (token_sha256)
left join access.web_session s on s.token_sha256 = asked.token_sha256 and s.expires_at > %(now)s
left join access.account a on a.name = s.account and a.removed_at is null;

-- save_public_address --
-- Keeps where people reach the review page, for the views that lead there. What the settings say is told, and holds until they
-- say otherwise; the address at which a page listens on its own machine holds where nothing was told.
update public_address set url = %(url)s, told = %(told)s
where (%(told)s or not told) and (url, told) is distinct from (%(url)s, %(told)s);
