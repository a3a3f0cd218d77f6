# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory as the store of the fleet's plan: places stand in it, and slices follow from them."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.lint import lint
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import HostOfFleet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_hosts, read_places, read_segments
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.slices import as_subnets, number_of_slices, places_of, slices_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.problems import Problems


def subnets_of_place(given: t.Any, place: t.Any) -> dict[str, list[dict[str, t.Any]]]:
    """Segment → the option ``subnets`` of a network of the host with a place.

    :param given: the segments as users write them
    :param place: a place, a list of them, or a dictionary of segments with these
    :raises OptionsError: naming every problem
    :raises MissingLibraryError: netaddr is not installed
    """
    segments = read_segments(given)
    problems = Problems()
    if place is None:
        problems.problem("place is empty; give the host a place, such as the variable place in the inventory")
    host = HostOfFleet("", read_places(problems, "place", place, segments))
    for segment in segments:
        for item in segment.subnets:
            number = number_of_slices(item)
            for beyond in (taken for taken in places_of(host, segment) if taken >= number):
                problems.problem(
                    f"place {beyond} is not in segment {segment.name}: {item.subnet.subnet} has {number} slices of /{item.slice_length}, "
                    f"with the places 0 to {number - 1}"
                )
    problems.finish()
    return {
        segment.name: as_subnets(segment, slices_of(host, segment), written["subnets"])
        for segment, written in zip(segments, given)
        if places_of(host, segment)
    }


def problems_of_fleet(given: t.Any, hosts: t.Any) -> list[str]:
    """What is wrong with the hosts of a fleet, a sentence each.

    :raises OptionsError: the segments or the hosts cannot be read
    :raises MissingLibraryError: netaddr is not installed
    """
    segments = read_segments(given)
    return lint(segments, read_hosts(hosts, segments))
