# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a host takes to have everything back: macvlan-host restore beside ip -batch, as whole programs, by turns.

It needs root, a kernel with VLANs, and the collection in PYTHONPATH; tests/vm/guest.py has all of that. It works in a
network and a mount namespace of its own. The ratio has to be 1 at most, or the program fails.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_values import config_params
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import Config, config_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.execute import execute

INSIDE = "MACVLAN_BENCHMARK_INSIDE"
FIRST_VLAN = 101
# Not eth0, which the endpoints are called: before Linux 6.15 a batch of ip(8) cannot have both.
PARENT = "up0"
COMMAND = (
    "import sys; from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.command import main; "
    "sys.exit(main())"
)


class Plan(t.NamedTuple):
    """What there is: so many endpoints on each of so many VLANs, each in a namespace of its own."""

    vlans: range
    endpoints: int

    def names(self) -> list[tuple[int, int, str]]:
        """(VLAN, number, name of endpoint and namespace)."""
        return [(vlan, number, f"v{vlan}-{number}") for vlan in self.vlans for number in range(self.endpoints)]


def declared(plan: Plan) -> Config:
    """The host as macvlan_config would be asked for it."""
    networks = [
        {"name": f"v{vlan}", "parent": f"{PARENT}.{vlan}", "subnets": [{"subnet": f"10.{vlan}.0.0/16"}]} for vlan in plan.vlans
    ]
    endpoints = [{"name": name, "network": f"v{vlan}", "netns": name} for vlan, dummy, name in plan.names()]
    return config_options(config_params({"networks": networks, "endpoints": endpoints}))


def batches(plan: Plan, folder: Path) -> Path:
    """A script that makes the same with ip(8): one batch for links and namespaces, then one for each namespace."""
    lines = []
    for vlan in plan.vlans:
        link = f"{PARENT}.{vlan}"
        lines += [f"link add link {PARENT} name {link} type vlan id {vlan}", f"link set {link} up"]
    commands = ["set -e", f"ip -batch {folder}/links"]
    for vlan, number, name in plan.names():
        address = f"10.{vlan}.{(number + 2) // 256}.{(number + 2) % 256}"
        lines += [f"netns add {name}", f"link add link {PARENT}.{vlan} name eth0 netns {name} type macvlan mode bridge"]
        (folder / name).write_text(
            f"link set lo up\naddress add {address}/16 broadcast + dev eth0\nlink set eth0 up\n"
            f"route add default via 10.{vlan}.0.1 dev eth0\n"
        )
        commands.append(f"ip -n {name} -batch {folder}/{name}")
    (folder / "links").write_text("\n".join(lines) + "\n")
    script = folder / "create.sh"
    script.write_text("\n".join(commands))
    return script


def lose_everything(plan: Plan) -> None:
    """As a boot would, and wait until the kernel has done with it."""
    for name in os.listdir("/run/netns"):
        run("ip", "netns", "delete", name)
    for vlan in plan.vlans:
        run("ip", "link", "delete", f"{PARENT}.{vlan}")
    time.sleep(2)


def run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def seconds_of(*argv: str) -> float:
    began = time.monotonic()
    run(*argv)
    return time.monotonic() - began


def measure(plan: Plan, repeats: int) -> float:
    """Print both medians, and return their ratio."""
    # ip(8) opens a file for every namespace that a batch names, and closes none before its end.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        state_dir = str(folder / "state")
        execute(declared(plan), state_dir=state_dir, dry_run=False)
        ours = (sys.executable, "-c", COMMAND, "--state-dir", state_dir, "restore")
        theirs = ("sh", str(batches(plan, folder)))
        taken: dict[str, list[float]] = {"macvlan-host restore": [], "ip -batch": []}
        for dummy in range(repeats):
            for title, command in zip(taken, (ours, theirs), strict=True):
                lose_everything(plan)
                taken[title].append(seconds_of(*command))
                if title == "macvlan-host restore":
                    run(sys.executable, "-c", COMMAND, "--state-dir", state_dir, "check")
    medians = {title: statistics.median(values) for title, values in taken.items()}
    for title, median in medians.items():
        print(f"{title}: {median:.2f} s")
    ratio = medians["macvlan-host restore"] / medians["ip -batch"]
    count = len(plan.names())
    print(f"restoring {count} endpoints in {count} namespaces on {len(plan.vlans)} VLANs takes {ratio:.2f}x of ip -batch")
    return ratio


def main() -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vlans", type=int, default=20)
    parser.add_argument("--endpoints", type=int, default=25, help="on each VLAN (%(default)s)")
    parser.add_argument("--repeats", type=int, default=3)
    parsed = parser.parse_args()
    here = os.readlink("/proc/self/ns/net")
    if os.environ.get(INSIDE, here) == here:
        os.environ[INSIDE] = here
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])
    os.makedirs("/run/netns", exist_ok=True)
    run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
    run("ip", "link", "add", PARENT, "type", "veth", "peer", "name", "wire")
    for link in ("lo", "wire", PARENT):
        run("ip", "link", "set", link, "up")
    ratio = measure(Plan(range(FIRST_VLAN, FIRST_VLAN + parsed.vlans), parsed.endpoints), parsed.repeats)
    return 0 if ratio <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
