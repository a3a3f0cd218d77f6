# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""macvlan_fleet with etcd: one member and three, TLS and users, members that are killed, and what is said when none answers."""

from __future__ import annotations

import itertools
import json
import random
import signal
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.tests.kernel.test_fleet import LAN, assert_apart, owned
from ansible_collections.fleetnet.macvlan.tests.support.etcd import PASSWORD, USER, Cluster
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host, Task

pytestmark = [pytest.mark.engine, pytest.mark.any_kernel]

# Debian 12 has etcd 3.4, and Debian 13 has 3.5.
every_release = pytest.mark.parametrize("suite", ["bookworm", "trixie"])
# A refusal has to come in three seconds; a busy machine may take longer.
SECONDS = 3 * 5


def task(cluster: Cluster, *names: str, addresses: int = 5, **options: t.Any) -> dict[str, t.Any]:
    needs = [{"segment": "lan", "addresses": addresses}]
    return {"segments": [LAN], "hosts": [{"name": name, "needs": needs} for name in names], "store": "etcd", "etcd": cluster.options(**options)}


@pytest.fixture(name="cluster")
def single_member(host: Host, tmp_path: Path) -> Cluster:
    return Cluster(host, tmp_path)


@every_release
def test_check_mode_is_the_run_and_a_second_run_changes_nothing(host: Host, tmp_path: Path, suite: str) -> None:
    cluster = Cluster(host, tmp_path, suite=suite)
    names = [f"edge{number}" for number in range(50)]
    before = cluster.curl(0, "/v3/kv/range", {"key": "AA==", "range_end": "AA=="})
    foreseen = host.call("macvlan_fleet", check=True, diff=True, **task(cluster, *names))
    assert cluster.curl(0, "/v3/kv/range", {"key": "AA==", "range_end": "AA=="}) == before
    done = host.call("macvlan_fleet", diff=True, **task(cluster, *names))
    assert done["changed"] and {**done, "invocation": None} == {**foreseen, "invocation": None}
    assert_apart(owned(done))
    again = host.call("macvlan_fleet", **task(cluster, *names))
    assert not again["changed"] and again["slices"] == done["slices"]


def test_a_host_is_renamed_and_grows_in_many_transactions(host: Host, cluster: Cluster) -> None:
    many = {"name": "lan", "subnets": [{"subnet": "10.0.0.0/16", "slice_length": 32}]}
    first = host.call("macvlan_fleet", **{**task(cluster, "a", addresses=200), "segments": [many]})
    renamed = {"name": "z", "renamed_from": "a", "needs": [{"segment": "lan", "addresses": 300}]}
    done = host.call("macvlan_fleet", **{**task(cluster), "segments": [many], "hosts": [renamed]})
    before, after = ({item["slice"] for item in result["slices"][name]["lan"]} for result, name in ((first, "a"), (done, "z")))
    assert len(before) == 200 and len(after) == 300 and before < after


def test_tasks_at_once_give_no_slice_to_two_hosts(host: Host, cluster: Cluster) -> None:
    names = [[f"h{number}-{index}" for index in range(70)] for number in range(4)]
    done = host.call_together([Task("macvlan_fleet", task(cluster, *listed)) for listed in names])
    assert [result.get("msg") for result in done] == [None] * 4
    now = host.call("macvlan_fleet", check=True, **task(cluster, *itertools.chain(*names)))
    assert not now["changed"]
    assert_apart(owned(now))


def test_a_task_that_was_killed_is_finished_by_the_next(host: Host, cluster: Cluster) -> None:
    dice = random.Random(5)
    for number in range(5):
        names = [f"k{number}-{index}" for index in range(300)]
        call = host.spawn("macvlan_fleet", **task(cluster, *names))
        time.sleep(dice.uniform(0.3, 1.5))
        call.kill()
        host.call("macvlan_fleet", **task(cluster, *names))
    everybody = [f"k{number}-{index}" for number in range(5) for index in range(300)]
    now = host.call("macvlan_fleet", check=True, **task(cluster, *everybody))
    assert not now["changed"]
    assert_apart(owned(now))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("slices/lan/4/0a000000-28", '{"segment": "lan", "block": "10.0.0.0/28", "host": "a", "colour": "of a newer release"}'),
        ("slices/lan/4/0a000000-28", "not JSON"),
        ("slices/lan/4/0a000000-28", '{"segment": "other", "block": "10.0.0.0/28", "host": "a"}'),
        ("slices/lan/4/0a000000-28", '{"segment": "lan", "block": "10.0.0.7/28", "host": "a"}'),
        ("hosts/a", '{"name": "b", "addresses": []}'),
        ("hosts/a", '{"name": "a", "uuid": 7, "addresses": []}'),
        ("hosts/a", "[]"),
    ],
)
def test_a_value_that_this_release_cannot_read_is_told_and_nothing_is_written(host: Host, cluster: Cluster, key: str, value: str) -> None:
    cluster.put(key, value)
    before = cluster.curl(0, "/v3/kv/range", {"key": "AA==", "range_end": "AA=="})
    message = host.call("macvlan_fleet", fails=True, **task(cluster, "a"))["msg"]
    assert f"the key '/fleetnet/v1/{key}' of etcd has a value that this release cannot read" in message
    assert json.loads(cluster.curl(0, "/v3/kv/range", {"key": "AA==", "range_end": "AA=="}))["kvs"] == json.loads(before)["kvs"]


