# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is recorded, as options: with them a run changes nothing, and with pinned addresses an empty host gets the same objects."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import json
import re

import pytest
from hypothesis import given, settings

from ansible_collections.fleetnet.macvlan.plugins.module_utils._argspecs import config_items
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.mac import mac_of_ipv4, mac_of_names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.subnets import exclusion_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_options import LINK_OPTIONS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import SubInterface
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request import recorded
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.filters import endpoint_filter
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import config_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.config import config_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import version_of, without_prefix
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import Host
from ansible_collections.fleetnet.macvlan.tests.unit.test_plan_sequences import a_host, runs, sequences

PINS = pytest.mark.parametrize("pin", [False, True])


def config(host, pin):
    """What macvlan_info returns of a host as options, after its way through JSON."""
    view = HostView(host.record, host.kernel)
    return json.loads(json.dumps(config_of(view, View(view).everything(None, None), pin)))


def applied(host, pin, purge=False):
    """The plan of macvlan_config with what is recorded."""
    return host.plan(config_options({**config(host, pin), "purge": purge}))


def waits_for_address(record):
    """Whether an endpoint has no address of a family that its network has got after it: its own task would give it one."""
    return any(
        version_of(subnet.subnet) not in {version_of(address) for address in endpoint.addresses}
        for endpoint in record.endpoints.values()
        for subnet in record.networks[endpoint.network].subnets
    )


@PINS
@settings(max_examples=100)
@given(sequence=sequences)
def test_a_host_that_is_given_what_it_has_recorded_changes_nothing(pin, sequence):
    for dummy, dummy, dummy, host in runs(sequence):
        if waits_for_address(host.record):
            continue
        for purge in (False, True):
            plan = applied(host, pin, purge)
            assert builders.said(plan) == []
            assert plan.after == host.record


def without_history(record):
    """A record without what says how it came to be: chosen by the collection, made by a network, overlapping one by one."""
    networks = {}
    for name, item in record.networks.items():
        # allow_overlap is an option of a network, and was given with some of its subnets only.
        scope = next((subnet.scope for subnet in item.subnets if subnet.scope), "")
        subnets = tuple(dataclasses.replace(subnet, chosen=False, scope=scope) for subnet in item.subnets)
        networks[name] = dataclasses.replace(item, parent_created=False, subnets=subnets)
    return dataclasses.replace(record, networks=networks)


def keeps_excluded_address(record):
    return any(
        exclusion_of(subnet, without_prefix(address)) is not None
        for endpoint in record.endpoints.values()
        for address in endpoint.addresses
        for subnet in record.networks[endpoint.network].subnets
    )


@settings(max_examples=100)
@given(sequence=sequences)
def test_an_empty_host_that_is_given_all_with_its_addresses_has_the_same_record(sequence):
    made_so_far = [host for dummy, dummy, dummy, host in runs(sequence)]
    if not made_so_far or waits_for_address(made_so_far[-1].record):
        return
    whole, empty = made_so_far[-1], a_host()
    if keeps_excluded_address(whole.record):
        # It was given before its subnet excluded it; an empty host gives it to nobody.
        return
    request = config_options(config(whole, pin=True))
    subs = {name: item for name, item in whole.record.links.items() if isinstance(item, SubInterface)}
    if any(item.parent in subs and not subs[item.parent].declared for item in subs.values()):
        # Nothing declares a VLAN link that was kept for a link on it when its own declaration went.
        with contextlib.suppress(PlanError):
            empty.run(request)
        return
    empty.run(request)
    assert without_history(empty.record) == without_history(whole.record)


def read_back(host, pin=False):
    found = config(host, pin)
    plan = host.plan(config_options(found))
    assert (builders.said(plan), plan.after) == ([], host.record)
    return found


def made(*requests):
    host = Host()
    for request in requests:
        host.run(request)
    return host


