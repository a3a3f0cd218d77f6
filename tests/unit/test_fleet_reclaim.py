# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken back from hosts that are gone: when, what speaks against it, and what a task says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.ledger import Ledger
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Change, Holding, KnownHost, Snapshot, Wish
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.plan import plan
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_segments
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.reclaim import Answer, Wanted, reclaim
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.reclaim_request import read_wanted
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.releases import release
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MistakesError, OptionsError

NOW, HOUR, GRACE = 1_800_000_000, 3600, 24 * 3600
# Check mode is a few seconds earlier than the run.
LATER = NOW + GRACE + 7
ONE = "6f1c0a54-d2b9-4e77-a5a1-c9d04be8f213"
MAC = "02:42:0a:00:00:11"
LAN = read_segments(
    [
        {
            "name": "lan",
            "subnets": [{"subnet": "10.0.0.0/24", "slice_length": 28, "exclude": ["10.0.0.20"]}, {"subnet": "fd00::/64", "slice_length": 112}],
        }
    ]
)
FOUR, SIX, OTHER = Holding("lan", "10.0.0.16/28", "a"), Holding("lan", "fd00::1:0/112", "a", 3), Holding("lan", "10.0.0.32/28", "b")
SILENT = {("lan", FOUR.block): (), ("lan", SIX.block): ()}


def fleet(gone=0, **more):
    return Snapshot((FOUR, SIX, OTHER), (KnownHost("a", ONE, gone=gone, **more), KnownHost("b")))


def wanted(*hosts, probed=None, grace=GRACE):
    return Wanted(hosts or ("a",), grace, 4 * HOUR, probed)


def decided(snapshot, request, now=NOW):
    told = reclaim(LAN, snapshot, request, now)
    assert told.conflicts == ()
    return told


def refusal(snapshot, request, now=NOW):
    (problem,) = reclaim(LAN, snapshot, request, now).conflicts
    return problem


def heard(address, block=FOUR):
    return {**SILENT, block[:2]: (Answer(address, MAC),)}


# --- when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("probed", [None, {}, SILENT])
def test_a_host_is_noted_by_the_first_task_whatever_was_probed(probed):
    told = decided(fleet(), wanted(probed=probed, grace=0))
    assert told.change == Change(know=(KnownHost("a", ONE, gone=NOW),)) and told.due == ()


@pytest.mark.parametrize("probed", [None, {}, SILENT, heard("10.0.0.17")])
def test_nothing_happens_during_the_grace(probed):
    told = decided(fleet(NOW), wanted(probed=probed), NOW + GRACE - 1)
    assert told.change == Change() and [host.name for host in told.waiting] == ["a"]


def test_all_slices_are_taken_back_when_the_grace_is_over_and_nothing_answers():
    told = decided(fleet(NOW, addresses=("10.0.0.18",)), wanted(probed=SILENT), NOW + GRACE)
    later = NOW + GRACE + 4 * HOUR
    assert told.change.put == (Holding("lan", FOUR.block, "", 2, "a", later), Holding("lan", SIX.block, "", 4, "a", later))
    assert told.change.know == (KnownHost("a", ONE, gone=NOW),) and told.change.drop == told.change.forget == ()
    assert told.due == (FOUR, SIX)


def test_without_a_probe_the_slices_are_only_named():
    told = decided(fleet(NOW), wanted(), NOW + GRACE)
    assert told.due == (FOUR, SIX) and told.released == () and told.change == Change()


def test_a_host_without_slices_is_left_alone():
    snapshot = Snapshot((FOUR._replace(host="", former="a"),), (KnownHost("a", gone=NOW),))
    told = decided(snapshot, wanted(probed={}), NOW + 2 * GRACE)
    assert told.change == Change() and told.due == told.waiting == ()


def test_a_clock_that_is_behind_takes_nothing_back():
    assert decided(fleet(NOW + 9), wanted(probed=SILENT, grace=0)).released == ()


def test_a_host_that_is_in_a_task_again_is_not_gone_any_more():
    # One whose record could not be read may be gone all the same.
    assert plan(LAN, fleet(NOW), [Wish("a", {"lan": 1})], NOW + 1).change == Change()
    planned = plan(LAN, fleet(NOW), [Wish("a", {"lan": 1}, uuid=ONE)], NOW + 1)
    assert planned.change == Change(know=(KnownHost("a", ONE),)) and planned.conflicts == ()
    others = plan(LAN, fleet(NOW), [Wish("b", {"lan": 1})], NOW + 1)
    assert KnownHost("a", ONE, gone=NOW) in others.known


