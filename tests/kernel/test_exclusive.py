# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others add to an endpoint's link for good is listed, and goes where the endpoint or its network is exclusive."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.kernel.test_run_time_state import ENDPOINT, NETWORKS, SOURCES, V4, put
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.run_time_state import seen
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, refuse, subnets

pytestmark = pytest.mark.engine

# Source of run-time state → those of its addresses that are there for good.
FOR_GOOD = {
    "a DHCP client": [],
    "a DHCP client of another subnet": [],
    "VRRP": ["192.168.60.51/32"],
    "a router advertisement": [],
    "a prefix of its own": ["2001:db8:60::9/64"],
    "a peer": ["10.66.0.1/32"],
    "all of them": ["192.168.60.51/32"],
}
DUAL = NETWORKS["subnets of both families"]
WAYS = {
    "the network": ({"exclusive": True}, {}, {}),
    "the endpoint": ({}, {"exclusive": True}, {}),
    "the endpoint against its network": ({"exclusive": False}, {"exclusive": True}, {}),
    "the configuration": ({}, {}, {"exclusive": True}),
    "the network against the configuration": ({"exclusive": True}, {}, {"exclusive": False}),
}
REPAIRS = ("the endpoint", "the network", "the configuration", "restore")


def repair(host: Host, by: str, network: dict[str, t.Any], endpoint: dict[str, t.Any]) -> None:
    if by == "the endpoint":
        converge(host, "macvlan_endpoint", **endpoint)
    elif by == "the network":
        converge(host, "macvlan_network", **network)
    elif by == "the configuration":
        converge(host, "macvlan_config", networks=[network], endpoints=[endpoint])
    else:
        assert host.run_command("restore").code == 0


def foreign(host: Host) -> list[str]:
    (shown,) = host.call("macvlan_info")["endpoints"]
    return t.cast("list[str]", shown["foreign_addresses"])


def drift(host: Host) -> list[tuple[str, str]]:
    return [(item["object"], item["field"]) for item in host.call("macvlan_info")["drift"]]


def present(host: Host) -> list[str]:
    return sorted(f"{entry['local']}/{entry['prefixlen']}" for entry in seen(host)[0])


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("where", NETWORKS)
def test_addresses_that_were_added_for_good_are_listed_and_are_no_drift(host: Host, where: str, source: str) -> None:
    host.call("macvlan_network", **NETWORKS[where])
    host.call("macvlan_endpoint", **ENDPOINT)
    host.wait_until_up("eth0", "a")
    assert foreign(host) == []
    put(host, SOURCES[source])
    assert foreign(host) == ([] if where == "ipam none" else FOR_GOOD[source])
    assert drift(host) == []


@pytest.mark.parametrize("source", SOURCES)
def test_with_exclusive_they_are_drift_and_go_and_the_others_stay(host: Host, source: str) -> None:
    params = {**DUAL, "exclusive": True}
    host.call("macvlan_network", **params)
    host.call("macvlan_endpoint", **ENDPOINT)
    host.wait_until_up("eth0", "a")
    before = present(host)
    put(host, SOURCES[source])
    lasting = FOR_GOOD[source]
    passing = [item for item in present(host) if item not in (*before, *lasting)]
    assert foreign(host) == lasting
    family = "ipv6" if ":" in "".join(lasting) else "ipv4"
    assert drift(host) == ([("endpoint net/a", family)] if lasting else [])
    assert host.run_command("check").code == (1 if lasting else 0)
    done = converge(host, "macvlan_endpoint", **ENDPOINT)
    assert done["changed"] is bool(lasting)
    assert [step for step in done["steps"] if step.startswith("delete")] == [
        f"delete {address} from eth0 in namespace a" for address in lasting
    ]
    assert present(host) == sorted(before + passing)
    assert (foreign(host), drift(host)) == ([], [])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("by", REPAIRS)
