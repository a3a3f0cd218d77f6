# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bridge of the host that filters VLANs: where the kernel drops the frames, the task warns, and its command helps."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint, network, subnets

pytestmark = [pytest.mark.engine, pytest.mark.needs("vlan_filtering")]

NETWORK = "macvlan_network"


@pytest.fixture
def bridged(host: Host) -> Host:
    """A host whose eth0 is a port of its bridge br0."""
    host.ip("link", "add", "br0", "type", "bridge", "vlan_filtering", "1", "stp_state", "0")
    # Its link-local address would come at a moment of its own.
    host.sysctl("net/ipv6/conf/br0/disable_ipv6", 1)
    host.ip("link", "set", "br0", "up")
    host.ip("link", "set", "eth0", "master", "br0")
    return host


def commands(host: Host, module_name: str, **params: t.Any) -> list[str]:
    """What the warnings of a task say to type; check mode says the same."""
    said = [
        [text.rpartition("to allow it: ")[2] for text in host.call(module_name, check=check, **params).get("warnings", ())]
        for check in (True, False)
    ]
    assert said[0] == said[1]
    return [text for text in said[0] if text.startswith("bridge ")]


@pytest.mark.needs("8021q")
def test_a_vlan_that_the_bridge_does_not_take_itself(bridged: Host) -> None:
    bridged.run(["bridge", "vlan", "add", "dev", "eth0", "vid", "50"])
    bridged.wire.add_address("10.0.0.1/24", 50)
    params = {"name": "net", "parent": "br0.50", "subnets": subnets("10.0.0.0/24")}
    (command,) = commands(bridged, NETWORK, **params)
    assert command == "bridge vlan add dev br0 vid 50 self"
    assert commands(bridged, "macvlan_endpoint", name="a", network="net", netns="a") == [command]
    assert commands(bridged, "macvlan_config", networks=[params]) == [command]
    assert commands(bridged, "vlan_subinterface", name="br0.50") == [command]
    assert not bridged.ping("a", "10.0.0.1", timeout=1)
    bridged.run(command.split())
    assert commands(bridged, NETWORK, **params) == []
    assert bridged.ping("a", "10.0.0.1")


@pytest.mark.needs("8021q")
def test_a_vlan_that_the_bridge_takes_without_tags(bridged: Host) -> None:
    bridged.run(["bridge", "vlan", "add", "dev", "eth0", "vid", "50"])
    bridged.run(["bridge", "vlan", "add", "dev", "br0", "vid", "50", "untagged", "self"])
    bridged.wire.add_address("10.0.0.1/24", 50)
    params = {"name": "net", "parent": "br0.50", "subnets": subnets("10.0.0.0/24")}
    (command,) = commands(bridged, NETWORK, **params)
    endpoint(bridged, "a")
    assert not bridged.ping("a", "10.0.0.1", timeout=1)
    bridged.run(command.split())
    assert commands(bridged, NETWORK, **params) == []
    assert bridged.ping("a", "10.0.0.1")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (["del", "dev", "br0", "vid", "1"], "bridge vlan add dev br0 vid ID pvid untagged self"),
        (["add", "dev", "br0", "vid", "1", "pvid"], "bridge vlan add dev br0 vid 1 pvid untagged self"),
    ],
    ids=["none", "tagged"],
)
def test_frames_without_a_tag_that_the_bridge_does_not_take(bridged: Host, before: list[str], expected: str) -> None:
    bridged.wire.add_address("10.0.0.1/24")
    params = {"name": "net", "parent": "br0", "subnets": subnets("10.0.0.0/24")}
    assert commands(bridged, NETWORK, **params) == []
    endpoint(bridged, "a")
    assert bridged.ping("a", "10.0.0.1")
    bridged.run(["bridge", "vlan", *before, "self"])
    (command,) = commands(bridged, NETWORK, **params)
    assert command == expected
    assert not bridged.ping("a", "10.0.0.1", timeout=1)
    bridged.run(command.replace("ID", "1").split())
    assert commands(bridged, NETWORK, **params) == []
    assert bridged.ping("a", "10.0.0.1")


@pytest.mark.needs("8021ad")
def test_a_bridge_that_looks_at_tags_of_another_protocol(host: Host) -> None:
    host.ip("link", "add", "br0", "type", "bridge", "vlan_filtering", "1", "vlan_protocol", "802.1ad")
    host.ip("link", "set", "br0", "up")
    host.run(["bridge", "vlan", "del", "dev", "br0", "vid", "1", "self"])
    assert commands(host, "vlan_subinterface", name="br0.50") == ["bridge vlan add dev br0 vid ID pvid untagged self"]
    (other,) = commands(host, "vlan_subinterface", name="br0.60", protocol="802.1ad")
    assert other == "bridge vlan add dev br0 vid 60 self"


def test_a_bridge_that_filters_nothing_is_not_warned_of(bridged: Host) -> None:
    bridged.run(["bridge", "vlan", "del", "dev", "br0", "vid", "1", "self"])
    bridged.ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "0")
    network(bridged, parent="br0", subnets=subnets("10.0.0.0/24"))
    assert commands(bridged, NETWORK, name="net", parent="br0", subnets=subnets("10.0.0.0/24")) == []
