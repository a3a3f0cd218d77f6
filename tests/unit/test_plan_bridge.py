# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bridge that filters VLANs and drops the frames of what is planned on it is warned of, with the command that helps."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.kernel import BridgeVlans
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.needs import needs_of
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    Host,
    configuration,
    endpoint,
    kernel,
    link,
    network,
    subinterface,
    vlan_link,
)

pytestmark = pytest.mark.engine

BR0 = 9
# What a bridge has by default, and with VLAN 50 besides.
DEFAULT = BridgeVlans(untagged=frozenset((1,)), pvid=1)
WITH_50 = DEFAULT._replace(tagged=frozenset((50,)))


def host_with(known, *links):
    """A host with a bridge br0; a bridge that is not known filters nothing."""
    found = kernel(link("br0", BR0, kind="bridge"), *links)
    return Host(dataclasses.replace(found, bridges={} if known is None else {BR0: known}))


def warned(host, *requests):
    made = host.run(*requests)
    assert "br0" in needs_of(host.worked_in(*requests), host.record).parents
    return [text for text in made.warnings if "filters VLANs" in text]


BEGIN = "br0 is a bridge that filters VLANs (vlan_filtering 1), and "
TAGGED = (
    f"{BEGIN}the bridge itself is not a member of VLAN 50, so no frame passes between its ports and br0.50; "
    "to allow it: bridge vlan add dev br0 vid 50 self"
)
NO_TAG = (
    f"{BEGIN}the bridge itself receives VLAN 50 untagged, so no frame passes between its ports and br0.50; "
    "to allow it: bridge vlan add dev br0 vid 50 self"
)
NO_PVID = (
    f"{BEGIN}the bridge itself has no VLAN for untagged frames (pvid), so no frame passes between its ports and {{}}; "
    f"to allow it: bridge vlan add dev br0 vid ID pvid untagged self"
)
TAGGED_PVID = (
    f"{BEGIN}the bridge itself receives VLAN 1, its pvid, tagged, so no frame passes between its ports and {{}}; "
    f"to allow it: bridge vlan add dev br0 vid 1 pvid untagged self"
)
ON_BR0 = "the macvlan links on it"


@pytest.mark.parametrize(
    ("parent", "known", "words"),
    [
        ("br0.50", None, None),
        ("br0.50", DEFAULT, TAGGED),
        ("br0.50", BridgeVlans(), TAGGED),
        ("br0.50", WITH_50, None),
        ("br0.50", BridgeVlans(untagged=frozenset((50,)), pvid=50), NO_TAG),
        ("br0.50", WITH_50._replace(protocol="802.1ad"), None),
        ("br0.50", BridgeVlans("802.1ad", tagged=frozenset((50,))), NO_PVID.format("br0.50")),
        ("br0.50.60", WITH_50, None),
        ("br0.50.60", DEFAULT, TAGGED),
        ("br0", None, None),
        ("br0", DEFAULT, None),
        ("br0", WITH_50, None),
        ("br0", BridgeVlans(tagged=frozenset((50,))), NO_PVID.format(ON_BR0)),
        ("br0", BridgeVlans(), NO_PVID.format(ON_BR0)),
        ("br0", BridgeVlans(tagged=frozenset((1,)), pvid=1), TAGGED_PVID.format(ON_BR0)),
    ],
)
def test_a_network_on_a_bridge_that_drops_its_frames_is_warned_of(parent, known, words):
    host = host_with(known, *([vlan_link("br0.50", 10, BR0, 50)] if parent.count(".") == 2 else []))
    wanted = [] if words is None else [f"network lan: {words}"]
    assert warned(host, network(parent=parent)) == wanted
    # Again, for as long as it is so, and for its endpoints.
    assert warned(host, network(parent=parent)) == wanted
    assert warned(host, endpoint()) == wanted
    assert warned(host, configuration(network(parent=parent), endpoint(), endpoint("two", netns="two"))) == wanted


def test_a_subinterface_on_such_a_bridge_is_warned_of():
    assert warned(host_with(DEFAULT), subinterface("br0.50")) == [f"vlan_subinterface br0.50: {TAGGED}"]
    named = TAGGED.replace("br0.50", "storage")
    assert warned(host_with(DEFAULT), subinterface("storage", parent="br0", vlan_id=50)) == [f"vlan_subinterface storage: {named}"]
    assert warned(host_with(WITH_50), subinterface("br0.50")) == []


def test_foreign_links_on_such_a_bridge_are_warned_of():
    foreign = vlan_link("storage", 10, BR0, 50)
    words = TAGGED.replace("br0.50", "storage")
    host = host_with(DEFAULT, foreign)
    made = host.run(network(parent="storage"))
    assert [text for text in made.warnings if "filters VLANs" in text] == [f"network lan: {words}"]
    made = host.run(subinterface("storage", parent="br0", vlan_id=50))
    assert [text for text in made.warnings if "filters VLANs" in text] == [f"vlan_subinterface storage: {words}"]


@pytest.mark.parametrize("known", [DEFAULT, BridgeVlans()])
def test_a_bridge_beside_is_of_no_account(known):
    host = host_with(known)
    for request in (network(), network("two", parent="eth1.50", subnets=["10.0.0.0/24"]), subinterface("eth0.60")):
        assert not [text for text in host.run(request).warnings if "filters" in text]


def test_a_recorded_subinterface_whose_name_does_not_tell_leads_to_its_bridge():
    host = host_with(DEFAULT)
    host.run(subinterface("storage", parent="br0", vlan_id=50), network(parent="storage"))
    host.lose("storage")
    for request in (network(parent="storage"), endpoint()):
        assert "br0" in needs_of([request], host.record).parents
