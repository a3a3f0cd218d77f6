# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as one HTML file, which needs neither a script nor a network to be read."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.listing import difference_line
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report import map_picture
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.host_part import host_index, host_part
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.markup import counted, escaped, number_text
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import DRIFT, DUPLICATE, LEASED, READ, Band, Change, Report, SubnetMap, Wire
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.style import style_sheet

TITLE = "Macvlan fleet"
# Nothing is fetched and nothing runs, whatever gets into a name.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
# Beyond that many, what has changed is read by a program.
MOST_CHANGES = 1000
# Up to this many hosts all of them are unfolded.
FEW_HOSTS = 12


def html_page(report: Report) -> str:
    """The page."""
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escaped(POLICY)}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">',
            f"<title>{TITLE}{' ' + escaped(report.generated) if report.generated else ''}</title><style>\n{style_sheet()}\n</style></head><body>",
            map_picture.shapes(),
            *_head(report),
            "<main>",
            *_not_read(report),
            *_duplicates(report),
            *_drift(report),
            *_changes(report),
            *_maps(report),
            *_hosts(report),
            "</main></body></html>\n",
        ]
    )


def _head(report: Report) -> t.Iterator[str]:
    yield f"<header><h1>{TITLE}</h1>"
    if report.generated:
        yield f'<p class="dim">As of <span class="n">{escaped(report.generated)}</span></p>'
    counts = report.counts
    yield '<ul class="counts">'
    for key, text in (
        ("hosts", counted(counts["hosts"], "host")),
        ("networks", counted(counts["networks"], "network")),
        ("endpoints", counted(counts["endpoints"], "endpoint")),
        ("vlan_subinterfaces", counted(counts["vlan_subinterfaces"], "VLAN sub-interface")),
        ("drift", counted(counts["drift"], "difference")),
        ("duplicates", counted(counts["duplicates"], "duplicate")),
        ("full_subnets", counted(counts["full_subnets"], "subnet with nothing left to give out", "subnets with nothing left to give out")),
        ("hosts_not_read", counted(counts["hosts_not_read"], "host not read", "hosts not read")),
    ):
        number, dummy, words = text.partition(" ")
        yield f'<li class="box" data-count="{key}"><b>{number}</b> {words}</li>'
    yield "</ul></header>"


def _section(name: str, title: str) -> str:
    return f'<section id="{name}"><h2>{title}</h2>'


def _not_read(report: Report) -> t.Iterator[str]:
    missing = [host for host in report.hosts if host.state != READ]
    if not missing:
        return
    yield _section("not-read", "Hosts that were not read") + '<ul class="row">'
    for host in missing:
        last = f'<span class="dim">last read {escaped(host.as_of)}</span>' if host.as_of else ""
        yield f'<li><b>{escaped(host.name)}</b><mark>{host.state}</mark><span class="n">{escaped(host.message)}</span>{last}</li>'
    yield "</ul></section>"


def _duplicates(report: Report) -> t.Iterator[str]:
    yield _section("duplicates", "Duplicates between hosts")
    if not report.duplicates:
        yield '<p><span class="fine">none</span> No address and no MAC address is on several hosts of one wire.</p></section>'
        return
    yield '<ul class="row">'
    for item in report.duplicates:
        holders = " and ".join(f"<b>{escaped(holder.host)}</b> <span class=\"n\">{escaped(holder.what)}</span>" for holder in item.holders)
        kind = "MAC address" if item.kind == "mac" else "address"
        yield f'<li><mark>{kind}</mark><code>{escaped(item.value)}</code><span>{holders}</span><span class="dim">on {escaped(item.wire)}</span></li>'
    yield "</ul></section>"


def _drift(report: Report) -> t.Iterator[str]:
    yield _section("drift", "Drift")
    different = [host for host in report.hosts if host.drift]
    if not different:
        yield '<p><span class="fine">none</span> On the hosts that were read, the kernel has what is recorded.</p></section>'
        return
    for host in different:
        yield f"<h3>{escaped(host.name)}</h3><ul>"
        for item in host.drift:
            hint = "" if item.repairable else ' <mark>not repaired by a run</mark> Give one of the two another address.'
            yield f'<li><span class="n">{escaped(difference_line(item._asdict()))}</span>{hint}</li>'
        yield "</ul>"
        if host.repair:
            yield f"<p>This repairs it:</p><pre>{escaped(host.repair)}</pre>"
    yield "</section>"


