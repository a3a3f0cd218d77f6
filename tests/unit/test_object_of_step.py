# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose step it is: every step that the kernel may refuse is of an object, and of the right one."""

from __future__ import annotations

import types

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import KernelError, StateError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.perform import apply_steps
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.object_of_step import owner_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import Note
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    Host,
    endpoint,
    kernel,
    network,
    no_endpoint,
    no_network,
    no_subinterface,
    subinterface,
)

pytestmark = pytest.mark.engine

DUAL = ("192.168.1.0/24", "fd00::/64")
ROUTED = [{"to": "10.0.0.0/8", "via": "192.168.1.9"}]
SETTINGS = {"net.ipv4.ip_forward": "1", "net.ipv4.conf.IFNAME.rp_filter": "2"}
FULL = {"netns": "a", "routes": ROUTED, "sysctls": SETTINGS}


def prepared():
    host = Host(kernel())
    host.run(
        network("lan", DUAL),
        network("vlan", ["10.5.0.0/24"], parent="eth1.50"),
        endpoint("old", netns="old", routes=ROUTED),
        endpoint("here", "vlan", netns="old", ifname="eth1", default_route=False),
    )
    return host


# What is asked for, and (beginning of a step, whose it is).
CASES = [
    pytest.param(
        (network("dummy", ["10.6.0.0/24"], parent=None),),
        [("create dummy link", "network dummy"), ("bring dm-", "network dummy")],
        id="dummy",
    ),
    pytest.param(
        (subinterface("eth0.60"),),
        [("create VLAN link eth0.60", "vlan_subinterface eth0.60"), ("bring eth0.60", "vlan_subinterface eth0.60")],
        id="sub-interface",
    ),
    pytest.param(
        (endpoint("a", **FULL), endpoint("b", "vlan", netns="a", ifname="eth1", default_route=False)),
        [
            ("create namespace a", "endpoint lan/a"),
            ("create macvlan link eth0 in namespace a", "endpoint lan/a"),
            ("set net.ipv6.conf.eth0", "endpoint lan/a"),
            ("add 192.168.1.3/24 to eth0", "endpoint lan/a"),
            ("bring eth0 in namespace a up", "endpoint lan/a"),
            ("add route to 10.0.0.0/8", "endpoint lan/a"),
            ("create macvlan link eth1 in namespace a", "endpoint vlan/b"),
            ("bring eth1 in namespace a up", "endpoint vlan/b"),
        ],
        id="endpoints",
    ),
    pytest.param(
        (endpoint("old", netns="old", ipv4="192.168.1.77", ifname="wan0", mtu=1400, mac="02:00:00:00:00:09"),),
        [
            ("rename eth0", "endpoint lan/old"),
            ("delete 192.168.1.2/24", "endpoint lan/old"),
            ("add 192.168.1.77/24 to wan0", "endpoint lan/old"),
        ],
        id="renamed and changed",
    ),
    pytest.param(
        (no_endpoint("old"), endpoint("new", netns="old")),
        [
            ("delete macvlan link eth0 in namespace old", "endpoint lan/old"),
            ("create macvlan link eth0 in namespace old", "endpoint lan/new"),
            ("bring eth0 in namespace old up", "endpoint lan/new"),
        ],
        id="one in place of another",
    ),
    pytest.param(
        (no_endpoint("old"), no_endpoint("here", "vlan"), no_network("vlan")),
        [
            ("delete macvlan link eth1 in namespace old", "endpoint vlan/here"),
            ("delete namespace old", "endpoint lan/old"),
            ("delete VLAN link eth1.50", "vlan_subinterface eth1.50"),
        ],
        id="removals",
    ),
    pytest.param(
        (network("lan", DUAL, mtu=1400),),
        [("change mtu of eth0 in namespace old", "endpoint lan/old")],
        id="followed by an endpoint",
    ),
]


@pytest.mark.parametrize(("requests", "owned"), CASES)
def test_every_step_is_of_an_object(requests, owned):
    made = prepared().run(*requests)
    owners = {item.describe(): owner_of(item, made.steps, made.before, made.after) for item in made.steps}
    titles = {text: owner and owner.title for text, owner in owners.items()}
    lacking = [item.describe() for item in made.steps if not isinstance(item, Note) and not titles[item.describe()]]
    assert lacking == []
    for words, title in owned:
        found = {text: owner for text, owner in titles.items() if text.startswith(words)}
        assert set(found.values()) == {title}, (words, titles)


def test_a_foreign_link_that_is_removed_by_force_gets_no_tag():
    host = Host(kernel())
    host.run(subinterface("eth0.60"))
    host.record.links.clear()
    host.change("eth0.60", alias="")
    made = host.run(no_subinterface("eth0.60", force=True))
    assert [owner_of(item, made.steps, made.before, made.after) for item in made.steps] == [None]


# --- what is told when a plan fails ---------------------------------------------------------------------------------


class Writer:
    """One that fails at the last step, and cannot take back what it has done."""

    def __init__(self, exc, problems):
        self._exc, self._problems = exc, problems

    def apply(self, steps, _interludes=None):
        if isinstance(self._exc, KernelError):
            self._exc.step = steps[-1]
        raise self._exc

    def effective(self, steps):
        return steps

    def ensure_done(self, dummy):
        return self._problems


CAUSES = [KernelError("no", 22), StateError("no"), MemoryError("no"), OSError(5, "no"), RuntimeError("no"), ValueError("no")]


@pytest.mark.parametrize("exc", CAUSES, ids=lambda exc: type(exc).__name__)
@pytest.mark.parametrize("problems", [[], ["cannot delete this", "cannot delete that"]], ids=["all back", "some left"])
def test_steps_that_could_not_be_undone_are_reported_for_any_cause(exc, problems):
    made = prepared().plan(endpoint("a", **FULL))
    forgotten = []
    session = types.SimpleNamespace(forget_intention=lambda: forgotten.append(True))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what is tested
        apply_steps(session, Writer(exc, problems), made, "endpoint lan/a")
    message = str(caught.value)
    assert "no" in message
    assert bool(forgotten) == (not problems)
    if problems:
        assert isinstance(caught.value, KernelError)
        assert "cannot delete this; cannot delete that; the next run tries again" in message
        assert isinstance(exc, (KernelError, StateError)) or type(exc).__name__ in message
    if problems or isinstance(exc, KernelError):
        assert message.startswith("endpoint lan/a: ")
    else:
        assert caught.value is exc
