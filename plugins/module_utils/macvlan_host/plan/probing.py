# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan has to ask the neighbours about: the addresses that come to a parent with it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..compare.host_identity import addresses_in_doubt, addresses_of
from ..model.host_view import HostView
from ..model.probe import Question, Segment, probe_of_endpoint
from ..steps.steps import AddAddress, AddLink
from ..values import names
from ..values.addresses import version_of, without_prefix
from ..wire.kinds import kind_of

if t.TYPE_CHECKING:
    from ..model.endpoint import Endpoint
    from ..model.host_view import Key
    from ..model.network import Network
    from ..steps.plan import Plan


@dataclass(frozen=True)
class Probing:
    """What a plan has to ask.

    :ivar segments: the parents whose neighbours are asked
    :ivar after: parent that the plan creates → the number of steps after which it can be asked on
    :ivar is_careful: whether anything is asked carefully, and so everything
    """

    segments: tuple[Segment, ...] = ()
    after: t.Mapping[str, int] = field(default_factory=dict)
    is_careful: bool = False


def probing_of(plan: Plan, default: str | None) -> Probing:
    """What a plan has to ask.

    An address that an endpoint of this host has given up is not asked for on the same parent: nobody else can have it. On a copy
    of another machine, also recorded endpoints are asked for whose links are created again: the other machine may have them.

    :param default: how addresses are asked for where networks and endpoints do not say it; None for the usual way
    """
    in_doubt = addresses_in_doubt(plan.before, plan.outcome.kernel)
    changed = [
        item
        for key, item in plan.after.endpoints.items()
        if _differs(plan, key, item, plan.before.endpoints.get(key)) or in_doubt and not in_doubt.isdisjoint(addresses_of([item]))
    ]
    if not changed:
        return Probing()
    added = _added(plan)
    if not added:
        return Probing()
    created, held = _created(plan), _held(plan)
    asked: dict[str, list[tuple[Network, Question]]] = {}
    is_careful = False
    for endpoint in changed:
        network = plan.after.networks[endpoint.network]
        probe = probe_of_endpoint(endpoint, network, default)
        for address in map(without_prefix, endpoint.addresses) if probe != "none" else ():
            if (endpoint.netns.path, address) in added and not _is_held(plan, endpoint, network, address, held, created):
                is_careful = is_careful or probe == "careful"
                question = Question(address, endpoint.ref, endpoint.mac, (endpoint.ref, address) in plan.chosen)
                asked.setdefault(network.parent, []).append((network, question))
    segments = tuple(_segment(plan, parent, items, held) for parent, items in asked.items())
    return Probing(segments, _positions(plan, asked), is_careful)


def _differs(plan: Plan, key: Key, endpoint: Endpoint, other: Endpoint | None) -> bool:
    """Whether an endpoint is another one before or after the plan, or on another parent."""
    if other is None or other is not endpoint and other != endpoint:
        return True
    return plan.before.networks[key[0]].parent != plan.after.networks[key[0]].parent


def _added(plan: Plan) -> frozenset[tuple[str, str]]:
    """(path of the namespace, address) of the addresses that the plan adds to links.

    A link of ours that no record knows any more may have its address already.
    """
    return frozenset((step.netns.path, without_prefix(step.address)) for step in plan.steps if isinstance(step, AddAddress))


def _created(plan: Plan) -> frozenset[str]:
    """The tags of the links that the plan creates, on the same parent or another one."""
    return frozenset(step.link.tag or "" for step in plan.steps if isinstance(step, AddLink))


def _held(plan: Plan) -> set[tuple[str, str]]:
    """(parent, address) of the endpoints that the plan changes or removes, before it."""
    after = plan.after.endpoints
    return {
        (plan.before.networks[item.network].parent, without_prefix(address))
        for key, item in plan.before.endpoints.items()
        if _differs(plan, key, item, after.get(key))
        for address in item.addresses
    }


def _is_held(
    plan: Plan,
    endpoint: Endpoint,
    network: Network,
    address: str,
    held: t.Container[tuple[str, str]],
    created: t.Container[str],
) -> bool:
    """Whether a link of ours has had an address on this parent, which may have got another name."""
    if (network.parent, address) in held:
        return True
    before = plan.before.endpoints.get(endpoint.key)
    stays = before is not None and names.tag(before.id) not in created and names.tag(endpoint.id) not in created
    return stays and before is not None and address in map(without_prefix, before.addresses)


def _segment(
    plan: Plan, parent: str, items: t.Sequence[tuple[Network, Question]], held: t.Collection[tuple[str, str]]
) -> Segment:
    networks = {network.name: network for network, dummy in items}.values()
    questions = tuple(question for dummy, question in items)
    moving = frozenset(question.address for question in questions) & {address for dummy, address in held}
    subnets = [subnet for network in networks for subnet in network.subnets]
    gateways = (item.gateway for network in networks if not network.internal for item in network.subnets)
    return Segment(
        parent=parent,
        host=plan.outcome.kernel.host,
        by_parent=not all(kind_of(item).leaves_room(item.mode) for item in networks),
        questions=questions,
        gateways=tuple(dict.fromkeys(item for item in gateways if item is not None and version_of(item) == 4)),
        blocks=tuple(dict.fromkeys(subnet.subnet for subnet in subnets)),
        held=moving,
        own_macs=HostView(plan.before, plan.outcome.kernel).known_addresses if moving else frozenset(),
    )


def _positions(plan: Plan, parents: t.Container[str]) -> dict[str, int]:
    """Parent that the plan creates → the number of steps after which it is asked on.

    That is before the first endpoint on it, together with all parents that are there by then.
    """
    coming: set[str] = set()
    positions: dict[str, int] = {}
    for position, step in enumerate(plan.steps):
        if not isinstance(step, AddLink):
            continue
        if kind_of(step.link).carries_endpoints and step.link.name in parents:
            coming.add(step.link.name)
        elif step.link.parent in coming:
            positions.update(dict.fromkeys(coming, position))
            coming.clear()
    return positions
