# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel would refuse is refused by the plan, in check mode too."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.kernel import MovedLink
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST, Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import OtherRoute, Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.needs import needs_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.plan import plan
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import EndpointOptions
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import SetSysctls, inverse
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    BLUE_PATH,
    ETH0,
    ETH1,
    Host,
    changed_link,
    configuration,
    endpoint,
    kernel,
    link,
    network,
    no_endpoint,
    no_network,
    said,
    space,
    subinterface,
    vlan_link,
    with_space,
)

pytestmark = pytest.mark.engine


def refused(host, *requests):
    """Why requests are refused; the host is as it was."""
    before = host.kernel, host.record
    with pytest.raises(PlanError) as caught:
        host.run(*requests)
    assert (host.kernel, host.record) == before
    return str(caught.value)


# --- what carries a macvlan -----------------------------------------------------------------------------------------


def port_of(kind, name="up0", **values):
    """A host whose eth0 is a port of a link of some kind."""
    return changed_link(kernel(link(name, 9, kind=kind, **values)), "eth0", master=9)


def advice(kind, name):
    """What to do beside a link that receives all frames of a parent."""
    driver = "use driver: ipvlan for the network, another parent" if kind == "ipvlan" else "use another parent"
    return f"; {driver}, or delete {name}"


@pytest.mark.parametrize("kind", ["vrf", "batadv"])
@pytest.mark.parametrize("parent", ["eth0", "eth0.50"])
def test_a_link_whose_master_leaves_its_frames_alone_is_a_parent_like_any_other(kind, parent):
    host = Host(port_of(kind))
    host.run(network(parent=parent))
    host.run(endpoint())
    assert not host.plan(network(parent=parent)).changed
    assert not host.plan(endpoint()).changed


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("bridge", "a port of bridge up0, which receives all its frames; use up0"),
        ("bond", "a port of bond up0, which receives all its frames; use up0"),
        ("team", "a port of team up0, which receives all its frames; use up0"),
        ("", "a port of up0, which receives all its frames; use up0"),
        ("openvswitch", "a port of openvswitch up0, which receives all its frames; use an internal port of that switch"),
        ("hsr", "a port of hsr up0, which receives all its frames"),
        ("whatever comes", "a port of whatever comes up0, which receives all its frames"),
    ],
)
def test_a_port_whose_master_takes_its_frames_is_refused(kind, words):
    assert refused(Host(port_of(kind)), network()) == f"network lan: eth0 is {words}"


@pytest.mark.parametrize(
    ("kernel_", "words"),
    [
        pytest.param(kernel(link("x", 9, loopback=True)), "x is the loopback and cannot carry a macvlan", id="loopback"),
        pytest.param(kernel(link("x", 9, kind="tun", hardware=65534)), "x is not an Ethernet link and cannot carry a macvlan", id="tun"),
        pytest.param(kernel(link("x", 9, kind="vrf")), "x is a VRF, which carries no Ethernet frames; use a link that is in it", id="vrf"),
        pytest.param(
            changed_link(kernel(link("x", 9, kind="vrf")), "eth0", master=9),
            "x is a VRF, which carries no Ethernet frames; use eth0, which is in it",
            id="vrf-with-a-port",
        ),
        pytest.param(
            changed_link(changed_link(kernel(link("x", 9, kind="vrf")), "eth0", master=9), "eth1", master=9),
            "x is a VRF, which carries no Ethernet frames; use one of its ports: eth0, eth1",
            id="vrf-with-ports",
        ),
        pytest.param(
            kernel(link("x", 9, kind="macvlan", lower=ETH0)),
            "x is itself a macvlan link and cannot be a parent; use eth0, the link below it",
            id="macvlan",
        ),
        pytest.param(kernel(link("x", 9, kind="ipvlan", lower=ETH0)), "x is itself an ipvlan link and cannot be a parent", id="ipvlan"),
        *(
            pytest.param(
                kernel(link("x", 9), link("y", 10, kind=kind, lower=9)),
                f"x carries the {kind} link y, which receives all its frames{advice(kind, 'y')}",
                id=f"below-{kind}",
            )
            for kind in ("ipvlan", "ipvtap", "macsec", "rmnet")
        ),
    ],
)
def test_a_link_that_carries_no_macvlan_is_refused_with_the_reason(kernel_, words):
    assert refused(Host(kernel_), network(parent="x")) == f"network lan: {words}"


