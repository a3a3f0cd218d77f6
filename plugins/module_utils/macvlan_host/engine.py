# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of every run: read, plan, (check mode: stop), lock, journal, apply or turn back, commit."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shlex
import time
import typing as t

from . import announcing, guard, kernel_read, kernel_write, names, namespaces
from .changes import apply_changes, changes_between
from .config import AnyRequest, check_omission, requests_of, stacked
from .draft import Plan
from .drift import drift_of
from .errors import WAY_OUT, KernelError, MacvlanHostError, NewerError, PendingError, PlanError, StateError
from .guard import Caution
from .host_view import HostView
from .model import Connection, Endpoint, Kernel, Needs, Netns, Record, plain
from .names import TAG_PREFIX
from .outcome import Outcome, outcome_of
from .owners import owner_of
from .plan import kernel_after, needs_before_turning_back, needs_of, needs_of_everything, plan
from .rebuild import rebuild
from .state import Journal, Session, State, Stored
from .steps import AddLink, DeleteLink, DeleteNetns, Note, Step, inverse
from .taken import conflicts_of, with_peer
from .views import View
from .watchdog import Watchdog

LOOKS = 5
WATCH_INTERVAL = 1.0  # seconds
MACHINE_ID = "/etc/machine-id"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
# What the kernel answers when another link has a MAC address, or a passthru parent.
TAKEN = (errno.EADDRINUSE, errno.EINVAL)


class Foreseen(t.NamedTuple):
    """What was found out without the lock.

    :ivar made: the plan, with what it was made from
    :ivar version: of the database that it was made from, None when that was in the hands of a writer
    :ivar interrupted: whether a run that died has left something to clear up
    """

    outcome: Outcome
    made: Plan
    kernel: Kernel
    version: tuple[object, ...] | None
    interrupted: bool

    @property
    def may_come(self) -> bool:
        """Whether another run is at work, which may be making what is missing at this moment."""
        return bool(self.outcome.missing) and self.version is None

    @property
    def touches_kernel(self) -> bool:
        return any(not isinstance(step, Note) for step in self.made.steps)


def execute(request: AnyRequest, *, state_dir: str, check: bool, caution: Caution | None = None) -> Outcome:
    """Bring one object, or a whole configuration, to what is asked, or, with ``check``, tell what that would be.

    A real run begins with the same pass that check mode makes: a run with nothing to do takes no lock, and what
    is refused on a host without a database leaves none behind. Otherwise a refusal counts only with the lock held,
    because another run may be half-way through what this one looks at. The plan of that pass is carried out if
    the lock was free and nobody has written to the database since; else it is made again.

    :param caution: how careful to be with the ways by which the host is reached; None where nobody can be locked out
    :raises MacvlanHostError: it was refused, or failed; nothing has changed then
    """
    state = State(state_dir)
    foreseen: Foreseen | None = None
    try:
        foreseen = _foresee(state, request, caution, check)
        if check or not (foreseen.outcome.changed or foreseen.interrupted or foreseen.may_come):
            return foreseen.outcome
    except (PlanError, KernelError):
        if check or not state.is_there():
            raise
    with _watchdog(state_dir, caution) as watchdog, state.locked(request.title) as session:
        if foreseen is None or foreseen.version is None or foreseen.version != session.version_before:
            foreseen = _plan_again(session, request, caution)
        if watchdog is not None and caution is not None and foreseen.touches_kernel:
            return _perform_for_now(session, request, foreseen, caution, watchdog)
        return _perform(session, request, foreseen)


def inspect(*, state_dir: str, network: str | None, endpoint: str | None) -> dict[str, t.Any]:
    """All that is recorded, and how the kernel differs from it.

    :param network: only this network, its endpoints and its parent
    :param endpoint: only endpoints of this name, their networks and parents
    :raises MacvlanHostError: the database or the kernel cannot be read
    """
    state = State(state_dir)
    _check_not_lost(state)
    stored, kernel = _look(state, lambda stored: needs_of_everything(stored.record))
    host = HostView(stored.record, kernel)
    view = View(host)
    found: dict[str, t.Any] = view.everything(network, endpoint)
    for item in found["endpoints"]:
        item["foreign_addresses"] = view.foreign_addresses(item["network"], item["name"])
    shown = {f"network {item['name']}" for item in found["networks"]}
    shown |= {f"endpoint {item['network']}/{item['name']}" for item in found["endpoints"]}
    shown |= {f"vlan_subinterface {item['name']}" for item in found["vlan_subinterfaces"]}
    found["drift"] = [plain(item) for item in (*drift_of(host, shown), *conflicts_of(host, shown))]
    found["warnings"] = list(_journal_warnings(stored, interrupted=not state.is_locked()))
    return found


