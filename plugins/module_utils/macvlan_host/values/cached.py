# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes that are worked out at their first use, and kept with their object."""

from __future__ import annotations

import typing as t

Value = t.TypeVar("Value")


class _CachedProperty(t.Generic[Value]):
    """Stores the value under its own name in the object, where the next look finds it."""

    def __init__(self, work_out: t.Callable[[t.Any], Value]) -> None:
        self._work_out, self._name = work_out, work_out.__name__
        self.__doc__ = work_out.__doc__

    def __get__(self, instance: t.Any, owner: type | None = None) -> Value:
        if instance is None:
            # What looks at the class, such as help(), wants the attribute itself.
            return t.cast(Value, self)
        value = instance.__dict__[self._name] = self._work_out(instance)
        return value


def cached_property(work_out: t.Callable[[t.Any], Value]) -> _CachedProperty[Value]:
    """A property of an object that does not change, worked out once.

    It is functools.cached_property without the lock that this takes before Python 3.12, which is most of what it costs.
    """
    return _CachedProperty(work_out)