@pytest.mark.parametrize("kind", ["", "dummy", "veth", "vxlan", "bridge", "bond", "team", "tun", "macsec", "vlan", "hsr"])
def test_any_other_ethernet_link_is_a_parent(kind):
    found = vlan_link("x", 9, ETH1, 7) if kind == "vlan" else link("x", 9, kind=kind)
    host = Host(kernel(found))
    host.run(network(parent="x"))
    host.run(endpoint())


def test_a_vrf_carries_no_vlan():
    for request in (network(parent="x.50"), subinterface("x.50")):
        assert "x is a VRF, which carries no VLANs" in refused(Host(kernel(link("x", 9, kind="vrf"))), request)


def test_a_network_whose_parent_is_put_into_a_vrf_goes_on():
    host = Host()
    host.run(network(), endpoint())
    host.gain(link("blue", 9, kind="vrf"))
    host.change("eth0", master=9)
    for request in (network(), network(mtu=1400), endpoint(), endpoint("db", netns="red")):
        host.run(request)


# --- alternative names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (subinterface("eth0.50"), "eth0.50"),
        (network(parent=None), names.dummy_name(names.object_id("host", "network", "lan"))),
    ],
)
def test_no_link_is_made_under_an_alternative_name_of_another(request_, name):
    words = refused(Host(changed_link(kernel(), "eth1", altnames=(name,))), request_)
    assert name in words and "an alternative name of eth1" in words


@pytest.mark.parametrize("place", [{"netns": None}, {"netns": "blue"}])
@pytest.mark.parametrize("known", [False, True])
def test_an_interface_gets_no_alternative_name_of_another(place, known):
    host = Host(with_space(kernel(), space(link("v", 20, kind="veth", altnames=("alt0",))), BLUE_PATH))
    host.change("eth1", altnames=("alt0",))
    host.run(network())
    if known:
        host.run(endpoint(**place))
    words = refused(host, endpoint(ifname="alt0", **place))
    assert "endpoint lan/web: ifname alt0 is taken" in words
    assert f"alternative name of {'v' if place['netns'] else 'eth1'}" in words


def test_an_alternative_name_in_another_namespace_is_no_obstacle():
    host = Host(changed_link(kernel(), "eth0", altnames=("alt0",)))
    host.run(network(), endpoint(ifname="alt0"))


# --- a base that was renamed ----------------------------------------------------------------------------------------


# The kernel accepts white space beyond ASCII.
UNRECORDABLE = "ens\u20031"


@pytest.mark.parametrize("request_", [network(parent="eth0.50"), endpoint(), endpoint("db", netns="red")])
def test_a_vlan_whose_base_has_a_name_now_that_cannot_be_recorded_is_not_called_another_link(request_):
    host = Host()
    host.run(network(parent="eth0.50"), endpoint())
    base = host.link("eth0")
    host.lose("eth0")
    host.gain(link(UNRECORDABLE, base.index, mac=base.mac))
    words = refused(host, request_)
    assert f"its base eth0 is called {UNRECORDABLE} now; give it its old name back: ip link set {UNRECORDABLE} name eth0" in words
    assert "not the one" not in words


def test_a_vlan_that_is_kept_because_its_base_was_renamed_is_reported():
    host = Host()
    host.run(network(parent="eth0.50"))
    base = host.link("eth0")
    host.lose("eth0")
    host.gain(link(UNRECORDABLE, base.index, mac=base.mac))
    (warning,) = host.run(no_network(force=True)).warnings
    assert f"its base eth0 is called {UNRECORDABLE} now" in warning and "ip link delete eth0.50" in warning


