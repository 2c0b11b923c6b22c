"""Dates from elsewhere: the Internet Archive, Flickr and an artisan's own files, on the replica."""

import io
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.crawling import World
from tests.program import answer
from theftwatch.demo.catalogue import Edit, load_catalogue
from theftwatch.demo.flickr_site import photo_page
from theftwatch.demo.photos import photo_bytes
from theftwatch.demo.replica import running_replica
from theftwatch.errors import PageBlockedError, PageChangedError, PageError, UnknownPageError, UsageError
from theftwatch.images.taken import taken_claims
from theftwatch.listing import DateClaim
from theftwatch.pages import archive, flickr

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TAKEN = datetime(2019, 4, 1, 10, 30, tzinfo=UTC)
CATALOGUE = load_catalogue()
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


def theftwatch(world: World, *arguments: object) -> str:
    return answer(arguments, world.environment())


def in_the_archive(marketplace: str, *, every: int):
    """Return a listing that the archive has, and one that it does not have, of one seller whose photos are its own."""
    offers = [
        offer
        for offer in CATALOGUE.offers
        if offer.listing.marketplace == marketplace
        and offer.seller.kind == "shop"
        and all(shown.picture.edit is Edit.NONE for shown in offer.shown)
        and len(offer.listing.images) > 1
    ]
    there = next(offer for offer in offers if int(offer.listing.listing_ref) % every == 0)
    not_there = next(offer for offer in offers if int(offer.listing.listing_ref) % every)
    return there.listing, not_there.listing


def test_the_archive_dates_a_listing_and_its_photos_by_what_it_shows_of_them(world):
    there, not_there = in_the_archive("etsy", every=2)
    starts = world.folder / "starts.txt"
    starts.write_text(f"{there.url}\n{not_there.url}\n")
    world.crawl("etsy", f"file={starts}")
    names = [f"etsy/{listing.listing_ref}" for listing in (there, not_there)]
    assert "No archive has been asked" in theftwatch(world, "dates", names[0])
    # the second photo of the listing is another picture by now than the archive has at its address
    second = world.rows(
        "select image, source_url from listing_image li join listing l on l.id = li.listing"
        f" where l.listing_ref = '{there.listing_ref}' and position = 1"
    )
    other = next(each for each in not_there.images if each.position == 0)
    world.execute(
        "update listing_image set image = (select image from listing_image where image_key = %s)"
        " where image = %s and position = 1",
        [other.key, second[0][0]],
    )
    starts.write_text("".join(f"listing={name}\n" for name in names))
    world.crawl("dates", f"file={starts}", "limit=1")
    assert world.rows("select count(*) from date_inquiry") == [(1,)]
    world.crawl("dates", f"file={starts}")
    taken_at = there.listed_at + timedelta(days=90, hours=4, minutes=5, seconds=6)
    claims = world.rows(
        "select coalesce(l.listing_ref, li.image_key), c.kind, c.earliest_at, c.latest_at, c.source, c.strength"
        " from date_claim c left join listing l on l.id = c.listing left join listing_image li on li.image = c.image"
        " where c.source = 'web.archive.org' order by c.latest_at, 1"
    )
    photos = [image for image in there.images if image.position != 1]
    assert claims[0] == (there.listing_ref, "archived", None, taken_at, "web.archive.org", "strong")
    assert claims[1:] == sorted(
        (image.key, "archived", None, taken_at + timedelta(seconds=40), "web.archive.org", "strong") for image in photos
    )
    answers = world.rows("select answer, count(*) from date_inquiry group by 1 order by 1")
    assert dict(answers) == {"claim": 1 + len(photos), "nothing": 1 + len(not_there.images), "other": 1}
    told = theftwatch(world, "dates", names[0])
    assert f"- the listing archived by {taken_at:%Y-%m-%d}, says web.archive.org (strong)" in told
    assert f"  - archived by {taken_at:%Y-%m-%d}, says web.archive.org (strong)" in told
    assert "web.archive.org shows another picture at its address, asked on" in told
    asked = json.loads(theftwatch(world, "dates", names[1], "--json"))["asked"]
    assert {each["answer"] for each in asked} == {"nothing"}
    # what was answered lately is not asked again
    (world.folder / "requests.jsonl").write_text("")
    world.crawl("dates", f"listing={names[0]}")
    assert "cdx" not in (world.folder / "requests.jsonl").read_text()


