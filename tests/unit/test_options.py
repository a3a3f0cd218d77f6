# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options: what a task's parameters mean, and everything that is wrong with them in one message."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils import _argspecs
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_options import LINK_OPTIONS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST, Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Subnet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import (
    EndpointOptions,
    EndpointRemoval,
    endpoint_options,
    endpoint_removal,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import Request
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import (
    NetworkOptions,
    NetworkRemoval,
    network_options,
    network_removal,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.subinterface import (
    SubInterfaceOptions,
    subinterface_options,
    subinterface_removal,
)
from ansible_collections.fleetnet.macvlan.tests.unit import strategies as draws


def network(**params):
    return network_options({"name": "n", "parent": "eth0", **params})


def network_with(**subnet):
    return network(subnets=[{"subnet": "192.168.1.0/24", **subnet}])


def subinterface(**params):
    return subinterface_options(params)


def endpoint(**params):
    return endpoint_options({"name": "e", "network": "n", "netns": "blue", **params})


def refusal(function, **params):
    """The problems of a refusal."""
    with pytest.raises(OptionsError) as caught:
        function(**params)
    assert str(caught.value) == "; ".join(caught.value.problems)
    return caught.value.problems


def assert_refused(function, params, *words):
    """There is one problem, and it says all the words."""
    problems = refusal(function, **params)
    assert len(problems) == 1
    assert [word for word in words if word not in problems[0]] == []


# --- networks -------------------------------------------------------------------------------------------------------


def test_a_network_of_nothing_but_a_name_has_the_documented_defaults():
    assert network_options({"name": "n"}) == NetworkOptions(
        name="n",
        parent=None,
        mode="bridge",
        subnets=(),
        ipv6=None,
        internal=False,
        mtu=None,
        ipam="default",
        address_pools=(),
        labels={},
        allow_shared_parent=False,
        allow_overlap=False,
        notes=(),
    )


def test_a_network_takes_over_everything_that_is_given():
    found = network(
        mode="private",
        subnets=[
            {
                "subnet": "192.168.136.0/24",
                "gateway": "192.168.136.254",
                "ip_range": "192.168.136.0/25",
                "aux_addresses": {"reserved2": "192.168.136.2"},
            },
            {"subnet": "FD11::/64"},
        ],
        ipv6=True,
        internal=False,
        mtu=1400,
        address_pools=[{"base": "10.0.0.0/8", "size": 24}],
        labels={"tier": 1, "live": True, "old": False, "none": None},
        allow_shared_parent=True,
        allow_overlap=True,
    )
    first = Subnet("192.168.136.0/24", "192.168.136.254", False, "192.168.136.0/25", {"reserved2": "192.168.136.2"})
    assert found == NetworkOptions(
        name="n",
        parent="eth0",
        mode="private",
        subnets=(first, Subnet("fd11::/64", "fd11::1", True)),
        ipv6=True,
        mtu=1400,
        address_pools=(("10.0.0.0/8", 24),),
        labels={"tier": "1", "live": "true", "old": "false", "none": ""},
        allow_shared_parent=True,
        allow_overlap=True,
    )


@pytest.mark.parametrize(
    ("params", "gateway", "inferred"),
    [
        pytest.param({"parent": "eth0"}, "10.0.0.1", True, id="inferred"),
        pytest.param({"parent": "eth0", "gateway": "10.0.0.9"}, "10.0.0.9", False, id="given"),
        pytest.param({"parent": "eth0", "gateway": "none"}, None, False, id="none-asked-for"),
        pytest.param({"parent": "eth0", "gateway": "None"}, None, False, id="none-in-capitals"),
        pytest.param({"parent": None}, None, False, id="no-parent-infers-none"),
        pytest.param({"parent": None, "gateway": "10.0.0.9"}, "10.0.0.9", False, id="no-parent-keeps-the-given"),
        pytest.param({"parent": "eth0", "internal": True}, None, False, id="internal-infers-none"),
        pytest.param(
            {"parent": "eth0", "internal": True, "gateway": "10.0.0.9"}, "10.0.0.9", False, id="internal-given"
        ),
        pytest.param({"parent": "eth0", "subnet": "10.0.0.0/31"}, None, False, id="31-infers-none"),
        pytest.param(
            {"parent": "eth0", "subnet": "10.0.0.0/31", "gateway": "10.0.0.0"}, "10.0.0.0", False, id="31-given"
        ),
        pytest.param({"parent": "eth0", "subnet": "fd00::/64", "gateway": "FD00::"}, "fd00::", False, id="ipv6-first"),
    ],
)
def test_the_gateway_of_a_subnet(params, gateway, inferred):
    item = {"subnet": params.get("subnet", "10.0.0.0/24"), "gateway": params.get("gateway")}
    found = network(parent=params["parent"], internal=params.get("internal", False), subnets=[item])
    assert (found.subnets[0].gateway, found.subnets[0].gateway_inferred) == (gateway, inferred)


@pytest.mark.parametrize(
    ("params", "note"),
    [
        pytest.param(
            {"subnets": [{"subnet": "172.16.50.0/22"}]},
            "subnets[0].subnet: 172.16.50.0/22 has host bits set and is read as 172.16.48.0/22",
            id="subnet",
        ),
        pytest.param(
            {"subnets": [{"subnet": "10.0.0.0/16", "ip_range": "10.0.7.9/24"}]},
            "subnets[0].ip_range: 10.0.7.9/24 has host bits set and is read as 10.0.7.0/24",
            id="ip-range",
        ),
        pytest.param(
            {"address_pools": [{"base": "10.1.2.3/8", "size": 24}]},
            "address_pools[0].base: 10.1.2.3/8 has host bits set and is read as 10.0.0.0/8",
            id="base-of-a-pool",
        ),
    ],
)
def test_host_bits_of_a_network_are_cleared_and_a_note_names_both(params, note):
    assert network(**params).notes == (note,)


def test_a_subnet_with_host_bits_is_recorded_without_them():
    found = network(subnets=[{"subnet": "172.16.50.0/22"}]).subnets[0]
    assert (found.subnet, found.gateway) == ("172.16.48.0/22", "172.16.48.1")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param({"name": "-n"}, ("network name '-n'", "1 to 64"), id="name"),
        pytest.param({"parent": "eth0.1234567890"}, None, id="parent-of-15-bytes-is-fine"),
        pytest.param(
            {"parent": "rack12-port-of-the-lan"}, None, id="parent-that-is-an-alternative-name-is-fine"
        ),
        pytest.param(
            {"parent": "x" * 128}, ("parent:", "longer than 127 bytes, the most that an alternative name can have"), id="parent-too-long",
        ),
        pytest.param({"parent": ""}, ("parent:", "empty"), id="parent-empty"),
        pytest.param({"parent": "eth 0"}, ("parent:", "white space"), id="parent-with-space"),
        pytest.param(
            {"ipv6": False, "subnets": [{"subnet": "fd00::/64"}]}, ("ipv6: false", "subnets"), id="ipv6-false"
        ),
        pytest.param(
            {"ipam": "none", "subnets": [{"subnet": "10.0.0.0/24"}]},
            ("ipam: none", "remove subnets"),
            id="ipam-subnets",
        ),
        pytest.param({"ipam": "none", "ipv6": True}, ("ipam: none", "remove ipv6"), id="ipam-ipv6"),
        pytest.param({"ipam": "none", "ipv6": False}, None, id="ipam-none-without-ipv6-is-fine"),
        pytest.param({"mtu": 67}, ("mtu must be from 68 to 65535, not 67",), id="mtu-too-low"),
        pytest.param({"mtu": 68}, None, id="mtu-lowest"),
        pytest.param({"mtu": 65535}, None, id="mtu-highest"),
        pytest.param({"mtu": 65536}, ("mtu must be", "65536"), id="mtu-too-high"),
        pytest.param({"mtu": 1279, "subnets": [{"subnet": "fd00::/64"}]}, ("from 1280",), id="mtu-with-an-ipv6-subnet"),
        pytest.param({"mtu": 1279, "ipv6": True}, ("from 1280",), id="mtu-with-ipv6"),
        pytest.param({"mtu": 1280, "ipv6": True}, None, id="mtu-lowest-with-ipv6"),
        pytest.param({"address_pools": [{"base": "x", "size": 24}]}, ("address_pools[0].base:", "'x'"), id="pool-base"),
        pytest.param(
            {"address_pools": [{"base": "10.0.0.0/16", "size": 15}]},
            ("address_pools[0].size must be from 16 to 32",),
            id="pool-wider-than-its-base",
        ),
        pytest.param(
            {"address_pools": [{"base": "10.0.0.0/16", "size": 33}]}, ("from 16 to 32, not 33",), id="pool-too-small"
        ),
        pytest.param({"address_pools": [{"base": "fd00::/48", "size": 129}]}, ("from 48 to 128",), id="pool-ipv6-size"),
        pytest.param({"address_pools": [{"base": "10.0.0.0/16", "size": 16}]}, None, id="pool-of-one"),
        pytest.param(
            {"subnets": [{"subnet": "10.0.0.0/24"}, {"subnet": "10.0.0.128/25"}]},
            ("10.0.0.0/24", "10.0.0.128/25", "overlap"),
            id="subnets-overlap",
        ),
        pytest.param(
            {"subnets": [{"subnet": "10.0.0.0/24"}, {"subnet": "10.0.1.0/24"}]}, None, id="subnets-side-by-side"
        ),
    ],
)
def test_what_a_network_cannot_be_is_refused(params, words):
    if words is None:
        assert network(**params).name == "n"
    else:
        assert_refused(network, params, *words)


