# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One operation of the collection's engine in a process of its own, imports and work timed apart; prints JSON.

It is started by its path and imports nothing before the engine, so that the engine's imports are all its own.
"""

from __future__ import annotations

import sys
import time

BEGUN = time.perf_counter()

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request import endpoint, host, network  # noqa: E402 - they are timed
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run import execute  # noqa: E402 - they are timed

IMPORTED = time.perf_counter()
AT_FIRST = set(sys.modules)

import json  # noqa: E402 - behind what is timed
import typing as t  # noqa: E402 - behind what is timed

from ansible_collections.fleetnet.macvlan.benchmarks import declared, view  # noqa: E402 - they are timed
from ansible_collections.fleetnet.macvlan.benchmarks.job import MTU, Job, Result  # noqa: E402 - they are timed
from ansible_collections.fleetnet.macvlan.benchmarks.phases import Phases  # noqa: E402 - they are timed
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run import whole_engine  # noqa: E402 - behind what is timed

Requests = t.Iterator[t.Any]


def config_requests(job: Job, operation: str) -> Requests:
    """The whole host at once."""
    yield host.config_options(declared.config(job, operation))


def ipvlan_requests(job: Job, operation: str) -> Requests:
    """The whole host at once, with ipvlan links."""
    yield host.config_options(declared.config(job, operation, driver="ipvlan"))


def single_requests(job: Job, operation: str) -> Requests:
    """One object after the other; a change is a task for the one endpoint that changes."""
    if operation == "change":
        yield endpoint.endpoint_options(declared.endpoint(job.names[0], MTU))
    elif operation == "remove":
        for name in job.names:
            yield endpoint.endpoint_removal({"name": name, "network": declared.NETWORK})
        yield network.network_removal({"name": declared.NETWORK})
    else:
        yield network.network_options(declared.network(job))
        for name in job.names:
            yield endpoint.endpoint_options(declared.endpoint(name))


STYLES = {"config": config_requests, "ipvlan": ipvlan_requests, "single": single_requests}


def perform(job: Job, requests: Requests, changes: bool) -> list[float]:
    """Seconds of each request, from its options to its result."""
    calls = []
    position = time.perf_counter()
    for request in requests:
        outcome = execute.execute(request, state_dir=str(job.file("state")), dry_run=False)
        calls.append(time.perf_counter() - position)
        if outcome.changed != changes:
            raise AssertionError(f"changed is {outcome.changed}: {outcome.steps[:5]}")
        position = time.perf_counter()
    return calls


def main() -> int:
    style, operation, path = sys.argv[1:]
    job, phases = Job.load(path), Phases()
    # What an operation imports while it works is no work of the engine; packed.py measures what tasks import, then too.
    whole_engine.import_engine()
    begun = time.perf_counter()
    calls = perform(job, STYLES[style](job, operation), operation != "again")
    returned = time.perf_counter()
    if operation == "remove":
        view.wait_until_gone(job.parent, "ipvlan" if style == "ipvlan" else "macvlan")
    seconds = time.perf_counter() - begun
    result: Result = {
        "seconds": seconds,
        "returned": returned - begun,
        # The first single call is the network's, the others are all endpoints'.
        "one_call": sorted(calls[1:] or calls)[len(calls[1:] or calls) // 2],
        "phases": {"imports": IMPORTED - BEGUN, **phases.seconds},
        "imported": len(AT_FIRST),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
