# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Frames that ask for an address, byte by byte as the RFCs draw them, and what other frames say about one."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.probe_notes import MACS_PER_ADDRESS, MOST_UNASKED, Notes
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.probe import Segment
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import frames, probes

pytestmark = pytest.mark.engine

MAC, OTHER = bytes.fromhex("525400123456"), bytes.fromhex("525400abcdef")
ARP_HEAD = "0001 0800 06 04"


def frame(text):
    return bytes.fromhex(text)


def arp(operation, sender, source, target, ethernet_source=OTHER, head=ARP_HEAD):
    addresses = sender + inet.to_bytes(source) + bytes(6) + inet.to_bytes(target)
    return frame(f"ffffffffffff {ethernet_source.hex()} 0806 {head} {operation:04x} {addresses.hex()}")


def icmpv6(kind, target, source="::", destination="ff02::1", options=b"", hop_limit=255, code=0, sender=OTHER, damage=0):
    message = struct.pack("!BBHI16s", kind, code, 0, 0, inet.to_bytes(target)) + options
    summed = inet.to_bytes(source) + inet.to_bytes(destination) + struct.pack("!II", len(message), 58) + message
    message = message[:2] + struct.pack("!H", frames.checksum(summed + bytes(len(summed) % 2)) ^ damage) + message[4:]
    head = struct.pack("!IHBB", 6 << 28, len(message), 58, hop_limit) + inet.to_bytes(source) + inet.to_bytes(destination)
    return b"\x33\x33\x00\x00\x00\x01" + sender + b"\x86\xdd" + head + message


def claim(address, mac=OTHER, sender=OTHER, receiver=b"\xff" * 6, is_probe=False):
    return probes.Claim(inet.to_bytes(address), mac, sender, receiver, is_probe)


ALL_NODES = b"\x33\x33\x00\x00\x00\x01"
LINK_LAYER = b"\x02\x01" + MAC


def test_an_arp_probe_has_no_sender():
    expected = (
        # Ethernet: to all, from the MAC address, ARP
        "ffffffffffff 525400123456 0806"
        # RFC 826: Ethernet, IPv4, lengths of both kinds of address, request
        "0001 0800 06 04 0001"
        # RFC 5227, 2.1.1: the sender's address is zero, the target's MAC address is not known
        "525400123456 00000000 000000000000 0a320002"
    )
    assert probes.probe(MAC, "10.50.0.2") == frame(expected)


def test_a_neighbour_solicitation_comes_from_the_unspecified_address():
    expected = (
        # RFC 2464, 7: the group of the solicited node; from the MAC address, IPv6
        "3333ff000002 525400123456 86dd"
        # RFC 4862, 5.4.2: from the unspecified address to the solicited-node group, hop limit 255
        "60000000 0018 3a ff 00000000000000000000000000000000 ff0200000000000000000001ff000002"
        # RFC 4861, 4.3: type, code, checksum, reserved, target; no option, because it has no source
        "87 00 4ceb 00000000 20010db8000000000000000000000002"
    )
    assert probes.probe(MAC, "2001:db8::2") == frame(expected)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7", "fd00:ffff::ffff:ffff"])
def test_a_probe_reads_as_one(address):
    told = probes.claim_in(probes.probe(MAC, address))
    assert (told.address, told.mac, told.sender, told.is_probe) == (inet.to_bytes(address), MAC, MAC, True)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_an_announcement_reads_as_a_claim(address):
    told = probes.claim_in(frames.announcement("52:54:00:12:34:56", address))
    assert (told.address, told.mac, told.is_probe) == (inet.to_bytes(address), MAC, False)


