"""Pages that a person saved: where they came from."""

import pytest

from theftwatch.errors import UnknownPageError
from theftwatch.pages.saved import read_saved_page

SHOP = "https://www.etsy.com/shop/WovenRainbowsByErin"


@pytest.mark.parametrize(
    "text",
    [
        f"<!DOCTYPE html>\n<!-- saved from url=(0045){SHOP} -->\n<html></html>",
        f"<!DOCTYPE html> <html><!--\n Page saved with SingleFile \n url: {SHOP} \n saved date: today\n--></html>",
        f'<html><head><link rel="canonical" href="{SHOP}"></head></html>',
        f'<html><head><meta property="og:url" content="{SHOP}"></head></html>',
    ],
)
def test_the_file_tells_its_address(text):
    assert read_saved_page(text.encode()).url == SHOP
    assert read_saved_page(text.encode(), "https://www.etsy.com/other").url == "https://www.etsy.com/other"


def test_mhtml_of_chromium_is_read():
    data = (
        "From: <Saved by Blink>\r\n"
        f"Snapshot-Content-Location: {SHOP}\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/related; type="text/html"; boundary="--x"\r\n\r\n'
        "----x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "<p>caf=C3=A9</p>\r\n----x--\r\n"
    )
    page = read_saved_page(data.encode())
    assert page.url == SHOP
    assert "café" in page.body


@pytest.mark.parametrize(
    "data", [b"", b"<html></html>", b'{"results": []}', b"\x89PNG\r\n", b"Snapshot-Content-Location: x"]
)
def test_a_file_that_does_not_tell_asks_for_the_address(data):
    with pytest.raises(UnknownPageError, match=r"--url|MHTML"):
        read_saved_page(data)


def test_encodings_are_told_by_the_page():
    data = f'<html><head><meta charset="iso-8859-1"><link rel="canonical" href="{SHOP}"></head>caf\xe9'.encode(
        "latin-1"
    )
    assert "café" in read_saved_page(data).body
