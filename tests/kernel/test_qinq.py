# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VLANs in VLANs (QinQ) on real links: what goes over the wire, and each level by itself."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, endpoint, gone, network, refuse, subnets

pytestmark = pytest.mark.needs("8021q")

SUBNET = subnets("10.0.0.0/24")


def vlan(host: Host, name: str) -> tuple[str, int, str]:
    """What a link is a VLAN of."""
    link = host.links()[name]
    data = link["linkinfo"]["info_data"]
    return link["link"], data["id"], data["protocol"]


def vlans(host: Host) -> list[str]:
    return sorted(name for name, link in host.links().items() if link.get("linkinfo", {}).get("info_kind") == "vlan")


def test_both_levels_come_and_go_with_the_network(host: Host) -> None:
    before = host.snapshot().without_state()
    assert network(host, parent="eth0.10.100", subnets=SUBNET)["parent_created"]
    assert (vlan(host, "eth0.10"), vlan(host, "eth0.10.100")) == (("eth0", 10, "802.1Q"), ("eth0.10", 100, "802.1Q"))
    assert {host.links()[name]["mtu"] for name in ("eth0", "eth0.10", "eth0.10.100")} == {1500}
    endpoint(host, "a")
    endpoint(host, "b")
    assert host.ping("a", "10.0.0.3")
    host.wire.add_address("10.0.0.1/24", vlan=10, inner=100)
    assert host.ping("a", "10.0.0.1"), "frames carry both tags"
    shown = host.call("macvlan_info")["vlan_subinterfaces"]
    assert [(item["name"], item["parent"], item["owned"], item["used_by"]) for item in shown] == [
        ("eth0.10", "eth0", True, ["net"]),
        ("eth0.10.100", "eth0.10", True, ["net"]),
    ]
    gone(host, "macvlan_network", name="net", force=True)
    assert vlans(host) == []
    assert host.snapshot().without_state() == before


def test_what_is_on_a_level_follows_its_mtu(host: Host) -> None:
    network(host, parent="eth0.10.100", subnets=SUBNET)
    endpoint(host, "a")
    for mtu in (1400, 1496, 1300, None):
        converge(host, "vlan_subinterface", name="eth0.10", mtu=mtu)
        assert {host.links()[name]["mtu"] for name in ("eth0.10", "eth0.10.100")} == {mtu or 1500} == {host.links("a")["eth0"]["mtu"]}
        assert host.call("macvlan_info")["drift"] == []
    converge(host, "vlan_subinterface", name="eth0.10.100", mtu=1450)
    refuse(host, "vlan_subinterface", "less than the 1450 of vlan_subinterface eth0.10.100", name="eth0.10", mtu=1400)


@pytest.mark.needs("8021ad")
def test_the_service_tag_is_on_the_wire_outside(host: Host) -> None:
    converge(host, "vlan_subinterface", name="eth0.10", protocol="802.1ad")
    network(host, parent="eth0.10.100", subnets=SUBNET)
    assert (vlan(host, "eth0.10"), vlan(host, "eth0.10.100")) == (("eth0", 10, "802.1ad"), ("eth0.10", 100, "802.1Q"))
    endpoint(host, "a")
    endpoint(host, "b")
    assert host.ping("a", "10.0.0.3")
    host.wire.add_address("10.0.0.1/24", vlan=10, inner=100)
    assert not host.ping("a", "10.0.0.1", timeout=1), "another outer tag"
    host.wire.run(["ip", "link", "delete", host.wire.leg(10)])
    host.wire.add_address("10.0.0.1/24", vlan=10, inner=100, protocol="802.1ad")
    assert host.ping("a", "10.0.0.1")
    gone(host, "macvlan_network", name="net", force=True)
    assert vlans(host) == ["eth0.10"]


