# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateways of networks that are in use on the host."""

from __future__ import annotations

from ..errors import PlanError
from ..model.network import Network, Subnet
from ..values.addresses import is_link_local
from .builder import PlanBuilder
from .claims import addresses_in_use


def check_gateways(builder: PlanBuilder, recorded: Network | None, network: Network) -> None:
    """Refuse a gateway that is an address of the parent; warn of one that is on another link of the host.

    The kernel keeps frames between a parent and its endpoints from both (drivers/net/macvlan.c). A network that has such
    a gateway already keeps it, so that its other options and its endpoints can still be changed. In a network that is
    internal, a gateway is only an address that is not given out.

    :raises PlanError: naming the parent and the possible changes
    """
    before = {subnet.subnet: subnet.gateway for subnet in recorded.subnets} if recorded else {}
    for subnet in network.subnets:
        links = [claim.link for claim in addresses_in_use(builder).on_links(subnet.gateway)] if subnet.gateway else []
        if network.parent in links and not network.internal:
            text = _unreachable(subnet, network)
            if before.get(subnet.subnet) != subnet.gateway:
                raise PlanError(f"{network.title}: {text}")
            builder.warn(f"{network.title}: {text}")
        elif links and not is_link_local(subnet.gateway or ""):
            builder.warn(
                f"{network.title}: gateway {subnet.gateway} is an address of {links[0]} of this host; endpoints reach it "
                f"only if that link is on the wire of {network.parent}"
            )


def _unreachable(subnet: Subnet, network: Network) -> str:
    inferred = f", inferred for {subnet.subnet}," if subnet.gateway_inferred else f" of {subnet.subnet}"
    return (
        f"gateway {subnet.gateway}{inferred} is an address of the parent {network.parent}, and the kernel lets no "
        f"endpoint reach its parent; write gateway: none for this subnet, or, where another machine on the wire routes "
        f"for it, the address of that machine as gateway"
    )