@pytest.mark.parametrize(
    ("subnets", "params", "kept", "pinned"),
    [
        ([], {}, {}, {"subnets": [{"subnet": "172.17.0.0/16"}]}),
        ([], {"ipv6": True}, {"ipv6": True}, {"subnets": 2}),
        (["10.0.1.0/24"], {"ipv6": True}, {"subnets": [{"subnet": "10.0.1.0/24"}], "ipv6": True}, {"subnets": 2}),
        (["10.0.1.0/24", "fd01::/64"], {}, {"subnets": [{"subnet": "10.0.1.0/24"}, {"subnet": "fd01::/64"}]}, None),
        ([{"subnet": "10.0.1.0/24", "gateway": "10.0.1.9"}], {}, {"subnets": [{"subnet": "10.0.1.0/24", "gateway": "10.0.1.9"}]}, None),
        ([{"subnet": "10.0.1.0/24", "gateway": "none"}], {}, {"subnets": [{"subnet": "10.0.1.0/24", "gateway": "none"}]}, None),
        ([{"subnet": "10.0.1.0/31", "gateway": "none"}], {}, {"subnets": [{"subnet": "10.0.1.0/31"}]}, None),
        ([{"subnet": "10.0.1.0/24", "gateway": "none"}], {"internal": True}, {"subnets": [{"subnet": "10.0.1.0/24"}], "internal": True}, None),
        *(
            ([subnet], {}, {"subnets": [subnet]}, None)
            for subnet in (
                {"subnet": "203.0.113.7/32", "gateway": "198.51.100.1", "gateway_onlink": True},
                {"subnet": "2001:db8::7/128", "gateway": "fe80::1"},
                {"subnet": "10.0.1.0/24", "ip_range": ["10.0.1.64/26", "10.0.1.8-10.0.1.9"]},
                {"subnet": "10.0.1.0/24", "exclude": ["10.0.1.9", "10.0.1.0/28", "10.0.1.5-10.0.1.7"]},
                {"subnet": "10.0.1.0/24", "gateway": "10.0.1.9", "gateway_onlink": True},
            )
        ),
        (["10.0.1.0/24"], {"parent": None}, {"parent": None, "subnets": [{"subnet": "10.0.1.0/24"}]}, None),
        (
            [{"subnet": "10.0.1.0/24", "ip_range": "10.0.1.8-10.0.1.20", "aux_addresses": {"nas": "10.0.1.7"}}],
            {"mode": "private", "mtu": 1400, "labels": {"a": "b"}, "exclusive": True, "probe": "fast", "bcqueuelen": 0, "bclim": -1},
            {
                "subnets": [{"subnet": "10.0.1.0/24", "ip_range": "10.0.1.8-10.0.1.20", "aux_addresses": {"nas": "10.0.1.7"}}],
                "mode": "private", "mtu": 1400, "labels": {"a": "b"}, "exclusive": True, "probe": "fast", "bcqueuelen": 0, "bclim": -1,
            },
            None,
        ),
        ([], {"ipam": "none", "mode": "passthru"}, {"ipam": "none", "mode": "passthru"}, None),
        (["10.0.1.0/24"], {"driver": "ipvlan"}, {"driver": "ipvlan", "subnets": [{"subnet": "10.0.1.0/24"}]}, None),
        (["10.0.1.0/24"], {"driver": "ipvlan", "mode": "l3"}, {"driver": "ipvlan", "mode": "l3", "subnets": [{"subnet": "10.0.1.0/24"}]}, None),
        (
            ["10.0.1.0/24"],
            {"host_access": {"routes": "ranges", "metric": 7, "ifname": "shim"}},
            {"subnets": [{"subnet": "10.0.1.0/24"}], "host_access": {"routes": "ranges", "ifname": "shim", "metric": 7}},
            {"host_access": {"address": "10.0.1.2", "routes": "ranges", "ifname": "shim", "metric": 7}},
        ),
        (
            ["10.0.1.0/24", "fd01::/64"],
            {"host_access": True},
            {"subnets": [{"subnet": "10.0.1.0/24"}, {"subnet": "fd01::/64"}], "host_access": True},
            {"host_access": {"address": ["10.0.1.2", "fd01::2"]}},
        ),
        (
            ["10.0.1.0/24", "fd01::/64"],
            {"host_access": {"address": "10.0.1.1"}},
            {"subnets": [{"subnet": "10.0.1.0/24"}, {"subnet": "fd01::/64"}], "host_access": {"address": "10.0.1.1"}},
            {"host_access": {"address": ["10.0.1.1", "fd01::2"]}},
        ),
    ],
)
def test_a_network_has_the_options_that_differ_from_their_default(subnets, params, kept, pinned):
    host = made(builders.network("lan", subnets, **params))
    options = {option: value for option, value in {"name": "lan", "parent": "eth0", **kept}.items() if value is not None}
    assert read_back(host)["networks"] == [options]
    (found,) = read_back(host, pin=True)["networks"]
    if pinned is None:
        assert found == options
    elif pinned.get("subnets") == 2:
        assert [version_of(item["subnet"]) for item in found["subnets"]] == [4, 6]
    else:
        assert found == {**options, **pinned}


