# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that lives through whatever comes: tasks, interference, death in the middle and reboots, in any order.

MACVLAN_EXAMPLES=1000 tries so many sequences, other ones each time.
"""

from __future__ import annotations

import collections
import dataclasses
import ipaddress
import itertools
import os
import signal
import sys
import typing as t
import uuid

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from ansible_collections.fleetnet.macvlan.tests.support.faults import Death
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import Tally
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.interference import (
    AT_RUN_TIME,
    EXTRA4,
    EXTRA6,
    GIVE,
    GIVE_ASKED_FOR,
    GIVE_BACK,
    GIVE_HELD,
    MEET,
    OF_OPTIONS,
    ON_A_LINK,
    ON_A_LINK_BELOW,
    ON_A_NAMESPACE,
    ON_A_PARENT,
    ON_A_VRF,
    ON_AN_ACCESS,
    ON_THE_HOST,
    ON_THE_WIRE,
    RENAMES_IN_USE,
    OwnAddress,
    addresses_on,
    free_addresses,
    held_addresses,
    own_addresses,
    resolver,
)
from ansible_collections.fleetnet.macvlan.tests.support.observed import (
    DEFAULT4,
    DEFAULT6,
    DUMMY_MTU,
    LOOPBACK,
    Item,
    ObservedHost,
    Row,
    addresses_of,
    global_entries,
    has_own_mac,
    is_our_resolver,
    observe,
    plain,
    version_of,
)
from ansible_collections.fleetnet.macvlan.tests.support.snapshot import TAG
from ansible_collections.fleetnet.macvlan.tests.support.tasks import KEYS, NOTHING_LISTED, promised

pytestmark = pytest.mark.engine

INTERFERENCES = {**ON_A_LINK, **ON_A_NAMESPACE, **ON_A_PARENT, **ON_A_LINK_BELOW, **ON_THE_HOST, **ON_AN_ACCESS, **ON_A_VRF, **ON_THE_WIRE}
# What others do with addresses is tried as often as all else together, and so is what undoes a single option.
WITH_ADDRESSES = {**AT_RUN_TIME, **ON_THE_HOST, **ON_THE_WIRE}
KINDS = (INTERFERENCES, WITH_ADDRESSES, OF_OPTIONS)
# What no run takes back.
TO_LIVE_WITH = (*AT_RUN_TIME, *ON_THE_WIRE, GIVE_HELD)
FAMILIES = ("ipv4", "ipv6")
BOOT_ID = "/proc/sys/kernel/random/boot_id"
COMPLETE = 0

NETWORKS: dict[str, Item] = {
    "n0": {"parent": "eth0", "subnets": ("10.0.0.0/24", "fd00::/64"), "allow_shared_parent": True},
    "n1": {"parent": "eth1", "subnets": ("10.1.0.0/24",)},
    "n2": {"parent": "eth0", "subnets": ("fd02::/64",), "allow_shared_parent": True},
    "n3": {"parent": "eth2", "subnets": ("10.3.0.0/24",), "mode": "passthru"},
    "n4": {"parent": "eth0.50", "subnets": ("10.4.0.0/24", "fd04::/64"), "allow_shared_parent": True},
    "n5": {"parent": "eth0.50", "subnets": ("10.5.0.0/24",), "allow_shared_parent": True},
    "n6": {"parent": None, "subnets": ("10.6.0.0/24", "fd06::/64")},
    "n7": {"parent": "eth1.60", "subnets": ("10.7.0.0/24",)},
    "n8": {"parent": "eth0.50.8", "subnets": ("10.8.0.0/24",)},
    "n9": {"parent": "eth0", "subnets": ("10.9.0.0/24", "fd09::/64"), "driver": "ipvlan"},
}
SPACES = ("a", "b", "c")
IN_HOST = "host"
ON_ANY_PARENT = [*((network, place) for network in ("n0", "n1", "n2") for place in (*SPACES, IN_HOST)), ("n3", "b")]
ON_OWN_PARENTS = [(network, place) for network in ("n4", "n5", "n6", "n7", "n8") for place in (*SPACES[:2], IN_HOST)]
IN_VRFS = [("n1", "a"), ("n1", IN_HOST)]
OF_IPVLAN = [("n9", place) for place in ("a", "b", IN_HOST)]
KEYS_OF_ENDPOINTS = [*ON_ANY_PARENT, *ON_OWN_PARENTS, *OF_IPVLAN]
VRFS = {"red": 1000, "blue": 20}
# What is recorded as it is asked for.
OF_NETWORKS = ("name", "parent", "driver", "mode", "mtu", "labels", "exclusive", "probe")
OF_SUBNETS = ("subnet", "ip_ranges", "exclude")
OF_ENDPOINTS = (
    *("network", "name", "ifname", "own_mtu", "own_exclusive", "own_probe", "default_route", "routes", "sysctls", "labels"),
    *("further", "without_ipv4", "without_ipv6", "vrf"),
)
OF_ACCESSES = ("network", "ifname", "routes", "metric")
# The host is reached without its networks, whatever the lock-out guard thinks of the routes that others gave it.
FORCED = {"force": True}
ROUTED = ("l3", "l3s")
# The networks that the host may have access to.
WITH_ACCESS = ("n0", "n1", "n4", "n6", "n9")
# Endpoints of one namespace can have only one of these, or none.
DNS, OTHER_DNS = {"servers": ["10.0.0.53", "fd00::53"], "search": []}, {"servers": ["10.1.0.53"], "search": ["example.com", "example.org"]}
# Who has the default routes of a namespace.
DEFAULT_ROUTES = {("n0", "a"), ("n1", "b"), ("n2", "b"), ("n0", "c"), ("n4", "a"), ("n7", "b"), ("n9", "a")}


@dataclasses.dataclass(frozen=True)
class World:
    """What there can be on a host, and how much is tried of it.

    :ivar parents: the links that it is plugged in with
    :ivar keys: of the endpoints, and so of the networks
    :ivar subinterfaces: names of those that may also be declared
    :ivar seed: of the lives that are the same every time
    :ivar has_vrfs: whether the host has VRFs, which endpoints of its own namespace may be in
    """

    parents: tuple[str, ...]
    keys: list[tuple[str, str]]
    subinterfaces: tuple[str, ...]
    examples: int
    steps: int
    seed: int
    has_vrfs: bool = False

    @property
    def networks(self) -> list[str]:
        return sorted({network for network, dummy in self.keys})


ANY_PARENT = World(("eth0", "eth1", "eth2"), ON_ANY_PARENT, (), examples=9, steps=25, seed=4)
OWN_PARENTS = World(("eth0", "eth1"), ON_OWN_PARENTS, ("eth0.50", "eth1.60"), examples=8, steps=15, seed=1)
OTHER_LINKS = World(("eth0", "eth1"), [*IN_VRFS, *OF_IPVLAN], (), examples=10, steps=20, seed=1, has_vrfs=True)


# --- what is declared -----------------------------------------------------------------------------------------------


@st.composite
def networks(draw: st.DrawFn, name: str) -> Item:
    """The options of a network."""
    fixed = NETWORKS[name]
    subnets: list[Item] = [{"subnet": cidr, "exclude": []} for cidr in fixed["subnets"]]
    modes = ("l2", "l2", "l3", "l3s") if fixed.get("driver") else ("bridge", "private", "vepa")
    mode = fixed.get("mode") or draw(st.sampled_from(modes))
    gateway = draw(st.sampled_from((None, None, "254", "none"))) if mode not in ROUTED else None
    if "." in fixed["subnets"][0]:
        base = f"10.{name[1]}.0."
        # So that nobody has the address of a gateway before it is one.
        subnets[0]["ip_range"] = draw(st.sampled_from((f"{base}16/28", f"{base}16/28", [f"{base}16-{base}17", f"{base}24/29"])))
        subnets[0]["exclude"] = draw(st.sampled_from(([], [], [f"{base}17"], [f"{base}18-{base}19", f"{base}24/31"])))
        if gateway:
            subnets[0]["gateway"] = gateway if gateway == "none" else f"{base}{gateway}"
    if ":" in fixed["subnets"][-1]:
        subnets[-1]["exclude"] = draw(st.sampled_from(([], [], [f"fd0{name[1]}::2/127"])))
    if fixed.get("driver"):
        # Without a gateway nobody gets the address of one either, so that there can be one again.
        subnets[-1]["ip_range"] = f"fd0{name[1]}::2-fd0{name[1]}::ff"
    accesses = (True, {"ifname": f"shim{name[1]}", "metric": 7}, {"routes": "ranges", "metric": 700})
    access = draw(st.sampled_from((None, *accesses))) if name in WITH_ACCESS and mode not in ("private", *ROUTED) else None
    if access_as_recorded(name, access).get("routes") == "ranges" and ":" in fixed["subnets"][-1] and not fixed.get("driver"):
        # The host may have an endpoint of its own, with a route to the whole subnet.
        subnets[-1]["ip_range"] = f"fd0{name[1]}::1-fd0{name[1]}::ff"
    return {
        "name": name,
        "mode": mode,
        "host_access": access,
        "mtu": draw(st.sampled_from((None, None, 1400))),
        "labels": draw(st.sampled_from(({}, {"owner": "us"}))),
        "exclusive": draw(st.sampled_from((False, False, True))),
        **draw(st.sampled_from(({}, {}, {"probe": "none"}))),
        **fixed,
        "subnets": subnets,
    }


def number_of(key: tuple[str, str]) -> int:
    """The last part of the first addresses that an endpoint may ask for."""
    return 50 + KEYS_OF_ENDPOINTS.index(key)


class Asked(t.NamedTuple):
    """The addresses of a family that an endpoint may ask for, ADDRESS/LENGTH, and nobody else does.

    :ivar first: as the first of its family, or, when it asks for the second, beside it
    :ivar second: the same the other way round
    :ivar beside: only beside others
    """

    first: str
    second: str
    beside: str


def asked_of(key: tuple[str, str], version: int) -> Asked | None:
    """The addresses of a family that an endpoint may ask for; None if its network has none."""
    (*found,) = (cidr.split("/") for cidr in NETWORKS[key[0]]["subnets"] if version_of(cidr) == version)
    for base, length in found:
        return Asked(*(f"{base.removesuffix('0')}{more + number_of(key)}/{length}" for more in (0, 150, 110)))
    return None


@st.composite
def of_addresses(draw: st.DrawFn, key: tuple[str, str]) -> Item:
    """The options of an endpoint about its addresses; it keeps one of its families at least."""
    pairs = {version: asked for version in (4, 6) if (asked := asked_of(key, version)) is not None}
    left_out = draw(st.sampled_from((None, None, *([4, 6] if len(pairs) > 1 else {4, 6} - pairs.keys()))))
    options: Item = {} if left_out is None else {f"ipv{left_out}": "none"}
    further: list[str] = []
    for version, asked in pairs.items():
        if version == left_out:
            continue
        beside = [asked.beside]
        if draw(st.booleans() if version == 4 else st.sampled_from((False, False, True))):
            first, second = draw(st.sampled_from((asked[:2], asked[:2], asked[1::-1])))
            options[f"ipv{version}"] = plain(first)
            beside.append(second)
        further += draw(st.sampled_from(([], [], beside, beside[::-1])))
    return {**options, "addresses": [plain(item) for item in further]}


@st.composite
def endpoints(draw: st.DrawFn, key: tuple[str, str], has_vrfs: bool = False) -> Item:
    """The options of an endpoint; what it may ask for is nobody else's."""
    network, place = key
    number, own = network[1], number_of(key)
    options: Item = {"name": place, "network": network, "default_route": key in DEFAULT_ROUTES}
    if place != IN_HOST:
        options["netns"] = place
    options["ifname"] = f"{'mv' if place == IN_HOST else 'eth'}{number}" + draw(st.sampled_from(("", "", "x")))
    options["mtu"] = draw(st.sampled_from((None, None, 1300)))
    options["labels"] = draw(st.sampled_from(({}, {"owner": "us"})))
    options["exclusive"] = draw(st.sampled_from((None, False, True)))
    options["sysctls"] = draw(st.sampled_from(({}, {}, {"net.ipv4.conf.IFNAME.rp_filter": "2"})))
    if has_vrfs and place == IN_HOST:
        options["vrf"] = draw(st.sampled_from((None, *VRFS)))
    if network not in ("n3", "n9") and draw(st.booleans()):
        options["mac"] = f"02:00:00:00:00:{own}"
    options.update(draw(st.sampled_from(({}, {}, {}, {"probe": "none"}, {"probe": "careful"}))))
    options.update(draw(of_addresses(key)))
    if place != IN_HOST:
        options["dns"] = draw(st.sampled_from((None, None, DNS, DNS, OTHER_DNS)))
    routes = []
    if network != "n2" and options.get("ipv4") != "none":
        routes.append({"to": f"10.{9 + own}.0.0/16", "via": f"10.{number}.0.9"})
    if network in ("n0", "n2") and options.get("ipv6") != "none":
        routes.append({"to": f"fd09:{own}::/64", "via": f"fd0{number}::9"})
    options["routes"] = routes if draw(st.booleans()) else []
    return options


