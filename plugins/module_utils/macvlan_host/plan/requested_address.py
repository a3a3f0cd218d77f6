# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An address that an endpoint asks for: whether it can have it."""

from __future__ import annotations

from ..errors import PlanError
from ..ipam.lease_book import subnet_of
from ..ipam.subnets import exclusion_of, usable
from ..model.endpoint import Endpoint
from ..model.network import Network, Subnet
from ..request.endpoint import EndpointOptions
from ..values import names
from ..values.addresses import block_of, prefix_length, version_of, without_prefix
from .builder import PlanBuilder
from .claims import check_request, warn_of_kept


def requested_address(
    builder: PlanBuilder,
    wanted: EndpointOptions,
    recorded: Endpoint | None,
    network: Network,
    subnets: tuple[Subnet, ...],
    option: str,
    address: str,
) -> str:
    """A requested address with the prefix length of its subnet.

    :param option: that asks for it
    :raises PlanError: the endpoint cannot have it
    """
    given = _requested(builder, wanted, network, subnets, option, address)
    _check_length(wanted, option, given)
    if recorded is not None and address in map(without_prefix, recorded.addresses):
        warn_of_kept_address(builder, wanted, network, given, tag_of(builder, wanted))
    else:
        _check_not_excluded(wanted.title, network, option, address)
        _check_in_slices(wanted, network, option, address)
        check_request(builder, wanted.title, option, address, tag_of(builder, wanted))
    return given


def _requested(
    builder: PlanBuilder, wanted: EndpointOptions, network: Network, subnets: tuple[Subnet, ...], option: str, address: str
) -> str:
    title = wanted.title
    subnet = next((subnet for subnet in subnets if address in block_of(subnet.subnet)), None)
    if subnet is None:
        shown = ", ".join(subnet.subnet for subnet in subnets) or "no subnet of this family"
        raise PlanError(f"{title}: {option}: {address} is in no subnet that this endpoint may use; {network.title} has {shown}")
    if address not in usable(subnet.subnet):
        kind = "network or broadcast address" if version_of(address) == 4 else "subnet-router anycast address"
        raise PlanError(f"{title}: {option}: {address} is the {kind} of {subnet.subnet}, which no endpoint can have; use another")
    holder = builder.leases.holder(subnet.pool, address)
    is_gateway = wanted.host_access is not None and address == subnet.gateway
    if holder is not None and not is_gateway and not _is_released(builder, holder, address):
        instead = f", or leave {option} out to have one chosen" if address not in wanted.addresses else ""
        advice = _advice_to_replace(builder, holder, address) if wanted.host_access is None else ""
        raise PlanError(f"{title}: {option}: {address} is held by {holder}; use another{instead}{advice}")
    return with_length(address, subnet)


def _advice_to_replace(builder: PlanBuilder, holder: str, address: str) -> str:
    """The end of the message about an address that a listed endpoint has, which requests none."""
    listed = next((request for ref, request in builder.coming.items() if ref.title == holder), None)
    is_listed = isinstance(listed, EndpointOptions) and listed.first_address(version_of(address)) is None
    return f"; or add replace: true, which gives {holder} another address" if is_listed else ""


def _is_released(builder: PlanBuilder, holder: str, address: str) -> bool:
    """Whether the holder of an address is an endpoint that is planned later and gives it up."""
    from .room import take_address

    return take_address(builder, holder, address)


def _check_length(wanted: EndpointOptions, option: str, given: str) -> None:
    """Refuse an address that was given with another prefix length than that of its subnet.

    :param given: the address with the prefix length of its subnet
    :raises PlanError: naming both
    """
    length = wanted.prefix_lengths.get(without_prefix(given))
    if length is not None and length != prefix_length(given):
        raise PlanError(
            f"{wanted.title}: {option}: {without_prefix(given)}/{length} has another prefix length than its subnet, which has "
            f"/{prefix_length(given)}; write {without_prefix(given)} or {given}"
        )


def _check_not_excluded(title: str, network: Network, option: str, address: str) -> None:
    """Refuse a requested address that is excluded.

    :raises PlanError: naming the exclusion
    """
    subnet = subnet_of(network, address)
    item = exclusion_of(subnet, address) if subnet is not None else None
    if subnet is not None and item is not None:
        raise PlanError(
            f"{title}: {option}: {address} is excluded by {item} in exclude of {subnet.subnet} of {network.title}; use another, or "
            f"change exclude there"
        )


def _check_in_slices(wanted: EndpointOptions, network: Network, option: str, address: str) -> None:
    """Refuse a requested address that another host of the segment may have.

    :raises PlanError: naming the slices
    """
    if not network.segment:
        return
    from ..ipam.slices import outside_of_slices

    outside = outside_of_slices(network, address, wanted.host_access is not None)
    if outside is not None:
        raise PlanError(
            f"{wanted.title}: {option}: {address} is {outside}; use an address of this host's slices, or have macvlan_fleet give this host the "
            f"slice of {address}, by its place"
        )


def tag_of(builder: PlanBuilder, wanted: EndpointOptions) -> str:
    return names.tag(names.endpoint_id(builder.kernel.host, wanted.network, wanted.name))


def warn_of_kept_address(builder: PlanBuilder, wanted: EndpointOptions, network: Network, address: str, tag: str) -> None:
    """Warn of a kept address that is in use elsewhere, excluded, or not the host's any more."""
    warn_of_kept(builder, wanted.title, address, tag)
    if network.segment or any(subnet.exclude for subnet in network.subnets):
        from .subnets import warn_if_wrong

        warn_if_wrong(builder, wanted, network, without_prefix(address))


def subnets_of_family(network: Network, version: int) -> tuple[Subnet, ...]:
    """The subnets of one family that a network has."""
    return tuple(subnet for subnet in network.subnets if version_of(subnet.subnet) == version)


def with_length(address: str, subnet: Subnet) -> str:
    return f"{address}/{prefix_length(subnet.subnet)}"
