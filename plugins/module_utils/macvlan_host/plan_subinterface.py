# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for the links that we own: VLAN sub-interfaces, and the dummy parents of networks without a parent."""

from __future__ import annotations

import dataclasses
import typing as t

from . import names
from .draft import Draft, require_kind, require_pyroute2
from .drift import is_ours
from .errors import AbsentError, PlanError
from .model import DUMMY_MTU, HOST, DummyParent, Endpoint, Link, Network, OwnedLink, SubInterface, plain
from .options import SubInterfaceOptions, SubInterfaceRemoval, SubInterfaceRetraction
from .plan_align import routes_put_on
from .plan_bridge import warn_of_filter
from .plan_endpoint import follow_network
from .steps import AddAddress, AddRoute, DeleteLink, LinkSpec, Note, SetLink, Step, link_steps


def link_spec(owned: OwnedLink) -> LinkSpec:
    """How an owned link is made, and recognised."""
    if isinstance(owned, DummyParent):
        return LinkSpec(owned.name, "dummy", names.tag(owned.id), mac=names.dummy_mac(owned.id))
    return LinkSpec(
        owned.name, "vlan", names.tag(owned.id), owned.parent, owned.mac, owned.mtu, vlan=owned.facts
    )


def find_owned(draft: Draft, owned: OwnedLink) -> Link | None:
    """The link of the record, None when it is not there.

    A link that lost its tag is still it when nothing else differs: kind, VLAN and base cannot be had twice.

    :raises PlanError: another link has its name, or it has another name
    """
    link = draft.host.links.get(owned.name)
    tagged = draft.host.tagged(names.tag(owned.id))
    if link is None and tagged is not None and _is_owned(draft, tagged, owned):
        # Down for a moment, as kernels before 6.2 need it, it would lose what others have put on it.
        raise PlanError(f"{_title(owned)} is called {tagged.name} now; rename it back to {owned.name}, or delete it")
    if link is None or _is_owned(draft, link, owned) or draft.adopts and not link.alias and _fits(draft, link, owned):
        return link
    base = _renamed_base(draft, link, owned)
    if base is not None:
        raise PlanError(
            f"{_title(owned)}: its base {base[0]} is called {base[1]} now; give it its old name back: "
            f"ip link set {base[1]} name {base[0]} (before Linux 6.2 only while it is down)"
        )
    raise PlanError(
        f"{_title(owned)}: the link that is called {owned.name} now "
        f"is not the one that was made; rename or remove it, so that ours can be made again"
    )


def _renamed_base(draft: Draft, link: Link, owned: OwnedLink) -> tuple[str, str] | None:
    """Old and new name of the base of our VLAN link, if all that differs of the link is what its base is called."""
    if not isinstance(owned, SubInterface) or not is_ours(link, owned.id, owned.kind) or link.vlan is None:
        return None
    is_same = (link.vlan.vlan_id, link.vlan.protocol) == (owned.vlan_id, owned.protocol)
    base = draft.host.by_index(link.lower) if link.lower_netns is None else None
    return (owned.parent, base.name) if is_same and base is not None and owned.parent not in draft.host.links else None


def _title(owned: OwnedLink) -> str:
    return owned.title


def _is_owned(draft: Draft, link: Link, owned: OwnedLink) -> bool:
    """Whether a link is the one of the record: its tag, its kind, its VLAN, its base."""
    return is_ours(link, owned.id, owned.kind) and _fits(draft, link, owned)


def _fits(draft: Draft, link: Link, owned: OwnedLink) -> bool:
    if link.kind != owned.kind or isinstance(owned, DummyParent):
        return link.kind == owned.kind
    base = draft.host.links.get(owned.parent)
    return (
        link.vlan is not None
        and (link.vlan.vlan_id, link.vlan.protocol) == (owned.vlan_id, owned.protocol)
        and base is not None
        and link.lower == base.index
    )


