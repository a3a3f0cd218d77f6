# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans: every refusal and every change in place, as sentences."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.compare.needs import needs_of_everything
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.mac import mac_of_names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.subnets import (
    subnet_problem,
    ula_prefix,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.kernel import Space
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import DummyParent
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST, Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import OtherRoute, Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.needs import needs_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.link_spec import LinkSpec
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.needs import needs_before_undoing
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.simulate import kernel_after
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import (
    AddAddress,
    CreateNetns,
    DeleteAddress,
    DeleteLink,
    DeleteNetns,
    SetLink,
    SetSysctls,
    inverse,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import block_of
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    BLUE,
    BLUE_PATH,
    ETH0,
    ETH1,
    Host,
    changed_link,
    endpoint,
    kernel,
    link,
    network,
    no_endpoint,
    no_network,
    no_subinterface,
    said,
    space,
    subinterface,
    uuid_of_host,
    vlan_link,
)

pytestmark = pytest.mark.engine

DUMMY = names.dummy_name(names.object_id("host", "network", "lan"))
DUMMY_MAC = names.dummy_mac(names.object_id("host", "network", "lan"))
GREEN_PATH = "/run/netns/green"
DOCKER = "/var/run/docker/netns/c1"


def refused(host, *requests):
    """The message of a refusal, which leaves nothing changed."""
    before = host.record, host.kernel
    with pytest.raises(PlanError) as caught:
        host.run(*requests)
    assert (host.record, host.kernel) == before
    return str(caught.value)


def assert_refused(host, requests, words):
    message = refused(host, *requests)
    assert [word for word in words if word not in message] == [], message
    assert "None" not in message


def prepared(found, *requests):
    host = Host(found)
    for request in requests:
        host.run(request)
    return host


# --- networks that are made -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "request_", "sentences", "warnings"),
    [
        pytest.param(kernel(), network(), ["record network lan on eth0"], (), id="on-a-link-that-is-there"),
        pytest.param(
            kernel(),
            network(parent="eth0.50"),
            ["create VLAN link eth0.50 on eth0 (VLAN 50)", "bring eth0.50 up", "record network lan on eth0.50"],
            (),
            id="on-a-vlan-that-is-made",
        ),
        pytest.param(
            kernel(vlan_link("eth0.50", 9, ETH0, 50)),
            network(parent="eth0.50"),
            ["record network lan on eth0.50"],
            (),
            id="on-a-vlan-that-is-there",
        ),
        pytest.param(
            kernel(vlan_link("foo", 9, ETH0, 40)),
            network(parent="foo"),
            ["record network lan on foo"],
            (),
            id="on-a-vlan-of-any-name",
        ),
        pytest.param(
            kernel(vlan_link("eth0.50", 9, ETH0, 60)),
            network(parent="eth0.50"),
            ["record network lan on eth0.50"],
            ("eth0.50 is not VLAN 50 of eth0",),
            id="on-another-vlan-than-the-name-says",
        ),
        pytest.param(
            kernel(vlan_link("eth0.50", 9, ETH1, 50)),
            network(parent="eth0.50"),
            ["record network lan on eth0.50"],
            ("eth0.50 is not VLAN 50 of eth0",),
            id="on-a-vlan-of-another-base",
        ),
        pytest.param(
            kernel(link("eth0.50", 9, kind="dummy")),
            network(parent="eth0.50"),
            ["record network lan on eth0.50"],
            ("eth0.50 is not VLAN 50 of eth0",),
            id="on-no-vlan-at-all",
        ),
        pytest.param(
            kernel(vlan_link("eth0.50", 9, ETH0, 50, lower_netns=3)),
            network(parent="eth0.50"),
            ["record network lan on eth0.50"],
            ("eth0.50 is not VLAN 50 of eth0",),
            id="on-a-vlan-of-a-base-in-another-namespace",
        ),
        pytest.param(
            changed_link(kernel(), "eth0", up=False),
            network(),
            ["record network lan on eth0"],
            ("its parent eth0 is down",),
            id="on-a-parent-that-is-down",
        ),
        pytest.param(
            kernel(),
            network(parent=None),
            [f"create dummy link {DUMMY} ({DUMMY_MAC})", f"bring {DUMMY} up", f"record network lan on {DUMMY}"],
            (),
            id="without-a-parent",
        ),
        pytest.param(kernel(), network(subnets=(), ipam="none"), ["record network lan on eth0"], (), id="without-ipam"),
        pytest.param(
            kernel(),
            network(subnets=["172.16.50.0/22"]),
            ["record network lan on eth0"],
            ("172.16.50.0/22", "172.16.48.0/22"),
            id="with-host-bits",
        ),
        pytest.param(
            kernel(link("m", 9, kind="macvlan", lower=ETH0, mode="bridge")),
            network(),
            ["record network lan on eth0"],
            (),
            id="beside-a-foreign-macvlan",
        ),
    ],
)
def test_a_network_is_made(found, request_, sentences, warnings):
    host = Host(found)
    made = host.run(request_)
    assert said(made) == sentences
    text = " ".join(made.warnings)
    assert [word for word in warnings if word not in text] == []
    assert bool(made.warnings) == bool(warnings)
    assert not host.plan(request_).changed


@pytest.mark.parametrize(
    ("request_", "parent", "created", "internal", "gateway"),
    [
        pytest.param(network(), "eth0", False, False, "192.168.1.1", id="foreign-parent"),
        pytest.param(network(parent="eth0.50"), "eth0.50", True, False, "192.168.1.1", id="owned-parent"),
        pytest.param(network(parent=None), DUMMY, True, True, None, id="no-parent"),
        pytest.param(network(internal=True), "eth0", False, True, None, id="internal"),
    ],
)
def test_what_is_recorded_of_a_new_network(request_, parent, created, internal, gateway):
    found = Host().run(request_).after.networks["lan"]
    assert (found.parent, found.parent_created, found.internal) == (parent, created, internal)
    assert found.subnets[0].gateway == gateway
    assert found.id == names.object_id("host", "network", "lan")


def test_an_owned_vlan_carries_our_tag_and_nothing_of_its_own():
    host = prepared(kernel(), network(parent="eth0.50"))
    sub = host.record.links["eth0.50"]
    made = host.link("eth0.50")
    assert made.alias == names.tag(sub.id)
    assert (made.mtu, made.mac, made.up) == (1500, host.link("eth0").mac, True)
    assert sub.declared is False


@pytest.mark.parametrize(
    ("found", "others", "request_", "subnets"),
    [
        pytest.param(kernel(), (), network(subnets=()), ["172.17.0.0/16"], id="first-pool"),
        pytest.param(
            kernel(addresses={ETH0: ("172.17.3.4/24",)}), (), network(subnets=()), ["172.18.0.0/16"], id="host-address"
        ),
        pytest.param(
            kernel(routes={ETH0: (Route("172.16.0.0/15"), Route("0.0.0.0/0", "10.0.0.1"))}),
            (),
            network(subnets=()),
            ["172.18.0.0/16"],
            id="host-route-but-not-the-default-route",
        ),
        pytest.param(
            kernel(),
            (network("other", ["172.17.9.0/24"], parent="eth1"),),
            network(subnets=()),
            ["172.18.0.0/16"],
            id="another-network",
        ),
        pytest.param(
            kernel(),
            (),
            network(subnets=(), address_pools=[{"base": "10.9.0.0/16", "size": 24}]),
            ["10.9.0.0/24"],
            id="own-pools",
        ),
        pytest.param(kernel(), (), network(subnets=(), ipv6=True), ["172.17.0.0/16", "ula"], id="ipv4-and-ula"),
        pytest.param(kernel(), (), network(ipv6=True), ["192.168.1.0/24", "ula"], id="given-ipv4-and-ula"),
        pytest.param(kernel(), (), network(subnets=["fd00::/64"]), ["fd00::/64"], id="ipv6-only"),
        pytest.param(
            kernel(),
            (),
            network(ipv6=True, address_pools=[{"base": "fd77::/48", "size": 64}]),
            ["192.168.1.0/24", "fd77::/64"],
            id="own-ipv6-pool",
        ),
        pytest.param(kernel(), (), network(subnets=(), ipam="none"), [], id="ipam-none"),
    ],
)
def test_the_subnets_that_are_chosen(found, others, request_, subnets):
    host = prepared(found, *others)
    chosen = host.run(request_).after.networks["lan"].subnets
    ula = ula_prefix(uuid_of_host()).replace("/48", "/64")
    assert [subnet.subnet for subnet in chosen] == [ula if text == "ula" else text for text in subnets]
    assert not host.plan(request_).changed


def test_a_second_network_with_ipv6_takes_the_next_64_of_the_hosts_prefix():
    host = prepared(kernel(), network("one", ipv6=True), network("two", ["10.0.0.0/24"], parent="eth1", ipv6=True))
    one, two = (host.record.networks[name].subnets[1].subnet for name in ("one", "two"))
    assert one != two
    assert block_of(ula_prefix(uuid_of_host())).covers(block_of(two))


@pytest.mark.parametrize("base", ["0.0.0.0/0", "127.0.0.0/8", "224.0.0.0/4", "169.254.0.0/16", "240.0.0.0/4"])
def test_a_subnet_that_could_not_be_named_is_not_chosen_either(base):
    host = Host()
    try:
        found = host.run(network(subnets=(), address_pools=[{"base": base, "size": 24}])).after.networks["lan"]
    except PlanError:
        return
    assert [subnet_problem(subnet.subnet) for subnet in found.subnets] == [None]


# --- networks that are refused --------------------------------------------------------------------------------------

MACVLAN = {"kind": "macvlan", "lower": ETH0}
SHARED = {"allow_shared_parent": True}
OTHER = ["10.7.0.0/24"]


def ranged(ip_range, subnet="192.168.1.0/24", **values):
    return {"subnet": subnet, "ip_range": ip_range, **values}


@pytest.mark.parametrize(
    ("found", "others", "request_", "words"),
    [
        pytest.param(
            kernel(),
            (network("first"),),
            network(subnets=OTHER),
            ("eth0", "network first", "allow_shared_parent: true"),
            id="parent-has-a-network",
        ),
        pytest.param(
            kernel(),
            (network("first", mode="passthru"),),
            network(subnets=OTHER, **SHARED),
            ("eth0", "network first", "passthru"),
            id="beside-passthru",
        ),
        pytest.param(
            kernel(),
            (network("first"),),
            network(subnets=OTHER, mode="passthru", **SHARED),
            ("passthru", "eth0", "network first"),
            id="passthru-beside-another",
        ),
        pytest.param(kernel(), (), network(parent="eth9"), ("eth9", "base.vlan_id"), id="no-such-parent"),
        pytest.param(kernel(), (), network(parent="eth0.4095"), ("eth0.4095", "1 to 4094"), id="no-such-vlan"),
        pytest.param(kernel(), (), network(parent="eth0.010"), ("eth0.010", "eth0.10"), id="leading-zero"),
        pytest.param(kernel(), (), network(parent="eth9.5"), ("eth9.5", "no link eth9"), id="no-such-base"),
        pytest.param(kernel(), (), network(parent="lo.5"), ("lo.5", "loopback"), id="vlan-on-the-loopback"),
        pytest.param(
            changed_link(kernel(), "eth0", up=False),
            (),
            network(parent="eth0.50"),
            ("eth0.50", "eth0 is down", "bring eth0 up"),
            id="base-is-down",
        ),
        pytest.param(
            kernel(vlan_link("uplink", 9, ETH0, 50)),
            (),
            network(parent="eth0.50"),
            ("VLAN 50 of eth0", "uplink", "eth0.50"),
            id="vlan-is-there-under-another-name",
        ),
        pytest.param(
            kernel(missing_kinds={"vlan"}),
            (),
            network(parent="eth0.50"),
            ("eth0.50", "kernel", "8021q"),
            id="kernel-without-vlans",
        ),
        pytest.param(
            kernel(link(DUMMY, 9)), (), network(parent=None), (DUMMY, "taken"), id="name-of-the-dummy-is-taken"
        ),
        pytest.param(kernel(), (), network(parent="lo"), ("lo", "loopback"), id="loopback"),
        pytest.param(
            kernel(link("tun0", 9, hardware=65534)), (), network(parent="tun0"), ("tun0", "Ethernet"), id="tun"
        ),
        pytest.param(
            changed_link(kernel(link("br0", 9, kind="bridge")), "eth0", master=9),
            (),
            network(),
            ("eth0", "bridge br0", "use br0"),
            id="port-of-a-bridge",
        ),
        pytest.param(
            changed_link(kernel(link("bond0", 9, kind="bond")), "eth0", master=9),
            (),
            network(),
            ("eth0", "bond bond0", "use bond0"),
            id="port-of-a-bond",
        ),
        pytest.param(
            changed_link(kernel(), "eth0", master=9), (), network(), ("eth0", "another link"), id="port-of-something"
        ),
        pytest.param(
            kernel(link("ipv0", 9, kind="ipvlan", lower=ETH0)), (), network(), ("eth0", "ipvlan", "ipv0"), id="ipvlan"
        ),
        pytest.param(
            kernel(link("m", 9, **MACVLAN)),
            (),
            network(parent="m"),
            ("m", "macvlan", "use eth0"),
            id="macvlan-as-parent",
        ),
        pytest.param(
            kernel(link("m", 9, lower_netns=1, **MACVLAN)),
            (),
            network(parent="m"),
            ("m", "itself a macvlan link"),
            id="macvlan-of-another-namespace-as-parent",
        ),
        pytest.param(
            kernel(link("m", 9, mode="bridge", **MACVLAN)),
            (),
            network(mode="passthru"),
            ("passthru", "eth0", "m"),
            id="passthru-beside-a-foreign-macvlan",
        ),
        pytest.param(
            kernel(link("m", 9, mode="passthru", **MACVLAN)),
            (),
            network(),
            ("eth0", "passthru link m"),
            id="beside-a-foreign-passthru",
        ),
        pytest.param(kernel(), (), network(mtu=9000), ("mtu 9000", "1500", "eth0"), id="mtu-above-the-parents"),
        pytest.param(
            kernel(),
            (network("first", parent="eth1"),),
            network(subnets=["192.168.1.128/25"]),
            ("192.168.1.128/25", "192.168.1.0/24", "network first", "allow_overlap: true"),
            id="overlap",
        ),
        pytest.param(
            kernel(),
            (network("first", [ranged("192.168.1.0/25")], parent="eth1"),),
            network(subnets=[ranged("192.168.1.64/26")]),
            ("192.168.1.64/26", "192.168.1.0/25", "network first", "ip_ranges"),
            id="one-subnet-with-overlapping-ranges",
        ),
        pytest.param(
            kernel(),
            (network("first", [ranged("192.168.1.0/25")], parent="eth1"),),
            network(),
            ("192.168.1.0/24", "network first"),
            id="one-subnet-with-one-range",
        ),
        pytest.param(
            kernel(),
            (network("first", parent="eth1"), endpoint("web", "first", ipv4="192.168.1.200")),
            network(subnets=[ranged("192.168.1.128/25")]),
            ("192.168.1.0/24", "network first"),
            id="one-subnet-whose-other-network-has-no-range",
        ),
        pytest.param(
            kernel(),
            (network("first", [ranged("192.168.1.0/25")], parent="eth1"), endpoint("e", "first", ipv4="192.168.1.200")),
            network(subnets=[ranged("192.168.1.128/25", gateway="192.168.1.200")]),
            ("192.168.1.200", "gateway", "endpoint first/e"),
            id="gateway-held-by-an-endpoint",
        ),
        pytest.param(
            kernel(),
            (network("first", [ranged("192.168.1.0/25", aux_addresses={"nas": "192.168.1.200"})], parent="eth1"),),
            network(subnets=[ranged("192.168.1.128/25", gateway="192.168.1.200")]),
            ("192.168.1.200", "aux address nas of network first"),
            id="gateway-held-by-an-aux-address",
        ),
        pytest.param(
            kernel(),
            (network("first", [ranged("192.168.1.0/25")], parent="eth1"),),
            network(subnets=[ranged("192.168.1.128/25", gateway="none", aux_addresses={"nas": "192.168.1.1"})]),
            ("192.168.1.1", "aux address nas", "gateway of 192.168.1.0/24"),
            id="aux-address-held-as-gateway",
        ),
        pytest.param(
            kernel(),
            (),
            network(subnets=(), address_pools=[{"base": "10.0.0.0/24", "size": 24}]),
            None,
            id="one-pool-is-enough",
        ),
        pytest.param(
            kernel(addresses={ETH0: ("10.0.0.1/8",)}),
            (),
            network(subnets=(), address_pools=[{"base": "10.0.0.0/24", "size": 24}]),
            ("IPv4", "10.0.0.0/24", "subnets", "address_pools"),
            id="pools-are-exhausted",
        ),
    ],
)
def test_a_network_that_cannot_be_made_is_refused(found, others, request_, words):
    host = prepared(found, *others)
    if words is None:
        assert host.plan(request_).changed
    else:
        assert_refused(host, [request_], ["network lan", *words])


