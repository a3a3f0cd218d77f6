# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VLANs in VLANs (QinQ): the name of a parent says each level, and each is created, counted and removed for itself."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import network_ref, subinterface_ref
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.reconstruct import rebuild
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    BLUE_PATH,
    ETH0,
    ETH1,
    Host,
    configuration,
    endpoint,
    kernel,
    link,
    network,
    no_endpoint,
    no_network,
    no_subinterface,
    prepared,
    said,
    shape,
    subinterface,
    vlan_link,
)

pytestmark = pytest.mark.engine

OUTER = ["create VLAN link eth0.10 on eth0 (VLAN 10)", "bring eth0.10 up"]
INNER = ["create VLAN link eth0.10.100 on eth0.10 (VLAN 100)", "bring eth0.10.100 up"]
RECORD = "record network lan on eth0.10.100"
QINQ = network(parent="eth0.10.100")
OTHER = {"name": "b", "subnets": ("10.2.0.0/24",)}


def refused(host, *requests):
    """The message of a refusal, which leaves nothing changed."""
    before = host.record, host.kernel
    with pytest.raises(PlanError) as caught:
        host.run(*requests)
    assert (host.record, host.kernel) == before
    return str(caught.value)


def ours(host):
    """Our sub-interfaces: name → (base, VLAN, protocol, declared)."""
    return {name: (item.parent, item.vlan_id, item.protocol, item.declared) for name, item in host.record.links.items()}


# --- what is created -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "request_", "sentences", "warnings"),
    [
        pytest.param(kernel(), QINQ, [*OUTER, *INNER, RECORD], (), id="both-levels"),
        pytest.param(kernel(vlan_link("eth0.10", 9, ETH0, 10)), QINQ, [*INNER, RECORD], (), id="on-a-foreign-level"),
        pytest.param(
            kernel(vlan_link("eth0.10", 9, ETH0, 10), vlan_link("eth0.10.100", 10, 9, 100)), QINQ, [RECORD], (), id="on-two-foreign-levels"
        ),
        pytest.param(
            kernel(vlan_link("eth0.10", 9, ETH0, 11)),
            QINQ,
            [*INNER, RECORD],
            ("network lan: eth0.10 is not VLAN 10 of eth0",),
            id="on-another-vlan-than-the-name-says",
        ),
        pytest.param(
            kernel(link("eth0.10", 9, kind="dummy")),
            QINQ,
            [*INNER, RECORD],
            ("network lan: eth0.10 is not VLAN 10 of eth0",),
            id="on-no-vlan-at-all",
        ),
        pytest.param(
            kernel(vlan_link("eth0.1", 9, ETH1, 1)),
            network(parent="eth0.1.2.3"),
            [
                "create VLAN link eth0.1.2 on eth0.1 (VLAN 2)",
                "bring eth0.1.2 up",
                "create VLAN link eth0.1.2.3 on eth0.1.2 (VLAN 3)",
                "bring eth0.1.2.3 up",
                "record network lan on eth0.1.2.3",
            ],
            ("network lan: eth0.1 is not VLAN 1 of eth0",),
            id="three-levels-on-another-vlan-than-the-name-says",
        ),
        pytest.param(
            kernel(vlan_link("eth0.10", 9, ETH0, 11)),
            subinterface("eth0.10.100"),
            ["record vlan_subinterface eth0.10.100 (VLAN 100 on eth0.10) as declared", *INNER],
            ("vlan_subinterface eth0.10.100: eth0.10 is not VLAN 10 of eth0",),
            id="a-declared-one-on-another-vlan-than-the-name-says",
        ),
        pytest.param(
            kernel(),
            subinterface("eth0.10.100"),
            ["record vlan_subinterface eth0.10.100 (VLAN 100 on eth0.10) as declared", *OUTER, *INNER],
            (),
            id="a-declared-one",
        ),
        pytest.param(
            kernel(),
            subinterface("cust", parent="eth0.10", vlan_id=100),
            [
                "record vlan_subinterface cust (VLAN 100 on eth0.10) as declared",
                *OUTER,
                "create VLAN link cust on eth0.10 (VLAN 100)",
                "bring cust up",
            ],
            (),
            id="a-declared-one-of-any-name",
        ),
        pytest.param(
            kernel(link("lan0", 9, altnames=("a-name-that-is-longer",))),
            network(parent="a-name-that-is-longer.10.100"),
            [
                "create VLAN link lan0.10 on lan0 (VLAN 10)",
                "bring lan0.10 up",
                "create VLAN link lan0.10.100 on lan0.10 (VLAN 100)",
                "bring lan0.10.100 up",
                "record network lan on lan0.10.100",
            ],
            (),
            id="by-an-alternative-name",
        ),
    ],
)
def test_each_missing_level_is_created(found, request_, sentences, warnings):
    host = Host(found)
    plan = host.run(request_)
    assert said(plan) == sentences
    assert len(plan.warnings) == len(warnings)
    assert all(any(words in warning for warning in plan.warnings) for words in warnings)
    assert not host.plan(request_).changed