# --- present --------------------------------------------------------------------------------------------------------


def ensure_owned(draft: Draft, owned: OwnedLink) -> None:
    """Steps that make the link of the record, or bring it back to what the record says.

    :raises PlanError: its base is missing or down, or something else is in the way
    """
    link = find_owned(draft, owned)
    holder = draft.host.with_altname(owned.name) if link is None else None
    if holder is not None:
        raise PlanError(
            f"cannot create {owned.kind} link {owned.name}: the name is taken, it is an alternative name of {holder.name}; "
            f"take it away: ip link property del dev {holder.name} altname {owned.name}"
        )
    if isinstance(owned, DummyParent):
        _ensure_dummy(draft, owned, link)
    else:
        _ensure_vlan(draft, owned, link)
    draft.put_link(owned)


def _ensure_dummy(draft: Draft, owned: DummyParent, link: Link | None) -> None:
    if link is None:
        require_kind(draft, "dummy", f"create dummy link {owned.name}")
        require_pyroute2(draft)
        draft.do(*link_steps(link_spec(owned), up=True))
        return
    # More than it was made with is its users' wish.
    _align(draft, link, {"alias": names.tag(owned.id), "mtu": max(link.mtu, DUMMY_MTU), "up": True})


def _ensure_vlan(draft: Draft, owned: SubInterface, link: Link | None) -> None:
    base = _check_base(draft, owned, link)
    if link is None:
        require_kind(draft, "vlan", f"create VLAN link {owned.name}")
        draft.do(*link_steps(link_spec(owned), owned.up))
        return
    wanted = {
        "alias": names.tag(owned.id),
        "mac": owned.mac or base.mac,
        "mtu": owned.mtu or base.mtu,
        "vlan": plain(owned.facts),
        "up": owned.up,
    }
    _align(draft, link, wanted)


def _align(draft: Draft, link: Link, wanted: dict[str, t.Any]) -> None:
    """Change in place what differs, the state last."""
    for attribute, new in wanted.items():
        old = plain(getattr(link, attribute))
        if old != new:
            if attribute == "vlan":
                require_pyroute2(draft)
            draft.do(SetLink(HOST, link.name, attribute, old, new))


def _check_base(draft: Draft, sub: SubInterface, link: Link | None) -> Link:
    base = draft.host.links.get(sub.parent)
    if base is None and (other := draft.host.with_altname(sub.parent)) is not None:
        raise PlanError(
            f"cannot create VLAN link {sub.name}: {sub.parent} is an alternative name of {other.name}; "
            f"write parent: {other.name} instead, or {other.name}.{sub.vlan_id} where the two are one name"
        )
    if base is None:
        raise AbsentError(f"cannot create VLAN link {sub.name}: there is no link {sub.parent} on this host", sub.parent)
    if base.loopback:
        raise PlanError(f"cannot create VLAN link {sub.name}: {sub.parent} is the loopback, which carries no VLANs")
    if base.kind == "vrf":
        raise PlanError(f"cannot create VLAN link {sub.name}: {sub.parent} is a VRF, which carries no VLANs")
    if sub.up and not base.up and not sub.loose_binding:
        raise AbsentError(
            f"cannot bring VLAN link {sub.name} up: {sub.parent} is down; bring {sub.parent} up first, "
            f"it is not done here because it is not ours",
            sub.parent,
        )
    if sub.mtu is not None and sub.mtu > base.mtu:
        raise AbsentError(f"{sub.title}: mtu {sub.mtu} is more than the {base.mtu} of {sub.parent}", sub.parent)
    if link is None:
        _check_vlan_is_free(draft, sub, base)
    return base


