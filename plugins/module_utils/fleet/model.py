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
