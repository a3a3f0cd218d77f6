# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slices: the parts of a shared subnet that are the host's, and what is outside of them."""

from __future__ import annotations

from ..model.network import Network, Subnet
from ..values.addresses import block_of
from .lease_book import subnet_of


def is_in_own_slice(subnet: Subnet, address: str) -> bool:
    """Whether an address is the host's to give out; all are where the network is of no segment."""
    return subnet.slices is None or any(address in block_of(block) for block in subnet.owned_slices)


def outside_of_slices(network: Network, address: str, is_of_host: bool = False) -> str | None:
    """Where an address is that another host may have, as the end of a sentence; None if it is the host's to give out.

    :param address: without prefix length
    :param is_of_host: whether the host itself has it, which may be the gateway
    """
    subnet = subnet_of(network, address) if network.segment else None
    if subnet is None or is_in_own_slice(subnet, address) or is_of_host and subnet.gateway == address:
        return None
    for item in subnet.slices or ():
        if address in block_of(item.block):
            return f"in the slice {item.block} of segment {network.segment}, which {item.lost_to} owns by now"
    owned = ", ".join(subnet.owned_slices)
    return f"in no slice that this host owns in segment {network.segment}{f' ({owned})' if owned else ''}"
