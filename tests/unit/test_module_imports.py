# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each module ships to its target, and what of that it imports: what a task does not use it does not carry."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.benchmarks import packed
from ansible_collections.fleetnet.macvlan.benchmarks.packed import COLLECTION
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.machine import boot_id
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.database import State
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.journal import Journal

ROOT = Path(__file__).parents[2]
ENGINE = "plugins.module_utils.macvlan_host."
READERS = ("macvlan_info", "macvlan_confirm")
CHANGERS = ("macvlan_network", "vlan_subinterface", "macvlan_endpoint", "macvlan_config")
# What plans, and what writes to the kernel.
PLANNER = (f"{ENGINE}plan.",)
WRITER = tuple(
    f"{ENGINE}{name}"
    for name in (
        "kernel.write", "kernel.idempotent_steps", "kernel.link_creation", "kernel.step_context", "kernel.batch", "kernel.sockets", "kernel.step_error",
        "kernel.setting_files", "kernel.delete", "kernel.announce", "wire.frames", "run.perform", "run.writer",
    )
)


def shipped(module: str) -> set[str]:
    """The files of this collection that Ansible packs with a module."""
    return {name.removeprefix(COLLECTION) for name in packed.shipped(packed.ROOT, module)}


def loaded(module: str) -> set[str]:
    """What of this collection is imported with a module, before its task begins."""
    code = f"import sys, {COLLECTION}plugins.modules.{module}; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return {name.removeprefix(COLLECTION) for name in done.stdout.split() if name.startswith(COLLECTION)}


def of(names: set[str], kinds: tuple[str, ...]) -> list[str]:
    return sorted(name for name in names if name.startswith(kinds))


@pytest.mark.parametrize("module", READERS)
def test_what_only_reads_or_confirms_carries_no_planner_and_no_writer(module: str) -> None:
    carried = shipped(module)
    assert f"{ENGINE}store.database" in carried
    assert of(carried, (*PLANNER, *WRITER)) == []


@pytest.mark.parametrize("module", CHANGERS)
def test_what_changes_something_carries_a_writer_and_imports_it_when_it_has_something_to_do(module: str) -> None:
    assert of(shipped(module), WRITER) == sorted(WRITER)
    assert of(loaded(module), PLANNER)
    assert of(loaded(module), WRITER) == []


# What is told of wrong options, with the readers of all of them; what makes, simulates and stores steps; what changes rows.
REFUSING = tuple(f"plugins.module_utils.{name}" for name in ("_option_messages", "_option_values"))
CHANGING = tuple(
    f"{ENGINE}{name}"
    for name in (
        "steps.steps", "steps.simulate", "steps.record_diff", "steps.link_spec", "store.session", "store.lock", "store.migrations",
        "store.row_changes", "kernel.namespace_changes", "wire.pack", "run.interrupted", "run.provisional",
    )
)
# What a task for an endpoint that has nothing to do needs none of, beside all that.
OF_OTHER_TASKS = tuple(
    f"{ENGINE}{name}"
    for name in (
        "request.host", "request.network", "request.subinterface", "plan.network", "plan.subinterface", "plan.subnets",
        "plan.restore", "plan.align", "plan.parent", "plan.endpoint_changes", "plan.endpoint_link", "plan.endpoint_routes",
        "plan.link_options", "plan.link_checks", "plan.gateways", "plan.full_subnet", "plan.lockout_guard", "plan.unwritable_settings",
        "plan.restore_needs", "plan.bridge", "plan.choice", "plan.vrf_checks", "ipam.scattered_address", "kernel.access", "kernel.tagged_links",
    )
)
# What those who only read need none of.
OF_CHANGERS = (
    *(f"{ENGINE}request.{name}" for name in ("base", "endpoint", "host", "network", "problems", "subinterface")),
    f"{ENGINE}steps.", f"{ENGINE}model.access", f"{ENGINE}kernel.connection", f"{ENGINE}kernel.installation",
    f"{ENGINE}kernel.available_kinds", "plugins.module_utils._argspecs",
)


def test_what_is_not_to_be_imported_is_shipped_with_some_module() -> None:
    everything = shipped("macvlan_config") | shipped("macvlan_command")
    assert {*REFUSING, *CHANGING, *OF_OTHER_TASKS} - everything == set()
    assert [kind for kind in (*PLANNER, *WRITER, *OF_CHANGERS) if not of(everything, (kind,))] == []


FLEET = "plugins.module_utils.fleet."
RECLAIM = (f"{FLEET}reclaim", f"{FLEET}reclaim_request", f"{FLEET}releases")


@pytest.mark.parametrize("module", ["macvlan_fleet", "macvlan_fleet_reclaim"])
def test_a_store_of_a_fleet_is_imported_by_those_who_use_it(module: str) -> None:
    stores = (f"{FLEET}etcd", f"{FLEET}ledger")
    assert len(of(shipped(module), stores)) == 4
    assert of(loaded(module), stores) == []
    assert of(loaded(module), (f"{ENGINE}kernel.", f"{ENGINE}plan.", f"{ENGINE}run.", f"{ENGINE}store.")) == []


