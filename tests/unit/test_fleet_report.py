# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report about a fleet as data: what is on which wire, who has what twice, what has changed."""

from __future__ import annotations

import itertools
import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.ordering import natural
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report import compare, task
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.address_map import Part, map_of
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.as_json import plain_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import LEASED, RESERVED, MapAddress, Run
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import Host as RealHost
from ansible_collections.fleetnet.macvlan.tests.unit.fleet_answers import answer, endpoint, network, report, subnet
from ansible_collections.fleetnet.macvlan.tests.unit.test_listing import report_of

LAN = {"name": "lan50", "subnets": [{"subnet": "192.168.50.0/24", "slice_length": 26}]}
CIDR = "192.168.50.0/24"


def duplicates(made):
    return [(item.kind, item.value, [tuple(holder) for holder in item.holders]) for item in made.duplicates]


def states(shown):
    return {item.address: (item.state, [tuple(holder) for holder in item.holders]) for item in shown.addresses}


def changes(made):
    return [tuple(item) for item in made.changes]


# --- wires ----------------------------------------------------------------------------------------------------------


def test_a_network_is_on_the_segment_that_has_its_subnet():
    made = report({"a": answer(network("x", CIDR)), "b": answer(network("y", "192.168.50.0/25"))}, [LAN], {"a": 0, "b": 1, "c": 2})
    (wire,) = made.wires
    assert (wire.name, wire.declared, wire.hosts) == ("lan50", True, ("a", "b", "c"))
    (shown,) = wire.maps
    assert [(band.block, band.owners) for band in shown.bands] == [
        ("192.168.50.0/25", ("a", "b")),
        ("192.168.50.128/26", ("a", "c")),
        ("192.168.50.192/26", ("a",)),
    ]


def test_bands_are_the_ranges_of_hosts():
    ranges = {"a": ["192.168.50.0/26"], "b": ["192.168.50.64-192.168.50.100"]}
    made = report({name: answer(network("lan", subnet(CIDR, ip_ranges=items))) for name, items in ranges.items()})
    (wire,) = made.wires
    assert (wire.name, wire.declared) == (CIDR, False)
    assert [(band.block, band.owners) for band in wire.maps[0].bands] == [
        ("192.168.50.0/26", ("a",)),
        ("192.168.50.64-192.168.50.100", ("b",)),
        ("192.168.50.101-192.168.50.255", ()),
    ]


def test_bands_are_the_slices_of_hosts_in_a_segment():
    def of(*slices, **more):
        owned = [{"subnet": "192.168.50.0/24", "slice": text, "generation": 1, "lost_to": None} for text in slices]
        gone = {"subnet": "192.168.50.0/24", "slice": "192.168.50.192/26", "generation": 2, "lost_to": "b"}
        return answer(network("web", "192.168.50.0/24", segment="lan50", slices=[*owned, gone], **more))

    other = {"name": "wide", "isolated": True, "subnets": [{"subnet": "192.168.0.0/16", "slice_length": 26}]}
    made = report({"a": of("192.168.50.64/26"), "b": of("192.168.50.128/26", "192.168.50.0/27")}, [other, LAN])
    wire = next(wire for wire in made.wires if wire.name == "lan50")
    assert wire.hosts == ("a", "b")
    bands = [(band.block, band.owners) for band in wire.maps[0].bands if band.owners]
    assert bands == [("192.168.50.0/27", ("b",)), ("192.168.50.64/26", ("a",)), ("192.168.50.128/26", ("b",))]


def test_of_isolated_segments_with_one_subnet_the_one_counts_that_the_host_has_a_part_in():
    left, right = ({**LAN, "name": name, "isolated": True} for name in ("left", "right"))
    answers = {name: answer(network("lan", CIDR), endpoint("web", "192.168.50.2/24")) for name in ("a", "b")}
    made = report(answers, [left, right], {"a": {"place": {"left": 0}}, "b": {"place": {"right": 0}}})
    assert [(wire.name, wire.hosts) for wire in made.wires] == [("left", ("a",)), ("right", ("b",))]
    assert made.duplicates == ()


