# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install the command macvlan-host on a target: compare the files of the engine and the launcher, and write those that differ."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import stat
import sys
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host import command, release
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import FileError, OptionsError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import installation
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.published_file import replace_at_once
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.whole_engine import modules
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names, validators

_ORIGIN = command.__name__.rpartition(".")[0]

_MARK = "put here by the module fleetnet.macvlan.macvlan_command"
_HEAD = """\
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
_INIT = f'''\
{_HEAD}
"""The engine of the Ansible collection fleetnet.macvlan, {_MARK}."""
'''
# Isolated, so that neither the environment nor the folder of the launcher decides which code runs as root.
_LAUNCHER = f'''\
#!{{interpreter}} -I
{_HEAD}
"""The command macvlan-host, {_MARK}."""

import sys

sys.path.append({{folder!r}})

from {{package}}.command import main

sys.exit(main(["--state-dir", {{state_dir!r}}, *sys.argv[1:]]))
'''

Files = dict[str, str]


@dataclass(frozen=True)
class InstallTarget:
    """Where it goes.

    :ivar package: the folder of the engine
    :ivar launcher: the file of the command
    :ivar others: the files of the program that starts it
    """

    package: str
    launcher: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class Installed:
    """The result of an installation, or in check mode the prediction of it.

    :ivar files: the files afterwards
    :ivar steps: a sentence for each file that differs
    :ivar diff: these files before and after, as Ansible shows them
    :ivar warnings: messages for the user
    """

    files: tuple[str, ...]
    steps: tuple[str, ...]
    diff: tuple[dict[str, str], ...]
    warnings: tuple[str, ...] = ()


def install(params: t.Mapping[str, t.Any], dry_run: bool) -> Installed:
    """Install or remove the command by the options of macvlan_command, or, with ``dry_run``, predict the result.

    :raises OptionsError: it cannot be installed at the requested path
    :raises FileError: a file cannot be read or written
    """
    try:
        return _install(params, dry_run)
    except OSError as exc:
        raise FileError(f"cannot install the command: {exc.strerror} ({exc.filename})") from exc


def _install(params: t.Mapping[str, t.Any], dry_run: bool) -> Installed:
    _check_texts(params)
    others = {item["path"]: item["content"] for item in params.get("files") or ()}
    target = install_target(params["path"], params["command"], tuple(others))
    before, after = installed_files(target), Files()
    if params["state"] == "present":
        after = {**wanted_files(target, params["interpreter"] or sys.executable, params["state_dir"]), **others}
    paths = differing(target, before, after)
    warnings = tuple(_replaces_newer(target)) if params["state"] == "present" else ()
    if not dry_run:
        put(target, paths, after)
    return Installed(
        files=tuple(sorted(after)),
        steps=tuple(f"{'write' if path in after else 'remove'} {path}" for path in paths),
        diff=tuple(
            {"before_header": path, "before": before.get(path, ""), "after_header": path, "after": after.get(path, "")}
            for path in paths
        ),
        warnings=warnings,
    )


def _replaces_newer(target: InstallTarget) -> t.Iterator[str]:
    """Warn if an older engine replaces a newer one."""
    newer = installation.newer_engine(target.package)
    if newer is not None:
        yield (
            f"the command macvlan-host on {platform.node()} is of release {newer}, and this task replaces it with the one of "
            f"the older release {release.VERSION}, which may not be able to read the record of the newer one; install release {newer} "
            f"of the collection fleetnet.macvlan on the control node, and run the task again"
        )


def _check_texts(params: t.Mapping[str, t.Any]) -> None:
    """Refuse texts that cannot be written, or would be read as something else.

    :raises OptionsError: naming the options
    """
    problems = [
        f"files: the content of {item['path']} cannot be written as UTF-8 text"
        for item in params.get("files") or ()
        if not names.is_encodable(item["content"])
    ]
    if not validators.path(params["state_dir"]):
        problems.append(f"state_dir: {params['state_dir']!a} is not an absolute path")
    interpreter = params["interpreter"]
    if interpreter is not None and (not validators.path(interpreter) or any(char.isspace() for char in interpreter)):
        problems.append(f"interpreter: {interpreter} must be an absolute path without white space")
    if problems:
        raise OptionsError(problems)


def install_target(path: str, launcher: str, others: tuple[str, ...] = ()) -> InstallTarget:
    """Where it goes.

    :raises OptionsError: it cannot be installed there
    """
    problems = [
        f"{option}: {value} is not an absolute path"
        for option, value in (("path", path), ("command", launcher), *(("files", other) for other in others))
        if not validators.path(value)
    ]
    if problems:
        raise OptionsError(problems)
    target = InstallTarget(os.path.normpath(path), os.path.normpath(launcher), others)
    if not os.path.basename(target.package).isidentifier():
        problems.append(f"path: {path} does not end with a name that Python can import, such as macvlan_host")
    problems += _strangers(target)
    if problems:
        raise OptionsError(problems)
    return target


def _strangers(target: InstallTarget) -> t.Iterator[str]:
    """Yield a problem for each foreign file that must be neither overwritten nor removed."""
    try:
        holds = os.listdir(target.package)
    except FileNotFoundError:
        holds = []
    except NotADirectoryError:
        yield f"path: {target.package} is a file"
        return
    if holds and not _has_mark(os.path.join(target.package, "__init__.py")):
        yield f"path: {target.package} holds files that the collection did not install; name a folder for the engine alone"
    if os.path.lexists(target.launcher) and not _has_mark(target.launcher):
        yield f"command: {target.launcher} exists, and the collection did not install it; name another file, or remove it"
    for other in target.others:
        if os.path.exists(other) and not os.path.isfile(other):
            yield f"files: {other} is not a regular file"


def _has_mark(path: str) -> bool:
    with contextlib.suppress(OSError):
        # Reading from another kind of file, such as a FIFO, may never end.
        return os.path.isfile(path) and _MARK in _read(path)
    return False


def wanted_files(target: InstallTarget, interpreter: str, state_dir: str) -> Files:
    """Path → wanted content: the engine that this module itself runs with, and the launcher."""
    files = {os.path.join(target.package, path): _source(name) for name, path in engine_modules().items()}
    files[os.path.join(target.package, "__init__.py")] = _INIT
    folder, package = os.path.split(target.package)
    files[target.launcher] = _LAUNCHER.format(
        interpreter=interpreter, folder=folder, package=package, state_dir=state_dir
    )
    return files


def engine_modules() -> dict[str, str]:
    """Module → its file, relative to the engine's folder: all modules of the package; the command needs every one."""
    return {
        item.name: item.name[len(_ORIGIN) + 1 :].replace(".", "/") + ("/__init__.py" if item.ispkg else ".py")
        for item in modules()
    }


