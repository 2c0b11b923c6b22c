"""Verifying a bundle with nothing but the bundle and the authority's certificate."""

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography.x509 import Certificate

from theftwatch.errors import EvidenceError, TimestampError, UsageError
from theftwatch.evidence import capture
from theftwatch.evidence.archive import MANIFEST, MANIFEST_TOKEN, SUMS
from theftwatch.evidence.bundle import FORMAT
from theftwatch.evidence.manifest import canonical
from theftwatch.evidence.timestamp import Timestamp, read_certificates, verify

#: Of all files together; they fit a portal, and packed ones may unpack to anything
_BYTES_MAX = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that was verified."""

    ok: bool
    #: What, and where it failed, why
    text: str


class _Source(Protocol):
    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises EvidenceError where it is missing or damaged.
        """
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

    def read(self, name: str) -> bytes:
        try:
            return self._archive.read(name)
        except Exception as exc:  # damage makes the readers of packed files raise anything
            raise _unreadable(name, exc) from exc


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return sorted(each.relative_to(self._path).as_posix() for each in self._path.rglob("*") if each.is_file())

    def read(self, name: str) -> bytes:
        try:
            return (self._path / name).read_bytes()
        except (OSError, ValueError) as exc:
            raise _unreadable(name, exc) from exc


def _unreadable(name: str, exc: Exception) -> EvidenceError:
    return EvidenceError(f"{name}: missing or damaged: {exc}")


def verify_bundle(path: Path, certificates: Sequence[Certificate] | None) -> Iterator[Result]:
    """Verify a bundle, packed or unpacked, and yield what was found of each thing.

    Timestamps have to lead to one of `certificates`; with None, to those that lie in the bundle, which proves that they
    fit it and no more. Raises UsageError for what is no bundle.
    """
    source = _open(path)
    names = source.names()
    manifest = _read_manifest(source, names, path)
    yield from _check_names(names, manifest)
    data: dict[str, bytes] = {}
    for each in manifest["files"]:
        result = _check_file(source, each, data)
        if not result.ok:
            yield result
    yield Result(ok=True, text=f"{len(data)} of {len(manifest['files'])} files have the digest that the manifest gives")
    yield _check_sums(source, names)
    yield from _check_captures(manifest, data)
    yield from _check_timestamps(manifest, data, certificates)
    yield from _check_own_timestamp(source, names, data, certificates)


def _open(path: Path) -> _Source:
    if path.is_dir():
        return _Folder(path)
    try:
        return _Zip(path)
    except UsageError:
        raise
    except Exception as exc:  # as above
        raise UsageError(f"{path}: {exc}; give a bundle of `theftwatch evidence build`, packed or unpacked") from exc


def _read_manifest(source: _Source, names: Sequence[str], path: Path) -> dict[str, Any]:
    if MANIFEST not in names:
        raise UsageError(f"{path}: no {MANIFEST} in it; give a bundle of `theftwatch evidence build`")
    try:
        text = source.read(MANIFEST)
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


def _check_file(source: _Source, listed: dict[str, Any], data: dict[str, bytes]) -> Result:
    name = listed["name"]
    try:
        content = source.read(name)
    except EvidenceError as exc:
        return Result(ok=False, text=str(exc))
    if hashlib.sha256(content).hexdigest() != listed["sha256"]:
        return Result(ok=False, text=f"{name}: is not the file that the manifest lists; it was changed")
    data[name] = content
    return Result(ok=True, text=name)


def _check_sums(source: _Source, names: Sequence[str]) -> Result:
    if SUMS not in names:
        return Result(ok=False, text=f"{SUMS}: missing")
    try:
        wanted = "".join(
            f"{hashlib.sha256(source.read(name)).hexdigest()}  {name}\n" for name in sorted(set(names) - {SUMS})
        )
        ok = source.read(SUMS) == wanted.encode("utf-8", "surrogateescape")
    except EvidenceError as exc:
        return Result(ok=False, text=f"{SUMS}: cannot be compared, as {exc}")
    return Result(ok=ok, text=f"{SUMS}: {'agrees with the files' if ok else 'does not agree with the files'}")


def _check_captures(manifest: dict[str, Any], data: dict[str, bytes]) -> Iterator[Result]:
    """Check that each capture's own manifest, which was dated when it was taken, lists the files that are there."""
    without = {each["name"] for each in manifest["left_out"]}
    for name in manifest["captures"]:
        if name not in data:
            continue  # told of already
        folder = name.removesuffix(MANIFEST)
        try:
            listed = json.loads(data[name])
            ok = listed["format"] == capture.FORMAT and canonical(listed) == data[name]
            files = {folder + each["name"]: each["sha256"] for each in listed["files"]}
        except (ValueError, KeyError, TypeError, RecursionError):
            ok, files = False, {}
        if not ok:
            yield Result(ok=False, text=f"{name}: is no manifest of a capture")
            continue
        wrong = [
            each
            for each, sha256 in files.items()
            if each not in without and (each not in data or hashlib.sha256(data[each]).hexdigest() != sha256)
        ]
        for each in wrong:
            yield Result(ok=False, text=f"{each}: is not the file that was captured")
        if not wrong:
            left = len([each for each in files if each in without])
            told = f", {left} left out" if left else ""
            yield Result(ok=True, text=f"{name}: taken {listed['taken_at']}, lists the {len(files)} files{told}")


def _check_timestamps(
    manifest: dict[str, Any], data: dict[str, bytes], certificates: Sequence[Certificate] | None
) -> Iterator[Result]:
    stamps: dict[str, Timestamp] = {}
    for each in manifest["timestamps"]:
        file, token = each["file"], each["token"]
        if file not in data or token not in data or each["authority"] not in data:
            yield Result(ok=False, text=f"{token}: cannot be verified, as it or what it dates is missing or changed")
            continue
        try:
            trusted = list(certificates or read_certificates(data[each["authority"]].decode()))
            stamps[token] = verify(data[token], data[file], trusted)
        except (TimestampError, ValueError) as exc:
            yield Result(ok=False, text=f"{file}: {exc}")
            continue
        if file in stamps and stamps[token].at > stamps[file].expires_at:
            yield Result(ok=False, text=f"{file}: was renewed only after its certificate had run out")
            continue
        yield Result(ok=True, text=f"{file}: existed by {stamps[token].at:%Y-%m-%d %H:%M:%S} UTC")


def _check_own_timestamp(
    source: _Source, names: Sequence[str], data: dict[str, bytes], certificates: Sequence[Certificate] | None
) -> Iterator[Result]:
    if MANIFEST_TOKEN not in names:
        return
    inside = (data[name].decode() for name in sorted(data) if name.startswith("authorities/"))
    try:
        trusted = list(certificates or [each for text in inside for each in read_certificates(text)])
        at = verify(source.read(MANIFEST_TOKEN), source.read(MANIFEST), trusted).at
    except (EvidenceError, TimestampError, ValueError) as exc:
        yield Result(ok=False, text=f"{MANIFEST}: {exc}")
        return
    yield Result(ok=True, text=f"{MANIFEST}: existed by {at:%Y-%m-%d %H:%M:%S} UTC, and so did all that it lists")
