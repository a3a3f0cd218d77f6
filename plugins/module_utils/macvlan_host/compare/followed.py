# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognises links that were renamed, or that have returned under another name, below recorded objects; and their VRFs."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..model.endpoint import Endpoint
from ..model.kernel import Kernel, Space
from ..model.link_identity import LinkIdentity
from ..model.links import Link, OwnedLink, SubInterface
from ..model.netns import HOST
from ..model.network import Network
from ..model.record import Record
from ..values import names
from .host_identity import hardware_of
from .ownership import base_of, find_link, has_vlan_of, is_ours
from .parent_links import identity_of, on_links

# Permanent MAC address → the one link that has it.
Hardware = t.Mapping[str, Link]


class Renamed(t.NamedTuple):
    """An object whose parent, base or VRF has another name than recorded.

    :ivar title: of that object
    :ivar word: what the link is to it: its parent, its base, or its VRF
    """

    title: str
    word: str
    old: str
    new: str

    @property
    def warning(self) -> str:
        """What the user of a run is told, once."""
        return f"{self._fact}; the record follows"

    @property
    def notice(self) -> str:
        """What is told when nothing is recorded."""
        return f"{self._fact}; the next task that changes this host, or its restoration, records that"

    @property
    def _fact(self) -> str:
        return f"{self.title}: its {self.word} {self.old} is called {self.new} now"

    @property
    def step(self) -> str:
        """What is done."""
        return f"record that the {self.word} {self.old} of {self.title} is called {self.new} now"


class Followed(t.NamedTuple):
    """The record with the present names of all parents, bases and VRFs, and what differs from the stored one."""

    record: Record
    renamed: tuple[Renamed, ...] = ()


def followed(record: Record, kernel: Kernel) -> Followed:
    """The record, with the names that the links below its objects, and the VRFs of these, have now."""
    host = kernel.spaces[HOST.path] or Space()
    hardware = _by_hardware(host)
    renamed: list[Renamed] = []
    present: dict[int, Network | SubInterface] = {}
    for item in on_links(record):
        link = _carrier(item, record, kernel, host) or link_below(item, host, hardware, kernel.boot_id)
        if link is None or link.name == item.parent or not _can_be_recorded(link, record):
            continue
        word = "base" if isinstance(item, SubInterface) else "parent"
        renamed.append(Renamed(item.title, word, item.parent, link.name))
        identity = _with_former(identity_of(link, kernel.boot_id, item.parent_link), item.parent, link.name)
        present[id(item)] = dataclasses.replace(item, parent=link.name, parent_link=identity)
    in_renamed_vrf: dict[tuple[str, str], Endpoint] = {}
    for endpoint in record.endpoints.values():
        vrf = link_called(endpoint.vrf, host)
        if vrf is not None and endpoint.vrf is not None:
            renamed.append(Renamed(endpoint.title, "VRF", endpoint.vrf, vrf.name))
            in_renamed_vrf[endpoint.key] = dataclasses.replace(endpoint, vrf=vrf.name)
    if not renamed:
        return Followed(record)
    networks = {name: t.cast(Network, present.get(id(item), item)) for name, item in record.networks.items()}
    links = {name: t.cast(OwnedLink, present.get(id(item), item)) for name, item in record.links.items()}
    endpoints = {**record.endpoints, **in_renamed_vrf}
    return Followed(dataclasses.replace(record, networks=networks, links=links, endpoints=endpoints), tuple(renamed))


def link_called(name: str | None, host: Space) -> Link | None:
    """The link that has a name as an alternative one, unless a link is named so; nothing else tells a renamed VRF from another one."""
    if name is None or name in host.links:
        return None
    holder = host.with_altname(name)
    return holder if holder is not None and names.interface_name_problem(holder.name) is None else None


def _carrier(item: Network | SubInterface, record: Record, kernel: Kernel, host: Space) -> Link | None:
    """The link of the host below a link of ours: of the sub-interface itself, or of an endpoint, if nothing else is known."""
    if isinstance(item, SubInterface):
        link = host.tagged(names.tag(item.id))
        is_it = link is not None and is_ours(link, item.id, item.kind) and has_vlan_of(link, item)
        return base_of(host, link) if is_it and link is not None else None
    if item.parent_link is not None or host.named(item.parent) is not None:
        return None
    for endpoint in record.endpoints.values():
        space = kernel.spaces.get(endpoint.netns.path) if endpoint.network == item.name else None
        link = find_link(space, endpoint, None) if space is not None else None
        if link is not None:
            return host.by_index(link.lower)
    return None


def link_below(item: Network | SubInterface, host: Space, hardware: Hardware, boot_id: str) -> Link | None:
    """The link of the host that an object is on, under any name; None where there is none.

    In the boot that it was seen in, its index is the evidence; after that, or when it was away, the MAC address of its
    hardware, if no other link has that; else its name, be it an alternative one.
    """
    known = item.parent_link
    if known is not None:
        link = host.by_index(known.index) if known.boot_id == boot_id else None
        if link is not None and _can_be(link, known, item.parent):
            return link
        link = hardware.get(known.permanent_mac or "")
        if link is not None:
            return link
    return host.named(item.parent)


def _can_be(link: Link, known: LinkIdentity, name: str) -> bool:
    """Whether a link with the index of a known one can be that one.

    A container that is started again gives the same indexes to other links, in one boot of the kernel. Such a link has
    another MAC address.
    """
    if known.permanent_mac is not None:
        return link.permanent_mac == known.permanent_mac
    return link.name == name or link.mac == known.mac


def _by_hardware(host: Space) -> Hardware:
    """The links that are the only ones with their permanent MAC address, by that."""
    links = hardware_of(host)
    several = collections.Counter(link.permanent_mac for link in links)
    return {link.permanent_mac: link for link in links if several[link.permanent_mac] == 1}


def _can_be_recorded(link: Link, record: Record) -> bool:
    """Whether a record can hold the name of a link, which other programs may have set to any bytes."""
    return names.interface_name_problem(link.name) is None and link.name not in record.links


def _with_former(identity: LinkIdentity | None, old: str, new: str) -> LinkIdentity | None:
    if identity is None:
        return None
    former = (*(name for name in identity.former if name not in (old, new)), old)
    return dataclasses.replace(identity, former=former)
