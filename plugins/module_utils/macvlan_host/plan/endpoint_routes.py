# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes of an endpoint beside its default routes: which of them the kernel would refuse."""

from __future__ import annotations

import typing as t

from ..errors import PlanError
from ..ipam.subnets import usable
from ..model.endpoint import Endpoint
from ..model.network import Network
from ..model.route import Route
from ..values import inet
from ..values.addresses import block_of, is_link_local, version_of, without_prefix
from .mistakes import Mistakes


def check_routes(endpoint: Endpoint, undecided: t.Container[int] = (), network: Network | None = None) -> None:
    """Refuse routes that the kernel would refuse, or that it adds itself.

    :param undecided: the IP versions for which the address of the endpoint is not known
    :param network: the network of the endpoint, whose subnets limit its possible addresses
    :raises PlanError: naming the routes
    """
    mistakes = Mistakes(endpoint.title)
    for route in endpoint.routes:
        with mistakes:
            if version_of(route.to) not in undecided:
                _check_route(endpoint, route)
            elif network is not None:
                _check_route_of_any(endpoint, route, network)
    if not mistakes:
        _check_identities(endpoint)
    mistakes.check()


def _check_route_of_any(endpoint: Endpoint, route: Route, network: Network) -> None:
    """Refuse a next hop that no address of the endpoint could reach."""
    subnets = [item.subnet for item in network.subnets if version_of(item.subnet) == version_of(route.to)]
    if subnets:
        _check_next_hop(endpoint, route, subnets)


def _check_next_hop(endpoint: Endpoint, route: Route, subnets: t.Sequence[str]) -> None:
    """Refuse a next hop that is neither in the subnets nor link-local, and to which no other route and no flag leads."""
    if route.via is None or route.onlink or is_link_local(route.via):
        return
    listed = [other.to for other in endpoint.routes if other.via is None]
    if not any(route.via in block_of(reached) for reached in (*subnets, *listed)):
        raise PlanError(
            f"{endpoint.title}: routes: via {route.via} of {route.to} is not on the link; it must be inside "
            f"{' or '.join(subnets)}, or there must be a route to {route.via} without via in routes, or onlink: true with this route"
        )


def _check_route(endpoint: Endpoint, route: Route) -> None:
    version = version_of(route.to)
    own = next((item for item in endpoint.addresses if version_of(item) == version), None)
    if own is None:
        raise PlanError(f"{endpoint.title}: routes: {route.to} needs an IPv{version} address, but the endpoint has none")
    if route.via is not None and route.via in map(without_prefix, endpoint.addresses):
        raise PlanError(f"{endpoint.title}: routes: via {route.via} of {route.to} is the endpoint's own address")
    addresses = [item for item in endpoint.addresses if version_of(item) == version]
    _check_next_hop(endpoint, route, list(dict.fromkeys(map(inet.network_of, addresses))))
    for address in addresses:
        if route.via is not None and _is_broadcast(route.via, address):
            raise PlanError(
                f"{endpoint.title}: routes: via {route.via} of {route.to} is the broadcast address of {inet.network_of(address)}"
            )
        connected = Route.connected(address)
        if connected is not None and route.destination_and_metric == connected.destination_and_metric:
            raise PlanError(
                f"{endpoint.title}: routes: {route.to} is the endpoint's own subnet, which the kernel routes itself"
            )


def _is_broadcast(address: str, own: str) -> bool:
    """Whether an address is the broadcast address of a subnet that has one."""
    subnet = inet.network_of(own)
    return version_of(own) == 4 and address in block_of(subnet) and inet.number(address) > usable(subnet).last


def _check_identities(endpoint: Endpoint) -> None:
    identities = [route.identity for route in endpoint.all_routes]
    for to, dummy, metric in identities:
        if sum((other, number) == (to, metric) for other, dummy, number in identities) > 1:
            raise PlanError(
                f"{endpoint.title}: routes: there is a route to {to} of this metric already, the default route of "
                f"the network; use default_route: false, or another metric"
            )