def test_a_level_is_shared_and_goes_with_its_last_user(host: Host) -> None:
    network(host, "one", parent="eth0.10.100", subnets=SUBNET)
    network(host, "two", parent="eth0.10.200", subnets=subnets("10.1.0.0/24"))
    network(host, "three", parent="eth0.10", subnets=subnets("10.2.0.0/24"))
    gone(host, "macvlan_network", name="one")
    assert vlans(host) == ["eth0.10", "eth0.10.200"]
    gone(host, "macvlan_network", name="three")
    assert vlans(host) == ["eth0.10", "eth0.10.200"]
    gone(host, "macvlan_network", name="two")
    assert vlans(host) == []


def test_a_foreign_level_is_used_as_it_is_and_stays(host: Host) -> None:
    host.ip("link", "add", "link", "eth0", "name", "eth0.10", "type", "vlan", "id", "11")
    host.bring_up("eth0.10")
    done = converge(host, "macvlan_network", name="net", parent="eth0.10.100", subnets=SUBNET)
    assert any("eth0.10 is not VLAN 10 of eth0" in warning for warning in done["warnings"])
    gone(host, "macvlan_network", name="net")
    assert vlans(host) == ["eth0.10"]
    host.ip("link", "set", "eth0.10", "down")
    refuse(host, "macvlan_network", "eth0.10 is down", name="net", parent="eth0.10.100", subnets=SUBNET)


def test_as_many_levels_as_a_name_can_say(host: Host) -> None:
    network(host, parent="eth0.1.2.3.4.5", subnets=SUBNET)
    assert vlan(host, "eth0.1.2.3.4.5") == ("eth0.1.2.3.4", 5, "802.1Q")
    endpoint(host, "a")
    endpoint(host, "b")
    assert host.ping("a", "10.0.0.3")
    gone(host, "macvlan_network", name="net", force=True)
    assert vlans(host) == []


@pytest.mark.parametrize(
    ("parent", "words"),
    [
        ("eth0.010.100", "did you mean eth0.10.100?"),
        ("eth0.10.4095", "4094"),
        ("eth0.4000.40001", "4094"),
        ("eth0.1000.1000.1", "is longer than 15 bytes"),
    ],
)
def test_a_level_that_cannot_be_created_is_refused_as_a_whole(host: Host, parent: str, words: str) -> None:
    refuse(host, "macvlan_network", words, name="net", parent=parent, subnets=SUBNET)


def test_the_vlan_of_a_level_that_another_link_has_is_refused(host: Host) -> None:
    host.ip("link", "add", "link", "eth0", "name", "uplink", "type", "vlan", "id", "10")
    refuse(host, "macvlan_network", "already there as uplink", name="net", parent="eth0.10.100", subnets=SUBNET)


@pytest.mark.parametrize(
    ("change", "object_", "field"),
    [
        (("set", "eth0.10", "down"), "vlan_subinterface eth0.10", "up"),
        (("set", "eth0.10", "mtu", "1400"), "vlan_subinterface eth0.10", "mtu"),
        (("set", "eth0.10.100", "down"), "vlan_subinterface eth0.10.100", "up"),
        (("delete", "eth0.10.100"), "vlan_subinterface eth0.10.100", "link"),
        (("delete", "eth0.10"), "vlan_subinterface eth0.10", "link"),
    ],
)
@pytest.mark.parametrize("task", ["macvlan_network", "macvlan_endpoint"])
def test_drift_of_each_level_is_told_and_repaired(host: Host, change: tuple[str, ...], object_: str, field: str, task: str) -> None:
    options: dict[str, dict[str, t.Any]] = {
        "macvlan_network": {"name": "net", "parent": "eth0.10.100", "subnets": SUBNET},
        "macvlan_endpoint": {"name": "a", "network": "net", "netns": "a"},
    }
    network(host, parent="eth0.10.100", subnets=SUBNET)
    endpoint(host, "a")
    host.ip("link", *change)
    drift = host.call("macvlan_info")["drift"]
    assert (object_, field) in {(item["object"], item["field"]) for item in drift}
    converge(host, task, **options[task])
    converge(host, "macvlan_endpoint", **options["macvlan_endpoint"])
    assert host.call("macvlan_info")["drift"] == []
    endpoint(host, "b")
    assert host.ping("a", "10.0.0.3")


