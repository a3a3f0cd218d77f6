# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Address management: the next free address, the inferred gateway, the next free subnet.

Texts come in, canonical texts go out; in between addresses are integers, so that a subnet with thousands
of leases costs no more than a set of numbers.
"""

from __future__ import annotations

import functools
import typing as t

from ..values import inet, names
from ..values.addresses import WIDTHS, Block, block_of
from .address_set import AddressSet

if t.TYPE_CHECKING:
    from ..model.network import Subnet

# The network API that the counters follow saturates there.
SATURATED = 2**64 - 1

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


# --- subnets --------------------------------------------------------------------------------------------------------


def subnet_problem(cidr: str) -> str | None:
    """Why a network cannot be the subnet of endpoints, or None."""
    this = block_of(cidr)
    if this.first == 0:
        return f"subnet {cidr} starts at the unspecified address, so it cannot be used; leave subnets out to have one chosen from address_pools"
    for space, networks in _UNUSABLE.items():
        if any(block_of(wide).covers(this) for wide in networks):
            return f"subnet {cidr} lies inside {space}"
    return None


def address_problem(text: str) -> str | None:
    """Why no link and no router can have an address (canonical), or None: no subnet can hold it."""
    if inet.number(text) == 0:
        return f"{text} is the unspecified address"
    if text == "255.255.255.255":
        return f"{text} is the limited broadcast address"
    for space, networks in _UNUSABLE.items():
        if any(text in block_of(wide) for wide in networks):
            return f"{text} lies inside {space}, where no subnet is possible"
    return None


def next_hop_problem(text: str) -> str | None:
    """Why no router on the link can have an address (canonical), or None; link-local ones are on every link."""
    is_local = any(text in block_of(wide) for wide in _UNUSABLE["link-local space"])
    return None if is_local else address_problem(text)


def usable(cidr: str) -> Block:
    """The part of a subnet that endpoints may hold.

    IPv4 loses its network and broadcast address (RFC 1122 3.2.1.3), except in /31 (RFC 3021) and /32.
    IPv6 loses its first address, the subnet-router anycast address (RFC 4291 2.6.1), except in /128, which has no other.
    """
    this = block_of(cidr)
    if this.first == this.last:
        return this
    if this.version == 6:
        return this._replace(first=this.first + 1)
    if this.last - this.first < 2:
        return this
    return this._replace(first=this.first + 1, last=this.last - 1)


def infer_gateway(cidr: str) -> str | None:
    """The first usable address of a subnet; None if the subnet has no room for a gateway and an endpoint."""
    this = block_of(cidr)
    if this.last - this.first < 2:
        return None
    return inet.to_text(this.version, this.first + 1)


def candidates(subnet: Subnet) -> tuple[Block, ...]:
    """The addresses that are chosen without a request, excluded ones among them: the ip_ranges, else the subnet; in a segment, what
    the slices of the host have of them.
    """
    parts = _common([block_of(item) for item in subnet.ip_ranges or (subnet.subnet,)], [usable(subnet.subnet)])
    return parts if subnet.slices is None else _common(parts, [block_of(item) for item in subnet.owned_slices])


def _common(ones: t.Iterable[Block], others: t.Sequence[Block]) -> tuple[Block, ...]:
    """The blocks that two lists have in common, in the order of the first one."""
    return tuple(
        one._replace(first=max(one.first, other.first), last=min(one.last, other.last)) for one in ones for other in others if one.overlaps(other)
    )


@functools.lru_cache(maxsize=256)
def excluded(exclude: tuple[str, ...]) -> AddressSet:
    """The addresses that a subnet excludes; callers must not change the set."""
    return AddressSet.of_runs((block.first, block.last) for block in map(block_of, exclude))


def exclusion_of(subnet: Subnet, address: str) -> str | None:
    """The first item of ``exclude`` that has an address."""
    return next((item for item in subnet.exclude if address in block_of(item)), None)


def next_address(subnet: Subnet, *taken: AddressSet) -> str | None:
    """The lowest address of the subnet's candidates that is not taken; None when there is none left.

    :param taken: the leases of the subnet's pool, and other addresses that must not be given out
    """
    return lowest_free(candidates(subnet), never_chosen(subnet, taken))


def never_chosen(subnet: Subnet, taken: tuple[AddressSet, ...]) -> tuple[AddressSet, ...]:
    """The sets of addresses that are not chosen."""
    return (excluded(subnet.exclude), *taken) if subnet.exclude else taken


def lowest_free(blocks: t.Iterable[Block], taken: t.Collection[AddressSet]) -> str | None:
    """The first address of the blocks, in their order, that is in none of the sets."""
    for among in blocks:
        value, before = among.first, -1
        while value != before:
            before = value
            for addresses in taken:
                value = addresses.next_free(value)
        if value <= among.last:
            return inet.to_text(among.version, value)
    return None


def count_addresses(subnet: Subnet, taken: AddressSet) -> tuple[int, int]:
    """(in use, available) of a subnet.

    In use are leases, gateway, aux addresses, and what is never given or excluded; available is what is left of the
    candidates. Both saturate at 2**64 - 1.

    :param taken: the leases of the subnet's pool
    """
    whole, given = block_of(subnet.subnet), usable(subnet.subnet)
    never_given = (whole.last - whole.first) - (given.last - given.first)
    held = _count_either(taken, subnet, given)
    available = sum(among.last - among.first + 1 - _count_either(taken, subnet, among) for among in candidates(subnet))
    return min(never_given + held, SATURATED), min(available, SATURATED)


def _count_either(taken: AddressSet, subnet: Subnet, among: Block) -> int:
    """How many addresses of a block are taken or excluded."""
    count = taken.count(among.first, among.last)
    for run in excluded(subnet.exclude).runs if subnet.exclude else ():
        first, last = max(run[0], among.first), min(run[1], among.last)
        if first <= last:
            count += last - first + 1 - taken.count(first, last)
    return count


def choose_subnet(pools: t.Iterable[tuple[str, int]], occupied: t.Iterable[str]) -> str | None:
    """The first network of the pools that overlaps nothing occupied, and that could be given as a subnet.

    :param pools: (base network, prefix length of the subnets in it), in the order to try
    :param occupied: networks, canonical
    """
    unusable = [cidr for networks in _UNUSABLE.values() for cidr in networks]
    blocks = [block_of(cidr) for cidr in (*occupied, *unusable)]
    for base, length in pools:
        within = block_of(base)
        size = 1 << (WIDTHS[within.version] - length)
        first = within.first
        while first + size - 1 <= within.last:
            wanted = Block(within.version, first, first + size - 1)
            overlapping = [other for other in blocks if other.overlaps(wanted)]
            if not overlapping:
                return f"{inet.to_text(within.version, first)}/{length}"
            # Past the widest obstacle, and on to the next multiple of the size.
            first = (max(other.last for other in overlapping) // size + 1) * size
    return None


def ula_prefix(host: str) -> str:
    """The unique local /48 of the host (RFC 4193): fd00::/8 and 40 bits that depend on the host.

    :param host: the identity of the host; the same text gives the same prefix
    """
    global_id = int.from_bytes(names.digest(host, "ula")[:5], "big")
    return f"{inet.to_text(6, (0xFD << 120) | (global_id << 80))}/48"
