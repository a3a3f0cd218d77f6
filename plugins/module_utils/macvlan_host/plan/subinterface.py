# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for VLAN sub-interfaces that tasks declare or remove."""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.differences import differences, vlan_state
from ..compare.ownership import base_of, is_of_lost_record, is_owned, tagged_or_named
from ..errors import PlanError
from ..model.endpoint import Endpoint
from ..model.links import DummyParent, Link, SubInterface
from ..model.netns import HOST
from ..model.network import Network
from ..model.ref import Ref, subinterface_ref
from ..request.subinterface import SubInterfaceOptions, SubInterfaceRemoval, SubInterfaceRetraction
from ..steps.steps import Note, SetLink
from ..values.plain import plain
from ..wire.kinds import kind_of
from .bridge import warn_of_filter
from .builder import PlanBuilder
from .endpoint_changes import follow_network
from .network_parent import warn_of_other_base
from .object_needs import ObjectNeeds, Recorded, any_on_host, of_removed, settings_of
from .parent import (
    ensure_owned,
    new_id,
)
from .parent_changes import delete_link, foreign_users, release_parent
from .parent_names import words_of_former_name
from .replacement import refusal, replaced_options


def needs_of_subinterface(wanted: SubInterfaceOptions, known: Recorded) -> ObjectNeeds:
    """The part of the kernel's state that the plan for a sub-interface needs."""
    touched = known.above(wanted.name)
    links = wanted.uses[0]
    return ObjectNeeds(
        settings=settings_of(touched),
        kinds=[SubInterface.kind, *{known.record.networks[item.network].kind for item in touched}] if wanted.replace else [SubInterface.kind],
        vlans=[wanted.name, *known.vlans_among(links)],
        parents=known.and_bases(links),
        newcomers=wanted.replace,
        host_routes=any_on_host(touched),
        filters=wanted.replace,
    )


def subinterface_dependencies(dummy: PlanBuilder, wanted: SubInterfaceOptions) -> t.Iterator[Ref]:
    """The sub-interfaces that may be below it."""
    return (subinterface_ref(name) for name in wanted.uses[0] if name != wanted.name)


def plan_subinterface(builder: PlanBuilder, wanted: SubInterfaceOptions) -> None:
    """Plan a declared sub-interface.

    :raises PlanError: it cannot be created, or a necessary change is impossible or would affect a foreign link
    """
    recorded = builder.links.get(wanted.name)
    if isinstance(recorded, DummyParent):
        raise PlanError(f"{wanted.title}: this is the dummy parent of a network")
    link = builder.host.links.get(wanted.name)
    if recorded is None and link is not None and not is_of_lost_record(link, builder.kernel.host):
        _check_foreign(builder, link, wanted)
        warn_of_filter(builder, wanted.title, link)
        return
    names_of_options = [item.name for item in dataclasses.fields(SubInterfaceOptions) if item.name not in ("notes", "replace")]
    options = {name: getattr(wanted, name) for name in names_of_options}
    identifier = recorded.id if recorded else new_id(builder, wanted.name)
    sub = SubInterface(id=identifier, **options)
    if recorded is not None:
        _check_replaceable(builder, recorded, sub, wanted.replace)
    if recorded != sub:
        declared = "as declared" if sub.declared else "as no longer declared"
        builder.do(Note(f"record {sub.title} (VLAN {sub.vlan_id} on {sub.parent}) {declared}"))
    if recorded is None:
        warn_of_other_base(builder, wanted.title, wanted.parent)
    _lower_users(builder, sub)
    ensure_owned(builder, sub)
    if recorded is not None and recorded.parent != sub.parent:
        release_parent(builder, recorded.parent)
    warn_of_filter(builder, sub.title, builder.host.links[sub.name])
    _raise_users(builder, builder.host.links[sub.name])


