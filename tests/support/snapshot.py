# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host is made of, in a form that can be compared: links, addresses, routes, namespaces, recorded state."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import json
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import typing as t
from pathlib import Path

from .machine import NETNS_FOLDER, RESOLVERS, Machine
from .worker import WORKERS, enter_named

TAG = "fleetnet.macvlan:"
DATABASE = "state.db"
# SQLite makes and removes these as its users come and go.
SQLITE_FILES = {f"{DATABASE}-wal", f"{DATABASE}-shm"}

Tables = dict[str, list[tuple[t.Any, ...]]]

# Each of these changes by itself: with the carrier, with time, or with who asked first.
# The first two count the links that ask neighbours, which the kernel takes away a moment after the end of a run that was killed.
VOLATILE_KEYS = {"promiscuity", "allmulti", "operstate", "link_netnsid", "valid_life_time", "preferred_life_time", "expires", "tentative", "linkdown"}
VOLATILE_FLAGS = {"LOWER_UP", "NO-CARRIER", "M-DOWN", "linkdown", "dead"}
# A link of ours that was taken away and put back is the same one for its users.
RENUMBERED_KEYS = {"ifindex", "link_index"}

Listed = tuple[list[t.Any], list[t.Any], list[t.Any]]


@dataclasses.dataclass(frozen=True)
class Network:
    """What the kernel knows about one network namespace."""

    links: dict[str, t.Any]
    routes: list[t.Any]


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A host at one moment; its own namespace is the one without a name."""

    networks: dict[str, Network]
    files: dict[str, str]
    tables: Tables
    resolvers: dict[str, str] = dataclasses.field(default_factory=dict)

    def without_state(self) -> Snapshot:
        """The kernel's part alone."""
        return dataclasses.replace(self, files={}, tables={})


def take_snapshot(machine: Machine, state_dir: Path) -> Snapshot:
    networks = {name: tidy_network(*listed) for name, listed in list_networks(machine).items()}
    folder = machine.path(state_dir)
    return Snapshot(networks, list_files(folder), read_tables(folder / DATABASE), read_resolvers(machine.path(RESOLVERS)))


def read_resolvers(folder: Path) -> dict[str, str]:
    """What is under /etc/netns, with modes and contents."""
    found = sorted(folder.rglob("*")) if folder.is_dir() else []
    modes = {path: stat.filemode(path.lstat().st_mode) for path in found}
    return {str(path.relative_to(folder)): mode + (path.read_text() if path.is_file() else "") for path, mode in modes.items()}


def list_networks(machine: Machine) -> dict[str, Listed]:
    """The links with their addresses, the IPv4 and the IPv6 routes of each namespace, as ip(8) tells them."""
    names = ["", *machine.namespaces()]
    listed: list[Listed] = WORKERS.call(machine.pid, functools.partial(list_inside, names))
    return dict(zip(names, listed, strict=True))


def list_inside(names: list[str]) -> list[Listed]:
    """The same for each name; the one without, which is where this begins, comes first."""
    return [list_here() if not name or has_entered(name) else ([], [], []) for name in names]


def has_entered(name: str) -> bool:
    """What an interrupted creation has left behind is no namespace; nor is a FIFO, which open() would wait for."""
    if not (NETNS_FOLDER / name).is_file():
        return False
    try:
        enter_named(name)
    except OSError:
        return False
    return True


def list_here() -> Listed:
    # Of all tables ip(8) lists the routes of both families; only those of IPv6 have a preference (RFC 4191).
    links, routes = ask_ip("address show", "route show table all")
    is_6 = [bool(route and "pref" in route) for route in routes]
    return links, [*itertools.compress(routes, (not item for item in is_6))], [*itertools.compress(routes, is_6)]


