# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access of the host to a network: what is asked for, what is planned, and which routes follow from which endpoints."""

from __future__ import annotations

import dataclasses
import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.endpoint import Endpoint
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_access import HostAccess
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_routes import host_routes
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST, Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Network, Subnet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import HOST_ACCESS, endpoint_ref, network_ref
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import OtherRoute, Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import network_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.object_of_step import owner_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.record_diff import changes_between
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import AddRoute, DeleteRoute
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import Block, block_of, networks_of
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import Host, configuration, endpoint, network, no_endpoint, no_network

pytestmark = pytest.mark.engine

DUAL = ("192.168.1.0/24", "fd01::/64")
KEY = ("lan", HOST_ACCESS)


def read(access, **params):
    return network_options({"name": "lan", "parent": "eth0", "host_access": access, **params})


# --- what is asked for ----------------------------------------------------------------------------------------------

WRONG = [
    (5, "host_access: 5 is a number, but must be true, false or a dictionary"),
    ("maybe", "host_access: 'maybe' is text"),
    ([True], "host_access: [True] is a list"),
    ({"adress": "192.168.1.9"}, "host_access: unknown options: adress (there are address, ifname, metric, routes)"),
    ({"address": 7}, "host_access.address: 7 is a number, but must be an address"),
    ({"address": [["192.168.1.9"]]}, "host_access.address: ['192.168.1.9'] is a list"),
    ({"address": "192.168.1"}, "host_access.address: '192.168.1' is not an IP address"),
    ({"address": "192.168.1.9/24"}, "host_access.address: '192.168.1.9/24' must be an address without a prefix length"),
    ({"address": ["192.168.1.9", "192.168.1.8"]}, "are both of IPv4; give one of each family"),
    ({"address": "127.0.0.1"}, "host_access.address: 127.0.0.1 lies inside loopback space"),
    ({"address": "192.168.2.9"}, "host_access.address: 192.168.2.9 is in none of 192.168.1.0/24"),
    ({"address": "192.168.1.255"}, "192.168.1.255 is an address of 192.168.1.0/24 that no link can have"),
    ({"address": "fd01::9"}, "host_access.address: fd01::9 is in none of 192.168.1.0/24"),
    ({"routes": "all"}, "host_access.routes: 'all' is text, but must be one of endpoints, ranges"),
    ({"routes": True}, "host_access.routes: true is a boolean"),
    ({"routes": ["ranges"]}, "host_access.routes: ['ranges'] is a list"),
    ({"ifname": "much-too-long-name"}, "host_access.ifname: interface name 'much-too-long-name' is longer than 15 bytes"),
    ({"ifname": 7}, "host_access.ifname: 7 is a number"),
    ({"metric": "many"}, "host_access.metric: 'many' is text, but must be a whole number"),
    ({"metric": True}, "host_access.metric: true is a boolean"),
    ({"metric": -1}, "host_access.metric must be from 0 to 4294967295"),
    ({"metric": 2**32}, "host_access.metric must be from 0 to 4294967295"),
]


@pytest.mark.parametrize(("access", "words"), WRONG)
def test_wrong_input_is_refused_in_words(access, words):
    with pytest.raises(OptionsError) as caught:
        read(access, subnets=[{"subnet": "192.168.1.0/24"}])
    assert words in str(caught.value) and len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"ipam": "none"}, "ipam: none has none"),
        ({"mode": "private"}, "links in mode private reach nothing"),
        ({"mode": "passthru"}, "passthru network has the parent for itself"),
    ],
)
def test_it_is_refused_where_it_cannot_work(params, words):
    with pytest.raises(OptionsError, match=words):
        read(True, **params)
    assert read(False, **params).host_access is None


@pytest.mark.parametrize(
    ("access", "meant"),
    [(None, None), (False, None), ("no", None), ("False", None), (True, True), ("true", True), ("Yes", True), ({}, True), ({"routes": None}, True)],
)
def test_words_for_booleans_are_read_as_ansible_reads_them(access, meant):
    assert read(access).host_access == (read(True).host_access if meant else None)


def test_numbers_of_templates_and_the_metric_of_the_kernel():
    assert [read({"metric": value}).host_access.metric for value in ("7", 7, 0, "0")] == [7, 7, None, None]


def test_vepa_depends_on_the_switch():
    assert any("reflective relay" in note for note in read(True, mode="vepa").notes)
    assert read(True).notes == ()


@pytest.mark.parametrize("name", ["a", "lan", "abcdefghijkl", "abcdefghijklm", "a" * 64, "a" * 63 + "b", "x.y-z_" * 8])
def test_the_interface_has_a_name_that_the_kernel_takes(name):
    ifname = names.host_access_interface(name)
    assert names.interface_name_problem(ifname) is None and ifname.startswith("mv-")
    assert ifname == f"mv-{name}" or len(ifname) == 15


