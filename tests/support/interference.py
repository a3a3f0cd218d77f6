# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other programs and operators do to a host without the collection, each with the drift that macvlan_info must then report."""

from __future__ import annotations

import dataclasses
import ipaddress
import itertools
import os
import typing as t
from pathlib import Path

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names

from .host import Host
from .machine import RESOLVERS
from .observed import (
    DEFAULT4,
    LOOPBACK,
    MOVED_AWAY,
    Item,
    ObservedHost,
    Row,
    addresses,
    addresses_of,
    default_routes,
    global_entries,
    has_own_mac,
    is_our_resolver,
    kind_of,
    leases_of,
    plain,
    row_of,
    row_of_address,
    text_of,
    version_of,
)

# Addresses that no endpoint has.
EXTRA4, EXTRA6 = "10.77.0.1/24", "fd77::1/64"
# What a program gives a link for some time; no test takes that long.
LIFETIME = ("valid_lft", "60000", "preferred_lft", "30000")
# Older kernels rename links only while they are down (net/core/dev.c, dev_change_name).
RENAMES_IN_USE = names.kernel_version(os.uname().release) >= (6, 2)
# For names of links that are made by hand.
_numbers = itertools.count()


def always(_seen: ObservedHost, _target: t.Any) -> bool:
    return True


def nothing(_seen: ObservedHost, _target: t.Any) -> set[Row]:
    return set()


@dataclasses.dataclass(frozen=True)
class Interference:
    """One kind of interference.

    :ivar do: does it; takes the host, its observed state and the target
    :ivar rows: the drift afterwards, if there was none before; takes the observed state and the target
    :ivar applies: whether it can be done; takes the observed state and the target
    """

    do: t.Callable[[Host, ObservedHost, t.Any], None]
    rows: t.Callable[[ObservedHost, t.Any], set[Row]]
    applies: t.Callable[[ObservedHost, t.Any], bool] = always


def fields(*names: str) -> t.Callable[[ObservedHost, Item], set[Row]]:
    """These fields of the endpoint."""
    return lambda _seen, endpoint: {row_of(endpoint, name) for name in names}


def added(field: str) -> t.Callable[[ObservedHost, Item], set[Row]]:
    """An address of this family that is there for good, which differs where the endpoint is exclusive."""
    return lambda _seen, endpoint: {(endpoint["title"], field)} if endpoint["exclusive"] else set()


def run(*argv: str) -> t.Callable[[Host, ObservedHost, Item], None]:
    """ip(8) in the namespace of the endpoint, with the name of its link for IFNAME."""

    def do(host: Host, seen: ObservedHost, endpoint: Item) -> None:
        ifname = seen.own_links[endpoint["title"]]["ifname"]
        host.ip(*(ifname if word == "IFNAME" else word for word in argv), netns=endpoint["netns"] or None)

    return do


# --- a link of ours -------------------------------------------------------------------------------------------------


def routes_lost(endpoint: Item, *versions: int) -> set[str]:
    """The fields of the routes of a family."""
    lost = {"default_route" for to, dummy in default_routes(endpoint) if version_of_route(to) in versions}
    return lost | {"routes" for route in endpoint["routes"] if version_of(route["to"]) in versions}


def fields_with(endpoint: Item, version: int) -> set[str]:
    """The fields of the addresses of a family."""
    return {field for field, dummy in leases_of(endpoint, version)}


def lost_when_down(seen: ObservedHost, endpoint: Item) -> set[Row]:
    """Down, a link keeps its IPv4 addresses, and nothing else."""
    lost = {"link", *routes_lost(endpoint, 4, 6), *fields_with(endpoint, 6)}
    return {row_of(endpoint, field) for field in lost}


def remove_address(family: str) -> t.Callable[[Host, ObservedHost, Item], None]:
    def do(host: Host, seen: ObservedHost, endpoint: Item) -> None:
        delete_addresses(host, seen, endpoint, addresses(seen.own_links[endpoint["title"]], family))

    return do


def delete_addresses(host: Host, seen: ObservedHost, endpoint: Item, these: t.Container[str]) -> None:
    """The last ones first, because the first of a subnet takes the others with it."""
    for address in reversed([text_of(entry) for entry in global_entries(seen.own_links[endpoint["title"]])]):
        if address in these:
            run("address", "delete", address, "dev", "IFNAME")(host, seen, endpoint)


def lost_with_family(version: int) -> t.Callable[[ObservedHost, Item], set[Row]]:
    """The addresses of a family; IPv4 takes the routes along."""

    def rows(_seen: ObservedHost, endpoint: Item) -> set[Row]:
        routes = routes_lost(endpoint, 4) if version == 4 else set()
        return {row_of(endpoint, field) for field in fields_with(endpoint, version) | routes}

    return rows


def remove_further(host: Host, seen: ObservedHost, endpoint: Item) -> None:
    delete_addresses(host, seen, endpoint, endpoint["further"])


