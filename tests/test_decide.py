"""Verification and decision on real photos."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from io import BytesIO
from itertools import pairwise, permutations
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from bench.recognition.drawing import draw
from bench.recognition.edits import EDITS as VENDORS_EDITS
from bench.recognition.edits import edited
from tests.edits import EDITS, jpeg, photo_paths
from theftwatch.errors import UnusableImageError
from theftwatch.images.fingerprint import Fingerprint, fingerprint
from theftwatch.images.looks import Looks
from theftwatch.match.decide import MATCH_SCORE, POSSIBLE_SCORE, Decision, decide, decide_exact, decide_prints
from theftwatch.match.picture import OriginalPicture, find_first_looks, read_original, read_suspect

SAMPLE = photo_paths()[::15]
[TEMPLATE] = [edit for edit in VENDORS_EDITS if edit.name == "template"]


# Many pairs are of the same pictures, and what was asked of one before changes no answer, as a test below says.
original_of = cache(read_original)
suspect_of = cache(read_suspect)
drawn = cache(draw)


def compared(original: bytes, suspect: bytes) -> Decision:
    return decide(original_of(original), suspect_of(suspect))


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Hold the pictures no longer than these tests."""
    yield
    original_of.cache_clear()
    suspect_of.cache_clear()
    drawn.cache_clear()


@pytest.mark.parametrize("edit", EDITS)
def test_edited_copies_match(edit):
    for path in SAMPLE:
        decision = compared(path.read_bytes(), EDITS[edit](Image.open(path)))
        assert decision.decision == "match", (path.name, decision)
        assert decision.transform is not None
        assert decision.transform.mirrored is edit.startswith("mirrored")
        if edit != "squared":
            assert (decision.transform.around == "border") is ("bordered" in edit), decision


def test_other_photos_do_not():
    pictures = [(read_original(path.read_bytes()), read_suspect(path.read_bytes())) for path in SAMPLE]
    for (one, _), (_, other) in permutations(pictures, 2):
        assert decide(one, other).decision == "no_match"