def test_long_names_are_told_apart():
    assert len({names.host_access_interface("a" * 60 + last) for last in "bcdefgh"}) == 7


# --- blocks ---------------------------------------------------------------------------------------------------------


@given(st.sampled_from((4, 6)).flatmap(lambda version: st.tuples(st.just(version), st.integers(0, 2**32 - 1), st.integers(0, 2**20))))
def test_a_range_is_made_of_networks_exactly(drawn):
    version, first, more = drawn
    last = min(first + more, 2**32 - 1)
    blocks = [block_of(cidr) for cidr in networks_of(Block(version, first, last))]
    assert (blocks[0].first, blocks[-1].last) == (first, last)
    assert all(one.last + 1 == other.first for one, other in itertools.pairwise(blocks))


def test_whole_families_are_one_network():
    assert networks_of(Block(4, 0, 2**32 - 1)) == ("0.0.0.0/0",)
    assert networks_of(Block(6, 0, 2**128 - 1)) == ("::/0",)


# --- plans ----------------------------------------------------------------------------------------------------------


def with_access(*requests, access=True, subnets=DUAL, **params):
    host = Host()
    for request in (network("lan", subnets, host_access=access, **params), *requests):
        host.run(request)
    return host


def routes_of(host, name="lan"):
    """The destinations that the record says and the kernel has."""
    access = host.record.endpoints[name, HOST_ACCESS]
    link = host.link(access.ifname)
    actual = {item.to for item in host.kernel.spaces[HOST.path].routes.get(link.index, ()) if item.identity[2] != 256}
    assert actual == {route.to for route in access.routes}
    return [route.to for route in access.routes]


def test_the_interface_is_made_with_the_network_and_goes_with_it():
    host = with_access()
    access = host.record.endpoints[KEY]
    assert (access.addresses, access.ifname, access.title) == (("192.168.1.2/32", "fd01::2/128"), "mv-lan", "host access of network lan")
    assert host.link("mv-lan").mode == "bridge"
    assert host.sentences(network("lan", DUAL, host_access=True)) == []
    host.run(no_network())
    assert host.link("mv-lan") is None and host.record.endpoints == {}


def test_it_does_not_keep_a_network_from_being_removed_but_endpoints_do():
    host = with_access(endpoint("web"))
    with pytest.raises(PlanError, match="has the endpoints web; "):
        host.run(no_network())
    host.run(no_network(force=True))
    assert host.record.networks == {}


def test_routes_follow_the_endpoints():
    host = with_access(endpoint("web"), endpoint("db", ipv4="192.168.1.200", netns="red"), endpoint("own", netns=None))
    assert routes_of(host) == ["192.168.1.3/32", "192.168.1.200/32", "fd01::3/128", "fd01::4/128"]
    host.run(endpoint("web", ipv4="192.168.1.77"))
    assert routes_of(host) == ["192.168.1.77/32", "192.168.1.200/32", "fd01::3/128", "fd01::4/128"]
    host.run(no_endpoint("db"))
    assert routes_of(host) == ["192.168.1.77/32", "fd01::3/128"]
    host.run(configuration(network("lan", DUAL, host_access={"metric": 9}), endpoint("other", netns="red"), purge=True))
    assert routes_of(host) == ["192.168.1.3/32", "fd01::3/128"]
    assert {route.metric for route in host.record.endpoints[KEY].routes} == {9}


def test_routes_stay_where_an_address_changes_its_endpoint():
    host = with_access(endpoint("web", ipv4="192.168.1.8", ipv6="fd01::8"), endpoint("db", ipv4="192.168.1.9", ipv6="fd01::9", netns="red"))
    swapped = [
        endpoint("web", ipv4="192.168.1.9", ipv6="fd01::9"),
        endpoint("db", ipv4="192.168.1.8", ipv6="fd01::8", netns="red"),
    ]
    made = host.plan(configuration(network("lan", DUAL, host_access=True), *swapped))
    assert not [step for step in made.steps if isinstance(step, (AddRoute, DeleteRoute)) and step.netns == HOST]


