# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An option of a wrong type is told with its place, what was written, and what would be right, whichever option it is."""

from __future__ import annotations

import json
import typing as t

import pytest
import yaml
from ansible.module_utils.common import warnings as collected

from ansible_collections.fleetnet.macvlan.plugins.module_utils import (
    _argspecs,
    _fleet,
    _fleet_reclaim,
    _option_messages,
    _option_types,
    _option_values,
    _reading_argspecs,
    _runner,
)
from ansible_collections.fleetnet.macvlan.plugins.modules import (
    macvlan_command,
    macvlan_config,
    macvlan_confirm,
    macvlan_endpoint,
    macvlan_fleet,
    macvlan_fleet_reclaim,
    macvlan_info,
    macvlan_network,
    vlan_subinterface,
)
from ansible_collections.fleetnet.macvlan.tests.support.module_args import patch_module_args

# Module → its specification, and a task that is right.
MODULES: dict[t.Any, tuple[dict[str, t.Any], dict[str, t.Any]]] = {
    macvlan_command: (_argspecs.command_argspec(), {}),
    macvlan_config: (_argspecs.config_argspec(), {}),
    macvlan_confirm: (_reading_argspecs.confirm_argspec(), {}),
    macvlan_endpoint: (_argspecs.endpoint_argspec(), {"name": "web", "network": "lan"}),
    macvlan_fleet: (_fleet.fleet_argspec(), {"segments": [{"name": "lan50", "subnets": []}], "hosts": [{"name": "edge1"}]}),
    macvlan_fleet_reclaim: (_fleet_reclaim.reclaim_argspec(), {"segments": [{"name": "lan50", "subnets": []}], "hosts": ["edge7"]}),
    macvlan_info: (_reading_argspecs.info_argspec(), {}),
    macvlan_network: (_argspecs.network_argspec(), {"name": "lan"}),
    vlan_subinterface: (_argspecs.subinterface_argspec(), {"name": "eth0.50"}),
}
ITEMS = {
    "vlan_subinterfaces": (_argspecs._subinterface_options(), {"name": "eth0.50"}),
    "networks": (_argspecs._network_options(), {"name": "lan"}),
    "endpoints": (_argspecs._endpoint_options(), {"name": "web", "network": "lan"}),
}
# Words that only Python, or only the validation of Ansible, would say.
RAW = ("<class", "Traceback", "NoneType", "convert", "dictionary requested", "object has no")

# What no option of the type can be meant by, and how a message shows it.
WRONG: dict[str, list[tuple[t.Any, str]]] = {
    "bool": [("maybe", "'maybe'"), (7, "7"), ([True], "[True]"), ({"a": 1}, "{'a': 1}"), (1.5, "1.5")],
    "dict": [("web", "'web'"), (7, "7"), ([1], "[1]"), (True, "true"), (["a=b"], "['a=b']"), ("{", "'{'")],
    "int": [
        ("mycontainer", "'mycontainer'"), ("", "''"), (True, "true"), ([7], "[7]"), ({"a": 1}, "{'a': 1}"), (1.5, "1.5"),
        (float("inf"), "inf"), (float("nan"), "nan"), ([0, [1, 2], 0], "[0, [1, 2], 0]"), ("1" * 5000, "'1111"),
    ],
    "list": [({"web": {"network": "lan"}}, "{'web': {'network': 'lan'}}"), (True, "true")],
    "list of dict": [("192.168.60.0/24", "'192.168.60.0/24'"), ("a,b", "'a,b'"), (7, "7"), (1.5, "1.5")],
    "path": [(["/a"], "['/a']"), ({"a": 1}, "{'a': 1}"), (True, "true")],
    "raw": [("web", "'web'"), (7, "7"), ([True], "[True]"), (1.5, "1.5")],
    "str": [(["a"], "['a']"), ({"a": 1}, "{'a': 1}"), (True, "true"), (False, "false"), ([], "[]"), ({}, "{}")],
}  # fmt: skip
# 20 digits and more are numbers all the same, of which the ranges of the options tell.
NUMBERS_ANYWAY = {("int", "'1111")}
WRONG_ITEMS = [("10.0.0.0/8 via 192.168.50.1", "'10.0.0.0/8 via 192.168.50.1'"), (7, "7"), (None, "null"), (["a"], "['a']"), (True, "true")]
WRONG_ENTRIES = [(["a"], "['a']"), ({"a": 1}, "{'a': 1}")]


