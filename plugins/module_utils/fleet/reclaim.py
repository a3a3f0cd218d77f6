# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken back from hosts that are gone.

A host is gone when it was said to be so twice, with a time of grace in between, and when nothing on the wire has an address of its slices.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Change, Holding, KnownHost, Segment, Snapshot
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.slices import kept_out
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import Block, block_of

# Of hosts and of answers, in one message.
SHOWN = 5


class Answer(t.NamedTuple):
    """An address that something on the wire has.

    :ivar address: canonical, without prefix length
    """

    address: str
    mac: str


class Wanted(t.NamedTuple):
    """What a task is to take back, and from whom.

    :ivar hosts: inventory names
    :ivar grace: seconds
    :ivar quarantine: seconds
    :ivar probed: (segment, block) → what has answered there; None if nobody was asked, so that hosts are only noted
    """

    hosts: tuple[str, ...]
    grace: int
    quarantine: int
    probed: t.Mapping[tuple[str, str], tuple[Answer, ...]] | None


class Reclaim(t.NamedTuple):
    """What is to be done about hosts that are gone.

    :ivar noted: hosts that were not known to be gone
    :ivar waiting: hosts whose grace is not over
    :ivar due: the slices of hosts whose grace is over
    :ivar released: what becomes of them, if they were probed
    :ivar forgotten: hosts whose own addresses are given out again
    """

    noted: tuple[KnownHost, ...]
    waiting: tuple[KnownHost, ...]
    due: tuple[Holding, ...]
    released: tuple[Holding, ...]
    forgotten: tuple[KnownHost, ...]
    change: Change
    conflicts: tuple[str, ...]


def reclaim(segments: t.Sequence[Segment], snapshot: Snapshot, wanted: Wanted, now: int) -> Reclaim:
    """Decide what is taken back: all slices of a host, or none of them.

    :param segments: whose gateways and exclusions no host has
    :param now: the second of the epoch
    """
    known = {host.name: host for host in snapshot.known}
    owned: dict[str, list[Holding]] = {}
    for item in sorted(snapshot.holdings, key=_by_address):
        owned.setdefault(item.host, []).append(item)
    unknown = tuple(f"the store knows no host {name[:80]!r}; {_names(known)}" for name in sorted({*wanted.hosts} - {*known} - {*owned}))
    # What is left of a commit that was cut off may have slices, and be no host yet, or have addresses, and no slices any more.
    held = {*owned, *(host.name for host in snapshot.known if host.addresses)}
    hosts = [known.get(name, KnownHost(name)) for name in sorted({*wanted.hosts} & held)]
    noted = tuple(host._replace(gone=now) for host in hosts if not host.gone)
    waiting = tuple(host for host in hosts if host.gone and now < host.gone + wanted.grace)
    over = [host for host in hosts if host.gone and now >= host.gone + wanted.grace]
    left_over = [item for host in over for item in owned.get(host.name, ()) if _is_of_former_subnet(segments, item)]
    due = tuple(item for host in over for item in owned.get(host.name, ()) if item not in left_over)
    if wanted.probed is None or unknown:
        return Reclaim(noted, waiting, due, (), (), Change(know=noted), unknown)
    answering = _Answering(segments, snapshot.known, wanted.probed)
    conflicts = tuple(problem for host in over for problem in answering.problems(host.name, [item for item in due if item.host == host.name]))
    released = tuple(_released(item, now + wanted.quarantine) for item in (*due, *left_over))
    silent = [block_of(block) for dummy, block in wanted.probed]
    forgotten = tuple(host for host in over if _heard_of(host, silent) != host.addresses)
    change = Change(put=released, know=(*noted, *(host._replace(addresses=_heard_of(host, silent)) for host in forgotten)))
    return Reclaim(noted, waiting, due, released, forgotten, change, conflicts)


def _is_of_former_subnet(segments: t.Sequence[Segment], item: Holding) -> bool:
    """Whether a slice is of a subnet that its segment no longer has: no host gives out its addresses, and none can ask about them."""
    block = block_of(item.block)
    of_segment = [one for segment in segments if segment.name == item.segment for one in segment.subnets]
    return bool(of_segment) and not any(block_of(one.subnet.subnet).covers(block) for one in of_segment)


def _heard_of(host: KnownHost, silent: t.Sequence[Block]) -> tuple[str, ...]:
    """The own addresses of a host about which nobody was asked: something may have them still."""
    return tuple(address for address in host.addresses if not any(address in block for block in silent))


def _by_address(item: Holding) -> tuple[str, int, int]:
    block = block_of(item.block)
    return item.segment, block.version, block.first


def _released(item: Holding, quarantine: int) -> Holding:
    return item._replace(host="", generation=item.generation + 1, former=item.host, quarantine=quarantine)


def _names(known: t.Iterable[str]) -> str:
    names = sorted(known)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"it knows {', '.join(names[:SHOWN])}{more}" if names else "it knows none"


class _Answering:
    """What speaks against it that a host is gone."""

    def __init__(
        self, segments: t.Sequence[Segment], known: t.Iterable[KnownHost], probed: t.Mapping[tuple[str, str], tuple[Answer, ...]]
    ) -> None:
        self._probed = probed
        self._own = {(address, host.name) for host in known for address in host.addresses}
        self._others = {address for address, dummy in self._own}
        self._kept = [(segment.name, block_of(item.subnet.subnet), kept_out(item)) for segment in segments for item in segment.subnets]

    def problems(self, host: str, slices: t.Sequence[Holding]) -> list[str]:
        """Why a host must keep its slices, a sentence each."""
        silent = [f"{item.block} of segment {item.segment}" for item in slices if item[:2] not in self._probed]
        if silent:
            more = f" and {len(silent) - SHOWN} more" if len(silent) > SHOWN else ""
            shown = f"{', '.join(silent[:SHOWN])}{more}"
            return [f"{host} keeps its slices, because nobody has probed {shown}; probe all of them from another host of the segment"]
        heard = [(answer, item) for item in slices for answer in self._probed[item[:2]] if not self._is_of_others(answer.address, host, item)]
        if not heard:
            return []
        shown = ", ".join(f"{answer.mac} has {answer.address} of {item.block} in segment {item.segment}" for answer, item in heard[:SHOWN])
        more = f", and {len(heard) - SHOWN} more" if len(heard) > SHOWN else ""
        return [f"{host} is not gone and keeps its slices, because something on the wire answers: {shown}{more}; find it, or leave {host} out of the task"]

    def _is_of_others(self, address: str, host: str, item: Holding) -> bool:
        """Whether an address in a slice is one that no endpoint of the host can have: a gateway, or that of another host itself."""
        if address in self._others and (address, host) not in self._own:
            return True
        block, number = block_of(address), inet.number(address)
        return any(name == item.segment and whole.covers(block) and number in kept for name, whole, kept in self._kept)
