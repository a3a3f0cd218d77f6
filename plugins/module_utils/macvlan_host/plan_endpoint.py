# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for endpoints: addresses, the link in its namespace, and what changes in place."""

from __future__ import annotations

import dataclasses

from . import ipam, names
from .draft import Draft, is_ours, require_kind
from .drift import default_key, find_link, settings
from .errors import PlanError
from .leases import subnet_of
from .model import HOST, Endpoint, Lease, Link, Netns, Network, OwnedNetns, Route, Space, Subnet
from .options import MIN_MTU_IPV6, EndpointOptions
from .steps import (
    AddAddress,
    AddLink,
    AddRoute,
    CreateNetns,
    DeleteAddress,
    DeleteLink,
    DeleteNetns,
    DeleteRoute,
    LinkSpec,
    Note,
    ReplaceRoute,
    SetLink,
    SetSysctls,
    Step,
    Sysctl,
)

# What the task calls the fields that have another name in the record.
_OPTIONS = {"own_mtu": "mtu", "sysctls_before": "sysctls"}


def plan_endpoint(draft: Draft, wanted: EndpointOptions) -> None:
    """Work an endpoint that shall be there into the plan; its network's parent must be there.

    :raises PlanError: it cannot be made, or would have to be changed where that is impossible
    """
    network = draft.networks.get(wanted.network)
    if network is None:
        raise PlanError(f"{wanted.title}: there is no network {wanted.network} on this host")
    recorded = draft.endpoints.get((wanted.network, wanted.name))
    parent = draft.host.links[network.parent]
    _check_namespace(draft, wanted)
    _check_settings(draft, wanted)
    if recorded is not None:
        _check_not_moved(draft, recorded, wanted)
        draft.drop_endpoint(recorded.key)  # so that it is not in its own way; put back below
    endpoint = _resolve(draft, wanted, recorded, network, parent)
    _check_neighbours(draft, endpoint, recorded)
    _record(draft, recorded, endpoint)
    if recorded is not None and not _moved(draft, recorded, endpoint):
        _realise(draft, endpoint, recorded, network)
    else:
        _create(draft, endpoint, network)
        if recorded is not None:
            _release_namespace(draft, recorded.netns)


def _find(draft: Draft, recorded: Endpoint) -> Link | None:
    """The link of a recorded endpoint, None when it is not there."""
    space = draft.space(recorded.netns)
    parent = draft.host.links.get(draft.networks[recorded.network].parent)
    return None if space is None else find_link(space, recorded, parent)


def _record(draft: Draft, recorded: Endpoint | None, endpoint: Endpoint) -> None:
    if recorded is None:
        draft.do(Note(f"record {endpoint.title}" + _with(" with ", endpoint.addresses)))
    elif recorded != endpoint:
        fields = [
            _OPTIONS.get(field.name, field.name)
            for field in dataclasses.fields(Endpoint)
            if getattr(recorded, field.name) != getattr(endpoint, field.name)
        ]
        draft.do(Note(f"change {', '.join(dict.fromkeys(fields))} of {endpoint.title}"))
    draft.put_endpoint(endpoint)


def _with(before: str, items: tuple[str, ...]) -> str:
    return before + " and ".join(items) if items else ""


# --- the namespace --------------------------------------------------------------------------------------------------


def _check_namespace(draft: Draft, wanted: EndpointOptions) -> None:
    title = wanted.title
    if not wanted.netns.path:
        return
    if draft.same_place(wanted.netns, HOST):
        raise PlanError(
            f"{title}: {wanted.netns.path} is the host's own namespace; leave netns, netns_path and pid out for that"
        )
    if draft.space(wanted.netns) is None and wanted.netns.kind == "pid":
        raise PlanError(f"{title}: pid: there is no process {wanted.netns.value}")
    if draft.space(wanted.netns) is None and wanted.netns.kind != "name":
        raise PlanError(f"{title}: there is no namespace {wanted.netns.path}; only a named one (netns) is made when missing")


