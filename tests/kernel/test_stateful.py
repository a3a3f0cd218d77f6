# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that lives through whatever comes: tasks, interference, death in the middle and reboots, in any order.

MACVLAN_EXAMPLES=1000 tries so many sequences, other ones each time.
"""

from __future__ import annotations

import collections
import os
import signal
import sys
import typing as t
import uuid

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from ansible_collections.fleetnet.macvlan.tests.support.faults import Death
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import Tally
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.meddling import (
    EXTRA4,
    EXTRA6,
    ON_A_LINK,
    ON_A_NAMESPACE,
    ON_A_PARENT,
    Meddling,
)
from ansible_collections.fleetnet.macvlan.tests.support.sight import Item, Row, Sight, look_at, version_of
from ansible_collections.fleetnet.macvlan.tests.support.tasks import KEYS, promised

BOOT_ID = "/proc/sys/kernel/random/boot_id"
COMPLETE = 0

PARENTS = ("eth0", "eth1", "eth2")
NETWORKS: dict[str, Item] = {
    "n0": {"parent": "eth0", "subnets": ("10.0.0.0/24", "fd00::/64"), "allow_shared_parent": True},
    "n1": {"parent": "eth1", "subnets": ("10.1.0.0/24",)},
    "n2": {"parent": "eth0", "subnets": ("fd02::/64",), "allow_shared_parent": True},
    "n3": {"parent": "eth2", "subnets": ("10.3.0.0/24",), "mode": "passthru"},
}
SPACES = ("a", "b", "c")
IN_HOST = "host"
KEYS_OF_ENDPOINTS = [*((network, place) for network in ("n0", "n1", "n2") for place in (*SPACES, IN_HOST)), ("n3", "b")]
# What is recorded as it is asked for.
OF_NETWORKS = ("name", "parent", "mode", "mtu", "labels")
OF_ENDPOINTS = ("network", "name", "ifname", "own_mtu", "default_route", "routes", "sysctls", "labels")
# Who has the default routes of a namespace.
DEFAULT_ROUTES = {("n0", "a"), ("n1", "b"), ("n2", "b"), ("n0", "c")}


# --- what is declared -----------------------------------------------------------------------------------------------


@st.composite
def networks(draw: st.DrawFn, name: str) -> Item:
    """The options of a network."""
    fixed = NETWORKS[name]
    subnets: list[Item] = [{"subnet": cidr} for cidr in fixed["subnets"]]
    gateway = draw(st.sampled_from((None, None, "254", "none")))
    if "." in fixed["subnets"][0]:
        # So that nobody has the address of a gateway before it is one.
        subnets[0]["ip_range"] = f"10.{name[1]}.0.16/28"
        if gateway:
            subnets[0]["gateway"] = gateway if gateway == "none" else f"10.{name[1]}.0.{gateway}"
    return {
        "name": name,
        "mode": draw(st.sampled_from(("bridge", "private", "vepa"))),
        "mtu": draw(st.sampled_from((None, None, 1400))),
        "labels": draw(st.sampled_from(({}, {"owner": "us"}))),
        **fixed,
        "subnets": subnets,
    }


@st.composite
def endpoints(draw: st.DrawFn, key: tuple[str, str]) -> Item:
    """The options of an endpoint; what it may ask for is nobody else's."""
    network, place = key
    number, own = network[1], 50 + KEYS_OF_ENDPOINTS.index(key)
    options: Item = {"name": place, "network": network, "default_route": key in DEFAULT_ROUTES}
    if place != IN_HOST:
        options["netns"] = place
    options["ifname"] = f"{'mv' if place == IN_HOST else 'eth'}{number}" + draw(st.sampled_from(("", "", "x")))
    options["mtu"] = draw(st.sampled_from((None, None, 1300)))
    options["labels"] = draw(st.sampled_from(({}, {"owner": "us"})))
    options["sysctls"] = draw(st.sampled_from(({}, {}, {"net.ipv4.conf.IFNAME.rp_filter": "2"})))
    if network != "n3" and draw(st.booleans()):
        options["mac"] = f"02:00:00:00:00:{own}"
    has_routes = draw(st.booleans())
    routes = []
    if network != "n2":
        if draw(st.booleans()):
            options["ipv4"] = f"10.{number}.0.{own}"
        routes.append({"to": f"10.{9 + own}.0.0/16", "via": f"10.{number}.0.9"})
    if network in ("n0", "n2"):
        routes.append({"to": f"fd09:{own}::/64", "via": f"fd0{number}::9"})
    options["routes"] = routes if has_routes else []
    return options


