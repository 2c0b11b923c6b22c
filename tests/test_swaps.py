"""Photos that are asked for again: damaged ones, and copies in an open case, which may be swapped for others."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from tests.crawling import World
from tests.watching import Watch
from theftwatch.clock import system_clock
from theftwatch.db.targets import Target
from theftwatch.demo.catalogue import Edit, Offer, Picture, load_catalogue
from theftwatch.demo.replica import running_replica

KEPT, SWAPPED, CUT = OFFERS = [
    offer for offer in load_catalogue().offers if offer.seller.handle == "demolotus" and len(offer.shown) == 1
][:3]


@pytest.fixture
def world(dsn, tmp_path):
    with running_replica(log=tmp_path / "requests.jsonl") as replica:
        yield World(replica=replica, dsn=dsn, folder=tmp_path)


def showing(offer: Offer, edit: Edit) -> Offer:
    """Return a listing with another picture of its photo at the same address."""
    [shown] = offer.shown
    return replace(offer, shown=(replace(shown, picture=Picture(edit=edit, photos=shown.picture.photos)),))


def show(world: World, offers: Sequence[Offer]) -> None:
    world.replica.show(replace(load_catalogue(), offers=tuple(offers)))


def open_case(world: World, *offers: Offer) -> None:
    """Have the photos of listings match a file of an artisan's, and the listings be in a case."""
    refs = [offer.listing.listing_ref for offer in offers]
    world.execute("insert into artisan (name) values ('Ana')")
    world.execute(
        """
        with copy as (
            select l.id as listing, l.seller, li.image
            from listing l join listing_image li on li.listing = l.id
            where l.listing_ref = any(%s)
        ), file as (
            insert into original_file (artisan, image, kind, name, first_seen_at)
            select a.id, copy.image, 'original', copy.listing::text, now() from artisan a, copy
            returning id, image
        ), matched as (
            insert into match (
                original_image, suspect_image, decision, score, method, explanation, algorithm_version,
                first_matched_at, decided_at
            )
            select image, image, 'match', 1, 'exact', 'the same', 1, now(), now() from copy
        ), found as (
            insert into finding (original_file, suspect_listing, first_found_at)
            select file.id, copy.listing, now() from file join copy using (image)
        ), opened as (
            insert into takedown_case (artisan, seller, opened_at)
            select a.id, min(copy.seller), now() from artisan a, copy group by a.id
            returning id
        )
        insert into case_listing (takedown_case, listing, added_by, added_at)
        select opened.id, copy.listing, 'Eva', now() from opened, copy
        """,
        [refs],
    )


def crawl(world: World) -> dict[str, list[int]]:
    """Crawl all that is watched, and return the answers to the requests for each listing's photo."""
    log = world.folder / "requests.jsonl"
    log.write_text("")
    world.execute("update target set due_at = added_at")
    world.crawl("alibaba", THEFTWATCH_DESCRIPTOR="off")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return {
        offer.listing.listing_ref: [
            line["status"] for line in lines if line["path"] == urlsplit(offer.shown[0].url).path
        ]
        for offer in OFFERS
    }


def test_what_is_damaged_or_may_be_swapped_is_asked_for_again_and_nothing_else(world):
    kept, swapped, cut = (offer.listing.listing_ref for offer in OFFERS)
    Watch(world=world, now=system_clock()).add(
        [
            Target(
                marketplace="alibaba",
                kind="listing",
                ref=offer.listing.listing_ref,
                url=offer.listing.url,
                every=timedelta(days=1),
                reason="a test",
            )
            for offer in OFFERS
        ]
    )
    show(world, [KEPT, SWAPPED, showing(CUT, Edit.BROKEN)])
    assert crawl(world) == {kept: [200], swapped: [200], cut: [200]}
    show(world, OFFERS)
    open_case(world, KEPT, SWAPPED)
    assert crawl(world) == {kept: [200], swapped: [200], cut: [200]}
    show(world, [KEPT, showing(SWAPPED, Edit.NONE), CUT])
    assert crawl(world) == {kept: [304], swapped: [200], cut: []}
    assert crawl(world) == {kept: [304], swapped: [304], cut: []}
    events = (
        "select listing_ref, kind from listing_event e join listing l on l.id = e.listing where kind <> 'first_seen'"
    )
    assert world.rows(events) == [(swapped, "photo")]
    missed = "select listing_ref, count(*) from absence join listing l on l.id = listing group by 1"
    assert world.rows(missed) == [(swapped, 2)]
    world.execute("update takedown_case set closed_at = now(), outcome = 'given_up'")
    assert crawl(world) == {kept: [], swapped: [], cut: []}