def test_each_level_is_ours_and_known_by_a_tag_of_its_own():
    host = prepared(QINQ)
    assert ours(host) == {"eth0.10": ("eth0", 10, "802.1q", False), "eth0.10.100": ("eth0.10", 100, "802.1q", False)}
    for name in ("eth0.10", "eth0.10.100"):
        assert host.link(name).alias == names.tag(names.subinterface_id("host", name))
    assert host.record.networks["lan"].parent_created
    assert host.record.links["eth0.10"].parent_link is not None and host.record.links["eth0.10.100"].parent_link is None


def test_the_service_tag_is_that_of_the_declared_level():
    outer = subinterface("eth0.10", protocol="802.1ad")
    for host in (prepared(outer, QINQ), prepared(configuration(outer, QINQ))):
        assert ours(host) == {"eth0.10": ("eth0", 10, "802.1ad", True), "eth0.10.100": ("eth0.10", 100, "802.1q", False)}
        assert host.link("eth0.10").vlan.protocol == "802.1ad"


def test_a_short_name_of_the_lower_level_is_the_way_out_for_long_ones():
    found = kernel(link("enp129s0f0np0", 9))
    parent = "enp129s0f0np0.10.100"
    assert "is longer than 15 bytes; give it another name" in refused(Host(found), network(parent=parent))
    assert "parent: enp129s0f0np0, vlan_id: 10 and a name" in refused(Host(found), network(parent=parent))
    host = prepared(subinterface("svc", parent="enp129s0f0np0", vlan_id=10), network(parent=parent), found=found)
    assert host.record.networks["lan"].parent == "svc.100"
    assert not host.plan(network(parent=parent)).changed


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "request_", "words"),
    [
        (kernel(), network(parent="eth0.010.100"), "network lan: there is no link eth0.010.100 on this host; did you mean eth0.10.100?"),
        (kernel(), network(parent="eth0.10.0100"), "network lan: there is no link eth0.10.0100 on this host; did you mean eth0.10.100?"),
        (kernel(), network(parent="eth0.010.0100"), "network lan: there is no link eth0.010.0100 on this host; did you mean eth0.10.100?"),
        (
            kernel(),
            subinterface("eth0.010.100"),
            "cannot create VLAN link eth0.010.100: there is no link eth0.010 on this host; did you mean eth0.10?",
        ),
        *(
            (kernel(), network(parent=f"eth0.{number}.100"), f"there is no link eth0.{number} on this host, and none is created, because {why}")
            for number in (0, 4095, 40950)
            for why in (f"{number} is no VLAN id: an id is from 1 to 4094",)
        ),
        (kernel(), subinterface("eth0.0.100"), "there is no link eth0.0 on this host, and none is created, because 0 is no VLAN id"),
        (kernel(), network(parent="eth0.10.0"), "id from 1 to 4094"),
        (kernel(), network(parent="eth0.10.4095"), "id from 1 to 4094"),
        (kernel(), network(parent="eth7.10.100"), "network lan: cannot create VLAN link eth7.10: there is no link eth7 on this host"),
        (kernel(link("off", 9, up=False)), network(parent="off.10.100"), "cannot bring VLAN link off.10 up: off is down"),
        (
            kernel(vlan_link("eth0.10", 9, ETH0, 10, up=False)),
            QINQ,
            "cannot bring VLAN link eth0.10.100 up: eth0.10 is down; bring eth0.10 up first",
        ),
        (
            kernel(vlan_link("uplink", 9, ETH0, 10)),
            QINQ,
            "cannot create VLAN link eth0.10: VLAN 10 of eth0 is already there as uplink; use uplink as parent, or remove it",
        ),
        (
            kernel(vlan_link("eth0.10", 9, ETH0, 10), vlan_link("cust", 10, 9, 100)),
            QINQ,
            "VLAN 100 of eth0.10 is already there as cust; use cust as parent",
        ),
        (kernel(), network(parent="lo.10.100"), "lo is the loopback, which carries no VLANs"),
        (kernel(missing_kinds=["vlan"]), QINQ, "cannot create VLAN link eth0.10: this kernel has no vlan links"),
        (
            kernel(link("x", 9, altnames=("eth0.10",))),
            subinterface("eth1.10.100"),
            None,
        ),
    ],
)
def test_what_cannot_be_created_is_refused_with_its_level(found, request_, words):
    if words is None:
        Host(found).run(request_)
        return
    assert words in refused(Host(found), request_)


