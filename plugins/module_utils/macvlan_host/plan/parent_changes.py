# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps for links that we create for networks: create, change, delete, and release them if nothing else uses them."""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.differences import Difference
from ..compare.ownership import is_owned, link_of, renamed_base, tagged_or_named
from ..model.links import VLAN_CHECKS, DummyParent, Link, OwnedLink, SubInterface
from ..model.netns import HOST
from ..model.route import in_order
from ..steps.link_spec import LinkSpec
from ..steps.steps import AddAddress, AddRoute, DeleteLink, SetLink, Step, link_steps
from ..values import names
from ..values.plain import plain
from ..wire.kinds import kind_of
from .align import routes_put_on
from .builder import PlanBuilder, require_pyroute2


def link_spec(owned: OwnedLink) -> LinkSpec:
    """An owned link, to create and to identify it."""
    if isinstance(owned, DummyParent):
        return LinkSpec(owned.name, owned.kind, names.tag(owned.id), mac=names.dummy_mac(owned.id))
    return LinkSpec(
        owned.name, owned.kind, names.tag(owned.id), owned.parent, owned.mac, owned.mtu, vlan=owned.facts
    )


def create_or_align(builder: PlanBuilder, owned: OwnedLink, link: Link | None, differences: t.Iterable[Difference]) -> None:
    """Plan the steps that create a link, or change what differs of an existing one."""
    if link is None:
        builder.do(*link_steps(link_spec(owned), not isinstance(owned, SubInterface) or owned.up))
    else:
        _align(builder, owned, link, differences)


def _align(builder: PlanBuilder, owned: OwnedLink, link: Link, differences: t.Iterable[Difference]) -> None:
    """Change the differences in place, the state (up or down) last."""
    by_field = {item.field: item for item in differences}
    for attribute in ("alias", "mac", "mtu"):
        if attribute in by_field:
            dummy, new, old = by_field.pop(attribute)
            builder.do(*(_to_mtu_of(builder, link) if attribute == "mtu" else ()))
            builder.do(SetLink(HOST, link.name, attribute, old, new))
    up = by_field.pop("up", None)
    if isinstance(owned, SubInterface) and not VLAN_CHECKS.keys().isdisjoint(by_field):
        require_pyroute2(builder)
        builder.do(SetLink(HOST, link.name, "vlan", plain(link.vlan), plain(owned.facts)))
    if up is not None:
        builder.do(SetLink(HOST, link.name, "up", up.actual, up.expected))


def _to_mtu_of(builder: PlanBuilder, parent: Link) -> list[SetLink]:
    """The steps that give links the mtu of their parent, where the kernel is about to give them another one with it.

    So they have their own mtu again when the steps are undone; they get it back after the parent, too.
    """
    of_endpoints = [
        (endpoint.netns, link)
        for network in builder.networks_on(parent.name)
        for endpoint in (builder.endpoints_of(network.name) if kind_of(network).follows_parent else ())
        if (link := link_of(builder, endpoint)) is not None
    ]
    return [SetLink(netns, link.name, "mtu", link.mtu, parent.mtu) for netns, link in of_endpoints if link.mtu != parent.mtu]


def delete_link(builder: PlanBuilder, owned: OwnedLink | None, link: Link | None) -> None:
    """Plan the removal of a link, with the steps that create it again."""
    if link is None:
        return
    if owned is not None:
        spec = dataclasses.replace(link_spec(owned), name=link.name)
    else:
        base = builder.host.by_index(link.lower)
        spec = LinkSpec(link.name, link.kind, link.alias or None, base.name if base else None, link.mac, link.mtu, vlan=link.vlan)
    builder.do(DeleteLink(HOST, spec, restore=(*link_steps(spec, link.up), *configuration(builder, link))))


def rename_dummy(builder: PlanBuilder, owned: DummyParent, renamed: DummyParent) -> None:
    """Plan to give the dummy link of a network another name and tag; before Linux 6.2 it goes down for a moment."""
    link = tagged_or_named(builder.host, owned)
    if link is not None and is_owned(builder.host, link, owned):
        goes_down = link.up and not builder.kernel.renames_live
        if goes_down:
            builder.do(SetLink(HOST, link.name, "up", True, False))
        builder.do(SetLink(HOST, link.name, "name", link.name, renamed.name))
        builder.do(SetLink(HOST, renamed.name, "alias", link.alias, names.tag(renamed.id)))
        if goes_down:
            builder.do(SetLink(HOST, renamed.name, "up", False, True))
    builder.drop_link(owned.name)
    builder.put_link(renamed)


def configuration(builder: PlanBuilder, link: Link) -> t.Iterator[Step]:
    """The steps that restore the configuration of a link by other programs: addresses, and routes if they were read."""
    if not link.up:
        return
    for address in builder.host.addresses.get(link.index, ()):
        yield AddAddress(HOST, link.name, address, builder.host.peers.get((link.index, address)))
    for route in in_order(routes_put_on(builder.host, link)):
        yield AddRoute(HOST, link.name, route)


def release_parent(builder: PlanBuilder, name: str) -> None:
    """Delete an owned link if nothing uses it any more and no task declared it."""
    owned = builder.links.get(name)
    if owned is None or owned.declared or builder.is_expected(name):
        return
    if builder.networks_on(name) or builder.subinterfaces_on(name):
        return
    link = tagged_or_named(builder.host, owned)
    builder.drop_link(name)
    users = foreign_users(builder, link)
    if link is not None and (base := renamed_base(builder.host, link, owned)) is not None:
        builder.warn(
            f"{link.name} was created here, but its base {base[0]} is called {base[1]} now, so it is kept and treated as foreign; "
            f"delete it if nothing uses it: ip link delete {link.name}"
        )
    elif link is not None and not is_owned(builder.host, link, owned):
        builder.warn(f"{name} does not match the link created here (tag, VLAN id or base differs); it is kept and treated as foreign")
    elif link is not None and users:
        builder.warn(f"{name} was created here, but {', '.join(users)} uses it now, so it is kept and treated as foreign")
        # Its base stays too, because it carries the link, which is foreign now.
        builder.do(SetLink(HOST, link.name, "alias", link.alias, ""))
    else:
        delete_link(builder, owned, link)
    if isinstance(owned, SubInterface):
        release_parent(builder, owned.parent)


def foreign_users(builder: PlanBuilder, link: Link | None) -> list[str]:
    """The foreign users of a link, as phrases."""
    if link is None:
        return []
    above = [f"link {other.name}" for other in builder.host.above(link) if not other.ours]
    master = builder.host.by_index(link.master)
    above += [f"{master.kind} {master.name}" if master.kind else master.name] if master else []
    return above + [f"a link with MAC address {mac} in another namespace" for mac in _foreign_addresses(builder, link)]


def _foreign_addresses(builder: PlanBuilder, link: Link) -> list[str]:
    """The MAC addresses of foreign links on a link, in all namespaces, as far as its filter has them.

    A macvlan that is up, except in passthru mode, has an entry there (drivers/net/macvlan.c, macvlan_open).
    """
    return sorted(builder.host.filters.get(link.index, frozenset()) - builder.known_addresses)
