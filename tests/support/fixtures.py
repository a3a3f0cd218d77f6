# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures and hooks of the tests that run on throw-away hosts; a conftest.py takes them by importing them."""

from __future__ import annotations

import contextlib
import itertools
import os
import typing as t
from collections.abc import Iterator

import pytest

from .features import nothing_may_be_skipped, requires
from .host import Host
from .machine import Wire
from .snapshot import Snapshot, differences
from .snippets import Section

TASKS = f"{__package__}.tasks"
TALLY = "tally"


class MakeHost(t.Protocol):
    """What makes hosts."""

    def __call__(self, *parents: str, wire: Wire | None = None) -> Host:
        """One with parents that are up; those that share a wire reach each other."""


@pytest.fixture
def make_host() -> Iterator[MakeHost]:
    """As many hosts as the test asks for, all gone at its end; with no name given the parent is eth0."""
    with contextlib.ExitStack() as hosts:

        def make(*parents: str, wire: Wire | None = None) -> Host:
            host = hosts.enter_context(Host(wire))
            for parent in parents or ("eth0",):
                host.add_parent(parent)
            return host

        yield make


@pytest.fixture
def host(make_host: MakeHost) -> Host:
    """One host with the parent eth0."""
    return make_host()


@pytest.fixture
def section(request: pytest.FixtureRequest) -> Iterator[Section]:
    """The section of a document that the test says it shows; a snippet that it leaves out is a failure."""
    (mark,) = request.node.iter_markers("shows")
    shown = Section(*mark.args)
    yield shown
    assert shown.unused() == [], f"{shown.name}: the test has left out a snippet"


class Tally(t.Protocol):
    """What counts."""

    def __call__(self, what: str, number: int, least: int) -> None:
        """Tell how much of something a test has tried; fewer than it should be is a failure."""


@pytest.fixture
def tally(record_property: t.Callable[[str, object], None]) -> Tally:
    """A count for the summary of the whole run, so that tests that try less and less do not go unnoticed."""

    def tell(what: str, number: int, least: int) -> None:
        record_property(TALLY, [what, number])
        assert number >= least, f"only {number} {what}"

    return tell


def pytest_configure(config: pytest.Config) -> None:
    # Its assertions compare hosts; without this a failure would not say where they differ.
    pytest.register_assert_rewrite(TASKS)
    config.addinivalue_line("markers", "needs(*features): kernel features without which the test makes no sense")
    config.addinivalue_line("markers", "any_kernel: says nothing about the release of the kernel, so that one of them is enough")
    config.addinivalue_line("markers", "engine: says nothing about Ansible, so that one release of it is enough")
    config.addinivalue_line("markers", "shows(file, section, *numbers): the snippets of a document that the test runs")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep every second test, or third, where MACVLAN_SHARE says 1/2 or 2/3: the others run elsewhere at the same time."""
    number, shares = map(int, os.environ.get("MACVLAN_SHARE", "1/1").split("/"))
    kept = items[number - 1 :: shares]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for index, item in enumerate(items) if index % shares != number - 1])
        items[:] = kept


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        requires(*mark.args)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> t.Generator[None, pytest.TestReport, pytest.TestReport]:
    return fail_if_lost((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> t.Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return fail_if_lost((yield))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add up what the tests have counted, in whichever process they ran."""
    totals: dict[str, tuple[int, int]] = {}
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        told = getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ()
        for what, number in (value for name, value in told if name == TALLY):
            tests, total = totals.get(what, (0, 0))
            totals[what] = tests + 1, total + number
    for what, (tests, total) in sorted(totals.items()):
        terminalreporter.write_line(f"{total} {what}, in {tests} tests")


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Two snapshots are long; show only where they differ."""
    if op == "==" and isinstance(left, Snapshot) and isinstance(right, Snapshot):
        return ["the host is not as it was:", *differences(right, left)]
    return None


Report = t.TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def fail_if_lost(report: Report) -> Report:
    """Where nothing may be skipped, a skip for whatever reason is a failure; an expected failure is not a skip."""
    if report.skipped and not hasattr(report, "wasxfail") and nothing_may_be_skipped():
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr}"
    return report
