# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps that create the link of an endpoint."""

from __future__ import annotations

import dataclasses

from ..compare.wanted_settings import settings
from ..model.endpoint import Endpoint
from ..model.network import Network
from ..model.route import in_order
from ..steps.link_spec import LinkSpec
from ..steps.steps import AddAddress, AddLink, AddRoute, SetLink, SetSysctls, Step
from ..values import names
from ..wire.kinds import kind_of
from .align import dropped_sysctls
from .builder import PlanBuilder


def endpoint_link_spec(endpoint: Endpoint, network: Network) -> LinkSpec:
    """The link of an endpoint, to create and to identify it."""
    # With its parent's MAC, setting one would rewrite the parent's.
    mac = None if kind_of(network).has_mac_of_parent(network.mode) else endpoint.mac
    return LinkSpec(
        endpoint.ifname,
        network.kind,
        names.tag(endpoint.id),
        network.parent,
        mac,
        endpoint.mtu,
        network.mode,
        link_options=network.link_options,
        vrf=endpoint.vrf,
    )


def creation_steps(endpoint: Endpoint, network: Network, has_ipv6: bool) -> tuple[Step, ...]:
    """The steps that create the link of an endpoint in an existing namespace.

    Settings come first, so that the kernel's autoconfiguration finds them when the link comes up; routes last,
    because they need a link that is up.

    :param has_ipv6: whether the kernel has IPv6
    """
    interface = endpoint.netns, endpoint.ifname
    return (
        AddLink(endpoint.netns, endpoint_link_spec(endpoint, network)),
        SetSysctls(*interface, settings(endpoint, has_ipv6)),
        *(AddAddress(*interface, address) for address in endpoint.addresses),
        SetLink(*interface, "up", False, True),
        *(AddRoute(*interface, route) for route in in_order(endpoint.all_routes)),
    )


def restore_sysctls(builder: PlanBuilder, endpoint: Endpoint) -> None:
    """Plan to restore the settings of the namespace that an endpoint had changed."""
    restored = tuple(dropped_sysctls(builder, dataclasses.replace(endpoint, sysctls={}), endpoint))
    if restored:
        builder.do(SetSysctls(endpoint.netns, endpoint.ifname, restored))
