# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for existing links of endpoints: differences are changed in place, in an order that the kernel accepts."""

from __future__ import annotations

import dataclasses

from ..compare.differences import (
    addresses_to_remove,
    competing_routes,
    missing_connected_routes,
    of_addresses,
    of_endpoint_link,
    of_routes,
    of_settings,
    route_order,
    route_phrase,
)
from ..compare.wanted_settings import PROMOTION, WITH_IPV6, default_key, needs_ipv6, settings, switches_ipv6_off
from ..errors import PlanError
from ..model.endpoint import Endpoint
from ..model.kernel import Space
from ..model.link_options import LINK_OPTIONS
from ..model.links import Link
from ..model.network import Network
from ..model.route import Route, in_order
from ..model.sysctl import Sysctl
from ..request.problems import MIN_MTU_IPV6
from ..steps.steps import (
    AddAddress,
    AddConnectedRoute,
    AddRoute,
    DeleteAddress,
    DeleteRoute,
    ReplaceRoute,
    SetLink,
    SetSysctls,
    inverse,
)
from ..values import inet, names
from ..values.addresses import version_of, without_prefix
from ..wire.kinds import kind_of, vrf_of
from .builder import PlanBuilder
from .source_address import addresses_to_add_again
from .vrf_checks import advice_to_leave_vrf

# The attributes of a link that follow its network, beside the link options.
OF_NETWORK = ("mtu", "mode")


def align_link(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint, network: Network) -> None:
    """Plan the steps that change an existing link to its declared state.

    Traffic is not interrupted: right addresses are added before wrong ones are removed, and next hops before their
    routes. A link that is down carries no traffic, and would announce wrong addresses when it comes up.
    """
    rename_link(builder, endpoint, recorded, network)
    _align_vrf(builder, endpoint, recorded, network)
    interface = endpoint.netns, endpoint.ifname
    located = _link(builder, endpoint, endpoint.ifname)
    if located is None:
        return
    space, link = located
    # Below its minimum mtu the link loses IPv6. The IPv6 settings are written before, so that undoing the steps restores them.
    loses_ipv6 = _loses_ipv6(link, endpoint)
    if loses_ipv6:
        _align_sysctls(builder, endpoint, recorded, space, link)
    parent, missing = builder.host.links.get(network.parent), builder.kernel.missing_link_options
    # The MAC address of its parent is never written. The link comes up when it has its addresses.
    differing = of_endpoint_link(endpoint, network, parent, link, missing)
    keeps_mac = kind_of(network).has_mac_of_parent(network.mode)
    new_mac = [SetLink(*interface, item.field, item.actual, item.expected) for item in differing if item.field == "mac" and not keeps_mac]
    for attribute, new, old in differing:
        if attribute in ("alias", *OF_NETWORK, *LINK_OPTIONS):
            builder.do(SetLink(*interface, attribute, old, new))
    if not loses_ipv6:
        _align_sysctls(builder, endpoint, recorded, space, link)
    surplus = _surplus_addresses(builder, endpoint, recorded, network)
    again = addresses_to_add_again(endpoint, recorded, _present_addresses(builder, endpoint))
    promotion = _promote_secondaries(builder, endpoint, surplus.union(again))
    builder.do(*promotion)
    _add_addresses(builder, endpoint, kind_of(network).has_address_once)
    if not link.up:
        _delete_addresses(builder, endpoint, surplus)
        builder.do(*new_mac, SetLink(*interface, "up", False, True))
    _align_connected_routes(builder, endpoint)
    _align_routes(builder, endpoint, recorded)
    _delete_addresses(builder, endpoint, surplus)
    for address in again:
        builder.do(_deletion(builder, endpoint, endpoint.ifname, address), AddAddress(*interface, address))
    builder.do(*inverse(promotion))
    if link.up:
        # The kernel announces a new MAC address with all addresses that the link has then.
        builder.do(*new_mac)


def rename_link(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint, network: Network) -> None:
    """Give the link of an endpoint another name.

    Kernels before 6.2 rename links only while they are down (net/core/dev.c, dev_change_name).
    """
    if endpoint.ifname == recorded.ifname:
        return
    old = endpoint.netns, recorded.ifname
    space = builder.space(endpoint.netns)
    if space is not None and space.links[recorded.ifname].up and not builder.kernel.renames_live:
        _check_keeps_routes(endpoint, recorded, space)
        _warn_of_losses(builder, endpoint, recorded, network, f"renaming {recorded.ifname} to {endpoint.ifname}")
        _delete_added_routes(builder, endpoint, recorded.ifname, (4, 6))
        _delete_all_addresses(builder, endpoint, recorded.ifname, (6,))
        builder.do(SetLink(*old, "up", True, False))
    builder.do(SetLink(*old, "name", recorded.ifname, endpoint.ifname))


