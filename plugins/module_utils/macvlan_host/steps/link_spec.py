# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links to make or to remove, and how they are recognised."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.links import Link, VlanFacts
from ..values import names
from ..wire.kinds import kind_of


@dataclass(frozen=True)
class LinkSpec:
    """A link to make, and how to recognise it.

    :ivar tag: the alias that it carries, None for a foreign link (removed by force only)
    :ivar parent: name of the link below, in the host's own namespace
    """

    name: str
    kind: str
    tag: str | None = None
    parent: str | None = None
    mac: str | None = None
    mtu: int | None = None
    mode: str | None = None
    vlan: VlanFacts | None = None

    @property
    def phrase(self) -> str:
        """The kind and name, such as ``VLAN link eth0.50``."""
        return f"{kind_of(self).phrase} {self.name}"


def is_meant(found: Link, wanted: LinkSpec, or_untagged: bool = False) -> bool:
    """Whether a link is the one that a step speaks of: kind, VLAN and tag, not the name alone.

    :param or_untagged: a link whose creation was interrupted has no tag yet, and is known by its group
    """
    if found.kind != wanted.kind:
        return False
    if wanted.vlan is not None and (found.vlan is None or found.vlan.vlan_id != wanted.vlan.vlan_id):
        return False
    identifier = names.identifier_of(wanted.tag)
    if found.alias or not or_untagged or identifier is None:
        return found.alias == (wanted.tag or "")
    return found.group == names.birth_group(identifier)
