# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses: what a text means, which address is next, what is inferred, what is chosen."""

from __future__ import annotations

import ipaddress
import socket
import sys

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host import errors
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.address_set import AddressSet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.mac import mac_of_ipv4, mac_of_names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.subnets import (
    DEFAULT_POOLS,
    choose_subnet,
    count_addresses,
    infer_gateway,
    next_address,
    subnet_problem,
    ula_prefix,
    usable,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Subnet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import (
    block_of,
    parse_address,
    parse_mac,
    parse_network,
    parse_range,
    prefix_length,
    version_of,
)
from ansible_collections.fleetnet.macvlan.tests.unit import strategies as draws

pytestmark = pytest.mark.engine

FAMILIES = (socket.AF_INET, socket.AF_INET6)


def read_by_kernel(text):
    """How inet_pton and inet_ntop, which read the kernel's addresses, write it; None when they refuse it."""
    for family in FAMILIES:
        try:
            return socket.inet_ntop(family, socket.inet_pton(family, text))
        except (OSError, ValueError):
            continue
    return None


def every_address(text):
    """All addresses of a small CIDR or range, as numbers, by the standard library."""
    if "/" in text:
        network = ipaddress.ip_network(text)
        return range(int(network.network_address), int(network.broadcast_address) + 1)
    first, dummy, last = text.partition("-")
    return range(int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last)) + 1)


def may_be_given(network):
    """The addresses of a network that endpoints may hold, as numbers, by the rules of the design."""
    numbers = every_address(str(network))
    if network.version == 6:
        return numbers if network.prefixlen == 128 else numbers[1:]
    return numbers if network.prefixlen >= 31 else numbers[1:-1]


@st.composite
def pools_in_use(draw):
    """(network, ip_range or None, taken numbers): small enough to look at every address."""
    network = draw(draws.small_networks())
    ip_range = draw(st.none() | draws.parts_of(network))
    taken = draw(st.sets(st.sampled_from(every_address(str(network))), max_size=40))
    return network, ip_range, taken


# --- texts ----------------------------------------------------------------------------------------------------------


@given(draws.addresses())
@example(ipaddress.ip_address("::ffff:192.0.2.1"))
@example(ipaddress.ip_address("::192.0.2.1"))
@example(ipaddress.ip_address("2001:db8:0:0:1:0:0:1"))
def test_an_address_is_written_as_those_that_are_read_from_the_kernel(address):
    for text in (str(address), address.exploded, address.exploded.upper()):
        canonical = parse_address(text)
        assert canonical == read_by_kernel(text)
        assert parse_address(canonical) == canonical


@given(draws.any_text | st.text("0123456789abcdefx.:/%- ", max_size=20))
@example("1.2.3.4\0")
@example("fe80::1%eth0")
@example("")
def test_no_address_is_read_that_inet_pton_refuses(text):
    try:
        canonical = parse_address(text)
    except ValueError:
        assert read_by_kernel(text) is None
    else:
        assert canonical == read_by_kernel(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("10.1", id="abbreviated"),
        pytest.param("010.0.0.1", id="leading-zero"),
        pytest.param("0x0a000001", id="hexadecimal"),
        pytest.param("167772161", id="one-number"),
        pytest.param("10.0.0.256", id="too-high"),
        pytest.param(" 10.0.0.1", id="space"),
        pytest.param("10.0.0.1\n", id="line-end"),
        pytest.param("1:2:3", id="too-few-groups"),
        pytest.param("1::2::3", id="two-gaps"),
        pytest.param("[::1]", id="brackets"),
    ],
)
def test_a_text_that_is_no_address_is_refused_and_named(text):
    with pytest.raises(ValueError, match="is not an IP address") as caught:
        parse_address(text)
    assert text in str(caught.value)


def test_an_address_with_a_prefix_length_is_refused_with_that_reason():
    with pytest.raises(ValueError, match="without a prefix length"):
        parse_address("10.0.0.1/24")


