# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that gives networks the slices of their segments."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MacvlanHostError
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.declared_fleet import with_slices

DOCUMENTATION = r"""
name: fleet_networks
short_description: The networks of a host with the slices of their segments
version_added: 2.0.0
description:
  - Adds what M(fleetnet.macvlan.macvlan_fleet) returned for a host to the networks of the host that have a segment. Other networks stay as they
    are. P(fleetnet.macvlan.macvlan_fleet#role) uses it.
author:
  - The fleetnet.macvlan authors (@fleetnet)
positional: _input, of_segments
options:
  _input:
    description:
      - The networks, as O(fleetnet.macvlan.macvlan_config#module:networks).
    type: list
    elements: dict
    required: true
  of_segments:
    description:
      - What the host has in each segment, which is RV(fleetnet.macvlan.macvlan_fleet#module:networks) of the host.
    type: dict
    required: true
seealso:
  - module: fleetnet.macvlan.macvlan_fleet
  - plugin: fleetnet.macvlan.macvlan_fleet
    plugin_type: role
  - plugin: fleetnet.macvlan.fleet_hosts
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the networks with their slices
  ansible.builtin.debug:
    msg: "{{ macvlan_host_networks | fleetnet.macvlan.fleet_networks(macvlan_fleet_plan.networks[inventory_hostname]) }}"
"""

RETURN = r"""
_value:
  description: The networks.
  type: list
  elements: dict
  sample:
    - name: web
      parent: eth0.50
      segment: lan50
      subnets:
        - subnet: 192.168.50.0/24
      slices:
        - subnet: 192.168.50.0/24
          slice: 192.168.50.64/28
          generation: 1
"""


def fleet_networks(networks: t.Any, of_segments: t.Any) -> list[t.Any]:
    """See DOCUMENTATION."""
    if not isinstance(networks, (list, tuple)) or not isinstance(of_segments, t.Mapping):
        raise AnsibleFilterError("fleet_networks takes a list of networks, and a dictionary of segments")
    try:
        return with_slices(networks, of_segments)
    except MacvlanHostError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_networks": fleet_networks}
