# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parents and bases that were renamed, or that come back under another name: what is recognised, and what is not."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.compare.followed import followed
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.parent_names import with_kernel_names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.renamed_links import with_present_names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.record_diff import apply_changes, changes_between
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.names import dummy_name, interface_name_problem, object_id
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    ETH0,
    ETH1,
    Host,
    configuration,
    endpoint,
    hardware,
    kernel,
    link,
    loopback,
    network,
    no_network,
    no_subinterface,
    space,
    subinterface,
    vlan_link,
    with_space,
)
from ansible_collections.fleetnet.macvlan.tests.unit.test_plan_refusals import refused

pytestmark = pytest.mark.engine

EVERYTHING = network(), endpoint(), network("tagged", ["10.0.0.0/24"], parent="eth1.7"), endpoint("x", "tagged", netns="red")


def host_with(*requests, hardware_of=("eth0", "eth1")):
    host = Host()
    for number, name in enumerate(("eth0", "eth1")):
        if name in hardware_of:
            host.change(name, permanent_mac=hardware(number))
    for request in requests:
        host.run(request)
    return host


def rename(host, *pairs):
    """Somebody gives links other names, all at once."""
    own = host.kernel.spaces[HOST.path]
    changed = {old: dataclasses.replace(own.links[old], name=new) for old, new in pairs}
    left = [item for name, item in own.links.items() if name not in changed]
    host.kernel = with_space(host.kernel, dataclasses.replace(own, links={item.name: item for item in (*left, *changed.values())}), HOST.path)


def boot(host, *links):
    """Another boot, in which the hardware is what is given."""
    host.reboot()
    host.kernel = with_space(host.kernel, space(*links), HOST.path)


def parents(host):
    present = with_present_names(host.record, host.kernel)[0]
    return {item.title: item.parent for item in (*present.networks.values(), *present.links.values()) if item.parent not in present.links}


def nic(name, index, number=None, **values):
    return link(name, index, permanent_mac="" if number is None else hardware(number), **values)


# --- what is recognised ---------------------------------------------------------------------------------------------

LAN, SEVEN = "network lan", "vlan_subinterface eth1.7"

