# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's packages, unpacked in a cache and never installed."""

from __future__ import annotations

import hashlib
import inspect
import shlex
import sys
import typing as t
from pathlib import Path

from ansible_collections.fleetnet.macvlan.tests.vm.images import apt_settings, built_beside, default_cache, find_program, locked, mirror_lines, run_logged

# As in the guests, whose images have the same packages installed, because guests reach no archive.
SUITE = "bookworm"


def is_finished(dummy: Path) -> None:
    """What is unpacked is all that is needed."""


def in_cache(
    name: str, packages: t.Sequence[str], finish: t.Callable[[Path], None] = is_finished, options: t.Sequence[str] = (), suite: str = SUITE
) -> Path:
    """The folder with packages and all that they depend on, unpacked by whoever needs it first; whoever comes second waits.

    :param finish: does the rest in it
    :param options: of mmdebstrap
    :param suite: whose programs run with the libraries of this machine, if they are not unpacked beside them
    """
    cache = default_cache().with_name("programs")
    cache.mkdir(parents=True, exist_ok=True)
    source = inspect.getsource(sys.modules[__name__]) + inspect.getsource(finish) + shlex.join((*packages, *options))
    final = cache / f"{suite}-{name}-{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    with locked(final.with_name(final.name + ".lock")):
        if not final.is_dir():
            with built_beside(final) as partial:
                run_logged(_command(partial / "tree", packages, options, suite), partial / "build.log")
                finish(partial / "tree")
    return final / "tree"


def _command(tree: Path, packages: t.Sequence[str], options: t.Sequence[str], suite: str) -> list[str]:
    """The command that unpacks packages, and runs nothing of them."""
    command = [find_program("mmdebstrap"), "--mode=root", "--format=directory", "--variant=extract", f"--include={','.join(packages)}", *options]
    return [*command, '--aptopt=Acquire::Retries "5"', *apt_settings(), suite, str(tree), *mirror_lines((suite,))]


def make_root(tree: Path, *folders: str) -> None:
    """Make folders of /usr known where programs look for them, and have a shell, as the packages do when they are installed."""
    for name in folders:
        if not (tree / name).exists():
            (tree / name).symlink_to(f"usr/{name}")
    shell = tree / "bin/sh"
    if not shell.exists():
        shell.symlink_to("dash")