@every_release
def test_three_members_with_tls_and_users_lose_one_after_the_other(host: Host, tmp_path: Path, suite: str) -> None:
    cluster = Cluster(host, tmp_path, members=3, tls=True, suite=suite)
    cluster.add_users()
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
    dice, members = random.Random(7), itertools.cycle(range(3))

    def strike() -> None:
        """Kill the next member while the task is at work, and have it come back."""
        time.sleep(dice.uniform(0, 1.0))
        number = next(members)
        cluster.kill(number)
        time.sleep(0.5)
        cluster.start(number)
        cluster.wait_until_healthy()

    for number in range(4):
        names = [f"t{number}-{index}" for index in range(150)]
        until_answered(host, strike, **task(cluster, *names, user=USER, password_file=str(secret)))
    everybody = [f"t{number}-{index}" for number in range(4) for index in range(150)]
    now = host.call("macvlan_fleet", **task(cluster, *everybody, user=USER, password=PASSWORD))
    assert not now["changed"]
    assert_apart(owned(now))
    assert PASSWORD not in str(now)


def until_answered(host: Host, strike: t.Callable[[], None], **params: t.Any) -> None:
    """Run a task until most members are up, which it says if they are not; the first three times a member is struck meanwhile."""
    for number in range(20):
        tried = host.spawn("macvlan_fleet", **params)
        if number < 3:
            strike()
        if tried.wait() == 0:
            return
        message = tried.result(fails=True)["msg"]
        assert "no member of etcd has answered" in message, message
    raise AssertionError(message)


@every_release
def test_what_etcd_refuses_is_told_in_words(host: Host, tmp_path: Path, suite: str) -> None:
    cluster = Cluster(host, tmp_path, tls=True, suite=suite)
    certificate = {"client_cert": str(tmp_path / "other.crt"), "client_key": str(tmp_path / "other.key")}
    refused = [({"user": USER, "password": PASSWORD}, "it has no users; leave etcd.user and etcd.password out")]
    refused += [({"ca_cert": str(tmp_path / "client.crt")}, "its certificate is not one of etcd.ca_cert")]
    refused += [({"client_cert": None, "client_key": None}, "want a client certificate that it accepts")]
    tell_all(host, cluster, refused)
    cluster.add_users()
    users: list[tuple[dict[str, t.Any], str]] = [
        ({}, "it wants a user; write etcd.user and etcd.password"),
        ({"user": USER, "password": "x"}, f"user {USER} is not known with this password"),
        ({"user": "stranger", "password": PASSWORD}, "user stranger may not read and write the keys below /fleetnet/v1/"),
        ({"user": USER, "password": PASSWORD, **certificate}, "the client certificate has a common name (CN)"),
    ]
    tell_all(host, cluster, users)


def tell_all(host: Host, cluster: Cluster, cases: t.Iterable[tuple[dict[str, t.Any], str]]) -> None:
    for options, words in cases:
        message = host.call("macvlan_fleet", fails=True, **task(cluster, "a", **options))["msg"]
        assert words in message, message


def test_a_store_that_is_away_is_told_soon_and_the_next_member_is_asked(host: Host, tmp_path: Path) -> None:
    cluster = Cluster(host, tmp_path)
    away, silent = "http://127.0.0.1:9", "http://127.0.0.1:2379"
    done = host.call("macvlan_fleet", **task(cluster, "a", members=[away, silent]))
    assert done["changed"]
    cluster.signal(0, signal.SIGSTOP)
    begin = time.monotonic()
    refused = host.call("macvlan_fleet", fails=True, **task(cluster, "a", "b", members=[away, silent]))["msg"]
    assert time.monotonic() - begin < SECONDS
    assert "no member of etcd has answered: http://127.0.0.1:9 (connection refused), http://127.0.0.1:2379 (no answer in time); the hosts keep" in refused
    cluster.signal(0, signal.SIGCONT)


def hide_etcd3gw() -> None:
    sys.modules["etcd3gw"] = None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"members": ["http://127.0.0.1:2379"]}, "needs the Python library etcd3gw where the task runs"),
        ({"members": []}, "etcd.members: write the URL of at least one member"),
        ({"members": ["etcd1"]}, "etcd.members[0]: 'etcd1' is no URL of a member of etcd such as https://etcd1.example.com:2379"),
        ({"members": ["http://a:99999999"]}, "etcd.members[0]: 'http://a:99999999' is no URL"),
        ({"members": ["http://a"], "prefix": "x"}, "etcd.prefix: 'x' must begin and end with a slash"),
        ({"members": ["http://a"], "user": "x"}, "etcd.user needs etcd.password or etcd.password_file"),
        ({"members": ["http://a"], "password": "x"}, "etcd.password has no meaning without etcd.user"),
        ({"members": ["http://a"], "user": "x", "password": "x", "password_file": "/x"}, "write one of etcd.password and etcd.password_file"),
        ({"members": ["http://a"], "user": "x", "password_file": "/x"}, "etcd.password_file: /x cannot be read: No such file"),
        ({"members": ["https://a"], "client_key": "/x"}, "etcd.client_cert and etcd.client_key belong together"),
        ({"members": ["https://a"], "ca_cert": "/x"}, "etcd.ca_cert: /x cannot be read: No such file"),
        (None, "store: etcd needs the option etcd, such as etcd: {members: [https://etcd1.example.com:2379]}"),
    ],
)
def test_wrong_options_are_refused_before_etcd_is_asked(host: Host, options: dict[str, t.Any] | None, words: str) -> None:
    given = {"segments": [LAN], "hosts": [{"name": "a"}], "store": "etcd", **({} if options is None else {"etcd": options})}
    assert words in host.call("macvlan_fleet", fails=True, hook=hide_etcd3gw, **given)["msg"]
    assert not host.path(HOME / ".local").exists()
