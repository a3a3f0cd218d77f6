# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of kinds of object: everything that can be asked for is in it, and everything that is recorded is restored by it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MistakesError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import KINDS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.table import restorers, work_on
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import ObjectRequest
from ansible_collections.fleetnet.macvlan.tests.unit.builders import Host, endpoint, kernel, network, subinterface

pytestmark = pytest.mark.engine


def test_every_request_is_in_the_table_once():
    requests = [request for kind in KINDS for request in work_on(kind)]
    assert sorted(requests, key=repr) == sorted(t.get_args(ObjectRequest), key=repr)
    assert len(restorers()) == len(KINDS)


def test_only_what_is_requested_depends_on_something():
    assert all((work.dependencies is None) == request.removes for kind in KINDS for request, work in work_on(kind).items())


@pytest.mark.parametrize("parent", ["eth0.50", "eth0.50.6"])
@pytest.mark.parametrize("name", ["lan", "eth0.50"])
def test_what_depends_on_a_sub_interface_that_was_refused_is_passed_over(parent, name):
    """Also a network that has the name of the link."""
    host = Host(kernel())
    with pytest.raises(MistakesError) as caught:
        host.plan(
            subinterface("eth0.50", mtu=9000),
            network(name, parent=parent),
            endpoint("web", name),
            subinterface("eth1.9", mtu=9000),
        )
    assert [text.partition(":")[0] for text in caught.value.problems] == ["vlan_subinterface eth0.50", "vlan_subinterface eth1.9"]
