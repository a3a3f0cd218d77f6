# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that stays and does things where a machine is, one after another."""

from __future__ import annotations

import ctypes
import fcntl
import functools
import multiprocessing.connection
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
import typing as t

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SECONDS_TO_RUN = 300

LIBC = ctypes.CDLL(None, use_errno=True)

Namespaces = list[tuple[int, int]]


class Worker:
    """A fork of this process that calls functions inside machines.

    A fork is cheap, but each page that the child touches afterwards is copied, which under user-mode-linux is nine
    tenths of what the run of a module costs. What a function leaves behind in the process would be met by the next one;
    a worker that is not as it was before therefore ends, and another one takes its place.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()

        def listen() -> int:
            ours.close()
            serve(multiprocessing.connection.Connection(theirs.detach()))
            return 0

        self.pid = fork(listen)
        theirs.close()
        self._connection = multiprocessing.connection.Connection(ours.detach())
        self._function: t.Callable[[], t.Any] | None = None
        self.usable = True

    def call(self, machine: int, netns: str | None, function: t.Callable[[], t.Any], timeout: float) -> t.Any:
        """What a function returns there; what it raises, or its silence, is an AssertionError."""
        self.begin(machine, netns, function)
        return self.finish(timeout)

    def begin(self, machine: int, netns: str | None, function: t.Callable[[], t.Any]) -> None:
        """Have it call a function there; what comes of it is told by finish."""
        self._function = function
        try:
            self._connection.send((machine, netns, function))
        except BaseException:
            self.end()
            raise

    def finish(self, timeout: float) -> t.Any:
        """What the function has returned that it was told to call; what that raised, or its silence, is an AssertionError."""
        answer = self._answer(timeout)
        if answer is None:
            raise AssertionError(f"{self._function} ended its process, or still ran after {timeout} s")
        value, trouble, self.usable = answer
        if not self.usable:
            self.end()
        assert not trouble, trouble
        return value

    def _answer(self, timeout: float) -> tuple[t.Any, str, bool] | None:
        try:
            if self._connection.poll(timeout):
                return t.cast("tuple[t.Any, str, bool]", self._connection.recv())
        except (EOFError, ConnectionError):
            pass
        except BaseException:
            # The answer to this request must not be taken for that to the next one.
            self.end()
            raise
        self.end()
        return None

    def end(self) -> None:
        """Kill it."""
        self.usable = False
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._connection.close()


class Workers:
    """The worker of this process, made when it is needed."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._owner = 0

    def call(
        self,
        machine: int,
        function: t.Callable[[], t.Any],
        netns: str | None = None,
        timeout: float = SECONDS_TO_RUN,
    ) -> t.Any:
        """Call a function in the namespaces of a process, or in a network namespace that is named there.

        :param function: something that pickle finds by its name, such as a function of a module or a partial of one
        :raises AssertionError: with what the function has raised, or when it takes longer than timeout
        """
        # A fork of this process has the worker's connection too; two that ask at once would get each other's answers.
        if self._worker is None or not self._worker.usable or self._owner != os.getpid():
            self._worker, self._owner = Worker(), os.getpid()
        return self._worker.call(machine, netns, function, timeout)


WORKERS = Workers()


