# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replacement: what cannot change under traffic is refused without ``replace: true``, and otherwise done all or nothing."""

from __future__ import annotations

import typing as t

from ..errors import PlanError
from ..ipam.subnets import usable
from ..model.changes import REFUSED, UNDER_TRAFFIC, effects_of
from ..model.endpoint import Endpoint
from ..model.network import Network
from ..request.network import NetworkOptions
from ..values import names
from ..values.addresses import block_of, version_of, without_prefix
from ..wire.kinds import kind_of
from .builder import PlanBuilder

if t.TYPE_CHECKING:
    from ..model.links import SubInterface
    from ..model.ref import Ref
    from ..request.subinterface import SubInterfaceOptions

NAMED = 5  # endpoints that a message names


def parent_of(builder: PlanBuilder, wanted: NetworkOptions, recorded: Network | None) -> str:
    """The name of the parent of a declared network; its dummy has the name that it has, or that follows from its id."""
    if wanted.parent is not None:
        return wanted.parent
    if recorded is not None and builder.uses_dummy(recorded):
        return recorded.parent
    return names.dummy_name(names.object_id(builder.kernel.host, "network", wanted.name))


def moved_option(recorded: Network, wanted: Network | NetworkOptions, parent: str) -> str | None:
    """The option of a network whose change needs new links for all of its endpoints, None if there is none."""
    if parent != recorded.parent:
        return "parent"
    if wanted.driver != recorded.driver:
        return "driver"
    takes_parent = [kind_of(item).takes_parent(item.mode) for item in (wanted, recorded)]
    return "mode" if wanted.mode != recorded.mode and any(takes_parent) else None


def has_new_links(recorded: Network, network: Network) -> bool:
    """Whether the links of a network are created again."""
    return moved_option(recorded, network, network.parent) is not None


def replaced_options(recorded: SubInterface, wanted: SubInterface | SubInterfaceOptions) -> list[str]:
    """The options of a sub-interface whose change needs a new link."""
    return [name for name in ("parent", "vlan_id", "protocol") if getattr(recorded, name) != getattr(wanted, name)]


def refusal(ref: Ref, option: str, text: str, endpoints: t.Iterable[str] | None = (), advice: str = "") -> PlanError:
    """The refusal of a change that interrupts traffic, without ``replace: true``.

    :param text: what would change, without the object
    :param endpoints: the names of the endpoints whose traffic it interrupts, None if there is no traffic
    :param advice: what else can be done, as the end of the message
    """
    row = next(item for item in effects_of(ref.kind, option) if item.effect not in (UNDER_TRAFFIC, REFUSED))
    interrupted = sorted(endpoints or ())
    more = f" and {len(interrupted) - NAMED} more" if len(interrupted) > NAMED else ""
    of = f" of endpoints {', '.join(interrupted[:NAMED])}{more}" if interrupted else ""
    harm = f", which interrupts the traffic{of or ' on it'}" if endpoints is not None else ""
    return PlanError(
        f"{ref.title}: {text} in place: it would be {row.effect} ({row.result}){harm}; "
        f"if you want that, add replace: true{advice}"
    )


def needing_more(builder: PlanBuilder, recorded: Network, network: Network) -> list[Endpoint]:
    """The endpoints of a network that need more than :func:`follow_network`: new links, tags or addresses.

    :param recorded: the network as it was
    """
    if network.ref in builder.new_names or has_new_links(recorded, network):
        return builder.endpoints_of(network.name)
    lost = {subnet.subnet for subnet in recorded.subnets} - {subnet.subnet for subnet in network.subnets}
    blocks = [block_of(cidr) for cidr in lost]
    return [
        endpoint
        for endpoint in (builder.endpoints_of(network.name) if lost else ())
        if any(without_prefix(address) in block for address in endpoint.addresses for block in blocks)
    ]


def loses_address(network: Network, endpoint: Endpoint) -> bool:
    """Whether an endpoint loses an address, for a moment or for good, when its network gets other subnets.

    The kernel takes a second prefix length of an IPv4 address beside the first, unless links of their kind have it once, and none of
    an IPv6 address.
    """
    once = kind_of(network).has_address_once
    return any(
        version_of(address) == 6 or once or not any(without_prefix(address) in usable(subnet.subnet) for subnet in network.subnets)
        for address in endpoint.addresses
    )
