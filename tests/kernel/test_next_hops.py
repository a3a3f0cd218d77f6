# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Next hops outside of the subnet, as the kernel takes them: the flag onlink, routes that lead to them, link-local gateways."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, endpoint, gone, network, refuse

pytestmark = pytest.mark.engine

Item = dict[str, t.Any]

PROVIDER: Item = {"subnet": "203.0.113.7/32", "gateway": "198.51.100.1", "gateway_onlink": True}
PROVIDER6: Item = {"subnet": "2001:db8:7::7/128", "gateway": "2001:db8:9::1", "gateway_onlink": True}
LEADING = {"to": "198.51.100.1/32"}
BEYOND = {"to": "default", "via": "198.51.100.1"}
MORE = {"to": "10.0.0.0/8", "via": "198.51.100.1"}


def shown(host: Host, netns: str, family: int = 4) -> list[str]:
    """The routes of a namespace that have a next hop or no prefix, as destination, next hop, metric, flags."""
    return sorted(
        " ".join([item["dst"], item.get("gateway", "-"), *item.get("flags", [])])
        for item in host.routes(netns, family=family)
        if item.get("protocol") != "kernel"
    )


def give_router_its_addresses(host: Host) -> None:
    host.wire.add_address("198.51.100.1/32")
    host.wire.add_address("2001:db8:9::1/128")


def test_a_single_address_reaches_what_is_behind_the_router_of_its_provider(host: Host) -> None:
    give_router_its_addresses(host)
    before = host.snapshot()
    network(host, subnets=[PROVIDER, PROVIDER6])
    made = endpoint(host, "web")
    assert (made["ipv4"], made["ipv6"]) == ("203.0.113.7/32", "2001:db8:7::7/128")
    assert (made["gateway4"], made["gateway6"]) == ("198.51.100.1", "2001:db8:9::1")
    assert shown(host, "web") == ["default 198.51.100.1 onlink"]
    assert shown(host, "web", 6) == ["default 2001:db8:9::1 onlink"]
    host.lose_all()
    assert host.restore().code == 0
    assert shown(host, "web") == ["default 198.51.100.1 onlink"]
    assert host.call("macvlan_info")["drift"] == []
    host.ip("route", "del", "default", netns="web")
    host.ip("-6", "route", "del", "default", netns="web")
    assert len(host.call("macvlan_info")["drift"]) == 2
    assert host.restore().code == 0
    assert host.call("macvlan_info")["drift"] == []
    gone(host, "macvlan_endpoint", name="web", network="net")
    gone(host, "macvlan_network", name="net")
    assert host.snapshot().without_state() == before.without_state()


def test_a_link_local_gateway_needs_no_flag(host: Host) -> None:
    host.wire.add_address("fe80::1/64")
    host.wire.add_address("2001:db8:9::1/128")
    network(host, subnets=[{"subnet": "2001:db8:7::/64", "gateway": "fe80::1"}])
    made = endpoint(host, "web")
    assert made["gateway6"] == "fe80::1"
    assert shown(host, "web", 6) == ["default fe80::1"]
    assert host.ping("web", "fe80::1%eth0")
    endpoint(host, "web", default_route=False)
    assert shown(host, "web", 6) == []


def test_a_gateway_outside_of_the_subnet_is_refused_without_the_flag(host: Host) -> None:
    subnet = {key: value for key, value in PROVIDER.items() if key != "gateway_onlink"}
    refuse(host, "macvlan_network", "gateway_onlink: true", "203.0.113.7/32", name="net", parent="eth0", subnets=[subnet])


@pytest.mark.parametrize(
    "routes",
    [
        pytest.param([LEADING, BEYOND], id="leading-first"),
        pytest.param([BEYOND, LEADING, MORE], id="leading-between"),
        pytest.param([{**BEYOND, "onlink": True}, {**MORE, "metric": 50, "onlink": True}], id="onlink"),
    ],
)
def test_a_next_hop_is_reached_by_a_route_or_by_a_flag(host: Host, routes: list[Item]) -> None:
    give_router_its_addresses(host)
    network(host, subnets=[{"subnet": "203.0.113.7/32"}])
    endpoint(host, "web", routes=routes)
    there = shown(host, "web")
    assert len(there) == len(routes)
    host.ip("link", "set", "eth0", "down", netns="web")
    assert host.restore().code == 0
    assert shown(host, "web") == there
    endpoint(host, "web", mtu=1400, routes=routes)
    assert shown(host, "web") == there
    endpoint(host, "web")
    assert shown(host, "web") == []