# --- passthru -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "foreign", "words"),
    [
        ("passthru", {"kind": "macvtap", "mode": "bridge"}, "passthru needs eth0 for itself, and up0 is on it"),
        ("passthru", {"kind": "macvlan", "mode": "private"}, "passthru needs eth0 for itself, and up0 is on it"),
        ("passthru", {"kind": "macvtap", "mode": "passthru"}, "passthru needs eth0 for itself, and up0 is on it"),
        ("bridge", {"kind": "macvlan", "mode": "passthru"}, "eth0 carries the passthru link up0, which needs the parent for itself"),
        ("private", {"kind": "macvtap", "mode": "passthru"}, "eth0 carries the passthru link up0, which needs the parent for itself"),
    ],
)
@pytest.mark.parametrize("where", ["blue", "the host's own"])
def test_no_endpoint_is_made_beside_a_foreign_link_that_came_after_its_network(mode, foreign, words, where):
    place = {"netns": "blue"} if where == "blue" else {"netns": None, "ifname": "mv0"}
    wanted = endpoint(**place)
    host = Host()
    host.run(network(mode=mode))
    host.gain(link("up0", 9, lower=ETH0, **foreign))
    assert refused(host, wanted) == f"endpoint lan/web: {words}"
    host.lose("up0")
    host.run(wanted)
    assert not host.plan(wanted).changed
    # What has its link has what it needs, whatever else the kernel lets somebody make.
    host.gain(link("up0", 9, lower=ETH0, **foreign))
    assert not host.plan(wanted).changed


def test_a_foreign_link_that_shares_its_parent_is_no_obstacle():
    host = Host()
    host.run(network())
    host.gain(link("up0", 9, kind="macvtap", mode="bridge", lower=ETH0))
    assert host.run(endpoint()).changed


def away(name="up0", **values):
    """A macvlan on eth0 in namespace pod."""
    return MovedLink(Netns("name", "pod"), link(name, 9, **{"kind": "macvlan", "mode": "bridge", "lower": ETH0, "lower_netns": 0, **values}))


@pytest.mark.parametrize(
    ("mode", "foreign", "words"),
    [
        ("passthru", away(), "passthru needs eth0 for itself, and up0 in namespace pod is on it"),
        ("passthru", away(kind="macvtap"), "passthru needs eth0 for itself, and up0 in namespace pod is on it"),
        ("vepa", away(mode="passthru"), "eth0 carries the passthru link up0 in namespace pod, which needs the parent for itself"),
        ("passthru", away(lower=ETH1), None),
        ("passthru", away(alias="fleetnet.macvlan:0123456789abcdef"), None),
        ("bridge", away(), None),
    ],
)
def test_a_foreign_link_in_another_namespace_counts_beside_a_passthru_link(mode, foreign, words):
    host = Host()
    reads(host, moved_links=(foreign,))
    if words is None:
        host.run(network(mode=mode), endpoint())
        return
    assert refused(host, network(mode=mode)) == f"network lan: {words}"
    reads(host, moved_links=())
    host.run(network(mode=mode))
    reads(host, moved_links=(foreign,))
    assert refused(host, endpoint()) == f"endpoint lan/web: {words}"


@pytest.mark.parametrize("kind", ["ipvlan", "ipvtap", "macsec", "rmnet"])
def test_a_foreign_link_in_another_namespace_that_takes_all_frames_is_told_of(kind):
    host = Host()
    reads(host, moved_links=(away(kind=kind, mode=None),))
    words = f"eth0 carries the {kind} link up0 in namespace pod, which receives all its frames{advice(kind, 'up0')}"
    assert refused(host, network()) == f"network lan: {words}"
    host.run(network("other", parent="eth1", subnets=["10.0.0.0/24"]), endpoint(network="other"))
    reads(host, moved_links=())
    host.run(network())
    reads(host, moved_links=(away(kind=kind, mode=None),))
    assert refused(host, endpoint("db")) == f"network lan: {words}"


