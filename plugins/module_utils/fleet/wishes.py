# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts of a fleet wish, as users write it in a task."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Segment, Wish
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import distinct_places, read_addresses
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.slices import EVERYWHERE
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.problems import Problems, prefixed
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names, validators

# More would be a mistake in most cases, and a slice for each of them.
MAX_ADDRESSES = 65536
# No subnet has more slices.
MAX_PLACE = 2**64

_MACHINE_ID = re.compile(r"[0-9a-f]{32}\Z")

Given = t.Mapping[str, t.Any]


def read_wishes(given: t.Sequence[Given], segments: t.Sequence[Segment]) -> list[Wish]:
    """The hosts of a task.

    :param given: the option hosts of macvlan_fleet, of the right types
    :raises OptionsError: naming every problem
    :raises MissingLibraryError: netaddr is not installed
    """
    problems = Problems()
    known = {segment.name for segment in segments}
    seen: set[str] = set()
    wishes = []
    for position, item in enumerate(given):
        wish = _wish(problems, f"hosts[{position}]", item, known)
        if wish.name in seen:
            problems.problem(f"hosts: {wish.name[:80]} stands there twice; write each host once")
        seen.add(wish.name)
        wishes.append(wish)
    problems.finish()
    return wishes


def _wish(problems: Problems, option: str, given: Given, known: t.Collection[str]) -> Wish:
    name, former = str(given["name"]), given.get("renamed_from") or ""
    problems.problem(prefixed(f"{option}.name", names.inventory_name_problem(name)))
    if former:
        problems.problem(prefixed(f"{option}.renamed_from", names.inventory_name_problem(former)))
    if former == name:
        problems.problem(f"{option}.renamed_from: {name[:80]} is the name itself; write the former name, or leave this out")
    uuid = (given.get("uuid") or "").lower()
    if uuid and not validators.uuid(uuid):
        problems.problem(f"{option}.uuid: {uuid[:80]!r} is no UUID such as 6f1c0a54-d2b9-4e77-a5a1-c9d04be8f213")
    machine = (given.get("machine_id") or "").strip()
    if machine and not _MACHINE_ID.match(machine):
        problems.problem(f"{option}.machine_id: {machine[:80]!r} is not the content of /etc/machine-id, which has 32 hexadecimal digits")
        machine = ""
    places = {EVERYWHERE: _places(problems, f"{option}.place", given["place"])} if given.get("place") else {}
    needs = given.get("needs")
    return Wish(
        name,
        None if needs is None else _needs(problems, f"{option}.needs", needs, known, places),
        places,
        read_addresses(problems, f"{option}.own_addresses", given.get("own_addresses")),
        uuid,
        # A machine-id is not for others to know (machine-id(5)).
        names.digest("machine", machine).hex()[:16] if machine else "",
        bool(given.get("replaced")),
        former,
    )


def _needs(problems: Problems, option: str, given: t.Sequence[Given], known: t.Collection[str], places: dict[str, tuple[int, ...]]) -> dict[str, int]:
    """Segment → number of addresses; the places of single segments are added to the others."""
    needs: dict[str, int] = {}
    for position, item in enumerate(given):
        segment, count = str(item["segment"]), item.get("addresses")
        if segment not in known:
            problems.problem(f"{option}[{position}].segment: there is no segment {segment[:80]}; there are {', '.join(sorted(known)) or 'none'}")
        if segment in needs:
            problems.problem(f"{option}: {segment[:80]} stands there twice; write each segment once")
        problems.number(f"{option}[{position}].addresses", count, 1, MAX_ADDRESSES)
        needs[segment] = 1 if count is None else count
        if item.get("place") is not None:
            places[segment] = _places(problems, f"{option}[{position}].place", item["place"])
    return needs


def _places(problems: Problems, option: str, given: t.Sequence[int]) -> tuple[int, ...]:
    for place in given:
        problems.number(option, place, 0, MAX_PLACE)
    return distinct_places(problems, option, given)
