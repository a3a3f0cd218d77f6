# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run knows of addresses from the wire, for the choice of others."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..ipam.address_set import AddressSet
from ..values import inet
from ..values.addresses import version_of

if t.TYPE_CHECKING:
    from ..model.ref import Ref


@dataclass(frozen=True)
class Choices:
    """What a run knows of addresses from the wire.

    :ivar kept: (endpoint, IP version) → the address that was chosen for it, and that nobody else has
    :ivar in_use: parent → addresses that others have there, or want
    :ivar is_scattered: whether to choose elsewhere than at the lowest free address, and not where other hosts do
    :ivar left_out: endpoint → why it is not restored, a sentence: others have an address of it
    """

    kept: t.Mapping[tuple[Ref, int], str] = field(default_factory=dict)
    in_use: t.Mapping[str, frozenset[str]] = field(default_factory=dict)
    is_scattered: bool = False
    left_out: t.Mapping[Ref, str] = field(default_factory=dict)

    def taken(self, ref: Ref, parent: str, version: int) -> AddressSet:
        """The addresses of a family that others have on the wire of a parent, or that other endpoints keep."""
        kept = (address for (other, dummy), address in self.kept.items() if other != ref)
        addresses = (*self.in_use.get(parent, ()), *kept)
        return AddressSet(inet.number(address) for address in addresses if version_of(address) == version)


NO_CHOICES = Choices()