@pytest.mark.parametrize(
    ("subnet", "words"),
    [
        pytest.param({"subnet": "10.0.0.0"}, ("subnets[0].subnet:", "CIDR"), id="no-length"),
        pytest.param({"subnet": "10.0.0.0/33"}, ("prefix length above 32",), id="length-too-long"),
        pytest.param({"subnet": "010.0.0.0/8"}, ("'010.0.0.0' is not an IP address",), id="octal"),
        pytest.param({"subnet": "0.0.0.0/0"}, ("0.0.0.0/0", "address_pools"), id="everything-ipv4"),
        pytest.param({"subnet": "0.0.0.0/24"}, ("0.0.0.0/24", "address_pools"), id="zero-of-some-length"),
        pytest.param({"subnet": "::/64"}, ("::/64", "address_pools"), id="zero-ipv6"),
        pytest.param({"subnet": "127.0.0.0/24"}, ("127.0.0.0/24", "loopback"), id="loopback"),
        pytest.param({"subnet": "ff00::/64"}, ("multicast",), id="multicast"),
        pytest.param({"subnet": "169.254.0.0/16"}, ("link-local",), id="link-local"),
        pytest.param({"subnet": "250.0.0.0/8"}, ("reserved",), id="reserved"),
        pytest.param({"gateway": "192.168.2.1"}, (".gateway:", "192.168.2.1", "192.168.1.0/24"), id="gateway-outside"),
        pytest.param({"gateway": "fd00::1"}, ("not inside 192.168.1.0/24",), id="gateway-of-the-other-family"),
        pytest.param({"gateway": "192.168.1.0"}, ("network or broadcast address",), id="gateway-is-the-network"),
        pytest.param({"gateway": "192.168.1.255"}, ("network or broadcast address",), id="gateway-is-the-broadcast"),
        pytest.param({"gateway": "192.168.1.1/24"}, (".gateway:", "prefix length"), id="gateway-with-length"),
        pytest.param({"gateway": ""}, (".gateway:", "is not an IP address"), id="gateway-empty"),
        pytest.param({"ip_range": "192.168.2.0/25"}, (".ip_range:", "not inside 192.168.1.0/24"), id="range-outside"),
        pytest.param({"ip_range": "192.168.0.0/23"}, ("not inside 192.168.1.0/24",), id="range-too-wide"),
        pytest.param({"ip_range": "192.168.1.9"}, (".ip_range:", "start-end"), id="range-is-one-address"),
        pytest.param({"ip_range": "192.168.1.0/32"}, ("holds no address",), id="range-is-the-network-address"),
        pytest.param({"ip_range": "192.168.1.255-192.168.1.255"}, ("holds no address",), id="range-is-the-broadcast"),
        pytest.param({"aux_addresses": {"a": "192.168.2.9"}}, (".aux_addresses.a:", "192.168.2.9"), id="aux-outside"),
        pytest.param({"aux_addresses": {"a": "nine"}}, (".aux_addresses.a:", "'nine'"), id="aux-malformed"),
        pytest.param(
            {"gateway": "192.168.1.9", "aux_addresses": {"a": "192.168.1.9"}},
            ("192.168.1.9 is also the gateway",),
            id="aux-is-the-gateway",
        ),
        pytest.param(
            {"aux_addresses": {"a": "192.168.1.1"}},
            ("192.168.1.1", "inferred for 192.168.1.0/24", "gateway:", "gateway: none"),
            id="aux-is-the-gateway-that-would-be-inferred",
        ),
        pytest.param(
            {"aux_addresses": {"a": "192.168.1.9", "b": "192.168.1.9"}},
            (".aux_addresses.b:", "already aux address a"),
            id="aux-twice",
        ),
    ],
)
def test_what_a_subnet_cannot_be_is_refused(subnet, words):
    assert_refused(network_with, subnet, *words)