def recorded_titles(*, state_dir: str) -> tuple[str, ...]:
    """What messages call the recorded objects, those that carry others before these.

    :raises StateError: the database cannot be read
    """
    record = State(state_dir).read().record
    return (
        *(item.title for item in stacked(record.links.values())),
        *(item.title for item in record.networks.values()),
        *(item.title for item in record.endpoints.values()),
    )


class Recovered(t.NamedTuple):
    """What a recovery of the record has done.

    :ivar done: a sentence each
    :ivar unknown: what carries our tag and is still not recorded, a phrase each
    :ivar total: how many objects are recorded now
    """

    done: tuple[str, ...]
    unknown: tuple[str, ...]
    total: int


def recover(*, state_dir: str) -> Recovered:
    """Make the record usable again from its backup and from what links tell; the kernel stays as it is.

    :raises MacvlanHostError: nothing can be done, and why
    """
    state = State(state_dir)
    done = state.repair()
    with state.locked("recovering the record") as session:
        stored = session.read()
        if stored.journal is not None:
            done += [*_journal_warnings(stored, interrupted=True), *_recover(session, stored)]
            stored = session.read()
        host = _host()
        made = rebuild(stored.record, host, kernel_read.tagged_spaces(host))
        changes = changes_between(stored.record, made.record)
        if changes:
            session.record(changes)
        done += [f"{title} is recorded again" for title in made.found]
        done += filter(None, [session.keep_backup()])
    total = len(made.record.links) + len(made.record.networks) + len(made.record.endpoints)
    return Recovered(tuple(done), made.unknown, total)


# --- one run --------------------------------------------------------------------------------------------------------


def _foresee(state: State, request: AnyRequest, caution: Caution | None, check: bool) -> Foreseen:
    """The plan, without a lock and without touching anything."""
    _check_not_lost(state)
    version = state.version()
    stored, kernel = _look(state, lambda stored: _needs(request, stored, caution))
    _check_nothing_awaited(stored)
    record = stored.record
    interrupted = stored.journal is not None and not state.is_locked()
    if interrupted:
        record, kernel = _as_after_recovery(stored, kernel)
    warnings = _journal_warnings(stored, interrupted)
    made, outcome = _planned(request, record, kernel, warnings, caution, check)
    steady = stored.journal is None and state.version() == version
    return Foreseen(outcome, made, kernel, version if steady else None, interrupted)


def _needs(request: AnyRequest, stored: Stored, caution: Caution | None) -> Needs:
    needs = needs_of(requests_of(request, stored.record), stored.record)
    if stored.journal is not None:
        needs = needs_before_turning_back(needs, stored.journal.steps)
    # To put a link back as it was takes the routes that others have put on it.
    return dataclasses.replace(needs, host_routes=True) if caution is not None and caution.confirm else needs


def _planned(
    request: AnyRequest,
    record: Record,
    kernel: Kernel,
    warnings: tuple[str, ...],
    caution: Caution | None,
    check: bool = False,
) -> tuple[Plan, Outcome]:
    check_omission(request, record)
    requests = requests_of(request, record)
    if caution is not None and caution.connection is not None:
        kernel = with_peer(kernel, caution.connection.remote)
    made = plan(requests, record, kernel, foresee=check)
    # A run with nothing to do cuts nothing, and need not ask.
    if caution is not None and made.steps:
        kernel = dataclasses.replace(kernel, ways=kernel_read.read_ways(caution.connection))
        warnings += guard.check(request.title, made.steps, kernel, caution)
    warnings += _left_elsewhere(made)
    return made, outcome_of(request, requests, made, HostView(record, kernel), warnings)


def _look(state: State, needs: t.Callable[[Stored], Needs]) -> tuple[Stored, Kernel]:
    """Record and kernel of one moment, as far as that can be had while others may be writing."""
    for dummy in range(LOOKS):
        version = state.version()
        stored = state.read()
        kernel = kernel_read.read_kernel(needs(stored), _host(), _boot_id())
        if state.version() == version:
            break
    return stored, kernel


def _plan_again(session: Session, request: AnyRequest, caution: Caution | None) -> Foreseen:
    """The plan with the lock held, after clearing up what a run that died has left."""
    warnings: tuple[str, ...] = ()
    stored = session.read()
    _check_nothing_awaited(stored)
    if stored.journal is not None:
        warnings = (*_journal_warnings(stored, interrupted=True), *_recover(session, stored))
        stored = session.read()
    kernel = kernel_read.read_kernel(_needs(request, stored, caution), _host(), _boot_id())
    made, outcome = _planned(request, stored.record, kernel, warnings, caution)
    return Foreseen(outcome, made, kernel, None, False)


