# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The netlink codec, held to pyroute2: what one of them writes the other reads as the same."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import socket
import struct
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.nsidmsg import nsidmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import Link, VlanFacts
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import OtherRoute, Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import (
    parse_address,
    parse_network,
    prefix_length,
    version_of,
    without_prefix,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import (
    ask,
    attributes,
    constants,
    kinds,
    pack,
    parse,
)
from ansible_collections.fleetnet.macvlan.tests.unit import strategies as draws

pytestmark = pytest.mark.engine

CLASSES = {"link": ifinfmsg, "address": ifaddrmsg, "route": rtmsg, "neighbour": ndmsg, "number": nsidmsg}
# What a datagram that is not what it seems to be may raise, and nothing else: all of it is caught as damage.
CONTROLLED = (ValueError, struct.error, KeyError)

indices = st.integers(1, 2**31 - 1)
modes = st.sampled_from(tuple(constants.MACVLAN_MODES))
# The kernel ends a name at the first zero byte; what it stores is bytes, here those of UTF-8.
printable = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=12)
mtus = st.integers(68, 65535)
sequences = st.integers(0, 2**32 - 1)


def decoded(packed, kind, sequence=1):
    """A request of the codec as pyroute2 reads it."""
    data = attributes.message(packed.kind, packed.flags, sequence, packed.body)
    message = CLASSES[kind](data)
    message.decode()
    assert message["header"]["length"] == len(data)
    return message


def encoded(kind, values, attributes):
    """The body of a message of pyroute2."""
    message = CLASSES[kind]()
    for key, value in values.items():
        message[key] = value
    message["attrs"] = attributes
    message.encode()
    return bytes(message.data)[16:]


def given_attributes(message):
    return {name for name, *dummy in message["attrs"]}


# --- what the codec writes ------------------------------------------------------------------------------------------


@given(
    name=printable,
    lower=indices,
    mode=modes,
    mac=st.none() | draws.macs,
    mtu=st.none() | mtus,
    netns_fd=st.none() | st.integers(0, 2**16),
    group=st.none() | st.integers(1, 2**31 - 1),
)
def test_a_new_macvlan_is_read_by_pyroute2_as_it_was_asked_for(name, lower, mode, mac, mtu, netns_fd, group):
    message = decoded(pack.add_link(kinds.MACVLAN, name, lower, kinds.Details(mode), mac, mtu, netns_fd, group), "link")
    wanted = {"IFLA_IFNAME": name, "IFLA_LINK": lower, "IFLA_ADDRESS": mac, "IFLA_MTU": mtu}
    wanted.update({"IFLA_NET_NS_FD": netns_fd, "IFLA_GROUP": group})
    wanted = {key: value for key, value in wanted.items() if value is not None}
    assert {key: message.get_attr(key) for key in wanted} == wanted
    assert given_attributes(message) == {*wanted, "IFLA_LINKINFO"}
    info = message.get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_KIND") == "macvlan"
    assert info.get_attr("IFLA_INFO_DATA").get_attr("IFLA_MACVLAN_MODE") == mode
    assert (message["index"], message["flags"], message["change"]) == (0, 0, 0)
    assert (message["header"]["type"], message["header"]["flags"]) == (constants.RTM_NEWLINK, 0x605)


@given(name=printable, lower=indices, mode=st.sampled_from(tuple(constants.IPVLAN_MODES)), netns_fd=st.none() | st.integers(0, 2**16))
def test_a_new_ipvlan_is_read_by_pyroute2_as_it_was_asked_for_and_the_answer_by_us(name, lower, mode, netns_fd):
    message = decoded(pack.add_link(kinds.IPVLAN, name, lower, kinds.Details(mode), None, 1500, netns_fd), "link")
    info = message.get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_KIND") == "ipvlan"
    assert message.get_attr("IFLA_ADDRESS") is None and message.get_attr("IFLA_LINK") == lower
    assert info.get_attr("IFLA_INFO_DATA").get_attr("IFLA_IPVLAN_MODE") in (constants.IPVLAN_MODES[mode], mode)
    shown = encoded(
        "link",
        {"index": 3},
        [
            ("IFLA_IFNAME", "i0"),
            ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "ipvlan"), ("IFLA_INFO_DATA", {"attrs": [("IFLA_IPVLAN_MODE", constants.IPVLAN_MODES[mode])]})]}),
        ],
    )
    link = parse.parse_link(shown)
    assert (link.kind, link.mode) == ("ipvlan", mode)


@given(index=indices, mode=modes)
def test_a_new_mode_is_read_by_pyroute2_as_it_was_asked_for(index, mode):
    message = decoded(pack.set_mode(kinds.MACVLAN, index, mode), "link")
    info = message.get_attr("IFLA_LINKINFO")
    assert message["index"] == index
    assert info.get_attr("IFLA_INFO_KIND") == "macvlan"
    assert info.get_attr("IFLA_INFO_DATA").get_attr("IFLA_MACVLAN_MODE") == mode
    # Without create and exclude, or the kernel would answer that the link exists.
    assert (message["header"]["type"], message["header"]["flags"]) == (constants.RTM_NEWLINK, 0x5)


