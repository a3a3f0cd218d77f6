# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the attributes of the modules mean; which support a module has is said in the module."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and return what a run would change, without changing anything.
  diff_mode:
    description:
      - Will return details on what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description:
      - When run a second time with the same options and nothing else has changed in between, does not change
        anything and says so.
  platform:
    description:
      - Target OS/families that can be operated against.
    platforms: linux
    support: full
"""

    ACTIONGROUP = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/fleetnet.macvlan.macvlan) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - fleetnet.macvlan.macvlan
"""
