# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole hosts in one task: what is wrong with their items, what they stand for, and what their plans lead to."""

from __future__ import annotations

import dataclasses
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils import _option_values
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import DummyParent
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import HOST_ACCESS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.needs import needs_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import requests_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import (
    Config,
    check_omission,
    config_options,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.subinterface import (
    subinterface_options,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.outcome import outcome_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import inverse
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit import test_plan_sequences as world
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    BLUE_PATH,
    Host,
    configuration,
    endpoint,
    kernel,
    network,
    no_endpoint,
    no_network,
    prepared,
    said,
    subinterface,
    vlan_link,
)

WEB = {"name": "web", "parent": "eth0", "subnets": [{"subnet": "192.0.2.0/24"}]}


def read(**params):
    """What a task asks for, by the way that its parameters go."""
    return config_options(_option_values.config_params(params))


def problems(**params):
    with pytest.raises(OptionsError) as caught:
        read(**params)
    return list(caught.value.problems)


def refused(host, *requests):
    with pytest.raises(PlanError) as caught:
        host.plan(*requests)
    return str(caught.value)


# --- items as the modules of single objects get them ----------------------------------------------------------------


def test_items_are_read_like_the_tasks_of_single_objects():
    found = read(
        vlan_subinterfaces=[{"name": "eth0.60", "mtu": "1400"}],
        networks=[{**WEB, "subnets": [{"subnet": "192.0.2.0/24", "aux_addresses": {"nas": "192.0.2.9"}}]}],
        endpoints=[{"name": 5, "network": "web", "netns": "blue", "sysctls": {"net.ipv4.ip_forward": True}}],
        purge="yes",
    )
    assert found == Config(
        subinterfaces=(subinterface_options({"name": "eth0.60", "mtu": 1400}),),
        networks=(
            network("web", [{"subnet": "192.0.2.0/24", "aux_addresses": {"nas": "192.0.2.9"}}], parent="eth0"),
        ),
        endpoints=(endpoint("5", "web", netns="blue", sysctls={"net.ipv4.ip_forward": "1"}),),
        purge=True,
    )


@pytest.mark.parametrize("params", [{}, {"networks": None, "endpoints": None, "purge": False}])
def test_lists_that_are_left_out_are_none(params):
    assert read(**params) == Config()


@pytest.mark.parametrize(
    ("of_all", "item", "wanted"),
    [
        (None, {}, False),
        (True, {}, True),
        (True, {"exclusive": False}, False),
        (False, {"exclusive": True}, True),
        (True, {"ipam": "none"}, False),
        (True, {"ipam": "default"}, True),
    ],
)
def test_networks_that_do_not_say_whether_they_are_exclusive_have_what_is_said_of_all(of_all, item, wanted):
    params = {"exclusive": of_all, "networks": [{"name": "lan", "parent": "eth0", **item}]}
    (network,) = config_options(params).networks
    assert network.exclusive is wanted


def test_an_empty_list_is_a_list():
    assert read(endpoints=[]) == Config(endpoints=())


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param(
            {"networks": [WEB, {"name": "a", "stat": "absent"}]},
            ["networks[1] (a): unknown options: stat (there are ", "address_pools", "subnets"],
            id="unknown",
        ),
        pytest.param(
            {"networks": [{"name": "a", "force": True, "state": "absent", "state_dir": "/x"}]},
            ["networks[0] (a): unknown options: force, state, state_dir", "write force once for the task, beside its lists"],
            id="what-only-a-task-of-its-own-can-say",
        ),
        pytest.param(
            {"networks": [{**WEB, "subnets": [{"subnet": "192.0.2.0/24", "range": "192.0.2.0/25"}]}]},
            ["networks[0] (web): subnets[0]: unknown options: range (there are "],
            id="unknown-further-down",
        ),
        pytest.param(
            {"endpoints": [{"name": "e"}]}, ["endpoints[0] (e): missing required arguments: network"], id="missing"
        ),
        pytest.param(
            {"networks": [{"name": "a", "subnets": [{"gateway": "192.0.2.1"}]}]},
            ["networks[0] (a): missing required arguments: subnet found in subnets"],
            id="missing-further-down",
        ),
        pytest.param({"networks": [{"parent": "eth0"}]}, ["networks[0]: ", "name"], id="missing-name"),
        pytest.param(
            {"networks": [{**WEB, "mtu": "high"}]}, ["networks[0] (web): mtu: 'high'", "whole number"], id="of-a-wrong-type"
        ),
        pytest.param(
            {"networks": [{**WEB, "mode": "l2"}]}, ["networks[0] (web): ", "mode", "bridge", "l2"], id="no-such-choice"
        ),
        pytest.param(
            {"endpoints": [{"name": "e", "network": "n", "netns": "blue", "pid": 7}]},
            ["endpoints[0] (e): ", "mutually exclusive", "netns|netns_path|pid"],
            id="exclusive",
        ),
        pytest.param(
            {"vlan_subinterfaces": [{"parent": "eth0"}]},
            ["vlan_subinterfaces[0]: ", "required together", "vlan_id"],
            id="together",
        ),
        pytest.param(
            {"vlan_subinterfaces": [{"mtu": 1400}]}, ["vlan_subinterfaces[0]: ", "one of", "name, parent"], id="one-of"
        ),
    ],
)
def test_an_item_that_its_module_would_not_take_is_named_with_its_place(params, words):
    (problem,) = problems(**params)
    assert [word for word in words if word not in problem] == [], problem


