# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that change something in the kernel, as netlink messages; those that only ask are in ask.py."""

from __future__ import annotations

import socket

from ..model.route import Route
from ..model.sysctl import IPV4_SETTINGS
from ..values import inet
from .ask import Packed, text
from .attributes import ADDRESS, INT32, LINK, ROUTE, attribute, nest, uint32
from .constants import (
    IFA_ADDRESS,
    IFA_F_NODAD,
    IFA_LOCAL,
    IFF_UP,
    IFLA_ADDRESS,
    IFLA_AF_SPEC,
    IFLA_EXT_MASK,
    IFLA_GROUP,
    IFLA_IFALIAS,
    IFLA_IFNAME,
    IFLA_INET_CONF,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINK,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    IFLA_NET_NS_FD,
    IFLA_TARGET_NETNSID,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    RT_SCOPE_LINK,
    RT_SCOPE_UNIVERSE,
    RT_TABLE_MAIN,
    RT_TABLE_UNSPEC,
    RTA_DST,
    RTA_GATEWAY,
    RTA_OIF,
    RTA_PREFSRC,
    RTA_PRIORITY,
    RTA_TABLE,
    RTEXT_FILTER_SKIP_STATS,
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_DELROUTE,
    RTM_GETLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWROUTE,
    RTM_SETLINK,
    RTN_UNICAST,
    RTNH_F_ONLINK,
    RTPROT_KERNEL,
    RTPROT_STATIC,
    RTPROT_UNSPEC,
)
from .kinds import Details, LinkKind


def _mac(value: str) -> bytes:
    return attribute(IFLA_ADDRESS, bytes.fromhex(value.replace(":", "")))


def add_link(
    kind: LinkKind,
    name: str,
    lower: int,
    details: Details,
    mac: str | None = None,
    mtu: int | None = None,
    netns_fd: int | None = None,
    group: int | None = None,
    master: int | None = None,
) -> Packed:
    """A link on the one with index ``lower`` of the sender's namespace; with ``netns_fd`` it is created there."""
    body = LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + text(IFLA_IFNAME, name) + uint32(IFLA_LINK, lower)
    if mac is not None:
        body += _mac(mac)
    if mtu is not None:
        body += uint32(IFLA_MTU, mtu)
    if group is not None:
        body += uint32(IFLA_GROUP, group)
    if netns_fd is not None:
        body += uint32(IFLA_NET_NS_FD, netns_fd)
    if master is not None:
        body += uint32(IFLA_MASTER, master)
    return Packed(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body + _info(kind, details))


def set_link_option(kind: LinkKind, index: int, name: str, value: int) -> Packed:
    """Change a link option of a link of a kind that has them."""
    details = Details(link_options={name: value})
    return Packed(RTM_NEWLINK, 0, LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0) + _info(kind, details))


def set_mode(kind: LinkKind, index: int, mode: str) -> Packed:
    """Change the mode of a link of a kind that has modes."""
    return Packed(RTM_NEWLINK, 0, LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0) + _info(kind, Details(mode)))


def _info(kind: LinkKind, details: Details) -> bytes:
    """The attribute with the kind of a link and its details."""
    data = nest(IFLA_INFO_DATA, kind.pack(details)) if kind.pack is not None else b""
    return nest(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, kind.name.encode()), data)


def set_link(
    index: int,
    *,
    up: bool | None = None,
    name: str | None = None,
    mac: str | None = None,
    mtu: int | None = None,
    alias: str | None = None,
    group: int | None = None,
    by_name: str | None = None,
    master: int | None = None,
) -> Packed:
    """Change what is not None; an empty alias removes it, and a master of 0.

    :param index: 0 for a link that is found by its name
    """
    body = LINK.pack(socket.AF_UNSPEC, 0, index, IFF_UP if up else 0, 0 if up is None else IFF_UP)
    if name is not None or by_name is not None:
        body += text(IFLA_IFNAME, name or by_name or "")
    if mac is not None:
        body += _mac(mac)
    if mtu is not None:
        body += uint32(IFLA_MTU, mtu)
    if alias is not None:
        body += attribute(IFLA_IFALIAS, alias.encode("utf-8", "surrogateescape"))
    if group is not None:
        body += uint32(IFLA_GROUP, group)
    if master is not None:
        body += uint32(IFLA_MASTER, master)
    return Packed(RTM_SETLINK, 0, body)