def can_lose_further(seen: ObservedHost, endpoint: Item) -> bool:
    """Whether the link has some, and none of them is the first of its subnet, with which others would go."""
    entries = {text_of(entry): entry for entry in global_entries(seen.own_links[endpoint["title"]])}
    there = [address for address in endpoint["further"] if address in entries]
    return bool(there) and all(entries[item].get("secondary") or version_of(item) == 6 for item in there)


def has_address(family: str) -> t.Callable[[ObservedHost, Item], bool]:
    """Whether the link has the endpoint's own; there may be others, without a lease."""
    field = {"inet": "ipv4", "inet6": "ipv6"}[family]
    return lambda seen, endpoint: endpoint[field] in addresses(seen.own_links[endpoint["title"]], family)


def delete_routes(which: str) -> t.Callable[[Host, ObservedHost, Item], None]:
    def do(host: Host, seen: ObservedHost, endpoint: Item) -> None:
        for to, via in routes_there(which, seen, endpoint):
            in_vrf = ["vrf", endpoint["vrf"]] if endpoint["vrf"] else []
            words = (f"-{version_of_route(to)}", "route", "delete", to, *in_vrf, *(["via", via] if via else []), "dev", "IFNAME")
            run(*words)(host, seen, endpoint)

    return do


def version_of_route(to: str) -> int:
    return 4 if to == DEFAULT4 else version_of(to)


def routes_there(which: str, seen: ObservedHost, endpoint: Item) -> list[tuple[str, str | None]]:
    """The routes of one field that the link has."""
    others = {(route["to"], route["via"]) for route in endpoint["routes"]}
    wanted = default_routes(endpoint) if which == "default_route" else others
    place, link = seen.places[endpoint["netns"]], seen.own_links[endpoint["title"]]
    there = place.routes_of(link["ifname"]) if place.vrf_of(link) == endpoint["vrf"] else set()
    return sorted(wanted & there, key=str)


def has_routes(which: str) -> t.Callable[[ObservedHost, Item], bool]:
    return lambda seen, endpoint: bool(routes_there(which, seen, endpoint))


def rename(host: Host, seen: ObservedHost, endpoint: Item) -> None:
    link, name = seen.own_links[endpoint["title"]], f"moved{next(_numbers)}"
    pauses = "UP" in link["flags"] and not RENAMES_IN_USE
    if pauses:
        run("link", "set", "IFNAME", "down")(host, seen, endpoint)
    run("link", "set", "IFNAME", "name", name)(host, seen, endpoint)
    if pauses:
        host.ip("link", "set", name, "up", netns=endpoint["netns"] or None)


def renamed(seen: ObservedHost, endpoint: Item) -> set[Row]:
    lost = set() if RENAMES_IN_USE else lost_when_down(seen, endpoint) - {(endpoint["title"], "link")}
    return lost | {(endpoint["title"], "ifname")}


def make_by_hand(kind: str) -> t.Callable[[Host, ObservedHost, Item], None]:
    """Delete the link and create another with its name."""

    def do(host: Host, seen: ObservedHost, endpoint: Item) -> None:
        run("link", "delete", "IFNAME")(host, seen, endpoint)
        if kind == "veth":
            made = ["type", "veth", "peer", "name", f"hand{next(_numbers)}"]
            host.ip("link", "add", endpoint["ifname"], *made, netns=endpoint["netns"] or None)
        else:
            inside = ["netns", endpoint["netns"]] if endpoint["netns"] else []
            made = ["name", endpoint["ifname"], *inside, "type", "macvlan", "mode", "vepa"]
            host.ip("link", "add", "link", endpoint["parent"], *made)

    return do


def change_mac(host: Host, seen: ObservedHost, endpoint: Item) -> None:
    number = next(_numbers)
    mac = f"02:00:00:01:{number >> 8 & 255:02x}:{number & 255:02x}"
    run("link", "set", "IFNAME", "address", mac)(host, seen, endpoint)


def set_arp_notify(host: Host, seen: ObservedHost, endpoint: Item) -> None:
    ifname = seen.own_links[endpoint["title"]]["ifname"]
    host.sysctl(f"net/ipv4/conf/{ifname}/arp_notify", 0, netns=endpoint["netns"] or None)


def is_macvlan(_seen: ObservedHost, endpoint: Item) -> bool:
    return bool(endpoint["driver"] == "macvlan")


def takes(address: str) -> t.Callable[[ObservedHost, Item], bool]:
    """Whether others may put an address on the link: an ipvlan link takes none that another on its parent has."""

    def applies(seen: ObservedHost, endpoint: Item) -> bool:
        own = seen.own_links[endpoint["title"]]
        beside = [link for dummy, parent, link in seen.macvlans() if parent == endpoint["parent"] and link is not own]
        held = {entry["local"] for link in beside for entry in link["addr_info"]}
        return is_macvlan(seen, endpoint) or plain(address) not in held

    return applies


def is_not_passthru(_seen: ObservedHost, endpoint: Item) -> bool:
    return has_own_mac(endpoint)