def test_all_items_that_their_modules_would_not_take_are_named_at_once():
    found = problems(
        vlan_subinterfaces=[{"name": "eth0.60"}, {}],
        networks=[{"name": "a", "mtu": "x", "mode": "y", "z": 1}, {}],
        endpoints=[{"name": "e", "network": "n"}, {"name": "f", "netns": "blue", "pid": 7}],
    )
    places = [problem.partition(":")[0] for problem in found]
    assert places == ["vlan_subinterfaces[1]", *["networks[0] (a)"] * 3, "networks[1]", *["endpoints[1] (f)"] * 2]


def test_parameters_of_the_module_itself_are_passed_through():
    found = _option_values.config_params({"purge": True, "state_dir": "/srv", "networks": [{"name": "a"}], "endpoints": None})
    assert (found["purge"], found["state_dir"]) == (True, "/srv")
    assert found["networks"][0]["driver"] == "macvlan"
    assert (found.get("vlan_subinterfaces"), found["endpoints"]) == (None, None)


# --- what is wrong with a configuration -----------------------------------------------------------------------------


def test_every_problem_of_every_item_is_named_with_its_place():
    found = problems(
        vlan_subinterfaces=[{"name": "eth0.5000"}, {"parent": "eth0", "vlan_id": 5000, "mtu": 1}],
        networks=[WEB, {"name": "-", "mtu": 1}, {"name": "a", "subnets": [{"subnet": "x"}, {"subnet": "10.0.0.0"}]}],
        endpoints=[
            {"name": "e", "network": "a", "ipv4": "fd00::1", "mac": "q"},
            {"name": "f", "network": "a", "mtu": 1},
        ],
    )
    wanted = [
        ("vlan_subinterfaces[0] (eth0.5000): ", "name"),
        ("vlan_subinterfaces[1]: ", "vlan_id"),
        ("vlan_subinterfaces[1]: ", "mtu"),
        ("networks[1] (-): ", "network name"),
        ("networks[1] (-): ", "mtu"),
        ("networks[2] (a): ", "subnets[0].subnet"),
        ("networks[2] (a): ", "subnets[1].subnet"),
        ("endpoints[0] (e): ", "ipv4"),
        ("endpoints[0] (e): ", "mac"),
        ("endpoints[1] (f): ", "mtu"),
    ]
    assert len(found) == len(wanted)
    for problem, (place, word) in zip(found, wanted, strict=True):
        assert problem.startswith(place + word)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"networks": [WEB, {"name": "web"}]}, "networks[1] (web): network web is in the list already"),
        (
            {"endpoints": [{"name": "e", "network": "n", "netns": name} for name in ("blue", "red")]},
            "endpoints[1] (e): endpoint n/e is in the list already",
        ),
        (
            {"vlan_subinterfaces": [{"name": "eth0.50"}, {"parent": "eth0", "vlan_id": 50}]},
            "vlan_subinterfaces[1]: vlan_subinterface eth0.50 is in the list already",
        ),
    ],
)
def test_what_is_in_a_list_twice_is_refused(params, problem):
    assert problems(**params) == [problem]


def test_the_third_of_three_is_named_too():
    assert len(problems(networks=[WEB, WEB, WEB])) == 2


def test_endpoints_of_two_networks_may_have_one_name():
    found = read(endpoints=[{"name": "e", "network": name, "netns": name} for name in ("a", "b")])
    assert [item.title for item in found.endpoints] == ["endpoint a/e", "endpoint b/e"]


def test_an_endpoint_of_a_network_that_purge_would_remove_is_refused():
    listed = {"name": "e", "network": "web"}
    found = problems(networks=[WEB], endpoints=[listed, {"name": "f", "network": "old"}], purge=True)
    (message,) = found
    assert message == (
        "endpoints[1] (f): network old is not in networks, and purge: true removes what is not listed; "
        "list it there, correct the name, or leave purge out"
    )
    assert read(endpoints=[{"name": "f", "network": "old"}]).purge is False


def test_a_network_that_is_listed_but_wrong_is_not_said_to_be_purged():
    (problem,) = problems(networks=[{**WEB, "mtu": 1}], endpoints=[{"name": "e", "network": "web"}], purge=True)
    assert problem.startswith("networks[0] (web): mtu")


def test_what_was_read_differently_is_reported_with_its_place():
    found = read(networks=[WEB, {"name": "a", "parent": "eth1", "subnets": [{"subnet": "10.0.0.9/24"}]}])
    warnings = Host().run(found).warnings
    assert len(warnings) == 1
    assert warnings[0].startswith("networks[1] (a): subnets[0].subnet: 10.0.0.9/24 has host bits set")


# --- what a configuration stands for --------------------------------------------------------------------------------


def test_a_request_for_one_object_stands_for_itself():
    assert requests_of(network(), Record()) == (network(),)
    assert requests_of(no_endpoint(), builders.some_record("a")) == (no_endpoint(),)


STACK = [
    subinterface("top", parent="middle", vlan_id=3),
    subinterface("eth1.9"),
    subinterface("middle", parent="eth0.50", vlan_id=2),
    subinterface("eth0.50"),
]


