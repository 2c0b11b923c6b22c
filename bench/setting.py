"""A setting of the program, set for a while."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from theftwatch.config import settings


@contextmanager
def set_to(**values: str) -> Iterator[None]:
    """Set settings, named as in the environment but for THEFTWATCH_, and put back what they were in the end."""
    names = {f"THEFTWATCH_{name.upper()}": value for name, value in values.items()}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        settings.cache_clear()
