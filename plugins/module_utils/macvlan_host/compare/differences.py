# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How links, namespaces, addresses, routes and settings differ from what they must be.

The one answer: drift prints these differences, planning turns each into a step, and the refusal of a foreign link names
them. Run-time state of the host is excluded here, and nowhere else.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..model.endpoint import Endpoint
from ..model.kernel import Space
from ..model.link_options import LINK_OPTIONS
from ..model.links import DUMMY_MTU, DummyParent, Link, SubInterface, VlanFacts
from ..model.netns import OwnedNetns
from ..model.network import Network
from ..model.route import Route, in_order
from ..model.sysctl import Sysctl
from ..values import names
from ..values.addresses import version_of, without_prefix
from ..values.plain import plain
from ..wire.kinds import kind_of, vrf_of
from .ownership import base_of, is_ours
from .wanted_settings import settings


class Difference(t.NamedTuple):
    """One field, with its expected and its actual value.

    :ivar field: the name of a link's attribute in steps, or of an option
    """

    field: str
    expected: t.Any
    actual: t.Any


def differences(expected: t.Mapping[str, t.Any], actual: t.Mapping[str, t.Any]) -> list[Difference]:
    """The expected fields that have other values, in their order; further fields do not matter."""
    return [Difference(field, value, actual[field]) for field, value in expected.items() if actual[field] != value]


# --- links ----------------------------------------------------------------------------------------------------------


def of_endpoint_link(
    endpoint: Endpoint, network: Network, parent: Link | None, link: Link, missing_link_options: t.Container[str] = ()
) -> list[Difference]:
    """The attributes in which the link of an endpoint differs: alias, up, name, mac, mtu, mode and link options.

    A link without a MAC address of its own has that of its parent.

    :param missing_link_options: the link options that this kernel does not have
    """
    options = _of_link_options(network, link, missing_link_options) if network.link_options else []
    mac = parent.mac if parent is not None and kind_of(network).has_mac_of_parent(network.mode) else endpoint.mac
    expected = (names.tag(endpoint.id), True, endpoint.ifname, mac, endpoint.mtu, network.mode)
    actual = (link.alias, link.up, link.name, link.mac, link.mtu, link.mode)
    # The usual case, and there may be thousands of links.
    if actual == expected:
        return options
    fields = ("alias", "up", "name", "mac", "mtu", "mode")
    return differences(dict(zip(fields, expected)), dict(zip(fields, actual))) + options


def _of_link_options(network: Network, link: Link, missing: t.Container[str]) -> list[Difference]:
    """The link options in which a link differs; those that a task has left out are not compared."""
    expected = {name: value for name, value in network.link_options.items() if name not in missing}
    return differences(expected, {name: link.link_options.get(name, LINK_OPTIONS[name].default) for name in expected})


def of_dummy(owned: DummyParent, link: Link) -> list[Difference]:
    """The attributes in which the dummy link of a network differs: alias, up and mtu; a higher mtu is its users' wish."""
    expected = {"alias": names.tag(owned.id), "up": True, "mtu": max(link.mtu, DUMMY_MTU)}
    return _with_kind(owned, link, differences(expected, {"alias": link.alias, "up": link.up, "mtu": link.mtu}))


def of_subinterface(sub: SubInterface, host: Space, link: Link) -> list[Difference]:
    """The fields in which the link of a sub-interface differs: alias, parent, mtu, mac, up, and those of its VLAN.

    An mtu and a MAC address that no task has set are those of the base, if the base is present.
    """
    base = host.links.get(sub.parent, link)
    expected = {
        "alias": names.tag(sub.id),
        "parent": sub.parent,
        "mtu": sub.mtu or base.mtu,
        "mac": sub.mac or base.mac,
        "up": sub.up,
        **plain(sub.facts),
    }
    return _with_kind(sub, link, differences(expected, vlan_state(host, link)))


