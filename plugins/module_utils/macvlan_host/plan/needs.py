# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the kernel's state that a plan needs."""

from __future__ import annotations

import typing as t

from ..compare.needs import resolvers_of
from ..model.kernel import Needs
from ..model.link_options import not_default
from ..model.netns import HOST, Netns
from ..model.record import Record, all_namespaces
from ..model.ref import HOST_ACCESS
from ..request.base import Restoration
from .object_needs import Recorded
from .table import work_of

if t.TYPE_CHECKING:
    from ..request.host import Request


def needs_of(requests: t.Sequence[Request], recorded: Record) -> Needs:
    """The part of the kernel's state that a plan needs: only namespaces that can change the plan."""
    known = Recorded(recorded)
    needs = []
    for request in requests:
        if isinstance(request, Restoration):
            from .restore_needs import needs_of_restoration

            return needs_of_restoration(request, recorded)
        needs.append(work_of(request).needs(request, known))
    # The routes of the host follow from the endpoints.
    has_host_access = any((name, HOST_ACCESS) in recorded.endpoints for name in recorded.networks)
    spaces: dict[Netns, set[str]] = {HOST: set()}
    in_full: set[Netns] = {HOST}
    for item in needs:
        for netns, keys in item.settings:
            spaces.setdefault(netns, set()).update(keys)
            in_full.add(netns)
        for netns, keys in item.links:
            spaces.setdefault(netns, set()).update(keys)
    return Needs(
        spaces={netns: frozenset(keys) for netns, keys in spaces.items()},
        links_only=frozenset(spaces.keys() - in_full),
        host_routes=has_host_access or any(item.host_routes for item in needs),
        filters=bool(recorded.links) and any(item.filters for item in needs),
        identities=all_namespaces(recorded),
        processes=frozenset(netns for item in needs for netns in item.processes) if recorded.namespaces else frozenset(),
        kinds=frozenset(kind for item in needs for kind in item.kinds),
        settings=frozenset(setting for item in needs for setting in item.new_settings),
        next_hops=has_host_access or any(item.next_hops for item in needs),
        vlans=frozenset(name for item in needs for name in item.vlans),
        newcomers=any(item.newcomers for item in needs),
        parents=frozenset(name for item in needs for name in item.parents),
        link_options=_asked_link_options(requests, recorded),
        resolvers=resolvers_of(recorded).union(*(item.resolvers for item in needs)),
    )


def _asked_link_options(requests: t.Iterable[Request], recorded: Record) -> frozenset[str]:
    """The link options of which a plan must know whether the kernel has them: those of the networks that it looks at."""
    networks = {name for item in requests for name in (recorded.networks if item.aligned_networks is None else item.aligned_networks)}
    values = [item.named_link_options for item in requests]
    values += [network.link_options for name, network in recorded.networks.items() if name in networks]
    return frozenset(name for item in values if item for name in not_default(item))
