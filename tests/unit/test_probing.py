# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan asks neighbours about, what their answers mean, and what is chosen after them; neighbours are played."""

from __future__ import annotations

import dataclasses
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import KernelError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.address_set import AddressSet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.scattered_address import scattered_address
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.subnets import candidates
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Subnet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.probe import Heard, Question, Segment
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.ref import endpoint_ref
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan import verdict
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.choices import NO_CHOICES
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.plan import plan
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.probing import probing_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.probing import ROUNDS, AddressInUseError, Wire
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.tools import Clock, Tools
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.tests.unit.builders import Host, configuration, endpoint, kernel, network, no_endpoint

pytestmark = pytest.mark.engine

OURS, THEIRS, LOWER = "02:42:99:00:00:05", "52:54:00:00:00:01", "02:42:99:00:00:04"
PARENT, EVERYONE = "52:54:00:00:00:99", "ff:ff:ff:ff:ff:ff"
WEB = endpoint_ref("lan", "web")


def asked(made, default=None):
    """Parent → (addresses, whether the parent itself asks)."""
    return {
        segment.parent: (sorted(item.address for item in segment.questions), segment.by_parent)
        for segment in probing_of(made, default).segments
    }


def host_with(*requests):
    host = Host(kernel())
    host.run(*requests)
    return host


# --- what is asked --------------------------------------------------------------------------------------------------

LAN = network(subnets=["192.168.1.0/24", "fd00::/64"])
BOTH = ["192.168.1.2", "fd00::2"]


@pytest.mark.parametrize(
    ("before", "requests", "wanted"),
    [
        pytest.param([LAN], [endpoint(netns="web")], {"eth0": (BOTH, False)}, id="new"),
        pytest.param([LAN, endpoint(netns="web")], [endpoint(netns="web")], {}, id="unchanged"),
        pytest.param([LAN, endpoint(netns="web")], [endpoint(netns="web", mtu=1400)], {}, id="same addresses"),
        pytest.param([LAN, endpoint(netns="web")], [endpoint(netns="web", ipv4="192.168.1.9")], {"eth0": (["192.168.1.9"], False)}, id="one more"),
        pytest.param([LAN, endpoint(netns="web")], [no_endpoint()], {}, id="removed"),
        pytest.param([network(ipam="none", subnets=())], [endpoint(netns="web")], {}, id="no addresses"),
        pytest.param([network(parent=None)], [endpoint(netns="web")], {}, id="no parent"),
        pytest.param([network(parent=None, probe="fast")], [endpoint(netns="web")], {"dm-": (["192.168.1.1"], False)}, id="asked for"),
        pytest.param([network(probe="none")], [endpoint(netns="web")], {}, id="none"),
        pytest.param([network(probe="none")], [endpoint(netns="web", probe="fast")], {"eth0": (["192.168.1.2"], False)}, id="of endpoint"),
        pytest.param([network(mode="passthru")], [endpoint(netns="web")], {"eth0": (["192.168.1.2"], True)}, id="passthru"),
        pytest.param([], [network(parent="eth0.50"), endpoint(netns="web")], {"eth0.50": (["192.168.1.2"], False)}, id="created"),
    ],
)
def test_addresses_that_come_to_a_parent_are_asked_for(before, requests, wanted):
    host = host_with(*before)
    told = asked(host.plan(*requests))
    assert {parent[: 3 if parent.startswith("dm-") else None]: what for parent, what in told.items()} == wanted


@pytest.mark.parametrize(
    ("of_network", "of_endpoint", "default", "wanted"),
    [
        (None, None, None, False),
        (None, None, "careful", True),
        (None, None, "none", None),
        ("careful", None, "none", True),
        ("none", None, "careful", None),
        ("none", "careful", None, True),
        ("careful", "fast", "none", False),
        ("careful", "none", "fast", None),
    ],
)
def test_the_endpoint_says_how_else_its_network_else_the_task(of_network, of_endpoint, default, wanted):
    made = host_with(network(probe=of_network)).plan(endpoint(netns="web", probe=of_endpoint))
    probing = probing_of(made, default)
    assert (probing.is_careful if probing.segments else None) is wanted


