"""Days of the replica: drawn from a seed, and shown at the moments at which things happen."""

import http.client
import socket
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from tests.waiting import wait_until
from theftwatch.demo.catalogue import TAKEN_DOWN, Offer, Served, load_catalogue
from theftwatch.demo.days import ChangeKind, Days, Trouble, TroubleKind
from theftwatch.demo.draw import TROUBLES, draw_days
from theftwatch.demo.photos import picture_bytes
from theftwatch.demo.replica import Replica, running_replica
from theftwatch.errors import PageBlockedError, PageGoneError
from theftwatch.pages.read import read_page

START = datetime(2026, 3, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ASKED_AT = [START + 8 * number * HOUR for number in range(60)]
MOMENT = timedelta(microseconds=1)
SPOILS_IMAGES = {TroubleKind.HALF_IMAGE, TroubleKind.NO_IMAGE}


@pytest.fixture(scope="module")
def days() -> Days:
    return draw_days(load_catalogue(), ASKED_AT, seed=1)


@pytest.fixture
def replica(days):
    with running_replica(days=Days(days.first, days.changes)) as running:
        yield running


def set_clock(replica: Replica, moment: datetime) -> None:
    replica.clock = lambda: moment


def get(replica: Replica, url: str, *, timeout: float = 120) -> tuple[int, bytes]:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(replica.address, timeout=timeout)) as connection:
        connection.request("GET", parts.path, headers={"Host": parts.netloc})
        response = connection.getresponse()
        return response.status, response.read()


def test_the_seed_alone_decides(days):
    again, other = (draw_days(load_catalogue(), ASKED_AT, seed=seed) for seed in (1, 2))
    assert (again.changes, again.troubles) == (days.changes, days.troubles)
    assert other.changes != days.changes


def test_everything_happens_about_equally_often_and_nothing_while_somebody_looks(days):
    counts = Counter(change.kind for change in days.changes)
    assert counts.keys() == set(ChangeKind)
    assert min(counts.values()) > max(counts.values()) / 3
    assert Counter(trouble.kind for trouble in days.troubles).keys() == set(TROUBLES)
    for change in days.changes:
        assert any(before + HOUR <= change.at < after for before, after in pairwise(ASKED_AT))
    for trouble in days.troubles:
        assert any(abs(trouble.starts_at - moment) <= HOUR for moment in ASKED_AT[1:])


def test_what_returns_or_is_relisted_was_taken_down_before(days):
    for change in days.changes:
        before = days.offers_at(change.at - MOMENT)
        if change.kind is ChangeKind.RELISTED:
            assert change.offer.key not in before
            assert change.of is not None
            assert before[change.of.key].served in TAKEN_DOWN
        else:
            assert (before[change.offer.key].served in TAKEN_DOWN) is (change.kind is ChangeKind.RETURNED)


@pytest.mark.parametrize("kind", ChangeKind)
def test_a_change_shows_from_its_moment_on(days, replica, kind):
    changes = [change for change in days.changes if change.kind is kind]
    assert changes
    for change in changes[:6]:
        for moment in (change.at - MOMENT, change.at):
            set_clock(replica, moment)
            offer = days.offers_at(moment).get(change.offer.key)
            check(replica, change.offer.listing.url, offer)


def takes_connections(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port))).close()
    except ConnectionRefusedError:
        return False
    return True


def check(replica: Replica, url: str, offer: Offer | None) -> None:
    """Compare what stands at an address with what is to be there."""
    status, body = get(replica, url)
    if offer and offer.served is Served.UNAVAILABLE and offer.key[0] != "artfire":
        assert status == 200
        with pytest.raises(PageGoneError):
            read_page(body.decode(), url)
        return
    if offer is None or offer.served in TAKEN_DOWN:
        assert status == (410 if offer and offer.served is Served.ENDED and offer.key[0] != "artfire" else 404)
        return
    [listing] = read_page(body.decode(), url).listings
    wanted = offer.listing
    assert (listing.title, listing.price_min) == (wanted.title, wanted.price_min)
    assert [image.key for image in listing.images] == [image.key for image in wanted.images]
    for shown in offer.shown:
        assert get(replica, shown.url) == (200, picture_bytes(shown.picture))


