# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recovers a record that was damaged or lost."""

from __future__ import annotations

import typing as t

from ..plan.reconstruct import rebuild
from ..steps.record_diff import changes_between
from .awaiting import journal_warnings
from .interrupted import undo_or_finish_interrupted
from .reader import reader_of
from .tools import DEFAULT_TOOLS, Tools


class Recovered(t.NamedTuple):
    """The result of a recovery of the record.

    :ivar done: a sentence each
    :ivar unknown: links and namespaces that carry our tag and are still not recorded, a phrase each
    :ivar total: how many objects are recorded now
    """

    done: tuple[str, ...]
    unknown: tuple[str, ...]
    total: int


def recover(*, state_dir: str, tools: Tools = DEFAULT_TOOLS) -> Recovered:
    """Make the record usable again from its backup and from the tags of links; the kernel is not changed.

    :raises MacvlanHostError: nothing can be done, and why
    """
    state = tools.store(state_dir)
    done = state.repair()
    with state.locked("recovering the record") as session:
        stored = session.read()
        if stored.journal is not None:
            done += [*journal_warnings(stored, True, tools), *undo_or_finish_interrupted(session, stored, tools)]
            stored = session.read()
        host = tools.host_id()
        rebuilt = rebuild(stored.record, host, reader_of(tools).tagged_spaces(host))
        changes = changes_between(stored.record, rebuilt.record)
        if changes:
            session.record(changes)
        done += [f"{title} is recorded again" for title in rebuilt.recorded_again]
        done += filter(None, [session.keep_backup()])
    total = len(rebuilt.record.links) + len(rebuilt.record.networks) + len(rebuilt.record.endpoints)
    return Recovered(tuple(done), rebuilt.unknown, total)