def can_have_another(seen: ObservedHost, endpoint: Item) -> bool:
    """Whether the parent takes one more link."""
    return is_not_passthru(seen, endpoint) and endpoint["parent"] in seen.host.links


def is_ipvlan(_seen: ObservedHost, endpoint: Item) -> bool:
    return bool(endpoint["driver"] == "ipvlan")


def change_mode_of_parent(host: Host, seen: ObservedHost, endpoint: Item) -> None:
    run("link", "set", "IFNAME", "type", "ipvlan", "mode", OTHER_MODES[seen.own_links[endpoint["title"]]["linkinfo"]["info_data"]["mode"]])(
        host, seen, endpoint
    )


def with_mode_of_parent(seen: ObservedHost, endpoint: Item) -> set[Row]:
    """All ipvlan links on a parent have one mode."""
    on_it = [item for item in seen.with_links if item["parent"] == endpoint["parent"] and item["title"] in seen.own_links]
    return {row_of(item, "mode") for item in on_it}


OTHER_MODES = {"l2": "l3", "l3": "l3s", "l3s": "l2"}


def in_another_vrf(host: Host, seen: ObservedHost, endpoint: Item) -> None:
    other = next((name for name in sorted(map(str, seen.host.vrfs)) if name != endpoint["vrf"]), None)
    run("link", "set", "IFNAME", *(["master", other] if other else ["nomaster"]))(host, seen, endpoint)


def out_of_vrf(seen: ObservedHost, endpoint: Item) -> set[Row]:
    """Whatever is done to its VRF takes the link down for a moment (drivers/net/vrf.c, cycle_netdev)."""
    is_up_now = "UP" in seen.own_links[endpoint["title"]]["flags"]
    return {row_of(endpoint, field) for field in ("vrf", *(fields_with(endpoint, 6) if is_up_now else ()))}


def is_in_its_vrf(seen: ObservedHost, endpoint: Item) -> bool:
    return endpoint["vrf"] is not None and seen.host.vrf_of(seen.own_links[endpoint["title"]]) == endpoint["vrf"]


def is_where_it_belongs(seen: ObservedHost, endpoint: Item) -> bool:
    """Whether the link is in its VRF, or in none if it has none: then its routes are in one table."""
    return bool(seen.places[endpoint["netns"]].vrf_of(seen.own_links[endpoint["title"]]) == endpoint["vrf"])


def move(up: bool) -> Interference:
    """Take the link into another namespace, where it is used, or not, for something else."""

    def places(seen: ObservedHost, endpoint: Item) -> list[str]:
        return [netns for netns in sorted(seen.places) if netns != endpoint["netns"]]

    def do(host: Host, seen: ObservedHost, endpoint: Item) -> None:
        number, able = next(_numbers), places(seen, endpoint)
        name, target = f"{MOVED_AWAY}{number}", able[number % len(able)]
        run("link", "set", "IFNAME", "netns", target or str(host.pid), "name", name)(host, seen, endpoint)
        if up:
            host.ip("link", "set", name, "up", netns=target or None)

    # What an interrupted run has begun is cleared up wherever it is, also in namespaces that it has made.
    # Elsewhere an ipvlan link still decides on the mode of those on its parent.
    return Interference(
        do, fields("link"), lambda seen, endpoint: not seen.interrupted and is_macvlan(seen, endpoint) and bool(places(seen, endpoint))
    )


# --- what programs put on a link of ours while it lives -------------------------------------------------------------


class Given(t.NamedTuple):
    """What an endpoint's link is given at run time; no other link gets the same.

    :ivar leased: of DHCP, in the subnet of the network, with a lifetime
    :ivar virtual: of VRRP, for as long as it is the master
    :ivar advertised: made of a router advertisement, with a lifetime
    :ivar number: of the endpoint, in metrics and destinations
    """

    leased: str
    virtual: str
    advertised: str
    number: int


def given_to(endpoint: Item) -> Given:
    network, place = int(endpoint["network"][1:]), ["a", "b", "c", "host"].index(endpoint["name"])
    # In the host's own namespace the virtual address is one that a network would give out next.
    virtual = 150 + place if endpoint["netns"] else 18
    return Given(
        leased=f"10.{network}.0.{100 + place}/24",
        virtual=f"10.{network}.0.{virtual}/32",
        advertised=f"fd1{network}::{1 + place}/64",
        number=10 * network + place,
    )


def put_routes(version: int, *routes: tuple[str, ...]) -> t.Callable[[Host, ObservedHost, Item], None]:
    """Routes over the link, in the table of its VRF; the default route only where the host is not cut off by its removal."""

    def do(host: Host, seen: ObservedHost, endpoint: Item) -> None:
        for to, *words in routes:
            if to != "default" or endpoint["netns"]:
                in_vrf = ["vrf", endpoint["vrf"]] if endpoint["vrf"] else []
                run(f"-{version}", "route", "replace", to, *in_vrf, *words, "dev", "IFNAME")(host, seen, endpoint)

    return do


