# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks of a segment on a real kernel: only the slices of the host are given out, and what it has lost stays and is told."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, refuse

pytestmark = pytest.mark.engine

SUBNETS = [{"subnet": "192.168.60.0/24", "exclude": ["192.168.60.65"]}, {"subnet": "2001:db8:60::/64"}]
SLICES = [{"slice": "192.168.60.64/29"}, {"slice": "192.168.60.16/30", "generation": 2}, {"slice": "2001:db8:60::1:0/112"}]
NETWORK = {"name": "net", "parent": "eth0", "segment": "lan60", "subnets": SUBNETS, "slices": SLICES}
BARE = {"name": "net", "parent": "eth0", "segment": "lan60"}


def endpoint(name: str, **params: t.Any) -> dict[str, t.Any]:
    return {"name": name, "network": "net", "netns": name, **params}


def drift(host: Host) -> list[dict[str, t.Any]]:
    return t.cast("list[dict[str, t.Any]]", host.call("macvlan_info")["drift"])


def test_endpoints_get_addresses_of_the_slices_and_the_host_remembers_them(host: Host) -> None:
    made = converge(host, "macvlan_network", **NETWORK)["network"]
    assert made["segment"] == "lan60"
    assert [(item["subnet"], item["slice"], item["generation"], item["lost_to"]) for item in made["slices"]] == [
        ("192.168.60.0/24", "192.168.60.64/29", 1, None),
        ("192.168.60.0/24", "192.168.60.16/30", 2, None),
        ("2001:db8:60::/64", "2001:db8:60::1:0/112", 1, None),
    ]
    assert [subnet["available"] for subnet in made["subnets"]] == [7 + 4, 65536]
    given = [converge(host, "macvlan_endpoint", **endpoint(name))["endpoint"] for name in ("a", "b")]
    assert [(item["ipv4"], item["ipv6"]) for item in given] == [
        ("192.168.60.64/24", "2001:db8:60::1:0/64"),
        ("192.168.60.66/24", "2001:db8:60::1:1/64"),
    ]
    assert converge(host, "macvlan_network", **BARE)["changed"] is False
    assert converge(host, "macvlan_network", **BARE, mtu=1400)["network"]["slices"] == made["slices"]
    refuse(host, "macvlan_endpoint", "192.168.60.99 is in no slice that this host owns in segment lan60", **endpoint("c", ipv4="192.168.60.99"))
    read = host.call("macvlan_info")["config"]
    again = converge(host, "macvlan_config", **read, purge=True)
    assert (again["changed"], again["steps"]) == (False, [])


def test_a_slice_that_another_host_has_by_now_keeps_its_endpoints_and_gives_out_nothing(host: Host) -> None:
    converge(host, "macvlan_network", **NETWORK)
    converge(host, "macvlan_endpoint", **endpoint("a"))
    host.wait_until_up("eth0", "a")
    before = host.snapshot().networks
    lost = [{"slice": "192.168.60.64/29", "generation": 2, "lost_to": "edge7"}, *SLICES[1:]]
    told = converge(host, "macvlan_network", **{**NETWORK, "slices": lost})
    assert told["steps"] == ["change slices of network net"]
    assert host.snapshot().networks == before
    words = "in the slice 192.168.60.64/29 of segment lan60, which edge7 owns by now"
    assert drift(host) == [{"object": "endpoint net/a", "field": "slice_lost", "recorded": "192.168.60.64/24", "actual": words}]
    assert host.run_command("check").code == 1
    assert host.run_command("restore").code == 0
    again = converge(host, "macvlan_endpoint", **endpoint("a"))
    assert (again["changed"], again["endpoint"]["ipv4"]) == (False, "192.168.60.64/24")
    assert f"endpoint net/a: it keeps 192.168.60.64, which is {words}" in again["warnings"]
    assert converge(host, "macvlan_endpoint", **endpoint("b"))["endpoint"]["ipv4"] == "192.168.60.16/24"
    refuse(host, "macvlan_network", "the task is of an older plan; run macvlan_fleet again", **NETWORK)
    converge(host, "macvlan_endpoint", **endpoint("a"), state="absent")
    assert drift(host) == []


def test_a_host_without_slices_of_a_segment_is_sent_to_the_plan(host: Host) -> None:
    refuse(host, "macvlan_network", "no slices of segment lan60 are recorded for it on this host; run macvlan_fleet", **BARE)
    converge(host, "macvlan_network", name="net", parent="eth0", subnets=SUBNETS)
    refuse(host, "macvlan_network", "no slices of segment lan60 are recorded for it on this host; run macvlan_fleet", **BARE)


def test_a_full_slice_names_what_gives_the_host_another_one(host: Host) -> None:
    converge(host, "macvlan_network", **{**NETWORK, "subnets": [SUBNETS[0]], "slices": [{"slice": "192.168.60.64/31"}]})
    converge(host, "macvlan_endpoint", **endpoint("a"))
    refuse(host, "macvlan_endpoint", "have macvlan_fleet give this host a further slice", **endpoint("b"))
