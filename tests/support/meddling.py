# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others do on a host behind the collection's back, each with what macvlan_info has to name afterwards."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from .host import Host
from .sight import ASTRAY, Item, Row, Sight, addresses, default_routes, version_of

# Addresses that are nobody's.
EXTRA4, EXTRA6 = "10.77.0.1/24", "fd77::1/64"
# For names of links that are made by hand.
_numbers = itertools.count()


def always(_seen: Sight, _target: t.Any) -> bool:
    return True


def nothing(_seen: Sight, _target: t.Any) -> set[Row]:
    return set()


@dataclasses.dataclass(frozen=True)
class Meddling:
    """One kind of interference.

    :ivar do: with the host, what is seen of it, and the target; does it
    :ivar rows: with the same but for the host; what differs then, of a host on which nothing differed
    :ivar applies: with the same; whether it can be done at all
    """

    do: t.Callable[[Host, Sight, t.Any], None]
    rows: t.Callable[[Sight, t.Any], set[Row]]
    applies: t.Callable[[Sight, t.Any], bool] = always


def fields(*names: str) -> t.Callable[[Sight, Item], set[Row]]:
    """These fields of the endpoint."""
    return lambda _seen, endpoint: {(endpoint["title"], name) for name in names}


def run(*argv: str) -> t.Callable[[Host, Sight, Item], None]:
    """ip(8) in the namespace of the endpoint, with the name of its link for IFNAME."""

    def do(host: Host, seen: Sight, endpoint: Item) -> None:
        ifname = seen.own_links[endpoint["title"]]["ifname"]
        host.ip(*(ifname if word == "IFNAME" else word for word in argv), netns=endpoint["netns"] or None)

    return do


# --- a link of ours -------------------------------------------------------------------------------------------------


def routes_lost(endpoint: Item, *versions: int) -> set[str]:
    """The fields of the routes of a family."""
    lost = {"default_route" for dummy, gateway in default_routes(endpoint) if version_of(gateway or "") in versions}
    return lost | {"routes" for route in endpoint["routes"] if version_of(route["to"]) in versions}


def lost_when_down(seen: Sight, endpoint: Item) -> set[Row]:
    """Down, a link keeps its IPv4 addresses, and nothing else."""
    lost = {"link", *routes_lost(endpoint, 4, 6), *(["ipv6"] if endpoint["ipv6"] else [])}
    return {(endpoint["title"], field) for field in lost}


def remove_address(family: str) -> t.Callable[[Host, Sight, Item], None]:
    def do(host: Host, seen: Sight, endpoint: Item) -> None:
        for address in addresses(seen.own_links[endpoint["title"]], family):
            run("address", "delete", address, "dev", "IFNAME")(host, seen, endpoint)

    return do


def has_address(family: str) -> t.Callable[[Sight, Item], bool]:
    return lambda seen, endpoint: bool(addresses(seen.own_links[endpoint["title"]], family))


def delete_routes(which: str) -> t.Callable[[Host, Sight, Item], None]:
    def do(host: Host, seen: Sight, endpoint: Item) -> None:
        for to, via in routes_there(which, seen, endpoint):
            words = (f"-{version_of(via or '')}", "route", "delete", to, "via", via or "", "dev", "IFNAME")
            run(*words)(host, seen, endpoint)

    return do


def routes_there(which: str, seen: Sight, endpoint: Item) -> list[tuple[str, str | None]]:
    """The routes of one field that the link has."""
    others = {(route["to"], route["via"]) for route in endpoint["routes"]}
    wanted = default_routes(endpoint) if which == "default_route" else others
    there = seen.places[endpoint["netns"]].routes_of(seen.own_links[endpoint["title"]]["ifname"])
    return sorted(wanted & there)


def has_routes(which: str) -> t.Callable[[Sight, Item], bool]:
    return lambda seen, endpoint: bool(routes_there(which, seen, endpoint))


def rename(host: Host, seen: Sight, endpoint: Item) -> None:
    run("link", "set", "IFNAME", "name", f"moved{next(_numbers)}")(host, seen, endpoint)