def test_both_families_of_a_network_are_on_one_wire_and_so_are_subnets_that_overlap():
    networks = {"a": network("lan", CIDR, "2001:db8::/64"), "b": network("wide", "192.168.0.0/16"), "c": network("v6", "2001:db8::/64")}
    made = report({name: answer(item) for name, item in networks.items()})
    (wire,) = made.wires
    assert wire.hosts == ("a", "b", "c")
    assert [shown.subnet for shown in wire.maps] == ["192.168.0.0/16", CIDR, "2001:db8::/64"]


def test_a_network_without_a_parent_shares_its_wire_with_nobody():
    web = endpoint("web", "192.168.50.2/24", network="inner", mac="02:42:c0:a8:32:02")
    inner = answer(network("inner", CIDR, parent="dm-ffffffffffff"), web)
    made = report({"a": inner, "b": inner})
    assert [wire.name for wire in made.wires] == ["network inner of a, which leads nowhere", "network inner of b, which leads nowhere"]
    assert made.duplicates == ()


def test_a_network_without_addresses_is_on_the_segment_of_its_name():
    plain = answer(network("lan50", ipam="none"), endpoint("web", network="lan50", mac="02:00:00:00:00:01"))
    made = report({"a": plain, "b": plain}, [LAN])
    assert duplicates(made) == [("mac", "02:00:00:00:00:01", [("a", "lan50/web"), ("b", "lan50/web")])]
    assert report({"a": plain, "b": plain}).wires == ()


# --- maps -----------------------------------------------------------------------------------------------------------


def test_every_address_of_a_map_says_what_it_is_and_who_has_it():
    subnets = subnet(CIDR, gateway="192.168.50.1", aux_addresses={"printer": "192.168.50.9"}, exclude=["192.168.50.16/30"])
    lan = network("lan", subnets, host_access={"ifname": "mv-lan", "addresses": ["192.168.50.8/32"]})
    items = [endpoint("web", "192.168.50.2/24", foreign_addresses=["192.168.50.200/32", "10.0.0.1/8"]), endpoint("db", "192.168.50.3/24", "192.168.50.4/24")]
    drift = [{"object": "endpoint lan/db", "field": "mtu", "recorded": 1500, "actual": 1400}]
    made = report({"a": answer(lan, *items, drift=drift)}, hosts={"a": {"addresses": ["192.168.50.2", "192.168.50.77/24", "10.9.9.9"]}})
    ((shown,),) = (wire.maps for wire in made.wires)
    assert states(shown) == {
        "192.168.50.1": ("gateway", [("a", "gateway of network lan")]),
        "192.168.50.2": ("leased", [("a", "lan/web")]),
        "192.168.50.3": ("drift", [("a", "lan/db")]),
        "192.168.50.4": ("drift", [("a", "lan/db")]),
        "192.168.50.8": ("leased", [("a", "access of the host to network lan")]),
        "192.168.50.9": ("reserved", [("a", "printer, reserved by network lan")]),
        "192.168.50.77": ("foreign", [("a", "the host itself")]),
        "192.168.50.200": ("foreign", [("a", "lan/web, added by another program")]),
    }
    base = shown.first
    assert [(run.first - base, run.last - base, run.why) for run in shown.reserved] == [
        (0, 0, "the first address of the subnet"),
        (16, 19, "excluded"),
        (255, 255, "the broadcast address"),
    ]
    assert [(band.leased, band.foreign, band.reserved, band.free) for band in shown.bands] == [(4, 2, 8, 242)]


