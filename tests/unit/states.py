# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""States of a host as macvlan_config declares them, drawn so that two of them often need what the other has."""

from __future__ import annotations

import dataclasses
import ipaddress

from hypothesis import strategies as st

DOCKER = "/var/run/docker/netns/c1"
PARENTS = ("eth0", "eth1", "eth0.50", "eth1.50", "eth1.7", "eth0.50.6", "v50", None)
# Lists of subnets that overlap each other: one goes, grows, shrinks, or loses its gateway to an endpoint.
SUBNETS = (
    [],
    [{"subnet": "10.0.1.0/24"}],
    [{"subnet": "10.0.0.0/23"}],
    [{"subnet": "10.0.1.0/25"}],
    [{"subnet": "10.0.1.0/29"}],
    [{"subnet": "10.0.1.0/24", "gateway": "10.0.1.2"}],
    [{"subnet": "10.0.1.0/24", "gateway": "none", "aux_addresses": {"nas": "10.0.1.3"}}],
    [{"subnet": "10.0.1.0/24", "ip_range": "10.0.1.0/28"}],
    [{"subnet": "10.0.1.0/24", "ip_range": "10.0.1.16/28"}],
    [{"subnet": "10.0.1.0/24", "ip_range": ["10.0.1.16-10.0.1.17", "10.0.1.2/31"]}],
    [{"subnet": "10.0.1.0/24", "exclude": ["10.0.1.64/26"]}],
    [{"subnet": "10.0.2.0/24", "exclude": ["10.0.2.2", "10.0.2.0/30", "10.0.2.4-10.0.2.9"]}],
    [{"subnet": "10.0.2.0/24"}, {"subnet": "fd01::/64"}],
    [{"subnet": "10.0.2.0/24"}],
    [{"subnet": "fd01::/64"}],
    [{"subnet": "fd01::/64", "gateway": "fe80::1"}],
    [{"subnet": "10.0.1.4/32", "gateway": "10.0.2.1", "gateway_onlink": True}, {"subnet": "fd01::2/128", "gateway": "fd09::1", "gateway_onlink": True}],
    [{"subnet": "fd01::/80"}],
    [{"subnet": "172.17.0.0/16"}],
    [{"subnet": "172.18.0.0/16"}],
)
# Slices of the host in subnets of a segment.
SLICES = (
    ("10.0.1.0/27", "10.0.2.0/28", "fd01::/112"),
    ("10.0.1.16/28", "10.0.1.0/28", "10.0.2.8/29", "10.0.2.0/29", "fd01::/66"),
    ("10.0.1.32/28", "10.0.1.8/29", "10.0.2.64/26", "fd01::1:0/112"),
)
NETWORK = st.fixed_dictionaries(
    {"parent": st.sampled_from(PARENTS), "subnets": st.sampled_from(SUBNETS)},
    optional={
        "mode": st.sampled_from(("bridge", "private", "vepa", "passthru")),
        # The mode of a network with the driver ipvlan.
        "ipvlan": st.sampled_from(("l2", "l3", "l3s")),
        "mtu": st.sampled_from((1280, 1400)),
        "bcqueuelen": st.sampled_from((100, 2000)),
        "internal": st.just(True),
        "ipv6": st.just(True),
        "ipam": st.sampled_from(("none", "default")),
        "allow_shared_parent": st.just(True),
        "allow_overlap": st.just(True),
        "labels": st.just({"a": "b"}),
        "host_access": st.sampled_from(
            (
                True,
                {"address": "10.0.1.3"},
                {"address": ["10.0.1.2", "fd01::2"], "metric": 7},
                {"routes": "ranges"},
                {"ifname": "mv-x"},
            )
        ),
        "probe": st.sampled_from(("fast", "careful", "none")),
        # Slices, one or two of them lost to another host.
        "segment": st.tuples(st.sampled_from(SLICES), st.sampled_from(((), (), (0,), (0, 1)))),
    },
)
VRFS = ("gold", "silver")
NAMESPACES = ({"netns": "blue"}, {"netns": "red"}, {"netns": "green"}, {"netns_path": DOCKER}, {})
ENDPOINT = st.fixed_dictionaries(
    {"namespace": st.sampled_from(NAMESPACES)},
    optional={
        "ifname": st.sampled_from(("eth0", "net0", "net1")),
        "ipv4": st.sampled_from((*(f"10.0.1.{last}" for last in (1, 2, 3, 4, 17)), "none")),
        "ipv6": st.sampled_from(("fd01::2", "fd01::3", "none")),
        "addresses": st.sampled_from((["10.0.1.3"], ["10.0.1.17", "10.0.1.2"], ["10.0.2.3"], ["fd01::3", "10.0.1.4"])),
        "mac": st.sampled_from(("02:00:00:00:00:01", "02:00:00:00:00:02")),
        "mtu": st.sampled_from((1280, 1350)),
        "default_route": st.booleans(),
        "routes": st.sampled_from(
            (
                [{"to": "10.98.0.0/16"}],
                [{"to": "10.98.0.0/16", "metric": 7}],
                [{"to": "10.98.0.0/16", "via": "10.96.0.1"}, {"to": "10.96.0.1/32"}],
                [{"to": "10.98.0.0/16", "via": "10.96.0.1", "onlink": True}],
            )
        ),
        "sysctls": st.sampled_from(
            ({"net.ipv4.ip_forward": "1"}, {"net.ipv4.ip_forward": "2"}, {"net.ipv4.conf.IFNAME.rp_filter": "2"})
        ),
        "dns": st.sampled_from(({"servers": ["10.0.1.53"]}, {"servers": ["10.0.1.53"]}, {"servers": ["fd01::53"], "search": ["a.example"]})),
        "vrf": st.sampled_from(VRFS),
        "announce": st.just(False),
        "probe": st.just("none"),
    },
)
OPTIONS_TO_EXCHANGE = ("ipv4", "ipv6", "addresses", "mac", "ifname", "netns", "default_route")
LINKS = st.sampled_from((("eth0.50", "eth0", 50), *(("v50", parent, vlan_id) for parent in ("eth0", "eth1") for vlan_id in (50, 51))))
OPTIONS_OF_SUBINTERFACE = st.fixed_dictionaries(
    {}, optional={"protocol": st.just("802.1ad"), "gvrp": st.just(True), "mtu": st.just(1400)}
)
SUBINTERFACE = st.builds(
    lambda link, options: {**dict(zip(("name", "parent", "vlan_id"), link, strict=True)), **options}, LINKS, OPTIONS_OF_SUBINTERFACE
)


