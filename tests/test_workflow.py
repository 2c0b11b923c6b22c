"""The workflow for GitHub runs what is run everywhere, and gives nobody more than that takes."""

import subprocess
import sys
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).parents[1]
WORKFLOW = yaml.safe_load((CHECKOUT / ".github/workflows/test.yml").read_text())


def commands(job: str) -> list[str]:
    return [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step]


def test_it_runs_the_tests_of_this_checkout_on_linux_and_macos():
    assert commands("test") == [".ci/run"]
    systems = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["os"]
    assert {name.partition("-")[0] for name in systems} == {"ubuntu", "macos"}
    assert commands("audit") == ["make audit"]


def test_a_linter_finds_nothing_wrong_with_it():
    command = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-progress", "--pedantic", ".github"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_audit_takes_silence_for_no_answer():
    """Where no advisory can be had, packages are not well but unknown."""
    [recipe] = [line for line in (CHECKOUT / "Makefile").read_text().splitlines() if "-m pip_audit" in line]
    assert "--strict" in recipe
    # pip-audit says of a site that it cannot reach that it has no such package
    told = subprocess.run(["make", "-n", "audit"], cwd=CHECKOUT, capture_output=True, text=True).stdout
    assert "nothing is known: ask from where that is reached" in told
