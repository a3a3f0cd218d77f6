# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options, rows of the database and messages of the kernel that nobody means well with: an answer, or a refusal."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sqlite3
import tempfile

import pytest
from ansible.module_utils.common import warnings as collected
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils import _runner
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MacvlanHostError, StateError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.sysctls import sysctl_path
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.needs import needs_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration, requests_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.filters import endpoint_filter
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.config import config_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.confirm import confirm
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.decide import decide
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.interrupted import as_after_recovery
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.observe import Observation
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.tools import DEFAULT_TOOLS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps import record_diff
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import (
    CreateNetns,
    DeleteLink,
    DeleteNetns,
    inverse,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.database import State
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.journal import Journal, Stored
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.tests.support import hostile
from ansible_collections.fleetnet.macvlan.tests.support.module_args import patch_module_args
from ansible_collections.fleetnet.macvlan.tests.unit import builders, strategies

MODULES = "ansible_collections.fleetnet.macvlan.plugins.modules."

values = st.sampled_from(hostile.VALUES) | strategies.any_text | st.integers() | strategies.json_values()


class SimulatedEngine:
    """Plans on a host that has nothing yet, and writes what that comes to into a database on a disk."""

    def execute(self, request, *, state_dir, dry_run, policy):
        assert dry_run
        State(state_dir).is_there()
        outcome, made, dummy = decide(request, Observation(Record(), builders.Host().kernel, ()), policy, DEFAULT_TOOLS)
        changed = record_diff.changes_between(made.before, made.after)
        with tempfile.TemporaryDirectory() as folder:
            database = State(f"{folder}/state")
            with database.locked(request.title) as session:
                session.intend(Journal("boot-1", request.title, made.removal, made.steps, changed))
                assert len(database.read().journal.steps) == len(made.steps)
                session.record(changed)
            assert database.read() == Stored(made.after, None)
        return outcome

    def confirm(self, *, state_dir, connection, dry_run):
        assert dry_run
        return confirm(state_dir=state_dir, connection=connection, dry_run=True)

    def inspect(self, *, state_dir, network, endpoint, address, mac, netns, pin):
        State(state_dir).is_there()
        among, host = endpoint_filter(address, mac, netns), HostView(Record(), builders.Host().kernel)
        lists = View(host).everything(network, endpoint, among)
        return {"drift": [], **lists, "config": config_of(host, lists, pin)}


def run(module_name, params):
    """The result of a module, from its arguments on; without a trace on this machine."""
    module = importlib.import_module(MODULES + module_name)
    said = io.StringIO()
    collected._global_warnings.clear()
    arguments = {"_ansible_remote_tmp": "/tmp", "_ansible_check_mode": True, "_ansible_no_log": True, **params}
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        engine = SimulatedEngine()
        for function in (engine.execute, engine.confirm, engine.inspect):
            patch.setattr(module, function.__name__, function, raising=False)
        patch.setattr(_runner.os, "geteuid", lambda: 0)
        with patch_module_args(arguments):
            module.main()
    return json.loads(said.getvalue().strip().splitlines()[-1])


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module_name", hostile.MODULES)
def test_the_task_that_is_spoilt_is_right_before(module_name):
    dummy, task = hostile.MODULES[module_name]
    result = run(module_name, task)
    words = {
        "macvlan_endpoint": "there is no network net",
        "macvlan_confirm": "there is nothing to confirm",
        "macvlan_fleet_reclaim": "the store knows no host 'edge7'",
    }
    assert words.get(module_name, "") in result.get("msg", "")
    assert result.get("failed", False) == (module_name in words)


@pytest.mark.parametrize("module_name", hostile.MODULES)
@given(data=st.data())
@settings(max_examples=150)
def test_every_option_is_answered_whatever_it_says(module_name, data):
    dummy, task = hostile.MODULES[module_name]
    for dummy in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(hostile.places(module_name)), "place")
        with contextlib.suppress(LookupError, TypeError, AttributeError):  # what was spoilt before has no such place
            task = hostile.spoilt(task, place, data.draw(values, "value"))
    hostile.assert_answer(run(module_name, task), task)