def _perform(session: Session, request: AnyRequest, foreseen: Foreseen) -> Outcome:
    """Carry a plan out."""
    made = foreseen.made
    changes = changes_between(made.before, made.after)
    if made.steps:
        session.intend(Journal(foreseen.kernel.boot_id, request.title, made.removal, made.steps, changes))
        with _naming_moved(made), _writer(made.steps) as writer:
            _apply(session, writer, made, request.title)
            _commit(session, writer, made, changes)
    elif changes:
        session.record(changes)
    problem = session.keep_backup() if changes else None
    if problem is None:
        return foreseen.outcome
    return dataclasses.replace(foreseen.outcome, warnings=(*foreseen.outcome.warnings, problem))


@contextlib.contextmanager
def _writer(steps: t.Sequence[Step]) -> t.Iterator[kernel_write.KernelWriter]:
    """What does steps. Afterwards neighbours are told of addresses of the host that links of ours have no longer."""
    try:
        with contextlib.closing(kernel_write.KernelWriter()) as writer:
            yield writer
    except BaseException:
        announcing.announce(announcing.touched_by(steps))
        raise
    announcing.announce(announcing.released_by(steps))


def _apply(session: Session, writer: kernel_write.KernelWriter, made: Plan, title: str) -> None:
    try:
        writer.apply(made.steps)
    except BaseException as exc:
        problems = writer.settle(inverse(writer.effective(made.steps)))
        if not problems:
            session.forget_intention()
        if isinstance(exc, KernelError) or problems and isinstance(exc, Exception):
            # What is left stays written down.
            left = (
                f"; taking back what had been done failed too: {'; '.join(problems)}; the next run tries it again"
                if problems
                else ""
            )
            code = getattr(exc, "errno", None) or 0
            raise KernelError(f"{_with_owner(exc, made, title)}{left}", code, getattr(exc, "step", None)) from exc
        raise


def _with_owner(exc: Exception, made: Plan, title: str) -> str:
    """What went wrong, after the title of the object that it befell; what is no error of ours has a name, too."""
    if not isinstance(exc, MacvlanHostError):
        return f"{title}: {type(exc).__name__}: {exc}"
    step = exc.step if isinstance(exc, KernelError) else None
    owner = owner_of(step, made.steps, made.before, made.after) if step is not None else None
    return f"{owner or title}: {exc}"


@contextlib.contextmanager
def _naming_moved(made: Plan) -> t.Iterator[None]:
    """Say of a plan that the kernel refuses where the links are that it was to make, if others have moved them away.

    In their new namespaces they still have the MAC addresses, or the passthru parent, of those that were to be made.
    """
    try:
        yield
    except KernelError as exc:
        wanted = {step.link.tag for step in made.steps if isinstance(step, AddLink) and step.link.kind == "macvlan"}
        coming = [endpoint for endpoint in made.after.endpoints.values() if names.tag(endpoint.id) in wanted]
        moved = "".join(
            f"; the link of {title} was moved away and is {name} in {place} now: move it back, or delete it there"
            for title, name, place in (_elsewhere(coming) if exc.errno in TAKEN else ())
        )
        if not moved:
            raise
        raise KernelError(f"{exc}{moved}", exc.errno) from exc


def _left_elsewhere(made: Plan) -> tuple[str, ...]:
    """What to tell of endpoints that go and whose links are not where they were made: others have moved them."""
    found = {step.link.tag for step in made.steps if isinstance(step, DeleteLink)}
    gone = [item for key, item in made.before.endpoints.items() if key not in made.after.endpoints]
    return tuple(
        f"the link of {title} was moved away and is {name} in {place} now; delete it there, if nobody uses it"
        for title, name, place in _elsewhere([item for item in gone if names.tag(item.id) not in found])
    )


def _elsewhere(endpoints: t.Sequence[Endpoint]) -> t.Iterator[tuple[str, str, str]]:
    """Title of the endpoint, name of the link, title of the namespace, of links that are in another one than theirs."""
    tagged = {names.tag(endpoint.id): endpoint for endpoint in endpoints}
    for netns, space in kernel_read.tagged_spaces(_host()).items() if tagged else ():
        for link in space.links.values():
            endpoint = tagged.get(link.alias)
            if endpoint is not None and endpoint.netns.path != netns.path:
                yield endpoint.title, link.name, netns.title


