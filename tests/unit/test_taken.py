# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses that the host, its routers and the control node have: never chosen, refused when asked for, kept with a warning."""

from __future__ import annotations

import dataclasses
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.compare.claims import AddressesInUse, with_peer
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.subnets import infer_gateway
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.kernel import Kernel, Needs
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import endpoint_ref
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.needs import needs_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import conflicts_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import block_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import constants, parse
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    ETH0,
    ETH1,
    Host,
    endpoint,
    kernel,
    link,
    network,
    no_endpoint,
    vlan_link,
)

pytestmark = pytest.mark.engine

VLAN, TUNNEL = 50, 51
SUBNETS = ("192.168.8.0/24", "2001:db8:9::/64")
# Who has .2 or ::2, as a host that has it is found, and how a message calls that.
SOURCES = {
    "parent": ({"addresses": {ETH0: ("192.168.8.2/24", "2001:db8:9::2/64")}}, "an address of eth0 of this host"),
    "other link": ({"addresses": {ETH1: ("192.168.8.2/24", "2001:db8:9::2/64")}}, "an address of eth1 of this host"),
    "host length": ({"addresses": {1: ("192.168.8.2/32", "2001:db8:9::2/128")}}, "an address of lo of this host"),
    "VLAN": ({"addresses": {VLAN: ("192.168.8.2/16", "2001:db8:9::2/48")}}, "an address of eth0.7 of this host"),
    "link scope": (
        {"link_scope": {ETH0: ("192.168.8.2/24",)}, "addresses": {ETH0: ("2001:db8:9::2/64",)}},
        "an address of eth0 of this host",
    ),
    "peer": (
        {"peers": {(TUNNEL, "10.0.0.1/32"): "192.168.8.2", (TUNNEL, "2001:db8::1/128"): "2001:db8:9::2"}},
        "on tun0 of this host",
    ),
    "default route": (
        {"next_hops": {(ETH0, "192.168.8.2"): "0.0.0.0/0", (ETH0, "2001:db8:9::2"): "::/0"}},
        "the next hop of this host's default route over eth0",
    ),
    "route": (
        {"next_hops": {(ETH1, "192.168.8.2"): "10.0.0.0/8", (ETH1, "2001:db8:9::2"): "2001:db8::/32"}},
        "the next hop of this host's route to",
    ),
}
ADDRESSES = {"ipv4": "192.168.8.2", "ipv6": "2001:db8:9::2"}


def found_on(source, at=None):
    values, dummy = SOURCES[source]
    return kernel(vlan_link("eth0.7", VLAN, ETH0, 7), link("tun0", TUNNEL, kind="tun", hardware=65534), **values)


def on_network(source, **params):
    """A host with a network that was made before somebody got the address."""
    host = Host()
    host.run(network("lan", SUBNETS, **params))
    host.kernel = found_on(source)
    return host


def shown_drift(host):
    view = HostView(host.record, host.kernel)
    return [(item.field, item.recorded, item.actual) for item in conflicts_of(view, {endpoint_ref("lan", "web")})]


@pytest.mark.parametrize("source", SOURCES)
def test_an_address_in_use_is_never_chosen(source):
    host = on_network(source)
    host.run(endpoint())
    (made,) = host.record.endpoints.values()
    assert made.addresses == ("192.168.8.3/24", "2001:db8:9::3/64")


@pytest.mark.parametrize("option", ADDRESSES)
@pytest.mark.parametrize("source", SOURCES)
def test_a_requested_address_in_use_is_refused_and_its_user_is_named(source, option):
    host = on_network(source)
    with pytest.raises(PlanError) as caught:
        host.run(endpoint(**{option: ADDRESSES[option]}))
    assert SOURCES[source][1] in str(caught.value) and f"endpoint lan/web: {option}: {ADDRESSES[option]} is" in str(caught.value)
    assert not host.record.endpoints


