"""The truth of the demo is complete and honest, and a score against it hides nothing."""

import csv
import hashlib
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from theftwatch.demo.catalogue import Edit, Served, load_catalogue
from theftwatch.demo.truth import ImagePlace, Pair, score, true_pairs

CATALOGUE = load_catalogue()
TRUTH = true_pairs(CATALOGUE)
PHOTOS = resources.files("theftwatch.demo").joinpath("photos")


@pytest.fixture(scope="module")
def photo_rows():
    text = PHOTOS.joinpath("PHOTOS.tsv").read_text()
    return {row["file"]: row for row in csv.DictReader(text.splitlines(), delimiter="\t")}


def places(marketplaces):
    return {
        ImagePlace(
            marketplace=offer.listing.marketplace, listing_ref=offer.listing.listing_ref, image_key=one.image.key
        ): (offer, one.picture)
        for offer in CATALOGUE.offers
        for one in offer.shown
        if one.image and offer.listing.marketplace in marketplaces
    }


def test_there_are_several_copies_of_each_kind():
    counts = Counter(TRUTH.values())
    assert set(counts) == {
        Edit.EXACT,
        Edit.RECOMPRESSED,
        Edit.RESIZED,
        Edit.MIRRORED,
        Edit.PADDED,
        Edit.CROPPED,
        Edit.LOGO,
        Edit.BANNER,
        Edit.COLLAGE,
    }
    assert all(counts[edit] >= 6 for edit in (Edit.EXACT, Edit.RECOMPRESSED, Edit.RESIZED, Edit.MIRRORED, Edit.PADDED))
    assert min(counts.values()) >= 4


def test_truth_is_every_photo_that_both_sides_show():
    originals, suspects = places({"etsy", "artfire"}), places({"alibaba"})
    readable = {
        Pair(original=original, suspect=suspect)
        for original, (offer, photo) in originals.items()
        for suspect, (copier, copy) in suspects.items()
        if set(photo.photos) & set(copy.photos) and offer.served is copier.served is Served.PAGE
    }
    assert readable == TRUTH.keys()


def test_no_original_is_edited_and_no_honest_photo_is_an_original():
    for _, picture in places({"etsy", "artfire"}).values():
        assert picture.edit is Edit.NONE
    taken = {photo for _, picture in places({"etsy", "artfire"}).values() for photo in picture.photos}
    honest = {
        photo for _, picture in places({"alibaba"}).values() if picture.edit is Edit.NONE for photo in picture.photos
    }
    assert len(honest) > 30
    assert not taken & honest


def test_every_copy_is_of_an_original():
    originals = {photo for _, picture in places({"etsy", "artfire"}).values() for photo in picture.photos}
    for _, picture in places({"alibaba"}).values():
        if picture.edit not in {Edit.NONE, Edit.BROKEN, Edit.MISSING, Edit.DRAWN}:
            assert originals & set(picture.photos), picture


def test_page_that_needs_scripts_counts_only_with_them():
    more = true_pairs(CATALOGUE, with_scripts=True)
    added = more.keys() - TRUTH.keys()
    assert len(added) == 1
    assert TRUTH.items() <= more.items()


def test_a_photo_of_two_shops_is_the_original_in_both():
    sellers = {offer.listing.listing_ref: offer.seller.handle for offer in CATALOGUE.offers}
    shops: dict[ImagePlace, list[str]] = {}
    for pair, edit in TRUTH.items():
        if edit is Edit.RESIZED:
            shops.setdefault(pair.suspect, []).append(sellers[pair.original.listing_ref])
    (shared,) = (names for names in shops.values() if len(names) > 1)
    assert sorted(shared) == ["DemoSecondBloom", "DemoSecondBloom", "DemoTinyWardrobe"]


def test_score_of_the_truth_is_perfect():
    perfect = score(TRUTH, CATALOGUE)
    assert perfect.found == perfect.total == len(TRUTH)
    assert perfect.false_matches == ()
    assert all(not tally.missed for tally in perfect.tallies)


def test_score_of_nothing_misses_everything():
    nothing = score([], CATALOGUE)
    assert (nothing.found, nothing.total) == (0, len(TRUTH))
    assert {pair for tally in nothing.tallies for pair in tally.missed} == TRUTH.keys()


def test_score_names_what_was_missed_and_what_is_false():
    missed, *found = (pair for pair, edit in TRUTH.items() if edit is Edit.MIRRORED)
    wrong = Pair(original=missed.original, suspect=found[0].suspect)
    result = score([*found, wrong, wrong], CATALOGUE)
    (mirrored,) = (tally for tally in result.tallies if tally.edit is Edit.MIRRORED)
    assert (mirrored.found, mirrored.total, mirrored.missed) == (len(found), len(found) + 1, (missed,))
    assert result.false_matches == (wrong,)
    assert result.found == len(found)


def test_every_photo_is_credited_and_as_it_was_taken(photo_rows):
    files = {file.name for file in PHOTOS.iterdir() if file.name.endswith((".jpg", ".png"))}
    assert files == photo_rows.keys()
    for name, row in photo_rows.items():
        assert hashlib.sha256(PHOTOS.joinpath(name).read_bytes()).hexdigest() == row["sha256"]


def test_every_licence_has_its_text(photo_rows):
    licences = PHOTOS.joinpath("LICENCES.md").read_text()
    for row in photo_rows.values():
        assert row["repository"] in licences
        assert row["licence"].partition(" (")[0] in licences


def test_every_photo_of_the_catalogue_is_there(photo_rows):
    shown = {photo for offer in CATALOGUE.offers for one in offer.shown for photo in one.picture.photos}
    assert shown <= photo_rows.keys()


def test_the_demo_stays_small():
    folder = Path(str(PHOTOS)).parent
    files = [file for name in ("photos", "pages") for file in (folder / name).rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 8_000_000