def test_both_sides_of_the_findings_are_asked_about_and_who_was_first_follows(world):
    copied = next(
        offer
        for offer in CATALOGUE.offers
        if offer.listing.marketplace == "alibaba" and any(shown.picture.edit is Edit.EXACT for shown in offer.shown)
    )
    photo = next(shown.picture.photos[0] for shown in copied.shown if shown.picture.edit is Edit.EXACT)
    original = next(
        offer
        for offer in CATALOGUE.offers
        if offer.listing.marketplace != "alibaba"
        and any(shown.picture.edit is Edit.NONE and shown.picture.photos == (photo,) for shown in offer.shown)
    )
    world.crawl("alibaba", f"url={copied.listing.url}")
    table = world.folder / "mine.csv"
    (world.folder / "hare.jpg").write_bytes(photo_bytes(photo))
    table.write_text(f"file,published\nhare.jpg,{photo_page(photo)}\n")
    theftwatch(world, "originals", "add", table, "--artisan", "Ana")
    assert "set THEFTWATCH_FLICKR_API_KEY to ask for their dates" in world.crawl("dates")
    world.crawl("dates", THEFTWATCH_FLICKR_API_KEY=KEY)
    listed_at = original.listing.listed_at
    assert listed_at is not None
    posted_at, taken_at = listed_at - timedelta(days=20), listed_at - timedelta(days=21)
    assert world.rows(
        "select kind, earliest_at, latest_at, strength from date_claim where source = 'flickr.com' order by kind"
    ) == [
        ("posted", None, posted_at.replace(microsecond=0), "weak"),
        ("taken", taken_at - timedelta(hours=14), taken_at + timedelta(hours=12), "weak"),
    ]
    asked = world.rows("select distinct source, listing is not null from date_inquiry order by 1, 2")
    assert asked == [("flickr.com", False), ("web.archive.org", True)]
    # the owner's word alone decides nothing
    assert world.rows("select direction from direction") == [("undecided",)]
    assert KEY not in (world.folder / "requests.jsonl").read_text()
    assert world.rows(f"select count(*) from page_problem where url like '%{KEY}%'") == [(0,)]


def test_a_listing_that_is_not_in_the_record_and_a_key_that_flickr_refuses(world):
    process = world.start("dates", "listing=etsy/1")
    log, _ = process.communicate(timeout=300)
    assert (process.returncode, "0 listings of the record go by that" in log) == (2, True), log
    (world.folder / "hare.jpg").write_bytes(photo_bytes("049fb77f0266.jpg"))
    (world.folder / "mine.csv").write_text(f"file,published\nhare.jpg,{photo_page('049fb77f0266.jpg')}\n")
    theftwatch(world, "originals", "add", world.folder / "mine.csv", "--artisan", "Ana")
    with world.start("dates", THEFTWATCH_FLICKR_API_KEY="wrong") as process:
        log, _ = process.communicate(timeout=300)
    assert "Invalid API Key" in log
    assert "set THEFTWATCH_FLICKR_API_KEY to a key of" in log
    assert world.rows("select outcome from run") == [("failed",)]


def test_the_dates_in_an_artisans_file_are_kept_and_weak(world):
    (world.folder / "hare.jpg").write_bytes(with_exif("2019:04:01 10:30:00", "+02:00"))
    theftwatch(world, "originals", "add", world.folder, "--artisan", "Ana")
    assert world.rows("select kind, earliest_at, latest_at, source, strength from date_claim") == [
        ("taken", TAKEN - timedelta(hours=2), TAKEN - timedelta(hours=2), "exif", "weak")
    ]


def with_exif(taken: str, offset: str = "", **more: bytes) -> bytes:
    with Image.open(io.BytesIO(photo_bytes("049fb77f0266.jpg"))) as photo:
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = taken
        if offset:
            exif.get_ifd(0x8769)[0x9011] = offset
        file = io.BytesIO()
        photo.save(file, "JPEG", exif=exif, **more)
    return file.getvalue()


HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    ("taken", "offset", "bounds"),
    [
        ("2019:04:01 10:30:00", "+02:00", (TAKEN - 2 * HOURS, TAKEN - 2 * HOURS)),
        ("2019:04:01 10:30:00", "Z", (TAKEN, TAKEN)),
        ("2019:04:01 10:30:00", "", (TAKEN - 14 * HOURS, TAKEN + 12 * HOURS)),
        ("2019:04:01 10:30:00", "here", None),
        ("0000:00:00 00:00:00", "", None),
        ("2019:02:30 10:30:00", "", None),
        ("2027:04:01 10:30:00", "", None),  # after now
        ("2000:01:01 00:00:12", "", None),  # a clock that was never set
        ("1970:01:01 00:00:00", "", None),
        ("last spring", "", None),
    ],
)
def test_exif_gives_bounds(taken, offset, bounds):
    claims = taken_claims(with_exif(taken, offset), now=NOW)
    expected = (
        []
        if bounds is None
        else [DateClaim(kind="taken", source="exif", strength="weak", earliest_at=bounds[0], latest_at=bounds[1])]
    )
    assert list(claims) == expected


