#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan_info
short_description: Macvlan networks, endpoints and sub-interfaces of a host, and their drift
version_added: 1.0.0
description:
  - Returns the networks, endpoints and VLAN sub-interfaces that are recorded on a host, and RV(drift), which
    lists the differences between the record and the kernel.
  - RV(host) tells the record of a host from those of all others.
  - It changes nothing, and does not wait for tasks that do.
author:
  - The fleetnet.macvlan authors (@fleetnet)
extends_documentation_fragment:
  - fleetnet.macvlan._attributes
  - fleetnet.macvlan._attributes.actiongroup
  - fleetnet.macvlan._common
attributes:
  check_mode:
    support: full
    details:
      - This module does not modify state.
  diff_mode:
    support: N/A
    details:
      - This module does not modify state.
  idempotent:
    support: full
    details:
      - This module does not modify state.
options:
  network:
    description:
      - Return only this network, its endpoints and its sub-interface. When it is left out, all networks are returned.
      - If it does not exist, the lists are empty; that is not an error.
    type: str
  endpoint:
    description:
      - Return only endpoints of this name, in O(network) or in any network, with their networks and the
        sub-interfaces of those.
    type: str
  address:
    description:
      - Return only endpoints that have this address, with their networks and the sub-interfaces of those.
      - It can be written with a prefix length or without, which makes no difference.
      - An endpoint has the address that is recorded for it, and each address that its link has, no matter which program added it.
      - If several of O(network), O(endpoint), O(address), O(mac) and O(netns) are given, all must fit.
    type: str
    version_added: 2.0.0
  mac:
    description:
      - Return only endpoints that have this MAC address, by the record or on their links, with their networks and
        the sub-interfaces of those.
    type: str
    version_added: 2.0.0
  netns:
    description:
      - Return only endpoints in this namespace, with their networks and the sub-interfaces of those.
      - A name under C(/run/netns), or a path.
    type: str
    version_added: 2.0.0
  pin:
    description:
      - Whether RV(config) has the addresses of the endpoints, and the subnets that the collection chose.
      - Without them, a host that has the record keeps its addresses, and an empty host chooses new ones. With them, an empty host
        gets the same addresses.
      - Pinned options are for one host. In the variables of a group, they would give all its hosts the same addresses.
    type: bool
    default: false
    version_added: 2.0.0
notes:
  - To repair drift, run the task of the object again.
seealso:
  - module: fleetnet.macvlan.macvlan_network
  - module: fleetnet.macvlan.macvlan_endpoint
  - module: fleetnet.macvlan.vlan_subinterface
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_troubleshooting
    description: What to do about drift.
"""

EXAMPLES = r"""
- name: Read everything
  fleetnet.macvlan.macvlan_info:
  register: macvlan

- name: Fail if another program has changed a link
  ansible.builtin.assert:
    that: macvlan.drift | length == 0
    fail_msg: "{{ macvlan.drift | map(attribute='object') | unique | join(', ') }}"

- name: Show how many addresses are left in each subnet
  ansible.builtin.debug:
    msg: "{{ item.0.name }}: {{ item.1.available }} left in {{ item.1.subnet }}"
  loop: "{{ macvlan.networks | subelements('subnets') }}"
  loop_control:
    label: "{{ item.0.name }}"

- name: Ask all hosts which of them has an address
  fleetnet.macvlan.macvlan_info:
    address: 192.168.50.69
  register: holder

- name: Show who has it
  ansible.builtin.debug:
    msg: "{{ item.network }}/{{ item.name }} in namespace {{ item.netns }}"
  loop: "{{ holder.endpoints }}"
  loop_control:
    label: "{{ item.mac }}"

- name: Read everything as options, with the addresses that were chosen
  fleetnet.macvlan.macvlan_info:
    pin: true
  register: macvlan

