# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for links of endpoints that are there: what differs changes in place, in an order that the kernel takes."""

from __future__ import annotations

import dataclasses

from . import ipam, names
from .draft import Draft
from .drift import default_key, settings
from .model import Endpoint, Link, Network, Route, Space
from .steps import AddAddress, AddRoute, DeleteAddress, DeleteRoute, ReplaceRoute, SetLink, SetSysctls, Sysctl


def align_link(draft: Draft, endpoint: Endpoint, recorded: Endpoint, network: Network) -> None:
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
    changes += dropped_sysctls(draft, endpoint, recorded) + _defaulted_sysctls(endpoint, recorded, space)
    if changes:
        draft.do(SetSysctls(endpoint.netns, endpoint.ifname, tuple(changes)))


def dropped_sysctls(draft: Draft, endpoint: Endpoint, recorded: Endpoint) -> list[Sysctl]:
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
