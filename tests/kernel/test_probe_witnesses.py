# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What probing sends, as tcpdump and scapy see it at the other end of the wire; answers that scapy makes; and endpoints, as arping and
ndisc6 find them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.tests.support import module_call
from ansible_collections.fleetnet.macvlan.tests.support.daemons import Daemon, Daemons
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import Wire
from ansible_collections.fleetnet.macvlan.tests.support.tasks import subnets

pytestmark = pytest.mark.engine

WEB = {"name": "web", "network": "net", "netns": "web"}
IPV4, IPV6 = "192.168.60.2", "2001:db8:60::2"
MAC = "02:42:c0:a8:3c:02"
# How often each address is asked for.
ROUNDS = 2

ARP_PROBE = re.compile(rf"^(\S+) > ff:ff:ff:ff:ff:ff, ethertype ARP .*: Request who-has {IPV4} tell 0\.0\.0\.0, length 28$")
SOLICITATION = re.compile(rf"^(\S+) > 33:33:ff:00:00:02, ethertype IPv6 .*: :: > ff02::1:ff00:2: ICMP6, neighbor solicitation, who has {IPV6}, length 24$")
ANNOUNCEMENT = re.compile(rf"^{MAC} > ff:ff:ff:ff:ff:ff, ethertype ARP .*: (Announcement|Request who-has) {IPV4}\b")
ADVERTISEMENT = re.compile(rf"^{MAC} > 33:33:00:00:00:01, ethertype IPv6 .*ICMP6, neighbor advertisement, .*tgt is {IPV6}\b")

# A machine that says what it is asked, and answers for the addresses that it is given.
SCAPY_MAC = "02:00:00:00:00:99"
SCAPY = """
import sys
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.sendrecv import sendp, sniff

bridge, mac, *held = sys.argv[1:]

def look(frame):
    if ARP in frame and frame[ARP].op == 1:
        asked = frame[ARP].pdst
        print("arp", frame.src, frame.dst, frame[ARP].hwsrc, frame[ARP].psrc, asked, flush=True)
        answer = ARP(op="is-at", hwsrc=mac, psrc=asked, hwdst=frame[ARP].hwsrc, pdst=frame[ARP].psrc)
        receiver = frame.src
    elif ICMPv6ND_NS in frame:
        asked, told = frame[ICMPv6ND_NS].tgt, frame[ICMPv6ND_NS].cksum
        again = frame.copy()
        del again[ICMPv6ND_NS].cksum
        is_right = Ether(bytes(again))[ICMPv6ND_NS].cksum == told
        print("nd", frame.src, frame.dst, frame[IPv6].src, frame[IPv6].dst, frame[IPv6].hlim, asked, is_right, flush=True)
        answer = IPv6(src=asked, dst="ff02::1", hlim=255) / ICMPv6ND_NA(tgt=asked, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac)
        receiver = "33:33:00:00:00:01"
    else:
        return
    if asked in held:
        sendp(Ether(src=mac, dst=receiver) / answer, iface=bridge, verbose=False)

sniff(iface=bridge, prn=look, store=False, started_callback=lambda: print("ready", flush=True))
"""


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Daemons]:
    started = Daemons(tmp_path)
    yield started
    started.close()


@pytest.fixture
def dump(host: Host, daemons: Daemons) -> Daemon:
    """What arrives at the bridge of the wire, a line each."""
    argv = ("tcpdump", "-Z", "root", "-l", "-n", "-e", "-t", "-i", Wire.BRIDGE, "arp or icmp6")
    started = daemons.start(host.wire, None, *argv)
    started.wait_until(lambda: "listening on" in started.said, "tcpdump does not listen")
    return started


def senders(dump: Daemon, frame: re.Pattern[str]) -> list[str]:
    """The source of each frame of a kind."""
    return [match[1] for line in dump.said.splitlines() if (match := frame.match(line))]


def places(dump: Daemon, frame: re.Pattern[str]) -> list[int]:
    return [number for number, line in enumerate(dump.said.splitlines()) if frame.match(line)]


def exit_code(host: Host, daemons: Daemons, *argv: str) -> int:
    """That of a program on the wire."""
    return daemons.start(host.wire, None, *argv).wait()