def test_what_endpoints_of_this_host_exchange_is_not_asked_for():
    ends = [endpoint(name, netns=name, ipv4=address) for name, address in (("a", "192.168.1.8"), ("b", "192.168.1.9"))]
    host = host_with(network(), *ends)
    swapped = [endpoint(name, netns=name, ipv4=address) for name, address in (("a", "192.168.1.9"), ("b", "192.168.1.8"))]
    assert asked(host.plan(configuration(network(), *swapped))) == {}


def test_what_moves_to_another_wire_is_asked_for_there_and_its_own_answer_is_known():
    host = host_with(network(), endpoint(netns="web"))
    made = host.plan(configuration(network(parent="eth1", replace=True), endpoint(netns="web", replace=True)))
    (segment,) = probing_of(made, None).segments
    assert (segment.parent, [item.address for item in segment.questions]) == ("eth1", ["192.168.1.2"])
    assert segment.held == {"192.168.1.2"} and "02:42:c0:a8:01:02" in segment.own_macs
    assert not segment.questions[0].is_chosen


def test_a_parent_that_got_another_name_is_the_same_wire():
    host = host_with(network(), endpoint(netns="web"))
    own = host.kernel.spaces[HOST.path]
    links = {"ens1" if name == "eth0" else name: dataclasses.replace(link, name="ens1") if name == "eth0" else link for name, link in own.links.items()}
    host.kernel = dataclasses.replace(host.kernel, spaces={**host.kernel.spaces, HOST.path: dataclasses.replace(own, links=links)})
    assert asked(host.plan(network(parent="ens1"), endpoint(netns="web", mtu=1400))) == {}


def test_a_parent_that_the_plan_creates_is_asked_on_before_its_first_endpoint():
    made = Host(kernel()).plan(network(parent="eth0.50"), endpoint("a", netns="a"), endpoint("b", netns="b"))
    ((parent, position),) = probing_of(made, None).after.items()
    before, after = made.steps[:position], made.steps[position:]
    assert parent == "eth0.50"
    assert any("eth0.50" in step.describe() and "up" in step.describe() for step in before)
    assert not any("macvlan" in step.describe() for step in before)
    assert sum("create macvlan link" in step.describe() for step in after) == 2


def test_all_parents_that_the_plan_creates_are_asked_on_together():
    networks = [network(f"n{vlan}", parent=f"eth0.{vlan}", subnets=[f"10.{vlan}.0.0/24"]) for vlan in (50, 51, 52)]
    ends = [endpoint("a", item.name, netns=item.name) for item in networks]
    probing = probing_of(Host(kernel()).plan(configuration(*networks, *ends)), None)
    assert probing.after.keys() == {"eth0.50", "eth0.51", "eth0.52"} and len(set(probing.after.values())) == 1


# --- what answers mean ----------------------------------------------------------------------------------------------


def segment(*addresses, held=(), gateways=(), chosen=True):
    questions = tuple(Question(address, WEB, "02:42:c0:a8:01:02", chosen) for address in addresses)
    return Segment("eth0", "host", False, questions, gateways, ("192.168.1.0/24",), frozenset(held), frozenset(["02:42:c0:a8:01:07"]))


def heard(address="192.168.1.2", mac=THEIRS, is_probe=False, came_in=True, to=EVERYONE):
    return Heard("eth0", address, mac, is_probe, came_in, to)


@pytest.mark.parametrize(
    ("answer", "is_conflict"),
    [
        pytest.param(heard(), True, id="announced"),
        pytest.param(heard(to=OURS), True, id="answered"),
        pytest.param(heard(mac="02:42:c0:a8:01:02", to=OURS), True, id="with the MAC address that the endpoint will have"),
        pytest.param(heard(mac=LOWER, is_probe=True), True, id="wanted by a lower MAC address"),
        pytest.param(heard(mac=THEIRS, is_probe=True), False, id="wanted by a higher MAC address"),
        pytest.param(heard(address="192.168.1.3"), False, id="another address"),
        pytest.param(heard(mac="02:42:c0:a8:01:07"), True, id="another link of this host"),
    ],
)
def test_an_answer_is_a_conflict(answer, is_conflict):
    assert bool(verdict.conflicts_of_answers(segment("192.168.1.2"), [answer], OURS)) is is_conflict