@pytest.mark.parametrize("asked", [{}, {"ipv4": "192.168.8.2", "ipv6": "2001:db8:9::2"}])
@pytest.mark.parametrize("source", SOURCES)
def test_an_endpoint_that_has_it_already_keeps_it_with_a_warning_and_is_drift(source, asked):
    host = Host()
    host.run(network("lan", SUBNETS), endpoint())
    before = host.record
    gained = found_on(source)
    own = host.kernel.spaces[HOST.path]
    here = dataclasses.replace(gained.spaces[HOST.path], links={**gained.spaces[HOST.path].links, **own.links})
    host.kernel = dataclasses.replace(host.kernel, spaces={**host.kernel.spaces, HOST.path: here})
    made = host.run(endpoint(**asked))
    assert (made.steps, made.changed, host.record) == ((), False, before)
    assert len(made.warnings) == 2
    assert all(SOURCES[source][1] in warning and "it keeps" in warning for warning in made.warnings)
    assert [(field, recorded) for field, recorded, dummy in shown_drift(host)] == [
        ("ipv4", "192.168.8.2/24"),
        ("ipv6", "2001:db8:9::2/64"),
    ]
    assert all("of this host" in actual or "of this host's" in actual for *dummy, actual in shown_drift(host))


@pytest.mark.parametrize("source", SOURCES)
def test_it_may_be_an_aux_address(source):
    subnets = [{"subnet": SUBNETS[0], "aux_addresses": {"host": "192.168.8.2"}}]
    host = Host(found_on(source))
    made = host.run(network("lan", subnets))
    assert made.warnings == ()
    host.run(endpoint())
    assert host.record.endpoints["lan", "web"].ipv4 == "192.168.8.3/24"


@pytest.mark.parametrize("source", ["peer", "default route", "route"])
def test_a_router_may_be_the_gateway(source):
    assert Host(found_on(source)).run(network("lan", [{"subnet": SUBNETS[0], "gateway": "192.168.8.2"}])).warnings == ()


@pytest.mark.parametrize("source", ["parent", "link scope"])
def test_an_address_of_the_parent_is_refused_as_gateway(source):
    with pytest.raises(PlanError) as caught:
        Host(found_on(source)).run(network("lan", [{"subnet": SUBNETS[0], "gateway": "192.168.8.2"}]))
    assert "gateway 192.168.8.2 of 192.168.8.0/24 is an address of the parent eth0" in str(caught.value)
    assert "write gateway: none for this subnet" in str(caught.value)
    # What it says works as it is written, and it says nothing of what this host could be.
    assert "another machine on the wire routes" in str(caught.value) and "this host" not in str(caught.value)
    for gateway in ("none", "192.168.8.254"):
        made = Host(found_on(source)).run(network("lan", [{"subnet": SUBNETS[0], "gateway": gateway}]), endpoint())
        assert made.warnings == ()


@pytest.mark.parametrize("subnet", ["192.168.8.0/24", "2001:db8:9::/64"])
def test_an_inferred_gateway_is_refused_like_a_given_one(subnet):
    first = infer_gateway(subnet)
    found = kernel(addresses={ETH0: (f"{first}/64" if ":" in first else f"{first}/24",)})
    with pytest.raises(PlanError, match=rf"gateway {first}, inferred for {subnet}, is an address of the parent eth0"):
        Host(found).run(network("lan", [subnet]))
    assert Host(found).run(network("lan", [{"subnet": subnet, "gateway": "none"}])).warnings == ()


@pytest.mark.parametrize("source", ["other link", "host length", "VLAN"])
def test_an_address_of_another_link_is_warned_of_as_gateway(source):
    made = Host(found_on(source)).run(network("lan", [{"subnet": SUBNETS[0], "gateway": "192.168.8.2"}]))
    (warning,) = made.warnings
    assert SOURCES[source][1] in warning and "gateway 192.168.8.2" in warning


def test_a_network_that_has_such_a_gateway_goes_on_with_warnings():
    """Made by an earlier release, or before the parent got the address."""
    host = Host()
    host.run(network("lan", SUBNETS[:1]), endpoint())
    own = host.kernel.spaces[HOST.path]
    host.kernel = dataclasses.replace(
        host.kernel, spaces={**host.kernel.spaces, HOST.path: dataclasses.replace(own, addresses={ETH0: ("192.168.8.1/24",)})}
    )
    made = host.run(network("lan", SUBNETS[:1]))
    assert not made.changed and "write gateway: none for this subnet" in made.warnings[0]
    made = host.run(endpoint())
    assert not made.changed and "its default route leads to 192.168.8.1" in made.warnings[0]
    assert "its default route" in host.run(endpoint("db", netns="db")).warnings[0]
    for gateway in ("none", "192.168.8.254"):
        changed = host.plan(network("lan", [{"subnet": SUBNETS[0], "gateway": gateway}]))
        assert changed.changed and changed.warnings == ()
    with pytest.raises(PlanError, match="is an address of the parent eth0"):
        host.run(network("lan", [*SUBNETS[:1], {"subnet": "192.168.9.0/24", "gateway": "192.168.9.9"}]), _parent_gets(host))


