# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that finds misspelt variables of a role."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.spelling import unknown_variables

DOCUMENTATION = r"""
name: unknown_variables
short_description: Variables that a role does not have
version_added: 2.0.0
description:
  - Tells which of some variables a role does not have, and which one was probably meant.
author:
  - The fleetnet.macvlan authors (@fleetnet)
positional: _input, known, role
options:
  _input:
    description:
      - The names of the variables.
    type: list
    elements: str
    required: true
  known:
    description:
      - The names that the role has.
    type: list
    elements: str
    required: true
  role:
    description:
      - What the role is called in the sentences.
    type: str
    required: true
seealso:
  - plugin: fleetnet.macvlan.macvlan_host
    plugin_type: role
"""

EXAMPLES = r"""
- name: See what is said of a misspelt variable
  ansible.builtin.debug:
    msg: "{{ ['my_role_hots'] | fleetnet.macvlan.unknown_variables(['my_role_hosts'], 'my_role') }}"
"""

RETURN = r"""
_value:
  description: A sentence for each variable that the role does not have.
  type: list
  elements: str
  sample:
    - "my_role_hots: my_role has no variable of this name; did you mean my_role_hosts?"
"""


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"unknown_variables": unknown_variables}
