# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores recorded objects, at boot and when a missing parent or namespace appears, without Ansible."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from ..compare.parent_links import identities
from ..errors import KernelError, PendingError
from ..kernel.events import Watch
from ..request.base import Restoration
from ..result.outcome import Outcome
from ..steps.plan import Missing
from .awaiting import check_nothing_awaited
from .execute import execute
from .info import recorded_objects
from .tools import DEFAULT_TOOLS, Tools
from .whole_engine import import_engine

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds


@dataclass(frozen=True)
class Restored:
    """The result of one or more passes.

    :ivar total: how many objects are recorded
    :ivar parents: the names of all links that recorded objects use as parent
    :ivar missing: the objects that are not there, or not as they are recorded
    :ivar refused: whether the kernel has refused any of them
    :ivar pending: a sentence about the change that awaits confirmation; until then the state to restore is not known
    """

    total: int
    parents: frozenset[str]
    steps: tuple[str, ...]
    warnings: tuple[str, ...]
    missing: tuple[Missing, ...]
    refused: bool = False
    pending: str | None = None

    @property
    def awaited(self) -> frozenset[str]:
        """Links and paths of namespaces that have to come before the rest can be restored."""
        return frozenset(item.awaits for item in self.missing if item.awaits is not None)


Tell = t.Callable[[Restored], None]


def restore(state_dir: str, timeout: float | None, tell: Tell, tools: Tools = DEFAULT_TOOLS) -> Restored:
    """Restore everything that is recorded, and wait for parents and namespaces that are not there yet.

    If a change awaits confirmation, the time includes the wait until that change is confirmed or reverted.

    :param timeout: how long to wait, in seconds; None to wait until nothing is missing
    :param tell: called with the result so far, each time a wait begins
    :raises MacvlanHostError: the database or the kernel cannot be used at all
    """
    clock = tools.clock
    deadline = None if timeout is None else clock.now() + timeout
    with Watch() as watch:
        restored = _restore_when_confirmed(state_dir, deadline, tell, tools)
        pause = FIRST_PAUSE
        if restored.awaited:
            import_engine()
        while restored.awaited:
            tell(restored)
            left = None if deadline is None else deadline - clock.now()
            # A parent that was there may disappear and return in the meantime, too.
            awaited = restored.awaited | restored.parents | _signs_of_parents(state_dir, tools)
            if left is not None and left <= 0 or not watch.wait(awaited, left):
                break
            if restored.refused:
                # Steps that were tried and undone are among the events; without a pause one pass would cause the next.
                clock.sleep(pause if deadline is None else max(0.0, min(pause, deadline - clock.now())))
                pause = min(2 * pause, LONGEST_PAUSE)
            restored = _after(restored, _restore_when_confirmed(state_dir, deadline, tell, tools))
    return restored


def _signs_of_parents(state_dir: str, tools: Tools) -> frozenset[str]:
    """What parents are known by that may come back under other names."""
    record = tools.store(state_dir).read().record
    return frozenset(sign for known in identities(record).values() for sign in known.signs(tools.boot_id()))


def _restore_when_confirmed(state_dir: str, deadline: float | None, tell: Tell, tools: Tools) -> Restored:
    """One pass, as soon as no change awaits confirmation; at the deadline, a result that names that change."""
    told = False
    while True:
        try:
            if told:
                # Cheaper than a pass, which looks at the kernel first.
                check_nothing_awaited(state_dir=state_dir, tools=tools)
            return _restore_once(state_dir, tools)
        except PendingError as exc:
            pending = Restored(0, frozenset(), (), (), (), pending=str(exc))
            left = exc.seconds if deadline is None else min(exc.seconds, deadline - tools.clock.now())
            if left <= 0:
                return pending
            if not told:
                import_engine()
                tell(pending)
            told = True
            tools.clock.sleep(min(left, FIRST_PAUSE))


def _after(earlier: Restored, later: Restored) -> Restored:
    warnings = tuple(dict.fromkeys(earlier.warnings + later.warnings))
    return dataclasses.replace(later, steps=earlier.steps + later.steps, warnings=warnings)


def _restore_once(state_dir: str, tools: Tools) -> Restored:
    """One pass: all objects in one plan or, if the kernel refuses a step of it, each object in its own."""
    try:
        return _restored([execute(Restoration(), state_dir=state_dir, dry_run=False, tools=tools)])
    except KernelError:
        return _restore_one_by_one(state_dir, tools)


def _restore_one_by_one(state_dir: str, tools: Tools) -> Restored:
    """Restore every object in its own plan, so that a refused one does not stop the others."""
    outcomes: list[Outcome] = []
    refused: list[Missing] = []
    refs = recorded_objects(state_dir=state_dir, tools=tools)
    for ref in refs:
        try:
            outcomes.append(execute(Restoration(ref), state_dir=state_dir, dry_run=False, tools=tools))
        except KernelError as exc:
            refused.append(Missing(ref, str(exc)))
    return dataclasses.replace(_restored(outcomes, refused), total=len(refs), refused=bool(refused))


def _restored(outcomes: t.Sequence[Outcome], refused: t.Iterable[Missing] = ()) -> Restored:
    """The result of several restorations together."""
    shown = outcomes[-1].shown if outcomes else {}
    missing = {item.ref: item for outcome in outcomes for item in outcome.missing}
    missing.update((item.ref, item) for item in refused)
    return Restored(
        total=sum(len(items) for items in shown.values()),
        parents=frozenset(item["parent"] for kind in ("networks", "vlan_subinterfaces") for item in shown.get(kind, ())),
        steps=tuple(step for outcome in outcomes for step in outcome.steps),
        warnings=tuple(dict.fromkeys(text for outcome in outcomes for text in outcome.warnings)),
        missing=tuple(missing.values()),
    )