@given(
    index=indices,
    up=st.none() | st.booleans(),
    name=st.none() | printable,
    mac=st.none() | draws.macs,
    mtu=st.none() | mtus,
    alias=st.none() | printable,
    group=st.none() | st.integers(0, 2**31 - 1),
)
def test_a_change_of_a_link_says_what_changes_and_nothing_else(index, up, name, mac, mtu, alias, group):
    message = decoded(pack.set_link(index, up=up, name=name, mac=mac, mtu=mtu, alias=alias, group=group), "link")
    wanted = {"IFLA_IFNAME": name, "IFLA_ADDRESS": mac, "IFLA_MTU": mtu, "IFLA_IFALIAS": alias, "IFLA_GROUP": group}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    assert {key: message.get_attr(key) for key in wanted} == wanted
    assert given_attributes(message) == set(wanted)
    assert message["index"] == index
    assert (message["flags"], message["change"]) == (int(bool(up)), 0 if up is None else 1)
    assert (message["header"]["type"], message["header"]["flags"]) == (constants.RTM_SETLINK, 0x5)


def test_an_empty_alias_removes_the_alias():
    # The kernel removes an alias by an attribute of length zero; a terminating zero byte would set an empty one.
    packed = pack.set_link(7, alias="")
    assert packed.body[-4:] == struct.pack("=HH", 4, constants.IFLA_IFALIAS)


@given(name=printable, alias=printable)
def test_a_link_whose_index_is_not_known_is_changed_by_its_name(name, alias):
    message = decoded(pack.set_link(0, by_name=name, alias=alias), "link")
    assert message["index"] == 0
    assert {key: message.get_attr(key) for key in given_attributes(message)} == {
        "IFLA_IFNAME": name,
        "IFLA_IFALIAS": alias,
    }


priorities = st.dictionaries(st.integers(0, 7).map(str), st.integers(1, 7))
vlan_facts = st.builds(
    VlanFacts,
    vlan_id=st.integers(1, 4094),
    protocol=st.sampled_from(tuple(constants.VLAN_PROTOCOLS)),
    reorder_hdr=st.booleans(),
    gvrp=st.booleans(),
    mvrp=st.booleans(),
    loose_binding=st.booleans(),
    ingress_qos_map=priorities,
    egress_qos_map=priorities,
)


@given(name=printable, lower=indices, facts=vlan_facts, mac=st.none() | draws.macs, mtu=st.none() | mtus)
def test_a_new_vlan_link_is_read_by_pyroute2_as_it_was_asked_for(name, lower, facts, mac, mtu):
    message = decoded(pack.add_link(kinds.VLAN, name, lower, kinds.Details(vlan=facts), mac, mtu), "link")
    wanted = {"IFLA_IFNAME": name, "IFLA_LINK": lower, "IFLA_ADDRESS": mac, "IFLA_MTU": mtu}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    assert {key: message.get_attr(key) for key in wanted} == wanted
    assert given_attributes(message) == {*wanted, "IFLA_LINKINFO"}
    assert (message["header"]["type"], message["header"]["flags"]) == (constants.RTM_NEWLINK, 0x605)
    info = message.get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_KIND") == "vlan"
    data = info.get_attr("IFLA_INFO_DATA")
    assert data.get_attr("IFLA_VLAN_ID") == facts.vlan_id
    assert data.get_attr("IFLA_VLAN_PROTOCOL") == constants.VLAN_PROTOCOLS[facts.protocol]
    flags = sum(bit for flag, bit in constants.VLAN_FLAGS.items() if getattr(facts, flag))
    assert data.get_attr("IFLA_VLAN_FLAGS") == {"flags": flags, "mask": 0xF}
    for attribute, mapping in (("INGRESS", facts.ingress_qos_map), ("EGRESS", facts.egress_qos_map)):
        nested = data.get_attr(f"IFLA_VLAN_{attribute}_QOS")
        pairs = [] if nested is None else [value for dummy, value in nested["attrs"]]
        assert [(pair["from"], pair["to"]) for pair in pairs] == [(int(key), mapping[key]) for key in mapping]


@given(index=indices, facts=vlan_facts)
def test_a_vlan_link_that_is_written_is_read_the_same(index, facts):
    """What the kernel keeps of a request it answers in the same attributes, flags and priorities included."""
    request = pack.add_link(kinds.VLAN, "eth0.50", index, kinds.Details(vlan=facts))
    link = parse.parse_link(request.body)
    assert (link.name, link.kind, link.lower) == ("eth0.50", "vlan", index)
    ordered = {
        key: {number: mapping[number] for number in sorted(mapping)}
        for key, mapping in (("ingress_qos_map", facts.ingress_qos_map), ("egress_qos_map", facts.egress_qos_map))
    }
    assert link.vlan == dataclasses.replace(facts, **ordered)


# IPV4_DEVCONF_PROMOTE_SECONDARIES and IPV4_DEVCONF_ARP_NOTIFY of include/uapi/linux/ip.h
@pytest.mark.parametrize(("setting", "place"), [("promote_secondaries", 20), ("arp_notify", 22)])
@given(index=indices, value=st.integers(0, 1))
def test_a_setting_is_written_where_the_kernel_reads_it(setting, place, index, value):
    packed = pack.set_ipv4_setting(index, setting, value)
    message = decoded(packed, "link")
    assert (message["index"], packed.kind, packed.flags) == (index, constants.RTM_SETLINK, 0)
    spec = attributes.attributes(parse.link_attributes(packed.body)[constants.IFLA_AF_SPEC])
    conf = attributes.attributes(attributes.attributes(spec[socket.AF_INET])[constants.IFLA_INET_CONF])
    assert conf == {place: struct.pack("=i", value)}


