# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parents and bases under any of their names, and after they were renamed."""

from __future__ import annotations

import subprocess
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, endpoint, gone, network, refuse, subnets

ENGINE, COMMAND = str(HOME / "engine"), str(HOME / "bin/macvlan-host")
SECONDS_TO_WAIT = 60
LAN = subnets("192.168.7.0/24")
LONG = "rack12-port-of-the-lan-" + "x" * 104
FOLLOWS = "network net: its parent eth0 is called ens1 now; the record follows"


def rename(host: Host, old: str, new: str) -> None:
    host.ip("link", "set", old, "down")
    host.ip("link", "set", old, "name", new)
    host.bring_up(new)


def altname(host: Host, *names: str, of: str = "eth0") -> None:
    for name in names:
        host.ip("link", "property", "add", "dev", of, "altname", name)


def info(host: Host) -> tuple[list[t.Any], list[str]]:
    """Drift, and warnings; nothing is written."""
    before = host.snapshot()
    report = host.call("macvlan_info")
    assert host.snapshot() == before
    return report["drift"], report.get("warnings", [])


def indexes(host: Host, *namespaces: str) -> list[int]:
    return [host.links(name)["eth0"]["ifindex"] for name in namespaces]


# --- renamed --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "params"),
    [
        ("macvlan_network", {"name": "net", "parent": "ens1", "subnets": LAN}),
        ("macvlan_network", {"name": "net", "parent": "eth0", "subnets": LAN}),
        ("macvlan_endpoint", {"name": "b", "network": "net", "netns": "b"}),
        ("macvlan_config", {"networks": [{"name": "net", "parent": "ens1", "subnets": LAN}]}),
    ],
    ids=["new name", "old name", "endpoint", "configuration"],
)
def test_a_task_follows_a_parent_that_was_renamed_and_nothing_is_interrupted(
    host: Host, module: str, params: dict[str, t.Any]
) -> None:
    network(host, subnets=LAN)
    endpoint(host, "a")
    made = endpoint(host, "b")
    gone(host, "macvlan_endpoint", name="a", network="net")
    index = indexes(host, "b")
    rename(host, "eth0", "ens1")
    drift, warnings = info(host)
    assert drift == []
    assert [text.partition(";")[0] for text in warnings] == ["network net: its parent eth0 is called ens1 now"]
    done = converge(host, module, **params)
    assert done["warnings"] == [FOLLOWS]
    assert done["steps"] == ["record that the parent eth0 of network net is called ens1 now"]
    assert info(host) == ([], [])
    assert indexes(host, "b") == index
    assert endpoint(host, "b") == {**made, "parent": "ens1"}


def test_the_old_name_of_a_parent_is_refused_when_another_link_has_it(host: Host) -> None:
    network(host, subnets=LAN)
    endpoint(host, "a")
    rename(host, "eth0", "ens1")
    host.add_parent("eth0")
    refuse(host, "macvlan_network", "eth0 is another link now", "called ens1 now; write parent: ens1", name="net", parent="eth0", subnets=LAN)
    assert info(host)[0] == []
    assert converge(host, "macvlan_network", name="net", parent="ens1", subnets=LAN)["warnings"] == [FOLLOWS]


def test_two_parents_that_have_changed_their_names_keep_their_networks(host: Host) -> None:
    host.add_parent("eth1")
    network(host, subnets=LAN)
    network(host, "other", parent="eth1", subnets=subnets("10.1.0.0/24"))
    # In passthru mode, and with equal MAC addresses, a row in the wrong place would meet another.
    endpoint(host, "a", mac="02:00:00:00:00:77")
    endpoint(host, "b", "other", mac="02:00:00:00:00:77")
    rename(host, "eth0", "swap")
    rename(host, "eth1", "eth0")
    rename(host, "swap", "eth1")
    done = converge(host, "macvlan_endpoint", name="b", network="other", netns="b", mac="02:00:00:00:00:77")
    assert [text.split(";")[0] for text in done["warnings"]] == [
        "network net: its parent eth0 is called eth1 now",
        "network other: its parent eth1 is called eth0 now",
    ]
    assert info(host) == ([], [])
    rows = host.run(["sqlite3", str(host.state_dir / "state.db"), "SELECT name, parent FROM endpoints ORDER BY name"]).stdout.split()
    assert rows == ["a|eth1", "b|eth0"]


