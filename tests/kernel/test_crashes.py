# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed or refused at every place where they can be, and what the next one makes of it."""

from __future__ import annotations

import dataclasses
import errno
import itertools
import os
import re
import signal
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import write
from ansible_collections.fleetnet.macvlan.tests.support.faults import (
    Death,
    DeathBetweenMessages,
    FullDisk,
    Refusal,
    StepFailure,
)
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import Tally
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.snapshot import Snapshot, Tables
from ansible_collections.fleetnet.macvlan.tests.support.tasks import KEYS, NOTHING_LISTED, Result, promised, subnets

pytestmark = pytest.mark.engine

Params = dict[str, t.Any]

COMPLETE, FAILED = 0, 2
DUAL = subnets("10.0.0.0/24", "fd00::/64")
ROUTES = [{"to": "10.9.0.0/16", "via": "10.0.0.9"}]
REFUSALS = (errno.ENOMEM, errno.EBUSY, errno.ENODEV, errno.EEXIST)
CODES = [pytest.param((code,), id=errno.errorcode[code]) for code in REFUSALS]


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A task, and what is there before it.

    :ivar base: the lists of macvlan_config
    :ivar least: how many steps it has at least
    """

    base: Params
    module: str
    params: Params
    least: int

    def prepare(self, host: Host) -> None:
        """Have on the host what the base lists, and nothing else."""
        host.call("macvlan_config", **{**NOTHING_LISTED, "replace": True, **self.base})

    @property
    def removes(self) -> bool:
        """Whether it is finished rather than undone when it was interrupted."""
        return self.params.get("state") == "absent" or self.params == CLEAR


def network_on(parent: str, **params: t.Any) -> Params:
    return {"name": "net", "parent": parent, "subnets": DUAL, **params}


def changed_network(parent: str) -> Params:
    gateways = [{"subnet": "10.0.0.0/24", "gateway": "10.0.0.254"}, {"subnet": "fd00::/64"}]
    return {"name": "net", "parent": parent, "mode": "private", "mtu": 1400, "subnets": gateways}


NOTHING: Params = {}
# With addresses, because leases are sticky: an endpoint that had another one keeps it.
A = {"name": "a", "network": "net", "netns": "a", "ipv4": "10.0.0.2", "ipv6": "fd00::2"}
B = {"name": "b", "network": "net", "netns": "b"}
OTHER = {"name": "other", "parent": "eth0", "allow_shared_parent": True, "subnets": subnets("10.5.0.0/24")}
BUSY: Params = {"networks": [network_on("eth0")], "endpoints": [A]}
BUSY_VLAN: Params = {"networks": [network_on("eth0.50")], "endpoints": [A]}
FULL: Params = {
    "networks": [network_on("eth0"), OTHER],
    "endpoints": [
        {**A, "routes": ROUTES},
        {"name": "a", "network": "other", "netns": "a", "ifname": "eth1", "default_route": False},
        {"name": "h", "network": "net"},
    ],
}
# Something to change, something to make, something to take away: all that can be half-way done.
CHANGED: Params = {
    "networks": [network_on("eth0", labels={"owner": "us"}), OTHER],
    "endpoints": [{"name": "b", "network": "other", "netns": "b", "ifname": "eth1"}],
}
CLEAR: Params = NOTHING_LISTED
CHANGES = {"ipv4": "10.0.0.77", "ifname": "net1", "mtu": 1400, "routes": ROUTES}
REMOVAL = {"name": "net", "state": "absent", "force": True}

CREATE_NETWORK = Scenario(NOTHING, "macvlan_network", network_on("eth0"), 1)
CREATE_ENDPOINT = Scenario(
    BUSY, "macvlan_endpoint", {**B, "routes": ROUTES, "sysctls": {"net.ipv4.ip_forward": 1}}, 8
)
CHANGE_ENDPOINT = Scenario(BUSY, "macvlan_endpoint", {**A, **CHANGES}, 8)
# Without the routes that a link loses as it goes down: with the last address of a family its routes go.
EXCHANGE_ADDRESSES = Scenario(BUSY, "macvlan_endpoint", {**A, "ipv4": "10.0.0.77", "ipv6": "fd00::77"}, 4)
MORE: Params = {"networks": [network_on("eth0")], "endpoints": [{**A, "addresses": ["10.0.0.30", "fd00::30"]}]}
CHANGE_FURTHER = Scenario(MORE, "macvlan_endpoint", {**A, "addresses": ["fd00::31", "10.0.0.31", "10.0.0.30"]}, 4)
LEAVE_IPV4_OUT = Scenario(BUSY, "macvlan_endpoint", {**A, "ipv4": "none", "addresses": ["fd00::30"]}, 4)
LEAVE_IPV6_OUT = Scenario(MORE, "macvlan_endpoint", {**A, "ipv6": "none"}, 4)
RESOLVING: Params = {"networks": [network_on("eth0")], "endpoints": [{**A, "dns": {"servers": ["10.0.0.53"]}}]}
CREATE_RESOLVER = Scenario(BUSY, "macvlan_endpoint", {**B, "dns": {"servers": ["10.0.0.53"], "search": ["example.com"]}}, 8)
CHANGE_RESOLVER = Scenario(RESOLVING, "macvlan_endpoint", {**A, "ipv4": "10.0.0.77", "dns": {"servers": ["10.0.0.54"]}}, 3)
LOSE_RESOLVER = Scenario(RESOLVING, "macvlan_endpoint", A, 1)
REMOVE_RESOLVER = Scenario(RESOLVING, "macvlan_endpoint", {"name": "a", "network": "net", "state": "absent"}, 3)
REMOVE_ENDPOINT = Scenario(BUSY, "macvlan_endpoint", {"name": "a", "network": "net", "state": "absent"}, 2)
CHANGE_NETWORK = Scenario(BUSY, "macvlan_network", changed_network("eth0"), 3)
REMOVE_NETWORK = Scenario(BUSY, "macvlan_network", REMOVAL, 2)
CREATE_HOST = Scenario(NOTHING, "macvlan_config", {**NOTHING_LISTED, **FULL}, 10)
CHANGE_HOST = Scenario(BUSY, "macvlan_config", {**NOTHING_LISTED, **CHANGED}, 10)
CLEAR_HOST = Scenario(FULL, "macvlan_config", CLEAR, 4)
CREATE_VLAN_HOST = Scenario(NOTHING, "macvlan_config", BUSY_VLAN, 8)
CHANGE_VLAN_NETWORK = Scenario(BUSY_VLAN, "macvlan_network", changed_network("eth0.50"), 3)
REMOVE_VLAN_NETWORK = Scenario(BUSY_VLAN, "macvlan_network", REMOVAL, 3)
# What needs new links, other addresses, or what another endpoint has, and interrupts traffic.
EXCHANGING: Params = {
    "networks": [network_on("eth0")],
    "endpoints": [
        {**A, "ifname": "x0", "mac": "02:00:00:00:00:0a", "routes": ROUTES},
        {**A, "name": "b", "netns": "b", "ifname": "y0", "ipv4": "10.0.0.3", "ipv6": "fd00::3", "mac": "02:00:00:00:00:0b"},
    ],
}


def exchanged(*options: str) -> Params:
    """The same with some options of the two endpoints exchanged."""
    one, other = EXCHANGING["endpoints"]
    pair = [{**one, **{key: other[key] for key in options}}, {**other, **{key: one[key] for key in options}}]
    return {**NOTHING_LISTED, "networks": EXCHANGING["networks"], "endpoints": pair, "replace": True}


MOVE_NETWORK = Scenario(FULL, "macvlan_network", network_on("eth1", replace=True), 15)
TO_PASSTHRU = Scenario(BUSY, "macvlan_network", network_on("eth0", mode="passthru", replace=True), 8)
RENAME_NETWORK = Scenario(FULL, "macvlan_network", network_on("eth0", renamed_from="net", name="lan"), 4)
GROW_SUBNET = Scenario(
    BUSY, "macvlan_network", {"name": "net", "parent": "eth0", "subnets": subnets("10.0.0.0/23", "fd00::/80"), "replace": True}, 5
)
EXCHANGE = Scenario(EXCHANGING, "macvlan_config", exchanged("ipv4", "ipv6", "mac", "ifname"), 20)
EXCHANGE_NAMESPACES = Scenario(EXCHANGING, "macvlan_config", exchanged("netns"), 15)
MOVE_VLAN_NETWORK = Scenario(BUSY_VLAN, "macvlan_network", network_on("eth1.51", replace=True), 10)
# Two levels of VLANs.
BUSY_QINQ: Params = {"networks": [network_on("eth0.50.60")], "endpoints": [A]}
CREATE_QINQ_HOST = Scenario(NOTHING, "macvlan_config", BUSY_QINQ, 10)
MOVE_QINQ_NETWORK = Scenario(BUSY_QINQ, "macvlan_network", network_on("eth0.51.60", replace=True), 12)
REMOVE_QINQ_NETWORK = Scenario(BUSY_QINQ, "macvlan_network", REMOVAL, 4)
# An endpoint of the host that gets into a VRF, for which its link goes down.
IN_HOST = {"name": "h", "network": "net", "ipv4": "10.0.0.2", "ipv6": "fd00::2", "routes": ROUTES}
CHANGE_VRF = Scenario({"networks": [network_on("eth0")], "endpoints": [IN_HOST]}, "macvlan_endpoint", {**IN_HOST, "vrf": "red"}, 8)
# The host has access to networks, with routes that follow from their endpoints.
REACHED: Params = {"networks": [network_on("eth0", host_access=True)], "endpoints": [A]}
CREATE_ACCESS = Scenario(BUSY, "macvlan_network", network_on("eth0", host_access={"address": "10.0.0.9", "metric": 7}), 8)
REMOVE_ACCESS = Scenario(REACHED, "macvlan_network", network_on("eth0"), 2)
CREATE_REACHED = Scenario(REACHED, "macvlan_endpoint", {**B, "ipv4": "10.0.0.20"}, 10)
CHANGE_REACHED = Scenario(REACHED, "macvlan_endpoint", {**A, "ipv4": "10.0.0.77", "ipv6": "fd00::77"}, 8)
REMOVE_REACHED = Scenario(REACHED, "macvlan_endpoint", {"name": "a", "network": "net", "state": "absent"}, 4)
MOVE_ACCESS = Scenario(REACHED, "macvlan_network", network_on("eth1", host_access={"ifname": "shim"}, replace=True), 15)
CREATE_DUMMY_NETWORK = Scenario(BUSY, "macvlan_network", {"name": "v", "subnets": subnets("10.5.0.0/24")}, 2)

# Links of which the kernel has one mode for all on a parent.
BUSY_IPVLAN: Params = {"networks": [network_on("eth0", driver="ipvlan")], "endpoints": [A, {**B, "ipv4": "10.0.0.3", "ipv6": "fd00::3"}]}
CREATE_IPVLAN = Scenario(BUSY_IPVLAN, "macvlan_endpoint", {**B, "name": "c", "netns": "c", "routes": ROUTES}, 8)
CHANGE_IPVLAN_MODE = Scenario(BUSY_IPVLAN, "macvlan_network", network_on("eth0", driver="ipvlan", mode="l3"), 6)
TO_MACVLAN = Scenario(BUSY_IPVLAN, "macvlan_network", network_on("eth0", replace=True), 12)

needs_vlans = pytest.mark.needs("8021q")
needs_ipvlan = pytest.mark.needs("ipvlan")
ON_ONE_KERNEL = [
    pytest.param(CREATE_NETWORK, id="create a network"),
    pytest.param(CREATE_ENDPOINT, id="create an endpoint"),
    pytest.param(CHANGE_ENDPOINT, id="change an endpoint"),
    pytest.param(EXCHANGE_ADDRESSES, id="exchange the addresses of an endpoint"),
    pytest.param(CHANGE_FURTHER, id="change the further addresses of an endpoint"),
    pytest.param(LEAVE_IPV4_OUT, id="take IPv4 from an endpoint, and give it another address"),
    pytest.param(LEAVE_IPV6_OUT, id="take IPv6 and its further addresses from an endpoint"),
    pytest.param(CREATE_RESOLVER, id="create an endpoint with a resolver"),
    pytest.param(CHANGE_RESOLVER, id="change the resolver of an endpoint"),
    pytest.param(LOSE_RESOLVER, id="take the resolver from an endpoint"),
    pytest.param(REMOVE_RESOLVER, id="remove an endpoint with its resolver"),
    pytest.param(REMOVE_ENDPOINT, id="remove an endpoint"),
    pytest.param(CHANGE_NETWORK, id="change a network"),
    pytest.param(REMOVE_NETWORK, id="remove a network with its endpoints"),
    pytest.param(MOVE_NETWORK, id="move a network"),
    pytest.param(TO_PASSTHRU, id="give a network the mode passthru"),
    pytest.param(RENAME_NETWORK, id="give a network another name"),
    pytest.param(GROW_SUBNET, id="give subnets other sizes"),
    pytest.param(EXCHANGE, id="exchange all that two endpoints have"),
    pytest.param(EXCHANGE_NAMESPACES, id="exchange the namespaces of two endpoints"),
    pytest.param(CREATE_ACCESS, id="give the host access to a network"),
    pytest.param(REMOVE_ACCESS, id="take the host's access to a network away"),
    pytest.param(CHANGE_REACHED, id="change the addresses of an endpoint that the host reaches"),
    pytest.param(REMOVE_REACHED, id="remove an endpoint that the host reaches"),
    pytest.param(MOVE_ACCESS, id="move a network that the host reaches"),
]
ON_EACH_KERNEL = [
    pytest.param(CREATE_HOST, id="create a whole host"),
    pytest.param(CHANGE_HOST, id="change a whole host"),
    pytest.param(CLEAR_HOST, id="clear a whole host"),
    pytest.param(CREATE_REACHED, id="create an endpoint that the host reaches"),
    pytest.param(CREATE_IPVLAN, id="create an endpoint of an ipvlan network", marks=needs_ipvlan),
    pytest.param(CHANGE_IPVLAN_MODE, id="change the mode of an ipvlan network", marks=needs_ipvlan),
    pytest.param(TO_MACVLAN, id="give a network another driver", marks=needs_ipvlan),
    pytest.param(MOVE_VLAN_NETWORK, id="move a network to another VLAN", marks=needs_vlans),
    pytest.param(CREATE_VLAN_HOST, id="create a network on a VLAN with its endpoints", marks=needs_vlans),
    pytest.param(CHANGE_VLAN_NETWORK, id="change a network on a VLAN", marks=needs_vlans),
    pytest.param(REMOVE_VLAN_NETWORK, id="remove a network on a VLAN with its endpoints", marks=needs_vlans),
    pytest.param(CREATE_QINQ_HOST, id="create a network on a VLAN in a VLAN", marks=needs_vlans),
    pytest.param(MOVE_QINQ_NETWORK, id="move a network to a VLAN in another VLAN", marks=needs_vlans),
    pytest.param(REMOVE_QINQ_NETWORK, id="remove a network on a VLAN in a VLAN", marks=needs_vlans),
]
# The order of work in the first is the same on every kernel; what they ask of it, other tests ask on each.
SCENARIOS = [*(pytest.param(*item.values, id=item.id, marks=pytest.mark.any_kernel) for item in ON_ONE_KERNEL), *ON_EACH_KERNEL]
# Beside a VRF that another program has created.
WITH_A_VRF = [*SCENARIOS, pytest.param(CHANGE_VRF, id="put an endpoint of the host into a VRF", marks=pytest.mark.needs("vrf"))]


@pytest.fixture
def used(host: Host, request: pytest.FixtureRequest) -> Host:
    """A host with a second parent, a VRF for tests that need one, and a database in which nothing is recorded."""
    host.add_parent("eth1")
    if any("vrf" in mark.args for mark in request.node.iter_markers("needs")):
        host.ip("link", "add", "red", "type", "vrf", "table", "1000")
        host.ip("link", "set", "red", "up")
    host.call("macvlan_network", **network_on("eth0"))
    host.call("macvlan_network", **REMOVAL)
    return host


@dataclasses.dataclass(frozen=True)
class Stage:
    """What a scenario does when nothing disturbs it."""

    scenario: Scenario
    before: Snapshot
    after: Snapshot
    done: Result

    def aim(self, now: Tables) -> Snapshot:
        """What clearing up has to lead to, after the run was interrupted, by what is recorded."""
        if now["journal"]:
            return self.after if self.scenario.removes else self.before
        aims = [aim for aim in (self.before, self.after) if aim.tables == now]
        assert aims, "what is recorded is neither what was nor what was asked for"
        return aims[0]


def rehearse(host: Host, scenario: Scenario) -> Stage:
    """Let it run undisturbed, and put everything back."""
    scenario.prepare(host)
    before = host.snapshot()
    done = host.call(scenario.module, **scenario.params)
    assert len(done["steps"]) >= scenario.least
    after = host.snapshot()
    scenario.prepare(host)
    assert host.snapshot() == before
    return Stage(scenario, before, after, done)


def restore(host: Host, where: str) -> None:
    said = host.restore()
    assert said.code == COMPLETE, f"{where}: {said}"


# --- death ----------------------------------------------------------------------------------------------------------


def the_task_runs_again(host: Host, stage: Stage, where: str) -> None:
    module, params = stage.scenario.module, stage.scenario.params
    interrupted = bool(host.tables()["journal"])
    foreseen = host.call(module, check=True, **params)
    done = host.call(module, **params)
    assert any("interrupted" in text for text in done.get("warnings", ())) == interrupted, where
    assert promised(foreseen, KEYS[module]) == promised(done, KEYS[module]), where
    assert promised(done, KEYS[module], ()) == promised(stage.done, KEYS[module], ()), where
    assert host.snapshot() == stage.after, where


def the_host_is_restored_first(host: Host, stage: Stage, where: str) -> None:
    aim = stage.aim(host.tables())
    restore(host, where)
    assert host.snapshot() == aim, where
    host.call(stage.scenario.module, **stage.scenario.params)
    assert host.snapshot() == stage.after, where


def the_power_was_cut(host: Host, stage: Stage, where: str) -> None:
    aim = stage.aim(host.tables())
    cut_power(host)
    restore(host, where)
    assert host.snapshot() == aim, where


def cut_power(host: Host) -> None:
    """Lose all that the kernel has, except parents and VRFs; that is an earlier boot from now on."""
    host.lose_all()
    # What had not got its tag yet goes as well.
    for name in host.links().keys() - {"lo", "eth0", "eth1", "red"}:
        host.ip("link", "delete", name)
    host.run(["sqlite3", str(host.state_dir / "state.db"), "UPDATE journal SET boot_id = 'an earlier one'"])


@pytest.mark.parametrize("goes_on", [the_task_runs_again, the_host_is_restored_first, the_power_was_cut])
@pytest.mark.parametrize("scenario", WITH_A_VRF)
def test_a_run_that_dies_at_any_moment_leaves_nothing_that_the_next_does_not_clear_up(
    used: Host, scenario: Scenario, goes_on: t.Callable[[Host, Stage, str], None], tally: Tally
) -> None:
    stage = rehearse(used, scenario)
    for position in itertools.count():
        death = Death(position)
        call = used.spawn(scenario.module, hook=death, **scenario.params)
        if call.wait() != -signal.SIGKILL:
            break
        goes_on(used, stage, f"killed {death.place}")
        scenario.prepare(used)
    assert promised(call.result(), KEYS[scenario.module]) == promised(stage.done, KEYS[scenario.module])
    assert used.snapshot() == stage.after
    # Before and after each step, the intention and the result, and within the result.
    assert position == 2 * len(stage.done["steps"]) + 5
    tally("moments at which a run was killed", position, 2 * scenario.least + 5)


@pytest.mark.parametrize(
    "goes_on",
    [
        pytest.param(lambda host: host.restore(), id="restore"),
        pytest.param(lambda host: host.call("macvlan_config", **FULL), id="task"),
        pytest.param(lambda host: (cut_power(host), host.restore()), id="power cut"),
    ],
)
def test_a_restoration_that_dies_at_any_moment_is_completed_by_the_next_run(
    used: Host, goes_on: t.Callable[[Host], object], tally: Tally
) -> None:
    used.call("macvlan_config", **FULL)
    before = used.snapshot()
    for position in itertools.count():
        used.lose_all()
        death = Death(position)
        call = used.spawn_command("restore", hook=death)
        if call.wait() != -signal.SIGKILL:
            break
        goes_on(used)
        assert used.snapshot() == before, f"killed {death.place}"
    assert call.said().code == COMPLETE
    assert used.snapshot() == before
    tally("moments at which a restoration was killed", position, 2 * CREATE_HOST.least + 5)


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(CREATE_ENDPOINT, id="create an endpoint"),
        pytest.param(CHANGE_HOST, id="change a whole host"),
        pytest.param(CLEAR_HOST, id="clear a whole host"),
        pytest.param(REMOVE_NETWORK, id="remove a network with its endpoints"),
        pytest.param(REMOVE_VLAN_NETWORK, id="remove a network on a VLAN with its endpoints", marks=needs_vlans),
    ],
)
def test_a_run_that_dies_while_it_clears_up_after_another_is_cleared_up_after(
    used: Host, scenario: Scenario, tally: Tally
) -> None:
    stage = rehearse(used, scenario)
    all_done = 2 * len(stage.done["steps"]) + 2
    for position in itertools.count():
        first, second = Death(all_done), Death(position)
        assert used.spawn(scenario.module, hook=first, **scenario.params).wait() == -signal.SIGKILL
        assert first.place == "before record"
        aim = stage.aim(used.tables())
        call = used.spawn_command("restore", hook=second)
        if call.wait() != -signal.SIGKILL:
            break
        restore(used, second.place)
        assert used.snapshot() == aim, f"killed {second.place}"
        scenario.prepare(used)
    assert call.said().code == COMPLETE
    assert used.snapshot() == aim
    tally("moments at which clearing up was killed", position, 5)


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(CREATE_ENDPOINT, id="create an endpoint"),
        pytest.param(CREATE_VLAN_HOST, id="create a network on a VLAN with its endpoints", marks=needs_vlans),
        pytest.param(CREATE_DUMMY_NETWORK, id="create a network without a parent", marks=pytest.mark.needs("dummy")),
    ],
)
def test_a_task_that_dies_between_two_messages_leaves_nothing_unknown(
    used: Host, scenario: Scenario, tally: Tally
) -> None:
    scenario.prepare(used)
    before = used.snapshot()
    for position in itertools.count():
        death = DeathBetweenMessages(position)
        if used.spawn(scenario.module, hook=death, **scenario.params).wait() != -signal.SIGKILL:
            break
        restore(used, death.place)
        assert used.snapshot() == before, f"killed {death.place}"
    tally("messages before which a run was killed", position, scenario.least)
    assert used.call("macvlan_info")["drift"] == []


@pytest.mark.parametrize("keeps_link", [False, True], ids=["empty", "with a link of others"])
def test_a_namespace_that_another_program_creates_after_a_death_stays_and_check_mode_knows(used: Host, keeps_link: bool) -> None:
    """The run that died had made one of that name."""
    CREATE_ENDPOINT.prepare(used)
    call = used.spawn(CREATE_ENDPOINT.module, hook=Death(2 * CREATE_ENDPOINT.least), **CREATE_ENDPOINT.params)
    assert call.wait() == -signal.SIGKILL and "b" in used.namespaces() and used.tables()["journal"]
    used.delete_netns("b")
    used.ip("netns", "add", "b")
    if keeps_link:
        used.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1", netns="b")
    foreseen = used.call(CREATE_ENDPOINT.module, check=True, **CREATE_ENDPOINT.params)
    done = used.call(CREATE_ENDPOINT.module, **CREATE_ENDPOINT.params)
    assert promised(foreseen, KEYS[CREATE_ENDPOINT.module]) == promised(done, KEYS[CREATE_ENDPOINT.module])
    assert "create namespace b" not in done["steps"]
    used.call(CREATE_ENDPOINT.module, name="b", network="net", state="absent")
    assert "b" in used.namespaces()


# --- refusal --------------------------------------------------------------------------------------------------------

# What every message of a refusal begins with: the object.
TITLE = r"^(network|endpoint|vlan_subinterface) \S+: "
NOTES = ("record ", "change ", "forget ", "move network ")


@pytest.mark.parametrize("scenario", WITH_A_VRF)
def test_a_task_that_fails_at_any_step_leaves_everything_as_it_was(
    used: Host, scenario: Scenario, tally: Tally
) -> None:
    stage = rehearse(used, scenario)
    steps = stage.done["steps"]
    for position, step in enumerate(steps):
        message = used.call(scenario.module, fails=True, within=StepFailure(position), **scenario.params)["msg"]
        # A note is about the record alone, and names its object itself.
        title = rf"({TITLE}|the configuration of this host: )" if step.startswith(NOTES) else TITLE
        assert re.fullmatch(rf"{title}cannot {re.escape(step)}: injected", message), message
        assert used.snapshot() == stage.before, message
    tally("steps that failed", len(steps), scenario.least)


def refused_with(scenarios: t.Iterable[t.Any]) -> t.Iterator[t.Any]:
    """Each scenario with each code; those that run in an emulated guest once, with the codes in turn."""
    for scenario in scenarios:
        if any(mark.name == "needs" for mark in scenario.marks):
            yield pytest.param(*scenario.values, REFUSALS, id=f"{scenario.id}-in turn", marks=scenario.marks)
        else:
            yield from (pytest.param(*scenario.values, *code.values, id=f"{scenario.id}-{code.id}", marks=scenario.marks) for code in CODES)


@pytest.mark.parametrize(("scenario", "codes"), list(refused_with(WITH_A_VRF[1:])))
def test_whatever_the_kernel_refuses_is_named_and_leaves_everything_as_it_was(
    used: Host, scenario: Scenario, codes: tuple[int, ...], tally: Tally
) -> None:
    stage = rehearse(used, scenario)
    for position in itertools.count():
        code = codes[position % len(codes)]
        refusal = Refusal(code, position)
        outcome = used.outcome(scenario.module, within=refusal, **scenario.params)
        if outcome.code == 0:
            assert used.snapshot() == stage.after
            scenario.prepare(used)
            if refusal.place:
                # What somebody else has deleted a moment before is gone all the same, and settings have a second way.
                assert ("delete" in refusal.place) if code == errno.ENODEV else refusal.place.startswith("set "), refusal.place
                continue
            break
        message = outcome.result(fails=True)["msg"]
        named = stage.done["steps"] if refusal.place == Refusal.DELETIONS else [refusal.place]
        whys = [f"cannot {step}: {os.strerror(code)} (injected into {refusal.place})" for step in named]
        assert re.match(TITLE, message) and re.sub(TITLE, "", message).startswith(tuple(whys)), message
        assert used.snapshot() == stage.before, message
    tally("messages that the kernel refused", position, scenario.least // 2)


@pytest.mark.parametrize("code", REFUSALS, ids=[errno.errorcode[code] for code in REFUSALS])
def test_an_object_that_the_kernel_refuses_to_restore_is_reported_and_stops_nothing_else(used: Host, code: int, tally: Tally) -> None:
    used.call("macvlan_config", **{**BUSY, "endpoints": [A, {**B, "routes": ROUTES}, {"name": "h", "network": "net"}]})
    before = used.snapshot()
    used.lose_all()
    said = used.run_command("restore", "--verbose")
    places = {step: re.search(r"namespace (\w)|mv-(\w)", step) for step in said.lines[:-1]}
    for step, place in places.items():
        assert place is not None
        used.lose_all()
        refusal = Refusal(code, step=step)
        said = used.run_command("restore", within=refusal)
        assert refusal.place == step
        if step.startswith("set ") and code != errno.ENODEV:
            assert (said.code, used.snapshot()) == (COMPLETE, before)
            continue
        assert said.code == FAILED
        missing = f"endpoint net/{place[1] or place[2]}"
        assert said.lines[0].startswith(f"missing: {missing}: cannot {step}: {os.strerror(code)} (injected")
        assert re.fullmatch(rf"3 of 4 objects are there \(\d+ steps done\); missing: {missing}", said.lines[1])
        assert {item["object"] for item in used.call("macvlan_info")["drift"]} == {missing}
    restore(used, "at last")
    assert used.snapshot() == before
    tally("steps of a restoration that the kernel refused", len(places), 20)


def test_steps_that_cannot_be_undone_are_undone_by_the_next_run(used: Host) -> None:
    stage = rehearse(used, CREATE_ENDPOINT)

    def hook() -> None:
        StepFailure(5)()

        def failing(*dummy: object) -> list[str]:
            return ["something is in the way"]

        write.KernelWriter.ensure_done = failing  # type: ignore[method-assign]

    message = used.call("macvlan_endpoint", fails=True, hook=hook, **CREATE_ENDPOINT.params)["msg"]
    assert message.endswith("failed too: something is in the way; the next run tries again")
    assert used.namespaces() == ["a", "b"]
    restore(used, message)
    assert used.snapshot() == stage.before


# --- the disk -------------------------------------------------------------------------------------------------------

BALLAST = "/var/lib/macvlan_host/ballast"


@pytest.fixture
def small(host: Host) -> Host:
    """A host with a database in which nothing is recorded, on a small disk of its own."""
    folder = str(host.state_dir)
    host.add_parent("eth1")
    host.run(["sh", "-c", f"mkdir -m 700 {folder} && mount -t tmpfs -o size=256k,mode=700 tmpfs {folder}"])
    host.call("macvlan_network", **network_on("eth0"))
    host.call("macvlan_network", **REMOVAL)
    return host


@pytest.mark.parametrize("moment", ["intend", "record"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_disk_that_is_full_at_the_wrong_moment_leaves_nothing_half_done(
    small: Host, scenario: Scenario, moment: str
) -> None:
    stage = rehearse(small, scenario)
    fault = FullDisk(moment, BALLAST)
    message = small.call(scenario.module, fails=True, within=fault, **scenario.params)["msg"]
    assert fault.place == moment
    assert message.startswith("the state database /var/lib/macvlan_host/state.db cannot be used: ")
    assert "full" in message
    small.run(["rm", BALLAST])
    removed = scenario.removes and moment == "record"
    assert ("the objects are removed from the kernel, and the next run on this host updates the record" in message) == removed
    assert small.snapshot().without_state() == (stage.after if removed else stage.before).without_state()
    restore(small, message)
    assert small.snapshot() == (stage.after if removed else stage.before)
    small.call(scenario.module, **scenario.params)
    assert small.snapshot() == stage.after


def test_a_restoration_that_cannot_be_noted_is_reported_and_changes_nothing(small: Host) -> None:
    small.call("macvlan_config", **FULL)
    before = small.snapshot()
    for moment in ("intend", "record"):
        small.lose_all()
        said = small.run_command("restore", within=FullDisk(moment, BALLAST))
        assert said.code == FAILED and "state.db cannot be used: " in said.complaint and "full" in said.complaint
        assert small.namespaces() == [] and set(small.links()) == {"lo", "eth0", "eth1"}
        small.run(["rm", BALLAST])
        restore(small, moment)
        assert small.snapshot() == before


@pytest.mark.parametrize("interrupted", [False, True], ids=["healthy", "after an interruption"])
def test_a_disk_that_is_read_only_can_be_read_and_nothing_else(small: Host, interrupted: bool) -> None:
    stage = rehearse(small, CREATE_ENDPOINT)
    module, params = CREATE_ENDPOINT.module, CREATE_ENDPOINT.params
    if interrupted:
        assert small.spawn(module, hook=Death(7), **params).wait() == -signal.SIGKILL
    small.run(["mount", "-o", "remount,ro", str(small.state_dir)])
    before = small.snapshot()
    message = small.call(module, fails=True, **params)["msg"]
    assert message == "cannot open the lock /var/lib/macvlan_host/lock: Read-only file system"
    # There is nothing to do for this one, but to clear up.
    assert not small.call("macvlan_endpoint", fails=interrupted, **A).get("changed")
    info = small.call("macvlan_info")
    assert [item["name"] for item in info["endpoints"]] == ["a"]
    assert bool(info.get("warnings")) == interrupted
    foreseen = small.call(module, check=True, **params)
    assert (foreseen["steps"], foreseen["endpoint"]) == (stage.done["steps"], stage.done["endpoint"])
    assert small.snapshot() == before
    small.run(["mount", "-o", "remount,rw", str(small.state_dir)])
    small.call(module, **params)
    assert small.snapshot() == stage.after
