#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan_config
short_description: All macvlan networks, endpoints and sub-interfaces of a host in one task
version_added: 1.0.0
description:
  - Brings a host to a declared state in one task, with one lock, one plan, one pass over the kernel and one transaction.
  - It does what a task of M(fleetnet.macvlan.vlan_subinterface), M(fleetnet.macvlan.macvlan_network) or
    M(fleetnet.macvlan.macvlan_endpoint) for each item would do, and costs about as much as one of them. A host with
    hundreds of endpoints takes a second or less.
  - All or nothing. If an item is refused, or the kernel rejects a step, nothing is changed.
  - Sub-interfaces come before the networks on them, and networks before their endpoints, whatever the order of the
    lists. Removals run in the reverse order, and come first.
  - Requested addresses are reserved before addresses are chosen for the other endpoints, and given subnets before
    other subnets are chosen. The others get addresses in the order of the list, and an endpoint that has an address
    keeps it.
  - An endpoint can request an address that another one of the list releases. Listed endpoints can swap addresses, MAC
    addresses and names of interfaces. That is done in place; no neighbour sees an address or a MAC address twice. With
    O(replace=true) they can swap namespaces too.
  - Check mode also predicts endpoints on networks of the list that do not exist yet. If the network of an endpoint is
    neither listed nor recorded, check mode assumes that an earlier task of the play creates it, and warns, as
    M(fleetnet.macvlan.macvlan_endpoint) does.
  - The message of a refused task lists the problems of all items at once, and each sentence begins with its object.
author:
  - The fleetnet.macvlan authors (@fleetnet)
extends_documentation_fragment:
  - fleetnet.macvlan._attributes
  - fleetnet.macvlan._attributes.actiongroup
  - fleetnet.macvlan._common
  - fleetnet.macvlan._common.addresses
  - fleetnet.macvlan._common.changing
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Only objects that differ are in the difference.
  idempotent:
    support: full
