# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IPv4 address that an endpoint sends from: of the addresses in a subnet, the kernel takes the one that it got first."""

from __future__ import annotations

import typing as t

from ..model.endpoint import Endpoint
from ..values import inet


def addresses_to_add_again(endpoint: Endpoint, recorded: Endpoint, present: t.Container[str]) -> tuple[str, ...]:
    """The further addresses that the link of an endpoint has, and that must come after its IPv4 address.

    An endpoint that is created has its addresses in this order, so one that is changed or repaired has them so too
    (net/ipv4/devinet.c, inet_select_addr).

    :param present: the addresses that the link has before any change
    """
    first = endpoint.ipv4
    if first is None or not endpoint.further or first == recorded.ipv4 and first in present:
        return ()
    subnet = inet.network_of(first)
    return tuple(item for item in endpoint.further if item in present and inet.network_of(item) == subnet)
