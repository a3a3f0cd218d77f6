# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of text are taken apart, matched to the subnets that they are about, or refused by their variable's name."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.answers import PREFIX, read_answers

ROLE = Path(__file__).parents[2] / "roles/macvlan_job"
SPECS = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]
NEEDED = {"macvlan_job_network": "web", "macvlan_job_endpoint": "web1"}
NAMESPACES = [f"{PREFIX}endpoint_{name}" for name in ("netns", "netns_path", "pid", "in_host")]
DEFAULTS = {
    name: {key.removeprefix(PREFIX): about["default"] for key, about in spec["options"].items() if "default" in about}
    for name, spec in SPECS.items()
}


def read(job, answers, inventory=None):
    """What a job reads, with all that it needs."""
    place = {} if {*NAMESPACES} & {*answers} else {"macvlan_job_endpoint_netns": "ns"}
    return read_answers({**NEEDED, **place, **answers}, SPECS[job]["options"], inventory)


def understood(job, answers, inventory=None):
    """What is said beyond names and defaults."""
    result = read(job, {f"{PREFIX}{name}": text for name, text in answers.items()}, inventory)
    assert result["problems"] == []
    known = {"network": "web", "endpoint": "web1", "endpoint_netns": "ns", **DEFAULTS[job]}
    return {name: value for name, value in result["answers"].items() if name not in known or known[name] != value}


def refused(job, answers, inventory=None):
    result = read(job, {f"{PREFIX}{name}": text for name, text in answers.items()}, inventory)
    return result["problems"]


@pytest.mark.parametrize(
    ("text", "routes"),
    [
        ("10.0.0.0/8 via 192.168.50.9", [{"to": "10.0.0.0/8", "via": "192.168.50.9"}]),
        ("10.0.0.0/8", [{"to": "10.0.0.0/8"}]),
        ("default via fe80::1 metric 50", [{"to": "default", "via": "fe80::1", "metric": 50}]),
        ("default via 10.9.0.1 onlink", [{"to": "default", "via": "10.9.0.1", "onlink": True}]),
        ("10.0.0.0/8 via 10.0.0.1 metric 5 onlink", [{"to": "10.0.0.0/8", "via": "10.0.0.1", "metric": 5, "onlink": True}]),
        (" 10.0.0.0/8  metric 5 via 10.0.0.1 ,", [{"to": "10.0.0.0/8", "metric": 5, "via": "10.0.0.1"}]),
        ("10.0.0.0/8,, fd00::/8", [{"to": "10.0.0.0/8"}, {"to": "fd00::/8"}]),
    ],
)
def test_routes_are_words_in_pairs(text, routes):
    assert understood("endpoint_attach", {"endpoint_routes": text}) == {"endpoint_routes": routes}


@pytest.mark.parametrize(
    ("job", "name", "text", "value"),
    [
        ("network_create", "network_address_pools", "10.0.0.0/8 size 24", [{"base": "10.0.0.0/8", "size": 24}]),
        ("network_create", "network_labels", "owner=web team,formula = a=b", {"owner": "web team", "formula": "a=b"}),
        ("network_create", "network_ipv6", "true", True),
        ("network_create", "network_ipv6", False, False),
        ("network_create", "network_mtu", " 1400 ", 1400),
        ("network_create", "network_mode", " vepa ", "vepa"),
        ("network_create", "state_dir", " ~/lab", "~/lab"),
        ("endpoint_attach", "endpoint_netns_path", "$HOME/ns", "$HOME/ns"),
        ("network_create", "network_parent", " eth0 ", "eth0"),
        ("endpoint_attach", "endpoint_sysctls", "net.ipv4.ip_forward=1", {"net.ipv4.ip_forward": "1"}),
        ("endpoint_attach", "endpoint_addresses", "10.0.0.9, fd00::9/64", ["10.0.0.9", "fd00::9/64"]),
        ("endpoint_attach", "endpoint_dns", "10.0.0.53, a.example,fd00::53", {"servers": ["10.0.0.53", "fd00::53"], "search": ["a.example"]}),
        ("endpoint_attach", "endpoint_pid", "4711", 4711),
        ("endpoint_attach", "endpoint_mac", "02:42:0a:00:00:05", "02:42:0a:00:00:05"),
    ],
)
def test_texts_are_what_the_modules_take(job, name, text, value):
    assert understood(job, {name: text}) == {name: value}


