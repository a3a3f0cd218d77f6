# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the namespace of an endpoint."""

from __future__ import annotations

import typing as t

from ..compare.ownership import find_link, link_of
from ..compare.wanted_settings import default_key
from ..errors import PlanError
from ..model.endpoint import Endpoint
from ..model.kernel import Space
from ..model.links import Link
from ..model.netns import HOST
from ..model.route import MAIN_TABLE, Route
from ..request.endpoint import EndpointOptions
from ..values.addresses import block_of, prefix_length, version_of
from ..wire.kinds import table_of, vrf_of
from .builder import PlanBuilder
from .kernel_limits import article, check_family


def check_namespace(builder: PlanBuilder, wanted: EndpointOptions) -> None:
    """Refuse a namespace that is missing and cannot be created, a path to something else, and the host's own namespace.

    :raises PlanError: naming it, and why
    """
    title = wanted.title
    if not wanted.netns.path:
        return
    if builder.is_same_netns(wanted.netns, HOST):
        raise PlanError(
            f"{title}: {wanted.netns.path} is the host's own namespace; leave netns, netns_path and pid out for that"
        )
    if wanted.netns.path in builder.kernel.no_namespaces:
        raise PlanError(f"{title}: {wanted.netns.path} is not a network namespace")
    if builder.space(wanted.netns) is None and wanted.netns.kind == "pid":
        raise PlanError(
            f"{title}: pid: there is no process {wanted.netns.value}; look the process up again, because a restarted "
            f"container has another one (docker inspect --format '{{{{.State.Pid}}}}' NAME)"
        )
    if builder.space(wanted.netns) is None and wanted.netns.kind != "name":
        raise PlanError(f"{title}: there is no namespace {wanted.netns.path}; only a named one (netns) is created when missing")


def check_settings(builder: PlanBuilder, wanted: EndpointOptions) -> None:
    """Refuse settings that this kernel does not have.

    :raises PlanError: naming them
    """
    unknown = [key for key in wanted.sysctls if default_key(key) in builder.kernel.unknown_settings]
    if unknown:
        raise PlanError(
            f"{wanted.title}: sysctls: this kernel has no {', '.join(unknown)}; "
            f"IFNAME stands for the endpoint's own interface"
        )


def has_moved(builder: PlanBuilder, recorded: Endpoint, endpoint: Endpoint) -> bool:
    """Whether the task names another namespace because the old one is gone (a restarted container)."""
    return not builder.is_same_netns(recorded.netns, endpoint.netns)


def check_not_moved(builder: PlanBuilder, recorded: Endpoint, wanted: EndpointOptions) -> None:
    """Refuse another namespace than the recorded one while the link exists.

    :raises PlanError: naming both
    """
    if builder.is_same_netns(recorded.netns, wanted.netns):
        return
    space = builder.space(recorded.netns)
    if space is None or link_of(builder, recorded) is None:
        return
    from .replacement import refusal

    option = {"name": "netns", "path": "netns_path", "pid": "pid", "host": "netns"}[wanted.netns.kind]
    raise refusal(recorded.ref, option, f"{option}: it is in {recorded.netns.title} and cannot be moved to {wanted.netns.title}")


def check_neighbours(builder: PlanBuilder, endpoint: Endpoint, own: Link | None, recorded_vrf: str | None = None) -> None:
    """Refuse duplicates in a namespace: of the interface name, a subnet, or the default route of a family.

    :param own: its link, if there is one
    :param recorded_vrf: the VRF that this is in by the record, which it leaves if it is to be in another one or none
    """
    for coming in builder.unforeseen.values():
        if coming.ifname == endpoint.ifname and builder.is_same_netns(coming.netns, endpoint.netns):
            raise PlanError(f"{endpoint.title}: ifname {endpoint.ifname} belongs to {coming.title}{endpoint.netns.phrase}")
    for other in builder.endpoints_in(endpoint.netns):
        if other.ifname == endpoint.ifname:
            raise PlanError(f"{endpoint.title}: ifname {endpoint.ifname} belongs to {other.title}{endpoint.netns.phrase}")
        _check_same_sysctls(endpoint, other)
        if other.vrf != endpoint.vrf:
            continue  # each VRF has a table of its own
        # The addresses of the host's access are hosts' own, with no subnet behind them.
        is_beside_access = other.network == endpoint.network and (other.host_access or endpoint.host_access)
        if is_beside_access:
            _check_beside_ranges(*((endpoint, other) if other.host_access else (other, endpoint)))
        for mine in endpoint.addresses if not is_beside_access else ():
            for theirs in other.addresses:
                if block_of(mine).overlaps(block_of(theirs)):
                    raise PlanError(
                        f"{endpoint.title}: {mine} and {theirs} of {other.title} would be in one namespace with "
                        f"overlapping subnets, and the kernel would answer for the wrong one"
                    )
        check_default_route(endpoint, other.default_routes, other.title)
        for one, another in ((endpoint, other), (other, endpoint)):
            _check_next_hops(one, another)
    if builder.space(endpoint.netns) is None and endpoint.ifname == "lo":
        raise PlanError(f"{endpoint.title}: ifname lo is the loopback, which every namespace has")
    check_namespace_conflicts(builder, endpoint, own, recorded_vrf)


