"""Shops of one artisan are joined, and parted again."""

import pytest
from typer.testing import CliRunner

from tests.test_context import command, filled, findings, rows
from theftwatch.cli import app
from theftwatch.errors import UsageError

__all__ = ["filled"]  # the fixture


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
    command("seller", "link", "artfire/BensPots", "artfire/BensPots")
    assert "belongs to another artisan" in refused("seller", "link", "Ana", "artfire/BensPots")
