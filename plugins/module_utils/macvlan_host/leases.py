# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds which address: the leases that follow from networks and endpoints."""

from __future__ import annotations

import typing as t

from . import ipam
from .model import Endpoint, Lease, Network, Record, Subnet


def subnet_of(network: Network, address: str) -> Subnet | None:
    """The subnet of the network in which an address (with or without prefix length) lies."""
    plain = ipam.without_prefix(address)
    return next((subnet for subnet in network.subnets if plain in ipam.block(subnet.subnet)), None)


def reservations(network: Network) -> t.Iterator[Lease]:
    """What a network itself takes: gateways, which networks with the same subnet share, and aux addresses."""
    for subnet in network.subnets:
        if subnet.gateway is not None:
            yield Lease(subnet.pool, subnet.gateway, f"gateway of {subnet.subnet}")
        for key, address in subnet.aux_addresses.items():
            yield Lease(subnet.pool, address, f"aux address {key} of network {network.name}")


def held_by(endpoint: Endpoint, network: Network) -> t.Iterator[Lease]:
    """The leases of an endpoint's addresses."""
    for address in endpoint.addresses:
        subnet = subnet_of(network, address)
        if subnet is not None:
            yield Lease(subnet.pool, ipam.without_prefix(address), endpoint.title)


def leases_of(record: Record) -> tuple[Lease, ...]:
    """All leases of a host; a gateway that networks share is one."""
    found = [lease for network in record.networks.values() for lease in reservations(network)]
    for endpoint in record.endpoints.values():
        found += held_by(endpoint, record.networks[endpoint.network])
    return tuple(dict.fromkeys(found))


class Leases:
    """The leases while a plan is made: pool → address as a number → holders.

    There is one holder to an address, but for gateways, which networks may share.
    """

    def __init__(self, record: Record) -> None:
        self._pools: dict[str, dict[int, list[str]]] = {}
        for network in record.networks.values():
            self.take(reservations(network))
        for endpoint in record.endpoints.values():
            self.take(held_by(endpoint, record.networks[endpoint.network]))

    def taken(self, pool: str) -> t.AbstractSet[int]:
        """The addresses of a pool that are held, as numbers."""
        return self._pools.get(pool, {}).keys()

    def holder(self, pool: str, address: str) -> str | None:
        """Who holds an address."""
        return next(iter(self._pools.get(pool, {}).get(ipam.number(address)[1], ())), None)

    def take(self, leases: t.Iterable[Lease]) -> None:
        for lease in leases:
            self._pools.setdefault(lease.pool, {}).setdefault(ipam.number(lease.address)[1], []).append(lease.holder)

    def release(self, leases: t.Iterable[Lease]) -> None:
        for lease in leases:
            value = ipam.number(lease.address)[1]
            holders = self._pools[lease.pool][value]
            holders.remove(lease.holder)
            if not holders:
                del self._pools[lease.pool][value]
