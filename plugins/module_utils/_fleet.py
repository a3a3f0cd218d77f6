# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of macvlan_fleet, and a task of it."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils._fleet_store import open_store, shared_argspec
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.allocate import Allocation, allocate
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_segments
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.wishes import read_wishes


def fleet_argspec() -> dict[str, t.Any]:
    """The options of macvlan_fleet."""
    return {"hosts": {"type": "list", "elements": "dict", "required": True, "options": _host_options()}, **shared_argspec()}


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
    return allocate(segments, params["segments"], wishes, open_store(params), now=int(time.time()), dry_run=dry_run)
