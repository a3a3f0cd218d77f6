# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that works out what the hosts of a fleet need."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MacvlanHostError
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.declared_fleet import asked_of_fleet

DOCUMENTATION = r"""
name: fleet_hosts
short_description: What the hosts of a play need of the segments that they declare
version_added: 2.0.0
description:
  - Works out the options of M(fleetnet.macvlan.macvlan_fleet) from the variables of hosts.
    P(fleetnet.macvlan.macvlan_fleet#role) uses it.
  - A host has a part in each segment that one of its networks in C(macvlan_host_networks) names. It needs an address for each endpoint
    of these networks in C(macvlan_host_endpoints), with its further addresses, for each interface of C(host_access), and as many more as
    C(macvlan_fleet_addresses) says.
  - The addresses of the host itself and its machine-id come from facts, and its UUID from M(fleetnet.macvlan.macvlan_info), where the
    role has read them.
requirements:
  - netaddr >= 0.8 on the control node
author:
  - The fleetnet.macvlan authors (@fleetnet)
positional: _input, names
options:
  _input:
    description:
      - The variables of all hosts, which are C(hostvars).
    type: dict
    required: true
  names:
    description:
      - The inventory names of the hosts that are asked about.
    type: list
    elements: str
    required: true
seealso:
  - module: fleetnet.macvlan.macvlan_fleet
  - plugin: fleetnet.macvlan.macvlan_fleet
    plugin_type: role
  - plugin: fleetnet.macvlan.fleet_networks
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show how many addresses each host needs
  ansible.builtin.debug:
    msg: "{{ (hostvars | fleetnet.macvlan.fleet_hosts(ansible_play_hosts_all)).hosts }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: What is asked for.
  type: dict
  contains:
    segments:
      description: The segments that the hosts declare, for O(fleetnet.macvlan.macvlan_fleet#module:segments).
      returned: always
      type: list
      elements: dict
      sample: []
    hosts:
      description: The hosts that have a part in a segment, for O(fleetnet.macvlan.macvlan_fleet#module:hosts).
      returned: always
      type: list
      elements: dict
      sample:
        - name: edge1
          needs:
            - segment: lan50
              addresses: 12
          own_addresses: [192.168.50.240]
    unbound:
      description: Names of these hosts whose UUID is unknown.
      returned: always
      type: list
      elements: str
      sample: []
    problems:
      description: Why the slices cannot be asked for, a sentence for each reason.
      returned: always
      type: list
      elements: str
      sample: []
    notes:
      description: Sentences about hosts that have no part in a segment, could not be reached, or have no record.
      returned: always
      type: list
      elements: str
      sample: []
"""


def fleet_hosts(variables: t.Any, names: t.Any) -> dict[str, t.Any]:
    """See DOCUMENTATION."""
    if not isinstance(variables, t.Mapping) or not isinstance(names, (list, tuple)):
        raise AnsibleFilterError("fleet_hosts takes the variables of hosts, which are hostvars, and a list of the names of hosts")
    try:
        return asked_of_fleet(variables, names)._asdict()
    except MacvlanHostError as exc:
        raise AnsibleFilterError(f"fleet_hosts cannot read what the hosts need: {exc}") from exc


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_hosts": fleet_hosts}
