# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the neighbours of a recorded network about its addresses, for somebody at the command line. Nothing changes by it."""

from __future__ import annotations

import contextlib
import typing as t

from ..compare.needs import needs_of_everything
from ..errors import KernelError, OptionsError, UnrecordedError
from ..ipam.lease_book import Leases, RecordedLeases
from ..ipam.subnets import candidates, usable
from ..model.probe import PACES, Segment
from ..result.answers import Answers, Holder, answers_of
from ..values import inet
from ..values.addresses import Block, block_of, parse_addresses, without_prefix
from ..wire.kinds import kind_of
from .listing import unrecorded
from .probing import prober_of
from .renamed_links import with_present_names
from .snapshot import read_snapshot
from .tools import DEFAULT_TOOLS, Tools

if t.TYPE_CHECKING:
    from ..model.network import Network
    from ..model.record import Record

# Asked for in about 9 seconds.
MOST_ADDRESSES = 1 << 16


def probe_network(*, state_dir: str, network: str, addresses: str | None, tools: Tools = DEFAULT_TOOLS) -> Answers:
    """The machines that have addresses of a network, whether they are recorded or not.

    :param addresses: an address, a block or a range FIRST-LAST; None for all that endpoints may get
    :raises UnrecordedError: there is no such network
    :raises OptionsError: the network has no such addresses, or too many
    :raises MacvlanHostError: the database cannot be read, or the neighbours cannot be asked
    """
    stored, kernel = read_snapshot(tools.store(state_dir), lambda stored: needs_of_everything(stored.record), tools)
    record = with_present_names(stored.record, kernel)[0]
    if network not in record.networks:
        raise UnrecordedError(unrecorded(state_dir, network, None, tools))
    recorded = record.networks[network]
    wanted = _wanted(recorded, addresses)
    holders = _holders(record, recorded)
    if addresses is None:
        wanted |= {address for address, holder in holders.items() if holder.mac is not None}
    own = [address for address in wanted if address in holders and holders[address].mac is not None]
    parent, by_parent = recorded.parent, not kind_of(recorded).leaves_room(recorded.mode)
    with contextlib.closing(prober_of(tools)) as prober:
        problem = prober.add([Segment(parent, kernel.host, by_parent, ())]).get(parent)
        if problem is not None:
            raise KernelError(f"cannot probe network {network}: {parent} {problem}")
        prober.ask({parent: wanted}, PACES["careful"])
        if own and not prober.asks_by_parent(parent):
            # Endpoints of this host hear the link beside them, and not the parent; so only others answer this time.
            prober.ask_by_parent(parent)
            prober.ask({parent: own}, PACES["careful"])
        return answers_of(prober.heard(), holders, len(wanted), prober.macs(parent)[1])


def _wanted(network: Network, text: str | None) -> set[str]:
    """The addresses to ask for."""
    if text is None:
        ipv4 = [subnet for subnet in network.subnets if ":" not in subnet.subnet]
        return _each([block for subnet in ipv4 for block in candidates(subnet)], "the ranges of its IPv4 subnets")
    try:
        block = block_of(parse_addresses(text)[0])
    except ValueError as exc:
        raise OptionsError([f"{exc}; give an address, a block such as 192.168.50.0/26, or a range FIRST-LAST"]) from exc
    if not any(block_of(subnet.subnet).covers(block) for subnet in network.subnets):
        shown = ", ".join(subnet.subnet for subnet in network.subnets) or "no subnet"
        raise OptionsError([f"{text} is in no subnet of {network.title}, which has {shown}"])
    within = next(usable(subnet.subnet) for subnet in network.subnets if block_of(subnet.subnet).covers(block))
    return _each([block._replace(first=max(block.first, within.first), last=min(block.last, within.last))], text)


def _each(blocks: t.Sequence[Block], what: str) -> set[str]:
    count = sum(block.last - block.first + 1 for block in blocks)
    if count < 1:
        raise OptionsError([f"{what} has no address that an endpoint can have"])
    if count > MOST_ADDRESSES:
        raise OptionsError([f"{what} have {count} addresses, and at most {MOST_ADDRESSES} can be asked for; give a smaller range"])
    return {inet.to_text(block.version, number) for block in blocks for number in range(block.first, block.last + 1)}


def _holders(record: Record, network: Network) -> dict[str, Holder]:
    """Address → who has it by the record, in the subnets of a network."""
    endpoints = [item for item in record.endpoints.values() if record.networks[item.network].parent == network.parent]
    leases = Leases(RecordedLeases(record.networks, record.endpoints))
    reserved = {
        address: Holder(title)
        for subnet in network.subnets
        for address in (subnet.gateway, *subnet.aux_addresses.values())
        if address is not None and (title := leases.holder(subnet.pool, address))
    }
    held = {without_prefix(address): Holder(item.title, item.mac) for item in endpoints for address in item.addresses}
    return {**reserved, **held}
