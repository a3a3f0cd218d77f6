# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel has: links, addresses, routes and settings, each namespace looked at once."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import errno
import importlib.util
import os
import socket
import typing as t

from . import checks, codec, names, namespaces
from .errors import KernelError, NoNamespaceError
from .model import (
    EXCLUSIVE_KINDS,
    HOST,
    BridgeVlans,
    Connection,
    Emigrant,
    Kernel,
    Link,
    Needs,
    Netns,
    OddRoute,
    Route,
    Space,
    Way,
)
from .netlink import RouteSocket, read_bridge_vlans

RT_SCOPE_LINK = 253

# The kinds of links of ours that others may sit on.
OWN_PARENTS = ("vlan", "dummy")
# What, beside VLANs, keeps others off the link below from another namespace.
EMIGRANT_KINDS = ("macvlan", "macvtap", *EXCLUSIVE_KINDS)
# So many that one look at the filters of all links of the host costs less than one at each of theirs.
MANY_PARENTS, ALL_LINKS = 16, 0

# Not there when IPv6 is switched off for good (ipv6.disable=1), or is a module that is not loaded.
IPV6_SETTINGS = "/proc/sys/net/ipv6/conf"
# The first kernel that renames links which are up (net/core/dev.c, dev_change_name).
RENAMES_LIVE = (6, 2)
# Where the settings of endpoints are, each of which may be a mount of its own; what is further down comes first.
SETTINGS_FOLDERS = {
    "net.ipv4.conf.": "/proc/sys/net/ipv4/conf",
    "net.ipv6.conf.": IPV6_SETTINGS,
    "net.ipv4.": "/proc/sys/net/ipv4",
    "net.ipv6.": "/proc/sys/net/ipv6",
    "net.": "/proc/sys/net",
}

KERNEL_MODULES = {"vlan": "8021q", "dummy": "dummy", "macvlan": "macvlan"}


def read_kernel(needs: Needs, host: str, boot_id: str) -> Kernel:
    """What the plan needs to know, each namespace dumped once.

    :raises KernelError: the kernel does not answer
    """
    identities = {
        netns.path: found
        for netns in {HOST, *needs.identities, *needs.spaces}
        if (found := namespaces.identity(netns)) is not None
    }
    strangers = namespaces.inhabitants(needs.strangers)
    spaces: dict[str, Space | None] = {}
    no_namespaces: set[str] = set()
    with contextlib.closing(namespaces.Walker()) as walker:
        for netns, keys in needs.spaces.items():
            spaces[netns.path] = None
            if netns.path not in identities:
                continue
            there = strangers.get(netns.path, ())
            try:
                if netns in needs.links_only:
                    spaces[netns.path] = read_links_only(walker, netns, there)
                else:
                    routes = bool(netns.path) or needs.host_routes
                    hops = needs.next_hops and netns == HOST
                    space = read_space(walker, netns, keys, routes, there, hops)
                    spaces[netns.path] = _with_filters(space) if space and needs.filters and netns == HOST else space
            except NoNamespaceError:
                no_namespaces.add(netns.path)
                del identities[netns.path]
    by_pyroute2 = needs.kinds - {"macvlan"}
    own = spaces.get(HOST.path)
    return Kernel(
        host=host,
        boot_id=boot_id,
        spaces=spaces,
        identities=identities,
        missing_kinds=missing_kinds(needs.kinds),
        unknown_settings=frozenset(
            key for netns, key in needs.settings if not _has_setting(netns, key, identities)
        ),
        dangling=frozenset(
            netns.path for netns in needs.spaces if netns.path not in identities and namespaces.is_dangling(netns)
        ),
        no_namespaces=frozenset(no_namespaces),
        has_pyroute2=not by_pyroute2 or importlib.util.find_spec("pyroute2") is not None,
        has_ipv6=os.path.isdir(IPV6_SETTINGS),
        renames_live=names.kernel_version(os.uname().release) >= RENAMES_LIVE,
        read_only=read_only_settings(),
        emigrants=_emigrants() if own is not None and (needs.newcomers or needs.vlans - own.links.keys()) else (),
        bridges=_bridges(own, needs.parents) if own is not None else {},
    )