def _check_replaceable(builder: PlanBuilder, recorded: SubInterface, wanted: SubInterface, replace: bool) -> None:
    """Refuse a change that needs a new link if that was not asked for, or if links of other programs are on the old one."""
    changed = replaced_options(recorded, wanted)
    if not changed:
        return
    problem = words_of_former_name(recorded, wanted.parent) if "parent" in changed and not replace else None
    if problem is not None:
        raise PlanError(f"{problem}, or add replace: true to have it on {wanted.parent}")
    text = ", ".join(f"{name} is {getattr(recorded, name)} and cannot become {getattr(wanted, name)}" for name in changed)
    if not replace:
        endpoints = [endpoint.name for dummy, endpoint in _endpoints_on(builder, recorded.name) if endpoint.host_access is None]
        raise refusal(recorded.ref, changed[0], text, endpoints)
    users = foreign_users(builder, tagged_or_named(builder.host, recorded))
    if users:
        raise PlanError(
            f"{recorded.title}: {text}, because {', '.join(users)} is on it, which the collection did not create and cannot create "
            f"again; remove that first"
        )


def _lower_users(builder: PlanBuilder, sub: SubInterface) -> None:
    """What is on a link gets a lower mtu before it, and its old one again after it, if that is undone.

    The later requests of the same plan count, not the recorded values.
    """
    link, base = builder.host.links.get(sub.name), builder.host.links.get(sub.parent)
    mtu = sub.mtu or (base.mtu if base else None)
    if link is not None and mtu is not None and mtu < link.mtu:
        _lower_above(builder, sub, sub.name, mtu)


def _lower_above(builder: PlanBuilder, sub: SubInterface, name: str, mtu: int) -> None:
    """Plan a lower mtu for what is on a link.

    :param sub: the sub-interface below it that gets that mtu
    :raises PlanError: a larger one was asked for
    """
    for network in builder.networks_on(name):
        of_network = _asked_mtu(builder, network.ref, network.mtu)
        if of_network is not None and of_network > mtu:
            raise PlanError(f"{sub.title}: mtu {mtu} is less than the {of_network} of {network.title}, which uses it")
        for endpoint in builder.endpoints_of(network.name):
            own = _asked_mtu(builder, endpoint.ref, endpoint.own_mtu)
            if own is not None and own > mtu:
                raise PlanError(f"{sub.title}: mtu {mtu} is less than the {own} of {endpoint.title} on it")
            if kind_of(network).follows_parent:
                continue  # the kernel lowers it with its parent
            asked = dataclasses.replace(endpoint, own_mtu=own)
            follow_network(builder, asked, dataclasses.replace(network, mtu=of_network), parent_mtu=mtu)
    for upper in builder.subinterfaces_on(name):
        own, link = _asked_mtu(builder, upper.ref, upper.mtu), builder.host.links.get(upper.name)
        if own is not None and own > mtu:
            raise PlanError(f"{sub.title}: mtu {mtu} is less than the {own} of {upper.title} on it")
        if link is not None and link.mtu > mtu:
            _lower_above(builder, sub, upper.name, mtu)
            builder.do(SetLink(HOST, link.name, "mtu", link.mtu, mtu))


def _raise_users(builder: PlanBuilder, link: Link) -> None:
    """What is on a link, and has no mtu of its own, follows that of the link."""
    for network, endpoint in _endpoints_on(builder, link.name):
        if endpoint.ref not in builder.pending and endpoint.key not in builder.replanned:
            follow_network(builder, endpoint, network)
    for upper in builder.subinterfaces_on(link.name):
        above = builder.host.links.get(upper.name)
        if above is None or upper.ref in builder.pending or upper.mtu is not None or above.mtu == link.mtu:
            continue
        builder.do(SetLink(HOST, above.name, "mtu", above.mtu, link.mtu))
        _raise_users(builder, builder.host.links[above.name])


def _asked_mtu(builder: PlanBuilder, ref: Ref, recorded: int | None) -> int | None:
    """The mtu that an object requests in this plan, else the recorded one."""
    return builder.coming[ref].mtu if ref in builder.coming else recorded


