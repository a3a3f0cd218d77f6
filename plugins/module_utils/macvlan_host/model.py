# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nouns: what is recorded (networks, links, endpoints, leases) and what the kernel shows.

Everything is frozen and made of JSON types, so a record is written to and read from the state database by
:func:`plain` and the ``from_plain`` of its class, which takes only what the ``CHECKS`` of the class allow. Addresses
are canonical texts (see ipam.py).
"""

from __future__ import annotations

import dataclasses
import functools
import shlex
import typing as t
from dataclasses import dataclass, field

from . import checks, inet, names

Mode = t.Literal["bridge", "private", "vepa", "passthru"]
NetnsKind = t.Literal["host", "name", "path", "pid"]

NETNS_FOLDER = "/run/netns"
MODES = ("bridge", "private", "vepa", "passthru")

# Kinds of link that, like macvlan, take all frames of the link below for themselves (they register an rx_handler).
EXCLUSIVE_KINDS = ("ipvlan", "ipvtap", "macsec", "rmnet")

IPV6_CONNECTED_METRIC = 256  # IP6_RT_PRIO_ADDRCONF, include/net/ip6_route.h
NETNS_KINDS = ("host", "name", "path", "pid")

_SCALARS = frozenset((str, int, bool, float, type(None)))
_FIELD_NAMES: dict[type, tuple[str, ...]] = {}


def plain(thing: t.Any) -> t.Any:
    """Plain dicts, lists and scalars of a record, for JSON."""
    kind = type(thing)
    if kind in _SCALARS:
        return thing
    if kind in (list, tuple):
        return [plain(item) for item in thing]
    if kind is dict:
        return {key: plain(value) for key, value in thing.items()}
    return {
        name: value if type(value) in _SCALARS else plain(value)
        for name in _field_names(kind)
        for value in (getattr(thing, name),)
    }


def _field_names(kind: type) -> tuple[str, ...]:
    """What dataclasses.fields() finds out anew each time."""
    if kind not in _FIELD_NAMES:
        _FIELD_NAMES[kind] = tuple(item.name for item in dataclasses.fields(kind))
    return _FIELD_NAMES[kind]


_VLAN_CHECKS: dict[str, checks.Check] = {
    "vlan_id": checks.number(names.MIN_VLAN_ID, names.MAX_VLAN_ID),
    "protocol": checks.one_of("802.1q", "802.1ad"),
    "reorder_hdr": checks.flag,
    "gvrp": checks.flag,
    "mvrp": checks.flag,
    "loose_binding": checks.flag,
    "ingress_qos_map": checks.priorities,
    "egress_qos_map": checks.priorities,
}

# --- what is recorded -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subnet:
    """One subnet of a network.

    :ivar ip_range: CIDR or ``first-last``, None for the whole subnet
    :ivar aux_addresses: name → address that is never given out
    :ivar chosen: chosen by us, because the task named none
    :ivar scope: empty, or the id of the network that keeps leases of its own here (allow_overlap)
    """

    subnet: str
    gateway: str | None = None
    gateway_inferred: bool = False
    ip_range: str | None = None
    aux_addresses: dict[str, str] = field(default_factory=dict)
    chosen: bool = False
    scope: str = ""

    CHECKS: t.ClassVar[dict[str, checks.Check]] = {
        "subnet": checks.with_length,
        "gateway": checks.optional(checks.address),
        "gateway_inferred": checks.flag,
        "ip_range": checks.optional(checks.address_range),
        "aux_addresses": checks.mapping(checks.text, checks.address),
        "chosen": checks.flag,
        "scope": checks.text,
    }

    @property
    def pool(self) -> str:
        """The key of the set of leases: networks with the same key share it."""
        return f"{self.subnet}@{self.scope}" if self.scope else self.subnet

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Subnet:
        return cls(**checks.fields("subnet", data, cls.CHECKS))


@dataclass(frozen=True)
class Network:
    """A named macvlan network on one parent.

    :ivar parent_created: the parent did not exist and was made for a network
    :ivar mtu: of its endpoints, None for the parent's
    :ivar ipam: ``default`` or ``none`` (endpoints without addresses)
    :ivar exclusive: whether addresses that others add to links of its endpoints are to go
    """

    id: str
    name: str
    parent: str
    mode: Mode = "bridge"
    parent_created: bool = False
    internal: bool = False
    ipv6: bool = False
    mtu: int | None = None
    ipam: str = "default"
    labels: dict[str, str] = field(default_factory=dict)
    subnets: tuple[Subnet, ...] = ()
    exclusive: bool = False

    CHECKS: t.ClassVar[dict[str, checks.Check]] = {
        "id": checks.identifier,
        "name": checks.object_name,
        "parent": checks.interface,
        "mode": checks.one_of(*MODES),
        "parent_created": checks.flag,
        "internal": checks.flag,
        "ipv6": checks.flag,
        "mtu": checks.optional(checks.number(0, checks.MAX_UINT32)),
        "ipam": checks.one_of("default", "none"),
        "labels": checks.mapping(checks.text, checks.text),
        "subnets": checks.elsewhere,
        "exclusive": checks.flag,
    }

    @property
    def title(self) -> str:
        return f"network {self.name}"

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Network:
        values = checks.fields("network", data, cls.CHECKS)
        subnets = checks.items("subnets of a network", values["subnets"])
        return cls(**{**values, "subnets": checks.each(Subnet.from_plain, subnets)})


@dataclass(frozen=True)
class SubInterface:
    """A VLAN link that we made.

    :ivar parent: the base link
    :ivar mtu: what was asked for, None for the base's
    :ivar mac: what was asked for, None for the base's
    :ivar declared: by a vlan_subinterface task; otherwise it goes with the last network that uses it
    """

    id: str
    name: str
    parent: str
    vlan_id: int
    protocol: str = "802.1q"
    mtu: int | None = None
    mac: str | None = None
    up: bool = True
    reorder_hdr: bool = True
    gvrp: bool = False
    mvrp: bool = False
    loose_binding: bool = False
    ingress_qos_map: dict[str, int] = field(default_factory=dict)
    egress_qos_map: dict[str, int] = field(default_factory=dict)
    declared: bool = False
    kind: t.ClassVar[str] = "vlan"

    CHECKS: t.ClassVar[dict[str, checks.Check]] = {
        "id": checks.identifier,
        "name": checks.interface,
        "parent": checks.interface,
        "mtu": checks.optional(checks.number(0, checks.MAX_UINT32)),
        "mac": checks.optional(checks.mac),
        "up": checks.flag,
        **_VLAN_CHECKS,
        "declared": checks.flag,
    }

    @property
    def title(self) -> str:
        return f"vlan_subinterface {self.name}"

    @property
    def facts(self) -> VlanFacts:
        """The VLAN part of its link."""
        return VlanFacts(**{item.name: getattr(self, item.name) for item in dataclasses.fields(VlanFacts)})

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> SubInterface:
        return cls(**checks.fields("sub-interface", data, cls.CHECKS))


# What the kernel gives a dummy link (net/ethernet/eth.c, ether_setup).
DUMMY_MTU = 1500


@dataclass(frozen=True)
class DummyParent:
    """The dummy link of a network without a parent."""

    id: str
    name: str
    kind: t.ClassVar[str] = "dummy"
    declared: t.ClassVar[bool] = False

    CHECKS: t.ClassVar[dict[str, checks.Check]] = {"id": checks.identifier, "name": checks.interface}

    @property
    def title(self) -> str:
        return f"dummy parent {self.name}"

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> DummyParent:
        return cls(**checks.fields("dummy parent", data, cls.CHECKS))


OwnedLink = t.Union[SubInterface, DummyParent]


@dataclass(frozen=True)
class Netns:
    """A reference to a network namespace.

    :ivar kind: ``host`` (the namespace of the run itself), ``name`` under /run/netns, ``path``, or ``pid``
    :ivar value: the name, the path, or the process id as text
    """

    kind: NetnsKind = "host"
    value: str = ""

    CHECKS: t.ClassVar[dict[str, checks.Check]] = {"kind": checks.one_of(*NETNS_KINDS), "value": checks.text}

    # Asked for a hundred times for each endpoint of a run, so it is worked out once.
    @functools.cached_property
    def path(self) -> str:
        """The file that stands for the namespace; empty for the host's own."""
        if self.kind == "name":
            return f"{NETNS_FOLDER}/{self.value}"
        if self.kind == "pid":
            return f"/proc/{self.value}/ns/net"
        return self.value

    @property
    def of_process(self) -> bool:
        """Whether it is known by a process, whose number means nothing once that has ended."""
        return self.path.startswith("/proc/")

    @property
    def shown(self) -> str | None:
        """What results say: the name, else the path, None for the host's own."""
        return (self.value if self.kind == "name" else self.path) or None

    @property
    def phrase(self) -> str:
        """`` in namespace blue``, or nothing for the host's own: to be put behind an object."""
        return f" in namespace {self.shown}" if self.path else ""

    @property
    def title(self) -> str:
        return f"namespace {self.shown}" if self.path else "the host's own namespace"

    @property
    def ip(self) -> str:
        """What a command of ip(8) about something in it begins with: ``ip -n blue``; ip knows no namespace without a name."""
        if self.kind == "name":
            return f"ip -n {shlex.quote(self.value)}"
        return f"nsenter --net={shlex.quote(self.path)} ip" if self.path else "ip"

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Netns:
        found = cls(**checks.fields("namespace", data, cls.CHECKS))
        if not _VALUES[found.kind](found.value):
            raise ValueError(f"there is a namespace with the {found.kind} {found.value!a:.80}")
        return found


