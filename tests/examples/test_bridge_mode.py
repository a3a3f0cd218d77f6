# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bridge mode on an untagged parent: the simple network, an excluded address, and a range to choose from."""

from __future__ import annotations

from ansible_collections.fleetnet.macvlan.tests.support.example import Example
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host


def give_parent_its_address(host: Host) -> None:
    host.run(["ip", "address", "add", "172.16.86.250/24", "dev", "eth0"])
    host.wire.add_address("172.16.86.1/24")


def test_endpoints_of_a_simple_network_are_neighbours_on_the_parent_s_wire(host: Host) -> None:
    give_parent_its_address(host)
    before = host.snapshot()
    example = Example(host, "simple_bridge")
    done = example.create()
    assert done.changed == 3
    assert example.play(check=True).changed == 0

    network = done.results("network")["pub_net"]
    assert (network["mode"], network["parent"], network["parent_created"]) == ("bridge", "eth0", False)
    link = host.links("web1")["eth0"]
    assert link["linkinfo"]["info_kind"] == "macvlan"
    assert link["linkinfo"]["info_data"]["mode"] == "bridge"
    assert link["address"] == "02:42:ac:10:56:0a"
    assert host.addresses("eth0", netns="web1") == ["172.16.86.10/24"]
    assert host.addresses("eth0", netns="web2") == ["172.16.86.2/24"]
    default, subnet = host.routes("web2")
    assert (default["dst"], default["gateway"], default["dev"]) == ("default", "172.16.86.1", "eth0")
    assert (subnet["dst"], subnet["dev"], subnet["prefsrc"]) == ("172.16.86.0/24", "eth0", "172.16.86.2")

    assert host.ping("web2", "172.16.86.10", count=4)
    assert host.ping("web2", "172.16.86.1")
    assert not host.ping("web2", "172.16.86.250", timeout=1), "the kernel keeps endpoints and the parent apart"
    assert host.ping(None, "172.16.86.1")
    assert not host.ping(None, "172.16.86.10", timeout=1), "the kernel keeps the parent and endpoints apart"

    assert example.remove().changed == 2
    assert host.namespaces() == []
    assert host.snapshot().without_state() == before.without_state()


def test_a_host_without_an_address_carries_the_same_network(make_host: MakeHost) -> None:
    host = make_host("uplink0")
    host.wire.add_address("172.16.86.1/24")
    example = Example(host, "simple_bridge", {"parent": "uplink0"})
    example.play()
    assert host.links("web1")["eth0"]["link_index"] == host.links()["uplink0"]["ifindex"]
    assert host.ping("web1", "172.16.86.1")


def test_an_excluded_address_is_never_chosen(host: Host) -> None:
    give_parent_its_address(host)
    before = host.snapshot()
    example = Example(host, "excluded_host_address")
    done = example.create()
    (subnet,) = done.results("network")["pub_net"]["subnets"]
    assert subnet["aux_addresses"] == {"exclude_host": "172.16.86.250"}
    assert host.addresses("eth0", netns="web1") == ["172.16.86.2/24"]

    settled = host.snapshot()
    refused = host.call("macvlan_endpoint", fails=True, name="web2", network="pub_net", ipv4="172.16.86.250")
    assert "172.16.86.250" in refused["msg"]
    assert "exclude_host" in refused["msg"]
    assert host.snapshot() == settled

    subnet = {"subnet": "172.16.86.0/24", "gateway": "172.16.86.1", "aux_addresses": subnet["aux_addresses"]}
    narrow = {**subnet, "ip_range": "172.16.86.249-172.16.86.251"}
    host.call("macvlan_network", name="pub_net", parent="eth0", subnets=[narrow])
    chosen = [
        host.call("macvlan_endpoint", name=name, network="pub_net", netns=name)["endpoint"]["ipv4"]
        for name in ("web2", "web3")
    ]
    assert chosen == ["172.16.86.249/24", "172.16.86.251/24"]
    assert host.ping("web2", "172.16.86.251")

    for name in ("web2", "web3"):
        host.call("macvlan_endpoint", name=name, network="pub_net", state="absent")
    example.remove()
    assert host.snapshot().without_state() == before.without_state()


def test_addresses_are_chosen_from_the_range_upwards(host: Host) -> None:
    host.wire.add_address("192.168.32.254/24")
    before = host.snapshot()
    example = Example(host, "ip_range", {"place": 0})
    assert example.create().changed == 3
    assert host.addresses("eth0", netns="app1") == ["192.168.32.128/24"]
    assert host.addresses("eth0", netns="app2") == ["192.168.32.129/24"]
    assert host.gateway("app1") == "192.168.32.254"
    assert host.ping("app1", "192.168.32.254")
    assert host.ping("app1", "192.168.32.129")
    example.remove()
    assert host.snapshot().without_state() == before.without_state()
