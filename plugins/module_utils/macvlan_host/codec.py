# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Netlink messages as bytes: the few kinds that every run needs, packed and parsed here.

The layouts are those of include/uapi/linux/netlink.h, rtnetlink.h, if_link.h and if_addr.h; numbers are in host
order, except VLAN protocols. Nothing here opens a socket.
"""

from __future__ import annotations

import socket
import struct
import typing as t

from . import inet
from .model import Link, OddRoute, Route, VlanFacts

KERNEL_PORT = 0  # the sender of what the kernel says (netlink(7))

NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_GETNEIGH = 30
RTM_NEWNSID, RTM_GETNSID = 88, 90

NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_DUMP_INTR = 0x1, 0x2, 0x4, 0x10
NLM_F_DUMP = 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSGERR_ATTR_MSG = 1

IFF_UP, IFF_LOOPBACK = 0x1, 0x8
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER = 1, 3, 4, 5, 10
IFLA_LINKINFO, IFLA_IFALIAS, IFLA_AF_SPEC, IFLA_GROUP, IFLA_NET_NS_FD, IFLA_EXT_MASK = 18, 20, 26, 27, 28, 29
IFLA_LINK_NETNSID, IFLA_TARGET_NETNSID = 37, 46
IFLA_PROP_LIST, IFLA_ALT_IFNAME = 52, 53
IFLA_INET_CONF, IFLA_INET6_CONF = 1, 2
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
IFLA_MACVLAN_MODE = 1
IFLA_VLAN_QOS_MAPPING = 1
IFLA_BR_VLAN_FILTERING, IFLA_BR_VLAN_PROTOCOL = 7, 8
IFLA_VLAN_ID, IFLA_VLAN_FLAGS, IFLA_VLAN_EGRESS_QOS, IFLA_VLAN_INGRESS_QOS, IFLA_VLAN_PROTOCOL = 1, 2, 3, 4, 5
RTEXT_FILTER_SKIP_STATS = 1 << 3

IFA_ADDRESS, IFA_LOCAL, IFA_CACHEINFO, IFA_FLAGS, IFA_PROTO = 1, 2, 6, 8, 11
IFA_F_TEMPORARY, IFA_F_NODAD, IFA_F_PERMANENT, IFA_F_MANAGETEMPADDR = 0x01, 0x02, 0x80, 0x100
IFAPROT_KERNEL_RA = 2
INFINITY_LIFE_TIME = 0xFFFFFFFF
RT_SCOPE_UNIVERSE, RT_SCOPE_LINK = 0, 253

RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_MULTIPATH, RTA_TABLE, RTA_VIA = 1, 4, 5, 6, 7, 9, 15, 18
RT_TABLE_COMPAT, RT_TABLE_MAIN, RTN_UNICAST = 252, 254, 1
# RTN_*; a unicast route that is odd has several next hops, or one that is no link.
ROUTE_KINDS = {
    RTN_UNICAST: "multipath",
    2: "local",
    3: "broadcast",
    4: "anycast",
    5: "multicast",
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
    9: "throw",
    10: "nat",
}
RTPROT_UNSPEC, RTPROT_KERNEL, RTPROT_STATIC = 0, 2, 4
NDA_LLADDR = 2
NETNSA_NSID, NETNSA_FD = 1, 3
ANY_NSID = -1
IPV6_DEFAULT_METRIC = 1024  # IP6_RT_PRIO_USER, include/net/ip6_route.h

# Settings of an interface that come with its link: name → place in the array. IPv4 counts from 1 (IPV4_DEVCONF_*,
# include/uapi/linux/ip.h), and the array from 0; IPv6 counts from 0 (DEVCONF_*, include/uapi/linux/ipv6.h).
IPV4_SETTINGS = {"promote_secondaries": 19, "arp_notify": 21}
_IPV4_PREFIX = "net.ipv4.conf.IFNAME."
IPV6_SETTINGS = {"accept_ra": 3, "autoconf": 5, "disable_ipv6": 26, "ndisc_notify": 29}

MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
VLAN_FLAGS = {"reorder_hdr": 0x1, "gvrp": 0x2, "loose_binding": 0x4, "mvrp": 0x8}
VLAN_PROTOCOLS = {"802.1q": 0x8100, "802.1ad": 0x88A8}

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_LINK = struct.Struct("=BxHiII")  # family, hardware type, index, flags, change mask
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
_NEIGHBOUR = struct.Struct("=BxxxiHBB")  # family, index, state, flags, type
_NAMESPACE = struct.Struct("=Bxxx")  # family
_ROUTE = struct.Struct("=BBBBBBBBI")  # family, dst len, src len, tos, table, protocol, scope, type, flags
_NEXT_HOP = struct.Struct("=HBBi")  # length, flags, weight, index
_UINT32 = struct.Struct("=I")
_INT32 = struct.Struct("=i")
NLA_F_NESTED = 0x8000
_TABLE_SIZE = _ATTRIBUTE.size + _UINT32.size  # of RTA_TABLE, which comes first in a route
_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

Attributes = dict[int, bytes]


class Message(t.NamedTuple):
    """A message as it came: its header without the length, and its body."""

    kind: int
    flags: int
    sequence: int
    body: bytes


class Answer(t.NamedTuple):
    """What an acknowledgement says.

    :ivar errno: 0 for success
    :ivar text: the kernel's own words, mostly empty
    """

    errno: int
    text: str


# --- packing --------------------------------------------------------------------------------------------------------


def _attribute(kind: int, payload: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(length, kind) + payload + b"\0" * (-length % 4)


def _nest(kind: int, *inner: bytes) -> bytes:
    """An attribute that holds others: new kernels refuse some without the flag, and old ones take all with it."""
    return _attribute(kind | NLA_F_NESTED, b"".join(inner))


def _uint32(kind: int, value: int) -> bytes:
    return _attribute(kind, _UINT32.pack(value))


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode("utf-8", "surrogateescape") + b"\0")


def _mac(value: str) -> bytes:
    return _attribute(IFLA_ADDRESS, bytes.fromhex(value.replace(":", "")))


def message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """A whole message; every request is acknowledged, except dumps, which end themselves."""
    wanted = NLM_F_REQUEST | flags | (0 if flags & NLM_F_DUMP == NLM_F_DUMP else NLM_F_ACK)
    return _HEADER.pack(_HEADER.size + len(body), kind, wanted, sequence, 0) + body


class Packed(t.NamedTuple):
    """A request without its sequence number, which the socket gives."""

    kind: int
    flags: int
    body: bytes


def dump_links() -> Packed:
    # Without statistics, which make most of a link's message.
    body = _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + _uint32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    return Packed(RTM_GETLINK, NLM_F_DUMP, body)


def dump_addresses() -> Packed:
    return Packed(RTM_GETADDR, NLM_F_DUMP, _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0))


def dump_routes() -> Packed:
    """Those of all families."""
    return Packed(RTM_GETROUTE, NLM_F_DUMP, _ROUTE.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0))


def dump_filter(index: int) -> Packed:
    """The MAC addresses that a link takes frames for beside its own (net/core/rtnetlink.c, ndo_dflt_fdb_dump).

    :param index: 0 for all links
    """
    return Packed(RTM_GETNEIGH, NLM_F_DUMP, _LINK.pack(socket.AF_BRIDGE, 0, index, 0, 0))


def name_netns(descriptor: int) -> Packed:
    """Let the sender's namespace have a number for another one, which does not keep that one alive."""
    body = _NAMESPACE.pack(socket.AF_UNSPEC) + _uint32(NETNSA_FD, descriptor)
    return Packed(RTM_NEWNSID, 0, body + _attribute(NETNSA_NSID, _INT32.pack(ANY_NSID)))