def read_space(
    walker: namespaces.Walker,
    netns: Netns,
    sysctls: t.Iterable[str] = (),
    with_routes: bool = False,
    strangers: tuple[int, ...] = (),
    with_next_hops: bool = False,
) -> Space | None:
    """One namespace, None when it has gone meanwhile.

    :param walker: is there afterwards
    :raises KernelError: it is no namespace, or the kernel does not answer
    """
    if not _visited(walker, netns):
        return None
    wanted = frozenset(sysctls)
    with contextlib.closing(RouteSocket()) as sock:
        links, settings = _read_links(sock, wanted)
        found = _read_addresses(sock)
        bodies: t.Iterable[bytes] = sock.dump(codec.dump_routes()) if with_routes or with_next_hops else ()
        hops = _NextHops()
        if with_next_hops:
            bodies = map(hops.seen, bodies)
        if with_routes:
            routes, odd_routes = _read_routes(bodies)
        else:
            routes, odd_routes = {}, ()
            collections.deque(bodies, maxlen=0)
        return Space(
            links=links,
            addresses=found.addresses,
            peers=found.peers,
            passing=frozenset(found.passing),
            routes=routes,
            odd_routes=odd_routes,
            sysctls={**settings, **_read_files(wanted - settings.keys())},
            strangers=strangers,
            narrow=found.narrow,
            next_hops=hops.found,
        )


def _visited(walker: namespaces.Walker, netns: Netns) -> bool:
    """Whether the walker is in a namespace now, which may have gone meanwhile."""
    try:
        walker.go(netns)
    except KernelError as exc:
        if exc.errno == errno.ENOENT and not isinstance(exc, NoNamespaceError):
            return False
        raise
    return True


def read_links_only(walker: namespaces.Walker, netns: Netns, strangers: tuple[int, ...] = ()) -> Space | None:
    """The links of a namespace, None when it has gone meanwhile.

    :param walker: is there afterwards
    :raises KernelError: it is no namespace, or the kernel does not answer
    """
    if not _visited(walker, netns):
        return None
    with contextlib.closing(RouteSocket()) as sock:
        return Space(links=read_links(sock), strangers=strangers)


def read_links(sock: RouteSocket) -> dict[str, Link]:
    """The links of the socket's namespace."""
    return _read_links(sock, ())[0]


def _read_links(sock: RouteSocket, wanted: t.Collection[str]) -> tuple[dict[str, Link], dict[str, str]]:
    """The links, and those settings of theirs that come with them: a file for each would cost more than all else."""
    links: dict[str, Link] = {}
    settings: dict[str, str] = {}
    for body in sock.dump(codec.dump_links()):
        attributes = codec.link_attributes(body)
        link = codec.parse_link(body, attributes)
        links[link.name] = link
        if wanted and not link.loopback:
            found = codec.parse_settings(attributes, link.name)
            # A link of ours may have another name than the one that is asked about, and is to get that back.
            settings.update((key, value) for key, value in found.items() if key in wanted or link.ours)
    return links, settings


Addresses = dict[int, tuple[str, ...]]


@dataclasses.dataclass
class _Addresses:
    """The addresses of a namespace, as :class:`Space` has them."""

    addresses: Addresses = dataclasses.field(default_factory=dict)
    peers: dict[tuple[int, str], str] = dataclasses.field(default_factory=dict)
    narrow: Addresses = dataclasses.field(default_factory=dict)
    passing: set[tuple[int, str]] = dataclasses.field(default_factory=set)


def _read_addresses(sock: RouteSocket) -> _Addresses:
    found = _Addresses()
    for body in sock.dump(codec.dump_addresses()):
        index, address, scope, peer, passing = codec.parse_address(body)
        if scope != RT_SCOPE_LINK:
            found.addresses[index] = (*found.addresses.get(index, ()), address)
            if peer is not None:
                found.peers[index, address] = peer
            if passing:
                found.passing.add((index, address))
        elif ":" not in address:
            found.narrow[index] = (*found.narrow.get(index, ()), address)
    return found


class _NextHops:
    """The next hops of routes as they come by.

    Of a great many routes only a few lead to another next hop, and only those are taken apart.

    :ivar found: (ifindex, next hop) → the destination of the first route that has it
    """

    def __init__(self) -> None:
        self.found: dict[tuple[int, str], str] = {}
        self._known: set[bytes] = set()

    def seen(self, body: bytes) -> bytes:
        """Note the next hops of a route, which comes back as it is."""
        rest = codec.behind_destination(body)
        if rest not in self._known:
            self._known.add(rest)
            destination, hops = codec.parse_next_hops(body)
            for hop in hops:
                self.found.setdefault(hop, destination)
        return body


