# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes and repairs while traffic flows: no packet is lost, and nothing that stays is gone for a moment."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import signal
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import subnets

pytestmark = pytest.mark.engine

Tasks = tuple[tuple[str, dict[str, t.Any]], ...]

NETWORK: dict[str, t.Any] = {
    "name": "net",
    "parent": "eth0",
    "subnets": subnets("192.168.216.0/24", "2001:db8:abc8::/64"),
}
# Its MAC address does not change with its address.
ENDPOINT: dict[str, t.Any] = {"name": "a", "network": "net", "netns": "a", "mac": "02:00:00:00:00:0a"}
NEIGHBOUR = {"name": "b", "network": "net", "netns": "b", "ipv4": "192.168.216.3", "ipv6": "2001:db8:abc8::3"}
NAS = {"nas": "192.168.216.9"}
V4, V6 = "192.168.216.2/24", "2001:db8:abc8::2/64"

# Which namespace asks whom: the endpoint's neighbour the endpoint, and the endpoint what lies behind its router.
NEAR4, NEAR6 = ("b", "192.168.216.2"), ("b", "2001:db8:abc8::2")
FAR4, FAR6 = ("a", "10.99.0.1"), ("a", "2001:db8:99::1")
ALL = (NEAR4, NEAR6, FAR4, FAR6)
FAR = (FAR4, FAR6)
# An address that pings come from takes the answers that are on their way with it; and for an address that becomes the
# first of its subnet the kernel itself takes its routes away and puts them back.
ONLY4, ONLY6 = (NEAR4, FAR4), (NEAR6, FAR6)

ANSWERS_BEFORE, ANSWERS_AFTER, ANSWERS = 20, 20, 101
SECONDS_TO_ANSWER = 120
SENTINEL = "203.0.113.0/24"


def endpoint(**params: t.Any) -> tuple[str, dict[str, t.Any]]:
    return "macvlan_endpoint", {**ENDPOINT, **params}


def network(**params: t.Any) -> tuple[str, dict[str, t.Any]]:
    return "macvlan_network", {**NETWORK, **params}


def by_way_of(via: str) -> dict[str, t.Any]:
    """The endpoint with routes of its own to what the pings ask for."""
    return {
        "routes": [
            {"to": "10.99.0.0/16", "via": f"192.168.216.{via}"},
            {"to": "2001:db8:99::/48", "via": f"2001:db8:abc8::{via}"},
        ]
    }


def gateways(last: str) -> list[dict[str, str]]:
    return [
        {"subnet": "192.168.216.0/24", "gateway": f"192.168.216.{last}"},
        {"subnet": "2001:db8:abc8::/64", "gateway": f"2001:db8:abc8::{last}"},
    ]


@dataclasses.dataclass(frozen=True)
class Live:
    """Something that is done while pings run.

    :ivar tasks: one after the other, each of which changes something
    :ivar damage: what others have done before
    :ivar before: tasks that were run before
    :ivar flows: the pings that must not lose anything
    :ivar goes: the routes and addresses that are to go
    """

    tasks: Tasks
    damage: tuple[str, ...] = ()
    before: Tasks = ()
    flows: tuple[tuple[str, str], ...] = ALL
    goes: frozenset[str] = frozenset()


