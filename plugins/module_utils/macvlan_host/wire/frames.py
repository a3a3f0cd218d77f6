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

_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_IPV6 = struct.Struct("!IHBB16s16s")
_ICMPV6 = struct.Struct("!BBH")
_ADVERTISEMENT = struct.Struct("!I16sBB6s")  # flags, target, and one option: type, length in units of 8 bytes, MAC address


def announcement(mac: str, address: str, router: bool = False) -> bytes:
    """The frame that announces an address of either family, without a prefix length.

    :param router: whether the link forwards; neighbours forget a router that does not say so (RFC 4861, 7.2.5)
    """
    return neighbour_advertisement(mac, address, router) if ":" in address else gratuitous_arp(mac, address)


def gratuitous_arp(mac: str, address: str) -> bytes:
    """An ARP announcement (RFC 5227, 2.3): a request whose sender and target are the same address."""
    sender, ip = _mac(mac), inet.to_bytes(address)
    return _ETHERNET.pack(BROADCAST, sender, ETHERTYPE_ARP) + _ARP.pack(1, 0x0800, 6, 4, 1, sender, ip, bytes(6), ip)


def neighbour_advertisement(mac: str, address: str, router: bool) -> bytes:
    """An unsolicited neighbour advertisement (RFC 4861, 4.4 and 7.2.6), which overrides what neighbours have."""
    sender, ip = _mac(mac), inet.to_bytes(address)
    flags = OVERRIDE | (ROUTER if router else 0)
    advertisement = _ADVERTISEMENT.pack(flags, ip, TARGET_LINK_LAYER_ADDRESS, 1, sender)
    length = _ICMPV6.size + len(advertisement)
    # What is summed begins with addresses, length and next header (RFC 8200, 8.1).
    summed = ip + ALL_NODES + struct.pack("!II", length, NEXT_HEADER_ICMPV6)
    summed += _ICMPV6.pack(NEIGHBOUR_ADVERTISEMENT, 0, 0) + advertisement
    return (
        _ETHERNET.pack(ALL_NODES_MAC, sender, ETHERTYPE_IPV6)
        + _IPV6.pack(6 << 28, length, NEXT_HEADER_ICMPV6, HOP_LIMIT, ip, ALL_NODES)
        + _ICMPV6.pack(NEIGHBOUR_ADVERTISEMENT, 0, checksum(summed))
        + advertisement
    )


def checksum(data: bytes) -> int:
    """The one of the Internet (RFC 1071), over an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
