# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks for what the kernel would refuse, so that check mode refuses it too, with advice."""

from __future__ import annotations

import typing as t

from ..errors import PlanError
from ..model.endpoint import Endpoint
from ..model.kernel import Kernel, MovedLink, Space
from ..model.links import ETHERNET, Link
from ..model.network import Network
from ..wire.kinds import LinkKind, kind_of


def problem_of_parent(host: Space, link: Link, wanted: LinkKind, moved_links: t.Iterable[MovedLink] = ()) -> str | None:
    """Why the kernel would refuse a link of an endpoint on a link, with advice.

    The rules are those of drivers/net/macvlan.c, macvlan_port_create, and drivers/net/ipvlan/ipvlan_main.c, ipvlan_link_new.

    :param host: the namespace of the link
    :param wanted: the kind of the links of endpoints
    :param moved_links: links of other programs on its links, in other namespaces
    """
    if link.loopback:
        return f"{link.name} is the loopback and cannot carry {article(wanted.name)} {wanted.name}"
    if link.hardware != ETHERNET:
        return f"{link.name} is not an Ethernet link and cannot carry {article(wanted.name)} {wanted.name}"
    kind = kind_of(link)
    if kind.is_vrf:
        return f"{link.name} is a VRF, which carries no Ethernet frames{_use_a_port(host, link)}"
    if kind.is_closed:
        below = host.by_index(link.lower) if link.lower_netns is None else None
        hint = f"; use {below.name}, the link below it" if below and not kind.excludes(wanted) else ""
        return f"{link.name} is itself {article(link.kind)} {link.kind} link and cannot be a parent{hint}"
    return _problem_of_master(host, link) or _problem_of_links_above(host, link, wanted, moved_links)


def article(kind: str) -> str:
    """The indefinite article before the name of a kind."""
    return "an" if kind[0] in "aeiou" else "a"


def _use_a_port(host: Space, vrf: Link) -> str:
    ports = sorted(item.name for item in host.links.values() if item.master == vrf.index)
    if not ports:
        return "; use a link that is in it"
    return f"; use {ports[0]}, which is in it" if len(ports) == 1 else f"; use one of its ports: {', '.join(ports)}"


def _problem_of_master(host: Space, link: Link) -> str | None:
    if link.master is None:
        return None
    master = host.by_index(link.master)
    if master is None:
        return f"{link.name} is a port of another link, which receives all its frames"
    kind = kind_of(master)
    if kind.leaves_ports_alone:
        return None
    hint = kind.instead_of_port.format(master=master.name)
    return f"{link.name} is a port of {f'{master.kind} {master.name}'.strip()}, which receives all its frames{hint}"


def links_on(host: Space, link: Link, moved_links: t.Iterable[MovedLink]) -> t.Iterator[tuple[Link, str]]:
    """The known links on a link of the host, each with a phrase for its namespace if it is in another one."""
    yield from ((upper, "") for upper in host.above(link))
    yield from ((item.link, item.netns.phrase) for item in moved_links if item.link.lower == link.index)


def _problem_of_links_above(host: Space, link: Link, wanted: LinkKind, moved_links: t.Iterable[MovedLink]) -> str | None:
    for upper, where in links_on(host, link, moved_links):
        # Those of ours in other namespaces are known by the record, and may be about to go.
        if kind_of(upper).excludes(wanted) and not (where and upper.ours):
            return carries(link, upper, where)
    return None


def carries(link: Link, upper: Link, where: str) -> str:
    """Why a link cannot carry ours beside another one, with advice.

    :param where: a phrase for the namespace of that one
    """
    driver = f"use driver: {upper.kind} for the network, " if kind_of(upper).is_endpoint else "use "
    return (
        f"{link.name} carries the {upper.kind} link {upper.name}{where}, which receives all its frames; {driver}another parent, "
        f"or delete {upper.name}"
    )


def check_family(kernel: Kernel, endpoint: Endpoint) -> None:
    """Refuse an endpoint with IPv6 on a kernel without it.

    :raises PlanError: naming its address
    """
    if endpoint.ipv6 is not None and not kernel.has_ipv6:
        raise PlanError(
            f"{endpoint.title}: it has the address {endpoint.ipv6}, and this kernel has no IPv6: it was started with "
            f"ipv6.disable=1, or its module ipv6 is not loaded; change that, or use a network without IPv6 subnets"
        )


def without_ipv6(kernel: Kernel, network: Network) -> str | None:
    """The warning about a network with IPv6 on a kernel without it, which cannot create its endpoints."""
    subnets = [subnet.subnet for subnet in network.subnets if ":" in subnet.subnet]
    if kernel.has_ipv6 or not subnets:
        return None
    return (
        f"{network.title}: it has the subnet {subnets[0]}, and this kernel has no IPv6: it was started with ipv6.disable=1, or "
        f"its module ipv6 is not loaded; its endpoints are refused until that is changed or the network has no IPv6 subnet"
    )
