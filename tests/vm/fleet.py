# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test guests that outlive the command that starts them, with a wire between them; Molecule's scenarios use them.

    fleet.py start FOLDER host1=fleet12 host2=fleet13     boot them, and write FOLDER/fleet.json
    fleet.py tell FOLDER host1 cut                        cut the power
    fleet.py tell FOLDER host1 boot                       start it again
    fleet.py tell FOLDER host1 boot-unplugged             start it without its second network card
    fleet.py tell FOLDER host1 plug                       plug that card in while it runs
    fleet.py stop FOLDER                                  end them, and remove everything but the images
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from guest import Guest, exit_on_signals
from images import RECIPES, GuestError, ensure_image, ensure_kernel, report, tail
from machines import cable

# Whoever forgets a fleet pays for it for so long.
MAX_AGE = 2 * 3600
SECONDS_TO_START = 900


def deeds(guest: Guest) -> dict[str, t.Callable[[], None]]:
    """What can be done to a guest."""

    def boot(plugged: bool) -> None:
        guest.plugged = plugged
        guest.start()

    return {
        "cut": guest.kill,
        "boot": lambda: boot(True),
        "boot-unplugged": lambda: boot(False),
        "plug": guest.plug,
    }


@contextlib.contextmanager
def fleet_of(folder: Path, recipes: dict[str, str]) -> Iterator[dict[str, Guest]]:
    """Guests that boot at the same time, the first two on one wire."""
    ends = cable(folder, "lan")
    with contextlib.ExitStack() as stack:
        guests = {}
        for number, (name, recipe) in enumerate(recipes.items()):
            guest = Guest(RECIPES[recipe], name=name, nics=ends[number : number + 1], cpus=1, memory=1024, wait=False, kernel=RECIPES[recipe].suites[0])
            guests[name] = stack.enter_context(guest)
        for guest in guests.values():
            guest.wait_ready()
        yield guests


def keep(folder: Path, recipes: dict[str, str]) -> None:
    """Hold the guests and do to them what is asked, until the end is asked for or time is up."""
    deadline = time.monotonic() + MAX_AGE
    with fleet_of(folder, recipes) as guests, socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "keeper"))
        server.listen()
        variables = {name: guest.connection_vars() for name, guest in guests.items()}
        partial = folder / "fleet.json.partial"
        partial.write_text(json.dumps(variables, indent=2))
        partial.rename(folder / "fleet.json")
        while (left := deadline - time.monotonic()) > 0:
            server.settimeout(left)
            with contextlib.suppress(TimeoutError), server.accept()[0] as client:
                client.settimeout(None)
                words = client.makefile("r", encoding="utf-8").readline().split()
                if words == ["stop"]:
                    return
                client.sendall(answer(guests, *words).encode())


def answer(guests: dict[str, Guest], name: str = "", deed: str = "") -> str:
    """Do something to a guest; what went wrong, empty when nothing did."""
    if name not in guests or deed not in deeds(guests[name]):
        return f"there is no guest {name}, or nothing called {deed} can be done to it"
    try:
        deeds(guests[name])[deed]()
    except (GuestError, OSError, ValueError) as exc:
        return f"{name}: {deed}: {exc}"
    return ""


# --- command line ----------------------------------------------------------------------------------------------------


def start(arguments: argparse.Namespace) -> int:
    """Boot guests, and leave them running."""
    folder: Path = arguments.folder
    recipes = dict(item.split("=", 1) for item in arguments.guests)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "fleet.json").exists():
        report(f"{folder} has its guests already")
        return 0
    for recipe in set(recipes.values()):
        ensure_image(RECIPES[recipe])
        ensure_kernel(RECIPES[recipe].suites[0])
    log = folder / "keeper.log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, __file__, "keep", str(folder), *arguments.guests],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (folder / "keeper.pid").write_text(str(keeper.pid))
    deadline = time.monotonic() + SECONDS_TO_START
    while not (folder / "fleet.json").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise GuestError(f"the guests did not start:\n{tail(log)}")
        time.sleep(0.2)
    return 0


def keep_command(arguments: argparse.Namespace) -> int:
    """Hold the guests; this is what start leaves behind."""
    keep(arguments.folder, dict(item.split("=", 1) for item in arguments.guests))
    return 0


def tell(arguments: argparse.Namespace) -> int:
    """Do something to a guest, and wait until it is done."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(arguments.folder / "keeper"))
        client.sendall(f"{arguments.guest} {arguments.deed}\n".encode())
        complaint = client.makefile("r", encoding="utf-8").read()
    if complaint:
        raise GuestError(complaint)
    return 0


def is_keeper(pid: int, folder: Path) -> bool:
    """Whether a process is still the one that holds the guests; one that nobody has waited for has no command line."""
    with contextlib.suppress(FileNotFoundError):
        return str(folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def stop(arguments: argparse.Namespace) -> int:
    """End the guests, and remove what belongs to them."""
    folder: Path = arguments.folder
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        pid = int((folder / "keeper.pid").read_text())
        if is_keeper(pid, folder):
            os.kill(pid, signal.SIGTERM)
        while is_keeper(pid, folder):
            time.sleep(0.1)
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def main() -> int:
    """Run the command line and return the exit code."""
    exit_on_signals()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(required=True)
    for name, action in (("start", start), ("keep", keep_command), ("tell", tell), ("stop", stop)):
        command = actions.add_parser(name, help=action.__doc__)
        command.set_defaults(action=action)
        command.add_argument("folder", type=lambda text: Path(text).absolute())
        if name in ("start", "keep"):
            command.add_argument("guests", nargs="+", metavar="NAME=RECIPE")
        if name == "tell":
            command.add_argument("guest")
            command.add_argument("deed", choices=("cut", "boot", "boot-unplugged", "plug"))
    parsed = parser.parse_args()
    try:
        return int(parsed.action(parsed))
    except (GuestError, OSError) as exc:
        report(f"error: {exc}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
