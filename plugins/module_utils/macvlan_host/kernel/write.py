# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done to the kernel: one step after the other, in as few messages as that takes."""

from __future__ import annotations

import errno
import itertools
import os
import socket
import typing as t

from ..errors import KernelError, MissingLibraryError
from ..model.links import Link, VlanFacts
from ..model.netns import HOST, Netns
from ..model.sysctl import Sysctl, setting_by_netlink
from ..steps.link_spec import LinkSpec, is_meant
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
    Note,
    OfInterface,
    OnLink,
    ReplaceRoute,
    SetLink,
    SetSysctls,
    Step,
)
from ..values import names
from ..wire import attributes, pack
from ..wire.kinds import MACVLAN, Details, kind_of
from . import namespaces
from .delete import Deletions, Doomed
from .pyroute import LinkMaker
from .read import read_links
from .route_socket import RouteSocket, reason
from .sysctls import sysctl_path

# net/core/dev.c makes the loopback of every namespace with it, and include/net/net_namespace.h relies on it.
LOOPBACK_INDEX = 1

LOOKS_WHERE_IT_BELONGS = names.kernel_version(os.uname().release) >= (6, 15)

# After a refusal nothing more should be sent; the refusal is seen when the batch is.
LONGEST_BATCH = 256

# Fewer new links than this are not worth a second visit to each.
MANY_LINKS = 8

# Steps of one message that add something, which the kernel does or refuses as a whole. What was not deleted may go by a
# later step of the same batch, a route with its address, and to put back what is there still does no harm.
SINGLE = (AddAddress, AddConnectedRoute, AddRoute, ReplaceRoute)

# What "it is already so" looks like when a step is taken back or finished after an interruption.
ALREADY = frozenset(
    (errno.EEXIST, errno.ENOENT, errno.ENODEV, errno.ESRCH, errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.ENETUNREACH)
)


class _Queued(t.NamedTuple):
    """A message that waits to be sent.

    :ivar setting: the setting that it writes, if it writes one
    """

    step: Step
    request: pack.Packed
    setting: Sysctl | None