def test_a_level_that_is_declared_as_down_carries_none_that_is_up():
    host = prepared(subinterface("eth0.10", up=False))
    message = refused(host, QINQ)
    assert "eth0.10 is down; it is declared with up: false; declare eth0.10 with up: true first" in message


# --- who uses a level ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [("lan", "b"), ("b", "lan")], ids="-".join)
@pytest.mark.parametrize("parents", [("eth0.10.100", "eth0.10.200"), ("eth0.10.100", "eth0.10"), ("eth0.10.100", "eth0.10.100.7")], ids="-".join)
def test_a_level_goes_with_its_last_user(parents, order):
    first, second = parents
    host = Host()
    empty = shape(host.kernel)
    host.run(network(parent=first))
    host.run(network(parent=second, **OTHER))
    both = set(host.record.links)
    assert both == {name for parent in parents for name in names.and_below(parent)} - {"eth0"}
    host.run(no_network(order[0]))
    left = dict(zip(("lan", "b"), parents, strict=True))[order[1]]
    assert set(host.record.links) == set(names.and_below(left)) - {"eth0"} == {name for name in both if host.link(name)}
    host.run(no_network(order[1]))
    assert host.record.links == {} and shape(host.kernel) == empty


def test_levels_are_removed_from_the_top_down():
    host = prepared(QINQ)
    assert host.sentences(no_network()) == ["forget network lan", "delete VLAN link eth0.10.100", "delete VLAN link eth0.10"]


def test_foreign_levels_stay():
    host = prepared(QINQ, no_network(), found=kernel(vlan_link("eth0.10", 9, ETH0, 10)))
    assert host.record == Record() and host.link("eth0.10") is not None and host.link("eth0.10.100") is None


def test_a_level_that_is_declared_later_outlives_the_network():
    host = prepared(QINQ, subinterface("eth0.10"), no_network())
    assert ours(host) == {"eth0.10": ("eth0", 10, "802.1q", True)}
    assert "vlan_subinterface eth0.10.100" in refused(prepared(QINQ), no_subinterface("eth0.10"))


def test_a_declared_level_takes_the_one_below_with_it():
    host = prepared(subinterface("eth0.10.100"), no_subinterface("eth0.10.100"))
    assert host.record.links == {} and host.link("eth0.10") is None


def test_a_level_that_others_use_by_now_is_left_to_them_with_what_is_below_it():
    host = prepared(QINQ)
    host.gain(link("vm", 77, kind="macvlan", lower=host.link("eth0.10.100").index, mode="bridge"))
    made = host.run(no_network())
    assert host.record.links == {}
    assert [host.link(name).alias for name in ("eth0.10", "eth0.10.100")] == ["", ""]
    assert [words in warning for words, warning in zip(("link vm uses it", "link eth0.10.100 uses it"), made.warnings, strict=True)] == [True, True]