def lease_by_dhcp(host: Host, seen: ObservedHost, endpoint: Item) -> None:
    given, network = given_to(endpoint), endpoint["network"][1:]
    run("address", "replace", given.leased, "dev", "IFNAME", *LIFETIME)(host, seen, endpoint)
    router = ("via", f"10.{network}.0.9", "proto", "dhcp")
    put_routes(
        4,
        ("default", *router, "metric", str(100 + given.number)),
        (f"10.{100 + given.number}.0.0/16", *router),
    )(host, seen, endpoint)


def hear_advertisement(host: Host, seen: ObservedHost, endpoint: Item) -> None:
    given = given_to(endpoint)
    run("address", "replace", given.advertised, "dev", "IFNAME", "nodad", *LIFETIME)(host, seen, endpoint)
    router = ("via", "fe80::1", "proto", "ra", "expires", "60000")
    put_routes(6, ("default", *router, "metric", str(512 + given.number)))(host, seen, endpoint)


def others_on(seen: ObservedHost, endpoint: Item) -> list[str]:
    """The addresses of the link that are not recorded, ADDRESS/LENGTH in the kernel's order."""
    entries = global_entries(seen.own_links[endpoint["title"]])
    return [item for item in map(text_of, entries) if item not in addresses_of(endpoint)]


def lose_others(host: Host, seen: ObservedHost, endpoint: Item) -> None:
    """Leases run out, and a master becomes a backup."""
    delete_addresses(host, seen, endpoint, others_on(seen, endpoint))


def can_lose_others(seen: ObservedHost, endpoint: Item) -> bool:
    """Whether there are some, and its own is not behind one of them, with which it would go."""
    entries = global_entries(seen.own_links[endpoint["title"]])
    is_behind = any(entry.get("secondary") and text_of(entry) == endpoint["ipv4"] for entry in entries)
    return bool(others_on(seen, endpoint)) and not is_behind


def is_up(seen: ObservedHost, endpoint: Item) -> bool:
    return "UP" in seen.own_links[endpoint["title"]]["flags"]


# Targets are endpoints whose link is there, maybe under another name.
AT_RUN_TIME = {
    "lease an address by DHCP": Interference(
        lease_by_dhcp, nothing, lambda seen, endpoint: is_up(seen, endpoint) and is_where_it_belongs(seen, endpoint)
    ),
    "become a master of VRRP": Interference(
        lambda host, seen, endpoint: run("address", "replace", given_to(endpoint).virtual, "dev", "IFNAME")(
            host, seen, endpoint
        ),
        added("ipv4"),
        lambda seen, endpoint: is_up(seen, endpoint) and takes(given_to(endpoint).virtual)(seen, endpoint),
    ),
    "hear a router advertisement": Interference(
        hear_advertisement,
        nothing,
        lambda seen, endpoint: is_up(seen, endpoint) and has_address("inet6")(seen, endpoint) and is_where_it_belongs(seen, endpoint),
    ),
    "lose what others gave": Interference(lose_others, nothing, can_lose_others),
}
OF_VRFS = {
    "take a link out of its VRF": Interference(run("link", "set", "IFNAME", "nomaster"), out_of_vrf, is_in_its_vrf),
    "put a link into another VRF": Interference(in_another_vrf, out_of_vrf, is_in_its_vrf),
}
OF_DRIVERS = {"change the mode of ipvlan links": Interference(change_mode_of_parent, with_mode_of_parent, is_ipvlan)}
OF_ADDRESSES = {
    "remove further addresses": Interference(remove_further, fields("addresses"), can_lose_further),
}
ON_A_LINK = {
    **AT_RUN_TIME,
    **OF_ADDRESSES,
    **OF_VRFS,
    **OF_DRIVERS,
    "delete a link": Interference(run("link", "delete", "IFNAME"), fields("link")),
    "rename a link": Interference(rename, renamed),
    "set a link down": Interference(run("link", "set", "IFNAME", "down"), lost_when_down),
    "remove an alias": Interference(run("link", "set", "IFNAME", "alias", ""), fields("link")),
    "change a MAC address": Interference(change_mac, fields("mac"), is_not_passthru),
    "change a mode": Interference(
        run("link", "set", "IFNAME", "type", "macvlan", "mode", "vepa"),
        lambda seen, endpoint: set() if endpoint["mode"] == "vepa" else fields("mode")(seen, endpoint),
        is_not_passthru,
    ),
    "lower an mtu": Interference(
        run("link", "set", "IFNAME", "mtu", "1290"),
        fields("mtu"),
        lambda seen, endpoint: seen.own_links[endpoint["title"]]["mtu"] > 1290,
    ),
    "change a setting": Interference(set_arp_notify, fields("sysctls")),
    "remove an IPv4 address": Interference(
        remove_address("inet"), lost_with_family(4), has_address("inet")
    ),
    "remove an IPv6 address": Interference(remove_address("inet6"), lost_with_family(6), has_address("inet6")),
    "add an IPv4 address": Interference(run("address", "replace", EXTRA4, "dev", "IFNAME"), added("ipv4"), takes(EXTRA4)),
    "add an IPv6 address": Interference(
        run("address", "replace", EXTRA6, "dev", "IFNAME", "nodad"),
        added("ipv6"),
        lambda seen, endpoint: takes(EXTRA6)(seen, endpoint) and has_address("inet6")(seen, endpoint),
    ),
    "delete a default route": Interference(
        delete_routes("default_route"), fields("default_route"), has_routes("default_route")
    ),
    "delete a route": Interference(delete_routes("routes"), fields("routes"), has_routes("routes")),
    "move a link away": move(up=False),
    "move a link away and use it": move(up=True),
    "make a veth link of the name": Interference(make_by_hand("veth"), fields("link")),
    "make a macvlan link of the name": Interference(make_by_hand("macvlan"), fields("link"), can_have_another),
}


