"""The set-up: what the locks pin, and what the Makefile says where something is missing."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.imports import imports

CHECKOUT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
# The Makefile installs the extras too; Ray, which is large and which few need, for the tests alone.
RAY = [Requirement(text) for text in EXTRAS.pop("ray")]
RUN = [Requirement(text) for texts in (PYPROJECT["project"]["dependencies"], *EXTRAS.values()) for text in texts]
DEV = RAY + [Requirement(text) for texts in PYPROJECT["dependency-groups"].values() for text in texts]
LOCKS = {"requirements.lock": RUN, "requirements-dev.lock": RUN + DEV}
PYTHONS = ("3.12", "3.13", "3.14")
PLATFORMS = ("linux", "darwin")


def pins(lock):
    """Return the requirements of a lock and how many hashes each has, by name."""
    lines = (CHECKOUT / lock).read_text().replace("\\\n", " ").splitlines()
    parts = [line.split(" --hash=") for line in lines if line.strip() and not line.startswith("#")]
    parsed = [(Requirement(requirement.strip()), hashes) for requirement, *hashes in parts]
    return {canonicalize_name(requirement.name): (requirement, hashes) for requirement, hashes in parsed}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_by_hash_and_names_no_address(lock):
    pinned = pins(lock)
    assert len(pinned) > 50
    for requirement, hashes in pinned.values():
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", each) for each in hashes), requirement
    assert "://" not in (CHECKOUT / lock).read_text()


def test_the_document_of_the_dependencies_says_what_the_locks_hold():
    text = (CHECKOUT / "docs/dependencies.md").read_text()
    told = re.search(r"are (\d+) packages; .*? it is (\d+)\.", text, re.DOTALL)
    assert told
    assert [int(number) for number in told.groups()] == [count_pins(lock) for lock in LOCKS]
    rows = dict(re.findall(r"^\| ([a-z0-9-]+) \|.*?\| (\d[\w.]*), 20\d\d-\d\d.*\|$", text, re.MULTILINE))
    assert rows.keys() == {canonicalize_name(wanted.name) for wanted in RUN + DEV}
    pinned = pins("requirements-dev.lock")
    assert {name: f"=={version}" for name, version in rows.items()} == {
        name: str(pinned[name][0].specifier) for name in rows
    }


def count_pins(lock):
    environment = {"python_version": "3.13", "python_full_version": "3.13.0"}
    return sum(pin.marker is None or pin.marker.evaluate(environment) for pin, _ in pins(lock).values())


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_pyproject(lock, platform, python):
    pinned = pins(lock)
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": platform}
    for wanted in LOCKS[lock]:
        if wanted.marker is not None and not wanted.marker.evaluate(environment):
            continue
        assert canonicalize_name(wanted.name) in pinned, f"{wanted} is not locked: make lock"
        pin, _ = pinned[canonicalize_name(wanted.name)]
        assert pin.marker is None or pin.marker.evaluate(environment), f"{pin} is not locked for all: make lock"
        (version,) = (specifier.version for specifier in pin.specifier)
        assert wanted.specifier.contains(version), f"{pin} does not satisfy {wanted}: make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_its_packages_need_in_turn(lock):
    pinned = pins(lock)
    open_ends = [(wanted, "pyproject.toml") for wanted in LOCKS[lock]]
    seen: set[tuple[str, str]] = set()
    while open_ends:
        wanted, by = open_ends.pop()
        name = canonicalize_name(wanted.name)
        assert name in pinned, f"{by} needs {wanted}, which is not locked: make lock"
        (version,) = (specifier.version for specifier in pinned[name][0].specifier)
        assert wanted.specifier.contains(version, prereleases=True), f"{by} needs {wanted}, not {version}: make lock"
        for extra in {"", *wanted.extras} - {extra for each, extra in seen if each == name}:
            seen.add((name, extra))
            needs = (Requirement(text) for text in needed_by(name))
            open_ends += [
                (need, name) for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})
            ]
    assert len(seen) > 50


def needed_by(name):
    try:
        return requires(name) or []
    except PackageNotFoundError:
        pytest.fail(f"{name} is not installed: make test installs requirements-dev.lock")


def test_both_locks_agree():
    # on which platforms a package is needed may differ: one to test with may need it on more of them
    run, dev = (
        {name: (pin.specifier, hashes) for name, (pin, hashes) in pins(lock).items()}
        for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert {name: dev.get(name) for name in run} == run


# Its own interface is made of these, in the one version that fits it.
PART_OF = {"twisted": "scrapy", "zope-interface": "scrapy", "playwright": "scrapy-playwright"}


def test_what_is_imported_is_a_direct_dependency():
    direct = {canonicalize_name(wanted.name) for wanted in RUN + RAY}
    distributions = packages_distributions()
    paths = [path for package in ("theftwatch", "spiders", "pipelines") for path in (CHECKOUT / package).rglob("*.py")]
    modules = {name.split(".")[0] for path in paths for name in imports(path, CHECKOUT)}
    names = {canonicalize_name(distributions[module][0]) for module in modules if module in distributions}
    assert {"scrapy", "psycopg"} < names
    assert {PART_OF.get(name, name) for name in names} - direct - {"theftwatch"} == set()


def test_there_is_no_other_lock():
    assert not list(CHECKOUT.glob("uv.lock")) + list(CHECKOUT.glob("pylock*.toml"))


def test_python_is_named_once_and_allowed():
    named = (CHECKOUT / ".python-version").read_text().strip()
    assert PYPROJECT["project"]["requires-python"] == ">=3.12"
    assert Version(named) >= Version("3.12")
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py312"
    assert "--python-version 3.12" in (CHECKOUT / "Makefile").read_text()


def test_the_makefile_installs_the_uv_that_pyproject_asks_for():
    assert f"UV_VERSION := uv{PYPROJECT['tool']['uv']['required-version']}\n" in (CHECKOUT / "Makefile").read_text()


@pytest.mark.parametrize("newer", [r"\.ONESHELL", r"\$\(file ", r"[^!]!= ", r"&:", r"\$\(let ", r"\$\(intcmp "])
def test_the_makefile_needs_no_newer_make_than_3_81(newer):
    assert not re.search(newer, (CHECKOUT / "Makefile").read_text())


def make(*arguments, cwd=CHECKOUT, **env):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=cwd, env={**kept, **env}, capture_output=True, text=True, timeout=120
    )


def test_help_lists_every_target():
    phony = re.search(r"^\.PHONY: (help .*)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    listed = re.findall(r"^make ([a-z-]+) +[A-Z]", make().stdout, re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())


def test_continuous_integration_calls_make_test():
    *_, last = (CHECKOUT / ".ci/run").read_text().splitlines()
    assert last == "exec make test"


@pytest.fixture
def bare(tmp_path):
    """A checkout that nothing was installed in, and a folder of programs that goes before all others on PATH."""
    for name in ("Makefile", "pyproject.toml", ".python-version", *LOCKS):
        (tmp_path / name).write_text((CHECKOUT / name).read_text())
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin/uv", "echo 'uv: no such version' >&2; exit 127")
    return tmp_path


def program(path, line):
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def make_setup(bare, *arguments):
    return make("setup", *arguments, cwd=bare, PATH=f"{bare / 'bin'}:{os.environ['PATH']}", HOME=str(bare / "home"))


@pytest.mark.parametrize(
    ("python3", "line"),
    [
        ("echo 'python3: no such version' >&2; exit 127", "no python3 that runs: apt-get install python3 python3-venv"),
        ('case "$2" in *venv*) exit 1; esac', "python3 has no venv: apt-get install python3-venv"),
    ],
)
def test_a_missing_piece_is_one_line_with_the_command_that_installs_it(bare, python3, line):
    program(bare / "bin/python3", python3)
    ran = make_setup(bare, "PYTHONS=python3")
    assert ran.returncode != 0
    assert ran.stdout.splitlines() == [line]
    assert not (bare / ".uv").exists()


def test_a_uv_that_does_not_run_does_not_count(bare):
    program(bare / "bin/python3", "exit 1")
    program(bare / "bin/other", f'test "$2" = venv || exec {sys.executable} "$@"; exit 1')
    ran = make_setup(bare, "PYTHONS=python3 other")
    assert ran.returncode != 0
    assert ran.stdout.splitlines() == ["uv: putting it into .uv (25 MB to fetch, seconds)"]


def test_without_any_fitting_python_it_says_so(bare):
    program(bare / "bin/uv", 'case "$1" in python) echo found;; *) echo "no Python" >&2; exit 2; esac')
    ran = make_setup(bare)
    assert ran.returncode != 0
    assert ran.stdout.splitlines()[1].startswith("no Python 3.12 or newer found, and none could be fetched")
    assert (bare / ".cache/python.log").read_text() == "no Python\n" * 2
    assert not (bare / "home").exists()
