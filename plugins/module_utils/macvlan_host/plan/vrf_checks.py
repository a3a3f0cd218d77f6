# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of endpoints that are in a VRF, or are to be in one: few are, so it is imported for those alone."""

from __future__ import annotations

from ..compare.differences import route_phrase
from ..errors import AbsentError, PlanError
from ..model.endpoint import Endpoint
from ..model.links import Link
from ..wire.kinds import kind_of, vrf_of
from .builder import PlanBuilder


def check_vrf(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint, link: Link | None) -> None:
    """Refuse new routes of a link in a VRF, whose routes the owner of the VRF manages.

    :raises PlanError: naming the VRF
    """
    space = builder.space(endpoint.netns)
    vrf = vrf_of(space, link) if space is not None and link is not None else None
    known = {route.identity for route in recorded.all_routes}
    new = [route_phrase(route) for route in endpoint.all_routes if route.identity not in known]
    if endpoint.vrf is not None or recorded.vrf is not None:
        return
    if vrf is not None and link is not None and new:
        without = "" if set(endpoint.routes) - set(recorded.routes) else ", or use default_route: false"
        raise PlanError(
            f"{endpoint.title}: cannot add the route to {new[0]}: {link.name}{endpoint.netns.phrase} is in the VRF "
            f"{vrf.name}, where the collection adds no routes; {advice_to_leave_vrf(endpoint, link.name)}{without}"
        )


def check_own_vrf(builder: PlanBuilder, endpoint: Endpoint, own: Link | None) -> None:
    """Refuse a VRF that is not there, or is none.

    :param own: the link of the endpoint, if there is one
    :raises AbsentError: it is not there
    :raises PlanError: it is another kind of link
    """
    if endpoint.vrf is None:
        return
    vrf = builder.host.links.get(endpoint.vrf)
    if vrf is None:
        present = vrf_of(builder.host, own) if own is not None else None
        creation = f"create the VRF first, for example: ip link add {endpoint.vrf} type vrf table 100, and: ip link set {endpoint.vrf} up"
        if own is not None and present is not None:
            creation = (
                f"its interface {own.name} is in the VRF {present.name}: if this is the VRF under a new name, use vrf: {present.name}, "
                f"or give it its old name back; else {creation}"
            )
        raise AbsentError(f"{endpoint.title}: vrf: there is no link {endpoint.vrf} on this host; {creation}", endpoint.vrf)
    if not kind_of(vrf).is_vrf:
        raise PlanError(f"{endpoint.title}: vrf: {endpoint.vrf} is not a VRF but {f'a {vrf.kind} link' if vrf.kind else 'another link'}")
    if not vrf.up:
        builder.warn(f"{endpoint.title}: its VRF {endpoint.vrf} is down, and carries nothing until its owner brings it up")


def advice_to_leave_vrf(endpoint: Endpoint, ifname: str) -> str:
    """The advice to take a link out of its VRF."""
    return f"take it out of the VRF first: {endpoint.netns.ip} link set dev {ifname} nomaster"
