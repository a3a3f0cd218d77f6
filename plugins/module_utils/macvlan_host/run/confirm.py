# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Confirms a provisional change."""

from __future__ import annotations

import typing as t

from ..errors import StateError
from ..store.journal import Journal, Stored
from .awaiting import seconds_awaited
from .tools import DEFAULT_TOOLS, Tools

if t.TYPE_CHECKING:
    from ..model.access import Connection

WATCH_INTERVAL = 1.0  # seconds


def confirm(
    *, state_dir: str, connection: Connection | None, dry_run: bool, tools: Tools = DEFAULT_TOOLS
) -> str:
    """Confirm the change that awaits confirmation, so that it stays; return its name for messages.

    :param connection: the connection over which the confirmation came
    :raises StateError: no change awaits confirmation, or the connection is the one of the run that made the change
    """
    state = tools.store(state_dir)
    if dry_run or not state.is_there():
        return _confirmable(state.read(), connection, tools).doing
    with state.locked("confirming a change") as session:
        journal = _confirmable(session.read(), connection, tools)
        session.record_intention()
        session.keep_backup()
        if session.is_older:
            # The waiting process of that older release must see the confirmation before the next run writes rows that
            # it cannot read.
            tools.clock.sleep(2 * WATCH_INTERVAL)
    return journal.doing


def _confirmable(stored: Stored, connection: Connection | None, tools: Tools) -> Journal:
    journal = stored.journal
    if journal is None or not seconds_awaited(journal, tools):
        raise StateError(
            "there is nothing to confirm: no task with confirm_timeout has changed anything, or its time is over and "
            "the change was reverted"
        )
    if connection is not None and connection.text == journal.connection:
        raise StateError(
            f"a change to {journal.doing} cannot be confirmed over the connection that made it, because only a new "
            f"connection shows that the host can still be reached; put 'meta: reset_connection' before this task"
        )
    return journal
