# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several VLANs on one trunk: sub-interfaces that come and go with their networks, and links that were made by hand."""

from __future__ import annotations

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.example import Example
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host

pytestmark = pytest.mark.needs("8021q")


def vlan_of(host: Host, name: str) -> tuple[str, str, int, bool]:
    """Base, protocol, VLAN id, and whether the link is up."""
    link = host.links()[name]
    data = link["linkinfo"]["info_data"]
    return link["link"], data["protocol"], data["id"], "UP" in link["flags"]


def is_owned(host: Host, name: str) -> bool:
    return host.links()[name].get("ifalias", "").startswith("fleetnet.macvlan:")


def test_two_vlans_of_a_trunk_are_apart_until_a_router_joins_them(host: Host) -> None:
    before = host.snapshot()
    example = Example(host, "vlan_50_60")
    done = example.create()
    assert done.changed == 3

    for vlan in (50, 60):
        name = f"eth0.{vlan}"
        assert vlan_of(host, name) == ("eth0", "802.1Q", vlan, True)
        assert is_owned(host, name)
        network = done.results("network")[f"macvlan{vlan}"]
        assert (network["mode"], network["parent"], network["parent_created"]) == ("bridge", name, True)
    assert host.addresses("eth0", netns="macvlan_test5") == ["192.168.50.2/24"]
    assert host.addresses("eth0", netns="macvlan_test8") == ["192.168.60.3/24"]
    assert host.links("macvlan_test7")["eth0"]["link_index"] == host.links()["eth0.60"]["ifindex"]

    assert host.ping("macvlan_test5", "192.168.50.3")
    assert host.ping("macvlan_test7", "192.168.60.3")
    host.wire.add_address("192.168.50.1/24", vlan=50)
    assert host.ping("macvlan_test5", "192.168.50.1"), "frames carry the tag"
    assert not host.ping("macvlan_test5", "192.168.60.2", timeout=1), "nobody routes between the two"
    host.wire.add_address("192.168.60.1/24", vlan=60)
    host.wire.forward()
    assert host.ping("macvlan_test5", "192.168.60.2"), "the router outside of the host hands it back"

    example.remove()
    assert set(host.links()) == {"lo", "eth0"}
    assert host.snapshot().without_state() == before.without_state()


def test_two_subnets_on_one_vlan_meet_at_a_router_only(host: Host) -> None:
    before = host.snapshot()
    example = Example(host, "multi_subnet_trunk")
    example.create()
    assert vlan_of(host, "eth0.101") == ("eth0", "802.1Q", 101, True)
    assert host.addresses("eth0", netns="shop1") == ["10.1.20.9/24"]
    assert host.addresses("eth0", netns="card2") == ["10.1.10.9/24"]
    assert host.gateway("shop2") == "10.1.20.1"
    assert host.gateway("card2") == "10.1.10.1"

    assert host.ping("shop1", "10.1.20.10", count=4)
    assert host.ping("card2", "10.1.10.10", count=4)
    assert not host.ping("shop1", "10.1.10.10", timeout=1), "another subnet, and no router"
    host.wire.add_address("10.1.20.1/24", vlan=101)
    host.wire.add_address("10.1.10.1/24", vlan=101)
    host.wire.forward()
    assert host.ping("shop1", "10.1.10.10")

    example.remove()
    assert set(host.links()) == {"lo", "eth0"}
    assert host.snapshot().without_state() == before.without_state()


def test_every_line_of_a_table_of_vlans_becomes_a_network(make_host: MakeHost) -> None:
    host = make_host("trunk0")
    before = host.snapshot()
    example = Example(host, "vlan_mapping", {"parent": "trunk0"})
    done = example.create()
    assert done.changed == 2
    for vlan in (10, 20, 30):
        assert vlan_of(host, f"trunk0.{vlan}") == ("trunk0", "802.1Q", vlan, True)
    for given, read in (("172.16.50.0/22", "172.16.48.0/22"), ("10.1.100.0/16", "10.1.0.0/16")):
        assert any(given in warning and read in warning for warning in done.warnings), done.warnings

    subnets = {name: network["subnets"][0] for name, network in done.results("network").items()}
    assert {name: (subnet["subnet"], subnet["gateway"]) for name, subnet in subnets.items()} == {
        "vlan10": ("172.16.80.0/24", "172.16.80.1"),
        "vlan20": ("172.16.48.0/22", "172.16.50.1"),
        "vlan30": ("10.1.0.0/16", "10.1.100.1"),
    }
    assert host.addresses("eth0", netns="app20") == ["172.16.48.1/22"]
    assert host.gateway("app20") == "172.16.50.1"
    assert host.addresses("eth0", netns="app30") == ["10.1.0.1/16"]
    assert host.gateway("app30") == "10.1.100.1"
    host.wire.add_address("10.1.100.1/16", vlan=30)
    assert host.ping("app30", "10.1.100.1")

    example.remove()
    assert set(host.links()) == {"lo", "trunk0"}
    assert host.snapshot().without_state() == before.without_state()


def test_a_link_that_was_made_by_hand_is_used_and_left_alone(host: Host) -> None:
    name = "foo"
    host.run(["ip", "link", "add", "link", "eth0", "name", name, "type", "vlan", "id", "40"])
    host.run(["ip", "link", "set", name, "up"])
    host.wait_until_up(name)
    before = host.snapshot()
    example = Example(host, "hand_made_links", {"hand_made_link": name})
    done = example.create()
    network = done.results("network")["macvlan40"]
    assert (network["parent"], network["parent_created"]) == (name, False)
    assert not is_owned(host, name)

    assert host.addresses("eth0", netns="mcv_test5") == ["192.168.40.2/24"]
    assert host.ping("mcv_test5", "192.168.40.3")
    host.wire.add_address("192.168.40.1/24", vlan=40)
    assert host.ping("mcv_test6", "192.168.40.1")

    example.remove()
    assert name in host.links()
    assert host.snapshot().without_state() == before.without_state()


@pytest.mark.needs("8021ad")
def test_two_customers_are_apart_behind_one_service(host: Host) -> None:
    before = host.snapshot()
    example = Example(host, "qinq")
    assert example.create().changed == 1
    assert example.play(check=True).changed == 0
    assert vlan_of(host, "eth0.200") == ("eth0", "802.1ad", 200, True)
    for vlan in (10, 20):
        name = f"eth0.200.{vlan}"
        assert vlan_of(host, name) == ("eth0.200", "802.1Q", vlan, True)
        assert is_owned(host, name)
        host.wire.add_address(f"172.16.1{vlan}.1/24", vlan=200, inner=vlan, protocol="802.1ad")
        assert host.ping(f"customer{vlan}", f"172.16.1{vlan}.1")
    assert not host.ping("customer10", "172.16.120.2", timeout=1), "nobody routes between the two"

    example.remove()
    assert set(host.links()) == {"lo", "eth0"}
    assert host.snapshot().without_state() == before.without_state()
