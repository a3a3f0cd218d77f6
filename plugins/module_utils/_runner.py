# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code that all modules share: how a task calls the engine, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import traceback
import typing as t

from ansible.module_utils import basic

from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_types import Params, read_types
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host import release
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import (
    KernelError,
    MacvlanHostError,
    MissingLibraryError,
    MistakesError,
    OptionsError,
)

if t.TYPE_CHECKING:
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.access import Connection, LockoutPolicy

# One day: a longer timeout is more likely forgotten than meant.
MAX_CONFIRM_TIMEOUT = 86400

# --- what is logged ---------------------------------------------------------------------------------------------------

# Options that may contain secrets. Results still contain them; no_log: true in the task hides them there as well.
_WITHHELD = frozenset(("labels", "sysctls", "content"))


class Module(basic.AnsibleModule):
    """A module that reports wrong types in its own words, and hides secret values from the system log.

    :param further: checks what Ansible's validation does not check
    """

    params: dict[str, t.Any]

    def __init__(self, further: t.Callable[[Params], object] | None = None, **kwargs: t.Any) -> None:
        self._written: dict[str, t.Any] = {}
        self._given: dict[str, t.Any] = {}
        self._mistyped: list[str] = []
        self._further = further
        self._is_validated = False
        super().__init__(**kwargs)
        if self._mistyped:
            self.fail_json(msg="")
        self._is_validated = True

    def _load_params(self) -> None:
        """Replace values of a wrong type before the validation, which would report them in the words of Python."""
        super()._load_params()
        self._written = {option: value for option, value in self.params.items() if not option.startswith("_ansible_")}
        self._given = {option: self.params[option] for option in self.argument_spec if option in self.params}
        read, self._mistyped = read_types(self.argument_spec, self._given)
        if self._mistyped:
            self.params.update(read)

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        """End the task; all wrong options are reported at once, and the result shows the parameters as they were given."""
        if not self._is_validated:
            from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_messages import messages_of

            errors = self.validation_result.errors if hasattr(self, "validation_result") else ()
            told = [*self._mistyped, *messages_of(errors, self.argument_spec, self._written), *self._further_problems()]
            if self._mistyped:
                self.params.update(self._given)
            if len(told) > 1 or not msg:
                msg = "; ".join(dict.fromkeys(told))
        t.cast(t.Any, super()).fail_json(msg=msg, **kwargs)
        raise SystemExit(1)  # it has ended the task already, which its annotations do not say

    def _further_problems(self) -> t.Sequence[str]:
        try:
            if self._further is not None:
                self._further(self._given)
        except OptionsError as exc:
            return exc.problems
        return ()

    def _log_invocation(self) -> None:
        params = self.params
        self.params = _for_the_log(params)
        try:
            super()._log_invocation()
        finally:
            self.params = params


