# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel refuses, check mode refuses too, in the same words, and nothing is left half-made."""

from __future__ import annotations

import contextlib
import subprocess
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, endpoint, gone, network, refuse, subnets

NETWORK, ENDPOINT = "macvlan_network", "macvlan_endpoint"


# --- VRF ------------------------------------------------------------------------------------------------------------


def make_vrf(host: Host) -> None:
    host.ip("link", "add", "blue", "type", "vrf", "table", "100")
    host.ip("link", "set", "blue", "up")


def put_into_vrf(host: Host) -> None:
    make_vrf(host)
    host.ip("link", "set", "eth0", "master", "blue")


@pytest.mark.needs("vrf")
def test_a_link_in_a_vrf_carries_a_network(host: Host) -> None:
    put_into_vrf(host)
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    host.wire.add_address("10.0.0.1/24")
    assert host.ping("a", "10.0.0.1")


@pytest.mark.needs("vrf", "8021q")
def test_a_vlan_of_a_link_in_a_vrf_carries_a_network(host: Host) -> None:
    put_into_vrf(host)
    network(host, parent="eth0.50", subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    endpoint(host, "b")
    assert host.ping("a", "10.0.0.3")


@pytest.mark.needs("vrf")
def test_a_network_whose_parent_is_put_into_a_vrf_goes_on(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    put_into_vrf(host)
    again = host.call(ENDPOINT, name="a", network="net", netns="a")
    assert not again["changed"]
    converge(host, NETWORK, name="net", parent="eth0", subnets=subnets("10.0.0.0/24"), mtu=1400)
    endpoint(host, "b")
    host.wire.add_address("10.0.0.1/24")
    assert host.ping("a", "10.0.0.1")


@pytest.mark.needs("vrf")
def test_a_vrf_is_no_parent(host: Host) -> None:
    make_vrf(host)
    refuse(host, NETWORK, "blue is a VRF, which carries no Ethernet frames", name="net", parent="blue")
    host.ip("link", "set", "eth0", "master", "blue")
    refuse(host, NETWORK, "use eth0, which is in it", name="net", parent="blue")
    # What the plan says is what the kernel says.
    assert host.run(["ip", "link", "add", "link", "blue", "name", "m", "type", "macvlan"], check=False).returncode


# --- alternative names ----------------------------------------------------------------------------------------------

LONG = "rack12-port-of-the-lan-" + "x" * 104


def test_a_name_that_is_an_alternative_name_is_taken(host: Host) -> None:
    for name in (LONG, "alt0", "eth0.50"):
        host.ip("link", "property", "add", "dev", "eth0", "altname", name)
    network(host, subnets=subnets("10.0.0.0/24"))
    refuse(host, ENDPOINT, "ifname alt0 is taken", "of eth0", name="e", network="net", ifname="alt0")
    converge(host, ENDPOINT, name="e", network="net", ifname="mv0")
    refuse(host, ENDPOINT, "ifname alt0 is taken", name="e", network="net", ifname="alt0")
    endpoint(host, "other", ifname="alt0")


# --- passthru -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "foreign", "words"),
    [
        ("passthru", ("macvtap", "bridge"), "passthru needs eth0 for itself, and foreign is on it"),
        ("passthru", ("macvlan", "private"), "passthru needs eth0 for itself, and foreign is on it"),
        ("bridge", ("macvlan", "passthru"), "eth0 carries the passthru link foreign, which needs the parent for itself"),
        ("vepa", ("macvtap", "passthru"), "eth0 carries the passthru link foreign, which needs the parent for itself"),
    ],
)
def test_an_endpoint_is_not_made_beside_a_foreign_link_that_came_after_its_network(
    host: Host, mode: str, foreign: tuple[str, str], words: str
) -> None:
    network(host, mode=mode, ipam="none")
    host.ip("link", "add", "link", "eth0", "name", "foreign", "type", foreign[0], "mode", foreign[1])
    refuse(host, ENDPOINT, f"endpoint net/a: {words}", name="a", network="net", netns="a")
    refuse(host, ENDPOINT, f"endpoint net/a: {words}", name="a", network="net", ifname="mv0")
    host.ip("link", "delete", "foreign")
    endpoint(host, "a")


@pytest.mark.parametrize("kind", ["macvlan", "macvtap"])
def test_no_passthru_link_is_made_beside_a_foreign_link_in_another_namespace(host: Host, kind: str) -> None:
    host.ip("netns", "add", "pod")
    # A namespace of that number does not make it the host's.
    host.ip("netns", "add", "other")
    foreign = ["link", "add", "link", "eth0", "name", "foreign", "netns", "pod", "type", kind, "mode", "bridge"]
    words = "passthru needs eth0 for itself, and foreign in namespace pod is on it"
    host.ip(*foreign)
    refuse(host, NETWORK, f"network net: {words}", name="net", parent="eth0", mode="passthru", ipam="none")
    host.ip("-n", "pod", "link", "delete", "foreign")
    network(host, mode="passthru", ipam="none")
    host.ip(*foreign)
    refuse(host, ENDPOINT, f"endpoint net/a: {words}", name="a", network="net", netns="a")
    host.ip("-n", "pod", "link", "delete", "foreign")
    endpoint(host, "a")


# --- what is on the parent in another namespace ---------------------------------------------------------------------

AWAY = {
    "passthru": ("type", "macvlan", "mode", "passthru"),
    "passthru-tap": ("type", "macvtap", "mode", "passthru"),
    "ipvlan": ("type", "ipvlan", "mode", "l2"),
}
KINDS = pytest.mark.parametrize(
    "kind", ["passthru", "passthru-tap", pytest.param("ipvlan", marks=pytest.mark.needs("ipvlan"))]
)


@KINDS
def test_the_first_link_on_a_parent_is_refused_beside_one_in_a_named_namespace(host: Host, kind: str) -> None:
    host.ip("netns", "add", "pod")
    foreign = ["link", "add", "link", "eth0", "name", "foreign", "netns", "pod", *AWAY[kind]]
    words = f"eth0 carries the {kind.partition('-')[0]} link foreign in namespace pod"
    host.ip(*foreign)
    refuse(host, NETWORK, words, name="net", parent="eth0", ipam="none")
    host.ip("-n", "pod", "link", "delete", "foreign")
    network(host, ipam="none")
    host.ip(*foreign)
    refuse(host, ENDPOINT, words, name="a", network="net", netns="a")
    host.ip("-n", "pod", "link", "delete", "foreign")
    endpoint(host, "a")
    # What one may be beside, all may.
    assert host.run(["ip", *foreign], check=False).returncode
    endpoint(host, "b")


@KINDS
def test_a_refusal_because_of_a_namespace_without_a_name_tells_how_to_find_it(host: Host, kind: str) -> None:
    network(host, ipam="none")
    with nameless(host) as pid:
        host.ip("link", "add", "link", "eth0", "name", "foreign", "netns", pid, *AWAY[kind])
        message = host.call(ENDPOINT, fails=True, name="a", network="net", netns="a")["msg"]
        cause = "an ipvlan or macsec link on it" if kind == "ipvlan" else "beside a passthru link (macvlan or macvtap) on eth0"
        assert cause in message
        assert "nsenter -n -t PID ip -d link, with each PID of: lsns -t net" in message
        assert "foreign@" in host.run(["nsenter", "-n", "-t", pid, "ip", "-d", "link"]).stdout
    endpoint(host, "a")


def test_a_passthru_link_that_is_refused_because_of_one_without_a_named_namespace_is_reported(host: Host) -> None:
    network(host, ipam="none", mode="passthru")
    with nameless(host) as pid:
        host.ip("link", "add", "link", "eth0", "name", "foreign", "netns", pid, "type", "macvtap", "mode", "bridge")
        message = host.call(ENDPOINT, fails=True, name="a", network="net", netns="a")["msg"]
        assert "beside any macvlan or macvtap link on eth0, which may be in another namespace" in message
    endpoint(host, "a")


@pytest.mark.needs("8021q")
def test_a_vlan_that_is_in_a_namespace_without_a_name_is_reported(host: Host) -> None:
    with nameless(host) as pid:
        host.ip("link", "add", "link", "eth0", "name", "foreign", "netns", pid, "type", "vlan", "id", "50")
        message = host.call("vlan_subinterface", fails=True, name="eth0.50")["msg"]
        assert "eth0 has that VLAN under another name, maybe in another namespace" in message


@contextlib.contextmanager
def nameless(host: Host) -> t.Iterator[str]:
    """The id of a process in a namespace of its own."""
    process = host.start(["unshare", "--net", "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        pid = str(process.pid)
        yield pid
        # The namespace goes some time after its last process, and the link with it.
        host.run(["nsenter", "-n", "-t", pid, "ip", "link", "delete", "foreign"])
    finally:
        process.kill()
        process.wait()


# --- settings -------------------------------------------------------------------------------------------------------

READ_ONLY = "mount --bind {0} {0} && mount -o remount,bind,ro {0}"
WRITABLE = "mount -o remount,bind,rw {0}"


@pytest.mark.parametrize("folder", ["/proc/sys", "/proc/sys/net", "/proc/sys/net/ipv6"])
def test_settings_that_cannot_be_written_are_reported_with_their_mount(host: Host, folder: str) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "before")
    host.run(["sh", "-ec", READ_ONLY.format(folder)])
    words = f"disable_ipv6 to '1' in namespace a: {folder} is mounted read-only; make it writable: "
    refuse(host, ENDPOINT, words + WRITABLE.format(folder), name="a", network="net", netns="a")
    # What writes no setting goes on.
    again = host.call(ENDPOINT, name="before", network="net", netns="before")
    assert not again["changed"]
    converge(host, ENDPOINT, name="before", network="net", netns="before", mtu=1400)
    converge(host, NETWORK, name="two", parent="eth0", subnets=subnets("10.1.0.0/24"), allow_shared_parent=True)
    gone(host, ENDPOINT, name="before", network="net")
    host.run(["sh", "-ec", WRITABLE.format(folder)])
    endpoint(host, "a")


def test_an_endpoint_with_ipv6_is_refused_where_the_kernel_has_none(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    network(host, "six", subnets=subnets("2001:db8::/64"), allow_shared_parent=True)
    # What ipv6.disable=1 leaves: nothing of IPv6 below /proc/sys.
    host.run(["mount", "-t", "tmpfs", "tmpfs", "/proc/sys/net/ipv6"])
    refuse(host, ENDPOINT, "2001:db8::2/64, and this kernel has no IPv6", name="a", network="six", netns="a")
    host.run(["umount", "/proc/sys/net/ipv6"])
    endpoint(host, "a", network="six")


# --- VLANs in other namespaces --------------------------------------------------------------------------------------


@pytest.mark.needs("8021q")
def test_a_vlan_that_is_in_another_namespace_is_taken(host: Host) -> None:
    host.ip("netns", "add", "pod")
    # A namespace of that number does not make it the host's.
    host.ip("netns", "add", "other")
    host.ip("link", "add", "link", "eth0", "name", "v50", "netns", "pod", "type", "vlan", "id", "50")
    words = "VLAN 50 of eth0 is already there as v50 in namespace pod"
    refuse(host, NETWORK, words, name="net", parent="eth0.50", subnets=subnets("10.0.0.0/24"))
    refuse(host, "vlan_subinterface", words, name="eth0.50")
    network(host, parent="eth0.51", subnets=subnets("10.0.0.0/24"))
    host.ip("-n", "pod", "link", "delete", "v50")
    network(host, "fifty", parent="eth0.50", subnets=subnets("10.1.0.0/24"))


# --- an mtu without IPv6 --------------------------------------------------------------------------------------------

ADVERTISED = {"net.ipv6.conf.IFNAME.disable_ipv6": 0, "net.ipv6.conf.IFNAME.accept_ra": 2}


def test_an_mtu_that_takes_ipv6_away_is_refused_where_settings_need_it(host: Host) -> None:
    network(host, ipam="none")
    endpoint(host, "a", sysctls=ADVERTISED)
    host.ip("-n", "a", "address", "add", "2001:db8::7/64", "dev", "eth0", "nodad")
    words = "endpoint net/a: mtu 1000 is less than the 1280 that IPv6 needs, and sysctls has net.ipv6.conf.IFNAME.disable_ipv6: 0"
    refuse(host, ENDPOINT, words, name="a", network="net", netns="a", sysctls=ADVERTISED, mtu=1000)
    refuse(host, NETWORK, words, name="net", parent="eth0", ipam="none", mtu=1000)
    assert "2001:db8::7/64" in host.addresses("eth0", "a")
    # Without the settings there is nothing to keep.
    endpoint(host, "a", mtu=1000)
    endpoint(host, "a", mtu=1000, sysctls={"net.ipv6.conf.IFNAME.disable_ipv6": 1})
    assert host.restore().code == 0
    endpoint(host, "a", sysctls=ADVERTISED)


@pytest.mark.parametrize(
    ("cidrs", "sysctls"), [(["10.0.0.0/24"], ADVERTISED), (["10.0.0.0/24", "fd00::/64"], {})], ids=["settings", "address"]
)
def test_a_restoration_waits_for_the_mtu_that_ipv6_needs(host: Host, cidrs: list[str], sysctls: dict[str, int]) -> None:
    network(host, subnets=subnets(*cidrs))
    endpoint(host, "a", sysctls=sysctls)
    host.ip("link", "set", "eth0", "mtu", "1000")
    words = "endpoint net/a: mtu 1000 is less than the 1280 that IPv6 needs"
    refuse(host, ENDPOINT, words, name="a", network="net", netns="a", sysctls=sysctls)
    said = host.restore()
    assert said.code == 3
    shown = " ".join([*said.lines, said.complaint])
    assert words in shown and "the mtu of its parent eth0 is no larger" in shown
    host.ip("link", "set", "eth0", "mtu", "1500")
    assert host.restore().code == 0
    assert not host.call(ENDPOINT, name="a", network="net", netns="a", sysctls=sysctls)["changed"]
