# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phase between two decisions: ask the neighbours of parents whether they have the addresses that a plan gives to endpoints.

Neighbours of a parent that the plan itself creates are asked while it is performed, before the first endpoint on that parent. From
the first question until the endpoints have announced their addresses, the run listens: another machine that announces one of them
in this time has it.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ..errors import KernelError, MacvlanHostError
from ..model.probe import PACES, Conflict, Heard, Pace, Segment
from ..plan import verdict
from ..plan.choices import NO_CHOICES, Choices
from ..plan.probing import Probing, probing_of
from ..values.addresses import version_of
from .tools import Tools

if t.TYPE_CHECKING:
    from ..request.host import AnyRequest
    from ..result.outcome import Outcome
    from .decide import Decision
    from .tools import Prober

# After so many conflicts in a row a subnet is as good as full.
ROUNDS = 5
AT_ONCE = Pace(1, 0.0)


class AddressInUseError(MacvlanHostError):
    """A neighbour has an address, and the plan was undone; with other choices the run can be tried again."""


class ProbeLog:
    """What the probing of a run has come to, over all attempts.

    :ivar choices: for the next decision
    """

    def __init__(self) -> None:
        self.choices = NO_CHOICES
        self._asked: dict[str, set[str]] = {}
        self._seconds = 0.0
        self._conflicts: list[Conflict] = []
        self._rounds = 0
        self._not_probed: dict[str, None] = {}
        self._warnings: dict[str, None] = {}

    def asked(self, questions: t.Mapping[str, t.Collection[str]], seconds: float) -> None:
        for parent, addresses in questions.items():
            self._asked.setdefault(parent, set()).update(addresses)
        self._seconds += seconds

    def not_probed(self, segment: Segment, reason: str, is_warning: bool = True) -> None:
        """Note that neighbours on a parent could not be asked."""
        first, *others = segment.questions
        phrase = f", and {len(others)} more on {segment.parent}, were" if others else " was"
        text = f"{first.ref.title}: {first.address}{phrase} not probed, because {reason}"
        self._not_probed[text] = None
        if is_warning:
            self._warnings[text] = None

    def warn(self, text: str) -> None:
        self._warnings[text] = None

    def choose_again(self, conflicts: t.Sequence[Conflict], segments: t.Iterable[Segment], heard: t.Iterable[Heard]) -> None:
        """Have other addresses chosen instead of those that neighbours have.

        :raises PlanError: there is nothing to choose, or no use in it
        """
        self._conflicts += conflicts
        self._rounds += 1
        verdict.check_not_proxied(self._conflicts, {parent: len(addresses) for parent, addresses in self._asked.items()})
        verdict.check_requested(conflicts)
        if self._rounds >= ROUNDS:
            verdict.refuse_after_all_rounds(conflicts, ROUNDS)
        lost = {item.question for item in conflicts}
        kept = {
            (item.ref, version_of(item.address)): item.address
            for segment in segments
            for item in segment.questions
            if item.is_chosen and item not in lost
        }
        self.choices = Choices(kept, self._in_use(conflicts, heard, kept), self._rounds > 1)

    def leave_away(self, conflicts: t.Sequence[Conflict]) -> None:
        """Have the endpoints that neighbours have addresses of stay away."""
        self._conflicts += conflicts
        reasons = {item.question.ref: verdict.reason_to_leave_away(item) for item in conflicts}
        self.choices = dataclasses.replace(self.choices, left_out={**self.choices.left_out, **reasons})

    def _in_use(
        self, conflicts: t.Iterable[Conflict], heard: t.Iterable[Heard], kept: t.Mapping[t.Any, str]
    ) -> dict[str, frozenset[str]]:
        in_use = {parent: set(addresses) for parent, addresses in self.choices.in_use.items()}
        for parent, address in (*((item.parent, item.question.address) for item in conflicts), *((item.parent, item.address) for item in heard)):
            in_use.setdefault(parent, set()).add(address)
        mine = set(kept.values())
        return {parent: frozenset(addresses - mine) for parent, addresses in in_use.items()}

    def told(self, outcome: Outcome) -> Outcome:
        """The outcome of the run, with what probing has come to."""
        if not self._asked and not self._not_probed:
            return outcome
        probed = {
            "addresses": sum(map(len, self._asked.values())),
            "seconds": round(self._seconds, 3),
            "conflicts": [{"address": item.question.address, "mac": item.mac} for item in self._conflicts],
            "not_probed": list(self._not_probed),
        }
        return outcome._replace(probed=probed, warnings=(*outcome.warnings, *self._warnings))


