# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects that get new names, with all that they have: chains and circles of names, together with other changes, and again."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.plan import plan
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import requests_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import endpoint_removal
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import config_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import network_removal
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.renames import renamed
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import Host, endpoint, kernel, network

pytestmark = pytest.mark.engine


class RenamingHost(Host):
    """A host whose objects get new names."""

    def plan(self, *requests):
        (request,) = requests
        record, former = renamed(self.record, request.new_names)
        return plan(requests_of(request, record), record, self.kernel, before=self.record, new_names=former)


def prepared(*requests, found=None):
    host = RenamingHost(found or kernel())
    for request in requests:
        host.run(request)
    return host


def having(host, name="lan"):
    """Endpoint → what it has that must stay."""
    return {item.name: (item.ipv4, item.mac, item.netns) for item in host.record.endpoints.values() if item.network == name}


def assert_whole(host):
    builders.assert_sound(host.record)
    assert not drift_of(HostView(host.record, host.kernel))
    for item in host.record.endpoints.values():
        assert item.id == names.object_id("host", "endpoint", item.network, item.name)
    for item in host.record.networks.values():
        assert item.id == names.object_id("host", "network", item.name)


def test_a_network_takes_its_endpoints_along_without_a_new_link():
    host = prepared(network(), endpoint("a", netns="a"), endpoint("b", netns="b", ifname="x0"))
    before = having(host)
    indexes = {path: {link.index for link in one.links.values()} for path, one in host.kernel.spaces.items()}
    made = host.run(network("dmz", renamed_from="lan"))
    assert having(host, "dmz") == before and having(host) == {}
    assert {path: {link.index for link in one.links.values()} for path, one in host.kernel.spaces.items()} == indexes
    assert not made.interrupted
    assert_whole(host)
    assert not host.plan(network("dmz", renamed_from="lan")).changed


def test_an_endpoint_in_the_namespace_of_the_host_gets_the_name_of_its_interface_too():
    host = prepared(network(), endpoint("a", netns=None))
    host.run(endpoint("b", netns=None, renamed_from="a"))
    assert set(host.kernel.spaces[HOST.path].links) >= {"mv-b"} and "mv-a" not in host.kernel.spaces[HOST.path].links
    assert_whole(host)


def test_the_dummy_of_a_network_without_a_parent_is_renamed():
    bare = {"parent": None, "subnets": ["10.0.0.0/24"]}
    host = prepared(network("old", **bare), endpoint("a", "old"))
    before = having(host, "old")
    host.run(network("new", renamed_from="old", **bare))
    assert having(host, "new") == before
    assert host.record.networks["new"].parent == names.dummy_name(host.record.networks["new"].id)
    assert_whole(host)
    assert not host.plan(network("new", renamed_from="old", **bare)).changed


@pytest.mark.parametrize("purge", [False, True])
def test_names_move_up_a_chain_once(purge):
    host = prepared(network(), endpoint("a", netns="a"), endpoint("b", netns="b"))
    before = having(host)
    chain = config_options(
        {
            "networks": [{"name": "lan", "parent": "eth0", "subnets": [{"subnet": "192.168.1.0/24"}]}],
            "endpoints": [
                {"name": "b", "network": "lan", "netns": "a", "renamed_from": "a"},
                {"name": "c", "network": "lan", "netns": "b", "renamed_from": "b"},
            ],
            "purge": purge,
        }
    )
    host.run(chain)
    assert having(host) == {"b": before["a"], "c": before["b"]}
    assert_whole(host)
    assert not host.plan(chain).changed


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (("ab", "ba"), "goes round in a circle (a from b, b from a)"),
        (("ab", "bc", "ca"), "goes round in a circle (a from c, b from a, c from b)"),
        (("ab", "ac"), "endpoints[1] (c): renamed_from: a is given in endpoints[0] (b) too"),
    ],
)
def test_names_that_cannot_be_given_are_refused(pairs, words):
    items = [{"name": new, "network": "lan", "netns": new, "renamed_from": old} for old, new in pairs]
    with pytest.raises(OptionsError) as refused:
        config_options({"endpoints": items})
    assert words in str(refused.value)


