# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which links and namespaces are ours: the one answer for planning, drift and results."""

from __future__ import annotations

import typing as t

from ..model.endpoint import Endpoint
from ..model.host_view import HostView
from ..model.kernel import Space
from ..model.links import Link, OwnedLink, SubInterface, VlanFacts
from ..model.netns import Netns, OwnedNetns
from ..values import names
from ..wire.kinds import kind_of


def is_ours(link: Link | None, identifier: str, kind: str) -> bool:
    """Whether a link carries the tag of an object and is of its kind."""
    return link is not None and link.kind == kind and link.alias == names.tag(identifier)


class Described(t.Protocol):
    """A link as a step describes it."""

    @property
    def kind(self) -> str:
        """The name of its kind."""

    @property
    def tag(self) -> str | None:
        """The alias that it carries, None for a foreign one."""

    @property
    def vlan(self) -> VlanFacts | None:
        """Its VLAN, None where that does not matter."""


def matches_step(link: Link, wanted: Described, or_untagged: bool = False) -> bool:
    """Whether a link is the one that a step is about: the kind, the VLAN and the tag decide, not the name alone.

    :param or_untagged: a link whose creation was interrupted has no tag yet, and is known by its group
    """
    if link.kind != wanted.kind:
        return False
    if wanted.vlan is not None and (link.vlan is None or link.vlan.vlan_id != wanted.vlan.vlan_id):
        return False
    identifier = names.identifier_of(wanted.tag)
    if link.alias or not or_untagged or identifier is None:
        return link.alias == (wanted.tag or "")
    return link.group == names.group_until_tagged(identifier)


# --- links of the host ----------------------------------------------------------------------------------------------


def base_of(host: Space, link: Link) -> Link | None:
    """The link of the host below one of its links, None if there is none or it is in another namespace."""
    return host.by_index(link.lower) if link.lower_netns is None else None


def tagged_or_named(host: Space, owned: OwnedLink) -> Link | None:
    """The link with the tag of a link of ours, under any name, or else the link with its name."""
    return host.tagged(names.tag(owned.id)) or host.links.get(owned.name)


def is_owned(host: Space, link: Link, owned: OwnedLink) -> bool:
    """Whether a link is the one of the record: its tag, its kind, its VLAN, its base."""
    return is_ours(link, owned.id, owned.kind) and fits(host, link, owned)


def fits(host: Space, link: Link, owned: OwnedLink) -> bool:
    """Whether a link with any tag must be the one of the record, because no two links have the same kind, VLAN and base."""
    if link.kind != owned.kind or not isinstance(owned, SubInterface):
        return link.kind == owned.kind
    base = base_of(host, link)
    return has_vlan_of(link, owned) and base is not None and base.name == owned.parent


def renamed_base(host: Space, link: Link, owned: OwnedLink) -> tuple[str, str] | None:
    """Old and new name of the base of our VLAN link, if the link differs only in the name of its base."""
    if not isinstance(owned, SubInterface) or not is_ours(link, owned.id, owned.kind) or not has_vlan_of(link, owned):
        return None
    base = base_of(host, link)
    return (owned.parent, base.name) if base is not None and owned.parent not in host.links else None


def has_vlan_of(link: Link, sub: SubInterface) -> bool:
    """Whether a link has the VLAN of a sub-interface, on any base."""
    return link.vlan is not None and (link.vlan.vlan_id, link.vlan.protocol) == (sub.vlan_id, sub.protocol)


def is_of_lost_record(link: Link | None, machine: str) -> bool:
    """Whether an unrecorded link comes from a record that was lost: it carries the tag of its own name.

    :param machine: what ids are made of (:attr:`Kernel.host`)
    """
    return link is not None and is_ours(link, names.subinterface_id(machine, link.name), SubInterface.kind)


# --- endpoints ------------------------------------------------------------------------------------------------------


def link_of(view: HostView, endpoint: Endpoint) -> Link | None:
    """The link of a recorded endpoint, None if it is missing."""
    space = view.space(endpoint.netns)
    parent = view.host.links.get(view.networks[endpoint.network].parent)
    return None if space is None else find_link(space, endpoint, parent)


def find_link_of_lost_record(space: Space, identifier: str, netns: Netns, parent: Link, kind: str) -> Link | None:
    """The link of an unrecorded endpoint, which comes from a record that was lost: it carries the endpoint's tag."""
    link = space.tagged(names.tag(identifier))
    is_it = is_ours(link, identifier, kind) and link is not None and link.lower == parent.index and is_on_host(link, netns)
    return link if is_it else None


def find_link(space: Space, endpoint: Endpoint, parent: Link | None) -> Link | None:
    """The link of a recorded endpoint: by its tag, under any name.

    One that lost its tag is known by name, parent and MAC address, or else by an address of it, which no other link of its kind on
    the parent can have. The owner of a namespace can tag a link there, but
    cannot create it on a link of the host.
    """
    tagged = space.tagged(names.tag(endpoint.id))
    if tagged is not None and kind_of(tagged).is_endpoint and is_on_host(tagged, endpoint.netns):
        return tagged if parent is None or tagged.lower == parent.index else None
    link = space.links.get(endpoint.ifname)
    if link is None or not kind_of(link).is_endpoint or link.alias or not _has_address_of(space, link, endpoint):
        return None
    return link if parent is not None and link.lower == parent.index and is_on_host(link, endpoint.netns) else None


def _has_address_of(space: Space, link: Link, endpoint: Endpoint) -> bool:
    """Whether a link has what no other on its parent has: the MAC address of an endpoint, or one of its addresses."""
    if kind_of(link).has_address_once:
        return any(address in endpoint.addresses for address in space.addresses.get(link.index, ()))
    return link.mac == endpoint.mac


def is_on_host(link: Link, netns: Netns) -> bool:
    """Whether the link below a link can be one of the host: in the same namespace for the host's own, in another for the rest."""
    return (link.lower_netns is not None) == bool(netns.path)


# --- namespaces -----------------------------------------------------------------------------------------------------


def has_tag_of_its_name(netns: Netns, loopback: Link | None, machine: str) -> bool:
    """Whether a namespace, recorded or not, carries the tag of its own name.

    :param machine: what ids are made of (:attr:`Kernel.host`)
    """
    if netns.kind != "name" or loopback is None:
        return False
    return loopback.alias == names.tag(names.netns_id(machine, netns.value))


def is_tagged(space: Space, owned: OwnedNetns) -> bool:
    """Whether a namespace carries the tag of one of ours."""
    lo = space.links.get("lo")
    return lo is not None and lo.alias == names.tag(owned.id)


def is_still_ours(view: HostView, netns: Netns, space: Space, owned: OwnedNetns) -> bool:
    """Whether a namespace that is recorded as ours is still the one that was created.

    The tag on its loopback decides. Without any tag it may still be that one, or another one with the same name.
    Then a link with the tag of one of its endpoints, on the right parent, is the evidence: such a link is deleted with
    its namespace, and before a link is created in a namespace that is not ours, the record drops the namespace
    (plan/endpoint_changes.py, align_namespace). A namespace whose loopback has another alias is foreign in any case.
    """
    lo = space.links.get("lo")
    if lo is None or lo.alias:
        return is_tagged(space, owned)
    return any(_holds(view, space, endpoint) for endpoint in view.endpoints_in(netns))


def _holds(view: HostView, space: Space, endpoint: Endpoint) -> bool:
    """Whether a namespace has the link of an endpoint, with its tag."""
    parent = view.host.links.get(view.networks[endpoint.network].parent)
    link = find_link(space, endpoint, parent) if parent is not None else None
    return link is not None and bool(link.alias)
