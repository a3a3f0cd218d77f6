# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests for endpoints: what must be read for them, and their plans with the parent of the network."""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.wanted_settings import default_key, defaults_of_ipv6, setting_keys
from ..model.endpoint import Endpoint
from ..model.network import DEFAULT_DRIVER
from ..model.ref import Ref, network_ref, subinterface_ref
from ..request.endpoint import EndpointOptions, EndpointRemoval
from ..values import names
from ..wire.kinds import kind_of
from .builder import PlanBuilder
from .endpoint import plan_endpoint
from .network_parent import ensure_parent
from .object_needs import ObjectNeeds, Recorded, any_on_host, of_removed, settings_of


def needs_of_endpoint(wanted: EndpointOptions, known: Recorded) -> ObjectNeeds:
    """The part of the kernel's state that the plan for an endpoint needs."""
    recorded = known.record.endpoints.get((wanted.network, wanted.name))
    network = known.record.networks.get(wanted.network)
    parent = [network.parent] if network is not None else []
    below = [*names.and_below(network.parent)] if network is not None else []
    touched = [recorded] if recorded is not None else []
    driver = network.driver if network is not None else DEFAULT_DRIVER
    return ObjectNeeds(
        settings=[*settings_of(touched), (wanted.netns, _wanted_settings(wanted, recorded))],
        processes=[item.netns for item in touched if item.netns != wanted.netns],
        new_settings=[(wanted.netns, default_key(key)) for key in wanted.sysctls],
        kinds={driver, *(owned.kind for name in parent if (owned := known.record.links.get(name)) is not None)},
        vlans=known.vlans_among(below),
        parents=known.and_bases(below),
        newcomers=network is not None
        and (kind_of(network).takes_parent(network.mode) or not known.on(network.parent)),
        host_routes=not wanted.netns.path or any_on_host(touched),
        next_hops=True,
        resolvers=(wanted.netns.value,) if wanted.dns is not None else (),
    )


def _wanted_settings(wanted: EndpointOptions, recorded: Endpoint | None) -> frozenset[str]:
    """The sysctls of a task, and those of its recorded endpoint, under its old name and its new one."""
    keys = frozenset(names.sysctl_key(key, wanted.ifname) for key in wanted.sysctls)
    if recorded is not None and recorded.ipv6 and 6 in wanted.left_out:
        keys |= defaults_of_ipv6()
    if recorded is None or (recorded.ifname, recorded.sysctls) == (wanted.ifname, wanted.sysctls):
        return keys
    changed = dataclasses.replace(recorded, sysctls=wanted.sysctls)
    return keys.union(*(setting_keys(dataclasses.replace(changed, ifname=name)) for name in (recorded.ifname, wanted.ifname)))


def endpoint_dependencies(builder: PlanBuilder, wanted: EndpointOptions) -> t.Iterator[Ref]:
    """Its network, and the sub-interfaces that may be below that."""
    yield network_ref(wanted.network)
    network = builder.networks.get(wanted.network)
    yield from map(subinterface_ref, names.and_below(network.parent) if network is not None else ())


def plan_endpoint_on_network(builder: PlanBuilder, wanted: EndpointOptions) -> None:
    """Plan a declared endpoint, with the parent of its network.

    :raises PlanError: it cannot be created, or a necessary change is impossible
    """
    network = builder.networks.get(wanted.network)
    if network is None and builder.foresees:
        from .endpoint_changes import plan_unforeseen

        plan_unforeseen(builder, wanted)
        return
    if network is not None:
        ensure_parent(builder, network)
    plan_endpoint(builder, wanted)


def needs_of_endpoint_removal(wanted: EndpointRemoval, known: Recorded) -> ObjectNeeds:
    """The part of the kernel's state that the removal of an endpoint needs."""
    recorded = known.record.endpoints.get((wanted.network, wanted.name))
    return of_removed([recorded] if recorded is not None else [], filters=False)


def plan_endpoint_removal(builder: PlanBuilder, wanted: EndpointRemoval) -> None:
    """Plan the removal of an endpoint, if it is recorded."""
    recorded = builder.endpoints.get((wanted.network, wanted.name))
    if recorded is not None:
        from .endpoint_changes import remove_endpoint

        remove_endpoint(builder, recorded)