def test_xmp_and_iptc_are_read_beside_exif():
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
        b' photoshop:DateCreated="2018-03-02T08:00:00+01:00"/></rdf:RDF></x:xmpmeta>'
    )
    data = with_exif("2019:04:01 10:30:00", "Z", xmp=xmp)
    records = b"".join(
        b"\x1c\x02" + bytes([tag]) + len(value).to_bytes(2) + value
        for tag, value in ((55, b"20170605"), (60, b"091500+0000"))
    )
    block = b"8BIM\x04\x04\x00\x00" + len(records).to_bytes(4) + records + b"\x00" * (len(records) % 2)
    segment = b"Photoshop 3.0\x00" + block
    data = data[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2) + segment + data[2:]
    found = {claim.source: claim.latest_at for claim in taken_claims(data, now=NOW)}
    assert found == {
        "exif": TAKEN,
        "xmp": datetime(2018, 3, 2, 7, tzinfo=UTC),
        "iptc": datetime(2017, 6, 5, 9, 15, tzinfo=UTC),
    }


@given(st.data())
def test_damaged_metadata_says_nothing_and_stops_nothing(data):
    file = bytearray(with_exif("2019:04:01 10:30:00", "Z"))
    for _ in range(data.draw(st.integers(1, 12))):
        file[data.draw(st.integers(2, 400))] = data.draw(st.integers(0, 255))
    assert all(claim.strength == "weak" for claim in taken_claims(bytes(file), now=NOW))
    assert taken_claims(b"no image", now=NOW) == ()


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("https://www.flickr.com/photos/bees/2733/", "2733"),
        ("https://flickr.com/photos/12037949754@N01/2733", "2733"),
        ("https://www.flickr.com/photos/bees/2733/in/album-72/", "2733"),
        ("https://www.flickr.com/photos/bees/", None),
        ("https://www.flickr.com.evil.example/photos/bees/2733/", None),
    ],
)
def test_the_number_of_a_flickr_photo_stands_in_its_address(url, number):
    assert flickr.photo_id(url) == number


def info(**dates: object) -> str:
    return json.dumps({"stat": "ok", "photo": {"id": "2733", "secret": "123456", "server": "12", "dates": dates}})


def test_flickr_s_dates_are_bounds_as_wide_as_they_say():
    # the values of the example in Flickr's own description
    photo = flickr.read_info(info(posted="1100897479", taken="2004-11-19 12:51:19", takengranularity="0"))
    posted, taken = photo.claims
    assert posted.latest_at == datetime.fromtimestamp(1100897479, UTC)
    assert (taken.earliest_at, taken.latest_at) == (
        datetime(2004, 11, 18, 22, 51, 19, tzinfo=UTC),
        datetime(2004, 11, 20, 0, 51, 19, tzinfo=UTC),
    )
    assert photo.image_url == "https://live.staticflickr.com/12/2733_123456_b.jpg"
    (_, month) = flickr.read_info(info(posted=1, taken="2004-11-01 00:00:00", takengranularity=4)).claims
    assert month.latest_at == datetime(2004, 12, 2, 12, tzinfo=UTC)
    for vague in ({"takengranularity": 8}, {"takenunknown": "1"}, {"taken": "0000-00-00 00:00:00"}):
        assert flickr.read_info(info(**{"taken": "2004-11-19 12:51:19"} | vague)).claims == ()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"stat":"fail","code":1,"message":"Photo not found"}', UnknownPageError),
        ('{"stat":"fail","code":100,"message":"Invalid API Key"}', UsageError),
        ('{"stat":"fail","code":105,"message":"Service currently unavailable"}', PageBlockedError),
        ('{"stat":"fail","code":112,"message":"Method not found"}', PageChangedError),
        ('{"stat":"ok","photo":{"id":"1","secret":"../x","server":"12"}}', PageChangedError),
        ('{"stat":"ok"}', PageChangedError),
        ("[]", PageChangedError),
        ("<html>", PageChangedError),
    ],
)
def test_what_flickr_refuses_says_what_to_do(body, error):
    with pytest.raises(error):
        flickr.read_info(body)


ANSWER = st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner))


@given(st.text() | ANSWER.map(json.dumps))
def test_any_answer_of_flickr_is_read_or_refused_by_name(body):
    try:
        flickr.read_info(body)
    except (PageError, UsageError):
        return


@pytest.mark.parametrize(
    ("url", "key", "captured", "same"),
    [
        ("https://www.etsy.com/listing/123/a-hare", "123", "http://www.etsy.com:80/listing/123", True),
        ("https://www.etsy.com/listing/123/a-hare", "123", "https://www.etsy.com/listing/123/other-words?x=1", True),
        ("https://www.etsy.com/listing/123/a-hare", "123", "https://www.etsy.com/listing/1234/a-hare", False),
        ("https://sc04.alicdn.com/kf/Hab1.jpg", "Hab1", "https://sc04.alicdn.com/kf/Hab1.jpg_720x720.jpg", True),
        ("https://sc04.alicdn.com/kf/Hab1.jpg", "Hab1", "https://sc04.alicdn.com/kf/Hab12.jpg", False),
        ("https://x.com/a", "123", "https://x.com/a", True),
    ],
)
def test_the_forms_of_an_address_are_told_by_its_key(url, key, captured, same):
    assert archive.is_of_key(captured, url, key) is same
    query = parse_qs(urlsplit(archive.index_url(archive.url_up_to(url, key), prefix=True)).query)
    assert url.startswith(query["url"][0])
