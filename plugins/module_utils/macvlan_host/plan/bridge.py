# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bridges that filter VLANs: whether frames pass between their ports and the links on them. Pure."""

from __future__ import annotations

from ..model.kernel import BridgeVlans
from ..model.links import Link, VlanFacts
from ..wire.kinds import kind_of
from .builder import PlanBuilder


def warn_of_filter(builder: PlanBuilder, title: str, link: Link) -> None:
    """Warn if a bridge that filters VLANs drops the frames of links on it, on a VLAN of it or on the bridge itself.

    A bridge is a port of itself (bridge(8), self), with VLANs of its own; those of its other ports say nothing about it.
    """
    carrier, below = link, link
    while not kind_of(below).filters_vlans:
        lower = builder.host.by_index(below.lower) if below.vlan is not None and below.lower_netns is None else None
        if lower is None:
            return
        carrier, below = below, lower
    known = builder.kernel.bridges.get(below.index)
    if known is None:
        return
    tag = carrier.vlan if carrier.vlan is not None and carrier.vlan.protocol == known.protocol else None
    result = _of_tagged(known, tag) if tag is not None else _of_untagged(known)
    if result is not None:
        problem, entry = result
        user = carrier.name if carrier is not below else "the macvlan links on it"
        builder.warn(
            f"{title}: {below.name} is a bridge that filters VLANs (vlan_filtering 1), and {problem}, so no frame passes "
            f"between its ports and {user}; to allow it: bridge vlan add dev {below.name} {entry} self"
        )


def _of_tagged(known: BridgeVlans, tag: VlanFacts) -> tuple[str, str] | None:
    """The problem of frames with a tag, and the missing entry."""
    if tag.vlan_id in known.tagged:
        return None
    entry = f"vid {tag.vlan_id}"
    if tag.vlan_id in known.untagged:
        return f"the bridge itself receives VLAN {tag.vlan_id} untagged", entry
    return f"the bridge itself is not a member of VLAN {tag.vlan_id}", entry


def _of_untagged(known: BridgeVlans) -> tuple[str, str] | None:
    """The problem of frames without a tag, or with one of another protocol than the bridge's, and the missing entry."""
    if known.pvid is None:
        return "the bridge itself has no VLAN for untagged frames (pvid)", "vid ID pvid untagged"
    if known.pvid not in known.untagged:
        return f"the bridge itself receives VLAN {known.pvid}, its pvid, tagged", f"vid {known.pvid} pvid untagged"
    return None