options:
  vlan_subinterfaces:
    description:
      - The declared sub-interfaces. An item has the options of M(fleetnet.macvlan.vlan_subinterface), except
        C(state), C(replace), C(force) and C(state_dir).
      - A sub-interface with default settings can be left out. The network on it creates it.
    type: list
    elements: dict
  networks:
    description:
      - The declared networks. An item has the options of M(fleetnet.macvlan.macvlan_network), except
        C(state), C(replace), C(force) and C(state_dir).
    type: list
    elements: dict
  endpoints:
    description:
      - The declared endpoints. An item has the options of M(fleetnet.macvlan.macvlan_endpoint), except
        C(state), C(replace), C(force) and C(state_dir).
    type: list
    elements: dict
  purge:
    description:
      - Whether to remove objects that this collection created on the host and that are not listed.
      - It removes only objects of those kinds whose lists are given. An empty list, V([]), removes all objects of its kind;
        a list that is left out, or is null, removes none. At least one list is required.
      - If O(endpoints) is left out and a network that is not listed has endpoints, the task is refused.
      - A sub-interface that is not listed stays as long as a remaining network or sub-interface uses
        it.
      - Foreign objects are never removed.
    type: bool
    default: false
  exclusive:
    description:
      - What O(fleetnet.macvlan.macvlan_network#module:exclusive) is for the networks of O(networks) that leave it out
        and have addresses (those without C(ipam=none)).
    type: bool
    version_added: 2.0.0
  probe:
    description:
      - What O(fleetnet.macvlan.macvlan_network#module:probe) is in this task, for networks and endpoints that do not say it
        themselves. It is not recorded.
    type: str
    choices: [fast, careful, none]
    version_added: 2.0.0
  confirm_timeout:
    description:
      - Number of seconds to confirm the change, by M(fleetnet.macvlan.macvlan_confirm) over a new connection. If it
        is not confirmed in time, a process on the target reverts everything; it needs neither the connection nor the
        control node. After a crash or a power cut the change is reverted too.
      - Until then the record shows the state before the change, and other tasks that would change the host are
        refused.
      - With V(0), the change is permanent at once. The same is true for a task that changes nothing in the kernel.
    type: int
    default: 0
  replace:
    description:
      - Whether to make changes that interrupt traffic, for all items, as O(fleetnet.macvlan.macvlan_network#module:replace),
        O(fleetnet.macvlan.macvlan_endpoint#module:replace) and O(fleetnet.macvlan.vlan_subinterface#module:replace) do.
        Without it, a task with such a change is refused.
      - With O(confirm_timeout), replaced links come back as they were if the change is not confirmed.
    type: bool
    default: false
    version_added: 2.0.0
  force:
    description:
      - Whether to perform steps that may lock the control node out. With O(confirm_timeout) this is not needed, because
        such a step is reverted.
    type: bool
    default: false
seealso:
  - module: fleetnet.macvlan.vlan_subinterface
  - module: fleetnet.macvlan.macvlan_network
  - module: fleetnet.macvlan.macvlan_endpoint
  - module: fleetnet.macvlan.macvlan_info
  - module: fleetnet.macvlan.macvlan_confirm
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_trunks
    description: Many hosts from one inventory, and the protection against lockout.
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_day2
    description: Renaming, renumbering, swapping and moving; which changes interrupt traffic.
"""

EXAMPLES = r"""
# Every host gives out addresses by itself. place is a variable of each host in the inventory, 1 to 7, so that hosts on one
# wire never give out the same ones.

- name: Two networks and three endpoints, and nothing else
  fleetnet.macvlan.macvlan_config:
    networks:
      - name: web
        parent: eth0.50
        subnets:
          - subnet: 192.168.50.0/24
            ip_range: "192.168.50.{{ 32 * place }}/27"
          - subnet: 2001:db8:50::/64
            ip_range: "2001:db8:50::{{ place }}:0/112"
      - name: backend
        subnets:
          - subnet: 10.77.0.0/24
    endpoints:
      - name: web1
        network: web
        netns: web1
      - name: web2
        network: web
        netns: web2
        ipv4: "192.168.50.{{ 32 * place + 20 }}"
      - name: web1
        network: backend
        netns: web1
        ifname: eth1
    purge: true

- name: Add an endpoint to whatever is there
  fleetnet.macvlan.macvlan_config:
    endpoints:
      - name: web3
        network: web
        netns: web3

- name: A trunk with a pinned sub-interface, and what the group of the host says
  fleetnet.macvlan.macvlan_config:
    vlan_subinterfaces:
      - name: eth0.60
        mtu: 1400
    networks: "{{ macvlan_networks }}"
    endpoints: "{{ macvlan_endpoints }}"
    purge: true
  vars:
    macvlan_networks:
      - name: storage
        parent: eth0.60
        subnets:
          - subnet: 10.60.0.0/22
            ip_range: "10.60.1.{{ 32 * place }}/27"
    macvlan_endpoints:
      - name: store1
        network: storage
        netns: store1

- name: Rename the network storage, and move it to VLAN 61 with the addresses that its endpoints have
  fleetnet.macvlan.macvlan_config:
    networks:
      - name: backup
        renamed_from: storage
        parent: eth0.61
        subnets:
          - subnet: 10.60.0.0/22
            ip_range: "10.60.1.{{ 32 * place }}/27"
    replace: true

- name: Change something that the connection may come in by, for a minute at first
  fleetnet.macvlan.macvlan_config:
    vlan_subinterfaces:
      - name: eth0.60
        mtu: 1500
    confirm_timeout: 60
  register: changed_for_now

- name: Close the connection, so that the next task opens a new one
  ansible.builtin.meta: reset_connection

- name: Confirm the change over the new connection
  fleetnet.macvlan.macvlan_confirm:
  when: changed_for_now.confirm_within is defined

- name: Take everything away
  fleetnet.macvlan.macvlan_config:
    vlan_subinterfaces: []
    networks: []
    endpoints: []
    purge: true
"""

RETURN = r"""
vlan_subinterfaces:
  description:
    - All sub-interfaces that are recorded on the host after the task, or would be in check mode.
    - What an item holds is told by RV(fleetnet.macvlan.macvlan_info#module:vlan_subinterfaces).
  returned: success
  type: list
  elements: dict
  sample:
    - name: eth0.50
      parent: eth0
      vlan_id: 50
networks:
  description:
    - All networks that are recorded on the host after the task, or would be in check mode.
    - What an item holds is told by RV(fleetnet.macvlan.macvlan_info#module:networks).
  returned: success
  type: list
  elements: dict
  sample:
    - name: web
      parent: eth0.50
      endpoints:
        - web1
        - web2
endpoints:
  description:
    - All endpoints that are recorded on the host after the task, or would be in check mode.
    - What an item holds is told by RV(fleetnet.macvlan.macvlan_info#module:endpoints).
  returned: success
  type: list
  elements: dict
  sample:
    - name: web1
      network: web
      netns: web1
      ipv4: 192.168.50.2/24
confirm_within:
  description:
    - In how many seconds the change has to be confirmed by M(fleetnet.macvlan.macvlan_confirm).
  returned: when something was changed that has to be confirmed
  type: int
  sample: 60
steps:
  description: The steps that were done, or would be done in check mode, in order, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - create VLAN link eth0.50 on eth0 (VLAN 50)
    - bring eth0.50 up
    - record network web on eth0.50
probed:
  description:
    - What the neighbours on the wire were asked about new addresses, and what they answered. See
      O(fleetnet.macvlan.macvlan_network#module:probe).
  returned: when an endpoint gets an address about which neighbours are to be asked
  type: dict
  version_added: 2.0.0
  contains:
    addresses:
      description: Number of addresses that neighbours were asked about.
      type: int
      sample: 2
    seconds:
      description: The time that this took.
      type: float
      sample: 0.213
    conflicts:
      description: Addresses that others have. Those that were chosen have been replaced by others.
      type: list
      elements: dict
      contains:
        address:
          description: The address.
          type: str
          sample: 192.168.50.2
        mac:
          description: MAC address of the link that has it.
          type: str
          sample: "52:54:00:12:34:56"
    not_probed:
      description: Addresses about which neighbours could not be asked, one sentence each, with the reason.
      type: list
      elements: str
      sample:
        - "endpoint web/web1: 192.168.50.2 was not probed, because eth0.50 does not exist yet"
diff:
  description: The objects that differ, before and after the task, each under what messages call it.
  returned: success, in diff mode
  type: dict
  contains:
    before:
      description:
        - Objects as they were before the task. Those that were not there are left out.
        - What had drifted from the record is listed under C(drift), as in
          RV(fleetnet.macvlan.macvlan_info#module:drift).
      returned: always
      type: dict
      sample: {}
    after:
      description:
        - Objects as they are after the task. Those that are gone are left out.
        - The endpoints whose traffic is interrupted, because their links are created again or they lose addresses, are listed
          in C(before) under C(interrupts), such as C(endpoint web/web1).
      returned: always
      type: dict
      sample:
        network web:
          name: web
          parent: eth0.50
"""

from ansible_collections.fleetnet.macvlan.plugins.module_utils._argspecs import config_argspec
from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_values import check_config, config_request
from ansible_collections.fleetnet.macvlan.plugins.module_utils._runner import Module, run_config
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.execute import execute


def main() -> None:
    module = Module(further=check_config, argument_spec=config_argspec(), supports_check_mode=True)
    run_config(module, execute, config_request)


if __name__ == "__main__":
    main()
