# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that says which host asks the wire about which slices."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.fleet_probes import probes_of

DOCUMENTATION = r"""
name: fleet_probes
short_description: Which host asks the wire about which slices
version_added: 2.0.0
description:
  - Slices are taken back from a host that is gone when another host of their segment has asked for all their addresses, and nothing has
    answered. This filter finds hosts that can ask, which are those with a network on the segment, and shares the slices between them.
author:
  - The fleetnet.macvlan authors (@fleetnet)
positional: _input, answers
options:
  _input:
    description:
      - The slices, as M(fleetnet.macvlan.macvlan_fleet_reclaim) returns them under C(due).
    type: list
    elements: dict
    required: true
  answers:
    description:
      - "A dictionary of hosts that can be asked: inventory name, and the result of M(fleetnet.macvlan.macvlan_info). Hosts that are gone
        do not belong in it."
    type: dict
    required: true
seealso:
  - module: fleetnet.macvlan.macvlan_fleet_reclaim
"""

EXAMPLES = r"""
- name: See who asks about which slices
  ansible.builtin.debug:
    msg: "{{ reclaim.due | fleetnet.macvlan.fleet_probes({'edge1': found}) }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary with C(probes), which has a list for each host, of what it asks about, with C(segment), C(slice), and the C(network)
      for C(macvlan-host probe).
    - C(unasked) is a list of the slices that no host can ask about.
  type: dict
  sample:
    probes:
      edge1:
        - segment: lan50
          slice: 192.168.50.64/28
          network: lan
    unasked: []
"""


def fleet_probes(due: t.Any, answers: t.Any) -> dict[str, t.Any]:
    """See DOCUMENTATION."""
    if not isinstance(answers, t.Mapping):
        raise AnsibleFilterError("fleet_probes takes a dictionary of hosts, with the result of fleetnet.macvlan.macvlan_info for each")
    try:
        return probes_of(due, answers)
    except (KeyError, TypeError, AttributeError, ValueError) as exc:
        raise AnsibleFilterError("fleet_probes takes the slices that fleetnet.macvlan.macvlan_fleet_reclaim returns under due") from exc


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_probes": fleet_probes}
