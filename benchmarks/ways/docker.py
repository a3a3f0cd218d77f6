# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker's macvlan driver, with a daemon of its own that knows nothing of the machine's."""

from __future__ import annotations

import functools
import os
import subprocess
import time

from ansible_collections.fleetnet.macvlan.benchmarks.job import CGROUP, Job, Result

from . import containers

SOCKET = "unix:///run/docker.sock"
SECONDS_TO_START = 60


def docker(job: Job, *args: str) -> str:
    environment = {**os.environ, "DOCKER_CONFIG": str(job.file("docker-config"))}
    return containers.run([job.programs["docker"], "--host", SOCKET, *args], environment)


def prepare(job: Job) -> None:
    log = job.file("dockerd.log")
    daemon = [
        job.programs["dockerd"],
        f"--host={SOCKET}",
        f"--data-root={job.file('docker')}",
        "--exec-root=/run/docker",
        "--pidfile=/run/docker.pid",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--storage-driver=vfs",
        f"--cgroup-parent=/{CGROUP}",
        "--exec-opt=native.cgroupdriver=cgroupfs",
    ]
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(daemon, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)
    deadline = time.monotonic() + SECONDS_TO_START
    while not answers(job):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"dockerd does not start: {log.read_text(encoding='utf-8')[-1000:]}")
        time.sleep(0.1)
    docker(job, "import", containers.write_image(job), containers.IMAGE)


def answers(job: Job) -> bool:
    try:
        docker(job, "version")
    except RuntimeError:
        return False
    return True


def create(job: Job) -> Result:
    return containers.create(job, functools.partial(docker, job))


def change(job: Job) -> Result:
    return containers.change(job, functools.partial(docker, job))


def remove(job: Job) -> Result:
    return containers.remove(job, functools.partial(docker, job))
