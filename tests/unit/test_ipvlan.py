# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks with the driver ipvlan: what can be asked for, what is planned, and what the kernel does with links on one parent."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.access import AccessPath, LockoutPolicy
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Network
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan import lockout_guard
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.probing import probing_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import endpoint_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import network_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import AddLink, SetLink, inverse
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.plain import plain
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    ETH0,
    Host,
    configuration,
    endpoint,
    kernel,
    link,
    network,
    no_network,
    shape,
    space,
    subinterface,
)

pytestmark = pytest.mark.engine

DUAL = ("192.168.1.0/24", "fd01::/64")
RED, BLUE = "/run/netns/red", "/run/netns/blue"


def lan(mode=None, name="lan", subnets=DUAL, **params):
    return network(name, subnets, driver="ipvlan", mode=mode, **params)


def web(name="red", network="lan", **params):
    return endpoint(name, network, netns=name, **params)


def used(mode=None):
    """A host with two endpoints in an ipvlan network."""
    host = Host()
    host.run(lan(mode))
    host.run(web("red", ipv4="192.168.1.7", ipv6="fd01::7"))
    host.run(web("blue", ipv4="192.168.1.8", ipv6="fd01::8"))
    return host


def modes(host):
    return [host.kernel.spaces[path].links["eth0"].mode for path in (RED, BLUE)]


# --- what is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "driver", "mode"),
    [
        ({}, "macvlan", "bridge"),
        ({"driver": "macvlan"}, "macvlan", "bridge"),
        ({"driver": "ipvlan"}, "ipvlan", "l2"),
        ({"driver": "ipvlan", "mode": "l3s"}, "ipvlan", "l3s"),
    ],
)
def test_a_mode_that_is_left_out_is_that_of_the_driver(params, driver, mode):
    read = network_options({"name": "lan", "parent": "eth0", **params})
    assert (read.driver, read.kind, read.mode) == (driver, driver, mode)


GATEWAY = [{"subnet": "192.168.1.0/24", "gateway": "192.168.1.9"}]
NO_GATEWAY = [{"subnet": "192.168.1.0/24", "gateway": "none"}]
WRONG = [
    ({"mode": "l2"}, "mode: l2 is a mode of the driver ipvlan, and the driver of this network is macvlan, which has bridge, private"),
    ({"driver": "macvlan", "mode": "l3s"}, "use one of these, or driver: ipvlan"),
    ({"driver": "ipvlan", "mode": "bridge"}, "mode: bridge is a mode of the driver macvlan, and the driver of this network is ipvlan, which has l2, l3, l3s"),
    ({"driver": "ipvlan", "mode": "passthru"}, "or driver: macvlan"),
    ({"driver": "ipvlan", "mode": "l3", "subnets": GATEWAY}, "subnets[0].gateway: 192.168.1.9 has no meaning in mode l3"),
    ({"driver": "ipvlan", "mode": "l3s", "subnets": NO_GATEWAY}, "subnets[0].gateway: none has no meaning in mode l3s"),
    ({"driver": "ipvlan", "bcqueuelen": 100}, "bcqueuelen is an option of macvlan links"),
    ({"driver": "ipvlan", "bclim": 5}, "bclim is an option of macvlan links"),
    ({"driver": "ipvlan", "mode": "l3", "host_access": True}, "nor neighbour discovery with the host; remove host_access, or use mode: l2"),
    ({"driver": "ipvlan", "mode": "l3s", "host_access": True}, "or use mode: l2"),
]


@pytest.mark.parametrize(("params", "words"), WRONG)
def test_what_means_nothing_is_refused_in_words(params, words):
    with pytest.raises(OptionsError) as caught:
        network_options({"name": "lan", "parent": "eth0", **params})
    assert words in str(caught.value) and len(caught.value.problems) == 1


@pytest.mark.parametrize(("mode", "gateways"), [("l2", ["192.168.1.1", "fd01::1"]), ("l3", [None, None]), ("l3s", [None, None])])
def test_a_gateway_is_inferred_where_there_is_a_next_hop(mode, gateways):
    assert [subnet.gateway for subnet in lan(mode).subnets] == gateways


# --- what is recorded -----------------------------------------------------------------------------------------------


def test_a_row_of_an_earlier_release_is_a_macvlan_network():
    host = Host()
    host.run(network())
    row = plain(host.record.networks["lan"])
    del row["driver"]
    assert Network.from_plain(row).driver == "macvlan"


@pytest.mark.parametrize(("driver", "mode"), [("ipvlan", "bridge"), ("macvlan", "l2")])
def test_a_row_with_the_mode_of_another_driver_is_damaged(driver, mode):
    host = Host()
    host.run(network())
    with pytest.raises(ValueError, match="none of"):
        Network.from_plain({**plain(host.record.networks["lan"]), "driver": driver, "mode": mode})