class Crew:
    """Workers that do something at the same time."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []

    def call(self, machine: int, functions: t.Sequence[t.Callable[[], t.Any]], timeout: float) -> list[t.Any]:
        """Call all functions where a machine is, each in a process of its own, from the moment on when the last is ready.

        :raises AssertionError: as soon as one has raised something, or takes longer than timeout
        """
        self._workers = [worker for worker in self._workers if worker.usable]
        self._workers += [Worker() for dummy in functions[len(self._workers) :]]
        workers = self._workers[: len(functions)]
        arrived, arriving = os.pipe()
        gate = os.memfd_create("gate")
        fcntl.flock(gate, fcntl.LOCK_EX)
        try:
            for worker, function in zip(workers, functions, strict=True):
                opening = functools.partial(through_gate, os.getpid(), arriving, gate, function)
                worker.begin(machine, None, opening)
            for dummy in workers:
                assert select.select([arrived], [], [], timeout)[0] and os.read(arrived, 1), "not all have arrived"
            fcntl.flock(gate, fcntl.LOCK_UN)
            deadline = time.monotonic() + timeout
            return [worker.finish(max(0.0, deadline - time.monotonic())) for worker in workers]
        except BaseException:
            # The answers of the others must not be taken for those to the next requests.
            self.close()
            raise
        finally:
            for descriptor in (arrived, arriving, gate):
                os.close(descriptor)

    def close(self) -> None:
        """Kill those that are there."""
        for worker in self._workers:
            if worker.usable:
                worker.end()
        self._workers = []


def through_gate(owner: int, arriving: int, gate: int, function: t.Callable[[], t.Any]) -> t.Any:
    """Say that one has arrived, wait until the gate is open, and call the function; both are descriptors of another process."""
    with open(f"/proc/{owner}/fd/{arriving}", "wb", buffering=0) as telling:
        telling.write(b".")
    with open(f"/proc/{owner}/fd/{gate}", "rb") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_SH)
    return function()


def serve(connection: multiprocessing.connection.Connection) -> None:
    """Do what is asked for until nobody asks any more, or until a function has changed this process."""
    home = namespaces_of("self")
    while True:
        try:
            machine, netns, function = connection.recv()
        except EOFError:
            return
        value, trouble, before = None, "", marks()
        try:
            enter(machine, netns)
            value = function()
        except BaseException:  # noqa: BLE001 - whoever has asked is to know
            trouble = traceback.format_exc()
        reusable = marks() == before and is_back(home)
        connection.send((value, trouble, reusable))
        if not reusable:
            return


def is_back(home: Namespaces) -> bool:
    """Go where this process came from; the kernel lets no process with several threads do so, even if they are about to end."""
    try:
        switch(home)
    except OSError:
        return False
    return True


def marks() -> tuple[object, ...]:
    """What a function could leave behind in its process: open files, threads, handlers of signals, the mask of new files."""
    mask = os.umask(0)
    os.umask(mask)
    handlers = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
    return sorted(os.listdir("/proc/self/fd")), threading.active_count(), handlers, mask


def fork(main: t.Callable[[], int]) -> int:
    """Call a function in a fork of this process, which dies with it, and ends with what that returns; the pid."""
    # What waits in a buffer here would be written twice.
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            die_with_parent()
            code = main()
        finally:
            # Without the exit handlers, which belong to pytest.
            os._exit(code)
    return pid


def die_with_parent() -> None:
    if LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def enter(pid: int, netns: str | None = None) -> None:
    """Go where another process is, or into a namespace that is named there; this leaves the folder that one was in, too."""
    there = namespaces_of(pid)
    switch(there)
    close(there)
    if netns is not None:
        enter_named(netns)


def enter_named(netns: str) -> None:
    """Go into the network namespace that has this name where this process is."""
    named = [(CLONE_NEWNET, os.open(f"/run/netns/{netns}", os.O_RDONLY | os.O_CLOEXEC))]
    try:
        switch(named)
    finally:
        close(named)


def namespaces_of(pid: int | str) -> Namespaces:
    """Kind and descriptor of each; opened before the first step, because afterwards /proc may look different."""
    kinds = {"net": CLONE_NEWNET, "mnt": CLONE_NEWNS}
    return [(kind, os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)) for name, kind in kinds.items()]


def switch(namespaces: Namespaces) -> None:
    """Python has os.setns from 3.12 on."""
    for kind, descriptor in namespaces:
        if LIBC.setns(descriptor, kind) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def close(namespaces: Namespaces) -> None:
    for _kind, descriptor in namespaces:
        os.close(descriptor)