@given(
    parts=st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.sampled_from("abc")), max_size=8),
    numbers=st.sets(st.integers(0, 255), max_size=20),
    runs=st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=4),
)
def test_bands_cover_a_subnet_and_count_each_of_its_addresses_once(parts, numbers, runs):
    base = map_of("10.0.0.0/24", [], [], []).first
    pieces = {Part(base + min(a, b), base + max(a, b), host) for a, b, host in parts}
    addresses = [MapAddress(base + number, "", LEASED if number % 2 else RESERVED, ()) for number in sorted(numbers)]
    kept_out = {Run(base + min(pair), base + max(pair), "") for pair in runs}
    bands = map_of("10.0.0.0/24", pieces, addresses, kept_out).bands
    assert [band.first for band in bands] == [base, *(band.last + 1 for band in bands[:-1])] and bands[-1].last == base + 255
    for band in bands:
        for number in (band.first, band.last):
            assert set(band.owners) == {part.host for part in pieces if part.first <= number <= part.last}
        assert band.leased + band.foreign + band.reserved + band.free == band.last - band.first + 1
    blocked = {number for run in kept_out for number in range(run.first, run.last + 1)} | {item.number for item in addresses}
    assert sum(band.free for band in bands) == 256 - len(blocked)
    assert sum(band.leased for band in bands) == sum(item.state == LEASED for item in addresses)
    assert all(one.owners != other.owners for one, other in itertools.pairwise(bands))


# --- duplicates -----------------------------------------------------------------------------------------------------


def test_what_several_hosts_have_is_told_with_all_holders():
    def of(name):
        return answer(network("lan", CIDR, "2001:db8::/64"), endpoint(name, "192.168.50.2/24", "2001:db8::2/64", mac="02:42:c0:a8:32:02"))

    made = report({"a": of("web"), "b": of("db")})
    holders = [("a", "lan/web"), ("b", "lan/db")]
    assert duplicates(made) == [
        ("address", "192.168.50.2", holders),
        ("address", "2001:db8::2", holders),
        ("mac", "02:42:c0:a8:32:02", holders),
    ]
    assert {item.state for wire in made.wires for shown in wire.maps for item in shown.addresses} == {"duplicate"}
    assert made.counts["duplicates"] == 3


def test_an_address_of_a_host_itself_and_one_that_a_program_has_added_can_be_duplicates_too():
    answers = {
        "a": answer(network("lan", CIDR), endpoint("web", "192.168.50.2/24", foreign_addresses=["192.168.50.99/32"])),
        "b": answer(network("lan", CIDR), endpoint("db", "192.168.50.3/24", foreign_addresses=["192.168.50.99/32"])),
    }
    made = report(answers, hosts={"b": {"addresses": ["192.168.50.2"]}})
    assert [(kind, value) for kind, value, dummy in duplicates(made)] == [("address", "192.168.50.2"), ("address", "192.168.50.99")]


def test_a_gateway_of_all_hosts_is_no_duplicate_and_neither_is_the_host_that_is_it():
    lan = network("lan", subnet(CIDR, gateway="192.168.50.1"))
    access = network("lan", subnet(CIDR, gateway="192.168.50.1"), host_access={"ifname": "mv-lan", "addresses": ["192.168.50.1/32"]})
    assert report({"a": answer(lan), "b": answer(lan), "c": answer(access)}, hosts={"c": {"addresses": ["192.168.50.1"]}}).duplicates == ()


# --- hosts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "state", "message"),
    [
        ({"unreachable": True, "msg": "No route to host"}, "unreachable", "No route to host"),
        ({"failed": True, "msg": "netaddr is missing"}, "failed", "netaddr is missing"),
        ({"failed": False, "msg": "it was ignored"}, "failed", "it was ignored"),
        ({}, "failed", "the host has given no answer"),
        (None, "unreachable", "the host has given no answer"),
        ({"networks": [], "endpoints": [], "vlan_subinterfaces": [], "drift": [7]}, "failed", "the host has given no answer"),
        ({"networks": [{"name": "x"}], "endpoints": [], "vlan_subinterfaces": [], "drift": []}, "failed", "the host has given no answer"),
    ],
)
def test_a_host_without_an_answer_is_in_the_report(given, state, message):
    made = report({"a": given, "b": answer()})
    assert [(host.name, host.state, host.message) for host in made.hosts] == [("a", state, message), ("b", "read", "")]
    assert (made.counts["hosts"], made.counts["hosts_not_read"]) == (2, 1)


def test_hosts_come_in_the_order_in_which_people_count():
    assert sorted(["edge10", "edge9", "edge", "a1b10", "a1b9", "9"], key=natural) == ["9", "a1b9", "a1b10", "edge", "edge9", "edge10"]