def test_settings_come_with_a_link_under_their_own_names():
    # A kernel's arrays hold all settings in order, so that a value tells its place.
    arrays = {
        "AF_INET": {"attrs": [("IFLA_INET_CONF", struct.pack("=33i", *range(33)))]},
        "AF_INET6": {"attrs": [("IFLA_INET6_CONF", struct.pack("=60i", *range(60)))]},
    }
    spec = b""
    for family, key in ((socket.AF_INET, "AF_INET"), (socket.AF_INET6, "AF_INET6")):
        payload = arrays[key]["attrs"][0][1]
        kind = constants.IFLA_INET_CONF if family == socket.AF_INET else constants.IFLA_INET6_CONF
        inner = struct.pack("=HH", 4 + len(payload), kind) + payload
        spec += struct.pack("=HH", 4 + len(inner), family) + inner
    assert parse.parse_settings({constants.IFLA_AF_SPEC: spec}, "eth0.50") == {
        "net.ipv4.conf.eth0/50.promote_secondaries": "19",
        "net.ipv4.conf.eth0/50.arp_notify": "21",
        "net.ipv6.conf.eth0/50.accept_ra": "3",
        "net.ipv6.conf.eth0/50.autoconf": "5",
        "net.ipv6.conf.eth0/50.disable_ipv6": "26",
        "net.ipv6.conf.eth0/50.ndisc_notify": "29",
    }
    assert parse.parse_settings({}, "eth0") == {}


@given(descriptor=st.integers(0, 2**16))
def test_a_namespace_is_numbered_by_its_descriptor(descriptor):
    for packed, number, wanted in (
        (ask.name_netns(descriptor), constants.RTM_NEWNSID, {"NETNSA_FD", "NETNSA_NSID"}),
        (ask.get_nsid(descriptor), constants.RTM_GETNSID, {"NETNSA_FD"}),
    ):
        message = decoded(packed, "number")
        assert (message["header"]["type"], message["header"]["flags"]) == (number, 0x5)
        assert given_attributes(message) == wanted
        assert message.get_attr("NETNSA_FD") == descriptor
    assert decoded(ask.name_netns(descriptor), "number").get_attr("NETNSA_NSID") in (-1, 2**32 - 1)


@given(number=st.integers(0, 2**31 - 1))
def test_the_number_of_a_namespace_is_read(number):
    assert parse.parse_nsid(encoded("number", {"rtgen_family": 0}, [["NETNSA_NSID", number]])) == number


@given(index=indices, mac=draws.macs)
def test_the_filter_of_a_link_is_read(index, mac):
    body = encoded("neighbour", {"family": socket.AF_BRIDGE, "ifindex": index}, [["NDA_LLADDR", mac]])
    assert parse.parse_filter(body) == (index, mac)


@given(protocol=st.sampled_from(tuple(constants.VLAN_PROTOCOLS)), filtering=st.integers(0, 1), kind=st.sampled_from(("bridge", "vlan", "")))
def test_the_protocol_that_a_bridge_looks_at_is_read(protocol, filtering, kind):
    data = {"attrs": [["IFLA_BR_VLAN_FILTERING", filtering], ["IFLA_BR_VLAN_PROTOCOL", constants.VLAN_PROTOCOLS[protocol]]]}
    info = [["IFLA_INFO_KIND", kind], *([["IFLA_INFO_DATA", data]] if kind == "bridge" else [])]
    body = encoded("link", {"index": 9}, [["IFLA_IFNAME", "br0"], ["IFLA_LINKINFO", {"attrs": info}]])
    assert parse.parse_vlan_filter(body) == (protocol if kind == "bridge" and filtering else None)


@given(index=indices, nsid=st.integers(0, 2**31 - 1), group=st.integers(1, 2**31 - 1))
def test_links_can_be_deleted_in_another_namespace_and_as_a_group(index, nsid, group):
    elsewhere = decoded(pack.delete_link(index, nsid), "link")
    assert (elsewhere["index"], elsewhere.get_attr("IFLA_IF_NETNSID")) == (index, nsid)
    together = decoded(pack.delete_group(group), "link")
    assert (together["index"], together.get_attr("IFLA_GROUP")) == (0, group)
    assert given_attributes(together) == {"IFLA_GROUP"}


@given(index=indices)
def test_a_deletion_names_the_index_only(index):
    message = decoded(pack.delete_link(index), "link")
    assert message["index"] == index
    assert message["attrs"] == []
    assert (message["header"]["type"], message["header"]["flags"]) == (constants.RTM_DELLINK, 0x5)


@given(index=indices, cidr=draws.hosts_with_length)
def test_an_address_is_read_by_pyroute2_as_it_was_asked_for(index, cidr):
    address, dummy, length = parse_address(cidr.partition("/")[0]), "/", int(cidr.partition("/")[2])
    version = version_of(address)
    requests = (pack.add_address, constants.RTM_NEWADDR, 0x605), (pack.delete_address, constants.RTM_DELADDR, 0x5)
    for request, kind, flags in requests:
        message = decoded(request(index, f"{address}/{length}"), "address")
        assert message["index"] == index
        assert message["prefixlen"] == length
        assert message["family"] == (socket.AF_INET if version == 4 else socket.AF_INET6)
        assert message["scope"] == 0
        assert {key: message.get_attr(key) for key in given_attributes(message)} == {
            "IFA_LOCAL": address,
            "IFA_ADDRESS": address,
        }
        without_detection = version == 6 and kind == constants.RTM_NEWADDR
        assert message["flags"] == (constants.IFA_F_NODAD if without_detection else 0)
        assert (message["header"]["type"], message["header"]["flags"]) == (kind, flags)


