# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that reads what a survey has asked for."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.answers import read_answers

DOCUMENTATION = r"""
name: job_answers
short_description: Answers of a survey as options of the modules
version_added: 1.0.0
description:
  - Reads the variables of a job of the role P(fleetnet.macvlan.macvlan_job#role), which a survey asks for.
  - One that is empty, or blank, counts as left out. The others are validated against the argument specification of the
    job, and texts that stand for a list or a dictionary are taken apart.
  - What is said of subnets goes to the one that has the address inside. Otherwise, whether values make sense is up to
    the modules.
author:
  - The fleetnet.macvlan authors (@fleetnet)
positional: _input, specification, inventory
options:
  _input:
    description:
      - The variables with their values. Those that the specification does not name are ignored.
    type: dict
    required: true
  specification:
    description:
      - The options of an entry point, as a role has them in C(meta/argument_specs.yml).
    type: dict
    required: true
  inventory:
    description:
      - The variables of the inventory that answers name, such as C(macvlan_job_network_ip_ranges_from), with their values;
        null for one that cannot be read.
    type: dict
    default: {}
    version_added: 2.0.0
seealso:
  - plugin: fleetnet.macvlan.macvlan_job
    plugin_type: role
"""

EXAMPLES = r"""
- name: See what becomes of a text
  ansible.builtin.debug:
    msg: "{{ {'macvlan_job_endpoint_routes': '10.0.0.0/8 via 192.0.2.9'} | fleetnet.macvlan.job_answers(options) }}"
  vars:
    options:
      macvlan_job_endpoint_routes:
        type: str
"""

RETURN = r"""
_value:
  description: What was understood, and what was not.
  type: dict
  contains:
    answers:
      description:
        - Variables that were given or have a default, without the prefix C(macvlan_job_), and their values as the
          modules take them.
        - The texts that say something about subnets are in the items of C(network_subnets).
      type: dict
      returned: always
    problems:
      description: One sentence for each thing that is missing or cannot be understood.
      type: list
      elements: str
      returned: always
  sample:
    answers:
      endpoint_routes:
        - to: 10.0.0.0/8
          via: 192.0.2.9
    problems: []
"""


def job_answers(variables: t.Any, specification: t.Any, inventory: t.Any = None) -> dict[str, t.Any]:
    """See DOCUMENTATION."""
    inventory = {} if inventory is None else inventory
    for value in (variables, specification, inventory):
        if not isinstance(value, t.Mapping):
            raise AnsibleFilterError(f"job_answers takes dictionaries, not {type(value).__name__}")
    return read_answers(variables, specification, inventory)


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"job_answers": job_answers}
