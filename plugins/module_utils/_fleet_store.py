# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of all modules that run once for a fleet, and which store a task has."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.store import Inventory, Store

# Of the user who runs the task, on the control node in most cases.
DEFAULT_LEDGER = "~/.local/share/macvlan_fleet/ledger.db"


def shared_argspec() -> dict[str, t.Any]:
    """The segments, and where their slices are recorded."""
    return {
        "segments": {"type": "list", "elements": "dict", "required": True, "options": _segment_options()},
        "store": {"type": "str", "choices": ["inventory", "sqlite", "etcd"], "default": "sqlite"},
        "path": {"type": "path", "default": DEFAULT_LEDGER},
        "etcd": {"type": "dict", "options": _etcd_options()},
    }


def _etcd_options() -> dict[str, t.Any]:
    return {
        "members": {"type": "list", "elements": "str", "required": True},
        "prefix": {"type": "str", "default": "/fleetnet/v1/"},
        "ca_cert": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path", "no_log": False},  # a path, no key
        "user": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "password_file": {"type": "path", "no_log": False},  # a path, no password
    }


def _segment_options() -> dict[str, t.Any]:
    subnet = {
        "subnet": {"type": "str", "required": True},
        "slice_length": {"type": "int", "required": True},
        "gateway": {"type": "str"},
        "gateway_onlink": {"type": "bool", "default": False},
        "exclude": {"type": "list", "elements": "str"},
        "aux_addresses": {"type": "dict"},
    }
    return {
        "name": {"type": "str", "required": True},
        "isolated": {"type": "bool", "default": False},
        "subnets": {"type": "list", "elements": "dict", "required": True, "options": subnet},
    }


def open_store(params: t.Mapping[str, t.Any]) -> Store:
    """The store of a task; what the others need is not imported."""
    if params["store"] == "inventory":
        return Inventory()
    if params["store"] == "etcd":
        from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.etcd import Etcd
        from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.etcd_options import read_access

        return Etcd(read_access(params["etcd"]))
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.ledger import Ledger

    return Ledger(params["path"])
