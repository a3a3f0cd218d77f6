# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subnets of a network: which are chosen, what they may overlap, and what a change means for endpoints."""

from __future__ import annotations

import dataclasses
import typing as t

from ..errors import PlanError
from ..ipam.lease_book import reservations, subnet_of
from ..ipam.slices import outside_of_slices
from ..ipam.subnets import DEFAULT_POOLS, choose_subnet, exclusion_of, infer_gateway, ula_prefix
from ..model.endpoint import Endpoint
from ..model.network import Network, Subnet
from ..model.ref import ENDPOINT, NETWORK, host_access_ref
from ..request.endpoint import EndpointOptions
from ..request.network import NetworkOptions
from ..values.addresses import block_of, parse_network, prefix_length, version_of, without_prefix
from .builder import PlanBuilder
from .mistakes import Mistakes
from .replacement import refusal


def check_lost_subnets(builder: PlanBuilder, recorded: Network, network: Network, wanted: NetworkOptions) -> None:
    """Refuse to remove, or to change the size of, subnets in which endpoints have addresses.

    :raises PlanError: naming the subnets and the endpoints
    """
    kept = {subnet.subnet for subnet in network.subnets}
    mistakes = Mistakes(network.title)
    for subnet in recorded.subnets:
        holders = [
            endpoint
            for endpoint in builder.endpoints_of(recorded.name)
            if endpoint.host_access is None and any(subnet_of(recorded, address) == subnet for address in endpoint.addresses)
        ]
        if subnet.subnet not in kept and holders:
            with mistakes:
                text = f"subnets {_advice_to_lose(wanted)} lose {subnet.subnet}, which has leases and cannot go"
                raise refusal(network.ref, "subnets", text, [item.name for item in holders], _advice_to_keep(recorded, wanted))
    mistakes.check()


def _advice_to_lose(wanted: NetworkOptions) -> str:
    # Without addresses no subnets are asked for.
    return "would" if wanted.subnets or wanted.ipam == "none" else "was left out or empty, and the network would"


def _advice_to_keep(recorded: Network, wanted: NetworkOptions) -> str:
    if wanted.subnets or wanted.ipam == "none":
        return ""
    cidrs = " and ".join(subnet.subnet for subnet in recorded.subnets)
    return f"; to keep the addresses, give {cidrs} again, with their other options"


def settled_subnets(
    builder: PlanBuilder, wanted: NetworkOptions, recorded: Network | None, identifier: str, mistakes: Mistakes
) -> tuple[Subnet, ...]:
    """The subnets of a network, complete: chosen ones, gateways, and the networks with which they share leases."""
    if wanted.ipam == "none":
        return ()
    subnets: list[Subnet] = []
    for subnet in wanted.subnets:
        settled = subnet
        with mistakes:
            settled = _settled(builder, wanted, subnet, recorded, identifier)
        subnets.append(settled)
    if not wanted.subnets:
        with mistakes:
            subnets.append(_chosen(builder, wanted, recorded, 4))
    if wanted.ipv6 and not any(version_of(subnet.subnet) == 6 for subnet in subnets):
        with mistakes:
            subnets.append(_chosen(builder, wanted, recorded, 6))
    return tuple(subnets)


def _settled(
    builder: PlanBuilder, wanted: NetworkOptions, subnet: Subnet, recorded: Network | None, identifier: str
) -> Subnet:
    """A given subnet with its scope: an old one keeps it, a new one must not overlap.

    A subnet that was chosen, and is given now as it was chosen, is still a chosen one.
    """
    of_network = recorded.subnets if recorded is not None else ()
    before = next((item for item in of_network if item.subnet == subnet.subnet), None)
    if before is not None:
        # A network with a new name keeps its leases apart under its new id.
        scope = _scope_now(builder, wanted, before)
        is_own = recorded is not None and scope == recorded.id
        settled = dataclasses.replace(subnet, scope=identifier if is_own else scope)
        if dataclasses.replace(settled, chosen=before.chosen, scope=before.scope) == before:
            return dataclasses.replace(before, scope=settled.scope)
        if subnet.ranges != before.ranges:
            _check_overlap(builder, wanted, settled, same_pool_only=True)
        return settled
    if wanted.allow_overlap:
        return dataclasses.replace(subnet, scope=identifier)
    _check_overlap(builder, wanted, subnet, same_pool_only=False)
    return subnet