def get_nsid(descriptor: int) -> Packed:
    return Packed(RTM_GETNSID, 0, _NAMESPACE.pack(socket.AF_UNSPEC) + _uint32(NETNSA_FD, descriptor))


def get_link(name: str) -> Packed:
    body = _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + _text(IFLA_IFNAME, name)
    return Packed(RTM_GETLINK, 0, body + _uint32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS))


def get_route(address: str) -> Packed:
    """The route that a packet to an address takes."""
    raw = inet.to_bytes(address)
    family, length = (socket.AF_INET, 32) if len(raw) == 4 else (socket.AF_INET6, 128)
    body = _ROUTE.pack(family, length, 0, 0, 0, 0, 0, 0, 0) + _attribute(RTA_DST, raw)
    return Packed(RTM_GETROUTE, 0, body)


def _new_link(name: str, lower: int, mac: str | None, mtu: int | None, group: int | None) -> bytes:
    """What a request for a link on another one says, whatever its kind."""
    body = _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + _text(IFLA_IFNAME, name) + _uint32(IFLA_LINK, lower)
    if mac is not None:
        body += _mac(mac)
    if mtu is not None:
        body += _uint32(IFLA_MTU, mtu)
    if group is not None:
        body += _uint32(IFLA_GROUP, group)
    return body


