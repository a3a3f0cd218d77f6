# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of endpoints and the text about one object, from what macvlan_info returns."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.listing import (
    HEADINGS,
    difference_line,
    object_lines,
    rows_of,
    table,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View
from ansible_collections.fleetnet.macvlan.tests.unit import builders, strategies
from ansible_collections.fleetnet.macvlan.tests.unit.builders import BLUE_PATH, Host

pytestmark = pytest.mark.engine


def report_of(host):
    view = HostView(host.record, host.kernel)
    lists = View(view).everything(None, None)
    for item in lists["endpoints"]:
        item["foreign_addresses"] = View(view).foreign_addresses(item["network"], item["name"])
    return {**lists, "drift": [item.shown for item in drift_of(view)]}


@pytest.fixture(name="host")
def a_host_with_two_endpoints():
    host = Host()
    host.run(builders.network("lan", ["10.0.1.0/24", "fd01::/64"]))
    host.run(builders.network("empty", ["10.0.2.0/24"], parent="eth1"))
    host.run(builders.endpoint("web", "lan"))
    host.run(builders.endpoint("own", "lan", netns=None))
    return host


def lines(host):
    return [" ".join(row.cells) for row in rows_of(report_of(host))]


def test_each_endpoint_has_a_line_and_a_network_without_one_too(host):
    assert lines(host) == [
        "empty - - - - eth1 ok",
        "lan/own (host) mv-own 10.0.1.3/24, fd01::3/64 02:42:0a:00:01:03 eth0 ok",
        "lan/web blue eth0 10.0.1.2/24, fd01::2/64 02:42:0a:00:01:02 eth0 ok",
    ]


@pytest.mark.parametrize(
    ("happen", "states"),
    [
        (lambda host: host.change("eth0", BLUE_PATH, mtu=1400), {"lan/web": "drift"}),
        (lambda host: host.lose("eth0", BLUE_PATH), {"lan/web": "missing"}),
        (lambda host: host.change("eth0", BLUE_PATH, alias=""), {"lan/web": "drift"}),
        (lambda host: host.lose("eth1"), {"empty": "missing"}),
        (lambda host: host.change("eth0", BLUE_PATH, mtu=1400, up=False), {"lan/web": "drift"}),
        (lambda dummy: None, {}),
    ],
)
def test_the_state_is_what_the_drift_says(host, happen, states):
    happen(host)
    rows = rows_of(report_of(host))
    assert {row.cells[0]: row.state for row in rows if row.state != "ok"} == states


def test_a_network_that_differs_has_a_line_beside_its_endpoints(host):
    host.lose("eth0")
    assert [(row.cells[0], row.state) for row in rows_of(report_of(host)) if row.network == "lan"] == [
        ("lan", "missing"),
        ("lan/own", "ok"),
        ("lan/web", "ok"),
    ]


def test_addresses_of_other_programs_have_a_plus(host):
    one = host.kernel.spaces[BLUE_PATH]
    index = one.links["eth0"].index
    addresses = {**one.addresses, index: (*one.addresses[index], "10.0.1.77/32")}
    host.kernel = builders.with_space(host.kernel, dataclasses.replace(one, addresses=addresses), BLUE_PATH)
    assert "10.0.1.2/24, fd01::2/64, +10.0.1.77/32" in lines(host)[-1]


@given(st.lists(st.lists(strategies.any_text, min_size=3, max_size=3), max_size=5))
def test_columns_are_aligned_and_printable_whatever_is_in_them(rows):
    drawn = table(HEADINGS[:3], rows)
    assert len(drawn) == len(rows) + 1
    starts = [drawn[0].index(heading) for heading in HEADINGS[:3]]
    for line, row in zip(drawn[1:], rows, strict=True):
        assert line.isprintable()
        padded = line.ljust(starts[2])
        assert all(padded[start - 2 : start] == "  " for start in starts[1:] if row)


def test_an_object_is_shown_with_all_its_fields(host):
    shown = report_of(host)
    (web,) = [item for item in shown["endpoints"] if item["name"] == "web"]
    drawn = object_lines({**web, "routes": [{"to": "10.0.0.0/8", "via": None, "metric": 7}, {"to": "10.1.0.0/16", "via": "10.0.1.9"}]})
    assert {line.split("  ")[0] for line in drawn} >= {"name", "netns", "ipv4", "mac", "parent", "mode"}
    at = next(number for number, line in enumerate(drawn) if line.startswith("routes"))
    assert drawn[at].split(None, 1)[1] == "to 10.0.0.0/8, metric 7"
    assert drawn[at + 1].strip() == "to 10.1.0.0/16, via 10.0.1.9"
    assert len(drawn) == len(web) + 1


@pytest.mark.parametrize(
    ("recorded", "actual", "line"),
    [
        (1500, 1400, "endpoint lan/web: mtu is 1400, recorded 1500"),
        ("blue", None, "endpoint lan/web: mtu is missing, recorded blue"),
        ("a", ["b", "c"], 'endpoint lan/web: mtu is ["b", "c"], recorded a'),
    ],
)
def test_a_difference_is_a_line(recorded, actual, line):
    assert difference_line({"object": "endpoint lan/web", "field": "mtu", "recorded": recorded, "actual": actual}) == line