CHANGES = {
    "labels": Live((network(labels={"a": "b"}), endpoint(labels={"a": "b"}))),
    "mtu of the network": Live((network(mtu=1400), network())),
    "mtu of the endpoint": Live((endpoint(mtu=1300), endpoint())),
    "mode": Live((network(mode="vepa"), network(mode="private"), network()), flows=FAR),
    "gateways": Live((network(subnets=gateways("254")), network())),
    "a subnet more, and no longer": Live(
        (network(subnets=[*NETWORK["subnets"], {"subnet": "10.66.0.0/24"}]), network()),
    ),
    "what is given out": Live(
        (
            network(
                subnets=[
                    {"subnet": "192.168.216.0/24", "ip_range": "192.168.216.128/25", "aux_addresses": NAS},
                    {"subnet": "2001:db8:abc8::/64"},
                ]
            ),
            network(),
        )
    ),
    "routes": Live(
        (endpoint(**by_way_of("1")), endpoint(**by_way_of("254")), endpoint()),
        goes=frozenset(("10.99.0.0/16", "2001:db8:99::/48")),
    ),
    "default routes, where others lead there": Live(
        (endpoint(default_route=False, **by_way_of("1")), endpoint(**by_way_of("1"))),
        before=(endpoint(**by_way_of("1")),),
        goes=frozenset(("default",)),
    ),
    "settings": Live(
        (endpoint(sysctls={"net.ipv4.conf.IFNAME.rp_filter": 2}, announce=False), endpoint()),
    ),
    "the IPv4 address": Live((endpoint(ipv4="192.168.216.77"),), flows=ONLY6, goes=frozenset((V4,))),
    "the IPv4 address, which others have one beside": Live(
        (endpoint(ipv4="192.168.216.77"),),
        ("address add 192.168.216.99/24 dev eth0", "address add 192.168.216.98/32 dev eth0"),
        flows=ONLY6,
        goes=frozenset((V4,)),
    ),
    "the IPv6 address": Live((endpoint(ipv6="2001:db8:abc8::77"),), flows=ONLY4, goes=frozenset((V6,))),
}

REPAIRS = {
    "the mtu, beside an IPv4 address of others": Live(
        (endpoint(),), ("address add 10.66.0.1/24 dev eth0", "link set eth0 mtu 1300")
    ),
    "the mtu, beside one of others in the subnet": Live(
        (endpoint(),), ("address add 192.168.216.99/24 dev eth0", "link set eth0 mtu 1300")
    ),
    "the mtu, beside one of others that is the first of the subnet": Live(
        (endpoint(),),
        (
            f"address delete {V4} dev eth0",
            "address add 192.168.216.99/24 dev eth0",
            f"address add {V4} dev eth0",
            "route add default via 192.168.216.1",
            "link set eth0 mtu 1300",
        ),
    ),
    "another prefix of the IPv4 address": Live(
        (endpoint(),),
        (
            f"address delete {V4} dev eth0",
            "address add 192.168.216.2/16 dev eth0",
            "route add default via 192.168.216.1",
        ),
        goes=frozenset(("192.168.216.2/16",)),
    ),
    "another IPv4 address": Live(
        (endpoint(),),
        (
            f"address delete {V4} dev eth0",
            "address add 192.168.216.99/24 dev eth0",
            "route add default via 192.168.216.1",
        ),
        flows=ONLY6,
    ),
    # Deprecated, it is not what the pings come from.
    "the mtu, beside an IPv6 address of others": Live(
        (endpoint(),),
        ("address add 2001:db8:abc8::99/64 dev eth0 nodad preferred_lft 0", "link set eth0 mtu 1300"),
    ),
    "a lost IPv6 address": Live((endpoint(),), (f"address delete {V6} dev eth0",), flows=ONLY4),
    "a lost default route": Live((endpoint(),), ("-4 route delete default",), flows=(NEAR4, NEAR6, FAR6)),
    "a lost route": Live(
        (endpoint(**by_way_of("1")),), ("route delete 10.99.0.0/16",), before=(endpoint(**by_way_of("1")),)
    ),
    "other next hops": Live(
        (endpoint(),),
        (
            "-4 route replace default via 192.168.216.254",
            "-6 route replace default via 2001:db8:abc8::254 dev eth0",
        ),
    ),
    "the alias": Live((endpoint(),), ("link set eth0 alias ",)),
    "the mtu": Live((endpoint(),), ("link set eth0 mtu 1300",)),
    "the mode": Live((endpoint(),), ("link set eth0 type macvlan mode private",), flows=FAR),
    "a setting": Live((endpoint(),), ("sysctl net/ipv6/conf/eth0/accept_ra 1",)),
}


@pytest.fixture
def routed(host: Host) -> Host:
    """A host with two endpoints on a wire whose router has two addresses of each family, and one of each behind it."""
    for last in ("1", "254"):
        host.wire.add_address(f"192.168.216.{last}/24")
        host.wire.add_address(f"2001:db8:abc8::{last}/64")
    host.wire.add_address("10.99.0.1/32")
    host.wire.add_address("2001:db8:99::1/128")
    host.call("macvlan_network", **NETWORK)
    host.call("macvlan_endpoint", **ENDPOINT)
    host.call("macvlan_endpoint", **NEIGHBOUR)
    for netns in ("a", "b"):
        host.wait_until_up("eth0", netns)
    return host


