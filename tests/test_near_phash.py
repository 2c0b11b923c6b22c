"""The search by hash, at a size where the planner no longer reads all rows."""

import random

import psycopg
import pytest

pytestmark = pytest.mark.each_postgres

STORED = 20_000
ASKED = 100


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