def _changes(report: Report) -> t.Iterator[str]:
    if not report.since:
        return
    yield _section("changes", f'Changes since <span class="n">{escaped(report.since)}</span>')
    if not report.changes:
        yield "<p>Nothing has changed.</p></section>"
        return
    yield '<ul class="row">'
    yield from map(_change, report.changes[:MOST_CHANGES])
    yield "</ul>"
    if len(report.changes) > MOST_CHANGES:
        yield f"<p>{counted(len(report.changes) - MOST_CHANGES, 'more change')} are in the JSON file.</p>"
    yield "</section>"


def _change(item: Change) -> str:
    host = f"<b>{escaped(item.host)}</b>" if item.host else ""
    values = [value for value in (item.before, item.after) if value]
    told = f'<span class="n">{escaped(" → ".join(values))}</span>' if values else ""
    return f'<li>{host}<em>{item.what}</em><span class="n">{escaped(item.subject)}</span>{told}</li>'


def _maps(report: Report) -> t.Iterator[str]:
    yield _section("maps", "Addresses")
    if not report.wires:
        yield "<p>No host that was read has a network with addresses, and no segment is declared.</p></section>"
        return
    yield map_picture.key()
    for wire in report.wires:
        kind = "Segment " if wire.declared else ""
        yield f"<article><h3>{kind}{escaped(wire.name)}</h3>{_hosts_of(wire)}"
        for shown in wire.maps:
            yield from _map(shown, heading=shown.subnet != wire.name)
        yield "</article>"
    yield "</section>"


def _hosts_of(wire: Wire) -> str:
    if not wire.hosts:
        return '<p class="dim">No host has a part in it.</p>'
    number, names = counted(len(wire.hosts), "host"), escaped(", ".join(wire.hosts))
    if len(wire.hosts) > FEW_HOSTS:
        return f"<details><summary>{number}</summary><p>{names}</p></details>"
    return f'<p class="dim">{number}: {names}</p>'


def _map(shown: SubnetMap, heading: bool) -> t.Iterator[str]:
    if heading:
        yield f"<h4><code>{escaped(shown.subnet)}</code></h4>"
    if map_picture.has_cells(shown):
        yield map_picture.cells(shown)
    yield '<ul class="row bands">'
    yield from map(_band, shown.bands)
    yield "</ul>"
    others = [item for item in shown.addresses if item.state not in (LEASED, DRIFT, DUPLICATE)]
    lines = [f"<li><code>{item.address}</code>{escaped(map_picture.holders_text(item.holders))}</li>" for item in others]
    for run in shown.reserved:
        first, last = (inet.to_text(shown.version, number) for number in (run.first, run.last))
        lines.append(f"<li><code>{first if first == last else f'{first}-{last}'}</code>{escaped(run.why)}</li>")
    if lines:
        yield f'<details><summary>Addresses that are no leases of endpoints</summary><ul class="row">{"".join(lines)}</ul></details>'


def _band(band: Band) -> str:
    owners = f'<b>{escaped(", ".join(band.owners))}</b>' if band.owners else '<span class="dim">given out by no host</span>'
    numbers = [f"{number_text(band.leased)} leased", f"{number_text(band.reserved)} reserved", f"{number_text(band.free)} free"]
    numbers += [f"{number_text(band.foreign)} on links, but not leased"] if band.foreign else []
    return f"<li><code>{band.block}</code>{map_picture.band_bar(band)}{owners}<span>{', '.join(numbers)}</span></li>"


def _hosts(report: Report) -> t.Iterator[str]:
    yield _section("hosts", "Hosts")
    if len(report.hosts) > 1:
        yield host_index(report.hosts)
    for position, host in enumerate(report.hosts):
        yield from host_part(host, position, unfolded=len(report.hosts) <= FEW_HOSTS or bool(host.drift))
    yield "</section>"
