# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts declare, as the options of macvlan_fleet, and their networks with slices."""

from __future__ import annotations

import copy
import random
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils import _fleet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.declared_fleet import Asked, asked_of_fleet, with_slices

ROLE = Path(__file__).parents[2] / "roles/macvlan_fleet"
LAN = {"name": "lan50", "subnets": [{"subnet": "192.168.50.0/24", "slice_length": 28}, {"subnet": "2001:db8:50::/64", "slice_length": 112}]}
OLD = {"name": "lan60", "subnets": [{"subnet": "192.168.60.0/24", "slice_length": 28}]}
UUID = "6f1c0a54-d2b9-4e77-a5a1-c9d04be8f213"
WEB = {"name": "web", "parent": "eth0", "segment": "lan50"}


def host(*networks: t.Any, endpoints: t.Sequence[t.Any] = (), segments: t.Any = (LAN, OLD), record: t.Any = None, **variables: t.Any) -> dict[str, t.Any]:
    """The variables of a host that the role has read."""
    declared = {
        "macvlan_fleet_segments": list(segments),
        "macvlan_host_networks": list(networks),
        "macvlan_host_endpoints": list(endpoints),
        **{f"macvlan_fleet_{name}": value for name, value in variables.items()},
    }
    answer = {"networks": [], "endpoints": [], "host": {"uuid": UUID}} if record is None else record
    return {"_macvlan_fleet_declared": declared, "_macvlan_fleet_found": answer, "inventory_hostname": "some"}


def asked(**hosts: dict[str, t.Any]) -> Asked:
    return asked_of_fleet(hosts, list(hosts))


def needs(**hosts: dict[str, t.Any]) -> dict[str, dict[str, int]]:
    told = asked(**hosts)
    assert told.problems == []
    return {item["name"]: {need["segment"]: need["addresses"] for need in item["needs"]} for item in told.hosts}


def on(network: str, **options: t.Any) -> dict[str, t.Any]:
    return {"name": "e", "network": network, "netns": "e", **options}


# --- needs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "wanted"),
    [
        (host(WEB), {"lan50": 1}),
        (host(WEB, endpoints=[on("web")]), {"lan50": 1}),
        (host(WEB, endpoints=[on("web"), on("web"), on("other")]), {"lan50": 2}),
        (host({**WEB, "host_access": True}, endpoints=[on("web"), on("web")]), {"lan50": 3}),
        (host({**WEB, "host_access": {"routes": "ranges"}}), {"lan50": 1}),
        (host({**WEB, "host_access": {}}, endpoints=[on("web")]), {"lan50": 2}),
        (host({**WEB, "host_access": "no"}, endpoints=[on("web")]), {"lan50": 1}),
        (host({**WEB, "host_access": False}, endpoints=[on("web")]), {"lan50": 1}),
        (host(WEB, endpoints=[on("web", ipv4="none"), on("web", ipv6="NONE")]), {"lan50": 1}),
        (host(WEB, endpoints=[on("web", addresses=["192.168.50.20", "192.168.50.21/24", "2001:db8:50::9"])]), {"lan50": 3}),
        (host({**WEB, "segment": "lan60"}, endpoints=[on("web", addresses=["2001:db8:60::1", "2001:db8:60::2"])]), {"lan60": 1}),
        (host(WEB, {"name": "two", "segment": "lan60"}, endpoints=[on("web"), on("two"), on("two")]), {"lan50": 1, "lan60": 2}),
        (host(WEB, endpoints=[on("web")], addresses={"lan50": 20}), {"lan50": 21}),
        (host(WEB, addresses={"lan50": "20", "lan60": 0}), {"lan50": 20, "lan60": 1}),
        (host(addresses={"lan60": 5}), {"lan60": 5}),
    ],
)
def test_what_a_host_needs_follows_from_what_it_declares(declared: dict[str, t.Any], wanted: dict[str, int]) -> None:
    assert needs(edge1=declared) == {"edge1": wanted}


