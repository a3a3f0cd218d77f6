# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a run as JSON, for its row in the database."""

from __future__ import annotations

import json
import typing as t

from ..steps.record_diff import change_from_plain
from ..steps.stored import from_plain, to_plain
from ..values import validators
from .journal import Journal


def text_of(journal: Journal) -> str:
    """The body of the row."""
    # Step by step: all steps of a large host as plain dicts would take more memory than the rest of a run.
    steps = ", ".join(json.dumps(to_plain(step, with_restoring_steps=not journal.removal)) for step in journal.steps)
    to_confirm = journal.confirm_by is not None
    changes = json.dumps(journal.changes if journal.removal or to_confirm else ())
    body = f'{{"removal": {json.dumps(journal.removal)}, "steps": [{steps}], "changes": {changes}'
    if to_confirm:
        body += f', "confirm_by": {journal.confirm_by!r}, "connection": {json.dumps(journal.connection)}'
    body += "}"
    return body


def journal_from_plain(boot_id: str, doing: str, stored: t.Any) -> Journal:
    """The journal of a run from JSON types.

    :raises ValueError: it is not a journal
    """
    body = validators.fields("journal", {"boot_id": boot_id, "doing": doing, **stored}, _JOURNAL)
    readers: tuple[tuple[str, t.Callable[[t.Any], t.Any]], ...] = (("steps", from_plain), ("changes", change_from_plain))
    steps, changes = validators.each(
        lambda part: validators.each(part[1], validators.items(f"{part[0]} of a journal", body[part[0]])), readers
    )
    waiting = {key: body[key] for key in ("confirm_by", "connection", "applied") if key in body}
    return Journal(boot_id, doing, body["removal"], steps, changes, **waiting)


_JOURNAL: dict[str, validators.Check] = {
    "boot_id": validators.text,
    "doing": validators.text,
    "removal": validators.flag,
    "steps": validators.checked_separately,
    "changes": validators.checked_separately,
    "confirm_by": validators.moment,
    "connection": validators.optional(validators.text),
    "applied": validators.flag,
}
