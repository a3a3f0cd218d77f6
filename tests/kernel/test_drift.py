# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others change is named, exactly, and put right in place: by the task, by macvlan_config and by a restoration."""

from __future__ import annotations

import dataclasses
import itertools
import sys
import time
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.faults import StepFailure
from ansible_collections.fleetnet.macvlan.tests.support.features import RENAMES_LIVE
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import NOTHING_LISTED, converge, endpoint, gone, network, refuse, subnets

pytestmark = pytest.mark.engine

NETWORK = {"name": "net", "parent": "eth0", "subnets": subnets("192.168.216.0/24", "2001:db8:abc8::/64")}
ENDPOINT = {
    "name": "a",
    "network": "net",
    "default_route": True,
    "routes": [{"to": "10.0.0.0/8", "via": "192.168.216.9"}],
    "sysctls": {"net.ipv4.conf.IFNAME.rp_filter": "2"},
}
V4, V6, MAC = "192.168.216.2/24", "2001:db8:abc8::2/64", "02:42:c0:a8:d8:02"
COMMAND = {"path": str(HOME / "engine"), "command": str(HOME / "bin/macvlan-host")}
SECONDS_TO_CONFIGURE = 60

DEFAULT4 = ("default_route", "0.0.0.0/0 via 192.168.216.1", None)
DEFAULT6 = ("default_route", "::/0 via 2001:db8:abc8::1", None)
ROUTE = ("routes", "10.0.0.0/8 via 192.168.216.9", None)
ADD_DEFAULT4 = "add default route via 192.168.216.1 on {link}"
ADD_DEFAULT6 = "add IPv6 default route via 2001:db8:abc8::1 on {link}"
ADD_ROUTE = "add route to 10.0.0.0/8 via 192.168.216.9 on {link}"
SETTINGS = (
    "set net.ipv6.conf.{dev}.accept_ra=0, net.ipv6.conf.{dev}.autoconf=0, net.ipv6.conf.{dev}.ndisc_notify=1, "
    "net.ipv6.conf.{dev}.disable_ipv6=0, net.ipv4.conf.{dev}.arp_notify=1, net.ipv4.conf.{dev}.rp_filter=2{where}"
)
LINK_STEPS = (
    f"create macvlan link {{link}} on eth0 (bridge, {MAC})",
    SETTINGS,
    f"add {V4} to {{link}}",
    f"add {V6} to {{link}}",
    "bring {link} up",
    ADD_DEFAULT4,
    ADD_DEFAULT6,
    ADD_ROUTE,
)


@dataclasses.dataclass(frozen=True)
class Drift:
    """What somebody does, what is told of it, and what puts it right; {dev}, {link} and {where} tell of the endpoint.

    :ivar damage: commands in the endpoint's namespace: ``ip`` without its name, or ``sysctl KEY VALUE``
    :ivar entries: field, recorded, actual
    :ivar of_host: the commands are for the host's own namespace
    :ivar keeps_link: whether the link is the same afterwards, not another one like it
    :ivar clearing: commands that take away what others have put there, which stays
    """

    damage: tuple[str, ...]
    entries: tuple[tuple[str, t.Any, t.Any], ...]
    steps: tuple[str, ...]
    of_host: bool = False
    keeps_link: bool = True
    clearing: tuple[str, ...] = ()


