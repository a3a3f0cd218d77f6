# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Further addresses of endpoints, and families that they leave out."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.mac import is_derived, mac_of_ipv4
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.announce import added_by
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.endpoint import Endpoint
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST, Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import HOST_ACCESS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.probing import probing_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.recorded import endpoint_params
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import (
    AddAddress,
    AddLink,
    DeleteAddress,
    DeleteRoute,
    SetLink,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.plain import plain
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import BLUE_PATH, ETH0, Host, configuration, endpoint, network, no_endpoint, said

pytestmark = pytest.mark.engine

V4, V6, OTHER = "192.168.1.0/24", "fd01::/64", "192.168.2.0/24"
ALL = (V4, OTHER, V6)
KEY = ("lan", "web")


def host_with(*requests, subnets=ALL, **params):
    host = Host()
    for request in (network("lan", subnets, **params), *requests):
        host.run(request)
    return host


def web(host):
    """The recorded endpoint, which the kernel has exactly so."""
    item = host.record.endpoints[KEY]
    link = host.link(item.ifname, item.netns.path)
    assert sorted(item.addresses) == sorted(host.kernel.spaces[item.netns.path].addresses[link.index])
    builders.assert_sound(host.record)
    return item


def on(number, *lists):
    return [f"192.168.1.{last}" for last in (number, *lists)]


# --- what is asked for ----------------------------------------------------------------------------------------------

WRONG = [
    ({"addresses": ["web"]}, "addresses[0]: 'web' is not an IP address"),
    ({"addresses": [""]}, "addresses[0]: '' is not an IP address"),
    ({"addresses": ["192.168.1.9/33"]}, "addresses[0]: '192.168.1.9/33' has no prefix length from 0 to 32 after the address"),
    ({"addresses": ["none"]}, "addresses[0]: 'none' is not an IP address"),
    ({"addresses": ["127.0.0.1"]}, "addresses[0]: 127.0.0.1 lies inside loopback space"),
    ({"addresses": ["192.168.1.9", "192.168.1.9/24"]}, "addresses[1]: 192.168.1.9 is the address of addresses[0] too"),
    ({"addresses": ["fd01::9", "fd01:0::9"]}, "addresses[1]: fd01::9 is the address of addresses[0] too"),
    ({"addresses": ["192.168.1.9"], "ipv4": "192.168.1.9"}, "addresses[0]: 192.168.1.9 is the address of ipv4 too; an endpoint has it once"),
    ({"addresses": ["fd01::9"], "ipv6": "fd01::9/64"}, "addresses[0]: fd01::9 is the address of ipv6 too"),
    ({"addresses": ["192.168.1.9"], "ipv4": "none"}, "addresses[0]: 192.168.1.9 is of IPv4, and ipv4: none leaves IPv4 out"),
    ({"addresses": ["fd01::9"], "ipv6": "None"}, "addresses[0]: fd01::9 is of IPv6, and ipv6: none leaves IPv6 out"),
    ({"subnet": V4, "ipv4": "none"}, "subnet: 192.168.1.0/24 is of IPv4, and ipv4: none leaves IPv4 out; remove one of the two"),
]


@pytest.mark.parametrize(("params", "words"), WRONG)
def test_wrong_input_is_refused_in_words(params, words):
    with pytest.raises(OptionsError) as caught:
        endpoint(**params)
    assert words in str(caught.value) and len(caught.value.problems) == 1


def test_all_mistakes_of_a_list_are_told_at_once():
    with pytest.raises(OptionsError) as caught:
        endpoint(addresses=["web", "127.0.0.1", "192.168.1.9", "192.168.1.9"])
    assert [text.partition(":")[0] for text in caught.value.problems] == ["addresses[0]", "addresses[1]", "addresses[3]"]


REFUSED = [
    ("10.0.0.1", "addresses: 10.0.0.1 is in no subnet that this endpoint may use; network lan has 192.168.1.0/24, 192.168.2.0/24"),
    ("192.168.1.0", "192.168.1.0 is the network or broadcast address of 192.168.1.0/24"),
    ("192.168.2.255", "192.168.2.255 is the network or broadcast address of 192.168.2.0/24"),
    ("fd01::", "fd01:: is the subnet-router anycast address of fd01::/64"),
    ("192.168.1.1", "addresses: 192.168.1.1 is held by gateway of 192.168.1.0/24; use another"),
    ("192.168.1.250", "addresses: 192.168.1.250 is held by aux address nas of network lan; use another"),
    ("192.168.1.99", "addresses: 192.168.1.99 is excluded by 192.168.1.96/28 in exclude of 192.168.1.0/24"),
    ("192.168.1.8", "addresses: 192.168.1.8 is held by endpoint lan/db; use another"),
    ("192.168.1.9", "addresses: 192.168.1.9 is held by endpoint lan/db; use another"),
    ("192.168.1.5", "addresses: 192.168.1.5 is an address of eth0 of this host; request another address"),
    ("192.168.1.77/25", "addresses: 192.168.1.77/25 has another prefix length than its subnet, which has /24"),
]
GUARDED = ({"subnet": V4, "aux_addresses": {"nas": "192.168.1.250"}, "exclude": ["192.168.1.96/28"]}, OTHER, V6)


def guarded():
    host = Host(builders.kernel(addresses={ETH0: ("192.168.1.5/24",)}))
    host.run(network("lan", GUARDED))
    host.run(endpoint("db", netns="red", ipv4="192.168.1.8", addresses=["192.168.1.9"]))
    return host


@pytest.mark.parametrize(("address", "words"), REFUSED)
def test_an_address_that_it_cannot_have_is_refused_by_name(address, words):
    with pytest.raises(PlanError) as caught:
        guarded().plan(endpoint(ipv4="192.168.1.20", addresses=[address]))
    assert words in str(caught.value) and "endpoint lan/web" in str(caught.value) and len(str(caught.value)) < 300


def test_all_refusals_are_told_at_once():
    with pytest.raises(PlanError) as caught:
        guarded().plan(endpoint(ipv4="192.168.1.77", addresses=[address for address, dummy in REFUSED if "77" not in address]))
    for address, words in REFUSED:
        assert words in str(caught.value) or "77" in address


# --- addresses ------------------------------------------------------------------------------------------------------


def test_a_new_endpoint_has_them_all_in_the_order_given():
    host = host_with(endpoint(addresses=["fd01::9", "192.168.2.7/24", "192.168.1.9"]))
    item = web(host)
    assert item.addresses == ("192.168.1.2/24", "fd01::2/64", "fd01::9/64", "192.168.2.7/24", "192.168.1.9/24")
    assert (item.mac, item.gateway4, item.gateway6) == (mac_of_ipv4("192.168.1.2"), "192.168.1.1", "fd01::1")
    shown = View(HostView(host.record, host.kernel)).endpoint(*KEY)
    assert shown["addresses"] == ["fd01::9/64", "192.168.2.7/24", "192.168.1.9/24"]
    assert host.sentences(endpoint(addresses=["fd01::9", "192.168.2.7/24", "192.168.1.9"])) == []


def test_the_address_of_a_family_is_chosen_beside_those_of_the_list():
    assert web(host_with(endpoint(addresses=[*on(2, 3), "fd01::2"]))).addresses[:2] == ("192.168.1.4/24", "fd01::3/64")


def test_one_comes_and_one_goes_and_the_others_are_not_touched():
    host = host_with(endpoint(addresses=on(20, 21)))
    made = host.run(endpoint(addresses=on(21, 22)))
    changed = [(type(step), step.address) for step in made.steps if isinstance(step, (AddAddress, DeleteAddress))]
    assert changed == [(AddAddress, "192.168.1.22/24"), (DeleteAddress, "192.168.1.20/24")]
    assert said(made)[0] == "change addresses of endpoint lan/web"
    assert web(host).further == ("192.168.1.21/24", "192.168.1.22/24")
    host.run(endpoint())
    assert web(host).further == ()


def test_another_order_is_a_change_of_the_record_alone():
    host = host_with(endpoint(addresses=on(20, 21)))
    assert host.sentences(endpoint(addresses=on(21, 20))) == ["change addresses of endpoint lan/web"]


def test_a_subnet_may_have_several_and_each_is_leased():
    host = host_with(endpoint(addresses=on(20, 21)))
    one, other, dummy = View(HostView(host.record, host.kernel)).network("lan")["subnets"]
    assert (one["in_use"] - other["in_use"], other["available"] - one["available"]) == (3, 3)
    with pytest.raises(PlanError, match="held by endpoint lan/web"):
        host.plan(endpoint("db", netns="red", ipv4="192.168.1.21"))
    host.run(no_endpoint())
    host.run(endpoint("db", netns="red", ipv4="192.168.1.21"))


def test_an_address_that_it_keeps_as_the_first_of_its_family_is_not_a_further_one_as_well():
    host = host_with(endpoint())
    with pytest.raises(PlanError, match=r"addresses: 192.168.1.2 is the address that it has as its ipv4, and keeps because ipv4 is left out"):
        host.plan(endpoint(addresses=on(2)))
    host.run(dataclasses.replace(endpoint(addresses=on(2)), replace=True))
    assert web(host).addresses == ("192.168.1.3/24", "fd01::2/64", "192.168.1.2/24")


def test_first_and_further_address_change_their_places():
    host = host_with(endpoint(ipv4="192.168.1.20", addresses=on(21)))
    made = host.run(endpoint(ipv4="192.168.1.21", addresses=on(20)))
    assert web(host).addresses == ("192.168.1.21/24", "fd01::2/64", "192.168.1.20/24")
    # What was the first would stay the one that the kernel sends from.
    assert [step.address for step in made.steps if isinstance(step, (AddAddress, DeleteAddress))] == 2 * ["192.168.1.20/24"]


def test_two_endpoints_exchange_addresses_in_one_task():
    first = [endpoint(ipv4="192.168.1.20", addresses=on(21, 22)), endpoint("db", netns="red", ipv4="192.168.1.30", addresses=on(31))]
    second = [endpoint(ipv4="192.168.1.31", addresses=on(22, 30)), endpoint("db", netns="red", ipv4="192.168.1.21", addresses=on(20))]
    host = host_with()
    host.run(configuration(network("lan", ALL), *first))
    host.run(configuration(network("lan", ALL), *second))
    assert web(host).addresses == ("192.168.1.31/24", "fd01::2/64", "192.168.1.22/24", "192.168.1.30/24")
    assert host.record.endpoints["lan", "db"].addresses == ("192.168.1.21/24", "fd01::3/64", "192.168.1.20/24")
    assert host.sentences(configuration(network("lan", ALL), *second)) == []


def test_an_address_that_a_later_task_names_is_not_chosen_for_an_earlier_one():
    host = host_with()
    host.run(configuration(network("lan", ALL), endpoint("db", netns="red"), endpoint(addresses=on(2, 3))))
    assert host.record.endpoints["lan", "db"].ipv4 == "192.168.1.4/24"


def test_it_keeps_them_on_another_parent():
    host = host_with(endpoint(addresses=[*on(20), "192.168.2.7", "fd01::9"]))
    before = web(host)
    host.run(dataclasses.replace(network("lan", ALL, parent="eth1"), replace=True))
    assert web(host) == before


def test_those_that_a_network_loses_are_taken_from_it_with_a_warning():
    host = host_with(endpoint(addresses=[*on(20), "192.168.2.7", "fd01::9"]))
    with pytest.raises(PlanError, match=r"192.168.2.0/24, which has leases"):
        host.plan(network("lan", (V4, V6)))
    made = host.run(dataclasses.replace(network("lan", (V4, V6)), replace=True))
    assert web(host).further == ("192.168.1.20/24", "fd01::9/64")
    assert [text for text in made.warnings if "192.168.2.7 of its addresses cannot be on network lan any more" in text]
    host.run(dataclasses.replace(network("lan", [{"subnet": V4, "gateway": "192.168.1.20"}, V6]), replace=True))
    assert web(host).further == ("fd01::9/64",) and web(host).gateway4 == "192.168.1.20"


def test_a_subnet_that_grows_keeps_them():
    host = host_with(endpoint(addresses=on(20)), subnets=(V4,))
    host.run(dataclasses.replace(network("lan", ["192.168.0.0/23"]), replace=True))
    assert web(host).addresses == ("192.168.1.2/23", "192.168.1.20/23")


def test_two_endpoints_of_a_namespace_cannot_have_overlapping_subnets():
    host = host_with(endpoint(addresses=["192.168.2.7"]))
    host.run(network("dmz", ["192.168.3.0/24", OTHER], parent="eth1", allow_overlap=True))
    other = {"name": "other", "network": "dmz", "ifname": "eth1", "default_route": False}
    host.run(endpoint(**other))
    with pytest.raises(PlanError, match=r"192.168.2.9/24 and 192.168.2.7/24 of endpoint lan/web would be in one namespace with overlapping subnets"):
        host.plan(endpoint(**other, addresses=["192.168.2.9"]))


def test_routes_reach_next_hops_of_all_its_subnets():
    host = host_with(endpoint(addresses=["192.168.2.7"], routes=[{"to": "10.0.0.0/8", "via": "192.168.2.9"}]))
    assert web(host).routes[0].via == "192.168.2.9"
    with pytest.raises(PlanError, match=r"via 192.168.2.7 of 10.0.0.0/8 is the endpoint's own address"):
        host.plan(endpoint(addresses=["192.168.2.7"], routes=[{"to": "10.0.0.0/8", "via": "192.168.2.7"}]))
    with pytest.raises(PlanError, match=r"192.168.2.0/24 is the endpoint's own subnet"):
        host.plan(endpoint(addresses=["192.168.2.7"], routes=[{"to": OTHER}]))


def test_the_host_has_routes_to_all_of_them():
    host = host_with(endpoint(addresses=["192.168.2.7", "fd01::9"]), host_access=True)
    routes = {route.to for route in host.record.endpoints["lan", HOST_ACCESS].routes}
    assert routes == {"192.168.1.3/32", "fd01::3/128", "192.168.2.7/32", "fd01::9/128"}
    host.run(endpoint())
    assert {route.to for route in host.record.endpoints["lan", HOST_ACCESS].routes} == {"192.168.1.3/32", "fd01::3/128"}


# --- drift and neighbours -------------------------------------------------------------------------------------------


def without_address(host, *gone, also=()):
    one = host.kernel.spaces[BLUE_PATH]
    index = one.links["eth0"].index
    left = (*(item for item in one.addresses[index] if item not in gone), *also)
    host.kernel = builders.with_space(host.kernel, dataclasses.replace(one, addresses={**one.addresses, index: left}), BLUE_PATH)


def drift(host):
    return [tuple(item.shown.values()) for item in drift_of(HostView(host.record, host.kernel))]


def test_a_missing_one_is_drift_and_comes_back():
    host = host_with(endpoint(addresses=["192.168.2.7", "fd01::9"]))
    assert drift(host) == []
    without_address(host, "192.168.2.7/24", "192.168.1.2/24", also=("192.168.2.7/32",))
    shown = [item[:3] for item in drift(host)]
    assert ("endpoint lan/web", "addresses", "192.168.2.7/24") in shown and ("endpoint lan/web", "ipv4", "192.168.1.2/24") in shown
    host.run(endpoint(addresses=["192.168.2.7", "fd01::9"]))
    web(host)


def test_a_foreign_address_is_not_taken_for_one_of_its_own():
    host = host_with(endpoint(addresses=["192.168.2.7"]), exclusive=True)
    without_address(host, also=("192.168.2.8/24",))
    assert drift(host) == [("endpoint lan/web", "ipv4", "192.168.1.2/24", ["192.168.1.2/24", "192.168.2.8/24"])]


def test_neighbours_are_asked_about_what_is_new():
    host = host_with()
    made = host.run(endpoint(addresses=["192.168.2.7", "fd01::9"]))
    questions = [item for segment in probing_of(made, None).segments for item in segment.questions]
    assert [(item.address, item.is_chosen) for item in questions] == [
        ("192.168.1.2", True), ("fd01::2", True), ("192.168.2.7", False), ("fd01::9", False)
    ]
    made = host.run(endpoint(addresses=["192.168.2.8", "fd01::9"]))
    assert [item.address for segment in probing_of(made, None).segments for item in segment.questions] == ["192.168.2.8"]


def test_those_of_its_subnet_follow_another_first_address():
    host = host_with(endpoint(ipv4="192.168.1.8", addresses=["192.168.1.20", "192.168.2.7"]))
    made = host.run(endpoint(ipv4="192.168.1.9", addresses=["192.168.1.20", "192.168.2.7"]))
    told = [step.describe() for step in made.steps if isinstance(step, (AddAddress, DeleteAddress))]
    assert [text.split()[:2] for text in told] == [
        ["add", "192.168.1.9/24"],
        ["delete", "192.168.1.8/24"],
        ["delete", "192.168.1.20/24"],
        ["add", "192.168.1.20/24"],
    ]
    assert web(host).addresses[0] == "192.168.1.9/24"
    assert not host.plan(endpoint(ipv4="192.168.1.9", addresses=["192.168.1.20", "192.168.2.7"])).changed


def test_what_comes_to_a_link_that_is_up_is_announced_apart():
    host = host_with()
    created = host.run(endpoint(addresses=["192.168.2.7"]))
    assert [step for step in created.steps if isinstance(step, AddLink)] and added_by(created.steps) == {}
    changed = host.run(endpoint(addresses=["192.168.2.8", "fd01::9"]))
    assert added_by(changed.steps) == {(BLUE_PATH, "eth0"): ["192.168.2.8", "fd01::9"]}
    # The kernel announces all addresses of a link that gets another MAC address.
    renumbered = host.run(endpoint(ipv4="192.168.1.99", addresses=["192.168.2.8", "fd01::9"]))
    assert [step for step in renumbered.steps if isinstance(step, SetLink) and step.attribute == "mac"] and added_by(renumbered.steps) == {}


def test_a_lost_record_is_told_which_is_which():
    host = host_with(endpoint(addresses=["192.168.1.9", "fd01::9"]))
    before = web(host)
    host.record = dataclasses.replace(host.record, endpoints={})
    made = host.run(endpoint(addresses=["192.168.1.9", "fd01::9"]))
    assert web(host) == before and not [step for step in made.steps if isinstance(step, (AddAddress, DeleteAddress))]


# --- families left out ----------------------------------------------------------------------------------------------


def sysctl(host, key):
    return host.kernel.spaces[BLUE_PATH].sysctls[key]


def test_an_endpoint_leaves_ipv6_out():
    host = host_with(endpoint(ipv6="none"))
    item = web(host)
    assert (item.addresses, item.gateway6, item.mac) == (("192.168.1.2/24",), None, mac_of_ipv4("192.168.1.2"))
    assert sysctl(host, "net.ipv6.conf.eth0.disable_ipv6") == "1"
    assert host.sentences(endpoint(ipv6="NONE")) == []


def test_an_endpoint_leaves_ipv4_out():
    item = web(host_with(endpoint(ipv4="none")))
    assert (item.addresses, item.gateway4, item.gateway6) == (("fd01::2/64",), None, "fd01::1")
    assert is_derived(item.mac, None) and item.own_mac is None


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_family_goes_and_comes_in_place(family):
    host = host_with(endpoint())
    before = web(host)
    made = host.run(endpoint(**{family: "none"}))
    assert not [step for step in made.steps if isinstance(step, AddLink)]
    assert getattr(web(host), family) is None and len(web(host).addresses) == 1 and drift(host) == []
    assert [step for step in made.steps if isinstance(step, DeleteRoute)]
    assert said(made)[0].startswith(f"change {'mac, ' if family == 'ipv4' else ''}{family}, gateway")
    made = host.run(endpoint())
    assert not [step for step in made.steps if isinstance(step, AddLink)]
    assert web(host) == before and drift(host) == []


def test_a_family_that_the_network_gets_later_stays_out():
    host = host_with(endpoint(ipv6="none"), subnets=(V4,))
    assert host.record.endpoints[KEY].without_ipv6
    host.run(network("lan", (V4, V6)))
    host.run(endpoint(ipv6="none"))
    assert web(host).ipv6 is None
    host.run(dataclasses.replace(network("lan", (OTHER, V6), parent="eth1"), replace=True))
    assert web(host).addresses == ("192.168.2.2/24",) and sysctl(host, "net.ipv6.conf.eth0.disable_ipv6") == "1"
    host.run(endpoint())
    assert web(host).ipv6 == "fd01::2/64"


@pytest.mark.parametrize(
    ("subnets", "params", "words"),
    [
        (ALL, {"ipv4": "none", "ipv6": "none"}, "ipv4: none and ipv6: none would leave it without any address, because network lan has IPv4 and IPv6;"),
        ((V4,), {"ipv4": "none"}, "ipv4: none would leave it without any address, because network lan has IPv4 only"),
        ((V6,), {"ipv6": "none"}, "ipv6: none would leave it without any address, because network lan has IPv6 only"),
        (ALL, {"ipv4": "none", "routes": [{"to": "10.0.0.0/8"}]}, "10.0.0.0/8 needs an IPv4 address, but the endpoint has none"),
    ],
)
def test_an_endpoint_without_any_address_is_refused(subnets, params, words):
    with pytest.raises(PlanError) as caught:
        host_with(subnets=subnets).plan(endpoint(**params))
    assert words in str(caught.value)


def test_a_network_without_addresses_has_nothing_to_leave_out():
    host = host_with(endpoint(ipv4="none", ipv6="none"), subnets=(), ipam="none")
    assert web_without_addresses(host).addresses == ()
    with pytest.raises(PlanError, match=r"addresses: 192.168.1.9 is in no subnet"):
        host.plan(endpoint(addresses=on(9)))


def web_without_addresses(host):
    return host.record.endpoints[KEY]


def test_two_endpoints_exchange_a_family():
    first = [endpoint(ipv4="none"), endpoint("db", netns="red", ipv4="192.168.1.2", ipv6="none")]
    second = [endpoint(ipv4="192.168.1.2", ipv6="none"), endpoint("db", netns="red", ipv4="none", ipv6="fd01::2")]
    host = host_with()
    for requests in (first, second, first):
        host.run(configuration(network("lan", ALL), *requests))
        assert host.sentences(configuration(network("lan", ALL), *requests)) == []
    assert len(web(host).addresses) == 1 and web(host).ipv6


def test_the_host_itself_has_such_an_endpoint():
    item = web(host_with(endpoint(netns=None, ipv6="none", addresses=on(20))))
    assert item.netns == HOST and item.addresses == ("192.168.1.2/24", "192.168.1.20/24")


# --- what is recorded -----------------------------------------------------------------------------------------------


def test_a_row_is_read_as_it_was_written_and_one_of_release_1_has_the_defaults():
    item = Endpoint("0" * 32, "web", "lan", Netns(), "eth0", "02:42:00:00:00:01", 1500, further=("192.168.1.9/24",), without_ipv6=True)
    assert Endpoint.from_plain(plain(item)) == item
    old = {key: value for key, value in plain(item).items() if key not in ("further", "without_ipv4", "without_ipv6")}
    assert Endpoint.from_plain(old) == dataclasses.replace(item, further=(), without_ipv6=False)


@pytest.mark.parametrize("wrong", [{"further": ["192.168.1.9"]}, {"further": "192.168.1.9/24"}, {"further": [5]}, {"without_ipv4": 1}])
def test_a_row_with_something_else_is_refused(wrong):
    item = Endpoint("0" * 32, "web", "lan", Netns(), "eth0", "02:42:00:00:00:01", 1500)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Endpoint.from_plain({**plain(item), **wrong})


def test_they_are_read_back_with_and_without_the_chosen_ones():
    host = host_with(endpoint(ipv6="none", addresses=[*on(20), "192.168.2.7"]))
    item, lan = web(host), host.record.networks["lan"]
    bare = {"name": "web", "network": "lan", "netns": "blue", "ipv6": "none", "addresses": ["192.168.1.20", "192.168.2.7"]}
    assert endpoint_params(item, lan, pin=False) == bare
    assert endpoint_params(item, lan, pin=True) == {**bare, "ipv4": "192.168.1.2"}
