# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code blocks of the documents, run as they are written."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import yaml

from .documents import read_snippets
from .host import HOME, Host
from .playbook import PlaybookRun, environment

GROUP = "edge"
PROGRAMS = HOME / "bin"
# What a reader of the documents has: one group, here with the machine itself as its only host.
EDGE1 = {
    "ansible_connection": "local",
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    # What the README says that hosts have of their own.
    "place": 1,
    "web_ranges": "192.168.50.{{ 32 * place }}/27, 2001:db8:50::{{ place }}:0/112",
}
INVENTORY = {GROUP: {"hosts": {"edge1": EDGE1}}}


class Section:
    """The snippets under one heading, or some of them by their number; each has to be run, or looked at."""

    def __init__(self, file: str, title: str, *numbers: int) -> None:
        self.name = f"{file}, {title}"
        texts = [snippet.text for snippet in read_snippets(file) if snippet.section == title]
        self._texts = {number: texts[number] for number in numbers or range(len(texts))}
        assert self._texts, f"{self.name}: no snippet there"
        self._used: set[int] = set()

    def unused(self) -> list[str]:
        return [text for number, text in self._texts.items() if number not in self._used]

    def text(self, number: int = 0) -> str:
        """The text of a snippet that a test uses in a way of its own."""
        self._used.add(number)
        return self._texts[number]

    def play(self, host: Host, number: int = 0, *args: str, fails: bool = False, **options: t.Any) -> PlaybookRun:
        """Run a playbook, or the tasks of one, on the group; it must fail if fails is given, and only then."""
        read = yaml.safe_load(self.text(number))
        if "hosts" not in read[0]:
            read = [{"name": self.name, "hosts": GROUP, "become": True, "gather_facts": False, "tasks": read}]
        file = HOME / "snippet.yml"
        host.path(file).write_text(yaml.safe_dump(read, sort_keys=False), encoding="utf-8")
        done = host.playbook(file, *args, inventory=str(write_inventory(host)), **options)
        assert (done.rc != 0, done.failed != 0) == (fails, fails), f"{self.name}\n{done.stdout}{done.stderr}"
        return done

    def run(
        self, host: Host, number: int = 0, check: bool = True, cwd: Path = HOME, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Type commands into a shell on the host, which is its own control node; variables are added to its own."""
        home = environment(HOME)
        del home["ANSIBLE_CALLBACKS_ENABLED"]
        env = {**home, "ANSIBLE_INVENTORY": str(write_inventory(host)), **variables}
        env["PATH"] = f"{PROGRAMS}:{env['PATH']}"
        return host.run(["bash", "-euo", "pipefail", "-c", f"cd {cwd}\n{self.text(number)}"], env=env, check=check)


def install_command(host: Host) -> None:
    """Have macvlan-host where the commands of a snippet find it."""
    host.call("macvlan_command", path=str(HOME / "engine"), command=str(PROGRAMS / "macvlan-host"))


def write_inventory(host: Host) -> Path:
    """Unless a test has put one there itself."""
    file = HOME / "inventory.yml"
    if not host.path(file).exists():
        host.path(file).write_text(yaml.safe_dump(INVENTORY), encoding="utf-8")
    host.path(HOME / "ansible.cfg").touch()
    return file