def test_the_first_address_can_be_reserved_when_no_gateway_is_asked_for():
    found = network_with(gateway="none", aux_addresses={"router": "192.168.1.1"})
    assert found.subnets[0].aux_addresses == {"router": "192.168.1.1"}


def test_one_message_names_every_problem_in_the_order_of_the_options():
    problems = refusal(
        network,
        name="-",
        parent="a/b",
        subnets=[
            {"subnet": "bad", "gateway": "worse", "ip_range": "1-2", "aux_addresses": {"a": "worst"}},
            {"subnet": "127.0.0.0/8", "gateway": "10.0.0.1"},
        ],
        ipam="none",
        mtu=1,
        address_pools=[{"base": "x", "size": 8}, {"base": "10.0.0.0/24", "size": 8}],
    )
    beginnings = [
        "network name '-'",
        "parent:",
        "subnets[0].subnet:",
        "subnets[0].ip_range:",
        "subnets[0].gateway:",
        "subnets[0].aux_addresses.a:",
        "subnets[1].subnet: subnet 127.0.0.0/8",
        "subnets[1].gateway:",
        "ipam: none",
        "mtu",
        "address_pools[0].base:",
        "address_pools[1].size",
    ]
    assert [problem[: len(start)] for problem, start in zip(problems, beginnings, strict=True)] == beginnings


@pytest.mark.parametrize(
    ("params", "infers"),
    [
        pytest.param({"parent": "eth0"}, True, id="with-a-parent"),
        pytest.param({"parent": None}, False, id="without-a-parent"),
        pytest.param({"parent": "eth0", "internal": True}, False, id="internal"),
    ],
)
def test_only_a_network_that_leads_somewhere_infers_gateways(params, infers):
    assert network(**params).infers_gateway is infers


def test_the_removal_of_a_network_reads_name_and_force_only():
    found = network_removal({"name": "n", "force": True, "subnets": [{"subnet": "nonsense"}], "mtu": -1})
    assert found == NetworkRemoval("n", True)