@pytest.mark.parametrize("blank", ["", " ", "\n", None])
@pytest.mark.parametrize("job", SPECS)
def test_blank_is_left_out_and_missed_where_it_is_required(job, blank):
    result = read(job, dict.fromkeys(SPECS[job]["options"], blank))
    missing = [name for name, about in SPECS[job]["options"].items() if about.get("required")]
    assert bool(result["problems"]) == bool(missing)
    assert all(name in result["problems"][0] for name in missing)
    assert missing or result["answers"] == DEFAULTS[job]


@pytest.mark.parametrize(
    ("texts", "subnets"),
    [
        ({}, [{}, {}, {}]),
        ({"gateways": "10.2.0.254, 10.1.0.254"}, [{"gateway": "10.1.0.254"}, {"gateway": "10.2.0.254"}, {}]),
        ({"gateways": "2001:db8:0::10"}, [{}, {}, {"gateway": "2001:db8:0::10"}]),
        ({"gateways": "none"}, [{"gateway": "none"}] * 3),
        ({"gateways": "None, 10.1.0.1"}, [{"gateway": "10.1.0.1"}, {"gateway": "none"}, {"gateway": "none"}]),
        (
            {"ip_ranges": "10.2.0.128/25, 10.1.0.5-10.1.0.9"},
            [{"ip_range": ["10.1.0.5-10.1.0.9"]}, {"ip_range": ["10.2.0.128/25"]}, {}],
        ),
        ({"ip_ranges": "10.1.0.0/25, 10.1.0.192/26"}, [{"ip_range": ["10.1.0.0/25", "10.1.0.192/26"]}, {}, {}]),
        (
            {"exclude": "10.1.0.5, 10.1.0.32/28, 2001:db8::1-2001:db8::9"},
            [{"exclude": ["10.1.0.5", "10.1.0.32/28"]}, {}, {"exclude": ["2001:db8::1-2001:db8::9"]}],
        ),
        ({"gateways": "10.9.0.1 for 10.2.0.5/24"}, [{}, {"gateway": "10.9.0.1", "gateway_onlink": True}, {}]),
        ({"gateways": "fe80::1 for 2001:db8::/64, none"}, [{"gateway": "none"}, {"gateway": "none"}, {"gateway": "fe80::1"}]),
        (
            {"aux_addresses": "a=10.1.0.2, b = 10.1.0.3, a=2001:db8::a"},
            [{"aux_addresses": {"a": "10.1.0.2", "b": "10.1.0.3"}}, {}, {"aux_addresses": {"a": "2001:db8::a"}}],
        ),
    ],
)
def test_what_is_said_of_subnets_goes_to_the_one_that_has_it_inside(texts, subnets):
    cidrs = ("10.1.0.0/24", "10.2.0.5/24", "2001:db8::/64")
    texts = {"network_subnets": ", ".join(cidrs), **{f"network_{name}": text for name, text in texts.items()}}
    expected = [{"subnet": cidr, **about} for cidr, about in zip(cidrs, subnets, strict=True)]
    assert understood("network_create", texts) == {"network_subnets": expected}