def make_by_hand(kind: str) -> t.Callable[[Host, Sight, Item], None]:
    """Delete the link and have another of its name."""

    def do(host: Host, seen: Sight, endpoint: Item) -> None:
        run("link", "delete", "IFNAME")(host, seen, endpoint)
        if kind == "veth":
            made = ["type", "veth", "peer", "name", f"hand{next(_numbers)}"]
            host.ip("link", "add", endpoint["ifname"], *made, netns=endpoint["netns"] or None)
        else:
            inside = ["netns", endpoint["netns"]] if endpoint["netns"] else []
            made = ["name", endpoint["ifname"], *inside, "type", "macvlan", "mode", "vepa"]
            host.ip("link", "add", "link", endpoint["parent"], *made)

    return do


def change_mac(host: Host, seen: Sight, endpoint: Item) -> None:
    number = next(_numbers)
    mac = f"02:00:00:01:{number >> 8 & 255:02x}:{number & 255:02x}"
    run("link", "set", "IFNAME", "address", mac)(host, seen, endpoint)


def set_arp_notify(host: Host, seen: Sight, endpoint: Item) -> None:
    ifname = seen.own_links[endpoint["title"]]["ifname"]
    host.sysctl(f"net/ipv4/conf/{ifname}/arp_notify", 0, netns=endpoint["netns"] or None)


def is_not_passthru(seen: Sight, endpoint: Item) -> bool:
    return bool(endpoint["mode"] != "passthru")


def move(up: bool) -> Meddling:
    """Take the link into another namespace, where it is used, or not, for something else."""

    def places(seen: Sight, endpoint: Item) -> list[str]:
        return [netns for netns in sorted(seen.places) if netns != endpoint["netns"]]

    def do(host: Host, seen: Sight, endpoint: Item) -> None:
        number, able = next(_numbers), places(seen, endpoint)
        name, target = f"{ASTRAY}{number}", able[number % len(able)]
        run("link", "set", "IFNAME", "netns", target or str(host.pid), "name", name)(host, seen, endpoint)
        if up:
            host.ip("link", "set", name, "up", netns=target or None)

    # What an interrupted run has begun is cleared up wherever it is, also in namespaces that it has made.
    return Meddling(do, fields("link"), lambda seen, endpoint: not seen.interrupted and bool(places(seen, endpoint)))


# Targets are endpoints whose link is there, maybe under another name.
ON_A_LINK = {
    "delete a link": Meddling(run("link", "delete", "IFNAME"), fields("link")),
    "rename a link": Meddling(rename, fields("ifname")),
    "set a link down": Meddling(run("link", "set", "IFNAME", "down"), lost_when_down),
    "remove an alias": Meddling(run("link", "set", "IFNAME", "alias", ""), fields("link")),
    "change a MAC address": Meddling(change_mac, fields("mac"), is_not_passthru),
    "change a mode": Meddling(
        run("link", "set", "IFNAME", "type", "macvlan", "mode", "vepa"),
        lambda seen, endpoint: set() if endpoint["mode"] == "vepa" else fields("mode")(seen, endpoint),
        is_not_passthru,
    ),
    "lower an mtu": Meddling(
        run("link", "set", "IFNAME", "mtu", "1290"),
        fields("mtu"),
        lambda seen, endpoint: seen.own_links[endpoint["title"]]["mtu"] > 1290,
    ),
    "change a setting": Meddling(set_arp_notify, fields("sysctls")),
    "remove an IPv4 address": Meddling(
        remove_address("inet"),
        lambda seen, endpoint: fields("ipv4", *routes_lost(endpoint, 4))(seen, endpoint),
        has_address("inet"),
    ),
    "remove an IPv6 address": Meddling(remove_address("inet6"), fields("ipv6"), has_address("inet6")),
    "add an IPv4 address": Meddling(run("address", "replace", EXTRA4, "dev", "IFNAME"), fields("ipv4")),
    "add an IPv6 address": Meddling(
        run("address", "replace", EXTRA6, "dev", "IFNAME", "nodad"), fields("ipv6"), has_address("inet6")
    ),
    "delete a default route": Meddling(
        delete_routes("default_route"), fields("default_route"), has_routes("default_route")
    ),
    "delete a route": Meddling(delete_routes("routes"), fields("routes"), has_routes("routes")),
    "move a link away": move(up=False),
    "move a link away and use it": move(up=True),
    "make a veth link of the name": Meddling(make_by_hand("veth"), fields("link")),
    "make a macvlan link of the name": Meddling(make_by_hand("macvlan"), fields("link"), is_not_passthru),
}


# --- a namespace ----------------------------------------------------------------------------------------------------


def in_namespace(field: str) -> t.Callable[[Sight, str], set[Row]]:
    """A field of every endpoint in a namespace."""
    return lambda seen, netns: {(item["title"], field) for item in seen.endpoints if item["netns"] == netns}