def add_macvlan(
    name: str,
    lower: int,
    mode: str,
    mac: str | None = None,
    mtu: int | None = None,
    netns_fd: int | None = None,
    group: int | None = None,
) -> Packed:
    """A macvlan on the link with index ``lower`` of the sender's namespace; with ``netns_fd`` it is born there."""
    body = _new_link(name, lower, mac, mtu, group)
    if netns_fd is not None:
        body += _uint32(IFLA_NET_NS_FD, netns_fd)
    return Packed(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body + _macvlan_info(mode))


def add_vlan(
    name: str, lower: int, facts: VlanFacts, mac: str | None = None, mtu: int | None = None, group: int | None = None
) -> Packed:
    """A VLAN link on the link with index ``lower``."""
    body = _new_link(name, lower, mac, mtu, group)
    flags = sum(bit for flag, bit in VLAN_FLAGS.items() if getattr(facts, flag))
    data = _attribute(IFLA_VLAN_ID, struct.pack("=H", facts.vlan_id))
    data += _attribute(IFLA_VLAN_PROTOCOL, struct.pack("!H", VLAN_PROTOCOLS[facts.protocol]))
    data += _attribute(IFLA_VLAN_FLAGS, struct.pack("=II", flags, sum(VLAN_FLAGS.values())))
    data += _qos(IFLA_VLAN_INGRESS_QOS, facts.ingress_qos_map) + _qos(IFLA_VLAN_EGRESS_QOS, facts.egress_qos_map)
    info = _nest(IFLA_LINKINFO, _attribute(IFLA_INFO_KIND, b"vlan"), _nest(IFLA_INFO_DATA, data))
    return Packed(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body + info)


def _qos(kind: int, mapping: dict[str, int]) -> bytes:
    pairs = (struct.pack("=II", int(source), target) for source, target in mapping.items())
    return _nest(kind, *(_attribute(IFLA_VLAN_QOS_MAPPING, pair) for pair in pairs)) if mapping else b""


def impossible_link(kind: str) -> Packed:
    """A request for a link of a kind that no kernel can fulfil, to learn whether it knows the kind.

    An unknown kind is answered with EOPNOTSUPP; known ones miss their parent or refuse the multicast MAC.
    """
    body = _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + _mac("01:00:5e:00:00:01")
    info = _nest(IFLA_LINKINFO, _attribute(IFLA_INFO_KIND, kind.encode()))
    return Packed(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body + info)


def set_macvlan_mode(index: int, mode: str) -> Packed:
    return Packed(RTM_NEWLINK, 0, _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0) + _macvlan_info(mode))


def _macvlan_info(mode: str) -> bytes:
    data = _nest(IFLA_INFO_DATA, _uint32(IFLA_MACVLAN_MODE, MACVLAN_MODES[mode]))
    return _nest(IFLA_LINKINFO, _attribute(IFLA_INFO_KIND, b"macvlan"), data)