def _scope_now(builder: PlanBuilder, wanted: NetworkOptions, before: Subnet) -> str:
    """The scope of a recorded subnet: an earlier request of the plan may need it to be apart."""
    network = builder.networks.get(wanted.name)
    subnets = network.subnets if network is not None else ()
    return next((item.scope for item in subnets if item.subnet == before.subnet), before.scope)


def _check_overlap(builder: PlanBuilder, wanted: NetworkOptions, subnet: Subnet, same_pool_only: bool) -> None:
    for network in builder.networks.values():
        for other in network.subnets:
            if network.name == wanted.name or same_pool_only and other.pool != subnet.pool:
                continue
            if not block_of(subnet.subnet).overlaps(block_of(other.subnet)) or _shares(subnet, other):
                continue
            pending = builder.pending.get(network.ref)
            if pending is not None and pending.allow_overlap:
                continue  # the later one of two requests needs the permission
            raise PlanError(
                f"{wanted.title}: subnet {_with_range(subnet)} overlaps {_with_range(other)} of {network.title}; "
                f"networks may share one subnet with ip_ranges apart from each other, "
                f"or be separate broadcast domains with allow_overlap: true"
            )


def _shares(one: Subnet, other: Subnet) -> bool:
    return one.subnet == other.subnet and not any(
        block_of(mine).overlaps(block_of(theirs)) for mine in one.ranges for theirs in other.ranges
    )


def _with_range(subnet: Subnet) -> str:
    if subnet.ip_ranges or subnet.slices is None:
        return f"{subnet.subnet} (ip_range {' and '.join(subnet.ip_ranges)})" if subnet.ip_ranges else subnet.subnet
    return f"{subnet.subnet} (slices {' and '.join(subnet.owned_slices) or 'none'})"


def _chosen(builder: PlanBuilder, wanted: NetworkOptions, recorded: Network | None, version: int) -> Subnet:
    """The subnet that was chosen before, else a free one of the pools."""
    earlier = (subnet for subnet in (recorded.subnets if recorded else ()) if subnet.chosen and not must_yield(builder, wanted, subnet))
    cidr = next((subnet.subnet for subnet in earlier if version_of(subnet.subnet) == version), None)
    if cidr is None:
        pools = [pool for pool in wanted.address_pools if version_of(pool[0]) == version]
        if version == 4 and wanted.address_pools and not pools:
            raise PlanError(f"{wanted.title}: address_pools has no IPv4 pool to choose from; add one, or give subnets")
        default = DEFAULT_POOLS if version == 4 else ((ula_prefix(builder.identity.uuid), 64),)
        cidr = choose_subnet(pools or default, _occupied(builder))
        if cidr is None:
            raise PlanError(
                f"{wanted.title}: no IPv{version} subnet of {', '.join(base for base, dummy in pools or default)} "
                f"is free; give subnets, or other address_pools"
            )
    gateway = infer_gateway(cidr) if wanted.infers_gateway else None
    return Subnet(cidr, gateway, gateway is not None, chosen=True)


def must_yield(builder: PlanBuilder, wanted: NetworkOptions, subnet: Subnet) -> bool:
    """Whether a chosen subnet must be chosen again, because another request names one that overlaps it."""
    return wanted.replace and any(block_of(subnet.subnet).overlaps(block_of(other)) for other in builder.expected_subnets)


def free_subnets(builder: PlanBuilder, network: Network, wanted: NetworkOptions) -> None:
    """Free the subnets, gateways and aux addresses that a network does not keep."""
    kept = tuple(_kept_subnets(builder, network, wanted))
    if kept != network.subnets:
        builder.originals.setdefault(network.ref, network)
        builder.put_network(dataclasses.replace(network, subnets=kept))


def _kept_subnets(builder: PlanBuilder, network: Network, wanted: NetworkOptions) -> t.Iterator[Subnet]:
    requested = {subnet.subnet: subnet for subnet in wanted.subnets}
    for subnet in network.subnets if wanted.ipam != "none" else ():
        request = requested.get(subnet.subnet)
        if request is not None:
            aux = {name: address for name, address in subnet.aux_addresses.items() if request.aux_addresses.get(name) == address}
            gateway = subnet.gateway if request.gateway == subnet.gateway else None
            scope = network.id if wanted.allow_overlap and _must_be_apart(builder, wanted, request) else subnet.scope
            yield dataclasses.replace(
                subnet, gateway=gateway, aux_addresses=aux, ip_range=None, ip_ranges=request.ip_ranges, slices=request.slices, scope=scope
            )
        elif subnet.chosen and _is_still_chosen(subnet, wanted) and not must_yield(builder, wanted, subnet):
            yield subnet