def _check_vlan_is_free(draft: Draft, sub: SubInterface, base: Link) -> None:
    other = draft.host.vlan_on(base, sub.vlan_id, sub.protocol)
    if other is not None:
        raise PlanError(
            f"cannot create VLAN link {sub.name}: VLAN {sub.vlan_id} of {sub.parent} is already there as "
            f"{other.name}; use {other.name} as parent, or remove it"
        )
    for emigrant in draft.kernel.emigrants:
        link = emigrant.link
        if link.lower != base.index or link.vlan is None:
            continue
        if (link.vlan.vlan_id, link.vlan.protocol) == (sub.vlan_id, sub.protocol):
            place = emigrant.netns.value
            raise PlanError(
                f"cannot create VLAN link {sub.name}: VLAN {sub.vlan_id} of {sub.parent} is already there as {link.name} in "
                f"namespace {place}, and the kernel makes no second; use another VLAN, or delete that one: "
                f"{emigrant.netns.ip} link delete {link.name}"
            )


def new_subinterface(draft: Draft, name: str, parent: str, vlan_id: int) -> SubInterface:
    """The sub-interface that a network makes for itself: everything by default."""
    return SubInterface(_new_id(draft, name), name, parent, vlan_id)


def _new_id(draft: Draft, name: str) -> str:
    return names.subinterface_id(draft.kernel.host, name)


def is_left(draft: Draft, name: str) -> bool:
    """Whether a link is one that a record which was lost has left: it carries the tag of its own name."""
    return name not in draft.links and is_ours(draft.host.links.get(name), _new_id(draft, name), "vlan")


def plan_subinterface(draft: Draft, wanted: SubInterfaceOptions) -> None:
    """Work a sub-interface that shall be there into the plan.

    :raises PlanError: it cannot be made, or would have to be changed where that is impossible or not ours
    """
    recorded = draft.links.get(wanted.name)
    if isinstance(recorded, DummyParent):
        raise PlanError(f"{wanted.title}: this is the dummy parent of a network")
    link = draft.host.links.get(wanted.name)
    if recorded is None and link is not None and not is_left(draft, wanted.name):
        _check_foreign(draft, link, wanted)
        warn_of_filter(draft, wanted.title, link)
        return
    options = {
        item.name: getattr(wanted, item.name) for item in dataclasses.fields(SubInterfaceOptions) if item.name != "notes"
    }
    identifier = recorded.id if recorded else _new_id(draft, wanted.name)
    sub = SubInterface(id=identifier, declared=True, **options)
    if recorded is not None:
        _check_unchangeable(recorded, sub)
    if recorded != sub:
        draft.do(Note(f"record {sub.title} (VLAN {sub.vlan_id} on {sub.parent}) as declared"))
    _lower_users(draft, sub)
    ensure_owned(draft, sub)
    warn_of_filter(draft, sub.title, draft.host.links[sub.name])
    for network, endpoint in _endpoints_on(draft, sub.name):
        follow_network(draft, endpoint, network)


def _check_unchangeable(recorded: SubInterface, wanted: SubInterface) -> None:
    for attribute in ("parent", "vlan_id", "protocol"):
        old, new = getattr(recorded, attribute), getattr(wanted, attribute)
        if old != new:
            raise PlanError(
                f"{recorded.title}: {attribute} is {old} and cannot become {new} in place; "
                f"remove the sub-interface first (state: absent)"
            )


def _lower_users(draft: Draft, sub: SubInterface) -> None:
    """Endpoints get a lower mtu before the link below them, and their old one back after it.

    What networks and endpoints will ask for later in the same plan counts, not what they asked for before.
    """
    link, base = draft.host.links.get(sub.name), draft.host.links.get(sub.parent)
    mtu = sub.mtu or (base.mtu if base else None)
    if link is None or mtu is None or mtu >= link.mtu:
        return
    for network in draft.networks_on(sub.name):
        of_network = _asked_mtu(draft, network.title, network.mtu)
        if of_network is not None and of_network > mtu:
            raise PlanError(f"{sub.title}: mtu {mtu} is less than the {of_network} of {network.title}, which uses it")
        for endpoint in draft.endpoints_of(network.name):
            own = _asked_mtu(draft, endpoint.title, endpoint.own_mtu)
            if own is not None and own > mtu:
                raise PlanError(f"{sub.title}: mtu {mtu} is less than the {own} of {endpoint.title} on it")
            asked = dataclasses.replace(endpoint, own_mtu=own)
            follow_network(draft, asked, dataclasses.replace(network, mtu=of_network), parent_mtu=mtu)