def test_results_show_who_uses_each_level():
    host = prepared(QINQ, network(parent="eth0.10", **OTHER))
    plan = host.plan()
    shown = {item["name"]: item["used_by"] for item in View(plan.outcome).everything(None, None)["vlan_subinterfaces"]}
    assert shown == {"eth0.10": ["b", "lan"], "eth0.10.100": ["lan"]}
    of_network = View(plan.outcome).everything("lan", None)["vlan_subinterfaces"]
    assert [item["name"] for item in of_network] == ["eth0.10", "eth0.10.100"]


# --- what vanishes, changes, and comes back --------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [QINQ, endpoint(), Restoration(None)], ids=["network", "endpoint", "restoration"])
@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        (lambda host: host.reboot(), [*OUTER, *INNER]),
        (lambda host: host.change("eth0.10", up=False), ["bring eth0.10 up"]),
        (lambda host: host.change("eth0.10.100", up=False), ["bring eth0.10.100 up"]),
        (lambda host: host.change("eth0.10", mtu=1400), ["change mtu of eth0.10 from 1400 to 1500"]),
        (lambda host: (host.lose("eth0.10.100"), host.lose("eth0", BLUE_PATH)), INNER),
    ],
    ids=["reboot", "lower-down", "upper-down", "lower-mtu", "upper-lost"],
)
def test_each_level_comes_back_and_is_brought_back(change, sentences, request_):
    host = prepared(QINQ, endpoint())
    change(host)
    done = host.sentences(request_)
    assert done[: len(sentences)] == sentences
    host.run(Restoration(None))
    assert not host.plan(QINQ, endpoint()).changed


def test_a_foreign_level_that_vanished_is_not_invented():
    host = prepared(QINQ, endpoint(), found=kernel(vlan_link("eth0.10", 9, ETH0, 10)))
    host.reboot()
    assert "there is no link eth0.10 on this host" in refused(host, QINQ)
    restoration = host.plan(Restoration(None))
    assert not restoration.changed
    assert {item.ref: item.awaits for item in restoration.missing}[subinterface_ref("eth0.10.100")] == "eth0.10"


def test_a_restoration_of_a_record_of_the_first_release_invents_no_level():
    """It does not tell what a base was known by."""
    host = prepared(QINQ, found=kernel(vlan_link("eth0.10", 9, ETH0, 10)))
    links = {name: dataclasses.replace(item, parent_link=None) for name, item in host.record.links.items()}
    host.record = dataclasses.replace(host.record, links=links)
    host.reboot()
    assert not host.plan(Restoration(None)).changed
    assert host.sentences(QINQ)[:4] == [*OUTER, *INNER]


def test_what_awaits_a_base_says_so_for_each_level():
    host = prepared(QINQ, endpoint())
    host.reboot()
    host.lose("eth0")
    missing = {item.ref: item for item in host.plan(Restoration(None)).missing}
    assert missing[subinterface_ref("eth0.10")].awaits == "eth0"
    assert missing[network_ref("lan")].awaits == "eth0"


def test_a_level_that_was_removed_by_force_is_created_again():
    host = prepared(QINQ, no_subinterface("eth0.10", force=True))
    assert host.link("eth0.10") is None and host.link("eth0.10.100") is None
    assert host.sentences(QINQ) == [*OUTER, *INNER]
    assert not host.plan(QINQ).changed


def test_a_lost_record_is_found_in_the_links_of_both_levels():
    host = prepared(subinterface("eth0.10", protocol="802.1ad"), QINQ)
    again = rebuild(Record(), "host", {HOST: host.kernel.spaces[HOST.path]})
    assert set(again.record.links) == {"eth0.10", "eth0.10.100"}
    assert again.record.links["eth0.10"].protocol == "802.1ad"
    host.record = Record()
    assert host.sentences(QINQ) == [RECORD]
    assert ours(host) == {"eth0.10": ("eth0", 10, "802.1ad", False), "eth0.10.100": ("eth0.10", 100, "802.1q", False)}
    host.run(no_network())
    assert host.link("eth0.10") is None


