# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses: what a text means, which address is next, which gateway is inferred, which subnet is free.

Texts come in, canonical texts go out; in between addresses are integers, so that a subnet with thousands
of leases costs no more than a set of numbers.
"""

from __future__ import annotations

import bisect
import functools
import re
import typing as t

from . import inet, names
from .errors import MissingLibraryError

if t.TYPE_CHECKING:
    from .model import Subnet

# The network API that the counters follow saturates there.
SATURATED = 2**64 - 1

WIDTHS = {4: 32, 6: 128}  # bits of an address

DEFAULT_POOLS = (
    *((f"172.{second}.0.0/16", 16) for second in range(17, 32)),
    ("192.168.0.0/16", 20),
)

_UNUSABLE = {
    "loopback space": ("127.0.0.0/8", "::1/128"),
    "multicast space": ("224.0.0.0/4", "ff00::/8"),
    "link-local space": ("169.254.0.0/16", "fe80::/10"),
    "reserved space": ("0.0.0.0/8", "240.0.0.0/4", "::/8"),
}

_MAC = re.compile(r"[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}\Z")


class Block(t.NamedTuple):
    """A run of addresses of one family, both ends included."""

    version: int
    first: int
    last: int

    def __contains__(self, address: object) -> bool:
        """Whether an address (canonical text) lies inside; False for the other family."""
        text = t.cast(str, address)
        return version_of(text) == self.version and self.first <= inet.number(text) <= self.last

    def covers(self, other: Block) -> bool:
        return self.version == other.version and self.first <= other.first and other.last <= self.last

    def overlaps(self, other: Block) -> bool:
        return self.version == other.version and self.first <= other.last and other.first <= self.last


class AddressSet:
    """Addresses of one family as numbers, kept as runs, so that what is free is found without a look at each.

    :param values: in any order, each any number of times
    """

    def __init__(self, values: t.Iterable[int] = ()) -> None:
        # Runs neither overlap nor touch; both lists are sorted, so they can be searched by halves.
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for value in sorted(set(values)):
            if self._lasts and self._lasts[-1] == value - 1:
                self._lasts[-1] = value
            else:
                self._firsts.append(value)
                self._lasts.append(value)

    def __contains__(self, value: int) -> bool:
        place = self._run_at_or_after(value)
        return place < len(self._firsts) and self._firsts[place] <= value

    def _run_at_or_after(self, value: int) -> int:
        """Where the first run is that does not end before a value."""
        return bisect.bisect_left(self._lasts, value)

    def add(self, value: int) -> None:
        place = self._run_at_or_after(value)
        if place < len(self._firsts) and self._firsts[place] <= value:
            return
        touches_left = place > 0 and self._lasts[place - 1] == value - 1
        touches_right = place < len(self._firsts) and self._firsts[place] == value + 1
        if touches_left and touches_right:
            self._lasts[place - 1] = self._lasts[place]
            del self._firsts[place], self._lasts[place]
        elif touches_left:
            self._lasts[place - 1] = value
        elif touches_right:
            self._firsts[place] = value
        else:
            self._firsts.insert(place, value)
            self._lasts.insert(place, value)

    def discard(self, value: int) -> None:
        place = self._run_at_or_after(value)
        if place == len(self._firsts) or self._firsts[place] > value:
            return
        first, last = self._firsts[place], self._lasts[place]
        rest = [(first, value - 1), (value + 1, last)]
        kept = [run for run in rest if run[0] <= run[1]]
        self._firsts[place : place + 1] = [run[0] for run in kept]
        self._lasts[place : place + 1] = [run[1] for run in kept]

    def next_free(self, value: int) -> int:
        """The lowest number from ``value`` on that is not in the set."""
        place = self._run_at_or_after(value)
        inside = place < len(self._firsts) and self._firsts[place] <= value
        return self._lasts[place] + 1 if inside else value

    def count(self, first: int, last: int) -> int:
        """How many numbers from ``first`` to ``last`` are in the set."""
        total = 0
        for place in range(self._run_at_or_after(first), len(self._firsts)):
            if self._firsts[place] > last:
                break
            total += min(self._lasts[place], last) - max(self._firsts[place], first) + 1
        return total


# --- texts ----------------------------------------------------------------------------------------------------------


def address(text: str) -> str:
    """The canonical text of one address.

    Only what inet_pton(3) takes: no octal, no abbreviation, no prefix length, no zone.

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


def _part(text: str, part: str, what: str) -> str:
    """The canonical address that is a part of a text.

    :raises ValueError: it is none; the message has the text as it was written
    """
    try:
        return address(part)
    except ValueError as exc:
        reason = str(exc) if part else "an empty text is not an IP address"
        raise ValueError(f"'{text}' is not {what}: {reason}") from exc


def network(text: str) -> tuple[str, bool]:
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


def address_range(text: str) -> tuple[str, bool]:
    """The canonical text of an ip_range (CIDR or ``start-end``), and whether host bits were cleared.

    :raises ValueError: the text is neither, or the range runs backwards or mixes families
    """
    if "/" in text:
        return network(text)
    first_text, dash, last_text = text.partition("-")
    if not dash:
        raise ValueError(f"'{text}' is neither a CIDR nor a range 'start-end'")
    first, last = (_part(text, part.strip(), "a range 'start-end'") for part in (first_text, last_text))
    if version_of(first) != version_of(last):
        raise ValueError(f"'{text}' mixes IPv4 and IPv6")
    if inet.number(first) > inet.number(last):
        raise ValueError(f"'{text}' ends before it begins")
    return f"{first}-{last}", False


def mac_address(text: str) -> str:
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


