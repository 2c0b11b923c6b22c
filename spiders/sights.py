"""What a crawl sees on the pages of its targets, against the record: what is new is read, the rest has been seen.

What was seen is kept here until it is noted, in batches, before the targets that it was seen on.
"""

from collections.abc import Iterable

from spiders.run import Run
from theftwatch.db import seen, targets
from theftwatch.db.queries import Connection, execute
from theftwatch.db.seen import Sight
from theftwatch.db.validators import Validator
from theftwatch.listing import Listing, Page
from theftwatch.pages.addresses import listing_key


class Sights:
    """Compares pages of targets with the record, and keeps what has not changed."""

    def __init__(self, run: Run, marketplace: str) -> None:
        self._run = run
        self._marketplace = marketplace
        self._sights: list[Sight] = []

    async def compare_list(self, target: int, page: Page, urls: Iterable[str]) -> list[Listing]:
        """Have the listings crawled that a target's list led to, where they are new or their cards have changed.

        Returns the cards that are to be stored, as they show a listing or a photo that the record lacks; the other
        listings have been seen.
        """
        found = {ref: url for url in urls if (ref := self._listing_ref(url))}
        cards = {card.listing_ref: card for card in page.listings if card.listing_ref in found}
        if not found:
            return []

        async def write(connection: Connection) -> tuple[int, set[str]]:
            await execute(connection, "lock_writes")
            return await targets.save_found(
                connection, found, cards, found_on=target, reason="on a page that was crawled", now=self._run.clock()
            )

        new, lacking = await self._run.ask(write)
        self._run.counts.inc("target/found", new)
        self._see(cards.keys() - lacking, in_full=False)
        return [cards[ref] for ref in cards if ref in lacking]

    async def compare_listings(self, page: Page) -> list[Listing]:
        """Return the listings of a page of theirs that say something new; the others have been seen."""
        unchanged = await self._run.ask(lambda connection: seen.find_unchanged(connection, page.listings))
        self._see(unchanged, in_full=True)
        return [listing for listing in page.listings if listing.listing_ref not in unchanged]

    def see_again(self, validator: Validator) -> None:
        """See what a page shows that has not changed by its host's word."""
        own = {self._listing_ref(validator.url)}
        self._see(validator.listing_refs, in_full=own == set(validator.listing_refs))

    def take(self) -> list[Sight]:
        """Return what was seen since this was called last; who calls notes it."""
        sights, self._sights = self._sights, []
        return sights

    def _see(self, listing_refs: Iterable[str], *, in_full: bool) -> None:
        now = self._run.clock()
        new = [
            Sight(marketplace=self._marketplace, listing_ref=ref, in_full=in_full, seen_at=now) for ref in listing_refs
        ]
        self._sights += new
        self._run.counts.inc("listing/unchanged", len(new))

    def _listing_ref(self, url: str) -> str | None:
        """Return the key of the listing that an address on this marketplace names."""
        marketplace, ref = listing_key(url) or (None, None)
        return ref if marketplace == self._marketplace else None
