"""One job at a time: a crawl that was told where to start keeps the same one from starting elsewhere.

scrapyd looks after its own jobs alone; this holds for all machines, for crawls that no scrapyd started, and for those
that outlived theirs. Crawls of targets share them by leases and need none of it.
"""

import json
from collections.abc import Mapping

import psycopg

from theftwatch.db.connect import connect
from theftwatch.db.queries import queries
from theftwatch.errors import OverlapError


def lock_job(dsn: str, spider: str, arguments: Mapping[str, str]) -> psycopg.Connection:
    """Return a connection that holds the lock of a job, until it is closed or the process ends, in whatever way.

    Raises OverlapError where another process holds it, and DatabaseError.
    """
    connection = connect(dsn, remedy="`theftwatch db status` shows its state")
    job = {"spider": spider, "arguments": json.dumps(arguments, sort_keys=True)}
    connection.execute(queries()["notice_death"])
    if connection.execute(queries()["lock_job"], job).fetchone() == (True,):
        return connection
    with connection:
        found = connection.execute(queries()["find_same_run"], job).fetchone()
    who = "run {} on {}, which began at {:%Y-%m-%d %H:%M} UTC".format(*found) if found else "one that begins just now"
    raise OverlapError(f"{spider} is at the same already: {who}; wait for its end, or end it")
