# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ethernet frames that ask whether an address is in use, and what other frames say about that. Pure.

IPv4 is asked by ARP probes (RFC 5227, 2.1.1), IPv6 by neighbour solicitations from the unspecified address (RFC 4862, 5.4.2):
neither changes what any neighbour has in its cache.
"""

from __future__ import annotations

import struct
import typing as t

from ..values import inet, names
from .frames import (
    ARP,
    BROADCAST,
    ETHERNET,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV6,
    HOP_LIMIT,
    IPV6,
    NEIGHBOUR_ADVERTISEMENT,
    NEXT_HEADER_ICMPV6,
    TARGET_LINK_LAYER_ADDRESS,
    icmpv6_checksum,
)

NEIGHBOUR_SOLICITATION = 135
ARP_REQUEST, ARP_REPLY = 1, 2
UNSPECIFIED = bytes(16)
# The first 13 bytes of a solicited-node multicast address (RFC 4291, 2.7.1), and the MAC address of the group (RFC 2464, 7).
_SOLICITED_NODE = inet.to_bytes("ff02::1:ff00:0")[:13]
_SOLICITED_NODE_MAC = b"\x33\x33\xff"

_NEIGHBOUR = struct.Struct("!BBHI16s")  # type, code, checksum, flags, target
_ICMPV6_AT = ETHERNET.size + IPV6.size
_ARP_HEAD = (1, 0x0800, 6, 4)  # Ethernet, IPv4, and the lengths of their addresses


class Claim(t.NamedTuple):
    """What a frame says about an address.

    :ivar address: 4 or 16 bytes
    :ivar mac: 6 bytes, of the link that says so
    :ivar sender: 6 bytes, the source address of the frame
    :ivar receiver: 6 bytes, the destination address of the frame
    :ivar is_probe: it asks for the address because it wants it; otherwise it has the address
    """

    address: bytes
    mac: bytes
    sender: bytes
    receiver: bytes
    is_probe: bool


def asking_mac(host: str, parent_mac: str) -> str:
    """The MAC address with which a host asks the neighbours of a parent: always the same one, because switches count them.

    :param host: the identity of the host, which copies of a machine share; the MAC address of the parent tells those apart
    """
    return "02:42:" + names.digest(host, "probe", parent_mac)[:4].hex(":")


def probe(mac: bytes, address: str) -> bytes:
    """The frame that asks for an address of either family.

    :param mac: of the link that asks
    """
    raw = inet.to_bytes(address)
    return _neighbour_solicitation(mac, raw) if len(raw) == 16 else _arp_probe(mac, raw)


def _arp_probe(mac: bytes, address: bytes) -> bytes:
    arp = ARP.pack(*_ARP_HEAD, ARP_REQUEST, mac, bytes(4), bytes(6), address)
    return ETHERNET.pack(BROADCAST, mac, ETHERTYPE_ARP) + arp


def _neighbour_solicitation(mac: bytes, address: bytes) -> bytes:
    group = _SOLICITED_NODE + address[13:]
    length = _NEIGHBOUR.size
    head = IPV6.pack(6 << 28, length, NEXT_HEADER_ICMPV6, HOP_LIMIT, UNSPECIFIED, group)
    total = icmpv6_checksum(UNSPECIFIED, group, _NEIGHBOUR.pack(NEIGHBOUR_SOLICITATION, 0, 0, 0, address))
    body = _NEIGHBOUR.pack(NEIGHBOUR_SOLICITATION, 0, total, 0, address)
    return ETHERNET.pack(_SOLICITED_NODE_MAC + address[13:], mac, ETHERTYPE_IPV6) + head + body


def claim_in(frame: bytes) -> Claim | None:
    """What a frame says; None if it says nothing about an address, or is malformed."""
    if len(frame) < ETHERNET.size:
        return None
    receiver, sender, ethertype = ETHERNET.unpack_from(frame)
    if ethertype == ETHERTYPE_ARP:
        return _claim_in_arp(frame, receiver, sender)
    return _claim_in_ipv6(frame, receiver, sender) if ethertype == ETHERTYPE_IPV6 else None


def _claim_in_arp(frame: bytes, receiver: bytes, sender: bytes) -> Claim | None:
    """Whoever names an address as its own has it; a request without a sender's address wants the target (RFC 5227, 2.1.1)."""
    if len(frame) < ETHERNET.size + ARP.size:
        return None
    *head, operation, mac, source, dummy, target = ARP.unpack_from(frame, ETHERNET.size)
    if tuple(head) != _ARP_HEAD or operation not in (ARP_REQUEST, ARP_REPLY):
        return None
    if any(source):
        return Claim(source, mac, sender, receiver, is_probe=False)
    return Claim(target, mac, sender, receiver, is_probe=True) if operation == ARP_REQUEST and any(target) else None


