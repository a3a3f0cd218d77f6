# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes that are found while planning: all of them are named at once, and what only follows from them is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import AbsentError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.plan import plan
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result import outcome
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    Host,
    endpoint,
    kernel,
    network,
    no_network,
    no_subinterface,
    subinterface,
)

pytestmark = pytest.mark.engine

DUAL = ("192.168.1.0/24", "fd00::/64")

# Each of another object: (request, the sentence on it), on a host with network lan and endpoint lan/old.
WRONG = [
    (endpoint("a", netns="a", ipv4="10.9.9.9"), "endpoint lan/a: ipv4: 10.9.9.9 is in no subnet"),
    (endpoint("b", netns="b", ipv6="fd09::9"), "endpoint lan/b: ipv6: fd09::9 is in no subnet"),
    (endpoint("c", netns="c", mtu=9000), "endpoint lan/c: mtu 9000 is more than"),
    (endpoint("d", netns="d", ipv4="192.168.1.1"), "endpoint lan/d: ipv4: 192.168.1.1 is held by"),
    (endpoint("e", netns_path="/run/nowhere"), "endpoint lan/e: there is no namespace /run/nowhere"),
    (endpoint("f", "nowhere", netns="f"), "endpoint nowhere/f: there is no network nowhere"),
    (endpoint("g", netns="g", routes=[{"to": "10.0.0.0/8", "via": "172.16.0.1"}]), "endpoint lan/g: routes: via 172.16.0.1"),
    (network("n1", ["10.1.0.0/24"], parent="eth7"), "network n1: there is no link eth7"),
    (network("n2", ["10.2.0.0/24"]), "network n2: eth0 is already the parent of network lan"),
    (network("n3", ["192.168.1.0/25"], parent="eth1"), "network n3: subnet 192.168.1.0/25 overlaps"),
    (no_network("lan"), "network lan has the endpoints old"),
    (subinterface("eth7.50"), "vlan_subinterface eth7.50: cannot create VLAN link eth7.50: there is no link eth7"),
    (subinterface("lo.50"), "vlan_subinterface lo.50: cannot create VLAN link lo.50: lo is the loopback"),
    (no_subinterface("eth1"), "vlan_subinterface eth1: this link is not a VLAN link"),
]


def busy():
    host = Host(kernel())
    host.run(network("lan", DUAL), endpoint("old", netns="old"))
    return host


def refusal(host, *requests):
    before = host.record, host.kernel
    with pytest.raises(PlanError) as caught:
        host.run(*requests)
    assert (host.record, host.kernel) == before
    return caught.value


@given(st.lists(st.sampled_from(WRONG), min_size=1, max_size=len(WRONG), unique_by=lambda item: item[1]), st.data())
def test_every_mistake_is_named_in_the_order_of_the_requests(wrong, data):
    requests = [request for request, dummy in wrong]
    for number in range(data.draw(st.integers(0, 2))):
        right = endpoint(f"right{number}", netns=f"right{number}")
        requests.insert(data.draw(st.integers(0, len(requests))), right)
    sentences = str(refusal(busy(), *requests)).split("; ")
    if len(wrong) > 1:
        places = [next(at for at, text in enumerate(sentences) if text.startswith(words)) for dummy, words in wrong]
        assert places == sorted(set(places))


@pytest.mark.parametrize(("request_", "words"), WRONG, ids=[words.partition(":")[0] for dummy, words in WRONG])
def test_a_single_mistake_is_reported_without_a_heading(request_, words):
    message = str(refusal(busy(), request_))
    assert message.startswith((words, words.partition(": ")[2]))


def test_all_that_is_wrong_with_one_endpoint_is_named():
    wrong = endpoint(
        ipv4="10.9.9.9",
        ipv6="fd09::9",
        mtu=9000,
        mac="52:54:00:00:00:02",
        routes=[{"to": "10.0.0.0/8", "via": "172.16.0.1"}, {"to": "fd10::/64", "via": "fd11::1"}],
    )
    message = str(refusal(busy(), wrong))
    assert message.count("endpoint lan/web: ") == 6
    # No address of the network would have these next hops on the link.
    for words in ("10.9.9.9", "fd09::9", "mtu 9000", "52:54:00:00:00:02", "via 172.16.0.1", "via fd11::1"):
        assert words in message
    # What depends on which address it will be is not known without that.
    within = [{"to": "10.0.0.0/8", "via": "192.168.1.7"}]
    assert "routes" not in str(refusal(busy(), endpoint(ipv4="10.9.9.9", routes=within)))
    routes = [{"to": "10.0.0.0/8", "via": "172.16.0.1"}, {"to": "fd10::/64", "via": "fd11::1"}]
    assert str(refusal(busy(), endpoint(routes=routes))).count("endpoint lan/web: routes: via ") == 2