@pytest.mark.parametrize(
    ("read", "told"),
    [
        pytest.param(arp(2, MAC, "192.0.2.7", "192.0.2.1"), claim("192.0.2.7", MAC), id="answer"),
        pytest.param(arp(1, MAC, "192.0.2.7", "192.0.2.1"), claim("192.0.2.7", MAC), id="question of somebody who has one"),
        pytest.param(arp(1, MAC, "0.0.0.0", "192.0.2.7"), claim("192.0.2.7", MAC, is_probe=True), id="probe"),
        pytest.param(arp(2, MAC, "0.0.0.0", "192.0.2.7"), None, id="answer without a sender"),
        pytest.param(arp(1, MAC, "0.0.0.0", "0.0.0.0"), None, id="probe for nothing"),
        pytest.param(arp(3, MAC, "192.0.2.7", "192.0.2.1"), None, id="reverse ARP"),
        pytest.param(arp(2, MAC, "192.0.2.7", "192.0.2.1", head="0006 0800 06 04"), None, id="another kind of wire"),
        pytest.param(arp(2, MAC, "192.0.2.7", "192.0.2.1", head="0001 86dd 06 10"), None, id="other lengths"),
        pytest.param(arp(2, MAC, "192.0.2.7", "192.0.2.1")[:41], None, id="cut ARP"),
        pytest.param(arp(2, MAC, "192.0.2.7", "192.0.2.1") + bytes(18), claim("192.0.2.7", MAC), id="padded ARP"),
        pytest.param(
            icmpv6(136, "2001:db8::7", "2001:db8::7", options=LINK_LAYER), claim("2001:db8::7", MAC, receiver=ALL_NODES), id="advertisement"
        ),
        pytest.param(icmpv6(136, "2001:db8::7", "fe80::1"), claim("2001:db8::7", receiver=ALL_NODES), id="advertisement without options"),
        pytest.param(
            icmpv6(136, "2001:db8::7", "fe80::1", options=b"\x0e\x01" + bytes(6) + LINK_LAYER),
            claim("2001:db8::7", MAC, receiver=ALL_NODES),
            id="advertisement with a nonce",
        ),
        pytest.param(
            icmpv6(136, "2001:db8::7", "fe80::1", options=b"\x02\x00" + MAC), claim("2001:db8::7", receiver=ALL_NODES), id="option without a length"
        ),
        pytest.param(icmpv6(135, "2001:db8::7"), claim("2001:db8::7", receiver=ALL_NODES, is_probe=True), id="solicitation"),
        pytest.param(icmpv6(135, "2001:db8::7", source="fe80::1"), None, id="question of somebody who has one, IPv6"),
        pytest.param(icmpv6(136, "2001:db8::7", hop_limit=64), None, id="routed"),
        pytest.param(icmpv6(136, "2001:db8::7", code=1), None, id="code"),
        pytest.param(icmpv6(136, "2001:db8::7", damage=1), None, id="checksum"),
        pytest.param(icmpv6(136, "ff02::7"), None, id="group"),
        pytest.param(icmpv6(134, "2001:db8::7"), None, id="router advertisement"),
        pytest.param(icmpv6(136, "2001:db8::7")[:77], None, id="cut advertisement"),
        pytest.param(b"", None, id="nothing"),
        pytest.param(bytes(14), None, id="no type"),
    ],
)
def test_what_a_frame_says(read, told):
    assert probes.claim_in(read) == told


@given(st.binary(max_size=120), st.sampled_from((b"\x08\x06", b"\x86\xdd")))
def test_anything_can_be_read(data, ethertype):
    told = probes.claim_in(data[:12] + ethertype + data[12:])
    assert told is None or len(told.address) in (4, 16) and len(told.mac) == 6


@given(st.data())
def test_a_changed_advertisement_is_none_or_says_the_same(data):
    whole = icmpv6(136, "2001:db8::7", "2001:db8::7", options=LINK_LAYER)
    position, value = data.draw(st.integers(54, len(whole) - 1)), data.draw(st.integers(0, 255))
    changed = bytearray(whole)
    changed[position] = value
    assert probes.claim_in(bytes(changed)) in ((None,) if bytes(changed) != whole else (probes.claim_in(whole),))


# --- the filter -----------------------------------------------------------------------------------------------------


def passes(data, packet_type=0, vlan_tag=0):
    """Whether the filter lets a frame pass: an interpreter of the few instructions that it has."""
    program = list(struct.iter_unpack("@HBBI", probes.FILTER))
    special = {0xFFFFF004: packet_type, 0xFFFFF000 + 44: vlan_tag}
    value, position = 0, 0
    while True:
        code, then, otherwise, number = program[position]
        position += 1
        if code in (0x20, 0x28, 0x30):
            if number in special:
                value = special[number]
                continue
            size = {0x20: 4, 0x28: 2, 0x30: 1}[code]
            if number + size > len(data):
                return False  # the kernel drops what is too short to be read
            value = int.from_bytes(data[number : number + size], "big")
        elif code == 0x06:
            return number > 0
        else:
            position += then if (value == number if code == 0x15 else value & number) else otherwise


