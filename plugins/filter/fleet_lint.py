# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that finds what is wrong with hosts on shared wires."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.inventory import problems_of_fleet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MacvlanHostError

DOCUMENTATION = r"""
name: fleet_lint
short_description: What is wrong with the addresses of hosts on shared wires
version_added: 2.0.0
description:
  - Compares the hosts of a fleet by what the inventory says of them, before any of them is touched.
  - "It finds: two hosts with the same place; places that a subnet does not have; slices in which nothing is left to give
    out; an address of a host itself in a slice of another host; subnets that two segments share; networks that would give
    out addresses of a segment outside of the slices of their host; and slices with fewer addresses than the endpoints that
    are declared."
requirements:
  - netaddr >= 0.8 on the control node
author:
  - The fleetnet.macvlan authors (@fleetnet)
positional: _input, hosts
options:
  _input:
    description:
      - The segments, as P(fleetnet.macvlan.fleet_slices#filter) takes them.
    type: list
    elements: dict
    required: true
  hosts:
    description:
      - "A dictionary of hosts: inventory name, and the place of the host, or a dictionary with C(place), as P(fleetnet.macvlan.fleet_slices#filter)
        takes it; C(addresses), a list of the addresses that the host itself has, with or without prefix lengths;
        C(networks) and C(endpoints), lists as those of M(fleetnet.macvlan.macvlan_config). Only C(place) must be there."
      - All hosts that have a part in a segment belong in it, and not those of one play only.
    type: dict
    required: true
seealso:
  - plugin: fleetnet.macvlan.fleet_slices
    plugin_type: filter
"""

EXAMPLES = r"""
- name: See which hosts would give out the same addresses
  ansible.builtin.debug:
    msg: "{{ segments | fleetnet.macvlan.fleet_lint({'edge1': 1, 'edge2': 1}) }}"
  vars:
    segments:
      - name: lan50
        subnets:
          - subnet: 192.168.50.0/24
            slice_length: 26

- name: Refuse to begin with a fleet in which something is wrong
  ansible.builtin.assert:
    that: problems == []
    fail_msg: "{{ problems | join('; ') }}"
  run_once: true
  vars:
    problems: "{{ segments | fleetnet.macvlan.fleet_lint(hosts) }}"
    hosts: "{{ dict(groups.all | zip(groups.all | map('extract', hostvars, 'place'))) }}"
"""

RETURN = r"""
_value:
  description: One sentence for each thing that is wrong, with what to do about it. An empty list if nothing is.
  type: list
  elements: str
  sample:
    - "edge1 and edge2 have the same place in segment lan50, so both would give out 192.168.50.64/26; give each a place of its own"
"""


def fleet_lint(segments: t.Any, hosts: t.Any) -> list[str]:
    """See DOCUMENTATION."""
    try:
        return problems_of_fleet(segments, hosts)
    except MacvlanHostError as exc:
        raise AnsibleFilterError(f"fleet_lint cannot read the fleet: {exc}") from exc


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_lint": fleet_lint}
