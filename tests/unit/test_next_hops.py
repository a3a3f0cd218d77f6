# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Next hops outside of the subnet: gateways and routes, what is refused, and the order in which routes are set and deleted."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route, in_order
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import config_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import AddRoute, DeleteRoute, inverse
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import block_of
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import BLUE_PATH, Host, endpoint, network

pytestmark = pytest.mark.engine

PROVIDER = {"subnet": "203.0.113.7/32", "gateway": "198.51.100.1", "gateway_onlink": True}
SINGLE = {"subnet": "203.0.113.7/32"}
LEADING = {"to": "198.51.100.1/32"}
BEYOND = {"to": "default", "via": "198.51.100.1"}
GO = "eth0 in namespace blue"


def routes_of(host, name="eth0", path=BLUE_PATH):
    one = host.kernel.spaces[path]
    return set(one.routes.get(one.links[name].index, ()))


def on_network(*subnets, **params):
    host = Host()
    host.run(network("lan", subnets, **params))
    return host


# --- gateways -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subnet", "route"),
    [
        pytest.param(PROVIDER, Route("0.0.0.0/0", "198.51.100.1", onlink=True), id="provider-32"),
        pytest.param({**PROVIDER, "gateway": "169.254.1.1"}, Route("0.0.0.0/0", "169.254.1.1", onlink=True), id="link-local-ipv4"),
        pytest.param(
            {"subnet": "2001:db8::7/128", "gateway": "2001:db8:9::1", "gateway_onlink": True},
            Route("::/0", "2001:db8:9::1", onlink=True),
            id="provider-128",
        ),
        pytest.param({"subnet": "2001:db8::7/128", "gateway": "fe80::1"}, Route("::/0", "fe80::1"), id="link-local-of-128"),
        pytest.param({"subnet": "2001:db8::/64", "gateway": "fe80::1"}, Route("::/0", "fe80::1"), id="link-local-of-64"),
        pytest.param(
            {"subnet": "2001:db8::/64", "gateway": "fe80::1", "gateway_onlink": True}, Route("::/0", "fe80::1"), id="link-local-said-twice"
        ),
        pytest.param(
            {"subnet": "192.168.1.0/24", "gateway": "10.0.0.1", "gateway_onlink": True},
            Route("0.0.0.0/0", "10.0.0.1", onlink=True),
            id="outside-of-24",
        ),
        pytest.param(
            {"subnet": "192.168.1.0/24", "gateway": "192.168.1.9", "gateway_onlink": True}, Route("0.0.0.0/0", "192.168.1.9"), id="inside"
        ),
    ],
)
def test_a_gateway_outside_of_the_subnet_is_the_default_route_on_the_link(subnet, route):
    host = on_network(subnet)
    made = host.run(endpoint("web", "lan"))
    assert AddRoute(builders.BLUE, "eth0", route) in made.steps
    assert route in routes_of(host)
    assert drift_of(HostView(host.record, host.kernel)) == []
    assert builders.said(host.plan(endpoint("web", "lan"))) == []
    host.run(endpoint("web", "lan", default_route=False))
    assert route not in routes_of(host)


def test_the_one_address_of_a_single_address_subnet_is_given_once():
    host = on_network(PROVIDER, {"subnet": "2001:db8::7/128", "gateway": "fe80::1"})
    host.run(endpoint("web", "lan"))
    web = host.record.endpoints["lan", "web"]
    assert (web.ipv4, web.ipv6) == ("203.0.113.7/32", "2001:db8::7/128")
    with pytest.raises(PlanError, match=re.escape("no IPv4 address is left in 203.0.113.7/32")):
        host.run(endpoint("db", "lan", netns="red"))


