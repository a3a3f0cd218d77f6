# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every job as AWX runs it: what it makes, what it foresees, what it says when it fails, what the next one gets."""

from __future__ import annotations

import sys
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.job import Job, run_job
from ansible_collections.fleetnet.macvlan.tests.support.snapshot import rows_of_objects
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint, network, subnets

JOBS = ("site", "teardown", "network_create", "network_remove", "endpoint_attach", "endpoint_detach", "info")
WEB = {
    "macvlan_job_network": "web",
    "macvlan_job_network_parent": "eth0",
    "macvlan_job_network_subnets": "192.168.50.0/24",
}
WEB1 = {"macvlan_job_network": "web", "macvlan_job_endpoint": "web1", "macvlan_job_endpoint_netns": "web1"}


def succeed(host: Host, playbook: str, answers: dict[str, t.Any], check: bool = False) -> Job:
    job = run_job({"edge1": host}, playbook, answers, check=check)
    assert job.status == "successful", job.stdout
    return job


def fail(hosts: dict[str, Host], playbook: str, answers: dict[str, t.Any], **kwargs: t.Any) -> list[str]:
    """Why it failed; a job that does has touched nothing."""
    before = {name: host.snapshot() for name, host in hosts.items()}
    job = run_job(hosts, playbook, answers, **kwargs)
    assert job.status == "failed", job.stdout
    assert {name: host.snapshot() for name, host in hosts.items()} == before
    return job.messages


def converge(host: Host, playbook: str, answers: dict[str, t.Any]) -> dict[str, t.Any]:
    """Foresee, do, and do again: the same artifacts each time, and a host that changes once."""
    before = host.snapshot()
    foreseen = succeed(host, playbook, answers, check=True)
    assert host.snapshot() == before
    done = succeed(host, playbook, answers)
    settled = host.snapshot()
    assert settled != before
    again = succeed(host, playbook, answers)
    assert host.snapshot() == settled
    assert (foreseen.changed, done.changed, again.changed) == ({"edge1": 1}, {"edge1": 1}, {})
    assert foreseen.artifacts == done.artifacts == again.artifacts
    return done.artifacts


def test_a_workflow_creates_and_removes_a_network_and_an_endpoint(host: Host) -> None:
    networks = converge(host, "network_create", WEB)
    assert networks["macvlan_job_networks"]["edge1"]["subnets"][0]["gateway"] == "192.168.50.1"

    foreseen = succeed(host, "endpoint_attach", {**WEB1, **networks}, check=True).artifacts
    assert foreseen["macvlan_job_endpoints"]["edge1"]["ipv4"] == "192.168.50.2/24"
    endpoints = converge(host, "endpoint_attach", {**WEB1, **networks})
    assert endpoints == foreseen
    assert host.addresses("eth0", netns="web1")[0] == endpoints["macvlan_job_endpoints"]["edge1"]["ipv4"]

    # What one job tells is an extra variable of the next one.
    found = succeed(host, "info", {**networks, **endpoints}).artifacts["macvlan_job_info"]["edge1"]
    assert found["endpoints"] == [{**endpoints["macvlan_job_endpoints"]["edge1"], "foreign_addresses": []}]
    assert ([item["name"] for item in found["networks"]], found["drift"]) == (["web"], [])

    assert "web1" in fail({"edge1": host}, "network_remove", {"macvlan_job_network": "web"})[0]
    converge(host, "endpoint_detach", {"macvlan_job_network": "web", "macvlan_job_endpoint": "web1"})
    converge(host, "network_remove", {"macvlan_job_network": "web", "macvlan_job_force": "false"})
    assert host.namespaces() == []
    assert not rows_of_objects(host.tables())


def test_blank_answers_count_as_left_out(host: Host, survey: t.Callable[[str], list[str]]) -> None:
    def blank(playbook: str) -> dict[str, str]:
        return dict.fromkeys(survey(playbook), "")

    plain = succeed(host, "network_create", WEB).artifacts
    again = succeed(host, "network_create", {**blank("network_create"), **WEB})
    assert (again.changed, again.artifacts) == ({}, plain)
    plain = succeed(host, "endpoint_attach", WEB1).artifacts
    again = succeed(host, "endpoint_attach", {**blank("endpoint_attach"), **WEB1})
    assert (again.changed, again.artifacts) == ({}, plain)
    assert succeed(host, "info", blank("info")).artifacts["macvlan_job_info"]["edge1"]["drift"] == []
    asked = {**blank("network_remove"), "macvlan_job_network": "web", "macvlan_job_force": "true"}
    removed = succeed(host, "network_remove", asked)
    assert removed.changed == {"edge1": 1}


