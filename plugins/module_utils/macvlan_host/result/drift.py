# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift: how what is recorded and what the kernel shows differ."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..compare.claims import Taken
from ..compare.link import connected_routes, intruders, route_phrase
from ..compare.ownership import find_link, is_made_here, is_ours
from ..compare.settings import settings
from ..model.endpoint import Endpoint
from ..model.host_view import HostView
from ..model.kernel import Space
from ..model.links import DUMMY_MTU, DummyParent, Link, SubInterface
from ..model.network import Network
from ..model.ref import Ref
from ..model.route import Route
from ..values import names
from ..values.addresses import version_of, without_prefix
from ..values.plain import plain
from ..wire.kinds import kind_of, vrf_of


@dataclass(frozen=True)
class Drift:
    """One difference.

    :ivar field: the name of an option, ``link`` or ``netns``
    """

    ref: Ref
    field: str
    recorded: t.Any
    actual: t.Any

    @property
    def shown(self) -> dict[str, t.Any]:
        """What results say."""
        return {"object": self.ref.title, **self.shown_of_object}

    @property
    def shown_of_object(self) -> dict[str, t.Any]:
        """The same, where it stands beside its object."""
        return {"field": self.field, "recorded": plain(self.recorded), "actual": plain(self.actual)}


def drift_of(view: HostView, refs: t.Container[Ref] | None = None) -> list[Drift]:
    """Every difference between the record and the kernel, in the order of the record.

    :param refs: only these objects, which must have been read; None for all
    """
    found: list[Drift] = []
    for owned in view.links.values():
        if isinstance(owned, SubInterface) and (refs is None or owned.ref in refs):
            found += _subinterface(view, owned)
    for network in view.networks.values():
        if refs is None or network.ref in refs:
            found += _network(view, network)
    for endpoint in view.endpoints.values():
        if refs is None or endpoint.ref in refs:
            found += _endpoint(view, endpoint)
    return found


def _subinterface(view: HostView, sub: SubInterface) -> t.Iterator[Drift]:
    base = view.host.links.get(sub.parent)
    link = view.host.links.get(sub.name) or view.host.tagged(names.tag(sub.id))
    if link is None:
        yield Drift(sub.ref, "link", "present", "absent")
        return
    if link.name != sub.name:
        yield Drift(sub.ref, "name", sub.name, link.name)
    if not is_ours(link, sub.id, sub.kind):
        yield Drift(sub.ref, "link", names.tag(sub.id), link.alias or "not tagged")
    lower = view.host.by_index(link.lower)
    actual = {"parent": lower.name if lower else None, "mtu": link.mtu, "mac": link.mac, "up": link.up}
    wanted = {
        "parent": sub.parent,
        "mtu": sub.mtu or (base.mtu if base else link.mtu),
        "mac": sub.mac or (base.mac if base else link.mac),
        "up": sub.up,
        **plain(sub.facts),
    }
    actual.update(plain(link.vlan) if link.vlan else dict.fromkeys(plain(sub.facts)))
    for field, value in wanted.items():
        if actual[field] != value:
            yield Drift(sub.ref, field, value, actual[field])


def _network(view: HostView, network: Network) -> t.Iterator[Drift]:
    link = view.host.links.get(network.parent)
    owned = view.links.get(network.parent)
    if link is None:
        below = view.host.tagged(names.tag(owned.id)) if owned else _below_endpoints(view, network)
        yield Drift(network.ref, "parent", network.parent, below.name if below else None)
        return
    if isinstance(owned, DummyParent):
        if not is_ours(link, owned.id, owned.kind):
            yield Drift(network.ref, "parent", names.tag(owned.id), link.alias or "not tagged")
        if not link.up:
            yield Drift(network.ref, "parent", f"{network.parent} up", f"{network.parent} down")
        if link.mtu < DUMMY_MTU:
            yield Drift(network.ref, "parent", f"mtu {DUMMY_MTU}", f"mtu {link.mtu}")


def _below_endpoints(view: HostView, network: Network) -> Link | None:
    """The link that the endpoints of a network sit on, whatever it is called now."""
    for endpoint in view.endpoints_of(network.name):
        space = view.space(endpoint.netns)
        link = find_link(space, endpoint, None) if space else None
        if link is not None:
            return view.host.by_index(link.lower)
    return None


