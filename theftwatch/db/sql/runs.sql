-- insert_run --
insert into run (spider, arguments, jobid, host, version, started_at, heartbeat_at)
values (%(spider)s, %(arguments)s::jsonb, %(jobid)s, %(host)s, %(version)s, %(now)s, %(now)s)
returning id;

-- beat_run --
update run set heartbeat_at = %(now)s, stats = %(stats)s::jsonb where id = %(id)s;

-- finish_run --
update run
set finished_at = %(now)s, heartbeat_at = %(now)s, finish_reason = %(finish_reason)s, outcome = %(outcome)s,
    stats = %(stats)s::jsonb
where id = %(id)s;

-- insert_page_problem --
insert into page_problem (run, url, kind, detail, http_status, page_sha256, seen_at)
values (%(run)s, %(url)s, %(kind)s, %(detail)s, %(http_status)s, %(page_sha256)s, %(now)s)
on conflict (run, url) do nothing;