def _check_beside_ranges(endpoint: Endpoint, access: Endpoint) -> None:
    """Refuse an endpoint in the host's own namespace whose subnet the host already has a route to, over its access to the network."""
    ranges = {route.to for route in access.routes}
    connected = (Route.connected(address) for address in endpoint.addresses)
    twice = next((route.to for route in connected if route is not None and route.to in ranges), None)
    if twice is not None:
        raise PlanError(
            f"{endpoint.title}: the host would have two routes to {twice}, over {endpoint.ifname} and over {access.ifname} of host_access; "
            f"give the endpoint a namespace, or use routes: endpoints in host_access of network {endpoint.network}"
        )


def check_namespace_conflicts(builder: PlanBuilder, endpoint: Endpoint, own: Link | None, recorded_vrf: str | None = None) -> None:
    """Refuse a namespace in which a foreign link has the name or the default route of an endpoint, or which lacks IPv6.

    :param own: its link, if there is one
    :param recorded_vrf: the VRF that this is in by the record
    :raises PlanError: naming the conflicting object
    """
    check_family(builder.kernel, endpoint)
    space = builder.space(endpoint.netns)
    if space is not None:
        check_parent(builder, space, endpoint, own)
        _check_name_is_free(space, endpoint, own)
        check_table(builder, space, endpoint, own, recorded_vrf)


def _check_next_hops(endpoint: Endpoint, other: Endpoint) -> None:
    """Refuse an IPv6 next hop that the kernel would look for on the link of another endpoint (net/ipv6/route.c)."""
    for route in endpoint.all_routes:
        if not route.onlink or route.via is None or version_of(route.via) == 4:
            continue
        for address in other.addresses:
            if route.via in block_of(address):
                raise PlanError(
                    f"{endpoint.title}: {route.via}, the next hop of {route.to}, lies in the subnet of {address} of {other.title}"
                    f"{endpoint.netns.phrase or ' in the same namespace'}, where the kernel would look for it on the link of that one; "
                    f"use another next hop, or another namespace"
                )


def _check_same_sysctls(endpoint: Endpoint, other: Endpoint) -> None:
    for key, value in endpoint.sysctls.items():
        if "IFNAME" not in key and other.sysctls.get(key, value) != value:
            raise PlanError(
                f"{endpoint.title}: sysctls: {key} is a setting of the whole namespace, and {other.title} in it "
                f"wants {other.sysctls[key]}, not {value}"
            )


def check_default_route(endpoint: Endpoint, versions: t.Iterable[int], holder: str) -> None:
    """Refuse a second default route of a family in a namespace.

    :param versions: the IP versions of which the holder has a default route
    """
    for version in versions:
        if version in endpoint.default_routes:
            raise PlanError(
                f"{endpoint.title}: {holder} has the IPv{version} default route{_phrase_of_table(endpoint)} already; "
                f"use default_route: false"
            )


def check_parent(builder: PlanBuilder, space: Space, endpoint: Endpoint, own: Link | None) -> None:
    """Refuse if the link is on another parent: one of the two links was renamed, and only the operator knows which."""
    elsewhere = None if own else find_link(space, endpoint, None)
    if elsewhere is not None:
        parent, below = builder.networks[endpoint.network].parent, builder.host.by_index(elsewhere.lower)
        raise PlanError(
            f"{endpoint.title}: {elsewhere.name}{endpoint.netns.phrase} is not on its parent {parent} but on "
            f"{below.name if below else 'a link elsewhere'}; give that link its old name back, or delete {elsewhere.name}"
        )


