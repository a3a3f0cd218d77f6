# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parses the netlink messages of the kernel."""

from __future__ import annotations

import functools
import socket
import typing as t

from ..model.links import Link
from ..model.route import OtherRoute, Route
from ..model.sysctl import IPV4_SETTINGS
from ..values import inet
from .attributes import (
    ADDRESS,
    ATTRIBUTE,
    INT32,
    LINK,
    NAMESPACE,
    NEIGHBOUR,
    NEXT_HOP,
    ROUTE,
    TYPE_MASK,
    UINT32,
    Attributes,
    attributes,
    number,
    string,
)
from .constants import (
    IFA_ADDRESS,
    IFA_CACHEINFO,
    IFA_F_MANAGETEMPADDR,
    IFA_F_PERMANENT,
    IFA_F_TEMPORARY,
    IFA_FLAGS,
    IFA_LOCAL,
    IFA_PROTO,
    IFAPROT_KERNEL_RA,
    IFF_LOOPBACK,
    IFF_UP,
    IFLA_ADDRESS,
    IFLA_AF_SPEC,
    IFLA_ALT_IFNAME,
    IFLA_BR_VLAN_FILTERING,
    IFLA_BR_VLAN_PROTOCOL,
    IFLA_GROUP,
    IFLA_IFALIAS,
    IFLA_IFNAME,
    IFLA_INET6_CONF,
    IFLA_INET_CONF,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINK,
    IFLA_LINK_NETNSID,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    IFLA_PERM_ADDRESS,
    IFLA_PROP_LIST,
    INFINITY_LIFE_TIME,
    IPV6_DEFAULT_METRIC,
    IPV6_SETTINGS,
    NDA_LLADDR,
    NETNSA_NSID,
    ROUTE_KINDS,
    RT_TABLE_COMPAT,
    RT_TABLE_MAIN,
    RTA_DST,
    RTA_GATEWAY,
    RTA_MULTIPATH,
    RTA_OIF,
    RTA_PRIORITY,
    RTA_TABLE,
    RTA_VIA,
    RTN_UNICAST,
    RTNH_F_ONLINK,
    VLAN_PROTOCOLS,
)
from .kinds import Details, kind_named

NO_DETAILS = Details()

_TABLE_SIZE = ATTRIBUTE.size + UINT32.size  # of RTA_TABLE, which comes first in a route


def link_attributes(body: bytes) -> Attributes:
    """The attributes of an RTM_NEWLINK message."""
    return attributes(body, LINK.size)


def parse_link(body: bytes, parsed: Attributes | None = None) -> Link:
    """A link from the body of an RTM_NEWLINK message.

    :param parsed: its attributes, when they have been parsed already
    """
    dummy, hardware, index, flags, dummy = LINK.unpack_from(body)
    attrs = link_attributes(body) if parsed is None else parsed
    info = attributes(attrs.get(IFLA_LINKINFO, b""))
    kind = string(info.get(IFLA_INFO_KIND, b""))
    parse_details = kind_named(kind).parse
    details = NO_DETAILS if parse_details is None else parse_details(attributes(info.get(IFLA_INFO_DATA, b"")))
    lower = number(attrs, IFLA_LINK)
    return Link(
        index=index,
        name=string(attrs[IFLA_IFNAME]),
        kind=kind,
        hardware=hardware,
        mac=attrs.get(IFLA_ADDRESS, b"").hex(":"),
        mtu=number(attrs, IFLA_MTU) or 0,
        up=bool(flags & IFF_UP),
        loopback=bool(flags & IFF_LOOPBACK),
        alias=string(attrs.get(IFLA_IFALIAS, b"")),
        group=number(attrs, IFLA_GROUP) or 0,
        lower=lower or None,
        lower_netns=number(attrs, IFLA_LINK_NETNSID),
        master=number(attrs, IFLA_MASTER) or None,
        mode=details.mode,
        vlan=details.vlan,
        altnames=_parse_altnames(attrs[IFLA_PROP_LIST]) if IFLA_PROP_LIST in attrs else (),
        link_options=details.link_options,
        table=details.table,
        permanent_mac=attrs.get(IFLA_PERM_ADDRESS, b"").hex(":"),
    )


def parse_vlan_filter(body: bytes) -> str | None:
    """The protocol of the tags that a bridge looks at, from its RTM_NEWLINK message; None where it looks at none."""
    info = attributes(link_attributes(body).get(IFLA_LINKINFO, b""))
    is_bridge = kind_named(string(info.get(IFLA_INFO_KIND, b""))).filters_vlans
    data = attributes(info.get(IFLA_INFO_DATA, b"")) if is_bridge else {}
    if data.get(IFLA_BR_VLAN_FILTERING, b"\0") == b"\0":
        return None
    protocol = int.from_bytes(data.get(IFLA_BR_VLAN_PROTOCOL, b""), "big")
    return next((name for name, value in VLAN_PROTOCOLS.items() if value == protocol), "802.1q")