def _asked_mtu(draft: Draft, title: str, recorded: int | None) -> int | None:
    """The mtu that an object asks for in this plan, else the one that it asked for before."""
    return draft.coming[title].mtu if title in draft.coming else recorded


def _endpoints_on(draft: Draft, parent: str) -> list[tuple[Network, Endpoint]]:
    return [(network, item) for network in draft.networks_on(parent) for item in draft.endpoints_of(network.name)]


def _check_foreign(draft: Draft, link: Link, wanted: SubInterfaceOptions) -> None:
    """A link that was there before is used as it is, if it is what the task describes."""
    base = draft.host.by_index(link.lower) if link.lower_netns is None else None
    if link.vlan is None or base is None:
        raise PlanError(
            f"{wanted.title}: a link of that name is there, and it is no VLAN link; it was not "
            f"made here, so it is left alone"
        )
    actual = {**plain(link.vlan), "parent": base.name, "mtu": link.mtu, "mac": link.mac, "up": link.up}
    differences = [
        f"{option} is {actual[option]}, not {value}"
        for option, value in plain(wanted).items()
        if option in actual and value is not None and actual[option] != value
    ]
    if differences:
        raise PlanError(
            f"{wanted.title}: the link was not made here, so it is not changed, but it differs: "
            + ", ".join(differences)
        )


# --- absent ---------------------------------------------------------------------------------------------------------


def plan_subinterface_removal(draft: Draft, wanted: SubInterfaceRemoval) -> None:
    """Work a sub-interface that shall be gone into the plan.

    :raises PlanError: it is foreign or in use, and ``force`` was not given
    """
    recorded = draft.links.get(wanted.name)
    link = _tagged_or_named(draft, recorded) if recorded else draft.host.links.get(wanted.name)
    if recorded is None and link is None:
        return
    owned = recorded is not None and (link is None or _is_owned(draft, link, recorded))
    if not owned:
        _check_foreign_removal(t.cast(Link, link), wanted)
    users = _users(draft, wanted.name, link)
    if users and not wanted.force:
        raise PlanError(
            f"{wanted.title} is used by {', '.join(users)}; remove that first, "
            f"or take it away all the same with force: true"
        )
    if users:
        draft.warn(f"{wanted.title} was taken away from {', '.join(users)}")
    _delete(draft, recorded if owned else None, link)
    if recorded is not None:
        draft.do(*(() if link else (Note(f"forget {wanted.name}, which was gone already"),)))
        draft.drop_link(wanted.name)
    if isinstance(recorded, SubInterface):
        release_parent(draft, recorded.parent)


def plan_subinterface_retraction(draft: Draft, wanted: SubInterfaceRetraction) -> None:
    """Work into the plan that a sub-interface is no longer declared: it goes, or stays with those who use it.

    :raises PlanError: something foreign uses it
    """
    recorded = draft.links.get(wanted.name)
    if not isinstance(recorded, SubInterface):
        return
    if draft.is_expected(wanted.name) or draft.networks_on(wanted.name) or draft.subinterfaces_on(wanted.name):
        draft.do(Note(f"leave {recorded.title} to those who use it"))
        draft.put_link(dataclasses.replace(recorded, declared=False))
        return
    plan_subinterface_removal(draft, SubInterfaceRemoval(wanted.name))