def test_an_answer_of_this_host_for_an_address_that_it_has_until_now_is_none():
    one = segment("192.168.1.2", held=["192.168.1.2"])
    assert verdict.conflicts_of_answers(one, [heard(mac="02:42:c0:a8:01:07")], OURS) == []
    assert verdict.conflicts_of_answers(one, [heard()], OURS)


@pytest.mark.parametrize(
    ("answer", "reflects", "is_conflict"),
    [
        pytest.param(heard(), False, True, id="announced by another machine"),
        pytest.param(heard(mac=LOWER, is_probe=True), False, False, id="only wanted"),
        pytest.param(heard(mac="02:42:c0:a8:01:02", came_in=False), False, False, id="the endpoint itself"),
        pytest.param(heard(mac="02:42:c0:a8:01:02", to=OURS), False, False, id="the endpoint's answer"),
        pytest.param(heard(mac="02:42:c0:a8:01:02"), False, True, id="the same endpoint of another host"),
        pytest.param(heard(mac="02:42:c0:a8:01:02"), True, False, id="the endpoint itself, returned by the wire"),
        pytest.param(heard(), True, True, id="another machine on such a wire"),
    ],
)
def test_an_announcement_is_a_conflict(answer, reflects, is_conflict):
    assert bool(verdict.conflicts_of_announcements(segment("192.168.1.2"), [answer], reflects)) is is_conflict


def test_who_wants_an_address_with_a_higher_mac_address_is_told_again():
    answers = [heard(mac=THEIRS, is_probe=True), heard("192.168.1.3", LOWER, is_probe=True), heard("192.168.1.4")]
    assert verdict.wanted_by_others(segment("192.168.1.2", "192.168.1.3", "192.168.1.4"), answers, OURS) == ["192.168.1.2"]
    neighbours = Neighbours()
    neighbours.announced = answers[:1]
    attempt = Attempt(host_with(network()), neighbours, *in_lan("web"))
    assert (attempt.address(), neighbours.questions) == ("192.168.1.2/24", ["192.168.1.2", "192.168.1.2"])


@given(st.integers(0, 255), st.integers(0, 255))
def test_of_two_hosts_that_want_an_address_at_once_one_gives_way(one, other):
    macs = [f"02:42:99:00:00:{number:02x}" for number in (one, other)]
    if one != other:
        gives_way = [
            bool(verdict.conflicts_of_answers(segment("192.168.1.2"), [heard(mac=theirs, is_probe=True)], ours))
            for ours, theirs in (macs, macs[::-1])
        ]
        assert sorted(gives_way) == [False, True]


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ([], False),
        ([heard("192.168.1.1", to=OURS)], False),
        ([heard("192.168.1.1", to=PARENT)], True),
        ([heard("192.168.1.1", to=PARENT), heard("192.168.1.1", to=OURS)], False),
        ([heard("192.168.1.1", to=PARENT), heard("192.168.1.1", to=EVERYONE)], False),
        ([heard("192.168.1.9", to=PARENT)], False),
    ],
)
def test_a_router_that_answers_only_the_parent_tells_that_other_frames_do_not_pass(answers, wanted):
    one = segment("192.168.1.2", gateways=("192.168.1.1",))
    assert verdict.lets_only_parent_pass(one, answers, OURS, PARENT) is wanted


# --- a run ----------------------------------------------------------------------------------------------------------


class Neighbours:
    """Plays the neighbours of a host.

    :ivar holders: address → MAC address
    """

    def __init__(self, holders=(), everything=None, broken=None, silent=()):
        self.holders, self.everything, self.broken, self.silent = dict(holders), everything, broken, dict(silent)
        self.reflecting, self.questions, self.announced, self._heard = set(), [], [], []

    def add(self, segments):
        if self.broken:
            raise KernelError(self.broken)
        return {item.parent: self.silent[item.parent] for item in segments if item.parent in self.silent}

    def ask_by_parent(self, parent):
        raise AssertionError(parent)

    def asks_by_parent(self, _parent):
        return False

    def macs(self, _parent):
        return OURS, PARENT

    def ask(self, questions, _pace):
        for parent, addresses in questions.items():
            self.questions += addresses
            answers = {address: self.holders.get(address, self.everything) for address in addresses}
            self._heard += [Heard(parent, address, mac, False, True, OURS) for address, mac in answers.items() if mac]

    def heard(self):
        heard, self._heard = [*self._heard, *self.announced], []
        self.announced = []
        return heard

    def close(self):
        pass