@pytest.mark.parametrize(
    "order", list(itertools.permutations(STACK)), ids=lambda order: "-".join(item.name for item in order)
)
def test_a_subinterface_comes_before_those_on_it_whatever_the_order_of_the_list(order):
    wanted = configuration(*order)
    found = requests_of(wanted, Record())
    assert sorted(found, key=id) == sorted(order, key=id)
    names = [item.name for item in found]
    assert names.index("eth0.50") < names.index("middle") < names.index("top")
    host = Host()
    host.run(wanted)
    assert set(host.record.links) == set(names)
    assert not host.plan(wanted).changed


def test_items_that_do_not_carry_each_other_keep_the_order_of_their_list():
    listed = [subinterface(f"eth0.{number}") for number in (7, 5, 9, 6)]
    assert requests_of(configuration(*listed), Record()) == tuple(listed)


def test_subinterfaces_on_each_other_are_refused_and_not_followed_for_ever():
    circle = configuration(subinterface("a", parent="b", vlan_id=1), subinterface("b", parent="a", vlan_id=2))
    assert "there is no link" in refused(Host(), circle)


def test_subinterfaces_come_before_networks_and_these_before_endpoints():
    made = Host().run(configuration(endpoint(), network(parent="eth0.50"), subinterface("eth0.50")))
    assert [sentence for sentence in said(made) if sentence.startswith("record")] == [
        "record vlan_subinterface eth0.50 (VLAN 50 on eth0) as declared",
        "record network lan on eth0.50",
        "record endpoint lan/web with 192.168.1.2/24",
    ]


def test_a_subinterface_creates_what_is_below_it_before_a_network_uses_that():
    above = subinterface("upper", parent="eth0.50", vlan_id=6)
    below = network(parent="eth0.50")
    made = Host().run(configuration(above, below))
    assert {name: sub.declared for name, sub in made.after.links.items()} == {"eth0.50": False, "upper": True}
    made = Host().run(configuration(above, below, subinterface("eth0.50")))
    assert {name: sub.declared for name, sub in made.after.links.items()} == {"eth0.50": True, "upper": True}


def test_removals_come_first_and_from_the_top_down():
    host = prepared(
        configuration(
            subinterface("eth0.50"),
            subinterface("upper", parent="eth0.50", vlan_id=6),
            network(parent="upper"),
            network("other", ["10.0.0.0/24"], parent="eth1"),
            endpoint(),
            endpoint("db", "other", netns="red"),
        )
    )
    kept = configuration(network("new", ["10.9.0.0/24"], parent="eth1.9"), purge=True)
    assert [type(item).__name__ for item in host.worked_in(kept)] == [
        "EndpointRemoval",
        "EndpointRemoval",
        "NetworkRemoval",
        "NetworkRemoval",
        "SubInterfaceRetraction",
        "SubInterfaceRetraction",
        "NetworkOptions",
    ]
    assert host.sentences(kept) == [
        "forget endpoint lan/web",
        "delete macvlan link eth0 in namespace blue",
        "delete namespace blue",
        "forget endpoint other/db",
        "delete macvlan link eth0 in namespace red",
        "delete namespace red",
        "forget network lan",
        "forget network other",
        "delete VLAN link upper",
        "delete VLAN link eth0.50",
        "create VLAN link eth1.9 on eth1 (VLAN 9)",
        "bring eth1.9 up",
        "record network new on eth1.9",
    ]


def test_a_plan_is_finished_after_an_interruption_only_when_it_is_nothing_but_removals():
    host = prepared(network(), endpoint())
    assert host.plan(configuration(purge=True)).removal
    assert not host.plan(configuration(network(), purge=True)).removal
    assert not host.plan(configuration(network(), endpoint("db", netns="red"))).removal


def test_one_item_that_cannot_be_had_is_a_refusal_of_all():
    host = prepared(network())
    before = host.record, host.kernel
    wanted = configuration(network(), endpoint(), network("b", ["10.0.0.0/24"], parent="eth9"))
    assert "network b: there is no link eth9" in refused(host, wanted)
    assert (host.record, host.kernel) == before


# --- addresses and subnets that are asked for -----------------------------------------------------------------------

DUAL = network(subnets=["192.168.1.0/24", "fd00::/64"])


def addresses(host):
    return {item.name: (item.ipv4, item.ipv6) for item in host.record.endpoints.values()}


def own(name, **params):
    """An endpoint in a namespace of its own."""
    return endpoint(name, netns=name, **params)


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        pytest.param(
            (own("a"), own("b", ipv4="192.168.1.2")),
            {"a": ("192.168.1.3/24", "fd00::2/64"), "b": ("192.168.1.2/24", "fd00::3/64")},
            id="ipv4",
        ),
        pytest.param(
            (own("a"), own("b", ipv6="fd00::2")),
            {"a": ("192.168.1.2/24", "fd00::3/64"), "b": ("192.168.1.3/24", "fd00::2/64")},
            id="ipv6-only-asked-for",
        ),
        pytest.param(
            (own("a"), own("b"), own("c", ipv6="fd00::3"), own("d", ipv4="192.168.1.3", ipv6="fd00::2")),
            {
                "a": ("192.168.1.2/24", "fd00::4/64"),
                "b": ("192.168.1.4/24", "fd00::5/64"),
                "c": ("192.168.1.5/24", "fd00::3/64"),
                "d": ("192.168.1.3/24", "fd00::2/64"),
            },
            id="each-of-one-family-and-both",
        ),
        pytest.param(
            (own("a", ipv6="fd00::3"), own("b", ipv4="192.168.1.2")),
            {"a": ("192.168.1.3/24", "fd00::3/64"), "b": ("192.168.1.2/24", "fd00::2/64")},
            id="the-other-family-of-one-that-asks",
        ),
    ],
)
def test_requested_addresses_are_not_chosen_for_other_endpoints(listed, wanted):
    host = prepared(configuration(DUAL, *listed))
    assert addresses(host) == wanted
    assert not host.plan(configuration(DUAL, *listed)).changed


