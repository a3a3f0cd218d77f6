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

# The name of our links after another program moved them into another namespace.
MOVED_AWAY = "astray"
# What a dummy parent is made with.
DUMMY_MTU = 1500
LOOPBACK = "lo"
# A lifetime without an end.
FOREVER = 2**32 - 1
# A link in promiscuous mode may be so because of what sits on it.
SET_BY_KERNEL = {"promiscuity", "allmulti"}


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


class Claim(t.NamedTuple):
    """Why an address without a lease is in use on the host.

    :ivar what: the text of a refusal after the address
    :ivar link: the link of the host that has it; None for a next hop, which the host itself does not have
    :ivar tag: of that link, if it is one of ours
    :ivar firm: whether it is also refused when a task requests it
    """

    what: str
    link: str | None = None
    tag: str = ""
    firm: bool = True


@dataclasses.dataclass(frozen=True)
class ObservedHost:
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
                "exclusive": networks[endpoint["network"]]["exclusive"] if endpoint["own_exclusive"] is None else endpoint["own_exclusive"],
            }
            for endpoint in self.bodies("endpoints")
        ]

    @functools.cached_property
    def owned(self) -> dict[str, Item]:
        """Name → recorded sub-interface or dummy parent."""
        return {body["name"]: body for body in self.bodies("links")}

    def own_below(self, owned: Item) -> Item | None:
        """The link of one of these, whatever it is called; one that lost its tag is known by its name."""
        links = self.host.links
        tagged = next((link for link in links.values() if link.get("ifalias") == TAG + owned["id"]), None)
        named = links.get(owned["name"])
        alike = named if named is not None and "ifalias" not in named else None
        return next((link for link in (tagged, alike) if link is not None and is_like(link, owned)), None)

    def stacked_on(self, parent: str) -> set[str]:
        """A link of the host, and the recorded sub-interfaces on it and on each other."""
        stack = {parent}
        while above := {name for name, body in self.owned.items() if body.get("parent") in stack} - stack:
            stack |= above
        return stack

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
            # What sits on a parent that has another name now is still known by its tag.
            lost = [] if endpoint["parent"] in self.host.links else self.tagged(endpoint)
            tagged = lost or [link for link in near if link.get("ifalias") == TAG + endpoint["id"]]
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

    def tagged(self, endpoint: Item) -> list[Item]:
        """The link with the tag of an endpoint in its namespace, whatever it sits on."""
        links = self.places[endpoint["netns"]].links if endpoint["netns"] in self.places else {}
        return [link for link in links.values() if link.get("ifalias") == TAG + endpoint["id"]]

    # --- ours and foreign -------------------------------------------------------------------------------------------

    def unrecorded(self) -> list[str]:
        """Links that carry our tag, or are about to, and of which the record knows nothing."""
        known = {TAG + item["id"] for table in ("endpoints", "namespaces", "links") for item in self.bodies(table)}
        return [
            f"{name} in {netns or 'the host'}"
            for netns, place in self.places.items()
            for name, link in place.links.items()
            if is_newborn(link) or is_ours(link) and not was_moved_away(link) and link["ifalias"] not in known
        ]

    def foreign_links(self) -> dict[tuple[str, str], Item]:
        """(namespace, name) → each foreign link, as far as only its owner changes it."""
        found = [(item["netns"], self.own_links.get(item["title"])) for item in self.endpoints]
        found += [("", self.own_below(owned)) for owned in self.owned.values()]
        own = {(netns, link["ifname"]) for netns, link in found if link is not None}
        own |= {(netns, "lo") for netns in self.own_namespaces}
        return {
            (netns, name): link
            for netns, place in self.places.items()
            for name, link in place.links.items()
            if was_moved_away(link) or not is_ours(link) and not is_newborn(link) and (netns, name) not in own
        }

    def foreign(self) -> dict[t.Any, t.Any]:
        """Everything that the collection must not change."""
        links = self.foreign_links()
        macs = {endpoint["mac"] for endpoint in self.endpoints}
        for netns, parent, link in self.macvlans():
            # One that is down, or was ours, goes with the link below: it cannot be seen from there.
            below = netns and any(self.host.links[parent] is self.own_below(owned) for owned in self.owned.values())
            if below and ("UP" not in link["flags"] or link["address"] in macs):
                links.pop((netns, link["ifname"]), None)
        known = self.everything()
        places = [
            netns
            for netns, place in self.places.items()
            if not is_ours(place.links.get("lo", {})) and netns not in self.own_namespaces
        ]
        return {key: known[key] for key in (*links, *((*key, "routes") for key in links), *places)}

    def everything(self) -> dict[t.Any, t.Any]:
        """The same for everything on the host, no matter who owns it."""
        found: dict[t.Any, t.Any] = {}
        for netns, place in self.places.items():
            found[netns] = place.identity
            for name, link in place.links.items():
                kept = {key: value for key, value in tidy(link).items() if key not in SET_BY_KERNEL}
                kept["addr_info"] = [entry for entry in kept["addr_info"] if entry["scope"] != "link"]
                found[netns, name] = kept
                found[netns, name, "routes"] = place.routes_of(name)
        return found

    # --- addresses that are in use beside the leases ----------------------------------------------------------------

    @functools.cached_property
    def claims(self) -> dict[str, list[Claim]]:
        """Address → who has it: links of the host, but for what their endpoints lease, and routers that it uses."""
        found: dict[str, list[Claim]] = collections.defaultdict(list)
        leased = {
            (self.own_links[item["title"]]["ifname"], plain(address))
            for item in self.endpoints
            if item["netns"] == "" and item["title"] in self.own_links
            for dummy, address in leases_of(item)
        }
        for name, link in self.host.links.items():
            tag = link["ifalias"] if is_ours(link) else ""
            for entry in global_entries(link):
                if (name, entry["local"]) not in leased:
                    found[entry["local"]].append(Claim(f"is an address of {name} of this host", name, tag))
        for route in self.host.routes:
            link = self.host.links.get(route.get("dev", ""), {})
            is_way_to_endpoints = is_ours(link) and kind_of(link) == "macvlan"
            if "gateway" in route:
                what = "is the next hop of this host's"
                found[route["gateway"]].append(Claim(what, firm=not is_way_to_endpoints))
        return dict(found)

    def claim_on(self, address: str, tag: str = "") -> Claim | None:
        """Why an address cannot be requested by the link with a tag, which may have it already."""
        found = (claim for claim in self.claims.get(address, ()) if claim.firm and not (tag and claim.tag == tag))
        return next(found, None)

    @functools.cached_property
    def conflicts(self) -> set[Row]:
        """The addresses of endpoints that the host uses as well; no run changes that."""
        return {
            (item["title"], field)
            for item in self.endpoints
            for field, address in leases_of(item)
            if self.claim_on(plain(address))
        }

    # --- what other programs add to our links ------------------------------------------------------------------------

    def of_others(self, title: str) -> set[str]:
        """The addresses and routes on the link of an endpoint that are not recorded, as warnings name them."""
        link = self.own_links[title]
        endpoint = next(item for item in self.endpoints if item["title"] == title)
        recorded = {(route["to"], route["via"]) for route in endpoint["routes"]} | default_routes(endpoint)
        found = {text_of(entry) for entry in global_entries(link)}
        routes = self.places[endpoint["netns"]].routes_of(link["ifname"]) - recorded
        return found - set(addresses_of(endpoint)) | {route_text(*route) for route in routes}

    def foreign_addresses(self, title: str) -> list[str]:
        """Those of these addresses that are there for good; none where there is no link."""
        link = self.own_links.get(title, {"addr_info": []})
        endpoint = next(item for item in self.endpoints if item["title"] == title)
        there = {text_of(entry) for entry in global_entries(link) if entry["valid_life_time"] == FOREVER}
        return sorted(there - set(addresses_of(endpoint)))

    def is_exclusive(self, title: str) -> bool:
        """Whether these addresses are to go."""
        return any(item["title"] == title and item["exclusive"] for item in self.endpoints)

    # --- what differs -----------------------------------------------------------------------------------------------

    def drift(self) -> set[Row]:
        """What macvlan_info must report, except settings, which are not observed here."""
        return self.differences() | self.conflicts

    def differences(self) -> set[Row]:
        """The part of it that a run can repair."""
        found = {
            (f"network {network['name']}", "parent")
            for network in self.bodies("networks")
            if network["parent"] not in self.host.links or not self._is_right_dummy(network["parent"])
        }
        for name, owned in self.owned.items():
            if "vlan_id" in owned:
                found |= {(f"vlan_subinterface {name}", field) for field in self._fields_of_subinterface(owned)}
        for endpoint in self.endpoints:
            found |= {(endpoint["title"], field) for field in self._fields(endpoint)}
        return found

    def _is_right_dummy(self, name: str) -> bool:
        """Whether a link is as it has to be if it is a dummy parent."""
        owned, link = self.owned.get(name), self.host.links[name]
        if owned is None or "vlan_id" in owned:
            return True
        is_it = link.get("ifalias") == TAG + owned["id"] and is_like(link, owned)
        return is_it and "UP" in link["flags"] and link["mtu"] >= DUMMY_MTU

    def _fields_of_subinterface(self, owned: Item) -> t.Iterator[str]:
        link, base = self.host.links.get(owned["name"]) or self.own_below(owned), self.host.links.get(owned["parent"])
        if link is None:
            yield "link"
            return
        data = link.get("linkinfo", {}).get("info_data", {})
        if link.get("ifalias") != TAG + owned["id"]:
            yield "link"
        for field, recorded, actual in (
            ("name", owned["name"], link["ifname"]),
            ("parent", owned["parent"], link.get("link")),
            ("vlan_id", owned["vlan_id"], data.get("id")),
            ("mtu", base["mtu"] if base else link["mtu"], link["mtu"]),
            ("up", True, "UP" in link["flags"]),
        ):
            if recorded != actual:
                yield field

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
            yield "parent" if self.tagged(endpoint) else "link"
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
            too_many = [item for item in self.foreign_addresses(endpoint["title"]) if version_of(item) == int(field[-1])]
            if endpoint[field] and endpoint[field] not in addresses(link, family) or endpoint["exclusive"] and too_many:
                yield field
        if not set(endpoint["further"]) <= {text_of(entry) for entry in global_entries(link)}:
            yield "addresses"
        there = self.places[endpoint["netns"]].routes_of(link["ifname"])
        if not default_routes(endpoint) <= there:
            yield "default_route"
        if not {(route["to"], route["via"]) for route in endpoint["routes"]} <= there:
            yield "routes"


