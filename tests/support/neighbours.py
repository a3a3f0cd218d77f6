# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines on a wire that do not answer as a Linux host does: run as a program, with a link and what to do."""

from __future__ import annotations

import random
import socket
import struct
import subprocess
import sys
import typing as t
import unittest.mock

if t.TYPE_CHECKING:
    from .machine import Machine

ETH_P_ALL, PACKET_OUTGOING = 0x0003, 4
ARP, REQUEST = b"\x08\x06", 1
_ARP = struct.Struct("!HHBBH6s4s6s4s")


class Neighbour:
    """A program on a link of a machine, until the end of the block; the block gets the MAC address of the link.

    Tasks in the block wait for it a second, because it answers when it is its turn.

    :param behaviour: ``reflect`` returns all frames; ``everything`` answers for every IPv4 address; ``only MAC ADDRESS …``
        answers for addresses, but only what that MAC address asks; ``flood`` sends frames that are hardly ever well-formed
    """

    def __init__(self, machine: Machine, link: str, behaviour: str) -> None:
        self._machine, self._link, self._behaviour = machine, link, behaviour
        self._process: subprocess.Popen[str] | None = None
        # Here and not above, because what runs on the machine knows no collection.
        from . import module_call

        self._paces = unittest.mock.patch.object(module_call, "paces_of_runs", module_call.PATIENT_PACES)

    def __enter__(self) -> str:
        argv = [sys.executable, __file__, self._link, *self._behaviour.split()]
        self._process = self._machine.start(argv, stdout=subprocess.PIPE)
        assert self._process.stdout is not None and self._process.stdout.readline() == "ready\n"
        self._paces.start()
        return t.cast(str, self._machine.links()[self._link]["address"])

    def __exit__(self, *_exc_info: object) -> None:
        self._paces.stop()
        assert self._process is not None and self._process.poll() is None, "the neighbour has ended by itself"
        self._process.kill()
        self._process.communicate()


# --- what runs there ------------------------------------------------------------------------------------------------


def incoming(sock: socket.socket) -> t.Iterator[bytes]:
    while True:
        frame, source = sock.recvfrom(4096)
        if source[2] != PACKET_OUTGOING:
            yield frame


def reflect(sock: socket.socket, _mac: bytes) -> None:
    for frame in incoming(sock):
        sock.send(frame)


def answer(sock: socket.socket, mac: bytes, asking: bytes | None = None, addresses: t.Collection[bytes] = ()) -> None:
    """Answer ARP requests.

    :param asking: the only MAC address that is answered, for these addresses; None for everyone and everything
    """
    for frame in incoming(sock):
        if frame[12:14] != ARP or len(frame) < 42:
            continue
        *head, operation, sender, source, dummy, target = _ARP.unpack_from(frame, 14)
        if operation == REQUEST and (asking is None or sender == asking and target in addresses):
            sock.send(sender + mac + ARP + _ARP.pack(*head, 2, mac, target, sender, source))


def flood(sock: socket.socket, mac: bytes) -> None:
    """Frames that look like ARP and neighbour discovery, and are cut, stretched and changed at random."""
    chance = random.Random(1)
    arp = b"\xff" * 6 + mac + ARP + _ARP.pack(1, 0x0800, 6, 4, 2, mac, bytes(4), bytes(6), bytes(4))
    head = b"\x33\x33\x00\x00\x00\x01" + mac + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, 32, 58, 255) + bytes(32)
    neighbour = head + struct.pack("!BBHI16s", 136, 0, 0, 0, bytes(16)) + b"\x02\x01" + mac
    while True:
        frame = bytearray(chance.choice((arp, neighbour)))
        for dummy in range(chance.randrange(8)):
            frame[chance.randrange(12, len(frame))] = chance.randrange(256)
        if chance.random() < 0.5:
            # An address of the subnet that is asked about, which nobody has asked for.
            frame[28:32] = socket.inet_aton(f"192.168.60.{chance.randrange(128, 256)}")
        sock.send(bytes(frame[: chance.randrange(14, len(frame) + 1)]) + bytes(chance.randrange(1000)))


def main(link: str, behaviour: str, *arguments: str) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as sock:
        sock.bind((link, ETH_P_ALL))
        mac = sock.getsockname()[4]
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        if behaviour == "only":
            asking, *addresses = arguments
            answer(sock, mac, bytes.fromhex(asking.replace(":", "")), [socket.inet_aton(item) for item in addresses])
        {"reflect": reflect, "everything": answer, "flood": flood}[behaviour](sock, mac)


if __name__ == "__main__":
    main(*sys.argv[1:])
