#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vlan_subinterface
short_description: VLAN sub-interfaces of a Linux host
version_added: 1.0.0
description:
  - Declares an 802.1Q or 802.1ad sub-interface of a link, to be the parent of macvlan networks or for any other use.
  - A network of M(fleetnet.macvlan.macvlan_network) creates the sub-interface that it needs by itself. This module is
    for sub-interfaces with another name, or with settings that differ from the defaults, and for those that must
    outlive their networks. A sub-interface that a network created can be declared later; it stays the same link, and
    stays when the network is removed.
  - A link that existed before is foreign. If it matches the task, it is used as it is, and the task changes nothing.
    If it differs, the task is refused and names the differences.
  - Everything but O(parent), O(vlan_id) and O(protocol) of a sub-interface can change in place. Those need
    O(replace=true), and another O(name) is another sub-interface.
author:
  - The fleetnet.macvlan authors (@fleetnet)
extends_documentation_fragment:
  - fleetnet.macvlan._attributes
  - fleetnet.macvlan._attributes.actiongroup
  - fleetnet.macvlan._common
  - fleetnet.macvlan._common.state
  - fleetnet.macvlan._common.changing
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the sub-interface, up to 15 bytes. For one that exists it can be an alternative name of it (since 2.0.0).
      - With O(parent) and O(vlan_id) it can be any name, and is C(parent.vlan_id) when it is left out.
      - Alone it must contain both, such as V(eth0.50) for VLAN 50 of C(eth0). The last dot counts, so V(eth0.10.20) is
        VLAN 20 of C(eth0.10). The id has no leading zeros.
      - Either this, or O(parent) and O(vlan_id), or all three are required, also with O(state=absent). What is to be absent can
        have any name without the other two (since 2.0.0).
    type: str
  parent:
    description:
      - The link that carries the VLAN, its base. It must be up unless O(up=false) or O(loose_binding=true). A base that this
        collection did not create is never changed.
      - A base that is missing is created if its own name is that of a VLAN, such as C(eth0.10) for the sub-interface
        C(eth0.10.100) (since 2.0.0). It has an 802.1Q tag, and is removed with the last sub-interface or network that needs it.
        Other missing links are refused.
      - It can be an alternative name of the link, also one of up to 127 bytes (since 2.0.0). RV(vlan_subinterface.parent)
        is the name of the link itself.
      - A base that was renamed is recognised, and the record follows with a warning; the sub-interface keeps its name
        (since 2.0.0). Until another link has its old name, that name can be given as well.
      - It requires O(vlan_id).
    type: str
  vlan_id:
    description:
      - VLAN id, from 1 to 4094. The base can have it only once for each protocol.
      - It requires O(parent).
    type: int
  protocol:
    description:
      - Tag of the frames, V(802.1q) for a customer tag (0x8100) or V(802.1ad) for the service tag of a provider
        bridge (0x88a8, Q-in-Q).
      - In V(eth0.10.100), it is the inner tag; the outer one is that of C(eth0.10).
    type: str
    choices:
      - 802.1q
      - 802.1ad
    default: 802.1q
  mtu:
    description:
      - MTU, from 68 to that of the base. When it is left out, it is that of the base.
    type: int
  mac:
    description:
      - MAC address, a unicast one such as V(02:42:c0:a8:32:02). Quote it, because YAML reads some of them as numbers.
      - When it is left out, it is that of the base.
    type: str
  up:
    description:
      - Whether the link is up.
    type: bool
    default: true
  reorder_hdr:
    description:
      - Whether the VLAN header is taken out of received frames, so that the link looks like plain Ethernet.
    type: bool
    default: true
  gvrp:
    description:
      - Whether the VLAN is registered with the switch by GVRP (802.1Q). The kernel needs CONFIG_VLAN_8021Q_GVRP.
    type: bool
    default: false
  mvrp:
    description:
      - Whether the VLAN is registered with the switch by MVRP (802.1ak). The kernel needs CONFIG_VLAN_8021Q_MVRP.
    type: bool
    default: false
  loose_binding:
    description:
      - Whether the link is up regardless of the state of its base, instead of following it.
    type: bool
    default: false
  ingress_qos_map:
    description:
      - Which priority the kernel gives a received frame for the priority in its VLAN header, as a dictionary of
        header priorities (0 to 7) and kernel priorities.
      - An entry that maps to 0 is the same as none.
    type: dict
  egress_qos_map:
    description:
      - Which priority the VLAN header of a sent frame has for the kernel's priority of the frame, as a dictionary of
        kernel priorities and header priorities (0 to 7).
      - An entry that maps to 0 is the same as none.
    type: dict
  replace:
    description:
      - Whether to make the link anew for another O(parent), O(vlan_id) or O(protocol), with all links of the collection
        that are on it. Endpoints on it keep their addresses and MAC addresses, and their traffic is interrupted
        meanwhile. Without it, such a task is refused.
      - The task does all of it or nothing. RV(steps) and RV(diff) name the endpoints, in check mode too.
      - It is refused while foreign links are on the link.
    type: bool
    default: false
    version_added: 2.0.0
  force:
    description:
      - With O(state=absent), also removes a VLAN link that this collection did not create, or that networks, other
        sub-interfaces or foreign links use. Without it, the task is refused; the message names the users.
      - The networks on it stay declared. The links of their endpoints are removed with it; run the tasks of network
        and endpoints again to create them.
      - A link that is not a VLAN link is never removed.
      - Also performs steps that may lock the control node out.
    type: bool
    default: false