def test_a_host_without_a_segment_is_left_out_and_named() -> None:
    told = asked(edge2=host({"name": "plain", "parent": "eth0"}), edge10=host(), edge1=host(WEB))
    assert [item["name"] for item in told.hosts] == ["edge1"]
    assert told.notes == ["no slices for edge2 and edge10: no network there has a segment, and macvlan_fleet_addresses names none"]


def test_hosts_have_segments_of_their_own_and_share_others() -> None:
    told = asked(edge1=host(WEB, segments=[LAN]), edge2=host({**WEB, "segment": "lan60"}, segments=[OLD, LAN]))
    assert told.segments == [LAN, OLD] and told.problems == []


# --- what is wrong, in words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (host({**WEB, "segment": "lan51"}), "edge1: network web: no host declares the segment lan51; there are lan50, lan60; add it to macvlan_fleet_segments"),
        (host({**WEB, "segment": ""}), "edge1: network web: no host declares the segment ;"),
        (host(WEB, segments=[]), "no host declares the segment lan50; there are none"),
        (host({**WEB, "subnets": [{"subnet": "192.168.50.0/24"}]}), "edge1: network web: it has segment and subnets; leave out subnets"),
        (host({**WEB, "ipam": "none"}), "edge1: network web: it has segment, and ipam: none"),
        (host(WEB, segments=[{"name": "lan50"}]), "macvlan_fleet_segments: segments[0].subnets: segment lan50 needs a list of at least one subnet"),
        (host(WEB, segments=[{"name": "lan50", "subnets": []}]), "segment lan50 needs a list of at least one subnet"),
        (host(WEB, segments=["lan50"]), "macvlan_fleet_segments: segments[0] must be a dictionary, not str"),
        (host(WEB, segments=[LAN, LAN]), "edge1: macvlan_fleet_segments has lan50 twice"),
        (host(WEB, addresses=5), "edge1: macvlan_fleet_addresses must be a dictionary, segment → number of addresses, not int"),
        (host(WEB, addresses={"lan5": 5}), "edge1: macvlan_fleet_addresses: no host declares the segment lan5"),
        (host(WEB, addresses={"lan50": "many"}), "edge1: macvlan_fleet_addresses.lan50 must be a whole number from 0 to 65536, not 'many'"),
        (host(WEB, addresses={"lan50": -1}), "macvlan_fleet_addresses.lan50 must be a whole number"),
        (host(WEB, addresses={"lan50": True}), "macvlan_fleet_addresses.lan50 must be a whole number"),
        (host(WEB, place="first"), "edge1: macvlan_fleet_place: a place is a whole number from 0 on, not 'first'"),
        (host(WEB, place={"lan5": 1}), "edge1: macvlan_fleet_place: there is no segment lan5"),
    ],
)
def test_what_cannot_be_is_said_in_words(declared: dict[str, t.Any], words: str) -> None:
    problems = asked(edge1=declared).problems
    assert any(words in text for text in problems), problems


def test_a_segment_that_hosts_declare_in_two_ways_is_refused() -> None:
    other = {**LAN, "subnets": LAN["subnets"][:1]}
    told = asked(edge1=host(WEB), edge2=host(WEB, segments=[other]))
    assert told.problems == ["edge1 and edge2 declare the segment lan50 with different values; declare it once, for a group of both"]


def test_all_problems_are_told_at_once() -> None:
    told = asked(edge1=host({**WEB, "segment": "a"}, {**WEB, "name": "b", "segment": "c"}), edge2=host(WEB, place="x"))
    assert len(told.problems) == 3


# --- what the host is -------------------------------------------------------------------------------------------------


def only(declared: dict[str, t.Any]) -> dict[str, t.Any]:
    told = asked(edge1=declared)
    assert told.problems == []
    (item,) = told.hosts
    return t.cast("dict[str, t.Any]", item)


def test_a_host_says_who_it_is() -> None:
    facts = {"all_ipv4_addresses": ["192.168.50.9", "172.17.0.1", "192.168.60.3"], "all_ipv6_addresses": ["fe80::1", "2001:db8:50::9"], "machine_id": "7f" * 16}
    item = only({**host(WEB, replaced=True, renamed_from="edge0"), "ansible_facts": facts})
    assert item == {
        "name": "edge1",
        "needs": [{"segment": "lan50", "addresses": 1}],
        "own_addresses": ["192.168.50.9", "192.168.60.3", "2001:db8:50::9"],
        "uuid": UUID,
        "machine_id": "7f" * 16,
        "replaced": True,
        "renamed_from": "edge0",
    }