@pytest.mark.parametrize(
    ("job", "texts", "words"),
    [
        ("endpoint_attach", {"endpoint_routes": "10.0.0.0/8 192.0.2.9"}, ["endpoint_routes", "'10.0.0.0/8 192.0.2.9'"]),
        ("endpoint_attach", {"endpoint_routes": "10.0.0.0/8 via"}, ["endpoint_routes"]),
        ("endpoint_attach", {"endpoint_routes": "10.0.0.0/8 via 10.0.0.1 via 10.0.0.2"}, ["endpoint_routes"]),
        ("endpoint_attach", {"endpoint_routes": "10.0.0.0/8 metric low"}, ["endpoint_routes", "low", "number"]),
        ("endpoint_attach", {"endpoint_sysctls": "net.ipv4.ip_forward"}, ["endpoint_sysctls", "NAME=VALUE"]),
        ("endpoint_attach", {"endpoint_routes": "10.0.0.0/8 metric 1_0"}, ["endpoint_routes", "1_0", "number"]),
        ("endpoint_attach", {"endpoint_routes": "10.0.0.0/8 metric \u0663"}, ["endpoint_routes", "number"]),
        ("endpoint_attach", {"endpoint_pid": "first"}, ["endpoint_pid", "'first' is not a whole number"]),
        ("endpoint_attach", {"endpoint_mtu": 1400.5}, ["endpoint_mtu", "1400.5"]),
        ("network_create", {"network_labels": ["owner=web"]}, ["network_labels", "commas"]),
        ("network_create", {"network_subnets": [{"subnet": "10.1.0.0/24"}]}, ["network_subnets", "commas"]),
        ("network_create", {"network_gateways": "none"}, ["network_gateways", "none", "subnets"]),
        ("network_create", {"network_mode": "bridged"}, ["network_mode", "bridged", "vepa"]),
        ("network_create", {"network_internal": "perhaps"}, ["network_internal", "perhaps"]),
        ("network_create", {"network_address_pools": "10.0.0.0/8"}, ["network_address_pools", "size"]),
        ("network_create", {"network_labels": "a=1, a=2"}, ["network_labels", "a is given twice"]),
        ("network_create", {"network_labels": "=1"}, ["network_labels", "'=1'"]),
        ("network_create", {"network_subnets": "10.1.0.0"}, ["network_subnets", "'10.1.0.0'"]),
        ("network_create", {"network_subnets": "10.1.0.0/33"}, ["network_subnets", "'10.1.0.0/33'"]),
        ("network_create", {"network_subnets": "10.1.0.0/255.0.0.0"}, ["network_subnets", "'10.1.0.0/255.0.0.0'"]),
        ("network_create", {"network_subnets": "fe80::%eth0/64"}, ["network_subnets", "'fe80::%eth0/64'"]),
        ("network_create", {"network_gateways": "10.1.0.1"}, ["network_gateways", "10.1.0.1", "none of the subnets"]),
    ],
)
def test_what_cannot_be_understood_is_named(job, texts, words):
    (problem,) = refused(job, texts)
    assert all(word in problem for word in words), problem


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"gateways": "10.1.0.1, 10.1.0.2"}, ["gateways", "10.1.0.1", "10.1.0.2", "both"]),
        ({"gateways": "10.9.0.1"}, ["gateways", "10.9.0.1", "none of the subnets"]),
        ({"gateways": "10.1.0.1/24"}, ["gateways", "10.1.0.1/24", "not an IP address"]),
        ({"ip_ranges": "10.9.0.0/25"}, ["ip_ranges", "10.9.0.0", "none of the subnets"]),
        ({"exclude": "10.9.0.0/25"}, ["exclude", "10.9.0.0", "none of the subnets"]),
        ({"exclude": "nine"}, ["exclude", "'nine' is not an IP address"]),
        ({"gateways": "10.9.0.1 for 10.9.0.0/24"}, ["gateways", "10.9.0.0/24", "none of the subnets"]),
        ({"gateways": "router for 10.1.0.0/24"}, ["gateways", "'router for 10.1.0.0/24'", "ADDRESS for SUBNET"]),
        ({"gateways": "10.1.0.1, 10.9.0.1 for 10.1.0.0/24"}, ["gateways", "'10.1.0.1' and '10.9.0.1 for 10.1.0.0/24'", "both"]),
        ({"gateways": "10.1.0.1, none, 10.2.0.1"}, ["gateways", "'none'", "every subnet has one"]),
        ({"aux_addresses": "10.1.0.9"}, ["aux_addresses", "10.1.0.9", "NAME=ADDRESS"]),
        ({"aux_addresses": "a=10.9.0.9"}, ["aux_addresses", "10.9.0.9", "none of the subnets"]),
        ({"aux_addresses": "a=10.1.0.9, a=10.1.0.8"}, ["aux_addresses", "a is given twice"]),
    ],
)
def test_what_belongs_to_no_subnet_or_to_one_that_has_it_already_is_named(texts, words):
    texts = {"network_subnets": "10.1.0.0/24, 10.2.0.0/24", **{f"network_{name}": text for name, text in texts.items()}}
    (problem,) = refused("network_create", texts)
    assert all(word in problem for word in words), problem


