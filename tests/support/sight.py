# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host as ip(8) shows it, and what of it is ours, foreign, or not as recorded: worked out without the collection."""

from __future__ import annotations

import collections
import dataclasses
import functools
import ipaddress
import json
import typing as t

from .host import Host
from .machine import NETNS_FOLDER
from .snapshot import TAG, Tables, is_ours, list_networks, tidy

Item = dict[str, t.Any]
# What differs: the object and the field, as macvlan_info names them.
Row = tuple[str, str]

# What links are called that were ours until others moved them into another namespace.
ASTRAY = "astray"
# A link in promiscuous mode may be so because of what sits on it.
OF_OTHERS = {"promiscuity", "allmulti"}


@dataclasses.dataclass(frozen=True)
class Place:
    """One namespace.

    :ivar identity: the same for as long as it is the same namespace
    """

    identity: int
    links: dict[str, Item]
    routes: list[Item]

    def routes_of(self, ifname: str) -> set[tuple[str, str | None]]:
        """(destination, gateway) of the routes of a link that were not made by the kernel."""
        return {
            (route["dst"], route.get("gateway"))
            for route in self.routes
            if route.get("dev") == ifname and route.get("table") == "main" and route["protocol"] != "kernel"
        }


@dataclasses.dataclass(frozen=True)
class Sight:
    """A host at one moment; its own namespace is the one without a name."""

    places: dict[str, Place]
    tables: Tables

    @property
    def host(self) -> Place:
        return self.places[""]

    @property
    def interrupted(self) -> bool:
        """Whether a run that died has left its intention."""
        return bool(self.tables.get("journal"))

    def bodies(self, table: str) -> list[Item]:
        """The recorded objects of one kind."""
        return [json.loads(row[-1]) for row in self.tables.get(table, ())]

    @functools.cached_property
    def endpoints(self) -> list[Item]:
        """The recorded endpoints, each with what it has from its network."""
        networks = {network["name"]: network for network in self.bodies("networks")}
        return [
            {
                **endpoint,
                "title": f"endpoint {endpoint['network']}/{endpoint['name']}",
                "netns": endpoint["netns"]["value"],
                "parent": networks[endpoint["network"]]["parent"],
                "mode": networks[endpoint["network"]]["mode"],
            }
            for endpoint in self.bodies("endpoints")
        ]

    def parent_of(self, netns: str, link: Item) -> Item | None:
        """The link of the host that another one sits on."""
        if "link" in link:
            return self.host.links.get(link["link"]) if netns == "" else None
        if netns == "" or "link_index" not in link:
            return None
        return next((other for other in self.host.links.values() if other["ifindex"] == link["link_index"]), None)

    def macvlans(self) -> t.Iterator[tuple[str, str, Item]]:
        """Namespace, name of the parent, link of every macvlan on a link of the host."""
        for netns, place in self.places.items():
            for link in place.links.values():
                parent = self.parent_of(netns, link) if kind_of(link) == "macvlan" else None
                if parent is not None:
                    yield netns, parent["ifname"], link

    @functools.cached_property
    def own_links(self) -> dict[str, Item]:
        """Title → link of a recorded endpoint: the one with its tag, else the one that it would be without."""
        found: dict[str, Item] = {}
        on = collections.defaultdict(list)
        for netns, parent, link in self.macvlans():
            on[netns, parent].append(link)
        for endpoint in self.endpoints:
            near = on[endpoint["netns"], endpoint["parent"]]
            tagged = [link for link in near if link.get("ifalias") == TAG + endpoint["id"]]
            alike = [
                link
                for link in near
                if (link["ifname"], link["address"]) == (endpoint["ifname"], endpoint["mac"]) and "ifalias" not in link
            ]
            for link in (tagged or alike)[:1]:
                found[endpoint["title"]] = link
        return found

    @functools.cached_property
    def own_namespaces(self) -> dict[str, str]:
        """Name → tag of the recorded namespaces that are there, as far as their loopbacks or links in them tell."""
        found = {}
        for owned in self.bodies("namespaces"):
            name, tag = owned["name"], TAG + owned["id"]
            alias = self.places[name].links["lo"].get("ifalias") if name in self.places else ""
            links = [self.own_links.get(item["title"], {}) for item in self.endpoints if item["netns"] == name]
            if alias == tag or alias is None and any("ifalias" in link for link in links):
                found[name] = tag
        return found

    # --- ours and foreign -------------------------------------------------------------------------------------------

    def unrecorded(self) -> list[str]:
        """Links that carry our tag, or are about to, and of which the record knows nothing."""
        known = {TAG + item["id"] for table in ("endpoints", "namespaces", "links") for item in self.bodies(table)}
        return [
            f"{name} in {netns or 'the host'}"
            for netns, place in self.places.items()
            for name, link in place.links.items()
            if is_newborn(link) or is_ours(link) and not is_astray(link) and link["ifalias"] not in known
        ]

    def foreign_links(self) -> dict[tuple[str, str], Item]:
        """(namespace, name) → each link that is not ours, or no longer, as far as nobody but its owner changes it."""
        found = [(item["netns"], self.own_links.get(item["title"])) for item in self.endpoints]
        own = {(netns, link["ifname"]) for netns, link in found if link is not None}
        own |= {(netns, "lo") for netns in self.own_namespaces}
        return {
            (netns, name): link
            for netns, place in self.places.items()
            for name, link in place.links.items()
            if is_astray(link) or not is_ours(link) and not is_newborn(link) and (netns, name) not in own
        }

    def foreign(self) -> dict[t.Any, t.Any]:
        """All that must stay as it is whatever the collection does."""
        links = self.foreign_links()
        found: dict[t.Any, t.Any] = {}
        for (netns, name), link in links.items():
            kept = {key: value for key, value in tidy(link).items() if key not in OF_OTHERS}
            kept["addr_info"] = [entry for entry in kept["addr_info"] if entry["scope"] != "link"]
            found[netns, name] = kept
            found[netns, name, "routes"] = self.places[netns].routes_of(name)
        for netns, place in self.places.items():
            if not is_ours(place.links.get("lo", {})) and netns not in self.own_namespaces:
                found[netns] = place.identity
        return found

    # --- what differs -----------------------------------------------------------------------------------------------

    def drift(self) -> set[Row]:
        """What macvlan_info has to name, but for settings, which are not seen here."""
        found = {
            (f"network {network['name']}", "parent")
            for network in self.bodies("networks")
            if network["parent"] not in self.host.links
        }
        for endpoint in self.endpoints:
            found |= {(endpoint["title"], field) for field in self._fields(endpoint)}
        return found

    def _fields(self, endpoint: Item) -> t.Iterator[str]:
        if endpoint["netns"] not in self.places:
            yield "netns"
            return
        tags = {owned["name"]: TAG + owned["id"] for owned in self.bodies("namespaces")}
        lo = self.places[endpoint["netns"]].links["lo"]
        is_down = "UP" not in lo["flags"] and endpoint["netns"] in self.own_namespaces
        if endpoint["netns"] in tags and (lo.get("ifalias") != tags[endpoint["netns"]] or is_down):
            yield "netns"
        link = self.own_links.get(endpoint["title"])
        if link is None:
            yield "link"
            return
        if "ifalias" not in link or "UP" not in link["flags"]:
            yield "link"
        # A passthru link has its parent's, whichever that is.
        mac = self.host.links[endpoint["parent"]]["address"] if endpoint["mode"] == "passthru" else endpoint["mac"]
        for field, recorded, actual in (
            ("ifname", endpoint["ifname"], link["ifname"]),
            ("mac", mac, link["address"]),
            ("mtu", endpoint["mtu"], link["mtu"]),
            ("mode", endpoint["mode"], link["linkinfo"]["info_data"]["mode"]),
        ):
            if recorded != actual:
                yield field
        for field, family in (("ipv4", "inet"), ("ipv6", "inet6")):
            if addresses(link, family) != ([endpoint[field]] if endpoint[field] else []):
                yield field
        there = self.places[endpoint["netns"]].routes_of(link["ifname"])
        if not default_routes(endpoint) <= there:
            yield "default_route"
        if not {(route["to"], route["via"]) for route in endpoint["routes"]} <= there:
            yield "routes"


