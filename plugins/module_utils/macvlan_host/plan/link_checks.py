# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks before a link is created: of the link of an endpoint, its namespace and its parent."""

from __future__ import annotations

import typing as t

from ..compare.ownership import find_link
from ..errors import PlanError
from ..model.endpoint import Endpoint
from ..model.links import Link
from ..model.network import DEFAULT_DRIVER, Network
from ..request.endpoint import EndpointOptions
from ..values import names
from ..wire.kinds import kind_of
from .builder import PlanBuilder, require_kind
from .endpoint_checks import check_neighbours
from .kernel_limits import carries, links_on

if t.TYPE_CHECKING:
    from ..request.network import NetworkOptions


def check_unforeseen_conflicts(builder: PlanBuilder, wanted: EndpointOptions) -> None:
    """Refuse conflicts of an endpoint whose addresses, gateways and parent are not known yet."""
    identifier = names.endpoint_id(builder.kernel.host, wanted.network, wanted.name)
    known = Endpoint(
        identifier, wanted.name, wanted.network, wanted.netns, wanted.ifname, "", 0, routes=wanted.routes, sysctls=wanted.sysctls
    )
    space = builder.space(wanted.netns)
    own = find_link(space, known, None) if space is not None else None
    check_neighbours(builder, known, own)
    if own is None:
        require_kind(builder, DEFAULT_DRIVER, f"create macvlan link {wanted.ifname} of {wanted.title}")
    if space is None:
        check_not_dangling(builder, known)


def check_links_beside(builder: PlanBuilder, title: str, network: Network | NetworkOptions, parent: Link) -> None:
    """Refuse links that the kernel does not allow beside others on their parent, or that would change the mode of those.

    :param title: of the network, or of the endpoint whose link must be created
    :raises PlanError: naming the conflicting link
    """
    wanted = kind_of(network)
    for other, where in links_on(builder.host, parent, builder.kernel.moved_links):
        kind = kind_of(other)
        if not kind.handler or _is_on(builder, parent, other.alias) or where and other.ours:
            continue
        if kind.excludes(wanted):
            raise PlanError(f"{title}: {carries(parent, other, where)}")
        if wanted.has_one_mode and other.mode not in (None, network.mode):
            raise PlanError(
                f"{title}: {parent.name} carries the {other.kind} link {other.name}{where} in mode {other.mode}, and the kernel has one mode "
                f"for all {wanted.phrase}s on a parent; use mode: {other.mode}, another parent, or delete that link"
            )
        if wanted.takes_parent(network.mode):
            raise PlanError(f"{title}: passthru needs {parent.name} for itself, and {other.name}{where} is on it")
        if kind.takes_parent(other.mode):
            raise PlanError(f"{title}: {parent.name} carries the passthru link {other.name}{where}, which needs the parent for itself")


def _is_on(builder: PlanBuilder, parent: Link, tag: str) -> bool:
    """Whether the link with a tag is that of an endpoint on this parent."""
    endpoint = builder.endpoint_of(tag) if tag else None
    return endpoint is not None and builder.networks[endpoint.network].parent == parent.name


def check_not_dangling(builder: PlanBuilder, endpoint: Endpoint) -> None:
    """Refuse the name of a namespace that is a symbolic link to nothing.

    :raises PlanError: naming it
    """
    if endpoint.netns.path in builder.kernel.dangling:
        raise PlanError(
            f"{endpoint.title}: netns: {endpoint.netns.path} is a symbolic link to a namespace that is gone; remove it"
        )
