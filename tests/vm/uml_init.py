# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first process of a machine whose kernel is a program; machines.py starts it in namespaces of its own.

It makes the folder that the kernel sees as the whole machine, gives it a network card, hands connections on to it, and
ends with it; what the namespaces hold ends then too.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

# As QEMU's network for users has them.
GUEST, OUTSIDE = "10.0.2.15", "10.0.2.2/24"


def run(*command: str) -> None:
    """Run a step; its failure is told in the log, and is the end."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def make_root(root: Path, tree: Path, folders: list[str]) -> None:
    """What the program sees: its libraries, the devices, and the folders of guest and image at their own paths."""
    root.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "root", str(root))
    for entry in tree.iterdir():
        if entry.is_symlink():
            (root / entry.name).symlink_to(os.readlink(entry))
        elif entry.name in ("lib", "lib64", "usr"):
            (root / entry.name).mkdir()
            run("mount", "--bind", str(entry), str(root / entry.name))
    for name in ("dev", "proc", "root", "tmp"):
        (root / name).mkdir()
    for folder in folders:
        inside = root / folder.lstrip("/")
        inside.mkdir(parents=True, exist_ok=True)
        run("mount", "--bind", folder, str(inside))
    run("mount", "-t", "proc", "proc", str(root / "proc"))
    run("mount", "--rbind", "/dev", str(root / "dev"))
    # The guest's memory is a file there.
    run("mount", "-t", "tmpfs", "-o", "size=90%", "memory", str(root / "dev/shm"))


def make_card() -> None:
    """A wire between this namespace and the guest's first network card."""
    for name in ("all", "default"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
    run("ip", "link", "add", "outside", "type", "veth", "peer", "name", "inside")
    run("ip", "address", "add", OUTSIDE, "dev", "outside")
    for name in ("outside", "inside"):
        run("ip", "link", "set", name, "up")


def hand_on(listener: socket.socket) -> None:
    """Connect whoever knocks at the port outside with the guest's ssh server."""
    while True:
        client = listener.accept()[0]
        threading.Thread(target=connect, args=(client,), daemon=True).start()


def connect(client: socket.socket) -> None:
    """One connection, until both sides have said all; without a server it is closed without a word."""
    with client, contextlib.suppress(OSError), socket.create_connection((GUEST, 22), timeout=5) as server:
        server.settimeout(None)
        back = threading.Thread(target=pour, args=(server, client), daemon=True)
        back.start()
        pour(client, server)
        back.join()


def pour(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes, and then that it has come to its end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def start_kernel(order: dict[str, t.Any]) -> int:
    """Start the kernel and return its process."""
    command = ["chroot", order["root"], "/usr/bin/linux.uml", *order["arguments"]]
    command.append(f"vec0:transport=raw,ifname=inside,depth=128,gro=1,mac={order['mac']}")
    with open(order["console"], "ab") as console:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            pass_fds=order["wires"],
            env={"HOME": "/root", "PATH": os.environ["PATH"]},
            start_new_session=True,
        ).pid


def main() -> int:
    """Start the machine and wait for its end."""
    order = json.loads(sys.argv[1])
    os.environ["PATH"] = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    make_root(Path(order["root"]), Path(order["tree"]), order["folders"])
    make_card()
    kernel = start_kernel(order)
    listener = socket.socket(fileno=order["listener"])
    threading.Thread(target=hand_on, args=(listener,), daemon=True).start()
    while True:
        # Whatever loses its parent in here is ours to bury.
        ended, status = os.wait()
        if ended == kernel:
            return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(main())