def _must_be_apart(builder: PlanBuilder, wanted: NetworkOptions, subnet: Subnet) -> bool:
    """Whether another declared network has addresses of a subnet, so that the leases of both must be apart."""
    return any(
        block_of(other.subnet).overlaps(block_of(subnet.subnet)) and not _shares(other, subnet)
        for request in builder.coming.values()
        if request.ref.kind == NETWORK and request.name != wanted.name
        for other in request.subnets
    )


def _is_still_chosen(subnet: Subnet, wanted: NetworkOptions) -> bool:
    """Whether a network is still declared without subnets of a family."""
    if version_of(subnet.subnet) == 4:
        return not wanted.subnets
    return bool(wanted.ipv6) and not any(version_of(item.subnet) == 6 for item in wanted.subnets)


def _occupied(builder: PlanBuilder) -> list[str]:
    """The networks that a chosen subnet must not overlap: recorded subnets, and those that the host reaches through its own links."""
    occupied = [subnet.subnet for network in builder.networks.values() for subnet in network.subnets]
    occupied += builder.expected_subnets
    addresses = [parse_network(cidr)[0] for listed in builder.host.addresses.values() for cidr in listed]
    routes = [route.to for listed in builder.host.routes.values() for route in listed if prefix_length(route.to)]
    return occupied + addresses + routes


_ADVICE_TO_EVICT = (
    "; use another address, or add replace: true, which gives that endpoint another one and interrupts its traffic"
)


def check_reservations(builder: PlanBuilder, network: Network, replace: bool) -> None:
    """Gateways and aux addresses must be free; a gateway may be shared with a network of the same subnet.

    :param replace: whether an endpoint that has such an address may get another one
    :raises PlanError: naming the holders
    """
    recorded = builder.networks.get(network.name)
    before = tuple(reservations(recorded)) if recorded else ()
    builder.leases.release(before)
    mistakes = Mistakes(network.title)
    for lease in reservations(network):
        holder = builder.leases.holder(lease.pool, lease.address)
        shared_gateway = holder == lease.holder and holder.startswith("gateway of ")
        # The host gives up an address of its own, or it is the gateway.
        is_of_host = holder == host_access_ref(network.name).title
        if holder is not None and not shared_gateway and not is_of_host and not _taken_back(builder, holder, lease.address, replace):
            with mistakes:
                advice = _ADVICE_TO_EVICT if holder.startswith(f"{ENDPOINT} ") else ""
                raise PlanError(f"{network.title}: {lease.address} cannot be the {lease.holder}: it is held by {holder}{advice}")
    builder.leases.take(before)
    mistakes.check()


def warn_of_kept(builder: PlanBuilder, network: Network) -> None:
    """Warn of endpoints that keep an address which is excluded, or not the host's any more: other machines may rely on it."""
    if not network.segment and not any(subnet.exclude for subnet in network.subnets):
        return
    for endpoint in builder.endpoints_of(network.name):
        for address in endpoint.addresses:
            warn_if_wrong(builder, endpoint, network, without_prefix(address))


def warn_if_wrong(builder: PlanBuilder, holder: Endpoint | EndpointOptions, network: Network, address: str) -> None:
    """Warn that an endpoint keeps an address, if that is excluded or not the host's any more."""
    title = holder.title
    outside = outside_of_slices(network, address, holder.host_access is not None)
    if outside is not None:
        builder.warn(f"{title}: it keeps {address}, which is {outside}")
    subnet = subnet_of(network, address)
    item = exclusion_of(subnet, address) if subnet is not None else None
    if subnet is not None and item is not None:
        builder.warn(f"{title}: it keeps {address}, which {item} in exclude of {subnet.subnet} of {network.title} excludes")


def _taken_back(builder: PlanBuilder, holder: str, address: str, replace: bool) -> bool:
    """Whether an address was taken from the endpoint that held it."""
    from .room import evict, take_address

    return take_address(builder, holder, address) or replace and evict(builder, holder, address)
