# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job fleet_report: both files on the control node, with hosts that are away, and what has changed since the last one."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.job import Job, run_job
from ansible_collections.fleetnet.macvlan.tests.unit.fleet_answers import Page

FILE = HOME / "fleet.html"
TWIN = HOME / "fleet.json"
ASKED = {"macvlan_job_report": str(FILE)}
DECLARED = {
    "segments": [{"name": "lan50", "subnets": [{"subnet": "192.168.50.0/24", "slice_length": 26}]}],
    "place": "{{ {'edge1': 0, 'edge2': 1, 'edge9': 2}[inventory_hostname] }}",
}


@pytest.fixture
def hosts(make_host: MakeHost) -> dict[str, Host]:
    hosts = {name: make_host("eth0") for name in ("edge1", "edge2")}
    for position, host in enumerate(hosts.values()):
        network = {"name": "lan", "parent": "eth0", "subnets": [{"subnet": "192.168.50.0/24", "ip_range": f"192.168.50.{64 * position}/26"}]}
        host.call("macvlan_config", networks=[network], endpoints=[{"name": "web", "network": "lan", "netns": "web"}])
    return hosts


def succeed(hosts: dict[str, Host], answers: dict[str, t.Any], **more: t.Any) -> Job:
    job = run_job(hosts, "fleet_report", {**ASKED, **answers}, declared=DECLARED, **more)
    assert job.status == "successful", job.stdout[-3000:]
    return job


def twin(hosts: dict[str, Host]) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads(hosts["edge1"].path(TWIN).read_text(encoding="utf-8")))


def test_a_report_has_all_hosts_also_one_that_is_away(hosts: dict[str, Host]) -> None:
    job = succeed(hosts, {"macvlan_job_segments_from": "segments"}, away=["edge9"])
    first = twin(hosts)
    assert [(host["name"], host["state"]) for host in first["hosts"]] == [("edge1", "read"), ("edge2", "read"), ("edge9", "unreachable")]
    assert "127.0.0.1" in first["hosts"][2]["message"]
    (wire,) = first["wires"]
    assert (wire["name"], wire["segment"], wire["hosts"]) == ("lan50", True, ["edge1", "edge2", "edge9"])
    assert [(band["block"], band["owners"]) for band in wire["subnets"][0]["bands"]] == [
        ("192.168.50.0/26", ["edge1"]),
        ("192.168.50.64/26", ["edge2"]),
        ("192.168.50.128/26", ["edge9"]),
        ("192.168.50.192/26", []),
    ]
    told = job.artifacts["macvlan_job_fleet_report"]
    assert (told["file"], told["counts"], told["duplicates"]) == (str(FILE), first["counts"], [])
    assert first["counts"]["hosts_not_read"] == 1 and first["since"] == ""
    page = Page(hosts["edge1"].path(FILE).read_text(encoding="utf-8"))
    assert {"edge1", "edge2", "edge9"} <= set(page.of("summary/b"))

    hosts["edge2"].call("macvlan_endpoint", name="db", network="lan", netns="db")
    hosts["edge1"].run(["ip", "address", "add", "192.168.50.65/24", "dev", "eth0"])
    succeed(hosts, {}, target="edge1,edge2")
    second = twin(hosts)
    assert second["since"] == first["generated"]
    assert [(change["host"], change["what"], change["subject"]) for change in second["changes"]] == [
        ("edge2", "new", "endpoint lan/db"),
        ("edge9", "gone", "host"),
        ("", "new", "address 192.168.50.65 of several hosts on 192.168.50.0/24"),
    ]
    assert second["duplicates"][0]["holders"] == [{"host": "edge2", "what": "lan/db"}, {"host": "edge1", "what": "the host itself"}]


@pytest.mark.parametrize("place", [{}, {"place": None}, {"place": ""}], ids=["left-out", "null", "blank"])
def test_hosts_need_no_place(hosts: dict[str, Host], place: dict[str, t.Any]) -> None:
    declared = {"segments": DECLARED["segments"], **place}
    job = run_job(hosts, "fleet_report", {**ASKED, "macvlan_job_segments_from": "segments"}, declared=declared)
    assert job.status == "successful", job.stdout[-3000:]
    (wire,) = twin(hosts)["wires"]
    assert (wire["name"], wire["hosts"]) == ("lan50", ["edge1", "edge2"])


def test_check_mode_writes_nothing(hosts: dict[str, Host]) -> None:
    before = {name: host.snapshot() for name, host in hosts.items()}
    succeed(hosts, {}, check=True)
    assert not hosts["edge1"].path(FILE).exists() and not hosts["edge1"].path(TWIN).exists()
    assert {name: host.snapshot() for name, host in hosts.items()} == before


def test_what_hosts_say_is_text_for_ansible_too(hosts: dict[str, Host]) -> None:
    hosts["edge1"].run(["ip", "netns", "add", "{{ 7 * 7 }}"])
    hosts["edge1"].call("macvlan_endpoint", name="odd", network="lan", netns_path="/run/netns/{{ 7 * 7 }}")
    succeed(hosts, {})
    text = hosts["edge1"].path(FILE).read_text(encoding="utf-8")
    assert "{{ 7 * 7 }}" in Page(text).all_text and "netns/49" not in text
    succeed(hosts, {})
    assert twin(hosts)["changes"] == []


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"macvlan_job_segments_from": "segmants"}, "macvlan_job_segments_from: the inventory has no variable 'segmants'"),
        ({"macvlan_job_report": ""}, "macvlan_job_report"),
    ],
)
def test_wrong_answers_are_refused_in_words(hosts: dict[str, Host], answers: dict[str, str], words: str) -> None:
    job = run_job(hosts, "fleet_report", {**ASKED, **answers}, declared=DECLARED)
    assert job.status == "failed" and words in job.messages[0]


def test_a_file_that_is_no_report_is_not_overwritten(hosts: dict[str, Host]) -> None:
    hosts["edge1"].path(TWIN).write_text('{"my": "notes"}', encoding="utf-8")
    job = run_job(hosts, "fleet_report", ASKED, declared=DECLARED)
    assert job.status == "failed" and "cannot read the last report" in job.messages[0]
    assert twin(hosts) == {"my": "notes"}
