# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The intention of a run as it is written down before the kernel is touched."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..model.record import Record

if t.TYPE_CHECKING:
    from ..steps.record_diff import Change
    from ..steps.steps import Step


@dataclass(frozen=True)
class Journal:
    """What a run intends, written before it touches the kernel.

    :ivar boot_id: of the boot in which it ran; after another boot the kernel remembers nothing of it
    :ivar removal: finished, not undone
    :ivar changes: what it will have recorded; known after a crash only for a removal, and for what is to be confirmed
    :ivar confirm_by: seconds of CLOCK_BOOTTIME until which the change must be confirmed, None for a permanent change
    :ivar connection: the one that it came by, which is not the one to confirm it by
    :ivar applied: whether all of it is done, and nothing but the confirmation is missing
    """

    boot_id: str
    doing: str
    removal: bool
    steps: tuple[Step, ...]
    changes: tuple[Change, ...]
    confirm_by: float | None = None
    connection: str | None = None
    applied: bool = False


@dataclass(frozen=True)
class Stored:
    """What the database holds."""

    record: Record = field(default_factory=Record)
    journal: Journal | None = None
