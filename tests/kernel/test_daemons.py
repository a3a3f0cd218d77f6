# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What DHCP clients, a router's advertisements and VRRP put on an endpoint's link stays: with the programs that do so."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import signal
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.daemons import CONFIGURATION, NAMESERVER, Daemon, Daemons, serve_dhcp
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.run_time_state import Seen, seen
from ansible_collections.fleetnet.macvlan.tests.support.tasks import KEYS, Result, promised, subnets

pytestmark = pytest.mark.engine

Params = dict[str, t.Any]

NETWORKS: dict[str, Params] = {
    "ipam none": {"name": "net", "parent": "eth0", "ipam": "none"},
    "subnets of both families": {
        "name": "net",
        "parent": "eth0",
        "subnets": subnets("192.168.60.0/24", "2001:db8:60::/64"),
    },
}
NETWORKS["exclusive"] = {**NETWORKS["subnets of both families"], "exclusive": True}
# With the kernel's own autoconfiguration, and addresses that hide who has them beside those that do not.
ENDPOINT: Params = {
    "name": "a",
    "network": "net",
    "netns": "a",
    "sysctls": {
        "net.ipv6.conf.IFNAME.disable_ipv6": "0",
        "net.ipv6.conf.IFNAME.accept_ra": "2",
        "net.ipv6.conf.IFNAME.autoconf": "1",
        "net.ipv6.conf.IFNAME.use_tempaddr": "2",
    },
}
# The client does it instead of the kernel.
LEFT_TO_A_CLIENT: Params = {**ENDPOINT, "sysctls": {"net.ipv6.conf.IFNAME.disable_ipv6": "0"}}

UDHCPC = ("busybox", "udhcpc", "--foreground", "--interface", "eth0", "--script", "/etc/udhcpc/default.script")
# Without the five seconds in which it asks whether somebody else has the address.
DHCPCD = ("dhcpcd", "--config", CONFIGURATION, "--nobackground", "--noarp")
DHCPCD_CONFIGURATION = """
duid
option classless_static_routes, routers, domain_name, domain_name_servers
"""
# What either says when it has one.
LEASED = re.compile(r"lease of \S+ obtained|: leased \S+")
RADVD = ("radvd", "--nodaemon", "--config", CONFIGURATION, "--logmethod", "stderr")
RADVD_CONFIGURATION = """
interface wire0 {
    AdvSendAdvert on;
    MinRtrAdvInterval 3;
    MaxRtrAdvInterval 4;
    AdvDefaultLifetime 1800;
    prefix 2001:db8:56::/64 { AdvValidLifetime 7200; AdvPreferredLifetime 3600; };
    prefix 2001:db8:57::/64 { AdvValidLifetime infinity; AdvPreferredLifetime infinity; };
};
"""
ADVERTISED = ("2001:db8:56:", "2001:db8:57:")
KEEPALIVED = ("keepalived", "--dont-fork", "--log-console", "--no-syslog", "--vrrp", "--use-file", CONFIGURATION)
# 255 is active at once, where others wait for the advertisements of three intervals first. With such long ones no load of
# this machine makes the others believe that it is gone.
KEEPALIVED_CONFIGURATION = """
vrrp_instance pair {
    interface eth0
    state %s
    priority %d
    virtual_router_id 60
    advert_int 10
    virtual_ipaddress { 192.168.60.51/24 dev eth0 }
    virtual_ipaddress_excluded { 2001:db8:60::51/64 dev eth0 }
    virtual_routes { 10.98.0.0/16 via 192.168.60.9 dev eth0 }
}
"""
VIRTUAL = ("192.168.60.51/24", "2001:db8:60::51/64")


@pytest.fixture
def daemons(host: Host, tmp_path: Path) -> Iterator[Daemons]:
    """What starts daemons on the host and on its wire."""
    with contextlib.closing(Daemons(tmp_path)) as started:
        yield started


# --- those who put addresses there -----------------------------------------------------------------------------------


