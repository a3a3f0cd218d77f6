# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links to create or to delete, and how they are identified."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..model.link_options import LinkOptions, are_recorded
from ..model.links import SubInterface, VlanFacts
from ..model.network import MODES
from ..values import validators
from ..wire.kinds import KINDS, kind_of


@dataclass(frozen=True)
class LinkSpec:
    """A link to create, and how to identify it.

    :ivar tag: the alias that it carries, None for a foreign link (removed by force only)
    :ivar parent: name of the link below, in the host's own namespace
    :ivar vrf: name of the VRF that it is in, there too
    """

    name: str
    kind: str
    tag: str | None = None
    parent: str | None = None
    mac: str | None = None
    mtu: int | None = None
    mode: str | None = None
    vlan: VlanFacts | None = None
    link_options: LinkOptions = field(default_factory=dict)
    vrf: str | None = None

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "name": validators.link_name,
        "kind": validators.one_of(*(kind.name for kind in KINDS.values() if kind.is_created)),
        "tag": validators.optional(validators.link_alias),
        "parent": validators.optional(validators.link_name),
        "mac": validators.optional(validators.mac),
        "mtu": validators.optional(validators.number(0, validators.MAX_UINT32)),
        "mode": validators.optional(validators.one_of(*MODES)),
        "vlan": validators.checked_separately,
        "link_options": are_recorded,
        "vrf": validators.optional(validators.link_name),
    }

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> LinkSpec:
        values = validators.fields("link", data, cls.CHECKS)
        vlan = VlanFacts.from_plain(values["vlan"]) if values["vlan"] is not None else None
        spec = cls(**{**values, "vlan": vlan})
        # The only foreign links that are ever deleted are VLAN links, with force.
        if vlan is None and (spec.kind == SubInterface.kind or not validators.tag(spec.tag)):
            raise ValueError(f"there is a step for a link {spec.name!a} that cannot be ours")
        return spec

    @property
    def phrase(self) -> str:
        """The kind and name, such as ``VLAN link eth0.50``."""
        return f"{kind_of(self).phrase} {self.name}"
