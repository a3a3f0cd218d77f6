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
from .machine import NETNS_FOLDER, RESOLVERS
from .snapshot import TAG, Tables, is_ours, list_networks, tidy

Item = dict[str, t.Any]
# What differs: the object and the field, as macvlan_info names them.
Row = tuple[str, str]

# The name of our links after another program moved them into another namespace.
MOVED_AWAY = "astray"
# What a dummy parent is made with.
DUMMY_MTU = 1500
LOOPBACK = "lo"
KINDS_OF_ENDPOINTS = ("macvlan", "ipvlan")
# As ip(8) shows destinations, but that each family has its own.
DEFAULT4, DEFAULT6 = "default", "::/0"
RESOLVER = "name servers"
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
        """(destination, gateway) of the routes of a link that were not made by the kernel, in the table of its VRF if it is in one."""
        table = self.vrfs.get(self.links.get(ifname, {}).get("master"), "main")
        return {
            (route["dst"], route.get("gateway"))
            for route in self.routes
            if route.get("dev") == ifname and route.get("table") == table and route["protocol"] != "kernel"
        }

    @functools.cached_property
    def vrfs(self) -> dict[str | None, str]:
        """Name → table."""
        return {name: str(link["linkinfo"]["info_data"]["table"]) for name, link in self.links.items() if kind_of(link) == "vrf"}

    def vrf_of(self, link: Item) -> str | None:
        """The VRF that a link is in."""
        return link["master"] if link.get("master") in self.vrfs else None


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
    """A host at one moment; its own namespace is the one without a name.

    :ivar resolvers: namespace → its file of name servers
    """

    places: dict[str, Place]
    tables: Tables
    resolvers: dict[str, str]

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
    def with_links(self) -> list[Item]:
        """All that has a link on a network, each with what it has from that; the accesses of the host are recorded as endpoints."""
        networks = {network["name"]: network for network in self.bodies("networks")}
        found = []
        for body in self.bodies("endpoints"):
            network = networks[body["network"]]
            is_access = body["host_access"] is not None
            item = {
                **body,
                "title": f"host access of network {network['name']}" if is_access else f"endpoint {network['name']}/{body['name']}",
                # What drift is told of, and what its fields begin with.
                "object": f"network {network['name']}" if is_access else f"endpoint {network['name']}/{body['name']}",
                "prefix": "host_access." if is_access else "",
                "netns": body["netns"]["value"],
                "parent": network["parent"],
                "mode": network["mode"],
                "driver": network["driver"],
                "exclusive": network["exclusive"] if body["own_exclusive"] is None else body["own_exclusive"],
            }
            found.append({**item, "routes": self._routes_of_host(item, network)} if is_access else item)
        return found

    def _routes_of_host(self, access: Item, network: Item) -> list[Item]:
        """The routes by which the host reaches the endpoints of a network; those in its own namespace it has itself."""
        inside = [body for body in self.bodies("endpoints") if body["network"] == network["name"] and body["netns"]["value"]]
        singles = {ipaddress.ip_address(plain(address)) for body in inside for address in addresses_of(body)}
        ranges = [text for subnet in network["subnets"] for text in subnet["ip_ranges"] or [subnet["subnet"]]]
        blocks = [block for text in ranges for block in blocks_of(text)] if access["host_access"]["routes"] == "ranges" else []
        outside = [address for address in singles if not any(address in block for block in blocks)]
        versions = {version_of(address) for address in addresses_of(access)}
        # Only a prefix that is not of one address has its length in what ip(8) shows.
        shown = {*map(str, outside), *(str(block).removesuffix(f"/{block.max_prefixlen}") for block in blocks)}
        return [{"to": to, "via": None} for to in sorted(shown) if version_of(to) in versions]

    @functools.cached_property
    def endpoints(self) -> list[Item]:
        """The recorded endpoints."""
        return [item for item in self.with_links if item["host_access"] is None]

    @functools.cached_property
    def accesses(self) -> list[Item]:
        """The interfaces that give the host access to networks."""
        return [item for item in self.with_links if item["host_access"] is not None]

    def surplus_routes(self) -> list[str]:
        """The routes by which the host reaches what is no endpoint any more."""
        found = []
        for access in self.accesses:
            link = self.own_links.get(access["title"])
            there = self.host.routes_of(link["ifname"]) if link else set()
            found += [f"{access['title']}: {route_text(*route)}" for route in there - {(item["to"], item["via"]) for item in access["routes"]}]
        return found

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
        """Namespace, name of the parent, link of every macvlan or ipvlan on a link of the host."""
        for netns, place in self.places.items():
            for link in place.links.values():
                parent = self.parent_of(netns, link) if kind_of(link) in KINDS_OF_ENDPOINTS else None
                if parent is not None:
                    yield netns, parent["ifname"], link

    @functools.cached_property
    def own_links(self) -> dict[str, Item]:
        """Title → link of a recorded endpoint: the one with its tag, else the one that it would be without."""
        found: dict[str, Item] = {}
        on = collections.defaultdict(list)
        for netns, parent, link in self.macvlans():
            on[netns, parent].append(link)
        for endpoint in self.with_links:
            near = on[endpoint["netns"], endpoint["parent"]]
            # What sits on a parent that has another name now is still known by its tag.
            lost = [] if endpoint["parent"] in self.host.links else self.tagged(endpoint)
            tagged = lost or [link for link in near if link.get("ifalias") == TAG + endpoint["id"]]
            alike = [
                link
                for link in near
                if link["ifname"] == endpoint["ifname"] and is_known_without_tag(link, endpoint) and "ifalias" not in link
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

    def unused_resolvers(self) -> list[str]:
        """The namespaces whose file of name servers is ours, while no endpoint in them wants one."""
        wanted = {item["netns"] for item in self.endpoints if item["dns"]}
        return [netns for netns, content in self.resolvers.items() if is_our_resolver(content) and netns not in wanted]

    def foreign_links(self) -> dict[tuple[str, str], Item]:
        """(namespace, name) → each foreign link, as far as only its owner changes it."""
        found = [(item["netns"], self.own_links.get(item["title"])) for item in self.with_links]
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
        files = [(RESOLVER, netns) for netns, content in self.resolvers.items() if not is_our_resolver(content)]
        return {key: known[key] for key in (*links, *((*key, "routes") for key in links), *places, *files)}

    def everything(self) -> dict[t.Any, t.Any]:
        """The same for everything on the host, no matter who owns it."""
        found: dict[t.Any, t.Any] = {(RESOLVER, netns): content for netns, content in self.resolvers.items()}
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
            for item in self.with_links
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
            is_way_to_endpoints = is_ours(link) and kind_of(link) in KINDS_OF_ENDPOINTS
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
            row_of_address(item, field)
            for item in self.with_links
            for field, address in leases_of(item)
            if self.claim_on(plain(address))
        }

    # --- what other programs add to our links ------------------------------------------------------------------------

    def of_others(self, title: str) -> set[str]:
        """The addresses and routes on the link of an endpoint that are not recorded, as warnings name them."""
        link = self.own_links[title]
        endpoint = next(item for item in self.with_links if item["title"] == title)
        recorded = {(route["to"], route["via"]) for route in endpoint["routes"]} | default_routes(endpoint)
        found = {text_of(entry) for entry in global_entries(link)}
        routes = self.places[endpoint["netns"]].routes_of(link["ifname"]) - recorded
        return found - set(addresses_of(endpoint)) | {route_text(*route) for route in routes}

    def foreign_addresses(self, title: str) -> list[str]:
        """Those of these addresses that are there for good; none where there is no link."""
        link = self.own_links.get(title, {"addr_info": []})
        endpoint = next(item for item in self.with_links if item["title"] == title)
        there = {text_of(entry) for entry in global_entries(link) if entry["valid_life_time"] == FOREVER}
        return sorted(there - set(addresses_of(endpoint)))

    def is_exclusive(self, title: str) -> bool:
        """Whether these addresses are to go."""
        return any(item["title"] == title and item["exclusive"] for item in self.with_links)

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
        for item in self.with_links:
            found |= {row_of(item, field) for field in self._fields(item)}
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
        content = self.resolvers.get(endpoint["netns"], "")
        if endpoint["dns"] and (not is_our_resolver(content) or content.splitlines()[1:] != lines_of_resolver(endpoint["dns"])):
            yield "dns"
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
        # These have their parent's, whichever that is.
        mac = endpoint["mac"] if has_own_mac(endpoint) else self.host.links[endpoint["parent"]]["address"]
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
        vrf = self.places[endpoint["netns"]].vrf_of(link)
        if vrf != endpoint["vrf"]:
            yield from ["vrf"] if endpoint["vrf"] else []
            return
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
            routes=[route for route in (*routes4, *map(with_default6, routes6)) if route],
        )
        for netns, (links, routes4, routes6) in list_networks(host).items()
    }
    files = {path.parent.name: path for path in host.path(RESOLVERS).glob("*/resolv.conf")}
    return ObservedHost(places, host.tables(), {netns: path.read_text(encoding="utf-8") for netns, path in files.items()})


