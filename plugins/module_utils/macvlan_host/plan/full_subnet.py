# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The message for a subnet without a free address: how many it has given, and which of its addresses are in use beside."""

from __future__ import annotations

import typing as t

from ..ipam.lease_book import reservations
from ..ipam.subnets import candidates, excluded
from ..model.network import Network, Subnet
from ..values import inet
from .builder import PlanBuilder
from .claims import addresses_in_use

SHOWN = 3  # of what is in use beside the leases


def no_address_is_left(builder: PlanBuilder, network: Network, subnets: t.Sequence[Subnet], version: int) -> str:
    """The message, without the object that has asked."""
    pools = ", ".join(_how_full(builder, subnet) for subnet in subnets)
    more = "; have macvlan_fleet give this host a further slice, by a higher number of addresses in its needs (macvlan_fleet_addresses of the role)"
    advice = more if network.segment else ""
    return f"no IPv{version} address is left in {pools} of {network.title}{_in_use_beside(builder, subnets)}{advice}"


def _how_full(builder: PlanBuilder, subnet: Subnet) -> str:
    """A full subnet, and how many of its addresses are in use: none, if the ip_range was too small from the start."""
    blocks, never = candidates(subnet), excluded(subnet.exclude)
    reserved = {
        lease.address
        for network in builder.networks.values()
        for lease in reservations(network)
        if lease.pool == subnet.pool and any(lease.address in among for among in blocks) and inet.number(lease.address) not in never
    }
    room = sum(among.last - among.first + 1 - never.count(among.first, among.last) for among in blocks) - len(reserved)
    ip_range = f"ip_range {' and '.join(subnet.ip_ranges)}, " if subnet.ip_ranges else ""
    slices = "" if subnet.slices is None else f"slices {' and '.join(subnet.owned_slices) or 'none'}, "
    exclude = f"without exclude {', '.join(subnet.exclude)}, " if subnet.exclude else ""
    return f"{subnet.subnet} ({slices}{ip_range}{exclude}{room} of {room} in use)"


def _in_use_beside(builder: PlanBuilder, subnets: t.Iterable[Subnet]) -> str:
    """The addresses of the subnets that are in use beside the leases, as the end of the message."""
    claims = [claim for subnet in subnets for among in candidates(subnet) for claim in addresses_in_use(builder).inside(among)]
    if not claims:
        return ""
    shown = ", ".join(f"{claim.address} is {claim.what}" for claim in claims[:SHOWN])
    more = f", and {len(claims) - SHOWN} more are taken" if len(claims) > SHOWN else ""
    return f"; beside the leases, {shown}{more}"