def _check_settings(draft: Draft, wanted: EndpointOptions) -> None:
    unknown = [key for key in wanted.sysctls if default_key(key) in draft.kernel.unknown_settings]
    if unknown:
        raise PlanError(
            f"{wanted.title}: sysctls: this kernel has no {', '.join(unknown)}; "
            f"IFNAME stands for the endpoint's own interface"
        )


def _moved(draft: Draft, recorded: Endpoint, endpoint: Endpoint) -> bool:
    """Whether it is asked for in another namespace, its old one being gone (a container that was started anew)."""
    return not draft.same_place(recorded.netns, endpoint.netns)


def _check_not_moved(draft: Draft, recorded: Endpoint, wanted: EndpointOptions) -> None:
    if draft.same_place(recorded.netns, wanted.netns):
        return
    space = draft.space(recorded.netns)
    if space is None or _find(draft, recorded) is None:
        return
    option = {"name": "netns", "path": "netns_path", "pid": "pid", "host": "netns"}[wanted.netns.kind]
    raise PlanError(
        f"{recorded.title}: {option}: it is in {recorded.netns.title} and cannot be moved to {wanted.netns.title} "
        f"in place; remove the endpoint first (state: absent)"
    )


def _check_neighbours(draft: Draft, endpoint: Endpoint, recorded: Endpoint | None) -> None:
    """What may be there only once in a namespace: the interface name, a subnet, a default route of a family."""
    for other in draft.endpoints_in(endpoint.netns):
        if other.ifname == endpoint.ifname:
            raise PlanError(f"{endpoint.title}: ifname {endpoint.ifname} belongs to {other.title}{endpoint.netns.phrase}")
        for mine in endpoint.addresses:
            for theirs in other.addresses:
                if ipam.block(mine).overlaps(ipam.block(theirs)):
                    raise PlanError(
                        f"{endpoint.title}: {mine} and {theirs} of {other.title} would be in one namespace with "
                        f"overlapping subnets, and the kernel would answer for the wrong one"
                    )
        _check_default_route(endpoint, other.gateway4, other.gateway6, other.title)
        _check_same_sysctls(endpoint, other)
    space = draft.space(endpoint.netns)
    if space is None and endpoint.ifname == "lo":
        raise PlanError(f"{endpoint.title}: ifname lo is the loopback, which every namespace has")
    if space is not None:
        own = _find(draft, recorded) if recorded else None
        _check_name_is_free(space, endpoint, own)
        _check_foreign_routes(space, endpoint, own)


def _check_same_sysctls(endpoint: Endpoint, other: Endpoint) -> None:
    for key, value in endpoint.sysctls.items():
        if "IFNAME" not in key and other.sysctls.get(key, value) != value:
            raise PlanError(
                f"{endpoint.title}: sysctls: {key} is a setting of the whole namespace, and {other.title} in it "
                f"wants {other.sysctls[key]}, not {value}"
            )


def _check_default_route(endpoint: Endpoint, gateway4: str | None, gateway6: str | None, holder: str) -> None:
    for mine, theirs, family in ((endpoint.gateway4, gateway4, "IPv4"), (endpoint.gateway6, gateway6, "IPv6")):
        if mine and theirs:
            raise PlanError(
                f"{endpoint.title}: {holder} has the {family} default route{endpoint.netns.phrase} already; "
                f"use default_route: false"
            )


def _check_name_is_free(space: Space, endpoint: Endpoint, own: Link | None) -> None:
    link = space.links.get(endpoint.ifname)
    if link is not None and link != own:
        what = f"{link.kind} link" if link.kind else "link"
        raise PlanError(
            f"{endpoint.title}: ifname {endpoint.ifname} is taken{endpoint.netns.phrase} by a {what} that is not ours"
        )