def test_a_kernel_without_dummy_links_is_named_as_the_reason():
    assert_refused(Host(kernel(missing_kinds={"dummy"})), [network(parent=None)], [DUMMY, "kernel", "module dummy"])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(network("first"), network(subnets=OTHER, **SHARED), id="allowed-by-the-second"),
        pytest.param(
            network("first", parent="eth0.50"), network(subnets=OTHER, parent="eth0"), id="parent-and-its-vlan"
        ),
        pytest.param(network("first", parent="eth1"), network(allow_overlap=True), id="overlap-is-allowed"),
        pytest.param(
            network("first", [ranged("192.168.1.0/25")], parent="eth1"),
            network(subnets=[ranged("192.168.1.128/25")]),
            id="one-subnet-with-ranges-apart",
        ),
        pytest.param(
            network("first", [ranged("192.168.1.10-192.168.1.19")], parent="eth1"),
            network(subnets=[ranged("192.168.1.20-192.168.1.29")]),
            id="one-subnet-with-ranges-side-by-side",
        ),
    ],
)
def test_two_networks_that_can_be_on_one_host(first, second):
    host = prepared(kernel(), first, second)
    builders.assert_sound(host.record)
    assert not host.plan(first).changed
    assert not host.plan(second).changed


def test_networks_of_one_subnet_share_its_leases_and_its_gateway():
    host = prepared(
        kernel(),
        network("one", [ranged("192.168.1.0/25")]),
        network("two", [ranged("192.168.1.128/25")], parent="eth1"),
        endpoint("a", "one"),
        endpoint("b", "two", netns="green"),
    )
    assert host.record.endpoints["one", "a"].ipv4 == "192.168.1.2/24"
    assert host.record.endpoints["two", "b"].ipv4 == "192.168.1.128/24"
    assert_refused(
        host,
        [endpoint("c", "two", netns="red", ipv4="192.168.1.2")],
        ["endpoint two/c", "192.168.1.2", "held by endpoint one/a"],
    )
    host.run(no_network("one", force=True))
    assert host.run(endpoint("c", "two", netns="red", ipv4="192.168.1.2")).changed
    assert_refused(
        host, [endpoint("d", "two", netns="grey", ipv4="192.168.1.1")], ["192.168.1.1", "gateway of 192.168.1.0/24"]
    )


def test_networks_with_leases_of_their_own_may_give_one_address_twice():
    host = prepared(kernel(), network("one"), network("two", parent="eth1", allow_overlap=True))
    host.run(endpoint("a", "one"))
    host.run(endpoint("b", "two", netns="green"))
    assert {found.ipv4 for found in host.record.endpoints.values()} == {"192.168.1.2/24"}


# --- networks that change -------------------------------------------------------------------------------------------

ENDPOINT_ON_LAN = (network(), endpoint())


@pytest.mark.parametrize(
    ("before", "request_", "sentences"),
    [
        pytest.param((network(),), network(), [], id="nothing"),
        pytest.param((network(),), network(labels={"a": "b"}), ["change labels of network lan"], id="labels"),
        pytest.param((network(),), network(mode="vepa"), ["change mode of network lan"], id="mode-without-endpoints"),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(mode="private"),
            ["change mode of network lan", "change mode of eth0 in namespace blue from bridge to private"],
            id="mode",
        ),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(mtu=1400),
            ["change mtu of network lan", "change mtu of eth0 in namespace blue from 1500 to 1400"],
            id="mtu",
        ),
        pytest.param(
            (network(mtu=1400), endpoint()),
            network(),
            ["change mtu of network lan", "change mtu of eth0 in namespace blue from 1400 to 1500"],
            id="mtu-left-out-again",
        ),
        pytest.param(
            (network(), endpoint(mtu=1300)),
            network(mtu=1400),
            ["change mtu of network lan"],
            id="mtu-of-the-endpoint-wins",
        ),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(subnets=[{"subnet": "192.168.1.0/24", "gateway": "192.168.1.254"}]),
            [
                "change subnets of network lan",
                "replace default route via 192.168.1.1 by default route via 192.168.1.254 on eth0 in namespace blue",
            ],
            id="gateway",
        ),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(subnets=[{"subnet": "192.168.1.0/24", "gateway": "none"}]),
            [
                "change subnets of network lan",
                "delete default route via 192.168.1.1 on eth0 in namespace blue",
            ],
            id="gateway-none",
        ),
        pytest.param(
            (network(subnets=[{"subnet": "192.168.1.0/24", "gateway": "none"}]), endpoint(ipv4="192.168.1.9")),
            network(),
            [
                "change subnets of network lan",
                "add default route via 192.168.1.1 on eth0 in namespace blue",
            ],
            id="gateway-inferred-again",
        ),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(internal=True, subnets=[{"subnet": "192.168.1.0/24", "gateway": "192.168.1.1"}]),
            [
                "change internal, subnets of network lan",
                "delete default route via 192.168.1.1 on eth0 in namespace blue",
            ],
            id="internal",
        ),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(subnets=[{"subnet": "192.168.1.0/24", "aux_addresses": {"nas": "192.168.1.9"}}]),
            ["change subnets of network lan"],
            id="aux-address",
        ),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(subnets=[ranged("192.168.1.128/25")]),
            ["change subnets of network lan"],
            id="ip-range",
        ),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(subnets=["192.168.1.0/24", "10.7.0.0/24"]),
            ["change subnets of network lan"],
            id="subnet-added",
        ),
        pytest.param(
            (network(subnets=["192.168.1.0/24", "10.7.0.0/24"]), endpoint()),
            network(),
            ["change subnets of network lan"],
            id="subnet-without-leases-removed",
        ),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(ipv6=True),
            ["change ipv6, subnets of network lan"],
            id="ipv6-turned-on",
        ),
        pytest.param((network(ipv6=True),), network(), ["change ipv6, subnets of network lan"], id="ipv6-turned-off"),
        pytest.param((network(subnets=()),), network(subnets=(), ipam="none"), None, id="ipam-turned-off"),
    ],
)
def test_a_network_changes_in_place(before, request_, sentences):
    host = prepared(kernel(), *before)
    made = host.run(request_)
    if sentences is not None:
        assert said(made) == sentences
    assert not host.plan(request_).changed
    assert made.changed == bool(made.steps)


@pytest.mark.parametrize(
    ("before", "request_", "words"),
    [
        pytest.param((network(),), network(parent="eth1"), ("parent is eth0", "eth1", "add replace: true"), id="parent"),
        pytest.param(ENDPOINT_ON_LAN, network(parent="eth1"), ("parent", "web"), id="parent-with-endpoints"),
        pytest.param((network(),), network(parent=None), ("parent was left out", "dummy", "parent: eth0"), id="to-no-parent"),
        pytest.param((network(parent=None),), network(), (DUMMY, "eth0"), id="from-no-parent"),
        pytest.param(
            ENDPOINT_ON_LAN, network(mode="passthru"), ("mode is bridge", "passthru", "web", "add replace: true"), id="to-passthru"
        ),
        pytest.param((network(mode="passthru"), endpoint()), network(), ("mode is passthru", "bridge"), id="from-passthru"),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(subnets=OTHER),
            ("subnets", "192.168.1.0/24", "leases", "web"),
            id="subnet-with-leases",
        ),
        pytest.param(
            ENDPOINT_ON_LAN, network(subnets=(), ipam="none"), ("192.168.1.0/24", "web"), id="ipam-none-with-leases"
        ),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(subnets=[{"subnet": "192.168.1.0/24", "gateway": "192.168.1.2"}]),
            ("192.168.1.2", "gateway", "endpoint lan/web"),
            id="gateway-held-by-an-endpoint",
        ),
        pytest.param(
            ENDPOINT_ON_LAN,
            network(subnets=[{"subnet": "192.168.1.0/24", "aux_addresses": {"nas": "192.168.1.2"}}]),
            ("192.168.1.2", "aux address nas", "endpoint lan/web"),
            id="aux-address-held-by-an-endpoint",
        ),
        pytest.param((network(),), network(mtu=1501), ("mtu 1501", "1500", "eth0"), id="mtu-above-the-parents"),
        pytest.param(
            (
                network(subnets=["192.168.1.0/24", "fd00::/64"]),
                endpoint(mtu=1300),
                endpoint("b", mtu=1290, netns="green"),
            ),
            network(subnets=["192.168.1.0/24", "fd00::/64"], mtu=1280),
            None,
            id="mtu-that-ipv6-can-just-have",
        ),
        pytest.param(
            (
                network("first", [ranged("192.168.1.0/25")], parent="eth1"),
                network(subnets=[ranged("192.168.1.128/26")]),
            ),
            network(subnets=[ranged("192.168.1.64/26")]),
            ("192.168.1.64/26", "192.168.1.0/25", "network first"),
            id="ip-range-into-that-of-another",
        ),
        pytest.param(
            (
                network("first", [ranged("192.168.1.0/25")], parent="eth1"),
                network(subnets=[ranged("192.168.1.128/26")]),
            ),
            network(),
            ("192.168.1.0/24", "network first"),
            id="ip-range-given-up-beside-another",
        ),
        pytest.param(
            (network("first", OTHER, parent="eth1"), network()),
            network(subnets=["192.168.1.0/24", "10.7.0.128/25"]),
            ("10.7.0.128/25", "network first"),
            id="added-subnet-overlaps",
        ),
        pytest.param(
            (
                network(subnets=[{"subnet": "192.168.1.0/24"}]),
                endpoint(routes=[{"to": "10.9.0.0/16", "via": "192.168.1.9"}]),
            ),
            network(subnets=[{"subnet": "192.168.1.0/24", "gateway": "192.168.1.9"}]),
            None,
            id="gateway-that-is-a-next-hop-too",
        ),
        pytest.param(
            (
                network(subnets=[{"subnet": "192.168.1.0/24", "gateway": "none"}]),
                endpoint(ipv4="192.168.1.9"),
                network("other", OTHER, parent="eth1"),
                endpoint("b", "other", ifname="net1"),
            ),
            network(),
            ("endpoint lan/web", "endpoint other/b", "default route", "default_route: false"),
            id="gateway-where-another-endpoint-has-the-default-route",
        ),
        pytest.param(
            (
                network(subnets=[{"subnet": "192.168.1.0/24", "gateway": "none"}]),
                endpoint(ipv4="192.168.1.9", routes=[{"to": "default", "via": "192.168.1.7"}]),
            ),
            network(),
            ("endpoint lan/web", "0.0.0.0/0", "default_route: false"),
            id="gateway-where-the-endpoint-has-a-default-route-of-its-own",
        ),
    ],
)
def test_a_change_of_a_network_that_cannot_be_made_in_place_is_refused(before, request_, words):
    host = prepared(kernel(), *before)
    if words is None:
        host.run(request_)
        assert not host.plan(request_).changed
    else:
        assert_refused(host, [request_], ["lan", *words])


def test_a_gateway_is_refused_where_a_foreign_link_has_the_default_route():
    foreign = space(link("eth9", 9), routes={9: (Route("0.0.0.0/0", "10.9.9.1"),)})
    host = prepared(
        kernel(spaces={DOCKER: foreign}),
        network(subnets=[{"subnet": "192.168.1.0/24", "gateway": "none"}]),
        endpoint(netns_path=DOCKER, ipv4="192.168.1.9"),
    )
    assert_refused(host, [network()], ["endpoint lan/web", "eth9", "default_route: false"])


def test_an_endpoint_whose_link_is_gone_follows_its_network_in_the_record_only():
    host = prepared(kernel(), network(), endpoint())
    host.lose("eth0", BLUE_PATH)
    assert host.sentences(network(mtu=1400)) == ["change mtu of network lan", "change mtu of endpoint lan/web"]
    assert host.record.endpoints["lan", "web"].mtu == 1400
    assert host.sentences(endpoint())[0].startswith("create macvlan link eth0 in namespace blue")


def test_a_chosen_subnet_stays_when_the_network_is_described_again():
    host = prepared(kernel(), network(subnets=()))
    host.run(network("other", ["172.18.0.0/16"], parent="eth1"))
    host.kernel = builders.with_space(
        host.kernel, dataclasses.replace(host.kernel.spaces[""], addresses={ETH1: ("172.17.0.9/16",)}), ""
    )
    assert not host.plan(network(subnets=())).changed


# --- parents that vanish or change ----------------------------------------------------------------------------------


def test_an_owned_parent_that_vanished_is_made_again():
    host = prepared(kernel(), network(parent="eth0.50"))
    host.lose("eth0.50")
    assert host.sentences(network(parent="eth0.50")) == [
        "create VLAN link eth0.50 on eth0 (VLAN 50)",
        "bring eth0.50 up",
    ]


def test_an_owned_dummy_that_vanished_is_made_again():
    host = prepared(kernel(), network(parent=None))
    host.lose(DUMMY)
    assert host.sentences(network(parent=None)) == [f"create dummy link {DUMMY} ({DUMMY_MAC})", f"bring {DUMMY} up"]


