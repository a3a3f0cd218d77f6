# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replacement on real links: networks move, subnets change, objects get new names, endpoints exchange what they have."""

from __future__ import annotations

import subprocess
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, refuse, subnets

Params = dict[str, t.Any]

DUAL = subnets("10.0.0.0/24", "fd00::/64")
NET: Params = {"name": "net", "parent": "eth0", "subnets": DUAL}
A: Params = {
    "name": "a",
    "network": "net",
    "netns": "a",
    "mac": "02:00:00:00:00:0a",
    "routes": [{"to": "10.9.0.0/16", "via": "10.0.0.9"}],
    "sysctls": {"net.ipv4.conf.IFNAME.rp_filter": 2},
}
B: Params = {"name": "b", "network": "net", "netns": "b", "ipv4": "10.0.0.77"}
H: Params = {"name": "h", "network": "net"}


@pytest.fixture
def two_parents(make_host: MakeHost) -> Host:
    """A host with the parents eth0 and eth1."""
    return make_host("eth0", "eth1")


def prepared(host: Host, networks: list[Params], endpoints: list[Params]) -> Params:
    return host.call("macvlan_config", networks=networks, endpoints=endpoints)


def without_parent(endpoints: list[Params]) -> list[Params]:
    return [{key: value for key, value in item.items() if key != "parent"} for item in endpoints]


def test_a_network_moves_with_all_that_its_endpoints_have(two_parents: Host) -> None:
    host = two_parents
    before = prepared(host, [NET], [A, B, H])
    moved = {**NET, "parent": "eth1"}
    message = refuse(host, "macvlan_network", "parent is eth0 and cannot become eth1 in place", **moved)
    assert "interrupts the traffic of endpoints a, b, h; if you want that, add replace: true" in message
    done = converge(host, "macvlan_network", **moved, replace=True)
    assert done["changed"] and "move network net from eth0 to eth1" in done["steps"]
    assert done["diff"]["before"]["interrupts"] == ["endpoint net/a", "endpoint net/b", "endpoint net/h"]
    info = host.call("macvlan_info")
    assert info["drift"] == []
    assert without_parent(info["endpoints"]) == without_parent(
        [{**item, "foreign_addresses": []} for item in before["endpoints"]]
    )
    assert {item["parent"] for item in info["endpoints"]} == {"eth1"}
    assert host.ping("a", "10.0.0.77") and host.ping("b", "fd00::2")
    assert host.links("a")["eth0"]["link_index"] == host.links()["eth1"]["ifindex"]
    # And back, in the declared state of the whole host.
    converge(host, "macvlan_config", networks=[NET], endpoints=[A, B, H], purge=True, replace=True)
    assert host.call("macvlan_info")["endpoints"] == [{**item, "foreign_addresses": []} for item in before["endpoints"]]


def test_endpoints_exchange_all_that_they_have(host: Host) -> None:
    one = {**A, "ipv4": "10.0.0.2", "ipv6": "fd00::2", "ifname": "x0"}
    other = {**A, "name": "b", "ipv4": "10.0.0.3", "ipv6": "fd00::3", "mac": "02:00:00:00:00:0b", "netns": "b", "ifname": "y0"}
    third = {"name": "c", "network": "net", "netns": "c", "ipv4": "10.0.0.4", "ipv6": "fd00::4"}
    prepared(host, [NET], [one, other, third])
    for names in (("ipv4",), ("ipv6",), ("mac",), ("ifname",), ("ipv4", "ipv6", "mac"), ("netns",)):
        exchanged = [
            {**one, **{name: other[name] for name in names}},
            {**other, **{name: one[name] for name in names}},
            third,
        ]
        one, other, third = exchanged
        replace = "netns" in names
        done = converge(host, "macvlan_config", networks=[NET], endpoints=exchanged, replace=replace)
        assert done["changed"]
        for item in exchanged:
            link = host.links(item["netns"])[item.get("ifname", "eth0")]
            assert link["address"] == item.get("mac", link["address"])
            assert host.ping("c", item["ipv4"]) and host.ping("c", item["ipv6"])


