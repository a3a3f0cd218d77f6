# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's edge: read links, addresses and routes, and do one step after the other."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import socket
import traceback
import typing as t

from . import codec, names, namespaces
from .errors import PYROUTE2, KernelError, MissingLibraryError
from .model import HOST, Kernel, Link, Needs, Netns, Route, Space, VlanFacts
from .steps import (
    AddAddress,
    AddLink,
    AddRoute,
    CreateNetns,
    DeleteAddress,
    DeleteLink,
    DeleteNetns,
    DeleteRoute,
    LinkSpec,
    Note,
    ReplaceRoute,
    SetLink,
    SetSysctls,
    Step,
)

SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 10, 11
RT_SCOPE_LINK = 253
RECEIVE_SIZE = 1 << 18
RECEIVE_BUFFER = 1 << 22
BATCH = 64
ANSWER_TIMEOUT = 30.0

# What "it is already so" looks like when a step is taken back or finished after an interruption.
ALREADY = frozenset(
    (errno.EEXIST, errno.ENOENT, errno.ENODEV, errno.ESRCH, errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.ENETUNREACH)
)

KERNEL_MODULES = {"vlan": "8021q", "dummy": "dummy", "macvlan": "macvlan"}


class RouteSocket:
    """A NETLINK_ROUTE socket; it belongs to the namespace in which it was opened, for good."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.settimeout(ANSWER_TIMEOUT)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        self._socket.close()

    def exchange(self, requests: t.Sequence[codec.Packed]) -> list[codec.Answer]:
        """Send many requests at once; one answer for each, in their order."""
        answers: list[codec.Answer] = []
        for start in range(0, len(requests), BATCH):
            part = requests[start : start + BATCH]
            first = self._send(part)
            found: dict[int, codec.Answer] = {}
            while len(found) < len(part):
                for message in self._receive():
                    if message.kind == codec.NLMSG_ERROR:
                        found[message.sequence] = codec.parse_answer(message)
            answers += [found[first + offset] for offset in range(len(part))]
        return answers

    def dump(self, request: codec.Packed) -> list[bytes]:
        """The bodies of a dump; asked again when the kernel says that it changed in between."""
        for dummy in range(5):
            bodies, consistent = self._dump_once(request)
            if consistent:
                return bodies
        return bodies

    def _dump_once(self, request: codec.Packed) -> tuple[list[bytes], bool]:
        sequence = self._send([request])
        bodies: list[bytes] = []
        consistent = True
        while True:
            for message in self._receive():
                if message.sequence != sequence:
                    continue
                consistent = consistent and not message.flags & codec.NLM_F_DUMP_INTR
                if message.kind == codec.NLMSG_DONE:
                    return bodies, consistent
                if message.kind == codec.NLMSG_ERROR:
                    answer = codec.parse_answer(message)
                    raise KernelError(f"cannot read the kernel's state: {_reason(answer)}", answer.errno)
                bodies.append(message.body)

    def link(self, name: str) -> Link | None:
        """The link of this name, None when there is none."""
        self._send([codec.get_link(name)])
        found: Link | None = None
        while True:
            for message in self._receive():
                if message.kind == codec.RTM_NEWLINK:
                    found = codec.parse_link(message.body)
                elif message.kind == codec.NLMSG_ERROR:
                    answer = codec.parse_answer(message)
                    if answer.errno not in (0, errno.ENODEV):
                        raise KernelError(f"cannot read link {name}: {_reason(answer)}", answer.errno)
                    return found

    def _send(self, requests: t.Sequence[codec.Packed]) -> int:
        """Send; the sequence number of the first, the others follow it."""
        first = self._sequence + 1
        self._sequence += len(requests)
        self._socket.send(
            b"".join(
                codec.message(request.kind, request.flags, first + offset, request.body)
                for offset, request in enumerate(requests)
            )
        )
        return first

    def _receive(self) -> t.Iterator[codec.Message]:
        try:
            return codec.messages(self._socket.recv(RECEIVE_SIZE))
        except OSError as exc:
            raise KernelError(f"no answer from the kernel: {exc}", exc.errno or 0) from exc


def _reason(answer: codec.Answer) -> str:
    words = os.strerror(answer.errno)
    return f"{words} ({answer.text.rstrip('.')})" if answer.text else words


def open_socket(netns: Netns) -> RouteSocket:
    """A socket in a namespace.

    :raises KernelError: the namespace is not there
    """
    with namespaces.entered(netns):
        return RouteSocket()


# --- reading --------------------------------------------------------------------------------------------------------


def read_kernel(needs: Needs, host: str, boot_id: str) -> Kernel:
    """What the plan needs to know, each namespace dumped once.

    :raises KernelError: a namespace is something else, or the kernel does not answer
    """
    spaces = {netns.path: read_space(netns, keys, needs) for netns, keys in needs.spaces.items()}
    identities = {
        netns.path: found
        for netns in {HOST, *needs.identities, *needs.spaces}
        if (found := namespaces.identity(netns)) is not None
    }
    by_pyroute2 = needs.kinds - {"macvlan"}
    return Kernel(
        host=host,
        boot_id=boot_id,
        spaces=spaces,
        identities=identities,
        missing_kinds=missing_kinds(needs.kinds),
        unknown_settings=frozenset(key for netns, key in needs.settings if not _has_setting(netns, key)),
        dangling=frozenset(netns.path for netns in needs.spaces if namespaces.is_dangling(netns)),
        has_pyroute2=not by_pyroute2 or importlib.util.find_spec("pyroute2") is not None,
    )


def read_space(netns: Netns, sysctls: t.Iterable[str], needs: Needs) -> Space | None:
    """One namespace, None when it does not exist.

    :raises KernelError: it is no namespace, or the kernel does not answer
    """
    if namespaces.identity(netns) is None:
        return None
    with contextlib.closing(open_socket(netns)) as sock:
        links = [codec.parse_link(body) for body in sock.dump(codec.dump_links())]
        addresses: dict[int, tuple[str, ...]] = {}
        for body in sock.dump(codec.dump_addresses()):
            index, address, scope = codec.parse_address(body)
            if scope != RT_SCOPE_LINK:
                addresses[index] = (*addresses.get(index, ()), address)
        routes = _read_routes(sock) if netns.path or needs.host_routes else {}
    return Space(
        links={link.name: link for link in links},
        addresses=addresses,
        routes=routes,
        sysctls=_read_sysctls(netns, sysctls),
        strangers=namespaces.processes_in(netns) if netns in needs.strangers else (),
    )


def _read_routes(sock: RouteSocket) -> dict[int, tuple[Route, ...]]:
    routes: dict[int, tuple[Route, ...]] = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        for body in sock.dump(codec.dump_routes(family)):
            found = codec.parse_route(body)
            if found is not None:
                routes[found[0]] = (*routes.get(found[0], ()), found[1])
    return routes


def _read_sysctls(netns: Netns, keys: t.Iterable[str]) -> dict[str, str]:
    wanted = tuple(keys)
    if not wanted:
        return {}
    found: dict[str, str] = {}
    with namespaces.entered(netns):
        for key in wanted:
            try:
                with open(sysctl_path(key), encoding="ascii") as file:
                    found[key] = " ".join(file.read().split())
            except OSError:
                continue
    return found


def _has_setting(netns: Netns, key: str) -> bool:
    """Whether there is such a setting; a namespace that is still to be made will have what the host has."""
    place = netns if namespaces.identity(netns) is not None else HOST
    with namespaces.entered(place):
        return os.path.exists(sysctl_path(key))


def sysctl_path(key: str) -> str:
    """The file of a sysctl; a dot of an interface name is written ``/`` in the key, as in sysctl.d(5)."""
    return "/proc/sys/" + key.translate(str.maketrans("./", "/."))


def missing_kinds(kinds: t.Iterable[str]) -> frozenset[str]:
    """Those kinds of link that this kernel cannot make, found out without loading a module."""
    return frozenset(kind for kind in kinds if not _can_make(kind))


def _can_make(kind: str) -> bool:
    module = KERNEL_MODULES[kind]
    if os.path.isdir(f"/sys/module/{module}"):
        return True
    folder = f"/lib/modules/{os.uname().release}"
    for index in ("modules.dep", "modules.builtin"):
        try:
            with open(f"{folder}/{index}", encoding="utf-8") as file:
                if any(f"/{module}.ko" in line.partition(":")[0] for line in file):
                    return True
        except OSError:
            continue
    # No module to load, so asking cannot load one; a request without what every kind needs cannot make a link either.
    with contextlib.closing(RouteSocket()) as sock:
        return sock.exchange([codec.impossible_link(kind)])[0].errno != errno.EOPNOTSUPP


def tagged_links() -> dict[str, tuple[str, ...]]:
    """Place → tagged links in it, for the host's own namespace and the named ones.

    Those of containers are not looked at: they may run this collection themselves.
    """
    found: dict[str, tuple[str, ...]] = {}
    for netns in (HOST, *namespaces.named()):
        try:
            space = read_space(netns, (), Needs())
        except KernelError:  # a name without a namespace behind it holds no links
            continue
        for link in space.links.values() if space else ():
            if link.ours:
                found[netns.title] = (*found.get(netns.title, ()), link.name)
    return found


# --- writing --------------------------------------------------------------------------------------------------------


class KernelWriter:
    """Does steps. Neighbouring messages to one namespace go out as one batch.

    :ivar reached: how many of the steps given to :meth:`apply` may have had an effect
    """

    def __init__(self) -> None:
        self._sockets: dict[str, RouteSocket] = {}
        self._indices: dict[tuple[str, str], int] = {}
        self._batch: list[tuple[Step, codec.Packed]] = []
        self._batch_netns = HOST
        self._vlan_maker: t.Any = None
        self.reached = 0

    def close(self) -> None:
        for sock in self._sockets.values():
            sock.close()
        self._sockets.clear()
        if self._vlan_maker is not None:
            self._vlan_maker.close()
            self._vlan_maker = None

    def apply(self, steps: t.Sequence[Step]) -> None:
        """Do all steps, in order.

        :raises KernelError: one was refused; ``reached`` says how far this came
        """
        self.reached = 0
        for position, step in enumerate(steps):
            self.reached = position + 1
            self._do(step)
        self._flush()

    def settle(self, steps: t.Sequence[Step]) -> list[str]:
        """Do steps of which some may be done already; what went wrong, a sentence each."""
        problems = []
        self._batch.clear()
        self._indices.clear()
        made: set[tuple[str, str]] = set()
        for step in steps:
            try:
                self._check_ours(step, made)
                self._do(step, settle=True)
                self._flush()
            except (KernelError, MissingLibraryError) as exc:
                self._batch.clear()
                if getattr(exc, "errno", 0) not in ALREADY:
                    problems.append(str(exc))
        return problems

    def _check_ours(self, step: Step, made: set[tuple[str, str]]) -> None:
        """Between an interruption and now, others may have used the names: touch only links that carry our tag.

        :param made: links made again here; a foreign one that was removed by force has no tag
        :raises KernelError: with ENODEV, when the link of the step is not there or not ours
        """
        if isinstance(step, AddLink):
            made.add((step.netns.path, step.link.name))
        if isinstance(step, (Note, CreateNetns, DeleteNetns, AddLink, DeleteLink)):
            return
        if (step.netns.path, step.ifname) in made:
            return
        link = self._socket(step, step.netns).link(step.ifname)
        if link is None or not link.ours:
            raise KernelError(f"cannot {step.describe()}: the link is not ours", errno.ENODEV)

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
        else:
            self._queue(step, step.netns, _packed(step, self._index(step, step.netns, step.ifname)))

    # Namespaces

    def _create_netns(self, step: CreateNetns) -> None:
        self._flush()

        def tag_loopback() -> None:
            with contextlib.closing(RouteSocket()) as sock:
                lo = t.cast(Link, sock.link("lo"))
                (answer,) = sock.exchange([codec.set_link(lo.index, up=True, alias=step.tag)])
                if answer.errno:
                    raise _step_error(step, answer)

        namespaces.create(step.name, tag_loopback)

    def _delete_netns(self, step: DeleteNetns, settle: bool) -> None:
        self._flush()
        netns = Netns("name", step.name)
        if namespaces.identity(netns) is None:
            raise KernelError(f"cannot {step.describe()}: it is not there", errno.ENOENT)
        self._forget(netns)
        space = t.cast(Space, read_space(netns, (), Needs()))
        lo = space.links.get("lo")
        if lo is None or lo.alias != step.tag:
            raise KernelError(f"cannot {step.describe()}: another namespace has that name now", errno.ENODEV)
        tenants = [name for name, link in space.links.items() if name not in names.KERNEL_LINKS and not link.ours]
        if settle and (tenants or namespaces.processes_in(netns)):
            raise KernelError(f"cannot {step.describe()}: others have moved in")
        namespaces.remove(step.name)

    def _forget(self, netns: Netns) -> None:
        """An open socket would keep the namespace alive after its name is gone."""
        sock = self._sockets.pop(netns.path, None)
        if sock is not None:
            sock.close()
        for key in [key for key in self._indices if key[0] == netns.path]:
            del self._indices[key]

    # Links

    def _add_link(self, step: AddLink) -> None:
        self._flush()
        link = step.link
        if link.kind == "macvlan":
            self._add_macvlan(step)
        else:
            self._add_by_pyroute2(step)
        born_as = _birth_name(step)
        self._indices.pop((step.netns.path, born_as), None)
        index = self._index(step, step.netns, born_as)
        del self._indices[step.netns.path, born_as]
        self._indices[step.netns.path, link.name] = index
        name = None if link.name == born_as else link.name
        self._queue(step, step.netns, codec.set_link(index, name=name, alias=link.tag))

    def _add_macvlan(self, step: AddLink) -> None:
        link = step.link
        lower = self._index(step, HOST, t.cast(str, link.parent))
        with contextlib.ExitStack() as stack:
            target: int | None = None
            if step.netns.path:
                target = namespaces.open_netns(step.netns)
                stack.callback(os.close, target)
            request = codec.add_macvlan(_birth_name(step), lower, t.cast(str, link.mode), link.mac, link.mtu, target)
            self._queue(step, HOST, request)
            self._flush()

    def _add_by_pyroute2(self, step: AddLink) -> None:
        link = step.link
        arguments: dict[str, t.Any] = {"ifname": link.name, "kind": link.kind}
        if link.parent is not None:
            arguments["link"] = self._index(step, HOST, link.parent)
        if link.mac is not None:
            arguments["address"] = link.mac
        if link.mtu is not None:
            arguments["mtu"] = link.mtu
        if link.vlan is not None:
            arguments["vlan_id"] = link.vlan.vlan_id
            arguments["vlan_protocol"] = codec.VLAN_PROTOCOLS[link.vlan.protocol]
            arguments.update(_vlan_arguments(None, link.vlan))
        self._ask_pyroute2(step, "add", arguments)

    def _ask_pyroute2(self, step: Step, command: str, arguments: dict[str, t.Any]) -> None:
        try:
            from pyroute2 import IPRoute  # here, because it costs more than most whole runs
            from pyroute2.netlink.exceptions import NetlinkError
        except ImportError as exc:
            raise MissingLibraryError(PYROUTE2, traceback.format_exc()) from exc
        if self._vlan_maker is None:
            self._vlan_maker = IPRoute()
        try:
            self._vlan_maker.link(command, **arguments)
        except NetlinkError as exc:
            raise _step_error(step, codec.Answer(exc.code, "")) from exc

    def _delete_link(self, step: DeleteLink, settle: bool) -> None:
        self._flush()
        sock = self._socket(step, step.netns)
        born_as = _birth_name(step)
        found = sock.link(step.link.name)
        if settle and born_as != step.link.name and (found is None or not is_meant(found, step.link)):
            # Its creation may have been interrupted before it got its name.
            found = sock.link(born_as)
        if found is None:
            raise KernelError(f"cannot {step.describe()}: it is not there", errno.ENODEV)
        if not is_meant(found, step.link, or_untagged=settle and found.name == born_as):
            raise KernelError(f"cannot {step.describe()}: another link has that name now", errno.ENODEV)
        self._indices.pop((step.netns.path, step.link.name), None)
        self._queue(step, step.netns, codec.delete_link(found.index))

    def _set_link(self, step: SetLink) -> None:
        index = self._index(step, step.netns, step.ifname)
        if step.attribute == "vlan":
            self._flush()
            old, new = VlanFacts(**step.old), VlanFacts(**step.new)
            arguments = {"index": index, "kind": "vlan", **_vlan_arguments(old, new)}
            self._ask_pyroute2(step, "set", arguments)
            return
        if step.attribute == "mode":
            self._queue(step, step.netns, codec.set_macvlan_mode(index, step.new))
            return
        self._queue(step, step.netns, codec.set_link(index, **{step.attribute: step.new}))
        if step.attribute == "name":
            self._flush()
            self._indices.pop((step.netns.path, step.ifname), None)

    # Sysctls

    def _set_sysctls(self, step: SetSysctls) -> None:
        self._flush()
        with namespaces.entered(step.netns):
            for item in step.settings:
                key = names.sysctl_key(item.key, step.ifname)
                try:
                    with open(sysctl_path(key), "w", encoding="ascii") as file:
                        file.write(item.new)
                except OSError as exc:
                    if item.optional and exc.errno == errno.ENOENT:
                        continue
                    raise KernelError(
                        f"cannot set {key} to '{item.new}'{step.netns.phrase}: {exc.strerror}", exc.errno or 0
                    ) from exc

    # The batch

    def _queue(self, step: Step, netns: Netns, request: codec.Packed) -> None:
        if self._batch and self._batch_netns != netns:
            self._flush()
        self._batch_netns = netns
        self._batch.append((step, request))

    def _flush(self) -> None:
        """Send what is queued.

        :raises KernelError: naming the first step that was refused
        """
        batch, self._batch = self._batch, []
        if not batch:
            return
        sock = self._socket(batch[0][0], self._batch_netns)
        for (step, dummy), answer in zip(batch, sock.exchange([request for dummy, request in batch])):
            if answer.errno:
                raise _step_error(step, answer)

    def _socket(self, step: Step, netns: Netns) -> RouteSocket:
        if netns.path not in self._sockets:
            try:
                self._sockets[netns.path] = open_socket(netns)
            except KernelError as exc:
                raise KernelError(f"cannot {step.describe()}: {exc}", exc.errno) from exc
        return self._sockets[netns.path]

    def _index(self, step: Step, netns: Netns, name: str) -> int:
        key = (netns.path, name)
        if key not in self._indices:
            self._flush()
            link = self._socket(step, netns).link(name)
            if link is None:
                raise KernelError(
                    f"cannot {step.describe()}: there is no link {name}{netns.phrase or ' on this host'}", errno.ENODEV
                )
            self._indices[key] = link.index
        return self._indices[key]


def is_meant(found: Link, wanted: LinkSpec, or_untagged: bool = False) -> bool:
    """Whether a link is the one that a step speaks of: kind, VLAN and tag, not the name alone.

    :param or_untagged: a link whose creation was interrupted has no tag yet, and is known by its MAC and mode
    """
    if found.kind != wanted.kind:
        return False
    if wanted.vlan is not None and (found.vlan is None or found.vlan.vlan_id != wanted.vlan.vlan_id):
        return False
    if found.alias or not or_untagged:
        return found.alias == (wanted.tag or "")
    return wanted.mac in (None, found.mac) and wanted.mode == found.macvlan_mode


def _birth_name(step: AddLink | DeleteLink) -> str:
    """The name to make a link under: its own on the host, one that no link has in another namespace.

    The name gets replaced in the message that tags the link, so a link under its own name always has its tag.
    """
    if not step.netns.path or step.link.tag is None:
        return step.link.name
    return names.birth_name(step.link.tag[len(names.TAG_PREFIX) :])


def _packed(step: AddAddress | DeleteAddress | AddRoute | DeleteRoute | ReplaceRoute, index: int) -> codec.Packed:
    if isinstance(step, AddAddress):
        return codec.add_address(index, step.address)
    if isinstance(step, DeleteAddress):
        return codec.delete_address(index, step.address)
    if isinstance(step, AddRoute):
        return codec.add_route(index, step.route)
    if isinstance(step, DeleteRoute):
        return codec.delete_route(index, step.route)
    return codec.replace_route(index, step.new)


def _vlan_arguments(old: VlanFacts | None, new: VlanFacts) -> dict[str, t.Any]:
    """pyroute2's arguments for flags and priority maps; an entry that went is mapped to 0, which unmaps it."""
    flags = sum(bit for name, bit in codec.VLAN_FLAGS.items() if getattr(new, name))
    arguments: dict[str, t.Any] = {"vlan_flags": {"flags": flags, "mask": sum(codec.VLAN_FLAGS.values())}}
    for direction in ("ingress", "egress"):
        wanted: dict[str, int] = getattr(new, f"{direction}_qos_map")
        unmapped = {} if old is None else dict.fromkeys(getattr(old, f"{direction}_qos_map"), 0)
        pairs = {**unmapped, **wanted}
        if pairs:
            arguments[f"vlan_{direction}_qos"] = {
                "attrs": [
                    ("IFLA_VLAN_QOS_MAPPING", {"from": int(source), "to": target}) for source, target in pairs.items()
                ]
            }
    return arguments


def _step_error(step: Step, answer: codec.Answer) -> KernelError:
    hint = _hint(step, answer.errno)
    return KernelError(f"cannot {step.describe()}: {_reason(answer)}{hint}", answer.errno)


def _hint(step: Step, code: int) -> str:
    """What would be right, for the refusals that people meet."""
    if isinstance(step, AddLink):
        link = step.link
        if code == errno.EOPNOTSUPP:
            module = KERNEL_MODULES.get(link.kind, link.kind)
            return f"; this kernel cannot make {link.kind} links: it lacks the module {module}"
        if code == errno.EBUSY and link.kind == "macvlan":
            return f"; {link.parent} is in use by a bridge, bond, team, ipvlan or macsec, which cannot share it"
        if code == errno.EINVAL and link.kind == "macvlan":
            return f"; {link.parent} may carry a passthru macvlan, which cannot share it"
        if code == errno.EEXIST and link.kind == "vlan":
            return f"; {link.parent} has that VLAN under another name, or the name {link.name} is taken"
        if code == errno.EEXIST:
            return f"; the name {link.name} is taken"
    if code == errno.EADDRINUSE:
        return "; another link on the same parent has this MAC address"
    return ""
