# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the kernel's state: links, addresses, routes and settings; each namespace is read once."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import errno
import importlib.util
import os
import typing as t

from ..errors import KernelError, NoNamespaceError
from ..model.kernel import BridgeVlans, Kernel, MovedLink, Needs, Space
from ..model.links import Link
from ..model.netns import HOST, Netns
from ..model.resolver import ResolverFile
from ..model.route import MAIN_TABLE, OtherRoute, Route
from ..values import names
from ..wire import ask, parse
from ..wire.kinds import kind_named, kind_of
from . import namespaces
from .route_socket import RouteSocket
from .sysctls import IPV6_SETTINGS, has_setting, read_files, read_only_settings

RT_SCOPE_LINK = 253

# From this number on, reading the filters of all links of the host costs less than reading each.
MANY_PARENTS, ALL_LINKS = 16, 0

# The first kernel that renames links which are up (net/core/dev.c, dev_change_name).
RENAMES_LIVE = (6, 2)


def read_kernel(needs: Needs, host: str, boot_id: str) -> Kernel:
    """The state that the plan needs; each namespace is dumped once.

    :raises KernelError: the kernel does not answer
    """
    identities = {
        netns.path: identity
        for netns in {HOST, *needs.identities, *needs.spaces}
        if (identity := namespaces.identity(netns)) is not None
    }
    spaces, no_namespaces = _read_spaces(needs, identities)
    for path in no_namespaces:
        del identities[path]
    by_pyroute2 = any(kind_named(kind).by_library for kind in needs.kinds)
    own = spaces.get(HOST.path)
    missing_kinds, missing_options = _missing(needs, spaces)
    return Kernel(
        host=host,
        boot_id=boot_id,
        spaces=spaces,
        identities=identities,
        missing_kinds=missing_kinds,
        missing_link_options=missing_options,
        unknown_settings=frozenset(
            key for netns, key in needs.settings if not has_setting(netns, key, identities)
        ),
        dangling=frozenset(
            netns.path for netns in needs.spaces if netns.path not in identities and namespaces.is_dangling(netns)
        ),
        no_namespaces=no_namespaces,
        has_pyroute2=not by_pyroute2 or importlib.util.find_spec("pyroute2") is not None,
        has_ipv6=os.path.isdir(IPV6_SETTINGS),
        renames_live=names.kernel_version(os.uname().release) >= RENAMES_LIVE,
        read_only=read_only_settings(),
        moved_links=_moved_links() if own is not None and (needs.newcomers or needs.vlans - own.links.keys()) else (),
        bridges=_bridges(own, needs.parents) if own is not None else {},
        resolvers=_read_resolvers(needs.resolvers) if needs.resolvers else {},
    )


def _read_resolvers(names_of_spaces: t.Iterable[str]) -> dict[str, ResolverFile]:
    """Name of a namespace → its file of name servers, which few hosts have."""
    from .resolver_files import read_resolvers

    return read_resolvers(names_of_spaces)


def _missing(needs: Needs, spaces: t.Mapping[str, Space | None]) -> tuple[frozenset[str], frozenset[str]]:
    """The kinds of link, and the link options, that this kernel does not have, of those that are asked about.

    Only a run that asks about some imports the code for it.
    """
    if not needs.kinds and not needs.link_options:
        return frozenset(), frozenset()
    from .available_kinds import missing_kinds, missing_link_options

    return missing_kinds(needs.kinds), missing_link_options(needs.link_options, spaces.values())


def _read_spaces(needs: Needs, there: t.Container[str]) -> tuple[dict[str, Space | None], frozenset[str]]:
    """Path → the state of a namespace, None if there is none; and the paths that are not namespaces.

    :param there: the paths that exist
    """
    processes = namespaces.processes_in(needs.processes)
    spaces: dict[str, Space | None] = {}
    no_namespaces: set[str] = set()
    with contextlib.closing(namespaces.Walker()) as walker:
        for netns, keys in needs.spaces.items():
            spaces[netns.path] = None
            if netns.path not in there:
                continue
            processes_in = processes.get(netns.path, ())
            try:
                if netns in needs.links_only:
                    spaces[netns.path] = read_links_only(walker, netns, processes_in)
                else:
                    routes = bool(netns.path) or needs.host_routes
                    hops = needs.next_hops and netns == HOST
                    space = read_space(walker, netns, keys, routes, processes_in, hops)
                    spaces[netns.path] = _with_filters(space) if space and needs.filters and netns == HOST else space
            except NoNamespaceError:
                no_namespaces.add(netns.path)
    return spaces, frozenset(no_namespaces)


