# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift and plans see the same: a difference is told exactly when the same request has a step that mends it."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.compare.claims import DEFAULT_ROUTES
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.compare.differences import (
    competing_routes,
    of_subinterface,
    vlan_state,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.compare.ownership import fits
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.compare.wanted_settings import PROMOTION
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import SubInterface
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import (
    endpoint_ref,
    network_ref,
    subinterface_ref,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import OtherRoute, Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import (
    AddAddress,
    AddConnectedRoute,
    AddRoute,
    DeleteAddress,
    DeleteRoute,
    Note,
    ReplaceRoute,
    SetLink,
    SetSysctls,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import version_of
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import BLUE_PATH, ETH0, Host, endpoint, kernel, network, subinterface

pytestmark = pytest.mark.engine

WEB, VLAN, ALONE = endpoint_ref("lan", "web"), subinterface_ref("eth0.50"), network_ref("alone")
DUMMY = names.dummy_name(names.object_id("host", "network", "alone"))
OWNERS = {"eth0.50": VLAN, DUMMY: ALONE}
ROUTE = {"to": "10.9.0.0/16", "via": "192.168.1.7", "metric": 5}
OURS = ("192.168.1.2/24", "fd00::2/64")
ROUTES = (Route("0.0.0.0/0", "192.168.1.1"), Route("::/0", "fd00::1"), Route("10.9.0.0/16", "192.168.1.7", 5))
CONNECTED = tuple(route for address in OURS for route in (Route.connected(address),) if route is not None)


def asked(exclusive=False):
    return (
        subinterface("eth0.50", mtu=1450),
        network(parent="eth1", subnets=["192.168.1.0/24", "fd00::/64"], exclusive=exclusive),
        network("alone", parent=None, subnets=["10.5.0.0/24"]),
        endpoint(routes=[ROUTE], sysctls={"net.ipv4.conf.IFNAME.rp_filter": "2"}),
    )


# --- what others do -------------------------------------------------------------------------------------------------

FOREIGN = ("192.168.1.200/24", "192.168.1.201/32", "10.66.0.50/24", "fd00::77/64", "2001:db8::1/64")
OTHER_LENGTH = ("192.168.1.2/16", "fd00::2/48")
RIVALS = (Route("0.0.0.0/0", "192.168.1.9"), Route("192.168.1.0/24", "192.168.1.9"), Route("10.9.0.0/16", "192.168.1.8", 5))
BESIDE = (Route("10.77.0.0/16", "192.168.1.7"), Route("0.0.0.0/0", "192.168.1.9", 100))
ODD = (OtherRoute(("::/0", 77), "blackhole"), OtherRoute(("10.1.0.0/16", 0), "unreachable"))
OF_A_LINK = {"mtu": (1400, 1000), "mode": ("private",), "mac": ("02:00:00:00:00:01",), "alias": ("",), "up": (False,)}
OF_A_VLAN = {"gvrp": (True,), "reorder_hdr": (False,), "egress_qos_map": ({"1": 2},)}
SETTINGS = ("net.ipv6.conf.eth0.accept_ra", "net.ipv4.conf.eth0.arp_notify", "net.ipv4.conf.eth0.rp_filter")


def some(fields):
    """Some of the fields, each with one of its values."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in fields.items()})


def part_of(items):
    return st.sets(st.sampled_from(items))


@dataclasses.dataclass(frozen=True)
class Tampering:
    """What is otherwise than it was made.

    :ivar lost: addresses and routes that are gone
    :ivar gained: addresses and routes that are there besides
    :ivar temporary: those of the addresses that have a lifetime
    """

    of_link: dict
    renamed: bool
    lost: set
    gained: set
    temporary: set
    odd: set
    settings: dict
    of_loopback: dict
    of_subinterface: dict
    of_vlan: dict
    of_dummy: dict

    def happen(self, host):
        self._to_endpoint(host)
        host.change("lo", BLUE_PATH, **self.of_loopback)
        vlan = dataclasses.replace(host.link("eth0.50").vlan, **self.of_vlan)
        host.change("eth0.50", **self.of_subinterface, vlan=vlan)
        host.change(DUMMY, **self.of_dummy)

    def _to_endpoint(self, host):
        host.change("eth0", BLUE_PATH, **self.of_link)
        one = host.kernel.spaces[BLUE_PATH]
        link = one.links["eth0"]
        addresses = [item for item in (*OURS, *sorted(self.gained & {*FOREIGN, *OTHER_LENGTH})) if item not in self.lost]
        # The kernel takes no second prefix length of an IPv6 address.
        addresses = [item for item in addresses if item != OTHER_LENGTH[1] or OURS[1] not in addresses]
        # The route of an address that is gone is a matter of that address.
        lost = {item for item in self.lost if item not in CONNECTED or OURS[CONNECTED.index(item)] in addresses}
        routes = [item for item in (*CONNECTED, *ROUTES, *RIVALS, *BESIDE) if item not in lost]
        routes = [item for item in routes if item in (*CONNECTED, *ROUTES) or item in self.gained]
        # Nor one of two routes to one place.
        known = {item.destination_and_metric for item in routes if item not in RIVALS}
        routes = [item for item in routes if item not in RIVALS or item.destination_and_metric not in known]
        found = dataclasses.replace(
            one,
            addresses={link.index: tuple(addresses)},
            routes={link.index: tuple(routes)},
            temporary=frozenset((link.index, item) for item in self.temporary),
            other_routes=tuple(sorted(self.odd, key=repr)),
            sysctls={**one.sysctls, **self.settings},
        )
        host.kernel = builders.with_space(host.kernel, found, BLUE_PATH)
        if self.renamed:
            host.lose("eth0", BLUE_PATH)
            host.gain(dataclasses.replace(link, name="wan0"), BLUE_PATH)


def is_known(tampering):
    """Whether the link of the endpoint can still be told from one of somebody else's, who has its name."""
    return "alias" not in tampering.of_link or not (tampering.renamed or "mac" in tampering.of_link)


tamperings = st.builds(
    Tampering,
    some(OF_A_LINK),
    st.booleans(),
    part_of((*OURS, *CONNECTED, *ROUTES)),
    part_of((*FOREIGN, *OTHER_LENGTH, *RIVALS, *BESIDE)),
    part_of(FOREIGN),
    part_of(ODD),
    some(dict.fromkeys(SETTINGS, ("0", "1"))),
    some({"alias": ("", "mine"), "up": (False,)}),
    some({name: values for name, values in OF_A_LINK.items() if name != "mode"}),
    some(OF_A_VLAN),
    some({"alias": ("",), "up": (False,), "mtu": (1400, 9000)}),
).filter(is_known)


# --- in one tongue --------------------------------------------------------------------------------------------------


def told(host):
    """Object and field of what drift names."""
    return {(item.ref, item.field) for item in drift_of(HostView(host.record, host.kernel))}


def mended(made):
    """Object and field of what the steps of a plan change, in the words of drift."""
    return {found for step in made.steps for found in fields_of(step)}


def fields_of(step):
    if isinstance(step, Note):
        yield from [(WEB, "netns")] if step.text.startswith("forget namespace") else []
    elif isinstance(step, SetLink):
        ref = OWNERS.get(step.ifname, WEB) if step.netns == HOST else WEB
        yield from ((ref, field) for field in attributes_of(step, ref))
    elif isinstance(step, (AddAddress, DeleteAddress)):
        yield WEB, f"ipv{version_of(step.address)}"
    elif isinstance(step, AddConnectedRoute):
        yield WEB, "routes"
    elif isinstance(step, (AddRoute, DeleteRoute, ReplaceRoute)):
        route = step.new if isinstance(step, ReplaceRoute) else step.route
        yield WEB, "default_route" if route.to in DEFAULT_ROUTES else "routes"
    else:
        assert isinstance(step, SetSysctls), step
        # That of a moment, for as long as an address goes, is nobody's wish.
        yield from ((WEB, "sysctls") for item in step.settings if item.key != PROMOTION)


def attributes_of(step, ref):
    if ref == ALONE:
        return ["parent"]
    if step.ifname == "lo":
        return ["netns"]
    if step.attribute == "vlan":
        return [name for name in step.new if step.new[name] != step.old[name]]
    words = {"alias": "link", "name": "ifname", **({"up": "link"} if ref == WEB else {})}
    return [words.get(step.attribute, step.attribute)]


def known_to_both(found, tampering):
    """The settings of a link are looked for under its name, which drift does when that is the recorded one."""
    return {item for item in found if not (tampering.renamed and item == (WEB, "sysctls"))}


def an_aligned_host(exclusive):
    # One that renames a link only while it is down makes much of it anew.
    host = Host(dataclasses.replace(kernel(), renames_live=True))
    for request in asked(exclusive):
        host.run(request)
    assert told(host) == set()
    return host


@settings(max_examples=100)
@given(tamperings, st.booleans(), st.booleans())
def test_a_difference_is_told_exactly_when_a_step_mends_it(tampering, exclusive, restoring):
    host = an_aligned_host(exclusive)
    # A restoration takes nothing for ours that has no tag, and says so instead.
    restoring = restoring and not any("alias" in of_link for of_link in (tampering.of_subinterface, tampering.of_dummy))
    tampering.happen(host)
    before = told(host)
    made = host.run(*([Restoration()] if restoring else asked(exclusive)))
    assert known_to_both(mended(made), tampering) == known_to_both(before, tampering)
    assert told(host) == set()


@settings(max_examples=50)
@given(tamperings)
def test_what_is_left_alone_at_run_time_is_no_difference_and_no_step(tampering):
    """Addresses with a lifetime, and routes that nobody recorded."""
    host = an_aligned_host(exclusive=True)
    gained = tampering.gained & {*FOREIGN, *BESIDE}
    nothing = {name: {} for name in ("of_link", "settings", "of_loopback", "of_subinterface", "of_vlan", "of_dummy")}
    dataclasses.replace(tampering, **nothing, renamed=False, lost=set(), gained=gained, temporary=set(FOREIGN)).happen(host)
    assert told(host) == set()
    assert host.plan(*asked(exclusive=True)).steps == ()


@pytest.mark.parametrize("values", [{"mtu": 1400}, {"up": False}, {"gvrp": True}, {"egress_qos_map": {"1": 2}}, {"vlan_id": 51}])
def test_the_refusal_of_a_foreign_link_names_what_drift_would_tell(values):
    """The link that was made for a task, met by one that does not know it any longer and asks for something else."""
    host = Host(kernel())
    host.run(subinterface("eth0.50"))
    host.record.links.clear()
    host.change("eth0.50", alias="")
    link = host.link("eth0.50")
    actual = vlan_state(host.kernel.spaces[HOST.path], link)
    assert (actual["parent"], link.lower) == ("eth0", ETH0)
    with pytest.raises(PlanError) as caught:
        host.plan(subinterface("eth0.50", **{"parent": "eth0", "vlan_id": 50, **values}))
    ((field, value),) = values.items()
    assert str(caught.value).endswith(f"it differs: {field} is {actual[field]}, not {value}")


def test_routes_that_differ_in_nothing_that_is_read_are_replaced_as_one():
    other = Route("10.9.0.0/16", "10.0.0.99")
    link = builders.link("eth0", 2)
    space = builders.space(link, routes={2: (other, other)})
    assert competing_routes(Route("10.9.0.0/16", "10.0.0.1"), space, link) == [other]


@pytest.mark.parametrize(("lower_netns", "fitting"), [(None, True), (1, False)])
def test_a_base_in_another_namespace_is_not_the_local_link_with_its_number(lower_netns, fitting):
    link = builders.vlan_link("eth0.50", 3, 2, 50, lower_netns=lower_netns)
    host = builders.space(builders.link("eth0", 2), link)
    sub = SubInterface(id="1" * 32, name="eth0.50", parent="eth0", vlan_id=50)
    assert fits(host, link, sub) is fitting
    assert ("parent" in {item.field for item in of_subinterface(sub, host, link)}) is not fitting
