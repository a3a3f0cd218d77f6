# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation says what the code does, where ansible-test's validate-modules does not look."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.fleetnet.macvlan.plugins.doc_fragments import _attributes, _common
from ansible_collections.fleetnet.macvlan.plugins.doc_fragments import _fleet as _fleet_docs
from ansible_collections.fleetnet.macvlan.plugins.module_utils import _argspecs, _fleet, _fleet_reclaim, _install, _option_values, _reading_argspecs
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_segments
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.reclaim_request import read_wanted
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.wishes import read_wishes
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model import host_view
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.kernel import Kernel, Space
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import Link, VlanFacts
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.needs import needs_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.plan import plan
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import requests_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import (
    endpoint_options,
    endpoint_removal,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import (
    config_options,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import (
    network_options,
    network_removal,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.renames import renamed
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.subinterface import (
    subinterface_options,
    subinterface_removal,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result import views
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.simulate import kernel_after
from ansible_collections.fleetnet.macvlan.plugins.modules import (
    macvlan_command,
    macvlan_config,
    macvlan_confirm,
    macvlan_endpoint,
    macvlan_fleet,
    macvlan_fleet_reclaim,
    macvlan_fleet_report,
    macvlan_info,
    macvlan_network,
    vlan_subinterface,
)
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.compare import NOTHING
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.task import report_argspec, texts_of

COLLECTION = "fleetnet.macvlan."
ROOT = Path(__file__).parents[2]

MODULES = {
    "macvlan_command": macvlan_command,
    "macvlan_config": macvlan_config,
    "macvlan_confirm": macvlan_confirm,
    "macvlan_endpoint": macvlan_endpoint,
    "macvlan_fleet": macvlan_fleet,
    "macvlan_fleet_reclaim": macvlan_fleet_reclaim,
    "macvlan_fleet_report": macvlan_fleet_report,
    "macvlan_info": macvlan_info,
    "macvlan_network": macvlan_network,
    "vlan_subinterface": vlan_subinterface,
}
ARGSPECS = {
    "macvlan_command": (_argspecs.command_argspec(), {}),
    "macvlan_config": (_argspecs.config_argspec(), {}),
    "macvlan_confirm": (_reading_argspecs.confirm_argspec(), {}),
    "macvlan_endpoint": (_argspecs.endpoint_argspec(), _argspecs.ENDPOINT_RULES),
    "macvlan_fleet": (_fleet.fleet_argspec(), {}),
    "macvlan_fleet_reclaim": (_fleet_reclaim.reclaim_argspec(), {}),
    "macvlan_fleet_report": (report_argspec(), {}),
    "macvlan_info": (_reading_argspecs.info_argspec(), {}),
    "macvlan_network": (_argspecs.network_argspec(), {}),
    "vlan_subinterface": (_argspecs.subinterface_argspec(), _argspecs.SUBINTERFACE_RULES),
}
# The object of a module: its key in the result (its list in macvlan_info has an s behind), and what reads its options.
OBJECTS = {"macvlan_endpoint": "endpoint", "macvlan_network": "network", "vlan_subinterface": "vlan_subinterface"}
READERS = {
    ("macvlan_endpoint", "present"): endpoint_options,
    ("macvlan_endpoint", "absent"): endpoint_removal,
    ("macvlan_network", "present"): network_options,
    ("macvlan_network", "absent"): network_removal,
    ("vlan_subinterface", "present"): subinterface_options,
    ("vlan_subinterface", "absent"): subinterface_removal,
}
FIELDS = {
    "endpoint": "id name network netns ifname mac mtu ipv4 ipv6 addresses gateway4 gateway6 parent mode default_route routes dns "
    "announce sysctls labels exclusive probe vrf",
    "network": "id name driver mode parent parent_created internal ipv6 mtu bcqueuelen bclim ipam labels exclusive host_access probe "
    "segment slices subnets endpoints",
    "subnet": "subnet gateway gateway_inferred gateway_onlink ip_range ip_ranges exclude aux_addresses in_use available",
    "vlan_subinterface": "name parent vlan_id protocol mtu mac up reorder_hdr gvrp mvrp loose_binding ingress_qos_map "
    "egress_qos_map owned used_by",
}
# What a task of macvlan_fleet returns.
FLEET = {
    "subnets": {"edge1": {"lan50": [{"subnet": "192.168.50.0/24", "ip_range": ["192.168.50.64/28"]}]}},
    "networks": {
        "edge1": {
            "lan66": {
                "segment": "lan66",
                "subnets": [{"subnet": "192.168.66.0/24", "ip_range": ["192.168.66.64/28"]}],
                "slices": [{"subnet": "192.168.66.0/24", "slice": "192.168.66.64/28", "generation": 1}],
            }
        }
    },
}
# Whose tasks ask neighbours about addresses.
ASKING = ("macvlan_endpoint", "macvlan_network")
# What is no part of an object, but of how it is found.
OF_INFO_ALONE = {"foreign_addresses"}
TYPES = {"bool": bool, "dict": dict, "float": float, "int": int, "list": list, "str": str}

every_module = pytest.mark.parametrize("name", MODULES)
every_object = pytest.mark.parametrize("name", OBJECTS)


def returned(name):
    return yaml.safe_load(MODULES[name].RETURN)


def documented(name):
    """The documentation with the options of its fragments."""
    docs = yaml.safe_load(MODULES[name].DOCUMENTATION)
    for fragment in docs["extends_documentation_fragment"]:
        file, *part = fragment.removeprefix(COLLECTION).split(".")
        source = {"_attributes": _attributes, "_common": _common, "_fleet": _fleet_docs}[file].ModuleDocFragment
        text = getattr(source, part[0].upper() if part else "DOCUMENTATION")
        docs["options"].update(yaml.safe_load(text)["options"])
    return docs


def tasks_of(name):
    return yaml.safe_load(MODULES[name].EXAMPLES)


JINJA = NativeEnvironment()
JINJA.filters.update(zip=zip, extract=lambda key, container, field: container[key][field])
PLAY = {"ansible_play_hosts": ["edge1"], "hostvars": {"edge1": {"macvlan": {}}}, "inventory_hostname": "edge1"}


def rendered(value, variables):
    if isinstance(value, str) and "{{" in value:
        return JINJA.from_string(value).render(variables)
    if isinstance(value, dict):
        return {key: rendered(item, variables) for key, item in value.items()}
    return [rendered(item, variables) for item in value] if isinstance(value, list) else value


def calls(*names):
    """(title, module, arguments) of every task of ours in the examples, loops unrolled."""
    for name in names:
        for task in tasks_of(name):
            for action in task:
                if action.startswith(COLLECTION):
                    for item in task.get("loop", [None]):
                        variables = {**PLAY, "item": item, "mail_pid": {"stdout": "4711"}, "place": 1, "fleet": FLEET}
                        variables.update(rendered(task.get("vars", {}), variables))
                        yield task["name"], action.removeprefix(COLLECTION), rendered(task[action] or {}, variables)


ALL_CALLS = [pytest.param(*call, id=f"{name}-{call[0]}") for name in MODULES for call in calls(name)]


def validated(module, arguments):
    """The parameters as the module would have them."""
    argspec, rules = ARGSPECS[module]
    result = ArgumentSpecValidator(argspec, **rules).validate(arguments)
    assert result.error_messages == []
    return result.validated_parameters


def request_of(module, params):
    if module == "macvlan_config":
        return config_options(_option_values.config_params(params))
    return READERS[module, params["state"]](params)


# --- options --------------------------------------------------------------------------------------------------------


@every_module
def test_documentation_and_argument_spec_have_the_same_options_in_the_same_order(name):
    own = list(yaml.safe_load(MODULES[name].DOCUMENTATION)["options"])
    shared = [option for option in ("state", "state_dir", "segments", "store", "path", "etcd") if option in {*documented(name)["options"]} - {*own}]
    assert own + shared == list(ARGSPECS[name][0])


@every_module
def test_every_option_is_described_in_whole_sentences(name):
    def check(described):
        for option, about in described.items():
            for sentence in about["description"]:
                assert re.search(r"[.:]\Z", sentence), f"{option}: {sentence}"
            check(about.get("suboptions", {}))

    check(documented(name)["options"])


@every_module
def test_a_guide_tells_more(name):
    guides = {path.stem for path in (ROOT / "docs/docsite/rst").glob("*.rst")}
    labels = {entry["ref"] for entry in documented(name)["seealso"] if "ref" in entry}
    assert labels and labels <= {f"ansible_collections.{COLLECTION}docsite.{guide}" for guide in guides}


@pytest.mark.parametrize("file", [*ROOT.glob("*.md"), *ROOT.glob("roles/*/*.md")], ids=lambda file: str(file.relative_to(ROOT)))
def test_links_to_files_lead_to_files(file):
    links = re.findall(r"\]\((?!\w+:|#)([^)#]+)", file.read_text())
    assert [link for link in links if not (file.parent / link).exists()] == []


def test_the_readme_lists_every_example():
    listed = re.findall(r"^\| \[.*\]\(playbooks/examples/(\w+\.yml)\) \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "playbooks/examples").iterdir())


def test_the_action_group_has_every_module_of_hosts():
    """Defaults such as that of state_dir are nothing to the modules that run once for all hosts."""
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    assert runtime["action_groups"]["macvlan"] == sorted({*MODULES} - {"macvlan_fleet", "macvlan_fleet_reclaim", "macvlan_fleet_report"})
    assert sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py")) == sorted(MODULES)


# --- results --------------------------------------------------------------------------------------------------------


@every_object
def test_a_result_has_the_object_its_steps_and_the_diff(name):
    key = OBJECTS[name]
    docs = returned(name)
    of_wire = ["probed"] if name in ASKING else []
    assert list(docs) == [key, "steps", *of_wire, "diff"]
    assert set(docs["diff"]["contains"]) == {"before", "after"}
    assert set(docs[key]["contains"]) == set(FIELDS[key].split())


def test_a_subnet_has_the_fields_of_the_contract():
    assert set(returned("macvlan_network")["network"]["contains"]["subnets"]["contains"]) == set(
        FIELDS["subnet"].split()
    )


def test_info_returns_the_lists_and_the_drift():
    docs = returned("macvlan_info")
    assert list(docs) == ["networks", "endpoints", "vlan_subinterfaces", "config", "drift", "host"]
    assert list(docs["config"]["contains"]) == ["vlan_subinterfaces", "networks", "endpoints"]
    assert list(docs["drift"]["contains"]) == ["object", "field", "recorded", "actual"]
    assert list(docs["host"]["contains"]) == ["uuid"]


@every_object
def test_info_documents_an_object_as_its_module_does(name):
    def shape(described):
        return {
            key: (about["type"], about.get("elements"), shape(about.get("contains", {})))
            for key, about in described.items()
        }

    key = OBJECTS[name]
    told = shape(returned("macvlan_info")[f"{key}s"]["contains"])
    assert {key: about for key, about in told.items() if key not in OF_INFO_ALONE} == shape(returned(name)[key]["contains"])


def has_type(value, name):
    """To Python, True is an integer too."""
    return isinstance(value, TYPES[name]) and isinstance(value, bool) is (name == "bool")


def check_value(where, about, value):
    """A value is what its documentation says, down to the last field."""
    if value is None:
        assert about["sample"] is None or "null" in str(about["description"]), f"{where} may not be null"
        return
    if about["type"] == "raw":
        return
    assert has_type(value, about["type"]), where
    items = value if isinstance(value, list) else [value]
    for item in items:
        if about.get("elements") not in (None, "dict"):
            assert has_type(item, about["elements"]), where
        if "contains" in about and item:
            assert set(item) == set(about["contains"]), where
            for key, inner in about["contains"].items():
                check_value(f"{where}.{key}", inner, item[key])


def check_samples(where, about):
    """So are its samples, which every value without fields has."""
    assert "sample" in about or "contains" in about, where
    if "sample" in about:
        check_value(where, about, about["sample"])
    for key, inner in about.get("contains", {}).items():
        check_samples(f"{where}.{key}", inner)


@every_module
def test_samples_are_like_what_is_returned(name):
    for key, about in returned(name).items():
        check_samples(key, about)


# --- examples -------------------------------------------------------------------------------------------------------


@every_module
def test_examples_are_named_and_use_full_names(name):
    for task in tasks_of(name):
        assert re.match(r"[A-Z]", task["name"])
        assert any("." in key for key in task)
    assert any(COLLECTION + name in task for task in tasks_of(name))


@pytest.mark.parametrize(("title", "module", "arguments"), ALL_CALLS)
def test_examples_have_arguments_that_the_modules_take(title, module, arguments):
    params = validated(module, arguments)
    if module == "macvlan_command":
        assert _install.install_target(params["path"], params["command"])
    elif module == "macvlan_fleet":
        assert read_wishes(params["hosts"], read_segments(params["segments"])), title
    elif module == "macvlan_fleet_reclaim":
        assert read_wanted(params).hosts and read_segments(params["segments"]), title
    elif module == "macvlan_fleet_report":
        assert "edge1" in texts_of(params, NOTHING, "now").page, title
    elif module not in ("macvlan_confirm", "macvlan_info"):
        request = request_of(module, params)
        assert all(item.notes == () for item in requests_of(request, Record())), title


@every_object
def test_examples_show_every_option_that_says_what_an_object_is(name):
    def used(arguments):
        for key, value in arguments.items():
            yield key
            for item in value if isinstance(value, list) else [value]:
                yield from used(item) if isinstance(item, dict) else ()

    def known(argspec):
        for key, about in argspec.items():
            yield key
            yield from known(about.get("options", {}))

    shown = {key for dummy, module, arguments in calls(*OBJECTS) if module == name for key in used(arguments)}
    # Exceptions from a rule are described; an example would be an invitation.
    rare = {"allow_overlap", "internal", "announce", "reorder_hdr", "gvrp", "mvrp", "loose_binding"}
    rare |= {"force", "state_dir"}
    # What macvlan_fleet returns is handed on as it is.
    rare |= {"lost_to"}
    assert set(known(ARGSPECS[name][0])) - shown <= rare


def host():
    """A host as the examples have it in mind."""
    links = [
        Link(index=index, name=name, mac=f"52:54:00:00:00:{index:02x}", up=up)
        for index, (name, up) in enumerate((("eth0", True), ("eth1", True), ("eth2", True), ("eth3", False)), start=2)
    ]
    links.append(Link(9, "eth0.41", "vlan", mac=links[0].mac, up=True, lower=2, vlan=VlanFacts(41)))
    links.append(Link(10, "blue", "vrf", mac="52:54:00:00:00:0a", up=True, table=20))
    spaces = {
        "": Space(links={link.name: link for link in links}, addresses={2: ("172.16.86.250/24",)}),
        "/proc/4711/ns/net": Space(),
        "/run/sandbox/net": Space(),
    }
    return Kernel(
        host="host",
        boot_id="boot",
        spaces=spaces,
        identities={path: (4, 100 + position) for position, path in enumerate(spaces)},
    )


def follow_examples():
    """(title, plan, the plan for running it once more, kernel afterwards) of every example, removals last."""
    wanted = [
        (title, module, validated(module, arguments))
        for title, module, arguments in calls("macvlan_network", "vlan_subinterface", "macvlan_endpoint")
    ]
    yield from follow(sorted(wanted, key=lambda item: item[2]["state"] == "absent"))


def worked_in(request, recorded, kernel):
    record, new_names = renamed(recorded, request.new_names)
    requests = requests_of(request, record)
    for netns in needs_of(requests, record).spaces:
        kernel.spaces.setdefault(netns.path, None)
    return plan(requests, record, kernel, before=recorded, new_names=new_names)


def follow(wanted):
    recorded, kernel = Record(), host()
    for title, module, params in wanted:
        request = request_of(module, params)
        planned = worked_in(request, recorded, kernel)
        recorded, kernel = planned.after, kernel_after(kernel, planned.steps)
        yield title, planned, worked_in(request, recorded, kernel), kernel


def test_examples_of_whole_hosts_can_be_run_one_after_the_other():
    examples = [
        (title, module, validated(module, arguments))
        for title, module, arguments in calls("macvlan_config")
        if module == "macvlan_config"
    ]
    for title, planned, again, *_kernel in follow(examples):
        assert planned.changed, title
        assert not again.changed, title
        assert planned.warnings == (), title
    assert planned.after == Record()


def test_examples_can_be_run_on_one_host_one_after_the_other():
    for title, planned, again, *_kernel in follow_examples():
        assert planned.changed, title
        assert not again.changed, title
        assert planned.warnings == (), title


def test_results_are_what_the_documentation_says():
    *_title, planned, _again, kernel = [made for made in follow_examples() if not made[1].removal][-1]
    view = views.View(host_view.HostView(planned.after, kernel))
    found = view.everything(None, None)
    for item in found["endpoints"]:
        item["foreign_addresses"] = view.foreign_addresses(item["network"], item["name"])
    docs = returned("macvlan_info")
    for key, objects in found.items():
        assert len(objects) > 3
        check_value(key, docs[key], objects)