def test_a_chosen_subnet_that_is_given_later_as_it_was_chosen_is_still_a_chosen_one():
    host = made(builders.network("lan", [], ipv6=True))
    chosen = [item.subnet for item in host.record.networks["lan"].subnets]
    host.run(builders.network("lan", chosen))
    assert [item.chosen for item in host.record.networks["lan"].subnets] == [True, True]
    host.run(builders.network("lan", chosen[::-1]))
    read_back(host)
    host.run(builders.network("lan", [{"subnet": chosen[0], "gateway": "none"}]))
    assert [item.chosen for item in host.record.networks["lan"].subnets] == [False]
    read_back(host)


def test_networks_that_share_a_parent_or_overlap_say_so():
    host = made(
        builders.network("b", ["10.0.1.0/24"]),
        builders.network("a", ["10.0.1.0/24"], allow_shared_parent=True, allow_overlap=True),
        builders.network("c", ["10.0.2.0/24"], parent="eth1"),
    )
    b, c, a = read_back(host)["networks"]
    assert b == {"name": "b", "parent": "eth0", "subnets": [{"subnet": "10.0.1.0/24"}], "allow_shared_parent": True}
    assert c == {"name": "c", "parent": "eth1", "subnets": [{"subnet": "10.0.2.0/24"}]}
    assert a == {**b, "name": "a", "allow_overlap": True}


@pytest.mark.parametrize(
    ("params", "kept"),
    [
        ({}, {"netns": "blue"}),
        ({"netns": None}, {}),
        ({"netns": None, "ifname": "mv-web"}, {}),
        ({"ifname": "eth0"}, {"netns": "blue"}),
        ({"ifname": "net0"}, {"netns": "blue", "ifname": "net0"}),
        ({"netns": None, "default_route": True}, {"default_route": True}),
        ({"default_route": False}, {"netns": "blue", "default_route": False}),
        ({"mac": "02-00-00-00-00-AA"}, {"netns": "blue", "mac": "02:00:00:00:00:aa"}),
        ({"mac": "02:42:0a:00:01:02"}, {"netns": "blue", "mac": "02:42:0a:00:01:02"}),
        ({"mtu": 1500}, {"netns": "blue", "mtu": 1500}),
        ({"announce": False, "exclusive": False}, {"netns": "blue", "announce": False, "exclusive": False}),
        ({"probe": "none"}, {"netns": "blue", "probe": "none"}),
        ({"labels": {"a": True}}, {"netns": "blue", "labels": {"a": "true"}}),
        ({"sysctls": {"net.ipv4.conf.IFNAME.rp_filter": 2}}, {"netns": "blue", "sysctls": {"net.ipv4.conf.IFNAME.rp_filter": "2"}}),
        (
            {"routes": [{"to": "10.9.0.0/16", "via": "10.96.0.1", "onlink": True}, {"to": "10.8.0.0/16", "onlink": False}]},
            {"netns": "blue", "routes": [{"to": "10.9.0.0/16", "via": "10.96.0.1", "onlink": True}, {"to": "10.8.0.0/16"}]},
        ),
        (
            {"default_route": False, "routes": [{"to": "default", "via": "10.0.1.1", "metric": 7}, {"to": "10.9.0.0/16"}]},
            {"netns": "blue", "default_route": False, "routes": [{"to": "0.0.0.0/0", "via": "10.0.1.1", "metric": 7}, {"to": "10.9.0.0/16"}]},
        ),
    ],
)
def test_an_endpoint_has_the_options_that_differ_from_their_default(params, kept):
    host = made(builders.network("lan", ["10.0.1.0/24", "fd01::/64"]), builders.endpoint("web", "lan", **params))
    options = {"name": "web", "network": "lan", **kept}
    assert read_back(host)["endpoints"] == [options]
    assert read_back(host, pin=True)["endpoints"] == [{**options, "ipv4": "10.0.1.2", "ipv6": "fd01::2"}]


