# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the tables of the guide "Day 2" from the engine's table of changes: python docs/site/changes_table.py"""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/docsite/rst/guide_day2.rst"
BEGIN = ".. What follows is written by docs/site/changes_table.py, up to the end of the tables."
END = ".. The end of the tables."

# Kind of object → the heading of its table, and its module.
TABLES = {
    "network": ("A network", "macvlan_network"),
    "endpoint": ("An endpoint", "macvlan_endpoint"),
    "vlan_subinterface": ("A VLAN sub-interface", "vlan_subinterface"),
}


class Change(t.Protocol):
    """A row of the engine's table, :class:`macvlan_host.model.changes.Change`."""

    option: str
    effect: str
    result: str
    when: str


def tables(changes: t.Mapping[str, t.Sequence[Change]]) -> str:
    """The tables of all kinds of objects, each below its heading."""
    return "\n".join(_table(*TABLES[kind], rows) for kind, rows in sorted(changes.items(), key=lambda item: list(TABLES).index(item[0])))


def with_tables(guide: str, changes: t.Mapping[str, t.Sequence[Change]]) -> str:
    """The text of the guide with its tables as they must be."""
    before, _begin, rest = guide.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{GUIDE}: the lines between which the tables are written are missing: {BEGIN} {END}")
    return f"{before}{BEGIN}\n\n{tables(changes)}\n{END}{after}"


def _table(title: str, module: str, rows: t.Sequence[Change]) -> str:
    options: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        options.setdefault((row.effect, row.result, row.when), []).append(_option(module, row.option))
    lines = [title, "^" * len(title), "", ".. list-table::", "   :header-rows: 1", "   :widths: 40 15 45", ""]
    lines += ["   * - Change", "     - How", "     - What is done"]
    for (effect, result, when), names in options.items():
        lines += [f"   * - {names[0]}{',' if len(names) > 1 else _condition(when)}"]
        lines += [f"       {name}{_condition(when) if name == names[-1] else ','}" for name in names[1:]]
        lines += [f"     - {effect}", f"     - {result[0].upper()}{result[1:]}."]
    return "\n".join(lines) + "\n"


def _option(module: str, option: str) -> str:
    return f":ansopt:`fleetnet.macvlan.{module}#module:{option.replace('.', '[].')}`"


def _condition(when: str) -> str:
    return f", {when}" if when else ""


def main() -> None:
    """Write the tables into the guide; the checkout must be where Ansible finds it as fleetnet.macvlan."""
    sys.path.insert(0, str(ROOT.parents[2]))
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.changes import CHANGES

    GUIDE.write_text(with_tables(GUIDE.read_text(encoding="utf-8"), CHANGES), encoding="utf-8")


if __name__ == "__main__":
    main()
