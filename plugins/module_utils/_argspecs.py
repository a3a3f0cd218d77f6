# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the modules, each declared once."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils._reading_argspecs import common_argspec
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_options import LINK_OPTIONS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import DEFAULT_DRIVER, DRIVERS, MODES
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.probe import PROBES


def network_argspec() -> dict[str, t.Any]:
    """The options of macvlan_network."""
    return {**_network_options(), **_replace_argspec(), **_force_argspec(), **_changing_argspec()}


def _network_options() -> dict[str, t.Any]:
    """The options that describe a network."""
    return {
        "name": {"type": "str", "required": True},
        "parent": {"type": "str"},
        "driver": {"type": "str", "choices": list(DRIVERS), "default": DEFAULT_DRIVER},
        # No default: it depends on the driver.
        "mode": {"type": "str", "choices": list(MODES)},
        "subnets": {
            "type": "list",
            "elements": "dict",
            "options": {
                "subnet": {"type": "str", "required": True},
                "gateway": {"type": "str"},
                "gateway_onlink": {"type": "bool", "default": False},
                "ip_range": {"type": "list", "elements": "str"},
                "exclude": {"type": "list", "elements": "str"},
                "aux_addresses": {"type": "dict"},
            },
        },
        "segment": {"type": "str"},
        # No default: without them, those that the host has recorded for the segment are meant.
        "slices": {
            "type": "list",
            "elements": "dict",
            "options": {
                "slice": {"type": "str", "required": True},
                "subnet": {"type": "str"},
                "generation": {"type": "int", "default": 1},
                "lost_to": {"type": "str"},
            },
        },
        "ipv6": {"type": "bool"},
        "internal": {"type": "bool", "default": False},
        "mtu": {"type": "int"},
        **{name: {"type": "int"} for name in LINK_OPTIONS},
        "ipam": {"type": "str", "choices": ["default", "none"], "default": "default"},
        "address_pools": {
            "type": "list",
            "elements": "dict",
            "options": {
                "base": {"type": "str", "required": True},
                "size": {"type": "int", "required": True},
            },
        },
        "labels": {"type": "dict"},
        "allow_shared_parent": {"type": "bool", "default": False},
        "allow_overlap": {"type": "bool", "default": False},
        # No default: it is false, and in a list the value of macvlan_config.
        "exclusive": {"type": "bool"},
        # True, or a dictionary: the engine reads it.
        "host_access": {"type": "raw"},
        # No default: it depends on the parent and on ipam.
        "probe": {"type": "str", "choices": list(PROBES)},
        "renamed_from": {"type": "str"},
    }


def subinterface_argspec() -> dict[str, t.Any]:
    """The options of vlan_subinterface."""
    return {**_subinterface_options(), **_replace_argspec(), **_force_argspec(), **_changing_argspec()}


def _subinterface_options() -> dict[str, t.Any]:
    """The options that describe a sub-interface."""
    return {
        "name": {"type": "str"},
        "parent": {"type": "str"},
        "vlan_id": {"type": "int"},
        "protocol": {"type": "str", "choices": ["802.1q", "802.1ad"], "default": "802.1q"},
        "mtu": {"type": "int"},
        "mac": {"type": "str"},
        "up": {"type": "bool", "default": True},
        "reorder_hdr": {"type": "bool", "default": True},
        "gvrp": {"type": "bool", "default": False},
        "mvrp": {"type": "bool", "default": False},
        "loose_binding": {"type": "bool", "default": False},
        "ingress_qos_map": {"type": "dict"},
        "egress_qos_map": {"type": "dict"},
    }


# The rules that combine options of a module, as AnsibleModule takes them.
SUBINTERFACE_RULES: dict[str, t.Any] = {
    "required_together": [("parent", "vlan_id")],
    "required_one_of": [("name", "parent")],
}


def endpoint_argspec() -> dict[str, t.Any]:
    """The options of macvlan_endpoint."""
    return {**_endpoint_options(), **_replace_argspec(), **_force_argspec(), **_changing_argspec()}


def _endpoint_options() -> dict[str, t.Any]:
    """The options that describe an endpoint."""
    return {
        "name": {"type": "str", "required": True},
        "network": {"type": "str", "required": True},
        "netns": {"type": "str"},
        "netns_path": {"type": "path"},
        "pid": {"type": "int"},
        "ifname": {"type": "str"},
        "ipv4": {"type": "str"},
        "ipv6": {"type": "str"},
        "addresses": {"type": "list", "elements": "str"},
        "subnet": {"type": "str"},
        "mac": {"type": "str"},
        "mtu": {"type": "int"},
        # No default: it is true in a namespace and false in the host's own.
        "default_route": {"type": "bool"},
        "routes": {
            "type": "list",
            "elements": "dict",
            "options": {
                "to": {"type": "str", "required": True},
                "via": {"type": "str"},
                "metric": {"type": "int"},
                "onlink": {"type": "bool", "default": False},
            },
        },
        "sysctls": {"type": "dict"},
        "dns": {
            "type": "dict",
            "options": {
                "servers": {"type": "list", "elements": "str"},
                "search": {"type": "list", "elements": "str"},
            },
        },
        "announce": {"type": "bool", "default": True},
        "labels": {"type": "dict"},
        # No default: the value of its network applies.
        "exclusive": {"type": "bool"},
        "probe": {"type": "str", "choices": list(PROBES)},
        "vrf": {"type": "str"},
        "renamed_from": {"type": "str"},
    }


ENDPOINT_RULES: dict[str, t.Any] = {
    "mutually_exclusive": [("netns", "netns_path", "pid")],
}


def config_argspec() -> dict[str, t.Any]:
    """The options of macvlan_config; its items are validated by :func:`config_params`."""
    return {
        **config_lists(),
        "purge": {"type": "bool", "default": False},
        "exclusive": {"type": "bool"},
        "probe": {"type": "str", "choices": list(PROBES)},
        "confirm_timeout": {"type": "int", "default": 0},
        **_replace_argspec(),
        **_force_argspec(),
        **common_argspec(),
    }


def config_lists() -> dict[str, dict[str, t.Any]]:
    """The lists of macvlan_config, whose items are validated one by one."""
    return {option: {"type": "list", "elements": "dict"} for option in config_items()}


def config_items() -> dict[str, tuple[dict[str, t.Any], dict[str, t.Any]]]:
    """List of macvlan_config → the options of its items, and the rules that combine them."""
    return {
        "vlan_subinterfaces": (_subinterface_options(), SUBINTERFACE_RULES),
        "networks": (_network_options(), {}),
        "endpoints": (_endpoint_options(), ENDPOINT_RULES),
    }


def command_argspec() -> dict[str, t.Any]:
    """The options of macvlan_command."""
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.installation import ENGINE

    return {
        "path": {"type": "path", "default": ENGINE},
        "command": {"type": "path", "default": "/usr/local/sbin/macvlan-host"},
        "interpreter": {"type": "path"},
        "files": {
            "type": "list",
            "elements": "dict",
            "options": {"path": {"type": "path", "required": True}, "content": {"type": "str", "required": True}},
        },
        **_changing_argspec(),
    }


def _replace_argspec() -> dict[str, t.Any]:
    return {"replace": {"type": "bool", "default": False}}


def _force_argspec() -> dict[str, t.Any]:
    return {"force": {"type": "bool", "default": False}}


def _changing_argspec() -> dict[str, t.Any]:
    return {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}, **common_argspec()}
