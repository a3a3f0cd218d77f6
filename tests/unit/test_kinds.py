# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of link: what is declared of them is whole, and says what the kernel does."""

from __future__ import annotations

import errno

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.kernel import Space
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import DummyParent, Link, SubInterface
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import (
    DEFAULT_DRIVER,
    DRIVERS,
    MODES,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.link_spec import LinkSpec
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import kinds
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire.kinds import KINDS, kind_named, kind_of

pytestmark = pytest.mark.engine

WHAT_A_KIND_SAYS = {
    # Where the kernel registers an rx_handler on the link below: macvlan_port_create, ipvlan_port_create, macsec_newlink, rmnet.
    "handler": {"macvlan", "macvtap", "ipvlan", "ipvtap", "macsec", "rmnet"},
    "follows_parent": {"ipvlan", "ipvtap"},
    "has_one_mode": {"ipvlan", "ipvtap"},
    "has_address_once": {"ipvlan"},
    "exclusive_modes": {"macvlan", "macvtap"},
    "has_link_options": {"macvlan", "macvtap"},
    "blocks_other_links": {"macvlan", "macvtap", "ipvlan", "ipvtap", "macsec", "rmnet"},
    # IFF_NO_RX_HANDLER, and what macvlan_common_newlink refuses.
    "is_closed": {"macvlan", "macvtap", "ipvlan", "ipvtap", "vrf"},
    "is_stacked": {"macvlan", "macvtap", "ipvlan", "ipvtap", "vlan", "macsec"},
    "is_vrf": {"vrf"},
    "filters_vlans": {"bridge"},
    "leaves_ports_alone": {"vrf", "batadv"},
    "instead_of_port": {"bridge", "bond", "team", "openvswitch", ""},
    "is_created": {"macvlan", "ipvlan", "vlan", "dummy"},
    "is_endpoint": {"macvlan", "ipvlan"},
    "carries_endpoints": {"vlan", "dummy"},
    "by_library": {"vlan", "dummy"},
    "pack": {"macvlan", "ipvlan", "vlan"},
    "parse": {"macvlan", "macvtap", "ipvlan", "ipvtap", "vlan", "vrf"},
}


@pytest.mark.parametrize("says", WHAT_A_KIND_SAYS)
def test_the_kinds_that_have_something_special_are_these(says: str) -> None:
    assert {kind.name for kind in KINDS.values() if getattr(kind, says)} == WHAT_A_KIND_SAYS[says]
    assert not getattr(kind_named("veth"), says)


def test_a_kind_that_nothing_is_known_about_has_its_name() -> None:
    kind = kind_of(Link(1, "wg0", "wireguard"))
    assert (kind.name, kind.phrase, kind.kernel_module) == ("wireguard", "wireguard link", "wireguard")
    assert kind is kind_named("wireguard")


@pytest.mark.parametrize(
    ("kind", "phrase", "module"),
    [
        (kinds.MACVLAN, "macvlan link", "macvlan"),
        (kinds.IPVLAN, "ipvlan link", "ipvlan"),
        (kinds.VLAN, "VLAN link", "8021q"),
        (kinds.DUMMY, "dummy link", "dummy"),
    ],
)
def test_the_message_names_the_kind_and_the_kernel_module(kind: kinds.LinkKind, phrase: str, module: str) -> None:
    assert (kind.phrase, kind.kernel_module) == (phrase, module)


@pytest.mark.parametrize("kind", [SubInterface.kind, DummyParent.kind, *DRIVERS])
def test_what_is_recorded_or_asked_for_has_a_kind_that_we_make(kind: str) -> None:
    assert KINDS[kind].is_created
    assert KINDS[kind].is_endpoint == (kind in DRIVERS)


def test_the_drivers_are_the_kinds_of_endpoints() -> None:
    assert [kind.name for kind in KINDS.values() if kind.is_endpoint] == list(DRIVERS)
    assert next(iter(DRIVERS)) == DEFAULT_DRIVER
    assert len(set(MODES)) == len(MODES), "a mode says which driver has it"


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_kind_of_endpoints_has_the_modes_that_can_be_asked_for(driver: str) -> None:
    kind, modes = KINDS[driver], DRIVERS[driver]
    assert set(modes) <= kind.modes.keys()
    assert {*kind.exclusive_modes, *kind.quiet_modes, *kind.quiet_modes.values()} <= kind.modes.keys()
    assert [mode for mode in modes if kind.takes_parent(mode)] == (["passthru"] if kind is kinds.MACVLAN else [])
    assert [mode for mode in modes if kind.has_mac_of_parent(mode)] == (["passthru"] if kind is kinds.MACVLAN else list(modes))
    assert not kind.takes_parent(None)


@pytest.mark.parametrize("one", KINDS.values(), ids=lambda kind: kind.name)
@pytest.mark.parametrize("other", KINDS.values(), ids=lambda kind: kind.name)
def test_links_of_two_kinds_exclude_each_other_where_both_take_all_frames(one: kinds.LinkKind, other: kinds.LinkKind) -> None:
    pairs = ({"macvlan", "macvtap"}, {"ipvlan", "ipvtap"}, {"macsec"}, {"rmnet"})
    taking = [next((pair for pair in pairs if kind.name in pair), None) for kind in (one, other)]
    assert one.excludes(other) == other.excludes(one) == (None not in taking and taking[0] != taking[1])
    assert one.is_beside(other) == (taking[0] is not None and taking[0] == taking[1])


@pytest.mark.parametrize(
    ("name", "mode", "room"),
    [("macvlan", "bridge", True), ("macvlan", "private", True), ("macvlan", "passthru", False), ("ipvlan", "l2", False), ("ipvlan", "l3", False)],
)
def test_a_link_that_asks_neighbours_can_be_beside_macvlans_that_share_their_parent(name: str, mode: str, room: bool) -> None:
    assert KINDS[name].leaves_room(mode) == room


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind in KINDS.values() for code in kind.hints])
def test_every_hint_can_be_told(kind: kinds.LinkKind, code: int) -> None:
    told = kind.hints[code].format(link=LinkSpec("x0", kind.name, parent="eth0", mtu=9000), beside="another")
    assert code in errno.errorcode
    assert told.startswith("; ") and "eth0" in told and not set("{}") & set(told)


@pytest.mark.parametrize(("master", "is_in_one"), [("vrf", True), ("bridge", False), ("", False)])
def test_a_link_is_in_the_vrf_that_it_is_a_port_of(master: str, is_in_one: bool) -> None:
    port, other = Link(2, "eth0", master=3), Link(3, "m0", master)
    space = Space(links={link.name: link for link in (port, other)})
    assert kinds.vrf_of(space, port) is (other if is_in_one else None)
    assert kinds.vrf_of(space, other) is None
