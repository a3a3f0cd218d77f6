# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses of a subnet are given out: several ranges, and addresses, ranges and blocks that are excluded."""

from __future__ import annotations

import re

import netaddr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.address_set import AddressSet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.subnets import (
    SATURATED,
    count_addresses,
    next_address,
    usable,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Subnet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import block_of
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import Host, endpoint, network

pytestmark = pytest.mark.engine

LAN = "10.0.1.0/24"


def lan(**values):
    return network("lan", [{"subnet": LAN, **values}])


def on_lan(**values):
    host = Host()
    host.run(lan(**values))
    return host


def attach(host, name, **params):
    """The address that an endpoint gets, in a namespace of its own."""
    host.run(endpoint(name, "lan", **{"netns": name, **params}))
    return host.record.endpoints["lan", name].ipv4.partition("/")[0]


# --- exact, as netaddr counts ----------------------------------------------------------------------------------------

SUBNETS = ("10.0.0.0/8", "10.0.1.0/24", "10.0.1.8/29", "10.0.1.8/31", "10.0.1.8/32", "fd01::/64", "fd01::/120", "fd01::9/128")


@st.composite
def parts(draw, cidr):
    """An address, a range or a block of a subnet."""
    block = block_of(cidr)
    near = st.integers(block.first, min(block.last, block.first + 40)) | st.integers(block.first, block.last)
    first, last = sorted((draw(near), draw(near)))
    version = block.version
    shown = [str(netaddr.IPAddress(number, version)) for number in (first, last)]
    width = 32 if version == 4 else 128
    length = draw(st.integers(int(cidr.partition("/")[2]), width))
    network_of = netaddr.IPNetwork(f"{shown[0]}/{length}").cidr
    return draw(st.sampled_from((shown[0], f"{shown[0]}-{shown[1]}", str(network_of))))


def ip_set(texts):
    whole = netaddr.IPSet()
    for text in texts:
        first, dash, last = text.partition("-")
        whole |= netaddr.IPSet(netaddr.IPRange(first, last).cidrs()) if dash else netaddr.IPSet([text])
    return whole


@st.composite
def cases(draw):
    cidr = draw(st.sampled_from(SUBNETS))
    exclude = tuple(draw(st.lists(parts(cidr), max_size=5)))
    ranges = [item for item in draw(st.lists(parts(cidr), max_size=3)) if "/" in item or "-" in item]
    apart = []
    for item in ranges:
        if not any(block_of(item).overlaps(block_of(other)) for other in apart) and usable(cidr).overlaps(block_of(item)):
            apart.append(item)
    block = usable(cidr)
    numbers = st.integers(block.first, min(block.last, block.first + 40)) | st.integers(block.first, block.last)
    return Subnet(cidr, ip_ranges=tuple(apart), exclude=exclude), draw(st.sets(numbers, max_size=12))


@given(cases())
def test_what_is_counted_and_chosen_is_what_netaddr_says(case):
    subnet, taken = case
    version = block_of(subnet.subnet).version
    given_out = usable(subnet.subnet)
    whole = netaddr.IPSet([subnet.subnet])
    usable_ones = netaddr.IPSet(netaddr.IPRange(*(netaddr.IPAddress(n, version) for n in (given_out.first, given_out.last))).cidrs())
    held = netaddr.IPSet([netaddr.IPAddress(number, version) for number in taken])
    gone = held | ip_set(subnet.exclude) | (whole - usable_ones)
    among = (ip_set(subnet.ip_ranges) if subnet.ip_ranges else whole) - gone
    assert count_addresses(subnet, AddressSet(taken)) == (min((gone & whole).size, SATURATED), min(among.size, SATURATED))
    chosen = next_address(subnet, AddressSet(taken))
    if not among:
        assert chosen is None
        return
    first = next(free for item in (subnet.ip_ranges or (subnet.subnet,)) if (free := (ip_set([item]) & among)))
    assert chosen == str(netaddr.IPAddress(first.iprange().first if first.iscontiguous() else min(c.first for c in first.iter_cidrs()), version))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted), max_size=8))
def test_runs_are_the_set_of_what_they_hold(runs):
    made = AddressSet.of_runs(map(tuple, runs))
    assert made.runs == AddressSet(number for first, last in runs for number in range(first, last + 1)).runs


