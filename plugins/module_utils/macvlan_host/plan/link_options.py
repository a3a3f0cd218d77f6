# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The link options of a network: whether they are possible, and the defaults for options that a task no longer has."""

from __future__ import annotations

import dataclasses

from ..errors import PlanError
from ..model.link_options import LINK_OPTIONS, LinkOptions
from ..model.network import Network
from ..request.network import NetworkOptions
from .builder import PlanBuilder


def check_link_options(builder: PlanBuilder, wanted: NetworkOptions, parent: str) -> None:
    """Refuse link options that the kernel does not have, or for which another network on the parent needs another value.

    :raises PlanError: naming the first of them
    """
    for name, value in wanted.link_options.items():
        option = LINK_OPTIONS[name]
        if name in builder.kernel.missing_link_options:
            release = ".".join(map(str, option.since))
            raise PlanError(
                f"{wanted.title}: {name} cannot be set to {value}: this kernel does not have that option of macvlan links; "
                f"Linux {release} or newer is needed; boot such a kernel, or leave {name} out of the task"
            )
        other = _with_another_value(builder, wanted, parent, name) if option.of_parent else None
        if other is not None:
            raise PlanError(
                f"{wanted.title}: {name} cannot be set to {value}: {other.title} is on {parent} too and has {name} "
                f"{_intended(builder, other)[name]}, and the kernel has one value for all links on a parent; give both networks the same "
                f"value in one task of macvlan_config, or leave {name} out of one of them"
            )


def _with_another_value(builder: PlanBuilder, wanted: NetworkOptions, parent: str, name: str) -> Network | None:
    value = wanted.link_options[name]
    for other in builder.networks_on(parent):
        if other.name != wanted.name and _intended(builder, other).get(name, value) != value:
            return other
    return None


def _intended(builder: PlanBuilder, network: Network) -> LinkOptions:
    """The link options that a network will have after all requests of the plan."""
    request = builder.coming.get(network.ref)
    return request.link_options if isinstance(request, NetworkOptions) else network.link_options


def with_defaults(builder: PlanBuilder, recorded: Network, network: Network) -> Network:
    """The network with the kernel's defaults for the link options that its task no longer has.

    They are set once; after that other programs may change them.
    """
    on_parent = [_intended(builder, other) for other in builder.networks_on(network.parent) if other.name != network.name]
    dropped = {
        name: LINK_OPTIONS[name].default
        for name in recorded.link_options
        if name not in network.link_options
        and not (LINK_OPTIONS[name].of_parent and any(name in values for values in on_parent))
    }
    return dataclasses.replace(network, link_options={**dropped, **network.link_options}) if dropped else network
