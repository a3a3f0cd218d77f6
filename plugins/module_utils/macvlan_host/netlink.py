# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's door: a socket for many requests at once, and pyroute2 for the few that are not worth packing."""

from __future__ import annotations

import errno
import os
import socket
import struct
import typing as t

from . import codec
from .errors import PYROUTE2, KernelError, MissingLibraryError
from .model import BridgeVlans, Link, VlanFacts

SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 10, 11
# Dumps come in parts of 32 KiB at most (net/netlink/af_netlink.c, netlink_recvmsg); larger buffers cost more than reading.
RECEIVE_SIZE = 1 << 16
RECEIVE_BUFFER = 1 << 20
BATCH = 64
# include/uapi/linux/if_bridge.h
BRIDGE_VLAN_INFO_PVID, BRIDGE_VLAN_INFO_UNTAGGED = 0x2, 0x4
ANSWER_TIMEOUT = 30  # seconds


class RouteSocket:
    """A NETLINK_ROUTE socket; it belongs to the namespace in which it was opened, for good."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        # Python's own timeout would ask the kernel twice for each answer.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", ANSWER_TIMEOUT, 0))
        self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        self._socket.close()

    def exchange(self, requests: t.Sequence[codec.Packed]) -> list[codec.Answer]:
        """Send many requests at once; one answer for each, in their order."""
        answers: list[codec.Answer] = []
        for start in range(0, len(requests), BATCH):
            part = requests[start : start + BATCH]
            first = self._send(part)
            found: dict[int, codec.Answer] = {}
            while len(found) < len(part):
                for message in self._receive():
                    # A late answer to a request that was given up is nobody's.
                    if message.kind == codec.NLMSG_ERROR and message.sequence >= first:
                        found[message.sequence] = codec.parse_answer(message)
            answers += [found[first + offset] for offset in range(len(part))]
        return answers

    def dump(self, request: codec.Packed) -> list[bytes]:
        """The bodies of a dump; asked again when the kernel says that it changed in between."""
        for dummy in range(5):
            bodies, consistent = self._dump_once(request)
            if consistent:
                return bodies
        return bodies

    def _dump_once(self, request: codec.Packed) -> tuple[list[bytes], bool]:
        sequence = self._send([request])
        bodies: list[bytes] = []
        consistent = True
        while True:
            for message in self._receive():
                if message.sequence != sequence:
                    continue
                consistent = consistent and not message.flags & codec.NLM_F_DUMP_INTR
                if message.kind == codec.NLMSG_DONE:
                    return bodies, consistent
                if message.kind == codec.NLMSG_ERROR:
                    answer = codec.parse_answer(message)
                    raise KernelError(f"cannot read the kernel's state: {reason(answer)}", answer.errno)
                bodies.append(message.body)

    def link(self, name: str) -> Link | None:
        """The link of this name, None when there is none."""
        answer, body = self.ask(codec.get_link(name))
        if answer.errno not in (0, errno.ENODEV):
            raise KernelError(f"cannot read link {name}: {reason(answer)}", answer.errno)
        return None if body is None else codec.parse_link(body)

    def ask(self, request: codec.Packed) -> tuple[codec.Answer, bytes | None]:
        """Send a request for one thing; the acknowledgement, and the body of what came before it."""
        sequence = self._send([request])
        body: bytes | None = None
        while True:
            for message in self._receive():
                if message.sequence != sequence:
                    continue
                if message.kind == codec.NLMSG_ERROR:
                    return codec.parse_answer(message), body
                body = message.body

    def _send(self, requests: t.Sequence[codec.Packed]) -> int:
        """Send; the sequence number of the first, the others follow it."""
        first = self._sequence + 1
        self._sequence += len(requests)
        self._socket.send(
            b"".join(
                codec.message(request.kind, request.flags, first + offset, request.body)
                for offset, request in enumerate(requests)
            )
        )
        return first

    def _receive(self) -> t.Iterator[codec.Message]:
        try:
            # Who rules the namespace can write to this socket as well; only what comes from the kernel has no port.
            port = None
            while port != codec.KERNEL_PORT:
                data, (port, dummy) = self._socket.recvfrom(RECEIVE_SIZE)
        except OSError as exc:
            raise KernelError(f"no answer from the kernel: {exc}", exc.errno or 0) from exc
        return codec.messages(data)


def reason(answer: codec.Answer) -> str:
    """Why the kernel refused: the name of its number, and its own words."""
    words = os.strerror(answer.errno)
    return f"{words} ({answer.text.rstrip('.')})" if answer.text else words


class LinkMaker:
    """Dummy links, and changes of VLAN links, by pyroute2, which costs more to import than most whole runs."""

    def __init__(self) -> None:
        """Open its socket, in the namespace of the moment.

        :raises MissingLibraryError: pyroute2 is not installed
        """
        try:
            from pyroute2 import IPRoute
            from pyroute2.netlink.exceptions import NetlinkError
        except ImportError as exc:
            raise MissingLibraryError(PYROUTE2) from exc
        self._route = IPRoute()
        self._error = NetlinkError

    def close(self) -> None:
        self._route.close()

    def add_dummy(self, name: str, mac: str, group: int) -> codec.Answer:
        """Make a dummy link in a group."""
        return self._link("add", ifname=name, kind="dummy", address=mac, group=group)

    def change_vlan(self, index: int, old: VlanFacts, new: VlanFacts) -> codec.Answer:
        """Change flags and priority maps; an entry that went is mapped to 0, which unmaps it."""
        flags = sum(bit for name, bit in codec.VLAN_FLAGS.items() if getattr(new, name))
        arguments: dict[str, t.Any] = {"vlan_flags": {"flags": flags, "mask": sum(codec.VLAN_FLAGS.values())}}
        for direction in ("ingress", "egress"):
            unmapped = dict.fromkeys(getattr(old, f"{direction}_qos_map"), 0)
            pairs = {**unmapped, **getattr(new, f"{direction}_qos_map")}
            if pairs:
                arguments[f"vlan_{direction}_qos"] = {
                    "attrs": [
                        ("IFLA_VLAN_QOS_MAPPING", {"from": int(source), "to": target})
                        for source, target in pairs.items()
                    ]
                }
        return self._link("set", index=index, kind="vlan", **arguments)

    def _link(self, command: str, **arguments: t.Any) -> codec.Answer:
        try:
            self._route.link(command, **arguments)
        except self._error as exc:
            return codec.Answer(exc.code, "")
        return codec.Answer(0, "")


def read_bridge_vlans(protocols: t.Mapping[int, str]) -> dict[int, BridgeVlans]:
    """The VLANs that bridges take themselves, by pyroute2; of none where it is not installed, because no step needs it.

    :param protocols: ifindex of a bridge → protocol of the tags that it looks at
    """
    try:
        from pyroute2 import IPRoute
        from pyroute2.netlink.exceptions import NetlinkError
    except ImportError:
        return {}
    entries: dict[int, list[tuple[int, int]]] = {index: [] for index in protocols}
    with IPRoute() as route:
        try:
            for message in route.get_vlans():
                # One message for each port, and one for the bridge itself, each with all of its VLANs.
                infos = (value for name, value in _bridge_part(message) if name == "IFLA_BRIDGE_VLAN_INFO")
                entries.get(message["index"], []).extend((info["vid"], info["flags"]) for info in infos)
        except NetlinkError as exc:
            raise KernelError(f"cannot read the VLANs of bridges: {os.strerror(exc.code)}", exc.code) from exc
    return {
        index: BridgeVlans(
            protocol,
            frozenset(vid for vid, flags in entries[index] if not flags & BRIDGE_VLAN_INFO_UNTAGGED),
            frozenset(vid for vid, flags in entries[index] if flags & BRIDGE_VLAN_INFO_UNTAGGED),
            next((vid for vid, flags in entries[index] if flags & BRIDGE_VLAN_INFO_PVID), None),
        )
        for index, protocol in protocols.items()
    }


def _bridge_part(message: t.Any) -> t.Iterable[tuple[str, t.Any]]:
    part = message.get_attr("IFLA_AF_SPEC")
    return part["attrs"] if part is not None else ()
