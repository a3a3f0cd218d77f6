# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report about a fleet as a page: everybody can read it, whatever the names are."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.benchmarks import fleet_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report import map_picture, style
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.markup import columns, shortened
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.page import MOST_CHANGES, html_page
from ansible_collections.fleetnet.macvlan.tests.unit.fleet_answers import Page, answer, endpoint, network, report, subnet

CIDR = "192.168.50.0/24"
# The bound of the benchmark is for a quiet machine.
PATIENCE = 5
HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "]]></svg><!--",
    "&lt;&amp;",
    "right\u202eto left",
    "שלום",
    "x" * 300,
    "{{ 7 * 7 }}",
    "new\nline\x00\x1b[31m",
    "</title></style>",
]


def luminance(colour):
    """The relative luminance of WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def page_of(*args, **kwargs):
    return html_page(report(*args, **kwargs))


# --- colours --------------------------------------------------------------------------------------------------------


def test_contrast_is_computed_as_in_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colours", [style.LIGHT, style.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("paint", style.PAINTS, ids=lambda paint: f"{paint.selector}-{paint.prop}")
def test_every_pair_of_colours_has_the_contrast_that_it_needs(paint, colours):
    assert contrast(colours[paint.colour], colours[paint.on]) >= paint.contrast


def test_there_are_no_colours_beside_the_pairs():
    sheet = style.style_sheet()
    assert set(style.LIGHT) == set(style.DARK)
    assert not re.search(r"#[0-9a-f]{3}|rgb|hsl|var\(|(?<!-)color:|fill:|background", style.LAYOUT)
    used = {name for rule in sheet.split(":root", maxsplit=1)[0].splitlines() + sheet.split("\n") for name in re.findall(r"var\(--([\w-]+)\)", rule)}
    assert used == set(style.LIGHT)
    # Text and signs take their colours from the pairs, and only grounds have no pair of their own.
    assert all(not paint.own or paint.on in used for paint in style.PAINTS)
    assert set(style.GROUNDS.values()) <= {paint.on for paint in style.PAINTS}
    texts = {paint.contrast for paint in style.PAINTS if paint.prop == "color" or "text" in paint.selector or "name" in paint.selector}
    assert texts == {style.TEXT}


def test_every_state_has_a_sign_of_its_own():
    assert set(map_picture.SHAPES) == set(map_picture.MEANINGS)
    assert len(set(map_picture.SHAPES.values())) == len(map_picture.SHAPES)


# --- names ----------------------------------------------------------------------------------------------------------


def hostile_page(name):
    lan = network("lan", subnet(CIDR, aux_addresses={name: "192.168.50.9"}), parent=name, mode=name)
    items = [lan, endpoint("web", "192.168.50.2/24", netns=name, ifname=name, mac=name)]
    subs = [{"name": "eth0.50", "parent": name, "vlan_id": name, "protocol": name}]
    drift = [{"object": name, "field": name, "recorded": [name], "actual": {name: name}}]
    answers = {name: {**answer(*items, subs=subs, drift=drift), "warnings": [name]}, "b": answer(*items), "c": {"failed": True, "msg": name}}
    before = {"name": name, "state": "read", "as_of": name, "objects": {name: {name: name}}, "drift": []}
    last = {"format": 1, "generated": name, "duplicates": [], "hosts": [before]}
    return page_of(answers, previous=last, generated=name)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_is_anything_but_text(name):
    text = hostile_page(name)
    page, usual = Page(text), Page(hostile_page("name"))
    assert page.tags == usual.tags
    assert {(tag, key) for tag, key, dummy in page.attributes} == {(tag, key) for tag, key, dummy in usual.attributes}
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)
    if name.isprintable():
        assert name in page.all_text


@given(st.text(max_size=20))
def test_no_text_gets_out_of_its_element(name):
    assert Page(hostile_page(name)).tags == Page(hostile_page("name")).tags


def test_a_page_runs_nothing_and_fetches_nothing():
    text = hostile_page(HOSTILE[0])
    page = Page(text)
    assert "script" not in page.tags
    assert not any(key.startswith("on") or key in ("src", "xlink:href") for dummy, key, value in page.attributes)
    assert all(value.startswith("#") for dummy, key, value in page.attributes if key == "href")
    assert set(re.findall(r"url\(([^)]*)\)", text)) == {"#grid"}
    assert "@import" not in text and "http:" not in text and "https:" not in text
    policy = [value for tag, key, value in page.attributes if (tag, key) == ("meta", "content") and "default-src" in value]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


# --- maps -----------------------------------------------------------------------------------------------------------


def labels(text):
    """(x, y, text) of the texts of all maps."""
    return [(float(x), float(y), label) for x, y, label in re.findall(r'<text [^>]*?x="([\d.]+)" y="([\d.]+)">([^<]*)', text)]


@pytest.mark.parametrize("name", ["a", "edge1", "a-name-that-is-longer-than-its-band", "全角の名前"])
def test_no_text_of_a_map_touches_another_one_and_the_whole_name_is_beside_it(name):
    hosts = {f"{name}{number}": number for number in range(64)}
    segment = {"name": "lan", "subnets": [{"subnet": CIDR, "slice_length": 30}]}
    text = page_of({host: answer() for host in hosts}, [segment], hosts)
    rows = {}
    for x, y, label in labels(text):
        rows.setdefault(round(y), []).append((x, x + columns(label) * map_picture.COLUMN))
    assert rows
    for spans in rows.values():
        ordered = sorted(spans)
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(ordered))
        assert ordered[-1][1] <= map_picture.GUTTER + map_picture.COLUMNS * map_picture.CELL
    assert all(host in Page(text).of("bands/li/b") for host in hosts)


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("edge1", 5, "edge1"), ("edge12", 5, "edg…"), ("edge1", 2, ""), ("edge1", 3, "e…"), ("全角", 4, "全角"), ("全角の", 4, "全…")],
)
def test_what_does_not_fit_ends_with_an_ellipsis(text, width, expected):
    assert shortened(text, width) == expected


@pytest.mark.parametrize(
    ("cidr", "drawn"),
    [("10.0.0.0/22", True), ("10.0.0.0/21", False), ("10.0.0.0/16", False), ("fd00::/64", False), ("fd00::/118", True), ("10.0.0.4/32", True)],
)
def test_large_subnets_are_drawn_by_bands(cidr, drawn):
    text = page_of({"a": answer(network("lan", subnet(cidr, exclude=[cidr])))})
    assert ('class="map"' in text) is drawn
    assert text.count("<use ") <= 1024 + len(map_picture.SHAPES)
    assert Page(text).of("bands/li/b") == ["a"]


def test_rows_without_anything_to_see_are_one_line():
    text = page_of({"a": answer(network("lan", subnet("10.0.0.0/22", ip_ranges=["10.0.0.0/27"])))})
    assert "960 free addresses" in text


def test_an_empty_fleet_has_a_page():
    assert "No host that was read" in Page(page_of({})).all_text


def test_changes_that_nobody_reads_are_counted():
    objects = {f"endpoint lan/{number}": {"ipv4": None} for number in range(MOST_CHANGES + 7)}
    before = {"name": "a", "state": "read", "as_of": "then", "objects": objects, "drift": []}
    last = {"format": 1, "generated": "then", "duplicates": [], "hosts": [before]}
    assert "7 more changes are in the JSON file." in page_of({"a": answer()}, previous=last)


# --- size -----------------------------------------------------------------------------------------------------------


def test_a_large_fleet_has_a_page_that_can_be_opened(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fleet_report.py"])
    monkeypatch.setattr(fleet_report, "SECONDS", PATIENCE * fleet_report.SECONDS)
    assert fleet_report.main() == 0, capsys.readouterr().out
    assert "200 hosts with 50 endpoints" in capsys.readouterr().out