def set_link(
    index: int,
    *,
    up: bool | None = None,
    name: str | None = None,
    mac: str | None = None,
    mtu: int | None = None,
    alias: str | None = None,
    group: int | None = None,
    found_by: str | None = None,
) -> Packed:
    """Change what is not None; an empty alias removes it.

    :param index: 0 for a link that is found by its name
    """
    body = _LINK.pack(socket.AF_UNSPEC, 0, index, IFF_UP if up else 0, 0 if up is None else IFF_UP)
    if name is not None or found_by is not None:
        body += _text(IFLA_IFNAME, name or found_by or "")
    if mac is not None:
        body += _mac(mac)
    if mtu is not None:
        body += _uint32(IFLA_MTU, mtu)
    if alias is not None:
        body += _attribute(IFLA_IFALIAS, alias.encode("utf-8", "surrogateescape"))
    if group is not None:
        body += _uint32(IFLA_GROUP, group)
    return Packed(RTM_SETLINK, 0, body)


def setting_by_netlink(key: str, value: str) -> str | None:
    """Which of IPV4_SETTINGS a sysctl of an endpoint's interface is, if a value of it can be written with its link."""
    setting = key[len(_IPV4_PREFIX) :] if key.startswith(_IPV4_PREFIX) else ""
    return setting if setting in IPV4_SETTINGS and value in ("0", "1") else None


def set_ipv4_setting(index: int, setting: str, value: int) -> Packed:
    """Write one of IPV4_SETTINGS (net/ipv4/devinet.c, inet_set_link_af)."""
    conf = _nest(IFLA_INET_CONF, _attribute(IPV4_SETTINGS[setting] + 1, _INT32.pack(value)))
    body = _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0)
    return Packed(RTM_SETLINK, 0, body + _nest(IFLA_AF_SPEC, _nest(socket.AF_INET, conf)))


def delete_link(index: int, nsid: int | None = None) -> Packed:
    """Delete a link, with ``nsid`` in the namespace that the sender's has that number for."""
    body = _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0)
    return Packed(RTM_DELLINK, 0, body if nsid is None else body + _uint32(IFLA_TARGET_NETNSID, nsid))


def get_link_in(nsid: int, index: int) -> Packed:
    """Ask for a link of the namespace that the sender's has this number for."""
    body = _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0) + _uint32(IFLA_TARGET_NETNSID, nsid)
    return Packed(RTM_GETLINK, 0, body + _uint32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS))


def delete_group(group: int) -> Packed:
    """Delete all links of a group, in one go."""
    return Packed(RTM_DELLINK, 0, _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + _uint32(IFLA_GROUP, group))


def add_address(index: int, cidr: str, peer: str | None = None) -> Packed:
    return Packed(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, _address_body(index, cidr, IFA_F_NODAD, peer))


def delete_address(index: int, cidr: str, peer: str | None = None) -> Packed:
    return Packed(RTM_DELADDR, 0, _address_body(index, cidr, 0, peer))


def _address_body(index: int, cidr: str, ipv6_flags: int, peer: str | None) -> bytes:
    address, dummy, length = cidr.partition("/")
    family, raw = inet.family_of(address), inet.to_bytes(address)
    flags = ipv6_flags if family == socket.AF_INET6 else 0
    head = _ADDRESS.pack(family, int(length), flags, RT_SCOPE_UNIVERSE, index)
    return head + _attribute(IFA_LOCAL, raw) + _attribute(IFA_ADDRESS, inet.to_bytes(peer) if peer else raw)


def add_connected_route(index: int, cidr: str) -> Packed:
    """Have the route again that the kernel has made for an address, so that it goes with that.

    For IPv6 the kernel does so when it is given the address that it has (net/ipv6/addrconf.c, inet6_addr_modify).
    """
    if ":" in cidr:
        return Packed(RTM_NEWADDR, NLM_F_REPLACE, _address_body(index, cidr, IFA_F_NODAD, None))
    source = _attribute(RTA_PREFSRC, inet.to_bytes(cidr.partition("/")[0]))
    body = _route_body(index, Route(inet.network_of(cidr)), RTPROT_KERNEL)
    return Packed(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body + source)


