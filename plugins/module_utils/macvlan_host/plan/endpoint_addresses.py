# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses of an endpoint, and what goes with them: MAC address, mtu, gateways and routes."""

from __future__ import annotations

import typing as t

from ..compare.ownership import find_link
from ..compare.wanted_settings import needs_ipv6, switches_ipv6_off
from ..errors import PlanError
from ..ipam.address_set import AddressSet
from ..ipam.lease_book import gateways_of, subnet_of
from ..ipam.mac import is_derived, mac_of_ipv4, mac_of_names
from ..ipam.subnets import exclusion_of, usable
from ..model.endpoint import Endpoint
from ..model.host_routes import host_routes
from ..model.links import Link
from ..model.netns import HOST
from ..model.network import Network, Subnet
from ..model.record import Lease
from ..model.route import Route
from ..request.endpoint import EndpointOptions
from ..request.problems import MIN_MTU_IPV6
from ..values import inet, names
from ..values.addresses import WIDTHS, block_of, prefix_length, version_of, without_prefix
from ..wire.kinds import kind_of
from .builder import PlanBuilder
from .choice import choose_address
from .claims import check_request, warn_of_default_routes, warn_of_kept
from .mistakes import Mistakes
from .without_addresses import check_without_addresses


def resolve_endpoint(
    builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None, network: Network, parent: Link, mistakes: Mistakes
) -> Endpoint:
    """The endpoint, with a value for everything that the task left open.

    :param mistakes: collects the refusals; the endpoint then lacks the refused value
    """
    decided: dict[int, str | None] = {}
    for version in (4, 6):
        with mistakes:
            decided[version] = _address(builder, wanted, recorded, network, version)
    ipv4, ipv6, mac = decided.get(4), decided.get(6), recorded.mac if recorded else ""
    # A MAC address that is derived from an address is not known without it.
    if wanted.mac is not None or kind_of(network).takes_parent(network.mode) or 4 in decided:
        with mistakes:
            mac = _mac(builder, wanted, recorded, network, parent, ipv4)
    mtu = parent.mtu
    with mistakes:
        mtu = mtu_of(wanted.title, wanted.mtu, network, parent, ipv6, wanted.sysctls)
    gateway4, gateway6 = gateways_of(network, wanted.takes_default_route, ipv4, ipv6)
    endpoint = Endpoint(
        id=_id(builder, wanted, recorded),
        name=wanted.name,
        network=wanted.network,
        netns=wanted.netns,
        ifname=wanted.ifname,
        mac=mac,
        mtu=mtu,
        ipv4=ipv4,
        ipv6=ipv6,
        gateway4=gateway4,
        gateway6=gateway6,
        default_route=wanted.takes_default_route,
        own_mtu=wanted.mtu,
        announce=wanted.announce,
        routes=_routes(builder, wanted, network, ipv4, ipv6),
        sysctls=wanted.sysctls,
        sysctls_before=_sysctls_before(builder, wanted, recorded),
        labels=wanted.labels,
        own_exclusive=wanted.exclusive,
        own_probe=wanted.probe,
        own_mac=_own_mac(wanted, recorded, network),
        host_access=wanted.host_access,
        vrf=wanted.vrf,
    )
    check_without_addresses(mistakes, endpoint, network)
    with mistakes:
        _check_routes(endpoint, {4, 6} - decided.keys(), network)
    warn_of_default_routes(builder, endpoint, network)
    return endpoint


def _id(builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None) -> str:
    if recorded is not None and wanted.ref not in builder.new_names:
        return recorded.id
    return names.object_id(builder.kernel.host, "endpoint", wanted.network, wanted.name)


def _routes(builder: PlanBuilder, wanted: EndpointOptions, network: Network, *addresses: str | None) -> tuple[Route, ...]:
    """The routes of a task; those of the host follow from the endpoints of the network."""
    if wanted.host_access is None:
        return wanted.routes
    versions = {version_of(address) for address in addresses if address is not None}
    return host_routes(wanted.host_access, versions, network, builder.endpoints_of(network.name))


