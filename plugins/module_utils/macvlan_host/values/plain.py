# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of the model as plain JSON types."""

from __future__ import annotations

import dataclasses
import typing as t

_SCALARS = frozenset((str, int, bool, float, type(None)))
_FIELD_NAMES: dict[type, tuple[str, ...]] = {}


def plain(thing: t.Any) -> t.Any:
    """Plain dicts, lists and scalars of a record, for JSON."""
    kind = type(thing)
    if kind in _SCALARS:
        return thing
    if kind in (list, tuple):
        return [plain(item) for item in thing]
    if kind is dict:
        return {key: plain(value) for key, value in thing.items()}
    return {
        name: value if type(value) in _SCALARS else plain(value)
        for name in _field_names(kind)
        for value in (getattr(thing, name),)
    }


def printable(text: str) -> str:
    """The text with escapes for what a terminal cannot print: the owner of a namespace can give its links any names, in any bytes."""
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)


def _field_names(kind: type) -> tuple[str, ...]:
    """A cache, because dataclasses.fields() computes it on every call."""
    if kind not in _FIELD_NAMES:
        _FIELD_NAMES[kind] = tuple(item.name for item in dataclasses.fields(kind))
    return _FIELD_NAMES[kind]
