# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every declared state can be reached from every other one in one run of macvlan_config with replace and purge."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_options import not_default
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import config_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import inverse
from ansible_collections.fleetnet.macvlan.tests.unit import builders, states
from ansible_collections.fleetnet.macvlan.tests.unit.builders import ETH0, ETH1, Host, link, space, vlan_link

pytestmark = pytest.mark.engine

OF_NAMESPACES = {"net.ipv4.ip_forward": "0"}


def a_host():
    """Two Ethernet links, a foreign VLAN, two VRFs, and two foreign namespaces."""
    return Host(
        builders.kernel(
            vlan_link("eth1.7", 7, ETH1, 7),
            *(link(name, number, kind="vrf", table=100 * number) for number, name in enumerate(states.VRFS, 20)),
            addresses={ETH0: ("10.200.0.1/24",)},
            sysctls=dict(OF_NAMESPACES),
            spaces={
                "/run/netns/green": space(link("veth0", 8, kind="veth"), sysctls=dict(OF_NAMESPACES)),
                states.DOCKER: space(link("eth9", 9, kind="veth"), sysctls=dict(OF_NAMESPACES)),
            },
        )
    )


def shape(kernel):
    """The shape of a kernel, without a setting that namespaces of the simulation do not have until it is written.

    A link option that has its default may be shown or not.
    """
    shapes = builders.shape(kernel)
    for links, written in filter(None, shapes.values()):
        written.pop("net.ipv4.ip_forward", None)
        for item in links.values():
            item["link_options"] = {name: item["link_options"][name] for name in not_default(item["link_options"])}
    return shapes


def declared(state, **options):
    """The request for a state."""
    return config_options({**state, "purge": True, "replace": True, **options})


def reached(state):
    """A new host in a state; None if that contradicts itself."""
    host = a_host()
    try:
        host.run(declared(state))
    except (OptionsError, PlanError):
        return None
    return host


# The same pairs in every run, 2,000 in all: what was reached once must not get lost again.
REACHING = {
    "derandomize": True,
    "deadline": None,
    "suppress_health_check": [HealthCheck.filter_too_much, HealthCheck.too_slow],
}


@settings(max_examples=1200, **REACHING)
@given(states.pairs())
def test_every_state_is_reached_from_every_other(pair):
    check_pair(*pair)


@settings(max_examples=800, **REACHING)
@given(states.crowded(), states.crowded())
def test_endpoints_take_over_what_others_give_up(first, second):
    check_pair(first, second)


def check_pair(first, second):
    host, expected = reached(first), reached(second)
    assume(host is not None and expected is not None)
    check_reached(host, expected, second)


def check_reached(host, expected, second):
    """A host in one state reaches another in one run, exactly as a new host does, and with leases kept."""
    before, kernel = host.record, host.kernel
    done = host.run(declared(second))
    builders.assert_sound(host.record)
    assert not drift_of(HostView(host.record, host.kernel))
    again = host.plan(declared(second))
    assert not builders.said(again)
    assert again.before == again.after
    assert states.as_declared(host.record, second) == states.as_declared(expected.record, second)
    assert states.kept(before, host.record, second)
    # All or nothing: the steps can be undone.
    undone = builders.followed(host.kernel, inverse(done.steps))
    assert shape(undone) == shape(kernel)


def on_eth0(name, **values):
    return {"name": name, "parent": "eth0", "allow_shared_parent": True, **values}


@pytest.mark.parametrize("driver", ["macvlan", "ipvlan"])
def test_routes_that_go_with_the_last_address_come_back_when_a_run_is_undone(driver):
    """An ipvlan link has an address with one prefix length, so another length takes its last IPv4 address away for a moment."""
    first, second = (
        {
            "vlan_subinterfaces": [],
            "networks": [on_eth0("a", driver=driver, subnets=[{"subnet": f"10.0.1.0/{length}"}])],
            "endpoints": [{"name": "x", "network": "a", "netns": "blue", "routes": [{"to": "10.9.0.0/16", "via": "10.0.1.9"}]}],
        }
        for length in (25, 24)
    )
    check_reached(reached(first), reached(second), second)


SUBNET = "10.0.1.0/24"
WITH_NAS = {"subnet": SUBNET, "gateway": "none", "aux_addresses": {"nas": "10.0.1.3"}}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            [{"name": "a", "subnets": [WITH_NAS]}],
            [{"name": "b", "subnets": [WITH_NAS]}, on_eth0("a", subnets=[WITH_NAS], allow_overlap=True)],
            id="the same aux address",
        ),
        pytest.param(
            [on_eth0("a", subnets=[{"subnet": SUBNET}])],
            [
                {"name": "b", "parent": "eth1", "subnets": [{"subnet": SUBNET}]},
                on_eth0("a", subnets=[{"subnet": SUBNET, "ip_range": "10.0.1.0/28"}], allow_overlap=True),
            ],
            id="another range",
        ),
        pytest.param(
            [
                on_eth0("a", subnets=[{"subnet": SUBNET, "ip_range": "10.0.1.0/28"}]),
                on_eth0("b", subnets=[{"subnet": SUBNET, "ip_range": "10.0.1.16/28"}]),
            ],
            [
                on_eth0("a", subnets=[{"subnet": SUBNET, "ip_range": "10.0.1.0/28"}], allow_overlap=True),
                on_eth0("b", subnets=[{"subnet": SUBNET, "ip_range": "10.0.1.0/27"}], allow_overlap=True),
            ],
            id="ranges that were apart",
        ),
    ],
)
def test_a_network_that_may_overlap_now_leaves_its_subnet_to_another(first, second):
    one, other = ({"vlan_subinterfaces": [], "networks": networks, "endpoints": []} for networks in (first, second))
    check_reached(reached(one), reached(other), other)