class Case(t.NamedTuple):
    """One wrong value in one place of a task."""

    module: t.Any
    params: dict[str, t.Any]
    place: str
    shown: str
    option: str


def cases_of(spec, right, place=""):
    """(parameters, place, shown, option) for every option of a specification, at any depth."""
    for option, about in spec.items():
        kind, where = about.get("type", "str"), f"{place}{option}"
        wrong = [item for item in WRONG[kind] if (kind, item[1]) not in NUMBERS_ANYWAY]
        if (kind, about.get("elements")) == ("list", "dict"):
            wrong += WRONG["list of dict"]
        if about.get("required") or about.get("default") is not None:
            wrong.append((None, "null"))
        for value, shown in wrong:
            yield {**right, option: value}, where, shown, option
        sub = about.get("options") or {}
        if kind == "list" and about.get("elements") == "dict":
            for value, shown in WRONG_ITEMS:
                yield {**right, option: [value]}, f"{where}[0]", shown, option
            filled = {name: filled_in(name, about) for name, about in sub.items() if about.get("required")}
            for inner, *rest in cases_of(sub, filled, f"{where}[1]."):
                yield {**right, option: [filled, inner]}, *rest
        elif kind == "dict" and not sub:
            for value, shown in WRONG_ENTRIES:
                yield {**right, option: {"key": value}}, f"{where}.key", shown, option


def filled_in(option, about):
    return yaml.safe_load(_option_messages.example_of(option, about))


def all_cases():
    for module, (spec, right) in MODULES.items():
        for case in cases_of(spec, right):
            yield Case(module, *case)
    for option, (spec, right) in ITEMS.items():
        for inner, place, shown, name in cases_of(spec, right):
            named = name != "name" and isinstance(inner.get("name"), str)
            item = f"{option}[1]" + (f" ({inner['name']})" if named else "")
            yield Case(macvlan_config, {option: [right, inner]}, f"{item}: {place}", shown, name)


CASES = list(all_cases())


@pytest.fixture(autouse=True)
def root(monkeypatch):
    monkeypatch.setattr(_runner.os, "geteuid", lambda: 0)


@pytest.fixture
def message(capsys):
    """What a module fails with."""

    def run(module, params):
        collected._global_warnings.clear()
        with patch_module_args({"_ansible_remote_tmp": "/tmp", **params}), pytest.raises(SystemExit):
            module.main()
        result = json.loads(capsys.readouterr().out)
        assert result["failed"]
        assert set(params) <= set(result["invocation"]["module_args"])
        return result["msg"]

    return run


def test_the_table_has_every_option_of_every_module():
    options = {case.option for case in CASES}
    for spec, dummy in (*MODULES.values(), *ITEMS.values()):
        assert set(spec) <= options
    assert {"subnet", "gateway", "aux_addresses", "base", "size", "to", "via", "metric", "path", "content"} <= options


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.module.__name__.rpartition('.')[2]}-{case.place}-{case.shown}")
def test_a_wrong_type_is_reported_with_its_place_its_value_and_what_would_be_right(message, case):
    told = message(case.module, case.params)
    begins = f"{case.place}: {case.shown} is "
    assert told.startswith(begins) and told.count(begins) == 1 and "such as " in told, told
    assert not [word for word in RAW if word in told], told


@pytest.mark.parametrize("option", sorted(_option_messages.EXAMPLES))
def test_an_example_is_of_the_right_type(option):
    specs = [spec for spec, dummy in (*MODULES.values(), *ITEMS.values())]
    for spec in specs:  # which grows
        specs += [about["options"] for about in spec.values() if about.get("options")]
    found = [spec[option] for spec in specs if option in spec]
    assert found
    for about in found:
        value = filled_in(option, about)
        assert _option_types.read_types({option: about}, {option: value}) == ({option: value}, [])


