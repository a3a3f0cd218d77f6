# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Performs steps in the kernel, one after the other, in as few messages as possible."""

from __future__ import annotations

import errno
import typing as t

from ..compare.ownership import matches_step
from ..errors import KernelError
from ..model.link_options import LINK_OPTIONS
from ..model.links import VlanFacts
from ..model.netns import Netns
from ..model.sysctl import setting_by_netlink
from ..steps.steps import (
    AddAddress,
    AddConnectedRoute,
    AddLink,
    AddRoute,
    CreateNetns,
    DeleteAddress,
    DeleteLink,
    DeleteNetns,
    DeleteRoute,
    LinkPropertyStep,
    Note,
    ReplaceRoute,
    SetLink,
    SetSysctls,
    Step,
    WriteResolver,
)
from ..values import names
from ..wire import ask, pack
from . import link_creation, namespace_changes, namespaces
from .delete import LinkToDelete
from .idempotent_steps import Replay
from .route_socket import RouteSocket
from .setting_files import write_setting
from .step_context import KnownLink, StepContext
from .step_error import step_error

# net/core/dev.c creates the loopback of every namespace with this index, and include/net/net_namespace.h relies on it.
LOOPBACK_INDEX = 1


class KernelWriter:
    """Performs steps. Neighbouring messages to one namespace are sent as one batch, neighbouring deletions together.

    :ivar reached: how many of the steps given to :meth:`apply` were begun
    """

    def __init__(self) -> None:
        self.reached = 0
        self._context = StepContext()

    def close(self) -> None:
        self._context.close()

    def apply(self, steps: t.Sequence[Step], interludes: t.Mapping[int, t.Callable[[], None]] | None = None) -> None:
        """Perform all steps, in order.

        :param interludes: number of steps → what is done in the host's own namespace when these are done, before the next one
        :raises KernelError: a step was refused; ``reached`` is the number of steps that were begun
        """
        self.reached = 0
        self._context.many = link_creation.are_many(steps)
        for position, step in enumerate(steps):
            if interludes and position in interludes:
                self.flush()
                self._context.sockets.go_home()
                interludes[position]()
            self.reached = position + 1
            try:
                self.do(step)
            except KernelError as exc:
                # Unless the error is known to be that of an earlier step, whose message waited in the batch.
                exc.step = exc.step or step
                raise
        self.flush()
        link_creation.set_final_modes(self._context)

    def do(self, step: Step, replay: Replay | None = None) -> None:
        """Perform one step, whose messages may wait in the batch.

        :param replay: the replay that the step is a part of, if it may be done already
        """
        PERFORMERS[type(step)](self._context, step, replay)

    def flush(self) -> None:
        """Send all messages that wait."""
        self._context.batch.flush()

    def effective(self, steps: t.Sequence[Step]) -> list[Step]:
        """Those of the steps given to :meth:`apply` that may have had an effect.

        Undoing a refused step would remove an object of another program.
        """
        refused = self._context.batch.refused
        return [step for step in steps[: self.reached] if not any(step is other for other in refused)]

    def ensure_done(self, steps: t.Sequence[Step]) -> list[str]:
        """Perform steps of which some may be done already; return the problems, a sentence each."""
        return Replay(self._context, self.do).ensure_done(steps)


# --- namespaces -----------------------------------------------------------------------------------------------------


def _create_netns(context: StepContext, step: CreateNetns) -> None:
    context.batch.flush()
    context.sockets.create(step.name, lambda sock: tag_loopback(sock, step))


def tag_loopback(sock: RouteSocket, step: CreateNetns) -> None:
    """Mark a namespace as ours, and bring its loopback up; it has no name yet."""
    (answer,) = sock.exchange([pack.set_link(LOOPBACK_INDEX, up=True, alias=step.tag)])
    if answer.errno:
        raise step_error(step, answer)