def advertise(host: Host, daemons: Daemons) -> Daemon:
    """Be a router there that says so, to whoever asks and every few seconds."""
    host.wire.forward()
    return daemons.start(host.wire, None, *RADVD, configuration=RADVD_CONFIGURATION)


def udhcpc(host: Host, daemons: Daemons) -> Daemon:
    serve_dhcp(host.wire, daemons)
    client = daemons.start(host, "a", *UDHCPC)
    wait_for_lease(client)
    return client


def dhcpcd(host: Host, daemons: Daemons) -> Daemon:
    serve_dhcp(host.wire, daemons)
    client = daemons.start(host, "a", *DHCPCD, "--ipv4only", "eth0", configuration=DHCPCD_CONFIGURATION)
    wait_for_lease(client)
    return client


def radvd(host: Host, daemons: Daemons) -> Daemon:
    router = advertise(host, daemons)
    router.wait_until(lambda: is_autoconfigured(host), "the endpoint has not made itself an address")
    return router


def dhcpcd_for_both(host: Host, daemons: Daemons) -> Daemon:
    serve_dhcp(host.wire, daemons)
    advertise(host, daemons)
    client = daemons.start(host, "a", *DHCPCD, "eth0", configuration=DHCPCD_CONFIGURATION)
    wait_for_lease(client)
    client.wait_until(lambda: is_autoconfigured(host), "dhcpcd has not made itself an address")
    return client


def wait_for_lease(client: Daemon) -> None:
    """The last that a client does is to write down the name server, where only the client sees it."""
    client.wait_until(lambda: f"nameserver {NAMESERVER}" in client.file("/etc/resolv.conf"), "there is no lease")


def is_autoconfigured(host: Host) -> bool:
    """Whether the endpoint has an address of each prefix, none that it may not use yet, and the routes that go with them."""
    (link,) = host.ip("-6", "address", "show", "dev", "eth0", netns="a")
    addresses = [entry["local"] for entry in link["addr_info"]]
    routes = host.routes("a", 6)
    return (
        all(any(address.startswith(prefix) for address in addresses) for prefix in ADVERTISED)
        and {f"{prefix}:/64" for prefix in ADVERTISED} <= {route["dst"] for route in routes}
        and ("default", "ra") in {(route["dst"], route["protocol"]) for route in routes}
        and not any(entry.get("tentative") for entry in link["addr_info"])
    )


def vrrp(host: Host, daemons: Daemons, netns: str, state: str, priority: int) -> Daemon:
    return daemons.start(host, netns, *KEEPALIVED, configuration=KEEPALIVED_CONFIGURATION % (state, priority))


@dataclasses.dataclass(frozen=True)
class Source:
    """Somebody who puts addresses on the link of an endpoint, and what makes him do it again."""

    start: t.Callable[[Host, Daemons], Daemon]
    networks: tuple[str, ...]
    endpoint: Params = dataclasses.field(default_factory=lambda: ENDPOINT)
    again: signal.Signals | None = None
    lives_there: bool = True
    # dhcpcd ends, sooner or later, when the only link that it serves has gone.
    ends_with_its_link: bool = False


SOURCES = {
    # Its script takes every IPv4 address off the link before it asks.
    "udhcpc": Source(udhcpc, ("ipam none",), again=signal.SIGUSR1),
    "dhcpcd": Source(dhcpcd, ("ipam none", "subnets of both families"), again=signal.SIGHUP, ends_with_its_link=True),
    "dhcpcd for both families": Source(dhcpcd_for_both, ("ipam none",), LEFT_TO_A_CLIENT, signal.SIGHUP, ends_with_its_link=True),
    "radvd": Source(radvd, ("ipam none", "subnets of both families", "exclusive"), lives_there=False),
}
CASES = [(source, kind) for source, its in SOURCES.items() for kind in its.networks]


# --- what is run, and what is seen -----------------------------------------------------------------------------------


