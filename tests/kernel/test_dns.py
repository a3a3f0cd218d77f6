# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Name servers of namespaces, as programs in them see them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import HAS_IPV6
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, endpoint, gone, network, refuse, subnets

pytestmark = pytest.mark.engine

DNS = {"servers": ["192.168.50.53"], "search": ["example.com"]}
WEB = {"name": "web", "network": "net", "netns": "web"}


@pytest.fixture
def net(host: Host) -> Host:
    network(host, subnets=subnets("192.168.50.0/24"))
    return host


def folder_of(host: Host, netns: str = "web") -> Path:
    return host.path(f"/etc/netns/{netns}")


def file_of(host: Host, netns: str = "web") -> Path:
    return folder_of(host, netns) / "resolv.conf"


def drift(host: Host) -> list[t.Any]:
    return [(item["field"], item["actual"]) for item in host.call("macvlan_info")["drift"]]


def test_programs_of_the_namespace_have_its_name_servers(net: Host) -> None:
    before = net.snapshot()
    made = endpoint(net, "web", dns=DNS)
    assert made["dns"] == DNS
    seen = net.run(["ip", "netns", "exec", "web", "cat", "/etc/resolv.conf"]).stdout.splitlines()
    assert seen[1:] == ["search example.com", "nameserver 192.168.50.53"]
    assert (file_of(net).stat().st_mode & 0o7777, folder_of(net).stat().st_mode & 0o7777) == (0o644, 0o755)
    assert os.listdir(folder_of(net)) == ["resolv.conf"]
    gone(net, "macvlan_endpoint", name="web", network="net")
    assert net.snapshot() == before and not folder_of(net).exists()


ANSWERER = """
import socket, sys
server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53, 0, socket.if_nametoindex("eth0")))
server.settimeout(60)
print("ready", flush=True)
print(server.recvfrom(512)[1][0])
"""


@pytest.mark.skipif(not HAS_IPV6, reason="this kernel has no IPv6")
def test_a_link_local_server_is_asked_over_the_link_that_it_names(host: Host) -> None:
    network(host, subnets=subnets("fd00:50::/64"))
    endpoint(host, "b")
    (address,) = (item.partition("/")[0] for item in host.addresses("eth0", "b") if item.startswith("fe80:"))
    endpoint(host, "web", dns={"servers": [f"{address}%eth0"]})
    (own,) = (item.partition("/")[0] for item in host.addresses("eth0", "web") if item.startswith("fe80:"))
    for netns in ("b", "web"):
        host.wait_until_up("eth0", netns)
    server = host.start([sys.executable, "-c", ANSWERER, address], "b", stdout=subprocess.PIPE)
    assert server.stdout is not None and server.stdout.readline() == "ready\n"
    host.run(["timeout", "10", "ip", "netns", "exec", "web", "getent", "ahosts", "name.example.com"], check=False)
    assert server.communicate(timeout=60)[0].partition("%")[0].strip() == own
    refuse(host, "macvlan_endpoint", f"write {address}%eth0", **WEB, dns={"servers": [address]})


def test_it_changes_and_goes_in_place(net: Host) -> None:
    endpoint(net, "web", dns=DNS)
    index = net.links("web")["eth0"]["ifindex"]
    endpoint(net, "web", dns={"servers": ["192.168.50.54"]})
    assert file_of(net).read_text().splitlines()[1:] == ["nameserver 192.168.50.54"]
    endpoint(net, "web")
    assert net.links("web")["eth0"]["ifindex"] == index and not folder_of(net).exists()


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_a_foreign_file_is_refused_and_stays(net: Host, kind: str) -> None:
    folder_of(net).mkdir()
    if kind == "file":
        file_of(net).write_text("nameserver 9.9.9.9\n")
    elif kind == "link":
        file_of(net).symlink_to("/etc/resolv.conf")
    else:
        file_of(net).mkdir()
    refuse(net, "macvlan_endpoint", "/etc/netns/web/resolv.conf is there already, and the collection has not written it", **WEB, dns=DNS)
    endpoint(net, "web")
    gone(net, "macvlan_endpoint", name="web", network="net")
    assert os.path.lexists(file_of(net))


def test_a_folder_that_leads_elsewhere_is_refused(net: Host) -> None:
    folder_of(net).symlink_to("/var/lib")
    refuse(net, "macvlan_endpoint", "has not written it (not a plain file)", **WEB, dns=DNS)