def _check_routes(endpoint: Endpoint, undecided: t.Container[int], network: Network) -> None:
    """Refuse the routes of a task; most endpoints have none beside their default routes, which are right."""
    if endpoint.routes and endpoint.host_access is None:
        from .endpoint_routes import check_routes

        check_routes(endpoint, undecided, network)


def _address(
    builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None, network: Network, version: int
) -> str | None:
    """The address of one family with prefix length: the requested one, else the one it has, else the next."""
    title = wanted.title
    requested = wanted.ipv4 if version == 4 else wanted.ipv6
    subnets = _subnets(title, wanted, network, version)
    kept = recorded and (recorded.ipv4 if version == 4 else recorded.ipv6)
    tag = names.tag(names.object_id(builder.kernel.host, "endpoint", wanted.network, wanted.name))
    if requested is not None:
        given = _requested(builder, wanted, network, subnets, requested)
        check_length(wanted, given)
        if kept and without_prefix(kept) == requested:
            _warn_of_kept(builder, title, network, given, tag)
        else:
            _check_not_excluded(title, network, wanted.option_of_address(version), requested)
            check_request(builder, title, wanted.option_of_address(version), requested, tag)
        return _of_interface(wanted, given)
    if not subnets:
        return None
    subnet_of_kept = next((subnet for subnet in subnets if kept and without_prefix(kept) in usable(subnet.subnet)), None)
    if kept and subnet_of_kept is not None and _is_kept(builder, wanted, subnet_of_kept, without_prefix(kept)):
        _warn_of_kept(builder, title, network, kept, tag)
        return _of_interface(wanted, _with_length(without_prefix(kept), subnet_of_kept))
    chosen = choose_address(builder, wanted.ref, network, subnets, _asked_for_later(builder, wanted, version))
    if chosen is not None:
        return _of_interface(wanted, chosen)
    from .full_subnet import no_address_is_left  # the message alone

    raise PlanError(f"{title}: {no_address_is_left(builder, network, subnets, version)}")


def _warn_of_kept(builder: PlanBuilder, title: str, network: Network, address: str, tag: str) -> None:
    """Warn of a kept address that is in use elsewhere, or excluded."""
    warn_of_kept(builder, title, address, tag)
    if any(subnet.exclude for subnet in network.subnets):
        from .subnets import warn_if_excluded

        warn_if_excluded(builder, title, network, without_prefix(address))


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


def _is_kept(builder: PlanBuilder, wanted: EndpointOptions, subnet: Subnet, address: str) -> bool:
    """Whether an endpoint keeps its address; with ``replace`` it gets another one if something else needs that address."""
    if wanted.host_access is not None:
        # The address of the gateway is the host's only if its task asks for it.
        is_asked = inet.number(address) in _asked_for_later(builder, wanted, version_of(address))
        return builder.leases.holder(subnet.pool, address) is None and not (wanted.replace and is_asked)
    return not wanted.replace or builder.leases.holder(subnet.pool, address) is None


def _asked_for_later(builder: PlanBuilder, wanted: EndpointOptions, version: int) -> AddressSet:
    """The addresses that requests for endpoints of the same plan name, which is not known yet when the host gets its address."""
    if wanted.host_access is None:
        return AddressSet()
    requests = (item for item in builder.pending.values() if isinstance(item, EndpointOptions))
    asked = (item.ipv4 if version == 4 else item.ipv6 for item in requests)
    return AddressSet(sorted({inet.number(address) for address in asked if address is not None}))


def _of_interface(wanted: EndpointOptions, address: str) -> str:
    """An address of a subnet as the interface has it: the host's own brings no route to the whole subnet."""
    return address if wanted.host_access is None else f"{without_prefix(address)}/{WIDTHS[version_of(address)]}"


def _subnets(title: str, wanted: EndpointOptions, network: Network, version: int) -> tuple[Subnet, ...]:
    """The subnets of one family from which an address is chosen."""
    if wanted.subnet is not None and not any(subnet.subnet == wanted.subnet for subnet in network.subnets):
        shown = ", ".join(subnet.subnet for subnet in network.subnets) or "none"
        raise PlanError(f"{title}: subnet {wanted.subnet} is not one of {network.title}, which has {shown}")
    of_family = tuple(subnet for subnet in network.subnets if version_of(subnet.subnet) == version)
    if wanted.subnet is None or version_of(wanted.subnet) != version:
        return of_family
    return tuple(subnet for subnet in of_family if subnet.subnet == wanted.subnet)


