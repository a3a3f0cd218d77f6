# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift: everything that differs from the record is named once, and nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import endpoint_ref, network_ref, subinterface_ref
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import OtherRoute, Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    BLUE_PATH,
    ETH0,
    Host,
    endpoint,
    kernel,
    link,
    network,
    subinterface,
    vlan_link,
)

pytestmark = pytest.mark.engine

LAN, WEB, VLAN, ALONE = "network lan", "endpoint lan/web", "vlan_subinterface eth0.50", "network alone"
DUMMY = names.dummy_name(names.object_id("host", "network", "alone"))
ROUTE = {"to": "10.9.0.0/16", "via": "192.168.1.7", "metric": 5}


def tag_of(kind, *path):
    return names.tag(names.object_id("host", kind, *path))


def lan(**options):
    """The request for the network of the host."""
    return network(parent="eth1", subnets=["192.168.1.0/24", "fd00::/64"], **options)


def web():
    """The request for its endpoint."""
    return endpoint(routes=[ROUTE], sysctls={"net.ipv4.conf.IFNAME.rp_filter": "2"})


@pytest.fixture
def host():
    """A network on eth1, with an endpoint; a sub-interface; a network without a parent."""
    found = Host(kernel())
    for request in (
        lan(),
        web(),
        subinterface(),
        network("alone", parent=None, subnets=["10.5.0.0/24"]),
    ):
        found.run(request)
    assert drift(found) == []
    return found


def drift(host):
    return [(item.ref.title, item.field, item.recorded, item.actual) for item in drift_of(HostView(host.record, host.kernel))]


def changed(**values):
    """The endpoint's link, changed."""
    return lambda host: host.change("eth0", BLUE_PATH, **values)


def given(addresses=None, routes=None, sysctls=None, other_routes=(), connected=True):
    """The endpoint's addresses and routes, replaced, and some of its settings.

    :param connected: the routes of the addresses are there as well
    """

    def change(host):
        one = host.kernel.spaces[BLUE_PATH]
        index = one.links["eth0"].index
        here = tuple(OURS if addresses is None else addresses)
        found = dataclasses.replace(
            one,
            addresses={index: here},
            routes={index: builders.with_routes_of(here, ROUTES if routes is None else routes) if connected else tuple(routes)},
            sysctls={**one.sysctls, **(sysctls or {})},
            other_routes=tuple(other_routes),
        )
        host.kernel = builders.with_space(host.kernel, found, BLUE_PATH)

    return change


def renamed(old, new, path=HOST.path):
    def change(host):
        found = host.link(old, path)
        host.lose(old, path)
        host.gain(dataclasses.replace(found, name=new), path)

    return change


def both(*changes):
    def change(host):
        for item in changes:
            item(host)

    return change


OURS = ("192.168.1.2/24", "fd00::2/64")
ROUTES = (Route("0.0.0.0/0", "192.168.1.1"), Route("::/0", "fd00::1"), Route("10.9.0.0/16", "192.168.1.7", 5))
TAG = tag_of("endpoint", "lan", "web")
SETTING = "net.ipv6.conf.eth0.accept_ra"

