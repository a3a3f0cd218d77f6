# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for declared endpoints: their intended state, and whether they have it."""

from __future__ import annotations

from ..compare.differences import (
    missing_connected_routes,
    of_addresses,
    of_endpoint_link,
    of_loopback,
    of_routes,
    of_settings,
    of_vrf,
)
from ..compare.ownership import find_link_of_lost_record, has_tag_of_its_name, is_still_ours, link_of
from ..errors import PlanError
from ..ipam.lease_book import subnet_of
from ..ipam.mac import mac_of_ipv4
from ..model.endpoint import Endpoint
from ..model.kernel import Space
from ..model.links import Link
from ..model.netns import HOST, Netns
from ..model.network import Network
from ..request.endpoint import EndpointOptions
from ..values import names
from ..values.addresses import WIDTHS, prefix_length, version_of, without_prefix
from .builder import PlanBuilder
from .endpoint_addresses import resolve_endpoint
from .endpoint_checks import check_namespace, check_neighbours, check_not_moved, check_settings
from .mistakes import Mistakes


def plan_endpoint(builder: PlanBuilder, wanted: EndpointOptions) -> None:
    """Plan a declared endpoint; the parent of its network must exist.

    :raises PlanError: it cannot be created, or a necessary change is impossible
    """
    network = builder.networks.get(wanted.network)
    if network is None:
        raise PlanError(f"{wanted.title}: there is no network {wanted.network} on this host")
    recorded = builder.original_endpoint((wanted.network, wanted.name))
    parent = builder.host.links[network.parent]
    _warn_of_filter(builder, network, parent)
    mistakes = Mistakes(wanted.title)
    with mistakes:
        check_namespace(builder, wanted)
        if recorded is not None:
            check_not_moved(builder, recorded, wanted)
    # If the namespace is wrong, its content need not be checked.
    namespace_is_usable = not mistakes
    with mistakes:
        check_settings(builder, wanted)
    if recorded is not None:
        builder.drop_endpoint(recorded.key)  # so that it does not conflict with itself; added again below
    known = recorded or _endpoint_of_lost_record(builder, wanted, network, parent)
    endpoint = resolve_endpoint(builder, wanted, known, network, parent, mistakes)
    if recorded == endpoint:
        # The same object keeps what was worked out for it.
        endpoint = recorded
    own = link_of(builder, known) if known is not None and namespace_is_usable else None
    if namespace_is_usable:
        _make_room(builder, endpoint)
        with mistakes:
            check_neighbours(builder, endpoint, own, recorded.vrf if recorded is not None else None)
            _check_vrf(builder, endpoint, recorded, own)
        with mistakes:
            _plan_dns(builder, endpoint, recorded)
    mistakes.check()
    network = builder.followed.get(network.name, network)
    if recorded is endpoint and _is_right(builder, endpoint, network, own):
        _keep(builder, endpoint, network)
        return
    # An endpoint without differences needs none of the code that makes steps.
    from .endpoint_changes import change_endpoint

    change_endpoint(builder, wanted, endpoint, recorded, known, network)


def _keep(builder: PlanBuilder, endpoint: Endpoint, network: Network) -> None:
    """Keep an endpoint that is in the kernel as it is recorded, and note it if no step of the plan has made it so.

    :param network: what it was compared with
    """
    builder.put_endpoint(endpoint)
    # Name servers are compared after all requests.
    is_compared = endpoint.dns is None and builder.recorded.networks.get(network.name) == network
    if is_compared and builder.is_as_read(HOST) and builder.is_as_read(endpoint.netns):
        builder.right.add(endpoint.ref)


def _warn_of_filter(builder: PlanBuilder, network: Network, parent: Link) -> None:
    """Warn if a bridge drops the frames of endpoints; few hosts have a bridge that filters VLANs."""
    if builder.kernel.bridges:
        from .bridge import warn_of_filter

        warn_of_filter(builder, network.title, parent)


