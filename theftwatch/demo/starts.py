"""Where the spiders start, so that together they reach all that is on offer."""

from theftwatch.demo.captured import captured_listings
from theftwatch.demo.catalogue import Catalogue, DemoSeller, SellerKind


def start_lines(catalogue: Catalogue, marketplace: str, *, hurdles: bool = True) -> list[str]:
    """Return the lines of a spider's `-a file=`: its shops or vendors, and the captured listings by address.

    Without `hurdles`, those sellers are left out whose pages are blocked, changed, gone or empty without scripts.
    """
    kinds = {SellerKind.SHOP, SellerKind.ARCHIVED} | ({SellerKind.HURDLES} if hurdles else set())
    sellers = [one for one in catalogue.sellers if one.seller.marketplace == marketplace and one.kind in kinds]
    return [_line(seller) for seller in sellers] + captured_listings(marketplace)


def _line(seller: DemoSeller) -> str:
    if seller.kind is SellerKind.ARCHIVED:
        return f"archive={seller.handle}"
    return f"{'vendor' if seller.seller.marketplace == 'alibaba' else 'shop'}={seller.handle}"