def _read_routes(bodies: t.Iterable[bytes]) -> tuple[dict[int, tuple[Route, ...]], tuple[OddRoute, ...]]:
    routes: dict[int, list[Route]] = {}
    odd: list[OddRoute] = []
    for body in bodies:
        found = codec.parse_route(body)
        if isinstance(found, OddRoute):
            odd.append(found)
            continue
        for index, route in found:
            routes.setdefault(index, []).append(route)
    return {index: tuple(items) for index, items in routes.items()}, tuple(odd)


def _with_filters(space: Space) -> Space:
    """With what those links of ours take frames for that others may sit on; the thread is in their namespace.

    Addresses of groups, which all links take, say nothing and are left out.
    """
    parents = [link.index for link in space.links.values() if link.ours and link.kind in OWN_PARENTS]
    filters: dict[int, set[str]] = {index: set() for index in parents}
    with contextlib.closing(RouteSocket()) as sock:
        # For each that is asked about the kernel goes through all.
        for asked in parents if len(parents) < MANY_PARENTS else (ALL_LINKS,):
            for body in sock.dump(codec.dump_filter(asked)):
                index, mac = codec.parse_filter(body)
                if index in filters and not int(mac[:2] or "1", 16) & 1:
                    filters[index].add(mac)
    return dataclasses.replace(space, filters={index: frozenset(macs) for index, macs in filters.items()})


