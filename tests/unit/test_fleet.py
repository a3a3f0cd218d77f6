# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slices of hosts on shared wires, and what is found wrong with them."""

from __future__ import annotations

import ipaddress
import itertools
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.inventory import problems_of_fleet, subnets_of_place
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import network_options

IPV4 = {"subnet": "192.168.50.0/24", "slice_length": 26}
IPV6 = {"subnet": "2001:db8:50::/64", "slice_length": 112}
LAN = {"name": "lan", "subnets": [IPV4, IPV6]}


def segment(*subnets, name="lan", **options):
    return {"name": name, "subnets": list(subnets) or [IPV4], **options}


def ranges(segments, place, name="lan"):
    return [item["ip_range"] for item in subnets_of_place(segments, place)[name]]


# --- slices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        (0, [["192.168.50.0/26"], ["2001:db8:50::/112"]]),
        (3, [["192.168.50.192/26"], ["2001:db8:50::3:0/112"]]),
        ("2", [["192.168.50.128/26"], ["2001:db8:50::2:0/112"]]),
        ([2, 0], [["192.168.50.128/26", "192.168.50.0/26"], ["2001:db8:50::2:0/112", "2001:db8:50::/112"]]),
        ({"lan": 1}, [["192.168.50.64/26"], ["2001:db8:50::1:0/112"]]),
        ({"lan": [1, "3"]}, [["192.168.50.64/26", "192.168.50.192/26"], ["2001:db8:50::1:0/112", "2001:db8:50::3:0/112"]]),
    ],
)
def test_a_host_has_the_slices_at_its_places(place, wanted):
    assert ranges([LAN], place) == wanted


def test_slices_may_be_single_addresses_and_whole_subnets():
    single = segment({"subnet": "10.0.0.0/24", "slice_length": 32}, {"subnet": "fd00::/120", "slice_length": 128})
    assert ranges([single], [5, 255]) == [["10.0.0.5/32", "10.0.0.255/32"], ["fd00::5/128", "fd00::ff/128"]]
    assert ranges([segment({"subnet": "10.0.0.0/24", "slice_length": 24})], 0) == [["10.0.0.0/24"]]


def test_what_a_segment_says_of_a_subnet_is_said_of_the_network():
    said = {"subnet": "10.0.0.0/24", "gateway": "10.0.0.254", "exclude": ["10.0.0.9"], "aux_addresses": {"nas": "10.0.0.7"}}
    assert subnets_of_place([segment({**said, "slice_length": 25})], 1) == {"lan": [{**said, "ip_range": ["10.0.0.128/25"]}]}


def test_a_segment_in_which_a_host_has_no_place_is_left_out():
    both = [segment(name="a"), segment({"subnet": "10.0.0.0/24", "slice_length": 26}, name="b")]
    assert set(subnets_of_place(both, {"b": 1})) == {"b"} and set(subnets_of_place(both, 1)) == {"a", "b"}


lengths = st.integers(16, 32).flatmap(lambda length: st.tuples(st.just(length), st.integers(length, min(length + 12, 32))))


@given(lengths, st.data())
def test_slices_of_different_places_never_meet_and_a_network_takes_them(pair, data):
    """Whatever other hosts there are: a slice follows from its place alone."""
    length, slice_length = pair
    number = 1 << (slice_length - length)
    places = data.draw(st.lists(st.integers(0, number - 1), min_size=1, max_size=6, unique=True))
    on = [segment({"subnet": f"10.0.0.0/{length}", "slice_length": slice_length, "gateway": "none"})]
    blocks = [ipaddress.ip_network(*ranges(on, place)[0]) for place in places]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(blocks, 2))
    whole = ipaddress.ip_network(f"10.0.0.0/{length}")
    assert all(block.subnet_of(whole) and block.prefixlen == slice_length for block in blocks)
    assert ranges(on, places) == [[str(block) for block in blocks]]
    usable = [block for block in blocks if whole.prefixlen > 30 or {*block} - {whole[0], whole[-1]}]
    if usable:
        taken = [str(block) for block in usable]
        (read,) = network_options({"name": "n", "parent": "eth0", "subnets": [{"subnet": str(whole), "ip_range": taken}]}).subnets
        assert list(read.ip_ranges) == taken


# --- what is wrong --------------------------------------------------------------------------------------------------

OWN = {"place": 1, "addresses": ["192.168.50.70/24", "2001:db8:50::1:5"]}


def network(**params):
    return {"name": "n", "parent": "eth0", "subnets": [{"subnet": "192.168.50.0/24"}], **params}


def on_slices(place, count, **params):
    """A host that takes its subnets from the slices, with so many endpoints."""
    ends = [{"name": f"e{number}", "network": "n", **params} for number in range(count)]
    return {"place": place, "networks": [network(subnets=subnets_of_place([LAN], place)["lan"])], "endpoints": ends}


