# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the plan of a fleet takes, and how that grows with the fleet; it needs the collection in PYTHONPATH.

Each host gets a slice of both families on three segments, and then the same plan has nothing to do. The program fails if the largest
fleet takes too long, or if a host costs more in it than in smaller ones.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Change, Segment, Snapshot, Wish
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.plan import Plan, plan
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_segments

HOSTS = (100, 300, 1_000, 3_000, 10_000)
# Seconds for the largest fleet, and how much more a host may cost in it than in one that is a tenth of it.
LONGEST, GROWTH = 5.0, 1.5
TIMES = 3


def segments(count: int = 3) -> list[Segment]:
    """Wires with half a million addresses of IPv4 each."""
    declared = []
    for number in range(count):
        ipv4 = {"subnet": f"10.{8 * number}.0.0/13", "slice_length": 29, "exclude": [f"10.{8 * number}.0.0/22"]}
        ipv6 = {"subnet": f"fd00:{number}::/64", "slice_length": 112}
        declared.append({"name": f"lan{number}", "subnets": [ipv4, ipv6]})
    return read_segments(declared)


def wishes(count: int) -> list[Wish]:
    """Hosts with an address of their own each."""
    return [Wish(f"edge{number}", addresses=(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}",)) for number in range(count)]


def best(work: t.Callable[[], Plan]) -> tuple[float, Plan]:
    """The shortest of several times, without garbage collection, as timeit measures."""
    times = []
    for dummy in range(TIMES):
        gc.collect()
        gc.disable()
        begin = time.perf_counter()
        done = work()
        times.append(time.perf_counter() - begin)
        gc.enable()
    return min(times), done


def main(argv: t.Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hosts", type=int, nargs="+", default=HOSTS, help="sizes of the fleet, from the smallest on")
    sizes = parser.parse_args(argv).hosts
    wires = segments()
    costs = {}
    print("hosts    slices    new plan, s    the same again, s    microseconds a host")
    for count in sizes:
        wanted = wishes(count)
        first, made = best(lambda wanted=wanted: plan(wires, Snapshot(), wanted, 0))
        stored = Snapshot(made.after, made.known)
        again, same = best(lambda wanted=wanted, stored=stored: plan(wires, stored, wanted, 0))
        if made.conflicts or same.change != Change():
            sys.exit("the plan is wrong: " + "; ".join(made.conflicts[:3] or ("it is another one the second time",)))
        costs[count] = max(first, again) / count
        print(f"{count:>5} {len(made.after):>9} {first:>14.3f} {again:>20.3f} {costs[count] * 1e6:>22.0f}")
    largest = max(costs)
    smaller = min((count for count in costs if count * 10 >= largest), default=largest)
    growth = costs[largest] / costs[smaller]
    print(f"a host costs {growth:.2f} times as much in {largest} as in {smaller}")
    return int(costs[largest] * largest > LONGEST or growth > GROWTH)


if __name__ == "__main__":
    sys.exit(main())
