# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a fleet on shared wires, before any host is touched: one sentence for each thing, with what to do about it."""

from __future__ import annotations

import bisect
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import HostOfFleet, Segment, SegmentSubnet, Slice
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.slices import family, given_out, kept_out, number_of_slices, places_of, slices_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.address_set import AddressSet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.subnets import candidates
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Subnet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import NetworkOptions, network_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import Block, block_of, version_of, without_prefix

FAMILIES = {4: "ipv4", 6: "ipv6"}


class Held(t.NamedTuple):
    """A slice in the order of addresses, with the host that has it."""

    first: int
    last: int
    block: str
    host: str


def lint(segments: t.Sequence[Segment], hosts: t.Sequence[HostOfFleet]) -> list[str]:
    """All that is wrong, in an order that does not depend on that of the hosts."""
    ordered = sorted(hosts, key=lambda host: host.name)
    told = same_subnets(segments)
    for segment in segments:
        for item in segment.subnets:
            told += _beyond(segment, item, ordered)
            held = _held(segment, item, ordered)
            told += _shared(segment, held)
            told += _without_addresses(segment, item, held)
            told += _own_addresses(segment, item, held, ordered)
    for host in ordered:
        told += _networks(segments, host)
    return told


def same_subnets(segments: t.Sequence[Segment]) -> list[str]:
    """Segments that have the same addresses."""
    listed = [(item.subnet.subnet, segment) for segment in segments for item in segment.subnets if not segment.isolated]
    listed.sort(key=lambda pair: (version_of(pair[0]), block_of(pair[0]).first, -block_of(pair[0]).last))
    told = []
    for (cidr, segment), (other, following) in zip(listed, listed[1:]):
        if segment.name != following.name and block_of(cidr).overlaps(block_of(other)):
            told.append(
                f"segments {segment.name} and {following.name} share addresses: {cidr} and {other}; give each its own, "
                f"or write isolated: true in one of them if no wire joins them"
            )
    return told


def _beyond(segment: Segment, item: SegmentSubnet, hosts: t.Sequence[HostOfFleet]) -> list[str]:
    number = number_of_slices(item)
    return [
        f"{host.name}: there is no place {place} in {item.subnet.subnet} of segment {segment.name}, whose places are 0 to {number - 1}"
        for host in hosts
        for place in places_of(host, segment)
        if place >= number
    ]


def _held(segment: Segment, item: SegmentSubnet, hosts: t.Sequence[HostOfFleet]) -> list[Held]:
    """The slices of all hosts in a subnet, sorted by their addresses."""
    alone = segment._replace(subnets=(item,))
    return sorted(
        Held(block.first, block.last, owned.block, host.name)
        for host in hosts
        for owned in slices_of(host, alone)
        for block in [block_of(owned.block)]
    )


def _shared(segment: Segment, held: t.Sequence[Held]) -> list[str]:
    sharing: dict[str, list[str]] = {}
    for one, other in zip(held, held[1:]):
        if one.first == other.first:
            sharing.setdefault(one.block, [one.host]).append(other.host)
    return [
        f"{names_in_words(owners)} have the same place in segment {segment.name}, so {'both' if len(owners) == 2 else 'all'} would give out {block}; "
        f"give each a place of its own"
        for block, owners in sharing.items()
    ]


def _without_addresses(segment: Segment, item: SegmentSubnet, held: t.Sequence[Held]) -> list[str]:
    kept = kept_out(item)
    return [
        f"{owned.host}: no endpoint can get an address of {owned.block} in segment {segment.name}, because the gateway, exclusions and "
        f"reserved addresses take all of it; give {owned.host} another place"
        for owned in held
        if given_out(item, owned.block, kept) == 0
    ]


def _own_addresses(segment: Segment, item: SegmentSubnet, held: t.Sequence[Held], hosts: t.Sequence[HostOfFleet]) -> list[str]:
    """Addresses of hosts that another host would give out."""
    firsts = [owned.first for owned in held]
    excluded = [block_of(text) for text in item.subnet.exclude]
    told = []
    for host in hosts if held else ():
        for address in host.addresses:
            if address not in block_of(item.subnet.subnet) or any(address in block for block in excluded):
                continue
            number = inet.number(address)
            position = bisect.bisect_right(firsts, number) - 1
            owned = held[position] if position >= 0 else None
            if owned is not None and number <= owned.last and owned.host != host.name:
                told.append(
                    f"{host.name} itself has {address}, which is in {owned.block}, the slice of {owned.host} in segment {segment.name}; "
                    f"write {address} under exclude of {item.subnet.subnet}"
                )
    return told