@pytest.mark.parametrize(
    "request_", [network(), endpoint(), endpoint("new")], ids=["network", "endpoint", "new-endpoint"]
)
def test_a_foreign_parent_that_vanished_is_never_made_again(request_):
    host = prepared(kernel(), network(), endpoint())
    host.lose("eth0")
    assert_refused(host, [request_], ["network lan", "eth0 is gone", "bring it back"])


def test_a_foreign_vlan_that_vanished_stays_foreign():
    host = prepared(kernel(vlan_link("eth0.50", 9, ETH0, 50)), network(parent="eth0.50"))
    host.lose("eth0.50")
    assert_refused(host, [network(parent="eth0.50")], ["eth0.50 is gone"])


def test_a_foreign_parent_that_became_a_port_of_a_bridge_is_refused():
    host = prepared(kernel(), network())
    host.gain(link("br0", 9, kind="bridge"))
    host.change("eth0", master=9)
    assert_refused(host, [endpoint()], ["eth0", "bridge br0"])


def test_everything_that_is_owned_comes_back_after_a_reboot_and_nothing_else():
    host = prepared(kernel(), network(parent="eth0.50"), endpoint())
    host.reboot()
    host.run(network(parent="eth0.50"))
    sentences = host.sentences(endpoint())
    assert sentences[0] == "create namespace blue"
    assert sentences[1].startswith("create macvlan link eth0 in namespace blue on eth0.50")
    assert not host.plan(endpoint()).changed


def test_an_endpoint_task_brings_the_owned_parent_back_first():
    host = prepared(kernel(), network(parent="eth0.50"), endpoint())
    host.reboot()
    sentences = host.sentences(endpoint())
    assert sentences[:3] == ["create VLAN link eth0.50 on eth0 (VLAN 50)", "bring eth0.50 up", "create namespace blue"]


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        pytest.param(network(parent="eth0.50"), "eth0.50", id="vlan"),
        pytest.param(network(parent=None), DUMMY, id="dummy"),
    ],
)
def test_an_owned_parent_that_was_removed_by_force_is_made_again(request_, name):
    host = prepared(kernel(), request_, no_subinterface(name, force=True))
    assert host.link(name) is None
    assert f"bring {name} up" in host.sentences(request_)
    assert host.link(name).alias == names.tag(host.record.links[name].id)
    assert not host.plan(request_).changed


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"up": False}, "bring eth0.50 up", id="down"),
        pytest.param({"alias": ""}, "tag eth0.50 as ours", id="tag-lost"),
        pytest.param({"mtu": 1400}, "change mtu of eth0.50 from 1400 to 1500", id="mtu"),
        pytest.param(
            {"mac": "02:00:00:00:00:09"},
            "change mac of eth0.50 from 02:00:00:00:00:09 to 52:54:00:00:00:02",
            id="mac",
        ),
    ],
)
def test_an_owned_parent_that_was_changed_is_brought_back(change, sentence):
    host = prepared(kernel(), network(parent="eth0.50"))
    host.change("eth0.50", **change)
    assert host.sentences(network(parent="eth0.50")) == [sentence]
    assert not host.plan(network(parent="eth0.50")).changed


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"up": False}, f"bring {DUMMY} up", id="down"),
        pytest.param({"alias": ""}, f"tag {DUMMY} as ours", id="tag-lost"),
    ],
)
def test_an_owned_dummy_that_was_changed_is_brought_back(change, sentence):
    host = prepared(kernel(), network(parent=None))
    host.change(DUMMY, **change)
    assert host.sentences(network(parent=None)) == [sentence]


def test_a_new_network_on_an_owned_parent_that_was_changed_brings_it_back_at_once():
    host = prepared(kernel(), subinterface())
    host.change("eth0.50", up=False)
    made = host.run(network(parent="eth0.50"))
    assert not host.plan(network(parent="eth0.50")).changed
    assert "bring eth0.50 up" in said(made)


def test_a_new_network_on_an_owned_parent_that_vanished_makes_it_again():
    host = prepared(kernel(), subinterface())
    host.lose("eth0.50")
    assert host.sentences(network(parent="eth0.50"))[0] == "create VLAN link eth0.50 on eth0 (VLAN 50)"


@pytest.mark.parametrize(
    ("other", "words"),
    [
        pytest.param(link("eth0.50", 99), ("eth0.50", "not the one"), id="no-vlan"),
        pytest.param(vlan_link("eth0.50", 99, ETH0, 51), ("eth0.50", "not the one"), id="another-vlan"),
        pytest.param(vlan_link("eth0.50", 99, ETH1, 50), ("eth0.50", "not the one"), id="another-base"),
        pytest.param(
            vlan_link("eth0.50", 99, ETH0, 50, alias="somebody's"), ("eth0.50", "not the one"), id="another-alias"
        ),
    ],
)
def test_a_link_that_took_the_name_of_an_owned_one_is_left_alone(other, words):
    host = prepared(kernel(), network(parent="eth0.50"))
    host.gain(other)
    assert_refused(host, [network(parent="eth0.50")], words)


def under_another_name(host, name="eth0.50"):
    """Somebody renames a link."""
    found = host.link(name)
    host.lose(name)
    host.gain(dataclasses.replace(found, name="trunk"))
    return host


def test_an_owned_vlan_that_was_renamed_is_named_with_both_its_names():
    host = under_another_name(prepared(kernel(), network(parent="eth0.50"), endpoint()))
    for request in (network(parent="eth0.50"), endpoint(), subinterface()):
        assert_refused(host, [request], ["vlan_subinterface eth0.50 is called trunk now; rename it back to eth0.50"])


def test_an_owned_dummy_that_was_renamed_is_named_with_both_its_names():
    host = under_another_name(prepared(kernel(), network(parent=None), endpoint()), DUMMY)
    for request in (network(parent=None), endpoint()):
        assert_refused(host, [request], [f"dummy parent {DUMMY} is called trunk now; rename it back to {DUMMY}"])


@pytest.mark.parametrize(
    ("before", "request_", "name"),
    [
        pytest.param((subinterface(),), no_subinterface(), "eth0.50", id="declared"),
        pytest.param((network(parent="eth0.50"),), no_network(), "eth0.50", id="of-a-network"),
        pytest.param((network(parent=None),), no_network(), DUMMY, id="dummy"),
    ],
)
def test_an_owned_link_that_was_renamed_goes_anyway(before, request_, name):
    host = under_another_name(prepared(kernel(), *before), name)
    assert host.sentences(request_)[-1].endswith("link trunk")
    assert (host.record, set(host.kernel.spaces[""].links)) == (Record(), {"lo", "eth0", "eth1"})


# --- endpoints that are made ----------------------------------------------------------------------------------------

SETTINGS = (
    "set net.ipv6.conf.eth0.accept_ra=0, net.ipv6.conf.eth0.autoconf=0, net.ipv6.conf.eth0.ndisc_notify=1, "
    "net.ipv6.conf.eth0.disable_ipv6={disabled}, net.ipv4.conf.eth0.arp_notify=1 in namespace blue"
)
DUAL = network(subnets=["192.168.1.0/24", "fd00::/64"])


def test_an_endpoint_is_made_in_a_namespace_that_is_made_for_it():
    made = prepared(kernel(), network()).run(endpoint())
    assert said(made) == [
        "record endpoint lan/web with 192.168.1.2/24",
        "create namespace blue",
        "create macvlan link eth0 in namespace blue on eth0 (bridge, 02:42:c0:a8:01:02)",
        "set net.ipv6.conf.eth0.disable_ipv6=1, net.ipv4.conf.eth0.arp_notify=1 in namespace blue",
        "add 192.168.1.2/24 to eth0 in namespace blue",
        "bring eth0 in namespace blue up",
        "add default route via 192.168.1.1 on eth0 in namespace blue",
    ]
    assert set(made.after.namespaces) == {"blue"}


def test_an_endpoint_with_both_families_has_an_address_and_a_default_route_of_each():
    made = prepared(kernel(), DUAL).run(endpoint())
    assert said(made)[3:] == [
        SETTINGS.format(disabled=0),
        "add 192.168.1.2/24 to eth0 in namespace blue",
        "add fd00::2/64 to eth0 in namespace blue",
        "bring eth0 in namespace blue up",
        "add default route via 192.168.1.1 on eth0 in namespace blue",
        "add IPv6 default route via fd00::1 on eth0 in namespace blue",
    ]


def test_settings_that_the_task_gives_come_last_and_replace_ours():
    sysctls = {"net.ipv6.conf.IFNAME.accept_ra": "2", "net.ipv4.conf.IFNAME.rp_filter": "0"}
    made = prepared(kernel(), DUAL).run(endpoint(sysctls=sysctls, announce=False))
    (step,) = [step for step in made.steps if isinstance(step, SetSysctls)]
    assert [(item.key, item.new) for item in step.settings] == [
        ("net.ipv6.conf.IFNAME.autoconf", "0"),
        ("net.ipv6.conf.IFNAME.ndisc_notify", "0"),
        ("net.ipv6.conf.IFNAME.disable_ipv6", "0"),
        ("net.ipv4.conf.IFNAME.arp_notify", "0"),
        ("net.ipv6.conf.IFNAME.accept_ra", "2"),
        ("net.ipv4.conf.IFNAME.rp_filter", "0"),
    ]
    assert not any(item.optional for item in step.settings)


def test_a_kernel_without_ipv6_is_no_obstacle_to_an_endpoint_without_ipv6():
    made = prepared(kernel(), network()).run(endpoint())
    (step,) = [step for step in made.steps if isinstance(step, SetSysctls)]
    assert {item.key.split(".")[1]: item.optional for item in step.settings} == {"ipv6": True, "ipv4": False}


def test_an_endpoint_in_the_hosts_own_namespace_has_no_default_route():
    made = prepared(kernel(), network()).run(endpoint(pid=None))
    found = made.after.endpoints["lan", "web"]
    assert (found.netns, found.ifname, found.default_route, found.gateway4) == (HOST, "mv-web", False, None)
    assert said(made)[-1] == "bring mv-web up"


@pytest.mark.parametrize(
    ("path", "params"),
    [
        pytest.param(BLUE_PATH, {"netns": "blue"}, id="name"),
        pytest.param(DOCKER, {"netns_path": DOCKER}, id="path"),
        pytest.param("/proc/7/ns/net", {"pid": 7}, id="pid"),
    ],
)
def test_a_namespace_that_is_there_is_used_and_not_owned(path, params):
    host = prepared(kernel(spaces={path: space()}), network())
    made = host.run(endpoint(**params))
    assert made.after.namespaces == {}
    assert not any(isinstance(step, CreateNetns) for step in made.steps)
    assert not host.plan(endpoint(**params)).changed
    assert not any(isinstance(step, DeleteNetns) for step in host.run(no_endpoint()).steps)


@pytest.mark.parametrize(
    ("of_network", "params", "found"),
    [
        pytest.param({}, {}, {"ipv4": "192.168.1.2/24", "mac": "02:42:c0:a8:01:02"}, id="lowest-free"),
        pytest.param({}, {"ipv4": "192.168.1.77"}, {"ipv4": "192.168.1.77/24"}, id="requested"),
        pytest.param(
            {"subnets": [ranged("192.168.1.128/25")]},
            {"ipv4": "192.168.1.5"},
            {"ipv4": "192.168.1.5/24"},
            id="outside-range",
        ),
        pytest.param(
            {"subnets": [ranged("192.168.1.128/25")]}, {}, {"ipv4": "192.168.1.128/24"}, id="lowest-of-the-range"
        ),
        pytest.param(
            {"subnets": ["192.168.1.0/24", "10.7.0.0/24"]},
            {"subnet": "10.7.0.0/24"},
            {"ipv4": "10.7.0.2/24"},
            id="subnet",
        ),
        pytest.param(
            {"subnets": ["192.168.1.0/32", "10.7.0.0/24"]}, {}, {"ipv4": "192.168.1.0/32"}, id="first-subnet-first"
        ),
        pytest.param(
            {"subnets": [{"subnet": "192.168.1.0/30"}, "10.7.0.0/24", "fd00::/64"]},
            {"subnet": "10.7.0.0/24"},
            {"ipv4": "10.7.0.2/24", "ipv6": "fd00::2/64"},
            id="subnet-narrows-its-own-family-only",
        ),
        pytest.param({}, {"mac": "02:00:00:00:00:01"}, {"mac": "02:00:00:00:00:01"}, id="pinned-mac"),
        pytest.param(
            {"subnets": ["fd00::/64"]},
            {},
            {"ipv4": None, "ipv6": "fd00::2/64", "mac": mac_of_names(uuid_of_host(), "lan", "web")},
            id="ipv6-only",
        ),
        pytest.param(
            {"subnets": (), "ipam": "none"},
            {},
            {"ipv4": None, "ipv6": None, "mac": mac_of_names(uuid_of_host(), "lan", "web")},
            id="ipam-none",
        ),
        pytest.param({"mode": "passthru"}, {}, {"mac": "52:54:00:00:00:02"}, id="passthru-has-its-parents-mac"),
        pytest.param({}, {"mtu": 1300}, {"mtu": 1300, "own_mtu": 1300}, id="own-mtu"),
        pytest.param({"mtu": 1400}, {}, {"mtu": 1400, "own_mtu": None}, id="mtu-of-the-network"),
        pytest.param({"mtu": 1400}, {"mtu": 1450}, {"mtu": 1450}, id="own-mtu-before-the-networks"),
        pytest.param({}, {"default_route": False}, {"gateway4": None}, id="no-default-route"),
        pytest.param({"internal": True}, {}, {"gateway4": None, "default_route": True}, id="internal-leads-nowhere"),
        pytest.param({"parent": None}, {}, {"gateway4": None, "ipv4": "192.168.1.1/24"}, id="no-parent-leads-nowhere"),
        pytest.param(
            {"internal": True, "subnets": [{"subnet": "192.168.1.0/24", "gateway": "192.168.1.1"}]},
            {},
            {"gateway4": None, "ipv4": "192.168.1.2/24"},
            id="internal-reserves-a-given-gateway",
        ),
    ],
)
def test_what_is_left_open_is_decided(of_network, params, found):
    made = prepared(kernel(), network(**of_network)).run(endpoint(**params))
    recorded = made.after.endpoints["lan", "web"]
    assert {key: getattr(recorded, key) for key in found} == found


def test_the_next_subnet_is_used_when_the_first_is_exhausted():
    host = prepared(kernel(), network(subnets=["192.168.1.0/30", "10.7.0.0/24"]))
    for number, wanted in enumerate(("192.168.1.2/30", "10.7.0.2/24")):
        host.run(endpoint(f"e{number}", netns=f"ns{number}"))
        assert host.record.endpoints["lan", f"e{number}"].ipv4 == wanted


def test_a_passthru_link_is_made_without_a_mac_address():
    made = prepared(kernel(), network(mode="passthru")).run(endpoint())
    assert "create macvlan link eth0 in namespace blue on eth0 (passthru)" in said(made)


