# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the kernel's state that is needed beside a plan if an interrupted run must be undone or finished first."""

from __future__ import annotations

import typing as t

from ..model.kernel import Needs
from ..values import names
from .steps import SetLink, Step


def needs_before_undoing(needs: Needs, interrupted: t.Iterable[Step]) -> Needs:
    """The needs of a plan, with those of a simulation that undoes or finishes an interrupted run first.

    A link that they rename may have either name at the moment, and its settings have it too.
    """
    renames = [(step.ifname, step.new) for step in interrupted if isinstance(step, SetLink) and step.attribute == "name"]
    spaces = {netns: set(keys) for netns, keys in needs.spaces.items()}
    # Back and forth, because one may be renamed more than once.
    for old, new in (*renames, *reversed(renames)):
        for keys in spaces.values():
            keys |= {names.renamed_sysctl_key(key, *pair) for key in keys for pair in ((old, new), (new, old))}
    return needs._replace(spaces={netns: frozenset(keys) for netns, keys in spaces.items()})