@pytest.mark.parametrize(
    ("request_", "looks"),
    [
        (network(mode="passthru"), True),
        (network("two", parent="eth1"), False),
        (network("two", parent=None), False),
        (network("two", parent="eth2"), True),
        (network("other", parent="eth1"), False),
        (endpoint(), True),
        (endpoint("two", network="other"), False),
        (endpoint(network="third"), True),
        (no_network(), False),
        (no_endpoint(), False),
        (Restoration(), True),
    ],
)
def test_other_namespaces_are_looked_at_for_passthru_links_and_the_first_on_a_parent(request_, looks):
    host = Host(kernel(link("eth2", 9), link("eth3", 10)))
    host.run(network(mode="passthru"), network("other", parent="eth1", subnets=["10.0.0.0/24"]), endpoint("one", network="other", ifname="mv0"))
    host.run(network("third", parent="eth3", subnets=["10.1.0.0/24"]))
    assert needs_of([request_], host.record).newcomers is looks


def test_a_restoration_tells_of_the_foreign_link_that_came_first():
    host = Host()
    host.run(network(mode="passthru"), endpoint())
    host.reboot()
    host.gain(link("up0", 9, kind="macvtap", mode="bridge", lower=ETH0))
    made = host.plan(Restoration())
    assert [item.reason for item in made.missing] == ["endpoint lan/web: passthru needs eth0 for itself, and up0 is on it"]


# --- settings -------------------------------------------------------------------------------------------------------

V6 = {"subnets": ["2001:db8::/64"]}
NO_IPV6 = "it has the address 2001:db8::2/64, and this kernel has no IPv6"
SEALED = {"net.ipv4.conf.": "/proc/sys", "net.ipv6.conf.": "/proc/sys", "net.": "/proc/sys"}


def reads(host, **values):
    """What is read of the host is from now on so."""
    host.kernel = dataclasses.replace(host.kernel, **values)


def test_an_endpoint_with_ipv6_is_refused_where_there_is_none():
    host = Host()
    host.run(network(**V6), network("four", parent="eth1"))
    reads(host, has_ipv6=False)
    assert refused(host, endpoint()).startswith(f"endpoint lan/web: {NO_IPV6}: it was started with ipv6.disable=1")
    assert refused(host, network("six", parent="eth0.6", subnets=["2001:db8:6::/64"]), endpoint(network="six"))
    assert host.run(endpoint(network="four")).changed


def test_a_network_with_ipv6_is_warned_of_where_there_is_none():
    host = Host()
    reads(host, has_ipv6=False)
    for request in (network(**V6), network(**V6), network(mtu=1400, **V6)):
        (warning,) = host.run(request).warnings
        assert warning.startswith("network lan: it has the subnet 2001:db8::/64, and this kernel has no IPv6")
    assert not host.run(network("four", parent="eth1")).warnings
    reads(host, has_ipv6=True)
    assert not host.run(network(**V6)).warnings


@pytest.mark.parametrize("sysctls", [{}, {"net.ipv6.conf.IFNAME.disable_ipv6": 1}])
def test_no_step_switches_ipv6_off_where_there_is_none(sysctls):
    host = Host()
    reads(host, has_ipv6=False)
    host.run(network())
    for wanted in ({}, {"mtu": 1000}, {"mtu": 1400}, {"ifname": "mv0"}):
        made = host.run(endpoint(sysctls=sysctls, **wanted))
        assert not [step for step in said(made) if "ipv6" in step]
        # Nor does one that would make it again.
        assert not [item for step in inverse(host.plan(no_endpoint()).steps) if "ipv6" in (item := step.describe())]
    host.lose("mv0", BLUE_PATH)
    assert not [step for step in said(host.run(Restoration())) if "ipv6" in step]


def test_settings_that_go_with_the_mtu_are_restored_after_it():
    host = Host()
    host.run(network(), endpoint(sysctls={"net.ipv6.conf.IFNAME.disable_ipv6": 0, "net.ipv6.conf.IFNAME.hop_limit": 33}))
    one = host.kernel.spaces[BLUE_PATH]
    before = {key: value for key, value in one.sysctls.items() if key.startswith("net.ipv6.conf.eth0.")}
    assert len(before) > 3
    back = inverse(host.plan(endpoint(mtu=1000)).steps)
    raised = next(number for number, step in enumerate(back) if getattr(step, "attribute", None) == "mtu")
    written = {}
    for number, step in enumerate(back):
        if isinstance(step, SetSysctls):
            assert number > raised
            written.update({names.sysctl_key(item.key, step.ifname): item.new for item in step.settings})
    assert {key: written.get(key) for key in before} == before