@pytest.mark.parametrize(
    ("subnet", "wanted"),
    [
        (Subnet("10.0.0.0/8", exclude=("10.0.0.0/9",)), (2**23 + 1, 2**24 - 2**23 - 1)),
        (Subnet("fd01::/64", exclude=("fd01::/65",)), (2**63, 2**63)),
        (Subnet("fd01::/64", exclude=("fd01::/64",)), (SATURATED, 0)),
        (Subnet("fd01::/64", exclude=("fd01::1",)), (2, 2**64 - 2)),
    ],
)
def test_large_subnets_are_counted_exactly(subnet, wanted):
    assert count_addresses(subnet, AddressSet()) == wanted


# --- choice and requests ---------------------------------------------------------------------------------------------


def test_excluded_addresses_are_not_chosen():
    host = on_lan(exclude=["10.0.1.0/30", "10.0.1.5", "10.0.1.7-10.0.1.9"], aux_addresses={"nas": "10.0.1.5"})
    assert [attach(host, name) for name in "abc"] == ["10.0.1.4", "10.0.1.6", "10.0.1.10"]


def test_ranges_are_used_in_the_order_in_which_they_are_given():
    host = on_lan(ip_range=["10.0.1.128-10.0.1.129", "10.0.1.8/31"])
    assert [attach(host, name) for name in "abcd"] == ["10.0.1.128", "10.0.1.129", "10.0.1.8", "10.0.1.9"]
    with pytest.raises(PlanError) as caught:
        attach(host, "e")
    assert "(ip_range 10.0.1.128-10.0.1.129 and 10.0.1.8/31, 4 of 4 in use)" in str(caught.value)


def test_a_full_subnet_names_what_it_excludes():
    host = on_lan(ip_range="10.0.1.8/31", exclude=["10.0.1.8"])
    assert attach(host, "a") == "10.0.1.9"
    with pytest.raises(PlanError, match=re.escape("(ip_range 10.0.1.8/31, without exclude 10.0.1.8, 1 of 1 in use)")):
        attach(host, "b")


@pytest.mark.parametrize("item", ["10.0.1.9", "10.0.1.8/30", "10.0.1.2-10.0.1.40"])
def test_a_request_for_an_excluded_address_is_refused(item):
    host = on_lan(exclude=[item])
    with pytest.raises(PlanError, match=re.escape(f"ipv4: 10.0.1.9 is excluded by {item} in exclude of {LAN} of network lan")):
        attach(host, "a", ipv4="10.0.1.9")


@pytest.mark.parametrize("asked", [{"ipv4": "10.0.1.9"}, {}])
@pytest.mark.parametrize("replace", [False, True])
def test_an_endpoint_that_has_an_excluded_address_keeps_it_with_a_warning(asked, replace):
    host = on_lan()
    attach(host, "a", ipv4="10.0.1.9")
    excluding = network("lan", [{"subnet": LAN, "exclude": ["10.0.1.8/30"]}], replace=replace)
    text = "endpoint lan/a: it keeps 10.0.1.9, which 10.0.1.8/30 in exclude of 10.0.1.0/24 of network lan excludes"
    assert host.run(excluding).warnings == (text,)
    again = host.run(endpoint("a", "lan", netns="a", replace=replace, **asked))
    assert (again.warnings, builders.said(again)) == ((text,), [])


def test_the_gateway_can_be_excluded():
    host = on_lan(exclude=["10.0.1.0/28"])
    assert host.record.networks["lan"].subnets[0].gateway == "10.0.1.1"
    assert attach(host, "a") == "10.0.1.16"


