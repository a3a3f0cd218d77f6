# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results as a page of Markdown tables."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Sequence

from .contestants import OPERATIONS, Way
from .job import Result
from .requirements import MANY, Requirement, ratio
from .schedule import PLACEMENTS
from .summary import Figure, Summary

LICENCE = """<!--
SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
"""
NAMES = {"create": "Create", "again": "Second run, nothing to do", "change": "Change one of N", "remove": "Remove all"}
NOTE = """Every value is a median, with the smallest and the largest of so many runs (n). The ways took turns on one
machine in one go; each case ran on a host of its own, made of namespaces, and the endpoints were counted after every
operation. Making the namespaces counts. Removal ends when the last link is gone from the parent, not when the command
returns."""


def page(summary: Summary, alone: Result, required: Sequence[Requirement], context: Result) -> str:
    """The whole page."""
    parts = [
        LICENCE,
        "# Benchmark results\n",
        machine_line(context),
        NOTE,
        "![Time per endpoint against the number of endpoints](results.svg)\n",
        "## What must hold\n",
        requirement_table(required),
        *(section for operation in OPERATIONS for section in operation_section(summary, operation)),
        *ratio_section(summary),
        *together_section(summary),
        *phase_section(summary),
        *alone_section(alone),
        *memory_section(summary),
        *missing_section(summary),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def machine_line(context: Result) -> str:
    machine, versions = context["machine"], context["versions"]
    what = f"{machine['processor']}, {machine['cores']} cores, {machine['memory_mib']:,} MiB, {machine['kernel']}"
    programs = ", ".join(versions.values())
    return f"{context['date']}: {what}, state on {machine['file_system']}.\n{programs}.\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


# --- sections -------------------------------------------------------------------------------------------------------


def requirement_table(required: Sequence[Requirement]) -> str:
    words = {True: "yes", False: "**no**", None: "not measured"}
    rows = [
        [
            item.text,
            f"{item.at_most:g}{item.unit}",
            "" if item.measured is None else f"{item.measured:.2f}{item.unit}",
            words[item.holds],
        ]
        for item in required
    ]
    return table(["what", "at most", "measured", "holds"], rows)


def operation_section(summary: Summary, operation: str) -> Iterator[str]:
    """A row for each way: µs per endpoint; of a change the whole time, because only one endpoint changes."""
    whole = operation == "change"
    rows = [row for way in ways(summary, "apart") if (row := figure_row(summary, way, operation, "apart", whole))]
    if rows:
        yield f"## {NAMES[operation]}, {'ms in all' if whole else 'µs per endpoint'}\n"
        yield table(["N =", *(f"{size:,}" for size in summary.sizes("apart"))], rows)


def together_section(summary: Summary) -> Iterator[str]:
    rows = [row for way in ways(summary, "together") if (row := figure_row(summary, way, "create", "together", False))]
    if rows:
        yield f"## Create {PLACEMENTS['together']}, µs per endpoint\n"
        yield table(["N =", *(f"{size:,}" for size in summary.sizes("together"))], rows)


def figure_row(summary: Summary, way: Way, operation: str, placement: str, whole: bool) -> list[str] | None:
    sizes = summary.sizes(placement)
    found = [summary.figure(way.name, size, operation, placement) for size in sizes]
    if not any(found):
        return None
    return [way.title, *(cell(figure, 1 if whole else size, whole) for figure, size in zip(found, sizes, strict=False))]


def cell(figure: Figure | None, size: int, whole: bool) -> str:
    if figure is None:
        return "-"
    scale = 1e3 if whole else 1e6 / size
    spread = f"{number(figure.lowest * scale)}-{number(figure.highest * scale)}"
    return f"{number(figure.median * scale)} ({spread}, n={figure.runs})"


def number(value: float) -> str:
    """Three digits that matter."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ratio_section(summary: Summary) -> Iterator[str]:
    size = MANY if MANY in summary.sizes("apart") else max(summary.sizes("apart"), default=0)
    rows = []
    for way in ways(summary, "apart"):
        for operation in OPERATIONS:
            seconds = summary.seconds(way.name, size, operation)
            if seconds is not None:
                to = [ratio(seconds, summary.seconds(other, size, operation)) for other in ("limit", "ip_batch")]
                multiples = ["-" if value is None else f"{value:.2f}x" for value in to]
                rows.append([f"{way.title}: {operation}", *multiples])
    if rows:
        yield f"## At {size:,} endpoints, as a multiple\n"
        yield table(["", "of the limit", "of ip -batch"], rows)


def phase_section(summary: Summary) -> Iterator[str]:
    """Of the engine's time, and imports beside it."""
    for size in [size for size in (1, MANY) if size in summary.sizes("apart")]:
        found = {operation: summary.phases("ours", size, operation) for operation in OPERATIONS}
        found = {operation: phases for operation, phases in found.items() if phases}
        names = dict.fromkeys(name for phases in found.values() for name in phases)
        if names:
            yield f"## Where macvlan_config spends its time at N = {size:,}, ms and share of the engine's time\n"
            yield table(["", *names], [[operation, *shares(phases, names)] for operation, phases in found.items()])


def shares(phases: dict[str, float], names: Iterable[str]) -> Iterator[str]:
    whole = sum(seconds for name, seconds in phases.items() if name != "imports")
    for name in names:
        seconds = phases.get(name, 0.0)
        share = "" if name == "imports" or not whole else f" ({seconds / whole:.0%})"
        yield f"{number(seconds * 1e3)}{share}"


def alone_section(alone: Result) -> Iterator[str]:
    imports, addresses = alone.get("imports", {}), alone.get("addresses", {})
    if imports:
        yield "## Imports, ms, on top of what every module of Ansible imports\n"
        keys = ("median", "min", "max")
        rows = [[name, *(number(value[key] * 1e3) for key in keys)] for name, value in imports.items()]
        yield table(["", "median", "smallest", "largest"], rows)
    if "reason" in addresses:
        yield f"## Address management alone\n\nDid not run: {addresses['reason']}\n"
    elif addresses:
        yield "## Address management alone, allocations per second\n"
        counts = list(list(addresses.values())[0])
        rows = [[name, *(number(rates[count]) for count in counts)] for name, rates in addresses.items()]
        yield table(["leases held", *(f"{int(count):,}" for count in counts)], rows)


def memory_section(summary: Summary) -> Iterator[str]:
    rows = []
    for size in summary.sizes("apart"):
        peak, empty = (summary.detail("modules", size, "create", key) for key in ("peak_kib", "empty_peak_kib"))
        if peak is not None and empty is not None:
            values = (empty, peak, peak - empty)
            rows.append([f"{size:,}", *(f"{value * 1024 / 1e6:.1f}" for value in values)])
    if rows:
        yield "## Memory of the module process at the create, MB at its peak\n"
        yield table(["N", "empty module", "macvlan_config", "above the empty one"], rows)


def missing_section(summary: Summary) -> Iterator[str]:
    """What was asked for and is not in the tables, with the reason."""
    rows = [
        [f"{contest.way.title}, N = {contest.size:,}, {PLACEMENTS[contest.placement]}", one_line(contest.reason)]
        for contest in summary.contests
        if contest.reason is not None
    ]
    rows += [
        [f"{way.title}: {operation}", reason]
        for way in ways(summary, "apart")
        for operation, reason in way.cannot.items()
    ]
    if rows:
        yield "## What did not run, or only in another way\n"
        yield table(["", "why"], rows).replace("---:", "---")


def one_line(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[-300:]


def ways(summary: Summary, placement: str) -> list[Way]:
    found = {contest.way.name: contest.way for contest in summary.contests if contest.placement == placement}
    return list(found.values())


def shown(required: Sequence[Requirement]) -> t.Iterator[str]:
    """The requirements as lines for a terminal."""
    words = {True: "holds", False: "DOES NOT HOLD", None: "not measured"}
    for item in required:
        measured = "-" if item.measured is None else f"{item.measured:.2f}{item.unit}"
        yield f"{words[item.holds]:14} {measured:>9} of at most {item.at_most:g}{item.unit}  {item.text}"
