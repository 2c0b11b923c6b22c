"""`theftwatch dates`: what is known of when a listing and its photos existed."""

from theftwatch.commands.options import JsonObject, Listing


def dates(
    listing: Listing,
    *,
    as_json: JsonObject = False,
) -> None:
    """Print what is known of when a listing existed.

    Its ledger: bounds on its dates and those of its photos, each with source and strength. Where it is in findings,
    also who was first, by how much, the weakest link, and the proof that is missing.
    """
    import asyncio

    from theftwatch.commands.work import dates as work

    asyncio.run(work.print_dates(listing.strip(), as_json=as_json))