notes:
  - The record survives a reboot, links do not. Run the task again after one.
seealso:
  - module: fleetnet.macvlan.macvlan_network
  - module: fleetnet.macvlan.macvlan_info
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_trunks
    description: VLANs of many hosts from one inventory.
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_day2
    description: Renaming, renumbering, swapping and moving; which changes interrupt traffic.
"""

EXAMPLES = r"""
# place is a variable of each host in the inventory, 1 to 7, so that hosts on one wire never have the same addresses.

- name: VLAN 40 of eth0, called eth0.40
  fleetnet.macvlan.vlan_subinterface:
    name: eth0.40

- name: VLAN 30 of eth0 under a name of its own
  fleetnet.macvlan.vlan_subinterface:
    name: dmz
    parent: eth0
    vlan_id: 30

- name: A macvlan network on it, which never removes it
  fleetnet.macvlan.macvlan_network:
    name: dmz
    parent: dmz
    subnets:
      - subnet: 192.168.30.0/24
        ip_range: "192.168.30.{{ 32 * place }}/27"

- name: Carry the same network in VLAN 31, which interrupts its traffic for a moment
  fleetnet.macvlan.vlan_subinterface:
    name: dmz
    parent: eth0
    vlan_id: 31
    replace: true

- name: A customer's VLAN 20 in the provider's VLAN 100 of eth1
  fleetnet.macvlan.vlan_subinterface:
    parent: "{{ item.parent }}"
    vlan_id: "{{ item.vlan_id }}"
    protocol: "{{ item.protocol }}"
    mtu: "{{ item.mtu }}"
  loop:
    - {parent: eth1, vlan_id: 100, protocol: 802.1ad, mtu: 1500}
    - {parent: eth1.100, vlan_id: 20, protocol: 802.1q, mtu: 1496}

- name: Carry the kernel's priorities for voice to the switch and back
  fleetnet.macvlan.vlan_subinterface:
    name: eth0.90
    mac: "02:42:0a:00:5a:0{{ place }}"
    ingress_qos_map:
      5: 6
    egress_qos_map:
      6: 5

- name: Prepare a sub-interface while its base is still down
  fleetnet.macvlan.vlan_subinterface:
    name: eth3.12
    up: false

- name: Remove a sub-interface
  fleetnet.macvlan.vlan_subinterface:
    name: eth0.40
    state: absent

- name: Remove a sub-interface that was made by hand
  fleetnet.macvlan.vlan_subinterface:
    name: eth0.41
    state: absent
    force: true
