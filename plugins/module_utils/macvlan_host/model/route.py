# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..values import inet, validators

IPV6_CONNECTED_METRIC = 256  # IP6_RT_PRIO_ADDRCONF, include/net/ip6_route.h


@dataclass(frozen=True)
class Route:
    """A route of an endpoint.

    :ivar to: destination network; ``0.0.0.0/0`` or ``::/0`` for everything
    :ivar via: next hop, None for what is on the link itself
    :ivar metric: None for the kernel's default
    """

    to: str
    via: str | None = None
    metric: int | None = None

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "to": validators.with_length,
        "via": validators.optional(validators.address),
        "metric": validators.optional(validators.number(0, validators.MAX_UINT32)),
    }

    @property
    def identity(self) -> tuple[str, str | None, int]:
        """The key by which the kernel compares routes; IPv6 reads "no metric" as 1024 (net/ipv6/route.c)."""
        return self.to, self.via, self.metric or (1024 if ":" in self.to else 0)

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


class OtherRoute(t.NamedTuple):
    """A route of the main table that does not lead over one link.

    :ivar destination_and_metric: as of a :class:`Route`
    :ivar kind: what it does: ``blackhole``, ``unreachable`` …, or ``multipath``
    """

    destination_and_metric: tuple[str, int]
    kind: str
