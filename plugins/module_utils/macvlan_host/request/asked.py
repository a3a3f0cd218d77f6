# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every request says of itself, for those who need not know which one it is, and so import none of them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.link_options import LinkOptions
from ..model.ref import Identified, Ref

if t.TYPE_CHECKING:
    from ..model.netns import Netns
    from ..model.record import Record
    from .host import AnyRequest, Request


class Asked:
    """A request, of whatever is asked for.

    :cvar removes: whether it takes an object away
    :cvar describes: whether it says how an object is to be
    """

    removes: t.ClassVar[bool] = False
    describes: t.ClassVar[bool] = False

    @property
    def subject(self) -> Ref | None:
        """The one object that results show; None where they show all that is recorded."""
        return None

    @property
    def uses(self) -> tuple[tuple[str, ...], tuple[Netns, ...]]:
        """The links and namespaces that it will use."""
        return (), ()

    @property
    def named_subnets(self) -> tuple[str, ...]:
        """The subnets that it asks for."""
        return ()

    @property
    def named_link_options(self) -> LinkOptions:
        """The link options that it asks for."""
        return {}

    def single_requests(self, _recorded: Record, /) -> tuple[Request, ...]:
        """The requests that it stands for, in the order in which they are planned."""
        return (t.cast("Request", self),)

    def check_against(self, _recorded: Record, /) -> None:
        """Refuse what cannot be had with what is recorded.

        :raises PlanError: naming it
        """


class AskedOfObject(Asked, Identified):
    """A request for one object."""

    @property
    def subject(self) -> Ref:
        return self.ref


class Description(AskedOfObject):
    """A request that says how an object is to be."""

    describes = True


class Removal(AskedOfObject):
    """A request that takes an object away."""

    removes = True


@dataclass(frozen=True)
class Restoration(Asked):
    """Restore everything as it is recorded; objects that cannot be restored are skipped and reported.

    :ivar only: one object, with its needs; None for all
    """

    only: Ref | None = None
    notes: t.ClassVar[tuple[str, ...]] = ()

    @property
    def title(self) -> str:
        return f"the restoration of {self.only.title if self.only else 'this host'}"


def requests_of(request: AnyRequest, recorded: Record) -> tuple[Request, ...]:
    """The single requests of a request."""
    return request.single_requests(recorded)
