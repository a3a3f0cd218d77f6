# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks of a segment: which addresses the host gives out, what it remembers, and what becomes of slices that it has lost."""

from __future__ import annotations

import ipaddress
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import config_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.config import config_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.lost_slices import lost_slices_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View, by_ref
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import Host, endpoint, network

pytestmark = pytest.mark.engine

LAN = "192.168.50.0/24"
V6 = "2001:db8:50::/64"
SLICE = "192.168.50.64/30"


def on(*blocks, subnets=(LAN,), **params):
    """A network of the segment lan50 with slices of the host."""
    slices = [{"slice": item} if isinstance(item, str) else item for item in blocks]
    return network("lan", subnets, **{"segment": "lan50", "slices": slices, **params})


def recorded(**params):
    return network("lan", [], segment="lan50", **params)


def host_with(*requests):
    host = Host()
    for request in requests:
        host.run(request)
    return host


def addresses(host):
    return {name: one.ipv4 for (dummy, name), one in sorted(host.record.endpoints.items())}


def shown(host):
    return View(HostView(host.record, host.kernel)).network("lan")


def lost(host):
    view = HostView(host.record, host.kernel)
    refs = by_ref(View(view).everything(None, None))
    return [item.shown for item in lost_slices_of(view, refs)]


# --- what is given out -----------------------------------------------------------------------------------------------


def test_addresses_are_chosen_from_the_slices_in_their_order():
    host = host_with(on("192.168.50.200/31", SLICE), *(endpoint(f"e{number}", "lan", netns=f"n{number}") for number in range(6)))
    last = [one.split("/")[0].rpartition(".")[2] for one in addresses(host).values()]
    assert last == ["200", "201", "64", "65", "66", "67"]
    with pytest.raises(PlanError, match=re.escape("(slices 192.168.50.200/31 and 192.168.50.64/30, 6 of 6 in use) of network lan; have macvlan_fleet")):
        host.run(endpoint("e6", "lan", netns="n6"))


def test_a_subnet_without_a_slice_gives_out_nothing():
    host = host_with(on(SLICE, subnets=(LAN, "10.0.0.0/24")), endpoint("web", "lan"))
    assert shown(host)["subnets"][1]["available"] == 0
    with pytest.raises(PlanError, match=re.escape("no IPv4 address is left in 10.0.0.0/24 (slices none, 0 of 0 in use)")):
        host.run(endpoint("db", "lan", netns="red", subnet="10.0.0.0/24"))


def test_the_ends_of_a_subnet_are_no_addresses_of_a_slice_either():
    host = host_with(on("192.168.50.252/30", "192.168.50.0/30", subnets=({"subnet": LAN, "gateway": "192.168.50.3"},)))
    assert shown(host)["subnets"][0]["available"] == 3 + 2


def test_both_families_come_from_slices():
    host = host_with(on("2001:db8:50::1:0/112", SLICE, subnets=(LAN, V6)), endpoint("web", "lan"))
    web = host.record.endpoints["lan", "web"]
    assert (web.ipv4, web.ipv6) == ("192.168.50.64/24", "2001:db8:50::1:0/64")


def test_a_range_narrows_the_choice_and_requests_may_go_beyond_it():
    host = host_with(on(SLICE, subnets=({"subnet": LAN, "ip_range": "192.168.50.66/31"},)), endpoint("web", "lan"))
    host.run(endpoint("db", "lan", netns="red", ipv4="192.168.50.65"))
    assert addresses(host) == {"db": "192.168.50.65/24", "web": "192.168.50.66/24"}


@pytest.mark.parametrize("option", ["ipv4", "addresses"])
def test_a_requested_address_outside_of_the_slices_is_refused(option):
    host = host_with(on(SLICE, {"slice": "192.168.50.80/28", "lost_to": "edge7", "generation": 2}))
    plans = {
        "192.168.50.10": "192.168.50.10 is in no slice that this host owns in segment lan50 (192.168.50.64/30); use an address",
        "192.168.50.81": "192.168.50.81 is in the slice 192.168.50.80/28 of segment lan50, which edge7 owns by now; use an address",
    }
    for address, words in plans.items():
        with pytest.raises(PlanError, match=re.escape(words)):
            host.run(endpoint("web", "lan", **{option: address if option == "ipv4" else [address]}))
    assert host.record.endpoints == {}


