# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state database on a real disk: what it keeps, what it refuses, who may use it when."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import (
    DamagedError,
    NewerError,
    PlanError,
    StateError,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.record_diff import (
    Change,
    apply_changes,
    changes_between,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import (
    AddAddress,
    CreateNetns,
    DeleteLink,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store import database, lock
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store import session as session_file
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.database import State
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.files import read_once
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.journal import Journal, Stored
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.schema import SCHEMA_VERSION
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.tests.unit import builders, strategies

pytestmark = pytest.mark.engine

EMPTY = Record()
ONE = builders.some_record("one")
TWO = builders.some_record("one", "two")
BLUE = Netns("name", "blue")
JOURNAL = Journal(
    "boot-1",
    "network one",
    False,
    (CreateNetns("blue", names.tag(names.object_id("host", "netns", "blue"))), AddAddress(BLUE, "eth0", "10.0.0.2/24")),
    (),
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def db(folder):
    """A database that holds one network with its endpoint and sub-interface."""
    found = State(str(folder))
    write(found, EMPTY, ONE)
    return found


def write(database, before, after):
    with database.locked("a test") as session:
        session.record(changes_between(before, after))


def snapshot(folder):
    """Everything about the files of a folder that reading could change."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.stat()
        content = path.read_bytes() if path.is_file() else b""
        found[path.name] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode, content)
    return found


def sql(database, *statements):
    """Change the file behind the engine's back."""
    with contextlib.closing(sqlite3.connect(database.path)) as connection:
        for statement in statements:
            connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)
        connection.commit()


def assert_unusable(database, *words):
    """Neither reading nor writing gets past it, and both say the words."""
    for use in (database.read, lambda: write(database, EMPTY, EMPTY)):
        with pytest.raises(StateError) as caught:
            use()
        assert [word for word in words if word not in str(caught.value)] == []


# --- what it keeps --------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_again_with_and_without_the_lock(db):
    assert db.read() == Stored(ONE, None)
    with db.locked("a test") as session:
        assert session.read() == Stored(ONE, None)


def test_without_a_database_nothing_is_recorded_and_reading_makes_none(folder):
    database = State(str(folder))
    assert database.is_there() is False
    assert database.read() == Stored(Record())
    assert not folder.exists()


def test_an_empty_file_is_no_database_and_becomes_one_with_the_first_writer(folder):
    folder.mkdir(mode=0o700)
    (folder / "state.db").touch(mode=0o600)
    database = State(str(folder))
    assert database.is_there() is False
    assert database.read() == Stored(Record())
    write(database, EMPTY, ONE)
    assert database.is_there() is True
    assert database.read().record == ONE


def test_a_writer_that_records_nothing_leaves_an_empty_database(folder):
    database = State(str(folder))
    with database.locked("a test") as session:
        assert session.read() == Stored(Record())
    assert database.read() == Stored(Record())


def test_folder_and_file_are_for_their_owner_only(db, folder):
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o077 for path in folder.iterdir()} == {"lock": 0, "state.db": 0}


@pytest.mark.parametrize("name", ["a b", "a?mode=ro", "a#b", "a%20b", "ä"])
def test_a_folder_may_have_any_name(tmp_path, name):
    database = State(str(tmp_path / name))
    write(database, EMPTY, ONE)
    assert database.read().record == ONE
    assert (tmp_path / name / "state.db").exists()


@given(before=builders.records(), after=builders.records())
@settings(max_examples=12)
def test_the_database_then_holds_what_the_changes_say(before, after):
    changes = changes_between(before, after)
    assert apply_changes(before, changes) == after
    assert (changes == ()) == (before == after)
    with tempfile.TemporaryDirectory() as folder:
        database = State(f"{folder}/state")
        write(database, EMPTY, before)
        with database.locked("a test") as session:
            # The journal keeps changes as JSON, so they have to survive that.
            session.record(tuple(Change(*change) for change in json.loads(json.dumps(changes))))
        assert database.read().record == after
        with contextlib.closing(sqlite3.connect(database.path)) as connection:
            rows = connection.execute("SELECT pool, address, holder FROM leases").fetchall()
    wanted = builders.leases_of(after)
    assert set(rows) == {(lease.pool, lease.address, lease.holder) for lease in wanted}


@given(builders.records())
@settings(max_examples=12)
def test_records_that_are_equal_need_no_change(record):
    assert changes_between(record, dataclasses.replace(record)) == ()


def test_an_address_may_go_from_one_endpoint_to_another_in_one_transaction(db):
    one, two = builders.some_endpoint("one", "a"), builders.some_endpoint("one", "b", last=9)
    before = dataclasses.replace(ONE, endpoints={one.key: one, two.key: two})
    swapped = {
        one.key: dataclasses.replace(one, ipv4=two.ipv4, mac=two.mac),
        two.key: dataclasses.replace(two, ipv4=one.ipv4, mac=one.mac),
    }
    after = dataclasses.replace(ONE, endpoints=swapped)
    write(db, ONE, before)
    write(db, before, after)
    assert db.read().record == after


# --- what it does not let happen ------------------------------------------------------------------------------------


def test_the_schema_has_no_room_for_a_second_lease_of_an_address(db):
    pool, address = "10.1.0.0/24", "10.1.0.2"
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        sql(db, ("INSERT INTO leases VALUES (?, ?, ?)", (pool, address, "endpoint other/one")))


def test_two_endpoints_that_hold_one_address_cannot_be_recorded(db):
    """Should a plan ever say so, the database is the last that can stop it."""
    double = builders.some_endpoint("one", "double", mac="02:00:00:00:00:77")
    assert double.ipv4 == ONE.endpoints["one", "one"].ipv4
    after = dataclasses.replace(ONE, endpoints={**ONE.endpoints, double.key: double})
    with pytest.raises(StateError, match="UNIQUE"):
        write(db, ONE, after)
    assert db.read().record == ONE


def test_two_endpoints_with_one_mac_address_on_one_parent_cannot_be_recorded(db):
    double = builders.some_endpoint("one", "double", ipv4="10.1.0.9/24")
    assert double.mac == ONE.endpoints["one", "one"].mac
    after = dataclasses.replace(ONE, endpoints={**ONE.endpoints, double.key: double})
    with pytest.raises(StateError, match="UNIQUE"):
        write(db, ONE, after)
    assert db.read().record == ONE


def test_a_lease_that_another_holds_in_the_meantime_is_not_taken_over(db):
    taken = builders.some_endpoint("one", "late")
    changes = changes_between(EMPTY, dataclasses.replace(ONE, endpoints={taken.key: taken}))
    late = [change for change in changes if change[0] in ("leases", "endpoints")]
    with pytest.raises(StateError, match="UNIQUE"), db.locked("a test") as session:
        session.record(late)
    assert db.read().record == ONE


def test_a_change_that_fails_halfway_records_nothing(db):
    good = changes_between(ONE, TWO)
    with pytest.raises(StateError, match="UNIQUE"), db.locked("a test") as session:
        session.record([*good, good[0]])
    assert db.read().record == ONE


def test_an_error_of_the_work_under_the_lock_is_not_blamed_on_the_database(db):
    for error in (PlanError("no"), OSError("no"), KeyError("no"), ValueError("no"), TypeError("no")):
        with pytest.raises(type(error)) as caught, db.locked("a test"):
            raise error
        assert caught.value is error


# --- the journal ----------------------------------------------------------------------------------------------------


def test_an_intention_is_read_by_everybody_until_it_is_recorded(db):
    with db.locked("a test") as session:
        session.intend(JOURNAL)
        assert session.read() == Stored(ONE, JOURNAL)
        assert db.read() == Stored(ONE, JOURNAL)
        session.record(changes_between(ONE, TWO))
        assert session.read() == Stored(TWO, None)
    assert db.read() == Stored(TWO, None)


def test_an_intention_that_was_undone_is_forgotten_and_nothing_else(db):
    with db.locked("a test") as session:
        session.intend(JOURNAL)
        session.forget_intention()
    assert db.read() == Stored(ONE, None)


def test_there_is_one_intention_at_a_time(db):
    with db.locked("a test") as session:
        session.intend(JOURNAL)
        with pytest.raises(StateError, match="UNIQUE"):
            session.intend(JOURNAL)


@given(
    boot_id=strategies.words,
    doing=strategies.words,
    removal=st.booleans(),
    done=st.lists(strategies.any_steps, max_size=4).map(tuple),
    after=builders.records(),
)
@settings(max_examples=12)
def test_of_a_journal_comes_back_what_recovery_needs(boot_id, doing, removal, done, after):
    """Removals are finished: what they will have recorded, and no undoing; the others are undone."""
    journal = Journal(boot_id, doing, removal, done, changes_between(ONE, after))
    with tempfile.TemporaryDirectory() as folder:
        database = State(f"{folder}/state")
        write(database, EMPTY, ONE)
        with database.locked("a test") as session:
            session.intend(journal)
        found = database.read().journal
    if removal:
        finished = [
            dataclasses.replace(step, restore=()) if isinstance(step, DeleteLink) else step for step in done
        ]
        assert found == journal._replace(steps=tuple(finished))
        assert apply_changes(ONE, found.changes) == after
    else:
        assert found == journal._replace(changes=())


# --- what is not safe -----------------------------------------------------------------------------------------------


def test_a_state_dir_that_is_a_symbolic_link_is_refused(db, folder, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert_unusable(State(f"{link}/"), str(link), "symbolic link", "plain path")


def test_a_database_that_is_a_symbolic_link_is_refused(db, folder):
    (folder / "state.db").rename(folder / "elsewhere")
    (folder / "state.db").symlink_to(folder / "elsewhere")
    assert_unusable(db, db.path, "symbolic link")


def test_a_symbolic_link_that_leads_nowhere_is_refused_too(folder):
    folder.mkdir(mode=0o700)
    (folder / "state.db").symlink_to(folder / "missing")
    assert_unusable(State(str(folder)), "symbolic link")
    assert not (folder / "missing").exists()


def test_a_lock_that_is_a_symbolic_link_is_refused_and_not_followed(db, folder):
    victim = folder / "victim"
    victim.write_text("precious")
    (folder / "lock").unlink()
    (folder / "lock").symlink_to(victim)
    with pytest.raises(StateError, match="cannot open the lock"):
        write(db, ONE, TWO)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o720], ids=oct)