def test_an_mtu_is_lowered_where_no_settings_can_be_written():
    host = Host()
    host.run(network(), endpoint())
    reads(host, read_only=SEALED)
    assert said(host.run(endpoint(mtu=1000)))[-1] == "change mtu of eth0 in namespace blue from 1500 to 1000"


def test_an_endpoint_does_not_get_ipv6_where_there_is_none():
    host = Host()
    host.run(network(subnets=["192.168.1.0/24", *V6["subnets"]]), endpoint())
    reads(host, has_ipv6=False)
    host.reboot()
    missing = host.plan(Restoration()).missing
    assert [(item.ref.title, item.reason.partition(":")[2].partition(":")[0]) for item in missing] == [
        ("endpoint lan/web", " it has the address 2001")
    ]


def test_what_writes_settings_is_refused_where_none_can_be_written():
    host = Host()
    host.run(network())
    reads(host, read_only=SEALED)
    assert refused(host, endpoint()) == (
        "endpoint lan/web: cannot set net.ipv6.conf.eth0.disable_ipv6 to '1' in namespace blue: /proc/sys is mounted "
        "read-only; make it writable: mount -o remount,bind,rw /proc/sys (in a container: start it so that its runtime "
        "leaves /proc/sys writable)"
    )
    assert host.run(network("two", subnets=["10.7.0.0/24"], allow_shared_parent=True)).changed
    reads(host, read_only={})
    host.run(endpoint())
    reads(host, read_only=SEALED)
    assert not host.plan(endpoint()).changed
    # The announcement of IPv4 can be set with the link.
    host.run(endpoint(mtu=1400))
    assert "disable_ipv6" not in refused(host, endpoint(mtu=1400, sysctls={"net.ipv4.conf.IFNAME.rp_filter": 1}))
    host.run(no_endpoint())


@pytest.mark.parametrize(
    ("read_only", "sysctls", "key"),
    [
        pytest.param({"net.ipv4.conf.": "", "net.ipv6.conf.": "/m", "net.": "/m"}, {}, "ipv6.conf.eth0.disable_ipv6", id="ipv6"),
        pytest.param({"net.ipv4.conf.": "/m", "net.ipv6.conf.": "", "net.": ""}, {}, None, id="ipv4-goes-by-netlink"),
        pytest.param(
            {"net.ipv4.conf.": "/m", "net.ipv6.conf.": "", "net.": ""},
            {"net.ipv4.conf.IFNAME.rp_filter": 1},
            "ipv4.conf.eth0.rp_filter",
            id="ipv4-of-a-task",
        ),
        pytest.param(
            {"net.ipv4.conf.": "", "net.ipv6.conf.": "", "net.": "/m"}, {"net.ipv4.ip_forward": 1}, "ipv4.ip_forward", id="others"
        ),
        pytest.param({"net.ipv4.conf.": "", "net.ipv6.conf.": "", "net.": "/m"}, {}, None, id="mounted-again"),
    ],
)
def test_only_a_setting_below_the_mount_is_in_the_way(read_only, sysctls, key):
    host = Host()
    host.run(network())
    reads(host, read_only=read_only)
    wanted = endpoint(sysctls=sysctls)
    if key is None:
        assert host.run(wanted).changed
    else:
        assert f"cannot set net.{key} to '1' in namespace blue: /m is mounted read-only" in refused(host, wanted)


def test_settings_that_a_kernel_without_ipv6_has_not_need_no_writing():
    host = Host()
    host.run(network())
    reads(host, read_only=SEALED, has_ipv6=False)
    assert host.run(endpoint()).changed


def test_a_restoration_tells_of_settings_that_cannot_be_written():
    host = Host()
    host.run(network(), endpoint())
    host.reboot()
    reads(host, read_only=SEALED)
    made = host.plan(Restoration())
    assert ["/proc/sys is mounted read-only" in item.reason for item in made.missing] == [True]
    assert made.steps == ()