def test_every_option_of_text_or_of_more_than_one_value_has_an_example():
    for case in CASES:
        spec = {**_argspecs._network_options(), **_argspecs._endpoint_options(), **_argspecs._subinterface_options()}
        about = spec.get(case.option, {"type": "int"})
        if about.get("type") in ("str", "list", "dict") and "choices" not in about:
            assert case.option in _option_messages.EXAMPLES


@pytest.mark.parametrize(
    ("module", "params", "told"),
    [
        (
            macvlan_network,
            {"name": "lan", "subnets": ["192.168.60.0/24"]},
            "subnets[0]: '192.168.60.0/24' is text, but must be a dictionary, such as {subnet: 192.168.50.0/24}",
        ),
        (
            macvlan_endpoint,
            {"name": "web", "network": "lan", "pid": "mycontainer"},
            (
                "pid: 'mycontainer' is text, but must be a whole number, such as pid: 4711; the name of a container or service is "
                "no process id: look it up first, with docker inspect, podman inspect or systemctl show --property MainPID"
            ),
        ),
        (
            macvlan_config,
            {"endpoints": {"web": {"network": "lan"}}},
            (
                "endpoints: {'web': {'network': 'lan'}} is a dictionary, but must be a list of dictionaries, such as endpoints: "
                "[{name: web, network: macvlan50, netns: web}]"
            ),
        ),
        (
            macvlan_network,
            {"name": "lan", "subnets": [{"subnet": "192.168.60.0/24", "gateway": False}]},
            (
                "subnets[0].gateway: false is a boolean, but must be text, such as gateway: 192.168.50.1; for a subnet without a "
                "gateway write gateway: none"
            ),
        ),
        (
            macvlan_network,
            {"name": "lan", "driver": None},
            "driver: null is no value, but must be one of macvlan, ipvlan, such as driver: macvlan; for its default leave driver out",
        ),
        (
            macvlan_endpoint,
            {"name": "web", "network": "lan", "netns": False},
            (
                "netns: false is a boolean, but must be text, such as netns: web; a word that YAML takes for true or false, such as "
                'no, is text in quotes: "no"'
            ),
        ),
    ],
)
def test_the_sentence(message, module, params, told):
    assert message(module, params) == told


def test_mistakes_of_all_kinds_are_reported_together(message):
    told = message(
        macvlan_network, {"subnets": ["10.0.0.0/8", {"subnet": ["a"]}], "mtu": "big", "mode": "bride", "colour": "red"}
    )
    for part in (
        "subnets[0]: '10.0.0.0/8' is", "subnets[1].subnet: ['a'] is", "mtu: 'big' is", "name", "mode", "bride", "colour"
    ):  # fmt: skip
        assert part in told, told
    assert "subnet: x" not in told and "missing required arguments: name" in told


def test_mistakes_of_all_items_are_reported_together_and_once(message):
    told = message(
        macvlan_config,
        {
            "force": "maybe",
            "networks": ["lan", {"name": "dmz", "mtu": "big"}, {"mode": "bride"}],
            "endpoints": [{"name": "web", "network": "lan", "routes": ["10.0.0.0/8"], "colour": "red"}],
        },
    )
    sentences = told.split("; ")
    for part in (
        "force: 'maybe' is",
        "networks[0]: 'lan' is",
        "networks[1] (dmz): mtu: 'big' is",
        "networks[2]: missing required arguments: name",
        "networks[2]: value of mode must be one of",
        "endpoints[0] (web): routes[0]: '10.0.0.0/8' is",
        "endpoints[0] (web): unknown options: colour",
    ):
        assert len([sentence for sentence in sentences if sentence.startswith(part)]) == 1, told


