"""A record full of matches, for benchmarks: filled by sets, with the indexes made after the rows."""

from importlib import resources

import psycopg

from theftwatch.db.queries import parse_queries

# Rows are not checked against each other, and triggers note nothing: `views.sql` notes in the end all that is due.
_OPTIONS = (
    "-c jit=off -c session_replication_role=replica -c synchronous_commit=off -c work_mem=256MB"
    " -c maintenance_work_mem=1GB"
)
#: The tables with a row, or several, for each match
_LONG = (
    *("listing", "listing_event", "image", "listing_image", "lookup"),
    *("match", "match_decision", "finding", "direction", "review_queue"),
)
#: All but those by which other rows refer to theirs
_INDEXES = """
    select
        i.indexrelid::regclass::text, r.relname, c.conname, pg_get_constraintdef(c.oid), pg_get_indexdef(i.indexrelid)
    from pg_index i
    join pg_class r on r.oid = i.indrelid and r.relnamespace = 'public'::regnamespace and r.relname = any(%s)
    left join pg_constraint c on c.conindid = i.indexrelid and c.contype in ('p', 'u')
    where not exists (select from pg_constraint f where f.conindid = i.indexrelid and f.contype = 'f')
    order by 1"""


def fill(superuser_dsn: str, size: int) -> None:
    """Fill an empty record with matches, one to a finding, and with ten times as many listings.

    What is kept of sellers and vendors is due then, as after a crawl.
    """
    with psycopg.connect(superuser_dsn, autocommit=True, options=_OPTIONS) as connection:
        indexes = connection.execute(_INDEXES, [list(_LONG)]).fetchall()
        for index, table, constraint, _, _ in indexes:
            connection.execute(
                f"alter table {table} drop constraint {constraint}" if constraint else f"drop index {index}"
            )
        for file in ("review.sql", "views.sql"):
            for statement in parse_queries(resources.files("bench").joinpath(file).read_text("utf-8")).values():
                connection.execute(statement, {"size": size})
        for _, table, constraint, as_constraint, as_index in indexes:
            connection.execute(
                f"alter table {table} add constraint {constraint} {as_constraint}" if constraint else as_index
            )
        connection.execute("vacuum analyze")
