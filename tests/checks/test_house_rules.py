# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every rule refuses what it should, and leaves alone what is allowed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import kinds

ENGINE = "plugins/module_utils/macvlan_host/"
# Put together here, so that the rules do not find them in this file.
LATER = ["TO" + "DO", "FIX" + "ME", "X" * 3]
SILENCED = ["no" + "qa", "no" + "qa: E501", "pylint: " + "disable=bare-except"]

spec = importlib.util.spec_from_file_location("house_rules", Path(__file__).with_name("house_rules.py"))
house_rules = importlib.util.module_from_spec(spec)
spec.loader.exec_module(house_rules)


def complaints(root, path, source):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(source, encoding="utf-8")
    return house_rules.complaints(root, [path])


@pytest.mark.parametrize(
    ("path", "source", "text"),
    [
        (ENGINE + "run/execute.py", "import pyroute2", "pyroute2 is imported in"),
        (ENGINE + "run/execute.py", "def f():\n    from pyroute2.netlink import nla", "pyroute2 is imported in"),
        ("plugins/modules/macvlan_info.py", "import sqlite3", "sqlite3 is imported in"),
        (ENGINE + "run/execute.py", "if module.check_mode: pass", "check_mode is used in"),
        (ENGINE + "run/execute.py", "getattr(module, '_ansible_check_mode')", "check_mode is used in"),
        ("plugins/modules/macvlan_info.py", "module.exit_json(changed=False)", "exit_json is used in"),
        ("plugins/modules/macvlan_info.py", "def fail_json():\n    pass", "fail_json is used in"),
        *(
            (ENGINE + "plan/network.py", source, "ask the kind")
            for source in (
                "if link.kind == 'macvlan': pass",
                "if 'vlan' != upper.kind: pass",
                "if kind in ('macvlan', 'macvtap'): pass",
                "SHARING = ('vrf', 'batadv')",
                "USABLE = frozenset(['bridge', 'bond', ''])",
                "module = {'vlan': '8021q'}.get(kind, kind)",
                "is_it = kind_of(link) is VLAN",
                "is_it = link.kind == kinds.MACVLAN.name",
                "match link.kind:\n    case 'vrf':\n        pass",
            )
        ),
        (ENGINE + "plan/network.py", "from ..wire.pack import dump_links", "plan does not see wire, but for kinds"),
        (ENGINE + "steps/simulate.py", "from ..wire import pack", "steps does not see wire, but for kinds"),
        (ENGINE + "run/execute.py", "from ansible.module_utils.basic import AnsibleModule", "imports nothing of it"),
        (ENGINE + "run/execute.py", "from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host import plan", "imports nothing of it"),
        *((f"{ENGINE}{name}/x.py", "import os.path", "pure code does not import os") for name in house_rules.PURE_FOLDERS),
        *(
            (ENGINE + "plan/plan.py", f"from {name} import x", f"pure code does not import {name}")
            for name in sorted(house_rules.IMPURE - house_rules.ONLY_IN.keys())
        ),
        (ENGINE + "plan/plan.py", "def f():\n    return open('/etc/hosts')", "pure code opens nothing"),
        ("plugins/module_utils/fleet/plan.py", "import os", "pure code does not import os"),
        ("plugins/module_utils/fleet/allocate.py", "import os", "pure code does not import os"),
        ("plugins/module_utils/fleet/plan.py", "from ansible.errors import AnsibleError", "fleet/ imports nothing of Ansible"),
        *((f"{ENGINE}{name}/x.py", "from ..run import execute", f"{name} does not see run") for name in sorted(house_rules.SEES.keys() - {"run"})),
        (ENGINE + "model/links.py", "from ..plan.network import x", "model does not see plan"),
        (ENGINE + "plan/network.py", "def f():\n    from ..kernel.read import read_kernel", "plan does not see kernel"),
        (ENGINE + "result/drift.py", "if t.TYPE_CHECKING:\n    from ..plan.builder import PlanBuilder", "result does not see plan"),
        (ENGINE + "kernel/read.py", "from .. import command", "kernel does not see command"),
        (ENGINE + "errors.py", "from .model import links", "errors.py does not see model"),
        (ENGINE + "fleet/plan.py", "x = 1", "there is no rule for fleet"),
        (ENGINE + "helpers.py", "x = 1", "there is no rule for helpers.py"),
        ("plugins/modules/macvlan_info.py", "from ..module_utils._runner import run", "relative imports belong"),
        (ENGINE + "plan/network.py", "def f():\n" + "    g()\n" * 50, "f has 51 lines, and may have 50"),
        (ENGINE + "model/links.py", "class Link:\n" + "    x = 1\n" * 200, "Link has 201 lines, and may have 200"),
        (ENGINE + "values/names.py", "x = 1\n" * 401, "the file has 401 lines, and may have 400"),
        *(
            (ENGINE + "plan/network.py", source, "can mean anything")
            for source in (
                "found = 1",
                "def f():\n    for places in ():\n        pass",
                "def f(way_out):\n    pass",
                "f = lambda made: 1",
                "class ShortestWay:\n    pass",
                "def _in_place_of():\n    pass",
                "self.found = 1",
                "import dataclasses as place",
                "if (found := f()):\n    pass",
            )
        ),
        *(
            (ENGINE + "plan/network.py", source, "a check is a function")
            for source in ("check = True", "def f(check: bool):\n    pass", "def is_check():\n    pass", "class Check_:\n    pass", "CHECKS = {}")
        ),
        ("tests/unit/test_x.py", "class Named:\n    def name(self) -> str: ...", "the body of name stands on lines of its own"),
        ("tests/sanity/ignore-2.19.txt", "", "ignore files"),
        (".ansible-lint-ignore", "", "ignore files"),
        ("roles/macvlan_host/.ansible-lint-ignore", "", "ignore files"),
        *(("roles/macvlan_host/tasks/main.yml", f"# {word}: later", "left for later") for word in LATER),
        *(("tests/unit/test_plan.py", f"x = 1  # {mark}", "the reason") for mark in SILENCED),
    ],
)
def test_what_breaks_a_rule_is_named_with_its_place(tmp_path, path, source, text):
    (found,) = complaints(tmp_path, path, source)
    assert found.startswith(f"{path}:")
    assert text in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (ENGINE + "kernel/pyroute.py", "from pyroute2 import IPRoute, NetNS\nimport os"),
        (ENGINE + "store/database.py", "import sqlite3\nimport time"),
        (ENGINE + "plan/plan.py", "from __future__ import annotations\nfrom ..model.network import Network\nfrom . import os_names"),
        (ENGINE + "plan/plan.py", "from ..errors import PlanError"),
        (ENGINE + "plan/plan.py", "from ..wire import kinds\nfrom ..wire.kinds import kind_of"),
        (ENGINE + "plan/plan.py", "if kind_of(link).is_endpoint and link.mode == 'bridge' and netns.kind == 'name': pass"),
        (ENGINE + "plan/plan.py", "class Sub:\n    kind = 'vlan'\n\nMODES = ('bridge', 'private')\nATTRIBUTES = {'vlan': 1, 'mtu': 2}"),
        (ENGINE + "wire/kinds.py", "if kind == 'macvlan': pass"),
        ("tests/unit/test_plan.py", "assert link.kind == 'macvlan'"),
        (ENGINE + "run/execute.py", "from ..kernel import read, write\nfrom ..plan.plan import plan"),
        (ENGINE + "command.py", "from .run import boot\nfrom .errors import MacvlanHostError"),
        (ENGINE + "plan/plan.py", "if found: pass\nfoundation = replaced = always = remade = 1\ndef f():\n    return other.place, g(way=1)"),
        (ENGINE + "plan/plan.py", "class A:\n    def check(self):\n        pass\n\ndef _check_names(check: validators.Check, checked=1):\n    pass"),
        (ENGINE + "values/validators.py", "Check = t.Callable[[t.Any], bool]\nCHECKS: dict[str, Check] = {}"),
        ("tests/unit/test_plan.py", "found = made = place = way = check = 1"),
        ("plugins/module_utils/fleet/slices.py", "place = places = 1"),
        ("plugins/module_utils/fleet/ledger.py", "import os\nimport sqlite3\nopen('x')"),
        ("plugins/module_utils/_runner.py", "def run(module):\n    module.check_mode or module.exit_json() or module.fail_json()"),
        ("plugins/modules/macvlan_info.py", 'DOCUMENTATION = r"""\n  check_mode: {support: full}\n"""\nAnsibleModule({}, supports_check_mode=True)'),
        ("tests/unit/test_ansible.py", "import sqlite3, pyroute2\nmodule.exit_json()"),
        ("tests/unit/test_plan.py", f"x = 1  # {SILENCED[1]} - one row of the table\ny = 2  # {SILENCED[2]}  # said again by the caller"),
        ("roles/macvlan_host/tasks/main.yml", "path: /tmp/demo." + "X" * 6),
        ("docs/picture.png", "\0"),
    ],
)
def test_what_is_allowed_passes(tmp_path, path, source):
    assert complaints(tmp_path, path, source) == []


