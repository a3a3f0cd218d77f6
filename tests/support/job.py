# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as AWX runs them: the real ansible-runner on a private data folder, read from the events that it left."""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
import typing as t
from pathlib import Path

from .host import HOME, Host
from .playbook import TIMEOUT, environment

FOLDER = HOME / "job"
IDENT = "1"

Event = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Job:
    """A finished job."""

    status: str
    stdout: str
    events: tuple[Event, ...]

    @property
    def stats(self) -> Event:
        """What the last event says: totals of each host, and what the job has for the next one."""
        (last,) = (event["event_data"] for event in self.events if event["event"] == "playbook_on_stats")
        return last

    @property
    def changed(self) -> dict[str, int]:
        """How many tasks changed something on which host."""
        return {host: number for host, number in self.stats["changed"].items() if number}

    @property
    def artifacts(self) -> dict[str, t.Any]:
        """What a workflow hands on, as extra variables of its next job."""
        return t.cast("dict[str, t.Any]", self.stats.get("artifact_data", {}))

    @property
    def messages(self) -> list[str]:
        """Why tasks, and items of their loops, have failed."""
        kinds = ("runner_on_failed", "runner_item_on_failed")
        return [event["event_data"]["res"]["msg"] for event in self.events if event["event"] in kinds]


def run_job(
    hosts: t.Mapping[str, Host],
    playbook: str,
    answers: t.Mapping[str, t.Any],
    *,
    check: bool = False,
    target: str = "all",
    limit: str | None = None,
    declared: t.Mapping[str, t.Any] | None = None,
    settings: t.Mapping[str, str] | None = None,
    away: t.Sequence[str] = (),
) -> Job:
    """Run a playbook of the collection on hosts by their names in the inventory, which may declare what is for all.

    The runner is inside the first host, and has settings in its environment. Hosts that are away are in the inventory only.
    """
    machine = next(iter(hosts.values()))
    folder = machine.path(FOLDER)
    files = {
        "inventory/hosts": "".join(f"{name} {variables(machine, host)}\n" for name, host in hosts.items())
        + "".join(f"{name} ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n" for name in away),
        "inventory/group_vars/all.json": json.dumps(declared or {}),
        "env/extravars": json.dumps({"target_hosts": target, **answers}),
        "env/cmdline": ("--check --diff " if check else "") + (f"--limit {limit}" if limit else ""),
    }
    machine.run(["rm", "-rf", str(FOLDER)])
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    machine.path(HOME / "ansible.cfg").touch()
    env = {**environment(HOME), **(settings or {})}
    argv = [str(Path(sys.executable).parent / "ansible-runner"), "run", str(FOLDER), "--ident", IDENT, "-p", f"fleetnet.macvlan.{playbook}"]
    said = machine.run(argv, check=False, env=env, timeout=TIMEOUT).stdout
    artifacts = folder / "artifacts" / IDENT
    found = [json.loads(file.read_text(encoding="utf-8")) for file in artifacts.glob("job_events/*-????????????.json")]
    events = sorted(found, key=lambda event: t.cast(int, event["counter"]))
    return Job((artifacts / "status").read_text(encoding="utf-8"), said, tuple(events))


def variables(machine: Host, host: Host) -> str:
    """How the inventory says where a host is: in the namespaces of its machine, which its Python enters."""
    python = sys.executable
    if host is not machine:
        python = f"/var/lib/python-{host.pid}"
        script = machine.path(python)
        script.write_text(f'#!/bin/sh\nexec {shlex.join(host.command([sys.executable]))} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return f"ansible_connection=local ansible_python_interpreter={python}"