@pytest.mark.parametrize(
    ("text", "canonical", "had_host_bits"),
    [
        pytest.param("172.16.48.0/22", "172.16.48.0/22", False, id="without-host-bits"),
        pytest.param("172.16.50.0/22", "172.16.48.0/22", True, id="host-bits-of-ipv4"),
        pytest.param("10.1.100.0/16", "10.1.0.0/16", True, id="host-bits-of-a-wide-network"),
        pytest.param("10.0.0.1/32", "10.0.0.1/32", False, id="one-address"),
        pytest.param("2001:DB8::1/64", "2001:db8::/64", True, id="host-bits-of-ipv6"),
        pytest.param("2001:0db8:0::/64", "2001:db8::/64", False, id="another-spelling-has-no-host-bits"),
        pytest.param("10.0.0.0/08", "10.0.0.0/8", False, id="leading-zero-of-the-length"),
        pytest.param("1.2.3.4/0", "0.0.0.0/0", True, id="length-0"),
    ],
)
def test_a_network_is_read_without_its_host_bits(text, canonical, had_host_bits):
    assert parse_network(text) == (canonical, had_host_bits)


@given(draws.networks(), st.integers(0))
def test_a_network_is_read_as_the_standard_library_reads_it(network, offset):
    address = network[offset % network.num_addresses]
    canonical, had_host_bits = parse_network(f"{address}/{network.prefixlen}")
    assert ipaddress.ip_network(canonical) == network
    assert had_host_bits == (address != network.network_address)
    assert parse_network(canonical) == (canonical, False)
    assert prefix_length(canonical) == network.prefixlen


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("10.0.0.0", id="no-length"),
        pytest.param("10.0.0.0/", id="empty-length"),
        pytest.param("10.0.0.0/33", id="too-long-for-ipv4"),
        pytest.param("::/129", id="too-long-for-ipv6"),
        pytest.param("10.0.0.0/-1", id="negative-length"),
        pytest.param("10.0.0.0/+8", id="length-with-sign"),
        pytest.param("10.0.0.0/ 8", id="length-with-space"),
        pytest.param("10.0.0.0/\u0668", id="length-in-another-script"),
        pytest.param("10.0.0.0/" + "9" * 5000, id="length-of-many-digits"),
        pytest.param("10.0.0.0/255.0.0.0", id="mask"),
        pytest.param("10.0.0.0/8/8", id="two-lengths"),
        pytest.param("10/8", id="abbreviated"),
        pytest.param("/8", id="no-address"),
    ],
)
def test_a_text_that_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match=r"is not|has a prefix length above|Exceeds the limit"):
        parse_network(text)


@pytest.mark.parametrize(
    ("text", "canonical", "had_host_bits"),
    [
        pytest.param("192.168.1.128/25", "192.168.1.128/25", False, id="cidr"),
        pytest.param("192.168.1.130/25", "192.168.1.128/25", True, id="cidr-with-host-bits"),
        pytest.param("192.168.1.10-192.168.1.20", "192.168.1.10-192.168.1.20", False, id="range"),
        pytest.param("192.168.1.10 - 192.168.1.20", "192.168.1.10-192.168.1.20", False, id="range-with-spaces"),
        pytest.param("192.168.1.10-192.168.1.10", "192.168.1.10-192.168.1.10", False, id="range-of-one"),
        pytest.param("FD00::1-FD00:0::ff", "fd00::1-fd00::ff", False, id="range-of-ipv6"),
    ],
)
def test_an_ip_range_is_a_network_or_a_start_and_an_end(text, canonical, had_host_bits):
    assert parse_range(text) == (canonical, had_host_bits)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("192.168.1.1", "neither a CIDR nor a range", id="one-address"),
        pytest.param("192.168.1.1-", "is not an IP address", id="without-end"),
        pytest.param("-192.168.1.1", "is not an IP address", id="without-start"),
        pytest.param("192.168.1.20-192.168.1.10", "ends before it begins", id="backwards"),
        pytest.param("192.168.1.1-fd00::1", "mixes IPv4 and IPv6", id="both-families"),
        pytest.param("192.168.1.10-20", "is not an IP address", id="short-end"),
    ],
)
def test_an_ip_range_that_is_neither_is_refused_with_the_reason(text, words):
    with pytest.raises(ValueError, match=words):
        parse_range(text)


