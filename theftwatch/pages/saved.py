"""Pages that a person saved from a browser, and the address that they came from."""

import email
import email.policy
import re
from dataclasses import dataclass

from parsel import Selector
from w3lib.encoding import html_to_unicode

from theftwatch.errors import UnknownPageError

# Internet Explorer began it, and Chromium and Firefox's "save page as" keep it; SingleFile writes a form of its own.
_SAVED_FROM = re.compile(r"<!--\s*saved from url=\(\d+\)(\S+?)\s*-->")
_SINGLE_FILE = re.compile(r"<!--\s*Page saved with SingleFile\s+url:\s*(\S+)")
_ADDRESSES = ("//link[@rel='canonical']/@href", "//meta[@property='og:url']/@content")
# The comments stand at the start of the file.
_HEAD_CHARS = 4_096


@dataclass(frozen=True, slots=True)
class SavedPage:
    """A page as text, with its address."""

    body: str
    url: str


def read_saved_page(data: bytes, url: str | None = None) -> SavedPage:
    """Return a saved page; `url` tells its address where the file does not, or tells it wrong.

    Reads HTML, JSON and the MHTML of Chromium ("webpage, single file"). Raises UnknownPageError where nothing tells the
    address.
    """
    if b"Snapshot-Content-Location:" in data[:_HEAD_CHARS]:
        return _read_mhtml(data, url)
    body = decode_page(data)
    if address := url or _address(body):
        return SavedPage(body, address)
    raise UnknownPageError("the file does not tell which address it was saved from; give it with --url")


def write_saved_page(page: SavedPage) -> bytes:
    """Return the file of a page that tells its own address, as `read_saved_page` reads it."""
    mark = f"<!-- saved from url=({len(page.url):04}){page.url} -->\n"
    # The mark of UTF-8 goes before what the page itself says of its encoding, which was that of another form of it.
    return (mark + page.body).encode("utf-8-sig", errors="replace")


def decode_page(data: bytes) -> str:
    """Return the text of a page whose encoding only the page itself tells."""
    return html_to_unicode(None, data)[1]


def _address(body: str) -> str | None:
    head = body[:_HEAD_CHARS]
    if found := _SAVED_FROM.search(head) or _SINGLE_FILE.search(head):
        return found[1]
    if body.lstrip().startswith(("{", "[")):
        return None
    selector = Selector(text=body)
    return next((address for path in _ADDRESSES if (address := selector.xpath(path).get())), None)


def _read_mhtml(data: bytes, url: str | None) -> SavedPage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    page = next((part for part in message.walk() if part.get_content_type() == "text/html"), None)
    address = url or message["Snapshot-Content-Location"]
    if page is None or not address:
        raise UnknownPageError("the MHTML file holds no page; save it again as 'webpage, HTML only'")
    return SavedPage(decode_page(page.get_payload(decode=True)), address)  # type: ignore[arg-type]  # a leaf has bytes
