"""What is deployed: the egg for scrapyd and the wheel hold all that runs, and nothing that does not."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PACKAGES = ("theftwatch", "spiders", "pipelines")
# What the demo shows is in the wheel, for those who install that alone, and not in the egg, which runs spiders only.
MAX_BYTES = {".egg": 3_000_000, ".whl": 20_000_000}

# What `theftwatch deploy` sends, and what installers build.
BUILD = {
    "egg": "from theftwatch.clock import system_clock; from theftwatch.jobs import release; "
    "open('{folder}theftwatch.egg', 'wb').write(release.pack(now=system_clock()).egg)",
    "whl": "from setuptools.build_meta import build_wheel; build_wheel('{folder}')",
}

# Runs with the archive first on the path, away from the checkout, and reads what its code reads.
READ = """
import sys
from importlib import metadata, resources
import pipelines, spiders, theftwatch
from theftwatch.db import queries
for package in (pipelines, spiders, theftwatch, queries):
    assert package.__file__.startswith(sys.path[0]), package.__file__
sql = resources.files("theftwatch.db").joinpath("sql")
for file in [*sql.iterdir(), *sql.joinpath("migrations").iterdir()]:
    if file.name.endswith(".sql"):
        print(file.name, len(file.read_text()))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of what git would deliver, so that nothing is built into the checkout."""
    copied = tmp_path_factory.mktemp("checkout") / "copy"
    unwanted = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "samples")
    shutil.copytree(CHECKOUT, copied, ignore=unwanted)
    return copied


@pytest.fixture(scope="module", params=["egg", "whl"])
def archive(request, copy, tmp_path_factory):
    """The archive that each command builds."""
    folder = tmp_path_factory.mktemp(request.param)
    code = BUILD[request.param].format(folder=f"{folder}/")
    ran = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    (built,) = folder.glob(f"*.{request.param}")
    return built


def names(archive):
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


def test_it_holds_all_that_runs(archive, copy):
    demo = copy / "theftwatch/demo"
    files = [file for package in PACKAGES for file in (copy / package).rglob("*") if file.is_file()]
    if archive.suffix == ".egg":
        files = [file for file in files if file.suffix in {".py", ".j2"} or not file.is_relative_to(demo)]
    expected = {str(file.relative_to(copy)) for file in files if file.suffix != ".pyc"}
    assert {"theftwatch/db/sql/migrations/0001_core.sql", "theftwatch/settings.py", "theftwatch/py.typed"} < expected
    held = {name for name in names(archive) if name.startswith(PACKAGES) and ".dist-info/" not in name}
    assert {name for name in held if not name.endswith((".pyc", "/"))} == expected


def test_it_holds_nothing_else(archive):
    folders = {name.split("/")[0] for name in names(archive)}
    about = {folder for folder in folders if folder == "EGG-INFO" or folder.endswith(".dist-info")}
    assert folders - about == set(PACKAGES)
    assert archive.stat().st_size < MAX_BYTES[archive.suffix]


def test_scrapyd_and_the_shell_find_their_entries(archive):
    (entries,) = [name for name in names(archive) if name.endswith("entry_points.txt")]
    with zipfile.ZipFile(archive) as opened:
        text = opened.read(entries).decode()
    assert "[scrapy]\nsettings = theftwatch.settings" in text
    assert "[console_scripts]\ntheftwatch = theftwatch.cli:main" in text


def test_sql_is_read_from_inside_it(archive, copy, tmp_path):
    script = f"import sys; sys.path.insert(0, {str(archive)!r})\n{READ}"
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    read = {name: int(size) for name, size in (line.split() for line in ran.stdout.splitlines())}
    sql = copy / "theftwatch/db/sql"
    assert read == {file.name: len(file.read_text()) for file in [*sql.glob("*.sql"), *sql.glob("migrations/*.sql")]}
    assert read["0001_core.sql"] > 0
