# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CNI macvlan plugin with host-local addresses, as a container runtime calls it: a process for every call.

Namespaces come from one `ip -batch`, because a runtime brings its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time

from ansible_collections.fleetnet.macvlan.benchmarks import view
from ansible_collections.fleetnet.macvlan.benchmarks.job import GATEWAY, MTU, SUBNET, Job, Result, timed

VERSION = "0.4.0"


def prepare(job: Job) -> None:
    for command in ("add", "delete"):
        lines = "".join(f"netns {command} {name}\n" for name in job.names)
        job.file(f"netns-{command}").write_text(lines, encoding="ascii")


def configuration(job: Job, mtu: int = 0) -> dict[str, object]:
    return {
        "cniVersion": VERSION,
        "name": "net",
        "type": "macvlan",
        "master": job.parent,
        "mode": "bridge",
        "mtu": mtu,
        "ipam": {
            "type": "host-local",
            "dataDir": str(job.file("leases")),
            "ranges": [[{"subnet": str(SUBNET), "gateway": str(GATEWAY)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }


def call(job: Job, command: str, name: str, **more: object) -> str:
    """Run the plugin; its answer."""
    plugin = job.programs["cni"]
    environment = {
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": name,
        "CNI_NETNS": f"/run/netns/{name}",
        "CNI_IFNAME": job.ifname(name),
        "CNI_PATH": os.path.dirname(plugin),
        "PATH": os.environ["PATH"],
    }
    given = json.dumps({**configuration(job), **more})
    done = subprocess.run([plugin], check=False, input=given, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"CNI {command} of {name}: {done.stdout.strip()}{done.stderr.strip()}")
    return done.stdout


def batch(job: Job, command: str) -> None:
    subprocess.run(["ip", "-batch", str(job.file(f"netns-{command}"))], check=True)


def create(job: Job) -> Result:
    """The answers are kept, because a runtime has to give them back later."""
    answers: dict[str, str] = {}
    calls: list[float] = []
    begun = time.perf_counter()
    batch(job, "add")
    for name in job.names:
        calls.append(timed(lambda name=name: answers.__setitem__(name, call(job, "ADD", name))))  # type: ignore[misc]
    seconds = time.perf_counter() - begun
    job.file("answers.json").write_text(json.dumps(answers), encoding="utf-8")
    return {"seconds": seconds, "one_call": statistics.median(calls)}


def again(job: Job) -> Result:
    """A second ADD is an error by definition; CHECK is what there is to ask whether all is as it was made."""
    answers = json.loads(job.file("answers.json").read_text(encoding="utf-8"))

    def check_all() -> None:
        for name in job.names:
            call(job, "CHECK", name, prevResult=json.loads(answers[name]))

    return {"seconds": timed(check_all)}


def change(job: Job) -> Result:
    """Nothing can be changed but by making it anew."""
    name = job.names[0]

    def replace() -> None:
        call(job, "DEL", name)
        call(job, "ADD", name, mtu=MTU)

    return {"seconds": timed(replace)}


def remove(job: Job) -> Result:
    def everything() -> None:
        for name in job.names:
            call(job, "DEL", name)
        batch(job, "delete")
        view.wait_until_gone(job.parent)

    return {"seconds": timed(everything)}