def test_the_removal_of_a_network_that_cannot_exist_is_refused():
    assert_refused(lambda **params: network_removal(params), {"name": "a b"}, "network name 'a b'")


# --- sub-interfaces -------------------------------------------------------------------------------------------------


def test_a_subinterface_of_a_name_alone_has_the_documented_defaults():
    assert subinterface(name="eth0.50") == SubInterfaceOptions(
        name="eth0.50",
        parent="eth0",
        vlan_id=50,
        protocol="802.1q",
        mtu=None,
        mac=None,
        up=True,
        reorder_hdr=True,
        gvrp=False,
        mvrp=False,
        loose_binding=False,
        ingress_qos_map={},
        egress_qos_map={},
        notes=(),
    )


@pytest.mark.parametrize(
    ("params", "key"),
    [
        pytest.param({"name": "eth0.50"}, ("eth0.50", "eth0", 50), id="name"),
        pytest.param({"name": "eth0.10.20"}, ("eth0.10.20", "eth0.10", 20), id="name-with-two-dots"),
        pytest.param({"parent": "eth0", "vlan_id": 50}, ("eth0.50", "eth0", 50), id="parent-and-id"),
        pytest.param({"name": "foo", "parent": "eth0", "vlan_id": 40}, ("foo", "eth0", 40), id="free-name"),
        pytest.param({"name": "eth0.9", "parent": "eth0", "vlan_id": 8}, ("eth0.9", "eth0", 8), id="the-id-wins"),
    ],
)
def test_the_key_of_a_subinterface(params, key):
    found = subinterface(**params)
    assert (found.name, found.parent, found.vlan_id) == key
    assert subinterface_removal(params).name == key[0]


def test_a_subinterface_takes_over_everything_that_is_given():
    found = subinterface(
        name="v",
        parent="eth0",
        vlan_id=7,
        protocol="802.1ad",
        mtu=1400,
        mac="02-00-00-00-00-0A",
        up=False,
        reorder_hdr=False,
        gvrp=True,
        mvrp=True,
        loose_binding=True,
        ingress_qos_map={"1": 2},
        egress_qos_map={"3": "4"},
    )
    assert found == SubInterfaceOptions(
        "v", "eth0", 7, "802.1ad", 1400, "02:00:00:00:00:0a", False, False, True, True, True, {"1": 2}, {"3": 4}
    )


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param({}, ("give parent and vlan_id, or name",), id="nothing"),
        pytest.param({"parent": "eth0"}, ("parent and vlan_id go together",), id="parent-without-id"),
        pytest.param({"vlan_id": 7}, ("parent and vlan_id go together",), id="id-without-parent"),
        pytest.param({"name": "eth0.7", "vlan_id": 7}, ("parent and vlan_id go together",), id="id-and-name"),
        pytest.param({"name": "foo"}, ("'foo' names no VLAN", "parent and vlan_id"), id="name-without-id"),
        pytest.param({"name": "eth0.4095"}, ("'eth0.4095' names no VLAN", "1 to 4094"), id="name-with-reserved-id"),
        pytest.param({"name": "eth0.010"}, ("'eth0.010' must be written eth0.10",), id="leading-zero"),
        pytest.param({"name": "eth0/1.5"}, ("name:", "'/'"), id="name-with-slash"),
        pytest.param({"parent": "eth0", "vlan_id": 0}, ("vlan_id must be from 1 to 4094, not 0",), id="id-0"),
        pytest.param({"parent": "eth0", "vlan_id": 4095}, ("vlan_id must be", "4095"), id="id-4095"),
        pytest.param({"parent": "a b", "vlan_id": 5}, ("parent:", "white space"), id="parent-with-space"),
        pytest.param({"parent": "x" * 128, "vlan_id": 50}, ("parent:", "127 bytes"), id="parent-too-long"),
        pytest.param({"name": "a" * 128, "parent": "eth0", "vlan_id": 5}, ("name:", "127 bytes"), id="name-too-long"),
        pytest.param({"name": f"{'a' * 128}.5"}, ("name:", "127 bytes"), id="base-too-long"),
        pytest.param({"name": "eth0", "parent": "eth0", "vlan_id": 5}, ("name of its parent eth0",), id="own-parent"),
        pytest.param({"name": "eth0.5", "mtu": 67}, ("mtu must be from 68",), id="mtu"),
        pytest.param({"name": "eth0.5", "mac": "01:00:00:00:00:00"}, ("mac:", "multicast"), id="mac-multicast"),
        pytest.param({"name": "eth0.5", "mac": "x"}, ("mac:", "'x'"), id="mac-malformed"),
        pytest.param(
            {"name": "eth0.5", "ingress_qos_map": {"8": 1}}, ("ingress_qos_map", "0 to 7"), id="pcp-of-ingress"
        ),
        pytest.param({"name": "eth0.5", "ingress_qos_map": {"1": -1}}, ("the value of 1",), id="ingress-negative"),
        pytest.param({"name": "eth0.5", "egress_qos_map": {"1": 8}}, ("egress_qos_map", "0 to 7"), id="pcp-of-egress"),
        pytest.param(
            {"name": "eth0.5", "egress_qos_map": {"-1": 1}}, ("egress_qos_map: the key",), id="egress-negative"
        ),
        pytest.param(
            {"name": "eth0.5", "egress_qos_map": {"a": 1}}, ("'a: 1'", "whole number"), id="qos-key-no-number"
        ),
        pytest.param({"name": "eth0.5", "egress_qos_map": {"1": "b"}}, ("'1: b'",), id="qos-value-no-number"),
        pytest.param({"name": "eth0.5", "egress_qos_map": {"1": True}}, ("'1: True'",), id="qos-value-bool"),
        pytest.param({"name": "eth0.5", "egress_qos_map": {"1": None}}, ("'1: None'",), id="qos-value-null"),
    ],
)
def test_what_a_subinterface_cannot_be_is_refused(params, words):
    assert_refused(subinterface, params, *words)


