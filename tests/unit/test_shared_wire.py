# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No job gives two hosts of one wire the same address or MAC address, or lets both give it out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.shared_wire import conflicts

LAN = "192.168.50.0/24"
LAN6 = "2001:db8:50::/64"
WEB1 = {"network": "web", "endpoint": "web1", "endpoint_netns": "web1"}


def subnet(cidr=LAN, ip_range=None):
    return {"subnet": cidr, "ip_range": ip_range}


def net(*subnets, parent="eth0", **more):
    return {"name": "web", "parent": parent, "ipam": "default", "subnets": list(subnets), **more}


def create(*subnets, parent="eth0", **more):
    about = {"network": "web", "network_ipam": "default", "network_subnets": list(subnets), **more}
    return {"answers": {**about, **({"network_parent": parent} if parent else {})}}


def attach(*networks, endpoints=(), isolated=False, **answers):
    asked = {**WEB1, **{f"endpoint_{name}": value for name, value in answers.items()}, "isolated": isolated}
    return {"answers": asked, "networks": list(networks), "endpoints": list(endpoints)}


def declare(*networks, endpoints=(), **answers):
    return {"answers": answers, "networks": list(networks), "endpoints": list(endpoints)}


def recorded(name="other", **addresses):
    return {"name": name, "network": "web", **addresses}


def told(job, *abouts):
    return conflicts(job, {f"edge{number}": about for number, about in enumerate(abouts, 1)})


PART1, PART2 = subnet(LAN, "192.168.50.32/27"), subnet(LAN, "192.168.50.64/27")
SIX1, SIX2 = subnet(LAN6, "2001:db8:50::1:0/112"), subnet(LAN6, "2001:db8:50::2:0/112")
OWN = net(parent="dm-0123456789ab", internal=True)

