# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""macvlan_fleet with one ledger, when several tasks use it at once, and when they are killed."""

from __future__ import annotations

import ipaddress
import itertools
import time
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host, Task

pytestmark = [pytest.mark.engine, pytest.mark.any_kernel]

LEDGER = HOME / "fleet/ledger.db"
LAN = {"name": "lan", "subnets": [{"subnet": "10.0.0.0/16", "slice_length": 30}, {"subnet": "fd00::/64", "slice_length": 112}]}
KILLS = 12


def wishes(*names: str, addresses: int = 5) -> dict[str, t.Any]:
    needs = [{"segment": "lan", "addresses": addresses}]
    return {"segments": [LAN], "hosts": [{"name": name, "needs": needs} for name in names], "path": str(LEDGER)}


def owned(result: dict[str, t.Any]) -> dict[str, list[str]]:
    return {host: [item["slice"] for item in told["lan"]] for host, told in result["slices"].items()}


def assert_apart(slices: dict[str, list[str]]) -> None:
    blocks = sorted((ipaddress.ip_network(block) for listed in slices.values() for block in listed), key=lambda block: (block.version, block))
    assert not any(one.overlaps(other) for one, other in itertools.pairwise(blocks) if one.version == other.version)


def test_tasks_at_once_give_no_slice_to_two_hosts(host: Host) -> None:
    names = [[f"h{task}-{number}" for number in range(30)] for task in range(6)]
    done = host.call_together([Task("macvlan_fleet", wishes(*listed)) for listed in names])
    assert all(not result.get("failed") and result["changed"] for result in done)
    together = {name: blocks for result in done for name, blocks in owned(result).items()}
    assert len(together) == 180 and {len(blocks) for blocks in together.values()} == {3}
    assert_apart(together)
    now = host.call("macvlan_fleet", check=True, **wishes(*itertools.chain(*names)))
    assert not now["changed"] and owned(now) == together


def test_the_same_hosts_in_two_tasks_get_their_slices_once(host: Host) -> None:
    first, second = host.call_together([Task("macvlan_fleet", wishes("a", "b", "c"))] * 2)
    assert first["slices"] == second["slices"] and sorted((first["changed"], second["changed"])) == [False, True]


def test_a_task_that_was_killed_leaves_all_of_its_slices_or_none(host: Host) -> None:
    begun, wrote = time.monotonic(), 0
    seen = owned(host.call("macvlan_fleet", **wishes(*(f"w{index}" for index in range(200)))))
    took = time.monotonic() - begun
    for number in range(KILLS):
        names = [f"k{number}-{index}" for index in range(200)]
        call = host.spawn("macvlan_fleet", **wishes(*names))
        # The first dies when it has hardly begun, and the last when it has written, however fast the machine is.
        if number < KILLS - 1:
            time.sleep(took * number / (KILLS - 2))
        else:
            call.wait()
        call.kill()
        after = host.call("macvlan_fleet", check=True, **wishes(*seen, *names))
        given = {item["host"] for item in after["claims"]}
        assert given in (set(), set(names))
        wrote += not given
        assert {name: blocks for name, blocks in owned(after).items() if name in seen} == seen
        done = host.call("macvlan_fleet", **wishes(*names))
        assert done["changed"] == bool(given)
        seen.update(owned(done))
        assert_apart(seen)
    assert 0 < wrote < KILLS, "the moments are such that some tasks have written, and others have not"


def test_a_refused_host_leaves_nothing_behind(host: Host) -> None:
    small = {"name": "lan", "subnets": [{"subnet": "10.0.0.0/30", "slice_length": 30}]}
    for check in (True, False):
        refused = host.call("macvlan_fleet", check=check, fails=True, **{**wishes("a", "b"), "segments": [small]})
        assert len(refused["conflicts"]) == 2 and "b needs 5 IPv4 addresses in segment lan and can have 0" in refused["msg"]
        assert not host.path(LEDGER).exists() and not host.path(LEDGER.parent).exists()


def test_many_refusals_are_told_briefly_and_listed_in_full(host: Host) -> None:
    small = {"name": "lan", "subnets": [{"subnet": "10.0.0.0/30", "slice_length": 30}]}
    names = [f"h{number}" for number in range(40)]
    refused = host.call("macvlan_fleet", fails=True, **{**wishes(*names), "segments": [small]})
    assert len(refused["conflicts"]) == 40 and refused["msg"].endswith("; and 30 more, under conflicts of the result")
