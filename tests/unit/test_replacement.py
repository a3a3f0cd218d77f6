# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What replacement takes from endpoints, and what a run says of it."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import config_options
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import BLUE_PATH, Host, endpoint, kernel, network

pytestmark = pytest.mark.engine

NETWORKS = ("one", "two")


def exchanging(subnets, parents, **options):
    """Two networks, each with one of two subnets."""
    items = zip(NETWORKS, parents, subnets, strict=True)
    networks = [{"name": name, "parent": parent, "allow_shared_parent": True, "subnets": [{"subnet": cidr}]} for name, parent, cidr in items]
    return config_options({"networks": networks, **options})


def listed(netnses):
    """An endpoint of each network, in a namespace of its own or in the same one."""
    return [
        {"name": "web", "network": name, "netns": netns, "ifname": f"x{name}", "default_route": name == "one"}
        for name, netns in zip(NETWORKS, netnses, strict=True)
    ]


@pytest.mark.parametrize("are_listed", [False, True], ids=["recorded", "listed"])
@pytest.mark.parametrize("netnses", [("blue", "red"), ("blue", "blue")], ids=["apart", "together"])
@pytest.mark.parametrize("parents", [("eth0", "eth0"), ("eth0", "eth1")], ids=["one-parent", "two-parents"])
@pytest.mark.parametrize("cidrs", [("10.0.1.0/24", "10.0.2.0/24"), ("fd01::/64", "fd02::/64")], ids=["ipv4", "ipv6"])
def test_two_networks_exchange_their_subnets_and_no_address_is_on_two_links_meanwhile(are_listed, netnses, parents, cidrs):
    host = Host(kernel())
    host.run(exchanging(cidrs, parents, endpoints=listed(netnses)))
    wanted = exchanging(cidrs[::-1], parents, replace=True, **({"endpoints": listed(netnses)} if are_listed else {}))
    then = host.kernel
    for step in host.run(wanted).steps:
        then = builders.followed(then, [step])
        spaces = [one for one in then.spaces.values() if one is not None]
        held = [address for one in spaces for addresses in one.addresses.values() for address in addresses]
        macs = [(link.lower, link.mac) for one in spaces for link in one.links.values() if link.lower is not None]
        assert len(held) == len(set(held)) and len(macs) == len(set(macs))
    builders.assert_sound(host.record)
    assert not host.plan(wanted).changed


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_an_endpoint_that_gets_another_address_without_having_asked_is_told_to_be_interrupted(order):
    host = Host(kernel())
    for request in (network(), endpoint("a", netns="a"), endpoint("b", netns="b")):
        host.run(request)
    items = {"a": {"name": "a", "network": "lan", "netns": "a"}, "b": {"name": "b", "network": "lan", "netns": "b", "ipv4": "192.168.1.2"}}
    made = host.run(config_options({"endpoints": [items[name] for name in order], "replace": True}))
    assert [ref.title for ref in made.interrupted] == ["endpoint lan/a"]
    (told,) = [text for text in builders.said(made) if "interrupt" in text]
    assert told.startswith("interrupt the traffic of endpoint lan/a, which gives up 192.168.1.2 and gets 192.168.1.")


def test_an_endpoint_without_a_request_that_gives_up_its_address_to_a_gateway_is_told_to_be_interrupted():
    host = Host(kernel())
    for request in (network(), endpoint("a", netns="a")):
        host.run(request)
    made = host.run(network(subnets=[{"subnet": "192.168.1.0/24", "gateway": "192.168.1.2"}], replace=True))
    assert [ref.title for ref in made.interrupted] == ["endpoint lan/a"]
    assert any("which gives up 192.168.1.2 and gets " in text for text in builders.said(made))


def test_a_move_tells_the_routes_of_other_programs_that_it_loses():
    host = Host(kernel())
    for request in (network(), endpoint()):
        host.run(request)
    one = host.kernel.spaces[BLUE_PATH]
    index = one.links["eth0"].index
    routes = {**one.routes, index: (*one.routes[index], Route("10.99.0.0/16", "192.168.1.9"))}
    host.kernel = builders.with_space(host.kernel, dataclasses.replace(one, routes=routes), BLUE_PATH)
    (warning,) = host.plan(network(parent="eth1", replace=True)).warnings
    assert "without what other programs have added to it: the route to 10.99.0.0/16 via 192.168.1.9; let" in warning