def _parent_gets(host):
    own = host.kernel.spaces[HOST.path]
    gained = dataclasses.replace(own, addresses={ETH0: ("192.168.8.1/24", "192.168.9.9/24")})
    host.kernel = dataclasses.replace(host.kernel, spaces={**host.kernel.spaces, HOST.path: gained})
    return endpoint()


def test_an_internal_network_has_no_default_route_even_if_a_link_has_its_gateway():
    made = Host(found_on("parent")).run(network("lan", [{"subnet": SUBNETS[0], "gateway": "192.168.8.2"}], internal=True))
    assert "gateway 192.168.8.2 is an address of eth0" in made.warnings[0]


def test_networks_with_leases_of_their_own_are_no_exception():
    host = Host(found_on("parent"))
    host.run(network("lan", SUBNETS[:1], allow_overlap=True), endpoint())
    assert host.record.endpoints["lan", "web"].ipv4 == "192.168.8.3/24"


# --- what is ours -----------------------------------------------------------------------------------------------------


def test_an_endpoint_of_the_host_itself_has_its_address_once():
    host = Host()
    host.run(network("lan", SUBNETS), endpoint("h", netns=None, netns_path=None, pid=None))
    made = host.run(endpoint("h", netns=None, netns_path=None, pid=None))
    assert (made.warnings, made.changed) == ((), False)
    view = HostView(host.record, host.kernel)
    assert list(conflicts_of(view, {endpoint_ref("lan", "h")})) == []
    host.run(no_endpoint("h"))
    host.run(endpoint())
    assert host.record.endpoints["lan", "web"].ipv4 == "192.168.8.2/24"


def test_a_foreign_address_on_its_link_is_an_address_of_the_host():
    host = Host()
    host.run(network("lan", SUBNETS), endpoint("h", netns=None, netns_path=None, pid=None))
    own = host.kernel.spaces[HOST.path]
    index = own.links["mv-h"].index
    gained = dataclasses.replace(own, addresses={**own.addresses, index: (*own.addresses[index], "192.168.8.3/24")})
    host.kernel = dataclasses.replace(host.kernel, spaces={**host.kernel.spaces, HOST.path: gained})
    host.run(endpoint())
    assert host.record.endpoints["lan", "web"].ipv4 == "192.168.8.4/24"


def test_the_next_hop_of_a_route_over_it_may_be_an_endpoint_that_is_asked_for():
    host = Host()
    host.run(network("lan", SUBNETS[:1]), endpoint("h", netns=None, netns_path=None, pid=None))
    own = host.kernel.spaces[HOST.path]
    gained = dataclasses.replace(own, next_hops={(own.links["mv-h"].index, "192.168.8.3"): "10.0.0.0/8"})
    host.kernel = dataclasses.replace(host.kernel, spaces={**host.kernel.spaces, HOST.path: gained})
    host.run(endpoint("db", netns="db"))
    assert host.record.endpoints["lan", "db"].ipv4 == "192.168.8.4/24"
    assert host.run(endpoint("router", netns="router", ipv4="192.168.8.3")).warnings == ()


# --- the connection, and full subnets --------------------------------------------------------------------------------


@pytest.mark.parametrize("remote", ["192.168.8.2", "::ffff:192.168.8.2"])
def test_the_other_end_of_the_connection_is_taken(remote):
    host = Host()
    host.run(network("lan", SUBNETS[:1]))
    host.kernel = with_peer(host.kernel, remote)
    with pytest.raises(PlanError, match=r"192\.168\.8\.2 is the remote end of the SSH connection that this run uses"):
        host.run(endpoint(ipv4="192.168.8.2"))
    host.run(endpoint())
    assert host.record.endpoints["lan", "web"].ipv4 == "192.168.8.3/24"


