# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No snippet of a document without a test that runs it."""

from __future__ import annotations

import importlib

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.tests.support.documents import (
    COLLECTION,
    documents,
    markdown_blocks,
    read_snippets,
    rst_blocks,
)

FOLDERS = ("documents", "jobs")
# Plays of the role need systemd, and a scenario has it.
SCENARIO = "extensions/molecule/teardown/converge.yml"


Place = tuple[str, str, int]


def marks() -> list[Place]:
    """Every snippet that a test or a scenario says it runs, by file, section and number."""
    files = [file for folder in FOLDERS for file in sorted((COLLECTION / "tests" / folder).glob("test_*.py"))]
    modules = [
        importlib.import_module(f"ansible_collections.fleetnet.macvlan.tests.{file.parent.name}.{file.stem}")
        for file in files
    ]
    functions = [member for module in modules for name, member in vars(module).items() if name.startswith("test_")]
    shown = [mark.args for function in functions for mark in getattr(function, "pytestmark", ()) if mark.name == "shows"]
    (scenario, *dummy) = yaml.safe_load((COLLECTION / SCENARIO).read_text(encoding="utf-8"))
    shown += [(entry["file"], entry["section"], 0) for entry in scenario["vars"]["shown"]]
    return [place for file, section, *numbers in shown for place in places(file, section, numbers)]


def places(file: str, section: str, numbers: list[int]) -> list[Place]:
    there = sum(snippet.section == section for snippet in read_snippets(file))
    return [(file, section, number) for number in numbers or range(there)]


@pytest.mark.parametrize("file", documents())
def test_every_snippet_is_run_by_one_test(file: str) -> None:
    there = [place for title in {snippet.section for snippet in read_snippets(file)} for place in places(file, title, [])]
    assert sorted(place for place in marks() if place[0] == file) == sorted(there)


def test_the_documents_are_found() -> None:
    assert {"README.md", "roles/macvlan_host/README.md"} <= set(documents())
    assert {place[0] for place in marks()} <= set(documents())


@pytest.mark.parametrize(
    "lines",
    [
        ["```shell title=x", "ls", "```"],
        ["```yaml+jinja", "a: 1", "```"],
        ["```python", "1", "```"],
        ["```", "ls", "```"],
        ["````yaml", "a: 1", "````"],
        ["~~~", "ls", "~~~"],
        ["- ```shell", "  ls", "  ```"],
        ["```shell", "ls"],
        ["```shell", "ls", "```yaml", "a: 1", "```"],
        ["text", "", "    ls"],
        ["<pre>", "ls", "</pre>"],
    ],
    ids=" ".join,
)
def test_any_other_code_in_markdown_is_refused(lines: list[str]) -> None:
    with pytest.raises(ValueError, match="code block"):
        list(markdown_blocks(lines))


@pytest.mark.parametrize(
    "line",
    [
        ".. code-block:: yaml+jinja",
        ".. code-block:: python",
        ".. code-block::",
        ".. code:: yaml",
        ".. sourcecode:: shell",
        ".. parsed-literal::",
        ".. literalinclude:: x.yml",
        "   - .. code-block:: shell",
        "::",
        "As in::",
        ">>> 1",
    ],
)
def test_any_other_code_in_restructured_text_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="code block"):
        list(rst_blocks([line, "", "   ls"]))


def test_blocks_of_markdown_are_found_under_their_heading() -> None:
    lines = ["# One", "```yaml", "a: 1", "# no heading", "```", "## Two", "- item", "", "  ```shell", "  ls", "  ```", "  end"]
    assert list(markdown_blocks(lines)) == [("One", "yaml", "a: 1\n# no heading\n"), ("Two", "shell", "ls\n")]


def test_blocks_of_restructured_text_are_found_under_their_heading() -> None:
    lines = ["One", "===", ".. code-block:: yaml", "   :caption: x", "", "   a:", "", "     b", "text", "Two", "---", "- item"]
    lines += ["", "  .. code-block:: shell", "", "     ls", "", "  end"]
    assert list(rst_blocks(lines)) == [("One", "yaml", "a:\n\n  b\n"), ("Two", "shell", "ls\n")]