@pytest.mark.parametrize(
    ("segments", "hosts", "words"),
    [
        ([LAN], {}, []),
        ([LAN], {"a": 0, "b": 1, "c": {"place": [2, 3]}}, []),
        ([LAN], {"a": None, "b": {}}, []),
        ([segment()], {"b": 1, "a": 1}, ["a and b have the same place in segment lan, so both would give out 192.168.50.64/26"]),
        ([segment()], {"a": 1, "b": [0, 1], "c": {"place": {"lan": 1}}}, ["a, b and c have the same place in segment lan, so all would give out"]),
        ([segment()], {"a": 4}, ["a: there is no place 4 in 192.168.50.0/24 of segment lan, whose places are 0 to 3"]),
        (
            [segment({"subnet": "10.0.0.0/24", "slice_length": 30, "exclude": ["10.0.0.128/25"]})],
            {"a": 0, "b": 40},
            ["b: no endpoint can get an address of 10.0.0.160/30 in segment lan"],
        ),
        ([segment({"subnet": "10.0.0.0/24", "slice_length": 32})], {"a": 1}, ["a: no endpoint can get an address of 10.0.0.1/32"]),
        ([LAN], {"a": OWN}, []),
        (
            [LAN],
            {"a": {**OWN, "place": 0}, "b": 1},
            ["a itself has 192.168.50.70, which is in 192.168.50.64/26, the slice of b", "a itself has 2001:db8:50::1:5, which is in 2001:db8:50::1:0/112"],
        ),
        ([segment({**IPV4, "exclude": ["192.168.50.70"]})], {"a": {**OWN, "place": 0}, "b": 1}, []),
        ([segment(name="x"), segment(name="y")], {}, ["segments x and y share addresses: 192.168.50.0/24 and 192.168.50.0/24; give each its own"]),
        ([segment(name="x"), segment(name="y", isolated=True)], {"a": {"place": {"x": 1}}, "b": {"place": {"y": 1}}}, []),
        (
            [segment()],
            {"a": {"place": 1, "networks": [network()]}},
            ["a: network n would give out 192.168.50.1-192.168.50.254 of segment lan, whose slices of a are: 192.168.50.64/26"],
        ),
        (
            [segment()],
            {"a": {"networks": [network(subnets=[{"subnet": "192.168.0.0/16", "ip_range": "192.168.50.8/29"}])]}},
            ["a: network n would give out 192.168.50.8-192.168.50.15 of segment lan, whose slices of a are: none"],
        ),
        ([segment()], {"a": {"networks": [network(subnets=[{"subnet": "192.168.0.0/16", "ip_range": "192.168.51.8/29"}])]}}, []),
        ([segment()], {"a": {"networks": [network(parent=None), network(ipam="none", subnets=[]), network(subnets=[{"subnet": "x"}])]}}, []),
        ([LAN], {"a": on_slices(1, 64)}, []),
        ([LAN], {"a": on_slices(0, 62)}, []),
        ([LAN], {"a": on_slices(0, 63)}, ["a: network n needs 63 addresses of 192.168.50.0/24, and its slices in segment lan have 62"]),
        ([LAN], {"a": on_slices([0, 1], 126)}, []),
        ([LAN], {"a": on_slices([0, 1], 127)}, ["needs 127 addresses of 192.168.50.0/24, and its slices in segment lan have 126"]),
        ([LAN], {"a": on_slices(1, 70, ipv4="none")}, []),
        ([LAN], {"a": on_slices(1, 70, ipv4="192.168.50.5")}, []),
        ([LAN], {"a": {**on_slices(1, 64), "addresses": ["192.168.50.70/24"]}}, ["needs 64 addresses of 192.168.50.0/24, and its slices in segment"]),
    ],
)
def test_what_is_wrong_is_told_in_sentences(segments, hosts, words):
    told = problems_of_fleet(segments, hosts)
    assert len(told) == len(words), told
    for text, part in zip(told, words, strict=True):
        assert part in text


def test_the_order_of_hosts_does_not_matter():
    hosts = {"b": 1, "a": 1, "d": 9, "c": {"place": 2, "addresses": ["192.168.50.65"]}}
    assert problems_of_fleet([LAN], hosts) == problems_of_fleet([LAN], dict(reversed(hosts.items())))


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.integers(0, 7), max_size=3, unique=True)), st.integers(28, 31))
def test_a_fleet_is_clean_when_no_address_could_be_given_out_twice(places, slice_length):
    on = [segment({"subnet": "10.0.0.0/28", "slice_length": slice_length, "gateway": "none"})]
    number = 1 << (slice_length - 28)
    told = problems_of_fleet(on, places)
    blocks = [(name, ipaddress.ip_network(block)) for name, listed in places.items() for place in listed if place < number for block in ranges(on, place)[0]]
    twice = any(one.overlaps(other) for (dummy, one), (dummy, other) in itertools.combinations(blocks, 2))
    assert any("have the same place" in text for text in told) == twice
    assert any("there is no place" in text for text in told) == any(place >= number for listed in places.values() for place in listed)