class Attempt:
    """A run up to the moment when it is performed."""

    def __init__(self, host, neighbours, *requests):
        self.decisions = 0
        tools = Tools(prober=lambda: neighbours, clock=Clock(now=lambda: 0.0))
        self.wire = Wire(tools, requests[0])

        def decide(choices):
            self.decisions += 1
            return types.SimpleNamespace(plan=plan(host.worked_in(*requests), host.record, host.kernel, choices=choices))

        self.plan = self.wire.settle(decide(NO_CHOICES), decide).plan

    def address(self, name="web", network_name="lan"):
        return self.plan.after.endpoints[network_name, name].ipv4

    @property
    def probed(self):
        outcome = types.SimpleNamespace(warnings=(), _replace=lambda **values: values)
        return self.wire.probe_log.told(outcome)


def in_lan(*names, **params):
    return [endpoint(name, netns=name, **params) for name in names]


def test_the_next_free_address_is_chosen_after_a_conflict():
    neighbours = Neighbours({"192.168.1.2": THEIRS})
    attempt = Attempt(host_with(network()), neighbours, *in_lan("web"))
    assert (attempt.address(), neighbours.questions) == ("192.168.1.3/24", ["192.168.1.2", "192.168.1.3"])
    assert attempt.probed["probed"]["conflicts"] == [{"address": "192.168.1.2", "mac": THEIRS}]


def test_what_nobody_has_stays_and_is_not_asked_for_again():
    neighbours = Neighbours({"192.168.1.3": THEIRS})
    attempt = Attempt(host_with(network()), neighbours, *in_lan("a", "b", "c"))
    assert [attempt.address(name) for name in "abc"] == ["192.168.1.2/24", "192.168.1.5/24", "192.168.1.4/24"]
    assert sorted(neighbours.questions) == [f"192.168.1.{last}" for last in (2, 3, 4, 5)]


def test_after_two_conflicts_the_choice_is_scattered_and_the_same_each_time():
    holders = {f"192.168.1.{last}": THEIRS for last in (2, 3)}
    chosen = {Attempt(host_with(network()), Neighbours(holders), *in_lan("web")).address() for dummy in range(3)}
    assert len(chosen) == 1 and chosen.isdisjoint({"192.168.1.4/24"})


def test_an_address_of_which_others_speak_is_not_chosen():
    neighbours = Neighbours({"192.168.1.2": THEIRS})
    neighbours.announced = [Heard("eth0", f"192.168.1.{last}", LOWER, True, True, EVERYONE) for last in (3, 4, 5)]
    assert Attempt(host_with(network()), neighbours, *in_lan("web")).address() == "192.168.1.6/24"


def test_a_requested_address_is_refused_naming_all():
    neighbours = Neighbours({"192.168.1.8": THEIRS, "192.168.1.9": LOWER})
    requests = [endpoint("a", netns="a", ipv4="192.168.1.8"), endpoint("b", netns="b", ipv4="192.168.1.9"), *in_lan("c")]
    with pytest.raises(PlanError) as refused:
        Attempt(host_with(network()), neighbours, *requests)
    for words in ("endpoint lan/a: 192.168.1.8 is in use on eth0", THEIRS, "endpoint lan/b: 192.168.1.9 is in use on eth0", LOWER):
        assert words in str(refused.value)
    assert "lan/c" not in str(refused.value)


def test_a_wire_on_which_everything_is_in_use_is_refused_after_some_rounds():
    neighbours = Neighbours(everything=THEIRS)
    with pytest.raises(PlanError, match=f"no free address was found in {ROUNDS} attempts"):
        Attempt(host_with(network()), neighbours, *in_lan("web"))
    assert len(neighbours.questions) == ROUNDS


@pytest.mark.parametrize(("count", "is_named"), [(7, False), (8, True)])
def test_one_machine_that_answers_for_most_of_many_is_told_as_proxy_arp(count, is_named):
    with pytest.raises(PlanError) as refused:
        Attempt(host_with(network()), Neighbours(everything=THEIRS), *(endpoint(f"e{n}", netns=f"e{n}", ipv4=f"192.168.1.{n + 9}") for n in range(count)))
    assert ("proxy ARP" in str(refused.value)) is is_named


