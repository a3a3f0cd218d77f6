#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan_fleet
short_description: Parts of the addresses of shared wires for all hosts of a fleet
version_added: 2.0.0
description:
  - Hosts on one wire need parts of its subnets that do not overlap, because every host gives out addresses by itself. This module
    gives them these parts, called slices, and records them.
  - A segment is such a wire with its subnets. A host owns one or more slices of it. Its networks take them as their ranges, and give
    out addresses inside them without asking anybody, also while the store and the control node are away.
  - One task is for all hosts, with C(run_once). It reads the store once, plans the slices of all hosts together, and writes all of
    them or nothing. So check mode shows for any number of hosts what the run then does.
  - A host keeps its slices. Nothing moves when other hosts are added, removed or renamed, and nothing expires. A host that
    needs more addresses than its slices have gets a further slice.
  - Slices are not taken back by this module, also not when a host needs fewer addresses or is no longer listed; see
    M(fleetnet.macvlan.macvlan_fleet_reclaim).
  - A host whose slices were taken back gets those again that no other host has got since then.
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
      - The hosts that the task is for.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The inventory name of the host. The slices belong to this name.
        type: str
        required: true
      needs:
        description:
          - The segments that the host has a part in. When it is left out, that are all of them.
        type: list
        elements: dict
        suboptions:
          segment:
            description:
              - Name of the segment.
            type: str
            required: true
          addresses:
            description:
              - How many addresses for endpoints the slices of the host must have together, in each family of the segment.
            type: int
            default: 1
          place:
            description:
              - As O(hosts[].place), in this segment.
            type: list
            elements: int
      place:
        description:
          - The numbers of slices that the host must have in every subnet, counted from 0 at the beginning of the subnet.
          - With O(store=inventory) these are all its slices. With another store, a fleet that has places takes its slices along.
          - When it is left out, free slices are chosen.
        type: list
        elements: int
      own_addresses:
        description:
          - The addresses of the host's own interfaces on the segments, with or without prefix lengths. They are given out by nobody.
          - The addresses of its endpoints do not belong here.
          - When they are left out, those of an earlier task still count.
        type: list
        elements: str
      uuid:
        description:
          - The UUID of the record on the host, once it has one. The slices are bound to it.
          - A host that has the UUID of another one is a clone of it, and the task is refused.
        type: str
      machine_id:
        description:
          - The content of C(/etc/machine-id) of the host, of which a digest is stored. It is a hint in messages about clones.
        type: str
      replaced:
        description:
          - Whether another machine takes over the name and the slices of the host. Without it, a host with another O(hosts[].uuid) than
            before is refused.
        type: bool
        default: false
      renamed_from:
        description:
          - The inventory name that the host had before. It keeps its slices.
        type: str
notes:
  - Write C(run_once=true) and list the hosts with C(ansible_play_hosts_all). Otherwise each host runs a task of its own, which is slower, and
    in check mode all of them are shown the same free slices. Under C(serial) a task with C(run_once) runs once for each batch;
    C(ansible_play_hosts_all) has the hosts of all batches, so that the first batch plans for all. Under C(strategy=free), C(run_once)
    is not reliable.
  - With C(--limit) the task plans for the hosts of the limit, next to everything that is recorded.
seealso:
  - module: fleetnet.macvlan.macvlan_network
  - module: fleetnet.macvlan.macvlan_fleet_reclaim
  - plugin: fleetnet.macvlan.fleet_slices
    plugin_type: filter
  - plugin: fleetnet.macvlan.fleet_lint
    plugin_type: filter
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_fleet
    description: How a fleet shares VLANs.
"""

EXAMPLES = r"""
- name: Give each host of the play its slices, recorded in a file on the control node
  fleetnet.macvlan.macvlan_fleet:
    segments:
      - name: lan50
        subnets:
          - subnet: 192.168.50.0/24
            slice_length: 28
            exclude:
              - 192.168.50.240-192.168.50.254
          - subnet: 2001:db8:50::/64
            slice_length: 112
    hosts:
      - name: edge1
        needs:
          - segment: lan50
            addresses: 20
      - name: edge2
        own_addresses:
          - 192.168.50.11/24
  run_once: true
  delegate_to: localhost
  become: false
  register: fleet

- name: Create a network on each host, which gives out addresses of its slices
  fleetnet.macvlan.macvlan_network:
    name: lan50
    parent: eth0.50
    subnets: "{{ fleet.subnets[inventory_hostname].lan50 }}"