def add_route(index: int, route: Route) -> Packed:
    return Packed(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, _route_body(index, route))


def replace_route(index: int, route: Route) -> Packed:
    return Packed(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, _route_body(index, route))


def delete_route(index: int, route: Route) -> Packed:
    """Delete a route, whoever made it."""
    return Packed(RTM_DELROUTE, 0, _route_body(index, route, RTPROT_UNSPEC))


def _route_body(index: int, route: Route, protocol: int = RTPROT_STATIC) -> bytes:
    address, dummy, length = route.to.partition("/")
    family = inet.family_of(address)
    # An IPv4 route without a next hop has link scope, as ip-route(8) sets it; IPv6 knows no scopes.
    on_link = route.via is None and family == socket.AF_INET
    scope = RT_SCOPE_LINK if on_link else RT_SCOPE_UNIVERSE
    body = _ROUTE.pack(family, int(length), 0, 0, RT_TABLE_MAIN, protocol, scope, RTN_UNICAST, 0)
    if int(length):
        body += _attribute(RTA_DST, inet.to_bytes(address))
    if route.via is not None:
        body += _attribute(RTA_GATEWAY, inet.to_bytes(route.via))
    body += _uint32(RTA_OIF, index)
    if route.metric:
        body += _uint32(RTA_PRIORITY, route.metric)
    return body


# --- parsing --------------------------------------------------------------------------------------------------------


def messages(data: bytes) -> t.Iterator[Message]:
    """The messages of one datagram.

    :raises ValueError: a length is impossible
    """
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, dummy = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            raise ValueError("a netlink message with an impossible length")
        yield Message(kind, flags, sequence, data[offset + _HEADER.size : offset + length])
        offset += (length + 3) & ~3


def attributes(data: bytes, offset: int = 0) -> Attributes:
    """Attribute type → payload, of a message body or a nested attribute.

    :raises ValueError: a length is impossible
    """
    found: Attributes = {}
    size = len(data)
    unpack = _ATTRIBUTE.unpack_from
    # Most of a run with nothing to do is spent here, so what can be is looked up once.
    while offset + 4 <= size:
        length, kind = unpack(data, offset)
        end = offset + length
        if length < 4 or end > size:
            raise ValueError("a netlink attribute with an impossible length")
        found[kind & _TYPE_MASK] = data[offset + 4 : end]
        offset = (end + 3) & ~3
    return found


def parse_answer(answer: Message) -> Answer:
    """The error number and words of an NLMSG_ERROR message."""
    errno = -_INT32.unpack_from(answer.body)[0]
    if not answer.flags & NLM_F_ACK_TLVS:
        return Answer(errno, "")
    # Behind the number comes the header of the request, and all of the request unless it was capped.
    request_length = _HEADER.unpack_from(answer.body, 4)[0]
    copied = _HEADER.size if answer.flags & NLM_F_CAPPED or not errno else request_length
    words = attributes(answer.body, 4 + ((copied + 3) & ~3)).get(NLMSGERR_ATTR_MSG, b"")
    return Answer(errno, words.rstrip(b"\0").decode("utf-8", "replace"))


def link_attributes(body: bytes) -> Attributes:
    """The attributes of an RTM_NEWLINK message."""
    return attributes(body, _LINK.size)