def with_default6(route: Item) -> Item:
    """A route of IPv6 that says so, also if it leads everywhere and has no gateway."""
    return {**route, "dst": "::/0"} if route.get("dst") == "default" else route


def has_own_mac(endpoint: Item) -> bool:
    """Whether the link has a MAC address of its own, and not its parent's."""
    return endpoint["mode"] != "passthru" and endpoint["driver"] == "macvlan"


def is_known_without_tag(link: Item, endpoint: Item) -> bool:
    """Whether a link has what only the one of an endpoint can have on its parent."""
    if kind_of(link) == "ipvlan":
        return bool({text_of(entry) for entry in global_entries(link)} & {*addresses_of(endpoint)})
    return bool(link["address"] == endpoint["mac"])


def is_our_resolver(content: str) -> bool:
    """Whether the first line of a file of name servers says that it is ours."""
    return content.startswith(f"# {TAG}")


def lines_of_resolver(dns: Item) -> list[str]:
    """What the file has after its first line."""
    return [*([f"search {' '.join(dns['search'])}"] if dns["search"] else []), *(f"nameserver {server}" for server in dns["servers"])]


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
    return f"the route to {'0.0.0.0/0' if to == DEFAULT4 else to}" + (f" via {via}" if via else "")


def plain(address: str) -> str:
    """An address without the length of its prefix."""
    return address.partition("/")[0]


def default_routes(endpoint: Item) -> set[tuple[str, str | None]]:
    """The default routes of an endpoint, as :meth:`Place.routes_of` has them."""
    defaults = {4: DEFAULT4, 6: DEFAULT6}
    if endpoint["routed"]:
        return {(defaults[version_of(address)], None) for address in addresses_of(endpoint)}
    return {(defaults[version], endpoint[f"gateway{version}"]) for version in (4, 6) if endpoint[f"gateway{version}"]}


def row_of(item: Item, field: str) -> Row:
    """A field of an endpoint, or of the access of the host to a network, as drift names it."""
    return item["object"], item["prefix"] + field


def row_of_address(item: Item, field: str) -> Row:
    """The same of one that is in use elsewhere as well."""
    return row_of(item, "address" if item["prefix"] else field)


def blocks_of(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The networks of FIRST-LAST, or of a CIDR."""
    first, dash, last = text.partition("-")
    if not dash:
        return [ipaddress.ip_network(text)]
    return [*ipaddress.summarize_address_range(ipaddress.ip_address(first), ipaddress.ip_address(last))]


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