def test_purge_does_not_remove_what_was_to_get_another_name():
    host = prepared(network(), endpoint("a", netns="a"), endpoint("b", netns="b"))
    items = {"networks": [{"name": "lan", "parent": "eth0"}], "endpoints": [{"name": "b", "network": "lan", "renamed_from": "a"}]}
    with pytest.raises(PlanError, match="endpoint lan/a and endpoint lan/b are both recorded"):
        config_options({**items, "purge": True}).check_against(host.record)
    config_options(items).check_against(host.record)


@pytest.mark.parametrize("removal", [network_removal, endpoint_removal])
def test_what_is_removed_has_one_name(removal):
    with pytest.raises(OptionsError, match=r"renamed_from has no meaning with state: absent; .* name: old"):
        removal({"name": "new", "network": "lan", "renamed_from": "old"})


def test_a_network_gets_another_name_and_another_parent_and_its_endpoint_another_namespace_at_once():
    host = prepared(network(), endpoint("a", netns="a"), endpoint("b", netns="b"))
    before = having(host)
    wanted = config_options(
        {
            "networks": [{"name": "dmz", "renamed_from": "lan", "parent": "eth1", "subnets": [{"subnet": "192.168.1.0/24"}]}],
            "endpoints": [{"name": "web", "renamed_from": "a", "network": "dmz", "netns": "web"}, {"name": "b", "network": "dmz", "netns": "b"}],
            "purge": True,
            "replace": True,
        }
    )
    host.run(wanted)
    after = having(host, "dmz")
    assert after["web"][:2] == before["a"][:2] and after["b"] == before["b"]
    assert_whole(host)
    assert not host.plan(wanted).changed


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")), max_size=5, unique_by=lambda pair: pair[1]))
def test_whatever_the_names_no_object_is_lost(pairs):
    host = prepared(network(), *(endpoint(name, netns=name, labels={"was": name}) for name in "abc"))
    was = {item.labels["was"]: (item.ipv4, item.mac, item.netns) for item in host.record.endpoints.values()}
    refs = [(endpoint(old).ref, endpoint(new).ref) for old, new in pairs if old != new]
    record, former = renamed(host.record, refs)
    assert {item.labels["was"]: (item.ipv4, item.mac, item.netns) for item in record.endpoints.values()} == was
    assert all(key == item.key for key, item in record.endpoints.items())
    assert {(old, new) for new, old in former.items()} <= set(refs)


def test_a_vlan_that_is_named_after_another_link_now_is_told():
    host = Host(kernel())
    host.run(network("a", parent="eth0.50"))
    host.run(builders.no_network("a"), builders.subinterface("eth0.50"))
    own = host.kernel.spaces[HOST.path]
    exchanged = {"eth0": dataclasses.replace(own.links["eth1"], name="eth0"), "eth1": dataclasses.replace(own.links["eth0"], name="eth1")}
    host.kernel = builders.with_space(host.kernel, dataclasses.replace(own, links={**own.links, **exchanged}), HOST.path)
    warnings = host.plan(network("b", parent="eth0.50")).warnings
    assert any("its parent eth0.50 is VLAN 50 of eth1, which was called eth0, and eth0 is another link now" in text for text in warnings)


def test_an_endpoint_keeps_its_further_addresses_and_what_it_leaves_out():
    both = ("192.168.1.0/24", "fd01::/64")
    host = prepared(network("lan", both), endpoint("a", ipv6="none", addresses=["192.168.1.20"]))
    host.run(endpoint("b", renamed_from="a", ipv6="none", addresses=["192.168.1.20"]))
    assert host.record.endpoints["lan", "b"].addresses == ("192.168.1.2/24", "192.168.1.20/24")
    host.run(network("dmz", both, renamed_from="lan"))
    assert host.record.endpoints["dmz", "b"].addresses == ("192.168.1.2/24", "192.168.1.20/24")
    assert_whole(host)