def test_lines_of_text_become_lists_of_the_modules(host: Host) -> None:
    made = succeed(
        host,
        "network_create",
        {
            "macvlan_job_network": "lan",
            "macvlan_job_network_parent": "eth0",
            "macvlan_job_network_subnets": "10.1.0.0/24, 10.2.0.0/24,2001:db8::/64",
            "macvlan_job_network_gateways": "2001:db8::10, 10.1.0.254",
            "macvlan_job_network_ip_ranges": "10.1.0.64/26",
            "macvlan_job_network_aux_addresses": "printer=10.1.0.64, router = 10.2.0.9",
            "macvlan_job_network_mtu": 1400,
            "macvlan_job_network_labels": "owner=web team, ticket=4711",
        },
    ).artifacts["macvlan_job_networks"]["edge1"]
    assert [(subnet["gateway"], subnet["ip_range"], subnet["aux_addresses"]) for subnet in made["subnets"]] == [
        ("10.1.0.254", "10.1.0.64/26", {"printer": "10.1.0.64"}),
        ("10.2.0.1", None, {"router": "10.2.0.9"}),
        ("2001:db8::10", None, {}),
    ]
    assert (made["mtu"], made["labels"]) == (1400, {"owner": "web team", "ticket": "4711"})
    attached = succeed(
        host,
        "endpoint_attach",
        {
            "macvlan_job_network": "lan",
            "macvlan_job_endpoint": "app",
            "macvlan_job_endpoint_netns": "app",
            "macvlan_job_endpoint_routes": "10.9.0.0/16 via 10.1.0.9, 10.8.0.0/16 via 10.1.0.8 metric 50",
            "macvlan_job_endpoint_sysctls": "net.ipv4.conf.IFNAME.rp_filter=2",
        },
    ).artifacts["macvlan_job_endpoints"]["edge1"]
    assert attached["ipv4"] == "10.1.0.65/24"
    assert {(route["dst"], route.get("gateway"), route.get("metric")) for route in host.routes("app")} >= {
        ("10.9.0.0/16", "10.1.0.9", None),
        ("10.8.0.0/16", "10.1.0.8", 50),
    }
    assert host.sysctl("net/ipv4/conf/eth0/rp_filter", netns="app") == "2"


@pytest.mark.parametrize(
    ("playbook", "answers", "words"),
    [
        ("network_create", {}, ("macvlan_job_network",)),
        ("network_create", {**WEB, "macvlan_job_network": " "}, ("missing", "macvlan_job_network")),
        ("network_create", {**WEB, "macvlan_job_network_mtu": "big"}, ("macvlan_job_network_mtu", "'big'")),
        ("network_create", {**WEB, "macvlan_job_network_gateways": "10.0.0.1"}, ("network_gateways", "10.0.0.1")),
        ("endpoint_attach", {**WEB1, "macvlan_job_endpoint_routes": "10.0.0.0/8 10.0.0.1"}, ("endpoint_routes", "via")),
        ("site", {"macvlan_job_purge": "perhaps"}, ("macvlan_job_purge", "perhaps")),
    ],
)
def test_what_is_missing_or_cannot_be_understood_is_named(host: Host, playbook: str, answers: dict[str, str], words: tuple[str, ...]) -> None:
    (message,) = fail({"edge1": host}, playbook, answers)
    assert all(word in message for word in words), message


@pytest.mark.parametrize("playbook", JOBS)
def test_no_job_starts_without_hosts(host: Host, playbook: str) -> None:
    (message,) = fail({"edge1": host}, playbook, {}, target="")
    assert "target_hosts" in message


@pytest.mark.parametrize(("target", "word"), [("", "target_hosts"), ("nowhere", "nowhere"), ("edge1, nowhere", "nowhere")])
@pytest.mark.parametrize("limit", [None, "edge1"])
def test_hosts_that_are_not_there_fail_a_job_with_a_limit_too(host: Host, target: str, word: str, limit: str | None) -> None:
    messages = fail({"edge1": host}, "info", {}, target=target, limit=limit)
    assert word in messages[0]


