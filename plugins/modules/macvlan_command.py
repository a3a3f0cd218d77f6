#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan_command
short_description: Install the command macvlan-host on a host
version_added: 1.0.0
description:
  - Installs the command C(macvlan-host), which restores the recorded objects of a host and shows its drift,
    without Ansible. It is the same engine that the modules of this collection use.
  - The role P(fleetnet.macvlan.macvlan_host#role) uses it, and runs the command at boot. Use the module by itself on
    hosts without systemd.
author:
  - The fleetnet.macvlan authors (@fleetnet)
extends_documentation_fragment:
  - fleetnet.macvlan._attributes
  - fleetnet.macvlan._attributes.actiongroup
  - fleetnet.macvlan._common
  - fleetnet.macvlan._common.state
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description:
      - Folder on the target for the engine, a plain Python package. It must end with a name that Python can import.
      - A folder with other files is refused. An engine of a newer release is replaced with a warning.
    type: path
    default: /usr/local/lib/macvlan_host
  command:
    description:
      - Path of the command on the target. If another file has that name, the task is refused.
    type: path
    default: /usr/local/sbin/macvlan-host
  interpreter:
    description:
      - The Python on the target that runs the command; it needs pyroute2 for dummy links and changes of VLAN links.
      - By default, the Python that runs this module.
    type: path
  files:
    description:
      - Text files of the program that starts the command, such as units of systemd. They are written after the command, and
        removed before it.
    type: list
    elements: dict
    suboptions:
      path:
        description:
          - The file on the target.
        type: path
        required: true
      content:
        description:
          - Its text.
        type: str
        required: true
seealso:
  - module: fleetnet.macvlan.macvlan_config
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_reboot
    description: What the command restores, and what to do if the record is lost.
"""

EXAMPLES = r"""
- name: Install the command
  fleetnet.macvlan.macvlan_command:

- name: Install the service of a timer beside it
  fleetnet.macvlan.macvlan_command:
    files:
      - path: /etc/systemd/system/macvlan-check.service
        content: |
          [Service]
          Type=oneshot
          ExecStart=/usr/local/sbin/macvlan-host check

- name: Restore recorded objects that are missing
  ansible.builtin.command:
    argv:
      - /usr/local/sbin/macvlan-host
      - restore
  register: restored
  changed_when: "'steps done' in restored.stdout"

- name: Remove the command; the record stays
  fleetnet.macvlan.macvlan_command:
    state: absent
"""

RETURN = r"""
files:
  description: The files of the command after the task, or as they would be in check mode.
  returned: success
  type: list
  elements: str
  sample:
    - /usr/local/lib/macvlan_host/__init__.py
    - /usr/local/lib/macvlan_host/command.py
    - /usr/local/sbin/macvlan-host
steps:
  description: The steps that were done, or would be done in check mode, in order, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - write /usr/local/sbin/macvlan-host
diff:
  description: The files that differ, before and after the task.
  returned: success, in diff mode
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.fleetnet.macvlan.plugins.module_utils._argspecs import command_argspec
from ansible_collections.fleetnet.macvlan.plugins.module_utils._install import install
from ansible_collections.fleetnet.macvlan.plugins.module_utils._runner import Module, run_command


def main() -> None:
    run_command(Module(argument_spec=command_argspec(), supports_check_mode=True), install)


if __name__ == "__main__":
    main()