def _check_foreign_removal(link: Link, wanted: SubInterfaceRemoval) -> None:
    if link.vlan is None:
        raise PlanError(f"{wanted.title}: this link is no VLAN link, so it is never removed here")
    if not wanted.force:
        raise PlanError(
            f"{wanted.title} was not made here, so it is not removed; "
            f"take it away all the same with force: true"
        )


def _users(draft: Draft, name: str, link: Link | None) -> list[str]:
    """What would be lost with a link: networks, sub-interfaces on it, foreign links on it, its bridge or bond."""
    users = [network.title for network in draft.networks_on(name)]
    users += [other.title for other in draft.subinterfaces_on(name)]
    return users + _foreign_users(draft, link)


def _foreign_users(draft: Draft, link: Link | None) -> list[str]:
    if link is None:
        return []
    above = [f"link {other.name}" for other in draft.host.above(link) if not other.ours]
    master = draft.host.by_index(link.master)
    above += [f"{master.kind} {master.name}" if master.kind else master.name] if master else []
    return above + [f"a link with MAC address {mac} in another namespace" for mac in _foreign_addresses(draft, link)]


def _foreign_addresses(draft: Draft, link: Link) -> list[str]:
    """The MAC addresses of links of others on a link, wherever those are, as far as its filter tells.

    A macvlan that is up has its own put there (drivers/net/macvlan.c, macvlan_open), but for passthru.
    """
    return sorted(draft.host.filters.get(link.index, frozenset()) - draft.known_addresses)


def _tagged_or_named(draft: Draft, owned: OwnedLink) -> Link | None:
    """What carries the tag of an owned link, whatever it is called now, else what has its name."""
    return draft.host.tagged(names.tag(owned.id)) or draft.host.links.get(owned.name)


def _delete(draft: Draft, owned: OwnedLink | None, link: Link | None) -> None:
    if link is None:
        return
    if owned is not None:
        spec = dataclasses.replace(link_spec(owned), name=link.name)
    else:
        base = draft.host.by_index(link.lower)
        spec = LinkSpec(link.name, link.kind, link.alias or None, base.name if base else None, link.mac, link.mtu, vlan=link.vlan)
    draft.do(DeleteLink(HOST, spec, restore=(*link_steps(spec, link.up), *_configuration(draft, link))))


def _configuration(draft: Draft, link: Link) -> t.Iterator[Step]:
    """The steps that give a link what others have put on it: addresses, and routes where they were read."""
    if not link.up:
        return
    for address in draft.host.addresses.get(link.index, ()):
        yield AddAddress(HOST, link.name, address, draft.host.peers.get((link.index, address)))
    for route in routes_put_on(draft.host, link):
        yield AddRoute(HOST, link.name, route)


def release_parent(draft: Draft, name: str) -> None:
    """Take an owned link away if nothing uses it any more and no task declared it."""
    owned = draft.links.get(name)
    if owned is None or owned.declared or draft.is_expected(name):
        return
    if draft.networks_on(name) or draft.subinterfaces_on(name):
        return
    link = _tagged_or_named(draft, owned)
    draft.drop_link(name)
    users = _foreign_users(draft, link)
    if link is not None and (base := _renamed_base(draft, link, owned)) is not None:
        draft.warn(
            f"{link.name} was made here, but its base {base[0]} is called {base[1]} now, so it is kept, as a foreign link; "
            f"delete it, if nobody uses it: ip link delete {link.name}"
        )
    elif link is not None and not _is_owned(draft, link, owned):
        draft.warn(f"{name} has not the tag, VLAN and base of the link that was made here, so it is kept, as a foreign link")
    elif link is not None and users:
        draft.warn(f"{name} was made here, but {', '.join(users)} uses it now, so it is kept, as a foreign link")
        draft.do(SetLink(HOST, link.name, "alias", link.alias, ""))
        return  # and so does its base, which carries it
    else:
        _delete(draft, owned, link)
    if isinstance(owned, SubInterface):
        release_parent(draft, owned.parent)
