"""The metrics for Prometheus, as its own parser reads them, and the dashboard that shows them."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from tests.test_alarms import Record
from theftwatch.cli import app
from theftwatch.config import settings
from theftwatch.metrics import collect

DASHBOARD = json.loads((Path(__file__).parents[1] / "deploy/grafana.json").read_text())
EXPRESSIONS = [each for panel in DASHBOARD["panels"] for each in panel.get("targets", [])]


@pytest.fixture
def watch(dsn, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_DSN", dsn)
    settings.cache_clear()
    watch = Record(dsn)
    # as of now, as the commands go by the clock
    watch.now = datetime.now(UTC) - timedelta(hours=30)
    watch.run({"page/shop": 90, "listing/new": 5}, spider="etsy")
    watch.run(
        {"page/shop": 9, "page/blocked": 9, "image/fetched": 7, "match/match": 2, "match/batch": 4}, after=timedelta(0)
    )
    return watch


def read(text):
    """Return the values of metrics by name and labels."""
    families = {family.name: family for family in text_string_to_metric_families(text)}
    values = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    return families, values


def test_metrics_say_what_the_record_holds(watch, tmp_path):
    path = tmp_path / "theftwatch.prom"
    printed = CliRunner().invoke(app, ["metrics"], standalone_mode=False, catch_exceptions=False).stdout
    assert CliRunner().invoke(app, ["metrics", "--out", str(path)], standalone_mode=False).exit_code == 0
    families, values = read(printed)
    assert read(path.read_text())[0].keys() == families.keys()
    assert [each.name for each in tmp_path.iterdir() if "prom" in each.name] == [path.name]  # and no half of it
    assert all(family.documentation for family in families.values())
    for key, value in {
        ("theftwatch_pages_last_day", "alibaba", "blocked"): 9,
        ("theftwatch_pages_last_day", "etsy", "shop"): 90,
        ("theftwatch_listings_last_day", "etsy", "new"): 5,
        ("theftwatch_photos_last_day", "alibaba", "fetched"): 7,
        ("theftwatch_matches_last_day", "alibaba", "match"): 2,
        ("theftwatch_runs_last_day", "etsy", "ok"): 1,
        ("theftwatch_alarms", "alibaba", "blocked", "told"): 1,
        ("theftwatch_targets", "alibaba", "watched"): 6,
        ("theftwatch_well",): 1,
        ("theftwatch_stored", "listings"): 0,
        ("theftwatch_last_good_run_end_seconds", "etsy"): pytest.approx(watch.now.timestamp()),
        ("theftwatch_last_run_duration_seconds", "etsy"): 3600,
    }.items():
        assert values[key] == value, key
    assert ("theftwatch_matches_last_day", "alibaba", "batch") not in values
    assert values["theftwatch_disk_free_bytes",] > 0
    assert values["theftwatch_database_bytes",] > 1_000_000


def test_a_node_that_is_down_is_not_well(watch, monkeypatch):
    monkeypatch.setenv("THEFTWATCH_NODES", "http://127.0.0.1:9")
    settings.cache_clear()
    _, values = read(CliRunner().invoke(app, ["metrics"], standalone_mode=False, catch_exceptions=False).stdout)
    assert values["theftwatch_well",] == 0


def test_a_day_later_the_counts_are_gone_and_the_rest_stays(watch):
    async def later():
        async with await psycopg.AsyncConnection.connect(watch.dsn, autocommit=True) as connection:
            return await collect(connection, settings(), now=watch.now + timedelta(days=1, hours=1))

    registry = asyncio.run(later())
    assert registry.get_sample_value("theftwatch_pages_last_day", {"spider": "etsy", "what": "shop"}) is None
    assert registry.get_sample_value("theftwatch_last_run_duration_seconds", {"spider": "etsy"}) == 3600


def test_the_dashboard_shows_what_is_exported_and_all_of_it(watch):
    families, _ = read(CliRunner().invoke(app, ["metrics"], standalone_mode=False).stdout)
    shown = {name for each in EXPRESSIONS for name in re.findall(r"theftwatch_\w+", each["expr"])}
    assert shown == set(families)
    labels = {name: {label for s in family.samples for label in s.labels} for name, family in families.items()}
    for each in EXPRESSIONS:
        [name, *_] = re.findall(r"theftwatch_\w+", each["expr"])
        named = set(re.findall(r"{{(\w+)}}", each["legendFormat"])) | set(re.findall(r"(\w+)=~?\"", each["expr"]))
        assert named <= labels[name] or not labels[name], each


def test_the_panels_of_the_dashboard_do_not_overlap():
    taken = [
        (panel["gridPos"]["x"] + column, panel["gridPos"]["y"] + row)
        for panel in DASHBOARD["panels"]
        for column in range(panel["gridPos"]["w"])
        for row in range(panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(column for column, _ in taken) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