class Declared(t.NamedTuple):
    """What there shall be, as options of tasks."""

    networks: dict[str, Item]
    endpoints: dict[tuple[str, str], Item]
    subinterfaces: frozenset[str] = frozenset()

    def config(self) -> Item:
        return {
            "vlan_subinterfaces": [{"name": name} for name in sorted(self.subinterfaces)],
            "networks": list(self.networks.values()),
            "endpoints": list(self.endpoints.values()),
            "purge": True,
            **FORCED,
        }

    def without(self, network: str) -> Declared:
        """Without a network and its endpoints."""
        return self._replace(
            networks={name: item for name, item in self.networks.items() if name != network},
            endpoints={key: item for key, item in self.endpoints.items() if key[0] != network},
        )

    def uses(self, parent: str) -> bool:
        """Whether a network is on a link, or on a VLAN of it."""
        return any(f"{network['parent']}.".startswith(f"{parent}.") for network in self.networks.values())


# --- what is in the way ---------------------------------------------------------------------------------------------


def in_the_way_of(seen: ObservedHost, declared: Declared) -> list[str]:
    """What a task must name that is refused because of how the host is: the objects that cannot be had."""
    found = [f"vlan_subinterface {name}" for name in retracted(seen, declared) if not can_be_removed(seen, name)]
    for name in declared.subinterfaces:
        if mtu_of_vlan(seen, name) is None or name not in seen.owned and not is_as_named(seen, name):
            found += [f"vlan_subinterface {name}", name]
    for name, network in declared.networks.items():
        mtu = mtu_below(seen, declared, network)
        if mtu is None or (network["mtu"] or 0) > mtu:
            found += [f"network {name}", *levels_of(str(parent_of(seen, network)))]
        elif has_new_gateway_of_parent(seen, network) or network["host_access"] and any(hindrances_of_access(seen, network, mtu)):
            found.append(f"network {name}")
    for key, endpoint in declared.endpoints.items():
        mtu = mtu_below(seen, declared, declared.networks[key[0]])
        if mtu is not None and any(hindrances(seen, declared.networks[key[0]], endpoint, mtu)):
            found.append(f"endpoint {key[0]}/{key[1]}")
        if endpoint.get("vrf") and endpoint["vrf"] not in seen.host.vrfs:
            found.append(f"endpoint {key[0]}/{key[1]}")
        found += [f"endpoint {key[0]}/{key[1]}"] * bool(endpoint.get("dns") and has_no_resolver(seen, declared, endpoint))
    return found