def test_the_host_reaches_its_endpoints_from_an_address_of_its_slices():
    host = host_with(on(SLICE, host_access={"routes": "ranges"}), endpoint("web", "lan"))
    access = next(one for one in host.record.endpoints.values() if one.host_access is not None)
    assert access.ipv4 == "192.168.50.64/32"
    assert [route.to for route in access.routes] == [SLICE]
    with pytest.raises(PlanError, match=re.escape("192.168.50.9 is in no slice that this host owns")):
        host_with(on(SLICE, host_access={"address": "192.168.50.9"}))
    # A host that routes for its segment has the address of the gateway, which is in no slice.
    routing = host_with(on(SLICE, host_access={"address": "192.168.50.1"}))
    assert lost(routing) == []


@pytest.mark.parametrize("mode", ["l3", "l3s"])
def test_where_the_host_routes_the_gateway_of_the_segment_is_no_endpoint_s(mode):
    subnets = ({"subnet": LAN, "gateway": "192.168.50.65", "exclude": ["192.168.50.66"]}, {"subnet": V6, "gateway": "fe80::1", "gateway_onlink": True})
    host = host_with(on(SLICE, "2001:db8:50::/126", subnets=subnets, driver="ipvlan", mode=mode))
    first, second = host.record.networks["lan"].subnets
    assert (first.gateway, first.exclude, second.gateway, second.exclude) == (None, ("192.168.50.66", "192.168.50.65"), None, ())
    assert builders.said(host.plan(recorded(driver="ipvlan", mode=mode))) == []


def test_two_networks_of_a_host_share_a_subnet_if_their_slices_are_apart():
    host = host_with(on(SLICE))
    other = {"segment": "lan50", "parent": "eth1"}
    with pytest.raises(PlanError, match=re.escape(f"subnet {LAN} (slices 192.168.50.66/31) overlaps {LAN} (slices {SLICE}) of network lan")):
        host.run(network("more", [LAN], slices=[{"slice": "192.168.50.66/31"}], **other))
    host.run(network("more", [LAN], slices=[{"slice": "192.168.50.80/28"}], **other))
    with pytest.raises(PlanError, match=re.escape("overlaps")):
        host.run(network("plain", [LAN], parent="eth2"))


# --- what the host remembers -----------------------------------------------------------------------------------------


def test_a_task_without_slices_means_those_that_are_recorded():
    subnets = ({"subnet": LAN, "gateway": "none", "exclude": ["192.168.50.66"]}, V6)
    host = host_with(on(SLICE, {"slice": "2001:db8:50::1:0/112", "generation": 3}, subnets=subnets))
    before = host.record.networks["lan"]
    assert builders.said(host.plan(recorded())) == []
    host.run(recorded(mtu=1400))
    assert host.record.networks["lan"].subnets == before.subnets
    host.run(network("lan", [LAN, V6], segment="lan50"))
    after = host.record.networks["lan"].subnets
    assert ([item.slices for item in after], after[0].gateway, after[0].exclude) == ([item.slices for item in before.subnets], "192.168.50.1", ())
    wide = network("lan", ["192.168.48.0/22", V6], segment="lan50", replace=True)
    assert host.plan(wide).after.networks["lan"].slices == host.record.networks["lan"].slices
    with pytest.raises(PlanError, match=re.escape("its slice 2001:db8:50::1:0/112 is in none of the subnets of the task")):
        host.run(network("lan", [LAN], segment="lan50"))
    with pytest.raises(PlanError, match=re.escape("ip_range: 192.168.50.64/27 is not inside the slices of this host")):
        host.run(network("lan", [{"subnet": LAN, "ip_range": "192.168.50.64/27"}, V6], segment="lan50"))


def test_the_recorded_subnets_follow_what_a_task_says_of_gateways():
    host = host_with(on(SLICE))
    host.run(recorded(internal=True))
    assert host.record.networks["lan"].subnets[0].gateway is None
    host.run(recorded())
    assert host.record.networks["lan"].subnets[0].gateway == "192.168.50.1"


def test_the_recorded_slices_stay_in_a_configuration_of_the_host():
    host = host_with(on(SLICE), endpoint("web", "lan"))
    kept = config_options(
        {"networks": [{"name": "lan", "parent": "eth0", "segment": "lan50"}], "endpoints": [{"name": "web", "network": "lan", "netns": "blue"}], "purge": True}
    )
    assert builders.said(host.plan(kept)) == []


@pytest.mark.parametrize("asked", [{}, {"subnets": [LAN]}])
@pytest.mark.parametrize("before", [(), (network("lan", [LAN]),), (on(SLICE, segment="lan51"),)], ids=["nothing", "no-segment", "another-segment"])
def test_slices_that_nobody_has_given_are_refused(asked, before):
    host = host_with(*before)
    with pytest.raises(PlanError, match=re.escape("network lan: no slices of segment lan50 are recorded for it on this host; run macvlan_fleet")):
        host.run(network("lan", asked.get("subnets", []), segment="lan50"))