# --- VLANs in other namespaces --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lower", "vlan_id", "facts", "is_refused"),
    [
        pytest.param(ETH0, 50, {}, True, id="the-same"),
        pytest.param(ETH0, 51, {}, False, id="another-id"),
        pytest.param(ETH1, 50, {}, False, id="another-base"),
        pytest.param(ETH0, 50, {"protocol": "802.1ad"}, False, id="another-protocol"),
    ],
)
@pytest.mark.parametrize("request_", [network(parent="eth0.50"), subinterface("eth0.50")], ids=["network", "subinterface"])
def test_a_vlan_that_is_in_another_namespace_is_taken(lower, vlan_id, facts, is_refused, request_):
    host = Host()
    moved = vlan_link("v50", 7, lower, vlan_id, lower_netns=0, facts=facts)
    reads(host, moved_links=(MovedLink(Netns("name", "pod"), moved),))
    if is_refused:
        assert refused(host, request_).endswith(
            "cannot create VLAN link eth0.50: VLAN 50 of eth0 is already there as v50 in namespace pod, and the kernel creates "
            "no second one; use another VLAN, or delete that one: ip -n pod link delete v50"
        )
    else:
        assert host.run(request_).changed


@pytest.mark.parametrize(
    ("request_", "vlans"),
    [
        (network(parent="eth0.50"), {"eth0.50"}),
        (network(parent="eth0"), set()),
        (subinterface("uplink", parent="eth0", vlan_id=50), {"uplink"}),
        (subinterface("eth0.5.6"), {"eth0.5.6", "eth0.5"}),
        (no_network(), set()),
        (endpoint(network="lan"), {"eth1.7"}),
        (endpoint(network="none"), set()),
        (Restoration(), {"eth1.7"}),
    ],
)
def test_other_namespaces_are_looked_at_only_for_vlans_that_may_be_made(request_, vlans):
    host = Host()
    host.run(network(parent="eth1.7"))
    assert needs_of([request_], host.record).vlans == vlans


# --- an mtu without IPv6 --------------------------------------------------------------------------------------------

LOW = "endpoint lan/web: mtu 1000 is less than the 1280 that IPv6 needs"
NO_ADDRESSES = {"subnets": (), "ipam": "none"}
# Settings of an endpoint without an address of IPv6, and what of them needs IPv6.
IPV6_SETTINGS = [
    pytest.param({}, "", id="none"),
    pytest.param({"net.ipv6.conf.IFNAME.disable_ipv6": 1}, "", id="off"),
    pytest.param({"net.ipv6.conf.all.forwarding": 1, "net.ipv4.conf.IFNAME.rp_filter": 2}, "", id="others"),
    pytest.param({"net.ipv6.conf.IFNAME.disable_ipv6": 0}, "net.ipv6.conf.IFNAME.disable_ipv6: 0", id="on"),
    pytest.param(
        {"net.ipv6.conf.IFNAME.disable_ipv6": 0, "net.ipv6.conf.IFNAME.accept_ra": 2},
        "net.ipv6.conf.IFNAME.disable_ipv6: 0, net.ipv6.conf.IFNAME.accept_ra: 2",
        id="router-advertisements",
    ),
    pytest.param({"net.ipv6.neigh.IFNAME.mcast_solicit": 1}, "net.ipv6.neigh.IFNAME.mcast_solicit: 1", id="neighbours"),
]
WAYS_TO_A_LOW_MTU = [
    pytest.param({}, lambda sysctls: [endpoint(sysctls=sysctls, mtu=1000)], id="endpoint"),
    pytest.param({}, lambda dummy: [network(mtu=1000)], id="network"),
    pytest.param(NO_ADDRESSES, lambda dummy: [network(mtu=1000, **NO_ADDRESSES)], id="network-without-addresses"),
    pytest.param(
        {},
        lambda sysctls: [configuration(network(mtu=1000), endpoint(sysctls=sysctls), purge=True)],
        id="configuration",
    ),
]