def test_an_address_that_its_holder_releases_goes_to_the_endpoint_that_requests_it():
    host = prepared(configuration(network(), own("a")))
    host.run(configuration(network(), own("a", ipv4="192.168.1.9"), own("b"), own("c", ipv4="192.168.1.2")))
    assert {name: found[0] for name, found in addresses(host).items()} == {
        "a": "192.168.1.9/24",
        "b": "192.168.1.3/24",
        "c": "192.168.1.2/24",
    }


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_addresses_that_other_endpoints_release_can_be_requested_in_any_order_of_the_list(order):
    chain = [own("e1", ipv4="192.168.1.11"), own("e2", ipv4="192.168.1.10"), own("e3", ipv4="192.168.1.9")]
    host = prepared(configuration(network(), own("e1", ipv4="192.168.1.10"), own("e2", ipv4="192.168.1.9")))
    host.run(configuration(network(), *(chain[position] for position in order)))
    found = addresses(host)
    assert [found[name][0] for name in ("e1", "e2", "e3")] == ["192.168.1.11/24", "192.168.1.10/24", "192.168.1.9/24"]


def test_a_chain_of_any_length_moves_up_by_one():
    def at(first):
        addresses = [f"10.0.{number // 250}.{number % 250 + 2}" for number in range(first, first + 1500)]
        items = [own(f"e{number}", network="net", ipv4=address) for number, address in enumerate(addresses)]
        return configuration(network("net", ["10.0.0.0/16"]), *items)

    made = requests_of(at(1), prepared(at(0)).record)
    assert [request.name for request in made[1:4]] == ["e1499", "e1498", "e1497"]


def test_two_endpoints_swap_addresses_in_one_task_and_no_address_is_on_two_links_meanwhile():
    host = prepared(configuration(network(), own("e1", ipv4="192.168.1.10"), own("e2", ipv4="192.168.1.9")))
    swapped = configuration(network(), own("e1", ipv4="192.168.1.9"), own("e2", ipv4="192.168.1.10"))
    kernel_then = host.kernel
    for step in host.run(swapped).steps:
        kernel_then = builders.followed(kernel_then, [step])
        spaces = [one for one in kernel_then.spaces.values() if one is not None]
        held = [address for one in spaces for listed in one.addresses.values() for address in listed]
        macs = [link.mac for one in spaces for link in one.links.values() if not link.loopback]
        assert len(held) == len(set(held)) and len(macs) == len(set(macs))
    assert {name: found[0] for name, found in addresses(host).items()} == {"e1": "192.168.1.9/24", "e2": "192.168.1.10/24"}


def test_an_endpoint_keeps_its_address_although_another_asks_for_it():
    host = prepared(configuration(network(), own("a")))
    wanted = configuration(network(), own("b", ipv4="192.168.1.2"), own("a"))
    message = refused(host, wanted)
    assert "endpoint lan/b: ipv4: 192.168.1.2 is held by endpoint lan/a; use another" in message
    assert "or add replace: true, which gives endpoint lan/a another address" in message


def test_of_two_that_ask_for_one_address_the_second_is_refused():
    wanted = configuration(network(), *(own(name, ipv4="192.168.1.7") for name in "ba"))
    assert "endpoint lan/a: ipv4: 192.168.1.7 is held by endpoint lan/b; use another" in refused(Host(), wanted)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("192.168.1.1", "held by gateway of 192.168.1.0/24"),
        ("192.168.1.255", "network or broadcast address"),
        ("10.0.0.1", "in no subnet"),
    ],
)
def test_an_impossible_address_is_refused_with_the_reason(address, words):
    assert words in refused(Host(), configuration(network(), own("a"), own("b", ipv4=address)))


def test_a_purged_endpoint_leaves_its_address_to_those_that_are_listed():
    host = prepared(configuration(network(), own("a"), own("b")))
    host.run(configuration(network(), own("c"), own("d", ipv4="192.168.1.2"), purge=True))
    assert {name: found[0] for name, found in addresses(host).items()} == {"c": "192.168.1.3/24", "d": "192.168.1.2/24"}


def test_given_subnets_are_not_chosen_for_other_networks():
    chosen = network("a", (), ipv6=True)
    ula = Host().run(chosen).after.networks["a"].subnets[1].subnet
    others = network("b", ["172.17.0.0/16"], parent="eth1"), network("c", [ula], parent="eth1.7")
    wanted = configuration(chosen, *others)
    host = prepared(wanted)
    first, second = (subnet.subnet for subnet in host.record.networks["a"].subnets)
    assert first == "172.18.0.0/16"
    assert second != ula
    assert not host.plan(wanted).changed


# --- what purge removes ---------------------------------------------------------------------------------------------


