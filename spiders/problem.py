"""A page that gave no data: it is counted, and kept for the person who mends the reader."""

import logging
from typing import Literal

from scrapy.http import Response

from spiders.run import Run
from theftwatch.db.queries import execute
from theftwatch.pages.addresses import listing_key
from theftwatch.reports.words import one_line, shortened, shortened_inside

logger = logging.getLogger(__name__)

ProblemKind = Literal["blocked", "changed", "unknown", "gone", "failed", "refused_by_robots"]

#: Letters of what is noted of a page: an address, and a sentence. A redirect may lead to any address, and no index
#: holds a longer one than Scrapy asks for by itself
_DETAIL_MAX, _ADDRESS_MAX = 1_000, 2_083


async def note_problem(
    run: Run,
    url: str,
    kind: ProblemKind,
    detail: str,
    *,
    response: Response | None = None,
    target: int | None = None,
) -> None:
    """Note that a page of a run gave no data; with the page itself, where it came, and the target that it is of."""
    run.counts.inc(f"page/{kind}")
    # It may quote the page, and the name of a shop may have any length.
    detail = shortened_inside(one_line(detail), _DETAIL_MAX)
    logger.warning("%s page: %s", kind, detail)
    page = response.body if response is not None and response.body else None
    sha256 = await run.keep(run.files.put, page) if page else None
    marketplace, listing_ref = listing_key(url) or (None, None)
    await run.ask(
        lambda connection: execute(
            connection,
            "insert_page_problem",
            run=run.id,
            target=target,
            url=shortened(url, _ADDRESS_MAX),
            kind=kind,
            detail=detail,
            http_status=response.status if response is not None else None,
            page_sha256=sha256,
            marketplace=marketplace,
            listing_ref=listing_ref,
            now=run.clock(),
        )
    )