# What each release of Ansible makes of a value, the other modules show; the lists of this one have the same options.
WITH_LISTS = pytest.param("macvlan_config", marks=pytest.mark.engine)


@pytest.mark.parametrize("module_name", [*(name for name in hostile.MODULES if name not in WITH_LISTS.values), WITH_LISTS])
def test_every_option_is_answered_for_every_value_that_is_known_to_be_nasty(module_name):
    dummy, task = hostile.MODULES[module_name]
    for place in hostile.places(module_name):
        for value in hostile.VALUES:
            spoilt = hostile.spoilt(task, place, value)
            hostile.assert_answer(run(module_name, spoilt), spoilt)


# --- the database ---------------------------------------------------------------------------------------------------


NAS = {"nas": "10.0.1.7"}
RP_FILTER = {"net.ipv4.conf.IFNAME.rp_filter": 2}


def filled_host():
    """A host with all that a record can hold."""
    host = builders.Host()
    host.run(
        builders.subinterface("eth1.7", egress_qos_map={"1": 3}, mac="02:00:00:00:00:07"),
        builders.network("lan", [{"subnet": "10.0.1.0/24", "ip_range": "10.0.1.64/26", "aux_addresses": NAS}]),
        builders.network("inner", ["10.0.2.0/24", "fd02::/64"], parent="eth0.50", labels={"a": "b"}, mtu=1400),
        builders.network("alone", [], parent=None),
        builders.endpoint("a", "lan", routes=[{"to": "10.9.0.0/16", "via": "10.0.1.9", "metric": 5}]),
        builders.endpoint("b", "inner", ifname="eth1", default_route=False, sysctls=RP_FILTER),
        builders.endpoint("c", "inner", netns="red"),
        builders.endpoint("d", "lan", netns=None),
    )
    return host


REQUESTS = {
    "restoration": Restoration,
    "network": lambda: builders.network("lan", ["10.0.1.0/24", "10.0.3.0/24"], mtu=1300),
    "no network": lambda: builders.no_network("inner", force=True),
    "endpoint": lambda: builders.endpoint("a", "lan", ipv4="10.0.1.99", sysctls={"net.ipv4.ip_forward": 1}),
    "no endpoint": lambda: builders.no_endpoint("c", "inner"),
    "no sub-interface": lambda: builders.no_subinterface("eth1.7"),
    "nothing": lambda: builders.configuration(purge=True),
}


def assert_harmless(done):
    """What is to be done stays where steps may have an effect."""
    for step in done:
        for item in getattr(step, "settings", ()):
            path = sysctl_path(names.sysctl_key(item.key, step.ifname))
            assert os.path.normpath(path).startswith("/proc/sys/net/"), step
        if isinstance(step, (CreateNetns, DeleteNetns)):
            assert os.path.dirname(os.path.normpath(Netns("name", step.name).path)) == "/run/netns", step
        if isinstance(step, DeleteLink):
            assert step.link.kind == "vlan" or step.link.tag.startswith("fleetnet.macvlan:"), step
            assert_harmless(step.restore)


def assert_usable(stored, kernel):
    """Whatever a task makes of a record, it is a plan that does no harm, or a refusal; and it can be shown."""
    if stored.journal is not None:
        assert_harmless((*stored.journal.steps, *inverse(stored.journal.steps)))
        with contextlib.suppress(MacvlanHostError):
            as_after_recovery(stored, kernel)
        stored = Stored(record_diff.apply_changes(stored.record, stored.journal.changes))
    for request in REQUESTS.values():
        with contextlib.suppress(MacvlanHostError):
            requests = requests_of(request(), stored.record)
            needs = needs_of(requests, stored.record)
            made = decide(request(), Observation(stored.record, builders.as_read(kernel, needs), ()), None, DEFAULT_TOOLS).plan
            assert_harmless(made.steps)
            changed = record_diff.changes_between(made.before, made.after)
            assert record_diff.apply_changes(stored.record, changed) == made.after
    view = HostView(stored.record, kernel)
    json.dumps([View(view).everything(None, None), [vars(item) for item in drift_of(view)]])