def read_space(
    walker: namespaces.Walker,
    netns: Netns,
    sysctls: t.Iterable[str] = (),
    with_routes: bool = False,
    processes: tuple[int, ...] = (),
    with_next_hops: bool = False,
) -> Space | None:
    """One namespace, None if it is gone by now.

    :param walker: is in that namespace afterwards
    :raises KernelError: it is no namespace, or the kernel does not answer
    """
    if not _visited(walker, netns):
        return None
    wanted = frozenset(sysctls)
    with contextlib.closing(RouteSocket()) as sock:
        links, settings = _read_links(sock, wanted)
        addresses = _read_addresses(sock)
        bodies: t.Iterable[bytes] = sock.dump(ask.dump_routes()) if with_routes or with_next_hops else ()
        hops = _NextHops()
        if with_next_hops:
            bodies = map(hops.seen, bodies)
        if with_routes:
            routes, other_routes = _read_routes(bodies, links)
        else:
            routes, other_routes = {}, ()
            collections.deque(bodies, maxlen=0)
        return Space(
            links=links,
            addresses=addresses.addresses,
            peers=addresses.peers,
            temporary=frozenset(addresses.temporary),
            routes=routes,
            other_routes=other_routes,
            sysctls={**settings, **read_files(wanted - settings.keys())},
            processes=processes,
            link_scope=addresses.link_scope,
            next_hops=hops.destinations,
        )


def _visited(walker: namespaces.Walker, netns: Netns) -> bool:
    """Enter a namespace; return False if it is gone by now."""
    try:
        walker.go(netns)
    except KernelError as exc:
        if exc.errno == errno.ENOENT and not isinstance(exc, NoNamespaceError):
            return False
        raise
    return True


def read_links_only(walker: namespaces.Walker, netns: Netns, processes: tuple[int, ...] = ()) -> Space | None:
    """The links of a namespace, None if it is gone by now.

    :param walker: is in that namespace afterwards
    :raises KernelError: it is no namespace, or the kernel does not answer
    """
    if not _visited(walker, netns):
        return None
    with contextlib.closing(RouteSocket()) as sock:
        return Space(links=read_links(sock), processes=processes)


def read_links(sock: RouteSocket) -> dict[str, Link]:
    """The links of the socket's namespace."""
    return _read_links(sock, ())[0]


def _read_links(sock: RouteSocket, wanted: t.Collection[str]) -> tuple[dict[str, Link], dict[str, str]]:
    """The links, and those of their settings that the same dump has, because reading a file for each would cost more."""
    links: dict[str, Link] = {}
    settings: dict[str, str] = {}
    for body in sock.dump(ask.dump_links()):
        attributes = parse.link_attributes(body)
        link = parse.parse_link(body, attributes)
        links[link.name] = link
        if wanted and not link.loopback:
            own_settings = parse.parse_settings(attributes, link.name)
            # A link of ours may have another name than the one that is asked about, and is to be renamed back to it.
            settings.update((key, value) for key, value in own_settings.items() if key in wanted or link.ours)
    return links, settings


Addresses = dict[int, tuple[str, ...]]


class _Addresses:
    """The addresses of a namespace, as :class:`Space` has them."""

    def __init__(self) -> None:
        self.addresses: Addresses = {}
        self.peers: dict[tuple[int, str], str] = {}
        self.link_scope: Addresses = {}
        self.temporary: set[tuple[int, str]] = set()


def _read_addresses(sock: RouteSocket) -> _Addresses:
    result = _Addresses()
    for body in sock.dump(ask.dump_addresses()):
        index, address, scope, peer, temporary = parse.parse_address(body)
        if scope != RT_SCOPE_LINK:
            result.addresses[index] = (*result.addresses.get(index, ()), address)
            if peer is not None:
                result.peers[index, address] = peer
            if temporary:
                result.temporary.add((index, address))
        elif ":" not in address:
            result.link_scope[index] = (*result.link_scope.get(index, ()), address)
    return result


class _NextHops:
    """Collects the next hops of a stream of routes.

    Most routes have a next hop that is known already; only the others are parsed.

    :ivar destinations: (ifindex, next hop) → the destination of the first route that has it
    """

    def __init__(self) -> None:
        self.destinations: dict[tuple[int, str], str] = {}
        self._known: set[bytes] = set()

    def seen(self, body: bytes) -> bytes:
        """Note the next hops of a route; return the route unchanged."""
        rest = parse.behind_destination(body)
        if rest not in self._known:
            self._known.add(rest)
            destination, hops = parse.parse_next_hops(body)
            for hop in hops:
                self.destinations.setdefault(hop, destination)
        return body


