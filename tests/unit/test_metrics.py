# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What macvlan-host metrics prints."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.counters import parse_counters
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.counters import Counters
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.release import VERSION
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.metrics import label_value, metric_lines, namespaces_of
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import BLUE_PATH, Host
from ansible_collections.fleetnet.macvlan.tests.unit.test_listing import report_of

COUNTED = {BLUE_PATH: {"eth0": Counters(1, 2, 3, 4, 5, 6, 7, 8)}}
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? ([0-9]+)')

NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
  eth0:18446744073709551615 2 3 4 9 9 9 9 5 6 7 8 9 9 9 9
"""


@pytest.fixture
def host():
    host = Host()
    host.run(builders.network("lan", [{"subnet": "10.0.1.0/24", "ip_range": "10.0.1.8/30"}, "fd01::/64"]))
    host.run(builders.endpoint("web", "lan"))
    return host


def metrics_of(report, counters=None):
    return metric_lines({"warnings": [], **report}, COUNTED if counters is None else counters)


def samples(lines):
    return [line for line in lines if not line.startswith("#")]


def test_a_host_has_its_objects_addresses_states_and_traffic(host):
    assert samples(metrics_of(report_of(host))) == [
        f'macvlan_host_info{{version="{VERSION}"}} 1',
        "macvlan_vlan_subinterfaces_recorded 0",
        "macvlan_networks_recorded 1",
        "macvlan_endpoints_recorded 1",
        'macvlan_subnet_addresses{network="lan",subnet="10.0.1.0/24",state="in_use"} 4',
        'macvlan_subnet_addresses{network="lan",subnet="10.0.1.0/24",state="available"} 3',
        'macvlan_subnet_addresses{network="lan",subnet="fd01::/64",state="in_use"} 3',
        'macvlan_subnet_addresses{network="lan",subnet="fd01::/64",state="available"} 18446744073709551613',
        'macvlan_endpoints{network="lan",state="ok"} 1',
        'macvlan_endpoints{network="lan",state="drift"} 0',
        'macvlan_endpoints{network="lan",state="missing"} 0',
        'macvlan_drift{kind="vlan_subinterface"} 0',
        'macvlan_drift{kind="network"} 0',
        'macvlan_drift{kind="endpoint"} 0',
        "macvlan_warnings 0",
        *(
            f'macvlan_endpoint_{name}_total{{network="lan",endpoint="web",interface="eth0"}} {number}'
            for name, number in (
                *(("receive_bytes", 1), ("receive_packets", 2), ("receive_errors", 3), ("receive_dropped", 4)),
                *(("transmit_bytes", 5), ("transmit_packets", 6), ("transmit_errors", 7), ("transmit_dropped", 8)),
            )
        ),
    ]


def test_every_metric_says_what_it_is_once_and_its_samples_follow(host):
    told, current = [], ""
    for line in metrics_of(report_of(host)):
        if line.startswith("# HELP "):
            current = line.split()[2]
            told.append(current)
            assert line.endswith(".")
        elif line.startswith("# TYPE "):
            assert line.split()[2:] == [current, "counter" if current.endswith("_total") else "gauge"]
        else:
            sample = SAMPLE.fullmatch(line)
            assert sample and sample[1] == current, line
    assert len(set(told)) == len(told)


def test_a_network_of_a_segment_has_its_slices(host):
    slices = [{"slice": "10.0.1.8/30"}, {"slice": "10.0.1.16/30", "generation": 2, "lost_to": "edge7"}]
    host.run(builders.network("lan", ["10.0.1.0/24"], segment="lan50", slices=slices, replace=True))
    assert [line for line in samples(metrics_of(report_of(host))) if "slices" in line] == [
        'macvlan_slices{network="lan",segment="lan50",state="owned"} 1',
        'macvlan_slices{network="lan",segment="lan50",state="lost"} 1',
    ]


def test_an_endpoint_that_differs_is_counted_as_such(host):
    host.change("eth0", BLUE_PATH, mtu=1400)
    lines = samples(metrics_of(report_of(host)))
    assert {'macvlan_endpoints{network="lan",state="drift"} 1', 'macvlan_drift{kind="endpoint"} 1'} <= set(lines)
    assert any("receive_bytes" in line for line in lines)


@pytest.mark.parametrize("field", ["link", "ifname", "parent", "netns"])
def test_the_traffic_of_another_link_is_not_that_of_the_endpoint(host, field):
    report = report_of(host)
    drift = [{"object": "endpoint lan/web", "field": field, "recorded": "x", "actual": "y"}]
    assert not any("receive" in line for line in metrics_of({**report, "drift": drift}))
    assert not any("receive" in line for line in metrics_of(report, {}))


def test_namespaces_are_read_once_by_their_paths(host):
    assert [item.path for item in namespaces_of(report_of(host))] == [BLUE_PATH]
    endpoints = [{"netns": netns} for netns in (None, "blue", "/proc/7/ns/net", None, "blue")]
    assert [item.path for item in namespaces_of({"endpoints": endpoints})] == ["", "/run/netns/blue", "/proc/7/ns/net"]


@pytest.mark.parametrize(
    ("text", "value"),
    [('say "hi"', 'say \\"hi\\"'), ("back\\slash", "back\\\\slash"), ("new\nline", "new\\nline"), ("\x1b[31m", "\\\\x1b[31m"), ("\udcff", "\\\\udcff")],
)
def test_what_would_end_a_label_is_escaped(text, value):
    assert label_value(text) == value


@given(st.text())
def test_no_text_gets_out_of_its_label(text):
    assert SAMPLE.fullmatch(f'm{{a="{label_value(text)}"}} 1')


def test_counters_are_read_of_every_link():
    links = parse_counters(NET_DEV)
    assert list(links) == ["lo", "eth0"]
    assert links["eth0"] == Counters(2**64 - 1, 2, 3, 4, 5, 6, 7, 8)
