"""What archives and photo hosts were asked about the age of listings and photos, and what they answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from theftwatch.db.claims import save_claims
from theftwatch.db.queries import Connection, execute, fetch
from theftwatch.listing import DateClaim

#: How long an answer is good: archives seldom learn of what they did not know
ASK_AGAIN = timedelta(days=90)

#: claim: a date claim came of it; other: there is something at the address that is not this photo
Answer = Literal["claim", "nothing", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Something whose age may be known elsewhere: a listing by its own page, or the bytes of an image."""

    source: str
    #: What is asked about
    url: str
    listing: int | None
    image: int | None = None
    #: The marketplace's own name of the listing or of the image, which stands in the address
    key: str = ""
    #: Of an image
    sha256: bytes | None = None


async def find_questions(
    connection: Connection, source: str, *, listings: Sequence[int] | None, now: datetime
) -> list[Question]:
    """Return what to ask an archive about: given listings and their photos, else what stands in findings."""
    rows = await fetch(
        connection,
        "find_inquiries_due",
        source=source,
        listings=None if listings is None else list(listings),
        since=now - ASK_AGAIN,
    )
    return [
        Question(source=source, listing=listing, image=image, url=url, key=key, sha256=sha256)
        for listing, image, url, key, sha256 in rows
    ]


async def find_publications(
    connection: Connection, source: str, *, like: Sequence[str], now: datetime
) -> list[Question]:
    """Return the addresses, of the forms `like`, at which artisans say to have published their files."""
    rows = await fetch(connection, "find_publications_due", source=source, like=list(like), since=now - ASK_AGAIN)
    return [Question(source=source, listing=None, image=image, url=url, sha256=sha256) for image, url, sha256 in rows]


async def save_answer(
    connection: Connection, question: Question, claims: Sequence[DateClaim], *, answer: Answer, now: datetime
) -> None:
    """Write what came of a question, and note the findings that it may decide."""
    await execute(connection, "lock_writes")
    listing = question.listing if question.image is None else None
    await save_claims(connection, [(listing, question.sha256, claim) for claim in claims], now=now)
    await execute(
        connection,
        "upsert_inquiry",
        source=question.source,
        url=question.url,
        listing=question.listing,
        image=question.image,
        answer=answer,
        now=now,
    )
    if claims:
        listings = [] if listing is None else [listing]
        images = [] if question.image is None else [question.image]
        await execute(connection, "insert_due_dated", listings=listings, images=images)
