#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan_endpoint
short_description: Endpoints of macvlan networks in network namespaces
version_added: 1.0.0
description:
  - Connects a network namespace to a macvlan network by a macvlan link with addresses, routes and settings.
  - The network must exist, see M(fleetnet.macvlan.macvlan_network). O(network) and O(name) together identify an
    endpoint.
  - If the network does not exist yet, check mode assumes that an earlier task of the play creates it. The endpoint is
    then changed, with a warning, and values that depend on the network, such as its addresses, are V(null) in the
    result. Since 2.0.0; before, check mode refused it, as a run without check mode does.
  - The link is created in the namespace under its final name. It is up, with its addresses and routes, when the task
    ends.
  - Addresses that are not requested are chosen from the network. They are kept for as long as the endpoint exists, so
    the same task gives the same addresses every time.
  - A task describes the whole endpoint. Options that are left out go back to their defaults.
  - Everything but O(network) and the namespace can change in place. An endpoint moves to another namespace with
    O(replace=true); without it, the task is refused and names the option. If its namespace is gone, for example because
    its container was restarted, the endpoint is created again in the namespace that the task names, with its old
    addresses.
  - IPv6 router advertisements and autoconfiguration are off on the link, unless O(sysctls) says otherwise. IPv6 is off on
    the link of an endpoint without an IPv6 address.
  - Addresses and routes that other programs add to the link, such as a DHCP client or VRRP, stay as they are.
    Addresses and routes of an earlier task that this task does not name are removed. A foreign route is removed only
    if it has the destination and the metric of one of this task, and a foreign address only if it is one of this task
    with another prefix length, or with O(exclusive=true). M(fleetnet.macvlan.macvlan_info) lists the foreign
    addresses without a lifetime.
author:
  - The fleetnet.macvlan authors (@fleetnet)