@pytest.mark.parametrize("name", ["foo", "eth0.4095", "eth0.0", "a-long-alternative-name", "eth0.50"])
def test_a_name_says_which_subinterface_is_to_be_removed(name):
    assert subinterface_removal({"name": name}).name == name


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "give parent and vlan_id, or name"),
        ({"name": "foo", "parent": "eth0"}, "parent and vlan_id go together"),
        ({"name": "foo", "vlan_id": 5}, "parent and vlan_id go together"),
        ({"name": "eth0.050"}, "must be written eth0.50"),
        ({"name": "a/b"}, "contains '/'"),
        ({"name": ""}, "cannot be empty"),
    ],
)
def test_the_removal_of_a_subinterface_needs_a_key_too(params, words):
    assert_refused(lambda **params: subinterface_removal(params), params, words)


@pytest.mark.parametrize(
    ("given_map", "found"),
    [
        pytest.param(None, {}, id="left-out"),
        pytest.param({}, {}, id="empty"),
        pytest.param({"7": 1, "2": "3"}, {"2": 3, "7": 1}, id="sorted-by-number"),
        pytest.param({"10": 1, "9": 2}, {"9": 2, "10": 1}, id="not-sorted-by-text"),
        pytest.param({1: 2}, {"1": 2}, id="keys-that-are-numbers"),
        pytest.param({"1": 0, "2": 5}, {"2": 5}, id="to-0-is-what-the-kernel-does-anyway"),
        pytest.param({"4294967295": 7}, {"4294967295": 7}, id="highest-priority"),
    ],
)
def test_a_priority_map_is_brought_to_the_form_in_which_the_kernel_shows_it(given_map, found):
    result = subinterface(name="eth0.5", egress_qos_map=given_map).egress_qos_map
    assert list(result.items()) == list(found.items())


# --- endpoints ------------------------------------------------------------------------------------------------------


def test_an_endpoint_of_nothing_but_its_key_has_the_documented_defaults():
    assert endpoint_options({"name": "e", "network": "n"}) == EndpointOptions(
        name="e",
        network="n",
        netns=HOST,
        ifname="mv-e",
        ipv4=None,
        ipv6=None,
        subnet=None,
        mac=None,
        mtu=None,
        default_route=None,
        routes=(),
        sysctls={},
        announce=True,
        labels={},
        notes=(),
    )


def test_an_endpoint_takes_over_everything_that_is_given():
    found = endpoint(
        ifname="net0",
        ipv4="10.0.0.9",
        ipv6="FD00::9",
        subnet="10.0.0.0/24",
        mac="02:00:00:00:00:0A",
        mtu=1400,
        default_route=False,
        routes=[
            {"to": "10.9.0.0/16", "via": "10.0.0.1", "metric": 5},
            {"to": "default", "via": "fd00::1"},
            {"to": "10.8.0.1"},
            {"to": "fd09::1"},
        ],
        sysctls={"net.ipv4.conf.IFNAME.rp_filter": 0, "net.ipv4.ip_forward": True},
        announce=False,
        labels={"a": "b"},
    )
    assert found == EndpointOptions(
        name="e",
        network="n",
        netns=Netns("name", "blue"),
        ifname="net0",
        ipv4="10.0.0.9",
        ipv6="fd00::9",
        subnet="10.0.0.0/24",
        mac="02:00:00:00:00:0a",
        mtu=1400,
        default_route=False,
        routes=(
            Route("10.9.0.0/16", "10.0.0.1", 5),
            Route("::/0", "fd00::1"),
            Route("10.8.0.1/32"),
            Route("fd09::1/128"),
        ),
        sysctls={"net.ipv4.conf.IFNAME.rp_filter": "0", "net.ipv4.ip_forward": "1"},
        announce=False,
        labels={"a": "b"},
    )