@pytest.mark.parametrize(
    ("netns", "shown"),
    [({"netns_path": "/run/netns/blue"}, {"netns_path": "/run/netns/blue"}), ({"pid": 77}, {"pid": 77})],
)
def test_an_endpoint_names_its_namespace_as_its_task_did(netns, shown):
    path = netns.get("netns_path", "/proc/77/ns/net")
    host = Host(builders.kernel(spaces={path: builders.space()}))
    host.run(builders.network("lan"))
    host.run(builders.endpoint("web", "lan", **netns))
    assert read_back(host)["endpoints"] == [{"name": "web", "network": "lan", **shown}]


def test_a_subinterface_has_the_options_that_differ_from_their_default():
    declared = {"gvrp": True, "reorder_hdr": False, "mtu": 1400, "mac": "02:00:00:00:00:07", "egress_qos_map": {"1": 3}}
    host = made(builders.subinterface("eth1.9", **declared), builders.network("lan", parent="eth0.50"))
    assert read_back(host)["vlan_subinterfaces"] == [{"name": "eth1.9", "parent": "eth1", "vlan_id": 9, **declared}]
    assert set(host.record.links) == {"eth0.50", "eth1.9"}


def test_an_endpoint_of_a_passthru_network_has_no_mac_as_an_option():
    host = made(builders.network("lan", mode="passthru"), builders.endpoint("web", "lan"))
    web = host.record.endpoints["lan", "web"]
    # As release 1 has left it: the MAC address of the parent, which does not follow from the address.
    host.record = dataclasses.replace(host.record, endpoints={web.key: dataclasses.replace(web, own_mac=web.mac)})
    assert "mac" not in read_back(host)["endpoints"][0]


# How to choose or to change something, which the record does not have.
NOT_RECORDED = {"address_pools", "subnet", "replace", "renamed_from"}


def test_every_option_of_an_object_is_read_back():
    named = set(re.findall(r'"(\w+)"', inspect.getsource(recorded))) | set(LINK_OPTIONS)
    options = {option for spec, dummy in config_items().values() for option in spec}
    assert options - named - NOT_RECORDED == set()


# --- MAC addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 6, None])
def test_a_derived_mac_address_stays_when_the_host_has_another_identity(version):
    subnets = {4: ["10.0.1.0/24"], 6: ["fd01::/64"], None: []}[version]
    network = builders.network("lan", subnets, **({} if subnets else {"ipam": "none"}))
    host = made(network, builders.endpoint("web", "lan"))
    before = host.record.endpoints["lan", "web"].mac
    assert before == (mac_of_ipv4("10.0.1.2") if version == 4 else mac_of_names(builders.uuid_of_host(), "lan", "web"))
    host.kernel = dataclasses.replace(host.kernel, host="another")
    plan = host.plan(builders.endpoint("web", "lan"))
    assert builders.said(plan) == []
    assert plan.after.endpoints["lan", "web"].mac == before


def test_a_mac_address_that_was_asked_for_goes_when_it_is_no_longer_asked_for():
    host = made(builders.network("lan", [], ipam="none"), builders.endpoint("web", "lan", mac="02:00:00:00:00:01"))
    assert "mac" in host.sentences(builders.endpoint("web", "lan"))[0]
    web = host.record.endpoints["lan", "web"]
    assert (web.mac, web.own_mac) == (mac_of_names(builders.uuid_of_host(), "lan", "web"), None)


def test_an_endpoint_that_loses_its_ipv4_address_has_a_mac_address_of_its_names():
    host = made(builders.network("lan", ["fd01::/64", "10.0.1.0/24"]), builders.endpoint("web", "lan"))
    web = host.record.endpoints["lan", "web"]
    host.record = dataclasses.replace(
        host.record, networks={"lan": dataclasses.replace(host.record.networks["lan"], subnets=host.record.networks["lan"].subnets[:1])}
    )
    host.run(builders.endpoint("web", "lan"))
    assert web.mac == mac_of_ipv4("10.0.1.2")
    assert host.record.endpoints["lan", "web"].mac == mac_of_names(builders.uuid_of_host(), "lan", "web")


