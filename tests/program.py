"""The command line in this process, as that is the quicker way to type much of it."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO

import pytest
from typer.testing import CliRunner

from theftwatch.cli import app
from theftwatch.config import settings


def answer(words: Sequence[object], environment: Mapping[str, str]) -> str:
    """Return what a command prints; what it raises is raised."""
    with _typed_in(environment):
        ran = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False, standalone_mode=False)
    assert ran.exit_code == 0, ran.stderr
    return ran.stdout


def refusal(program: Callable[[], object], words: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the one line with which a program refuses what was typed, and exits with 2."""
    told = StringIO()
    with _typed_in(environment) as patch, redirect_stderr(told):
        patch.setattr(sys, "argv", list(words))
        with pytest.raises(SystemExit, match=r"^2$"):
            program()
    [line] = told.getvalue().splitlines()
    return line


@contextmanager
def _typed_in(environment: Mapping[str, str]) -> Iterator[pytest.MonkeyPatch]:
    """Have the program read other settings for a while."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        settings.cache_clear()
        yield patch
    settings.cache_clear()