def test_arrows_go_down_only_and_what_pure_code_sees_is_pure():
    def below(folder, seen=()):
        assert folder not in seen, seen
        found = {one.partition(".")[0] for one in house_rules.SEES[folder]}
        return {other for one in found for other in (one, *below(one, (*seen, folder)))}

    assert all(below(folder) <= set(house_rules.PURE_FOLDERS) for folder in house_rules.PURE_FOLDERS)
    assert house_rules.floors(house_rules.SEES) <= house_rules.HIGHEST
    there = {path.name for path in (Path(__file__).parents[2] / ENGINE).iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert there == set(house_rules.SEES)


@pytest.mark.parametrize(
    ("sources", "wrong"),
    [
        ({"plan/a.py": "from . import b", "plan/b.py": "def f():\n    from .a import g"}, ["plan/a.py", "plan/b.py"]),
        ({"run/a.py": "from ..plan.b import x", "plan/b.py": "from .c import y", "plan/c.py": "from ..run import a"}, None),
        ({"plan/a.py": "from .b import x\nif t.TYPE_CHECKING:\n    from .c import z", "plan/c.py": "from .a import y", "plan/b.py": ""}, []),
        ({"plan/a.py": "from .b import x\nfrom . import c", "plan/b.py": "from .c import y", "plan/c.py": "import re"}, []),
    ],
)
def test_no_file_imports_itself_by_way_of_others(tmp_path, sources, wrong):
    for path, source in sources.items():
        (tmp_path / ENGINE / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ENGINE / path).write_text(source, encoding="utf-8")
    found = house_rules.circles(house_rules.engine_imports(tmp_path, [ENGINE + path for path in sources]))
    expected = sorted(sources) if wrong is None else wrong
    assert sorted(found) == [f"{ENGINE}{path}:1: imports itself by way of others" for path in expected]


def test_the_height_of_the_folders_is_that_of_the_highest():
    assert house_rules.floors({"a": set(), "b": {"a"}, "c": {"b.x", "a"}, "d": {"a"}}) == 3


def test_the_rule_about_kinds_knows_all_of_them():
    assert {name for name in kinds.KINDS if name} == house_rules.KINDS
    assert all(getattr(kinds, name.upper()).name == name for name in house_rules.KINDS)