canonical_routes = draws.routes().map(
    lambda route: Route(
        parse_network(route.to)[0], None if route.via is None else parse_address(route.via), route.metric, route.onlink
    )
)


@given(index=indices, route=canonical_routes)
def test_a_route_is_read_by_pyroute2_as_it_was_asked_for(index, route):
    requests = (
        (pack.add_route, constants.RTM_NEWROUTE, 0x605, 4),
        (pack.replace_route, constants.RTM_NEWROUTE, 0x505, 4),
        # The kernel deletes a route of any protocol only when none is named.
        (pack.delete_route, constants.RTM_DELROUTE, 0x5, 0),
    )
    address, dummy, length = route.to.partition("/")
    family = socket.AF_INET if version_of(address) == 4 else socket.AF_INET6
    wanted = {
        "RTA_DST": address if int(length) else None,
        "RTA_GATEWAY": route.via,
        "RTA_OIF": index,
        "RTA_PRIORITY": route.metric,
    }
    wanted = {key: value for key, value in wanted.items() if value is not None}
    on_link = route.via is None and family == socket.AF_INET
    for request, kind, flags, protocol in requests:
        message = decoded(request(index, route), "route")
        assert {key: message.get_attr(key) for key in given_attributes(message)} == wanted
        assert (message["family"], message["dst_len"]) == (family, int(length))
        assert (message["table"], message["proto"], message["type"]) == (254, protocol, 1)
        assert message["scope"] == (253 if on_link else 0)
        assert message["flags"] == (4 if route.onlink else 0)
        assert (message["header"]["type"], message["header"]["flags"]) == (kind, flags)


@pytest.mark.parametrize(
    ("packed", "kind", "number", "family"),
    [
        pytest.param(ask.dump_links(), "link", constants.RTM_GETLINK, socket.AF_UNSPEC, id="links"),
        pytest.param(ask.dump_addresses(), "address", constants.RTM_GETADDR, socket.AF_UNSPEC, id="addresses"),
        pytest.param(ask.dump_routes(), "route", constants.RTM_GETROUTE, socket.AF_UNSPEC, id="routes"),
    ],
)
def test_a_dump_asks_for_everything_and_for_no_acknowledgement(packed, kind, number, family):
    message = decoded(packed, kind)
    assert (message["header"]["type"], message["header"]["flags"]) == (number, 0x301)
    assert message["family"] == family


@given(name=printable)
def test_one_link_is_asked_for_by_its_name(name):
    message = decoded(ask.get_link(name), "link")
    assert message.get_attr("IFLA_IFNAME") == name
    assert (message["header"]["type"], message["header"]["flags"]) == (constants.RTM_GETLINK, 0x5)


@pytest.mark.parametrize("packed", [ask.dump_links(), ask.get_link("eth0")], ids=["dump", "one"])
def test_links_are_asked_for_without_statistics(packed):
    assert decoded(packed, "link").get_attr("IFLA_EXT_MASK") == constants.RTEXT_FILTER_SKIP_STATS


def test_a_link_that_no_kernel_can_make_has_a_kind_and_a_multicast_mac():
    message = decoded(ask.impossible_link("dummy"), "link")
    assert message.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_KIND") == "dummy"
    assert int(message.get_attr("IFLA_ADDRESS")[:2], 16) & 1


def test_names_that_are_not_utf8_are_written_as_the_bytes_that_they_were():
    assert b"eth\xff\0" in ask.get_link("eth\udcff").body


# --- what the codec reads -------------------------------------------------------------------------------------------


@st.composite
def links(draw, kind=None):
    """A link, and the values and attributes with which pyroute2 says it."""
    kind = kind or draw(st.sampled_from(("", "macvlan", "macvtap", "vlan", "bridge", "dummy")))
    link = Link(
        index=draw(indices),
        name=draw(printable),
        kind=kind,
        hardware=draw(st.sampled_from((1, 772, 65534))),
        mac=draw(st.just("") | draws.macs),
        mtu=draw(mtus),
        up=draw(st.booleans()),
        loopback=draw(st.booleans()),
        alias=draw(st.just("") | printable),
        lower=draw(st.none() | indices),
        lower_netns=draw(st.none() | st.integers(0, 2**15)),
        master=draw(st.none() | indices),
        mode=draw(modes) if kind in ("macvlan", "macvtap") else None,
        vlan=draw(draws.vlans) if kind == "vlan" else None,
    )
    other_flags = draw(st.sampled_from((0, 0x1002, 0x11040)))
    flags = other_flags | (1 if link.up else 0) | (8 if link.loopback else 0)
    values = {"family": 0, "ifi_type": link.hardware, "index": link.index, "flags": flags, "change": 0}
    attributes = [
        ("IFLA_IFNAME", link.name),
        ("IFLA_MTU", link.mtu),
        ("IFLA_TXQLEN", 1000),
        ("IFLA_ADDRESS", link.mac),
        ("IFLA_IFALIAS", link.alias),
        ("IFLA_LINK", link.lower),
        ("IFLA_LINK_NETNSID", link.lower_netns),
        ("IFLA_MASTER", link.master),
        ("IFLA_LINKINFO", {"attrs": info_of(link)} if kind else None),
    ]
    order = draw(st.permutations([item for item in attributes if item[1] not in (None, "")]))
    return link, values, [list(item) for item in order]


