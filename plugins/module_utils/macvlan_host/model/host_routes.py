# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes by which the host reaches the endpoints of a network. They follow from the record, so they are not recorded themselves."""

from __future__ import annotations

import dataclasses
import typing as t

from ..values import inet
from ..values.addresses import WIDTHS, block_of, networks_of, version_of, without_prefix
from .endpoint import Endpoint
from .host_access import RANGES, HostAccess
from .network import Network, Subnet
from .record import Record
from .ref import HOST_ACCESS
from .route import Route


def ranges_of(subnet: Subnet) -> tuple[str, ...]:
    """The networks (CIDR) of the addresses that endpoints get in a subnet."""
    return tuple(cidr for text in subnet.ranges for cidr in networks_of(block_of(text)))


def host_routes(
    how: HostAccess, versions: t.Container[int], network: Network, endpoints: t.Iterable[Endpoint]
) -> tuple[Route, ...]:
    """The routes over the interface of the host, in the order of their destinations.

    With ``ranges``, an endpoint outside of them has a route of its own. One in the host's own namespace needs none: its
    addresses are the host's.

    :param versions: the IP versions of the addresses that the interface has
    :param endpoints: those of the network
    """
    ranges = [cidr for subnet in network.subnets for cidr in ranges_of(subnet)] if how.routes == RANGES else []
    blocks = [block_of(cidr) for cidr in ranges]
    singles = {
        plain
        for endpoint in endpoints
        if endpoint.netns.path
        for plain in map(without_prefix, endpoint.addresses)
        if not any(plain in block for block in blocks)
    }
    destinations = {*ranges, *(f"{plain}/{WIDTHS[version_of(plain)]}" for plain in singles)}
    routed = ((version_of(cidr), inet.number(without_prefix(cidr)), cidr) for cidr in destinations if version_of(cidr) in versions)
    return tuple(Route(cidr, None, how.metric) for dummy, number, cidr in sorted(routed))


def with_host_routes(record: Record) -> Record:
    """A record as it was read, with the routes that follow from it."""
    accesses = [endpoint for name in record.networks if (endpoint := record.endpoints.get((name, HOST_ACCESS))) is not None]
    if not accesses:
        return record
    endpoints_of: dict[str, list[Endpoint]] = {access.network: [] for access in accesses}
    for endpoint in record.endpoints.values():
        if endpoint.network in endpoints_of:
            endpoints_of[endpoint.network].append(endpoint)
    completed = {item.key: with_routes_to(item, record.networks[item.network], endpoints_of[item.network]) for item in accesses}
    return dataclasses.replace(record, endpoints={**record.endpoints, **completed})


def with_routes_to(access: Endpoint, network: Network, endpoints: t.Iterable[Endpoint]) -> Endpoint:
    """The interface of the host with routes to the endpoints of its network; what is none stays as it is."""
    if access.host_access is None:
        return access
    versions = {version_of(address) for address in access.addresses}
    return dataclasses.replace(access, routes=host_routes(access.host_access, versions, network, endpoints))


def as_row(endpoint: Endpoint) -> Endpoint:
    """An endpoint as it is recorded: without the routes that follow from the record."""
    return endpoint if endpoint.host_access is None else dataclasses.replace(endpoint, routes=())