# Everything that there is to say of an object, all of it right.
FULL = {
    "networks": {
        "name": "lan", "parent": "eth0", "mode": "vepa", "mtu": 1400, "ipv6": True, "internal": True, "labels": {"a": "b"},
        "exclusive": True, "probe": "careful", "address_pools": [{"base": "10.0.0.0/8", "size": 24}], "allow_overlap": True,
        "subnets": [
            {"subnet": "10.0.0.0/24", "ip_range": "10.0.0.64/26", "aux_addresses": {"nas": "10.0.0.1"}},
            {"subnet": "fd00::/64", "gateway": "fd00::9"},
        ],
    },
    "endpoints": {
        "name": "a-name-without-room-in-an-interface", "network": "lan", "netns": "web", "ifname": "eth7", "ipv4": "10.0.0.9",
        "ipv6": "fd00::5", "subnet": "10.0.0.0/24", "mac": "02:42:0a:00:00:09", "mtu": 68, "default_route": False,
        "routes": [{"to": "default", "via": "10.0.0.2"}, {"to": "10.9.0.0/16", "metric": 5}],
        "sysctls": {"net.ipv4.conf.IFNAME.rp_filter": 1}, "announce": False, "labels": {"a": "b"}, "exclusive": True,
        "probe": "none", "addresses": ["10.0.0.10", "fd00::6/64"],
        "dns": {"servers": ["10.0.0.53"], "search": ["example.com"]},
    },
    "vlan_subinterfaces": {
        "name": "dmz", "parent": "eth0", "vlan_id": 30, "protocol": "802.1ad", "mtu": 1400, "mac": "02:42:0a:00:00:09",
        "up": False, "gvrp": True, "ingress_qos_map": {"5": 6}, "egress_qos_map": {"6": 5},
    },
}  # fmt: skip
SINGLE = {"networks": macvlan_network, "endpoints": macvlan_endpoint, "vlan_subinterfaces": vlan_subinterface}


@pytest.mark.parametrize("option", FULL)
def test_one_wrong_type_makes_nothing_else_wrong(option):
    spec, full = ITEMS[option][0], FULL[option]
    assert _option_values.value_problems(spec, full) == []
    for params, place, *dummy in (*cases_of(spec, full), *cases_of(spec, ITEMS[option][1])):
        if spec.get(place, {}).get("type") == "raw":
            continue  # the engine reads it, so what is wrong with its type is wrong with its value
        assert _option_values.value_problems(spec, params) == [], place
    # What is internal has no gateway that an aux address could be, and only named namespaces have name servers.
    for name in spec.keys() - {"internal", "netns"}:
        assert _option_values.value_problems(spec, {other: value for other, value in full.items() if other != name}) == [], name


# A value that is wrong in an object that is right otherwise, and how its sentence begins.
VALUES = [
    ("networks", "name", "l n", "network name"),
    ("networks", "parent", "a/b", "parent: "),
    ("networks", "mtu", 5, "mtu must be"),
    ("networks", "subnets", [{"subnet": "10.0.0.0/33"}], "subnets[0].subnet: "),
    ("networks", "subnets", [{"subnet": "10.0.0.0/8"}, {"subnet": "10.0.0.0/24", "gateway": "10.1.0.1"}], "subnets[1].gateway: "),
    ("networks", "host_access", {"address": "10.0.0"}, "host_access.address: "),
    ("networks", "host_access", {"metric": "many"}, "host_access.metric: "),
    ("networks", "address_pools", [{"base": "10", "size": 24}], "address_pools[0].base: "),
    ("endpoints", "name", "w b", "endpoint name"),
    ("endpoints", "network", "l n", "network name"),
    ("endpoints", "netns", "a/b", "netns: "),
    ("endpoints", "ifname", "a/b", "ifname: "),
    ("endpoints", "ipv4", "10.0.0", "ipv4: "),
    ("endpoints", "ipv6", "10.0.0.1", "ipv6: "),
    ("endpoints", "addresses", ["10.0.0.10", "10.0.0"], "addresses[1]: "),
    ("endpoints", "mac", "02", "mac: "),
    ("endpoints", "dns", {"servers": ["x"]}, "dns.servers[0]: "),
    ("endpoints", "dns", {"search": ["a b"]}, "dns.search[0]: "),
    ("endpoints", "dns", {}, "dns: it has neither"),
    ("endpoints", "routes", [{"to": "10.0.0.0/8", "via": "x"}], "routes[0].via: "),
    ("endpoints", "sysctls", {"kernel.x": 1}, "sysctls: "),
    ("vlan_subinterfaces", "name", "a/b", "name: "),
    ("vlan_subinterfaces", "mac", "02", "mac: "),
    ("vlan_subinterfaces", "egress_qos_map", {"a": 1}, "egress_qos_map: "),
]