@given(draws.small_networks().flatmap(draws.parts_of))
def test_an_ip_range_holds_the_addresses_that_it_names(text):
    canonical, dummy = parse_range(text)
    block = block_of(canonical)
    assert range(block.first, block.last + 1) == every_address(text)
    assert parse_range(canonical) == (canonical, False)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("02:42:c0:a8:d8:0b", "02:42:c0:a8:d8:0b", id="canonical"),
        pytest.param("02:42:C0:A8:D8:0B", "02:42:c0:a8:d8:0b", id="upper-case"),
        pytest.param("02-42-c0-a8-d8-0b", "02:42:c0:a8:d8:0b", id="dashes"),
    ],
)
def test_a_mac_address_is_read_in_lower_case_with_colons(text, canonical):
    assert parse_mac(text) == canonical


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("01:00:5e:00:00:01", "multicast", id="multicast"),
        pytest.param("ff:ff:ff:ff:ff:ff", "multicast", id="broadcast"),
        pytest.param("00:00:00:00:00:00", "zeros", id="zeros"),
        pytest.param("02:42:c0:a8:d8", "is not a MAC address", id="five-bytes"),
        pytest.param("02:42:c0:a8:d8:0b:00", "is not a MAC address", id="seven-bytes"),
        pytest.param("02:42:c0-a8:d8:0b", "is not a MAC address", id="mixed-separators"),
        pytest.param("0242.c0a8.d80b", "is not a MAC address", id="dots"),
        pytest.param("2:42:c0:a8:d8:b", "is not a MAC address", id="short-bytes"),
        pytest.param("02:42:c0:a8:d8:0g", "is not a MAC address", id="no-hex"),
        pytest.param("02:42:c0:a8:d8:0b\n", "is not a MAC address", id="line-end"),
        pytest.param("", "is not a MAC address", id="empty"),
    ],
)
def test_a_mac_address_that_no_link_can_have_is_refused_with_the_reason(text, words):
    with pytest.raises(ValueError, match=words):
        parse_mac(text)


def test_without_netaddr_the_library_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "netaddr", None)
    with pytest.raises(errors.MissingLibraryError, match=r"netaddr >= 0\.8") as caught:
        parse_address("10.0.0.1")
    assert isinstance(caught.value.__cause__, ImportError)


# --- blocks ---------------------------------------------------------------------------------------------------------


@given(draws.networks(), draws.networks())
def test_networks_overlap_as_the_standard_library_says_and_in_either_order(one, other):
    blocks = block_of(str(one)), block_of(str(other))
    wanted = one.version == other.version and one.overlaps(other)
    assert blocks[0].overlaps(blocks[1]) == blocks[1].overlaps(blocks[0]) == wanted


@given(draws.networks(4, 20, 32).map(lambda net: ipaddress.ip_network((int(net[0]) % 2**12, net.prefixlen), False)))
def test_a_block_covers_exactly_what_is_inside(network):
    middle = block_of("0.0.4.0/22")
    assert middle.covers(block_of(str(network))) == network.subnet_of(ipaddress.ip_network("0.0.4.0/22"))


def test_a_block_never_holds_or_covers_the_other_family():
    assert "::1" not in block_of("0.0.0.0/0")
    assert not block_of("0.0.0.0/0").covers(block_of("::1/128"))
    assert not block_of("0.0.0.0/0").overlaps(block_of("::/0"))


@given(draws.addresses())
def test_an_address_comes_back_from_its_number(address):
    canonical = parse_address(str(address))
    assert inet.number(canonical) == int(address)
    assert inet.to_text(address.version, int(address)) == canonical
    assert version_of(canonical) == address.version


