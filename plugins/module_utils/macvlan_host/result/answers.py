# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has which address on a wire, for people: by the answers of neighbours and by the record."""

from __future__ import annotations

import typing as t

from ..model.probe import Heard, is_group
from ..values import inet
from .listing import table

HEADINGS = ["ADDRESS", "MAC", "HOLDER"]
OTHER = "another machine"


class Holder(t.NamedTuple):
    """The recorded holder of an address.

    :ivar title: ``endpoint net/web``, ``gateway of 192.168.50.0/24``
    :ivar mac: of the link of an endpoint; None for what another machine is to have
    """

    title: str
    mac: str | None = None


class Answers(t.NamedTuple):
    """The lines of the table, and whether a machine has an address that the record gives to nobody or to an endpoint.

    :ivar told: the same for programs
    """

    lines: list[str]
    has_strangers: bool
    told: dict[str, t.Any]


def answers_of(heard: t.Iterable[Heard], holders: t.Mapping[str, Holder], asked: int, parent_mac: str) -> Answers:
    """The answers of neighbours.

    :param holders: address → who has it by the record
    :param asked: how many addresses were asked for
    :param parent_mac: endpoints of this host do not answer it, so whoever does is another machine
    """
    cells: dict[tuple[str, str], set[str]] = {}
    for item in heard:
        if not item.is_probe:
            cells.setdefault((item.address, item.mac), set()).add(_who(item, holders.get(item.address), parent_mac))
    rows = sorted(cells.items(), key=lambda row: (":" in row[0][0], inet.number(row[0][0]), row[0][1]))
    lines = table(HEADINGS, [[address, mac, ", and ".join(sorted(who, reverse=True))] for (address, mac), who in rows]) if rows else []
    in_use = len({address for address, dummy in cells})
    phrase = f"asked for {asked} address{'' if asked == 1 else 'es'}, of which {in_use} {'is' if in_use == 1 else 'are'} in use"
    told = {
        "asked": asked,
        "answers": [{"address": address, "mac": mac} for (address, mac), dummy in rows],
        "holders": [sorted(who, reverse=True) for dummy, who in rows],
    }
    return Answers([*lines, phrase], any(OTHER in who for who in cells.values()), told)


def _who(item: Heard, holder: Holder | None, parent_mac: str) -> str:
    if holder is None:
        return OTHER
    if holder.mac is None:
        return holder.title
    # An announcement of an endpoint of this host does not come from the wire.
    is_outside = item.to == parent_mac or item.came_in and is_group(item.to)
    return holder.title if item.mac == holder.mac and not is_outside else OTHER
