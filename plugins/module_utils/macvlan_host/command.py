# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command macvlan-host: what boot and operators call on a host, without Ansible."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import typing as t

from .errors import MacvlanHostError, PendingError
from .kernel.connection import find_connection
from .model.ref import LISTS, Ref
from .release import VERSION
from .run.awaiting import check_nothing_awaited
from .run.boot import Restored, restore
from .run.confirm import confirm
from .run.info import inspect
from .run.recover import recover
from .steps.plan import Missing
from .store.database import DEFAULT_FOLDER
from .store.schema import SCHEMA_VERSION
from .values.plain import printable

FILTERS = ("network", "endpoint", "address", "mac", "netns")
COMPLETE, DIFFERENT, FAILED, AWAITING = 0, 1, 2, 3
SHOWN = 3

Report = dict[str, t.Any]


def main(arguments: t.Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        if os.geteuid() != 0:
            raise MacvlanHostError("must run as root, to read and to change the network of this host")
        return int(parsed.action(parsed))
    except (MacvlanHostError, OSError) as exc:
        sys.stderr.write(f"macvlan-host {parsed.command}: {printable(str(exc))}\n")
        _tell_systemd(str(exc))
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="macvlan-host", description=_DESCRIPTION, epilog=_EXIT_CODES)
    parser.add_argument(
        "--state-dir", default=DEFAULT_FOLDER, metavar="FOLDER", help="the folder of the state database (%(default)s)"
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {VERSION} (fleetnet.macvlan), schema {SCHEMA_VERSION}"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    action = commands.add_parser("restore", help=_restore.__doc__, description=_restore.__doc__)
    action.set_defaults(action=_restore)
    action.add_argument("-v", "--verbose", action="store_true", help="print every step")
    waiting = action.add_mutually_exclusive_group()
    waiting.add_argument(
        "--timeout",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for parents and namespaces that other programs create, and for a confirmation (%(default).0f)",
    )
    waiting.add_argument(
        "--wait", dest="timeout", action="store_const", const=None, help="wait until none of them is missing"
    )
    action = commands.add_parser("status", help=_status.__doc__, description=_status.__doc__)
    action.add_argument("--json", action="store_true", help="print everything as JSON, for programs")
    action.set_defaults(action=_status)
    _add_readers(commands)
    action = commands.add_parser("recover", help=_recover.__doc__, description=_recover.__doc__)
    action.set_defaults(action=_recover)
    action = commands.add_parser("identity", help=_identity.__doc__, description=_identity.__doc__)
    action.set_defaults(action=_identity)
    settling = action.add_mutually_exclusive_group()
    settling.add_argument("--new", action="store_true", help="this machine is a copy of another one: give it an identity of its own")
    settling.add_argument("--keep", action="store_true", help="this is the same machine, with other network cards")
    action = commands.add_parser("confirm", help=_confirm.__doc__, description=_confirm.__doc__)
    action.set_defaults(action=_confirm)
    action = commands.add_parser("check", help=_compare.__doc__, description=_compare.__doc__)
    action.set_defaults(action=_compare)
    return parser


def _add_readers(commands: t.Any) -> None:
    action = commands.add_parser("list", help=_list.__doc__, description=_list.__doc__)
    action.set_defaults(action=_list)
    action.add_argument("--network", metavar="NAME", help="only this network and its endpoints")
    action.add_argument("--endpoint", metavar="NAME", help="only endpoints of this name")
    action.add_argument("--address", metavar="ADDRESS", help="only endpoints with this address, with a prefix length or without")
    action.add_argument("--mac", metavar="ADDRESS", help="only endpoints with this MAC address")
    action.add_argument("--netns", metavar="NAME", help="only endpoints in this namespace, which is a name or a path")
    action.add_argument("--json", action="store_true", help="print the lines as JSON, for programs")
    action = commands.add_parser("show", help=_show.__doc__, description=_show.__doc__)
    action.set_defaults(action=_show)
    action.add_argument("object", metavar="NETWORK[/ENDPOINT]", help="a network, or an endpoint of it")
    action.add_argument("--json", action="store_true", help="print it as JSON, for programs")
    action = commands.add_parser("metrics", help=_metrics.__doc__, description=_metrics.__doc__)
    action.set_defaults(action=_metrics)
    action.add_argument("--output", metavar="FILE", help="write them to a file, which is replaced at once, instead of printing them")
    action = commands.add_parser("probe", help=_probe.__doc__, description=_probe.__doc__)
    action.set_defaults(action=_probe)
    action.add_argument("network", metavar="NETWORK", help="a recorded network")
    action.add_argument(
        "addresses",
        nargs="?",
        metavar="ADDRESS|BLOCK|FIRST-LAST",
        help="what to ask for; without it, all IPv4 addresses that endpoints may get, and those that endpoints have",
    )
    action.add_argument("--json", action="store_true", help="print the answers as JSON, for programs")


_DESCRIPTION = "Macvlan networks, VLAN sub-interfaces and endpoints that are recorded on this host."
_EXIT_CODES = (
    "Exit codes: 0 everything is there; 1 something is missing or differs; 2 the command failed, or the kernel refused "
    "something; 3 only objects that other programs must create are missing, or a change awaits confirmation."
)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds, 0 or more, such as 300")
    return value


# --- commands -------------------------------------------------------------------------------------------------------


def _restore(parsed: argparse.Namespace) -> int:
    """create recorded objects that are missing, from the state database alone"""
    told: list[Restored] = []

    def tell(so_far: Restored) -> None:
        if so_far.pending or not told or told[-1].missing != so_far.missing:
            _tell_systemd(_line(so_far) + ", waiting")
            _print_missing(so_far, "waiting")
        told.append(so_far)

    restored = restore(parsed.state_dir, parsed.timeout, tell)
    if parsed.verbose:
        for step in restored.steps:
            _say(step)
    for text in restored.warnings:
        _say(f"warning: {text}")
    if not restored.pending and (not told or told[-1].missing != restored.missing):
        _print_missing(restored, "missing")
    _say(_line(restored))
    _tell_systemd(_line(restored))
    if restored.refused:
        return FAILED
    if restored.pending:
        return AWAITING
    if not restored.missing:
        return COMPLETE
    return AWAITING if all(item.awaits for item in restored.missing) else DIFFERENT


def _status(parsed: argparse.Namespace) -> int:
    """show the record, and how the kernel differs from it"""
    report = inspect(state_dir=parsed.state_dir, network=None, endpoint=None)
    if parsed.json:
        _say(json.dumps({"state_dir": parsed.state_dir, **report}, indent=2))
        return COMPLETE
    counts = (f"{len(report[key])} {word}{'' if len(report[key]) == 1 else 's'}" for key, word in LISTS.items())
    _say(f"{parsed.state_dir}: {', '.join(counts)}")
    _print_differences(report)
    return COMPLETE


def _list(parsed: argparse.Namespace) -> int:
    """list endpoints, one a line, with their addresses, and whether they are as recorded"""
    from .run.listing import list_lines

    filters = {name: getattr(parsed, name) for name in FILTERS}
    for line in list_lines(state_dir=parsed.state_dir, filters=filters, as_json=parsed.json):
        _say(line)
    return COMPLETE


def _show(parsed: argparse.Namespace) -> int:
    """show everything about a network or an endpoint, and how the kernel differs from the record of it"""
    from .run.listing import show_lines

    for line in show_lines(state_dir=parsed.state_dir, title=parsed.object, as_json=parsed.json):
        _say(line)
    return COMPLETE


def _metrics(parsed: argparse.Namespace) -> int:
    """print metrics in the text format of Prometheus: addresses, endpoints, drift, and the traffic of each endpoint"""
    from .run.metrics import metrics, write_metrics

    if parsed.output is not None:
        write_metrics(state_dir=parsed.state_dir, file=parsed.output)
        return COMPLETE
    for line in metrics(state_dir=parsed.state_dir):
        _say(line)
    return COMPLETE


def _probe(parsed: argparse.Namespace) -> int:
    """ask the machines on the wire which of them have addresses of a network; exit 1 if another machine has one that it must not have"""
    from .run.probe_network import probe_network

    answers = probe_network(state_dir=parsed.state_dir, network=parsed.network, addresses=parsed.addresses)
    for line in [json.dumps(answers.told)] if parsed.json else answers.lines:
        _say(line)
    return DIFFERENT if answers.has_strangers else COMPLETE


def _compare(parsed: argparse.Namespace) -> int:
    """exit 0 silently if the kernel matches the record; otherwise list the differences, or say that a change awaits confirmation"""
    # The record shows the state before that change, so the whole change would look like drift.
    try:
        check_nothing_awaited(state_dir=parsed.state_dir)
    except PendingError as exc:
        _say(str(exc))
        return AWAITING
    report = inspect(state_dir=parsed.state_dir, network=None, endpoint=None)
    if report["drift"] or report["warnings"]:
        _print_differences(report)
    return DIFFERENT if report["drift"] else COMPLETE


def _confirm(parsed: argparse.Namespace) -> int:
    """confirm a provisional change (confirm_timeout of macvlan_config) over a new connection; otherwise it is reverted"""
    doing = confirm(state_dir=parsed.state_dir, connection=find_connection(), dry_run=False)
    _say(f"the change to {doing} is confirmed")
    return COMPLETE


def _recover(parsed: argparse.Namespace) -> int:
    """make a damaged or lost state database usable again, from its backup and from the links in the kernel"""
    recovered = recover(state_dir=parsed.state_dir)
    for text in recovered.done:
        _say(text)
    for phrase in recovered.unknown:
        _say(f"not recorded: {phrase}, which carries the collection's tag; run the task that created it again, or delete it")
    _say(f"{recovered.total} objects are recorded")
    return DIFFERENT if recovered.unknown else COMPLETE


def _identity(parsed: argparse.Namespace) -> int:
    """show what this host is known by; exit 1 if the state database was written on another machine, which --new or --keep settles"""
    from .run.identity import identify

    identified = identify(state_dir=parsed.state_dir, settling="new" if parsed.new else "keep" if parsed.keep else None)
    for line in identified.lines:
        _say(line)
    return DIFFERENT if identified.is_copy else COMPLETE


# --- output --------------------------------------------------------------------------------------------------------


def _say(text: str) -> None:
    sys.stdout.write(f"{printable(text)}\n")
    sys.stdout.flush()


def _print_differences(report: Report) -> None:
    from .run.listing import differences

    for line in differences(report):
        _say(line)


def _print_missing(restored: Restored, word: str) -> None:
    """Print the missing objects, each reason once."""
    if restored.pending:
        _say(f"{word}: {restored.pending}")
    with_it: dict[Ref, int] = {}
    for item in restored.missing:
        if item.cause is not None:
            with_it[item.cause] = with_it.get(item.cause, 0) + 1
    for item in restored.missing:
        if item.cause is None:
            others = with_it.get(item.ref, 0)
            more = f" (and {others} more that need it)" if others else ""
            _say(f"{word}: {item.reason}{more}")


def _line(restored: Restored) -> str:
    """The state of the host in a line."""
    if restored.pending:
        begun = f"{len(restored.steps)} steps done, and then " if restored.steps else ""
        return f"{begun}nothing is restored: {restored.pending}"
    if not restored.total:
        return "nothing is recorded"
    done = f" ({len(restored.steps)} steps done)" if restored.steps else ""
    if not restored.missing:
        return f"{restored.total} of {restored.total} objects are there{done}"
    roots = [_missing_phrase(item) for item in restored.missing if item.cause is None]
    more = f" and {len(roots) - SHOWN} more" if len(roots) > SHOWN else ""
    there = restored.total - len(restored.missing)
    return f"{there} of {restored.total} objects are there{done}; missing: {', '.join(roots[:SHOWN])}{more}"


def _missing_phrase(item: Missing) -> str:
    return f"{item.ref.title} (needs {item.awaits})" if item.awaits else item.ref.title


def _tell_systemd(line: str) -> None:
    """Have systemctl status show a line, when systemd has started this (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            sock.connect("\0" + address[1:] if address.startswith("@") else address)
            sock.send(f"STATUS={' '.join(line.split())}".encode("utf-8", "replace"))
        except OSError:  # the line is a courtesy, and nothing of the work depends on it
            return
