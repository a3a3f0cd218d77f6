# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages for options of a wrong type and for unknown options: the location, the given value, and a right one."""

from __future__ import annotations

import typing as t

from ansible.module_utils import errors

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_options import LINK_OPTIONS

Spec = t.Mapping[str, t.Mapping[str, t.Any]]
Params = t.Mapping[str, t.Any]

# Option → a right value as YAML; of a list of dictionaries one item. Numbers, booleans and choices need none.
EXAMPLES: dict[str, str] = {
    "address": "192.168.50.20",
    "addresses": "192.168.50.21",
    "address_pools": "{base: 10.64.0.0/16, size: 24}",
    "answers": "{address: 192.168.50.20, mac: 02:42:c0:a8:32:14}",
    "aux_addresses": "{nas: 192.168.50.9}",
    "base": "10.64.0.0/16",
    "ca_cert": "/etc/etcd/ca.crt",
    "client_cert": "/etc/etcd/client.crt",
    "client_key": "/etc/etcd/client.key",
    "command": "/usr/local/sbin/macvlan-host",
    "content": "text",
    "dns": "{servers: [192.168.50.53]}",
    "egress_qos_map": "{5: 5}",
    "endpoint": "web",
    "endpoints": "{name: web, network: macvlan50, netns: web}",
    "etcd": "{members: [https://etcd1.example.com:2379]}",
    "exclude": "192.168.50.32/28",
    "files": "{path: /etc/example.conf, content: text}",
    "gateway": "192.168.50.1",
    "grace": "24h",
    "hosts": "{name: edge1}",
    "ifname": "eth0",
    "ingress_qos_map": "{5: 5}",
    "interpreter": "/usr/bin/python3",
    "ip_range": "192.168.50.64/27",
    "ipv4": "192.168.50.20",
    "ipv6": "2001:db8:50::20",
    "labels": "{team: web}",
    "members": "https://etcd1.example.com:2379",
    "lost_to": "edge7",
    "mac": "02:42:c0:a8:32:14",
    "machine_id": "7f0c5a1d9be24c3fa0d16b8e2f937c54",
    "name": "web",
    "needs": "{segment: lan50, addresses: 20}",
    "netns": "web",
    "netns_path": "/run/netns/web",
    "network": "macvlan50",
    "networks": "{name: macvlan50, parent: eth0.50}",
    "own_addresses": "192.168.50.11",
    "parent": "eth0",
    "password": "secret",
    "password_file": "/etc/etcd/password",
    "path": "/usr/local/lib/macvlan_host",
    "place": "1",
    "prefix": "/fleetnet/v1/",
    "probed": "{segment: lan50, slice: 192.168.50.64/28, answers: []}",
    "quarantine": "4h",
    "renamed_from": "web",
    "routes": "{to: 10.0.0.0/8, via: 192.168.50.1}",
    "search": "example.com",
    "segment": "lan50",
    "segments": "{name: lan50, subnets: [{subnet: 192.168.50.0/24, slice_length: 28}]}",
    "slice": "192.168.50.64/28",
    "slices": "{slice: 192.168.50.64/28}",
    "servers": "192.168.50.53",
    "state_dir": "/var/lib/macvlan_host",
    "subnet": "192.168.50.0/24",
    "vrf": "blue",
    "subnets": "{subnet: 192.168.50.0/24}",
    "sysctls": "{net.ipv4.conf.IFNAME.rp_filter: 1}",
    "to": "10.0.0.0/8",
    "user": "fleet",
    "uuid": "6f1c0a54-d2b9-4e77-a5a1-c9d04be8f213",
    "via": "192.168.50.1",
    "vlan_subinterfaces": "{name: eth0.50}",
}
# Options whose items are text in one module, and dictionaries in another.
_OF_TEXT = {"hosts": "edge1"}
_NUMBERS = {"confirm_timeout": 60, "generation": 2, "metric": 100, "mtu": 1500, "pid": 4711, "size": 24, "slice_length": 28, "vlan_id": 50}
_NEEDED = {
    "bool": "true or false",
    "dict": "a dictionary",
    "int": "a whole number",
    "list": "a list",
    "path": "a path",
    "str": "text",
}
_HINTS = {
    "gateway": "for a subnet without a gateway write gateway: none",
    "pid": "the name of a container or service is no process id: look it up first, "
    "with docker inspect, podman inspect or systemctl show --property MainPID",
}
# Options of macvlan_config that its items do not have.
_OF_A_TASK = ("confirm_timeout", "force", "purge", "replace")
# A longer value would hide the sentence.
_MAX_SHOWN = 120
_MAX_DIGITS = 20


