"""Who was first: bounds compared, by dates and by pixels."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from theftwatch.match.direction import Claim, Place, claims_of, combine, in_words, resolve
from theftwatch.match.pixels import Look, likelier_source

DAY = timedelta(days=1)
CRAWLED = datetime(2026, 11, 1, tzinfo=UTC)


def at(year, month=1, day=1):
    return datetime(year, month, day, tzinfo=UTC)


def archived(year, **changes):
    claim = Claim(kind="archived", source="web.archive.org", strength="strong", about="listing", latest_at=at(year))
    return replace(claim, **changes)


def original(**changes):
    return claims_of(replace(Place(marketplace="etsy", first_seen_at=CRAWLED), **changes))


def suspect(**changes):
    return claims_of(replace(Place(marketplace="alibaba", first_seen_at=CRAWLED + 9 * DAY), **changes))


def test_an_archive_before_anything_known_of_the_suspect_decides():
    answer = resolve(original(listing_claims=(archived(2014),)), suspect())
    assert answer.direction == "original_first"
    assert answer.margin_days == (CRAWLED + 9 * DAY - at(2014)).days
    # the weakest link is named: the vendor's side rests on our own first sight
    assert answer.weakest_link == "the suspect: first seen by us, so there by 2026-11-10"
    assert answer.missing_proof is None
    assert answer.original_claim == archived(2014)


def test_our_own_first_sight_decides_nothing_alone():
    answer = resolve(original(), suspect(first_seen_at=at(2029, 4, 19)))
    assert answer.direction == "undecided"
    assert "2029-04-19" in str(answer.missing_proof)
    assert "archive" in str(answer.missing_proof)
    # nor against another's "existed by", which says nothing of "not before"
    assert resolve(original(), suspect(listing_claims=(archived(2028),))).direction == "undecided"


def test_our_own_first_sight_counts_against_a_later_start():
    answer = resolve(original(), suspect(listed_at=at(2027, 3), first_seen_at=at(2027, 4)))
    assert answer.direction == "original_first"
    assert answer.margin_days == (at(2027, 3) - CRAWLED).days
    assert str(answer.weakest_link).startswith("the original: first seen by us")


def test_a_vendor_who_was_first_is_said_to_be():
    answer = resolve(original(), suspect(published_at=at(2019)))
    assert answer.direction == "suspect_first"
    assert "published" in str(answer.suspect_claim)
    assert str(answer.weakest_link).startswith("the original: first seen by us")


def test_bounds_too_near_each_other_decide_nothing():
    for days, direction in ((0, "undecided"), (1, "undecided"), (2, "original_first")):
        answer = resolve(original(listed_at=at(2020)), suspect(published_at=at(2020) + days * DAY))
        assert answer.direction == direction


def test_the_artisans_word_alone_decides_nothing():
    file = claims_of(Place(marketplace=None, first_seen_at=CRAWLED, dated_at=at(2012)))
    answer = resolve(file, suspect())
    assert answer.direction == "undecided"
    assert str(answer.missing_proof).startswith("a publication of the original from before 2026-11-10")
    published = (Claim(kind="uploaded", source="flickr", strength="medium", about="photo", latest_at=at(2013)),)
    dated = claims_of(Place(marketplace=None, first_seen_at=CRAWLED, dated_at=at(2012), image_claims=published))
    assert resolve(dated, suspect()).direction == "original_first"


def test_a_photo_put_into_an_old_listing_later_is_not_as_old_as_the_listing():
    assert resolve(original(listed_at=at(2018)), suspect(listed_at=at(2011))).direction == "suspect_first"
    late = suspect(listed_at=at(2011), published_at=at(2024))
    assert resolve(original(listed_at=at(2018)), late).direction == "original_first"
    swapped = suspect(listed_at=at(2011), joined_later=True)
    assert resolve(original(listed_at=at(2018)), swapped).direction == "original_first"


def test_the_start_of_one_place_does_not_bound_another():
    # known by 2014 from elsewhere: that this listing began in 2020 says nothing
    known = {*original(listed_at=at(2020)), archived(2014, about="photo")}
    assert resolve(known, suspect(published_at=at(2016))).direction == "original_first"


def test_claims_that_bound_nothing_are_borne():
    empty = (Claim(kind="odd", source="x", strength="strong", about="photo"),)
    assert resolve(empty, empty).direction == "undecided"
    assert resolve((), ()).missing_proof


def test_a_weak_claim_that_is_earlier_keeps_a_firm_one_from_deciding():
    weak = Claim(kind="dated", source="vendor", strength="weak", about="photo", latest_at=at(2010))
    assert resolve(original(listed_at=at(2018)), (*suspect(), weak)).direction == "undecided"


def test_photos_of_one_finding_settle_it_together():
    settled = resolve(original(listed_at=at(2018)), suspect())
    firmer = resolve(original(listing_claims=(archived(2014),)), suspect(published_at=at(2020)))
    unsettled = resolve(original(), suspect())
    contrary = resolve(original(), suspect(published_at=at(2019)))
    assert combine([unsettled, settled]) is settled
    assert combine([settled, firmer]) is firmer
    assert combine([unsettled]) is unsettled
    disagreeing = combine([settled, contrary])
    assert disagreeing.direction == "undecided"
    assert "disagree" in str(disagreeing.weakest_link)


def test_claims_are_bounds_in_words():
    assert in_words(archived(2014)) == "the listing archived by 2014-01-01, says web.archive.org (strong)"
    listed = original(listed_at=at(2020))[0]
    assert in_words(listed) == "the listing listed not before 2020-01-01 and by 2020-01-01, says etsy (medium)"


@pytest.mark.parametrize(
    ("transform", "source", "reason"),
    [
        ({"shown": 0.71, "scale": 1.4}, "original", "the suspect shows 71 % of the original"),
        ({"shown": 1.0, "scale": 0.5}, "original", "the original is 2.0 times as large"),
        ({"shown": 1.0, "scale": 2.0}, "suspect", "the suspect is 2.0 times as large"),
        ({"covered": [{"what": "logo", "where": "lower right", "share": 0.04}]}, "original", "logo at the lower right"),
        ({"covered": [{"what": "speck", "share": 0.001}]}, "undecided", None),
        ({"shown": 1.0, "scale": 1.0, "place": [0.1, 0.1, 0.8, 0.8], "around": "picture"}, "suspect", "no smaller"),
        ({"shown": 1.0, "scale": 0.5, "place": [0, 0, 0.5, 0.5], "around": "picture"}, "original", "a collage"),
        ({"shown": 1.0, "scale": 1.0, "place": [0.1, 0.1, 0.8, 0.8], "around": "border"}, "undecided", None),
        ({}, "undecided", None),
        (None, "undecided", None),
        ({"shown": "0.5", "scale": True, "place": "abcd", "covered": "logo"}, "undecided", None),
        ({"covered": ["logo", 3], "place": [1, 2], "around": "picture", "shown": 1, "scale": 1}, "undecided", None),
    ],
)
def test_pixels_speak_for_the_fuller_cleaner_and_larger_photo(transform, source, reason):
    found, reasons = likelier_source([Look(method="features", transform=transform)])
    assert found == source
    assert reason is None or reason in " ".join(reasons)


def test_the_less_compressed_photo_is_the_likelier_source():
    def look(one, other):
        return Look(method="phash", transform={}, original_jpeg_quality=one, suspect_jpeg_quality=other)

    assert likelier_source([look(92, 45)])[0] == "original"
    assert likelier_source([look(45, 92)])[0] == "suspect"
    # a copy stored anew may have the higher figure
    source, reasons = likelier_source([look(70, 85)])
    assert (source, reasons) == ("undecided", ("JPEG quality 70 of the original, 85 of the suspect",))
    assert likelier_source([look(85, 80)]) == ("undecided", ())
    assert likelier_source([look(None, 80)]) == ("undecided", ())


def test_a_crop_outweighs_size_and_compression():
    look = Look(
        method="features",
        transform={"shown": 0.5, "scale": 2.0},
        original_jpeg_quality=50,
        suspect_jpeg_quality=95,
    )
    assert likelier_source([look])[0] == "original"


def test_the_same_bytes_say_nothing():
    assert likelier_source([Look(method="exact", transform={"shown": 0.2})]) == (
        "undecided",
        ("the two files are the same, byte for byte",),
    )