def ask_ip(*commands: str) -> list[list[t.Any]]:
    """The answers of one ip(8) to several commands; an empty list for one that it cannot answer."""
    argv = ["ip", "-json", "-details", "-force", "-batch", "-"]
    done = subprocess.run(argv, input="\n".join(commands), check=False, capture_output=True, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    return answers + [[]] * (len(commands) - len(answers))


# --- the kernel's part ----------------------------------------------------------------------------------------------


def tidy_network(links: list[t.Any], routes4: list[t.Any], routes6: list[t.Any]) -> Network:
    ours = {link["ifname"] for link in links if is_ours(link)}
    kept = [tidy(route) for route in routes4 + routes6 if route and not is_autoconfigured(route, ours)]
    return Network({link["ifname"]: tidy_link(link) for link in links if link}, sorted(kept, key=json.dumps))


def is_ours(link: dict[str, t.Any]) -> bool:
    return link.get("ifalias", "").startswith(TAG)


def tidy_link(link: dict[str, t.Any]) -> dict[str, t.Any]:
    kept = tidy(link)
    if is_ours(link):
        # The kernel gives a link of ours its link-local address only when the carrier is there, at some later time.
        listed = [entry for entry in kept["addr_info"] if not is_link_local(entry)]
        # Which IPv4 address of a subnet is the first, the flag "secondary" says; the order of others depends on their coming and going.
        kept["addr_info"] = sorted(listed, key=json.dumps)
        kept = {key: value for key, value in kept.items() if key not in RENUMBERED_KEYS}
    return kept


def is_link_local(address: dict[str, t.Any]) -> bool:
    return address["family"] == "inet6" and address["scope"] == "link"


def is_autoconfigured(route: dict[str, t.Any], ours: set[str]) -> bool:
    """An IPv6 route that the kernel makes from a work queue a moment after an address: to that, and of a link of ours to what is on it."""
    if ":" not in route["dst"]:
        return False
    return route.get("table") == "local" or route.get("dev") in ours and route["dst"].startswith(("fe80:", "ff00:"))


def tidy(value: t.Any) -> t.Any:
    """Without what changes by itself, at any depth."""
    if isinstance(value, dict):
        return {key: tidy(item) for key, item in value.items() if not is_volatile(key, item)}
    if isinstance(value, list):
        return [tidy(item) for item in value if not isinstance(item, str) or item not in VOLATILE_FLAGS]
    return value


def is_volatile(key: str, value: t.Any) -> bool:
    # A link that was up once keeps noqueue, one that never was has noop.
    return key in VOLATILE_KEYS or key.endswith("_timer") or (key == "qdisc" and value in ("noop", "noqueue"))


# --- the recorded part ----------------------------------------------------------------------------------------------


def list_files(folder: Path) -> dict[str, str]:
    """Every file under a folder, and the folder itself, with its mode; what is not there is not listed."""
    try:
        found = [folder, *sorted(folder.rglob("*"))]
        modes = {str(path.relative_to(folder)): stat.filemode(path.lstat().st_mode) for path in found}
    except FileNotFoundError:
        return {}
    return {name: mode for name, mode in modes.items() if name not in SQLITE_FILES}


def read_tables(database: Path) -> Tables:
    """Every row of every table, read from a copy: readers of a WAL write beside it, and SQLite resolves /proc links."""
    while database.is_file():
        # What SQLite keeps beside it may go while it is copied; then there is a newer state to read.
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(FileNotFoundError):
            for file in database.parent.glob(f"{DATABASE}*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, folder)
            return read_copy(Path(folder, DATABASE))
    return {}


def rows_of_objects(tables: Tables) -> Tables:
    """The rows of what tasks have asked for; the identity of the host stays when all of that is removed."""
    return {name: rows for name, rows in tables.items() if rows and name != "identity"}


def read_copy(database: Path) -> Tables:
    with contextlib.closing(sqlite3.connect(database)) as copy:
        # sqlite_sequence counts attempts, not results.
        wanted = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        try:
            return {name: read_table(copy, name) for (name,) in copy.execute(wanted).fetchall()}
        except sqlite3.DatabaseError:
            # Damaged on purpose, or copied while it was written to: what it holds is its bytes.
            return {"": [(database.read_bytes(),)]}


def read_table(copy: sqlite3.Connection, name: str) -> list[tuple[t.Any, ...]]:
    return sorted(copy.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)


# --- what differs ---------------------------------------------------------------------------------------------------


def differences(before: Snapshot, after: Snapshot) -> list[str]:
    """One line for each value that differs, with the way to it."""
    return list(walk("", dataclasses.asdict(before), dataclasses.asdict(after)))


def walk(place: str, before: t.Any, after: t.Any) -> t.Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from walk(f"{place}/{key}", before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from (f"{place}: gone: {item}" for item in before if item not in after)
        yield from (f"{place}: new: {item}" for item in after if item not in before)
    elif before != after:
        yield f"{place}: {before!r} has become {after!r}"
