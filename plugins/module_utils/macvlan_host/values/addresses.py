# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses as texts: what a text means, and its one canonical form.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ..errors import MissingLibraryError
from . import inet

WIDTHS = {4: 32, 6: 128}  # bits of an address

_MAC = re.compile(r"[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}\Z")


class Block(t.NamedTuple):
    """A run of addresses of one family, both ends included."""

    version: int
    first: int
    last: int

    def __contains__(self, address: object) -> bool:
        """Whether an address (canonical text) lies inside; False for the other family."""
        text: t.Any = address  # what is asked about is always a text
        return version_of(text) == self.version and self.first <= inet.number(text) <= self.last

    def covers(self, other: Block) -> bool:
        return self.version == other.version and self.first <= other.first and other.last <= self.last

    def overlaps(self, other: Block) -> bool:
        return self.version == other.version and self.first <= other.last and other.first <= self.last


def parse_address(text: str) -> str:
    """The canonical text of one address.

    It accepts only what inet_pton(3) accepts: no octal, no abbreviation, no prefix length, no zone.

    :raises ValueError: the text is no such address
    :raises MissingLibraryError: netaddr is not installed
    """
    if "/" in text:
        raise ValueError(f"'{text}' must be an address without a prefix length")
    try:
        import netaddr  # here, because runs that read no addresses from options do without it
    except ImportError as exc:
        raise MissingLibraryError("netaddr >= 0.8") from exc
    try:
        ip = netaddr.IPAddress(text, flags=netaddr.INET_PTON)
    except (netaddr.AddrFormatError, ValueError) as exc:
        raise ValueError(f"'{text}' is not an IP address") from exc
    return inet.to_text(ip.version, int(ip))


def parse_interface_address(text: str) -> str:
    """The canonical text of an address, with its prefix length if that was given.

    :raises ValueError: it is no address, or the prefix length is none
    """
    address_text, slash, length_text = text.partition("/")
    address = parse_address(address_text)
    if not slash:
        return address
    if not length_text.isascii() or not length_text.isdigit() or len(length_text) > 3 or int(length_text) > WIDTHS[version_of(address)]:
        raise ValueError(f"'{text}' has no prefix length from 0 to {WIDTHS[version_of(address)]} after the address")
    return f"{address}/{int(length_text)}"


def _part(text: str, part: str, what: str) -> str:
    """The canonical address that is a part of a text.

    :raises ValueError: it is none; the message has the text as it was written
    """
    try:
        return parse_address(part)
    except ValueError as exc:
        reason = str(exc) if part else "an empty text is not an IP address"
        raise ValueError(f"'{text}' is not {what}: {reason}") from exc


def parse_network(text: str) -> tuple[str, bool]:
    """The canonical CIDR text of a network, and whether host bits had to be cleared for it.

    :raises ValueError: the text is not ``address/prefix length``
    """
    ip_text, slash, length_text = text.partition("/")
    if not slash or not length_text.isascii() or not length_text.isdigit():
        raise ValueError(f"'{text}' is not a subnet in CIDR form such as 192.0.2.0/24")
    ip = _part(text, ip_text, "a subnet in CIDR form such as 192.0.2.0/24")
    width = WIDTHS[version_of(ip)]
    if int(length_text) > width:
        raise ValueError(f"'{text}' has a prefix length above {width}")
    lowest = inet.to_text(version_of(ip), _block_around(ip, int(length_text)).first)
    return f"{lowest}/{int(length_text)}", lowest != ip


def parse_range(text: str) -> tuple[str, bool]:
    """The canonical text of an ip_range (CIDR or ``start-end``), and whether host bits were cleared.

    :raises ValueError: the text is neither, or the range runs backwards or mixes families
    """
    if "/" in text:
        return parse_network(text)
    first_text, dash, last_text = text.partition("-")
    if not dash:
        raise ValueError(f"'{text}' is neither a CIDR nor a range 'start-end'")
    first, last = (_part(text, part.strip(), "a range 'start-end'") for part in (first_text, last_text))
    if version_of(first) != version_of(last):
        raise ValueError(f"'{text}' mixes IPv4 and IPv6")
    if inet.number(first) > inet.number(last):
        raise ValueError(f"'{text}' ends before it begins")
    return f"{first}-{last}", False


def parse_addresses(text: str) -> tuple[str, bool]:
    """The canonical text of one address, a network or a range ``first-last``, and whether host bits were cleared.

    :raises ValueError: the text is none of them
    """
    if "/" in text or "-" in text:
        return parse_range(text)
    try:
        return parse_address(text), False
    except ValueError as exc:
        raise ValueError(f"'{text}' is neither an address nor a CIDR nor a range 'first-last'") from exc


def parse_mac(text: str) -> str:
    """The canonical text (lower case, colons) of a unicast MAC address.

    :raises ValueError: malformed, multicast (IEEE 802, lowest bit of the first byte) or all zeros
    """
    lowered = text.lower()
    if not _MAC.match(lowered):
        raise ValueError(f"'{text}' is not a MAC address such as 02:42:c0:a8:d8:0b")
    canonical = lowered.replace("-", ":")
    if int(canonical[:2], 16) & 1:
        raise ValueError(f"'{text}' is a multicast MAC address, a link needs a unicast one")
    if canonical == "00:00:00:00:00:00":
        raise ValueError("a MAC address of zeros cannot be used")
    return canonical


def version_of(text: str) -> int:
    """4 or 6, of an address, network or range in canonical text."""
    return 6 if ":" in text else 4


def is_link_local(address: str) -> bool:
    """Whether an address is a link-local one of IPv6, which is on every link (RFC 4291 2.5.6)."""
    return address in block_of("fe80::/10")


# The plan of a fleet reads tens of thousands of slices, each several times.
@functools.lru_cache(maxsize=1 << 17)
def block_of(text: str) -> Block:
    """The addresses of a canonical network or range, or a single one."""
    ip, slash, length = text.partition("/")
    if slash:
        return _block_around(ip, int(length))
    first, dash, last = text.partition("-")
    return Block(version_of(first), inet.number(first), inet.number(last if dash else first))


def networks_of(block: Block) -> tuple[str, ...]:
    """The networks (CIDR) that hold exactly the addresses of a block."""
    networks, first, width = [], block.first, WIDTHS[block.version]
    while first <= block.last:
        bits = width if first == 0 else (first & -first).bit_length() - 1
        bits = min(bits, (block.last - first + 1).bit_length() - 1)
        networks.append(f"{inet.to_text(block.version, first)}/{width - bits}")
        first += 1 << bits
    return tuple(networks)


def _block_around(ip: str, length: int) -> Block:
    """The network of this prefix length in which an address lies."""
    version = version_of(ip)
    host_bits = (1 << (WIDTHS[version] - length)) - 1
    value = inet.number(ip)
    return Block(version, value & ~host_bits, value | host_bits)


def prefix_length(cidr: str) -> int:
    """The prefix length of a canonical network or of an address with prefix length."""
    return int(cidr.partition("/")[2])


def without_prefix(cidr: str) -> str:
    """The address of ``address/prefix length``."""
    return cidr.partition("/")[0]
