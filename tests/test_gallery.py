"""The gallery: what an artisan may publish, and nothing else."""

import base64
import hashlib
import io

import pytest
from parsel import Selector
from PIL import Image

from tests.fixtures_told import BENS, HARBOUR, HOSTILE, MEADOW, OWN_FILE
from tests.matched import DRESS, MATCHED_AT, SMALL_DRESS, image
from theftwatch.db import store
from theftwatch.db.records import OriginalFileRecord
from theftwatch.errors import UsageError
from theftwatch.reports.preview import make_preview


class Page:
    """A gallery as a reader meets it."""

    def __init__(self, told, *arguments) -> None:
        folder = told.folder / "gallery"
        self.said = told.run("report", "--html", folder, "--gallery", *(arguments or ["Ana"]))
        self.text = (folder / "index.html").read_text()
        self.selector = Selector(self.text)

    @property
    def words(self):
        return " ".join("".join(self.selector.xpath("//body//text()").getall()).split())

    @property
    def photos(self):
        """The photos that it shows, each as the digest of its pixels."""
        return {digest_of(uri) for uri in self.selector.css("img::attr(src)").getall()}


def digest_of(uri: str) -> str:
    data = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
    with Image.open(io.BytesIO(data)) as opened:
        return hashlib.sha256(opened.tobytes()).hexdigest()


def shown(photo: bytes) -> str:
    return digest_of(make_preview(photo).uri)


def give(told, photo: bytes, kind="original"):
    given = OriginalFileRecord(image=image(photo), kind=kind, name="private/dress for Bea.jpg")

    async def save(connection):
        async with connection.transaction():
            await store.save_original_files(connection, "Ana", [given], now=MATCHED_AT)

    told.do(save)


def test_it_shows_confirmed_copies_alone_and_of_etsy_the_address_alone(told):
    told.confirm(HARBOUR)
    told.run("artisan", "contact", "Ana", "ana@example.org", "--by", "Eva")
    page = Page(told)
    assert page.said.startswith("Ana: 2 photos in 1 listing of others.\n")
    assert "Photos of Ana in listings of others" in page.words
    assert page.selector.css("article a::attr(href)").getall() == [
        "https://www.alibaba.com/listing/201",
        "https://www.etsy.com/listing/11",
        "https://www.etsy.com/listing/12",
        "https://www.alibaba.com/listing/201",
        "https://www.etsy.com/listing/11",
    ]
    assert "2026 New Dress Wholesale of Harbour Co., Ltd. on Alibaba" in page.words
    assert "Known 2,009 days earlier" in page.words
    # the vendor's photos; hers are known from Etsy's listings alone, which stay there with their titles
    assert shown(SMALL_DRESS) in page.photos
    assert shown(DRESS) not in page.photos
    assert len(page.photos) == 2
    assert "Red shirt dress" not in page.text
    assert "The term “Etsy” is a trademark of Etsy, Inc." in page.words
    for private in ("ana@example.org", "Eva", "listing/207", "Meadow"):
        assert private not in page.text
    assert "theft" not in page.text.lower()


def test_a_file_that_the_artisan_gave_is_shown_without_its_name(told):
    told.confirm(HARBOUR)
    give(told, DRESS)
    page = Page(told)
    assert shown(DRESS) in page.photos
    assert "Bea" not in page.text


def test_out_takes_are_never_shown(told):
    told.confirm(HARBOUR)
    give(told, DRESS, kind="outtake")
    assert shown(DRESS) not in Page(told).photos


def test_a_shop_that_is_not_on_etsy_shows_its_own_photo(told):
    told.confirm(BENS)
    told.run("seller", "link", "Ben's Pots", "Ben's Pots")
    page = Page(told, "Ben's Pots")
    assert len(page.photos) == 2
    assert "Etsy" not in page.words


def test_what_no_complaint_may_rest_on_is_not_shown(told):
    told.confirm(MEADOW, OWN_FILE)
    # a file of unknown age, and a vendor with a licence
    told.run("relation", "add", "Ana", "Meadow Clothing", "--kind", "licensee", "--by", "Eva")
    with pytest.raises(UsageError, match="Ana: nothing to show"):
        Page(told)
    assert not (told.folder / "gallery").exists()


def test_what_was_taken_down_says_so(told):
    told.confirm(HARBOUR)
    told.do(
        lambda connection: connection.execute(
            "insert into removal (finding, how, run, last_shown_at, missed_at, removed_at)"
            " select id, 'gone', 1, %(at)s, %(at)s, %(at)s from unnest(%(ids)s::bigint[]) as id",
            {"at": MATCHED_AT, "ids": told.findings(HARBOUR)},
        )
    )
    assert "taken down by 2026-11-11" in Page(told).words


def test_hostile_names_stay_text(told):
    told.confirm(HOSTILE)
    page = Page(told)
    assert page.selector.css("script") == []
    assert page.selector.css("[onerror]") == []
    assert page.selector.xpath("//a[starts-with(@href, 'javascript')]") == []
    assert '"><script>document.title="owned"</script>' in page.words
    [policy] = page.selector.css("meta[http-equiv]::attr(content)").getall()
    assert policy.startswith("default-src 'none'; img-src data:")


def test_who_opted_out_has_no_gallery(told):
    told.confirm(HARBOUR)
    told.run("artisan", "opt-out", "Ana", "--by", "Eva")
    with pytest.raises(UsageError, match="has opted out"):
        Page(told)


def test_it_is_a_page_of_one_artisan(told):
    for arguments in (["--gallery", "Ana"], ["--gallery", "Ana", "--html", "x", "--vendor", "Harbour"]):
        with pytest.raises(UsageError, match="--gallery writes a page of one artisan"):
            told.run("report", *arguments)