# --- a namespace ----------------------------------------------------------------------------------------------------


def in_namespace(field: str) -> t.Callable[[ObservedHost, str], set[Row]]:
    """A field of every endpoint in a namespace."""
    return lambda seen, netns: {(item["title"], field) for item in seen.endpoints if item["netns"] == netns}


def make_namespace(*furniture: tuple[str, ...]) -> t.Callable[[Host, ObservedHost, str], None]:
    """Create another namespace of that name, with a link in it, and what else is said."""

    def do(host: Host, seen: ObservedHost, netns: str) -> None:
        if netns in seen.places:
            host.delete_netns(netns)
        host.ip("netns", "add", netns)
        name = f"hand{next(_numbers)}"
        host.ip("link", "add", name, "type", "veth", "peer", "name", f"{name}x", netns=netns)
        for argv in furniture:
            host.ip(*(name if word == "IFNAME" else word for word in argv), netns=netns)

    return do


def in_another_namespace(seen: ObservedHost, netns: str) -> set[Row]:
    """The links are gone; the namespace too, where it was ours."""
    found = in_namespace("link")(seen, netns)
    return found | in_namespace("netns")(seen, netns) if netns in recorded_namespaces(seen) else found


def recorded_namespaces(seen: ObservedHost) -> set[str]:
    return {owned["name"] for owned in seen.bodies("namespaces")}


def on_loopback(*argv: str) -> Interference:
    """ip(8) for the loopback of a namespace of ours."""

    def do(host: Host, _seen: ObservedHost, netns: str) -> None:
        host.ip("link", "set", "lo", *argv, netns=netns)

    return Interference(do, in_namespace("netns"), lambda seen, netns: netns in seen.own_namespaces)


def resolver(host: Host, netns: str) -> Path:
    """The file of name servers of a namespace."""
    return host.path(RESOLVERS / netns / "resolv.conf")


def delete_resolver(host: Host, _seen: ObservedHost, netns: str) -> None:
    resolver(host, netns).unlink()


def add_name_server(host: Host, seen: ObservedHost, netns: str) -> None:
    resolver(host, netns).write_text(f"{seen.resolvers[netns]}nameserver 9.9.9.9\n", encoding="utf-8")


def replace_resolver(host: Host, _seen: ObservedHost, netns: str) -> None:
    """With one that another program writes."""
    resolver(host, netns).write_text("nameserver 9.9.9.9\n", encoding="utf-8")


def has_our_resolver(seen: ObservedHost, netns: str) -> bool:
    return is_our_resolver(seen.resolvers.get(netns, ""))


def with_name_servers(seen: ObservedHost, netns: str) -> set[Row]:
    """The endpoints of a namespace that want name servers."""
    return {(item["title"], "dns") for item in seen.endpoints if item["netns"] == netns and item["dns"]}


GATEWAY_BY_HAND = (
    ("address", "add", "10.66.0.2/24", "dev", "IFNAME"),
    ("link", "set", "IFNAME", "up"),
    ("route", "add", "default", "via", "10.66.0.1"),
)

# Targets are names.
OF_RESOLVERS = {
    "delete a file of name servers": Interference(delete_resolver, with_name_servers, lambda seen, netns: netns in seen.resolvers),
    "add a name server to a file": Interference(add_name_server, with_name_servers, has_our_resolver),
    "replace a file of name servers": Interference(replace_resolver, with_name_servers, has_our_resolver),
}
ON_A_NAMESPACE = {
    **OF_RESOLVERS,
    "delete a namespace": Interference(
        lambda host, _seen, netns: host.delete_netns(netns),
        in_namespace("netns"),
        lambda seen, netns: netns in seen.places,
    ),
    "make a namespace": Interference(make_namespace(), in_another_namespace),
    "make a namespace with a default route": Interference(make_namespace(*GATEWAY_BY_HAND), in_another_namespace),
    "set a loopback down": on_loopback("down"),
    "remove the alias of a loopback": on_loopback("alias", ""),
}


# --- a parent -------------------------------------------------------------------------------------------------------