def test_the_address_of_the_gateway_is_the_hosts_only_if_it_asks_for_it():
    host = with_access(subnets=["192.168.1.0/24"], access={"address": "192.168.1.1"})
    builders.assert_sound(host.record)
    assert host.record.endpoints[KEY].ipv4 == "192.168.1.1/32"
    host.run(endpoint("web"))
    assert (host.record.endpoints["lan", "web"].ipv4, host.record.endpoints["lan", "web"].gateway4) == ("192.168.1.2/24", "192.168.1.1")
    host.run(network("lan", ["192.168.1.0/24"], host_access=True))
    assert host.record.endpoints[KEY].ipv4 == "192.168.1.3/32"
    gateways = [{"subnet": "192.168.1.0/24", "gateway": "192.168.1.3"}]
    host.run(network("lan", gateways, host_access=True))
    assert host.record.endpoints[KEY].ipv4 == "192.168.1.1/32"
    builders.assert_sound(host.record)


def test_an_address_that_an_endpoint_of_the_same_task_names_is_not_chosen():
    host = Host()
    host.run(configuration(network("lan", DUAL, host_access=True), endpoint("web", ipv4="192.168.1.2", ipv6="fd01::2")))
    assert host.record.endpoints[KEY].addresses == ("192.168.1.3/32", "fd01::3/128")


def test_one_family_is_asked_for_and_the_other_chosen():
    assert with_access(access={"address": "fd01::99"}).record.endpoints[KEY].addresses == ("192.168.1.2/32", "fd01::99/128")


@pytest.mark.parametrize("overlapping", ["192.168.1.0/24", "192.168.0.0/16"])
def test_a_second_network_with_its_addresses_is_refused_by_its_name(overlapping):
    host = with_access()
    second = {"name": "two", "subnets": [overlapping], "parent": "eth1", "allow_overlap": True}
    with pytest.raises(PlanError, match="network two: host_access: the host has access to network lan already"):
        host.plan(network(**second, host_access=True))
    host.run(network(**second))
    host.run(configuration(network(**second, host_access=True), network("lan", DUAL)))
    assert (host.record.endpoints.keys(), host.link("mv-lan")) == ({("two", HOST_ACCESS)}, None)


def beside(name, number, **params):
    return network(name, [f"10.{number}.0.0/24"], allow_shared_parent=True, **params)


