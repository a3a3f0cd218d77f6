# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Segments, their slices, and the hosts of a fleet, as the plan sees them."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Subnet


class SegmentSubnet(t.NamedTuple):
    """One subnet of a segment.

    :ivar subnet: with its gateway and what is never given out
    :ivar slice_length: the prefix length of a slice
    """

    subnet: Subnet
    slice_length: int


class Segment(t.NamedTuple):
    """What one wire carries: an Ethernet broadcast domain, and the addresses that hosts on it share.

    :ivar isolated: whether its subnets may be those of another segment too, because no wire joins the two
    """

    name: str
    subnets: tuple[SegmentSubnet, ...]
    isolated: bool = False


class Slice(t.NamedTuple):
    """A block of a subnet that one host gives addresses out of.

    :ivar block: a network (CIDR), canonical
    """

    segment: str
    subnet: str
    block: str


class HostOfFleet(t.NamedTuple):
    """A host, and what it is to have.

    :ivar name: its inventory name
    :ivar places: segment → the places of its slices; the segment ``""`` for all that are not named
    :ivar addresses: of its own interfaces, canonical, without prefix length
    :ivar networks: as the option ``networks`` of the module macvlan_config
    :ivar endpoints: as the option ``endpoints`` of the module macvlan_config
    """

    name: str
    places: t.Mapping[str, tuple[int, ...]]
    addresses: tuple[str, ...] = ()
    networks: tuple[t.Mapping[str, t.Any], ...] = ()
    endpoints: tuple[t.Mapping[str, t.Any], ...] = ()


# --- what a store has -------------------------------------------------------------------------------------------------


class Holding(t.NamedTuple):
    """A slice as a store has it.

    :ivar block: a network (CIDR), canonical
    :ivar host: the inventory name of its owner; empty when it was taken back
    :ivar generation: counts its owners, so that a former one can tell that it has lost the slice
    :ivar former: the owner before it was taken back; it stays when another host gets the slice, so that the former one can be told
    :ivar quarantine: the second (of the epoch) until which nobody but the former owner gets it
    """

    segment: str
    block: str
    host: str
    generation: int = 1
    former: str = ""
    quarantine: int = 0


class KnownHost(t.NamedTuple):
    """A host as a store knows it.

    :ivar uuid: of the record on the host; empty until a task has told it
    :ivar machine: a digest of its machine-id, a hint only; empty if unknown
    :ivar addresses: of its own interfaces, canonical, without prefix length, sorted
    :ivar gone: the second (of the epoch) in which it was first said to be gone; 0 as long as it is there
    """

    name: str
    uuid: str = ""
    machine: str = ""
    addresses: tuple[str, ...] = ()
    gone: int = 0


class Snapshot(t.NamedTuple):
    """All that a store has, at one moment.

    :ivar revision: what a commit compares; None of a store that is empty
    """

    holdings: tuple[Holding, ...] = ()
    known: tuple[KnownHost, ...] = ()
    revision: t.Any = None


class Change(t.NamedTuple):
    """What is to be written into a store, all of it or nothing.

    :ivar put: holdings that are new or that have changed
    :ivar drop: holdings that are no longer there, by segment and block
    :ivar know: hosts that are new or that have changed
    :ivar forget: names of hosts that have another name now
    """

    put: tuple[Holding, ...] = ()
    drop: tuple[Holding, ...] = ()
    know: tuple[KnownHost, ...] = ()
    forget: tuple[str, ...] = ()


# --- what is asked for ------------------------------------------------------------------------------------------------


class Wish(t.NamedTuple):
    """What a host is to have.

    :ivar name: its inventory name
    :ivar segments: segment → how many addresses its slices must have together; None for one in each segment
    :ivar places: as those of :class:`HostOfFleet`; slices that it is to have and no others in their stead
    :ivar addresses: as those of :class:`KnownHost`; None if they are not said
    :ivar uuid: of the record on the host; empty if it is not said
    :ivar machine: a digest of its machine-id; empty if it is not said
    :ivar replaced: whether another machine takes over the slices of the one that had the name
    :ivar renamed_from: the name that it had; empty if it had none
    """

    name: str
    segments: t.Mapping[str, int] | None = None
    places: t.Mapping[str, tuple[int, ...]] = {}
    addresses: tuple[str, ...] | None = None
    uuid: str = ""
    machine: str = ""
    replaced: bool = False
    renamed_from: str = ""