@pytest.mark.parametrize("block", [SLICE, "192.168.50.64/31", "192.168.50.64/29"])
def test_an_older_plan_is_refused(block):
    host = host_with(on({"slice": SLICE, "generation": 3}))
    words = f"the slice {block} has generation 2 in the task, and 192.168.50.64/30 has 3 in the record"
    with pytest.raises(PlanError, match=re.escape(words)):
        host.run(on({"slice": block, "generation": 2}))
    host.run(on({"slice": SLICE, "generation": 4}))
    host.run(on({"slice": SLICE, "generation": 5, "lost_to": "edge7"}))
    with pytest.raises(PlanError, match="the task is of an older plan"):
        host.run(on({"slice": block, "generation": 4}))


def test_a_task_tells_that_a_slice_is_lost_although_its_range_is_of_that_slice():
    subnet = {"subnet": LAN, "ip_range": SLICE}
    host = host_with(on(SLICE, subnets=(subnet,)), endpoint("web", "lan"))
    host.run(on({"slice": SLICE, "generation": 2, "lost_to": "edge7"}, "192.168.50.128/30", subnets=(subnet,)))
    with pytest.raises(PlanError, match="no IPv4 address is left"):
        host.run(endpoint("db", "lan", netns="red"))


@settings(max_examples=50)
@given(
    blocks=st.lists(st.integers(0, 63), min_size=0, max_size=5, unique=True),
    generations=st.lists(st.integers(1, 2**32 - 1), min_size=5, max_size=5),
    has_others=st.booleans(),
    pin=st.booleans(),
)
def test_what_is_read_can_be_written(blocks, generations, has_others, pin):
    slices = [{"slice": f"192.168.50.{4 * number}/30", "generation": generation} for number, generation in zip(blocks, generations, strict=False)]
    if slices and has_others:
        slices[0]["lost_to"] = "edge7"
    host = host_with(on(*slices))
    view = HostView(host.record, host.kernel)
    read = json.loads(json.dumps(config_of(view, View(view).everything(None, None), pin)))
    assert [{key: item[key] for key in item if key != "subnet"} for item in read["networks"][0]["slices"]] == slices
    assert builders.said(host.plan(config_options({**read, "purge": True}))) == []
    assert host_with(config_options(read)).record.networks == host.record.networks


def test_a_network_comes_into_a_segment_and_out_of_it_in_place():
    host = host_with(network("lan", [LAN]), endpoint("web", "lan"))
    told = host.run(on(SLICE))
    assert builders.said(told) == ["change segment, slices of network lan"]
    assert told.warnings == ("endpoint lan/web: it keeps 192.168.50.2, which is in no slice that this host owns in segment lan50 (192.168.50.64/30)",)
    host.run(endpoint("db", "lan", netns="red"))
    assert addresses(host) == {"db": "192.168.50.64/24", "web": "192.168.50.2/24"}
    assert builders.said(host.run(network("lan", [LAN]))) == ["change segment, slices of network lan"]
    assert lost(host) == []


# --- what it has lost ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ((), "in no slice that this host owns in segment lan50"),
        (("192.168.50.80/28",), "in no slice that this host owns in segment lan50 (192.168.50.80/28)"),
        (({"slice": SLICE, "generation": 2, "lost_to": "edge7"},), "in the slice 192.168.50.64/30 of segment lan50, which edge7 owns by now"),
    ],
)
def test_an_endpoint_in_a_lost_slice_stays_and_is_drift(now, words):
    host = host_with(on(SLICE), endpoint("web", "lan"), endpoint("db", "lan", netns="red", ipv4="192.168.50.66"))
    assert lost(host) == []
    told = host.run(on(*now))
    assert builders.said(told) == ["change slices of network lan"]
    kept = (("db", "192.168.50.66"), ("web", "192.168.50.64"))
    assert sorted(told.warnings) == [f"endpoint lan/{name}: it keeps {address}, which is {words}" for name, address in kept]
    view = HostView(host.record, host.kernel)
    assert drift_of(view) == []
    assert sorted(lost(host), key=lambda item: item["object"]) == [
        {"object": f"endpoint lan/{name}", "field": "slice_lost", "recorded": f"{address}/24", "actual": words}
        for name, address in kept
    ]
    for request in (endpoint("web", "lan"), endpoint("db", "lan", netns="red", ipv4="192.168.50.66")):
        again = host.plan(request)
        assert builders.said(again) == []
        assert len(again.warnings) == 1
    with pytest.raises(PlanError, match=re.escape("192.168.50.67 is in ")):
        host.run(endpoint("more", "lan", netns="green", ipv4="192.168.50.67"))


