"""Date claims: bounds on when listings and images existed."""

from collections.abc import Sequence
from datetime import datetime

from theftwatch.db.queries import Connection, columns, execute
from theftwatch.listing import DateClaim

#: A bound, with the id of the listing or the SHA-256 of the image that it is on
type ClaimOf = tuple[int | None, bytes | None, DateClaim]


async def save_claims(connection: Connection, claims: Sequence[ClaimOf], *, now: datetime) -> None:
    """Write bounds, each on a listing by its id, or on an image by its SHA-256."""
    if claims:
        await execute(
            connection,
            "upsert_date_claims",
            now=now,
            **columns(
                {
                    "listings": listing,
                    "sha256s": sha256,
                    "kinds": claim.kind,
                    "earliest_at": claim.earliest_at,
                    "latest_at": claim.latest_at,
                    "sources": claim.source,
                    "strengths": claim.strength,
                }
                for listing, sha256, claim in claims
            ),
        )
