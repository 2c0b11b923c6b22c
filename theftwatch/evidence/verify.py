"""Verifying a bundle with nothing but the bundle and the authority's certificate."""

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from cryptography.x509 import Certificate

from theftwatch.errors import EvidenceError, TimestampError, UsageError
from theftwatch.evidence import capture
from theftwatch.evidence.archive import MANIFEST, MANIFEST_TOKEN, SUMS
from theftwatch.evidence.bundle import FORMAT
from theftwatch.evidence.manifest import canonical
from theftwatch.evidence.timestamp import Timestamp, read_certificates, verify

#: Of all files together, and of one that has to be read whole; packed ones may unpack to anything
_BYTES_MAX, _READ_BYTES_MAX = 20_000_000_000, 200_000_000
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that was verified."""

    ok: bool
    #: What, and where it failed, why
    text: str


class _Source(Protocol):
    def names(self) -> list[str]: ...

    def open(self, name: str) -> IO[bytes]:
        """Open a file; where it is missing or damaged, this or what is read of it may raise anything."""
        ...


class _Zip:
    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)
        # No file is unpacked to more than it is said to have.
        unpacked = sum(each.file_size for each in self._archive.infolist())
        if unpacked > _BYTES_MAX:
            raise UsageError(f"{path}: unpacks to {unpacked:,} bytes; no bundle has more than {_BYTES_MAX:,}")

    def names(self) -> list[str]:
        return [each.filename for each in self._archive.infolist() if not each.is_dir()]

    def open(self, name: str) -> IO[bytes]:
        return self._archive.open(name)


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return sorted(each.relative_to(self._path).as_posix() for each in self._path.rglob("*") if each.is_file())

    def open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")


class _Bundle:
    """The files of a bundle, of which no more than one is in memory at a time."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self.names = source.names()
        self._sha256s: dict[str, str] = {}

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises EvidenceError where it is missing, damaged or too large.
        """
        with _explained(name), self._source.open(name) as file:
            data = file.read(_READ_BYTES_MAX + 1)
        if len(data) > _READ_BYTES_MAX:
            raise EvidenceError(f"{name}: has more than {_READ_BYTES_MAX:,} bytes; no bundle has such a file")
        return data

    def sha256(self, name: str) -> str:
        """Return the digest of a file, in hex.

        Raises EvidenceError where it is missing or damaged.
        """
        if name not in self._sha256s:
            with _explained(name), self._source.open(name) as file:
                digest = hashlib.sha256()
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
            self._sha256s[name] = digest.hexdigest()
        return self._sha256s[name]


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as exc:  # damage makes the readers of packed files raise anything
        raise EvidenceError(f"{name}: missing or damaged: {exc}") from exc


def verify_bundle(path: Path, certificates: Sequence[Certificate] | None) -> Iterator[Result]:
    """Verify a bundle, packed or unpacked, and yield what was found of each thing.

    Timestamps have to lead to one of `certificates`; with None, to those that lie in the bundle, which proves that they
    fit it and no more. Raises UsageError for what is no bundle.
    """
    bundle = _Bundle(_open(path))
    manifest = _read_manifest(bundle, path)
    yield from _check_names(bundle.names, manifest)
    good: set[str] = set()
    for each in manifest["files"]:
        result = _check_file(bundle, each)
        if result.ok:
            good.add(each["name"])
        else:
            yield result
    yield Result(ok=True, text=f"{len(good)} of {len(manifest['files'])} files have the digest that the manifest gives")
    yield _check_sums(bundle)
    yield from _check_captures(bundle, manifest, good)
    yield from _check_timestamps(bundle, manifest, good, certificates)
    yield from _check_own_timestamp(bundle, good, certificates)


def _open(path: Path) -> _Source:
    if path.is_dir():
        return _Folder(path)
    try:
        return _Zip(path)
    except UsageError:
        raise
    except Exception as exc:  # as above
        raise UsageError(f"{path}: {exc}; give a bundle of `theftwatch evidence build`, packed or unpacked") from exc


def _read_manifest(bundle: _Bundle, path: Path) -> dict[str, Any]:
    if MANIFEST not in bundle.names:
        raise UsageError(f"{path}: no {MANIFEST} in it; give a bundle of `theftwatch evidence build`")
    try:
        text = bundle.read(MANIFEST)
        manifest = json.loads(text)
        known = manifest["format"] == FORMAT and canonical(manifest) == text and _is_well_formed(manifest)
    except (EvidenceError, ValueError, KeyError, TypeError, RecursionError) as exc:
        raise UsageError(f"{path}: {MANIFEST} cannot be read ({exc}); get the bundle again") from exc
    if not known:
        raise UsageError(f"{path}: {MANIFEST} is not of the form {FORMAT!r}; a newer version may read it")
    return dict(manifest)


def _is_well_formed(manifest: dict[str, Any]) -> bool:
    """Return whether a manifest lists what it should, by names that lead nowhere else."""
    texts = [
        *(each[key] for each in manifest["files"] + manifest["left_out"] for key in ("name", "sha256")),
        *(each[key] for each in manifest["timestamps"] for key in ("file", "token", "authority")),
        *manifest["captures"],
    ]
    return all(isinstance(each, str) and not each.startswith("/") and ".." not in each.split("/") for each in texts)


def _check_names(names: Sequence[str], manifest: dict[str, Any]) -> Iterator[Result]:
    listed = {each["name"] for each in manifest["files"]} | {MANIFEST, MANIFEST_TOKEN, SUMS}
    for name in sorted(set(names) - listed):
        yield Result(ok=False, text=f"{name}: in the bundle, but not in its manifest")
    for name in sorted(name for name, times in Counter(names).items() if times > 1):
        yield Result(ok=False, text=f"{name}: twice in the bundle")


def _check_file(bundle: _Bundle, listed: dict[str, Any]) -> Result:
    name = listed["name"]
    try:
        sha256 = bundle.sha256(name)
    except EvidenceError as exc:
        return Result(ok=False, text=str(exc))
    if sha256 != listed["sha256"]:
        return Result(ok=False, text=f"{name}: is not the file that the manifest lists; it was changed")
    return Result(ok=True, text=name)


def _check_sums(bundle: _Bundle) -> Result:
    if SUMS not in bundle.names:
        return Result(ok=False, text=f"{SUMS}: missing")
    try:
        wanted = "".join(f"{bundle.sha256(name)}  {name}\n" for name in sorted(set(bundle.names) - {SUMS}))
        ok = bundle.read(SUMS) == wanted.encode("utf-8", "surrogateescape")
    except EvidenceError as exc:
        return Result(ok=False, text=f"{SUMS}: cannot be compared, as {exc}")
    return Result(ok=ok, text=f"{SUMS}: {'agrees with the files' if ok else 'does not agree with the files'}")


def _check_captures(bundle: _Bundle, manifest: dict[str, Any], good: Set[str]) -> Iterator[Result]:
    """Check that each capture's own manifest, which was dated when it was taken, lists the files that are there."""
    without = {each["name"] for each in manifest["left_out"]}
    for name in manifest["captures"]:
        if name not in good:
            continue  # told of already
        folder = name.removesuffix(MANIFEST)
        try:
            text = bundle.read(name)
            listed = json.loads(text)
            ok = listed["format"] == capture.FORMAT and canonical(listed) == text
            files = {folder + each["name"]: each["sha256"] for each in listed["files"]}
        except (EvidenceError, ValueError, KeyError, TypeError, RecursionError):
            ok, files = False, {}
        if not ok:
            yield Result(ok=False, text=f"{name}: is no manifest of a capture")
            continue
        wrong = [
            each
            for each, sha256 in files.items()
            if each not in without and (each not in good or bundle.sha256(each) != sha256)
        ]
        for each in wrong:
            yield Result(ok=False, text=f"{each}: is not the file that was captured")
        if not wrong:
            left = len([each for each in files if each in without])
            told = f", {left} left out" if left else ""
            yield Result(ok=True, text=f"{name}: taken {listed['taken_at']}, lists the {len(files)} files{told}")


