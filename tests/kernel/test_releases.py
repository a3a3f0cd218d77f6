# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What release 1.0.0 has recorded, on a real kernel: read, restored, changed; and its engine on the host."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import installation
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host

pytestmark = pytest.mark.engine

OLD = Path(__file__).parents[1] / "support/release_1_0_0"
DB = {"name": "db", "network": "lan", "netns": "red"}


def sql(host: Host, statement: str) -> str:
    return host.run(["sqlite3", str(host.state_dir / "state.db"), statement]).stdout.strip()


def lay(host: Host, name: str) -> None:
    folder = host.path(host.state_dir)
    folder.mkdir(mode=0o700)
    shutil.copyfile(OLD / f"{name}.db", folder / "state.db")
    (folder / "state.db").chmod(0o600)
    (folder / "lock").touch(mode=0o600)


def in_this_boot(host: Host, name: str, **body: t.Any) -> None:
    """The database of a run that was at work a moment ago."""
    lay(host, name)
    boot = host.run(["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()
    found = {**json.loads(sql(host, "SELECT body FROM journal")), **body}
    text = json.dumps(found).replace("'", "''")
    sql(host, f"UPDATE journal SET boot_id = '{boot}', body = '{text}'")


def test_what_release_1_has_recorded_is_restored_and_used_as_it_is(host: Host) -> None:
    lay(host, "plain")
    files = sorted(path.name for path in host.path(host.state_dir).iterdir())
    assert host.call("macvlan_info")["drift"]
    assert host.call("macvlan_endpoint", check=True, **DB)["changed"]
    assert sorted(path.name for path in host.path(host.state_dir).iterdir()) == files
    assert sql(host, "PRAGMA user_version") == "1"
    said = host.restore()
    assert (said.code, said.lines[-1].partition(" (")[0]) == (0, "8 of 8 objects are there")
    assert host.links("blue")["net1"]["address"] == "02:00:00:00:00:77"
    assert host.ping("red", "10.0.1.99")
    info = host.call("macvlan_info")
    assert (info["drift"], info.get("warnings")) == ([], None)
    assert not host.call("macvlan_endpoint", **DB)["changed"]
    assert not host.call("macvlan_config")["changed"]
    changed = {**DB, "labels": {"new": "label"}}
    assert host.call("macvlan_endpoint", **changed)["changed"]
    assert not host.call("macvlan_endpoint", **changed)["changed"]
    assert sql(host, "PRAGMA user_version") == "2"
    assert host.path(host.state_dir / "state.db.schema1").read_bytes()[60:64] == b"\0\0\0\1"
    before = host.snapshot().networks
    host.lose_all()
    assert host.restore().code == 0
    assert host.snapshot().networks == before


@pytest.mark.needs("8021q", "dummy")
def test_parents_that_release_1_has_made_come_back(host: Host) -> None:
    host.add_parent("eth1")
    lay(host, "parents")
    assert host.restore().code == 0
    assert {"eth0.50", "eth1.7"} < host.links().keys()
    assert host.call("macvlan_info")["drift"] == []
    assert not host.call("vlan_subinterface", name="eth1.7", egress_qos_map={"1": 3}, mac="02:00:00:00:00:07")["changed"]


def test_a_run_of_release_1_that_was_interrupted_is_undone(host: Host) -> None:
    in_this_boot(host, "interrupted")
    steps = json.loads(sql(host, "SELECT body FROM journal"))["steps"]
    (step,) = [item for item in steps if item["step"] == "CreateNetns"]
    host.run(["ip", "netns", "add", step["name"]])
    host.ip("link", "set", "lo", "alias", step["tag"], netns=step["name"])
    done = host.call("macvlan_endpoint", **DB)
    assert any("was interrupted" in text and "undone" in text for text in done["warnings"])
    assert "late" not in host.namespaces() and "red" in host.namespaces()
    assert sql(host, "SELECT count(*) FROM journal") == "0"


def test_a_change_of_release_1_is_confirmed_in_its_own_form(host: Host) -> None:
    until = float(host.run(["cut", "-d.", "-f1", "/proc/uptime"]).stdout) + 3600
    in_this_boot(host, "awaiting", confirm_by=until)
    assert "awaits confirmation" in host.call("macvlan_endpoint", fails=True, **DB)["msg"]
    assert host.run_command("restore").code == 3
    assert host.run_command("confirm").code == 0
    assert sql(host, "PRAGMA user_version") == "1"
    assert sql(host, "SELECT count(*) FROM endpoints WHERE name = 'late'") == "1"


def test_a_record_of_the_future_is_reported_as_newer_by_all_and_kept(host: Host) -> None:
    lay(host, "plain")
    sql(host, "UPDATE networks SET body = json_set(body, '$.sector', 'lan')")
    before = host.snapshot()
    for module_name, params in (("macvlan_info", {}), ("macvlan_endpoint", DB), ("macvlan_config", {"purge": True, "networks": []})):
        message = host.call(module_name, fails=True, **params)["msg"]
        assert "newer release" in message and "'sector'" in message and "macvlan_command" in message
    for action in ("restore", "status", "check", "confirm", "recover"):
        said = host.run_command(action)
        assert said.code == 2 and "newer release" in said.complaint
    assert host.snapshot() == before


def test_an_engine_of_release_1_on_the_host_is_warned_of_until_it_is_brought_on(host: Host) -> None:
    engine, command = str(HOME / "engine"), str(HOME / "bin/macvlan-host")
    place = {"path": engine, "command": command}

    def look_there() -> None:
        installation.ENGINE = engine

    task = {"name": "net", "parent": "eth0", "ipam": "none"}
    host.call("macvlan_command", **place)
    host.path(f"{engine}/release.py").unlink()
    for check in (True, False, False):
        (warning,) = host.call("macvlan_network", check=check, hook=look_there, **task)["warnings"]
        assert "of release 1.0.0" in warning and "macvlan_host" in warning and "macvlan_command" in warning
    host.call("macvlan_command", **place)
    assert not host.call("macvlan_network", hook=look_there, **task).get("warnings")
    assert host.run([command, "--version"]).stdout.startswith("macvlan-host 2.")