def test_the_routes_of_a_task_come_after_the_default_routes():
    routes = [{"to": "10.9.0.0/16", "via": "192.168.1.7"}, {"to": "10.8.0.0/16"}, {"to": "fd09::/64", "via": "fe80::1"}]
    made = prepared(kernel(), DUAL).run(endpoint(routes=routes))
    assert said(made)[-3:] == [
        "add route to 10.9.0.0/16 via 192.168.1.7 on eth0 in namespace blue",
        "add route to 10.8.0.0/16 on eth0 in namespace blue",
        "add route to fd09::/64 via fe80::1 on eth0 in namespace blue",
    ]


# --- endpoints that are refused -------------------------------------------------------------------------------------

SECOND = network("other", OTHER, parent="eth1")
HELD = (network(), endpoint())


@pytest.mark.parametrize(
    ("found", "before", "request_", "words"),
    [
        pytest.param(kernel(), (), endpoint(), ("lan/web", "no network lan"), id="no-network"),
        pytest.param(
            kernel(),
            (network(),),
            endpoint(netns_path=DOCKER),
            (DOCKER, "there is no namespace", "netns"),
            id="no-path",
        ),
        pytest.param(kernel(), (network(),), endpoint(pid=7), ("pid", "no process 7", "look the process up again"), id="no-pid"),
        pytest.param(
            dataclasses.replace(
                kernel(spaces={"/proc/7/ns/net": space()}), identities={"": (4, 1), "/proc/7/ns/net": (4, 1)}
            ),
            (network(),),
            endpoint(pid=7),
            ("/proc/7/ns/net", "host's own namespace", "leave netns, netns_path and pid out"),
            id="the-hosts-namespace-by-pid",
        ),
        pytest.param(kernel(), HELD, endpoint("b", ipv4="192.168.1.2"), ("192.168.1.2", "lan/web"), id="address-held"),
        pytest.param(
            kernel(),
            HELD,
            endpoint("b", ipv4="192.168.1.1"),
            ("192.168.1.1", "gateway of 192.168.1.0/24"),
            id="gateway",
        ),
        pytest.param(
            kernel(),
            (network(subnets=[{"subnet": "192.168.1.0/24", "aux_addresses": {"nas": "192.168.1.9"}}]),),
            endpoint(ipv4="192.168.1.9"),
            ("192.168.1.9", "aux address nas of network lan"),
            id="aux-address",
        ),
        pytest.param(
            kernel(), HELD[:1], endpoint(ipv4="10.1.1.1"), ("10.1.1.1", "192.168.1.0/24"), id="address-outside"
        ),
        pytest.param(
            kernel(), HELD[:1], endpoint(ipv6="fd00::9"), ("fd00::9", "no subnet of this"), id="family-missing"
        ),
        pytest.param(
            kernel(),
            (network(subnets=["192.168.1.0/24", "10.7.0.0/24"]),),
            endpoint(ipv4="192.168.1.9", subnet="10.7.0.0/24"),
            ("192.168.1.9", "10.7.0.0/24"),
            id="address-outside-the-subnet-asked-for",
        ),
        pytest.param(
            kernel(),
            HELD[:1],
            endpoint(ipv4="192.168.1.0"),
            ("192.168.1.0", "network or broadcast"),
            id="network-address",
        ),
        pytest.param(
            kernel(), HELD[:1], endpoint(ipv4="192.168.1.255"), ("network or broadcast",), id="broadcast-address"
        ),
        pytest.param(kernel(), (DUAL,), endpoint(ipv6="fd00::"), ("fd00::", "anycast"), id="first-ipv6-address"),
        pytest.param(
            kernel(),
            HELD[:1],
            endpoint(subnet="10.7.0.0/24"),
            ("10.7.0.0/24", "192.168.1.0/24"),
            id="subnet-of-another",
        ),
        pytest.param(
            kernel(),
            (network(subnets=(), ipam="none"),),
            endpoint(subnet="10.7.0.0/24"),
            ("has none",),
            id="subnet-of-none",
        ),
        pytest.param(
            kernel(),
            (network(subnets=["192.168.1.0/30"]), endpoint()),
            endpoint("b", netns="green"),
            ("no IPv4 address is left", "192.168.1.0/30", "network lan"),
            id="exhausted",
        ),
        pytest.param(
            kernel(),
            (network(subnets=[ranged("192.168.1.2-192.168.1.2")]), endpoint()),
            endpoint("b", netns="green"),
            ("no IPv4 address is left", "192.168.1.2-192.168.1.2"),
            id="range-exhausted",
        ),
        pytest.param(
            kernel(),
            HELD,
            endpoint("b", netns="green", mac="02:42:c0:a8:01:02"),
            ("02:42:c0:a8:01:02", "lan/web", "eth0"),
            id="mac-twice-on-one-parent",
        ),
        pytest.param(
            kernel(),
            (*HELD, network("second", OTHER, **SHARED)),
            endpoint("b", "second", netns="green", mac="02:42:c0:a8:01:02"),
            ("02:42:c0:a8:01:02", "lan/web"),
            id="mac-twice-on-one-parent-of-two-networks",
        ),
        pytest.param(
            kernel(),
            HELD[:1],
            endpoint(mac="52:54:00:00:00:02"),
            ("52:54:00:00:00:02", "parent eth0"),
            id="mac-of-parent",
        ),
        pytest.param(
            kernel(link("m", 9, **MACVLAN)),
            HELD[:1],
            endpoint(mac="52:54:00:00:00:09"),
            ("52:54:00:00:00:09", "foreign link m"),
            id="mac-of-a-foreign-macvlan",
        ),
        pytest.param(
            kernel(),
            (network(mode="passthru"),),
            endpoint(mac="02:00:00:00:00:01"),
            ("mac:", "passthru", "eth0"),
            id="pt-mac",
        ),
        pytest.param(
            kernel(),
            (network(mode="passthru"), endpoint()),
            endpoint("b", netns="green"),
            ("passthru", "one endpoint", "web"),
            id="passthru-has-its-endpoint",
        ),
        pytest.param(kernel(), HELD[:1], endpoint(mtu=9000), ("mtu 9000", "1500", "eth0"), id="mtu-above-the-parents"),
        pytest.param(kernel(), (DUAL,), endpoint(mtu=1000), ("mtu 1000", "1280", "IPv6"), id="mtu-too-low-for-ipv6"),
        pytest.param(
            kernel(),
            (*HELD, SECOND),
            endpoint("b", "other", ifname="eth0"),
            ("ifname eth0", "endpoint lan/web", "namespace blue"),
            id="ifname-of-another-endpoint",
        ),
        pytest.param(
            kernel(spaces={BLUE_PATH: space(link("eth0", 9, kind="veth"))}),
            HELD[:1],
            endpoint(),
            ("ifname eth0", "veth link", "collection did not create"),
            id="ifname-of-a-foreign-link",
        ),
        pytest.param(
            kernel(), HELD[:1], endpoint(pid=None, ifname="eth1"), ("ifname eth1", "collection did not create"), id="ifname-of-the-host"
        ),
        pytest.param(kernel(), HELD[:1], endpoint(ifname="lo"), ("ifname lo",), id="ifname-of-the-loopback-to-come"),
        pytest.param(
            kernel(spaces={BLUE_PATH: space()}),
            HELD[:1],
            endpoint(ifname="lo"),
            ("ifname lo",),
            id="ifname-of-the-loopback",
        ),
        pytest.param(
            kernel(),
            (*HELD, SECOND),
            endpoint("b", "other", ifname="net1"),
            ("lan/web", "IPv4 default route", "namespace blue", "default_route: false"),
            id="two-default-routes",
        ),
        pytest.param(
            kernel(),
            (network(subnets=["fd01::/64"]), endpoint(), network("other", ["fd02::/64"], parent="eth1")),
            endpoint("b", "other", ifname="net1"),
            ("lan/web", "IPv6 default route", "default_route: false"),
            id="two-ipv6-default-routes",
        ),
        pytest.param(
            kernel(spaces={DOCKER: space(link("eth9", 9), routes={9: (Route("0.0.0.0/0", "10.9.9.1"),)})}),
            HELD[:1],
            endpoint(netns_path=DOCKER),
            ("eth9", "IPv4 default route", "default_route: false"),
            id="default-route-of-a-foreign-link",
        ),
        pytest.param(
            kernel(routes={ETH0: (Route("0.0.0.0/0", None),)}),
            HELD[:1],
            endpoint(pid=None, default_route=True),
            ("eth0", "default route", "default_route: false"),
            id="default-route-of-the-host",
        ),
        pytest.param(
            kernel(),
            (*HELD, network("other", parent="eth1", allow_overlap=True)),
            endpoint("b", "other", ifname="net1", default_route=False),
            ("lan/web", "192.168.1.2/24", "overlapping subnets"),
            id="overlapping-subnets-in-one-namespace",
        ),
        pytest.param(
            kernel(),
            (*HELD, endpoint("b", ifname="net1", netns="green")),
            endpoint("c", ifname="net1", default_route=False),
            ("lan/web", "overlapping subnets"),
            id="two-endpoints-of-one-subnet-in-one-namespace",
        ),
        pytest.param(
            kernel(),
            HELD[:1],
            endpoint(routes=[{"to": "10.9.0.0/16", "via": "10.1.1.1"}]),
            ("10.1.1.1", "10.9.0.0/16", "192.168.1.0/24"),
            id="via-is-not-on-the-link",
        ),
        pytest.param(
            kernel(),
            HELD[:1],
            endpoint(ipv4="192.168.1.9", routes=[{"to": "10.9.0.0/16", "via": "192.168.1.9"}]),
            ("192.168.1.9", "own address"),
            id="via-is-the-endpoint-itself",
        ),
        pytest.param(
            kernel(),
            HELD[:1],
            endpoint(routes=[{"to": "fd09::/64"}]),
            ("fd09::/64", "IPv6 address"),
            id="route-no-family",
        ),
        pytest.param(
            kernel(),
            HELD[:1],
            endpoint(routes=[{"to": "default", "via": "192.168.1.9"}]),
            ("0.0.0.0/0", "default_route: false"),
            id="default-route-twice",
        ),
        pytest.param(
            kernel(),
            (DUAL,),
            endpoint(routes=[{"to": "::/0", "via": "fd00::9", "metric": 1024}]),
            ("::/0", "default_route: false"),
            id="ipv6-default-route-twice-because-1024-is-no-metric",
        ),
        pytest.param(
            kernel(missing_kinds={"macvlan"}),
            HELD[:1],
            endpoint(),
            ("eth0", "kernel", "macvlan"),
            id="kernel-without-macvlan",
        ),
    ],
)
def test_an_endpoint_that_cannot_be_made_is_refused(found, before, request_, words):
    assert_refused(prepared(found, *before), [request_], [request_.name, *words])


def test_pools_of_the_other_family_only_are_refused():
    pools = [{"base": "fd77::/48", "size": 64}]
    assert "no IPv4 pool" in refused(prepared(kernel()), network(subnets=(), address_pools=pools))


def test_two_routes_of_a_task_are_not_called_the_default_route_of_the_network():
    """Without a metric an IPv6 route has 1024, so these are the same."""
    with pytest.raises(OptionsError, match="already in the list"):
        endpoint(routes=[{"to": "fd09::/64"}, {"to": "fd09::/64", "metric": 1024}])


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(endpoint("b", "other", ifname="net1", default_route=False), id="without-default-route"),
        pytest.param(endpoint("b", "other", netns="green"), id="in-another-namespace"),
        pytest.param(endpoint("b", "other", pid=None), id="in-the-hosts-namespace"),
    ],
)
def test_a_second_endpoint_finds_room(request_):
    host = prepared(kernel(), *HELD, SECOND, request_)
    builders.assert_sound(host.record)
    assert not host.plan(request_).changed


def test_the_same_mac_address_may_be_on_two_parents():
    host = prepared(kernel(), network(), endpoint(mac="02:00:00:00:00:01"), SECOND)
    assert host.run(endpoint("b", "other", netns="green", mac="02:00:00:00:00:01")).changed


def test_one_namespace_with_two_names_is_one_namespace():
    found = dataclasses.replace(
        kernel(spaces={BLUE_PATH: space(), "/proc/7/ns/net": space()}),
        identities={"": (4, 1), BLUE_PATH: (4, 2), "/proc/7/ns/net": (4, 2)},
    )
    host = prepared(found, *HELD, SECOND)
    assert_refused(host, [endpoint("b", "other", pid=7)], ["ifname eth0", "endpoint lan/web"])


# --- endpoints that change ------------------------------------------------------------------------------------------

GO = "eth0 in namespace blue"
PROMOTE = "set net.ipv4.conf.eth0.promote_secondaries={} in namespace blue"


@pytest.mark.parametrize(
    ("first", "request_", "sentences"),
    [
        pytest.param(endpoint(), endpoint(), [], id="nothing"),
        pytest.param(
            endpoint(),
            endpoint(ipv4="192.168.1.9"),
            [
                "change mac, ipv4 of endpoint lan/web",
                PROMOTE.format(1),
                f"add 192.168.1.9/24 to {GO}",
                f"delete 192.168.1.2/24 from {GO}",
                PROMOTE.format(0),
                f"change mac of {GO} from 02:42:c0:a8:01:02 to 02:42:c0:a8:01:09",
            ],
            id="ipv4",
        ),
        pytest.param(
            endpoint(),
            endpoint(mac="02:00:00:00:00:01"),
            ["change mac of endpoint lan/web", f"change mac of {GO} from 02:42:c0:a8:01:02 to 02:00:00:00:00:01"],
            id="mac",
        ),
        pytest.param(
            endpoint(mac="02:00:00:00:00:01"),
            endpoint(),
            ["change mac of endpoint lan/web", f"change mac of {GO} from 02:00:00:00:00:01 to 02:42:c0:a8:01:02"],
            id="mac-left-out-again",
        ),
        pytest.param(
            endpoint(),
            endpoint(mtu=1400),
            ["change mtu of endpoint lan/web", f"change mtu of {GO} from 1500 to 1400"],
            id="mtu",
        ),
        pytest.param(
            endpoint(),
            endpoint(default_route=False),
            [
                "change gateway4, default_route of endpoint lan/web",
                f"delete default route via 192.168.1.1 on {GO}",
            ],
            id="default-route-given-up",
        ),
        pytest.param(
            endpoint(default_route=False),
            endpoint(),
            ["change gateway4, default_route of endpoint lan/web", f"add default route via 192.168.1.1 on {GO}"],
            id="default-route-taken",
        ),
        pytest.param(
            endpoint(),
            endpoint(routes=[{"to": "10.9.0.0/16", "via": "192.168.1.7"}]),
            ["change routes of endpoint lan/web", f"add route to 10.9.0.0/16 via 192.168.1.7 on {GO}"],
            id="route-added",
        ),
        pytest.param(
            endpoint(routes=[{"to": "10.9.0.0/16", "via": "192.168.1.7"}]),
            endpoint(),
            ["change routes of endpoint lan/web", f"delete route to 10.9.0.0/16 via 192.168.1.7 on {GO}"],
            id="route-removed",
        ),
        pytest.param(
            endpoint(routes=[{"to": "10.9.0.0/16", "via": "192.168.1.7"}]),
            endpoint(routes=[{"to": "10.9.0.0/16", "via": "192.168.1.8"}]),
            [
                "change routes of endpoint lan/web",
                f"replace route to 10.9.0.0/16 via 192.168.1.7 by route to 10.9.0.0/16 via 192.168.1.8 on {GO}",
            ],
            id="next-hop",
        ),
        pytest.param(
            endpoint(routes=[{"to": "10.9.0.0/16", "via": "192.168.1.7"}]),
            endpoint(routes=[{"to": "10.9.0.0/16", "via": "192.168.1.7", "metric": 9}]),
            [
                "change routes of endpoint lan/web",
                f"add route to 10.9.0.0/16 via 192.168.1.7 metric 9 on {GO}",
                f"delete route to 10.9.0.0/16 via 192.168.1.7 on {GO}",
            ],
            id="metric",
        ),
        pytest.param(
            endpoint(),
            endpoint(announce=False),
            [
                "change announce of endpoint lan/web",
                "set net.ipv4.conf.eth0.arp_notify=0 in namespace blue",
            ],
            id="announce",
        ),
        pytest.param(
            endpoint(),
            endpoint(sysctls={"net.ipv4.conf.IFNAME.rp_filter": "2"}),
            ["change sysctls of endpoint lan/web", "set net.ipv4.conf.eth0.rp_filter=2 in namespace blue"],
            id="sysctl",
        ),
        pytest.param(endpoint(), endpoint(labels={"a": "b"}), ["change labels of endpoint lan/web"], id="labels"),
        pytest.param(
            endpoint(),
            endpoint(ifname="net0"),
            [
                "change ifname of endpoint lan/web",
                f"delete default route via 192.168.1.1 on {GO}",
                f"bring {GO} down",
                f"rename {GO} to net0",
                "bring net0 in namespace blue up",
                "add default route via 192.168.1.1 on net0 in namespace blue",
            ],
            id="ifname",
        ),
    ],
)
def test_an_endpoint_changes_in_place(first, request_, sentences):
    host = prepared(kernel(), network(), first)
    assert host.sentences(request_) == sentences
    assert not host.plan(request_).changed