def has_no_resolver(seen: ObservedHost, declared: Declared, endpoint: Item) -> bool:
    """Whether a namespace cannot have the name servers that an endpoint asks for: others are asked for, or its file is foreign."""
    asked = [item["dns"] for item in declared.endpoints.values() if item.get("netns") == endpoint["netns"] and item["dns"]]
    content = seen.resolvers.get(endpoint["netns"])
    return any(item != endpoint["dns"] for item in asked) or content is not None and not is_our_resolver(content)


def parent_of(seen: ObservedHost, network: Item) -> str | None:
    """The name of the parent of a network; there is one dummy at most."""
    known = (name for name in (*seen.owned, *seen.host.links) if name.startswith("dm-"))
    return network["parent"] or next(known, None)


def levels_of(name: str) -> list[str]:
    """A sub-interface, and those below it."""
    base = name.rpartition(".")[0]
    return [name, *(levels_of(base) if "." in base else ())]


def has_new_gateway_of_parent(seen: ObservedHost, network: Item) -> bool:
    """Whether a gateway that a network has not yet is an address of its parent; where nothing leads out none matters."""
    before = next((item["subnets"] for item in seen.bodies("networks") if item["name"] == network["name"]), [])
    known = {subnet["gateway"] for subnet in before}
    links = {claim.link for gateway in gateways_of(network) - known for claim in seen.claims.get(gateway, ())}
    return network["parent"] is not None and network["parent"] in links


def gateways_of(network: Item) -> set[str]:
    """The gateways that a network is to have: given, or the first usable addresses."""
    given = {subnet["subnet"]: subnet.get("gateway") for subnet in network["subnets"]}
    found = {gateway or str(next(ipaddress.ip_network(cidr).hosts())) for cidr, gateway in given.items()}
    return found - {"none"}


def mtu_below(seen: ObservedHost, declared: Declared, network: Item) -> int | None:
    """The mtu that the parent of a network will have; None where there can be none."""
    name = parent_of(seen, network)
    link, owned = seen.host.links.get(name or ""), seen.owned.get(name or "")
    if network["parent"] is None:
        is_free = link is None if owned is None else has_or_gets_its_name(seen, owned)
        return DUMMY_MTU if is_free else None
    if "." in network["parent"]:
        before = next((item for item in seen.bodies("networks") if item["name"] == network["name"]), None)
        is_known = before is None or before["parent_created"] or name in declared.subinterfaces
        if owned is not None or link is None and is_known:
            return mtu_of_vlan(seen, network["parent"])
    return None if link is None else int(link["mtu"])


def mtu_of_vlan(seen: ObservedHost, name: str) -> int | None:
    """The mtu that a sub-interface of ours will have; None where there can be none."""
    base, link, owned = name.rpartition(".")[0], seen.host.links.get(name), seen.owned.get(name)
    mtu = mtu_of_base(seen, base, owned is None)
    if mtu is None or owned is not None and not has_or_gets_its_name(seen, owned):
        return None
    others = [other for other in seen.host.links.values() if owned is None or other is not seen.own_below(owned)]
    if link is None and any(vlan_of(other) == named_vlan(name) for other in others):
        return None
    return mtu


def mtu_of_base(seen: ObservedHost, base: str, is_new: bool) -> int | None:
    """The mtu that a link below a sub-interface will have; None where there can be none.

    :param is_new: whether what is missing can be created, because the sub-interface is not recorded
    """
    link = seen.host.links.get(base)
    if base in seen.owned or link is None and "." in base and is_new:
        return mtu_of_vlan(seen, base)
    return None if link is None or "UP" not in link["flags"] else int(link["mtu"])


def has_or_gets_its_name(seen: ObservedHost, owned: Item) -> bool:
    """Whether a link of ours has its name, can be made under it, or can be renamed back."""
    own, named = seen.own_below(owned), seen.host.links.get(owned["name"])
    if own is None or named is not None:
        return own is named
    return RENAMES_IN_USE or "UP" not in own["flags"]


def vlan_of(link: Item) -> tuple[str | None, str]:
    """Base and VLAN id of a link, as its name should tell them."""
    return link.get("link"), str(link.get("linkinfo", {}).get("info_data", {}).get("id", ""))


def named_vlan(name: str) -> tuple[str, str]:
    """Base and VLAN id, as a name tells them."""
    base, dummy, vlan = name.rpartition(".")
    return base, vlan


def is_as_named(seen: ObservedHost, name: str) -> bool:
    """Whether a foreign link is the sub-interface that its name tells, and up, if it is there."""
    link = seen.host.links.get(name)
    return link is None or vlan_of(link) == named_vlan(name) and "UP" in link["flags"]


def retracted(seen: ObservedHost, declared: Declared) -> list[str]:
    """The sub-interfaces that are no longer declared, and that nothing else needs."""
    recorded = (name for name, owned in seen.owned.items() if owned.get("declared"))
    return [name for name in recorded if name not in declared.subinterfaces and not declared.uses(name)]


def can_be_removed(seen: ObservedHost, name: str) -> bool:
    """Whether a sub-interface is still ours alone, or gone."""
    own = seen.own_below(seen.owned[name])
    link = own if own is not None and "ifalias" in own else seen.host.links.get(name)
    above = [other for other in seen.host.links.values() if link and other.get("link") == link["ifname"]]
    return link is None or link is own and "ifalias" in link and all("ifalias" in other for other in above)


def hindrances(seen: ObservedHost, network: Item, endpoint: Item, mtu: int) -> t.Iterator[bool]:
    """Each thing that may be in the way of an endpoint.

    :param mtu: what its parent will have
    """
    yield (endpoint["mtu"] or 0) > mtu
    yield mtu < 1280 and any(":" in subnet["subnet"] for subnet in network["subnets"]) and endpoint.get("ipv6") != "none"
    title = f"endpoint {endpoint['network']}/{endpoint['name']}"
    yield bool(claims_asked_for(seen, endpoint))
    place = seen.places.get(endpoint.get("netns", ""))
    if place is None:
        return
    own = seen.own_links.get(title)
    yield own is None and any(item["title"] == title and seen.tagged(item) for item in seen.endpoints)
    other = place.links.get(endpoint["ifname"])
    yield other is not None and other is not own
    left_out = {version for version in (4, 6) if endpoint.get(f"ipv{version}") == "none"}
    wants = {version_of(item["subnet"]) for item in network["subnets"] if item.get("gateway") != "none"} - left_out
    foreign = [name for netns, name in seen.foreign_links() if netns == endpoint.get("netns", "")]
    routes = [route for name in foreign for route in place.routes_of(name)]
    held = {version_of(via) for to, via in routes if to in (DEFAULT4, DEFAULT6) and via}
    yield endpoint["default_route"] and bool(wants & held)


def hindrances_of_access(seen: ObservedHost, network: Item, mtu: int) -> t.Iterator[bool]:
    """Each thing that may be in the way of the access of the host to a network.

    :param mtu: what its parent will have
    """
    yield mtu < 1280 and any(":" in subnet["subnet"] for subnet in network["subnets"])
    recorded = [item for item in seen.accesses if item["network"] == network["name"]]
    yield any(item["title"] not in seen.own_links and seen.tagged(item) for item in recorded)