@pytest.mark.parametrize(("sysctls", "needing"), IPV6_SETTINGS)
@pytest.mark.parametrize(("params", "requests"), WAYS_TO_A_LOW_MTU)
@pytest.mark.parametrize("is_there", [True, False], ids=["there", "new"])
def test_an_mtu_that_takes_ipv6_away_is_refused_where_settings_need_it(sysctls, needing, params, requests, is_there):
    host = Host()
    host.run(network(**params))
    if is_there or not any(isinstance(item, EndpointOptions) for item in requests({})):
        host.run(endpoint(sysctls=sysctls))
    wanted = requests(sysctls)
    if needing:
        assert refused(host, *wanted) == f"{LOW}, and sysctls has {needing}; use a higher mtu, or leave that out of sysctls"
    else:
        assert host.run(*wanted).changed
        assert host.record.endpoints["lan", "web"].mtu == 1000


@pytest.mark.parametrize(("sysctls", "needing"), IPV6_SETTINGS)
def test_a_parent_without_the_mtu_that_ipv6_needs_is_reported_by_tasks_and_waited_for_by_a_restoration(sysctls, needing):
    host = Host()
    host.run(network(), endpoint(sysctls=sysctls))
    host.change("eth0", mtu=1000)
    made = host.plan(Restoration())
    assert [(item.ref.title, item.awaits) for item in made.missing] == [("endpoint lan/web", "eth0")]
    if needing:
        assert made.missing[0].reason.startswith(f"{LOW}, and sysctls has {needing}; ")
        assert made.missing[0].reason.endswith("; the mtu of its parent eth0 is no larger")
        assert made.steps == ()
        assert refused(host, endpoint(sysctls=sysctls)).startswith(LOW)
    else:
        assert host.run(endpoint(sysctls=sysctls)).changed
    host.change("eth0", mtu=1500)
    assert host.plan(Restoration()).missing == ()


def test_a_restoration_waits_for_the_mtu_that_an_address_of_ipv6_needs():
    host = Host()
    host.run(network(subnets=["192.168.1.0/24", "fd00::/64"]), endpoint())
    host.reboot()
    host.change("eth0", mtu=1000)
    made = host.plan(Restoration())
    assert [(item.reason, item.awaits) for item in made.missing] == [(f"{LOW}; the mtu of its parent eth0 is no larger", "eth0")]


def test_an_mtu_that_was_recorded_in_spite_of_its_settings_is_reported_and_can_be_mended():
    """As releases before 2.0.0 did; nothing comes that could be waited for."""
    host = Host()
    sysctls = {"net.ipv6.conf.IFNAME.disable_ipv6": 0}
    host.run(network(), endpoint(sysctls=sysctls))
    recorded = host.record.endpoints["lan", "web"]
    host.record.endpoints["lan", "web"] = dataclasses.replace(recorded, mtu=1000, own_mtu=1000)
    made = host.plan(Restoration())
    assert [(item.reason.startswith(LOW), item.awaits) for item in made.missing] == [(True, None)]
    host.run(endpoint(sysctls=sysctls))
    assert host.plan(Restoration()).missing == ()


def test_settings_that_go_with_the_mtu_that_they_need_are_not_missed():
    host = Host()
    host.run(network(), endpoint(sysctls={"net.ipv6.conf.IFNAME.disable_ipv6": 0, "net.ipv6.conf.IFNAME.accept_ra": 2}))
    here = host.kernel.spaces[BLUE_PATH]
    defaults = {"net.ipv6.conf.default.disable_ipv6": "0", "net.ipv6.conf.default.accept_ra": "1"}
    host.kernel = with_space(host.kernel, dataclasses.replace(here, sysctls={**here.sysctls, **defaults}), BLUE_PATH)
    made = host.run(endpoint(mtu=1000))
    settings = [item for step in made.steps if isinstance(step, SetSysctls) for item in step.settings]
    assert {item.key for item in settings} >= {"net.ipv6.conf.IFNAME.disable_ipv6", "net.ipv6.conf.IFNAME.accept_ra"}
    assert all(item.optional for item in settings)


# --- an endpoint whose network is still to come, in check mode ------------------------------------------------------

TO_COME = "later"


def foreseen(host, *requests):
    """What check mode says to endpoints whose network an earlier task of the play will have made."""
    return plan(host.worked_in(*requests), host.record, host.kernel, foresee=True)


def with_blue(*links, **values):
    return Host(with_space(kernel(), space(*links, **values), BLUE_PATH))