@pytest.mark.parametrize("kind", [kind for kind in TroubleKind if kind not in SPOILS_IMAGES])
def test_trouble_spoils_the_pages_of_its_marketplace_for_its_time(kind):
    trouble = Trouble(kind=kind, marketplace="alibaba", starts_at=START, ends_at=START + HOUR)
    first = load_catalogue()
    at = {code: next(offer for offer in first.offers if offer.key[0] == code) for code in ("alibaba", "etsy")}
    url = at["alibaba"].listing.url
    with running_replica(days=Days(first, troubles=[trouble])) as replica:
        for moment in (START - MOMENT, START + HOUR):
            set_clock(replica, moment)
            check(replica, url, at["alibaba"])
        set_clock(replica, START)
        check(replica, at["etsy"].listing.url, at["etsy"])
        match kind:
            case TroubleKind.DOWN:
                door = replica.host_map["*.alibaba.com"]
                wait_until(lambda: not takes_connections(door))
                assert takes_connections(replica.host_map["www.etsy.com"])
                set_clock(replica, START + HOUR)
                wait_until(lambda: takes_connections(door))
            case TroubleKind.SILENT:
                with pytest.raises(http.client.RemoteDisconnected):
                    get(replica, url)
            case TroubleKind.BROKEN_OFF | TroubleKind.RESET:
                with pytest.raises(http.client.IncompleteRead if kind == "broken off" else ConnectionResetError):
                    get(replica, url)
            case TroubleKind.STALLED | TroubleKind.DRIPPING:
                with pytest.raises(TimeoutError):
                    get(replica, url, timeout=0.5)
            case TroubleKind.ERROR:
                assert get(replica, url)[0] == 503
            case TroubleKind.HALF:
                status, half = get(replica, url)
                set_clock(replica, START - MOMENT)
                assert status == 200
                assert get(replica, url)[1].startswith(half)
            case TroubleKind.REFUSAL | TroubleKind.CAPTCHA:
                status, body = get(replica, url)
                assert status == (403 if kind is TroubleKind.REFUSAL else 200)
                if status == 200:
                    with pytest.raises(PageBlockedError):
                        read_page(body.decode(), url)


@pytest.mark.parametrize("kind", sorted(SPOILS_IMAGES))
def test_trouble_spoils_images_alone(kind):
    trouble = Trouble(kind=kind, marketplace="alibaba", starts_at=START, ends_at=START + HOUR)
    [offer, *_] = [offer for offer in load_catalogue().offers if offer.key[0] == "alibaba"]
    with running_replica(days=Days(load_catalogue(), troubles=[trouble])) as replica:
        set_clock(replica, START)
        assert read_page(get(replica, offer.listing.url)[1].decode(), offer.listing.url).listings
        status, body = get(replica, offer.shown[0].url)
        whole = picture_bytes(offer.shown[0].picture)
        assert status == 200
        assert body == whole[: len(whole) // 2] if kind is TroubleKind.HALF_IMAGE else body.startswith(b"<html")


def test_trouble_meets_one_request_in_so_many():
    trouble = Trouble(
        kind=TroubleKind.ERROR, marketplace="etsy", starts_at=START, ends_at=START + HOUR, one_in=3, turn=1
    )
    days = Days(load_catalogue(), troubles=[trouble])
    met = [number for number in range(7) if days.trouble_at("www.etsy.com", START, number)]
    assert met == [1, 4]


def test_a_seller_s_lists_lead_to_nothing_that_was_taken_down(days):
    changes = [change for change in days.changes if change.kind is ChangeKind.REMOVED]
    for change in changes:
        for moment, listed in ((change.at - MOMENT, True), (change.at, False)):
            catalogue = days.catalogue_at(moment)
            keys = {offer.key for offer in catalogue.of_seller(change.offer.seller)}
            assert (change.offer.key in keys) is listed
            assert replace(change.offer, served=Served.PAGE).key in {offer.key for offer in catalogue.offers}
