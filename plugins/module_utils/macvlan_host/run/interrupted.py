# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Handles the journal of an interrupted run, or of one that awaits confirmation."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ..kernel import announce, namespaces
from ..model.kernel import Kernel, MovedLink
from ..model.netns import Netns
from ..steps.record_diff import apply_changes
from ..steps.simulate import kernel_after
from ..steps.steps import DeleteNetns, Step, WriteResolver, inverse
from ..store.journal import Journal, Stored
from ..store.session import Session
from .tools import Tools
from .writer import open_writer


def undo_or_finish_interrupted(session: Session, stored: Stored, tools: Tools) -> list[str]:
    """Undo the steps of an interrupted run, or finish them if it was a removal; return the failures, one sentence each."""
    journal = t.cast(Journal, stored.journal)
    problems: list[str] = []
    steps = _steps_left(journal, tools.boot_id())
    if steps:
        with contextlib.closing(open_writer(tools)) as writer:
            problems = writer.ensure_done(steps)
    if journal.boot_id == tools.boot_id():
        announce.announce(announce.touched_by(journal.steps))
    if journal.removal:
        session.record_intention()
    else:
        session.forget_intention()
    return problems


def _steps_left(journal: Journal, boot_id: str) -> tuple[Step, ...]:
    """The steps that undo or finish a run; of one before a boot, those on files are left."""
    steps = journal.steps if journal.removal else inverse(journal.steps)
    return tuple(steps) if journal.boot_id == boot_id else tuple(step for step in steps if isinstance(step, WriteResolver))


def as_after_recovery(stored: Stored, kernel: Kernel) -> tuple[t.Any, Kernel]:
    """Record and kernel as :func:`undo_or_finish_interrupted` will leave them."""
    journal = t.cast(Journal, stored.journal)
    record = apply_changes(stored.record, journal.changes) if journal.removal else stored.record
    steps = _steps_left(journal, kernel.boot_id)
    deleted = (Netns("name", step.name) for step in steps if isinstance(step, DeleteNetns))
    cleared = {netns.path for netns in deleted if namespaces.is_placeholder(netns)}
    kernel = dataclasses.replace(kernel, no_namespaces=kernel.no_namespaces - cleared)
    after = kernel_after(kernel, steps)
    left = tuple(item for item in after.moved_links if _is_there(item, after))
    return record, dataclasses.replace(after, moved_links=left)


def _is_there(moved: MovedLink, kernel: Kernel) -> bool:
    """Whether a link in a named namespace is left after the recovery; the interrupted run may have created it there."""
    if moved.netns.path not in kernel.spaces:
        return True
    space = kernel.spaces[moved.netns.path]
    return space is not None and space.by_index(moved.link.index) is not None
