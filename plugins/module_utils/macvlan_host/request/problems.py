# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Problems of options, collected so that all are reported at once."""

from __future__ import annotations

import re
import typing as t

from ..errors import MissingLibraryError, OptionsError
from ..values import names

# net/ipv4/devinet.c: IPv4 needs 68 bytes (RFC 791); IPv6 needs 1280 (RFC 8200 5).
MIN_MTU = 68
MIN_MTU_IPV6 = 1280
MAX_MTU = 65535

# Python refuses to read thousands of digits; the right ones have ten at most.
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,20}\Z")

T = t.TypeVar("T")


class Problems:
    """Collects problems and notes, so that one run names all of them."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.missing: MissingLibraryError | None = None

    def problem(self, text: str | None) -> None:
        if text is not None:
            self.problems.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def parsed(self, option: str, parse: t.Callable[[str], T], text: str | None) -> T | None:
        """The parsed text; None if it was not given, or is wrong (then a problem is added)."""
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as exc:
            self.problem(f"{option}: {exc}")
        except MissingLibraryError as exc:
            # Options that can be read without the library are checked anyway.
            self.missing = exc
        return None

    def normalised(self, option: str, parse: t.Callable[[str], tuple[str, bool]], text: str | None) -> str | None:
        """The canonical network; a note is added if host bits were cleared."""
        result = self.parsed(option, parse, text)
        if result is None:
            return None
        canonical, had_host_bits = result
        if had_host_bits:
            self.note(f"{option}: {text} has host bits set and is read as {canonical}")
        return canonical

    def number(self, option: str, value: int | None, lowest: int, highest: int) -> None:
        if value is not None and not lowest <= value <= highest:
            # Python refuses to write thousands of digits.
            shown = str(value) if abs(value) < 10**20 else "a number of more than 20 digits"
            self.problem(f"{option} must be from {lowest} to {highest}, not {shown}")

    def finish(self) -> tuple[str, ...]:
        """The notes.

        :raises OptionsError: there was a problem
        :raises MissingLibraryError: no problem is visible, and the library for the remaining checks is missing
        """
        refuse(self.problems, self.missing)
        return tuple(self.notes)


def refuse(problems: list[str], missing: MissingLibraryError | None) -> None:
    """Refuse options that are wrong, or cannot be read; a missing library is reported only if there are no other problems.

    :raises OptionsError: there are problems
    :raises MissingLibraryError: there are none, and a library is missing
    """
    if problems:
        raise OptionsError(problems, missing)
    if missing is not None:
        raise missing


def texts(mapping: t.Mapping[t.Any, t.Any] | None) -> dict[str, str]:
    """A dict of texts; YAML's booleans become ``true`` and ``false``."""
    return {str(key): text_of(value, "true", "false") for key, value in (mapping or {}).items()}


def text_of(value: t.Any, true: str, false: str) -> str:
    """A value of a dictionary as text."""
    if isinstance(value, bool):
        return true if value else false
    return "" if value is None else str(value)


def prefixed(option: str, problem: str | None) -> str | None:
    """A problem with its option in front, if there is one."""
    return None if problem is None else f"{option}: {problem}"


def check_former_name(problems: Problems, params: t.Mapping[str, t.Any]) -> None:
    """Add what is wrong with the former name of an object."""
    former = params.get("renamed_from")
    if former is None:
        return
    problems.problem(prefixed("renamed_from", names.object_name_problem("the former name", former)))
    if former == params["name"]:
        problems.problem(f"renamed_from: {former} is the name itself; write the name under which it is recorded, or leave this out")


def check_no_former_name(problems: Problems, params: t.Mapping[str, t.Any]) -> None:
    """Add that an object to remove has one name only."""
    former = params.get("renamed_from")
    if former is not None:
        problems.problem(f"renamed_from has no meaning with state: absent; write the name that is recorded, such as name: {former}")


def parent_problem(name: str) -> str | None:
    """Why a name cannot be that of a parent, which may be an alternative name."""
    return prefixed("parent", names.written_name_problem(name))