def on_parent(*argv: str) -> t.Callable[[Host, ObservedHost, str], None]:
    """ip(8) on the host, with the name of the parent for IFNAME."""

    def do(host: Host, seen: ObservedHost, parent: str) -> None:
        host.ip(*(parent if word == "IFNAME" else word for word in argv))

    return do


def is_there(seen: ObservedHost, parent: str) -> bool:
    return parent in seen.host.links


def lower_mtu(mtu: int) -> Interference:
    """Links on a parent that has less come down with it, and those on them."""
    return Interference(
        on_parent("link", "set", "IFNAME", "mtu", str(mtu)),
        lambda seen, parent: lowered(seen, seen.stacked_on(parent), mtu),
        # The kernel gives ipvlan links the mtu of their parent whenever that changes, and no endpoint keeps its own.
        lambda seen, parent: is_there(seen, parent)
        and seen.host.links[parent]["mtu"] > mtu
        and not any(item["parent"] == parent and is_ipvlan(seen, item) for item in seen.with_links),
    )


def lowered(seen: ObservedHost, parents: set[str], mtu: int) -> set[Row]:
    """What endpoints have less of; of IPv6 they lose all below 1280."""
    items = [item for item in seen.with_links if item["parent"] in parents and item["mtu"] > mtu]
    found = {row_of(item, "mtu") for item in items}
    for item in items:
        if mtu < 1280 and item["ipv6"]:
            found |= {row_of(item, field) for field in ("sysctls", *fields_with(item, 6), *routes_lost(item, 6))}
    return found


def links_on(seen: ObservedHost, parent: str) -> set[Row]:
    """The links of all that sits on a parent, and what those carry."""
    above = seen.stacked_on(parent)
    links = {row_of(item, "link") for item in seen.with_links if item["parent"] in above}
    return links | {row for name in above - {parent} for row in without_name(seen, name, "link")}


def without_name(seen: ObservedHost, name: str, field: str) -> set[Row]:
    """A link that nothing on the host has the name of, and the networks on it."""
    networks = {(f"network {item['name']}", "parent") for item in seen.bodies("networks") if item["parent"] == name}
    return networks | of_subinterface(seen, name, field)


def of_subinterface(seen: ObservedHost, name: str, *names: str) -> set[Row]:
    """These fields of a link, if it is a recorded sub-interface."""
    is_vlan = "vlan_id" in seen.owned.get(name, {})
    return {(f"vlan_subinterface {name}", field) for field in names if is_vlan}


def without_parent(seen: ObservedHost, parent: str) -> set[Row]:
    return links_on(seen, parent) | without_name(seen, parent, "link")


def parent_down(seen: ObservedHost, parent: str) -> set[Row]:
    """Sub-interfaces go down with their base, macvlan links do not."""
    return {row for name in seen.stacked_on(parent) - {parent} for row in of_subinterface(seen, name, "up")}


def remake(host: Host, seen: ObservedHost, parent: str) -> None:
    host.ip("link", "delete", parent)
    host.add_parent(parent)


# Targets are names of links of the host.
ON_A_PARENT = {
    "delete a parent": Interference(on_parent("link", "delete", "IFNAME"), without_parent, is_there),
    "make a parent anew": Interference(remake, links_on, is_there),
    "take a parent down": Interference(on_parent("link", "set", "IFNAME", "down"), parent_down, is_there),
    "lower a parent's mtu": lower_mtu(1400),
    "lower a parent's mtu below that of IPv6": lower_mtu(1200),
}


# --- a sub-interface or a dummy parent ------------------------------------------------------------------------------


def on_own(*argv: str) -> t.Callable[[Host, ObservedHost, Item], None]:
    """ip(8) on the host, with the present name of the link for IFNAME."""
    return lambda host, seen, owned: on_parent(*argv)(host, seen, own_name(seen, owned))


def own_name(seen: ObservedHost, owned: Item) -> str:
    link = seen.own_below(owned)
    assert link is not None
    return str(link["ifname"])


def of_own(*names: str) -> t.Callable[[ObservedHost, Item], set[Row]]:
    """These fields of a sub-interface; of a dummy its network tells only that it is not right."""

    def rows(seen: ObservedHost, owned: Item) -> set[Row]:
        return of_subinterface(seen, owned["name"], *names) or without_name(seen, owned["name"], "")

    return rows


def rename_own(host: Host, seen: ObservedHost, owned: Item) -> None:
    old, new = own_name(seen, owned), f"moved{next(_numbers)}"
    on_own("link", "set", "IFNAME", "down")(host, seen, owned)
    host.ip("link", "set", old, "name", new)
    if "UP" in seen.host.links[old]["flags"]:
        host.ip("link", "set", new, "up")


def renamed_own(seen: ObservedHost, owned: Item) -> set[Row]:
    """It is not called as recorded, and neither is the base of what is on it."""
    on_it = [name for name, body in seen.owned.items() if body.get("parent") == owned["name"]]
    return without_name(seen, owned["name"], "name") | {row for name in on_it for row in of_subinterface(seen, name, "parent")}


