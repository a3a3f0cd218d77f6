# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts that are gone, and what was heard of their slices, as users write it in a task."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.reclaim import Answer, Wanted
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.problems import Problems
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import (
    block_of,
    parse_interface_address,
    parse_mac,
    parse_network,
    without_prefix,
)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,6})([smhd])\Z")

Given = t.Mapping[str, t.Any]


def read_wanted(params: Given) -> Wanted:
    """The options of macvlan_fleet_reclaim, of the right types, without those of segments and of the store.

    :raises OptionsError: naming every problem
    :raises MissingLibraryError: netaddr is not installed
    """
    problems = Problems()
    if params["store"] == "inventory":
        problems.problem("store: inventory has nothing that could be taken back; edit place of the hosts in the inventory instead")
    grace, quarantine = (_duration(problems, option, params[option]) for option in ("grace", "quarantine"))
    probed = None if params["probed"] is None else _probed(problems, params["probed"])
    problems.finish()
    return Wanted(tuple(params["hosts"]), grace, quarantine, probed)


def _duration(problems: Problems, option: str, text: str) -> int:
    match = _DURATION.match(text)
    if match is None:
        problems.problem(f"{option}: {text[:40]!r} is no duration such as 30m, 24h or 7d")
        return 0
    return int(match[1]) * _UNITS[match[2]]


def _probed(problems: Problems, given: t.Sequence[Given]) -> dict[tuple[str, str], tuple[Answer, ...]]:
    heard: dict[tuple[str, str], tuple[Answer, ...]] = {}
    for position, item in enumerate(given):
        option = f"probed[{position}]"
        parsed = problems.parsed(f"{option}.slice", parse_network, item["slice"])
        if parsed is None:
            continue
        block, is_changed = parsed
        if is_changed:
            problems.problem(f"{option}.slice: {item['slice']} does not begin where its block does; write the slice as it is under due")
        key = (item["segment"], block)
        answers = [_answer(problems, f"{option}.answers[{index}]", block, answer) for index, answer in enumerate(item["answers"])]
        # Several hosts may have asked.
        heard[key] = heard.get(key, ()) + tuple(answer for answer in answers if answer is not None)
    return heard


def _answer(problems: Problems, option: str, block: str, given: Given) -> Answer | None:
    address = problems.parsed(f"{option}.address", parse_interface_address, given["address"])
    mac = problems.parsed(f"{option}.mac", parse_mac, given["mac"])
    if address is None or mac is None:
        return None
    if without_prefix(address) not in block_of(block):
        problems.problem(f"{option}.address: {address} is not in {block}")
    return Answer(without_prefix(address), mac)
