# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""macvlan_fleet_reclaim with its stores: the way of a slice from one host to another, and tasks that do both at once."""

from __future__ import annotations

import itertools
import json
import os
import random
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.tests.kernel.test_fleet import LAN, LEDGER, assert_apart, owned
from ansible_collections.fleetnet.macvlan.tests.kernel.test_probe import take as take_address
from ansible_collections.fleetnet.macvlan.tests.support import module_call
from ansible_collections.fleetnet.macvlan.tests.support.etcd import Cluster
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host, Task

pytestmark = [pytest.mark.engine, pytest.mark.any_kernel]

Params = dict[str, t.Any]


@pytest.fixture(name="store", params=["sqlite", "etcd"])
def store_of_fleet(request: pytest.FixtureRequest, host: Host, tmp_path: Path) -> Params:
    if request.param == "sqlite":
        return {"path": str(LEDGER)}
    return {"store": "etcd", "etcd": Cluster(host, tmp_path).options()}


def give(store: Params, *names: str, addresses: int = 5) -> Params:
    return {"segments": [LAN], "hosts": [{"name": name, "needs": [{"segment": "lan", "addresses": addresses}]} for name in names], **store}


def take(store: Params, *names: str, **more: t.Any) -> Params:
    return {"segments": [LAN], "hosts": list(names), "grace": "0s", **store, **more}


def silent(result: dict[str, t.Any]) -> list[Params]:
    return [{"segment": item["segment"], "slice": item["slice"], "answers": []} for item in result["due"]]


