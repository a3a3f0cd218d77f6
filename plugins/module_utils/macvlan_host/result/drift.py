# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift: the differences between the record and the kernel."""

from __future__ import annotations

import typing as t

from ..compare.claims import AddressesInUse
from ..compare.differences import (
    competing_routes,
    missing_connected_routes,
    of_addresses,
    of_dummy,
    of_endpoint_link,
    of_loopback,
    of_routes,
    of_settings,
    of_subinterface,
    of_vrf,
    route_phrase,
)
from ..compare.ownership import find_link, is_still_ours
from ..model.endpoint import Endpoint
from ..model.host_view import HostView
from ..model.kernel import Space
from ..model.links import DummyParent, Link, SubInterface
from ..model.network import Network
from ..model.ref import Ref, shown_object
from ..model.resolver import resolver_content, shown_resolver
from ..model.route import Route
from ..values import names
from ..values.addresses import version_of, without_prefix
from ..values.plain import plain
from ..wire.kinds import table_of

UNTAGGED = "not tagged"


class Drift(t.NamedTuple):
    """One difference.

    :ivar field: the name of an option, ``link`` or ``netns``
    """

    ref: Ref
    field: str
    recorded: t.Any
    actual: t.Any

    @property
    def shown(self) -> dict[str, t.Any]:
        """The difference as results have it."""
        return {"object": self.ref.title, **self.shown_of_object}

    @property
    def shown_of_object(self) -> dict[str, t.Any]:
        """The same without the object, for a list beside the object."""
        return {"field": self.field, "recorded": plain(self.recorded), "actual": plain(self.actual)}


def drift_of(view: HostView, refs: t.Container[Ref] | None = None, right: t.Container[Ref] = ()) -> list[Drift]:
    """Every difference between the record and the kernel, in the order of the record.

    :param refs: only these objects, which must have been read; None for all
    :param right: endpoints that are known to have none
    """
    drift: list[Drift] = []
    for owned in view.links.values():
        if isinstance(owned, SubInterface) and (refs is None or owned.ref in refs):
            drift += _subinterface(view, owned)
    for network in view.networks.values():
        if refs is None or network.ref in refs:
            drift += _network(view, network)
    for endpoint in view.endpoints.values():
        if endpoint.ref not in right and (refs is None or shown_object(endpoint.ref) in refs):
            drift += _endpoint(view, endpoint) if endpoint.host_access is None else _host_access(view, endpoint)
    return drift


def _host_access(view: HostView, access: Endpoint) -> t.Iterator[Drift]:
    """What differs of the interface of the host, as what differs of its network."""
    for item in _endpoint(view, access):
        yield item._replace(ref=shown_object(access.ref), field=f"host_access.{item.field}")


def _subinterface(view: HostView, sub: SubInterface) -> t.Iterator[Drift]:
    link = view.host.links.get(sub.name) or view.host.tagged(names.tag(sub.id))
    if link is None:
        yield Drift(sub.ref, "link", "present", "absent")
        return
    if link.name != sub.name:
        yield Drift(sub.ref, "name", sub.name, link.name)
    for field, expected, actual in of_subinterface(sub, view.host, link):
        if field == "alias":
            yield Drift(sub.ref, "link", expected, actual or UNTAGGED)
        else:
            yield Drift(sub.ref, field, expected, actual)


def _network(view: HostView, network: Network) -> t.Iterator[Drift]:
    link = view.host.links.get(network.parent)
    owned = view.links.get(network.parent)
    if link is None:
        below = view.host.tagged(names.tag(owned.id)) if owned else _below_endpoints(view, network)
        yield Drift(network.ref, "parent", network.parent, below.name if below else None)
        return
    if isinstance(owned, DummyParent):
        for field, expected, actual in of_dummy(owned, link):
            yield Drift(network.ref, "parent", *_of_dummy_parent(network.parent, field, expected, actual))


def _of_dummy_parent(name: str, field: str, expected: t.Any, actual: t.Any) -> tuple[str, str]:
    """What differs of the dummy of a network, as what its parent is."""
    if field == "alias":
        return expected, actual or UNTAGGED
    return (f"{name} up", f"{name} down") if field == "up" else (f"{field} {expected}", f"{field} {actual}")


def _below_endpoints(view: HostView, network: Network) -> Link | None:
    """The parent of the endpoints of a network, under any name."""
    for endpoint in view.endpoints_of(network.name):
        space = view.space(endpoint.netns)
        link = find_link(space, endpoint, None) if space else None
        if link is not None:
            return view.host.by_index(link.lower)
    return None


def _endpoint(view: HostView, endpoint: Endpoint) -> t.Iterator[Drift]:
    ref, network = endpoint.ref, view.networks[endpoint.network]
    yield from _dns(view, endpoint)
    space = view.space(endpoint.netns)
    if space is None:
        is_other = endpoint.netns.path in view.kernel.no_namespaces
        yield Drift(ref, "netns", endpoint.netns.shown, "not a network namespace" if is_other else None)
        return
    yield from _namespace(view, endpoint, space)
    parent = view.host.links.get(network.parent)
    link = find_link(space, endpoint, parent)
    if link is None:
        elsewhere = find_link(space, endpoint, None)
        if elsewhere is not None:
            below = view.host.by_index(elsewhere.lower)
            yield Drift(ref, "parent", network.parent, below.name if below else None)
            return
        other = space.links.get(endpoint.ifname)
        yield Drift(ref, "link", "present", "absent" if other is None else f"a foreign {other.kind or 'link'}")
        return
    for field, expected, actual in of_endpoint_link(endpoint, network, parent, link, view.kernel.missing_link_options):
        yield _of_link(ref, field, expected, actual)
    yield from (Drift(ref, *item) for item in of_vrf(endpoint, space, link))
    yield from _addresses(endpoint, network, space, link)
    yield from _routes(endpoint, space, link)
    if link.name == endpoint.ifname:
        yield from _settings(endpoint, space, view.kernel.has_ipv6)


