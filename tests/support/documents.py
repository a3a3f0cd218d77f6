# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code blocks of the documents; with a file and a heading as arguments, prints the first one there."""

from __future__ import annotations

import dataclasses
import itertools
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

COLLECTION = Path(__file__).resolve().parents[2]
# Pictures and answers of programs.
NOT_RUN = frozenset({"text"})

MARKDOWN_HEADING = re.compile(r"#+ (?P<title>.+)")
MARKDOWN_FENCE = re.compile(r"(?P<indent> *)```(?P<language>\w*)")
RST_UNDERLINE = re.compile(r"([=\-~^\"'*+#.])\1{2,}")
RST_BLOCK = re.compile(r"(?P<indent> *)\.\. code-block:: (?P<language>\w+)")
RST_OPTION = re.compile(r" +:[a-z-]+:")


@dataclasses.dataclass(frozen=True)
class Snippet:
    """One code block, below the nearest heading before it."""

    file: str
    section: str
    language: str
    text: str


def documents() -> list[str]:
    """What users and contributors read, relative to the collection."""
    found = {path for pattern in ("*.md", "docs/docsite/rst/*.rst", "roles/*/*.md") for path in COLLECTION.glob(pattern)}
    return sorted(str(path.relative_to(COLLECTION)) for path in found)


def read_snippets(file: str) -> list[Snippet]:
    """All code blocks of a document that are there to be run, in their order."""
    lines = (COLLECTION / file).read_text(encoding="utf-8").splitlines()
    blocks = rst_blocks(lines) if file.endswith(".rst") else markdown_blocks(lines)
    return [Snippet(file, *block) for block in blocks if block[1] not in NOT_RUN]


def markdown_blocks(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """Heading, language and text of every fenced block."""
    section, rest = "", iter(lines)
    for line in rest:
        if heading := MARKDOWN_HEADING.fullmatch(line):
            section = heading["title"]
        if fence := MARKDOWN_FENCE.fullmatch(line):
            text = itertools.takewhile(lambda inner, end=fence["indent"] + "```": inner != end, rest)
            yield section, fence["language"], dedented(list(text))


def rst_blocks(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """Heading, language and text of every code-block directive."""
    section = ""
    for number, line in enumerate(lines):
        if number and RST_UNDERLINE.fullmatch(line) and len(line) >= len(lines[number - 1]) > 0:
            section = lines[number - 1]
        if block := RST_BLOCK.fullmatch(line):
            deeper = block["indent"] + " "
            inside = itertools.takewhile(
                lambda inner, deeper=deeper: not inner or inner.startswith(deeper), lines[number + 1 :]
            )
            yield section, block["language"], dedented([inner for inner in inside if not RST_OPTION.match(inner)])


def dedented(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip("\n") + "\n"


if __name__ == "__main__":
    print(next(snippet.text for snippet in read_snippets(sys.argv[1]) if snippet.section == sys.argv[2]))
