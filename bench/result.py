"""What a benchmark found: measures with their medians, and goals with the ratio of two measures of the same run."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """One thing measured several times."""

    name: str
    values: Sequence[float]
    unit: str

    @property
    def median(self) -> float:
        """Return the median, in `unit`."""
        return median(self.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """What the documentation promises of a ratio: at least `least`, or at most `most`."""

    text: str
    ratio: float
    least: float | None = None
    most: float | None = None
    #: Whether this was measured at the size that the promise is about
    judged: bool = True

    @property
    def met(self) -> bool:
        """Return whether the ratio keeps the promise."""
        return (self.least is None or self.ratio >= self.least) and (self.most is None or self.ratio <= self.most)

    @property
    def outcome(self) -> str:
        """Return the ratio and what it means, in words."""
        asked = f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"
        verdict = ("met" if self.met else "MISSED") if self.judged else "not judged at this size"
        return f"{self.ratio:.3g} (goal: {asked}): {verdict}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """All that one benchmark has to say."""

    title: str
    measures: Sequence[Measure]
    goals: Sequence[Goal]
    notes: Sequence[str] = ()


def result_lines(result: Result) -> list[str]:
    """Return a result as lines of text."""
    width = max(len(each.name) for each in result.measures)
    lines = [result.title, *(f"  {note}" for note in result.notes)]
    for each in result.measures:
        runs = "once" if len(each.values) == 1 else f"median of {len(each.values)}"
        lines.append(f"  {each.name:{width}}  {each.median:10.4g} {each.unit}, {runs}")
    return lines + [f"  -> {goal.text}: {goal.outcome}" for goal in result.goals]
