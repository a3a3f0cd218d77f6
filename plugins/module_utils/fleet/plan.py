# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a fleet: what hosts have and what they wish, to slices that they get.

A plan gives slices away and takes none back. The slices of a host do not depend on which other hosts there are, once it has them.
"""

from __future__ import annotations

import bisect
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.identity import identities
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.lint import same_subnets
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Change, Holding, HostOfFleet, KnownHost, Segment, Snapshot, Wish
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.slices import family, given_out, number_of_slices, places_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.slots import Released, Slots
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import block_of, version_of


class Plan(t.NamedTuple):
    """What is to be done for the hosts of a task.

    :ivar before: the holdings of all hosts as they are, by their former names
    :ivar after: as they will be
    :ivar claims: the holdings that are new
    :ivar renamed: former name → name
    :ivar conflicts: why nothing can be done, a sentence each; the rest is worthless then
    """

    before: tuple[Holding, ...]
    after: tuple[Holding, ...]
    known: tuple[KnownHost, ...]
    claims: tuple[Holding, ...]
    renamed: t.Mapping[str, str]
    change: Change
    conflicts: tuple[str, ...]
    warnings: tuple[str, ...]


def plan(segments: t.Sequence[Segment], snapshot: Snapshot, wishes: t.Iterable[Wish], now: int, *, by_places: bool = False) -> Plan:
    """The slices of all hosts.

    The order of the hosts does not matter, and the same input gives the same plan.

    :param now: the second of the epoch
    :param by_places: whether hosts get the slices of their places only, because nothing can be recorded
    """
    ordered = sorted(wishes, key=lambda wish: wish.name)
    who = identities(snapshot.known, ordered)
    conflicts, warnings = [*who.conflicts, *same_subnets(segments)], list(who.warnings)
    held = [item._replace(host=who.renamed.get(item.host, item.host), former=who.renamed.get(item.former, item.former)) for item in snapshot.holdings]
    conflicts += _of_other_segments(segments, held)
    released = Released(item for item in held if not item.host)
    claims: list[Holding] = []
    addresses = [address for host in who.known.values() for address in host.addresses]
    of_segment: dict[str, list[Holding]] = {}
    for item in held:
        of_segment.setdefault(item.segment, []).append(item)
    for segment in segments:
        mine = of_segment.get(segment.name, [])
        conflicts += _twice(segment, mine)
        warnings += _outside(segment, mine)
        claims += _Claims(segment, mine, released, addresses, now, by_places).of(ordered, conflicts)
    claims.sort(key=by_address)
    drop = {item for claim in claims for item in released.met_by(claim)}
    kept = {claim[:2] for claim in claims}
    rest = [part for item in drop for part in released.without(item, claims)]
    after = sorted((*(item for item in held if item not in drop), *claims, *rest), key=by_address)
    was = {(item.segment, item.block): item for item in snapshot.holdings}
    known_before = {host.name: host for host in snapshot.known}
    change = Change(
        put=tuple(item for item in after if was.get((item.segment, item.block)) != item),
        drop=tuple(sorted(item for item in drop if item[:2] not in kept)),
        know=tuple(host for name, host in sorted(who.known.items()) if known_before.get(name) != host),
        forget=tuple(sorted(who.renamed)),
    )
    known = tuple(who.known[name] for name in sorted(who.known))
    before = tuple(sorted(snapshot.holdings, key=by_address))
    return Plan(before, tuple(after), known, tuple(claims), who.renamed, change, tuple(conflicts), tuple(warnings))


def by_address(item: Holding) -> tuple[str, int, int]:
    block = block_of(item.block)
    return item.segment, block.version, block.first


def wanted_addresses(wish: Wish, segment: Segment) -> int:
    """How many addresses the slices of a host in a segment must have together; 0 if it has no part in it."""
    if wish.segments is not None:
        return wish.segments.get(segment.name, 0)
    return 1 if not wish.places or wish_places(wish, segment) else 0


def wish_places(wish: Wish, segment: Segment) -> tuple[int, ...]:
    """The places that a host is to have in a segment."""
    if wish.segments is not None and segment.name not in wish.segments and segment.name not in wish.places:
        return ()
    return places_of(HostOfFleet(wish.name, wish.places), segment)


# --- claims of one segment --------------------------------------------------------------------------------------------


class _Claims:
    """The slices of one segment, as hosts get them one after the other."""

    def __init__(
        self, segment: Segment, held: t.Sequence[Holding], released: Released, addresses: t.Sequence[str], now: int, only_places: bool
    ) -> None:
        self.segment = segment
        self.only_places = only_places
        self.slots = [Slots(item, held, addresses, now) for item in segment.subnets]
        self.claims: list[Holding] = []
        self._released = released
        self._owned: dict[str, list[str]] = {}
        for item in held:
            if item.host:
                self._owned.setdefault(item.host, []).append(item.block)

    def of(self, wishes: t.Sequence[Wish], conflicts: list[str]) -> list[Holding]:
        """The claims of all hosts; why a host cannot have what it wishes is added to the conflicts."""
        for wish in wishes:
            conflicts += self._by_places(wish)
        for wish in wishes:
            if wanted_addresses(wish, self.segment):
                self._take_back(wish.name)
        for wish in wishes:
            wanted = wanted_addresses(wish, self.segment)
            for version in sorted({family(slots.item) for slots in self.slots}) if wanted else ():
                conflicts += self._by_number(wish.name, wanted, [slots for slots in self.slots if family(slots.item) == version])
        return self.claims

    def _claim(self, host: str, block: str) -> None:
        claim = Holding(self.segment.name, block, host)
        met = self._released.met_by(claim)
        generation = max((item.generation for item in met), default=1)
        former = next((item.former for item in met if item.former and item.former != host), "")
        self.claims.append(claim._replace(generation=generation, former=former))
        self._owned.setdefault(host, []).append(block)

    def _by_places(self, wish: Wish) -> list[str]:
        told = []
        for number in wish_places(wish, self.segment):
            for slots in self.slots:
                cidr = slots.item.subnet.subnet
                if number >= number_of_slices(slots.item):
                    told.append(
                        f"{wish.name}: there is no place {number} in {cidr} of segment {self.segment.name}, whose places are 0 to {slots.number - 1}"
                    )
                elif former := slots.rests_from(number, wish.name):
                    told.append(
                        f"{wish.name}: place {number} of {cidr} in segment {self.segment.name} was taken back from {former} and is in quarantine; "
                        f"give {wish.name} another place, or run this again when that is over"
                    )
                elif slots.is_unowned(number):
                    self._claim(wish.name, slots.take(number))
                elif not self._has_place(wish.name, slots, number):
                    told.append(f"{wish.name}: place {number} of {cidr} in segment {self.segment.name} is held by another host; give {wish.name} another place")
        return told

    def _has_place(self, host: str, slots: Slots, number: int) -> bool:
        return any(slots.is_part(number, block) for block in self._owned.get(host, ()))

    def _take_back(self, host: str) -> None:
        """Claim what was taken back from a host and nobody else has got, because it may have endpoints there."""
        for slots in self.slots:
            for block in slots.former(host):
                slots.take_back(block)
                self._claim(host, block)

    def _by_number(self, host: str, wanted: int, family_slots: t.Sequence[Slots]) -> list[str]:
        """Claim slices of one family until they have as many addresses as wanted."""
        room = sum(given_out(slots.item, block, slots.kept) for slots in family_slots for block in self._owned.get(host, ()) if slots.has(block))
        for slots in family_slots:
            while room < wanted:
                number = slots.free_for(host)
                if number is None:
                    break
                if self.only_places:
                    return [self._needs_place(host, wanted, room, slots, number)]
                block = slots.take(number)
                self._claim(host, block)
                room += given_out(slots.item, block, slots.kept)
        return [] if room >= wanted else [self._is_full(host, wanted, room, family_slots)]

    def _needs_place(self, host: str, wanted: int, room: int, slots: Slots, number: int) -> str:
        return (
            f"{host} needs {wanted} {_addresses(slots, wanted)} in segment {self.segment.name}, and the slices of its places have {room}; "
            f"give {host} a further place, such as {number}, which is free in {slots.item.subnet.subnet}"
        )

    def _is_full(self, host: str, wanted: int, room: int, family_slots: t.Sequence[Slots]) -> str:
        full = " and ".join(
            f"{slots.item.subnet.subnet} has no free slice of /{slots.item.slice_length} ({slots.shut_in_words()})" for slots in family_slots
        )
        return (
            f"{host} needs {wanted} {_addresses(family_slots[0], wanted)} in segment {self.segment.name} and can have {room}: {full}; "
            f"add a subnet to the segment, or make slice_length longer, so that slices are smaller"
        )


def _addresses(slots: Slots, count: int) -> str:
    return f"{'IPv4' if family(slots.item) == 4 else 'IPv6'} {'address' if count == 1 else 'addresses'}"


# --- what is wrong with holdings --------------------------------------------------------------------------------------


def _twice(segment: Segment, held: t.Sequence[Holding]) -> list[str]:
    owned = sorted((item for item in held if item.host), key=by_address)
    return [
        f"the store gives {one.block} to {one.host} and {other.block} to {other.host} in segment {segment.name}, which overlap; one of them must go"
        for one, other in zip(owned, owned[1:])
        if block_of(one.block).overlaps(block_of(other.block))
    ]


def _outside(segment: Segment, held: t.Sequence[Holding]) -> list[str]:
    wholes = [block_of(item.subnet.subnet) for item in segment.subnets]
    outside = [item for item in held if item.host and not any(whole.covers(block_of(item.block)) for whole in wholes)]
    return [f"{item.host} holds {item.block} of segment {segment.name}, which is in none of the subnets of the segment" for item in outside]


def _of_other_segments(segments: t.Sequence[Segment], held: t.Sequence[Holding]) -> list[str]:
    """Segments that the task does not name, but the store has, on the same addresses: most likely one was written in two ways."""
    declared = {segment.name for segment in segments}
    blocks = sorted((version_of(item.block), block_of(item.block).first, item) for item in held if item.host and item.segment not in declared)
    told = []
    for segment in segments if blocks else ():
        for item in () if segment.isolated else segment.subnets:
            whole = block_of(item.subnet.subnet)
            begin = bisect.bisect_left(blocks, (whole.version, whole.first))
            near = [other for dummy, dummy2, other in blocks[max(begin - 1, 0) : begin + 1] if block_of(other.block).overlaps(whole)]
            if near:
                other = near[0]
                told.append(
                    f"{item.subnet.subnet} of segment {segment.name} has addresses of segment {other.segment}, in which {other.host} holds {other.block}; "
                    f"use one name for the segment, or write isolated: true if no wire joins the two"
                )
    return told


def addresses_of_others(item: Holding, known: t.Sequence[tuple[int, int, str, str]]) -> list[str]:
    """The addresses in a slice that other hosts have on their own interfaces.

    :param known: as :func:`own_addresses` returns them
    """
    block = block_of(item.block)
    begin = bisect.bisect_left(known, (block.version, block.first, "", ""))
    end = bisect.bisect_left(known, (block.version, block.last + 1, "", ""))
    return [text for dummy, dummy2, text, host in known[begin:end] if host != item.host]


def own_addresses(known: t.Iterable[KnownHost]) -> list[tuple[int, int, str, str]]:
    """(version, number, address, host) of the interfaces of all hosts, sorted."""
    return sorted((version_of(text), inet.number(text), text, host.name) for host in known for text in host.addresses)
