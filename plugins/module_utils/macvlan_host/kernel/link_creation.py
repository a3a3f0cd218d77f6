# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creation of links: in their namespace, marked as ours from the first, and quietly where there are many.

New links in bridge mode announce themselves to all others on their parent, which for many at once is work that grows with
the square of their number. So they are private to each other until the last of them is there: those that were there before
hear each, and those that are new have nothing to unlearn.
"""

from __future__ import annotations

import errno
import os
import socket
import typing as t

from ..model.netns import HOST
from ..steps.link_spec import LinkSpec
from ..steps.steps import AddLink, SetLink, Step
from ..values import names
from ..wire import attributes, pack
from ..wire.kinds import Details, kind_of
from .step_context import KnownLink, Workplace
from .step_error import step_error

LOOKS_WHERE_IT_BELONGS = names.kernel_version(os.uname().release) >= (6, 15)

# Fewer new links than this are not worth a second visit to each.
MANY_LINKS = 8


def are_many(steps: t.Iterable[Step]) -> bool:
    """Whether steps make so many links that announce themselves to each other that they are made quietly."""
    loud = [step for step in steps if isinstance(step, AddLink) and step.link.mode in kind_of(step.link).quiet_modes]
    return len(loud) >= MANY_LINKS


def end_seclusion(work: Workplace) -> None:
    """Let new links reach each other."""
    for place, step in work.secluded.items():
        request = pack.set_mode(kind_of(step.link), work.known[place].ifindex, t.cast(str, step.link.mode))
        work.batch.queue(step, step.netns, request)
    work.batch.flush()
    work.secluded.clear()


def bring_up(work: Workplace, step: SetLink) -> None:
    """Bring a link up that is kept private: only while it comes up is it one of those that hear each other."""
    place = step.netns.path, step.ifname
    link, index = work.secluded[place].link, work.known[place].ifindex
    kind, mode = kind_of(link), t.cast(str, link.mode)
    for request in (
        pack.set_mode(kind, index, mode),
        pack.set_link(index, up=step.new),
        pack.set_mode(kind, index, kind.quiet_modes[mode]),
    ):
        work.batch.queue(step, step.netns, request)


def add_link(work: Workplace, step: AddLink) -> None:
    """Make a link and tag it."""
    work.batch.flush_deletions()
    link, kind = step.link, kind_of(step.link)
    place = step.netns.path, link.name
    work.known.pop(place, None)
    if kind.is_endpoint:
        _add_where_it_belongs(work, step)
        return
    if kind.pack is not None:
        lower = work.find(step, HOST, t.cast(str, link.parent)).ifindex
        details = Details(link.mode, link.vlan)
        request = pack.add_link(kind, link.name, lower, details, link.mac, link.mtu, group=_birth_group(link))
        work.batch.queue(step, HOST, request)
    else:
        work.batch.flush()
        mac = t.cast(str, link.mac)
        work.by_link_maker(step, lambda maker: maker.add(kind.name, link.name, mac, _birth_group(link)))
    work.batch.nameless[place] = link.name
    work.batch.queue(step, HOST, pack.set_link(0, found_by=link.name, alias=link.tag or "", group=0))


def _add_where_it_belongs(work: Workplace, step: AddLink) -> None:
    """Make a link in its namespace; its name comes with its tag, in the first message of its own batch."""
    work.batch.flush()
    link, kind = step.link, kind_of(step.link)
    lower = work.find(step, HOST, t.cast(str, link.parent)).ifindex
    work.sockets.go(step, step.netns)
    target = work.sockets.descriptor if step.netns.path else None
    identifier = names.identifier_of(link.tag)
    born_as = link.name if identifier is None or _can_be_born_as(work, step) else names.birth_name(identifier)
    place = step.netns.path, link.name
    mode = t.cast(str, link.mode)
    if work.many and mode in kind.quiet_modes:
        mode = kind.quiet_modes[mode]
        work.secluded[place] = step
    request = pack.add_link(kind, born_as, lower, Details(mode), link.mac, link.mtu, target, _birth_group(link))
    (answer,) = work.sockets.host.exchange([request])
    if answer.errno:
        raise step_error(step, answer)
    try:
        index = socket.if_nametoindex(born_as)
    except OSError as exc:
        raise step_error(step, attributes.Answer(exc.errno or errno.ENODEV, "it has disappeared again")) from exc
    work.known[place] = KnownLink(index, kind)
    work.batch.nameless[place] = born_as
    name = None if link.name == born_as else link.name
    work.batch.queue(step, step.netns, pack.set_link(index, name=name, alias=link.tag, group=0))


def _can_be_born_as(work: Workplace, step: AddLink) -> bool:
    """Whether a link can have its name from the first.

    Before Linux 6.15 the kernel looks the name of a new link up in the namespace of the requesting process, not in
    the one where it is born (net/core/rtnetlink.c, __rtnl_newlink).
    """
    return not step.netns.path or LOOKS_WHERE_IT_BELONGS or work.sockets.host.link(step.link.name) is None


def _birth_group(link: LinkSpec) -> int:
    """What marks a link as ours until it has its tag; a foreign one that was removed by force has neither."""
    identifier = names.identifier_of(link.tag)
    return 0 if identifier is None else names.birth_group(identifier)
