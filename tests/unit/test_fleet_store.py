# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slices of a fleet in their stores: what is written, what is refused, and what comes of an interrupted or a second task."""

from __future__ import annotations

import os
import re
import sqlite3
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet import ledger
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.allocate import allocate
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.ledger import Ledger
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Change, Holding, KnownHost, Snapshot, Wish
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_segments
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.store import ATTEMPTS, Inventory, MovedError, StoreError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.wishes import read_wishes
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MistakesError, OptionsError

WRITTEN = [{"name": "lan", "subnets": [{"subnet": "10.0.0.0/24", "slice_length": 28}, {"subnet": "fd00::/64", "slice_length": 112, "gateway": None}]}]
SEGMENTS = read_segments(WRITTEN)
ONE, TWO = "6f1c0a54-d2b9-4e77-a5a1-c9d04be8f213", "91d5b7c2-e04f-4a66-88b0-d1f2a7c9e345"
FULL = Change(
    put=(Holding("lan", "10.0.0.16/28", "a", 3), Holding("lan", "fd00::/112", "", 2, "b", 99)),
    know=(KnownHost("a", ONE, "0123", ("10.0.0.2", "fd00::2")), KnownHost("b", gone=70)),
)


@pytest.fixture(name="path")
def ledger_path(tmp_path):
    return tmp_path / "deep" / "ledger.db"


def run(store, *wishes, dry_run=False):
    return allocate(SEGMENTS, WRITTEN, wishes, store, now=50, dry_run=dry_run)


class Memory:
    """A store that remembers; what is in its way comes between reading and writing."""

    records = True

    def __init__(self):
        self.rows: dict[tuple[str, str], Holding] = {}
        self.known: dict[str, KnownHost] = {}
        self.number = 0
        self.between = []
        self.commits = 0

    def read(self):
        seen = Snapshot(tuple(self.rows.values()), tuple(self.known.values()), self.number)
        if self.between:
            self.between.pop(0)()
        return seen

    def commit(self, change, seen):
        self.commits += 1
        if seen.revision != self.number:
            raise MovedError("moved")
        self.write(change)

    def write(self, change):
        self.number += 1
        self.rows = {key: item for key, item in self.rows.items() if item not in change.drop}
        self.rows.update({(item.segment, item.block): item for item in change.put})
        self.known = {name: host for name, host in self.known.items() if name not in change.forget}
        self.known.update({host.name: host for host in change.know})


# --- the run --------------------------------------------------------------------------------------------------------


def test_check_mode_is_the_run_without_a_trace(path):
    store = Ledger(str(path))
    wishes = [Wish(f"h{number}", {"lan": 20}, uuid=ONE if number == 3 else "", addresses=(f"10.0.0.{number + 1}",)) for number in range(5)]
    foreseen = run(store, *wishes, dry_run=True)
    assert not path.parent.exists()
    done = run(store, *wishes)
    assert done == foreseen and done.changed
    again = run(store, *wishes)
    assert not again.changed and again.steps == () and again.claims == [] and again.before == again.after == done.after
    assert again == run(store, *wishes, dry_run=True)
    assert done.before == {} and len(done.claims) == 15 and len(done.after) == 5


def test_a_task_that_was_overtaken_plans_again():
    store, other = Memory(), Wish("z", {"lan": 1})
    store.between = [lambda: run_other(store, other)]
    done = run(store, Wish("a", {"lan": 1}))
    assert store.commits == 3 and {item.host for item in store.rows.values()} == {"a", "z"}
    assert {item["host"] for item in done.claims} == {"a"}


def run_other(store, wish):
    run(store, wish)


def test_a_task_that_is_always_overtaken_gives_up():
    store = Memory()

    def bump():
        store.number += 1
        store.between.append(bump)

    store.between = [bump]
    with pytest.raises(StoreError, match="other tasks have written to the store 50 times"):
        run(store, Wish("a"))
    assert store.commits == ATTEMPTS and store.rows == {}


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_commit_that_was_cut_off_is_finished_by_the_next_task(holdings, hosts):
    """Whatever part of a change a store has written, the next plan leads to the same slices."""
    wishes = [Wish(name, {"lan": 1}) for name in "abc"]
    whole = Memory()
    run(whole, *wishes)
    change = Change(put=tuple(whole.rows.values()), know=tuple(whole.known.values()))
    cut = Memory()
    cut.write(Change(put=change.put[:holdings], know=change.know[:hosts]))
    run(cut, *wishes)
    assert cut.rows == whole.rows and cut.known == whole.known