def observe(host: Host) -> ObservedHost:
    """Read the state of a host and its record."""
    folder = host.path(NETNS_FOLDER)
    places = {
        netns: Place(
            identity=(folder / netns).stat().st_ino if netns else 0,
            links={link["ifname"]: link for link in links if link},
            routes=[route for route in (*routes4, *routes6) if route],
        )
        for netns, (links, routes4, routes6) in list_networks(host).items()
    }
    return ObservedHost(places, host.tables())


def was_moved_away(link: Item) -> bool:
    """Whether a link was moved to another namespace: whatever its tag says, its owner is the program that moved it."""
    return bool(link["ifname"].startswith(MOVED_AWAY))


def is_like(link: Item, owned: Item) -> bool:
    """Whether a link is of the kind, and has the VLAN and the base, of a recorded one."""
    if "vlan_id" not in owned:
        return kind_of(link) == "dummy"
    is_vlan = kind_of(link) == "vlan" and link["linkinfo"]["info_data"]["id"] == owned["vlan_id"]
    return is_vlan and link.get("link") == owned["parent"]


def is_newborn(link: Item) -> bool:
    """Whether a link has the group of one of ours that has no tag yet; no other link here has a group."""
    return bool(link["group"] != "default")


def kind_of(link: Item) -> str:
    return str(link.get("linkinfo", {}).get("info_kind", ""))


