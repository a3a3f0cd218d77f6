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
  - All or nothing. An item that cannot be had, or a step that the kernel refuses, leaves the host as it was.
  - Sub-interfaces come before the networks on them, and networks before their endpoints, whatever the order of the
    lists. Removals go the other way round, and come first.
  - Addresses that endpoints ask for are reserved before addresses are chosen for the others, and subnets that are
    given before others are chosen. Among those that ask for nothing the order of the list counts, and an endpoint that
    has an address keeps it.
  - An endpoint can ask for an address that another one of the list gives up. Two cannot swap what only one of them can
    have, such as an address or the name of an interface; give it up in one task and ask for it in the next.
  - Check mode also foresees endpoints on networks of the list that are not there yet. Of an endpoint whose network is neither
    listed nor there, it takes it that an earlier task of the play makes the network, and says so, as
    M(fleetnet.macvlan.macvlan_endpoint) does.
  - What cannot be done is told at once, of all items, and each sentence begins with its object.
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
      - The sub-interfaces that shall be there. An item has the options of M(fleetnet.macvlan.vlan_subinterface), but
        for C(state), C(force) and C(state_dir).
      - A sub-interface that nothing else needs to be said about can be left out. The network on it makes it.
    type: list
    elements: dict
  networks:
    description:
      - The networks that shall be there. An item has the options of M(fleetnet.macvlan.macvlan_network), but for
        C(state), C(force) and C(state_dir).
    type: list
    elements: dict
  endpoints:
    description:
      - The endpoints that shall be there. An item has the options of M(fleetnet.macvlan.macvlan_endpoint), but for
        C(state) and C(state_dir).
    type: list
    elements: dict
  purge:
    description:
      - Whether what this collection has made on the host and what is not listed is removed.
      - It removes only objects of those kinds whose lists are given. An empty list, V([]), removes all objects of its kind;
        a list that is left out, or is null, removes none. At least one list has to be given.
      - A network that is not listed and has endpoints is refused when O(endpoints) is left out.
      - Sub-interfaces that are not listed, but that a network or sub-interface which stays uses, stay for as long as they
        are used.
      - What this collection has not made is never removed.
    type: bool
    default: false
  exclusive:
    description:
      - What O(fleetnet.macvlan.macvlan_network#module:exclusive) is for those networks of O(networks) that do not say it
        and have addresses, which is those without C(ipam=none).
    type: bool
    version_added: 2.0.0
  confirm_timeout:
    description:
      - How many seconds there are to confirm what the task has changed, by M(fleetnet.macvlan.macvlan_confirm) over a
        new connection. Unless that is done in time, everything is put back as it was, by a process on the target that
        needs neither the connection nor the control node. After a crash or a power cut it is put back too.
      - Until then the record is the one from before, and other tasks that would change something on the host are
        refused.
      - V(0) changes it for good at once. So does a task that changes nothing in the kernel.
    type: int
    default: 0
  force:
    description:
      - Whether to do what may lock the control node out. With O(confirm_timeout) that is not needed, because it is put
        back.
    type: bool
    default: false
seealso:
  - module: fleetnet.macvlan.vlan_subinterface
  - module: fleetnet.macvlan.macvlan_network
  - module: fleetnet.macvlan.macvlan_endpoint
  - module: fleetnet.macvlan.macvlan_info
  - module: fleetnet.macvlan.macvlan_confirm
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_trunks
    description: Many hosts from one inventory, and how nobody is locked out.
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
  description: What was done, or would be done in check mode, in order, a sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - create VLAN link eth0.50 on eth0 (VLAN 50)
    - bring eth0.50 up
    - record network web on eth0.50
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
      description: Objects as they are after the task. Those that are gone are left out.
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
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.pipeline import execute


def main() -> None:
    module = Module(further=check_config, argument_spec=config_argspec(), supports_check_mode=True)
    run_config(module, execute, config_request)


if __name__ == "__main__":
    main()
