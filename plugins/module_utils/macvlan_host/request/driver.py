# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The driver of a network, its mode, and which other options mean something with the two."""

from __future__ import annotations

import typing as t

from ..model.link_options import LINK_OPTIONS, LinkOptions
from ..model.network import DEFAULT_DRIVER, DRIVERS, ROUTED_MODES, Mode
from ..wire.kinds import kind_named
from .problems import Problems


def read_driver(problems: Problems, params: t.Mapping[str, t.Any]) -> tuple[str, Mode]:
    """The driver and the mode of a network; a mode that is left out is the default of the driver."""
    driver = params.get("driver") or DEFAULT_DRIVER
    modes = DRIVERS[driver]
    mode: Mode = params.get("mode") or modes[0]
    other = next((name for name, those in DRIVERS.items() if mode in those and mode not in modes), None)
    if other is not None:
        problems.problem(
            f"mode: {mode} is a mode of the driver {other}, and the driver of this network is {driver}, which has {', '.join(modes)}; "
            f"use one of these, or driver: {other}"
        )
    return driver, mode


def check_gateway_of_mode(problems: Problems, option: str, mode: str, gateway: str | None) -> None:
    """Add that a network whose links exchange no ARP has no next hop, where one is given."""
    if gateway is not None and mode in ROUTED_MODES:
        problems.problem(
            f"{option}: {gateway} has no meaning in mode {mode}: the host routes what endpoints send, and their default route is their "
            f"link itself; remove gateway, and use default_route: false for an endpoint that is to have no default route"
        )


def read_link_options(problems: Problems, params: t.Mapping[str, t.Any], driver: str) -> LinkOptions:
    """Those of the link options that are given."""
    given = {name: params[name] for name in LINK_OPTIONS if params.get(name) is not None}
    for name, value in given.items():
        if not kind_named(driver).has_link_options:
            problems.problem(f"{name} is an option of macvlan links, and the driver of this network is {driver}; remove {name}")
        problems.number(name, value, LINK_OPTIONS[name].lowest, LINK_OPTIONS[name].highest)
    return given
