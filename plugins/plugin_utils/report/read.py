# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts have answered, as far as it can be read: a report never fails because of one host."""

from __future__ import annotations

import shlex
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.listing import Row, rows_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import without_prefix
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import FAILED, READ, UNREACHABLE, Difference, Objects

NEEDED = ("networks", "endpoints", "vlan_subinterfaces", "drift")
NO_ANSWER = "the host has given no answer"
# Where the role leaves the record, which the command reads without an option.
USUAL_FOLDER = "/var/lib/macvlan_host"
# What of an object says that it has changed, and is told in the JSON report.
NETWORK_FIELDS = ("parent", "driver", "mode", "mtu", "ipam", "internal", "host_access", "segment", "slices")
SUBNET_FIELDS = ("subnet", "gateway", "ip_ranges", "exclude", "aux_addresses")
SLICE_FIELDS = ("subnet", "slice", "lost_to")
ENDPOINT_FIELDS = ("netns", "ifname", "mac", "mtu", "ipv4", "ipv6", "addresses", "foreign_addresses", "routes", "vrf")
SUBINTERFACE_FIELDS = ("parent", "vlan_id", "protocol", "mtu", "mac")

Answer = t.Mapping[str, t.Any]


class Reading(t.NamedTuple):
    """The answer of a host.

    :ivar answer: what macvlan_info returns, {} where it has returned nothing
    :ivar rows: its endpoints, and the networks that differ or have none
    """

    host: str
    state: str
    message: str
    answer: Answer
    rows: t.Sequence[Row] = ()


def read_answer(host: str, given: t.Any) -> Reading:
    """The answer of a host, whatever it is."""
    if not isinstance(given, t.Mapping):
        return Reading(host, UNREACHABLE, NO_ANSWER, {})
    message = str(given.get("msg") or NO_ANSWER)
    if given.get("unreachable") is True:
        return Reading(host, UNREACHABLE, message, {})
    rows = None if given.get("failed") is True else _rows(given)
    return Reading(host, FAILED, message, {}) if rows is None else Reading(host, READ, "", given, rows)


def _rows(given: Answer) -> list[Row] | None:
    """The rows of an answer, if all lists are there, with all that a report needs of them."""
    if not all(isinstance(given.get(key), (list, tuple)) and all(isinstance(item, t.Mapping) for item in given[key]) for key in NEEDED):
        return None
    try:
        rows = rows_of(given)
        subnets = [subnet for network in given["networks"] for subnet in network["subnets"]]
        of_subnets = all(key in subnet for subnet in subnets for key in SUBNET_FIELDS)
        of_slices = all(key in item for network in given["networks"] for item in network.get("slices") or () for key in SLICE_FIELDS)
        is_whole = of_subnets and of_slices and all("name" in item and "parent" in item for item in given["vlan_subinterfaces"])
        return rows if is_whole else None
    except (KeyError, TypeError):
        return None


def objects_of(answer: Answer) -> Objects:
    """The objects of a host by their titles."""
    objects: dict[str, dict[str, t.Any]] = {}
    for item in answer.get("vlan_subinterfaces", ()):
        objects[f"vlan_subinterface {item['name']}"] = {key: item.get(key) for key in SUBINTERFACE_FIELDS}
    for item in answer.get("networks", ()):
        subnets = [{key: subnet[key] for key in SUBNET_FIELDS} for subnet in item["subnets"]]
        objects[f"network {item['name']}"] = {**{key: item.get(key) for key in NETWORK_FIELDS}, "subnets": subnets}
    for item in answer.get("endpoints", ()):
        objects[f"endpoint {item['network']}/{item['name']}"] = {key: item.get(key) for key in ENDPOINT_FIELDS}
    return objects


def drift_of(answer: Answer) -> tuple[Difference, ...]:
    """The drift of a host."""
    return tuple(
        Difference(str(item["object"]), str(item["field"]), item["recorded"], item["actual"], not _is_conflict(item))
        for item in answer.get("drift", ())
    )


def _is_conflict(item: Answer) -> bool:
    """Whether a difference is that another host has an address too, or may: it is told in words instead of an address."""
    fields = {"ipv4", "ipv6", "addresses", "slice_lost"}
    actual = item["actual"]
    return str(item["field"]).rpartition(".")[2] in {*fields, "address"} and isinstance(actual, str) and number_of(actual) is None


def repair_command(host: str, state_dir: str = USUAL_FOLDER) -> str:
    """The command, for the shell of the control node, that brings a host back to its record."""
    folder = "" if state_dir == USUAL_FOLDER else f" --state-dir {shlex.quote(state_dir)}"
    return f"ansible {shlex.quote(host)} --become -m ansible.builtin.command -a {shlex.quote(f'macvlan-host{folder} restore')}"


def number_of(address: t.Any) -> tuple[int, int] | None:
    """IP version and number of an address with or without prefix length; None for what is none."""
    text = without_prefix(address) if isinstance(address, str) else ""
    try:
        return (6 if ":" in text else 4), inet.number(text)
    except (OSError, ValueError):
        return None
