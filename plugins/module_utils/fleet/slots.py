# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slices of one subnet by their numbers: which of them are free, and for which host."""

from __future__ import annotations

import bisect
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Holding, SegmentSubnet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.slices import kept_out, number_of_slices, slice_at
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.address_set import AddressSet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.subnets import usable
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import WIDTHS, Block, block_of, networks_of


class Slots:
    """The slices of a subnet, numbered from 0, as those of its size would be: holdings may be larger or smaller.

    :param item: the subnet
    :param holdings: of its segment, in any subnet
    :param addresses: of the hosts themselves
    :param now: the second of the epoch that ends quarantines
    :ivar kept: the addresses that no endpoint gets
    """

    def __init__(self, item: SegmentSubnet, holdings: t.Iterable[Holding], addresses: t.Iterable[str], now: int) -> None:
        self.item = item
        self.whole = block_of(item.subnet.subnet)
        self.kept = kept_out(item, addresses)
        self.number = number_of_slices(item)
        self._bits = WIDTHS[self.whole.version] - item.slice_length
        here = [(self._run(block), holding) for holding in holdings for block in [block_of(holding.block)] if block.overlaps(self.whole)]
        owned = [run for run, holding in here if holding.host]
        self._resting = [(run, holding.former) for run, holding in here if not holding.host and holding.quarantine > now]
        useless = list(self._useless())
        self._owned = AddressSet.of_runs(owned)
        self._useless_ones = AddressSet.of_runs(useless)
        self._shut = AddressSet.of_runs([*owned, *(run for run, dummy in self._resting), *useless])
        self._former: dict[str, list[str]] = {}
        for dummy, holding in here:
            if not holding.host and holding.former and self.has(holding.block):
                self._former.setdefault(holding.former, []).append(holding.block)

    def _run(self, block: Block) -> tuple[int, int]:
        """The numbers of the slices that a block meets."""
        first, last = max(block.first, self.whole.first), min(block.last, self.whole.last)
        return (first - self.whole.first) >> self._bits, (last - self.whole.first) >> self._bits

    def _useless(self) -> t.Iterator[tuple[int, int]]:
        """The numbers of slices without an address that can be given out."""
        given = usable(self.item.subnet.subnet)
        never = [(part, part) for part in sorted({self.whole.first, self.whole.last}) if not given.first <= part <= given.last]
        for first, last in AddressSet.of_runs([*self.kept.runs, *never]).runs:
            lowest = (first - self.whole.first + (1 << self._bits) - 1) >> self._bits
            highest = ((last - self.whole.first + 1) >> self._bits) - 1
            if lowest <= highest:
                yield lowest, highest

    def has(self, block: str) -> bool:
        """Whether a block is part of the subnet."""
        return self.whole.covers(block_of(block))

    def is_part(self, number: int, block: str) -> bool:
        """Whether a slice is part of a block."""
        return block_of(block).covers(block_of(slice_at(self.item, number)))

    def is_unowned(self, number: int) -> bool:
        """Whether nobody has any part of a slice."""
        return number not in self._owned

    def rests_from(self, number: int, host: str) -> str:
        """The host from which a slice was taken back, if it is in quarantine and that is another host; else an empty text."""
        formers = (former for (first, last), former in self._resting if first <= number <= last and former != host)
        return next((former or "its former host" for former in formers), "")

    def former(self, host: str) -> list[str]:
        """The blocks that were taken back from a host, as long as nobody else has any part of them."""
        runs = ((block, *self._run(block_of(block))) for block in self._former.get(host, ()))
        return [block for block, first, last in runs if not self._owned.count(first, last)]

    def take(self, number: int) -> str:
        """Give a slice away, and return its block."""
        self._owned.add(number)
        self._shut.add(number)
        return slice_at(self.item, number)

    def take_back(self, block: str) -> None:
        """Give a block away, whatever its size is."""
        run = self._run(block_of(block))
        self._owned = AddressSet.of_runs([*self._owned.runs, run])
        self._shut = AddressSet.of_runs([*self._shut.runs, run])

    def free_for(self, host: str) -> int | None:
        """The slice that a host gets next: the first free one from a number that follows from its name."""
        start = int.from_bytes(names.digest("slice", host)[:16], "big") % self.number
        number = self._shut.next_free(start)
        if number >= self.number:
            number = self._shut.next_free(0)
        return number if number < self.number else None

    def shut_in_words(self) -> str:
        """Why there is no free slice, by numbers."""
        owned, useless = (numbers.count(0, self.number - 1) for numbers in (self._owned, self._useless_ones))
        resting = self.number - AddressSet.of_runs([*self._owned.runs, *self._useless_ones.runs]).count(0, self.number - 1)
        parts = [(owned, "held"), (useless, "without an address to give out"), (resting, "in quarantine")]
        return ", ".join(f"{count} {what}" for count, what in parts if count)


class Released:
    """The slices that were taken back from their hosts, which do not overlap."""

    def __init__(self, holdings: t.Iterable[Holding]) -> None:
        self._sorted = sorted(((item.segment, *block_of(item.block)[:2]), item) for item in holdings)
        self._begins = [begin for begin, dummy in self._sorted]

    def met_by(self, claim: Holding) -> list[Holding]:
        """Those of which a claim takes a part."""
        block = block_of(claim.block)
        position = max(bisect.bisect_left(self._begins, (claim.segment, block.version, block.first)) - 1, 0)
        end = bisect.bisect_right(self._begins, (claim.segment, block.version, block.last))
        near = [item for dummy, item in self._sorted[position:end]]
        return [item for item in near if item.segment == claim.segment and block_of(item.block).overlaps(block)]

    @staticmethod
    def without(item: Holding, claims: t.Sequence[Holding]) -> list[Holding]:
        """What claims leave of a slice that was taken back; it keeps its generation and its quarantine."""
        whole = block_of(item.block)
        met = (block_of(claim.block) for claim in claims if claim.segment == item.segment)
        taken = AddressSet.of_runs((block.first, block.last) for block in met if block.overlaps(whole))
        left: list[str] = []
        first = whole.first
        for begin, end in [*taken.runs, (whole.last + 1, whole.last)]:
            left += networks_of(Block(whole.version, first, begin - 1))
            first = end + 1
        return [item._replace(block=block) for block in left]
