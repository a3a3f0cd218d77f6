# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that reverts an unconfirmed change after the run, its connection or the control node has ended."""

from __future__ import annotations

import os
import signal
import typing as t


class RevertTimer:
    """Work for a background process, which shares no open file with the run.

    The process is made at once, and waits for :meth:`begin`: SQLite allows no fork while it has a database open
    (sqlite.org/howtocorrupt.html, 2.6). open_revert_timer has imported all that the work needs.

    :param work: called there with the text of :meth:`begin`; what it raises is lost with it
    """

    def __init__(self, work: t.Callable[[str], object]) -> None:
        ear, self._mouth = os.pipe()
        child = os.fork()
        if child:
            os.close(ear)
            os.waitpid(child, 0)
            return
        try:
            # A session of its own, in which it is not the leader: no terminal ends it, and it gets no other.
            os.setsid()
            if os.fork() == 0:
                _let_go(ear)
                text = os.read(ear, 1000).decode()
                if text:
                    work(text)
        finally:
            # Without the exit handlers, which belong to the run.
            os._exit(0)

    def begin(self, text: str) -> None:
        """Start the work, which continues even if this process ends."""
        os.write(self._mouth, text.encode())

    def close(self) -> None:
        """Release the process; if :meth:`begin` was not called, the process ends."""
        os.close(self._mouth)


def _let_go(ear: int) -> None:
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    # A lock is held as long as any process has it open; so is the pipe that the connection waits for.
    for name in os.listdir("/proc/self/fd"):
        if int(name) != ear:
            try:
                os.close(int(name))
            except OSError:  # the folder itself, which is closed already
                continue
    while os.open(os.devnull, os.O_RDWR) < 2:
        pass