@pytest.mark.parametrize(
    ("params", "netns", "ifname"),
    [
        pytest.param({"netns": "blue"}, Netns("name", "blue"), "eth0", id="name"),
        pytest.param({"netns_path": "/proc/7/ns/net"}, Netns("path", "/proc/7/ns/net"), "eth0", id="path"),
        pytest.param({"pid": 7}, Netns("pid", "7"), "eth0", id="pid"),
        pytest.param({}, HOST, "mv-e", id="host"),
        pytest.param({"ifname": "net1"}, HOST, "net1", id="host-with-a-name"),
    ],
)
def test_where_an_endpoint_is_and_what_its_interface_is_called(params, netns, ifname):
    found = endpoint_options({"name": "e", "network": "n", **params})
    assert (found.netns, found.ifname) == (netns, ifname)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param({"name": "a b"}, ("endpoint name 'a b'",), id="name"),
        pytest.param({"network": ""}, ("network name ''",), id="network"),
        pytest.param({"pid": 7}, ("only one of", "netns and pid"), id="netns-and-pid"),
        pytest.param({"netns": None, "pid": 7, "netns_path": "/x"}, ("netns_path and pid",), id="path-and-pid"),
        pytest.param({"netns": "a/b"}, ("netns:", "'/'"), id="netns-with-slash"),
        pytest.param({"netns": ".."}, ("netns:", "'..'"), id="netns-is-the-folder-above"),
        pytest.param({"netns": ""}, ("netns:",), id="netns-empty"),
        pytest.param({"netns": None, "netns_path": "x/y"}, ("netns_path:", "absolute"), id="path-is-relative"),
        pytest.param({"netns": None, "netns_path": "/x\0"}, ("netns_path:",), id="path-with-zero-byte"),
        pytest.param({"netns": None, "netns_path": ""}, ("netns_path:",), id="path-empty"),
        pytest.param({"netns": None, "pid": 0}, ("pid must be from 1",), id="pid-0"),
        pytest.param({"netns": None, "pid": 2**22 + 1}, ("pid must be",), id="pid-too-high"),
        pytest.param({"ifname": "a/b"}, ("ifname:", "'/'"), id="ifname-with-slash"),
        pytest.param(
            {"netns": None, "name": "a-long-endpoint"}, ("mv-a-long-endpoint", "with ifname:"), id="ifname-grows"
        ),
        pytest.param({"ipv4": "10.0.0.300"}, ("ipv4:", "10.0.0.300"), id="ipv4-malformed"),
        pytest.param({"ipv4": "10.0.0.3/33"}, ("ipv4:", "prefix length from 0 to 32"), id="ipv4-length-too-long"),
        pytest.param({"ipv4": "10.0.0.3/"}, ("ipv4:", "'10.0.0.3/'", "prefix length"), id="ipv4-without-its-length"),
        pytest.param({"ipv4": "10.0.0.3/2\u0664"}, ("ipv4:", "prefix length"), id="ipv4-length-of-other-digits"),
        pytest.param({"ipv4": "10.0.0.3/24/24"}, ("ipv4:", "prefix length"), id="ipv4-of-two-lengths"),
        pytest.param({"ipv4": "/24"}, ("ipv4:", "not an IP address"), id="ipv4-of-a-length-alone"),
        pytest.param({"ipv6": "fd00::1/129"}, ("ipv6:", "prefix length from 0 to 128"), id="ipv6-length-too-long"),
        pytest.param({"ipv4": "fd00::1"}, ("ipv4: fd00::1 is not an IPv4",), id="ipv4-of-the-other-family"),
        pytest.param({"ipv6": "10.0.0.1"}, ("ipv6: 10.0.0.1 is not an IPv6",), id="ipv6-of-the-other-family"),
        pytest.param({"subnet": "10.0.0.0"}, ("subnet:", "CIDR"), id="subnet-malformed"),
        pytest.param({"mac": "ff:ff:ff:ff:ff:ff"}, ("mac:", "multicast"), id="mac-broadcast"),
        pytest.param({"mac": "00:00:00:00:00:00"}, ("zeros",), id="mac-zeros"),
        pytest.param({"mac": "02:42"}, ("mac:", "'02:42'"), id="mac-malformed"),
        pytest.param({"mtu": 20}, ("mtu must be from 68",), id="mtu"),
        pytest.param({"routes": [{"to": "x"}]}, ("routes[0].to:", "'x'"), id="route-malformed"),
        pytest.param({"routes": [{"to": "10.0.0.0/8", "via": "x"}]}, ("routes[0].via:",), id="via-malformed"),
        pytest.param({"routes": [{"to": "default"}]}, ("default route needs via",), id="default-without-via"),
        pytest.param({"routes": [{"to": "10.0.0.0/8", "via": "fd00::1"}]}, ("different families",), id="families"),
        pytest.param({"routes": [{"to": "10.0.0.0/8", "metric": -1}]}, ("routes[0].metric",), id="metric-negative"),
        pytest.param({"routes": [{"to": "10.0.0.0/8", "metric": 2**32}]}, ("routes[0].metric",), id="metric-too-high"),
        pytest.param({"sysctls": {"kernel.hostname": "x"}}, ("'kernel.hostname'", "net."), id="sysctl-outside-net"),
        pytest.param({"sysctls": {"net": "1"}}, ("'net'",), id="sysctl-net-alone"),
        pytest.param({"sysctls": {"net.": "1"}}, ("'net.'",), id="sysctl-ends-with-a-dot"),
        pytest.param({"sysctls": {"net.ipv4/../x": "1"}}, ("net.ipv4/../x",), id="sysctl-with-slashes"),
        pytest.param({"sysctls": {"net..x": "1"}}, ("net..x",), id="sysctl-with-two-dots"),
        pytest.param({"sysctls": {"net.a b": "1"}}, ("net.a b",), id="sysctl-with-space"),
        pytest.param({"sysctls": {"net.a": ""}}, ("value of net.a", "one line"), id="sysctl-empty"),
        pytest.param({"sysctls": {"net.a": None}}, ("value of net.a", "one line"), id="sysctl-null"),
        pytest.param({"sysctls": {"net.a": "1\n2"}}, ("value of net.a", "one line"), id="sysctl-of-two-lines"),
        pytest.param(
            {"sysctls": {"net.a": "1\n\t2"}}, ("value of net.a", "one line"), id="sysctl-of-two-lines-with-tab"
        ),
        pytest.param({"sysctls": {"net.a": "1\0\t2"}}, ("value of net.a", "one line"), id="sysctl-zero-byte-with-tab"),
    ],
)
def test_what_an_endpoint_cannot_be_is_refused(params, words):
    assert_refused(endpoint, params, *words)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"to": "10.9.0.0/16"}, {"to": "10.9.0.0/16"}, id="the-same"),
        pytest.param({"to": "10.9.0.0/16"}, {"to": "10.9.3.0/16"}, id="the-same-without-host-bits"),
        pytest.param({"to": "10.9.0.0/16"}, {"to": "10.9.0.0/16", "metric": 0}, id="metric-0-is-no-metric"),
        pytest.param(
            {"to": "10.9.0.0/16", "metric": 5}, {"to": "10.9.0.0/16", "metric": 5, "via": "10.0.0.1"}, id="via"
        ),
    ],
)
def test_two_routes_that_the_kernel_cannot_have_together_are_refused(one, other):
    assert any("routes[1]" in problem for problem in refusal(endpoint, routes=[one, other]))


