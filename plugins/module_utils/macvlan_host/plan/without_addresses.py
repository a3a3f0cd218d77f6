# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of endpoints that say something about addresses, on networks that give none."""

from __future__ import annotations

import typing as t

from ..errors import PlanError

if t.TYPE_CHECKING:
    from ..model.endpoint import Endpoint
    from ..model.network import Network
    from .mistakes import Mistakes


def check_without_addresses(mistakes: Mistakes, endpoint: Endpoint, network: Network) -> None:
    """Refuse options about addresses on a network that gives none."""
    if network.ipam == "none":
        with mistakes:
            _check_exclusive(endpoint, network)
        with mistakes:
            _check_probe(endpoint, network)


def _check_exclusive(endpoint: Endpoint, network: Network) -> None:
    """Refuse ``exclusive`` where other programs manage the addresses.

    :raises PlanError: it is asked for
    """
    if endpoint.own_exclusive:
        raise PlanError(
            f"{endpoint.title}: exclusive: true would remove the addresses that programs in its namespace add, and "
            f"{network.title} has ipam: none, which leaves addresses to those programs; leave exclusive out"
        )


def _check_probe(endpoint: Endpoint, network: Network) -> None:
    """Refuse ``probe`` where there is no address to ask about.

    :raises PlanError: it is asked for
    """
    if endpoint.own_probe not in (None, "none"):
        raise PlanError(
            f"{endpoint.title}: probe: {endpoint.own_probe} asks neighbours about new addresses, and {network.title} has "
            f"ipam: none, which gives none; leave probe out"
        )