@pytest.mark.parametrize("place", [{"netns": None}, {"netns": "blue"}, {"netns_path": BLUE_PATH}])
@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ({}, {"ifname": "lo"}),
        ({"links": [link("v", 20, kind="veth")]}, {"ifname": "v"}),
        ({"links": [link("v", 20, kind="veth", altnames=("alt0",))]}, {"ifname": "alt0"}),
        ({"routes": {20: (Route("10.9.0.0/16", "10.0.0.1"),)}, "links": [link("v", 20)]}, {"routes": [{"to": "10.9.0.0/16"}]}),
        ({"other_routes": (OtherRoute(("10.9.0.0/16", 0), "blackhole"),)}, {"routes": [{"to": "10.9.0.0/16"}]}),
    ],
)
def test_what_is_in_the_way_in_its_namespace_is_refused_as_the_real_run_does(place, there, wanted):
    host = with_blue(*there.get("links", ()))
    for path in ("", BLUE_PATH):
        one = host.kernel.spaces[path]
        changed = {**one.links, **{item.name: item for item in there.get("links", ())}}
        values = {key: value for key, value in there.items() if key != "links"}
        host.kernel = with_space(host.kernel, dataclasses.replace(one, links=changed, **values), path)
    asked = {"ifname": "mv0", **place, **wanted}
    with pytest.raises(PlanError) as early:
        foreseen(host, endpoint(**asked))
    host.run(network(subnets=["10.0.0.0/24"]))
    assert refused(host, endpoint(**asked)) == str(early.value)


def test_what_other_endpoints_have_in_its_namespace_is_refused_too():
    host = Host()
    host.run(network(), endpoint(sysctls={"net.ipv4.ip_forward": "1"}))
    for wanted, words in (
        ({"ifname": "eth0"}, "ifname eth0 belongs to endpoint lan/web in namespace blue"),
        ({"ifname": "mv0", "sysctls": {"net.ipv4.ip_forward": "0"}}, "net.ipv4.ip_forward is a setting of the whole namespace"),
    ):
        with pytest.raises(PlanError, match=words):
            foreseen(host, endpoint(network=TO_COME, **wanted))
    pair = [endpoint(name, network=TO_COME, netns="new") for name in ("a", "b")]
    with pytest.raises(PlanError, match="endpoint later/b: ifname eth0 belongs to endpoint later/a in namespace new"):
        foreseen(host, *pair)
    assert foreseen(host, pair[0], endpoint("c", network=TO_COME, ifname="mv0", netns="new")).changed


def test_no_link_of_it_can_be_made_where_the_kernel_has_none():
    with pytest.raises(PlanError, match="it lacks the module macvlan"):
        foreseen(Host(kernel(missing_kinds=["macvlan"])), endpoint())
    dangling = dataclasses.replace(kernel(), dangling=frozenset((BLUE_PATH,)))
    with pytest.raises(PlanError, match="is a symbolic link to a namespace that is gone"):
        foreseen(Host(dangling), endpoint())


def test_its_own_link_left_by_a_lost_record_is_no_obstacle():
    host = Host()
    host.run(network(), endpoint())
    host.record = type(host.record)()
    assert foreseen(host, endpoint()).changed


# --- commands in messages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "command"),
    [
        ({"netns": None}, "ip"),
        ({"netns": "blue"}, "ip -n blue"),
        ({"netns": "b$1"}, "ip -n 'b$1'"),
        ({"netns_path": "/run/x y"}, "nsenter --net='/run/x y' ip"),
        ({"pid": 4711}, "nsenter --net=/proc/4711/ns/net ip"),
    ],
)
def test_a_message_proposes_a_command_in_the_namespace_that_it_is_about(place, command):
    wanted = endpoint(ifname="alt0", **place)
    host = Host()
    one = host.kernel.spaces[""] if wanted.netns == HOST else space()
    found = dataclasses.replace(one, links={**one.links, "v": link("v", 20, altnames=("alt0",))})
    host.kernel = with_space(host.kernel, found, wanted.netns.path)
    host.run(network())
    assert refused(host, wanted).endswith(f": {command} link property del dev v altname alt0")