def _check_foreign_routes(space: Space, endpoint: Endpoint, own: Link | None) -> None:
    for other in space.links.values():
        if other.ours or own is not None and other.index == own.index:
            continue
        defaults = {
            ipam.version_of(route.to): route.via or other.name
            for route in space.routes.get(other.index, ())
            if not ipam.prefix_length(route.to)
        }
        _check_default_route(endpoint, defaults.get(4), defaults.get(6), f"the foreign link {other.name}")


# --- what it will be ------------------------------------------------------------------------------------------------


def _resolve(
    draft: Draft, wanted: EndpointOptions, recorded: Endpoint | None, network: Network, parent: Link
) -> Endpoint:
    """The endpoint with everything that the task left open decided."""
    title = wanted.title
    ipv4 = _address(draft, wanted, recorded, network, 4)
    ipv6 = _address(draft, wanted, recorded, network, 6)
    default_route = bool(wanted.netns.path) if wanted.default_route is None else wanted.default_route
    gateway4, gateway6 = _gateways(network, default_route, ipv4, ipv6)
    endpoint = Endpoint(
        id=recorded.id if recorded else names.object_id(draft.kernel.host, "endpoint", wanted.network, wanted.name),
        name=wanted.name,
        network=wanted.network,
        netns=wanted.netns,
        ifname=wanted.ifname,
        mac=_mac(draft, wanted, network, parent, ipv4),
        mtu=_mtu(title, wanted.mtu, network, parent, ipv6),
        ipv4=ipv4,
        ipv6=ipv6,
        gateway4=gateway4,
        gateway6=gateway6,
        default_route=default_route,
        own_mtu=wanted.mtu,
        announce=wanted.announce,
        routes=wanted.routes,
        sysctls=wanted.sysctls,
        sysctls_before=_sysctls_before(draft, wanted, recorded),
        labels=wanted.labels,
    )
    _check_routes(endpoint)
    return endpoint


def _gateways(network: Network, default_route: bool, *addresses: str | None) -> tuple[str | None, ...]:
    """The next hop of the default route for each address; internal networks lead nowhere."""
    leads_out = default_route and not network.internal
    subnets = [subnet_of(network, address) if address and leads_out else None for address in addresses]
    return tuple(subnet.gateway if subnet else None for subnet in subnets)


def _address(
    draft: Draft, wanted: EndpointOptions, recorded: Endpoint | None, network: Network, version: int
) -> str | None:
    """The address of one family with prefix length: the requested one, else the one it has, else the next."""
    title = wanted.title
    requested = wanted.ipv4 if version == 4 else wanted.ipv6
    subnets = _subnets(title, wanted, network, version)
    if requested is not None:
        return _requested(draft, title, network, subnets, requested)
    if not subnets:
        return None
    kept = recorded and (recorded.ipv4 if version == 4 else recorded.ipv6)
    if kept and any(ipam.without_prefix(kept) in ipam.block(subnet.subnet) for subnet in subnets):
        return kept
    for subnet in subnets:
        found = ipam.next_address(subnet, draft.leases.taken(subnet.pool))
        if found is not None:
            return _with_length(found, subnet)
    pools = ", ".join(f"{subnet.subnet} (ip_range {subnet.ip_range})" if subnet.ip_range else subnet.subnet for subnet in subnets)
    raise PlanError(f"{title}: no IPv{version} address is left in {pools} of {network.title}")


def _subnets(title: str, wanted: EndpointOptions, network: Network, version: int) -> tuple[Subnet, ...]:
    """The subnets of one family to take an address from."""
    if wanted.subnet is not None and not any(subnet.subnet == wanted.subnet for subnet in network.subnets):
        shown = ", ".join(subnet.subnet for subnet in network.subnets) or "none"
        raise PlanError(f"{title}: subnet {wanted.subnet} is not one of {network.title}, which has {shown}")
    of_family = tuple(subnet for subnet in network.subnets if ipam.version_of(subnet.subnet) == version)
    if wanted.subnet is None or ipam.version_of(wanted.subnet) != version:
        return of_family
    return tuple(subnet for subnet in of_family if subnet.subnet == wanted.subnet)


