# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole hosts on real links: made, changed and cleared in one task each, and deletions of many at once."""

from __future__ import annotations

import resource
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import delete
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import wait_until
from ansible_collections.fleetnet.macvlan.tests.support.module_call import Hook
from ansible_collections.fleetnet.macvlan.tests.support.tasks import NOTHING_LISTED, converge, endpoint, network, refuse, subnets

Items = list[dict[str, t.Any]]

NET = {"name": "net", "parent": "eth0", "subnets": subnets("10.0.0.0/16")}
MANY = 12


def config(host: Host, networks: Items | None = None, endpoints: Items | None = None, **params: t.Any) -> dict[str, t.Any]:
    """A task that lists all there shall be."""
    listed = {"networks": networks or [], "endpoints": endpoints or []}
    return converge(host, "macvlan_config", **{**NOTHING_LISTED, **listed, **params})


def many(prefix: str = "e", count: int = MANY, **params: t.Any) -> Items:
    """Endpoints of net, each in a namespace of its own name."""
    names = [f"{prefix}{number}" for number in range(count)]
    return [{"name": name, "network": "net", "netns": name, **params} for name in names]


def test_a_host_is_made_changed_and_cleared_in_a_task_each(make_host: MakeHost) -> None:
    host = make_host("eth0", "eth1")
    empty = host.snapshot().without_state()
    networks = [NET, {"name": "six", "parent": "eth1", "subnets": subnets("fd00:6::/64"), "internal": True}]
    endpoints = [
        {"name": "a", "network": "net", "netns": "a"},
        {"name": "b", "network": "net", "netns": "b", "ipv4": "10.0.0.2"},
        {"name": "b", "network": "six", "netns": "b", "ifname": "eth1"},
        {"name": "a", "network": "six", "netns": "a", "ifname": "eth1"},
    ]
    made = config(host, networks, endpoints)
    assert [item["ipv4"] for item in made["endpoints"]] == ["10.0.0.3/16", "10.0.0.2/16", None, None]
    assert host.ping("a", "10.0.0.2") and host.ping("b", "fd00:6::2")

    changed = config(host, [networks[0]], [{**endpoints[0], "mtu": 1400}, endpoints[1]])
    assert set(changed["diff"]["before"]) == {"network six", "endpoint net/a", "endpoint six/a", "endpoint six/b"}
    assert set(changed["diff"]["after"]) == {"endpoint net/a"}
    assert host.links("a")["eth0"]["mtu"] == 1400
    assert set(host.links("b")) == {"lo", "eth0"}
    assert host.ping("a", "10.0.0.2")

    cleared = config(host)
    assert (cleared["networks"], cleared["endpoints"]) == ([], [])
    assert host.snapshot().without_state() == empty


def test_what_is_not_listed_stays_without_purge(host: Host) -> None:
    config(host, [NET], many(count=2))
    added = config(host, [], many("f", 1), purge=False)
    assert [item["name"] for item in added["endpoints"]] == ["e0", "e1", "f0"]


def test_nothing_is_removed_by_omission(host: Host) -> None:
    config(host, [NET], many(count=2))
    before = host.snapshot()
    refuse(host, "macvlan_config", "no list is given", "[]", purge=True)
    refuse(host, "macvlan_config", "network net has the endpoints e0, e1", "endpoints", networks=[], purge=True)
    for nothing in ({"networks": [NET]}, {"endpoints": many(count=2)}, {"vlan_subinterfaces": []}):
        assert not host.call("macvlan_config", **nothing, purge=True)["changed"]
    assert host.snapshot() == before
    assert converge(host, "macvlan_config", endpoints=[], purge=True)["networks"] != []
    assert host.namespaces() == []


def test_a_host_is_what_single_tasks_make_of_it(make_host: MakeHost) -> None:
    one, other = make_host(), make_host()
    config(one, [NET], many(count=3))
    network(other, subnets=NET["subnets"])
    for item in many(count=3):
        endpoint(other, item["name"])
    # Each has a UUID of its own.
    shown = [{**host.call("macvlan_info"), "host": None} for host in (one, other)]
    assert shown[0] == shown[1]
    assert one.links("e1")["eth0"]["addr_info"] == other.links("e1")["eth0"]["addr_info"]