# --- subnets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cidr", "words"),
    [
        pytest.param("0.0.0.0/0", "address_pools", id="everything-ipv4"),
        pytest.param("0.0.0.0/8", "address_pools", id="zero-network-of-some-length"),
        pytest.param("::/0", "address_pools", id="everything-ipv6"),
        pytest.param("::/64", "address_pools", id="zero-network-of-ipv6"),
        pytest.param("127.1.0.0/16", "loopback", id="loopback-ipv4"),
        pytest.param("::1/128", "loopback", id="loopback-ipv6"),
        pytest.param("224.0.0.0/4", "multicast", id="all-of-multicast"),
        pytest.param("239.1.2.0/24", "multicast", id="some-of-multicast"),
        pytest.param("ff02::/64", "multicast", id="multicast-ipv6"),
        pytest.param("169.254.7.0/24", "link-local", id="link-local-ipv4"),
        pytest.param("fe80::/64", "link-local", id="link-local-ipv6"),
        pytest.param("0.1.0.0/16", "reserved", id="this-network"),
        pytest.param("240.0.0.0/8", "reserved", id="class-e"),
        pytest.param("255.255.255.255/32", "reserved", id="limited-broadcast"),
        pytest.param("::ffff:0:0/96", "reserved", id="ipv4-mapped"),
    ],
)
def test_a_subnet_in_space_that_endpoints_cannot_have_is_refused_with_the_space(cidr, words):
    assert words in subnet_problem(cidr)


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "126.0.0.0/7", "192.0.2.0/32", "fd00::/8", "2000::/3", "fc00::/6"])
def test_a_subnet_that_is_not_wholly_inside_such_space_is_taken(cidr):
    assert subnet_problem(cidr) is None


@pytest.mark.parametrize(
    ("cidr", "gateway"),
    [
        pytest.param("10.1.100.0/24", "10.1.100.1", id="24"),
        pytest.param("10.1.100.128/25", "10.1.100.129", id="25"),
        pytest.param("10.0.0.0/30", "10.0.0.1", id="30"),
        pytest.param("10.0.0.0/31", None, id="31-has-two-ends"),
        pytest.param("10.0.0.7/32", None, id="32-is-one-address"),
        pytest.param("10.0.0.0/8", "10.0.0.1", id="8"),
        pytest.param("2001:db8:abc8::/64", "2001:db8:abc8::1", id="ipv6-64"),
        pytest.param("fd00::/126", "fd00::1", id="ipv6-126"),
        pytest.param("fd00::/127", None, id="ipv6-127-has-two-ends"),
        pytest.param("fd00::1/128", None, id="ipv6-128-is-one-address"),
    ],
)
def test_the_first_usable_address_is_inferred_as_gateway_where_there_is_room_for_one(cidr, gateway):
    assert infer_gateway(cidr) == gateway


@given(draws.small_networks())
def test_endpoints_may_hold_all_but_network_broadcast_and_first_ipv6_address(network):
    inside = usable(str(network))
    assert list(range(inside.first, inside.last + 1)) == list(may_be_given(network))


@given(draws.networks())
def test_an_inferred_gateway_is_the_lowest_address_that_endpoints_may_hold(network):
    gateway = infer_gateway(str(network))
    assume(gateway is not None)
    assert inet.number(gateway) == usable(str(network)).first


@given(pools_in_use())
def test_the_next_address_is_the_lowest_that_is_free_and_may_be_given(case):
    network, ip_range, taken = case
    wide = every_address(str(network) if ip_range is None else ip_range)
    free = [number for number in may_be_given(network) if number in wide and number not in taken]
    found = next_address(Subnet(str(network), ip_range=ip_range), AddressSet(taken))
    assert found == (inet.to_text(network.version, free[0]) if free else None)


@given(draws.networks())
def test_the_first_address_of_a_network_of_any_size_is_found(network):
    found = next_address(Subnet(str(network)), AddressSet())
    inside = usable(str(network))
    assert found == (inet.to_text(network.version, inside.first) if inside.first <= inside.last else None)


@pytest.mark.parametrize(
    ("subnet", "taken", "wanted"),
    [
        pytest.param(Subnet("192.168.136.0/24"), {"192.168.136.1", "192.168.136.2"}, "192.168.136.3", id="lowest-free"),
        pytest.param(Subnet("10.0.0.0/29"), {f"10.0.0.{last}" for last in range(1, 7)}, None, id="broadcast-is-left"),
        pytest.param(Subnet("10.0.0.0/31"), set(), "10.0.0.0", id="31-gives-both-1"),
        pytest.param(Subnet("10.0.0.0/31"), {"10.0.0.0"}, "10.0.0.1", id="31-gives-both-2"),
        pytest.param(Subnet("10.0.0.9/32"), set(), "10.0.0.9", id="32-gives-itself"),
        pytest.param(Subnet("10.0.0.0/24", ip_range="10.0.0.128/25"), set(), "10.0.0.128", id="range-begins-inside"),
        pytest.param(Subnet("10.0.0.0/24", ip_range="10.0.0.0/30"), set(), "10.0.0.1", id="range-at-the-start"),
        pytest.param(Subnet("10.0.0.0/24", ip_range="10.0.0.9-10.0.0.9"), {"10.0.0.9"}, None, id="range-is-full"),
        pytest.param(Subnet("fd11::/64"), {"fd11::1", "fd11::2"}, "fd11::3", id="ipv6"),
        pytest.param(Subnet("fd11::/127"), set(), "fd11::1", id="ipv6-127"),
        pytest.param(Subnet("fd11::9/128"), set(), "fd11::9", id="ipv6-128-gives-itself"),
        pytest.param(Subnet("fd11::9/128"), {"fd11::9"}, None, id="ipv6-128-is-full"),
    ],
)
def test_the_next_address(subnet, taken, wanted):
    assert next_address(subnet, AddressSet(inet.number(address) for address in taken)) == wanted