def info_of(link):
    """The attributes of IFLA_LINKINFO."""
    info = [["IFLA_INFO_KIND", link.kind]]
    if link.mode is not None:
        prefix = link.kind.upper()
        info.append(["IFLA_INFO_DATA", {"attrs": [[f"IFLA_{prefix}_MODE", link.mode]]}])
    if link.vlan is not None:
        vlan = link.vlan
        bits = {"reorder_hdr": 1, "gvrp": 2, "loose_binding": 4, "mvrp": 8}
        flags = sum(bit for name, bit in bits.items() if getattr(vlan, name))
        data = [
            ["IFLA_VLAN_ID", vlan.vlan_id],
            ["IFLA_VLAN_FLAGS", {"flags": flags, "mask": 0xFFFFFFFF}],
            ["IFLA_VLAN_PROTOCOL", {"802.1q": 0x8100, "802.1ad": 0x88A8}[vlan.protocol]],
        ]
        for name in ("egress", "ingress"):
            found = getattr(vlan, f"{name}_qos_map")
            mapping = [["IFLA_VLAN_QOS_MAPPING", {"from": int(key), "to": value}] for key, value in found.items()]
            if mapping:
                data.append([f"IFLA_VLAN_{name.upper()}_QOS", {"attrs": mapping}])
        info.append(["IFLA_INFO_DATA", {"attrs": data}])
    return info


@pytest.mark.parametrize("kind", ["", "macvlan", "macvtap", "vlan", "bridge", "dummy"])
@given(data=st.data())
def test_a_link_that_pyroute2_wrote_is_read_as_it_was_meant(kind, data):
    link, values, attributes = data.draw(links(kind))
    assert parse.parse_link(encoded("link", values, attributes)) == link


@pytest.mark.parametrize("altnames", [(), ("alt0",), ("alt0", "rack12-port-of-the-lan", "\u00e9" * 30, "eth0.50")])
def test_all_alternative_names_of_a_link_are_read(altnames):
    listed = {"attrs": [["IFLA_ALT_IFNAME", name] for name in altnames]}
    body = encoded("link", {"index": 3, "ifi_type": 1}, [["IFLA_IFNAME", "eth0"], ["IFLA_PROP_LIST", listed], ["IFLA_MTU", 1400]])
    assert parse.parse_link(body) == Link(index=3, name="eth0", mtu=1400, altnames=altnames)


def test_the_permanent_mac_address_of_a_link_is_read_where_the_kernel_tells_one():
    dump = [["IFLA_IFNAME", "eth0"], ["IFLA_MTU", 1400], ["IFLA_PERM_ADDRESS", bytes.fromhex("525400123456")]]
    body = encoded("link", {"index": 3, "ifi_type": 1}, dump)
    assert parse.parse_link(body) == Link(index=3, name="eth0", mtu=1400, permanent_mac="52:54:00:12:34:56")


def test_a_link_that_says_the_least_is_read_with_nothing_in_it():
    body = encoded("link", {"index": 3, "ifi_type": 1}, [["IFLA_IFNAME", "eth0"]])
    assert parse.parse_link(body) == Link(index=3, name="eth0", mtu=0)


@pytest.mark.parametrize(
    ("data", "vlan"),
    [
        pytest.param([["IFLA_VLAN_ID", 5]], VlanFacts(5, reorder_hdr=False), id="nothing-but-an-id"),
        pytest.param(
            [["IFLA_VLAN_ID", 5], ["IFLA_VLAN_PROTOCOL", 0x9100]],
            VlanFacts(5, protocol="0x9100", reorder_hdr=False),
            id="protocol-without-a-name",
        ),
    ],
)
def test_a_vlan_link_of_another_kind_than_ours_is_read_too(data, vlan):
    info = {"attrs": [["IFLA_INFO_KIND", "vlan"], ["IFLA_INFO_DATA", {"attrs": data}]]}
    body = encoded("link", {"index": 3, "ifi_type": 1}, [["IFLA_IFNAME", "v"], ["IFLA_LINKINFO", info]])
    assert parse.parse_link(body).vlan == vlan


def test_a_priority_that_maps_to_0_is_left_out_and_the_others_are_sorted():
    pairs = [(7, 1), (2, 0), (1, 3)]
    mapping = {"attrs": [["IFLA_VLAN_QOS_MAPPING", {"from": one, "to": other}] for one, other in pairs]}
    data = {"attrs": [["IFLA_VLAN_ID", 5], ["IFLA_VLAN_INGRESS_QOS", mapping]]}
    info = {"attrs": [["IFLA_INFO_KIND", "vlan"], ["IFLA_INFO_DATA", data]]}
    body = encoded("link", {"index": 3, "ifi_type": 1}, [["IFLA_IFNAME", "v"], ["IFLA_LINKINFO", info]])
    assert list(parse.parse_link(body).vlan.ingress_qos_map.items()) == [("1", 3), ("7", 1)]


@given(index=indices, address=draws.addresses(), length=st.integers(0, 128), scope=st.sampled_from((0, 200, 253, 254)))
def test_an_address_that_pyroute2_wrote_is_read_as_it_was_meant(index, address, length, scope):
    length = min(length, address.max_prefixlen)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    # As the kernel says it: IPv4 with IFA_LOCAL, IPv6 without.
    attributes = [["IFA_ADDRESS", str(address)]] + ([["IFA_LOCAL", str(address)]] if address.version == 4 else [])
    values = {"family": family, "prefixlen": length, "flags": 0x80, "scope": scope, "index": index}
    body = encoded("address", values, attributes)
    assert parse.parse_address(body) == (index, f"{parse_address(str(address))}/{length}", scope, None, False)