def untag(host: Host, seen: ObservedHost, owned: Item) -> None:
    """Without its tag it may be a foreign link, which must not get its link-local address between two looks."""
    name = own_name(seen, owned)
    link = seen.host.links[name]
    if "vlan_id" in owned and "UP" in link["flags"] and link["mtu"] >= 1280:
        host.wait_until_up(name)
    host.ip("link", "set", name, "alias", "")


def remake_own(host: Host, seen: ObservedHost, owned: Item) -> None:
    """Create another link with its name, another VLAN, or no dummy; the link stays if it has another name by now."""
    name = owned["name"]
    if name in seen.host.links:
        host.ip("link", "delete", name)
    if "vlan_id" in owned:
        made = ["link", owned["parent"], "name", name, "type", "vlan", "id", str(owned["vlan_id"] + 1)]
        host.ip("link", "add", *made)
        host.bring_up(name)
    else:
        host.ip("link", "add", name, "type", "veth", "peer", "name", f"hand{next(_numbers)}")


def remade(seen: ObservedHost, owned: Item) -> set[Row]:
    return links_on(seen, owned["name"]) | of_own("link", "vlan_id")(seen, owned)


def can_be_remade(seen: ObservedHost, owned: Item) -> bool:
    """Whether nothing else has the name or the VLAN, and the base lets it come up with IPv6."""
    base = seen.host.links.get(owned.get("parent", ""))
    others = [link["linkinfo"]["info_data"]["id"] for link in seen.host.links.values() if kind_of(link) == "vlan"]
    is_free = owned["name"] not in seen.host.links or own_name(seen, owned) == owned["name"]
    if "vlan_id" not in owned or base is None:
        return is_free
    return is_free and "UP" in base["flags"] and base["mtu"] >= 1280 and owned["vlan_id"] + 1 not in others


# Targets are records of links that are there, maybe under another name.
ON_A_LINK_BELOW = {
    "delete a link below": Interference(
        on_own("link", "delete", "IFNAME"), lambda seen, owned: without_parent(seen, owned["name"])
    ),
    "rename a link below": Interference(rename_own, renamed_own),
    "take a link below down": Interference(
        on_own("link", "set", "IFNAME", "down"), lambda seen, owned: of_own("up")(seen, owned) | parent_down(seen, owned["name"])
    ),
    "remove an alias of a link below": Interference(untag, of_own("link")),
    "lower an mtu of a link below": Interference(
        on_own("link", "set", "IFNAME", "mtu", "1290"),
        lambda seen, owned: of_own("mtu")(seen, owned) | lowered(seen, seen.stacked_on(owned["name"]), 1290),
        lambda seen, owned: seen.host.links[own_name(seen, owned)]["mtu"] > 1290,
    ),
    "make another link of the name of one below": Interference(remake_own, remade, can_be_remade),
}


# --- the host's own addresses, and its routers ----------------------------------------------------------------------


class OwnAddress(t.NamedTuple):
    """An address that the host has or may get, with its prefix length, and the link for it."""

    link: str
    address: str

    @property
    def version(self) -> int:
        return version_of(self.address)


def own_addresses(seen: ObservedHost, links: t.Iterable[str]) -> list[OwnAddress]:
    """Those that it has on some of its links."""
    return [
        OwnAddress(name, text_of(entry))
        for name in links
        if name in seen.host.links
        for entry in global_entries(seen.host.links[name])
        if entry["scope"] == "global"
    ]


def held_addresses(seen: ObservedHost) -> list[str]:
    """Those of endpoints, ADDRESS/LENGTH."""
    return [address for item in seen.with_links for address in addresses_of(item)]


def free_addresses(seen: ObservedHost) -> list[str]:
    """Those that networks would give out next, and their gateways."""
    found = []
    for network in seen.bodies("networks"):
        for subnet in network["subnets"]:
            base, length = subnet["subnet"].split("/")
            tails = ("2", "3", "4") if ":" in base else ("16", "17", "18")
            found += [f"{base.removesuffix('0')}{tail}/{length}" for tail in tails]
            found += [f"{subnet['gateway']}/{length}"] * bool(subnet["gateway"])
    return found


def addresses_on(addresses: t.Iterable[str], links: t.Iterable[str]) -> list[OwnAddress]:
    """Each address on each link."""
    found = {OwnAddress(link, address) for link in links for address in addresses}
    return sorted(on_loopback_alone(item) if item.link == LOOPBACK else item for item in found)


def on_loopback_alone(wanted: OwnAddress) -> OwnAddress:
    """A loopback has no subnet: its addresses could not be reached."""
    return wanted._replace(address=f"{plain(wanted.address)}/{32 if wanted.version == 4 else 128}")


def holders(seen: ObservedHost, wanted: OwnAddress) -> set[Row]:
    """The endpoints that have the address."""
    same = plain(wanted.address)
    return {row_of_address(item, field) for item in seen.with_links for field, address in leases_of(item) if plain(address) == same}


