# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role for whole hosts where neither systemd nor udev runs, and what it refuses before it changes anything."""

from __future__ import annotations

import sys
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.job import run_job
from ansible_collections.fleetnet.macvlan.tests.support.plain_host import without_services

NET = {"name": "net", "parent": "eth0", "subnets": [{"subnet": "10.0.0.0/24"}]}
WEB = {"name": "web", "network": "net", "netns": "web"}
DECLARED = {"macvlan_host_networks": [NET], "macvlan_host_endpoints": [WEB], "macvlan_host_purge": True}


@pytest.fixture
def plain(host: Host) -> Host:
    """A host without systemd and udev, whose programs and settings vanish with it."""
    return without_services(host)


def test_without_systemd_the_declared_state_is_there_and_it_is_said_that_nothing_brings_it_back(plain: Host) -> None:
    def run(playbook: str) -> t.Any:
        job = run_job({"edge1": plain}, playbook, {}, declared=DECLARED)
        assert job.status == "successful", job.stdout
        return job

    def steps(job: t.Any) -> list[str]:
        results = [event["event_data"]["res"] for event in job.events if event["event"] == "runner_on_ok"]
        (shown,) = [res["msg"]["steps"] for res in results if isinstance(res.get("msg"), dict) and "steps" in res["msg"]]
        return t.cast("list[str]", shown)

    first = run("site")
    assert "nothing brings the networks and endpoints back at a boot" in " ".join(first.stdout.split())
    assert plain.namespaces() == ["web"]
    assert plain.run(["/usr/local/sbin/macvlan-host", "check"]).returncode == 0
    done = steps(first)
    assert "record network net on eth0" in done and any("/usr/local/sbin/macvlan-host" in step for step in done)
    again = run("site")
    assert (again.changed, steps(again)) == ({}, [])
    undone = steps(run("teardown"))
    assert "forget network net" in undone and any("/usr/local/sbin/macvlan-host" in step for step in undone)
    assert plain.namespaces() == []
    assert not plain.path("/usr/local/sbin/macvlan-host").exists()
    assert run("teardown").changed == {}


def test_where_there_are_segments_networks_get_their_slices_first(plain: Host) -> None:
    segments = [{"name": "lan50", "subnets": [{"subnet": "192.168.50.0/24", "slice_length": 29}]}]
    networks = [{"name": "net", "parent": "eth0", "segment": "lan50"}]
    fleet = {"macvlan_host_networks": networks, "macvlan_host_endpoints": [WEB], "macvlan_fleet_segments": segments}
    for check in (True, False):
        job = run_job({"edge1": plain}, "site", {}, declared=fleet, check=check)
        assert job.status == "successful", job.stdout
    (made,) = plain.call("macvlan_info")["networks"]
    assert (made["segment"], len(made["slices"])) == ("lan50", 1)
    assert run_job({"edge1": plain}, "site", {}, declared=fleet).changed == {}
    assert run_job({"edge1": plain}, "teardown", {}, declared=fleet).status == "successful"
    assert plain.namespaces() == []


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"macvlan_host_endpoint": [WEB]}, ("macvlan_host_endpoint: ", "did you mean macvlan_host_endpoints?")),
        ({"macvlan_host_netwroks": []}, ("macvlan_host_netwroks: ", "did you mean macvlan_host_networks?")),
        ({"macvlan_host_purge": True}, ("macvlan_host_purge is true", "macvlan_host_endpoints", "[]")),
        ({"macvlan_host_purge": True, "macvlan_host_networks": None}, ("macvlan_host_purge is true",)),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_was_misspelt_or_left_out_removes_nothing(
    plain: Host, declared: dict[str, t.Any], words: tuple[str, ...], check: bool
) -> None:
    plain.call("macvlan_config", networks=[NET], endpoints=[WEB])
    before = plain.snapshot()
    job = run_job({"edge1": plain}, "site", {}, declared=declared, check=check)
    assert job.status == "failed", job.stdout
    assert [word for word in words if word not in " ".join(job.messages)] == []
    assert plain.snapshot() == before
    assert not plain.path("/usr/local/sbin/macvlan-host").exists()


@pytest.mark.parametrize("word", ["false", "no"])
def test_a_purge_that_was_turned_off_as_text_is_off(plain: Host, word: str) -> None:
    plain.call("macvlan_config", networks=[NET])
    before = plain.snapshot()
    job = run_job({"edge1": plain}, "site", {"macvlan_host_purge": word}, check=True)
    assert job.status == "successful", job.stdout
    assert plain.snapshot() == before


@pytest.mark.parametrize("word", ["true", "yes"])
def test_a_purge_that_was_turned_on_as_text_is_on(plain: Host, word: str) -> None:
    plain.call("macvlan_config", networks=[NET], endpoints=[WEB])
    job = run_job({"edge1": plain}, "site", {"macvlan_host_purge": word}, declared={"macvlan_host_endpoints": []})
    assert job.status == "successful", job.stdout
    assert plain.namespaces() == []


@pytest.fixture
def bare(plain: Host) -> dict[str, t.Any]:
    """What tells a job the Python of its host, which has no libraries."""
    plain.run([sys.executable, "-m", "venv", "--without-pip", "/usr/local/bare"])
    return {"ansible_python_interpreter": "/usr/local/bare/bin/python"}


def test_check_mode_says_that_it_cannot_plan_without_the_libraries(plain: Host, bare: dict[str, t.Any]) -> None:
    before = plain.snapshot()
    job = run_job({"edge1": plain}, "site", bare, declared=DECLARED, check=True)
    assert job.status == "successful", job.stdout
    said = " ".join(job.stdout.split())
    for words in ("cannot tell what the declared networks", "would change on edge1", "python3-netaddr"):
        assert words in said, said
    assert plain.snapshot() == before


def test_check_mode_refuses_what_is_wrong_without_the_libraries(plain: Host, bare: dict[str, t.Any]) -> None:
    wrong = {**DECLARED, "macvlan_host_networks": [{**NET, "mtu": 7}]}
    job = run_job({"edge1": plain}, "site", bare, declared=wrong, check=True)
    assert job.status == "failed", job.stdout
    assert "networks[0] (net): mtu must be from 68 to 65535, not 7" in job.messages[-1]