OF_AN_ENDPOINT = {
    "the mtu": (changed(mtu=1400), [("mtu", 1500, 1400)]),
    "the mode": (changed(mode="private"), [("mode", "bridge", "private")]),
    "the MAC address": (changed(mac="02:00:00:00:00:01"), [("mac", "02:42:c0:a8:01:02", "02:00:00:00:00:01")]),
    "the alias": (changed(alias=""), [("link", TAG, "not tagged")]),
    "another alias": (changed(alias="mine"), [("link", "present", "a foreign macvlan")]),
    "the state": (changed(up=False), [("link", "up", "down")]),
    "the name": (renamed("eth0", "wan0", BLUE_PATH), [("ifname", "eth0", "wan0")]),
    "the link": (lambda host: host.lose("eth0", BLUE_PATH), [("link", "present", "absent")]),
    "another kind of link": (
        lambda host: host.gain(link("eth0", 77, kind="veth"), BLUE_PATH),
        [("link", "present", "a foreign veth")],
    ),
    "a link of no kind": (lambda host: host.gain(link("eth0", 77), BLUE_PATH), [("link", "present", "a foreign link")]),
    "the namespace": (
        lambda host: setattr(host, "kernel", builders.with_space(host.kernel, None, BLUE_PATH)),
        [("netns", "blue", None)],
    ),
    "another parent": (changed(lower=ETH0), [("parent", "eth1", "eth0")]),
    "a parent that is nowhere": (changed(lower=99), [("parent", "eth1", None)]),
    "an address": (given(addresses=OURS[:1]), [("ipv6", OURS[1], None)]),
    "another address": (given(addresses=["192.168.1.9/24", OURS[1]]), [("ipv4", OURS[0], "192.168.1.9/24")]),
    "one address more": (given(addresses=["10.6.6.6/8", *OURS]), []),
    "two others in the place of an address": (
        given(addresses=["192.168.1.9/24", "10.6.6.6/8", OURS[1]]),
        [("ipv4", OURS[0], ["10.6.6.6/8", "192.168.1.9/24"])],
    ),
    "another prefix of an address": (
        given(addresses=["192.168.1.2/16", OURS[1]]),
        [("ipv4", OURS[0], "192.168.1.2/16")],
    ),
    "a default route": (given(routes=ROUTES[1:]), [("default_route", "0.0.0.0/0 via 192.168.1.1", None)]),
    "another default route": (
        given(routes=[Route("0.0.0.0/0", "192.168.1.9"), *ROUTES[1:]]),
        [("default_route", "0.0.0.0/0 via 192.168.1.1", "0.0.0.0/0 via 192.168.1.9")],
    ),
    "a route": (given(routes=ROUTES[:2]), [("routes", "10.9.0.0/16 via 192.168.1.7 metric 5", None)]),
    "a route of another metric": (
        given(routes=[*ROUTES[:2], Route("10.9.0.0/16", "192.168.1.7")]),
        [("routes", "10.9.0.0/16 via 192.168.1.7 metric 5", None)],
    ),
    "the routes of addresses": (
        given(routes=ROUTES, connected=False),
        [("routes", "192.168.1.0/24 of 192.168.1.2/24", None), ("routes", "fd00::/64 of fd00::2/64", None)],
    ),
    "the route of an address that is gone": (
        given(addresses=OURS[:1], routes=[Route("192.168.1.0/24"), *ROUTES], connected=False),
        [("ipv6", OURS[1], None)],
    ),
    "what replaced the route of an address": (
        given(routes=[*ROUTES, Route("fd00::/64", None, 256), Route("192.168.1.0/24", "192.168.1.9")], connected=False),
        [("routes", "192.168.1.0/24 of 192.168.1.2/24", "192.168.1.0/24 via 192.168.1.9")],
    ),
    "a default route that leads nowhere": (
        given(routes=ROUTES[1:], other_routes=[OtherRoute(("0.0.0.0/0", 0), "blackhole")]),
        [("default_route", "0.0.0.0/0 via 192.168.1.1", "blackhole 0.0.0.0/0")],
    ),
    "a route that leads nowhere beside ours": (given(other_routes=[OtherRoute(("0.0.0.0/0", 9), "unreachable")]), []),
    "a setting of ours": (given(sysctls={SETTING: "1"}), [("sysctls", f"{SETTING}=0", f"{SETTING}=1")]),
    "a setting of the task": (
        given(sysctls={"net.ipv4.conf.eth0.rp_filter": "0"}),
        [("sysctls", "net.ipv4.conf.eth0.rp_filter=2", "net.ipv4.conf.eth0.rp_filter=0")],
    ),
    "an autoconfigured address": (
        given(addresses=[*OURS, "2001:db8::1/64"], sysctls={SETTING: "1"}),
        [("sysctls", f"{SETTING}=0", f"{SETTING}=1")],
    ),
    "two at once": (changed(mtu=1400, up=False), [("link", "up", "down"), ("mtu", 1500, 1400)]),
}


def facts(**values):
    return lambda host: host.change("eth0.50", vlan=dataclasses.replace(host.link("eth0.50").vlan, **values))


VLAN_TAG = tag_of("vlan_subinterface", "eth0.50")

OF_A_SUBINTERFACE = {
    "the mtu": (lambda host: host.change("eth0.50", mtu=1400), [("mtu", 1500, 1400)]),
    "the state": (lambda host: host.change("eth0.50", up=False), [("up", True, False)]),
    "the MAC address": (
        lambda host: host.change("eth0.50", mac="02:00:00:00:00:01"),
        [("mac", "52:54:00:00:00:02", "02:00:00:00:00:01")],
    ),
    "the alias": (lambda host: host.change("eth0.50", alias=""), [("link", VLAN_TAG, "not tagged")]),
    "the VLAN": (facts(vlan_id=51), [("vlan_id", 50, 51)]),
    "the protocol": (facts(protocol="802.1ad"), [("protocol", "802.1q", "802.1ad")]),
    "a flag": (facts(gvrp=True), [("gvrp", False, True)]),
    "a priority": (facts(egress_qos_map={"1": 2}), [("egress_qos_map", {}, {"1": 2})]),
    "the link": (lambda host: host.lose("eth0.50"), [("link", "present", "absent")]),
    "the name": (renamed("eth0.50", "trunk"), [("name", "eth0.50", "trunk")]),
    "the name of its parent": (renamed("eth0", "lan0"), [("parent", "eth0", "lan0")]),
    "another VLAN under its name": (
        lambda host: host.gain(vlan_link("eth0.50", 77, ETH0, 50, mac="52:54:00:00:00:02", facts={"protocol": "802.1ad"})),
        [("link", VLAN_TAG, "not tagged"), ("protocol", "802.1q", "802.1ad")],
    ),
}

