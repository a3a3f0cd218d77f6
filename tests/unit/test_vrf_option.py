# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints that a task puts into a VRF of the host: what is planned, refused, told and read back."""

from __future__ import annotations

import dataclasses
import re

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import AbsentError, OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.access import AccessPath, LockoutPolicy
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import OtherRoute, Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan import lockout_guard
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.builder import PlanBuilder
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.recorded import endpoint_params
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import AddLink, SetLink
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    Host,
    configuration,
    endpoint,
    kernel,
    link,
    network,
    no_endpoint,
    shape,
    with_space,
)

pytestmark = pytest.mark.engine

RED, BLUE = 77, 78
SUBNETS = ("192.168.1.0/24", "fd00::/64")
ROUTE = {"to": "10.9.0.0/16", "via": "192.168.1.7"}


def divided(*requests):
    host = Host(kernel(link("red", RED, kind="vrf", table=1000), link("blue", BLUE, kind="vrf", table=20)))
    host.run(network(subnets=SUBNETS))
    for request in requests:
        host.run(request)
    return host


def asked(name="web", **values):
    return endpoint(name, **{"netns": None, "routes": [ROUTE], "default_route": True, **values})


def drift(host):
    return [(item.field, item.recorded, item.actual) for item in drift_of(PlanBuilder(host.record, host.kernel))]


def test_its_link_is_created_in_the_vrf():
    host = divided()
    empty = shape(host.kernel)
    made = host.run(asked(vrf="red"))
    (created,) = [step for step in made.steps if isinstance(step, AddLink)]
    assert created.link.vrf == "red"
    assert host.link("mv-web").master == RED
    assert drift(host) == [] and not host.plan(asked(vrf="red")).changed
    assert View(host.plan().outcome).endpoint("lan", "web")["vrf"] == "red"
    recorded = host.record.endpoints["lan", "web"]
    assert endpoint_params(recorded, host.record.networks["lan"], pin=False)["vrf"] == "red"
    host.run(no_endpoint())
    assert shape(host.kernel) == empty


@pytest.mark.parametrize("before", [None, "red", "blue"])
@pytest.mark.parametrize("after", [None, "red", "blue"])
def test_it_is_put_into_another_one(before, after):
    host = divided(asked(vrf=before))
    made = host.run(asked(vrf=after))
    assert [(step.old, step.new) for step in made.steps if isinstance(step, SetLink) and step.attribute == "vrf"] == (
        [(before, after)] if before != after else []
    )
    assert host.link("mv-web").master == {"red": RED, "blue": BLUE, None: None}[after]
    assert drift(host) == []
    assert not host.plan(asked(vrf=after)).changed


@pytest.mark.parametrize(("master", "actual"), [(None, None), (BLUE, "blue")])
@pytest.mark.parametrize("request_", [asked(vrf="red"), Restoration(None)])
def test_it_is_put_back(master, actual, request_):
    host = divided(asked(vrf="red"))
    host.change("mv-web", master=master)
    assert ("vrf", "red", actual) in drift(host)
    host.run(request_)
    assert drift(host) == []


def test_a_vrf_that_others_chose_stays_theirs():
    host = divided(asked())
    host.change("mv-web", master=BLUE)
    assert drift(host) == []
    assert not host.plan(asked()).changed
    host.run(asked(vrf="blue"))
    assert drift(host) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"vrf": "green"}, "endpoint lan/web: vrf: there is no link green on this host; create the VRF first"),
        ({"vrf": "eth0"}, "endpoint lan/web: vrf: eth0 is not a VRF but another link"),
    ],
)
def test_what_is_no_vrf_is_refused(values, words):
    with pytest.raises(PlanError, match=words):
        divided().plan(asked(**values))


@pytest.mark.parametrize("place", [{"netns": "a"}, {"netns_path": "/run/x"}, {"pid": 7}])
def test_a_vrf_of_the_host_is_not_for_other_namespaces(place):
    with pytest.raises(OptionsError, match="vrf: only endpoints in the host's own namespace"):
        endpoint("web", vrf="red", **place)
    with pytest.raises(OptionsError, match="longer than 127 bytes, the most that an alternative name can have"):
        asked(vrf="a" * 128)


