# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Netlink messages and attributes as bytes, the parts of all requests and answers."""

from __future__ import annotations

import struct
import typing as t

from .constants import NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP, NLM_F_REQUEST, NLMSGERR_ATTR_MSG

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
ATTRIBUTE = struct.Struct("=HH")  # length, type
LINK = struct.Struct("=BxHiII")  # family, hardware type, index, flags, change mask
ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
NEIGHBOUR = struct.Struct("=BxxxiHBB")  # family, index, state, flags, type
NAMESPACE = struct.Struct("=Bxxx")  # family
ROUTE = struct.Struct("=BBBBBBBBI")  # family, dst len, src len, tos, table, protocol, scope, type, flags
NEXT_HOP = struct.Struct("=HBBi")  # length, flags, weight, index
UINT16 = struct.Struct("=H")
UINT32 = struct.Struct("=I")
INT32 = struct.Struct("=i")
NLA_F_NESTED = 0x8000

TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

Attributes = dict[int, bytes]


# A received message: kind, flags and sequence number of its header, and its body. It is a plain tuple, because a run with nothing to do
# takes dozens of them apart for each endpoint.
Message = tuple[int, int, int, bytes]


class Answer(t.NamedTuple):
    """The content of an acknowledgement.

    :ivar errno: 0 for success
    :ivar text: the kernel's own words, mostly empty
    """

    errno: int
    text: str


def message(kind: int, flags: int, sequence: int, body: bytes, acknowledged: bool = True) -> bytes:
    """A whole message.

    :param acknowledged: whether the kernel shall answer also when it has done what it was asked for; a dump ends itself
    """
    answer = NLM_F_ACK if acknowledged and flags & NLM_F_DUMP != NLM_F_DUMP else 0
    return HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST | flags | answer, sequence, 0) + body


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, with what it needs behind it to end at a multiple of four."""
    length = ATTRIBUTE.size + len(payload)
    return ATTRIBUTE.pack(length, kind) + payload + b"\0" * (-length % 4)


def nest(kind: int, *inner: bytes) -> bytes:
    """An attribute that holds others: new kernels refuse some without the flag, and old ones take all with it."""
    return attribute(kind | NLA_F_NESTED, b"".join(inner))


def uint32(kind: int, value: int) -> bytes:
    """An attribute that holds an unsigned 32-bit number."""
    return attribute(kind, UINT32.pack(value))


def messages(data: bytes) -> t.Iterator[Message]:
    """The messages of one datagram.

    :raises ValueError: a length is impossible
    """
    offset, size = 0, len(data)
    unpack = HEADER.unpack_from
    while offset + 16 <= size:
        length, kind, flags, sequence, dummy = unpack(data, offset)
        end = offset + length
        if length < 16 or end > size:
            raise ValueError("a netlink message with an impossible length")
        yield kind, flags, sequence, data[offset + 16 : end]
        offset = (end + 3) & ~3


def attributes(data: bytes, offset: int = 0) -> Attributes:
    """Attribute type → payload, of a message body or a nested attribute.

    :raises ValueError: a length is impossible
    """
    attrs: Attributes = {}
    size = len(data)
    unpack = ATTRIBUTE.unpack_from
    # A run with nothing to do spends most of its time here, so names are looked up once.
    while offset + 4 <= size:
        length, kind = unpack(data, offset)
        end = offset + length
        if length < 4 or end > size:
            raise ValueError("a netlink attribute with an impossible length")
        attrs[kind & TYPE_MASK] = data[offset + 4 : end]
        offset = (end + 3) & ~3
    return attrs


def parse_answer(flags: int, body: bytes) -> Answer:
    """The error number and words of an NLMSG_ERROR message."""
    errno = -INT32.unpack_from(body)[0]
    if not flags & NLM_F_ACK_TLVS:
        return Answer(errno, "")
    # Behind the number comes the header of the request, and all of the request unless it was capped.
    request_length = HEADER.unpack_from(body, 4)[0]
    copied = HEADER.size if flags & NLM_F_CAPPED or not errno else request_length
    words = attributes(body, 4 + ((copied + 3) & ~3)).get(NLMSGERR_ATTR_MSG, b"")
    return Answer(errno, words.rstrip(b"\0").decode("utf-8", "replace"))


def number(attrs: Attributes, kind: int) -> int | None:
    """An unsigned 32-bit attribute, None where it is missing."""
    raw = attrs.get(kind)
    return None if raw is None else t.cast(int, UINT32.unpack_from(raw)[0])


def string(raw: bytes) -> str:
    """A text that ends with a zero byte."""
    return raw.rstrip(b"\0").decode("utf-8", "surrogateescape")
