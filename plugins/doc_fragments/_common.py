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
      - Folder on the target that holds the state database, the record of networks, sub-interfaces, endpoints and
        leases of this host.
      - All tasks for one host have to name the same folder. A folder without a state database is refused as long as the
        host's own namespace or a named one has links that were made by this collection.
      - It is created with mode V(0700) when it is missing. A symbolic link, or a folder that others than root may
        write to, is refused.
    type: path
    default: /var/lib/macvlan_host
requirements:
  - Linux 4.19 or newer on the target
  - Python 3.9 or newer on the target
notes:
  - The task has to run as root on the target, also in check mode. Use C(become=true).
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
      - V(present) brings the object to what the options say; an option that is left out has its default, not the
        value that it had before.
      - V(absent) removes the object. Only the options that name it, O(state_dir) and C(force), where the module has
        it, have a meaning then. An object that is not there is no change.
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
  - pyroute2 >= 0.7 on the target, when a dummy link has to be made or a VLAN link changed; where it is missing, a bridge that
    filters VLANs is not looked into
notes:
  - Tasks that change something on a host exclude each other. A task waits up to 60 seconds for the one that is running,
    then fails and names it.
  - A step that would cut the way by which the host is reached is refused, in check mode too, unless C(force) is true.
    That is the SSH connection that the task came by, and the default routes. The message names the link and the address.
  - A task does everything or nothing. When the kernel refuses a step, the steps before it are taken back. What was
    interrupted by a crash is put in order by the next task.
"""
