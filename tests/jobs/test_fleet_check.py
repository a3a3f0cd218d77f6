# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job fleet_check: it fails for what is wrong on several hosts or one, and names all that have part in it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.job import Job, run_job

SEGMENTS = [{"name": "lan50", "subnets": [{"subnet": "192.168.50.0/24", "slice_length": 26}]}]
RANGES = {"edge1": "192.168.50.0/26", "edge2": "192.168.50.64/26"}


@pytest.fixture
def hosts(make_host: MakeHost) -> dict[str, Host]:
    hosts = {name: make_host("eth0") for name in RANGES}
    for name, host in hosts.items():
        network = {"name": "lan", "parent": "eth0", "subnets": [{"subnet": "192.168.50.0/24", "ip_range": RANGES[name]}]}
        host.call("macvlan_config", networks=[network], endpoints=[{"name": "web", "network": "lan", "netns": "web"}])
    return hosts


def compare(hosts: dict[str, Host], answers: dict[str, t.Any] | None = None, **more: t.Any) -> Job:
    return run_job(hosts, "fleet_check", answers or {}, declared={"macvlan_fleet_segments": SEGMENTS}, **more)


def problems(job: Job) -> list[str]:
    assert job.status == "failed", job.stdout[-3000:]
    told = t.cast("list[str]", job.artifacts["macvlan_job_fleet_check"])
    assert all(text in str(job.messages) for text in told if "'" not in text)
    return told


def test_a_fleet_that_is_right_passes_and_nothing_is_touched(hosts: dict[str, Host]) -> None:
    before = {name: host.snapshot() for name, host in hosts.items()}
    for check in (True, False):
        job = compare(hosts, check=check)
        assert job.status == "successful", job.stdout[-3000:]
        assert job.changed == {} and job.artifacts["macvlan_job_fleet_check"] == []
        assert "2 hosts have been compared, and nothing is wrong" in job.stdout
    assert {name: host.snapshot() for name, host in hosts.items()} == before


def test_all_that_is_wrong_is_named_with_all_hosts_that_have_part_in_it(hosts: dict[str, Host]) -> None:
    one, other = hosts.values()
    one.run(["ip", "address", "add", "192.168.50.64/24", "dev", "eth0"])
    mac = other.call("macvlan_info")["endpoints"][0]["mac"]
    one.call("macvlan_endpoint", name="twin", network="lan", netns="twin", mac=mac, probe="none")
    one.call("macvlan_network", name="lan", parent="eth0", subnets=[{"subnet": "192.168.50.0/24", "ip_range": "192.168.50.0/25"}])
    other.run(["ip", "-netns", "web", "link", "set", "eth0", "mtu", "1400"])
    told = problems(compare(hosts, away=["edge9"]))
    for words in (
        "edge9 cannot be reached, so nothing is known of its addresses: ",
        "the address 192.168.50.64 of lan50 is on edge2 (lan/web) and on edge1 (the host itself); take it from all of them but one",
        f"the MAC address {mac} of lan50 is on edge1 (lan/twin) and on edge2 (lan/web); take it from all of them but one",
        "192.168.50.64/26 in 192.168.50.0/24 of lan50 is given out by edge1 and by edge2; give each of them slices of its own",
        "edge2: endpoint lan/web: mtu is 1400, recorded 1500",
        "edge2: to repair what can be repaired: ansible edge2 --become -m ansible.builtin.command -a 'macvlan-host restore'",
    ):
        assert [text for text in told if text.startswith(words)], f"{words}\n" + "\n".join(told)
    assert len(told) == 6


def test_without_segments_hosts_can_be_said_to_share_no_wire(hosts: dict[str, Host]) -> None:
    for host in hosts.values():
        host.call("macvlan_network", name="lan", parent="eth0", subnets=[{"subnet": "192.168.50.0/24"}])
    (told,) = problems(run_job(hosts, "fleet_check", {}))
    assert told.startswith("192.168.50.0/24 in 192.168.50.0/24 of 192.168.50.0/24 is given out by edge1 and by edge2; declare a segment")
    assert run_job(hosts, "fleet_check", {"macvlan_job_isolated": "true"}).status == "successful"


def test_a_host_that_cannot_be_read_is_wrong(hosts: dict[str, Host]) -> None:
    hosts["edge2"].path("/var/lib/macvlan_host/state.db").write_bytes(b"damaged" * 1000)
    (told,) = problems(compare(hosts))
    assert told.startswith("edge2 cannot be read, so nothing is known of its addresses: ")


def test_wrong_answers_are_refused_in_words(hosts: dict[str, Host]) -> None:
    job = compare(hosts, {"macvlan_job_segments_from": "segmants"})
    assert job.status == "failed" and "macvlan_job_segments_from: the inventory has no variable 'segmants'" in job.messages[0]
