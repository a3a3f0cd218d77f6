# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Further addresses of endpoints, and families that they leave out, on links."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import wait_until
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, endpoint, gone, network, refuse, subnets

pytestmark = pytest.mark.engine

ALL = subnets("192.168.50.0/24", "192.168.51.0/24", "2001:db8:50::/64")
FURTHER = ["192.168.50.20", "192.168.51.20/24", "2001:db8:50::20"]
STALE = "02:00:00:00:00:99"


@pytest.fixture
def net(host: Host) -> Host:
    host.wire.add_address("192.168.50.1/24")
    host.wire.add_address("192.168.51.1/24")
    host.wire.add_address("2001:db8:50::1/64")
    network(host, subnets=ALL)
    return host


def of_link(host: Host, netns: str = "web") -> list[str]:
    """The addresses of an endpoint's link, without those of link scope."""
    return sorted(item for item in host.addresses("eth0", netns=netns) if not item.startswith("fe80"))


def source(host: Host, to: str) -> str:
    """The address that the endpoint sends from."""
    return t.cast(str, host.ip("route", "get", to, netns="web")[0]["prefsrc"])


def drift(host: Host) -> list[dict[str, t.Any]]:
    return t.cast("list[dict[str, t.Any]]", host.call("macvlan_info")["drift"])


def test_all_addresses_of_an_endpoint_answer(net: Host) -> None:
    before = net.snapshot()
    made = endpoint(net, "web", addresses=FURTHER)
    assert made["addresses"] == ["192.168.50.20/24", "192.168.51.20/24", "2001:db8:50::20/64"]
    assert (made["ipv4"], made["ipv6"], made["mac"]) == ("192.168.50.2/24", "2001:db8:50::2/64", "02:42:c0:a8:32:02")
    for address in ("192.168.50.2", "2001:db8:50::2", "192.168.50.20", "192.168.51.20", "2001:db8:50::20"):
        assert net.wire.ping(None, address)
    gone(net, "macvlan_endpoint", name="web", network="net")
    assert net.snapshot() == before


def test_one_comes_and_one_goes_while_the_others_stay(net: Host) -> None:
    endpoint(net, "web", addresses=["192.168.50.20", "192.168.50.21"])
    endpoint(net, "web", addresses=["192.168.50.21", "2001:db8:50::22"])
    assert of_link(net) == ["192.168.50.2/24", "192.168.50.21/24", "2001:db8:50::2/64", "2001:db8:50::22/64"]
    endpoint(net, "web", ipv4="192.168.50.9", addresses=["192.168.50.21"])
    assert of_link(net) == ["192.168.50.21/24", "192.168.50.9/24", "2001:db8:50::2/64"]
    endpoint(net, "web", ipv4="192.168.50.21", addresses=["192.168.50.9"])
    assert of_link(net) == ["192.168.50.21/24", "192.168.50.9/24", "2001:db8:50::2/64"]
    assert drift(net) == []


def test_an_endpoint_sends_from_its_first_address_however_it_came_to_have_it(net: Host) -> None:
    endpoint(net, "web", ipv4="192.168.50.8", addresses=["192.168.50.20", "192.168.51.20", "192.168.50.21"])
    assert (source(net, "192.168.50.1"), source(net, "192.168.51.1")) == ("192.168.50.8", "192.168.51.20")
    endpoint(net, "web", ipv4="192.168.50.9", addresses=["192.168.50.20", "192.168.51.20", "192.168.50.21"])
    assert (source(net, "192.168.50.1"), source(net, "192.168.51.1")) == ("192.168.50.9", "192.168.51.20")
    endpoint(net, "web", ipv4="192.168.50.21", addresses=["192.168.50.9", "192.168.50.20"])
    assert source(net, "192.168.50.1") == "192.168.50.21"
    # What another program has done is repaired so, too.
    net.run(["ip", "-n", "web", "address", "delete", "192.168.50.21/24", "dev", "eth0"])
    endpoint(net, "web", ipv4="192.168.50.21", addresses=["192.168.50.9", "192.168.50.20"])
    assert source(net, "192.168.50.1") == "192.168.50.21"
    assert drift(net) == [] and net.wire.ping(None, "192.168.50.20")