def test_purge_removes_what_is_recorded_and_not_listed_and_nothing_else():
    foreign = kernel(vlan_link("eth1.7", 7, 3, 7))
    before = configuration(
        subinterface("eth0.60"),
        subinterface("eth0.70"),
        network(parent="eth0.50"),
        network("b", ["10.0.0.0/24"], parent="eth1.7"),
        network("c", ["10.1.0.0/24"], parent=None),
        own("one"),
        own("two"),
        endpoint("one", "b", netns="red"),
        endpoint("one", "c", netns="green"),
    )
    host = prepared(before, found=foreign)
    listed = subinterface("eth0.70"), network(parent="eth0.50"), own("two")
    host.run(configuration(*listed, purge=True))
    fresh = prepared(configuration(*listed, endpoint("two", netns="two", ipv4="192.168.1.3")), found=foreign)
    assert host.record == fresh.record
    assert builders.shape(host.kernel) == builders.shape(fresh.kernel)
    assert host.link("eth1.7") is not None


KINDS = ("subinterfaces", "networks", "endpoints")


@pytest.mark.parametrize("given", [kinds for count in (1, 2, 3) for kinds in itertools.combinations(KINDS, count)])
def test_purge_removes_only_of_those_kinds_whose_lists_are_given(given):
    host = prepared(configuration(subinterface("eth0.60"), network("empty", ["10.0.0.0/24"], parent="eth1")))
    if "networks" not in given or "endpoints" in given:
        host.run(configuration(network(), own("a")))
    before = host.record
    host.run(Config(**dict.fromkeys(given, ()), purge=True))
    assert host.record.links == ({} if "subinterfaces" in given else before.links)
    assert host.record.networks == ({} if "networks" in given else before.networks)
    assert host.record.endpoints == ({} if "endpoints" in given else before.endpoints)


def test_networks_with_unlisted_endpoints_are_not_removed_and_all_of_them_are_named():
    host = prepared(
        configuration(network(), network("b", ["10.0.0.0/24"], parent="eth1"), own("x"), own("y"), endpoint("z", "b", netns="z"))
    )
    with pytest.raises(PlanError) as caught:
        check_omission(Config(networks=(), purge=True), host.record)
    for words in ("network lan has the endpoints x, y", "network b has the endpoints z", "endpoints is left out", "endpoints (an empty"):
        assert words in str(caught.value)
    for allowed in (
        Config(networks=(), endpoints=(), purge=True),
        Config(networks=()),
        Config(subinterfaces=(), purge=True),
        Config(networks=(network(), network("b", ["10.0.0.0/24"], parent="eth1")), purge=True),
    ):
        check_omission(allowed, host.record)


def test_purge_without_any_list_is_refused():
    (problem,) = problems(purge=True)
    assert problem.startswith("purge: true removes what is recorded and not listed, and no list is given")
    assert "[]" in problem


def test_a_listed_endpoint_needs_no_list_of_networks():
    assert read(endpoints=[{"name": "f", "network": "old"}], purge=True).networks is None


def test_without_purge_what_is_not_listed_stays():
    host = prepared(configuration(network(), own("a")))
    host.run(configuration(network("b", ["10.0.0.0/24"], parent="eth1"), endpoint("x", "b", netns="x")))
    assert set(host.record.networks) == {"lan", "b"}
    assert set(host.record.endpoints) == {("lan", "a"), ("b", "x")}


def test_an_endpoint_can_be_added_to_a_network_that_is_not_listed():
    host = prepared(network())
    host.run(configuration(endpoint()))
    assert set(host.record.endpoints) == {("lan", "web")}


def test_purge_keeps_the_parent_that_a_listed_network_goes_on_using():
    host = prepared(network(parent="eth0.50"))
    made = host.run(configuration(network("b", ["10.0.0.0/24"], parent="eth0.50"), purge=True))
    assert said(made) == ["forget network lan", "record network b on eth0.50"]
    assert host.sentences(configuration(purge=True)) == ["forget network b", "delete VLAN link eth0.50"]


def test_purge_keeps_the_base_of_what_is_listed():
    host = prepared(network(parent="eth0.50"))
    made = host.run(configuration(network("b", ["10.0.0.0/24"], parent="eth0.50.6"), purge=True))
    assert "delete VLAN link eth0.50" not in said(made)
    assert set(host.record.links) == {"eth0.50", "eth0.50.6"}


def test_purge_keeps_the_parent_that_is_listed_as_a_subinterface():
    host = prepared(network(parent="eth0.50"))
    assert host.sentences(configuration(subinterface("eth0.50"), purge=True)) == [
        "forget network lan",
        "record vlan_subinterface eth0.50 (VLAN 50 on eth0) as declared",
    ]
    assert host.record.links["eth0.50"].declared


def test_purge_keeps_the_namespace_that_a_listed_endpoint_goes_on_using():
    host = prepared(network(), endpoint())
    sentences = host.sentences(configuration(network(), endpoint("db", ifname="net0"), purge=True))
    assert [text for text in sentences if "create" in text or "delete" in text] == [
        "delete macvlan link eth0 in namespace blue",
        "create macvlan link net0 in namespace blue on eth0 (bridge, 02:42:c0:a8:01:02)",
    ]
    assert set(host.record.namespaces) == {"blue"}


def test_purge_keeps_a_namespace_of_which_a_listed_endpoint_says_the_path():
    host = prepared(network(), endpoint())
    sentences = host.sentences(configuration(network(), endpoint("db", netns_path=BLUE_PATH), purge=True))
    assert [text for text in sentences if "namespace blue" in text and text.startswith("delete namespace")] == []
    host.run(configuration(purge=True))
    assert host.kernel.spaces[BLUE_PATH] is None