def _requested(draft: Draft, title: str, network: Network, subnets: tuple[Subnet, ...], address: str) -> str:
    subnet = next((subnet for subnet in subnets if address in ipam.block(subnet.subnet)), None)
    if subnet is None:
        shown = ", ".join(subnet.subnet for subnet in subnets) or "no subnet of this family"
        raise PlanError(f"{title}: {address} is in no subnet to take it from; {network.title} has {shown}")
    if address not in ipam.usable(subnet.subnet):
        kind = "network or broadcast address" if ipam.version_of(address) == 4 else "subnet-router anycast address"
        raise PlanError(f"{title}: {address} is the {kind} of {subnet.subnet}")
    holder = draft.leases.holder(subnet.pool, address)
    if holder is not None:
        raise PlanError(f"{title}: {address} is held by {holder}")
    return _with_length(address, subnet)


def requested_leases(draft: Draft, wanted: EndpointOptions) -> tuple[Lease, ...]:
    """The leases that an endpoint asks for by address, as far as its network has them."""
    network = draft.networks.get(wanted.network)
    found = []
    for address in (wanted.ipv4, wanted.ipv6):
        subnet = subnet_of(network, address) if network and address else None
        if subnet and address:
            found.append(Lease(subnet.pool, address, wanted.title))
    return tuple(found)


def _with_length(address: str, subnet: Subnet) -> str:
    return f"{address}/{ipam.prefix_length(subnet.subnet)}"


def _mac(draft: Draft, wanted: EndpointOptions, network: Network, parent: Link, ipv4: str | None) -> str:
    title = wanted.title
    if network.mode == "passthru":
        if wanted.mac is not None:
            raise PlanError(f"{title}: mac: a passthru endpoint has the MAC address of its parent {parent.name}")
        _check_passthru_is_free(draft, wanted, network)
        return parent.mac
    if wanted.mac is not None:
        mac = wanted.mac
    elif ipv4 is not None:
        mac = ipam.mac_of_ipv4(ipam.without_prefix(ipv4))
    else:
        mac = ipam.mac_of_names(draft.kernel.host, wanted.network, wanted.name)
    _check_mac_is_free(draft, wanted, parent, mac)
    return mac


def _check_passthru_is_free(draft: Draft, wanted: EndpointOptions, network: Network) -> None:
    others = [endpoint for endpoint in draft.endpoints_of(network.name) if endpoint.name != wanted.name]
    if others:
        raise PlanError(
            f"{wanted.title}: passthru {network.title} has its one endpoint, {others[0].name}"
        )


def _check_mac_is_free(draft: Draft, wanted: EndpointOptions, parent: Link, mac: str) -> None:
    """Two links with one MAC on one parent: the kernel refuses the second, at the latest when it comes up."""
    title = wanted.title
    if mac == parent.mac:
        raise PlanError(f"{title}: mac {mac} is the one of its parent {parent.name}")
    for endpoint in draft.holders_of(parent.name, mac):
        raise PlanError(f"{title}: mac {mac} belongs to {endpoint.title} on the same parent {parent.name}")
    for link in draft.host.above(parent):
        if link.mac == mac and link.kind in ("macvlan", "macvtap") and not _is_recorded(draft, wanted, parent, link):
            raise PlanError(f"{title}: mac {mac} belongs to the foreign link {link.name} on the same parent {parent.name}")


def _is_recorded(draft: Draft, wanted: EndpointOptions, parent: Link, link: Link) -> bool:
    """Whether a link is that of an endpoint on the parent, or of the wanted one itself."""
    tags = {names.tag(names.object_id(draft.kernel.host, "endpoint", wanted.network, wanted.name))}
    for network in draft.networks_on(parent.name):
        tags |= {names.tag(endpoint.id) for endpoint in draft.endpoints_of(network.name)}
    return link.alias in tags


