# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restoration: what comes back from the record alone, what does not, and what that stops."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import endpoint_ref, network_ref, subinterface_ref
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.plan import Missing
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit import test_plan_sequences as world
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    BLUE_PATH,
    ETH0,
    Host,
    endpoint,
    kernel,
    link,
    network,
    said,
    space,
    subinterface,
    vlan_link,
)

pytestmark = pytest.mark.engine

CONTAINER = "/var/run/docker/netns/c1"


def prepared(*requests, found=None):
    host = Host(found or kernel())
    for request in requests:
        host.run(request)
    return host


def restored(host, only=None):
    """A restoration that leaves the record as it is, and nothing to do for the next."""
    before = host.record
    made = host.run(Restoration(only))
    assert made.after == before
    again = host.plan(Restoration(only))
    assert said(again) == []
    assert again.missing == made.missing
    return made


def left_by(sequence):
    """The host after a sequence of requests."""
    hosts = [after for dummy, dummy, dummy, after in world.runs(sequence)]
    return hosts[-1] if hosts else world.a_host()


# --- everything -----------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(world.sequences)
def test_after_a_boot_all_that_was_made_is_there_as_it_was(sequence):
    """The hardware, and what others make, is there first."""
    host = left_by(sequence)
    before = builders.shape(host.kernel)
    booted = Host(world.a_host().kernel, host.record)
    made = restored(booted)
    assert made.missing == ()
    assert builders.shape(booted.kernel) == before
    assert drift_of(HostView(booted.record, booted.kernel)) == []


@settings(max_examples=60)
@given(world.sequences, st.sets(st.sampled_from(("eth0", "eth1", "eth1.7"))), st.booleans())
def test_a_missing_foreign_object_is_missing_with_its_dependents_and_nothing_else(sequence, links, docker):
    host = left_by(sequence)
    bare = Host(world.a_host().kernel, host.record)
    for name in sorted(links, reverse=True):
        bare.lose(name)
        if name == "eth1" and "eth1.7" not in links:
            bare.lose("eth1.7")
    if docker:
        bare.kernel = builders.with_space(bare.kernel, None, world.DOCKER)
    made = restored(bare)
    names = {item.ref for item in made.missing}
    drifted = {item.ref for item in drift_of(HostView(bare.record, bare.kernel))}
    # A network whose parent is there is complete, whatever is in the way of what else is on it.
    assert drifted <= names
    assert {item.awaits for item in made.missing} <= {"eth0", "eth1", "eth1.7", world.DOCKER}
    assert all(item.cause in names for item in made.missing if item.cause)

    # Everything comes, and so does the rest.
    whole = Host(world.a_host().kernel, host.record)
    assert restored(whole).missing == ()


def test_what_is_there_is_left_alone_and_what_drifted_is_repaired():
    host = prepared(network(parent="eth0.50"), endpoint())
    assert said(restored(host)) == []
    host.change("eth0", BLUE_PATH, up=False)
    assert said(restored(host))[0] == "bring eth0 in namespace blue up"


def test_one_object_is_restored_with_what_it_needs():
    host = prepared(network(parent="eth0.50"), endpoint(), endpoint("db", netns="green"))
    host.reboot()
    made = restored(host, endpoint_ref("lan", "db"))
    assert said(made)[:4] == [
        "create VLAN link eth0.50 on eth0 (VLAN 50)",
        "bring eth0.50 up",
        "create namespace green",
        said(made)[3],
    ]
    assert host.kernel.spaces[BLUE_PATH] is None


# --- what is missing ------------------------------------------------------------------------------------------------


def missing(host):
    return {item.ref.title: item for item in restored(host).missing}


def test_a_foreign_parent_is_waited_for_and_names_what_needs_it():
    host = prepared(network(parent="eth1"), endpoint(), endpoint("db", netns="green"))
    host.reboot()
    host.lose("eth1")
    found = missing(host)
    assert list(found) == ["network lan", "endpoint lan/web", "endpoint lan/db"]
    assert found["network lan"].awaits == "eth1"
    assert "eth1 is gone from this host; it was not created here" in found["network lan"].reason
    assert found["endpoint lan/web"] == Missing(endpoint_ref("lan", "web"), found["network lan"].reason, "eth1", network_ref("lan"))


@pytest.mark.parametrize("change", [{"up": False}, {"mtu": 1400}])
def test_the_base_of_a_subinterface_is_waited_for(change):
    host = prepared(subinterface("eth0.50", mtu=1500), network(parent="eth0.50"), endpoint())
    host.reboot()
    host.change("eth0", **change)
    found = missing(host)
    assert list(found) == ["vlan_subinterface eth0.50", "network lan", "endpoint lan/web"]
    assert {item.awaits for item in found.values()} == {"eth0"}
    assert [item.cause for item in found.values()] == [None, *[subinterface_ref("eth0.50")] * 2]


