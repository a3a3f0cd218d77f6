# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Frames that announce an address, byte by byte as the RFCs draw them."""

from __future__ import annotations

import struct

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import announce
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.link_spec import LinkSpec
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import (
    AddAddress,
    AddLink,
    AddRoute,
    DeleteAddress,
    DeleteLink,
    Note,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import frames
from ansible_collections.fleetnet.macvlan.tests.unit.builders import BLUE

pytestmark = pytest.mark.engine

MAC = "52:54:00:12:34:56"


def test_an_arp_announcement_is_a_request_of_an_address_for_itself():
    expected = (
        # Ethernet: to all, from the MAC address, ARP
        "ffffffffffff 525400123456 0806"
        # RFC 826: Ethernet, IPv4, lengths of both kinds of address, request
        "0001 0800 06 04 0001"
        # RFC 5227, 1.1 and 2.3: sender and target address are equal, the target's MAC address is not known
        "525400123456 0a320002 000000000000 0a320002"
    )
    assert frames.announcement(MAC, "10.50.0.2") == bytes.fromhex(expected)


@pytest.mark.parametrize(("router", "flags", "checksum"), [(False, "20000000", "746d"), (True, "a0000000", "f46c")])
def test_a_neighbour_advertisement_overrides_what_neighbours_have(router, flags, checksum):
    expected = (
        # Ethernet: to the group of all nodes, from the MAC address, IPv6
        "333300000001 525400123456 86dd"
        # RFC 8200: version, length, ICMPv6, hop limit; RFC 4861, 4.4: from the address, to all nodes
        "60000000 0020 3a ff 20010db8000000000000000000000002 ff020000000000000000000000000001"
        # RFC 4861, 4.4: type, code, checksum, flags (router, override; it is not solicited), target
        f"88 00 {checksum} {flags} 20010db8000000000000000000000002"
        # RFC 4861, 4.6.1: target link-layer address, one unit of 8 bytes
        "02 01 525400123456"
    )
    assert frames.announcement(MAC, "2001:db8::2", router) == bytes.fromhex(expected)


@pytest.mark.parametrize("mac", ["00:00:00:00:00:00", "02:ff:ff:ff:ff:ff", MAC])
@pytest.mark.parametrize("address", ["2001:db8::1", "fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::1"])
def test_the_checksum_of_an_advertisement_is_right(mac, address):
    """A receiver sums all of it, the checksum too, and gets nothing but ones (RFC 1071, section 1)."""
    frame = frames.announcement(mac, address)
    header, message = frame[14:54], frame[54:]
    summed = header[8:40] + struct.pack("!II", len(message), 58) + message
    total = sum(struct.unpack(f"!{len(summed) // 2}H", summed))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF


# --- which addresses are announced ----------------------------------------------------------------------------------

SPEC = LinkSpec("eth0", "macvlan", parent="eth0", mode="bridge")
ADDED = AddAddress(BLUE, "eth0", "10.0.0.2/24")
TAKEN = DeleteAddress(BLUE, "eth0", "10.0.0.3/24")
DELETED = DeleteLink(BLUE, SPEC, (AddLink(BLUE, SPEC), AddAddress(BLUE, "eth0", "fd00::2/64")))
OTHERS = (AddLink(BLUE, SPEC), AddRoute(HOST, "eth0", Route("10.9.0.0/24")), Note("something"))


@pytest.mark.parametrize(
    ("done", "touched", "released"),
    [
        (OTHERS, set(), set()),
        ([ADDED], {"10.0.0.2"}, set()),
        ([TAKEN], {"10.0.0.3"}, {"10.0.0.3"}),
        ([DELETED], {"fd00::2"}, {"fd00::2"}),
        ([ADDED, TAKEN, DELETED, *OTHERS], {"10.0.0.2", "10.0.0.3", "fd00::2"}, {"10.0.0.3", "fd00::2"}),
        # Made again: nothing is released.
        ([DELETED, AddAddress(BLUE, "eth0", "fd00::2/64")], {"fd00::2"}, set()),
    ],
)
def test_addresses_that_steps_touch_and_release_are_derived_from_the_steps(done, touched, released):
    assert announce.touched_by(iter(done)) == touched
    assert announce.released_by(iter(done)) == released


def test_without_addresses_nothing_is_read(monkeypatch):
    monkeypatch.setattr(announce, "Walker", None)
    announce.announce(frozenset())