- name: Have a folder for the variables of the host
  ansible.builtin.file:
    path: "{{ inventory_dir }}/host_vars/{{ inventory_hostname }}"
    state: directory
    mode: "0755"
  delegate_to: localhost
  become: false

- name: Write them into the inventory, as variables of the role macvlan_host
  ansible.builtin.copy:
    dest: "{{ inventory_dir }}/host_vars/{{ inventory_hostname }}/macvlan.yml"
    content: "{{ {
      'macvlan_host_vlan_subinterfaces': macvlan.config.vlan_subinterfaces,
      'macvlan_host_networks': macvlan.config.networks,
      'macvlan_host_endpoints': macvlan.config.endpoints} | to_nice_yaml(indent=2) }}"
    mode: "0644"
  delegate_to: localhost
  become: false

- name: Read one endpoint
  fleetnet.macvlan.macvlan_info:
    network: web
    endpoint: web1
  register: web1

- name: Show its address
  ansible.builtin.debug:
    msg: "{{ web1.endpoints[0].ipv4 | ansible.builtin.split('/') | first }}"
  when: web1.endpoints | length > 0
"""

RETURN = r"""
networks:
  description: The recorded networks.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Identifies the network on this host; it is the same whenever a network of this name is made again.
      returned: always
      type: str
      sample: 3f1c0a54d2b98e7765a1c9d04be8f213
    name:
      description: Its name.
      returned: always
      type: str
      sample: web
    driver:
      description: The kind of the links of its endpoints.
      returned: always
      type: str
      sample: macvlan
    mode:
      description: How its endpoints reach each other.
      returned: always
      type: str
      sample: bridge
    parent:
      description: The link that it sits on, which is a dummy link when none was given.
      returned: always
      type: str
      sample: eth0.50
    parent_created:
      description: Whether the parent was missing and was made for a network.
      returned: always
      type: bool
      sample: true
    internal:
      description: Whether it leads nowhere.
      returned: always
      type: bool
      sample: false
    ipv6:
      description: Whether it has an IPv6 subnet.
      returned: always
      type: bool
      sample: false
    mtu:
      description: MTU that was asked for, V(null) for that of the parent.
      returned: always
      type: int
      sample: null
    bcqueuelen:
      description: Length of the queue for broadcast and multicast that was asked for, V(null) when none was.
      returned: always
      type: int
      sample: null
      version_added: 2.0.0
    bclim:
      description: Limit for the queueing of multicast that was asked for, V(null) when none was.
      returned: always
      type: int
      sample: null
      version_added: 2.0.0
    ipam:
      description: Where addresses come from.
      returned: always
      type: str
      sample: default
    labels:
      description: Its labels.
      returned: always
      type: dict
      sample:
        owner: web team
    exclusive:
      description: Whether addresses that others add to links of its endpoints are removed.
      returned: always
      type: bool
      sample: false
      version_added: 2.0.0
    host_access:
      description: The interface by which the host reaches its endpoints, V(null) without one.
      returned: always
      type: dict
      sample: null
      version_added: 2.0.0
      contains:
        ifname:
          description: Name of the interface.
          returned: always
          type: str
          sample: mv-monitored
        addresses:
          description: Its addresses, IPv4 first, each with the prefix length of a single address.
          returned: always
          type: list
          elements: str
          sample: [192.168.64.2/32, '2001:db8:64::2/128']
        routes:
          description: Which routes lead over it, C(endpoints) or C(ranges).
          returned: always
          type: str
          sample: endpoints
        metric:
          description: Metric of these routes, V(null) for that of the kernel.
          returned: always
          type: int
          sample: null
    probe:
      description: How neighbours are asked about new addresses of its endpoints.
      returned: always
      type: str
      sample: fast
      version_added: 2.0.0
    segment:
      description: The segment of the fleet that it is on, V(null) for none.
      returned: always
      type: str
      sample: null
      version_added: 2.0.0
    slices:
      description: The slices of the host in the segment, in the order of its subnets, and some that it owned before.
      returned: always
      type: list
      elements: dict
      sample: []
      version_added: 2.0.0
      contains:
        subnet:
          description: The subnet that it is in.
          returned: always
          type: str
          sample: 192.168.50.0/24
        slice:
          description: The slice.
          returned: always
          type: str
          sample: 192.168.50.64/28
        generation:
          description: Counts the owners that it has had.
          returned: always
          type: int
          sample: 1
        lost_to:
          description: The host that owns it by now, V(null) if this host does.
          returned: always
          type: str
          sample: null
    subnets:
      description: Its subnets in the order in which they were given; those that were chosen come last.
      returned: always
      type: list
      elements: dict
      contains:
        subnet:
          description: The subnet without host bits.
          returned: always
          type: str
          sample: 192.168.50.0/24
        gateway:
          description: Address of its gateway, V(null) when it has none.
          returned: always
          type: str
          sample: 192.168.50.1
        gateway_inferred:
          description: Whether the gateway was not given, but is the first usable address.
          returned: always
          type: bool
          sample: true
        gateway_onlink:
          description: Whether the gateway can be outside of the subnet, on the link all the same.
          returned: always
          type: bool
          sample: false
          version_added: 2.0.0
        ip_range:
          description:
            - The part that addresses are chosen from, V(null) for the whole subnet, and where there are several, which
              C(ip_ranges) has.
          returned: always
          type: str
          sample: null
        ip_ranges:
          description: The parts that addresses are chosen from, in this order; empty for the whole subnet.
          returned: always
          type: list
          elements: str
          sample: [192.168.50.64/27]
          version_added: 2.0.0
        exclude:
          description: Addresses, ranges and blocks that are never given out.
          returned: always
          type: list
          elements: str
          sample: []
          version_added: 2.0.0
        aux_addresses:
          description: Names and addresses that are never given out.
          returned: always
          type: dict
          sample:
            host: 192.168.50.250
        in_use:
          description:
            - How many addresses of the subnet cannot be given out. These are the leases of endpoints, the gateway,
              aux addresses, excluded ones, and those that are never given, such as the network and broadcast address.
            - It ends at 18446744073709551615.
          returned: always
          type: int
          sample: 4
        available:
          description:
            - How many addresses are not held, from the ip_range if there is one. It follows from what is recorded; those
              that links of this host or routers have, which are not chosen, are not subtracted.
            - It ends at 18446744073709551615.
          returned: always
          type: int
          sample: 252
    endpoints:
      description: Names of its endpoints.
      returned: always
      type: list
      elements: str
      sample:
        - web1
        - web2