def run(host: Host, module_name: str, /, **params: t.Any) -> Result:
    """A task in check mode and for real, which agree; the programs that a warning names come and go between the two."""
    foreseen = host.call(module_name, check=True, **params)
    done = host.call(module_name, **params)
    compared = ("changed", "steps")
    assert promised(foreseen, KEYS[module_name], compared) == promised(done, KEYS[module_name], compared)
    assert len(foreseen.get("warnings", [])) == len(done.get("warnings", []))
    return done


def run_everything(host: Host, params: Params, ends: list[Params], **change: t.Any) -> Iterator[str]:
    """Whatever may be run on a host by and by, each as soon as the one before was looked at."""
    listed = {"networks": [params], "endpoints": ends}
    yield "nothing"
    for end in ends:
        assert run(host, "macvlan_endpoint", **end)["steps"] == []
    yield "their tasks"
    assert run(host, "macvlan_config", **listed, purge=True)["steps"] == []
    yield "the configuration"
    for arguments in (("restore",), ("restore", "--wait")):
        assert host.run_command(*arguments).code == 0
        yield " ".join(arguments)
    assert run(host, "macvlan_network", **{**params, **change})["changed"]
    yield "their network"
    for end in ends:
        assert run(host, "macvlan_endpoint", **end, mtu=1400)["changed"]
    yield "another mtu"
    host.ip("link", "set", "eth0", "mtu", "1300", netns=ends[0]["netns"])
    assert host.run_command("check").code == 1
    assert host.run_command("restore").code == 0
    yield "a restoration of something else"
    assert run(host, "macvlan_config", **listed)["changed"]
    yield "what it was before"


def reported(host: Host) -> tuple[t.Any, ...]:
    """What the command says of the host, and the module."""
    said = host.run_command("check")
    return (said.code, *said.lines), host.call("macvlan_info")["drift"]


NOTHING = ((0,), [])


def lost(before: Seen, after: Seen) -> list[t.Any]:
    """What was there and is not there any more."""
    return [item for old, new in zip(before, after, strict=True) for item in old if item not in new]


def make(host: Host, params: Params, *ends: Params) -> None:
    host.call("macvlan_network", **params)
    for end in ends:
        host.call("macvlan_endpoint", **end)
        host.wait_until_up("eth0", end["netns"])


# --- the tests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "kind"), CASES, ids=[", ".join(case) for case in CASES])
def test_what_a_daemon_puts_there_stays_and_nothing_reports_it(host: Host, daemons: Daemons, source: str, kind: str) -> None:
    params, its = NETWORKS[kind], SOURCES[source]
    make(host, params, its.endpoint)
    alone = seen(host, "a")
    daemon = its.start(host, daemons)
    if (source, kind) == ("dhcpcd", "subnets of both families"):
        put_back_what_dhcpcd_takes(host, its.endpoint)
    before = seen(host, "a")
    assert lost(alone, before) == [] and before != alone
    for what in run_everything(host, params, [its.endpoint], mode="private"):
        assert (what, seen(host, "a")) == (what, before)
        assert reported(host) == NOTHING, what
    if its.again:
        get_lease_again(daemon, its.again)
        assert seen(host, "a") == before
        assert reported(host) == NOTHING
    leave(host, its.endpoint, inhabitant(host, daemons, daemon, its))


def inhabitant(host: Host, daemons: Daemons, daemon: Daemon, its: Source) -> Daemon | None:
    """The program that still lives in the namespace when its link is gone."""
    if its.ends_with_its_link:
        return daemons.start(host, "a", "busybox", "sleep", "3600")
    return daemon if its.lives_there else None


def put_back_what_dhcpcd_takes(host: Host, end: Params) -> None:
    """It puts routes of its own in the place of those to the same destinations, which are missed and come back beside its own."""
    (code, *lines), dummy = reported(host)
    assert (code, lines) == (
        1,
        [
            "endpoint net/a: routes is missing, recorded 192.168.60.0/24 of 192.168.60.2/24",
            "endpoint net/a: default_route is missing, recorded 0.0.0.0/0 via 192.168.60.1",
        ],
    )
    taken = seen(host, "a")
    assert run(host, "macvlan_endpoint", **end)["changed"]
    assert lost(taken, seen(host, "a")) == []


