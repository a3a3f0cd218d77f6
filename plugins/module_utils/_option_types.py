# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find options of a wrong type; their messages are in _option_messages.py, which is imported only when there are such options."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common import validation

Spec = t.Mapping[str, t.Mapping[str, t.Any]]
Params = t.Mapping[str, t.Any]

_CONVERTERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "bool": validation.check_type_bool,
    "dict": validation.check_type_dict,
    "int": validation.check_type_int,
    "list": validation.check_type_list,
}


def read_types(spec: Spec, params: Params, location: str = "") -> tuple[dict[str, t.Any], list[str]]:
    """Return the parameters with a harmless value in place of each value of a wrong type, and a sentence for each of these.

    Where the conversion of Ansible does not fail but makes nonsense, such as text of a list or a number of a boolean,
    the type is wrong as well.
    """
    read: dict[str, t.Any] = dict(params)
    problems: list[str] = []
    for option, about in spec.items():
        value = params.get(option)
        if option not in params or value is None and not about.get("required") and about.get("default") is None:
            continue
        read[option], value_problems = _read_value(about, value, option, f"{location}{option}")
        problems += value_problems
    return read, problems


def _read_value(about: t.Mapping[str, t.Any], value: t.Any, option: str, location: str) -> tuple[t.Any, list[str]]:
    """Read an option or a part of it; return its value and its problems."""
    kind = about.get("type", "str")
    if kind == "raw":
        return value, []
    try:
        converted = _converted(kind, value)
    except (ArithmeticError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        return _harmless(about), [_wrong_type(about, value, option, location)]
    if kind == "list":
        return _read_items(about, converted, value, option, location)
    if kind == "dict":
        return _read_entries(about, converted, option, location)
    return value, []


def _converted(kind: str, value: t.Any) -> t.Any:
    """The value as its type.

    :raises TypeError: it is of another (or another error of Ansible's checks)
    """
    strangers = [type_ for name, type_ in (("bool", bool), ("list", list), ("dict", dict)) if name != kind]
    if value is None or isinstance(value, tuple(strangers)):
        raise TypeError
    return _CONVERTERS[kind](value) if kind in _CONVERTERS else value


def _read_items(
    about: t.Mapping[str, t.Any], items: list[t.Any], given: t.Any, option: str, location: str
) -> tuple[list[t.Any], list[str]]:
    item_about = {"type": about.get("elements", "str"), "options": about.get("options"), "required": True}
    read = [_read_value(item_about, item, option, f"{location}[{position}]") for position, item in enumerate(items)]
    problems = [problem for dummy, value_problems in read for problem in value_problems]
    if problems and not isinstance(given, list):
        # Text that was cut at its commas: what was written is the whole of it.
        return [], [_wrong_type(about, given, option, location)]
    return [item for item, dummy in read], problems


def _read_entries(
    about: t.Mapping[str, t.Any], entries: dict[t.Any, t.Any], option: str, location: str
) -> tuple[dict[t.Any, t.Any], list[str]]:
    if about.get("options") is not None:
        return read_types(about["options"], entries, f"{location}.")
    # Items whose options another validation reads have the location of an item, and values of any type.
    if location.endswith("]"):
        return entries, []
    wrong = {key: value for key, value in entries.items() if isinstance(value, (list, dict))}
    problems = [_wrong_entry(key, value, option, location) for key, value in wrong.items()]
    return {key: value for key, value in entries.items() if key not in wrong}, problems


def _wrong_type(about: t.Mapping[str, t.Any], value: t.Any, option: str, location: str) -> str:
    from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_messages import of_wrong_type

    return of_wrong_type(about, value, option, location)


def _wrong_entry(key: t.Any, value: t.Any, option: str, location: str) -> str:
    from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_messages import of_wrong_entry

    return of_wrong_entry(key, value, option, location)


def _harmless(about: t.Mapping[str, t.Any]) -> t.Any:
    """A value that passes Ansible's validation, so that it reports the other problems."""
    if about.get("choices"):
        return about["choices"][0]
    options = about.get("options") or {}
    needed = {option: _harmless(sub) for option, sub in options.items() if sub.get("required")}
    return {"bool": False, "dict": needed, "int": 1, "list": []}.get(about.get("type", "str"), "x")
