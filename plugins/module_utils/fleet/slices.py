# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slices by their places: the place of a host is data of the inventory, and nothing moves when another host comes or goes."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import HostOfFleet, Segment, SegmentSubnet, Slice
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.address_set import AddressSet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.subnets import usable
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import WIDTHS, block_of, prefix_length, version_of

# The segment whose places are those of all segments that are not named.
EVERYWHERE = ""


def number_of_slices(item: SegmentSubnet) -> int:
    """How many slices a subnet has."""
    length: int = item.slice_length - prefix_length(item.subnet.subnet)
    return 1 << length


def slice_at(item: SegmentSubnet, place: int) -> str:
    """The block at a place, counted from 0 at the beginning of the subnet.

    :raises IndexError: the subnet has fewer slices
    """
    if not 0 <= place < number_of_slices(item):
        raise IndexError(place)
    whole = block_of(item.subnet.subnet)
    first = whole.first + (place << (WIDTHS[whole.version] - item.slice_length))
    return f"{inet.to_text(whole.version, first)}/{item.slice_length}"


def places_of(host: HostOfFleet, segment: Segment) -> tuple[int, ...]:
    """The places of a host in a segment; none if it has no part in it."""
    return host.places.get(segment.name, host.places.get(EVERYWHERE, ()))


def slices_of(host: HostOfFleet, segment: Segment) -> list[Slice]:
    """The slices of a host in a segment, subnet by subnet, without places that a subnet does not have."""
    return [
        Slice(segment.name, item.subnet.subnet, slice_at(item, place))
        for item in segment.subnets
        for place in places_of(host, segment)
        if place < number_of_slices(item)
    ]


def kept_out(item: SegmentSubnet, addresses: t.Iterable[str] = ()) -> AddressSet:
    """The addresses of a subnet that no endpoint gets: the gateway, what is excluded or reserved, and further ones."""
    subnet = item.subnet
    whole = block_of(subnet.subnet)
    texts = (*subnet.exclude, *subnet.aux_addresses.values(), *([subnet.gateway] if subnet.gateway else []))
    blocks = [part for part in map(block_of, texts) if part.version == whole.version]
    numbers = [inet.number(text) for text in addresses if version_of(text) == whole.version]
    return AddressSet.of_runs([*((part.first, part.last) for part in blocks), *((number, number) for number in numbers)])


def given_out(item: SegmentSubnet, block: str, kept: AddressSet) -> int:
    """How many addresses of a slice endpoints can get.

    :param kept: the addresses that none gets, as :func:`kept_out` returns them
    """
    owned, whole = block_of(block), usable(item.subnet.subnet)
    first, last = max(owned.first, whole.first), min(owned.last, whole.last)
    return 0 if first > last else last - first + 1 - kept.count(first, last)


def as_subnets(
    segment: Segment,
    slices: t.Iterable[Slice],
    written: t.Sequence[t.Mapping[str, t.Any]],
    of_others: t.Mapping[str, t.Sequence[str]] | None = None,
) -> list[dict[str, t.Any]]:
    """The option ``subnets`` of a network of a host on a segment: as they were written, with the slices as their ranges.

    Subnets in which the host has no slice are left out.

    :param written: the subnets of the segment as the user has written them
    :param of_others: subnet → the addresses of other hosts in the slices, which are excluded
    """
    blocks: dict[str, list[str]] = {}
    for owned in slices:
        blocks.setdefault(owned.subnet, []).append(owned.block)
    told = []
    for item, given in zip(segment.subnets, written):
        cidr = item.subnet.subnet
        if cidr not in blocks:
            continue
        kept = {key: value for key, value in given.items() if key != "slice_length" and value is not None}
        excluded = (of_others or {}).get(cidr)
        if excluded:
            kept["exclude"] = [*(kept.get("exclude") or ()), *excluded]
        told.append({**kept, "ip_range": blocks[cidr]})
    return told


def family(item: SegmentSubnet) -> int:
    """4 or 6."""
    return version_of(item.subnet.subnet)
