# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The holders of addresses: the leases of networks and endpoints."""

from __future__ import annotations

import typing as t

from ..model.endpoint import Endpoint
from ..model.network import Network, Subnet
from ..model.record import Lease
from ..values import inet
from ..values.addresses import block_of, without_prefix
from .address_set import AddressSet


def subnet_of(network: Network, address: str) -> Subnet | None:
    """The subnet of the network in which an address (with or without prefix length) lies."""
    plain = without_prefix(address)
    return next((subnet for subnet in network.subnets if plain in block_of(subnet.subnet)), None)


def gateways_of(network: Network, default_route: bool, *addresses: str | None) -> tuple[str | None, ...]:
    """The next hop of the default route for each address; internal networks lead nowhere."""
    leads_out = default_route and not network.internal
    subnets = [subnet_of(network, address) if address and leads_out else None for address in addresses]
    return tuple(subnet.gateway if subnet else None for subnet in subnets)


def leads_over_link(network: Network, default_route: bool) -> bool:
    """Whether the default routes of an endpoint lead over its link without a next hop; internal networks lead nowhere."""
    return network.is_routed and default_route and not network.internal


def reservations(network: Network) -> t.Iterator[Lease]:
    """The addresses that a network itself reserves: gateways, which networks with the same subnet share, and aux addresses."""
    for subnet in network.subnets:
        if subnet.gateway is not None:
            # One that is outside of its subnet may lie in another one of the network.
            within = subnet_of(network, subnet.gateway) or subnet
            yield Lease(within.pool, subnet.gateway, f"gateway of {subnet.subnet}")
        for key, address in subnet.aux_addresses.items():
            yield Lease(subnet.pool, address, f"aux address {key} of network {network.name}")


def held_by(endpoint: Endpoint, network: Network) -> t.Iterator[Lease]:
    """The leases of an endpoint's addresses."""
    for address in endpoint.addresses:
        subnet = subnet_of(network, address)
        if subnet is not None and not is_gateway_of_host(endpoint, subnet, without_prefix(address)):
            yield Lease(subnet.pool, without_prefix(address), endpoint.title)


def is_gateway_of_host(endpoint: Endpoint, subnet: Subnet, address: str) -> bool:
    """Whether an address of the host in a network is the gateway there, whose lease it then has."""
    return endpoint.host_access is not None and subnet.gateway == address


class LeaseStore(t.Protocol):
    """A source of leases."""

    def held(self) -> t.Iterator[Lease]:
        """All leases before the plan; if an address is shared, its first holder comes first."""


class RecordedLeases(t.NamedTuple):
    """The leases of this host, which follow from the networks and endpoints that are recorded."""

    networks: t.Mapping[str, Network]
    endpoints: t.Mapping[t.Any, Endpoint]

    def held(self) -> t.Iterator[Lease]:
        """Those of networks, then those of endpoints."""
        for network in self.networks.values():
            yield from reservations(network)
        for endpoint in self.endpoints.values():
            yield from held_by(endpoint, self.networks[endpoint.network])


class Leases:
    """The leases during planning.

    An address has one holder, except gateways, which networks may share.

    :param store: the leases before the plan
    """

    def __init__(self, store: LeaseStore) -> None:
        self._holders: dict[tuple[str, str], list[str]] = {}
        self._taken: dict[str, AddressSet] = {}
        self._hold(store.held())
        numbers: dict[str, list[int]] = {}
        for pool, address in self._holders:
            numbers.setdefault(pool, []).append(inet.number(address))
        self._taken = {pool: AddressSet(values) for pool, values in numbers.items()}

    def taken(self, pool: str) -> AddressSet:
        """The held addresses of a pool; callers must not change the set."""
        return self._taken.get(pool, _NONE)

    def holder(self, pool: str, address: str) -> str | None:
        """Who holds an address."""
        return next(iter(self._holders.get((pool, address), ())), None)

    def take(self, leases: t.Iterable[Lease]) -> None:
        for lease in self._hold(leases):
            self._taken.setdefault(lease.pool, AddressSet()).add(inet.number(lease.address))

    def _hold(self, leases: t.Iterable[Lease]) -> list[Lease]:
        """Store the holders; return the leases whose address was free."""
        fresh = []
        for lease in leases:
            holders = self._holders.setdefault((lease.pool, lease.address), [])
            if not holders:
                fresh.append(lease)
            holders.append(lease.holder)
        return fresh

    def release(self, leases: t.Iterable[Lease]) -> None:
        for lease in leases:
            holders = self._holders[lease.pool, lease.address]
            holders.remove(lease.holder)
            if not holders:
                del self._holders[lease.pool, lease.address]
                self._taken[lease.pool].discard(inet.number(lease.address))


_NONE = AddressSet()