def gain(host: Host, _seen: ObservedHost, wanted: OwnAddress) -> None:
    nodad = ["nodad"] if wanted.version == 6 else []
    host.ip("address", "add", wanted.address, "dev", wanted.link, *nodad)


def can_gain(seen: ObservedHost, wanted: OwnAddress) -> bool:
    """Whether the link is there, and takes the family, and has not that address yet."""
    link = seen.host.links.get(wanted.link)
    if link is None or "UP" not in link["flags"] or wanted.version == 6 and link["mtu"] < 1280:
        return False
    return plain(wanted.address) not in {entry["local"] for entry in link["addr_info"]}


def lose(host: Host, _seen: ObservedHost, owned: OwnAddress) -> None:
    host.ip("address", "delete", owned.address, "dev", owned.link)


def route_through(host: Host, _seen: ObservedHost, wanted: OwnAddress) -> None:
    """Add a route through a router with that address."""
    number = next(_numbers) & 255
    to = f"10.200.{number}.0/24" if wanted.version == 4 else f"fd20:{number}::/64"
    host.ip(f"-{wanted.version}", "route", "replace", to, "via", plain(wanted.address), "dev", wanted.link, "onlink")


def can_route_through(seen: ObservedHost, wanted: OwnAddress) -> bool:
    """Whether the router is not the host itself, and can be on the link."""
    entries = [(name, entry) for name, link in seen.host.links.items() for entry in link["addr_info"]]
    hop = ipaddress.ip_address(plain(wanted.address))
    if wanted.link == LOOPBACK or not can_gain(seen, wanted) or str(hop) in {entry["local"] for dummy, entry in entries}:
        return False
    # Of IPv6 it is on the link that has its subnet, or a route to it, or on none (net/ipv6/route.c, ip6_route_check_nh_onlink).
    near = {name for name, entry in entries if hop in ipaddress.ip_interface(text_of(entry)).network}
    routed = [(route.get("dev"), route["dst"]) for route in seen.host.routes if "gateway" not in route and ":" in route["dst"]]
    near |= {name for name, to in routed if name and hop.version == 6 and hop in ipaddress.ip_network(to)}
    return hop.version == 4 or near <= {wanted.link}


def is_its(seen: ObservedHost, owned: OwnAddress) -> bool:
    return owned in own_addresses(seen, [owned.link])


GIVE = "give the host an address"
GIVE_HELD = "give the host an address of an endpoint"
GIVE_ASKED_FOR = "give the host an address that a task may ask for"
GIVE_BACK = "take an address of the host away"
# Targets are addresses.
ON_THE_HOST = {
    GIVE: Interference(gain, holders, can_gain),
    GIVE_HELD: Interference(gain, holders, can_gain),
    GIVE_ASKED_FOR: Interference(gain, holders, can_gain),
    GIVE_BACK: Interference(lose, nothing, is_its),
    "give the host a router": Interference(route_through, holders, can_route_through),
}


# --- the wire -------------------------------------------------------------------------------------------------------


def answer_for(host: Host, _seen: ObservedHost, address: str) -> None:
    host.wire.add_address(address)


MEET = "give a neighbour an address"
# Targets are addresses, ADDRESS/LENGTH.
ON_THE_WIRE = {MEET: Interference(answer_for, nothing)}


# --- the access of the host to a network ----------------------------------------------------------------------------


def delete_one_route(host: Host, seen: ObservedHost, access: Item) -> None:
    to, dummy = routes_there("routes", seen, access)[0]
    run(f"-{version_of(to)}", "route", "delete", to, "dev", "IFNAME")(host, seen, access)


# Targets are accesses whose link is there.
ON_AN_ACCESS = {
    "delete the host's interface": Interference(run("link", "delete", "IFNAME"), fields("link")),
    "set the host's interface down": Interference(run("link", "set", "IFNAME", "down"), lost_when_down, is_up),
    "delete a route to an endpoint": Interference(delete_one_route, fields("routes"), has_routes("routes")),
    "delete all routes to endpoints": Interference(delete_routes("routes"), fields("routes"), has_routes("routes")),
    "remove the host's IPv6 address": Interference(remove_address("inet6"), lost_with_family(6), has_address("inet6")),
}


# --- a VRF of the host ----------------------------------------------------------------------------------------------


def without_vrf(seen: ObservedHost, vrf: str) -> set[Row]:
    """The endpoints in it, as far as they have links."""
    inside = [item for item in seen.endpoints if item["vrf"] == vrf and item["title"] in seen.own_links]
    return {row for item in inside if is_in_its_vrf(seen, item) for row in out_of_vrf(seen, item)}


# Targets are names.
ON_A_VRF = {"delete a VRF": Interference(on_parent("link", "delete", "IFNAME"), without_vrf, is_there)}

# What undoes a single option.
OF_OPTIONS = {**OF_ADDRESSES, **OF_VRFS, **OF_DRIVERS, **OF_RESOLVERS, **ON_AN_ACCESS, **ON_A_VRF}
