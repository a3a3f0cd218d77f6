# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the kernel's state that one request needs; each planner declares it beside the code that uses it."""

from __future__ import annotations

import typing as t

from ..compare.wanted_settings import setting_keys
from ..model.endpoint import Endpoint
from ..model.links import SubInterface
from ..model.netns import Netns
from ..model.record import Record
from ..values import names


class ObjectNeeds(t.NamedTuple):
    """The part of the kernel's state that a request needs, beside the links of the host.

    :ivar settings: namespaces that are read in full, with the keys of the sysctls to read
    :ivar links: namespaces of which only the links and these sysctls are read, because something is removed from there
    :ivar processes: namespaces whose processes matter, because they may lose their last endpoint
    :ivar new_settings: the defaults of the sysctls that a task asks for, to learn whether there are such
    :ivar kinds: the kinds of link that it may create
    :ivar vlans: the VLAN links among those
    :ivar parents: the links below those that it may create
    :ivar newcomers: whether it may create links that the kernel refuses beside others in any namespace
    :ivar host_routes: whether the routes of the host matter
    :ivar next_hops: whether its next hops matter
    :ivar resolvers: the named namespaces that may get or lose name servers
    :ivar filters: whether it may delete a link of the host, which other programs may use
    """

    settings: t.Sequence[tuple[Netns, frozenset[str]]] = ()
    links: t.Sequence[tuple[Netns, frozenset[str]]] = ()
    processes: t.Collection[Netns] = ()
    new_settings: t.Collection[tuple[Netns, str]] = ()
    kinds: t.Collection[str] = ()
    vlans: t.Collection[str] = ()
    parents: t.Collection[str] = ()
    newcomers: bool = False
    host_routes: bool = False
    next_hops: bool = False
    filters: bool = False
    resolvers: t.Collection[str] = ()


class Recorded:
    """A record, with indexes of the endpoints that a request may change."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._of_network: dict[str, list[Endpoint]] = {}
        self._of_parent: dict[str, list[Endpoint]] = {}
        for endpoint in record.endpoints.values():
            self._of_network.setdefault(endpoint.network, []).append(endpoint)
            parent = record.networks[endpoint.network].parent
            self._of_parent.setdefault(parent, []).append(endpoint)

    def of_network(self, name: str) -> list[Endpoint]:
        """The endpoints of a network."""
        return self._of_network.get(name, [])

    def on(self, parent: str) -> list[Endpoint]:
        """The endpoints on a link."""
        return self._of_parent.get(parent, [])

    def above(self, link: str) -> list[Endpoint]:
        """The endpoints on a link and on the sub-interfaces on it."""
        uppers = [item.name for item in self.record.links.values() if isinstance(item, SubInterface) and item.parent == link]
        return [*self.on(link), *(endpoint for upper in uppers if upper != link for endpoint in self.above(upper))]

    def vlans_among(self, links: t.Iterable[str]) -> list[str]:
        """The links that are VLANs by the record, or by their names."""
        return [
            name for name in links if names.split_subinterface(name) or isinstance(self.record.links.get(name), SubInterface)
        ]

    def and_bases(self, links: t.Iterable[str]) -> set[str]:
        """Links and, as far as they are recorded, the links below them."""
        all_links = set(links)
        owned = (self.record.links.get(name) for name in all_links)
        return all_links | {name for item in owned if isinstance(item, SubInterface) for name in names.and_below(item.parent)}


def of_removed(endpoints: t.Sequence[Endpoint], filters: bool) -> ObjectNeeds:
    """The part of the kernel's state that the removal of endpoints needs.

    :param filters: whether links of the host may be deleted with them
    """
    return ObjectNeeds(
        links=settings_of(endpoints),
        processes={endpoint.netns for endpoint in endpoints},
        host_routes=any_on_host(endpoints),
        filters=filters,
        resolvers={endpoint.netns.value for endpoint in endpoints if endpoint.netns.kind == "name"},
    )


def settings_of(endpoints: t.Iterable[Endpoint]) -> list[tuple[Netns, frozenset[str]]]:
    """The namespaces of endpoints, with the sysctls that matter for each of them."""
    return [(endpoint.netns, setting_keys(endpoint)) for endpoint in endpoints]


def any_on_host(endpoints: t.Iterable[Endpoint]) -> bool:
    """Whether some are in the host's own namespace, where the host's routes matter for their default routes."""
    return any(not endpoint.netns.path for endpoint in endpoints)
