# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of addresses as runs of numbers, so that the next free one is found at once."""

from __future__ import annotations

import bisect
import typing as t


class AddressSet:
    """Addresses of one family as numbers, kept as runs, so that a free one is found without testing each.

    :param values: in any order, each any number of times
    """

    def __init__(self, values: t.Iterable[int] = ()) -> None:
        # Runs neither overlap nor touch; both lists are sorted, so they can be searched by halves.
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for value in sorted(set(values)):
            if self._lasts and self._lasts[-1] == value - 1:
                self._lasts[-1] = value
            else:
                self._firsts.append(value)
                self._lasts.append(value)

    @classmethod
    def of_runs(cls, runs: t.Iterable[tuple[int, int]]) -> AddressSet:
        """The set of all addresses from each first to its last, both included; runs may overlap."""
        whole = cls()
        for first, last in sorted(runs):
            if whole._lasts and first <= whole._lasts[-1] + 1:
                whole._lasts[-1] = max(whole._lasts[-1], last)
            else:
                whole._firsts.append(first)
                whole._lasts.append(last)
        return whole

    @property
    def runs(self) -> list[tuple[int, int]]:
        """(first, last) of its runs, sorted."""
        return list(zip(self._firsts, self._lasts))

    def __contains__(self, value: int) -> bool:
        index = self._run_at_or_after(value)
        return index < len(self._firsts) and self._firsts[index] <= value

    def _run_at_or_after(self, value: int) -> int:
        """The index of the first run that does not end before a value."""
        return bisect.bisect_left(self._lasts, value)

    def add(self, value: int) -> None:
        index = self._run_at_or_after(value)
        if index < len(self._firsts) and self._firsts[index] <= value:
            return
        touches_left = index > 0 and self._lasts[index - 1] == value - 1
        touches_right = index < len(self._firsts) and self._firsts[index] == value + 1
        if touches_left and touches_right:
            self._lasts[index - 1] = self._lasts[index]
            del self._firsts[index], self._lasts[index]
        elif touches_left:
            self._lasts[index - 1] = value
        elif touches_right:
            self._firsts[index] = value
        else:
            self._firsts.insert(index, value)
            self._lasts.insert(index, value)

    def discard(self, value: int) -> None:
        index = self._run_at_or_after(value)
        if index == len(self._firsts) or self._firsts[index] > value:
            return
        first, last = self._firsts[index], self._lasts[index]
        rest = [(first, value - 1), (value + 1, last)]
        kept = [run for run in rest if run[0] <= run[1]]
        self._firsts[index : index + 1] = [run[0] for run in kept]
        self._lasts[index : index + 1] = [run[1] for run in kept]

    def next_free(self, value: int) -> int:
        """The lowest number from ``value`` on that is not in the set."""
        index = self._run_at_or_after(value)
        inside = index < len(self._firsts) and self._firsts[index] <= value
        return self._lasts[index] + 1 if inside else value

    def count(self, first: int, last: int) -> int:
        """How many numbers from ``first`` to ``last`` are in the set."""
        total = 0
        for index in range(self._run_at_or_after(first), len(self._firsts)):
            if self._firsts[index] > last:
                break
            total += min(self._lasts[index], last) - max(self._firsts[index], first) + 1
        return total