def test_a_variable_that_no_job_has_is_refused(host: Host) -> None:
    (message,) = fail({"edge1": host}, "network_create", {**WEB, "macvlan_job_network_subnet": "192.168.50.0/24"})
    assert message.startswith("macvlan_job_network_subnet: fleetnet.macvlan.macvlan_job has no variable of this name")
    assert "did you mean macvlan_job_network_subnets?" in message


def test_variables_of_other_jobs_need_not_make_sense(host: Host) -> None:
    others = {"macvlan_job_endpoint_ipv4": "{{ nobody_has_set_this }}", "found": {}, "names": []}
    artifacts = succeed(host, "network_create", {**WEB, **others}).artifacts
    asked = {"macvlan_job_network": "{{ macvlan_job_networks[inventory_hostname].name }}"}
    found = succeed(host, "info", {**others, **artifacts, **asked}).artifacts["macvlan_job_info"]["edge1"]
    assert [network["name"] for network in found["networks"]] == ["web"]


def test_the_record_is_where_the_inventory_says(host: Host) -> None:
    declared = {"macvlan_host_state_dir": "/var/lib/other"}
    assert run_job({"edge1": host}, "network_create", WEB, declared=declared).changed == {"edge1": 1}
    assert not host.has_state()
    job = run_job({"edge1": host}, "network_remove", {"macvlan_job_network": "web"}, declared=declared)
    assert job.changed == {"edge1": 1}


def test_what_a_module_refuses_is_in_the_events(host: Host) -> None:
    (message,) = fail({"edge1": host}, "endpoint_attach", WEB1)
    assert "there is no network web" in message


def test_drift_fails_a_job_that_is_asked_to(host: Host) -> None:
    network(host, "web")
    endpoint(host, "web1", "web")
    succeed(host, "info", {"macvlan_job_fail_on_drift": "true"})
    host.run(["ip", "link", "set", "eth0", "mtu", "1300"], netns="web1")
    drift = succeed(host, "info", {}).artifacts["macvlan_job_info"]["edge1"]["drift"]
    assert [(item["object"], item["field"], item["actual"]) for item in drift] == [("endpoint web/web1", "mtu", 1300)]
    (message,) = fail({"edge1": host}, "info", {"macvlan_job_fail_on_drift": "true"})
    assert message.strip() == "endpoint web/web1: mtu is 1300, recorded 1500"
    messages = fail({"edge1": host}, "info", {"macvlan_job_fail_on_drift": "true", "macvlan_job_network": "wep"})
    assert messages[0] == "network wep is not recorded on this host"


def test_info_prints_a_table_and_takes_filters(host: Host) -> None:
    network(host, "web", subnets=subnets("192.168.50.0/24"))
    for name in ("web1", "web2"):
        endpoint(host, name, "web")
    line = "edge1  web/web2  web2   192.168.50.3/24  02:42:c0:a8:32:03  ok"
    whole = succeed(host, "info", {})
    assert line in whole.stdout and "web/web1" in whole.stdout
    assert "network web: 251 addresses of 192.168.50.0/24 are free" in whole.stdout
    for asked in ({"address": "192.168.50.3/24"}, {"mac": "02-42-C0-A8-32-03"}, {"netns": "web2"}):
        job = succeed(host, "info", {"macvlan_job_pin": "true", **{f"macvlan_job_{name}": text for name, text in asked.items()}})
        assert line in job.stdout and "web/web1" not in job.stdout
        (options,) = job.artifacts["macvlan_job_info"]["edge1"]["config"]["endpoints"]
        assert options == {"name": "web2", "network": "web", "netns": "web2", "ipv4": "192.168.50.3"}
    nothing = succeed(host, "info", {"macvlan_job_address": "192.168.50.99"})
    assert "edge1: nothing that fits is recorded" in nothing.stdout
    (message,) = fail({"edge1": host}, "info", {"macvlan_job_address": "web"})
    assert message.startswith("address: 'web' is not an IP address")


@pytest.fixture
def hosts(make_host: MakeHost) -> dict[str, Host]:
    """Three hosts, the first of which is the control node."""
    return {f"edge{number}": make_host() for number in (1, 2, 3)}


# A range of each host, by the number in its name.
RANGES = {
    "web_ranges": "192.168.50.{{ 32 * place }}/27",
    "place": "{{ inventory_hostname | regex_search('[0-9]+') | int }}",
}
FROM = {"macvlan_job_network_ip_ranges_from": "web_ranges"}