def test_the_local_address_of_a_point_to_point_link_is_its_own_and_not_its_peers():
    values = {"family": socket.AF_INET, "prefixlen": 32, "index": 4, "flags": constants.IFA_F_PERMANENT}
    body = encoded("address", values, [["IFA_ADDRESS", "10.0.0.2"], ["IFA_LOCAL", "10.0.0.1"]])
    assert parse.parse_address(body) == (4, "10.0.0.1/32", 0, "10.0.0.2", False)


def test_a_next_hop_of_the_other_family_is_one_too():
    """As of ``ip route add 10.80.0.0/16 via inet6 2001:db8:9::f0``."""
    values = {"family": socket.AF_INET, "dst_len": 16, "table": 254, "type": 1}
    body = encoded("route", values, [["RTA_DST", "10.80.0.0"], ["RTA_OIF", 3]])
    via = struct.pack("=HHH", 22, constants.RTA_VIA, socket.AF_INET6) + socket.inet_pton(socket.AF_INET6, "2001:db8:9::f0") + bytes(2)
    assert parse.parse_next_hops(body + via) == ("10.80.0.0/16", [(3, "2001:db8:9::f0")])


FOR_EVER, KERNEL_LO, KERNEL_RA, KERNEL_LL = 2**32 - 1, 1, 2, 3
PERMANENT, TEMPORARY, MANAGED, NO_PREFIX_ROUTE = 0x80, 0x01, 0x100, 0x200


@pytest.mark.parametrize(
    ("version", "flags", "preferred", "proto", "temporary"),
    [
        pytest.param(4, PERMANENT, FOR_EVER, None, False, id="added"),
        pytest.param(4, PERMANENT, FOR_EVER, 0, False, id="added-by-nobody-in-particular"),
        pytest.param(4, PERMANENT | NO_PREFIX_ROUTE, FOR_EVER, 200, False, id="added-by-a-program"),
        pytest.param(4, PERMANENT | TEMPORARY, FOR_EVER, None, False, id="second-address-of-a-subnet"),
        pytest.param(4, 0, 600, None, True, id="dhcp"),
        pytest.param(4, 0, 0, None, True, id="dhcp-no-longer-preferred"),
        pytest.param(4, PERMANENT, 600, None, True, id="preferred-for-a-time"),
        pytest.param(4, PERMANENT, 0, None, False, id="deprecated-for-good"),
        pytest.param(6, PERMANENT, FOR_EVER, None, False, id="added6"),
        pytest.param(6, PERMANENT, 0, None, False, id="deprecated6-for-good"),
        pytest.param(6, PERMANENT, FOR_EVER, KERNEL_LO, False, id="loopback"),
        pytest.param(6, PERMANENT, FOR_EVER, KERNEL_LL, False, id="link-local"),
        pytest.param(6, 0, 600, None, True, id="dhcpv6"),
        pytest.param(6, 0, FOR_EVER, None, True, id="advertised-before-5.18"),
        pytest.param(6, PERMANENT, FOR_EVER, KERNEL_RA, True, id="advertised-for-ever"),
        pytest.param(6, PERMANENT | MANAGED, FOR_EVER, None, True, id="advertised-and-managed-by-a-program"),
        pytest.param(6, TEMPORARY, 600, KERNEL_RA, True, id="temporary"),
    ],
)
def test_what_has_a_lifetime_or_comes_of_a_router_advertisement_is_there_for_a_time(version, flags, preferred, proto, temporary):
    address = "10.0.0.1" if version == 4 else "2001:db8::1"
    values = {"family": socket.AF_INET if version == 4 else socket.AF_INET6, "prefixlen": 24, "flags": flags & 0xFF, "index": 4}
    lifetimes = {"ifa_preferred": preferred, "ifa_valid": FOR_EVER if flags & PERMANENT else 600, "cstamp": 1, "tstamp": 1}
    attributes = [["IFA_ADDRESS", address], ["IFA_LOCAL", address], ["IFA_FLAGS", flags], ["IFA_CACHEINFO", lifetimes]]
    if version == 6:
        del attributes[1]
    body = encoded("address", values, attributes)
    if proto is not None:
        # Not every release of pyroute2 knows this attribute.
        body += struct.pack("=HHB3x", 5, constants.IFA_PROTO, proto)
    assert parse.parse_address(body).temporary is temporary


@pytest.mark.parametrize("kind", [constants.IFA_CACHEINFO, constants.IFA_PROTO])
def test_an_attribute_of_an_address_that_is_cut_short_is_none(kind):
    values = {"family": socket.AF_INET, "prefixlen": 24, "flags": PERMANENT, "index": 4}
    body = encoded("address", values, [["IFA_ADDRESS", "10.0.0.1"], ["IFA_LOCAL", "10.0.0.1"]]) + struct.pack("=HH", 4, kind)
    assert parse.parse_address(body)[:4] == (4, "10.0.0.1/24", 0, None)