def parse_link(body: bytes, parsed: Attributes | None = None) -> Link:
    """A link from the body of an RTM_NEWLINK message.

    :param parsed: its attributes, when they have been parsed already
    """
    dummy, hardware, index, flags, dummy = _LINK.unpack_from(body)
    found = link_attributes(body) if parsed is None else parsed
    info = attributes(found.get(IFLA_LINKINFO, b""))
    kind = _string(info.get(IFLA_INFO_KIND, b""))
    data = attributes(info.get(IFLA_INFO_DATA, b"")) if kind in ("macvlan", "macvtap", "vlan") else {}
    mode = _number(data, IFLA_MACVLAN_MODE) if kind in ("macvlan", "macvtap") else None
    lower = _number(found, IFLA_LINK)
    return Link(
        index=index,
        name=_string(found[IFLA_IFNAME]),
        kind=kind,
        hardware=hardware,
        mac=found.get(IFLA_ADDRESS, b"").hex(":"),
        mtu=_number(found, IFLA_MTU) or 0,
        up=bool(flags & IFF_UP),
        loopback=bool(flags & IFF_LOOPBACK),
        alias=_string(found.get(IFLA_IFALIAS, b"")),
        group=_number(found, IFLA_GROUP) or 0,
        lower=lower or None,
        lower_netns=_number(found, IFLA_LINK_NETNSID),
        master=_number(found, IFLA_MASTER) or None,
        macvlan_mode=next((name for name, value in MACVLAN_MODES.items() if value == mode), None),
        vlan=_parse_vlan(data) if kind == "vlan" else None,
        altnames=_parse_altnames(found[IFLA_PROP_LIST]) if IFLA_PROP_LIST in found else (),
    )


def parse_vlan_filter(body: bytes) -> str | None:
    """The protocol of the tags that a bridge looks at, from its RTM_NEWLINK message; None where it looks at none."""
    info = attributes(link_attributes(body).get(IFLA_LINKINFO, b""))
    data = attributes(info.get(IFLA_INFO_DATA, b"")) if _string(info.get(IFLA_INFO_KIND, b"")) == "bridge" else {}
    if data.get(IFLA_BR_VLAN_FILTERING, b"\0") == b"\0":
        return None
    protocol = int.from_bytes(data.get(IFLA_BR_VLAN_PROTOCOL, b""), "big")
    return next((name for name, value in VLAN_PROTOCOLS.items() if value == protocol), "802.1q")


def _parse_altnames(nested: bytes) -> tuple[str, ...]:
    """The names of a list of IFLA_ALT_IFNAME, which all have the same type; since Linux 5.5.

    :raises ValueError: a length is impossible
    """
    names, offset = [], 0
    while offset + _ATTRIBUTE.size <= len(nested):
        length, kind = _ATTRIBUTE.unpack_from(nested, offset)
        if length < _ATTRIBUTE.size or offset + length > len(nested):
            raise ValueError("a netlink attribute with an impossible length")
        if kind & _TYPE_MASK == IFLA_ALT_IFNAME:
            names.append(_string(nested[offset + _ATTRIBUTE.size : offset + length]))
        offset += (length + 3) & ~3
    return tuple(names)


def parse_settings(found: Attributes, ifname: str) -> dict[str, str]:
    """Sysctl → value of those settings of an interface that come with its link.

    The name is written as in sysctl.d(5). A kernel, or an interface, without IPv6 has none of its settings.
    """
    component = ifname.replace(".", "/")
    families = attributes(found.get(IFLA_AF_SPEC, b""))
    result = {}
    for family, kind, word, places in (
        (socket.AF_INET, IFLA_INET_CONF, "ipv4", IPV4_SETTINGS),
        (socket.AF_INET6, IFLA_INET6_CONF, "ipv6", IPV6_SETTINGS),
    ):
        values = attributes(families.get(family, b"")).get(kind, b"")
        for setting, place in places.items():
            if len(values) >= 4 * place + 4:
                result[f"net.{word}.conf.{component}.{setting}"] = str(_INT32.unpack_from(values, 4 * place)[0])
    return result


def parse_nsid(body: bytes) -> int:
    """The number of a namespace from the body of an RTM_NEWNSID message; negative for none."""
    raw = attributes(body, _NAMESPACE.size).get(NETNSA_NSID, b"\xff" * 4)
    return t.cast(int, _INT32.unpack_from(raw)[0])


def parse_filter(body: bytes) -> tuple[int, str]:
    """(ifindex, MAC address) from the body of an RTM_NEWNEIGH message."""
    return _NEIGHBOUR.unpack_from(body)[1], attributes(body, _NEIGHBOUR.size).get(NDA_LLADDR, b"").hex(":")


