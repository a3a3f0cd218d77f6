# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Room for what a request declares: what another object has now, and gives up by its own request, is taken from it first.

The state between is one that no neighbour sees twice: an address is never on two links, a MAC address never on two links of one
parent, and a name never on two links of one namespace.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.ownership import link_of
from ..ipam.lease_book import gateways_of, leads_over_link
from ..ipam.mac import mac_of_ipv4, mac_of_names
from ..model.endpoint import Endpoint
from ..model.host_view import Key
from ..model.kernel import Space
from ..model.links import Link
from ..model.route import in_order
from ..request.endpoint import EndpointOptions
from ..steps.steps import DeleteRoute, SetLink
from ..values import names
from ..values.addresses import block_of, version_of, without_prefix
from .align import release_addresses, rename_link
from .builder import PlanBuilder


def take_address(builder: PlanBuilder, holder: str, address: str) -> bool:
    """Take an address from the endpoint that holds it, if that is declared with another one.

    :param holder: its title
    """
    ref = next((ref for ref in builder.pending if ref.title == holder), None)
    endpoint = builder.endpoints.get((ref.network, ref.name)) if ref is not None else None
    if ref is None or endpoint is None or not _gives_up_address(builder.pending[ref], endpoint, address):
        return False
    _take_address(builder, endpoint, address)
    return True


def _is_open(wanted: EndpointOptions, endpoint: Endpoint, plain: str) -> bool:
    """Whether a request leaves open if the endpoint keeps an address: the first one of a family of which it names none."""
    version = version_of(plain)
    first = endpoint.first_address(version)
    is_first = first is not None and without_prefix(first) == plain
    return is_first and plain not in wanted.addresses and wanted.first_address(version) is None and version not in wanted.left_out


def _gives_up_address(wanted: EndpointOptions, endpoint: Endpoint, plain: str) -> bool:
    """Whether an endpoint will not have an address; with ``replace``, one that it does not request is no longer kept."""
    return wanted.replace if _is_open(wanted, endpoint, plain) else plain not in wanted.requested


def take_mac(builder: PlanBuilder, endpoint: Endpoint, mac: str) -> bool:
    """Take a MAC address from an endpoint that is declared with another one."""
    wanted = builder.pending.get(endpoint.ref)
    if wanted is None or not _gives_up_mac(builder, endpoint, wanted, mac):
        return False
    located = _located(builder, endpoint)
    between = mac_of_names(builder.identity.uuid, f"{endpoint.network}/{endpoint.name}", "between two MAC addresses")
    if located is not None and located[1].mac == mac:
        builder.do(SetLink(endpoint.netns, located[1].name, "mac", mac, between))
    _put(builder, dataclasses.replace(endpoint, mac=between))
    return True


def _gives_up_mac(builder: PlanBuilder, endpoint: Endpoint, wanted: EndpointOptions, mac: str) -> bool:
    if wanted.mac is not None:
        return wanted.mac != mac
    kept = endpoint.ipv4 if endpoint.ipv4 and not _leaves(builder, endpoint, wanted, endpoint.ipv4) else None
    ipv4 = wanted.ipv4 or (kept and without_prefix(kept))
    return ipv4 is None or mac_of_ipv4(ipv4) != mac


def take_leaving_addresses(builder: PlanBuilder, endpoint: Endpoint) -> None:
    """Take from endpoints that are planned later the addresses of subnets which their networks do not have any more."""
    if builder.leaving is None:
        builder.leaving = _leaving(builder)
    for plain in map(without_prefix, endpoint.addresses):
        for key in builder.leaving.get(plain, ()):
            other = builder.endpoints.get(key)
            if other is not None and other.ref in builder.pending and key != endpoint.key:
                _take_address(builder, other, plain)


def _leaving(builder: PlanBuilder) -> dict[str, list[Key]]:
    """Address → the endpoints that have it and are declared in other subnets."""
    leaving: dict[str, list[Key]] = {}
    for ref, wanted in builder.pending.items():
        other = builder.endpoints.get((ref.network, ref.name)) if isinstance(wanted, EndpointOptions) else None
        for address in other.addresses if other is not None else ():
            if other is not None and _leaves(builder, other, wanted, address):
                leaving.setdefault(without_prefix(address), []).append(other.key)
    return leaving


def make_room_in_namespace(builder: PlanBuilder, endpoint: Endpoint) -> None:
    """Take from the other endpoints of a namespace what they give up, and an endpoint that comes there needs."""
    for other in builder.endpoints_in(endpoint.netns):
        wanted = builder.pending.get(other.ref)
        if wanted is not None and other.key != endpoint.key:
            take_name(builder, endpoint.ifname, other, wanted.ifname)
            for take in (_take_overlapping, _take_routes, _take_sysctls):
                take(builder, endpoint, builder.endpoints[other.key], wanted)


