# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can hold the slices of a fleet: it is read as a whole, and written only if nobody has written since."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Change, Holding, KnownHost, Snapshot
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MacvlanHostError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet, validators

KEPT = "the hosts keep their slices and go on giving out addresses meanwhile"


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


# --- what is read -----------------------------------------------------------------------------------------------------


def check_holding(item: Holding) -> None:
    """Refuse a slice that no release has written.

    :raises ValueError: naming it
    """
    texts = all(isinstance(value, str) for value in (item.segment, item.block, item.host, item.former))
    numbers = all(isinstance(value, int) and value >= 0 for value in (item.generation, item.quarantine))
    is_right = texts and numbers and validators.object_name(item.segment) and validators.with_length(item.block)
    if not is_right or inet.network_of(item.block) != item.block:
        raise ValueError(f"there is a slice {item[:3]!a:.120}")


def check_host(host: KnownHost) -> None:
    """Refuse a host that no release has written.

    :raises ValueError: naming it
    """
    texts = all(isinstance(value, str) for value in (host.name, host.uuid, host.machine))
    if not (texts and host.name and (not host.uuid or validators.uuid(host.uuid)) and all(map(validators.address, host.addresses))):
        raise ValueError(f"there is a host {host!a:.120}")
