# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hypothesis draws from: addresses, subnets, steps and records.

Addresses come from the standard library, so that what is tested is not also what the tests are made with.
"""

from __future__ import annotations

import ipaddress
import string

from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_options import LINK_OPTIONS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import VlanFacts
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST, Netns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import MODES
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.sysctl import Sysctl
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.link_spec import LinkSpec
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import (
    AddAddress,
    AddConnectedRoute,
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
    WriteResolver,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.plain import plain

WIDTH = {4: 32, 6: 128}
ADDRESS = {4: ipaddress.IPv4Address, 6: ipaddress.IPv6Address}
NETWORK = {4: ipaddress.IPv4Network, 6: ipaddress.IPv6Network}

versions = st.sampled_from((4, 6))
# Whatever a task's author can write into a text, surrogates too: Ansible keeps undecodable bytes as such.
any_text = st.text(st.characters(), max_size=30)
words = st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=10)
object_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,11}", fullmatch=True)
interface_names = st.from_regex(r"[a-z][a-z0-9_-]{0,9}(\.[1-9][0-9]{0,2})?", fullmatch=True)
macs = st.binary(min_size=5, max_size=5).map(lambda raw: "02:" + raw.hex(":"))
labels = st.dictionaries(words, words, max_size=2)
settings = st.dictionaries(words.map(lambda word: "net." + word.replace(".", "-")), words, max_size=2)
tags = st.text("0123456789abcdef", min_size=32, max_size=32).map("fleetnet.macvlan:{}".format)


@st.composite
def link_options(draw):
    """Values of some of the link options that there are."""
    asked = [option for option in LINK_OPTIONS.values() if draw(st.booleans())]
    return {option.name: draw(st.integers(option.lowest, option.highest)) for option in asked}


def json_values():
    """Anything that JSON can say."""
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3)
    )


@st.composite
def addresses(draw, version=None):
    """An address object of the standard library."""
    version = version or draw(versions)
    return ADDRESS[version](draw(st.integers(0, 2 ** WIDTH[version] - 1)))


@st.composite
def networks(draw, version=None, shortest=0, longest=None):
    """A network object of the standard library, without host bits."""
    version = version or draw(versions)
    length = draw(st.integers(shortest, WIDTH[version] if longest is None else longest))
    return NETWORK[version]((int(draw(addresses(version))), length), strict=False)


@st.composite
def small_networks(draw):
    """A network of at most 256 addresses, so that a test can look at each."""
    version = draw(versions)
    return draw(networks(version, shortest=WIDTH[version] - 8))


@st.composite
def parts_of(draw, network):
    """A part of a network as the text of a CIDR or of a range."""
    if draw(st.booleans()):
        length = draw(st.integers(network.prefixlen, network.max_prefixlen))
        inside = int(network.network_address) + draw(st.integers(0, network.num_addresses - 1))
        return str(type(network)((inside, length), strict=False))
    ends = st.integers(int(network.network_address), int(network.broadcast_address))
    first, last = sorted((draw(ends), draw(ends)))
    text = ADDRESS[network.version]
    return f"{text(first)}-{text(last)}"


# --- records --------------------------------------------------------------------------------------------------------

cidrs = networks().map(str)
hosts_with_length = st.builds(
    lambda address, length: f"{address}/{min(length, address.max_prefixlen)}", addresses(), st.integers(1, 128)
)


@st.composite
def routes(draw):
    network = draw(networks())
    via = draw(st.none() | addresses(network.version).map(str))
    onlink = via is not None and draw(st.booleans())
    return Route(str(network), via, draw(st.none() | st.integers(1, 2**32 - 1)), onlink)


netnses = st.one_of(
    st.just(HOST),
    st.builds(Netns, st.just("name"), object_names),
    st.builds(Netns, st.just("path"), words.map("/var/run/docker/netns/{}".format)),
    st.builds(Netns, st.just("pid"), st.integers(1, 2**22).map(str)),
)
priorities = st.dictionaries(st.integers(0, 7).map(str), st.integers(1, 7), max_size=3)
vlans = st.builds(
    VlanFacts,
    vlan_id=st.integers(1, 4094),
    protocol=st.sampled_from(("802.1q", "802.1ad")),
    reorder_hdr=st.booleans(),
    gvrp=st.booleans(),
    mvrp=st.booleans(),
    loose_binding=st.booleans(),
    ingress_qos_map=priorities,
    egress_qos_map=priorities,
)

# --- steps ----------------------------------------------------------------------------------------------------------

optional_names = st.none() | interface_names
specs_of_ours = st.builds(
    LinkSpec,
    name=interface_names,
    kind=st.sampled_from(("macvlan", "ipvlan", "dummy")),
    tag=tags,
    parent=optional_names,
    mac=st.none() | macs,
    mtu=st.none() | st.integers(68, 65535),
    mode=st.none() | st.sampled_from(MODES),
    vlan=st.none(),
    link_options=link_options(),
)
link_specs = specs_of_ours | st.builds(
    LinkSpec,
    name=interface_names,
    kind=st.just("vlan"),
    tag=st.none() | tags | words,
    parent=optional_names,
    mac=st.none() | macs,
    mtu=st.none() | st.integers(68, 65535),
    vlan=vlans,
)
sysctls = st.builds(
    Sysctl,
    key=st.sampled_from(("net.ipv4.conf.IFNAME.rp_filter", "net.ipv4.ip_forward", "net.ipv6.conf.IFNAME.autoconf")),
    old=st.none() | words,
    new=words,
    optional=st.booleans(),
)


@st.composite
def link_changes(draw):
    attribute, values = draw(
        st.sampled_from(
            (
                ("name", interface_names),
                ("mac", macs),
                ("mtu", st.integers(68, 65535)),
                ("mode", st.sampled_from(MODES)),
                ("alias", st.just("") | words.map("fleetnet.macvlan:{}".format)),
                ("up", st.booleans()),
                ("vlan", vlans.map(plain)),
            )
        )
    )
    ifname, old, new = draw(interface_names), draw(values), draw(values)
    # A rename says the old name twice.
    return SetLink(draw(netnses), ifname, attribute, ifname if attribute == "name" else old, new)


peers = st.none() | addresses().map(str)


# Those that change something which their inverse changes back, by class.
REVERSIBLE = {
    CreateNetns: st.builds(CreateNetns, object_names, tags),
    DeleteNetns: st.builds(DeleteNetns, object_names, tags),
    SetLink: link_changes(),
    AddAddress: st.builds(AddAddress, netnses, interface_names, hosts_with_length, peers),
    DeleteAddress: st.builds(DeleteAddress, netnses, interface_names, hosts_with_length, peers),
    AddRoute: st.builds(AddRoute, netnses, interface_names, routes()),
    DeleteRoute: st.builds(DeleteRoute, netnses, interface_names, routes()),
    ReplaceRoute: st.builds(ReplaceRoute, netnses, interface_names, routes(), routes()),
}
resolvers = st.none() | any_text.map("# fleetnet.macvlan:{}".format)
STEPS = {
    **REVERSIBLE,
    AddConnectedRoute: st.builds(
        AddConnectedRoute, netnses, interface_names, hosts_with_length.filter(Route.connected)
    ),
    Note: st.builds(Note, any_text),
    AddLink: st.builds(AddLink, netnses, link_specs),
    DeleteLink: st.builds(
        DeleteLink,
        netnses,
        link_specs,
        st.lists(st.one_of(*REVERSIBLE.values(), st.builds(AddLink, netnses, link_specs)), max_size=3).map(tuple),
        st.sampled_from(("", " because of it")),
    ),
    WriteResolver: st.builds(WriteResolver, object_names, resolvers, resolvers, st.booleans()),
    SetSysctls: st.builds(SetSysctls, netnses, interface_names, st.lists(sysctls, max_size=3).map(tuple)),
}
any_steps = st.one_of(*STEPS.values())