extends_documentation_fragment:
  - fleetnet.macvlan._attributes
  - fleetnet.macvlan._attributes.actiongroup
  - fleetnet.macvlan._common
  - fleetnet.macvlan._common.addresses
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
      - Name of the endpoint, unique in its network.
      - 1 to 64 characters of C(A-Z a-z 0-9 _ . -), beginning with a letter or a digit.
    type: str
    required: true
  network:
    description:
      - Name of the network.
    type: str
    required: true
  netns:
    description:
      - Name of the namespace, as C(ip netns) has it under C(/run/netns).
      - If it is missing, it is created, with its loopback up, and removed with its last endpoint. If it contains
        foreign links or processes by then, it is kept, with a warning, and the collection no longer manages it.
      - Without this, O(netns_path) and O(pid), the endpoint is in the host's own namespace. It is an interface
        through which the host reaches the endpoints of the network, which it cannot do through the parent.
    type: str
  netns_path:
    description:
      - Path of the file of the namespace, such as C(/var/run/docker/netns/0b1c2d3e4f5a). It must exist.
    type: path
  pid:
    description:
      - Id of a process in the namespace, such as the first process of a container.
    type: int
  ifname:
    description:
      - Name of the interface in the namespace, up to 15 bytes.
      - When it is left out, it is C(eth0), and C(mv-) with O(name) behind it in the host's own namespace.
      - A name that is taken is refused.
      - A kernel before 6.2 renames only links that are down, so with another name the link goes down for a moment
        there. The kernel then removes the routes and the IPv6 addresses that other programs have added to it; a
        warning names them. Newer kernels rename the link without any interruption (since 2.0.0).
    type: str
  ipv4:
    description:
      - The requested IPv4 address. The prefix length of its subnet can be written with it, as results have it, and
        another prefix length is refused.
      - It must be in a subnet of the network, but can be outside of the ip_range. The address of another
        endpoint, a gateway, an aux address, and the network and broadcast address are refused.
      - In a network with a O(fleetnet.macvlan.macvlan_network#module:segment) it must be in a slice of the host (since 2.0.0).
      - An address that is in use already is refused as well, that is an address of any link of this host, the next
        hop of one of its routes, or the remote end of the SSH connection of the task. Such an address is not chosen
        either. An endpoint that has it already keeps it, with a warning.
      - When it is left out, the endpoint keeps the address that it has; a new one gets the lowest free address of the
        ip_range or subnet.
      - V(none) gives the endpoint no IPv4 address, no IPv4 default route, and a MAC address that follows from its names and the
        identity of the host, also where the network has IPv4 (since 2.0.0). It is refused where the network gives addresses and the endpoint would have
        none of either family.
    type: str
  ipv6:
    description:
      - The requested IPv6 address. The rules of O(ipv4) apply here too.
      - V(none) gives the endpoint no IPv6 (since 2.0.0). It stays so when the network gets IPv6 later.
    type: str
  addresses:
    description:
      - Further addresses, of both families, beside O(ipv4) and O(ipv6), such as the addresses of services. Each can be in any
        subnet of the network.
      - The rules of O(ipv4) apply to each of them. The same address twice, and one of a family that the endpoint leaves out,
        are refused.
      - All of them are leased, added to the link, probed and announced. Adding or removing one does not touch the others.
      - MAC address and gateways follow from O(ipv4) and O(ipv6). If a program does not say from which address it sends, it sends
        from the one of O(ipv4) in the subnet of that, and in other subnets, and by IPv6, from the one that the kernel chooses. So
        those of the subnet are removed for a moment and added again when O(ipv4) changes.
      - When a network gets other subnets with O(replace=true), the endpoint loses those that no longer fit, with a warning.
    type: list
    elements: str
    version_added: 2.0.0
  subnet:
    description:
      - The subnet of the network that the address of its family is taken from, in CIDR form. The other family is not
        affected.
      - When it is left out, it is the first subnet of the family that has an address left.
    type: str
  mac:
    description:
      - Unicast MAC address of the link. Quote it, because YAML reads some of them as numbers.
      - When it is left out, it is C(02:42) and the four bytes of the IPv4 address, which makes it
        C(02:42:c0:a8:d8:0b) for 192.168.216.11. Without an IPv4 address the last four bytes are a hash of host,
        network and endpoint.
      - One that another link on the same parent has, or the parent itself, is refused.
      - It is refused in a V(passthru) network and in one with the driver V(ipvlan), because the endpoint has the MAC address of the
        parent there.
    type: str
  mtu:
    description:
      - MTU of the link. At most that of the parent, and at least 68, or 1280 with IPv6.
      - When it is left out, it is that of the network, else that of the parent.
    type: int
  default_route:
    description:
      - Whether the gateways of the network are the default route of the namespace, one for each family.
      - When it is left out, it is V(true), except in the host's own namespace, where it is V(false).
      - A namespace has one default route of a family. A second endpoint that would bring one is refused, as is one
        where a foreign interface has it already.
      - Subnets without a gateway and internal networks bring none.
    type: bool
  routes:
    description:
      - More routes over the link. The endpoint must have an address of the same family.
    type: list
    elements: dict
    suboptions:
      to:
        description:
          - Destination in CIDR form, a single address, or V(default) for all destinations of the family of
            O(routes[].via). Host bits are cleared with a warning.
        type: str
        required: true
      via:
        description:
          - Next hop. It must be in the subnet of one of the endpoint's own addresses, or be a link-local IPv6 address; or another route of
            the list, without a next hop, must lead to it, in either order; or the route must have O(routes[].onlink).
          - When it is left out, the destination is on the link itself.
        type: str
      metric:
        description:
          - Metric of the route, lower ones are preferred. When it is left out, or 0, it is the kernel's default.
        type: int
      onlink:
        description:
          - Whether O(routes[].via) is on the link although it is outside of the subnet. The route gets the flag C(onlink) of
            ip-route(8).
        type: bool
        default: false
        version_added: 2.0.0
  sysctls:
    description:
      - Settings of the namespace or of the interface, as a dictionary of keys and values. Keys begin with C(net.),
        and C(IFNAME) in a key stands for the name of the interface.
      - V(true) and V(false) are written as 1 and 0.
      - A setting of the namespace itself, whose key is without C(IFNAME), goes back to its former value when it is
        taken out of the dictionary or the endpoint is removed.
    type: dict
  dns:
    description:
      - The name servers of the namespace, written to C(/etc/netns/NAME/resolv.conf). C(ip netns exec NAME) and other programs put
        that file in place of C(/etc/resolv.conf). The collection starts no name server.
      - It needs O(netns). The file of a namespace that was not written by the collection is never overwritten, and the task
        is refused. The file is readable for all, and goes with the last endpoint that has this option.
      - Endpoints of one namespace can have the same O(dns), but not different ones.
    type: dict
    version_added: 2.0.0
    suboptions:
      servers:
        description:
          - Addresses of name servers, in the order in which they are asked. Programs ask the first three only.
          - A link-local address must be followed by C(%) and the name of the interface of the namespace over which it is reached,
            such as V(fe80::1%eth0). Others must not.
        type: list
        elements: str
      search:
        description:
          - Domains in which names without a dot are looked up.
        type: list
        elements: str
  announce:
    description:
      - Whether neighbours are told of the addresses when the link comes up, now and later on, by the settings
        C(arp_notify) and C(ndisc_notify) of the kernel. The task does not wait for it.
    type: bool
    default: true
  labels:
    description:
      - Texts that are kept with the endpoint and returned with it. They have no effect.
    type: dict
  exclusive:
    description:
      - Whether addresses that others have added to the link are removed. They are drift then.
      - Addresses with a lifetime, such as those of DHCP clients, those of router advertisements, and addresses of
        link scope are never removed. Foreign routes stay as well, except those with a removed address as their
        source, which the kernel removes with it.
      - When it is left out, the option of the network applies.
      - V(true) is refused on a network with C(ipam=none), which leaves all addresses to the programs in the namespace.
    type: bool
    version_added: 2.0.0
  probe:
    description:
      - How the machines on the wire are asked whether one of them has an address, before the endpoint gets it. See
        O(fleetnet.macvlan.macvlan_network#module:probe).
      - When it is left out, the option of the network applies.
      - V(fast) and V(careful) are refused on a network with C(ipam=none), which gives no address.
    type: str
    choices: [fast, careful, none]
    version_added: 2.0.0
  vrf:
    description:
      - The VRF of the host that the interface of an endpoint in the host's own namespace is put into. Its routes are then in the
        table of that VRF, also its default routes with O(default_route=true).
      - It can be an alternative name of the VRF, also one of up to 127 bytes. RV(endpoint.vrf) is the name of the VRF itself. A VRF
        that was renamed is recognised if it has its old name as an alternative one, and the record follows with a warning; else
        the endpoint is reported, and its task must name the VRF as it is called now.
      - The VRF must exist. The collection does not create VRFs, and changes nothing of them. An endpoint whose VRF has gone is
        reported, and gets back into it when its task or C(macvlan-host restore) runs after the VRF has returned.
      - Endpoints in different VRFs can have subnets that overlap, and a default route each.
      - It is refused with O(netns), O(netns_path) and O(pid).
      - When it is left out, the collection puts the interface into no VRF. If others do so, they have its routes in their care.
    type: str
    version_added: 2.0.0
  renamed_from:
    description:
      - The name under which the endpoint is recorded in the same network until now. It is then recorded as O(name), with
        its addresses, its MAC address, its namespace and its link. No traffic is interrupted.
      - The interface in the host's own namespace gets the new name too, C(mv-) with O(name) behind it, unless O(ifname)
        is given. See there what an older kernel does.
      - It has no effect if an endpoint O(name) is recorded already, or none under the former name. So the option can stay
        in the task.
      - Two endpoints cannot swap their names.
    type: str
    version_added: 2.0.0
  replace:
    description:
      - Whether to move the endpoint to another namespace. Its link is deleted there and created in the new one, with the
        same addresses and the same MAC address. Its traffic is interrupted meanwhile. Without it, such a task is refused.
      - The task does all of it or nothing. RV(steps) and RV(diff) say that the traffic is interrupted, in check mode too.
      - Changes that can be made in place are made in place, also with this option.
    type: bool
    default: false
    version_added: 2.0.0
  force:
    description:
      - Whether to perform steps that may lock the control node out, such as removing an interface of the host's own
        namespace that carries the connection.
    type: bool
    default: false
notes:
  - Endpoints of one namespace cannot have overlapping subnets, because the kernel would answer for the wrong one.
  - If the host has an address of the same subnet on the parent, the kernel may go on sending by way of the parent.
    Give an endpoint in the host's own namespace O(routes) without O(routes[].via) to the destinations that must be
    reached through it, see the examples.
  - The namespace of a container belongs to the container. This module creates a link in it and removes that
    link again; it neither creates nor removes the namespace.
  - The record survives a reboot, links and namespaces do not. Run the task again after one; the endpoint gets the same
    addresses and the same MAC address. A namespace that was not created for it must exist first.
seealso:
  - module: fleetnet.macvlan.macvlan_network
  - module: fleetnet.macvlan.macvlan_info
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_docker
    description: Every flag of C(docker network connect), and the equivalent option.
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_day2
    description: Renaming, renumbering, swapping and moving; which changes interrupt traffic.
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_troubleshooting
    description: Why packets do not arrive, and why tasks are refused.
"""

EXAMPLES = r"""
# place is a variable of each host in the inventory, 1 to 7, so that hosts on one wire never have the same addresses.

- name: Connect the namespace web1, made if it is missing, with the next free address
  fleetnet.macvlan.macvlan_endpoint:
    name: web1
    network: web
    netns: web1

- name: Fixed addresses and a fixed MAC address, the IPv4 address from the second subnet
  fleetnet.macvlan.macvlan_endpoint:
    name: shop1
    network: shop
    netns: shop1
    ipv4: "192.168.218.{{ 109 + 10 * place }}"
    ipv6: "2001:db8:abc8::{{ place }}:50"
    mac: "02:42:c0:a8:da:f{{ place }}"

- name: Two more addresses, of which one is in another subnet
  fleetnet.macvlan.macvlan_endpoint:
    name: shop3
    network: shop
    netns: shop3
    addresses:
      - "192.168.216.{{ 110 + 10 * place }}"
      - "192.168.218.{{ 110 + 10 * place }}"

- name: A namespace with name servers of its own
  fleetnet.macvlan.macvlan_endpoint:
    name: resolving
    network: office
    netns: resolving
    dns:
      servers: [172.16.86.53, 172.16.86.54]
      search: [office.example.com]

- name: No IPv6, although the network has it
  fleetnet.macvlan.macvlan_endpoint:
    name: shop4
    network: shop
    netns: shop4
    ipv6: none

- name: Any address of the second subnet
  fleetnet.macvlan.macvlan_endpoint:
    name: shop2
    network: shop
    netns: shop2
    subnet: 192.168.218.0/24

- name: A second interface of web1, which leaves the default route with the first
  fleetnet.macvlan.macvlan_endpoint:
    name: web1
    network: office
    netns: web1
    ifname: office0
    default_route: false
    routes:
      - to: 10.20.0.0/16
        via: 172.16.86.254
      - to: 10.21.0.0/16
        via: 172.16.86.253
        metric: 50
      - to: 10.22.0.0/16
        via: 10.99.0.1
        onlink: true

- name: Look up the first process of a container
  ansible.builtin.command:
    argv: [docker, inspect, --format, "{{ '{{' }}.State.Pid{{ '}}' }}", mail]
  register: mail_pid
  changed_when: false
  check_mode: false

- name: Connect the container
  fleetnet.macvlan.macvlan_endpoint:
    name: mail
    network: office
    pid: "{{ mail_pid.stdout }}"
    ifname: office0
    ipv4: "172.16.86.{{ 32 * place + 25 }}"
    default_route: false

- name: Connect a namespace by the file that stands for it
  fleetnet.macvlan.macvlan_endpoint:
    name: sandbox
    network: office
    netns_path: /run/sandbox/net
    labels:
      ticket: NET-1412

- name: Let the host reach the endpoints of floor32, by an interface of its own called mv-host
  fleetnet.macvlan.macvlan_endpoint:
    name: host
    network: floor32
    ipv4: "192.168.32.{{ 1 + place }}"
    routes:
      - to: "192.168.32.{{ 112 + 16 * place }}/28"

- name: A router for the network backend, which has no gateway
  fleetnet.macvlan.macvlan_endpoint:
    name: router
    network: backend
    netns: router
    ipv4: 10.77.0.1
    mtu: 1400
    sysctls:
      net.ipv4.ip_forward: 1
      net.ipv4.conf.IFNAME.rp_filter: 2

- name: An endpoint whose link has no other address for good; those of VRRP and the like are removed at the next run
  fleetnet.macvlan.macvlan_endpoint:
    name: recorder
    network: office
    netns: recorder
    exclusive: true

- name: An address about which slow machines are asked three times
  fleetnet.macvlan.macvlan_endpoint:
    name: print-server
    network: office
    netns: print-server
    probe: careful

- name: An interface of the host in its VRF blue, with a default route there
  fleetnet.macvlan.macvlan_endpoint:
    name: tenant
    network: office
    vrf: blue
    default_route: true

- name: A link without an address for a DHCP client
  fleetnet.macvlan.macvlan_endpoint:
    name: kiosk
    network: dhcp
    netns: kiosk

- name: Rename shop2, and keep its address, its MAC address and its link
  fleetnet.macvlan.macvlan_endpoint:
    name: till
    renamed_from: shop2
    network: shop
    netns: shop2
    subnet: 192.168.218.0/24

- name: Move it to another namespace, with the same addresses
  fleetnet.macvlan.macvlan_endpoint:
    name: till
    network: shop
    netns: till
    subnet: 192.168.218.0/24
    replace: true

- name: Remove an endpoint, and its namespace with the last one
  fleetnet.macvlan.macvlan_endpoint:
    name: till
    network: shop
    state: absent
"""

RETURN = r"""
endpoint:
  description:
    - The endpoint as it is after the task, or would be in check mode.
    - It is empty with O(state=absent).
  returned: success
  type: dict
  contains:
    id:
      description: Identifies the endpoint on this host; it is the same whenever the endpoint is made again.
      returned: when the endpoint is there
      type: str
      sample: 91d5b7c2e04f3a6688b0d1f2a7c9e345
    name:
      description: Its name.
      returned: when the endpoint is there
      type: str
      sample: web1
    network:
      description: Its network.
      returned: when the endpoint is there
      type: str
      sample: web
    netns:
      description: Name of its namespace under C(/run/netns), else the path of it, V(null) for the host's own.
      returned: when the endpoint is there
      type: str
      sample: web1
    ifname:
      description: Name of its interface in the namespace.
      returned: when the endpoint is there
      type: str
      sample: eth0
    mac:
      description: MAC address of the link, V(null) in check mode when it depends on a network that is not there yet.
      returned: when the endpoint is there
      type: str
      sample: 02:42:c0:a8:32:02
    mtu:
      description: MTU of the link, V(null) in check mode when it depends on a network that is not there yet.
      returned: when the endpoint is there
      type: int
      sample: 1500
    ipv4:
      description:
        - Its IPv4 address with prefix length, V(null) when it has none, or in check mode when its network is not there yet.
      returned: when the endpoint is there
      type: str
      sample: 192.168.50.2/24
    ipv6:
      description:
        - Its IPv6 address with prefix length, V(null) when it has none, or in check mode when its network is not there yet.
      returned: when the endpoint is there
      type: str
      sample: null
    addresses:
      description:
        - Its further addresses with prefix length, in the order given; V(null) in check mode when there are some and its network
          is not there yet.
      returned: when the endpoint is there
      type: list
      elements: str
      sample: []
      version_added: 2.0.0
    gateway4:
      description: Next hop of its IPv4 default route, V(null) when it has none.
      returned: when the endpoint is there
      type: str
      sample: 192.168.50.1
    gateway6:
      description: Next hop of its IPv6 default route, V(null) when it has none.
      returned: when the endpoint is there
      type: str
      sample: null
    parent:
      description: Parent of its network, V(null) in check mode when the network is not there yet.
      returned: when the endpoint is there
      type: str
      sample: eth0.50
    mode:
      description: Mode of its network, V(null) in check mode when the network is not there yet.
      returned: when the endpoint is there
      type: str
      sample: bridge
    default_route:
      description: Whether it takes the gateways of its network as default route.
      returned: when the endpoint is there
      type: bool
      sample: true
    routes:
      description: Its other routes, without host bits.
      returned: when the endpoint is there
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
      returned: when the endpoint is there
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
      returned: when the endpoint is there
      type: bool
      sample: true
    sysctls:
      description: Its settings.
      returned: when the endpoint is there
      type: dict
      sample:
        net.ipv4.ip_forward: "1"
    labels:
      description: Its labels.
      returned: when the endpoint is there
      type: dict
      sample: {}
    exclusive:
      description: Whether addresses that others add to its link are removed; what its network says, unless it says otherwise.
      returned: when the endpoint is there
      type: bool
      sample: false
      version_added: 2.0.0
    probe:
      description: How neighbours are asked about its new addresses; what its network says, unless it says otherwise.
      returned: when the endpoint is there
      type: str
      sample: fast
      version_added: 2.0.0
    vrf:
      description: The VRF of the host that its interface was asked to be in, null for none.
      returned: when the endpoint is there
      type: str
      sample: null
      version_added: 2.0.0
  sample:
    id: 91d5b7c2e04f3a6688b0d1f2a7c9e345
    name: web1
    network: web
    netns: web1
    ifname: eth0
    mac: 02:42:c0:a8:32:02
    mtu: 1500
    ipv4: 192.168.50.2/24
    ipv6: null
    addresses: []
    gateway4: 192.168.50.1
    gateway6: null
    parent: eth0.50
    mode: bridge
    default_route: true
    routes: []
    announce: true
    sysctls: {}
    dns: null
    labels: {}
    exclusive: false
    probe: fast
    vrf: null
steps:
  description: The steps that were done, or would be done in check mode, in order, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - record endpoint web/web1 with 192.168.50.2/24
    - create namespace web1
    - create macvlan link eth0 in namespace web1 on eth0.50 (bridge, 02:42:c0:a8:32:02)
    - >-
      set net.ipv6.conf.eth0.disable_ipv6=1, net.ipv4.conf.eth0.arp_notify=1 in namespace web1
    - add 192.168.50.2/24 to eth0 in namespace web1
    - bring eth0 in namespace web1 up
    - add default route via 192.168.50.1 on eth0 in namespace web1
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
  description: The endpoint before and after the task, empty for one that is not there.
  returned: success, in diff mode
  type: dict
  contains:
    before:
      description:
        - As RV(endpoint) was before the task.
        - What had drifted from the record is listed under C(drift), as in
          RV(fleetnet.macvlan.macvlan_info#module:drift).
        - What the task changes in the record of other objects, or of this one where its result does not show it, is listed
          under C(also_changes), each entry with C(object), C(field), C(before) and C(after).
      returned: always
      type: dict
      sample: {}
    after:
      description:
        - The same as RV(endpoint).
        - The endpoints whose traffic is interrupted, because their links are created again or they lose addresses, are listed
          in C(before) under C(interrupts), such as C(endpoint web/web1).
      returned: always
      type: dict
      sample:
        name: web1
        network: web
"""

from ansible_collections.fleetnet.macvlan.plugins.module_utils._argspecs import ENDPOINT_RULES, endpoint_argspec
from ansible_collections.fleetnet.macvlan.plugins.module_utils._runner import Module, Params, run
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import (
    endpoint_options,
    endpoint_removal,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.execute import execute


def check_values(params: Params) -> None:
    """Check the values of a task whose options are unknown or of a wrong type; only such a task imports the check."""
    from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_values import check_object

    check_object(endpoint_argspec(), params)


def main() -> None:
    module = Module(check_values, argument_spec=endpoint_argspec(), supports_check_mode=True, **ENDPOINT_RULES)
    run(module, execute, key="endpoint", present=endpoint_options, absent=endpoint_removal)


if __name__ == "__main__":
    main()
