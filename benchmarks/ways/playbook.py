# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain Ansible: a real ansible-playbook with five tasks of ip commands for each endpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.fleetnet.macvlan.benchmarks import view
from ansible_collections.fleetnet.macvlan.benchmarks.job import GATEWAY, MTU, SUBNET, Job, Result, address, timed

Task = dict[str, object]


def command(job: Job, words: str, harmless: str) -> Task:
    """A task for all endpoints; like most such playbooks it takes the word of ip(8) for "is so already"."""
    items = [{"name": name, "address": str(address(position))} for position, name in enumerate(job.names)]
    return {
        "ansible.builtin.command": f"ip {words}",
        "loop": items,
        "register": "done",
        "changed_when": "done.rc == 0",
        "failed_when": f"done.rc != 0 and '{harmless}' not in done.stderr",
    }


def creating(job: Job) -> list[Task]:
    inside = "-n {{ item.name }}"
    exists = "File exists"
    link = f"link add link {job.parent} name mv0 netns {{{{ item.name }}}} type macvlan mode bridge"
    return [
        command(job, "netns add {{ item.name }}", exists),
        command(job, link, exists),
        command(job, f"{inside} address add {{{{ item.address }}}}/{SUBNET.prefixlen} dev mv0", "already assigned"),
        command(job, f"{inside} link set mv0 up", exists),
        command(job, f"{inside} route add default via {GATEWAY} dev mv0", exists),
    ]


def prepare(job: Job) -> None:
    changing = {"ansible.builtin.command": f"ip -n {job.names[0]} link set mv0 mtu {MTU}", "changed_when": True}
    removing = command(job, "netns delete {{ item.name }}", "No such file")
    for name, tasks in (("create", creating(job)), ("change", [changing]), ("remove", [removing])):
        write_play(job, name, tasks)


def write_play(job: Job, name: str, tasks: list[Task]) -> None:
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    job.file(f"{name}.yml").write_text(json.dumps(play), encoding="utf-8")


def run(job: Job, name: str) -> None:
    """Run a play on the machine itself; not connecting anywhere is the fastest there is."""
    environment = {
        **os.environ,
        "ANSIBLE_HOME": str(job.file("ansible")),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_STDOUT_CALLBACK": "minimal",
        "ANSIBLE_PIPELINING": "true",
    }
    program = Path(sys.executable).parent / "ansible-playbook"
    argv = [str(program), "--connection", "local", str(job.file(f"{name}.yml"))]
    done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"the playbook {name} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def create(job: Job) -> Result:
    return {"seconds": timed(lambda: run(job, "create"))}


def again(job: Job) -> Result:
    return {"seconds": timed(lambda: run(job, "create"))}


def change(job: Job) -> Result:
    return {"seconds": timed(lambda: run(job, "change"))}


def remove(job: Job) -> Result:
    returned = timed(lambda: run(job, "remove"))
    return {"seconds": returned + timed(lambda: view.wait_until_gone(job.parent)), "returned": returned}
