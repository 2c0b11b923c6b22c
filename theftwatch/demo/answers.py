"""What is asked of the replica and what it answers, before any HTTP."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import parse_qs

from theftwatch.demo.catalogue import Catalogue, DemoSeller, Offer, Shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request, with the real host that it was meant for."""

    host: str
    path: str
    query: str = ""
    #: Names in lower case
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Of a form that was posted
    body: bytes = b""

    @property
    def url(self) -> str:
        """Return the real address."""
        return f"https://{self.host}{self.path}{'?' if self.query else ''}{self.query}"

    @property
    def page_number(self) -> int:
        """Return which page of a list is asked for, from 1."""
        value = parse_qs(self.query).get("page", ["1"])[0]
        return int(value) if value.isdecimal() and int(value) else 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer."""

    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Shelves:
    """A catalogue in the order in which the marketplaces look things up."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._offers = {(offer.listing.marketplace, offer.listing.listing_ref): offer for offer in catalogue.offers}
        self._sellers = {(one.seller.marketplace, one.handle.lower()): one for one in catalogue.sellers}
        self._shown = {
            (offer.listing.marketplace, shown.image.key): (offer.seller, shown)
            for offer in catalogue.offers
            for shown in offer.shown
            if shown.image
        }

    def offer(self, marketplace: str, ref: str) -> Offer | None:
        """Return the offer of a listing."""
        return self._offers.get((marketplace, ref))

    def seller(self, marketplace: str, handle: str) -> DemoSeller | None:
        """Return the seller of a name; case does not count."""
        return self._sellers.get((marketplace, handle.lower()))

    def shown(self, marketplace: str, image_key: str) -> Shown | None:
        """Return the picture behind a marketplace's name of an image."""
        found = self._shown.get((marketplace, image_key))
        return found[1] if found else None

    def image_owner(self, marketplace: str, image_key: str) -> DemoSeller | None:
        """Return who shows an image."""
        found = self._shown.get((marketplace, image_key))
        return found[0] if found else None


def condensed(request: Request, found: Answer) -> Answer:
    """Return a good answer with its tag, without its body where the client has that already."""
    if found.status != HTTPStatus.OK:
        return found
    tag = f'"{hashlib.sha256(found.body).hexdigest()[:32]}"'
    headers = {**found.headers, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return replace(found, status=HTTPStatus.NOT_MODIFIED, body=b"", headers=headers)
    return replace(found, headers=headers)


def text_answer(text: str, *, status: int = 200, content_type: str = "text/html; charset=utf-8") -> Answer:
    """Return an answer of text."""
    return Answer(status=status, content_type=content_type, body=text.encode())


def not_found(request: Request) -> Answer:
    """Return the answer for an address where nothing stands."""
    return text_answer(f"{request.url}: not found\n", status=404, content_type="text/plain; charset=utf-8")
