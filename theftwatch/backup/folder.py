"""A folder of backups: files by their SHA-256, which all backups share, and a folder for each backup.

A backup is written beside its name and gets it when it is whole, so that what a kill leaves is none.
"""

import fcntl
import hashlib
import itertools
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from theftwatch.errors import BackupError
from theftwatch.files import PREFIXES, Files

DUMP, LIST, MANIFEST = "database.dump", "files.sha256", "manifest.json"

#: What this program writes, and the only thing that it reads
_FORM = 1
_NAME = re.compile(r"\d{8}T\d{6}Z")
_PART = ".part"


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    form: int = _FORM
    #: In words of ISO 8601, UTC
    made_at: str
    program: str
    postgres: str
    #: Newest migration of the database
    schema: int
    #: What `theftwatch db digest` said
    digest: str
    #: Which image store the database names
    store: str
    files: int
    byte_count: int
    #: Files that the database stands for and that the image store did not hold whole, in hex
    missed: tuple[str, ...] = ()
    dump_sha256: str
    list_sha256: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that is whole, as far as its manifest says."""

    path: Path
    manifest: Manifest


def files_of(folder: Path) -> Files:
    """Return the files that the backups of a folder share."""
    return Files(folder / "files")


def find_backups(folder: Path) -> list[Backup]:
    """Return the backups of a folder, the oldest first; what a kill left is none.

    Raises BackupError for one that cannot be read.
    """
    if not folder.is_dir():
        return []
    found = [each for each in sorted(folder.iterdir()) if _NAME.fullmatch(each.name)]
    return [Backup(path, _read_manifest(path / MANIFEST)) for path in found]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make the folder, for its owner alone, and let nobody else write to it; a killed process lets go of it.

    Raises BackupError where another process is at it, or where it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise BackupError(f"{folder}: {exc.strerror}; name a folder that can be written") from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as exc:
        raise BackupError(f"{folder}: another backup is being made there; wait for its end") from exc
    finally:
        os.close(handle)


@contextmanager
def new_backup(folder: Path, name: str) -> Iterator[Path]:
    """Yield a folder to write a backup into; it gets its name when the block ends in order."""
    for left in folder.glob(f"*{_PART}"):
        shutil.rmtree(left)
    path = folder / f"{name}{_PART}"
    path.mkdir(mode=0o700)
    yield path
    for written in path.iterdir():
        _sync(written)
    _sync(path)
    path.rename(folder / name)
    _sync(folder)


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write what a backup says of itself."""
    path.write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")


def list_line(digest: bytes) -> str:
    """Return a line of the list of files, which `sha256sum --check` reads too."""
    name = digest.hex()
    return f"{name}  files/{name[:2]}/{name}\n"


def read_list(path: Path) -> Iterator[tuple[str, set[bytes]]]:
    """Yield for each of the PREFIXES, in order, the files of a list that are so named."""
    with path.open(encoding="ascii") as file:
        named = itertools.groupby((line[:64] for line in file), key=lambda name: name[:2])
        groups = ((found, {bytes.fromhex(name) for name in names}) for found, names in named)
        found, digests = next(groups, ("", set()))
        for prefix in PREFIXES:
            if prefix != found:
                yield prefix, set()
                continue
            yield prefix, digests
            found, digests = next(groups, ("", set()))


def prune(folder: Path, keep: int) -> tuple[int, int]:
    """Delete all but the newest backups, then the files that none of those names; return how many of each."""
    old = find_backups(folder)[:-keep]
    for each in old:
        # Away at once, as a backup of which some is gone would still have its name.
        doomed = each.path.with_name(f"{each.path.name}{_PART}")
        each.path.rename(doomed)
        shutil.rmtree(doomed)
    files, deleted = files_of(folder), 0
    lists = [read_list(each.path / LIST) for each in find_backups(folder)]
    for groups in zip(*lists, strict=True):
        wanted = set[bytes]().union(*(digests for _, digests in groups))
        held = {digest for digest, _ in files.find(groups[0][0])}
        deleted += sum(files.delete(digest) for digest in held - wanted)
    return len(old), deleted


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_parts(backup: Backup) -> None:
    """Compare the dump and the list of a backup with what it says of them.

    Raises BackupError.
    """
    told = {DUMP: backup.manifest.dump_sha256, LIST: backup.manifest.list_sha256}
    for name, sha256 in told.items():
        path = backup.path / name
        if not path.is_file() or sha256_of(path) != sha256:
            raise BackupError(f"{path} is missing or damaged; bring back an older backup, with --backup NAME")


def names_of(backups: Iterable[Backup]) -> str:
    """Return the names of backups, to be shown."""
    return ", ".join(each.path.name for each in backups) or "none"


def _read_manifest(path: Path) -> Manifest:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["form"] != _FORM:
            raise BackupError(f"{path} is of form {values['form']}, this program reads {_FORM}; update the program")
        return Manifest(**values | {"missed": tuple(values["missed"])})
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise BackupError(f"{path} is missing or damaged; move that backup away") from exc


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
