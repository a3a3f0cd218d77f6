# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several networks on one parent: which the kernel permits there together, and which the task must permit."""

from __future__ import annotations

from ..errors import PlanError
from ..model.network import Network
from ..request.network import NetworkOptions
from ..wire.kinds import kind_of
from .builder import PlanBuilder


def check_sharing(builder: PlanBuilder, wanted: NetworkOptions, parent: str) -> None:
    """Refuse a network on a parent that another one has, if it does not say that it shares the parent.

    :raises PlanError: naming the other network
    """
    others = _others_on(builder, wanted, parent)
    if not others:
        return
    passthru = next((other for other in others if kind_of(other).takes_parent(other.mode)), None)
    if passthru is not None:
        raise PlanError(f"{wanted.title}: {parent} is used by {passthru.title}, whose mode passthru needs the parent for itself")
    if kind_of(wanted).takes_parent(wanted.mode):
        raise PlanError(f"{wanted.title}: passthru needs {parent} for itself, and {others[0].title} is on it")
    # The later one of two requests needs the permission.
    if not wanted.allow_shared_parent and not all(_allows_sharing(builder, other) for other in others):
        raise PlanError(
            f"{wanted.title}: {parent} is already the parent of {others[0].title}; "
            f"a second network on it needs allow_shared_parent: true"
        )


def check_links_agree(builder: PlanBuilder, wanted: NetworkOptions, parent: str) -> None:
    """Refuse a network beside one whose links the kernel does not permit on the same parent, or not in another mode.

    Endpoints do not matter: each of the two networks could get one. Of networks that are planned later in the same plan their
    requests count.

    :raises PlanError: naming the other network
    """
    kind = kind_of(wanted)
    for other in _others_on(builder, wanted, parent):
        request = builder.coming.get(other.ref)
        coming = request if isinstance(request, NetworkOptions) else other
        if kind.excludes(kind_of(coming)):
            raise PlanError(
                f"{wanted.title}: its driver is {wanted.driver}, and {other.title} on the same parent {parent} has the driver {coming.driver}; "
                f"the kernel permits links of one of the two on a parent; use another parent, such as a VLAN of it, or one driver"
            )
        if kind.has_one_mode and coming.mode != wanted.mode:
            raise PlanError(
                f"{wanted.title}: mode cannot be {wanted.mode}: {other.title} is on {parent} too and has mode {coming.mode}, and the kernel "
                f"has one mode for all {kind.phrase}s on a parent; give both networks the same mode in one task of macvlan_config"
            )


def _others_on(builder: PlanBuilder, wanted: NetworkOptions, parent: str) -> list[Network]:
    """The other networks on a parent, at this point of the plan."""
    return [other for other in builder.networks_on(parent) if other.name != wanted.name]


def _allows_sharing(builder: PlanBuilder, other: Network) -> bool:
    pending = builder.pending.get(other.ref)
    return pending is not None and bool(pending.allow_shared_parent)