def look_at(host: Host) -> Sight:
    """All of a host, and what is recorded of it."""
    folder = host.path(NETNS_FOLDER)
    places = {
        netns: Place(
            identity=(folder / netns).stat().st_ino if netns else 0,
            links={link["ifname"]: link for link in links if link},
            routes=[route for route in (*routes4, *routes6) if route],
        )
        for netns, (links, routes4, routes6) in list_networks(host).items()
    }
    return Sight(places, host.tables())


def is_astray(link: Item) -> bool:
    """Whether a link was moved away: whatever its tag says, it is for those who did that."""
    return bool(link["ifname"].startswith(ASTRAY))


def is_newborn(link: Item) -> bool:
    """Whether a link has the group of one of ours that has no tag yet; nobody else here has groups."""
    return bool(link["group"] != "default")


def kind_of(link: Item) -> str:
    return str(link.get("linkinfo", {}).get("info_kind", ""))


def addresses(link: Item, family: str) -> list[str]:
    """ADDRESS/LENGTH, without those that the kernel gives itself."""
    entries = [entry for entry in link["addr_info"] if entry["family"] == family and entry["scope"] != "link"]
    return sorted(f"{entry['local']}/{entry['prefixlen']}" for entry in entries)


def default_routes(endpoint: Item) -> set[tuple[str, str | None]]:
    """The default routes of an endpoint, as :meth:`Place.routes_of` has them."""
    return {("default", endpoint[field]) for field in ("gateway4", "gateway6") if endpoint[field]}


def version_of(address: str) -> int:
    return ipaddress.ip_interface(address).version
