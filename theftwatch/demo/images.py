"""The image hosts of the replica: each picture at its address, in the size that the address asks for."""

import re

from theftwatch.demo import captured, photos
from theftwatch.demo.answers import Answer, Request, Shelves, not_found
from theftwatch.demo.catalogue import Edit, Picture

_PATHS = {
    "etsy": re.compile(r"/[^?]*/il_(?P<size>\w+)\.(?P<key>\d+)(?:_\w+)?\.(?:jpg|png)"),
    "artfire": re.compile(r"/uploads/mfs/items/\w\w/\w\w/(?P<size>\w+)/(?P<key>[0-9a-f]{64})\.(?:jpg|png)"),
    "alibaba": re.compile(r"/(?:@sc\d+/)?kf/(?P<key>\w+)(?:/[^/]+)*?\.(?:jpg|png)(?:_(?P<size>[^/]*))?"),
}
_PLACEHOLDER_PATH = "/tfs/TB1S_7kkY5YBuNjSspoXXbeNFXa-700-700.jpg"
#: ArtFire's sizes have names
_NAMED_SIDES_PX = {"default": 300}
_YEAR_S = 365 * 24 * 3600


def answer_image(request: Request, shelves: Shelves, marketplace: str) -> Answer:
    """Answer a request to the image host of a marketplace."""
    picture, side_px = _find(request.path, shelves, marketplace)
    if picture is None or picture.edit is Edit.MISSING:
        return not_found(request)
    # A broken file has no smaller form
    if side_px is None or picture.edit is Edit.BROKEN:
        body = photos.picture_bytes(picture)
    else:
        body = photos.sized_bytes(picture, side_px)
    headers = {"Cache-Control": f"public, max-age={_YEAR_S}"}
    kind = "image/png" if body.startswith(b"\x89PNG") else "image/jpeg"
    return Answer(content_type=kind, body=body, headers=headers)


def _find(path: str, shelves: Shelves, marketplace: str) -> tuple[Picture | None, int | None]:
    """Return the picture at a path, and the longest side that the path asks for."""
    if marketplace == "alibaba" and path.startswith(_PLACEHOLDER_PATH):
        return Picture(edit=Edit.DRAWN, variant="placeholder"), None
    found = _PATHS[marketplace].fullmatch(path)
    if not found:
        return None, None
    side_px = _side_px(found["size"] or "")
    if shown := shelves.shown(marketplace, found["key"]):
        return shown.picture, side_px
    # No page of ArtFire was captured
    return captured.stand_in(marketplace, found["key"]) if marketplace != "artfire" else None, side_px


def _side_px(size: str) -> int | None:
    """Return the pixels in `350x350.jpg`, `794xN`, `960x960q80.jpg` or `default`; None for the original."""
    if size in _NAMED_SIDES_PX:
        return _NAMED_SIDES_PX[size]
    found = re.match(r"(\d+)x(?:\d+|N)", size)
    return int(found[1]) if found else None
