# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text as HTML: whatever a name is, it is shown, and is nothing but text."""

from __future__ import annotations

import html
import unicodedata

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.plain import printable

MANY = 1_000_000
ELLIPSIS = "…"


def escaped(text: object) -> str:
    """Text for an element or for an attribute in quotes. What cannot be seen, such as a change of direction, is shown as its code."""
    return html.escape(printable(str(text)).replace("\n", " "))


def columns(text: str) -> int:
    """How many columns of a monospaced font a text has at most."""
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)


def shortened(text: str, width: int) -> str:
    """A text that has no more columns than there are, with an ellipsis for what is left out; empty where that says nothing."""
    text = printable(text)
    if columns(text) <= width:
        return text
    while text and columns(text + ELLIPSIS) > width:
        text = text[:-1]
    return text + ELLIPSIS if text else ""


def number_text(value: int) -> str:
    """A number as a reader wants it: no host runs out of the addresses of an IPv6 subnet."""
    return f"{value:,}" if value <= MANY else "more than a million"


def counted(number: int, one: str, several: str = "") -> str:
    """A number with the word for one or for several."""
    return f"{number_text(number)} {one if number == 1 else several or one + 's'}"


def hosts_text(names: tuple[str, ...]) -> str:
    """Hosts by their names, or how many they are."""
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} hosts"