def test_the_explanation_says_what_was_done():
    path = SAMPLE[0]
    image = Image.open(path)
    small = image.resize((image.width // 2, image.height // 2)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    decision = compared(path.read_bytes(), jpeg(small))
    assert decision.explanation.startswith("Mirrored, resized to 50 %: ")
    assert decision.explanation.endswith(" of 64 bits.")


def test_a_crop_is_placed_in_the_original():
    path = SAMPLE[0]
    image = Image.open(path)
    width, height = image.size
    crop = image.crop((0, 0, width * 3 // 4, height * 3 // 4))
    decision = compared(path.read_bytes(), jpeg(crop))
    assert decision.transform is not None
    assert list(decision.transform.crop) == pytest.approx([0, 0, 0.75, 0.75], abs=0.03)
    assert decision.transform.shown == pytest.approx(9 / 16, abs=0.05)


def far_seen(image: Image.Image, details_px: int) -> np.ndarray:
    small = image.resize((details_px, details_px), Image.Resampling.LANCZOS)
    return np.asarray(small.resize((480, 480), Image.Resampling.BICUBIC), np.float32)


def nearest_bits(one: Fingerprint, other: Fingerprint) -> tuple[int, int]:
    """Return the distance of the nearest hashes of 64 and of 256 bits."""
    pairs = [(each, another) for each in one.hashes for another in other.hashes]
    return (
        min(((each.hash ^ another.hash) & (1 << 64) - 1).bit_count() for each, another in pairs),
        min((int.from_bytes(each.hash_256) ^ int.from_bytes(another.hash_256)).bit_count() for each, another in pairs),
    )


@pytest.mark.parametrize("index", [0, 44, 99, 109])
def test_a_crafted_collision_of_both_hashes_is_no_match(index):
    """A picture made to have a photo's hashes: what these see is the photo's, and all details are another's."""
    photo, other = (Image.open(photo_paths()[n]).convert("L").resize((480, 480)) for n in (index, 76))
    details = np.asarray(other, np.float32) - far_seen(other, 32)
    crafted = Image.fromarray(np.clip(far_seen(photo, 32) + 1.5 * details, 0, 255).astype(np.uint8))
    data = jpeg(photo, 92), jpeg(crafted, 92)
    bits, bits_256 = nearest_bits(*(fingerprint(each) for each in data))
    assert bits <= 8
    assert bits_256 <= 24
    decision = compared(*data)
    assert decision.distance_bits is not None
    assert decision.distance_bits <= 8
    assert decision.decision == "no_match"
    assert decision.score < 0.1
    assert decision.explanation.startswith("No copy: the hashes are near, but ")


VENDORS_PHOTOS = [photo_paths()[index] for index in (0, 44, 76, 96, 109, 145)]
FAMILIES = sorted({edit.family for edit in VENDORS_EDITS})


def host(chance: random.Random) -> Image.Image:
    """Return a photo that is nobody's original, to embed one in."""
    return Image.open(photo_paths()[chance.choice((3, 20, 60, 90, 113, 123))]).convert("RGB")


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_of_edits_matches(family):
    for path in VENDORS_PHOTOS:
        original, photo = original_of(path.read_bytes()), Image.open(path).convert("RGB")
        for edit in (each for each in VENDORS_EDITS if each.family == family):
            decision = decide(original, read_suspect(edited(photo, edit, path.name, host)))
            # Of goods cut out onto white, or of a quarter of a photo, what is left may be too little to be sure.
            little = "cut out" in edit.name or "half the sides" in edit.name
            wanted = POSSIBLE_SCORE if little else MATCH_SCORE
            assert decision.score >= wanted, (edit.name, path.name, decision)
            assert decision.transform is not None
            assert decision.explanation[0].isupper()
            assert decision.explanation.endswith(" bits.")


@pytest.mark.parametrize("family", ["embedded", "overlay", "pad"])
def test_one_dress_on_two_photos_makes_no_copy(family):
    """A photo beside another in a template, screenshot or collage, and two under one banner, logo or in one border."""
    for path, other in pairwise(VENDORS_PHOTOS):
        for edit in (each for each in VENDORS_EDITS if each.family == family):
            one, another = (edited(Image.open(each).convert("RGB"), edit, "seed", host) for each in (path, other))
            alone = compared(path.read_bytes(), another)
            assert alone.decision == "no_match", (edit.name, path.name, other.name, alone)
            if family == "embedded":
                continue  # these do show the same photos, beside it
            both = compared(one, another)
            assert both.decision != "match", (edit.name, path.name, other.name, both)


@pytest.mark.parametrize("index", [0, 44, 109])
def test_a_small_tile_that_shows_most_of_a_photo_is_a_copy(index):
    """It fills a ninth of the picture or less, as a badge does that two photos wear; a badge is little of its photo."""
    sheet = Image.new("RGB", (918, 918), "white")
    for place, other in enumerate((3, 20, 60, 90, index, 113, 123, 9, 25)):
        tile = ImageOps.fit(Image.open(photo_paths()[other]).convert("RGB"), (300, 300))
        sheet.paste(tile, (place % 3 * 309, place // 3 * 309))
    decision = compared(photo_paths()[index].read_bytes(), jpeg(sheet))
    assert decision.decision == "match", decision


@pytest.mark.parametrize("index", [0, 44, 109])
def test_a_photo_on_a_pattern_is_found_by_a_close_look(index):
    """All the features of a first look are those of the pattern."""
    photo = Image.open(photo_paths()[index]).convert("RGB")
    ground = Image.new("RGB", (round(1.2 * photo.width), round(1.2 * photo.height)), (190, 205, 240))
    pen = ImageDraw.Draw(ground)
    for x in range(0, ground.width, 20):
        for y in range(0, ground.height, 20):
            pen.ellipse((x, y, x + 10, y + 10), fill=(60, 80, 150))
    ground.paste(photo, (photo.width // 10, photo.height // 10))
    assert compared(photo_paths()[index].read_bytes(), jpeg(ground)).decision == "match"


def test_a_photo_whose_contrast_was_evened_out_is_looked_at():
    """Its short hashes are near and its long ones are not, as those of drawn pieces of one layout."""
    levelled = cv2.createCLAHE(4.0, (8, 8))
    for path in SAMPLE:
        grey = np.asarray(Image.open(path).convert("L"))
        decision = compared(path.read_bytes(), jpeg(Image.fromarray(levelled.apply(grey))))
        assert decision.decision == "match", (path.name, decision)


@pytest.mark.parametrize(("name", "look", "seed"), [("logo", 0, "seed"), ("banner", 0, "seed"), ("banner", 1, "b")])
def test_one_badge_or_strip_on_two_thin_pieces_makes_no_copy(name, look, seed):
    """Of thin pieces on plain ground there is little else to agree in."""
    [edit] = (each for each in VENDORS_EDITS if each.name == name)
    dressed = [
        edited(Image.open(BytesIO(draw(family, look))).convert("RGB"), edit, seed, host)
        for family in ("hoops-0", "ring-1", "bracelet-2", "necklace-3", "chain-4")
    ]
    for one, another in permutations(dressed, 2):
        decision = compared(one, another)
        assert decision.decision != "match", decision


def of_form(name: str) -> bytes:
    """Return one photo in an unusual form."""
    photo = Image.open(SAMPLE[0]).convert("RGB")
    forms: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        "one pixel": (photo.resize((1, 1)), "PNG", {}),
        "one pixel in all but name": (photo.resize((1, 1)).resize((300, 300)), "PNG", {}),
        "a rule": (photo.resize((2000, 30)), "PNG", {}),
        "a narrow strip": (photo.crop((0, 0, 30, photo.height)), "PNG", {}),
        "all transparent": (with_alpha(photo, 0), "PNG", {}),
        "half transparent": (with_alpha(photo, 128), "PNG", {}),
        "opaque": (with_alpha(photo, 255), "PNG", {}),
        "animated": (photo, "GIF", {"save_all": True, "append_images": [Image.new("RGB", photo.size, "red")] * 3}),
        "animated, blank first": (Image.new("RGB", photo.size), "GIF", {"save_all": True, "append_images": [photo]}),
        "16 bit": (Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257), "PNG", {}),
        "CMYK": (photo.convert("CMYK"), "JPEG", {}),
        "black": (Image.new("RGB", photo.size), "JPEG", {}),
    }
    image, image_format, options = forms[name]
    buffer = BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def with_alpha(photo: Image.Image, alpha: int) -> Image.Image:
    image = photo.convert("RGBA")
    image.putalpha(alpha)
    return image


@pytest.mark.parametrize(
    ("form", "outcome"),
    [
        ("one pixel", "too_small"),
        ("one pixel in all but name", "flat"),
        ("a rule", "too_narrow"),
        ("a narrow strip", "too_narrow"),
        ("all transparent", "flat"),
        ("animated, blank first", "flat"),
        ("black", "flat"),
        ("half transparent", "match"),
        ("opaque", "match"),
        ("animated", "match"),
        ("16 bit", "match"),
        ("CMYK", "match"),
    ],
)
def test_every_form_of_image_has_a_stated_outcome(form, outcome):
    """As the original and as the suspect: refused by name, or decided; against another photo never a match."""
    data, photo, other = of_form(form), SAMPLE[0].read_bytes(), SAMPLE[1].read_bytes()
    if outcome != "match":
        for read in (read_original, read_suspect):
            with pytest.raises(UnusableImageError) as caught:
                read(data)
            assert caught.value.reason == outcome
        return
    for original, suspect in ((photo, data), (data, photo)):
        assert compared(original, suspect).decision == "match"
    for original, suspect in ((other, data), (data, other)):
        assert compared(original, suspect).decision == "no_match"


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.3, 0.9, 0.999])
def test_a_truncated_image_is_refused(share):
    data = SAMPLE[0].read_bytes()
    for read in (read_original, read_suspect):
        with pytest.raises(UnusableImageError) as caught:
            read(data[: int(share * len(data))])
        assert caught.value.reason in ("empty", "truncated", "not_an_image")


def test_patterns_and_noise_are_no_copies():
    """What has all features or none that are its own: stripes, dots, text in rows, noise."""
    noise = np.random.default_rng(3).integers(0, 256, (400, 400), np.uint8)
    dots, stripes = np.full((400, 400), 255, np.uint8), np.full((400, 400), 255, np.uint8)
    dots[::16, ::16] = dots[1::16, ::16] = dots[::16, 1::16] = dots[1::16, 1::16] = 0
    stripes[:, ::8] = stripes[:, 1::8] = 0
    text = Image.new("L", (400, 400), 255)
    for row in range(0, 400, 24):
        ImageDraw.Draw(text).text((8, row), "SIZE CHART  S M L XL XXL  36 38 40 42", fill=0, font_size=18)
    pictures = [jpeg(Image.fromarray(each)) for each in (noise, dots, stripes)] + [jpeg(text)]
    shifted = [jpeg(Image.fromarray(np.roll(each, (5, 3), (0, 1))).rotate(90)) for each in (dots, stripes)]
    photos = [path.read_bytes() for path in SAMPLE[:3]]
    for one, other in permutations([*pictures, *photos], 2):
        assert compared(one, other).decision == "no_match"
    for one in shifted:
        for other in photos:
            assert compared(one, other).decision == "no_match"
            assert compared(other, one).decision == "no_match"


def through_the_record(data: bytes) -> OriginalPicture:
    """Return an original whose looks were stored and read, with a close one only once that was asked for."""
    looks = Looks.from_bytes(find_first_looks(data).to_bytes())
    picture = OriginalPicture(fingerprint(data), looks, lambda: data)
    assert picture.close_look
    return OriginalPicture(fingerprint(data), Looks.from_bytes(picture.looks.to_bytes()), lambda: b"")


def test_the_same_pair_has_the_same_score_whatever_was_asked_before():
    """Fresh pictures, pictures that were compared with others, and features that went through the record."""
    path, cut = photo_paths()[44], edited(Image.open(photo_paths()[44]).convert("RGB"), TEMPLATE, "seed", host)
    others = [each.read_bytes() for each in SAMPLE[:3]]
    fresh = decide(read_original(path.read_bytes()), read_suspect(cut))
    assert fresh.decision == "match"
    original, suspect = read_original(path.read_bytes()), read_suspect(cut)
    for other in others:
        decide(read_original(other), suspect)
        decide(original, read_suspect(other))
    assert repr(decide(original, suspect)) == repr(fresh)
    stored = through_the_record(path.read_bytes())
    assert repr(decide(stored, read_suspect(cut))) == repr(fresh)
    with ThreadPoolExecutor(4) as threads:
        answers = set(threads.map(lambda _: repr(decide(stored, read_suspect(cut))), range(8)))
    assert answers == {repr(fresh)}


def test_the_answer_is_the_same_in_every_thread():
    one, other = read_original(SAMPLE[0].read_bytes()), read_suspect(EDITS["squared"](Image.open(SAMPLE[0])))
    with ThreadPoolExecutor(4) as threads:
        answers = set(threads.map(lambda _: repr(decide(one, other)), range(12)))
    assert answers == {repr(decide(one, other))}


def test_exact_bytes_score_full():
    assert decide_exact().score == 1
    assert 0 < POSSIBLE_SCORE < MATCH_SCORE < 1


def test_thin_pieces_that_were_shrunk_and_blurred_are_told_as_they_are():
    """They have no local features left; laid over the original, or its mirror, the whole picture still agrees."""
    for family in ("hoops-0", "ring-1", "ring-4", "necklace-3"):
        original = drawn(family, 0)
        photo = Image.open(BytesIO(original)).convert("RGB")
        for image in (photo, ImageOps.mirror(photo)):
            small = jpeg(image.resize((150, 150)).filter(ImageFilter.GaussianBlur(1)))
            decision = compared(original, small)
            assert decision.decision == "match", (family, decision)
            assert (decision.inliers, decision.method) == (None, "phash")
            assert decision.transform is not None
            assert decision.transform.mirrored is (image is not photo)
            assert "local features" not in decision.explanation
            for piece in range(1, 6):
                assert compared(drawn(family, piece), small).decision != "match"


def test_drawn_pieces_of_a_like_layout_are_told_apart_by_long_hashes_and_descriptors_alone():
    pieces = draw("earrings-1", 0), draw("earrings-2", 0)
    one, other = map(fingerprint, pieces)
    decision = decide_prints(one, other)
    assert decision is not None
    assert (decision.decision, decision.score, decision.method) == ("no_match", 0, "phash")
    assert decision == compared(*pieces)
    # Without a network it takes a look; and so does a picture's own copy, whatever is said of its hashes.
    assert decide_prints(one, replace(other, descriptor=None)) is None
    assert decide_prints(one, one) is None
    assert decide_prints(one, replace(other, hashes=one.hashes)) is None
