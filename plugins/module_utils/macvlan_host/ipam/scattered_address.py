# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A free address somewhere in a subnet, so that hosts which choose at the same time choose different ones."""

from __future__ import annotations

import typing as t

from .address_set import AddressSet
from .subnets import candidates, lowest_free, never_chosen

if t.TYPE_CHECKING:
    from ..model.network import Subnet
    from ..values.addresses import Block


def scattered_address(subnet: Subnet, seed: int, *taken: AddressSet) -> str | None:
    """The first address of the subnet's candidates that is not taken, from the one on that the seed says; None when there is none left.

    :param taken: the leases of the subnet's pool, and other addresses that must not be given out
    """
    blocks = candidates(subnet)
    size = sum(block.last - block.first + 1 for block in blocks)
    return lowest_free(_from(blocks, seed % size), never_chosen(subnet, taken)) if size else None


def _from(blocks: t.Sequence[Block], offset: int) -> t.Iterator[Block]:
    """The blocks from the address with this number on, and then those before it."""
    before: list[Block] = []
    for block in blocks:
        size = block.last - block.first + 1
        if 0 <= offset < size:
            yield block._replace(first=block.first + offset)
            before.append(block._replace(last=block.first + offset - 1))
        elif offset < 0:
            yield block
        else:
            before.append(block)
        offset -= size
    yield from before