def _parse_altnames(nested: bytes) -> tuple[str, ...]:
    """The names of a list of IFLA_ALT_IFNAME, which all have the same type; since Linux 5.5.

    :raises ValueError: a length is impossible
    """
    names, offset = [], 0
    while offset + ATTRIBUTE.size <= len(nested):
        length, kind = ATTRIBUTE.unpack_from(nested, offset)
        if length < ATTRIBUTE.size or offset + length > len(nested):
            raise ValueError("a netlink attribute with an impossible length")
        if kind & TYPE_MASK == IFLA_ALT_IFNAME:
            names.append(string(nested[offset + ATTRIBUTE.size : offset + length]))
        offset += (length + 3) & ~3
    return tuple(names)


def parse_settings(attrs: Attributes, ifname: str) -> dict[str, str]:
    """Sysctl → value of those settings of an interface that come with its link.

    The name is written as in sysctl.d(5). A kernel, or an interface, without IPv6 has none of its settings.
    """
    component = ifname.replace(".", "/")
    families = attributes(attrs.get(IFLA_AF_SPEC, b""))
    result = {}
    for family, kind, word, positions in (
        (socket.AF_INET, IFLA_INET_CONF, "ipv4", IPV4_SETTINGS),
        (socket.AF_INET6, IFLA_INET6_CONF, "ipv6", IPV6_SETTINGS),
    ):
        values = attributes(families.get(family, b"")).get(kind, b"")
        for setting, position in positions.items():
            if len(values) >= 4 * position + 4:
                result[f"net.{word}.conf.{component}.{setting}"] = str(INT32.unpack_from(values, 4 * position)[0])
    return result


def parse_nsid(body: bytes) -> int:
    """The number of a namespace from the body of an RTM_NEWNSID message; negative for none."""
    raw = attributes(body, NAMESPACE.size).get(NETNSA_NSID, b"\xff" * 4)
    return t.cast(int, INT32.unpack_from(raw)[0])


def parse_filter(body: bytes) -> tuple[int, str]:
    """(ifindex, MAC address) from the body of an RTM_NEWNEIGH message."""
    return NEIGHBOUR.unpack_from(body)[1], attributes(body, NEIGHBOUR.size).get(NDA_LLADDR, b"").hex(":")


class AddressFacts(t.NamedTuple):
    """An address of a link.

    :ivar address: with its prefix length
    :ivar peer: the address at the other end, None when none is given
    :ivar temporary: whether it has a lifetime, or was made by a router advertisement
    """

    ifindex: int
    address: str
    scope: int
    peer: str | None
    temporary: bool = False


def parse_address(body: bytes) -> AddressFacts:
    """An address from the body of an RTM_NEWADDR message."""
    family, length, low_flags, scope, index = ADDRESS.unpack_from(body)
    attrs = attributes(body, ADDRESS.size)
    other = attrs.get(IFA_ADDRESS, b"")
    own = attrs.get(IFA_LOCAL, other)
    peer = inet.from_bytes(other) if own != other else None
    temporary = _is_temporary(family, number(attrs, IFA_FLAGS) or low_flags, attrs)
    return AddressFacts(index, f"{inet.from_bytes(own)}/{length}", scope, peer, temporary)


def _is_temporary(family: int, flags: int, attrs: Attributes) -> bool:
    """Whether an address is there for a time only, or by a router advertisement.

    The kernel marks as permanent what is added without a valid lifetime (net/ipv4/devinet.c, set_ifa_lifetime;
    net/ipv6/addrconf.c, inet6_addr_add), and says since 5.18 who has made an address. Programs that handle router
    advertisements in the kernel's stead ask it for temporary addresses beside theirs (RFC 8981). One that is permanent and
    deprecated, with a preferred lifetime of 0, is there for good.
    """
    if not flags & IFA_F_PERMANENT or attrs.get(IFA_PROTO, b"")[:1] == bytes([IFAPROT_KERNEL_RA]):
        return True
    if family == socket.AF_INET6 and flags & (IFA_F_TEMPORARY | IFA_F_MANAGETEMPADDR):
        return True
    # The preferred lifetime, in seconds, comes first in struct ifa_cacheinfo (linux/if_addr.h).
    preferred = attrs.get(IFA_CACHEINFO, b"")[: UINT32.size]
    return len(preferred) == UINT32.size and UINT32.unpack(preferred)[0] not in (0, INFINITY_LIFE_TIME)


def table_of(body: bytes) -> int:
    """The number of the table of a route; one of more than eight bits is an attribute."""
    table = ROUTE.unpack_from(body)[4]
    return number(attributes(body, ROUTE.size), RTA_TABLE) or table if table == RT_TABLE_COMPAT else table


def parse_route(body: bytes, wanted: int = RT_TABLE_MAIN) -> tuple[tuple[int, Route], ...] | OtherRoute:
    """The (ifindex, route) pairs of an RTM_NEWROUTE message of one table, or a route of another type.

    IPv6 next hops are separate routes, which can be added and deleted one by one. Routes of other tables give no
    pair.
    """
    family, dummy, dummy, dummy, table = ROUTE.unpack_from(body)[:5]
    if family not in (socket.AF_INET, socket.AF_INET6) or table not in (wanted, RT_TABLE_COMPAT):
        return ()
    return _parse_route_of_table(body, wanted)


