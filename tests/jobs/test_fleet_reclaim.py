# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job fleet_reclaim: a dry run first, what is probed from where, what stops it, and what it takes back."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.job import Job, run_job

LEDGER = HOME / "ledger.db"
# Slices of 1,024 addresses.
SEGMENT = {"name": "lan50", "subnets": [{"subnet": "10.50.0.0/20", "slice_length": 22, "gateway": "10.50.0.1"}]}
DECLARED = {"macvlan_fleet_segments": [SEGMENT], "macvlan_fleet_path": str(LEDGER)}
NOW = {"macvlan_job_gone": "edge7", "macvlan_job_grace": "0s"}
REAL = {**NOW, "macvlan_job_dry_run": "false"}


@pytest.fixture
def hosts(make_host: MakeHost) -> dict[str, Host]:
    """edge7 was switched off; the others have a network with their slices. The control node is edge1."""
    first = make_host("eth0")
    hosts = {"edge1": first, "edge2": make_host("eth0", wire=first.wire)}
    given = first.call("macvlan_fleet", segments=[SEGMENT], hosts=[{"name": name} for name in ("edge1", "edge2", "edge7")], path=str(LEDGER))
    for name, host in hosts.items():
        host.run(["mount", "-t", "tmpfs", "tmpfs", "/usr/local/sbin"])
        host.call("macvlan_command", path=str(HOME / "engine"))
        host.call("macvlan_network", name="lan", parent="eth0", subnets=given["subnets"][name]["lan50"])
    return hosts


def of_edge7(hosts: dict[str, Host]) -> list[str]:
    seen = hosts["edge1"].call("macvlan_fleet_reclaim", check=True, segments=[SEGMENT], hosts=["edge7"], grace="0s", path=str(LEDGER))
    return [item["slice"] for item in seen["due"]]


def job(hosts: dict[str, Host], answers: dict[str, t.Any], **more: t.Any) -> Job:
    return run_job(hosts, "fleet_reclaim", answers, declared=DECLARED, **more)


def told(done: Job) -> dict[str, t.Any]:
    assert done.status == "successful", done.stdout[-3000:]
    return t.cast("dict[str, t.Any]", done.artifacts["macvlan_job_fleet_reclaim"])


def test_slices_of_a_host_that_is_gone_are_taken_back_when_nothing_answers(hosts: dict[str, Host]) -> None:
    before = hosts["edge1"].path(LEDGER).read_bytes()
    assert told(job(hosts, NOW)) == {"noted": ["edge7"], "waiting": [], "released": []}
    assert told(job(hosts, REAL, check=True))["noted"] == ["edge7"] and hosts["edge1"].path(LEDGER).read_bytes() == before
    assert told(job(hosts, REAL)) == {"noted": ["edge7"], "waiting": [], "released": []}
    (waiting,) = told(job(hosts, {"macvlan_job_gone": "edge7", "macvlan_job_dry_run": "false"}))["waiting"]
    assert waiting["host"] == "edge7" and waiting["since"][:10] < waiting["until"][:10]
    (block,) = of_edge7(hosts)
    released = [{"host": "edge7", "segment": "lan50", "slice": block, "generation": 2}]
    # It is still part of the group, and cannot be reached.
    assert told(job(hosts, NOW, away=["edge7"]))["released"] == released
    assert of_edge7(hosts) == [block]
    assert told(job(hosts, REAL))["released"] == released
    assert of_edge7(hosts) == []
    again = job(hosts, REAL)
    assert told(again) == {"noted": [], "waiting": [], "released": []} and again.changed == {}


def test_one_address_that_answers_stops_it(hosts: dict[str, Host], make_host: MakeHost) -> None:
    told(job(hosts, REAL))
    (block,) = of_edge7(hosts)
    edge7 = make_host("eth0", wire=hosts["edge1"].wire)
    edge7.call("macvlan_network", name="lan", parent="eth0", subnets=[{"subnet": "10.50.0.0/20", "ip_range": block, "gateway": "10.50.0.1"}])
    endpoint = edge7.call("macvlan_endpoint", name="web", network="lan", netns="web")["endpoint"]
    before = hosts["edge1"].path(LEDGER).read_bytes()
    for answers in (NOW, REAL):
        done = job(hosts, answers)
        assert done.status == "failed"
        assert f"{endpoint['mac']} has {endpoint['ipv4'].split('/')[0]} of {block} in segment lan50" in done.messages[-1]
    assert hosts["edge1"].path(LEDGER).read_bytes() == before


def test_without_another_host_of_the_segment_nothing_is_taken_back(hosts: dict[str, Host]) -> None:
    told(job(hosts, REAL))
    (block,) = of_edge7(hosts)
    for host in hosts.values():
        host.call("macvlan_network", name="lan", state="absent")
    done = job(hosts, REAL)
    assert done.status == "failed" and f"no host of all can probe {block} of segment lan50; a host that is not gone must be there" in done.messages[0]


@pytest.mark.parametrize(
    ("answers", "declared", "words"),
    [
        ({"macvlan_job_gone": ""}, DECLARED, "macvlan_job_gone"),
        ({"macvlan_job_gone": "edge8"}, DECLARED, "the store knows no host 'edge8'; it knows edge1, edge2, edge7"),
        ({"macvlan_job_gone": "edge7", "macvlan_job_grace": "soon"}, DECLARED, "grace: 'soon' is no duration such as 30m, 24h or 7d"),
        ({"macvlan_job_gone": "edge7"}, {}, "the inventory has no variable macvlan_fleet_segments"),
        ({"macvlan_job_gone": "edge7"}, {**DECLARED, "macvlan_fleet_store": "inventory"}, "edit place of the hosts in the inventory instead"),
    ],
)
def test_wrong_answers_are_refused_in_words(hosts: dict[str, Host], answers: dict[str, str], declared: dict[str, t.Any], words: str) -> None:
    done = run_job(hosts, "fleet_reclaim", answers, declared=declared)
    assert done.status == "failed" and words in done.messages[0]
