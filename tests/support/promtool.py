# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus' own judge of metrics, of Debian's package, unpacked in a cache with its like, and never installed."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .unpacked import in_cache, make_root

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
    return in_cache("prometheus", ("prometheus", "prometheus-node-exporter", "dash"), finish, options=["--dpkgopt=path-exclude=/usr/share/*"])


def finish(folder: Path) -> None:
    """Have what promtool needs to run there."""
    make_root(folder, "lib", "lib64", "bin")
    (folder / "tmp").mkdir(exist_ok=True)