def test_what_a_failed_run_refuses_is_no_reason_to_forget_a_mac_address():
    host = made(builders.network("lan"), builders.endpoint("web", "lan", mac="02:00:00:00:00:01"))
    with pytest.raises(PlanError, match="is in no subnet"):
        host.run(builders.endpoint("web", "lan", ipv4="10.9.9.9"))
    assert host.record.endpoints["lan", "web"].own_mac == "02:00:00:00:00:01"


# --- addresses with a prefix length ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "addresses"),
    [
        ({"ipv4": "10.0.1.9/24"}, ("10.0.1.9/24", "fd01::2/64")),
        ({"ipv6": "FD01:0:0::9/64"}, ("10.0.1.2/24", "fd01::9/64")),
        ({"ipv4": "10.0.1.9/24", "ipv6": "fd01::9"}, ("10.0.1.9/24", "fd01::9/64")),
    ],
)
def test_an_address_can_have_the_prefix_length_of_its_subnet(asked, addresses):
    host = made(builders.network("lan", ["10.0.1.0/24", "fd01::/64"]))
    wanted = builders.endpoint("web", "lan", **asked)
    assert host.run(wanted).changed
    assert host.record.endpoints["lan", "web"].addresses == addresses
    assert not host.run(wanted).changed
    assert not host.run(builders.endpoint("web", "lan", **{key: text.partition("/")[0] for key, text in asked.items()})).changed


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(
    ("asked", "given", "right"),
    [
        ({"ipv4": "10.0.1.9/25"}, "ipv4: 10.0.1.9/25", "write 10.0.1.9 or 10.0.1.9/24"),
        ({"ipv4": "10.0.1.9/32"}, "ipv4: 10.0.1.9/32", "write 10.0.1.9 or 10.0.1.9/24"),
        ({"ipv6": "fd01::9/128"}, "ipv6: fd01::9/128", "write fd01::9 or fd01::9/64"),
    ],
)
def test_another_prefix_length_than_that_of_the_subnet_is_refused(asked, given, right, kept):
    host = made(builders.network("lan", ["10.0.1.0/24", "fd01::/64"]))
    if kept:
        host.run(builders.endpoint("web", "lan", **{key: text.partition("/")[0] for key, text in asked.items()}))
    with pytest.raises(PlanError) as refused:
        host.run(builders.endpoint("web", "lan", **asked))
    assert given in str(refused.value) and right in str(refused.value)


def test_addresses_with_prefix_length_go_from_one_endpoint_to_another():
    host = made(
        builders.network("lan", ["10.0.1.0/24"]),
        builders.endpoint("a", "lan", ipv4="10.0.1.9/24"),
        builders.endpoint("b", "lan", netns="red", ipv4="10.0.1.8/24"),
    )
    params = [
        {"name": "b", "network": "lan", "netns": "red", "ipv4": "10.0.1.9/24"},
        {"name": "a", "network": "lan", "netns": "blue", "ipv4": "10.0.1.7/24"},
    ]
    host.run(config_options({"endpoints": params}))
    assert {key[1]: item.ipv4 for key, item in host.record.endpoints.items()} == {"a": "10.0.1.7/24", "b": "10.0.1.9/24"}


@PINS
def test_what_modules_return_of_addresses_can_be_given_to_them(pin):
    host = made(builders.network("lan", ["10.0.1.0/24", "fd01::/64"]), builders.endpoint("web", "lan"))
    (shown,) = View(HostView(host.record, host.kernel)).everything(None, None)["endpoints"]
    (options,) = config(host, pin)["endpoints"]
    given_back = {**options, "ipv4": shown["ipv4"], "ipv6": shown["ipv6"]}
    assert not host.plan(config_options({"endpoints": [given_back]})).changed


# --- filters ---------------------------------------------------------------------------------------------------------


def filtered(host, network=None, endpoint=None, **filters):
    view = HostView(host.record, host.kernel)
    among = endpoint_filter(*(filters.get(key) for key in ("address", "mac", "netns"))) if filters else None
    lists = View(view).everything(network, endpoint, among)
    options = config_of(view, lists, False)
    assert [item["name"] for item in lists["networks"]] == sorted(item["name"] for item in options["networks"])
    return {
        key: [f"{item['network']}/{item['name']}" if "network" in item else item["name"] for item in items]
        for key, items in lists.items()
        if items
    }