def vlan_state(host: Space, link: Link) -> dict[str, t.Any]:
    """A VLAN link of the host, in the words of a sub-interface's options, and its alias; the VLAN is None if it has none."""
    base = base_of(host, link)
    seen = {"alias": link.alias, "parent": base.name if base else None, "mtu": link.mtu, "mac": link.mac, "up": link.up}
    vlan = plain(link.vlan) if link.vlan is not None else dict.fromkeys(item.name for item in dataclasses.fields(VlanFacts))
    return {**seen, **vlan}


def _with_kind(owned: SubInterface | DummyParent, link: Link, fields: list[Difference]) -> list[Difference]:
    """A link of another kind is not ours, even with the right alias."""
    tag = names.tag(owned.id)
    return fields if link.alias != tag or is_ours(link, owned.id, owned.kind) else [Difference("alias", tag, tag), *fields]


def of_loopback(owned: OwnedNetns, space: Space) -> list[Difference]:
    """The attributes in which the loopback of a namespace of ours differs: alias and up."""
    lo = space.links.get("lo")
    if lo is None:
        return [Difference("alias", names.tag(owned.id), "")]
    return differences({"alias": names.tag(owned.id), "up": True}, {"alias": lo.alias, "up": lo.up})


# --- addresses ------------------------------------------------------------------------------------------------------


def foreign_addresses(endpoint: Endpoint, network: Network, space: Space, link: Link) -> list[str]:
    """The foreign addresses without a lifetime on the link of an endpoint; sorted, because the kernel's order has no meaning.

    An address with a lifetime, or of a router advertisement, belongs to the program that maintains it. Where the network has no
    addresses, none is foreign.
    """
    if network.ipam == "none":
        return []
    present = space.addresses.get(link.index, ())
    return sorted(item for item in present if item not in endpoint.addresses and (link.index, item) not in space.temporary)


def is_exclusive(endpoint: Endpoint, network: Network) -> bool:
    """Whether to remove foreign addresses from the link of an endpoint; its own option overrides its network's."""
    return network.exclusive if endpoint.own_exclusive is None else endpoint.own_exclusive


def addresses_to_remove(endpoint: Endpoint, network: Network, space: Space, link: Link) -> list[str]:
    """The foreign addresses to remove."""
    return foreign_addresses(endpoint, network, space, link) if is_exclusive(endpoint, network) else []


class AddressDifferences(t.NamedTuple):
    """The addresses that a link lacks, and those that must be deleted."""

    missing: tuple[str, ...]
    surplus: frozenset[str]

    def of(self, version: int) -> AddressDifferences:
        """The differences of one family."""
        return AddressDifferences(
            tuple(item for item in self.missing if version_of(item) == version),
            frozenset(item for item in self.surplus if version_of(item) == version),
        )


def of_addresses(
    endpoint: Endpoint, network: Network, space: Space, link: Link, before: t.Collection[str] = ()
) -> AddressDifferences:
    """How the addresses of the link of an endpoint differ.

    Addresses that other programs add, such as DHCP clients and VRRP, stay, unless the endpoint is exclusive. An
    address of ours with a changed prefix length is still ours.

    :param before: its recorded addresses, which are deleted unless it keeps them
    """
    present = space.addresses.get(link.index, ())
    missing = tuple(address for address in endpoint.addresses if address not in present)
    leaving = {item for item in before if item not in endpoint.addresses}
    leaving.update(addresses_to_remove(endpoint, network, space, link))
    if not missing and not leaving:
        return AddressDifferences((), frozenset())
    lengthless = {without_prefix(address) for address in missing}
    return AddressDifferences(
        missing, frozenset(item for item in present if item in leaving or without_prefix(item) in lengthless)
    )


# --- routes ---------------------------------------------------------------------------------------------------------