def test_a_state_dir_that_other_users_may_write_is_refused(db, folder, mode):
    folder.chmod(mode)
    assert_unusable(db, str(folder), f"mode {mode:04o}", "chmod go-w")


@pytest.mark.parametrize("mode", [0o660, 0o602], ids=oct)
def test_a_database_that_other_users_may_write_is_refused(db, mode):
    os.chmod(db.path, mode)
    assert_unusable(db, db.path, f"mode {mode:04o}", "chmod go-w")


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o500], ids=oct)
def test_a_state_dir_that_other_users_may_only_read_is_used(db, folder, mode):
    folder.chmod(mode)
    assert db.read().record == ONE
    folder.chmod(0o700)


def test_foreign_files_are_refused(db, folder, monkeypatch):
    owner = folder.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert_unusable(db, str(folder), f"owner {owner}", "chown root")


@pytest.mark.parametrize("what", ["", "state.db"], ids=["folder", "database"])
def test_a_thing_of_another_kind_is_refused(folder, what):
    path = folder / what
    if what:
        path.mkdir(parents=True, mode=0o700)
        folder.chmod(0o700)
    else:
        path.touch(mode=0o600)
    assert_unusable(State(str(folder)), str(path).rstrip("/"))


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    database = State(str(tmp_path / "file" / "state"))
    with pytest.raises(StateError, match="file/state"):
        write(database, EMPTY, ONE)


