# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a fleet, and which parts of a wire are whose where hosts have slices."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.problems import problems_of
from ansible_collections.fleetnet.macvlan.tests.unit.fleet_answers import answer, endpoint, network, report


def wrong(answers: dict[str, t.Any], segments: t.Any = (), **options: t.Any) -> list[str]:
    return problems_of(report(answers, segments), **options)


SEGMENT = {"name": "lan50", "subnets": [{"subnet": "10.0.0.0/24", "slice_length": 28}]}


def sliced(*slices: tuple[str, str | None], name: str = "lan") -> dict[str, t.Any]:
    """A network with slices, each with the host that has it by now."""
    listed = [{"subnet": "10.0.0.0/24", "slice": block, "generation": 1, "lost_to": lost_to} for block, lost_to in slices]
    return network(name, "10.0.0.0/24", segment="lan50", slices=listed)


def test_hosts_with_slices_of_their_own_share_a_subnet_and_nothing_is_wrong():
    answers = {"a": answer(sliced(("10.0.0.0/28", None))), "b": answer(sliced(("10.0.0.16/28", None)))}
    assert wrong(answers, [SEGMENT]) == wrong(answers) == []
    (wire,) = report(answers, [SEGMENT]).wires
    assert [(band.block, band.owners) for band in wire.maps[0].bands if band.owners] == [("10.0.0.0/28", ("a",)), ("10.0.0.16/28", ("b",))]


def test_the_same_slice_on_two_hosts_is_wrong_and_one_that_is_known_as_lost_is_told_as_that():
    both = {"a": answer(sliced(("10.0.0.0/28", None))), "b": answer(sliced(("10.0.0.0/28", None)))}
    (told,) = wrong(both, [SEGMENT])
    assert told.startswith("10.0.0.0/28 in 10.0.0.0/24 of lan50 is given out by a and by b; ")
    by_now = "in the slice 10.0.0.0/28 of segment lan50, which b owns by now"
    drift = {"object": "endpoint lan/web", "field": "slice_lost", "recorded": "10.0.0.3/24", "actual": by_now}
    lost = {**both, "a": answer(sliced(("10.0.0.0/28", "b")), endpoint("web", "10.0.0.3/24"), drift=[drift])}
    assert wrong(lost, [SEGMENT])[:2] == [
        "a: network lan: b has the slice 10.0.0.0/28 by now; no new address is given out of it here",
        f"a: endpoint lan/web has 10.0.0.3/24, {by_now}",
    ]


def test_the_segment_that_a_network_names_is_its_wire():
    other = {"name": "lan60", "subnets": SEGMENT["subnets"], "isolated": True}
    wires = {wire.name: wire.hosts for wire in report({"a": answer(sliced(("10.0.0.0/28", None)))}, [other, SEGMENT]).wires}
    assert wires == {"lan50": ("a",), "lan60": ()}


def test_hosts_that_share_no_wire_may_have_the_same_but_not_on_a_segment():
    answers = {name: answer(network("lan", "10.0.0.0/24"), endpoint("web", "10.0.0.3/24", mac="02:42:0a:00:00:03")) for name in ("a", "b")}
    assert len(wrong(answers)) == 3 and wrong(answers, isolated=True) == []
    assert len(wrong(answers, [SEGMENT], isolated=True)) == 3


def test_hosts_that_have_not_answered_are_wrong():
    assert wrong({"a": {"unreachable": True, "msg": "no route"}, "b": {"failed": True, "msg": "newer"}, "c": None}) == [
        "a cannot be reached, so nothing is known of its addresses: no route",
        "b cannot be read, so nothing is known of its addresses: newer",
        "c cannot be reached, so nothing is known of its addresses: the host has given no answer",
    ]
