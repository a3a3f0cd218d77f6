# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that tells what is wrong with a fleet."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_hosts, read_segments
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MacvlanHostError
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.build import build_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.problems import problems_of

DOCUMENTATION = r"""
name: fleet_problems
short_description: What is wrong with the hosts of a fleet
version_added: 2.0.0
description:
  - Compares what M(fleetnet.macvlan.macvlan_info) returns on each host, and tells addresses and MAC addresses that several hosts have, ranges
    of one wire that several hosts give out, slices that a host has lost to another one, and drift.
  - Hosts that failed or could not be reached are told too, because nothing is known of their addresses.
  - The playbook C(fleetnet.macvlan.fleet_check) gathers what the filter needs, and fails if it tells anything.
notes:
  - Without segments, networks of several hosts that have the same subnet, or subnets that overlap, are taken to be on one wire.
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
  isolated:
    description:
      - Whether the hosts share no other wires than O(segments).
    type: bool
    default: false
  state_dir:
    description:
      - The folder of the state database on the hosts, for the command that repairs drift.
    type: str
    default: /var/lib/macvlan_host
seealso:
  - module: fleetnet.macvlan.macvlan_info
  - module: fleetnet.macvlan.macvlan_fleet_report
  - plugin: fleetnet.macvlan.macvlan_job
    plugin_type: role
"""

EXAMPLES = r"""
- name: Read the record and its drift
  fleetnet.macvlan.macvlan_info:
  register: macvlan

- name: Fail if two hosts have the same address
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join('; ') }}"
  vars:
    answers: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'macvlan'))) }}"
    problems: "{{ answers | fleetnet.macvlan.fleet_problems }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: A sentence for each thing that is wrong.
  type: list
  elements: str
  sample:
    - the address 192.168.50.20 of lan50 is on edge1 (lan/web) and on edge2 (the host itself); take it from all of them but one
"""


def fleet_problems(
    answers: t.Any, segments: t.Any = None, hosts: t.Any = None, isolated: bool = False, state_dir: str = "/var/lib/macvlan_host"
) -> list[str]:
    """See DOCUMENTATION."""
    if not isinstance(answers, t.Mapping):
        raise AnsibleFilterError("fleet_problems takes a dictionary of hosts, with the result of fleetnet.macvlan.macvlan_info for each")
    try:
        declared = read_segments(segments or [])
        report = build_report(answers, segments=declared, fleet=read_hosts(hosts or {}, declared), state_dir=str(state_dir))
    except MacvlanHostError as exc:
        raise AnsibleFilterError(f"fleet_problems cannot read the fleet: {exc}") from exc
    return problems_of(report, isolated=bool(isolated))


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_problems": fleet_problems}