def _endpoint(view: HostView, endpoint: Endpoint) -> t.Iterator[Drift]:
    ref, network = endpoint.ref, view.networks[endpoint.network]
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
    if not link.alias:
        yield Drift(ref, "link", names.tag(endpoint.id), "not tagged")
    if not link.up:
        yield Drift(ref, "link", "up", "down")
    mac = parent.mac if parent is not None and kind_of(network).takes_parent(network.mode) else endpoint.mac
    for field, recorded, actual in (
        ("ifname", endpoint.ifname, link.name),
        ("mac", mac, link.mac),
        ("mtu", endpoint.mtu, link.mtu),
        ("mode", network.mode, link.macvlan_mode),
    ):
        if recorded != actual:
            yield Drift(ref, field, recorded, actual)
    yield from _addresses(endpoint, network, space, link)
    yield from _routes(endpoint, space, link)
    if link.name == endpoint.ifname:
        yield from _sysctls(endpoint, space)


def _namespace(view: HostView, endpoint: Endpoint, space: Space) -> t.Iterator[Drift]:
    """What differs of the namespace of an endpoint, when it is ours."""
    owned = view.owned_namespace(endpoint.netns)
    if owned is None:
        return
    lo = space.links.get("lo")
    if lo is None or lo.alias != names.tag(owned.id):
        yield Drift(endpoint.ref, "netns", names.tag(owned.id), lo.alias if lo and lo.alias else "not tagged")
    if lo is not None and not lo.up and is_made_here(view, endpoint.netns, space, owned):
        yield Drift(endpoint.ref, "netns", "lo up", "lo down")


def _addresses(endpoint: Endpoint, network: Network, space: Space, link: Link) -> t.Iterator[Drift]:
    """What is missing, with what came in its stead; what others have added besides is theirs, unless it is to go."""
    actual = space.addresses.get(link.index, ())
    too_many = intruders(endpoint, network, space, link)
    for field, recorded in (("ipv4", endpoint.ipv4), ("ipv6", endpoint.ipv6)):
        version = int(field[-1])
        found = sorted(address for address in actual if version_of(address) == version)
        if recorded is None or recorded in found:
            # Of what is right only the rest is told: an address with a lifetime beside it is none of this difference.
            found = [address for address in found if address == recorded or address in too_many]
        if found != ([recorded] if recorded else []):
            yield Drift(endpoint.ref, field, recorded, found[0] if len(found) == 1 else found or None)


def _routes(endpoint: Endpoint, space: Space, link: Link) -> t.Iterator[Drift]:
    if vrf_of(space, link) is not None:
        return
    actual = space.routes.get(link.index, ())
    identities = {route.identity for route in actual}

    def in_place_of(route: Route) -> str | None:
        """What has its destination and metric is what has become of it."""
        others = [route_phrase(item) for item in actual if item.place == route.place]
        others += [f"{item.kind} {route.to}" for item in space.odd_routes if item.place == route.place]
        return min(others, default=None)

    for address, route in connected_routes(endpoint, space, link).items():
        if route.identity not in identities:
            yield Drift(endpoint.ref, "routes", f"{route.to} of {address}", in_place_of(route))
    for route in endpoint.all_routes:
        if route.identity not in identities:
            field = "routes" if route in endpoint.routes else "default_route"
            yield Drift(endpoint.ref, field, route_phrase(route), in_place_of(route))


def _sysctls(endpoint: Endpoint, space: Space) -> t.Iterator[Drift]:
    for item in settings(endpoint):
        key = names.sysctl_key(item.key, endpoint.ifname)
        actual = space.sysctls.get(key)
        if actual != item.new and not (actual is None and item.optional):
            yield Drift(endpoint.ref, "sysctls", f"{key}={item.new}", None if actual is None else f"{key}={actual}")


def conflicts_of(view: HostView, refs: t.Container[Ref]) -> t.Iterator[Drift]:
    """The endpoints whose addresses are in use elsewhere, as drift; nothing that a run does mends that."""
    taken = Taken(view.recorded, view.kernel)
    for endpoint in view.endpoints.values():
        if endpoint.ref in refs:
            yield from _conflicts(taken, endpoint)


def _conflicts(taken: Taken, endpoint: Endpoint) -> t.Iterator[Drift]:
    for field, address in (("ipv4", endpoint.ipv4), ("ipv6", endpoint.ipv6)):
        claim = taken.on(without_prefix(address)) if address else None
        if claim is not None:
            yield Drift(endpoint.ref, field, address, claim.also)
