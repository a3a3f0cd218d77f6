# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job network_create for a segment of the fleet: hosts get their slices with the network, and may be given them by hand."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.job import Job, run_job

LEDGER = HOME / "fleet/ledger.db"
SEGMENT = {"name": "lan50", "subnets": [{"subnet": "192.168.50.0/24", "slice_length": 29}, {"subnet": "2001:db8:50::/64", "slice_length": 112}]}
DECLARED = {"macvlan_fleet_segments": [SEGMENT], "macvlan_fleet_path": str(LEDGER)}
ANSWERS = {"macvlan_job_network": "lan", "macvlan_job_network_parent": "eth0", "macvlan_job_network_segment": "lan50"}


@pytest.fixture
def hosts(make_host: MakeHost) -> dict[str, Host]:
    return {name: make_host("eth0") for name in ("edge1", "edge2")}


def create(hosts: dict[str, Host], answers: dict[str, t.Any], declared: dict[str, t.Any], **more: t.Any) -> Job:
    return run_job(hosts, "network_create", {**ANSWERS, **answers}, declared=declared, **more)


def networks(job: Job) -> dict[str, t.Any]:
    assert job.status == "successful", job.stdout[-3000:]
    return dict(job.artifacts["macvlan_job_networks"])


def test_hosts_get_their_slices_with_the_network(hosts: dict[str, Host]) -> None:
    foreseen = networks(create(hosts, {}, DECLARED, check=True))
    assert not hosts["edge1"].path(LEDGER).exists()
    done = networks(create(hosts, {}, DECLARED))
    assert done == foreseen
    slices = {name: [item["slice"] for item in told["slices"]] for name, told in done.items()}
    assert len({*slices["edge1"], *slices["edge2"]}) == 4
    again = create(hosts, {}, DECLARED)
    assert networks(again) == done and again.changed == {}


def test_a_host_has_the_slices_that_it_is_given_by_hand_and_remembers_them(hosts: dict[str, Host]) -> None:
    edge1 = {"edge1": hosts["edge1"]}
    given = {"macvlan_job_network_subnets": "192.168.50.0/24", "macvlan_job_network_slices": "192.168.50.64/29, 192.168.50.80/29"}
    (told,) = networks(create(edge1, given, {})).values()
    assert [item["slice"] for item in told["slices"]] == ["192.168.50.64/29", "192.168.50.80/29"]
    again = create(edge1, {}, {})
    assert list(networks(again).values()) == [told] and again.changed == {}


@pytest.mark.parametrize(
    ("answers", "declared", "words"),
    [
        ({"macvlan_job_network_segment": "lan51"}, DECLARED, "lan51"),
        ({}, {}, "no slices of segment lan50 are recorded for it on this host; run macvlan_fleet"),
        ({"macvlan_job_network_slices": "192.168.50.64"}, {}, "macvlan_job_network_slices: '192.168.50.64' is not a subnet"),
        (
            {"macvlan_job_network_subnets": "192.168.50.0/24", "macvlan_job_network_slices": "192.168.50.64/29"},
            {},
            "edge1 and edge2 would give out the same addresses, all of 192.168.50.64/29",
        ),
    ],
)
def test_what_cannot_be_is_told_in_words(hosts: dict[str, Host], answers: dict[str, str], declared: dict[str, t.Any], words: str) -> None:
    done = create(hosts, answers, declared)
    assert done.status == "failed" and any(words in message for message in done.messages), done.messages
    assert all(host.call("macvlan_info")["networks"] == [] for host in hosts.values())
