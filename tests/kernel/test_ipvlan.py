# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks with the driver ipvlan: endpoints, their modes, changes, drift, restoration, removal, and what the kernel does not permit."""

from __future__ import annotations

import os
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.faults import StepFailure
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import wait_until
from ansible_collections.fleetnet.macvlan.tests.support.tasks import NOTHING_LISTED, converge, endpoint, gone, network, refuse, subnets

pytestmark = [pytest.mark.engine, pytest.mark.needs("ipvlan")]

DUAL = subnets("10.0.0.0/24", "fd00::/64")
IPVLAN: dict[str, t.Any] = {"driver": "ipvlan", "subnets": DUAL}
MODES = ("l2", "l3", "l3s")
ROUTED = ("l3", "l3s")


def mode_of(host: Host, netns: str, ifname: str = "eth0") -> str:
    info = host.links(netns)[ifname]["linkinfo"]
    assert info["info_kind"] == "ipvlan"
    return str(info["info_data"]["mode"])


def defaults(host: Host, netns: str) -> list[tuple[str, str | None]]:
    """(device, next hop) of the default routes, IPv4 first."""
    return [(item["dev"], item.get("gateway")) for version in (4, 6) for item in host.routes(netns, version) if item["dst"] == "default"]


def has_link_local(host: Host, netns: str) -> bool:
    """Whether the kernel has ended the detection of duplicates of the link-local address."""
    return any(item["dst"].startswith("fe80::") for item in host.ip("-6", "route", "show", "table", "local", "type", "local", netns=netns))


def refused_mode(host: Host, mode: str, *words: str) -> None:
    refuse(host, "macvlan_network", *words, name="net", parent="eth0", mode=mode, **IPVLAN)


# --- endpoints ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_an_endpoint_says_everything_about_itself(host: Host, mode: str) -> None:
    made = network(host, mode=mode, **IPVLAN)
    assert (made["driver"], made["mode"]) == ("ipvlan", mode)
    routed = mode in ROUTED
    assert [(item["gateway"], item["gateway_inferred"]) for item in made["subnets"]] == (
        [(None, False)] * 2 if routed else [("10.0.0.1", True), ("fd00::1", True)]
    )
    parent = host.links()["eth0"]["address"]
    shown = endpoint(host, "web", routes=[{"to": "10.9.0.0/16", "via": "10.0.0.9"}], sysctls={"net.ipv4.conf.IFNAME.rp_filter": 2})
    first = 1 if routed else 2
    assert shown["mac"] == parent
    assert (shown["ipv4"], shown["ipv6"]) == (f"10.0.0.{first}/24", f"fd00::{2 if not routed else 1}/64")
    assert (shown["gateway4"], shown["gateway6"]) == ((None, None) if routed else ("10.0.0.1", "fd00::1"))
    assert (shown["default_route"], shown["mode"], shown["mtu"]) == (True, mode, 1500)
    assert host.links("web")["eth0"]["address"] == parent
    assert mode_of(host, "web") == mode
    assert {shown["ipv4"], shown["ipv6"]} <= set(host.addresses("eth0", "web"))
    assert defaults(host, "web") == ([("eth0", None)] * 2 if routed else [("eth0", "10.0.0.1"), ("eth0", "fd00::1")])
    assert host.call("macvlan_info")["drift"] == []


@pytest.mark.parametrize("mode", MODES)
def test_endpoints_reach_each_other_and_not_the_address_of_their_parent(host: Host, mode: str) -> None:
    host.ip("address", "add", "10.0.0.250/24", "dev", "eth0")
    network(host, mode=mode, **IPVLAN)
    one, other = endpoint(host, "a"), endpoint(host, "b")
    for key in ("ipv4", "ipv6"):
        assert host.ping("a", other[key].partition("/")[0]) and host.ping("b", one[key].partition("/")[0])
    assert not host.ping("a", "10.0.0.250", timeout=1)


def test_endpoints_reach_the_wire_in_mode_l2(host: Host) -> None:
    network(host, **IPVLAN)
    host.wire.add_address("10.0.0.1/24")
    host.wire.add_address("fd00::1/64")
    endpoint(host, "a")
    assert host.ping("a", "10.0.0.1") and host.ping("a", "fd00::1")


