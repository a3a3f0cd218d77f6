# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of the state database of a host."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .endpoint import Endpoint
from .host_identity import HostIdentity
from .links import OwnedLink
from .netns import Netns, OwnedNetns
from .network import Network


class Lease(t.NamedTuple):
    """An address that no other endpoint may get.

    :ivar pool: :attr:`Subnet.pool`
    :ivar holder: who holds it, for messages: ``endpoint net/name``, ``gateway``, ``aux address a of network n``
    """

    pool: str
    address: str
    holder: str


@dataclass(frozen=True)
class Record:
    """Everything that the state database holds about this host.

    :ivar identity: None until the first change is recorded; to know it better is no change of what is recorded
    """

    networks: dict[str, Network] = field(default_factory=dict)
    links: dict[str, OwnedLink] = field(default_factory=dict)
    namespaces: dict[str, OwnedNetns] = field(default_factory=dict)
    endpoints: dict[tuple[str, str], Endpoint] = field(default_factory=dict)
    identity: HostIdentity | None = field(default=None, compare=False)


def all_namespaces(recorded: Record) -> frozenset[Netns]:
    """The namespaces of all recorded endpoints, and those that are ours."""
    endpoints = (endpoint.netns for endpoint in recorded.endpoints.values())
    return frozenset((*endpoints, *(Netns("name", name) for name in recorded.namespaces)))


def has_same_row(one: t.Any, other: t.Any) -> bool:
    """Whether two objects are equal, and known to be on the same link, which alone is no change of an object."""
    return one == other and getattr(one, "parent_link", None) == getattr(other, "parent_link", None)


def whole(record: Record) -> Record:
    """The record, if every object is under its own key, and the network of every endpoint is recorded.

    :raises ValueError: it is not so
    """
    for objects in (record.networks, record.links, record.namespaces, record.endpoints):
        for key, item in objects.items():
            if key != (item.key if isinstance(item, Endpoint) else item.name):
                raise ValueError(f"there is a row {key!a:.80} for something else")
    for endpoint in record.endpoints.values():
        if endpoint.network not in record.networks:
            raise ValueError(f"{endpoint.title} has no network")
    return record