def _check_timestamps(
    bundle: _Bundle, manifest: dict[str, Any], good: Set[str], certificates: Sequence[Certificate] | None
) -> Iterator[Result]:
    stamps: dict[str, Timestamp] = {}
    for each in manifest["timestamps"]:
        file, token = each["file"], each["token"]
        if not {file, token, each["authority"]} <= good:
            yield Result(ok=False, text=f"{token}: cannot be verified, as it or what it dates is missing or changed")
            continue
        try:
            trusted = list(certificates or read_certificates(bundle.read(each["authority"]).decode()))
            stamps[token] = verify(bundle.read(token), bundle.read(file), trusted)
        except (EvidenceError, TimestampError, ValueError) as exc:
            yield Result(ok=False, text=f"{file}: {exc}")
            continue
        if file in stamps and stamps[token].at > stamps[file].expires_at:
            yield Result(ok=False, text=f"{file}: was renewed only after its certificate had run out")
            continue
        yield Result(ok=True, text=f"{file}: existed by {stamps[token].at:%Y-%m-%d %H:%M:%S} UTC")


def _check_own_timestamp(
    bundle: _Bundle, good: Set[str], certificates: Sequence[Certificate] | None
) -> Iterator[Result]:
    if MANIFEST_TOKEN not in bundle.names:
        return
    inside = (bundle.read(name).decode() for name in sorted(good) if name.startswith("authorities/"))
    try:
        trusted = list(certificates or [each for text in inside for each in read_certificates(text)])
        at = verify(bundle.read(MANIFEST_TOKEN), bundle.read(MANIFEST), trusted).at
    except (EvidenceError, TimestampError, ValueError) as exc:
        yield Result(ok=False, text=f"{MANIFEST}: {exc}")
        return
    yield Result(ok=True, text=f"{MANIFEST}: existed by {at:%Y-%m-%d %H:%M:%S} UTC, and so did all that it lists")
