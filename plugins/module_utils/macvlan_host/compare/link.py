# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the link of an endpoint has beside, or instead of, what is recorded."""

from __future__ import annotations

from ..model.endpoint import Endpoint
from ..model.kernel import Space
from ..model.links import Link
from ..model.network import Network
from ..model.route import Route
from ..wire.kinds import vrf_of


def foreign_addresses(endpoint: Endpoint, network: Network, space: Space, link: Link) -> list[str]:
    """The foreign addresses without a lifetime on the link of an endpoint; sorted, because the kernel's order has no meaning.

    An address with a lifetime, or of a router advertisement, belongs to the program that maintains it. Where the network has no
    addresses, none is foreign.
    """
    if network.ipam == "none":
        return []
    present = space.addresses.get(link.index, ())
    return sorted(item for item in present if item not in endpoint.addresses and (link.index, item) not in space.passing)


def is_exclusive(endpoint: Endpoint, network: Network) -> bool:
    """Whether to remove foreign addresses from the link of an endpoint; its own option overrides its network's."""
    return network.exclusive if endpoint.own_exclusive is None else endpoint.own_exclusive


def intruders(endpoint: Endpoint, network: Network, space: Space, link: Link) -> list[str]:
    """The foreign addresses to remove."""
    return foreign_addresses(endpoint, network, space, link) if is_exclusive(endpoint, network) else []


def connected_routes(endpoint: Endpoint, space: Space, link: Link) -> dict[str, Route]:
    """Address → the route that comes with it, of those addresses of an endpoint that its link has.

    None while the link is down. In a VRF they are in its table, and its routes are up to those who made it.
    """
    present = space.addresses.get(link.index, ()) if link.up and vrf_of(space, link) is None else ()
    made = {address: Route.connected(address) for address in endpoint.addresses if address in present}
    return {address: route for address, route in made.items() if route is not None}


def route_phrase(route: Route) -> str:
    """A route as drift and warnings have it."""
    via = f" via {route.via}" if route.via else ""
    return route.to + via + (f" metric {route.metric}" if route.metric else "")