def test_the_inventory_is_never_changed_and_has_all_that_is_in_it():
    done = run(Inventory(), Wish("a", places={"": (1,)}), Wish("b", {"lan": 20}, places={"": (2, 3)}))
    assert not done.changed and done.steps == () and done.claims == [] and done.before == done.after
    assert [item["slice"] for item in done.slices["b"]["lan"]] == ["10.0.0.32/28", "10.0.0.48/28", "fd00::2:0/112", "fd00::3:0/112"]
    with pytest.raises(MistakesError, match=r"place 1 of 10.0.0.0/24 in segment lan is held by another host"):
        run(Inventory(), Wish("a", places={"": (1,)}), Wish("b", places={"": (1,)}))


def test_a_host_with_another_name_is_shown_under_both():
    store = Memory()
    first = run(store, Wish("a"))
    done = run(store, Wish("b", renamed_from="a"))
    assert done.changed and done.steps == ("rename a to b",) and done.claims == []
    assert done.before == first.after and done.after == {"b": first.after["a"]} and done.slices["b"] == first.slices["a"]


def test_subnets_are_those_of_a_network_without_the_addresses_of_other_hosts():
    done = run(Inventory(), Wish("a", places={"": (1,)}), Wish("b", {"lan": 1}, places={"": (2,)}, addresses=("10.0.0.17", "10.0.0.33")))
    assert done.subnets["a"]["lan"] == [
        {"subnet": "10.0.0.0/24", "exclude": ["10.0.0.17"], "ip_range": ["10.0.0.16/28"]},
        {"subnet": "fd00::/64", "ip_range": ["fd00::1:0/112"]},
    ]
    assert done.subnets["b"]["lan"][0] == {"subnet": "10.0.0.0/24", "ip_range": ["10.0.0.32/28"]}


# All subnets of the segment, with the gateways that every network keeps from its endpoints.
ALL = [{"subnet": "10.0.0.0/24", "gateway": "10.0.0.1"}, {"subnet": "fd00::/64", "gateway": "fd00::1"}]


def test_a_network_is_told_its_slices_and_those_that_another_host_has_now():
    store = Memory()
    store.write(
        Change(
            put=(
                Holding("lan", "10.0.0.16/28", "a", 1),
                Holding("lan", "10.0.0.32/28", "b", 2, "a"),
                Holding("lan", "fd00::1:0/112", "b", 2, "a"),
                Holding("lan", "10.0.0.64/28", "", 2, "b", 99),
                Holding("lan", "10.0.0.80/28", "b", 7, "b"),
            )
        )
    )
    done = run(store, Wish("a", {"lan": 1}, addresses=("10.0.0.33",)), Wish("c", {}), dry_run=True)
    lost = [{"subnet": "10.0.0.0/24", "slice": "10.0.0.32/28", "generation": 2, "lost_to": "b"}]
    lost += [{"subnet": "fd00::/64", "slice": "fd00::1:0/112", "generation": 2, "lost_to": "b"}]
    first, second, *others = done.slices["a"]["lan"]
    assert first == {"subnet": "10.0.0.0/24", "slice": "10.0.0.16/28", "generation": 1} and second["subnet"] == "fd00::/64" and others == lost
    assert done.networks["a"]["lan"] == {"segment": "lan", "slices": done.slices["a"]["lan"], "subnets": ALL}
    assert done.networks["c"] == done.slices["c"] == {}
    of_b = run(store, Wish("a", {}, addresses=("10.0.0.33",)), Wish("b", {"lan": 1}))
    assert of_b.networks["b"]["lan"]["subnets"][0] == {"subnet": "10.0.0.0/24", "exclude": ["10.0.0.33"], "gateway": "10.0.0.1"}
    assert [item.get("lost_to") for item in of_b.slices["b"]["lan"]] == [None] * 4


def test_a_subnet_stays_for_the_endpoints_of_a_host_that_has_lost_all_its_slices():
    store = Memory()
    store.write(Change(put=(Holding("lan", "10.0.0.32/28", "b", 2, "a"),)))
    done = run(store, Wish("a", {}))
    assert done.networks["a"]["lan"]["subnets"] == ALL and done.subnets["a"] == {}


