# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The choice of addresses that no task requests, also after neighbours have answered that they have one."""

from __future__ import annotations

import typing as t

from ..ipam.address_set import AddressSet
from ..ipam.scattered_address import scattered_address
from ..ipam.subnets import candidates, next_address
from ..values import inet, names
from ..values.addresses import prefix_length, version_of
from .claims import addresses_in_use

if t.TYPE_CHECKING:
    from ..model.network import Network, Subnet
    from ..model.ref import Ref
    from .builder import PlanBuilder
    from .choices import Choices


def choose_address(
    builder: PlanBuilder, ref: Ref, network: Network, subnets: tuple[Subnet, ...], reserved: AddressSet
) -> str | None:
    """A free address of one of the subnets, which are of one family, with its prefix length; None when there is none left.

    :param ref: the endpoint that is to have it
    :param reserved: addresses that others will ask for
    """
    choices = builder.choices
    by_others = choices.taken(ref, network.parent, version_of(subnets[0].subnet)) if choices.in_use else _NONE
    for subnet in subnets:
        in_use = addresses_in_use(builder).numbers(version_of(subnet.subnet))
        taken = builder.leases.taken(subnet.pool), in_use, reserved, by_others
        chosen = _kept(choices, ref, subnet, taken) or _new(builder, ref, network, subnet, taken)
        if chosen is not None:
            builder.chosen.add((ref, chosen))
            return f"{chosen}/{prefix_length(subnet.subnet)}"
    return None


_NONE = AddressSet()


def _kept(choices: Choices, ref: Ref, subnet: Subnet, taken: t.Iterable[AddressSet]) -> str | None:
    """The address that was chosen before, if it is still free."""
    address = choices.kept.get((ref, version_of(subnet.subnet))) if choices.kept else None
    if address is None or not any(address in block for block in candidates(subnet)):
        return None
    return None if any(inet.number(address) in addresses for addresses in taken) else address


def _new(builder: PlanBuilder, ref: Ref, network: Network, subnet: Subnet, taken: tuple[AddressSet, ...]) -> str | None:
    if not builder.choices.is_scattered:
        return next_address(subnet, *taken)
    # The same in check mode and in the run, and on each host something else, also where one is a copy of another.
    parent = builder.host.links.get(network.parent)
    seed = names.digest(builder.kernel.host, parent.mac if parent is not None else "", ref.title, subnet.subnet)
    return scattered_address(subnet, int.from_bytes(seed, "big"), *taken)
