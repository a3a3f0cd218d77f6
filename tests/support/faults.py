# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may happen to a run. Each fault is a hook for a process of its own, or what a run in one that stays takes place within."""

from __future__ import annotations

import errno
import mmap
import os
import signal
import struct
import subprocess
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import KernelError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import batch, machine, probe_links, route_socket, write
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store import session
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.session import Session
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import ask, attributes, constants


def nothing(*_arguments: t.Any) -> None:
    """What happens on the side of a call that is of no interest."""


def around(
    owner: t.Any, name: str, before: t.Callable[..., object] = nothing, after: t.Callable[..., object] = nothing
) -> None:
    """Have something happen before and after each call of a function, given its arguments."""
    function = getattr(owner, name)

    def call(*arguments: t.Any, **kwargs: t.Any) -> t.Any:
        before(*arguments)
        result = function(*arguments, **kwargs)
        after(*arguments)
        return result

    setattr(owner, name, call)


class SharedText:
    """A text that the processes share which have this object, by a fork or because it was sent to them."""

    def __init__(self, path: str | None = None) -> None:
        self._file = os.memfd_create("text") if path is None else os.open(path, os.O_RDWR | os.O_CLOEXEC)
        os.truncate(self._file, mmap.PAGESIZE)
        self._memory = mmap.mmap(self._file, mmap.PAGESIZE)

    def __reduce__(self) -> tuple[type[SharedText], tuple[str]]:
        return SharedText, (f"/proc/{os.getpid()}/fd/{self._file}",)

    def __del__(self) -> None:
        os.close(self._file)

    def write(self, text: str) -> None:
        """Replace it; of one that is longer than a page, the beginning."""
        self._memory[:] = text.encode()[: mmap.PAGESIZE].ljust(mmap.PAGESIZE, b"\0")

    def read(self) -> str:
        """What was written last; empty if nothing was."""
        return self._memory[:].rstrip(b"\0").decode()


class Fault:
    """Something that befalls a run at one place; it tells where, also when the run does not live to do so."""

    def __init__(self, position: int | None = None) -> None:
        self._position = position
        self._seen = 0
        self._place = SharedText()
        self._replaced: list[tuple[t.Any, str, t.Any]] = []

    @property
    def place(self) -> str:
        """Where it struck; empty as long as it has not."""
        return self._place.read()

    def __call__(self) -> None:
        """Have it befall what this process runs from now on."""
        raise NotImplementedError

    def __enter__(self) -> None:
        self()

    def __exit__(self, *dummy: object) -> None:
        for owner, name, function in reversed(self._replaced):
            setattr(owner, name, function)

    def _around(
        self, owner: t.Any, name: str, before: t.Callable[..., object] = nothing, after: t.Callable[..., object] = nothing
    ) -> None:
        self._replaced.append((owner, name, getattr(owner, name)))
        around(owner, name, before, after)

    def _arrives(self) -> bool:
        """Whether the run is at the position of this fault now; the calls are counted from 0."""
        self._seen += 1
        return self._seen - 1 == self._position

    def _strike(self, place: str) -> None:
        self._place.write(place)


