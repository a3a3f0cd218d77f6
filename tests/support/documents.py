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
# The last one is for answers of programs, and for what other programs would be told.
LANGUAGES = ("yaml", "shell", "text")
# Directives that hold no code.
PROSE = ("contents", "image", "list-table", "note")

MARKDOWN_HEADING = re.compile(r"#+ (?P<title>.+)")
MARKDOWN_FENCE = re.compile(r"(?P<indent> *)```(?P<language>\w+)")
# Everything that Markdown takes for code between lines, and after an empty one.
MARKDOWN_CODE = re.compile(r"```|~~~|<pre\b")
MARKDOWN_INDENTED = re.compile(r" {4}|\t")
RST_UNDERLINE = re.compile(r"([=\-~^\"'*+#.])\1{2,}")
RST_BLOCK = re.compile(r"(?P<indent> *)\.\. code-block:: (?P<language>\w+)")
RST_PROSE = re.compile(rf" *\.\. (?:{'|'.join(PROSE)})::.*")
# Every other directive, also in a list or a table; a literal block, and a doctest.
RST_CODE = re.compile(r"\.\. .*::|::\Z|>>> ")
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
    """All code blocks of a document in their order.

    :raises ValueError: it has code in a form or a language that is not read here
    """
    lines = (COLLECTION / file).read_text(encoding="utf-8").splitlines()
    blocks = rst_blocks(lines) if file.endswith(".rst") else markdown_blocks(lines)
    return [Snippet(file, *block) for block in blocks]


def markdown_blocks(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """Heading, language and text of every fenced block."""
    section, end = "", 0
    for number, line in enumerate(lines):
        if number < end:
            continue
        if heading := MARKDOWN_HEADING.fullmatch(line):
            section = heading["title"]
        if fence := known(MARKDOWN_FENCE.fullmatch(line)):
            inside = list(itertools.takewhile(lambda inner: "```" not in inner, lines[number + 1 :]))
            end = number + 1 + len(inside) + 1
            if lines[end - 1 : end] != [fence["indent"] + "```"]:
                raise ValueError(f"a code block without an end: {line}")
            yield section, fence["language"], dedented(inside)
        elif MARKDOWN_CODE.search(line) or (not lines[number - 1].strip() and MARKDOWN_INDENTED.match(line)):
            raise ValueError(f"a code block that no test can find: {line}")


def rst_blocks(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """Heading, language and text of every code-block directive."""
    section, end = "", 0
    for number, line in enumerate(lines):
        if number < end:
            continue
        if number and RST_UNDERLINE.fullmatch(line) and len(line) >= len(lines[number - 1]) > 0:
            section = lines[number - 1]
        if block := known(RST_BLOCK.fullmatch(line)):
            deeper = block["indent"] + " "
            inside = list(
                itertools.takewhile(
                    lambda inner, deeper=deeper: not inner or inner.startswith(deeper), lines[number + 1 :]
                )
            )
            end = number + 1 + len(inside)
            yield section, block["language"], dedented([inner for inner in inside if not RST_OPTION.match(inner)])
        elif RST_CODE.search(line) and not RST_PROSE.fullmatch(line):
            raise ValueError(f"a code block that no test can find: {line}")


def known(block: re.Match[str] | None) -> re.Match[str] | None:
    return block if block and block["language"] in LANGUAGES else None


def dedented(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip("\n") + "\n"


if __name__ == "__main__":
    print(next(snippet.text for snippet in read_snippets(sys.argv[1]) if snippet.section == sys.argv[2]))
