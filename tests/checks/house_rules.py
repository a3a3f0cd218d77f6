# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what breaks the layering of this collection, and what was left for later; no linter knows these rules."""

from __future__ import annotations

import ast
import fnmatch
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ENGINE = "plugins/module_utils/macvlan_host/"
# One file each, so that a test can replace the kernel or the database in one place.
ONLY_IN = {"pyroute2": ENGINE + "netlink.py", "sqlite3": ENGINE + "state.py"}
# Check mode and the real run share one way through; that way is in one file.
ANSIBLE_SIDE = "plugins/module_utils/ansible.py"
ANSIBLE_WORDS = {"check_mode", "exit_json", "fail_json"}
# The same input gives the same plan: no file, clock, kernel or random number in these.
PURE_NAMES = (
    "changes.py", "checks.py", "draft.py", "frames.py", "guard.py", "host_view.py", "ipam.py", "leases.py", "mistakes.py",
    "migrations.py", "model.py", "names.py", "owners.py", "plan.py", "plan_*.py", "rebuild.py", "release.py", "spaces.py", "taken.py",
)
PURE = tuple(ENGINE + name for name in PURE_NAMES)
IMPURE = {"datetime", "os", "pathlib", "random", "secrets", "socket", "subprocess", "time", "uuid"}

IGNORE_FILES = ("tests/sanity/ignore-*.txt", "*.ansible-lint-ignore")
# The brackets keep the patterns from finding themselves.
LEFT_FOR_LATER = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b")
SILENCED = re.compile(r"#\s*(?:noq[a]|pylint: disabl[e])(?P<rest>.*)")
REASON = re.compile(r"[:=]\s*[\w-]+(?:\[[\w-]+\])?(?:,\s*[\w-]+)*\W+\w+ \w+")


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether the path is one of those that the patterns mean."""
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def imports(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Line, top-level package and "is relative" of every import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0], False
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, (node.module or "").partition(".")[0], node.level > 0


def words(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every name; of strings only those that are one word, as in getattr(): prose may say check_mode."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "asname", "value"):
            word = getattr(node, field, None)
            if isinstance(word, str):
                yield getattr(node, "lineno", 0), word.removeprefix("_ansible_")


def python_complaints(path: str, source: str) -> Iterator[tuple[int, str]]:
    """The rules for one Python file under plugins/."""
    tree = ast.parse(source, path)
    for line, package, relative in imports(tree):
        if relative:
            if not path.startswith(ENGINE):
                yield line, "relative imports belong in macvlan_host/ only"
            continue
        if ONLY_IN.get(package, path) != path:
            yield line, f"{package} is imported in {ONLY_IN[package]} only"
        if path.startswith(ENGINE) and package in ("ansible", "ansible_collections"):
            yield line, "macvlan_host/ runs without Ansible and imports nothing of it"
        if matches(path, PURE) and package in IMPURE:
            yield line, f"pure code does not import {package}"
    for line, word in words(tree):
        if word in ANSIBLE_WORDS and path != ANSIBLE_SIDE:
            yield line, f"{word} is used in {ANSIBLE_SIDE} only"


def text_complaints(source: str) -> Iterator[tuple[int, str]]:
    """The rules for every text file."""
    for number, line in enumerate(source.splitlines(), start=1):
        if LEFT_FOR_LATER.search(line):
            yield number, "nothing is left for later in the code"
        silenced = SILENCED.search(line)
        if silenced and not REASON.match(silenced["rest"]):
            yield number, "a silenced check names its code and, after it, the reason"


def complaints(root: Path, files: list[str]) -> list[str]:
    """All of them, as PATH:LINE: TEXT."""
    found = [f"{path}:1: ignore files hide what should be mended" for path in files if matches(path, IGNORE_FILES)]
    for path in files:
        try:
            source = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        broken = list(text_complaints(source))
        if path.startswith("plugins/") and path.endswith(".py"):
            broken += python_complaints(path, source)
        found += [f"{path}:{line}: {text}" for line, text in sorted(set(broken))]
    return found


def main() -> int:
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True, capture_output=True, text=True)
    root = Path.cwd()
    found = complaints(root, sorted(name for name in set(listed.stdout.split("\0")) if (root / name).is_file()))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