@st.composite
def states(draw):
    """The lists of macvlan_config."""
    networks = {name: draw(NETWORK) for name in sorted(draw(st.sets(st.sampled_from("abc"), min_size=1)))}
    keys = st.tuples(st.sampled_from(sorted(networks)), st.sampled_from("xyz"))
    endpoints = {key: draw(ENDPOINT) for key in sorted(draw(st.sets(keys, max_size=4)))}
    return {
        "vlan_subinterfaces": draw(st.lists(SUBINTERFACE, max_size=2, unique_by=lambda item: item["name"])),
        "networks": [{"name": name, **given(item)} for name, item in networks.items()],
        "endpoints": [
            {"name": name, "network": network, **item["namespace"], **given_to_endpoint(item, networks[network])}
            for (network, name), item in endpoints.items()
        ],
    }


def in_segment(options):
    """A network with its slices, or without its segment if it cannot be in one. A subnet without any slice has itself as one."""
    drawn = options.get("segment")
    options = {key: value for key, value in options.items() if key != "segment"}
    contradicts = options.get("parent") is None or options.get("ipv6") or options.get("allow_overlap")
    if drawn is None or contradicts or not options.get("subnets"):
        return options
    blocks, lost = drawn
    subnets = [{key: value for key, value in item.items() if key != "ip_range"} for item in options["subnets"]]
    within = [[block for block in blocks if inside(block, item["subnet"])] or [item["subnet"]] for item in subnets]
    slices = [
        {"slice": block, **({"generation": 2, "lost_to": "edge7"} if position in lost and len(listed) > 1 else {})}
        for listed in within
        for position, block in enumerate(listed)
    ]
    return {**options, "subnets": subnets, "segment": "lan50", "slices": slices}


