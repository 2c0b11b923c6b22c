"""Verification and decision on real photos."""

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest
from PIL import Image, ImageDraw

from tests.edits import EDITS, jpeg, photo_paths
from theftwatch.match.decide import MATCH_SCORE, POSSIBLE_SCORE, Decision, decide, decide_exact
from theftwatch.match.picture import read_original, read_suspect

SAMPLE = photo_paths()[::15]


def compared(original: bytes, suspect: bytes) -> Decision:
    return decide(read_original(original), read_suspect(suspect))


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


def test_a_collision_of_hashes_is_no_match():
    """Two pictures alike from afar, as a vendor may craft them against a hash, whose details are not the same."""

    def crafted(seed: int) -> bytes:
        source = random.Random(seed)
        image = Image.open(SAMPLE[0]).convert("L").resize((16, 16)).resize((480, 480), Image.Resampling.BICUBIC)
        pen = ImageDraw.Draw(image)
        for _ in range(600):
            x, y, grey = source.randrange(475), source.randrange(475), source.randrange(256)
            pen.rectangle((x, y, x + 4, y + 4), grey)
        return jpeg(image, 92)

    decision = compared(crafted(3), crafted(17))
    assert decision.distance_bits is not None
    assert decision.distance_bits <= 8
    assert decision.decision == "no_match"


def test_the_answer_is_the_same_in_every_thread():
    one, other = read_original(SAMPLE[0].read_bytes()), read_suspect(EDITS["squared"](Image.open(SAMPLE[0])))
    with ThreadPoolExecutor(4) as threads:
        answers = set(threads.map(lambda _: repr(decide(one, other)), range(12)))
    assert answers == {repr(decide(one, other))}


def test_exact_bytes_score_full():
    assert decide_exact().score == 1
    assert 0 < POSSIBLE_SCORE < MATCH_SCORE < 1