HOST = Netns()
# What a reference to a namespace may say, for each kind.
_VALUES: dict[str, checks.Check] = {
    "host": checks.exactly(""),
    "name": checks.namespace,
    "path": checks.path,
    "pid": checks.decimal(checks.MAX_PID, lowest=1),
}


@dataclass(frozen=True)
class OwnedNetns:
    """A namespace that we made, marked by our tag on its loopback."""

    id: str
    name: str

    CHECKS: t.ClassVar[dict[str, checks.Check]] = {"id": checks.identifier, "name": checks.namespace}

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> OwnedNetns:
        return cls(**checks.fields("namespace", data, cls.CHECKS))


@dataclass(frozen=True)
class Route:
    """A route of an endpoint.

    :ivar to: destination network; ``0.0.0.0/0`` or ``::/0`` for everything
    :ivar via: next hop, None for what is on the link itself
    :ivar metric: None for the kernel's default
    """

    to: str
    via: str | None = None
    metric: int | None = None

    CHECKS: t.ClassVar[dict[str, checks.Check]] = {
        "to": checks.with_length,
        "via": checks.optional(checks.address),
        "metric": checks.optional(checks.number(0, checks.MAX_UINT32)),
    }

    @property
    def identity(self) -> tuple[str, str | None, int]:
        """What makes two routes the same to the kernel; IPv6 reads "no metric" as 1024 (net/ipv6/route.c)."""
        return self.to, self.via, self.metric or (1024 if ":" in self.to else 0)

    @property
    def place(self) -> tuple[str, int]:
        """Destination and metric; the kernel has one route with both, or one set of next hops."""
        return self.to, self.identity[2]

    @classmethod
    def connected(cls, address: str) -> Route | None:
        """The one that the kernel makes for an address with prefix length, None when it makes none.

        The rules are those of net/ipv4/fib_frontend.c, fib_add_ifaddr, and net/ipv6/addrconf.c, addrconf_prefix_route.
        """
        if ":" in address:
            return cls(inet.network_of(address), None, IPV6_CONNECTED_METRIC)
        return None if address.endswith("/32") else cls(inet.network_of(address))

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Route:
        return cls(**checks.fields("route", data, cls.CHECKS))