def route_message(index, route, **changes):
    address, dummy, length = route.to.partition("/")
    family = socket.AF_INET if version_of(address) == 4 else socket.AF_INET6
    flags = 4 if route.onlink else 0
    values = {"family": family, "dst_len": int(length), "table": 254, "proto": 3, "scope": 0, "type": 1, "flags": flags, **changes}
    attributes = [
        ["RTA_TABLE", values["table"]],
        ["RTA_DST", address if int(length) else None],
        ["RTA_GATEWAY", route.via],
        ["RTA_OIF", index],
        ["RTA_PRIORITY", route.metric],
    ]
    values["table"] = min(values["table"], constants.RT_TABLE_COMPAT) if values["table"] > 255 else values["table"]
    return encoded("route", values, [item for item in attributes if item[1] is not None])


@given(index=indices, route=canonical_routes)
@example(index=1, route=Route("::/0", "fe80::1", 1024))
@example(index=1, route=Route("0.0.0.0/0", "10.0.0.1", 1024))
def test_a_route_that_pyroute2_wrote_is_read_as_it_was_meant(index, route):
    ((found_index, found),) = parse.parse_route(route_message(index, route))
    assert found_index == index
    assert found.identity == route.identity
    if not (route.to.count(":") and route.metric == 1024):
        assert found == route


def test_the_default_metric_of_ipv6_is_read_as_no_metric():
    ((dummy, route),) = parse.parse_route(route_message(1, Route("fd00::/64", None, 1024)))
    assert route.metric is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"table": 255}, id="table-local"),
        pytest.param({"table": 100}, id="another-table"),
        pytest.param({"family": 128}, id="multicast-routing"),
    ],
)
def test_a_route_that_is_not_of_the_main_table_is_left_out(changes):
    assert parse.parse_route(route_message(1, Route("0.0.0.0/0", None), **changes)) == ()


@pytest.mark.parametrize("number", [1, 100, 252, 254, 255, 256, 1000, 2**32 - 1])
def test_a_route_says_the_number_of_its_table(number):
    body = route_message(1, Route("10.0.0.0/8"), table=number)
    assert parse.table_of(body) == number
    assert parse.parse_route(body, number) == ((1, Route("10.0.0.0/8")),)
    assert parse.parse_route(body, 77) == ()


@pytest.mark.parametrize(
    ("index", "kind", "meant"),
    [(1, 2, "local"), (1, 3, "broadcast"), (None, 6, "blackhole"), (1, 7, "unreachable"), (None, 1, "multipath"), (1, 99, "type 99")],
)
def test_a_route_that_leads_over_no_link_takes_its_place_anyway(index, kind, meant):
    for to, metric, place in (("10.0.0.0/8", 7, 7), ("::/0", None, 1024), ("0.0.0.0/0", None, 0)):
        body = route_message(index, Route(to, None, metric), type=kind)
        assert parse.parse_route(body) == OtherRoute((to, place), meant)


def with_next_hops(to, *hops):
    nested = [{"oif": index, "attrs": [["RTA_GATEWAY", via]] if via else []} for index, via in hops]
    family = socket.AF_INET if version_of(to) == 4 else socket.AF_INET6
    values = {"family": family, "dst_len": prefix_length(to), "table": 254, "proto": 3, "scope": 0, "type": 1}
    destination = [["RTA_DST", without_prefix(to)]] if prefix_length(to) else []
    return encoded("route", values, [*destination, ["RTA_MULTIPATH", nested]])


def test_each_of_several_next_hops_is_on_the_link_by_itself():
    nested = [{"oif": 3, "flags": flags, "attrs": [["RTA_GATEWAY", f"fd01::{flags + 1}"]]} for flags in (0, 4, 1)]
    values = {"family": socket.AF_INET6, "dst_len": 0, "table": 254, "proto": 3, "scope": 0, "type": 1}
    found = parse.parse_route(encoded("route", values, [["RTA_MULTIPATH", nested]]))
    assert [(route.via, route.onlink) for dummy, route in found] == [("fd01::1", False), ("fd01::5", True), ("fd01::2", False)]


def test_several_next_hops_are_one_route_of_ipv4_and_as_many_of_ipv6():
    assert parse.parse_route(with_next_hops("10.0.0.0/8", (3, "10.1.0.1"), (4, None))) == OtherRoute(
        ("10.0.0.0/8", 0), "multipath"
    )
    assert parse.parse_route(with_next_hops("::/0", (3, "fd00::1"), (4, None))) == (
        (3, Route("::/0", "fd00::1")),
        (4, Route("::/0")),
    )


def test_a_next_hop_that_is_longer_than_all_of_them_is_an_error():
    body = with_next_hops("::/0", (3, "fd00::1"))
    offset = body.rindex((28).to_bytes(2, sys.byteorder) + bytes(2) + (3).to_bytes(4, sys.byteorder))
    with pytest.raises(ValueError, match="impossible length"):
        parse.parse_route(body[:offset] + (29).to_bytes(2, sys.byteorder) + body[offset + 2 :])


def test_the_table_of_a_route_is_that_of_the_attribute_when_it_does_not_fit_the_header():
    body = encoded("route", {"family": 2, "table": 252, "type": 1}, [["RTA_TABLE", 254], ["RTA_OIF", 3]])
    assert parse.parse_route(body) == ((3, Route("0.0.0.0/0")),)


# --- round trips ----------------------------------------------------------------------------------------------------


@given(index=indices, route=canonical_routes)
def test_a_route_comes_back_from_its_own_request(index, route):
    ((dummy, found),) = parse.parse_route(pack.add_route(index, route).body)
    assert found.identity == route.identity