# --- endpoints ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["l2", "l3", "l3s"])
def test_an_endpoint_has_the_mac_address_of_its_parent_and_its_default_routes(mode):
    host = used(mode)
    parent = host.link("eth0").mac
    for key, last in ((("lan", "red"), 7), (("lan", "blue"), 8)):
        item = host.record.endpoints[key]
        assert (item.mac, item.own_mac, item.ipv4) == (parent, None, f"192.168.1.{last}/24")
        hops = {4: "192.168.1.1", 6: "fd01::1"} if mode == "l2" else {4: None, 6: None}
        assert {version: route.via for version, route in item.default_routes.items()} == hops
        assert item.routed == (mode != "l2")
    assert host.link("eth0", RED).mac == parent
    assert not drift_of(HostView(host.record, host.kernel))


def test_without_a_default_route_there_is_none_in_a_routed_mode():
    host = Host()
    host.run(lan("l3"))
    host.run(web(default_route=False))
    assert host.record.endpoints["lan", "red"].default_routes == {}
    host.run(lan("l3", "inner", ("192.168.2.0/24",), internal=True, allow_shared_parent=True))
    host.run(web("blue", "inner"))
    assert host.record.endpoints["inner", "blue"].default_routes == {}


def test_a_family_without_an_address_has_no_default_route():
    host = Host()
    host.run(lan("l3", subnets=("192.168.1.0/24",)))
    host.run(web())
    assert list(host.record.endpoints["lan", "red"].all_routes) == [Route("0.0.0.0/0")]


def test_two_default_routes_over_links_are_refused_in_a_namespace():
    host = Host()
    host.run(lan("l3"))
    host.run(web())
    host.run(lan("l3", "other", ("192.168.2.0/24",), allow_shared_parent=True))
    with pytest.raises(PlanError, match=r"endpoint lan/red has the IPv4 default route in namespace red already; use default_route: false"):
        host.plan(endpoint("more", "other", netns="red", ifname="eth1"))


@pytest.mark.parametrize("mode", ["l2", "l3"])
def test_a_mac_address_cannot_be_asked_for(mode):
    host = Host()
    host.run(lan(mode))
    with pytest.raises(PlanError, match="mac: an ipvlan endpoint has the MAC address of its parent eth0; leave mac out"):
        host.plan(web(mac="02:00:00:00:00:01"))


def test_a_link_that_lost_its_tag_is_known_by_its_address():
    host = used()
    host.change("eth0", RED, alias="", mac="02:00:00:00:00:99")
    assert "tag eth0 in namespace red as ours" in host.sentences(web("red", ipv4="192.168.1.7", ipv6="fd01::7"))
    host.change("eth0", RED, alias="")
    foreign = dataclasses.replace(host.kernel.spaces[RED], addresses={})
    host.kernel = builders.with_space(host.kernel, foreign, RED)
    with pytest.raises(PlanError, match=r"ifname eth0 is taken in namespace red by an? ipvlan link"):
        host.plan(web("red", ipv4="192.168.1.7", ipv6="fd01::7"))


# --- modes ----------------------------------------------------------------------------------------------------------


def test_one_step_changes_the_mode_of_all_links_on_a_parent_and_back():
    host = used("l3")
    before = host.kernel
    done = host.run(lan("l2"))
    changes = [step for step in done.steps if isinstance(step, SetLink) and step.attribute == "mode"]
    assert len(changes) == 1 and modes(host) == ["l2", "l2"]
    assert not drift_of(HostView(host.record, host.kernel))
    assert shape(builders.followed(host.kernel, inverse(done.steps))) == shape(before)


def test_a_new_link_has_the_mode_that_others_get_with_it():
    host = used("l2")
    host.change("eth0", RED, mode="l3")
    host.change("eth0", BLUE, mode="l3")
    told = [item for item in drift_of(HostView(host.record, host.kernel)) if item.field == "mode"]
    assert len(told) == 2
    host.run(web("green"))
    assert modes(host) == ["l2", "l2"]


def test_an_inferred_gateway_that_an_endpoint_has_is_refused():
    host = Host()
    host.run(lan("l3"))
    host.run(web())
    with pytest.raises(PlanError) as caught:
        host.plan(lan("l2"))
    for text in ("192.168.1.1 cannot be the gateway of 192.168.1.0/24: it is held by endpoint lan/red", "add replace: true"):
        assert text in str(caught.value)
    host.run(lan("l2", replace=True))
    assert host.record.endpoints["lan", "red"].ipv4 == "192.168.1.2/24"