def test_a_subnet_without_a_slice_is_not_handed_on():
    """A network would give out all of it."""
    written = [{"name": "lan", "subnets": [{"subnet": "10.0.0.0/28", "slice_length": 28}, {"subnet": "10.0.8.0/24", "slice_length": 28}]}]
    done = allocate(read_segments(written), written, [Wish("a"), Wish("b")], Memory(), now=0, dry_run=False)
    assert [len(done.subnets[name]["lan"]) for name in "ab"] == [1, 1]


# --- the ledger -----------------------------------------------------------------------------------------------------


def test_a_ledger_has_what_was_written_and_nobody_else_reads_it(path):
    store = Ledger(str(path))
    assert store.read() == Snapshot()
    store.commit(FULL, store.read())
    seen = store.read()
    assert ({*seen.holdings}, {*seen.known}) == ({*FULL.put}, {*FULL.know})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["ledger.db"]
    store.commit(Change(put=(Holding("lan", "10.0.0.16/28", "c", 4),), drop=FULL.put[1:], know=(KnownHost("c", ONE),), forget=("a",)), seen)
    after = store.read()
    assert after.holdings == (Holding("lan", "10.0.0.16/28", "c", 4),) and {host.name for host in after.known} == {"b", "c"}


def test_hosts_may_swap_their_uuids_in_one_commit(path):
    store = Ledger(str(path))
    store.commit(Change(know=(KnownHost("a", ONE), KnownHost("b", TWO))), store.read())
    store.commit(Change(know=(KnownHost("a", TWO), KnownHost("b", ONE))), store.read())
    assert {host.name: host.uuid for host in store.read().known} == {"a": TWO, "b": ONE}


@pytest.mark.parametrize("first", [Change(), FULL])
def test_what_was_read_before_another_task_has_written_is_not_written(path, first):
    store = Ledger(str(path))
    if any(first):
        store.commit(first, store.read())
    seen = store.read()
    store.commit(Change(know=(KnownHost("z"),)), seen)
    before = path.read_bytes()
    with pytest.raises(MovedError, match="another task has written"):
        store.commit(Change(know=(KnownHost("y"),)), seen)
    assert path.read_bytes() == before


def test_a_ledger_without_a_first_commit_is_empty(path):
    """As after a crash between the creation of the file and the end of the commit."""
    path.parent.mkdir()
    path.touch(0o600)
    assert Ledger(str(path)).read() == Snapshot()
    Ledger(str(path)).commit(FULL, Snapshot())
    assert len(Ledger(str(path)).read().holdings) == 2


def written(path):
    store = Ledger(str(path))
    store.commit(FULL, store.read())


def changed(*statements):
    def spoil(path):
        written(path)
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    return spoil


def truncated(path):
    written(path)
    os.truncate(path, 8192)


def overwritten(path):
    written(path)
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 4096 + path.read_bytes()[8192:])


def text(path):
    path.parent.mkdir()
    path.write_text("hosts:\n" * 2000, encoding="utf-8")
    path.chmod(0o600)


def foreign(path):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text)")
    connection.close()
    path.chmod(0o600)


def link(path):
    path.parent.mkdir()
    path.symlink_to("/dev/null")


def open_to_all(path):
    written(path)
    path.chmod(0o666)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (text, "is not an SQLite database, and so no ledger of a fleet; write another path"),
        (foreign, "is an SQLite database of something else, and no ledger of a fleet; write another path"),
        (changed("PRAGMA user_version = 2"), "was written by a newer release of the collection fleetnet.macvlan (its schema is 2, and this release knows 1)"),
        (truncated, "is damaged ("),
        (overwritten, "is damaged ("),
        (changed("UPDATE slices SET block = 'x' WHERE host = 'a'"), "is damaged (there is a slice ('lan', 'x'"),
        (changed("UPDATE slices SET generation = 'x'"), "is damaged (there is a slice"),
        (changed("UPDATE hosts SET addresses = 'x'"), "is damaged (there is a host"),
        (changed("UPDATE hosts SET gone = 'x'"), "is damaged (there is a host"),
        (changed("DROP TABLE hosts"), "cannot be used: no such table: hosts"),
        (changed("DELETE FROM revision"), "is damaged ("),
        (link, "is a symbolic link; write the path of a plain file for the ledger"),
        (lambda path: path.mkdir(parents=True), "is a folder; write the path of a plain file"),
        (open_to_all, "can be written to by other users (mode 0666); take that away: chmod go-w "),
    ],
)
def test_a_file_that_is_no_ledger_is_told_in_words_and_stays_as_it_is(path, spoil, words):
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    for dry_run in (True, False):
        with pytest.raises(StoreError) as refused:
            run(Ledger(str(path)), Wish("a"), dry_run=dry_run)
        assert words in str(refused.value) and str(path) in str(refused.value)
    assert before is None or path.read_bytes() == before