CASES = {
    # In the same boot, by the index.
    "renamed": (lambda host: rename(host, ("eth0", "ens1")), {LAN: "ens1", SEVEN: "eth1"}),
    "both renamed": (lambda host: rename(host, ("eth0", "ens1"), ("eth1", "ens2")), {LAN: "ens1", SEVEN: "ens2"}),
    "swapped": (lambda host: rename(host, ("eth0", "eth1"), ("eth1", "eth0")), {LAN: "eth1", SEVEN: "eth0"}),
    "renamed, and another link has the name": (
        lambda host: (rename(host, ("eth0", "ens1")), host.gain(nic("eth0", 9, 9))),
        {LAN: "ens1", SEVEN: "eth1"},
    ),
    # In another, by the hardware.
    "another boot": (lambda host: boot(host, nic("eth0", 12, 0), nic("eth1", 13, 1)), {LAN: "eth0", SEVEN: "eth1"}),
    "swapped by a boot": (lambda host: boot(host, nic("eth0", ETH0, 1), nic("eth1", ETH1, 0)), {LAN: "eth1", SEVEN: "eth0"}),
    "renamed by a boot": (lambda host: boot(host, nic("ens1", 12, 0), nic("ens2", 13, 1)), {LAN: "ens1", SEVEN: "ens2"}),
    "unplugged and back under another name": (
        lambda host: (host.lose("eth0"), host.gain(nic("eth7", 20, 0))),
        {LAN: "eth7", SEVEN: "eth1"},
    ),
    # By the name.
    "another NIC in its slot": (lambda host: boot(host, nic("eth0", 12, 8), nic("eth1", 13, 9)), {LAN: "eth0", SEVEN: "eth1"}),
    "two links of one hardware address": (
        lambda host: boot(host, nic("eth0", 12, 8), nic("a", 13, 0), nic("b", 14, 0), nic("eth1", 15, 1)),
        {LAN: "eth0", SEVEN: "eth1"},
    ),
    "the name is an alternative one now": (
        lambda host: boot(host, nic("ens1", 12, 8, altnames=("eth0",)), nic("eth1", 15, 1)),
        {LAN: "ens1", SEVEN: "eth1"},
    ),
    "another kernel index, other hardware": (
        lambda host: (host.lose("eth0"), host.gain(nic("new", ETH0, 5)), host.gain(nic("eth0", 30, 0))),
        {LAN: "eth0", SEVEN: "eth1"},
    ),
    "gone": (lambda host: host.lose("eth0"), {LAN: "eth0", SEVEN: "eth1"}),
    # What sits on a link, or has it as a port, may have its address.
    "a bond and its port": (
        lambda host: boot(host, nic("bond0", 9, 0, kind="bond"), nic("ens1", 12, 0), nic("eth1", 15, 1)),
        {LAN: "ens1", SEVEN: "eth1"},
    ),
    "a VLAN on it": (
        lambda host: boot(host, nic("ens1", 12, 0), vlan_link("v", 14, 12, 9, permanent_mac=hardware(0)), nic("eth1", 15, 1)),
        {LAN: "ens1", SEVEN: "eth1"},
    ),
    "a name that cannot be recorded": (lambda host: rename(host, ("eth0", "ens\u20031")), {LAN: "eth0", SEVEN: "eth1"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_link_below_an_object_is_recognised(case):
    change, expected = CASES[case]
    host = host_with(*EVERYTHING)
    change(host)
    assert parents(host) == expected


def test_a_link_without_hardware_is_known_by_its_index_in_one_boot_and_then_by_its_name():
    for case, expected in (("renamed", "ens1"), ("swapped", "eth1"), ("renamed by a boot", "eth0"), ("another boot", "eth0")):
        host = host_with(*EVERYTHING, hardware_of=())
        CASES[case][0](host)
        assert parents(host)[LAN] == expected, case


def test_an_index_that_a_container_has_given_to_another_link_is_no_evidence():
    """Started again, a container has new links, and the kernel is in the same boot."""
    host = host_with(network(), hardware_of=())
    own = space(link("eth1", ETH0, mac="52:54:00:00:00:03"), link("eth0", ETH1, mac="52:54:00:00:00:02"))
    host.kernel = with_space(host.kernel, own, HOST.path)
    assert parents(host) == {LAN: "eth0"}


def test_an_index_of_another_link_is_no_evidence_either_when_the_name_is_gone():
    host = host_with(network(), hardware_of=())
    own = space(link("other", ETH0, mac="52:54:00:00:00:77"), link("eth1", ETH1, mac="52:54:00:00:00:03"))
    host.kernel = with_space(host.kernel, own, HOST.path)
    assert parents(host) == {LAN: "eth0"}


def test_links_of_ours_tell_what_they_are_on_when_a_release_has_recorded_names_only():
    host = host_with(*EVERYTHING, hardware_of=())
    host.record = apply_changes(type(host.record)(), [
        change._replace(body={key: value for key, value in change.body.items() if key != "parent_link"})
        for change in changes_between(type(host.record)(), host.record)
    ])
    host.record.endpoints.update(host.plan().before.endpoints)
    rename(host, ("eth0", "ens1"), ("eth1", "ens2"))
    assert parents(host) == {LAN: "ens1", SEVEN: "ens2"}


NAMES = ("eth0", "eth1", "ens1", "ens2", "lan0")


@st.composite
def changed_hosts(draw):
    """A host whose links were shuffled, some of them away, maybe by a boot; and what the names of eth0 and eth1 are now."""
    with_hardware = draw(st.booleans())
    host = host_with(*EVERYTHING, hardware_of=("eth0", "eth1") if with_hardware else ())
    new = draw(st.permutations(NAMES))[:2]
    if draw(st.booleans()):
        rename(host, ("eth0", new[0]), ("eth1", new[1]))
        return host, new, True
    boot(host, nic(new[0], draw(st.integers(2, 20)), 0 if with_hardware else None), nic(new[1], 30, 1 if with_hardware else None))
    return host, new, with_hardware


@given(changed_hosts())
def test_whatever_was_renamed_the_record_follows_once_and_all_is_as_it_was(drawn):
    host, (lan, base), is_known = drawn
    if not is_known:
        # Without hardware, names are all there is.
        assert set(parents(host).values()) <= {"eth0", "eth1"}
        return
    assert parents(host) == {LAN: lan, SEVEN: base}
    made = host.run(Restoration())
    assert made.missing == ()
    renamed = {f"{LAN}: its parent eth0": lan, f"{SEVEN}: its base eth1": base}
    expected = {f"{what} is called {new} now; the record follows" for what, new in renamed.items() if what.split()[-1] != new}
    assert {text for text in made.warnings if "is called" in text} == expected
    assert drift_of(HostView(host.record, host.kernel)) == []
    again = host.plan(Restoration())
    assert (again.steps, again.warnings, again.changed) == ((), (), False)
    # Names are what a task writes, old or new.
    for parent in {"eth0", lan} if "eth0" not in (lan, base) else {lan}:
        again = host.plan(network(parent=parent))
        assert (again.steps, again.changed) == ((), False), parent


def test_a_record_that_follows_is_a_change_with_a_step_and_is_stored():
    host = host_with(*EVERYTHING)
    before = host.record
    rename(host, ("eth0", "ens1"))
    made = host.plan(endpoint())
    assert made.before == before and made.changed
    assert [step.describe() for step in made.steps] == ["record that the parent eth0 of network lan is called ens1 now"]
    assert made.warnings == ("network lan: its parent eth0 is called ens1 now; the record follows",)
    after = apply_changes(before, changes_between(made.before, made.after))
    assert (after.networks["lan"].parent, after.networks["lan"].parent_link.former) == ("ens1", ("eth0",))
    # The row of an endpoint has the parent of its network.
    rows = {tuple(change.key): change.body for change in changes_between(made.before, made.after)}
    assert rows["lan", "web"]["parent"] == "ens1"


def test_former_names_are_kept_once_and_a_name_that_has_come_back_is_none():
    host = host_with(network())
    for new, former in (("a", ("eth0",)), ("b", ("eth0", "a")), ("eth0", ("a", "b")), ("a", ("b", "eth0"))):
        rename(host, (host.record.networks["lan"].parent, new))
        host.run(network(parent=new))
        assert (host.record.networks["lan"].parent, host.record.networks["lan"].parent_link.former) == (new, former)


def test_what_is_not_there_is_removed_without_a_change_of_anything():
    host = host_with(*EVERYTHING)
    rename(host, ("eth0", "ens1"))
    made = host.plan(no_network("nothing"))
    assert (made.changed, made.steps, made.warnings) == (False, (), ())
    assert host.plan(no_network("tagged", force=True)).changed


def test_a_removal_under_a_renamed_base_takes_its_vlan_away():
    host = host_with(network(parent="eth0.50"), endpoint())
    rename(host, ("eth0", "ens1"))
    host.run(no_network(force=True))
    assert host.link("eth0.50") is None


# --- what a task writes ---------------------------------------------------------------------------------------------


def altnamed(*names, **values):
    host = host_with(**values)
    host.change("eth0", altnames=names)
    return host


LONG = "rack12-port-of-the-lan-" + "x" * 104


@pytest.mark.parametrize("name", ["alt0", LONG, "rack:12", "eth9"])
def test_a_parent_may_be_any_name_that_a_link_has(name):
    host = altnamed(name)
    host.run(network(parent=name))
    assert host.record.networks["lan"].parent == "eth0"
    assert not host.plan(network(parent=name)).changed and not host.plan(network(parent="eth0")).changed


@pytest.mark.parametrize("name", ["alt0", LONG[:120], "eth0.9"])
def test_a_base_may_be_any_name_that_a_link_has(name):
    for request in (network(parent=f"{name}.50"), subinterface(f"{name}.50"), subinterface(None, parent=name, vlan_id=50)):
        host = altnamed(name)
        host.run(request)
        assert host.record.links["eth0.50"].parent == "eth0"
        assert host.link("eth0.50") is not None
        assert not host.plan(request).changed


def test_an_alternative_name_of_the_form_base_and_id_is_the_link_that_has_it():
    host = altnamed("eth0.50")
    host.run(network(parent="eth0.50"))
    assert host.record.networks["lan"].parent == "eth0" and not host.record.links


def test_a_vlan_of_ours_under_another_name_is_the_one_that_is_meant():
    host = host_with(subinterface("lan50", parent="eth0", vlan_id=50), network(parent="eth0.50"))
    assert host.record.networks["lan"].parent == "lan50"
    assert not host.plan(network(parent="eth0.50")).changed
    # In one configuration, too.
    both = configuration(subinterface("lan60", parent="eth0", vlan_id=60), network("other", ["10.0.0.0/24"], parent="eth0.60"))
    host.run(both)
    assert host.record.networks["other"].parent == "lan60"


@pytest.mark.parametrize("parent", ["ens1.50", "eth0.50"])
def test_a_vlan_keeps_its_name_when_its_base_has_another(parent):
    host = host_with(network(parent="eth0.50"), endpoint())
    rename(host, ("eth0", "ens1"))
    steps = host.sentences(network(parent=parent))
    assert steps == ["record that the base eth0 of vlan_subinterface eth0.50 is called ens1 now"]
    assert host.record.links["eth0.50"].parent == "ens1"
    assert not host.plan(network(parent=parent)).changed
    for request in (subinterface(None, parent="ens1", vlan_id=50), subinterface(None, parent="eth0", vlan_id=50), subinterface("eth0.50")):
        assert host.plan(request).after.links.keys() == {"eth0.50"}


def test_purge_knows_a_vlan_by_the_name_of_its_base():
    host = host_with(subinterface("eth0.50"))
    rename(host, ("eth0", "ens1"))
    host.run(configuration(subinterface("ens1.50"), purge=True))
    assert host.record.links.keys() == {"eth0.50"}
    assert not host.plan(configuration(subinterface("ens1.50"), purge=True)).changed


def test_one_link_is_not_declared_twice_by_two_names():
    host = altnamed("alt0")
    words = refused(host, configuration(subinterface("alt0.50"), subinterface("eth0.50")))
    assert words == "vlan_subinterfaces: alt0.50 and eth0.50 are the same link, eth0.50; list it once"


@pytest.mark.parametrize("name", ["alt0.50", "eth0.50", "valt"])
def test_a_subinterface_is_removed_by_any_of_its_names(name):
    host = altnamed("alt0")
    host.run(subinterface("eth0.50"))
    host.change("eth0.50", altnames=("valt",))
    host.run(no_subinterface(name))
    assert host.link("eth0.50") is None


def test_the_name_of_a_subinterface_may_be_an_alternative_one_of_it():
    host = host_with(subinterface("eth0.50"))
    host.change("eth0.50", altnames=("valt",))
    assert not host.plan(subinterface("valt", parent="eth0", vlan_id=50)).changed


@pytest.mark.parametrize("request_", [network(parent="alt0.50"), subinterface("alt0.50"), subinterface("x" * 16, parent="alt0", vlan_id=50)])
def test_a_vlan_whose_own_name_would_be_too_long_is_refused(request_):
    host = Host(with_space(kernel(), space(nic("enp130s0f1np1", 7, altnames=("alt0",))), HOST.path))
    words = refused(host, request_)
    assert "is longer than 15 bytes; give it another name" in words and "parent: enp130s0f1np1, vlan_id: 50" in words
    host.run(configuration(subinterface("lan50", parent="alt0", vlan_id=50), network(parent="alt0.50")))
    assert host.record.networks["lan"].parent == "lan50"


@pytest.mark.parametrize("parent", ["nothing", LONG, "nothing.50", "x" * 100 + ".50"])
def test_a_name_that_no_link_has_is_refused_with_that_name(parent):
    assert f"there is no link {parent.removesuffix('.50')} on this host" in refused(host_with(), network(parent=parent))


# --- the old name ---------------------------------------------------------------------------------------------------


def test_the_old_name_of_a_parent_is_understood_while_no_link_has_it():
    host = host_with(network())
    rename(host, ("eth0", "ens1"))
    host.run(network())
    assert host.record.networks["lan"].parent == "ens1"
    assert not host.plan(network()).changed
    # Of another network on it, too.
    host.run(network("other", ["10.0.0.0/24"], parent="eth0", allow_shared_parent=True))
    assert host.record.networks["other"].parent == "ens1"


def test_the_old_name_of_a_parent_is_refused_when_another_link_has_it():
    host = host_with(network(), endpoint())
    rename(host, ("eth0", "ens1"))
    host.gain(nic("eth0", 9, 9))
    words = refused(host, network())
    assert words.startswith("network lan: parent: eth0 is another link now; its parent is called ens1 now; write parent: ens1 to keep it")
    assert host.plan(network(parent="ens1")).after.networks["lan"].parent != "eth0"


def test_the_old_name_of_a_base_is_refused_when_another_link_has_it():
    host = host_with(subinterface(None, parent="eth0", vlan_id=50), network(parent="eth0.50"))
    rename(host, ("eth0", "ens1"))
    host.gain(nic("eth0", 9, 9))
    words = refused(host, subinterface(None, parent="eth0", vlan_id=50))
    assert "vlan_subinterface eth0.50: parent: eth0 is another link now; its base is called ens1 now; write parent: ens1" in words
    # The VLAN is what has that name.
    assert host.plan(network(parent="eth0.50")).after.networks["lan"].parent == "eth0.50"


@given(changed_hosts(), st.sampled_from(NAMES), st.sampled_from((None, 7, 50)))
def test_names_that_were_resolved_once_stay(drawn, name, vlan_id):
    host = drawn[0]
    host.run(Restoration())
    request = network(parent=name if vlan_id is None else f"{name}.{vlan_id}")
    once = with_kernel_names(request, host.record, host.kernel)
    assert with_kernel_names(once, host.record, host.kernel) == once
    assert interface_name_problem(once.parent) is None


def test_a_host_without_any_links_of_its_own_is_followed_too():
    host = host_with(network())
    host.kernel = with_space(host.kernel, space(loopback()), HOST.path)
    assert followed(host.record, host.kernel).renamed == ()


# --- links of ours --------------------------------------------------------------------------------------------------

DUMMY = dummy_name(object_id("host", "network", "alone"))


def with_own_links(live):
    host = Host(dataclasses.replace(kernel(), renames_live=live))
    host.run(network(parent="eth0.50"), endpoint(), network("alone", ["10.0.0.0/24"], parent=None), endpoint("x", "alone", netns="x"))
    return host


@pytest.mark.parametrize(
    ("own", "request_"),
    [
        ("eth0.50", network(parent="eth0.50")),
        ("eth0.50", endpoint()),
        ("eth0.50", Restoration()),
        (DUMMY, endpoint("x", "alone", netns="x")),
    ],
)
def test_a_link_of_ours_gets_its_name_back_where_the_kernel_renames_links_in_use(own, request_):
    host = with_own_links(live=True)
    index = host.link(own).index
    rename(host, (own, "moved"))
    made = host.run(request_)
    assert ([step.describe() for step in made.steps], made.missing) == ([f"rename moved to {own}"], ())
    assert host.link(own).index == index and drift_of(HostView(host.record, host.kernel)) == []
    assert not host.plan(request_).changed


def test_an_older_kernel_renames_a_link_of_ours_while_it_is_down_only():
    host = with_own_links(live=False)
    rename(host, ("eth0.50", "moved"))
    assert "vlan_subinterface eth0.50 is called moved now; rename it back to eth0.50, or delete it" in refused(host, subinterface("eth0.50"))
    host.change("moved", up=False)
    assert host.sentences(subinterface("eth0.50"))[1:] == ["rename moved to eth0.50", "bring eth0.50 up"]


@pytest.mark.parametrize("holder", ["moved", "eth1"])
def test_a_link_of_ours_gets_no_name_back_that_is_an_alternative_one(holder):
    host = with_own_links(live=True)
    rename(host, ("eth0.50", "moved"))
    host.change(holder, altnames=("eth0.50",))
    assert f"ip link property del dev {holder} altname eth0.50" in refused(host, subinterface("eth0.50"))