def claims_asked_for(seen: ObservedHost, endpoint: Item) -> list[str]:
    """What a task must say of addresses that it asks for and that the host has in use; what an endpoint has it keeps."""
    own = next((item for item in seen.endpoints if (item["network"], item["name"]) == (endpoint["network"], endpoint["name"])), None)
    tag, kept = (TAG + own["id"], set(map(plain, addresses_of(own)))) if own else ("", set())
    asked = [(field, endpoint[field]) for field in FAMILIES if endpoint.get(field) not in (None, "none")]
    asked += [("addresses", address) for address in endpoint["addresses"]]
    claims = [(field, address, seen.claim_on(address, tag)) for field, address in asked if address not in kept]
    return [f"{field}: {address} {claim.what}" for field, address, claim in claims if claim is not None]


def moved_away_links(seen: ObservedHost) -> list[str]:
    """Macvlan links that were ours, and whose MAC addresses may be in the way."""
    foreign = seen.foreign_links()
    return [
        link["ifname"]
        for netns, dummy, link in seen.macvlans()
        if (netns, link["ifname"]) in foreign and link["address"].startswith(("02:42:", "02:00:00:"))
    ]


# --- the life of a host ---------------------------------------------------------------------------------------------


class Life(RuleBasedStateMachine):
    """One host, and what should be there."""

    def __init__(self, world: World, counts: collections.Counter[str]) -> None:
        super().__init__()
        self.world = world
        self.counts = counts
        self.host = Host()
        self.declared = Declared({}, {})
        self.addresses: dict[str, tuple[t.Any, t.Any]] = {}
        self.further: set[str] = set()
        self.neighbours: set[str] = set()
        self.drift: set[Row] = set()
        self.counts["examples"] += 1

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """A host with a few endpoints, or, if that dies, with what it leaves."""
        for parent in self.world.parents:
            self.host.add_parent(parent)
        self.add_vrfs()
        self.new_boot()
        self.host.run(["mount", "--bind", str(HOME / "boot_id"), BOOT_ID])
        self.look()
        for name in sorted(data.draw(st.sets(st.sampled_from(sorted(self.first_addresses())), max_size=4), label="addresses")):
            self.interfere_with(GIVE, self.first_addresses()[name])
        met = {item.address for item in self.first_addresses().values()} if self.world is not OWN_PARENTS else set()
        for address in sorted(data.draw(st.sets(st.sampled_from(sorted(met)), max_size=2), label="neighbours") if met else ()):
            self.interfere_with(MEET, address)
        keys = data.draw(st.sets(st.sampled_from(self.world.keys), min_size=3, max_size=8), label="keys")
        subinterfaces = data.draw(st.frozensets(st.sampled_from(self.world.subinterfaces or ("",)))) - {""}
        declared = Declared(
            {name: data.draw(networks(name)) for name in sorted({network for network, dummy in keys})},
            {key: data.draw(endpoints(key, self.world.has_vrfs)) for key in sorted(keys)},
            subinterfaces,
        )
        dies = data.draw(st.sampled_from((None, None, None, 12, 29)))
        self.run("macvlan_config", declared.config(), declared, dies=dies)

    def first_addresses(self) -> dict[str, OwnAddress]:
        """What the host may have before anything is made: of what the networks would give out first."""
        found = [
            OwnAddress(link, f"{base.removesuffix('0')}{tail}/{length}")
            for network in self.world.networks
            for base, length in (cidr.split("/") for cidr in NETWORKS[network]["subnets"])
            for link, tail in zip(self.world.parents, ("2", "3", "4") if ":" in base else ("16", "17", "18"), strict=False)
        ]
        return {str(item): item for item in found}

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None and hasattr(self, "seen"):
                self.end()
        finally:
            self.host.close()

    def end(self) -> None:
        """Nothing that was done keeps the host from becoming what is declared, or from becoming empty."""
        while True:
            cures = self.cures()
            if not cures:
                break
            next(iter(cures.values()))()
            self.look()
        if self.seen.interrupted:
            self.run("macvlan_config", self.declared.config(), self.declared)
        assert in_the_way_of(self.seen, self.declared) == []
        self.run("macvlan_config", self.declared.config(), self.declared)
        for key in self.reached()[:1]:
            self.run(*self.without_endpoint(self.declared, key), exact=False, removal=True)
        self.run("macvlan_config", {**NOTHING_LISTED, **FORCED}, Declared({}, {}), removal=True)
        left = [name for place in self.seen.places.values() for name, link in place.links.items() if "ifalias" in link]
        assert (left, self.seen.resolvers) == ([], {})

    # --- tasks ------------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def configure(self, data: st.DataObject) -> None:
        """Change several objects in one task."""
        declared = self.declared
        for dummy in range(data.draw(st.integers(1, 3), label="edits")):
            declared = self.edited(data, declared)[2]
        removal = not (declared.networks or declared.subinterfaces)
        self.run("macvlan_config", declared.config(), declared, dies=data.draw(deaths), removal=removal)

    @rule(data=st.data())
    def change_one(self, data: st.DataObject) -> None:
        """Change one object in a task of its own."""
        reached = self.reached()
        if reached and data.draw(st.booleans(), label="of those that the host reaches"):
            module, params, declared = self.edited_endpoint(data, self.declared, data.draw(st.sampled_from(reached)))
        else:
            module, params, declared = self.edited(data, self.declared)
        removal = params.get("state") == "absent"
        self.run(module, params, declared, exact=False, dies=data.draw(deaths), removal=removal)

    def reached(self) -> list[tuple[str, str]]:
        """The endpoints that the host has routes of their own to, by an interface that is there."""
        there = [item for item in self.seen.accesses if item["title"] in self.seen.own_links]
        accesses = {item["network"] for item in there if item["host_access"]["routes"] == "endpoints"}
        return sorted(key for key, options in self.declared.endpoints.items() if key[0] in accesses and "netns" in options)

    @rule(dies=st.sampled_from((None, None, None, 1, 4, 9)))
    def repeat(self, dies: int | None) -> None:
        """Run the whole declared state again."""
        removal = not (self.declared.networks or self.declared.subinterfaces)
        self.run("macvlan_config", self.declared.config(), self.declared, dies=dies, removal=removal)

    def edited(self, data: st.DataObject, declared: Declared) -> tuple[str, Item, Declared]:
        """A task for one object, and what is declared with it."""
        network = data.draw(st.sampled_from(self.world.networks), label="network")
        keys = [key for key in self.world.keys if key[0] == network]
        kinds = (*["endpoint"] * 3, "network", "drop endpoint", "drop network", *["link below"] * bool(self.world.subinterfaces))
        what = data.draw(st.sampled_from(kinds))
        if what == "link below":
            return self.edited_below(data.draw(st.sampled_from(self.world.subinterfaces)), declared)
        if network not in declared.networks or what == "network":
            options = data.draw(networks(network))
            return "macvlan_network", {**options, **FORCED}, declared._replace(networks={**declared.networks, network: options})
        if what == "endpoint":
            return self.with_endpoint(data, declared, data.draw(st.sampled_from(keys)))
        if what == "drop network":
            params = {"name": network, "state": "absent", "force": True}
            return "macvlan_network", params, declared.without(network)
        return self.without_endpoint(declared, data.draw(st.sampled_from(keys)))

    def edited_endpoint(self, data: st.DataObject, declared: Declared, key: tuple[str, str]) -> tuple[str, Item, Declared]:
        """The same for one that changes or goes."""
        goes = data.draw(st.booleans(), label="goes")
        return self.without_endpoint(declared, key) if goes else self.with_endpoint(data, declared, key)

    def with_endpoint(self, data: st.DataObject, declared: Declared, key: tuple[str, str]) -> tuple[str, Item, Declared]:
        """The same for one that comes, or changes."""
        options = data.draw(endpoints(key, self.world.has_vrfs))
        return "macvlan_endpoint", {**options, **FORCED}, declared._replace(endpoints={**declared.endpoints, key: options})

    def without_endpoint(self, declared: Declared, key: tuple[str, str]) -> tuple[str, Item, Declared]:
        """The same for one that goes, or is not there."""
        kept = {other: options for other, options in declared.endpoints.items() if other != key}
        params = {"name": key[1], "network": key[0], "state": "absent", **FORCED}
        return "macvlan_endpoint", params, declared._replace(endpoints=kept)

    def edited_below(self, name: str, declared: Declared) -> tuple[str, Item, Declared]:
        """The same for a sub-interface: what is declared goes, unless something uses it."""
        if name in declared.subinterfaces and not declared.uses(name):
            params = {"name": name, "state": "absent"}
            return "vlan_subinterface", params, declared._replace(subinterfaces=declared.subinterfaces - {name})
        return "vlan_subinterface", {"name": name}, declared._replace(subinterfaces=declared.subinterfaces | {name})

    def run(
        self,
        module: str,
        params: Item,
        then: Declared,
        exact: bool = True,
        dies: int | None = None,
        removal: bool = False,
    ) -> None:
        """Run a task, which does what it says, or is refused for a reason, or dies.

        :param then: what is declared when it has succeeded
        :param exact: it is about the whole host, and is refused whenever something is in the way
        :param dies: at which of its moments; one that has not so many, or is refused, lives, and is run again
        :param removal: nothing but that, which the next run finishes when it has died
        """
        if dies is not None and self.died(module, params, then, dies, removal):
            return
        before = self.seen
        obstacles = in_the_way_of(before, then)
        if not exact:
            # It has not the whole of what is declared to go by.
            obstacles += in_the_way_of(before, then._replace(subinterfaces=frozenset()))
        answered = self.asked_of_neighbours(before, then)
        may_fail = bool(obstacles or answered or moved_away_links(before)) or before.interrupted
        snapshot = self.host.snapshot() if may_fail and not before.interrupted else None
        foreseen = self.attempt(module, params, check=True)
        done = self.attempt(module, params)
        self.counts["tasks"] += 1
        self.look()
        self.check_foreign(before)
        self.check_of_others(before, done.get("warnings", []))
        # Whatever becomes of a run, it clears up first.
        assert not self.seen.interrupted
        if done["failed"]:
            self.counts["refusals"] += 1
            assert may_fail, done["msg"]
            self.check_refusal(before, [*obstacles, *answered], foreseen, done["msg"])
            if exact and not answered:
                self.check_claims_told(before, then, obstacles, done["msg"])
            assert snapshot is None or self.host.snapshot() == snapshot
            return
        assert not (exact and obstacles and snapshot), obstacles
        if not (before.interrupted and (done.get("probed") or {}).get("conflicts")):
            # Before it is cleared up check mode asks no neighbours.
            assert promised(foreseen, KEYS[module]) == promised(done, KEYS[module])
        self.declared = then
        self.check_recorded()
        self.counts["routes that single tasks took away"] += 0 if exact else len(routes_to(before) - routes_to(self.seen))
        self.check_chosen(before)
        self.check_probed(before, done.get("probed") or {"addresses": 0})
        if module == "macvlan_config":
            assert self.to_be_mended == set()
            self.check_kept(before, done.get("warnings", []))
            again = self.host.call(module, **params)
            assert (again["changed"], again["steps"]) == (False, [])

    def died(self, module: str, params: Item, then: Declared, moment: int, removal: bool) -> bool:
        """Run a task that is to die; whether it has."""
        before = self.seen
        died = self.host.spawn(module, hook=Death(moment), **params).wait() == -signal.SIGKILL
        self.look()
        self.check_foreign(before)
        if not died:
            return False
        self.counts["deaths"] += 1
        if not self.seen.interrupted:
            # It died before it began, or after it had ended.
            self.declared = then if self.is_recorded(then) else self.declared
            self.check_recorded()
        elif removal and self.seen.tables["journal"] != before.tables.get("journal"):
            self.declared = then
        return True

    def asked_of_neighbours(self, before: ObservedHost, then: Declared) -> list[str]:
        """The endpoints that ask for an address that a neighbour has; that is seen where neighbours are asked, and hear it."""
        had = {item["title"]: set(map(plain, addresses_of(item))) for item in before.endpoints}
        asked = {
            f"endpoint {network}/{name}": {item.get("ipv4"), item.get("ipv6"), *item["addresses"]} for (network, name), item in then.endpoints.items()
        }
        return [title for title, addresses in asked.items() if (addresses - had.get(title, set())) & self.neighbours]

    def attempt(self, module: str, params: Item, check: bool = False) -> Item:
        call = self.host.spawn(module, check=check, **params)
        return call.result(fails=call.wait() != 0)

    # --- what others do ---------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def interfere(self, data: st.DataObject) -> None:
        """Several things happen behind the collection's back, preferably to something that is there."""
        if not self.seen.own_links:
            self.run("macvlan_config", self.declared.config(), self.declared, removal=not self.declared.networks)
        for dummy in range(data.draw(st.integers(1, 4), label="times")):
            kinds = data.draw(st.sampled_from(KINDS), label="kinds")
            able = {name: targets for name in kinds if (targets := self.targets(name))} or {
                name: targets for name in INTERFERENCES if (targets := self.targets(name))
            }
            name = data.draw(st.sampled_from(sorted(able)), label="interference")
            self.interfere_with(name, able[name][data.draw(st.sampled_from(sorted(able[name])))])

    @precondition(lambda self: self.seen.own_links and not self.seen.interrupted)
    @rule(data=st.data())
    def live_with(self, data: st.DataObject) -> None:
        """Run everything again after others have done something that stays."""
        able = {name: targets for name in TO_LIVE_WITH if (targets := self.targets(name))}
        if able:
            name = data.draw(st.sampled_from(sorted(able)), label="interference")
            self.interfere_with(name, able[name][data.draw(st.sampled_from(sorted(able[name])))])
        self.run("macvlan_config", self.declared.config(), self.declared, removal=not self.declared.networks)

    def targets(self, name: str) -> dict[str, t.Any]:
        """What can be interfered with in a way, each by something to choose it by."""
        found: dict[str, t.Any] = {netns: netns for netns in SPACES}
        if name in ON_A_LINK:
            found = {item["title"]: item for item in self.seen.endpoints if item["title"] in self.seen.own_links}
        elif name in ON_A_VRF:
            found = {vrf: vrf for vrf in VRFS}
        elif name in ON_AN_ACCESS:
            found = {item["title"]: item for item in self.seen.accesses if item["title"] in self.seen.own_links}
        elif name in ON_A_LINK_BELOW:
            found = {below: owned for below, owned in self.seen.owned.items() if self.seen.own_below(owned)}
        elif name in ON_A_PARENT:
            found = {parent: parent for parent in self.world.parents}
        elif name in ON_THE_WIRE:
            found = {address: address for address in self.addresses_to_meet() if plain(address) not in self.neighbours}
        elif name in ON_THE_HOST:
            found = {str(item): item for item in self.addresses_for(name)}
        return {key: target for key, target in found.items() if INTERFERENCES[name].applies(self.seen, target)}

    def addresses_for(self, name: str) -> list[OwnAddress]:
        """The addresses that the host may get, or lose, in a way."""
        links = (*self.world.parents, LOOPBACK)
        if name == GIVE_BACK:
            return own_addresses(self.seen, links)
        if name == GIVE_ASKED_FOR:
            return addresses_on(self.asked_for(), links)
        held = held_addresses(self.seen)
        return addresses_on(held if name == GIVE_HELD else [*held, *free_addresses(self.seen)], links)

    def addresses_to_meet(self) -> list[str]:
        """The addresses that a neighbour may get: those that an endpoint has, may ask for, or would be given next."""
        if self.world is OWN_PARENTS or len(self.neighbours) > 2:
            return []
        return [*held_addresses(self.seen), *free_addresses(self.seen), *self.asked_for()]

    def asked_for(self) -> list[str]:
        """The addresses that endpoints may ask for."""
        asked = (asked_of(key, version) for key in self.world.keys for version in (4, 6))
        return [address for addresses in asked for address in addresses or ()]

    def interfere_with(self, name: str, target: t.Any) -> None:
        interference = INTERFERENCES[name]
        rows, clean = interference.rows(self.seen, target), not self.to_be_mended
        interference.do(self.host, self.seen, target)
        self.neighbours |= {plain(target)} if name in ON_THE_WIRE else set()
        self.counts["interferences"] += 1
        self.counts[name] += 1
        self.look()
        if clean:
            self.counts["interferences with a host as it should be"] += 1
            assert self.drift == rows | self.seen.conflicts, name

    @precondition(lambda self: self.cures())
    @rule(data=st.data())
    def cure(self, data: st.DataObject) -> None:
        """Others take back what was in the way."""
        cures = self.cures()
        cures[data.draw(st.sampled_from(sorted(cures)))]()
        self.counts["cures"] += 1
        self.look()

    def cures(self) -> dict[str, t.Callable[[], object]]:
        """What was done by others and can be taken back by them."""
        host, found = self.host, {}
        in_use = self.foreign_below()
        for name in (*self.world.parents, *in_use):
            link = self.seen.host.links.get(name)
            if "." in name and mtu_of_vlan(self.seen, name) != DUMMY_MTU:
                # Its base comes first, or what has the VLAN goes.
                continue
            if link is None:
                found[f"add {name}"] = lambda name=name: self.add_parent(name)
            elif link["mtu"] < 1500:
                found[f"raise {name}"] = lambda name=name, up="UP" in link["flags"]: self.raise_mtu(name, up)
            elif "UP" not in link["flags"]:
                found[f"bring up {name}"] = lambda name=name: host.bring_up(name)
        for link, address in own_addresses(self.seen, (*self.world.parents, LOOPBACK)):
            found[f"take {address} from {link}"] = lambda link=link, address=address: host.ip(
                "address", "delete", address, "dev", link
            )
        for route in self.seen.host.routes:
            if route.get("gateway") and route.get("dev") in self.world.parents:
                words = (f"-{version_of(route['gateway'])}", "route", "delete", route["dst"], "dev", route["dev"])
                found[" ".join(words)] = lambda words=words: host.ip(*words)
        for netns, name in self.seen.foreign_links():
            is_parent = not netns and (name in (*self.world.parents, *VRFS) or name in in_use and is_as_named(self.seen, name))
            if name != "lo" and not is_parent:
                found[f"delete {name} in {netns}"] = lambda name=name, netns=netns or None: host.ip(
                    "link", "delete", name, netns=netns
                )
        if self.world.has_vrfs and not VRFS.keys() <= self.seen.host.links.keys():
            found["add VRFs"] = self.add_vrfs
        for netns, content in self.seen.resolvers.items():
            if not is_our_resolver(content):
                found[f"delete the name servers of {netns}"] = lambda netns=netns: resolver(host, netns).unlink()
        for name, owned in self.seen.owned.items():
            link = self.seen.own_below(owned)
            if link is not None and link["ifname"] != name and name not in self.seen.host.links:
                found[f"rename {name}"] = lambda old=link["ifname"], name=name: self.rename(old, name)
        return found

    def foreign_below(self) -> list[str]:
        """The sub-interfaces that networks are on, and that are not ours."""
        return [
            network["parent"]
            for network in self.seen.bodies("networks")
            if "." in network["parent"] and network["parent"] not in self.seen.owned and not network["parent_created"]
        ]

    def add_parent(self, name: str) -> None:
        base, dot, vlan = name.rpartition(".")
        if not dot:
            self.host.add_parent(name)
            return
        self.host.ip("link", "add", "link", base, "name", name, "type", "vlan", "id", vlan)
        self.host.bring_up(name)

    def add_vrfs(self) -> None:
        """Bring the VRFs that are not there."""
        for name, table in VRFS.items() if self.world.has_vrfs else ():
            if name not in self.host.links():
                self.host.ip("link", "add", name, "type", "vrf", "table", str(table))
                self.host.ip("link", "set", name, "up")

    def rename(self, old: str, new: str) -> None:
        self.host.ip("link", "set", old, "down")
        self.host.ip("link", "set", old, "name", new)

    def raise_mtu(self, parent: str, up: bool) -> None:
        """Let a parent have its mtu again, and, if it is up, all that it may have lost of IPv6 meanwhile."""
        self.host.ip("link", "set", parent, "mtu", "1500")
        if up:
            self.host.bring_up(parent)

    # --- reboots ----------------------------------------------------------------------------------------------------

    @rule(
        late=st.sets(st.sampled_from(("eth0", "eth1")), max_size=1),
        lost=st.sampled_from((True, True, False)),
        boots=st.booleans(),
    )
    def reboot(self, late: set[str], lost: bool, boots: bool) -> None:
        """All but the record is gone, and maybe a parent is late; or what a boot runs is run without one."""
        if not lost:
            self.restore()
            return
        for name in self.host.namespaces():
            self.host.delete_netns(name)
        for name in self.host.links():
            # One may have gone with the one below it, or with its other end.
            if name != "lo" and name in self.host.links():
                self.host.ip("link", "delete", name)
        self.host.ip("address", "flush", "dev", LOOPBACK, "scope", "global")
        for name in self.world.parents:
            if name not in late:
                self.host.add_parent(name)
        self.add_vrfs()
        self.new_boot()
        self.counts["reboots"] += 1
        self.look()
        if boots:
            self.restore()

    def new_boot(self) -> None:
        self.host.path(HOME / "boot_id").write_text(f"{uuid.uuid4()}\n", encoding="ascii")

    def restore(self) -> None:
        """What a boot runs; it may be run at any time."""
        before = self.seen
        said = self.host.restore()
        self.counts["restorations"] += 1
        self.look()
        self.check_foreign(before)
        self.check_of_others(before, said.lines)
        assert not self.seen.interrupted
        assert (said.code == COMPLETE) == (not self.to_be_mended), said

    # --- what must hold ---------------------------------------------------------------------------------------------

    def look(self) -> None:
        """What must hold at any time."""
        self.seen = observe(self.host)
        info = self.host.call("macvlan_info")
        assert bool(info.get("warnings")) == self.seen.interrupted
        self.drift = {(item["object"], item["field"]) for item in info["drift"]}
        assert {row for row in self.drift if row[1].rpartition(".")[2] != "sysctls"} == self.seen.drift()
        assert {item["id"]: item["foreign_addresses"] for item in info["endpoints"]} == {
            item["id"]: self.seen.foreign_addresses(item["title"]) for item in self.seen.endpoints
        }
        if not self.seen.interrupted:
            assert self.seen.unrecorded() == []
            assert (self.seen.unused_resolvers(), self.seen.surplus_routes()) == ([], [])
        self.check_duplicates()
        self.counts["steps"] += 1

    @property
    def to_be_mended(self) -> set[Row]:
        """What differs and is not as it has to stay."""
        return self.drift - (self.seen.conflicts - self.seen.differences())

    def check_duplicates(self) -> None:
        recorded = self.seen.with_links
        macs = collections.Counter((item["parent"], item["mac"]) for item in recorded if has_own_mac(item))
        held = collections.Counter(address for item in recorded for address in addresses_of(item))
        on_links = collections.Counter(
            (parent, entry["local"])
            for dummy, parent, link in self.seen.macvlans()
            if any(link is own for own in self.seen.own_links.values())
            for entry in global_entries(link)
            # Virtual addresses may well be those of others.
            if f"{entry['local']}/{entry['prefixlen']}" not in (EXTRA4, EXTRA6) and entry["prefixlen"] != 32
        )
        for counted in (macs, held, on_links):
            assert [item for item, number in counted.items() if number > 1] == []

    def check_foreign(self, before: ObservedHost) -> None:
        """What was foreign before is as it was."""
        # Until an interrupted run is cleared up, what it has begun may make a foreign namespace look like ours.
        now, kept = self.seen.everything(), before.foreign()
        changed = {key: (item, now.get(key)) for key, item in kept.items() if now.get(key) != item}
        assert not changed, changed

    def check_of_others(self, before: ObservedHost, told: list[str]) -> None:
        """What programs have put on links of ours is still there; a rename may take of it what it tells."""
        if before.interrupted:
            return
        recorded = {item["title"] for item in self.seen.with_links}
        for title, link in before.own_links.items():
            given = before.of_others(title)
            if not given or title not in recorded:
                continue
            now = self.seen.own_links[title]
            self.counts["links with what others gave them"] += 1
            lost = given - self.seen.of_others(title)
            goes_down = now["ifname"] != link["ifname"] and "UP" in link["flags"] and not RENAMES_IN_USE
            goes = {item for item in given if ":" in item or item.startswith("the route to ")} if goes_down else set()
            # Those that are there for good may go from a link that is exclusive, which steps tell.
            may_go = set(before.foreign_addresses(title)) if self.seen.is_exclusive(title) else set()
            assert goes <= lost <= goes | may_go, title
            assert all(any(title in text and item in text for text in told) for item in goes - may_go), told
            self.counts["renames that say what they take"] += bool(goes)
            self.counts["links that lost what was added for good"] += bool(lost & may_go)

    def check_claims_told(self, before: ObservedHost, then: Declared, obstacles: list[str], message: str) -> None:
        """Where nothing else is in the way, a refusal says which addresses are in use, and by what."""
        asked = {f"endpoint {network}/{name}": claims_asked_for(before, item) for (network, name), item in then.endpoints.items()}
        phrases = [phrase for title in obstacles for phrase in asked.get(title, ())]
        if not before.interrupted and phrases and all(asked.get(title) for title in obstacles):
            self.counts["refusals of addresses in use"] += 1
            assert any(phrase in message for phrase in phrases), (message, phrases)

    def check_chosen(self, before: ObservedHost) -> None:
        """Addresses that were chosen are the lowest that neither anybody holds nor the host has in use."""
        held = {plain(address) for seen in (before, self.seen) for item in seen.with_links for address in addresses_of(item)}
        reserved = {
            subnet["gateway"] for seen in (before, self.seen) for item in seen.bodies("networks") for subnet in item["subnets"]
        }
        known = {(item["title"], item[field]) for item in before.with_links for field in FAMILIES}
        for item in self.seen.with_links:
            asked = self.declared.endpoints.get((item["network"], item["name"]), {})
            subnets = self.declared.networks[item["network"]]["subnets"]
            for field in FAMILIES:
                if item[field] is None or asked.get(field) or (item["title"], item[field]) in known or before.interrupted:
                    continue
                (subnet,) = (subnet for subnet in subnets if version_of(subnet["subnet"]) == int(field[-1]))
                address, excluded = plain(item[field]), set(in_blocks(subnet["exclude"]))
                if self.neighbours.intersection(in_blocks(ranges_of(subnet))):
                    # Which one it is then, neighbours decide.
                    continue
                assert address not in {*before.claims, *excluded}, (item["title"], before.claims)
                assert address in in_blocks(ranges_of(subnet))
                lower = in_blocks_before(address, ranges_of(subnet))
                assert [one for one in lower if one not in {*held, *reserved, *excluded, *before.claims}] == []
                self.counts["choices"] += 1
                self.counts["choices beside addresses in use"] += any(one in before.claims for one in lower)

    def check_probed(self, before: ObservedHost, probed: Item) -> None:
        """Neighbours are asked about new addresses only, and not about those that are to be taken without that."""
        networks = {item["name"]: item["probe"] for item in self.seen.bodies("networks")}
        known = {(item["title"], plain(address)) for item in before.with_links for address in addresses_of(item)}
        probes = [
            item["own_probe"] or networks[item["network"]] or "fast"
            for item in self.seen.with_links
            for address in addresses_of(item)
            if (item["title"], plain(address)) not in known
        ]
        taken = [item for item in self.seen.with_links for address in addresses_of(item) if plain(address) in self.neighbours - heard_before(before, item)]
        assert before.interrupted or not any(is_asked_about(before, item, networks[item["network"]]) for item in taken), taken
        # Instead of what a neighbour has another address is chosen, and asked about.
        answers = len(probed.get("conflicts", ()))
        self.counts["answers of neighbours"] += answers
        assert before.interrupted or probed["addresses"] <= len(probes) - probes.count("none") + answers
        self.counts["addresses that neighbours were asked about"] += probed["addresses"]

    def check_kept(self, before: ObservedHost, warnings: list[str]) -> None:
        """Whoever had an address before the host has it still, and is told so."""
        if before.interrupted:
            return
        now = {item["title"]: item for item in self.seen.with_links}
        for item in before.with_links:
            kept = set(addresses_of(item)).intersection(addresses_of(now[item["title"]]) if item["title"] in now else ())
            for address in map(plain, sorted(kept)):
                if before.claim_on(address, TAG + item["id"]):
                    self.counts["addresses kept beside the host"] += 1
                    assert any(text.startswith(f"{item['title']}: it keeps {address}, ") for text in warnings), warnings

    def check_refusal(self, before: ObservedHost, obstacles: list[str], foreseen: Item, message: str) -> None:
        """A refusal names what is in the way, and check mode foresees all but those of the kernel."""
        if before.interrupted:
            return
        if foreseen["failed"]:
            assert foreseen["msg"] == message
        assert any(title in message for title in obstacles) or moved_away_links(before) and "mac" in message.lower(), (obstacles, message)

    def check_recorded(self) -> None:
        """What is recorded is what is declared; addresses that were not asked for are those of before."""
        assert self.is_recorded(self.declared)
        addresses = {}
        for item in self.seen.endpoints:
            options = self.declared.endpoints[item["network"], item["name"]]
            for at, (field, length) in enumerate((("ipv4", 24), ("ipv6", 64))):
                before = self.addresses.get(item["title"], (None, None))[at]
                if options.get(field):
                    assert item[field] == (None if options[field] == "none" else f"{options[field]}/{length}")
                elif before is not None:
                    assert item[field] == before
            assert item["mac"] == options.get("mac", item["mac"])
            addresses[item["title"]] = item["ipv4"], item["ipv6"]
            self.counts["further addresses that came"] += len(set(options["addresses"]) - self.further)
            self.counts["families that were left out"] += "none" in (options.get("ipv4"), options.get("ipv6"))
        for item in self.seen.accesses:
            addresses[item["title"]] = item["ipv4"], item["ipv6"]
            assert self.addresses.get(item["title"], addresses[item["title"]]) == addresses[item["title"]]
            self.counts["routes to endpoints"] += len(item["routes"])
        self.addresses = addresses
        self.further = {address for options in self.declared.endpoints.values() for address in options["addresses"]}

    def is_recorded(self, declared: Declared) -> bool:
        """Whether the record says the same; a sub-interface that is foreign is not recorded."""
        names = {name for name, owned in self.seen.owned.items() if owned.get("declared")}
        return self.recorded() == as_recorded(declared) and names <= declared.subinterfaces

    def recorded(self) -> list[Item]:
        """What is recorded as it was asked for."""
        networks = sorted(self.seen.bodies("networks"), key=lambda item: item["name"])
        endpoints = sorted(self.seen.endpoints, key=lambda item: (item["network"], item["name"]))
        accesses = sorted(self.seen.accesses, key=lambda item: item["network"])
        return [
            *({**{field: item[field] for field in OF_NETWORKS}, **without_dummy(item)} for item in networks),
            *({field: subnet[field] for field in OF_SUBNETS} for item in networks for subnet in item["subnets"]),
            *({**{field: item[field] for field in OF_ENDPOINTS}, **asked_dns(item["dns"])} for item in endpoints),
            *({field: {**item, **item["host_access"]}[field] for field in OF_ACCESSES} for item in accesses),
        ]