def of_vrf(endpoint: Endpoint, space: Space, link: Link) -> list[Difference]:
    """The VRF in which the link of an endpoint must be, if it is not there; without one asked for, any is right."""
    vrf = vrf_of(space, link)
    actual = vrf.name if vrf is not None else None
    return [Difference("vrf", endpoint.vrf, actual)] if endpoint.vrf not in (None, actual) else []


def has_its_table(endpoint: Endpoint, space: Space, link: Link) -> bool:
    """Whether the routes of the link of an endpoint are in the table where they belong."""
    vrf = vrf_of(space, link)
    return endpoint.vrf == (vrf.name if vrf is not None else None)


def missing_connected_routes(endpoint: Endpoint, space: Space, link: Link) -> list[tuple[str, Route]]:
    """(address, route) of the missing routes that the kernel adds for the addresses of an endpoint.

    None while the link is down. In a VRF that nobody asked us for they are in its table, which the owner of the VRF manages.
    """
    if not link.up or not has_its_table(endpoint, space, link):
        return []
    addresses, routes = space.addresses.get(link.index, ()), space.routes.get(link.index, ())
    present = {route.identity for route in routes}
    missing: dict[t.Any, tuple[str, Route]] = {}
    for address in endpoint.addresses:
        route = Route.connected(address) if address in addresses else None
        if route is not None and route.identity not in present:
            # Addresses of one subnet have one.
            missing.setdefault(route.identity, (address, route))
    return list(missing.values())


class RouteDifferences(t.NamedTuple):
    """The routes that an endpoint lacks, and its former routes that still exist."""

    missing: tuple[Route, ...]
    stale: tuple[Route, ...]


def of_routes(endpoint: Endpoint, space: Space, link: Link, before: t.Sequence[Route] = ()) -> RouteDifferences:
    """How the routes of an endpoint differ, in an order to add them; every route that is not recorded is left alone.

    :param before: its recorded routes, which are deleted unless it keeps them
    """
    if not has_its_table(endpoint, space, link):
        return RouteDifferences((), ())
    present = {route.shown for route in space.routes.get(link.index, ())}
    identities = {identity for identity, dummy in present}
    wanted = {route.identity: route for route in endpoint.all_routes}
    return RouteDifferences(
        tuple(in_order(route for route in wanted.values() if route.shown not in present)),
        tuple(in_order(route for route in before if route.identity in identities and route.identity not in wanted)),
    )


def competing_routes(route: Route, space: Space, link: Link) -> list[Route]:
    """The routes of a link with the destination and metric of another route, which the kernel then refuses.

    Sorted, because the kernel's order has no meaning; routes that differ only in fields that are not read, such as TOS or
    protocol, count as one.
    """
    by_identity = {item.identity: item for item in space.routes.get(link.index, ()) if item.destination_and_metric == route.destination_and_metric}
    return sorted(by_identity.values(), key=route_order)


def route_order(route: Route) -> tuple[int, str, int, str]:
    """The sort key of routes."""
    return version_of(route.to), route.to, route.destination_and_metric[1], route.via or ""


def route_phrase(route: Route) -> str:
    """A route as drift and warnings have it."""
    via = f" via {route.via}" if route.via else ""
    return route.to + via + (f" metric {route.metric}" if route.metric else "") + (" onlink" if route.onlink else "")


# --- settings -------------------------------------------------------------------------------------------------------


def of_settings(endpoint: Endpoint, space: Space, has_ipv6: bool, comes_back: bool = False) -> list[Sysctl]:
    """The settings of an endpoint that differ, in the order to set them, each with the value that it has.

    :param has_ipv6: whether the kernel has IPv6
    :param comes_back: whether the interface gets IPv6 again, so that missing settings will exist
    """
    differing = []
    for item in settings(endpoint, has_ipv6):
        actual = space.sysctls.get(names.sysctl_key(item.key, endpoint.ifname))
        if actual != item.new and not (actual is None and item.optional and not comes_back):
            differing.append(dataclasses.replace(item, old=actual))
    return differing
