# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is different from the last report."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import READ, Change, Duplicate, Host, Objects

FORMAT = 1
NEW, GONE, CHANGED = "new", "gone", "changed"


class LastReport(t.NamedTuple):
    """What a report kept for the next one.

    :ivar hosts: name → what it was (read, failed, unreachable)
    :ivar as_of: name → when its objects were read
    """

    generated: str
    hosts: t.Mapping[str, str]
    as_of: t.Mapping[str, str]
    objects: t.Mapping[str, Objects]
    drift: frozenset[tuple[str, str]]
    duplicates: frozenset[tuple[str, str]]


NOTHING = LastReport("", {}, {}, {}, frozenset(), frozenset())


def read_last_report(given: t.Any) -> LastReport:
    """The last report, of its JSON.

    :raises ValueError: it is none
    """
    if given is None or given == "" or given == {}:
        return NOTHING
    try:
        if given["format"] != FORMAT:
            raise ValueError(f"it has format {given['format']!r}, and this release reads format {FORMAT}")
        hosts = {str(item["name"]): item for item in given["hosts"]}
        return LastReport(
            str(given["generated"]),
            {name: str(item["state"]) for name, item in hosts.items()},
            {name: str(item["as_of"]) for name, item in hosts.items()},
            {name: {str(title): dict(fields) for title, fields in item["objects"].items()} for name, item in hosts.items()},
            frozenset((name, _drift_title(item["object"], item["field"])) for name, host in hosts.items() for item in host["drift"]),
            frozenset((str(item["wire"]), _duplicate_title(item["kind"], item["value"])) for item in given["duplicates"]),
        )
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError(f"it is not the JSON of a report: {exc!r}"[:200]) from exc


def changes_of(last: LastReport, hosts: t.Sequence[Host], duplicates: t.Sequence[Duplicate]) -> tuple[Change, ...]:
    """The changes since the last report, host by host; of hosts that were not read, only that."""
    if last is NOTHING:
        return ()
    changes: list[Change] = []
    for host in hosts:
        if host.name not in last.hosts:
            changes.append(Change(host.name, NEW, "host", "", host.state))
        elif last.hosts[host.name] != host.state:
            changes.append(Change(host.name, CHANGED, "host", last.hosts[host.name], host.state))
        if host.state == READ and last.as_of.get(host.name):
            changes += _of_objects(host.name, last.objects[host.name], host.objects)
            drift = {(host.name, _drift_title(item.object, item.field)) for item in host.drift}
            before = {item for item in last.drift if item[0] == host.name}
            changes += [Change(host.name, NEW, title, "", "") for dummy, title in sorted(drift - before)]
            changes += [Change(host.name, GONE, title, "", "") for dummy, title in sorted(before - drift)]
    present = {host.name for host in hosts}
    changes += [Change(name, GONE, "host", state, "") for name, state in last.hosts.items() if name not in present]
    now = {(item.wire, _duplicate_title(item.kind, item.value)) for item in duplicates}
    changes += [Change("", NEW, f"{title} on {wire}", "", "") for wire, title in sorted(now - last.duplicates)]
    changes += [Change("", GONE, f"{title} on {wire}", "", "") for wire, title in sorted(last.duplicates - now)]
    return tuple(changes)


def _of_objects(host: str, before: Objects, after: Objects) -> t.Iterator[Change]:
    for title in sorted({*before, *after}):
        old, new = before.get(title), after.get(title)
        if old is None:
            yield Change(host, NEW, title, "", _addresses(new or {}))
        elif new is None:
            yield Change(host, GONE, title, _addresses(old), "")
        elif old != new:
            for field in sorted({*old, *new}):
                if old.get(field) != new.get(field):
                    yield Change(host, CHANGED, f"{title}: {field}", value_text(old.get(field)), value_text(new.get(field)))


def _addresses(fields: t.Mapping[str, t.Any]) -> str:
    """The addresses that tell one object from another for a reader; those of a network are its subnets."""
    texts = [*(fields.get(key) for key in ("ipv4", "ipv6")), *(fields.get("addresses") or ()), *(item["subnet"] for item in fields.get("subnets") or ())]
    return ", ".join(str(text) for text in texts if text)


def value_text(value: t.Any) -> str:
    """A value as a reader is shown it."""
    if value is None or value == [] or value == {}:
        return "nothing"
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def _drift_title(title: t.Any, field: t.Any) -> str:
    return f"drift of {title}: {field}"


def _duplicate_title(kind: t.Any, value: t.Any) -> str:
    return f"{'MAC address' if kind == 'mac' else 'address'} {value} of several hosts"