def _of_link(ref: Ref, field: str, expected: t.Any, actual: t.Any) -> Drift:
    """What differs of the link of an endpoint, in the words of its options."""
    if field == "alias":
        return Drift(ref, "link", expected, actual or UNTAGGED)
    return Drift(ref, "link", "up", "down") if field == "up" else Drift(ref, {"name": "ifname"}.get(field, field), expected, actual)


def _dns(view: HostView, endpoint: Endpoint) -> t.Iterator[Drift]:
    """What differs of the file of name servers of its namespace."""
    if endpoint.dns is None:
        return
    wanted = resolver_content(endpoint.dns, names.tag(names.netns_id(view.kernel.host, endpoint.netns.value)))
    content = view.resolver(endpoint.netns.value).content
    if content != wanted:
        expected, actual = shown_resolver(wanted), shown_resolver(content)
        yield Drift(endpoint.ref, "dns", expected, actual if actual != expected else f"{actual}, {UNTAGGED}")


def _namespace(view: HostView, endpoint: Endpoint, space: Space) -> t.Iterator[Drift]:
    """What differs of the namespace of an endpoint, when it is ours."""
    owned = view.owned_namespace(endpoint.netns)
    for field, expected, actual in of_loopback(owned, space) if owned is not None else ():
        if field == "alias":
            yield Drift(endpoint.ref, "netns", expected, actual or UNTAGGED)
        elif owned is not None and is_still_ours(view, endpoint.netns, space, owned):
            yield Drift(endpoint.ref, "netns", "lo up", "lo down")


def _addresses(endpoint: Endpoint, network: Network, space: Space, link: Link) -> t.Iterator[Drift]:
    """The missing addresses, each with the one that replaced it; other foreign addresses only if they must be removed."""
    differences = of_addresses(endpoint, network, space, link)
    on_link = space.addresses.get(link.index, ())
    further = {without_prefix(address) for address in endpoint.further}
    for version in (4, 6) if any(differences) else ():
        missing, surplus = differences.of(version)
        recorded, others = endpoint.first_address(version), {item for item in surplus if without_prefix(item) not in further}
        is_missing = recorded in missing
        # An address with a lifetime is not part of a difference.
        present = on_link if is_missing else {*others, *((recorded,) if recorded else ())}
        if is_missing or others:
            seen = sorted(item for item in present if version_of(item) == version and without_prefix(item) not in further)
            yield Drift(endpoint.ref, f"ipv{version}", recorded, seen[0] if len(seen) == 1 else seen or None)
        for address in missing:
            if address != recorded:
                instead = min((item for item in on_link if without_prefix(item) == without_prefix(address)), default=None)
                yield Drift(endpoint.ref, "addresses", address, instead)


def _routes(endpoint: Endpoint, space: Space, link: Link) -> t.Iterator[Drift]:
    for address, route in missing_connected_routes(endpoint, space, link):
        yield Drift(endpoint.ref, "routes", f"{route.to} of {address}", _actual_route(route, space, link))
    for route in of_routes(endpoint, space, link).missing:
        field = "routes" if route in endpoint.routes else "default_route"
        yield Drift(endpoint.ref, field, route_phrase(route), _actual_route(route, space, link))


def _actual_route(route: Route, space: Space, link: Link) -> str | None:
    """The routes that have the destination and metric of a missing one, as its actual value."""
    others = [route_phrase(item) for item in competing_routes(route, space, link)]
    others += [
        f"{route.to} dev {item.over}" if item.over else f"{item.kind} {route.to}"
        for item in space.other_routes
        if item.destination_and_metric == route.destination_and_metric and item.table == table_of(space, link)
    ]
    return min(others, default=None)


def _settings(endpoint: Endpoint, space: Space, has_ipv6: bool) -> t.Iterator[Drift]:
    for item in of_settings(endpoint, space, has_ipv6):
        key = names.sysctl_key(item.key, endpoint.ifname)
        yield Drift(endpoint.ref, "sysctls", f"{key}={item.new}", None if item.old is None else f"{key}={item.old}")


def conflicts_of(view: HostView, refs: t.Container[Ref]) -> t.Iterator[Drift]:
    """The endpoints whose addresses are in use elsewhere, as drift; a run cannot repair it."""
    taken = AddressesInUse(view.recorded, view.kernel)
    for endpoint in view.endpoints.values():
        if shown_object(endpoint.ref) in refs:
            for item in _conflicts(taken, endpoint):
                yield item if endpoint.host_access is None else item._replace(ref=shown_object(item.ref), field="host_access.address")


def _conflicts(taken: AddressesInUse, endpoint: Endpoint) -> t.Iterator[Drift]:
    for field, address in (("ipv4", endpoint.ipv4), ("ipv6", endpoint.ipv6), *(("addresses", item) for item in endpoint.further)):
        claim = taken.on(without_prefix(address)) if address else None
        if claim is not None:
            yield Drift(endpoint.ref, field, address, claim.also)