def test_two_routes_to_one_network_with_different_metrics_are_taken():
    found = endpoint(routes=[{"to": "10.9.0.0/16"}, {"to": "10.9.0.0/16", "metric": 5}])
    assert [route.metric for route in found.routes] == [None, 5]


@pytest.mark.parametrize(
    ("params", "note"),
    [
        pytest.param(
            {"subnet": "10.0.0.9/24"}, "subnet: 10.0.0.9/24 has host bits set and is read as 10.0.0.0/24", id="subnet"
        ),
        pytest.param(
            {"routes": [{"to": "10.9.1.0/16", "via": "10.0.0.1"}]},
            "routes[0].to: 10.9.1.0/16 has host bits set and is read as 10.9.0.0/16",
            id="route",
        ),
    ],
)
def test_host_bits_of_an_endpoint_are_cleared_and_a_note_names_both(params, note):
    assert endpoint(**params).notes == (note,)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(1, "1", id="number"),
        pytest.param(True, "1", id="true"),
        pytest.param(False, "0", id="false"),
        pytest.param("4096\t87380  6291456 ", "4096 87380 6291456", id="white-space-as-the-kernel-shows-it"),
    ],
)
def test_the_value_of_a_sysctl_is_brought_to_the_form_in_which_it_is_read_back(value, text):
    assert endpoint(sysctls={"net.ipv4.tcp_rmem": value}).sysctls == {"net.ipv4.tcp_rmem": text}


def test_one_message_names_every_problem_of_an_endpoint():
    problems = refusal(
        endpoint, name="", network="", pid=-1, ifname="a b", ipv4="x", ipv6="y", mtu=1, subnet="z", mac="w",
        routes=[{"to": "v"}], sysctls={"kernel.x": "1"}
    )  # fmt: skip
    starts = ["endpoint name", "network name", "only one of", "ifname:", "ipv4:", "ipv6:", "mtu", "subnet:", "mac:"]
    starts += ["routes[0].to:", "sysctls:"]
    assert [problem[: len(start)] for problem, start in zip(problems, starts, strict=True)] == starts


def test_the_removal_of_an_endpoint_reads_its_key_only():
    assert endpoint_removal({"name": "e", "network": "n", "ipv4": "x"}) == EndpointRemoval("e", "n")


def test_the_removal_of_an_endpoint_that_cannot_exist_is_refused():
    with pytest.raises(OptionsError) as caught:
        endpoint_removal({"name": "e e", "network": "n/n"})
    assert len(caught.value.problems) == 2


# --- whatever comes -------------------------------------------------------------------------------------------------