"""

RETURN = r"""
vlan_subinterface:
  description:
    - The sub-interface as it is after the task, or would be in check mode.
    - It is empty with O(state=absent).
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      returned: when the sub-interface is there
      type: str
      sample: eth0.40
    parent:
      description: The link that carries the VLAN.
      returned: when the sub-interface is there
      type: str
      sample: eth0
    vlan_id:
      description: VLAN id.
      returned: when the sub-interface is there
      type: int
      sample: 40
    protocol:
      description: Tag of the frames, V(802.1q) or V(802.1ad).
      returned: when the sub-interface is there
      type: str
      sample: 802.1q
    mtu:
      description: MTU of the link.
      returned: when the sub-interface is there
      type: int
      sample: 1500
    mac:
      description: MAC address of the link.
      returned: when the sub-interface is there
      type: str
      sample: "52:54:00:a1:b2:c3"
    up:
      description: Whether it is up.
      returned: when the sub-interface is there
      type: bool
      sample: true
    reorder_hdr:
      description: Whether the VLAN header is taken out of received frames.
      returned: when the sub-interface is there
      type: bool
      sample: true
    gvrp:
      description: Whether the VLAN is registered by GVRP.
      returned: when the sub-interface is there
      type: bool
      sample: false
    mvrp:
      description: Whether the VLAN is registered by MVRP.
      returned: when the sub-interface is there
      type: bool
      sample: false
    loose_binding:
      description: Whether it is up regardless of the state of its base.
      returned: when the sub-interface is there
      type: bool
      sample: false
    ingress_qos_map:
      description: Priorities of received frames, without the entries that map to 0.
      returned: when the sub-interface is there
      type: dict
      sample:
        "5": 6
    egress_qos_map:
      description: Priorities of sent frames, without the entries that map to 0.
      returned: when the sub-interface is there
      type: dict
      sample:
        "6": 5
    owned:
      description: Whether it was made by this collection. A foreign one is never changed.
      returned: when the sub-interface is there
      type: bool
      sample: true
    used_by:
      description: Names of the networks on it, and on VLAN sub-interfaces of this collection on it.
      returned: when the sub-interface is there
      type: list
      elements: str
      sample:
        - dmz
  sample:
    name: eth0.40
    parent: eth0
    vlan_id: 40
    protocol: 802.1q
    mtu: 1500
    mac: "52:54:00:a1:b2:c3"
    up: true
    reorder_hdr: true
    gvrp: false
    mvrp: false
    loose_binding: false
    ingress_qos_map: {}
    egress_qos_map: {}
    owned: true
    used_by: []
steps:
  description: The steps that were done, or would be done in check mode, in order, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - record vlan_subinterface eth0.40 (VLAN 40 on eth0) as declared
    - create VLAN link eth0.40 on eth0 (VLAN 40)
    - bring eth0.40 up
diff:
  description: The sub-interface before and after the task, empty for one that is not there.
  returned: success, in diff mode
  type: dict
  contains:
    before:
      description:
        - As RV(vlan_subinterface) was before the task.
        - What had drifted from the record is listed under C(drift), as in
          RV(fleetnet.macvlan.macvlan_info#module:drift).
        - What the task changes in the record of other objects, or of this one where its result does not show it, is listed
          under C(also_changes), each entry with C(object), C(field), C(before) and C(after).
      returned: always
      type: dict
      sample: {}
    after:
      description:
        - The same as RV(vlan_subinterface).
        - The endpoints whose traffic is interrupted, because their links are created again or they lose addresses, are listed
          in C(before) under C(interrupts), such as C(endpoint web/web1).
      returned: always
      type: dict
      sample:
        name: eth0.40
        parent: eth0
"""

from ansible_collections.fleetnet.macvlan.plugins.module_utils._argspecs import SUBINTERFACE_RULES, subinterface_argspec
from ansible_collections.fleetnet.macvlan.plugins.module_utils._runner import Module, Params, run
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.subinterface import (
    subinterface_options,
    subinterface_removal,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.execute import execute


def check_values(params: Params) -> None:
    """Check the values of a task whose options are unknown or of a wrong type; only such a task imports the check."""
    from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_values import check_object

    check_object(subinterface_argspec(), params)


def main() -> None:
    module = Module(check_values, argument_spec=subinterface_argspec(), supports_check_mode=True, **SUBINTERFACE_RULES)
    run(module, execute, key="vlan_subinterface", present=subinterface_options, absent=subinterface_removal)


if __name__ == "__main__":
    main()