@pytest.mark.parametrize(
    ("mine", "theirs", "is_apart"),
    [
        (["10.0.1.0/26", "10.0.1.128/26"], "10.0.1.64/26", True),
        (["10.0.1.0/26", "10.0.1.128/26"], ["10.0.1.64/26", "10.0.1.192/26"], True),
        (["10.0.1.0/26", "10.0.1.128/26"], ["10.0.1.64/26", "10.0.1.190-10.0.1.200"], False),
        (["10.0.1.0/26", "10.0.1.128/26"], None, False),
    ],
)
def test_networks_share_a_subnet_if_none_of_their_ranges_overlap(mine, theirs, is_apart):
    host = on_lan(ip_range=mine)
    other = network("other", [{"subnet": LAN, **({"ip_range": theirs} if theirs else {})}], parent="eth1")
    if is_apart:
        host.run(other)
        with pytest.raises(PlanError, match="overlaps"):
            host.run(lan(ip_range=[*mine, "10.0.1.66-10.0.1.67"]))
        return
    with pytest.raises(PlanError, match=re.escape("ip_range 10.0.1.0/26 and 10.0.1.128/26) of network lan")):
        host.run(other)


def test_a_single_range_is_shown_as_before_and_several_as_a_list():
    assert (Subnet(LAN, ip_range="10.0.1.0/28").ip_ranges, Subnet(LAN, ip_ranges=("10.0.1.0/28",)).ip_range) == (("10.0.1.0/28",), "10.0.1.0/28")
    assert Subnet(LAN, ip_ranges=("10.0.1.0/28", "10.0.1.16/28")).ip_range is None
    stored = {"subnet": LAN, "ip_range": "10.0.1.0/28"}
    assert Subnet.from_plain(stored) == Subnet(LAN, ip_ranges=("10.0.1.0/28",))


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"exclude": "10.0.2.0/28"}, ("subnets[0].exclude: 10.0.2.0/28 is not inside 10.0.1.0/24",)),
        ({"exclude": ["10.0.1.9", "10.0.0.0/23"]}, ("subnets[0].exclude[1]: 10.0.0.0/23 is not inside",)),
        ({"exclude": ["10.0.1.250-10.0.2.3"]}, ("not inside",)),
        ({"exclude": ["fd01::1"]}, ("not inside",)),
        ({"exclude": ["nine"]}, ("subnets[0].exclude: 'nine' is neither an address nor a CIDR nor a range",)),
        ({"exclude": [""]}, ("subnets[0].exclude: '' is neither",)),
        ({"exclude": ["10.0.1.9-10.0.1.8"]}, ("ends before it begins",)),
        ({"exclude": ["10.0.1.9-fd01::8"]}, ("mixes IPv4 and IPv6",)),
        ({"exclude": ["10.0.1.0/33"]}, ("prefix length above 32",)),
        ({"exclude": ["10.0.1.9-"]}, ("an empty text is not an IP address",)),
        ({"ip_range": []}, ("subnets[0].ip_range: an empty list", "leave ip_range out")),
        ({"ip_range": ["10.0.1.0/28", "10.0.1.8-10.0.1.20"]}, ("subnets[0].ip_range[1]: 10.0.1.8-10.0.1.20 and 10.0.1.0/28 overlap",)),
        ({"ip_range": ["10.0.1.0/28", "10.0.1.0/28"]}, ("overlap",)),
        ({"ip_range": ["10.0.1.0/28", "10.0.2.0/28"]}, ("subnets[0].ip_range[1]: 10.0.2.0/28 is not inside",)),
        ({"ip_range": ["10.0.1.0/28", "10.0.1.255/32"]}, ("ip_range[1]", "holds no address")),
        ({"ip_range": ["10.0.1.0/28", "10.0.1.20"]}, ("ip_range[1]: '10.0.1.20' is neither",)),
        ({"ip_range": ["10.0.1.0/28", ""]}, ("ip_range[1]: '' is neither",)),
        ({"ip_range": ["fd01::/120"]}, ("not inside",)),
        ({"ip_range": ["10.0.1.20-10.0.1.10"]}, ("ends before it begins",)),
    ],
)
def test_what_cannot_be_meant_is_refused(values, words):
    with pytest.raises(OptionsError) as caught:
        lan(**values)
    (problem,) = caught.value.problems
    assert [word for word in words if word not in problem] == []


def test_host_bits_of_an_exclusion_are_cleared_with_a_note():
    assert lan(exclude=["10.0.1.9/28"]).notes == ("subnets[0].exclude: 10.0.1.9/28 has host bits set and is read as 10.0.1.0/28",)
    assert lan(exclude=["10.0.1.9/28"]).subnets[0].exclude == ("10.0.1.0/28",)