def test_a_removal_follows_and_one_of_nothing_changes_nothing(host: Host) -> None:
    empty = host.snapshot().without_state()
    network(host, subnets=LAN)
    endpoint(host, "a")
    rename(host, "eth0", "ens1")
    assert not gone(host, "macvlan_network", name="nothing")["changed"]
    gone(host, "macvlan_network", name="net", force=True)
    rename(host, "ens1", "eth0")
    assert host.snapshot().without_state() == empty


def test_a_change_of_a_network_and_the_new_name_of_its_parent_are_recorded_together(host: Host) -> None:
    network(host, subnets=LAN)
    rename(host, "eth0", "ens1")
    done = converge(host, "macvlan_network", name="net", parent="ens1", subnets=LAN, mode="vepa")
    assert done["steps"][0] == "record that the parent eth0 of network net is called ens1 now"
    assert info(host) == ([], [])


# --- restored and awaited -------------------------------------------------------------------------------------------


def test_a_restoration_follows_once(host: Host) -> None:
    network(host, subnets=LAN)
    endpoint(host, "a")
    host.call("macvlan_command", path=ENGINE, command=COMMAND)
    rename(host, "eth0", "ens1")
    first = host.run([COMMAND, "restore"], check=False)
    assert first.returncode == 0 and FOLLOWS in first.stdout + first.stderr
    again = host.run([COMMAND, "restore"], check=False)
    assert again.returncode == 0 and "called" not in again.stdout + again.stderr
    assert info(host) == ([], [])
    assert host.run([COMMAND, "check"], check=False).returncode == 0


