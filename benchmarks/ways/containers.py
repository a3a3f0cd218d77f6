# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Docker and Podman have in common: an image of one program, a macvlan network, a container for each endpoint."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import typing as t

from ansible_collections.fleetnet.macvlan.benchmarks import view
from ansible_collections.fleetnet.macvlan.benchmarks.job import GATEWAY, SUBNET, Job, Result, timed

IMAGE = "localhost/idle"
NETWORK = "net"
IDLE = ("/bin/busybox", "sleep", "1000000")

Engine = t.Callable[..., str]


def write_image(job: Job) -> str:
    """A file system with nothing but a busybox that needs no libraries."""
    root = job.file("image")
    (root / "bin").mkdir(parents=True)
    shutil.copy(job.programs["busybox"], root / "bin/busybox")
    archive = job.file("image.tar")
    with tarfile.open(archive, "w") as file:
        file.add(root, arcname=".")
    return str(archive)


def run(argv: list[str], environment: dict[str, str] | None = None) -> str:
    """What a program prints; it must succeed."""
    done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv[:12])}: {done.stderr.strip()[-1000:]}")
    return done.stdout


def create(job: Job, engine: Engine) -> Result:
    def everything() -> None:
        subnet = (f"--subnet={SUBNET}", f"--gateway={GATEWAY}", "--opt=parent=" + job.parent)
        engine("network", "create", "--driver=macvlan", *subnet, NETWORK)
        for name in job.names:
            engine("run", "--detach", f"--name={name}", f"--network={NETWORK}", IMAGE, *IDLE)

    return {"seconds": timed(everything)}


def change(job: Job, engine: Engine) -> Result:
    """Neither has an mtu for one container: it leaves the network and joins it again."""
    name = job.names[0]

    def rejoin() -> None:
        engine("network", "disconnect", NETWORK, name)
        engine("network", "connect", NETWORK, name)

    return {"seconds": timed(rejoin)}


def remove(job: Job, engine: Engine, *flags: str) -> Result:
    """The containers are killed: what runs in them would not end when asked."""

    def everything() -> None:
        engine("rm", "--force", *flags, *job.names)
        engine("network", "rm", NETWORK)
        view.wait_until_gone(job.parent)

    return {"seconds": timed(everything)}
