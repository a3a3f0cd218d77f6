# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can hold the slices of a fleet: it is read as a whole, and written only if nobody has written since."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Change, Snapshot
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MacvlanHostError


class StoreError(MacvlanHostError):
    """A store cannot be used; hosts keep their slices meanwhile."""


class MovedError(StoreError):
    """Another task has written since the store was read; nothing of this commit is written that is not a claim of its own."""


class Store(t.Protocol):
    """Where slices are recorded.

    A commit may be made of several transactions. Each is whole in itself and may be repeated, so that the next run finishes a commit
    that was cut off: what it has written is there then, and the rest is planned again.

    :ivar records: whether it keeps what is written; otherwise hosts have the slices of their places only
    """

    records: bool

    def read(self) -> Snapshot:
        """All that is recorded, without a trace in the store.

        :raises StoreError: it cannot be read
        """

    def commit(self, change: Change, seen: Snapshot) -> None:
        """Write a change that was planned on what was seen.

        :raises MovedError: another task has written since
        :raises StoreError: it cannot be written
        """


class Inventory:
    """The inventory as a store: what stands there is all, and nothing can be recorded."""

    records = False

    def read(self) -> Snapshot:
        """Nothing but the places of the hosts, which are wishes."""
        return Snapshot()

    def commit(self, change: Change, seen: Snapshot) -> None:
        """Nothing is written."""
