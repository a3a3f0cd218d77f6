# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's state, and the part of it that a plan needs."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .links import Link
from .netns import Netns
from .resolver import ResolverFile
from .route import OtherRoute, Route

if t.TYPE_CHECKING:
    from .access import AccessPath


@dataclass(frozen=True)
class Space:
    """The state of one namespace.

    :ivar addresses: ifindex → addresses with prefix length
    :ivar peers: (ifindex, address with prefix length) → the address at the other end, where one is given
    :ivar temporary: (ifindex, address with prefix length) of those that have a lifetime or are made of a router advertisement
    :ivar routes: ifindex → unicast routes of its own table: of a link in a VRF that of the VRF, else the main table
    :ivar other_routes: the other routes of these tables, whose destination and metric are taken
    :ivar link_scope: ifindex → addresses of link scope with prefix length, which are reached on the link only
    :ivar next_hops: (ifindex, next hop) → a destination that is reached by it, of all tables, where that was asked for
    :ivar sysctls: those that were asked for and exist
    :ivar filters: ifindex → MAC addresses that a link takes frames for beside its own; of links of ours, if asked for
    :ivar processes: process ids in it, where that was asked for
    """

    links: dict[str, Link] = field(default_factory=dict)
    addresses: dict[int, tuple[str, ...]] = field(default_factory=dict)
    peers: dict[tuple[int, str], str] = field(default_factory=dict)
    temporary: frozenset[tuple[int, str]] = frozenset()
    routes: dict[int, tuple[Route, ...]] = field(default_factory=dict)
    other_routes: tuple[OtherRoute, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    filters: dict[int, frozenset[str]] = field(default_factory=dict)
    processes: tuple[int, ...] = ()
    link_scope: dict[int, tuple[str, ...]] = field(default_factory=dict)
    next_hops: dict[tuple[int, str], str] = field(default_factory=dict)
    _by_index: dict[int, Link] = field(init=False, repr=False, compare=False, default_factory=dict)
    _above: dict[int, dict[str, Link]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _tagged: dict[str, Link] = field(init=False, repr=False, compare=False, default_factory=dict)
    _vlans: dict[tuple[int, int, str], Link] = field(init=False, repr=False, compare=False, default_factory=dict)
    _altnames: dict[str, Link] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for link in self.links.values():
            self._note(link)

    def by_index(self, index: int | None) -> Link | None:
        return None if index is None else self._by_index.get(index)

    def with_altname(self, name: str) -> Link | None:
        """The link that has an alternative name."""
        return self._altnames.get(name)

    def named(self, name: str) -> Link | None:
        """The link that has a name, be it an alternative one."""
        return self.links.get(name) or self._altnames.get(name)

    def above(self, lower: Link) -> tuple[Link, ...]:
        """The links of this namespace that sit on one of its links."""
        return tuple(self._above.get(lower.index, {}).values())

    def tagged(self, tag: str) -> Link | None:
        """The link that carries a tag of ours."""
        return self._tagged.get(tag)

    def vlan_on(self, lower: Link, vlan_id: int, protocol: str) -> Link | None:
        """The link that has a VLAN of one of the links of this namespace; the kernel allows no second."""
        return self._vlans.get((lower.index, vlan_id, protocol))

    def put(self, link: Link) -> None:
        """Add a link, or replace the one with its name; only for code that works on a copy."""
        if link.name in self.links:
            self.drop(self.links[link.name])
        self.links[link.name] = link
        self._note(link)
        if link.ours:
            # Two links that exchange their tags have the same one for a moment.
            self._tagged[link.alias] = link

    def drop(self, link: Link) -> None:
        """Remove a link; only for code that works on a copy."""
        del self.links[link.name]
        self._by_index.pop(link.index, None)
        self._above.get(link.lower or 0, {}).pop(link.name, None)
        for name in link.altnames:
            self._altnames.pop(name, None)
        if self._tagged.get(link.alias) == link:
            del self._tagged[link.alias]
        if link.vlan is not None:
            key = link.lower or 0, link.vlan.vlan_id, link.vlan.protocol
            if self._vlans.get(key) == link:
                del self._vlans[key]

    def _note(self, link: Link) -> None:
        self._by_index[link.index] = link
        for name in link.altnames:
            self._altnames[name] = link
        if link.lower is not None and link.lower_netns is None and link.lower != link.index:
            self._above.setdefault(link.lower, {})[link.name] = link
            if link.vlan is not None:
                self._vlans[link.lower, link.vlan.vlan_id, link.vlan.protocol] = link
        if link.ours:
            self._tagged.setdefault(link.alias, link)


class Needs(t.NamedTuple):
    """The part of the kernel's state that a plan needs.

    :ivar spaces: the namespaces to read, with the keys of the sysctls that matter there
    :ivar links_only: those of the namespaces of which addresses, routes and settings do not matter
    :ivar host_routes: the routes of the host's own namespace too; there may be a great many
    :ivar next_hops: the next hops of those routes; what this costs hardly grows with their number
    :ivar filters: what the links of ours in the host's own namespace take frames for, too
    :ivar identities: the namespaces to identify only
    :ivar processes: the namespaces whose processes matter
    :ivar kinds: the kinds of link that may have to be made
    :ivar settings: the sysctls that a task asks for, to learn whether there are such
    :ivar vlans: the names of the VLAN links that may have to be made
    :ivar newcomers: whether new links may be needed that the kernel refuses beside others in any namespace: passthru
        ones, and the first of ours on a parent
    :ivar link_options: the link options that matter and that the kernel may not have
    :ivar resolvers: the named namespaces whose files of name servers matter
    :ivar parents: the names of links that carry, or will carry, what is planned; of the bridges below them the VLANs matter
    """

    spaces: dict[Netns, frozenset[str]]
    links_only: frozenset[Netns] = frozenset()
    host_routes: bool = False
    filters: bool = False
    identities: frozenset[Netns] = frozenset()
    processes: frozenset[Netns] = frozenset()
    kinds: frozenset[str] = frozenset()
    settings: frozenset[tuple[Netns, str]] = frozenset()
    next_hops: bool = False
    vlans: frozenset[str] = frozenset()
    newcomers: bool = False
    parents: frozenset[str] = frozenset()
    link_options: frozenset[str] = frozenset()
    resolvers: frozenset[str] = frozenset()


class BridgeVlans(t.NamedTuple):
    """The VLANs that a bridge which filters them takes itself, as one of its own ports.

    :ivar protocol: of the tags that it looks at
    :ivar tagged: those whose frames reach it with their tags
    :ivar untagged: those whose frames reach it without
    :ivar pvid: the one that its own frames without a tag belong to, None where it takes no such frames
    """

    protocol: str = "802.1q"
    tagged: frozenset[int] = frozenset()
    untagged: frozenset[int] = frozenset()
    pvid: int | None = None


class MovedLink(t.NamedTuple):
    """A link that keeps others off a link of the host, and is in a named namespace, where its base does not show it.

    A VLAN, a macvlan or macvtap, or one of a kind that takes all frames of its base, as those do.
    """

    netns: Netns
    link: Link


@dataclass(frozen=True)
class Kernel:
    """The kernel's state, as it was read before planning.

    :ivar host: identifies this machine, from /etc/machine-id; hashed, never shown
    :ivar boot_id: identifies this boot
    :ivar spaces: path of a namespace ("" for the host's own) → what it holds; None where there is none
    :ivar identities: path → (device, inode) of the namespace behind it; missing where there is none
    :ivar missing_kinds: kinds of link that this kernel cannot make, of those that were asked about
    :ivar unknown_settings: the sysctls that this kernel does not have, of those that were asked about
    :ivar missing_link_options: the link options that this kernel does not have, of those that were asked about
    :ivar dangling: paths of namespaces that are symbolic links to nothing
    :ivar no_namespaces: paths of namespaces where something else is
    :ivar has_pyroute2: whether the library is there, should it be needed
    :ivar has_ipv6: whether IPv6 is there, which ``ipv6.disable=1`` switches off
    :ivar renames_live: whether it renames links that are up
    :ivar read_only: beginning of the keys of sysctls → the mount that makes them read-only, "" for none; of those that fit
        a key the first counts; empty where all can be written
    :ivar moved_links: such links in named namespaces, if what may have to be made is kept off by some
    :ivar bridges: ifindex → VLANs of the bridges that filter them, of those that matter; without pyroute2 none is known
    :ivar resolvers: name of a namespace → its file of name servers, where that was asked for
    :ivar access_paths: how this host is reached, as far as that is known
    :ivar peer: the address at the other end of the SSH connection that a run came by, None where it came by none
    """

    host: str = ""
    boot_id: str = ""
    spaces: dict[str, Space | None] = field(default_factory=dict)
    identities: dict[str, tuple[int, int]] = field(default_factory=dict)
    missing_kinds: frozenset[str] = frozenset()
    unknown_settings: frozenset[str] = frozenset()
    missing_link_options: frozenset[str] = frozenset()
    dangling: frozenset[str] = frozenset()
    no_namespaces: frozenset[str] = frozenset()
    has_pyroute2: bool = True
    has_ipv6: bool = True
    renames_live: bool = False
    read_only: dict[str, str] = field(default_factory=dict)
    moved_links: tuple[MovedLink, ...] = ()
    bridges: dict[int, BridgeVlans] = field(default_factory=dict)
    access_paths: tuple[AccessPath, ...] = ()
    peer: str | None = None
    resolvers: dict[str, ResolverFile] = field(default_factory=dict)
