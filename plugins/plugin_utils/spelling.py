# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds misspelt names and suggests the right ones."""

from __future__ import annotations

import difflib
import typing as t


def unknown_variables(names: t.Iterable[str], known: t.Iterable[str], role: str) -> list[str]:
    """A sentence for each name that is not known, with the one that is nearest to it, where one is near."""
    right = sorted(known)
    return [f"{name}: {role} has no variable of this name; {_advice(name, right, role)}" for name in sorted(set(names) - set(right))]


def _advice(name: str, right: list[str], role: str) -> str:
    near = difflib.get_close_matches(name, right, n=1, cutoff=0.85)
    return f"did you mean {near[0]}?" if near else f"ansible-doc -t role {role} lists its variables"