def test_endpoints_in_one_namespace_exchange_their_interface_names_and_the_default_route(two_parents: Host) -> None:
    host = two_parents
    other = {"name": "other", "parent": "eth1", "subnets": subnets("10.5.0.0/24")}
    first = [
        {"name": "a", "network": "net", "netns": "a", "ifname": "x0"},
        {"name": "a", "network": "other", "netns": "a", "ifname": "y0", "default_route": False},
    ]
    prepared(host, [{**NET, "subnets": subnets("10.0.0.0/24")}, other], first)
    second = [{**first[0], "ifname": "y0", "default_route": False}, {**first[1], "ifname": "x0", "default_route": True}]
    converge(host, "macvlan_config", networks=[{**NET, "subnets": subnets("10.0.0.0/24")}, other], endpoints=second)
    assert host.gateway("a") == "10.5.0.1"
    assert host.addresses("x0", "a") != host.addresses("y0", "a")


def test_a_subnet_grows_and_shrinks_and_addresses_that_fit_stay(host: Host) -> None:
    prepared(host, [{**NET, "subnets": subnets("10.0.1.0/24")}], [{**B, "ipv4": "10.0.1.200"}, {**H, "ipv4": "10.0.1.5"}])
    grown = {**NET, "subnets": subnets("10.0.0.0/23")}
    refuse(host, "macvlan_network", "add replace: true", **grown)
    converge(host, "macvlan_network", **grown, replace=True)
    assert host.addresses("eth0", "b")[0] == "10.0.1.200/23" and host.gateway("b") == "10.0.0.1"
    shrunk = {**NET, "subnets": subnets("10.0.1.0/25")}
    done = converge(host, "macvlan_network", **shrunk, replace=True)
    assert done["diff"]["before"]["interrupts"] == ["endpoint net/b"]
    assert host.addresses("eth0", "b")[0] == "10.0.1.2/25"
    assert host.addresses("mv-h")[0] == "10.0.1.5/25"


def test_objects_get_new_names_with_all_that_they_have(host: Host) -> None:
    before = prepared(host, [NET], [A, B, H])
    links = {name: host.links(name)["eth0"]["ifindex"] for name in "ab"}
    done = converge(host, "macvlan_network", **{**NET, "name": "lan"}, renamed_from="net")
    assert done["diff"]["before"]["name"] == "net" and "interrupts" not in done["diff"]["before"]
    converge(host, "macvlan_endpoint", **{**A, "network": "lan", "name": "web"}, renamed_from="a")
    info = host.call("macvlan_info")
    assert info["drift"] == [] and [item["name"] for item in info["networks"]] == ["lan"]
    assert [item["name"] for item in info["endpoints"]] == ["b", "h", "web"]
    assert {name: host.links(name)["eth0"]["ifindex"] for name in "ab"} == links
    former = {item["name"]: item for item in before["endpoints"]}
    for item in info["endpoints"]:
        was = former["a" if item["name"] == "web" else item["name"]]
        assert [item[key] for key in ("ipv4", "ipv6", "mac", "netns")] == [was[key] for key in ("ipv4", "ipv6", "mac", "netns")]
    host.lose_all()
    assert host.restore().code == 0
    assert host.call("macvlan_info")["drift"] == []


def test_an_endpoint_moves_to_another_namespace(host: Host) -> None:
    before = prepared(host, [NET], [A, B])
    moved = {**A, "netns": "c"}
    refuse(host, "macvlan_endpoint", "netns: it is in namespace a and cannot be moved to namespace c", "replace: true", **moved)
    done = converge(host, "macvlan_endpoint", **moved, replace=True)
    assert [done["endpoint"][key] for key in ("ipv4", "ipv6", "mac")] == [before["endpoints"][0][key] for key in ("ipv4", "ipv6", "mac")]
    assert host.namespaces() == ["b", "c"]
    assert host.ping("b", "10.0.0.2")


