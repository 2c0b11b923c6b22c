"""Imports point down one list only, and the core knows nothing of Scrapy."""

import re
from pathlib import Path

import pytest

from tests.imports import imports

CHECKOUT = Path(__file__).parents[1]

# Top to bottom: each may import what stands in a layer above its own, and within its layer what stands before it.
LAYERS = (
    ("errors", "listing", "interval", "config", "clock", "log"),
    ("pages", "images"),
    ("files", "bucket", "fonts", "chromium", "db", "image_store", "file_copy", "store_check"),
    ("jobs", "match", "alarms", "reports", "cases", "evidence", "notices", "originals", "targets", "erasure", "backup"),
    ("settings", "doctor", "metrics", "web", "demo", "commands", "cli", "__main__"),
)
ORDER = [f"theftwatch.{name}" for layer in LAYERS for name in layer] + ["spiders", "pipelines"]
SCRAPY = {"scrapy", "scrapy_playwright", "itemadapter", "itemloaders", "twisted"}


def unit(module):
    """Return the entry of the list that a dotted name belongs to; None for the packages of others."""
    first, *rest = module.split(".")
    if first == "theftwatch":
        return ".".join([first, *rest[:1]])
    return first if first in ORDER else None


def faults(root):
    """Return what is wrong in a checkout, one line for each import that points up."""
    found = []
    for folder in ("theftwatch", "spiders", "pipelines"):
        for path in sorted((root / folder).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            own = unit(name.removesuffix(".__init__"))
            for imported in imports(path, root):
                target = unit(imported)
                if folder == "theftwatch" and imported.split(".")[0] in SCRAPY:
                    found.append(f"{name} imports {imported}: only spiders and pipelines know Scrapy")
                elif target in ORDER and own in ORDER and ORDER.index(target) > ORDER.index(own):
                    found.append(f"{name} imports {imported}, which stands below it")
    return found


def test_imports_point_down_the_list():
    assert faults(CHECKOUT) == []


def test_every_module_has_its_place_in_the_list():
    modules = {
        f"theftwatch.{path.stem}"
        for path in (CHECKOUT / "theftwatch").iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or any(path.glob("*.py"))
    }
    assert modules <= set(ORDER), "give it a place in LAYERS"


def test_the_document_of_the_architecture_has_the_same_list():
    text = (CHECKOUT / "docs/architecture.md").read_text()
    told = re.findall(r"^\d\. ((?:`\w+`(?:, )?)+)$", text, re.MULTILINE)
    assert [re.findall(r"\w+", line) for line in told] == [
        [name for name in layer if name != "__main__"] for layer in LAYERS
    ]


@pytest.mark.parametrize(
    ("path", "code", "fault"),
    [
        ("theftwatch/errors.py", "import theftwatch.config", "theftwatch.config"),
        ("theftwatch/pages/etsy.py", "from theftwatch.db import store", "theftwatch.db"),
        ("theftwatch/pages/etsy.py", "from theftwatch import clock, files", "theftwatch.files"),
        ("theftwatch/pages/etsy.py", "from ..db.store import write", "theftwatch.db.store"),
        ("theftwatch/pages/etsy.py", "def read():\n    import theftwatch.cli", "theftwatch.cli"),
        ("theftwatch/cli.py", "import spiders.base", "spiders.base"),
        ("theftwatch/cli.py", "def crawl():\n    from scrapy import Spider", "scrapy"),
        ("theftwatch/web/app.py", "import scrapy.http", "scrapy.http"),
        ("spiders/base.py", "from pipelines.store import Store", "pipelines.store"),
    ],
)
def test_an_import_that_points_up_is_found(tmp_path, path, code, fault):
    module = tmp_path / path
    module.parent.mkdir(parents=True)
    module.write_text(code)
    (line,) = faults(tmp_path)
    assert f"imports {fault}" in line


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("theftwatch/pages/etsy.py", "from theftwatch.pages.money import price\nfrom theftwatch import errors"),
        ("theftwatch/db/store.py", "from . import queries\nfrom ..listing import Listing"),
        ("pipelines/store.py", "import scrapy\nfrom spiders.run import Run\nfrom theftwatch.db import store"),
        ("spiders/base.py", "import scrapy\nfrom spiders.net import resolve"),
        ("theftwatch/settings.py", "import json, psycopg"),
    ],
)
def test_an_import_that_points_down_is_not(tmp_path, path, code):
    module = tmp_path / path
    module.parent.mkdir(parents=True)
    module.write_text(code)
    assert faults(tmp_path) == []
