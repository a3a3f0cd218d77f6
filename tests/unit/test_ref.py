# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identities: what is asked for, what is recorded and what is shown of one object have the same, and no two objects share one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import (
    KINDS,
    endpoint_ref,
    network_ref,
    subinterface_ref,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View, by_ref
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    Host,
    endpoint,
    kernel,
    network,
    no_endpoint,
    no_network,
    no_subinterface,
    subinterface,
)

pytestmark = pytest.mark.engine

ENGINE = Path(__file__).parents[2] / "plugins/module_utils/macvlan_host"
# Objects of one name, of every kind; the name of the endpoint is that of its network.
ASKED = {
    network_ref("eth0.50"): (network("eth0.50", parent="eth0.50"), no_network("eth0.50")),
    subinterface_ref("eth0.50"): (subinterface("eth0.50"), no_subinterface("eth0.50")),
    endpoint_ref("eth0.50", "eth0.50"): (endpoint("eth0.50", "eth0.50"), no_endpoint("eth0.50", "eth0.50")),
}
TITLES = ["network eth0.50", "vlan_subinterface eth0.50", "endpoint eth0.50/eth0.50"]


@pytest.fixture
def host():
    found = Host(kernel())
    for request, dummy in ASKED.values():
        found.run(request)
    return found


def test_a_request_and_a_removal_have_the_identity_of_their_object():
    for ref, requests in ASKED.items():
        assert [request.ref for request in requests] == [ref, ref]
        assert [request.title for request in requests] == [ref.title, ref.title]
    assert [ref.title for ref in ASKED] == TITLES


def test_what_is_recorded_and_what_is_shown_have_it_too(host):
    record = host.record
    recorded = [item.ref for kind in (record.networks, record.links, record.endpoints) for item in kind.values()]
    assert recorded == list(ASKED)
    shown = by_ref(View(HostView(record, host.kernel)).everything(None, None))
    assert shown.keys() == ASKED.keys()
    assert [shown[ref]["name"] for ref in ASKED] == ["eth0.50"] * 3


def test_titles_are_made_in_one_place():
    """An object that is found again by a sentence is lost when that is reworded."""
    makers = {
        path.relative_to(ENGINE).as_posix()
        for path in ENGINE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Return) and isinstance(node.value, ast.JoinedStr)
        for first in node.value.values[:1]
        if isinstance(first, ast.Constant) and str(first.value) in {f"{kind} " for kind in KINDS}
    }
    assert makers == set()
