"""The machine that measures."""

import os
import platform
from datetime import date
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")


def machine() -> str:
    """Return what kind of machine this is, in a line, with what else keeps it busy and the date."""
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    parts = (
        _processor(),
        f"{os.cpu_count()} cores",
        platform.platform(terse=True),
        f"Python {platform.python_version()}",
    )
    return f"{', '.join(parts)}; {load}; {date.today().isoformat()}"  # noqa: DTZ011  the day of whoever measures


def _processor() -> str:
    if _CPU_INFO.exists():
        for line in _CPU_INFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
