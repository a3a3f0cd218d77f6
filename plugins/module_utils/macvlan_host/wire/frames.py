# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ethernet frames that tell all neighbours which MAC address an IP address has now. Pure."""

from __future__ import annotations

import struct

from ..values import inet

ETHERTYPE_ARP, ETHERTYPE_IPV6 = 0x0806, 0x86DD
BROADCAST = b"\xff" * 6
ALL_NODES = inet.to_bytes("ff02::1")
ALL_NODES_MAC = b"\x33\x33" + ALL_NODES[-4:]  # RFC 2464, section 7
NEXT_HEADER_ICMPV6, HOP_LIMIT = 58, 255
NEIGHBOUR_ADVERTISEMENT = 136
ROUTER, OVERRIDE = 1 << 31, 1 << 29
TARGET_LINK_LAYER_ADDRESS = 2

ETHERNET = struct.Struct("!6s6sH")
ARP = struct.Struct("!HHBBH6s4s6s4s")
IPV6 = struct.Struct("!IHBB16s16s")
_ICMPV6 = struct.Struct("!BBH")
_ADVERTISEMENT = struct.Struct("!I16sBB6s")  # flags, target, and one option: type, length in units of 8 bytes, MAC address


def announcement(mac: str, address: str, router: bool = False) -> bytes:
    """The frame that announces an address of either family, without a prefix length.

    :param router: whether the link forwards; neighbours forget a router that does not say so (RFC 4861, 7.2.5)
    """
    return neighbour_advertisement(mac, address, router) if ":" in address else gratuitous_arp(mac, address)


def gratuitous_arp(mac: str, address: str) -> bytes:
    """An ARP announcement (RFC 5227, 2.3): a request whose sender and target are the same address."""
    sender, ip = mac_bytes(mac), inet.to_bytes(address)
    return ETHERNET.pack(BROADCAST, sender, ETHERTYPE_ARP) + ARP.pack(1, 0x0800, 6, 4, 1, sender, ip, bytes(6), ip)


def neighbour_advertisement(mac: str, address: str, router: bool) -> bytes:
    """An unsolicited neighbour advertisement (RFC 4861, 4.4 and 7.2.6), which overrides what neighbours have."""
    sender, ip = mac_bytes(mac), inet.to_bytes(address)
    flags = OVERRIDE | (ROUTER if router else 0)
    advertisement = _ADVERTISEMENT.pack(flags, ip, TARGET_LINK_LAYER_ADDRESS, 1, sender)
    length = _ICMPV6.size + len(advertisement)
    total = icmpv6_checksum(ip, ALL_NODES, _ICMPV6.pack(NEIGHBOUR_ADVERTISEMENT, 0, 0) + advertisement)
    return (
        ETHERNET.pack(ALL_NODES_MAC, sender, ETHERTYPE_IPV6)
        + IPV6.pack(6 << 28, length, NEXT_HEADER_ICMPV6, HOP_LIMIT, ip, ALL_NODES)
        + _ICMPV6.pack(NEIGHBOUR_ADVERTISEMENT, 0, total)
        + advertisement
    )


def icmpv6_checksum(source: bytes, destination: bytes, message: bytes) -> int:
    """The one of an ICMPv6 message, which is about addresses, length and next header too (RFC 8200, 8.1); 0 if the message has it."""
    padding = b"\0" * (len(message) % 2)
    return checksum(source + destination + struct.pack("!II", len(message), NEXT_HEADER_ICMPV6) + message + padding)


def checksum(data: bytes) -> int:
    """The one of the Internet (RFC 1071), over an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac_bytes(text: str) -> bytes:
    """6 bytes of a MAC address."""
    return bytes.fromhex(text.replace(":", ""))
