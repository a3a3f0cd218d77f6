# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmark declares with the collection's own modules: one network and its endpoints."""

from __future__ import annotations

from .job import MTU, SUBNET, Job, Result

NETWORK = "net"


def network(job: Job, **options: str) -> Result:
    # No other way asks the wire; benchmarks/probing.py measures what that costs.
    return {"name": NETWORK, "parent": job.parent, "subnets": [{"subnet": str(SUBNET)}], "probe": "none", **options}


def endpoint(name: str, mtu: int | None = None) -> Result:
    return {"name": name, "network": NETWORK, "netns": name, **({"mtu": mtu} if mtu else {})}


def config(job: Job, operation: str, **options: str) -> Result:
    """The options of macvlan_config for an operation.

    :param options: further ones of the network
    """
    if operation == "remove":
        return {"vlan_subinterfaces": [], "networks": [], "endpoints": [], "purge": True}
    first = MTU if operation == "change" else None
    endpoints = [endpoint(name, None if position else first) for position, name in enumerate(job.names)]
    return {"vlan_subinterfaces": [], "networks": [network(job, **options)], "endpoints": endpoints, "purge": False}
