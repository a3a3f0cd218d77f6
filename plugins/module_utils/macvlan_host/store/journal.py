# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal: what a run intends to do, stored before it changes the kernel."""

from __future__ import annotations

import typing as t

from ..model.record import Record

if t.TYPE_CHECKING:
    from ..steps.record_diff import Change
    from ..steps.steps import Step


class Journal(t.NamedTuple):
    """What a run intends to do, stored before it changes the kernel.

    :ivar boot_id: of the boot in which it ran; after another boot its effects on the kernel are gone
    :ivar removal: finished, not undone
    :ivar changes: its changes of the record; known after a crash only for a removal, and for a change that awaits confirmation
    :ivar confirm_by: seconds of CLOCK_BOOTTIME until which the change must be confirmed, None for a permanent change
    :ivar connection: the SSH connection of the run, over which it cannot be confirmed
    :ivar applied: whether all steps are done, and only the confirmation is missing
    """

    boot_id: str
    doing: str
    removal: bool
    steps: tuple[Step, ...]
    changes: tuple[Change, ...]
    confirm_by: float | None = None
    connection: str | None = None
    applied: bool = False


class Stored(t.NamedTuple):
    """What the database holds."""

    record: Record
    journal: Journal | None = None