def routes_to(seen: ObservedHost) -> set[tuple[str, str]]:
    """The routes by which the host reaches endpoints, that are there, each with the access that it is of."""
    return {
        (item["title"], to)
        for item in seen.accesses
        if item["title"] in seen.own_links
        for to, dummy in seen.host.routes_of(seen.own_links[item["title"]]["ifname"])
    }


def asked_dns(dns: Item | None) -> Item:
    """The name servers that were asked for."""
    return {"servers": dns["servers"], "search": dns["search"]} if dns else {}


def heard_before(before: ObservedHost, item: Item) -> set[str]:
    """The addresses that no neighbour is asked about: the endpoint has them, or another one on its parent had."""
    return {plain(address) for other in before.with_links if other["parent"] == item["parent"] for address in addresses_of(other)}


def is_asked_about(before: ObservedHost, item: Item, probe: str | None) -> bool:
    """Whether neighbours are asked about new addresses of an endpoint, and can answer."""
    link = before.host.links.get(item["parent"], {"flags": ()})
    return (item["own_probe"] or probe) != "none" and item["mode"] != "passthru" and "UP" in link["flags"] and "LOWER_UP" in link["flags"]


def without_dummy(network: Item) -> Item:
    """A network that has a dummy was asked for without a parent."""
    return {"parent": None} if network["parent"].startswith("dm-") else {}


