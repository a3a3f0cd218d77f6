# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A link of an endpoint that others have put into a VRF: its routes are theirs, and all else of it is kept as it shall be."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.features import RENAMES_LIVE
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import HAS_IPV6
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, endpoint, gone, network, refuse, subnets

pytestmark = pytest.mark.needs("vrf")

ENDPOINT = "macvlan_endpoint"
SUBNETS = subnets("192.168.60.0/24", *(["2001:db8:60::/64"] if HAS_IPV6 else []))
ASKED: dict[str, t.Any] = {"name": "a", "network": "net", "ifname": "mv0", "default_route": True}
PLACES = pytest.mark.parametrize("netns", ["q", None])


def make(host: Host, netns: str | None, ipv6: bool = True) -> dict[str, t.Any]:
    """An endpoint whose link is in a VRF by now, and what its task asks for."""
    asked = {**ASKED, "netns": netns}
    network(host, subnets=SUBNETS if ipv6 else SUBNETS[:1])
    converge(host, ENDPOINT, **asked)
    ip(host, netns, "link", "add", "red", "type", "vrf", "table", "10")
    ip(host, netns, "link", "set", "red", "up")
    ip(host, netns, "link", "set", "mv0", "master", "red")
    return asked


def ip(host: Host, netns: str | None, *words: str) -> t.Any:
    return host.ip(*(("-n", netns) if netns else ()), *words)


def routes_of_red(host: Host, netns: str | None) -> set[str]:
    return {route["dst"] for route in ip(host, netns, "route", "show", "vrf", "red")}


def no_drift(host: Host) -> bool:
    return host.call("macvlan_info")["drift"] == [] and host.run_command("check").code == 0


@PLACES
def test_its_routes_are_no_drift_and_the_rest_of_it_is_mended(host: Host, netns: str | None) -> None:
    asked = make(host, netns, ipv6=False)
    assert no_drift(host)
    assert not host.call(ENDPOINT, **asked)["changed"]
    assert host.run_command("restore").code == 0
    ip(host, netns, "address", "flush", "dev", "mv0", "scope", "global")
    assert not no_drift(host)
    converge(host, ENDPOINT, **asked)
    assert no_drift(host)
    assert "192.168.60.0/24" in routes_of_red(host, netns)
    gone(host, ENDPOINT, name="a", network="net")


@PLACES
def test_addresses_that_were_lost_when_it_joined_the_vrf_are_restored(host: Host, netns: str | None) -> None:
    asked = make(host, netns)
    host.call(ENDPOINT, **asked)
    assert no_drift(host)
    converge(host, ENDPOINT, **{**asked, "ipv4": "192.168.60.9", "mtu": 1400})
    assert no_drift(host)
    assert host.run_command("restore").code == 0


@PLACES
def test_a_new_route_is_refused_and_a_network_that_needs_one_too(host: Host, netns: str | None) -> None:
    asked = make(host, netns, ipv6=False)
    where = f"mv0{' in namespace q' if netns else ''} is in the VRF red"
    routes = [{"to": "10.9.0.0/16", "via": "192.168.60.9"}]
    refuse(host, ENDPOINT, where, **{**asked, "routes": routes})
    changed = [{**SUBNETS[0], "gateway": "192.168.60.254"}]
    words = refuse(host, "macvlan_network", where, name="net", parent="eth0", subnets=changed)
    # The command that the message ends with does it.
    ip(host, netns, "link", "set", "dev", "mv0", "nomaster")
    assert f"{'ip -n q' if netns else 'ip'} link set dev mv0 nomaster" in words
    converge(host, ENDPOINT, **{**asked, "routes": routes})
    assert no_drift(host)


@PLACES
def test_another_name_takes_no_routes_of_the_vrf(host: Host, netns: str | None) -> None:
    asked = make(host, netns, ipv6=False)
    ip(host, netns, "route", "add", "10.77.0.0/16", "via", "192.168.60.9", "vrf", "red")
    if RENAMES_LIVE:
        converge(host, ENDPOINT, **{**asked, "ifname": "mv1"})
        assert no_drift(host)
    else:
        refuse(host, ENDPOINT, "ifname: mv0", "is in the VRF red", **{**asked, "ifname": "mv1"})
    assert "10.77.0.0/16" in routes_of_red(host, netns)


def test_it_is_recreated_without_the_vrf(host: Host) -> None:
    make(host, "q")
    host.lose_all()
    assert host.run_command("restore").code == 0
    assert no_drift(host)
    endpoint(host, "b", default_route=False)
