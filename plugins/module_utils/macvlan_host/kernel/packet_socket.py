# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packet sockets (packet(7)) that hear what neighbours say about addresses."""

from __future__ import annotations

import ctypes
import socket
import struct

from ..wire.probes import FILTER
from .namespaces import call

ETH_P_ALL, ALL_LINKS = 0x0003, 0
SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_ALLMULTI = 263, 1, 2
RECEIVE_BUFFER = 8 << 20

_PROGRAM = struct.Struct("@HP")  # sock_fprog: number of instructions, and where they are
_MEMBERSHIP = struct.Struct("@iHH8s")  # packet_mreq: ifindex, type, length and bytes of an address
_ADDRESS = struct.Struct("@HHiHBB8s")  # sockaddr_ll: family, protocol, ifindex; the others are not for binding
_INSTRUCTION_SIZE = 8


def packet_socket() -> socket.socket:
    """A socket for whole frames of all links of the present namespace, which hears only what the filter lets pass.

    :raises OSError: the kernel has no packet sockets, or does not let this process have one
    """
    # Before it has its filter it must hear nothing, so it is bound to no protocol at first.
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    try:
        program = ctypes.create_string_buffer(FILTER, len(FILTER))
        filtering = _PROGRAM.pack(len(FILTER) // _INSTRUCTION_SIZE, ctypes.addressof(program))
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filtering)
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        # By the library, because Python binds only to a link.
        everything = _ADDRESS.pack(socket.AF_PACKET, socket.htons(ETH_P_ALL), ALL_LINKS, 0, 0, 0, b"")
        call("bind", sock.fileno(), everything, len(everything))
    except BaseException:
        sock.close()
        raise
    return sock


def hear_all(sock: socket.socket, index: int) -> None:
    """Hear the multicast frames of a link too, such as answers about IPv6 addresses, as long as the socket is open."""
    sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, _MEMBERSHIP.pack(index, PACKET_MR_ALLMULTI, 0, b""))