def test_a_setting_of_the_interface_that_is_no_longer_asked_for_gets_the_default():
    host = prepared(kernel(), network(), endpoint(sysctls={"net.ipv4.conf.IFNAME.rp_filter": "2"}))
    assert host.sentences(endpoint()) == [
        "change sysctls of endpoint lan/web",
        "set net.ipv4.conf.eth0.rp_filter=0 in namespace blue",
    ]
    assert not host.plan(endpoint()).changed


def test_an_endpoint_gains_a_family_with_its_network():
    host = prepared(kernel(), network(), endpoint(), DUAL)
    assert host.sentences(endpoint()) == [
        "change ipv6, gateway6 of endpoint lan/web",
        SETTINGS.format(disabled=0).replace(", net.ipv4.conf.eth0.arp_notify=1", ""),
        f"add fd00::2/64 to {GO}",
        f"add IPv6 default route via fd00::1 on {GO}",
    ]
    assert not host.plan(endpoint()).changed


def test_a_renamed_interface_gets_its_ipv6_address_again():
    host = prepared(kernel(), DUAL, endpoint())
    sentences = host.sentences(endpoint(ifname="net0"))
    assert sentences.index(f"delete fd00::2/64 from {GO}") < sentences.index(f"bring {GO} down")
    assert "add fd00::2/64 to net0 in namespace blue" in sentences
    assert not host.plan(endpoint(ifname="net0")).changed


@pytest.mark.parametrize("ifname", ["net", "ipv4", "default"])
def test_an_interface_that_is_called_like_a_part_of_a_setting_can_be_renamed(ifname):
    host = prepared(kernel(), DUAL, endpoint(ifname=ifname))
    made = host.run(endpoint(ifname="lan0"))
    assert not any(isinstance(step, SetSysctls) for step in made.steps)
    assert not host.plan(endpoint(ifname="lan0")).changed


def test_a_renamed_interface_that_changes_a_setting_too_can_be_undone():
    host = prepared(kernel(), DUAL, endpoint())
    made = host.plan(endpoint(ifname="net0", announce=False))
    settings = [
        item for step in inverse(made.steps) if isinstance(step, SetSysctls) for item in step.settings
    ]
    assert {(item.key, item.new) for item in settings} == {
        ("net.ipv6.conf.IFNAME.ndisc_notify", "1"),
        ("net.ipv4.conf.IFNAME.arp_notify", "1"),
    }


def test_an_address_is_kept_when_the_network_moves_its_range_away():
    host = prepared(kernel(), network(), endpoint(), network(subnets=[ranged("192.168.1.128/25")]))
    assert not host.plan(endpoint()).changed


def test_another_subnet_gives_another_address():
    host = prepared(kernel(), network(subnets=["192.168.1.0/24", "10.7.0.0/24"]), endpoint())
    host.run(endpoint(subnet="10.7.0.0/24"))
    assert host.record.endpoints["lan", "web"].ipv4 == "10.7.0.2/24"
    assert host.record.endpoints["lan", "web"].gateway4 == "10.7.0.1"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        pytest.param(endpoint(netns="green"), ("netns", "blue", "green", "add replace: true"), id="another-name"),
        pytest.param(endpoint(netns_path=DOCKER), ("netns_path", "blue", DOCKER), id="a-path"),
        pytest.param(endpoint(pid=None), ("netns", "blue", "host's own namespace"), id="the-hosts"),
    ],
)
def test_an_endpoint_does_not_move_to_another_namespace(request_, words):
    host = prepared(kernel(spaces={DOCKER: space()}), network(), endpoint())
    assert_refused(host, [request_], ["endpoint lan/web", *words])


def test_another_reference_to_the_same_namespace_is_no_move():
    host = prepared(kernel(), network(), endpoint())
    host.kernel = dataclasses.replace(
        host.kernel,
        spaces={**host.kernel.spaces, "/proc/7/ns/net": host.kernel.spaces[BLUE_PATH]},
        identities={**host.kernel.identities, "/proc/7/ns/net": host.kernel.identities[BLUE_PATH]},
    )
    assert host.sentences(endpoint(pid=7)) == ["change netns of endpoint lan/web"]


def test_an_endpoint_whose_namespace_is_gone_is_made_in_the_new_one():
    host = prepared(kernel(spaces={DOCKER: space()}), network(), endpoint(netns_path=DOCKER))
    host.kernel = builders.with_space(builders.with_space(host.kernel, None, DOCKER), space(), DOCKER + "2")
    sentences = host.sentences(endpoint(netns_path=DOCKER + "2"))
    assert sentences[0] == "change netns of endpoint lan/web"
    assert sentences[1].startswith(f"create macvlan link eth0 in namespace {DOCKER}2")
    assert not host.plan(endpoint(netns_path=DOCKER + "2")).changed


def test_a_namespace_that_we_made_goes_when_its_endpoint_is_recreated_elsewhere():
    host = prepared(kernel(), network(), endpoint())
    host.lose("eth0", BLUE_PATH)
    sentences = host.sentences(endpoint(netns="green"))
    assert "create namespace green" in sentences
    assert "delete namespace blue" in sentences
    assert set(host.record.namespaces) == {"green"}


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        pytest.param({"up": False}, [f"bring {GO} up"], id="down"),
        pytest.param({"mtu": 1400}, [f"change mtu of {GO} from 1400 to 1500"], id="mtu"),
        pytest.param({"mode": "vepa"}, [f"change mode of {GO} from vepa to bridge"], id="mode"),
        pytest.param({"alias": ""}, [f"tag {GO} as ours"], id="tag-lost"),
        pytest.param(
            {"mac": "02:00:00:00:00:01"}, [f"change mac of {GO} from 02:00:00:00:00:01 to 02:42:c0:a8:01:02"], id="mac"
        ),
    ],
)
def test_a_link_that_was_changed_is_brought_back(change, sentences):
    host = prepared(kernel(), network(), endpoint())
    host.change("eth0", BLUE_PATH, **change)
    assert host.sentences(endpoint()) == sentences
    assert not host.plan(endpoint()).changed


def test_a_link_of_the_hosts_own_namespace_that_lost_its_tag_is_not_taken_for_another_one():
    host = prepared(kernel(), network(), endpoint(pid=None))
    host.change("mv-web", alias="")
    assert host.sentences(endpoint(pid=None)) == ["tag mv-web as ours"]
    host.change("mv-web", alias="")
    assert_refused(host, [endpoint("other", pid=None, mac="02:42:c0:a8:01:02")], ["belongs to endpoint lan/web"])


OURS4, OURS6, GATEWAY = "192.168.1.2/24", "fd00::2/64", Route("0.0.0.0/0", "192.168.1.1")
ADD_GATEWAY = f"add default route via 192.168.1.1 on {GO}"
THEIRS = Route("10.77.0.0/16", "192.168.1.7")


@pytest.mark.parametrize(
    ("on", "addresses", "routes", "values", "sentences"),
    [
        pytest.param(
            network(),
            ["10.66.0.1/24"],
            [],
            {},
            [f"add {OURS4} to {GO}", ADD_GATEWAY],
            id="another-address",
        ),
        pytest.param(
            network(),
            ["10.66.0.1/24"],
            [],
            {"up": False},
            [f"add {OURS4} to {GO}", f"bring {GO} up", ADD_GATEWAY],
            id="another-address-and-down",
        ),
        pytest.param(
            network(), [OURS4, "10.66.0.1/24"], [GATEWAY], {}, [], id="one-more-address"
        ),
        pytest.param(
            network(),
            ["192.168.1.9/24", OURS4],
            [GATEWAY],
            {},
            [],
            id="one-more-of-the-subnet",
        ),
        pytest.param(
            network(),
            ["10.66.0.1/24", OURS4, "10.66.0.2/24"],
            [GATEWAY],
            {},
            [],
            id="two-more-of-one-subnet",
        ),
        pytest.param(
            network(), ["192.168.1.2/16", OURS4], [GATEWAY], {}, [], id="another-prefix-beside-ours"
        ),
        pytest.param(
            network(),
            ["192.168.1.2/16"],
            [GATEWAY],
            {},
            [f"add {OURS4} to {GO}", f"delete 192.168.1.2/16 from {GO}"],
            id="another-prefix",
        ),
        pytest.param(
            network(subnets=["fd00::/64"]),
            ["fd00::2/48"],
            [Route("::/0", "fd00::1")],
            {},
            [f"delete fd00::2/48 from {GO}", f"add {OURS6} to {GO}"],
            id="another-prefix-of-ipv6",
        ),
        pytest.param(
            network(subnets=["fd00::/64"]),
            [OURS6, "10.66.0.1/24"],
            [Route("::/0", "fd00::1"), Route("10.77.0.0/16", "10.66.0.9")],
            {},
            [],
            id="the-only-one-of-a-family",
        ),
        pytest.param(
            network(),
            [OURS4],
            [Route("0.0.0.0/0", "192.168.1.254"), THEIRS],
            {},
            [f"replace default route via 192.168.1.254 by default route via 192.168.1.1 on {GO}"],
            id="another-next-hop",
        ),
        pytest.param(network(), [OURS4], [THEIRS], {}, [ADD_GATEWAY], id="route-lost"),
        pytest.param(
            network(), [OURS4, "10.66.0.1/24"], [GATEWAY, THEIRS], {}, [], id="theirs-stay"
        ),
    ],
)
def test_addresses_and_routes_that_were_changed_are_brought_back(on, addresses, routes, values, sentences):
    host = prepared(kernel(), on, endpoint())
    host.change("eth0", BLUE_PATH, **values)
    one = host.kernel.spaces[BLUE_PATH]
    index = one.links["eth0"].index
    here = builders.with_routes_of(addresses if one.links["eth0"].up else (), routes)
    found = dataclasses.replace(one, addresses={index: tuple(addresses)}, routes={index: here})
    host.kernel = builders.with_space(host.kernel, found, BLUE_PATH)
    made = host.run(endpoint())
    assert said(made) == sentences
    assert not host.plan(endpoint()).changed
    back = kernel_after(host.kernel, inverse(made.steps))
    assert builders.shape(back)[BLUE_PATH] == builders.shape(builders.with_space(back, found, BLUE_PATH))[BLUE_PATH]


@pytest.mark.parametrize(
    ("on", "present", "sentences"),
    [
        pytest.param(network(), [GATEWAY], [f"add route to 192.168.1.0/24 of {OURS4} on {GO}"], id="alone"),
        pytest.param(
            network(), [], [f"add route to 192.168.1.0/24 of {OURS4} on {GO}", ADD_GATEWAY], id="with-those-that-need-it"
        ),
        pytest.param(
            network(),
            [Route("192.168.1.0/24", "192.168.1.9"), GATEWAY],
            [
                f"delete route to 192.168.1.0/24 via 192.168.1.9 on {GO}",
                f"add route to 192.168.1.0/24 of {OURS4} on {GO}",
            ],
            id="replaced",
        ),
        pytest.param(
            network(subnets=["fd00::/64"]),
            [Route("::/0", "fd00::1"), Route("fd00::/64")],
            [f"add route to fd00::/64 of {OURS6} on {GO}"],
            id="ipv6-with-another-metric",
        ),
    ],
)
def test_the_route_of_an_address_comes_back_before_those_that_need_it(on, present, sentences):
    host = prepared(kernel(), on, endpoint())
    healthy = host.kernel
    one = host.kernel.spaces[BLUE_PATH]
    found = dataclasses.replace(one, routes={one.links["eth0"].index: tuple(present)})
    host.kernel = builders.with_space(host.kernel, found, BLUE_PATH)
    made = host.run(endpoint())
    assert said(made) == sentences
    assert set(routes_in_blue(healthy)) <= set(routes_in_blue(host.kernel))
    assert not host.plan(endpoint()).changed
    back = kernel_after(host.kernel, inverse(made.steps))
    assert set(routes_in_blue(back)) == set(present)


def routes_in_blue(found):
    one = found.spaces[BLUE_PATH]
    return one.routes[one.links["eth0"].index]


def test_several_next_hops_in_place_of_ours_all_go():
    host = prepared(kernel(), network(subnets=["fd00::/64"]), endpoint())
    one = host.kernel.spaces[BLUE_PATH]
    others = [Route("::/0", f"fd00::{number}") for number in (8, 9)]
    found = dataclasses.replace(
        one, routes={one.links["eth0"].index: builders.with_routes_of([OURS6], others)}
    )
    host.kernel = builders.with_space(host.kernel, found, BLUE_PATH)
    assert host.sentences(endpoint()) == [
        f"delete IPv6 default route via fd00::9 on {GO}",
        f"replace IPv6 default route via fd00::8 by IPv6 default route via fd00::1 on {GO}",
    ]