@dataclass(frozen=True)
class OddRoute:
    """A route of the main table that does not lead over one link.

    :ivar place: as of a :class:`Route`
    :ivar kind: what it does: ``blackhole``, ``unreachable`` …, or ``multipath``
    """

    place: tuple[str, int]
    kind: str


@dataclass(frozen=True)
class Endpoint:
    """One macvlan link of a network, with its addresses and routes.

    :ivar ipv4: with prefix length, None without
    :ivar ipv6: with prefix length, None without
    :ivar gateway4: next hop of its default route, None when it has none
    :ivar gateway6: next hop of its default route, None when it has none
    :ivar mtu: as it is set
    :ivar own_mtu: what the task asked for; None follows network and parent
    :ivar sysctls: as given, ``IFNAME`` not replaced
    :ivar sysctls_before: what the namespace had, for those that do not go away with the interface
    :ivar own_exclusive: what the task asked for; None follows the network
    """

    id: str
    name: str
    network: str
    netns: Netns
    ifname: str
    mac: str
    mtu: int
    ipv4: str | None = None
    ipv6: str | None = None
    gateway4: str | None = None
    gateway6: str | None = None
    default_route: bool = True
    own_mtu: int | None = None
    announce: bool = True
    routes: tuple[Route, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    sysctls_before: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    own_exclusive: bool | None = None

    # What a task calls those fields that have another name here.
    OPTIONS: t.ClassVar[dict[str, str]] = {"own_mtu": "mtu", "own_exclusive": "exclusive", "sysctls_before": "sysctls"}
    CHECKS: t.ClassVar[dict[str, checks.Check]] = {
        "id": checks.identifier,
        "name": checks.object_name,
        "network": checks.object_name,
        "netns": checks.elsewhere,
        "ifname": checks.interface,
        "mac": checks.mac,
        "mtu": checks.number(0, checks.MAX_UINT32),
        "ipv4": checks.optional(checks.with_length_of(4)),
        "ipv6": checks.optional(checks.with_length_of(6)),
        "gateway4": checks.optional(checks.address_of(4)),
        "gateway6": checks.optional(checks.address_of(6)),
        "default_route": checks.flag,
        "own_mtu": checks.optional(checks.number(0, checks.MAX_UINT32)),
        "announce": checks.flag,
        "routes": checks.elsewhere,
        "sysctls": checks.mapping(checks.sysctl_key, checks.sysctl_value),
        "sysctls_before": checks.mapping(checks.sysctl_key, checks.sysctl_value),
        "labels": checks.mapping(checks.text, checks.text),
        "own_exclusive": checks.optional(checks.flag),
    }

    @property
    def key(self) -> tuple[str, str]:
        return self.network, self.name

    @property
    def title(self) -> str:
        return f"endpoint {self.network}/{self.name}"

    @functools.cached_property
    def addresses(self) -> tuple[str, ...]:
        """Its addresses with prefix length, IPv4 first."""
        return tuple(item for item in (self.ipv4, self.ipv6) if item is not None)

    @property
    def all_routes(self) -> tuple[Route, ...]:
        """The default routes, then the others."""
        default4 = (Route("0.0.0.0/0", self.gateway4),) if self.gateway4 else ()
        default6 = (Route("::/0", self.gateway6),) if self.gateway6 else ()
        return default4 + default6 + self.routes

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Endpoint:
        values = checks.fields("endpoint", data, cls.CHECKS)
        routes = checks.items("routes of an endpoint", values["routes"])
        return cls(
            **{
                **values,
                "netns": Netns.from_plain(values["netns"]),
                "routes": checks.each(Route.from_plain, routes),
            }
        )


@dataclass(frozen=True)
class Lease:
    """An address that nobody else may get.

    :ivar pool: :attr:`Subnet.pool`
    :ivar holder: who holds it, for messages: ``endpoint net/name``, ``gateway``, ``aux address a of network n``
    """

    pool: str
    address: str
    holder: str


@dataclass(frozen=True)
class Record:
    """Everything that the state database holds about this host."""

    networks: dict[str, Network] = field(default_factory=dict)
    links: dict[str, OwnedLink] = field(default_factory=dict)
    namespaces: dict[str, OwnedNetns] = field(default_factory=dict)
    endpoints: dict[tuple[str, str], Endpoint] = field(default_factory=dict)


# --- what the kernel shows ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VlanFacts:
    """The VLAN part of a link, as set in the kernel."""

    vlan_id: int
    protocol: str = "802.1q"
    reorder_hdr: bool = True
    gvrp: bool = False
    mvrp: bool = False
    loose_binding: bool = False
    ingress_qos_map: dict[str, int] = field(default_factory=dict)
    egress_qos_map: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> VlanFacts:
        # A link that others have made may have VLAN 0, which only carries a priority.
        return cls(**checks.fields("VLAN", data, {**_VLAN_CHECKS, "vlan_id": checks.number(0, names.MAX_VLAN_ID)}))


@dataclass(frozen=True)
class Link:
    """A link of one namespace.

    :ivar kind: ``macvlan``, ``vlan``, ``bridge`` …, empty for hardware
    :ivar hardware: ARPHRD_ type (include/uapi/linux/if_arp.h), 1 is Ethernet
    :ivar group: 0 unless somebody sorts links into groups
    :ivar lower: ifindex of the link below, in ``lower_netns``
    :ivar lower_netns: the kernel's id of the namespace of ``lower``; None for the same namespace
    :ivar master: ifindex of the bridge, bond, team or VRF that it is a port of
    :ivar altnames: its alternative names, which no other link of the namespace can have as a name
    """

    index: int
    name: str
    kind: str = ""
    hardware: int = 1
    mac: str = ""
    mtu: int = 1500
    up: bool = False
    loopback: bool = False
    alias: str = ""
    group: int = 0
    lower: int | None = None
    lower_netns: int | None = None
    master: int | None = None
    macvlan_mode: str | None = None
    vlan: VlanFacts | None = None
    altnames: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether it carries a tag of ours, whichever."""
        return self.alias.startswith(names.TAG_PREFIX)


@dataclass(frozen=True)
class Space:
    """What one namespace holds.

    :ivar addresses: ifindex → addresses with prefix length
    :ivar peers: (ifindex, address with prefix length) → the address at the other end, where one is given
    :ivar passing: (ifindex, address with prefix length) of those that have a lifetime or are made of a router advertisement
    :ivar routes: ifindex → unicast routes of the main table, where those of a link in a VRF are not
    :ivar odd_routes: its other routes, whose destination and metric are taken
    :ivar narrow: ifindex → addresses of link scope with prefix length, by which nobody is reached from beyond the link
    :ivar next_hops: (ifindex, next hop) → a destination that is reached by it, of all tables, where that was asked for
    :ivar sysctls: those that were asked for and exist
    :ivar filters: ifindex → MAC addresses that a link takes frames for beside its own; of links of ours, if asked for
    :ivar strangers: process ids in it, where that was asked for
    """

    links: dict[str, Link] = field(default_factory=dict)
    addresses: dict[int, tuple[str, ...]] = field(default_factory=dict)
    peers: dict[tuple[int, str], str] = field(default_factory=dict)
    passing: frozenset[tuple[int, str]] = frozenset()
    routes: dict[int, tuple[Route, ...]] = field(default_factory=dict)
    odd_routes: tuple[OddRoute, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    filters: dict[int, frozenset[str]] = field(default_factory=dict)
    strangers: tuple[int, ...] = ()
    narrow: dict[int, tuple[str, ...]] = field(default_factory=dict)
    next_hops: dict[tuple[int, str], str] = field(default_factory=dict)
    _by_index: dict[int, Link] = field(init=False, repr=False, compare=False, default_factory=dict)
    _above: dict[int, dict[str, Link]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _tagged: dict[str, Link] = field(init=False, repr=False, compare=False, default_factory=dict)
    _vlans: dict[tuple[int, int, str], Link] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for link in self.links.values():
            self._note(link)

    def by_index(self, index: int | None) -> Link | None:
        return None if index is None else self._by_index.get(index)

    def with_altname(self, name: str) -> Link | None:
        """The link that has an alternative name."""
        return next((link for link in self.links.values() if name in link.altnames), None)

    def vrf_of(self, link: Link) -> Link | None:
        """The VRF that a link is in, whose routes are in a table of its own."""
        master = self.by_index(link.master)
        return master if master is not None and master.kind == "vrf" else None

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
        """Add a link, or replace the one of its name; for those who work on a copy."""
        if link.name in self.links:
            self.drop(self.links[link.name])
        self.links[link.name] = link
        self._note(link)

    def drop(self, link: Link) -> None:
        """Take a link away; for those who work on a copy."""
        del self.links[link.name]
        self._by_index.pop(link.index, None)
        self._above.get(link.lower or 0, {}).pop(link.name, None)
        if self._tagged.get(link.alias) == link:
            del self._tagged[link.alias]
        if link.vlan is not None:
            key = link.lower or 0, link.vlan.vlan_id, link.vlan.protocol
            if self._vlans.get(key) == link:
                del self._vlans[key]

    def _note(self, link: Link) -> None:
        self._by_index[link.index] = link
        if link.lower is not None and link.lower_netns is None and link.lower != link.index:
            self._above.setdefault(link.lower, {})[link.name] = link
            if link.vlan is not None:
                self._vlans[link.lower, link.vlan.vlan_id, link.vlan.protocol] = link
        if link.ours:
            self._tagged.setdefault(link.alias, link)


@dataclass(frozen=True)
class Connection:
    """One SSH connection, as sshd describes it (ssh(1), SSH_CONNECTION).

    :ivar text: addresses and ports of both ends, which no other connection has at the same time
    """

    text: str

    @property
    def remote(self) -> str:
        return self._words[0]

    @property
    def local(self) -> str:
        return self._words[2]

    @property
    def _words(self) -> list[str]:
        # The zone of a link-local address is not part of what is compared.
        return [word.partition("%")[0] for word in self.text.split()]


@dataclass(frozen=True)
class Way:
    """How somebody reaches this host who must not be locked out.

    :ivar link: the name of the link of the host by which answers leave
    :ivar what: who that is, as a phrase
    :ivar remote: an address at the other end
    :ivar local: the address that is reached, None for any
    :ivar hop: the next hop by which answers leave, None for an end that is on the link itself
    """

    link: str
    what: str
    remote: str
    local: str | None = None
    hop: str | None = None


@dataclass(frozen=True)
class Needs:
    """What a plan has to know of the kernel.

    :ivar spaces: the namespaces to read, with the keys of the sysctls that matter there
    :ivar links_only: those of the namespaces of which addresses, routes and settings do not matter
    :ivar host_routes: the routes of the host's own namespace too; there may be a great many
    :ivar next_hops: the next hops of those routes; what this costs hardly grows with their number
    :ivar filters: what the links of ours in the host's own namespace take frames for, too
    :ivar identities: the namespaces to identify only
    :ivar strangers: the namespaces whose processes matter
    :ivar kinds: the kinds of link that may have to be made
    :ivar settings: the sysctls that a task asks for, to learn whether there are such
    :ivar vlans: the names of the VLAN links that may have to be made
    :ivar newcomers: whether links may have to be made that the kernel refuses beside others in whatever namespace: passthru
        ones, and the first of ours on a parent
    :ivar parents: the names of links that carry, or will carry, what is planned; of the bridges below them the VLANs matter
    """

    spaces: dict[Netns, frozenset[str]] = field(default_factory=dict)
    links_only: frozenset[Netns] = frozenset()
    host_routes: bool = False
    filters: bool = False
    identities: frozenset[Netns] = frozenset()
    strangers: frozenset[Netns] = frozenset()
    kinds: frozenset[str] = frozenset()
    settings: frozenset[tuple[Netns, str]] = frozenset()
    next_hops: bool = False
    vlans: frozenset[str] = frozenset()
    newcomers: bool = False
    parents: frozenset[str] = frozenset()


@dataclass(frozen=True)
class BridgeVlans:
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


@dataclass(frozen=True)
class Emigrant:
    """A link that keeps others off a link of the host, and is in a named namespace, where its base does not show it.

    A VLAN, a macvlan or macvtap, or one of :data:`EXCLUSIVE_KINDS`.
    """

    netns: Netns
    link: Link


@dataclass(frozen=True)
class Kernel:
    """What was read before planning.

    :ivar host: identifies this machine, from /etc/machine-id; hashed, never shown
    :ivar boot_id: identifies this boot
    :ivar spaces: path of a namespace ("" for the host's own) → what it holds; None where there is none
    :ivar identities: path → (device, inode) of the namespace behind it; missing where there is none
    :ivar missing_kinds: kinds of link that this kernel cannot make, of those that were asked about
    :ivar unknown_settings: the sysctls that this kernel has not, of those that were asked about
    :ivar dangling: paths of namespaces that are symbolic links to nothing
    :ivar no_namespaces: paths of namespaces where something else is
    :ivar has_pyroute2: whether the library is there, should it be needed
    :ivar has_ipv6: whether IPv6 is there, which ``ipv6.disable=1`` switches off
    :ivar renames_live: whether it renames links that are up
    :ivar read_only: beginning of the keys of sysctls → the mount that lets nobody write them, "" for none; of those that fit
        a key the first counts; empty where all can be written
    :ivar emigrants: such links in named namespaces, if what may have to be made is kept off by some
    :ivar bridges: ifindex → VLANs of the bridges that filter them, of those that matter; without pyroute2 none is known
    :ivar ways: how this host is reached, as far as that is known
    :ivar peer: the address at the other end of the SSH connection that a run came by, None where it came by none
    """

    host: str = ""
    boot_id: str = ""
    spaces: dict[str, Space | None] = field(default_factory=dict)
    identities: dict[str, tuple[int, int]] = field(default_factory=dict)
    missing_kinds: frozenset[str] = frozenset()
    unknown_settings: frozenset[str] = frozenset()
    dangling: frozenset[str] = frozenset()
    no_namespaces: frozenset[str] = frozenset()
    has_pyroute2: bool = True
    has_ipv6: bool = True
    renames_live: bool = False
    read_only: dict[str, str] = field(default_factory=dict)
    emigrants: tuple[Emigrant, ...] = ()
    bridges: dict[int, BridgeVlans] = field(default_factory=dict)
    ways: tuple[Way, ...] = ()
    peer: str | None = None
