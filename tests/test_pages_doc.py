"""docs/pages.md names every sample, and no other."""

import re

import pytest

from tests.test_samples import CASES, SAMPLES

DOCUMENT = (SAMPLES.parents[1] / "docs/pages.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", DOCUMENT, re.DOTALL | re.MULTILINE))


TITLES = {"alibaba": ["Alibaba"], "etsy": ["Etsy"], "artfire": ["ArtFire", "The Internet Archive, of ArtFire"]}


def test_every_marketplace_with_samples_has_its_section():
    assert TITLES.keys() == {case.parent.name for case in CASES}


@pytest.mark.parametrize("marketplace", TITLES)
def test_the_tables_name_the_samples(marketplace):
    rows = [
        line.split("|") for title in TITLES[marketplace] for line in SECTIONS[title].splitlines() if line[:1] == "|"
    ]
    # The last column is followed by the closing bar
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row[-2])}
    assert named == {case.name for case in CASES if case.parent.name == marketplace}