def test_hosts_with_ranges_of_their_own_get_addresses_of_their_own(hosts: dict[str, Host]) -> None:
    # A blank answer of a survey does not hide what the inventory says.
    answers = {**WEB, **FROM, "macvlan_job_network_ip_ranges": ""}
    assert run_job(hosts, "network_create", answers, declared=RANGES).changed == dict.fromkeys(hosts, 1)
    job = run_job(hosts, "endpoint_attach", WEB1, target="edge1,edge3")
    assert job.changed == {"edge1": 1, "edge3": 1}
    attached = job.artifacts["macvlan_job_endpoints"]
    assert {name: item["ipv4"] for name, item in attached.items()} == {"edge1": "192.168.50.32/24", "edge3": "192.168.50.96/24"}
    assert [host.namespaces() for host in hosts.values()] == [["web1"], [], ["web1"]]
    again = run_job(hosts, "endpoint_attach", WEB1)
    assert again.changed == {"edge2": 1}, again.stdout


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("playbook", "answers", "words"),
    [
        ("network_create", WEB, ("macvlan_job_network_ip_ranges", "all of 192.168.50.0/24", "ip_ranges_from")),
        ("network_create", {**WEB, **FROM}, ("edge2 and edge3", "all of 192.168.50.64/27")),
        ("network_create", {**WEB, "macvlan_job_network_subnets": ""}, ("macvlan_job_network_subnets", "edge1, edge2 and edge3")),
        ("endpoint_attach", {**WEB1, "macvlan_job_endpoint_ipv4": "192.168.50.77"}, ("endpoint_ipv4: 192.168.50.77",)),
        ("endpoint_attach", {**WEB1, "macvlan_job_endpoint_ipv6": "fd00::7"}, ("endpoint_ipv6: fd00::7",)),
        ("endpoint_attach", {**WEB1, "macvlan_job_endpoint_mac": "02:00:00:00:00:07"}, ("endpoint_mac: 02:00:00:00:00:07",)),
        ("endpoint_attach", WEB1, ("macvlan_job_network: edge1, edge2 and edge3", "network_create")),
        ("site", {}, ("macvlan_host_networks", "edge1, edge2 and edge3")),
    ],
)
def test_what_two_hosts_would_both_have_is_refused_before_any_host_is_touched(
    hosts: dict[str, Host], playbook: str, answers: dict[str, str], words: tuple[str, ...], check: bool
) -> None:
    if playbook == "endpoint_attach":
        for host in hosts.values():
            network(host, "web", subnets=subnets("192.168.50.0/24"))
    copied = {**RANGES, "place": "{{ [inventory_hostname | regex_search('[0-9]+') | int, 2] | min }}"}
    declared = {**copied, "macvlan_host_networks": [{"name": "web", "parent": "eth0", "subnets": [{"subnet": "192.168.50.0/24"}]}]}
    (message,) = fail(hosts, playbook, answers, declared=declared, check=check)
    assert all(word in message for word in ("macvlan_job_isolated=true", *words)), message


@pytest.mark.parametrize(
    ("named", "declared", "words"),
    [
        ("typo", {}, "this host has no variable 'typo'"),
        ("a b.*", {}, "this host has no variable 'a b.*'"),
        ("web_ranges", {"web_ranges": ""}, "the variable 'web_ranges' of this host is blank"),
        ("web_ranges", {"web_ranges": "192.168.50.{{ 32 * place }}/27"}, "uses a variable that this host does not have"),
        ("web_ranges", {"web_ranges": ["192.168.50.32/27"]}, "with commas"),
        ("web_ranges", {"web_ranges": "10.9.0.0/24"}, "in none of the subnets"),
    ],
)
def test_ranges_that_the_inventory_does_not_have_are_refused(
    host: Host, named: str, declared: dict[str, t.Any], words: str
) -> None:
    asked = {**WEB, "macvlan_job_network_ip_ranges_from": named}
    (message,) = fail({"edge1": host}, "network_create", asked, declared=declared)
    assert message.startswith("macvlan_job_network_ip_ranges_from") and words in message


def test_hosts_that_do_not_share_a_wire_can_have_the_same(hosts: dict[str, Host]) -> None:
    isolated = {"macvlan_job_isolated": "true"}
    assert run_job(hosts, "network_create", {**WEB, **isolated}).changed == dict.fromkeys(hosts, 1)
    job = run_job(hosts, "endpoint_attach", {**WEB1, **isolated, "macvlan_job_endpoint_ipv4": "192.168.50.7"})
    assert job.changed == dict.fromkeys(hosts, 1)
    assert {host.addresses("eth0", netns="web1")[0] for host in hosts.values()} == {"192.168.50.7/24"}


