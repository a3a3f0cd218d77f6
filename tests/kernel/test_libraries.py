# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The libraries of the target: netaddr is needed where it is listed as a requirement, and nowhere else."""

from __future__ import annotations

import importlib
import sys
import typing as t

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host, Task
from ansible_collections.fleetnet.macvlan.tests.support.module_call import MODULES
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint, network, subnets

pytestmark = pytest.mark.engine

TASKS: dict[str, dict[str, t.Any]] = {
    "macvlan_command": {"path": str(HOME / "engine"), "command": str(HOME / "macvlan-host")},
    "macvlan_config": {"networks": [{"name": "other", "parent": "eth0", "subnets": subnets("10.1.0.0/24")}]},
    "macvlan_confirm": {},
    "macvlan_endpoint": {"name": "a", "network": "net", "netns": "a", "ipv4": "10.0.0.9"},
    "macvlan_info": {},
    "macvlan_network": {"name": "net", "parent": "eth0", "subnets": subnets("10.0.0.0/24")},
    "vlan_subinterface": {"parent": "eth0", "vlan_id": 60},
}


def hide_netaddr() -> None:
    sys.modules["netaddr"] = None


def lists_netaddr(name: str) -> bool:
    docs = yaml.safe_load(importlib.import_module(MODULES + name).DOCUMENTATION)
    return "fleetnet.macvlan._common.addresses" in docs["extends_documentation_fragment"]


@pytest.mark.parametrize("name", TASKS)
def test_a_module_needs_netaddr_if_it_lists_it(host: Host, name: str) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    (done,) = host.call_together([Task(name, TASKS[name], hook=hide_netaddr)])
    message = done.get("msg", "")
    assert ("netaddr >= 0.8" in message) is lists_netaddr(name)
    if lists_netaddr(name):
        words = (sys.executable, "package python3-netaddr", "role fleetnet.macvlan.macvlan_host")
        assert [word for word in words if word not in message] == []


def test_restoring_needs_no_netaddr(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24", "fd11::/64"))
    endpoint(host, "a", routes=[{"to": "10.9.0.0/16", "via": "10.0.0.9"}])
    host.lose_all()
    assert host.spawn_command("restore", hook=hide_netaddr).said().code == 0
    assert host.namespaces() == ["a"]


SUBNET = {"subnet": "10.1.0.0/24"}
# What is wrong without a look at any address.
WRONG_TASKS: list[tuple[str, dict[str, t.Any], list[str]]] = [
    ("macvlan_network", {"name": "-", "parent": "eth0", "subnets": [SUBNET], "mtu": 7}, ["network name '-'", "mtu must be"]),
    ("macvlan_network", {"name": "lan", "subnets": [SUBNET, {"subnet": "eth0"}]}, ["subnets[1].subnet: 'eth0'"]),
    ("macvlan_network", {"name": "lan", "subnets": [SUBNET], "mtu": "big"}, ["mtu: 'big' is text"]),
    ("macvlan_endpoint", {"name": "a", "network": "net", "ipv4": "10.0.0.9", "pid": 0}, ["pid must be"]),
    (
        "macvlan_endpoint",
        {"name": "a", "network": "net", "netns": "a/b", "routes": [{"to": "default", "via": "10.0.0.1", "metric": -1}]},
        ["netns: "],
    ),
    ("vlan_subinterface", {"parent": "eth0", "vlan_id": 5000, "mac": "no"}, ["vlan_id must be", "mac: 'no'"]),
    (
        "macvlan_config",
        {
            "networks": [{"name": "-", "subnets": [SUBNET]}, {"name": "lan", "subnets": [SUBNET]}],
            "endpoints": [{"name": "a", "network": "lan", "ipv4": "10.1.0.9", "mtu": 1}],
        },
        ["networks[0] (-): network name", "endpoints[0] (a): mtu must be"],
    ),
]


@pytest.mark.parametrize(("name", "params", "words"), WRONG_TASKS)
def test_options_that_are_wrong_are_reported_before_a_library_that_is_missing(
    host: Host, name: str, params: dict[str, t.Any], words: list[str]
) -> None:
    (done,) = host.call_together([Task(name, params, hook=hide_netaddr)])
    message = done["msg"]
    assert [word for word in words if word not in message] == [], message
    assert message.count("netaddr >= 0.8") <= 1
    assert "needs via" not in message
    before = message.partition("the Python library netaddr >= 0.8")[0]
    assert [word for word in words if word not in before] == [], message
