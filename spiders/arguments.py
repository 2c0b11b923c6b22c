"""What a spider was asked to crawl: `-a` arguments and files of them, checked before anything starts."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from theftwatch.errors import UsageError
from theftwatch.listing import Side

Kind = Literal["shop", "vendor", "archive", "url", "search", "showroom", "path", "listing"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """One thing to start from, such as a shop by its name."""

    kind: Kind
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Arguments:
    """All that a spider was told."""

    #: Empty: the targets that are due
    starts: tuple[Start, ...]
    side: Side | None = None
    limit: int | None = None
    minutes: int | None = None


def read_arguments(
    spider: str, given: dict[str, str], kinds: Iterable[Kind], *, needs_start: bool = False
) -> Arguments:
    """Check the arguments of a spider that starts from some kinds of things, or from the targets that are due.

    Raises UsageError naming the wrong one.
    """
    kinds = tuple(kinds)
    allowed = (*kinds, "file", "side", "limit", "minutes")
    for name, value in given.items():
        if name not in allowed:
            raise UsageError(f"-a {name}={value}: spider {spider} takes {', '.join(allowed)}; see docs/spiders.md")
        if not value.strip():
            raise UsageError(f"-a {name}= is empty; give a value or leave the argument out")
    starts = [Start(kind=kind, value=given[kind].strip()) for kind in kinds if kind in given]
    if "file" in given:
        starts += _read_file(spider, Path(given["file"]), kinds)
    if not starts and needs_start:
        raise UsageError(f"spider {spider} has nothing to start from; give -a {'=, -a '.join((*kinds, 'file'))}=")
    if not starts and "side" in given:
        raise UsageError(f"-a side={given['side']}: sellers of targets have the sides of their marketplaces")
    if starts and "minutes" in given:
        raise UsageError(
            f"-a minutes={given['minutes']} bounds the crawl of targets; give it without {starts[0].kind}="
        )
    return Arguments(
        starts=tuple(starts),
        side=_side(given.get("side")),
        limit=_number(given, "limit", "listings"),
        minutes=_number(given, "minutes", "minutes"),
    )


def _read_file(spider: str, path: Path, kinds: tuple[Kind, ...]) -> list[Start]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"-a file={path}: {exc}; give a text file of lines such as {kinds[0]}=NAME") from exc
    starts = []
    for number, line in enumerate(lines, 1):
        line = line.strip()  # noqa: PLW2901  the line as meant
        if not line or line.startswith("#"):
            continue
        kind, equals, value = line.partition("=")
        if line.startswith(("http://", "https://")):
            kind, value = "url", line
        elif not equals or kind not in kinds or not value.strip():
            raise UsageError(f"{path}:{number}: {line!r} is no address and none of {', '.join(kinds)}=VALUE ({spider})")
        starts.append(Start(kind=cast("Kind", kind), value=value.strip()))
    return starts


def _side(value: str | None) -> Side | None:
    if value not in {None, *get_args(Side)}:
        raise UsageError(f"-a side={value}: a side is {' or '.join(get_args(Side))}")
    return cast("Side | None", value)


def _number(given: dict[str, str], name: str, what: str) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if not value.isdecimal() or int(value) < 1:
        raise UsageError(f"-a {name}={value}: give the number of {what} to stop after, 1 or more")
    return int(value)
