# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job fleet_plan: slices for all hosts, by what they declare, with hosts that are away, and nothing of them touched."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.job import Job, run_job

LEDGER = HOME / "fleet/ledger.db"
SEGMENT = {"name": "lan50", "subnets": [{"subnet": "192.168.50.0/24", "slice_length": 29}]}
LAN = {"name": "lan", "parent": "eth0", "segment": "lan50"}
DECLARED = {
    "macvlan_fleet_segments": [SEGMENT],
    "macvlan_fleet_path": str(LEDGER),
    "macvlan_host_networks": [LAN],
    "macvlan_host_endpoints": [{"name": "web", "network": "lan", "netns": "web"}],
}


@pytest.fixture
def hosts(make_host: MakeHost) -> dict[str, Host]:
    return {name: make_host("eth0") for name in ("edge1", "edge2")}


def plan(hosts: dict[str, Host], answers: dict[str, t.Any] | None = None, *, declared: dict[str, t.Any] | None = None, **more: t.Any) -> Job:
    return run_job(hosts, "fleet_plan", answers or {}, declared={**DECLARED, **(declared or {})}, **more)


def succeed(hosts: dict[str, Host], answers: dict[str, t.Any] | None = None, **more: t.Any) -> Job:
    job = plan(hosts, answers, **more)
    assert job.status == "successful", job.stdout[-3000:]
    return job


def slices(job: Job) -> dict[str, list[str]]:
    told = job.artifacts["macvlan_job_fleet_plan"]["slices"]
    return {name: [item["slice"] for item in of_host["lan50"]] for name, of_host in told.items()}


def steps(job: Job) -> list[str]:
    results = [event["event_data"]["res"] for event in job.events if event["event"] == "runner_on_ok"]
    (shown,) = [res["msg"]["steps"] for res in results if isinstance(res.get("msg"), dict) and "steps" in res["msg"]]
    return t.cast("list[str]", shown)


def test_every_host_gets_slices_and_check_mode_has_shown_them(hosts: dict[str, Host]) -> None:
    hosts["edge2"].run(["ip", "address", "add", "192.168.50.200/24", "dev", "eth0"])
    before = {name: host.snapshot() for name, host in hosts.items()}
    foreseen = succeed(hosts, check=True)
    assert not hosts["edge1"].path(LEDGER).exists()
    done = succeed(hosts)
    assert (slices(done), steps(done)) == (slices(foreseen), steps(foreseen))
    (first,), (second,) = slices(done).values()
    assert first != second and slices(done).keys() == hosts.keys()
    assert "note the addresses of edge2: 192.168.50.200" in steps(done)
    assert "nothing is recorded yet on edge1 and edge2" in done.stdout
    again = succeed(hosts)
    assert (again.changed, steps(again)) == ({}, [])
    assert {name: host.snapshot() for name, host in hosts.items()} == before


def test_what_hosts_need_decides_how_many_slices_they_get(hosts: dict[str, Host]) -> None:
    more = "{{ {'edge1': [{'name': 'a', 'network': 'lan', 'netns': 'a'}] * 9, 'edge2': []}[inventory_hostname] }}"
    job = succeed(hosts, declared={"macvlan_host_endpoints": more, "macvlan_fleet_addresses": {"lan50": 2}})
    assert {name: len(blocks) for name, blocks in slices(job).items()} == {"edge1": 2, "edge2": 1}


def test_a_host_that_is_away_keeps_its_slices_and_is_named(hosts: dict[str, Host]) -> None:
    job = succeed(hosts, away=["edge9"])
    assert set(slices(job)) == {"edge1", "edge2", "edge9"}
    assert "edge9 cannot be reached" in job.stdout


def test_a_record_is_bound_and_another_machine_needs_a_word(hosts: dict[str, Host], make_host: MakeHost) -> None:
    new = make_host("eth0")
    for host in (*hosts.values(), new):
        host.call("macvlan_network", name="own", parent="eth0", ipam="none")
    bound = [step for step in steps(succeed(hosts)) if step.startswith("bind")]
    uuids = [host.call("macvlan_info")["host"]["uuid"] for host in hosts.values()]
    assert bound == [f"bind {name} to the UUID {uuid}" for name, uuid in zip(hosts, uuids, strict=True)]
    machines = {"edge1": hosts["edge1"], "edge2": new}
    refused = plan(machines)
    assert refused.status == "failed" and "edge2" in refused.messages[0] and "replaced: true" in refused.messages[0]
    strangers = plan(machines, {"macvlan_job_replaced": "edge2, edge7"})
    assert strangers.messages[0] == "macvlan_job_replaced: edge7 is not among the hosts of this job, edge1, edge2"
    uuid = new.call("macvlan_info")["host"]["uuid"]
    assert steps(succeed(machines, {"macvlan_job_replaced": "edge2"})) == [f"bind edge2 to the UUID {uuid}"]


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"macvlan_host_networks": [{**LAN, "segment": "lan51"}]}, "edge1: network lan: no host declares the segment lan51; there are lan50"),
        ({"macvlan_fleet_segments": [{"name": "lan50", "subnets": []}]}, "segment lan50 needs a list of at least one subnet"),
        ({"macvlan_fleet_segmants": []}, "macvlan_fleet has no variable of this name; did you mean macvlan_fleet_segments?"),
        ({"macvlan_fleet_store": "inventory"}, "give edge1 a further place"),
        ({"macvlan_fleet_store": "etcd"}, "etcd"),
    ],
)
def test_what_cannot_be_is_refused_in_words(hosts: dict[str, Host], declared: dict[str, t.Any], words: str) -> None:
    job = plan(hosts, declared=declared)
    assert job.status == "failed" and words in " ".join(job.messages), job.stdout[-2000:]
    assert not hosts["edge1"].path(LEDGER).exists()


def test_without_any_segment_it_is_said_that_nobody_gets_a_slice(hosts: dict[str, Host]) -> None:
    job = succeed(hosts, declared={"macvlan_host_networks": [{"name": "lan", "parent": "eth0"}]})
    assert "no slices for edge1 and edge2" in job.stdout
    assert job.artifacts["macvlan_job_fleet_plan"] == {"claims": [], "slices": {}}
