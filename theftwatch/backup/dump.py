"""A dump of the database, written and read by Postgres' own programs, so that they alone can bring it back too."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from theftwatch.config import Settings
from theftwatch.db import cluster
from theftwatch.db.migrate import setup_sql
from theftwatch.errors import BackupError

#: What is dumped; a database may hold what belongs to others
_SCHEMAS = ("public", "analysis", "access", "workspace")
#: Whoever finds a backup shall not find a way in
_WITHOUT_ROWS = "access.web_session"
#: What is made by the migrations where the server can; a server without the extension could not restore it
_OF_VECTOR = re.compile(
    r"^\d+; \d+ \d+ (?:INDEX public descriptor_code_\w+_near |(?:COMMENT - )?EXTENSION |SCHEMA - public )"
)
#: A setting of Postgres 17 that older servers do not know, and that guards against nothing here
_NEW_SETTING = b"SET transaction_timeout = 0;\n"
_HEAD_LINES = 40


def write_dump(settings: Settings, dsn: str, path: Path, *, snapshot: str) -> None:
    """Write what a snapshot of the database sees into a new file.

    Raises BackupError.
    """
    command: list[str | Path] = [
        _program(settings, "pg_dump"),
        "--format=custom",
        "--compress=1",
        f"--snapshot={snapshot}",
    ]
    command += ["--no-owner", "--no-privileges", f"--exclude-table-data={_WITHOUT_ROWS}", f"--file={path}"]
    command += [f"--schema={schema}" for schema in _SCHEMAS]
    _run([*command, _place(dsn)], _environment(dsn))


def read_dump(settings: Settings, dsn: str, path: Path) -> None:
    """Put what a dump holds in the place of what migrations made, in one transaction.

    Raises BackupError, and then the database is as it was.
    """
    with script_of(settings, path) as script:
        run_script(settings, dsn, script)


@contextmanager
def script_of(settings: Settings, path: Path) -> Iterator[IO[bytes]]:
    """Yield the SQL that a dump comes to, without what the migrations make where the server can.

    Raises BackupError.
    """
    program = _program(settings, "pg_restore")
    with tempfile.TemporaryFile() as said, tempfile.NamedTemporaryFile("w", suffix=".list") as wanted:
        listed = _run([program, "--list", path], _environment(""))
        wanted.write("".join(line for line in listed.splitlines(keepends=True) if not _OF_VECTOR.match(line)))
        wanted.flush()
        command: list[str | Path] = [
            program,
            "--no-owner",
            "--no-privileges",
            f"--use-list={wanted.name}",
            "--file=-",
            path,
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as restore:  # noqa: S603  our own program
            assert restore.stdout is not None
            yield restore.stdout
        if restore.returncode:
            raise BackupError(
                f"{path} could not be read: {_complaint(_all_of(said))}; bring back an older backup, with --backup NAME"
            )


def run_script(settings: Settings, dsn: str, script: IO[bytes]) -> None:
    """Run the SQL that a dump comes to in one transaction, behind what clears its place.

    Raises BackupError, and then the database is as it was.
    """
    command: list[str | Path] = [_program(settings, "psql"), "--no-psqlrc", "--quiet", "--single-transaction"]
    command += ["--set=ON_ERROR_STOP=1", "--output=/dev/null", "--dbname", _place(dsn)]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(  # noqa: S603  our own program
            command, stdin=subprocess.PIPE, stderr=said, env=_environment(dsn)
        ) as psql:
            assert psql.stdin is not None
            with suppress(BrokenPipeError):  # what psql says of it is read below
                psql.stdin.write(setup_sql("clear").encode())
                for _ in range(_HEAD_LINES):
                    line = script.readline()
                    psql.stdin.write(b"" if line == _NEW_SETTING else line)
                shutil.copyfileobj(script, psql.stdin, 1024**2)
                psql.stdin.close()
        if psql.returncode:
            raise BackupError(
                f"the dump could not be brought back, and changed nothing: {_complaint(_all_of(said))}; mend that and "
                "run it again"
            )


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> str:
    ran = subprocess.run(command, env=environment, capture_output=True, stdin=subprocess.DEVNULL, check=False)  # noqa: S603  our own program
    if ran.returncode:
        name = Path(command[0]).name
        older = "server version mismatch" in ran.stderr.decode("utf-8", "replace")
        remedy = "; set THEFTWATCH_POSTGRES_BIN to the programs of the server's version" if older else ""
        raise BackupError(f"{name} failed: {_complaint(ran.stderr)}{remedy}")
    return ran.stdout.decode()


def _program(settings: Settings, name: str) -> Path:
    """Return one of Postgres' programs, which are there beside the server's own."""
    path = cluster.find_programs(settings.postgres_bin) / name
    if not path.is_file():
        raise BackupError(f"{path} is missing; set THEFTWATCH_POSTGRES_BIN to a folder with Postgres' client programs")
    return path


def _place(dsn: str) -> str:
    """Return a DSN without its password: other users see the arguments of programs."""
    return make_conninfo("", **{name: value for name, value in conninfo_to_dict(dsn).items() if name != "password"})


def _environment(dsn: str) -> Mapping[str, str]:
    password = conninfo_to_dict(dsn).get("password")
    # Messages are looked through, so they have to be in English.
    return os.environ | {"LC_ALL": "C"} | ({"PGPASSWORD": str(password)} if password else {})


def _complaint(text: bytes) -> str:
    """Return the first line that says what is wrong."""
    lines = [line for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    told = next(
        (line for line in lines if re.search("error|ERROR|FATAL", line)), lines[0] if lines else "no reason given"
    )
    return told.strip()[:300]


def _all_of(said: IO[bytes]) -> bytes:
    said.seek(0)
    return said.read()