@pytest.mark.parametrize(
    ("subnet", "words"),
    [
        ({**SINGLE, "gateway": "198.51.100.1"}, ("subnets[0].gateway: 198.51.100.1 is not inside 203.0.113.7/32", "gateway_onlink: true")),
        ({**SINGLE, "gateway": "169.254.1.1"}, ("gateway_onlink: true",)),
        ({"subnet": "2001:db8::/64", "gateway": "2001:db8:1::1"}, ("not inside 2001:db8::/64", "gateway_onlink: true")),
        ({**SINGLE, "gateway_onlink": True}, ("subnets[0].gateway_onlink:", "give gateway")),
        ({**PROVIDER, "gateway": "none"}, ("subnets[0].gateway_onlink:", "remove gateway_onlink")),
        ({**PROVIDER, "gateway": "fe80::1"}, ("fe80::1 is not inside 203.0.113.7/32", "another family", "IPv4")),
        ({**PROVIDER, "subnet": "fd01::/64"}, ("198.51.100.1 is not inside fd01::/64", "another family", "IPv6")),
        ({**PROVIDER, "gateway": "127.0.0.1"}, ("subnets[0].gateway: 127.0.0.1 lies inside loopback space",)),
        ({**PROVIDER, "gateway": "224.0.0.5"}, ("subnets[0].gateway: 224.0.0.5 lies inside multicast space",)),
        ({**PROVIDER, "gateway": "0.0.0.0"}, ("subnets[0].gateway: 0.0.0.0 is the unspecified address",)),
        ({**PROVIDER, "gateway": "255.255.255.255"}, ("limited broadcast address",)),
        ({**PROVIDER, "gateway": "router"}, ("subnets[0].gateway: 'router' is not an IP address",)),
        ({"subnet": "10.0.0.0/24", "gateway": "10.0.0.255", "gateway_onlink": True}, ("network or broadcast address",)),
        ({"subnet": "fd01::/64", "gateway": "ff02::1", "gateway_onlink": True}, ("multicast",)),
    ],
)
def test_what_no_gateway_can_be_is_refused(subnet, words):
    with pytest.raises(OptionsError) as caught:
        network("lan", [subnet])
    (problem,) = caught.value.problems
    assert [word for word in words if word not in problem] == []


def test_a_gateway_that_is_in_another_subnet_of_the_network_is_reserved_there():
    host = on_network(
        {"subnet": "203.0.113.7/32", "gateway": "10.0.0.1", "gateway_onlink": True}, {"subnet": "10.0.0.0/29", "gateway": "none"}
    )
    host.run(endpoint("web", "lan", subnet="10.0.0.0/29"))
    assert host.record.endpoints["lan", "web"].ipv4 == "10.0.0.2/29"
    with pytest.raises(PlanError, match=re.escape("10.0.0.1 is held by gateway of 203.0.113.7/32")):
        host.run(endpoint("db", "lan", netns="red", ipv4="10.0.0.1"))


def test_a_gateway_can_be_in_the_subnet_of_another_network():
    host = on_network(PROVIDER)
    host.run(network("other", ["198.51.100.0/24"], parent="eth1"))
    host.run(endpoint("web", "lan"), endpoint("db", "other", netns="red", ipv4="198.51.100.9"))
    assert host.record.endpoints["lan", "web"].gateway4 == "198.51.100.1"


def test_a_gateway_becomes_one_outside_of_the_subnet_in_place_and_back():
    host = on_network("192.168.1.0/24")
    host.run(endpoint("web", "lan"))
    outside = network("lan", [{"subnet": "192.168.1.0/24", "gateway": "10.0.0.1", "gateway_onlink": True}])
    assert builders.said(host.run(outside)) == [
        "change subnets of network lan",
        f"replace default route via 192.168.1.1 by default route via 10.0.0.1 onlink on {GO}",
    ]
    assert builders.said(host.run(network("lan", ["192.168.1.0/24"]))) == [
        "change subnets of network lan",
        f"replace default route via 10.0.0.1 onlink by default route via 192.168.1.1 on {GO}",
    ]


def test_a_link_local_gateway_on_another_link_of_the_host_is_no_concern():
    found = builders.kernel(link_scope={builders.ETH1: ("fe80::1/64",)})
    host = Host(found)
    assert host.run(network("lan", [{"subnet": "fd01::/64", "gateway": "fe80::1"}])).warnings == ()


def test_a_link_local_gateway_that_is_the_parent_itself_is_refused():
    host = Host(builders.kernel(link_scope={builders.ETH0: ("fe80::1/64",)}))
    with pytest.raises(PlanError, match=re.escape("fe80::1 of fd01::/64 is an address of the parent eth0")):
        host.run(network("lan", [{"subnet": "fd01::/64", "gateway": "fe80::1"}]))


