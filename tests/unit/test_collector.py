# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python's search for garbage: no run waits for it, and every run leaves it as it was."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import StateError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import endpoint_removal
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run import execute
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.tools import Tools


@pytest.fixture(autouse=True)
def enabled_again() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize("is_enabled", [True, False])
def test_a_run_collects_no_garbage_and_leaves_the_collector_as_it_was_also_when_it_fails(is_enabled: bool) -> None:
    (gc.enable if is_enabled else gc.disable)()
    seen = []

    def store(state_dir: str) -> None:
        seen.append((state_dir, gc.isenabled()))
        raise StateError("no store")

    for dummy in range(2):
        with pytest.raises(StateError):
            execute.execute(endpoint_removal({"name": "web", "network": "lan"}), state_dir="/state", dry_run=True, tools=Tools(store=store))
        assert gc.isenabled() is is_enabled
    assert seen == [("/state", False)] * 2