REFUSED = {
    "a whole subnet": ("network_create", [create(subnet())] * 2, ["network_ip_ranges: edge1 and edge2", f"all of {LAN}"]),
    "a whole subnet that is written in two ways": (
        "network_create",
        [create(subnet()), create(subnet("192.168.50.7/24"))],
        ["edge1 and edge2", LAN],
    ),
    "one range for all": ("network_create", [create(PART1)] * 2, ["all of 192.168.50.32/27", "ip_ranges_from=web_ranges"]),
    "ranges that overlap": (
        "network_create",
        [create(PART1), create(subnet(LAN, "192.168.50.60-192.168.50.70"))],
        ["192.168.50.32/27 (edge1) and 192.168.50.60-192.168.50.70 (edge2)", "macvlan_job_isolated=true"],
    ),
    "a range on one of them": ("network_create", [create(PART1), create(subnet())], [f"{LAN} (edge2)"]),
    "a place that was copied": ("network_create", [create(PART1), create(PART2), create(PART2)], ["edge2 and edge3"]),
    "IPv6 without a range": ("network_create", [create(PART1, subnet(LAN6)), create(PART2, subnet(LAN6))], [f"all of {LAN6}"]),
    "an internal network on a link": (
        "network_create",
        [create(subnet(), network_internal=True)] * 2,
        ["edge1 and edge2"],
    ),
    "a subnet that each host chooses": ("network_create", [create()] * 2, ["macvlan_job_network_subnets", "edge1 and edge2"]),
    "a host without answers": ("network_create", [create(PART1), {}], ["edge2: no answers"]),
    "hosts beside one that is isolated": (
        "network_create",
        [create(subnet()), create(subnet(), isolated=True), create(subnet())],
        ["edge1 and edge3"],
    ),
    "a fixed IPv4 address": (
        "endpoint_attach",
        [attach(ipv4="192.168.50.77")] * 2,
        ["macvlan_job_endpoint_ipv4: 192.168.50.77", "edge1 and edge2", "leave it out", "target_hosts"],
    ),
    "a further address that is the first one of another host": (
        "endpoint_attach",
        [attach(ipv4="192.168.50.77"), attach(ipv4="192.168.50.78", addresses=["192.168.50.77"])],
        ["macvlan_job_endpoint_ipv4: 192.168.50.77 would be on edge1 and edge2"],
    ),
    "further addresses in two ways": (
        "endpoint_attach",
        [attach(ipv4="none", ipv6="none", addresses=[text, "192.168.50.5"]) for text in ("2001:db8::1", "2001:DB8:0::1")],
        ["macvlan_job_endpoint_addresses: 2001:db8::1 would be on edge1 and edge2", "macvlan_job_endpoint_addresses: 192.168.50.5"],
    ),
    "a further address does not say which is the first": (
        "endpoint_attach",
        [attach(net(subnet()), addresses=[f"192.168.50.{number}"]) for number in (5, 6)],
        [f"{LAN} (edge1 and edge2)"],
    ),
    "a further address that an endpoint of another host has": (
        "endpoint_attach",
        [attach(ipv4="192.168.50.70"), attach(ipv4="192.168.50.71", endpoints=[recorded(ipv4="192.168.50.72/24", addresses=["192.168.50.70/24"])])],
        ["192.168.50.70 of edge1 is on edge2 already"],
    ),
    "a fixed IPv6 address in two ways": (
        "endpoint_attach",
        [attach(ipv6="2001:db8::1"), attach(ipv6="2001:DB8:0::1")],
        ["endpoint_ipv6: 2001:db8::1"],
    ),
    "a fixed MAC address in two ways": (
        "endpoint_attach",
        [attach(mac="02:42:00:00:00:aa"), attach(mac="02-42-00-00-00-AA")],
        ["endpoint_mac: 02:42:00:00:00:aa"],
    ),
    "a recorded network without a range": (
        "endpoint_attach",
        [attach(net(subnet()))] * 2,
        ["macvlan_job_network: edge1 and edge2", "network_create"],
    ),
    "a fixed address that another host can choose": (
        "endpoint_attach",
        [attach(net(PART1), ipv4="192.168.50.70"), attach(net(PART2))],
        ["192.168.50.70 (edge1)"],
    ),
    "a fixed address that an endpoint of another host has": (
        "endpoint_attach",
        [attach(ipv4="192.168.50.70"), attach(ipv4="192.168.50.71", endpoints=[recorded(ipv4="192.168.50.70/24")])],
        ["192.168.50.70 of edge1 is on edge2 already"],
    ),
    "the same address that both have already": (
        "endpoint_attach",
        [attach(net(part), endpoints=[recorded("web1", ipv4="192.168.50.2/24")]) for part in (PART1, PART2)],
        ["192.168.50.2"],
    ),
    "IPv6 beside a fixed IPv4 address": (
        "endpoint_attach",
        [attach(net(subnet(), subnet(LAN6)), ipv4=f"192.168.50.{number}") for number in (5, 6)],
        [f"all of {LAN6}"],
    ),
    "declared networks": ("site", [declare(net(PART1))] * 2, ["macvlan_host_networks", "ip_range"]),
    "declared addresses": (
        "site",
        [declare(net(part), endpoints=[recorded(ipv4="192.168.50.9", mac="02:00:00:00:00:09")]) for part in (PART1, PART2)],
        ["macvlan_host_endpoints: ipv4: 192.168.50.9", "macvlan_host_endpoints: mac: 02:00:00:00:00:09"],
    ),
}
ALLOWED = {
    "one host": ("network_create", [create(subnet())]),
    "ranges of their own": ("network_create", [create(PART1, SIX1), create(PART2, SIX2)]),
    "ranges side by side": ("network_create", [create(PART1), create(subnet(LAN, "192.168.50.64-192.168.50.70"))]),
    "other subnets": ("network_create", [create(subnet()), create(subnet("192.168.51.0/24"))]),
    "isolated hosts": ("network_create", [create(subnet(), isolated=True)] * 2),
    "no parent": ("network_create", [create(subnet(), parent=None)] * 2),
    "no parent and no subnet": ("network_create", [create(parent=None)] * 2),
    "links without addresses": ("network_create", [create(network_ipam="none")] * 2),
    "what the module refuses": ("network_create", [create(subnet("192.168.50.0"), subnet(LAN, "x")), create(subnet(""))]),
    "recorded ranges": ("endpoint_attach", [attach(net(PART1, SIX1)), attach(net(PART2, SIX2))]),
    "addresses of their own": ("endpoint_attach", [attach(net(subnet()), ipv4="192.168.50.5"), attach(net(subnet()), ipv4="192.168.50.6")]),
    "what both have already, and is not the same": (
        "endpoint_attach",
        [attach(net(subnet()), endpoints=[recorded("web1", ipv4=f"192.168.50.{number}/24")]) for number in (2, 3)],
    ),
    "the subnet that has ranges": (
        "endpoint_attach",
        [attach(net(subnet("10.0.0.0/8"), part), subnet=LAN) for part in (PART1, PART2)],
    ),
    "fixed on a network without a parent": ("endpoint_attach", [attach(OWN, ipv4="10.0.0.5", mac="02:00:00:00:00:01")] * 2),
    "a family that is left out": ("endpoint_attach", [attach(net(subnet(LAN6), subnet()), ipv6="none", ipv4=f"192.168.50.{last}") for last in (5, 6)]),
    "no network yet": ("endpoint_attach", [attach()] * 2),
    "isolated for an endpoint": ("endpoint_attach", [attach(net(subnet()), ipv4="192.168.50.5", isolated=True)] * 2),
    "declared ranges": ("site", [declare(net(PART1)), declare(net(PART2))]),
    "nothing declared": ("site", [declare(), {}, {"networks": "x", "endpoints": None}]),
    "declared on the host alone": ("site", [declare(net(subnet(), parent=None), endpoints=[recorded(ipv4="192.168.50.9")])] * 2),
    "declared and isolated": ("site", [declare(net(subnet()), isolated=True)] * 2),
}


@pytest.mark.parametrize(("job", "abouts", "words"), REFUSED.values(), ids=REFUSED)
def test_conflicts_between_two_hosts_are_reported(job, abouts, words):
    said = " | ".join(told(job, *abouts))
    assert all(word in said for word in words), said


@pytest.mark.parametrize(("job", "abouts"), ALLOWED.values(), ids=ALLOWED)
def test_what_no_two_hosts_have_is_nothing_to_tell(job, abouts):
    assert told(job, *abouts) == []


def test_everything_is_reported_at_once_and_a_long_list_is_short():
    asked = attach(net(subnet(), subnet(LAN6)), ipv4="192.168.50.77", mac="02:00:00:00:00:01")
    problems = told("endpoint_attach", *[asked] * 12)
    assert [problem.partition(":")[0] for problem in problems] == [
        "macvlan_job_network",
        "macvlan_job_endpoint_ipv4",
        "macvlan_job_endpoint_mac",
    ]
    assert all("edge1, edge2, edge3" in problem and "edge8 and 4 more" in problem for problem in problems)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), min_size=2, max_size=6))
def test_a_job_is_refused_exactly_when_two_ranges_have_an_address_in_common(ranges):
    spans = [range(first, first + length + 1) for first, length in ranges]
    common = any(set(one) & set(other) for number, one in enumerate(spans) for other in spans[:number])
    texts = [f"10.0.0.{span[0]}-10.0.0.{span[-1]}" for span in spans]
    assert bool(told("network_create", *[create(subnet("10.0.0.0/24", text)) for text in texts])) == common
