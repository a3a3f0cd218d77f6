# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses as texts, as bytes and as numbers, by inet_pton(3) and inet_ntop(3): what the kernel's tools print too."""

from __future__ import annotations

import functools
import socket


def family_of(text: str) -> int:
    """AF_INET or AF_INET6, of an address, network or range."""
    return socket.AF_INET6 if ":" in text else socket.AF_INET


def to_bytes(text: str) -> bytes:
    """4 or 16 bytes of a canonical address."""
    return socket.inet_pton(family_of(text), text)


def from_bytes(raw: bytes) -> str:
    """The canonical text of 4 or 16 bytes."""
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


@functools.lru_cache(maxsize=4096)
def number(text: str) -> int:
    """A canonical address as a number."""
    return int.from_bytes(to_bytes(text), "big")


def to_text(version: int, value: int) -> str:
    """The canonical text of an address of IP version 4 or 6 given as a number."""
    return from_bytes(value.to_bytes(4 if version == 4 else 16, "big"))


@functools.lru_cache(maxsize=4096)
def network_of(cidr: str) -> str:
    """The canonical network in which a canonical address with prefix length lies."""
    ip, dummy, length = cidr.partition("/")
    raw = to_bytes(ip)
    host_bits = 8 * len(raw) - int(length)
    first = int.from_bytes(raw, "big") >> host_bits << host_bits
    return f"{from_bytes(first.to_bytes(len(raw), 'big'))}/{length}"