- name: Take over a host that has got a new machine, and one that has got a new name, with the ledger on a host of the fleet
  fleetnet.macvlan.macvlan_fleet:
    segments:
      - name: lan50
        subnets:
          - subnet: 192.168.50.0/24
            slice_length: 28
            gateway: 192.168.50.254
            aux_addresses:
              nas: 192.168.50.253
    hosts:
      - name: edge1
        uuid: 6f1c0a54-d2b9-4e77-a5a1-c9d04be8f213
        machine_id: 7f0c5a1d9be24c3fa0d16b8e2f937c54
        replaced: true
      - name: edge9
        renamed_from: edge2
    path: /var/lib/macvlan_fleet/ledger.db
  run_once: true
  delegate_to: edge1

- name: Have the slices in the inventory, and refuse hosts that would meet
  fleetnet.macvlan.macvlan_fleet:
    segments:
      - name: lan50
        subnets:
          - subnet: 192.168.50.0/24
            slice_length: 28
    hosts:
      - name: edge1
        place: 1
      - name: edge2
        needs:
          - segment: lan50
            place: [2, 9]
    store: inventory
  run_once: true
  delegate_to: localhost
  become: false

- name: Record the slices in etcd
  fleetnet.macvlan.macvlan_fleet:
    segments:
      - name: lan50
        subnets:
          - subnet: 192.168.50.0/24
            slice_length: 28
    hosts:
      - name: edge1
    store: etcd
    etcd:
      members:
        - https://etcd1.example.com:2379
        - https://etcd2.example.com:2379
        - https://etcd3.example.com:2379
      ca_cert: /etc/fleet/ca.crt
      client_cert: /etc/fleet/client.crt
      client_key: /etc/fleet/client.key
      user: fleet
      password_file: /etc/fleet/password
  run_once: true
  delegate_to: localhost
  become: false
"""

RETURN = r"""
slices:
  description:
    - Host → segment → the slices of the host, in the order of their addresses. It has the hosts of the task only.
    - A slice that was taken back from the host, and that another host has by now, stands behind them with C(lost_to), the name of that
      host.
  returned: success
  type: dict
  sample:
    edge1:
      lan50:
        - subnet: 192.168.50.0/24
          slice: 192.168.50.64/28
          generation: 1
subnets:
  description:
    - Host → segment → what a network of the host takes as O(fleetnet.macvlan.macvlan_network#module:subnets), with the slices as
      C(ip_range), and the own addresses of other hosts in these slices under C(exclude).
    - Subnets in which the host has no slice are left out.
  returned: success
  type: dict
  sample:
    edge1:
      lan50:
        - subnet: 192.168.50.0/24
          gateway_onlink: false
          exclude: [192.168.50.240-192.168.50.254, 192.168.50.75]
          ip_range: [192.168.50.64/28]
networks:
  description:
    - Host → segment → what a network of the host takes that knows its slices. C(segment) is the name of the segment, C(slices) is as
      RV(slices), and C(subnets) is as RV(subnets) without C(ip_range), because the slices say which addresses are given out.
    - A subnet in which the host has lost all its slices is part of it, for the endpoints that are still there.
  returned: success
  type: dict
  sample:
    edge1:
      lan50:
        segment: lan50
        subnets:
          - subnet: 192.168.50.0/24
            gateway_onlink: false
            exclude: [192.168.50.240-192.168.50.254, 192.168.50.75]
        slices:
          - subnet: 192.168.50.0/24
            slice: 192.168.50.64/28
            generation: 1
claims:
  description: The slices that hosts have got by this task, or would get.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: Inventory name of the host.
      returned: always
      type: str
      sample: edge1
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
      description: Counts the owners that the slice has had.
      returned: always
      type: int
      sample: 1
conflicts:
  description: Why hosts cannot have what they need, a sentence for each reason. Then the task fails and nothing is written.
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
    - note the host edge1
    - give 192.168.50.64/28 of segment lan50 to edge1
"""

from ansible_collections.fleetnet.macvlan.plugins.module_utils._fleet import allocate_slices, fleet_argspec
from ansible_collections.fleetnet.macvlan.plugins.module_utils._runner import Module, run_fleet


def main() -> None:
    run_fleet(Module(argument_spec=fleet_argspec(), supports_check_mode=True), allocate_slices)


if __name__ == "__main__":
    main()