def _requested(builder: PlanBuilder, wanted: EndpointOptions, network: Network, subnets: tuple[Subnet, ...], address: str) -> str:
    title, option = wanted.title, wanted.option_of_address(version_of(address))
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
        raise PlanError(
            f"{title}: {option}: {address} is held by {holder}; use another, or leave {option} out to have one "
            f"chosen{_advice_to_replace(builder, holder, option)}"
        )
    return _with_length(address, subnet)


def _advice_to_replace(builder: PlanBuilder, holder: str, option: str) -> str:
    """The end of the message about an address that a listed endpoint has, which requests none."""
    is_listed = any(ref.title == holder and getattr(request, option, "") is None for ref, request in builder.coming.items())
    return f"; or add replace: true, which gives {holder} another address" if is_listed else ""


def check_length(wanted: EndpointOptions, given: str) -> None:
    """Refuse an address that was given with another prefix length than that of its subnet.

    :param given: the address with the prefix length of its subnet
    :raises PlanError: naming both
    """
    option = f"ipv{version_of(given)}"
    length = wanted.prefix_lengths.get(option)
    if length is not None and length != prefix_length(given):
        raise PlanError(
            f"{wanted.title}: {option}: {without_prefix(given)}/{length} has another prefix length than its subnet, which has "
            f"/{prefix_length(given)}; write {without_prefix(given)} or {given}"
        )


def _is_released(builder: PlanBuilder, holder: str, address: str) -> bool:
    """Whether the holder of an address is an endpoint that is planned later and gives it up."""
    from .room import take_address

    return take_address(builder, holder, address)


def requested_leases(builder: PlanBuilder, wanted: EndpointOptions) -> tuple[Lease, ...]:
    """The leases that an endpoint asks for by address, as far as its network has them."""
    network = builder.networks.get(wanted.network)
    leases = []
    for address in (wanted.ipv4, wanted.ipv6):
        subnet = subnet_of(network, address) if network and address else None
        if subnet and address:
            leases.append(Lease(subnet.pool, address, wanted.title))
    return tuple(leases)


def _with_length(address: str, subnet: Subnet) -> str:
    return f"{address}/{prefix_length(subnet.subnet)}"


def _mac(
    builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None, network: Network, parent: Link, ipv4: str | None
) -> str:
    title = wanted.title
    if kind_of(network).takes_parent(network.mode):
        if wanted.mac is not None:
            raise PlanError(f"{title}: mac: a passthru endpoint has the MAC address of its parent {parent.name}")
        _check_passthru_is_free(builder, wanted, network)
        return parent.mac
    if wanted.mac is not None:
        mac = wanted.mac
    elif ipv4 is not None:
        mac = mac_of_ipv4(without_prefix(ipv4))
    else:
        mac = _kept_mac(builder, wanted, recorded) or mac_of_names(builder.identity.uuid, wanted.network, wanted.name)
    _check_mac_is_free(builder, wanted, recorded, parent, mac)
    return mac


def _kept_mac(builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None) -> str | None:
    """The MAC address that was derived from names and the identity of the host, of which one may have changed."""
    if recorded is not None:
        return recorded.mac if recorded.own_mac is None and recorded.ipv4 is None and is_derived(recorded.mac, None) else None
    # A link of ours whose record was lost.
    space = builder.space(wanted.netns)
    link = space.tagged(names.tag(_id(builder, wanted, None))) if space is not None else None
    return link.mac if link is not None and is_derived(link.mac, None) else None


def _own_mac(wanted: EndpointOptions, recorded: Endpoint | None, network: Network) -> str | None:
    """The MAC address that the task asks for; nothing can be asked for where the link has its parent's."""
    if recorded is not None and kind_of(network).takes_parent(network.mode):
        return recorded.own_mac
    return wanted.mac


def _check_passthru_is_free(builder: PlanBuilder, wanted: EndpointOptions, network: Network) -> None:
    others = [item for item in builder.endpoints_of(network.name) if item.name != wanted.name and item.host_access is None]
    if others:
        raise PlanError(
            f"{wanted.title}: {network.title} has the mode passthru, which allows one endpoint, and has the endpoint {others[0].name} already"
        )


