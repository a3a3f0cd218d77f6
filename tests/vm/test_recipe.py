# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guest tooling decides without a virtual machine: names of images, mirrors, quoting, files to copy."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import select
import shlex
import socket
import subprocess
import sys
import tarfile
import threading
import types
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import pytest_collection_modifyitems


def load_guest() -> types.ModuleType:
    """Import guest.py by its path: it is a program beside the collection's packages, not part of them."""
    spec = importlib.util.spec_from_file_location("fleetnet_vm_guest", Path(__file__).with_name("guest.py"))
    if spec is None or spec.loader is None:
        raise ImportError("guest.py")
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by name while it is being executed.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


guest = load_guest()
# It finds its neighbours by itself.
images, machines = (sys.modules[name] for name in ("images", "machines"))
DEBIAN12 = images.RECIPES["debian12"]
TRIXIE_ARCHIVES = [("trixie", "Debian", "mirror:a"), ("trixie-security", "Debian", "mirror:s")]


def test_the_key_of_an_equal_recipe_is_the_same():
    assert images.recipe_key(dataclasses.replace(DEBIAN12)) == images.recipe_key(DEBIAN12)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "other"),
        ("suites", ("trixie",)),
        ("python", "3.13"),
        ("packages", (*DEBIAN12.packages, "strace")),
        ("wheels", DEBIAN12.wheels[:-1]),
        ("files", (*DEBIAN12.files, ("etc/motd", "hello\n"))),
        ("customise", (*DEBIAN12.customise, "true")),
        ("disk_size", "5G"),
    ],
)
def test_the_key_changes_with_every_field(field, value):
    assert images.recipe_key(dataclasses.replace(DEBIAN12, **{field: value})) != images.recipe_key(DEBIAN12)


def test_every_field_is_covered_by_the_test_above():
    assert {field.name for field in dataclasses.fields(images.Recipe)} == {
        "name",
        "suites",
        "python",
        "packages",
        "wheels",
        "files",
        "customise",
        "disk_size",
    }


def test_the_key_changes_with_the_code_that_builds(monkeypatch):
    before = images.recipe_key(DEBIAN12)
    monkeypatch.setattr(images, "write_disk", lambda *_arguments: None)
    assert images.recipe_key(DEBIAN12) != before


def test_wheels_are_pinned_and_listed_once():
    names = [wheel.partition("==")[0] for wheel in DEBIAN12.wheels]
    assert all("==" in wheel for wheel in DEBIAN12.wheels)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("archives", "suite", "uri"),
    [
        ([("bookworm", "Debian", "mirror:a")], "bookworm", "mirror:a"),
        ([("bookworm", "", "mirror:a")], "bookworm", "mirror:a"),
        ([("other", "Debian", "mirror:b"), ("bookworm", "Debian", "mirror:a")], "bookworm", "mirror:a"),
        (TRIXIE_ARCHIVES, "bookworm", "mirror:a"),
        (TRIXIE_ARCHIVES, "bookworm-security", "mirror:s"),
        ([("noble", "Ubuntu", "mirror:u")], "bookworm", None),
        ([("bookworm", "Debian", "mirror:a")], "bookworm-security", None),
        ([], "bookworm", None),
    ],
)
def test_an_archive_is_chosen_from_the_machines_own(archives, suite, uri):
    assert images.choose_archive(archives, suite) == uri


def test_without_a_debian_mirror_the_default_is_left_to_mmdebstrap(monkeypatch):
    monkeypatch.setattr(images, "configured_archives", lambda: [("noble", "Ubuntu", "mirror:u")])
    assert images.mirror_lines(DEBIAN12.suites) == []


def test_sources_name_every_suite_the_machine_has_a_mirror_for(monkeypatch):
    monkeypatch.setattr(images, "configured_archives", lambda: [("trixie", "Debian", "mirror:a")])
    lines = images.mirror_lines(DEBIAN12.suites)
    assert [line.split()[-3:] for line in lines] == [
        ["mirror:a", "bookworm", "main"],
        ["mirror:a", "bookworm-updates", "main"],
    ]


def test_a_missing_program_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(images.shutil, "which", lambda *_arguments, **_options: None)
    with pytest.raises(images.GuestError, match=r"mke2fs.*e2fsprogs"):
        images.find_program("mke2fs")


def test_a_command_survives_the_shell_of_the_guest():
    words = ["printf", "%s|", "a b", "it's", "$HOME", "*", ""]
    script = guest.remote_command(words, "/", {"X": "1 2"})
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "a b|it's|$HOME|*||"
    assert shlex.split(script)[:4] == ["cd", "/", "&&", "exec"]


def test_what_git_would_commit_is_packed_for_root(tmp_path):
    for command in (["init", "-q"], ["add", "."]):
        for name in ("kept", "deleted", ".gitignore"):
            (tmp_path / name).write_text("ignored\n")
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    (tmp_path / "deleted").unlink()
    for name in ("ignored", "new é"):
        (tmp_path / name).write_text(name)
    with tarfile.open(fileobj=io.BytesIO(guest.pack_checkout(tmp_path))) as archive:
        members = {member.name: (member.uid, member.uname) for member in archive}
    assert members == {".gitignore": (0, "root"), "kept": (0, "root"), "new é": (0, "root")}