def _check_vrf(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint | None, own: Link | None) -> None:
    """Refuse what its VRF does not allow; most endpoints are in none, and their links have no master."""
    if endpoint.vrf is None and (own is None or own.master is None):
        return
    from .vrf_checks import check_own_vrf, check_vrf

    check_own_vrf(builder, endpoint, own)
    if recorded is not None:
        check_vrf(builder, endpoint, recorded, own)


def _plan_dns(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint | None) -> None:
    """Have the name servers of namespaces follow; most endpoints have none."""
    if endpoint.dns is not None:
        from .resolver import check_dns

        check_dns(builder, endpoint)
    for item in (recorded, endpoint):
        builder.touch_resolver(item)


def _make_room(builder: PlanBuilder, endpoint: Endpoint) -> None:
    """Take from endpoints that are planned later what they give up and this one needs."""
    if builder.pending and builder.originals:
        from .room import take_leaving_addresses

        take_leaving_addresses(builder, endpoint)
    if any(other.ref in builder.pending for other in builder.endpoints_in(endpoint.netns)):
        from .room import make_room_in_namespace

        make_room_in_namespace(builder, endpoint)


def _is_right(builder: PlanBuilder, endpoint: Endpoint, network: Network, link: Link | None) -> bool:
    """Whether an endpoint and its namespace are as they are recorded."""
    space = builder.space(endpoint.netns)
    if space is None or link is None or not _is_namespace_right(builder, endpoint.netns, space):
        return False
    return not (
        of_endpoint_link(endpoint, network, builder.host.links.get(network.parent), link, builder.kernel.missing_link_options)
        or of_vrf(endpoint, space, link)
        or endpoint.sysctls_before.keys() - endpoint.sysctls.keys()
        or of_settings(endpoint, space, builder.kernel.has_ipv6)
        or any(of_addresses(endpoint, network, space, link, endpoint.addresses))
        or any(missing_connected_routes(endpoint, space, link))
        or any(of_routes(endpoint, space, link, endpoint.all_routes))
    )


def _is_namespace_right(builder: PlanBuilder, netns: Netns, space: Space) -> bool:
    """Whether the namespace matches the record, or is foreign."""
    owned = builder.owned_namespace(netns)
    if owned is None:
        return not has_tag_of_its_name(netns, space.links.get("lo"), builder.kernel.host)
    return not of_loopback(owned, space) and is_still_ours(builder, netns, space, owned)


def _endpoint_of_lost_record(builder: PlanBuilder, wanted: EndpointOptions, network: Network, parent: Link) -> Endpoint | None:
    """The state of an unrecorded endpoint whose link carries its tag, because its record was lost.

    It keeps its addresses, unless another endpoint has them by now. Other programs may have added addresses of the same subnet;
    the one from which the MAC address was derived comes first.
    """
    identifier = names.endpoint_id(builder.kernel.host, wanted.network, wanted.name)
    space = builder.space(wanted.netns)
    link = find_link_of_lost_record(space, identifier, wanted.netns, parent, network.kind) if space is not None else None
    if space is None or link is None:
        return None
    kept: dict[int, str] = {}
    further: list[str] = []
    for address in sorted(space.addresses.get(link.index, ()), key=lambda item: (_mac_of(item) != link.mac, item)):
        subnet = subnet_of(network, address)
        # Our addresses have the prefix length of their subnet; a virtual address of VRRP has another.
        length = WIDTHS[version_of(address)] if wanted.host_access else prefix_length(subnet.subnet) if subnet is not None else None
        if subnet is not None and prefix_length(address) != length:
            continue
        if subnet is not None and builder.leases.holder(subnet.pool, without_prefix(address)) is None:
            if without_prefix(address) in wanted.addresses:
                further.append(address)
            else:
                kept.setdefault(version_of(address), address)
    return Endpoint(
        identifier,
        wanted.name,
        wanted.network,
        wanted.netns,
        link.name,
        link.mac,
        link.mtu,
        kept.get(4),
        kept.get(6),
        further=tuple(further),
    )


def _mac_of(address: str) -> str | None:
    """The MAC address that is derived from an IPv4 address."""
    return mac_of_ipv4(without_prefix(address)) if version_of(address) == 4 else None
