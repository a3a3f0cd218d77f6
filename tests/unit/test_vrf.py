# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A link of ours that others have put into a VRF: its routes are theirs, all else of it is as it was."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.builder import PlanBuilder
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import (
    AddConnectedRoute,
    AddRoute,
    DeleteRoute,
    ReplaceRoute,
)
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    BLUE_PATH,
    Host,
    changed_link,
    configuration,
    endpoint,
    link,
    network,
    no_endpoint,
    said,
    with_space,
)

pytestmark = pytest.mark.engine

VRF = 77
SUBNETS = ("192.168.1.0/24", "fd00::/64")
ROUTE = {"to": "10.9.0.0/16", "via": "192.168.1.7"}
PLACES = pytest.mark.parametrize(("place", "path"), [({}, BLUE_PATH), ({"netns": None, "default_route": True}, HOST.path)])
OF_ROUTES = (AddConnectedRoute, AddRoute, DeleteRoute, ReplaceRoute)


def in_vrf(host, path, ifname):
    """Somebody puts a link into a VRF, with which its routes leave the main table."""
    host.gain(link("red", VRF, kind="vrf"), path)
    host.change(ifname, path, master=VRF)
    one = host.kernel.spaces[path]
    index = one.links[ifname].index
    host.kernel = with_space(host.kernel, dataclasses.replace(one, routes={**one.routes, index: ()}), path)


def host_with_one_in_a_vrf(place, path):
    host = Host()
    host.run(network(subnets=SUBNETS), asked(place))
    in_vrf(host, path, "mv0")
    return host


def asked(place, **values):
    return endpoint(**{"ifname": "mv0", "routes": [ROUTE], **place, **values})


def drift(host):
    return [(item.field, item.recorded, item.actual) for item in drift_of(PlanBuilder(host.record, host.kernel))]


@PLACES
def test_nothing_differs_and_nothing_is_repaired(place, path):
    host = host_with_one_in_a_vrf(place, path)
    assert drift(host) == []
    for request in (asked(place), network(subnets=SUBNETS), Restoration(), configuration(network(subnets=SUBNETS), asked(place))):
        assert not host.plan(request).changed


@PLACES
@pytest.mark.parametrize(
    "values",
    [
        {"ipv4": "192.168.1.77"},
        {"ipv6": "fd00::77"},
        {"mtu": 1400},
        {"mac": "02:00:00:00:00:01"},
        {"ifname": "mv1"},
        {"sysctls": {"net.ipv4.conf.IFNAME.rp_filter": "2"}},
        {"labels": {"a": "b"}},
        {"announce": False},
        {"routes": []},
        {"default_route": False},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_is_no_route_changes_there_as_elsewhere(place, path, values):
    host = host_with_one_in_a_vrf(place, path)
    host.kernel = dataclasses.replace(host.kernel, renames_live=True)
    made = host.run(asked(place, **values))
    assert made.changed
    assert not [step for step in made.steps if isinstance(step, OF_ROUTES)]
    assert drift(host) == []
    assert not host.plan(asked(place, **values)).changed


@PLACES
@pytest.mark.parametrize("lost", ["up", "address", "mtu"])
def test_its_foreign_changes_are_repaired_without_a_route(place, path, lost):
    host = host_with_one_in_a_vrf(place, path)
    one = host.kernel.spaces[path]
    if lost == "address":
        host.kernel = with_space(host.kernel, dataclasses.replace(one, addresses={}), path)
    else:
        host.change("mv0", path, **{"up": {"up": False}, "mtu": {"mtu": 1300}}[lost])
    assert drift(host)
    for request in (asked(place), Restoration()):
        assert not [step for step in host.plan(request).steps if isinstance(step, OF_ROUTES)]
    host.run(asked(place))
    assert drift(host) == []


@PLACES
@pytest.mark.parametrize(
    ("values", "route"),
    [
        ({"routes": [ROUTE, {"to": "10.8.0.0/16"}]}, "10.8.0.0/16"),
        ({"routes": [{**ROUTE, "via": "192.168.1.8"}]}, "10.9.0.0/16 via 192.168.1.8"),
        ({"routes": [{**ROUTE, "metric": 7}]}, "10.9.0.0/16 via 192.168.1.7 metric 7"),
    ],
)
def test_a_route_that_is_asked_for_is_refused_with_the_name_of_the_vrf(place, path, values, route):
    host = host_with_one_in_a_vrf(place, path)
    with pytest.raises(PlanError) as caught:
        host.plan(asked(place, **values))
    where, ip = (" in namespace blue", "ip -n blue") if path else ("", "ip")
    assert str(caught.value) == (
        f"endpoint lan/web: cannot add the route to {route}: mv0{where} is in the VRF red, where the collection adds no "
        f"routes; take it out of the VRF first: {ip} link set dev mv0 nomaster"
    )


@PLACES
def test_another_gateway_of_its_network_is_refused(place, path):
    host = host_with_one_in_a_vrf(place, path)
    changed = network(subnets=[{"subnet": SUBNETS[0], "gateway": "192.168.1.254"}, SUBNETS[1]])
    with pytest.raises(PlanError, match=r"0\.0\.0\.0/0 via 192\.168\.1\.254: mv0.* VRF red.* or use default_route: false"):
        host.plan(changed)
    host.run(asked(place, default_route=False))
    host.run(changed)
    assert drift(host) == []


@PLACES
def test_it_is_not_taken_down_for_a_new_name(place, path):
    host = host_with_one_in_a_vrf(place, path)
    host.kernel = dataclasses.replace(host.kernel, renames_live=False)
    with pytest.raises(PlanError, match=r"ifname: mv0.* is in the VRF red, and this kernel cannot rename a link that is up"):
        host.plan(asked(place, ifname="mv1"))


@PLACES
def test_later_foreign_routes_in_the_main_table_are_no_obstacle(place, path):
    host = host_with_one_in_a_vrf(place, path)
    host.gain(link("v", 90, kind="veth"), path)
    one = host.kernel.spaces[path]
    host.kernel = with_space(host.kernel, dataclasses.replace(one, routes={**one.routes, 90: (Route("0.0.0.0/0", "172.16.0.1"),)}), path)
    assert not host.plan(asked(place)).changed
    host.run(network(subnets=SUBNETS, mtu=1400))
    assert drift(host) == []


@PLACES
def test_out_of_the_vrf_again_it_gets_its_routes_back(place, path):
    host = host_with_one_in_a_vrf(place, path)
    host.change("mv0", path, master=None)
    assert drift(host)
    host.run(asked(place))
    assert drift(host) == []


@PLACES
def test_it_is_removed_like_any_other(place, path):
    host = host_with_one_in_a_vrf(place, path)
    host.run(no_endpoint())
    found = host.kernel.spaces[path]
    assert "mv0" not in found.links and "red" in found.links


def test_one_whose_record_was_lost_is_taken_up():
    host = host_with_one_in_a_vrf({}, BLUE_PATH)
    record, host.record = host.record, type(host.record)()
    host.run(network(subnets=SUBNETS), asked({}))
    assert host.record.endpoints == record.endpoints
    assert drift(host) == []


def test_another_kind_of_master_leaves_routes_where_they_are():
    host = host_with_one_in_a_vrf({}, BLUE_PATH)
    host.kernel = changed_link(host.kernel, "red", BLUE_PATH, kind="bridge")
    assert {item[0] for item in drift(host)} == {"routes", "default_route"}
    assert [step for step in said(host.plan(asked({}))) if "route" in step]
