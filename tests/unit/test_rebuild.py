# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What links tell of a record that was lost."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.kernel import Space
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import (
    Link,
    SubInterface,
    VlanFacts,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST, Netns, OwnedNetns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.reconstruct import rebuild
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names

pytestmark = pytest.mark.engine

ID = names.object_id("host", "vlan_subinterface", "eth0.50")
BASE = Link(2, "eth0", mac="02:00:00:00:00:01")
VLAN = Link(
    3, "eth0.50", "vlan", mac=BASE.mac, up=True, alias=names.tag(ID), lower=2, vlan=VlanFacts(50, egress_qos_map={"1": 2})
)
SUB = SubInterface(ID, "eth0.50", "eth0", 50, egress_qos_map={"1": 2}, declared=True)
BLUE = Netns("name", "blue")
OWNED = OwnedNetns(names.object_id("host", "netns", "blue"), "blue")
LOOPBACK = Link(1, "lo", loopback=True, alias=names.tag(OWNED.id))


def space(*links):
    return Space({link.name: link for link in links})


@pytest.mark.parametrize(
    ("link", "sub"),
    [
        (VLAN, SUB),
        (dataclasses.replace(VLAN, mtu=1400), dataclasses.replace(SUB, mtu=1400)),
        (dataclasses.replace(VLAN, mac="02:00:00:00:00:02"), dataclasses.replace(SUB, mac="02:00:00:00:00:02")),
        (dataclasses.replace(VLAN, up=False), dataclasses.replace(SUB, up=False)),
    ],
)
def test_a_subinterface_is_recorded_again_as_its_link_is(link, sub):
    rebuilt = rebuild(Record(), "host", {HOST: space(BASE, link)})
    assert rebuilt.record == Record(links={"eth0.50": sub})
    assert (rebuilt.recorded_again, rebuilt.unknown) == (("vlan_subinterface eth0.50",), ())


def test_a_namespace_is_recorded_again_by_its_loopback():
    rebuilt = rebuild(Record(), "host", {BLUE: space(LOOPBACK)})
    assert rebuilt.record == Record(namespaces={"blue": OWNED})
    assert (rebuilt.recorded_again, rebuilt.unknown) == (("namespace blue",), ())


@pytest.mark.parametrize(
    ("netns", "link"),
    [
        (HOST, dataclasses.replace(VLAN, name="renamed")),
        (HOST, dataclasses.replace(VLAN, lower=99)),
        (HOST, dataclasses.replace(VLAN, lower_netns=1)),
        (HOST, dataclasses.replace(VLAN, kind="macvlan", vlan=None)),
        (HOST, dataclasses.replace(VLAN, alias=names.TAG_PREFIX)),
        (BLUE, VLAN),
        (Netns("name", "red"), LOOPBACK),
    ],
)
def test_what_carries_a_tag_that_is_not_of_its_name_stays_unknown(netns, link):
    rebuilt = rebuild(Record(), "host", {netns: space(BASE, link)})
    assert rebuilt.record == Record()
    assert rebuilt.unknown == (f"{link.name} in {netns.title}",)


def test_what_is_recorded_already_is_neither_found_nor_unknown():
    recorded = Record(links={"eth0.50": dataclasses.replace(SUB, declared=False)}, namespaces={"blue": OWNED})
    rebuilt = rebuild(recorded, "host", {HOST: space(BASE, VLAN), BLUE: space(LOOPBACK)})
    assert (rebuilt.record, rebuilt.recorded_again, rebuilt.unknown) == (recorded, (), ())
