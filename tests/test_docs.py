"""The documents name what the program has, all of it and nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from scrapy.utils.spider import iter_spider_classes

from spiders import alibaba, artfire, dates, etsy, saved
from spiders.base import MarketplaceSpider
from theftwatch.cli import app
from theftwatch.config import Settings

CHECKOUT = Path(__file__).parent.parent
DOCUMENTS = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md")]
COMMANDS = (CHECKOUT / "docs/commands.md").read_text()
TEXTS = {"", ".cfg", ".css", ".j2", ".lock", ".md", ".py", ".sql", ".toml", ".tsv"}
SPIDERS = (CHECKOUT / "docs/spiders.md").read_text()


def commands(command: Any, name: str = "theftwatch") -> list[tuple[str, Any]]:
    """Return the commands below a group, by all their words."""
    if hasattr(command, "commands"):
        return [each for sub, inner in command.commands.items() for each in commands(inner, f"{name} {sub}")]
    return [(name, command)]


ALL = commands(typer.main.get_command(app))


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_every_command_and_option_is_documented(name, command):
    row = next((line for line in COMMANDS.splitlines() if re.match(rf"\| `{name}[ `]", line)), None)
    assert row, f"{name} has no row in docs/commands.md"
    assert command.help
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert all(option in row for option in parameter.opts), parameter.opts


def test_no_command_is_documented_that_does_not_exist():
    documented = set(re.findall(r"^\| `(theftwatch(?: [a-z-]+)+)", COMMANDS, re.MULTILINE))
    assert documented == {name for name, _ in ALL}


def test_the_settings_are_documented_and_no_others():
    text = (CHECKOUT / "docs/settings.md").read_text()
    documented = set(re.findall(r"^\| `(THEFTWATCH_[A-Z_]+)`", text, re.MULTILINE))
    assert documented == {f"THEFTWATCH_{name.upper()}" for name in Settings.model_fields}


def test_the_defaults_of_settings_are_documented():
    text = (CHECKOUT / "docs/settings.md").read_text()
    rows = dict(re.findall(r"^\| `THEFTWATCH_([A-Z_]+)` \| (.+?) \|", text, re.MULTILINE))
    told = {name.lower(): row.strip("`") for name, row in rows.items() if row.startswith("`")}
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, str | float | bool):
            default = f"{field.default:g}" if type(field.default) is float else str(field.default).lower()
            assert told[name] == default


@pytest.mark.parametrize("module", [alibaba, artfire, dates, etsy, saved], ids=lambda module: module.__name__)
def test_every_spider_and_its_arguments_are_documented(module):
    [spider] = [each for each in iter_spider_classes(module) if each.__module__ == module.__name__]
    assert issubclass(spider, MarketplaceSpider)
    assert f"**{spider.name}.**" in SPIDERS
    for argument in (*spider.kinds, "file", "side", "limit"):
        row = next(line for line in SPIDERS.splitlines() if line.startswith(f"| `-a {argument}="))
        assert spider.name in row or "| all |" in row, row


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)\s]+)", document.read_text()):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        target, _, anchor = link.partition("#")
        path = document.parent / target if target else document
        assert path.exists(), link
        assert not anchor or anchor in anchors(path.read_text()), link


def anchors(text: str) -> set[str]:
    """Return the names under which a document's headings can be linked to, as web pages of repositories make them."""
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_no_file_names_a_folder_of_somebody_s_machine():
    folders = ("bench", "deploy", "docs", "pipelines", "spiders", "tests", "theftwatch", ".ci")
    # In a worktree `.git` is a file, and git's own.
    files = [path for path in CHECKOUT.iterdir() if path.is_file() and path.name != ".git"]
    files += [path for folder in folders for path in (CHECKOUT / folder).rglob("*") if path.is_file()]
    # Pages that others wrote name what they like.
    others = (CHECKOUT / "tests/samples", CHECKOUT / "theftwatch/demo/pages")
    texts = [path for path in files if path.suffix in TEXTS and not any(path.is_relative_to(each) for each in others)]
    assert len(texts) > 100
    machine = re.compile(r"(?<![\w>])/(?:work|root|home|Users)/(?!you/)")
    assert [str(path) for path in texts if machine.search(path.read_text())] == []


def test_the_readme_s_commands_are_targets_and_ci_runs_the_tests():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", (CHECKOUT / "README.md").read_text(), re.MULTILINE))
    assert named == {"demo", "test"}
    assert named < targets
    assert (CHECKOUT / ".ci/run").read_text().splitlines()[-1] == "exec make test"
