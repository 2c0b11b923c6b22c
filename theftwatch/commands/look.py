"""`theftwatch look`: where a person may look on by hand."""

from theftwatch.commands.options import JsonObject, Listing


def look(
    listing: Listing,
    *,
    as_json: JsonObject = False,
) -> None:
    """Print where to look for a listing's photos by hand.

    Addresses of searches by each photo and by the words of its title, to open in a browser: they bar machines, so the
    program asks none of them. What is found is taken in with `theftwatch import`.
    """
    import asyncio

    from theftwatch.commands.work import look as work

    asyncio.run(work.print_searches(listing.strip(), as_json=as_json))
