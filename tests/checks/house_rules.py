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
# One place each, so that a test can replace the kernel or the database there.
FLEET = "plugins/module_utils/fleet/"
ONLY_IN = {
    "pyroute2": (ENGINE + "kernel/pyroute.py",),
    "sqlite3": (ENGINE + "store/*.py", FLEET + "ledger.py"),
    "etcd3gw": (FLEET + "etcd_client.py",),
}
# Check mode and the real run share one way through; that way is in one file. What runs on the control node is no module.
ANSIBLE_SIDE = "plugins/module_utils/_runner.py"
CONTROL_NODE = "plugins/action/*.py"
ANSIBLE_WORDS = {"check_mode", "exit_json", "fail_json"}
# Folder of the engine → the folders that its files see, or single files of one, beside errors.py and release.py; arrows go
# down only. What a link of a kind can do is asked by all who plan, and how a message is packed by none of them.
_NOUNS = {"values", "model"}
SEES: dict[str, set[str]] = {
    "values": set(),
    "model": {"values"},
    "ipam": _NOUNS,
    "wire": _NOUNS,
    "request": {*_NOUNS, "ipam", "wire.kinds"},
    "steps": {*_NOUNS, "ipam", "wire.kinds", "compare.ownership"},
    "compare": {*_NOUNS, "ipam", "wire.kinds"},
    "plan": {*_NOUNS, "ipam", "wire.kinds", "request", "steps", "compare"},
    "result": {*_NOUNS, "ipam", "wire.kinds", "request", "steps", "compare"},
    "store": {*_NOUNS, "ipam.mac", "steps"},
    "kernel": {*_NOUNS, "wire", "steps", "compare.ownership"},
    "run": {*_NOUNS, "ipam", "wire", "request", "steps", "compare", "plan", "result", "store", "kernel"},
}
# Floors that the folders stand on one another.
HIGHEST = 10
# Seen by all, and seeing nothing.
LEAVES = {"errors", "release"}
TOP = {*LEAVES, "command", "__init__"}
# The same input gives the same plan: no file, clock, kernel or random number in these, nor in what they see.
PURE_FOLDERS = ("values", "model", "ipam", "wire", "request", "steps", "compare", "plan", "result")
# The stores of a fleet are no pure code; what is planned for it is.
FLEET_STORES = (f"{FLEET}ledger.py", f"{FLEET}etcd.py", f"{FLEET}etcd_client.py", f"{FLEET}etcd_options.py")
PURE = (*(f"{ENGINE}{folder}/*.py" for folder in PURE_FOLDERS), *(f"{ENGINE}{leaf}.py" for leaf in sorted(LEAVES)), f"{FLEET}*.py")
# The number of a host's slices is called its place, by users too.
PLACES = (f"{FLEET}*.py", "plugins/filter/fleet_*.py")
PLACE = re.compile(r"the word places? can")
# Lines that a function, a class and a file of pure code have at most: what is longer does more than one thing.
LONGEST_FUNCTION, LONGEST_CLASS, LONGEST_FILE = 50, 200, 400
# What only names numbers of the kernel's interface, or converts addresses (inet_pton), opens nothing.
NUMBERS = {"socket": (ENGINE + "values/inet.py", ENGINE + "wire/*.py")}
IMPURE = {
    "ctypes", "datetime", "fcntl", "os", "pathlib", "pyroute2", "random", "secrets", "select", "shutil", "signal", "socket",
    "sqlite3", "subprocess", "time", "uuid",
}

# The one file that may compare the name of a kind of link, and the names of the kinds that it declares, with their constants.
KINDS_FILE = ENGINE + "wire/kinds.py"
KINDS = {
    "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec", "rmnet", "vlan", "dummy", "vrf", "batadv", "bridge", "bond", "team",
    "openvswitch",
}

# Everyday words that can mean anything: a name in plugins/ says what it is instead (route, netns, position, created …).
VAGUE = {"found", "made", "place", "places", "way", "ways"}
# A check has one meaning: it refuses what is wrong. Functions are named so, and validators, whose type is Check.
CHECK = {"check", "checks"}

IGNORE_FILES = ("tests/sanity/ignore-*.txt", "*.ansible-lint-ignore")
# The brackets keep the patterns from finding themselves.
LEFT_FOR_LATER = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b")
SILENCED = re.compile(r"#\s*(?:noq[a]|pylint: disabl[e])(?P<rest>.*)")
REASON = re.compile(r"[:=]\s*[\w-]+(?:\[[\w-]+\])?(?:,\s*[\w-]+)*\W+\w+ \w+")