def _check_mac_is_free(
    builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None, parent: Link, mac: str
) -> None:
    """Two links with one MAC on one parent: the kernel refuses the second, at the latest when it comes up."""
    title = wanted.title
    # Its own link is known even without its tag; in another namespace it is not among those of the host.
    own = find_link(builder.host, recorded, parent) if recorded and builder.is_same_netns(recorded.netns, HOST) else None
    if mac == parent.mac:
        raise PlanError(f"{title}: mac {mac} is the MAC address of its parent {parent.name}")
    for endpoint in builder.holders_of(parent.name, mac):
        if endpoint.ref in builder.pending and _is_mac_released(builder, endpoint, mac):
            continue
        raise PlanError(f"{title}: mac {mac} belongs to {endpoint.title} on the same parent {parent.name}")
    for link in builder.host.above(parent):
        if link == own or link.mac != mac or not kind_of(link).shares_parent:
            continue
        if not _is_recorded(builder, wanted, parent, link):
            raise PlanError(f"{title}: mac {mac} belongs to the foreign link {link.name} on the same parent {parent.name}")


def _is_mac_released(builder: PlanBuilder, endpoint: Endpoint, mac: str) -> bool:
    from .room import take_mac

    return take_mac(builder, endpoint, mac)


def _is_recorded(builder: PlanBuilder, wanted: EndpointOptions, parent: Link, link: Link) -> bool:
    """Whether a link is that of an endpoint on the parent, or of the wanted one itself."""
    if link.alias == names.tag(names.object_id(builder.kernel.host, "endpoint", wanted.network, wanted.name)):
        return True
    endpoint = builder.endpoint_of(link.alias)
    return endpoint is not None and builder.networks[endpoint.network].parent == parent.name


def mtu_of(
    title: str, own: int | None, network: Network, parent: Link, ipv6: str | None, sysctls: t.Mapping[str, str]
) -> int:
    """The mtu of an endpoint: its own, else the network's, else the parent's.

    :raises PlanError: it is more than the parent's, or less than IPv6 needs
    """
    mtu = own or network.mtu or parent.mtu
    if mtu > parent.mtu:
        raise PlanError(f"{title}: mtu {mtu} is more than the {parent.mtu} of its parent {parent.name}")
    check_mtu_of_ipv6(title, mtu, ipv6, sysctls)
    return mtu


def check_mtu_of_ipv6(title: str, mtu: int, ipv6: str | None, sysctls: t.Mapping[str, str]) -> None:
    """Refuse an mtu with which a link has no IPv6, neither addresses nor settings (net/ipv6/addrconf.c).

    :raises PlanError: it has an address of IPv6, or a setting that only IPv6 has
    """
    if mtu >= MIN_MTU_IPV6:
        return
    problem = f"{title}: mtu {mtu} is less than the {MIN_MTU_IPV6} that IPv6 needs"
    if ipv6 is not None:
        raise PlanError(problem)
    # IPv6 that is not there is switched off.
    needing = [f"{key}: {value}" for key, value in sysctls.items() if needs_ipv6(key) and not switches_ipv6_off(key, value)]
    if needing:
        raise PlanError(f"{problem}, and sysctls has {', '.join(needing)}; use a higher mtu, or leave that out of sysctls")


def _sysctls_before(builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None) -> dict[str, str]:
    """What settings of the namespace itself were, so that they can be restored; those of a new one need not be."""
    space = builder.space(wanted.netns)
    if space is None or wanted.netns.kind == "name" and wanted.netns.value in builder.namespaces:
        return {}
    neighbours = builder.endpoints_in(wanted.netns)
    if recorded is not None and not builder.is_same_netns(recorded.netns, wanted.netns):
        recorded = None
    earlier = [other.sysctls_before for other in (*neighbours, recorded) if other is not None]
    # The value before the first change by an endpoint wins over the present one.
    before = {key: value for known in (space.sysctls, *earlier) for key, value in known.items()}
    return {
        key: before[key] for key in wanted.sysctls if "IFNAME" not in key and key in before
    }