def test_all_that_is_wrong_is_said_at_once():
    wrong = {"endpoint_routes": "a b, c d", "endpoint_labels": "e", "endpoint_mtu": "f", "endpoint_announce": "g", "network": ""}
    assert len(refused("endpoint_attach", wrong)) == 6


def test_an_address_belongs_to_the_narrowest_subnet_around_it():
    wide, narrow = "10.0.0.0/8", "10.1.0.0/24"
    made = understood("network_create", {"network_subnets": f"{wide}, {narrow}", "network_gateways": "10.1.0.1, 10.0.0.1"})
    assert [item["gateway"] for item in made["network_subnets"]] == ["10.0.0.1", "10.1.0.1"]


SUBNETS = ("10.1.0.0/24", "10.2.0.0/24", "2001:db8::/64")
PIECES = ("10.1.0.1", "10.2.0.0/25", "10.1.0.7-10.1.0.9", "2001:db8::5", "none", "a=10.1.0.8", "b=2001:db8::8", "192.0.2.1", "x", "=")
TEXTS = tuple(f"network_{name}" for name in ("gateways", "ip_ranges", "aux_addresses", "labels"))


@given(st.dictionaries(st.sampled_from(TEXTS), st.lists(st.sampled_from(PIECES), min_size=1, unique=True), min_size=1))
def test_whatever_is_said_of_subnets_is_in_an_answer_or_in_a_problem(said):
    texts = {f"{PREFIX}{name}": ", ".join(pieces) for name, pieces in said.items()}
    result = read("network_create", {f"{PREFIX}network_subnets": ", ".join(SUBNETS), **texts})
    assert bool(result["problems"]) != bool(result["answers"])
    for problem in result["problems"]:
        variable, dummy, what = problem.partition(": ")
        assert any(piece in what for piece in said[variable.removeprefix(PREFIX)]), problem
    if result["answers"]:
        found = str(result["answers"])
        assert all(part in found for pieces in said.values() for piece in pieces for part in piece.split("="))


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({}, ["endpoint_netns: no namespace", "endpoint_netns_path", "endpoint_pid", "endpoint_in_host=true"]),
        ({"netns": " ", "netns_path": "", "pid": None}, ["endpoint_netns: no namespace", "endpoint_in_host=true"]),
        ({"in_host": "false"}, ["endpoint_in_host: it is not true", "endpoint_netns"]),
        ({"in_host": "true", "netns": "host"}, ["endpoint_in_host: true", "endpoint_netns names another"]),
        ({"in_host": True, "pid": 1, "netns_path": "/run/x"}, ["endpoint_netns_path and macvlan_job_endpoint_pid"]),
    ],
)
def test_where_an_endpoint_is_has_to_be_said(texts, words):
    given_texts = {**dict.fromkeys(NAMESPACES, ""), **{f"{PREFIX}endpoint_{name}": text for name, text in texts.items()}}
    (problem,) = read("endpoint_attach", given_texts)["problems"]
    assert all(word in problem for word in words), problem


