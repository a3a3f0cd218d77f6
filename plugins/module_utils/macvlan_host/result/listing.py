# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects for people: a table with one line for each endpoint, and one object with all its fields."""

from __future__ import annotations

import json
import typing as t

from ..values.plain import printable

OK, DRIFT, MISSING = "ok", "drift", "missing"
HOST_NETNS = "(host)"
NOTHING = "-"

Object = t.Mapping[str, t.Any]


class Row(t.NamedTuple):
    """A line of the table.

    :ivar endpoint: None for the line of a network that has no endpoint, or that differs itself
    :ivar netns: None for the host's own namespace
    :ivar foreign_addresses: those that other programs have added to its link
    :ivar state: ``ok``, ``drift`` (it differs from the record), or ``missing``
    """

    network: str
    endpoint: str | None
    netns: str | None
    ifname: str | None
    addresses: list[str]
    foreign_addresses: list[str]
    mac: str | None
    parent: str
    state: str

    @property
    def cells(self) -> list[str]:
        """The same as texts, in the order of :data:`HEADINGS`."""
        netns = self.netns or HOST_NETNS if self.endpoint else NOTHING
        addresses = ", ".join([*self.addresses, *(f"+{address}" for address in self.foreign_addresses)])
        name = f"{self.network}/{self.endpoint}" if self.endpoint else self.network
        return [name, netns, self.ifname or NOTHING, addresses or NOTHING, self.mac or NOTHING, self.parent, self.state]


HEADINGS = ["ENDPOINT", "NETNS", "INTERFACE", "ADDRESSES", "MAC", "PARENT", "STATE"]


def rows_of(report: Object) -> list[Row]:
    """The lines of a report: each endpoint, and the networks that have none or differ from the record.

    :param report: what macvlan_info returns
    """
    states = _states(report["drift"])
    with_endpoints = {item["network"] for item in report["endpoints"]}
    rows = [
        Row(
            item["network"],
            item["name"],
            item["netns"],
            item["ifname"],
            [address for address in (item["ipv4"], item["ipv6"], *item["addresses"]) if address],
            list(item["foreign_addresses"]),
            item["mac"],
            item["parent"],
            states.get(f"endpoint {item['network']}/{item['name']}", OK),
        )
        for item in report["endpoints"]
    ]
    for item in report["networks"]:
        state = states.get(f"network {item['name']}", OK)
        if item["name"] not in with_endpoints or state != OK:
            rows.append(Row(item["name"], None, None, None, [], [], None, item["parent"], state))
    return sorted(rows, key=lambda row: (row.network, row.endpoint or ""))


def _states(drift: t.Iterable[Object]) -> dict[str, str]:
    """Title → state of the objects that differ."""
    states: dict[str, str] = {}
    for item in drift:
        if states.get(item["object"]) != MISSING:
            states[item["object"]] = MISSING if _is_missing(item) else DRIFT
    return states


def _is_missing(item: Object) -> bool:
    """Whether a difference is that the object is not there: its link, its namespace, or the parent of a network."""
    if item["field"] == "link":
        return bool(item["recorded"] == "present")
    return item["field"] in ("netns", "parent") and item["actual"] is None


def table(headings: list[str], lines: t.Iterable[list[str]]) -> list[str]:
    """Lines with aligned columns, in which everything is printable."""
    cells = [headings, *([printable(cell).replace("\n", "\\n") for cell in line] for line in lines)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]


def difference_line(item: Object) -> str:
    """A difference as a line."""
    return f"{item['object']}: {item['field']} is {_value(item['actual'])}, recorded {_value(item['recorded'])}"


def _value(value: t.Any) -> str:
    return "missing" if value is None else value if isinstance(value, str) else json.dumps(value)


def object_lines(item: Object) -> list[str]:
    """All fields of an object, one a line; a list of objects has a line for each."""
    width = max(map(len, item))
    lines = []
    for field, value in item.items():
        several = isinstance(value, list) and value and isinstance(value[0], dict)
        values = [_text(part) for part in value] if several else [_text(value)]
        lines += [f"{field if not number else '':<{width}}  {text}" for number, text in enumerate(values)]
    return lines


def _text(value: t.Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items() if part is not None) or NOTHING
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or NOTHING
    if isinstance(value, bool):
        return "true" if value else "false"
    return NOTHING if value is None or value == "" else str(value)
