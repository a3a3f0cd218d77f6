# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the command macvlan-host prints of recorded objects: all of them as a table, or one with everything about it."""

from __future__ import annotations

import json
import typing as t

from ..errors import UnrecordedError
from ..model.ref import ENDPOINT, NETWORK
from ..result.listing import HEADINGS, difference_line, object_lines, rows_of, table
from .info import inspect, recorded_objects
from .tools import DEFAULT_TOOLS, Tools

# Names in a message: as many as an operator can look through.
SHOWN_NAMES = 20
ALL_IS_RIGHT = "the kernel matches the record"


def list_lines(
    *, state_dir: str, filters: t.Mapping[str, t.Any], as_json: bool, tools: Tools = DEFAULT_TOOLS
) -> list[str]:
    """The table of endpoints, one a line.

    :param filters: filter of :func:`inspect` → its value, None for none
    :raises MacvlanHostError: a filter is wrong, or the database or the kernel cannot be read
    """
    report = inspect(state_dir=state_dir, tools=tools, **filters)
    rows = rows_of(report)
    if as_json:
        return [json.dumps([row._asdict() for row in rows], indent=2)]
    lines = [f"warning: {text}" for text in report["warnings"]]
    if rows:
        lines += table(HEADINGS, [row.cells for row in rows])
    else:
        lines.append("nothing is recorded" if set(filters.values()) <= {None} else "no endpoint matches")
    if report["drift"]:
        count = len(report["drift"])
        lines.append(f"{count} difference{'' if count == 1 else 's'} between the record and the kernel; to see them: macvlan-host check")
    return lines


def show_lines(*, state_dir: str, title: str, as_json: bool, tools: Tools = DEFAULT_TOOLS) -> list[str]:
    """Everything about one object, and how the kernel differs from the record of it.

    :param title: NETWORK, or NETWORK/ENDPOINT
    :raises UnrecordedError: there is no such object
    :raises MacvlanHostError: the database or the kernel cannot be read
    """
    network, dummy, name = title.partition("/")
    endpoint = name or None
    report = inspect(state_dir=state_dir, network=network, endpoint=endpoint, tools=tools)
    kind = NETWORK if endpoint is None else ENDPOINT
    if not report[f"{kind}s"]:
        raise UnrecordedError(unrecorded(state_dir, network, endpoint, tools))
    (item,) = report[f"{kind}s"]
    if as_json:
        others = {"endpoints": report["endpoints"]} if endpoint is None else {}
        return [json.dumps({kind: item, **others, "drift": report["drift"]}, indent=2)]
    lines = object_lines(item)
    rows = [row.cells for row in rows_of(report) if row.endpoint is not None]
    if endpoint is None and rows:
        lines += ["", *table(HEADINGS, rows)]
    return [*lines, "", *differences(report)]


def differences(report: t.Mapping[str, t.Any]) -> list[str]:
    """The warnings and the differences of a report."""
    lines = [f"warning: {text}" for text in report["warnings"]]
    return [*lines, *(map(difference_line, report["drift"]) if report["drift"] else (ALL_IS_RIGHT,))]


def unrecorded(state_dir: str, network: str, endpoint: str | None, tools: Tools) -> str:
    """Why an object cannot be shown, with the names that there are."""
    recorded = recorded_objects(state_dir=state_dir, tools=tools)
    networks = [ref.name for ref in recorded if ref.kind == NETWORK]
    if not networks:
        return "no network is recorded on this host"
    if endpoint is None or network not in networks:
        return f"there is no network {network} on this host; its networks are {_names(networks)}"
    endpoints = [ref.name for ref in recorded if ref.kind == ENDPOINT and ref.network == network]
    known = f"its endpoints are {_names(endpoints)}" if endpoints else "it has no endpoint"
    return f"there is no endpoint {endpoint} in network {network}; {known}"


def _names(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(sorted(names)[:SHOWN_NAMES]) + more