def test_a_tagged_link_on_another_base_is_not_taken_for_a_level():
    host = prepared(subinterface("eth0.10", parent="eth1", vlan_id=10))
    host.record = Record()
    made = host.run(QINQ)
    assert "eth0.10" not in host.record.links
    assert any("eth0.10 is not VLAN 10 of eth0" in warning for warning in made.warnings)


# --- other names and other places ------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["802.1q", "802.1ad"])
@pytest.mark.parametrize("written", ["eth0.10.100", "lan0.10.100"])
def test_levels_keep_their_names_when_their_base_gets_another(protocol, written):
    host = prepared(subinterface("eth0.10", protocol=protocol), QINQ, endpoint())
    renamed = host.link("eth0")
    host.lose("eth0")
    host.gain(dataclasses.replace(renamed, name="lan0"))
    made = host.run(network(parent=written))
    assert not [step for step in said(made) if not step.startswith("record that")]
    assert ours(host) == {"eth0.10": ("lan0", 10, protocol, True), "eth0.10.100": ("eth0.10", 100, "802.1q", False)}


PLACES = ("eth0", "eth1", "eth0.10", "eth0.10.100", "eth0.10.200", "eth1.10.100", "eth0.1.2.3", None)


@pytest.mark.parametrize("before", PLACES)
@pytest.mark.parametrize("after", PLACES)
def test_a_network_moves_to_and_from_each_level(before, after):
    host = prepared(network(parent=before), endpoint(ipv4="192.168.1.5"))
    leases = host.record.endpoints["lan", "web"].ipv4
    wanted = dataclasses.replace(network(parent=after), replace=True)
    if before != after:
        assert "replace: true" in refused(host, network(parent=after))
    host.run(wanted)
    assert host.record.endpoints["lan", "web"].ipv4 == leases
    created = set() if after is None else set(names.and_below(after)) - {"eth0", "eth1"}
    assert {name for name in host.record.links if not name.startswith("dm-")} == created
    assert {item.name for item in host.kernel.spaces[HOST.path].links.values() if item.kind == "vlan"} == created
    host.run(no_endpoint())
    host.run(no_network())
    assert host.record.links == {}


def test_another_tag_of_the_lower_level_creates_all_above_it_again():
    host = prepared(QINQ, endpoint())
    assert "replace: true" in refused(host, subinterface("eth0.10", protocol="802.1ad"))
    host.run(dataclasses.replace(subinterface("eth0.10", protocol="802.1ad"), replace=True))
    assert host.link("eth0.10").vlan.protocol == "802.1ad" and host.link("eth0.10.100").lower == host.link("eth0.10").index
    assert not host.plan(Restoration(None)).changed


def test_purge_leaves_a_level_to_those_who_use_it():
    whole = configuration(subinterface("eth0.10", protocol="802.1ad"), QINQ, endpoint())
    host = prepared(whole)
    host.run(configuration(QINQ, endpoint(), purge=True))
    assert ours(host)["eth0.10"] == ("eth0", 10, "802.1ad", False)
    host.run(configuration(purge=True))
    assert host.record.links == {} and host.link("eth0.10") is None


ids = st.integers(1, 20)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.lists(ids, max_size=3), st.booleans()), max_size=12))
def test_after_any_sequence_exactly_the_used_levels_are_there(moves):
    host = Host()
    wanted = {}
    for name, vlans, present in moves:
        if not present:
            host.run(no_network(name))
            wanted.pop(name, None)
            continue
        parent = ".".join(["eth1", *map(str, vlans)])
        number = "abcd".index(name)
        options = dataclasses.replace(network(name, (f"10.{number}.0.0/24",), parent=parent, allow_shared_parent=True), replace=True)
        host.run(options)
        wanted[name] = parent
        assert not host.plan(options).changed
    used = {name for parent in wanted.values() for name in names.and_below(parent)} - {"eth1"}
    assert set(host.record.links) == used
    assert {item.name for item in host.kernel.spaces[HOST.path].links.values() if item.kind == "vlan"} == used