# --- what speaks against it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [FOUR, SIX])
def test_each_slice_must_have_been_probed(missing):
    probed = {key: () for key in SILENT if key != missing[:2]}
    assert f"nobody has probed {missing.block} of segment lan;" in refusal(fleet(NOW), wanted(probed=probed), NOW + GRACE)


def test_a_part_of_a_slice_or_one_of_another_segment_is_not_the_slice():
    probed = {("lan", "10.0.0.16/29"): (), ("lan", "10.0.0.24/29"): (), ("wan", FOUR.block): (), SIX[:2]: ()}
    assert f"nobody has probed {FOUR.block}" in refusal(fleet(NOW), wanted(probed=probed), NOW + GRACE)


@given(st.integers(0, 15))
def test_any_address_that_answers_stops_it_but_one_that_is_given_to_no_endpoint(number):
    """10.0.0.20 is excluded, and host b has 10.0.0.21 itself."""
    address = f"10.0.0.{16 + number}"
    snapshot = fleet(NOW)._replace(known=(KnownHost("a", ONE, gone=NOW, addresses=("10.0.0.22",)), KnownHost("b", addresses=("10.0.0.21",))))
    told = reclaim(LAN, snapshot, wanted(probed=heard(address)), NOW + GRACE)
    if address in ("10.0.0.20", "10.0.0.21"):
        assert told.conflicts == () and len(told.released) == 2
    else:
        (problem,) = told.conflicts
        assert f"a is not gone and keeps its slices, because something on the wire answers: {MAC} has {address} of 10.0.0.16/28" in problem


def test_many_answers_are_told_briefly():
    answers = tuple(Answer(f"10.0.0.{number}", MAC) for number in range(21, 30))
    problem = refusal(fleet(NOW), wanted(probed={**SILENT, FOUR[:2]: answers}), NOW + GRACE)
    assert problem.count(MAC) == 5 and ", and 4 more; find it, or leave a out of the task" in problem


def test_one_host_that_answers_keeps_the_slices_of_the_others_too():
    """What a task cannot do as a whole it does not do in part."""
    snapshot = fleet(NOW)._replace(known=(KnownHost("a", gone=NOW), KnownHost("b", gone=NOW)))
    told = reclaim(LAN, snapshot, wanted("a", "b", probed={**SILENT, OTHER[:2]: (Answer("10.0.0.33", MAC),)}), NOW + GRACE)
    assert len(told.conflicts) == 1 and told.conflicts[0].startswith("b is not gone")


def test_a_host_that_nobody_knows_is_misspelt():
    assert refusal(fleet(NOW), wanted("a", "edge", probed=SILENT), NOW + GRACE) == "the store knows no host 'edge'; it knows a, b"
    assert refusal(Snapshot(), wanted()) == "the store knows no host 'a'; it knows none"


def test_what_a_commit_that_was_cut_off_has_left_is_taken_back_too():
    cut = Snapshot((FOUR,))
    first = decided(cut, wanted())
    assert first.change == Change(know=(KnownHost("a", gone=NOW),))
    assert decided(cut._replace(known=first.change.know), wanted(probed=SILENT), NOW + GRACE).released == (
        Holding("lan", FOUR.block, "", 2, "a", NOW + GRACE + 4 * HOUR),
    )


def test_own_addresses_about_which_nobody_was_asked_stay_the_host_s():
    known = fleet(NOW, addresses=("10.0.0.2", "10.0.0.18"))
    told = decided(known, wanted(probed=SILENT), NOW + GRACE)
    assert told.change.know == (KnownHost("a", ONE, addresses=("10.0.0.2",), gone=NOW),)
    cut = Snapshot((), (KnownHost("a", ONE, addresses=("10.0.0.2",), gone=NOW),))
    assert decided(cut, wanted(probed={}), NOW + GRACE).change == Change()


def test_a_slice_of_a_subnet_that_the_segment_no_longer_has_needs_no_probe():
    former = Holding("lan", "10.9.0.0/28", "a")
    snapshot = Snapshot((FOUR, SIX, former), (KnownHost("a", ONE, gone=NOW),))
    assert decided(snapshot, wanted(), NOW + GRACE).due == (FOUR, SIX)
    released = {item.block: item.host for item in decided(snapshot, wanted(probed=SILENT), NOW + GRACE).change.put}
    assert released == {FOUR.block: "", SIX.block: "", former.block: ""}
    of_others = Snapshot((Holding("other", "10.9.0.0/28", "a"),), (KnownHost("a", ONE, gone=NOW),))
    assert "nobody has probed 10.9.0.0/28 of segment other" in refusal(of_others, wanted(probed={}), NOW + GRACE)


# --- with a store ---------------------------------------------------------------------------------------------------