class Declared(t.NamedTuple):
    """What there shall be, as options of tasks."""

    networks: dict[str, Item]
    endpoints: dict[tuple[str, str], Item]

    def config(self) -> Item:
        return {"networks": list(self.networks.values()), "endpoints": list(self.endpoints.values()), "purge": True}

    def without(self, network: str) -> Declared:
        """Without a network and its endpoints."""
        return Declared(
            {name: item for name, item in self.networks.items() if name != network},
            {key: item for key, item in self.endpoints.items() if key[0] != network},
        )


# --- what is in the way ---------------------------------------------------------------------------------------------


def in_the_way_of(seen: Sight, declared: Declared) -> list[str]:
    """What a task must name that is refused because of how the host is: the objects that cannot be had."""
    found = []
    for name, network in declared.networks.items():
        parent = seen.host.links.get(network["parent"])
        if parent is None or (network["mtu"] or 0) > parent["mtu"]:
            found.append(f"network {name}")
    for key, endpoint in declared.endpoints.items():
        parent = seen.host.links.get(declared.networks[key[0]]["parent"])
        if parent is not None and any(hindrances(seen, declared.networks[key[0]], endpoint, parent)):
            found.append(f"endpoint {key[0]}/{key[1]}")
    return found


def hindrances(seen: Sight, network: Item, endpoint: Item, parent: Item) -> t.Iterator[bool]:
    """Each thing that may be in the way of an endpoint."""
    yield (endpoint["mtu"] or 0) > parent["mtu"]
    yield parent["mtu"] < 1280 and any(":" in subnet["subnet"] for subnet in network["subnets"])
    place = seen.places.get(endpoint.get("netns", ""))
    if place is None:
        return
    own = seen.own_links.get(f"endpoint {endpoint['network']}/{endpoint['name']}")
    other = place.links.get(endpoint["ifname"])
    yield other is not None and other is not own
    wants = {version_of(item["subnet"]) for item in network["subnets"] if item.get("gateway") != "none"}
    foreign = [name for netns, name in seen.foreign_links() if netns == endpoint.get("netns", "")]
    routes = [route for name in foreign for route in place.routes_of(name)]
    held = {version_of(via) for to, via in routes if to == "default" and via}
    yield endpoint["default_route"] and bool(wants & held)