def _claim_in_ipv6(frame: bytes, receiver: bytes, sender: bytes) -> Claim | None:
    """An advertisement says who has its target; a solicitation from the unspecified address wants it (RFC 4862, 5.4.3).

    What nodes must ignore is ignored here too (RFC 4861, 7.1).
    """
    if len(frame) < _ICMPV6_AT + _NEIGHBOUR.size:
        return None
    dummy, length, next_header, hop_limit, source, destination = IPV6.unpack_from(frame, ETHERNET.size)
    message = frame[_ICMPV6_AT : _ICMPV6_AT + length]
    if next_header != NEXT_HEADER_ICMPV6 or hop_limit != HOP_LIMIT or not _NEIGHBOUR.size <= length == len(message):
        return None
    kind, code, dummy, dummy, target = _NEIGHBOUR.unpack_from(message)
    if code or target[0] == 0xFF or icmpv6_checksum(source, destination, message):
        return None
    if kind == NEIGHBOUR_ADVERTISEMENT:
        return Claim(target, _target_mac(message) or sender, sender, receiver, is_probe=False)
    if kind == NEIGHBOUR_SOLICITATION and source == UNSPECIFIED:
        return Claim(target, sender, sender, receiver, is_probe=True)
    return None


def _target_mac(message: bytes) -> bytes | None:
    """The MAC address in the options of an advertisement."""
    position = _NEIGHBOUR.size
    while position + 8 <= len(message) and message[position + 1]:
        if message[position] == TARGET_LINK_LAYER_ADDRESS:
            return message[position + 2 : position + 8]
        position += 8 * message[position + 1]
    return None


# --- the filter of the sockets that listen --------------------------------------------------------------------------

# Classic BPF (bpf(4); include/uapi/linux/filter.h), with the extensions of Linux for what is not in the frame.
_LOAD, _LOAD_HALF, _LOAD_BYTE = 0x20, 0x28, 0x30  # BPF_LD | BPF_ABS of 4, 2 and 1 bytes
_IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x15, 0x45, 0x06
_OF_LINUX = 0xFFFFF000  # SKF_AD_OFF
_PACKET_TYPE, _VLAN_TAG = _OF_LINUX + 4, _OF_LINUX + 44
_OUTGOING, _VLAN_ID = 4, 0x0FFF
_WHOLE, _NOTHING = 0x40000, 0
_INSTRUCTION = struct.Struct("@HBBI")

# What arrives without a VLAN tag and is ARP, a neighbour solicitation or a neighbour advertisement. A tag that names no VLAN is none.
FILTER = b"".join(
    _INSTRUCTION.pack(*instruction)
    for instruction in (
        (_LOAD, 0, 0, _PACKET_TYPE),
        (_IF_EQUAL, 11, 0, _OUTGOING),
        (_LOAD, 0, 0, _VLAN_TAG),
        (_IF_ANY_BIT, 9, 0, _VLAN_ID),
        (_LOAD_HALF, 0, 0, 12),
        (_IF_EQUAL, 6, 0, ETHERTYPE_ARP),
        (_IF_EQUAL, 0, 6, ETHERTYPE_IPV6),
        (_LOAD_BYTE, 0, 0, 20),
        (_IF_EQUAL, 0, 4, NEXT_HEADER_ICMPV6),
        (_LOAD_BYTE, 0, 0, 54),
        (_IF_EQUAL, 1, 0, NEIGHBOUR_SOLICITATION),
        (_IF_EQUAL, 0, 1, NEIGHBOUR_ADVERTISEMENT),
        (_RETURN, 0, 0, _WHOLE),
        (_RETURN, 0, 0, _NOTHING),
    )
)