endpoints:
  description: The recorded endpoints.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Identifies the endpoint on this host; it is the same whenever the endpoint is made again.
      returned: always
      type: str
      sample: 91d5b7c2e04f3a6688b0d1f2a7c9e345
    name:
      description: Its name.
      returned: always
      type: str
      sample: web1
    network:
      description: Its network.
      returned: always
      type: str
      sample: web
    netns:
      description: Name of its namespace under C(/run/netns), else the path of it, V(null) for the host's own.
      returned: always
      type: str
      sample: web1
    ifname:
      description: Name of its interface in the namespace.
      returned: always
      type: str
      sample: eth0
    mac:
      description: MAC address of the link.
      returned: always
      type: str
      sample: 02:42:c0:a8:32:02
    mtu:
      description: MTU of the link.
      returned: always
      type: int
      sample: 1500
    ipv4:
      description: Its IPv4 address with prefix length, V(null) when it has none.
      returned: always
      type: str
      sample: 192.168.50.2/24
    ipv6:
      description: Its IPv6 address with prefix length, V(null) when it has none.
      returned: always
      type: str
      sample: null
    addresses:
      description: Its further addresses with prefix length, in the order given.
      returned: always
      type: list
      elements: str
      sample: []
      version_added: 2.0.0
    gateway4:
      description: Next hop of its IPv4 default route, V(null) when it has none.
      returned: always
      type: str
      sample: 192.168.50.1
    gateway6:
      description: Next hop of its IPv6 default route, V(null) when it has none.
      returned: always
      type: str
      sample: null
    parent:
      description: Parent of its network.
      returned: always
      type: str
      sample: eth0.50
    mode:
      description: Mode of its network.
      returned: always
      type: str
      sample: bridge
    default_route:
      description: Whether it takes the gateways of its network as default route.
      returned: always
      type: bool
      sample: true
    routes:
      description: Its other routes, without host bits.
      returned: always
      type: list
      elements: dict
      contains:
        to:
          description: Destination.
          returned: always
          type: str
          sample: 10.20.0.0/16
        via:
          description: Next hop, V(null) for a destination on the link.
          returned: always
          type: str
          sample: 192.168.50.254
        metric:
          description: Metric, V(null) for the kernel's default.
          returned: always
          type: int
          sample: null
        onlink:
          description: Whether the next hop counts as on the link although it is outside of the subnet.
          returned: always
          type: bool
          sample: false
          version_added: 2.0.0
    dns:
      description: The name servers of its namespace, V(null) when it asks for none.
      returned: always
      type: dict
      sample: null
      version_added: 2.0.0
      contains:
        servers:
          description: Addresses of name servers.
          returned: always
          type: list
          elements: str
          sample: [192.168.50.53]
        search:
          description: Domains in which names without a dot are looked up.
          returned: always
          type: list
          elements: str
          sample: [example.com]
    announce:
      description: Whether neighbours are told of its addresses.
      returned: always
      type: bool
      sample: true
    sysctls:
      description: Its settings.
      returned: always
      type: dict
      sample:
        net.ipv4.ip_forward: "1"
    labels:
      description: Its labels.
      returned: always
      type: dict
      sample: {}
    exclusive:
      description: Whether addresses that others add to its link are removed; what its network says, unless it says otherwise.
      returned: always
      type: bool
      sample: false
      version_added: 2.0.0
    probe:
      description: How neighbours are asked about its new addresses; what its network says, unless it says otherwise.
      returned: always
      type: str
      sample: fast
      version_added: 2.0.0
    vrf:
      description: The VRF of the host that its interface was asked to be in, null for none.
      returned: always
      type: str
      sample: null
      version_added: 2.0.0
    foreign_addresses:
      description:
        - Addresses with prefix length that others have added to its link for good, sorted. They are drift only where
          C(exclusive) is true.
        - M(fleetnet.macvlan.macvlan_config) returns endpoints without this.
        - Addresses with a lifetime, those of router advertisements and those of link scope are not listed, and none
          on a network with C(ipam=none).
      returned: always
      type: list
      elements: str
      sample: [192.168.50.200/32]
      version_added: 2.0.0