def set_ipv4_setting(index: int, setting: str, value: int) -> Packed:
    """Write one of IPV4_SETTINGS (net/ipv4/devinet.c, inet_set_link_af)."""
    conf = nest(IFLA_INET_CONF, attribute(IPV4_SETTINGS[setting] + 1, INT32.pack(value)))
    body = LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0)
    return Packed(RTM_SETLINK, 0, body + nest(IFLA_AF_SPEC, nest(socket.AF_INET, conf)))


def delete_link(index: int, nsid: int | None = None) -> Packed:
    """Delete a link; with ``nsid`` in the namespace with that number."""
    body = LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0)
    return Packed(RTM_DELLINK, 0, body if nsid is None else body + uint32(IFLA_TARGET_NETNSID, nsid))


def get_link_in(nsid: int, index: int) -> Packed:
    """Ask for a link of the namespace with this number."""
    body = LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0) + uint32(IFLA_TARGET_NETNSID, nsid)
    return Packed(RTM_GETLINK, 0, body + uint32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS))


def delete_group(group: int) -> Packed:
    """Delete all links of a group at once."""
    return Packed(RTM_DELLINK, 0, LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + uint32(IFLA_GROUP, group))


def add_address(index: int, cidr: str, peer: str | None = None) -> Packed:
    return Packed(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, _address_body(index, cidr, IFA_F_NODAD, peer))


def delete_address(index: int, cidr: str, peer: str | None = None) -> Packed:
    return Packed(RTM_DELADDR, 0, _address_body(index, cidr, 0, peer))


def _address_body(index: int, cidr: str, ipv6_flags: int, peer: str | None) -> bytes:
    address, dummy, length = cidr.partition("/")
    family, raw = inet.family_of(address), inet.to_bytes(address)
    flags = ipv6_flags if family == socket.AF_INET6 else 0
    head = ADDRESS.pack(family, int(length), flags, RT_SCOPE_UNIVERSE, index)
    return head + attribute(IFA_LOCAL, raw) + attribute(IFA_ADDRESS, inet.to_bytes(peer) if peer else raw)


def add_connected_route(index: int, cidr: str, table: int | None = None) -> Packed:
    """Restore the route that the kernel has added for an address, so that it is deleted with the address.

    For IPv6 the kernel does so when the same address is added again (net/ipv6/addrconf.c, inet6_addr_modify).
    """
    if ":" in cidr:
        return Packed(RTM_NEWADDR, NLM_F_REPLACE, _address_body(index, cidr, IFA_F_NODAD, None))
    source = attribute(RTA_PREFSRC, inet.to_bytes(cidr.partition("/")[0]))
    body = _route_body(index, Route(inet.network_of(cidr)), RTPROT_KERNEL, table)
    return Packed(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body + source)


def add_route(index: int, route: Route, table: int | None = None) -> Packed:
    """Add a route to the main table, or to that of a VRF."""
    return Packed(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, _route_body(index, route, table=table))


def replace_route(index: int, route: Route, table: int | None = None) -> Packed:
    return Packed(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, _route_body(index, route, table=table))


def delete_route(index: int, route: Route, table: int | None = None) -> Packed:
    """Delete a route, no matter who added it."""
    return Packed(RTM_DELROUTE, 0, _route_body(index, route, RTPROT_UNSPEC, table))


def _route_body(index: int, route: Route, protocol: int = RTPROT_STATIC, table: int | None = None) -> bytes:
    address, dummy, length = route.to.partition("/")
    family = inet.family_of(address)
    # An IPv4 route without a next hop has link scope, as ip-route(8) sets it; IPv6 knows no scopes.
    on_link = route.via is None and family == socket.AF_INET
    scope = RT_SCOPE_LINK if on_link else RT_SCOPE_UNIVERSE
    flags = RTNH_F_ONLINK if route.onlink else 0
    # The number of a table may need more than the eight bits of the header.
    body = ROUTE.pack(family, int(length), 0, 0, RT_TABLE_MAIN if table is None else RT_TABLE_UNSPEC, protocol, scope, RTN_UNICAST, flags)
    if table is not None:
        body += uint32(RTA_TABLE, table)
    if int(length):
        body += attribute(RTA_DST, inet.to_bytes(address))
    if route.via is not None:
        body += attribute(RTA_GATEWAY, inet.to_bytes(route.via))
    body += uint32(RTA_OIF, index)
    if route.metric:
        body += uint32(RTA_PRIORITY, route.metric)
    return body