def places_in(value, place=()):
    """The way to everything in a row."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*place, key)
        yield from places_in(item, (*place, key))


# What may stand in a column instead.
NO_JSON = (7, b"\xff\xfe", "", "{", "nan", "[" * 100_000, "9" * 5000, '{"id": "\\ud800"}', '"\\u0000"')
NO_TEXT = (7, b"\xff\xfe", "", "../../etc/x", "\0", "a/b", "x" * 300)


class Filled:
    """A database with rows in every table, and the host that it is about."""

    def __init__(self, folder):
        host = filled_host()
        self.kernel = host.kernel
        self.database = State(f"{folder}/state")
        removal = host.plan(builders.configuration(purge=True))
        changed = record_diff.changes_between(removal.before, removal.after)
        with self.database.locked("a test") as session:
            session.record(record_diff.changes_between(Record(), host.record))
            session.intend(Journal("boot-1", "all", True, removal.steps, changed))
        with self.sql() as connection:
            self.rows = [
                (table, dict(row))
                for table in ("networks", "links", "namespaces", "endpoints", "leases", "journal")
                for row in connection.execute(f"SELECT * FROM {table}")
            ]

    @contextlib.contextmanager
    def sql(self):
        with contextlib.closing(sqlite3.connect(self.database.path, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = OFF")
            yield connection

    def read_with(self, table, row, column, value):
        """What is read with another value in a column of a row; it is put back afterwards."""
        where = " AND ".join(f"{key} = :{key}" for key in row)
        with self.sql() as connection:
            connection.execute("BEGIN")
            connection.execute(f"DELETE FROM {table} WHERE {where}", row)
            spoilt = f"INSERT INTO {table} VALUES ({', '.join(f':{key}' for key in row)})"
            connection.execute(spoilt, {**row, column: value})
            connection.execute("COMMIT")
            try:
                return self.database.read()
            finally:
                connection.execute("BEGIN")
                connection.execute(f"DELETE FROM {table}")
                for dummy, other in [item for item in self.rows if item[0] == table]:
                    connection.execute(spoilt, other)
                connection.execute("COMMIT")

    def assert_read(self, table, row, column, value):
        """The row is refused with the name of the database, or of use."""
        refusal, stored = "", None
        try:
            stored = self.read_with(table, row, column, value)
        except StateError as exc:
            refusal = str(exc)
        if stored is None:
            assert self.database.path in refusal
        else:
            assert_usable(stored, self.kernel)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    return Filled(tmp_path_factory.mktemp("filled"))


def test_the_rows_that_are_spoilt_are_right_before(filled):
    assert len({table for table, dummy in filled.rows}) == 6
    stored = filled.database.read()
    assert stored.record == filled_host().record
    assert {type(step) for step in stored.journal.steps} >= {DeleteLink, DeleteNetns}
    assert_usable(stored, filled.kernel)


def test_every_column_of_every_row_is_refused_or_harmless(filled):
    for table, row in filled.rows:
        for column in row.keys() - {"only"}:
            for value in NO_JSON if column == "body" else NO_TEXT:
                filled.assert_read(table, row, column, value)


@given(data=st.data())
@settings(max_examples=600)
def test_every_value_of_every_row_is_refused_or_harmless(filled, data):
    table, row = data.draw(st.sampled_from([item for item in filled.rows if "body" in item[1]]))
    body = json.loads(row["body"])
    place = data.draw(st.sampled_from(list(places_in(body))), "place")
    what = data.draw(st.sampled_from(("value", "missing", "more")))
    if what == "value":
        spoilt = hostile.spoilt(body, place, data.draw(values, "value"))
    else:
        spoilt = hostile.spoilt(body, place, None)
        inner = spoilt
        for step in place[:-1]:
            inner = inner[step]
        del inner[place[-1]]
        if what == "more":
            inner = spoilt if isinstance(inner, list) else inner
            inner[data.draw(strategies.any_text)] = data.draw(values)
    filled.assert_read(table, row, "body", json.dumps(spoilt))