def _align_vrf(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint, network: Network) -> None:
    """Put the link of an endpoint into its VRF, or take it out of the one that it was put into.

    The kernel takes the link down and up then (drivers/net/vrf.c, cycle_netdev), with which it loses routes and IPv6 addresses.
    """
    located = _link(builder, endpoint, endpoint.ifname)
    if located is None or endpoint.vrf is None and recorded.vrf is None:
        return
    space, link = located
    vrf = vrf_of(space, link)
    actual = vrf.name if vrf is not None else None
    if actual == endpoint.vrf or endpoint.vrf is None and actual != recorded.vrf:
        return
    interface = endpoint.netns, endpoint.ifname
    if link.up:
        what = f"putting {link.name} into the VRF {endpoint.vrf}" if endpoint.vrf else f"taking {link.name} out of the VRF {actual}"
        _warn_of_losses(builder, endpoint, dataclasses.replace(recorded, ifname=link.name), network, what)
        _delete_added_routes(builder, endpoint, endpoint.ifname, (4, 6))
        _delete_all_addresses(builder, endpoint, endpoint.ifname, (6,))
        builder.do(SetLink(*interface, "up", True, False))
    builder.do(SetLink(*interface, "vrf", actual, endpoint.vrf))


def _check_keeps_routes(endpoint: Endpoint, recorded: Endpoint, space: Space) -> None:
    """Refuse to take down a link whose routes are unknown, because they are in the table of a VRF."""
    vrf = vrf_of(space, space.links[recorded.ifname])
    if vrf is not None and recorded.vrf is None:
        raise PlanError(
            f"{endpoint.title}: ifname: {recorded.ifname}{endpoint.netns.phrase} is in the VRF {vrf.name}, and this kernel "
            f"cannot rename a link that is up; when the link goes down, its routes in that VRF would be lost; "
            f"{advice_to_leave_vrf(endpoint, recorded.ifname)}"
        )


def _warn_of_losses(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint, network: Network, what: str) -> None:
    """Warn of foreign addresses and routes that the kernel removes when the link goes down.

    Their lifetime is unknown, so they cannot be restored.

    :param what: takes it down
    """
    located = _link(builder, endpoint, recorded.ifname)
    if located is None:
        return
    space, link = located
    ours = {*recorded.addresses, *endpoint.addresses, *addresses_to_remove(endpoint, network, space, link)}
    addresses = sorted(item for item in space.addresses.get(link.index, ()) if version_of(item) == 6 and item not in ours)
    identities = {route.identity for route in (*recorded.all_routes, *endpoint.all_routes)}
    routes = [route for route in routes_put_on(space, link) if route.identity not in identities]
    lost = [*addresses, *(f"the route to {route_phrase(route)}" for route in routes)]
    if lost:
        builder.warn(
            f"{endpoint.title}: {what}{endpoint.netns.phrase} takes the link down, "
            f"and the kernel then removes what other programs have added to it: {', '.join(lost)}; let those programs add it again"
        )


def _align_sysctls(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint, space: Space, link: Link) -> None:
    """Steps for the settings that differ; ``link`` is the link before any change."""
    # With the minimum mtu the link has IPv6 again, with the settings of a new interface (net/ipv6/addrconf.c).
    comes_back = link.mtu < MIN_MTU_IPV6 <= endpoint.mtu
    changes = of_settings(endpoint, space, builder.kernel.has_ipv6, comes_back)
    changes += dropped_sysctls(builder, endpoint, recorded) + _defaulted_sysctls(endpoint, recorded, space)
    if _loses_ipv6(link, endpoint) and not builder.kernel.read_only:
        changes += _lost_with_ipv6(endpoint, recorded, space, frozenset(item.key for item in changes))
    if endpoint.mtu < MIN_MTU_IPV6:
        # Below the minimum mtu these settings do not exist.
        changes = [dataclasses.replace(item, optional=item.optional or needs_ipv6(item.key)) for item in changes]
    if any(switches_ipv6_off(item.key, item.new) for item in changes):
        _delete_ipv6(builder, endpoint, recorded)
    if changes:
        builder.do(SetSysctls(endpoint.netns, endpoint.ifname, tuple(changes)))


def _delete_ipv6(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint) -> None:
    """Delete what the kernel deletes without IPv6; with steps of their own, addresses and routes come back if these are undone.

    What has a lifetime could not come back with it.
    """
    located = _link(builder, endpoint, endpoint.ifname)
    if located is None:
        return
    space, link = located
    present = {route.identity for route in space.routes.get(link.index, ())}
    for route in reversed(in_order(recorded.all_routes)):
        if version_of(route.to) == 6 and route.identity in present:
            builder.do(DeleteRoute(endpoint.netns, link.name, route))
    for address in sorted(space.addresses.get(link.index, ())):
        if version_of(address) == 6 and (link.index, address) not in space.temporary:
            builder.do(_deletion(builder, endpoint, link.name, address))