def test_addresses_of_endpoints_and_of_the_access_of_the_host_are_not_its_own() -> None:
    record = {
        "host": {"uuid": UUID},
        "endpoints": [{"ipv4": "192.168.50.20/24", "ipv6": None, "addresses": ["2001:db8:50::20/64"]}],
        "networks": [{"host_access": {"addresses": ["192.168.50.21/32"]}}, {"host_access": None}],
    }
    facts = {"all_ipv4_addresses": ["192.168.50.9", "192.168.50.20", "192.168.50.21"], "all_ipv6_addresses": ["2001:db8:50::20"]}
    assert only({**host(WEB, record=record), "ansible_facts": facts})["own_addresses"] == ["192.168.50.9"]


def test_what_is_unknown_is_left_out_so_that_the_store_keeps_it() -> None:
    assert only(host(WEB, record={})) == {"name": "edge1", "needs": [{"segment": "lan50", "addresses": 1}]}
    assert "own_addresses" not in only({**host(WEB), "ansible_facts": {}})
    assert only({**host(WEB), "ansible_facts": {"all_ipv4_addresses": []}})["own_addresses"] == []


@pytest.mark.parametrize(
    ("given_places", "everywhere", "in_segment"),
    [(3, [3], None), ("3", [3], None), ([3, 5], [3, 5], None), ({"lan50": 4}, None, [4]), ("", None, None), (None, None, None)],
)
def test_places_are_numbers_lists_or_dictionaries(given_places: t.Any, everywhere: t.Any, in_segment: t.Any) -> None:
    item = only(host(WEB, place=given_places))
    assert (item.get("place"), item["needs"][0].get("place")) == (everywhere, in_segment)


@pytest.mark.parametrize(
    ("variables", "words", "unbound"),
    [
        (host(WEB, record={"unreachable": True, "msg": "no route"}), "edge1 cannot be reached: the slices follow from the inventory", True),
        (host(WEB, record={"host": {"uuid": None}}), "nothing is recorded yet on edge1", True),
        (host(WEB, record={"msg": "it is newer"}), "edge1: its record cannot be read, so its slices are not bound to it: it is newer", True),
        ({"macvlan_fleet_segments": [LAN], "macvlan_host_networks": [WEB]}, "edge1: the play has not come to them yet", True),
    ],
)
def test_hosts_that_are_not_as_expected_are_planned_and_named(variables: dict[str, t.Any], words: str, unbound: bool) -> None:
    told = asked(edge1=variables)
    assert [item["name"] for item in told.hosts] == ["edge1"] and "uuid" not in told.hosts[0]
    (note,) = told.notes
    assert words in note and told.unbound == ["edge1"]


def test_a_record_that_was_read_with_another_python_counts() -> None:
    again = {"_macvlan_fleet_found_again": {"host": {"uuid": UUID}, "endpoints": [], "networks": []}}
    failed = host(WEB, record={"msg": "The Python library netaddr is missing"})
    assert only({**failed, **again})["uuid"] == UUID
    assert only({**host(WEB), "_macvlan_fleet_found_again": {"skipped": True}})["uuid"] == UUID


@given(st.lists(st.sampled_from(["edge1", "edge2", "edge3", "edge10"]), unique=True), st.randoms(use_true_random=False))
def test_the_order_of_hosts_makes_no_difference(names: list[str], shuffled: random.Random) -> None:
    hosts = {name: host(WEB, endpoints=[on("web")] * number) for number, name in enumerate(names)}
    before = copy.deepcopy(hosts)
    told = asked_of_fleet(hosts, names)
    other = list(names)
    shuffled.shuffle(other)
    assert asked_of_fleet({name: hosts[name] for name in other}, other) == told and hosts == before
    check = ArgumentSpecValidator(_fleet.fleet_argspec()).validate({"segments": told.segments, "hosts": told.hosts})
    assert check.error_messages == []


