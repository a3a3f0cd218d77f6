# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that makes a short table of what macvlan_info returns."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.info_lines import info_lines

DOCUMENTATION = r"""
name: info_table
short_description: A short table of the endpoints of a host
version_added: 2.0.0
description:
  - Makes lines of text of what M(fleetnet.macvlan.macvlan_info) returns, with one line for each endpoint, the free addresses of each
    subnet, and the drift.
author:
  - The fleetnet.macvlan authors (@fleetnet)
positional: _input, host
options:
  _input:
    description:
      - The result of M(fleetnet.macvlan.macvlan_info).
    type: dict
    required: true
  host:
    description:
      - The name of the host, which each line of the table begins with.
    type: str
    required: true
seealso:
  - module: fleetnet.macvlan.macvlan_info
"""

EXAMPLES = r"""
- name: Read what is recorded
  fleetnet.macvlan.macvlan_info:
  register: macvlan

- name: Show it as a table
  ansible.builtin.debug:
    msg: "{{ macvlan | fleetnet.macvlan.info_table(inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: The lines, without an end of line.
  type: list
  elements: str
  sample:
    - "HOST   ENDPOINT  NETNS  ADDRESSES        MAC                STATE"
    - "edge1  lan/web   web    192.168.50.2/24  02:42:c0:a8:32:02  ok"
    - "network lan: 252 addresses of 192.168.50.0/24 are free"
"""


def info_table(result: t.Any, host: t.Any) -> list[str]:
    """See DOCUMENTATION."""
    known = result if isinstance(result, t.Mapping) else {}
    if not {"networks", "endpoints", "drift"} <= known.keys():
        raise AnsibleFilterError("info_table takes the result of fleetnet.macvlan.macvlan_info")
    return info_lines(result, str(host))


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"info_table": info_table}