def _endpoints_on(builder: PlanBuilder, parent: str) -> list[tuple[Network, Endpoint]]:
    return [(network, item) for network in builder.networks_on(parent) for item in builder.endpoints_of(network.name)]


def _check_foreign(builder: PlanBuilder, link: Link, wanted: SubInterfaceOptions) -> None:
    """Accept a foreign link if it matches the task; refuse it otherwise."""
    if link.vlan is None or base_of(builder.host, link) is None:
        raise PlanError(
            f"{wanted.title}: a link with that name exists, and it is not a VLAN link; it was not "
            f"created here, so it is not changed"
        )
    actual = vlan_state(builder.host, link)
    asked = {option: value for option, value in plain(wanted).items() if option in actual and value is not None}
    differing = [f"{option} is {is_now}, not {value}" for option, value, is_now in differences(asked, actual)]
    if differing:
        raise PlanError(
            f"{wanted.title}: the link was not created here, so it is not changed, but it differs: " + ", ".join(differing)
        )


# --- absent ---------------------------------------------------------------------------------------------------------


def needs_of_subinterface_removal(
    wanted: SubInterfaceRemoval | SubInterfaceRetraction, known: Recorded
) -> ObjectNeeds:
    """The part of the kernel's state that the removal of a sub-interface needs."""
    return of_removed(known.on(wanted.name), filters=True)


def plan_subinterface_removal(builder: PlanBuilder, wanted: SubInterfaceRemoval) -> None:
    """Plan the removal of a sub-interface.

    :raises PlanError: it is foreign or in use, and ``force`` was not given
    """
    recorded = builder.links.get(wanted.name)
    link = tagged_or_named(builder.host, recorded) if recorded else builder.host.links.get(wanted.name)
    if recorded is None and link is None:
        return
    owned = recorded is not None and (link is None or is_owned(builder.host, link, recorded))
    if not owned:
        _check_foreign_removal(t.cast(Link, link), wanted)
    users = _users(builder, wanted.name, link)
    if users and not wanted.force:
        raise PlanError(
            f"{wanted.title} is used by {', '.join(users)}; remove that first, "
            f"or use force: true to remove it anyway"
        )
    if users:
        builder.warn(f"{wanted.title} was removed although {', '.join(users)} used it")
    delete_link(builder, recorded if owned else None, link)
    if recorded is not None:
        builder.do(*(() if link else (Note(f"forget {wanted.name}, which was gone already"),)))
        builder.drop_link(wanted.name)
    if isinstance(recorded, SubInterface):
        release_parent(builder, recorded.parent)


def plan_subinterface_retraction(builder: PlanBuilder, wanted: SubInterfaceRetraction) -> None:
    """Plan that a sub-interface is no longer declared: remove it, or keep it for its users.

    :raises PlanError: a foreign link uses it
    """
    recorded = builder.links.get(wanted.name)
    if not isinstance(recorded, SubInterface):
        return
    if builder.is_expected(wanted.name) or builder.networks_on(wanted.name) or builder.subinterfaces_on(wanted.name):
        builder.do(Note(f"leave {recorded.title} to those who use it"))
        builder.put_link(dataclasses.replace(recorded, declared=False))
        return
    plan_subinterface_removal(builder, SubInterfaceRemoval(wanted.name))


def _check_foreign_removal(link: Link, wanted: SubInterfaceRemoval) -> None:
    if link.vlan is None:
        raise PlanError(f"{wanted.title}: this link is not a VLAN link, so it is never removed")
    if not wanted.force:
        raise PlanError(
            f"{wanted.title} was not created here, so it is not removed; "
            f"use force: true to remove it anyway"
        )


def _users(builder: PlanBuilder, name: str, link: Link | None) -> list[str]:
    """The users of a link: networks, sub-interfaces on it, foreign links on it, its bridge or bond."""
    users = [network.title for network in builder.networks_on(name)]
    users += [other.title for other in builder.subinterfaces_on(name)]
    return users + foreign_users(builder, link)
