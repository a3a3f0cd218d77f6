# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has become of it: counts endpoints in their namespaces, and sees the last of them go."""

from __future__ import annotations

import argparse
import json
import os
import socket
import struct
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from . import raw

KINDS = (b"macvlan", b"ipvlan")  # of the links of endpoints
LINK_HEADER, ADDRESS_HEADER, ROUTE_HEADER, NEIGHBOUR_HEADER = 16, 8, 12, 12
POLL = 0.002


class Counted(t.NamedTuple):
    """Endpoints with everything that belongs to one, and how many of them have a certain mtu."""

    endpoints: int
    of_that_mtu: int


def count(netns_paths: t.Iterable[str], mtu: int) -> Counted:
    """Macvlan links that are up, have an IPv4 address and a default route, in these and in the own namespace."""
    home = raw.own_netns()
    mtus = complete_endpoints()
    for path in netns_paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        raw.enter(descriptor)
        os.close(descriptor)
        mtus += complete_endpoints()
    raw.enter(home)
    return Counted(len(mtus), mtus.count(mtu))


def complete_endpoints() -> list[int]:
    """The mtu of every complete endpoint in the namespace that the thread is in."""
    with raw.open_socket() as sock:
        links = dict(filter(None, map(macvlan_mtu, raw.dump(sock, raw.RTM_GETLINK, raw.link_body()))))
        header = struct.pack("=BBBBI", socket.AF_INET, 0, 0, 0, 0)
        addressed = {struct.unpack_from("=I", body, 4)[0] for body in raw.dump(sock, raw.RTM_GETADDR, header)}
        header = struct.pack("=BBBBBBBBI", socket.AF_INET, *([0] * 8))
        routed = set(map(default_route_link, raw.dump(sock, raw.RTM_GETROUTE, header)))
    return [mtu for index, mtu in links.items() if index in addressed and index in routed]


def macvlan_mtu(body: bytes) -> tuple[int, int] | None:
    """(index, mtu) of a link, if it is that of an endpoint and up."""
    index, flags = struct.unpack_from("=iI", body, 4)
    found = raw.attributes(body, LINK_HEADER)
    kind = raw.attributes(found.get(raw.IFLA_LINKINFO, b""), 0).get(raw.IFLA_INFO_KIND, b"")
    if kind.rstrip(b"\0") not in KINDS or not flags & raw.IFF_UP:
        return None
    return index, struct.unpack("=I", found[raw.IFLA_MTU])[0]


def default_route_link(body: bytes) -> int | None:
    """The link that a route leads to, if it is a default route."""
    found = raw.attributes(body, ROUTE_HEADER)
    if body[1] != 0 or raw.RTA_OIF not in found:
        return None
    return int(struct.unpack("=I", found[raw.RTA_OIF])[0])


def guests(sock: socket.socket, parent: int) -> int:
    """How many macvlan links of whatever namespace are up on a parent: each has its MAC in the parent's filter."""
    found = 0
    header = struct.pack("=BxxxiHBB", socket.AF_BRIDGE, parent, 0, 0, 0)
    for body in raw.dump(sock, raw.RTM_GETNEIGH, header):
        index = struct.unpack_from("=i", body, 4)[0]
        mac = raw.attributes(body, NEIGHBOUR_HEADER).get(raw.NDA_LLADDR, b"\1")
        found += index == parent and not mac[0] & 1
    return found


def has_ipvlan_links(parent: str) -> bool:
    """Whether a parent has such links in whatever namespace: it can have no macvlan link then, and they leave no other trace on it."""
    added = subprocess.run(["ip", "link", "add", "link", parent, "name", "try0", "type", "macvlan"], check=False, capture_output=True)
    if added.returncode == 0:
        subprocess.run(["ip", "link", "delete", "try0"], check=True)
    return added.returncode != 0


def wait_until_gone(parent: str, kind: str = "macvlan") -> None:
    """Come back when the parent has no link of a kind any more, in no namespace.

    A namespace that was let go is taken apart later, many at a time and without letting go of the lock that this
    dump needs; so the dump that finds none ends with the last of them.
    """
    index = socket.if_nametoindex(parent)
    with raw.open_socket() as sock:
        while has_ipvlan_links(parent) if kind == "ipvlan" else guests(sock, index):
            time.sleep(POLL)


def netns_of_processes() -> list[str]:
    """A path to each namespace that a process is in, without the own one."""
    own = os.stat("/proc/self/ns/net").st_ino
    found: dict[int, str] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        path = f"/proc/{name}/ns/net"
        try:
            found.setdefault(os.stat(path).st_ino, path)
        except OSError:
            continue
    return [path for inode, path in found.items() if inode != own]


def named_netns() -> list[str]:
    return [str(path) for path in Path(raw.NETNS_FOLDER).iterdir()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", required=True)
    parser.add_argument("--mtu", type=int, required=True)
    parser.add_argument("--kind", default="macvlan", choices=["macvlan", "ipvlan"], help="of the links on the parent (%(default)s)")
    parser.add_argument("--processes", action="store_true", help="look where processes are, not at named namespaces")
    options = parser.parse_args()
    counted = count(netns_of_processes() if options.processes else named_netns(), options.mtu)
    with raw.open_socket() as sock:
        # How many ipvlan links there are cannot be seen from their parent.
        on_parent = int(has_ipvlan_links(options.parent)) if options.kind == "ipvlan" else guests(sock, socket.if_nametoindex(options.parent))
        print(json.dumps({**counted._asdict(), "guests": on_parent}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