def test_a_slice_goes_from_a_host_that_is_gone_to_another_and_the_former_one_is_told(host: Host, store: Params) -> None:
    had = owned(host.call("macvlan_fleet", **give(store, "a", "b")))["a"]
    noted = host.call("macvlan_fleet_reclaim", **take(store, "a", probed=[]))
    assert noted["changed"] and noted["noted"] == ["a"]
    due = host.call("macvlan_fleet_reclaim", **take(store, "a"))
    assert not due["changed"] and sorted(item["slice"] for item in due["due"]) == sorted(had)
    refused = host.call("macvlan_fleet_reclaim", fails=True, **take(store, "a", probed=silent(due)[1:]))
    assert f"nobody has probed {due['due'][0]['slice']} of segment lan" in refused["msg"] and len(refused["conflicts"]) == 1
    foreseen, done, again = (
        host.call("macvlan_fleet_reclaim", check=check, diff=True, **take(store, "a", probed=silent(due), quarantine="0s")) for check in (True, False, False)
    )
    assert {**foreseen, "invocation": None} == {**done, "invocation": None} and [item["generation"] for item in done["released"]] == [2, 2, 2]
    assert not again["changed"] and again["due"] == []
    pinned = [{"name": "c", "place": [int(had[0].split("/")[0].split(".")[3]) // 4 + int(had[0].split(".")[2]) * 64]}]
    got = host.call("macvlan_fleet", **{**give(store), "hosts": pinned})
    assert had[0] in owned(got)["c"] and got["slices"]["c"]["lan"][0]["generation"] == 2
    back = host.call("macvlan_fleet", **give(store, "a"))
    lost = [item for item in back["slices"]["a"]["lan"] if "lost_to" in item]
    assert [(item["slice"], item["lost_to"]) for item in lost] == [(had[0], "c")] and "note that a is back" in back["steps"]
    assert {*had[1:]} < {item["slice"] for item in back["slices"]["a"]["lan"]}


def test_tasks_that_give_and_take_at_once_lose_nothing(host: Host, store: Params) -> None:
    names = [f"g{number}" for number in range(6)]
    host.call("macvlan_fleet", **give(store, *names))
    host.call("macvlan_fleet_reclaim", **take(store, *names))
    probed = silent(host.call("macvlan_fleet_reclaim", **take(store, *names)))
    assert len(probed) == 3 * len(names)
    tasks = [Task("macvlan_fleet_reclaim", take(store, name, probed=probed, quarantine="0s")) for name in names]
    tasks += [Task("macvlan_fleet", give(store, *names[:3])), Task("macvlan_fleet", give(store, *(f"n{number}" for number in range(40)), addresses=9))]
    done = host.call_together(tasks)
    assert [result.get("msg") for result in done] == [None] * len(tasks)
    everybody = [*names[:3], *(f"n{number}" for number in range(40))]
    now = host.call("macvlan_fleet", **give(store, *everybody))
    assert_apart({name: [item["slice"] for item in told["lan"] if "lost_to" not in item] for name, told in now["slices"].items()})
    gone = host.call("macvlan_fleet_reclaim", **take(store, *names[3:]))
    assert gone["due"] == gone["noted"] == gone["waiting"] == []
    released = list(itertools.chain(*(result["released"] for result in done[:6])))
    assert {item["host"] for item in released} >= {*names[3:]} and all(item["generation"] == 2 for item in released)


# All twenty with MACVLAN_FLEET_IN_FULL in the environment, in a minute.
ROUNDS = 20 if "MACVLAN_FLEET_IN_FULL" in os.environ else 4


def test_one_address_of_1024_that_answers_stops_it_every_time(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_call, "paces_of_runs", module_call.PATIENT_PACES)
    large = {"name": "lan", "subnets": [{"subnet": "10.0.0.0/16", "slice_length": 22, "gateway": "10.0.0.1"}]}
    store: Params = {"segments": [large], "path": str(LEDGER)}
    given = host.call("macvlan_fleet", **store, hosts=[{"name": "a"}, {"name": "b", "place": [1]}])
    host.call("macvlan_network", name="lan", parent="eth0", subnets=given["subnets"]["a"]["lan"])
    host.call("macvlan_fleet_reclaim", **store, hosts=["b"])
    (due,) = host.call("macvlan_fleet_reclaim", **store, hosts=["b"], grace="0s")["due"]
    dice = random.Random(11)

    def tried(fails: bool) -> dict[str, t.Any]:
        said = host.run_command("probe", "lan", due["slice"], "--json")
        heard = {"segment": "lan", "slice": due["slice"], "answers": json.loads(said.lines[0])["answers"]}
        assert said.code == int(fails)
        return host.call("macvlan_fleet_reclaim", **store, hosts=["b"], grace="0s", probed=[heard], fails=fails)

    for dummy in range(ROUNDS):
        address = f"10.0.{dice.randrange(4, 8)}.{dice.randrange(256)}"
        mac = take_address(host.wire, f"{address}/16")
        assert f"b is not gone and keeps its slices, because something on the wire answers: {mac} has {address} of 10.0.4.0/22" in tried(True)["msg"]
        host.wire.run(["ip", "address", "flush", "dev", host.wire.BRIDGE])
    assert [item["slice"] for item in tried(False)["released"]] == ["10.0.4.0/22"]


def test_a_host_that_was_cut_off_and_lost_its_slices_keeps_its_endpoints_and_no_address_is_given_out_twice(make_host: MakeHost) -> None:
    first = make_host("eth0")
    hosts = {"a": first, "b": make_host("eth0", wire=first.wire), "c": make_host("eth0", wire=first.wire)}
    segment = {"name": "lan", "subnets": [{"subnet": "10.0.0.0/24", "slice_length": 28, "gateway": "10.0.0.254"}]}
    store: Params = {"segments": [segment], "path": str(LEDGER)}

    def plan(*names: str, **of_c: t.Any) -> dict[str, t.Any]:
        return first.call("macvlan_fleet", **store, hosts=[{"name": name, **(of_c if name == "c" else {})} for name in names])

    def network(name: str, given: dict[str, t.Any]) -> dict[str, t.Any]:
        return hosts[name].call("macvlan_network", name="lan", parent="eth0", **given["networks"][name]["lan"])

    def endpoint(name: str, title: str) -> str:
        return str(hosts[name].call("macvlan_endpoint", name=title, network="lan", netns=title)["endpoint"]["ipv4"])

    given = plan("a", "b")
    for name in "ab":
        network(name, given)
    before = [endpoint("b", title) for title in ("one", "two")]
    # Cut off, and taken for gone by somebody who does not wait.
    hosts["b"].run(["ip", "link", "set", "eth0", "down"])
    first.call("macvlan_fleet_reclaim", **store, hosts=["b"])
    (due,) = first.call("macvlan_fleet_reclaim", **store, hosts=["b"], grace="0s")["due"]
    assert json.loads(first.run_command("probe", "lan", due["slice"], "--json").lines[0])["answers"] == []
    first.call("macvlan_fleet_reclaim", **store, hosts=["b"], grace="0s", quarantine="0s", probed=silent({"due": [due]}))
    taken = plan("a", "c", place=[int(due["slice"].split("/")[0].split(".")[3]) // 16])
    assert [item["slice"] for item in taken["slices"]["c"]["lan"]] == [due["slice"]]
    network("c", taken)
    # It returns. The new owner asks the wire, and the former one gives out nothing of what it has lost.
    hosts["b"].run(["ip", "link", "set", "eth0", "up"])
    after = [endpoint("c", title) for title in ("one", "two", "three")]
    back = plan("a", "b", "c")
    assert [(item["slice"], item.get("lost_to")) for item in back["slices"]["b"]["lan"]][1:] == [(due["slice"], "c")]
    network("b", back)
    after += [endpoint("b", "three"), endpoint("b", "four")]
    assert len({*before, *after}) == 7
    seen = hosts["b"].call("macvlan_info")
    assert [item["ipv4"] for item in seen["endpoints"] if item["name"] in ("one", "two")] == before
    assert [(item["object"], item["field"]) for item in seen["drift"]] == [("endpoint lan/one", "slice_lost"), ("endpoint lan/two", "slice_lost")]
    assert all("which c owns by now" in item["actual"] for item in seen["drift"])


def test_the_inventory_has_nothing_to_take_back(host: Host) -> None:
    message = host.call("macvlan_fleet_reclaim", fails=True, **take({"store": "inventory"}, "a"))["msg"]
    assert "edit place of the hosts in the inventory instead" in message