@functools.lru_cache(maxsize=4096)
def block(text: str) -> Block:
    """The addresses of a canonical network or range."""
    ip, slash, length = text.partition("/")
    if slash:
        return _block_around(ip, int(length))
    first, dummy, last = text.partition("-")
    return Block(version_of(first), inet.number(first), inet.number(last))


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


# --- subnets --------------------------------------------------------------------------------------------------------


def subnet_problem(cidr: str) -> str | None:
    """Why a network cannot be the subnet of endpoints, or None."""
    this = block(cidr)
    if this.first == 0:
        return f"subnet {cidr} names no network; leave subnets out to have one chosen from address_pools"
    for space, networks in _UNUSABLE.items():
        if any(block(wide).covers(this) for wide in networks):
            return f"subnet {cidr} lies inside {space}"
    return None


def address_problem(text: str) -> str | None:
    """Why no link and no router can have an address (canonical), or None: no subnet can hold it."""
    if inet.number(text) == 0:
        return f"{text} stands for no address at all"
    if text == "255.255.255.255":
        return f"{text} is the broadcast address of every network"
    for space, networks in _UNUSABLE.items():
        if any(text in block(wide) for wide in networks):
            return f"{text} lies inside {space}, where no subnet can be"
    return None


def usable(cidr: str) -> Block:
    """What of a subnet endpoints may hold.

    IPv4 loses its network and broadcast address (RFC 1122 3.2.1.3), except in /31 (RFC 3021) and /32.
    IPv6 loses its first address, the subnet-router anycast address (RFC 4291 2.6.1).
    """
    this = block(cidr)
    if this.version == 6:
        return this._replace(first=this.first + 1)
    if this.last - this.first < 2:
        return this
    return this._replace(first=this.first + 1, last=this.last - 1)


def infer_gateway(cidr: str) -> str | None:
    """The first usable address of a subnet; None where one gateway would leave no room for two ends."""
    this = block(cidr)
    if this.last - this.first < 2:
        return None
    return inet.to_text(this.version, this.first + 1)


def candidates(subnet: Subnet) -> Block:
    """The addresses that are given out without being asked for: the ip_range, else the subnet."""
    whole = usable(subnet.subnet)
    if subnet.ip_range is None:
        return whole
    part = block(subnet.ip_range)
    return part._replace(first=max(part.first, whole.first), last=min(part.last, whole.last))


def next_address(subnet: Subnet, *taken: AddressSet) -> str | None:
    """The lowest address of the subnet's candidates that is not taken; None when there is none left.

    :param taken: the leases of the subnet's pool, and whatever else is not to be given out
    """
    among = candidates(subnet)
    value, before = among.first, -1
    while value != before:
        before = value
        for found in taken:
            value = found.next_free(value)
    return inet.to_text(among.version, value) if value <= among.last else None


def counts(subnet: Subnet, taken: AddressSet) -> tuple[int, int]:
    """(in use, available) of a subnet.

    In use are leases, gateway, aux addresses, and what is never given; available is what is left of the
    candidates. Both saturate at 2**64 - 1.

    :param taken: the leases of the subnet's pool
    """
    whole, given, among = block(subnet.subnet), usable(subnet.subnet), candidates(subnet)
    never_given = (whole.last - whole.first) - (given.last - given.first)
    held, held_among = taken.count(given.first, given.last), taken.count(among.first, among.last)
    room = max(among.last - among.first + 1, 0)
    return min(never_given + held, SATURATED), min(room - held_among, SATURATED)


def choose_subnet(pools: t.Iterable[tuple[str, int]], occupied: t.Iterable[str]) -> str | None:
    """The first network of the pools that overlaps nothing occupied, and that could be given as a subnet.

    :param pools: (base network, prefix length of the subnets in it), in the order to try
    :param occupied: networks, canonical
    """
    unusable = [cidr for networks in _UNUSABLE.values() for cidr in networks]
    blocks = [block(cidr) for cidr in (*occupied, *unusable)]
    for base, length in pools:
        within = block(base)
        size = 1 << (WIDTHS[within.version] - length)
        first = within.first
        while first + size - 1 <= within.last:
            wanted = Block(within.version, first, first + size - 1)
            in_the_way = [other for other in blocks if other.overlaps(wanted)]
            if not in_the_way:
                return f"{inet.to_text(within.version, first)}/{length}"
            # Past the widest obstacle, and on to the next multiple of the size.
            first = (max(other.last for other in in_the_way) // size + 1) * size
    return None


def ula_prefix(host: str) -> str:
    """The host's own unique local /48 (RFC 4193): fd00::/8 and 40 bits that depend on the host.

    :param host: what identifies the host; the same text gives the same prefix
    """
    global_id = int.from_bytes(names.digest(host, "ula")[:5], "big")
    return f"{inet.to_text(6, (0xFD << 120) | (global_id << 80))}/48"


# --- MAC addresses --------------------------------------------------------------------------------------------------


def mac_of_ipv4(ipv4: str) -> str:
    """02:42 and the four bytes of the address: 192.168.216.11 gives 02:42:c0:a8:d8:0b."""
    return _mac(inet.to_bytes(ipv4))


def mac_of_names(host: str, network_name: str, endpoint_name: str) -> str:
    """02:42 and four bytes that depend on host, network and endpoint, for endpoints without IPv4.

    The host is part of it because the hosts of a fleet give their endpoints the same names, on one wire.
    """
    return _mac(names.digest(host, "mac", network_name, endpoint_name)[:4])


def _mac(last_four: bytes) -> str:
    return ":".join(f"{byte:02x}" for byte in b"\x02\x42" + last_four)