@pytest.mark.parametrize("mode", ROUTED)
def test_the_host_routes_what_endpoints_send_in_a_routed_mode(host: Host, mode: str) -> None:
    """The machine on the wire has a route to the endpoints by way of the host, as a router has it."""
    host.ip("address", "add", "10.5.0.2/24", "dev", "eth0")
    host.wire.add_address("10.5.0.1/24")
    network(host, mode=mode, driver="ipvlan", subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    host.wire.run(["ip", "route", "add", "10.0.0.0/24", "via", "10.5.0.2"])
    assert host.ping("a", "10.5.0.1")


@pytest.mark.parametrize("mode", MODES)
def test_an_endpoint_changes_in_place(host: Host, mode: str) -> None:
    network(host, mode=mode, **IPVLAN)
    endpoint(host, "a")
    index = host.links("a")["eth0"]["ifindex"]
    changed = endpoint(
        host, "a", ifname="x0", ipv4="10.0.0.9", ipv6="fd00::9", mtu=1400, default_route=False, routes=[{"to": "10.9.0.0/16"}], labels={"a": "b"}
    )
    assert host.links("a")["x0"]["ifindex"] == index and host.links("a")["x0"]["mtu"] == 1400
    assert {"10.0.0.9/24", "fd00::9/64"} <= set(host.addresses("x0", "a"))
    assert defaults(host, "a") == [] and changed["default_route"] is False
    endpoint(host, "a", ifname="x0", ipv4="10.0.0.9", ipv6="fd00::9")
    assert len(defaults(host, "a")) == 2


def test_a_mac_address_is_refused(host: Host) -> None:
    network(host, **IPVLAN)
    words = ("mac: an ipvlan endpoint has the MAC address of its parent eth0", "leave mac out")
    refuse(host, "macvlan_endpoint", *words, name="a", network="net", netns="a", mac="02:00:00:00:00:07")
    item = {"name": "a", "network": "net", "netns": "a", "mac": "02:00:00:00:00:07"}
    refuse(host, "macvlan_config", *words, networks=[{"name": "net", "parent": "eth0", **IPVLAN}], endpoints=[item])


def test_endpoints_are_in_every_kind_of_namespace(host: Host) -> None:
    network(host, **IPVLAN)
    host.run(["ip", "netns", "add", "old"])
    endpoint(host, "path", netns_path="/run/netns/old")
    host.run(["ip", "netns", "add", "new"])
    endpoint(host, "process", pid=host.process_in("new").pid, ifname="net0")
    assert host.call("macvlan_info")["drift"] == []
    gone(host, "macvlan_endpoint", name="process", network="net")
    converge(host, "macvlan_endpoint", name="h", network="net")
    assert host.ping(None, "10.0.0.2")
    assert mode_of(host, "old") == "l2" and host.links()["mv-h"]["linkinfo"]["info_kind"] == "ipvlan"


def test_links_without_addresses(host: Host) -> None:
    network(host, driver="ipvlan", ipam="none")
    assert endpoint(host, "a")["mac"] == host.links()["eth0"]["address"]
    host.ip("address", "add", "10.7.0.1/24", "dev", "eth0", netns="a")
    assert not host.call("macvlan_endpoint", name="a", network="net", netns="a")["changed"]


@pytest.mark.needs("dummy")
@pytest.mark.parametrize("mode", MODES)
def test_a_network_without_a_parent_is_internal(host: Host, mode: str) -> None:
    made = network(host, parent=None, mode=mode, **IPVLAN)
    assert made["internal"] and made["parent"].startswith("dm-")
    one, other = endpoint(host, "a"), endpoint(host, "b")
    assert defaults(host, "a") == []
    assert host.ping("a", other["ipv4"].partition("/")[0]) and host.ping("b", one["ipv6"].partition("/")[0])
    gone(host, "macvlan_network", name="net", force=True)
    assert list(host.links()) == ["lo", "eth0"]


@pytest.mark.needs("8021q")
def test_a_vlan_is_created_for_it_and_goes_with_it(host: Host) -> None:
    network(host, parent="eth0.50", **IPVLAN)
    endpoint(host, "a")
    assert host.links("a")["eth0"]["link_index"] == host.links()["eth0.50"]["ifindex"]
    gone(host, "macvlan_network", name="net", force=True)
    assert list(host.links()) == ["lo", "eth0"] and host.namespaces() == []


@pytest.mark.needs("8021q")
def test_its_links_follow_the_mtu_and_the_mac_address_of_a_vlan(host: Host) -> None:
    vlan = {"parent": "eth0", "vlan_id": 50}
    converge(host, "vlan_subinterface", **vlan, mtu=1400)
    network(host, parent="eth0.50", **IPVLAN)
    endpoint(host, "a")
    endpoint(host, "b", mtu=1300)
    for mtu in (1450, 1380):
        converge(host, "vlan_subinterface", **vlan, mtu=mtu)
        assert [host.links(name)["eth0"]["mtu"] for name in "ab"] == [mtu, 1300]
        assert host.call("macvlan_info")["drift"] == []
    converge(host, "vlan_subinterface", **vlan, mtu=1380, mac="02:00:00:00:00:50")
    shown = host.call("macvlan_info")
    assert shown["drift"] == [] and {item["mac"] for item in shown["endpoints"]} == {"02:00:00:00:00:50"}
    assert not host.call("macvlan_endpoint", name="a", network="net", netns="a")["changed"]


# --- modes ----------------------------------------------------------------------------------------------------------


def test_the_mode_changes_in_place_and_default_routes_with_it(host: Host) -> None:
    network(host, mode="l3", **IPVLAN)
    endpoint(host, "a", ipv4="10.0.0.7", ipv6="fd00::7")
    endpoint(host, "b", ipv4="10.0.0.8", ipv6="fd00::8", default_route=False)
    index = host.links("a")["eth0"]["ifindex"]
    for mode in ("l3s", "l2", "l3", "l2", "l3s", "l3"):
        done = converge(host, "macvlan_network", name="net", parent="eth0", mode=mode, **IPVLAN)
        assert [mode_of(host, name) for name in "ab"] == [mode] * 2
        assert defaults(host, "a") == ([("eth0", None)] * 2 if mode in ROUTED else [("eth0", "10.0.0.1"), ("eth0", "fd00::1")])
        assert defaults(host, "b") == [] and "interrupts" not in done["diff"]["before"]
        assert host.ping("a", "10.0.0.8") and host.ping("b", "fd00::7")
        assert host.call("macvlan_info")["drift"] == []
    assert host.links("a")["eth0"]["ifindex"] == index


def test_a_gateway_that_is_inferred_again_must_be_free(host: Host) -> None:
    network(host, mode="l3", **IPVLAN)
    assert endpoint(host, "a")["ipv4"] == "10.0.0.1/24"
    refused_mode(host, "l2", "10.0.0.1", "held by endpoint net/a")
    done = converge(host, "macvlan_network", name="net", parent="eth0", replace=True, **IPVLAN)
    assert done["diff"]["before"]["interrupts"] == ["endpoint net/a"]
    assert "10.0.0.2/24" in host.addresses("eth0", "a")


def test_a_step_that_fails_leaves_mode_and_routes_as_they_were(host: Host) -> None:
    network(host, mode="l3", **IPVLAN)
    for name in "ab":
        endpoint(host, name, ipv4=f"10.0.0.{7 + 'ab'.index(name)}", ipv6=f"fd00::{7 + 'ab'.index(name)}")
    before = host.snapshot()
    steps = len(host.call("macvlan_network", check=True, name="net", parent="eth0", **IPVLAN)["steps"])
    for position in range(1, steps):
        host.call("macvlan_network", fails=True, within=StepFailure(position), name="net", parent="eth0", **IPVLAN)
        assert host.snapshot() == before
    assert host.call("macvlan_info")["drift"] == []


def test_two_networks_on_a_parent_have_one_mode(host: Host) -> None:
    network(host, **IPVLAN)
    other = {"name": "other", "parent": "eth0", "driver": "ipvlan", "subnets": subnets("10.1.0.0/24"), "allow_shared_parent": True}
    refuse(host, "macvlan_network", "network net is on eth0 too and has mode l2", "one mode for all ipvlan links", **other, mode="l3")
    converge(host, "macvlan_network", **other)
    endpoint(host, "a")
    endpoint(host, "b", "other")
    refused_mode(host, "l3", "network other is on eth0 too and has mode l2", "macvlan_config")
    both = [{"name": "net", "parent": "eth0", **IPVLAN, "mode": "l3s"}, {**other, "mode": "l3s"}]
    listed = [{"name": "a", "network": "net", "netns": "a"}, {"name": "b", "network": "other", "netns": "b"}]
    done = converge(host, "macvlan_config", networks=both, endpoints=listed)
    assert [mode_of(host, name) for name in "ab"] == ["l3s"] * 2
    assert sum("change mode of" in step and " from " in step for step in done["steps"]) == 1
    assert host.call("macvlan_info")["drift"] == []


def test_the_two_kinds_exclude_each_other_on_a_parent(host: Host) -> None:
    shared = {"name": "other", "parent": "eth0", "subnets": subnets("10.1.0.0/24"), "allow_shared_parent": True}
    network(host, **IPVLAN)
    refuse(host, "macvlan_network", "its driver is macvlan", "network net", "has the driver ipvlan", **shared)
    gone(host, "macvlan_network", name="net")
    network(host, subnets=DUAL)
    refuse(host, "macvlan_network", "its driver is ipvlan", "network net", "has the driver macvlan", **shared, driver="ipvlan")


@pytest.mark.parametrize("where", ["here", "in another namespace"])
def test_foreign_links_of_the_other_kind_keep_it_off(host: Host, where: str) -> None:
    host.ip("link", "add", "link", "eth0", "name", "mv0", "type", "macvlan", "mode", "bridge")
    if where != "here":
        host.run(["ip", "netns", "add", "c1"])
        host.ip("link", "set", "mv0", "netns", "c1")
    refuse(host, "macvlan_network", "eth0 carries the macvlan link mv0", "receives all its frames", name="net", parent="eth0", **IPVLAN)


def test_foreign_links_of_its_kind_keep_their_mode(host: Host) -> None:
    host.ip("link", "add", "link", "eth0", "name", "ipvl0", "type", "ipvlan", "mode", "l3")
    refused_mode(host, "l2", "the ipvlan link ipvl0 in mode l3", "one mode for all ipvlan links on a parent")
    network(host, mode="l3", **IPVLAN)
    endpoint(host, "a")
    refused_mode(host, "l2", "the ipvlan link ipvl0 in mode l3")


def test_an_address_of_a_foreign_link_on_the_parent_is_refused_by_the_kernel_and_nothing_stays(host: Host) -> None:
    host.run(["ip", "netns", "add", "c1"])
    host.ip("link", "add", "link", "eth0", "name", "ipvl0", "type", "ipvlan", "mode", "l2")
    host.ip("link", "set", "ipvl0", "netns", "c1")
    host.ip("address", "add", "10.0.0.5/24", "dev", "ipvl0", netns="c1")
    network(host, **IPVLAN)
    before = host.snapshot()
    done = host.call("macvlan_endpoint", fails=True, name="a", network="net", netns="a", ipv4="10.0.0.5")
    assert "10.0.0.5" in done["msg"] and "another ipvlan link on the same parent" in done["msg"]
    assert host.snapshot() == before


# --- another driver, another address --------------------------------------------------------------------------------


def test_the_driver_of_an_empty_network_changes_as_its_other_options(host: Host) -> None:
    network(host, subnets=DUAL)
    for wanted in (IPVLAN, {"subnets": DUAL}, {**IPVLAN, "mode": "l3s"}):
        network(host, **wanted)
    endpoint(host, "a")
    assert host.call("macvlan_info")["drift"] == []
    refuse(host, "macvlan_network", "driver is ipvlan", "replace: true", "endpoints a", name="net", parent="eth0", subnets=DUAL)


def test_the_driver_is_replaced_with_all_that_still_fits(make_host: MakeHost) -> None:
    host = make_host("eth0")
    network(host, subnets=DUAL, labels={"a": "b"})
    endpoint(host, "a", ipv4="10.0.0.9", routes=[{"to": "10.9.0.0/16", "via": "10.0.0.3"}])
    endpoint(host, "b", netns="b")
    wanted = {"name": "net", "parent": "eth0", "labels": {"a": "b"}, **IPVLAN}
    refuse(host, "macvlan_network", "driver is macvlan and cannot become ipvlan in place", "replace: true", "endpoints a, b", **wanted)
    before = host.call("macvlan_info")["endpoints"]
    done = converge(host, "macvlan_network", **wanted, replace=True)
    assert done["diff"]["before"]["interrupts"] == ["endpoint net/a", "endpoint net/b"]
    after = host.call("macvlan_info")
    parent = host.links()["eth0"]["address"]
    assert after["drift"] == []
    assert after["endpoints"] == [{**item, "mode": "l2", "mac": parent} for item in before]
    assert host.ping("a", after["endpoints"][1]["ipv4"].partition("/")[0])
    converge(host, "macvlan_network", **{**wanted, "driver": "macvlan"}, replace=True)
    assert host.call("macvlan_info")["endpoints"] == before


def test_endpoints_exchange_their_addresses(host: Host) -> None:
    network(host, **IPVLAN)
    for name, last in (("a", 7), ("b", 8)):
        endpoint(host, name, ipv4=f"10.0.0.{last}", ipv6=f"fd00::{last}")
    items = [{"name": name, "network": "net", "netns": name, "ipv4": f"10.0.0.{last}", "ipv6": f"fd00::{last}"} for name, last in (("a", 8), ("b", 7))]
    converge(host, "macvlan_config", networks=[{"name": "net", "parent": "eth0", **IPVLAN}], endpoints=items)
    assert "10.0.0.8/24" in host.addresses("eth0", "a") and "fd00::7/64" in host.addresses("eth0", "b")
    assert host.ping("a", "10.0.0.7") and host.ping("b", "fd00::8")


def test_a_subnet_grows_and_addresses_stay_with_another_length(host: Host) -> None:
    network(host, driver="ipvlan", subnets=subnets("10.0.1.0/24"))
    endpoint(host, "a", ipv4="10.0.1.200")
    grown = {"name": "net", "parent": "eth0", "driver": "ipvlan", "subnets": subnets("10.0.0.0/23")}
    done = converge(host, "macvlan_network", **grown, replace=True)
    assert done["diff"]["before"]["interrupts"] == ["endpoint net/a"]
    assert host.addresses("eth0", "a")[0] == "10.0.1.200/23" and host.gateway("a") == "10.0.0.1"


# --- drift, restoration, a lost record ------------------------------------------------------------------------------


CHANGES: list[t.Any] = [
    pytest.param(("link", "set", "eth0", "mtu", "1400"), {"mtu"}, id="mtu"),
    pytest.param(("link", "set", "eth0", "down"), {"up", "default_route", "ipv6"}, id="down"),
    pytest.param(("link", "set", "eth0", "alias", ""), {"link"}, id="tag"),
    pytest.param(("address", "del", "10.0.0.7/24", "dev", "eth0"), {"ipv4", "default_route"}, id="address"),
    pytest.param(("route", "del", "default"), {"default_route"}, id="default route"),
    pytest.param(("link", "del", "eth0"), {"link"}, id="link"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("command", "fields"), CHANGES)
def test_what_others_change_is_told_and_put_right(host: Host, mode: str, command: tuple[str, ...], fields: set[str]) -> None:
    network(host, mode=mode, **IPVLAN)
    endpoint(host, "a", ipv4="10.0.0.7", ipv6="fd00::7")
    wait_until(lambda: has_link_local(host, "a"), "the link has no link-local address")
    host.ip(*command, netns="a")
    drift = host.call("macvlan_info")["drift"]
    assert fields & {item["field"] for item in drift}, drift
    converge(host, "macvlan_endpoint", name="a", network="net", netns="a", ipv4="10.0.0.7", ipv6="fd00::7")
    assert host.call("macvlan_info")["drift"] == []
    assert len(defaults(host, "a")) == 2


def test_a_changed_mode_is_told_of_all_and_put_right_by_one(host: Host) -> None:
    network(host, **IPVLAN)
    endpoint(host, "a")
    endpoint(host, "b")
    host.ip("link", "set", "eth0", "type", "ipvlan", "mode", "l3", netns="a")
    drift = host.call("macvlan_info")["drift"]
    told = sorted((item["object"], item["field"], item["actual"]) for item in drift)
    assert told == [("endpoint net/a", "mode", "l3"), ("endpoint net/b", "mode", "l3")]
    converge(host, "macvlan_endpoint", name="a", network="net", netns="a")
    assert host.call("macvlan_info")["drift"] == []


@pytest.mark.parametrize("mode", MODES)
def test_everything_is_back_after_a_boot(host: Host, mode: str) -> None:
    network(host, mode=mode, host_access=True if mode == "l2" else None, **IPVLAN)
    endpoint(host, "a", mtu=1400)
    endpoint(host, "b", default_route=False)
    before = host.call("macvlan_info")
    host.lose_all()
    assert host.restore().code == 0
    after = host.call("macvlan_info")
    assert after["drift"] == []
    assert after["networks"] == before["networks"]
    parent = host.links()["eth0"]["address"]
    assert {host.links(name)["eth0"]["address"] for name in "ab"} == {parent}
    assert host.ping("a", before["endpoints"][1]["ipv4"].partition("/")[0])


@pytest.mark.parametrize("mode", MODES)
def test_links_of_a_lost_record_are_adopted(host: Host, mode: str) -> None:
    network(host, mode=mode, **IPVLAN)
    before = endpoint(host, "a", ipv4="10.0.0.77", ipv6="fd00::77")
    index = host.links("a")["eth0"]["ifindex"]
    host.run(["sh", "-c", f"rm -f {host.state_dir}/state.db*"])
    host.run_command("recover")
    network(host, mode=mode, **IPVLAN)
    assert converge(host, "macvlan_endpoint", name="a", network="net", netns="a")["endpoint"] == before
    assert host.links("a")["eth0"]["ifindex"] == index


@pytest.mark.parametrize("mode", MODES)
def test_removal_leaves_nothing(host: Host, mode: str) -> None:
    network(host, mode=mode, **IPVLAN)
    for number in range(6):
        endpoint(host, f"e{number}")
    converge(host, "macvlan_endpoint", name="h", network="net")
    gone(host, "macvlan_endpoint", name="e0", network="net")
    gone(host, "macvlan_network", name="net", force=True)
    assert list(host.links()) == ["lo", "eth0"] and host.namespaces() == []


def test_many_endpoints_come_and_go_together(host: Host) -> None:
    listed = [{"name": f"e{number}", "network": "net", "netns": f"e{number}"} for number in range(30)]
    wanted = {"networks": [{"name": "net", "parent": "eth0", **IPVLAN}], "endpoints": listed}
    converge(host, "macvlan_config", **wanted)
    assert host.call("macvlan_info")["drift"] == []
    converge(host, "macvlan_config", **NOTHING_LISTED)
    assert list(host.links()) == ["lo", "eth0"] and host.namespaces() == []


# --- probing, access of the host, the connection of the control node ------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_the_parent_asks_its_neighbours(host: Host, mode: str) -> None:
    network(host, mode=mode, **IPVLAN)
    first = 1 if mode in ROUTED else 2
    host.wire.add_address(f"10.0.0.{first}/24")
    host.wire.add_address(f"fd00::{first}/64")
    refuse(host, "macvlan_endpoint", f"10.0.0.{first} is in use on eth0", name="a", network="net", netns="a", ipv4=f"10.0.0.{first}")
    done = host.call("macvlan_endpoint", name="a", network="net", netns="a")
    assert (done["endpoint"]["ipv4"], done["endpoint"]["ipv6"]) != (f"10.0.0.{first}/24", f"fd00::{first}/64")
    assert len(done["probed"]["conflicts"]) == 2 and done["probed"]["not_probed"] == []


def test_host_and_endpoints_reach_each_other(host: Host) -> None:
    made = network(host, host_access=True, **IPVLAN)
    assert made["host_access"]["addresses"] == ["10.0.0.2/32", "fd00::2/128"]
    assert host.links()["mv-net"]["linkinfo"]["info_kind"] == "ipvlan"
    endpoint(host, "a")
    for netns, addresses in ((None, ("10.0.0.3", "fd00::3")), ("a", ("10.0.0.2", "fd00::2"))):
        assert all(host.ping(netns, address) for address in addresses)
    gone(host, "macvlan_endpoint", name="a", network="net")
    converge(host, "macvlan_network", name="net", parent="eth0", **IPVLAN)
    assert "mv-net" not in host.links()


@pytest.mark.parametrize("mode", MODES)
def test_the_connection_by_the_parent_is_kept(host: Host, mode: str) -> None:
    def by_ssh() -> None:
        os.environ.update(SSH_CONNECTION="10.5.0.9 50000 10.5.0.2 22")

    host.ip("address", "add", "10.5.0.2/24", "dev", "eth0")
    host.wire.add_address("10.5.0.9/24")
    wanted = {"name": "net", "parent": "eth0", "mode": mode, **IPVLAN}
    done = host.call("macvlan_network", hook=by_ssh, **wanted)
    assert done.get("warnings", []) == []
    done = host.call("macvlan_endpoint", hook=by_ssh, name="a", network="net", netns="a")
    assert done.get("warnings", []) == [] and host.ping(None, "10.5.0.9")
    done = host.call("macvlan_endpoint", hook=by_ssh, name="a", network="net", state="absent")
    assert host.ping(None, "10.5.0.9")