# --- networks ---------------------------------------------------------------------------------------------------------


GOT = {"lan50": {"segment": "lan50", "subnets": [{"subnet": "192.168.50.0/24"}], "slices": [{"slice": "192.168.50.16/28", "generation": 1}]}}


def test_networks_get_what_their_segment_gives_and_others_stay() -> None:
    plain = {"name": "plain", "parent": "eth1", "subnets": [{"subnet": "10.0.0.0/24"}]}
    assert with_slices([{**WEB, "mtu": 1400}, plain, "wrong"], GOT) == [{**WEB, "mtu": 1400, **GOT["lan50"]}, plain, "wrong"]


def test_a_network_whose_host_has_no_slice_is_refused() -> None:
    with pytest.raises(OptionsError, match="network web: the host has got no slice of segment lan60"):
        with_slices([{**WEB, "segment": "lan60"}], GOT)


# --- the role ---------------------------------------------------------------------------------------------------------


def read(name: str) -> t.Any:
    return yaml.safe_load((ROLE / name).read_text(encoding="utf-8"))


OPTIONS = read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]


def test_every_variable_is_documented_with_its_default() -> None:
    assert {name: about["default"] for name, about in OPTIONS.items() if "default" in about} == read("defaults/main.yml")
    assert all(about["description"] for about in OPTIONS.values())
    assert read("meta/argument_specs.yml")["argument_specs"]["plan"]["options"] == OPTIONS


@pytest.mark.parametrize("option", ["store", "path"])
def test_what_the_role_passes_on_is_what_the_module_takes(option: str) -> None:
    assert {key: value for key, value in OPTIONS[f"macvlan_fleet_{option}"].items() if key != "description"} == _fleet.fleet_argspec()[option]


def test_every_variable_that_is_used_is_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in ROLE.rglob("*.yml")]
    used = {name for text in texts for name in re.findall(r"\b_?macvlan_fleet_\w+", text)}
    facts = {f"_macvlan_fleet_{name}" for name in ("declared", "asked", "allocated", "filled", "has_networks", "found", "found_again")}
    assert used - facts - {"macvlan_fleet_plan"} == {*OPTIONS, *read("vars/main.yml")}


def test_every_option_of_a_host_is_read() -> None:
    published = {name for name in read("vars/main.yml")["_macvlan_fleet_variables"] if name.startswith("macvlan_fleet_")}
    assert published == {f"macvlan_fleet_{name}" for name in ("segments", "addresses", "place", "replaced", "renamed_from")}


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (host(WEB, {**WEB, "name": "db"}), "edge1: network db: another network of the host is on the segment lan50 already"),
        (
            host({"name": "old", "parent": "eth0.50", "subnets": [{"subnet": "192.168.50.0/25"}]}),
            "edge1: network old has 192.168.50.0/25, addresses of the segment lan50, which other hosts may have; write segment: lan50",
        ),
    ],
)
def test_addresses_that_other_hosts_may_have_are_told_before_any_host_is_touched(declared: dict[str, t.Any], words: str) -> None:
    assert [problem for problem in asked(edge1=declared).problems if words in problem]


@pytest.mark.parametrize(
    "network",
    [
        {"name": "inner", "subnets": [{"subnet": "192.168.50.0/24"}]},
        {"name": "apart", "parent": "eth9", "allow_overlap": True, "subnets": [{"subnet": "192.168.50.0/24"}]},
        {"name": "other", "parent": "eth9", "subnets": [{"subnet": "10.0.0.0/24"}]},
        {"name": "wrong", "parent": "eth9", "subnets": [{"subnet": "here"}, 7]},
    ],
)
def test_networks_of_other_wires_are_no_concern_of_a_segment(network: dict[str, t.Any]) -> None:
    assert asked(edge1=host(WEB, network)).problems == []
    isolated = host({"name": "old", "parent": "eth9", "subnets": [{"subnet": "192.168.50.0/24"}]}, segments=[{**LAN, "isolated": True}])
    assert asked(edge1=isolated).problems == []