TYPES = {
    "str": draws.any_text
    | st.sampled_from(("10.0.0.0/24", "10.0.0.9", "fd00::/64", "fd00::9", "eth0", "eth0.50", "none", "default", "")),
    "path": draws.any_text.map("/{}".format),
    "int": st.integers() | st.integers(-1, 4096),
    "bool": st.booleans(),
    "dict": st.dictionaries(draws.any_text | st.integers(-1, 9).map(str), draws.json_values() | st.integers(-1, 9)),
    "texts": st.lists(draws.any_text | st.sampled_from(("10.0.0.9", "10.0.0.10/24", "fd00::9", "none", "")), max_size=4),
    "dns": st.fixed_dictionaries(
        {},
        optional={
            "servers": st.none() | st.lists(draws.any_text | st.sampled_from(("10.0.0.9", "fd00::9", "")), max_size=4),
            "search": st.none() | st.lists(draws.any_text | st.sampled_from(("example.com", "a", ".")), max_size=3),
        },
    ),
    "raw": draws.json_values()
    | st.dictionaries(
        st.sampled_from(("address", "ifname", "metric", "routes")),
        draws.json_values() | st.sampled_from(("10.0.0.9", "fd00::9", ["10.0.0.9", "fd00::9"], "shim", "ranges", "7", 7)),
    ),
}
OPTIONS = {
    "network": (
        {"name": "str"},
        {
            "parent": "str",
            "driver": ("macvlan", "ipvlan"),
            "mode": ("bridge", "private", "vepa", "passthru", "l2", "l3", "l3s"),
            "subnets": ({"subnet": "str"}, {"gateway": "str", "ip_range": "str", "aux_addresses": "dict"}),
            "segment": "str",
            "slices": ({"slice": "str"}, {"subnet": "str", "generation": "int", "lost_to": "str"}),
            "ipv6": "bool",
            "internal": "bool",
            "mtu": "int",
            **dict.fromkeys(LINK_OPTIONS, "int"),
            "ipam": ("default", "none"),
            "address_pools": ({"base": "str", "size": "int"}, {}),
            "labels": "dict",
            "allow_shared_parent": "bool",
            "allow_overlap": "bool",
            "exclusive": "bool",
            "host_access": "raw",
            "probe": ("fast", "careful", "none"),
            "renamed_from": "str",
            "replace": "bool",
            "force": "bool",
        },
    ),
    "subinterface": (
        {},
        {
            "name": "str",
            "parent": "str",
            "vlan_id": "int",
            "protocol": ("802.1q", "802.1ad"),
            "mtu": "int",
            "mac": "str",
            "up": "bool",
            "reorder_hdr": "bool",
            "gvrp": "bool",
            "mvrp": "bool",
            "loose_binding": "bool",
            "ingress_qos_map": "dict",
            "egress_qos_map": "dict",
            "replace": "bool",
            "force": "bool",
        },
    ),
    "endpoint": (
        {"name": "str", "network": "str"},
        {
            "netns": "str",
            "netns_path": "path",
            "pid": "int",
            "ifname": "str",
            "ipv4": "str",
            "ipv6": "str",
            "addresses": "texts",
            "subnet": "str",
            "mac": "str",
            "mtu": "int",
            "default_route": "bool",
            "routes": ({"to": "str"}, {"via": "str", "metric": "int"}),
            "sysctls": "dict",
            "dns": "dns",
            "announce": "bool",
            "labels": "dict",
            "exclusive": "bool",
            "probe": ("fast", "careful", "none"),
            "vrf": "str",
            "renamed_from": "str",
            "replace": "bool",
            "force": "bool",
        },
    ),
}


def values_of(kind):
    """What a parameter of a type of the argument specification can be; a pair is a list of dicts."""
    if isinstance(kind, str):
        return TYPES[kind]
    if isinstance(kind[0], str):
        return st.sampled_from(kind)
    return st.lists(params_of(*kind), max_size=3)


def params_of(required, optional):
    return st.fixed_dictionaries(
        {name: values_of(kind) for name, kind in required.items()},
        optional={name: st.none() | values_of(kind) for name, kind in optional.items()},
    )


READERS = {
    "network": (network_options, network_removal),
    "subinterface": (subinterface_options, subinterface_removal),
    "endpoint": (endpoint_options, endpoint_removal),
}


@pytest.mark.parametrize("what", OPTIONS)
@given(data=st.data())
def test_parameters_of_the_right_types_give_options_or_a_refusal_and_nothing_else(what, data):
    params = data.draw(params_of(*OPTIONS[what]))
    wanted, gone = READERS[what]
    for function in (wanted, gone):
        # Anything else that is raised fails the test.
        with contextlib.suppress(OptionsError):
            assert isinstance(function(params), t.get_args(Request))


@pytest.mark.parametrize(
    ("function", "params"),
    [
        pytest.param(network, {"parent": "\ud800"}, id="parent"),
        pytest.param(subinterface, {"name": "\ud800.5"}, id="subinterface"),
        pytest.param(endpoint, {"ifname": "\ud800"}, id="ifname"),
        pytest.param(endpoint, {"netns": "\ud800"}, id="netns"),
        pytest.param(endpoint, {"netns": None, "netns_path": "/\ud800"}, id="netns-path"),
    ],
)
def test_a_name_that_cannot_be_written_as_bytes_is_refused(function, params):
    """JSON can say half of a surrogate pair; no file and no link can have it in its name."""
    with pytest.raises(OptionsError):
        function(**params)


def test_the_fuzzed_options_are_those_of_the_modules():
    for what, (required, optional) in OPTIONS.items():
        spec = getattr(_argspecs, f"{what}_argspec")()
        assert set(spec) - {"state", "state_dir"} == set(required) | set(optional)
        assert {name for name, option in spec.items() if option.get("required")} == set(required)
