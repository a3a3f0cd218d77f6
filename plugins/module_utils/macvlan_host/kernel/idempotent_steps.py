# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps that may be done already, performed without harm: to undo or to finish what was interrupted."""

from __future__ import annotations

import errno
import itertools
import typing as t

from ..errors import KernelError, MissingLibraryError
from ..model.netns import Netns
from ..steps.steps import AddLink, DeleteLink, DeleteNetns, InterfaceStep, Step
from ..wire.kinds import kind_of
from . import namespaces
from .step_context import StepContext

# The kernel's answers if a step is already done.
DONE_ALREADY_ERRNOS = frozenset(
    (errno.EEXIST, errno.ENOENT, errno.ENODEV, errno.ESRCH, errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.ENETUNREACH)
)


class Replay:
    """Performs steps of which some may be done already.

    :param do: performs one step, and is given this replay
    """

    def __init__(self, context: StepContext, do: t.Callable[[Step, Replay], None]) -> None:
        self._context, self._do = context, do
        self._to_delete: tuple[Netns, ...] = ()
        self._processes: dict[str, tuple[int, ...]] | None = None

    def ensure_done(self, steps: t.Sequence[Step]) -> list[str]:
        """Perform all of them; return the problems, a sentence each."""
        problems: list[str] = []
        self._forget()
        self._to_delete = tuple(Netns("name", step.name) for step in steps if isinstance(step, DeleteNetns))
        created: set[tuple[str, str]] = set()
        for deletes, run in itertools.groupby(steps, key=lambda step: isinstance(step, (DeleteLink, DeleteNetns))):
            together = list(run)
            problems += self._deletions(together) if deletes else self._one_by_one(together, created)
        return problems

    def has_processes(self, netns: Netns) -> bool:
        """Whether processes are in a namespace; those of all namespaces to delete are read together."""
        if self._processes is None:
            self._processes = namespaces.processes_in(self._to_delete)
        return netns.path in self._processes

    def _forget(self) -> None:
        self._context.forget()
        self._processes = None

    def _one_by_one(self, steps: t.Sequence[Step], created: set[tuple[str, str]]) -> list[str]:
        problems = []
        for step in steps:
            try:
                self._check_ours(step, created)
                self._do(step, self)
                self._context.batch.flush()
            except (KernelError, MissingLibraryError) as exc:
                self._forget()
                problems += _unless_already(exc)
        return problems

    def _deletions(self, steps: t.Sequence[Step]) -> list[str]:
        """Perform deletions together, or one by one if the kernel refuses that; objects that are gone already are no problem."""
        problems: list[str] = []
        try:
            for step in steps:
                try:
                    self._do(step, self)
                except KernelError as exc:
                    problems += _unless_already(exc)
            self._context.batch.flush()
            # A link that is created again has the tag of the one that is gone, under another name.
            self._context.forget_links()
        except KernelError:
            self._forget()
            return self._one_by_one(steps, set())
        return problems

    def _check_ours(self, step: Step, created: set[tuple[str, str]]) -> None:
        """Other programs may have used the names since the interruption: change only links that carry our tag.

        :param created: links created again here; a foreign one that was removed by force has no tag
        :raises KernelError: with ENODEV, when the link of the step is not there or not ours; with EEXIST, when a link
            that is to be created again is still there
        """
        if isinstance(step, AddLink):
            # If a link is created under a temporary name, the kernel would create a second one.
            if self._context.sockets.of(step, step.netns).link(step.link.name) is not None:
                raise KernelError(f"cannot {step.describe()}: a link with that name exists", errno.EEXIST)
            if kind_of(step.link).is_endpoint and self._context.tagged(step, step.netns, step.link) is not None:
                raise KernelError(f"cannot {step.describe()}: the link exists under another name", errno.EEXIST)
            created.add((step.netns.path, step.link.name))
        if not isinstance(step, InterfaceStep) or (step.netns.path, step.ifname) in created:
            return
        link = self._context.sockets.of(step, step.netns).link(step.ifname)
        if link is None or not link.ours:
            raise KernelError(f"cannot {step.describe()}: the link does not carry the collection's tag", errno.ENODEV)


def _unless_already(exc: Exception) -> list[str]:
    """The problem of a refusal: none if the step is already done."""
    return [] if getattr(exc, "errno", 0) in DONE_ALREADY_ERRNOS else [str(exc)]