def strays(seen: Sight) -> list[str]:
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

    def __init__(self, counts: collections.Counter[str]) -> None:
        super().__init__()
        self.counts = counts
        self.host = Host()
        self.declared = Declared({}, {})
        self.addresses: dict[str, tuple[t.Any, t.Any]] = {}
        self.drift: set[Row] = set()
        self.counts["examples"] += 1

    @initialize(data=st.data(), keys=st.sets(st.sampled_from(KEYS_OF_ENDPOINTS), min_size=3, max_size=8))
    def begin(self, data: st.DataObject, keys: set[tuple[str, str]]) -> None:
        """A host with a few endpoints, or, if that dies, with what it leaves."""
        for parent in PARENTS:
            self.host.add_parent(parent)
        self.new_boot()
        self.host.run(["mount", "--bind", str(HOME / "boot_id"), BOOT_ID])
        self.seen = look_at(self.host)
        declared = Declared(
            {name: data.draw(networks(name)) for name in sorted({network for network, dummy in keys})},
            {key: data.draw(endpoints(key)) for key in sorted(keys)},
        )
        dies = data.draw(st.sampled_from((None, None, None, 12, 29)))
        self.run("macvlan_config", declared.config(), declared, dies=dies)

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
        self.run("macvlan_config", {"purge": True}, Declared({}, {}), removal=True)
        left = [name for place in self.seen.places.values() for name, link in place.links.items() if "ifalias" in link]
        assert left == []

    # --- tasks ------------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def configure(self, data: st.DataObject) -> None:
        """Change several objects in one task."""
        declared = self.declared
        for dummy in range(data.draw(st.integers(1, 3), label="edits")):
            declared = self.edited(data, declared)[2]
        removal = not declared.networks
        self.run("macvlan_config", declared.config(), declared, dies=data.draw(deaths), removal=removal)

    @rule(data=st.data())
    def change_one(self, data: st.DataObject) -> None:
        """Change one object in a task of its own."""
        module, params, declared = self.edited(data, self.declared)
        removal = params.get("state") == "absent"
        self.run(module, params, declared, exact=False, dies=data.draw(deaths), removal=removal)

    @rule(dies=st.sampled_from((None, None, None, 1, 4, 9)))
    def repeat(self, dies: int | None) -> None:
        """Run the whole declared state again."""
        self.run("macvlan_config", self.declared.config(), self.declared, dies=dies, removal=not self.declared.networks)

    def edited(self, data: st.DataObject, declared: Declared) -> tuple[str, Item, Declared]:
        """A task for one object, and what is declared with it."""
        network = data.draw(st.sampled_from(sorted(NETWORKS)), label="network")
        keys = [key for key in KEYS_OF_ENDPOINTS if key[0] == network]
        what = data.draw(st.sampled_from((*["endpoint"] * 3, "network", "drop endpoint", "drop network")))
        if network not in declared.networks or what == "network":
            options = data.draw(networks(network))
            return "macvlan_network", options, declared._replace(networks={**declared.networks, network: options})
        if what == "endpoint":
            key = data.draw(st.sampled_from(keys))
            options = data.draw(endpoints(key))
            return "macvlan_endpoint", options, declared._replace(endpoints={**declared.endpoints, key: options})
        if what == "drop network":
            params = {"name": network, "state": "absent", "force": True}
            return "macvlan_network", params, declared.without(network)
        key = data.draw(st.sampled_from(keys))
        kept = {other: options for other, options in declared.endpoints.items() if other != key}
        params = {"name": key[1], "network": network, "state": "absent"}
        return "macvlan_endpoint", params, declared._replace(endpoints=kept)

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
        may_fail = bool(obstacles or strays(before)) or before.interrupted
        snapshot = self.host.snapshot() if may_fail and not before.interrupted else None
        foreseen = self.attempt(module, params, check=True)
        done = self.attempt(module, params)
        self.counts["tasks"] += 1
        self.look()
        self.check_foreign(before)
        # Whatever becomes of a run, it clears up first.
        assert not self.seen.interrupted
        if done["failed"]:
            self.counts["refusals"] += 1
            assert may_fail, done["msg"]
            self.check_refusal(before, obstacles, foreseen, done["msg"])
            assert snapshot is None or self.host.snapshot() == snapshot
            return
        assert not (exact and obstacles and snapshot), obstacles
        assert promised(foreseen, KEYS[module]) == promised(done, KEYS[module])
        self.declared = then
        self.check_recorded()
        if module == "macvlan_config":
            assert self.drift == set()
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
            self.declared = then if self.recorded() == as_recorded(then) else self.declared
            self.check_recorded()
        elif removal and self.seen.tables["journal"] != before.tables.get("journal"):
            self.declared = then
        return True

    def attempt(self, module: str, params: Item, check: bool = False) -> Item:
        call = self.host.spawn(module, check=check, **params)
        return call.result(fails=call.wait() != 0)

    # --- what others do ---------------------------------------------------------------------------------------------

    @precondition(lambda self: self.seen.own_links)
    @rule(names=st.lists(st.sampled_from(sorted(ON_A_LINK)), min_size=1, max_size=4), data=st.data())
    def meddle_with_links(self, names: list[str], data: st.DataObject) -> None:
        for name in names:
            items = {item["title"]: item for item in self.seen.endpoints if item["title"] in self.seen.own_links}
            able = [title for title in sorted(items) if ON_A_LINK[name].applies(self.seen, items[title])]
            if able:
                self.meddle(name, ON_A_LINK[name], items[data.draw(st.sampled_from(able))])

    @rule(name=st.sampled_from(sorted(ON_A_NAMESPACE)), netns=st.sampled_from(SPACES))
    def meddle_with_a_namespace(self, name: str, netns: str) -> None:
        self.meddle(name, ON_A_NAMESPACE[name], netns)

    @rule(name=st.sampled_from(sorted(ON_A_PARENT)), parent=st.sampled_from(PARENTS))
    def meddle_with_a_parent(self, name: str, parent: str) -> None:
        self.meddle(name, ON_A_PARENT[name], parent)

    def meddle(self, name: str, meddling: Meddling, target: t.Any) -> None:
        """Something happens behind the collection's back."""
        if not meddling.applies(self.seen, target):
            return
        rows, clean = meddling.rows(self.seen, target), not self.drift
        meddling.do(self.host, self.seen, target)
        self.counts["interferences"] += 1
        self.counts[name] += 1
        self.look()
        if clean:
            self.counts["interferences with a host as it should be"] += 1
            assert self.drift == rows, name

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
        for name in PARENTS:
            link = self.seen.host.links.get(name)
            if link is None:
                found[f"add {name}"] = lambda name=name: host.add_parent(name)
                continue
            if link["mtu"] < 1500:
                found[f"raise {name}"] = lambda name=name, up="UP" in link["flags"]: self.raise_mtu(name, up)
            elif "UP" not in link["flags"]:
                found[f"bring up {name}"] = lambda name=name: host.bring_up(name)
        for netns, name in self.seen.foreign_links():
            if name != "lo" and (netns or name not in PARENTS):
                found[f"delete {name} in {netns}"] = lambda name=name, netns=netns or None: host.ip(
                    "link", "delete", name, netns=netns
                )
        return found

    def raise_mtu(self, parent: str, up: bool) -> None:
        """Let a parent have its mtu again, and, if it is up, all that it may have lost of IPv6 meanwhile."""
        self.host.ip("link", "set", parent, "mtu", "1500")
        if up:
            self.host.bring_up(parent)

    # --- reboots ----------------------------------------------------------------------------------------------------

    @rule(
        late=st.sets(st.sampled_from(PARENTS), max_size=1),
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
        for name in PARENTS:
            if name not in late:
                self.host.add_parent(name)
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
        assert not self.seen.interrupted
        assert (said.code == COMPLETE) == (not self.drift), said

    # --- what must hold ---------------------------------------------------------------------------------------------

    def look(self) -> None:
        """What must hold at any time."""
        self.seen = look_at(self.host)
        info = self.host.call("macvlan_info")
        assert bool(info.get("warnings")) == self.seen.interrupted
        self.drift = {(item["object"], item["field"]) for item in info["drift"]}
        assert {row for row in self.drift if row[1] != "sysctls"} == self.seen.drift()
        assert {item["id"] for item in info["endpoints"]} == {item["id"] for item in self.seen.endpoints}
        if not self.seen.interrupted:
            assert self.seen.unrecorded() == []
        self.check_duplicates()
        self.counts["steps"] += 1

    def check_duplicates(self) -> None:
        recorded = self.seen.endpoints
        macs = collections.Counter((item["parent"], item["mac"]) for item in recorded if item["mode"] != "passthru")
        held = collections.Counter(item[family] for item in recorded for family in ("ipv4", "ipv6") if item[family])
        on_links = collections.Counter(
            (parent, entry["local"])
            for dummy, parent, link in self.seen.macvlans()
            if any(link is own for own in self.seen.own_links.values())
            for entry in link["addr_info"]
            if entry["scope"] != "link" and f"{entry['local']}/{entry['prefixlen']}" not in (EXTRA4, EXTRA6)
        )
        for counted in (macs, held, on_links):
            assert [item for item, number in counted.items() if number > 1] == []

    def check_foreign(self, before: Sight) -> None:
        """What was foreign before is as it was."""
        now, kept = self.seen.foreign(), before.foreign()
        assert {key: now.get(key) for key in kept} == kept

    def check_refusal(self, before: Sight, obstacles: list[str], foreseen: Item, message: str) -> None:
        """A refusal names what is in the way, and check mode foresees all but those of the kernel."""
        if before.interrupted:
            return
        if foreseen["failed"]:
            assert foreseen["msg"] == message
        assert any(title in message for title in obstacles) or strays(before) and "mac" in message.lower(), obstacles

    def check_recorded(self) -> None:
        """What is recorded is what is declared; addresses that were not asked for are those of before."""
        assert self.recorded() == as_recorded(self.declared)
        addresses = {}
        for item in self.seen.endpoints:
            options = self.declared.endpoints[item["network"], item["name"]]
            if options.get("ipv4"):
                assert item["ipv4"] == f"{options['ipv4']}/24"
            elif item["title"] in self.addresses:
                assert item["ipv4"] == self.addresses[item["title"]][0]
            assert item["ipv6"] == self.addresses.get(item["title"], (None, item["ipv6"]))[1]
            assert item["mac"] == options.get("mac", item["mac"])
            addresses[item["title"]] = item["ipv4"], item["ipv6"]
        self.addresses = addresses

    def recorded(self) -> list[Item]:
        """What is recorded as it was asked for."""
        networks = sorted(self.seen.bodies("networks"), key=lambda item: item["name"])
        endpoints = sorted(self.seen.endpoints, key=lambda item: (item["network"], item["name"]))
        return [
            *({field: item[field] for field in OF_NETWORKS} for item in networks),
            *({field: item[field] for field in OF_ENDPOINTS} for item in endpoints),
        ]


def as_recorded(declared: Declared) -> list[Item]:
    """The same of what is declared."""
    networks = [item for dummy, item in sorted(declared.networks.items())]
    endpoints = [
        {**item, "own_mtu": item["mtu"], "routes": [{**route, "metric": None} for route in item["routes"]]}
        for dummy, item in sorted(declared.endpoints.items())
    ]
    return [
        *({field: item[field] for field in OF_NETWORKS} for item in networks),
        *({field: item[field] for field in OF_ENDPOINTS} for item in endpoints),
    ]


# Moments of a run; more than most runs have, so that some live.
deaths = st.sampled_from((None, None, None, None, *range(0, 40, 3)))

# What must have happened at least for the runs to be worth anything.
LEAST = {
    "steps": 200,
    "tasks": 80,
    "refusals": 8,
    "deaths": 15,
    "interferences": 50,
    "interferences with a host as it should be": 10,
    "reboots": 5,
}
LEAST_KINDS = 18


def test_whatever_happens_a_host_is_told_right_and_can_be_put_right(tally: Tally) -> None:
    counts: collections.Counter[str] = collections.Counter()
    wanted = os.environ.get("MACVLAN_EXAMPLES")
    run_state_machine_as_test(
        lambda: Life(counts),
        settings=settings(
            derandomize=wanted is None,
            max_examples=int(wanted or 10),
            stateful_step_count=25,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
    kinds = {*ON_A_LINK, *ON_A_NAMESPACE, *ON_A_PARENT} & counts.keys()
    tally("kinds of interference", len(kinds), LEAST_KINDS)
    for name, least in LEAST.items():
        tally(f"{name} in the lives of hosts", counts[name], least)
    for name in sorted(kinds):
        tally(f"interferences: {name}", counts[name], 1)