def _check_name_is_free(space: Space, endpoint: Endpoint, own: Link | None) -> None:
    link = space.links.get(endpoint.ifname)
    holder = space.with_altname(endpoint.ifname)
    # The kernel gives a link no name that it has as an alternative one, either (net/core/dev.c, netdev_name_in_use).
    if holder is not None and not (link is not None and link == own):
        raise PlanError(
            f"{endpoint.title}: ifname {endpoint.ifname} is taken{endpoint.netns.phrase}: it is an alternative name of "
            f"{holder.name}; use another ifname, or remove that name: {endpoint.netns.ip} link property del dev "
            f"{holder.name} altname {endpoint.ifname}"
        )
    if link is not None and link != own:
        what = f"{article(link.kind)} {link.kind} link" if link.kind else "a link"
        raise PlanError(
            f"{endpoint.title}: ifname {endpoint.ifname} is taken{endpoint.netns.phrase} by {what} that the collection did not create"
        )


def check_table(builder: PlanBuilder, space: Space, endpoint: Endpoint, own: Link | None, recorded_vrf: str | None = None) -> None:
    """Refuse routes that routes of other programs, or of other endpoints, keep out of the table that they are added to.

    :param own: its link, if there is one
    :param recorded_vrf: the VRF that this is in by the record
    :raises PlanError: naming the route
    """
    table = _table_of_routes(space, endpoint, own, recorded_vrf)
    if table is not None:
        _check_foreign_default_routes(builder, space, endpoint, own, table)
        _check_route_conflicts(space, endpoint, own, table)


def _table_of_routes(space: Space, endpoint: Endpoint, own: Link | None, recorded_vrf: str | None) -> int | None:
    """The number of the table that the routes of an endpoint are added to.

    None if it is unknown, or that of a VRF to which others have added the link, and the collection adds no route.
    """
    if endpoint.vrf is not None:
        wanted = space.links.get(endpoint.vrf)
        return wanted.table if wanted is not None else None
    vrf = vrf_of(space, own) if own is not None else None
    return MAIN_TABLE if vrf is None or vrf.name == recorded_vrf else None


def _phrase_of_table(endpoint: Endpoint) -> str:
    """Where the routes of an endpoint are, as messages have it."""
    return f" in the VRF {endpoint.vrf}" if endpoint.vrf is not None else endpoint.netns.phrase


def _links_of_table(space: Space, own: Link | None, table: int) -> list[Link]:
    """The links whose routes are in a table, without the link of the endpoint itself."""
    return [link for link in space.links.values() if not (own is not None and link.index == own.index) and table_of(space, link) == table]


def _check_foreign_default_routes(builder: PlanBuilder, space: Space, endpoint: Endpoint, own: Link | None, table: int) -> None:
    for other in _links_of_table(space, own, table):
        if other.ours:
            continue
        routes = space.routes.get(other.index, ())
        defaults = sorted({version_of(route.to) for route in routes if not prefix_length(route.to)})
        # A program in the namespace may have added a default route to a link of ours, also to one that lost its tag.
        if defaults and any(link_of(builder, item) == other for item in builder.endpoints_in(endpoint.netns)):
            continue
        check_default_route(endpoint, defaults, f"the foreign link {other.name}")


def _check_route_conflicts(space: Space, endpoint: Endpoint, own: Link | None, table: int) -> None:
    """Refuse routes whose destination and metric another route has; the kernel has only one of them."""
    taken = {
        route.destination_and_metric: f"a route over {route.over}" if route.over else f"{article(route.kind)} {route.kind} route"
        for route in space.other_routes
        if route.table == table
    }
    for other in _links_of_table(space, own, table):
        taken.update((route.destination_and_metric, f"a route over {other.name}") for route in space.routes.get(other.index, ()))
    for route in endpoint.all_routes:
        if route.destination_and_metric in taken:
            metric = f" with metric {route.metric}" if route.metric else ""
            instead = "use default_route: false" if route not in endpoint.routes else "give this one another metric"
            raise PlanError(
                f"{endpoint.title}: there is {taken[route.destination_and_metric]} to {route.to}{metric}{_phrase_of_table(endpoint)} already, "
                f"and the kernel accepts no second one; delete that route, or {instead}"
            )
