# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which links and namespaces are ours: the one answer for planning, drift and results."""

from __future__ import annotations

from ..model.endpoint import Endpoint
from ..model.host_view import HostView
from ..model.kernel import Space
from ..model.links import Link
from ..model.netns import Netns, OwnedNetns
from ..values import names
from ..wire.kinds import kind_of


def is_ours(link: Link | None, identifier: str, kind: str) -> bool:
    """Whether a link carries the tag of an object and is of its kind."""
    return link is not None and link.kind == kind and link.alias == names.tag(identifier)


def find_link(space: Space, endpoint: Endpoint, parent: Link | None) -> Link | None:
    """The link of a recorded endpoint: by its tag, under whichever name.

    One that lost its tag is known by name, MAC address and parent. The owner of a namespace can tag a link there, but
    cannot create it on a link of the host.
    """
    tagged = space.tagged(names.tag(endpoint.id))
    if tagged is not None and kind_of(tagged).is_endpoint and is_on_host(tagged, endpoint.netns):
        return tagged if parent is None or tagged.lower == parent.index else None
    link = space.links.get(endpoint.ifname)
    if link is None or not kind_of(link).is_endpoint or link.alias or link.mac != endpoint.mac:
        return None
    return link if parent is not None and link.lower == parent.index and is_on_host(link, endpoint.netns) else None


def is_on_host(link: Link, netns: Netns) -> bool:
    """Whether what a link in a namespace sits on is elsewhere, as the host is for others, or here, as for itself."""
    return (link.lower_netns is not None) == bool(netns.path)


def is_made_here(view: HostView, netns: Netns, space: Space, owned: OwnedNetns) -> bool:
    """Whether a namespace that is recorded as ours is still the one that was created.

    The tag on its loopback decides. Without any tag it may be that one still, or another one that was created under its
    name. Then the evidence is a link with the tag of one of its endpoints, on the right parent: such a link goes with
    its namespace, and before one is made in another namespace the record lets go of that (plan/endpoint.py,
    align_namespace). A namespace whose loopback has another alias is foreign, whatever else it contains.
    """
    lo = space.links.get("lo")
    if lo is None or lo.alias:
        return lo is not None and lo.alias == names.tag(owned.id)
    return any(_holds(view, space, endpoint) for endpoint in view.endpoints_in(netns))


def _holds(view: HostView, space: Space, endpoint: Endpoint) -> bool:
    """Whether a namespace has the link of an endpoint, with its tag."""
    parent = view.host.links.get(view.networks[endpoint.network].parent)
    link = find_link(space, endpoint, parent) if parent is not None else None
    return link is not None and bool(link.alias)