def _mtu(title: str, own: int | None, network: Network, parent: Link, ipv6: str | None) -> int:
    mtu = own or network.mtu or parent.mtu
    if mtu > parent.mtu:
        raise PlanError(f"{title}: mtu {mtu} is more than the {parent.mtu} of its parent {parent.name}")
    if ipv6 is not None and mtu < MIN_MTU_IPV6:
        raise PlanError(f"{title}: mtu {mtu} is less than the {MIN_MTU_IPV6} that IPv6 needs")
    return mtu


def _check_routes(endpoint: Endpoint) -> None:
    for route in endpoint.routes:
        version = ipam.version_of(route.to)
        own = next((item for item in endpoint.addresses if ipam.version_of(item) == version), None)
        if own is None:
            raise PlanError(f"{endpoint.title}: routes: {route.to} needs an IPv{version} address, which it has not")
        if route.via is not None and route.via == ipam.without_prefix(own):
            raise PlanError(f"{endpoint.title}: routes: via {route.via} of {route.to} is the endpoint's own address")
        link_local = route.via is not None and route.via in ipam.block("fe80::/10")
        if route.via is not None and not link_local and route.via not in ipam.block(own):
            raise PlanError(
                f"{endpoint.title}: routes: via {route.via} of {route.to} is not on the link; it must be inside "
                f"{ipam.network(own)[0]}"
            )
        if route.to == ipam.network(own)[0] and not route.identity[2]:
            raise PlanError(
                f"{endpoint.title}: routes: {route.to} is the endpoint's own subnet, which the kernel routes itself"
            )
    identities = [route.identity for route in endpoint.all_routes]
    for to, dummy, metric in identities:
        if sum((other, number) == (to, metric) for other, dummy, number in identities) > 1:
            raise PlanError(
                f"{endpoint.title}: routes: there is a route to {to} of this metric already, the default route of "
                f"the network; use default_route: false, or another metric"
            )


def _sysctls_before(draft: Draft, wanted: EndpointOptions, recorded: Endpoint | None) -> dict[str, str]:
    """What settings of the namespace itself were, so that they can be put back; those of a new one need not be."""
    space = draft.space(wanted.netns)
    if space is None or wanted.netns.kind == "name" and wanted.netns.value in draft.namespaces:
        return {}
    neighbours = draft.endpoints_in(wanted.netns)
    earlier = [other.sysctls_before for other in (*neighbours, recorded) if other is not None]
    # What an endpoint found before it changed it goes before what is found now.
    before = {key: value for known in (space.sysctls, *earlier) for key, value in known.items()}
    return {
        key: before[key] for key in wanted.sysctls if "IFNAME" not in key and key in before
    }


# --- steps ----------------------------------------------------------------------------------------------------------


def _link_spec(endpoint: Endpoint, network: Network) -> LinkSpec:
    # A passthru link takes its parent's MAC over; setting one would rewrite the parent's.
    mac = None if network.mode == "passthru" else endpoint.mac
    return LinkSpec(endpoint.ifname, "macvlan", names.tag(endpoint.id), network.parent, mac, endpoint.mtu, network.mode)


def creation_steps(endpoint: Endpoint, network: Network) -> tuple[Step, ...]:
    """The steps that make the link of an endpoint in a namespace that is there.

    Settings come first, so that the kernel's autoconfiguration finds them when the link comes up; routes last,
    because they need a link that is up.
    """
    place = endpoint.netns, endpoint.ifname
    return (
        AddLink(endpoint.netns, _link_spec(endpoint, network)),
        SetSysctls(*place, settings(endpoint)),
        *(AddAddress(*place, address) for address in endpoint.addresses),
        SetLink(*place, "up", False, True),
        *(AddRoute(*place, route) for route in endpoint.all_routes),
    )


def _create(draft: Draft, endpoint: Endpoint, network: Network) -> None:
    require_kind(draft, "macvlan", f"create macvlan link {endpoint.ifname} of {endpoint.title} on {network.parent}")
    if draft.space(endpoint.netns) is None:
        _create_namespace(draft, endpoint)
    draft.do(*creation_steps(endpoint, network))


