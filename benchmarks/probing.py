# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long it takes to ask a wire for addresses, whether an answer is missed, what that adds to a task, and who wins a race.

It needs root, and the collection in PYTHONPATH. It works in a network and a mount namespace of its own. The wire is a bridge;
the host at its other end has many macvlan links, in namespaces of their own, and each has some of the addresses that are asked for.
The program fails if a bound does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_values import config_params
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.probe import Prober
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.probe import PACES, Question, Segment
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import endpoint_ref
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.verdict import conflicts_of_answers
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import Config, config_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.execute import execute

INSIDE = "MACVLAN_BENCHMARK_INSIDE"
PARENT = "up0"
BRIDGE = "br0"
CONTENDER = Path(__file__).with_name("contender.py")
# One of so many addresses is taken.
SHARE = 10
# Seconds: to ask for all addresses, to create all endpoints, and to create a single one.
FAST, CAREFUL, MANY, SINGLE = 0.5, 1.2, 0.6, 0.3


def run(*argv: str, text: str | None = None) -> None:
    subprocess.run(argv, check=True, input=text, stdout=subprocess.DEVNULL, encoding="utf-8")


def addresses(count: int) -> list[str]:
    """So many addresses, half of them IPv4 and half IPv6."""
    half = [(number // 250, number % 250 + 2) for number in range(count // 2)]
    return [f"10.9.{high}.{low}" for high, low in half] + [f"fd00:9::{high + 1:x}:{low:x}" for high, low in half]


def plant(links: int, taken: t.Sequence[str]) -> None:
    """Have a host at the other end of the wire that has these addresses, on macvlan links in namespaces of their own."""
    for name in ("wire", "other"):
        run("ip", "netns", "add", name)
    batch = [f"link add {PARENT} type veth peer name port0 netns wire", f"link set {PARENT} up", "link set lo up"]
    run("ip", "-batch", "-", text="\n".join(batch))
    run("ip", "-n", "wire", "link", "add", "port1", "type", "veth", "peer", "name", "eth0", "netns", "other")
    run("ip", "-n", "wire", "link", "add", BRIDGE, "type", "bridge")
    for port in ("port0", "port1"):
        run("ip", "-n", "wire", "link", "set", port, "master", BRIDGE, "up")
    run("ip", "-n", "wire", "link", "set", BRIDGE, "up")
    run("ip", "-n", "other", "link", "set", "eth0", "up")
    for number in range(links):
        name = f"other{number}"
        run("ip", "netns", "add", name)
        run("ip", "-n", "other", "link", "add", "link", "eth0", "name", "eth0", "netns", name, "type", "macvlan", "mode", "bridge")
        lines = [f"address add {address}/64 dev eth0 nodad" if ":" in address else f"address add {address}/16 dev eth0" for address in taken[number::links]]
        run("ip", "-n", name, "-batch", "-", text="\n".join(["link set eth0 up", *lines]))
    time.sleep(2)


def seconds_to_ask(asked: t.Sequence[str], taken: t.Collection[str], pace: str) -> tuple[float, int, int]:
    """The seconds, the addresses that were missed, and those that nobody has and that were thought taken."""
    questions = tuple(Question(address, endpoint_ref("lan", str(number)), "", True) for number, address in enumerate(asked))
    segment = Segment(PARENT, "benchmark", False, questions)
    began = time.monotonic()
    with contextlib.closing(Prober(time.monotonic)) as prober:
        silent = prober.add([segment])
        if silent or prober.asks_by_parent(PARENT):
            raise SystemExit(f"{PARENT} cannot be asked on: {silent}")
        prober.ask({PARENT: asked}, PACES[pace])
        seen = {item.question.address for item in conflicts_of_answers(segment, prober.heard(), prober.macs(PARENT)[0])}
    return time.monotonic() - began, len(set(taken) - seen), len(seen - set(taken))


def declared(count: int, probe: str) -> Config:
    """A host with so many endpoints, whose addresses nobody else has."""
    network = {"name": "lan", "parent": PARENT, "subnets": [{"subnet": "10.10.0.0/16"}, {"subnet": "fd00:10::/64"}], "probe": probe}
    endpoints = [{"name": f"e{number}", "network": "lan", "netns": f"e{number}"} for number in range(count)]
    return config_options(config_params({"networks": [network], "endpoints": endpoints}))


def seconds_to_create(count: int, probe: str, is_new: bool) -> float:
    """The seconds for a host that has no endpoint; it has none again afterwards.

    :param is_new: whether it has not even a record
    """
    nothing = config_options(config_params({"networks": [], "endpoints": [], "purge": True}))
    with tempfile.TemporaryDirectory(dir="/var/tmp") as state_dir:
        os.chmod(state_dir, 0o700)
        if not is_new:
            execute(declared(0, probe), state_dir=state_dir, dry_run=False)
        began = time.monotonic()
        execute(declared(count, probe), state_dir=state_dir, dry_run=False)
        seconds = time.monotonic() - began
        execute(nothing, state_dir=state_dir, dry_run=False)
    time.sleep(0.5)
    return seconds


# --- hosts at the same time -----------------------------------------------------------------------------------------


def contend(hosts: int, address: str = "") -> list[str]:
    """The addresses that so many hosts on one wire have got at the same moment; empty for one that was refused.

    :param address: what all of them request; empty to have each choose
    """
    names = [f"host{number}" for number in range(hosts)]
    for name in names:
        run("ip", "netns", "add", name)
        run("ip", "-n", "wire", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "-n", "wire", "link", "set", name, "master", BRIDGE, "up")
        run("ip", "-n", name, "link", "set", "eth0", "up")
    try:
        with contextlib.ExitStack() as stack:
            started = [stack.enter_context(contender(name, address)) for name in names]
            for host in started:
                said(host, "ready")
            for host in started:
                go_on(host)
            got = [said(host) for host in started]
            for host in started:
                go_on(host)
    finally:
        for name in names:
            # The kernel takes a namespace away a moment later, with what is in it.
            run("ip", "-n", "wire", "link", "delete", name)
            run("ip", "netns", "delete", name)
    return got


def contender(name: str, address: str) -> subprocess.Popen[str]:
    argv = ["ip", "netns", "exec", name, "unshare", "--mount", sys.executable, str(CONTENDER), "eth0", *([address] if address else [])]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(host: subprocess.Popen[str], expected: str | None = None) -> str:
    assert host.stdout is not None
    line = host.stdout.readline()
    if not line.endswith("\n") or expected is not None and line.strip() != expected:
        raise SystemExit(f"a host that contends for an address has failed: {line!r}")
    return line.strip()


def go_on(host: subprocess.Popen[str]) -> None:
    assert host.stdin is not None
    host.stdin.write("\n")
    host.stdin.flush()


def bounds_of_contending(rounds: int, choosing: int) -> t.Iterator[Bound]:
    holders = [len(list(filter(None, contend(2, f"10.10.1.{number + 1}")))) for number in range(rounds)]
    yield Bound(f"of {rounds} rounds in which 2 hosts request one address at once, those without exactly one holder", rounds - holders.count(1), 0)
    chosen = contend(choosing)
    yield Bound(f"{choosing} hosts choose an address at once: those without one of their own", choosing - len(set(chosen) - {""}), 0)


# --- bounds ---------------------------------------------------------------------------------------------------------


class Bound(t.NamedTuple):
    """A bound, and what was measured."""

    title: str
    measured: float
    limit: float

    @property
    def holds(self) -> bool:
        return self.measured <= self.limit

    @property
    def line(self) -> str:
        return f"{self.title}: {self.measured:.3g} (at most {self.limit:.3g}) {'holds' if self.holds else 'DOES NOT HOLD'}"


def bounds_of_asking(count: int, links: int, rounds: int) -> t.Iterator[Bound]:
    asked = addresses(count)
    taken = random.Random(1).sample(asked, count // SHARE)
    plant(links, taken)
    for pace, limit in (("fast", FAST), ("careful", CAREFUL)):
        runs = [seconds_to_ask(asked, taken, pace) for dummy in range(rounds)]
        yield Bound(f"{count} probes, {pace}, median seconds of {rounds} runs", statistics.median(item[0] for item in runs), limit)
        yield Bound(f"… missed of {len(taken)} in {rounds} runs", sum(item[1] for item in runs), 0)
        yield Bound("… taken for in use, and free", sum(item[2] for item in runs), 0)


def bounds_of_creating(count: int, repeats: int) -> t.Iterator[Bound]:
    """By turns, so that a slow spell of the machine meets both."""
    for is_new, number, limit in ((False, count, MANY), (False, 1, SINGLE), (True, count, MANY), (True, 1, SINGLE)):
        pairs = [(seconds_to_create(number, "none", is_new), seconds_to_create(number, "fast", is_new)) for dummy in range(repeats)]
        more = statistics.median(pair[1] - pair[0] for pair in pairs)
        without = statistics.median(pair[0] for pair in pairs)
        host = "a new host" if is_new else "a host with a record"
        yield Bound(f"seconds that probing adds to the creation of {number} on {host}, which takes {without:.2f} without it", more, limit)


def main() -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", type=int, default=2000, help="half of them IPv4, half IPv6 (%(default)s)")
    parser.add_argument("--links", type=int, default=60, help="macvlan links on the host that answers (%(default)s)")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--endpoints", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--contenders", type=int, default=50, help="hosts that choose an address at once (%(default)s)")
    parsed = parser.parse_args()
    here = os.readlink("/proc/self/ns/net")
    if os.environ.get(INSIDE, here) == here:
        os.environ[INSIDE] = here
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])
    os.makedirs("/run/netns", exist_ok=True)
    run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
    all_hold = True
    for bound in itertools.chain(
        bounds_of_asking(parsed.probes, parsed.links, parsed.rounds),
        bounds_of_creating(parsed.endpoints, parsed.repeats),
        bounds_of_contending(parsed.rounds, parsed.contenders),
    ):
        print(bound.line, flush=True)
        all_hold = all_hold and bound.holds
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
