# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the modules that plan nothing, and those that all modules have."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.database import DEFAULT_FOLDER


def info_argspec() -> dict[str, t.Any]:
    """The options of macvlan_info."""
    return {
        "network": {"type": "str"},
        "endpoint": {"type": "str"},
        "address": {"type": "str"},
        "mac": {"type": "str"},
        "netns": {"type": "str"},
        "pin": {"type": "bool", "default": False},
        **common_argspec(),
    }


def confirm_argspec() -> dict[str, t.Any]:
    """The options of macvlan_confirm."""
    return common_argspec()


def common_argspec() -> dict[str, t.Any]:
    """The options of all modules."""
    return {"state_dir": {"type": "path", "default": DEFAULT_FOLDER}}
