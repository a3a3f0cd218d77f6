# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans that restore recorded objects from the record alone: after a boot, or when a parent has returned.

The record stays as it is, except for namespaces that turn out to be foreign. A problem of one object does not stop the
others.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ..compare.ownership import link_of
from ..errors import AbsentError, MissingLibraryError, PlanError
from ..model.endpoint import Endpoint
from ..model.links import stacked
from ..model.netns import HOST
from ..model.network import Network
from ..model.ref import Ref, shown_object, subinterface_ref
from ..request.base import Restoration
from ..steps.plan import Missing
from .builder import PlanBuilder
from .endpoint_addresses import check_mtu_of_ipv6
from .endpoint_changes import align_namespace, align_or_create
from .endpoint_checks import check_namespace_conflicts
from .network_parent import ensure_parent
from .parent import ensure_owned
from .unwritable_settings import check_writable
from .vrf_checks import check_own_vrf


def restore_subinterfaces(builder: PlanBuilder, wanted: Restoration) -> None:
    """Work the recorded sub-interfaces into the plan, each after the one below it."""
    for sub in stacked(builder.links.values()):
        if wanted.only in (None, sub.ref):
            with _noting_problem(builder, sub.ref, _missing_link(builder, sub.parent)):
                ensure_owned(builder, sub)


def restore_networks(builder: PlanBuilder, wanted: Restoration) -> None:
    """Work the parents of the recorded networks into the plan, also of the one that a single endpoint is on."""
    of_network = {item.network for item in builder.endpoints.values() if item.ref == wanted.only}
    for network in list(builder.networks.values()):
        if wanted.only in (None, network.ref) or network.name in of_network:
            with _noting_problem(builder, network.ref, _missing_link(builder, network.parent)):
                ensure_parent(builder, network)


def restore_endpoints(builder: PlanBuilder, wanted: Restoration) -> None:
    """Work the recorded endpoints into the plan, as far as their networks are there."""
    for endpoint in list(builder.endpoints.values()):
        if wanted.only in (None, endpoint.ref, shown_object(endpoint.ref)):
            _restore_endpoint(builder, endpoint)


def _missing_link(builder: PlanBuilder, name: str) -> Missing | None:
    """Why a link of ours cannot be restored, if that is known."""
    return builder.missing.get(subinterface_ref(name))


@contextlib.contextmanager
def _noting_problem(builder: PlanBuilder, ref: Ref, cause: Missing | None = None) -> t.Iterator[None]:
    """Note the problem of an object, and drop the steps that were planned for it.

    :param cause: the missing object on which it depends, if any
    """
    steps = len(builder.steps)
    try:
        yield
        check_writable(builder.kernel, ref.title, builder.steps[steps:])
    except (PlanError, MissingLibraryError) as exc:
        builder.undo(steps)
        awaits = exc.awaits if isinstance(exc, AbsentError) else None
        if cause is not None:
            builder.missing[ref] = Missing(ref, cause.reason, cause.awaits, cause.cause or cause.ref)
        else:
            builder.missing[ref] = Missing(ref, str(exc), awaits)


def _restore_endpoint(builder: PlanBuilder, endpoint: Endpoint) -> None:
    network = builder.networks[endpoint.network]
    with _noting_problem(builder, endpoint.ref, builder.missing.get(network.ref)):
        if network.ref in builder.missing:
            raise PlanError(f"{endpoint.title}: {network.title} is missing")
        if endpoint.ref in builder.choices.left_out:
            raise PlanError(builder.choices.left_out[endpoint.ref])
        _check_namespace(builder, endpoint)
        allowed = _as_parent_allows(builder, endpoint, network)
        own = link_of(builder, endpoint)
        check_own_vrf(builder, allowed, own)
        check_namespace_conflicts(builder, allowed, own)
        align_namespace(builder, endpoint.netns)
        align_or_create(builder, allowed, allowed, network)
        builder.touch_resolver(endpoint)
        if allowed.mtu != endpoint.mtu:
            reason = f"{endpoint.title} has mtu {allowed.mtu} instead of {endpoint.mtu}, because the mtu of its parent {network.parent} is no larger"
            builder.missing[endpoint.ref] = Missing(endpoint.ref, reason, network.parent)


def _check_namespace(builder: PlanBuilder, endpoint: Endpoint) -> None:
    """Refuse namespaces that only their owners can create again."""
    netns, title = endpoint.netns, endpoint.title
    if not netns.path or link_of(builder, endpoint) is not None:
        return
    if netns.of_process:
        raise PlanError(
            f"{title}: it is unknown whether {netns.path} is still the namespace of this endpoint; "
            f"run its task again with the current process"
        )
    if netns.path in builder.kernel.no_namespaces:
        message = f"{title}: {netns.path} is not a network namespace"
        if builder.owned_namespace(netns) is not None:
            raise PlanError(f"{message}; remove it, so that it can be created again")
        raise AbsentError(message, netns.path)
    if builder.is_same_netns(netns, HOST):
        raise PlanError(f"{title}: {netns.path} is the host's own namespace now; run its task again with the right namespace")
    if builder.space(netns) is None and builder.owned_namespace(netns) is None:
        raise AbsentError(
            f"{title}: {netns.title} is gone; it was not created here, so it is not created again: bring it back first",
            netns.path,
        )


def _as_parent_allows(builder: PlanBuilder, endpoint: Endpoint, network: Network) -> Endpoint:
    """The endpoint with the mtu that its parent allows now; a requested mtu, or the minimum of IPv6, is awaited."""
    parent = builder.host.links[network.parent]
    if endpoint.mtu > parent.mtu and (endpoint.own_mtu or network.mtu):
        raise AbsentError(
            f"{endpoint.title}: mtu {endpoint.mtu} is more than the {parent.mtu} of its parent {parent.name}", parent.name
        )
    mtu = min(endpoint.mtu, parent.mtu)
    try:
        check_mtu_of_ipv6(endpoint.title, mtu, endpoint.ipv6, endpoint.sysctls)
    except PlanError as exc:
        if mtu == endpoint.mtu:
            raise
        raise AbsentError(f"{exc}; the mtu of its parent {parent.name} is no larger", parent.name) from exc
    return dataclasses.replace(endpoint, mtu=mtu)