def _delete_netns(context: StepContext, step: DeleteNetns, replay: Replay | None) -> None:
    context.batch.flush_messages()
    netns = Netns("name", step.name)
    if replay is not None and namespaces.is_placeholder(netns):
        namespace_changes.remove(step.name)
        return
    links = context.links(step, netns)
    lo = links.get("lo")
    if lo is None or lo.alias != step.tag:
        raise KernelError(f"cannot {step.describe()}: another namespace has that name now", errno.ENODEV)
    known = names.KERNEL_LINKS | context.deletions.links_in(netns)
    foreign = [name for name, link in links.items() if name not in known and not link.ours]
    if foreign:
        raise KernelError(f"cannot {step.describe()}: it holds {', '.join(foreign)} now, which the collection did not create")
    if replay is not None and replay.has_processes(netns):
        raise KernelError(f"cannot {step.describe()}: other programs use it")
    context.sockets.leave()
    for interface in [interface for interface in context.known if interface[0] == netns.path]:
        del context.known[interface]
    context.deletions.add_netns(step)
    if context.deletions.enough:
        context.sockets.go_home()
        context.deletions.begin()


# --- links ----------------------------------------------------------------------------------------------------------


def _delete_link(context: StepContext, step: DeleteLink, replay: Replay | None) -> None:
    context.batch.flush_messages()
    # The host may have thousands of links, so only this one is read there.
    links = context.links(step, step.netns) if step.netns.path else {}
    link = links.get(step.link.name) if step.netns.path else context.sockets.host.link(step.link.name)
    identifier = names.identifier_of(step.link.tag)
    if replay is not None and identifier and (link is None or not matches_step(link, step.link, or_untagged=True)):
        # Its creation may have been interrupted before it got its name, or another program may have renamed it.
        link = links.get(names.name_until_tagged(identifier)) or context.tagged(step, step.netns, step.link)
    if link is None:
        raise KernelError(f"cannot {step.describe()}: it does not exist", errno.ENODEV)
    if not matches_step(link, step.link, or_untagged=replay is not None):
        raise KernelError(f"cannot {step.describe()}: another link has that name now", errno.ENODEV)
    context.known.pop((step.netns.path, step.link.name), None)
    context.deletions.add_link(LinkToDelete(step, link), context.sockets.descriptor)


def _set_link(context: StepContext, step: SetLink) -> None:
    interface = step.netns.path, step.ifname
    if step.attribute in _SETTERS:
        _SETTERS[step.attribute](context, step)
    elif step.attribute in LINK_OPTIONS:
        _set_link_option(context, step)
    elif step.attribute == "up" and interface in context.kept_private:
        link_creation.bring_up(context, step)
    elif interface not in context.known and interface in context.batch.untagged:
        context.batch.queue(step, step.netns, pack.set_link(0, by_name=step.ifname, **{step.attribute: step.new}))
    else:
        index = context.find(step, step.netns, step.ifname).ifindex
        context.batch.queue(step, step.netns, pack.set_link(index, **{step.attribute: step.new}))
        if step.attribute == "name":
            context.batch.flush()
            context.known.pop(interface, None)


def _set_vlan(context: StepContext, step: SetLink) -> None:
    index = context.find(step, step.netns, step.ifname).ifindex
    old, new = VlanFacts(**step.old), VlanFacts(**step.new)
    context.batch.flush()
    context.by_link_maker(step, lambda maker: maker.change_vlan(index, old, new))


def _set_vrf(context: StepContext, step: SetLink) -> None:
    vrf = context.find(step, step.netns, step.new) if step.new is not None else None
    link = context.find(step, step.netns, step.ifname)
    context.batch.queue(step, step.netns, pack.set_link(link.ifindex, master=vrf.ifindex if vrf is not None else 0))
    context.known[step.netns.path, step.ifname] = link._replace(table=vrf.table if vrf is not None else None)


def _set_mode(context: StepContext, step: SetLink) -> None:
    link = context.find(step, step.netns, step.ifname)
    _check_kind(step, link, step.new in link.kind.modes)
    context.batch.queue(step, step.netns, pack.set_mode(link.kind, link.ifindex, step.new))


