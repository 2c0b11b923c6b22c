"""What a program refuses, asked in this process, as that is the quicker way to meet many mistakes."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from io import StringIO

import pytest

from theftwatch.config import settings


def refusal(program: Callable[[], object], words: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the one line with which a program refuses what was typed, and exits with 2."""
    told = StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", list(words))
        settings.cache_clear()
        with redirect_stderr(told), pytest.raises(SystemExit, match=r"^2$"):
            program()
    [line] = told.getvalue().splitlines()
    return line
