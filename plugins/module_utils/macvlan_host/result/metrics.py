# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is recorded, and how the kernel differs from it, in the text format of Prometheus."""

from __future__ import annotations

import typing as t

from ..model.counters import Counters, CountersOfLinks
from ..model.netns import NETNS_FOLDER, Netns
from ..model.ref import LISTS, endpoint_ref
from ..release import VERSION
from ..values.plain import printable
from .listing import DRIFT, MISSING, OK, Row, rows_of

Report = t.Mapping[str, t.Any]
Labels = t.Mapping[str, str]
# A link of another name, or below another parent, is not the endpoint's.
NOT_ITS_LINK = {"link", "ifname", "parent", "netns"}
GAUGE, COUNTER = "gauge", "counter"
# Name of a metric of endpoints → field of the counters, and what it is.
OF_LINKS = {
    "receive_bytes": ("received_bytes", "Bytes that the link of an endpoint has received"),
    "receive_packets": ("received_packets", "Packets that the link of an endpoint has received"),
    "receive_errors": ("received_errors", "Packets with errors that the link of an endpoint has received"),
    "receive_dropped": ("received_dropped", "Received packets that the link of an endpoint has dropped"),
    "transmit_bytes": ("sent_bytes", "Bytes that the link of an endpoint has sent"),
    "transmit_packets": ("sent_packets", "Packets that the link of an endpoint has sent"),
    "transmit_errors": ("sent_errors", "Packets that the link of an endpoint could not send because of errors"),
    "transmit_dropped": ("sent_dropped", "Packets to be sent that the link of an endpoint has dropped"),
}


def namespaces_of(report: Report) -> list[Netns]:
    """The namespaces of all endpoints, each once."""
    return list({_path(item["netns"]): Netns("path", _path(item["netns"])) if item["netns"] else Netns() for item in report["endpoints"]}.values())


def _path(shown: str | None) -> str:
    """The file of a namespace as results show it, by its name or by its path; empty for that of the host."""
    return shown or "" if not shown or shown.startswith("/") else f"{NETNS_FOLDER}/{shown}"


def metric_lines(report: Report, counters: CountersOfLinks) -> list[str]:
    """All metrics.

    :param report: what macvlan_info returns
    :param counters: those of the namespaces of the endpoints
    """
    rows = rows_of(report)
    lines = _metric("macvlan_host_info", GAUGE, "The release of the command, always 1", [({"version": VERSION}, 1)])
    for option, kind in LISTS.items():
        lines += _metric(f"macvlan_{option}_recorded", GAUGE, f"Recorded objects of the kind {kind}", [({}, len(report[option]))])
    lines += _metric("macvlan_subnet_addresses", GAUGE, "Addresses of a subnet that cannot be given out (in_use), or still can (available)", _addresses(report))
    slices = "Slices of the host in the segment of a network, and slices that it has lost to another host"
    lines += _metric("macvlan_slices", GAUGE, slices, _slices(report))
    lines += _metric("macvlan_endpoints", GAUGE, "Endpoints of a network by their state: ok, drift, or missing", _states(report, rows))
    lines += _metric("macvlan_drift", GAUGE, "Differences between the record and the kernel by the kind of object", _drift(report))
    lines += _metric("macvlan_warnings", GAUGE, "Warnings of macvlan-host status", [({}, len(report["warnings"]))])
    known = list(_counted(report, rows, counters))
    for name, (field, text) in OF_LINKS.items():
        samples = [(labels, getattr(numbers, field)) for labels, numbers in known]
        lines += _metric(f"macvlan_endpoint_{name}_total", COUNTER, text, samples)
    return lines


def _addresses(report: Report) -> t.Iterator[tuple[Labels, int]]:
    for network in report["networks"]:
        for subnet in network["subnets"]:
            for state in ("in_use", "available"):
                yield {"network": network["name"], "subnet": subnet["subnet"], "state": state}, subnet[state]


def _slices(report: Report) -> t.Iterator[tuple[Labels, int]]:
    for network in report["networks"]:
        if network["segment"] is not None:
            lost = sum(item["lost_to"] is not None for item in network["slices"])
            for state, number in (("owned", len(network["slices"]) - lost), ("lost", lost)):
                yield {"network": network["name"], "segment": network["segment"], "state": state}, number


def _states(report: Report, rows: t.Sequence[Row]) -> t.Iterator[tuple[Labels, int]]:
    """Numbers that are 0 are told too, so that alerts see them fall."""
    for network in report["networks"]:
        states = [row.state for row in rows if row.endpoint is not None and row.network == network["name"]]
        for state in (OK, DRIFT, MISSING):
            yield {"network": network["name"], "state": state}, states.count(state)


def _drift(report: Report) -> t.Iterator[tuple[Labels, int]]:
    kinds = [item["object"].partition(" ")[0] for item in report["drift"]]
    for kind in LISTS.values():
        yield {"kind": kind}, kinds.count(kind)


def _counted(report: Report, rows: t.Sequence[Row], counters: CountersOfLinks) -> t.Iterator[tuple[Labels, Counters]]:
    """The endpoints whose links are there, with their counters."""
    elsewhere = {item["object"] for item in report["drift"] if item["field"] in NOT_ITS_LINK}
    for row in rows:
        numbers = counters.get(_path(row.netns), {}).get(row.ifname or "")
        if row.endpoint is not None and numbers is not None and endpoint_ref(row.network, row.endpoint).title not in elsewhere:
            yield {"network": row.network, "endpoint": row.endpoint, "interface": row.ifname or ""}, numbers


def _metric(name: str, kind: str, text: str, samples: t.Iterable[tuple[Labels, int]]) -> list[str]:
    """A metric with all its samples; nothing of a metric without any."""
    lines = [f"{name}{_labels(labels)} {value}" for labels, value in samples]
    return [f"# HELP {name} {text}.", f"# TYPE {name} {kind}", *lines] if lines else []


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{label_value(value)}"' for name, value in labels.items()) + "}" if labels else ""


def label_value(text: str) -> str:
    """A text as the value of a label. What is not printable is shown as its code, so that the lines are the same on every terminal."""
    return printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
