"""The figures as tables for people, and as JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.recognition.methods import Outcome
from bench.recognition.metrics import Figures, Score

_COLUMNS = ("µAP", "R@P99", "R@0 wrong", "recall", "wrong")


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A method with what it found, and what that is worth."""

    name: str
    outcome: Outcome
    score: Score


def lines(measured: Sequence[Measured]) -> list[str]:
    """Return the tables: all methods overall, then each method's figures by family and by edit."""
    width = max(len(each.name) for each in measured)
    found = [f"{'method':{width}}" + "".join(f"{name:>11}" for name in (*_COLUMNS, "ms/image", "CPU ms"))]
    for each in measured:
        times = f"{each.outcome.wall_ms:11.1f}{each.outcome.processor_ms:11.1f}"
        found.append(f"{each.name:{width}}{_row(each.score.overall)}{times}")
    for title, part in (("family", "families"), ("edit", "edits")):
        found += ["", *_compared(measured, title, part)]
    return found + [line for each in measured for line in ("", *_detailed(each))]


def _compared(measured: Sequence[Measured], title: str, part: str) -> list[str]:
    """Return one table with a column for each method: recall where no pair is wrong / at its own threshold."""
    names = list(getattr(measured[0].score, part))
    width = max(map(len, (*names, title)))
    found = [
        "Recall with no wrong pair / at the method's own threshold",
        f"{title:{width}}{'copies':>8}" + "".join(f"{each.name:>17}" for each in measured),
    ]
    for name in names:
        rows: list[Figures] = [getattr(each.score, part)[name] for each in measured]
        cells = "".join(f"{f'{row.recall_at_no_error:.3f} / {row.recall:.3f}':>17}" for row in rows)
        found.append(f"{name:{width}}{rows[0].copies:8}{cells}")
    return found


def _detailed(measured: Measured) -> list[str]:
    parts: Mapping[str, Figures] = {**measured.score.families, **measured.score.edits}
    width = max(map(len, parts))
    head = f"{measured.name:{width}}{'copies':>8}" + "".join(f"{name:>11}" for name in _COLUMNS)
    return [head, *(f"{name:{width}}{each.copies:8}{_row(each)}" for name, each in parts.items())]


def _row(each: Figures) -> str:
    shares = (each.average_precision, each.recall_at_precision, each.recall_at_no_error, each.recall)
    return "".join(f"{share:11.3f}" for share in shares) + f"{each.wrong:11}"


def write_json(path: Path, measured: Sequence[Measured], about: Mapping[str, object]) -> None:
    """Write all figures, and each method's wrong pairs, highest score first."""
    methods = {
        each.name: {
            "images": each.outcome.images,
            "wall_ms": round(each.outcome.wall_ms, 2),
            "processor_ms": round(each.outcome.processor_ms, 2),
            "overall": asdict(each.score.overall),
            "families": {name: asdict(figures) for name, figures in each.score.families.items()},
            "edits": {name: asdict(figures) for name, figures in each.score.edits.items()},
            "wrong": [asdict(pair) for pair in each.score.wrong],
            "first_wrong": [asdict(pair) for pair in each.score.first_wrong],
            "missed": [asdict(truth) for truth in each.score.missed],
        }
        for each in measured
    }
    path.write_text(json.dumps({**about, "methods": methods}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
