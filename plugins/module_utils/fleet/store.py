# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can hold the slices of a fleet: it is read as a whole, and written only if nobody has written since."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Change, Holding, KnownHost, Snapshot
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MacvlanHostError, MistakesError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet, validators

# Each time another task has written; that many at once is no accident.
ATTEMPTS = 50
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


class Planned(t.Protocol):
    """What was decided on a snapshot."""

    @property
    def change(self) -> Change:
        """What is to be written."""

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Why nothing can be done, a sentence each."""


AnyPlan = t.TypeVar("AnyPlan", bound=Planned)


def settle(store: Store, decide: t.Callable[[Snapshot], AnyPlan], dry_run: bool) -> tuple[AnyPlan, Snapshot]:
    """Read a store, decide and commit, and again if another task was quicker; with ``dry_run`` nothing is written, and all else is the same.

    :return: what was decided, on what
    :raises MistakesError: it cannot be, a sentence for each reason; nothing was written
    :raises StoreError: the store cannot be used
    """
    for dummy in range(ATTEMPTS):
        seen = store.read()
        planned = decide(seen)
        if planned.conflicts:
            raise MistakesError(list(dict.fromkeys(planned.conflicts)))
        try:
            if any(planned.change) and not dry_run:
                store.commit(planned.change, seen)
        except MovedError:
            continue
        return planned, seen
    raise StoreError(f"other tasks have written to the store {ATTEMPTS} times while this one planned; run it again when they have ended")


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
    is_time = isinstance(host.gone, int) and host.gone >= 0
    if not (texts and is_time and host.name and (not host.uuid or validators.uuid(host.uuid)) and all(map(validators.address, host.addresses))):
        raise ValueError(f"there is a host {host!a:.120}")