def inside(block, subnet):
    block, subnet = ipaddress.ip_network(block), ipaddress.ip_network(subnet)
    return block.version == subnet.version and block.subnet_of(subnet)


def given(options):
    """A network without the options that contradict its others, which would make hardly any state possible."""
    mode = options.get("ipvlan")
    if mode is not None:
        options = {key: value for key, value in options.items() if key not in ("ipvlan", "mode", "bcqueuelen")}
        options.update({"driver": "ipvlan", "mode": mode})
    if mode in ("l3", "l3s"):
        without = [{key: value for key, value in item.items() if not key.startswith("gateway")} for item in options["subnets"]]
        options = {**options, "subnets": without}
    if options.get("ipam") == "none":
        options = {key: value for key, value in options.items() if key not in ("subnets", "ipv6", "host_access", "probe")}
    if options.get("mode") in ("private", "passthru", "l3", "l3s"):
        options = {key: value for key, value in options.items() if key != "host_access"}
    options = in_segment(options)
    access = options.get("host_access")
    if isinstance(access, dict) and "address" in access:
        # Where its subnets do not have these addresses, it says nothing of them.
        blocks = [ipaddress.ip_network(item["subnet"]) for item in options["subnets"]]
        kept = [address for address in asked_by_the_host(options) if any(ipaddress.ip_address(address) in block for block in blocks)]
        return {**options, "host_access": {**access, "address": kept}}
    return options


def given_to_endpoint(options, network):
    """An endpoint without the options that contradict its network or its namespace.

    Only a namespace with a name has name servers, and only the host's own has VRFs.
    """
    left_out = {"namespace", *(("mac",) if "ipvlan" in network else ()), *(() if "netns" in options["namespace"] else ("dns",))}
    left_out.update(("vrf",) if options["namespace"] else ())
    return {key: value for key, value in options.items() if key not in left_out}


@st.composite
def pairs(draw):
    """Two states, of which the second is another one, or the first with other objects exchanged."""
    first = draw(states())
    second = draw(states())
    for key in ("vlan_subinterfaces", "networks", "endpoints"):
        if draw(st.booleans()):
            second[key] = draw(st.permutations(first[key])) if key != "endpoints" else exchanged(draw, first[key])
    listed = {item["name"] for item in second["networks"]}
    second["endpoints"] = [item for item in second["endpoints"] if item["network"] in listed]
    return first, second


@st.composite
def crowded(draw, links=("eth0.50", "eth1")):
    """A state in which each namespace has one endpoint of each of two networks, and all say what they have.

    Of two of these, nearly every endpoint needs what another one has.

    :param links: the two parents
    """
    names = draw(st.sampled_from(("xyz", "xy", "xyw")))
    endpoints = []
    addresses = {network: draw(st.permutations((2, 3, 4))) for network in "ab"}
    macs = draw(st.permutations(range(6)))
    crowds = {network: draw(st.permutations(names)) for network in "ab"}
    for position, netns in enumerate(("blue", "red", "green")[: len(names)]):
        ifnames = draw(st.permutations(("eth0", "net0")))
        leader = draw(st.sampled_from("ab"))
        value = draw(st.sampled_from(("1", "2")))
        for number, network in enumerate("ab"):
            item = {"name": crowds[network][position], "network": network, "netns": netns, "ifname": ifnames[number]}
            item["default_route"] = network == leader
            item["ipv4"] = f"10.8.{number + 1}.{addresses[network][position]}" if draw(st.booleans()) else None
            item["mac"] = f"02:00:00:00:00:0{macs[3 * number + position]}" if draw(st.booleans()) else None
            item["routes"] = [{"to": "10.98.0.0/16"}] if network == leader else []
            item["sysctls"] = {"net.ipv4.ip_forward": value}
            endpoints.append({key: value for key, value in item.items() if value is not None})
    parents = draw(st.permutations(links) | st.sampled_from([(link, link) for link in links]))
    subnets = draw(st.permutations((1, 2)))
    networks = [
        {
            "name": network,
            "parent": parents[number],
            "subnets": [{"subnet": f"10.8.{subnets[number]}.0/24"}],
            "mode": draw(st.sampled_from(("bridge", "private"))),
            "allow_shared_parent": True,
        }
        for number, network in enumerate("ab")
    ]
    for item in endpoints:
        if "ipv4" in item:
            item["ipv4"] = f"10.8.{subnets['ab'.index(item['network'])]}.{item['ipv4'].rpartition('.')[2]}"
    return {"vlan_subinterfaces": [], "networks": networks, "endpoints": draw(st.permutations(endpoints))}


