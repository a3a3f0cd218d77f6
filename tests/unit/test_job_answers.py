# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of text are taken apart, matched to the subnets that they are about, or refused by their variable's name."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.filter.job_answers import PREFIX, FilterModule

ROLE = Path(__file__).parents[2] / "roles/macvlan_job"
SPECS = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]
NEEDED = {"macvlan_job_network": "web", "macvlan_job_endpoint": "web1"}
DEFAULTS = {
    name: {key.removeprefix(PREFIX): about["default"] for key, about in spec["options"].items() if "default" in about}
    for name, spec in SPECS.items()
}


def read(job, answers):
    return FilterModule().filters()["job_answers"]({**NEEDED, **answers}, SPECS[job]["options"])


def understood(job, answers):
    """What is said beyond names and defaults."""
    result = read(job, {f"{PREFIX}{name}": text for name, text in answers.items()})
    assert result["problems"] == []
    known = {"network": "web", "endpoint": "web1", **DEFAULTS[job]}
    return {name: value for name, value in result["answers"].items() if name not in known or known[name] != value}


def refused(job, answers):
    result = read(job, {f"{PREFIX}{name}": text for name, text in answers.items()})
    return result["problems"]


@pytest.mark.parametrize(
    ("text", "routes"),
    [
        ("10.0.0.0/8 via 192.168.50.9", [{"to": "10.0.0.0/8", "via": "192.168.50.9"}]),
        ("10.0.0.0/8", [{"to": "10.0.0.0/8"}]),
        ("default via fe80::1 metric 50", [{"to": "default", "via": "fe80::1", "metric": 50}]),
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
        ("network_create", "network_parent", " eth0 ", "eth0"),
        ("endpoint_attach", "endpoint_sysctls", "net.ipv4.ip_forward=1", {"net.ipv4.ip_forward": "1"}),
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
            [{"ip_range": "10.1.0.5-10.1.0.9"}, {"ip_range": "10.2.0.128/25"}, {}],
        ),
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
        ("endpoint_attach", {"endpoint_pid": "first"}, ["endpoint_pid", "int"]),
        ("network_create", {"network_mode": "bridged"}, ["network_mode", "bridged", "vepa"]),
        ("network_create", {"network_internal": "perhaps"}, ["network_internal", "perhaps"]),
        ("network_create", {"network_address_pools": "10.0.0.0/8"}, ["network_address_pools", "size"]),
        ("network_create", {"network_labels": "a=1, a=2"}, ["network_labels", "a is there twice"]),
        ("network_create", {"network_labels": "=1"}, ["network_labels", "'=1'"]),
        ("network_create", {"network_subnets": "10.1.0.0"}, ["network_subnets", "'10.1.0.0'"]),
        ("network_create", {"network_subnets": "10.1.0.0/33"}, ["network_subnets", "'10.1.0.0/33'"]),
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
        ({"ip_ranges": "10.9.0.0/25"}, ["ip_ranges", "10.9.0.0/25", "none of the subnets"]),
        ({"ip_ranges": "10.1.0.0/25, 10.1.0.128/25"}, ["ip_ranges", "both"]),
        ({"aux_addresses": "10.1.0.9"}, ["aux_addresses", "10.1.0.9", "NAME=VALUE"]),
        ({"aux_addresses": "a=10.9.0.9"}, ["aux_addresses", "a=10.9.0.9", "none of the subnets"]),
        ({"aux_addresses": "a=10.1.0.9, a=10.1.0.8"}, ["aux_addresses", "a is there twice"]),
    ],
)
def test_what_belongs_to_no_subnet_or_to_one_that_has_it_already_is_named(texts, words):
    texts = {"network_subnets": "10.1.0.0/24, 10.2.0.0/24", **{f"network_{name}": text for name, text in texts.items()}}
    (problem,) = refused("network_create", texts)
    assert all(word in problem for word in words), problem


def test_all_that_is_wrong_is_said_at_once():
    problems = refused("endpoint_attach", {"endpoint_routes": "a b, c d", "endpoint_labels": "e"})
    assert len(problems) == 3


def test_other_things_than_dictionaries_are_refused():
    with pytest.raises(AnsibleFilterError, match="list"):
        FilterModule().filters()["job_answers"]([], {})


VARIABLES = st.sampled_from(sorted(SPECS["network_create"]["options"]))


@given(st.dictionaries(VARIABLES, st.text(st.sampled_from("10.2/,=-: ab"))))
def test_no_text_makes_it_fail_in_another_way(answers):
    result = read("network_create", answers)
    assert set(result) == {"answers", "problems"}
