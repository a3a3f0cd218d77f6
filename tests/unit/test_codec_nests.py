# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every nested attribute of every request carries NLA_F_NESTED, and no other attribute does.

New kernels refuse more and more nested attributes without the flag (Linux 7.1 does so for IFLA_INET_CONF). So all that
the codec can pack is walked here against a table of what is nested in which message; bytes are read without the codec.
"""

from __future__ import annotations

import inspect
import socket
import struct
import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_options import LINK_OPTIONS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import VlanFacts
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.sysctl import IPV4_SETTINGS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import (
    parse_address,
    parse_network,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import ask, constants, kinds, pack, parse
from ansible_collections.fleetnet.macvlan.tests.unit import strategies as draws
from ansible_collections.fleetnet.macvlan.tests.unit.builders import INVENTED, INVENTED_OF_PARENT, invented_link_options

pytestmark = pytest.mark.engine

NLA_F_NESTED, NLA_TYPE_MASK = 0x8000, 0x3FFF
HEADER = struct.Struct("=HH")

# Attribute → None where it holds a value, or the table of those that are in it.
Table = dict[int, t.Any]

QOS: Table = {1: None}  # IFLA_VLAN_QOS_MAPPING
# Of a kind of link, what IFLA_INFO_DATA holds.
INFO_DATA: dict[bytes, Table] = {
    # IFLA_MACVLAN_MODE, and a number each
    b"macvlan": {1: None, **{option.attribute: None for option in (*LINK_OPTIONS.values(), INVENTED, INVENTED_OF_PARENT)}},
    b"ipvlan": {1: None},  # IFLA_IPVLAN_MODE
    b"vlan": {1: None, 2: None, 3: QOS, 4: QOS, 5: None},  # IFLA_VLAN_ID, FLAGS, EGRESS_QOS, INGRESS_QOS, PROTOCOL
}
# Index, MAC address, name, MTU, alias, group, descriptor and the like are values.
LINK: Table = {
    **dict.fromkeys((1, 3, 4, 5, 20, 27, 28, 29, 46)),
    18: {1: None, 2: INFO_DATA},  # IFLA_LINKINFO: IFLA_INFO_KIND, IFLA_INFO_DATA
    26: {socket.AF_INET: {1: dict.fromkeys(range(1, 34))}},  # IFLA_AF_SPEC: AF_INET: IFLA_INET_CONF: IPV4_DEVCONF_*
}
ADDRESS: Table = dict.fromkeys((1, 2))
ROUTE: Table = dict.fromkeys((1, 4, 5, 6, 7))
NUMBER: Table = dict.fromkeys((1, 3))
# Message → length of its header behind that of netlink, and its attributes.
MESSAGES: dict[int, tuple[int, Table]] = {
    constants.RTM_NEWLINK: (16, LINK),
    constants.RTM_DELLINK: (16, LINK),
    constants.RTM_GETLINK: (16, LINK),
    constants.RTM_SETLINK: (16, LINK),
    constants.RTM_NEWADDR: (8, ADDRESS),
    constants.RTM_DELADDR: (8, ADDRESS),
    constants.RTM_GETADDR: (8, {}),
    constants.RTM_NEWROUTE: (12, ROUTE),
    constants.RTM_DELROUTE: (12, ROUTE),
    constants.RTM_GETROUTE: (12, ROUTE),
    constants.RTM_GETNEIGH: (16, {}),
    constants.RTM_NEWNSID: (4, NUMBER),
    constants.RTM_GETNSID: (4, NUMBER),
}


def split(data: bytes) -> t.Iterator[tuple[int, int, bytes]]:
    """Offset, type with its flags, and payload of each attribute."""
    offset = 0
    while offset < len(data):
        length, kind = HEADER.unpack_from(data, offset)
        assert 4 <= length <= len(data) - offset
        yield offset, kind, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def table_below(table: Table, kind: int, siblings: bytes) -> Table | None:
    """What is in an attribute of this type, None for a value."""
    assert kind in table, f"the table does not know attribute {kind}"
    below = table[kind]
    if below is not INFO_DATA:
        return t.cast("Table | None", below)
    (name,) = (payload for dummy, other, payload in split(siblings) if other == constants.IFLA_INFO_KIND)
    return INFO_DATA[name.rstrip(b"\0")]


def nests(data: bytes, table: Table, start: int = 0) -> t.Iterator[int]:
    """Where the header of each nested attribute is, after a look at the flags of all."""
    for offset, kind, payload in split(data):
        below = table_below(table, kind & NLA_TYPE_MASK, data)
        flag = 0 if below is None else NLA_F_NESTED
        assert kind & ~NLA_TYPE_MASK == flag, f"attribute {kind & NLA_TYPE_MASK} has the flags {kind & ~NLA_TYPE_MASK:#x}"
        if below is not None:
            yield start + offset
            yield from nests(payload, below, start + offset + 4)


def nests_of(packed: ask.Packed) -> list[int]:
    length, table = MESSAGES[packed.kind]
    return list(nests(packed.body[length:], table, length))


# --- what is packed -------------------------------------------------------------------------------------------------

indices = st.integers(1, 2**31 - 1)
descriptors = st.integers(0, 2**16)
printable = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=12)
mtus = st.none() | st.integers(68, 65535)
groups = st.none() | st.integers(1, 2**31 - 1)
some_mac = st.none() | draws.macs
modes = st.sampled_from(tuple(constants.MACVLAN_MODES))
ipvlan_modes = st.sampled_from(tuple(constants.IPVLAN_MODES))
routes = draws.routes().map(
    lambda route: Route(
        parse_network(route.to)[0], None if route.via is None else parse_address(route.via), route.metric, route.onlink
    )
)
EVERY_PART = VlanFacts(
    50, gvrp=True, mvrp=True, loose_binding=True, ingress_qos_map={"0": 1, "7": 2}, egress_qos_map={"1": 3}
)

# What links of each kind that is packed may have.
DETAILS: dict[kinds.LinkKind, st.SearchStrategy[kinds.Details]] = {
    kinds.MACVLAN: st.builds(kinds.Details, mode=modes, link_options=draws.link_options()),
    kinds.IPVLAN: st.builds(kinds.Details, mode=ipvlan_modes),
    kinds.VLAN: st.builds(kinds.Details, vlan=draws.vlans | st.just(EVERY_PART)),
}

# Every function of the codec that packs a request, with the arguments that it may get.
CALLS: dict[str, st.SearchStrategy[t.Any]] = {
    "dump_links": st.builds(dict),
    "dump_addresses": st.builds(dict),
    "dump_routes": st.builds(dict),
    "dump_filter": st.fixed_dictionaries({"index": st.integers(0, 2**31 - 1)}),
    "name_netns": st.fixed_dictionaries({"descriptor": descriptors}),
    "get_nsid": st.fixed_dictionaries({"descriptor": descriptors}),
    "get_link": st.fixed_dictionaries({"name": printable}),
    "get_route": st.fixed_dictionaries({"address": draws.addresses().map(str)}),
    "add_link": st.sampled_from(list(DETAILS)).flatmap(
        lambda kind: st.fixed_dictionaries(
            {"kind": st.just(kind), "name": printable, "lower": indices, "details": DETAILS[kind]},
            optional={"mac": some_mac, "mtu": mtus, "netns_fd": st.none() | descriptors, "group": groups},
        )
    ),
    "impossible_link": st.fixed_dictionaries({"kind": st.sampled_from(("macvlan", "vlan", "dummy"))}),
    "misshapen_link_option": st.fixed_dictionaries({"kind": st.just("macvlan"), "number": st.just(INVENTED.attribute)}),
    "set_link_option": st.fixed_dictionaries(
        {"kind": st.just(kinds.MACVLAN), "index": indices, "name": st.just(INVENTED.name), "value": st.integers(INVENTED.lowest, INVENTED.highest)}
    ),
    "set_mode": st.fixed_dictionaries({"kind": st.just(kinds.MACVLAN), "index": indices, "mode": modes}),
    "set_link": st.fixed_dictionaries(
        {"index": indices},
        optional={
            "up": st.none() | st.booleans(),
            "name": st.none() | printable,
            "mac": some_mac,
            "mtu": mtus,
            "alias": st.none() | st.just("") | printable,
            "group": groups,
            "by_name": st.none() | printable,
        },
    ),
    "set_ipv4_setting": st.fixed_dictionaries(
        {"index": indices, "setting": st.sampled_from(tuple(IPV4_SETTINGS)), "value": st.integers(0, 1)}
    ),
    "delete_link": st.fixed_dictionaries({"index": indices}, optional={"nsid": st.none() | descriptors}),
    "get_link_in": st.fixed_dictionaries({"nsid": descriptors, "index": indices}),
    "delete_group": st.fixed_dictionaries({"group": st.integers(1, 2**31 - 1)}),
    "add_address": st.fixed_dictionaries({"index": indices, "cidr": draws.hosts_with_length}),
    "delete_address": st.fixed_dictionaries({"index": indices, "cidr": draws.hosts_with_length}),
    "add_connected_route": st.fixed_dictionaries({"index": indices, "cidr": draws.hosts_with_length}),
    "add_route": st.fixed_dictionaries({"index": indices, "route": routes}),
    "replace_route": st.fixed_dictionaries({"index": indices, "route": routes}),
    "delete_route": st.fixed_dictionaries({"index": indices, "route": routes}),
}
# One call with all that a function can say, and how many nests it then has.
WITH_ALL_NESTS: dict[str, tuple[dict[str, t.Any], int]] = {
    "add_link": ({"kind": kinds.VLAN, "name": "eth0.50", "lower": 2, "details": kinds.Details(vlan=EVERY_PART)}, 4),
    "impossible_link": ({"kind": "macvlan"}, 1),
    "misshapen_link_option": ({"kind": "macvlan", "number": INVENTED.attribute}, 2),
    "set_link_option": ({"kind": kinds.MACVLAN, "index": 2, "name": INVENTED.name, "value": INVENTED.highest}, 2),
    "set_mode": ({"kind": kinds.MACVLAN, "index": 2, "mode": "vepa"}, 2),
    "set_ipv4_setting": ({"index": 2, "setting": "arp_notify", "value": 1}, 3),
}


@pytest.fixture(autouse=True, scope="module")
def _invented():
    with invented_link_options():
        yield


def packing_functions() -> set[str]:
    return {
        name
        for module in (ask, pack)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and t.get_type_hints(function).get("return") is ask.Packed
    }


def packing_function(name: str) -> t.Callable[..., ask.Packed]:
    return t.cast(t.Callable[..., ask.Packed], getattr(pack, name, None) or getattr(ask, name))


def test_each_kind_that_is_packed_is_tried():
    assert set(DETAILS) == {kind for kind in kinds.KINDS.values() if kind.pack is not None}


def test_the_table_has_every_function_that_packs_a_request():
    assert set(CALLS) == packing_functions()


@pytest.mark.parametrize("name", CALLS)
@given(data=st.data())
def test_what_is_nested_carries_the_flag_and_nothing_else_does(name, data):
    found = nests_of(packing_function(name)(**data.draw(CALLS[name])))
    assert name in WITH_ALL_NESTS or found == []


@pytest.mark.parametrize("name", WITH_ALL_NESTS)
def test_no_nest_goes_unseen(name):
    """A nest without its flag is seen, whichever of them it is; so is the flag on a value."""
    arguments, number = WITH_ALL_NESTS[name]
    packed = packing_function(name)(**arguments)
    found = nests_of(packed)
    assert len(found) == number
    for offset in found:
        body = bytearray(packed.body)
        kind = HEADER.unpack_from(body, offset)[1]
        struct.pack_into("=H", body, offset + 2, kind & ~NLA_F_NESTED)
        with pytest.raises(AssertionError, match="has the flags 0x0"):
            nests_of(packed._replace(body=bytes(body)))


@given(alias=printable)
@example(alias="fleetnet.macvlan:0")
def test_a_flag_on_a_value_is_seen(alias):
    body = bytearray(pack.set_link(2, alias=alias).body)
    struct.pack_into("=H", body, 18, pack.IFLA_IFALIAS | NLA_F_NESTED)
    with pytest.raises(AssertionError, match="has the flags 0x8000"):
        nests_of(ask.Packed(pack.RTM_SETLINK, 0, bytes(body)))


# --- what is read ---------------------------------------------------------------------------------------------------


@given(facts=draws.vlans | st.just(EVERY_PART), flagged=st.booleans())
def test_a_link_is_read_with_the_flags_and_without(facts, flagged):
    """Kernels answer with the flag on some nests and without it on others."""
    packed = pack.add_link(kinds.VLAN, "eth0.50", 2, kinds.Details(vlan=facts))
    body = bytearray(packed.body)
    for offset in nests_of(packed):
        kind = HEADER.unpack_from(body, offset)[1]
        struct.pack_into("=H", body, offset + 2, kind | NLA_F_NESTED if flagged else kind & ~NLA_F_NESTED)
    ordered = {
        name: dict(sorted(getattr(facts, name).items(), key=lambda pair: int(pair[0])))
        for name in ("ingress_qos_map", "egress_qos_map")
    }
    found = parse.parse_link(bytes(body)).vlan
    assert found is not None
    assert {name: getattr(found, name) for name in ordered} == ordered
    assert (found.vlan_id, found.gvrp, found.mvrp) == (facts.vlan_id, facts.gvrp, facts.mvrp)