def _create_namespace(draft: Draft, endpoint: Endpoint) -> None:
    name = endpoint.netns.value
    if endpoint.netns.path in draft.kernel.dangling:
        raise PlanError(
            f"{endpoint.title}: netns: {endpoint.netns.path} is a symbolic link to a namespace that is gone; remove it"
        )
    owned = draft.namespaces.get(name)
    identifier = owned.id if owned else names.object_id(draft.kernel.host, "netns", name)
    draft.put_namespace(OwnedNetns(identifier, name))
    draft.do(CreateNetns(name, names.tag(identifier)))


def _realise(draft: Draft, endpoint: Endpoint, recorded: Endpoint, network: Network) -> None:
    """Bring an endpoint that is recorded to what it shall be, whatever happened to it in the kernel."""
    link = _find(draft, recorded)
    if link is None:
        _create(draft, endpoint, network)
        return
    _align(draft, endpoint, dataclasses.replace(recorded, ifname=link.name), network)


def follow_network(draft: Draft, recorded: Endpoint, network: Network, parent_mtu: int | None = None) -> None:
    """Take over what a change of its network or parent means for an endpoint: mtu, mode, gateways.

    An endpoint whose link is gone is changed in the record only; its own task makes the link again.

    :param parent_mtu: what the parent will have, None for what it has
    :raises PlanError: the new values cannot be had
    """
    parent = draft.host.links[network.parent]
    if parent_mtu is not None:
        parent = dataclasses.replace(parent, mtu=parent_mtu)
    mtu = _mtu(recorded.title, recorded.own_mtu, network, parent, recorded.ipv6)
    gateways = _gateways(network, recorded.default_route, recorded.ipv4, recorded.ipv6)
    endpoint = recorded
    if (mtu, *gateways) != (recorded.mtu, recorded.gateway4, recorded.gateway6):
        endpoint = dataclasses.replace(recorded, mtu=mtu, gateway4=gateways[0], gateway6=gateways[1])
    space = draft.space(recorded.netns)
    link = _find(draft, recorded)
    if endpoint == recorded and (link is None or (link.macvlan_mode, link.mtu) == (network.mode, mtu)):
        return
    _check_routes(endpoint)
    if space is not None:
        _check_foreign_routes(space, endpoint, link)
    draft.drop_endpoint(recorded.key)
    for other in draft.endpoints_in(endpoint.netns):
        _check_default_route(endpoint, other.gateway4, other.gateway6, other.title)
    draft.put_endpoint(endpoint)
    if link is not None:
        _align(draft, endpoint, dataclasses.replace(recorded, ifname=link.name), network)


def _align(draft: Draft, endpoint: Endpoint, recorded: Endpoint, network: Network) -> None:
    """Steps for all that differs between the link as it is and as it shall be."""
    _rename(draft, endpoint, recorded)
    place = endpoint.netns, endpoint.ifname
    space = draft.space(endpoint.netns)
    link = space.links[endpoint.ifname] if space else None
    if space is None or link is None:
        return
    wanted = {"alias": names.tag(endpoint.id), "mac": endpoint.mac, "mtu": endpoint.mtu, "mode": network.mode}
    actual = {"alias": link.alias, "mac": link.mac, "mtu": link.mtu, "mode": link.macvlan_mode}
    for attribute, value in wanted.items():
        # The MAC of a passthru link is its parent's, and is never written.
        if actual[attribute] != value and not (attribute == "mac" and network.mode == "passthru"):
            draft.do(SetLink(*place, attribute, actual[attribute], value))
    _align_sysctls(draft, endpoint, recorded, space)
    _align_addresses(draft, endpoint, space, link)
    if not link.up:
        draft.do(SetLink(*place, "up", False, True))
    _align_routes(draft, endpoint, recorded)