@pytest.mark.parametrize(("option", "name", "value", "begins"), VALUES)
def test_a_wrong_value_is_reported_beside_a_wrong_type_of_any_other_option(message, option, name, value, begins):
    alone = [other for other in ITEMS[option][0] if other != name and {name, other} - {"name", "parent", "vlan_id"}]
    netns = {"netns", "netns_path", "pid"}
    for other in alone:
        if {name, other} <= netns or (option, name, other) == ("vlan_subinterfaces", "name", "name"):
            continue
        wrong = {**ITEMS[option][1], name: value, other: [["x"]]}
        told = message(macvlan_config, {option: [ITEMS[option][1], wrong]}).split("; ")
        place = f"{option}[1]" + (f" ({wrong['name']})" if other != "name" else "") + ": "
        assert [text for text in told if text.startswith(f"{place}{other}")], told
        assert [text for text in told if text.startswith(f"{place}{begins}")], told
        told = message(SINGLE[option], wrong).split("; ")
        assert [text for text in told if text.startswith(other)] and [text for text in told if text.startswith(begins)], told


def test_types_of_one_item_and_values_of_another_are_reported_in_the_order_of_the_lists(message):
    told = message(
        macvlan_config,
        {
            "networks": [{"name": "a", "mtu": "big", "parent": "a/b"}, {"name": "b", "subnets": [{"subnet": "10.0.0.0/33"}]}],
            "endpoints": [{"name": "b c", "network": "a"}, {"name": "d"}],
        },
    )
    places = ["networks[0] (a): mtu: ", "networks[0] (a): parent: ", "networks[1] (b): subnets[0].subnet: "]
    places += ["endpoints[0] (b c): endpoint name ", "endpoints[1] (d): missing required arguments: network"]
    at = [told.index(place) for place in places]
    assert at == sorted(at)


def test_values_of_objects_to_be_removed_are_not_checked(message):
    told = message(macvlan_network, {"name": "lan", "state": "absent", "mtu": "big", "parent": "a/b"})
    assert told.startswith("mtu: ") and "parent" not in told


@pytest.mark.parametrize("module", [macvlan_network, macvlan_config])
def test_unknown_options_at_any_depth_are_reported_with_those_that_there_are(message, module):
    network = {"name": "lan", "colour": "red", "subnets": [{"subnet": "10.0.0.0/24"}, {"subnet": "10.0.1.0/24", "gatway": "10.0.1.1"}]}
    told = message(module, network if module is macvlan_network else {"networks": [network]}).split("; ")
    place = "" if module is macvlan_network else "networks[0] (lan): "
    assert told[0].startswith(f"{place}unknown options: colour (there are address_pools, ") and "gateway" not in told[0]
    assert told[1:] == [f"{place}subnets[1]: unknown options: gatway (there are aux_addresses, exclude, gateway, gateway_onlink, ip_range, subnet)"]


RIGHT = [
    (macvlan_network, {"name": 50, "mtu": "1500", "internal": "yes", "labels": "a=b c=d", "subnets": [], "ipv6": None}),
    (macvlan_network, {"name": "lan", "subnets": "subnet=10.0.0.0/8", "labels": {"a": None, "b": True, "c": 1.5}}),
    (macvlan_endpoint, {"name": "web", "network": "lan", "pid": "4711", "mtu": None, "sysctls": {}, "announce": 0}),
    (macvlan_info, {"network": None}),
]


@pytest.mark.parametrize(("module", "params"), RIGHT)
def test_what_was_right_stays_right(module, params):
    assert _option_types.read_types(MODULES[module][0], params)[1] == []