def test_the_wire_sees_probes_of_no_address_and_then_the_announcement(host: Host, dump: Daemon) -> None:
    host.call("macvlan_network", name="net", parent="eth0", subnets=subnets("192.168.60.0/24", "2001:db8:60::/64"))
    host.call("macvlan_endpoint", **WEB)
    for frame in (ANNOUNCEMENT, ADVERTISEMENT):
        dump.wait_until(lambda frame=frame: bool(places(dump, frame)), f"nothing like {frame.pattern} was sent")
    asking = senders(dump, ARP_PROBE)
    assert len(asking) == ROUNDS and senders(dump, SOLICITATION) == asking
    # One MAC address asks for all, which is neither the endpoint's to be nor the parent's.
    assert len(set(asking)) == 1 and not {MAC, host.links()["eth0"]["address"]}.intersection(asking)
    assert max(*places(dump, ARP_PROBE), *places(dump, SOLICITATION)) < min(*places(dump, ANNOUNCEMENT), *places(dump, ADVERTISEMENT))


def test_check_mode_asks_and_announces_nothing(host: Host, dump: Daemon) -> None:
    host.call("macvlan_network", name="net", parent="eth0", subnets=subnets("192.168.60.0/24", "2001:db8:60::/64"))
    host.call("macvlan_endpoint", check=True, **WEB)
    dump.wait_until(lambda: len(senders(dump, SOLICITATION)) == len(senders(dump, ARP_PROBE)) == ROUNDS, "check mode has not asked")
    host.call("macvlan_endpoint", **WEB, probe="none")
    dump.wait_until(lambda: bool(places(dump, ANNOUNCEMENT)), "nothing was announced")
    assert len(senders(dump, ARP_PROBE)) == len(senders(dump, SOLICITATION)) == ROUNDS
    assert len(places(dump, ANNOUNCEMENT)) == 1


def test_other_programs_find_an_endpoint_by_the_same_questions(host: Host, daemons: Daemons) -> None:
    host.wire.add_address("2001:db8:60::99/64")
    arping = ("arping", "-D", "-q", "-c", "2", "-w", "3", "-I", Wire.BRIDGE, IPV4)
    ndisc6 = ("ndisc6", "-q", "-1", "-r", "2", IPV6, Wire.BRIDGE)
    assert exit_code(host, daemons, *arping) == 0
    assert exit_code(host, daemons, *ndisc6) != 0
    host.call("macvlan_network", name="net", parent="eth0", subnets=subnets("192.168.60.0/24", "2001:db8:60::/64"))
    host.call("macvlan_endpoint", **WEB)
    assert exit_code(host, daemons, *arping) == 1
    found = daemons.start(host.wire, None, *ndisc6)
    assert (found.wait(), found.said.strip().lower()) == (0, MAC)


def test_scapy_finds_no_fault_in_a_probe_and_its_answers_are_heard(host: Host, daemons: Daemons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_call, "paces_of_runs", module_call.PATIENT_PACES)
    scapy = daemons.start(host.wire, None, "python3", "-c", SCAPY, Wire.BRIDGE, SCAPY_MAC, IPV4, IPV6)
    scapy.wait_until(lambda: "ready" in scapy.said, "scapy does not listen")
    host.call("macvlan_network", name="net", parent="eth0", subnets=subnets("192.168.60.0/24", "2001:db8:60::/64"))
    done = host.call("macvlan_endpoint", **WEB)
    assert (done["endpoint"]["ipv4"], done["endpoint"]["ipv6"]) == ("192.168.60.3/24", "2001:db8:60::3/64")
    assert done["probed"]["conflicts"] == [{"address": address, "mac": SCAPY_MAC} for address in (IPV4, IPV6)]
    told = [line.split() for line in scapy.said.splitlines()]
    asking = {words[1] for words in told if words[0] == "arp" and words[5] == IPV4}
    assert len(asking) == 1
    (mac,) = asking
    for last in ("2", "3"):
        assert ["arp", mac, "ff:ff:ff:ff:ff:ff", mac, "0.0.0.0", f"192.168.60.{last}"] in told
        assert ["nd", mac, f"33:33:ff:00:00:0{last}", "::", f"ff02::1:ff00:{last}", "255", f"2001:db8:60::{last}", "True"] in told