def test_what_a_listed_object_was_expected_to_use_goes_when_it_uses_something_foreign():
    host = prepared(network(parent="eth0.50"))
    host.gain(vlan_link("eth0.50.6", 66, host.link("eth0.50").index, 6))
    made = host.run(configuration(network("b", ["10.0.0.0/24"], parent="eth0.50.6"), purge=True))
    assert said(made) == ["forget network lan", "record network b on eth0.50.6", "remove our tag from eth0.50"]
    assert "eth0.50 was created here, but link eth0.50.6 uses it now" in " ".join(made.warnings)
    assert host.record.links == {}


def test_an_endpoint_that_is_listed_under_another_network_moves_there():
    other = network("b", ["10.0.0.0/24"], parent="eth1")
    host = prepared(configuration(network(), other, endpoint()))
    made = host.run(configuration(network(), other, endpoint("web", "b"), purge=True))
    assert said(made)[:4] == [
        "forget endpoint lan/web",
        "delete macvlan link eth0 in namespace blue",
        "record endpoint b/web with 10.0.0.2/24",
        "create macvlan link eth0 in namespace blue on eth1 (bridge, 02:42:0a:00:00:02)",
    ]
    assert set(host.record.endpoints) == {("b", "web")}
    assert set(host.record.namespaces) == {"blue"}


def test_a_subinterface_that_is_used_but_no_longer_declared_is_left_to_its_users_and_goes_with_the_last():
    host = prepared(configuration(subinterface("eth0.50"), network(parent="eth0.50")))
    wanted = configuration(network(parent="eth0.50"), purge=True)
    made = host.run(wanted)
    assert said(made) == ["leave vlan_subinterface eth0.50 to those who use it"]
    assert not host.record.links["eth0.50"].declared
    assert not host.plan(wanted).changed
    assert host.sentences(no_network()) == ["forget network lan", "delete VLAN link eth0.50"]
    assert host.record == Record()


def test_a_base_that_is_no_longer_declared_goes_with_the_last_subinterface_on_it():
    host = prepared(configuration(subinterface("eth0.50"), subinterface("eth0.50.6")))
    assert host.sentences(configuration(subinterface("eth0.50.6"), purge=True)) == [
        "leave vlan_subinterface eth0.50 to those who use it"
    ]
    assert host.sentences(configuration(purge=True)) == ["delete VLAN link eth0.50.6", "delete VLAN link eth0.50"]
    assert host.record == Record()


def test_a_subinterface_that_something_foreign_uses_is_not_purged():
    host = prepared(subinterface("eth0.50"))
    host.gain(builders.link("br0", 50, kind="bridge"))
    host.change("eth0.50", master=50)
    assert "vlan_subinterface eth0.50 is used by bridge br0" in refused(host, configuration(purge=True))


def test_what_is_gone_already_is_forgotten():
    host = prepared(configuration(subinterface("eth0.50"), network(parent="eth0.50"), endpoint()))
    host.reboot()
    assert host.sentences(configuration(purge=True)) == [
        "forget endpoint lan/web",
        "forget network lan",
        "forget eth0.50, which was gone already",
    ]
    assert host.record == Record()


def test_purge_of_a_host_with_nothing_changes_nothing():
    made = Host().plan(configuration(purge=True))
    assert (said(made), made.changed) == ([], False)


# --- what a run tells -----------------------------------------------------------------------------------------------


def test_a_lower_mtu_can_be_asked_for_on_all_levels_at_once():
    def at(mtu):
        networks = network(parent="eth0.50", mtu=mtu), network("other", parent="eth0.50", allow_shared_parent=True, subnets=["10.9.0.0/24"])
        return configuration(subinterface("eth0.50", mtu=mtu), *networks, endpoint(mtu=mtu), endpoint("b", "other", netns="b"))

    host = prepared(at(1500))
    sentences = [text for text in said(host.run(at(1400))) if "mtu" in text]
    changes = [text for text in sentences if text.startswith("change mtu of e")]
    assert changes == [
        "change mtu of eth0 in namespace blue from 1500 to 1400",
        "change mtu of eth0 in namespace b from 1500 to 1400",
        "change mtu of eth0.50 from 1500 to 1400",
    ]
    assert not host.plan(at(1400)).changed
    host.run(at(1500))
    assert not host.plan(at(1500)).changed
    assert "1400 is less than the 1500 of endpoint lan/web" in refused(
        host, configuration(subinterface("eth0.50", mtu=1400), network(parent="eth0.50", mtu=1400), endpoint(mtu=1500))
    )


def outcome(host, request):
    """What a run tells; the host stays as it is."""
    made = host.plan(request)
    return outcome_of(request, host.worked_in(request), made, HostView(host.record, host.kernel), ("first",))


def test_the_difference_holds_only_objects_that_differ():
    other = network("b", ["10.0.0.0/24"], parent="eth0.50")
    host = prepared(configuration(network(), other, own("a"), own("b"), endpoint("x", "b", netns="x")))
    changed = configuration(network(), other, own("a"), own("b", labels={"new": "yes"}), endpoint("x", "b", netns="x"))
    found = outcome(host, changed)
    assert list(found.before) == list(found.after) == ["endpoint lan/b"]
    assert (found.before["endpoint lan/b"]["labels"], found.after["endpoint lan/b"]["labels"]) == ({}, {"new": "yes"})
    assert found.steps == ("change labels of endpoint lan/b",)
    assert found.warnings == ("first",)
    assert found.changed


