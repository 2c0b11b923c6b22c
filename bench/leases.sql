-- insert_drawn --
-- Stores targets of all priorities; those that are due have waited for up to a day, the others are due within the month.
insert into target (marketplace, kind, ref, url, every, priority, reason, added_at, due_at)
select
    'alibaba', 'listing', n::text, 'https://www.alibaba.com/product-detail/_' || n || '.html', '7 days', (hashint4(-n) & 65535) %% 10, 'drawn',
    %(now)s,
    %(now)s::timestamptz + case
        when n %% %(due_every)s = 0 then -make_interval(secs => hashint4(n) & 65535)
        else make_interval(secs => 60 + (hashint4(n) & 2097151))
    end
from generate_series(0, %(size)s::int - 1) as n;

-- lease_plainly --
with due as materialized (
    select id
    from target
    where marketplace = %(marketplace)s and paused_at is null and due_at <= %(now)s
    order by priority desc, due_at, id
    limit %(most)s
    for update skip locked
)
update target t
set lease_token = %(token)s, due_at = %(until)s, leases = t.leases + 1, run = %(run)s
from due
where t.id = due.id
returning t.id, t.kind, t.ref, t.url;
