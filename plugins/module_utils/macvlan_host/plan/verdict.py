# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the answers of neighbours mean. Pure.

Any machine that names an address as its own has it. Of two that probe for an address at the same time, RFC 5227 (2.1.1) leaves both
without; here the one whose probing link has the lower MAC address may have it, so that one of two hosts gets it.
"""

from __future__ import annotations

import collections
import typing as t

from ..errors import MistakesError, PlanError
from ..model.probe import Conflict, Heard, Segment, is_group

# A router with proxy ARP answers for everything; a machine does not have most of this many addresses.
FEW = 8


def conflicts_of_answers(segment: Segment, heard: t.Iterable[Heard], asking_mac: str) -> list[Conflict]:
    """The conflicts that neighbours have answered with, before an endpoint exists.

    :param asking_mac: of the link that has asked
    """
    return _conflicts(segment, (item for item in heard if not item.is_probe or item.mac < asking_mac))


def conflicts_of_announcements(segment: Segment, heard: t.Iterable[Heard], is_reflecting: bool) -> list[Conflict]:
    """The conflicts with machines that have announced an address while it was given to an endpoint.

    Another host derives the same MAC address from an address. Its announcement comes from the wire, and the endpoint's own
    does not, unless the wire returns frames.

    :param is_reflecting: whether the wire returns frames
    """
    macs = {question.address: question.mac for question in segment.questions}
    return _conflicts(
        segment,
        (
            item
            for item in heard
            if not item.is_probe and (item.mac != macs.get(item.address) or item.came_in and is_group(item.to) and not is_reflecting)
        ),
    )


def wanted_by_others(segment: Segment, heard: t.Iterable[Heard], asking_mac: str) -> list[str]:
    """The addresses that machines with a higher MAC address want, which must hear that they cannot have them."""
    wanted = {item.address for item in heard if item.is_probe and item.mac > asking_mac}
    return [question.address for question in segment.questions if question.address in wanted]


def _conflicts(segment: Segment, heard: t.Iterable[Heard]) -> list[Conflict]:
    """The first conflict of each question."""
    macs: dict[str, str] = {}
    for item in heard:
        if item.address not in segment.held or item.mac not in segment.own_macs:
            macs.setdefault(item.address, item.mac)
    return [
        Conflict(question, segment.parent, macs[question.address])
        for question in segment.questions
        if question.address in macs
    ]


def lets_only_parent_pass(segment: Segment, heard: t.Iterable[Heard], asking_mac: str, parent_mac: str) -> bool:
    """Whether routers have answered the parent and not the link beside it: clouds, and switches with port security, are so."""
    reached = {item.to for item in heard if item.address in segment.gateways}
    return parent_mac in reached and asking_mac not in reached and not any(map(is_group, reached))


# --- what cannot be helped ------------------------------------------------------------------------------------------


def check_not_proxied(conflicts: t.Sequence[Conflict], asked: t.Mapping[str, int]) -> None:
    """Refuse to go on where one machine answers for most addresses.

    :param conflicts: of the whole run
    :param asked: parent → how many addresses were asked for
    :raises PlanError: naming the machine
    """
    answered = collections.Counter((item.parent, item.mac) for item in conflicts)
    for (parent, mac), count in answered.items():
        if asked.get(parent, 0) >= FEW and 2 * count > asked[parent]:
            raise PlanError(
                f"{mac} answers on {parent} for {count} of {asked[parent]} addresses that were asked for: is it a router with "
                f"proxy ARP? Switch that off on it; or, if nothing has these addresses, set probe: none"
            )


def check_requested(conflicts: t.Sequence[Conflict]) -> None:
    """Refuse conflicts of addresses that the collection has not chosen, so that it cannot choose others.

    :raises PlanError: naming every endpoint, with the address, and the machine that has it
    """
    refused = [item for item in conflicts if not item.question.is_chosen]
    sentences = [
        f"{item.question.ref.title}: {item.question.address} is in use on {item.parent}: the link with the MAC address {item.mac} "
        f"has it, or wants it; take it away from there, or give this endpoint another address"
        for item in refused
    ]
    _refuse(sentences)


def reason_to_leave_away(conflict: Conflict) -> str:
    """Why a recorded endpoint is not restored, a sentence."""
    return (
        f"{conflict.question.ref.title}: {conflict.question.address} is in use on {conflict.parent}: the link with the MAC address "
        f"{conflict.mac} has it; take it away from there, or run the endpoint's task with another address"
    )


def refuse_after_all_rounds(conflicts: t.Sequence[Conflict], rounds: int) -> t.NoReturn:
    """Refuse conflicts that other choices have not solved.

    :raises PlanError: naming every endpoint, with the last address, and the machine that has it
    """
    _refuse(
        [
            f"{item.question.ref.title}: no free address was found in {rounds} attempts; the last one, {item.question.address}, is in use "
            f"on {item.parent}: the link with the MAC address {item.mac} has it, or wants it; give the subnet an ip_range that "
            f"only this host uses"
            for item in conflicts
        ]
    )
    raise PlanError("no free address was found")


def _refuse(sentences: list[str]) -> None:
    if len(sentences) > 1:
        raise MistakesError(sentences)
    if sentences:
        raise PlanError(sentences[0])