class Ping:
    """A ping that goes on; what has been answered by now is in its file."""

    def __init__(self, host: Host, flow: tuple[str, str], file: Path) -> None:
        self.flow, self.file = flow, file
        with file.open("w", encoding="utf-8") as output:
            self._process = host.start(["ping", "-n", "-i", "0.01", flow[1]], netns=flow[0], stdout=output)

    def answered(self) -> list[int]:
        return [int(number) for number in re.findall(r"bytes from .* icmp_seq=(\d+) ", self.file.read_text("utf-8"))]

    def wait_for(self, answers: int) -> None:
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while len(self.answered()) < answers:
            assert time.monotonic() < deadline and self._process.poll() is None, f"{self.flow} has too few answers"
            time.sleep(0.01)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def lost(self) -> set[int]:
        """Those without an answer; the last ones may still have been on their way."""
        answered = self.answered()
        return set(range(1, max(answered) + 1)) - set(answered)


class Watch:
    """What the kernel tells of the addresses and routes of a namespace."""

    def __init__(self, host: Host, netns: str, file: Path) -> None:
        self._host, self._netns, self._file = host, netns, file
        with file.open("w", encoding="utf-8") as output:
            self._process = host.start(["ip", "-o", "monitor", "address", "route"], netns=netns, stdout=output)
        self._catch_up()

    def _catch_up(self) -> None:
        """See that it has told all up to now; the first time, that it listens at all."""
        seen = self._told().count(SENTINEL)
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while self._told().count(SENTINEL) == seen:
            assert time.monotonic() < deadline, "ip monitor tells nothing"
            for action in ("add", "delete"):
                self._host.ip("route", action, SENTINEL, "dev", "lo", netns=self._netns)
            time.sleep(0.01)

    def _told(self) -> str:
        return self._file.read_text("utf-8")

    def deleted(self) -> set[str]:
        """The global addresses, and the routes that are not the kernel's own, which went, were it only for a moment."""
        self._catch_up()
        self._process.kill()
        self._process.wait()
        gone = [line for line in self._told().splitlines() if line.startswith("Deleted ") and SENTINEL not in line]
        routes = {line.split()[1] for line in gone if "proto static" in line or "proto boot" in line}
        addresses = {found[1] for line in gone if (found := re.search(r" inet6? (\S+) .*scope global", line))}
        return routes | addresses


@contextlib.contextmanager
def pinging(host: Host, flows: tuple[tuple[str, str], ...], folder: Path) -> Iterator[None]:
    """Pings that run before, during and after the block, and lose nothing."""
    pings = [Ping(host, flow, folder / str(number)) for number, flow in enumerate(flows)]
    for ping in pings:
        ping.wait_for(ANSWERS_BEFORE)
    yield
    for ping in pings:
        ping.wait_for(max(len(ping.answered()) + ANSWERS_AFTER, ANSWERS))
        ping.stop()
    assert {ping.flow: lost for ping in pings if (lost := ping.lost())} == {}


def bring_about(host: Host, commands: tuple[str, ...]) -> None:
    for command in commands:
        first, *others = command.split(" ")
        if first == "sysctl":
            host.sysctl(others[0], others[1], netns="a")
        else:
            host.ip(first, *others, netns="a")


@pytest.mark.parametrize("live", [*CHANGES.values(), *REPAIRS.values()], ids=[*CHANGES, *REPAIRS])
def test_nothing_is_lost_while_something_changes(routed: Host, live: Live, tmp_path: Path) -> None:
    for module, params in live.before:
        routed.call(module, **params)
    bring_about(routed, live.damage)
    watch = Watch(routed, "a", tmp_path / "watch")
    with pinging(routed, live.flows, tmp_path):
        for module, params in live.tasks:
            assert routed.call(module, **params)["changed"]
    assert watch.deleted() == live.goes
    assert routed.call("macvlan_info")["drift"] == []