def test_objects_that_come_or_go_are_on_one_side_of_the_difference():
    host = prepared(configuration(network(parent="eth0.50"), own("a")))
    found = outcome(host, configuration(network("b", ["10.0.0.0/24"]), endpoint("x", "b", netns="x"), purge=True))
    assert list(found.before) == ["vlan_subinterface eth0.50", "network lan", "endpoint lan/a"]
    assert list(found.after) == ["network b", "endpoint b/x"]


def test_what_depends_on_a_change_differs_too():
    """A network counts its addresses and names its endpoints."""
    host = prepared(configuration(network(), own("a")))
    found = outcome(host, configuration(own("b")))
    assert list(found.before) == ["network lan"]
    assert list(found.after) == ["network lan", "endpoint lan/b"]
    assert [found.before["network lan"]["endpoints"], found.after["network lan"]["endpoints"]] == [["a"], ["a", "b"]]


def test_all_that_is_recorded_is_shown_also_what_is_not_listed():
    host = prepared(configuration(subinterface("eth0.60"), network(), own("a")))
    found = outcome(host, configuration(own("b")))
    assert {key: [item["name"] for item in items] for key, items in found.shown.items()} == {
        "vlan_subinterfaces": ["eth0.60"],
        "networks": ["lan"],
        "endpoints": ["a", "b"],
    }


def test_nothing_to_do_makes_no_difference_and_shows_everything():
    wanted = configuration(network(), own("a"), purge=True)
    found = outcome(prepared(wanted), wanted)
    assert (found.changed, found.before, found.after, found.steps) == (False, {}, {}, ())
    assert [item["name"] for item in found.shown["endpoints"]] == ["a"]


def test_what_had_drifted_is_in_the_difference_although_the_record_stays_as_it_is():
    wanted = configuration(network(), own("a"), own("b"))
    host = prepared(wanted)
    host.change("eth0", "/run/netns/a", mtu=1400)
    found = outcome(host, wanted)
    assert list(found.before) == list(found.after) == ["endpoint lan/a"]
    assert found.before["endpoint lan/a"]["drift"] == [{"field": "mtu", "recorded": 1500, "actual": 1400}]
    assert {**found.after["endpoint lan/a"], "drift": found.before["endpoint lan/a"]["drift"]} == (
        found.before["endpoint lan/a"]
    )
    assert found.steps == ("change mtu of eth0 in namespace a from 1400 to 1500",)


# --- what holds for all configurations ------------------------------------------------------------------------------


def possible(drawn):
    """A strategy for requests that are right in themselves."""
    return st.deferred(lambda: _possible(drawn)).filter(lambda request: request is not None)


@st.composite
def _possible(draw, drawn):
    try:
        return draw(drawn)
    except OptionsError:
        return None


@st.composite
def configurations(draw, purge=None):
    """Some networks of the small world, and endpoints of these; without purge also endpoints of others."""
    purge = draw(st.booleans()) if purge is None else purge
    missing = draw(st.sets(st.sampled_from(sorted(world.NETWORKS)), max_size=3))
    present = sorted(set(world.NETWORKS) - missing)
    listed = {name: network(name, **world.NETWORKS[name]) for name in present}
    for changed in draw(st.lists(possible(world.networks), max_size=2)):
        listed[changed.name] = changed
    subs = {item.name: item for item in draw(st.lists(possible(world.subinterfaces), max_size=2))}
    ends = {item.title: item for item in draw(st.lists(possible(world.endpoints), max_size=6))}
    items = [*subs.values(), *listed.values(), *(x for x in ends.values() if not purge or x.network in listed)]
    return configuration(*draw(st.permutations(items)), purge=purge)


def earlier_hosts():
    """Hosts on which some configurations and requests were run; those that were refused have left no trace."""
    return st.lists(st.one_of(configurations(), possible(st.one_of(*world.KINDS))), max_size=4).map(_host_after)


def _host_after(requests):
    host = world.a_host()
    for request in requests:
        attempted(host, request)
    return host


def attempted(host, request):
    """The plan of a run, after it was done; None when it is refused."""
    try:
        return host.run(request)
    except PlanError:
        return None


def copy_of(host):
    return Host(host.kernel, host.record)


def used_links(record):
    """The links that networks and sub-interfaces of the record are on."""
    users = (*record.networks.values(), *record.links.values())
    return {item.parent for item in users if not isinstance(item, DummyParent)}


@settings(max_examples=30)
@given(earlier_hosts(), configurations(purge=False))
def test_a_configuration_leads_where_its_single_objects_lead_one_after_the_other(host, wanted):
    """In this small world no address that is asked for is the next automatic one."""
    one_by_one = copy_of(host)
    # One that is refused alone may be accepted together with the others, of which a later one gives up what it needs.
    if all(attempted(one_by_one, request) is not None for request in requests_of(wanted, host.record)):
        assert attempted(host, wanted) is not None
        assert host.record == one_by_one.record
        assert builders.shape(host.kernel) == builders.shape(one_by_one.kernel)