# --- routes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "routes",
    [
        pytest.param([LEADING, BEYOND], id="leading-first"),
        pytest.param([BEYOND, LEADING], id="leading-last"),
        pytest.param([{**BEYOND, "onlink": True}], id="onlink"),
        pytest.param([{"to": "198.51.100.0/24"}, BEYOND], id="by-a-block"),
        pytest.param([{**BEYOND, "metric": 50, "onlink": True}, {"to": "10.0.0.0/8", "via": "198.51.100.1", "onlink": True}], id="several"),
        pytest.param([{"to": "10.0.0.0/8", "via": "198.51.100.1"}, BEYOND, {**LEADING, "metric": 7}], id="several-by-one-route"),
        pytest.param([{"to": "169.254.1.1/32"}, {"to": "default", "via": "169.254.1.1"}], id="link-local-ipv4"),
        pytest.param([{"to": "10.1.0.0/16", "via": "198.51.100.1"}, {"to": "0.0.0.0/0"}], id="by-a-default-route-on-the-link"),
    ],
)
def test_a_next_hop_is_on_the_link_by_a_route_or_by_a_flag(routes):
    host = on_network({**SINGLE, "gateway": "none"})
    made = host.run(endpoint("web", "lan", routes=routes))
    added = [step.route for step in made.steps if isinstance(step, AddRoute)]
    assert_acceptable(added, ["203.0.113.7/32"])
    assert len(added) == len(routes)
    assert drift_of(HostView(host.record, host.kernel)) == []
    assert builders.said(host.plan(endpoint("web", "lan", routes=routes))) == []
    gone = host.run(endpoint("web", "lan"))
    undone = [step.route for step in inverse(gone.steps) if isinstance(step, AddRoute)]
    assert_acceptable(undone, ["203.0.113.7/32"])
    assert len(undone) == len(routes)


def assert_acceptable(routes, subnets):
    """The kernel takes the routes in this order: each next hop is on the link by then."""
    reached = [*subnets, "fe80::/10"]
    for route in routes:
        assert route.via is None or route.onlink or any(route.via in block_of(item) for item in reached)
        reached += [] if route.via else [route.to]


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        ([BEYOND], ("via 198.51.100.1 of 0.0.0.0/0 is not on the link", "onlink: true", "route to 198.51.100.1 without via")),
        ([{"to": "198.51.100.1/32", "via": "10.9.9.9"}, BEYOND], ("via 198.51.100.1", "not on the link")),
        ([{"to": "198.51.100.2/32"}, BEYOND], ("not on the link",)),
        ([{"to": "fd00::/8"}, BEYOND], ("not on the link",)),
        ([{"to": "10.0.0.0/8", "via": "203.0.113.7", "onlink": True}], ("endpoint's own address",)),
        ([{"to": "fd00::/8", "via": "fd00::1", "onlink": True}], ("needs an IPv6 address",)),
    ],
)
def test_a_next_hop_to_which_nothing_leads_is_refused(routes, words):
    host = on_network({**SINGLE, "gateway": "none"})
    with pytest.raises(PlanError) as caught:
        host.run(endpoint("web", "lan", routes=routes))
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("route", "words"),
    [
        ({"to": "10.0.0.0/8", "onlink": True}, ("routes[0]: onlink: true", "give via")),
        ({"to": "default", "onlink": True}, ("routes[0]: a default route needs via",)),
        ({"to": "10.0.0.0/8", "via": "127.0.0.1", "onlink": True}, ("routes[0].via: 127.0.0.1", "loopback")),
        ({"to": "10.0.0.0/8", "via": "224.0.0.1", "onlink": True}, ("routes[0].via: 224.0.0.1", "multicast")),
        ({"to": "10.0.0.0/8", "via": "0.0.0.0", "onlink": True}, ("routes[0].via:", "unspecified")),
        ({"to": "10.0.0.0/8", "via": "fe80::1", "onlink": True}, ("different families",)),
        ({"to": "10.0.0.0/8", "via": "10.0.0.1/32", "onlink": True}, ("routes[0].via:", "without a prefix length")),
        ({"to": "fd00::/8", "via": "ff02::2", "onlink": True}, ("multicast",)),
        ({"to": "fd00::/8", "via": "::", "onlink": True}, ("unspecified",)),
    ],
)
def test_what_no_next_hop_can_be_is_refused(route, words):
    with pytest.raises(OptionsError) as caught:
        endpoint("web", "lan", routes=[route])
    told = "; ".join(caught.value.problems)
    assert [word for word in words if word not in told] == []


