# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints without addresses: options that say something about addresses where a network gives none, and families left out."""

from __future__ import annotations

import typing as t

from ..errors import PlanError
from ..values.addresses import version_of

if t.TYPE_CHECKING:
    from ..model.endpoint import Endpoint
    from ..model.network import Network
    from .mistakes import Mistakes


def check_without_addresses(mistakes: Mistakes, endpoint: Endpoint, network: Network) -> None:
    """Refuse options about addresses of an endpoint that has none, by its network or by a family that it leaves out."""
    if network.ipam == "none":
        with mistakes:
            _check_exclusive(endpoint, network)
        with mistakes:
            _check_probe(endpoint, network)
    else:
        with mistakes:
            _check_some_family(endpoint, network)


def _check_exclusive(endpoint: Endpoint, network: Network) -> None:
    """Refuse ``exclusive`` where other programs manage the addresses.

    :raises PlanError: it is asked for
    """
    if endpoint.own_exclusive:
        raise PlanError(
            f"{endpoint.title}: exclusive: true would remove the addresses that programs in its namespace add, and "
            f"{network.title} has ipam: none, which leaves addresses to those programs; leave exclusive out"
        )


def _check_some_family(endpoint: Endpoint, network: Network) -> None:
    """Refuse to leave out all families that a network has.

    :raises PlanError: naming the options
    """
    left_out = [version for version, is_out in ((4, endpoint.without_ipv4), (6, endpoint.without_ipv6)) if is_out]
    versions = {version_of(subnet.subnet) for subnet in network.subnets}
    if versions.issubset(left_out):
        options = " and ".join(f"ipv{version}: none" for version in left_out)
        has, only = " and ".join(f"IPv{version}" for version in sorted(versions)), "" if len(versions) > 1 else " only"
        raise PlanError(
            f"{endpoint.title}: {options} would leave it without any address, because {network.title} has {has}{only}; give it an "
            f"address of one family, or use a network with ipam: none for links without addresses"
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