def test_who_gives_slices_imports_nothing_of_those_who_take_them_back() -> None:
    assert of(shipped("macvlan_fleet"), RECLAIM) == [] and exactly(shipped("macvlan_fleet_reclaim"), RECLAIM) == sorted(RECLAIM)
    assert of(loaded("macvlan_fleet_reclaim"), (f"{FLEET}allocate", f"{FLEET}plan", f"{FLEET}wishes")) == []


def exactly(names: set[str], modules: tuple[str, ...]) -> list[str]:
    return sorted(names.intersection(modules))


@pytest.fixture(scope="module", name="tasks")
def imported_by_tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Of real tasks that have nothing to do, from their zips."""
    tasks = packed.imported_by_tasks(packed.ROOT, tmp_path_factory.mktemp("tasks"))
    return {module: {name.removeprefix(COLLECTION) for name in names} for module, names in tasks.items()}


def test_a_task_for_an_endpoint_that_changes_nothing_imports_its_own_kind_and_nothing_that_changes(tasks: dict[str, set[str]]) -> None:
    names = tasks["macvlan_endpoint"]
    assert {f"{ENGINE}plan.endpoint", f"{ENGINE}request.endpoint"} <= names
    assert of(names, WRITER) == []
    assert exactly(names, (*REFUSING, *CHANGING, *OF_OTHER_TASKS)) == []


def test_a_task_that_only_reads_imports_nothing_of_those_that_change(tasks: dict[str, set[str]]) -> None:
    names = tasks["macvlan_info"]
    assert f"{ENGINE}result.drift" in names
    assert of(names, (*PLANNER, *WRITER, *OF_CHANGERS)) == []
    assert exactly(names, (*REFUSING, *CHANGING)) == []


@pytest.mark.parametrize("module", ["macvlan_network", "vlan_subinterface", "macvlan_endpoint"])
def test_a_module_of_one_kind_imports_no_other_requests_than_those_for_endpoints(module: str) -> None:
    """Every plan reserves the addresses that endpoints request."""
    kinds = {"macvlan_network": "network", "vlan_subinterface": "subinterface", "macvlan_endpoint": "endpoint"}
    requests = tuple(f"{ENGINE}request.{kind}" for kind in kinds.values())
    assert exactly(loaded(module), requests) == sorted({f"{ENGINE}request.{kinds[module]}", f"{ENGINE}request.endpoint"})
    assert exactly(loaded(module), (*REFUSING, *CHANGING, f"{ENGINE}request.host", f"{ENGINE}plan.restore")) == []


# As in the process that waits for a confirmation: the module, and with it all that it was sent as, may have gone.
REVERTING = """
import sys
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.access import LockoutPolicy
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run import provisional, tools

class Waiting:
    def __init__(self, work):
        self.work = work
    def close(self):
        pass

class Gone:
    def find_spec(self, name, path=None, target=None):
        assert not name.startswith("ansible_collections"), f"{name} is imported when it has gone"

provisional.RevertTimer = Waiting
given = tools.Tools(clock=tools.Clock(uptime=lambda: 10.0))
with provisional.open_revert_timer(sys.argv[1], LockoutPolicy(None, False, 5), given) as waiting:
    sys.meta_path.insert(0, Gone())
    waiting.work("5.0")
"""


def test_what_reverts_a_change_has_imported_all_that_it_needs_before_the_module_ends(tmp_path: Path) -> None:
    database = State(str(tmp_path / "state"))
    with database.locked("a change") as session:
        session.intend(Journal(boot_id(), "a change", False, (), (), 5.0))
        session.await_confirmation()
    done = subprocess.run([sys.executable, "-c", REVERTING, database.folder], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr, database.read().journal) == (0, "", None)


# From the zip that Ansible sends, which is deleted when the module ends.
ARMED = """
import os, sys
archive, folder = sys.argv[1:]
sys.path.insert(0, archive)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.access import LockoutPolicy
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run import provisional, tools

with provisional.open_revert_timer(folder, LockoutPolicy(None, False, 5), tools.DEFAULT_TOOLS):
    print(*(name for name, module in sys.modules.items() if archive in (getattr(module, "__file__", None) or "")), sep="\\n")
"""


@pytest.mark.parametrize("module", CHANGERS)
def test_the_process_that_may_revert_a_change_has_imported_all_of_the_engine_that_was_sent(module: str, tmp_path: Path) -> None:
    archive = tmp_path / "module.zip"
    packed.pack(packed.ROOT, module, archive)
    argv = [sys.executable, "-c", ARMED, str(archive), str(tmp_path / "state")]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, cwd=tmp_path)
    imported = {name.removeprefix(COLLECTION) for name in done.stdout.split()}
    assert {name for name in shipped(module) if name.startswith(ENGINE)} - imported == set()
    assert f"{ENGINE}kernel.delete" in imported


def test_the_command_has_all_of_the_engine() -> None:
    """What it is installed from is what has come along with the module."""
    there = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / ENGINE.replace(".", "/")).rglob("*.py")}
    carried = shipped("macvlan_command")
    assert {name for name in there if not name.endswith("__init__")} <= carried
