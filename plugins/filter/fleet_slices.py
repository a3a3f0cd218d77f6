# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that gives a host its part of the addresses of a wire."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.inventory import subnets_of_place
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MacvlanHostError

DOCUMENTATION = r"""
name: fleet_slices
short_description: The subnets of a host on wires that it shares with other hosts
version_added: 2.0.0
description:
  - Every host gives out addresses by itself. Hosts on one wire therefore need parts of its subnets that do not overlap.
  - A segment is such a wire with its subnets. Each subnet is cut into slices of one size, which are numbered from 0, and a
    host has the slices whose numbers are its places. A place is data of the inventory, so the slices of a host stay the
    same when other hosts are added, removed or renamed.
  - The result is what the option O(fleetnet.macvlan.macvlan_network#module:subnets) takes, with the slices of the host as
    its ranges.
  - P(fleetnet.macvlan.fleet_lint#filter) finds hosts that have the same place, and more.
requirements:
  - netaddr >= 0.8 on the control node
author:
  - The fleetnet.macvlan authors (@fleetnet)
positional: _input, place
options:
  _input:
    description:
      - The segments.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the segment.
        type: str
        required: true
      isolated:
        description:
          - Whether other segments may have the same addresses, because no wire joins them with this one.
        type: bool
        default: false
      subnets:
        description:
          - The subnets, with O(_input[].subnets[].slice_length) and what
            O(fleetnet.macvlan.macvlan_network#module:subnets) has, without ranges.
        type: list
        elements: dict
        required: true
        suboptions:
          subnet:
            description: The subnet in CIDR form.
            type: str
            required: true
          slice_length:
            description:
              - The prefix length of a slice, from that of the subnet to 32 (IPv4) or 128 (IPv6).
            type: int
            required: true
          gateway:
            description: As O(fleetnet.macvlan.macvlan_network#module:subnets[].gateway).
            type: str
          gateway_onlink:
            description: As O(fleetnet.macvlan.macvlan_network#module:subnets[].gateway_onlink).
            type: bool
          exclude:
            description: As O(fleetnet.macvlan.macvlan_network#module:subnets[].exclude).
            type: list
            elements: str
          aux_addresses:
            description: As O(fleetnet.macvlan.macvlan_network#module:subnets[].aux_addresses).
            type: dict
  place:
    description:
      - The place of the host in every segment, counted from 0; or a list of places.
      - A dictionary has the name of each segment that the host has a part in, with a place or a list of them.
    type: raw
    required: true
seealso:
  - plugin: fleetnet.macvlan.fleet_lint
    plugin_type: filter
  - module: fleetnet.macvlan.macvlan_network
"""

EXAMPLES = r"""
- name: Create a network of the second host, whose endpoints get addresses from 192.168.50.64/26 and 2001:db8:50::1:0/112
  fleetnet.macvlan.macvlan_network:
    name: lan50
    parent: eth0.50
    subnets: "{{ (segments | fleetnet.macvlan.fleet_slices(place)).lan50 }}"
  vars:
    # In an inventory this is a variable of each host.
    place: 1
    segments:
      - name: lan50
        subnets:
          - subnet: 192.168.50.0/24
            slice_length: 26
            exclude:
              - 192.168.50.200-192.168.50.254
          - subnet: 2001:db8:50::/64
            slice_length: 112
"""

RETURN = r"""
_value:
  description: Segment → the subnets of a network of this host on it, with C(ip_range). Segments without a part of the host are left out.
  type: dict
  sample:
    lan50:
      - subnet: 192.168.50.0/24
        ip_range:
          - 192.168.50.64/26
"""


def fleet_slices(segments: t.Any, place: t.Any) -> dict[str, list[dict[str, t.Any]]]:
    """See DOCUMENTATION."""
    try:
        return subnets_of_place(segments, place)
    except MacvlanHostError as exc:
        raise AnsibleFilterError(f"fleet_slices cannot work out the slices of this host: {exc}") from exc


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_slices": fleet_slices}
