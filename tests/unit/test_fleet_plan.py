# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a fleet: who gets which slices, and what is refused."""

from __future__ import annotations

import ipaddress
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Change, Holding, KnownHost, Snapshot, Wish
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.plan import addresses_of_others, own_addresses, plan
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_segments

NOW = 1_800_000_000
ONE, TWO = "6f1c0a54-d2b9-4e77-a5a1-c9d04be8f213", "91d5b7c2-e04f-4a66-88b0-d1f2a7c9e345"


def segments(*subnets, name="lan", **options):
    return read_segments([{"name": name, "subnets": [{"subnet": cidr, "slice_length": length, **more} for cidr, length, more in subnets], **options}])


def lan(cidr="10.0.0.0/24", length=28, **more):
    return segments((cidr, length, more))


def held(block, host="a", **more):
    return Holding("lan", block, host, **more)


def applied(planned):
    assert planned.conflicts == ()
    return Snapshot(planned.after, planned.known)


def blocks(planned, host):
    return [item.block for item in planned.after if item.host == host]


def claims(on, snapshot, *wishes, **more):
    planned = plan(on, snapshot, wishes, NOW, **more)
    assert planned.conflicts == ()
    return [(item.host, item.block) for item in planned.claims]


# --- properties -----------------------------------------------------------------------------------------------------

hosts = st.sampled_from([f"h{number}" for number in range(12)])


@st.composite
def fleets(draw):
    """Segments with a subnet or two of each family, and wishes of some hosts."""
    length = draw(st.integers(24, 28))
    slice_length = draw(st.integers(length, 32))
    exclude = draw(st.lists(st.integers(0, 255).map(lambda last: f"10.0.0.{last % (1 << (32 - length))}"), max_size=6, unique=True))
    subnets = [(f"10.0.0.0/{length}", slice_length, {"exclude": exclude})]
    if draw(st.booleans()):
        subnets.append(("10.0.8.0/27", draw(st.integers(27, 32)), {"gateway": "none"}))
    if draw(st.booleans()):
        subnets.append(("fd00::/120", draw(st.integers(120, 128)), {}))
    return segments(*subnets)


@st.composite
def wishes_of(draw):
    names = draw(st.lists(hosts, max_size=8, unique=True))
    last = st.integers(1, 255)
    return [
        Wish(name, {"lan": draw(st.integers(0, 9))}, addresses=draw(st.none() | st.lists(last.map(lambda it: f"10.0.0.{it}"), max_size=2).map(tuple)))
        for name in names
    ]