class Wire:
    """The wire during a run: it is asked, and listened to from the first question until :meth:`hang_up`, each address once.

    :ivar probe_log: what has come of it
    """

    def __init__(self, tools: Tools, request: AnyRequest) -> None:
        self.probe_log = ProbeLog()
        self._tools = tools
        self._request = request
        self._forget()

    def _forget(self) -> None:
        self._prober: Prober | None = None
        self._probing = Probing()
        self._heard: list[Heard] = []
        self._silent: dict[str, str] = {}
        self._added: set[str] = set()
        self._answered: dict[str, set[str]] = {}

    def hang_up(self) -> None:
        """Listen no longer, and forget what was heard, except for what is in the log: the next questions begin another attempt."""
        self.close()
        self._forget()

    def close(self) -> None:
        if self._prober is not None:
            self._prober.close()

    # --- before the plan is performed ---------------------------------------------------------------------------------

    def settle(self, decision: Decision, again: t.Callable[[Choices], Decision]) -> Decision:
        """Ask about the addresses of a decision, and decide again until no neighbour has one.

        :param again: decides with other choices
        :raises PlanError: an address that was requested is in use, or no free one was found
        """
        while True:
            self._probing = probing_of(decision.plan, self._request.default_probe)
            later = self._probing.after
            conflicts = self._ask([segment for segment in self._probing.segments if segment.parent not in later])
            if not conflicts:
                break
            self._note(conflicts)
            decision = again(self.probe_log.choices)
        return decision

    def leave_out(self, decision: Decision, reason: str) -> None:
        """Have it told that check mode does not ask; the real run will."""
        for segment in probing_of(decision.plan, self._request.default_probe).segments:
            self.probe_log.not_probed(segment, reason, is_warning=False)

    def leave_out_new_parents(self) -> None:
        """Have it told that check mode cannot ask on parents which the plan creates."""
        for segment in self._probing.segments:
            if segment.parent in self._probing.after:
                self.probe_log.not_probed(segment, f"{segment.parent} does not exist yet", is_warning=False)

    # --- while the plan is performed ----------------------------------------------------------------------------------

    @property
    def interludes(self) -> dict[int, t.Callable[[], None]]:
        """Number of steps → asks the neighbours of the parents that these steps have created."""
        parents: dict[int, list[Segment]] = {}
        for segment in self._probing.segments:
            if segment.parent in self._probing.after:
                parents.setdefault(self._probing.after[segment.parent], []).append(segment)
        return {position: functools.partial(self._ask_or_refuse, segments) for position, segments in parents.items()}

    def _ask_or_refuse(self, segments: t.Sequence[Segment]) -> None:
        self._refuse(self._ask(segments))

    def check_announced(self) -> None:
        """Refuse addresses that other machines have announced in the meantime.

        :raises AddressInUseError: other addresses can be chosen
        :raises PlanError: they cannot
        """
        if self._prober is None:
            return
        heard = self._prober.heard()
        self._heard += heard
        conflicts = [
            conflict
            for segment in self._probing.segments
            if segment.parent in self._added
            for conflict in verdict.conflicts_of_announcements(
                segment, (item for item in heard if item.parent == segment.parent), segment.parent in self._prober.reflecting
            )
        ]
        self._refuse(conflicts)

    def _refuse(self, conflicts: t.Sequence[Conflict]) -> None:
        if conflicts:
            self._note(conflicts)
            raise AddressInUseError(f"{conflicts[0].question.address} is in use on {conflicts[0].parent}: {conflicts[0].mac} has it")

    def _note(self, conflicts: t.Sequence[Conflict]) -> None:
        """Note conflicts for the next decision.

        :raises PlanError: another decision would be of no use
        """
        if self._request.restores:
            self.probe_log.leave_away(conflicts)
        else:
            self.probe_log.choose_again(conflicts, self._probing.segments, self._heard)

    # --- asking -------------------------------------------------------------------------------------------------------

    def _ask(self, segments: t.Sequence[Segment]) -> list[Conflict]:
        """Ask about what was not asked in this attempt; the conflicts of all that are asked."""
        if not segments:
            return []
        begin = self._tools.clock.now()
        try:
            prober = self._opened()
            self._add(prober, [segment for segment in segments if segment.parent not in self._added])
            heard = [segment for segment in segments if segment.parent not in self._silent]
            questions = self._questions(heard)
            if questions:
                self._ask_and_listen(prober, heard, questions)
                self.probe_log.asked(questions, self._tools.clock.now() - begin)
        except KernelError as exc:
            self._give_up(segments, str(exc))
            return []
        for segment in segments:
            if segment.parent in self._silent:
                self.probe_log.not_probed(segment, f"{segment.parent} {self._silent[segment.parent]}")
        return [
            conflict
            for segment in heard
            for conflict in verdict.conflicts_of_answers(segment, self._heard_on(segment), prober.macs(segment.parent)[0])
        ]

    def _opened(self) -> Prober:
        if self._prober is None:
            self._prober = prober_of(self._tools)
        return self._prober

    def _add(self, prober: Prober, segments: t.Sequence[Segment]) -> None:
        self._silent.update(prober.add(segments))
        for segment in segments:
            if segment.parent not in self._silent:
                self._added.add(segment.parent)
                if prober.asks_by_parent(segment.parent) and not segment.by_parent:
                    self.probe_log.warn(
                        f"{segment.parent} itself probes, because the kernel permits no macvlan link of ours on it now: neighbours "
                        f"on the wire were asked, and links of other programs on {segment.parent} were not"
                    )

    def _questions(self, segments: t.Iterable[Segment]) -> dict[str, list[str]]:
        """Parent → addresses that were not asked for yet."""
        questions: dict[str, list[str]] = {}
        for segment in segments:
            known = self._answered.setdefault(segment.parent, set())
            fresh = [item.address for item in segment.questions if item.address not in known]
            known.update(fresh)
            if fresh:
                questions[segment.parent] = fresh
        return questions

    def _ask_and_listen(self, prober: Prober, segments: t.Sequence[Segment], questions: t.Mapping[str, t.Collection[str]]) -> None:
        pace = self._pace
        prober.ask(questions, pace)
        self._heard += prober.heard()
        unheard = [segment.parent for segment in segments if segment.parent in questions and self._is_unheard(prober, segment)]
        for parent in unheard:
            prober.ask_by_parent(parent)
            self.probe_log.warn(
                f"routers on {parent} answer {parent}, and no link with another MAC address on it, as in clouds and at switches "
                f"with port security: endpoints on {parent} will reach nobody until other MAC addresses are permitted there"
            )
        if unheard:
            prober.ask({parent: questions[parent] for parent in unheard}, pace)
            self._heard += prober.heard()
        self._insist(prober, segments)

    def _insist(self, prober: Prober, segments: t.Iterable[Segment]) -> None:
        """Ask once more for what others want too: those that began later may not have heard the questions before."""
        contested = {
            segment.parent: addresses
            for segment in segments
            if (addresses := verdict.wanted_by_others(segment, self._heard_on(segment), prober.macs(segment.parent)[0]))
        }
        if contested:
            prober.ask(contested, AT_ONCE)
            self._heard += prober.heard()

    def _is_unheard(self, prober: Prober, segment: Segment) -> bool:
        """Whether only frames of the parent itself pass."""
        parent = segment.parent
        return not prober.asks_by_parent(parent) and verdict.lets_only_parent_pass(
            segment, self._heard_on(segment), *prober.macs(parent)
        )

    @property
    def _pace(self) -> Pace:
        return PACES["careful" if self._probing.is_careful else "fast"]

    def _heard_on(self, segment: Segment) -> list[Heard]:
        return [item for item in self._heard if item.parent == segment.parent]

    def _give_up(self, segments: t.Iterable[Segment], reason: str) -> None:
        """Without answers the run goes on, and says so: most refusals of packet sockets last."""
        for segment in segments:
            self._silent[segment.parent] = f"gives no answers ({reason})"
            self.probe_log.not_probed(segment, reason)


def prober_of(tools: Tools) -> Prober:
    """The prober of a run; the caller closes it.

    :raises KernelError: this process can have none
    """
    if tools.prober is not None:
        return tools.prober()
    from ..kernel.probe import Prober as KernelProber

    return KernelProber(tools.clock.now)