DRIFTS = {
    "mtu": Drift(
        ("link set {dev} mtu 1300",), (("mtu", 1500, 1300),), ("change mtu of {link} from 1300 to 1500",)
    ),
    "mtu clamped by the parent": Drift(
        ("link set eth0 mtu 1400", "link set eth0 mtu 1500"),
        (("mtu", 1500, 1400),),
        ("change mtu of {link} from 1400 to 1500",),
        of_host=True,
    ),
    "mode": Drift(
        ("link set {dev} type macvlan mode private",),
        (("mode", "bridge", "private"),),
        ("change mode of {link} from private to bridge",),
    ),
    "MAC address": Drift(
        ("link set {dev} address 02:00:00:00:00:99",),
        (("mac", MAC, "02:00:00:00:00:99"),),
        (f"change mac of {{link}} from 02:00:00:00:00:99 to {MAC}",),
    ),
    "alias": Drift(("link set {dev} alias ",), (("link", "{tag}", "not tagged"),), ("tag {link} as ours",)),
    "link down": Drift(
        ("link set {dev} down",),
        (("link", "up", "down"), ("ipv6", V6, None), DEFAULT4, DEFAULT6, ROUTE),
        (f"add {V6} to {{link}}", "bring {link} up", ADD_DEFAULT4, ADD_DEFAULT6, ADD_ROUTE),
    ),
    "link down with another address": Drift(
        ("link set {dev} down", f"address delete {V4} dev {{dev}}", "address add 10.66.0.1/24 dev {dev}"),
        (("link", "up", "down"), ("ipv4", V4, "10.66.0.1/24"), ("ipv6", V6, None), DEFAULT4, DEFAULT6, ROUTE),
        (
            f"add {V4} to {{link}}",
            f"add {V6} to {{link}}",
            "bring {link} up",
            ADD_DEFAULT4,
            ADD_DEFAULT6,
            ADD_ROUTE,
        ),
        clearing=("address delete 10.66.0.1/24 dev {dev}",),
    ),
    "link renamed": Drift(
        ("link set {dev} down", "link set {dev} name wan0", "link set wan0 up"),
        (("ifname", "{dev}", "wan0"), ("ipv6", V6, None), DEFAULT4, DEFAULT6, ROUTE),
        (
            *(() if RENAMES_LIVE else ("bring wan0{where} down",)),
            "rename wan0{where} to {dev}",
            # What its task asks for was read under the name that it shall have.
            "set net.ipv4.conf.{dev}.rp_filter=2{where}",
            f"add {V6} to {{link}}",
            *(() if RENAMES_LIVE else ("bring {link} up",)),
            ADD_DEFAULT4,
            ADD_DEFAULT6,
            ADD_ROUTE,
        ),
    ),
    "link deleted": Drift(
        ("link delete {dev}",), (("link", "present", "absent"),), LINK_STEPS, keeps_link=False
    ),
    "IPv4 address deleted": Drift(
        (f"address delete {V4} dev {{dev}}",),
        (("ipv4", V4, None), DEFAULT4, ROUTE),
        (f"add {V4} to {{link}}", ADD_DEFAULT4, ADD_ROUTE),
    ),
    "IPv6 address deleted": Drift(
        (f"address delete {V6} dev {{dev}}",), (("ipv6", V6, None),), (f"add {V6} to {{link}}",)
    ),
    "another IPv4 address": Drift(
        (f"address delete {V4} dev {{dev}}", "address add 192.168.216.99/24 dev {dev}"),
        (("ipv4", V4, "192.168.216.99/24"), DEFAULT4, ROUTE),
        (f"add {V4} to {{link}}", ADD_DEFAULT4, ADD_ROUTE),
        # With the first address of a subnet the kernel takes the others, unless it is told to keep them.
        clearing=(
            "sysctl net/ipv4/conf/{dev}/promote_secondaries 1",
            "address delete 192.168.216.99/24 dev {dev}",
            "sysctl net/ipv4/conf/{dev}/promote_secondaries 0",
        ),
    ),
    "another prefix of the IPv4 address": Drift(
        (f"address delete {V4} dev {{dev}}", "address add 192.168.216.2/16 dev {dev}"),
        (("ipv4", V4, "192.168.216.2/16"), DEFAULT4, ROUTE),
        (f"add {V4} to {{link}}", ADD_DEFAULT4, ADD_ROUTE, "delete 192.168.216.2/16 from {link}"),
    ),
    "another prefix of the IPv6 address": Drift(
        (f"address delete {V6} dev {{dev}}", "address add 2001:db8:abc8::2/48 dev {dev} nodad"),
        (("ipv6", V6, "2001:db8:abc8::2/48"),),
        ("delete 2001:db8:abc8::2/48 from {link}", f"add {V6} to {{link}}"),
    ),
    "default route deleted": Drift(("-4 route delete default",), (DEFAULT4,), (ADD_DEFAULT4,)),
    "IPv6 default route deleted": Drift(("-6 route delete default",), (DEFAULT6,), (ADD_DEFAULT6,)),
    "route deleted": Drift(("route delete 10.0.0.0/8",), (ROUTE,), (ADD_ROUTE,)),
    "default route replaced": Drift(
        ("-4 route replace default via 192.168.216.7",),
        (("default_route", "0.0.0.0/0 via 192.168.216.1", "0.0.0.0/0 via 192.168.216.7"),),
        ("replace default route via 192.168.216.7 by default route via 192.168.216.1 on {link}",),
    ),
    "IPv6 default route replaced": Drift(
        ("-6 route replace default via 2001:db8:abc8::7 dev {dev}",),
        (("default_route", "::/0 via 2001:db8:abc8::1", "::/0 via 2001:db8:abc8::7"),),
        ("replace IPv6 default route via 2001:db8:abc8::7 by IPv6 default route via 2001:db8:abc8::1 on {link}",),
    ),
    "route replaced": Drift(
        ("route replace 10.0.0.0/8 via 192.168.216.7",),
        (("routes", "10.0.0.0/8 via 192.168.216.9", "10.0.0.0/8 via 192.168.216.7"),),
        ("replace route to 10.0.0.0/8 via 192.168.216.7 by route to 10.0.0.0/8 via 192.168.216.9 on {link}",),
    ),
    "route of the IPv4 address deleted": Drift(
        ("route delete 192.168.216.0/24 dev {dev}",),
        (("routes", f"192.168.216.0/24 of {V4}", None),),
        (f"add route to 192.168.216.0/24 of {V4} on {{link}}",),
    ),
    "route of the IPv6 address deleted": Drift(
        ("-6 route delete 2001:db8:abc8::/64 dev {dev}",),
        (("routes", f"2001:db8:abc8::/64 of {V6}", None),),
        (f"add route to 2001:db8:abc8::/64 of {V6} on {{link}}",),
    ),
    "routes of the addresses deleted, and others with them": Drift(
        (
            "-4 route flush dev {dev}",
            "-6 route flush dev {dev} proto static",
            "-6 route delete 2001:db8:abc8::/64 dev {dev}",
        ),
        (
            ("routes", f"192.168.216.0/24 of {V4}", None),
            ("routes", f"2001:db8:abc8::/64 of {V6}", None),
            DEFAULT4,
            DEFAULT6,
            ROUTE,
        ),
        (
            f"add route to 192.168.216.0/24 of {V4} on {{link}}",
            f"add route to 2001:db8:abc8::/64 of {V6} on {{link}}",
            ADD_DEFAULT4,
            ADD_DEFAULT6,
            ADD_ROUTE,
        ),
    ),
    "route of the address replaced": Drift(
        ("route replace 192.168.216.0/24 via 192.168.216.9 dev {dev} onlink", "route delete 10.0.0.0/8"),
        (("routes", f"192.168.216.0/24 of {V4}", "192.168.216.0/24 via 192.168.216.9 onlink"), ROUTE),
        (
            "delete route to 192.168.216.0/24 via 192.168.216.9 onlink on {link}",
            f"add route to 192.168.216.0/24 of {V4} on {{link}}",
            ADD_ROUTE,
        ),
    ),
    "IPv6 address that shall have no route": Drift(
        (f"address change {V6} dev {{dev}} noprefixroute",),
        (("routes", f"2001:db8:abc8::/64 of {V6}", None),),
        (f"add route to 2001:db8:abc8::/64 of {V6} on {{link}}",),
    ),
    "setting of ours": Drift(
        ("sysctl net/ipv6/conf/{dev}/accept_ra 1",),
        (("sysctls", "net.ipv6.conf.{dev}.accept_ra=0", "net.ipv6.conf.{dev}.accept_ra=1"),),
        ("set net.ipv6.conf.{dev}.accept_ra=0{where}",),
    ),
    "setting of the task": Drift(
        ("sysctl net/ipv4/conf/{dev}/rp_filter 0",),
        (("sysctls", "net.ipv4.conf.{dev}.rp_filter=2", "net.ipv4.conf.{dev}.rp_filter=0"),),
        ("set net.ipv4.conf.{dev}.rp_filter=2{where}",),
    ),
    "IPv6 turned off": Drift(
        ("sysctl net/ipv6/conf/{dev}/disable_ipv6 1",),
        (
            ("ipv6", V6, None),
            DEFAULT6,
            ("sysctls", "net.ipv6.conf.{dev}.disable_ipv6=0", "net.ipv6.conf.{dev}.disable_ipv6=1"),
        ),
        ("set net.ipv6.conf.{dev}.disable_ipv6=0{where}", f"add {V6} to {{link}}", ADD_DEFAULT6),
    ),
    "many things at once": Drift(
        (
            "link set {dev} alias ",
            "link set {dev} mtu 1300 type macvlan mode vepa",
            f"address delete {V6} dev {{dev}}",
            "address add 10.66.0.1/24 dev {dev}",
            "route delete 10.0.0.0/8",
            "sysctl net/ipv4/conf/{dev}/arp_notify 0",
        ),
        (
            ("link", "{tag}", "not tagged"),
            ("mtu", 1500, 1300),
            ("mode", "bridge", "vepa"),
            ("ipv6", V6, None),
            ROUTE,
            ("sysctls", "net.ipv4.conf.{dev}.arp_notify=1", "net.ipv4.conf.{dev}.arp_notify=0"),
        ),
        (
            "tag {link} as ours",
            "change mtu of {link} from 1300 to 1500",
            "change mode of {link} from vepa to bridge",
            "set net.ipv4.conf.{dev}.arp_notify=1{where}",
            f"add {V6} to {{link}}",
            ADD_ROUTE,
        ),
        clearing=("address delete 10.66.0.1/24 dev {dev}",),
    ),
}


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the endpoint is, and who repairs it there."""

    netns: str | None
    dev: str
    repairs: tuple[t.Callable[[Host, Place], list[str]], ...]

    @property
    def params(self) -> dict[str, t.Any]:
        return {**ENDPOINT, "netns": self.netns} if self.netns else ENDPOINT

    def words(self, host: Host) -> dict[str, str]:
        where = f" in namespace {self.netns}" if self.netns else ""
        (tag,) = (link["ifalias"] for link in host.links(self.netns).values() if link["ifname"] == self.dev)
        return {"dev": self.dev, "where": where, "link": f"{self.dev}{where}", "tag": tag}


def by_its_task(host: Host, place: Place) -> list[str]:
    return t.cast("list[str]", converge(host, "macvlan_endpoint", **place.params)["steps"])


def by_the_configuration(host: Host, place: Place) -> list[str]:
    # The default route of the host itself leads by this endpoint.
    done = converge(host, "macvlan_config", networks=[NETWORK], endpoints=[place.params], force=True)
    return t.cast("list[str]", done["steps"])


def by_restoration(host: Host, place: Place) -> list[str]:
    """The steps that it told; asked again, it has none to do."""
    del place
    *steps, dummy = host.run([COMMAND["command"], "restore", "--verbose"]).stdout.splitlines()
    assert host.run([COMMAND["command"], "restore", "--verbose"]).stdout.splitlines() == ["2 of 2 objects are there"]
    return steps


PLACES = {
    "in a namespace": Place("a", "eth0", (by_its_task, by_restoration)),
    "in the host's own": Place(None, "mv-a", (by_the_configuration,)),
}


def bring_about(host: Host, netns: str | None, commands: t.Iterable[str], words: dict[str, str]) -> None:
    for command in commands:
        first, *others = command.format(**words).split(" ")
        if first == "sysctl":
            host.sysctl(others[0], others[1], netns=netns)
        else:
            host.ip(first, *others, netns=netns)


def told(host: Host) -> list[tuple[str, str, t.Any, t.Any]]:
    """What macvlan_info says of drift."""
    return [tuple(item.values()) for item in host.call("macvlan_info")["drift"]]


def filled(text: t.Any, words: dict[str, str]) -> t.Any:
    return text.format(**words) if isinstance(text, str) else text


def all_settings(host: Host, netns: str | None, dev: str) -> list[str]:
    """Every setting of an interface, whether it is ours or not."""
    folders = [f"/proc/sys/net/{family}/conf/{dev}" for family in ("ipv4", "ipv6")]
    return sorted(host.run(["grep", "-rs", "", *folders], netns, check=False).stdout.splitlines())


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
def test_foreign_changes_are_reported_and_repaired_in_place(host: Host, drift: Drift, place: Place) -> None:
    host.call("macvlan_command", **COMMAND)
    host.call("macvlan_network", **NETWORK)
    host.call("macvlan_endpoint", **place.params)
    # Without its tag it is a foreign link, which must not get its link-local address between two looks.
    host.wait_until_up(place.dev, place.netns)
    assert told(host) == []
    words, healthy = place.words(host), host.snapshot()
    settings = all_settings(host, place.netns, place.dev)
    for repair in place.repairs:
        index = host.links(place.netns)[place.dev]["ifindex"]
        bring_about(host, None if drift.of_host else place.netns, drift.damage, words)
        assert told(host) == [
            ("endpoint net/a", *(filled(value, words) for value in entry)) for entry in drift.entries
        ]
        assert repair(host, place) == [step.format(**words) for step in drift.steps]
        assert told(host) == []
        bring_about(host, place.netns, drift.clearing, words)
        host.wait_until_up(place.dev, place.netns)
        assert host.snapshot() == healthy
        assert all_settings(host, place.netns, place.dev) == settings
        assert (host.links(place.netns)[place.dev]["ifindex"] == index) == drift.keeps_link


def test_an_mtu_too_small_for_ipv6_is_repaired_with_the_settings_that_come_back_with_it(host: Host) -> None:
    network(host, subnets=subnets("192.168.216.0/24"))
    endpoint(host, "a")
    for mtu in ("1200", "1500"):
        host.ip("link", "set", "eth0", "mtu", mtu)
    # The parent has its IPv6 back, and its link-local address a moment later.
    host.wait_until_up("eth0")
    assert told(host) == [("endpoint net/a", "mtu", 1500, 1200)]
    done = converge(host, "macvlan_endpoint", name="a", network="net", netns="a")
    assert done["steps"] == [
        "change mtu of eth0 in namespace a from 1200 to 1500",
        "set net.ipv6.conf.eth0.disable_ipv6=1 in namespace a",
    ]
    assert told(host) == []


def test_a_namespace_that_vanished_is_made_again(host: Host) -> None:
    network(host, subnets=subnets("192.168.216.0/24"))
    made = endpoint(host, "a")
    healthy = host.snapshot()
    host.delete_netns("a")
    assert told(host) == [("endpoint net/a", "netns", "a", None)]
    assert endpoint(host, "a") == made
    assert told(host) == []
    assert host.snapshot() == healthy


def test_foreign_routes_stay_when_addresses_are_repaired(host: Host) -> None:
    network(host, subnets=subnets("192.168.216.0/24"))
    endpoint(host, "a")
    host.ip("route", "add", "10.77.0.0/16", "via", "192.168.216.7", netns="a")
    healthy = host.snapshot()
    host.ip("address", "add", "192.168.216.2/16", "dev", "eth0", netns="a")
    host.ip("address", "delete", V4, "dev", "eth0", netns="a")
    assert ("endpoint net/a", "ipv4", V4, "192.168.216.2/16") in told(host)
    endpoint(host, "a")
    assert told(host) == []
    assert host.snapshot() == healthy


def test_an_address_with_noprefixroute_gets_its_route_anyway(host: Host) -> None:
    """The kernel keeps what it was told with an IPv4 address, so the route is there again, and the flag too."""
    network(host, subnets=subnets("192.168.216.0/24"))
    endpoint(host, "a")
    host.ip("address", "delete", V4, "dev", "eth0", netns="a")
    host.ip("address", "add", V4, "dev", "eth0", "noprefixroute", netns="a")
    assert told(host) == [
        ("endpoint net/a", "routes", f"192.168.216.0/24 of {V4}", None),
        ("endpoint net/a", "default_route", "0.0.0.0/0 via 192.168.216.1", None),
    ]
    endpoint(host, "a")
    assert told(host) == []


def test_another_next_hop_beside_ours_is_no_drift_and_stays(host: Host) -> None:
    network(host, subnets=subnets("fd00::/64"))
    endpoint(host, "a")
    host.ip("-6", "route", "append", "default", "via", "fd00::7", "dev", "eth0", netns="a")
    assert told(host) == []
    host.ip("-6", "route", "delete", "default", "via", "fd00::1", "dev", "eth0", netns="a")
    assert told(host) == [("endpoint net/a", "default_route", "::/0 via fd00::1", "::/0 via fd00::7")]
    endpoint(host, "a")
    assert told(host) == []


@pytest.mark.parametrize(
    ("taken", "shown"),
    [
        (("blackhole", "10.0.0.0/8"), "blackhole 10.0.0.0/8"),
        (("unreachable", "10.0.0.0/8"), "unreachable 10.0.0.0/8"),
        (
            ("10.0.0.0/8", *("nexthop", "via", "192.168.216.9"), *("nexthop", "via", "192.168.216.8")),
            "multipath 10.0.0.0/8",
        ),
    ],
)
def test_a_route_that_leads_elsewhere_is_named_and_stays_until_its_owner_takes_it_away(
    host: Host, taken: tuple[str, ...], shown: str
) -> None:
    network(host, subnets=subnets("192.168.216.0/24"))
    routed = {"name": "a", "network": "net", "netns": "a", "routes": ENDPOINT["routes"]}
    healthy = converge(host, "macvlan_endpoint", **routed)["endpoint"]
    host.ip("route", "replace", *taken, netns="a")
    assert told(host) == [("endpoint net/a", "routes", "10.0.0.0/8 via 192.168.216.9", shown)]
    refuse(host, "macvlan_endpoint", "endpoint net/a: there is a", shown.split()[0], "10.0.0.0/8", **routed)
    host.ip("route", "delete", "10.0.0.0/8", netns="a")
    assert converge(host, "macvlan_endpoint", **routed)["endpoint"] == healthy
    assert told(host) == []


def test_foreign_routes_do_not_prevent_a_rename(host: Host) -> None:
    network(host, subnets=subnets("192.168.216.0/24"))
    endpoint(host, "a")
    host.ip("route", "add", "10.77.0.0/16", "via", "192.168.216.7", netns="a")
    endpoint(host, "a", ifname="net0")
    assert (set(host.links("a")), told(host)) == ({"lo", "net0"}, [])


def test_ipv6_that_another_program_enabled_is_disabled_with_its_addresses(host: Host) -> None:
    network(host, subnets=subnets("192.168.216.0/24"))
    endpoint(host, "a")
    healthy = host.snapshot()
    host.sysctl("net/ipv6/conf/eth0/disable_ipv6", 0, netns="a")
    host.ip("address", "add", "2001:db8:66::1/64", "dev", "eth0", "nodad", netns="a")
    assert told(host) == [
        ("endpoint net/a", "sysctls", "net.ipv6.conf.eth0.disable_ipv6=1", "net.ipv6.conf.eth0.disable_ipv6=0"),
    ]
    endpoint(host, "a")
    assert told(host) == []
    assert host.snapshot() == healthy


def test_one_task_puts_several_objects_right(make_host: MakeHost) -> None:
    """The parent of one network clamps the mtu of all that is on it; on the other one an endpoint has lost a route."""
    host = make_host("eth0", "eth1")
    networks = [
        {"name": f"net{number}", "parent": f"eth{number}", "subnets": subnets(f"10.{number}.0.0/24")}
        for number in (0, 1)
    ]
    endpoints = [
        {"name": f"{name}{number}", "network": f"net{number}", "netns": f"{name}{number}"}
        for number in (0, 1)
        for name in "ab"
    ]
    healthy_task = converge(host, "macvlan_config", networks=networks, endpoints=endpoints)
    healthy = host.snapshot()
    host.ip("link", "set", "eth0", "mtu", "1400")
    host.ip("link", "set", "eth0", "mtu", "1500")
    host.ip("route", "delete", "default", netns="b1")
    host.ip("link", "delete", "eth0", netns="a1")
    found = [
        ("endpoint net0/a0", "mtu", 1500, 1400),
        ("endpoint net0/b0", "mtu", 1500, 1400),
        ("endpoint net1/a1", "link", "present", "absent"),
        ("endpoint net1/b1", "default_route", "0.0.0.0/0 via 10.1.0.1", None),
    ]
    assert told(host) == found
    repaired = converge(host, "macvlan_config", networks=networks, endpoints=endpoints)
    before = repaired["diff"]["before"]
    assert [(title, *item.values()) for title, shown in sorted(before.items()) for item in shown["drift"]] == found
    assert repaired["endpoints"] == healthy_task["endpoints"]
    assert told(host) == []
    assert host.snapshot() == healthy


def move(host: Host, source: str | None, name: str, target: str | None, new_name: str) -> None:
    where = target or str(host.pid)
    host.ip("link", "set", name, "netns", where, "name", new_name, netns=source)


@pytest.mark.parametrize("mode", ["bridge", "passthru"])
@pytest.mark.parametrize(("target", "title"), [("other", "namespace other"), (None, "the host's own namespace")])
def test_a_link_that_was_moved_away_and_is_in_use_is_named_where_it_is(
    host: Host, mode: str, target: str | None, title: str
) -> None:
    host.call("macvlan_network", name="net", parent="eth0", mode=mode, subnets=subnets("192.168.216.0/24"))
    host.call("macvlan_endpoint", **(params := {"name": "a", "network": "net", "netns": "a"}))
    host.run(["ip", "netns", "add", "other"])
    healthy = host.snapshot()
    move(host, "a", "eth0", target, "mine0")
    host.ip("link", "set", "mine0", "up", netns=target)
    assert told(host) == [("endpoint net/a", "link", "present", "absent")]
    moved = host.snapshot()
    words = f"the link of endpoint net/a was moved to another namespace: it is mine0 in {title} now: move it back, or delete it there"
    assert words in host.call("macvlan_endpoint", fails=True, **params)["msg"]
    assert words in host.restore().lines[0]
    assert host.snapshot() == moved
    move(host, target, "mine0", "a", "mine0")
    converge(host, "macvlan_endpoint", **params)
    assert told(host) == []
    assert host.snapshot() == healthy


@pytest.mark.parametrize("module", ["macvlan_endpoint", "macvlan_network", "macvlan_config"])
def test_a_link_that_was_moved_away_is_reported_of_when_its_endpoint_goes(host: Host, module: str) -> None:
    network(host, subnets=subnets("192.168.216.0/24"))
    for name in ("a", "b"):
        endpoint(host, name)
    move(host, "a", "eth0", "b", "mine0")
    moved = host.links("b")
    removals: dict[str, dict[str, t.Any]] = {
        "macvlan_endpoint": {"name": "a", "network": "net", "state": "absent"},
        "macvlan_network": {"name": "net", "state": "absent", "force": True},
        "macvlan_config": NOTHING_LISTED,
    }
    words = "the link of endpoint net/a was moved to another namespace: it is mine0 in namespace b now; delete it there if nothing uses it"
    for check in (True, False):
        assert words in host.call(module, check=check, **removals[module])["warnings"]
    assert host.links("b")["mine0"] == moved["mine0"]


def test_a_link_that_was_moved_away_and_is_not_in_use_is_created_again(host: Host) -> None:
    network(host, subnets=subnets("192.168.216.0/24"))
    made = endpoint(host, "a")
    host.run(["ip", "netns", "add", "other"])
    move(host, "a", "eth0", "other", "mine0")
    moved = host.links("other")
    assert endpoint(host, "a") == made
    assert told(host) == []
    assert host.links("other") == moved


# --- autoconfiguration ----------------------------------------------------------------------------------------------

# A router that has a prefix to give, and is no default router; the kernel fills in the checksum.
ADVERTISEMENT = """
import socket, struct
router = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 0, 0, 0)
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0x40, 3600, 1800, 0) + socket.inet_pton(socket.AF_INET6, "2001:db8:5:5::")
with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    sock.sendto(router + prefix, ("ff02::1", 0, 0, socket.if_nametoindex("wire0")))
"""


def test_addresses_that_a_router_has_given_stay_and_no_more_are_taken(host: Host) -> None:
    """One that is made of the MAC address, and a temporary one; the setting by which they came is what differs."""
    host.sysctl("net/ipv6/conf/eth0/accept_ra", 0)
    network(host, subnets=subnets("192.168.216.0/24", "2001:db8:abc8::/64"))
    made = endpoint(host, "a")
    host.wait_until_up("eth0", "a")
    settings = {"accept_ra": "1", "autoconf": "1"}
    for key, value in {**settings, "use_tempaddr": "2", "accept_dad": "0"}.items():
        host.sysctl(f"net/ipv6/conf/eth0/{key}", value, netns="a")
    deadline = time.monotonic() + SECONDS_TO_CONFIGURE
    while len(given := [item for item in host.addresses("eth0", "a") if item.startswith("2001:db8:5:5:")]) < 2:
        assert time.monotonic() < deadline, f"no autoconfigured address after {SECONDS_TO_CONFIGURE} s"
        host.wire.run([sys.executable, "-c", ADVERTISEMENT])
    assert told(host) == [
        ("endpoint net/a", "sysctls", f"net.ipv6.conf.eth0.{key}=0", f"net.ipv6.conf.eth0.{key}=1") for key in settings
    ]
    assert endpoint(host, "a") == made
    assert set(given) < set(host.addresses("eth0", "a"))
    for address in given:
        host.ip("address", "delete", address, "dev", "eth0", netns="a")
    host.wire.run([sys.executable, "-c", ADVERTISEMENT])
    assert told(host) == []
    assert not [item for item in host.addresses("eth0", "a") if item.startswith("2001:db8:5:5:")]


def test_ipv6_stays_off_on_a_link_that_gets_room_for_it_again(host: Host) -> None:
    """Below an mtu of 1280 the kernel forgets the settings of IPv6; above it has them anew."""
    network(host, subnets=subnets("192.168.216.0/24"))
    endpoint(host, "a")
    healthy = host.snapshot()
    for mtu in ("1200", "1500"):
        host.ip("link", "set", "eth0", "mtu", mtu)
    assert told(host) == [("endpoint net/a", "mtu", 1500, 1200)]
    endpoint(host, "a")
    assert told(host) == []
    host.bring_up("eth0")
    assert host.snapshot() == healthy


def test_ipv6_stays_off_on_a_link_that_has_room_for_it_for_the_first_time(host: Host) -> None:
    network(host, subnets=subnets("192.168.216.0/24"))
    endpoint(host, "a", mtu=1200)
    endpoint(host, "a")
    assert told(host) == []


def settings_of_ipv6(host: Host) -> str:
    return host.run(["sh", "-c", "cd /proc/sys/net/ipv6/conf/eth0 && grep . accept_ra autoconf disable_ipv6 hop_limit"], "a").stdout


@pytest.mark.parametrize("on", [False, True])
def test_ipv6_is_as_it_was_when_an_mtu_without_it_is_undone(host: Host, on: bool) -> None:
    """Its settings go with the mtu that it needs, and have to be put back after that."""
    sysctls = {"net.ipv6.conf.IFNAME.disable_ipv6": "0", "net.ipv6.conf.IFNAME.hop_limit": "33"} if on else {}
    asked = {"name": "a", "network": "net", "netns": "a"}
    network(host, subnets=subnets("192.168.216.0/24"))
    endpoint(host, "a", sysctls=sysctls)
    healthy, before = host.snapshot(), settings_of_ipv6(host)
    changed = {**asked, "mtu": 1200, "routes": [{"to": "10.9.0.0/16"}], "ipv4": "192.168.216.9"}
    places = set()
    for position in itertools.count():
        failure = StepFailure(position)
        outcome = host.outcome("macvlan_endpoint", within=failure, **changed)
        if outcome.code == 0:
            break
        assert "injected" in outcome.result(fails=True)["msg"]
        places.add(failure.place)
        assert host.snapshot() == healthy, failure.place
        assert settings_of_ipv6(host) == before, failure.place
        assert told(host) == [], failure.place
    assert len(places) > 3
    assert told(host) == []
    converge(host, "macvlan_endpoint", **asked)
    assert told(host) == []


# --- parents --------------------------------------------------------------------------------------------------------


def rename(host: Host, old: str, new: str) -> None:
    host.ip("link", "set", old, "down")
    host.ip("link", "set", old, "name", new)
    host.bring_up(new)


def test_a_parent_that_was_renamed_is_no_drift_and_its_new_name_is_recorded(host: Host) -> None:
    network(host, subnets=subnets("192.168.216.0/24"))
    endpoint(host, "a")
    index = host.links("a")["eth0"]["ifindex"]
    rename(host, "eth0", "lan0")
    host.add_parent("eth0")
    assert told(host) == []
    endpoint(host, "a")
    assert told(host) == []
    assert host.links("a")["eth0"]["ifindex"] == index
    host.ip("link", "delete", "lan0")
    assert told(host) == [("network net", "parent", "lan0", None), ("endpoint net/a", "link", "present", "absent")]


# --- sub-interfaces and dummies -------------------------------------------------------------------------------------

DRIFTS_OF_A_VLAN = {
    "mtu": Drift(
        ("link set {dev} mtu 1300",), (("mtu", 1500, 1300),), ("change mtu of {dev} from 1300 to 1500",)
    ),
    "MAC address": Drift(
        ("link set {dev} address 02:00:00:00:00:99",),
        (("mac", "{mac}", "02:00:00:00:00:99"),),
        ("change mac of {dev} from 02:00:00:00:00:99 to {mac}",),
    ),
    "alias": Drift(("link set {dev} alias ",), (("link", "{tag}", "not tagged"),), ("tag {dev} as ours",)),
    "down": Drift(("link set {dev} down",), (("up", True, False),), ("bring {dev} up",)),
    "flag": Drift(
        ("link set {dev} type vlan gvrp on",),
        (("gvrp", False, True),),
        ("change VLAN settings of {dev}: gvrp True to False",),
    ),
    "deleted": Drift(
        ("link delete {dev}",),
        (("link", "present", "absent"),),
        ("create VLAN link {dev} on eth0 (VLAN 50)", "bring {dev} up"),
        keeps_link=False,
    ),
    "two things at once": Drift(
        ("link set {dev} alias ", "link set {dev} mtu 1300"),
        (("link", "{tag}", "not tagged"), ("mtu", 1500, 1300)),
        ("tag {dev} as ours", "change mtu of {dev} from 1300 to 1500"),
    ),
}


@pytest.mark.needs("8021q")
@pytest.mark.parametrize("drift", DRIFTS_OF_A_VLAN.values(), ids=DRIFTS_OF_A_VLAN)
def test_foreign_changes_of_a_vlan_are_reported_and_repaired_in_place(host: Host, drift: Drift) -> None:
    vlan = {"name": "eth0.50"}
    host.call("vlan_subinterface", **vlan)
    host.wait_until_up("eth0.50")
    link, healthy = host.links()["eth0.50"], host.snapshot()
    words = {"dev": "eth0.50", "mac": link["address"], "tag": link["ifalias"]}
    for repair in (("vlan_subinterface", vlan), ("macvlan_config", {"vlan_subinterfaces": [vlan]})):
        index = host.links()["eth0.50"]["ifindex"]
        bring_about(host, None, drift.damage, words)
        assert told(host) == [
            ("vlan_subinterface eth0.50", *(filled(value, words) for value in entry)) for entry in drift.entries
        ]
        assert converge(host, repair[0], **repair[1])["steps"] == [step.format(**words) for step in drift.steps]
        host.wait_until_up("eth0.50")
        assert told(host) == []
        assert host.snapshot() == healthy
        assert (host.links()["eth0.50"]["ifindex"] == index) == drift.keeps_link


@pytest.mark.needs("8021q")
@pytest.mark.parametrize(
    ("wrong", "field", "recorded", "actual"),
    [
        pytest.param(("id", "51"), "vlan_id", 50, 51, id="VLAN id"),
        pytest.param(
            ("protocol", "802.1ad", "id", "50"),
            "protocol",
            "802.1q",
            "802.1ad",
            marks=pytest.mark.needs("8021ad"),
            id="protocol",
        ),
    ],
)
def test_another_vlan_under_the_name_of_ours_is_named_and_left_alone(
    host: Host, wrong: tuple[str, ...], field: str, recorded: t.Any, actual: t.Any
) -> None:
    network(host, parent="eth0.50", subnets=subnets("10.50.0.0/24"))
    made = endpoint(host, "a")
    tag = host.links()["eth0.50"]["ifalias"]
    host.ip("link", "delete", "eth0.50")
    host.ip("link", "add", "link", "eth0", "name", "eth0.50", "type", "vlan", *wrong)
    host.bring_up("eth0.50")
    assert told(host) == [
        ("vlan_subinterface eth0.50", "link", tag, "not tagged"),
        ("vlan_subinterface eth0.50", field, recorded, actual),
        ("endpoint net/a", "link", "present", "absent"),
    ]
    refuse(host, "macvlan_endpoint", "eth0.50 is not the one that was created", name="a", network="net", netns="a")
    host.ip("link", "delete", "eth0.50")
    assert endpoint(host, "a") == made
    assert told(host) == []


@pytest.mark.needs("8021q")
def test_a_vlan_that_was_renamed_is_named_and_goes_with_its_network(host: Host) -> None:
    empty = host.snapshot().without_state()
    network(host, parent="eth0.50", subnets=subnets("10.50.0.0/24"))
    endpoint(host, "a")
    host.wait_until_up("eth0.50")
    healthy = host.snapshot()
    rename(host, "eth0.50", "trunk")
    assert told(host) == [
        ("vlan_subinterface eth0.50", "name", "eth0.50", "trunk"),
        ("network net", "parent", "eth0.50", "trunk"),
    ]
    if RENAMES_LIVE:
        done = converge(host, "macvlan_endpoint", name="a", network="net", netns="a")
        assert done["steps"] == ["rename trunk to eth0.50"]
    else:
        refuse(host, "vlan_subinterface", "called trunk now; rename it back to eth0.50", name="eth0.50")
        rename(host, "trunk", "eth0.50")
    host.wait_until_up("eth0.50")
    assert told(host) == []
    assert host.snapshot() == healthy
    rename(host, "eth0.50", "trunk")
    gone(host, "macvlan_network", name="net", force=True)
    assert host.snapshot().without_state() == empty


@pytest.mark.needs("8021q")
def test_a_vlan_that_was_renamed_goes_with_its_network_whatever_has_its_name_now(host: Host) -> None:
    empty = host.snapshot().without_state()
    network(host, parent="eth0.50", subnets=subnets("10.50.0.0/24"))
    rename(host, "eth0.50", "trunk")
    host.ip("link", "add", "link", "eth0", "name", "eth0.50", "type", "vlan", "id", "51")
    refuse(host, "macvlan_network", "not the one that was created", name="net", parent="eth0.50")
    gone(host, "macvlan_network", name="net")
    assert set(host.links()) == {"lo", "eth0", "eth0.50"}
    host.ip("link", "delete", "eth0.50")
    assert host.snapshot().without_state() == empty


@pytest.mark.needs("8021q")
def test_a_vlan_whose_base_was_renamed_is_no_drift(host: Host) -> None:
    host.call("vlan_subinterface", name="eth0.50")
    rename(host, "eth0", "lan0")
    host.ip("link", "set", "eth0.50", "up")
    assert told(host) == []


# --- a namespace of ours --------------------------------------------------------------------------------------------

NOT_OURS = "namespace a is not the one that was created here, so the collection no longer manages it"
TAG_LO, LO_UP = "tag lo in namespace a as ours", "bring lo in namespace a up"
OTHER_TAG = f"fleetnet.macvlan:{'0' * 32}"


@pytest.fixture
def owner(host: Host) -> Host:
    """A host with a namespace of ours, in which is an endpoint."""
    host.call("macvlan_command", **COMMAND)
    host.call("macvlan_network", **NETWORK)
    host.call("macvlan_endpoint", **ENDPOINT, netns="a")
    host.wait_until_up("eth0", "a")
    return host


def tag_of_namespace(host: Host) -> str:
    return str(host.links("a")["lo"]["ifalias"])


@pytest.mark.parametrize("repair", [by_its_task, by_the_configuration, by_restoration])
@pytest.mark.parametrize(
    ("damage", "entries", "steps"),
    [
        (["link set lo down"], [("lo up", "lo down")], [LO_UP]),
        (["link set lo alias "], [("{tag}", "not tagged")], [TAG_LO]),
        (
            ["link set lo down", "link set lo alias "],
            [("{tag}", "not tagged"), ("lo up", "lo down")],
            [TAG_LO, LO_UP],
        ),
    ],
    ids=["down", "alias", "both"],
)
def test_a_changed_namespace_of_ours_is_reported_and_repaired(
    owner: Host,
    damage: list[str],
    entries: list[tuple[str, str]],
    steps: list[str],
    repair: t.Callable[[Host, Place], list[str]],
) -> None:
    words, healthy = {"tag": tag_of_namespace(owner)}, owner.snapshot()
    bring_about(owner, "a", damage, {})
    assert told(owner) == [
        ("endpoint net/a", "netns", filled(recorded, words), actual) for recorded, actual in entries
    ]
    assert repair(owner, PLACES["in a namespace"]) == steps
    assert told(owner) == []
    assert owner.snapshot() == healthy


def make_anew(host: Host) -> None:
    host.delete_netns("a")
    host.ip("netns", "add", "a")


def give_other_tag(host: Host) -> None:
    host.ip("link", "set", "lo", "alias", OTHER_TAG, netns="a")


def take_all_tags(host: Host) -> None:
    for name in ("lo", "eth0"):
        host.ip("link", "set", name, "alias", "", netns="a")


@pytest.mark.parametrize("repair", [by_its_task, by_restoration])
@pytest.mark.parametrize(
    ("damage", "actual"),
    [(make_anew, "not tagged"), (give_other_tag, OTHER_TAG), (take_all_tags, "not tagged")],
    ids=["made anew", "tagged otherwise", "without any tag"],
)
def test_a_namespace_that_may_be_another_one_is_named_and_no_longer_ours(
    owner: Host,
    damage: t.Callable[[Host], None],
    actual: str,
    repair: t.Callable[[Host, Place], list[str]],
) -> None:
    tag = tag_of_namespace(owner)
    damage(owner)
    lo = owner.ip("link", "show", "lo", netns="a")
    assert [row for row in told(owner) if row[1] == "netns"] == [("endpoint net/a", "netns", tag, actual)]
    said = repair(owner, PLACES["in a namespace"])
    assert "forget namespace a" in said
    assert told(owner) == []
    owner.ip("link", "set", "lo", "down", netns="a")
    assert told(owner) == []
    again = converge(owner, "macvlan_endpoint", **ENDPOINT, netns="a")
    assert (again["changed"], again.get("warnings")) == (False, None)
    assert owner.ip("link", "show", "lo", netns="a")[0].get("ifalias") == lo[0].get("ifalias")
    gone(owner, "macvlan_endpoint", name="a", network="net")
    assert list(owner.links("a")) == ["lo"]


def test_a_task_says_that_a_namespace_is_no_longer_ours(owner: Host) -> None:
    make_anew(owner)
    assert converge(owner, "macvlan_endpoint", **ENDPOINT, netns="a")["warnings"] == [NOT_OURS]


@pytest.mark.parametrize(
    ("damage", "step", "warnings"),
    [
        (["link set lo alias "], "tag lo in namespace /run/netns/a as ours", None),
        (["link set lo alias ", "link delete eth0"], "forget namespace a", [NOT_OURS]),
    ],
    ids=["with a link of ours", "without"],
)
def test_an_endpoint_that_knows_a_namespace_of_ours_by_another_path_does_the_same(
    owner: Host, damage: list[str], step: str, warnings: list[str] | None
) -> None:
    owner.call("macvlan_network", name="two", parent="eth0", allow_shared_parent=True, ipam="none")
    bring_about(owner, "a", damage, {})
    params = {"name": "b", "network": "two", "netns_path": "/run/netns/a", "ifname": "eth1"}
    done = converge(owner, "macvlan_endpoint", **params)
    assert step in done["steps"] and done.get("warnings") == warnings
    gone(owner, "macvlan_endpoint", name="a", network="net")
    bring_about(owner, "a", ["link set lo down"], {})
    is_ours = warnings is None
    assert told(owner) == [("endpoint two/b", "netns", "lo up", "lo down")] * is_ours


@pytest.mark.needs("dummy")
@pytest.mark.parametrize(
    ("damage", "actual", "step"),
    [
        ("link set {dev} down", "{dev} down", "bring {dev} up"),
        ("link set {dev} alias ", "not tagged", "tag {dev} as ours"),
        ("link set {dev} mtu 1290", "mtu 1290", "change mtu of {dev} from 1290 to 1500"),
    ],
    ids=["down", "alias", "mtu"],
)
def test_a_changed_dummy_parent_is_reported_and_repaired(
    host: Host, damage: str, actual: str, step: str
) -> None:
    # Without IPv6 there is no link-local address to come at some later time.
    host.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
    made = network(host, parent=None, subnets=subnets("10.5.0.0/24"))
    healthy = host.snapshot()
    words = {"dev": made["parent"]}
    index = host.links()[made["parent"]]["ifindex"]
    bring_about(host, None, [damage], words)
    ((title, field, dummy, found),) = told(host)
    assert (title, field, found) == ("network net", "parent", actual.format(**words))
    done = converge(host, "macvlan_network", name="net", parent=None, subnets=subnets("10.5.0.0/24"))
    assert done["steps"] == [step.format(**words)]
    assert told(host) == []
    assert host.snapshot() == healthy
    assert host.links()[made["parent"]]["ifindex"] == index