@given(pools_in_use())
def test_what_is_available_is_what_can_still_be_given_and_with_what_is_in_use_all_there_is(case):
    network, ip_range, taken = case
    subnet = Subnet(str(network), ip_range=ip_range)
    in_use, available = count_addresses(subnet, AddressSet(taken))
    never_given = set(every_address(str(network))) - set(may_be_given(network))
    assert in_use == len(never_given | taken)
    given_out = AddressSet(taken)
    for dummy in range(available):
        given_out.add(inet.number(next_address(subnet, given_out)))
    assert next_address(subnet, given_out) is None
    if ip_range is None:
        assert in_use + available == network.num_addresses


@pytest.mark.parametrize(
    ("subnet", "taken", "wanted"),
    [
        pytest.param(Subnet("10.0.0.0/24"), {1}, (3, 253), id="gateway-and-two-that-are-never-given"),
        pytest.param(Subnet("10.0.0.0/31"), set(), (0, 2), id="31"),
        pytest.param(Subnet("10.0.0.0/24", ip_range="10.0.0.128/25"), {1, 200}, (4, 126), id="range"),
        pytest.param(Subnet("fd00::/64"), set(), (1, 2**64 - 1), id="ipv6-64"),
        pytest.param(Subnet("fd00::/64"), {1}, (2, 2**64 - 2), id="ipv6-64-with-a-lease"),
        pytest.param(Subnet("fd00::/48"), {1}, (2, 2**64 - 1), id="ipv6-48-saturates"),
    ],
)
def test_the_counts_of_a_subnet(subnet, taken, wanted):
    first = block_of(subnet.subnet).first
    assert count_addresses(subnet, AddressSet(first + offset for offset in taken)) == wanted


# --- sets of addresses ----------------------------------------------------------------------------------------------

SMALL = st.integers(0, 40)


@given(st.sets(SMALL), st.lists(st.tuples(st.sampled_from(["add", "discard"]), SMALL)), SMALL, SMALL)
def test_a_set_of_addresses_is_a_set(values, changes, one, other):
    addresses, plain = AddressSet(values), set(values)
    for change, value in changes:
        getattr(addresses, change)(value)
        getattr(plain, change)(value)
    assert [value for value in range(42) if value in addresses] == sorted(plain)
    assert addresses.next_free(one) == min(value for value in range(one, 43) if value not in plain)
    first, last = sorted((one, other))
    assert addresses.count(first, last) == len(plain & set(range(first, last + 1)))


def test_a_set_that_is_nearly_full_finds_its_holes():
    addresses = AddressSet(range(65536))
    assert addresses.next_free(0) == 65536
    for hole in (7, 6, 40000):
        addresses.discard(hole)
    assert [addresses.next_free(value) for value in (0, 7, 8)] == [6, 7, 40000]
    assert addresses.count(0, 65535) == 65533


# --- subnets that are chosen ----------------------------------------------------------------------------------------


def test_the_default_pools_are_tried_in_dockers_order():
    wanted = [f"172.{second}.0.0/16" for second in range(17, 32)]
    wanted += [f"192.168.{third}.0/20" for third in range(0, 256, 16)]
    chosen = []
    while (found := choose_subnet(DEFAULT_POOLS, chosen)) is not None:
        chosen.append(found)
    assert chosen == wanted