def _parse_vlan(data: Attributes) -> VlanFacts:
    flags = _UINT32.unpack_from(data.get(IFLA_VLAN_FLAGS, b"\0" * 8))[0]
    protocol = int.from_bytes(data.get(IFLA_VLAN_PROTOCOL, b"\x81\x00"), "big")
    return VlanFacts(
        vlan_id=struct.unpack("=H", data[IFLA_VLAN_ID][:2])[0],
        protocol=next((name for name, value in VLAN_PROTOCOLS.items() if value == protocol), hex(protocol)),
        ingress_qos_map=_parse_qos(data.get(IFLA_VLAN_INGRESS_QOS, b"")),
        egress_qos_map=_parse_qos(data.get(IFLA_VLAN_EGRESS_QOS, b"")),
        **{name: bool(flags & bit) for name, bit in VLAN_FLAGS.items()},
    )


def _parse_qos(nested: bytes) -> dict[str, int]:
    """Priority → priority of a nested list of IFLA_VLAN_QOS_MAPPING, which all have the same type."""
    found: dict[int, int] = {}
    offset = 0
    while offset + _ATTRIBUTE.size + 8 <= len(nested):
        source, target = struct.unpack_from("=II", nested, offset + _ATTRIBUTE.size)
        if target:
            found[source] = target
        offset += _ATTRIBUTE.size + 8
    return {str(key): found[key] for key in sorted(found)}


class AddressFacts(t.NamedTuple):
    """An address of a link.

    :ivar address: with its prefix length
    :ivar peer: the address at the other end, None when none is given
    :ivar passing: whether it has a lifetime, or was made by a router advertisement
    """

    ifindex: int
    address: str
    scope: int
    peer: str | None
    passing: bool = False


def parse_address(body: bytes) -> AddressFacts:
    """An address from the body of an RTM_NEWADDR message."""
    family, length, low_flags, scope, index = _ADDRESS.unpack_from(body)
    found = attributes(body, _ADDRESS.size)
    other = found.get(IFA_ADDRESS, b"")
    own = found.get(IFA_LOCAL, other)
    peer = inet.from_bytes(other) if own != other else None
    passing = _is_passing(family, _number(found, IFA_FLAGS) or low_flags, found)
    return AddressFacts(index, f"{inet.from_bytes(own)}/{length}", scope, peer, passing)


def _is_passing(family: int, flags: int, found: Attributes) -> bool:
    """Whether an address is there for a time only, or by a router advertisement.

    The kernel marks as permanent what is added without a valid lifetime (net/ipv4/devinet.c, set_ifa_lifetime;
    net/ipv6/addrconf.c, inet6_addr_add), and says since 5.18 who has made an address. Programs that handle router
    advertisements in the kernel's stead ask it for temporary addresses beside theirs (RFC 8981). One that is permanent and
    deprecated, with a preferred lifetime of 0, is there for good.
    """
    if not flags & IFA_F_PERMANENT or found.get(IFA_PROTO, b"")[:1] == bytes([IFAPROT_KERNEL_RA]):
        return True
    if family == socket.AF_INET6 and flags & (IFA_F_TEMPORARY | IFA_F_MANAGETEMPADDR):
        return True
    # The preferred lifetime, in seconds, comes first in struct ifa_cacheinfo (linux/if_addr.h).
    preferred = found.get(IFA_CACHEINFO, b"")[: _UINT32.size]
    return len(preferred) == _UINT32.size and _UINT32.unpack(preferred)[0] not in (0, INFINITY_LIFE_TIME)


