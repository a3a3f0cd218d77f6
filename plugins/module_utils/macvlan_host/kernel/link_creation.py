# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creation of links: in their namespace, marked as ours from the first, and quietly where there are many.

New links in bridge mode announce themselves to all others on their parent; for many new links this work grows with the
square of their number. So they are private to each other until the last of them is created: older links receive every
announcement, and new links have no cached addresses that an announcement would correct.
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
from .step_context import KnownLink, StepContext
from .step_error import step_error

LOOKS_UP_NAMES_IN_NEW_NETNS = names.kernel_version(os.uname().release) >= (6, 15)

# Below this number the extra mode changes cost more than they save.
MANY_LINKS = 8


def are_many(steps: t.Iterable[Step]) -> bool:
    """Whether steps create so many links that they should not announce themselves to each other."""
    loud = [step for step in steps if isinstance(step, AddLink) and step.link.mode in kind_of(step.link).quiet_modes]
    return len(loud) >= MANY_LINKS


def set_final_modes(context: StepContext) -> None:
    """Set the final mode of new links, so that they can reach each other."""
    for interface, step in context.kept_private.items():
        request = pack.set_mode(kind_of(step.link), context.known[interface].ifindex, t.cast(str, step.link.mode))
        context.batch.queue(step, step.netns, request)
    context.batch.flush()
    context.kept_private.clear()


def bring_up(context: StepContext, step: SetLink) -> None:
    """Bring a link up that is kept private: it has its final mode only while it comes up."""
    interface = step.netns.path, step.ifname
    link, index = context.kept_private[interface].link, context.known[interface].ifindex
    kind, mode = kind_of(link), t.cast(str, link.mode)
    for request in (
        pack.set_mode(kind, index, mode),
        pack.set_link(index, up=step.new),
        pack.set_mode(kind, index, kind.quiet_modes[mode]),
    ):
        context.batch.queue(step, step.netns, request)


def add_link(context: StepContext, step: AddLink) -> None:
    """Create a link and tag it."""
    context.batch.flush_deletions()
    link, kind = step.link, kind_of(step.link)
    interface = step.netns.path, link.name
    context.known.pop(interface, None)
    if kind.is_endpoint:
        _add_in_namespace(context, step)
        return
    if kind.pack is not None:
        lower = context.find(step, HOST, t.cast(str, link.parent)).ifindex
        details = Details(link.mode, link.vlan)
        request = pack.add_link(kind, link.name, lower, details, link.mac, link.mtu, group=_group_until_tagged(link))
        context.batch.queue(step, HOST, request)
    else:
        context.batch.flush()
        mac = t.cast(str, link.mac)
        context.by_link_maker(step, lambda maker: maker.add(kind.name, link.name, mac, _group_until_tagged(link)))
    context.batch.untagged[interface] = link.name
    context.batch.queue(step, HOST, pack.set_link(0, by_name=link.name, alias=link.tag or "", group=0))


def _add_in_namespace(context: StepContext, step: AddLink) -> None:
    """Create a link in its namespace; the first message of the next batch sets its tag and its name."""
    context.batch.flush()
    link, kind = step.link, kind_of(step.link)
    lower = context.find(step, HOST, t.cast(str, link.parent)).ifindex
    context.sockets.go(step, step.netns)
    target = context.sockets.descriptor if step.netns.path else None
    identifier = names.identifier_of(link.tag)
    first_name = link.name if identifier is None or _can_have_its_name(context, step) else names.name_until_tagged(identifier)
    interface = step.netns.path, link.name
    mode = t.cast(str, link.mode)
    if context.many and mode in kind.quiet_modes:
        mode = kind.quiet_modes[mode]
        context.kept_private[interface] = step
    details = Details(mode, link_options=link.link_options)
    vrf = context.find(step, HOST, link.vrf) if link.vrf is not None else None
    master = vrf.ifindex if vrf is not None else None
    request = pack.add_link(kind, first_name, lower, details, link.mac, link.mtu, target, _group_until_tagged(link), master)
    (answer,) = context.sockets.host.exchange([request])
    if answer.errno:
        raise step_error(step, answer)
    try:
        index = socket.if_nametoindex(first_name)
    except OSError as exc:
        raise step_error(step, attributes.Answer(exc.errno or errno.ENODEV, "it has disappeared again")) from exc
    context.known[interface] = KnownLink(index, kind, vrf.table if vrf is not None else None)
    context.batch.untagged[interface] = first_name
    name = None if link.name == first_name else link.name
    context.batch.queue(step, step.netns, pack.set_link(index, name=name, alias=link.tag, group=0))


def _can_have_its_name(context: StepContext, step: AddLink) -> bool:
    """Whether a link can be created under its final name.

    Before Linux 6.15 the kernel looks the name of a new link up in the namespace of the requesting process, not in
    the one where it is created (net/core/rtnetlink.c, __rtnl_newlink).
    """
    return not step.netns.path or LOOKS_UP_NAMES_IN_NEW_NETNS or context.sockets.host.link(step.link.name) is None


def _group_until_tagged(link: LinkSpec) -> int:
    """The group that marks a link as ours until it has its tag; a foreign one that was removed by force has neither."""
    identifier = names.identifier_of(link.tag)
    return 0 if identifier is None else names.group_until_tagged(identifier)
