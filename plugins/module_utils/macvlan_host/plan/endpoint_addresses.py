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
from ..ipam.lease_book import gateways_of, leads_over_link, subnet_of
from ..ipam.mac import is_derived, mac_of_ipv4, mac_of_names
from ..ipam.subnets import usable
from ..model.endpoint import Endpoint
from ..model.host_routes import host_routes
from ..model.links import Link
from ..model.netns import HOST
from ..model.network import Network, Subnet
from ..model.record import Lease
from ..model.resolver import Dns
from ..model.route import Route
from ..request.endpoint import EndpointOptions
from ..request.problems import MIN_MTU_IPV6
from ..values import inet, names
from ..values.addresses import WIDTHS, version_of, without_prefix
from ..wire.kinds import kind_of
from .builder import PlanBuilder
from .claims import warn_of_default_routes
from .mistakes import Mistakes
from .requested_address import requested_address, subnets_of_family, tag_of, warn_of_kept_address, with_length


def resolve_endpoint(
    builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None, network: Network, parent: Link, mistakes: Mistakes
) -> Endpoint:
    """The endpoint, with a value for everything that the task left open.

    :param mistakes: collects the refusals; the endpoint then lacks the refused value
    """
    decided = _decided(builder, wanted, recorded, network, mistakes)
    ipv4, ipv6, mac, mtu = decided.get(4), decided.get(6), recorded.mac if recorded else "", parent.mtu
    # A MAC address that is derived from an address is not known without it.
    if wanted.mac is not None or kind_of(network).has_mac_of_parent(network.mode) or 4 in decided:
        with mistakes:
            mac = _mac(builder, wanted, recorded, network, parent, ipv4)
    with mistakes:
        mtu = mtu_of(wanted.title, wanted.mtu, network, parent, ipv6, wanted.sysctls)
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
        **_default_routes(network, wanted.takes_default_route, ipv4, ipv6),
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
        further=_further(builder, wanted, recorded, network, decided, mistakes),
        without_ipv4=4 in wanted.left_out,
        without_ipv6=6 in wanted.left_out,
        dns=_dns(builder, wanted, recorded),
    )
    _check_without_addresses(mistakes, endpoint, network)
    with mistakes:
        _check_routes(endpoint, {4, 6} - decided.keys(), network)
    warn_of_default_routes(builder, endpoint, network)
    return endpoint


def _decided(
    builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None, network: Network, mistakes: Mistakes
) -> dict[int, str | None]:
    """IP version → the address of that family, as far as it can have one."""
    decided: dict[int, str | None] = {}
    for version in (4, 6):
        with mistakes:
            decided[version] = _address(builder, wanted, recorded, network, version)
    return decided


def _default_routes(network: Network, default_route: bool, *addresses: str | None) -> dict[str, t.Any]:
    """The fields of an endpoint that say where its default routes lead."""
    gateway4, gateway6 = gateways_of(network, default_route, *addresses)
    return {"gateway4": gateway4, "gateway6": gateway6, "routed": leads_over_link(network, default_route)}


def _id(builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None) -> str:
    if recorded is not None and wanted.ref not in builder.new_names:
        return recorded.id
    return names.endpoint_id(builder.kernel.host, wanted.network, wanted.name)


def _routes(builder: PlanBuilder, wanted: EndpointOptions, network: Network, *addresses: str | None) -> tuple[Route, ...]:
    """The routes of a task; those of the host follow from the endpoints of the network."""
    if wanted.host_access is None:
        return wanted.routes
    versions = {version_of(address) for address in addresses if address is not None}
    return host_routes(wanted.host_access, versions, network, builder.endpoints_of(network.name))


def _dns(builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None) -> Dns | None:
    """The name servers of a task; most endpoints have none."""
    if wanted.dns is None:
        return None
    from .resolver import decided_dns

    return decided_dns(builder, wanted, recorded)


def _further(
    builder: PlanBuilder,
    wanted: EndpointOptions,
    recorded: Endpoint | None,
    network: Network,
    decided: t.Mapping[int, str | None],
    mistakes: Mistakes,
) -> tuple[str, ...]:
    """The further addresses of a task; most endpoints have none."""
    if not wanted.addresses:
        return ()
    from .further_addresses import further_addresses

    return further_addresses(builder, wanted, recorded, network, decided, mistakes)


def _check_without_addresses(mistakes: Mistakes, endpoint: Endpoint, network: Network) -> None:
    """Refuse options about addresses where there are none; most endpoints have some of each family."""
    if network.ipam == "none" or endpoint.without_ipv4 or endpoint.without_ipv6:
        from .without_addresses import check_without_addresses

        check_without_addresses(mistakes, endpoint, network)


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
    requested = wanted.first_address(version)
    subnets = _subnets(title, wanted, network, version)
    if requested is not None:
        given = requested_address(builder, wanted, recorded, network, subnets, wanted.option_of_address(version), requested)
        return _of_interface(wanted, given)
    if not subnets or version in wanted.left_out:
        return None
    kept, tag = recorded and recorded.first_address(version), tag_of(builder, wanted)
    subnet_of_kept = next((subnet for subnet in subnets if kept and without_prefix(kept) in usable(subnet.subnet)), None)
    if kept and subnet_of_kept is not None and _is_kept(builder, wanted, subnet_of_kept, without_prefix(kept)):
        warn_of_kept_address(builder, wanted, network, kept, tag)
        return _of_interface(wanted, with_length(without_prefix(kept), subnet_of_kept))
    from .choice import choose_address  # an endpoint that has its addresses needs no choice

    chosen = choose_address(builder, wanted.ref, network, subnets, _asked_for_later(builder, wanted, version))
    if chosen is not None:
        return _of_interface(wanted, chosen)
    from .full_subnet import no_address_is_left  # the message alone

    raise PlanError(f"{title}: {no_address_is_left(builder, network, subnets, version)}")