def test_a_full_subnet_tells_what_is_taken_beside_the_leases():
    host = Host(kernel(addresses={ETH0: ("192.168.8.2/30",)}))
    host.run(network("lan", ["192.168.8.0/30"]))
    with pytest.raises(PlanError, match=r"no IPv4 address is left in .*beside the leases, 192.168.8.2 is an address of eth0"):
        host.run(endpoint())


@given(st.sets(st.integers(1, 14)), st.sets(st.integers(1, 14)), st.integers(1, 14))
def test_a_chosen_address_is_never_a_taken_one(on_links, on_routes, peer):
    found = kernel(
        addresses={ETH0: tuple(f"10.0.0.{last}/28" for last in on_links)},
        next_hops={(ETH1, f"10.0.0.{last}"): "0.0.0.0/0" for last in on_routes},
    )
    host = Host(with_peer(found, f"10.0.0.{peer}"))
    host.run(network("lan", [{"subnet": "10.0.0.0/28", "gateway": "none"}]))
    free = set(range(1, 15)) - on_links - on_routes - {peer}
    for number in range(len(free)):
        host.run(endpoint(f"e{number}", netns=f"n{number}"))
    assert {item.ipv4 for item in host.record.endpoints.values()} == {f"10.0.0.{last}/28" for last in free}
    with pytest.raises(PlanError, match="is left"):
        host.run(endpoint("more", netns="more"))


# --- how it is read ---------------------------------------------------------------------------------------------------


def route(destination, via, index, table=254, metric=0):
    """A route as the kernel sends it."""
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 24 if destination else 0, 0, 0, table, 4, 0, 1, 0)
    body += struct.pack("=HHI", 8, 15, table)
    if destination:
        body += struct.pack("=HH4s", 8, constants.RTA_DST, socket.inet_aton(destination))
    if metric:
        body += struct.pack("=HHI", 8, constants.RTA_PRIORITY, metric)
    if isinstance(via, list):
        hops = [struct.pack("=HBBiHH4s", 16, 0, 0, index, 8, constants.RTA_GATEWAY, socket.inet_aton(hop)) for hop in via]
        return body + struct.pack("=HH", 4 + len(hops) * 16, constants.RTA_MULTIPATH) + b"".join(hops)
    return body + struct.pack("=HH4sHHI", 8, constants.RTA_GATEWAY, socket.inet_aton(via), 8, constants.RTA_OIF, index)


def test_next_hops_are_read_of_all_tables_and_of_routes_with_several():
    assert parse.parse_next_hops(route("", "192.0.2.1", 2)) == ("0.0.0.0/0", [(2, "192.0.2.1")])
    assert parse.parse_next_hops(route("10.1.0.0", "192.0.2.1", 2, table=100)) == ("10.1.0.0/24", [(2, "192.0.2.1")])
    several = route("10.1.0.0", ["192.0.2.1", "192.0.2.2"], 3)
    assert parse.parse_next_hops(several) == ("10.1.0.0/24", [(3, "192.0.2.1"), (3, "192.0.2.2")])


def test_routes_that_differ_in_their_destination_alone_are_taken_apart_once():
    alike = {parse.behind_destination(route(f"10.0.{number}.0", "192.0.2.1", 2)) for number in range(256)}
    assert len(alike) == 1
    others = [("192.0.2.2", 2, 0), ("192.0.2.1", 3, 0), ("192.0.2.1", 2, 5)]
    assert not alike & {parse.behind_destination(route("10.0.0.0", via, index, metric=metric)) for via, index, metric in others}


def test_only_tasks_of_endpoints_read_next_hops():
    host = Host()
    host.run(network("lan", SUBNETS))
    assert needs_of([endpoint()], host.record).next_hops
    assert not needs_of([network("lan", SUBNETS)], host.record).next_hops
    assert not needs_of([no_endpoint()], host.record).next_hops


def test_without_a_namespace_nothing_is_taken():
    assert not AddressesInUse(Host().record, Kernel()).inside(block_of("0.0.0.0/0"))
    assert Needs({}).next_hops is False
