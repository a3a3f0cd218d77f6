# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links below our objects that are not ours: what they are known by is recorded, so that they can be recognised."""

from __future__ import annotations

import dataclasses
import typing as t

from ..model.kernel import Space
from ..model.link_identity import LinkIdentity, former_names
from ..model.links import Link, OwnedLink, SubInterface
from ..model.network import Network
from ..model.record import Record

OnLink = t.TypeVar("OnLink", Network, SubInterface)


def with_identities(record: Record, before: Record, host: Space, boot_id: str) -> Record:
    """The record, with what the links below its objects are known by now.

    A link that is not there stays known as it was; one that a plan creates has no index yet.

    :param before: the record with what the links were known by, and with their present names
    """
    seen = identities(before)

    def now(parent: str) -> LinkIdentity | None:
        link = host.links.get(parent)
        if parent in record.links:
            return None
        return seen.get(parent) if link is None else identity_of(link, boot_id, seen.get(parent))

    def known(item: OnLink) -> OnLink:
        below = now(item.parent)
        return item if below == item.parent_link else dataclasses.replace(item, parent_link=below)

    networks = {name: known(network) for name, network in record.networks.items()}
    links: dict[str, OwnedLink] = {name: known(link) if isinstance(link, SubInterface) else link for name, link in record.links.items()}
    return dataclasses.replace(record, networks=networks, links=links)


def identities(record: Record) -> dict[str, LinkIdentity]:
    """Name → what the link is known by, of all recorded parents and bases that are not ours."""
    return {item.parent: item.parent_link for item in on_links(record) if item.parent_link is not None}


def on_links(record: Record) -> t.Iterator[Network | SubInterface]:
    """The networks and sub-interfaces that are on links which are not ours."""
    subs = (link for link in record.links.values() if isinstance(link, SubInterface))
    items: tuple[Network | SubInterface, ...] = (*record.networks.values(), *subs)
    return (item for item in items if item.parent not in record.links)


def identity_of(link: Link, boot_id: str, before: LinkIdentity | None = None) -> LinkIdentity | None:
    """What a link is known by; None if it does not exist yet."""
    if link.index <= 0:
        return None
    return LinkIdentity(link.index, boot_id, link.mac, link.permanent_mac or None, former_names(before))