def _rename(draft: Draft, endpoint: Endpoint, recorded: Endpoint) -> None:
    """Kernels before 6.2 rename links only while they are down (net/core/dev.c, dev_change_name)."""
    if endpoint.ifname == recorded.ifname:
        return
    old = endpoint.netns, recorded.ifname
    space = draft.space(endpoint.netns)
    if space is not None and space.links[recorded.ifname].up:
        _forget_routes(draft, endpoint, recorded.ifname, (4, 6))
        _forget_addresses(draft, endpoint, recorded.ifname, (6,))
        draft.do(SetLink(*old, "up", True, False))
    draft.do(SetLink(*old, "name", recorded.ifname, endpoint.ifname))


def _align_sysctls(draft: Draft, endpoint: Endpoint, recorded: Endpoint, space: Space) -> None:
    changes = []
    for item in settings(endpoint):
        key = names.sysctl_key(item.key, endpoint.ifname)
        actual = space.sysctls.get(key)
        if actual != item.new and not (actual is None and item.optional):
            changes.append(dataclasses.replace(item, old=actual))
    changes += _dropped_sysctls(draft, endpoint, recorded) + _defaulted_sysctls(endpoint, recorded, space)
    if changes:
        draft.do(SetSysctls(endpoint.netns, endpoint.ifname, tuple(changes)))


def _dropped_sysctls(draft: Draft, endpoint: Endpoint, recorded: Endpoint) -> list[Sysctl]:
    """Settings of the namespace that nobody in it asks for any longer go back to what they were."""
    neighbours = [other for other in draft.endpoints_in(endpoint.netns) if other.key != endpoint.key]
    return [
        Sysctl(key, recorded.sysctls.get(key), before, optional=True)
        for key, before in recorded.sysctls_before.items()
        if key not in endpoint.sysctls and not any(key in other.sysctls for other in neighbours)
    ]


def _defaulted_sysctls(endpoint: Endpoint, recorded: Endpoint, space: Space) -> list[Sysctl]:
    """Settings of the interface that are no longer asked for get the value that a new interface has."""
    changes = []
    kept = {item.key for item in settings(endpoint)}
    for key in recorded.sysctls:
        actual, default = space.sysctls.get(names.sysctl_key(key, endpoint.ifname)), space.sysctls.get(default_key(key))
        if "IFNAME" in key and key not in kept and default is not None and actual != default:
            changes.append(Sysctl(key, actual, default))
    return changes


def _align_addresses(draft: Draft, endpoint: Endpoint, space: Space, link: Link) -> None:
    """Wrong addresses go before right ones come, each with the routes of its family, which may hang on it."""
    wanted = endpoint.addresses
    present = space.addresses.get(link.index, ())
    wrong = sorted(address for address in present if address not in wanted)
    families = {ipam.version_of(address) for address in wrong}
    for version in sorted(families):
        _forget_routes(draft, endpoint, endpoint.ifname, (version,))
    for address in wrong:
        draft.do(DeleteAddress(endpoint.netns, endpoint.ifname, address))
    for address in wanted:
        if address not in present:
            draft.do(AddAddress(endpoint.netns, endpoint.ifname, address))


def _forget_routes(draft: Draft, endpoint: Endpoint, ifname: str, versions: tuple[int, ...]) -> None:
    """Delete the routes of an interface that somebody put there; those of its addresses are the kernel's."""
    space = draft.space(endpoint.netns)
    link = space.links[ifname] if space else None
    if space is None or link is None:
        return
    connected = {ipam.network(address)[0] for address in space.addresses.get(link.index, ())} | {"fe80::/64"}
    # Sorted, because the order in which the kernel lists them says nothing and a plan must not depend on it.
    for route in sorted(space.routes.get(link.index, ()), key=_route_order):
        if ipam.version_of(route.to) in versions and route.to not in connected:
            draft.do(DeleteRoute(endpoint.netns, ifname, route))


def _route_order(route: Route) -> tuple[int, str, int]:
    return ipam.version_of(route.to), route.to, route.identity[2]