def take_name(builder: PlanBuilder, ifname: str, other: Endpoint, later: str) -> None:
    """Take the name of its interface from an endpoint.

    :param ifname: the name that is needed
    :param later: the name that the endpoint is declared with
    """
    if other.ifname != ifname or later == ifname:
        return
    between = names.name_until_tagged(other.id)
    located = _located(builder, other)
    changed = dataclasses.replace(other, ifname=between)
    if located is not None and located[1].name == other.ifname:
        rename_link(builder, changed, other, builder.networks[other.network])
    _put(builder, changed)


def _take_overlapping(builder: PlanBuilder, endpoint: Endpoint, other: Endpoint, wanted: EndpointOptions) -> None:
    """Two endpoints of a namespace cannot be in one subnet."""
    leaving = [
        theirs
        for theirs in other.addresses
        if any(block_of(mine).overlaps(block_of(theirs)) for mine in endpoint.addresses) and _leaves(builder, other, wanted, theirs)
    ]
    take_addresses(builder, other, leaving)


def _leaves(builder: PlanBuilder, other: Endpoint, wanted: EndpointOptions, address: str) -> bool:
    """Whether an endpoint is declared in another subnet than that of one of its addresses."""
    plain = without_prefix(address)
    if not _is_open(wanted, other, plain):
        return not any(requested in block_of(address) for requested in wanted.requested)
    of_network = [subnet.subnet for subnet in builder.networks[other.network].subnets]
    if wanted.subnet is not None and version_of(wanted.subnet) == version_of(address):
        of_network = [wanted.subnet]
    return not any(plain in block_of(subnet) for subnet in of_network)


def _take_routes(builder: PlanBuilder, endpoint: Endpoint, other: Endpoint, wanted: EndpointOptions) -> None:
    """The kernel has one route for a destination and metric."""
    network = builder.networks[other.network]
    gateways = gateways_of(network, wanted.takes_default_route, other.ipv4, other.ipv6)
    routed = leads_over_link(network, wanted.takes_default_route)
    kept = dataclasses.replace(other, gateway4=gateways[0], gateway6=gateways[1], routed=routed, routes=wanted.routes)
    needed = {route.destination_and_metric for route in endpoint.all_routes}
    of_other = {route.destination_and_metric for route in kept.all_routes}
    leaving = [route for route in other.all_routes if route.destination_and_metric in needed - of_other]
    if not leaving:
        return
    located = _located(builder, other)
    if located is not None:
        present = {route.identity for route in located[0].routes.get(located[1].index, ())}
        builder.do(*(DeleteRoute(other.netns, located[1].name, route) for route in reversed(in_order(leaving)) if route.identity in present))
    _put(
        builder,
        dataclasses.replace(
            other,
            gateway4=None if other.default_routes.get(4) in leaving else other.gateway4,
            gateway6=None if other.default_routes.get(6) in leaving else other.gateway6,
            routed=other.routed and not any(route in leaving for route in other.default_routes.values()),
            routes=tuple(route for route in other.routes if route not in leaving),
        ),
    )


def _take_sysctls(builder: PlanBuilder, dummy: Endpoint, other: Endpoint, wanted: EndpointOptions) -> None:
    """Settings of the namespace itself are those that its endpoints declare, not those that they had."""
    if other.sysctls != wanted.sysctls:
        _put(builder, dataclasses.replace(other, sysctls=wanted.sysctls))


def _take_address(builder: PlanBuilder, endpoint: Endpoint, plain: str) -> None:
    """Take an address, which is given without prefix length, from an endpoint if it still has it."""
    take_addresses(builder, endpoint, [item for item in endpoint.addresses if without_prefix(item) == plain])


def take_addresses(builder: PlanBuilder, endpoint: Endpoint, addresses: t.Sequence[str]) -> None:
    """Take addresses from an endpoint, which are given as it has them."""
    if not addresses:
        return
    located = _located(builder, endpoint)
    if located is not None:
        release_addresses(builder, dataclasses.replace(endpoint, ifname=located[1].name), frozenset(addresses))
    _put(
        builder,
        dataclasses.replace(
            endpoint,
            ipv4=None if endpoint.ipv4 in addresses else endpoint.ipv4,
            ipv6=None if endpoint.ipv6 in addresses else endpoint.ipv6,
            further=tuple(item for item in endpoint.further if item not in addresses),
        ),
    )


def evict(builder: PlanBuilder, holder: str, address: str) -> bool:
    """Take an address from the endpoint that holds it, because its network needs the address; the endpoint gets another one.

    :param holder: its title
    """
    endpoint = next((item for item in builder.endpoints.values() if item.title == holder), None)
    if endpoint is None:
        return False
    _take_address(builder, endpoint, address)
    builder.replanned[endpoint.key] = None
    return True


def _located(builder: PlanBuilder, endpoint: Endpoint) -> tuple[Space, Link] | None:
    """The namespace of an endpoint and its link, if both are there."""
    space, link = builder.space(endpoint.netns), link_of(builder, endpoint)
    return None if space is None or link is None else (space, link)


def _put(builder: PlanBuilder, endpoint: Endpoint) -> None:
    """Record what is left of an endpoint; its own request is compared with what it was."""
    before = builder.endpoints[endpoint.key]
    builder.originals.setdefault(endpoint.ref, before)
    builder.put_endpoint(endpoint)