def test_a_parent_that_comes_back_with_its_name_as_an_alternative_one_ends_the_wait(host: Host) -> None:
    host.add_parent("eth1")
    network(host, parent="eth1", subnets=LAN)
    made = endpoint(host, "a")
    host.call("macvlan_command", path=ENGINE, command=COMMAND)
    host.lose_all()
    host.ip("link", "delete", "eth1")
    waiting = host.start([COMMAND, "restore", "--wait"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert waiting.stdout is not None
    assert waiting.stdout.readline().startswith("waiting: network net: its parent eth1 is gone")
    host.add_parent("ens2")
    altname(host, "eth1", of="ens2")
    said, dummy = waiting.communicate(timeout=SECONDS_TO_WAIT)
    assert waiting.returncode == 0
    assert "network net: its parent eth1 is called ens2 now; the record follows" in said
    assert endpoint(host, "a") == {**made, "parent": "ens2"}


# --- alternative names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alt0", LONG, "eth0.50"])
def test_a_parent_may_be_any_name_that_a_link_has(host: Host, name: str) -> None:
    altname(host, name)
    assert network(host, parent=name, subnets=LAN)["parent"] == "eth0"
    assert endpoint(host, "a")["parent"] == "eth0"
    assert not host.call("macvlan_network", name="net", parent="eth0", subnets=LAN)["changed"]


def test_a_name_that_no_link_has_is_refused(host: Host) -> None:
    for name in ("alt0", LONG):
        refuse(host, "macvlan_network", f"there is no link {name} on this host", name="net", parent=name, subnets=LAN)
    refuse(host, "macvlan_network", "longer than 127 bytes", name="net", parent="x" * 128, subnets=LAN)


def test_an_alternative_name_is_no_name_for_an_endpoint(host: Host) -> None:
    altname(host, "alt0")
    network(host, subnets=LAN)
    refuse(host, "macvlan_endpoint", "ifname alt0 is taken", "of eth0", name="e", network="net", ifname="alt0")


# --- bases ----------------------------------------------------------------------------------------------------------


@pytest.mark.needs("8021q")
@pytest.mark.parametrize("name", ["alt0", "rack12-port-of-the-lan"])
def test_a_base_may_be_any_name_that_a_link_has(host: Host, name: str) -> None:
    altname(host, name)
    assert network(host, parent=f"{name}.50", subnets=LAN)["parent"] == "eth0.50"
    endpoint(host, "a")
    declared = converge(host, "vlan_subinterface", parent=name, vlan_id=50)["vlan_subinterface"]
    assert (declared["name"], declared["parent"]) == ("eth0.50", "eth0")
    assert "eth0.50" in host.links()
    host.call("macvlan_network", name="net", state="absent", force=True)
    gone(host, "vlan_subinterface", name=f"{name}.50")
    assert "eth0.50" not in host.links()


@pytest.mark.needs("8021q")
@pytest.mark.parametrize("parent", ["eth0.50", "ens1.50"])
def test_a_vlan_whose_base_was_renamed_is_the_same_link(host: Host, parent: str) -> None:
    network(host, parent="eth0.50", subnets=LAN)
    made = endpoint(host, "a")
    index = host.links()["eth0.50"]["ifindex"]
    rename(host, "eth0", "ens1")
    host.bring_up("eth0.50")
    drift, warnings = info(host)
    assert drift == [] and "vlan_subinterface eth0.50: its base eth0 is called ens1 now" in warnings[0]
    done = converge(host, "macvlan_network", name="net", parent=parent, subnets=LAN)
    assert done["steps"] == ["record that the base eth0 of vlan_subinterface eth0.50 is called ens1 now"]
    assert done["network"]["parent"] == "eth0.50"
    assert info(host) == ([], [])
    assert endpoint(host, "a") == made
    assert host.links()["eth0.50"]["ifindex"] == index
    for params in ({"parent": "ens1", "vlan_id": 50}, {"parent": "eth0", "vlan_id": 50}, {"name": "eth0.50"}, {"name": "ens1.50"}):
        assert host.call("vlan_subinterface", check=True, **params)["vlan_subinterface"]["name"] == "eth0.50"
    gone(host, "macvlan_network", name="net", force=True)
    assert set(host.links()) == {"lo", "ens1"}


@pytest.mark.needs("8021q")
def test_the_mtu_of_a_vlan_that_is_named_by_its_renamed_base_reaches_its_endpoints(host: Host) -> None:
    """What a task needs to know of the kernel depends on the name that its link has."""
    network(host, parent="eth0.50", subnets=LAN)
    endpoint(host, "a")
    rename(host, "eth0", "ens1")
    host.bring_up("eth0.50")
    converge(host, "vlan_subinterface", parent="ens1", vlan_id=50, mtu=1400)
    assert host.links("a")["eth0"]["mtu"] == host.links()["eth0.50"]["mtu"] == 1400


@pytest.mark.needs("8021q")
def test_a_vlan_of_ours_under_another_name_is_the_one_that_is_meant(host: Host) -> None:
    converge(host, "vlan_subinterface", name="lan50", parent="eth0", vlan_id=50)
    assert network(host, parent="eth0.50", subnets=LAN)["parent"] == "lan50"


@pytest.mark.needs("8021q")
def test_purge_knows_a_vlan_by_its_renamed_base(host: Host) -> None:
    wanted = {"vlan_subinterfaces": [{"parent": "eth0", "vlan_id": 50}], "networks": [], "endpoints": [], "purge": True}
    converge(host, "macvlan_config", **wanted)
    index = host.links()["eth0.50"]["ifindex"]
    rename(host, "eth0", "ens1")
    converge(host, "macvlan_config", **{**wanted, "vlan_subinterfaces": [{"parent": "ens1", "vlan_id": 50}]})
    assert host.links()["eth0.50"]["ifindex"] == index


@pytest.mark.needs("8021q")
def test_a_vlan_whose_own_name_would_be_too_long_is_refused(host: Host) -> None:
    host.add_parent("enp130s0f1np1")
    altname(host, "alt1", of="enp130s0f1np1")
    for module, params in (("macvlan_network", {"name": "net", "parent": "alt1.50"}), ("vlan_subinterface", {"name": "alt1.50"})):
        refuse(host, module, "longer than 15 bytes; give it another name", "parent: enp130s0f1np1, vlan_id: 50", **params)
    converge(host, "vlan_subinterface", name="lan50", parent="alt1", vlan_id=50)
    assert network(host, parent="alt1.50", subnets=LAN)["parent"] == "lan50"