def test_a_network_may_have_the_subnet_that_another_one_of_the_same_configuration_gives_up():
    host = world.a_host()
    host.run(network("a", parent="eth0.50", subnets=["10.0.1.0/24"]))
    taker, giver = network("b", parent="eth1", subnets=["10.0.1.0/24"]), network("a", parent="eth0.50", subnets=["10.0.4.0/24"])
    with pytest.raises(PlanError, match=r"overlaps 10\.0\.1\.0/24 of network a"):
        host.plan(taker)
    host.run(configuration(taker, giver))
    assert [host.record.networks[name].subnets[0].subnet for name in "ab"] == ["10.0.4.0/24", "10.0.1.0/24"]


@settings(max_examples=30)
@given(earlier_hosts(), configurations())
def test_asking_for_a_configuration_again_changes_nothing(host, wanted):
    if attempted(host, wanted) is not None:
        again = host.plan(wanted)
        assert (said(again), again.changed) == ([], False)
        assert drift_of(HostView(host.record, host.kernel)) == []


@settings(max_examples=30)
@given(earlier_hosts(), configurations(purge=True))
def test_after_purge_there_is_what_is_listed_and_what_that_uses(host, wanted):
    if attempted(host, wanted) is None:
        return
    record = host.record
    assert set(record.networks) == {item.name for item in wanted.networks}
    assert {key for key in record.endpoints if key[1] != HOST_ACCESS} == {(item.network, item.name) for item in wanted.endpoints}
    listed = {item.name for item in wanted.subinterfaces}
    for item in record.links.values():
        assert item.declared <= (item.name in listed)
        assert item.name in listed | used_links(record)
    inhabited = {host.kernel.identities[item.netns.path] for item in record.endpoints.values()}
    assert {host.kernel.identities[Netns("name", name).path] for name in record.namespaces} <= inhabited


@settings(max_examples=30)
@given(earlier_hosts(), configurations())
def test_purge_of_everything_empties_every_record_and_leaves_the_kernel_as_it_was_at_the_start(host, wanted):
    attempted(host, wanted)
    host.run(configuration(purge=True))
    assert host.record == Record()
    assert builders.shape(host.kernel) == builders.shape(world.a_host().kernel)


@given(builders.records())
def test_purge_of_everything_forgets_what_the_kernel_no_longer_has(record):
    record = dataclasses.replace(record, namespaces={})
    assert Host(kernel(), record).plan(configuration(purge=True)).after == Record()


@settings(max_examples=30)
@given(earlier_hosts(), configurations())
def test_a_configuration_can_be_undone_to_the_kernel_before(host, wanted):
    before = copy_of(host)
    made = attempted(host, wanted)
    there = before.kernel
    for count, step in enumerate(made.steps if made else (), start=1):
        there = builders.followed(there, [step])
        back = builders.followed(there, inverse(made.steps[:count]))
        assert builders.shape(back) == builders.shape(before.kernel)


@settings(max_examples=30)
@given(earlier_hosts(), configurations())
def test_a_plan_of_a_configuration_reads_all_that_it_needs(host, wanted):
    before = copy_of(host)
    made = attempted(host, wanted)
    needs = needs_of(before.worked_in(wanted), before.record)
    seen = Host(before.kernel, before.record)
    seen.kernel = builders.as_read(before.kernel, needs)
    if made is None:
        refused(seen, wanted)
        return
    assert said(seen.plan(wanted)) == said(made)
    assert outcome(seen, wanted) == outcome(before, wanted)


@settings(max_examples=30)
@given(earlier_hosts(), configurations())
def test_a_plan_of_a_configuration_foresees_what_is_shown_afterwards(host, wanted):
    before = copy_of(host)
    if attempted(host, wanted) is None:
        return
    found = outcome(before, wanted)
    assert found.shown == View(HostView(host.record, host.kernel)).everything(None, None)
    assert [title for title, item in found.before.items() if found.after.get(title) == item] == []
    json.dumps([found.before, found.after])
    builders.assert_sound(host.record)


@st.composite
def askers(draw):
    """What endpoints ask for: some for one address, some for two, some for none, and no two for the same."""
    count = draw(st.integers(1, 8))
    asked = {}
    for family in ("ipv4", "ipv6"):
        numbers = draw(st.lists(st.integers(2, 9), min_size=count, max_size=count, unique=True))
        asked[family] = [number if draw(st.booleans()) else None for number in numbers]
    return [
        {
            **({} if four is None else {"ipv4": f"10.0.0.{four}"}),
            **({} if six is None else {"ipv6": f"fd00::{six}"}),
        }
        for four, six in zip(asked["ipv4"], asked["ipv6"], strict=True)
    ]


@given(askers())
def test_requested_addresses_are_honoured_and_the_others_get_the_lowest_free_ones(asking):
    subnets = [{"subnet": "10.0.0.0/28", "gateway": "10.0.0.1"}, {"subnet": "fd00::/124", "gateway": "fd00::1"}]
    wanted = configuration(network(subnets=subnets), *(own(f"e{at}", **asked) for at, asked in enumerate(asking)))
    host = prepared(wanted)
    for family, prefix, length in (("ipv4", "10.0.0.", 28), ("ipv6", "fd00::", 124)):
        free = iter(sorted({f"{prefix}{number}" for number in range(2, 10)} - {asked.get(family) for asked in asking}))
        expected = [asked.get(family) or next(free) for asked in asking]
        found = [getattr(host.record.endpoints["lan", f"e{at}"], family) for at in range(len(asking))]
        assert found == [f"{address}/{length}" for address in expected]
    assert not host.plan(wanted).changed
