# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validators for stored values: nothing read from the state database is used unchecked.

A validator takes a value and returns whether it is right. Each class has a table of validators for its fields,
which :func:`fields` applies.
"""

from __future__ import annotations

import re
import typing as t

from . import inet, names

Check = t.Callable[[t.Any], bool]
Read = t.TypeVar("Read")

MAX_UINT32 = 2**32 - 1
MAX_PID = 2**22

_ID = re.compile(r"[0-9a-f]{32}\Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2})*\Z")
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,9})\Z")
_SYSCTL_KEY = re.compile(r"net(?:\.[A-Za-z0-9_-]+)+\Z")
# The possible names of fields, values, steps and tables of any release.
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z")


class UnknownError(ValueError):
    """A word that this release does not know, and that a newer one may have written."""


def fields(title: str, data: t.Any, table: t.Mapping[str, Check]) -> dict[str, t.Any]:
    """Validate the values of a stored object, and return them.

    :param title: the kind of the object
    :raises UnknownError: it contains a word that this release does not know, no matter what else is wrong
    :raises ValueError: it is not an object, or one of its values is wrong
    """
    if not isinstance(data, dict):
        raise ValueError(f"a {title} is not an object")
    if not data.keys() <= table.keys():
        for key in data.keys() - table.keys():
            if _WORD.match(key):
                raise UnknownError(f"there is a {title} with {key!a} {data[key]!a:.80}")
    wrong = None
    for key, value in data.items():
        try:
            is_right = key in table and table[key](value)
        except UnknownError as exc:
            raise UnknownError(f"there is a {title} with {key!a} {value!a:.80}") from exc
        if not is_right and wrong is None:
            wrong = f"there is a {title} with {key!a:.80} {value!a:.80}"
    if wrong is not None:
        raise ValueError(wrong)
    return data


def each(read: t.Callable[[t.Any], Read], stored: t.Iterable[t.Any]) -> tuple[Read, ...]:
    """Read all items; values of a newer release are reported before any other problem.

    :raises UnknownError: an item contains a word that this release does not know
    :raises Exception: the first error of the reader
    """
    values: list[Read] = []
    wrong: Exception | None = None
    for item in stored:
        try:
            values.append(read(item))
        except UnknownError:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever a reader may raise is raised again below
            wrong = wrong or exc
    if wrong is not None:
        raise wrong
    return tuple(values)


def known(title: str, word: t.Any, words: t.Container[str]) -> bool:
    """Whether this release knows a word; False if the value is not a word.

    :raises UnknownError: it is a word that this release does not know
    """
    if not isinstance(word, str):
        return False
    if word not in words and _WORD.match(word):
        raise UnknownError(f"there is a {title} {word!a}")
    return word in words


def items(title: str, data: t.Any) -> list[t.Any]:
    """A list as it was stored.

    :raises ValueError: it is none
    """
    if not isinstance(data, list):
        raise ValueError(f"the {title} are not a list")
    return data


# --- values ---------------------------------------------------------------------------------------------------------


def checked_separately(dummy: t.Any) -> bool:
    """For a value with its own table of validators."""
    return True


def text(value: t.Any) -> bool:
    return isinstance(value, str)


def flag(value: t.Any) -> bool:
    return isinstance(value, bool)


def number(lowest: int, highest: int) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def moment(value: t.Any) -> bool:
    """Seconds of a clock."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= MAX_UINT32


def one_of(*values: t.Any) -> Check:
    """One of these words; a newer release may have others."""
    return lambda value: known("value", value, values)


def exactly(wanted: str) -> Check:
    return lambda value: isinstance(value, str) and value == wanted


def optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


def mapping(of_keys: Check, of_values: Check) -> Check:
    def check(value: t.Any) -> bool:
        return isinstance(value, dict) and all(of_keys(key) and of_values(item) for key, item in value.items())

    return check


def listed(of_items: Check) -> Check:
    """A list, or the tuple that was made of it."""
    return lambda value: isinstance(value, (list, tuple)) and all(map(of_items, value))


def decimal(highest: int, lowest: int = 0) -> Check:
    """A number that is written as text."""
    return lambda value: isinstance(value, str) and bool(_DECIMAL.match(value)) and lowest <= int(value) <= highest


priorities = mapping(decimal(MAX_UINT32), number(0, MAX_UINT32))


# --- names ----------------------------------------------------------------------------------------------------------


def identifier(value: t.Any) -> bool:
    return isinstance(value, str) and bool(_ID.match(value))


def uuid(value: t.Any) -> bool:
    return isinstance(value, str) and bool(_UUID.match(value))


def tag(value: t.Any) -> bool:
    return isinstance(value, str) and identifier(names.identifier_of(value))


def object_name(value: t.Any) -> bool:
    return isinstance(value, str) and names.object_name_problem("name", value) is None


def interface(value: t.Any) -> bool:
    """A name that a task may give to a link."""
    return isinstance(value, str) and names.interface_name_problem(value) is None


def link_name(value: t.Any) -> bool:
    """A link name that the owner of its namespace may have set, in any bytes."""
    return isinstance(value, str) and names.is_link_name(value)


def link_alias(value: t.Any) -> bool:
    """An alias that a link may have, no matter who set it."""
    return isinstance(value, str) and names.is_link_alias(value)


def namespace(value: t.Any) -> bool:
    return isinstance(value, str) and names.namespace_name_problem(value) is None


def path(value: t.Any) -> bool:
    """An absolute path that can be opened."""
    return isinstance(value, str) and value.startswith("/") and "\0" not in value and names.is_encodable(value)


def sysctl_key(value: t.Any) -> bool:
    """A setting below ``net``, whose path cannot leave that folder."""
    return isinstance(value, str) and bool(_SYSCTL_KEY.match(value))


def sysctl_value(value: t.Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


# --- addresses ------------------------------------------------------------------------------------------------------


def mac(value: t.Any) -> bool:
    return isinstance(value, str) and bool(_MAC.match(value))


def address(value: t.Any) -> bool:
    try:
        return isinstance(value, str) and bool(inet.to_bytes(value))
    except (OSError, ValueError):
        return False


def address_of(version: int) -> Check:
    return lambda value: address(value) and _version_of(value) == version


def with_length(value: t.Any) -> bool:
    """An address, or a network, with a prefix length."""
    if not isinstance(value, str):
        return False
    ip, dummy, length = value.partition("/")
    return address(ip) and decimal(32 if _version_of(ip) == 4 else 128)(length)


def with_length_of(version: int) -> Check:
    return lambda value: with_length(value) and _version_of(value) == version


def address_range(value: t.Any) -> bool:
    """A network, or ``first-last``."""
    if with_length(value):
        return True
    first, dummy, last = value.partition("-") if isinstance(value, str) else ("", "", "")
    return address(first) and address(last) and _version_of(first) == _version_of(last)


def addresses(value: t.Any) -> bool:
    """One address, a network, or ``first-last``."""
    return address(value) or address_range(value)


def _version_of(value: str) -> int:
    return 6 if ":" in value else 4
