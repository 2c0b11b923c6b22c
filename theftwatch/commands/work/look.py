"""The work of `theftwatch look`."""

import json
from dataclasses import dataclass

from theftwatch.commands.work.dates import find_photos
from theftwatch.commands.work.names import find_listing
from theftwatch.commands.work.record import opened
from theftwatch.pages.searches import image_searches, word_searches
from theftwatch.reports.words import one_line


@dataclass(frozen=True, kw_only=True, slots=True)
class _Photo:
    position: int
    url: str
    searches: dict[str, str]


async def print_searches(name: str, *, as_json: bool) -> None:
    """Print where to search by the photos that a listing shows, and by its title."""
    async with opened() as connection:
        listing = await find_listing(connection, name)
        photos = [
            _Photo(position=each.position, url=each.source_url, searches=image_searches(each.source_url))
            for each in await find_photos(connection, listing.id)
            if each.shown
        ]
    by_words = word_searches(listing.title or "")
    if as_json:
        shown = [{"position": each.position, "url": each.url, "searches": each.searches} for each in photos]
        print(json.dumps({"url": listing.url, "title": listing.title, "searches": by_words, "photos": shown}))
        return
    lines = [f"{one_line(listing.title or 'Untitled')}: {one_line(listing.url)}"]
    lines += [f"  {where}: {address}" for where, address in by_words.items()]
    for photo in photos:
        lines.append(f"photo {photo.position + 1}: {one_line(photo.url)}")
        lines += [f"  {where}: {address}" for where, address in photo.searches.items()]
    if not photos:
        lines.append("no photo of this listing is in the record, so there is none to search by")
    print("\n".join(lines))
