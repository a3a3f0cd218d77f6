# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address management alone: how fast an address is found and taken, with few leases and with many; prints JSON."""

from __future__ import annotations

import functools
import json
import statistics
import sys

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.lease_book import Leases, RecordedLeases
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.subnets import next_address
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Network, Subnet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Lease

from .job import timed

LEASES = (1, 1000, 60000)
ALLOCATIONS = 500
REPEATS = 21
# Every fifth of the addresses that are given first.
EXCLUDED = {f"excluded{number}": f"2001:db8::{number * 5:x}" for number in range(1, 1001)}
SUBNETS = {
    "IPv4 /16": Subnet("10.64.0.0/16", gateway="10.64.0.1"),
    "IPv6 /64 with 1,000 exclusions": Subnet("2001:db8::/64", gateway="2001:db8::1", aux_addresses=EXCLUDED),
}


def allocate(leases: Leases, subnet: Subnet) -> Lease:
    """The next address, found and taken: the one place that knows how the engine does it."""
    address = next_address(subnet, leases.taken(subnet.pool))
    if address is None:
        raise AssertionError(f"{subnet.subnet} is full")
    lease = Lease(subnet.pool, address, "endpoint")
    leases.take([lease])
    return lease


def empty(subnet: Subnet) -> Leases:
    network = Network(id="1", name="net", parent="eth0", subnets=(subnet,))
    return Leases(RecordedLeases({"net": network}, {}))


def filled(subnet: Subnet, count: int) -> Leases:
    leases = empty(subnet)
    for dummy in range(count):
        allocate(leases, subnet)
    return leases


def allocate_some(leases: Leases, subnet: Subnet) -> None:
    """With as many leases held all the time: what is taken is given back."""
    for dummy in range(ALLOCATIONS):
        leases.release([allocate(leases, subnet)])


def allocations_per_second() -> dict[str, dict[str, float]]:
    """Subnet → leases held → allocations per second; measured in turns, so that a slow moment is everybody's."""
    cases = {(name, count): filled(subnet, count) for name, subnet in SUBNETS.items() for count in LEASES}
    taken: dict[tuple[str, int], list[float]] = {case: [] for case in cases}
    for dummy in range(REPEATS):
        for (name, count), leases in cases.items():
            taken[name, count].append(timed(functools.partial(allocate_some, leases, SUBNETS[name])))
    return {
        name: {str(count): ALLOCATIONS / statistics.median(taken[name, count]) for count in LEASES} for name in SUBNETS
    }


def main() -> int:
    print(json.dumps(allocations_per_second()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
