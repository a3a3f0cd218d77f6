# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that makes a report about a fleet."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_hosts, read_segments
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MacvlanHostError
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.as_json import plain_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.build import build_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.compare import read_last_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.page import html_page

DOCUMENTATION = r"""
name: fleet_report
short_description: A report about all hosts of a fleet, as one HTML file and as JSON
version_added: 2.0.0
description:
  - Makes a report of what M(fleetnet.macvlan.macvlan_info) returns on each host. It has the addresses of each segment on a map, the links,
    networks and endpoints of each host, the drift with the command that repairs it, addresses and MAC addresses that
    several hosts have, and what has changed since the last report.
  - The HTML is one file with all that it needs. It needs neither a script nor a network to be read.
  - Hosts that failed or could not be reached are named in it.
  - The playbook C(fleetnet.macvlan.fleet_report) gathers what the filter needs, and writes both files.
notes:
  - Without segments, networks of several hosts that have the same subnet, or subnets that overlap, are taken to be on one wire.
    Networks without a parent lead nowhere, so each of them is shown by itself.
  - "The command that repairs drift is C(macvlan-host restore), run by C(ansible). The command is on hosts that have had
    P(fleetnet.macvlan.macvlan_host#role) or M(fleetnet.macvlan.macvlan_command)."
requirements:
  - netaddr >= 0.8 on the control node, for O(segments) and O(hosts)
author:
  - The fleetnet.macvlan authors (@fleetnet)
positional: _input
options:
  _input:
    description:
      - "A dictionary of hosts: inventory name, and what M(fleetnet.macvlan.macvlan_info) returned, or what its task did when it failed."
    type: dict
    required: true
  segments:
    description:
      - The segments, as P(fleetnet.macvlan.fleet_slices#filter) takes them.
    type: list
    elements: dict
    default: []
  hosts:
    description:
      - What the inventory says of hosts, as P(fleetnet.macvlan.fleet_lint#filter) takes it. C(place) and C(addresses) are used.
      - It need not have all hosts.
    type: dict
    default: {}
  previous:
    description:
      - The JSON of the last report, to tell what has changed. Nothing is told without it.
    type: dict
  generated:
    description:
      - The time of the report, as text.
    type: str
    default: ''
  state_dir:
    description:
      - The folder of the state database on the hosts, for the command that repairs drift.
    type: str
    default: /var/lib/macvlan_host
seealso:
  - module: fleetnet.macvlan.macvlan_info
  - plugin: fleetnet.macvlan.fleet_slices
    plugin_type: filter
  - plugin: fleetnet.macvlan.fleet_lint
    plugin_type: filter
  - plugin: fleetnet.macvlan.macvlan_job
    plugin_type: role
"""

EXAMPLES = r"""
- name: Read the record and its drift
  fleetnet.macvlan.macvlan_info:
  register: macvlan

- name: Write a report about all hosts
  ansible.builtin.copy:
    content: "{{ (answers | fleetnet.macvlan.fleet_report).html }}"
    dest: /srv/reports/fleet.html
    mode: "0644"
  vars:
    answers: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'macvlan'))) }}"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    html:
      description: The content of an HTML file.
      returned: always
      type: str
      sample: <!DOCTYPE html>…
    data:
      description:
        - The same for programs, and for O(previous) of the next report. It has C(format), C(generated), C(since), C(counts), C(hosts) with their
          objects and drift, C(wires) with their subnets and addresses, C(duplicates) and C(changes).
      returned: always
      type: dict
      sample:
        format: 1
        counts:
          hosts: 3
          duplicates: 0
"""


def fleet_report(
    answers: t.Any,
    segments: t.Any = None,
    hosts: t.Any = None,
    previous: t.Any = None,
    generated: str = "",
    state_dir: str = "/var/lib/macvlan_host",
) -> dict[str, t.Any]:
    """See DOCUMENTATION."""
    if not isinstance(answers, t.Mapping):
        raise AnsibleFilterError("fleet_report takes a dictionary of hosts, with the result of fleetnet.macvlan.macvlan_info for each")
    try:
        declared = read_segments(segments or [])
        report = build_report(
            answers,
            segments=declared,
            fleet=read_hosts(hosts or {}, declared),
            last=read_last_report(previous),
            generated=str(generated),
            state_dir=str(state_dir),
        )
    except MacvlanHostError as exc:
        raise AnsibleFilterError(f"fleet_report cannot read the fleet: {exc}") from exc
    except ValueError as exc:
        raise AnsibleFilterError(f"fleet_report cannot read the last report: {exc}") from exc
    return {"html": html_page(report), "data": plain_report(report)}


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_report": fleet_report}