def test_an_interrupted_build_leaves_no_image(monkeypatch, tmp_path):
    def interrupt(_recipe, image):
        image.disk.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(images, "fill_image", interrupt)
    monkeypatch.setattr(images, "find_program", str)
    monkeypatch.setattr(images.os, "geteuid", lambda: 0)
    with pytest.raises(KeyboardInterrupt):
        images.ensure_image(DEBIAN12, tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_a_finished_image_is_built_once(monkeypatch, tmp_path):
    built = []
    monkeypatch.setattr(images, "fill_image", lambda _recipe, image: built.append(image.folder))
    monkeypatch.setattr(images, "find_program", str)
    monkeypatch.setattr(images.os, "geteuid", lambda: 0)
    assert images.ensure_image(DEBIAN12, tmp_path) == images.ensure_image(DEBIAN12, tmp_path)
    assert len(built) == 1


def test_the_two_ends_of_a_cable_point_at_each_other(tmp_path):
    one, other = machines.cable(tmp_path, "lan")
    assert one.mac != other.mac
    assert f"local.path={tmp_path}/lan.a" in one.backend
    assert f"remote.path={tmp_path}/lan.a" in other.backend


def test_the_command_line_keeps_options_of_the_command():
    parsed = guest.make_parser().parse_args(["run", "--log", "x", "--", "pytest", "-q", "--log", "y"])
    assert parsed.command == ["pytest", "-q", "--log", "y"]
    assert parsed.log == Path("x")


def test_a_wire_carries_frames_between_kernels_that_are_programs_too(tmp_path):
    one, other = machines.cable(tmp_path, "lan")
    one.end.send(b"frame")
    assert other.end.recv(100) == b"frame"


def test_a_card_without_power_forgets_what_reached_it(tmp_path):
    one, other = machines.cable(tmp_path, "lan")
    one.end.send(b"old")
    assert select.select([other.end], [], [], 60)[0]
    machines.empty(other.end)
    one.end.send(b"new")
    assert other.end.recv(100) == b"new"


def test_a_card_can_always_send_whether_or_not_another_takes_it(tmp_path):
    one, other = machines.cable(tmp_path, "lan")
    one.end.settimeout(60)
    for dummy in range(1000):
        one.end.send(b"frame")
    assert other.end.recv(100) == b"frame"


@pytest.mark.parametrize(("failed", "wanted"), [(0, ""), (1, "no such card")])
def test_a_kernel_gets_a_request_and_its_error_text_is_read(tmp_path, failed, wanted):
    (tmp_path / "one").mkdir()
    asked = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as kernel:
        kernel.bind(str(tmp_path / "one/mconsole"))

        def answer():
            message, sender = kernel.recvfrom(1000)
            asked.append(message[machines.ORDER.size :].rstrip(b"\0"))
            for more, text in ((1, b"no such "), (0, b"card\0")):
                kernel.sendto(machines.ORDER.pack(failed, more, len(text)) + text.ljust(machines.ORDER_SIZE, b"\0"), sender)

        thread = threading.Thread(target=answer)
        thread.start()
        assert machines.tell_kernel(tmp_path, "one", "config vec1=x") == wanted
        thread.join()
    assert asked == [b"config vec1=x"]


@pytest.mark.parametrize(
    ("dumped", "wanted"),
    [
        ('Acquire::Check-Valid-Until "false"\nAcquire::Check-Date ""\n', ['--aptopt=Acquire::Check-Valid-Until "false"']),
        ("", []),
    ],
)
def test_a_mirror_may_be_as_old_as_this_machine_lets_it(monkeypatch, dumped, wanted):
    monkeypatch.setattr(images.subprocess, "run", lambda *_arguments, **_options: types.SimpleNamespace(stdout=dumped))
    monkeypatch.setattr(images.shutil, "which", str)
    assert images.apt_settings() == wanted


def test_without_apt_there_is_nothing_to_take_over(monkeypatch):
    monkeypatch.setattr(images.shutil, "which", lambda _name: None)
    assert images.apt_settings() == []


@pytest.mark.parametrize("kernel", guest.KERNELS)
def test_every_kernel_has_its_machine(monkeypatch, tmp_path, kernel):
    suites = []
    monkeypatch.setattr(machines, "ensure_kernel", lambda suite, _cache: suites.append(suite) or tmp_path)
    guest.machine_for(kernel)
    assert suites == {"own": [], "newest": [images.NEWEST_SUITE]}.get(kernel, [kernel])


@pytest.mark.parametrize(("plugged", "cards"), [(True, 1), (False, 0)])
def test_a_machine_is_started_with_or_without_its_second_card(monkeypatch, tmp_path, plugged, cards):
    monkeypatch.setattr(machines, "ensure_kernel", lambda _suite, _cache: tmp_path)
    nics = machines.cable(tmp_path, "lan")[:1]
    hardware = machines.Hardware("one", tmp_path, images.Image(tmp_path), tmp_path / "log", 0, 1, 512, "0" * 32, nics, plugged)
    with socket.socket() as listener:
        order = machines.UserMode("trixie").order(hardware, listener)
    assert sum(word.startswith("vec1:transport=fd,") for word in order["arguments"]) == cards
    assert len(order["wires"]) == 1


@pytest.mark.parametrize("guests", [1, 2, 3])
def test_the_shares_of_several_guests_are_all_the_tests(monkeypatch, guests):
    deselected = []
    config = types.SimpleNamespace(hook=types.SimpleNamespace(pytest_deselected=lambda *, items: deselected.append(len(items))))
    ran = []
    for number in range(1, guests + 1):
        monkeypatch.setenv("MACVLAN_SHARE", f"{number}/{guests}")
        items = list(range(10))
        pytest_collection_modifyitems(config, items)
        ran += items
    assert sorted(ran) == list(range(10))
    assert sum(deselected) == 10 * (guests - 1)