def filterable():
    docker = "/var/run/docker/netns/c1"
    host = Host(builders.kernel(spaces={docker: builders.space()}))
    host.run(builders.subinterface("eth0.50"))
    host.run(builders.network("lan", ["10.0.1.0/24", "fd01::/64"], parent="eth0.50"))
    host.run(builders.network("dmz", ["10.0.2.0/24"], parent="eth1"))
    host.run(builders.network("empty", ["10.0.3.0/24"], parent="eth0"))
    host.run(builders.endpoint("web", "lan", mac="02:00:00:00:00:AA"))
    host.run(builders.endpoint("web", "dmz", netns="red"))
    host.run(builders.endpoint("c1", "dmz", netns_path=docker))
    host.run(builders.endpoint("own", "dmz", netns=None))
    return host


LAN_WEB = {"networks": ["lan"], "endpoints": ["lan/web"], "vlan_subinterfaces": ["eth0.50"]}
DMZ_WEB, DMZ_C1 = ({"networks": ["dmz"], "endpoints": [f"dmz/{name}"]} for name in ("web", "c1"))


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({"address": "10.0.1.2"}, LAN_WEB),
        ({"address": "10.0.1.2/24"}, LAN_WEB),
        ({"address": "10.0.1.2/32"}, LAN_WEB),
        ({"address": "fd01:0::0002"}, LAN_WEB),
        ({"address": "FD01::2/64"}, LAN_WEB),
        ({"address": "10.0.1.1"}, {}),
        ({"address": "::"}, {}),
        ({"mac": "02-00-00-00-00-aa"}, LAN_WEB),
        ({"mac": "02:00:00:00:00:aA"}, LAN_WEB),
        ({"mac": "02:42:0a:00:02:02"}, DMZ_WEB),
        ({"mac": "02:00:00:00:00:ab"}, {}),
        ({"netns": "red"}, DMZ_WEB),
        ({"netns": "/run/netns/red"}, DMZ_WEB),
        ({"netns": "/var/run/netns/red"}, DMZ_WEB),
        ({"netns": "/var/run/docker/netns/c1"}, DMZ_C1),
        ({"netns": "nowhere"}, {}),
        ({"endpoint": "web", "netns": "red"}, DMZ_WEB),
        ({"network": "lan", "netns": "red"}, {"networks": []}),
        ({"address": "10.0.2.2", "mac": "02:42:0a:00:02:02", "netns": "red"}, DMZ_WEB),
        ({"address": "10.0.2.2", "mac": "02:00:00:00:00:aa"}, {}),
    ],
)
def test_filters_show_endpoints_with_their_networks_and_parents(filters, shown):
    assert filtered(filterable(), **filters) == {key: items for key, items in shown.items() if items}


def test_an_address_or_mac_address_that_another_program_has_set_is_found_too():
    host = filterable()
    link = host.link("eth0", builders.BLUE_PATH)
    host.change("eth0", builders.BLUE_PATH, mac="02:00:00:00:00:bb")
    one = host.kernel.spaces[builders.BLUE_PATH]
    addresses = {**one.addresses, link.index: (*one.addresses[link.index], "10.0.1.77/32")}
    host.kernel = builders.with_space(host.kernel, dataclasses.replace(one, addresses=addresses), builders.BLUE_PATH)
    for filters in ({"address": "10.0.1.77"}, {"mac": "02:00:00:00:00:bb"}, {"mac": "02:00:00:00:00:aa"}):
        assert filtered(host, **filters) == LAN_WEB


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"address": "web"}, ("address:", "'web'", "192.0.2.7")),
        ({"address": ""}, ("address:",)),
        ({"address": "10.0.1.2/33"}, ("address:",)),
        ({"address": "10.0.1.0/24/1"}, ("address:",)),
        ({"address": "10.0.1"}, ("address:",)),
        ({"mac": "02:42"}, ("mac:", "'02:42'")),
        ({"mac": "03:00:00:00:00:01"}, ("mac:", "multicast")),
        ({"netns": "a/b"}, ("netns:", "absolute path")),
        ({"netns": ""}, ("netns:",)),
        ({"address": "x", "mac": "y", "netns": ".."}, ("address:", "mac:", "netns:")),
    ],
)
def test_a_filter_that_can_match_nothing_is_refused(filters, words):
    with pytest.raises(OptionsError) as refused:
        filtered(filterable(), **filters)
    assert [word for word in words if word not in str(refused.value)] == []
