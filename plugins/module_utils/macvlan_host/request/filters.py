# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters by which a reader looks for endpoints: an address, a MAC address, a namespace."""

from __future__ import annotations

import re
import typing as t

from ..model.netns import NETNS_FOLDER, Netns
from ..values import inet, names, validators
from ..values.addresses import parse_mac
from .problems import Problems

# /var/run is a symbolic link to /run on the hosts that have it.
_NETNS_PATH = re.compile(rf"(?:/var)?{NETNS_FOLDER}/([^/]+)\Z")


class EndpointFilter(t.NamedTuple):
    """What an endpoint must have; None for anything.

    :ivar address: canonical, without prefix length
    :ivar mac: canonical
    :ivar netns: a reference to the namespace
    """

    address: str | None = None
    mac: str | None = None
    netns: Netns | None = None


def endpoint_filter(address: str | None, mac: str | None, netns: str | None) -> EndpointFilter:
    """The filter from options.

    :raises OptionsError: naming every option whose value cannot be one
    """
    problems = Problems()
    wanted = EndpointFilter(
        problems.parsed("address", _address, address),
        problems.parsed("mac", parse_mac, mac),
        problems.parsed("netns", _netns, netns),
    )
    problems.finish()
    return wanted


def _address(text: str) -> str:
    """The canonical address of a text with a prefix length or without; a prefix length does not matter for the search."""
    address, slash, dummy = text.partition("/")
    if not (validators.with_length(text) if slash else validators.address(address)):
        raise ValueError(f"'{text}' is not an IP address such as 192.0.2.7 or 192.0.2.7/24")
    return inet.from_bytes(inet.to_bytes(address))


def _netns(text: str) -> Netns:
    """A namespace by its name, or by a path: that of a name is the same namespace."""
    match = _NETNS_PATH.match(text)
    name = match[1] if match else text
    if names.namespace_name_problem(name) is None:
        return Netns("name", name)
    if validators.path(text):
        return Netns("path", text)
    raise ValueError(f"{text!r} is neither the name of a namespace under {NETNS_FOLDER} nor an absolute path")
