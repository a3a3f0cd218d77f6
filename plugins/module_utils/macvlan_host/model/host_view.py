# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record and the kernel's state of a host, with indexes from one object to another."""

from __future__ import annotations

import functools
import typing as t

from ..values import names
from .endpoint import Endpoint
from .kernel import Kernel, Space
from .links import OwnedLink, SubInterface
from .netns import HOST, Netns, OwnedNetns
from .network import Network
from .record import Record
from .resolver import ResolverFile
from .spaces import Spaces

# The identity of a namespace: (device, inode), or its path if it does not exist yet.
NetnsKey = t.Union[tuple[int, int], str]
Key = tuple[str, str]


class HostView:
    """Record and kernel of one moment, with indexes; ``networks``, ``links``, ``namespaces`` and ``endpoints`` are the record."""

    def __init__(self, recorded: Record, kernel: Kernel) -> None:
        self.recorded = recorded
        self.kernel = kernel
        self.networks = dict(recorded.networks)
        self.links: dict[str, OwnedLink] = {}
        self.namespaces: dict[str, OwnedNetns] = {}
        self.endpoints = dict(recorded.endpoints)
        self._spaces = Spaces(kernel.spaces, kernel.identities, kernel.resolvers)
        self._networks_on: dict[str, dict[str, Network]] = {}
        self._endpoints_of: dict[str, dict[Key, Endpoint]] = {}
        self._endpoints_in: dict[NetnsKey, dict[Key, Endpoint]] = {}
        self._holders_of: dict[tuple[str, str], dict[Key, Endpoint]] = {}
        self._tagged: dict[str, dict[Key, Endpoint]] = {}
        self._subinterfaces_on: dict[str, dict[str, SubInterface]] = {}
        self._owned_at: dict[NetnsKey, OwnedNetns] = {}
        for link in recorded.links.values():
            self._note_link(link)
        for namespace in recorded.namespaces.values():
            self._note_namespace(namespace)
        for network in self.networks.values():
            self._networks_on.setdefault(network.parent, {})[network.name] = network
        for endpoint in self.endpoints.values():
            self._note_endpoint(endpoint)

    @property
    def host(self) -> Space:
        """The host's own namespace."""
        return self._spaces.get(HOST.path) or Space()  # it is always read

    @functools.cached_property
    def known_addresses(self) -> frozenset[str]:
        """The MAC addresses of the host's links and of ours, as they are and as they are recorded."""
        here = self.kernel.spaces[HOST.path]
        macs = {link.mac for link in here.links.values()} if here else set()
        spaces = (space for space in self.kernel.spaces.values() if space is not None)
        macs |= {link.mac for space in spaces for link in space.links.values() if link.ours}
        return frozenset(macs | {endpoint.mac for endpoint in self.recorded.endpoints.values()})

    @property
    def spaces(self) -> t.Mapping[str, Space | None]:
        """The namespaces that were read, as the steps will leave them."""
        return self._spaces.plain()

    def space(self, netns: Netns) -> Space | None:
        """A namespace; None when it does not exist, or was not read because nothing depends on it."""
        return self._spaces.get(netns.path)

    def is_as_read(self, netns: Netns) -> bool:
        """Whether no step changes a namespace; one that was read under two paths may count as changed."""
        return self._spaces.get(netns.path) is self.kernel.spaces.get(netns.path)

    def resolver(self, name: str) -> ResolverFile:
        """The file of name servers of a named namespace."""
        return self._spaces.resolvers.get(name) or ResolverFile()

    def is_same_netns(self, one: Netns, other: Netns) -> bool:
        """Whether two references lead to the same namespace."""
        return one.path == other.path or self._netns_key(one) == self._netns_key(other)

    def _netns_key(self, netns: Netns) -> NetnsKey:
        return self.kernel.identities.get(netns.path, netns.path)

    def networks_on(self, parent: str) -> list[Network]:
        """The networks with this parent."""
        return list(self._networks_on.get(parent, {}).values())

    def endpoints_of(self, network: str) -> list[Endpoint]:
        return list(self._endpoints_of.get(network, {}).values())

    def endpoints_in(self, netns: Netns) -> list[Endpoint]:
        return list(self._endpoints_in.get(self._netns_key(netns), {}).values())

    def holders_of(self, parent: str, mac: str) -> list[Endpoint]:
        """The endpoints of a parent that have a MAC address: one at most, while nothing is wrong."""
        return list(self._holders_of.get((parent, mac), {}).values())

    def endpoint_of(self, tag: str) -> Endpoint | None:
        """The endpoint whose link carries a tag."""
        return next(iter(self._tagged.get(tag, {}).values()), None)

    def owned_namespace(self, netns: Netns) -> OwnedNetns | None:
        """The namespace of ours that a reference leads to, whether by its name or not."""
        return self._owned_at.get(self._netns_key(netns))

    def subinterfaces_on(self, base: str) -> list[SubInterface]:
        """The sub-interfaces of ours on a link."""
        return list(self._subinterfaces_on.get(base, {}).values())

    def networks_above(self, link: str) -> set[str]:
        """The names of the networks on a link, and on the sub-interfaces of ours on it."""
        known: set[str] = set()
        carriers = [link]
        while carriers:
            carrier = carriers.pop()
            known.add(carrier)
            carriers += [sub.name for sub in self.subinterfaces_on(carrier) if sub.name not in known]
        return {network.name for carrier in known for network in self.networks_on(carrier)}

    def uses_dummy(self, network: Network) -> bool:
        """Whether a network has no parent of its own but a dummy."""
        return network.parent == names.dummy_name(network.id)

    def _note_endpoint(self, endpoint: Endpoint) -> None:
        for index in self._indexes(endpoint):
            index[endpoint.key] = endpoint

    def _indexes(self, endpoint: Endpoint) -> tuple[dict[Key, Endpoint], ...]:
        parent = self.networks[endpoint.network].parent
        return (
            self._endpoints_of.setdefault(endpoint.network, {}),
            self._endpoints_in.setdefault(self._netns_key(endpoint.netns), {}),
            self._holders_of.setdefault((parent, endpoint.mac), {}),
            self._tagged.setdefault(names.tag(endpoint.id), {}),
        )

    def _note_link(self, link: OwnedLink) -> None:
        self.links[link.name] = link
        if isinstance(link, SubInterface):
            self._subinterfaces_on.setdefault(link.parent, {})[link.name] = link

    def _note_namespace(self, namespace: OwnedNetns) -> None:
        self.namespaces[namespace.name] = namespace
        self._owned_at[self._netns_key(Netns("name", namespace.name))] = namespace
