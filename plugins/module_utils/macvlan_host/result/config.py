# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recorded objects as options of macvlan_config."""

from __future__ import annotations

from ..model.host_view import HostView
from ..model.links import SubInterface
from ..model.ref import HOST_ACCESS
from ..request.recorded import endpoint_params, network_params, subinterface_params
from .views import Lists


def config_of(host: HostView, shown: Lists, pin: bool) -> Lists:
    """The lists of macvlan_config that declare the shown objects as they are recorded.

    :param pin: whether the addresses of endpoints and the subnets that were chosen are options
    """
    subs = [host.links[item["name"]] for item in shown["vlan_subinterfaces"]]
    networks = [host.networks[item["name"]] for item in shown["networks"]]
    # On an empty host, a network can overlap an earlier one with allow_overlap, and not the other way round.
    networks.sort(key=lambda network: any(subnet.scope for subnet in network.subnets))
    endpoints = [host.endpoints[item["network"], item["name"]] for item in shown["endpoints"]]
    return {
        "vlan_subinterfaces": [subinterface_params(sub) for sub in subs if isinstance(sub, SubInterface) and sub.declared],
        "networks": [network_params(item, pin, len(host.networks_on(item.parent)) > 1, host.endpoints.get((item.name, HOST_ACCESS))) for item in networks],
        "endpoints": [endpoint_params(item, host.networks[item.network], pin) for item in endpoints],
    }