vlan_subinterfaces:
  description: The sub-interfaces that were made by this collection; foreign ones are not recorded.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      returned: always
      type: str
      sample: eth0.40
    parent:
      description: The link that carries the VLAN.
      returned: always
      type: str
      sample: eth0
    vlan_id:
      description: VLAN id.
      returned: always
      type: int
      sample: 40
    protocol:
      description: Tag of the frames, V(802.1q) or V(802.1ad).
      returned: always
      type: str
      sample: 802.1q
    mtu:
      description: MTU of the link.
      returned: always
      type: int
      sample: 1500
    mac:
      description: MAC address of the link.
      returned: always
      type: str
      sample: "52:54:00:a1:b2:c3"
    up:
      description: Whether it is up.
      returned: always
      type: bool
      sample: true
    reorder_hdr:
      description: Whether the VLAN header is taken out of received frames.
      returned: always
      type: bool
      sample: true
    gvrp:
      description: Whether the VLAN is registered by GVRP.
      returned: always
      type: bool
      sample: false
    mvrp:
      description: Whether the VLAN is registered by MVRP.
      returned: always
      type: bool
      sample: false
    loose_binding:
      description: Whether it is up regardless of the state of its base.
      returned: always
      type: bool
      sample: false
    ingress_qos_map:
      description: Priorities of received frames, without the entries that map to 0.
      returned: always
      type: dict
      sample:
        "5": 6
    egress_qos_map:
      description: Priorities of sent frames, without the entries that map to 0.
      returned: always
      type: dict
      sample:
        "6": 5
    owned:
      description: Always V(true), because only those that were made by this collection are listed.
      returned: always
      type: bool
      sample: true
    used_by:
      description: Names of the networks on it, and on VLAN sub-interfaces of this collection on it.
      returned: always
      type: list
      elements: str
      sample:
        - dmz
