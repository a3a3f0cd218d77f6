# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be read of the kernel to tell how it differs from the record."""

from __future__ import annotations

from ..model.kernel import Needs
from ..model.link_options import not_default
from ..model.netns import HOST, Netns
from ..model.record import Record, all_namespaces
from .wanted_settings import setting_keys


def needs_of_everything(recorded: Record) -> Needs:
    """What has to be read to compare all that is recorded with the kernel."""
    spaces: dict[Netns, frozenset[str]] = {HOST: frozenset()}
    for endpoint in recorded.endpoints.values():
        spaces[endpoint.netns] = spaces.get(endpoint.netns, frozenset()) | setting_keys(endpoint)
    compared = [recorded.networks[name] for name in {endpoint.network for endpoint in recorded.endpoints.values()}]
    return Needs(
        spaces=spaces,
        host_routes=HOST in {endpoint.netns for endpoint in recorded.endpoints.values()},
        identities=all_namespaces(recorded),
        next_hops=bool(recorded.endpoints),
        resolvers=resolvers_of(recorded),
        link_options=frozenset(name for network in compared for name in not_default(network.link_options)),
    )


def resolvers_of(recorded: Record) -> frozenset[str]:
    """The named namespaces whose endpoints have name servers."""
    return frozenset(item.netns.value for item in recorded.endpoints.values() if item.dns is not None)