def test_drift_comes_with_the_command_that_repairs_it():
    drift = [{"object": "endpoint lan/web", "field": "mtu", "recorded": 1500, "actual": 1400}]
    made = report({"it's": answer(drift=drift), "b": answer()}, state_dir="/var/lib/my state")
    ours, other = made.hosts[1], made.hosts[0]
    assert other.repair == ""
    words = subprocess.run(["sh", "-c", f"set -- {ours.repair}; printf '%s\\n' \"$@\""], check=True, capture_output=True, text=True).stdout.splitlines()
    assert words == ["ansible", "it's", "--become", "-m", "ansible.builtin.command", "-a", "macvlan-host --state-dir '/var/lib/my state' restore"]
    assert report({"a": answer(drift=drift)}).hosts[0].repair == "ansible a --become -m ansible.builtin.command -a 'macvlan-host restore'"


def test_that_an_address_is_in_use_elsewhere_is_repaired_by_no_command():
    host = RealHost()
    host.run(builders.network("lan", [{"subnet": "10.0.1.0/24"}]))
    host.run(builders.endpoint("web", "lan"))
    conflict = {"object": "endpoint lan/web", "field": "ipv4", "recorded": "10.0.1.2/24", "actual": "also on eth0 of this host"}
    lost = {"object": "endpoint lan/web", "field": "slice_lost", "recorded": "10.0.1.2/24", "actual": "in the slice 10.0.1.0/28 of segment lan, which b owns"}
    missing = {"object": "endpoint lan/web", "field": "ipv4", "recorded": "10.0.1.2/24", "actual": "10.0.1.77/24"}
    for item, repairable in ((conflict, False), (lost, False), (missing, True)):
        (made,) = report({"a": {**report_of(host), "drift": [item]}}).hosts
        assert (made.drift[0].repairable, bool(made.repair)) == (repairable, repairable)


def test_links_are_a_tree_from_the_card_to_the_endpoint():
    subs = [
        {"name": "eth0.7", "parent": "eth0", "vlan_id": 7, "protocol": "802.1ad"},
        {"name": "eth0.7.50", "parent": "eth0.7", "vlan_id": 50, "protocol": "802.1q"},
        {"name": "lost", "parent": None, "vlan_id": 9, "protocol": "802.1q"},
    ]
    items = [
        network("inner", CIDR, parent="eth0.7.50"),
        network("flat", parent="eth1", ipam="none", mtu=1400),
        network("dummy", "10.0.0.0/24", parent="dm-ffffffffffff"),
    ]
    drift = [{"object": "vlan_subinterface eth0.7", "field": "link", "recorded": "present", "actual": "absent"}]
    (host,) = report({"a": answer(*items, endpoint("web", "192.168.50.2/24", network="inner"), subs=subs, drift=drift)}).hosts
    told = [(link.name, link.kind, link.state, [item.name for item in link.networks], [item.name for item in link.links]) for link in host.links]
    assert told == [
        ("dm-ffffffffffff", "leads nowhere", "ok", ["dummy"], []),
        ("eth0", "", "ok", [], ["eth0.7"]),
        ("eth1", "", "ok", ["flat"], []),
        ("in another namespace", "", "ok", [], ["lost"]),
    ]
    (outer,) = host.links[1].links
    (inner,) = outer.links
    assert (outer.kind, outer.state, inner.kind) == ("802.1ad VLAN 7", "missing", "VLAN 50")
    ((web,),) = (item.endpoints for item in inner.networks)
    assert (web.name, web.netns, web.addresses, web.state) == ("web", "web", ("192.168.50.2/24",), "ok")
    assert host.links[2].networks[0].properties == ("macvlan", "bridge", "mtu 1400", "no addresses")


# --- changes --------------------------------------------------------------------------------------------------------


def twin_of(answers, **more):
    return json.loads(json.dumps(plain_report(report(answers, generated="yesterday", **more))))


def test_the_first_report_tells_of_no_changes():
    made = report({"a": answer(network("lan", CIDR))})
    assert (made.since, made.changes) == ("", ())


