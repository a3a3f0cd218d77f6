# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of an example playbook: foreseen, run, run again, taken away."""

from __future__ import annotations

import dataclasses
import typing as t

from .host import Host
from .playbook import INVENTORY_HOST, PlaybookRun, TaskResult
from .snapshot import rows_of_objects

FOLDER = "playbooks/examples"
# What check mode and the real run have to agree on.
FORESEEN = ("changed", "network", "endpoint", "networks", "endpoints", "vlan_subinterfaces", "steps")


@dataclasses.dataclass(frozen=True)
class Example:
    """One playbook on one host."""

    host: Host
    name: str
    extra_vars: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def play(self, *args: str, check: bool = False) -> PlaybookRun:
        """Run it; it must succeed."""
        asked = {"target_hosts": INVENTORY_HOST, **self.extra_vars}
        done = self.host.playbook(f"{FOLDER}/{self.name}.yml", *args, check=check, extra_vars=asked)
        assert (done.rc, done.failed) == (0, 0), f"{self.name} {args} check={check}\n{done.stdout}{done.stderr}"
        return done

    def create(self) -> PlaybookRun:
        """Check, and touch nothing; run, and do what the check said; run again, and do nothing."""
        before, had_state = self.host.snapshot(), self.host.has_state()
        foreseen = self.play(check=True)
        assert self.host.snapshot() == before
        assert self.host.has_state() == had_state

        done = self.play()
        assert done.changed > 0
        assert [task.task for task in foreseen.tasks if task.status == "skipped"] == []
        assert [task.task for task in foreseen.tasks] == [task.task for task in done.tasks]
        for early, late in zip(foreseen.tasks, done.tasks, strict=True):
            assert told(early) == [known(*items) for items in zip(told(early), told(late), strict=True)], early.task

        settled = self.host.snapshot()
        again = self.play()
        assert again.changed == 0, again.stdout
        assert self.host.snapshot() == settled
        return done

    def remove(self) -> PlaybookRun:
        """Take it away; nothing may be recorded any more."""
        done = self.play("--tags", "remove")
        assert rows_of_objects(self.host.snapshot().tables) == {}
        return done


def known(early: dict[str, t.Any], late: dict[str, t.Any]) -> dict[str, t.Any]:
    """What a real run told, as far as check mode could know it: of an endpoint not what only its network can tell."""
    if not any("once network " in step for step in early.get("steps", ())):
        return late
    found = {key: None if early["endpoint"][key] is None else value for key, value in late["endpoint"].items()}
    return {**late, "endpoint": found, "steps": early["steps"]}


def told(task: TaskResult) -> t.Any:
    """What a task said of what it does, per item of its loop."""
    return [{key: item[key] for key in FORESEEN if key in item} for item in task.items]
