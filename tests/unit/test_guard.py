# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock-out guard: what would cut a way is refused, and nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import connection
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.access import AccessPath
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.kernel import Kernel
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST, Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan import lockout_guard
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.lockout_guard import LockoutPolicy
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.link_spec import LinkSpec
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import (
    AddAddress,
    AddLink,
    AddRoute,
    DeleteAddress,
    DeleteLink,
    DeleteRoute,
    ReplaceRoute,
    SetLink,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.tests.unit.builders import BLUE, link, space, vlan_link

pytestmark = pytest.mark.engine

SSH = AccessPath("eth0.50", "the SSH connection from 192.0.2.7", "192.0.2.7", "10.50.0.2")
NEAR = AccessPath("mv-h", "the SSH connection from 10.60.0.9", "10.60.0.9", "10.60.0.2")
BEYOND = AccessPath("br0", "what is beyond the default route", "240.0.0.1")
# Answers leave by a parent, and what is reached is the address of an endpoint in the host's namespace.
ASTRAY = AccessPath("eth0", "the SSH connection from 10.60.0.9", "10.60.0.9", "10.60.0.2")
BEYOND6 = AccessPath("br0", "what is beyond the default route", "100::1")
HOST_SPACE = space(
    link("eth0", 2),
    vlan_link("eth0.50", 3, 2, 50),
    link("eth1", 4, master=6),
    vlan_link("eth1.70", 5, 4, 70, master=6),
    link("br0", 6, kind="bridge"),
    link("mv-h", 7, kind="macvlan", lower=8),
    link("eth2", 8),
    link("alone", 9),
    link("mv-o", 10, kind="macvlan", lower=8, alias=names.TAG_PREFIX + "0" * 16),
    addresses={3: ("10.50.0.2/24",), 7: ("10.60.0.2/24", "10.61.0.2/24")},
    routes={
        3: (Route("10.50.0.0/24"), Route("192.0.2.0/24", "10.50.0.1")),
        6: (Route("0.0.0.0/0", "172.16.0.1"), Route("::/0", "fd00::1")),
        7: (Route("10.60.0.0/24"), Route("10.61.0.0/24")),
    },
)


def deleted(name, kind="vlan"):
    return DeleteLink(HOST, LinkSpec(name, kind))


def changed(name, attribute, new, netns=HOST):
    return SetLink(netns, name, attribute, None, new)


def passthru(parent, netns=BLUE):
    return AddLink(netns, LinkSpec("eth0", "macvlan", parent=parent, mode="passthru"))


CUTS = [
    (SSH, deleted("eth0.50")),
    (SSH, deleted("eth0")),
    (SSH, changed("eth0.50", "up", False)),
    (SSH, changed("eth0.50", "mac", "02:00:00:00:00:01")),
    (SSH, changed("eth0.50", "mtu", 1400)),
    (SSH, changed("eth0", "name", "lan")),
    (SSH, passthru("eth0.50")),
    (SSH, passthru("eth0")),
    (SSH, AddRoute(HOST, "mv-h", Route("192.0.2.0/25"))),
    (SSH, AddAddress(HOST, "mv-h", "192.0.2.12/28")),
    (SSH, DeleteRoute(HOST, "eth0.50", Route("192.0.2.0/24", "10.50.0.1"))),
    (NEAR, deleted("mv-h", "macvlan")),
    (NEAR, DeleteAddress(HOST, "mv-h", "10.60.0.2/24")),
    (NEAR, changed("eth2", "up", False)),
    (ASTRAY, deleted("mv-h", "macvlan")),
    (ASTRAY, deleted("eth2")),
    (ASTRAY, DeleteAddress(HOST, "mv-h", "10.60.0.2/24")),
    (ASTRAY, changed("mv-h", "mac", "02:00:00:00:00:01")),
    (ASTRAY, changed("eth2", "up", False)),
    (ASTRAY, passthru("eth2")),
    (ASTRAY, deleted("eth0")),
    (BEYOND, deleted("eth1.70")),
    (BEYOND, deleted("eth1")),
    (BEYOND, ReplaceRoute(HOST, "br0", Route("0.0.0.0/0", "172.16.0.1"), Route("0.0.0.0/0", "172.16.0.2"))),
    (BEYOND6, DeleteRoute(HOST, "br0", Route("::/0", "fd00::1"))),
]
SPARED = [
    (SSH, deleted("eth1.70")),
    (SSH, changed("eth0.50", "alias", "")),
    (SSH, changed("eth0.50", "up", True)),
    (SSH, changed("eth0.50", "mtu", 1400, BLUE)),
    (SSH, passthru("eth2")),
    (SSH, AddLink(BLUE, LinkSpec("eth0", "macvlan", parent="eth0.50", mode="bridge"))),
    # A wider route, or one as wide, does not win over the one that is there.
    (SSH, AddRoute(HOST, "mv-h", Route("192.0.0.0/16"))),
    (SSH, AddAddress(HOST, "mv-h", "192.0.2.100/24")),
    (SSH, AddRoute(HOST, "eth0.50", Route("192.0.2.0/28"))),
    (SSH, AddRoute(BLUE, "mv-h", Route("192.0.2.0/28"))),
    (SSH, AddRoute(HOST, "mv-h", Route("2001:db8::/64"))),
    (SSH, DeleteRoute(HOST, "eth0.50", Route("192.0.0.0/16"))),
    (NEAR, DeleteAddress(HOST, "mv-h", "10.61.0.2/24")),
    (NEAR, DeleteAddress(BLUE, "mv-h", "10.60.0.2/24")),
    (ASTRAY, DeleteAddress(HOST, "mv-h", "10.61.0.2/24")),
    (ASTRAY, DeleteAddress(BLUE, "mv-h", "10.60.0.2/24")),
    (ASTRAY, deleted("eth0.50")),
    (ASTRAY, changed("mv-h", "alias", "")),
    (BEYOND, AddRoute(HOST, "mv-h", Route("10.0.0.0/8"))),
    (BEYOND, DeleteRoute(HOST, "br0", Route("::/0", "fd00::1"))),
    (BEYOND, deleted("gone")),
    (AccessPath("gone", "somebody", "192.0.2.7"), deleted("eth0")),
]


def kernel(*paths):
    return Kernel(spaces={HOST.path: HOST_SPACE}, access_paths=paths)


@pytest.mark.parametrize(("way", "step"), CUTS)
def test_a_step_that_cuts_an_access_path_is_refused_with_the_link_and_the_addresses(way, step):
    with pytest.raises(PlanError) as caught:
        lockout_guard.check("network lan", [deleted("alone"), step], kernel(way), LockoutPolicy())
    for words in ("network lan: refused", step.describe(), way.what, f"by {way.link}", way.local or "", "force: true"):
        assert words in str(caught.value)


@pytest.mark.parametrize(("way", "step"), SPARED)
def test_a_step_that_cuts_no_access_path_is_not_refused(way, step):
    assert lockout_guard.check("network lan", [step], kernel(way), LockoutPolicy()) == ()


@pytest.mark.parametrize("policy", [LockoutPolicy(force=True), LockoutPolicy(confirm=60)])
def test_a_forced_or_provisional_step_is_warned_of(policy):
    (warning,) = lockout_guard.check("network lan", [deleted("eth0.50")], kernel(SSH), policy)
    assert "delete VLAN link eth0.50" in warning and "192.0.2.7" in warning and "10.50.0.2" in warning


@pytest.mark.parametrize(("metric", "is_caught"), [(99, True), (100, False), (101, False), (None, True)])
def test_of_two_equal_destinations_the_lower_metric_wins(metric, is_caught):
    routes = {3: (Route("10.50.0.0/24"), Route("192.0.2.0/24", "10.50.0.1", 100))}
    found = dataclasses.replace(kernel(SSH), spaces={HOST.path: dataclasses.replace(HOST_SPACE, routes=routes)})
    step = AddRoute(HOST, "mv-h", Route("192.0.2.0/24", None, metric))
    assert bool(lockout_guard.check("network lan", [step], found, LockoutPolicy(force=True))) is is_caught


@pytest.mark.parametrize(
    ("step", "is_caught"),
    [
        (AddRoute(HOST, "mv-h", Route("10.50.0.1/32")), True),
        (AddRoute(HOST, "mv-h", Route("10.50.0.0/28")), True),
        (AddRoute(HOST, "mv-h", Route("fd00::/124")), True),
        (AddRoute(HOST, "mv-h", Route("10.50.0.2/32")), False),
        (AddRoute(HOST, "mv-h", Route("10.50.0.0/16")), False),
        (AddRoute(HOST, "eth0.50", Route("10.50.0.0/28")), False),
        (AddRoute(BLUE, "mv-h", Route("10.50.0.1/32")), False),
        # The host reaches a router that is an endpoint by an interface of its own.
        (AddRoute(HOST, "mv-h", Route("10.62.0.1/32")), False),
    ],
)
def test_a_route_that_catches_a_next_hop_of_another_route_is_refused(step, is_caught):
    hops = {(3, "10.50.0.1"): "192.0.2.0/24", (6, "fd00::1"): "::/0", (10, "10.62.0.1"): "10.63.0.0/16"}
    found = dataclasses.replace(kernel(), spaces={HOST.path: dataclasses.replace(HOST_SPACE, next_hops=hops)})
    if not is_caught:
        assert lockout_guard.check("network lan", [step], found, LockoutPolicy()) == ()
        return
    with pytest.raises(PlanError) as caught:
        lockout_guard.check("network lan", [step], found, LockoutPolicy())
    assert step.describe() in str(caught.value) and ", the next hop of the route to " in str(caught.value) and "force: true" in str(caught.value)


# --- addresses of a way that another link takes over ----------------------------------------------------------------

BY_ROUTER = AccessPath("eth0.50", "the SSH connection from 192.0.2.7", "192.0.2.7", "10.50.0.2", "10.50.0.1")
BY_MACVLAN = AccessPath("mv-h", "the SSH connection from 10.60.0.9", "10.60.0.9", "10.60.0.2")
BY_OWN = AccessPath("mv-o", "what is beyond the default route", "240.0.0.1", None, "10.62.0.1")
BY_ROUTER6 = AccessPath("br0", "what is beyond the default route", "100::1", None, "fd00::1")
RED = Netns("name", "red")
RED_SPACE = space(
    link("own", 2, kind="macvlan", lower=3, lower_netns=0, up=False),
    link("other", 3, kind="macvlan", lower=8, lower_netns=0),
    link("inside", 4, kind="macvlan", lower=3),
    link("veth", 5, kind="veth"),
    addresses={2: ("10.50.0.2/24", "10.50.0.1/24"), 3: ("10.50.0.2/24",)},
)


def made(parent, *addresses, netns=BLUE, kind="macvlan"):
    """The steps that make a link with addresses."""
    spec = LinkSpec("new", kind, parent=parent, mode="bridge")
    return [AddLink(netns, spec), *(AddAddress(netns, "new", item) for item in addresses)]


def given(name, address, netns=RED):
    return AddAddress(netns, name, address)


TAKEN_OVER = [
    pytest.param(BY_ROUTER, made("eth0.50", "10.50.0.7/24", "10.50.0.2/24"), "this host (10.50.0.2)", id="new link"),
    pytest.param(BY_ROUTER, made("eth0.50", "10.50.0.1/24"), "its next hop (10.50.0.1)", id="next hop"),
    pytest.param(BY_ROUTER, made("eth0.50", "192.0.2.7/24"), "the other end (192.0.2.7)", id="other end"),
    pytest.param(BY_ROUTER6, made("br0", "fd00::1/64"), "its next hop (fd00::1)", id="IPv6"),
    pytest.param(BY_MACVLAN, made("eth2", "10.60.0.2/24"), "this host (10.60.0.2)", id="beside a macvlan"),
    pytest.param(BY_MACVLAN, made("mv-h", "10.60.0.2/24"), "this host (10.60.0.2)", id="on a macvlan"),
    pytest.param(BY_MACVLAN, made("eth2", "10.60.0.2/24", netns=HOST), "this host (10.60.0.2)", id="the host's own"),
    pytest.param(BY_ROUTER, [given("own", "10.50.0.2/25")], "this host (10.50.0.2)", id="link that is there"),
    pytest.param(BY_ROUTER, [given("eth0.50", "10.50.0.1/24", HOST)], "its next hop (10.50.0.1)", id="on the way itself"),
    pytest.param(BY_ROUTER, [changed("own", "up", True, RED)], "this host (10.50.0.2)", id="up"),
    pytest.param(BY_ROUTER, [changed("own", "mac", "02:00:00:00:00:09", RED)], "this host (10.50.0.2)", id="MAC address"),
    pytest.param(
        BY_ROUTER,
        [changed("own", "name", "eth0", RED), changed("eth0", "up", True, RED)],
        "this host (10.50.0.2)",
        id="under another name",
    ),
]
LEFT_ALONE = [
    pytest.param(BY_ROUTER, made("eth0.50", "10.50.0.3/24"), id="another address"),
    pytest.param(BY_ROUTER, made("eth0", "10.50.0.2/24"), id="another wire"),
    pytest.param(BY_ROUTER, made("new", "10.50.0.2/24"), id="a parent that is still to be made"),
    pytest.param(BY_ROUTER, made(None, "10.50.0.2/24", kind="dummy"), id="no wire at all"),
    pytest.param(NEAR, [given("mv-h", "10.60.0.2/25", HOST)], id="the address on the way itself"),
    pytest.param(BY_OWN, made("eth2", "10.62.0.1/24"), id="an endpoint that is the router of the host"),
    pytest.param(BY_ROUTER, [given("other", "10.50.0.2/25")], id="link on another wire"),
    pytest.param(BY_ROUTER, [given("inside", "10.50.0.2/24")], id="wire inside a namespace"),
    pytest.param(BY_ROUTER, [given("veth", "10.50.0.2/24")], id="no macvlan"),
    pytest.param(BY_ROUTER, [given("gone", "10.50.0.2/24")], id="no link"),
    pytest.param(BY_ROUTER, [given("x", "10.50.0.2/24", BLUE)], id="no namespace"),
    pytest.param(BY_ROUTER, [changed("own", "up", False, RED), changed("own", "mtu", 1400, RED)], id="not announced"),
]


def kernel_with_red(way):
    return Kernel(spaces={HOST.path: HOST_SPACE, RED.path: RED_SPACE}, access_paths=(way,))


@pytest.mark.parametrize(("way", "done", "what"), TAKEN_OVER)
def test_a_step_that_would_duplicate_an_address_of_an_access_path_is_refused_in_any_namespace(way, done, what):
    with pytest.raises(PlanError) as caught:
        lockout_guard.check("network lan", done, kernel_with_red(way), LockoutPolicy())
    for words in (done[-1].describe(), way.what, f"for {what}", f"by {way.link}", "force: true", "confirm_timeout"):
        assert words in str(caught.value)
    (warning,) = lockout_guard.check("network lan", done, kernel_with_red(way), LockoutPolicy(confirm=60))
    assert what in warning


@pytest.mark.parametrize(("way", "done"), LEFT_ALONE)
def test_a_step_that_duplicates_no_address_of_an_access_path_is_not_refused(way, done):
    assert lockout_guard.check("network lan", done, kernel_with_red(way), LockoutPolicy()) == ()


def test_without_access_paths_nothing_is_refused():
    assert lockout_guard.check("network lan", [step for dummy, step in CUTS], kernel(), LockoutPolicy()) == ()


# --- the connection -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "remote", "local"),
    [
        ("192.0.2.7 50000 192.0.2.20 22", "192.0.2.7", "192.0.2.20"),
        ("fe80::1%eth0 50000 fe80::2%eth0 22", "fe80::1", "fe80::2"),
    ],
)
def test_a_connection_is_known_by_its_variable(monkeypatch, text, remote, local):
    monkeypatch.setenv("SSH_CONNECTION", text)
    found = connection.find_connection()
    assert (found.remote, found.local, found.text) == (remote, local, text)


@pytest.mark.parametrize("text", ["", "nonsense", "a b c d", "192.0.2.7 1 192.0.2.20", "192.0.2.7 1 x 2", "\0001 2 3 4"])
def test_a_variable_that_says_nothing_is_no_connection(monkeypatch, text):
    monkeypatch.setattr(connection.os, "environ", {"SSH_CONNECTION": text})
    monkeypatch.setattr(connection, "parent_of", lambda dummy: 0)
    monkeypatch.setattr(connection, "variable_of", lambda dummy: None)
    assert connection.find_connection() is None


def test_where_sudo_has_taken_it_away_the_processes_above_are_asked(monkeypatch):
    """As in: sshd, a shell with the variable, sudo, this."""
    parents = {40: 30, 30: 20, 20: 1}
    monkeypatch.setattr(connection.os, "environ", {})
    monkeypatch.setattr(connection.os, "getppid", lambda: 40)
    monkeypatch.setattr(connection, "parent_of", parents.get)
    monkeypatch.setattr(connection, "variable_of", {30: "192.0.2.7 50000 192.0.2.20 22"}.get)
    assert connection.find_connection().remote == "192.0.2.7"
    monkeypatch.setattr(connection, "variable_of", lambda dummy: None)
    assert connection.find_connection() is None