def test_a_ledger_that_another_program_has_locked_is_waited_for_and_told(path, monkeypatch):
    monkeypatch.setattr(ledger, "WAIT", 0.05)
    written(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match=re.escape(f"another program has had the ledger {path} locked")):
        run(Ledger(str(path)), Wish("z"))
    other.execute("ROLLBACK")
    other.execute("BEGIN IMMEDIATE")
    assert run(Ledger(str(path)), Wish("z"), dry_run=True).changed
    with pytest.raises(StoreError, match="locked"):
        run(Ledger(str(path)), Wish("z"))


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be used: .*; the hosts keep their slices"):
        run(Ledger(str(tmp_path / "file" / "ledger.db")), Wish("a"))


# --- wishes as they are written -------------------------------------------------------------------------------------


def host(**options):
    return {"name": "edge1", "place": None, "needs": None, "own_addresses": None, **options}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (host(), Wish("edge1")),
        (host(needs=[]), Wish("edge1", {})),
        (host(needs=[{"segment": "lan", "addresses": 20}]), Wish("edge1", {"lan": 20})),
        (host(needs=[{"segment": "lan", "addresses": 1, "place": [4]}], place=[1, 2]), Wish("edge1", {"lan": 1}, {"": (1, 2), "lan": (4,)})),
        (host(own_addresses=["10.0.0.2/24", "FD00::2"]), Wish("edge1", addresses=("10.0.0.2", "fd00::2"))),
        (host(own_addresses=[]), Wish("edge1", addresses=())),
        (host(uuid=ONE.upper(), replaced=True, renamed_from="edge0"), Wish("edge1", uuid=ONE, replaced=True, renamed_from="edge0")),
        (host(machine_id="7f0c5a1d9be24c3fa0d16b8e2f937c54"), Wish("edge1", machine="a19b7c6d"))
    ],
)
def test_a_host_is_read_as_it_is_written(given, wanted):
    (read,) = read_wishes([given], SEGMENTS)
    if wanted.machine:
        assert re.fullmatch("[0-9a-f]{16}", read.machine) and read.machine not in given["machine_id"]
    assert read._replace(machine="") == wanted._replace(machine="")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([host(), host()], "hosts: edge1 stands there twice; write each host once"),
        ([host(name="")], "hosts[0].name: '' is no inventory name"),
        ([host(name="a b")], "hosts[0].name: 'a b' is no inventory name, which has 1 to 255 printable characters and no white space"),
        ([host(renamed_from="edge1")], "hosts[0].renamed_from: edge1 is the name itself"),
        ([host(uuid="x")], "hosts[0].uuid: 'x' is no UUID such as"),
        ([host(machine_id="x\ud800")], "hosts[0].machine_id: 'x\\ud800' is not the content of /etc/machine-id"),
        ([host(own_addresses=["x"])], "hosts[0].own_addresses[0]: 'x' is not an IP address"),
        ([host(place=[-1])], "hosts[0].place must be from 0 to"),
        ([host(place=[1, 1])], "hosts[0].place: a place stands there twice"),
        ([host(needs=[{"segment": "wan"}])], "hosts[0].needs[0].segment: there is no segment wan; there are lan"),
        ([host(needs=[{"segment": "lan"}, {"segment": "lan"}])], "hosts[0].needs: lan stands there twice"),
        ([host(needs=[{"segment": "lan", "addresses": 0}])], "hosts[0].needs[0].addresses must be from 1 to 65536, not 0"),
    ],
)
def test_a_host_that_cannot_be_read_is_refused_in_words(given, words):
    with pytest.raises(OptionsError) as refused:
        read_wishes(given, SEGMENTS)
    assert words in str(refused.value)