def _set_link_option(context: StepContext, step: SetLink) -> None:
    link = context.find(step, step.netns, step.ifname)
    _check_kind(step, link, link.kind.has_link_options)
    context.batch.queue(step, step.netns, pack.set_link_option(link.kind, link.ifindex, step.attribute, step.new))


def _check_kind(step: SetLink, link: KnownLink, has_attribute: bool) -> None:
    """Refuse a step for a link whose name another link has by now, maybe since an earlier run."""
    if not has_attribute:
        raise KernelError(f"cannot {step.describe()}: it is a {link.kind.phrase} now", errno.EOPNOTSUPP, step)


# Attributes of a link that need a special request.
_SETTERS: dict[str, t.Callable[[StepContext, SetLink], None]] = {
    "vlan": _set_vlan,
    "mode": _set_mode,
    "vrf": _set_vrf,
}


# --- settings -------------------------------------------------------------------------------------------------------


def _set_sysctls(context: StepContext, step: SetSysctls) -> None:
    interface = step.netns.path, step.ifname
    if interface not in context.batch.untagged:
        context.batch.flush_messages()
    context.sockets.go(step, step.netns)
    for item in step.settings:
        setting = setting_by_netlink(item.key, item.new)
        if setting is not None:
            index = context.find(step, step.netns, step.ifname).ifindex
            context.batch.queue(step, step.netns, pack.set_ipv4_setting(index, setting, int(item.new)), item)
            if not context.batch.knows_settings:
                # A setting that the kernel refuses is written as a file, before the link comes up.
                context.batch.flush_messages()
        else:
            # A link that was just made gets its tag, and maybe its name, a moment later; until then it has its first name.
            write_setting(step, item, context.batch.untagged.get(interface, step.ifname))


# --- the table ------------------------------------------------------------------------------------------------------

Performer = t.Callable[[StepContext, t.Any, t.Optional[Replay]], None]


def _nothing(context: StepContext, step: Note, replay: Replay | None) -> None:
    """A note changes only the record, not the kernel."""


def _always(perform: t.Callable[[StepContext, t.Any], None]) -> Performer:
    """The performer of a step that is performed in the same way in a replay."""
    return lambda context, step, dummy: perform(context, step)


def _by_message(packed: t.Callable[[KnownLink, t.Any], ask.Packed]) -> Performer:
    """The performer of a step that is one message to a link."""

    def perform(context: StepContext, step: LinkPropertyStep, dummy: Replay | None) -> None:
        request = packed(context.find(step, step.netns, step.ifname), step)
        context.batch.queue(step, step.netns, request)

    return perform


def _delete_address(context: StepContext, step: DeleteAddress) -> None:
    context.batch.await_additions()
    index = context.find(step, step.netns, step.ifname).ifindex
    context.batch.queue(step, step.netns, pack.delete_address(index, step.address, step.peer))


def _write_resolver(context: StepContext, step: WriteResolver) -> None:
    # Few plans have such a step.
    from .resolver_files import write_resolver

    context.batch.flush()
    write_resolver(step)


# Every kind of step.
PERFORMERS: dict[type[Step], Performer] = {
    Note: _nothing,
    CreateNetns: _always(_create_netns),
    DeleteNetns: _delete_netns,
    AddLink: _always(link_creation.add_link),
    DeleteLink: _delete_link,
    SetLink: _always(_set_link),
    AddAddress: _by_message(lambda link, step: pack.add_address(link.ifindex, step.address, step.peer)),
    DeleteAddress: _always(_delete_address),
    AddRoute: _by_message(lambda link, step: pack.add_route(link.ifindex, step.route, link.table)),
    DeleteRoute: _by_message(lambda link, step: pack.delete_route(link.ifindex, step.route, link.table)),
    ReplaceRoute: _by_message(lambda link, step: pack.replace_route(link.ifindex, step.new, link.table)),
    AddConnectedRoute: _by_message(lambda link, step: pack.add_connected_route(link.ifindex, step.address, link.table)),
    SetSysctls: _always(_set_sysctls),
    WriteResolver: _always(_write_resolver),
}
