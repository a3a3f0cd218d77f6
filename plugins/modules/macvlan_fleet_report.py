#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The documentation of the action plugin of this name, which does the work on the control node.

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan_fleet_report
short_description: A report about all hosts of a fleet, as one HTML file and as JSON
version_added: 2.0.0
description:
  - Writes a report about what M(fleetnet.macvlan.macvlan_info) returns on each host. It has the addresses of each segment on a map, the
    links, networks and endpoints of each host, the drift with the command that repairs it, addresses and MAC addresses that
    several hosts have, and what has changed since the last report.
  - The HTML is one file with all that it needs. It needs neither a script nor a network to be read.
  - A JSON file beside it has the same for programs, and tells the next report what has changed. It has C(format), C(generated), C(since),
    C(counts), C(hosts) with their objects and drift, C(wires) with their subnets and addresses, C(duplicates) and C(changes).
  - Both files are written on the control node, whichever host the task is for, each at once and with mode V(0644). One task is for all
    hosts, with C(run_once).
  - Hosts that failed or could not be reached are named in the report.
  - The playbook C(fleetnet.macvlan.fleet_report) gathers what the module needs.
author:
  - The fleetnet.macvlan authors (@fleetnet)
extends_documentation_fragment:
  - fleetnet.macvlan._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: partial
    details: The diff has what is counted in the report, not its text.
  idempotent:
    support: none
    details: A report has the time at which it was made.
  platform:
    details: The control node can be any on which Ansible runs.
notes:
  - Without segments, networks of several hosts that have the same subnet, or subnets that overlap, are taken to be on one wire.
    Networks without a parent lead nowhere, so each of them is shown by itself.
  - "The command that repairs drift is C(macvlan-host restore), run by C(ansible). The command is on hosts that have had
    P(fleetnet.macvlan.macvlan_host#role) or M(fleetnet.macvlan.macvlan_command)."
requirements:
  - netaddr >= 0.8 on the control node, for O(segments) and O(hosts)
options:
  answers:
    description:
      - "A dictionary of hosts: inventory name, and what M(fleetnet.macvlan.macvlan_info) returned, or what its task did when it failed."
    type: dict
    required: true
  dest:
    description:
      - The HTML file on the control node, whose folder must be there. The JSON file is beside it and has the same name with C(.json).
      - A path that is not absolute begins in the folder of the playbook.
    type: path
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
  state_dir:
    description:
      - The folder of the state database on the hosts, for the command that repairs drift.
    type: path
    default: /var/lib/macvlan_host
seealso:
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_fleet_report
    description: A report about the fleet.
  - module: fleetnet.macvlan.macvlan_info
  - plugin: fleetnet.macvlan.fleet_slices
    plugin_type: filter
  - plugin: fleetnet.macvlan.fleet_lint
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read the record and its drift
  fleetnet.macvlan.macvlan_info:
  register: macvlan

- name: Write a report about all hosts
  fleetnet.macvlan.macvlan_fleet_report:
    answers: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'macvlan'))) }}"
    dest: /srv/reports/fleet.html
  run_once: true
"""

RETURN = r"""
file:
  description: The HTML file.
  returned: success
  type: str
  sample: /srv/reports/fleet.html
json_file:
  description: The JSON file.
  returned: success
  type: str
  sample: /srv/reports/fleet.json
counts:
  description: What is in the report, as numbers.
  returned: success
  type: dict
  sample:
    hosts: 3
    duplicates: 0
duplicates:
  description:
    - Addresses and MAC addresses that several hosts have. Each has C(wire), C(kind), C(value) and C(holders), a list of C(host) and C(what).
  returned: success
  type: list
  elements: dict
  sample: []
"""