@st.composite
def choices(draw):
    """(pools, occupied networks) close together, with few enough subnets to try each."""
    version = draw(draws.versions)
    start, width = (0x0A000000, 32) if version == 4 else (0xFD << 120, 128)
    near = st.integers(0, 2**12 - 1).map(lambda offset: start + offset)

    def network(shortest, longest):
        return st.builds(
            lambda number, length: draws.NETWORK[version]((number, length), strict=False),
            near,
            st.integers(shortest, longest),
        )

    bases = draw(st.lists(network(width - 12, width - 4), min_size=1, max_size=3))
    pools = [(str(base), draw(st.integers(base.prefixlen, min(base.prefixlen + 6, width)))) for base in bases]
    occupied = draw(st.lists(network(width - 12, width), max_size=12))
    return pools, [str(item) for item in occupied]


@given(choices())
def test_the_chosen_subnet_is_the_first_of_the_pools_that_overlaps_nothing(case):
    pools, occupied = case
    busy = [ipaddress.ip_network(cidr) for cidr in occupied]
    every = (subnet for base, size in pools for subnet in ipaddress.ip_network(base).subnets(new_prefix=size))
    free = next((subnet for subnet in every if not any(subnet.overlaps(other) for other in busy)), None)
    found = choose_subnet(pools, occupied)
    assert (None if found is None else ipaddress.ip_network(found)) == free


@pytest.mark.parametrize(
    ("pools", "occupied", "wanted"),
    [
        pytest.param((("10.0.0.0/8", 24),), (), "10.0.0.0/24", id="nothing-occupied"),
        pytest.param((("10.0.0.0/8", 24),), ("10.0.0.0/9",), "10.128.0.0/24", id="past-a-wide-obstacle"),
        pytest.param((("10.0.0.0/8", 24),), ("10.0.0.77/32",), "10.0.1.0/24", id="past-a-host-route"),
        pytest.param((("10.0.0.0/24", 25),), ("10.0.0.0/23",), None, id="exhausted"),
        pytest.param((("10.0.0.0/24", 24), ("10.9.0.0/24", 24)), ("10.0.0.0/24",), "10.9.0.0/24", id="next-pool"),
        pytest.param((("10.0.0.0/24", 24),), ("fd00::/64",), "10.0.0.0/24", id="other-family-is-no-obstacle"),
        pytest.param((("10.0.0.4/32", 32),), (), "10.0.0.4/32", id="pool-of-one-address"),
        pytest.param((("fd00::/8", 64),), ("fd00::/64",), "fd00:0:0:1::/64", id="ipv6"),
        pytest.param((), (), None, id="no-pool"),
    ],
)
def test_the_chosen_subnet(pools, occupied, wanted):
    assert choose_subnet(pools, occupied) == wanted


@given(draws.words)
def test_a_host_has_one_ula_prefix_in_the_locally_assigned_half(host):
    prefix = ipaddress.ip_network(ula_prefix(host))
    assert prefix.prefixlen == 48
    assert prefix.subnet_of(ipaddress.ip_network("fd00::/8"))
    assert ula_prefix(host) == str(prefix)


def test_two_hosts_have_different_ula_prefixes():
    assert ula_prefix("one") != ula_prefix("other")


# --- MAC addresses --------------------------------------------------------------------------------------------------


@given(draws.addresses(4))
@example(ipaddress.ip_address("192.168.216.11"))
def test_the_mac_of_an_ipv4_address_is_0242_and_its_four_bytes(address):
    mac = mac_of_ipv4(str(address))
    assert bytes.fromhex(mac.replace(":", "")) == b"\x02\x42" + address.packed
    assert parse_mac(mac) == mac


def test_the_mac_of_the_specifications_example():
    assert mac_of_ipv4("192.168.216.11") == "02:42:c0:a8:d8:0b"


def test_the_mac_of_names_depends_on_host_network_and_endpoint():
    macs = {mac_of_names(*words) for words in (("h", "n", "e"), ("g", "n", "e"), ("h", "m", "e"), ("h", "n", "f"))}
    assert len(macs) == 4
    assert all(mac.startswith("02:42:") and parse_mac(mac) == mac for mac in macs)
    assert mac_of_names("h", "n", "e") in macs
