# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases of an older release, which are read and brought on, and of a newer one, which stay as they are."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.plugins.module_utils import _install
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host import command, release
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import (
    DamagedError,
    KernelError,
    NewerError,
    PendingError,
    StateError,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import installation
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import DummyParent, SubInterface
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import network_ref
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.outcome import Outcome
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run import boot, tools
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.interrupted import undo_or_finish_interrupted
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.provisional import revert_when_due
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.record_diff import changes_between
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store import migrations
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store import session as store
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.database import State
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.journal import Journal
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.schema import SCHEMA_VERSION, tables_of
from ansible_collections.fleetnet.macvlan.tests.unit import builders

ROOT = Path(__file__).parents[2]
OLD = ROOT / "tests/support/release_1_0_0"
NAMES = ("plain", "parents", "interrupted", "awaiting", "removal")
ONE = builders.some_record("one")


def old_database(tmp_path, name="plain"):
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    shutil.copyfile(OLD / f"{name}.db", folder / "state.db")
    (folder / "state.db").chmod(0o600)
    return State(str(folder))


def files(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.name != "lock"}


def sql(path, *statement):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(*statement).fetchall()


def schema(path):
    return sql(path, "PRAGMA user_version")[0][0]


def rows(path):
    return {table: sql(path, f"SELECT * FROM {table}") for table in (*tables_of(schema(path)), "leases")}


def write_something(database):
    with database.locked("a test") as session:
        before = session.read().record
        more = builders.some_network("more", 77)
        session.record(changes_between(before, Record(**{**vars(before), "networks": {**before.networks, "more": more}})))


# --- an older release -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_database_of_an_older_release_is_read_without_a_trace(tmp_path, name):
    database = old_database(tmp_path, name)
    before = files(database.folder)
    stored = database.read()
    assert {"lan", "inner", "bare"} <= stored.record.networks.keys()
    assert stored.record.endpoints["lan", "web"].labels == {"a": "b"}
    assert (stored.journal is None) == (name in ("plain", "parents"))
    assert files(database.folder) == before
    if name == "parents":
        assert {type(item) for item in stored.record.links.values()} == {SubInterface, DummyParent}


def test_the_first_write_brings_it_to_this_release_and_keeps_a_copy_of_it(tmp_path):
    database = old_database(tmp_path)
    before, version = rows(database.path), database.version()
    record = database.read().record
    write_something(database)
    assert schema(database.path) == SCHEMA_VERSION
    assert database.version() != version
    after = database.read().record
    assert {name: item for name, item in after.networks.items() if name != "more"} == record.networks
    assert (after.endpoints, after.links, after.namespaces) == (record.endpoints, record.links, record.namespaces)
    kept = f"{database.path}.schema1"
    assert (schema(kept), rows(kept)) == (1, before)
    assert os.stat(kept).st_mode & 0o777 == 0o600


def test_a_run_that_takes_the_lock_and_writes_nothing_changes_nothing(tmp_path):
    database = old_database(tmp_path)
    with database.locked("a test") as session:
        assert session.is_older
        session.read()
    assert (schema(database.path), rows(database.path)) == (1, rows(OLD / "plain.db"))
    assert sorted(files(database.folder)) == ["state.db"]


def test_a_write_that_fails_leaves_the_older_form(tmp_path):
    database = old_database(tmp_path)
    before = rows(database.path)
    change = changes_between(Record(), database.read().record)
    with pytest.raises(StateError, match="UNIQUE"), database.locked("a test") as session:
        session.record(change)
    assert (schema(database.path), rows(database.path)) == (1, before)


def moved_on(kind, stored):
    """A migration that does something: every object is renamed in its labels, and every step says so."""
    if kind in ("networks", "endpoints") and isinstance(stored, dict):
        return {**stored, "labels": {**stored["labels"], "moved": "on"}}
    return stored


def test_rows_and_journals_are_changed_in_memory_as_they_are_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setitem(migrations.MIGRATIONS, 1, moved_on)
    database = old_database(tmp_path, "removal")
    seen = database.read()
    assert {item.labels["moved"] for item in (*seen.record.networks.values(), *seen.record.endpoints.values())} == {"on"}
    with database.locked("a test") as session, session._transaction_of_this_release():
        pass
    monkeypatch.setitem(migrations.MIGRATIONS, 1, None)
    assert database.read() == seen
    assert schema(database.path) == SCHEMA_VERSION


def test_a_migration_that_is_interrupted_at_any_row_changes_nothing(tmp_path, monkeypatch):
    database = old_database(tmp_path, "removal")
    before, position = rows(database.path), 0
    while True:
        left = itertools.count(position, -1)

        def dies(kind, stored, left=left):
            if not next(left):
                raise KeyboardInterrupt
            return moved_on(kind, stored)

        monkeypatch.setitem(migrations.MIGRATIONS, 1, dies)
        try:
            with database.locked("a test") as session, session._transaction_of_this_release():
                pass
        except KeyboardInterrupt:
            assert (schema(database.path), rows(database.path)) == (1, before)
            position += 1
            continue
        break
    assert position > 10
    assert schema(database.path) == SCHEMA_VERSION


def test_without_room_for_the_copy_nothing_is_written(tmp_path, monkeypatch):
    def full(dummy):
        raise OSError(28, "No space left on device")

    database = old_database(tmp_path)
    before = rows(database.path)
    monkeypatch.setattr(store, "make_durable", full)
    with pytest.raises(StateError, match="No space left") as caught:
        write_something(database)
    assert f"{database.path}.schema1" in str(caught.value)
    assert (schema(database.path), rows(database.path)) == (1, before)


@pytest.mark.parametrize("name", ["awaiting", "removal"])
def test_what_an_older_release_intended_is_recorded_in_its_own_form(tmp_path, name):
    """Its process that waits for a confirmation has to see that there is nothing more to wait for."""
    database = old_database(tmp_path, name)
    with database.locked("a test") as session:
        session.record_intention()
    stored = database.read()
    assert stored.journal is None
    assert (("lan", "late") in stored.record.endpoints) == (name == "awaiting")
    assert (("lan", "db") in stored.record.endpoints) == (name == "awaiting")
    assert schema(database.path) == 1
    held = {address for dummy, address, holder in rows(database.path)["leases"] if holder == "endpoint lan/db"}
    assert bool(held) == (name == "awaiting")


def test_an_interrupted_run_of_an_older_release_is_forgotten_after_another_boot(tmp_path):
    database = old_database(tmp_path, "interrupted")
    with database.locked("a test") as session:
        undo_or_finish_interrupted(session, session.read(), tools.DEFAULT_TOOLS)
    assert database.read().journal is None
    assert schema(database.path) == 1


# --- a newer release ------------------------------------------------------------------------------------------------

NEWER_ROWS = {
    "field": ("networks", lambda body: {**body, "sector": "lan"}),
    "value": ("networks", lambda body: {**body, "mode": "source"}),
    "field of a part": ("networks", lambda body: {**body, "subnets": [{**body["subnets"][0], "sectors": []}]}),
    "field and values": ("networks", lambda body: {**body, "mtu": {"a": 1}, "sector": "lan"}),
    "part after a wrong one": ("networks", lambda body: {**body, "subnets": [{"subnet": 7}, {"subnet": "10.0.0.0/8", "x": 1}]}),
    "link": ("links", lambda body: {**body, "table": 100}),
    "protocol": ("links", lambda body: {**body, "protocol": "qinq"}),
    "namespace": ("namespaces", lambda body: {**body, "kept": True}),
    "endpoint": ("endpoints", lambda body: {**body, "invented": "blue"}),
    "kind of namespace": ("endpoints", lambda body: {**body, "netns": {"kind": "container", "value": "web"}}),
    "journal": ("journal", lambda body: {**body, "probed": []}),
    "step": ("journal", lambda body: {**body, "steps": [{"step": "ProbeAddress", "address": "10.0.0.1"}]}),
    "step after a wrong one": ("journal", lambda body: {**body, "steps": [7, {"step": "Announce"}]}),
    "field of a step": ("journal", lambda body: {**body, "steps": [{**body["steps"][0], "why": ""}]}),
    "table of a change": ("journal", lambda body: {**body, "changes": [["sectors", ["a"], False, {}]]}),
    "row of a change": ("journal", lambda body: {**body, "changes": [["namespaces", ["a"], False, {"id": "0" * 32, "name": "a", "x": 1}]]}),
}


def spoil(path, table, change):
    ((text,), *dummy) = sql(path, f"SELECT body FROM {table}")
    sql(path, f"UPDATE {table} SET body = ? WHERE body = ?", (json.dumps(change(json.loads(text))), text))


def fill(database, record=ONE):
    with database.locked("a test") as session:
        session.record(changes_between(Record(), record))
        made = builders.Host().plan(builders.subinterface("eth1.7"))
        session.intend(Journal("boot-1", "something", False, made.steps, ()))
        session.keep_backup()


@pytest.mark.parametrize(("table", "change"), NEWER_ROWS.values(), ids=NEWER_ROWS)
@pytest.mark.parametrize("wrong_as_well", [False, True])
def test_what_only_a_newer_release_writes_is_never_damage(tmp_path, table, change, wrong_as_well):
    database = State(str(tmp_path / "state"))
    fill(database)
    spoil(database.path, table, change)
    if wrong_as_well:
        sql(database.path, "UPDATE namespaces SET body = '7'" if table != "namespaces" else "UPDATE links SET body = '7'")
    before = files(database.folder)
    for use in (database.read, database.repair):
        with pytest.raises(NewerError) as caught:
            use()
        message = str(caught.value)
        assert "newer release" in message and "damaged" not in message and database.path in message
        assert f"release {release.VERSION}" in message and "macvlan_command" in message
    assert files(database.folder) == before


KINDS = ("missing", "empty", "good-old", "good-current", "newer-schema", "newer-row", "newer and cut", "damaged", "foreign")


def lay(path, kind):
    """Put a file of a kind in a place."""
    if kind == "missing":
        return
    if kind == "empty":
        path.touch()
    elif kind == "damaged":
        path.write_bytes(b"rubbish" * 1000)
    elif kind == "foreign":
        sql(path, "CREATE TABLE songs (title TEXT)")
    elif kind == "good-old":
        shutil.copyfile(OLD / "plain.db", path)
    else:
        made = State(f"{path.parent.parent}/{path.name} {kind}")
        fill(made)
        if kind == "newer-row":
            spoil(made.path, "networks", lambda body: {**body, "sector": "lan"})
        elif kind != "good-current":
            sql(made.path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        shutil.copyfile(made.path, path)
        if kind == "newer and cut":
            os.truncate(path, 6000)
    path.chmod(0o600)


@pytest.mark.parametrize("backup", KINDS)
@pytest.mark.parametrize("there", KINDS)
def test_a_repair_starts_empty_or_replaces_only_files_that_are_not_newer(tmp_path, there, backup):
    database = State(str(tmp_path / "state"))
    Path(database.folder).mkdir(mode=0o700)
    lay(Path(database.path), there)
    lay(Path(database.backup), backup)
    before = files(database.folder)
    refused = [kind for kind in (there, backup) if kind.startswith("newer") or kind == "foreign"]
    if refused:
        with pytest.raises(NewerError if refused[0] != "foreign" else StateError) as caught:
            database.repair()
        assert (database.path if there in refused else database.backup) in str(caught.value)
        assert files(database.folder) == before
        return
    done = database.repair()
    after = files(database.folder)
    assert after.get("state.db.backup") == before.get("state.db.backup")
    if there.startswith("good"):
        assert (done, after) == ([], before)
        return
    kept = [content for name, content in after.items() if ".damaged" in name]
    assert kept == ([before["state.db"]] if there in ("empty", "damaged") else [])
    if backup.startswith("good"):
        assert after["state.db"] == before["state.db.backup"] and "it is now the backup" in done[-1]
    else:
        assert "state.db" not in after and "the record starts empty" in done[-1]


def test_a_newer_backup_is_not_replaced_by_a_run_either(tmp_path):
    database = State(str(tmp_path / "state"))
    fill(database)
    sql(database.backup, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = Path(database.backup).read_bytes()
    with database.locked("a test") as session:
        problem = session.keep_backup()
    assert database.backup in problem and "newer release" in problem
    assert Path(database.backup).read_bytes() == before


# --- which release --------------------------------------------------------------------------------------------------


def test_the_engine_is_of_the_release_of_the_collection():
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"] == release.VERSION
    assert set(migrations.MIGRATIONS) == set(range(1, SCHEMA_VERSION))


def test_the_command_says_of_which_release_it_is(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"macvlan-host {release.VERSION} (fleetnet.macvlan), schema {SCHEMA_VERSION}\n"


@pytest.mark.parametrize(
    ("content", "installed"),
    [
        (None, "1.0.0"),
        ("", "1.0.0"),
        ('VERSION = "1.9.12"\n', "1.9.12"),
        (f'VERSION = "{release.VERSION}"\n', None),
        ('VERSION = "10.0.0"\n', None),
        (re.sub("^", "# x\n", Path(release.__file__).read_text(encoding="utf-8")), None),
    ],
)
def test_an_installed_engine_is_older_or_not(tmp_path, monkeypatch, content, installed):
    monkeypatch.setattr(installation, "ENGINE", str(tmp_path))
    assert installation.older_engine() is None
    (tmp_path / "command.py").touch()
    if content is not None:
        (tmp_path / "release.py").write_text(content, encoding="utf-8")
    assert installation.older_engine() == installed


NEXT = ".".join(str(int(part) + (position == 0)) for position, part in enumerate(release.VERSION.split(".")))


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("content", "told"),
    [(f'VERSION = "{NEXT}"\n', NEXT), ('VERSION = "10.0.0"\n', "10.0.0"), ('VERSION = "1.9.12"\n', None), ("", None)],
)
def test_an_engine_that_replaces_a_newer_one_is_reported_with_both_releases_and_the_host(tmp_path, monkeypatch, content, told, check):
    monkeypatch.setattr(_install.platform, "node", lambda: "edge3")
    params = {"path": str(tmp_path / "engine"), "command": str(tmp_path / "command"), "state": "present"}
    params.update({"interpreter": None, "state_dir": "/var/lib/macvlan_host"})
    assert _install.install(params, False).warnings == ()
    (tmp_path / "engine/release.py").write_text(content, encoding="utf-8")
    found = _install.install(params, check)
    assert f"write {tmp_path}/engine/release.py" in found.steps
    if told is None:
        assert found.warnings == ()
    else:
        (warning,) = found.warnings
        assert f"on edge3 is of release {told}," in warning and f"older release {release.VERSION}," in warning
    # Once it is replaced there is nothing to tell, and whoever takes the command away knows what goes.
    assert bool(_install.install(params, True).warnings) == (check and told is not None)
    assert _install.install({**params, "state": "absent"}, True).warnings == ()


# --- a restoration while a change awaits confirmation ---------------------------------------------------------------


class Time:
    """A clock that only sleeping moves, and a change that awaits confirmation for some time."""

    def __init__(self, monkeypatch, seconds):
        self.now, self.passes, self.until = 0.0, 0, seconds
        monkeypatch.setattr(boot, "execute", self.execute)
        monkeypatch.setattr(boot, "check_nothing_awaited", self.look)

    def look(self, **dummy):
        if self.now < self.until:
            raise PendingError("host", self.until - self.now)

    def execute(self, dummy, **params):
        self.look(**params)
        self.passes += 1
        return Outcome(changed=False, shown={}, before={}, after={}, steps=(), warnings=())

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds

    @property
    def tools(self):
        return tools.Tools(clock=tools.Clock(now=lambda: self.now, sleep=self.sleep))


@pytest.mark.parametrize(("timeout", "waited"), [(0.0, 0.0), (0.5, 0.5), (90.0, 90.0), (86_399.0, 86_399.0)])
def test_a_timeout_holds_while_a_change_awaits_confirmation(monkeypatch, timeout, waited):
    told = []
    time = Time(monkeypatch, 86_400.0)
    restored = boot.restore("/nowhere", timeout, told.append, time.tools)
    assert (time.now, time.passes) == (waited, 0)
    assert "a change to host awaits confirmation" in restored.pending and "macvlan_confirm" in restored.pending
    assert len(told) == (1 if timeout else 0)


@pytest.mark.parametrize("timeout", [None, 600.0])
def test_a_change_that_is_confirmed_or_reverted_in_time_is_followed_by_a_pass(monkeypatch, timeout):
    time = Time(monkeypatch, 77.25)
    restored = boot.restore("/nowhere", timeout, lambda dummy: None, time.tools)
    assert (time.now, time.passes, restored.pending) == (77.25, 1, None)


def test_a_change_that_comes_between_single_restorations_is_waited_for_too(monkeypatch):
    time = Time(monkeypatch, 0.0)
    found = iter([(network_ref("a"),), ()])
    monkeypatch.setattr(boot, "recorded_objects", lambda **dummy: next(found))
    passes = iter([KernelError("all at once"), PendingError("host", 5.0), KernelError("again")])

    def execute(request, **dummy):
        raise next(passes)

    monkeypatch.setattr(boot, "execute", execute)
    restored = boot.restore("/nowhere", 60.0, lambda dummy: None, time.tools)
    assert (time.now, restored.pending) == (1.0, None)


def test_the_command_says_what_it_waits_for_and_that_other_programs_must_create_it(monkeypatch, capsys):
    monkeypatch.setattr(command.os, "geteuid", lambda: 0)
    Time(monkeypatch, 500.0)
    assert command.main(["--state-dir", "/nowhere", "restore"]) == command.AWAITING
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"nothing is restored: {PendingError('host', 500.0)}",
    ]
    assert said.err == ""


def test_a_watching_process_ends_when_a_newer_release_has_written(tmp_path):
    database = State(str(tmp_path / "state"))
    fill(database)
    sql(database.path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    clock = tools.Clock(uptime=lambda: 10.0, sleep=lambda dummy: None)
    for confirm_by in (5.0, 15.0):
        revert_when_due(database.folder, confirm_by, tools.Tools(clock=clock))


def test_damage_is_still_damage(tmp_path):
    database = State(str(tmp_path / "state"))
    fill(database)
    sql(database.path, "UPDATE namespaces SET body = '{}'")
    with pytest.raises(DamagedError):
        database.read()


# --- fields that release 2 has added --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ipv4", "mac", "own_mac"),
    [
        ("10.0.1.5/24", "02:42:0a:00:01:05", None),
        ("10.0.1.5/24", "02:00:00:00:00:77", "02:00:00:00:00:77"),
        (None, "02:42:93:11:08:7c", None),
        (None, "02:00:00:00:00:77", "02:00:00:00:00:77"),
        ("10.0.1.5/24", "nonsense", None),
        (7, "02:00:00:00:00:77", None),
        ("nonsense", "02:00:00:00:00:77", None),
    ],
)
def test_a_mac_address_that_release_1_was_asked_for_is_recorded_as_such(ipv4, mac, own_mac):
    row = {"name": "web", "ipv4": ipv4, "mac": mac}
    assert migrations.migrated(1, "endpoints", row) == {**row, **({"own_mac": own_mac} if own_mac else {})}
    assert migrations.migrated(2, "endpoints", row) == row
    assert migrations.migrated(1, "networks", row) == row
    change = ["endpoints", ["lan", "web"], False, {"parent": "eth0", "mac": mac, "body": row}]
    journal = migrations.migrated(1, "journal", {"steps": [], "changes": [change]})
    assert journal["changes"][0][3]["body"].get("own_mac") == own_mac
