"""Shops of one artisan are joined, and parted again."""

import pytest
from typer.testing import CliRunner

from tests.test_context import command, filled, findings, rows
from theftwatch.cli import app
from theftwatch.errors import UsageError

__all__ = ["filled"]  # the fixture

#: Commands that read what is an artisan's, up to the name
_READING = ("report --html x --gallery", "originals certificate -o x.html", "notice list --artisan")


def refused(*arguments):
    with pytest.raises(UsageError) as raised:
        CliRunner().invoke(app, arguments, catch_exceptions=False, standalone_mode=False)
    return str(raised.value)


def artisans(dsn):
    found = rows(dsn, "select coalesce(artisan, original_seller) as who from analysis.finding order by finding_id")
    return {row["who"] for row in found}


def test_shops_on_several_marketplaces_are_one_artisan_s(filled):
    assert artisans(filled) == {"Ana", "Ben's Pots"}
    harbour = "select artisans_not_judged from analysis.vendor_ranking where vendor = 'Harbour Co., Ltd.'"
    assert rows(filled, harbour) == [{"artisans_not_judged": 2}]
    assert command("seller", "link", "Ana", "artfire/BensPots") == "Ana has 2 shops.\n"
    assert artisans(filled) == {"Ana"}
    assert rows(filled, harbour) == [{"artisans_not_judged": 1}]
    # once more changes nothing
    assert command("seller", "link", "Ana", "artfire/BensPots") == "Ana has 2 shops.\n"
    assert command("seller", "unlink", "artfire/BensPots") == "1 shop without an artisan.\n"
    assert artisans(filled) == {"Ana", "Ben's Pots"}
    assert "belongs to no artisan" in refused("seller", "unlink", "artfire/BensPots")


def test_an_artisan_s_shop_on_the_suspect_side_is_no_copy(filled):
    command("seller", "link", "Ana", "alibaba/104")
    assert findings(filled)["11", "207"]["relation"] == "own_shop"
    command("seller", "unlink", "alibaba/104")
    assert findings(filled)["11", "207"]["relation"] is None


def test_a_shop_that_is_not_known_or_somebody_else_s_is_refused_and_nothing_is_entered(filled):
    assert "no seller goes by this" in refused("seller", "link", "Ana", "artfire/BensPots", "etsy/NoSuchShop")
    assert artisans(filled) == {"Ana", "Ben's Pots"}
    with_it = "theftwatch seller link artfire/BensPots artfire/BensPots"
    # what only reads makes nobody an artisan, and tells how a person would
    for reading in _READING:
        assert f"no artisan is entered for this shop; `{with_it}`" in refused(*reading.split(), "Ben's Pots")
    assert "had not opted out" in refused("artisan", "opt-out", "Ben's Pots", "--undo")
    assert rows(filled, "select from artisan where name = 'Ben''s Pots'") == []
    command(*with_it.split()[1:])
    assert "belongs to another artisan" in refused("seller", "link", "Ana", "artfire/BensPots")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", "--artisan", "Bens Pot"), "goes by this name or key; the nearest are Ben's Pots, BensPots; `theft"),
        (("artisan", "contact", "Anna", "a@example.org"), "no artisan or shop goes by this; the nearest is Ana; give"),
        (("artisan", "contact", "artfire/BenPots", "-"), "the nearest is artfire/BensPots; give its address"),
        (("relation", "add", "Ana", "Harbor Co., Ltd", "--kind", "licensee"), "the nearest is Harbour Co., Ltd.; give"),
        (("evidence", "dossier", "Nobody", "-o", "x.zip"), "Nobody: no vendor goes by this; give its address, or its"),
    ],
)
def test_a_name_that_nobody_goes_by_is_refused_with_those_that_come_near(filled, arguments, said):
    assert said in refused(*arguments)