def test_a_host_whose_answers_make_no_sense_stops_the_job_for_all(hosts: dict[str, Host]) -> None:
    answers = {**WEB, "macvlan_job_network_mtu": "{{ 'big' if inventory_hostname == 'edge2' else 1400 }}"}
    first, second = fail(hosts, "network_create", {**answers, **FROM}, declared=RANGES)
    assert "macvlan_job_network_mtu" in first
    assert second.startswith("edge2: no answers")


def test_the_host_s_own_namespace_has_to_be_asked_for(host: Host) -> None:
    succeed(host, "network_create", WEB)
    asked = {**WEB1, "macvlan_job_endpoint_netns": ""}
    (message,) = fail({"edge1": host}, "endpoint_attach", asked)
    assert "macvlan_job_endpoint_netns" in message and "macvlan_job_endpoint_in_host=true" in message
    succeed(host, "endpoint_attach", {**asked, "macvlan_job_endpoint_in_host": "true"})
    assert "mv-web1" in host.links()


def test_a_variable_that_was_left_out_is_named(host: Host) -> None:
    succeed(host, "network_create", WEB)
    (message,) = fail({"edge1": host}, "network_create", {"macvlan_job_network": "web", "macvlan_job_network_mtu": 1400})
    assert "macvlan_job_network_parent was left out" in message
    assert "macvlan_job_network_parent: eth0" in message
    succeed(host, "endpoint_attach", WEB1)
    asked = {"macvlan_job_network": "web", "macvlan_job_network_parent": "eth0", "macvlan_job_network_mtu": 1400}
    (message,) = fail({"edge1": host}, "network_create", asked)
    assert "macvlan_job_network_subnets was left out" in message


def test_a_refused_network_is_reported_with_the_variables_of_the_job(host: Host) -> None:
    # Named as an option is, which does not make it one.
    asked = {"macvlan_job_network": "mtu", "macvlan_job_network_parent": "eth0"}
    (message,) = fail({"edge1": host}, "network_create", {**asked, "macvlan_job_network_mtu": 9000})
    assert message.startswith("network mtu: mtu 9000 is more than")
    (message,) = fail({"edge1": host}, "network_create", {**asked, "macvlan_job_network_mtu": 5})
    assert message.startswith("macvlan_job_network_mtu must be from 68")
    (message,) = fail({"edge1": host}, "network_create", {**asked, "macvlan_job_network_bclim": -2})
    assert message.startswith("macvlan_job_network_bclim must be from -1")
    host.ip("address", "add", "192.168.50.1/24", "dev", "eth0")
    (message,) = fail({"edge1": host}, "network_create", {**asked, "macvlan_job_network_subnets": "192.168.50.0/24"})
    assert "write macvlan_job_network_gateways: none for this subnet" in message
    bare = {"macvlan_job_network_ipam": "none", "macvlan_job_network_exclusive": "true"}
    (message,) = fail({"edge1": host}, "network_create", {**asked, **bare})
    assert message.startswith("macvlan_job_network_ipam: none leaves the addresses")


def test_a_refused_endpoint_is_reported_with_the_variables_of_the_job(host: Host) -> None:
    succeed(host, "network_create", WEB)
    # Named as an option is, which does not make it one.
    asked = {**WEB1, "macvlan_job_endpoint": "mac"}
    (message,) = fail({"edge1": host}, "endpoint_attach", {**asked, "macvlan_job_endpoint_ipv4": "10.9.9.9"})
    assert "endpoint web/mac: " in message and "macvlan_job_endpoint_mac" not in message
    (message,) = fail({"edge1": host}, "endpoint_attach", {**asked, "macvlan_job_endpoint_mac": "nonsense"})
    assert message.startswith("macvlan_job_endpoint_mac: 'nonsense'")


