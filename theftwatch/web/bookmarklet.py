"""Bookmarks that send the page in view to the receiver on this machine, and the tokens that they carry.

A marketplace's page may forbid itself to fetch from, or post a form to, anywhere else, and browsers keep public pages
from fetching from this machine. What no page can forbid is to go to another address. So the bookmark packs the page
into the part of an address behind `#`, which is not sent to any server, and opens the receiver there.

The page that a bookmark runs on can read it. Its token therefore counts for pages of its own marketplace alone, so that
a hostile page of one can never pass for a page of another.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from theftwatch.pages.read import SITES

#: The longest address that Firefox takes is 1 MiB; Chromium takes twice that
ADDRESS_MAX = 1_000_000
_KEY_FILE = "receiver.key"
_KEY_BYTES = 32
#: What the token is of that shows the bookmarks themselves
SETUP = "bookmarklets"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that follow from one secret: one a site, and one for the page that offers the bookmarks."""

    secret: bytes

    def of(self, site: str) -> str:
        """Return the token of a site."""
        return hmac.new(self.secret, site.encode(), hashlib.sha256).hexdigest()[:32]

    def site_of(self, token: str) -> str | None:
        """Return the site whose token this is; None for no token of ours."""
        return next((site for site in SITES if self.is_of(token, site)), None)

    def is_of(self, token: str, site: str) -> bool:
        """Return whether a token is that of a site, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(self.of(site).encode(), token.encode())


def load_tokens(folder: Path, *, new: bool = False) -> Tokens:
    """Return the tokens of a data folder; with `new`, others from now on, so that old bookmarks work no more."""
    path = folder / _KEY_FILE
    if new or not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(_KEY_BYTES))
    return Tokens(path.read_bytes())


def bookmarklet(receiver: str, token: str) -> str:
    """Return the text of a bookmark, for a receiver at an address such as http://127.0.0.1:8477/."""
    code = resources.files(__package__).joinpath("bookmarklet.js").read_text("utf-8")
    lines = " ".join(line.strip() for line in code.splitlines())
    lines = lines.replace("RECEIVER", receiver).replace("TOKEN", token).replace("ADDRESS_MAX", str(ADDRESS_MAX))
    # Without `void`, a browser would show what it returns in place of the page.
    return "javascript:void " + quote(lines, safe="()[]{}=>;:,.+*/?&|!~'@$-_")