@pytest.mark.parametrize(
    ("data", "packet_type", "vlan_tag", "wanted"),
    [
        (arp(2, MAC, "192.0.2.7", "192.0.2.1"), 0, 0, True),
        (arp(2, MAC, "192.0.2.7", "192.0.2.1"), 3, 0, True),
        (arp(2, MAC, "192.0.2.7", "192.0.2.1"), 4, 0, False),
        (arp(2, MAC, "192.0.2.7", "192.0.2.1"), 0, 50, False),
        (arp(2, MAC, "192.0.2.7", "192.0.2.1"), 0, 5 << 13, True),
        (icmpv6(135, "2001:db8::7"), 1, 0, True),
        (icmpv6(136, "2001:db8::7"), 2, 0, True),
        (icmpv6(134, "2001:db8::7"), 2, 0, False),
        (icmpv6(136, "2001:db8::7"), 4, 0, False),
        (ALL_NODES + MAC + b"\x86\xdd" + bytes(60), 0, 0, False),
        (b"\xff" * 6 + MAC + b"\x08\x00" + bytes(60), 0, 0, False),
        (b"\xff" * 6 + MAC + b"\x81\x00" + bytes(60), 0, 0, False),
    ],
)
def test_the_filter_lets_pass_what_arrives_untagged_and_says_something(data, packet_type, vlan_tag, wanted):
    assert passes(data, packet_type, vlan_tag) is wanted


# --- what is noted --------------------------------------------------------------------------------------------------


def noting(*blocks, asked=()):
    notes = Notes()
    notes.expect(Segment("eth0", "host", False, (), blocks=blocks))
    notes.ask("eth0", asked)
    return notes


def test_notes_hold_what_was_asked_for_and_what_could_be_chosen():
    notes = noting("192.0.2.0/24", "2001:db8::/64", asked=["198.51.100.1"])
    for address in ("192.0.2.9", "2001:db8::9", "198.51.100.1", "198.51.100.2", "2001:db8:1::9"):
        notes.add("eth0", claim(address), True)
        notes.add("eth0", claim(address), True)
    assert [item.address for item in notes.take()] == ["192.0.2.9", "2001:db8::9", "198.51.100.1"]
    assert notes.take() == []


def test_a_flood_fills_no_memory():
    notes = noting("10.0.0.0/8", asked=["10.255.0.1"])
    for number in range(MOST_UNASKED + 500):
        notes.add("eth0", claim(inet.to_text(4, (10 << 24) + number)), True)
    for number in range(MACS_PER_ADDRESS + 20):
        notes.add("eth0", claim("10.255.0.1", mac=number.to_bytes(6, "big")), True)
    heard = notes.take()
    assert len(heard) == MOST_UNASKED + MACS_PER_ADDRESS
    assert sum(item.address == "10.255.0.1" for item in heard) == MACS_PER_ADDRESS


def test_however_many_want_an_address_the_lowest_of_them_and_the_one_that_has_it_are_noted():
    notes = noting("192.0.2.0/24")
    for number in (*range(90, 40, -1), *range(60, 99)):
        for came_in in (True, False):
            notes.add("eth0", claim("192.0.2.9", mac=bytes((2, 0, 0, 0, 0, number)), is_probe=True), came_in)
    notes.add("eth0", claim("192.0.2.9"), True)
    lowest, has_it = notes.take()
    assert (lowest.mac, lowest.is_probe) == ("02:00:00:00:00:29", True)
    assert (has_it.mac, has_it.is_probe) == (OTHER.hex(":"), False)


def test_hosts_ask_with_mac_addresses_of_their_own():
    macs = {probes.asking_mac(host, parent) for host, parent in itertools.product(("a", "b"), ("02:00:00:00:00:01", "02:00:00:00:00:02"))}
    assert len(macs) == 4 and all(mac.startswith("02:42:") for mac in macs)