@pytest.mark.needs("dummy")
def test_a_network_without_a_parent_gets_one_and_gives_it_back(host: Host) -> None:
    # Without a parent none is inferred, and an endpoint would have the address of the gateway that is inferred with one.
    gateways = [{"subnet": "10.0.0.0/24", "gateway": "10.0.0.1"}, {"subnet": "fd00::/64", "gateway": "fd00::1"}]
    bare = {"name": "net", "subnets": gateways}
    before = prepared(host, [bare], [A, B])
    converge(host, "macvlan_network", **{**NET, "subnets": gateways}, replace=True)
    assert set(host.links()) == {"lo", "eth0"}
    refuse(host, "macvlan_network", "parent was left out", "write parent: eth0", **bare)
    converge(host, "macvlan_network", **bare, replace=True)
    assert len(host.links()) == 3
    after = host.call("macvlan_info")["endpoints"]
    assert [item["ipv4"] for item in after] == [item["ipv4"] for item in before["endpoints"]]
    converge(host, "macvlan_network", **{**bare, "name": "lan"}, renamed_from="net")
    assert host.ping("a", "10.0.0.77")


@pytest.mark.needs("8021q")
def test_a_network_moves_to_another_vlan_and_the_old_one_goes(two_parents: Host) -> None:
    host = two_parents
    on_vlan = {**NET, "parent": "eth0.50"}
    before = prepared(host, [on_vlan], [A, B])
    for parent in ("eth0.51", "eth1.51", "eth1"):
        converge(host, "macvlan_network", **{**NET, "parent": parent}, replace=True)
        assert set(host.links()) == {"lo", "eth0", "eth1", parent}
        assert host.ping("a", "10.0.0.77")
    after = host.call("macvlan_info")["endpoints"]
    assert [item["ipv4"] for item in after] == [item["ipv4"] for item in before["endpoints"]]


@pytest.mark.needs("8021q")
def test_a_subinterface_gets_another_vlan_and_all_on_it_comes_back(two_parents: Host) -> None:
    host = two_parents
    sub = {"name": "v", "parent": "eth0", "vlan_id": 50}
    converge(host, "vlan_subinterface", **sub)
    before = prepared(host, [{**NET, "parent": "v"}], [A, B])
    refuse(host, "vlan_subinterface", "vlan_id is 50 and cannot become 51", "replace: true", **{**sub, "vlan_id": 51})
    done = converge(host, "vlan_subinterface", **{**sub, "parent": "eth1", "vlan_id": 51}, replace=True)
    assert done["diff"]["before"]["interrupts"] == ["endpoint net/a", "endpoint net/b"]
    after = host.call("macvlan_info")
    assert after["drift"] == []
    assert [item["ipv4"] for item in after["endpoints"]] == [item["ipv4"] for item in before["endpoints"]]
    assert host.ping("a", "10.0.0.77")


def test_the_traffic_of_others_goes_on(two_parents: Host) -> None:
    """Pings every 10 ms between endpoints of another network on the same parent, none of which is lost."""
    host = two_parents
    other = {"name": "other", "parent": "eth0", "allow_shared_parent": True, "subnets": subnets("10.5.0.0/24")}
    neighbours = [{"name": name, "network": "other", "netns": name} for name in "cd"]
    first = [{**A, "ipv4": "10.0.0.2", "routes": []}, {**A, "name": "b", "netns": "b", "ipv4": "10.0.0.3", "mac": "02:00:00:00:00:0b", "routes": []}]
    exchanged = [{**first[0], "ipv4": "10.0.0.3", "mac": first[1]["mac"]}, {**first[1], "ipv4": "10.0.0.2", "mac": first[0]["mac"]}]
    on_eth0 = {**NET, "allow_shared_parent": True}
    prepared(host, [other, on_eth0], [*neighbours, *first])
    assert host.ping("c", "10.5.0.3")
    ping = host.start(["ping", "-q", "-i", "0.01", "-c", "1500", "10.5.0.3"], netns="c", stdout=subprocess.PIPE)
    host.call("macvlan_config", networks=[other, on_eth0], endpoints=[*neighbours, *exchanged])
    for network in ({**NET, "parent": "eth1"}, on_eth0, {**on_eth0, "subnets": subnets("10.0.0.0/23", "fd00::/64")}):
        assert host.call("macvlan_network", **network, replace=True)["changed"]
    assert host.call("macvlan_network", **{**on_eth0, "subnets": subnets("10.0.0.0/23", "fd00::/64"), "name": "lan"}, renamed_from="net")["changed"]
    said, dummy = ping.communicate(timeout=300)
    assert "1500 packets transmitted, 1500 received" in said