ROUTED = {"routes": [{"to": "10.9.0.0/16", "via": "192.168.1.9", "metric": 5}]}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param(
            {"other_routes": (OtherRoute(("0.0.0.0/0", 0), "multipath"),)},
            "there is a multipath route to 0.0.0.0/0 in namespace blue already, and the kernel accepts no second "
            "one; delete that route, or use default_route: false",
            id="default-route",
        ),
        pytest.param(
            {"other_routes": (OtherRoute(("10.9.0.0/16", 5), "blackhole"),)},
            "there is a blackhole route to 10.9.0.0/16 with metric 5 in namespace blue already, and the kernel accepts "
            "no second one; delete that route, or give this one another metric",
            id="blackhole",
        ),
        pytest.param(
            {"routes": {9: (Route("10.9.0.0/16", None, 5),)}},
            "there is a route over veth0 to 10.9.0.0/16 with metric 5 in namespace blue already",
            id="another-link",
        ),
    ],
)
def test_a_route_that_is_taken_is_refused_before_anything_is_done(values, words):
    found = space(link("veth0", 9, kind="veth"), **values)
    host = prepared(kernel(spaces={BLUE_PATH: found}), network())
    with pytest.raises(PlanError) as caught:
        host.plan(endpoint(**ROUTED))
    assert str(caught.value).startswith("endpoint lan/web: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"other_routes": (OtherRoute(("10.9.0.0/16", 6), "blackhole"),)}, id="another-metric"),
        pytest.param({"routes": {9: (Route("10.9.0.0/16", None, 6),)}}, id="another-link-and-metric"),
    ],
)
def test_a_route_of_another_metric_is_no_obstacle(values):
    found = space(link("veth0", 9, kind="veth"), **values)
    host = prepared(kernel(spaces={BLUE_PATH: found}), network())
    assert host.plan(endpoint(**ROUTED)).changed


def test_an_address_with_a_peer_is_deleted_with_it_and_comes_back_so():
    """Ours, which somebody has given a peer in another network."""
    host = prepared(kernel(), network(), endpoint())
    one = host.kernel.spaces[BLUE_PATH]
    index = one.links["eth0"].index
    changed = "192.168.1.2/32"
    found = dataclasses.replace(one, addresses={index: (changed,)}, peers={(index, changed): "10.66.0.9"})
    host.kernel = builders.with_space(host.kernel, found, BLUE_PATH)
    made = host.run(endpoint())
    assert DeleteAddress(BLUE, "eth0", changed, "10.66.0.9") in made.steps
    back = kernel_after(host.kernel, inverse(made.steps))
    assert back.spaces[BLUE_PATH].peers == found.peers


def with_others(host, *addresses, routes=()):
    """Others have put these on the link of the endpoint."""
    one = host.kernel.spaces[BLUE_PATH]
    index = one.links["eth0"].index
    here = (*one.addresses[index], *addresses)
    there = builders.with_routes_of(here, [GATEWAY, *routes])
    found = dataclasses.replace(one, addresses={index: here}, routes={index: there})
    host.kernel = builders.with_space(host.kernel, found, BLUE_PATH)


def test_our_settings_are_removed_and_foreign_ones_beside_them_stay():
    host = prepared(kernel(), network(), endpoint(ipv4="192.168.1.2"))
    with_others(host, "192.168.1.50/32", "192.168.1.60/24", "10.66.0.1/24", routes=[THEIRS])
    assert host.sentences(endpoint(ipv4="192.168.1.3"))[1:] == [
        PROMOTE.format(1),
        f"add 192.168.1.3/24 to {GO}",
        f"delete 192.168.1.2/24 from {GO}",
        PROMOTE.format(0),
        f"change mac of {GO} from 02:42:c0:a8:01:02 to 02:42:c0:a8:01:03",
    ]
    index = host.kernel.spaces[BLUE_PATH].links["eth0"].index
    host.run(endpoint(ipv4="192.168.1.3"))
    left = {"192.168.1.3/24", "192.168.1.50/32", "192.168.1.60/24", "10.66.0.1/24"}
    assert set(host.kernel.spaces[BLUE_PATH].addresses[index]) == left


def test_a_rename_warns_of_the_foreign_settings_that_are_lost():
    host = prepared(kernel(), network(), endpoint())
    with_others(host, "fd00::9/64", "10.66.0.1/24", routes=[THEIRS])
    (warning,) = host.plan(endpoint(ifname="net0")).warnings
    assert "renaming eth0 to net0 in namespace blue takes the link down" in warning
    assert "have added to it: fd00::9/64, the route to 10.77.0.0/16 via 192.168.1.7; let" in warning


def test_a_rename_of_a_link_without_foreign_settings_warns_of_nothing():
    assert prepared(kernel(), network(), endpoint()).plan(endpoint(ifname="net0")).warnings == ()


def test_a_kernel_that_renames_links_which_are_up_takes_nothing_from_anybody():
    host = prepared(dataclasses.replace(kernel(), renames_live=True), network(), endpoint())
    with_others(host, "fd00::9/64", "10.66.0.1/24", routes=[THEIRS])
    assert host.plan(endpoint(ifname="net0")).warnings == ()
    assert host.sentences(endpoint(ifname="net0")) == ["change ifname of endpoint lan/web", f"rename {GO} to net0"]


@pytest.mark.parametrize(
    ("of_network", "of_endpoint", "goes"),
    [(None, None, False), (True, None, True), (True, False, False), (False, True, True), (None, True, True)],
)
def test_what_was_added_for_good_goes_where_the_endpoint_or_else_its_network_is_exclusive(of_network, of_endpoint, goes):
    asked = endpoint(exclusive=of_endpoint)
    host = prepared(kernel(), network(exclusive=of_network), asked)
    with_others(host, "192.168.1.50/32", "192.168.1.60/24")
    one = host.kernel.spaces[BLUE_PATH]
    temporary = frozenset({(one.links["eth0"].index, "192.168.1.60/24")})
    host.kernel = builders.with_space(host.kernel, dataclasses.replace(one, temporary=temporary), BLUE_PATH)
    for task in (asked, network(exclusive=of_network)):
        assert said(host.plan(task)) == ([f"delete 192.168.1.50/32 from {GO}"] if goes else [])


def test_an_endpoint_cannot_be_exclusive_where_other_programs_manage_all_addresses():
    host = prepared(kernel(), network(subnets=(), ipam="none"))
    assert_refused(host, [endpoint(exclusive=True)], ["endpoint lan/web: exclusive: true", "network lan has ipam: none"])


def test_a_namespace_that_keeps_the_other_addresses_of_a_subnet_is_not_told_to():
    host = prepared(kernel(), network(), endpoint(sysctls={"net.ipv4.conf.IFNAME.promote_secondaries": "1"}))
    sentences = host.sentences(endpoint(ipv4="192.168.1.9", sysctls={"net.ipv4.conf.IFNAME.promote_secondaries": "1"}))
    assert sentences[1:-1] == [f"add 192.168.1.9/24 to {GO}", f"delete 192.168.1.2/24 from {GO}"]


def test_ipv6_that_was_turned_on_goes_with_all_its_addresses():
    host = prepared(kernel(), network(), endpoint())
    one = host.kernel.spaces[BLUE_PATH]
    index = one.links["eth0"].index
    sysctls = {**one.sysctls, "net.ipv6.conf.eth0.disable_ipv6": "0"}
    addresses = {index: (*one.addresses[index], "fd00::9/64")}
    host.kernel = builders.with_space(host.kernel, dataclasses.replace(one, addresses=addresses, sysctls=sysctls), BLUE_PATH)
    assert host.sentences(endpoint()) == [f"delete fd00::9/64 from {GO}", "set net.ipv6.conf.eth0.disable_ipv6=1 in namespace blue"]
    assert not host.plan(endpoint()).changed


def test_a_link_that_vanished_is_made_again_with_the_same_address():
    host = prepared(kernel(), network(), endpoint(), endpoint("b", netns="green"))
    host.lose("eth0", GREEN_PATH)
    host.run(no_endpoint())
    host.run(endpoint("b", netns="green"))
    assert host.record.endpoints["lan", "b"].ipv4 == "192.168.1.3/24"


def test_a_foreign_link_that_took_the_place_of_a_vanished_one_is_left_alone():
    host = prepared(kernel(), network(), endpoint())
    host.gain(link("eth0", 77, kind="veth"), BLUE_PATH)
    assert_refused(host, [endpoint()], ["ifname eth0", "veth", "collection did not create"])


# --- settings of a namespace ----------------------------------------------------------------------------------------

FORWARD = "net.ipv4.ip_forward"


def with_forward(value="0", path=DOCKER):
    return kernel(spaces={path: space(sysctls={FORWARD: value})})


def forwarding(host, path=DOCKER):
    return host.kernel.spaces[path].sysctls.get(FORWARD)


def test_a_setting_of_the_namespace_is_what_it_was_after_the_endpoint():
    host = prepared(with_forward(), network(), endpoint(netns_path=DOCKER, sysctls={FORWARD: "1"}))
    assert forwarding(host) == "1"
    assert host.record.endpoints["lan", "web"].sysctls_before == {FORWARD: "0"}
    host.run(no_endpoint())
    assert forwarding(host) == "0"


def test_a_setting_of_the_namespace_that_is_no_longer_asked_for_is_what_it_was():
    host = prepared(with_forward(), network(), endpoint(netns_path=DOCKER, sysctls={FORWARD: "1"}))
    host.run(endpoint(netns_path=DOCKER))
    assert forwarding(host) == "0"
    assert not host.plan(endpoint(netns_path=DOCKER)).changed


def test_what_a_setting_was_is_not_forgotten_when_the_task_runs_again():
    request = endpoint(netns_path=DOCKER, sysctls={FORWARD: "1"})
    host = prepared(with_forward(), network(), request)
    assert not host.plan(request).changed


def test_settings_of_a_namespace_that_we_made_need_not_be_restored():
    host = prepared(kernel(), network(), endpoint())
    host.run(endpoint(sysctls={FORWARD: "1"}))
    assert host.record.endpoints["lan", "web"].sysctls_before == {}


def test_a_setting_that_vanished_from_the_kernel_is_no_error():
    request = endpoint(netns_path=DOCKER, sysctls={FORWARD: "1"})
    host = prepared(with_forward(), network(), request)
    one = host.kernel.spaces[DOCKER]
    left = {key: value for key, value in one.sysctls.items() if key != FORWARD}
    host.kernel = builders.with_space(host.kernel, dataclasses.replace(one, sysctls=left), DOCKER)
    assert host.plan(request).after.endpoints["lan", "web"].sysctls_before == {FORWARD: "0"}


@pytest.mark.parametrize("first", ["web", "b"], ids=["in-order", "newest-first"])
def test_a_setting_that_two_endpoints_ask_for_lasts_as_long_as_either(first):
    host = prepared(
        with_forward(),
        network(),
        SECOND,
        endpoint(netns_path=DOCKER, sysctls={FORWARD: "1"}),
        endpoint("b", "other", netns_path=DOCKER, ifname="net1", default_route=False, sysctls={FORWARD: "1"}),
    )
    removals = [no_endpoint(), no_endpoint("b", "other")]
    for request in sorted(removals, key=lambda item: item.name != first):
        assert forwarding(host) == "1"
        host.run(request)
    assert forwarding(host) == "0"


# --- endpoints that are removed -------------------------------------------------------------------------------------


def test_an_endpoint_goes_with_the_namespace_that_was_made_for_it():
    host = prepared(kernel(), network(), endpoint())
    assert host.sentences(no_endpoint()) == [
        "forget endpoint lan/web",
        "delete macvlan link eth0 in namespace blue",
        "delete namespace blue",
    ]
    assert host.record == Host().run(network()).after


def test_removing_a_missing_object_is_no_change():
    host = prepared(kernel(), network())
    for request in (no_endpoint(), no_endpoint("web", "nowhere"), no_network("none"), no_subinterface("eth0.99")):
        assert not host.plan(request).changed


def test_a_namespace_lasts_as_long_as_it_has_endpoints():
    host = prepared(kernel(), *HELD, SECOND, endpoint("b", "other", ifname="net1", default_route=False))
    assert "delete namespace blue" not in host.sentences(no_endpoint())
    assert "delete namespace blue" in host.sentences(no_endpoint("b", "other"))


def test_a_namespace_that_we_made_goes_with_its_last_endpoint_however_that_names_it():
    host = prepared(
        kernel(), *HELD, SECOND, endpoint("b", "other", netns_path=BLUE_PATH, ifname="net1", default_route=False)
    )
    host.run(no_endpoint())
    assert "delete namespace blue" in host.sentences(no_endpoint("b", "other"))
    assert host.record.namespaces == {}


@pytest.mark.parametrize(
    ("tenants", "words"),
    [
        pytest.param({"links": (link("veth9", 9),)}, "link veth9", id="foreign-link"),
        pytest.param({"processes": (4711,)}, "process 4711", id="process"),
    ],
)
def test_a_namespace_that_other_programs_use_is_kept_and_no_longer_ours(tenants, words):
    host = prepared(kernel(), network(), endpoint())
    one = host.kernel.spaces[BLUE_PATH]
    links = {**one.links, **{item.name: item for item in tenants.get("links", ())}}
    moved_in = dataclasses.replace(one, links=links, processes=tenants.get("processes", ()))
    host.kernel = builders.with_space(host.kernel, moved_in, BLUE_PATH)
    made = host.run(no_endpoint())
    assert words in made.warnings[0]
    assert "blue" in made.warnings[0]
    assert "remove our tag from lo in namespace blue" in said(made)
    assert host.record.namespaces == {}
    assert host.link("lo", BLUE_PATH).alias == ""


def test_links_that_the_kernel_puts_into_every_namespace_keep_none():
    host = prepared(kernel(), network(), endpoint())
    host.gain(link("sit0", 9, kind="sit"), BLUE_PATH)
    assert "delete namespace blue" in host.sentences(no_endpoint())


def test_a_namespace_that_another_program_recreated_under_the_name_is_kept():
    host = prepared(kernel(), network(), endpoint())
    host.kernel = builders.with_space(host.kernel, space(), BLUE_PATH)
    made = host.run(no_endpoint())
    assert said(made) == ["forget endpoint lan/web"]
    assert "namespace blue is not the one" in made.warnings[0]


def test_an_endpoint_whose_namespace_is_gone_is_forgotten():
    host = prepared(kernel(), network(), endpoint())
    host.reboot()
    assert host.sentences(no_endpoint()) == ["forget endpoint lan/web"]
    assert (host.record.namespaces, host.record.endpoints) == ({}, {})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"alias": ""}, id="without-tag"),
        pytest.param({"alias": "fleetnet.macvlan:other"}, id="tag-of-another"),
        pytest.param({"kind": "veth"}, id="another-kind"),
    ],
)
def test_a_link_that_is_not_surely_ours_is_kept_with_a_warning(change):
    host = prepared(kernel(spaces={DOCKER: space()}), network(), endpoint(netns_path=DOCKER))
    host.change("eth0", DOCKER, **change)
    made = host.run(no_endpoint())
    assert said(made) == ["forget endpoint lan/web"]
    assert "eth0" in made.warnings[0]
    assert "kept" in made.warnings[0]


def test_a_freed_address_is_given_to_the_next():
    host = prepared(kernel(), *HELD, no_endpoint(), endpoint("b"))
    assert host.record.endpoints["lan", "b"].ipv4 == "192.168.1.2/24"


# --- networks that are removed --------------------------------------------------------------------------------------


