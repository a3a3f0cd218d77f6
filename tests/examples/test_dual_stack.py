# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IPv4 and IPv6 on one network, and gateways that are inferred."""

from __future__ import annotations

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.example import Example
from ansible_collections.fleetnet.macvlan.tests.support.host import Host


@pytest.mark.needs("8021q")
def test_every_endpoint_of_a_dual_stack_network_has_an_address_of_each_family(host: Host) -> None:
    before = host.snapshot()
    example = Example(host, "dual_stack")
    done = example.create()
    network = done.results("network")["macvlan216"]
    assert network["ipv6"] is True
    assert [(subnet["subnet"], subnet["gateway"]) for subnet in network["subnets"]] == [
        ("192.168.216.0/24", "192.168.216.1"),
        ("192.168.218.0/24", "192.168.218.1"),
        ("2001:db8:abc8::/64", "2001:db8:abc8::10"),
    ]

    check_addresses(host)
    check_routes(host)
    check_reachability(host)

    example.remove()
    assert set(host.links()) == {"lo", "eth0"}
    assert host.snapshot().without_state() == before.without_state()


def check_addresses(host: Host) -> None:
    assert host.links("shell216")["eth0"]["address"] == "02:42:c0:a8:d8:0b"
    assert host.addresses("eth0", netns="shell216")[0] == "192.168.216.11/24"
    # Chosen in the order in which they were connected, from the first address on.
    assert host.addresses("eth0", netns="macnet216_test") == [
        "192.168.216.10/24",
        "2001:db8:abc8::1/64",
        "fe80::42:c0ff:fea8:d80a/64",
    ]
    assert "192.168.216.2/24" in host.addresses("eth0", netns="only_ipv6")
    assert "2001:db8:abc8::20/64" in host.addresses("eth0", netns="only_ipv6")
    assert host.links("both")["eth0"]["address"] == "02:42:c0:a8:d8:32"
    assert {"192.168.216.50/24", "2001:db8:abc8::50/64"} < set(host.addresses("eth0", netns="both"))


def check_routes(host: Host) -> None:
    assert host.gateway("shell216") == "192.168.216.1"
    assert host.gateway("shell218") == "192.168.218.1"
    assert host.gateway("shell216", family=6) == "2001:db8:abc8::10"
    assert {route["dst"]: route.get("prefsrc") for route in host.routes("shell216")} == {
        "default": None,
        "192.168.216.0/24": "192.168.216.11",
    }
    metrics = {route["dst"]: route["metric"] for route in host.routes("shell216", family=6)}
    assert metrics == {"2001:db8:abc8::/64": 256, "fe80::/64": 256, "default": 1024}


def check_reachability(host: Host) -> None:
    assert host.ping("shell216", "192.168.216.10", count=4)
    assert host.ping("shell218", "192.168.218.10", count=4)
    assert host.ping("none", "2001:db8:abc8::20", count=4)
    assert not host.ping("shell216", "192.168.218.10", timeout=1), "another subnet, and no router"
    host.wire.add_address("192.168.216.1/24", vlan=218)
    host.wire.add_address("192.168.218.1/24", vlan=218)
    host.wire.add_address("2001:db8:abc8::10/64", vlan=218)
    host.wire.forward()
    assert host.ping("shell216", "2001:db8:abc8::10")
    assert host.ping("shell216", "192.168.218.10")


def test_a_subnet_without_a_gateway_has_its_first_usable_address_as_one(host: Host) -> None:
    host.wire.add_address("192.168.136.1/24")
    host.wire.add_address("fd11::1/64")
    before = host.snapshot()
    example = Example(host, "inferred_gateways")
    done = example.create()
    assert done.changed == 2
    assert example.play(check=True).changed == 0
    subnets = done.results("network")["mcv0"]["subnets"]
    assert [(subnet["gateway"], subnet["gateway_inferred"]) for subnet in subnets] == [
        ("192.168.136.1", True),
        ("192.168.138.1", True),
        ("fd11::1", True),
    ]
    (question,) = (task for task in done.tasks if task.task.startswith("Predict the gateway"))
    asked = [item["network"]["subnets"][0] for item in question.items]
    assert {subnet["subnet"]: subnet["gateway"] for subnet in asked} == {
        "10.1.100.0/24": "10.1.100.1",
        "10.1.100.128/25": "10.1.100.129",
    }

    check_app1(host)
    assert host.ping("app1", "192.168.136.1")
    assert host.ping("app1", "fd11::1")

    example.remove()
    assert host.snapshot().without_state() == before.without_state()


def check_app1(host: Host) -> None:
    link = host.links("app1")["eth0"]
    assert link["address"] == "02:42:c0:a8:88:03"
    assert {(entry["local"], entry["prefixlen"], entry["scope"]) for entry in link["addr_info"]} == {
        ("192.168.136.3", 24, "global"),
        ("fd11::3", 64, "global"),
        ("fe80::42:c0ff:fea8:8803", 64, "link"),
    }
    assert host.gateway("app1") == "192.168.136.1"
    assert {route["dst"]: route.get("prefsrc") for route in host.routes("app1")} == {
        "default": None,
        "192.168.136.0/24": "192.168.136.3",
    }
    assert {route["dst"]: (route.get("gateway"), route["metric"]) for route in host.routes("app1", family=6)} == {
        "fd11::/64": (None, 256),
        "fe80::/64": (None, 256),
        "default": ("fd11::1", 1024),
    }
