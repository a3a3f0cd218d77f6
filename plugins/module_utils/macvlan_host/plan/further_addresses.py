# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses that an endpoint asks for beside the first ones of its families: of any subnets of its network."""

from __future__ import annotations

import typing as t

from ..errors import PlanError
from ..values.addresses import version_of, without_prefix
from .requested_address import requested_address, subnets_of_family

if t.TYPE_CHECKING:
    from ..model.endpoint import Endpoint
    from ..model.network import Network
    from ..request.endpoint import EndpointOptions
    from .builder import PlanBuilder
    from .mistakes import Mistakes


def further_addresses(
    builder: PlanBuilder,
    wanted: EndpointOptions,
    recorded: Endpoint | None,
    network: Network,
    first: t.Mapping[int, str | None],
    mistakes: Mistakes,
) -> tuple[str, ...]:
    """The further addresses of an endpoint, each with the prefix length of its subnet.

    :param first: IP version → the address that it has beside them, as far as that is decided
    :param mistakes: collects the refusals; the refused ones are left out
    """
    further = []
    for address in wanted.addresses:
        with mistakes:
            _check_is_further(wanted, address, first.get(version_of(address)))
            subnets = subnets_of_family(network, version_of(address))
            further.append(requested_address(builder, wanted, recorded, network, subnets, "addresses", address))
    return tuple(further)


def _check_is_further(wanted: EndpointOptions, address: str, first: str | None) -> None:
    """Refuse an address that the endpoint keeps as the first one of its family.

    :raises PlanError: naming the option that has it
    """
    if first is not None and without_prefix(first) == address:
        option = wanted.option_of_address(version_of(address))
        raise PlanError(
            f"{wanted.title}: addresses: {address} is the address that it has as its {option}, and keeps because {option} is left out; "
            f"leave it out of addresses, or give {option} another address, or add replace: true, which gives it another one"
        )
