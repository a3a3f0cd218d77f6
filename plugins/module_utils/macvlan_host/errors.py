# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors that a task can end with; each message is written for the person who runs the task."""

from __future__ import annotations

import sys
import typing as t

from .release import VERSION

PYROUTE2 = "pyroute2 >= 0.7"

# The command exists where the role or the module macvlan_command installed it.
RECOVER_ADVICE = (
    "run macvlan-host recover on the host, which restores the backup beside it and reads the links in the kernel, "
    "and then run the tasks again, which take over the links that carry their tag"
)


class MacvlanHostError(Exception):
    """Base of every error that the engine raises on purpose."""


class OptionsError(MacvlanHostError):
    """One or more options are wrong; the message lists all of them.

    :param problems: one sentence for each problem, in the order of the options
    :param missing: a missing library that prevented further checks, None if there is none
    """

    def __init__(self, problems: list[str], missing: MissingLibraryError | None = None) -> None:
        self.problems = tuple(problems)
        self.missing = missing
        super().__init__("; ".join([*problems, *([str(missing)] if missing is not None else [])]))


class PlanError(MacvlanHostError):
    """The request cannot be fulfilled on this host in its present state; nothing was changed."""


class MistakesError(PlanError):
    """Several requests cannot be fulfilled; the message lists all of them.

    :param problems: one sentence for each, in the order of the requests, each beginning with its object
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


class AbsentError(PlanError):
    """A foreign object is missing or not ready; its owner may create it later.

    :param awaits: the name of a link of the host, or the path of a namespace
    """

    def __init__(self, message: str, awaits: str) -> None:
        self.awaits = awaits
        super().__init__(message)


class UnrecordedError(MacvlanHostError):
    """An object that was named is not recorded on this host; the message says what is."""


class KernelError(MacvlanHostError):
    """The kernel refused a step; the steps before it were undone.

    :param errno: the kernel's answer, 0 where there was none
    :ivar step: the refused step, None for anything else, such as reading
    """

    def __init__(self, message: str, errno: int = 0, step: t.Any = None) -> None:
        self.errno = errno
        self.step = step
        super().__init__(message)


class NoNamespaceError(KernelError):
    """A path of a network namespace leads to something else."""


class StateError(MacvlanHostError):
    """The state database cannot be used: missing, damaged, newer, unsafe or locked."""


class PendingError(StateError):
    """The change of an earlier run still awaits confirmation.

    :ivar seconds: the remaining time; then the change is reverted
    """

    def __init__(self, doing: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            f"a change to {doing} awaits confirmation, for {seconds:.0f} s more; confirm it (macvlan_confirm, or "
            f"macvlan-host confirm on the host), or run the task again after it has been reverted"
        )


class DamagedError(StateError):
    """The state database exists, but its content cannot be read.

    :ivar reason: without the advice
    """

    def __init__(self, path: str, problem: str) -> None:
        self.reason = f"{path} is damaged ({problem})"
        super().__init__(f"the state database {self.reason}; {RECOVER_ADVICE}")


class NewerError(StateError):
    """The state database, or its backup, was written by a newer release: it is not damaged, and it stays as it is.

    :param what: the file, with its path
    :param sign: the evidence
    :param known: the newest schema that this release knows
    """

    def __init__(self, what: str, sign: str, known: int) -> None:
        super().__init__(
            f"{what} was written by a newer release of the collection fleetnet.macvlan ({sign}; this is release {VERSION}, "
            f"which knows schema {known}); use that release or a newer one. To update the command macvlan-host on a host, "
            f"apply the role fleetnet.macvlan.macvlan_host or the module macvlan_command of that release"
        )


class FileError(MacvlanHostError):
    """A file cannot be read or written."""


class MissingLibraryError(MacvlanHostError):
    """A Python library that the run needs is not installed on this host.

    :param library: its name and lowest version, as pip understands it
    """

    def __init__(self, library: str) -> None:
        self.library = library
        name = library.partition(" ")[0]
        super().__init__(
            f"the Python library {library} is missing: {sys.executable} on this host does not find it; install the "
            f"package python3-{name} (Debian, Ubuntu, Fedora, Enterprise Linux), or apply the role "
            f"fleetnet.macvlan.macvlan_host, which installs it; packages serve only "
            f"the Python of the system, which ansible_python_interpreter must then name"
        )