class KernelWriter:
    """Does steps. Neighbouring messages to one namespace go out as one batch, neighbouring deletions together.

    The thread stays in the namespace of the last step until the next one leads elsewhere, and comes home in
    :meth:`close`. There is one socket for the host and one for the namespace of the moment, so that any number of
    namespaces can be worked on.

    New links in bridge mode announce themselves to all others on their parent, which for many at once is work that
    grows with the square of their number. So they are private to each other until the last of them is there: those
    that were there before hear each, and those that are new have nothing to unlearn.

    :ivar reached: how many of the steps given to :meth:`apply` were begun
    """

    def __init__(self) -> None:
        self._host = RouteSocket()
        self._walker = namespaces.Walker()
        self._there: RouteSocket | None = None
        self._there_path = HOST.path
        self._seen: dict[str, Link] | None = None
        self._of_host: dict[str, Link] | None = None
        self._indices: dict[tuple[str, str], int] = {}
        self._nameless: dict[tuple[str, str], str] = {}
        self._batch: list[_Queued] = []
        self._batch_netns = HOST
        self._deletions = Deletions(self._host)
        self._knows_settings = False
        self._many = False
        self._secluded: dict[tuple[str, str], AddLink] = {}
        self._doubtful: tuple[Netns, ...] = ()
        self._inhabited: dict[str, tuple[int, ...]] | None = None
        self._link_maker: LinkMaker | None = None
        self._refused: list[Step] = []
        self.reached = 0

    def close(self) -> None:
        self._host.close()
        self._leave()
        self._walker.close()
        if self._link_maker is not None:
            self._link_maker.close()

    def _leave(self) -> None:
        """An open socket would keep the namespace alive after its name is gone."""
        if self._there is not None:
            self._there.close()
        self._there, self._there_path = None, HOST.path
        self._seen = None

    def apply(self, steps: t.Sequence[Step]) -> None:
        """Do all steps, in order.

        :raises KernelError: one was refused; ``reached`` says how far this came
        """
        self.reached = 0
        loud = (step for step in steps if isinstance(step, AddLink) and step.link.mode in kind_of(step.link).quiet_modes)
        self._many = sum(1 for dummy in loud) >= MANY_LINKS
        for position, step in enumerate(steps):
            self.reached = position + 1
            try:
                self._do(step)
            except KernelError as exc:
                # Unless it is known to be of an earlier one, whose message waited in the batch.
                exc.step = exc.step or step
                raise
        self._flush()
        self._end_seclusion()

    def effective(self, steps: t.Sequence[Step]) -> list[Step]:
        """Those of the steps given to :meth:`apply` that may have had an effect.

        Taking back what was refused would take away what somebody else has put there.
        """
        return [step for step in steps[: self.reached] if not any(step is refused for refused in self._refused)]

    def _end_seclusion(self) -> None:
        """Let new links in bridge mode reach each other."""
        for place, step in self._secluded.items():
            self._queue(step, step.netns, pack.set_mode(kind_of(step.link), self._indices[place], t.cast(str, step.link.mode)))
        self._flush()
        self._secluded.clear()

    def settle(self, steps: t.Sequence[Step]) -> list[str]:
        """Do steps of which some may be done already; what went wrong, a sentence each."""
        problems: list[str] = []
        self._forget_all()
        self._doubtful = tuple(Netns("name", step.name) for step in steps if isinstance(step, DeleteNetns))
        made: set[tuple[str, str]] = set()
        for deletes, run in itertools.groupby(steps, key=lambda step: isinstance(step, (DeleteLink, DeleteNetns))):
            together = list(run)
            problems += self._settle_deletions(together) if deletes else self._settle_one_by_one(together, made)
        return problems

    def _settle_one_by_one(self, steps: t.Sequence[Step], made: set[tuple[str, str]]) -> list[str]:
        problems = []
        for step in steps:
            try:
                self._check_ours(step, made)
                self._do(step, settle=True)
                self._flush()
            except (KernelError, MissingLibraryError) as exc:
                self._forget_all()
                problems += _unless_already(exc)
        return problems

    def _settle_deletions(self, steps: t.Sequence[Step]) -> list[str]:
        """Together, or one by one when that is refused: those that are gone by then are no problem."""
        problems: list[str] = []
        try:
            for step in steps:
                try:
                    self._do(step, settle=True)
                except KernelError as exc:
                    problems += _unless_already(exc)
            self._flush()
        except KernelError:
            self._forget_all()
            return self._settle_one_by_one(steps, set())
        return problems

    def _is_inhabited(self, netns: Netns) -> bool:
        """Whether processes are in a namespace; those that are to be settled are looked at together."""
        if self._inhabited is None:
            self._inhabited = namespaces.inhabitants(self._doubtful)
        return netns.path in self._inhabited

    def _forget_all(self) -> None:
        self._batch.clear()
        self._deletions.clear()
        self._indices.clear()
        self._nameless.clear()
        self._secluded.clear()
        self._seen = self._of_host = None
        self._many = False
        self._inhabited = None

    def _check_ours(self, step: Step, made: set[tuple[str, str]]) -> None:
        """Between an interruption and now, others may have used the names: touch only links that carry our tag.

        :param made: links made again here; a foreign one that was removed by force has no tag
        :raises KernelError: with ENODEV, when the link of the step is not there or not ours; with EEXIST, when a link
            that is to be made again is still there
        """
        if isinstance(step, AddLink):
            # Where a link is born under another name, the kernel would make a second one.
            if self._socket(step, step.netns).link(step.link.name) is not None:
                raise KernelError(f"cannot {step.describe()}: a link with that name exists", errno.EEXIST)
            if kind_of(step.link).is_endpoint and self._tagged(step, step.netns, step.link) is not None:
                raise KernelError(f"cannot {step.describe()}: the link exists under another name", errno.EEXIST)
            made.add((step.netns.path, step.link.name))
        if not isinstance(step, OfInterface) or (step.netns.path, step.ifname) in made:
            return
        link = self._socket(step, step.netns).link(step.ifname)
        if link is None or not link.ours:
            raise KernelError(f"cannot {step.describe()}: the link does not carry the collection's tag", errno.ENODEV)

    def _do(self, step: Step, settle: bool = False) -> None:
        if isinstance(step, Note):
            return
        if isinstance(step, CreateNetns):
            self._create_netns(step)
        elif isinstance(step, DeleteNetns):
            self._delete_netns(step, settle)
        elif isinstance(step, AddLink):
            self._add_link(step)
        elif isinstance(step, DeleteLink):
            self._delete_link(step, settle)
        elif isinstance(step, SetLink):
            self._set_link(step)
        elif isinstance(step, SetSysctls):
            self._set_sysctls(step)
        elif isinstance(step, OnLink):
            if isinstance(step, DeleteAddress):
                self._await_additions()
            self._queue(step, step.netns, _packed(step, self._index(step, step.netns, step.ifname)))

    def _await_additions(self) -> None:
        """Have no address go before the kernel has taken the one that comes in its stead.

        It goes on with a batch behind what it refuses, and with the last address of a family the routes of the link go, which
        are no steps of their own and so would not be put back.
        """
        if any(isinstance(queued.step, AddAddress) for queued in self._batch):
            self._flush_batch()

    # Namespaces

    def _create_netns(self, step: CreateNetns) -> None:
        self._flush()
        self._leave()
        try:
            self._walker.create(step.name, lambda: self._tag_loopback(step))
        except KernelError:
            self._leave()
            raise

    def _tag_loopback(self, step: CreateNetns) -> None:
        self._there, self._there_path = RouteSocket(), Netns("name", step.name).path
        (answer,) = self._there.exchange([pack.set_link(LOOPBACK_INDEX, up=True, alias=step.tag)])
        if answer.errno:
            raise _step_error(step, answer)

    def _delete_netns(self, step: DeleteNetns, settle: bool) -> None:
        self._flush_batch()
        netns = Netns("name", step.name)
        if settle and namespaces.is_placeholder(netns):
            namespaces.remove(step.name)
            return
        links = self._links(step, netns)
        lo = links.get("lo")
        if lo is None or lo.alias != step.tag:
            raise KernelError(f"cannot {step.describe()}: another namespace has that name now", errno.ENODEV)
        known = names.KERNEL_LINKS | self._deletions.links_in(netns)
        tenants = [name for name, link in links.items() if name not in known and not link.ours]
        if tenants:
            raise KernelError(f"cannot {step.describe()}: it holds {', '.join(tenants)} now, which the collection did not create")
        if settle and self._is_inhabited(netns):
            raise KernelError(f"cannot {step.describe()}: other programs use it")
        self._leave()
        for key in [key for key in self._indices if key[0] == netns.path]:
            del self._indices[key]
        self._deletions.add_netns(step)
        if self._deletions.enough:
            self._walker.go(HOST)
            self._deletions.let_go()

    # Links

    def _add_link(self, step: AddLink) -> None:
        self._flush_deletions()
        link = step.link
        place = step.netns.path, link.name
        self._indices.pop(place, None)
        kind = kind_of(link)
        if kind.is_endpoint:
            self._add_of_endpoint(step)
            return
        if kind.pack is not None:
            lower = self._index(step, HOST, t.cast(str, link.parent))
            details = Details(link.mode, link.vlan)
            self._queue(step, HOST, pack.add_link(kind, link.name, lower, details, link.mac, link.mtu, group=_birth_group(link)))
        else:
            self._flush()
            mac = t.cast(str, link.mac)
            self._by_link_maker(step, lambda maker: maker.add_dummy(link.name, mac, _birth_group(link)))
        self._nameless[place] = link.name
        self._queue(step, HOST, pack.set_link(0, found_by=link.name, alias=link.tag or "", group=0))

    def _add_of_endpoint(self, step: AddLink) -> None:
        """Make a link where it belongs; its name comes with its tag, in the first message of its own batch."""
        self._flush()
        link = step.link
        lower = self._index(step, HOST, t.cast(str, link.parent))
        self._go(step, step.netns)
        target = self._walker.descriptor if step.netns.path else None
        identifier = names.identifier_of(link.tag)
        born_as = link.name if identifier is None or self._can_be_born_as(step) else names.birth_name(identifier)
        group = _birth_group(link)
        place = step.netns.path, link.name
        kind, mode = kind_of(link), t.cast(str, link.mode)
        if self._many and mode in kind.quiet_modes:
            mode = kind.quiet_modes[mode]
            self._secluded[place] = step
        request = pack.add_link(kind, born_as, lower, Details(mode), link.mac, link.mtu, target, group)
        (answer,) = self._host.exchange([request])
        if answer.errno:
            raise _step_error(step, answer)
        try:
            index = socket.if_nametoindex(born_as)
        except OSError as exc:
            raise _step_error(step, attributes.Answer(exc.errno or errno.ENODEV, "it has disappeared again")) from exc
        self._indices[place] = index
        self._nameless[place] = born_as
        name = None if link.name == born_as else link.name
        self._queue(step, step.netns, pack.set_link(index, name=name, alias=link.tag, group=0))

    def _can_be_born_as(self, step: AddLink) -> bool:
        """Whether a link can have its name from the first.

        Before Linux 6.15 the kernel looks the name of a new link up in the namespace of whoever asks for it, not in
        the one where it is born (net/core/rtnetlink.c, __rtnl_newlink).
        """
        return not step.netns.path or LOOKS_WHERE_IT_BELONGS or self._host.link(step.link.name) is None

    def _by_link_maker(self, step: Step, make: t.Callable[[LinkMaker], attributes.Answer]) -> None:
        if self._link_maker is None:
            self._leave()
            self._walker.go(HOST)
            self._link_maker = LinkMaker()
        answer = make(self._link_maker)
        if answer.errno:
            raise _step_error(step, answer)

    def _delete_link(self, step: DeleteLink, settle: bool) -> None:
        self._flush_batch()
        # Of the host, which may have thousands, only the one.
        links = self._links(step, step.netns) if step.netns.path else {}
        found = links.get(step.link.name) if step.netns.path else self._host.link(step.link.name)
        identifier = names.identifier_of(step.link.tag)
        if settle and identifier and (found is None or not is_meant(found, step.link, or_untagged=True)):
            # Its creation may have been interrupted before it got its name, or others have given it another since.
            found = links.get(names.birth_name(identifier)) or self._tagged(step, step.netns, step.link)
        if found is None:
            raise KernelError(f"cannot {step.describe()}: it does not exist", errno.ENODEV)
        if not is_meant(found, step.link, or_untagged=settle):
            raise KernelError(f"cannot {step.describe()}: another link has that name now", errno.ENODEV)
        self._indices.pop((step.netns.path, step.link.name), None)
        self._deletions.add_link(Doomed(step, found), self._walker.descriptor)

    def _set_link(self, step: SetLink) -> None:
        if step.attribute == "vlan":
            index = self._index(step, step.netns, step.ifname)
            old, new = VlanFacts(**step.old), VlanFacts(**step.new)
            self._flush()
            self._by_link_maker(step, lambda maker: maker.change_vlan(index, old, new))
            return
        place = step.netns.path, step.ifname
        if place not in self._indices and place in self._nameless:
            self._queue(step, step.netns, pack.set_link(0, found_by=step.ifname, **{step.attribute: step.new}))
            return
        index = self._index(step, step.netns, step.ifname)
        if step.attribute == "mode":
            self._queue(step, step.netns, pack.set_mode(MACVLAN, index, step.new))
            return
        if step.attribute == "up" and place in self._secluded:
            # Only while it comes up is it one of those that hear each other.
            link = self._secluded[place].link
            kind, mode = kind_of(link), t.cast(str, link.mode)
            for request in (
                pack.set_mode(kind, index, mode),
                pack.set_link(index, up=step.new),
                pack.set_mode(kind, index, kind.quiet_modes[mode]),
            ):
                self._queue(step, step.netns, request)
            return
        self._queue(step, step.netns, pack.set_link(index, **{step.attribute: step.new}))
        if step.attribute == "name":
            self._flush()
            self._indices.pop(place, None)

    # Sysctls

    def _set_sysctls(self, step: SetSysctls) -> None:
        if (step.netns.path, step.ifname) not in self._nameless:
            self._flush_batch()
        self._go(step, step.netns)
        for item in step.settings:
            setting = setting_by_netlink(item.key, item.new)
            if setting is not None:
                index = self._index(step, step.netns, step.ifname)
                self._queue(step, step.netns, pack.set_ipv4_setting(index, setting, int(item.new)), item)
                if not self._knows_settings:
                    # What the kernel refuses is written in another way, and before the link comes up.
                    self._flush_batch()
            else:
                # A link that was just made gets its tag, and maybe its name, a moment later; until then it has its
                # first name.
                ifname = self._nameless.get((step.netns.path, step.ifname), step.ifname)
                _write_setting(step, item, ifname)

    def _take_setting(self, queued: _Queued, answer: attributes.Answer) -> None:
        """See that a setting is written that was sent with others: a kernel that refuses the message has the file.

        :raises KernelError: both ways are refused
        """
        if not answer.errno:
            self._knows_settings = True
        elif answer.errno == errno.ENODEV:
            raise _step_error(queued.step, answer)
        else:
            step, item = t.cast(SetSysctls, queued.step), t.cast(Sysctl, queued.setting)
            self._go(step, step.netns)
            try:
                _write_setting(step, item, step.ifname)
            except KernelError as exc:
                raise KernelError(f"{exc}; by netlink: {reason(answer)}", exc.errno, step) from exc

    # Batches

    def _queue(self, step: Step, netns: Netns, request: pack.Packed, setting: Sysctl | None = None) -> None:
        self._flush_deletions()
        self._seen = None
        if self._batch and self._batch_netns != netns or len(self._batch) >= LONGEST_BATCH:
            self._flush_batch()
        self._batch_netns = netns
        self._batch.append(_Queued(step, request, setting))

    def _flush(self) -> None:
        """Send what is queued, and delete what is to be deleted.

        :raises KernelError: naming the first step that was refused
        """
        self._flush_batch()
        self._flush_deletions()

    def _flush_batch(self) -> None:
        batch, self._batch = self._batch, []
        self._nameless.clear()
        if not batch:
            return
        sock = self._socket(batch[0].step, self._batch_netns)
        answers = sock.exchange([queued.request for queued in batch])
        # What comes after a refused step in its batch may have been done.
        self._refused += [
            queued.step for queued, answer in zip(batch, answers) if answer.errno and isinstance(queued.step, SINGLE)
        ]
        for queued, answer in zip(batch, answers):
            if queued.setting is not None:
                self._take_setting(queued, answer)
            elif answer.errno and not _has_gone(queued.step, answer):
                raise _step_error(queued.step, answer)

    def _flush_deletions(self) -> None:
        if self._deletions:
            self._leave()
            self._walker.go(HOST)
            self._deletions.carry_out()

    def _go(self, step: Step, netns: Netns) -> None:
        """Be in the namespace of a step."""
        if netns.path != self._there_path:
            self._leave()
        try:
            self._walker.go(netns)
        except KernelError as exc:
            raise KernelError(f"cannot {step.describe()}: {exc}", exc.errno, step) from exc

    def _socket(self, step: Step, netns: Netns) -> RouteSocket:
        if not netns.path:
            return self._host
        self._go(step, netns)
        if self._there is None:
            self._there, self._there_path = RouteSocket(), netns.path
        return self._there

    def _links(self, step: Step, netns: Netns) -> dict[str, Link]:
        """The links of a namespace, looked at once for deletions that follow each other."""
        sock = self._socket(step, netns)
        if self._seen is None:
            self._seen = read_links(sock)
        return self._seen

    def _tagged(self, step: Step, netns: Netns, wanted: LinkSpec) -> Link | None:
        """The link that carries the tag of the wanted one, under whichever name."""
        if netns.path:
            links = self._links(step, netns)
        else:
            self._of_host = links = self._of_host or read_links(self._host)
        return next((link for link in links.values() if link.alias and link.alias == wanted.tag), None)

    def _index(self, step: Step, netns: Netns, name: str) -> int:
        key = (netns.path, name)
        if key not in self._indices:
            self._flush_batch()
            link = self._socket(step, netns).link(name)
            if link is None:
                raise KernelError(
                    f"cannot {step.describe()}: there is no link {name}{netns.phrase or ' on this host'}", errno.ENODEV
                )
            self._indices[key] = link.index
        return self._indices[key]