def _read_routes(
    bodies: t.Iterable[bytes], links: t.Mapping[str, Link]
) -> tuple[dict[int, tuple[Route, ...]], tuple[OtherRoute, ...]]:
    """The routes of the main table and of those of VRFs: by link those in its own table, and all others."""
    vrfs = {link.index: link.table for link in links.values() if link.table is not None}
    tables = {link.index: vrfs[link.master] for link in links.values() if link.master in vrfs} if vrfs else {}
    of_vrfs = {*vrfs.values()}
    routes: dict[int, list[Route]] = {}
    others: list[OtherRoute] = []
    for body in bodies:
        table, parsed = MAIN_TABLE, parse.parse_route(body)
        if not parsed and of_vrfs and (table := parse.table_of(body)) in of_vrfs:
            parsed = parse.parse_route(body, table)
        if isinstance(parsed, OtherRoute):
            others.append(parsed)
            continue
        for index, route in parsed:
            if tables.get(index, MAIN_TABLE) == table:
                routes.setdefault(index, []).append(route)
            else:
                over = next((link.name for link in links.values() if link.index == index), f"link {index}")
                others.append(OtherRoute(route.destination_and_metric, "unicast", table, over))
    return {index: tuple(items) for index, items in routes.items()}, tuple(others)


def _with_filters(space: Space) -> Space:
    """The namespace with the filters of those of our links that can be parents; the thread is in that namespace.

    Group addresses, which all links accept, are left out.
    """
    parents = [link.index for link in space.links.values() if link.ours and kind_of(link).carries_endpoints]
    filters: dict[int, set[str]] = {index: set() for index in parents}
    with contextlib.closing(RouteSocket()) as sock:
        # For each link the kernel iterates over all links.
        for asked in parents if len(parents) < MANY_PARENTS else (ALL_LINKS,):
            for body in sock.dump(ask.dump_filter(asked)):
                index, mac = parse.parse_filter(body)
                if index in filters and not int(mac[:2] or "1", 16) & 1:
                    filters[index].add(mac)
    return dataclasses.replace(space, filters={index: frozenset(macs) for index, macs in filters.items()})


def _bridges(host: Space, parents: t.Iterable[str]) -> dict[int, BridgeVlans]:
    """ifindex → VLANs of those bridges below some links of the host that filter VLANs; the thread is in its namespace."""
    protocols: dict[int, str] = {}
    seen: set[int] = set()
    for name in parents:
        link = host.named(name)
        while link is not None and link.index not in seen:
            seen.add(link.index)
            if kind_of(link).filters_vlans:
                with contextlib.closing(RouteSocket()) as sock:
                    dummy, body = sock.ask(ask.get_link(link.name))
                protocol = parse.parse_vlan_filter(body) if body is not None else None
                protocols.update({link.index: protocol} if protocol else {})
            link = host.by_index(link.lower) if link.lower_netns is None else None
    if not protocols:
        return {}
    from .pyroute import read_bridge_vlans

    return read_bridge_vlans(protocols)


def _moved_links() -> tuple[MovedLink, ...]:
    """The links in named namespaces, moved or created there by other programs, that block new links on links of the host."""
    moved: list[MovedLink] = []
    with contextlib.closing(namespaces.Walker()) as walker:
        for netns in namespaces.named():
            try:
                walker.go(netns)
                with contextlib.closing(RouteSocket()) as sock:
                    links = [link for link in read_links(sock).values() if link.lower_netns is not None]
                    away = [link for link in links if link.vlan is not None or kind_of(link).blocks_other_links]
                    home = number_of_home(sock, walker) if away else -1
            except KernelError:  # a name without a namespace behind it holds no links
                continue
            moved += [MovedLink(netns, link) for link in away if link.lower_netns == home]
    return tuple(moved)


def number_of_home(sock: RouteSocket, walker: namespaces.Walker) -> int:
    """The number by which links of the socket's namespace refer to the walker's first namespace; negative if they do not.

    A namespace has such a number once the kernel has dumped a link that refers to it.
    """
    dummy, body = sock.ask(ask.get_nsid(walker.home))
    return -1 if body is None else parse.parse_nsid(body)
