# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as plain dictionaries and lists, for programs, and for the next report."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.compare import FORMAT
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import Holder, Host, Report, SubnetMap


def plain_report(report: Report) -> dict[str, t.Any]:
    """The JSON twin of the page."""
    return {
        "format": FORMAT,
        "generated": report.generated,
        "since": report.since,
        "counts": dict(report.counts),
        "hosts": [_host(host) for host in report.hosts],
        "wires": [
            {"name": wire.name, "segment": wire.declared, "hosts": list(wire.hosts), "subnets": [_map(item) for item in wire.maps]} for wire in report.wires
        ],
        "duplicates": [
            {"wire": item.wire, "kind": item.kind, "value": item.value, "holders": _holders(item.holders)} for item in report.duplicates
        ],
        "changes": [item._asdict() for item in report.changes],
    }


def _host(host: Host) -> dict[str, t.Any]:
    return {
        "name": host.name,
        "state": host.state,
        "message": host.message,
        "as_of": host.as_of,
        "objects": {title: dict(fields) for title, fields in host.objects.items()},
        "drift": [item._asdict() for item in host.drift],
        "repair": host.repair,
        "warnings": list(host.warnings),
    }


def _map(shown: SubnetMap) -> dict[str, t.Any]:
    return {
        "subnet": shown.subnet,
        "bands": [
            {
                "block": band.block,
                "owners": list(band.owners),
                "leased": band.leased,
                "foreign": band.foreign,
                "reserved": band.reserved,
                "free": band.free,
            }
            for band in shown.bands
        ],
        "addresses": [{"address": item.address, "state": item.state, "holders": _holders(item.holders)} for item in shown.addresses],
        "reserved": [
            {"first": inet.to_text(shown.version, run.first), "last": inet.to_text(shown.version, run.last), "why": run.why} for run in shown.reserved
        ],
    }


def _holders(holders: t.Iterable[Holder]) -> list[dict[str, str]]:
    return [{"host": holder.host, "what": holder.what} for holder in holders]
