"""The same search by pgvector's HNSW index over the hashes, set to find as much as it is asked to."""

import time
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from importlib import resources

import psycopg

from theftwatch.db.queries import parse_queries

_QUERIES = parse_queries(resources.files("bench").joinpath("hnsw.sql").read_text("utf-8"))
#: More memory than the graph of a million hashes takes, so that it is built in memory
_BUILD_MEMORY = "2GB"
_EF_SEARCH = (40, 100, 200, 300, 400, 500, 600, 800, 1000)
#: How many rows are taken where the index goes on searching, beyond the 1000 that ef_search allows
_ITERATIVE_LIMITS = (2_000, 5_000, 10_000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """How far a search goes."""

    ef_search: int
    limit: int

    def __str__(self) -> str:
        """Return the setting as a reader of pgvector's manual knows it."""
        iterative = ", iterative_scan relaxed_order" if self.limit > self.ef_search else ""
        return f"ef_search {self.ef_search}, limit {self.limit}{iterative}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """An index that was built."""

    build_s: float
    size_bytes: int


def has_vector(superuser: psycopg.Connection) -> bool:
    """Return whether the server has the extension to be used."""
    found = superuser.execute("select from pg_available_extensions where name = 'vector'").fetchone()
    return found is not None


def build(superuser: psycopg.Connection) -> Index:
    """Build the index over the hashes in `phash`; six minutes for a million."""
    superuser.execute("create extension if not exists vector")
    superuser.execute(_QUERIES["create_table"])
    superuser.execute(_QUERIES["fill_table"])
    superuser.execute(f"set maintenance_work_mem = '{_BUILD_MEMORY}'")
    started_s = time.perf_counter()
    superuser.execute(_QUERIES["create_index"])
    build_s = time.perf_counter() - started_s
    superuser.execute("vacuum analyze phash_vector")
    superuser.execute("grant select on phash_vector to public")
    [(size_bytes,)] = superuser.execute(_QUERIES["index_size_bytes"]).fetchall()
    return Index(build_s=build_s, size_bytes=size_bytes)


def settings() -> Iterator[Setting]:
    """Yield settings, each slower than the last, and finding more."""
    for ef_search in _EF_SEARCH:
        yield Setting(ef_search=ef_search, limit=ef_search)
    for limit in _ITERATIVE_LIMITS:
        yield Setting(ef_search=_EF_SEARCH[-1], limit=limit)


def create_search(superuser: psycopg.Connection, setting: Setting) -> None:
    """Make the function `near_phash_hnsw`, which takes so many of the nearest rows."""
    superuser.execute(_QUERIES["create_search"].replace("{most}", str(setting.limit)).encode())


def session_settings(setting: Setting) -> list[str]:
    """Return what a session that searches has to say first."""
    iterative = "relaxed_order" if setting.limit > setting.ef_search else "off"
    return [
        f"set hnsw.ef_search = {setting.ef_search}",
        f"set hnsw.iterative_scan = {iterative}",
        "set hnsw.max_scan_tuples = 1000000000",
        # small tables would be read in full
        "set enable_seqscan = off",
    ]


def recall(found: Mapping[int, Set[int]], truth: Mapping[int, Set[int]]) -> float:
    """Return the share of all that is near that was found, over all queries; a query itself counts for nothing."""
    met = sum(len(found[query] & near - {query}) for query, near in truth.items())
    return met / sum(len(near - {query}) for query, near in truth.items())
