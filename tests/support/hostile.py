# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that nobody means well with, for every option that a module has, and what an answer to them may be."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils import _argspecs, _fleet, _fleet_reclaim, _reading_argspecs

TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "a\nb: c",
    "\t",
    ".",
    "..",
    "../../etc/x",
    "/etc/passwd",
    "/proc/self/mem",
    "/dev/null/x",
    "a/b",
    "~root",
    "$HOME/x",
    "x" * 16,
    "x" * 300,
    "x" * 100_000,
    "\u00fc" * 20,
    "\u202egnp.exe",
    "\ud800",
    "\udcff\udcfe",
    "\x1b[2J\x07",
    "\u0661\u0662",
    "%s%n%d",
    "{{ 7 * 7 }}",
    "$(reboot)`id`;|&>x",
    "'\"\\",
    "-rf",
    "IFNAME",
    "none",
    "default",
    "yes",
    "0",
    "-1",
    "007",
    "0x10",
    "1.5",
    "9" * 400,
    "10.0.0.0/99999999999999999999",
    "10.0.0.0/-1",
    "10.0.0.9-10.0.0.2",
    "0.0.0.0/0",
    "::/0",
    "fe80::1%eth0",
    "::ffff:10.0.0.1",
    "010.0.0.1",
    "ff:ff:ff:ff:ff:ff",
    "00:00:00:00:00:00",
    "eth0.0",
    "eth0.99999",
    "eth0.5.6.7",
    "net..//..//kernel.x",
    "net/../../kernel/x",
    '{"a": 1}',
    "a=b c=d",
)
# Neither infinity nor numbers with exponents or thousands of digits: ansible-core itself fails at these, before any
# module gets them.
OTHERS = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**31,
    2**32,
    2**64,
    -(2**70),
    [],
    {},
    [None],
    [[]],
    [{}],
    ["a", 1, None],
    [[[[[[[[]]]]]]]],
    {"a": None},
    {"a": {"b": [{}]}},
    {"": ""},
)
VALUES = (*TEXTS, *OTHERS)

Params = dict[str, t.Any]
# The way to a value through dicts and lists.
Place = tuple[t.Any, ...]
# The place of a key, not of a value.
KEY = object()

_NETWORK = {
    "name": "net",
    "parent": "eth0",
    "subnets": [
        {
            "subnet": "10.0.0.0/24",
            "gateway": "10.0.0.1",
            "ip_range": ["10.0.0.8/29"],
            "exclude": ["10.0.0.10"],
            "aux_addresses": {"a": "10.0.0.9"},
        }
    ],
    "labels": {"a": "b"},
}
_SUBINTERFACE = {"name": "eth0.50", "ingress_qos_map": {"1": 2}, "egress_qos_map": {"1": 2}}
_ENDPOINT = {
    "name": "web",
    "network": "net",
    "netns": "blue",
    "routes": [{"to": "10.9.0.0/16", "via": "10.0.0.7", "metric": 5}],
    "sysctls": {"net.ipv4.conf.IFNAME.rp_filter": 1},
    "labels": {"a": "b"},
    "addresses": ["10.0.0.19"],
    "dns": {"servers": ["10.0.0.53"], "search": ["example.com"]},
}

_FLEET = {
    "segments": [
        {
            "name": "lan50",
            "subnets": [
                {
                    "subnet": "10.0.0.0/24",
                    "slice_length": 28,
                    "gateway": "10.0.0.1",
                    "exclude": ["10.0.0.10"],
                    "aux_addresses": {"a": "10.0.0.9"},
                }
            ],
        }
    ],
    "hosts": [{"name": "edge1", "place": [1], "needs": [{"segment": "lan50", "place": [2, 3]}], "own_addresses": ["10.0.0.2"]}],
    "store": "inventory",
    "etcd": {"members": ["http://127.0.0.1:9"]},
}

_RECLAIM: Params = {
    **{key: _FLEET[key] for key in ("segments", "etcd")},
    "hosts": ["edge7"],
    "path": "/var/lib/home/unit/ledger.db",
    "probed": [{"segment": "lan50", "slice": "10.0.0.16/28", "answers": [{"address": "10.0.0.17", "mac": "02:42:0a:00:00:11"}]}],
}

# Module → its options, and a task for it that is right.
MODULES: dict[str, tuple[t.Callable[[], Params], Params]] = {
    "macvlan_network": (_argspecs.network_argspec, _NETWORK),
    "vlan_subinterface": (_argspecs.subinterface_argspec, _SUBINTERFACE),
    "macvlan_endpoint": (_argspecs.endpoint_argspec, _ENDPOINT),
    "macvlan_info": (_reading_argspecs.info_argspec, {}),
    "macvlan_confirm": (_reading_argspecs.confirm_argspec, {}),
    "macvlan_config": (
        _argspecs.config_argspec,
        {"vlan_subinterfaces": [_SUBINTERFACE], "networks": [_NETWORK], "endpoints": [_ENDPOINT], "purge": True},
    ),
    "macvlan_fleet": (_fleet.fleet_argspec, _FLEET),
    "macvlan_fleet_reclaim": (_fleet_reclaim.reclaim_argspec, _RECLAIM),
    "macvlan_command": (_argspecs.command_argspec, {"files": [{"path": "/var/lib/home/unit", "content": "a"}]}),
}


def places(module_name: str) -> list[Place]:
    """The way to every option of a module, and to all that is in it."""
    spec, task = MODULES[module_name]
    found = list(_of_options(spec(), task))
    if module_name == "macvlan_config":
        for option, (items, dummy) in _argspecs.config_items().items():
            found += [(option, 0, *place) for place in _of_options(items, task[option][0])]
    return found


def _of_options(spec: Params, task: Params) -> t.Iterator[Place]:
    for name, option in spec.items():
        yield (name,)
        if option["type"] == "list":
            yield (name, 0)
            for place in _of_options(option.get("options", {}), (task.get(name) or [{}])[0]):
                yield (name, 0, *place)
        elif option.get("options"):
            for place in _of_options(option["options"], task.get(name, {})):
                yield (name, *place)
        elif option["type"] == "dict":
            key = next(iter(task.get(name, {})), "a")
            yield (name, key)
            yield (name, key, KEY)


def spoilt(params: Params, place: Place, value: t.Any) -> Params:
    """A task with a value in a place; as a key, it is text."""
    spoilt = copy.deepcopy(params)
    inner: t.Any = spoilt
    way = place[:-2] if place[-1] is KEY else place[:-1]
    for step in way:
        if isinstance(inner, dict):
            inner = inner.setdefault(step, [{}])
        elif not inner:
            inner.append({})
            inner = inner[0]
        else:
            inner = inner[step]
    if place[-1] is KEY:
        inner[str(value)] = inner.pop(place[-2], "1") if isinstance(inner, dict) else "1"
    elif isinstance(inner, list) and not inner:
        inner.append(value)
    else:
        inner[place[-1]] = value
    return spoilt


def assert_answer(result: Params, task: t.Any) -> None:
    """A task was carried out, or refused with a message of ours or of Ansible's; it was no defect."""
    if not result.get("failed"):
        assert isinstance(result["changed"], bool), task
        return
    assert result["msg"].strip(), task
    said = f"{result['msg']}\n{result.get('exception')}"
    assert "bug of the collection" not in said and "Traceback (most recent" not in said, f"{task}: {said}"