def test_all_that_is_wrong_with_one_network_is_named():
    host = busy()
    host.run(endpoint("new", netns="new", ipv4="192.168.1.200"))
    message = str(refusal(host, network("lan", [{"subnet": "fd00::/64", "gateway": "fd00::2"}], mtu=9000)))
    assert message.count("network lan: ") == 3
    for words in ("mtu 9000", "subnets would lose 192.168.1.0/24", "fd00::2 cannot be the gateway"):
        assert words in message


def test_subnets_that_were_left_out_are_reported_as_left_out():
    message = str(refusal(busy(), network("lan", [], mtu=1400)))
    assert "network lan: subnets was left out or empty, and the network would lose 192.168.1.0/24, which has leases" in message
    assert "to keep the addresses, give 192.168.1.0/24 and " in message and " again" in message
    for other in (network("lan", ["10.99.0.0/24"]), network("lan", [], ipam="none")):
        assert "left out" not in str(refusal(busy(), other))


def test_what_only_follows_from_a_mistake_is_not_reported():
    wrong = subinterface("eth7.50"), network("n", ["10.1.0.0/24"], parent="eth7.50"), endpoint("a", "n"), endpoint("b", "n")
    assert str(refusal(busy(), *wrong)) == str(refusal(busy(), wrong[0]))


def test_a_mistake_that_many_items_share_is_reported_once():
    host = busy()
    host.lose("eth0")
    message = str(refusal(host, endpoint("a", netns="a"), endpoint("b", netns="b")))
    assert message.count("its parent eth0 is gone") == 1


def test_what_may_come_by_itself_is_still_known_as_that():
    found = refusal(busy(), subinterface("eth7.50"))
    assert isinstance(found, AbsentError) and found.awaits == "eth7"
    assert not isinstance(refusal(busy(), subinterface("eth7.50"), subinterface("eth8.50")), AbsentError)


# --- networks that are still to be made -----------------------------------------------------------------------------


def foreseen(host, *requests):
    made = plan(requests, host.record, host.kernel, foresee=True)
    return outcome.outcome_of(requests[0], requests, made, HostView(host.record, host.kernel), ())


def test_check_mode_tells_of_an_endpoint_without_network_what_can_be_known():
    host = busy()
    told = foreseen(host, endpoint("a", "later", netns="a", ifname="wan0", mtu=1400, labels={"x": 1}))
    assert told.changed and told.created and told.before == {}
    assert told.steps == ("create endpoint later/a, once network later exists",)
    assert [warning for warning in told.warnings if "there is no network later on this host" in warning]
    unknown = {key for key, value in told.shown.items() if value is None}
    # No task has asked for name servers.
    assert unknown - {"dns"} == {"mac", "ipv4", "ipv6", "gateway4", "gateway6", "parent", "mode", "exclusive", "probe", "vrf"}
    host.run(network("later", ["10.1.0.0/24"], parent="eth1"))
    request = endpoint("a", "later", netns="a", ifname="wan0", mtu=1400, labels={"x": 1})
    real = foreseen(host, request).shown
    assert real.keys() == told.shown.keys()
    assert {key for key in real if real[key] != told.shown[key]} <= unknown


@pytest.mark.parametrize(("params", "field", "after"), [({"exclusive": False}, "exclusive", False), ({"mtu": 1500}, "mtu", 1500)])
def test_what_changes_in_the_record_alone_is_reported_by_the_name_of_its_option(params, field, after):
    """An endpoint that says what it has from its network already."""
    told = foreseen(busy(), endpoint("old", netns="old", **params))
    entry = {"object": "endpoint lan/old", "field": field, "before": None, "after": after}
    assert told.changed and told.before == {**told.after, "also_changes": [entry]}


@pytest.mark.parametrize("params", [{"netns_path": "/run/nowhere"}, {"pid": 4000}], ids=str)
def test_check_mode_refuses_what_no_network_would_help(params):
    with pytest.raises(PlanError, match="there is no"):
        foreseen(busy(), endpoint("a", "later", **params))