def ranges_given(subnet: Item) -> list[str]:
    """The ranges of a subnet that were given; one may be given without a list."""
    given = subnet.get("ip_range") or []
    return [given] if isinstance(given, str) else given


def ranges_of(subnet: Item) -> list[str]:
    """The ranges from which addresses of a subnet are chosen, in their order; of the whole it is as much as a test gets to."""
    return ranges_given(subnet) or [f"{subnet['subnet'].partition('/')[0]}1-{subnet['subnet'].partition('/')[0]}ff"]


def in_blocks(blocks: t.Iterable[str]) -> t.Iterator[str]:
    """The addresses of blocks, each CIDR, FIRST-LAST or one address, in their order."""
    for block in blocks:
        first, dash, last = block.partition("-")
        net = ipaddress.ip_network(first)
        one, end = net[0], ipaddress.ip_address(last) if dash else net[-1]
        yield from (str(one + more) for more in range(int(end) - int(one) + 1))


def in_blocks_before(address: str, blocks: t.Iterable[str]) -> list[str]:
    """The addresses of blocks that come before one of them."""
    return list(itertools.takewhile(lambda one: one != address, in_blocks(blocks)))


def access_as_recorded(network: str, access: t.Any) -> Item:
    """The access of the host to a network as it is recorded; empty for none."""
    given = {} if access is True else access
    return {"network": network, "ifname": f"mv-{network}", "routes": "endpoints", "metric": None, **given} if access else {}