@pytest.mark.parametrize(
    "texts", [{"netns": "host"}, {"netns_path": "/run/x"}, {"pid": 1}, {"in_host": "true"}, {"in_host": "false", "netns": "a"}]
)
def test_one_place_is_enough(texts):
    given_texts = {f"{PREFIX}endpoint_{name}": text for name, text in texts.items()}
    assert read("endpoint_attach", given_texts)["problems"] == []


def test_ranges_of_the_inventory_are_the_answer_about_ranges():
    answers = {"network_subnets": "10.1.0.0/24, fd00::/64", "network_ip_ranges_from": "web_ranges"}
    ranges = {"web_ranges": " 10.1.0.64/27, fd00::1:0/112"}
    found = understood("network_create", answers, ranges)["network_subnets"]
    assert [item["ip_range"] for item in found] == [["10.1.0.64/27"], ["fd00::1:0/112"]]
    (problem,) = refused("network_create", {**answers, "network_ip_ranges": "10.1.0.64/27"}, ranges)
    assert "macvlan_job_network_ip_ranges_from" in problem and "leave one of the two out" in problem


@pytest.mark.parametrize(
    ("asked", "inventory", "words"),
    [
        ("typo", {}, "this host has no variable 'typo'; name a variable"),
        ("192.168.50.32/27", {}, "this host has no variable '192.168.50.32/27'; name a variable"),
        ("web_ranges", {"web_ranges": None}, "the variable 'web_ranges' of this host is blank, or uses a variable"),
        ("web_ranges", {"web_ranges": " "}, "the variable 'web_ranges' of this host is blank"),
    ],
)
def test_ranges_that_the_inventory_does_not_have_are_refused(asked, inventory, words):
    (problem,) = refused("network_create", {"network_subnets": "10.1.0.0/24", "network_ip_ranges_from": asked}, inventory)
    assert problem.startswith("macvlan_job_network_ip_ranges_from: ") and words in problem
    assert "such as web_ranges" in problem and "192.168.50.32/27" in problem


@pytest.mark.parametrize(
    ("ranges", "words"), [(["10.1.0.64/27"], "with commas"), ("10.9.0.0/27", "in none of"), ("x", "not an IP address"), (True, "true")]
)
def test_wrong_ranges_of_the_inventory_are_reported_with_the_variable(ranges, words):
    answers = {"network_subnets": "10.1.0.0/24", "network_ip_ranges_from": "web_ranges"}
    (problem,) = refused("network_create", answers, {"web_ranges": ranges})
    assert problem.startswith("macvlan_job_network_ip_ranges_from (web_ranges): ") and words in problem


@pytest.mark.parametrize(
    ("job", "name", "value", "shown"),
    [
        *(
            (job, name, value, shown)
            for job, spec in SPECS.items()
            for name, about in spec["options"].items()
            for value, shown in {
                "bool": [("maybe", "'maybe'"), (7, "'7'"), ([True], "'[True]'")],
                "int": [("big", "'big'"), (True, "true"), (1.5, "'1.5'")],
                "str": [(True, "true"), (False, "false")],
                "path": [(True, "true")],
            }[about["type"]]
            if name != "macvlan_job_network_ip_ranges_from"
        )
    ],
)
def test_what_has_a_wrong_type_is_reported_in_plain_words(job, name, value, shown):
    problems = [problem for problem in read(job, {name: value})["problems"] if problem.startswith(f"{name}: {shown} is ")]
    assert len(problems) == 1
    assert not [word for word in ("convert", "of type", "<class") if word in "".join(read(job, {name: value})["problems"])]


def test_the_name_of_a_container_as_pid_is_reported_with_how_to_look_it_up():
    (problem,) = refused("endpoint_attach", {"endpoint_pid": "web"})
    assert problem.startswith("macvlan_job_endpoint_pid: 'web' is not a whole number; ") and "docker inspect" in problem
