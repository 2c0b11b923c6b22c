"""What processes hold, measured again and again, and whether that grows.

Memory is what a process has for itself alone (USS), so that Postgres' shared buffers are not taken for growth. Of a
process that is there for a moment the most counts that it ever had.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import psutil

_MB = 1_000_000
#: The beginning of a soak in which caches fill, and what may come and go besides
WARM_UP = 0.25
MEMORY_SHARE, MEMORY_MB = 0.1, 8.0
HANDLES = 4


@dataclass(frozen=True, slots=True)
class Held:
    """What processes hold: memory in MB of their own, and open files and sockets."""

    memory_mb: float
    handles: int

    @classmethod
    def by(cls, processes: Iterable[psutil.Process]) -> "Held":
        """Measure processes together; those that end meanwhile hold nothing."""
        memory, handles = 0.0, 0
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                memory += process.memory_full_info().uss / _MB
                handles += process.num_fds()
        return cls(memory, handles)

    def most(self, other: "Held") -> "Held":
        return Held(max(self.memory_mb, other.memory_mb), max(self.handles, other.handles))


@dataclass(slots=True)
class Soak:
    """What was measured of each thing, in order."""

    held: dict[str, list[Held]] = field(default_factory=lambda: defaultdict(list))

    def grown(self) -> list[str]:
        """Say what holds more in the end than when it was warm."""
        return [
            f"{what}: {kind} from {first:.1f} to {last:.1f}"
            for what, series in self.held.items()
            for kind, values, may_grow in (
                ("memory in MB", [each.memory_mb for each in series], _memory_may_grow),
                ("handles", [each.handles for each in series], _handles_may_grow),
            )
            for first, _, last in [thirds(values)]
            if last > first + may_grow(first)
        ]

    def table(self) -> str:
        """Return a table of what was held when it was warm, later, and in the end."""
        head = "| | measured | memory, MB | handles |\n| --- | --- | --- | --- |"
        lines = [
            f"| {what} | {len(series)} | {_arrows([each.memory_mb for each in series])} "
            f"| {_arrows([each.handles for each in series])} |"
            for what, series in self.held.items()
        ]
        return "\n".join([head, *lines])


def thirds(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the most in each third of a series, without its beginning: a night with little to do says little."""
    warm = values[int(len(values) * WARM_UP) :]
    size = max(1, len(warm) // 3)
    return max(warm[:size]), max(warm[size : 2 * size] or warm), max(warm[-size:])


def _arrows(values: Sequence[float]) -> str:
    return " → ".join(f"{value:.0f}" for value in thirds(values))


def _memory_may_grow(first: float) -> float:
    return max(MEMORY_MB, MEMORY_SHARE * first)


def _handles_may_grow(_first: float) -> float:
    return HANDLES