def exchanged(draw, endpoints):
    """The same endpoints, two of which have exchanged an option."""
    changed = [dict(item) for item in endpoints]
    if len(changed) > 1:
        one, other = changed[0], changed[1]
        for option in sorted(draw(st.sets(st.sampled_from(OPTIONS_TO_EXCHANGE), min_size=1))):
            one_value, other_value = one.pop(option, None), other.pop(option, None)
            one.update({option: other_value} if other_value is not None else {})
            other.update({option: one_value} if one_value is not None else {})
    return changed


def as_declared(record, state):
    """A record without what follows from the order in which it came to be: leases, chosen subnets, and what those decide."""
    requested = {item["name"]: {one["subnet"] for one in item.get("subnets", ())} for item in state["networks"]}
    networks = {}
    for name, item in record.networks.items():
        subnets = [dataclasses.replace(one, scope="", chosen=False) for one in item.subnets if one.subnet in requested[name]]
        networks[name] = dataclasses.replace(item, subnets=tuple(subnets), parent_created=False)
    loose = {"ipv4": None, "ipv6": None, "gateway4": None, "gateway6": None, "mac": "", "sysctls_before": {}}
    endpoints = {key: dataclasses.replace(item, **loose) for key, item in record.endpoints.items()}
    # Whose the folder of a namespace is follows from who came first.
    of_folders = {key: item.dns and dataclasses.replace(item.dns, owns_folder=False) for key, item in endpoints.items()}
    endpoints = {key: dataclasses.replace(item, dns=of_folders[key]) for key, item in endpoints.items()}
    # The routes of the host follow from the leases of endpoints.
    endpoints = {key: item if item.host_access is None else dataclasses.replace(item, routes=()) for key, item in endpoints.items()}
    return networks, endpoints, record.links, record.namespaces


def kept(before, after, state):
    """Whether every lease that still fits was kept."""
    requested = {item[option] for item in state["endpoints"] for option in ("ipv4", "ipv6") if item.get(option)}
    requested |= {address for item in state["endpoints"] for address in item.get("addresses", ())}
    requested |= {address for item in state["networks"] for address in asked_by_the_host(item)}
    reserved = {address for item in after.networks.values() for one in item.subnets for address in (one.gateway, *one.aux_addresses.values())}
    for item in state["endpoints"]:
        key = item["network"], item["name"]
        old = before.endpoints.get(key)
        for option in ("ipv4", "ipv6") if old and not item.get("ipv4") and not item.get("ipv6") else ():
            address = getattr(old, option)
            plain = address and address.partition("/")[0]
            fits = plain and any(usable(plain, one.subnet) for one in after.networks[key[0]].subnets)
            if fits and plain not in requested | reserved and (getattr(after.endpoints[key], option) or "").partition("/")[0] != plain:
                return False
    return True


def asked_by_the_host(network):
    """The addresses of a network that the host asks for, for itself."""
    access = network.get("host_access")
    asked = access.get("address") if isinstance(access, dict) else None
    return asked if isinstance(asked, list) else [] if asked is None else [asked]


def usable(address, cidr):
    network = ipaddress.ip_network(cidr)
    return ipaddress.ip_address(address) in network and ipaddress.ip_address(address) not in (
        network.network_address,
        *([network.broadcast_address] if network.version == 4 else []),
    )
