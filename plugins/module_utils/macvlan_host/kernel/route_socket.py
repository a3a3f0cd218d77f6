# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The socket for netlink requests, many at once; pyroute.py has the few that are not worth packing."""

from __future__ import annotations

import errno
import os
import socket
import struct
import typing as t

from ..errors import KernelError
from ..model.links import Link
from ..wire import attributes, constants, parse
from ..wire.ask import Packed, get_link

SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 10, 11
# Dumps come in parts of 32 KiB at most (net/netlink/af_netlink.c, netlink_recvmsg); larger buffers cost more than reading.
RECEIVE_SIZE = 1 << 16
RECEIVE_BUFFER = 1 << 20
BATCH = 64
# include/uapi/linux/if_bridge.h
BRIDGE_VLAN_INFO_PVID, BRIDGE_VLAN_INFO_UNTAGGED = 0x2, 0x4
ANSWER_TIMEOUT = 30  # seconds
DONE = attributes.Answer(0, "")


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

    def exchange(self, requests: t.Sequence[Packed]) -> list[attributes.Answer]:
        """Send many requests at once; one answer for each, in their order.

        The kernel works in the requests of one sending in their order, and reports every refusal: when it has acknowledged the last
        one, those of which it has said nothing are done (net/netlink/af_netlink.c, netlink_rcv_skb).
        """
        answers: list[attributes.Answer] = []
        for start in range(0, len(requests), BATCH):
            part = requests[start : start + BATCH]
            first = self.send(part)
            by_sequence: dict[int, attributes.Answer] = {}
            while first + len(part) - 1 not in by_sequence:
                for kind, flags, sequence, body in self._receive():
                    # A late answer to an abandoned request is dropped.
                    if kind == constants.NLMSG_ERROR and sequence >= first:
                        by_sequence[sequence] = attributes.parse_answer(flags, body)
            answers += [by_sequence.get(first + offset, DONE) for offset in range(len(part))]
        return answers

    def dump(self, request: Packed) -> list[bytes]:
        """The bodies of a dump, which is repeated if the kernel reports a change in between."""
        for dummy in range(5):
            bodies, consistent = self._dump_once(request)
            if consistent:
                return bodies
        return bodies

    def _dump_once(self, request: Packed) -> tuple[list[bytes], bool]:
        sequence = self.send([request])
        bodies: list[bytes] = []
        consistent = True
        while True:
            for kind, flags, number, body in self._receive():
                if number != sequence:
                    continue
                consistent = consistent and not flags & constants.NLM_F_DUMP_INTR
                if kind == constants.NLMSG_DONE:
                    return bodies, consistent
                if kind == constants.NLMSG_ERROR:
                    answer = attributes.parse_answer(flags, body)
                    raise KernelError(f"cannot read the kernel's state: {reason(answer)}", answer.errno)
                bodies.append(body)

    def link(self, name: str) -> Link | None:
        """The link with this name, None if there is none."""
        answer, body = self.ask(get_link(name))
        if answer.errno not in (0, errno.ENODEV):
            raise KernelError(f"cannot read link {name}: {reason(answer)}", answer.errno)
        return None if body is None else parse.parse_link(body)

    def ask(self, request: Packed, *before: Packed) -> tuple[attributes.Answer, bytes | None]:
        """Send a request for one object; return the acknowledgement, and the body of the answer before it.

        :param before: what the kernel is to do first; whether it has done that must follow from the answer
        """
        sequence = self.send([*before, request]) + len(before)
        answered: bytes | None = None
        while True:
            for kind, flags, number, body in self._receive():
                if number != sequence:
                    continue
                if kind == constants.NLMSG_ERROR:
                    return attributes.parse_answer(flags, body), answered
                answered = body

    def send(self, requests: t.Sequence[Packed]) -> int:
        """Send requests, and have the last one acknowledged; return the sequence number of the first, the others follow it."""
        first = self._sequence + 1
        self._sequence += len(requests)
        self._socket.send(
            b"".join(
                attributes.message(item.kind, item.flags, number, item.body, acknowledged=number == self._sequence)
                for number, item in enumerate(requests, first)
            )
        )
        return first

    def _receive(self) -> t.Iterator[attributes.Message]:
        try:
            # The owner of the namespace can write to this socket as well; only messages of the kernel have port 0.
            port = None
            while port != constants.KERNEL_PORT:
                data, (port, dummy) = self._socket.recvfrom(RECEIVE_SIZE)
        except OSError as exc:
            raise KernelError(f"no answer from the kernel: {exc}", exc.errno or 0) from exc
        return attributes.messages(data)


def reason(answer: attributes.Answer) -> str:
    """Why the kernel refused: the text of its errno, and its own message."""
    words = os.strerror(answer.errno)
    return f"{words} ({answer.text.rstrip('.')})" if answer.text else words