@pytest.mark.parametrize("places", [("eth0.10.100", "eth1"), ("eth1", "eth0.10.100"), ("eth0.10.100", "eth1.10.100"), ("eth0.10", "eth0.10.100")], ids="-".join)
def test_a_network_moves_to_and_from_a_level(host: Host, places: tuple[str, str]) -> None:
    host.add_parent("eth1")
    first, second = places
    network(host, parent=first, subnets=SUBNET)
    before = [endpoint(host, name)["ipv4"] for name in ("a", "b")]
    refuse(host, "macvlan_network", "replace: true", name="net", parent=second, subnets=SUBNET)
    done = host.call("macvlan_network", name="net", parent=second, subnets=SUBNET, replace=True)
    assert done["network"]["parent"] == second
    assert [endpoint(host, name)["ipv4"] for name in ("a", "b")] == before
    assert vlans(host) == [name for name in ("eth0.10", "eth0.10.100", "eth1.10", "eth1.10.100") if name == second or second.startswith(f"{name}.")]
    assert host.ping("a", "10.0.0.3")


def test_a_base_that_gets_another_name_is_followed(host: Host) -> None:
    network(host, parent="eth0.10.100", subnets=SUBNET)
    endpoint(host, "a")
    host.ip("link", "set", "eth0", "down")
    host.ip("link", "set", "eth0", "name", "lan0")
    host.bring_up("lan0")
    host.bring_up("eth0.10")
    host.bring_up("eth0.10.100")
    for written in ("eth0.10.100", "lan0.10.100"):
        done = host.call("macvlan_network", name="net", parent=written, subnets=SUBNET)
        assert done["network"]["parent"] == "eth0.10.100"
        assert not any("create" in step for step in done["steps"])
    assert vlan(host, "eth0.10") == ("lan0", 10, "802.1Q")


def test_a_declared_level_creates_the_one_below_it(host: Host) -> None:
    converge(host, "vlan_subinterface", name="eth0.10.100")
    assert vlans(host) == ["eth0.10", "eth0.10.100"]
    refuse(host, "vlan_subinterface", "eth0.10.100", name="eth0.10", state="absent")
    gone(host, "vlan_subinterface", name="eth0.10.100")
    assert vlans(host) == []


def test_one_configuration_has_both_levels_as_parents(host: Host) -> None:
    networks = [
        {"name": "inner", "parent": "eth0.10.100", "subnets": SUBNET},
        {"name": "outer", "parent": "eth0.10", "subnets": subnets("10.1.0.0/24")},
    ]
    endpoints = [{"name": "a", "network": name, "netns": name} for name in ("inner", "outer")]
    done = converge(host, "macvlan_config", networks=networks, endpoints=endpoints)
    assert [item["name"] for item in done["vlan_subinterfaces"]] == ["eth0.10", "eth0.10.100"]
    converge(host, "macvlan_config", networks=networks[:1], endpoints=endpoints[:1], purge=True)
    assert vlans(host) == ["eth0.10", "eth0.10.100"]
    converge(host, "macvlan_config", networks=[], endpoints=[], purge=True)
    assert vlans(host) == []


@pytest.mark.needs("vlan_filtering")
def test_a_bridge_that_filters_vlans_looks_at_the_outer_tag_only(host: Host) -> None:
    host.ip("link", "add", "br0", "type", "bridge", "vlan_filtering", "1", "stp_state", "0")
    host.ip("link", "set", "br0", "up")
    options = {"name": "net", "parent": "br0.10.100", "subnets": SUBNET}
    command = "bridge vlan add dev br0 vid 10 self"
    for name, params in (("macvlan_network", options), ("vlan_subinterface", {"name": "br0.10.100"})):
        warnings = host.call(name, **params)["warnings"]
        assert [warning for warning in warnings if command in warning and "br0.10" in warning and "br0.10.100:" not in warning.partition(": ")[2]]
    host.run(command.split())
    for name, params in (("macvlan_network", options), ("vlan_subinterface", {"name": "br0.10.100"})):
        assert not host.call(name, **params).get("warnings")
