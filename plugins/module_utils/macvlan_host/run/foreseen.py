# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was found out before anything is done."""

from __future__ import annotations

import typing as t

from ..kernel import machine
from ..kernel.tagged import tagged_spaces
from ..model.endpoint import Endpoint
from ..model.kernel import Kernel
from ..result.outcome import Outcome
from ..steps.plan import Plan
from ..steps.steps import DeleteLink, Note
from ..values import names


class Foreseen(t.NamedTuple):
    """What was found out without the lock.

    :ivar made: the plan, with what it was made from
    :ivar version: of the database that it was made from, None when that was in the hands of a writer
    :ivar interrupted: whether a run that died has left something to clear up
    """

    outcome: Outcome
    made: Plan
    kernel: Kernel
    version: tuple[object, ...] | None
    interrupted: bool

    @property
    def may_come(self) -> bool:
        """Whether another run is at work, which may be making what is missing at this moment."""
        return bool(self.outcome.missing) and self.version is None

    @property
    def touches_kernel(self) -> bool:
        return any(not isinstance(step, Note) for step in self.made.steps)


def left_elsewhere(made: Plan) -> tuple[str, ...]:
    """What to tell of endpoints that go and whose links are not where they were made: others have moved them."""
    found = {step.link.tag for step in made.steps if isinstance(step, DeleteLink)}
    gone = [item for key, item in made.before.endpoints.items() if key not in made.after.endpoints]
    return tuple(
        f"the link of {title} was moved away and is {name} in {place} now; delete it there, if nobody uses it"
        for title, name, place in elsewhere([item for item in gone if names.tag(item.id) not in found])
    )


def elsewhere(endpoints: t.Sequence[Endpoint]) -> t.Iterator[tuple[str, str, str]]:
    """Title of the endpoint, name of the link, title of the namespace, of links that are in another one than theirs."""
    tagged = {names.tag(endpoint.id): endpoint for endpoint in endpoints}
    for netns, space in tagged_spaces(machine.host_id()).items() if tagged else ():
        for link in space.links.values():
            endpoint = tagged.get(link.alias)
            if endpoint is not None and endpoint.netns.path != netns.path:
                yield endpoint.title, link.name, netns.title
