# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses that the host and its routers have, as a kernel shows them: never given out, and drift where they are."""

from __future__ import annotations

import os

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, network, refuse, subnets

pytestmark = pytest.mark.engine

LAN = subnets("192.168.8.0/24", "2001:db8:9::/64")
NO_GATEWAYS = [{**subnet, "gateway": "none"} for subnet in LAN]


def test_addresses_of_the_parent_are_not_given_out(host: Host) -> None:
    host.ip("address", "add", "192.168.8.1/24", "dev", "eth0")
    host.ip("address", "add", "192.168.8.2/32", "dev", "eth0", "scope", "link")
    host.ip("address", "add", "2001:db8:9::1/64", "dev", "eth0", "nodad")
    network(host, subnets=NO_GATEWAYS)
    made = converge(host, "macvlan_endpoint", name="web", network="net", netns="web")["endpoint"]
    assert (made["ipv4"], made["ipv6"]) == ("192.168.8.3/24", "2001:db8:9::2/64")
    for option, address in (("ipv4", "192.168.8.2"), ("ipv6", "2001:db8:9::1")):
        task = {"name": "db", "network": "net", "netns": "db", option: address}
        refuse(host, "macvlan_endpoint", f"{option}: {address} is an address of eth0 of this host", **task)
        refuse(host, "macvlan_config", f"{address} is an address of eth0 of this host", endpoints=[task])


def test_the_next_hops_of_its_routes_are_not_given_out(host: Host) -> None:
    host.ip("address", "add", "192.168.8.250/24", "dev", "eth0")
    host.ip("route", "add", "default", "via", "192.168.8.1")
    host.ip("route", "add", "10.0.0.0/8", "nexthop", "via", "192.168.8.2", "nexthop", "via", "192.168.8.3")
    host.ip("route", "add", "10.1.0.0/16", "via", "192.168.8.4", "table", "100")
    network(host, subnets=NO_GATEWAYS)
    task = {"name": "web", "network": "net", "netns": "web"}
    refuse(host, "macvlan_endpoint", "the next hop of this host's default route over eth0", **task, ipv4="192.168.8.1")
    refuse(host, "macvlan_endpoint", "the next hop of this host's route to 10.0.0.0/8", **task, ipv4="192.168.8.3")
    assert converge(host, "macvlan_endpoint", **task)["endpoint"]["ipv4"] == "192.168.8.5/24"


def test_the_other_end_of_the_connection_is_not_given_out(host: Host) -> None:
    host.ip("address", "add", "192.168.8.250/24", "dev", "eth0")
    network(host, subnets=LAN)

    def by_ssh() -> None:
        os.environ.update(SSH_CONNECTION="192.168.8.2 50000 192.168.8.250 22")

    task = {"name": "web", "network": "net", "netns": "web"}
    refuse(host, "macvlan_endpoint", "the remote end of the SSH connection", hook=by_ssh, **task, ipv4="192.168.8.2")
    assert host.call("macvlan_endpoint", hook=by_ssh, **task)["endpoint"]["ipv4"] == "192.168.8.3/24"


def test_the_parent_is_no_gateway(host: Host) -> None:
    host.ip("address", "add", "192.168.8.1/24", "dev", "eth0")
    words = ("gateway 192.168.8.1, inferred for 192.168.8.0/24, is an address of the parent eth0", "gateway: none")
    refuse(host, "macvlan_network", *words, name="net", parent="eth0", subnets=LAN)
    network(host, subnets=NO_GATEWAYS)
    network(host, subnets=[{"subnet": LAN[0]["subnet"], "gateway": "192.168.8.254"}])


def test_an_endpoint_whose_address_the_host_gets_later_keeps_it_and_is_drift(host: Host) -> None:
    network(host, subnets=LAN)
    task = {"name": "web", "network": "net", "netns": "web"}
    converge(host, "macvlan_endpoint", **task)
    host.ip("address", "add", "192.168.8.2/24", "dev", "eth0")
    (found,) = host.call("macvlan_info")["drift"]
    assert found == {
        "object": "endpoint net/web",
        "field": "ipv4",
        "recorded": "192.168.8.2/24",
        "actual": "also on eth0 of this host",
    }
    again = converge(host, "macvlan_endpoint", **task)
    assert not again["changed"] and "it keeps 192.168.8.2, which is an address of eth0" in again["warnings"][0]
    host.ip("address", "delete", "192.168.8.2/24", "dev", "eth0")
    assert host.call("macvlan_info")["drift"] == []


def test_an_endpoint_of_the_host_itself_is_no_drift(host: Host) -> None:
    network(host, subnets=LAN)
    converge(host, "macvlan_endpoint", name="h", network="net")
    assert host.call("macvlan_info")["drift"] == []