def test_a_network_with_endpoints_is_refused_without_force():
    host = prepared(kernel(), *HELD, endpoint("api", netns="green"))
    assert_refused(host, [no_network()], ["network lan", "api, web", "force: true"])


def test_a_network_takes_its_endpoints_along_by_force():
    host = prepared(kernel(), network(parent="eth0.50"), endpoint(), endpoint("api", netns="green"))
    made = host.run(no_network(force=True))
    assert said(made) == [
        "forget endpoint lan/web",
        "delete macvlan link eth0 in namespace blue",
        "delete namespace blue",
        "forget endpoint lan/api",
        "delete macvlan link eth0 in namespace green",
        "delete namespace green",
        "forget network lan",
        "delete VLAN link eth0.50",
    ]
    assert made.removal is True
    assert host.record == Record()


@pytest.mark.parametrize(
    ("before", "sentences"),
    [
        pytest.param((network(),), ["forget network lan"], id="foreign-parent"),
        pytest.param((network(parent="eth0.50"),), ["forget network lan", "delete VLAN link eth0.50"], id="owned-vlan"),
        pytest.param((network(parent=None),), ["forget network lan", f"delete dummy link {DUMMY}"], id="owned-dummy"),
        pytest.param(
            (subinterface(), network(parent="eth0.50")), ["forget network lan"], id="vlan-that-was-declared-before"
        ),
        pytest.param(
            (network(parent="eth0.50"), subinterface()), ["forget network lan"], id="vlan-that-was-declared-later"
        ),
        pytest.param(
            (network(parent="eth0.50"), network("second", OTHER, parent="eth0.50", **SHARED)),
            ["forget network lan"],
            id="vlan-that-another-network-uses",
        ),
        pytest.param(
            (network(parent="eth0.50"), network("second", OTHER, parent="eth0.50.6")),
            ["forget network lan"],
            id="vlan-that-another-owned-vlan-is-on",
        ),
        pytest.param(
            (network(parent="eth0.50"), subinterface("eth0.50.6")),
            ["forget network lan"],
            id="vlan-that-a-declared-vlan-is-on",
        ),
    ],
)
def test_a_network_is_removed_with_its_parent_unless_something_else_uses_it(before, sentences):
    assert prepared(kernel(), *before).sentences(no_network()) == sentences


def test_a_foreign_vlan_outlives_its_network():
    host = prepared(kernel(vlan_link("eth0.50", 9, ETH0, 50)), network(parent="eth0.50"))
    assert host.sentences(no_network()) == ["forget network lan"]
    assert host.link("eth0.50") is not None


def test_the_last_network_takes_a_shared_vlan_along():
    host = prepared(kernel(), network(parent="eth0.50"), network("second", OTHER, parent="eth0.50", **SHARED))
    host.run(no_network())
    assert host.sentences(no_network("second")) == ["forget network second", "delete VLAN link eth0.50"]


STACK = (network(parent="eth0.50"), network("second", OTHER, parent="eth0.50.6"), no_network())


def test_the_last_network_takes_a_stack_of_vlans_along():
    host = prepared(kernel(), *STACK)
    assert host.sentences(no_network("second")) == [
        "forget network second",
        "delete VLAN link eth0.50.6",
        "delete VLAN link eth0.50",
    ]


@pytest.mark.parametrize("change", ["gone", "taken"])
def test_the_lower_vlan_of_a_stack_goes_also_when_the_upper_one_is_not_there_to_be_deleted(change):
    host = prepared(kernel(), *STACK)
    if change == "gone":
        host.lose("eth0.50.6")
    else:
        host.change("eth0.50.6", alias="", lower=ETH1)
    host.run(no_network("second"))
    assert host.record.links == {}
    assert host.link("eth0.50") is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"alias": ""}, "tag", id="tag-lost"),
        pytest.param({"kind": "bridge"}, "tag", id="another-kind"),
    ],
)
def test_an_owned_parent_that_is_not_surely_ours_is_kept_with_a_warning(change, words):
    host = prepared(kernel(), network(parent="eth0.50"))
    host.change("eth0.50", **change)
    made = host.run(no_network())
    assert said(made) == ["forget network lan"]
    assert words in made.warnings[0]
    assert "eth0.50" in made.warnings[0]
    assert host.record == Record()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"lower": ETH1}, id="another-base"),
        pytest.param({"vlan": vlan_link("x", 9, ETH0, 51).vlan}, id="another-vlan-id"),
    ],
)
def test_an_owned_parent_with_our_tag_but_another_identity_is_kept(change):
    """Decision 5: the tag is not enough, VLAN id and base have to be the same too."""
    host = prepared(kernel(), network(parent="eth0.50"))
    host.change("eth0.50", **change)
    made = host.run(no_network())
    assert not any(isinstance(step, DeleteLink) for step in made.steps)
    assert "eth0.50" in " ".join(made.warnings)


@pytest.mark.parametrize(
    ("user", "word"),
    [
        pytest.param(link("m", 99, kind="macvlan"), "link m", id="foreign-macvlan-on-it"),
        pytest.param(link("br0", 99, kind="bridge"), "bridge br0", id="port-of-a-bridge"),
        pytest.param(link("weird0", 99), "weird0", id="port-of-something"),
    ],
)
def test_an_owned_parent_with_new_foreign_users_is_kept_and_no_longer_ours(user, word):
    host = prepared(kernel(), network(parent="eth0.50"))
    index = host.link("eth0.50").index
    if user.kind == "macvlan":
        host.gain(dataclasses.replace(user, lower=index))
    else:
        host.gain(user)
        host.change("eth0.50", master=user.index)
    made = host.run(no_network())
    assert said(made) == ["forget network lan", "remove our tag from eth0.50"]
    assert word in made.warnings[0]
    assert host.record == Record()


THEIRS_MAC = "02:aa:00:00:00:01"


def taking(host, *macs):
    """With what the filter of eth0.50 tells: the MAC address of the endpoint, and these."""
    index = host.link("eth0.50").index
    found = frozenset(("02:42:c0:a8:01:02", *macs))
    host.kernel = builders.with_space(
        host.kernel, dataclasses.replace(host.kernel.spaces[HOST.path], filters={index: found}), HOST.path
    )


def test_an_owned_parent_with_foreign_users_in_another_namespace_is_kept_and_no_longer_ours():
    host = prepared(kernel(), network(parent="eth0.50"), endpoint())
    taking(host, THEIRS_MAC)
    made = host.run(no_network(force=True))
    assert said(made)[-1] == "remove our tag from eth0.50"
    assert f"a link with MAC address {THEIRS_MAC} in another namespace uses it now" in made.warnings[0]
    assert host.record == Record()


def test_the_links_of_endpoints_are_no_foreign_users_even_with_another_mac_address():
    host = prepared(kernel(), network(parent="eth0.50"), endpoint())
    host.change("eth0", BLUE_PATH, mac=THEIRS_MAC)
    taking(host, THEIRS_MAC)
    assert said(host.run(no_network(force=True)))[-1] == "delete VLAN link eth0.50"


def test_a_subinterface_with_foreign_users_in_another_namespace_is_refused_without_force():
    host = prepared(kernel(), subinterface())
    taking(host, THEIRS_MAC)
    with pytest.raises(PlanError, match=f"a link with MAC address {THEIRS_MAC} in another namespace"):
        host.plan(no_subinterface())
    assert said(host.run(no_subinterface(force=True)))[-1] == "delete VLAN link eth0.50"


def test_an_owned_parent_that_is_gone_is_forgotten():
    host = prepared(kernel(), network(parent="eth0.50"))
    host.lose("eth0.50")
    assert host.sentences(no_network()) == ["forget network lan"]
    assert host.record == Record()


# --- sub-interfaces -------------------------------------------------------------------------------------------------

BOTH_ON = {"gvrp": True, "egress_qos_map": {"1": 2}}


@pytest.mark.parametrize(
    ("before", "request_", "sentences"),
    [
        pytest.param(
            (),
            subinterface(),
            [
                "record vlan_subinterface eth0.50 (VLAN 50 on eth0) as declared",
                "create VLAN link eth0.50 on eth0 (VLAN 50)",
                "bring eth0.50 up",
            ],
            id="new",
        ),
        pytest.param(
            (),
            subinterface("q", parent="eth0", vlan_id=7, protocol="802.1ad", up=False, mac="02:00:00:00:00:01"),
            [
                "record vlan_subinterface q (VLAN 7 on eth0) as declared",
                "create VLAN link q on eth0 (802.1ad VLAN 7, 02:00:00:00:00:01)",
            ],
            id="new-with-options-and-down",
        ),
        pytest.param((subinterface(),), subinterface(), [], id="nothing"),
        pytest.param(
            (network(parent="eth0.50"),),
            subinterface(),
            ["record vlan_subinterface eth0.50 (VLAN 50 on eth0) as declared"],
            id="made-by-a-network-before",
        ),
        pytest.param(
            (subinterface(),),
            subinterface(mtu=1400, **BOTH_ON),
            [
                "record vlan_subinterface eth0.50 (VLAN 50 on eth0) as declared",
                "change mtu of eth0.50 from 1500 to 1400",
                "change VLAN settings of eth0.50: gvrp False to True, egress_qos_map {} to {'1': 2}",
            ],
            id="mtu-and-settings",
        ),
        pytest.param(
            (subinterface(mtu=1400, **BOTH_ON),),
            subinterface(),
            [
                "record vlan_subinterface eth0.50 (VLAN 50 on eth0) as declared",
                "change mtu of eth0.50 from 1400 to 1500",
                "change VLAN settings of eth0.50: gvrp True to False, egress_qos_map {'1': 2} to {}",
            ],
            id="options-left-out-again",
        ),
        pytest.param(
            (subinterface(),),
            subinterface(up=False),
            ["record vlan_subinterface eth0.50 (VLAN 50 on eth0) as declared", "bring eth0.50 down"],
            id="down",
        ),
        pytest.param(
            (subinterface(),),
            subinterface(mac="02:00:00:00:00:01"),
            [
                "record vlan_subinterface eth0.50 (VLAN 50 on eth0) as declared",
                "change mac of eth0.50 from 52:54:00:00:00:02 to 02:00:00:00:00:01",
            ],
            id="mac",
        ),
    ],
)
def test_a_subinterface_is_made_and_changed(before, request_, sentences):
    host = prepared(kernel(), *before)
    assert host.sentences(request_) == sentences
    assert not host.plan(request_).changed
    assert host.record.links[request_.name].declared is True


def test_a_foreign_vlan_that_is_as_described_is_used_as_it_is():
    host = Host(kernel(vlan_link("eth0.50", 9, ETH0, 50)))
    made = host.run(subinterface())
    assert not made.changed
    assert host.record == Record()


@pytest.mark.parametrize(
    ("found", "before", "request_", "words"),
    [
        pytest.param(
            kernel(link("eth0.50", 9)), (), subinterface(), ("eth0.50", "not a VLAN link", "not changed"), id="no-vlan"
        ),
        pytest.param(
            kernel(vlan_link("eth0.50", 9, ETH0, 50, lower_netns=1)),
            (),
            subinterface(),
            ("eth0.50",),
            id="base-elsewhere",
        ),
        pytest.param(
            kernel(vlan_link("eth0.50", 9, ETH0, 51)),
            (),
            subinterface(),
            ("eth0.50", "not changed", "vlan_id is 51, not 50"),
            id="foreign-with-another-id",
        ),
        pytest.param(
            kernel(vlan_link("eth0.50", 9, ETH1, 50)),
            (),
            subinterface(),
            ("parent is eth1, not eth0",),
            id="foreign-base",
        ),
        pytest.param(
            kernel(vlan_link("eth0.50", 9, ETH0, 50, up=False, mtu=1400)),
            (),
            subinterface(mtu=1500),
            ("mtu is 1400, not 1500", "up is False, not True"),
            id="foreign-with-other-settings",
        ),
        pytest.param(kernel(), (), subinterface("eth9.5"), ("eth9.5", "no link eth9"), id="no-base"),
        pytest.param(kernel(), (), subinterface("lo.5"), ("lo.5", "loopback"), id="base-is-the-loopback"),
        pytest.param(
            changed_link(kernel(), "eth0", up=False),
            (),
            subinterface(),
            ("eth0.50", "eth0 is down", "bring eth0 up"),
            id="base-is-down",
        ),
        pytest.param(
            changed_link(kernel(), "eth0", up=False), (), subinterface(up=False), None, id="base-is-down-and-so-is-it"
        ),
        pytest.param(
            changed_link(kernel(), "eth0", up=False), (), subinterface(loose_binding=True), None, id="loose-binding"
        ),
        pytest.param(kernel(), (), subinterface(mtu=9000), ("mtu 9000", "1500", "eth0"), id="mtu-above-the-bases"),
        pytest.param(
            kernel(vlan_link("uplink", 9, ETH0, 50)), (), subinterface(), ("VLAN 50 of eth0", "uplink"), id="other-name"
        ),
        pytest.param(
            kernel(vlan_link("uplink", 9, ETH0, 50)), (), subinterface(protocol="802.1ad"), None, id="other-protocol"
        ),
        pytest.param(
            kernel(missing_kinds={"vlan"}), (), subinterface(), ("kernel", "8021q"), id="kernel-without-vlans"
        ),
        pytest.param(
            kernel(),
            (subinterface("v", parent="eth0", vlan_id=5),),
            subinterface("v", parent="eth1", vlan_id=5),
            ("parent is eth0", "eth1", "add replace: true"),
            id="another-parent",
        ),
        pytest.param(
            kernel(),
            (subinterface("v", parent="eth0", vlan_id=5),),
            subinterface("v", parent="eth0", vlan_id=6),
            ("vlan_id is 5", "6"),
            id="another-id",
        ),
        pytest.param(
            kernel(),
            (subinterface(),),
            subinterface(protocol="802.1ad"),
            ("protocol is 802.1q",),
            id="another-protocol",
        ),
        pytest.param(
            kernel(),
            (network(parent="eth0.50", mtu=1450),),
            subinterface(mtu=1400),
            ("mtu 1400", "1450", "network lan"),
            id="mtu-below-a-networks",
        ),
        pytest.param(
            kernel(),
            (network(parent="eth0.50"), endpoint(mtu=1450)),
            subinterface(mtu=1400),
            ("mtu 1400", "1450", "lan/web"),
            id="mtu-below-an-endpoints-own",
        ),
        pytest.param(
            kernel(),
            (network(parent=None),),
            subinterface(DUMMY, parent="eth0", vlan_id=5),
            (DUMMY, "dummy parent"),
            id="name-of-a-dummy-parent",
        ),
    ],
)
def test_a_subinterface_that_cannot_be_had_is_refused(found, before, request_, words):
    host = prepared(found, *before)
    if words is None:
        assert host.plan(request_).changed
    else:
        assert_refused(host, [request_], words)


def test_no_endpoint_is_recorded_with_a_higher_mtu_than_its_parent_has():
    """The kernel lowers the mtu of macvlan links together with that of the link below."""
    host = prepared(kernel(), network(parent="eth0.50"), endpoint())
    host.run(subinterface(mtu=1400))
    assert host.record.endpoints["lan", "web"].mtu <= host.link("eth0.50").mtu