def test_a_vrf_that_is_down_is_used_with_a_warning():
    host = divided()
    host.change("red", up=False)
    assert any("its VRF red is down" in warning for warning in host.run(asked(vrf="red")).warnings)


def test_one_whose_vrf_has_gone_is_awaited():
    host = divided(asked(vrf="red"))
    host.lose("red")
    host.change("mv-web", master=None)
    with pytest.raises(AbsentError):
        host.plan(asked(vrf="red"))
    (missing,) = host.plan(Restoration(None)).missing
    assert missing.awaits == "red"


def test_each_vrf_has_default_routes_and_subnets_of_its_own():
    host = divided(asked(vrf="red"))
    other = network("again", subnets=SUBNETS, parent="eth1", allow_overlap=True)
    host.run(other)
    host.run(endpoint("web2", "again", netns=None, vrf="blue", default_route=True))
    with pytest.raises(PlanError, match="overlapping subnets"):
        host.plan(endpoint("web3", "again", netns=None, vrf="red"))


@pytest.mark.parametrize(("vrf", "is_refused"), [(None, True), ("red", False)])
def test_routes_in_a_vrf_divert_nothing_of_the_host(vrf, is_refused):
    host = divided()
    path = AccessPath("eth0", "the connection", "10.9.0.5")
    steps, found = host.plan(asked(vrf=vrf)).steps, dataclasses.replace(host.kernel, access_paths=(path,))
    assert bool(lockout_guard.check("endpoint lan/web", steps, found, LockoutPolicy(force=True))) is is_refused


@pytest.mark.parametrize(("vrf", "is_refused"), [("red", True), ("blue", False), (None, True)])
def test_routes_in_the_vrf_of_a_path_may_divert_it(vrf, is_refused):
    host = divided()
    host.change("eth0", master=RED)
    path = AccessPath("eth0", "the connection", "10.9.0.5")
    steps, found = host.plan(asked(vrf=vrf)).steps, dataclasses.replace(host.kernel, access_paths=(path,))
    assert bool(lockout_guard.check("endpoint lan/web", steps, found, LockoutPolicy(force=True))) is is_refused


def taking(host, routes=None, others=(), master=RED):
    """Other programs have routes over eth1, which is in a VRF, and others that lead over no link of their table."""
    host.change("eth1", master=master)
    own = host.kernel.spaces[HOST.path]
    own = dataclasses.replace(own, routes={**own.routes, **({3: tuple(routes)} if routes else {})}, other_routes=tuple(others))
    host.kernel = with_space(host.kernel, own, HOST.path)


TAKEN = Route("10.9.0.0/16", "172.16.0.9")
OVER_ETH1 = "there is a route over eth1 to 10.9.0.0/16 in the VRF red already, and the kernel accepts no second one; delete that route, or give"


@pytest.mark.parametrize(
    ("routes", "others", "words"),
    [
        ([TAKEN], [], OVER_ETH1),
        ([], [OtherRoute(TAKEN.destination_and_metric, "unicast", 1000, "eth1")], OVER_ETH1),
        ([], [OtherRoute(TAKEN.destination_and_metric, "blackhole", 1000)], "there is a blackhole route to 10.9.0.0/16 in the VRF red already"),
        ([], [OtherRoute(("0.0.0.0/0", 0), "unreachable", 1000)], "there is an unreachable route to 0.0.0.0/0 in the VRF red already"),
        ([Route("::/0", "fe80::9", 7)], [], "the foreign link eth1 has the IPv6 default route in the VRF red already; use default_route: false"),
    ],
)
@pytest.mark.parametrize("before", [None, asked(), asked(vrf="blue")])
def test_a_route_that_is_taken_in_its_vrf_is_refused(before, routes, others, words):
    host = divided(*([before] if before else []))
    taking(host, routes, others)
    with pytest.raises(PlanError, match=words):
        host.plan(asked(vrf="red"))