def test_networks_on_a_parent_change_their_mode_together():
    host = used()
    host.run(lan(None, "other", ("192.168.2.0/24",), allow_shared_parent=True))
    with pytest.raises(PlanError, match=r"mode cannot be l3: network lan is on eth0 too and has mode l2.*in one task of macvlan_config"):
        host.plan(lan("l3", "other", ("192.168.2.0/24",)))
    host.run(configuration(lan("l3"), lan("l3", "other", ("192.168.2.0/24",))))
    assert {item.mode for item in host.record.networks.values()} == {"l3"} and modes(host) == ["l3", "l3"]


# --- one driver a parent --------------------------------------------------------------------------------------------

TWO = [(lan(), network("other", ("192.168.2.0/24",))), (network(), lan(None, "other", ("192.168.2.0/24",)))]


@pytest.mark.parametrize(("first", "second"), TWO)
def test_networks_of_both_drivers_cannot_share_a_parent(first, second):
    second = dataclasses.replace(second, allow_shared_parent=True)
    host = Host()
    host.run(first)
    with pytest.raises(PlanError) as caught:
        host.plan(second)
    for text in ("network other: its driver is", "network lan on the same parent eth0 has the driver", "or one driver"):
        assert text in str(caught.value)
    with pytest.raises(PlanError, match="has the driver"):
        Host().plan(configuration(first, second))
    host.run(no_network())
    host.run(second)


@pytest.mark.parametrize("kind", ["macvlan", "macvtap", "macsec", "rmnet"])
def test_a_parent_with_foreign_links_of_another_kind_is_refused(kind):
    host = Host(kernel(link("x0", 9, kind=kind, lower=ETH0)))
    with pytest.raises(PlanError, match=f"eth0 carries the {kind} link x0, which receives all its frames"):
        host.plan(lan())


@pytest.mark.parametrize(("mode", "words"), [("l2", None), ("l3", r"eth0 carries the ipvlan link x0 in mode l3.*use mode: l3")])
def test_foreign_links_of_its_kind_can_be_beside_it_in_its_mode(mode, words):
    host = Host(kernel(link("x0", 9, kind="ipvlan", lower=ETH0, mode=mode)))
    if words is None:
        host.run(lan())
        return
    with pytest.raises(PlanError, match=words):
        host.plan(lan())


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("lo", {}, "lo is the loopback and cannot carry an ipvlan"),
        ("x0", {"kind": "ipvlan", "lower": ETH0}, "x0 is itself an ipvlan link and cannot be a parent; use eth0"),
        ("x0", {"kind": "macvlan", "lower": ETH0}, "x0 is itself a macvlan link and cannot be a parent$"),
        ("x0", {"hardware": 512}, "x0 is not an Ethernet link and cannot carry an ipvlan"),
    ],
)
def test_a_link_that_cannot_carry_it_is_refused(name, values, words):
    host = Host(kernel(*([link(name, 9, **values)] if name != "lo" else [])))
    with pytest.raises(PlanError, match=words):
        host.plan(lan(parent=name))


@pytest.mark.parametrize(("hops", "expected"), [({(2, "192.168.1.1"): "0.0.0.0/0"}, "192.168.1.2/24"), ({}, "192.168.1.1/24")])
def test_the_gateway_of_l2_is_given_out_in_l3_unless_the_host_has_a_route_over_it(hops, expected):
    host = Host(kernel(next_hops=hops))
    for request in (lan("l2"), web("red", ipv4="192.168.1.7"), lan("l3"), web("blue")):
        host.run(request)
    assert [host.record.endpoints["lan", name].ipv4 for name in ("red", "blue")] == ["192.168.1.7/24", expected]


# --- replacement ----------------------------------------------------------------------------------------------------


def test_another_driver_is_a_replacement_that_keeps_addresses():
    host = Host()
    host.run(network("lan", DUAL))
    for name in ("red", "blue"):
        host.run(web(name))
    before = dict(host.record.endpoints)
    with pytest.raises(PlanError) as caught:
        host.plan(lan())
    for text in ("driver is macvlan and cannot become ipvlan in place", "traffic of endpoints blue, red", "replace: true"):
        assert text in str(caught.value)
    done = host.run(lan(replace=True))
    assert any("until it is created again as ipvlan link" in text for text in builders.said(done))
    after = host.record.endpoints
    assert {key: item.addresses for key, item in after.items()} == {key: item.addresses for key, item in before.items()}
    assert {item.mac for item in after.values()} == {host.link("eth0").mac}
    assert not drift_of(HostView(host.record, host.kernel))
    host.run(network("lan", DUAL, replace=True))
    assert host.record.endpoints == before


