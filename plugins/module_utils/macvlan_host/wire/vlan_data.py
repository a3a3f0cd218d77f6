# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data of a VLAN link (IFLA_INFO_DATA, net/8021q/vlan_netlink.c), packed and parsed."""

from __future__ import annotations

import struct

from ..model.links import VlanFacts
from .attributes import ATTRIBUTE, UINT32, Attributes, attribute, nest
from .constants import (
    IFLA_VLAN_EGRESS_QOS,
    IFLA_VLAN_FLAGS,
    IFLA_VLAN_ID,
    IFLA_VLAN_INGRESS_QOS,
    IFLA_VLAN_PROTOCOL,
    IFLA_VLAN_QOS_MAPPING,
    VLAN_FLAGS,
    VLAN_PROTOCOLS,
)


def pack(facts: VlanFacts) -> bytes:
    """The attributes of a VLAN link."""
    flags = sum(bit for flag, bit in VLAN_FLAGS.items() if getattr(facts, flag))
    data = attribute(IFLA_VLAN_ID, struct.pack("=H", facts.vlan_id))
    data += attribute(IFLA_VLAN_PROTOCOL, struct.pack("!H", VLAN_PROTOCOLS[facts.protocol]))
    data += attribute(IFLA_VLAN_FLAGS, struct.pack("=II", flags, sum(VLAN_FLAGS.values())))
    return data + _pack_qos(IFLA_VLAN_INGRESS_QOS, facts.ingress_qos_map) + _pack_qos(IFLA_VLAN_EGRESS_QOS, facts.egress_qos_map)


def _pack_qos(kind: int, mapping: dict[str, int]) -> bytes:
    pairs = (struct.pack("=II", int(source), target) for source, target in mapping.items())
    return nest(kind, *(attribute(IFLA_VLAN_QOS_MAPPING, pair) for pair in pairs)) if mapping else b""


def parse(data: Attributes) -> VlanFacts:
    """The VLAN of a link, by its attributes."""
    flags = UINT32.unpack_from(data.get(IFLA_VLAN_FLAGS, b"\0" * 8))[0]
    protocol = int.from_bytes(data.get(IFLA_VLAN_PROTOCOL, b"\x81\x00"), "big")
    return VlanFacts(
        vlan_id=struct.unpack("=H", data[IFLA_VLAN_ID][:2])[0],
        protocol=next((name for name, value in VLAN_PROTOCOLS.items() if value == protocol), hex(protocol)),
        ingress_qos_map=_parse_qos(data.get(IFLA_VLAN_INGRESS_QOS, b"")),
        egress_qos_map=_parse_qos(data.get(IFLA_VLAN_EGRESS_QOS, b"")),
        **{name: bool(flags & bit) for name, bit in VLAN_FLAGS.items()},
    )


def _parse_qos(nested: bytes) -> dict[str, int]:
    """Priority → priority of a nested list of IFLA_VLAN_QOS_MAPPING, which all have the same type."""
    mapping: dict[int, int] = {}
    offset = 0
    while offset + ATTRIBUTE.size + 8 <= len(nested):
        source, target = struct.unpack_from("=II", nested, offset + ATTRIBUTE.size)
        if target:
            mapping[source] = target
        offset += ATTRIBUTE.size + 8
    return {str(key): mapping[key] for key in sorted(mapping)}