# --- networks of a host -----------------------------------------------------------------------------------------------


def _networks(segments: t.Sequence[Segment], host: HostOfFleet) -> list[str]:
    told = []
    for given in host.networks:
        try:
            network = network_options(given)
        except (OptionsError, KeyError):
            # The module refuses it, in its own words.
            continue
        if network.parent is None or network.ipam == "none":
            continue
        for segment in segments:
            if not segment.isolated:
                told += _network_on(segment, host, network)
    return told


def _network_on(segment: Segment, host: HostOfFleet, network: NetworkOptions) -> list[str]:
    """What is wrong with a network that has addresses of a segment."""
    slices = slices_of(host, segment)
    met = [
        (subnet, item) for subnet in network.subnets for item in segment.subnets if block_of(subnet.subnet).overlaps(block_of(item.subnet.subnet))
    ]
    outside = [text for subnet, item in met for text in _outside(subnet, item, slices)]
    if outside:
        owned = ", ".join(item.block for item in slices) or "none"
        told = (
            f"{host.name}: network {network.name} would give out {names_in_words(outside)} of segment {segment.name}, whose slices of {host.name} are: "
            f"{owned}; take its subnets from the filter fleet_slices"
        )
        return [told]
    return [text for version in FAMILIES for text in _room(segment, host, network, [item for dummy, item in met if family(item) == version], slices)]


def _outside(subnet: Subnet, item: SegmentSubnet, slices: t.Sequence[Slice]) -> list[str]:
    """The ranges of a network that are in a subnet of a segment, and not in slices of the host."""
    wire = block_of(item.subnet.subnet)
    own = AddressSet.of_runs((block.first, block.last) for block in map(block_of, (part.block for part in slices)) if block.version == wire.version)
    cut = [part._replace(first=max(part.first, wire.first), last=min(part.last, wire.last)) for part in candidates(subnet) if part.overlaps(wire)]
    return [_text(part) for part in cut if own.count(part.first, part.last) < part.last - part.first + 1]


def _text(block: Block) -> str:
    return f"{inet.to_text(block.version, block.first)}-{inet.to_text(block.version, block.last)}"


def _room(
    segment: Segment, host: HostOfFleet, network: NetworkOptions, items: t.Sequence[SegmentSubnet], slices: t.Sequence[Slice]
) -> list[str]:
    """Whether the slices of one family have an address for each endpoint that is declared."""
    if not items:
        return []
    option = FAMILIES[family(items[0])]
    cidrs = {item.subnet.subnet: item for item in items}
    own = [part for part in slices if part.subnet in cidrs]
    kept = {cidr: kept_out(item, host.addresses) for cidr, item in cidrs.items()}
    room = sum(given_out(cidrs[part.subnet], part.block, kept[part.subnet]) for part in own)
    wanted = [endpoint for endpoint in host.endpoints if endpoint.get("network") == network.name]
    needed = sum(_needs_one(endpoint.get(option), own) for endpoint in wanted) + (network.host_access is not None)
    if needed <= room:
        return []
    told = (
        f"{host.name}: network {network.name} needs {needed} addresses of {' and '.join(cidrs)}, and its slices in segment {segment.name} have "
        f"{room}; give {host.name} a further place"
    )
    return [told]


def _needs_one(given: t.Any, own: t.Sequence[Slice]) -> bool:
    """Whether an endpoint takes an address of the slices: one that is asked for may be elsewhere."""
    if given is None:
        return True
    text = without_prefix(str(given))
    if text.lower() == "none":
        return False
    try:
        return any(text in block_of(part.block) for part in own)
    except OSError:
        return True


def names_in_words(items: t.Sequence[str], shown: int = 8) -> str:
    """A list in words; of a long one the beginning."""
    listed = list(items) if len(items) <= shown else [*items[: shown - 1], f"{len(items) - shown + 1} more"]
    return " and ".join([*([", ".join(listed[:-1])] if listed[:-1] else []), listed[-1]])