@pytest.mark.parametrize(
    ("before", "force", "sentences"),
    [
        pytest.param((subinterface(),), False, ["delete VLAN link eth0.50"], id="declared"),
        pytest.param(
            (subinterface(), network(parent="eth0.50")), True, ["delete VLAN link eth0.50"], id="in-use-by-force"
        ),
        pytest.param(
            (network(parent="eth0.50"), subinterface(), no_network()), False, ["delete VLAN link eth0.50"], id="pinned"
        ),
        pytest.param(
            (network(parent="eth0.50"), subinterface("eth0.50.6"), no_network()),
            None,
            ["delete VLAN link eth0.50.6", "delete VLAN link eth0.50"],
            id="with-the-vlan-below-that-nothing-else-needs",
        ),
    ],
)
def test_a_subinterface_is_removed(before, force, sentences):
    host = prepared(kernel(), *before)
    request = no_subinterface("eth0.50.6") if force is None else no_subinterface(force=force)
    made = host.run(request)
    assert said(made) == sentences
    assert bool(made.warnings) == bool(force)
    assert "eth0.50" not in host.record.links
    assert not host.plan(request).changed


@pytest.mark.parametrize(
    ("found", "before", "words"),
    [
        pytest.param(
            kernel(vlan_link("eth0.50", 9, ETH0, 50)), (), ("eth0.50", "not created here", "force: true"), id="foreign"
        ),
        pytest.param(
            kernel(vlan_link("eth0.50", 9, ETH0, 50)),
            (network(parent="eth0.50"),),
            ("eth0.50", "force: true"),
            id="foreign-and-in-use",
        ),
        pytest.param(
            kernel(),
            (subinterface(), network(parent="eth0.50")),
            ("eth0.50", "network lan", "force: true"),
            id="in-use",
        ),
        pytest.param(
            kernel(),
            (subinterface(), subinterface("eth0.50.6")),
            ("eth0.50", "vlan_subinterface eth0.50.6", "force: true"),
            id="has-a-vlan-on-it",
        ),
        pytest.param(kernel(link("eth0.50", 9)), (), ("eth0.50", "not a VLAN link", "never"), id="no-vlan"),
    ],
)
def test_the_removal_of_a_subinterface_that_is_foreign_or_in_use_is_refused(found, before, words):
    assert_refused(prepared(found, *before), [no_subinterface()], words)


def test_the_removal_of_a_link_that_is_no_vlan_is_refused_even_by_force():
    assert_refused(Host(kernel(link("eth0.50", 9))), [no_subinterface(force=True)], ("eth0.50", "never"))


@pytest.mark.parametrize(
    ("user", "word"),
    [
        pytest.param(link("m", 99, kind="macvlan"), "link m", id="foreign-macvlan-on-it"),
        pytest.param(link("br0", 99, kind="bridge"), "bridge br0", id="port-of-a-bridge"),
    ],
)
def test_a_subinterface_in_use_is_not_removed_without_force(user, word):
    host = prepared(kernel(), subinterface())
    if user.kind == "macvlan":
        host.gain(dataclasses.replace(user, lower=host.link("eth0.50").index))
    else:
        host.gain(user)
        host.change("eth0.50", master=user.index)
    assert_refused(host, [no_subinterface()], [word, "force: true"])
    assert word in host.run(no_subinterface(force=True)).warnings[0]


def test_a_foreign_subinterface_is_removed_by_force_and_can_be_made_again_as_it_was():
    host = Host(kernel(vlan_link("eth0.50", 9, ETH0, 50, mtu=1400, alias="theirs", facts={"gvrp": True})))
    before = builders.shape(host.kernel)
    made = host.run(no_subinterface(force=True))
    assert said(made) == ["delete VLAN link eth0.50"]
    assert host.link("eth0.50") is None
    assert builders.shape(kernel_after(host.kernel, inverse(made.steps))) == before


def test_a_subinterface_that_is_gone_already_is_forgotten():
    host = prepared(kernel(), subinterface())
    host.lose("eth0.50")
    made = host.run(no_subinterface())
    assert said(made) == ["forget eth0.50, which was gone already"]
    assert host.record == Record()


def test_a_foreign_link_of_the_same_name_does_not_keep_a_subinterface_recorded():
    host = prepared(kernel(), subinterface())
    host.gain(vlan_link("eth0.50", 99, ETH1, 50))
    assert_refused(host, [no_subinterface()], ("eth0.50", "force: true"))


# --- several requests in one plan -----------------------------------------------------------------------------------


def test_requests_see_what_those_before_them_will_have_done():
    host = Host()
    made = host.run(network(parent="eth0.50"), endpoint(), endpoint("b", netns="green"))
    assert [found.ipv4 for found in made.after.endpoints.values()] == ["192.168.1.2/24", "192.168.1.3/24"]
    assert made.removal is False
    for request in (network(parent="eth0.50"), endpoint(), endpoint("b", netns="green")):
        assert not host.plan(request).changed


def test_a_refusal_of_one_request_is_a_refusal_of_all():
    host = Host()
    assert_refused(host, [network(), endpoint(), network("other", parent="eth0", subnets=OTHER)], ["network other"])
    assert host.record == Record()


@pytest.mark.parametrize(
    ("requests", "removal"),
    [
        pytest.param([no_network(), no_endpoint(), no_subinterface()], True, id="nothing-but-removals"),
        pytest.param([no_network(), network()], False, id="a-removal-and-something-else"),
    ],
)
def test_a_plan_of_nothing_but_removals_says_so(requests, removal):
    assert Host().plan(*requests).removal is removal


def test_notes_about_what_was_read_differently_are_warnings_once():
    request = network(subnets=["172.16.50.0/22"])
    assert Host().plan(request, request).warnings == request.notes


# --- what has to be read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "paths", "routes", "kinds"),
    [
        pytest.param(network("new", OTHER, parent="eth1"), {""}, False, set(), id="network"),
        pytest.param(network("new", OTHER, parent="eth1.5"), {""}, False, {"vlan"}, id="network-on-a-vlan"),
        pytest.param(network("new", OTHER, parent=None), {""}, False, {"dummy"}, id="network-without-parent"),
        pytest.param(network("new", (), parent="eth1"), {""}, True, set(), id="network-whose-subnet-is-chosen"),
        pytest.param(network("new", OTHER, parent="eth1", ipv6=True), {""}, True, set(), id="network-with-ula"),
        pytest.param(network(parent="eth0.50"), {"", BLUE_PATH}, False, {"vlan"}, id="network-with-endpoints"),
        pytest.param(no_network(force=True), {"", BLUE_PATH}, False, set(), id="network-to-remove"),
        pytest.param(endpoint("new", netns="green"), {"", GREEN_PATH}, False, {"macvlan", "vlan"}, id="new-endpoint"),
        pytest.param(endpoint("new", pid=None), {""}, True, {"macvlan", "vlan"}, id="new-endpoint-of-the-host"),
        pytest.param(
            endpoint(netns="green"), {"", BLUE_PATH, GREEN_PATH}, False, {"macvlan", "vlan"}, id="moved-endpoint"
        ),
        pytest.param(no_endpoint(), {"", BLUE_PATH}, False, set(), id="endpoint-to-remove"),
        pytest.param(no_endpoint("other"), {""}, False, set(), id="endpoint-that-is-not-there"),
        pytest.param(endpoint("new", "nowhere"), {"", BLUE_PATH}, False, {"macvlan"}, id="endpoint-of-no-network"),
        pytest.param(subinterface("eth1.5"), {""}, False, {"vlan"}, id="subinterface"),
        pytest.param(no_subinterface("eth1.5"), {""}, False, set(), id="subinterface-to-remove"),
    ],
)
def test_only_what_can_matter_is_read(request_, paths, routes, kinds):
    host = prepared(kernel(), network(parent="eth0.50"), endpoint())
    needs = needs_of([request_], host.record)
    assert {netns.path for netns in needs.spaces} == paths
    assert needs.host_routes is routes
    assert needs.kinds == kinds
    assert needs.identities == {Netns("name", "blue")}


@pytest.mark.parametrize("request_", [network(mode="private"), no_network(force=True), no_endpoint()])
def test_the_routes_of_an_endpoint_of_the_host_are_read_whatever_touches_it(request_):
    host = prepared(kernel(), network(), endpoint(pid=None))
    assert needs_of([request_], host.record).host_routes is True


def test_processes_matter_only_where_a_namespace_of_ours_may_go():
    host = prepared(kernel(spaces={DOCKER: space()}), network(), endpoint(), endpoint("b", netns_path=DOCKER))
    assert needs_of([no_endpoint()], host.record).processes == {Netns("name", "blue")}
    # A path may be another name of one that was made here.
    assert needs_of([no_endpoint("b")], host.record).processes == {Netns("path", DOCKER)}
    assert needs_of([endpoint()], host.record).processes == frozenset()


def test_the_settings_that_are_compared_are_read():
    host = prepared(kernel(), network(), endpoint(sysctls={"net.ipv4.conf.IFNAME.rp_filter": "1", FORWARD: "1"}))
    request = endpoint(ifname="net.0", sysctls={"net.ipv4.conf.IFNAME.log_martians": "1"})
    keys = needs_of([request], host.record).spaces[Netns("name", "blue")]
    assert {
        FORWARD,
        "net.ipv4.conf.eth0.rp_filter",
        "net.ipv4.conf.net/0.log_martians",
        "net.ipv4.conf.net/0.arp_notify",
        "net.ipv6.conf.net/0.disable_ipv6",
    } <= keys


def test_the_settings_of_a_link_that_was_being_renamed_are_read_under_each_name():
    place = Netns("name", "blue"), "eth0"
    host = prepared(kernel(), network(), endpoint(sysctls={"net.ipv4.conf.IFNAME.rp_filter": "1", FORWARD: "1"}))
    needs = needs_of([endpoint()], host.record)
    renames = [
        SetLink(*place, "name", "eth0", "net.0"),
        SetLink(*place, "mtu", 1500, 1400),
        SetLink(place[0], "net.0", "name", "net.0", "wan0"),
    ]
    keys = needs_before_undoing(needs, renames).spaces[place[0]]
    for name in ("net/0", "wan0"):
        assert keys >= {key.replace("eth0", name) for key in needs.spaces[place[0]]}
    assert needs_before_undoing(needs, reversed(renames)).spaces[place[0]] == keys
    assert needs_before_undoing(needs, renames[1:2]) == needs


def test_what_a_task_asks_for_is_read_under_the_old_name_too():
    host = prepared(kernel(), network(), endpoint())
    request = endpoint(ifname="net0", sysctls={"net.ipv4.conf.IFNAME.rp_filter": "1"})
    keys = needs_of([request], host.record).spaces[Netns("name", "blue")]
    assert {"net.ipv4.conf.eth0.rp_filter", "net.ipv4.conf.net0.rp_filter"} <= keys


def test_all_that_is_recorded_is_read_to_look_for_drift():
    host = prepared(kernel(), network(), endpoint(), endpoint("b", pid=None))
    needs = needs_of_everything(host.record)
    assert {netns.path for netns in needs.spaces} == {"", BLUE_PATH}
    assert needs.host_routes is True
    assert needs_of_everything(Record()).host_routes is False


def test_a_dummy_parent_is_known_by_the_id_of_its_network():
    host = prepared(kernel(), network(parent=None))
    assert host.record.links[DUMMY] == DummyParent(host.record.networks["lan"].id, DUMMY)


def test_steps_in_a_namespace_that_was_not_read_change_nothing_in_the_simulation():
    found = kernel()
    made = [
        AddAddress(Netns("name", "unread"), "eth0", "10.0.0.1/24"),
        SetSysctls(Netns("name", "unread"), "eth0"),
    ]
    assert kernel_after(found, made) == found
    assert kernel_after(found, [DeleteNetns("unread", "t")]).spaces["/run/netns/unread"] is None


def test_a_namespace_that_is_there_is_not_recreated_in_the_simulation():
    found = kernel(spaces={BLUE_PATH: Space(links={"lo": builders.loopback(alias="x")})})
    assert kernel_after(found, [CreateNetns("blue", "y")]) == found


@pytest.mark.parametrize("lo", [{"alias": "y"}, {"alias": ""}, None], ids=["another tag", "no tag", "nothing"])
def test_another_namespace_of_the_name_stays_in_the_simulation_too(lo):
    """As it does in the kernel, when an interrupted run that made one is undone."""
    links = {} if lo is None else {"lo": builders.loopback(**lo)}
    found = kernel(spaces={BLUE_PATH: Space(links=links)})
    assert kernel_after(found, [DeleteNetns("blue", "x")]) == found


@pytest.mark.parametrize("born_as", ["mv-a", names.name_until_tagged("0" * 12)])
def test_a_link_whose_creation_was_interrupted_is_known_by_its_group_in_the_simulation(born_as):
    removal = DeleteLink(HOST, LinkSpec("mv-a", "macvlan", f"{names.TAG_PREFIX}{'0' * 12}"))
    for group, left in ((names.group_until_tagged("0" * 12), False), (0, True)):
        found = kernel(link(born_as, 9, kind="macvlan", group=group))
        assert (born_as in kernel_after(found, [removal]).spaces[HOST.path].links) == left


def test_equal_plans_are_equal_to_the_last_index():
    requests = network(), endpoint("a", netns="a"), endpoint("b", netns="b")
    one, other = Host().plan(*requests), Host().plan(*requests)
    assert one.steps == other.steps and one.outcome.spaces == other.outcome.spaces


@pytest.mark.parametrize("tag", ["fleetnet.macvlan:", ""], ids=["tagged", "tag lost"])
@pytest.mark.parametrize("to", ["0.0.0.0/0", "::/0"])
def test_a_default_route_that_a_program_put_on_a_neighbour_of_ours_is_not_that_of_a_foreign_link(to, tag):
    """Whoever has lost its tag is still known, and gets it back in the same run."""
    wan = network("wan", ["10.0.2.0/24", "fd02::/64"], parent="eth1")
    requests = network("lan", ["10.0.1.0/24", "fd01::/64"]), wan, endpoint("a"), endpoint("b", "wan", ifname="eth1", default_route=False)
    host = prepared(kernel(), *requests)
    one = host.kernel.spaces[BLUE_PATH]
    index = host.link("eth1", BLUE_PATH).index
    routes = {**one.routes, index: (*one.routes[index], Route(to, "fe80::1" if ":" in to else "10.0.2.9", 100))}
    host.kernel = builders.with_space(host.kernel, dataclasses.replace(one, routes=routes), BLUE_PATH)
    host.change("eth1", BLUE_PATH, alias=host.link("eth1", BLUE_PATH).alias if tag else "")
    before = host.kernel
    for requested in (requests, [Restoration()], [network("lan", ["10.0.1.0/24", "fd01::/64"], mode="private")]):
        host.kernel = before
        made = host.run(*requested)
        assert made.missing == ()
    assert host.link("eth1", BLUE_PATH).alias or not tag
