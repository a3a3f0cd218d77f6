# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reconstructs parts of a lost record from links: the tag of an object follows from its name. Pure."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from ..compare.ownership import base_of, has_tag_of_its_name, is_of_lost_record
from ..model.kernel import Space
from ..model.links import Link, SubInterface
from ..model.netns import HOST, Netns, OwnedNetns
from ..model.record import Record
from ..values import names


@dataclass(frozen=True)
class Rebuilt:
    """A reconstructed record.

    :ivar recorded_again: the objects that were recorded again, a title each
    :ivar unknown: links and namespaces with an unknown tag, a phrase each
    """

    record: Record
    recorded_again: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def rebuild(record: Record, host: str, spaces: t.Mapping[Netns, Space]) -> Rebuilt:
    """Add the sub-interfaces and namespaces that carry the tag of their own name.

    The link of a sub-interface has all of its options; it counts as declared, because the link does not show whether a task
    declared it. The names of an endpoint cannot be computed from its link.

    :param host: what ids are made of (:attr:`Kernel.host`)
    :param spaces: the host's own namespace and the named ones
    """
    objects = (*record.links.values(), *record.namespaces.values(), *record.endpoints.values())
    known = {names.tag(item.id) for item in objects}
    links, namespaces = dict(record.links), dict(record.namespaces)
    recorded: list[str] = []
    unknown: list[str] = []
    for netns, space in spaces.items():
        for link in space.links.values():
            if not link.ours or link.alias in known:
                continue
            sub = _subinterface(host, space, link) if netns == HOST else None
            owned = _namespace(host, netns, link)
            if sub is not None:
                links[sub.name] = sub
                recorded.append(sub.title)
            elif owned is not None:
                namespaces[owned.name] = owned
                recorded.append(netns.title)
            else:
                unknown.append(f"{link.name} in {netns.title}")
    return Rebuilt(dataclasses.replace(record, links=links, namespaces=namespaces), tuple(recorded), tuple(unknown))


def _subinterface(host: str, space: Space, link: Link) -> SubInterface | None:
    base = base_of(space, link)
    if not is_of_lost_record(link, host) or link.vlan is None or base is None:
        return None
    return SubInterface(
        names.subinterface_id(host, link.name),
        link.name,
        base.name,
        mtu=None if link.mtu == base.mtu else link.mtu,
        mac=None if link.mac == base.mac else link.mac,
        up=link.up,
        declared=True,
        **{item.name: getattr(link.vlan, item.name) for item in dataclasses.fields(link.vlan)},
    )


def _namespace(host: str, netns: Netns, link: Link) -> OwnedNetns | None:
    is_it = link.loopback and has_tag_of_its_name(netns, link, host)
    return OwnedNetns(names.netns_id(host, netns.value), netns.value) if is_it else None