def test_a_folder_with_files_of_others_stays(net: Host) -> None:
    endpoint(net, "web", dns=DNS)
    (folder_of(net) / "hosts").write_text("127.0.0.1 localhost\n")
    gone(net, "macvlan_endpoint", name="web", network="net")
    assert os.listdir(folder_of(net)) == ["hosts"]


def test_what_others_do_to_it_is_drift_and_is_repaired(net: Host) -> None:
    endpoint(net, "web", dns=DNS)
    content = file_of(net).read_text()
    file_of(net).write_text(content + "nameserver 9.9.9.9\n")
    assert drift(net) == [("dns", "search example.com, nameserver 192.168.50.53, nameserver 9.9.9.9")]
    assert net.restore().code == 0 and file_of(net).read_text() == content
    file_of(net).unlink()
    assert drift(net) == [("dns", None)]
    assert net.call("macvlan_endpoint", **WEB, dns=DNS)["steps"] == [
        "write /etc/netns/web/resolv.conf (search example.com, nameserver 192.168.50.53)"
    ]
    file_of(net).unlink()
    folder_of(net).rmdir()
    net.lose_all()
    assert net.restore().code == 0
    assert file_of(net).read_text() == content and drift(net) == []


@pytest.mark.parametrize("dns", [DNS, None])
def test_nothing_is_left_of_it_after_the_record_was_lost(net: Host, dns: dict[str, t.Any] | None) -> None:
    before = net.snapshot().without_state()
    endpoint(net, "web", dns=DNS)
    shutil.rmtree(net.path(net.state_dir))
    net.run_command("recover")
    network(net, subnets=subnets("192.168.50.0/24"))
    endpoint(net, "web", dns=dns)
    gone(net, "macvlan_endpoint", name="web", network="net")
    assert not folder_of(net).exists() and net.snapshot().without_state() == before


def test_a_read_only_etc_is_told_in_the_plan(net: Host) -> None:
    net.run(["mount", "-o", "remount,ro", "/etc/netns"])
    refuse(net, "macvlan_endpoint", "cannot write /etc/netns/web/resolv.conf: /etc/netns is mounted read-only", **WEB, dns=DNS)
    net.run(["mount", "-o", "remount,rw", "/etc/netns"])
    endpoint(net, "web", dns=DNS)


def test_two_endpoints_of_a_namespace_share_it(net: Host) -> None:
    network(net, "two", parent="eth0", allow_shared_parent=True, subnets=subnets("192.168.51.0/24"))
    endpoint(net, "web", dns=DNS)
    other = {"name": "db", "network": "two", "netns": "web", "ifname": "eth1", "default_route": False}
    refuse(net, "macvlan_endpoint", "endpoint net/web has others (search example.com, nameserver 192.168.50.53)", **other, dns={"search": ["a"]})
    converge(net, "macvlan_endpoint", **other, dns=DNS)
    gone(net, "macvlan_endpoint", name="web", network="net")
    assert file_of(net).exists()
    gone(net, "macvlan_endpoint", name="db", network="two")
    assert not folder_of(net).exists()


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_foreign_file_keeps_no_endpoint_from_giving_them_up(net: Host, state: str) -> None:
    network(net, "two", parent="eth0", allow_shared_parent=True, subnets=subnets("192.168.51.0/24"))
    endpoint(net, "web", dns=DNS)
    other = {"name": "db", "network": "two", "netns": "web", "ifname": "eth1", "default_route": False}
    converge(net, "macvlan_endpoint", **other, dns=DNS)
    file_of(net).write_text("nameserver 9.9.9.9\n")
    options = WEB if state == "present" else {"name": "web", "network": "net"}
    converge(net, "macvlan_endpoint", **options, state=state)
    assert file_of(net).read_text() == "nameserver 9.9.9.9\n" and ("dns", "nameserver 9.9.9.9") in drift(net)
    refuse(net, "macvlan_endpoint", "the collection has not written it", **other, dns=DNS)


def test_it_is_read_back_and_builds_an_empty_host(net: Host) -> None:
    endpoint(net, "web", dns=DNS)
    config = net.call("macvlan_info")["config"]
    assert config["endpoints"] == [{**WEB, "dns": DNS}]
    gone(net, "macvlan_endpoint", name="web", network="net")
    net.call("macvlan_config", **config)
    assert net.call("macvlan_info")["config"] == config and file_of(net).exists()
