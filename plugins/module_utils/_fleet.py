# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of macvlan_fleet, and a task of it."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.allocate import Allocation, allocate
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_segments
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.store import Inventory, Store
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.wishes import read_wishes

# Of the user who runs the task, on the control node in most cases.
DEFAULT_LEDGER = "~/.local/share/macvlan_fleet/ledger.db"


def fleet_argspec() -> dict[str, t.Any]:
    """The options of macvlan_fleet."""
    return {
        "segments": {"type": "list", "elements": "dict", "required": True, "options": _segment_options()},
        "hosts": {"type": "list", "elements": "dict", "required": True, "options": _host_options()},
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


def _host_options() -> dict[str, t.Any]:
    needs = {
        "segment": {"type": "str", "required": True},
        "addresses": {"type": "int", "default": 1},
        "place": {"type": "list", "elements": "int"},
    }
    return {
        "name": {"type": "str", "required": True},
        "needs": {"type": "list", "elements": "dict", "options": needs},
        "place": {"type": "list", "elements": "int"},
        "own_addresses": {"type": "list", "elements": "str"},
        "uuid": {"type": "str"},
        "machine_id": {"type": "str"},
        "replaced": {"type": "bool", "default": False},
        "renamed_from": {"type": "str"},
    }


def allocate_slices(params: t.Mapping[str, t.Any], dry_run: bool) -> Allocation:
    """Give all hosts of a task their slices, or with ``dry_run`` predict that.

    :raises MacvlanHostError: it cannot be done; nothing was written
    """
    segments = read_segments(params["segments"])
    wishes = read_wishes(params["hosts"], segments)
    return allocate(segments, params["segments"], wishes, _store(params), now=int(time.time()), dry_run=dry_run)


def _store(params: t.Mapping[str, t.Any]) -> Store:
    """The store of a task; what the others need is not imported."""
    if params["store"] == "inventory":
        return Inventory()
    if params["store"] == "etcd":
        from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.etcd import Etcd
        from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.etcd_options import read_access

        return Etcd(read_access(params["etcd"]))
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.ledger import Ledger

    return Ledger(params["path"])