def endpoint_as_recorded(item: Item) -> Item:
    """An endpoint as it is recorded, as far as it is as its options say."""
    return {
        **item,
        "own_mtu": item["mtu"],
        "own_exclusive": item["exclusive"],
        "own_probe": item.get("probe"),
        "routes": [{**route, "metric": None, "onlink": False} for route in item["routes"]],
        "further": [f"{address}/{24 if version_of(address) == 4 else 64}" for address in item["addresses"]],
        "vrf": item.get("vrf"),
        **{f"without_{field}": item.get(field) == "none" for field in FAMILIES},
    }


def as_recorded(declared: Declared) -> list[Item]:
    """The same of what is declared."""
    networks = [{"driver": "macvlan", **item} for dummy, item in sorted(declared.networks.items())]
    endpoints = [endpoint_as_recorded(item) for dummy, item in sorted(declared.endpoints.items())]
    subnets = [{**subnet, "ip_ranges": ranges_given(subnet)} for item in networks for subnet in item["subnets"]]
    return [
        *({field: item.get(field) for field in OF_NETWORKS} for item in networks),
        *({field: item[field] for field in OF_SUBNETS} for item in subnets),
        *({**{field: item[field] for field in OF_ENDPOINTS}, **asked_dns(item.get("dns"))} for item in endpoints),
        *(access_as_recorded(item["name"], item["host_access"]) for item in networks if item["host_access"]),
    ]


