# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever bytes a task, the database or the kernel may say, reading them ends in a value or in an error that is known.

Guided by coverage: libFuzzer changes the bytes, and keeps those that reach new lines (github.com/google/atheris).
"""

from __future__ import annotations

import json
import struct
import sys
import typing as t
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ansible_collections.fleetnet.macvlan"]):
    from ansible_collections.fleetnet.macvlan.plugins.module_utils import _argspecs, _option_values
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.endpoint import Endpoint
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import OwnedNetns
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Network
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import config_options
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps import record_diff, stored
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import inverse
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import addresses, names
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.plain import plain
    from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import attributes, frames, kinds, pack, parse, probes
    from ansible_collections.fleetnet.macvlan.tests.support import hostile

Read = t.Callable[[bytes], object]


# --- what is read ---------------------------------------------------------------------------------------------------


def read_task(data: bytes) -> None:
    params = json.loads(data)
    if isinstance(params, dict) and all(isinstance(item, list) for item in params.values()):
        options = _argspecs.config_items()
        lists = {key: [item for item in params.get(key, ()) if isinstance(item, dict)] for key in options}
        config_options(_option_values.config_params(lists))


def read_row(data: bytes) -> None:
    row = json.loads(data)
    readers = Network.from_plain, OwnedNetns.from_plain, Endpoint.from_plain, record_diff.link_from_plain
    for read in readers:
        try:
            found = read(row)
        except (AttributeError, LookupError, TypeError, ValueError):
            continue
        assert read(json.loads(json.dumps(plain(found)))) == found


def read_step(data: bytes) -> None:
    found = stored.from_plain(json.loads(data))
    found.describe()
    inverse([found])
    assert stored.from_plain(json.loads(json.dumps(stored.to_plain(found)))) == found


def read_change(data: bytes) -> None:
    record_diff.change_from_plain(json.loads(data))


def read_messages(data: bytes) -> None:
    for _kind, flags, _number, body in attributes.messages(data):
        for read in (parse.parse_link, parse.parse_address, parse.parse_route, parse.parse_nsid, parse.parse_filter):
            try:
                read(body)
            except (LookupError, ValueError, struct.error):
                continue
        parse.parse_vlan_filter(body)
        parse.parse_settings(parse.link_attributes(body), "eth0")
        attributes.parse_answer(flags, body)


def read_frame(data: bytes) -> None:
    """What neighbours may send: the first byte says which kind of frame the others are."""
    ethertype = (b"\x08\x06", b"\x86\xdd")[data[0] % 2] if data else b""
    claim = probes.claim_in(bytes(12) + ethertype + data[1:])
    assert claim is None or len(claim.address) in (4, 16) and len(claim.mac) == len(claim.sender) == 6


def read_text(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    names.split_subinterface(text)
    names.interface_name_problem(text)
    names.namespace_name_problem(text)
    names.object_name_problem("name", text)
    for read in (addresses.parse_address, addresses.parse_mac):
        try:
            assert read(read(text)) == read(text)
        except ValueError:
            continue
    for read in (addresses.parse_network, addresses.parse_range):
        try:
            canonical = read(text)[0]
        except ValueError:
            continue
        assert read(canonical) == (canonical, False)
        addresses.block_of(canonical)


# What is read → the errors that a reader's caller knows.
READERS: dict[Read, tuple[type[Exception], ...]] = {
    read_task: (OptionsError, ValueError, RecursionError),
    read_row: (ValueError, RecursionError),
    read_step: (AttributeError, LookupError, TypeError, ValueError, RecursionError),
    read_change: (AttributeError, LookupError, TypeError, ValueError, RecursionError),
    read_messages: (LookupError, ValueError, struct.error),
    read_text: (),
    read_frame: (),
}


def read_anything(data: bytes) -> None:
    """The first byte says what the others are."""
    if data:
        read = list(READERS)[data[0] % len(READERS)]
        try:
            read(data[1:])
        except READERS[read]:
            return


# --- what to begin with ---------------------------------------------------------------------------------------------


def seeds() -> t.Iterator[bytes]:
    tag, host = names.tag("0" * 32), {"kind": "host", "value": ""}
    network, place = {**hostile.MODULES["macvlan_network"][1], "id": "0" * 32}, {"netns": host, "ifname": "eth0"}
    link = {"name": "a", "kind": "macvlan", "tag": tag, "parent": "b", "mac": None, "mtu": 9, "mode": None}
    found: dict[Read, list[t.Any]] = {
        read_task: [hostile.MODULES["macvlan_config"][1]],
        read_row: [network, {"id": "0" * 32, "name": "a"}],
        read_step: [
            {"step": "DeleteLink", "netns": host, "link": {**link, "vlan": None}, "restore": [], "because": ""},
            {"step": "AddRoute", **place, "route": {"to": "::/0", "via": None, "metric": 1}},
            {"step": "AddConnectedRoute", **place, "address": "10.0.0.1/24"},
            {"step": "SetLink", **place, "attribute": "mtu", "old": 1, "new": 2},
            {"step": "SetSysctls", **place, "settings": [{"key": "net.a", "old": "0", "new": "7"}]},
        ],
        read_change: [["networks", ["net"], False, network]],
    }
    for number, read in enumerate(READERS):
        yield from (bytes([number]) + json.dumps(item).encode() for item in found.get(read, ()))
        if read is read_messages:
            requests = (
                pack.add_link(kinds.MACVLAN, "eth0", 2, kinds.Details("bridge"), "02:00:00:00:00:01", 1500),
                pack.add_route(2, Route("fd00::/64", "fd00::1", 5)),
                pack.add_address(2, "10.0.0.1/24", "10.0.0.9"),
            )
            yield from (bytes([number]) + attributes.message(item.kind, item.flags, 1, item.body) for item in requests)
        if read is read_text:
            texts = b"10.0.0.1-10.0.0.9", b"fd00::/64", b"02-42-00-00-00-01", b"eth0.5"
            yield from (bytes([number]) + text for text in texts)
        if read is read_frame:
            for kind, address in ((0, "10.0.0.9"), (1, "fd00::9")):
                for frame in (probes.probe(b"\x02" * 6, address), frames.announcement("02:00:00:00:00:01", address)):
                    yield bytes([number, kind]) + frame[14:]


def main() -> None:
    """Begin with what is in the folder named first, and keep there what was found; the rest is for libFuzzer."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, read_anything)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