def _commit(session: Session, writer: kernel_write.KernelWriter, made: Plan, changes: t.Sequence[t.Any]) -> None:
    try:
        session.record(changes)
    except BaseException as exc:
        if made.removal:
            # The intention that is written down is to finish it, and the disk may refuse to have it taken away.
            raise StateError(f"{exc}; what was to be removed is gone, and the next run on this host records that") from exc
        writer.settle(inverse(made.steps))
        # The disk that refused the record may refuse this too; the next run then turns back what is gone already.
        with contextlib.suppress(Exception):
            session.forget_intention()
        raise


# --- what awaits confirmation ---------------------------------------------------------------------------------------


def _perform_for_now(
    session: Session, request: AnyRequest, foreseen: Foreseen, caution: Caution, watchdog: Watchdog
) -> Outcome:
    """Carry a plan out that is put back unless somebody confirms it.

    What is intended stays written down, so that whatever comes instead of a confirmation, the end of the time, a crash
    or a power cut, the way back is the one of an interrupted run. A removal, too, is turned back then.
    """
    made = foreseen.made
    changes = changes_between(made.before, made.after)
    confirm_by = _uptime() + caution.confirm
    connection = caution.connection.text if caution.connection else None
    session.intend(
        Journal(foreseen.kernel.boot_id, request.title, False, made.steps, changes, confirm_by, connection)
    )
    # Before anything is done: the connection, and this process with it, may end in the middle.
    watchdog.begin(repr(confirm_by))
    with _naming_moved(made), _writer(made.steps) as writer:
        _apply(session, writer, made, request.title)
    session.await_confirmation()
    return dataclasses.replace(foreseen.outcome, confirm_within=caution.confirm)


@contextlib.contextmanager
def _watchdog(state_dir: str, caution: Caution | None) -> t.Iterator[Watchdog | None]:
    """The process that will put everything back, where that is asked for."""
    if caution is None or not caution.confirm:
        yield None
        return
    with contextlib.closing(Watchdog(lambda confirm_by: _revert_when_due(state_dir, float(confirm_by)))) as watchdog:
        yield watchdog


def confirm(*, state_dir: str, connection: Connection | None, check: bool) -> str:
    """Record for good what a run has done that awaits confirmation; what messages call it.

    :param connection: the one that the confirmation came by
    :raises StateError: nothing awaits it any more, or it came by the connection of the run itself
    """
    state = State(state_dir)
    if check or not state.is_there():
        return _confirmable(state.read(), connection).doing
    with state.locked("confirming a change") as session:
        journal = _confirmable(session.read(), connection)
        session.record_intention()
        session.keep_backup()
        if session.is_older:
            # The process of that release which waits for this could not read what the next run writes.
            time.sleep(2 * WATCH_INTERVAL)
    return journal.doing


def _confirmable(stored: Stored, connection: Connection | None) -> Journal:
    journal = stored.journal
    if journal is None or not _seconds_awaited(journal):
        raise StateError(
            "there is nothing to confirm: no task with confirm_timeout has changed anything, or its time is over and "
            "everything has been put back"
        )
    if connection is not None and connection.text == journal.connection:
        raise StateError(
            f"a change to {journal.doing} cannot be confirmed by the connection that it was made by, because only a new "
            f"one shows that the host can still be reached; have 'meta: reset_connection' before this task"
        )
    return journal


def _seconds_awaited(journal: Journal | None) -> float:
    """For how long something still awaits confirmation; 0 when nothing does."""
    if journal is None or journal.confirm_by is None or not journal.applied or journal.boot_id != _boot_id():
        return 0.0
    return max(0.0, journal.confirm_by - _uptime())


def check_nothing_awaited(*, state_dir: str) -> None:
    """A look at the record alone.

    :raises PendingError: a change still awaits confirmation
    :raises StateError: the database cannot be read
    """
    _check_nothing_awaited(State(state_dir).read())


def _check_nothing_awaited(stored: Stored) -> None:
    seconds = _seconds_awaited(stored.journal)
    if stored.journal is not None and seconds:
        raise PendingError(stored.journal.doing, seconds)


def _revert_when_due(state_dir: str, confirm_by: float) -> None:
    """Wait until a change is confirmed or its time is over, and put it back then.

    A newer release that has written to the record has settled it first.
    """
    with contextlib.suppress(NewerError):
        _revert_unless_settled(State(state_dir), confirm_by)


