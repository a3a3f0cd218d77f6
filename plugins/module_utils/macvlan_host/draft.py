# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan in the making: the record and the kernel as they will be, and the steps that lead there."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from . import leases as lease_book
from . import names, simulation
from .errors import PYROUTE2, MissingLibraryError, PlanError
from .leases import Leases
from .model import HOST, Endpoint, Kernel, Link, Netns, Network, OwnedLink, OwnedNetns, Record, Space
from .steps import Step


@dataclass(frozen=True)
class Plan:
    """What is to be done, and what will be recorded then.

    :ivar removal: nothing but removals, which are finished rather than turned back after an interruption
    """

    steps: tuple[Step, ...]
    before: Record
    after: Record
    warnings: tuple[str, ...]
    removal: bool
    kernel_after: dict[str, Space | None]

    @property
    def changed(self) -> bool:
        return bool(self.steps) or self.before != self.after


class Draft:
    """The working state of one plan; nothing of it is seen outside.

    ``networks``, ``links``, ``namespaces`` and ``endpoints`` are the record as it will be; change them through
    the ``put_`` and ``drop_`` methods, so that the leases follow.
    """

    def __init__(self, recorded: Record, kernel: Kernel) -> None:
        self.recorded = recorded
        self.kernel = kernel
        self.networks = dict(recorded.networks)
        self.links = dict(recorded.links)
        self.namespaces = dict(recorded.namespaces)
        self.endpoints = dict(recorded.endpoints)
        self.leases = Leases(recorded)
        self.steps: list[Step] = []
        self.warnings: list[str] = []
        self._spaces = simulation.own_copy(kernel.spaces)

    # What there is

    @property
    def host(self) -> Space:
        """The host's own namespace."""
        return t.cast(Space, self._spaces[HOST.path])

    def space(self, netns: Netns) -> Space | None:
        """A namespace; None when it does not exist, or was not read because nothing depends on it."""
        return self._spaces.get(netns.path)

    def same_place(self, one: Netns, other: Netns) -> bool:
        """Whether two references lead to the same namespace."""
        if one.path == other.path:
            return True
        found = self.kernel.identities.get(one.path)
        return found is not None and found == self.kernel.identities.get(other.path)

    def networks_on(self, parent: str) -> list[Network]:
        """The networks with this parent."""
        return [network for network in self.networks.values() if network.parent == parent]

    def endpoints_of(self, network: str) -> list[Endpoint]:
        return [endpoint for endpoint in self.endpoints.values() if endpoint.network == network]

    def endpoints_in(self, netns: Netns) -> list[Endpoint]:
        return [endpoint for endpoint in self.endpoints.values() if self.same_place(endpoint.netns, netns)]

    def uses_dummy(self, network: Network) -> bool:
        """Whether a network has no parent of its own but a dummy."""
        return network.parent == names.dummy_name(network.id)

    # What shall be

    def do(self, *steps: Step) -> None:
        """Add steps; what follows sees the kernel as they will leave it."""
        for step in steps:
            self.steps.append(step)
            simulation.follow(self._spaces, step)

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def put_network(self, network: Network) -> None:
        before = self.networks.get(network.name)
        if before is not None:
            self.leases.release(lease_book.reservations(before))
        self.networks[network.name] = network
        self.leases.take(lease_book.reservations(network))

    def drop_network(self, name: str) -> None:
        self.leases.release(lease_book.reservations(self.networks.pop(name)))

    def put_endpoint(self, endpoint: Endpoint) -> None:
        self.drop_endpoint(endpoint.key)
        self.endpoints[endpoint.key] = endpoint
        self.leases.take(lease_book.held_by(endpoint, self.networks[endpoint.network]))

    def drop_endpoint(self, key: tuple[str, str]) -> None:
        """Forget an endpoint, if it is known, and free its addresses."""
        before = self.endpoints.get(key)
        if before is not None:
            self.leases.release(lease_book.held_by(before, self.networks[before.network]))
            del self.endpoints[key]

    def put_link(self, link: OwnedLink) -> None:
        self.links[link.name] = link

    def put_namespace(self, namespace: OwnedNetns) -> None:
        self.namespaces[namespace.name] = namespace

    def finish(self, removal: bool) -> Plan:
        """The plan, once all requests are worked in."""
        after = Record(self.networks, self.links, self.namespaces, self.endpoints)
        return Plan(tuple(self.steps), self.recorded, after, tuple(self.warnings), removal, dict(self._spaces))


def require_kind(draft: Draft, kind: str, what: str) -> None:
    """Refuse what needs links of a kind that this kernel cannot make.

    :raises PlanError: naming the kernel module
    :raises MissingLibraryError: the library that makes them is not there
    """
    if kind != "macvlan" and not draft.kernel.has_pyroute2:
        raise MissingLibraryError(PYROUTE2)
    if kind in draft.kernel.missing_kinds:
        module = {"vlan": "8021q"}.get(kind, kind)
        raise PlanError(f"cannot {what}: this kernel has no {kind} links; it lacks the module {module}")


def is_ours(link: Link | None, identifier: str, kind: str) -> bool:
    """Whether a link carries the tag of an object and is of its kind."""
    return link is not None and link.kind == kind and link.alias == names.tag(identifier)
