# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probing: what is asked of the neighbours of a parent, and what they answer."""

from __future__ import annotations

import typing as t

from ..values import names
from .ref import Ref

if t.TYPE_CHECKING:
    from .endpoint import Endpoint
    from .network import Network

PROBES = ("fast", "careful", "none")
DEFAULT_PROBE = "fast"


class Pace(t.NamedTuple):
    """How often each address is asked for.

    :ivar pause: the seconds after the last question of a round in which answers are awaited
    """

    rounds: int
    pause: float


PACES = {"fast": Pace(2, 0.1), "careful": Pace(3, 0.2)}


def probe_of(network: Network, default: str | None = None) -> str:
    """How neighbours are asked about addresses of a network, one of PROBES.

    :param default: for networks that do not say it, where there are neighbours to ask; None for the usual way
    """
    if network.probe is not None:
        return network.probe
    has_neighbours = network.ipam != "none" and network.parent != names.dummy_name(network.id)
    return default or DEFAULT_PROBE if has_neighbours else "none"


def probe_of_endpoint(endpoint: Endpoint, network: Network, default: str | None = None) -> str:
    """The same for an address of an endpoint."""
    return endpoint.own_probe or probe_of(network, default)


class Question(t.NamedTuple):
    """An address that an endpoint is to have.

    :ivar address: without prefix length
    :ivar ref: the endpoint
    :ivar mac: the MAC address that it will have
    :ivar is_chosen: the collection has chosen the address, so that it can choose another one
    """

    address: str
    ref: Ref
    mac: str
    is_chosen: bool


class Segment(t.NamedTuple):
    """A parent whose neighbours are asked.

    :ivar host: the identity of the host that asks
    :ivar by_parent: the parent itself asks, because no other macvlan link can be on it
    :ivar questions: what is asked
    :ivar gateways: IPv4 addresses of routers there, whose answers show whether frames of other links than the parent pass
    :ivar blocks: the subnets from which addresses are chosen there
    :ivar held: addresses that an endpoint of this host has until now, on another parent, which may be on the same wire
    :ivar own_macs: the MAC addresses of this host, any of which may answer for these (arp_ignore of ip-sysctl(7))
    """

    parent: str
    host: str
    by_parent: bool
    questions: tuple[Question, ...]
    gateways: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    held: frozenset[str] = frozenset()
    own_macs: frozenset[str] = frozenset()


class Heard(t.NamedTuple):
    """What was heard about an address.

    :ivar parent: the parent whose neighbours say so
    :ivar mac: of the link that has the address, or wants it
    :ivar is_probe: it wants the address; otherwise it has it
    :ivar came_in: the frame came from the wire, not from another link on the same parent
    :ivar to: the destination of the frame
    """

    parent: str
    address: str
    mac: str
    is_probe: bool
    came_in: bool
    to: str


GROUP = 0x01  # the bit in the first byte of the MAC address of a group, or of all (IEEE 802, 8.2.2)


def is_group(mac: str) -> bool:
    """Whether a destination is a group, or all."""
    return bool(int(mac[:2], 16) & GROUP)


class Conflict(t.NamedTuple):
    """An address that another link has, or wants first.

    :ivar mac: of that link
    """

    question: Question
    parent: str
    mac: str