def make_namespace(*furniture: tuple[str, ...]) -> t.Callable[[Host, Sight, str], None]:
    """Have another namespace of that name, with a link in it, and what else is said."""

    def do(host: Host, seen: Sight, netns: str) -> None:
        if netns in seen.places:
            host.delete_netns(netns)
        host.ip("netns", "add", netns)
        name = f"hand{next(_numbers)}"
        host.ip("link", "add", name, "type", "veth", "peer", "name", f"{name}x", netns=netns)
        for argv in furniture:
            host.ip(*(name if word == "IFNAME" else word for word in argv), netns=netns)

    return do


def in_another_namespace(seen: Sight, netns: str) -> set[Row]:
    """The links are gone; the namespace too, where it was ours."""
    found = in_namespace("link")(seen, netns)
    return found | in_namespace("netns")(seen, netns) if netns in recorded_namespaces(seen) else found


def recorded_namespaces(seen: Sight) -> set[str]:
    return {owned["name"] for owned in seen.bodies("namespaces")}


def on_loopback(*argv: str) -> Meddling:
    """ip(8) for the loopback of a namespace of ours."""

    def do(host: Host, _seen: Sight, netns: str) -> None:
        host.ip("link", "set", "lo", *argv, netns=netns)

    return Meddling(do, in_namespace("netns"), lambda seen, netns: netns in seen.own_namespaces)


GATEWAY_BY_HAND = (
    ("address", "add", "10.66.0.2/24", "dev", "IFNAME"),
    ("link", "set", "IFNAME", "up"),
    ("route", "add", "default", "via", "10.66.0.1"),
)

# Targets are names.
ON_A_NAMESPACE = {
    "delete a namespace": Meddling(
        lambda host, _seen, netns: host.delete_netns(netns),
        in_namespace("netns"),
        lambda seen, netns: netns in seen.places,
    ),
    "make a namespace": Meddling(make_namespace(), in_another_namespace),
    "make a namespace with a default route": Meddling(make_namespace(*GATEWAY_BY_HAND), in_another_namespace),
    "set a loopback down": on_loopback("down"),
    "remove the alias of a loopback": on_loopback("alias", ""),
}


# --- a parent -------------------------------------------------------------------------------------------------------


def on_parent(*argv: str) -> t.Callable[[Host, Sight, str], None]:
    """ip(8) on the host, with the name of the parent for IFNAME."""

    def do(host: Host, seen: Sight, parent: str) -> None:
        host.ip(*(parent if word == "IFNAME" else word for word in argv))

    return do


def is_there(seen: Sight, parent: str) -> bool:
    return parent in seen.host.links


def lower_mtu(mtu: int) -> Meddling:
    """Links on a parent that has less come down with it; of IPv6 they lose all below 1280."""

    def rows(seen: Sight, parent: str) -> set[Row]:
        lowered = [item for item in seen.endpoints if item["parent"] == parent and item["mtu"] > mtu]
        found = {(item["title"], "mtu") for item in lowered}
        for item in lowered:
            if mtu < 1280 and item["ipv6"]:
                found |= {(item["title"], field) for field in ("ipv6", "sysctls", *routes_lost(item, 6))}
        return found

    return Meddling(on_parent("link", "set", "IFNAME", "mtu", str(mtu)), rows, is_there)


def links_on(seen: Sight, parent: str) -> set[Row]:
    """The links of every endpoint on a parent."""
    return {(item["title"], "link") for item in seen.endpoints if item["parent"] == parent}


def without_parent(seen: Sight, parent: str) -> set[Row]:
    networks = {(f"network {item['name']}", "parent") for item in seen.bodies("networks") if item["parent"] == parent}
    return links_on(seen, parent) | networks


def remake(host: Host, seen: Sight, parent: str) -> None:
    host.ip("link", "delete", parent)
    host.add_parent(parent)


# Targets are names of links of the host.
ON_A_PARENT = {
    "delete a parent": Meddling(on_parent("link", "delete", "IFNAME"), without_parent, is_there),
    "make a parent anew": Meddling(remake, links_on, is_there),
    "take a parent down": Meddling(on_parent("link", "set", "IFNAME", "down"), nothing, is_there),
    "lower a parent's mtu": lower_mtu(1400),
    "lower a parent's mtu below that of IPv6": lower_mtu(1200),
}
