# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a prober has heard, in bounded memory whatever neighbours send."""

from __future__ import annotations

import typing as t

from ..model.probe import Heard, Segment
from ..values import inet
from ..values.addresses import block_of
from ..wire.probes import Claim

# A flood of frames must not fill the memory; what is heard beyond this says nothing new.
MOST_UNASKED, MACS_PER_ADDRESS = 1 << 16, 8

Key = tuple[str, bytes, bytes, bool, bool, bytes]


class Notes:
    """Notes of addresses that were asked for, and of others in the subnets from which addresses are chosen."""

    def __init__(self) -> None:
        self._asked: dict[str, set[bytes]] = {}
        self._blocks: dict[str, list[tuple[int, int, int]]] = {}
        self._fresh: dict[Key, None] = {}
        self._known: set[Key] = set()
        self._macs: dict[tuple[str, bytes], int] = {}
        self._wanted: dict[tuple[str, bytes], Key] = {}
        self._unasked = 0

    def expect(self, segment: Segment) -> None:
        """Note what is heard of the addresses of a segment."""
        self._asked.setdefault(segment.parent, set())
        blocks = map(block_of, segment.blocks)
        self._blocks[segment.parent] = [(4 if block.version == 4 else 16, block.first, block.last) for block in blocks]

    def ask(self, parent: str, addresses: t.Iterable[str]) -> None:
        self._asked[parent].update(map(inet.to_bytes, addresses))

    def add(self, parent: str, claim: Claim, came_in: bool) -> None:
        of_address = parent, claim.address
        if not self._is_of_interest(of_address):
            return
        key = parent, claim.address, claim.mac, claim.is_probe, came_in, claim.receiver
        if claim.is_probe:
            self._add_probe(of_address, key)
        elif key not in self._known and self._macs.get(of_address, 0) < MACS_PER_ADDRESS:
            self._macs[of_address] = self._macs.get(of_address, 0) + 1
            self._known.add(key)
            self._fresh[key] = None

    def _add_probe(self, of_address: tuple[str, bytes], key: Key) -> None:
        """Of all that want an address, the one with the lowest MAC address may get it, so no other is of interest."""
        lowest = self._wanted.get(of_address)
        if lowest is None or key[2] < lowest[2]:
            self._wanted[of_address] = key
            if lowest is not None:
                self._fresh.pop(lowest, None)
            self._fresh[key] = None

    def _is_of_interest(self, of_address: tuple[str, bytes]) -> bool:
        parent, address = of_address
        if of_address in self._macs or of_address in self._wanted or address in self._asked[parent]:
            return True
        number = int.from_bytes(address, "big")
        if self._unasked >= MOST_UNASKED or not any(
            size == len(address) and first <= number <= last for size, first, last in self._blocks[parent]
        ):
            return False
        self._unasked += 1
        return True

    def take(self) -> list[Heard]:
        """What was heard and not taken yet."""
        fresh, self._fresh = self._fresh, {}
        return [
            Heard(parent, inet.from_bytes(address), mac.hex(":"), is_probe, came_in, to.hex(":"))
            for parent, address, mac, is_probe, came_in, to in fresh
        ]
