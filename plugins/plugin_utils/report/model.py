# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report about a fleet as data: what is in it, and nothing about how it looks."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

# What an address is. Of several, the last one counts.
RESERVED, GATEWAY, LEASED, FOREIGN, DRIFT, DUPLICATE = "reserved", "gateway", "leased", "foreign", "drift", "duplicate"
# What a host is: it was read, its task failed, or nothing connected to it.
READ, FAILED, UNREACHABLE = "read", "failed", "unreachable"
# What an endpoint is: as it is recorded, different, or not there.
OK, MISSING = "ok", "missing"

Fields = t.Mapping[str, t.Any]
# Title of an object, as drift has it → its fields.
Objects = t.Mapping[str, Fields]


class Endpoint(t.NamedTuple):
    """An endpoint, as the tree shows it.

    :ivar netns: None for the host's own namespace
    :ivar addresses: with prefix length
    :ivar foreign: addresses that other programs have added to its link
    """

    name: str
    ifname: str
    netns: str | None
    mac: str
    addresses: tuple[str, ...]
    foreign: tuple[str, ...]
    state: str


@dataclass(frozen=True)
class Network:
    """A network with its endpoints.

    :ivar properties: driver, mode and the like, as phrases
    :ivar subnets: a phrase for each, with its gateway
    :ivar access: the interface of the host with its addresses, empty without one
    """

    name: str
    properties: tuple[str, ...]
    subnets: tuple[str, ...]
    access: str
    state: str
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True)
class Link:
    """A link of a host, with what is on it.

    :ivar kind: a phrase, such as ``VLAN 50``; empty for a link that is not of the collection
    """

    name: str
    kind: str
    state: str
    links: tuple[Link, ...]
    networks: tuple[Network, ...]


class Difference(t.NamedTuple):
    """Drift of one field of one object.

    :ivar repairable: whether a run repairs it; it does not where another link has an address of an endpoint
    """

    object: str
    field: str
    recorded: t.Any
    actual: t.Any
    repairable: bool


@dataclass(frozen=True)
class Host:
    """A host.

    :ivar message: why it was not read
    :ivar as_of: when its objects were read; empty for never
    :ivar repair: the command that repairs its drift; empty without drift that a run can repair
    """

    name: str
    state: str
    message: str
    as_of: str
    links: tuple[Link, ...]
    objects: Objects
    drift: tuple[Difference, ...]
    repair: str
    warnings: tuple[str, ...]


class Holder(t.NamedTuple):
    """Who has an address or a MAC address.

    :ivar what: ``lan/web`` for an endpoint, else a phrase
    """

    host: str
    what: str


class MapAddress(t.NamedTuple):
    """An address of a map that is not free."""

    number: int
    address: str
    state: str
    holders: tuple[Holder, ...]


class Run(t.NamedTuple):
    """Addresses one after the other that are never given out.

    :ivar why: a phrase
    """

    first: int
    last: int
    why: str


class Band(t.NamedTuple):
    """A part of a subnet, all of which the same hosts give addresses out of.

    :ivar block: in CIDR form, or as FIRST-LAST
    :ivar owners: hosts; empty for a part that no host gives out
    """

    first: int
    last: int
    block: str
    owners: tuple[str, ...]
    leased: int
    foreign: int
    reserved: int
    free: int


@dataclass(frozen=True)
class SubnetMap:
    """A subnet, and what its addresses are."""

    subnet: str
    version: int
    first: int
    last: int
    bands: tuple[Band, ...]
    addresses: tuple[MapAddress, ...]
    reserved: tuple[Run, ...]

    @property
    def free(self) -> int:
        return sum(band.free for band in self.bands)


@dataclass(frozen=True)
class Wire:
    """What hosts share: a segment, or where none is declared the same subnets, which are taken for one wire.

    :ivar declared: whether it is a segment
    :ivar hosts: those that have a network on it, or a part in the segment
    """

    name: str
    declared: bool
    hosts: tuple[str, ...]
    maps: tuple[SubnetMap, ...]


class Duplicate(t.NamedTuple):
    """An address or MAC address that several hosts have on one wire.

    :ivar kind: ``address`` or ``mac``
    """

    wire: str
    kind: str
    value: str
    holders: tuple[Holder, ...]


class Change(t.NamedTuple):
    """What is different from the last report.

    :ivar host: empty for what is about several hosts
    :ivar what: ``new``, ``gone`` or ``changed``
    """

    host: str
    what: str
    subject: str
    before: str
    after: str


@dataclass(frozen=True)
class Report:
    """All of it.

    :ivar generated: when it was made, as the caller writes time
    :ivar since: the same of the report that changes are counted from; empty without one
    """

    generated: str
    since: str
    hosts: tuple[Host, ...]
    wires: tuple[Wire, ...]
    duplicates: tuple[Duplicate, ...]
    changes: tuple[Change, ...]
    counts: t.Mapping[str, int]
