# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that compares what the hosts of a job would have on one wire."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.shared_wire import RANGES, conflicts

DOCUMENTATION = r"""
name: job_conflicts
short_description: Addresses and MAC addresses that several hosts of a job would have
version_added: 2.0.0
description:
  - Compares the hosts of a job of the role P(fleetnet.macvlan.macvlan_job#role). Every host gives out addresses by
    itself, so what two hosts can give out both, two endpoints can have at the same time.
  - Looked at are the ranges of networks that have a parent and addresses, or the whole subnet where a network has no
    range; addresses and MAC addresses that are asked for; and of a network that is recorded the addresses that its
    endpoints have.
  - Hosts whose answer to O(fleetnet.macvlan.macvlan_job#role:site:macvlan_job_isolated) is true are left out. One host
    alone is never in conflict.
author:
  - The fleetnet.macvlan authors (@fleetnet)
positional: _input, job
options:
  _input:
    description:
      - A dictionary of hosts. Each has C(answers), as P(fleetnet.macvlan.job_answers#filter) returns them, and where
        the job takes them from elsewhere C(networks) and C(endpoints), with the options of the modules as keys.
    type: dict
    required: true
  job:
    description:
      - The job that is to be done.
    type: str
    choices: [network_create, endpoint_attach, site]
    required: true
seealso:
  - plugin: fleetnet.macvlan.macvlan_job
    plugin_type: role
  - plugin: fleetnet.macvlan.job_answers
    plugin_type: filter
"""

EXAMPLES = r"""
- name: See why two hosts cannot have the same network
  ansible.builtin.debug:
    msg: "{{ {'edge1': about, 'edge2': about} | fleetnet.macvlan.job_conflicts('network_create') }}"
  vars:
    about:
      answers:
        network: web
        network_parent: eth0
        network_subnets:
          - subnet: 192.168.50.0/24
"""

RETURN = r"""
_value:
  description: One sentence for each reason why the job must not be done on these hosts together.
  type: list
  elements: str
  sample: []
"""


def job_conflicts(hosts: t.Any, job: str) -> list[str]:
    """See DOCUMENTATION."""
    if not isinstance(hosts, t.Mapping) or not all(isinstance(about, t.Mapping) for about in hosts.values()):
        raise AnsibleFilterError("job_conflicts takes a dictionary of hosts, with a dictionary for each")
    if job not in RANGES:
        raise AnsibleFilterError(f"job_conflicts knows the jobs {', '.join(RANGES)}, not {job}")
    return conflicts(job, hosts)


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"job_conflicts": job_conflicts}