def _revert_unless_settled(state: State, confirm_by: float) -> None:
    while (left := confirm_by - _uptime()) > 0:
        time.sleep(min(left, WATCH_INTERVAL))
        with _tried_again():
            if not _is_due(state.read().journal, confirm_by):
                return
    while True:
        with _tried_again(), state.locked("putting back what nobody has confirmed") as session:
            stored = session.read()
            if _is_due(stored.journal, confirm_by):
                _recover(session, stored)
            return
        time.sleep(WATCH_INTERVAL)


@contextlib.contextmanager
def _tried_again() -> t.Iterator[None]:
    try:
        yield
    except NewerError:
        raise
    except StateError:
        return


def _is_due(journal: Journal | None, confirm_by: float) -> bool:
    """Whether a change is still the one that is to be put back at a time."""
    return journal is not None and journal.confirm_by == confirm_by


def _uptime() -> float:
    """Seconds since the boot, those asleep too; nobody can set this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


# --- after an interruption ------------------------------------------------------------------------------------------


def _journal_warnings(stored: Stored, interrupted: bool) -> tuple[str, ...]:
    """What to tell of a run whose intention is written down: it died, or it is at work."""
    journal = stored.journal
    if journal is None:
        return ()
    seconds = _seconds_awaited(journal)
    if seconds:
        return (f"{PendingError(journal.doing, seconds)}; what is recorded is how it was before",)
    if not interrupted:
        return (f"another run is at work on {journal.doing} at this moment; what it will change is not seen here",)
    way = "finished" if journal.removal else "turned back"
    return (f"an earlier run was interrupted while it worked on {journal.doing}; what it had begun is {way}",)


def _recover(session: Session, stored: Stored) -> list[str]:
    """Turn back, or for a removal finish, what a run that died had begun; what could not be, a sentence each."""
    journal = t.cast(Journal, stored.journal)
    problems: list[str] = []
    if journal.boot_id == _boot_id():
        with contextlib.closing(kernel_write.KernelWriter()) as writer:
            problems = writer.settle(journal.steps if journal.removal else inverse(journal.steps))
        announcing.announce(announcing.touched_by(journal.steps))
    if journal.removal:
        session.record_intention()
    else:
        session.forget_intention()
    return problems


def _as_after_recovery(stored: Stored, kernel: Kernel) -> tuple[t.Any, Kernel]:
    """Record and kernel as :func:`_recover` will leave them."""
    journal = t.cast(Journal, stored.journal)
    record = apply_changes(stored.record, journal.changes) if journal.removal else stored.record
    if journal.boot_id != kernel.boot_id:
        return record, kernel
    steps = journal.steps if journal.removal else inverse(journal.steps)
    deleted = (Netns("name", step.name) for step in steps if isinstance(step, DeleteNetns))
    cleared = {netns.path for netns in deleted if namespaces.is_placeholder(netns)}
    kernel = dataclasses.replace(kernel, no_namespaces=kernel.no_namespaces - cleared)
    return record, kernel_after(kernel, steps)


# --- the host -------------------------------------------------------------------------------------------------------


def _host() -> str:
    """What tells this machine from others of the fleet; machine-id(5) asks not to use it as it is, so it is hashed."""
    try:
        with open(MACHINE_ID, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return os.uname().nodename


def _boot_id() -> str:
    with open(BOOT_ID, encoding="ascii") as file:
        return file.read().strip()


def _check_not_lost(state: State) -> None:
    """Without a database nothing is known of links that carry our tag, so nothing can be done rightly.

    :raises StateError: naming the links and the ways out
    """
    if state.is_there():
        return
    found = kernel_read.tagged_spaces(_host())
    lost = {netns: [link for link in space.links.values() if link.ours] for netns, space in found.items()}
    if lost:
        places = sorted(lost, key=lambda netns: netns.title)
        shown = "; ".join(f"{', '.join(link.name for link in lost[netns])} in {netns.title}" for netns in places)
        # A loopback goes with its namespace only, and with that goes all that is in it.
        netns, link = places[0], lost[places[0]][0]
        loopback = next((item for item in lost[netns] if item.loopback), None)
        delete = f"ip netns delete {shlex.quote(netns.value)}" if loopback else f"{netns.ip} link delete {link.name}"
        untag = f"{netns.ip} link set {(loopback or link).name} alias ''"
        raise StateError(
            f"there is no state database in {state.folder}, but links made by this collection are on the host "
            f"(alias {TAG_PREFIX}…): {shown}. Name the right state_dir; or, if the database was lost, {WAY_OUT}; "
            f"or delete them, each in its namespace, as the first one by '{delete}', and run the task again; a link that "
            f"another program has tagged loses the tag as the first one would by \"{untag}\""
        )
