# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps: the sentences, the inverse, and the journal's form."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.write import PERFORMERS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import VlanFacts
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST, Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.sysctl import Sysctl
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.link_spec import LinkSpec
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.simulate import SIMULATIONS, kernel_after
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import (
    AddAddress,
    AddLink,
    AddRoute,
    CreateNetns,
    DeleteAddress,
    DeleteLink,
    DeleteNetns,
    DeleteRoute,
    Note,
    ReplaceRoute,
    SetLink,
    SetSysctls,
    Step,
    inverse,
    link_steps,
    stored,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.stored import from_plain, to_plain
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit import strategies as draws

pytestmark = pytest.mark.engine

BLUE = Netns("name", "blue")
MACVLAN = LinkSpec("eth0", "macvlan", "fleetnet.macvlan:1", "eth1", "02:42:0a:00:00:02", 1500, "bridge")
VLAN = LinkSpec("eth1.50", "vlan", "fleetnet.macvlan:2", "eth1", vlan=VlanFacts(50))
DOUBLE = LinkSpec("q", "vlan", "fleetnet.macvlan:3", "eth1", "02:00:00:00:00:01", vlan=VlanFacts(7, "802.1ad"))
DUMMY = LinkSpec("dm-0123456789ab", "dummy", "fleetnet.macvlan:4")
OTHER = LinkSpec("x", "vxlan")
RP_FILTER = Sysctl("net.ipv4.conf.IFNAME.rp_filter", None, "1")
FORWARD = Sysctl("net.ipv4.ip_forward", "0", "1")

OLD, NEW = Route("0.0.0.0/0", "10.0.0.1"), Route("0.0.0.0/0", "10.0.0.9")

every_class = pytest.mark.parametrize("cls", draws.STEPS, ids=lambda cls: cls.__name__)


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (Note("record network n on eth0"), "record network n on eth0"),
        (CreateNetns("blue", "x"), "create namespace blue"),
        (DeleteNetns("blue", "x"), "delete namespace blue"),
        (
            AddLink(BLUE, MACVLAN),
            "create macvlan link eth0 in namespace blue on eth1 (bridge, 02:42:0a:00:00:02)",
        ),
        (AddLink(HOST, VLAN), "create VLAN link eth1.50 on eth1 (VLAN 50)"),
        (AddLink(HOST, DOUBLE), "create VLAN link q on eth1 (802.1ad VLAN 7, 02:00:00:00:00:01)"),
        (AddLink(HOST, DUMMY), "create dummy link dm-0123456789ab"),
        (AddLink(Netns("pid", "7"), OTHER), "create vxlan link x in namespace /proc/7/ns/net"),
        (DeleteLink(BLUE, MACVLAN), "delete macvlan link eth0 in namespace blue"),
        (DeleteLink(HOST, VLAN, because=", which nothing uses"), "delete VLAN link eth1.50, which nothing uses"),
        (DeleteLink(HOST, LinkSpec("eth9", "")), "delete link eth9"),
        (SetLink(BLUE, "eth0", "up", False, True), "bring eth0 in namespace blue up"),
        (SetLink(HOST, "eth1.50", "up", True, False), "bring eth1.50 down"),
        (SetLink(BLUE, "eth0", "name", "eth0", "net0"), "rename eth0 in namespace blue to net0"),
        (SetLink(BLUE, "lo", "alias", "", "fleetnet.macvlan:5"), "tag lo in namespace blue as ours"),
        (SetLink(BLUE, "lo", "alias", "fleetnet.macvlan:5", ""), "remove our tag from lo in namespace blue"),
        (SetLink(HOST, "mv-e", "mtu", 1500, 1400), "change mtu of mv-e from 1500 to 1400"),
        (SetLink(HOST, "mv-e", "mode", "bridge", "vepa"), "change mode of mv-e from bridge to vepa"),
        (
            SetLink(
                HOST,
                "v",
                "vlan",
                {"gvrp": False, "mvrp": True},
                {"gvrp": True, "mvrp": True, "egress_qos_map": {"1": 2}},
            ),
            "change VLAN settings of v: gvrp False to True, egress_qos_map None to {'1': 2}",
        ),
        (AddAddress(BLUE, "eth0", "10.0.0.2/24"), "add 10.0.0.2/24 to eth0 in namespace blue"),
        (DeleteAddress(HOST, "mv-e", "fd00::2/64"), "delete fd00::2/64 from mv-e"),
        (
            AddRoute(BLUE, "eth0", Route("0.0.0.0/0", "10.0.0.1")),
            "add default route via 10.0.0.1 on eth0 in namespace blue",
        ),
        (AddRoute(HOST, "mv-e", Route("::/0", "fd00::1")), "add IPv6 default route via fd00::1 on mv-e"),
        (
            AddRoute(HOST, "mv-e", Route("10.9.0.0/16", "10.0.0.1", 5)),
            "add route to 10.9.0.0/16 via 10.0.0.1 metric 5 on mv-e",
        ),
        (DeleteRoute(HOST, "mv-e", Route("10.9.0.0/16")), "delete route to 10.9.0.0/16 on mv-e"),
        (
            ReplaceRoute(HOST, "mv-e", Route("0.0.0.0/0", "10.0.0.1"), Route("0.0.0.0/0", "10.0.0.9")),
            "replace default route via 10.0.0.1 by default route via 10.0.0.9 on mv-e",
        ),
        (
            ReplaceRoute(HOST, "mv-e", Route("10.9.0.0/16", "10.0.0.1"), Route("10.9.0.0/16")),
            "replace route to 10.9.0.0/16 via 10.0.0.1 by route to 10.9.0.0/16 on mv-e",
        ),
        (
            SetSysctls(BLUE, "eth0", (RP_FILTER, FORWARD)),
            "set net.ipv4.conf.eth0.rp_filter=1, net.ipv4.ip_forward=1 in namespace blue",
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_step_says_what_it_does(step, sentence):
    assert step.describe() == sentence


@every_class
@given(data=st.data())
def test_every_step_is_one_sentence_that_is_the_same_each_time(cls, data):
    step = data.draw(draws.STEPS[cls])
    assert step.describe() == step.describe()
    assert isinstance(step.describe(), str)


@pytest.mark.parametrize("cls", draws.REVERSIBLE, ids=lambda cls: cls.__name__)
@given(data=st.data())
def test_the_inverse_of_the_inverse_is_the_step(cls, data):
    step = data.draw(draws.REVERSIBLE[cls])
    (back,) = step.inverse()
    assert back.inverse() == (step,)


@given(draws.STEPS[AddLink])
def test_a_link_that_was_made_is_deleted_to_take_that_back(step):
    assert step.inverse() == (DeleteLink(step.netns, step.link),)


@given(draws.STEPS[DeleteLink])
def test_a_link_that_was_deleted_is_made_again_by_the_steps_that_it_came_with(step):
    assert step.inverse() == step.restore


def test_a_note_leaves_nothing_to_take_back():
    assert Note("record network n").inverse() == ()


@given(draws.STEPS[SetSysctls])
def test_settings_go_back_in_the_other_order_except_those_that_go_with_the_interface(step):
    lasting = [item for item in step.settings if item.old is not None]
    back = step.inverse()
    assert len(back) == bool(lasting)
    settings = back[0].settings if back else ()
    assert [(item.key, item.old, item.new) for item in settings] == [
        (item.key, item.new, item.old) for item in reversed(lasting)
    ]
    # The interface may be gone by then.
    assert all(item.optional for item in settings)


@given(st.lists(draws.any_steps, max_size=5))
def test_steps_are_undone_newest_first(done):
    # What is done to a link that these have made goes with the link, and is another test's matter.
    made = {(step.netns, step.link.name) for step in done if isinstance(step, AddLink)}
    assume(not any((step.netns, step.ifname) in made for step in done if hasattr(step, "ifname") and not isinstance(step, SetSysctls)))
    assert list(inverse(done)) == [back for step in done[::-1] for back in step.inverse()]


def test_what_was_done_to_a_link_that_these_have_made_goes_with_it():
    made, detail = AddLink(HOST, DUMMY), SetLink(HOST, DUMMY.name, "up", False, True)
    assert inverse((made, detail)) == made.inverse()
    assert inverse((detail, made)) == (*made.inverse(), *detail.inverse())


@every_class
@given(data=st.data())
def test_a_step_comes_back_from_the_journal_as_it_was(cls, data):
    step = data.draw(draws.STEPS[cls])
    text = json.dumps(to_plain(step))
    assert from_plain(json.loads(text)) == step


@every_class
def test_a_kind_of_step_is_whole(cls):
    """One class, what simulates it, and what performs it: all else follows from the class."""
    assert cls.describe is not Step.describe
    assert cls.inverse is not Step.inverse
    assert cls in SIMULATIONS
    assert cls in PERFORMERS
    assert all(item.metadata.keys() == stored().keys() for item in dataclasses.fields(cls))


def test_the_tables_have_no_kind_of_step_that_is_none():
    assert SIMULATIONS.keys() == PERFORMERS.keys() == set(Step.classes.values())


def test_what_is_only_recorded_says_so():
    assert [cls for cls in Step.classes.values() if cls.notes_only] == [Note]


def test_every_kind_of_step_is_drawn_here():
    assert set(draws.STEPS) == set(Step.classes.values())


@pytest.mark.parametrize("step", [AddRoute(HOST, "eth0", NEW), ReplaceRoute(HOST, "eth0", OLD, NEW)])
def test_a_route_that_is_there_already_is_not_there_twice(step):
    eth0 = builders.link("eth0", 2)
    host = builders.space(eth0, routes={2: (OLD, NEW)})
    after = kernel_after(builders.with_space(builders.kernel(), host, HOST.path), [step])
    assert after.spaces[HOST.path].routes[2].count(NEW) == 1


@pytest.mark.parametrize(
    ("up", "wanted"),
    [
        pytest.param(True, (AddLink(HOST, DUMMY), SetLink(HOST, DUMMY.name, "up", False, True)), id="up"),
        pytest.param(False, (AddLink(HOST, DUMMY),), id="down"),
    ],
)
def test_a_link_of_the_host_is_made_and_then_brought_up_where_that_is_wanted(up, wanted):
    assert link_steps(DUMMY, up) == wanted