# --- what cannot be --------------------------------------------------------------------------------------------------

ONE = [{"slice": SLICE}]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"segment": None}, "slices are parts of a segment; write its name as segment, or remove slices"),
        ({"segment": "lan 50"}, "segment"),
        ({"segment": ""}, "segment"),
        ({"parent": None}, "segment is a wire that hosts share, and a network without a parent is on none"),
        ({"ipam": "none", "subnets": [], "slices": None}, "ipam: none gives links without addresses, and a segment gives the addresses"),
        ({"ipv6": True}, "ipv6: true has a subnet chosen that the segment does not have"),
        ({"allow_overlap": True}, "allow_overlap: true is for wires of their own"),
        ({"subnets": []}, "slices: add the subnets of the segment, in which they are"),
        ({"slices": [{"slice": "here"}]}, "slices[0].slice: 'here' is not a subnet in CIDR form"),
        ({"slices": [{"slice": "192.168.50.64"}]}, "slices[0].slice"),
        ({"slices": [{"slice": "192.168.51.0/30"}]}, "slices[0].slice: 192.168.51.0/30 is in none of the subnets"),
        ({"slices": [{"slice": "192.168.0.0/16"}]}, "slices[0].slice: 192.168.0.0/16 is in none of the subnets"),
        ({"slices": [*ONE, {"slice": "192.168.50.66/31"}]}, "slices: 192.168.50.64/30 and 192.168.50.66/31 overlap"),
        ({"slices": [{**ONE[0], "generation": 0}]}, "slices[0].generation must be from 1 to 4294967295, not 0"),
        ({"slices": [{**ONE[0], "generation": 2**32}]}, "slices[0].generation must be from 1 to"),
        ({"slices": [{**ONE[0], "lost_to": "edge 7"}]}, "slices[0].lost_to: 'edge 7' is no inventory name"),
        ({"slices": [{**ONE[0], "subnet": "10.0.0.0/24"}]}, "slices[0].subnet: 192.168.50.64/30 is in 192.168.50.0/24, not in 10.0.0.0/24"),
        ({"subnets": [{"subnet": LAN, "ip_range": "192.168.50.64/29"}]}, "subnets[0].ip_range: 192.168.50.64/29 is not inside the slices of this host"),
        ({"subnets": [{"subnet": LAN, "ip_range": "192.168.50.64/30"}], "slices": []}, "which are none; leave ip_range out"),
    ],
)
def test_what_contradicts_a_segment_is_refused(params, words):
    with pytest.raises(OptionsError) as caught:
        network("lan", params.get("subnets", [LAN]), **{"segment": "lan50", "slices": ONE, **{key: value for key, value in params.items() if key != "subnets"}})
    assert [problem for problem in caught.value.problems if words not in problem] == []


def test_a_range_may_go_over_slices_that_touch():
    subnet = {"subnet": LAN, "ip_range": "192.168.50.66-192.168.50.69"}
    assert on(SLICE, "192.168.50.68/30", subnets=(subnet,)).subnets[0].ip_ranges == ("192.168.50.66-192.168.50.69",)


def test_host_bits_of_a_slice_are_told():
    wanted = on("192.168.50.65/30")
    assert wanted.notes == ("slices[0].slice: 192.168.50.65/30 has host bits set and is read as 192.168.50.64/30",)


@settings(max_examples=60)
@given(
    chosen=st.lists(st.integers(0, 15), min_size=1, max_size=6, unique=True),
    excluded=st.sets(st.integers(0, 255), max_size=20),
    count=st.integers(1, 12),
)
def test_nothing_outside_of_the_slices_is_ever_given_out(chosen, excluded, count):
    blocks = [f"192.168.50.{16 * number}/28" for number in chosen]
    host = host_with(on(*blocks, subnets=({"subnet": LAN, "exclude": [f"192.168.50.{last}" for last in sorted(excluded)]},)))
    room = shown(host)["subnets"][0]["available"]
    for number in range(min(count, room)):
        host.run(endpoint(f"e{number}", "lan", netns=f"n{number}"))
    if count > room:
        with pytest.raises(PlanError, match="no IPv4 address is left"):
            host.run(endpoint("last", "lan", netns="last"))
    given_out = [ipaddress.ip_interface(one).ip for one in addresses(host).values()]
    assert all(any(ip in ipaddress.ip_network(block) for block in blocks) for ip in given_out)
    assert len(set(given_out)) == len(given_out)
    assert not {str(ip) for ip in given_out} & {"192.168.50.0", "192.168.50.1", "192.168.50.255", *(f"192.168.50.{last}" for last in excluded)}
