"""What the terms of a marketplace let a published page show of its listings."""

#: Marketplaces of whose listings a published page shows the address alone, no photo and no title. Etsy's terms for its
#: API let a listing be displayed only as it stood there at most six hours before, which no page written once can
#: keep to (docs/notices.md). What was read from saved pages is not told apart from that.
_ADDRESS_ALONE = frozenset({"etsy"})


def may_be_published(marketplace: str) -> bool:
    """Return whether a published page may show photos and titles of a marketplace's listings."""
    return marketplace not in _ADDRESS_ALONE
