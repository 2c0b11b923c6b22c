"""Postgres refuses to run as root: what we do where we are root, and where we are not."""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from theftwatch.config import Settings
from theftwatch.db import privilege, server
from theftwatch.db.cluster import find_programs
from theftwatch.db.privilege import SYSTEM_FOLDER

pytestmark = pytest.mark.each_postgres

NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def namespaces():
    if subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode:
        pytest.skip("user namespaces cannot be had here")


@pytest.fixture
def no_namespaces(monkeypatch, tmp_path):
    """Put a program in the place of `unshare` that refuses as the system's does in many containers."""
    unshare = tmp_path / "bin/unshare"
    unshare.parent.mkdir()
    unshare.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2; exit 1\n")
    unshare.chmod(0o755)
    monkeypatch.setenv("PATH", f"{unshare.parent}:{os.environ['PATH']}")
    return unshare


@pytest.fixture
def open_folder(postgres_bin):
    """Return settings with a data folder that all users may enter."""
    folder = Path(tempfile.mkdtemp(prefix="theftwatch-test-"))
    folder.chmod(0o755)
    chosen = Settings(data_dir=folder / "data", postgres_bin=postgres_bin)
    yield chosen
    server.stop(chosen)
    shutil.rmtree(folder)


def as_user(uid):
    """Return the prefix that makes a command another user's.

    It has no right but to enter and read all folders, because Python itself may lie where only root may enter.
    """
    rights = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *rights]


def user_of(pid):
    """Return the user of a process as the system knows it, outside of any namespace."""
    return Path(f"/proc/{pid}").stat().st_uid


def owners_below(folder):
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


def current_user(chosen):
    with psycopg.connect(server.connect_dsn(chosen)) as connection:
        return connection.execute("select current_user").fetchall()


@as_root
def test_root_runs_it_in_a_namespace_and_keeps_the_files(embedded, namespaces):
    assert current_user(embedded) == [("theftwatch",)]

    running = server.start(embedded)
    assert owners_below(running.data.parent) == {0}
    assert Path(f"/proc/{running.pid}/ns/user").readlink() != Path("/proc/self/ns/user").readlink()


@as_root
def test_root_without_namespaces_runs_it_as_nobody(open_folder, no_namespaces):
    assert current_user(open_folder) == [("theftwatch",)]

    running = server.start(open_folder)
    assert running.data == open_folder.data_dir / "postgres/data"
    assert user_of(running.pid) == NOBODY
    assert owners_below(running.data) == {NOBODY}

    # and so it stays, where namespaces can be had again
    server.stop(open_folder)
    no_namespaces.unlink()
    assert user_of(server.start(open_folder).pid) == NOBODY


@as_root
def test_data_of_a_namespace_is_handed_on_where_there_are_no_more(open_folder, namespaces, monkeypatch, tmp_path):
    server.start(open_folder)
    server.stop(open_folder)
    monkeypatch.setattr(privilege, "_namespace", lambda: privilege.Runner(prefix=("false",)))

    assert current_user(open_folder) == [("theftwatch",)]
    assert user_of(server.start(open_folder).pid) == NOBODY


@as_root
def test_data_and_programs_that_nobody_can_reach_are_kept_elsewhere(tmp_path, no_namespaces):
    tmp_path.chmod(0o700)
    package = find_programs(None).parent.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, tmp_path / folder.name)
    chosen = Settings(data_dir=tmp_path / "data", postgres_bin=tmp_path / package.name / "pginstall18/bin")
    home = server.data_folder(chosen).parent
    assert home.parent == SYSTEM_FOLDER
    try:
        assert current_user(chosen) == [("theftwatch",)]
        running = server.start(chosen)
        assert user_of(running.pid) == NOBODY
        assert Path(f"/proc/{running.pid}/exe").readlink().is_relative_to(home / "programs")

        no_namespaces.unlink()
        assert server.status(chosen) == running
    finally:
        server.stop(chosen)
        shutil.rmtree(home)
        with suppress(OSError):  # it serves another
            SYSTEM_FOLDER.rmdir()


@as_root
def test_ordinary_user_runs_it_and_root_after_it_as_that_user(open_folder):
    if subprocess.run([*as_user(NOBODY), "true"], capture_output=True).returncode:
        pytest.skip("setpriv cannot make another user of us here")
    open_folder.data_dir.mkdir()
    os.chown(open_folder.data_dir, NOBODY, NOBODY)
    code = "import os; from theftwatch.config import settings; from theftwatch.db.server import connect_dsn, start; "
    code += "print(os.geteuid(), start(settings()).pid, connect_dsn(settings()))"
    environment = {**os.environ, "THEFTWATCH_DATA_DIR": str(open_folder.data_dir)}

    command = [*as_user(NOBODY), sys.executable, "-c", code]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    user, pid, dsn = answer.stdout.split()

    assert int(user) == user_of(int(pid)) == NOBODY
    assert owners_below(open_folder.data_dir) == {NOBODY}
    assert server.connect_dsn(open_folder) == dsn
    server.stop(open_folder)
    assert user_of(server.start(open_folder).pid) == NOBODY
    assert owners_below(open_folder.data_dir) == {NOBODY}


@as_root
def test_user_without_a_name_runs_it(open_folder, namespaces):
    stranger = 54321
    if subprocess.run([*as_user(stranger), "true"], capture_output=True).returncode:
        pytest.skip("setpriv cannot make another user of us here")
    open_folder.data_dir.mkdir()
    os.chown(open_folder.data_dir, stranger, stranger)
    code = "from theftwatch.config import settings; from theftwatch.db.server import connect_dsn; "
    code += "print(connect_dsn(settings()))"
    environment = {**os.environ, "THEFTWATCH_DATA_DIR": str(open_folder.data_dir)}

    command = [*as_user(stranger), sys.executable, "-c", code]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True)

    assert answer.returncode == 0, answer.stderr
    assert owners_below(open_folder.data_dir) == {stranger}
    assert server.connect_dsn(open_folder) == answer.stdout.strip()


@as_root
def test_data_of_another_user_is_refused_in_one_line(open_folder):
    if subprocess.run([*as_user(NOBODY), "true"], capture_output=True).returncode:
        pytest.skip("setpriv cannot make another user of us here")
    server.start(open_folder)
    command = [*as_user(NOBODY), sys.executable, "-c", "from theftwatch.cli import main; main()", "db", "url"]

    environment = {**os.environ, "THEFTWATCH_DATA_DIR": str(open_folder.data_dir)}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True)

    assert answer.returncode == 1
    assert answer.stdout == ""
    [line] = answer.stderr.splitlines()
    assert "lock: Permission denied; run as the user who made it" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="we are root")
def test_ordinary_user_starts_programs_plainly(tmp_path):
    assert privilege.runner_for(tmp_path, tmp_path / "data") == privilege.Runner()