def _loses_ipv6(link: Link, endpoint: Endpoint) -> bool:
    """Whether the new mtu is below the minimum of IPv6."""
    return link.mtu >= MIN_MTU_IPV6 > endpoint.mtu


def _lost_with_ipv6(endpoint: Endpoint, recorded: Endpoint, space: Space, changed: frozenset[str]) -> list[Sysctl]:
    """IPv6 settings that are right and are lost with IPv6: a step writes them unchanged, so that undoing it restores them."""
    known = dict.fromkeys(item.key for item in (*settings(recorded), *settings(endpoint)))
    kept = [key for key in known if needs_ipv6(key) and key not in changed]
    values = ((key, space.sysctls.get(names.sysctl_key(key, endpoint.ifname))) for key in kept)
    return [Sysctl(key, value, value) for key, value in values if value is not None]


def dropped_sysctls(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint) -> list[Sysctl]:
    """Restore settings of the namespace that no endpoint in it requires any more."""
    neighbours = [other for other in builder.endpoints_in(endpoint.netns) if other.key != endpoint.key]
    return [
        Sysctl(key, recorded.sysctls.get(key), before, optional=True)
        for key, before in recorded.sysctls_before.items()
        if key not in endpoint.sysctls and not any(key in other.sysctls for other in neighbours)
    ]


def _defaulted_sysctls(endpoint: Endpoint, recorded: Endpoint, space: Space) -> list[Sysctl]:
    """Settings of the interface that the task no longer has, or that are ours with IPv6 alone, get the value of a new interface."""
    changes = []
    kept = {item.key for item in settings(endpoint)}
    for key in dict.fromkeys((*recorded.sysctls, *(WITH_IPV6 if recorded.ipv6 and not endpoint.ipv6 else ()))):
        actual, default = space.sysctls.get(names.sysctl_key(key, endpoint.ifname)), space.sysctls.get(default_key(key))
        if "IFNAME" in key and key not in kept and actual is not None and default is not None and actual != default:
            changes.append(Sysctl(key, actual, default))
    return changes


def _link(builder: PlanBuilder, endpoint: Endpoint, ifname: str) -> tuple[Space, Link] | None:
    """A link in the namespace of an endpoint, after the steps so far."""
    space = builder.space(endpoint.netns)
    link = space.links.get(ifname) if space else None
    return None if space is None or link is None else (space, link)


def _deletion(builder: PlanBuilder, endpoint: Endpoint, ifname: str, address: str) -> DeleteAddress:
    located = _link(builder, endpoint, ifname)
    peer = located[0].peers.get((located[1].index, address)) if located else None
    return DeleteAddress(endpoint.netns, ifname, address, peer)


def _present_addresses(builder: PlanBuilder, endpoint: Endpoint) -> tuple[str, ...]:
    """The addresses of its link, after the steps so far."""
    located = _link(builder, endpoint, endpoint.ifname)
    return located[0].addresses.get(located[1].index, ()) if located else ()


def _surplus_addresses(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint, network: Network) -> frozenset[str]:
    """The addresses to delete, of those that the link has before any change."""
    located = _link(builder, endpoint, endpoint.ifname)
    return of_addresses(endpoint, network, *located, recorded.addresses).surplus if located else frozenset()


def _wrong_addresses(builder: PlanBuilder, endpoint: Endpoint, surplus: frozenset[str]) -> list[str]:
    """The addresses to delete that the link still has; sorted, because the kernel's order has no meaning."""
    return sorted(surplus.intersection(_present_addresses(builder, endpoint)))


def _promote_secondaries(builder: PlanBuilder, endpoint: Endpoint, surplus: frozenset[str]) -> tuple[SetSysctls, ...]:
    """The step that keeps the other addresses of a subnet when one of them is deleted.

    With the first IPv4 address of a subnet the kernel deletes all others or, with promote_secondaries, promotes the next
    one (net/ipv4/devinet.c, __inet_del_ifa).
    """
    wrong = [address for address in _wrong_addresses(builder, endpoint, surplus) if version_of(address) == 4]
    subnets = [inet.network_of(address) for address in {*_present_addresses(builder, endpoint), *endpoint.addresses}]
    space = builder.space(endpoint.netns)
    actual = space.sysctls.get(names.sysctl_key(PROMOTION, endpoint.ifname), "0") if space else "0"
    if actual != "0" or all(subnets.count(inet.network_of(address)) == 1 for address in wrong):
        return ()
    return (SetSysctls(endpoint.netns, endpoint.ifname, (Sysctl(PROMOTION, actual, "1"),)),)