@pytest.mark.parametrize(
    "routes",
    [
        pytest.param([{"to": "2001:db8:9::1"}, {"to": "default", "via": "2001:db8:9::1"}], id="by-a-route"),
        pytest.param([{"to": "default", "via": "2001:db8:9::1"}, {"to": "2001:db8:9::/64"}], id="by-a-block-last"),
        pytest.param([{"to": "default", "via": "2001:db8:9::1", "onlink": True}], id="onlink"),
        pytest.param([{"to": "2001:db8:9::1", "via": "fe80::1"}, {"to": "default", "via": "2001:db8:7::9"}], id="in-the-subnet"),
        pytest.param([{"to": "2001:db8:7::9", "via": "fe80::1"}, {"to": "2001:db8:a::/48", "via": "2001:db8:7::9"}], id="hidden-behind-another"),
    ],
)
def test_the_same_holds_for_ipv6(host: Host, routes: list[Item]) -> None:
    network(host, subnets=[{"subnet": "2001:db8:7::/64", "gateway": "none"}])
    endpoint(host, "web", routes=routes)
    there = shown(host, "web", 6)
    assert len(there) == len(routes)
    endpoint(host, "web")
    assert shown(host, "web", 6) == []
    converge(host, "macvlan_config", endpoints=[{"name": "web", "network": "net", "netns": "web", "routes": routes}])
    assert shown(host, "web", 6) == there


def test_a_route_without_its_flag_is_drift_and_is_replaced(host: Host) -> None:
    network(host, subnets=[{"subnet": "203.0.113.7/32"}])
    routes = [{**BEYOND, "onlink": True}, LEADING]
    endpoint(host, "web", routes=routes)
    host.ip("route", "replace", "default", "via", "198.51.100.1", "dev", "eth0", netns="web")
    (found,) = host.call("macvlan_info")["drift"]
    assert (found["recorded"], found["actual"]) == ("0.0.0.0/0 via 198.51.100.1 onlink", "0.0.0.0/0 via 198.51.100.1")
    endpoint(host, "web", routes=routes)
    assert "default 198.51.100.1 onlink" in shown(host, "web")


def test_a_next_hop_in_the_subnet_of_another_endpoint_of_the_namespace_is_refused(host: Host) -> None:
    host.add_parent("eth1")
    network(host, "other", parent="eth1", subnets=[{"subnet": "2001:db8:9::/64"}])
    network(host, subnets=[PROVIDER6])
    endpoint(host, "db", network="other", netns="web")
    item = {"name": "web", "network": "net", "netns": "web", "ifname": "net0", "default_route": False}
    routes = [{"to": "2001:db8:a::/48", "via": "2001:db8:9::1", "onlink": True}]
    refuse(host, "macvlan_endpoint", "2001:db8:9::1", "endpoint other/db", **item, routes=routes)
    network(host, "lan", subnets=[{"subnet": "203.0.113.7/32"}], allow_shared_parent=True)


def test_a_next_hop_to_which_nothing_leads_is_refused(host: Host) -> None:
    network(host, subnets=[{"subnet": "203.0.113.7/32"}])
    refuse(host, "macvlan_endpoint", "not on the link", "onlink: true", name="web", network="net", netns="web", routes=[BEYOND])


def test_the_hosts_own_namespace_has_such_routes_too(host: Host) -> None:
    network(host, subnets=[{"subnet": "203.0.113.7/32"}])
    made = converge(host, "macvlan_endpoint", name="up", network="net", routes=[{**MORE, "onlink": True}])
    assert made["endpoint"]["routes"] == [{"to": "10.0.0.0/8", "via": "198.51.100.1", "metric": None, "onlink": True}]
    gone(host, "macvlan_endpoint", name="up", network="net")
