# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks as the tests run them: every one checks what must hold for all, whatever it is about."""

from __future__ import annotations

import typing as t

from .host import Host

KEYS = {
    "macvlan_network": ("network",),
    "vlan_subinterface": ("vlan_subinterface",),
    "macvlan_endpoint": ("endpoint",),
    "macvlan_config": ("vlan_subinterfaces", "networks", "endpoints"),
}
PROMISED = ("changed", "steps", "diff", "warnings")

Result = dict[str, t.Any]

# What a task of macvlan_config is given that takes everything away.
NOTHING_LISTED: Result = {"vlan_subinterfaces": [], "networks": [], "endpoints": [], "purge": True}


def converge(host: Host, module_name: str, **params: t.Any) -> Result:
    """Run a task in check mode, for real, and again.

    Check mode leaves no trace and tells exactly what the real run does; the second run changes nothing.
    """
    before = host.snapshot()
    foreseen = host.call(module_name, check=True, diff=True, **params)
    assert host.snapshot() == before
    done = host.call(module_name, diff=True, **params)
    keys = KEYS[module_name]
    assert promised(foreseen, keys) == promised(done, keys)
    again = host.call(module_name, diff=True, **params)
    assert (again["changed"], again["steps"]) == (False, [])
    assert promised(again, keys, ()) == promised(done, keys, ())
    # The difference of a whole host has only what differs.
    unchanged = {} if module_name == "macvlan_config" else done["diff"]["after"]
    assert again["diff"]["before"] == again["diff"]["after"] == unchanged
    return done


def promised(result: Result, keys: tuple[str, ...], others: tuple[str, ...] = PROMISED) -> Result:
    """What check mode and the real run must agree on."""
    return {name: result.get(name) for name in (*others, *keys)}


def refuse(host: Host, module_name: str, *words: str, **params: t.Any) -> str:
    """Run a task that must fail the same way in check mode and for real, and leave everything as it was."""
    before = host.snapshot()
    messages = {host.call(module_name, check=check, fails=True, **params)["msg"] for check in (True, False)}
    assert host.snapshot() == before
    (message,) = messages
    for word in words:
        assert word in message
    return message


def network(host: Host, name: str = "net", /, **params: t.Any) -> Result:
    """A network, by default on eth0."""
    return t.cast(Result, converge(host, "macvlan_network", **{"name": name, "parent": "eth0", **params})["network"])


def endpoint(host: Host, name: str, /, network: str = "net", **params: t.Any) -> Result:
    """An endpoint in a namespace of its own name."""
    where = {} if {"netns", "netns_path", "pid"} & set(params) else {"netns": name}
    done = converge(host, "macvlan_endpoint", **{"name": name, "network": network, **where, **params})
    return t.cast(Result, done["endpoint"])


def gone(host: Host, module_name: str, **params: t.Any) -> Result:
    """Remove something; its object is empty afterwards."""
    done = converge(host, module_name, state="absent", **params)
    assert [done[key] for key in KEYS[module_name]] == [{}]
    return done


def subnets(*cidrs: str) -> list[dict[str, str]]:
    return [{"subnet": cidr} for cidr in cidrs]
