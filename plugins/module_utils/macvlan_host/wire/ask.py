# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that ask the kernel for something, as netlink messages."""

from __future__ import annotations

import socket
import typing as t

from ..values import inet
from .attributes import ADDRESS, INT32, LINK, NAMESPACE, ROUTE, attribute, nest, uint32
from .constants import (
    ANY_NSID,
    IFLA_ADDRESS,
    IFLA_EXT_MASK,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    NETNSA_FD,
    NETNSA_NSID,
    NLM_F_CREATE,
    NLM_F_DUMP,
    NLM_F_EXCL,
    RTA_DST,
    RTEXT_FILTER_SKIP_STATS,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETNEIGH,
    RTM_GETNSID,
    RTM_GETROUTE,
    RTM_NEWLINK,
    RTM_NEWNSID,
)


class Packed(t.NamedTuple):
    """A request without its sequence number, which the socket gives."""

    kind: int
    flags: int
    body: bytes


def text(kind: int, value: str) -> bytes:
    """An attribute with a text, which ends with a zero."""
    return attribute(kind, value.encode("utf-8", "surrogateescape") + b"\0")


def dump_links() -> Packed:
    # Without statistics, which make most of a link's message.
    body = LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + uint32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    return Packed(RTM_GETLINK, NLM_F_DUMP, body)


def dump_addresses() -> Packed:
    return Packed(RTM_GETADDR, NLM_F_DUMP, ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0))


def dump_routes() -> Packed:
    """Ask for the routes of all families."""
    return Packed(RTM_GETROUTE, NLM_F_DUMP, ROUTE.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0))


def dump_filter(index: int) -> Packed:
    """The MAC addresses that a link takes frames for beside its own (net/core/rtnetlink.c, ndo_dflt_fdb_dump).

    :param index: 0 for all links
    """
    return Packed(RTM_GETNEIGH, NLM_F_DUMP, LINK.pack(socket.AF_BRIDGE, 0, index, 0, 0))


def name_netns(descriptor: int) -> Packed:
    """Assign a number to another namespace, valid in the sender's; the number does not keep the namespace alive."""
    body = NAMESPACE.pack(socket.AF_UNSPEC) + uint32(NETNSA_FD, descriptor)
    return Packed(RTM_NEWNSID, 0, body + attribute(NETNSA_NSID, INT32.pack(ANY_NSID)))


def get_nsid(descriptor: int) -> Packed:
    return Packed(RTM_GETNSID, 0, NAMESPACE.pack(socket.AF_UNSPEC) + uint32(NETNSA_FD, descriptor))


def get_link(name: str) -> Packed:
    body = LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + text(IFLA_IFNAME, name)
    return Packed(RTM_GETLINK, 0, body + uint32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS))


def get_route(address: str) -> Packed:
    """The route that a packet to an address takes."""
    raw = inet.to_bytes(address)
    family, length = (socket.AF_INET, 32) if len(raw) == 4 else (socket.AF_INET6, 128)
    body = ROUTE.pack(family, length, 0, 0, 0, 0, 0, 0, 0) + attribute(RTA_DST, raw)
    return Packed(RTM_GETROUTE, 0, body)


def impossible_link(kind: str, *data: bytes) -> Packed:
    """A request for a link of a kind that no kernel can fulfil, to learn whether it knows the kind.

    An unknown kind is answered with EOPNOTSUPP; known ones miss their parent or refuse the multicast MAC.

    :param data: what else is asked of the link
    """
    body = LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + attribute(IFLA_ADDRESS, bytes.fromhex("01005e000001"))
    info = nest(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, kind.encode()), *data)
    return Packed(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body + info)


def misshapen_link_option(kind: str, number: int) -> Packed:
    """A request for an impossible link with a link option that is too short, to learn whether the kernel knows the option.

    A kernel that knows it refuses the option (ERANGE), any other passes over it and refuses the multicast MAC.

    :param number: of the option's attribute
    """
    return impossible_link(kind, nest(IFLA_INFO_DATA, attribute(number, b"\0")))
