# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The map of a subnet: bands of owners, and what their addresses are."""

from __future__ import annotations

import bisect
import collections
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.address_set import AddressSet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import Block, block_of, networks_of
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.ordering import natural
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import FOREIGN, GATEWAY, RESERVED, Band, MapAddress, Run, SubnetMap


class Part(t.NamedTuple):
    """Addresses that a host gives out."""

    first: int
    last: int
    host: str


def map_of(subnet: str, parts: t.Iterable[Part], addresses: t.Sequence[MapAddress], runs: t.Iterable[Run]) -> SubnetMap:
    """The map of a subnet.

    :param addresses: sorted by their numbers
    """
    block = block_of(subnet)
    ordered = tuple(sorted(runs))
    kept_out = AddressSet.of_runs((run.first, run.last) for run in ordered)
    taken = AddressSet.of_runs([*kept_out.runs, *((item.number, item.number) for item in addresses)])
    numbers = [item.number for item in addresses]
    bands = []
    for first, last, owners in _stretches(block, sorted(parts)):
        inside = addresses[bisect.bisect_left(numbers, first) : bisect.bisect_right(numbers, last)]
        states = collections.Counter(item.state for item in inside)
        foreign, held = states[FOREIGN], sum(states.values()) - states[RESERVED] - states[GATEWAY]
        free = last - first + 1 - taken.count(first, last)
        reserved = last - first + 1 - free - held
        bands.append(Band(first, last, _text(block.version, first, last), owners, held - foreign, foreign, reserved, free))
    return SubnetMap(subnet, block.version, block.first, block.last, tuple(bands), tuple(addresses), ordered)


def _stretches(block: Block, parts: t.Sequence[Part]) -> t.Iterator[tuple[int, int, tuple[str, ...]]]:
    """The whole block as stretches, each with the hosts that give out all of it; neighbours have other owners."""
    starts: dict[int, list[str]] = collections.defaultdict(list)
    ends: dict[int, list[str]] = collections.defaultdict(list)
    for part in parts:
        starts[part.first].append(part.host)
        ends[part.last + 1].append(part.host)
    borders = sorted({block.first, *starts, *ends, block.last + 1})
    owners: collections.Counter[str] = collections.Counter()
    begun, before = block.first, None
    for border in borders:
        if before is not None and (border > block.last or starts.get(border) or ends.get(border)):
            owners.update(starts.get(border, ()))
            owners.subtract(ends.get(border, ()))
            owners = +owners
            now = tuple(sorted(owners, key=natural))
            if now != before or border > block.last:
                yield begun, border - 1, before
                begun, before = border, now
        elif before is None:
            owners.update(starts.get(border, ()))
            before = tuple(sorted(owners, key=natural))


def _text(version: int, first: int, last: int) -> str:
    """Addresses in CIDR form where there is one for all of them, else from the first to the last."""
    blocks = networks_of(Block(version, first, last))
    return blocks[0] if len(blocks) == 1 else f"{inet.to_text(version, first)}-{inet.to_text(version, last)}"
