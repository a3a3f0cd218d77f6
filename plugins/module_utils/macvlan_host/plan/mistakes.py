# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collects the mistakes of a plan, so that one run names all of them. Pure."""

from __future__ import annotations

import types
import typing as t

from ..errors import MistakesError, PlanError
from ..model.ref import KINDS

# The beginning of messages that name their object.
OBJECTS = (*(f"{kind} " for kind in KINDS), "host access of ")


class Mistakes:
    """Collects refusals of checks that do not depend on each other: ``with mistakes:`` notes one of the block, and goes on.

    A class, because a generator of contextlib costs much more, and each endpoint of a run needs several.

    :param title: of the checked object, for messages that do not begin with one
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self.errors: list[PlanError] = []

    def __bool__(self) -> bool:
        return bool(self.errors)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: types.TracebackType | None
    ) -> bool:
        if isinstance(exc, PlanError):
            self.errors.append(exc)
            return True
        return False

    @property
    def sentences(self) -> list[str]:
        """The refusals, each beginning with its object."""
        texts = [text for exc in self.errors for text in (exc.problems if isinstance(exc, MistakesError) else (str(exc),))]
        return [text if text.startswith(OBJECTS) else f"{self._title}: {text}" for text in texts]

    def check(self) -> None:
        """Raise the refusals that were collected.

        :raises PlanError: the only refusal itself, or one error for all of them
        """
        raise_all(self.errors, self.sentences)


def raise_all(errors: t.Sequence[PlanError], sentences: t.Sequence[str]) -> None:
    """Raise the refusals that were collected; the same mistake of several requests is reported once.

    :raises PlanError: the only refusal itself, or one error for all of them
    """
    told = list(dict.fromkeys(sentences))
    if len(told) > 1:
        raise MistakesError(told)
    if errors:
        raise errors[0]
