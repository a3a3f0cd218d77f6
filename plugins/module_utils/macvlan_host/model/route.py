# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..values import inet, validators
from ..values.addresses import block_of

MAIN_TABLE = 254  # RT_TABLE_MAIN, include/uapi/linux/rtnetlink.h
IPV6_CONNECTED_METRIC = 256  # IP6_RT_PRIO_ADDRCONF, include/net/ip6_route.h


@dataclass(frozen=True)
class Route:
    """A route of an endpoint.

    :ivar to: destination network; ``0.0.0.0/0`` or ``::/0`` for everything
    :ivar via: next hop, None for what is on the link itself
    :ivar metric: None for the kernel's default
    :ivar onlink: whether the next hop counts as on the link, whatever the kernel knows of it
    """

    to: str
    via: str | None = None
    metric: int | None = None
    onlink: bool = False

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "to": validators.with_length,
        "via": validators.optional(validators.address),
        "metric": validators.optional(validators.number(0, validators.MAX_UINT32)),
        "onlink": validators.flag,
    }

    @property
    def identity(self) -> tuple[str, str | None, int]:
        """The key by which the kernel compares routes; IPv6 reads "no metric" as 1024 (net/ipv6/route.c)."""
        return self.to, self.via, self.metric or (1024 if ":" in self.to else 0)

    @property
    def shown(self) -> tuple[tuple[str, str | None, int], bool]:
        """What the kernel shows of a route; it finds one by :attr:`identity` alone."""
        return self.identity, self.onlink

    @property
    def destination_and_metric(self) -> tuple[str, int]:
        """Destination and metric; the kernel has one route with both, or one set of next hops."""
        return self.to, self.identity[2]

    @classmethod
    def connected(cls, address: str) -> Route | None:
        """The route that the kernel adds for an address with prefix length, None if it adds none.

        The rules are those of net/ipv4/fib_frontend.c, fib_add_ifaddr, and net/ipv6/addrconf.c, addrconf_prefix_route.
        """
        if ":" in address:
            return cls(inet.network_of(address), None, IPV6_CONNECTED_METRIC)
        return None if address.endswith("/32") else cls(inet.network_of(address))

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Route:
        return cls(**validators.fields("route", data, cls.CHECKS))


def in_order(routes: t.Iterable[Route]) -> list[Route]:
    """Routes in an order in which the kernel accepts them: those that lead to next hops of others come before these.

    A next hop must not be behind another one when its IPv6 route is added (net/ipv6/route.c, ip6_route_check_nh). Routes can
    be deleted in the reverse order, so that undoing that adds them in this one.
    """
    listed = list(routes)
    if len(listed) < 2:
        return listed
    hops = {route.via for route in listed if route.via is not None}
    covering = [route for route in listed if any(hop in block_of(route.to) for hop in hops)]
    leading = [route for route in covering if route.via is None]
    # A default route hides no next hop: what leads to one is more specific.
    hiding = [route for route in covering if route.via is not None and not route.to.endswith("/0")]
    ordered = [*leading, *(route for route in listed if route not in leading and route not in hiding)]
    while hiding:
        free = (route for route in hiding if not any(other.via in block_of(route.to) for other in hiding if other is not route))
        ordered.append(next(free, hiding[0]))
        hiding.remove(ordered[-1])
    return ordered


class OtherRoute(t.NamedTuple):
    """A route that does not lead over one link of its table.

    :ivar destination_and_metric: as of a :class:`Route`
    :ivar kind: what it does: ``blackhole``, ``unreachable`` …, or ``multipath``
    :ivar table: the number of its table
    :ivar over: the link that it leads over, whose own routes are in another table; empty for none
    """

    destination_and_metric: tuple[str, int]
    kind: str
    table: int = MAIN_TABLE
    over: str = ""
