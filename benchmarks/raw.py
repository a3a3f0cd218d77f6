# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel with nothing in between: namespaces by system call, netlink messages packed by hand.

Nothing of the product is imported here: this is what the product is measured against, and counted with.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import typing as t

NETNS_FOLDER = "/run/netns"
CLONE_NEWNET = 0x40000000
MS_BIND, MS_REC, MS_SHARED, MNT_DETACH = 0x1000, 0x4000, 0x100000, 2

NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_GETLINK = 16, 18
RTM_NEWADDR, RTM_GETADDR, RTM_NEWROUTE, RTM_GETROUTE, RTM_GETNEIGH, RTM_NEWNSID = 20, 22, 24, 26, 30, 88
NETNSA_NSID, NETNSA_FD = 1, 3
REQUEST, ACK, DUMP, CREATE, EXCL = 0x1, 0x4, 0x300, 0x400, 0x200

IFF_UP = 1
IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_LINKINFO, IFLA_LINK_NETNSID = 3, 4, 5, 18, 37
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE = 1, 2, 1, 4
IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST = 1, 2, 4
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY = 1, 4, 5, 6
RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST = 254, 3, 0, 1
NDA_LLADDR = 2
NLA_F_NESTED, NLA_TYPE_MASK = 0x8000, 0x3FFF
RECEIVE_SIZE = 1 << 17
LO_INDEX = 1

_LIBC = ctypes.CDLL(None, use_errno=True)


def _call(function: str, *arguments: t.Any) -> None:
    if getattr(_LIBC, function)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{function}: {os.strerror(code)}")


# --- namespaces -----------------------------------------------------------------------------------------------------


def netns_path(name: str) -> str:
    return f"{NETNS_FOLDER}/{name}"


def share_netns_folder() -> None:
    """What ip-netns(8) does before its first namespace."""
    folder = NETNS_FOLDER.encode()
    _call("mount", folder, folder, b"none", ctypes.c_ulong(MS_BIND | MS_REC), None)
    _call("mount", b"", folder, b"none", ctypes.c_ulong(MS_SHARED | MS_REC), None)


def own_netns() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def enter(descriptor: int) -> None:
    _call("setns", descriptor, CLONE_NEWNET)


def make_netns(name: str) -> None:
    """A new namespace with a name under /run/netns; this thread is in it afterwards."""
    path = netns_path(name)
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
    _call("unshare", CLONE_NEWNET)
    _call("mount", b"/proc/thread-self/ns/net", path.encode(), b"none", ctypes.c_ulong(MS_BIND), None)


def drop_netns(name: str) -> None:
    path = netns_path(name)
    _call("umount2", path.encode(), MNT_DETACH)
    os.unlink(path)


# --- messages -------------------------------------------------------------------------------------------------------


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, 0, 0) + body


def link_body(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, change)


def name_netns(number: int, netns: int) -> bytes:
    """Give another namespace a number in this one, by which links can be made on top of its links."""
    body = struct.pack("=Bxxx", socket.AF_UNSPEC) + attribute(NETNSA_NSID, struct.pack("=i", number))
    return message(RTM_NEWNSID, 0, body + attribute(NETNSA_FD, struct.pack("=I", netns)))


def new_macvlan(name: str, parent: int, netns: int | None = None, index: int = 0) -> bytes:
    """A macvlan in bridge mode that is up.

    :param netns: the number of the namespace in which the parent is, None for this one
    :param index: the number that the link shall have; 0 leaves that to the kernel
    """
    data = attribute(IFLA_MACVLAN_MODE, struct.pack("=I", MACVLAN_MODE_BRIDGE))
    info = attribute(IFLA_INFO_KIND, b"macvlan") + attribute(IFLA_INFO_DATA | NLA_F_NESTED, data)
    body = link_body(index, IFF_UP, IFF_UP) + attribute(IFLA_IFNAME, name.encode() + b"\0")
    body += attribute(IFLA_LINK, struct.pack("=I", parent)) + attribute(IFLA_LINKINFO | NLA_F_NESTED, info)
    if netns is not None:
        body += attribute(IFLA_LINK_NETNSID, struct.pack("=i", netns))
    return message(RTM_NEWLINK, CREATE | EXCL, body)


def bring_up(index: int) -> bytes:
    return message(RTM_NEWLINK, 0, link_body(index, IFF_UP, IFF_UP))


def set_mtu(index: int, mtu: int) -> bytes:
    return message(RTM_NEWLINK, ACK, link_body(index) + attribute(IFLA_MTU, struct.pack("=I", mtu)))


def new_address(index: int, address: bytes, broadcast: bytes, length: int) -> bytes:
    body = struct.pack("=BBBBI", socket.AF_INET, length, 0, RT_SCOPE_UNIVERSE, index)
    body += attribute(IFA_LOCAL, address) + attribute(IFA_ADDRESS, address) + attribute(IFA_BROADCAST, broadcast)
    return message(RTM_NEWADDR, CREATE | EXCL, body)


def new_default_route(index: int, gateway: bytes, metric: int = 0) -> bytes:
    """The one message that is acknowledged: it is the last of each send, and fails if one before it has."""
    table = (RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST)
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, *table, 0)
    body += attribute(RTA_OIF, struct.pack("=I", index)) + attribute(RTA_GATEWAY, gateway)
    body += attribute(RTA_PRIORITY, struct.pack("=I", metric))
    return message(RTM_NEWROUTE, CREATE | EXCL | ACK, body)


# --- sockets --------------------------------------------------------------------------------------------------------


def open_socket() -> socket.socket:
    """A socket in the namespace that the thread is in."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    sock.bind((0, 0))
    return sock


def messages(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    """(kind, body) of each message."""
    position = 0
    while position < len(data):
        length, kind = struct.unpack_from("=IH", data, position)
        yield kind, data[position + 16 : position + length]
        position += (length + 3) & ~3


def wait_for_answers(sock: socket.socket, wanted: int) -> None:
    """Take so many acknowledgements; those who ask for none are heard of when they fail."""
    while wanted:
        for kind, body in messages(sock.recv(RECEIVE_SIZE)):
            if kind == NLMSG_ERROR:
                (code,) = struct.unpack_from("=i", body)
                if code:
                    raise OSError(-code, os.strerror(-code))
                wanted -= 1


def dump(sock: socket.socket, kind: int, header: bytes) -> list[bytes]:
    """The bodies of all objects of a kind."""
    sock.send(message(kind, DUMP, header))
    bodies: list[bytes] = []
    while True:
        for answer, body in messages(sock.recv(RECEIVE_SIZE)):
            if answer == NLMSG_DONE:
                return bodies
            if answer == NLMSG_ERROR:
                code = -struct.unpack_from("=i", body)[0]
                raise OSError(code, os.strerror(code))
            bodies.append(body)


def attributes(body: bytes, header: int) -> dict[int, bytes]:
    """The attributes that follow a header of so many bytes."""
    found: dict[int, bytes] = {}
    position = header
    while position + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, position)
        found[kind & NLA_TYPE_MASK] = body[position + 4 : position + length]
        position += (length + 3) & ~3
    return found