def _read_files(keys: t.Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in keys:
        try:
            with open(sysctl_path(key), encoding="ascii") as file:
                found[key] = " ".join(file.read().split())
        except OSError:
            continue
    return found


def _has_setting(netns: Netns, key: str, there: t.Container[str]) -> bool:
    """Whether there is such a setting; a namespace that is still to be made will have what the host has."""
    with contextlib.closing(namespaces.Walker()) as walker:
        walker.go(netns if netns.path in there else HOST)
        return os.path.exists(sysctl_path(key))


def sysctl_path(key: str) -> str:
    """The file of a sysctl; a dot of an interface name is written ``/`` in the key, as in sysctl.d(5)."""
    return "/proc/sys/" + key.translate(str.maketrans("./", "/."))


def read_only_settings() -> dict[str, str]:
    """Beginning of the keys of settings → the mount that lets nobody write them, as in :attr:`Kernel.read_only`."""
    found = {}
    for beginning, folder in SETTINGS_FOLDERS.items():
        try:
            is_read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
        except OSError:  # nothing is there that could be written
            continue
        found[beginning] = _mount_of(folder) if is_read_only else ""
    return found if any(found.values()) else {}


def _mount_of(path: str) -> str:
    """The mount point that a path is below, of mounts of a part of a file system too (proc_pid_mountinfo(5))."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = [line.split()[4] for line in file]
    return max((point for point in points if f"{path}/".startswith(f"{point.rstrip('/')}/")), key=len, default=path)


def _bridges(host: Space, parents: t.Iterable[str]) -> dict[int, BridgeVlans]:
    """ifindex → VLANs of those bridges below some links of the host that filter VLANs; the thread is in its namespace."""
    protocols: dict[int, str] = {}
    seen: set[int] = set()
    for name in parents:
        link = host.links.get(name)
        while link is not None and link.index not in seen:
            seen.add(link.index)
            if link.kind == "bridge":
                with contextlib.closing(RouteSocket()) as sock:
                    dummy, body = sock.ask(codec.get_link(link.name))
                protocol = codec.parse_vlan_filter(body) if body is not None else None
                protocols.update({link.index: protocol} if protocol else {})
            link = host.by_index(link.lower) if link.lower_netns is None else None
    return read_bridge_vlans(protocols) if protocols else {}


def _emigrants() -> tuple[Emigrant, ...]:
    """The links that others have moved into a named namespace, or made there, and that keep others off links of the host."""
    found: list[Emigrant] = []
    with contextlib.closing(namespaces.Walker()) as walker:
        for netns in namespaces.named():
            try:
                walker.go(netns)
                with contextlib.closing(RouteSocket()) as sock:
                    links = [link for link in read_links(sock).values() if link.lower_netns is not None]
                    away = [link for link in links if link.vlan is not None or link.kind in EMIGRANT_KINDS]
                    home = _number_of_home(sock, walker) if away else -1
            except KernelError:  # a name without a namespace behind it holds no links
                continue
            found += [Emigrant(netns, link) for link in away if link.lower_netns == home]
    return tuple(found)


def _number_of_home(sock: RouteSocket, walker: namespaces.Walker) -> int:
    """What links of the socket's namespace call the one that the walker comes from; negative when they do not.

    The namespaces that links lead to have numbers once the kernel has told of the links.
    """
    dummy, body = sock.ask(codec.get_nsid(walker.home))
    return -1 if body is None else codec.parse_nsid(body)


def missing_kinds(kinds: t.Iterable[str]) -> frozenset[str]:
    """Those kinds of link that this kernel cannot make, found out without loading a module."""
    return frozenset(kind for kind in kinds if not _can_make(kind))


def _can_make(kind: str) -> bool:
    module = KERNEL_MODULES[kind]
    if os.path.isdir(f"/sys/module/{module}"):
        return True
    folder = f"/lib/modules/{os.uname().release}"
    for index in ("modules.dep", "modules.builtin"):
        try:
            with open(f"{folder}/{index}", encoding="utf-8") as file:
                if any(f"/{module}.ko" in line.partition(":")[0] for line in file):
                    return True
        except OSError:
            continue
    # No module to load, so asking cannot load one; a request without what every kind needs cannot make a link either.
    with contextlib.closing(RouteSocket()) as sock:
        return sock.exchange([codec.impossible_link(kind)])[0].errno != errno.EOPNOTSUPP


# Addresses that nobody has (RFC 1112, section 4; RFC 6666): only a default route leads there.
NOWHERE = ("240.0.0.1", "100::1")


def read_ways(connection: Connection | None) -> tuple[Way, ...]:
    """How this host is reached: by the connection that a run came by, and from beyond the default routes.

    A connection to an address that this namespace does not have says nothing about its links.
    """
    wanted: list[tuple[str, str, str | None]] = [
        ("what is beyond the default route", remote, None) for remote in NOWHERE
    ]
    with contextlib.closing(RouteSocket()) as sock:
        if connection is not None and connection.local in {address.partition("/")[0] for address in _all_addresses(sock)}:
            wanted.insert(0, (f"the SSH connection from {connection.remote}", connection.remote, connection.local))
        return tuple(
            Way(found[0], what, remote, local, found[1])
            for what, remote, local in wanted
            if (found := _way_out(sock, remote)) is not None
        )


def _all_addresses(sock: RouteSocket) -> list[str]:
    """Those of link scope too."""
    return [codec.parse_address(body).address for body in sock.dump(codec.dump_addresses())]


def _way_out(sock: RouteSocket, remote: str) -> tuple[str, str | None] | None:
    """The link by which packets to an address leave this namespace and their next hop, None when there is no way."""
    answer, body = sock.ask(codec.get_route(remote))
    found = None if answer.errno or body is None else codec.parse_way_out(body)
    try:
        return None if found is None else (socket.if_indextoname(found[0]), found[1])
    except OSError:  # it is gone again
        return None


def tagged_spaces(host: str) -> dict[Netns, Space]:
    """The host's own namespace and the named ones, those with tagged links, and of each the links only.

    A named one may be a container's, which gives its links what aliases it likes; of those only links count that can
    have been made here. Namespaces without a name are not looked at: containers may run this collection themselves.

    :param host: what ids are made of (:attr:`Kernel.host`)
    """
    found: dict[Netns, Space] = {}
    with contextlib.closing(namespaces.Walker()) as walker:
        for netns in (HOST, *namespaces.named()):
            try:
                space = _made_in(walker, netns, host) if netns.path else read_links_only(walker, netns)
            except KernelError:  # a name without a namespace behind it holds no links
                continue
            if space is not None and any(link.ours for link in space.links.values()):
                found[netns] = space
    return found


def _made_in(walker: namespaces.Walker, netns: Netns, host: str) -> Space:
    """The tagged links that can have been made in a namespace from here: macvlans on links of the host, and its
    loopback, where that has the tag of the name.

    Whoever rules in a namespace can neither make the first nor work out the second.

    :raises KernelError: it is no namespace, or the kernel does not answer
    """
    walker.go(netns)
    own = names.tag(names.netns_id(host, netns.value))
    with contextlib.closing(RouteSocket()) as sock:
        tagged = [link for link in read_links(sock).values() if checks.tag(link.alias)]
        home = _number_of_home(sock, walker) if tagged else -1
    return Space(
        links={
            link.name: link
            for link in tagged
            if link.kind == "macvlan" and link.lower_netns == home or link.loopback and link.alias == own
        }
    )