def parse_route(body: bytes) -> tuple[tuple[int, Route], ...] | OddRoute:
    """What an RTM_NEWROUTE message tells of a route of table main: its (ifindex, route), or what else it is.

    Of IPv6, several next hops are routes of their own, which come and go one by one. What is not of that table is
    nothing.
    """
    family, length, dummy, dummy, table, dummy, dummy, kind, dummy = _ROUTE.unpack_from(body)
    if family not in (socket.AF_INET, socket.AF_INET6) or table not in (RT_TABLE_MAIN, RT_TABLE_COMPAT):
        return ()
    found = attributes(body, _ROUTE.size)
    if (_number(found, RTA_TABLE) or table) != RT_TABLE_MAIN:
        return ()
    width = 4 if family == socket.AF_INET else 16
    destination = f"{inet.from_bytes(found.get(RTA_DST, bytes(width)))}/{length}"
    metric = _number(found, RTA_PRIORITY) or None
    if family == socket.AF_INET6 and metric == IPV6_DEFAULT_METRIC:
        metric = None
    hops = _next_hops(found)
    if kind == RTN_UNICAST and hops and (len(hops) == 1 or family == socket.AF_INET6):
        return tuple((index, Route(destination, via, metric)) for index, via in hops)
    return OddRoute(Route(destination, None, metric).place, ROUTE_KINDS.get(kind, f"type {kind}"))


def _next_hop(index: int, found: Attributes) -> tuple[int, str | None]:
    gateway = found.get(RTA_GATEWAY)
    return index, inet.from_bytes(gateway) if gateway else None


def _other_family_hop(index: int, found: Attributes) -> tuple[int, str | None]:
    """With a next hop of the other family too, from struct rtvia (linux/rtnetlink.h): its family, then the address."""
    via = found.get(RTA_VIA, b"")[2:]
    return (index, inet.from_bytes(via)) if len(via) in (4, 16) else _next_hop(index, found)


def _next_hops(
    found: Attributes, read: t.Callable[[int, Attributes], tuple[int, str | None]] = _next_hop
) -> list[tuple[int, str | None]]:
    """(ifindex, next hop or None) of a route: its own, or those of its struct rtnexthop (linux/rtnetlink.h)."""
    if RTA_MULTIPATH not in found:
        return [read(_UINT32.unpack(found[RTA_OIF])[0], found)] if RTA_OIF in found else []
    hops, data, offset = [], found[RTA_MULTIPATH], 0
    while offset + _NEXT_HOP.size <= len(data):
        length, dummy, dummy, index = _NEXT_HOP.unpack_from(data, offset)
        if length < _NEXT_HOP.size or offset + length > len(data):
            raise ValueError("a next hop with an impossible length")
        hops.append(read(index, attributes(data[offset + _NEXT_HOP.size : offset + length])))
        offset += (length + 3) & ~3
    return hops


def parse_way_out(body: bytes) -> tuple[int, str | None] | None:
    """The ifindex by which packets leave and their next hop, from the answer to :func:`get_route`; None for what stays here."""
    hops = _next_hops(attributes(body, _ROUTE.size)) if _ROUTE.unpack_from(body)[7] == RTN_UNICAST else []
    return hops[0] if hops else None


def behind_destination(body: bytes) -> bytes:
    """What an RTM_NEWROUTE message says beside the destination, which the kernel puts behind the table.

    Routes that are alike in this have the same next hops.
    """
    place = _ROUTE.size + _TABLE_SIZE
    if len(body) >= place + _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(body, place)
        if kind == RTA_DST and length >= _ATTRIBUTE.size:
            return body[:1] + body[place + length :]
    return body


def parse_next_hops(body: bytes) -> tuple[str, list[tuple[int, str]]]:
    """The destination of an RTM_NEWROUTE message of any table, and (ifindex, address) of its next hops, of either family."""
    family, length = _ROUTE.unpack_from(body)[:2]
    if family not in (socket.AF_INET, socket.AF_INET6):
        return "", []
    found = attributes(body, _ROUTE.size)
    width = 4 if family == socket.AF_INET else 16
    destination = f"{inet.from_bytes(found.get(RTA_DST, bytes(width)))}/{length}"
    return destination, [(index, via) for index, via in _next_hops(found, _other_family_hop) if via is not None]


def _number(found: Attributes, kind: int) -> int | None:
    raw = found.get(kind)
    return None if raw is None else t.cast(int, _UINT32.unpack_from(raw)[0])


def _string(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("utf-8", "surrogateescape")
