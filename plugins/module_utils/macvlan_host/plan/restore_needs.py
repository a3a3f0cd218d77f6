# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the kernel's state that a restoration needs."""

from __future__ import annotations

from ..compare.needs import needs_of_everything
from ..model.kernel import Needs
from ..model.links import SubInterface
from ..model.netns import HOST
from ..model.record import Record
from ..request.base import Restoration
from ..wire.kinds import kind_of


def needs_of_restoration(request: Restoration, recorded: Record) -> Needs:
    """The part of the kernel's state that a restoration needs, with the namespaces of the restored objects only."""
    everything = needs_of_everything(recorded)
    namespaces = {endpoint.netns for endpoint in recorded.endpoints.values() if request.only in (None, endpoint.ref)}
    return everything._replace(
        spaces={netns: keys for netns, keys in everything.spaces.items() if netns == HOST or netns in namespaces},
        kinds=frozenset({*(network.kind for network in recorded.networks.values()), *(owned.kind for owned in recorded.links.values())}),
        next_hops=False,
        vlans=frozenset(owned.name for owned in recorded.links.values() if isinstance(owned, SubInterface)),
        newcomers=any(kind_of(network).takes_parent(network.mode) for network in recorded.networks.values()),
    )
