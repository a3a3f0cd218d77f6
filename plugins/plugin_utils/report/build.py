# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the answers of hosts to a report."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import HostOfFleet, Segment
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.ordering import natural
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.compare import NOTHING, LastReport, changes_of
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import READ, Duplicate, Host, Report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.read import USUAL_FOLDER, Reading, drift_of, objects_of, read_answer, repair_command
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.tree import tree_of
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.wires import books_of


def build_report(
    answers: t.Mapping[str, t.Any],
    *,
    segments: t.Sequence[Segment] = (),
    fleet: t.Sequence[HostOfFleet] = (),
    last: LastReport = NOTHING,
    generated: str = "",
    state_dir: str = USUAL_FOLDER,
) -> Report:
    """A report.

    :param answers: inventory name → what macvlan_info returned, or what the failed task did
    :param fleet: the slices and own addresses of hosts, of any of them
    :param generated: the time that the report bears
    """
    readings = [read_answer(str(name), given) for name, given in sorted(answers.items(), key=lambda item: natural(str(item[0])))]
    hosts = tuple(_host(reading, last, generated, state_dir) for reading in readings)
    books = books_of(readings, segments, fleet)
    duplicates = tuple(item for book in books for item in book.duplicates())
    wires = tuple(book.wire() for book in books)
    changes = changes_of(last, hosts, duplicates)
    return Report(generated, last.generated, hosts, wires, duplicates, changes, _counts(readings, hosts, duplicates))


def _host(reading: Reading, last: LastReport, generated: str, state_dir: str) -> Host:
    name = reading.host
    if reading.state != READ:
        # What is known of it is kept, so that the next report tells what has changed since then.
        return Host(name, reading.state, reading.message, last.as_of.get(name, ""), (), last.objects.get(name, {}), (), "", ())
    drift = drift_of(reading.answer)
    repair = repair_command(name, state_dir) if any(item.repairable for item in drift) else ""
    warnings = reading.answer.get("warnings")
    told = tuple(map(str, warnings)) if isinstance(warnings, (list, tuple)) else ()
    return Host(name, READ, "", generated, tree_of(reading), objects_of(reading.answer), drift, repair, told)


def _counts(readings: t.Sequence[Reading], hosts: t.Sequence[Host], duplicates: t.Sequence[Duplicate]) -> dict[str, int]:
    answers = [reading.answer for reading in readings]
    networks = [network for answer in answers for network in answer.get("networks", ())]
    return {
        "hosts": len(hosts),
        "hosts_not_read": sum(host.state != READ for host in hosts),
        "networks": len(networks),
        "vlan_subinterfaces": sum(len(answer.get("vlan_subinterfaces", ())) for answer in answers),
        "endpoints": sum(len(answer.get("endpoints", ())) for answer in answers),
        "drift": sum(len(host.drift) for host in hosts),
        "duplicates": len(duplicates),
        "full_subnets": sum(subnet.get("available") == 0 for network in networks for subnet in network["subnets"]),
    }
