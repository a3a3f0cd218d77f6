# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Name servers of namespaces: what is asked for, and which file follows from it."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.endpoint import Endpoint
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.resolver import (
    SOMETHING_ELSE,
    Dns,
    ResolverFile,
    resolver_content,
    shown_resolver,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.recorded import endpoint_params
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.object_of_step import owner_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import WriteResolver, inverse
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.plain import plain
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import Host, configuration, endpoint, network, no_endpoint, no_network

pytestmark = pytest.mark.engine

DNS = {"servers": ["192.168.1.53", "fd01::53"], "search": ["example.com"]}
OTHER = {"servers": ["192.168.1.54"]}
TAG = names.tag(names.netns_id("host", "blue"))
OURS = resolver_content(Dns(("192.168.1.53", "fd01::53"), ("example.com",)), TAG)
FOREIGN = "nameserver 9.9.9.9\n"
KEY = ("lan", "web")


def host_with(*requests):
    host = Host()
    for request in (network(), *requests):
        host.run(request)
    return host


def file_of(host, name="blue"):
    return host.kernel.resolvers.get(name, ResolverFile())


def change_file(host, name="blue", **values):
    host.kernel = dataclasses.replace(host.kernel, resolvers={**host.kernel.resolvers, name: file_of(host, name)._replace(**values)})


# --- what is asked for ----------------------------------------------------------------------------------------------

WRONG = [
    ({"dns": {}}, "dns: it has neither servers nor search; give one of them, or leave dns out"),
    ({"dns": {"servers": [], "search": None}}, "dns: it has neither servers nor search"),
    ({"dns": {"servers": ["dns.example.com"]}}, "dns.servers[0]: 'dns.example.com' is not an IP address"),
    ({"dns": {"servers": ["192.168.1.53/24"]}}, "dns.servers[0]: '192.168.1.53/24' must be an address without a prefix length"),
    ({"dns": {"servers": ["fd01::53", "fd01:0::53"]}}, "dns.servers[1]: fd01::53 is in the list already"),
    ({"dns": {"servers": ["fe80::1"]}}, "dns.servers[0]: fe80::1 is link-local, so it must name a link too; write fe80::1%eth0"),
    ({"dns": {"servers": ["fe80:0::1"]}, "ifname": "up"}, "write fe80::1%up"),
    ({"dns": {"servers": ["fe80::1%"]}}, "dns.servers[0]: fe80::1 is link-local, so it must name a link too; write fe80::1%eth0"),
    ({"dns": {"servers": ["fe80::1%a b"]}}, "dns.servers[0]: interface name 'a b' contains"),
    ({"dns": {"servers": ["fe80::1%a%b"]}}, "dns.servers[0]: interface name 'a%b' contains '%'"),
    ({"dns": {"servers": ["fe80::1%eth0\nnameserver 6.6.6.6"]}}, "dns.servers[0]: interface name "),
    ({"dns": {"servers": ["fd01::53%eth0"]}}, "dns.servers[0]: fd01::53 is not link-local, so it has no link; write fd01::53"),
    ({"dns": {"servers": ["192.168.1.53%eth0"]}}, "dns.servers[0]: 192.168.1.53 is not link-local, so it has no link; write 192.168.1.53"),
    ({"dns": {"servers": ["fe80::1%eth0", "fe80:0::1%eth0"]}}, "dns.servers[1]: fe80::1%eth0 is in the list already"),
    ({"dns": {"search": ["a b"]}}, "dns.search[0]: 'a b' is not the name of a domain, such as example.com"),
    ({"dns": {"search": ["example.com", "192.168.1.300"]}}, "dns.search[1]: '192.168.1.300' is not the name of a domain, such as example.com"),
    ({"dns": {"search": ["x", ""]}}, "dns.search[1]: '' is not the name of a domain"),
    ({"dns": {"search": ["a\nnameserver 6.6.6.6"]}}, "is not the name of a domain"),
    ({"dns": {"search": ["a.example", "a.example"]}}, "dns.search[1]: a.example is in the list already"),
    ({"dns": DNS, "netns_path": "/run/x"}, "dns: it is written to /etc/netns/NAME/resolv.conf, which is for named namespaces only; give netns: NAME"),
    ({"dns": DNS, "pid": 7}, "give netns: NAME, or leave dns out"),
    ({"dns": DNS, "netns": None}, "give netns: NAME, or leave dns out"),
]


def test_a_link_local_server_names_its_link():
    dns = {"servers": ["fe80:0::1%eth0", "fe80::1%eth1"]}
    host = host_with(endpoint(dns=dns))
    assert host.record.endpoints[KEY].dns.lines == ("nameserver fe80::1%eth0", "nameserver fe80::1%eth1")
    assert Dns.from_plain(plain(host.record.endpoints[KEY].dns)) == host.record.endpoints[KEY].dns
    assert endpoint_params(host.record.endpoints[KEY], host.record.networks["lan"], pin=False)["dns"] == {"servers": ["fe80::1%eth0", "fe80::1%eth1"]}
    assert not host.plan(endpoint(dns=dns)).changed


@pytest.mark.parametrize("server", ["fe80::1%a b", "fe80::1%", "fe80::1%eth0%eth1", "%eth0", "192.168.1.53%"])
def test_a_recorded_server_with_a_link_that_cannot_be_is_refused(server):
    with pytest.raises(ValueError, match="servers"):
        Dns.from_plain({"servers": [server]})


@pytest.mark.parametrize(("params", "words"), WRONG)
def test_wrong_input_is_refused_in_words(params, words):
    with pytest.raises(OptionsError) as caught:
        endpoint(**params)
    assert words in str(caught.value) and len(caught.value.problems) == 1


def test_more_servers_than_programs_ask_are_a_note():
    assert endpoint(dns=DNS).notes == ()
    (note,) = endpoint(dns={"servers": [f"192.168.1.{last}" for last in range(2, 6)]}).notes
    assert "ask the first 3 of a list only" in note


# --- files ----------------------------------------------------------------------------------------------------------


def test_the_file_comes_with_the_endpoint_and_goes_with_it():
    host = host_with()
    made = host.run(endpoint(dns=DNS))
    assert file_of(host) == ResolverFile(OURS, True)
    assert OURS.splitlines()[0].startswith(f"# {TAG}: written by the collection")
    assert OURS.splitlines()[1:] == ["search example.com", "nameserver 192.168.1.53", "nameserver fd01::53"]
    assert builders.said(made)[-1] == "write /etc/netns/blue/resolv.conf (search example.com, nameserver 192.168.1.53, nameserver fd01::53)"
    assert owner_of(made.steps[-1], made.steps, made.before, made.after) == host.record.endpoints[KEY].ref
    assert View(HostView(host.record, host.kernel)).endpoint(*KEY)["dns"] == DNS
    assert host.sentences(endpoint(dns=DNS)) == []
    assert host.sentences(endpoint(dns=OTHER))[-1] == "write /etc/netns/blue/resolv.conf (nameserver 192.168.1.54)"
    assert host.sentences(no_endpoint())[-1] == "delete /etc/netns/blue/resolv.conf"
    assert file_of(host) == ResolverFile(None, False)


def test_leaving_it_out_takes_the_file_away():
    host = host_with(endpoint(dns=DNS))
    assert host.sentences(endpoint()) == ["change dns of endpoint lan/web", "delete /etc/netns/blue/resolv.conf"]
    assert host.record.endpoints[KEY].dns is None


def test_a_folder_that_was_there_stays():
    host = host_with()
    change_file(host, has_folder=True)
    host.run(endpoint(dns=DNS))
    host.run(no_endpoint())
    assert file_of(host) == ResolverFile(None, True)


def test_a_file_that_was_written_under_another_machine_id_is_ours():
    host = host_with(endpoint(dns=DNS))
    change_file(host, content=OURS.replace(TAG, names.tag("0" * 32)))
    (found,) = drift_of(HostView(host.record, host.kernel))
    assert found.field == "dns" and "not tagged" in found.actual
    made = host.run(endpoint(dns=DNS))
    assert [type(step) for step in made.steps] == [WriteResolver] and not drift_of(HostView(host.record, host.kernel))
    change_file(host, content=OURS.replace(TAG, names.tag("0" * 32)))
    host.run(no_endpoint())
    assert host.kernel.resolvers["blue"].content is None


@pytest.mark.parametrize("content", [FOREIGN, "", SOMETHING_ELSE])
def test_a_file_that_is_not_ours_is_refused_by_name_and_never_touched(content):
    host = host_with()
    change_file(host, content=content, has_folder=True)
    with pytest.raises(PlanError, match=r"endpoint lan/web: dns: /etc/netns/blue/resolv.conf is there already, and the collection has not written it"):
        host.plan(endpoint(dns=DNS))
    host.run(endpoint())
    host.run(no_endpoint())
    assert file_of(host).content == content


@pytest.mark.parametrize("again", [DNS, OTHER, None])
def test_the_file_of_a_lost_record_goes_with_the_endpoint_that_is_recorded_again(again):
    host = host_with()
    empty = dict(host.kernel.resolvers), builders.shape(host.kernel)
    host.run(endpoint(dns=DNS))
    host.record = dataclasses.replace(host.record, endpoints={})
    host.run(endpoint(dns=again))
    assert file_of(host).content is not None
    host.run(no_endpoint())
    assert (file_of(host), builders.shape(host.kernel)) == (ResolverFile(), empty[1])


APART = network("apart", ["10.9.0.0/24"], parent="eth1")
DB = endpoint("db", "apart", ifname="eth1", default_route=False)


def test_the_file_of_a_lost_record_stays_for_another_endpoint_of_the_namespace():
    host = host_with(endpoint(dns=DNS), APART, DB)
    host.record = dataclasses.replace(host.record, endpoints={})
    host.run(endpoint())
    host.run(DB)
    host.run(no_endpoint())
    assert file_of(host).content == OURS
    host.run(no_endpoint("db", "apart"))
    assert file_of(host) == ResolverFile()


def test_a_file_of_others_stays_when_an_endpoint_without_name_servers_goes():
    host = host_with(endpoint())
    change_file(host, content=FOREIGN, has_folder=True)
    host.run(no_endpoint())
    assert file_of(host).content == FOREIGN


def test_a_file_that_lost_its_first_line_is_drift_and_no_longer_ours():
    host = host_with(endpoint(dns=DNS))
    change_file(host, content=OURS.partition("\n")[2])
    (drift,) = drift_of(HostView(host.record, host.kernel))
    assert (drift.field, drift.actual) == ("dns", f"{drift.recorded}, not tagged")
    with pytest.raises(PlanError, match="has not written it"):
        host.plan(endpoint(dns=DNS))
    host.run(no_endpoint())
    assert file_of(host).content == OURS.partition("\n")[2]


@pytest.mark.parametrize(
    ("content", "actual"),
    [(None, None), (OURS + "nameserver 9.9.9.9\n", shown_resolver(OURS + "nameserver 9.9.9.9\n")), (OURS.splitlines()[0] + "\n", "empty")],
)
def test_a_changed_or_missing_file_is_drift_and_written_again(content, actual):
    for request in (endpoint(dns=DNS), Restoration()):
        host = host_with(endpoint(dns=DNS))
        assert drift_of(HostView(host.record, host.kernel)) == []
        change_file(host, content=content)
        (drift,) = drift_of(HostView(host.record, host.kernel))
        assert (drift.field, drift.recorded, drift.actual) == ("dns", shown_resolver(OURS), actual)
        host.run(request)
        assert file_of(host).content == OURS and drift_of(HostView(host.record, host.kernel)) == []


def test_a_restoration_goes_on_where_a_file_cannot_be_written():
    host = host_with(endpoint(dns=DNS))
    host.reboot()
    change_file(host, content=FOREIGN)
    made = host.run(Restoration())
    assert host.link("eth0", "/run/netns/blue") is not None and file_of(host).content == FOREIGN
    (missing,) = made.missing
    assert "has not written it" in missing.reason


def test_two_endpoints_of_a_namespace_share_one_file():
    host = host_with(endpoint(dns=DNS), network("two", ["192.168.2.0/24"], parent="eth1"))
    other = {"name": "db", "network": "two", "ifname": "eth1", "default_route": False}
    with pytest.raises(PlanError, match=r"endpoint two/db: dns: endpoint lan/web has others \(search example.com, nameserver 192.168.1.53"):
        host.plan(endpoint(**other, dns=OTHER))
    host.run(endpoint(**other, dns=DNS))
    host.run(no_endpoint())
    assert file_of(host).content == OURS
    host.run(no_endpoint("db", "two"))
    assert file_of(host) == ResolverFile(None, False)


def test_both_endpoints_of_a_namespace_change_in_one_task():
    host = host_with(network("two", ["192.168.2.0/24"], parent="eth1"))
    networks = [network(), network("two", ["192.168.2.0/24"], parent="eth1")]
    for dns in (DNS, OTHER):
        other = endpoint("db", "two", ifname="eth1", default_route=False, dns=dns)
        made = host.run(configuration(*networks, endpoint(dns=dns), other))
        assert len([step for step in made.steps if isinstance(step, WriteResolver)]) == 1
        assert drift_of(HostView(host.record, host.kernel)) == []


def test_two_namespaces_exchange_their_name_servers():
    host = host_with()
    for one, other in ((DNS, OTHER), (OTHER, DNS)):
        host.run(configuration(network(), endpoint(dns=one), endpoint("db", netns="red", dns=other)))
        assert drift_of(HostView(host.record, host.kernel)) == []


def test_it_moves_with_the_endpoint_and_stays_with_its_new_name():
    host = host_with(endpoint(dns=DNS))
    host.run(dataclasses.replace(endpoint(netns="red", dns=DNS), replace=True))
    assert file_of(host).content is None and file_of(host, "red").content is not None
    host.run(dataclasses.replace(network(parent="eth1"), replace=True))
    assert drift_of(HostView(host.record, host.kernel)) == []
    host.run(no_network(force=True))
    assert file_of(host, "red") == ResolverFile(None, False)


def test_what_is_mounted_read_only_is_refused_in_the_plan():
    host = host_with()
    change_file(host, read_only="/etc")
    with pytest.raises(PlanError, match=r"cannot write /etc/netns/blue/resolv.conf: /etc is mounted read-only; make it writable: mount -o remount,rw /etc"):
        host.plan(endpoint(dns=DNS))
    change_file(host, read_only="")
    host.run(endpoint(dns=DNS))
    change_file(host, read_only="/etc")
    assert host.sentences(endpoint(dns=DNS)) == []
    with pytest.raises(PlanError, match=r"cannot delete /etc/netns/blue/resolv.conf: /etc is mounted read-only"):
        host.plan(no_endpoint())


def test_all_of_it_can_be_undone():
    host = host_with(endpoint(dns=DNS))
    before = host.kernel
    for request in (endpoint(dns=OTHER), endpoint(), no_endpoint()):
        made = host.plan(request)
        after = builders.followed(before, made.steps)
        assert builders.followed(after, inverse(made.steps)).resolvers == before.resolvers


# --- what is recorded -----------------------------------------------------------------------------------------------


def test_it_is_recorded_and_read_back():
    item = Endpoint("0" * 32, "web", "lan", Netns("name", "blue"), "eth0", "02:42:00:00:00:01", 1500, dns=Dns(("192.168.1.53",), (), True))
    assert Endpoint.from_plain(plain(item)) == item
    host = host_with(endpoint(dns=OTHER))
    params = endpoint_params(host.record.endpoints[KEY], host.record.networks["lan"], pin=False)
    assert params == {"name": "web", "network": "lan", "netns": "blue", "dns": OTHER}


@pytest.mark.parametrize("wrong", [5, [], {"servers": ["x"]}, {"search": ["a b"]}, {"owns_folder": 1}, {"servers": "1.1.1.1"}])
def test_a_row_with_something_else_is_refused(wrong):
    item = Endpoint("0" * 32, "web", "lan", Netns("name", "blue"), "eth0", "02:42:00:00:00:01", 1500)
    with pytest.raises(ValueError, match="dns"):
        Endpoint.from_plain({**plain(item), "dns": wrong})