@pytest.mark.parametrize("address", ["192.168.50.77", "2001:db8:50::77"])
@pytest.mark.parametrize("announces", [True, False])
def test_an_address_that_comes_to_a_link_in_use_is_announced(net: Host, address: str, announces: bool) -> None:
    made = endpoint(net, "web", announce=announces)
    net.wire.ip("neighbour", "replace", address, "lladdr", STALE, "dev", net.wire.leg(), "nud", "reachable")
    endpoint(net, "web", announce=announces, addresses=[address], probe="none")

    def known() -> str:
        return str(net.wire.ip("neighbour", "show", address)[0].get("lladdr"))

    if announces:
        wait_until(lambda: known() == made["mac"], "the neighbour does not know the address")
    else:
        assert known() == STALE


def test_another_address_with_a_pinned_mac_address_is_announced_too(net: Host) -> None:
    mac = "02:00:00:00:00:01"
    endpoint(net, "web", mac=mac)
    net.wire.ip("neighbour", "replace", "192.168.50.77", "lladdr", STALE, "dev", net.wire.leg(), "nud", "reachable")
    endpoint(net, "web", mac=mac, ipv4="192.168.50.77", probe="none")
    wait_until(lambda: net.wire.ip("neighbour", "show", "192.168.50.77")[0].get("lladdr") == mac, "the neighbour does not know the address")


def test_neighbours_are_asked_about_new_ones(net: Host) -> None:
    endpoint(net, "web", addresses=["192.168.50.20"])
    net.wire.add_address("192.168.51.66/24")
    refuse(net, "macvlan_endpoint", "192.168.51.66", name="web", network="net", netns="web", addresses=["192.168.50.20", "192.168.51.66"])
    done = net.call("macvlan_endpoint", name="web", network="net", netns="web", addresses=["192.168.50.20", "192.168.51.67"])
    assert done["probed"]["addresses"] == 1


def test_missing_ones_are_drift_and_restore_brings_them_back(net: Host) -> None:
    endpoint(net, "web", addresses=FURTHER)
    net.ip("address", "del", "192.168.50.20/24", "dev", "eth0", netns="web")
    net.ip("address", "del", "2001:db8:50::20/64", "dev", "eth0", netns="web")
    assert [(item["field"], item["recorded"], item["actual"]) for item in drift(net)] == [
        ("addresses", "192.168.50.20/24", None),
        ("addresses", "2001:db8:50::20/64", None),
    ]
    assert net.restore().code == 0 and drift(net) == []
    net.lose_all()
    assert net.restore().code == 0 and drift(net) == []
    assert len(of_link(net)) == 5


def test_two_endpoints_exchange_addresses(net: Host) -> None:
    def state(one: dict[str, t.Any], other: dict[str, t.Any]) -> dict[str, t.Any]:
        both = [{"name": name, "network": "net", "netns": name, **item} for name, item in (("a", one), ("b", other))]
        return {"networks": [{"name": "net", "parent": "eth0", "subnets": ALL}], "endpoints": both}

    one = {"ipv4": "192.168.50.30", "addresses": ["192.168.50.31", "2001:db8:50::31"]}
    other = {"ipv4": "192.168.50.40", "ipv6": "none", "addresses": ["192.168.51.41"]}
    converge(net, "macvlan_config", **state(one, other))
    converge(net, "macvlan_config", **state({**other, "ipv6": None}, {**one, "ipv6": "2001:db8:50::50"}))
    assert of_link(net, "a") == ["192.168.50.40/24", "192.168.51.41/24", "2001:db8:50::2/64"]
    assert of_link(net, "b") == ["192.168.50.30/24", "192.168.50.31/24", "2001:db8:50::31/64", "2001:db8:50::50/64"]
    assert drift(net) == []