# Moments of a run; more than most runs have, so that some live.
deaths = st.sampled_from((None, None, None, None, *range(0, 40, 3)))

# What must have happened at least for the runs to be worth anything. Which lives are drawn depends on what else has been imported, so that
# another run may have a third of what one has.
LEAST = {
    "steps": 150,
    "tasks": 60,
    "refusals": 3,
    "deaths": 8,
    "interferences": 35,
    "interferences with a host as it should be": 10,
    "reboots": 5,
    "choices": 8,
    "choices beside addresses in use": 1,
    "addresses kept beside the host": 1,
    "links with what others gave them": 5,
    "further addresses that came": 5,
    "families that were left out": 5,
    "routes to endpoints": 5,
    "routes that single tasks took away": 1,
    "addresses that neighbours were asked about": 5,
    "answers of neighbours": 1,
}
LEAST_KINDS = 12
LEAST_WITH_OWN_PARENTS = {
    "steps": 60,
    "tasks": 20,
    "refusals": 2,
    "deaths": 3,
    "interferences": 15,
    "interferences with a host as it should be": 5,
    "reboots": 1,
}
LEAST_KINDS_WITH_OWN_PARENTS = 10
LEAST_WITH_OTHER_LINKS = {name: least for name, least in LEAST_WITH_OWN_PARENTS.items() if name != "refusals"}


def live(world: World) -> collections.Counter[str]:
    """As many lives as it takes, or as are asked for; what has happened in them."""
    counts: collections.Counter[str] = collections.Counter()
    wanted = os.environ.get("MACVLAN_EXAMPLES")

    def begin() -> Life:
        return Life(world, counts)

    run_state_machine_as_test(
        begin if wanted else seed(world.seed)(begin),
        settings=settings(
            derandomize=wanted is None,
            max_examples=int(wanted or world.examples),
            stateful_step_count=world.steps,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
    return counts


def tell(tally: Tally, counts: collections.Counter[str], least_of: dict[str, int], least_kinds: int) -> None:
    kinds = INTERFERENCES.keys() & counts.keys()
    tally("kinds of interference", len(kinds), least_kinds)
    for name, least in least_of.items():
        tally(f"{name} in the lives of hosts", counts[name], least)
    for name in sorted(kinds):
        tally(f"interferences: {name}", counts[name], 1)


def test_a_host_is_reported_correctly_and_can_be_repaired_after_any_sequence(tally: Tally) -> None:
    tell(tally, live(ANY_PARENT), LEAST, LEAST_KINDS)


@pytest.mark.needs("8021q", "dummy")
def test_a_host_with_own_parents_is_reported_correctly_and_can_be_repaired_after_any_sequence(tally: Tally) -> None:
    tell(tally, live(OWN_PARENTS), LEAST_WITH_OWN_PARENTS, LEAST_KINDS_WITH_OWN_PARENTS)


@pytest.mark.needs("vrf", "ipvlan")
def test_a_host_with_vrfs_and_ipvlan_is_reported_correctly_and_can_be_repaired_after_any_sequence(tally: Tally) -> None:
    tell(tally, live(OTHER_LINKS), LEAST_WITH_OTHER_LINKS, LEAST_KINDS_WITH_OWN_PARENTS)
