# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules from their arguments to their JSON, with an engine that only remembers what it was asked."""

from __future__ import annotations

import errno
import json
import sys
from types import SimpleNamespace

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as collected

from ansible_collections.fleetnet.macvlan.plugins.module_utils import _runner
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host import errors
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import connection, installation
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.access import Connection
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.lockout_guard import LockoutPolicy
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import (
    EndpointOptions,
    EndpointRemoval,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import Config
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import (
    NetworkOptions,
    NetworkRemoval,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.subinterface import (
    SubInterfaceOptions,
    SubInterfaceRemoval,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.outcome import Outcome
from ansible_collections.fleetnet.macvlan.plugins.modules import (
    macvlan_command,
    macvlan_config,
    macvlan_confirm,
    macvlan_endpoint,
    macvlan_info,
    macvlan_network,
    vlan_subinterface,
)
from ansible_collections.fleetnet.macvlan.tests.support.module_args import patch_module_args

NETWORK = {"name": "n", "parent": "eth0", "subnets": [{"subnet": "192.0.2.0/24"}]}
CHANGING = [
    (macvlan_network, "network", NETWORK),
    (vlan_subinterface, "vlan_subinterface", {"name": "eth0.50"}),
    (macvlan_endpoint, "endpoint", {"name": "e", "network": "n", "netns": "blue"}),
]
CONFIG = {"networks": [NETWORK], "endpoints": [{"name": "e", "network": "n", "netns": "blue"}], "purge": True}
ALL = [
    *((module, params) for module, dummy, params in CHANGING),
    (macvlan_config, CONFIG),
    (macvlan_info, {}),
    (macvlan_confirm, {}),
]
CONNECTION = Connection("192.0.2.7 50000 192.0.2.20 22")

every_changing_module = pytest.mark.parametrize(("module", "key", "params"), CHANGING)
every_module = pytest.mark.parametrize(("module", "params"), ALL)


class FakeEngine:
    """Answers what the test says, or raises it."""

    def __init__(self):
        self.requests = []
        self.answer = Outcome(True, {"name": "new"}, {"name": "old"}, {"name": "new"}, ("do this", "do that"), ())
        self.found = {"networks": [], "endpoints": [], "vlan_subinterfaces": [], "drift": [], "warnings": []}
        self.error = None

    def execute(self, request, *, state_dir, dry_run, policy):
        self.requests.append(SimpleNamespace(request=request, state_dir=state_dir, dry_run=dry_run, policy=policy))
        return self._answered(self.answer)

    def confirm(self, *, state_dir, connection, dry_run):
        self.requests.append(SimpleNamespace(state_dir=state_dir, connection=connection, dry_run=dry_run))
        return self._answered("network n")

    def inspect(self, **options):
        self.requests.append(SimpleNamespace(**options))
        return self._answered(dict(self.found))

    def _answered(self, answer):
        if self.error is not None:
            raise self.error
        return answer


@pytest.fixture(autouse=True)
def fake(monkeypatch):
    """The tests are the same for root and for everybody else."""
    fake = FakeEngine()
    for module, dummy in ALL:
        for order in (fake.execute, fake.inspect, fake.confirm):
            monkeypatch.setattr(module, order.__name__, order, raising=False)
    monkeypatch.setattr(connection, "find_connection", lambda: CONNECTION)
    monkeypatch.setattr(_runner.os, "geteuid", lambda: 0)
    return fake


@pytest.fixture
def call(capsys):
    """Runs a module; its result is what it prints, without the warnings of another run."""

    def run(module, params, **special):
        collected._global_warnings.clear()
        arguments = {
            "_ansible_remote_tmp": "/tmp",
            **params,
            **{f"_ansible_{name}": value for name, value in special.items()},
        }
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        result = json.loads(capsys.readouterr().out)
        del result["invocation"]
        return result

    return run


@every_changing_module
def test_an_engine_that_is_older_is_reported_with_the_name_of_its_host(call, monkeypatch, module, key, params):
    monkeypatch.setattr(installation, "older_engine", lambda: "1.0.0")
    monkeypatch.setattr(_runner.platform, "node", lambda: "edge3")
    warnings = json.dumps(call(module, params)["warnings"])
    assert "the command macvlan-host on edge3 is of release 1.0.0" in warnings and "this host" not in warnings


# --- results --------------------------------------------------------------------------------------------------------


@every_changing_module
def test_the_result_is_changed_the_object_and_the_steps(call, module, key, params):
    assert call(module, params) == {"changed": True, key: {"name": "new"}, "steps": ["do this", "do that"]}


@every_changing_module
def test_the_object_is_empty_when_it_is_absent(call, fake, module, key, params):
    fake.answer = Outcome(False, {}, {}, {}, (), ())
    assert call(module, {**params, "state": "absent"}) == {"changed": False, key: {}, "steps": []}


@every_changing_module
def test_the_diff_is_the_object_before_and_after(call, module, key, params):
    result = call(module, params, diff=True)
    assert result["diff"] == {"before": {"name": "old"}, "after": {"name": "new"}}
    assert result[key] == result["diff"]["after"]


@every_changing_module
def test_check_mode_is_the_engines_business_and_returns_the_same(call, fake, module, key, params):
    dry, wet = (call(module, params, check_mode=check, diff=True) for check in (True, False))
    assert [asked.dry_run for asked in fake.requests] == [True, False]
    assert dry == wet
    assert set(dry) == {"changed", key, "steps", "diff"}


@every_changing_module
def test_warnings_of_the_engine_are_warnings_of_the_task(call, fake, module, key, params):
    fake.answer = Outcome(False, {}, {}, {}, (), ("one thing", "another"))
    result = call(module, params)
    shown = json.dumps(result.pop("warnings"))
    assert "one thing" in shown
    assert "another" in shown
    assert result == {"changed": False, key: {}, "steps": []}


def test_a_configuration_returns_all_objects_under_the_names_of_their_lists(call, fake):
    lists = {"vlan_subinterfaces": [], "networks": [{"name": "n"}], "endpoints": [{"name": "e"}]}
    difference = {}, {"endpoint n/e": {"name": "e"}}
    fake.answer = Outcome(True, lists, *difference, ("do this",), ("one thing",))
    dry, wet = (call(macvlan_config, CONFIG, check_mode=check, diff=True) for check in (True, False))
    assert dry == wet
    assert [asked.dry_run for asked in fake.requests] == [True, False]
    assert "one thing" in json.dumps(dry.pop("warnings"))
    assert dry == {
        "changed": True, **lists, "steps": ["do this"], "diff": {"before": difference[0], "after": difference[1]}
    }
    assert "diff" not in call(macvlan_config, CONFIG)


def test_info_returns_what_was_found_and_warns(call, fake):
    fake.found["drift"] = [{"object": "network n", "field": "parent", "recorded": "eth0", "actual": None}]
    fake.found["warnings"] = ["one thing"]
    asked = {"network": "n", "endpoint": "e", "address": "192.0.2.1", "mac": "02:00:00:00:00:01", "netns": "blue", "pin": True}
    result = call(macvlan_info, asked)
    assert "one thing" in json.dumps(result.pop("warnings"))
    assert result == {
        "changed": False,
        "networks": [],
        "endpoints": [],
        "vlan_subinterfaces": [],
        "drift": [{"object": "network n", "field": "parent", "recorded": "eth0", "actual": None}],
    }
    assert vars(fake.requests[0]) == {"state_dir": "/var/lib/macvlan_host", **asked}


def test_info_has_no_diff_and_runs_in_check_mode(call):
    assert "diff" not in call(macvlan_info, {}, diff=True, check_mode=True)


# --- what the engine is asked ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "params", "request_type"),
    [
        (macvlan_network, NETWORK, NetworkOptions),
        (macvlan_network, {"name": "n", "state": "absent"}, NetworkRemoval),
        (vlan_subinterface, {"parent": "eth0", "vlan_id": 50}, SubInterfaceOptions),
        (vlan_subinterface, {"name": "eth0.50", "state": "absent"}, SubInterfaceRemoval),
        (macvlan_endpoint, {"name": "e", "network": "n"}, EndpointOptions),
        (macvlan_endpoint, {"name": "e", "network": "n", "state": "absent"}, EndpointRemoval),
        (macvlan_config, CONFIG, Config),
    ],
)
def test_state_decides_what_is_asked_for(call, fake, module, params, request_type):
    call(module, params)
    assert isinstance(fake.requests[0].request, request_type)


@every_module
def test_the_state_dir_is_passed_on(call, fake, module, params):
    call(module, params)
    call(module, {**params, "state_dir": "/srv/elsewhere"})
    assert [asked.state_dir for asked in fake.requests] == ["/var/lib/macvlan_host", "/srv/elsewhere"]


@pytest.mark.parametrize(
    ("given", "wanted"), [({}, None), ({"default_route": True}, True), ({"default_route": False}, False)]
)
def test_a_default_route_that_is_left_out_stays_open(call, fake, given, wanted):
    call(macvlan_endpoint, {"name": "e", "network": "n", **given})
    assert fake.requests[0].request.default_route is wanted


@pytest.mark.parametrize(
    ("module", "params", "words"),
    [
        (macvlan_network, {"parent": "eth0"}, "name"),
        (macvlan_network, {"name": "n", "subnets": [{"gateway": "192.0.2.1"}]}, "subnet"),
        (macvlan_network, {"name": "n", "address_pools": [{"base": "10.0.0.0/8"}]}, "size"),
        (vlan_subinterface, {}, "name, parent"),
        (vlan_subinterface, {"parent": "eth0"}, "vlan_id"),
        (macvlan_endpoint, {"name": "e"}, "network"),
        (macvlan_endpoint, {"name": "e", "network": "n", "netns": "blue", "pid": 1}, "mutually exclusive"),
        (macvlan_endpoint, {"name": "e", "network": "n", "purge": True}, "purge"),
        (macvlan_config, {"state": "absent"}, "state"),
        (macvlan_config, {"networks": "n m"}, "networks"),
        (macvlan_config, {"networks": [{**NETWORK, "force": True}]}, "networks[0] (n): unknown options: force"),
        (macvlan_config, {"endpoints": [{"name": "e"}]}, "endpoints[0] (e): missing required arguments: network"),
        (macvlan_config, {"vlan_subinterfaces": [{"name": "eth0.5", "mtu": 1}]}, "vlan_subinterfaces[0] (eth0.5): mtu"),
    ],
)
def test_wrong_arguments_never_reach_the_engine(call, fake, module, params, words):
    result = call(module, params)
    assert result["failed"]
    assert words in result["msg"]
    assert fake.requests == []


def test_items_have_the_defaults_of_the_modules_of_single_objects(call, fake):
    call(macvlan_network, NETWORK)
    call(macvlan_endpoint, CONFIG["endpoints"][0])
    call(macvlan_config, CONFIG)
    network, endpoint, whole = (asked.request for asked in fake.requests)
    assert whole == Config(networks=(network,), endpoints=(endpoint,), purge=True)


def test_all_wrong_options_are_named_at_once(call, fake):
    result = call(macvlan_network, {"name": "-", "subnets": [{"subnet": "192.0.2.0"}], "mtu": 1})
    assert result["failed"]
    for words in ("network name '-'", "subnets[0].subnet: '192.0.2.0'", "mtu must be"):
        assert words in result["msg"]
    assert fake.requests == []


# --- errors ---------------------------------------------------------------------------------------------------------


@every_module
@pytest.mark.parametrize(
    "error",
    [
        errors.OptionsError(["this is wrong", "that too"]),
        errors.PlanError("eth0 is already the parent of network m"),
        errors.KernelError("cannot bring eth0.50 up: Network is down", errno.ENETDOWN),
        errors.StateError("the state database is damaged"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_the_engine_is_the_message_of_the_task(call, fake, module, params, error):
    fake.error = error
    result = call(module, params)
    assert {key: result[key] for key in ("failed", "msg")} == {"failed": True, "msg": str(error)}
    assert not {"changed", "steps", "diff"} & set(result)


@every_module
def test_a_missing_library_is_named_with_the_python_that_lacks_it(call, fake, module, params):
    fake.error = errors.MissingLibraryError("pyroute2 >= 0.7")
    result = call(module, params)
    assert result["failed"]
    assert "pyroute2 >= 0.7" in result["msg"]
    words = (sys.executable, "python3-pyroute2", "fleetnet.macvlan.macvlan_host", "ansible_python_interpreter")
    assert [word for word in words if word not in result["msg"]] == []


@every_module
@pytest.mark.parametrize(
    "error",
    [
        errors.KernelError("cannot create eth0.50: Operation not permitted", errno.EPERM),
        PermissionError(errno.EPERM, "Operation not permitted"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_root_without_privileges_is_told_which(call, fake, module, params, error):
    fake.error = error
    result = call(module, params)
    assert result["failed"]
    assert "Operation not permitted; " in result["msg"]
    assert "CAP_NET_ADMIN" in result["msg"]


@every_module
def test_an_unexpected_error_is_reported_as_a_bug(call, fake, module, params):
    fake.error = KeyError("eth0")
    result = call(module, params, module_name="fleetnet.macvlan.this_one")
    assert result["failed"]
    assert result["msg"].startswith("fleetnet.macvlan.this_one ")
    assert "KeyError: 'eth0'" in result["msg"]
    assert "bug of the collection fleetnet.macvlan" in result["msg"]


@every_module
def test_without_root_nothing_is_tried(call, fake, monkeypatch, module, params):
    monkeypatch.setattr(_runner.os, "geteuid", lambda: 1000)
    result = call(module, params, check_mode=True)
    assert result["failed"]
    assert "needs root" in result["msg"]
    assert "become: true" in result["msg"]
    assert fake.requests == []


@every_changing_module
@pytest.mark.parametrize("force", [True, False])
def test_the_engine_is_reported_of_the_connection_and_whether_to_force(call, fake, module, key, params, force):
    call(module, {**params, "force": force})
    (asked,) = fake.requests
    assert asked.policy == LockoutPolicy(CONNECTION, force, 0)


def test_a_change_that_is_to_be_confirmed_says_within_which_time(call, fake):
    fake.answer = fake.answer._replace(confirm_within=60)
    assert call(macvlan_config, {**CONFIG, "confirm_timeout": 60})["confirm_within"] == 60
    assert fake.requests[0].policy == LockoutPolicy(CONNECTION, False, 60)


@pytest.mark.parametrize("seconds", [-1, 86401])
def test_an_absurd_confirm_timeout_is_refused(call, fake, seconds):
    assert "confirm_timeout must be 0 to 86400" in call(macvlan_config, {**CONFIG, "confirm_timeout": seconds})["msg"]
    assert fake.requests == []


@pytest.mark.parametrize("check", [True, False])
def test_a_confirmation_tells_what_it_has_confirmed(call, fake, check):
    result = call(macvlan_confirm, {"state_dir": "/s"}, check_mode=check)
    assert (result["changed"], result["confirmed"]) == (True, "network n")
    assert fake.requests == [SimpleNamespace(state_dir="/s", connection=CONNECTION, dry_run=check)]


@every_module
def test_other_kernels_are_refused_by_name(call, fake, monkeypatch, module, params):
    monkeypatch.setattr(_runner.platform, "system", lambda: "FreeBSD")
    result = call(module, params)
    assert result["failed"]
    assert "needs a Linux kernel" in result["msg"]
    assert "FreeBSD" in result["msg"]
    assert fake.requests == []


# --- the system log -------------------------------------------------------------------------------------------------

SECRET = "hunter2"
WITH_SECRETS = [
    (macvlan_network, {**NETWORK, "labels": {"key": SECRET}}),
    (macvlan_endpoint, {"name": "e", "network": "n", "labels": {"key": SECRET}}),
    (macvlan_endpoint, {"name": "e", "network": "n", "sysctls": {"net.ipv6.conf.IFNAME.stable_secret": SECRET}}),
    (macvlan_config, {"networks": [{**NETWORK, "labels": {"key": SECRET}}]}),
    (macvlan_config, {"endpoints": [{"name": "e", "network": "n", "labels": {SECRET: ""}}]}),
    (macvlan_command, {"state_dir": "n", "files": [{"path": "/n", "content": SECRET}]}),
]


@pytest.fixture
def logged(monkeypatch):
    """What a module would have the system log keep."""
    texts = []
    monkeypatch.setattr(basic.AnsibleModule, "log", lambda *said, **more: texts.append(f"{said[1:]} {more}"))
    return texts


@pytest.mark.parametrize(("module", "params"), WITH_SECRETS)
def test_the_system_log_gets_neither_labels_nor_settings_nor_the_content_of_files(call, fake, logged, module, params):
    call(module, params)
    (text,) = logged
    assert "'n'" in text
    assert "NOT_LOGGING_PARAMETER" in text
    assert SECRET not in text


@every_module
def test_the_system_log_gets_the_other_options(call, logged, module, params):
    call(module, {**params, "state_dir": "/srv/elsewhere"})
    assert "Invoked with" in logged[0] and "/srv/elsewhere" in logged[0]
    assert not params or "eth0" in logged[0] or "blue" in logged[0]


def test_the_engine_gets_what_the_log_does_not(call, fake, logged):
    call(macvlan_network, {**NETWORK, "labels": {"key": SECRET}})
    assert fake.requests[0].request.labels == {"key": SECRET}


@pytest.mark.parametrize(("module", "params"), WITH_SECRETS)
def test_a_task_that_says_no_log_is_not_in_the_log_at_all(call, logged, module, params):
    call(module, params, no_log=True)
    assert logged == []


def test_results_in_the_lists_of_a_configuration_are_refused_with_what_to_give_instead(call):
    shown = {"id": "0" * 32, "name": "web", "parent": "eth0", "parent_created": False}
    message = call(macvlan_config, {"networks": [shown], "endpoints": []})["msg"]
    assert "networks[0] (web): unknown options: id, parent_created" in message
    assert message.endswith(
        "networks: results of a module are not its options; macvlan_info returns the same objects as options under config, such as "
        "config.networks"
    )
    assert "macvlan_info" not in call(macvlan_config, {"networks": [{"name": "web", "prent": "eth0"}]})["msg"]