config:
  description:
    - The shown objects as options of M(fleetnet.macvlan.macvlan_config), which changes nothing on this host with them.
    - Options that have their default are left out. The record does not say whether an address was requested or chosen, and all
      addresses are left out without O(pin=true).
    - A sub-interface that a network made is not in it, because the network makes it.
  returned: success
  type: dict
  version_added: 2.0.0
  contains:
    vlan_subinterfaces:
      description: The declared VLAN sub-interfaces, with options of M(fleetnet.macvlan.vlan_subinterface).
      returned: always
      type: list
      elements: dict
      sample: []
    networks:
      description: The networks, with options of M(fleetnet.macvlan.macvlan_network).
      returned: always
      type: list
      elements: dict
      sample:
        - name: web
          parent: eth0
          subnets:
            - subnet: 192.168.50.0/24
    endpoints:
      description: The endpoints, with options of M(fleetnet.macvlan.macvlan_endpoint).
      returned: always
      type: list
      elements: dict
      sample:
        - name: web1
          network: web
          netns: web1
drift:
  description:
    - What differs between the record and the kernel; empty when nothing does.
    - Addresses and routes that others have put on the link of an endpoint beside its own are no difference.
    - Neither is a new name of a parent or base. A warning names it, and the next task that changes the host, or the
      restoration, records it (since 2.0.0).
  returned: success
  type: list
  elements: dict
  contains:
    object:
      description: The object, as C(network NAME), C(endpoint NETWORK/NAME) or C(vlan_subinterface NAME).
      returned: always
      type: str
      sample: endpoint web/web1
    field:
      description:
        - What differs, which is an option of the object, V(link) or V(netns).
        - V(slice_lost) is an address that is in no slice of the host any more, so that another host may have it. Tasks do not take
          it away; let the endpoint go, or have M(fleetnet.macvlan.macvlan_fleet) give the slice back to this host.
      returned: always
      type: str
      sample: mtu
    recorded:
      description: What it is in the record.
      returned: always
      type: raw
      sample: 1500
    actual:
      description: What it is in the kernel, V(null) for what is missing.
      returned: always
      type: raw
      sample: 1400
  sample:
    - object: endpoint web/web1
      field: mtu
      recorded: 1500
      actual: 1400
host:
  description: What the record says of the host itself.
  returned: success
  type: dict
  version_added: 2.0.0
  contains:
    uuid:
      description:
        - The UUID of the record, V(null) for a host without one. The first task that changes something gives it one.
        - It is O(fleetnet.macvlan.macvlan_fleet#module:hosts[].uuid). A copy of a machine has the UUID of the original, until
          C(macvlan-host identity --new) gives it another one.
      returned: always
      type: str
      sample: 6f1c0a54-d2b9-4e77-a5a1-c9d04be8f213
"""

from ansible_collections.fleetnet.macvlan.plugins.module_utils._reading_argspecs import info_argspec
from ansible_collections.fleetnet.macvlan.plugins.module_utils._runner import Module, run_info
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.info import inspect


def main() -> None:
    module = Module(argument_spec=info_argspec(), supports_check_mode=True)
    run_info(module, inspect)


if __name__ == "__main__":
    main()
