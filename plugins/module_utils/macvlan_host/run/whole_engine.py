# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules of the engine that are here, all at once."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import typing as t


def modules() -> t.Iterator[pkgutil.ModuleInfo]:
    """All modules of the engine, from a folder or out of the archive that modules of Ansible run from."""
    engine = sys.modules[__name__.rpartition(".run.")[0]]
    return pkgutil.walk_packages(engine.__path__, f"{engine.__name__}.")


def import_engine() -> None:
    """Import all files of the engine that are here.

    A run imports what it needs when it needs it. A process that waits for others cannot: Ansible deletes the files of a module
    when the module ends, and a task of macvlan_command replaces the files of the command. A run that waits for the lock does
    not call this: it waits for a minute at most.
    """
    for module in modules():
        importlib.import_module(module.name)