def _add_addresses(builder: PlanBuilder, endpoint: Endpoint, once: bool) -> None:
    """Add missing addresses.

    :param once: whether the link can have an address with one prefix length only
    """
    present = _present_addresses(builder, endpoint)
    for address in endpoint.addresses:
        if address in present:
            continue
        for other in sorted(present):
            # The kernel takes no second prefix length of an IPv6 address (net/ipv6/addrconf.c, ipv6_add_addr).
            if (once or version_of(other) == 6) and without_prefix(other) == without_prefix(address):
                _delete_routes_that_go_with(builder, endpoint, {other})
                builder.do(_deletion(builder, endpoint, endpoint.ifname, other))
        builder.do(AddAddress(endpoint.netns, endpoint.ifname, address))


def _delete_addresses(builder: PlanBuilder, endpoint: Endpoint, surplus: frozenset[str]) -> None:
    """Delete wrong addresses."""
    wrong = _wrong_addresses(builder, endpoint, surplus)
    _delete_routes_that_go_with(builder, endpoint, {*wrong})
    for address in wrong:
        builder.do(_deletion(builder, endpoint, endpoint.ifname, address))


def _delete_routes_that_go_with(builder: PlanBuilder, endpoint: Endpoint, going: set[str]) -> None:
    """Delete the IPv4 routes before the last IPv4 address, with which the kernel would delete them: a step can be undone."""
    left = set(_present_addresses(builder, endpoint)) - going
    if not any(version_of(address) == 4 for address in left) and any(version_of(address) == 4 for address in going):
        _delete_added_routes(builder, endpoint, endpoint.ifname, (4,))


def release_addresses(builder: PlanBuilder, endpoint: Endpoint, addresses: frozenset[str]) -> None:
    """Plan to take addresses from the link of an endpoint, which keeps its other ones."""
    promotion = _promote_secondaries(builder, endpoint, addresses)
    builder.do(*promotion)
    _delete_addresses(builder, endpoint, addresses)
    builder.do(*inverse(promotion))


def _delete_added_routes(builder: PlanBuilder, endpoint: Endpoint, ifname: str, versions: tuple[int, ...]) -> None:
    """Delete the routes of an interface that programs added."""
    located = _link(builder, endpoint, ifname)
    for route in reversed(in_order(routes_put_on(*located) if located else ())):
        if version_of(route.to) in versions:
            builder.do(DeleteRoute(endpoint.netns, ifname, route))


def routes_put_on(space: Space, link: Link) -> list[Route]:
    """The routes of a link that programs added, without those that the kernel adds with addresses.

    Sorted, because the kernel's order has no meaning, and a plan must not depend on it.
    """
    connected = {inet.network_of(address) for address in space.addresses.get(link.index, ())} | {"fe80::/64"}
    return sorted((route for route in space.routes.get(link.index, ()) if route.to not in connected), key=route_order)


def _delete_all_addresses(builder: PlanBuilder, endpoint: Endpoint, ifname: str, versions: tuple[int, ...]) -> None:
    located = _link(builder, endpoint, ifname)
    for address in sorted(located[0].addresses.get(located[1].index, ())) if located else ():
        if version_of(address) in versions:
            builder.do(_deletion(builder, endpoint, ifname, address))


def _align_connected_routes(builder: PlanBuilder, endpoint: Endpoint) -> None:
    """Add missing routes of its addresses, by which the next hops of other routes are reached."""
    located = _link(builder, endpoint, endpoint.ifname)
    if located is None:
        return
    space, link = located
    for address, route in missing_connected_routes(endpoint, space, link):
        builder.do(*(DeleteRoute(endpoint.netns, endpoint.ifname, other) for other in competing_routes(route, space, link)))
        builder.do(AddConnectedRoute(endpoint.netns, endpoint.ifname, address))


def _align_routes(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint) -> None:
    interface = endpoint.netns, endpoint.ifname
    located = _link(builder, endpoint, endpoint.ifname)
    if located is None:
        return
    missing, stale = of_routes(endpoint, *located, recorded.all_routes)
    # The kernel keeps one route per destination and metric; ours replaces it, no matter who added it.
    for route, others in [(route, competing_routes(route, *located)) for route in missing]:
        # For IPv6 there may be several next hops, which would all be replaced together.
        builder.do(*(DeleteRoute(*interface, item) for item in others[1:]))
        builder.do(ReplaceRoute(*interface, others[0], route) if others else AddRoute(*interface, route))
    taken = {route.destination_and_metric for route in missing}
    builder.do(*(DeleteRoute(*interface, route) for route in reversed(stale) if route.destination_and_metric not in taken))