def test_exclusive_removes_them_whatever_programs_run(host: Host, way: str, by: str) -> None:
    of_network, of_endpoint, of_all = WAYS[way]
    params, wanted = {**DUAL, **of_network}, {**ENDPOINT, **of_endpoint}
    host.call("macvlan_config", networks=[params], endpoints=[wanted], **of_all)
    host.wait_until_up("eth0", "a")
    before = seen(host)
    put(host, (*SOURCES["VRRP"], *SOURCES["a prefix of its own"]))
    assert foreign(host) == ["192.168.60.51/32", "2001:db8:60::9/64"]
    if of_all.get("exclusive"):
        # What the configuration has said is recorded with the network, whose own task says it by itself.
        params = {**params, "exclusive": True}
    repair(host, by, params, wanted)
    assert seen(host) == before
    assert drift(host) == []


@pytest.mark.parametrize(
    ("of_network", "of_endpoint"), [({}, {}), ({"exclusive": False}, {}), ({"exclusive": True}, {"exclusive": False})], ids=str
)
def test_an_endpoint_that_is_not_exclusive_keeps_them(
    host: Host, of_network: dict[str, t.Any], of_endpoint: dict[str, t.Any]
) -> None:
    params, wanted = {**DUAL, **of_network}, {**ENDPOINT, **of_endpoint}
    host.call("macvlan_config", networks=[params], endpoints=[wanted])
    host.wait_until_up("eth0", "a")
    put(host, SOURCES["VRRP"])
    before = seen(host)
    assert host.call("macvlan_config", networks=[params], endpoints=[wanted])["changed"] is False
    assert host.run_command("restore").code == 0
    assert seen(host) == before


def test_a_network_that_becomes_exclusive_removes_them_at_once(host: Host) -> None:
    host.call("macvlan_network", **DUAL)
    host.call("macvlan_endpoint", **ENDPOINT)
    host.wait_until_up("eth0", "a")
    before = present(host)
    put(host, SOURCES["all of them"])
    done = converge(host, "macvlan_network", **DUAL, exclusive=True)
    assert done["network"]["exclusive"] is True
    assert done["steps"] == ["change exclusive of network net", "delete 192.168.60.51/32 from eth0 in namespace a"]
    assert set(before) < set(present(host))
    done = converge(host, "macvlan_endpoint", **ENDPOINT)
    assert (done["changed"], done["endpoint"]["exclusive"]) == (False, True)


def test_the_first_address_of_a_subnet_goes_without_the_others(host: Host) -> None:
    """The kernel would take the others of its subnet along."""
    params = {"name": "net", "parent": "eth0", "subnets": subnets("192.168.60.0/24"), "exclusive": True}
    host.call("macvlan_network", **params)
    host.call("macvlan_endpoint", name="a", network="net", netns="a")
    put(
        host,
        (
            f"address delete {V4} dev eth0",
            "address add 192.168.60.50/24 dev eth0",
            f"address add {V4} dev eth0",
            "address add 192.168.60.77/24 dev eth0 valid_lft 6000 preferred_lft 6000",
            "route add default via 192.168.60.1 dev eth0 proto static",
        ),
    )
    converge(host, "macvlan_endpoint", name="a", network="net", netns="a")
    assert present(host) == [V4, "192.168.60.77/24"]
    assert {route["dst"] for route in host.routes("a")} == {"default", "192.168.60.0/24"}
    assert drift(host) == []


def test_ipam_none_cannot_be_exclusive(host: Host) -> None:
    bare = {"name": "none", "parent": "eth0", "ipam": "none"}
    refuse(host, "macvlan_network", "ipam: none leaves the addresses of links to the programs in", **bare, exclusive=True)
    converge(host, "macvlan_network", **bare, exclusive=False)
    asked = {"name": "a", "network": "none", "netns": "a"}
    refuse(host, "macvlan_endpoint", "endpoint none/a: exclusive: true would remove", **asked, exclusive=True)
    # What the configuration says of all networks does not concern it.
    done = converge(host, "macvlan_config", networks=[bare], endpoints=[asked], exclusive=True)
    assert (done["networks"][0]["exclusive"], done["endpoints"][0]["exclusive"]) == (False, False)
