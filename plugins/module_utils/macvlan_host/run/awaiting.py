# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a run: it awaits confirmation, is at work, or was interrupted."""

from __future__ import annotations

from ..errors import PendingError
from ..store.journal import Journal, Stored
from .tools import DEFAULT_TOOLS, Tools


def seconds_awaited(journal: Journal | None, tools: Tools) -> float:
    """The seconds for which a change still awaits confirmation; 0 if none does."""
    if journal is None or journal.confirm_by is None or not journal.applied or journal.boot_id != tools.boot_id():
        return 0.0
    return max(0.0, journal.confirm_by - tools.clock.uptime())


def check_nothing_awaited(*, state_dir: str, tools: Tools = DEFAULT_TOOLS) -> None:
    """Refuse to continue while a change awaits confirmation; only the database is read.

    :raises PendingError: a change still awaits confirmation
    :raises StateError: the database cannot be read
    """
    refuse_while_awaited(tools.store(state_dir).read(), tools)


def refuse_while_awaited(stored: Stored, tools: Tools) -> None:
    """Refuse to do anything while a change awaits confirmation.

    :raises PendingError: naming the change, and for how long
    """
    seconds = seconds_awaited(stored.journal, tools)
    if stored.journal is not None and seconds:
        raise PendingError(stored.journal.doing, seconds)


def journal_warnings(stored: Stored, interrupted: bool, tools: Tools) -> tuple[str, ...]:
    """The warnings about a run with a journal: it was interrupted, or it is at work."""
    journal = stored.journal
    if journal is None:
        return ()
    seconds = seconds_awaited(journal, tools)
    if seconds:
        return (f"{PendingError(journal.doing, seconds)}; the record shows the state before the change",)
    if not interrupted:
        return (f"another run is working on {journal.doing} at this moment; its changes are not shown here",)
    ending = "finished" if journal.removal else "undone"
    return (f"an earlier run was interrupted while it worked on {journal.doing}; its steps are {ending}",)
