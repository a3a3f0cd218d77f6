# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet on etcd, while members, plays and tasks of hosts are killed at random: no slice and no address is given out twice, and none is lost."""

from __future__ import annotations

import base64
import ipaddress
import itertools
import json
import os
import random
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.tests.kernel.test_fleet import assert_apart, owned
from ansible_collections.fleetnet.macvlan.tests.support.etcd import PREFIX, Cluster
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.module_call import ModuleCall

pytestmark = [pytest.mark.engine, pytest.mark.any_kernel]

# Fifty hosts and twenty rounds with MACVLAN_FLEET_IN_FULL in the environment, which take a quarter of an hour.
FORKS, ROUNDS = (50, 20) if "MACVLAN_FLEET_IN_FULL" in os.environ else (8, 3)
LAN = {"name": "lan", "subnets": [{"subnet": "10.0.0.0/20", "slice_length": 29, "gateway": "10.0.0.1"}, {"subnet": "fd00::/64", "slice_length": 112}]}
# Seconds that a task of one host takes.
TASK = 0.4

Params = dict[str, t.Any]


class Fleet:
    """Hosts on one wire; the first one has the members of etcd, and is the control node."""

    def __init__(self, make_host: MakeHost, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        first = make_host("eth0")
        self.control = first
        self.cluster = Cluster(first, folder, members=3)
        self.hosts: dict[str, Host] = {"e0": first, **{f"e{number}": make_host("eth0", wire=first.wire) for number in range(1, FORKS)}}

    def plan(self, addresses: int) -> Params:
        needs = [{"segment": "lan", "addresses": addresses}]
        return {"segments": [LAN], "hosts": [{"name": name, "needs": needs} for name in self.hosts], "store": "etcd", "etcd": self.cluster.options()}

    def interrupted_play(self, params: Params) -> str:
        """Begin a task for all hosts, and kill a member of etcd, the task or both meanwhile."""
        play, member = self.control.spawn("macvlan_fleet", **params), self.dice.randrange(3)
        victims = self.dice.choice(["member", "play", "member and play"])
        time.sleep(self.dice.uniform(0, 1.2))
        if "member" in victims:
            self.cluster.kill(member)
            time.sleep(self.dice.uniform(0, 0.3))
        if "play" in victims:
            play.kill()
        else:
            play.wait()
        if "member" in victims:
            self.cluster.start(member)
        self.cluster.wait_until_healthy()
        return victims

    def interrupted_tasks(self, tasks: t.Mapping[str, Params]) -> list[str]:
        """Run a task on each host, all at once, and kill a third of them; what was not killed must succeed."""
        calls = {name: self.hosts[name].spawn("macvlan_config", **params) for name, params in tasks.items()}
        victims = self.dice.sample(sorted(tasks), len(tasks) // 3)
        for name in victims:
            time.sleep(self.dice.uniform(0, TASK * len(tasks) / max(len(victims), 1) / 2))
            calls[name].kill()
        told(call for name, call in calls.items() if name not in victims)
        return victims

    def each(self, module: str, tasks: t.Mapping[str, Params]) -> dict[str, dict[str, t.Any]]:
        """Run a task on some hosts, all at once, which must succeed."""
        return dict(zip(tasks, told([self.hosts[name].spawn(module, **params) for name, params in tasks.items()]), strict=True))

    def stored(self) -> list[dict[str, t.Any]]:
        """All slices that etcd has."""
        begin, end = (base64.b64encode(f"{PREFIX}slices{sign}".encode()).decode() for sign in "/0")
        rows = json.loads(self.cluster.curl(0, "/v3/kv/range", {"key": begin, "range_end": end}))["kvs"]
        return [json.loads(base64.b64decode(row["value"])) for row in rows]


def told(calls: t.Iterable[ModuleCall]) -> list[dict[str, t.Any]]:
    waited = [(call, call.wait()) for call in calls]
    return [call.result(fails=code != 0) for call, code in waited]


def config(subnets: t.Any, number: int) -> Params:
    """The network of a host with its slices, and the endpoints of the last three rounds."""
    network = {"name": "lan", "parent": "eth0", "subnets": subnets}
    endpoints = [{"name": f"w{index}", "network": "lan", "netns": f"w{index}"} for index in range(max(number - 2, 0), number + 1)]
    return {"networks": [network], "endpoints": endpoints, "purge": True}


def addresses_of(seen: t.Mapping[str, dict[str, t.Any]]) -> dict[str, list[str]]:
    return {name: [item[family].split("/")[0] for item in answer["endpoints"] for family in ("ipv4", "ipv6")] for name, answer in seen.items()}


def assert_inside(addresses: t.Mapping[str, list[str]], slices: t.Mapping[str, list[str]]) -> None:
    for name, listed in addresses.items():
        networks = [ipaddress.ip_network(block) for block in slices[name]]
        assert all(any(ipaddress.ip_address(address) in network for network in networks) for address in listed), name


@pytest.mark.parametrize("seed", [3])
def test_nothing_is_given_out_twice_and_nothing_is_lost_whatever_is_killed(make_host: MakeHost, tmp_path: Path, seed: int) -> None:
    fleet = Fleet(make_host, tmp_path, seed)
    seen: dict[str, list[str]] = {name: [] for name in fleet.hosts}
    for number in range(ROUNDS):
        params = fleet.plan(3 + 2 * number)
        fleet.interrupted_play(params)
        done = fleet.control.call("macvlan_fleet", **params)
        slices = owned(done)
        assert_apart(slices)
        assert all({*before} <= {*slices[name]} for name, before in seen.items())
        seen = slices
        again = fleet.control.call("macvlan_fleet", check=True, **params)
        assert not again["changed"] and again["slices"] == done["slices"]
        assert sorted((item["host"], item["block"]) for item in fleet.stored()) == sorted((name, block) for name in slices for block in slices[name])

        tasks = {name: config(done["subnets"][name]["lan"], number) for name in fleet.hosts}
        fleet.interrupted_tasks(tasks)
        answers = fleet.each("macvlan_info", {name: {} for name in tasks})
        assert_no_doubles(addresses_of(answers))
        assert [answer.get("msg") for answer in fleet.each("macvlan_config", tasks).values()] == [None] * FORKS
        answers = fleet.each("macvlan_info", {name: {} for name in tasks})
        addresses = addresses_of(answers)
        assert_no_doubles(addresses)
        assert_inside(addresses, slices)
        assert {len(listed) for listed in addresses.values()} == {2 * min(number + 1, 3)}
        assert [answer["drift"] for answer in answers.values()] == [[]] * FORKS


def assert_no_doubles(addresses: t.Mapping[str, list[str]]) -> None:
    everything = list(itertools.chain(*addresses.values()))
    assert len({*everything}) == len(everything)
