# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options, requirements and notes that several modules have in common."""

from __future__ import annotations


class ModuleDocFragment:
    # What every module has.
    DOCUMENTATION = r"""
options:
  state_dir:
    description:
      - Folder on the target with the state database, which records the networks, sub-interfaces, endpoints and
        leases of this host.
      - All tasks for one host must use the same folder. A folder without a state database is refused as long as the
        host's own namespace or a named one has links that this collection created.
      - It is created with mode V(0700) if it is missing. A symbolic link, or a folder that other users than root
        may write to, is refused.
    type: path
    default: /var/lib/macvlan_host
requirements:
  - Linux 4.19 or newer on the target
  - Python 3.9 or newer on the target
notes:
  - The task must run as root on the target, also in check mode. Use C(become=true).
"""

    # What the modules have that read addresses.
    ADDRESSES = r"""
options: {}
requirements:
  - netaddr >= 0.8 on the target, to read addresses
"""

    # What the modules of single objects have.
    STATE = r"""
options:
  state:
    description:
      - V(present) creates or changes the object according to the options; an option that is left out has its
        default, not the value that it had before.
      - V(absent) removes the object. Then only the options that name it, O(state_dir) and C(force), if the module
        has it, have an effect. If the object does not exist, nothing changes.
    type: str
    choices:
      - present
      - absent
    default: present
"""

    # What the modules have that change something.
    CHANGING = r"""
options: {}
requirements:
  - pyroute2 >= 0.7 on the target, to create a dummy link or to change a VLAN link; if it is missing, the VLANs of a bridge
    that filters VLANs are not checked
notes:
  - Tasks that change a host run one at a time. A task waits up to 60 seconds for the running one, then fails and names
    it.
  - A step that would cut an access path of the host is refused, in check mode too, unless C(force) is true. Access
    paths are the SSH connection of the task and the default routes. The message names the link and the address.
  - A task does everything or nothing. If the kernel refuses a step, the steps before it are undone. If a crash
    interrupts a task, the next task undoes or finishes its steps.
"""