@pytest.mark.parametrize(
    ("of_a", "of_b", "wanted"),
    [
        pytest.param({}, {"host_access": {"ifname": "acc0"}}, {"b": "acc0"}, id="given up"),
        pytest.param({"host_access": {"ifname": "acc2"}}, {"host_access": {"ifname": "acc0"}}, {"a": "acc2", "b": "acc0"}, id="exchanged for a new one"),
        pytest.param({"host_access": {"ifname": "acc1"}}, {"host_access": {"ifname": "acc0"}}, {"a": "acc1", "b": "acc0"}, id="exchanged"),
        pytest.param({"host_access": True}, {"host_access": {"ifname": "acc0"}}, {"a": "mv-a", "b": "acc0"}, id="exchanged for the usual one"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_the_name_of_an_interface_goes_to_another_network(of_a, of_b, wanted, order):
    host = Host()
    host.run(configuration(beside("a", 1, host_access={"ifname": "acc0"}), beside("b", 2, host_access={"ifname": "acc1"}), endpoint("x", "a")))
    declared = configuration(*[beside("a", 1, **of_a), beside("b", 2, **of_b)][::order], endpoint("x", "a"))
    host.run(declared)
    assert {key[0]: item.ifname for key, item in host.record.endpoints.items() if key[1] == HOST_ACCESS} == wanted
    for name in wanted:
        routes_of(host, name)
    assert not drift_of(HostView(host.record, host.kernel)) and not host.plan(declared).changed


def test_ranges_and_what_is_outside_of_them():
    ranges = [{"subnet": "192.168.1.0/24", "ip_range": "192.168.1.62-192.168.1.127"}]
    host = with_access(endpoint("web"), endpoint("far", ipv4="192.168.1.9", netns="red"), subnets=ranges, access={"routes": "ranges"})
    assert routes_of(host) == ["192.168.1.9/32", "192.168.1.62/31", "192.168.1.64/26"]
    ranges = [{"subnet": "192.168.1.0/24", "ip_range": ["192.168.1.0/28", "192.168.1.62/31"]}]
    host.run(network("lan", ranges, host_access={"routes": "ranges"}))
    assert routes_of(host) == ["192.168.1.0/28", "192.168.1.62/31"]


def test_a_better_route_of_the_host_is_told():
    addresses = {builders.ETH0: ("192.168.1.200/24", "fd01::c8/64")}
    host = Host(builders.kernel(addresses=addresses, routes={builders.ETH0: builders.with_routes_of(addresses[builders.ETH0])}))
    for subnet in DUAL:
        with pytest.raises(PlanError, match=f"the host has a route to {subnet} over eth0, which it prefers"):
            host.plan(network("lan", [subnet], host_access={"routes": "ranges"}))


OTHERS = [
    (OtherRoute(("192.168.1.0/24", 0), "unicast", over="eth1"), "over eth1"),
    (OtherRoute(("fd01::/64", 256), "unicast", over="eth1"), "over eth1"),
    (OtherRoute(("192.168.1.0/24", 0), "unicast", over="a{b}"), r"over a\{b\}"),
    (OtherRoute(("192.168.1.0/24", 0), "multipath"), "of type multipath"),
    (OtherRoute(("192.168.1.0/24", 0), "blackhole"), "of type blackhole"),
]


@pytest.mark.parametrize(("other", "words"), OTHERS)
def test_a_better_route_of_the_main_table_over_a_port_of_a_vrf_or_over_none_is_told(other, words):
    def plan_beside(other):
        kernel = builders.kernel()
        own = dataclasses.replace(kernel.spaces[HOST.path], other_routes=(other,))
        return Host(dataclasses.replace(kernel, spaces={**kernel.spaces, HOST.path: own})).plan(network("lan", DUAL, host_access={"routes": "ranges"}))

    with pytest.raises(PlanError, match=f"the host has a route to {other.destination_and_metric[0]} {words}, which it prefers to one over mv-lan"):
        plan_beside(other)
    assert plan_beside(other._replace(table=20)).changed
    assert plan_beside(other._replace(destination_and_metric=("10.9.0.0/16", 0))).changed
    assert plan_beside(other._replace(destination_and_metric=(other.destination_and_metric[0], 2000))).changed


def test_an_endpoint_of_the_host_is_refused_beside_a_route_to_its_subnet():
    access = {"routes": "ranges"}
    listed = network("lan", DUAL, host_access=access), endpoint("web", netns=None)
    with pytest.raises(PlanError, match=r"endpoint lan/web: the host would have two routes to 192\.168\.1\.0/24, over mv-web and over mv-lan"):
        Host().plan(configuration(*listed))
    host = with_access(access=access)
    with pytest.raises(PlanError, match="use routes: endpoints in host_access of network lan"):
        host.plan(listed[1])
    host = with_access(listed[1])
    with pytest.raises(PlanError, match=r"the host has a route to 192\.168\.1\.0/24 over mv-web, which it prefers"):
        host.plan(listed[0])


def test_drift_and_steps_are_the_networks():
    host = with_access(endpoint("web"))
    made = host.plan(network("lan", DUAL))
    owners = {owner_of(step, made.steps, made.before, made.after) for step in made.steps if not step.notes_only}
    assert owners == {network_ref("lan")}
    host.change("mv-lan", mtu=1400)
    found = drift_of(HostView(host.record, host.kernel))
    assert [(item.ref, item.field) for item in found] == [(network_ref("lan"), "host_access.mtu")]
    assert drift_of(HostView(host.record, host.kernel), {endpoint_ref("lan", "web")}) == []


def test_the_routes_are_in_no_row():
    host = with_access(endpoint("web"))
    before = host.record
    host.run(endpoint("db", netns="red"))
    rows = {tuple(change.key): change.body for change in changes_between(before, host.record) if change.table == "endpoints"}
    assert rows[KEY]["body"]["routes"] == []


def test_an_endpoint_cannot_pass_for_it():
    row = {"id": "a" * 32, "name": HOST_ACCESS, "network": "lan", "netns": {"kind": "host", "value": ""}, "ifname": "x"}
    row |= {"mac": "02:00:00:00:00:01", "mtu": 1500, "routes": []}
    for changed in ({}, {"name": "web", "host_access": {}}, {"host_access": {}, "netns": {"kind": "name", "value": "blue"}}):
        with pytest.raises(ValueError, match="is not what its name says"):
            Endpoint.from_plain({**row, **changed})
    assert Endpoint.from_plain({**row, "host_access": {}}).host_access == HostAccess()


def test_thousands_of_endpoints_cost_little_memory_and_time():
    lan = Network("b" * 32, "lan", "eth0", subnets=(Subnet("10.0.0.0/8", ip_range="10.1.0.0-10.1.255.254"), Subnet("fd01::/64")))
    endpoints = [
        Endpoint("a" * 32, f"e{number}", "lan", Netns("name", "x"), "eth0", "02:00:00:00:00:01", 1500, f"10.{number >> 8}.{number & 255}.9/8")
        for number in range(4000)
    ]
    began = time.process_time()
    routes = host_routes(HostAccess("ranges"), {4, 6}, lan, endpoints)
    # Some milliseconds, and minutes if every endpoint were compared with every other.
    assert time.process_time() - began < 5
    assert len(routes) == 4000 - 256 + 16 + 1 and routes[-1] == Route("fd01::/64")
