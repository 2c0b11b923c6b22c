"""What reads the bytes of strangers: any bytes are read, or refused by one of the project's own errors."""

import contextlib
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from PIL import Image
from scrapy.exceptions import DropItem

from pipelines.validate import ADDRESS_MAX_BYTES, NAME_MAX_BYTES, ValidatePipeline
from theftwatch.db.records import image_record
from theftwatch.errors import TheftWatchError, UnusableImageError
from theftwatch.evidence.archive import MANIFEST, SUMS
from theftwatch.evidence.bundle import FORMAT
from theftwatch.evidence.capture import FORMAT as CAPTURE_FORMAT
from theftwatch.evidence.manifest import canonical
from theftwatch.evidence.timestamp import read_certificates, verify
from theftwatch.evidence.verify import verify_bundle
from theftwatch.images.reading import read_image
from theftwatch.images.taken import taken_claims
from theftwatch.originals import read_originals
from theftwatch.pages import archive, flickr
from theftwatch.pages.read import read_page
from theftwatch.pages.saved import SavedPage, decode_page, read_saved_page, write_saved_page
from theftwatch.reports.preview import make_preview

SAMPLES = Path(__file__).parents[1] / "samples"
SEEDS = Path(__file__).with_name("seeds")
_NOW = datetime(2026, 11, 26, tzinfo=UTC)
_STAMPED = b"what was dated\n"


@dataclass(frozen=True, slots=True)
class Reader:
    """Something that reads the bytes of strangers."""

    read: Callable[[bytes], object]
    #: Bytes that it reads well
    seeds: Callable[[], list[bytes]]


def _page(data: bytes) -> None:
    saved = read_saved_page(data)
    page = read_page(saved.body, saved.url)
    for listing in page.listings:
        try:
            stored = ValidatePipeline().process_item(listing)
        except DropItem:
            continue
        # what Postgres takes, in its indexes too
        named = [stored.listing_ref, *(image.key for image in stored.images)]
        seller = stored.seller
        named += [seller.ref or "", seller.name or "", *(alias.value for alias in seller.aliases)] if seller else []
        assert max(len(text.encode()) for text in named) <= NAME_MAX_BYTES
        addresses = [stored.url, *(image.url for image in stored.images), seller.url or "" if seller else ""]
        assert max(len(text.encode()) for text in addresses) <= ADDRESS_MAX_BYTES
        assert not [text for text in (*named, *addresses, stored.title or "") if "\0" in text]


def _pages() -> list[bytes]:
    found = []
    for meta in sorted(SAMPLES.glob("*/*/meta.json")):
        [file] = meta.parent.glob("page.*")
        page = SavedPage(decode_page(file.read_bytes()), json.loads(meta.read_text())["url"])
        found.append(write_saved_page(page))
    return [*sorted(found, key=len), _mhtml(found[0])]


def _mhtml(page: bytes) -> bytes:
    head = b"From: <Saved>\r\nSnapshot-Content-Location: https://www.etsy.com/listing/1/a\r\nMIME-Version: 1.0\r\n"
    kind = b'Content-Type: multipart/related; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n'
    return head + kind + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + page + b"\r\n--b--\r\n"


def _image(data: bytes) -> None:
    record = image_record(data)
    assert record.unusable_reason != "failed"
    taken_claims(data, now=_NOW)
    for read in (lambda: read_image(data, panel=True), lambda: make_preview(data)):
        with contextlib.suppress(UnusableImageError):
            read()


def _images() -> list[bytes]:
    drawn = Image.radial_gradient("L").resize((64, 96))
    exif = Image.Exif()
    exif[0x0112], exif[0x9003] = 6, "2020:01:02 03:04:05"
    found = []
    for image_format, options in (
        ("JPEG", {"exif": exif, "comment": "x", "icc_profile": b"y" * 200}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("GIF", {"save_all": True, "append_images": [drawn]}),
        ("AVIF", {"speed": 10}),
    ):
        buffer = io.BytesIO()
        drawn.convert("RGB").save(buffer, image_format, **options)
        found.append(buffer.getvalue())
    return found


def _token(data: bytes) -> None:
    verify(data, _STAMPED, read_certificates((SEEDS / "root.pem").read_text()))


def _bundle(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        file.write(data)
        file.flush()
        list(verify_bundle(Path(file.name), None))


def _manifest(data: bytes) -> None:
    """Read a bundle that is whole as a file, whatever its manifest lists."""
    _bundle(_packed(_contents() | {MANIFEST: data}))


@cache
def _contents() -> dict[str, bytes]:
    photo = b"photo"
    captured = {"format": CAPTURE_FORMAT, "taken_at": "2026-11-20T00:00:00Z", "files": [_listed("page.html", photo)]}
    files = {
        "captures/1/page.html": photo,
        "captures/1/manifest.json": canonical(captured),
        "originals/a.txt": _STAMPED,
        "originals/a.txt.tsr": (SEEDS / "token.tsr").read_bytes(),
        "authorities/a.pem": (SEEDS / "root.pem").read_bytes(),
    }
    stamp = {"file": "originals/a.txt", "token": "originals/a.txt.tsr", "authority": "authorities/a.pem"}
    manifest = {
        "format": FORMAT,
        "files": [_listed(name, data) for name, data in files.items()],
        "left_out": [],
        "timestamps": [stamp],
        "captures": ["captures/1/manifest.json"],
    }
    files[MANIFEST] = canonical(manifest)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    return files | {SUMS: sums.encode()}


def _listed(name: str, data: bytes) -> dict[str, str]:
    return {"name": name, "sha256": hashlib.sha256(data).hexdigest()}


def _packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return buffer.getvalue()


def _index(data: bytes) -> None:
    for capture in archive.read_index(decode_page(data)).captures:
        archive.read_capture_url(capture.url)
        assert capture.claim


def _photo(data: bytes) -> None:
    flickr.read_info(decode_page(data))


def _list(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photos.csv")
        path.write_bytes(data)
        Path(folder, "a.jpg").touch()
        read_originals(path, "original")


READERS = {
    "page": Reader(_page, _pages),
    "image": Reader(_image, _images),
    "token": Reader(_token, lambda: [(SEEDS / "token.tsr").read_bytes()]),
    "bundle": Reader(_bundle, lambda: [_packed(_contents())]),
    "manifest": Reader(_manifest, lambda: [_contents()[MANIFEST]]),
    "index": Reader(
        _index,
        lambda: [
            b'[["timestamp","original","mimetype","statuscode","digest"],'
            b'["20200102030405","https://www.etsy.com/listing/1","text/html","200","ABC"],[],["resume key"]]'
        ],
    ),
    "flickr": Reader(
        _photo,
        lambda: [
            b'{"stat":"ok","photo":{"id":"27","secret":"a1","server":"12","dates":{"posted":"1577934245",'
            b'"taken":"2020-01-02 03:04:05","takengranularity":"0","takenunknown":"0"}}}'
        ],
    ),
    "list": Reader(_list, lambda: [b"file,url,published_at\na.jpg,https://www.flickr.com/photos/a/27,2020-01-02\n"]),
}


@cache
def seeds(name: str) -> tuple[bytes, ...]:
    """Return bytes that a reader reads well."""
    return tuple(READERS[name].seeds())


def read(name: str, data: bytes) -> bool:
    """Have bytes read; return whether they were, and raise whatever is no error of the project."""
    try:
        READERS[name].read(data)
    except TheftWatchError:
        return False
    return True
