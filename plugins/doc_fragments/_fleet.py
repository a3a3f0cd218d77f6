# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules have in common that run once for a fleet."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  segments:
    description:
      - The segments.
      - Two segments may not have the same addresses, unless one of them is O(segments[].isolated).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the segment.
        type: str
        required: true
      isolated:
        description:
          - Whether other segments may have the same addresses, because no wire joins them with this one.
        type: bool
        default: false
      subnets:
        description:
          - The subnets. A host gets slices of the first subnet of each family, and of the next one when that has none left.
        type: list
        elements: dict
        required: true
        suboptions:
          subnet:
            description:
              - The subnet in CIDR form.
            type: str
            required: true
          slice_length:
            description:
              - The prefix length of a slice, from that of the subnet to 32 (IPv4) or 128 (IPv6).
              - It can be changed. Slices that hosts have stay as they are.
            type: int
            required: true
          gateway:
            description:
              - As O(fleetnet.macvlan.macvlan_network#module:subnets[].gateway).
            type: str
          gateway_onlink:
            description:
              - As O(fleetnet.macvlan.macvlan_network#module:subnets[].gateway_onlink).
            type: bool
            default: false
          exclude:
            description:
              - As O(fleetnet.macvlan.macvlan_network#module:subnets[].exclude).
            type: list
            elements: str
          aux_addresses:
            description:
              - As O(fleetnet.macvlan.macvlan_network#module:subnets[].aux_addresses).
            type: dict
  store:
    description:
      - Where the slices are recorded.
      - V(sqlite) is a file, the ledger, see O(path).
      - V(etcd) are the members of an etcd, version 3.4 or newer, see O(etcd). Nothing is kept on the machine that the task runs on.
      - V(inventory) is the inventory itself. Each host has the slices at its O(fleetnet.macvlan.macvlan_fleet#module:hosts[].place),
        and nothing is recorded. M(fleetnet.macvlan.macvlan_fleet) never changes anything then. It still refuses hosts whose slices
        overlap, or do not have the addresses that they need.
    type: str
    choices:
      - inventory
      - sqlite
      - etcd
    default: sqlite
  path:
    description:
      - The file of the ledger, where the task runs. It is created with mode V(0600) if it is missing, and its folder with mode V(0700).
      - All tasks for a fleet must use the same file. With C(delegate_to=localhost) it is on the control node.
      - Where control nodes are thrown away, as in AWX, delegate the task to one host of the fleet, and write a path there.
      - The file must be on a local file system, and belongs into the backup of the machine that has it.
    type: path
    default: ~/.local/share/macvlan_fleet/ledger.db
  etcd:
    description:
      - Where etcd is, and who asks it, with O(store=etcd).
      - Each slice has a key. A task writes 60 of them at most in one transaction, and only if nobody else has written since it read
        them. The next task finishes one that was cut off.
      - If no member answers, the task is refused within three seconds. The hosts keep their slices.
    type: dict
    suboptions:
      members:
        description:
          - URLs of members. When one of them does not answer, the next one is asked.
        type: list
        elements: str
        required: true
      prefix:
        description:
          - The beginning of all keys. A user needs a role that may read and write them.
        type: str
        default: /fleetnet/v1/
      ca_cert:
        description:
          - File with the certificates of the authorities that have signed those of the members. When it is left out, those of
            the library are used.
        type: path
      client_cert:
        description:
          - File with the certificate of the task. Where etcd has users, it must have no common name (CN), because etcd
            accepts none over its JSON interface then.
        type: path
      client_key:
        description:
          - File with the key of O(etcd.client_cert).
        type: path
      user:
        description:
          - Name of a user of etcd.
        type: str
      password:
        description:
          - The password of O(etcd.user).
        type: str
      password_file:
        description:
          - File with the password of O(etcd.user), instead of O(etcd.password).
        type: path
requirements:
  - netaddr >= 0.8 where the task runs, to read addresses
  - Python 3.9 or newer where the task runs
  - etcd3gw where the task runs, with O(store=etcd)
notes:
  - Two tasks may run at the same time. One of them plans again after the other has written.
  - No root is needed, unless the ledger belongs to root.
"""