class Death(Fault):
    """The process is killed at one of the moments of its run, which are counted from 0.

    There is one before and one after each step, each writing of the intention, and each writing of the result, and one
    within the latter. Before a step, messages of earlier steps may wait to be sent; after a step it has been done.
    """

    def __call__(self) -> None:
        def before_step(writer: t.Any, step: t.Any, *dummy: t.Any) -> None:
            self._moment(f"before the step: {step.describe()}")

        def after_step(writer: t.Any, step: t.Any, *dummy: t.Any) -> None:
            self._moment(f"after the step: {step.describe()}", writer.flush)

        self._around(write.KernelWriter, "do", before_step, after_step)
        for name in ("intend", "record", "forget_intention"):
            self._around(
                Session,
                name,
                lambda *dummy, name=name: self._moment(f"before {name}"),
                lambda *dummy, name=name: self._moment(f"after {name}"),
            )
        self._around(session, "apply_rows", after=lambda *dummy: self._moment("within record"))

    def _moment(self, name: str, prepare: t.Callable[[], object] = nothing) -> None:
        if self._arrives():
            prepare()
            self._strike(name)
            self._befall()

    def _befall(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Stall(Death):
    """The process stands still at one of those moments, and goes on when it is told so by SIGCONT."""

    def _befall(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)


class DeathBetweenMessages(Fault):
    """The process is killed when it is about to send this many messages, or batches of them, for a change."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self._sent: int | None = None

    def __call__(self) -> None:
        # One message each, so that death comes between any two.
        route_socket.BATCH = 1
        self._around(write.KernelWriter, "apply", self._begin)
        # What is sent when the links that ask neighbours are taken away comes after the last change.
        self._around(probe_links.ProbeLinks, "close", self._end)
        self._around(route_socket.RouteSocket, "send", self._count)

    def _begin(self, *_arguments: t.Any) -> None:
        self._sent = 0

    def _end(self, *_arguments: t.Any) -> None:
        self._sent = None

    def _count(self, *_arguments: t.Any) -> None:
        if self._sent == self._position:
            self._strike(f"before message {self._position}")
            os.kill(os.getpid(), signal.SIGKILL)
        if self._sent is not None:
            self._sent += 1


class StepFailure(Fault):
    """The step of this position fails after it was done, as when the kernel refuses its last part."""

    def __call__(self) -> None:
        self._around(write.KernelWriter, "do", after=self._fail)

    def _fail(self, writer: t.Any, step: t.Any, replay: t.Any = None) -> None:
        if replay is None and self._arrives():
            writer.flush()
            self._strike(step.describe())
            raise KernelError(f"cannot {step.describe()}: injected")


class Refusal(Fault):
    """The kernel refuses a message for a change: the one of this position, or all of one step.

    It does not do what the message asks for, but does what the rest of the batch asks for. Only a link that is said
    not to be there when it is to be deleted really is not: somebody else was faster.

    :ivar place: the step of the message; ``DELETIONS`` where steps share their messages
    """

    DELETIONS = "links that are deleted together"

    def __init__(self, code: int, position: int | None = None, step: str | None = None) -> None:
        super().__init__(position)
        self._code, self._step = code, step
        self._at_work = False
        self._asking = 0
        self._doing = [self.DELETIONS]
        self._queued: dict[int, tuple[ask.Packed, str]] = {}

    def __call__(self) -> None:
        writer = write.KernelWriter
        self._around(writer, "apply", lambda *dummy: self._work(True), lambda *dummy: self._work(False))
        # Links that ask neighbours are no steps; where the kernel refuses one, the parent asks.
        for name in ("add", "close"):
            self._around(probe_links.ProbeLinks, name, lambda *dummy: self._ask(1), lambda *dummy: self._ask(-1))
        self._around(writer, "ensure_done", lambda *dummy: self._work(False))
        self._around(writer, "do", lambda dummy, step, *_: self._doing.append(step.describe()), self._end)
        self._around(batch.Batch, "flush_deletions", lambda *dummy: self._doing.append(self.DELETIONS), self._end)
        self._around(batch.Batch, "queue", self._note)
        exchange = route_socket.RouteSocket.exchange
        self._replaced.append((route_socket.RouteSocket, "exchange", exchange))

        def refusing(sock: route_socket.RouteSocket, requests: t.Sequence[ask.Packed]) -> list[attributes.Answer]:
            refusals = {id(request): answer for request in requests if (answer := self._refusal(request)) is not None}
            sent = [request for request in requests if id(request) not in refusals or self._is_gone(request)]
            answers = dict(zip(map(id, sent), exchange(sock, sent), strict=True))
            return [{**answers, **refusals}[id(request)] for request in requests]

        route_socket.RouteSocket.exchange = refusing  # type: ignore[assignment, method-assign]

    def _work(self, begins: bool) -> None:
        self._at_work = begins
        self._doing = [self.DELETIONS]

    def _ask(self, change: int) -> None:
        self._asking += change

    def _end(self, *_arguments: t.Any) -> None:
        self._doing.pop()

    def _note(self, _batch: t.Any, step: t.Any, _netns: t.Any, request: ask.Packed, *_setting: t.Any) -> None:
        # With the request itself, so that no other one gets its id.
        self._queued[id(request)] = request, step.describe()

    def _refusal(self, request: ask.Packed) -> attributes.Answer | None:
        dummy, step = self._queued.get(id(request), (request, self._doing[-1]))
        if not self._at_work or self._asking or not (step == self._step if self._step else self._arrives()):
            return None
        self._strike(step)
        return attributes.Answer(self._code, f"injected into {step}")

    def _is_gone(self, request: ask.Packed) -> bool:
        return self._code == errno.ENODEV and request.kind == constants.RTM_DELLINK


class FullDisk(Fault):
    """The disk is full when the intention, or the result, is about to be written: a file takes all that is left.

    :param moment: ``intend`` or ``record``
    :param ballast: the file, on the file system of the state directory
    """

    def __init__(self, moment: str, ballast: str) -> None:
        super().__init__()
        self._moment, self._ballast = moment, ballast

    def __call__(self) -> None:
        self._around(Session, self._moment, self._fill)

    def _fill(self, *_arguments: t.Any) -> None:
        subprocess.run(["sh", "-c", 'cat /dev/zero >"$1" 2>/dev/null', "sh", self._ballast], check=False)
        self._strike(self._moment)


class Clock:
    """The clock of the runs that have it as a hook, and of what they leave behind: it can be put forward."""

    def __init__(self) -> None:
        self._ahead = mmap.mmap(-1, mmap.PAGESIZE)

    def __call__(self) -> None:
        uptime = machine.uptime
        machine.uptime = lambda: uptime() + struct.unpack_from("d", self._ahead)[0]  # type: ignore[assignment]

    def put_forward(self, seconds: float) -> None:
        struct.pack_into("d", self._ahead, 0, seconds)


class Tries:
    """How often the run that has it as a hook has begun to do steps."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, mmap.PAGESIZE)

    def __call__(self) -> None:
        around(write.KernelWriter, "apply", self._count)

    def _count(self, *_arguments: t.Any) -> None:
        struct.pack_into("I", self._shared, 0, self.number + 1)

    @property
    def number(self) -> int:
        return int(struct.unpack_from("I", self._shared)[0])
