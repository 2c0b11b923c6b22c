"""`theftwatch compare` and `theftwatch scan`: files and folders, without a database."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from theftwatch.commands.options import JsonObject
from theftwatch.errors import UsageError
from theftwatch.files import replacing

if TYPE_CHECKING:
    from theftwatch.match.scan import Folder, Pair

#: Files that cannot be compared, named one by one on a terminal
_NAMED_MOST = 20


def compare(
    original: Annotated[Path, typer.Argument(metavar="A", help="The original photo.")],
    suspect: Annotated[Path, typer.Argument(metavar="B", help="The photo that may be a copy.")],
    *,
    as_json: JsonObject = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page that draws how the one lies in the other.")
    ] = None,
) -> None:
    """Say whether one photo is a copy of another, and why."""
    # Recognition takes a second to load.
    from theftwatch.match.compare import compare_files

    files = _read(original), _read(suspect)
    comparison = compare_files(*files)
    decision = comparison.decision
    if html:
        from theftwatch.reports.comparison import comparison_page

        with replacing(html) as file:
            file.write(comparison_page((original.name, suspect.name), files, comparison).encode())
    if as_json:
        print(
            json.dumps(
                {
                    "decision": decision.decision,
                    "score": decision.score,
                    "method": decision.method,
                    "transform": decision.transform.as_json() if decision.transform else None,
                    "explanation": decision.explanation,
                }
            )
        )
        return
    print(f"{decision.decision.replace('_', ' ')}, score {decision.score:.2f}\n{decision.explanation}")
    if comparison.signs:
        likelier = {"original": "the original", "suspect": "the suspect"}.get(comparison.source, "cannot be told")
        print(f"Likelier source by the pixels: {likelier} ({'; '.join(comparison.signs)}).")
    if html:
        print(f"Drawn in {html}")


def scan(
    originals: Annotated[Path, typer.Argument(metavar="ORIGINALS_DIR", help="A folder of original photos.")],
    suspects: Annotated[Path, typer.Argument(metavar="SUSPECTS_DIR", help="A folder of photos that may be copies.")],
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File for the pairs found, one JSON object a line.")],
    all_scores: Annotated[
        bool, typer.Option("--all-scores", help="Also write the pairs that were verified and are no match.")
    ] = False,
) -> None:
    """Find the photos of one folder that are copies of another's.

    Needs no database. Photos are looked for in the folders below, too.
    """
    import asyncio

    for folder in (originals, suspects):
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder; give two folders of photos")
    if not out.parent.is_dir():
        raise UsageError(f"{out}: the folder {out.parent} does not exist; make it, or write elsewhere")
    asyncio.run(_scan(originals, suspects, out, all_scores=all_scores))


async def _scan(originals: Path, suspects: Path, out: Path, *, all_scores: bool) -> None:
    # Recognition takes half a second to load.
    from theftwatch.commands.work.progress import progress_bar
    from theftwatch.config import settings
    from theftwatch.match import scan as scanning
    from theftwatch.match.workers import Processes

    counts: Counter[str] = Counter()
    with Processes(settings().workers) as workers, progress_bar() as progress:

        async def read(root: Path) -> scanning.Folder:
            task = progress.add_task(f"Reading {root}", total=len(scanning.list_photos(root)))
            return await scanning.read_folder(root, workers, lambda done: progress.advance(task, done))

        folders = await read(originals), await read(suspects)
        task = progress.add_task("Comparing", total=len(folders[1].prints))
        with replacing(out) as file:
            async for pair in scanning.scan(*folders, workers, lambda done: progress.advance(task, done)):
                counts[pair.decision.decision] += 1
                if all_scores or pair.decision.decision in {"match", "possible"}:
                    _write(file, pair)
    for folder in folders:
        _tell(folder)
    if not all(folder.prints for folder in folders):
        print("Not looked: there is nothing to compare.", file=sys.stderr)
        return
    print(f"{counts['match']:,} matches and {counts['possible']:,} worth a look, in {out}", file=sys.stderr)


def _tell(folder: "Folder") -> None:
    """Say how many photos of a folder there are, and which cannot be compared: on a terminal the first of them."""
    from theftwatch.reports.words import one_line, reason

    unusable = ", ".join(f"{count:,} {reason}" for reason, count in sorted(Counter(folder.unusable.values()).items()))
    told = f"; cannot be compared: {unusable}" if unusable else ""
    print(f"{folder.root}: {sum(map(len, folder.paths.values())):,} photos{told}", file=sys.stderr)
    named = list(folder.unusable.items())[: _NAMED_MOST if sys.stderr.isatty() else None]
    for name, why in named:
        print(f"  {one_line(name)}: {reason(why)}", file=sys.stderr)
    if more := len(folder.unusable) - len(named):
        print(f"  and {more:,} more; `2>FILE` writes all of them into a file", file=sys.stderr)


def _write(file: BinaryIO, pair: "Pair") -> None:
    line = {
        "original": pair.original,
        "suspect": pair.suspect,
        "score": pair.decision.score,
        "decision": pair.decision.decision,
        "method": pair.decision.method,
        "transform": pair.decision.transform.as_json() if pair.decision.transform else None,
    }
    # A name may have bytes that are no text; JSON spells each as an escape, which leads back to the file.
    file.write(json.dumps(line, ensure_ascii=False).encode(errors="backslashreplace") + b"\n")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror}; give the path of a photo") from exc
