# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a report looks. Colours are declared in pairs, so that the contrast of each pair can be computed."""

from __future__ import annotations

import typing as t

# Contrast that WCAG 2.2 asks for at level AA: of text, and of what must be seen to understand a picture.
TEXT, GRAPHIC = 4.5, 3.0

LIGHT = {
    "paper": "#ffffff",
    "panel": "#f2f4f7",
    "ink": "#1a1d21",
    "muted": "#4b5563",
    "link": "#0b4fb3",
    "line": "#7b8794",
    "bad": "#fde7e4",
    "on-bad": "#8c1a11",
    "good": "#e2f4e6",
    "on-good": "#11572a",
    "cell": "#e6ebf1",
    "even": "#cfe0fa",
    "odd": "#e4d9f6",
    "leased": "#1a62c4",
    "reserved": "#59626f",
    "gateway": "#6433b8",
    "foreign": "#955000",
    "drift": "#b3241a",
    "duplicate": "#a3005f",
}
DARK = {
    "paper": "#14171b",
    "panel": "#1f242a",
    "ink": "#e9ebee",
    "muted": "#b0b9c4",
    "link": "#8fbcff",
    "line": "#7f8b99",
    "bad": "#4b1713",
    "on-bad": "#ffcdc7",
    "good": "#143a22",
    "on-good": "#b9eec8",
    "cell": "#2a3038",
    "even": "#1d3f70",
    "odd": "#452c70",
    "leased": "#74b0ff",
    "reserved": "#a3adb9",
    "gateway": "#c3a2ff",
    "foreign": "#f0a64c",
    "drift": "#ff8d83",
    "duplicate": "#ff8ac6",
}


class Paint(t.NamedTuple):
    """The colours of elements.

    :ivar prop: what is coloured: ``color`` of text, ``fill`` of text and shapes in pictures, ``border-color``, ``outline-color``
    :ivar on: what is behind it
    :ivar contrast: how much it needs
    :ivar own: whether the elements have this background themselves, and not from around them
    """

    selector: str
    prop: str
    colour: str
    on: str
    contrast: float = TEXT
    own: bool = False


PAINTS = (
    Paint("body", "color", "ink", "paper", own=True),
    Paint(".box", "color", "ink", "panel", own=True),
    Paint(".box .dim", "color", "muted", "panel"),
    Paint(".dim", "color", "muted", "paper"),
    Paint("a", "color", "link", "paper"),
    Paint(".box a", "color", "link", "panel"),
    Paint("a:focus-visible,summary:focus-visible", "outline-color", "link", "paper", GRAPHIC),
    Paint("mark", "color", "on-bad", "bad", own=True),
    Paint(".fine", "color", "on-good", "good", own=True),
    Paint("pre", "color", "ink", "panel", own=True),
    Paint(".tree,.tree li,.tree ul,section", "border-color", "line", "paper", GRAPHIC),
    Paint(".box", "border-color", "line", "panel", GRAPHIC),
    Paint("svg text", "fill", "ink", "paper"),
    Paint("svg .even-name", "fill", "ink", "even"),
    Paint("svg .odd-name", "fill", "ink", "odd"),
    *(Paint(f".{state}", "fill", state, "cell", GRAPHIC) for state in ("leased", "reserved", "gateway", "foreign", "drift", "duplicate")),
)
# What is no sign of its own, and therefore needs no contrast: the ground under the signs.
GROUNDS = {".cell": "cell", ".even": "even", ".odd": "odd"}

# Sizes and the like: no colour stands in here.
LAYOUT = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0 auto;padding:1rem;max-width:75rem;font:1rem/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:0}
h2{font-size:1.25rem;margin:0 0 .6rem}
h3{font-size:1.05rem;margin:1rem 0 .3rem}
h4{font-size:1rem;margin:.7rem 0 .2rem}
h1,h2,h3,h4{line-height:1.25}
p{margin:.3rem 0}
section{margin:1.4rem 0 0;padding:1.1rem 0 0;border-top:1px solid}
ul{list-style:none;margin:0;padding:0}
b,i,em,code,mark,.n{unicode-bidi:isolate}
i,em{font-style:normal}
code,.e em{font-family:ui-monospace,monospace;font-size:.9em}
mark,.fine{padding:0 .35em;border-radius:.25em;font-weight:600}
pre{margin:.4rem 0;padding:.5rem .7rem;white-space:pre-wrap;border-radius:.3rem}
.counts{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0}
.box{border:1px solid;border-radius:.4rem;padding:.5rem .8rem}
.counts .box{flex:1 1 8rem}
.counts b{display:block;font-size:1.5rem;line-height:1.2}
.row>li{display:flex;flex-wrap:wrap;gap:.1rem .8rem;align-items:baseline;padding:.15rem 0}
.names{display:flex;flex-wrap:wrap;gap:.2rem .9rem}
details{margin:.3rem 0}
summary{cursor:pointer;padding:.2rem 0}
a:focus-visible,summary:focus-visible{outline:2px solid}
.map{display:block;width:100%;max-width:46rem;height:auto;margin:.4rem 0}
.map text{font:8px ui-monospace,monospace}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:.3rem 0}
.key svg{width:1rem;height:1rem;vertical-align:-.15rem;margin-right:.3rem}
.bands code{min-width:12rem}
.bar{width:9rem;height:.7rem;align-self:center;flex:none}
.tree,.tree ul{border-left:1px solid;margin:.15rem 0 .3rem .45rem}
.tree li{padding:.12rem 0 .12rem 1.1rem;position:relative}
.tree li::before{content:"";position:absolute;left:0;top:.85rem;width:.8rem;border-top:1px solid;border-color:inherit}
.tree .e{display:flex;flex-wrap:wrap;gap:0 .8rem}
@media print{
body{max-width:none;padding:0;font-size:10pt}
details::details-content{content-visibility:visible;block-size:auto;display:block}
.map,.bar,.key svg,mark,.fine,.box{-webkit-print-color-adjust:exact;print-color-adjust:exact}
li,svg,pre,h2,h3{break-inside:avoid}
h2,h3,summary{break-after:avoid}
nav{display:none}
}
"""


def style_sheet() -> str:
    """The whole style sheet. On paper it is always the light one."""
    rules = [f":root{{color-scheme:light dark;{_variables(LIGHT)}}}", f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"]
    rules += [f"{paint.selector}{{{paint.prop}:var(--{paint.colour}){f';background:var(--{paint.on})' if paint.own else ''}}}" for paint in PAINTS]
    rules += [f"{selector}{{fill:var(--{name})}}" for selector, name in GROUNDS.items()]
    return LAYOUT.strip() + "\n" + "\n".join(rules)


def _variables(colours: t.Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in colours.items())