# Many endpoints have equal routes: the same subnet, the same gateway, and the first link of their namespace.
@functools.lru_cache(maxsize=256)
def _parse_route_of_table(body: bytes, wanted: int) -> tuple[tuple[int, Route], ...] | OtherRoute:
    """A route that may be in a table."""
    family, length, dummy, dummy, table, dummy, dummy, kind, flags = ROUTE.unpack_from(body)
    attrs = attributes(body, ROUTE.size)
    if (number(attrs, RTA_TABLE) or table) != wanted:
        return ()
    width = 4 if family == socket.AF_INET else 16
    destination = f"{inet.from_bytes(attrs.get(RTA_DST, bytes(width)))}/{length}"
    metric = number(attrs, RTA_PRIORITY) or None
    if family == socket.AF_INET6 and metric == IPV6_DEFAULT_METRIC:
        metric = None
    hops = _next_hops(attrs)
    if kind == RTN_UNICAST and hops and (len(hops) == 1 or family == socket.AF_INET6):
        onlink = _hops_onlink(attrs, flags)
        return tuple((index, Route(destination, via, metric, on)) for (index, via), on in zip(hops, onlink))
    return OtherRoute(Route(destination, None, metric).destination_and_metric, ROUTE_KINDS.get(kind, f"type {kind}"), wanted)


def _next_hop(index: int, attrs: Attributes) -> tuple[int, str | None]:
    gateway = attrs.get(RTA_GATEWAY)
    return index, inet.from_bytes(gateway) if gateway else None


def _other_family_hop(index: int, attrs: Attributes) -> tuple[int, str | None]:
    """As :func:`_next_hop`, and also a next hop of the other family, from struct rtvia (linux/rtnetlink.h)."""
    via = attrs.get(RTA_VIA, b"")[2:]
    return (index, inet.from_bytes(via)) if len(via) in (4, 16) else _next_hop(index, attrs)


def _next_hops(
    attrs: Attributes, read: t.Callable[[int, Attributes], tuple[int, str | None]] = _next_hop
) -> list[tuple[int, str | None]]:
    """(ifindex, next hop or None) of a route: its own, or those of its struct rtnexthop (linux/rtnetlink.h)."""
    if RTA_MULTIPATH not in attrs:
        return [read(UINT32.unpack(attrs[RTA_OIF])[0], attrs)] if RTA_OIF in attrs else []
    return [read(index, attributes(body)) for dummy, index, body in _multipath(attrs[RTA_MULTIPATH])]


def _hops_onlink(attrs: Attributes, flags: int) -> list[bool]:
    """Whether each next hop of a route counts as on the link, in their order."""
    each = [flags] if RTA_MULTIPATH not in attrs else [item[0] for item in _multipath(attrs[RTA_MULTIPATH])]
    return [bool(item & RTNH_F_ONLINK) for item in each]


def _multipath(data: bytes) -> t.Iterator[tuple[int, int, bytes]]:
    """(flags, ifindex, attributes) of several next hops.

    :raises ValueError: a length is impossible
    """
    offset = 0
    while offset + NEXT_HOP.size <= len(data):
        length, flags, dummy, index = NEXT_HOP.unpack_from(data, offset)
        if length < NEXT_HOP.size or offset + length > len(data):
            raise ValueError("a next hop with an impossible length")
        yield flags, index, data[offset + NEXT_HOP.size : offset + length]
        offset += (length + 3) & ~3


def parse_outgoing_link(body: bytes) -> tuple[int, str | None] | None:
    """The ifindex by which packets leave and their next hop, from the answer to :func:`get_route`; None for a local address."""
    hops = _next_hops(attributes(body, ROUTE.size)) if ROUTE.unpack_from(body)[7] == RTN_UNICAST else []
    return hops[0] if hops else None


def behind_destination(body: bytes) -> bytes:
    """An RTM_NEWROUTE message without its destination, which the kernel puts behind the table.

    Routes with equal rests have the same next hops.
    """
    offset = ROUTE.size + _TABLE_SIZE
    if len(body) >= offset + ATTRIBUTE.size:
        length, kind = ATTRIBUTE.unpack_from(body, offset)
        if kind == RTA_DST and length >= ATTRIBUTE.size:
            return body[:1] + body[offset + length :]
    return body


def parse_next_hops(body: bytes) -> tuple[str, list[tuple[int, str]]]:
    """The destination of an RTM_NEWROUTE message of any table, and (ifindex, address) of its next hops, of either family."""
    family, length = ROUTE.unpack_from(body)[:2]
    if family not in (socket.AF_INET, socket.AF_INET6):
        return "", []
    attrs = attributes(body, ROUTE.size)
    width = 4 if family == socket.AF_INET else 16
    destination = f"{inet.from_bytes(attrs.get(RTA_DST, bytes(width)))}/{length}"
    return destination, [(index, via) for index, via in _next_hops(attrs, _other_family_hop) if via is not None]