@pytest.mark.parametrize(
    ("routes", "others", "master"),
    [
        ([TAKEN], [], BLUE),
        ([TAKEN], [], None),
        ([Route("10.9.0.0/16", None, 5)], [], RED),
        ([], [OtherRoute(TAKEN.destination_and_metric, "blackhole")], RED),
        ([], [OtherRoute(TAKEN.destination_and_metric, "blackhole", 20)], RED),
        ([], [OtherRoute(("0.0.0.0/0", 4278198272), "unreachable", 1000)], RED),
    ],
)
def test_routes_elsewhere_and_of_another_metric_are_in_no_way(routes, others, master):
    host = divided()
    taking(host, routes, others, master)
    assert host.run(asked(vrf="red")).changed and drift(host) == []


def test_a_route_that_is_taken_outside_of_its_vrf_keeps_it_in_there():
    host = divided(asked(vrf="red"))
    taking(host, [TAKEN], master=None)
    with pytest.raises(PlanError, match=re.escape("there is a route over eth1 to 10.9.0.0/16 already")):
        host.plan(asked())


def test_what_took_the_place_of_a_route_in_its_vrf_is_told():
    host = divided(asked(vrf="red"))
    own, index = host.kernel.spaces[HOST.path], host.link("mv-web").index
    left = tuple(route for route in own.routes[index] if route.to != "10.9.0.0/16")
    others = [OtherRoute(TAKEN.destination_and_metric, kind, table) for kind, table in (("blackhole", 1000), ("unreachable", 254))]
    host.kernel = with_space(
        host.kernel, dataclasses.replace(own, routes={**own.routes, index: left}, other_routes=tuple(others)), HOST.path
    )
    assert drift(host) == [("routes", "10.9.0.0/16 via 192.168.1.7", "blackhole 10.9.0.0/16")]
    (missing,) = host.plan(Restoration(None)).missing
    assert "blackhole route to 10.9.0.0/16 in the VRF red" in missing.reason


LONG = "a-name-that-is-too-long-for-a-link-itself"


@pytest.mark.parametrize("asked_by_name", [asked(vrf=LONG), configuration(network(subnets=SUBNETS), asked(vrf=LONG))])
def test_an_alternative_name_means_the_vrf_itself(asked_by_name):
    host = divided()
    host.change("red", altnames=(LONG,))
    host.run(asked_by_name)
    assert (host.link("mv-web").master, host.record.endpoints["lan", "web"].vrf) == (RED, "red")
    assert not host.plan(asked_by_name).changed and not host.plan(asked(vrf="red")).changed


def renamed(host, *altnames):
    """Another program gives the VRF red the name crimson."""
    own = host.kernel.spaces[HOST.path]
    links = {link.name: link for link in (dataclasses.replace(own.links["red"], name="crimson", altnames=altnames), *own.links.values())}
    del links["red"]
    host.kernel = with_space(host.kernel, dataclasses.replace(own, links=links), HOST.path)


@pytest.mark.parametrize("request_", [asked(vrf="red"), asked(vrf="crimson"), Restoration(None), network(subnets=SUBNETS)])
def test_the_record_follows_a_vrf_that_has_its_old_name_as_alternative_one(request_):
    host = divided(asked(vrf="red"))
    renamed(host, "red")
    made = host.run(request_)
    assert "endpoint lan/web: its VRF red is called crimson now; the record follows" in made.warnings
    assert [step.describe() for step in made.steps] == ["record that the VRF red of endpoint lan/web is called crimson now"]
    assert host.record.endpoints["lan", "web"].vrf == "crimson" and drift(host) == []
    assert not host.plan(asked(vrf="red")).changed and not host.plan(Restoration(None)).changed


def test_a_vrf_that_was_renamed_is_told_as_it_is():
    host = divided(asked(vrf="red"))
    renamed(host)
    assert drift(host) == [("vrf", "red", "crimson")]
    words = (
        "endpoint lan/web: vrf: there is no link red on this host; its interface mv-web is in the VRF crimson: if this is the VRF under a "
        "new name, use vrf: crimson, or give it its old name back; else create the VRF first"
    )
    with pytest.raises(AbsentError, match=words):
        host.plan(asked(vrf="red"))
    (missing,) = host.plan(Restoration(None)).missing
    assert missing.reason.startswith(words) and missing.awaits == "red"
    assert host.sentences(asked(vrf="crimson")) == ["change vrf of endpoint lan/web"]
    assert host.record.endpoints["lan", "web"].vrf == "crimson" and drift(host) == []