def test_what_has_changed_since_the_last_report_is_told():
    drift = [{"object": "endpoint lan/web", "field": "mtu", "recorded": 1500, "actual": 1400}]
    web, db = endpoint("web", "192.168.50.2/24"), endpoint("db", "192.168.50.3/24")
    last = twin_of({"a": answer(network("lan", CIDR), web), "b": answer(network("lan", CIDR), endpoint("web", "192.168.50.2/24")), "z": answer()})
    now = {"a": answer(network("lan", CIDR), {**web, "ipv4": "192.168.50.9/24"}, db, drift=drift), "b": answer(), "c": answer()}
    made = report(now, previous=last)
    assert made.since == "yesterday"
    assert changes(made) == [
        ("a", "new", "endpoint lan/db", "", "192.168.50.3/24"),
        ("a", "changed", "endpoint lan/web: ipv4", "192.168.50.2/24", "192.168.50.9/24"),
        ("a", "new", "drift of endpoint lan/web: mtu", "", ""),
        ("b", "gone", "endpoint lan/web", "192.168.50.2/24", ""),
        ("b", "gone", "network lan", CIDR, ""),
        ("c", "new", "host", "", "read"),
        ("z", "gone", "host", "read", ""),
        ("", "gone", f"address 192.168.50.2 of several hosts on {CIDR}", "", ""),
    ]
    assert changes(report(now, previous=twin_of(now))) == []
    repaired = {"a": {**now["a"], "drift": []}}
    assert changes(report(repaired, previous=twin_of({"a": now["a"]}))) == [("a", "gone", "drift of endpoint lan/web: mtu", "", "")]


def test_of_a_host_that_is_away_the_report_keeps_what_it_had():
    lan = network("lan", CIDR)
    first = twin_of({"a": answer(lan, endpoint("web", "192.168.50.2/24"))})
    away = report({"a": {"unreachable": True, "msg": "gone"}}, previous=first, generated="today")
    assert changes(away) == [("a", "changed", "host", "read", "unreachable")]
    assert away.hosts[0].as_of == "yesterday"
    second = json.loads(json.dumps(plain_report(away)))
    back = report({"a": answer(lan)}, previous=second, generated="tomorrow")
    assert changes(back) == [("a", "changed", "host", "unreachable", "read"), ("a", "gone", "endpoint lan/web", "192.168.50.2/24", "")]


@pytest.mark.parametrize("previous", [{"format": 2}, {"hosts": []}, [7], "text", {"format": 1, "hosts": [7]}])
def test_what_is_no_report_is_refused_as_the_last_one(previous):
    with pytest.raises(ValueError, match=r"format|not the JSON of a report"):
        report({}, previous=previous)


# --- the task -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", "not JSON", "[7]", '{"format": 9}', "null and void"])
def test_a_file_that_is_no_report_is_refused_as_the_last_one(text):
    with pytest.raises(ValueError, match=r"it is not JSON|it is not the JSON of a report|it has format 9"):
        task.last_report_of(text)


def test_without_a_file_nothing_has_changed():
    assert task.last_report_of(None) == compare.NOTHING == task.last_report_of("null")


def test_the_json_file_is_beside_the_page_and_is_another_file():
    assert [task.twin_of(page) for page in ("/srv/a.html", "/srv/a.b.htm", "/srv/a")] == ["/srv/a.json", "/srv/a.b.json", "/srv/a.json"]
    with pytest.raises(OptionsError, match=r"give it another ending than \.json"):
        task.twin_of("/srv/fleet.json")


def test_what_was_written_is_the_last_report_of_the_next_one():
    options = {"answers": {"edge1": answer(network())}, "segments": [LAN], "hosts": {}, "state_dir": "/state"}
    first = task.texts_of(options, compare.NOTHING, "today")
    second = task.texts_of({**options, "answers": {}}, task.last_report_of(first.twin), "tomorrow")
    assert json.loads(second.twin)["since"] == "today" and "edge1" in first.page
    assert json.loads(second.twin)["counts"] == second.counts and second.duplicates == []