OF_A_NETWORK = {
    "the name of the parent": (renamed("eth1", "lan1"), [(LAN, "parent", "eth1", "lan1")]),
    "the parent": (lambda host: host.lose("eth1"), [(LAN, "parent", "eth1", None)]),
    "the name of the parent, and the alias of what is on it": (
        both(renamed("eth1", "lan1"), changed(alias="")),
        [(LAN, "parent", "eth1", None), (WEB, "link", "present", "a foreign macvlan")],
    ),
    "the name of the parent, which another link has got": (
        both(renamed("eth1", "lan1"), lambda host: host.gain(link("eth1", 77))),
        [(WEB, "parent", "eth1", "lan1")],
    ),
    "the state of the dummy": (
        lambda host: host.change(DUMMY, up=False),
        [(ALONE, "parent", f"{DUMMY} up", f"{DUMMY} down")],
    ),
    "the alias of the dummy": (
        lambda host: host.change(DUMMY, alias=""),
        [(ALONE, "parent", tag_of("network", "alone"), "not tagged")],
    ),
    "the name of the dummy": (renamed(DUMMY, "dm"), [(ALONE, "parent", DUMMY, "dm")]),
    "the dummy": (lambda host: host.lose(DUMMY), [(ALONE, "parent", DUMMY, None)]),
}


@pytest.mark.parametrize("what", OF_AN_ENDPOINT)
def test_what_differs_of_an_endpoint_is_named(host, what):
    change, entries = OF_AN_ENDPOINT[what]
    change(host)
    assert drift(host) == [(WEB, *entry) for entry in entries]


@pytest.mark.parametrize("what", OF_A_SUBINTERFACE)
def test_what_differs_of_a_subinterface_is_named(host, what):
    change, entries = OF_A_SUBINTERFACE[what]
    change(host)
    assert drift(host) == [(VLAN, *entry) for entry in entries]


@pytest.mark.parametrize("what", OF_A_NETWORK)
def test_what_differs_of_a_network_is_named(host, what):
    change, entries = OF_A_NETWORK[what]
    change(host)
    assert drift(host) == entries


def left_out(host, *requests):
    """The differences that a result does not look for, because the plan has found their endpoints right; and whether it left any out."""
    before = HostView(host.record, host.kernel)
    try:
        made = host.plan(*requests)
    except PlanError:
        return [], False
    return [item for item in drift_of(before) if item not in drift_of(before, right=made.right)], bool(made.right)


@pytest.mark.parametrize("what", OF_AN_ENDPOINT | OF_A_NETWORK)
@pytest.mark.parametrize("mode", ["bridge", "private", "vepa"])
def test_no_difference_is_lost_for_an_endpoint_that_the_plan_finds_right(host, what, mode):
    (OF_AN_ENDPOINT | OF_A_NETWORK)[what][0](host)
    for requests in ((web(),), (lan(mode=mode), web()), (lan(mode=mode, mtu=1400), web())):
        assert left_out(host, *requests)[0] == []


def test_a_link_that_has_what_its_network_gets_now_has_drifted(host):
    """The plan compares it with the network as it will be, and the result with the one that is recorded."""
    host.change("eth0", BLUE_PATH, mode="private")
    assert left_out(host, lan(mode="private"), web())[0] == []
    assert drift(host) == [(WEB, "mode", "bridge", "private")]


def test_an_endpoint_that_is_right_is_not_compared_again(host):
    assert left_out(host, web()) == ([], True)
    assert left_out(host, lan(mtu=1400), web()) == ([], False)


def test_an_extra_route_is_no_drift(host):
    given(routes=[*ROUTES, Route("10.77.0.0/16", "192.168.1.7")])(host)
    assert drift(host) == []


def test_a_passthru_endpoint_has_the_mac_address_of_its_parent():
    host = Host(kernel())
    host.run(network(mode="passthru"))
    host.run(endpoint())
    for name, path in (("eth0", HOST.path), ("eth0", BLUE_PATH)):
        host.change(name, path, mac="52:54:00:00:00:99")
    assert drift(host) == []
    host.change("eth0", BLUE_PATH, mac="52:54:00:00:00:77")
    assert drift(host) == [(WEB, "mac", "52:54:00:00:00:99", "52:54:00:00:00:77")]


def test_only_what_is_asked_for_is_compared(host):
    host.change("eth0", BLUE_PATH, mtu=1400)
    host.change("eth0.50", mtu=1400)
    view = HostView(host.record, host.kernel)
    assert [item.ref for item in drift_of(view, {endpoint_ref("lan", "web"), network_ref("lan")})] == [endpoint_ref("lan", "web")]
    assert [item.ref for item in drift_of(view, {subinterface_ref("eth0.50")})] == [subinterface_ref("eth0.50")]


def test_an_endpoint_on_another_link_than_its_unknown_parent_is_refused_and_both_are_named(host):
    """As after an upgrade from a release that recorded names only."""
    host.record.networks["lan"] = dataclasses.replace(host.record.networks["lan"], parent_link=None)
    both(renamed("eth1", "lan1"), lambda host: host.gain(link("eth1", 77)))(host)
    with pytest.raises(PlanError) as caught:
        host.plan(endpoint())
    assert "endpoint lan/web: eth0 in namespace blue is not on its parent eth1 but on lan1" in str(caught.value)