def test_they_are_found_read_and_listed(net: Host) -> None:
    endpoint(net, "web", addresses=FURTHER)
    endpoint(net, "db")
    found = net.call("macvlan_info", address="192.168.51.20")
    assert [item["name"] for item in found["endpoints"]] == ["web"]
    assert found["config"]["endpoints"] == [
        {"name": "web", "network": "net", "netns": "web", "addresses": ["192.168.50.20", "192.168.51.20", "2001:db8:50::20"]}
    ]
    assert "192.168.51.20/24" in "\n".join(net.run_command("list").lines)
    in_use = [item["in_use"] for item in found["networks"][0]["subnets"]]
    refuse(net, "macvlan_endpoint", "192.168.50.20 is held by endpoint net/web", name="db", network="net", netns="db", ipv4="192.168.50.20")
    gone(net, "macvlan_endpoint", name="web", network="net")
    after = [item["in_use"] for item in net.call("macvlan_info")["networks"][0]["subnets"]]
    assert [one - other for one, other in zip(in_use, after, strict=True)] == [2, 1, 2]


def test_they_move_with_the_network(net: Host) -> None:
    net.add_parent("eth1")
    endpoint(net, "web", addresses=FURTHER)
    before = of_link(net)
    network(net, parent="eth1", subnets=ALL, replace=True)
    assert of_link(net) == before and drift(net) == []
    done = converge(net, "macvlan_network", name="net", parent="eth1", subnets=subnets("192.168.50.0/23", "2001:db8:50::/64"), replace=True)
    assert of_link(net) == ["192.168.50.2/23", "192.168.50.20/23", "192.168.51.20/23", "2001:db8:50::2/64", "2001:db8:50::20/64"]
    assert not any("loses" in text for text in done.get("warnings", ()))
    done = net.call("macvlan_network", name="net", parent="eth1", subnets=subnets("192.168.50.0/24", "2001:db8:50::/64"), replace=True)
    assert of_link(net) == ["192.168.50.2/24", "192.168.50.20/24", "2001:db8:50::2/64", "2001:db8:50::20/64"]
    assert any("192.168.51.20 of its addresses cannot be on network net any more" in text for text in done["warnings"])


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_family_is_left_out_and_comes_back_in_place(net: Host, family: str) -> None:
    first = endpoint(net, "web")
    index = net.links("web")["eth0"]["ifindex"]
    without = endpoint(net, "web", **{family: "none"})
    assert without[family] is None and without[f"gateway{family[-1]}"] is None
    assert len(of_link(net)) == 1 and net.gateway("web", family=int(family[-1])) is None
    assert net.sysctl("net/ipv6/conf/eth0/disable_ipv6", netns="web") == ("1" if family == "ipv6" else "0")
    assert drift(net) == []
    net.lose_all()
    assert net.restore().code == 0 and drift(net) == []
    assert len(of_link(net)) == 1
    index = net.links("web")["eth0"]["ifindex"]
    assert endpoint(net, "web") == first
    assert net.links("web")["eth0"]["ifindex"] == index and drift(net) == []


def test_a_family_that_a_network_gets_later_stays_out(host: Host) -> None:
    network(host, subnets=subnets("192.168.50.0/24"))
    endpoint(host, "web", ipv6="none")
    network(host, subnets=ALL)
    endpoint(host, "web", ipv6="none")
    assert of_link(host) == ["192.168.50.2/24"]
    network(host, subnets=subnets("192.168.52.0/24", "2001:db8:50::/64"), replace=True)
    assert of_link(host) == ["192.168.52.2/24"]
    assert host.sysctl("net/ipv6/conf/eth0/disable_ipv6", netns="web") == "1"


def test_the_host_reaches_all_of_them(host: Host) -> None:
    network(host, subnets=ALL, host_access=True)
    endpoint(host, "web", addresses=FURTHER)
    for address in ("192.168.50.20", "192.168.51.20", "2001:db8:50::20"):
        assert host.ping(None, address)
    assert "192.168.51.20" in [item["dst"] for item in host.routes()]
    endpoint(host, "web")
    assert "192.168.51.20" not in [item["dst"] for item in host.routes()]