def test_one_missing_parent_stops_nothing_on_another():
    others = network("other", ["10.0.0.0/24"], parent="eth1"), endpoint("x", "other", netns="x")
    host = prepared(network(), endpoint(), *others)
    host.reboot()
    host.lose("eth1")
    assert list(missing(host)) == ["network other", "endpoint other/x"]
    assert host.link("eth0", BLUE_PATH) is not None


def test_a_hand_made_link_is_not_made_again():
    host = prepared(network(parent="eth0.40"), found=kernel(vlan_link("eth0.40", 40, ETH0, 40)))
    host.reboot()
    (found,) = missing(host).values()
    assert (found.ref.title, found.awaits) == ("network lan", "eth0.40")
    assert host.link("eth0.40") is None


def test_a_foreign_namespace_is_waited_for():
    found = kernel(spaces={CONTAINER: space()})
    host = prepared(network(), endpoint(netns=None, netns_path=CONTAINER), found=found)
    host.reboot()
    (gone,) = missing(host).values()
    assert (gone.ref.title, gone.awaits) == ("endpoint lan/web", CONTAINER)
    assert "it was not created here" in gone.reason


def test_a_foreign_namespace_name_is_waited_for():
    host = prepared(network(), endpoint(), found=kernel(spaces={BLUE_PATH: space()}))
    host.reboot()
    (gone,) = missing(host).values()
    assert gone.awaits == BLUE_PATH


@pytest.mark.parametrize("place", [{"pid": 7}, {"netns_path": "/proc/7/ns/net"}])
def test_a_process_is_never_believed_to_be_the_one_that_it_was(place):
    path = "/proc/7/ns/net"
    host = prepared(network(), endpoint(**{"netns": None, **place}), found=kernel(spaces={path: space()}))
    assert missing(host) == {}
    host.lose("eth0", path)
    (gone,) = missing(host).values()
    assert gone.awaits is None
    assert "run its task again" in gone.reason


def test_the_hosts_own_namespace_is_never_taken_for_another():
    host = prepared(network(), endpoint(netns=None, netns_path=CONTAINER), found=kernel(spaces={CONTAINER: space()}))
    host.reboot()
    own = host.kernel.spaces[""]
    identities = {**host.kernel.identities, CONTAINER: host.kernel.identities[""]}
    host.kernel = dataclasses.replace(host.kernel, spaces={**host.kernel.spaces, CONTAINER: own}, identities=identities)
    made = host.plan(Restoration())
    assert [(item.ref.title, item.awaits) for item in made.missing] == [("endpoint lan/web", None)]
    assert "the host's own namespace" in made.missing[0].reason


def test_what_has_taken_the_place_is_left_and_named():
    host = prepared(network(parent="eth0.50"), endpoint())
    host.reboot()
    host.gain(link("eth0.50", 99, kind="bridge"))
    found = missing(host)
    assert list(found) == ["vlan_subinterface eth0.50", "network lan", "endpoint lan/web"]
    assert {item.awaits for item in found.values()} == {None}
    assert host.link("eth0.50").kind == "bridge"


def test_a_kernel_without_what_is_needed_is_reported():
    host = prepared(network(parent="eth0.50"))
    host.reboot()
    host.kernel = dataclasses.replace(host.kernel, missing_kinds=frozenset({"vlan"}))
    assert "8021q" in missing(host)["network lan"].reason


def test_an_mtu_that_followed_the_parent_follows_it_down_and_one_that_was_asked_for_waits():
    host = prepared(network(), endpoint(), endpoint("db", netns="green", mtu=1450))
    host.reboot()
    host.change("eth0", mtu=1400)
    made = restored(host)
    found = {item.ref.title: item for item in made.missing}
    assert {title: item.awaits for title, item in found.items()} == {"endpoint lan/web": "eth0", "endpoint lan/db": "eth0"}
    assert found["endpoint lan/web"].reason == (
        "endpoint lan/web has mtu 1400 instead of 1500, because the mtu of its parent eth0 is no larger"
    )
    assert host.link("eth0", BLUE_PATH).mtu == 1400
    host.change("eth0", mtu=1500)
    assert restored(host).missing == ()
    assert host.link("eth0", BLUE_PATH).mtu == 1500


def test_a_link_like_ours_without_a_tag_is_foreign():
    host = prepared(network(parent="eth0.50"), endpoint())
    host.reboot()
    host.gain(vlan_link("eth0.50", 50, ETH0, 50, mac="52:54:00:00:00:99", mtu=1400))
    found = missing(host)
    assert found["network lan"].awaits is None and "is not the one that was created" in found["network lan"].reason
    assert (host.link("eth0.50").alias, host.link("eth0.50").mtu) == ("", 1400)
