# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans: what holds after any sequence of requests, on a host that exists in the simulation."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.compare.ownership import find_link
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST, Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import shown_object
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.needs import needs_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import EndpointOptions
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.subinterface import (
    SubInterfaceRemoval,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result import outcome
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import conflicts_of, drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.record_diff import (
    apply_changes,
    changes_between,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.simulate import kernel_after
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import (
    AddLink,
    CreateNetns,
    DeleteLink,
    DeleteNetns,
    Note,
    inverse,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.stored import from_plain, to_plain
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import (
    version_of,
    without_prefix,
)
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import ETH0, ETH1, Host, link, space, vlan_link

pytestmark = pytest.mark.engine

DOCKER, GREEN = "/var/run/docker/netns/c1", "/run/netns/green"

# A small world, so that requests meet each other often: what an object is by default, and what a task may say instead.
NETWORKS = {
    "a": {"parent": "eth0.50", "subnets": ["10.0.1.0/24"]},
    "b": {"parent": "eth1", "subnets": ["10.0.3.0/29", "10.0.5.0/24", "fd01::/64"]},
    "c": {"parent": None, "subnets": []},
    "d": {"parent": "eth0.50.6", "subnets": [{"subnet": "10.0.4.0/24", "ip_range": "10.0.4.0/25"}]},
}
OF_A_NETWORK = (
    {"parent": "eth0"},
    {"parent": "eth1"},
    {"parent": "eth0.50"},
    {"parent": "eth1.7"},
    {"parent": "eth1.9"},
    {"parent": None},
    {"mode": "private"},
    {"mode": "vepa"},
    {"mode": "passthru"},
    {"mtu": 1400},
    {"mtu": 1280},
    {"internal": True},
    {"ipv6": True},
    {"labels": {"a": "b"}},
    {"allow_overlap": True},
    {"allow_shared_parent": True},
    {"allow_shared_parent": True, "allow_overlap": True},
    {"subnets": [], "ipam": "none"},
    {"subnets": []},
    {"subnets": ["10.0.1.0/24", "fd02::/64"]},
    {"subnets": ["10.0.1.0/24", "10.0.6.0/24"]},
    {"subnets": [{"subnet": "10.0.1.0/24", "gateway": "10.0.1.9"}]},
    {"subnets": [{"subnet": "10.0.1.0/24", "gateway": "none", "aux_addresses": {"nas": "10.0.1.7"}}]},
    {"subnets": [{"subnet": "10.0.1.0/24", "exclude": ["10.0.1.7", "10.0.1.0/29"], "ip_range": ["10.0.1.0/28", "10.0.1.200/31"]}]},
    {"subnets": [{"subnet": "10.0.1.0/24", "ip_range": "10.0.1.64/26"}]},
    {"subnets": [{"subnet": "10.0.4.0/24", "ip_range": "10.0.4.128/25"}]},
    {"subnets": [{"subnet": "10.0.4.0/24", "ip_range": "10.0.4.128/30", "gateway": "10.0.4.254"}]},
    {"subnets": [{"subnet": "10.0.3.0/29", "gateway": "10.0.3.6"}, "fd01::/64"]},
    {"host_access": True},
    {"host_access": {"metric": 7, "ifname": "mv-x"}},
    {"host_access": {"routes": "ranges"}, "subnets": [{"subnet": "10.0.1.0/24", "ip_range": "10.0.1.64/26"}]},
    {"host_access": {"address": "10.0.1.1"}, "subnets": ["10.0.1.0/24"]},
)
PLACES = {
    "x": {"netns": "blue"},
    "y": {"netns": "red"},
    "z": {"netns_path": DOCKER},
}
OF_AN_ENDPOINT = (
    {"netns": "blue", "netns_path": None, "ifname": "net1", "default_route": False},
    {"netns": "green", "netns_path": None},
    {"netns": None, "netns_path": None, "pid": None},
    {"ifname": "net0"},
    {"ifname": "net0", "announce": False},
    {"ipv4": "10.0.1.9"},
    {"ipv4": "10.0.1.7"},
    {"ipv4": "10.0.4.200"},
    {"ipv6": "fd01::9"},
    {"subnet": "10.0.5.0/24"},
    {"mac": "02:00:00:00:00:01"},
    {"mtu": 1280},
    {"mtu": 1350},
    {"default_route": False},
    {"default_route": True},
    {"routes": [{"to": "10.99.0.0/16", "via": "10.0.1.1"}]},
    {"routes": [{"to": "10.99.0.0/16", "via": "10.0.1.8"}]},
    {"routes": [{"to": "10.99.0.0/16", "via": "10.0.1.8", "metric": 7}]},
    {"routes": [{"to": "10.98.0.0/16", "metric": 7}, {"to": "10.97.0.0/16"}]},
    {"routes": [{"to": "fd99::/64", "via": "fe80::1"}]},
    {"routes": [{"to": "10.99.0.0/16", "via": "10.96.0.1", "onlink": True}]},
    {"routes": [{"to": "10.99.0.0/16", "via": "10.96.0.1"}, {"to": "10.96.0.0/24"}]},
    {"sysctls": {"net.ipv4.conf.IFNAME.arp_notify": "2"}},
    {"sysctls": {"net.ipv4.conf.IFNAME.rp_filter": "2"}},
    {"labels": {"a": "b"}},
    {"announce": False},
)
OF_A_SUBINTERFACE = ({}, {"gvrp": True}, {"egress_qos_map": {"1": 2}}, {"loose_binding": True}, {"reorder_hdr": False})


def merged(fragments):
    return {key: value for fragment in fragments for key, value in fragment.items()}


def some_of(fragments):
    """None, one or two of them: with more, hardly a request would be possible."""
    return st.lists(st.sampled_from(fragments), max_size=2).map(merged)


networks = st.builds(
    lambda name, changes: builders.network(name, **{**NETWORKS[name], **changes}),
    st.sampled_from(sorted(NETWORKS)),
    some_of(OF_A_NETWORK),
)
endpoints = st.builds(
    lambda network, name, changes: builders.endpoint(name, network, **{**PLACES[name], **changes}),
    st.sampled_from(sorted(NETWORKS)),
    st.sampled_from(sorted(PLACES)),
    some_of(OF_AN_ENDPOINT),
)
subinterfaces = st.builds(
    lambda name, changes: builders.subinterface(name, **changes),
    st.sampled_from(("eth0.50", "eth1.9", "eth0.50.6")),
    st.sampled_from(OF_A_SUBINTERFACE),
)
removals = st.one_of(
    st.builds(builders.no_network, st.sampled_from(sorted(NETWORKS)), st.booleans()),
    st.builds(builders.no_endpoint, st.sampled_from(sorted(PLACES)), st.sampled_from(sorted(NETWORKS))),
    st.builds(builders.no_subinterface, st.sampled_from(("eth0.50", "eth1.9", "eth0.50.6"))),
)


# Endpoints most of all: they have the most to go wrong.
KINDS = (*[endpoints] * 6, *[networks] * 3, subinterfaces, *[removals] * 2)


@st.composite
def requests(draw):
    """A request that is right in itself; None when the options contradict each other."""
    try:
        return draw(draw(st.sampled_from(KINDS)))
    except OptionsError:
        return None


@st.composite
def sequences_of_requests(draw):
    """Some networks, and then whatever comes: without networks there would be no endpoints."""
    missing = draw(st.sets(st.sampled_from(sorted(NETWORKS)), max_size=2))
    rest = draw(st.lists(requests().filter(lambda request: request is not None), min_size=2, max_size=12))
    return [builders.network(name, **NETWORKS[name]) for name in sorted(set(NETWORKS) - missing)] + rest


sequences = sequences_of_requests()


def a_host():
    """Two Ethernet links, a foreign VLAN, and two foreign namespaces with a link of their own."""
    return Host(
        builders.kernel(
            vlan_link("eth1.7", 7, ETH1, 7),
            addresses={ETH0: ("172.17.0.9/16", "10.200.0.1/24")},
            routes={ETH0: (Route("0.0.0.0/0", "10.200.0.254"), Route("10.200.0.0/24"))},
            spaces={GREEN: space(link("veth0", 8, kind="veth")), DOCKER: space(link("eth9", 9, kind="veth"))},
        )
    )


# --- what others do between requests --------------------------------------------------------------------------------

# Of subnets of the networks: the addresses that they give out first, those that tasks ask for, and gateways.
OF_THE_HOST = (
    *(f"10.0.1.{last}/24" for last in (1, 2, 3, 7, 9)),
    *(f"10.0.3.{last}/29" for last in (1, 2, 6)),
    *(f"10.0.4.{last}/24" for last in (2, 129, 200)),
    *(f"fd01::{last}/64" for last in (1, 2, 9)),
)
# On a link of ours, in a subnet of its network or not, with routes or without.
AT_RUN_TIME = (
    (("10.0.1.200/24", "10.88.0.0/16", "10.0.1.201", 100),),
    (("10.66.0.50/24", "0.0.0.0/0", "10.66.0.1", 100), ("10.0.1.51/32", None, None, 0)),
    (("10.0.5.51/32", None, None, 0), ("10.0.5.99/24", None, None, 0)),
    (("fd56::4/64", "::/0", "fe80::1", 512),),
)


@dataclasses.dataclass(frozen=True)
class Gained:
    """An address that the host gets.

    :ivar index: of its link
    """

    index: int
    address: str

    def happen(self, host):
        own = host.kernel.spaces[HOST.path]
        found = own.addresses.get(self.index, ())
        addresses = {**own.addresses, self.index: (*(item for item in found if item != self.address), self.address)}
        host.kernel = builders.with_space(host.kernel, dataclasses.replace(own, addresses=addresses), HOST.path)


@dataclasses.dataclass(frozen=True)
class Met:
    """An address of an endpoint that the host gets as well.

    :ivar number: chooses the endpoint
    """

    index: int
    number: int

    def happen(self, host):
        held = [address for item in host.record.endpoints.values() for address in item.addresses]
        if held:
            Gained(self.index, held[self.number % len(held)]).happen(host)


@dataclasses.dataclass(frozen=True)
class Lost:
    """All that the host had besides what it began with."""

    def happen(self, host):
        first, own = a_host().kernel.spaces[HOST.path], host.kernel.spaces[HOST.path]
        addresses = {**own.addresses, **{index: first.addresses.get(index, ()) for index in (ETH0, ETH1)}}
        host.kernel = builders.with_space(
            host.kernel, dataclasses.replace(own, addresses=addresses, next_hops={}), HOST.path
        )


@dataclasses.dataclass(frozen=True)
class Routed:
    """A router that the host goes by from now on."""

    index: int
    address: str

    def happen(self, host):
        own = host.kernel.spaces[HOST.path]
        hops = {**own.next_hops, (self.index, without_prefix(self.address)): "10.77.0.0/16"}
        host.kernel = builders.with_space(host.kernel, dataclasses.replace(own, next_hops=hops), HOST.path)


@dataclasses.dataclass(frozen=True)
class Given:
    """What a program puts on the link of an endpoint in another namespace.

    :ivar number: chooses the endpoint
    """

    number: int
    items: tuple[tuple[str, str | None, str | None, int], ...]

    def happen(self, host):
        links = [item for item in links_of(host) if item[0].netns.path]
        if not links:
            return
        endpoint, one, found = links[self.number % len(links)]
        addresses, routes = one.addresses.get(found.index, ()), one.routes.get(found.index, ())
        for address, to, via, metric in self.items:
            if endpoint.ipv6 or version_of(address) == 4:
                connected = Route.connected(address)
                more = [Route(to, via, metric), *([connected] if connected else [])] if to else []
                addresses = (*(item for item in addresses if item != address), address)
                routes = (*(item for item in routes if item not in more), *more)
        changed = dataclasses.replace(
            one,
            addresses={**one.addresses, found.index: addresses},
            routes={**one.routes, found.index: routes},
        )
        host.kernel = builders.with_space(host.kernel, changed, endpoint.netns.path)


def links_of(host):
    """(endpoint, its namespace, its link) of those recorded whose link is there."""
    found = []
    for endpoint in host.record.endpoints.values():
        one = host.kernel.spaces.get(endpoint.netns.path)
        parent = host.link(host.record.networks[endpoint.network].parent)
        link = find_link(one, endpoint, parent) if one else None
        if link is not None:
            found.append((endpoint, one, link))
    return found


HAPPENINGS = (Gained, Met, Lost, Routed, Given)
happenings = st.one_of(
    st.builds(Gained, st.sampled_from((ETH0, ETH1)), st.sampled_from(OF_THE_HOST)),
    st.builds(Routed, st.sampled_from((ETH0, ETH1)), st.sampled_from(OF_THE_HOST)),
    st.builds(Met, st.sampled_from((ETH0, ETH1)), st.integers(0, 5)),
    *[st.builds(Given, st.integers(0, 5), st.sampled_from(AT_RUN_TIME))] * 2,
    st.just(Lost()),
)
# Those for whom it matters what others do: that ask for an address, have a gateway on a parent, or rename a link.
concerned = st.one_of(
    st.builds(
        lambda place, last: builders.endpoint(place, "a", ipv4=f"10.0.1.{last}", **PLACES[place]),
        st.sampled_from(sorted(PLACES)),
        st.sampled_from((2, 3, 7, 9)),
    ),
    st.builds(
        lambda last: builders.network("b", parent="eth1", subnets=[{"subnet": "10.0.3.0/29", "gateway": f"10.0.3.{last}"}, *NETWORKS["b"]["subnets"][1:]]),
        st.sampled_from((1, 2, 6)),
    ),
    st.builds(
        lambda network, place, ifname: builders.endpoint(place, network, ifname=ifname, **PLACES[place]),
        st.sampled_from(("a", "b")),
        st.sampled_from(sorted(PLACES)),
        st.sampled_from(("eth0", "net0")),
    ),
)


@st.composite
def lives_of_hosts(draw):
    """A sequence of requests, and what others do between them."""
    life = []
    for request in draw(sequences):
        life += [request, *draw(st.lists(happenings, max_size=2)), *draw(st.lists(concerned, max_size=1))]
    return life


lives = lives_of_hosts()


def runs(life):
    """(host before, request, plan, host after) for each request of a life, or of a sequence, that is not refused."""
    host = a_host()
    for request in life:
        if isinstance(request, HAPPENINGS):
            request.happen(host)
            continue
        before = Host(host.kernel, host.record)
        try:
            made = host.run(request)
        except PlanError:
            assert (host.kernel, host.record) == (before.kernel, before.record)
            continue
        yield before, request, made, host


def touched(step):
    """(path, name) of the link or the namespace that a step changes."""
    if isinstance(step, (CreateNetns, DeleteNetns)):
        return Netns("name", step.name).path, None
    if isinstance(step, (AddLink, DeleteLink)):
        return step.netns.path, step.link.name
    if isinstance(step, Note):
        return None, None
    return step.netns.path, step.ifname


@settings(max_examples=30)
@given(lives)
def test_asking_again_changes_nothing(life):
    for dummy, request, dummy, host in runs(life):
        again = host.plan(request)
        assert builders.said(again) == []
        assert not again.changed


@settings(max_examples=100)
@given(sequences, st.lists(st.tuples(st.sampled_from(("eth0", "eth1")), st.sampled_from((1280, 1400, 1500, 9000))), max_size=12))
def test_a_run_that_changes_something_says_so_in_steps_and_difference(sequence, changes):
    host = a_host()
    for number, request in enumerate(sequence):
        if number < len(changes):
            host.change(changes[number][0], mtu=changes[number][1])
        before = HostView(host.record, host.kernel)
        try:
            made = host.run(request)
        except PlanError:
            continue
        told = outcome.outcome_of(request, [request], made, before, ())
        assert told.changed == bool(told.steps)
        assert drift_of(before, right=made.right) == drift_of(before)
        assert made.before == made.after or told.before != told.after


@settings(max_examples=30)
@given(lives)
def test_after_a_run_nothing_has_drifted(life):
    for dummy, dummy, dummy, host in runs(life):
        assert drift_of(HostView(host.record, host.kernel)) == []


@settings(max_examples=30)
@given(sequences)
def test_steps_that_are_done_and_undone_leave_the_kernel_as_it_was(sequence):
    for before, dummy, made, dummy in runs(sequence):
        there = kernel_after(before.kernel, made.steps)
        back = kernel_after(there, inverse(made.steps))
        assert builders.shape(back) == builders.shape(before.kernel)


@pytest.mark.parametrize(
    "undone",
    [
        pytest.param(lambda steps, count: steps[:count], id="what was done"),
        # The journal has all steps, and does not say how many of them were performed.
        pytest.param(lambda steps, dummy: steps, id="the whole plan"),
    ],
)
@settings(max_examples=30)
@given(sequence=sequences)
def test_steps_that_are_done_in_part_and_undone_leave_the_kernel_as_it_was(undone, sequence):
    for before, dummy, made, dummy in runs(sequence[:6]):
        for count in range(len(made.steps)):
            there = kernel_after(before.kernel, made.steps[:count])
            back = kernel_after(there, inverse(undone(made.steps, count)))
            assert builders.shape(back) == builders.shape(before.kernel)


@settings(max_examples=30)
@given(lives)
def test_the_journal_says_the_same_as_the_plan(life):
    for before, dummy, made, dummy in runs(life):
        read = [from_plain(json.loads(json.dumps(to_plain(step)))) for step in made.steps]
        assert tuple(read) == made.steps
        assert apply_changes(before.record, changes_between(made.before, made.after)) == made.after


@settings(max_examples=30)
@given(lives)
def test_no_address_and_no_mac_is_ever_held_twice(life):
    for dummy, dummy, dummy, host in runs(life):
        builders.assert_sound(host.record)
        held = {(lease.pool, lease.address) for lease in builders.leases_of(host.record)}
        assert len(held) == len(builders.leases_of(host.record))


@settings(max_examples=30)
@given(lives)
def test_no_step_touches_what_is_not_ours(life):
    foreign = {(path, name) for path, one in a_host().kernel.spaces.items() for name in one.links}
    foreign |= {(path, None) for path in a_host().kernel.spaces}
    for dummy, dummy, made, host in runs(life):
        everything = [*made.steps, *inverse(made.steps)]
        assert [step for step in everything if touched(step) in foreign] == []
        for path, name in foreign:
            if name is not None:
                assert host.link(name, path) == a_host().link(name, path)


@settings(max_examples=30)
@given(lives)
def test_the_same_input_gives_the_same_plan(life):
    for before, request, made, dummy in runs(life):
        again = before.plan(request)
        for field in ("steps", "before", "after", "warnings", "removal", "changed"):
            assert getattr(again, field) == getattr(made, field)
        # The order in which the kernel lists things is no input.
        turned = Host(
            dataclasses.replace(before.kernel, spaces={path: turn(one) for path, one in before.kernel.spaces.items()}),
            before.record,
        ).plan(request)
        assert builders.said(turned) == builders.said(made)


def turn(one):
    """A namespace whose links, addresses and routes are listed the other way round."""
    if one is None:
        return None
    return dataclasses.replace(
        one,
        links=dict(reversed(one.links.items())),
        addresses={index: found[::-1] for index, found in one.addresses.items()},
        routes={index: found[::-1] for index, found in one.routes.items()},
    )


@settings(max_examples=30)
@given(lives)
def test_a_plan_foresees_the_kernel_to_which_its_steps_lead(life):
    for before, dummy, made, dummy in runs(life):
        followed = kernel_after(before.kernel, made.steps)
        foreseen = dataclasses.replace(before.kernel, spaces=made.outcome.spaces)
        assert builders.shape(followed) == builders.shape(foreseen)


@settings(max_examples=30)
@given(lives)
def test_a_plan_reads_all_that_it_needs(life):
    """What is not asked for by needs_of is not read, and must not be missed."""
    for before, request, made, dummy in runs(life):
        needs = needs_of([request], before.record)
        paths = {netns.path for netns in needs.spaces}
        spaces = {path: one for path, one in before.kernel.spaces.items() if path in paths}
        if not needs.host_routes:
            spaces[HOST.path] = dataclasses.replace(spaces[HOST.path], routes={})
        if not needs.next_hops:
            spaces[HOST.path] = dataclasses.replace(spaces[HOST.path], next_hops={})
        spaces = {path: only(one, needs.spaces, path) for path, one in spaces.items()}
        known = {netns.path for netns in needs.identities} | paths
        identities = {path: one for path, one in before.kernel.identities.items() if path in known}
        kernel = dataclasses.replace(before.kernel, spaces=spaces, identities=identities)
        assert builders.said(Host(kernel, before.record).plan(request)) == builders.said(made)


def only(one, asked, path):
    """A namespace with the settings that were asked for."""
    if one is None:
        return None
    keys = {key for netns, found in asked.items() if netns.path == path for key in found}
    return dataclasses.replace(one, sysctls={key: value for key, value in one.sysctls.items() if key in keys})


@settings(max_examples=30)
@given(sequences)
def test_every_object_can_be_shown_and_counts_what_it_has(sequence):
    for dummy, dummy, dummy, host in runs(sequence):
        shown = View(HostView(host.record, host.kernel)).everything(None, None)
        json.dumps(shown)
        assert [item["name"] for item in shown["networks"]] == sorted(host.record.networks)
        for item in shown["networks"]:
            assert all(subnet["in_use"] >= 0 and subnet["available"] >= 0 for subnet in item["subnets"])
        # The interfaces of the host are shown with their networks.
        accesses = [item for item in shown["networks"] if item["host_access"] is not None]
        assert len(shown["endpoints"]) + len(accesses) == len(host.record.endpoints)


@settings(max_examples=30)
@given(lives)
def test_when_all_is_removed_the_kernel_is_as_it_was_at_the_start(life):
    host = a_host()
    for dummy, dummy, dummy, last in runs([*life, Lost()]):
        host = last
    for network in list(host.record.networks):
        host.run(builders.no_network(network, force=True))
    for name in sorted(host.record.links, reverse=True):
        if name in host.record.links:
            host.run(SubInterfaceRemoval(name))
    assert host.record == Record()
    assert builders.shape(host.kernel) == builders.shape(a_host().kernel)


def in_use(host):
    """The addresses of the host's hardware, and its routers."""
    own = host.kernel.spaces[HOST.path]
    on_links = {without_prefix(item) for index in (ETH0, ETH1) for item in own.addresses.get(index, ())}
    return on_links | {hop for dummy, hop in own.next_hops}


def held_by(record):
    """(endpoint, address) of all that is leased to endpoints."""
    return {(item.key, without_prefix(address)) for item in record.endpoints.values() for address in item.addresses}


@settings(max_examples=100)
@given(lives)
def test_an_address_in_use_is_not_chosen_and_is_kept_with_a_warning(life):
    for before, request, made, host in runs(life):
        used, earlier = in_use(before), held_by(before.record)
        kept = {(key, address) for key, address in held_by(host.record) if address in used}
        assert kept <= earlier
        if isinstance(request, EndpointOptions):
            told = [text for text in made.warnings if ": it keeps " in text]
            mine = [address for key, address in kept if key == (request.network, request.name)]
            assert all(any(f"{request.title}: it keeps {address}, " in text for text in told) for address in mine)
        # The interface of the host is shown with its network.
        shown = {key: shown_object(item.ref) for key, item in host.record.endpoints.items()}
        drifted = {(item.ref, without_prefix(item.recorded)) for item in conflicts_of(HostView(host.record, host.kernel), shown.values())}
        assert {(shown[key], address) for key, address in kept} <= drifted


@settings(max_examples=30)
@given(lives)
def test_a_requested_address_in_use_is_refused_unless_the_endpoint_has_it(life):
    host = a_host()
    for request in life:
        if isinstance(request, HAPPENINGS):
            request.happen(host)
            continue
        asked = {request.ipv4, request.ipv6} & in_use(host) if isinstance(request, EndpointOptions) else set()
        key = (request.network, request.name) if asked else ()
        earlier = held_by(host.record)
        try:
            host.run(request)
        except PlanError:
            continue
        assert all((key, address) in earlier for address in asked)


@settings(max_examples=100)
@given(lives)
def test_a_parent_is_never_the_gateway_of_a_default_route(life):
    for before, dummy, dummy, host in runs(life):
        known = {(name, subnet.gateway) for name, item in before.record.networks.items() for subnet in item.subnets}
        for name, item in host.record.networks.items():
            parent = before.link(item.parent)
            found = before.kernel.spaces[HOST.path].addresses.get(parent.index, ()) if parent else ()
            gateways = {subnet.gateway for subnet in item.subnets} & {without_prefix(address) for address in found}
            assert item.internal or all((name, gateway) in known for gateway in gateways)


def of_others(endpoint, one, link):
    """The addresses and routes of a link that are not those of its endpoint, nor of an address."""
    connected = {Route.connected(address) for address in one.addresses.get(link.index, ())}
    routes = {route for route in one.routes.get(link.index, ()) if route not in connected}
    return set(one.addresses.get(link.index, ())) - set(endpoint.addresses), routes - set(endpoint.all_routes)


@settings(max_examples=100)
@given(lives)
def test_what_programs_put_on_a_link_stays_while_the_endpoint_does(life):
    for before, dummy, made, host in runs(life):
        after = {item[0].key: item for item in links_of(host)}
        for endpoint, one, found in links_of(before):
            addresses, routes = of_others(endpoint, one, found)
            if endpoint.key not in host.record.endpoints or not (addresses or routes):
                continue
            same, space, now = after[endpoint.key]
            assert now.index == found.index
            left = of_others(same, space, now)
            lost = {*(addresses - left[0]), *(f"the route to {route.to} via {route.via}" for route in routes - left[1])}
            assert not lost or now.name != found.name
            assert all(any(endpoint.title in text and item in text for text in made.warnings) for item in lost)


@settings(max_examples=30)
@given(lives)
def test_a_restoration_keeps_the_settings_of_other_programs(life):
    host = a_host()
    for dummy, dummy, dummy, last in runs(life):
        host = last
        restored = host.plan(Restoration())
        assert builders.said(restored) == []
        assert restored.missing == ()
