"""Running Postgres' programs as somebody else where we are root, because they refuse root.

In order: as the owner of the data where that is not root; inside a user namespace, where we are shown to the programs
as the user `nobody` and the files stay ours; as `nobody` indeed. No user is added and no folder's mode is changed.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from theftwatch.errors import DatabaseError

#: Where data and programs go that `nobody` cannot reach where they are, as below /root.
SYSTEM_FOLDER = Path("/var/lib/theftwatch")


@dataclass(frozen=True, kw_only=True, slots=True)
class Runner:
    """How to start a program: behind a prefix, or as another user."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def run(
        self, command: Sequence[str | Path], *, text: str = "", pass_fds: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end with `text` as its input, and return what it wrote."""
        return subprocess.run(  # noqa: S603  the programs are Postgres' own and no shell is between
            [*self.prefix, *map(str, command)],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            cwd="/",  # another user may not be allowed into ours
            # PGPORT, PGDATA and other languages' messages would get in the way, our own secrets are nobody's business
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            pass_fds=pass_fds,
            start_new_session=True,  # Ctrl-C is for us
        )

    def reaches(self, path: Path) -> bool:
        """Return whether a program that is started this way may enter a folder, or start a program."""
        try:
            return self.run(["test", "-x", path]).returncode == 0
        except OSError:  # no such prefix here
            return False

    def own(self, path: Path) -> None:
        """Make a file, or a folder with all it holds, the property of the user the programs run as."""
        if self.uid is None or self.gid is None:
            return
        for each in (path, *path.rglob("*")):
            os.chown(each, self.uid, self.gid, follow_symlinks=False)


def home_for(own: Path, data: str) -> Path:
    """Return the folder for a server that is to be kept at `own`: that one, or one that Postgres' programs can reach.

    `data` is the name of the folder below it that holds the data.
    """
    if os.geteuid() != 0 or (own / data).exists():
        return own
    elsewhere = SYSTEM_FOLDER / hashlib.sha256(os.fsencode(own)).hexdigest()[:16]
    if (elsewhere / data).exists():
        return elsewhere
    nearest = next(folder for folder in (own, *own.parents) if folder.exists())
    if any(runner.reaches(nearest) for runner in (_namespace(), _nobody())):
        return own
    return elsewhere


def runner_for(home: Path, data: Path) -> Runner:
    """Return how to run Postgres' programs on `data` below `home`.

    Raises DatabaseError where there is no way.
    """
    if os.geteuid() != 0:
        # initdb asks for the name of its user, which the numbers that containers run under may not have
        return Runner() if _has_name(os.geteuid()) or not (namespace := _namespace()).reaches(home) else namespace
    owner = data.stat() if data.exists() else None
    if owner and owner.st_uid != 0:
        return Runner(uid=owner.st_uid, gid=owner.st_gid)
    if (namespace := _namespace()).reaches(home):
        return namespace
    if not (nobody := _nobody()).reaches(home):
        raise DatabaseError(
            f"{home}: Postgres refuses to run as root and no other user may enter this folder; "
            "run as an ordinary user, or set THEFTWATCH_DATA_DIR to a folder that all may enter"
        )
    if owner:  # made in a user namespace, which is no longer to be had
        nobody.own(data)
    return nobody


def reachable_programs(programs: Path, runner: Runner, home: Path) -> Path:
    """Return the folder of Postgres' programs, or that of a copy below `home` where the runner cannot reach them."""
    if runner.reaches(programs / "postgres"):
        return programs
    root, package = programs.parent, programs.parent.parent
    copy, partial = home / "programs", home / "programs.new"
    copied = copy / package.name / root.name / programs.name
    if not (copied / "postgres").exists() or _changed(programs / "postgres", copied / "postgres"):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(root, partial / package.name / root.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # where wheels have them, and the programs look for them
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name)
        partial.rename(copy)
    return copied


def _namespace() -> Runner:
    nobody = _nobody()
    return Runner(prefix=("unshare", "--user", f"--map-user={nobody.uid}", f"--map-group={nobody.gid}", "--"))


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _nobody() -> Runner:
    try:
        user = pwd.getpwnam("nobody")
    except KeyError as exc:
        raise DatabaseError("there is no user nobody to run Postgres as; run as an ordinary user") from exc
    return Runner(uid=user.pw_uid, gid=user.pw_gid)


def _changed(one: Path, other: Path) -> bool:
    """Return whether two programs differ in size or time; copies keep the time."""
    a, b = one.stat(), other.stat()
    return (a.st_size, int(a.st_mtime)) != (b.st_size, int(b.st_mtime))