def is_pure(path: str) -> bool:
    """Whether a file decides, and opens nothing."""
    return matches(path, PURE) and not matches(path, FLEET_STORES)


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


def calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of what is called by its bare name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.lineno, node.func.id


def arrows(path: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """What a file of the engine sees and is not to see; what is only for annotations counts as well."""
    if not path.startswith(ENGINE):
        return
    folder, dummy, name = path.removeprefix(ENGINE).rpartition("/")
    if folder and folder not in SEES or not folder and name.removesuffix(".py") not in TOP:
        yield 1, f"there is no rule for {folder or name}: SEES has the folders of the engine, TOP the files beside them"
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node.level != (2 if folder else 1):
            continue
        # from .. import errors, from ..model import netns, and from ..model.netns import Netns
        seen = {f"{node.module}.{alias.name}" if node.module else alias.name for alias in node.names}
        allowed = {*LEAVES, *SEES[folder]} if folder else TOP if name.removesuffix(".py") in LEAVES else {*TOP, *SEES}
        hidden = {other for other in seen if not any(f"{other}.".startswith(f"{item}.") for item in allowed)}
        for other in sorted({other.partition(".")[0] for other in hidden}):
            yield node.lineno, f"{folder or name} does not see {other}" + _but_for(other, allowed)


def _but_for(folder: str, allowed: set[str]) -> str:
    """The files of a folder that are seen, where the others are not, as the end of a message."""
    files = sorted(item.partition(".")[2] for item in allowed if item.startswith(f"{folder}."))
    return f", but for {', '.join(files)}" if files else ""


def kind_comparisons(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where the name of a kind of link, or a kind itself, is compared, or stands in a list of nothing but kinds."""
    text = "ask the kind (wire/kinds.py, kind_of) for what it can do; its name is compared nowhere"
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(_is_kind_constant(side) for side in sides):
                yield node.lineno, text
            if any(_ends_in_kind(side) for side in sides) and any(names_of(side) & KINDS for side in sides):
                yield node.lineno, text
        elif isinstance(node, ast.MatchValue) and names_of(node.value) & KINDS:
            yield node.lineno, text
        elif isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict)):
            found = names_of(node)
            if found & KINDS and found <= {*KINDS, ""}:
                yield node.lineno, text


def names_of(node: ast.AST | None) -> set[str]:
    """The texts that an expression is, or holds: a text, or a tuple, list, set or dict with texts and nothing else as elements or keys."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
    found = [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return set(found) if len(found) == len(items) else set()


def _is_kind_constant(node: ast.AST) -> bool:
    """MACVLAN, and MACVLAN.name."""
    inner = node.value if isinstance(node, ast.Attribute) else node
    return getattr(inner, "id", getattr(inner, "attr", "")) in {name.upper() for name in KINDS}


def _ends_in_kind(node: ast.AST) -> bool:
    return str(getattr(node, "attr", getattr(node, "id", ""))).endswith("kind")


def words(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every name; of strings only those that are one word, as in getattr(): prose may say check_mode."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "asname", "value"):
            word = getattr(node, field, None)
            if isinstance(word, str):
                yield getattr(node, "lineno", 0), word.removeprefix("_ansible_")


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str, ast.AST, ast.AST | None]]:
    """Line, name, node and annotation of everything that gets a name: variables, attributes, parameters, functions, classes, imports."""
    annotations = {id(node.target): node.annotation for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr, node, annotations.get(id(node))
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg, node, node.annotation
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name, node, None
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname, node, None
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.lineno, node.name, node, None


def words_of(name: str) -> list[str]:
    """The words of a name in snake case or camel case, in lower case."""
    return [word.lower() for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", name)]


def vague_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Names with a word that can mean anything, and names with the word check for what checks nothing."""
    for line, name, node, annotation in bound_names(tree):
        parts = words_of(name)
        vague = sorted(VAGUE.intersection(parts))
        if vague:
            yield line, f"{name}: the word {vague[0]} can mean anything; use a name that says what it is"
        if CHECK.isdisjoint(parts) or name == "Check":
            continue
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and parts[0] == "check"
        if not is_function and (annotation is None or "Check" not in ast.unparse(annotation)):
            yield line, f"{name}: a check is a function check_… that refuses what is wrong, or a validator (Check); use another name"


def one_liners(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Functions whose body stands beside their name: the older releases of ansible-test refuse them (E704), ruff has no such rule."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.lineno == node.body[0].lineno:
            yield node.lineno, f"the body of {node.name} stands on lines of its own"


def sizes(tree: ast.AST, source: str) -> Iterator[tuple[int, str]]:
    """What is longer than one can take in."""
    lines = len(source.splitlines())
    if lines > LONGEST_FILE:
        yield 1, f"the file has {lines} lines, and may have {LONGEST_FILE}"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            longest = LONGEST_CLASS if isinstance(node, ast.ClassDef) else LONGEST_FUNCTION
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > longest:
                yield node.lineno, f"{node.name} has {lines} lines, and may have {longest}"


def python_complaints(path: str, source: str) -> Iterator[tuple[int, str]]:
    """The rules for one Python file under plugins/."""
    tree = ast.parse(source, path)
    for line, package, relative in imports(tree):
        if relative:
            if not path.startswith(ENGINE):
                yield line, "relative imports belong in macvlan_host/ only"
            continue
        if package in ONLY_IN and not matches(path, ONLY_IN[package]):
            yield line, f"{package} is imported in {' and '.join(ONLY_IN[package])} only"
        if path.startswith(ENGINE) and package in ("ansible", "ansible_collections"):
            yield line, "macvlan_host/ runs without Ansible and imports nothing of it"
        if path.startswith(FLEET) and package == "ansible":
            yield line, "fleet/ imports nothing of Ansible"
        if is_pure(path) and package in IMPURE and not matches(path, NUMBERS.get(package, ())):
            yield line, f"pure code does not import {package}"
    if is_pure(path):
        yield from ((line, "pure code opens nothing") for line, name in calls(tree) if name == "open")
        yield from sizes(tree, source)
    yield from arrows(path, tree)
    yield from (found for found in vague_names(tree) if not (matches(path, PLACES) and PLACE.search(found[1])))
    if path.startswith(ENGINE) and path != KINDS_FILE:
        yield from kind_comparisons(tree)
    for line, word in words(tree):
        if word in ANSIBLE_WORDS and path != ANSIBLE_SIDE and not fnmatch.fnmatch(path, CONTROL_NODE):
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
        if path.endswith(".py"):
            broken += one_liners(ast.parse(source, path))
        if path.startswith("plugins/") and path.endswith(".py"):
            broken += python_complaints(path, source)
        found += [f"{path}:{line}: {text}" for line, text in sorted(set(broken))]
    return [*found, *circles(engine_imports(root, files))]


def floors(sees: dict[str, set[str]]) -> int:
    """The number of folders of which each sees the next, at most; they see one another in no circle."""

    def floor(folder: str) -> int:
        below = {other.partition(".")[0] for other in sees[folder]}
        return 1 + max(map(floor, below), default=0)

    return max(map(floor, sees))


def engine_imports(root: Path, files: list[str]) -> dict[str, set[str]]:
    """File of the engine → the files of the engine that are imported anywhere in it, but for its annotations alone."""
    there = {path for path in files if path.startswith(ENGINE) and path.endswith(".py")}
    imported: dict[str, set[str]] = {path: set() for path in there}
    for path in there:
        for node in _running(ast.parse((root / path).read_text(encoding="utf-8"), path)):
            if isinstance(node, ast.ImportFrom) and node.level:
                folder = path.rsplit("/", node.level)[0]
                module = "/".join([folder, *(node.module or "").split(".")]).rstrip("/")
                wanted = {f"{module}.py", *(f"{module}/{alias.name}.py" for alias in node.names)}
                imported[path] |= wanted & there
    return imported


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of what may run, without what is there for a type checker."""
    if not (isinstance(tree, ast.If) and "TYPE_CHECKING" in ast.unparse(tree.test)):
        yield tree
        for child in ast.iter_child_nodes(tree):
            yield from _running(child)


def circles(imported: dict[str, set[str]]) -> Iterator[str]:
    """The files that import themselves by way of others; imports within functions count, which hide it."""
    for path in imported:
        reached: set[str] = set()
        waiting = list(imported[path])
        while waiting:
            other = waiting.pop()
            if other not in reached:
                reached.add(other)
                waiting += imported[other]
        if path in reached:
            yield f"{path}:1: imports itself by way of others"


def main() -> int:
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True, capture_output=True, text=True)
    root = Path.cwd()
    found = complaints(root, sorted(name for name in set(listed.stdout.split("\0")) if (root / name).is_file()))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