def test_the_broadcast_address_is_no_next_hop():
    host = on_network("192.168.1.0/24")
    with pytest.raises(PlanError, match=re.escape("via 192.168.1.255 of 10.0.0.0/8 is the broadcast address of 192.168.1.0/24")):
        host.run(endpoint("web", "lan", routes=[{"to": "10.0.0.0/8", "via": "192.168.1.255"}]))


def test_a_route_that_has_lost_its_flag_is_drift_and_replaced():
    host = on_network({**SINGLE, "gateway": "none"})
    wanted = endpoint("web", "lan", routes=[{**BEYOND, "onlink": True}])
    host.run(wanted)
    one = host.kernel.spaces[BLUE_PATH]
    index = one.links["eth0"].index
    bare = dataclasses.replace(one, routes={index: (Route("0.0.0.0/0", "198.51.100.1"),)})
    host.kernel = builders.with_space(host.kernel, bare, BLUE_PATH)
    (found,) = drift_of(HostView(host.record, host.kernel))
    assert (found.field, found.recorded, found.actual) == ("routes", "0.0.0.0/0 via 198.51.100.1 onlink", "0.0.0.0/0 via 198.51.100.1")
    assert builders.said(host.run(wanted)) == [
        f"replace default route via 198.51.100.1 by default route via 198.51.100.1 onlink on {GO}"
    ]
    assert drift_of(HostView(host.record, host.kernel)) == []


def test_a_route_to_a_next_hop_that_is_lost_comes_back_before_what_needs_it():
    host = on_network({**SINGLE, "gateway": "none"})
    wanted = endpoint("web", "lan", routes=[BEYOND, LEADING])
    host.run(wanted)
    one = host.kernel.spaces[BLUE_PATH]
    host.kernel = builders.with_space(host.kernel, dataclasses.replace(one, routes={}), BLUE_PATH)
    assert_acceptable([step.route for step in host.run(wanted).steps], ["203.0.113.7/32"])


def test_another_namespace_gets_the_routes_in_order():
    host = on_network({**SINGLE, "gateway": "none"})
    item = {"name": "web", "network": "lan", "netns": "blue", "routes": [BEYOND, LEADING]}
    host.run(endpoint(**item))
    moved = host.run(config_options({"endpoints": [{**item, "netns": "red"}], "replace": True}))
    assert_acceptable([step.route for step in moved.steps if isinstance(step, AddRoute)], ["203.0.113.7/32"])
    assert_acceptable([step.route for step in inverse(moved.steps) if isinstance(step, AddRoute)], ["203.0.113.7/32"])


routes_on_few_addresses = st.lists(
    st.builds(
        Route,
        st.sampled_from(("10.0.0.0/8", "10.1.0.0/16", "10.1.1.1/32", "10.1.1.2/32", "0.0.0.0/0", "fd00::/8", "fd01::1/128", "::/0")),
        st.none() | st.sampled_from(("10.1.1.1", "10.1.1.2", "10.2.0.1", "fd01::1", "fd02::1")),
        st.none() | st.integers(1, 3),
    ),
    max_size=7,
    unique_by=lambda route: route.identity,
)


@given(routes_on_few_addresses)
def test_the_order_keeps_all_and_begins_with_what_leads_to_next_hops(routes):
    ordered = in_order(routes)
    assert sorted(map(str, ordered)) == sorted(map(str, routes))
    hops = {route.via for route in routes if route.via}
    leading = [route for route in routes if route.via is None and any(hop in block_of(route.to) for hop in hops)]
    assert ordered[: len(leading)] == leading
    if not hops:
        assert ordered == routes


def test_a_route_that_hides_the_next_hop_of_another_comes_after_it():
    hidden = Route("fd00::/8", "fd01::1")
    hiding = Route("fd01::1/128", "fe80::1")
    assert in_order([hiding, hidden]) == in_order([hidden, hiding]) == [hidden, hiding]


def test_the_stored_deletion_of_a_route_keeps_its_flag():
    step = DeleteRoute(builders.BLUE, "eth0", Route("0.0.0.0/0", "10.0.0.1", onlink=True))
    assert step.describe() == f"delete default route via 10.0.0.1 onlink on {GO}"
    assert step.inverse()[0].inverse() == (step,)
