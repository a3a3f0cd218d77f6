# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order cases run: all ways in turn, again and again, until each has had its repeats or its time."""

from __future__ import annotations

import dataclasses
import sys
import time
import typing as t
from collections.abc import Iterator, Sequence

from ansible_collections.fleetnet.macvlan.tests.support.machine import Machine

from .case import Case, CaseError
from .contestants import Way
from .job import Result

PLACEMENTS = {"apart": "each in its own namespace", "together": "all in one namespace"}


# A case is not tried when it would take so many times its bound, foreseen from sizes that much smaller at most.
HOPELESS, FORESIGHT = 2, 10
RunCase = t.Callable[[Case], None]


@dataclasses.dataclass
class Contest:
    """One way at one size and placement, as far as it has come."""

    way: Way
    size: int
    placement: str
    runs: list[dict[str, Result]] = dataclasses.field(default_factory=list)
    spent: float = 0.0
    reason: str | None = None

    @property
    def title(self) -> str:
        return f"{self.way.name} {self.size} {self.placement}"


class Schedule:
    """Runs cases; what did not run is kept with its reason."""

    def __init__(self, ways: Sequence[Way], repeats: int, bound: float, run: RunCase) -> None:
        self._ways, self._repeats, self._bound, self._run = ways, repeats, bound, run
        self._out: dict[tuple[str, str], str] = {}
        self._programs: dict[str, str] = {}
        self._taken: dict[tuple[str, str], dict[int, float]] = {}
        self._keeper = Machine()

    def __enter__(self) -> Schedule:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._keeper.close()

    def exclude(self, way: Way, reason: str) -> None:
        for placement in PLACEMENTS:
            self._out[way.name, placement] = reason

    def use(self, programs: dict[str, str]) -> None:
        self._programs = programs

    def contests(self, sizes: Sequence[int], placements: Sequence[str]) -> Iterator[Contest]:
        """Everything, one size after the other; within a size the ways take turns."""
        for way in self._ways:
            # The first run of all compiles, loads kernel modules and fills caches; nobody is measured by it.
            if (way.name, "apart") not in self._out:
                self._once(Contest(way, 1, "apart"))
        for placement in placements:
            for size in sizes:
                ways = [way for way in self._ways if placement == "apart" or way.together]
                yield from self._take_turns([Contest(way, size, placement) for way in ways])

    def _take_turns(self, contests: list[Contest]) -> list[Contest]:
        for contest in contests:
            contest.reason = self._reason_against(contest)
        for dummy in range(self._repeats):
            for contest in contests:
                if contest.reason is None and contest.spent < self._bound:
                    self._once(contest)
        return contests

    def _reason_against(self, contest: Contest) -> str | None:
        key = (contest.way.name, contest.placement)
        expected = expected_seconds(self._taken.get(key, {}), contest.size)
        if key not in self._out and expected > HOPELESS * self._bound:
            return f"would take about {expected:.0f} s, the bound is {self._bound:.0f} s"
        return self._out.get(key)

    def _once(self, contest: Contest) -> None:
        key = (contest.way.name, contest.placement)
        case = Case(contest.way, contest.size, contest.placement == "together", self._programs, self._bound)
        begun = time.monotonic()
        try:
            self._run(case)
            self._taken.setdefault(key, {})[contest.size] = sum(took["seconds"] for took in case.results.values())
        except CaseError as exc:
            # What failed at one size is not tried at a larger one: it would only take longer to fail.
            self._out[key] = contest.reason = f"{exc} (with {contest.size} endpoints)"
        finally:
            contest.spent += time.monotonic() - begun
            self._settle()
        if case.results:
            contest.runs.append(case.results)
        shown = [f"{name} {took['seconds']:.3f}" for name, took in case.results.items()]
        print(f"{contest.title}: {', '.join(shown)} {contest.reason or ''}", file=sys.stderr, flush=True)

    def _settle(self) -> None:
        """Let the kernel finish with the namespaces of the case: it takes them apart in the order they were let go."""
        self._keeper.ip("netns", "add", "last")
        self._keeper.delete_netns("last")


def expected_seconds(taken: dict[int, float], size: int) -> float:
    """What a case will take if cost grows on as it did between the last two sizes; 0 for sizes too far away to tell."""
    known = sorted(taken)[-2:]
    if len(known) < 2 or size > FORESIGHT * known[-1]:
        return 0.0
    (smaller, less), (larger, more) = ((size, taken[size]) for size in known)
    return more + max(more - less, 0.0) / (larger - smaller) * (size - larger)
