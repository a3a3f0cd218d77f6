# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps as JSON types, for the journal."""

from __future__ import annotations

import dataclasses
import typing as t

from ..values import validators
from ..values.plain import plain
from .steps import Step


class _Form(t.NamedTuple):
    """How the fields of a kind of step are stored.

    :ivar reads: the readers of the fields whose value differs from the stored one
    :ivar holders: the fields that hold steps
    """

    checks: dict[str, validators.Check]
    reads: dict[str, t.Callable[[t.Any], t.Any]]
    holders: tuple[str, ...]


_FORMS: dict[type[Step], _Form] = {}


def _form(cls: type[Step]) -> _Form:
    """How a kind of step is stored, collected from its fields when it is first needed."""
    if cls not in _FORMS:
        how = {item.name: item.metadata for item in dataclasses.fields(t.cast(t.Any, cls))}
        holders = tuple(name for name, item in how.items() if item["steps"])
        reads = {name: item["read"] for name, item in how.items() if item["read"] is not None}
        reads.update(dict.fromkeys(holders, _restoring_steps))
        _FORMS[cls] = _Form({name: item["check"] for name, item in how.items()}, reads, holders)
    return _FORMS[cls]


def _restoring_steps(data: t.Any) -> tuple[Step, ...]:
    return validators.each(from_plain, validators.items("steps that restore a deleted link", data))


def to_plain(step: Step, with_restoring_steps: bool = True) -> dict[str, t.Any]:
    """A step as JSON types, for the journal.

    :param with_restoring_steps: with the steps that it holds, which create a deleted link again
    """
    cls = type(step)
    holders = _form(cls).holders
    if not holders:
        return {"step": cls.__name__, **plain(step)}
    without = dataclasses.replace(t.cast(t.Any, step), **dict.fromkeys(holders, ()))
    held = {name: [to_plain(item) for item in getattr(step, name)] if with_restoring_steps else [] for name in holders}
    return {"step": cls.__name__, **plain(without), **held}


def from_plain(data: dict[str, t.Any]) -> Step:
    """The step that :func:`to_plain` wrote.

    :raises UnknownError: it was written by a newer release
    :raises ValueError: no plan could have such a step
    """
    word = data.get("step") if isinstance(data, dict) else None
    if not validators.known("step", word, Step.classes):
        raise ValueError(f"there is an unknown step {word!a:.80}")
    cls = Step.classes[t.cast(str, word)]
    form = _form(cls)
    values = validators.fields(f"step {word}", {key: value for key, value in data.items() if key != "step"}, form.checks)
    step = cls(**{key: form.reads[key](value) if key in form.reads else value for key, value in values.items()})
    problem = step.problem()
    if problem is not None:
        raise ValueError(problem)
    return step
