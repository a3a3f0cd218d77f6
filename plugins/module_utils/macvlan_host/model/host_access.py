# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the host reaches the endpoints of a network by an interface of its own."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..values import validators

ENDPOINTS, RANGES = "endpoints", "ranges"
ROUTES = (ENDPOINTS, RANGES)

# Mode of a network → why no interface of the host reaches its endpoints.
UNREACHABLE = {
    "passthru": "the one endpoint of a passthru network has the parent for itself",
    "private": "the kernel lets links in mode private reach nothing on the same parent",
    "l3": "links in mode l3 exchange neither ARP nor neighbour discovery with the host",
    "l3s": "links in mode l3s exchange neither ARP nor neighbour discovery with the host",
}


@dataclass(frozen=True)
class HostAccess:
    """How the host reaches the endpoints of a network.

    :ivar routes: ``endpoints``: a route to each of them; ``ranges``: a route to each block of addresses that they get
    :ivar metric: of the routes, None for the kernel's default
    """

    routes: str = ENDPOINTS
    metric: int | None = None

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "routes": validators.one_of(*ROUTES),
        "metric": validators.optional(validators.number(0, validators.MAX_UINT32)),
    }

    @classmethod
    def from_plain(cls, data: t.Any) -> HostAccess | None:
        return None if data is None else cls(**validators.fields("host access", data, cls.CHECKS))
