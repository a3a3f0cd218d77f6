# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be read of the kernel for a plan."""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.needs import needs_of_everything
from ..model.kernel import Needs
from ..model.links import SubInterface
from ..model.netns import HOST, Netns
from ..model.network import Network
from ..model.record import Record, all_namespaces
from ..request.host import Request, Restoration
from ..steps.steps import SetLink, Step
from ..values import names
from ..wire.kinds import kind_of
from .link_options import asked_link_options
from .object_needs import Recorded
from .table import WORK


def needs_of(requests: t.Sequence[Request], recorded: Record) -> Needs:
    """What has to be read of the kernel for a plan: only namespaces that can change it."""
    if len(requests) == 1 and isinstance(requests[0], Restoration):
        return _needs_of_restoration(requests[0], recorded)
    known = Recorded(recorded)
    needs = [WORK[type(item)].needs(item, known) for item in requests if not isinstance(item, Restoration)]
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
        host_routes=any(item.host_routes for item in needs),
        filters=bool(recorded.links) and any(item.filters for item in needs),
        identities=all_namespaces(recorded),
        processes=frozenset(netns for item in needs for netns in item.processes) if recorded.namespaces else frozenset(),
        kinds=frozenset(kind for item in needs for kind in item.kinds),
        settings=frozenset(setting for item in needs for setting in item.new_settings),
        next_hops=any(item.next_hops for item in needs),
        vlans=frozenset(name for item in needs for name in item.vlans),
        newcomers=any(item.newcomers for item in needs),
        parents=frozenset(name for item in needs for name in item.parents),
        link_options=asked_link_options(requests, recorded),
    )


def needs_before_undoing(needs: Needs, interrupted: t.Iterable[Step]) -> Needs:
    """What has to be read before steps of a run that died are undone or finished, in the simulation.

    A link that they rename may have either name at the moment, and its settings have it too.
    """
    renames = [(step.ifname, step.new) for step in interrupted if isinstance(step, SetLink) and step.attribute == "name"]
    spaces = {netns: set(keys) for netns, keys in needs.spaces.items()}
    # Back and forth, because one may be renamed more than once.
    for old, new in (*renames, *reversed(renames)):
        for keys in spaces.values():
            keys |= {names.renamed_sysctl_key(key, *pair) for key in keys for pair in ((old, new), (new, old))}
    return dataclasses.replace(needs, spaces={netns: frozenset(keys) for netns, keys in spaces.items()})


def _needs_of_restoration(request: Restoration, recorded: Record) -> Needs:
    everything = needs_of_everything(recorded)
    namespaces = {endpoint.netns for endpoint in recorded.endpoints.values() if request.only in (None, endpoint.ref)}
    return dataclasses.replace(
        everything,
        spaces={netns: keys for netns, keys in everything.spaces.items() if netns == HOST or netns in namespaces},
        kinds=frozenset({Network.kind, *(owned.kind for owned in recorded.links.values())}),
        next_hops=False,
        vlans=frozenset(owned.name for owned in recorded.links.values() if isinstance(owned, SubInterface)),
        newcomers=any(kind_of(network).takes_parent(network.mode) for network in recorded.networks.values()),
    )