def _spec(name: str) -> t.Any:
    return t.cast(t.Any, importlib.util.find_spec(name))


def _source(name: str) -> str:
    """The text of a file of the engine, from a folder or out of the archive that modules run from."""
    return t.cast(str, _spec(name).loader.get_source(name))


def installed_files(target: InstallTarget) -> Files:
    """Path → content of the existing files, without compiled ones."""
    there = [os.path.join(folder, name) for folder, dummy, files in os.walk(target.package) for name in files]
    paths = (*sorted(path for path in there if path.endswith(".py")), target.launcher, *target.others)
    return {path: _read(path) for path in paths if os.path.lexists(path)}


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def differing(target: InstallTarget, before: Files, after: Files) -> tuple[str, ...]:
    """Paths to change, ordered so that nothing ever starts a half-written engine."""

    def rank(path: str) -> int:
        if path in target.others or path == target.launcher:
            return 4 if path in target.others else 3
        # The command imports all other files, so it is written after them; files that it no longer imports are removed last.
        if after and path not in after:
            return 5
        folder, name = os.path.split(path)
        return (2 if name == "command.py" else 1) if folder == target.package else 0

    paths = [path for path in sorted({**before, **after}) if not _is_right(target, path, before.get(path), after.get(path))]
    return tuple(sorted(paths, key=rank, reverse=not after))


def _is_right(target: InstallTarget, path: str, before: str | None, after: str | None) -> bool:
    if before is None or before != after:
        return before == after
    status = os.lstat(path)
    return stat.S_IMODE(status.st_mode) == _mode(target, path) and status.st_uid == os.geteuid()


def _mode(target: InstallTarget, path: str) -> int:
    return 0o755 if path == target.launcher else 0o644


def put(target: InstallTarget, paths: t.Sequence[str], after: Files) -> None:
    """Write files, each one atomically, and remove the others."""
    for path in paths:
        if path in after:
            _make_folder(os.path.dirname(path))
            replace_at_once(path, after[path], _mode(target, path))
        else:
            os.unlink(path)
    if any(path not in after for path in paths):
        _clear_folders(target.package, {os.path.dirname(path) for path in after})


def _clear_folders(package: str, kept: t.Container[str]) -> None:
    """Remove the folders of compiled files that an engine of another release, or a removed one, has left."""
    for folder, dummy, files in os.walk(package, topdown=False):
        if folder in kept or os.path.basename(folder) == "__pycache__" or any(name.endswith(".py") for name in files):
            continue
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(os.path.join(folder, "__pycache__"))
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _make_folder(path: str) -> None:
    """Create folders that only their owner can write to, at every level."""
    umask = os.umask(0o022)
    try:
        os.makedirs(path, exist_ok=True)
    finally:
        os.umask(umask)
