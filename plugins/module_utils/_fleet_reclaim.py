# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of macvlan_fleet_reclaim, and a task of it."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils._fleet_store import open_store, shared_argspec
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_segments
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.reclaim_request import read_wanted
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.releases import Releases, release


def reclaim_argspec() -> dict[str, t.Any]:
    """The options of macvlan_fleet_reclaim."""
    answer = {"address": {"type": "str", "required": True}, "mac": {"type": "str", "required": True}}
    probed = {
        "segment": {"type": "str", "required": True},
        "slice": {"type": "str", "required": True},
        "answers": {"type": "list", "elements": "dict", "required": True, "options": answer},
    }
    return {
        "hosts": {"type": "list", "elements": "str", "required": True},
        "grace": {"type": "str", "default": "24h"},
        "quarantine": {"type": "str", "default": "4h"},
        "probed": {"type": "list", "elements": "dict", "options": probed},
        **shared_argspec(),
    }


def release_slices(params: t.Mapping[str, t.Any], dry_run: bool) -> Releases:
    """Take back what hosts had that are gone, or with ``dry_run`` predict that.

    :raises MacvlanHostError: it cannot be done; nothing was written
    """
    wanted = read_wanted(params)
    segments = read_segments(params["segments"])
    return release(segments, wanted, open_store(params), now=int(time.time()), moment=_moment, dry_run=dry_run)


def _moment(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
