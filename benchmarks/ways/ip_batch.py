# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""iproute2's own batches: one for all namespaces and links, then one for each namespace, as ip(8) has it."""

from __future__ import annotations

import resource
import shlex
import subprocess

from ansible_collections.fleetnet.macvlan.benchmarks import view
from ansible_collections.fleetnet.macvlan.benchmarks.job import GATEWAY, MTU, SUBNET, Job, Result, address, timed


def prepare(job: Job) -> None:
    """Write down what will be asked, so that only the asking is timed."""
    job.file("links").write_text("".join(link_lines(job, name) for name in job.names), encoding="ascii")
    commands = ["set -e", f"ip -batch {shlex.quote(str(job.file('links')))}"]
    if job.together:
        commands.append(write_batch(job, "addresses", "".join(map_addressing(job))))
    else:
        for name, lines in zip(job.names, map_addressing(job), strict=False):
            commands.append(write_batch(job, name, f"link set lo up\n{lines}", f"-n {name} "))
    job.file("create.sh").write_text("\n".join(commands), encoding="ascii")
    job.file("remove").write_text("".join(f"netns delete {name}\n" for name in job.names), encoding="ascii")


def write_batch(job: Job, name: str, lines: str, where: str = "") -> str:
    """The command for a batch that is in a file."""
    path = job.file(f"batch-{name}")
    path.write_text(lines, encoding="ascii")
    return f"ip {where}-batch {shlex.quote(str(path))}"


def link_lines(job: Job, name: str) -> str:
    link = f"link add link {job.parent} name {job.ifname(name)}"
    if job.together:
        return f"{link} type macvlan mode bridge\n"
    return f"netns add {name}\n{link} netns {name} type macvlan mode bridge\n"


def map_addressing(job: Job) -> list[str]:
    """For each endpoint the lines that give it its address and default route."""
    return [
        f"address add {address(position)}/{SUBNET.prefixlen} broadcast + dev {job.ifname(name)}\n"
        f"link set {job.ifname(name)} up\n"
        f"route add default via {GATEWAY} dev {job.ifname(name)}{f' metric {position + 1}' if job.together else ''}\n"
        for position, name in enumerate(job.names)
    ]


def run(*argv: str) -> None:
    done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")


def raise_file_limit() -> None:
    """ip(8) opens a file for every namespace that a batch names, and closes none before its end."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def create(job: Job) -> Result:
    raise_file_limit()
    return {"seconds": timed(lambda: run("sh", str(job.file("create.sh"))))}


def change(job: Job) -> Result:
    name = job.names[0]
    where = [] if job.together else ["-n", name]
    return {"seconds": timed(lambda: run("ip", *where, "link", "set", job.ifname(name), "mtu", str(MTU)))}


def remove(job: Job) -> Result:
    def everything() -> None:
        run("ip", "-batch", str(job.file("remove")))
        view.wait_until_gone(job.parent)

    return {"seconds": timed(everything)}