@settings(max_examples=300)
@given(fleets(), st.lists(wishes_of(), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_no_two_hosts_meet_nothing_is_lost_and_a_second_plan_has_nothing_to_do(on, rounds, shuffled: random.Random):
    snapshot = Snapshot()
    for wished in rounds:
        planned = plan(on, snapshot, wished, NOW)
        mixed = list(wished)
        shuffled.shuffle(mixed)
        assert plan(on, snapshot._replace(holdings=snapshot.holdings[::-1], known=snapshot.known[::-1]), mixed, NOW) == planned
        if planned.conflicts:
            continue
        assert {*snapshot.holdings} <= {*planned.after}
        networks = [ipaddress.ip_network(item.block) for item in planned.after]
        assert not any(one.overlaps(other) for one, other in itertools.combinations(networks, 2))
        snapshot = applied(planned)
        own = {address for host in snapshot.known for address in host.addresses}
        for wish in wished:
            for version in {ipaddress.ip_network(item.subnet.subnet).version for item in on[0].subnets}:
                assert len(_free(on[0], blocks(planned, wish.name), own, version)) >= wish.segments["lan"]
        again = plan(on, snapshot, wished, NOW)
        assert again.change == Change() and again.claims == () and again.after == planned.after


def _free(segment, owned, own, version):
    """The addresses of slices that an endpoint can get, counted one by one."""
    free = set()
    for item in segment.subnets:
        whole = ipaddress.ip_network(item.subnet.subnet)
        never = {item.subnet.gateway, *item.subnet.exclude, *own}
        if whole.version == 4 and whole.prefixlen < 31:
            never |= {str(whole[0]), str(whole[-1])}
        elif whole.version == 6:
            never |= {str(whole[0])}
        for block in map(ipaddress.ip_network, owned):
            if block.version == whole.version == version and block.subnet_of(whole):
                free |= {str(address) for address in block} - never
    return free


@given(fleets(), wishes_of(), wishes_of())
def test_what_a_host_has_stays_whoever_comes_goes_or_is_renamed(on, first, later):
    before = plan(on, Snapshot(), first, NOW)
    if before.conflicts:
        return
    gone = {wish.name for wish in first[::2]}
    renamed = [Wish(f"new-{wish.name}", wish.segments, renamed_from=wish.name) for wish in first[1::2]]
    # The own address of a host that joins may take the only address of a slice away, for which there is another one then.
    joined = [wish._replace(addresses=None) for wish in later if wish.name not in {other.name for other in first}]
    after = plan(on, applied(before), [*renamed, *joined], NOW)
    if after.conflicts:
        return
    for wish in first:
        name = wish.name if wish.name in gone else f"new-{wish.name}"
        assert blocks(after, name) == blocks(before, wish.name)


def test_the_first_slice_of_a_host_follows_from_its_name_and_not_from_its_number_in_a_list():
    names = [f"edge{number}" for number in range(10)]
    on = lan(length=30)
    alone = {name: blocks(plan(on, Snapshot(), [Wish(name)], NOW), name) for name in names}
    together = plan(on, Snapshot(), map(Wish, names), NOW)
    same = [name for name in names if blocks(together, name) == alone[name]]
    assert len(same) > 6 and len({tuple(owned) for owned in alone.values()}) > 6


# --- sizes, families, growth ----------------------------------------------------------------------------------------


def test_slices_may_be_single_addresses_and_a_host_gets_as_many_as_it_needs():
    on = segments(("10.0.0.0/28", 32, {"exclude": ["10.0.0.8/30"]}), ("fd00::/124", 128, {}))
    planned = plan(on, Snapshot(), [Wish("a", {"lan": 5}), Wish("b", {"lan": 3})], NOW)
    given_away = [*blocks(planned, "a"), *blocks(planned, "b")]
    assert len(blocks(planned, "a")) == 10 and len(blocks(planned, "b")) == 6
    assert not {"10.0.0.0/32", "10.0.0.1/32", "10.0.0.15/32", *(f"10.0.0.{last}/32" for last in range(8, 12)), "fd00::/128", "fd00::1/128"} & {*given_away}


def test_a_wish_for_more_addresses_is_another_slice_and_a_smaller_one_takes_none_back():
    on = lan(length=29)
    one = plan(on, Snapshot(), [Wish("a", {"lan": 6})], NOW)
    two = plan(on, applied(one), [Wish("a", {"lan": 12})], NOW)
    assert len(blocks(one, "a")) == 1 and len(blocks(two, "a")) == 2 and {*blocks(one, "a")} < {*blocks(two, "a")}
    assert blocks(plan(on, applied(two), [Wish("a", {"lan": 1})], NOW), "a") == blocks(two, "a")


def test_the_next_subnet_of_a_family_is_used_when_the_first_has_no_free_slice():
    on = segments(("10.0.0.0/30", 30, {"gateway": "none"}), ("10.0.8.0/24", 26, {"gateway": "none"}))
    (second,) = blocks(plan(on, Snapshot([held("10.0.0.0/30")]), [Wish("b")], NOW), "b")
    assert second.startswith("10.0.8.") and claims(on, Snapshot(), Wish("a"), Wish("b")) == [("a", "10.0.0.0/30"), ("b", second)]


def test_holdings_of_another_size_stay_and_are_not_given_away():
    """As after another slice_length."""
    on = lan("10.0.0.0/29", 31, gateway="none")
    held_now = (held("10.0.0.0/30"), held("10.0.0.4/32", "b"))
    planned = plan(on, Snapshot(held_now), [Wish("c", {"lan": 1})], NOW)
    assert [item.block for item in planned.claims] == ["10.0.0.6/31"]
    assert {*held_now} < {*planned.after}


def test_a_host_has_a_part_in_the_segments_that_it_names():
    both = [*lan(), *segments(("10.9.0.0/24", 28, {}), name="wan")]
    planned = plan(both, Snapshot(), [Wish("a", {"wan": 1}), Wish("b"), Wish("c", {})], NOW)
    assert {(item.host, item.segment) for item in planned.claims} == {("a", "wan"), ("b", "lan"), ("b", "wan")}


# --- what was taken back --------------------------------------------------------------------------------------------


def test_a_slice_in_quarantine_goes_to_nobody_but_its_former_host():
    on = lan("10.0.0.0/29", 30, gateway="none")
    resting = held("10.0.0.0/30", "", generation=4, former="a", quarantine=NOW + 1)
    assert claims(on, Snapshot([resting]), Wish("b")) == [("b", "10.0.0.4/30")]
    refused = plan(on, Snapshot([resting, held("10.0.0.4/30", "c")]), [Wish("b")], NOW).conflicts
    assert len(refused) == 1 and "10.0.0.0/29 has no free slice of /30 (1 held, 1 in quarantine)" in refused[0]
    back = plan(on, Snapshot([resting]), [Wish("a")], NOW)
    assert back.claims == (held("10.0.0.0/30", "a", generation=4),) and back.change.drop == ()


def test_a_slice_in_quarantine_is_no_place_of_another_host():
    on = lan("10.0.0.0/29", 30, gateway="none")
    resting = held("10.0.0.4/30", "", generation=4, former="a", quarantine=NOW + 1)
    place = {"": (1,)}
    (refused,) = plan(on, Snapshot([resting]), [Wish("b", places=place)], NOW).conflicts
    assert refused.startswith("b: place 1 of 10.0.0.0/29 in segment lan was taken back from a and is in quarantine; give b another place")
    assert claims(on, Snapshot([resting]), Wish("a", places=place)) == [("a", "10.0.0.4/30")]
    assert claims(on, Snapshot([resting._replace(quarantine=NOW)]), Wish("b", places=place)) == [("b", "10.0.0.4/30")]


def test_a_former_host_gets_its_slice_again_wherever_its_name_would_lead():
    on = lan("10.0.0.0/24", 30, gateway="none")
    for number in range(1, 40, 3):
        block = f"10.0.0.{number * 4}/30"
        assert claims(on, Snapshot([held(block, "", former="a")]), Wish("a")) == [("a", block)]


def test_a_slice_of_another_size_takes_over_what_was_taken_back_with_its_generation():
    on = lan("10.0.0.0/29", 29, gateway="none")
    old = [held("10.0.0.0/30", "", generation=3), held("10.0.0.4/30", "", generation=5)]
    planned = plan(on, Snapshot(old), [Wish("a")], NOW)
    assert planned.claims == (held("10.0.0.0/29", generation=5),)
    assert {*planned.change.drop} == {*old} and planned.after == planned.claims


def test_a_host_that_comes_back_gets_all_that_nobody_else_has_got():
    """It may have endpoints there, however few addresses it asks for now."""
    on = lan("10.0.0.0/24", 30, gateway="none")
    old = [held(block, "", generation=2, former="a", quarantine=NOW + 9) for block in ("10.0.0.8/30", "10.0.0.16/28", "10.0.0.32/32")]
    taken = held("10.0.0.64/30", "b", generation=2, former="a")
    planned = plan(on, Snapshot([*old, taken]), [Wish("a"), Wish("b")], NOW)
    assert planned.claims == tuple(item._replace(host="a", former="", quarantine=0) for item in old) and taken in planned.after
    assert plan(on, applied(planned), [Wish("a"), Wish("b")], NOW).change == Change()


def test_a_former_host_is_first_whatever_its_name_is():
    on = lan("10.0.0.0/30", 30, gateway="none")
    resting = Snapshot([held("10.0.0.0/30", "", former="z")])
    refused = plan(on, resting, [Wish("a"), Wish("z")], NOW)
    assert [text.partition(" ")[0] for text in refused.conflicts] == ["a"]


def test_the_new_host_of_a_slice_does_not_hide_the_former_one():
    on = lan("10.0.0.0/30", 30, gateway="none")
    resting = held("10.0.0.0/30", "", generation=2, former="a", quarantine=NOW)
    planned = plan(on, Snapshot([resting], [KnownHost("a")]), [Wish("b"), Wish("c", {}, renamed_from="a")], NOW)
    assert planned.claims == (held("10.0.0.0/30", "b", generation=2, former="c"),)


def test_what_a_smaller_slice_leaves_of_one_that_was_taken_back_stays_in_quarantine():
    on = lan("10.0.0.0/28", 30, gateway="none")
    resting = held("10.0.0.0/28", "", generation=4, former="a", quarantine=NOW)
    planned = plan(on, Snapshot([resting]), [Wish("b")], NOW)
    (claim,) = planned.claims
    rest = [item for item in planned.after if not item.host]
    assert {item._replace(block="") for item in rest} == {resting._replace(block="")} and claim.generation == 4
    numbers = [ipaddress.ip_network(item.block).num_addresses for item in (claim, *rest)]
    assert sum(numbers) == 16 and planned.change.drop == (resting,) and {*planned.change.put} == {claim, *rest}


# --- identity -------------------------------------------------------------------------------------------------------


def known(name, uuid=ONE, **more):
    return Snapshot(known=[KnownHost(name, uuid, **more)])


@pytest.mark.parametrize(
    ("snapshot", "wishes", "words"),
    [
        (Snapshot(), [Wish("a", uuid=ONE), Wish("b", uuid=TWO)], None),
        (Snapshot(), [Wish("a", uuid=ONE), Wish("b", uuid=ONE)], f"b and a have the same UUID, {ONE}: one is a clone of the other; run macvlan-host identity"),
        (Snapshot(), [Wish("a", uuid=ONE, machine="m"), Wish("b", uuid=ONE, machine="m")], "and the same machine-id: one is a clone"),
        (known("a"), [Wish("b", uuid=ONE)], "b and a have the same UUID"),
        (known("a"), [Wish("b", uuid=ONE, renamed_from="a")], None),
        (known("a"), [Wish("a", uuid=TWO)], f"a has the UUID {TWO}, and was known by {ONE}: another machine has this name now; write replaced: true for a"),
        (known("a", machine="m"), [Wish("a", uuid=TWO, machine="m")], "the record of this machine was begun anew"),
        (known("a"), [Wish("a", uuid=TWO, replaced=True)], None),
        (known("a"), [Wish("a")], None),
        (known("a", ""), [Wish("a", uuid=ONE)], None),
        (known("a"), [Wish("a"), Wish("b", renamed_from="a")], "b says renamed_from: a, but a is a host of this task as well"),
        (known("a"), [Wish("b", renamed_from="a"), Wish("c", renamed_from="a")], None),
        (Snapshot(known=[KnownHost("a"), KnownHost("b")]), [Wish("b", renamed_from="a")], "both names are known and may have slices"),
        (known("b"), [Wish("b", renamed_from="a")], None),
    ],
)
def test_a_host_is_who_it_was_or_says_so(snapshot, wishes, words):
    told = plan(lan(), snapshot, wishes, NOW).conflicts
    assert len(told) == (words is not None), told
    assert words is None or words in told[0]


def test_the_first_run_of_a_host_binds_its_slices_to_its_uuid():
    before = plan(lan(), Snapshot(), [Wish("a")], NOW)
    bound = plan(lan(), applied(before), [Wish("a", uuid=ONE, machine="m")], NOW)
    assert bound.change == Change(know=(KnownHost("a", ONE, "m"),)) and bound.after == before.after


def test_a_new_name_is_written_with_all_slices():
    before = applied(plan(lan(length=31), Snapshot(), [Wish("a", {"lan": 5}, uuid=ONE)], NOW))
    renamed = plan(lan(length=31), before, [Wish("z", {"lan": 5}, renamed_from="a")], NOW)
    assert renamed.claims == () and renamed.change.forget == ("a",) and renamed.change.know == (KnownHost("z", ONE),)
    assert renamed.change.put == tuple(item._replace(host="z") for item in before.holdings)


@pytest.mark.parametrize(
    ("snapshot", "wishes", "words"),
    [
        (known("a"), [Wish("a", uuid=ONE, replaced=True)], "a says replaced: true, and is the machine that is known already"),
        (known("a", machine="m"), [Wish("a", uuid=ONE, machine="n")], "a has another machine-id than before, with the same UUID"),
        (known("a", machine="m"), [Wish("b", uuid=TWO, machine="m")], "a and b have the same machine-id"),
        (Snapshot([held("10.7.0.0/28")]), [Wish("a")], "a holds 10.7.0.0/28 of segment lan, which is in none of the subnets"),
    ],
)
def test_what_may_be_wrong_is_a_warning(snapshot, wishes, words):
    (told,) = plan(lan(), snapshot, wishes, NOW).warnings
    assert words in told


# --- addresses of the hosts -----------------------------------------------------------------------------------------


def test_the_addresses_of_hosts_are_given_to_nobody_and_remembered():
    on = lan("10.0.0.0/29", 32, gateway="none")
    planned = plan(on, Snapshot(), [Wish("a", {"lan": 1}, addresses=("10.0.0.3",)), Wish("b", {"lan": 4}, addresses=("10.0.0.5", "fd00::5"))], NOW)
    refused = plan(on, Snapshot(), [Wish("a", {"lan": 1}, addresses=("10.0.0.3",)), Wish("b", {"lan": 4})], NOW)
    assert not refused.conflicts and {"10.0.0.3/32"}.isdisjoint(item.block for item in refused.after)
    assert len(planned.conflicts) == 1 and "b needs 4 IPv4 addresses in segment lan and can have 3" in planned.conflicts[0]
    later = plan(on, applied(refused), [Wish("c", {"lan": 1})], NOW)
    assert "10.0.0.3/32" not in blocks(later, "c")


def test_what_other_hosts_have_in_a_slice_is_listed():
    seen = own_addresses([KnownHost("a", addresses=("10.0.0.1", "10.0.0.17")), KnownHost("b", addresses=("10.0.0.15", "10.0.0.16", "fd00::5"))])
    assert addresses_of_others(held("10.0.0.0/28"), seen) == ["10.0.0.15"]
    assert addresses_of_others(held("10.0.0.16/28"), seen) == ["10.0.0.16"]
    assert addresses_of_others(held("fd00::/120"), seen) == ["fd00::5"]


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "snapshot", "wishes", "words"),
    [
        (
            lan("10.0.0.0/29", 30),
            Snapshot([held("10.0.0.0/30")]),
            [Wish("b", {"lan": 5})],
            "b needs 5 IPv4 addresses in segment lan and can have 3: 10.0.0.0/29 has no free slice of /30 (2 held); add a subnet to the segment",
        ),
        (lan("10.0.0.0/30", 32, exclude=["10.0.0.2"]), Snapshot(), [Wish("b")], "can have 0: 10.0.0.0/30 has no free slice of /32 (4 without an address to"),
        (
            lan(),
            Snapshot([held("10.0.0.0/28"), held("10.0.0.8/29", "b")]),
            [],
            "the store gives 10.0.0.0/28 to a and 10.0.0.8/29 to b in segment lan, which overlap",
        ),
        (
            lan(),
            Snapshot([Holding("lam", "10.0.0.0/28", "a")]),
            [Wish("b")],
            "10.0.0.0/24 of segment lan has addresses of segment lam, in which a holds 10.0.0.0/28; use one name for the segment, or write isolated",
        ),
        (lan(), Snapshot([held("10.0.0.16/28")]), [Wish("b", places={"": (1,)})], "b: place 1 of 10.0.0.0/24 in segment lan is held by another host"),
        (lan(), Snapshot(), [Wish("b", places={"": (16,)})], "b: there is no place 16 in 10.0.0.0/24 of segment lan, whose places are 0 to 15"),
        ([*lan(), *segments(("10.0.0.0/16", 24, {}), name="wan")], Snapshot(), [], "segments wan and lan share addresses"),
    ],
)
def test_what_cannot_be_is_refused_in_words(on, snapshot, wishes, words):
    (told,) = plan(on, snapshot, wishes, NOW).conflicts
    assert words in told


