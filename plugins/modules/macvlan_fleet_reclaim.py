#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan_fleet_reclaim
short_description: Take slices back from hosts that are gone
version_added: 2.0.0
description:
  - A host keeps the slices that M(fleetnet.macvlan.macvlan_fleet) has given to it, however long it is switched off. This module takes
    them back from hosts that are gone for good, so that other hosts can have them.
  - A host is noted as gone by the first task that names it. Its slices are taken back by a later task, O(grace) after that at the
    earliest. A task of M(fleetnet.macvlan.macvlan_fleet) that is for the host ends that, and the next task notes it anew.
  - All its slices must have been probed for the task by another host of the segment, see O(probed). An address in them that something
    on the wire has stops the task, which names it with its MAC address. All slices of a host are taken back, or none.
  - A slice that was taken back has a new generation, and rests for O(quarantine). Then it is free for every host. The host that had it
    can have it again at any time, as long as it is free.
  - The playbook C(fleetnet.macvlan.fleet_reclaim) probes the slices and runs this module.
author:
  - The fleetnet.macvlan authors (@fleetnet)
extends_documentation_fragment:
  - fleetnet.macvlan._attributes
  - fleetnet.macvlan._fleet
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  hosts:
    description:
      - The inventory names of the hosts that are gone.
    type: list
    elements: str
    required: true
  grace:
    description:
      - How long a host must have been noted as gone before its slices are taken back, such as V(30m), V(24h) or V(7d).
    type: str
    default: 24h
  quarantine:
    description:
      - How long no other host gets a slice that was taken back, such as V(30m), V(4h) or V(7d). Neighbours remember for a while who had
        an address.
    type: str
    default: 4h
  probed:
    description:
      - What another host of each segment has heard when it asked for all addresses of a slice, as C(macvlan-host probe --json) shows it.
        RV(due) has the slices that must be probed.
      - Gateways, exclusions and aux addresses of O(segments), and the own addresses of other hosts, may answer.
      - When it is left out, nothing is taken back, and hosts are only noted.
    type: list
    elements: dict
    suboptions:
      segment:
        description:
          - Name of the segment.
        type: str
        required: true
      slice:
        description:
          - The slice, all of whose addresses were asked for.
        type: str
        required: true
      answers:
        description:
          - The answers; an empty list if there was none.
        type: list
        elements: dict
        required: true
        suboptions:
          address:
            description:
              - The address that something has.
            type: str
            required: true
          mac:
            description:
              - The MAC address that has answered.
            type: str
            required: true
notes:
  - With O(store=inventory) there is nothing to take back, and the task is refused. Edit C(place) of the hosts in the inventory instead.
seealso:
  - module: fleetnet.macvlan.macvlan_fleet
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_fleet
    description: How a fleet shares VLANs.
"""

EXAMPLES = r"""
- name: Note that a host is gone, and learn which of its slices must be probed
  fleetnet.macvlan.macvlan_fleet_reclaim:
    segments:
      - name: lan50
        subnets:
          - subnet: 192.168.50.0/24
            slice_length: 28
    hosts:
      - edge7
  run_once: true
  delegate_to: localhost
  become: false

- name: Take its slice back, which edge1 has probed
  fleetnet.macvlan.macvlan_fleet_reclaim:
    segments:
      - name: lan50
        subnets:
          - subnet: 192.168.50.0/24
            slice_length: 28
    hosts:
      - edge7
    grace: 7d
    quarantine: 1d
    probed:
      - segment: lan50
        slice: 192.168.50.64/28
        answers: []
  run_once: true
  delegate_to: localhost
  become: false
"""

RETURN = r"""
noted:
  description: The hosts that are noted as gone from now on.
  returned: success
  type: list
  elements: str
  sample: [edge8]
waiting:
  description: The hosts that have been noted as gone, and whose grace is not over.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: Inventory name of the host.
      returned: always
      type: str
      sample: edge9
    since:
      description: When it was noted.
      returned: always
      type: str
      sample: "2026-11-27T08:30:00Z"
    until:
      description: When its grace is over.
      returned: always
      type: str
      sample: "2026-11-28T08:30:00Z"
due:
  description: The slices of the hosts whose grace is over. All of them must be probed.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: Inventory name of the host.
      returned: always
      type: str
      sample: edge7
    segment:
      description: Name of the segment.
      returned: always
      type: str
      sample: lan50
    slice:
      description: The slice.
      returned: always
      type: str
      sample: 192.168.50.64/28
released:
  description: The slices that were taken back, or would be.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: Inventory name of the host that had it.
      returned: always
      type: str
      sample: edge7
    segment:
      description: Name of the segment.
      returned: always
      type: str
      sample: lan50
    slice:
      description: The slice.
      returned: always
      type: str
      sample: 192.168.50.64/28
    generation:
      description: The generation that the slice has from now on. That of a host with the slice is lower.
      returned: always
      type: int
      sample: 2
conflicts:
  description: Why a host must keep its slices, a sentence for each host. Then the task fails and nothing is written.
  returned: always
  type: list
  elements: str
  sample: []
steps:
  description: What was written into the store, or would be, one sentence for each step.
  returned: success
  type: list
  elements: str
  sample:
    - note that edge8 is gone
    - take 192.168.50.64/28 of segment lan50 back from edge7
"""

from ansible_collections.fleetnet.macvlan.plugins.module_utils._fleet_reclaim import reclaim_argspec, release_slices
from ansible_collections.fleetnet.macvlan.plugins.module_utils._runner import Module, run_fleet


def main() -> None:
    run_fleet(Module(argument_spec=reclaim_argspec(), supports_check_mode=True), release_slices)


if __name__ == "__main__":
    main()