def test_one_wrong_item_refuses_the_whole_task_and_all_of_them_are_named(host: Host) -> None:
    before = host.snapshot()
    networks = [{**NET, "mtu": 5}, {"name": "x y", "parent": "eth0"}]
    endpoints = [{"name": "a", "network": "net", "netns": "a", "ipv4": "10.0.0.300"}]
    words = ("networks[0] (net): mtu", "networks[1] (x y): network name", "endpoints[0] (a): ipv4")
    refuse(host, "macvlan_config", *words, networks=networks, endpoints=endpoints)
    refuse(host, "macvlan_config", "endpoints[0] (a): ", "colour", endpoints=[{"name": "a", "network": "net", "colour": 1}])
    alone = [{"name": "a", "network": "net"}]
    assert host.call("macvlan_config", check=True, endpoints=alone)["endpoints"][0]["ipv4"] is None
    assert "endpoint net/a: there is no network net" in host.call("macvlan_config", fails=True, endpoints=alone)["msg"]
    refuse(host, "macvlan_config", "eth7", networks=[NET, {"name": "far", "parent": "eth7"}])
    assert host.snapshot() == before


def test_a_namespace_and_its_endpoint_change_hands_without_being_made_again(host: Host) -> None:
    config(host, [NET], [{"name": "old", "network": "net", "netns": "ns"}])
    identity = host.run(["stat", "-c", "%i", "/run/netns/ns"]).stdout
    config(host, [NET], [{"name": "new", "network": "net", "netns": "ns"}])
    assert host.run(["stat", "-c", "%i", "/run/netns/ns"]).stdout == identity
    assert host.addresses("eth0", "ns")[0] == "10.0.0.2/16"


# --- many -----------------------------------------------------------------------------------------------------------


def test_many_are_removed_wherever_they_are_and_nothing_else(host: Host) -> None:
    """In namespaces that go with them, in some that were there before, several in one, and in the host's own."""
    theirs = [f"theirs{number}" for number in range(MANY)]
    for name in theirs:
        host.run(["ip", "netns", "add", name])
    host.ip("link", "add", "mine", "link", "eth0", "type", "macvlan", "mode", "bridge")
    before = host.snapshot().without_state()
    inner = {"name": "inner", "parent": "eth0", "allow_shared_parent": True, "ipam": "none"}
    endpoints = [
        *many(),
        *({"name": name, "network": "net", "netns": name} for name in theirs),
        *({"name": f"e{number}", "network": "inner", "netns": f"e{number}", "ifname": "eth1"} for number in range(3)),
        *({"name": f"h{number}", "network": "inner"} for number in range(3)),
    ]
    config(host, [NET, inner], endpoints)
    assert len([name for name in host.links() if name.startswith("mv-h")]) == 3
    config(host)
    assert host.snapshot().without_state() == before