# --- wrong input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("segments", "place", "words"),
    [
        (3, 1, "segments must be a list of dictionaries, not int"),
        ([3], 1, "segments[0] must be a dictionary, not int"),
        ([{"subnets": [IPV4]}], 1, "segments[0].name: "),
        ([{"name": "lan"}], 1, "segments[0].subnets: segment lan needs a list of at least one subnet"),
        ([segment({})], 1, "segments[0].subnets[0].subnet: write a subnet in CIDR form"),
        ([segment({"subnet": "10.0.0.0/33", "slice_length": 32})], 1, "segments[0].subnets[0].subnet: '10.0.0.0/33' has a prefix length above 32"),
        ([segment({"subnet": "10.0.0.0/8"})], 1, "a slice of 10.0.0.0/8 must be from 8 to 32, not left out"),
        ([segment({"subnet": "10.0.0.0/8", "slice_length": 7})], 1, "must be from 8 to 32, not 7"),
        ([segment({"subnet": "10.0.0.0/8", "slice_length": "x" * 99})], 1, "must be from 8 to 32, not 'xxx"),
        ([segment({"subnet": "10.0.0.0/8", "slice_length": True})], 1, "must be from 8 to 32, not True"),
        ([segment({**IPV4, "ip_range": "192.168.50.8/29"})], 1, "segments[0].subnets[0]: there is no ip_range; there are subnet, slice_length,"),
        ([segment({**IPV4, "exclude": ["10.0.0.1"]})], 1, "segments[0].subnets[0].exclude: 10.0.0.1 is not inside 192.168.50.0/24"),
        ([segment({**IPV4, "gateway": "10.0.0.1"})], 1, "segments[0].subnets[0].gateway: 10.0.0.1 is not inside 192.168.50.0/24"),
        ([segment(IPV4, {"subnet": "192.168.0.0/16", "slice_length": 24})], 1, "192.168.50.0/24 and 192.168.0.0/16 overlap"),
        ([segment(isolated="yes")], 1, "segments[0].isolated: 'yes' is neither true nor false"),
        ([segment(), segment()], 1, "segments: lan stands there twice"),
        ([segment(colour="red")], 1, "segments[0]: there is no colour; there are name, subnets, isolated"),
        ([LAN], None, "place is empty; give the host a place"),
        ([LAN], -1, "place: a place is a whole number from 0 on, not -1"),
        ([LAN], True, "place: a place is a whole number from 0 on, not True"),
        ([LAN], "one", "place: a place is a whole number from 0 on, not 'one'"),
        ([LAN], [1, 1], "place: a place stands there twice"),
        ([LAN], {"wan": 1}, "place: there is no segment wan; there are lan"),
        ([LAN], {"lan": 1.5}, "place.lan: a place is a whole number from 0 on, not 1.5"),
        ([LAN], 4, "place 4 is not in segment lan: 192.168.50.0/24 has 4 slices of /26, with the places 0 to 3"),
        ([LAN], 10**30, f"place {10**30} is not in segment lan"),
    ],
)
def test_wrong_input_is_refused_in_words(segments, place, words):
    with pytest.raises(OptionsError) as refused:
        subnets_of_place(segments, place)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("hosts", "words"),
    [
        ([], "hosts must be a dictionary"),
        ({"a": {"plaice": 1}}, "a: there is no plaice; there are place, addresses, networks, endpoints"),
        ({"a": {"addresses": ["x"]}}, "a.addresses[0]: 'x' is not an IP address"),
        ({"a": {"place": 1, "networks": 5}}, "a.networks must be a list of dictionaries, not int"),
        ({"a": {"addresses": "192.168.50.7"}}, "a.addresses must be a list of addresses, not str"),
    ],
)
def test_hosts_that_cannot_be_read_are_refused_in_words(hosts, words):
    with pytest.raises(OptionsError) as refused:
        problems_of_fleet([LAN], hosts)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fleet_slices", "Error: fleet_slices cannot work out the slices of this host: segments must be a list"),
        ("fleet_hosts", "Error: fleet_hosts takes the variables of hosts, which are hostvars, and a list"),
        ("fleet_networks", "Error: fleet_networks takes a list of networks, and a dictionary of segments"),
        ("fleet_problems", "Error: fleet_problems takes a dictionary of hosts"),
        ("fleet_lint", "Error: fleet_lint cannot read the fleet: segments must be a list"),
    ],
)
def test_a_filter_says_what_it_could_not_do(name, words):
    """In a process of its own: with Ansible's errors comes the whole controller, and modules here would report to that."""
    call = f"from ansible_collections.fleetnet.macvlan.plugins.filter.{name} import FilterModule; FilterModule().filters()['{name}'](3, 1)"
    done = subprocess.run([sys.executable, "-c", call], check=False, capture_output=True, text=True)
    assert done.returncode != 0 and words in done.stderr
