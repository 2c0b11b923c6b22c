"""The search by hash, at a size where the planner no longer reads all rows, and where it knows nothing of them."""

import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from theftwatch.db.queries import queries

pytestmark = pytest.mark.each_postgres

STORED = 20_000
ASKED = 100
IMAGES = 300

#: Images with unlike hashes, originals and suspects by turns
STORE_IMAGES = """
with saved as (
    insert into image (sha256, byte_count, first_seen_at)
    select sha256(number::text::bytea), 1, 'epoch' from generate_series(1, %(images)s) as number
    returning id, sha256
), hashed as (
    insert into phash (hash) select hashtextextended(id::text, 0) from saved
), looked_up as (
    insert into lookup (image, side) select id, case id %% 2 when 0 then 'original' else 'suspect' end from saved
)
insert into image_phash (image, variant, hash, hash_256)
select id, 'plain', hashtextextended(id::text, 0), sha256 from saved
"""


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


@pytest.fixture(scope="module")
def hashes() -> tuple[set[int], list[int]]:
    """Return hashes to store and to ask for, around few centres, so that many have equal bands."""
    source = random.Random(64)
    centres = [source.getrandbits(64) for _ in range(40)]

    def near_a_centre() -> int:
        return source.choice(centres) ^ sum(1 << bit for bit in source.sample(range(64), source.randrange(20)))

    return {near_a_centre() for _ in range(STORED)}, [near_a_centre() for _ in range(ASKED)]


def test_a_batch_finds_exactly_what_is_near(connection: psycopg.Connection, hashes) -> None:
    stored, asked = hashes
    connection.execute("insert into phash (hash) select unnest(%s::bigint[])", [[signed(value) for value in stored]])
    connection.execute("vacuum analyze phash")
    found = connection.execute(
        "select q, n.hash, n.distance_bits from unnest(%s::bigint[]) q, near_phash(q, 8) n",
        [[signed(query) for query in asked]],
    ).fetchall()
    expected = {
        (signed(query), signed(value), (query ^ value).bit_count())
        for query in asked
        for value in stored
        if (query ^ value).bit_count() <= 8
    }
    assert len(expected) > STORED / 10
    assert set(found) == expected


def test_a_hash_is_searched_for_once_on_tables_never_analysed(connection: psycopg.Connection) -> None:
    connection.execute(STORE_IMAGES, {"images": IMAGES})
    asked = "select array_agg(image), array_agg(sha256) from lookup join image on id = image where side = 'original'"
    [(images, sha256s)] = connection.execute(asked).fetchall()
    parameters = {
        "images": images,
        "sha256s": sha256s,
        "other_side": "suspect",
        "asked_variants": ["plain", "trimmed"],
        "found_variants": ["plain", "trimmed"],
        "radius_bits": 8,
        "near_bits": 24,
    }
    for name in ("find_near", "find_near_matched"):
        explain = f"explain (analyze, format json) {queries()[name]}"
        [[[plan]]] = connection.execute(explain.encode(), parameters).fetchall()
        searches = [node["Actual Loops"] for node in nodes(plan["Plan"]) if node.get("Relation Name") == "phash"]
        assert 0 < max(searches) <= len(images)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the steps of a plan that Postgres explained."""
    yield plan
    for each in plan.get("Plans", []):
        yield from nodes(each)
