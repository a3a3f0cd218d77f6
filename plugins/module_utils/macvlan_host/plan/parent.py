# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links that we create for networks: identify, create and align them."""

from __future__ import annotations

import typing as t

from ..compare.differences import Difference, of_dummy, of_subinterface
from ..compare.ownership import fits, is_owned, renamed_base
from ..errors import AbsentError, PlanError
from ..model.links import DummyParent, Link, OwnedLink, SubInterface
from ..model.netns import HOST
from ..values import names
from ..wire.kinds import kind_of
from .bases import bases_of
from .builder import PlanBuilder, require_kind, require_pyroute2
from .parent_names import check_length


def find_owned(builder: PlanBuilder, owned: OwnedLink) -> Link | None:
    """The link of the record, None if it is missing.

    A link that lost its tag is still that link if nothing else differs: no two links have the same kind, VLAN and base.

    :raises PlanError: another link has its name, or it has another name and cannot be renamed in place
    """
    link = builder.host.links.get(owned.name)
    tagged = builder.host.tagged(names.tag(owned.id))
    if link is None and tagged is not None and is_owned(builder.host, tagged, owned):
        return _renamed_back(builder, owned, tagged)
    if link is None or is_owned(builder.host, link, owned) or builder.adopts and not link.alias and fits(builder.host, link, owned):
        return link
    base = renamed_base(builder.host, link, owned)
    if base is not None:
        raise PlanError(
            f"{owned.title}: its base {base[0]} is called {base[1]} now; give it its old name back: "
            f"ip link set {base[1]} name {base[0]} (before Linux 6.2 only while it is down)"
        )
    raise PlanError(
        f"{owned.title}: the link now called {owned.name} "
        f"is not the one that was created here; rename or remove it, so that the collection can create its own again"
    )


def _renamed_back(builder: PlanBuilder, owned: OwnedLink, link: Link) -> Link:
    """Plan that a link of ours gets its name back.

    :raises PlanError: the kernel cannot do so in place, or the name is taken
    """
    if link.up and not builder.kernel.renames_live:
        # Kernels before 6.2 rename a link only while it is down, and it would lose the configuration of other programs.
        raise PlanError(f"{owned.title} is called {link.name} now; rename it back to {owned.name}, or delete it")
    _check_name_is_free(builder, owned, "rename", link.name)
    from ..steps.steps import SetLink

    builder.do(SetLink(HOST, link.name, "name", link.name, owned.name))
    return builder.host.links[owned.name]


def _check_name_is_free(builder: PlanBuilder, owned: OwnedLink, verb: str, now: str) -> None:
    """Refuse a name that is an alternative one.

    :param verb: what is to be done to the link
    :param now: the name that the link has before that
    """
    holder = builder.host.with_altname(owned.name)
    if holder is not None:
        raise PlanError(
            f"cannot {verb} {owned.kind} link {now}: the name {owned.name} is taken: it is an alternative name of {holder.name}; "
            f"remove that name: ip link property del dev {holder.name} altname {owned.name}"
        )


def ensure_owned(builder: PlanBuilder, owned: OwnedLink) -> None:
    """Plan the steps that create the link of the record, or change it to what the record says, with those below it.

    :raises PlanError: a base is missing or down, or another link conflicts
    """
    for base in bases_of(builder, owned) if isinstance(owned, SubInterface) else ():
        _ensure(builder, base)
    _ensure(builder, owned)


def _ensure(builder: PlanBuilder, owned: OwnedLink) -> None:
    link = find_owned(builder, owned)
    if link is None:
        _check_name_is_free(builder, owned, "create", owned.name)
    if isinstance(owned, DummyParent):
        _ensure_dummy(builder, owned, link)
    else:
        _ensure_vlan(builder, owned, link)
    builder.put_link(owned)


def _ensure_dummy(builder: PlanBuilder, owned: DummyParent, link: Link | None) -> None:
    if link is None:
        require_kind(builder, owned.kind, f"create dummy link {owned.name}")
        require_pyroute2(builder)
    _create_or_align(builder, owned, link, of_dummy(owned, link) if link is not None else [])


def _ensure_vlan(builder: PlanBuilder, owned: SubInterface, link: Link | None) -> None:
    check_base(builder, owned, link)
    if link is None:
        require_kind(builder, owned.kind, f"create VLAN link {owned.name}")
    _create_or_align(builder, owned, link, of_subinterface(owned, builder.host, link) if link is not None else [])


def _create_or_align(builder: PlanBuilder, owned: OwnedLink, link: Link | None, differences: t.Sequence[Difference]) -> None:
    """Plan the steps that create a link, or change what differs; a plan without steps does not import them."""
    if link is None or differences:
        from .parent_changes import create_or_align

        create_or_align(builder, owned, link, differences)


def check_base(builder: PlanBuilder, sub: SubInterface, link: Link | None) -> Link:
    """The base of a VLAN link, if it can carry that.

    :raises PlanError: naming it, and why not
    """
    base = builder.host.links.get(sub.parent)
    if base is None:
        why = names.why_not_created(sub.parent)
        raise AbsentError(f"cannot create VLAN link {sub.name}: there is no link {sub.parent} on this host{why}", sub.parent)
    if base.loopback:
        raise PlanError(f"cannot create VLAN link {sub.name}: {sub.parent} is the loopback, which carries no VLANs")
    if kind_of(base).is_vrf:
        raise PlanError(f"cannot create VLAN link {sub.name}: {sub.parent} is a VRF, which carries no VLANs")
    if sub.up and not base.up and not sub.loose_binding:
        raise AbsentError(f"cannot bring VLAN link {sub.name} up: {sub.parent} is down; {_how_to_bring_up(builder, sub.parent)}", sub.parent)
    if sub.mtu is not None and sub.mtu > base.mtu:
        raise AbsentError(f"{sub.title}: mtu {sub.mtu} is more than the {base.mtu} of {sub.parent}", sub.parent)
    if link is None:
        check_length(sub)
        check_vlan_is_free(builder, sub, base)
    return base


def _how_to_bring_up(builder: PlanBuilder, base: str) -> str:
    if base in builder.links:
        return f"it is declared with up: false; declare {base} with up: true first"
    return f"bring {base} up first, which this task does not do because the collection did not create it"


def check_vlan_is_free(builder: PlanBuilder, sub: SubInterface, base: Link) -> None:
    """Refuse a VLAN that another link of the base has.

    :raises PlanError: naming that link
    """
    other = builder.host.vlan_on(base, sub.vlan_id, sub.protocol)
    if other is not None:
        raise PlanError(
            f"cannot create VLAN link {sub.name}: VLAN {sub.vlan_id} of {sub.parent} is already there as "
            f"{other.name}; use {other.name} as parent, or remove it"
        )
    for moved in builder.kernel.moved_links:
        link = moved.link
        if link.lower != base.index or link.vlan is None:
            continue
        if (link.vlan.vlan_id, link.vlan.protocol) == (sub.vlan_id, sub.protocol):
            netns_name = moved.netns.value
            raise PlanError(
                f"cannot create VLAN link {sub.name}: VLAN {sub.vlan_id} of {sub.parent} is already there as {link.name} in "
                f"namespace {netns_name}, and the kernel creates no second one; use another VLAN, or delete that one: "
                f"{moved.netns.ip} link delete {link.name}"
            )


def new_id(builder: PlanBuilder, name: str) -> str:
    """The id of a new sub-interface."""
    return names.subinterface_id(builder.kernel.host, name)