# --- what is not a database -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"this is a text, and no database\n" * 99, "damaged", id="text"),
        pytest.param(b"\0" * 4096, "damaged", id="zeros"),
    ],
)
def test_a_file_that_is_no_database_is_refused_with_a_way_out_and_kept(folder, content, words):
    folder.mkdir(mode=0o700)
    path = folder / "state.db"
    path.touch(mode=0o600)
    path.write_bytes(content)
    assert_unusable(State(str(folder)), str(path), words, "backup")
    assert path.read_bytes() == content


def test_a_file_that_sqlite_takes_for_empty_is_refused(folder):
    """One byte is none to SQLite, because of an old file system (os_unix.c, unixFileSize)."""
    folder.mkdir(mode=0o700)
    path = folder / "state.db"
    path.touch(mode=0o600)
    path.write_bytes(b"x")
    assert_unusable(State(str(folder)), "damaged", "backup")


def test_a_database_that_lost_pages_is_refused(db):
    with open(db.path, "rb") as file:
        whole = file.read()
    for size in (2, 16, 99, 100, 512, 4095, 4096, 4097, 8192, len(whole) // 2, len(whole) - 4096):
        with open(db.path, "wb") as file:
            file.write(whole[:size])
        assert_unusable(db, db.path, "damaged", "backup")


def test_a_database_that_lost_the_end_of_its_last_page_is_refused_or_read_as_it_was(db):
    size = os.path.getsize(db.path)
    for shorter in (1, 100, 2000, 4000, 4095):
        os.truncate(db.path, size - shorter)
        with contextlib.suppress(StateError):
            assert db.read() == Stored(ONE)


@given(st.data())
@settings(max_examples=12)
def test_bytes_that_have_changed_give_a_record_or_a_refusal(data):
    with tempfile.TemporaryDirectory() as folder:
        database = State(f"{folder}/state")
        with database.locked("a test") as session:
            session.record(changes_between(EMPTY, TWO))
            session.intend(JOURNAL)
        with open(database.path, "r+b") as file:
            size = os.path.getsize(database.path)
            for dummy in range(data.draw(st.integers(1, 20))):
                file.seek(data.draw(st.integers(0, size - 1)))
                file.write(bytes([data.draw(st.integers(0, 255))]))
        with contextlib.suppress(StateError):
            database.read()
        with contextlib.suppress(StateError):
            write(database, EMPTY, EMPTY)


@given(
    table=st.sampled_from(("networks", "links", "namespaces", "endpoints", "journal")),
    body=strategies.any_text.filter(lambda text: text.isascii()) | strategies.json_values().map(json.dumps),
)
@settings(max_examples=12)
def test_rows_that_mean_nothing_give_a_refusal(table, body):
    with tempfile.TemporaryDirectory() as folder:
        database = State(f"{folder}/state")
        with database.locked("a test") as session:
            session.record(changes_between(EMPTY, ONE))
            session.intend(JOURNAL)
        sql(database, (f"UPDATE {table} SET body = ?", (body,)))
        # Any word that is not known may be one of a newer release.
        with pytest.raises(StateError, match=r"damaged|newer release") as caught:
            database.read()
        assert isinstance(caught.value, (DamagedError, NewerError)) and database.path in str(caught.value)


@pytest.mark.parametrize(
    ("table", "body"),
    [
        ("networks", "[]"),
        ("networks", '{"id": "1", "name": "one", "parent": "eth0"}'),
        ("networks", '{"id": "1", "name": "one", "parent": "eth0", "subnets": ["x"]}'),
        ("links", "7"),
        ("endpoints", '{"netns": "x", "routes": []}'),
        ("journal", '{"removal": false, "steps": ["x"], "changes": []}'),
        ("journal", '{"removal": false, "steps": [{"step": "  "}], "changes": []}'),
        ("journal", '{"removal": false, "steps": [], "changes": [[1]]}'),
    ],
)
def test_a_row_of_another_form_is_damage_and_the_message_says_what_to_do(db, table, body):
    with db.locked("a test") as session:
        session.intend(JOURNAL)
    sql(db, (f"UPDATE {table} SET body = ?", (body,)))
    with pytest.raises(StateError, match="damaged") as caught:
        db.read()
    assert "backup" in str(caught.value)


def test_a_database_of_a_newer_version_is_refused_and_kept(db):
    sql(db, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    assert_unusable(db, "newer release", f"schema is {SCHEMA_VERSION + 1}", f"knows schema {SCHEMA_VERSION}", "macvlan_command")


def test_a_database_of_something_else_is_refused_and_kept(folder):
    folder.mkdir(mode=0o700)
    database = State(str(folder))
    sql(database, "CREATE TABLE songs (title TEXT)", "INSERT INTO songs VALUES ('Blue')")
    os.chmod(database.path, 0o600)
    assert_unusable(database, "something else", "state_dir")
    with contextlib.closing(sqlite3.connect(database.path)) as connection:
        assert connection.execute("SELECT * FROM songs").fetchall() == [("Blue",)]


# --- reading leaves no trace ----------------------------------------------------------------------------------------


def test_reading_leaves_no_file_behind_and_touches_none(db, folder):
    before = snapshot(folder)
    for dummy in range(3):
        assert db.read().record == ONE
        assert db.is_there()
    assert snapshot(folder) == before


def test_a_reader_sees_what_was_last_committed_while_a_writer_is_at_work(db):
    with db.locked("a test") as session:
        session._connection.execute("BEGIN IMMEDIATE")
        session._connection.execute("DELETE FROM namespaces")
        assert db.read() == Stored(ONE, None)
        session._connection.execute("COMMIT")
        assert db.read().record.namespaces == {}


def test_a_writer_that_ends_between_two_looks_is_noticed(db, monkeypatch):
    once, looks = read_once, []

    def at_first_nothing(path):
        looks.append(path)
        return once(path) if len(looks) == 3 else None

    monkeypatch.setattr(database, "read_once", at_first_nothing)
    assert db.read().record == ONE
    assert len(looks) == 3


def test_a_database_that_never_holds_still_is_given_up(db, monkeypatch):
    monkeypatch.setattr(database, "read_once", lambda dummy: None)
    monkeypatch.setattr(database, "LOCK_INTERVAL", 0)
    with pytest.raises(StateError, match="changed during every attempt"):
        db.read()


# --- the backup -----------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(db):
    """A database with a backup of what it holds."""
    with db.locked("a test") as session:
        assert session.keep_backup() is None
    return db


def test_a_backup_is_whole_private_and_alone(kept, folder):
    assert sorted(path.name for path in folder.iterdir()) == ["lock", "state.db", "state.db.backup"]
    assert os.stat(kept.backup).st_mode & 0o777 == 0o600
    os.replace(kept.backup, kept.path)
    assert kept.read() == Stored(ONE)


def test_a_backup_has_no_part_of_what_is_not_committed(kept):
    write(kept, ONE, TWO)
    with kept.locked("a test") as session:
        session.intend(JOURNAL)
        assert session.keep_backup() is None
        session.forget_intention()
    os.unlink(kept.path)
    kept.repair()
    assert kept.read() == Stored(TWO, JOURNAL)


def test_a_backup_that_cannot_be_written_is_reported_and_leaves_the_last_one(kept, folder, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    before = Path(kept.backup).read_bytes()
    write(kept, ONE, TWO)
    monkeypatch.setattr(session_file, "make_durable", full)
    with kept.locked("a test") as session:
        assert "No space left" in session.keep_backup()
        assert session.read() == Stored(TWO)
    assert Path(kept.backup).read_bytes() == before


@pytest.mark.parametrize("harm", ["cut", "rubbish", "empty", "gone", "gone but its log", "wrong rows"])
def test_a_database_is_repaired_by_its_backup(kept, folder, harm):
    path = Path(kept.path)
    if harm == "cut":
        os.truncate(path, 5000)
    elif harm == "rubbish":
        path.write_bytes(b"rubbish" * 1000)
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "wrong rows":
        sql(kept, "UPDATE networks SET body = '{}'")
    else:
        path.unlink()
        if harm != "gone":
            Path(f"{path}-wal").write_bytes(b"a log of something else" * 100)
    done = kept.repair()
    assert kept.read() == Stored(ONE)
    assert "is now the backup" in done[-1]
    assert (folder / "state.db.damaged1").exists() == (harm not in ("gone", "gone but its log"))
    assert not Path(f"{path}-wal").exists()
    assert kept.repair() == []


@pytest.mark.parametrize("backup", [None, b"rubbish" * 1000])
def test_without_a_good_backup_a_damaged_database_makes_room_for_an_empty_one(kept, backup):
    os.truncate(kept.path, 5000)
    if backup is None:
        os.unlink(kept.backup)
    else:
        Path(kept.backup).write_bytes(backup)
    assert "the record starts empty" in kept.repair()[-1]
    assert kept.read() == Stored(Record())


def test_a_second_damaged_database_does_not_take_the_place_of_the_first(kept, folder):
    for content in (b"first" * 1000, b"second" * 1000):
        Path(kept.path).write_bytes(content)
        kept.repair()
    assert [(folder / f"state.db.damaged{number}").read_bytes()[:5] for number in (1, 2)] == [b"first", b"secon"]


def test_what_is_newer_or_of_something_else_is_not_repaired(kept):
    for statement, words in (("PRAGMA user_version = 99", "newer"), ("PRAGMA application_id = 1", "something else")):
        sql(kept, statement)
        before = Path(kept.path).read_bytes()
        with pytest.raises(StateError, match=words):
            kept.repair()
        assert Path(kept.path).read_bytes() == before


# --- one writer at a time -------------------------------------------------------------------------------------------


def test_a_run_that_waits_in_vain_is_told_which_process_works_on_what(db, monkeypatch):
    monkeypatch.setattr(lock, "LOCK_TIMEOUT", 0.05)
    with db.locked("endpoint lan/web"), pytest.raises(StateError) as caught, db.locked("another"):
        pytest.fail("there were two writers")
    assert f"process {os.getpid()}" in str(caught.value)
    assert "endpoint lan/web" in str(caught.value)
    assert db.folder in str(caught.value)


def test_a_holder_that_says_nothing_is_unknown(db, monkeypatch):
    monkeypatch.setattr(lock, "LOCK_TIMEOUT", 0.05)
    with db.locked(""):
        os.truncate(os.path.join(db.folder, "lock"), 0)
        with pytest.raises(StateError, match="process unknown, working on something unknown"), db.locked("another"):
            pytest.fail("there were two writers")


def test_that_a_writer_is_at_work_is_seen_without_taking_the_lock(db):
    assert db.is_locked() is False
    with db.locked("a test"):
        assert db.is_locked() is True
    assert db.is_locked() is False


def test_without_a_lock_no_run_is_working(folder):
    assert State(str(folder)).is_locked() is False


def test_the_lock_is_free_again_after_an_error(db, monkeypatch):
    monkeypatch.setattr(lock, "LOCK_TIMEOUT", 0)
    with pytest.raises(PlanError), db.locked("one"):
        raise PlanError("no")
    with db.locked("other") as session:
        assert session.read().record == ONE


def child(database, work):
    """Another process that has the lock, does something and waits to be killed."""
    script = textwrap.dedent(
        """
        import sys, time
        from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.record_diff import changes_between
        from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store import database
        from ansible_collections.fleetnet.macvlan.tests.unit import test_state
        with database.State(sys.argv[1]).locked("network two") as session:
            {work}
            print("ready", flush=True)
            time.sleep(60)
        """
    ).format(work=work)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(
        [sys.executable, "-c", script, database.folder], stdout=subprocess.PIPE, text=True, env=environment
    )


@contextlib.contextmanager
def killed(database, work):
    """After another process was killed in the middle of it."""
    process = child(database, work)
    try:
        assert process.stdout.readline() == "ready\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    yield


ADD_TWO = "session.record(changes_between(test_state.ONE, test_state.TWO))"
OPEN = "session._connection.execute('BEGIN IMMEDIATE'); session._connection.execute('DELETE FROM networks')"


@pytest.mark.parametrize(
    ("work", "record", "journal"),
    [
        pytest.param(OPEN, ONE, None, id="in-a-transaction"),
        pytest.param(f"{ADD_TWO}; {OPEN}", TWO, None, id="in-the-transaction-after-one"),
        pytest.param("session.intend(test_state.JOURNAL)", ONE, JOURNAL, id="after-the-intention"),
        pytest.param(
            f"session.intend(test_state.JOURNAL); {OPEN}", ONE, JOURNAL, id="in-the-transaction-of-the-result"
        ),
    ],
)
def test_a_writer_that_is_killed_loses_nothing_that_was_committed(db, folder, work, record, journal):
    with killed(db, work):
        before = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".db-shm"}
        assert db.read() == Stored(record, journal)
        assert {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".db-shm"} == before
        with db.locked("the next one") as session:
            assert session.read() == Stored(record, journal)
        assert db.read() == Stored(record, journal)


def test_the_lock_of_another_process_is_respected_and_its_work_is_named(db, monkeypatch):
    monkeypatch.setattr(lock, "LOCK_TIMEOUT", 0.1)
    process = child(db, "pass")
    try:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(StateError, match=f"process {process.pid}, working on network two"):
            write(db, ONE, TWO)
        assert db.is_locked() is True
        assert db.read().record == ONE
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_first_writer_that_is_killed_before_its_schema_blocks_no_later_run(folder):
    database = State(str(folder))
    folder.mkdir(mode=0o700)
    os.close(os.open(database.path, os.O_CREAT, 0o600))
    write(database, EMPTY, ONE)
    assert database.read().record == ONE


def test_a_first_writer_that_is_killed_loses_nothing_that_was_committed(folder):
    database = State(str(folder))
    with killed(database, "session.record(changes_between(test_state.EMPTY, test_state.ONE))"):
        assert database.is_there()
        assert database.read().record == ONE
        write(database, ONE, TWO)
    assert database.read().record == TWO
