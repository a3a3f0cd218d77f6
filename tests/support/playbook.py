# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real ansible-playbook on a throw-away host, and what it reported."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import sys
import typing as t
from pathlib import Path

from .machine import Machine

SUPPORT = Path(__file__).resolve().parent
COLLECTION = SUPPORT.parents[1]
INVENTORY_HOST = "localhost"
# In the guest a task takes ten times as long as on a real machine.
TIMEOUT = 1200


@dataclasses.dataclass(frozen=True)
class TaskResult:
    """One task, as Ansible reported it."""

    task: str
    action: str
    status: str
    result: dict[str, t.Any]

    @property
    def changed(self) -> bool:
        return self.status == "ok" and bool(self.result.get("changed"))

    @property
    def items(self) -> list[dict[str, t.Any]]:
        """The results of a loop, or the one result of a task without one."""
        return self.result.get("results", [self.result])


@dataclasses.dataclass(frozen=True)
class PlaybookRun:
    """A finished ansible-playbook."""

    rc: int
    stdout: str
    stderr: str
    tasks: tuple[TaskResult, ...]
    stats: dict[str, int]

    @property
    def changed(self) -> int:
        """How many tasks changed something."""
        return self.stats.get("changed", 0)

    @property
    def failed(self) -> int:
        return self.stats.get("failures", 0) + self.stats.get("unreachable", 0)

    @property
    def warnings(self) -> list[str]:
        """What the tasks warned of, in their order; a loop has the warnings of all its items."""
        return [str(warning) for task in self.tasks for warning in task.result.get("warnings", ())]

    def results(self, key: str) -> dict[str, dict[str, t.Any]]:
        """The objects that the tasks returned under a key, such as network or endpoint, by their names."""
        items = [item for task in self.tasks if task.status == "ok" for item in task.items]
        return {item[key]["name"]: item[key] for item in items if item.get(key)}


def run_playbook(
    machine: Machine,
    home: Path,
    playbook: Path,
    args: t.Sequence[str],
    extra_vars: dict[str, t.Any],
    inventory: str = f"{INVENTORY_HOST},",
) -> PlaybookRun:
    """Run it against the machine itself, over a local connection, with nothing of the user's own settings."""
    record = machine.path(home / "record.jsonl")
    record.write_text("", encoding="utf-8")
    machine.path(home / "ansible.cfg").touch()
    variables = {"ansible_python_interpreter": sys.executable, **extra_vars}
    argv = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        f"--inventory={inventory}",
        "--connection=local",
        f"--extra-vars={json.dumps(variables)}",
        *args,
        str(COLLECTION / playbook),
    ]
    done = machine.run(argv, check=False, env=environment(home), timeout=TIMEOUT)
    tasks, stats = read_record(record)
    return PlaybookRun(done.returncode, done.stdout, done.stderr, tasks, stats)


def environment(home: Path) -> dict[str, str]:
    """As after a login, with Ansible's folders where they vanish together with the machine."""
    return {
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "ANSIBLE_CALLBACK_PLUGINS": str(SUPPORT / "callback_plugins"),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]),
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        # In the guest facts take a minute, and no play here asks for one.
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_REMOTE_TEMP": str(home / "ansible/tmp"),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "MACVLAN_TEST_RECORD": str(home / "record.jsonl"),
        # The programs of Ansible beside this Python, as after activating its environment.
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def read_record(file: Path) -> tuple[tuple[TaskResult, ...], dict[str, int]]:
    """What the callback plugin wrote."""
    entries = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    hosts = [counts for entry in entries for counts in entry.get("stats", {}).values()]
    totals = sum(map(collections.Counter, hosts), collections.Counter())
    return tuple(TaskResult(**entry) for entry in entries if "stats" not in entry), dict(totals)
