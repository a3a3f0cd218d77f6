# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Medians, spreads and ratios of what was measured."""

from __future__ import annotations

import dataclasses
import statistics
import typing as t
from collections.abc import Sequence

from .contestants import OPERATIONS
from .job import Result
from .schedule import Contest


@dataclasses.dataclass(frozen=True)
class Figure:
    """One operation of one way at one size: seconds for all endpoints."""

    median: float
    lowest: float
    highest: float
    runs: int


class Summary:
    """All figures by placement, way, size and operation."""

    def __init__(self, contests: Sequence[Contest]) -> None:
        self.contests = contests
        self._figures: dict[tuple[str, str, int, str], Figure] = {}
        for contest in contests:
            for operation in OPERATIONS:
                values = [run[operation]["seconds"] for run in contest.runs if operation in run]
                if values:
                    figure = Figure(statistics.median(values), min(values), max(values), len(values))
                    self._figures[contest.placement, contest.way.name, contest.size, operation] = figure

    def figure(self, way: str, size: int, operation: str, placement: str = "apart") -> Figure | None:
        return self._figures.get((placement, way, size, operation))

    def seconds(self, way: str, size: int, operation: str) -> float | None:
        found = self.figure(way, size, operation)
        return None if found is None else found.median

    def detail(self, way: str, size: int, operation: str, key: str) -> float | None:
        """The median of something else that a way tells of an operation."""
        values = [
            run[operation][key]
            for contest in self.contests
            if (contest.way.name, contest.size, contest.placement) == (way, size, "apart")
            for run in contest.runs
            if key in run.get(operation, {})
        ]
        return statistics.median(values) if values else None

    def phases(self, way: str, size: int, operation: str) -> dict[str, float]:
        """Medians of the seconds in each phase; "other" is what belongs to none."""
        runs = [
            {**run[operation]["phases"], "other": run[operation]["returned"] - watched(run[operation]["phases"])}
            for contest in self.contests
            if (contest.way.name, contest.size, contest.placement) == (way, size, "apart")
            for run in contest.runs
            if "phases" in run.get(operation, {})
        ]
        names = dict.fromkeys(name for run in runs for name in run)
        return {name: statistics.median(run.get(name, 0.0) for run in runs) for name in names}

    def sizes(self, placement: str) -> list[int]:
        return sorted({contest.size for contest in self.contests if contest.placement == placement})

    def plain(self) -> list[Result]:
        return [
            {"placement": key[0], "way": key[1], "size": key[2], "operation": key[3], **dataclasses.asdict(figure)}
            for key, figure in self._figures.items()
        ]


def watched(phases: t.Mapping[str, float]) -> float:
    """The engine's part of the phases."""
    return sum(seconds for name, seconds in phases.items() if name != "imports")