@pytest.mark.parametrize(
    ("neighbours", "words"),
    [
        (Neighbours(broken="cannot open a packet socket: Operation not permitted"), "because cannot open a packet socket"),
        (Neighbours(silent={"eth0": "has no carrier"}), "because eth0 has no carrier"),
    ],
)
def test_what_cannot_be_asked_is_told_and_done(neighbours, words):
    attempt = Attempt(host_with(network()), neighbours, *in_lan("web", "db"))
    (told,) = attempt.probed["probed"]["not_probed"]
    assert told.startswith("endpoint lan/web: 192.168.1.2, and 1 more on eth0, were not probed") and words in told
    assert attempt.probed["warnings"] == (told,) and attempt.address() == "192.168.1.2/24"


def test_check_mode_tells_what_does_not_exist_yet_without_a_warning():
    attempt = Attempt(Host(kernel()), Neighbours(), network(parent="eth0.50"), *in_lan("web"))
    attempt.wire.leave_out_new_parents()
    (told,) = attempt.probed["probed"]["not_probed"]
    assert "because eth0.50 does not exist yet" in told and attempt.probed["warnings"] == ()


def test_nothing_is_told_where_nothing_was_to_be_asked():
    attempt = Attempt(host_with(network(probe="none")), Neighbours(broken="never opened"), *in_lan("web"))
    assert attempt.probed.warnings == ()


def test_an_announcement_in_the_meantime_undoes_the_attempt_and_another_address_is_chosen():
    neighbours = Neighbours()
    attempt = Attempt(host_with(network()), neighbours, *in_lan("web"))
    attempt.wire.check_announced()
    neighbours.announced = [heard()]
    with pytest.raises(AddressInUseError):
        attempt.wire.check_announced()
    assert "192.168.1.2" in attempt.wire.probe_log.choices.in_use["eth0"]
    requested = Attempt(host_with(network()), neighbours, endpoint(netns="web", ipv4="192.168.1.2"))
    neighbours.announced = [heard()]
    with pytest.raises(PlanError, match=r"endpoint lan/web: 192\.168\.1\.2 is in use on eth0"):
        requested.wire.check_announced()


def test_neighbours_of_a_new_parent_are_asked_when_it_is_there():
    neighbours = Neighbours({"192.168.1.2": THEIRS})
    attempt = Attempt(Host(kernel()), neighbours, network(parent="eth0.50"), *in_lan("web"))
    assert neighbours.questions == []
    ((position, interlude),) = attempt.wire.interludes.items()
    assert 0 < position < len(attempt.plan.steps)
    with pytest.raises(AddressInUseError):
        interlude()
    assert neighbours.questions == ["192.168.1.2"]


# --- scattered addresses --------------------------------------------------------------------------------------------


@given(st.integers(0, 2**64), st.sets(st.integers(1, 14)))
def test_a_scattered_address_is_a_free_candidate_as_long_as_there_is_one(seed, taken):
    subnet = Subnet("192.168.1.0/28")
    base = inet.number("192.168.1.0")
    chosen = scattered_address(subnet, seed, AddressSet(base + last for last in taken))
    free = {base + last for last in range(1, 15)} - {base + last for last in taken}
    assert inet.number(chosen) in free if free else chosen is None
    assert chosen is None or any(chosen in block for block in candidates(subnet))


@given(st.integers(0, 2**64), st.sets(st.integers(0, 31)))
def test_a_scattered_address_is_in_one_of_the_ranges_and_not_excluded(seed, taken):
    subnet = Subnet("192.168.1.0/24", ip_ranges=("192.168.1.8/29", "192.168.1.20-192.168.1.22"), exclude=("192.168.1.9", "192.168.1.12/31"))
    base = inet.number("192.168.1.0")
    chosen = scattered_address(subnet, seed, AddressSet(base + last for last in taken))
    free = {base + last for last in (*range(8, 16), 20, 21, 22)} - {base + last for last in (9, 12, 13, *taken)}
    assert inet.number(chosen) in free if free else chosen is None


def test_seeds_scatter_addresses():
    chosen = {scattered_address(Subnet("10.0.0.0/16"), seed * 7919, AddressSet()) for seed in range(100)}
    assert len(chosen) == 100