def get_lease_again(client: Daemon, number: signal.Signals) -> None:
    leases = LEASED.findall(client.said)
    client.tell(number)
    client.wait_until(lambda: len(LEASED.findall(client.said)) > len(leases), "there is no lease again")


def leave(host: Host, end: Params, tenant: Daemon | None) -> None:
    """Nothing is left of an endpoint but the namespace, if somebody lives there."""
    netns = end["netns"]
    warnings = run(host, "macvlan_endpoint", **end, state="absent").get("warnings", [])
    if tenant is None:
        assert (netns in host.namespaces(), warnings) == (False, [])
        return
    assert tenant.alive
    assert "eth0" not in host.links(netns)
    assert host.routes(netns) == host.routes(netns, 6) == []
    (warning,) = warnings
    assert f"namespace {netns} holds" in warning and f"process {tenant.pid}" in warning


@pytest.mark.parametrize("source", ["udhcpc", "dhcpcd"])
def test_what_a_daemon_has_left_goes_with_the_endpoint(host: Host, daemons: Daemons, source: str) -> None:
    its = SOURCES[source]
    make(host, NETWORKS["ipam none"], its.endpoint)
    daemon = its.start(host, daemons)
    before = seen(host, "a")
    daemon.end(signal.SIGKILL)
    assert seen(host, "a") == before
    assert reported(host) == NOTHING
    leave(host, its.endpoint, None)


def test_the_addresses_of_vrrp_stay_with_the_active_router(host: Host, daemons: Daemons) -> None:
    params = NETWORKS["subnets of both families"]
    one, other = ({"name": name, "network": "net", "netns": name} for name in ("a", "b"))
    make(host, params, one, other)
    active = vrrp(host, daemons, "a", "MASTER", 255)
    active.wait_until(lambda: has_virtual(host, "a"), "nobody is active")
    passive = vrrp(host, daemons, "b", "BACKUP", 200)
    passive.wait_until(lambda: "Entering BACKUP STATE" in passive.said, "nobody is passive")
    see_both(host, params, [one, other])
    assert has_virtual(host, "a") and not has_virtual(host, "b")

    active.end()
    passive.wait_until(lambda: has_virtual(host, "b"), "nobody takes over")
    assert not has_virtual(host, "a")
    see_both(host, params, [one, other])
    assert has_virtual(host, "b")
    leave(host, one, None)
    leave(host, other, passive)


def see_both(host: Host, params: Params, ends: list[Params]) -> None:
    before = [seen(host, end["netns"]) for end in ends]
    # Another mode would keep the two from hearing each other.
    for what in run_everything(host, params, ends, mtu=1450):
        assert (what, [seen(host, end["netns"]) for end in ends]) == (what, before)
        assert reported(host) == NOTHING, what


def has_virtual(host: Host, netns: str) -> bool:
    (link,) = host.ip("address", "show", "dev", "eth0", netns=netns)
    usable = {f"{entry['local']}/{entry['prefixlen']}" for entry in link["addr_info"] if not entry.get("tentative")}
    return usable.issuperset(VIRTUAL) and "10.98.0.0/16" in {route["dst"] for route in host.routes(netns)}


def test_a_daemon_writes_to_no_files_but_its_own(host: Host, daemons: Daemons) -> None:
    files = [f"{folder}/written-by-a-daemon" for folder in ("/etc", "/run", "/var/lib")]
    writer = daemons.start(host, None, "busybox", "sh", "-c", f"for file in {' '.join(files)}; do echo it >$file; done; exec busybox sleep 300")
    writer.wait_until(lambda: writer.file(files[-1]) == "it\n", "nothing is written")
    assert [file for file in files if host.path(file).exists() or Path(file).exists()] == []
