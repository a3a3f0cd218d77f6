# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a plan treats addresses that are in use beside the leases: it refuses, warns, or chooses others."""

from __future__ import annotations

from ..compare.claims import AddressesInUse
from ..errors import PlanError
from ..model.endpoint import Endpoint
from ..model.network import Network
from ..values.addresses import without_prefix
from .builder import PlanBuilder


def addresses_in_use(builder: PlanBuilder) -> AddressesInUse:
    """The addresses in use beside the leases, collected once for a plan."""
    if builder.addresses_in_use is None:
        builder.addresses_in_use = AddressesInUse(builder.recorded, builder.kernel)
    return builder.addresses_in_use


def check_request(builder: PlanBuilder, title: str, option: str, address: str, tag: str) -> None:
    """Refuse an endpoint that requests an address in use.

    :param tag: of its own link
    :raises PlanError: naming what has the address
    """
    claim = addresses_in_use(builder).on(address, tag)
    if claim is not None:
        raise PlanError(f"{title}: {option}: {address} is {claim.what}; {claim.advice}")


def warn_of_kept(builder: PlanBuilder, title: str, address: str, tag: str) -> None:
    """Warn that an endpoint keeps an address in use: it had it before, and other machines may rely on it."""
    plain = without_prefix(address)
    claim = addresses_in_use(builder).on(plain, tag)
    if claim is not None:
        builder.warn(
            f"{title}: it keeps {plain}, which is {claim.what}; other machines can reach only one of the two at a time, "
            f"so give one of them another address"
        )


def warn_of_default_routes(builder: PlanBuilder, endpoint: Endpoint, network: Network) -> None:
    """Warn that the default route of an endpoint leads to its parent, which it cannot reach."""
    for gateway in filter(None, (endpoint.gateway4, endpoint.gateway6)):
        if any(claim.link == network.parent for claim in addresses_in_use(builder).on_links(gateway)):
            builder.warn(
                f"{endpoint.title}: its default route leads to {gateway}, which is an address of its parent "
                f"{network.parent}, and the kernel lets no endpoint reach its parent; change gateway of {network.title}"
            )