def addresses(link: Item, family: str) -> list[str]:
    """ADDRESS/LENGTH, without those that the kernel gives itself."""
    entries = [entry for entry in global_entries(link) if entry["family"] == family]
    return sorted(map(text_of, entries))


def global_entries(link: Item) -> list[Item]:
    """The addresses that programs gave a link."""
    return [entry for entry in link["addr_info"] if entry["scope"] != "link"]


def text_of(entry: Item) -> str:
    """ADDRESS/LENGTH."""
    return f"{entry['local']}/{entry['prefixlen']}"


def route_text(to: str, via: str | None) -> str:
    """A route as a warning names it, without its metric."""
    default = "::/0" if ":" in (via or "") else "0.0.0.0/0"
    return f"the route to {default if to == 'default' else to}" + (f" via {via}" if via else "")


def plain(address: str) -> str:
    """An address without the length of its prefix."""
    return address.partition("/")[0]


def default_routes(endpoint: Item) -> set[tuple[str, str | None]]:
    """The default routes of an endpoint, as :meth:`Place.routes_of` has them."""
    return {("default", endpoint[field]) for field in ("gateway4", "gateway6") if endpoint[field]}


def leases_of(endpoint: Item, *versions: int) -> list[tuple[str, str]]:
    """(option, ADDRESS/LENGTH) of all that an endpoint has of these families, or of both."""
    first = [(field, endpoint[field]) for field in ("ipv4", "ipv6") if endpoint[field]]
    found = [*first, *(("addresses", address) for address in endpoint["further"])]
    return [item for item in found if version_of(item[1]) in (versions or (4, 6))]


def addresses_of(endpoint: Item) -> list[str]:
    """ADDRESS/LENGTH of all that an endpoint has."""
    return [address for dummy, address in leases_of(endpoint)]


def version_of(address: str) -> int:
    return ipaddress.ip_interface(address).version