def _forget_addresses(draft: Draft, endpoint: Endpoint, ifname: str, versions: tuple[int, ...]) -> None:
    space = draft.space(endpoint.netns)
    link = space.links[ifname] if space else None
    for address in sorted(space.addresses.get(link.index, ())) if space and link else ():
        if ipam.version_of(address) in versions:
            draft.do(DeleteAddress(endpoint.netns, ifname, address))


def _align_routes(draft: Draft, endpoint: Endpoint, recorded: Endpoint) -> None:
    place = endpoint.netns, endpoint.ifname
    space = draft.space(endpoint.netns)
    link = space.links[endpoint.ifname] if space else None
    if space is None or link is None:
        return
    present = {route.identity: route for route in space.routes.get(link.index, ())}
    wanted = {route.identity: route for route in endpoint.all_routes}
    stale = {
        (route.to, route.identity[2]): route
        for route in recorded.all_routes
        if route.identity in present and route.identity not in wanted
    }
    for identity, route in wanted.items():
        if identity in present:
            continue
        old = stale.pop((route.to, identity[2]), None)
        draft.do(AddRoute(*place, route) if old is None else ReplaceRoute(*place, old, route))
    for route in stale.values():
        draft.do(DeleteRoute(*place, route))


# --- absent ---------------------------------------------------------------------------------------------------------


def remove_endpoint(draft: Draft, endpoint: Endpoint) -> None:
    """Work an endpoint that shall be gone into the plan: its link, its settings, its namespace when that was made for it."""
    network = draft.networks[endpoint.network]
    space = draft.space(endpoint.netns)
    draft.do(Note(f"forget {endpoint.title}"))
    draft.drop_endpoint(endpoint.key)
    if space is not None:
        _remove_link(draft, endpoint, network, space)
    _release_namespace(draft, endpoint.netns)


def _remove_link(draft: Draft, endpoint: Endpoint, network: Network, space: Space) -> None:
    link = space.tagged(names.tag(endpoint.id))
    link = link if is_ours(link, endpoint.id, "macvlan") else None
    if link is None and endpoint.ifname not in space.links:
        return
    if link is None:
        draft.warn(
            f"{endpoint.title}: {endpoint.ifname}{endpoint.netns.phrase} does not carry its tag, so it is kept, "
            f"as a foreign link"
        )
        return
    endpoint = dataclasses.replace(endpoint, ifname=link.name)
    # While the link is there, so that an interrupted removal knows the namespace by it.
    _restore_sysctls(draft, endpoint)
    draft.do(DeleteLink(endpoint.netns, _link_spec(endpoint, network), creation_steps(endpoint, network)))


def _restore_sysctls(draft: Draft, endpoint: Endpoint) -> None:
    back = tuple(_dropped_sysctls(draft, dataclasses.replace(endpoint, sysctls={}), endpoint))
    if back:
        draft.do(SetSysctls(endpoint.netns, endpoint.ifname, back))


def _release_namespace(draft: Draft, netns: Netns) -> None:
    """The last endpoint takes a namespace that we made along, unless others have moved in."""
    owned = draft.owned_namespace(netns)
    if owned is None or draft.endpoints_in(netns) or draft.is_place_expected(netns):
        return
    name = owned.name
    draft.drop_namespace(name)
    space = draft.space(netns)
    if space is None:
        return
    lo = space.links.get("lo")
    if lo is None or lo.alias != names.tag(owned.id):
        draft.warn(f"namespace {name} is not the one that was made here, so it is kept")
        return
    tenants = [f"link {link.name}" for link in space.links.values() if link.name not in names.KERNEL_LINKS]
    tenants += [f"process {pid}" for pid in space.strangers]
    if tenants:
        draft.warn(f"namespace {name} holds {', '.join(tenants)}, so it is kept, and is no longer ours")
        draft.do(SetLink(netns, "lo", "alias", lo.alias, ""))
        return
    draft.do(DeleteNetns(name, names.tag(owned.id)))