@pytest.mark.parametrize("before", [network("lan", DUAL), network("lan", DUAL, mode="passthru"), lan(), lan(mode="l3")])
@pytest.mark.parametrize("after", [network("lan", DUAL), network("lan", DUAL, mode="passthru"), lan(), lan(mode="l3")])
def test_an_empty_network_gets_another_driver_and_mode_without_being_replaced(before, after):
    host = Host()
    host.run(before)
    assert not host.run(after).interrupted
    fresh = Host()
    fresh.run(after)
    assert host.record.networks == fresh.record.networks
    host.run(web())
    assert not drift_of(HostView(host.record, host.kernel))


def test_the_interface_of_the_host_has_traffic_too():
    host = Host()
    host.run(network("lan", DUAL, host_access={}))
    with pytest.raises(PlanError, match=r"which interrupts the traffic on it; if you want that, add replace: true"):
        host.plan(lan(host_access={}))


def test_no_other_parent_without_replace_even_for_an_empty_network():
    host = Host()
    host.run(network("lan", DUAL))
    with pytest.raises(PlanError, match="parent is eth0 and cannot become eth1 in place") as caught:
        host.plan(network("lan", DUAL, parent="eth1"))
    assert "traffic" not in str(caught.value)


# --- parents --------------------------------------------------------------------------------------------------------


def test_links_follow_the_mtu_and_the_mac_address_of_their_parent():
    host = Host()
    host.run(subinterface("eth0.50", mtu=1400))
    host.run(lan(parent="eth0.50"))
    host.run(web("red", ipv4="192.168.1.7", ipv6="fd01::7"))
    host.run(web("blue", mtu=1300, ipv4="192.168.1.8", ipv6="fd01::8"))
    for mtu in (1450, 1380):
        before = host.kernel
        done = host.run(subinterface("eth0.50", mtu=mtu))
        assert shape(builders.followed(host.kernel, inverse(done.steps))) == shape(before)
        assert [host.link("eth0", path).mtu for path in (RED, BLUE)] == [mtu, 1300]
        assert [host.record.endpoints["lan", name].mtu for name in ("red", "blue")] == [mtu, 1300]
    host.run(subinterface("eth0.50", mtu=1380, mac="02:00:00:00:00:50"))
    assert {item.mac for item in host.record.endpoints.values()} == {"02:00:00:00:00:50"}
    assert not drift_of(HostView(host.record, host.kernel))


# --- what is asked of neighbours, and what an access path hangs on ------------------------------------------------------


@pytest.mark.parametrize("mode", ["l2", "l3", "l3s"])
def test_its_parent_asks(mode):
    host = Host()
    host.run(lan(mode))
    (segment,) = probing_of(host.plan(web()), None).segments
    assert segment.by_parent and len(segment.questions) == 2


def test_a_mode_that_changes_by_way_of_another_link_is_guarded():
    host = Host()
    host.run(lan())
    host.run(web())
    host.run(endpoint_options({"name": "h", "network": "lan"}))
    path = AccessPath("mv-h", "the SSH connection from 192.168.1.9", "192.168.1.9", "192.168.1.3")
    guarded = dataclasses.replace(host.kernel, access_paths=(path,))
    steps = [step for step in host.plan(lan("l3")).steps if isinstance(step, SetLink)][:1]
    elsewhere = [dataclasses.replace(steps[0], netns=web().netns, ifname="eth0")]
    for changed in (steps, elsewhere):
        with pytest.raises(PlanError, match="comes in by mv-h"):
            lockout_guard.check("a task", changed, guarded, LockoutPolicy())


def test_a_parent_that_the_connection_comes_in_by_can_have_endpoints():
    host = Host(kernel(addresses={ETH0: ("10.5.0.2/24",)}, routes={ETH0: (Route("10.5.0.0/24"),)}))
    path = AccessPath("eth0", "the SSH connection from 10.5.0.9", "10.5.0.9", "10.5.0.2")
    for mode in ("l2", "l3", "l3s"):
        made = host.plan(configuration(lan(mode), web()))
        assert any(isinstance(step, AddLink) for step in made.steps)
        assert lockout_guard.check("a task", made.steps, dataclasses.replace(host.kernel, access_paths=(path,)), LockoutPolicy()) == ()


def test_an_address_that_is_taken_twice_is_not_on_two_links():
    """The kernel permits an address once on the links of a parent, with whatever prefix length."""
    host = Host(kernel(spaces={RED: space()}))
    host.run(lan(subnets=("192.168.1.0/24",)))
    host.run(web(ipv4="192.168.1.200"))
    steps = [step.describe() for step in host.run(lan(subnets=("192.168.0.0/23",), replace=True)).steps]
    removed = next(number for number, text in enumerate(steps) if "192.168.1.200/24" in text)
    added = next(number for number, text in enumerate(steps) if "192.168.1.200/23" in text)
    assert removed < added and any("interrupt the traffic of endpoint lan/red" in text for text in steps)