def unknown_options(spec: Spec, params: Params, location: str = "") -> list[str]:
    """Return a sentence for each dictionary, at any depth, with unknown options: the unknown ones, and the known ones."""
    where = f"{location}: " if location else ""
    unknown = sorted(shown(option, bare=True) for option in params if option not in spec)
    problems = [f"{where}unknown options: {', '.join(unknown)} (there are {', '.join(sorted(spec))})"] if unknown else []
    misplaced = [option for option in _OF_A_TASK if option in params] if "state_dir" not in spec else []
    if unknown and misplaced:
        problems[0] += f"; write {' and '.join(misplaced)} once for the task, beside its lists"
    for option, about in spec.items():
        items = params.get(option) if about.get("options") else None
        inside = f"{location}.{option}".lstrip(".")
        if isinstance(items, dict):
            problems += unknown_options(about["options"], items, inside)
        for position, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict):
                problems += unknown_options(about["options"], item, f"{inside}[{position}]")
    return problems


def of_wrong_type(about: t.Mapping[str, t.Any], value: t.Any, option: str, location: str) -> str:
    """The message for an option of a wrong type, with a right value."""
    kind = about.get("type", "str")
    is_item = location.endswith("]")
    needed = "a list of dictionaries" if (kind, about.get("elements")) == ("list", "dict") else _NEEDED[kind]
    if about.get("choices"):
        needed = f"one of {', '.join(about['choices'])}"
    example = example_of(option, about)
    text = f"{location}: {shown(value)} is {_kind_of(value)}, but must be {needed}, such as " + (
        example if is_item else f"{option}: {example}"
    )
    if option in _HINTS:
        text += f"; {_HINTS[option]}"
    elif value is None:
        text += "" if is_item or about.get("required") else f"; for its default leave {option} out"
    elif isinstance(value, bool) and kind in ("path", "str"):
        text += '; a word that YAML takes for true or false, such as no, is text in quotes: "no"'
    return text


def of_wrong_entry(key: t.Any, value: t.Any, option: str, location: str) -> str:
    """The message for an entry of a dictionary that is a list or dictionary itself."""
    return (
        f"{location}.{shown(key, bare=True)}: {shown(value)} is {_kind_of(value)}, but must be one text or number, such as "
        f"{option}: {EXAMPLES.get(option, '{key: value}')}"
    )


def example_of(option: str, about: t.Mapping[str, t.Any]) -> str:
    """A right value of an option as YAML."""
    kind = about.get("type", "str")
    if about.get("choices"):
        return str(about["choices"][0])
    if kind == "bool":
        return "true"
    if kind == "int":
        return str(LINK_OPTIONS[option].default if option in LINK_OPTIONS else _NUMBERS.get(option, 1))
    if kind == "list" and about.get("elements") == "str" and option in _OF_TEXT:
        return f"[{_OF_TEXT[option]}]"
    example = EXAMPLES.get(option, {"list": "text", "dict": "{key: value}"}.get(kind, "text"))
    return f"[{example}]" if kind == "list" else example


def shown(value: t.Any, bare: bool = False) -> str:
    """A value as messages show it: in the words of YAML, on one line, and not too long.

    :param bare: text without quotes, as in a location
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) >= 10**_MAX_DIGITS:
        return f"a number of more than {_MAX_DIGITS} digits"
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # Python refuses to write thousands of digits
        return "a value that is too large to be shown"
    if bare and isinstance(value, str) and value.isprintable():
        text = str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]} …"


def _kind_of(value: t.Any) -> str:
    """The kind of a value, in the terms of YAML."""
    if value is None:
        return "no value"
    for kind, text in (
        (bool, "a boolean"),
        (str, "text"),
        (int, "a number"),
        (float, "a number"),
        (list, "a list"),
        (dict, "a dictionary"),
    ):
        if isinstance(value, kind):
            return text
    return "something else"


def messages_of(validation_errors: t.Iterable[errors.AnsibleValidationError], spec: Params, given: Params) -> list[str]:
    """The messages of the validation; for unknown options, our own ones, because Ansible's list the known options of one level only."""
    told: list[str] = []
    for error in validation_errors:
        unknown = unknown_options(spec, given) if isinstance(error, errors.UnsupportedError) else []
        told += unknown or [error.msg.rstrip(".")]
    return told