def test_a_segment_without_a_wire_to_another_may_have_its_addresses():
    on = segments(("10.0.0.0/24", 28, {}), isolated=True)
    assert claims(on, Snapshot([Holding("other", "10.0.0.0/28", "a")]), Wish("b"))


# --- places ---------------------------------------------------------------------------------------------------------


def test_the_places_of_an_inventory_are_taken_over_as_they_are():
    on = lan(length=28)
    wishes = [Wish("a", places={"": (3, 1)}), Wish("b", places={"lan": (0,)}), Wish("c")]
    planned = plan(on, Snapshot(), wishes, NOW)
    assert blocks(planned, "a") == ["10.0.0.16/28", "10.0.0.48/28"] and blocks(planned, "b") == ["10.0.0.0/28"] and len(blocks(planned, "c")) == 1
    assert plan(on, applied(planned), wishes, NOW).change == Change()


def test_without_a_store_a_host_has_its_places_and_is_told_which_are_free():
    on = lan("10.0.0.0/29", 30, gateway="none")
    assert claims(on, Snapshot(), Wish("a", places={"": (1,)}), by_places=True) == [("a", "10.0.0.4/30")]
    (told,) = plan(on, Snapshot(), [Wish("a", {"lan": 4}, places={"": (1,)})], NOW, by_places=True).conflicts
    assert told.startswith("a needs 4 IPv4 addresses in segment lan, and the slices of its places have 3; give a a further place, such as 0, which is free")