@given(index=indices, cidr=draws.hosts_with_length, peer=st.none() | draws.addresses())
def test_an_address_comes_back_from_its_own_request(index, cidr, peer):
    address, dummy, length = cidr.partition("/")
    wanted, other = f"{parse_address(address)}/{length}", peer and parse_address(str(peer))
    if other and version_of(other) != version_of(wanted):
        other = None
    meant = None if other == without_prefix(wanted) else other
    assert parse.parse_address(pack.add_address(index, wanted, other).body)[:4] == (index, wanted, 0, meant)


# --- datagrams ------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 2**16 - 1), sequences, st.binary(max_size=9)), max_size=5))
def test_the_messages_of_a_datagram_come_apart_at_their_ends(parts):
    padded = (attributes.message(kind, 0, sequence, body) for kind, sequence, body in parts)
    data = b"".join(one + b"\0" * (-len(one) % 4) for one in padded)
    found = [(kind, sequence, body) for kind, dummy, sequence, body in attributes.messages(data)]
    assert found == parts
    assert all(flags == constants.NLM_F_REQUEST | constants.NLM_F_ACK for dummy, flags, *rest in attributes.messages(data))


@pytest.mark.parametrize("flags", [0, constants.NLM_F_CREATE | constants.NLM_F_EXCL])
def test_a_message_may_be_answered_only_if_it_is_refused(flags):
    data = attributes.message(constants.RTM_NEWLINK, flags, 7, b"body", acknowledged=False)
    assert list(attributes.messages(data)) == [(constants.RTM_NEWLINK, constants.NLM_F_REQUEST | flags, 7, b"body")]


@pytest.mark.parametrize("length", [0, 15, 17, 2**32 - 1])
def test_a_message_with_an_impossible_length_is_damage(length):
    with pytest.raises(ValueError, match="message with an impossible length"):
        list(attributes.messages(struct.pack("=IHHII", length, 16, 0, 1, 0)))


@pytest.mark.parametrize("length", [0, 3, 9, 2**16 - 1])
def test_an_attribute_with_an_impossible_length_is_damage(length):
    with pytest.raises(ValueError, match="attribute with an impossible length"):
        attributes.attributes(struct.pack("=HH4s", length, 3, b"eth0"))


def test_the_type_of_an_attribute_is_read_without_its_flags():
    assert attributes.attributes(struct.pack("=HH4s", 8, 0x8000 | 0x4000 | 18, b"data")) == {18: b"data"}


def answer(code, flags, *, request=b"", words=b""):
    """Flags and body of an NLMSG_ERROR message as lib/af_netlink.c makes it."""
    head = struct.pack("=IHHII", 16 + len(request), 16, 5, 1, 0)
    return flags, struct.pack("=i", -code) + head + request + words


WORDS = struct.pack("=HH", 4 + 15, constants.NLMSGERR_ATTR_MSG) + b"Device is busy\0"


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        pytest.param(answer(0, 0x100), (0, ""), id="done"),
        pytest.param(answer(errno.EBUSY, 0x100), (errno.EBUSY, ""), id="error-without-words"),
        pytest.param(answer(errno.EBUSY, 0x300, words=WORDS), (errno.EBUSY, "Device is busy"), id="capped"),
        pytest.param(
            answer(errno.EBUSY, 0x200, request=b"r" * 24, words=WORDS), (errno.EBUSY, "Device is busy"), id="uncapped"
        ),
        pytest.param(
            answer(errno.EBUSY, 0x200, request=b"r" * 21, words=b"\0" * 3 + WORDS),
            (errno.EBUSY, "Device is busy"),
            id="uncapped-and-padded",
        ),
        pytest.param(answer(0, 0x300, words=WORDS), (0, "Device is busy"), id="done-with-a-warning"),
        pytest.param(
            answer(errno.EBUSY, 0x300, words=struct.pack("=HHI", 8, 2, 5)), (errno.EBUSY, ""), id="no-words-among-them"
        ),
    ],
)
def test_an_answer_says_its_number_and_the_kernels_words(message, wanted):
    assert attributes.parse_answer(*message) == wanted


# --- damage ---------------------------------------------------------------------------------------------------------

BODIES = {
    "link": lambda: st.one_of(links()).map(lambda case: encoded("link", *case[1:])),
    "address": lambda: st.builds(
        lambda index, cidr: pack.add_address(index, cidr).body, indices, draws.hosts_with_length
    ),
    "route": lambda: st.builds(lambda index, route: pack.add_route(index, route).body, indices, canonical_routes),
}


@pytest.mark.parametrize("kind", BODIES)
@given(data=st.data())
def test_garbled_bytes_give_something_or_an_error_that_is_caught(kind, data):
    body = bytearray(data.draw(BODIES[kind]() | st.binary(max_size=80)))
    for dummy in range(data.draw(st.integers(0, 3))):
        if body:
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    del body[data.draw(st.integers(0, len(body))) :]
    with contextlib.suppress(*CONTROLLED):
        getattr(parse, f"parse_{kind}")(bytes(body))


@given(st.binary(max_size=80), st.sampled_from((0, 0x100, 0x200, 0x300)))
def test_a_garbled_datagram_gives_messages_and_answers_or_an_error_that_is_caught(data, flags):
    with contextlib.suppress(*CONTROLLED):
        for *dummy, body in attributes.messages(data):
            attributes.parse_answer(flags, body)
    with contextlib.suppress(*CONTROLLED):
        attributes.parse_answer(flags, data)