def _is_kept(builder: PlanBuilder, wanted: EndpointOptions, subnet: Subnet, address: str) -> bool:
    """Whether an endpoint keeps its address; with ``replace`` it gets another one if something else needs that address."""
    if wanted.host_access is not None:
        # The address of the gateway is the host's only if its task asks for it.
        is_asked = inet.number(address) in _asked_for_later(builder, wanted, version_of(address))
        return builder.leases.holder(subnet.pool, address) is None and not (wanted.replace and is_asked)
    return not wanted.replace or builder.leases.holder(subnet.pool, address) is None and address not in wanted.addresses


def _asked_for_later(builder: PlanBuilder, wanted: EndpointOptions, version: int) -> AddressSet:
    """The addresses that must not be chosen, because they are asked for.

    They are further ones of the endpoint itself; and when the host gets its address, all that endpoints of the same plan name.
    """
    if wanted.host_access is None:
        return AddressSet(sorted(inet.number(address) for address in wanted.addresses if version_of(address) == version))
    requests = (item for item in builder.pending.values() if isinstance(item, EndpointOptions))
    asked = {address for item in requests for address in item.requested}
    return AddressSet(sorted(inet.number(address) for address in asked if version_of(address) == version))


def _of_interface(wanted: EndpointOptions, address: str) -> str:
    """An address of a subnet as the interface has it: the host's own brings no route to the whole subnet."""
    return address if wanted.host_access is None else f"{without_prefix(address)}/{WIDTHS[version_of(address)]}"


def _subnets(title: str, wanted: EndpointOptions, network: Network, version: int) -> tuple[Subnet, ...]:
    """The subnets of one family from which an address is chosen."""
    if wanted.subnet is not None and not any(subnet.subnet == wanted.subnet for subnet in network.subnets):
        shown = ", ".join(subnet.subnet for subnet in network.subnets) or "none"
        raise PlanError(f"{title}: subnet {wanted.subnet} is not one of {network.title}, which has {shown}")
    of_family = subnets_of_family(network, version)
    if wanted.subnet is None or version_of(wanted.subnet) != version:
        return of_family
    return tuple(subnet for subnet in of_family if subnet.subnet == wanted.subnet)


def requested_leases(builder: PlanBuilder, wanted: EndpointOptions) -> tuple[Lease, ...]:
    """The leases that an endpoint asks for by address, as far as its network has them."""
    network = builder.networks.get(wanted.network)
    leases = []
    for address in wanted.requested:
        subnet = subnet_of(network, address) if network else None
        if subnet:
            leases.append(Lease(subnet.pool, address, wanted.title))
    return tuple(leases)


def _mac(
    builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None, network: Network, parent: Link, ipv4: str | None
) -> str:
    title = wanted.title
    kind = kind_of(network)
    if kind.has_mac_of_parent(network.mode):
        if wanted.mac is not None:
            what = "a passthru" if kind.takes_parent(network.mode) else "an ipvlan"
            raise PlanError(f"{title}: mac: {what} endpoint has the MAC address of its parent {parent.name}; leave mac out")
        if kind.takes_parent(network.mode):
            _check_passthru_is_free(builder, wanted, network)
        return parent.mac
    if wanted.mac is not None:
        mac = wanted.mac
    elif ipv4 is not None:
        mac = mac_of_ipv4(without_prefix(ipv4))
    else:
        mac = _kept_mac(builder, wanted, recorded) or mac_of_names(builder.identity.uuid, wanted.network, wanted.name)
    _check_mac_is_free(builder, wanted, recorded, network, parent, mac)
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
    if recorded is not None and kind_of(network).has_mac_of_parent(network.mode):
        return recorded.own_mac
    return wanted.mac


def _check_passthru_is_free(builder: PlanBuilder, wanted: EndpointOptions, network: Network) -> None:
    others = [item for item in builder.endpoints_of(network.name) if item.name != wanted.name and item.host_access is None]
    if others:
        raise PlanError(
            f"{wanted.title}: {network.title} has the mode passthru, which allows one endpoint, and has the endpoint {others[0].name} already"
        )


def _check_mac_is_free(
    builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None, network: Network, parent: Link, mac: str
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
        if link == own or link.mac != mac or not kind_of(link).is_beside(kind_of(network)):
            continue
        if not _is_recorded(builder, wanted, parent, link):
            raise PlanError(f"{title}: mac {mac} belongs to the foreign link {link.name} on the same parent {parent.name}")


def _is_mac_released(builder: PlanBuilder, endpoint: Endpoint, mac: str) -> bool:
    from .room import take_mac

    return take_mac(builder, endpoint, mac)


def _is_recorded(builder: PlanBuilder, wanted: EndpointOptions, parent: Link, link: Link) -> bool:
    """Whether a link is that of an endpoint on the parent, or of the wanted one itself."""
    if link.alias == names.tag(names.endpoint_id(builder.kernel.host, wanted.network, wanted.name)):
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
