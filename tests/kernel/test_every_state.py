# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""States of a host that are reached from each other in one run, on a real kernel: 200 pairs, the same in every run."""

from __future__ import annotations

import copy
import typing as t

import pytest
from hypothesis import HealthCheck, given, seed, settings

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost, Tally
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import KEYS, promised
from ansible_collections.fleetnet.macvlan.tests.unit import states

pytestmark = pytest.mark.engine

State = dict[str, t.Any]

SHARES, PAIRS = 8, 25


def reach(host: Host, state: State) -> State:
    """Bring the host to a state; check mode tells exactly what the run does."""
    params = {**copy.deepcopy(state), "purge": True, "replace": True}
    foreseen = host.call("macvlan_config", check=True, diff=True, **params)
    done = host.call("macvlan_config", diff=True, **params)
    assert promised(foreseen, KEYS["macvlan_config"]) == promised(done, KEYS["macvlan_config"])
    return done


def check_reached(host: Host, states_in_turn: t.Sequence[State]) -> int:
    """Each state is reached from the one before it, and then nothing is left to do."""
    for state in states_in_turn:
        reach(host, state)
        again = host.call("macvlan_config", **{**copy.deepcopy(state), "purge": True, "replace": True})
        assert (again["changed"], again["steps"]) == (False, [])
        assert host.call("macvlan_info")["drift"] == []
        listed = {(item["network"], item["name"]): item for item in state["endpoints"]}
        for item in again["endpoints"]:
            wanted = listed.pop((item["network"], item["name"]))
            assert item["ipv4"].partition("/")[0] == wanted.get("ipv4", item["ipv4"].partition("/")[0])
            assert item["mac"] == wanted.get("mac", item["mac"])
            assert host.links(item["netns"])[item["ifname"]]["address"] == item["mac"]
        assert not listed
    return len(states_in_turn) - 1


def run_share(host: Host, share: int, parents: tuple[str, str], tally: Tally) -> None:
    drawn: list[State] = []

    @seed(share)
    @settings(max_examples=PAIRS + 1, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(states.crowded(parents))
    def collect(state: State) -> None:
        drawn.append(state)

    collect()
    tally("states that were reached from another one", check_reached(host, drawn), PAIRS)


@pytest.mark.parametrize("share", range(SHARES))
def test_every_state_is_reached_from_every_other(make_host: MakeHost, share: int, tally: Tally) -> None:
    run_share(make_host("eth0", "eth1"), share, ("eth0", "eth1"), tally)


@pytest.mark.needs("8021q")
def test_every_state_on_vlans_is_reached_from_every_other(make_host: MakeHost, tally: Tally) -> None:
    run_share(make_host("eth0", "eth1"), SHARES, ("eth0.50", "eth1.51"), tally)