def _for_the_log(value: t.Any) -> t.Any:
    """Parameters, or a part of them, without the hidden values, at any depth."""
    if isinstance(value, list):
        return [_for_the_log(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "NOT_LOGGING_PARAMETER" if key in _WITHHELD and item is not None else _for_the_log(item)
        for key, item in value.items()
    }


# --- the way through ------------------------------------------------------------------------------------------------

# The module hands in the functions that read options and do the work, so that no module ships or imports code that only another one needs.
ReadOptions = t.Callable[[t.Mapping[str, t.Any]], t.Any]


class Outcome(t.Protocol):
    """The result of a run, or in check mode the prediction; see result/outcome.py."""

    @property
    def changed(self) -> bool:
        """Whether anything was done, or would be."""

    @property
    def shown(self) -> dict[str, t.Any]:
        """The object afterwards."""

    @property
    def before(self) -> dict[str, t.Any]:
        """The object before."""

    @property
    def after(self) -> dict[str, t.Any]:
        """The object afterwards, as the diff has it."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps, one sentence each."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings, one sentence each."""

    @property
    def created(self) -> bool:
        """Whether the object is newly recorded."""

    @property
    def probed(self) -> dict[str, t.Any] | None:
        """What neighbours were asked about addresses, and have answered; None if there was nothing to ask."""

    @property
    def confirm_within(self) -> int:
        """The seconds within which the change must be confirmed; 0 if no confirmation is needed."""


Execute = t.Callable[..., Outcome]


def run(module: basic.AnsibleModule, execute: Execute, *, key: str, present: ReadOptions, absent: ReadOptions) -> None:
    """Bring one object to the requested state, and end the task.

    :param execute: does it, or in check mode only predicts it
    :param key: under which the result has the object
    :param present: reads the options for state=present
    :param absent: reads the options for state=absent
    """
    params = module.params
    with _failing_cleanly(module):
        request = present(params) if params["state"] == "present" else absent(params)
        policy = _policy(params["force"])
        outcome = execute(request, state_dir=params["state_dir"], dry_run=module.check_mode, policy=policy)
    _tell(module, outcome, {key: outcome.shown})


def run_config(module: basic.AnsibleModule, execute: Execute, read: ReadOptions) -> None:
    """Bring a whole host to the requested state, and end the task.

    :param execute: does it, or in check mode only predicts it
    :param read: reads the options
    """
    with _failing_cleanly(module):
        params = module.params
        request = read(params)
        if not 0 <= params["confirm_timeout"] <= MAX_CONFIRM_TIMEOUT:
            raise OptionsError([f"confirm_timeout must be 0 to {MAX_CONFIRM_TIMEOUT} seconds"])
        policy = _policy(params["force"], params["confirm_timeout"])
        outcome = execute(request, state_dir=params["state_dir"], dry_run=module.check_mode, policy=policy)
    objects = dict(outcome.shown)
    if outcome.confirm_within:
        objects["confirm_within"] = outcome.confirm_within
    _tell(module, outcome, objects)


def _policy(force: bool, confirm: int = 0) -> LockoutPolicy:
    """How the run treats steps that would cut an access path; a module that only reads does not import it."""
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.access import LockoutPolicy

    return LockoutPolicy(_connection(), force, confirm)


def _connection() -> Connection | None:
    """The SSH connection of the run."""
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.connection import find_connection

    return find_connection()


def run_confirm(module: basic.AnsibleModule, confirm: t.Callable[..., str]) -> None:
    """Confirm the provisional change, and end the task.

    :param confirm: does it, and returns the name of the changed object
    """
    with _failing_cleanly(module):
        doing = confirm(state_dir=module.params["state_dir"], connection=_connection(), dry_run=module.check_mode)
    _finish(module, {"changed": True, "confirmed": doing}, _engine_warnings())


def _tell(module: basic.AnsibleModule, outcome: Outcome, objects: dict[str, t.Any]) -> None:
    result = {"changed": outcome.changed, **objects, "steps": list(outcome.steps)}
    if outcome.probed is not None:
        result["probed"] = outcome.probed
    if module._diff:
        result["diff"] = {"before": outcome.before, "after": outcome.after}
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.installation import UNIT, is_restored_at_boot

    is_safe = not outcome.created or is_restored_at_boot()
    warnings = outcome.warnings if is_safe else (*outcome.warnings, _not_restored_at_boot(UNIT))
    _finish(module, result, (*warnings, *_engine_warnings()))


class Installed(t.Protocol):
    """The result of the installation of the command, or the prediction of it."""

    @property
    def files(self) -> tuple[str, ...]:
        """All files of the command, afterwards."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps, in order."""

    @property
    def diff(self) -> tuple[dict[str, str], ...]:
        """The files that differ, before and after."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Messages for the user."""


def run_command(module: basic.AnsibleModule, install: t.Callable[[t.Mapping[str, t.Any], bool], Installed]) -> None:
    """Install or remove the command macvlan-host, and end the task.

    :param install: does it, or in check mode only predicts it; given, so that no other module imports what it needs
    """
    with _failing_cleanly(module):
        done = install(module.params, module.check_mode)
    result: dict[str, t.Any] = {"changed": bool(done.steps), "files": list(done.files), "steps": list(done.steps)}
    if module._diff:
        result["diff"] = list(done.diff)
    _finish(module, result, done.warnings)


class FleetRun(t.Protocol):
    """What a task has done to the slices of hosts, or in check mode would do; see fleet/allocate.py and fleet/releases.py."""

    @property
    def result(self) -> dict[str, t.Any]:
        """What the task returns."""

    @property
    def before(self) -> dict[str, t.Any]:
        """The hosts before."""

    @property
    def after(self) -> dict[str, t.Any]:
        """The hosts afterwards."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Messages for the user."""


# More sentences than that hide each other; the result has them all.
_MAX_CONFLICTS = 10


def run_fleet(module: basic.AnsibleModule, change_slices: t.Callable[[t.Mapping[str, t.Any], bool], FleetRun]) -> None:
    """Give the hosts of a fleet their slices or take them back, and end the task; it changes nothing on the machine but its store.

    :param change_slices: does it, or in check mode only predicts it
    """
    with _failing_cleanly(module, as_root=False):
        try:
            done = change_slices(module.params, module.check_mode)
        except MistakesError as exc:
            more = len(exc.problems) - _MAX_CONFLICTS
            rest = f"; and {more} more, under conflicts of the result" if more > 0 else ""
            module.fail_json(msg="; ".join(exc.problems[:_MAX_CONFLICTS]) + rest, conflicts=list(exc.problems))
    result = done.result
    if module._diff:
        result["diff"] = {"before": done.before, "after": done.after}
    _finish(module, result, done.warnings)


def _not_restored_at_boot(unit: str) -> str:
    """The warning that a boot restores nothing, worded for check mode too.

    It names the host, because ansible shows equal warnings of several hosts once.
    """
    return (
        f"the next boot of {platform.node()} would not restore this, because {unit} is not enabled there; "
        f"apply the role fleetnet.macvlan.macvlan_host to it"
    )


def _engine_warnings() -> tuple[str, ...]:
    """The warning if the command of the host cannot read the record of this release."""
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.installation import older_engine

    installed = older_engine()
    if installed is None:
        return ()
    text = (
        f"the command macvlan-host on {platform.node()} is of release {installed}, and this task is of release "
        f"{release.VERSION}, whose record the command cannot read, so it cannot restore anything at "
        f"the next boot; apply the role fleetnet.macvlan.macvlan_host to it, or run the module fleetnet.macvlan.macvlan_command there"
    )
    return (text,)


def run_info(module: basic.AnsibleModule, inspect: t.Callable[..., dict[str, t.Any]]) -> None:
    """Return the record and its drift, and end the task.

    :param inspect: reads both
    """
    params = module.params
    with _failing_cleanly(module):
        report = inspect(**params)
    warnings = report.pop("warnings", ())
    _finish(module, {"changed": False, **report}, warnings)


def _finish(module: basic.AnsibleModule, result: dict[str, t.Any], warnings: t.Iterable[str]) -> None:
    for warning in warnings:
        module.warn(warning)
    module.exit_json(**result)


@contextlib.contextmanager
def _failing_cleanly(module: basic.AnsibleModule, as_root: bool = True) -> t.Iterator[None]:
    """End the task with a message that says what to do, for any error in the block."""
    try:
        if as_root:
            _require_root_on_linux(module)
        yield
    except MissingLibraryError as exc:
        module.fail_json(msg=str(exc), exception=traceback.format_exc())
    except MacvlanHostError as exc:
        refused = isinstance(exc, KernelError) and exc.errno == errno.EPERM
        module.fail_json(msg=f"{exc}{_CAPABILITIES_HINT if refused else ''}")
    except PermissionError as exc:
        module.fail_json(msg=f"{exc}{_CAPABILITIES_HINT}", exception=traceback.format_exc())
    except Exception as exc:  # noqa: BLE001 - the last resort, so that no task ends with a bare traceback
        module.fail_json(
            msg=f"{module._name} failed with an unexpected error: {type(exc).__name__}: {exc}; please report it as "
            f"a bug of the collection fleetnet.macvlan, with the task and the traceback",
            exception=traceback.format_exc(),
        )


_CAPABILITIES_HINT = (
    "; the task runs as root, but without a privilege of root: in a container it needs CAP_NET_ADMIN and CAP_SYS_ADMIN"
)


def _require_root_on_linux(module: basic.AnsibleModule) -> None:
    """Fail early, with a clear message."""
    system = platform.system()
    if system != "Linux":
        module.fail_json(msg=f"{module._name} needs a Linux kernel on its target; this one runs {system}")
    if os.geteuid() != 0:
        module.fail_json(
            msg=f"{module._name} needs root on its target, also in check mode; run the task with become: true"
        )