def _has_gone(step: Step, answer: attributes.Answer) -> bool:
    """Whether an address has gone by itself: a temporary one of IPv6 does so with the one that it was made for."""
    return isinstance(step, DeleteAddress) and ":" in step.address and answer.errno == errno.EADDRNOTAVAIL


def _unless_already(exc: Exception) -> list[str]:
    """What to tell of a refusal: nothing when it is already so."""
    return [] if getattr(exc, "errno", 0) in ALREADY else [str(exc)]


def _write_setting(step: SetSysctls, item: Sysctl, ifname: str) -> None:
    """Write a setting of the namespace that the thread is in.

    :param ifname: what the interface is called at the moment
    """
    try:
        path = sysctl_path(names.sysctl_key(item.key, ifname))
        # Not to be made: where nothing can be written, a setting that is not there would look like one that is.
        with open(path, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags & ~os.O_CREAT)) as file:
            file.write(item.new)
    except OSError as exc:
        if item.optional and exc.errno == errno.ENOENT:
            return
        key = names.sysctl_key(item.key, step.ifname)
        message = f"cannot set {key} to '{item.new}'{step.netns.phrase}: {exc.strerror}"
        raise KernelError(message, exc.errno or 0, step) from exc


def _birth_group(link: LinkSpec) -> int:
    """What marks a link as ours until it has its tag; a foreign one that was removed by force has neither."""
    identifier = names.identifier_of(link.tag)
    return 0 if identifier is None else names.birth_group(identifier)