def test_jobs_rename_and_move_what_is_there(host: Host) -> None:
    succeed(host, "network_create", WEB)
    succeed(host, "endpoint_attach", WEB1)
    (before,) = host.call("macvlan_info")["endpoints"]
    host.add_parent("eth1")
    moved = {**WEB, "macvlan_job_network": "shop", "macvlan_job_network_renamed_from": "web", "macvlan_job_network_parent": "eth1"}
    (message,) = fail({"edge1": host}, "network_create", {**moved, "macvlan_job_network_renamed_from": "shop"})
    assert message.startswith("macvlan_job_network_renamed_from: shop is the name itself")
    (message,) = fail({"edge1": host}, "network_create", moved)
    assert message.endswith("if you want that, add macvlan_job_replace: true")
    succeed(host, "network_create", {**moved, "macvlan_job_replace": "true"})
    till = {**WEB1, "macvlan_job_network": "shop", "macvlan_job_endpoint": "till", "macvlan_job_endpoint_netns": "till"}
    till["macvlan_job_endpoint_renamed_from"] = before["name"]
    (message,) = fail({"edge1": host}, "endpoint_attach", till)
    assert message.endswith("if you want that, add macvlan_job_replace: true")
    succeed(host, "endpoint_attach", {**till, "macvlan_job_replace": "true"})
    (after,) = host.call("macvlan_info")["endpoints"]
    changed = {"network": "shop", "name": "till", "netns": "till", "parent": "eth1"}
    assert {**after, "id": ""} == {**before, **changed, "id": ""}


def test_a_job_says_what_it_has_done(host: Host) -> None:
    jobs = {
        "network_create": ("create network web", WEB),
        "endpoint_attach": ("web1", WEB1),
        "endpoint_detach": ("web1", {"macvlan_job_network": "web", "macvlan_job_endpoint": "web1"}),
        "network_remove": ("web", {"macvlan_job_network": "web"}),
    }
    for playbook, (dummy, answers) in jobs.items():
        shown = [
            event["event_data"]["res"]["msg"]
            for event in succeed(host, playbook, answers).events
            if event["event"] == "runner_on_ok" and event["event_data"]["task_action"].endswith("debug")
        ]
        assert len(shown) == 1 and isinstance(shown[0]["steps"], list), playbook


def test_no_host_is_shown_that_was_not_asked_for(hosts: dict[str, Host]) -> None:
    job = run_job(hosts, "info", {}, target="edge2")
    assert job.status == "successful", job.stdout
    assert "edge2" in job.stdout and "edge1" not in job.stdout, job.stdout


# What the inventory declares, and other answers to the same questions; the role hands them on to macvlan_config.
DECLARED = {"purge": True, "confirm_timeout": 30, "replace": True, "force": True, "state_dir": "/var/lib/declared"}
ANSWERED = {"purge": "false", "confirm_timeout": "60", "replace": "false", "force": "false", "state_dir": "/var/lib/answered"}
BLANK = dict.fromkeys(DECLARED, "")
LAN = [{"name": "lan", "parent": "eth0"}]
REMOVED = {"purge": True, "confirm_timeout": 0, "replace": False}


@pytest.mark.parametrize(
    ("playbook", "answers", "taken"),
    [
        ("site", BLANK, DECLARED),
        ("site", ANSWERED, {"purge": False, "confirm_timeout": 60, "replace": False, "force": False, "state_dir": "/var/lib/answered"}),
        ("teardown", {"force": "", "state_dir": ""}, {**DECLARED, **REMOVED}),
        ("teardown", {"force": "no", "state_dir": "/var/lib/other"}, {"force": False, "state_dir": "/var/lib/other", **REMOVED}),
    ],
)
def test_answers_about_whole_hosts_count_more_than_the_inventory(host: Host, playbook: str, answers: dict[str, str], taken: dict[str, t.Any]) -> None:
    # No throw-away host is run by systemd.
    facts = {"systemd": True, "udev": True, "units": [], "own_environment": False}
    facts |= {"python": sys.executable, "executable": sys.executable}
    before = host.snapshot()
    job = run_job(
        {"edge1": host},
        playbook,
        {"_macvlan_host_found": facts, **{f"macvlan_job_{name}": answer for name, answer in answers.items()}},
        check=True,
        declared={"macvlan_host_networks": LAN, **{f"macvlan_host_{name}": value for name, value in DECLARED.items()}},
    )
    assert job.status == "successful", job.stdout
    assert host.snapshot() == before
    (given,) = (
        event["event_data"]["res"]["invocation"]["module_args"]
        for event in job.events
        if event["event"] == "runner_on_ok" and event["event_data"]["task_action"].endswith("macvlan_config")
    )
    assert {name: given[name] for name in taken} == taken