def run(store, request, now, dry_run=False):
    return release(LAN, request, store, now=now, moment=str, dry_run=dry_run)


def test_check_mode_is_the_run_and_a_second_run_changes_nothing(tmp_path):
    store = Ledger(str(tmp_path / "ledger.db"))
    store.commit(Change(put=(FOUR, SIX, OTHER), know=(KnownHost("a", addresses=("10.0.0.18",)), KnownHost("b"))), store.read())
    steps = []
    for now, probed in ((NOW, None), (NOW + 9, None), (LATER, None), (LATER, SILENT), (LATER, SILENT), (NOW + 2 * GRACE, {})):
        before = store.read()
        foreseen = run(store, wanted(probed=probed), now, dry_run=True)
        assert store.read() == before
        done = run(store, wanted(probed=probed), now + 7 if foreseen.result["noted"] else now)
        assert done == foreseen and done.result["changed"] == (store.read() != before) == (done.before != done.after)
        steps.append(done.result["steps"])
    assert steps == [
        ["note that a is gone"],
        [],
        [],
        ["forget the addresses of a: 10.0.0.18", "take 10.0.0.16/28 of segment lan back from a", "take fd00::1:0/112 of segment lan back from a"],
        [],
        [],
    ]
    assert done.after == {"a": {"gone": True, "addresses": [], "slices": {}}}
    assert done.result["due"] == done.result["released"] == []


def test_a_host_that_comes_back_in_between_keeps_its_slices(tmp_path):
    store = Ledger(str(tmp_path / "ledger.db"))
    store.commit(Change(put=(FOUR, SIX), know=(KnownHost("a", gone=NOW),)), store.read())

    first = [plan(LAN, store.read(), [Wish("a", {"lan": 1})], NOW).change]

    class Overtaken(Ledger):
        def commit(self, change, seen):
            if first:
                store.commit(first.pop(), seen)
            super().commit(change, seen)

    done = run(Overtaken(store.path), wanted(probed=SILENT), NOW + GRACE)
    assert done.result["released"] == [] and done.result["noted"] == ["a"]
    assert {item.host for item in store.read().holdings} == {"a"}


def test_a_refused_task_writes_nothing(tmp_path):
    store = Ledger(str(tmp_path / "ledger.db"))
    store.commit(Change(put=(FOUR, SIX, OTHER), know=(KnownHost("a", gone=NOW), KnownHost("b"))), store.read())
    before = store.read()
    with pytest.raises(MistakesError, match="a is not gone"):
        run(store, wanted("a", "b", probed=heard("10.0.0.17")), NOW + GRACE)
    assert store.read() == before


# --- as it is written -----------------------------------------------------------------------------------------------


def params(**options):
    return {"store": "sqlite", "hosts": ["a"], "grace": "24h", "quarantine": "4h", "probed": None, **options}


def probe(block="10.0.0.16/28", *answers):
    return {"segment": "lan", "slice": block, "answers": [{"address": address, "mac": mac} for address, mac in answers]}


def test_options_are_read_as_they_are_written():
    assert read_wanted(params()) == wanted()
    assert read_wanted(params(grace="7d", quarantine="90s")) == Wanted(("a",), 7 * 24 * HOUR, 90, None)
    assert read_wanted(params(probed=[])).probed == {}
    twice = [probe(), probe("10.0.0.16/28", ("10.0.0.17/24", MAC.upper())), probe("FD00::1:0/112")]
    assert read_wanted(params(probed=twice)).probed == {**SILENT, FOUR[:2]: (Answer("10.0.0.17", MAC),)}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (params(store="inventory"), "store: inventory has nothing that could be taken back; edit place of the hosts in the inventory instead"),
        (params(grace="1"), "grace: '1' is no duration such as 30m, 24h or 7d"),
        (params(quarantine="-1h"), "quarantine: '-1h' is no duration"),
        (params(probed=[probe("10.0.0.17/28")]), "probed[0].slice: 10.0.0.17/28 does not begin where its block does"),
        (params(probed=[probe("lan")]), "probed[0].slice: 'lan' is not a subnet in CIDR form"),
        (params(probed=[probe("10.0.0.16/28", ("10.0.0.32", MAC))]), "probed[0].answers[0].address: 10.0.0.32 is not in 10.0.0.16/28"),
        (params(probed=[probe("10.0.0.16/28", ("x", MAC))]), "probed[0].answers[0].address: 'x' is not an IP address"),
        (params(probed=[probe("10.0.0.16/28", ("10.0.0.17", "x"))]), "probed[0].answers[0].mac: 'x' is not a MAC address"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(given, words):
    with pytest.raises(OptionsError) as refused:
        read_wanted(given)
    assert words in str(refused.value)