def _packed(step: OnLink, index: int) -> pack.Packed:
    if isinstance(step, AddAddress):
        return pack.add_address(index, step.address, step.peer)
    if isinstance(step, DeleteAddress):
        return pack.delete_address(index, step.address, step.peer)
    if isinstance(step, AddConnectedRoute):
        return pack.add_connected_route(index, step.address)
    if isinstance(step, AddRoute):
        return pack.add_route(index, step.route)
    if isinstance(step, DeleteRoute):
        return pack.delete_route(index, step.route)
    return pack.replace_route(index, t.cast(ReplaceRoute, step).new)


def _step_error(step: Step, answer: attributes.Answer) -> KernelError:
    hint = _hint(step, answer.errno)
    return KernelError(f"cannot {step.describe()}: {reason(answer)}{hint}", answer.errno, step)


def _hint(step: Step, code: int) -> str:
    """What would be right, for the refusals that people meet."""
    if isinstance(step, AddLink):
        link, kind = step.link, kind_of(step.link)
        if code == errno.EOPNOTSUPP:
            return f"; this kernel cannot make {kind.name} links: it lacks the module {kind.kernel_module}"
        if code in kind.hints:
            beside = "any macvlan or macvtap link" if kind.takes_parent(link.mode) else "a passthru link (macvlan or macvtap)"
            return kind.hints[code].format(link=link, beside=beside)
        if code == errno.EEXIST:
            return f"; the name {link.name} is taken"
    if code == errno.EADDRINUSE:
        return "; another link on the same parent, maybe in another namespace, has this MAC address"
    return ""
