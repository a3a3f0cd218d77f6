# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus' own judge of metrics, of Debian's package, unpacked in a cache and never installed."""

from __future__ import annotations

import functools
import hashlib
import inspect
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.fleetnet.macvlan.tests.vm.images import apt_settings, built_beside, default_cache, find_program, locked, mirror_lines, run_logged

SUITE = "bookworm"
PROGRAM = "usr/bin/promtool"


def complaints(metrics: str) -> str:
    """What promtool says of metrics: nothing if all is well."""
    done = judged(("check", "metrics"), metrics)
    return f"{done.stdout}{done.stderr}" or (f"exit code {done.returncode}" if done.returncode else "")


def judged(arguments: Sequence[str], text: str = "", files: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run promtool in a folder with files."""
    with tempfile.TemporaryDirectory(dir=tree() / "tmp") as folder:
        for name, content in (files or {}).items():
            (Path(folder) / name).write_text(content, encoding="utf-8")
        inside = f"/{Path(folder).relative_to(tree())}"
        command = ["chroot", str(tree()), "/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", inside, f"/{PROGRAM}", *arguments]
        return subprocess.run(command, input=text, check=False, capture_output=True, text=True)


@functools.cache
def tree() -> Path:
    """The folder that promtool has as its root: the cache, or the machine's own where that has the program and cannot fetch it."""
    if shutil.which("mmdebstrap") is None and Path("/", PROGRAM).exists():
        return Path("/")
    cache = default_cache().with_name("programs")
    cache.mkdir(parents=True, exist_ok=True)
    final = cache / f"{SUITE}-promtool-{hashlib.sha256(inspect.getsource(fill).encode()).hexdigest()[:16]}"
    with locked(final.with_name(final.name + ".lock")):
        if not final.is_dir():
            with built_beside(final) as partial:
                fill(partial)
    return final / "tree"


def fill(folder: Path) -> None:
    """Unpack the program with what it is linked with; the rest of its package is not kept."""
    command = [find_program("mmdebstrap"), "--mode=root", "--format=directory", "--variant=extract", "--include=prometheus,dash"]
    command += ["--dpkgopt=path-exclude=/usr/share/*", '--aptopt=Acquire::Retries "5"', *apt_settings(), SUITE, str(folder / "tree")]
    run_logged([*command, *mirror_lines((SUITE,))], folder / "build.log")
    for name in ("lib", "lib64", "bin"):
        if not (folder / "tree" / name).exists():
            (folder / "tree" / name).symlink_to(f"usr/{name}")
    # What the package dash does when it is installed.
    shell = folder / "tree/bin/sh"
    if not shell.exists():
        shell.symlink_to("dash")
    (folder / "tree/tmp").mkdir(exist_ok=True)
