# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access of the host to the endpoints of a network: an interface of the host that is planned like that of an endpoint.

Its routes follow from the endpoints of the network. They are brought up to date once, after all requests of a plan.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.differences import competing_routes
from ..compare.ownership import link_of
from ..compare.wanted_settings import OURS, defaults_of_ipv6
from ..errors import PlanError
from ..ipam.lease_book import subnet_of
from ..model.endpoint import Endpoint
from ..model.host_access import RANGES
from ..model.host_routes import host_routes, with_routes_to
from ..model.links import Link
from ..model.netns import HOST, Netns
from ..model.network import Network
from ..model.ref import HOST_ACCESS
from ..model.route import MAIN_TABLE, Route
from ..request.endpoint import EndpointOptions
from ..request.host_access import HostAccessOptions, interface_options
from ..steps.steps import AddRoute, DeleteRoute
from ..values import names
from ..values.addresses import block_of, version_of, without_prefix
from ..wire.kinds import table_of
from .builder import PlanBuilder
from .endpoint import plan_endpoint
from .endpoint_changes import remove_endpoint
from .endpoint_checks import check_table
from .mistakes import Mistakes
from .room import take_addresses, take_name

# Whether the host passes packets on between its links, for each IP version.
FORWARDING = {4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding"}


def access_of(builder: PlanBuilder, network: str) -> Endpoint | None:
    """The interface that gives the host access to a network."""
    return builder.endpoints.get((network, HOST_ACCESS))


def settings_of_access(network: str, wanted: HostAccessOptions) -> list[tuple[Netns, frozenset[str]]]:
    """The settings of the host that matter for its access to a network, beside those of a recorded interface."""
    options = interface_options(network, wanted, replace=False)
    keys = {names.sysctl_key(key, options.ifname) for key in (*OURS, *options.sysctls)}
    return [(HOST, frozenset({*keys, *defaults_of_ipv6(), *FORWARDING.values()}))]


def plan_host_access(builder: PlanBuilder, network: Network, wanted: HostAccessOptions, replace: bool) -> None:
    """Plan the interface that gives the host access to a network.

    :raises PlanError: it cannot be created
    """
    builder.replanned.pop((network.name, HOST_ACCESS), None)
    options = interface_options(network.name, wanted, replace)
    _check_subnets(builder, network, options.ifname)
    _check_ranges(builder, network, options)
    plan_endpoint(builder, options)
    _warn_without_forwarding(builder, network)


def _check_subnets(builder: PlanBuilder, network: Network, ifname: str) -> None:
    """Refuse access to two networks whose subnets overlap: the host could not tell their endpoints apart.

    One that is planned later gives up now what it will not keep; if it would overlap even then, its own plan is refused.

    :param ifname: of the interface of the network
    :raises PlanError: naming the other network
    """
    for other in list(builder.networks.values()):
        access = access_of(builder, other.name) if other.name != network.name else None
        if access is None:
            continue
        pending = builder.pending.get(other.ref)
        if pending is not None:
            _take_access(builder, access, network, ifname, pending.host_access)
            continue
        overlap = next(_pairs(network, other), None)
        if overlap is None:
            continue
        mine, theirs = overlap
        raise PlanError(
            f"{network.title}: host_access: the host has access to {other.title} already, whose subnet {theirs} overlaps {mine}, and could "
            f"not tell their endpoints apart; remove host_access from one of the two"
        )


def _take_access(builder: PlanBuilder, access: Endpoint, network: Network, ifname: str, later: HostAccessOptions | None) -> None:
    """Plan to take from the interface of another network its addresses of this one, and its name; or all of it if it is not kept.

    :param ifname: the name that the interface of this network gets
    :param later: how the interface is declared, None if it is not kept
    """
    blocks = [block_of(subnet.subnet) for subnet in network.subnets]
    mine = [address for address in access.addresses if any(without_prefix(address) in block for block in blocks)]
    if later is None:
        if mine or access.ifname == ifname:
            remove_endpoint(builder, access)
        return
    if mine:
        take_addresses(builder, access, mine)
    take_name(builder, ifname, builder.endpoints[access.key], interface_options(access.network, later, replace=False).ifname)


def _pairs(one: Network, other: Network) -> t.Iterator[tuple[str, str]]:
    for mine in one.subnets:
        for theirs in other.subnets:
            if block_of(mine.subnet).overlaps(block_of(theirs.subnet)):
                yield mine.subnet, theirs.subnet


def _check_ranges(builder: PlanBuilder, network: Network, options: EndpointOptions) -> None:
    """Refuse routes to ranges that other links of the host have better routes to, because no packet would take them.

    :raises PlanError: naming the link
    """
    if options.host_access is None or options.host_access.routes != RANGES:
        return
    own = access_of(builder, network.name)
    others = _routes_of_main(builder, link_of(builder, own) if own is not None else None)
    for route in host_routes(options.host_access, (4, 6), network, ()):
        destination, metric = route.destination_and_metric
        for (to, other), phrase in others:
            if to == destination and other <= metric:
                raise PlanError(
                    f"{network.title}: host_access.routes: the host has a route to {to} {phrase}, which it prefers to one over "
                    f"{options.ifname}; use routes: endpoints, or give the subnet an ip_range"
                )


def _routes_of_main(builder: PlanBuilder, own: Link | None) -> list[tuple[tuple[str, int], str]]:
    """Destination and metric of the routes of the host's main table, without those of an interface; each with where it leads.

    A port of a VRF may have routes in it as well, beside those of the table of its VRF.
    """
    host = builder.host
    over_links = [
        (route.destination_and_metric, f"over {link.name}")
        for link in host.links.values()
        if table_of(host, link) == MAIN_TABLE and not (own is not None and link.index == own.index)
        for route in host.routes.get(link.index, ())
    ]
    return over_links + [
        (route.destination_and_metric, f"over {route.over}" if route.over else f"of type {route.kind}")
        for route in host.other_routes
        if route.table == MAIN_TABLE and not (own is not None and route.over == own.name)
    ]


def _warn_without_forwarding(builder: PlanBuilder, network: Network) -> None:
    """Warn of a host that is the gateway of a network and does not pass packets on."""
    access = access_of(builder, network.name)
    for address in access.addresses if access is not None and not network.internal else ():
        subnet, key = subnet_of(network, address), FORWARDING[version_of(address)]
        is_gateway = subnet is not None and subnet.gateway == without_prefix(address)
        if is_gateway and builder.host.sysctls.get(key) == "0":
            builder.warn(
                f"{network.title}: host_access: the host has the address of the gateway, {without_prefix(address)}, and passes no packets "
                f"on, because {key} is 0; endpoints reach the host, and nothing behind it, until that is 1"
            )


# --- after the requests ---------------------------------------------------------------------------------------------


def settle_host_routes(builder: PlanBuilder) -> None:
    """Plan the routes of the host that follow from the endpoints that came, went or have other addresses now.

    :raises PlanError: the host has such a route over another link
    """
    changed = []
    for network in builder.networks.values():
        access = access_of(builder, network.name)
        settled = with_routes_to(access, network, builder.endpoints_of(network.name)) if access is not None else None
        if access is not None and settled is not None and settled != access:
            builder.put_endpoint(settled)
            changed.append((access, settled))
    # A network can get a destination that another one gives up.
    for access, settled in changed:
        _delete_routes(builder, access, settled)
    mistakes = Mistakes("this host")
    for access, settled in changed:
        with mistakes:
            _add_routes(builder, access, settled)
    mistakes.check()


def _without_routes_of(one: Endpoint, other: Endpoint) -> list[Route]:
    """The routes of one state of the record that another has not."""
    others = {route.identity for route in other.routes}
    return [route for route in one.routes if route.identity not in others]


def _delete_routes(builder: PlanBuilder, access: Endpoint, settled: Endpoint) -> None:
    link = link_of(builder, settled)
    if link is not None:
        present = {route.identity for route in builder.host.routes.get(link.index, ())}
        gone = [route for route in _without_routes_of(access, settled) if route.identity in present]
        builder.do(*(DeleteRoute(HOST, link.name, route) for route in gone))


def _add_routes(builder: PlanBuilder, access: Endpoint, settled: Endpoint) -> None:
    """Plan new routes, if the link is there and up; whatever else differs is left to the task of the network.

    :raises PlanError: the host has such a route over another link
    """
    host, link = builder.host, link_of(builder, settled)
    if link is None:
        return
    come = _without_routes_of(settled, access)
    check_table(builder, host, dataclasses.replace(settled, routes=tuple(come)), link)
    if not link.up:
        return
    on_link = host.routes.get(link.index, ())
    present, taken = {route.identity for route in on_link}, {route.destination_and_metric for route in on_link}
    missing = [route for route in come if route.identity not in present]
    obstacles = [other for route in missing if route.destination_and_metric in taken for other in competing_routes(route, host, link)]
    builder.do(*(DeleteRoute(HOST, link.name, route) for route in obstacles))
    builder.do(*(AddRoute(HOST, link.name, route) for route in missing))
