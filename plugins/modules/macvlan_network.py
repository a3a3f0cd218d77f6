#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan_network
short_description: Macvlan and ipvlan networks on a parent interface of a Linux host
version_added: 1.0.0
description:
  - Declares a macvlan or ipvlan network on a host, with its parent interface, the mode in which its endpoints reach each
    other, and the subnets of their addresses.
  - A network alone carries no traffic. M(fleetnet.macvlan.macvlan_endpoint) creates its links one by one.
  - A parent that is missing and named C(base.vlan_id), such as C(eth0.50), is created as an 802.1Q sub-interface,
    brought up, and owned by the network. It is removed with the last network on it, unless a task of
    M(fleetnet.macvlan.vlan_subinterface) declares it. A parent that was there before is used as it is, and is never
    changed or removed.
  - A task describes the whole network. Options that are left out go back to their defaults.
  - Most options change in place, and existing endpoints follow them. What would interrupt the traffic of endpoints is
    refused without O(replace=true), that is another O(parent) or O(driver), another O(mode) to or from V(passthru), and
    O(subnets) without the address of an endpoint. The message names the option and the endpoints.
  - The kernel keeps the links of endpoints and their parent apart, so a host does not reach its endpoints through the address
    of the parent. To reach them, attach an endpoint in the host's own namespace, see
    M(fleetnet.macvlan.macvlan_endpoint).
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
      - Name of the network, unique on the host.
      - 1 to 64 characters of C(A-Z a-z 0-9 _ . -), beginning with a letter or a digit.
    type: str
    required: true
  parent:
    description:
      - Link of the host that the network sits on, such as C(eth0), C(bond0), C(eth0.50) or any other name.
      - It can be an alternative name of the link, also one of up to 127 bytes, and so can the base in C(base.vlan_id)
        (since 2.0.0). RV(network.parent) is the name of the link itself.
      - A parent that was renamed is recognised, and the record follows with a warning (since 2.0.0). Until another link has
        its old name, that name can be given as well.
      - A link that is missing is created if its name contains a base link that exists and is up, and a VLAN id from 1 to
        4094 without leading zeros. This is refused when the base has that VLAN under another name. Other missing
        links are refused.
      - With more than one VLAN id, such as C(eth0.10.100) for VLAN 100 inside of VLAN 10 (QinQ), each link that is missing is
        created, and each is removed with the last network that needs it (since 2.0.0). Each has an 802.1Q tag; for an 802.1ad
        tag, declare C(eth0.10) with M(fleetnet.macvlan.vlan_subinterface) and its O(fleetnet.macvlan.vlan_subinterface#module:protocol)
        before, or in the same task of M(fleetnet.macvlan.macvlan_config).
      - A link called C(eth0.50) that exists and is not VLAN 50 of C(eth0) is used as it is, with a warning. So is a
        link that is down; its owner must bring it up.
      - Links that cannot carry a macvlan are refused, that is the loopback, links that are not Ethernet, ports of a
        bridge, bond or team, macvlan links, and links that carry ipvlan or macsec links. With O(driver=ipvlan) those that
        carry macvlan or macsec links are refused instead.
      - When it is left out, the network gets a dummy link of its own, called C(dm-) and 12 hexadecimal digits, and is
        internal. Its endpoints reach each other and nothing else.
      - Another parent moves the network, which needs O(replace=true) if the network exists. A parent that was created
        for it goes with the last network on it.
    type: str
  driver:
    description:
      - The kind of the links of the network's endpoints, as Docker's C(-d).
      - With V(macvlan) each link has a MAC address of its own.
      - With V(ipvlan) all links have the MAC address of O(parent), and the kernel tells their frames apart by the IP address. That is
        for wires on which a port may have one MAC address only, such as those of many clouds, Wi-Fi, and switches with port security.
        The links also follow an MTU of the parent that changes.
      - A parent carries links of one driver. A network on the parent of one with the other driver is refused, also where neither of them
        has an endpoint, and so is a parent that carries such links of other programs.
      - Another driver needs O(replace=true) if the network has endpoints or O(host_access). Endpoints keep their addresses and
        routes, and macvlan links get their MAC addresses.
    type: str
    choices:
      - macvlan
      - ipvlan
    default: macvlan
    version_added: 2.0.0
  mode:
    description:
      - How the endpoints of the network reach each other. When it is left out, it is V(bridge), and V(l2) with O(driver=ipvlan). Each
        driver has modes of its own.
      - With V(bridge) they reach each other directly, inside the host.
      - With V(private) they never reach each other, not even through a switch that sends frames back.
      - With V(vepa) all their frames go out through the parent; they reach each other if the switch sends frames back
        to the port that they came from (reflective relay, hairpin).
      - With V(passthru) there is one endpoint only, which uses O(parent) alone and has its MAC address. No other
        macvlan link can be on the parent.
      - V(bridge), V(private) and V(vepa) can be changed into each other in place. A change to or from V(passthru) needs
        O(replace=true) if the network has endpoints or O(host_access).
      - V(l2), V(l3) and V(l3s) are those of O(driver=ipvlan) (since 2.0.0). With V(l2) endpoints are on the wire of the parent, as with
        V(bridge).
      - With V(l3) and V(l3s) the host routes what endpoints send. There is no ARP and no neighbour discovery, no broadcast and no
        multicast, so no machine of the wire finds them by itself; routers need a route to the subnets by way of the host, and the host
        one to wherever they send. V(l3s) is like V(l3), but what they receive passes the netfilter of the host.
      - In V(l3) and V(l3s) the default route of an endpoint is its link itself, without a next hop. An O(subnets[].gateway) is refused,
        and none is inferred. So no address is reserved for a router, and a network that was V(l2) before no longer reserves that of
        its gateway. A router that the host's own routes lead to is never given to an endpoint, and neither is one that answers when
        O(probe) asks; list any other in O(subnets[].exclude).
      - V(l2), V(l3) and V(l3s) can be changed into each other in place. The kernel has one of them for all links on a parent, so
        networks that share it need the same one, which one task of M(fleetnet.macvlan.macvlan_config) can change for all of them.
        Beside an ipvlan link of another program in another mode, a network is refused.
    type: str
    choices:
      - bridge
      - private
      - vepa
      - passthru
      - l2
      - l3
      - l3s
  subnets:
    description:
      - Subnets of the network, IPv4, IPv6 or both. Each endpoint gets one address of each family.
      - Without any, an IPv4 subnet is chosen from O(address_pools), and stays chosen for as long as the network does.
        It does not happen with O(ipam=none).
      - Within a family the first subnet is used until it is exhausted, then the next one. An endpoint can request
        another one.
      - Subnets of one network cannot overlap. Those of different networks can in two cases. They are the same subnet,
        with an O(subnets[].ip_range) in each network that is apart from the other, and share one set of leases. Or
        O(allow_overlap) declares that the networks are separate.
      - Subnets can be added in place, and be removed in place as long as no endpoint has an address of them. Otherwise
        this needs O(replace=true), and so does a subnet that grows or shrinks. Endpoints whose addresses are still in a
        subnet of the network keep them, the others get new ones.
    type: list
    elements: dict
    suboptions:
      subnet:
        description:
          - The subnet in CIDR form, such as V(192.0.2.0/24) or V(2001:db8:1::/64).
          - Host bits are cleared with a warning, so V(172.16.50.0/22) is read as V(172.16.48.0/22).
          - The network and broadcast address of an IPv4 subnet are never given to an endpoint, except in a /31 and
            /32, where all addresses are. Of an IPv6 subnet the first address is never given, except in a /128.
          - C(0.0.0.0/N) and C(::/N) are refused, as well as subnets inside loopback, link-local, multicast or
            reserved space.
        type: str
        required: true
      gateway:
        description:
          - Address of the router in this subnet. It is reserved, and endpoints with an address of this subnet have it
            as the next hop of their default route.
          - When it is left out, it is inferred as the first usable address, so V(10.1.100.0/24) has V(10.1.100.1) and
            V(10.1.100.128/25) has V(10.1.100.129).
          - V(none) means no gateway, no reserved address and no default route.
          - None is inferred for a /31, /32, /127 and /128, and in the modes V(l3) and V(l3s) of ipvlan, where any is refused.
          - Networks without a O(parent) and O(internal) networks have no default route. No gateway is inferred for
            them either; a given gateway is reserved, but is no default route.
          - An address that an aux address holds is refused, and so is one that an endpoint holds, without O(replace=true),
            which gives the endpoint another one. Networks that share a subnet can name the same gateway.
          - An address of the parent is refused too, given or inferred, because the kernel lets no endpoint reach its
            parent. Use V(none) then, or the address of another machine on the wire that routes for the subnet. A
            network that has such a gateway already keeps it, with a warning. An address of another link of this host
            causes a warning.
          - It must be in the subnet, or be a link-local IPv6 address such as V(fe80::1), or have O(subnets[].gateway_onlink).
        type: str
      gateway_onlink:
        description:
          - Whether O(subnets[].gateway) can be outside of the subnet, as a router that is on the link all the same. Providers
            give single addresses, a /32 or /128, with such a router.
          - Default routes through a gateway that is outside get the flag C(onlink) of ip-route(8).
          - A gateway that is in another subnet of the network is reserved there.
        type: bool
        default: false
        version_added: 2.0.0
      ip_range:
        description:
          - The part of the subnet that addresses are chosen from, as CIDR such as V(192.0.2.128/25) or as first and
            last address such as V(192.0.2.100-192.0.2.149). Since release 2.0.0 it can be a list of them, which do not overlap;
            addresses are chosen from the first one until that is exhausted, then from the next one.
          - When it is left out, addresses are chosen from the whole subnet.
          - It does not limit the gateway, O(subnets[].aux_addresses) or requested addresses. They can be anywhere in
            the subnet.
          - Changing it does not change the addresses of existing endpoints.
        type: list
        elements: str
      exclude:
        description:
          - Addresses that are never given to an endpoint, each item one address, a range such as V(192.0.2.60-192.0.2.69), or a
            block such as V(192.0.2.32/28). Host bits of a block are cleared with a warning.
          - Items can overlap each other, O(subnets[].aux_addresses), the gateway and O(subnets[].ip_range).
          - An endpoint that requests such an address is refused. One that has it already keeps it, with a warning, also with
            O(replace=true).
        type: list
        elements: str
        version_added: 2.0.0
      aux_addresses:
        description:
          - Addresses in this subnet that are never given to an endpoint because another machine on the wire has them,
            as a dictionary of names and addresses. The names are only labels.
          - An address that is also the gateway, given or inferred, is refused, and so is one that an endpoint holds,
            without O(replace=true), which gives the endpoint another one.
        type: dict
  segment:
    description:
      - Name of the segment of the fleet that the network is on, a wire that hosts share. The host then gives out addresses of its
        O(slices) only, because other hosts give out the others.
      - M(fleetnet.macvlan.macvlan_fleet) gives each host its slices, and returns what this task needs. The role
        P(fleetnet.macvlan.macvlan_fleet#role) does both.
      - It needs a O(parent), and is refused with O(ipam=none), O(allow_overlap=true), and O(ipv6=true) without an IPv6 subnet.
      - Without O(slices), those that the host has recorded for this network and segment are meant, and without O(subnets) the recorded
        subnets too. So tasks do not depend on the store of the fleet. A host that has none recorded is refused.
      - In the modes V(l3) and V(l3s) of ipvlan, a gateway of the segment is not refused, but excluded.
      - A segment can be added to a network and taken from it in place. Endpoints keep their addresses.
    type: str
    version_added: 2.0.0
  slices:
    description:
      - The slices of the host in the segment, as M(fleetnet.macvlan.macvlan_fleet) returns them. It needs O(segment) and O(subnets).
      - Addresses are chosen from them, in their order, and within a subnet that has none of them no address is chosen. An
        O(subnets[].ip_range) narrows the choice, and must be inside of the slices.
      - An address that an endpoint requests must be in a slice of the host. The gateway, O(subnets[].aux_addresses) and
        O(subnets[].exclude) can be anywhere in the subnet.
      - An endpoint whose address is in no slice of the host any more keeps it, with a warning. No other endpoint gets such an
        address, and RV(fleetnet.macvlan.macvlan_info#module:drift) has it with the field C(slice_lost).
    type: list
    elements: dict
    suboptions:
      slice:
        description:
          - The slice in CIDR form, inside one of O(subnets).
        type: str
        required: true
      subnet:
        description:
          - The subnet that it is in. It can be left out.
        type: str
      generation:
        description:
          - Counts the owners that the slice has had. A task whose number is lower than the recorded one is of an older plan, and is refused.
        type: int
        default: 1
      lost_to:
        description:
          - The host that owns the slice by now. Nothing is given out of it any more; it is here so that messages can name that host.
        type: str
    version_added: 2.0.0
  ipv6:
    description:
      - Whether endpoints of the network have IPv6.
      - When it is left out, they do if O(subnets) has an IPv6 subnet.
      - V(true) without an IPv6 subnet adds a /64, taken from the IPv6 pools in O(address_pools), else from a unique
        local prefix (RFC 4193) that is the host's own and always the same.
      - V(false) together with an IPv6 subnet is refused.
    type: bool
  internal:
    description:
      - Whether the network is isolated from other subnets. No gateway is inferred, and endpoints have no default
        route through it.
      - A network without a O(parent) is always internal.
    type: bool
    default: false
  mtu:
    description:
      - MTU of the endpoints of the network, unless they have one of their own. At most that of the parent, and at
        least 68, or 1280 with IPv6.
      - When it is left out, endpoints have the MTU of the parent.
      - The parent keeps its own MTU, also if it was created for the network.
    type: int
  bcqueuelen:
    description:
      - How many broadcast and multicast frames that have arrived can wait for delivery to the endpoints of the network, as
        C(bcqueuelen) of ip-link(8); 0 to 4294967295. The kernel drops frames that find the queue full.
      - The kernel has one queue for all macvlan links on a parent. It is as long as the highest value of these links,
        those of other networks and of other programs included.
      - When it is left out, links keep their value. A new link has 1000. When a task no longer has the option, links get
        1000 again.
      - Any value but 1000 needs Linux 5.11 or newer. On an older kernel the task is refused.
    type: int
    version_added: 2.0.0
  bclim:
    description:
      - Which of these frames wait in the queue of O(bcqueuelen), as C(bclim) of ip-link(8); -1 to 2147483647.
      - A multicast frame waits if more links than this listen to its address, otherwise it is delivered at once. A
        broadcast frame always waits. With V(-1) no frame does.
      - The kernel has one value for all macvlan links on a parent. Networks that share a parent cannot have different ones;
        such a task is refused.
      - When it is left out, the value stays as it is. A parent has 1 as long as no link sets another. When a task no longer has
        the option, and no other network on the parent does, it is 1 again.
      - The kernel keeps the value that was set last as long as a macvlan link is on the parent. So it stays when the network is
        removed, or the task that sets it fails, while links of other networks or programs are on the parent.
      - Any value but 1 needs Linux 6.4 or newer. On an older kernel the task is refused.
    type: int
    version_added: 2.0.0
  ipam:
    description:
      - Where the addresses of endpoints come from.
      - With V(default) they come from O(subnets).
      - With V(none) there are none. Endpoints are links without addresses, for DHCP or other programs in their
        namespaces; addresses that these programs add stay on the links. O(subnets) and O(ipv6=true) are then refused.
    type: str
    choices:
      - default
      - none
    default: default
  address_pools:
    description:
      - Where a subnet is chosen from when O(subnets) names none, and an IPv6 subnet when O(ipv6=true) requires one.
        The first subnet that overlaps no network of this host and no route of its links is taken.
      - When it is left out, these are the 15 subnets V(172.17.0.0/16) to V(172.31.0.0/16), then V(192.168.0.0/16) in
        subnets of size 20.
      - It has no effect on a network that has its subnet already. IPv4 needs an IPv4 pool in it; without an IPv6 pool
        in it, IPv6 takes its subnet from the host's own unique local prefix.
    type: list
    elements: dict
    suboptions:
      base:
        description:
          - The space that is divided, in CIDR form. Host bits are cleared with a warning.
        type: str
        required: true
      size:
        description:
          - Prefix length of the subnets that it is divided into, such as V(24).
        type: int
        required: true
  labels:
    description:
      - Texts that are kept with the network and returned with it. They have no effect.
    type: dict
  allow_shared_parent:
    description:
      - Whether the network can be put on a parent that another network is on.
      - By default a parent belongs to one network, and a second one on it is refused; the message names the first.
        The endpoints of networks that share a parent are in one broadcast domain.
      - It has an effect when the network is created. No network can share the parent of a network with
        O(mode=passthru), even with this option.
    type: bool
    default: false
  allow_overlap:
    description:
      - Whether subnets of this network can overlap those of other networks of the host, because the wires behind the
        parents are separate. The network then has a set of leases of its own.
      - It has an effect when a subnet is added to the network.
    type: bool
    default: false
  exclusive:
    description:
      - Whether to remove addresses that other programs have added to links of the network's endpoints. An endpoint can
        override this, see O(fleetnet.macvlan.macvlan_endpoint#module:exclusive).
      - When it is left out, it is V(false).
      - V(true) is refused with O(ipam=none).
    type: bool
    version_added: 2.0.0
  host_access:
    description:
      - Whether the host reaches the network's endpoints, and they the host, which the kernel prevents over the parent itself. The
        host gets an interface of its own in the network, with one address of each family that the network has. The interface is
        deleted with the network, or when the option is left out.
      - V(true), or a dictionary with some of the following keys.
      - C(address) is the address of the host, or a list with one of each family. What is left out is chosen from the network's
        subnets, and kept from then on.
      - C(address) can be the C(gateway) of a subnet, for a host that routes for its endpoints. It must be asked for, and forwarding is
        left to the host, with a warning while it is off.
      - C(routes) says which routes lead over the interface. C(endpoints), the default, is one for each address of an endpoint in a
        namespace, which comes and goes with it. C(ranges) is one for each C(ip_range), or for each subnet without, and one for each
        address outside of these; it is meant for thousands of endpoints.
      - C(ifname) is the name of the interface, C(mv-) and the network's name by default; a name that is too long is cut.
      - C(metric) is that of the routes.
      - The addresses are on the interface without their subnet, so other machines are reached as before. The interface answers ARP for its
        own addresses only (C(arp_ignore=1)), and accepts packets by whichever interface they come (C(rp_filter=2)).
      - It is refused with O(ipam=none), with the modes V(passthru), V(private), V(l3) and V(l3s), and for a second network whose subnets
        overlap. In
        mode V(vepa) it works only with a switch that sends frames back, which a warning tells.
      - Its routes are under the protection against lock-outs, see O(force).
    type: raw
    version_added: 2.0.0
  probe:
    description:
      - How the machines on the wire are asked whether one of them has an address, before an endpoint of the network gets
        it. IPv4 is asked by ARP probes (RFC 5227), IPv6 by neighbour solicitations (RFC 4862). An address that is chosen
        and in use is replaced by another one; for one that the task requests, the task is refused and changes nothing.
      - With V(fast), each address is asked for twice within 0.2 seconds, all addresses of a task together. With
        V(careful) it is asked for three times within 0.6 seconds, for busy wires and slow machines. With V(none),
        nobody is asked.
      - When it is left out, it is V(fast); it is V(none) for networks with O(ipam=none) or without a parent. An
        endpoint can override this, see O(fleetnet.macvlan.macvlan_endpoint#module:probe).
      - What asks is a macvlan link on the parent, which exists only as long as the task and is in a namespace without a
        name. Its MAC address is the same in each run. Where the kernel permits no such link (O(mode=passthru), O(driver=ipvlan)),
        the parent itself asks, and links of other programs on the parent are not asked.
      - Endpoints in the modes V(l3) and V(l3s) of ipvlan, on other hosts too, answer nobody. So the machines of the wire are asked, and
        addresses of such endpoints are not noticed.
      - An answer proves that an address is in use; silence does not prove that it is free. A machine that is off, asleep
        or behind a firewall that drops ARP does not answer.
      - Check mode asks as well, if the parent exists.
    type: str
    choices: [fast, careful, none]
    version_added: 2.0.0
  renamed_from:
    description:
      - The name under which the network is recorded until now. It is then recorded as O(name), and its endpoints keep
        their addresses, MAC addresses, namespaces and links. No traffic is interrupted.
      - It has no effect if a network O(name) is recorded already, or none under the former name. So the option can stay
        in the task.
      - Two networks cannot swap their names.
    type: str
    version_added: 2.0.0
  replace:
    description:
      - Whether to make changes that interrupt the traffic of endpoints, that is another O(parent) or O(driver), another
        O(mode) to or from V(passthru), another O(ipam), and subnets, gateways and aux addresses with which an endpoint cannot keep its
        address. Without it, such a task is refused.
      - Endpoints keep their settings, and all addresses and MAC addresses that still fit. The task does all of it or nothing.
        RV(steps) and RV(diff) name the endpoints whose links are deleted and created again, in check mode too.
      - Changes that can be made in place are made in place, also with this option.
    type: bool
    default: false
    version_added: 2.0.0
  force:
    description:
      - With O(state=absent), removes the endpoints of the network too. Without it, the removal of a network that has
        endpoints is refused; the message names them.
      - Also performs steps that may lock the control node out.
    type: bool
    default: false
notes:
  - The record survives a reboot, links do not. Run the task again after one; a parent that it created is created
    again. A foreign parent must be restored by the program that created it.
seealso:
  - module: fleetnet.macvlan.macvlan_endpoint
  - module: fleetnet.macvlan.vlan_subinterface
  - module: fleetnet.macvlan.macvlan_info
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_docker
    description: Every flag of C(docker network create), and the equivalent option.
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_day2
    description: Renaming, renumbering, swapping and moving; which changes interrupt traffic.
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_troubleshooting
    description: Why packets do not arrive, and why tasks are refused.
"""

EXAMPLES = r"""
# Every host gives out addresses by itself. place is a variable of each host in the inventory, 1 to 7, so that hosts on one
# wire never give out the same ones.

- name: Offer the office network to endpoints, through eth0
  fleetnet.macvlan.macvlan_network:
    name: office
    parent: eth0
    subnets:
      - subnet: 172.16.86.0/24
        gateway: 172.16.86.1
        ip_range: "172.16.86.{{ 32 * place }}/27"

- name: The same network, without the address that a printer has
  fleetnet.macvlan.macvlan_network:
    name: office
    parent: eth0
    subnets:
      - subnet: 172.16.86.0/24
        gateway: 172.16.86.1
        ip_range: "172.16.86.{{ 32 * place }}/27"
        aux_addresses:
          printer: 172.16.86.250
        exclude:
          - 172.16.86.40
          - 172.16.86.72-172.16.86.79
          - 172.16.86.192/29

- name: Leave the lower half of a subnet to a DHCP server
  fleetnet.macvlan.macvlan_network:
    name: floor32
    parent: eth1
    subnets:
      - subnet: 192.168.32.0/24
        ip_range: "192.168.32.{{ 112 + 16 * place }}/28"
        gateway: 192.168.32.254

- name: VLAN 50 of eth0, as a sub-interface that is made if it is missing; the gateway is 192.168.50.1
  fleetnet.macvlan.macvlan_network:
    name: web
    parent: eth0.50
    subnets:
      - subnet: 192.168.50.0/24
        ip_range: "192.168.50.{{ 32 * place }}/27"
    labels:
      owner: web team

- name: Dual stack with two IPv4 subnets in VLAN 218
  fleetnet.macvlan.macvlan_network:
    name: shop
    parent: eth0.218
    subnets:
      - subnet: 192.168.216.0/24
        ip_range: "192.168.216.{{ 32 * place }}/27"
      - subnet: 192.168.218.0/24
        ip_range: "192.168.218.{{ 100 + 10 * place }}-192.168.218.{{ 109 + 10 * place }}"
      - subnet: 2001:db8:abc8::/64
        gateway: 2001:db8:abc8::10
        ip_range: "2001:db8:abc8::{{ place }}:0/112"

- name: An ipvlan network, whose endpoints all have the MAC address of eth0.90
  fleetnet.macvlan.macvlan_network:
    name: cloud
    driver: ipvlan
    parent: eth0.90
    subnets:
      - subnet: 172.16.90.0/24
        gateway: 172.16.90.1
        ip_range: "172.16.90.{{ 32 * place }}/27"

- name: A single address of a provider, whose router is outside of it but on the link
  fleetnet.macvlan.macvlan_network:
    name: public
    parent: eth0.71
    subnets:
      - subnet: "192.0.2.{{ place }}/32"
        gateway: 198.51.100.1
        gateway_onlink: true
      - subnet: 2001:db8:7::/64
        gateway: fe80::1
        ip_range: "2001:db8:7::{{ place }}:0/112"

- name: A storage network without a way out, with endpoints that never talk to each other
  fleetnet.macvlan.macvlan_network:
    name: storage
    parent: eth0.300
    mode: private
    mtu: 1400
    subnets:
      - subnet: 10.30.0.0/22
        gateway: none
        ip_range: "10.30.1.{{ 32 * place }}/27"

- name: Room for bursts of multicast, which waits only where more than three endpoints listen to its address
  fleetnet.macvlan.macvlan_network:
    name: video
    parent: eth0.62
    bcqueuelen: 5000
    bclim: 3
    subnets:
      - subnet: 10.62.0.0/24
        ip_range: "10.62.0.{{ 32 * place }}/27"

- name: A network whose addresses are asked for three times before an endpoint gets one, because machines there answer late
  fleetnet.macvlan.macvlan_network:
    name: workshop
    parent: eth0.72
    probe: careful
    subnets:
      - subnet: 10.72.0.0/24
        ip_range: "10.72.0.{{ 32 * place }}/27"

- name: A network inside the host only
  fleetnet.macvlan.macvlan_network:
    name: backend
    subnets:
      - subnet: 10.77.0.0/24

- name: Any free IPv4 subnet of size 24 and any free IPv6 subnet
  fleetnet.macvlan.macvlan_network:
    name: scratch
    parent: eth0.70
    ipv6: true
    address_pools:
      - base: "10.200.{{ 16 * place }}.0/20"
        size: 24

- name: Links without addresses, for a DHCP client in each namespace
  fleetnet.macvlan.macvlan_network:
    name: dhcp
    parent: eth0.60
    ipam: none

- name: Create a network whose endpoints have only its addresses; addresses that other programs add are removed
  fleetnet.macvlan.macvlan_network:
    name: cameras
    parent: eth0.61
    exclusive: true
    subnets:
      - subnet: 192.168.61.0/24
        ip_range: "192.168.61.{{ 32 * place }}/27"

- name: A network whose endpoints the host itself reaches, and which reach the host
  fleetnet.macvlan.macvlan_network:
    name: monitored
    parent: eth0.64
    subnets:
      - subnet: 192.168.64.0/24
        ip_range: "192.168.64.{{ 32 * place }}/27"
    host_access: true

- name: A network on a segment of the fleet, with the slices that macvlan_fleet has given this host
  fleetnet.macvlan.macvlan_network:
    name: lan66
    parent: eth0.66
    segment: lan66
    subnets: "{{ fleet.networks[inventory_hostname].lan66.subnets }}"
    slices: "{{ fleet.networks[inventory_hostname].lan66.slices }}"

- name: Change its MTU later; the host has recorded the subnets and its slices
  fleetnet.macvlan.macvlan_network:
    name: lan66
    parent: eth0.66
    segment: lan66
    mtu: 1400

- name: The host as the gateway of its endpoints
  fleetnet.macvlan.macvlan_network:
    name: routed
    parent: eth0.65
    subnets:
      - subnet: "10.65.{{ place }}.0/24"
        gateway: "10.65.{{ place }}.1"
    host_access:
      address: "10.65.{{ place }}.1"
      ifname: routed0

- name: The whole of eth2 for a single endpoint
  fleetnet.macvlan.macvlan_network:
    name: firewall
    parent: eth2
    mode: passthru
    subnets:
      - subnet: 203.0.113.0/28
        gateway: 203.0.113.14
        ip_range: "203.0.113.{{ place }}/32"

- name: A second network on eth0, in the same broadcast domain as the network office
  fleetnet.macvlan.macvlan_network:
    name: printers
    parent: eth0
    allow_shared_parent: true
    subnets:
      - subnet: 172.16.87.0/24
        ip_range: "172.16.87.{{ 32 * place }}/27"

- name: Rename the network printers; its endpoints keep their addresses and their traffic
  fleetnet.macvlan.macvlan_network:
    name: devices
    renamed_from: printers
    parent: eth0
    allow_shared_parent: true
    subnets:
      - subnet: 172.16.87.0/24
        ip_range: "172.16.87.{{ 32 * place }}/27"

- name: Move it to VLAN 87, with the same addresses; the traffic of its endpoints is interrupted meanwhile
  fleetnet.macvlan.macvlan_network:
    name: devices
    parent: eth0.87
    subnets:
      - subnet: 172.16.87.0/24
        ip_range: "172.16.87.{{ 32 * place }}/27"
    replace: true

- name: Remove a network that has no endpoints
  fleetnet.macvlan.macvlan_network:
    name: devices
    state: absent

- name: Remove a network with all of its endpoints, and the sub-interface that was made for it
  fleetnet.macvlan.macvlan_network:
    name: web
    state: absent
    force: true
"""

RETURN = r"""
network:
  description:
    - The network as it is after the task, or would be in check mode.
    - It is empty with O(state=absent).
  returned: success
  type: dict
  contains:
    id:
      description: Identifies the network on this host; it is the same whenever a network of this name is made again.
      returned: when the network is there
      type: str
      sample: 3f1c0a54d2b98e7765a1c9d04be8f213
    name:
      description: Its name.
      returned: when the network is there
      type: str
      sample: web
    driver:
      description: The kind of the links of its endpoints.
      returned: when the network is there
      type: str
      sample: macvlan
    mode:
      description: How its endpoints reach each other.
      returned: when the network is there
      type: str
      sample: bridge
    parent:
      description: The link that it sits on, which is a dummy link when none was given.
      returned: when the network is there
      type: str
      sample: eth0.50
    parent_created:
      description: Whether the parent was missing and was made for a network.
      returned: when the network is there
      type: bool
      sample: true
    internal:
      description: Whether it leads nowhere.
      returned: when the network is there
      type: bool
      sample: false
    ipv6:
      description: Whether it has an IPv6 subnet.
      returned: when the network is there
      type: bool
      sample: false
    mtu:
      description: MTU that was asked for, V(null) for that of the parent.
      returned: when the network is there
      type: int
      sample: null
    bcqueuelen:
      description: Length of the queue for broadcast and multicast that was asked for, V(null) when none was.
      returned: when the network is there
      type: int
      sample: null
      version_added: 2.0.0
    bclim:
      description: Limit for the queueing of multicast that was asked for, V(null) when none was.
      returned: when the network is there
      type: int
      sample: null
      version_added: 2.0.0
    ipam:
      description: Where addresses come from.
      returned: when the network is there
      type: str
      sample: default
    labels:
      description: Its labels.
      returned: when the network is there
      type: dict
      sample:
        owner: web team
    exclusive:
      description: Whether addresses that others add to links of its endpoints are removed.
      returned: when the network is there
      type: bool
      sample: false
      version_added: 2.0.0
    host_access:
      description: The interface by which the host reaches its endpoints, V(null) without one.
      returned: when the network is there
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
      returned: when the network is there
      type: str
      sample: fast
      version_added: 2.0.0
    segment:
      description: The segment of the fleet that it is on, V(null) for none.
      returned: when the network is there
      type: str
      sample: null
      version_added: 2.0.0
    slices:
      description: The slices of the host in the segment, in the order of its subnets, and some that it owned before.
      returned: when the network is there
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
      returned: when the network is there
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
      returned: when the network is there
      type: list
      elements: str
      sample:
        - web1
        - web2
  sample:
    id: 3f1c0a54d2b98e7765a1c9d04be8f213
    name: web
    driver: macvlan
    mode: bridge
    parent: eth0.50
    parent_created: true
    internal: false
    ipv6: false
    mtu: null
    bcqueuelen: null
    bclim: null
    ipam: default
    labels:
      owner: web team
    exclusive: false
    host_access: null
    probe: fast
    segment: null
    slices: []
    subnets:
      - subnet: 192.168.50.0/24
        gateway: 192.168.50.1
        gateway_inferred: true
        gateway_onlink: false
        ip_range: null
        ip_ranges: []
        exclude: []
        aux_addresses: {}
        in_use: 3
        available: 253
    endpoints: []
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
  description: The network before and after the task, empty for one that is not there.
  returned: success, in diff mode
  type: dict
  contains:
    before:
      description:
        - As RV(network) was before the task.
        - What had drifted from the record is listed under C(drift), as in
          RV(fleetnet.macvlan.macvlan_info#module:drift).
        - What the task changes in the record of other objects, or of this one where its result does not show it, is listed
          under C(also_changes), each entry with C(object), C(field), C(before) and C(after).
      returned: always
      type: dict
      sample: {}
    after:
      description:
        - The same as RV(network).
        - The endpoints whose traffic is interrupted, because their links are created again or they lose addresses, are listed
          in C(before) under C(interrupts), such as C(endpoint web/web1).
      returned: always
      type: dict
      sample:
        name: web
        parent: eth0.50
"""

from ansible_collections.fleetnet.macvlan.plugins.module_utils._argspecs import network_argspec
from ansible_collections.fleetnet.macvlan.plugins.module_utils._runner import Module, Params, run
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import (
    network_options,
    network_removal,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.execute import execute


def check_values(params: Params) -> None:
    """Check the values of a task whose options are unknown or of a wrong type; only such a task imports the check."""
    from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_values import check_object

    check_object(network_argspec(), params)


def main() -> None:
    module = Module(check_values, argument_spec=network_argspec(), supports_check_mode=True)
    run(module, execute, key="network", present=network_options, absent=network_removal)


if __name__ == "__main__":
    main()