def test_many_that_are_new_reach_each_other_and_are_heard_by_those_that_were_there(host: Host) -> None:
    config(host, [NET], [{"name": "old", "network": "net", "netns": "old"}])
    stale = ["10.0.0.50", "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "stale"]
    host.ip("neigh", "add", *stale, netns="old")
    new = [{**item, "ipv4": f"10.0.0.{50 + number}"} for number, item in enumerate(many())]
    host.call("macvlan_config", networks=[NET], endpoints=new)
    known = ["neigh", "show", "10.0.0.50"]
    wait_until(
        lambda: host.ip(*known, netns="old")[0]["lladdr"] == "02:42:0a:00:00:32", "the new endpoint was not heard"
    )
    assert host.ping("e0", "10.0.0.61") and host.ping("old", "10.0.0.50")
    assert {host.links(item["netns"])["eth0"]["linkinfo"]["info_data"]["mode"] for item in new} == {"bridge"}


def test_what_was_removed_can_be_made_again_at_once(host: Host) -> None:
    for dummy in range(3):
        host.call("macvlan_config", networks=[NET], endpoints=many(), purge=True)
        host.call("macvlan_config", **NOTHING_LISTED)
    assert host.links()["eth0"]["promiscuity"] == 0
    assert host.namespaces() == []


def silent_filters() -> None:
    """A hook: parents do not tell which addresses they take frames for, as vxlan links and some drivers do not."""

    def nothing(*dummy: object) -> set[tuple[int, str]]:
        return set()

    delete.Deletions._filters = nothing  # type: ignore[method-assign]


@pytest.mark.parametrize("hook", [None, silent_filters], ids=["visible filters", "hidden filters"])
def test_a_namespace_that_is_held_by_an_open_file_loses_its_link_anyway(host: Host, hook: Hook | None) -> None:
    config(host, [NET], many())
    holder = host.start(["sh", "-c", "exec 3</run/netns/e5 && touch /var/lib/held && exec sleep 300"])
    wait_until(host.path("/var/lib/held").exists, "the file was not opened")
    host.call("macvlan_config", hook=hook, **NOTHING_LISTED)
    assert host.namespaces() == []
    assert host.links()["eth0"]["promiscuity"] == 0
    left = host.run(["nsenter", f"--net=/proc/{holder.pid}/fd/3", "ip", "-brief", "link"]).stdout
    assert [line.split()[0] for line in left.splitlines()] == ["lo"]


def test_a_mac_address_that_another_link_also_filters_for_does_not_block_forever(host: Host) -> None:
    host.run(["bridge", "fdb", "add", "02:42:0a:00:00:04", "dev", "eth0", "self"])
    config(host, [NET], many())
    host.call("macvlan_config", **NOTHING_LISTED)
    assert host.namespaces() == []


def test_a_namespace_that_is_known_by_two_paths_goes_with_its_last_endpoint(host: Host) -> None:
    before = host.snapshot().without_state()
    inner = {"name": "inner", "parent": "eth0", "allow_shared_parent": True, "ipam": "none"}
    config(host, [NET, inner], [{"name": "a", "network": "net", "netns": "x"}])
    path = {"name": "b", "network": "inner", "netns_path": "/run/../run/netns/x", "ifname": "eth1"}
    config(host, [NET, inner], [path], purge=False)
    assert set(host.links("x")) == {"lo", "eth0", "eth1"}
    assert "warnings" not in config(host)
    assert host.snapshot().without_state() == before


def test_a_value_that_the_kernel_does_not_take_is_said_to_be_wrong(host: Host) -> None:
    endpoints = many(count=1, sysctls={"net.ipv4.conf.IFNAME.arp_notify": "4294967296"})
    message = host.call("macvlan_config", networks=[NET], endpoints=endpoints, fails=True)["msg"]
    refusal = "cannot set net.ipv4.conf.eth0.arp_notify to '4294967296' in namespace e0: Invalid argument"
    assert message.startswith(f"endpoint net/e0: {refusal}")
    assert host.namespaces() == []


def test_any_number_of_namespaces_needs_few_open_files(host: Host) -> None:
    def hook() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

    count = 60
    made = host.call("macvlan_config", hook=hook, networks=[NET], endpoints=many(count=count), purge=True)
    assert len(made["endpoints"]) == len(host.namespaces()) == count
    assert not host.call("macvlan_config", hook=hook, networks=[NET], endpoints=many(count=count))["changed"]
    host.call("macvlan_config", hook=hook, **NOTHING_LISTED)
    assert host.namespaces() == []


# --- sub-interfaces -------------------------------------------------------------------------------------------------


@pytest.mark.needs("8021q")
def test_sub_interfaces_come_before_and_go_after_what_is_on_them(host: Host) -> None:
    before = host.snapshot().without_state()
    made = config(
        host,
        [{"name": "q", "parent": "eth0.10.20", "subnets": subnets("10.2.0.0/24")}],
        [{"name": "a", "network": "q", "netns": "a"}],
        vlan_subinterfaces=[{"name": "eth0.10.20", "mtu": 1400}, {"name": "eth0.10"}],
    )
    assert made["steps"][1].startswith("create VLAN link eth0.10 ")
    assert host.links("a")["eth0"]["mtu"] == 1400
    config(host)
    assert host.snapshot().without_state() == before


@pytest.mark.needs("8021q")
def test_a_sub_interface_that_is_no_longer_declared_goes_with_its_network(host: Host) -> None:
    on_it = [{"name": "v", "parent": "eth0.10", "subnets": subnets("10.2.0.0/24")}]
    config(host, on_it, vlan_subinterfaces=[{"name": "eth0.10"}])
    index = host.links()["eth0.10"]["ifindex"]
    config(host, on_it)
    assert host.links()["eth0.10"]["ifindex"] == index
    config(host)
    assert "eth0.10" not in host.links()


@pytest.mark.needs("8021q")
def test_every_vlan_of_a_link_in_one_task(host: Host) -> None:
    before = host.snapshot().without_state()
    every = [{"parent": "eth0", "vlan_id": vlan_id} for vlan_id in range(1, 4095)]
    made = host.call("macvlan_config", vlan_subinterfaces=every)
    assert len(made["vlan_subinterfaces"]) == 4094
    assert len([name for name in host.links() if name.startswith("eth0.")]) == 4094
    assert not host.call("macvlan_config", vlan_subinterfaces=every)["changed"]
    host.call("macvlan_config", **NOTHING_LISTED)
    assert host.snapshot().without_state() == before
