# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of all requests, so that other code needs no import of a single one."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.link_options import LinkOptions
from ..model.ref import Identified, Ref

if t.TYPE_CHECKING:
    from ..model.netns import Netns
    from ..model.record import Record
    from .host import AnyRequest, Request


class BaseRequest:
    """A request of any kind.

    :cvar removes: whether it removes an object
    :cvar declares: whether it declares an object
    :cvar restores: whether it restores what is recorded, so that it chooses nothing and leaves out what cannot be restored
    """

    removes: t.ClassVar[bool] = False
    declares: t.ClassVar[bool] = False
    restores: t.ClassVar[bool] = False

    @property
    def default_probe(self) -> str | None:
        """How neighbours are asked about addresses of networks and endpoints that do not say it themselves."""
        return None

    @property
    def subject(self) -> Ref | None:
        """The object that results show; None if they show all recorded objects."""
        return None

    @property
    def uses(self) -> tuple[tuple[str, ...], tuple[Netns, ...]]:
        """The links and namespaces that it will use."""
        return (), ()

    @property
    def named_subnets(self) -> tuple[str, ...]:
        """The subnets that it requests."""
        return ()

    @property
    def named_link_options(self) -> LinkOptions:
        """The link options that it requests."""
        return {}

    @property
    def aligned_networks(self) -> tuple[str, ...] | None:
        """The names of the networks to whose options it can align links; None if they can be any."""
        return None

    @property
    def new_names(self) -> tuple[tuple[Ref, Ref], ...]:
        """(former identity, new identity) of the objects that it names anew."""
        return ()

    def single_requests(self, _recorded: Record, /) -> tuple[Request, ...]:
        """The requests that it stands for, in the order in which they are planned."""
        return (t.cast("Request", self),)

    def check_against(self, _recorded: Record, /) -> None:
        """Refuse what conflicts with the record.

        :raises PlanError: naming it
        """


class OneObjectRequest(BaseRequest, Identified):
    """A request for one object."""

    @property
    def subject(self) -> Ref:
        return self.ref


class Declaration(OneObjectRequest):
    """A request that declares an object."""

    declares = True


class Removal(OneObjectRequest):
    """A request that removes an object."""

    removes = True

    @property
    def aligned_networks(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True)
class Restoration(BaseRequest):
    """Restore everything as it is recorded; objects that cannot be restored are skipped and reported.

    :ivar only: one object, with its needs; None for all
    """

    only: Ref | None = None
    restores = True
    notes: t.ClassVar[tuple[str, ...]] = ()

    @property
    def title(self) -> str:
        return f"the restoration of {self.only.title if self.only else 'this host'}"


def requests_of(request: AnyRequest, recorded: Record) -> tuple[Request, ...]:
    """The single requests of a request."""
    return request.single_requests(recorded)
