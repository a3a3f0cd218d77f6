# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold, as ratios within one run of the benchmark, and whether it does."""

from __future__ import annotations

import dataclasses
import typing as t

from .alone import of_release
from .job import Result
from .packed import RELEASE
from .summary import Summary

MANY, SOME = 1000, 100
MEMORY_SIZE = 4000
# "As fast as" between two measurements of the same speed.
AS_FAST = 1.2
EXACT_REMOVALS = ("limit", "ip_batch")


@dataclasses.dataclass(frozen=True)
class Requirement:
    """One thing that must hold.

    :ivar measured: None when what it needs was not measured
    """

    text: str
    at_most: float
    measured: float | None
    unit: str = "x"

    @property
    def holds(self) -> bool | None:
        return None if self.measured is None else self.measured <= self.at_most


def ratio(value: float | None, to: float | None) -> float | None:
    return None if value is None or not to else value / to


def requirements(summary: Summary, alone: Result) -> list[Requirement]:
    return [*of_creating(summary), *of_the_rest(summary), *of_one(summary, alone), *of_addresses(alone)]


def of_creating(summary: Summary) -> t.Iterator[Requirement]:
    create = summary.seconds("ours", MANY, "create")
    for way, name, at_most in (("limit", "the hand-packed limit", 2.5), ("ip_batch", "`ip -batch`", 0.3)):
        measured = ratio(create, summary.seconds(way, MANY, "create"))
        yield Requirement(f"create {MANY:,}, engine, to {name}", at_most, measured)
    for operation, name, at_most in (("again", "second run", 0.25), ("change", "change one", 0.3)):
        measured = ratio(summary.seconds("ours", MANY, operation), create)
        yield Requirement(f"{name} of {MANY:,}, to the create", at_most, measured)


def of_the_rest(summary: Summary) -> t.Iterator[Requirement]:
    cheapest = [seconds for way in EXACT_REMOVALS if (seconds := summary.seconds(way, MANY, "remove")) is not None]
    measured = ratio(summary.seconds("ours", MANY, "remove"), min(cheapest, default=None))
    yield Requirement(f"remove {MANY:,}, to the cheapest exact way", 3.0, measured)
    growth = ratio(each(summary, MANY), each(summary, SOME))
    yield Requirement(f"create, time per endpoint at {MANY:,} to that at {SOME}", 1.3, growth)
    peak = summary.detail("modules", MEMORY_SIZE, "create", "peak_kib")
    empty = summary.detail("modules", MEMORY_SIZE, "create", "empty_peak_kib")
    memory = None if peak is None or empty is None else (peak - empty) * 1024 / 1e6
    yield Requirement(f"memory above an empty module at {MEMORY_SIZE:,}", 80.0, memory, " MB")


def each(summary: Summary, size: int) -> float | None:
    return ratio(summary.seconds("ours", size, "create"), size)


def of_one(summary: Summary, alone: Result) -> t.Iterator[Requirement]:
    ours = summary.detail("single", 1, "create", "one_call")
    measured = ratio(ours, summary.detail("cni", 1, "create", "one_call"))
    yield Requirement("one `macvlan_endpoint`, namespace and fsync included, to one CNI ADD", 1.0, measured)
    imports = alone.get("imports", {})
    # Both know parents that were renamed, macvlan_info returns options (config) too, and an endpoint knows what others give up,
    # which release 1.0.0 did not.
    for module, what, at_most in (("macvlan_info", "", 0.65), ("macvlan_endpoint", " that changes nothing", 0.92)):
        ours, earlier = (imports.get(name, {}).get("median") for name in (module, of_release(module)))
        text = f"own imports of a `{module}`{what}, from its zip and from source, to those of release {RELEASE}"
        yield Requirement(text, at_most, ratio(ours, earlier))


def of_addresses(alone: Result) -> t.Iterator[Requirement]:
    rates = list(alone.get("addresses", {}).values())
    if len(rates) != 2:
        rates = [{}, {}]
    v4, v6 = rates
    full = ratio(v4.get("1"), v4.get("60000"))
    yield Requirement("allocation in a /16 with 60,000 leases to one in an empty /16", 3.0, full)
    for count in ("1", "60000"):
        text = f"allocation in an IPv6 /64 to one in an IPv4 /16, {int(count):,} leases"
        yield Requirement(text, AS_FAST, ratio(v4.get(count), v6.get(count)))
