#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan_confirm
short_description: Confirm a provisional change of macvlan_config
version_added: 1.0.0
description:
  - Makes the change of a M(fleetnet.macvlan.macvlan_config) task with
    O(fleetnet.macvlan.macvlan_config#module:confirm_timeout) permanent. It must use another SSH connection than that
    task, because only a new one shows that the host can still be reached.
  - It fails if no change awaits confirmation, for example because the time is over and the change was reverted.
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
      - Reports whether a change awaits confirmation.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - A confirmed change cannot be confirmed again.
options: {}
notes:
  - Use C(meta=reset_connection) before the task, and C(macvlan-host confirm) without Ansible.
  - With C(connection=local) there is no connection to renew. Confirm by C(macvlan-host confirm) from another SSH session.
seealso:
  - module: fleetnet.macvlan.macvlan_config
  - ref: ansible_collections.fleetnet.macvlan.docsite.guide_trunks
    description: The protection against lockout.
"""

EXAMPLES = r"""
- name: Change links that the connection may use, provisionally for one minute
  fleetnet.macvlan.macvlan_config:
    vlan_subinterfaces: []
    networks: []
    endpoints: []
    purge: true
    confirm_timeout: 60
  register: changed_for_now

- name: Close the connection, so that the next task opens a new one
  ansible.builtin.meta: reset_connection

- name: Confirm the change over the new connection
  fleetnet.macvlan.macvlan_confirm:
  when: changed_for_now.confirm_within is defined
"""

RETURN = r"""
confirmed:
  description: The object that was changed, as messages name it.
  returned: success
  type: str
  sample: the configuration of this host
"""

from ansible_collections.fleetnet.macvlan.plugins.module_utils._reading_argspecs import confirm_argspec
from ansible_collections.fleetnet.macvlan.plugins.module_utils._runner import Module, run_confirm
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.confirm import confirm


def main() -> None:
    run_confirm(Module(argument_spec=confirm_argspec(), supports_check_mode=True), confirm)


if __name__ == "__main__":
    main()
