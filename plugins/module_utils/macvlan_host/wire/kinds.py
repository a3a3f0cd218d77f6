# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of link, and what differs between them: all other code asks the kind and compares no name of one.

A kind that is not declared here has a name and nothing special.
"""

from __future__ import annotations

import errno
import functools
import struct
import typing as t
from dataclasses import dataclass, field

from ..model.kernel import Space
from ..model.link_options import LINK_OPTIONS, LinkOption, LinkOptions
from ..model.links import Link, VlanFacts
from ..model.route import MAIN_TABLE
from . import vlan_data
from .attributes import INT32, UINT16, UINT32, Attributes, attribute, number, uint32
from .constants import IFLA_IPVLAN_MODE, IFLA_MACVLAN_MODE, IFLA_VRF_TABLE, IPVLAN_MODES, MACVLAN_MODES

_NO_OPTIONS: LinkOptions = {}


class Details(t.NamedTuple):
    """What a link has that links of another kind have not.

    :ivar mode: one of the modes of its kind
    :ivar table: the routing table of a VRF
    """

    mode: str | None = None
    vlan: VlanFacts | None = None
    link_options: LinkOptions = _NO_OPTIONS
    table: int | None = None


class HasKind(t.Protocol):
    """What has a kind, by its name: a link, one that is to be made, or an object that is recorded or asked for."""

    @property
    def kind(self) -> str:
        """The name of the kind."""


@dataclass(frozen=True)
class LinkKind:
    """What is special about links of a kind.

    Links that we make:

    :ivar title: what messages call such a link, where that is not its name
    :ivar module: the kernel module that makes it, where that has another name
    :ivar is_created: we make such links
    :ivar by_library: they are made, or changed, by pyroute2
    :ivar is_endpoint: endpoints are such links: made in any namespace, and known by their tag under any name
    :ivar pack: the attributes in IFLA_INFO_DATA that ask for a link, None where the library asks
    :ivar parse: reads those of an answer, None if they are not needed
    :ivar modes: name → number of the modes that it can have
    :ivar has_link_options: such links have what networks set by link options
    :ivar exclusive_modes: those in which it has its parent for itself, and the MAC address of that
    :ivar follows_parent: the kernel gives it the MAC address of its parent, and again the mtu of that whenever that changes
    :ivar has_one_mode: the kernel has one mode for all such links on a parent, the one that was set last
    :ivar has_address_once: the kernel permits an address once on all such links on a parent, with whatever prefix length
    :ivar quiet_modes: mode → the mode in which a new link does not announce itself to the others on its parent
    :ivar hints: error number → what people are told of it, formatted with ``link`` and, for the mode, ``beside``

    Links of anybody:

    :ivar is_stacked: it sits on another link, and goes with that; the other end of a veth is no such thing
    :ivar handler: who takes all frames of the link below for it (it registers an rx_handler), so that links of another handler cannot
        be there; empty where nobody does
    :ivar is_closed: the kernel lets no link of an endpoint sit on it
    :ivar is_vrf: it carries no Ethernet frames, and the routes of its ports are in a table of its own
    :ivar filters_vlans: it may let only frames of some VLANs pass
    :ivar leaves_ports_alone: its ports keep their frames: no rx_handler (drivers/net/vrf.c; net/batman-adv)
    :ivar has_mac_of_port: its MAC address is that of one of its ports
    :ivar instead_of_port: what to use instead of a port of it, formatted with ``master``
    """

    name: str
    title: str = ""
    module: str = ""
    is_created: bool = False
    by_library: bool = False
    is_endpoint: bool = False
    pack: t.Callable[[Details], bytes] | None = None
    parse: t.Callable[[Attributes], Details] | None = None
    modes: t.Mapping[str, int] = field(default_factory=dict, compare=False)
    has_link_options: bool = False
    exclusive_modes: frozenset[str] = frozenset()
    follows_parent: bool = False
    has_one_mode: bool = False
    has_address_once: bool = False
    quiet_modes: t.Mapping[str, str] = field(default_factory=dict, compare=False)
    hints: t.Mapping[int, str] = field(default_factory=dict, compare=False)
    is_stacked: bool = False
    handler: str = ""
    is_closed: bool = False
    is_vrf: bool = False
    filters_vlans: bool = False
    leaves_ports_alone: bool = False
    has_mac_of_port: bool = False
    instead_of_port: str = ""

    @property
    def phrase(self) -> str:
        """What a message calls a link of the kind, before its name."""
        return self.title or f"{self.name} link".strip()

    @property
    def kernel_module(self) -> str:
        return self.module or self.name

    @property
    def carries_endpoints(self) -> bool:
        """Whether endpoints sit on such links of ours, and others may."""
        return self.is_created and not self.is_endpoint

    @property
    def blocks_other_links(self) -> bool:
        """Whether a link keeps some endpoint off the link below it, by its kind alone or with its mode or MAC address."""
        return bool(self.handler)

    def excludes(self, other: LinkKind) -> bool:
        """Whether links of the two kinds cannot be on one link."""
        return bool(self.handler) and bool(other.handler) and self.handler != other.handler

    def is_beside(self, other: LinkKind) -> bool:
        """Whether links of the two kinds on one link have what is there in common."""
        return bool(self.handler) and self.handler == other.handler

    def leaves_room(self, mode: str | None) -> bool:
        """Whether a macvlan link of ours can be beside one in this mode, to ask the neighbours of their parent."""
        return self.is_beside(MACVLAN) and not self.takes_parent(mode)

    def takes_parent(self, mode: str | None) -> bool:
        """Whether a link in this mode has its parent for itself, together with the MAC address of that."""
        return mode in self.exclusive_modes

    def has_mac_of_parent(self, mode: str | None) -> bool:
        """Whether a link in this mode has the MAC address of its parent, and none of its own."""
        return self.follows_parent or self.takes_parent(mode)


# --- how kinds are packed and parsed --------------------------------------------------------------------------------


_MODE_NAMES: dict[int | None, str] = {value: name for name, value in MACVLAN_MODES.items()}
_IPVLAN_MODE_NAMES: dict[int | None, str] = {value: name for name, value in IPVLAN_MODES.items()}


def _pack_macvlan(details: Details) -> bytes:
    mode = b"" if details.mode is None else uint32(IFLA_MACVLAN_MODE, MACVLAN_MODES[details.mode])
    return mode + b"".join(
        attribute(LINK_OPTIONS[name].attribute, _number_of(LINK_OPTIONS[name]).pack(value))
        for name, value in details.link_options.items()
    )


def _parse_macvlan(data: Attributes) -> Details:
    options = {
        option.name: _number_of(option).unpack_from(data[option.attribute])[0]
        for option in LINK_OPTIONS.values()
        if option.attribute in data
    }
    return Details(_MODE_NAMES.get(number(data, IFLA_MACVLAN_MODE)), link_options=options)


def _pack_ipvlan(details: Details) -> bytes:
    return b"" if details.mode is None else attribute(IFLA_IPVLAN_MODE, UINT16.pack(IPVLAN_MODES[details.mode]))


def _parse_ipvlan(data: Attributes) -> Details:
    value = UINT16.unpack_from(data[IFLA_IPVLAN_MODE])[0] if IFLA_IPVLAN_MODE in data else None
    return Details(_IPVLAN_MODE_NAMES.get(value))


def _number_of(option: LinkOption) -> struct.Struct:
    return INT32 if option.is_signed else UINT32


def _pack_vlan(details: Details) -> bytes:
    return vlan_data.pack(t.cast(VlanFacts, details.vlan))


def _parse_vlan(data: Attributes) -> Details:
    return Details(vlan=vlan_data.parse(data))


def _parse_vrf(data: Attributes) -> Details:
    return Details(table=number(data, IFLA_VRF_TABLE))


# --- the kinds ------------------------------------------------------------------------------------------------------

# How to see links wherever they are: here, in namespaces with a name, and in those of processes, which no plan looks into.
WHERE_LINKS_ARE_LISTED = (
    "; see: ip -d link, in namespaces with a name: ip -all netns exec ip -d link, and in others: "
    "nsenter -n -t PID ip -d link, with each PID of: lsns -t net"
)

MACVLAN = LinkKind(
    "macvlan",
    is_created=True,
    is_endpoint=True,
    pack=_pack_macvlan,
    parse=_parse_macvlan,
    modes=MACVLAN_MODES,
    has_link_options=True,
    # A passthru link takes its parent's MAC over; setting one would rewrite the parent's.
    exclusive_modes=frozenset(("passthru",)),
    quiet_modes={"bridge": "private"},
    hints={
        errno.EBUSY: (
            "; another kind of link receives all frames of {link.parent}, such as a bridge, bond or team that it is a port of, or "
            f"an ipvlan or macsec link on it, which may be in another namespace{WHERE_LINKS_ARE_LISTED}"
        ),
        errno.EINVAL: (
            "; the kernel refuses it beside {beside} on {link.parent}, which may be in another namespace, and where "
            f"{{link.parent}} has an mtu below {{link.mtu}}{WHERE_LINKS_ARE_LISTED}"
        ),
    },
    is_stacked=True,
    handler="macvlan",
    is_closed=True,
)
MACVTAP = LinkKind(
    "macvtap",
    parse=_parse_macvlan,
    modes=MACVLAN_MODES,
    has_link_options=True,
    exclusive_modes=MACVLAN.exclusive_modes,
    is_stacked=True,
    handler=MACVLAN.handler,
    is_closed=True,
)
# Mode, MAC address, mtu and addresses are matters of its parent (drivers/net/ipvlan/ipvlan_main.c, ipvlan_device_event,
# ipvlan_set_port_mode, ipvlan_addr4_validator_event).
IPVLAN = LinkKind(
    "ipvlan",
    is_created=True,
    is_endpoint=True,
    pack=_pack_ipvlan,
    parse=_parse_ipvlan,
    modes=IPVLAN_MODES,
    follows_parent=True,
    has_one_mode=True,
    has_address_once=True,
    hints={
        errno.EBUSY: (
            "; another kind of link receives all frames of {link.parent}, such as a bridge, bond or team that it is a port of, or "
            f"a macvlan, macvtap or macsec link on it, which may be in another namespace{WHERE_LINKS_ARE_LISTED}"
        ),
    },
    is_stacked=True,
    handler="ipvlan",
    is_closed=True,
)
IPVTAP = LinkKind(
    "ipvtap",
    parse=_parse_ipvlan,
    modes=IPVLAN_MODES,
    follows_parent=True,
    has_one_mode=True,
    is_stacked=True,
    handler=IPVLAN.handler,
    is_closed=True,
)
MACSEC = LinkKind("macsec", is_stacked=True, handler="macsec")
RMNET = LinkKind("rmnet", handler="rmnet")
VLAN = LinkKind(
    "vlan",
    title="VLAN link",
    module="8021q",
    is_created=True,
    by_library=True,
    pack=_pack_vlan,
    parse=_parse_vlan,
    hints={
        errno.EEXIST: (
            "; {link.parent} has that VLAN under another name, maybe in another namespace, or the name {link.name} is taken"
            f"{WHERE_LINKS_ARE_LISTED}"
        )
    },
    is_stacked=True,
)
DUMMY = LinkKind("dummy", is_created=True, by_library=True)
VRF = LinkKind("vrf", parse=_parse_vrf, is_vrf=True, is_closed=True, leaves_ports_alone=True)
BATADV = LinkKind("batadv", leaves_ports_alone=True)
# Frames of all ports arrive at these masters; those without a kind are made by drivers (netvsc, failover).
BRIDGE = LinkKind("bridge", filters_vlans=True, has_mac_of_port=True, instead_of_port="; use {master}")
BOND = LinkKind("bond", has_mac_of_port=True, instead_of_port="; use {master}")
TEAM = LinkKind("team", has_mac_of_port=True, instead_of_port="; use {master}")
NO_KIND = LinkKind("", instead_of_port="; use {master}")
OPENVSWITCH = LinkKind("openvswitch", instead_of_port="; use an internal port of that switch")

KINDS = {
    kind.name: kind
    for kind in (
        MACVLAN, MACVTAP, IPVLAN, IPVTAP, MACSEC, RMNET, VLAN, DUMMY, VRF, BATADV, BRIDGE, BOND, TEAM, NO_KIND, OPENVSWITCH,
    )
}


@functools.lru_cache(maxsize=128)
def kind_named(name: str) -> LinkKind:
    """The kind of this name, be it one that nothing is known about."""
    return KINDS.get(name) or LinkKind(name)


def kind_of(item: HasKind) -> LinkKind:
    """The kind of a link, or of an object that has one."""
    return kind_named(item.kind)


def vrf_of(space: Space, link: Link) -> Link | None:
    """The VRF that a link of a namespace is in, whose routes are in a table of its own."""
    master = space.by_index(link.master)
    return master if master is not None and kind_of(master).is_vrf else None


def table_of(space: Space, link: Link) -> int:
    """The number of the table that the routes of a link are in."""
    vrf = vrf_of(space, link)
    return vrf.table if vrf is not None and vrf.table is not None else MAIN_TABLE
